//! Pure parsing of messages (RFC 4511 §4), borrowed.

use super::filter;
use crate::ber::{Ber, Header, tag};
use sekisho_wire::{ParseError, ParseResult};

/// Operations by their application tag.
pub(super) mod op {
    pub const BIND: u8 = 0;
    pub const BIND_RESPONSE: u8 = 1;
    pub const UNBIND: u8 = 2;
    pub const SEARCH: u8 = 3;
    pub const SEARCH_ENTRY: u8 = 4;
    pub const SEARCH_DONE: u8 = 5;
    pub const MODIFY: u8 = 6;
    pub const MODIFY_RESPONSE: u8 = 7;
    pub const ADD: u8 = 8;
    pub const ADD_RESPONSE: u8 = 9;
    pub const DELETE: u8 = 10;
    pub const DELETE_RESPONSE: u8 = 11;
    pub const RENAME: u8 = 12;
    pub const RENAME_RESPONSE: u8 = 13;
    pub const COMPARE: u8 = 14;
    pub const COMPARE_RESPONSE: u8 = 15;
    pub const ABANDON: u8 = 16;
    pub const SEARCH_REFERENCE: u8 = 19;
    pub const EXTENDED: u8 = 23;
    pub const EXTENDED_RESPONSE: u8 = 24;
    pub const INTERMEDIATE: u8 = 25;
}

/// Attributes of a search, or changes of a modification, that are looked at.
pub(super) const MAX_LIST_COUNT: usize = 64;
/// Bytes kept of a name or a text.
pub(super) const MAX_TEXT_LEN: usize = 4096;

/// Id, operation and extent of a message, of which only the beginning must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Bytes of the whole message.
    pub total_len: usize,
    pub id: i64,
    pub op: u8,
    /// Where the operation's content begins.
    op_at: usize,
    op_len: usize,
}

impl Head {
    /// Reads the beginning of a message; `None` if more bytes are needed.
    pub fn parse(bytes: &[u8]) -> ParseResult<Option<Self>> {
        let Some(outer) = Header::parse(bytes)? else { return Ok(None) };
        if outer.tag != tag::SEQUENCE {
            return Err(ParseError::bad(&"LDAP message"));
        }
        let mut at = outer.header_len;
        let Some(id) = Header::parse(bytes.get(at..).unwrap_or(&[]))? else { return Ok(None) };
        // Ids are of 31 bits (§4.1.1).
        if id.tag != tag::INTEGER || !(1..=5).contains(&id.content_len) {
            return Err(ParseError::bad(&"message id"));
        }
        let Some(number) = bytes.get(at + id.header_len..at + id.total_len()) else { return Ok(None) };
        let number = crate::ber::integer(number).ok_or(ParseError::bad(&"message id"))?;
        at += id.total_len();
        let Some(op) = Header::parse(bytes.get(at..).unwrap_or(&[]))? else { return Ok(None) };
        let op_at = at + op.header_len;
        if op.tag & 0xc0 != 0x40 || op_at.saturating_add(op.content_len) > outer.total_len() {
            return Err(ParseError::bad(&"operation"));
        }
        Ok(Some(Self { total_len: outer.total_len(), id: number, op: op.tag & 0x1f, op_at, op_len: op.content_len }))
    }

    /// The operation's content in `bytes`, with which the message begins.
    pub fn body<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.op_at..self.op_at.saturating_add(self.op_len)).unwrap_or(&[])
    }

    /// Does what follows the operation look like controls, or is there nothing?
    pub fn ends_well(&self, bytes: &[u8]) -> bool {
        let end = self.op_at.saturating_add(self.op_len);
        self.total_len == end || bytes.get(end).is_none_or(|b| *b == tag::context(0))
    }
}

/// What a client shows to prove who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Auth<'a> {
    /// A password in clear text; empty for anonymous ones.
    Simple(&'a [u8]),
    Sasl {
        mechanism: &'a [u8],
        credentials: Option<&'a [u8]>,
    },
    /// Microsoft's NTLM without SASL (MS-ADTS §5.1.1.1.3): number and message.
    Sicily(u8, &'a [u8]),
    Other,
}

/// A bind request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bind<'a> {
    pub version: i64,
    pub name: &'a [u8],
    pub auth: Auth<'a>,
}

/// A search request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Search<'a> {
    pub base: &'a [u8],
    pub scope: i64,
    pub deref: i64,
    pub size_limit: i64,
    /// Text of the filter.
    pub filter: Vec<u8>,
    pub filter_cut: bool,
    pub attributes: Vec<&'a [u8]>,
}

/// A result, with which all responses begin (§4.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome<'a> {
    pub code: i64,
    pub diagnostic: &'a [u8],
    /// What the server answers to a SASL mechanism.
    pub credentials: Option<&'a [u8]>,
}

pub(super) fn text(bytes: &[u8]) -> &[u8] {
    bytes.get(..MAX_TEXT_LEN).unwrap_or(bytes)
}

/// Reads a bind request (§4.2).
pub(super) fn bind(body: &[u8]) -> ParseResult<Bind<'_>> {
    let mut r = Ber::new(body);
    let version = r.integer(&"version")?;
    let name = text(r.expect(&"name", tag::OCTET_STRING)?);
    let choice = r.element(&"authentication")?;
    let auth = match choice.tag {
        0x80 => Auth::Simple(choice.content),
        0xa3 => {
            let mut sasl = Ber::new(choice.content);
            let mechanism = text(sasl.expect(&"mechanism", tag::OCTET_STRING)?);
            let credentials = if sasl.is_empty() { None } else { Some(sasl.element(&"credentials")?.content) };
            Auth::Sasl { mechanism, credentials }
        }
        0x89..=0x8b => Auth::Sicily(choice.tag & 0x1f, choice.content),
        _ => Auth::Other,
    };
    Ok(Bind { version, name, auth })
}

/// Reads a search request (§4.5.1).
pub(super) fn search(body: &[u8]) -> ParseResult<Search<'_>> {
    let mut r = Ber::new(body);
    let base = text(r.expect(&"base object", tag::OCTET_STRING)?);
    let scope = r.number(&"scope", tag::ENUMERATED)?;
    let deref = r.number(&"aliases", tag::ENUMERATED)?;
    let size_limit = r.integer(&"size limit")?;
    r.integer(&"time limit")?;
    r.expect(&"types only", tag::BOOLEAN)?;
    let (filter, filter_cut) = filter::text(&mut r)?;
    let mut attributes = Vec::new();
    if let Some(mut list) = r.optional(&"attributes", tag::SEQUENCE)? {
        while !list.is_empty() && attributes.len() < MAX_LIST_COUNT {
            attributes.push(text(list.element(&"attribute")?.content));
        }
    }
    Ok(Search { base, scope, deref, size_limit, filter, filter_cut, attributes })
}

/// Reads a result (§4.1.9).
pub(super) fn outcome(body: &[u8]) -> ParseResult<Outcome<'_>> {
    let mut r = Ber::new(body);
    let code = r.number(&"result", tag::ENUMERATED)?;
    r.expect(&"matched name", tag::OCTET_STRING)?;
    let diagnostic = text(r.expect(&"diagnostic message", tag::OCTET_STRING)?);
    let mut credentials = None;
    while !r.is_empty() {
        let more = r.element(&"result")?;
        if more.tag == 0x87 {
            credentials = Some(more.content);
        }
    }
    Ok(Outcome { code, diagnostic, credentials })
}

/// The name that a modification (§4.6), addition, renaming or comparison begins with.
pub(super) fn entry(body: &[u8]) -> ParseResult<&[u8]> {
    Ber::new(body).expect(&"entry", tag::OCTET_STRING).map(text)
}

/// The changes of a modification (§4.6), as `replace(attribute=value)`.
pub(super) fn changes(body: &[u8]) -> ParseResult<Vec<u8>> {
    let mut r = Ber::new(body);
    r.expect(&"entry", tag::OCTET_STRING)?;
    let mut list = r.enter(&"changes", tag::SEQUENCE)?;
    let mut out = Vec::new();
    for i in 0..MAX_LIST_COUNT {
        if list.is_empty() || out.len() > MAX_TEXT_LEN {
            break;
        }
        let mut change = list.enter(&"change", tag::SEQUENCE)?;
        let kind = match change.number(&"operation", tag::ENUMERATED)? {
            0 => "add",
            1 => "delete",
            2 => "replace",
            3 => "increment",
            _ => "unknown",
        };
        let mut attribute = change.enter(&"modification", tag::SEQUENCE)?;
        let name = attribute.expect(&"attribute", tag::OCTET_STRING)?;
        let mut values = attribute.enter(&"values", tag::SET)?;
        out.extend_from_slice(if i > 0 { b"," } else { b"" });
        out.extend_from_slice(kind.as_bytes());
        out.push(b'(');
        out.extend_from_slice(text(name));
        let mut before = b'=';
        while !values.is_empty() && out.len() <= MAX_TEXT_LEN {
            out.push(before);
            out.extend_from_slice(text(values.element(&"value")?.content));
            before = b',';
        }
        out.push(b')');
    }
    out.truncate(MAX_TEXT_LEN);
    Ok(out)
}

/// The identifier of an extended request (§4.12), in digits and dots.
pub(super) fn extended(body: &[u8]) -> ParseResult<&[u8]> {
    Ber::new(body).expect(&"extended operation", tag::primitive(0)).map(text)
}
