//! BSON documents (bsonspec.org, version 1.1), as far as commands and replies need them.

use sekisho_wire::{ParseError, ParseResult, Reader};

/// Documents within documents that are looked into.
const MAX_DEPTH: usize = 8;

/// A value that is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// A list: its elements as a document.
    Array(&'a [u8]),
    Binary(&'a [u8]),
    Bool(bool),
    Document(&'a [u8]),
    Double(f64),
    Int(i64),
    /// Of another kind.
    Other,
    Text(&'a [u8]),
}

impl<'a> Value<'a> {
    pub const fn text(self) -> Option<&'a [u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub const fn document(self) -> Option<&'a [u8]> {
        match self {
            Self::Document(document) | Self::Array(document) => Some(document),
            _ => None,
        }
    }

    /// A number of any kind, cut to a whole one.
    #[expect(clippy::cast_possible_truncation, reason = "a float beyond the range becomes its end")]
    pub const fn number(self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(n),
            Self::Double(n) => Some(n as i64),
            Self::Bool(b) => Some(b as i64),
            _ => None,
        }
    }
}

/// A document's elements; stops at the first that is broken or cut off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements<'a> {
    reader: Reader<'a>,
}

/// The elements of the document at the start of `bytes`, which may be cut off.
pub(super) fn elements(bytes: &[u8]) -> Elements<'_> {
    let len = bytes.first_chunk().map_or(0, |b| u32::from_le_bytes(*b)) as usize;
    let body = bytes.get(4..len.clamp(4, bytes.len().max(4))).unwrap_or(&[]);
    Elements { reader: Reader::new(body) }
}

/// Length that the document at the start of `bytes` tells.
pub(super) fn document_len(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().and_then(|b| usize::try_from(i32::from_le_bytes(*b)).ok()).filter(|len| *len >= 5)
}

impl<'a> Iterator for Elements<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.reader.u8(&"kind").ok().filter(|k| *k != 0)?;
        let name = c_string(&mut self.reader).ok()?;
        let value = value(kind, &mut self.reader).ok()?;
        Some((name, value))
    }
}

/// A text ended by NUL.
pub(super) fn c_string<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    let len = memchr::memchr(0, r.rest()).ok_or(ParseError::missing(&"name"))?;
    let text = r.take(&"name", len)?;
    r.skip(&"name", 1)?;
    Ok(text)
}

fn length(r: &mut Reader<'_>) -> ParseResult<usize> {
    usize::try_from(r.u32_le(&"length")?).map_err(|_| ParseError::over_limit(&"length"))
}

/// A document, or as much of it as there is.
fn document<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    let len = document_len(r.rest()).ok_or(ParseError::bad(&"document"))?;
    r.take(&"document", len.min(r.left()))
}

fn value<'a>(kind: u8, r: &mut Reader<'a>) -> ParseResult<Value<'a>> {
    let skip = |r: &mut Reader<'a>, n| r.skip(&"value", n).map(|()| Value::Other);
    match kind {
        0x01 => Ok(Value::Double(f64::from_bits(r.u64_le(&"double")?))),
        0x02 | 0x0d | 0x0e => {
            let len = length(r)?;
            let text = r.take(&"text", len)?;
            Ok(Value::Text(text.strip_suffix(b"\0").unwrap_or(text)))
        }
        0x03 => document(r).map(Value::Document),
        0x04 => document(r).map(Value::Array),
        0x05 => {
            let len = length(r)?;
            r.u8(&"kind of bytes")?;
            r.take(&"bytes", len).map(Value::Binary)
        }
        0x08 => Ok(Value::Bool(r.u8(&"bool")? != 0)),
        0x10 => Ok(Value::Int(i64::from(r.u32_le(&"int")?.cast_signed()))),
        0x12 => Ok(Value::Int(r.u64_le(&"int")?.cast_signed())),
        0x06 | 0x0a | 0x7f | 0xff => Ok(Value::Other),
        0x07 => skip(r, 12),
        0x09 | 0x11 => skip(r, 8),
        0x13 => skip(r, 16),
        0x0b => {
            c_string(r)?;
            c_string(r)?;
            Ok(Value::Other)
        }
        0x0c => {
            let len = length(r)?;
            skip(r, len)?;
            skip(r, 12)
        }
        0x0f => {
            let len = length(r)?;
            skip(r, len.saturating_sub(4))
        }
        _ => Err(ParseError::bad(&"kind")),
    }
}

/// The value at a path of names.
pub(super) fn find<'a>(document: &'a [u8], path: &[&[u8]]) -> Option<Value<'a>> {
    let mut at = document;
    for (depth, name) in path.iter().enumerate() {
        let value = elements(at).find(|e| e.0 == *name)?.1;
        if depth + 1 == path.len() || depth + 1 >= MAX_DEPTH {
            return Some(value);
        }
        at = value.document()?;
    }
    None
}
