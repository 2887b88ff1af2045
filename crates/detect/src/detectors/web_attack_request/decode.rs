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

/// A value shorter than this has no entropy to speak of.
const MIN_PACKED_LEN: usize = 256;
/// Bits for each byte from which on a value is packed: hexadecimal has 4, words and code have less than 5, base64 has 6.
const PACKED_BITS: f64 = 5.6;

/// Is it text that somebody could have written, rather than the bytes of something encrypted or compressed? In those, short
/// shapes stand by chance. Text in an old encoding is text: it has no control characters.
pub(super) fn is_text(decoded: &str) -> bool {
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\0');
    let (mut all, mut controls, mut broken) = (0usize, 0usize, 0usize);
    for c in decoded.chars() {
        all += 1;
        controls += usize::from(is_control(c));
        broken += usize::from(c == char::REPLACEMENT_CHARACTER);
    }
    controls == 0 || (controls + broken) * 8 <= all
}

/// Is a value, as it was sent, one run of characters as even as chance has them?
pub(super) fn is_packed(value: &[u8]) -> bool {
    value.len() >= MIN_PACKED_LEN
        && value.iter().all(u8::is_ascii_graphic)
        && entropy(value.get(..MAX_LEN).unwrap_or(value)) >= PACKED_BITS
}

/// Bits for each byte.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for b in bytes {
        if let Some(count) = counts.get_mut(usize::from(*b)) {
            *count += 1;
        }
    }
    let all = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    counts.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / all).map(|p| -p * p.log2()).sum()
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
    // What is neither white space nor begins a comment is copied in runs.
    let is_other = |b: u8| !matches!(b, b'!'..=b'~') || b == b'/';
    loop {
        let plain = rest.bytes().position(is_other).unwrap_or(rest.len());
        let (run, behind) = rest.split_at_checked(plain).unwrap_or((rest, ""));
        out.push_str(run);
        rest = behind;
        let Some(c) = rest.chars().next() else { break };
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
    fn what_is_text() {
        let old = "\u{fffd}".repeat(40);
        for (text, want) in [
            ("", true),
            ("' or 1=1--", true),
            ("../../etc/passwd\0.png", true),
            ("a bell\u{7} among words", true),
            (&old, true),
            ("\u{1}\u{2}`id", false),
            (&format!("\u{1}{old}`id"), false),
        ] {
            assert_eq!(is_text(text), want, "{text}");
        }
    }

    #[test]
    fn what_is_packed() {
        let code: String = (0..600u32).map(|n| char::from(b'!' + u8::try_from(n * 7919 % 85).unwrap())).collect();
        assert!(is_packed(code.as_bytes()) && !is_packed(&code.as_bytes()[..200]));
        for text in ["0123456789abcdef".repeat(40), "x' or 1=1; select name from users where id = 4711 -- ".repeat(20)]
        {
            assert!(!is_packed(text.as_bytes()), "{text}");
        }
        let words = "x'+or+1=1;+select+name+from+users+where+id+=+4711+--+".repeat(20);
        assert!(!is_packed(words.as_bytes()));
    }

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
