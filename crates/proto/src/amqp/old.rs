//! Frames and methods of AMQP 0-9-1 (specification 0-9-1, §2.3, §4.2, and RabbitMQ's additions).

use crate::frames::Head;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Kind, channel, length.
pub(super) const HEAD_LEN: usize = 7;
/// The byte behind every frame.
const END_LEN: u64 = 1;
/// Longest frame believed.
const MAX_FRAME_LEN: u32 = 16 << 20;
/// Fields of a table that are looked at.
const MAX_FIELDS: usize = 64;

/// Kinds of frames.
pub(super) mod kind {
    pub const METHOD: u8 = 1;
    pub const HEADER: u8 = 2;
    pub const BODY: u8 = 3;
}

/// Class and method of what is looked at.
pub(super) mod method {
    pub const START: (u16, u16) = (10, 10);
    pub const START_OK: (u16, u16) = (10, 11);
    pub const SECURE_OK: (u16, u16) = (10, 21);
    pub const TUNE: (u16, u16) = (10, 30);
    pub const OPEN: (u16, u16) = (10, 40);
    pub const OPEN_OK: (u16, u16) = (10, 41);
    pub const CLOSE: (u16, u16) = (10, 50);
    pub const CHANNEL_CLOSE: (u16, u16) = (20, 40);
    pub const EXCHANGE_DECLARE: (u16, u16) = (40, 10);
    pub const EXCHANGE_DELETE: (u16, u16) = (40, 20);
    pub const QUEUE_DECLARE: (u16, u16) = (50, 10);
    pub const QUEUE_DECLARE_OK: (u16, u16) = (50, 11);
    pub const QUEUE_BIND: (u16, u16) = (50, 20);
    pub const QUEUE_PURGE: (u16, u16) = (50, 30);
    pub const QUEUE_DELETE: (u16, u16) = (50, 40);
    pub const CONSUME: (u16, u16) = (60, 20);
    pub const PUBLISH: (u16, u16) = (60, 40);
    pub const RETURN: (u16, u16) = (60, 50);
    pub const DELIVER: (u16, u16) = (60, 60);
    pub const GET: (u16, u16) = (60, 70);
    pub const GET_OK: (u16, u16) = (60, 71);
}

/// Length of the frame at the start of `bytes`; of bodies only the head is wanted.
pub(super) fn head(bytes: &[u8], keep: usize) -> Head {
    let Some([kind, _, _, len @ ..]) = bytes.first_chunk::<HEAD_LEN>() else {
        return if bytes.first().is_none_or(|k| matches!(k, 1..=4 | 8)) { Head::More } else { Head::Bad };
    };
    let len = u32::from_be_bytes(*len);
    if !matches!(kind, 1..=4 | 8) || len > MAX_FRAME_LEN {
        return Head::Bad;
    }
    let keep = if *kind == kind::BODY { HEAD_LEN } else { keep };
    Head::Message { len: HEAD_LEN as u64 + u64::from(len) + END_LEN, keep }
}

/// A text with a length of one byte.
fn short<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    r.block8(&"text").map(|b| b.all())
}

/// A text, or a table, with a length of four bytes; of what is cut off the start.
fn long<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    let len = usize::try_from(r.u32(&"length")?).unwrap_or(usize::MAX);
    r.take(&"text", len.min(r.left()))
}

/// The texts of a table, by name (§4.2.5.5); stops at what it does not know.
fn texts(table: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut r = Reader::new(table);
    let mut found = Vec::new();
    for _ in 0..MAX_FIELDS {
        let Ok(name) = short(&mut r) else { break };
        let Ok(kind) = r.u8(&"kind") else { break };
        if kind == b'S' {
            let Ok(text) = long(&mut r) else { break };
            found.push((name, text));
        } else if skip(kind, &mut r).is_err() {
            break;
        }
    }
    found
}

fn skip(kind: u8, r: &mut Reader<'_>) -> ParseResult<()> {
    let len = match kind {
        b'V' => 0,
        b't' | b'b' | b'B' => 1,
        b's' | b'u' => 2,
        b'I' | b'i' | b'f' => 4,
        b'D' => 5,
        b'l' | b'L' | b'd' | b'T' => 8,
        b'F' | b'A' | b'x' => usize::try_from(r.u32(&"length")?).unwrap_or(usize::MAX),
        _ => return Err(ParseError::bad(&"kind")),
    };
    r.skip(&"value", len)
}

/// `product version` of a peer's table.
pub(super) fn peer_name(table: &[u8]) -> Option<Vec<u8>> {
    let texts = texts(table);
    let of = |name: &[u8]| texts.iter().find(|t| t.0 == name).map(|t| t.1);
    let product = of(b"product")?;
    Some(match of(b"version") {
        Some(version) => [product, b" ", version].concat(),
        None => product.to_vec(),
    })
}

/// A method's names: which they are depends on the method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Method<'a> {
    pub id: (u16, u16),
    /// Table of the peer's properties.
    pub properties: &'a [u8],
    pub mechanism: &'a [u8],
    pub response: &'a [u8],
    pub vhost: &'a [u8],
    pub exchange: &'a [u8],
    pub queue: &'a [u8],
    pub code: u16,
    pub text: &'a [u8],
}

impl<'a> Method<'a> {
    pub fn parse(payload: &'a [u8]) -> ParseResult<Self> {
        let mut r = Reader::new(payload);
        let mut m = Self { id: (r.u16(&"class")?, r.u16(&"method")?), ..Self::default() };
        match m.id {
            method::START => {
                r.skip(&"version", 2)?;
                m.properties = long(&mut r)?;
            }
            method::START_OK => {
                m.properties = long(&mut r)?;
                m.mechanism = short(&mut r)?;
                m.response = long(&mut r)?;
            }
            method::SECURE_OK => m.response = long(&mut r)?,
            method::OPEN => m.vhost = short(&mut r)?,
            method::CLOSE | method::CHANNEL_CLOSE => {
                m.code = r.u16(&"code")?;
                m.text = short(&mut r)?;
            }
            method::EXCHANGE_DECLARE | method::EXCHANGE_DELETE | method::PUBLISH => {
                r.skip(&"reserved", 2)?;
                m.exchange = short(&mut r)?;
            }
            method::QUEUE_DECLARE | method::QUEUE_PURGE | method::QUEUE_DELETE | method::CONSUME | method::GET => {
                r.skip(&"reserved", 2)?;
                m.queue = short(&mut r)?;
            }
            method::QUEUE_DECLARE_OK => m.queue = short(&mut r)?,
            method::QUEUE_BIND => {
                r.skip(&"reserved", 2)?;
                (m.queue, m.exchange) = (short(&mut r)?, short(&mut r)?);
            }
            method::DELIVER => {
                short(&mut r)?;
                r.skip(&"tag", 9)?;
                m.exchange = short(&mut r)?;
            }
            method::GET_OK => {
                r.skip(&"tag", 9)?;
                m.exchange = short(&mut r)?;
            }
            method::RETURN => {
                (m.code, m.text) = (r.u16(&"code")?, short(&mut r)?);
            }
            _ => {}
        }
        Ok(m)
    }
}

/// Length of a message's content, in the frame before it.
pub(super) fn content_len(payload: &[u8]) -> Option<u64> {
    let mut r = Reader::new(payload);
    r.skip(&"class and weight", 4).ok()?;
    r.u64(&"length").ok()
}

/// User of PLAIN (RFC 4616) and of RabbitMQ's AMQPLAIN, a table without length.
pub(super) fn user<'a>(mechanism: &[u8], response: &'a [u8]) -> Option<&'a [u8]> {
    let found = match mechanism {
        b"AMQPLAIN" => texts(response).iter().find(|t| t.0 == b"LOGIN").map(|t| t.1),
        b"PLAIN" => response.split(|b| *b == 0).nth(1),
        _ => None,
    };
    found.filter(|u| !u.is_empty())
}
