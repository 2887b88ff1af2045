//! Protocol data units of connection-oriented DCE/RPC (C706 §12.6.4, MS-RPCE §2.2.2): pure parsing.

use super::interfaces::Uuid;
use super::tx::Interface;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Length of the header that all units have in common.
pub(crate) const HEADER_LEN: usize = 16;

/// Longest part of a request or response that is looked at: header, and the fields before the stub data.
pub(super) const CALL_LEN: usize = HEADER_LEN + 8;

/// What comes between the body and the credentials: type, level, padding, context.
const AUTH_HEADER_LEN: usize = 8;

/// Types of units that are looked at.
pub(super) mod kind {
    pub const REQUEST: u8 = 0;
    pub const RESPONSE: u8 = 2;
    pub const FAULT: u8 = 3;
    pub const BIND: u8 = 11;
    pub const BIND_ACK: u8 = 12;
    pub const ALTER_CONTEXT: u8 = 14;
    pub const ALTER_CONTEXT_RESP: u8 = 15;
    pub const AUTH3: u8 = 16;
    /// The largest that is used (RTS, MS-RPCH).
    pub const LAST: u8 = 20;
}

/// Flags of the header.
pub(super) mod flag {
    pub const FIRST_FRAGMENT: u8 = 1;
    pub const LAST_FRAGMENT: u8 = 2;
}

/// The common header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) little_endian: bool,
    /// Length of the whole unit.
    pub(super) len: u16,
    pub(super) auth_len: u16,
    pub(super) call_id: u32,
    /// Of the protocol: major and minor.
    pub(super) version: (u8, u8),
}

impl Header {
    /// The header at the start of `bytes`, [`HEADER_LEN`] bytes.
    pub(crate) fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let [major, minor, kind, flags, drep, _, _, _] = r.array(&"RPC header")?;
        let little_endian = drep >> 4 == 1;
        let len = u16(&mut r, little_endian)?;
        let auth_len = u16(&mut r, little_endian)?;
        let call_id = u32(&mut r, little_endian)?;
        if major != 5 || minor > 1 || kind > kind::LAST || drep >> 4 > 1 || usize::from(len) < HEADER_LEN {
            return Err(ParseError::bad(&"RPC header"));
        }
        Ok(Self { kind, flags, little_endian, len, auth_len, call_id, version: (major, minor) })
    }

    /// Do length and credentials fit the kind? For guesses.
    pub(crate) fn is_plausible(&self) -> bool {
        let min = match self.kind {
            kind::REQUEST | kind::RESPONSE => CALL_LEN,
            kind::BIND | kind::ALTER_CONTEXT => HEADER_LEN + 8 + 4 + 44,
            kind::BIND_ACK | kind::ALTER_CONTEXT_RESP => HEADER_LEN + 10,
            _ => HEADER_LEN,
        };
        let len = usize::from(self.len);
        len >= min && usize::from(self.auth_len) + AUTH_HEADER_LEN <= len
    }

    pub(super) const fn is_first(&self) -> bool {
        self.flags & flag::FIRST_FRAGMENT != 0
    }

    pub(super) const fn is_last(&self) -> bool {
        self.flags & flag::LAST_FRAGMENT != 0
    }

    /// How many bytes of the unit are to be looked at.
    pub(super) fn wanted_len(&self) -> usize {
        let len = usize::from(self.len);
        match self.kind {
            kind::REQUEST | kind::RESPONSE | kind::FAULT => len.min(CALL_LEN),
            kind::BIND | kind::BIND_ACK | kind::ALTER_CONTEXT | kind::ALTER_CONTEXT_RESP | kind::AUTH3 => len,
            _ => HEADER_LEN,
        }
    }
}

fn u16(r: &mut Reader<'_>, little_endian: bool) -> ParseResult<u16> {
    if little_endian { r.u16_le(&"RPC number") } else { r.u16(&"RPC number") }
}

fn u32(r: &mut Reader<'_>, little_endian: bool) -> ParseResult<u32> {
    if little_endian { r.u32_le(&"RPC number") } else { r.u32(&"RPC number") }
}

/// Presentation context and operation number of a request; of a response, the number is meaningless.
pub(super) fn call(unit: &[u8], header: &Header) -> ParseResult<(u16, u16)> {
    let mut r = Reader::new(unit);
    r.skip(&"RPC header", HEADER_LEN + 4)?;
    Ok((u16(&mut r, header.little_endian)?, u16(&mut r, header.little_endian)?))
}

/// Presentation contexts that a bind or alter_context proposes, at most `max`.
pub(super) fn contexts(unit: &[u8], header: &Header, max: usize) -> ParseResult<Vec<(u16, Uuid)>> {
    let mut r = Reader::new(unit);
    r.skip(&"RPC header", HEADER_LEN + 8)?;
    let count = r.u8(&"RPC context count")?;
    r.skip(&"RPC reserved", 3)?;
    let mut contexts = Vec::new();
    for _ in 0..usize::from(count).min(max) {
        let id = u16(&mut r, header.little_endian)?;
        let syntaxes = r.u8(&"RPC syntax count")?;
        r.skip(&"RPC reserved", 1)?;
        let uuid = Uuid::from_wire(r.array(&"RPC interface")?, header.little_endian);
        r.skip(&"RPC version", 4)?;
        contexts.push((id, uuid));
        r.skip(&"RPC transfer syntaxes", usize::from(syntaxes) * 20)?;
    }
    Ok(contexts)
}

/// As [`contexts`], with versions.
pub(super) fn interfaces(unit: &[u8], header: &Header, max: usize) -> ParseResult<Vec<Interface>> {
    let mut r = Reader::new(unit);
    r.skip(&"RPC header", HEADER_LEN + 8)?;
    let count = r.u8(&"RPC context count")?;
    r.skip(&"RPC reserved", 3)?;
    let mut interfaces = Vec::new();
    for _ in 0..usize::from(count).min(max) {
        let context = u16(&mut r, header.little_endian)?;
        let syntaxes = r.u8(&"RPC syntax count")?;
        r.skip(&"RPC reserved", 1)?;
        let uuid = Uuid::from_wire(r.array(&"RPC interface")?, header.little_endian);
        let version = (u16(&mut r, header.little_endian)?, u16(&mut r, header.little_endian)?);
        interfaces.push(Interface { context, uuid, version, result: None });
        r.skip(&"RPC transfer syntaxes", usize::from(syntaxes) * 20)?;
    }
    Ok(interfaces)
}

/// Results and reasons of a bind_ack, in the order of the bind's contexts.
pub(super) fn results(unit: &[u8], header: &Header, max: usize) -> ParseResult<Vec<(u16, u16)>> {
    let mut r = Reader::new(unit);
    r.skip(&"RPC header", HEADER_LEN + 8)?;
    let len = u16(&mut r, header.little_endian)?;
    let end = HEADER_LEN + 10 + usize::from(len);
    r.skip(&"RPC secondary address", usize::from(len) + end.next_multiple_of(4) - end)?;
    let count = r.u8(&"RPC result count")?;
    r.skip(&"RPC reserved", 3)?;
    let mut results = Vec::new();
    for _ in 0..usize::from(count).min(max) {
        results.push((u16(&mut r, header.little_endian)?, u16(&mut r, header.little_endian)?));
        r.skip(&"RPC transfer syntax", 20)?;
    }
    Ok(results)
}

/// The pipe or port that a bind_ack names, without its closing NUL.
pub(super) fn secondary_address<'a>(unit: &'a [u8], header: &Header) -> ParseResult<&'a [u8]> {
    let mut r = Reader::new(unit);
    r.skip(&"RPC header", HEADER_LEN + 8)?;
    let len = u16(&mut r, header.little_endian)?;
    let name = r.take(&"RPC secondary address", usize::from(len))?;
    Ok(name.strip_suffix(b"\0").unwrap_or(name))
}

/// Type and value of the credentials at the unit's end (MS-RPCE §2.2.2.11).
pub(super) fn credentials<'a>(unit: &'a [u8], header: &Header) -> Option<(u8, &'a [u8])> {
    let auth_len = usize::from(header.auth_len);
    let value_at = unit.len().checked_sub(auth_len).filter(|_| auth_len > 0)?;
    let kind_at = value_at.checked_sub(AUTH_HEADER_LEN).filter(|at| *at >= HEADER_LEN)?;
    Some((*unit.get(kind_at)?, unit.get(value_at..)?))
}
