//! Search filters (RFC 4511 §4.5.1.7) as text (RFC 4515), in Zeek's form: conditions joined by AND or OR are joined two
//! by two, and Microsoft's binary values (MS-ADTS §6.3.3) are written readably.

use crate::ber::{Ber, Element, MAX_DEPTH, tag};
use sekisho_wire::{ParseError, ParseResult};

/// Bytes of a filter's text; what is longer is cut.
pub(crate) const MAX_FILTER_LEN: usize = 4096;

/// Choices of a filter.
mod choice {
    pub const AND: u8 = 0xa0;
    pub const OR: u8 = 0xa1;
    pub const NOT: u8 = 0xa2;
    pub const EQUAL: u8 = 0xa3;
    pub const SUBSTRINGS: u8 = 0xa4;
    pub const GREATER: u8 = 0xa5;
    pub const LESS: u8 = 0xa6;
    pub const PRESENT: u8 = 0x87;
    pub const APPROXIMATE: u8 = 0xa8;
    pub const EXTENSIBLE: u8 = 0xa9;
}

/// Reads a filter; the flag says whether its text was cut.
pub(super) fn text(r: &mut Ber<'_>) -> ParseResult<(Vec<u8>, bool)> {
    let mut out = Vec::new();
    filter(r.element(&"filter")?, 0, &mut out)?;
    let cut = out.len() > MAX_FILTER_LEN;
    out.truncate(MAX_FILTER_LEN);
    Ok((out, cut))
}

fn filter(element: Element<'_>, depth: u8, out: &mut Vec<u8>) -> ParseResult<()> {
    if depth >= MAX_DEPTH {
        return Err(ParseError::over_limit(&"filter"));
    }
    if out.len() > MAX_FILTER_LEN {
        return Ok(());
    }
    let mut r = Ber::new(element.content);
    match element.tag {
        choice::AND => joined(b"(&", r, depth, out)?,
        choice::OR => joined(b"(|", r, depth, out)?,
        choice::NOT => {
            out.extend_from_slice(b"(!");
            filter(r.element(&"filter")?, depth + 1, out)?;
            out.push(b')');
        }
        choice::EQUAL => comparison(b"=", &mut r, out)?,
        choice::GREATER => comparison(b">=", &mut r, out)?,
        choice::LESS => comparison(b"<=", &mut r, out)?,
        choice::APPROXIMATE => comparison(b"~=", &mut r, out)?,
        choice::PRESENT => parts(&[b"(", element.content, b"=*)"], out),
        choice::SUBSTRINGS => substrings(&mut r, out)?,
        choice::EXTENSIBLE => extensible(&mut r, out)?,
        _ => return Err(ParseError::bad(&"filter")),
    }
    Ok(())
}

/// Conditions a, b, c as `(&(&ab)c)`.
fn joined(open: &[u8], mut r: Ber<'_>, depth: u8, out: &mut Vec<u8>) -> ParseResult<()> {
    let mut ahead = r;
    let mut count = 0usize;
    while !ahead.is_empty() && count < MAX_FILTER_LEN {
        ahead.element(&"filter")?;
        count += 1;
    }
    for _ in 0..count.saturating_sub(1).clamp(usize::from(count > 0), MAX_FILTER_LEN) {
        out.extend_from_slice(open);
    }
    for i in 0..count {
        filter(r.element(&"filter")?, depth + 1, out)?;
        if i > 0 || count == 1 {
            out.push(b')');
        }
        if out.len() > MAX_FILTER_LEN {
            break;
        }
    }
    Ok(())
}

fn parts(texts: &[&[u8]], out: &mut Vec<u8>) {
    for text in texts {
        let room = (MAX_FILTER_LEN + 1).saturating_sub(out.len());
        out.extend_from_slice(text.get(..room).unwrap_or(text));
    }
}

fn comparison(operator: &[u8], r: &mut Ber<'_>, out: &mut Vec<u8>) -> ParseResult<()> {
    let name = r.expect(&"attribute", tag::OCTET_STRING)?;
    let value = r.expect(&"value", tag::OCTET_STRING)?;
    parts(&[b"(", name, operator, &shown(name, value), b")"], out);
    Ok(())
}

fn substrings(r: &mut Ber<'_>, out: &mut Vec<u8>) -> ParseResult<()> {
    let name = r.expect(&"attribute", tag::OCTET_STRING)?;
    let mut pieces = r.enter(&"substrings", tag::SEQUENCE)?;
    let (mut first, mut middle, mut last) = (Vec::new(), Vec::new(), Vec::new());
    while !pieces.is_empty() && middle.len() <= MAX_FILTER_LEN {
        let piece = pieces.element(&"substring")?;
        match piece.tag {
            0x80 => first = escaped(piece.content),
            0x81 => {
                middle.extend(escaped(piece.content));
                middle.push(b'*');
            }
            0x82 => last = escaped(piece.content),
            _ => return Err(ParseError::bad(&"substring")),
        }
    }
    parts(&[b"(", name, b"=", &first, b"*", &middle, &last, b")"], out);
    Ok(())
}

fn extensible(r: &mut Ber<'_>, out: &mut Vec<u8>) -> ParseResult<()> {
    let (mut rule, mut name, mut value) = (None, &b""[..], &b""[..]);
    while !r.is_empty() {
        let part = r.element(&"matching rule assertion")?;
        match part.tag {
            0x81 => rule = Some(part.content),
            0x82 => name = part.content,
            0x83 => value = part.content,
            _ => {}
        }
    }
    let (colon, rule) = rule.map_or((&b""[..], &b""[..]), |rule| (&b":"[..], rule));
    parts(&[b"(", name, colon, rule, b":=", value, b")"], out);
    Ok(())
}

/// A value as text, by what the attribute is.
fn shown(name: &[u8], value: &[u8]) -> Vec<u8> {
    match name {
        b"DomainGuid" => guid(value),
        b"objectSid" | b"AAC" => hex(value, ":").into_bytes(),
        b"DomainSid" => sid(value),
        b"NtVer" => match <[u8; 4]>::try_from(value) {
            Ok(bytes) => format!("0x{:08x}", u32::from_le_bytes(bytes)).into_bytes(),
            Err(_) => b"HEX_FORMAT_FAILED".to_vec(),
        },
        _ => escaped(value),
    }
}

fn hex(bytes: &[u8], between: &str) -> String {
    let shown = bytes.get(..MAX_FILTER_LEN).unwrap_or(bytes);
    shown.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(between)
}

/// A GUID (MS-DTYP §2.3.4.2): three numbers in little endian, the rest as it comes.
fn guid(value: &[u8]) -> Vec<u8> {
    let Ok([a0, a1, a2, a3, b0, b1, c0, c1, rest @ ..]) = <[u8; 16]>::try_from(value) else {
        return b"GUID_FORMAT_FAILED".to_vec();
    };
    let [d0, d1, node @ ..] = rest;
    let groups = [hex(&[a3, a2, a1, a0], ""), hex(&[b1, b0], ""), hex(&[c1, c0], ""), hex(&[d0, d1], "")];
    format!("{}-{}", groups.join("-"), hex(&node, "")).into_bytes()
}

/// A domain's SID (MS-DTYP §2.4.2.2), which has four subordinate authorities.
fn sid(value: &[u8]) -> Vec<u8> {
    let Ok([revision, _, authority @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]) = <[u8; 24]>::try_from(value)
    else {
        return b"SID_FORMAT_FAILED".to_vec();
    };
    let authority: [u8; 6] = authority;
    let number = authority.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    let (words, _) = value.get(8..).unwrap_or(&[]).as_chunks::<4>();
    let words: Vec<String> = words.iter().map(|w| u32::from_le_bytes(*w).to_string()).collect();
    format!("S-{revision}-{number}-{}", words.join("-")).into_bytes()
}

/// NUL, ESC, parentheses and the star as backslash and hexadecimal, as Zeek has it.
fn escaped(value: &[u8]) -> Vec<u8> {
    let value = value.get(..MAX_FILTER_LEN + 1).unwrap_or(value);
    let mut out = Vec::with_capacity(value.len());
    for b in value {
        match b {
            0 | 27 | b'(' | b')' | b'*' => out.extend(format!("\\{b:02x}").bytes()),
            _ => out.push(*b),
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ber::build::tlv;

    fn octets(text: &[u8]) -> Vec<u8> {
        tlv(tag::OCTET_STRING, text)
    }

    pub(in super::super) fn equal(name: &str, value: &[u8]) -> Vec<u8> {
        tlv(choice::EQUAL, &[octets(name.as_bytes()), octets(value)].concat())
    }

    fn check(bytes: &[u8], want: &str) {
        let (text, cut) = text(&mut Ber::new(bytes)).unwrap();
        assert_eq!((String::from_utf8_lossy(&text).as_ref(), cut), (want, false));
    }

    #[test]
    fn parses_every_kind() {
        let (a, b, c) = (equal("a", b"1"), equal("b", b"2"), equal("c", b"(x*)"));
        check(&a, "(a=1)");
        check(&tlv(choice::AND, &[a.clone(), b.clone(), c.clone()].concat()), "(&(&(a=1)(b=2))(c=\\28x\\2a\\29))");
        check(&tlv(choice::OR, &[a.clone(), b].concat()), "(|(a=1)(b=2))");
        check(&tlv(choice::OR, &a), "(|(a=1))");
        check(&tlv(choice::AND, &[]), "");
        check(&tlv(choice::NOT, &a), "(!(a=1))");
        check(&tlv(choice::PRESENT, b"objectClass"), "(objectClass=*)");
        for (kind, operator) in [(choice::GREATER, ">="), (choice::LESS, "<="), (choice::APPROXIMATE, "~=")] {
            check(&tlv(kind, &[octets(b"n"), octets(b"5")].concat()), &format!("(n{operator}5)"));
        }
        let pieces = [tlv(0x80, b"s"), tlv(0x81, b"m"), tlv(0x81, b"n"), tlv(0x82, b"e")].concat();
        let substrings = [octets(b"cn"), tlv(tag::SEQUENCE, &pieces)].concat();
        check(&tlv(choice::SUBSTRINGS, &substrings), "(cn=s*m*n*e)");
        let rule =
            [tlv(0x81, b"1.2.840.113556.1.4.803"), tlv(0x82, b"userAccountControl"), tlv(0x83, b"8192")].concat();
        check(&tlv(choice::EXTENSIBLE, &rule), "(userAccountControl:1.2.840.113556.1.4.803:=8192)");
        check(&tlv(choice::EXTENSIBLE, &[tlv(0x82, b"cn"), tlv(0x83, b"x")].concat()), "(cn:=x)");
    }

    #[test]
    fn parses_binary_values() {
        check(&equal("NtVer", &[6, 0, 0, 0x20]), "(NtVer=0x20000006)");
        check(&equal("AAC", &[1, 0xff]), "(AAC=01:ff)");
        let guid: Vec<u8> = (0..16).collect();
        check(&equal("DomainGuid", &guid), "(DomainGuid=03020100-0504-0706-0809-0a0b0c0d0e0f)");
        let mut sid = vec![1, 4, 0, 0, 0, 0, 0, 5];
        for n in [21u32, 1_153_942_841, 488_947_194, 1_912_431_946] {
            sid.extend(n.to_le_bytes());
        }
        check(&equal("DomainSid", &sid), "(DomainSid=S-1-5-21-1153942841-488947194-1912431946)");
        check(&equal("DomainSid", &sid[1..]), "(DomainSid=SID_FORMAT_FAILED)");
    }

    #[test]
    fn limits_depth_and_length() {
        let mut deep = equal("a", b"1");
        for _ in 0..MAX_DEPTH {
            deep = tlv(choice::NOT, &deep);
        }
        assert!(text(&mut Ber::new(&deep)).is_err());
        let many = equal("a", b"1").repeat(3000);
        let (out, cut) = text(&mut Ber::new(&tlv(choice::OR, &many))).unwrap();
        assert!(cut && out.len() == MAX_FILTER_LEN);
        let (out, cut) = text(&mut Ber::new(&equal("a", &[b'x'; 60_000]))).unwrap();
        assert!(cut && out.len() == MAX_FILTER_LEN);
        assert!(text(&mut Ber::new(&tlv(0xaf, b""))).is_err());
    }
}
