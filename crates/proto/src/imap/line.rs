//! Words of a line (RFC 9051 §4, §9): atoms, quoted strings, and literals, which stand here as quoted strings.

use std::borrow::Cow;

/// A literal that a line announces: its length, and the line without the announcement.
pub(super) fn literal(line: &[u8]) -> Option<(u64, &[u8])> {
    let inside = line.strip_suffix(b"}")?;
    let at = memchr::memrchr(b'{', inside)?;
    let digits = inside.get(at + 1..)?;
    // LITERAL+ and LITERAL- (RFC 7888): nobody waits for the server.
    let digits = digits.strip_suffix(b"+").or(digits.strip_suffix(b"-")).unwrap_or(digits);
    Some((number(digits)?, line.get(..at)?))
}

/// Takes the next word off `rest`; parentheses stay part of words.
pub(super) fn word<'a>(rest: &mut &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let text = rest.trim_ascii_start();
    if let Some(quoted) = text.strip_prefix(b"\"") {
        let mut out = Vec::new();
        let mut at = 0;
        loop {
            match quoted.get(at)? {
                b'"' => break,
                b'\\' => {
                    at += 1;
                    out.push(*quoted.get(at)?);
                }
                b => out.push(*b),
            }
            at += 1;
        }
        *rest = quoted.get(at + 1..)?;
        return Some(Cow::Owned(out));
    }
    let end = memchr::memchr(b' ', text).unwrap_or(text.len());
    *rest = text.get(end..)?;
    let word = text.get(..end)?;
    (!word.is_empty()).then_some(Cow::Borrowed(word))
}

/// Appends `bytes` as part of a quoted string.
pub(super) fn push_quoted(line: &mut Vec<u8>, bytes: &[u8]) {
    for b in bytes {
        if matches!(b, b'"' | b'\\') {
            line.push(b'\\');
        }
        line.push(*b);
    }
}

pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// What a literal of a FETCH response holds, by what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A whole message.
    Message,
    /// The first part of one.
    MessageStart,
    /// Another part of a body.
    Section,
    /// Anything else.
    Other,
}

impl Item {
    pub fn before(line: &[u8]) -> Self {
        let line = line.trim_ascii_end();
        let ends = |text: &[u8]| {
            line.len() >= text.len()
                && line.get(line.len() - text.len()..).is_some_and(|end| end.eq_ignore_ascii_case(text))
        };
        if ends(b"BODY[]") || ends(b" RFC822") || ends(b"(RFC822") {
            Self::Message
        } else if ends(b"BODY[]<0>") {
            Self::MessageStart
        } else if ends(b"]") || ends(b">") || ends(b"RFC822.TEXT") {
            Self::Section
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_words_and_literals() {
        let mut rest = &b"a1 LOGIN \"bo\\\"b\" x y"[..];
        let words: Vec<_> =
            std::iter::from_fn(|| word(&mut rest)).map(|w| String::from_utf8(w.into_owned()).unwrap()).collect();
        assert_eq!(words, ["a1", "LOGIN", "bo\"b", "x", "y"]);
        assert_eq!(literal(b"a LOGIN {5+}"), Some((5, &b"a LOGIN "[..])));
        assert_eq!(literal(b"a LOGIN {x}"), None);
        assert_eq!(literal(b"a LOGIN"), None);
    }

    #[test]
    fn names_what_a_literal_holds() {
        assert_eq!(Item::before(b"* 1 FETCH (UID 3 BODY[] "), Item::Message);
        assert_eq!(Item::before(b"* 1 FETCH (rfc822 "), Item::Message);
        assert_eq!(Item::before(b"* 1 FETCH (BODY[]<0> "), Item::MessageStart);
        assert_eq!(Item::before(b"* 1 FETCH (BODY[1.2] "), Item::Section);
        assert_eq!(Item::before(b"* 1 FETCH (ENVELOPE (NIL "), Item::Other);
    }
}
