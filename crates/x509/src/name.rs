//! Distinguished names, printed as OpenSSL's `XN_FLAG_RFC2253` does: last component first, short attribute names,
//! RFC 2253 escapes, bytes outside ASCII as `\XX` of their UTF-8 form, unknown types as dotted OID with `#` and hex.

use crate::der::{Der, Result, tag};
use crate::oid;

/// Most attributes of one name that are looked at; real names have fewer than twenty.
const MAX_ATTRIBUTES: usize = 64;

/// Longest printed name; longer ones are cut. The longest seen in public certificates have about 500 characters.
pub(crate) const MAX_PRINTED_LEN: usize = 2048;

/// One attribute: its type's OID and its value.
#[derive(Clone, Copy)]
struct Attribute<'a> {
    oid: &'a [u8],
    tag: u8,
    value: &'a [u8],
    whole: &'a [u8],
    /// It shares a relative name with the attribute before it.
    joined: bool,
}

/// Attributes of a Name's content in wire order.
fn attributes(name: &[u8]) -> Result<Vec<Attribute<'_>>> {
    let mut out = Vec::new();
    let mut rdns = Der::new(name);
    while !rdns.is_empty() {
        let mut set = rdns.enter(tag::SET)?;
        let mut joined = false;
        while !set.is_empty() {
            let mut pair = set.enter(tag::SEQUENCE)?;
            let oid = pair.content(tag::OID)?;
            let value = pair.any()?;
            if out.len() < MAX_ATTRIBUTES {
                out.push(Attribute { oid, tag: value.tag, value: value.content, whole: value.whole, joined });
            }
            joined = true;
        }
    }
    Ok(out)
}

/// The printed form of a Name's content (the octets inside its SEQUENCE).
pub(crate) fn print(name: &[u8]) -> Result<String> {
    let list = attributes(name)?;
    let mut text = String::new();
    // The joint between two attributes belongs to the later one on the wire, which is printed first.
    let mut joint = "";
    for a in list.iter().rev() {
        text.push_str(joint);
        joint = if a.joined { "+" } else { "," };
        match oid::attribute_name(a.oid) {
            Some(short) => {
                text.push_str(short);
                text.push('=');
                print_value(a, &mut text);
            }
            None => {
                text.push_str(&oid::dotted(a.oid));
                text.push('=');
                dump(a.whole, &mut text);
            }
        }
    }
    text.truncate(MAX_PRINTED_LEN);
    Ok(text)
}

/// The printed form of a Name's content in the order of the wire: `C=US, O=Example + OU=x, CN=example.org`. Values are
/// text as it stands there; of other types than strings, hex.
pub(crate) fn print_in_order(name: &[u8]) -> Result<String> {
    let mut text = String::new();
    for a in attributes(name)? {
        if !text.is_empty() {
            text.push_str(if a.joined { " + " } else { ", " });
        }
        match oid::attribute_name(a.oid) {
            Some(short) => text.push_str(short),
            None => text.push_str(&oid::dotted(a.oid)),
        }
        text.push('=');
        match char_width(a.tag) {
            Some(1) => text.push_str(&String::from_utf8_lossy(a.value)),
            Some(4) => {
                let codes = a.value.chunks_exact(4).map(|four| four.iter().fold(0, |n, &b| n << 8 | u32::from(b)));
                text.extend(codes.map(|n| char::from_u32(n).unwrap_or(char::REPLACEMENT_CHARACTER)));
            }
            Some(_) => {
                let units = a.value.chunks_exact(2).map(|pair| pair.iter().fold(0, |n, &b| n << 8 | u16::from(b)));
                text.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
            }
            None => a.value.iter().for_each(|&b| hex(b, &mut text)),
        }
        if text.len() > MAX_PRINTED_LEN {
            break;
        }
    }
    Ok(text)
}

/// The last common name, as text in which what is not ASCII is replaced; Zeek's fallback for matching.
pub(crate) fn common_name(name: &[u8]) -> Option<&[u8]> {
    attributes(name).ok()?.into_iter().rev().find(|a| a.oid == oid::COMMON_NAME).map(|a| a.value)
}

/// Octets per character of the string types, after OpenSSL's table; `None` for types it dumps.
fn char_width(tag: u8) -> Option<usize> {
    match tag {
        12 | 18 | 19 | 20 | 22 | 23 | 24 | 26 => Some(1),
        28 => Some(4),
        30 => Some(2),
        _ => None,
    }
}

fn print_value(a: &Attribute<'_>, text: &mut String) {
    let Some(width) = char_width(a.tag) else { return dump(a.whole, text) };
    let count = a.value.len() / width;
    for (i, unit) in a.value.chunks_exact(width).enumerate() {
        let (first, last) = (i == 0 && count > 1, i + 1 == count);
        let code = unit.iter().fold(0u32, |n, &b| n << 8 | u32::from(b));
        if a.tag == tag::UTF8_STRING || code < 0x80 {
            escape(code.to_be_bytes()[3], first, last, text);
        } else {
            let mut buf = [0; 4];
            for &b in char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut buf).as_bytes() {
                escape(b, false, false, text);
            }
        }
    }
}

/// RFC 2253 §2.4 as OpenSSL reads it: `=` stays, control and high bytes become hex pairs.
fn escape(b: u8, first: bool, last: bool, text: &mut String) {
    match b {
        b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' => text.push('\\'),
        b'#' if first => text.push('\\'),
        b' ' if first || last => text.push('\\'),
        0..=0x1f | 0x7f.. => {
            text.push('\\');
            return hex(b, text);
        }
        _ => {}
    }
    text.push(char::from(b));
}

fn dump(whole: &[u8], text: &mut String) {
    text.push('#');
    whole.iter().for_each(|&b| hex(b, text));
}

/// Two upper-case hex digits.
pub(crate) fn hex(b: u8, text: &mut String) {
    for nibble in [b >> 4, b & 15] {
        text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut v = vec![tag, content.len() as u8];
        v.extend(content);
        v
    }

    fn attr(oid: &[u8], string_tag: u8, value: &[u8]) -> Vec<u8> {
        tlv(tag::SEQUENCE, &[tlv(tag::OID, oid), tlv(string_tag, value)].concat())
    }

    fn rdn(attrs: &[Vec<u8>]) -> Vec<u8> {
        tlv(tag::SET, &attrs.concat())
    }

    const O: &[u8] = &[0x55, 4, 10];

    #[test]
    fn parses_reversed_and_joined() {
        let name = [
            rdn(&[attr(&[0x55, 4, 6], 19, b"JP")]),
            rdn(&[attr(O, 12, b"One"), attr(&[0x55, 4, 11], 12, b"Two")]),
            rdn(&[attr(oid::COMMON_NAME, 12, b"x")]),
        ]
        .concat();
        assert_eq!(print(&name).unwrap(), "CN=x,OU=Two+O=One,C=JP");
        assert_eq!(common_name(&name), Some(&b"x"[..]));
    }

    #[test]
    fn escapes_as_openssl() {
        let one = |t: u8, v: &[u8]| print(&rdn(&[attr(O, t, v)])).unwrap();
        assert_eq!(one(19, b"A, \"B\" <c>;d+e\\f=g"), "O=A\\, \\\"B\\\" \\<c\\>\\;d\\+e\\\\f=g");
        assert_eq!(one(19, b" lead and trail "), "O=\\ lead and trail\\ ");
        assert_eq!(one(19, b"#hash # in"), "O=\\#hash # in");
        assert_eq!(one(12, "é".as_bytes()), "O=\\C3\\A9");
        assert_eq!(one(20, &[0xe9]), "O=\\C3\\A9");
        assert_eq!(one(30, &[0, b'A', 0x30, 0x42]), "O=A\\E3\\81\\82");
        assert_eq!(one(22, b"a\nb\x7f"), "O=a\\0Ab\\7F");
        assert_eq!(one(4, &[1, 2]), "O=#04020102");
        assert_eq!(print(&rdn(&[attr(&[0x2a, 3, 4], 12, b"hi")])).unwrap(), "1.2.3.4=#0C026869");
    }

    #[test]
    fn rejects_a_broken_name() {
        assert!(print(&[0x31, 5, 0x30]).is_err());
        assert_eq!(print(&[]).unwrap(), "");
    }

    #[test]
    fn limits_printed_length() {
        let name = rdn(&[attr(O, 12, &[b'a'; 100])]).repeat(30);
        assert_eq!(print(&name).unwrap().len(), MAX_PRINTED_LEN);
    }
}
