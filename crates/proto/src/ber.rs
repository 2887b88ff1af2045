//! BER and DER (ITU-T X.690): elements read from borrowed bytes, for the protocols that are written in ASN.1.
//!
//! Only what these protocols use: identifiers of one byte and definite lengths. Nothing is copied, and nothing recurses:
//! whoever goes into an element says so with [`Ber::enter`], which counts the depth. Limits: [`MAX_DEPTH`],
//! [`MAX_LEN_OCTETS`], [`MAX_OID_ARCS`].

use sekisho_wire::{ParseError, ParseResult, Problem, Reader};

/// Constructed elements around the innermost one.
pub(crate) const MAX_DEPTH: u8 = 32;
/// Bytes that a length may take behind its first one: more would not fit any capture.
pub(crate) const MAX_LEN_OCTETS: usize = 4;
/// Numbers of an object identifier that are written out.
pub(crate) const MAX_OID_ARCS: usize = 64;
/// Bytes of one number of an object identifier: ten hold 64 bits.
pub(crate) const MAX_ARC_LEN: usize = 10;

/// Identifier octets of universal types (X.680 §8.4).
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const ENUMERATED: u8 = 0x0a;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    /// Constructed element `n` of the application's own types.
    pub(crate) const fn application(n: u8) -> u8 {
        0x60 | n
    }
    /// Constructed element `n` of the surrounding type.
    pub(crate) const fn context(n: u8) -> u8 {
        0xa0 | n
    }
    /// Primitive element `n` of the surrounding type.
    pub(crate) const fn primitive(n: u8) -> u8 {
        0x80 | n
    }
}

/// One element: identifier octet and content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
}

/// Identifier and length of an element whose content may not be there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) tag: u8,
    /// Bytes of identifier and length.
    pub(crate) header_len: usize,
    /// Bytes of content.
    pub(crate) content_len: usize,
}

impl Header {
    /// The header that `bytes` begin with; `None` if more bytes are needed.
    pub(crate) fn parse(bytes: &[u8]) -> ParseResult<Option<Self>> {
        match header(&mut Reader::new(bytes), &"ASN.1 header") {
            Ok(header) => Ok(Some(header)),
            Err(e) if e.problem() == Problem::Missing => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Bytes of the whole element.
    pub(crate) const fn total_len(&self) -> usize {
        self.header_len.saturating_add(self.content_len)
    }
}

fn header(r: &mut Reader<'_>, item: &'static &'static str) -> ParseResult<Header> {
    let start = r.pos();
    let tag = r.u8(item)?;
    if tag & 0x1f == 0x1f {
        return Err(ParseError::bad(item));
    }
    let first = usize::from(r.u8(item)?);
    let content_len = match first {
        0x80 => return Err(ParseError::bad(item)),
        0..0x80 => first,
        _ if first - 0x80 > MAX_LEN_OCTETS => return Err(ParseError::over_limit(item)),
        _ => r.take(item, first - 0x80)?.iter().fold(0usize, |n, b| n << 8 | usize::from(*b)),
    };
    Ok(Header { tag, header_len: r.pos() - start, content_len })
}

/// Elements one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ber<'a> {
    r: Reader<'a>,
    depth: u8,
}

impl<'a> Ber<'a> {
    /// The elements of `bytes`.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { r: Reader::new(bytes), depth: 0 }
    }

    /// Is everything read?
    pub(crate) const fn is_empty(&self) -> bool {
        self.r.is_empty()
    }

    /// Bytes not yet read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.r.rest()
    }

    /// Identifier of the next element.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.r.rest().first().copied()
    }

    /// The next element, whatever it is.
    pub(crate) fn element(&mut self, item: &'static &'static str) -> ParseResult<Element<'a>> {
        let mut r = self.r;
        let h = header(&mut r, item)?;
        let content = r.take(item, h.content_len)?;
        self.r = r;
        Ok(Element { tag: h.tag, content })
    }

    /// Content of the next element, which must have identifier `tag`.
    pub(crate) fn expect(&mut self, item: &'static &'static str, tag: u8) -> ParseResult<&'a [u8]> {
        if self.peek().is_some_and(|t| t != tag) {
            return Err(ParseError::bad(item));
        }
        self.element(item).map(|e| e.content)
    }

    /// The elements inside the next one, which must have identifier `tag`.
    pub(crate) fn enter(&mut self, item: &'static &'static str, tag: u8) -> ParseResult<Ber<'a>> {
        if self.depth >= MAX_DEPTH {
            return Err(ParseError::over_limit(item));
        }
        let content = self.expect(item, tag)?;
        Ok(Ber { r: Reader::new(content), depth: self.depth + 1 })
    }

    /// The elements inside the next one if it has identifier `tag`; else nothing is read.
    pub(crate) fn optional(&mut self, item: &'static &'static str, tag: u8) -> ParseResult<Option<Ber<'a>>> {
        if self.peek() == Some(tag) { self.enter(item, tag).map(Some) } else { Ok(None) }
    }

    /// A number with identifier `tag` (INTEGER, ENUMERATED or an implicit one).
    pub(crate) fn number(&mut self, item: &'static &'static str, tag: u8) -> ParseResult<i64> {
        let mut at = *self;
        let content = at.expect(item, tag)?;
        let n = integer(content).ok_or(ParseError::bad(item))?;
        *self = at;
        Ok(n)
    }

    /// An INTEGER.
    pub(crate) fn integer(&mut self, item: &'static &'static str) -> ParseResult<i64> {
        self.number(item, tag::INTEGER)
    }
}

/// An INTEGER's value (X.690 §8.3), at most 64 bits.
pub(crate) fn integer(content: &[u8]) -> Option<i64> {
    let first = *content.first()?;
    if content.len() > 8 {
        return None;
    }
    let sign = if first & 0x80 == 0 { 0 } else { -1 };
    Some(content.iter().fold(sign, |n, b| n << 8 | i64::from(*b)))
}

/// An INTEGER's bits as a number without sign, as ASN.1's users of 32-bit counters and Zeek read it.
pub(crate) fn unsigned(content: &[u8]) -> Option<u64> {
    let significant = match content.split_first()? {
        (0, rest) if content.len() > 8 => rest,
        _ => content,
    };
    (significant.len() <= 8).then(|| significant.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
}

/// An object identifier with dots; `None` if it is cut, empty, or has a number of more than [`MAX_ARC_LEN`] bytes.
pub(crate) fn oid_text(content: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut arcs = arcs(content);
    let mut count = 0usize;
    for arc in arcs.by_ref().take(MAX_OID_ARCS) {
        let arc = arc?;
        if count == 0 {
            let root = (arc / 40).min(2);
            text = format!("{root}.{}", arc - root * 40);
        } else {
            text.push('.');
            text.push_str(&arc.to_string());
        }
        count += 1;
    }
    (count > 0 && arcs.next().is_none()).then_some(text)
}

/// The length of the first number of an object identifier that has more than [`MAX_ARC_LEN`] bytes.
pub(crate) fn overlong_arc(content: &[u8]) -> Option<usize> {
    content.split_inclusive(|b| b & 0x80 == 0).map(<[u8]>::len).find(|n| *n > MAX_ARC_LEN)
}

/// A GeneralizedTime as DER writes it (X.690 §11.7), `YYYYMMDDhhmmssZ`, in seconds since 1970.
pub(crate) fn generalized_time(content: &[u8]) -> Option<i64> {
    let digits = content.strip_suffix(b"Z").filter(|d| d.len() == 14 && d.iter().all(u8::is_ascii_digit))?;
    let number =
        |from: usize, to: usize| digits.get(from..to).map(|d| d.iter().fold(0i64, |n, b| n * 10 + i64::from(b - b'0')));
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    // Years begin in March, so that the leap day comes last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day - 1;
    valid.then_some((days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// The numbers of an object identifier as encoded; `None` for one that is cut or too long.
fn arcs(content: &[u8]) -> impl Iterator<Item = Option<u64>> {
    content.split_inclusive(|b| b & 0x80 == 0).map(|arc| {
        let whole = arc.last().is_some_and(|b| b & 0x80 == 0) && arc.len() <= MAX_ARC_LEN;
        whole.then(|| arc.iter().fold(0u64, |n, b| n << 7 | u64::from(b & 0x7f)))
    })
}

/// Elements for tests.
#[cfg(test)]
pub(crate) mod build {
    use super::tag;

    /// An element.
    pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let len = content.len();
        let mut out = vec![tag];
        match len {
            0..0x80 => out.push(len as u8),
            _ => out.extend([0x82, (len >> 8) as u8, len as u8]),
        }
        out.extend_from_slice(content);
        out
    }

    /// A SEQUENCE of `parts`.
    pub(crate) fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
        tlv(tag::SEQUENCE, &parts.concat())
    }

    /// An INTEGER of one byte.
    pub(crate) fn int(n: u8) -> Vec<u8> {
        vec![tag::INTEGER, 1, n]
    }

    /// `part` as element `n` of a sequence.
    pub(crate) fn field(n: u8, part: &[u8]) -> Vec<u8> {
        tlv(tag::context(n), part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_nested_elements() {
        let bytes = [0x30, 0x81, 0x08, 0x02, 0x01, 0x05, 0xa1, 0x03, 0x04, 0x01, b'x', 0xff];
        let mut all = Ber::new(&bytes);
        let mut seq = all.enter(&"s", tag::SEQUENCE).unwrap();
        assert_eq!(all.rest(), [0xff]);
        assert!(seq.optional(&"none", tag::context(0)).unwrap().is_none());
        assert_eq!(seq.integer(&"n"), Ok(5));
        let mut inner = seq.optional(&"some", tag::context(1)).unwrap().unwrap();
        assert_eq!(inner.expect(&"text", tag::OCTET_STRING), Ok(&b"x"[..]));
        assert!(inner.is_empty() && seq.is_empty());
    }

    #[test]
    fn parses_headers_of_incomplete_elements() {
        assert_eq!(Header::parse(&[0x30]), Ok(None));
        assert_eq!(Header::parse(&[0x30, 0x82, 1]), Ok(None));
        let h = Header::parse(&[0x30, 0x82, 1, 4]).unwrap().unwrap();
        assert_eq!((h.header_len, h.content_len, h.total_len()), (4, 260, 264));
    }

    #[test]
    fn rejects_what_is_not_used() {
        assert_eq!(Header::parse(&[0x3f, 0x81]).unwrap_err().problem(), Problem::BadValue);
        assert_eq!(Header::parse(&[0x30, 0x80, 0, 0]).unwrap_err().problem(), Problem::BadValue);
        assert_eq!(Header::parse(&[0x30, 0x85, 0, 0, 0, 0, 1]).unwrap_err().problem(), Problem::OverLimit);
        let mut cut = Ber::new(&[0x04, 0x05, 1]);
        assert_eq!(cut.element(&"e").unwrap_err().problem(), Problem::Missing);
        assert_eq!(cut.rest().len(), 3, "nothing was read");
        assert!(Ber::new(&[0x04, 0]).expect(&"e", tag::INTEGER).is_err());
    }

    #[test]
    fn limits_depth() {
        let mut bytes = Vec::new();
        for _ in 0..=MAX_DEPTH {
            let inner = bytes.clone();
            bytes = vec![0x30, u8::try_from(inner.len()).unwrap()];
            bytes.extend(inner);
        }
        let mut at = Ber::new(&bytes);
        for _ in 0..MAX_DEPTH {
            at = at.enter(&"s", tag::SEQUENCE).unwrap();
        }
        assert_eq!(at.enter(&"s", tag::SEQUENCE).unwrap_err().problem(), Problem::OverLimit);
    }

    #[test]
    fn parses_numbers() {
        assert_eq!(integer(&[0xff]), Some(-1));
        assert_eq!(integer(&[0, 0xff]), Some(255));
        assert_eq!(integer(&[0x80, 0, 0, 0, 0, 0, 0, 0]), Some(i64::MIN));
        assert_eq!((integer(&[]), integer(&[0; 9])), (None, None));
        assert_eq!(unsigned(&[0xff, 0xff]), Some(0xffff));
        assert_eq!(unsigned(&[0, 0xff, 0, 0, 0, 0, 0, 0, 0]), Some(0xff << 56));
        assert_eq!(unsigned(&[1; 9]), None);
    }

    #[test]
    fn parses_times() {
        assert_eq!(generalized_time(b"19700101000000Z"), Some(0));
        assert_eq!(generalized_time(b"20370913024805Z"), Some(2_136_422_885));
        assert_eq!(generalized_time(b"20240229120000Z"), Some(1_709_208_000));
        for bad in [&b"19700101000000"[..], b"1970010100000Z", b"19701301000000Z", b"1970010100000xZ", b""] {
            assert_eq!(generalized_time(bad), None);
        }
    }

    #[test]
    fn parses_object_identifiers() {
        assert_eq!(oid_text(&[0x2b, 6, 1, 2, 1, 0x81, 0x00]).unwrap(), "1.3.6.1.2.1.128");
        assert_eq!(oid_text(&[0x88, 0x37]).unwrap(), "2.999");
        assert_eq!((oid_text(&[]), oid_text(&[0x2b, 0x81])), (None, None));
        assert_eq!(oid_text(&[&[0x2b][..], &[0x80; 10], &[1]].concat()), None);
        assert_eq!(overlong_arc(&[&[0x2b][..], &[0x80; 10], &[0]].concat()), Some(11));
        assert_eq!(oid_text(&[1; MAX_OID_ARCS + 1]), None);
    }
}
