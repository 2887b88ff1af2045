//! A value as the program behind a site may come to read it.

/// Rounds of percent-decoding.
const ROUNDS: u32 = 3;
/// Bytes of a value that are looked at.
const MAX_LEN: usize = 2048;

/// A value decoded, its white space and SQL comments collapsed, in small letters.
pub(super) fn decoded(value: &[u8]) -> String {
    let mut bytes = value.get(..MAX_LEN).unwrap_or(value).to_vec();
    for round in 0..ROUNDS {
        if !bytes.iter().any(|b| *b == b'%' || (round == 0 && *b == b'+')) {
            break;
        }
        let next = percent(&bytes, round == 0);
        if next == bytes {
            break;
        }
        bytes = next;
    }
    let mut text = String::from_utf8_lossy(&bytes).to_lowercase();
    if text.contains('&') {
        for (entity, plain) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'")] {
            if text.contains(entity) {
                text = text.replace(entity, plain);
            }
        }
    }
    if text.contains('\\') {
        text = escapes(&text);
    }
    let is_plain = |b: &u8| matches!(b, b'!'..=b'~') && *b != b'*';
    if text.bytes().all(|b| is_plain(&b)) { text } else { collapsed(&text) }
}

fn hex(b: u8) -> Option<u8> {
    char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

fn percent(bytes: &[u8], plus: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        match (b, tail) {
            (b'+', _) if plus => out.push(b' '),
            (b'%', [h, l, after @ ..]) => match (hex(*h), hex(*l)) {
                (Some(h), Some(l)) => {
                    out.push(h << 4 | l);
                    rest = after;
                }
                _ => out.push(b),
            },
            _ => out.push(b),
        }
    }
    out
}

/// `\u003c` and `\x3c`.
fn escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let code = |prefix: &str, len: usize| {
            let digits = escape.strip_prefix(prefix)?.get(..len)?;
            char::from_u32(u32::from_str_radix(digits, 16).ok()?).map(|c| (c, prefix.len() + len))
        };
        let (c, len) = code("\\u", 4).or_else(|| code("\\x", 2)).unwrap_or(('\\', 1));
        out.push(c);
        rest = escape.get(len..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// White space as one blank, SQL comments but executable ones (`/*!50000`) as one, too.
fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("/*") && !rest.starts_with("/*!") {
            let len = rest.get(2..).and_then(|r| r.find("*/")).map_or(rest.len(), |end| end + 4);
            rest = rest.get(len..).unwrap_or("");
            if !out.ends_with(' ') {
                out.push(' ');
            }
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or("");
        if !c.is_whitespace() && c != '\0' {
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_taken_off() {
        for (value, want) in [
            ("a+b%20c", "a b c"),
            ("%253Cscript%253E", "<script>"),
            ("%25252e%25252e/", "../"),
            ("UNION/**/SELECT", "union select"),
            ("union /*!50000select*/", "union /*!50000select*/"),
            ("\\u003cscript\\x3e", "<script>"),
            ("&lt;img&gt;", "<img>"),
            ("a%0a%09b%zz%", "a b%zz%"),
            ("/* open", " "),
            ("\\", "\\"),
        ] {
            assert_eq!(decoded(value.as_bytes()), want, "{value}");
        }
    }
}
