use super::FilterError;

/// A word or sign of a filter, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub position: usize,
    pub kind: Kind<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    And,
    Or,
    Not,
    Open,
    Close,
    Word(&'a str),
}

/// Splits `text` into tokens.
pub(super) fn lex(text: &str) -> Result<Vec<Token<'_>>, FilterError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let position = text.len().saturating_sub(rest.len());
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let word_len = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        let (kind, len) = match first {
            '(' => (Kind::Open, 1),
            ')' => (Kind::Close, 1),
            '!' => (Kind::Not, 1),
            '&' if rest.starts_with("&&") => (Kind::And, 2),
            '|' if rest.starts_with("||") => (Kind::Or, 2),
            // libpcap wants keywords escaped where values are expected.
            '\\' => {
                rest = rest.get(1..).unwrap_or("");
                continue;
            }
            '[' => return Err(error(position, "byte offsets such as tcp[13] are not supported")),
            _ if word_len == 0 => return Err(error(position, format!("unexpected {first:?}"))),
            _ => (word(rest.get(..word_len).unwrap_or("")), word_len),
        };
        tokens.push(Token { position, kind });
        rest = rest.get(len..).unwrap_or("");
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '/' | '_' | '-')
}

fn word(w: &str) -> Kind<'_> {
    match w {
        "and" => Kind::And,
        "or" => Kind::Or,
        "not" => Kind::Not,
        _ => Kind::Word(w),
    }
}

pub(super) fn error(position: usize, message: impl Into<String>) -> FilterError {
    FilterError { position, message: message.into() }
}
