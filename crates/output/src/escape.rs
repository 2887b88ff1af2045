//! Bytes from the wire as text that a log reader can take apart again.

use crate::number::hex_pair;

/// What a byte needs inside a JSON string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    /// A backslash and this character.
    Short(u8),
    /// `\\xHH`.
    Control,
    /// Start of a multi-byte character, if what follows agrees.
    High,
}

static JSON: [Class; 256] = json_classes();

const fn json_classes() -> [Class; 256] {
    let mut t = [Class::Plain; 256];
    let mut b = 0;
    while b < 256 {
        t[b] = match b as u8 {
            b'"' => Class::Short(b'"'),
            b'\\' => Class::Short(b'\\'),
            0x08 => Class::Short(b'b'),
            b'\t' => Class::Short(b't'),
            b'\n' => Class::Short(b'n'),
            0x0c => Class::Short(b'f'),
            b'\r' => Class::Short(b'r'),
            0..0x20 | 0x7f => Class::Control,
            0x80.. => Class::High,
            _ => Class::Plain,
        };
        b += 1;
    }
    t
}

/// Appends `bytes` as a JSON string with its quotes, as Zeek does: valid UTF-8 stays; each byte of anything else,
/// and of control characters without a JSON escape (C0, DEL, C1), becomes the text `\xHH` (in JSON: `\\xHH`).
pub(crate) fn json_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let mut rest = bytes;
    loop {
        let plain = plain_len(rest);
        out.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
        let Some(&b) = rest.first() else { break };
        let mut used = 1;
        match JSON[usize::from(b)] {
            Class::Plain => out.push(b),
            Class::Short(c) => out.extend_from_slice(&[b'\\', c]),
            Class::Control => json_hex(out, b),
            Class::High => {
                used = utf8_len(rest).max(1);
                if used == 1 || is_c1(rest) {
                    rest[..used].iter().for_each(|&b| json_hex(out, b));
                } else {
                    out.extend_from_slice(&rest[..used]);
                }
            }
        }
        rest = &rest[used..];
    }
    out.push(b'"');
}

fn json_hex(out: &mut Vec<u8>, b: u8) {
    let [h, l] = hex_pair(b);
    out.extend_from_slice(&[b'\\', b'\\', b'x', h, l]);
}

/// Does `s` start with U+0080..=U+009F?
fn is_c1(s: &[u8]) -> bool {
    matches!(s, [0xc2, 0x80..=0x9f, ..])
}

/// Length of the prefix that needs no escape: eight bytes at a time, then one by one.
fn plain_len(s: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x80 * ONES;
    // High bit of every byte that is zero; bytes above a hit may be set wrongly, which only ends the fast loop.
    const fn zeros(v: u64) -> u64 {
        v.wrapping_sub(ONES) & !v & HIGHS
    }
    let mut n = 0;
    let (chunks, _) = s.as_chunks::<8>();
    for c in chunks {
        let v = u64::from_le_bytes(*c);
        let below_space = v.wrapping_sub(0x20 * ONES) & !v;
        let special = zeros(v ^ (0x22 * ONES)) | zeros(v ^ (0x5c * ONES)) | zeros(v ^ (0x7f * ONES));
        if (v | below_space | special) & HIGHS != 0 {
            break;
        }
        n += 8;
    }
    while n < s.len() && JSON[usize::from(s[n])] == Class::Plain {
        n += 1;
    }
    n
}

/// Length of the UTF-8 character at the start of `s` (RFC 3629 §4), 0 if there is none.
fn utf8_len(s: &[u8]) -> usize {
    let tail = |b: u8| b & 0xc0 == 0x80;
    match *s {
        [0..=0x7f, ..] => 1,
        [0xc2..=0xdf, b, ..] if tail(b) => 2,
        [a @ 0xe0..=0xef, b, c, ..] if tail(b) && tail(c) => {
            let overlong = a == 0xe0 && b < 0xa0;
            let surrogate = a == 0xed && b > 0x9f;
            if overlong || surrogate { 0 } else { 3 }
        }
        [a @ 0xf0..=0xf4, b, c, d, ..] if tail(b) && tail(c) && tail(d) => {
            let overlong = a == 0xf0 && b < 0x90;
            let beyond = a == 0xf4 && b > 0x8f;
            if overlong || beyond { 0 } else { 4 }
        }
        _ => 0,
    }
}

/// Appends `bytes` for Zeek's text logs: `\xHH` for control characters, the backslash, invalid UTF-8 and, inside a
/// list, the comma; an empty string is `(empty)`, and a string that reads like a reserved word is told apart.
pub(crate) fn tsv_string(out: &mut Vec<u8>, bytes: &[u8], in_list: bool) {
    let mut rest = bytes;
    if bytes.is_empty() {
        out.extend_from_slice(EMPTY);
    } else if bytes == UNSET || bytes == EMPTY {
        tsv_hex(out, bytes[0]);
        rest = &bytes[1..];
    }
    while let Some(&b) = rest.first() {
        let used = match b {
            b'\\' => 0,
            b',' if in_list => 0,
            b' '..=b'~' => 1,
            0x80.. => utf8_len(rest),
            _ => 0,
        };
        if used == 0 {
            tsv_hex(out, b);
        } else {
            out.extend_from_slice(&rest[..used]);
        }
        rest = &rest[used.max(1)..];
    }
}

/// No value, in Zeek's text logs.
pub(crate) const UNSET: &[u8] = b"-";
/// An empty string or list, in Zeek's text logs.
pub(crate) const EMPTY: &[u8] = b"(empty)";

pub(crate) fn tsv_hex(out: &mut Vec<u8>, b: u8) {
    let [h, l] = hex_pair(b);
    out.extend_from_slice(&[b'\\', b'x', h, l]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        json_string(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    fn tsv(bytes: &[u8], in_list: bool) -> String {
        let mut out = Vec::new();
        tsv_string(&mut out, bytes, in_list);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_escapes() {
        for (input, want) in [
            (&b""[..], r#""""#),
            (b"plain text longer than eight", r#""plain text longer than eight""#),
            (b"a\"b\\c/", r#""a\"b\\c/""#),
            (b"\x08\t\n\x0c\r", r#""\b\t\n\f\r""#),
            (b"\0\x0b\x1b[0m\x7f", r#""\\x00\\x0b\\x1b[0m\\x7f""#),
            (b"1234567\"", r#""1234567\"""#),
            (b"12345678\x01", r#""12345678\\x01""#),
            ("größe € 𝄞".as_bytes(), r#""größe € 𝄞""#),
            (b"\xc2\x85x", r#""\\xc2\\x85x""#),
            (b"\xff\xfe", r#""\\xff\\xfe""#),
            (b"\xc0\xaf", r#""\\xc0\\xaf""#),
            (b"\xe2\x82", r#""\\xe2\\x82""#),
            (b"\xe2\x82A", r#""\\xe2\\x82A""#),
            (b"\xed\xa0\x80", r#""\\xed\\xa0\\x80""#),
            (b"\xe0\x9f\xbf", r#""\\xe0\\x9f\\xbf""#),
            (b"\xf4\x90\x80\x80", r#""\\xf4\\x90\\x80\\x80""#),
            (b"\xf0\x8f\xbf\xbf", r#""\\xf0\\x8f\\xbf\\xbf""#),
            (b"\xf4\x8f\xbf\xbf", "\"\u{10ffff}\""),
        ] {
            assert_eq!(json(input), want, "{input:?}");
        }
    }

    #[test]
    fn json_agrees_with_a_slow_model() {
        // Every pair of bytes at every offset within the eight-byte step.
        for a in 0..=255u8 {
            for b in 0..=255u8 {
                let mut input = *b"abcdefghijkl";
                let at = usize::from(a ^ b) % 11;
                input[at] = a;
                input[at + 1] = b;
                let text = json(&input);
                let read: String = serde_json::from_str(&text).unwrap();
                assert_eq!(read, model(&input), "{input:?}");
            }
        }
    }

    /// The text that a JSON reader must see.
    fn model(bytes: &[u8]) -> String {
        let mut out = String::new();
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() && !"\u{8}\t\n\u{c}\r".contains(c) {
                    c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| out.push_str(&format!("\\x{b:02x}")));
                } else {
                    out.push(c);
                }
            }
            chunk.invalid().iter().for_each(|b| out.push_str(&format!("\\x{b:02x}")));
        }
        out
    }

    #[test]
    fn tsv_escapes() {
        for (input, in_list, want) in [
            (&b""[..], false, "(empty)"),
            (b"-", false, r"\x2d"),
            (b"--", false, "--"),
            (b"(empty)", true, r"\x28empty)"),
            (b"a\tb\nc\\d", false, r"a\x09b\x0ac\x5cd"),
            (b"a,b", false, "a,b"),
            (b"a,b", true, r"a\x2cb"),
            ("ü€".as_bytes(), false, "ü€"),
            (b"\xfc\x7f", false, r"\xfc\x7f"),
        ] {
            assert_eq!(tsv(input, in_list), want, "{input:?}");
        }
    }
}
