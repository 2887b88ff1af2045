//! The binary encoding (`doc/protocol-binary.xml` of memcached).

use crate::frames::Head;
use sekisho_record::Text;
use sekisho_wire::{ParseResult, Reader};

/// First bytes of requests and answers.
pub(super) const REQUEST: u8 = 0x80;
pub(super) const ANSWER: u8 = 0x81;
/// Length of a message's head.
pub(super) const HEAD_LEN: usize = 24;
/// Longest message believed: memcached's largest item, and some more.
const MAX_MESSAGE_LEN: u32 = 1 << 30;

/// A login's operation.
pub(super) const SASL_AUTH: u8 = 0x21;
/// Statistics: an answer for each, the last without key.
pub(super) const STAT: u8 = 0x10;
/// Status of a login that goes on.
pub(super) const AUTH_CONTINUES: u16 = 0x21;

/// Names of operations, by number.
const NAMES: [&str; 0x25] = [
    "get",
    "set",
    "add",
    "replace",
    "delete",
    "increment",
    "decrement",
    "quit",
    "flush",
    "getq",
    "noop",
    "version",
    "getk",
    "getkq",
    "append",
    "prepend",
    "stat",
    "setq",
    "addq",
    "replaceq",
    "deleteq",
    "incrementq",
    "decrementq",
    "quitq",
    "flushq",
    "appendq",
    "prependq",
    "verbosity",
    "touch",
    "gat",
    "gatq",
    "hello",
    "sasl_list_mechs",
    "sasl_auth",
    "sasl_step",
    "gatk",
    "gatkq",
];

pub(super) fn name(op: u8) -> Text {
    match NAMES.get(usize::from(op)) {
        Some(name) => name.into(),
        None => format!("unknown-{op}").into(),
    }
}

/// Operations that are answered on failure only, or on a hit only, or never.
pub(super) const fn is_quiet(op: u8) -> bool {
    matches!(op, 0x07 | 0x09 | 0x0d | 0x11..=0x1a | 0x1e | 0x24)
}

pub(super) fn status(number: u16) -> Text {
    let name = match number {
        0 => "no error",
        1 => "key not found",
        2 => "key exists",
        3 => "value too large",
        4 => "invalid arguments",
        5 => "item not stored",
        6 => "not a number",
        7 => "wrong server",
        8 | 0x20 => "authentication error",
        9 | AUTH_CONTINUES => "authentication continues",
        0x81 => "unknown command",
        0x82 => "out of memory",
        0x83 => "not supported",
        0x84 => "internal error",
        0x85 => "busy",
        0x86 => "temporary failure",
        n => return format!("unknown-{n}").into(),
    };
    name.into()
}

/// What stands before every message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub magic: u8,
    pub op: u8,
    pub key_len: usize,
    pub extras_len: usize,
    pub data_type: u8,
    /// In answers; in requests the number of a bucket.
    pub status: u16,
    pub body_len: u32,
    pub opaque: u32,
}

impl Header {
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let (magic, op) = (r.u8(&"magic")?, r.u8(&"operation")?);
        let (key_len, extras_len) = (usize::from(r.u16(&"key length")?), usize::from(r.u8(&"extras length")?));
        let (data_type, status) = (r.u8(&"data type")?, r.u16(&"status")?);
        let (body_len, opaque) = (r.u32(&"length")?, r.u32(&"opaque")?);
        r.skip(&"version of the item", 8)?;
        Ok(Self { magic, op, key_len, extras_len, data_type, status, body_len, opaque })
    }

    pub fn is_plausible(&self, magic: u8) -> bool {
        let parts = self.key_len as u64 + self.extras_len as u64;
        self.magic == magic
            && self.data_type == 0
            && self.key_len <= 250
            && self.extras_len <= 24
            && self.body_len <= MAX_MESSAGE_LEN
            && u64::from(self.body_len) >= parts
    }

    /// Length of the value.
    pub fn value_len(&self) -> u64 {
        u64::from(self.body_len).saturating_sub(self.key_len as u64 + self.extras_len as u64)
    }
}

/// Length of the message at the start of `bytes`, of which `keep` are wanted.
pub(super) fn head(bytes: &[u8], magic: u8, keep: usize) -> Head {
    match (bytes.first(), Header::parse(bytes)) {
        (Some(first), _) if *first != magic => Head::Bad,
        (_, Err(_)) => Head::More,
        (_, Ok(h)) if h.is_plausible(magic) => Head::Message { len: HEAD_LEN as u64 + u64::from(h.body_len), keep },
        _ => Head::Bad,
    }
}

/// Key and start of the value of a message.
pub(super) fn parts<'a>(header: &Header, bytes: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let rest = bytes.get(HEAD_LEN + header.extras_len..).unwrap_or(&[]);
    rest.split_at(header.key_len.min(rest.len()))
}

/// The user of a PLAIN login (RFC 4616): between the first two NULs, the one that acts before it.
pub(super) fn plain_user<'a>(mechanism: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    if mechanism != b"PLAIN" {
        return None;
    }
    value.split(|b| *b == 0).nth(1).filter(|u| !u.is_empty())
}
