//! A checked cursor over DER (ITU-T X.690). Every read is bounded; nothing here can panic.

use std::fmt;

/// Universal and context tags that certificates use, as their identifier octet.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const ENUMERATED: u8 = 0x0a;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    /// Context-specific, constructed, number `n`.
    pub(crate) const fn explicit(n: u8) -> u8 {
        0xa0 | n
    }
    /// Context-specific, primitive, number `n`.
    pub(crate) const fn implicit(n: u8) -> u8 {
        0x80 | n
    }
}

/// Why bytes are not the DER structure asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Fewer bytes than a length announces, or an item missing.
    Missing,
    /// Another tag than the standard asks for.
    UnexpectedTag,
    /// A length in a form that DER forbids or beyond what a certificate may have.
    BadLength,
    /// A value outside its domain.
    BadValue,
    /// Bytes after the end.
    Trailing,
    /// A named limit was exceeded.
    OverLimit,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing bytes",
            Self::UnexpectedTag => "unexpected tag",
            Self::BadLength => "bad length",
            Self::BadValue => "bad value",
            Self::Trailing => "trailing bytes",
            Self::OverLimit => "over limit",
        })
    }
}

impl std::error::Error for Error {}

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// One element: identifier octet, content, and the whole encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// A cursor over concatenated elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Der<'a> {
    rest: &'a [u8],
}

impl<'a> Der<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Identifier octet of the next element.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, whatever it is. Multi-byte tags and indefinite lengths do not occur in certificates.
    pub(crate) fn any(&mut self) -> Result<Element<'a>> {
        let (&tag, after_tag) = self.rest.split_first().ok_or(Error::Missing)?;
        if tag & 0x1f == 0x1f {
            return Err(Error::UnexpectedTag);
        }
        let (&first, mut after) = after_tag.split_first().ok_or(Error::Missing)?;
        let mut len = usize::from(first);
        if first >= 0x80 {
            let count = usize::from(first & 0x7f);
            // Four octets hold any length that a 24-bit handshake message can carry.
            if count == 0 || count > 4 {
                return Err(Error::BadLength);
            }
            let (octets, tail) = after.split_at_checked(count).ok_or(Error::Missing)?;
            len = octets.iter().fold(0usize, |n, &b| n << 8 | usize::from(b));
            after = tail;
        }
        let (content, rest) = after.split_at_checked(len).ok_or(Error::Missing)?;
        let whole = self.rest.get(..self.rest.len() - rest.len()).ok_or(Error::Missing)?;
        self.rest = rest;
        Ok(Element { tag, content, whole })
    }

    /// The next element, which must have `tag`.
    pub(crate) fn element(&mut self, tag: u8) -> Result<Element<'a>> {
        if self.peek().ok_or(Error::Missing)? != tag {
            return Err(Error::UnexpectedTag);
        }
        self.any()
    }

    /// Content of the next element, which must have `tag`.
    pub(crate) fn content(&mut self, tag: u8) -> Result<&'a [u8]> {
        self.element(tag).map(|e| e.content)
    }

    /// A cursor over the content of the next element, which must have `tag`.
    pub(crate) fn enter(&mut self, tag: u8) -> Result<Der<'a>> {
        self.content(tag).map(Der::new)
    }

    /// As [`Der::element`] if the next element has `tag`; else the cursor stays.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// An optional BOOLEAN with default FALSE.
    pub(crate) fn flag(&mut self) -> Result<bool> {
        Ok(self.optional(tag::BOOLEAN)?.is_some_and(|e| e.content.iter().any(|&b| b != 0)))
    }

    /// A BIT STRING of whole octets.
    pub(crate) fn bits(&mut self) -> Result<&'a [u8]> {
        let (_unused, octets) = self.content(tag::BIT_STRING)?.split_first().ok_or(Error::Missing)?;
        Ok(octets)
    }
}

/// A non-negative INTEGER that fits 64 bits.
pub(crate) fn small_uint(content: &[u8]) -> Option<u64> {
    let magnitude = trim_zeros(content);
    let negative = content.first().is_none_or(|b| b & 0x80 != 0);
    (!negative && magnitude.len() <= 8).then(|| magnitude.iter().fold(0, |n, &b| n << 8 | u64::from(b)))
}

/// Without leading zero octets.
pub(crate) fn trim_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|&&b| b == 0).count();
    bytes.get(zeros..).unwrap_or(&[])
}

/// Number of significant bits of a big-endian magnitude.
pub(crate) fn bit_len(bytes: &[u8]) -> u32 {
    let magnitude = trim_zeros(bytes);
    let Some(first) = magnitude.first() else { return 0 };
    u32::try_from(magnitude.len()).unwrap_or(u32::MAX / 8).saturating_mul(8).saturating_sub(first.leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_short_and_long_lengths() {
        let mut bytes = vec![0x04, 0x82, 0x01, 0x00];
        bytes.extend([7u8; 256]);
        bytes.extend([0x02, 0x01, 0x05]);
        let mut d = Der::new(&bytes);
        assert_eq!(d.content(tag::OCTET_STRING).unwrap(), &[7u8; 256]);
        assert_eq!(d.peek(), Some(tag::INTEGER));
        assert_eq!(d.optional(tag::BOOLEAN).unwrap(), None);
        assert_eq!(d.any().unwrap().whole, &[2, 1, 5]);
        assert!(d.is_empty());
    }

    #[test]
    fn rejects_what_is_cut_or_not_der() {
        let err = |b: &[u8]| Der::new(b).any().unwrap_err();
        assert_eq!(err(&[]), Error::Missing);
        assert_eq!(err(&[0x30, 0x03, 1, 2]), Error::Missing);
        assert_eq!(err(&[0x30, 0x80, 0, 0]), Error::BadLength);
        assert_eq!(err(&[0x30, 0x85, 0, 0, 0, 0, 1, 9]), Error::BadLength);
        assert_eq!(err(&[0x1f, 0x01, 0x00]), Error::UnexpectedTag);
        assert_eq!(err(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), Error::Missing);
        assert_eq!(Der::new(&[2, 1, 0]).content(tag::OID).unwrap_err(), Error::UnexpectedTag);
    }

    #[test]
    fn measures_integers() {
        assert_eq!(small_uint(&[0x01, 0x00, 0x01]), Some(65537));
        assert_eq!(small_uint(&[0x80]), None);
        assert_eq!(small_uint(&[]), None);
        assert_eq!(bit_len(&[0, 0x80, 0]), 16);
        assert_eq!(bit_len(&[0x01, 0xff]), 9);
        assert_eq!(bit_len(&[0]), 0);
    }
}
