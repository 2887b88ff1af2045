//! Cuts a file of YARA rules into its statements, so that one bad rule doesn't cost the others.
//!
//! It knows only what it needs to find where a rule ends: comments, quoted strings, regular expressions and braces. What
//! is between is the compiler's business. Division is `\` in YARA, so a `/` always begins a comment or an expression.

use memchr::{memchr, memmem};
use std::borrow::Cow;

/// What a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// `import "pe"`.
    Import,
    /// `include "other.yar"`.
    Include,
    /// A rule, with its modifiers.
    Rule,
    /// Text that begins no statement.
    Stray,
}

/// A statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its kind.
    pub what: What,
    /// Its text, from its first word to its last brace or quote.
    pub text: &'a [u8],
    /// Line in the file on which it begins, from 1.
    pub line: u32,
}

impl<'a> Statement<'a> {
    /// The rule's name; what an import or include names.
    pub fn name(&self) -> &'a [u8] {
        match self.what {
            What::Rule => {
                let mut words = Lexer::new(self.text);
                while let Some(token) = words.next() {
                    if token == Token::Word(b"rule") {
                        return match words.next() {
                            Some(Token::Word(name)) => name,
                            _ => b"",
                        };
                    }
                }
                b""
            }
            What::Import | What::Include => Lexer::new(self.text)
                .find_map(|t| if let Token::Quoted(name) = t { Some(name) } else { None })
                .unwrap_or_default(),
            What::Stray => b"",
        }
    }

    /// Is it a global rule?
    pub fn is_global(&self) -> bool {
        let before = Lexer::new(self.text).take_while(|t| *t != Token::Word(b"rule"));
        self.what == What::Rule && before.into_iter().any(|t| t == Token::Word(b"global"))
    }

    /// The text for the compiler, which wants UTF-8: a byte that isn't becomes an escape in strings and expressions, where
    /// it counts (old rules are in Latin-1), and a question mark elsewhere.
    pub fn utf8(&self) -> Cow<'a, str> {
        if let Ok(text) = std::str::from_utf8(self.text) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(self.text.len() * 2);
        let mut lexer = Lexer::new(self.text);
        let mut done = 0;
        while let Some(token) = lexer.next() {
            let counts = matches!(token, Token::Quoted(_) | Token::Expression);
            push_utf8(&mut out, self.text.get(done..lexer.begin).unwrap_or_default(), false);
            push_utf8(&mut out, self.text.get(lexer.begin..lexer.at).unwrap_or_default(), counts);
            done = lexer.at;
        }
        push_utf8(&mut out, self.text.get(done..).unwrap_or_default(), false);
        Cow::Owned(out)
    }
}

/// May a rule's text mean the rule called `name`? By its name, or as one of `beginning*`.
pub(crate) fn names_rule(text: &[u8], name: &[u8]) -> bool {
    let mut lexer = Lexer::new(text);
    while let Some(token) = lexer.next() {
        if let Token::Word(word) = token
            && (word == name || (name.starts_with(word) && lexer.rest().first() == Some(&b'*')))
        {
            return true;
        }
    }
    false
}

fn push_utf8(out: &mut String, bytes: &[u8], escape: bool) {
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            if escape {
                out.push_str(&format!("\\x{byte:02x}"));
            } else {
                out.push('?');
            }
        }
    }
}

/// All statements of a file, in order. Anything whatever may be given.
pub fn statements(text: &[u8]) -> Vec<Statement<'_>> {
    let mut out = Vec::new();
    let mut lexer = Lexer::new(text);
    let mut lines = Lines { text, at: 0, line: 1 };
    // Where the statement under way begins, and what it is once a word has told.
    let mut open: Option<(usize, What)> = None;
    // Where the modifiers of the next rule begin, should `rule` follow.
    let mut modifiers: Option<usize> = None;
    let mut depth = 0_u32;
    let mut end = 0;
    let mut close = |from: usize, to: usize, what: What| {
        let line = lines.of(from);
        out.push(Statement { what, text: text.get(from..to).unwrap_or_default(), line });
    };
    while let Some(token) = lexer.next() {
        let begins = match token {
            Token::Word(b"rule") => Some(What::Rule),
            Token::Word(b"import") => Some(What::Import),
            Token::Word(b"include") => Some(What::Include),
            _ => None,
        };
        let modifier = matches!(token, Token::Word(b"private" | b"global"));
        if let Some(what) = begins {
            // These words are reserved: within another statement they say that it is broken and ends here.
            let from = modifiers.filter(|_| what == What::Rule).unwrap_or(lexer.begin);
            if let Some((begin, was)) = open.take() {
                close(begin, end.min(from).max(begin), was);
            }
            open = Some((from, what));
            (modifiers, depth) = (None, 0);
            end = lexer.at;
            continue;
        }
        if modifier {
            // Or a string's modifier: what comes next tells.
            modifiers = modifiers.or(Some(lexer.begin));
            continue;
        }
        if let Some(from) = modifiers.take()
            && open.is_none()
        {
            open = Some((from, What::Stray));
        }
        let (begin, what) = *open.get_or_insert((lexer.begin, What::Stray));
        end = lexer.at;
        let ends = match (what, token) {
            (What::Rule, Token::Open) => {
                depth = depth.saturating_add(1);
                false
            }
            (What::Rule, Token::Close) => {
                depth = depth.saturating_sub(1);
                depth == 0
            }
            (What::Import | What::Include, Token::Quoted(_)) => true,
            _ => false,
        };
        if ends {
            close(begin, lexer.at, what);
            open = None;
        }
    }
    if let Some((begin, what)) = open {
        close(begin, text.len(), what);
    } else if let Some(begin) = modifiers {
        close(begin, text.len(), What::Stray);
    }
    out
}

/// Counts lines, forwards only.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

impl Lines<'_> {
    fn of(&mut self, to: usize) -> u32 {
        let between = self.text.get(self.at..to).unwrap_or_default();
        let more = memchr::memchr_iter(b'\n', between).count();
        self.line = self.line.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        self.at = to.max(self.at);
        self.line
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    /// `}`.
    Close,
    /// A regular expression.
    Expression,
    /// `{`.
    Open,
    /// Any other sign.
    Other,
    /// A quoted string, without its quotes.
    Quoted(&'a [u8]),
    /// Letters, digits, underscores.
    Word(&'a [u8]),
}

struct Lexer<'a> {
    text: &'a [u8],
    /// Where the token that was given last begins, and where it ends.
    begin: usize,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a [u8]) -> Self {
        // A mark of byte order is no statement.
        let at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Self { text, begin: at, at }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Past what ends at `end`, a backslash hiding the byte after it; a line's end ends it as well. True if `end` was found.
    fn until(&mut self, end: u8) -> bool {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => return false,
                b'\\' if self.text.get(self.at + 1) != Some(&b'\n') => self.at += 2,
                _ => self.at += 1,
            }
            if byte == end {
                return true;
            }
        }
        self.at = self.text.len();
        false
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.iter().take_while(|b| b.is_ascii_whitespace() || **b == 0).count();
            let rest = self.rest();
            if rest.starts_with(b"//") {
                self.at += memchr(b'\n', rest).unwrap_or(rest.len());
            } else if rest.starts_with(b"/*") {
                self.at += memmem::find(rest.get(2..).unwrap_or_default(), b"*/").map_or(rest.len(), |n| n + 4);
            } else {
                return;
            }
        }
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blank();
        self.begin = self.at;
        let rest = self.rest();
        let first = *rest.first()?;
        let word = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        if word > 0 {
            self.at += word;
            return Some(Token::Word(rest.get(..word).unwrap_or_default()));
        }
        self.at += 1;
        Some(match first {
            b'"' => {
                let closed = self.until(b'"');
                let inner = self.text.get(self.begin + 1..self.at - usize::from(closed));
                Token::Quoted(inner.unwrap_or_default())
            }
            b'/' => {
                self.until(b'/');
                Token::Expression
            }
            // A string's or a tag's name isn't a reserved word.
            b'$' | b'#' | b'@' | b'!' => {
                self.at += self.rest().iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                Token::Other
            }
            b'{' => Token::Open,
            b'}' => Token::Close,
            _ => Token::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(What, String, u32)> {
        let name = |s: &Statement<'_>| String::from_utf8_lossy(s.name()).into_owned();
        statements(text.as_bytes()).iter().map(|s| (s.what, name(s), s.line)).collect()
    }

    #[test]
    fn parses_statements_with_their_lines() {
        let text = "\u{feff}// rule comment { }\nimport \"pe\"\n/* rule x\n */ include \"a/b.yar\"\n\n\
            private global rule one : tag rule_tag {\n strings:\n  $a = \"}{ \\\" rule\" private\n  $rule = { 01 (02|03) [2-4] /* } */ }\n \
            $r = /a\\/}\"[{]/i // }\n condition: $a and $rule and filesize \\ 2 > 1\n}\nrule two { condition: true } rule three{condition:one}\n";
        assert_eq!(
            told(text),
            [
                (What::Import, "pe".into(), 2),
                (What::Include, "a/b.yar".into(), 4),
                (What::Rule, "one".into(), 6),
                (What::Rule, "two".into(), 13),
                (What::Rule, "three".into(), 13),
            ]
        );
        let one = statements(text.as_bytes())[2];
        assert!(one.text.starts_with(b"private global rule") && one.text.ends_with(b"> 1\n}"));
    }

    #[test]
    fn a_broken_rule_ends_where_the_next_begins() {
        let text = "rule a { condition: ( true\nprivate rule b { strings: $x = \"open\n condition: $x }\nrule c { condition: true }\nnonsense here\nrule d{condition:false}";
        let names = told(text);
        assert_eq!(
            names,
            [
                (What::Rule, "a".into(), 1),
                (What::Rule, "b".into(), 2),
                (What::Rule, "c".into(), 4),
                (What::Stray, String::new(), 5),
                (What::Rule, "d".into(), 6),
            ]
        );
        assert!(statements(text.as_bytes())[1].text.starts_with(b"private rule b"));
        assert_eq!(told("global"), [(What::Stray, String::new(), 1)]);
        assert_eq!(told("private import \"pe\""), [(What::Import, "pe".into(), 1)]);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_escaped_where_they_count() {
        let text = b"rule a { // \xe9\n strings: $a = \"caf\xe9\" $b = /\xe9+/ condition: any of them }";
        let all = statements(text);
        assert_eq!(all[0].utf8(), "rule a { // ?\n strings: $a = \"caf\\xe9\" $b = /\\xe9+/ condition: any of them }");
    }

    #[test]
    fn any_bytes_are_cut_in_order() {
        let mut noise = 7_u32;
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..60)
                .map(|_| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    b"rule {}\"/\\*\nimport private x$\xff"[(noise >> 16) as usize % 29]
                })
                .collect();
            let mut at = bytes.as_ptr() as usize;
            for s in statements(&bytes) {
                assert!(s.text.as_ptr() as usize >= at);
                at = s.text.as_ptr() as usize + s.text.len();
                let _ = (s.name(), s.utf8());
            }
        }
    }
}
