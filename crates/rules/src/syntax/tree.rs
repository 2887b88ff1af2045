//! A rule's head and options, with their places.

use crate::limits::KEYWORD_COUNT_MAX;
use crate::refusal::{Code, Done, refuse};
use memchr::memchr;

/// Bytes that an option of a rule has, about.
const CHOICE_LEN: usize = 24;

/// A piece of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub text: &'a str,
    /// Offset in the rule.
    pub at: usize,
}

/// `NAME;` or `NAME:VALUE;`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice<'a> {
    pub name: Word<'a>,
    pub value: Option<Word<'a>>,
}

/// A rule.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    pub action: Word<'a>,
    pub protocol: Word<'a>,
    pub src: Word<'a>,
    pub src_ports: Word<'a>,
    pub arrow: Word<'a>,
    pub dst: Word<'a>,
    pub dst_ports: Word<'a>,
    /// Where the options begin: at a `(`.
    pub options_at: usize,
    pub choices: Vec<Choice<'a>>,
}

/// Cuts a rule into its pieces.
pub(crate) fn tree(text: &str) -> Done<Tree<'_>> {
    let mut rest = Word { text, at: 0 };
    let action = word(&mut rest);
    let protocol = word(&mut rest);
    // A rule of a protocol may leave addresses and ports out.
    let options = trim(rest);
    if options.text.starts_with('(') && !protocol.text.is_empty() {
        let any = Word { text: "any", at: protocol.at };
        let arrow = Word { text: "->", at: protocol.at };
        let (options_at, choices) = (options.at, choices(options)?);
        return Ok(Tree {
            action,
            protocol,
            src: any,
            src_ports: any,
            arrow,
            dst: any,
            dst_ports: any,
            options_at,
            choices,
        });
    }
    let src = word(&mut rest);
    let src_ports = word(&mut rest);
    let arrow = word(&mut rest);
    let dst = word(&mut rest);
    let dst_ports = word(&mut rest);
    if dst_ports.text.is_empty() {
        return refuse(Code::Head, 0, text.len().min(40), "the rule's head is not complete");
    }
    let options = trim(rest);
    if !options.text.starts_with('(') {
        return refuse(Code::Options, rest.at, rest.text.len().clamp(1, 20), "the options do not begin with (");
    }
    let (options_at, choices) = (options.at, choices(options)?);
    Ok(Tree { action, protocol, src, src_ports, arrow, dst, dst_ports, options_at, choices })
}

fn trim(word: Word<'_>) -> Word<'_> {
    let text = trim_start(word.text);
    Word { at: word.at + word.text.len() - text.len(), text: trim_end(text) }
}

/// As [`str::trim_start`]; the way is short where there is nothing to trim.
fn trim_start(text: &str) -> &str {
    match text.as_bytes().first() {
        Some(b'!'..=b'~') => text,
        _ => text.trim_start(),
    }
}

/// As [`str::trim_end`].
fn trim_end(text: &str) -> &str {
    match text.as_bytes().last() {
        Some(b'!'..=b'~') => text,
        _ => text.trim_end(),
    }
}

/// Parts between commas, trimmed.
pub(crate) fn parts(word: Word<'_>) -> impl Iterator<Item = Word<'_>> {
    let mut at = word.at;
    word.text.split(',').map(move |part| {
        let start = trim_start(part);
        let word = Word { text: trim_end(start), at: at + part.len() - start.len() };
        at += part.len() + 1;
        word
    })
}

/// The next word of the head; blanks within brackets belong to it.
fn word<'a>(rest: &mut Word<'a>) -> Word<'a> {
    let start = rest.text.trim_start();
    let at = rest.at + rest.text.len() - start.len();
    let mut depth = 0u32;
    let end = start
        .bytes()
        .position(|c| {
            match c {
                b'[' => depth += 1,
                b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && (c.is_ascii_whitespace() || c == b'(')
        })
        .unwrap_or(start.len());
    let (text, behind) = start.split_at_checked(end).unwrap_or((start, ""));
    *rest = Word { text: behind, at: at + text.len() };
    Word { text, at }
}

/// The options: what begins with the first `(`.
pub(crate) fn choices(rest: Word<'_>) -> Done<Vec<Choice<'_>>> {
    let inner = rest.text.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let base = rest.at + rest.text.len() - inner.len();
    let inner = inner.trim_end_matches(|c: char| c.is_whitespace() || c == ')');
    let mut choices = Vec::with_capacity(inner.len() / CHOICE_LEN + 4);
    let mut at = 0;
    loop {
        at = not_blank(inner, at);
        if at == inner.len() {
            return Ok(choices);
        }
        let Some(end) = option_end(inner, at) else {
            return refuse(Code::Options, base + at, (inner.len() - at).min(60), "no ; ends this option");
        };
        if choices.len() >= KEYWORD_COUNT_MAX {
            let text = format!("the rule has more than {KEYWORD_COUNT_MAX} options");
            return refuse(Code::Limit, base + at, end - at, text);
        }
        let option = inner.get(at..end).unwrap_or("");
        let colon = option.as_bytes().iter().position(|&c| c == b':');
        let parts = colon.and_then(|n| Some((option.get(..n)?, option.get(n + 1..)?)));
        let (name, value) = parts.map_or((option, None), |(name, value)| (name, Some(value)));
        let value = value.map(|text| trim(Word { text, at: base + at + name.len() + 1 }));
        choices.push(Choice { name: Word { text: trim_end(name), at: base + at }, value });
        at = end + 1;
    }
}

/// Where `text` goes on behind blanks, from `at` on.
fn not_blank(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = at.min(text.len());
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    match bytes.get(at) {
        Some(b'!'..=b'~') => at,
        _ => text.len() - text.get(at..).unwrap_or("").trim_start().len(),
    }
}

/// Where the first `;` is, from `from` on, that no `\` stands before. Quotes protect nothing, as in Suricata.
fn option_end(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        let n = at + memchr(b';', bytes.get(at..)?)?;
        if n == from || bytes.get(n - 1) != Some(&b'\\') {
            return Some(n);
        }
        at = n + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_a_rule() {
        let text = "alert tcp [1.2.3.4, !$X] any -> any 80:90 ( msg: \"a\\;b\" ; nocase;content:!\"x:y\";)";
        let tree = tree(text).unwrap();
        assert_eq!((tree.src.text, tree.dst_ports.text), ("[1.2.3.4, !$X]", "80:90"));
        let all: Vec<_> = tree.choices.iter().map(|c| (c.name.text, c.value.map(|v| v.text))).collect();
        assert_eq!(all, [("msg", Some("\"a\\;b\"")), ("nocase", None), ("content", Some("!\"x:y\""))]);
        for choice in &tree.choices {
            assert_eq!(&text[choice.name.at..][..choice.name.text.len()], choice.name.text);
            if let Some(value) = choice.value {
                assert_eq!(&text[value.at..][..value.text.len()], value.text);
            }
        }
    }

    #[test]
    fn rejects_broken_rules() {
        for text in [
            "",
            "alert",
            "alert tcp any any -> any",
            "alert tcp any any -> any any",
            "alert tcp any any -> any any (msg:\"x\"",
        ] {
            assert!(tree(text).is_err(), "{text}");
        }
        assert!(tree("alert dns (sid:1;)").is_ok());
    }
}
