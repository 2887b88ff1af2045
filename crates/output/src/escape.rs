//! Bytes from the wire as text that a log reader can take apart again.

use crate::line::Line;
use crate::number::hex_pair;
use sekisho_types::text::plain_len;
pub(crate) use sekisho_types::text::short;

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

/// Printable characters that a JSON string escapes.
pub(crate) const JSON_SPECIAL: [u8; 2] = [b'"', b'\\'];

/// Printable characters that a text log escapes.
pub(crate) const fn tsv_special(in_list: bool) -> [u8; 2] {
    [b'\\', if in_list { b',' } else { b'\\' }]
}

/// Appends what stands between the quotes of a JSON string, as Zeek does: valid UTF-8 stays; each byte of anything
/// else, and of control characters without a JSON escape (C0, DEL, C1), becomes the text `\xHH` (in JSON: `\\xHH`).
pub(crate) fn json_string(line: &mut Line, bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        rest = plain(line, rest, JSON_SPECIAL);
        let Some(&b) = rest.first() else { break };
        let mut used = 1;
        match JSON[usize::from(b)] {
            Class::Plain => line.push(b),
            Class::Short(c) => line.extend(&[b'\\', c]),
            Class::Control => json_hex(line, b),
            Class::High => {
                used = utf8_len(rest).max(1);
                if used == 1 || is_c1(rest) {
                    rest[..used].iter().for_each(|&b| json_hex(line, b));
                } else {
                    line.extend(&rest[..used]);
                }
            }
        }
        rest = &rest[used..];
    }
}

/// Is all of it printable ASCII?
#[inline]
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    // No special characters: these two are not printable.
    plain_len(bytes, [0x7f; 2]) == bytes.len()
}

/// Appends the text that a reader of [`json_string`] sees; it is UTF-8.
pub(crate) fn readable(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some(&b) = rest.first() {
        let (used, as_it_is) = match JSON[usize::from(b)] {
            Class::Plain | Class::Short(_) => (1, true),
            Class::Control => (1, false),
            Class::High => {
                let len = utf8_len(rest).max(1);
                (len, len > 1 && !is_c1(rest))
            }
        };
        let (now, behind) = rest.split_at(used);
        if as_it_is {
            out.extend_from_slice(now);
        } else {
            out.extend(now.iter().flat_map(|&b| tsv_hex(b)));
        }
        rest = behind;
    }
}

fn json_hex(line: &mut Line, b: u8) {
    let [h, l] = hex_pair(b);
    line.extend(&[b'\\', b'\\', b'x', h, l]);
}

/// Does `s` start with U+0080..=U+009F?
fn is_c1(s: &[u8]) -> bool {
    matches!(s, [0xc2, 0x80..=0x9f, ..])
}

/// Appends the prefix that is printable ASCII without `special`; returns what follows it.
#[inline]
fn plain<'a>(line: &mut Line, bytes: &'a [u8], special: [u8; 2]) -> &'a [u8] {
    let len = plain_len(bytes, special);
    line.extend(&bytes[..len]);
    &bytes[len..]
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

/// Appends `bytes` for Zeek's text logs: `\\` for the backslash, `\xHH` for control characters, invalid UTF-8 and, inside
/// a list, the comma; an empty string is `(empty)`, and a string that reads like a reserved word is told apart.
pub(crate) fn tsv_string(line: &mut Line, bytes: &[u8], in_list: bool) {
    let mut rest = bytes;
    if bytes.is_empty() {
        return line.extend(EMPTY);
    }
    if bytes == UNSET || bytes == EMPTY {
        line.extend(&tsv_hex(bytes[0]));
        rest = &bytes[1..];
    }
    loop {
        rest = plain(line, rest, tsv_special(in_list));
        let Some(&b) = rest.first() else { break };
        let used = if b < 0x80 { 1 } else { utf8_len(rest).max(1) };
        match &rest[..used] {
            [b'\\'] => line.extend(br"\\"),
            character if used == 1 || is_c1(character) => character.iter().for_each(|&b| line.extend(&tsv_hex(b))),
            character => line.extend(character),
        }
        rest = &rest[used..];
    }
}

/// No value, in Zeek's text logs.
pub(crate) const UNSET: &[u8; 1] = b"-";
/// An empty string or list, in Zeek's text logs.
pub(crate) const EMPTY: &[u8; 7] = b"(empty)";

/// `\xHH`.
pub(crate) fn tsv_hex(b: u8) -> [u8; 4] {
    let [h, l] = hex_pair(b);
    [b'\\', b'x', h, l]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(bytes: &[u8]) -> String {
        let mut line = Line::default();
        line.push(b'"');
        json_string(&mut line, bytes);
        line.push(b'"');
        String::from_utf8(line.as_bytes().to_vec()).unwrap()
    }

    fn tsv(bytes: &[u8], in_list: bool) -> String {
        let mut line = Line::default();
        tsv_string(&mut line, bytes, in_list);
        String::from_utf8(line.as_bytes().to_vec()).unwrap()
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
                let mut text = Vec::new();
                readable(&mut text, &input);
                assert_eq!(text, read.as_bytes(), "{input:?}");
                assert_eq!(is_plain(&input), input.iter().all(|b| matches!(b, b' '..=b'~')), "{input:?}");
            }
        }
    }

    #[test]
    fn every_byte_at_every_place_of_every_length() {
        let plain = *b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJ";
        for len in 1..=plain.len() {
            for at in 0..len {
                for b in 0..=255u8 {
                    let mut input = plain;
                    input[at] = b;
                    let input = &input[..len];
                    let read: String = serde_json::from_str(&json(input)).unwrap();
                    assert_eq!(read, model(input), "{input:?}");
                    for in_list in [false, true] {
                        assert_eq!(tsv(input, in_list), tsv_model(input, in_list), "{input:?}");
                    }
                }
            }
        }
    }

    fn tsv_model(bytes: &[u8], in_list: bool) -> String {
        let escaped = |b: u8| !matches!(b, b' '..=b'~') || b == b',' && in_list || bytes == b"-";
        let one = |&b: &u8| match b {
            b'\\' => r"\\".to_owned(),
            b if escaped(b) => format!("\\x{b:02x}"),
            b => char::from(b).to_string(),
        };
        bytes.iter().map(one).collect()
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
            (b"a\tb\nc\\d", false, r"a\x09b\x0ac\\d"),
            (b"a,b", false, "a,b"),
            (b"a,b", true, r"a\x2cb"),
            ("ü€".as_bytes(), false, "ü€"),
            (b"\xfc\x7f\xc2\x85", false, r"\xfc\x7f\xc2\x85"),
        ] {
            assert_eq!(tsv(input, in_list), want, "{input:?}");
        }
    }
}
