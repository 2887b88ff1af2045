//! What is looked for: as it was typed, checked, and made ready for searching.

use crate::engine::Engine;
use crate::flag;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;
use std::rc::Rc;
use thiserror::Error;

/// Patterns of one hunt.
pub const PATTERN_COUNT_MAX: usize = 256;
/// Length of a pattern as typed.
pub const PATTERN_LEN_MAX: usize = 4096;
/// Longest match of an expression without a bound of its own; longer ones are found as far as this goes.
pub const REACH_MAX: usize = 2048;

/// Why a pattern can't be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PatternError {
    /// Nothing to look for.
    #[error("the pattern is empty")]
    Empty,
    /// No hexadecimal bytes.
    #[error("{0:?} are no bytes in hexadecimal; expected e.g. \"de ad be ef\", with ? for a digit that may be any")]
    Hex(String),
    /// It would match everywhere.
    #[error("the expression {0:?} matches the empty string, so it would match everywhere")]
    MatchesEmpty(String),
    /// Not an expression, or too large a one.
    #[error("the expression {0:?} is wrong: {1}")]
    Regex(String, String),
    /// Longer than [`PATTERN_LEN_MAX`].
    #[error("the pattern is longer than {PATTERN_LEN_MAX} bytes")]
    TooLong,
    /// More than [`PATTERN_COUNT_MAX`].
    #[error("more than {PATTERN_COUNT_MAX} patterns")]
    TooMany,
}

/// One thing to look for.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// These bytes; `text` if case and other spellings of it make sense.
    Bytes { bytes: Vec<u8>, text: bool },
    /// The usual shapes of flags.
    Flag,
    /// An expression over bytes.
    Regex(Box<Hir>),
}

impl Pattern {
    /// `text` as it stands.
    pub fn fixed(text: &str) -> Result<Self, PatternError> {
        checked(text)?;
        Ok(Self { text: text.to_owned(), what: What::Bytes { bytes: text.as_bytes().to_vec(), text: true } })
    }

    /// `word{...}`: see [`flag`].
    pub fn flag() -> Self {
        Self { text: "flag{...}".to_owned(), what: What::Flag }
    }

    /// Bytes in hexadecimal; white space, `:`, `-`, `,` and `0x` or `\x` before a byte are passed over. `?` stands for any digit.
    pub fn hex(text: &str) -> Result<Self, PatternError> {
        checked(text)?;
        let wrong = || PatternError::Hex(text.to_owned());
        let plain = text.replace("0x", " ").replace("\\x", " ");
        let mut digits = Vec::new();
        for word in plain.split(|c: char| c.is_whitespace() || matches!(c, ':' | '-' | ',')) {
            if !word.len().is_multiple_of(2) {
                return Err(wrong());
            }
            for c in word.chars() {
                digits.push(match c {
                    '?' => None,
                    c => Some(c.to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or_else(wrong)?),
                });
            }
        }
        let (pairs, _) = digits.as_chunks::<2>();
        if pairs.is_empty() || pairs.iter().all(|p| *p == [None, None]) {
            return Err(wrong());
        }
        let known: Option<Vec<u8>> = pairs.iter().map(|[a, b]| Some((*a)? << 4 | (*b)?)).collect();
        let what = match known {
            Some(bytes) => What::Bytes { bytes, text: false },
            None => What::Regex(Box::new(parse(&wild(pairs), false).map_err(|_| wrong())?)),
        };
        Ok(Self { text: text.to_owned(), what })
    }

    /// An expression in the syntax of Rust's `regex`, over bytes: `.` is any byte but a line end, `\xff` is a byte, classes are ASCII's,
    /// `^` and `$` stand at lines.
    pub fn regex(text: &str, ignore_case: bool) -> Result<Self, PatternError> {
        checked(text)?;
        let hir = parse(text, ignore_case).map_err(|e| PatternError::Regex(text.to_owned(), e))?;
        if hir.properties().minimum_len().is_none_or(|n| n == 0) {
            return Err(PatternError::MatchesEmpty(text.to_owned()));
        }
        Ok(Self { text: text.to_owned(), what: What::Regex(Box::new(hir)) })
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Longest match in bytes.
    pub(crate) fn reach(&self) -> usize {
        match &self.what {
            What::Bytes { bytes, .. } => bytes.len(),
            What::Flag => flag::LEN_MAX,
            What::Regex(hir) => hir.properties().maximum_len().unwrap_or(REACH_MAX).min(REACH_MAX),
        }
    }

    /// Shortest match in bytes.
    pub(crate) fn least(&self) -> usize {
        match &self.what {
            What::Bytes { bytes, .. } => bytes.len(),
            What::Flag => flag::LEN_MIN,
            What::Regex(hir) => hir.properties().minimum_len().unwrap_or(1),
        }
    }
}

fn checked(text: &str) -> Result<(), PatternError> {
    match text.len() {
        0 => Err(PatternError::Empty),
        n if n > PATTERN_LEN_MAX => Err(PatternError::TooLong),
        _ => Ok(()),
    }
}

fn parse(text: &str, ignore_case: bool) -> Result<Hir, String> {
    let mut parser =
        ParserBuilder::new().utf8(false).unicode(false).multi_line(true).case_insensitive(ignore_case).build();
    parser.parse(text).map_err(|e| {
        let kind = match &e {
            regex_syntax::Error::Parse(e) => e.kind().to_string(),
            regex_syntax::Error::Translate(e) => e.kind().to_string(),
            e => e.to_string(),
        };
        kind.replace('\n', " ")
    })
}

/// Bytes with unknown digits as an expression.
fn wild(pairs: &[[Option<u8>; 2]]) -> String {
    use std::fmt::Write;
    let mut out = String::from("(?s-u)");
    for pair in pairs {
        let written = match pair {
            [None, None] => out.write_char('.'),
            [Some(a), Some(b)] => write!(out, "\\x{a:x}{b:x}"),
            [Some(a), None] => write!(out, "[\\x{a:x}0-\\x{a:x}f]"),
            [None, Some(b)] => (|| {
                out.write_char('[')?;
                (0..16).try_for_each(|a| write!(out, "\\x{a:x}{b:x}"))?;
                out.write_char(']')
            })(),
        };
        // Writing to a string doesn't fail.
        debug_assert!(written.is_ok());
    }
    out
}

/// How to search.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Fixed patterns match in any case.
    pub ignore_case: bool,
    /// Look also into what is encoded.
    pub decode: bool,
    /// Look also for what is XORed with a single byte.
    pub xor: bool,
    /// Bytes of context kept before and after a hit.
    pub context_len: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { ignore_case: false, decode: true, xor: false, context_len: 40 }
    }
}

/// Patterns and options, made ready. Cheap to clone.
#[derive(Clone)]
pub struct Hunt {
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) options: Options,
    pub(crate) engine: Rc<Engine>,
    /// Longest match, in bytes of the content; encoded ones included.
    pub(crate) reach: usize,
    /// Shortest match of all patterns.
    pub(crate) least: usize,
}

impl Hunt {
    /// Ready to search for `patterns`.
    pub fn new(patterns: Vec<Pattern>, options: Options) -> Result<Self, PatternError> {
        if patterns.is_empty() {
            return Err(PatternError::Empty);
        }
        if patterns.len() > PATTERN_COUNT_MAX {
            return Err(PatternError::TooMany);
        }
        let engine = Rc::new(Engine::new(&patterns, &options)?);
        let longest = patterns.iter().map(Pattern::reach).max().unwrap_or(1);
        // Escapes take up to six characters for a byte, and base64 of base64 nearly two.
        let reach = if options.decode { longest * 6 } else { longest }.clamp(64, 2 * REACH_MAX.max(PATTERN_LEN_MAX));
        let least = patterns.iter().map(Pattern::least).min().unwrap_or(1).max(1);
        Ok(Self { patterns, options, engine, reach, least })
    }

    /// What is looked for, in the order of [`crate::Hit::pattern`].
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// How it is looked for.
    pub fn options(&self) -> &Options {
        &self.options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(pattern: &Pattern) -> &[u8] {
        let What::Bytes { bytes, .. } = &pattern.what else { panic!("no plain bytes: {pattern:?}") };
        bytes
    }

    #[test]
    fn parses_hex() {
        for text in ["de ad be ef", "deadbeef", "DE:AD:BE:EF", "0xde 0xad 0xbe 0xef", "\\xde\\xad\\xbe\\xef"] {
            assert_eq!(bytes(&Pattern::hex(text).unwrap()), b"\xde\xad\xbe\xef", "{text}");
        }
        assert!(matches!(Pattern::hex("de ?? be ?f e?").unwrap().what, What::Regex(_)));
    }

    #[test]
    fn rejects_what_is_no_pattern() {
        assert_eq!(Pattern::fixed("").unwrap_err(), PatternError::Empty);
        for text in ["xy", "abc", "??", "de ad b"] {
            assert_eq!(Pattern::hex(text).unwrap_err(), PatternError::Hex(text.to_owned()));
        }
        assert_eq!(Pattern::regex("a*", false).unwrap_err(), PatternError::MatchesEmpty("a*".to_owned()));
        let unclosed = Pattern::regex("a(b", false).unwrap_err();
        assert_eq!(unclosed.to_string(), "the expression \"a(b\" is wrong: unclosed group");
        assert_eq!(Pattern::fixed(&"a".repeat(5000)).unwrap_err(), PatternError::TooLong);
    }

    #[test]
    fn limits_size_of_expressions() {
        let pattern = Pattern::regex("(a{1000}){1000}", false).unwrap();
        assert!(matches!(Hunt::new(vec![pattern], Options::default()), Err(PatternError::Regex(_, _))));
        let many = vec![Pattern::flag(); PATTERN_COUNT_MAX + 1];
        assert_eq!(Hunt::new(many, Options::default()).err(), Some(PatternError::TooMany));
    }
}
