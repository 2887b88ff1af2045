//! Frames and performatives of AMQP 1.0 (OASIS standard, parts 1, 2 and 5).

use crate::frames::Head;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Shortest head of a frame.
pub(super) const HEAD_LEN: usize = 8;
/// Longest frame believed.
const MAX_FRAME_LEN: u32 = 64 << 20;

/// Numbers of performatives.
pub(super) mod performative {
    pub const OPEN: u64 = 0x10;
    pub const ATTACH: u64 = 0x12;
    pub const TRANSFER: u64 = 0x14;
    pub const CLOSE: u64 = 0x18;
    pub const SASL_INIT: u64 = 0x41;
    pub const SASL_OUTCOME: u64 = 0x44;
}

/// Length of the frame at the start of `bytes`, of which `keep` are wanted.
pub(super) fn head(bytes: &[u8], keep: usize) -> Head {
    let Some([len @ .., doff, kind]) = bytes.first_chunk::<6>() else { return Head::More };
    match u32::from_be_bytes(*len) {
        len @ 8..=MAX_FRAME_LEN if (2..=64).contains(doff) && *kind <= 1 => Head::Message { len: u64::from(len), keep },
        _ => Head::Bad,
    }
}

/// A value that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Text, symbol or bytes.
    Bytes(&'a [u8]),
    Described(u64, &'a [u8]),
    Null,
    Number(u64),
    Other,
}

impl<'a> Value<'a> {
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes).filter(|b| !b.is_empty()),
            _ => None,
        }
    }
}

/// The value at the reader (part 1, §1.2 and §1.6); what it does not look into is passed over.
fn value<'a>(r: &mut Reader<'a>) -> ParseResult<Value<'a>> {
    let code = r.u8(&"constructor")?;
    if code == 0 {
        let number = match plain(r)? {
            Value::Number(n) => n,
            _ => u64::MAX,
        };
        let rest = r.rest();
        // A described value of a described value is not looked into.
        plain(r)?;
        return Ok(Value::Described(number, rest));
    }
    coded(code, r)
}

fn plain<'a>(r: &mut Reader<'a>) -> ParseResult<Value<'a>> {
    match r.u8(&"constructor")? {
        0 => Err(ParseError::bad(&"descriptor")),
        code => coded(code, r),
    }
}

fn coded<'a>(code: u8, r: &mut Reader<'a>) -> ParseResult<Value<'a>> {
    let bytes = |r: &mut Reader<'a>, len: usize| r.take(&"value", len);
    let wide = |r: &mut Reader<'a>| r.u32(&"length").map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    Ok(match code {
        0x40 => Value::Null,
        0x41 => Value::Number(1),
        0x42..=0x45 => Value::Number(0),
        0x50..=0x5f => Value::Number(u64::from(r.u8(&"value")?)),
        0x60..=0x6f => Value::Number(u64::from(r.u16(&"value")?)),
        0x70..=0x7f => Value::Number(u64::from(r.u32(&"value")?)),
        0x80..=0x8f => Value::Number(r.u64(&"value")?),
        0x90..=0x9f => bytes(r, 16).map(|_| Value::Other)?,
        0xa0..=0xaf => r.block8(&"value").map(|b| Value::Bytes(b.all()))?,
        0xb0..=0xbf => wide(r).and_then(|len| bytes(r, len)).map(Value::Bytes)?,
        0xc0..=0xcf | 0xe0..=0xef => r.block8(&"value").map(|_| Value::Other)?,
        0xd0..=0xdf | 0xf0..=0xff => wide(r).and_then(|len| bytes(r, len)).map(|_| Value::Other)?,
        _ => return Err(ParseError::bad(&"constructor")),
    })
}

/// A performative's number, and its fields as far as they go.
#[derive(Debug)]
pub(super) struct Performative<'a> {
    pub number: u64,
    fields: Reader<'a>,
}

impl<'a> Performative<'a> {
    /// `bytes` is a frame from its start, perhaps cut off.
    pub fn parse(bytes: &'a [u8]) -> ParseResult<Option<Self>> {
        let doff = usize::from(*bytes.get(4).ok_or(ParseError::missing(&"offset"))?) * 4;
        let mut r = Reader::new(bytes.get(doff..).unwrap_or(&[]));
        // A frame without body keeps the connection alive.
        if r.is_empty() {
            return Ok(None);
        }
        if r.u8(&"constructor")? != 0 {
            return Err(ParseError::bad(&"performative"));
        }
        let Value::Number(number) = plain(&mut r)? else { return Err(ParseError::bad(&"descriptor")) };
        list(&mut r).map(|fields| Some(Self { number, fields }))
    }

    /// The next field.
    pub fn next(&mut self) -> Value<'a> {
        value(&mut self.fields).unwrap_or(Value::Null)
    }

    /// The field after `n` others.
    pub fn nth(&mut self, n: usize) -> Value<'a> {
        for _ in 0..n {
            self.next();
        }
        self.next()
    }
}

/// The elements of a list, as far as there are bytes.
fn list<'a>(r: &mut Reader<'a>) -> ParseResult<Reader<'a>> {
    match r.u8(&"list")? {
        0x45 => return Ok(Reader::new(&[])),
        0xc0 => r.skip(&"length and count", 2)?,
        0xd0 => r.skip(&"length and count", 8)?,
        _ => return Err(ParseError::bad(&"list")),
    }
    Ok(Reader::new(r.rest()))
}

/// The address of a source or target: the first field of a described list.
pub(super) fn address(value: Value<'_>) -> Option<&[u8]> {
    let Value::Described(0x28 | 0x29, list_bytes) = value else { return None };
    let mut fields = list(&mut Reader::new(list_bytes)).ok()?;
    self::value(&mut fields).ok()?.bytes()
}

/// Condition and text of an error.
pub(super) fn error(value: Value<'_>) -> Option<Vec<u8>> {
    let Value::Described(0x1d, list_bytes) = value else { return None };
    let mut fields = list(&mut Reader::new(list_bytes)).ok()?;
    let condition = self::value(&mut fields).ok()?.bytes()?;
    let text = self::value(&mut fields).ok().and_then(Value::bytes);
    Some(match text {
        Some(text) => [condition, b": ", text].concat(),
        None => condition.to_vec(),
    })
}
