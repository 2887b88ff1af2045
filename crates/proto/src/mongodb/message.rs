//! Pure parsing of messages ("MongoDB Wire Protocol" in MongoDB's manual).

use super::bson::{self, Elements, Value};
use crate::frames::Head;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Length of a message's head.
pub(super) const HEAD_LEN: usize = 16;
/// Longest message believed; the server's own limit is 48 MB.
pub(super) const MAX_MESSAGE_LEN: u32 = 64 << 20;

/// Numbers of operations.
pub(super) mod op {
    pub const REPLY: u32 = 1;
    pub const UPDATE: u32 = 2001;
    pub const INSERT: u32 = 2002;
    pub const QUERY: u32 = 2004;
    pub const GET_MORE: u32 = 2005;
    pub const DELETE: u32 = 2006;
    pub const KILL_CURSORS: u32 = 2007;
    pub const COMMAND: u32 = 2010;
    pub const COMMAND_REPLY: u32 = 2011;
    pub const COMPRESSED: u32 = 2012;
    pub const MSG: u32 = 2013;
}

/// OP_MSG: more of the same side follows, no reply is due.
pub(super) const MORE_TO_COME: u32 = 1 << 1;

/// The name of operation `number`.
pub(super) const fn name(number: u32) -> Option<&'static str> {
    Some(match number {
        op::REPLY => "reply",
        op::UPDATE => "update",
        op::INSERT => "insert",
        op::QUERY => "query",
        op::GET_MORE => "get_more",
        op::DELETE => "delete",
        op::KILL_CURSORS => "kill_cursors",
        op::COMMAND => "command",
        op::COMMAND_REPLY => "command_reply",
        op::COMPRESSED => "compressed",
        op::MSG => "msg",
        _ => return None,
    })
}

/// What stands before every message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub len: u32,
    pub request_id: u32,
    pub response_to: u32,
    pub op: u32,
}

impl Header {
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        Ok(Self {
            len: r.u32_le(&"length")?,
            request_id: r.u32_le(&"request id")?,
            response_to: r.u32_le(&"response to")?,
            op: r.u32_le(&"operation")?,
        })
    }

    pub const fn is_plausible(&self) -> bool {
        self.len as usize > HEAD_LEN && self.len <= MAX_MESSAGE_LEN && name(self.op).is_some()
    }
}

/// Length of the message at the start of `bytes`, of which `keep` are wanted.
pub(super) fn head(bytes: &[u8], keep: usize) -> Head {
    match Header::parse(bytes) {
        Err(_) => Head::More,
        Ok(header) if header.is_plausible() => Head::Message { len: u64::from(header.len), keep },
        Ok(_) => Head::Bad,
    }
}

/// What a message is about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Body<'a> {
    /// `database.collection` where it stands before the document.
    pub namespace: &'a [u8],
    /// The command or the reply.
    pub document: &'a [u8],
    /// The command where it stands before the document.
    pub command: Option<&'a [u8]>,
    /// Flags of OP_MSG.
    pub flags: u32,
    /// Number of the method of compression.
    pub compressor: Option<u8>,
    /// The operation within compression.
    pub inner: Option<u32>,
    /// Documents of an old reply.
    pub returned: Option<u32>,
}

impl<'a> Body<'a> {
    /// `bytes` is what follows the head, and may be cut off.
    pub fn parse(op: u32, bytes: &'a [u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let mut body = Self::default();
        match op {
            op::MSG => {
                body.flags = r.u32_le(&"flags")?;
                body.document = main_section(&mut r)?;
            }
            op::QUERY => {
                r.u32_le(&"flags")?;
                body.namespace = bson::c_string(&mut r)?;
                r.skip(&"numbers", 8)?;
                body.document = r.rest();
            }
            op::REPLY => {
                r.skip(&"flags, cursor, start", 16)?;
                body.returned = Some(r.u32_le(&"documents")?);
                body.document = r.rest();
            }
            op::COMMAND => {
                body.namespace = bson::c_string(&mut r)?;
                body.command = Some(bson::c_string(&mut r)?);
                body.document = r.rest();
            }
            op::COMMAND_REPLY => body.document = r.rest(),
            op::COMPRESSED => {
                body.inner = Some(r.u32_le(&"operation")?);
                r.u32_le(&"length")?;
                body.compressor = Some(r.u8(&"compressor")?);
            }
            op::KILL_CURSORS => {}
            // Flags, or a zero, come first.
            op::INSERT | op::UPDATE | op::DELETE | op::GET_MORE => {
                r.u32_le(&"flags")?;
                body.namespace = bson::c_string(&mut r)?;
            }
            _ => return Err(ParseError::bad(&"operation")),
        }
        Ok(body)
    }

    /// Database and collection of the namespace.
    pub fn names(&self) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
        let some = |bytes: &'a [u8]| Some(bytes).filter(|b| !b.is_empty());
        match memchr::memchr(b'.', self.namespace) {
            None => (some(self.namespace), None),
            Some(at) => {
                let collection = self.namespace.get(at + 1..).filter(|c| *c != b"$cmd");
                (self.namespace.get(..at), collection.and_then(some))
            }
        }
    }

    /// The elements of the command: older clients wrap it together with preferences.
    pub fn command(&self) -> Elements<'a> {
        let mut elements = bson::elements(self.document);
        let first = elements.next();
        match first {
            Some((b"$query" | b"query", Value::Document(inner))) => bson::elements(inner),
            _ => bson::elements(self.document),
        }
    }
}

/// The section with the command itself; others bring lists of documents.
fn main_section<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    loop {
        if r.u8(&"section")? == 0 {
            return Ok(r.rest());
        }
        let len = usize::try_from(r.u32_le(&"length")?).unwrap_or(usize::MAX);
        r.skip(&"section", len.checked_sub(4).ok_or(ParseError::bad(&"length"))?)?;
    }
}

/// Name of a method of compression.
pub(super) const fn compressor(number: u8) -> &'static str {
    match number {
        0 => "none",
        1 => "snappy",
        2 => "zlib",
        3 => "zstd",
        _ => "unknown",
    }
}
