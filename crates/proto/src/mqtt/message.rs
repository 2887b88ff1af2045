//! Pure parsing of control packets (MQTT 3.1.1 and 5.0, chapters 2 and 3).

use crate::frames::Head;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Kinds of control packets (§2.1.2).
pub(super) mod kind {
    pub const CONNECT: u8 = 1;
    pub const CONNACK: u8 = 2;
    pub const PUBLISH: u8 = 3;
    pub const PUBACK: u8 = 4;
    pub const PUBREC: u8 = 5;
    pub const PUBREL: u8 = 6;
    pub const PUBCOMP: u8 = 7;
    pub const SUBSCRIBE: u8 = 8;
    pub const SUBACK: u8 = 9;
    pub const UNSUBSCRIBE: u8 = 10;
    pub const UNSUBACK: u8 = 11;
    pub const PINGREQ: u8 = 12;
    pub const PINGRESP: u8 = 13;
    pub const DISCONNECT: u8 = 14;
    pub const AUTH: u8 = 15;
}

/// Version number of MQTT 5.
pub(super) const V5: u8 = 5;

/// Length of the packet at the start of `bytes`, of which `keep` are wanted (§2.1.4). With `any` its kind and flags may be
/// none that there are.
pub(super) fn head(bytes: &[u8], keep: usize, any: bool) -> Head {
    let Some((first, rest)) = bytes.split_first() else { return Head::More };
    if !any && !plausible_flags(*first) {
        return Head::Bad;
    }
    let mut len = 0;
    for (i, byte) in (0..4u32).zip(rest) {
        len |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Head::Message { len: len + 2 + u64::from(i), keep };
        }
    }
    if rest.len() < 4 { Head::More } else { Head::Bad }
}

/// Every kind but PUBLISH has fixed flags (§2.1.3); version 3.1 knows a "sent again" for some more.
const fn plausible_flags(first: u8) -> bool {
    let flags = first & 0xf;
    match first >> 4 {
        kind::PUBLISH => flags & 6 != 6,
        kind::PUBREL | kind::SUBSCRIBE | kind::UNSUBSCRIBE => flags & 7 == 2,
        0 => false,
        _ => flags == 0,
    }
}

/// A packet: kind, flags and what follows its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub kind: u8,
    pub flags: u8,
    pub body: &'a [u8],
    /// Length of the whole body.
    pub body_len: u64,
}

impl<'a> Packet<'a> {
    /// `bytes` is the packet's start, `len` its whole length.
    pub fn new(bytes: &'a [u8], len: u64) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        let digits = rest.iter().position(|b| b & 0x80 == 0)? + 1;
        let body = rest.get(digits..)?;
        let body_len = len.saturating_sub(1 + digits as u64);
        Some(Self { kind: first >> 4, flags: first & 0xf, body, body_len })
    }

    /// Has it a kind that there is, with flags that it may have?
    pub const fn is_plausible(&self) -> bool {
        plausible_flags(self.kind << 4 | self.flags)
    }
}

pub(super) fn text<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    r.block16(&"text").map(|b| b.all())
}

/// A number of up to four bytes (§1.5.5 of version 5).
pub(super) fn varint(r: &mut Reader<'_>) -> ParseResult<usize> {
    let mut value = 0;
    for i in 0..4 {
        let byte = r.u8(&"length")?;
        value |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(ParseError::bad(&"length"))
}

/// Properties that are looked at (§2.2.2 of version 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties<'a> {
    pub content_type: Option<&'a [u8]>,
    pub assigned_client_id: Option<&'a [u8]>,
    pub auth_method: Option<&'a [u8]>,
    pub topic_alias: Option<u16>,
}

impl<'a> Properties<'a> {
    fn parse(r: &mut Reader<'a>, version: u8) -> ParseResult<Self> {
        let mut found = Self::default();
        if version < V5 {
            return Ok(found);
        }
        let len = varint(r)?;
        let mut block = r.sub(&"properties", len)?;
        while !block.is_empty() {
            match varint(&mut block)? {
                0x03 => found.content_type = Some(text(&mut block)?),
                0x12 => found.assigned_client_id = Some(text(&mut block)?),
                0x15 => found.auth_method = Some(text(&mut block)?),
                0x23 => found.topic_alias = Some(block.u16(&"topic alias")?),
                0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2a => block.skip(&"property", 1)?,
                0x13 | 0x21 | 0x22 => block.skip(&"property", 2)?,
                0x02 | 0x11 | 0x18 | 0x27 => block.skip(&"property", 4)?,
                0x0b => drop(varint(&mut block)?),
                0x08 | 0x09 | 0x16 | 0x1a | 0x1c | 0x1f => drop(text(&mut block)?),
                0x26 => drop((text(&mut block)?, text(&mut block)?)),
                _ => return Err(ParseError::bad(&"property")),
            }
        }
        Ok(found)
    }
}

/// CONNECT (§3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Connect<'a> {
    pub name: &'a [u8],
    pub version: u8,
    pub clean: bool,
    pub keep_alive: u16,
    pub client_id: &'a [u8],
    pub will: Option<(&'a [u8], &'a [u8])>,
    pub user: Option<&'a [u8]>,
    pub password: bool,
    pub auth_method: Option<&'a [u8]>,
}

impl<'a> Connect<'a> {
    pub fn parse(body: &'a [u8]) -> ParseResult<Self> {
        let mut r = Reader::new(body);
        let name = text(&mut r)?;
        if !matches!(name, b"MQTT" | b"MQIsdp") {
            return Err(ParseError::bad(&"protocol name"));
        }
        // The highest bit marks a bridge between servers.
        let version = r.u8(&"version")? & 0x7f;
        let flags = r.u8(&"flags")?;
        let keep_alive = r.u16(&"keep alive")?;
        let auth_method = Properties::parse(&mut r, version)?.auth_method;
        let client_id = text(&mut r)?;
        let mut connect = Self {
            name,
            version,
            clean: flags & 2 != 0,
            keep_alive,
            client_id,
            password: flags & 0x40 != 0,
            auth_method,
            ..Self::default()
        };
        // The rest may be cut off: what is there counts.
        let _ = connect.rest(flags, &mut r);
        Ok(connect)
    }

    fn rest(&mut self, flags: u8, r: &mut Reader<'a>) -> ParseResult<()> {
        if flags & 4 != 0 {
            Properties::parse(r, self.version)?;
            self.will = Some((text(r)?, text(r)?));
        }
        if flags & 0x80 != 0 {
            self.user = Some(text(r)?);
        }
        Ok(())
    }
}

/// CONNACK (§3.2): the code and the name given to the client.
pub(super) fn connack(body: &[u8], version: u8) -> ParseResult<(u8, Properties<'_>)> {
    let mut r = Reader::new(body);
    r.u8(&"flags")?;
    let code = r.u8(&"code")?;
    Ok((code, Properties::parse(&mut r, version).unwrap_or_default()))
}

/// PUBLISH (§3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Publish<'a> {
    pub dup: bool,
    pub qos: u8,
    pub retain: bool,
    pub topic: &'a [u8],
    pub id: u16,
    pub properties: Properties<'a>,
    /// Start of the content, and its whole length.
    pub payload: &'a [u8],
    pub payload_len: u64,
}

impl<'a> Publish<'a> {
    pub fn parse(packet: &Packet<'a>, version: u8) -> ParseResult<Self> {
        let mut r = Reader::new(packet.body);
        let qos = packet.flags >> 1 & 3;
        let topic = text(&mut r)?;
        let id = if qos > 0 { r.u16(&"packet id")? } else { 0 };
        let properties = Properties::parse(&mut r, version)?;
        let payload_len = packet.body_len.saturating_sub(r.pos() as u64);
        Ok(Self {
            dup: packet.flags & 8 != 0,
            qos,
            retain: packet.flags & 1 != 0,
            topic,
            id,
            properties,
            payload: r.rest(),
            payload_len,
        })
    }
}

/// Packet id of an acknowledgement and, in version 5, its reason (§3.4 to §3.7).
pub(super) fn ack(body: &[u8]) -> ParseResult<(u16, Option<u8>)> {
    let mut r = Reader::new(body);
    Ok((r.u16(&"packet id")?, r.u8(&"reason").ok()))
}

/// Packet id, and topics with qualities.
pub(super) type Topics<'a> = (u16, Vec<(&'a [u8], u8)>);

/// Packet id, topics and, unless subscriptions end, qualities asked for (§3.8, §3.10).
pub(super) fn subscribe(body: &[u8], version: u8, with_qos: bool, max: usize) -> ParseResult<Topics<'_>> {
    let mut r = Reader::new(body);
    let id = r.u16(&"packet id")?;
    Properties::parse(&mut r, version)?;
    let mut topics = Vec::new();
    while !r.is_empty() && topics.len() < max {
        let Ok(topic) = text(&mut r) else { break };
        let qos = if with_qos { r.u8(&"quality").unwrap_or(0) } else { 0 };
        // Version 5 has options beside it.
        topics.push((topic, if version < V5 { qos } else { qos & 3 }));
    }
    if topics.is_empty() { Err(ParseError::missing(&"topic")) } else { Ok((id, topics)) }
}

/// Packet id and the first quality granted (§3.9).
pub(super) fn suback(body: &[u8], version: u8) -> ParseResult<(u16, Option<u8>)> {
    let mut r = Reader::new(body);
    let id = r.u16(&"packet id")?;
    Properties::parse(&mut r, version)?;
    Ok((id, r.u8(&"quality").ok()))
}
