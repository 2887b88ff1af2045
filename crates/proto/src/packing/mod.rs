//! What the compressions of header fields have in common: HPACK (RFC 7541) and QPACK (RFC 9204) write integers and
//! strings alike, share the Huffman code, and keep tables that forget their oldest entries. A helper of HTTP/2 and
//! QUIC, no protocol.

mod huffman;
mod table;

pub(crate) use table::{ENTRY_LEN, Table};

use std::borrow::Cow;

/// Largest dynamic table (a peer may ask for 4096 in HTTP/2 unless told otherwise; servers go up to 64 KiB).
pub(crate) const MAX_TABLE_LEN: usize = 64 * 1024;

/// Fields of one header block that are looked at; of those behind only the table keeps track.
pub(crate) const MAX_FIELDS: usize = 1024;

/// Bytes of names and values of one header block that are looked at: a block of single bytes may refer to large
/// entries of the table over and over.
pub(crate) const MAX_FIELDS_LEN: usize = 256 * 1024;

/// What of a header block was looked at.
#[derive(Default)]
pub(crate) struct Looked {
    fields: usize,
    len: usize,
}

impl Looked {
    /// Shall one more field be looked at?
    pub(crate) const fn at(&mut self, name: &[u8], value: &[u8]) -> bool {
        self.fields += 1;
        self.len = self.len.saturating_add(name.len()).saturating_add(value.len());
        self.fields <= MAX_FIELDS && self.len <= MAX_FIELDS_LEN
    }

    /// Was something left out?
    pub(crate) const fn is_partial(&self) -> bool {
        self.fields > MAX_FIELDS || self.len > MAX_FIELDS_LEN
    }
}

/// It can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// Why something can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is no code at all, or over a limit.
    Broken,
    /// It goes on behind the end.
    Short,
}

impl From<Fault> for Broken {
    fn from(_: Fault) -> Self {
        Self
    }
}

/// An integer with a prefix of `bits` bits (RFC 7541 §5.1).
pub(crate) fn integer(bytes: &mut &[u8], bits: u32) -> Result<usize, Fault> {
    let (&first, mut rest) = bytes.split_first().ok_or(Fault::Short)?;
    let full = (1usize << bits) - 1;
    let mut value = usize::from(first) & full;
    if value == full {
        for shift in [0, 7, 14, 21] {
            let (&byte, tail) = rest.split_first().ok_or(Fault::Short)?;
            rest = tail;
            value += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                *bytes = rest;
                return Ok(value);
            }
        }
        return Err(Fault::Broken);
    }
    *bytes = rest;
    Ok(value)
}

/// A string literal whose length has a prefix of `bits` bits, with the bit that says whether it is coded above them
/// (RFC 7541 §5.2, RFC 9204 §4.1.2).
pub(crate) fn string<'b>(bytes: &mut &'b [u8], bits: u32) -> Result<Cow<'b, [u8]>, Fault> {
    let coded = bytes.first().ok_or(Fault::Short)? >> bits & 1 != 0;
    let len = integer(bytes, bits)?;
    let (text, rest) = bytes.split_at_checked(len).ok_or(Fault::Short)?;
    *bytes = rest;
    if coded { huffman::decode(text).map(Cow::Owned).ok_or(Fault::Broken) } else { Ok(Cow::Borrowed(text)) }
}

/// Steps over a string literal without undoing its code.
pub(crate) fn skip_string(bytes: &mut &[u8], bits: u32) -> Result<(), Fault> {
    let len = integer(bytes, bits)?;
    *bytes = bytes.get(len..).ok_or(Fault::Short)?;
    Ok(())
}
