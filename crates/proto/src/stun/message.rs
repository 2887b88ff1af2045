//! One STUN message (RFC 8489 §5, §14) with the attributes of TURN (RFC 8656 §18) and ICE (RFC 8445 §16) that rows tell of.

use sekisho_record::Text;
use sekisho_types::Addr;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// The fixed value that tells STUN from anything else.
const COOKIE: u32 = 0x2112_a442;
/// Bytes of the header.
pub const HEADER_LEN: usize = 20;
/// Attributes read of one message.
const MAX_ATTRIBUTES: usize = 64;
/// Longest text kept of one attribute.
const MAX_TEXT_LEN: usize = 763;

/// Attribute types.
mod attribute {
    pub const MAPPED_ADDRESS: u16 = 0x0001;
    pub const USERNAME: u16 = 0x0006;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const LIFETIME: u16 = 0x000d;
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub const REALM: u16 = 0x0014;
    pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const PRIORITY: u16 = 0x0024;
    pub const SOFTWARE: u16 = 0x8022;
    pub const ICE_CONTROLLED: u16 = 0x8029;
    pub const ICE_CONTROLLING: u16 = 0x802a;
}

/// An address and a port.
pub type End = (Addr, u16);

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Request,
    Indication,
    Success,
    Error,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub class: Class,
    /// 1: binding; TURN has more.
    pub method: u16,
    pub mapped: Option<End>,
    pub relayed: Option<End>,
    pub peer: Option<End>,
    pub username: Option<Text>,
    pub realm: Option<Text>,
    pub software: Option<Text>,
    pub error: Option<(u16, Text)>,
    /// Seconds.
    pub lifetime: Option<u32>,
    /// The sender of the ICE check leads (true) or follows.
    pub controlling: Option<bool>,
    /// The check has a priority: it is one of ICE's.
    pub is_ice: bool,
}

/// Bytes of the message that `bytes` begins with, if it looks like one.
pub fn message_len(bytes: &[u8]) -> Option<usize> {
    let &[a, b, c, d, e, f, g, h] = bytes.first_chunk::<8>()?;
    let len = usize::from(u16::from_be_bytes([c, d]));
    (a & 0xc0 == 0 && u32::from_be_bytes([e, f, g, h]) == COOKIE && len % 4 == 0 && b != 0).then_some(HEADER_LEN + len)
}

/// Does a datagram hold one message of the time before the cookie (RFC 3489), and nothing else?
pub fn is_classic(bytes: &[u8]) -> bool {
    let Some(&[kind_high, kind_low, c, d]) = bytes.first_chunk::<4>() else { return false };
    let len = usize::from(u16::from_be_bytes([c, d]));
    if !matches!((kind_high, kind_low), (0, 1 | 2) | (1, 1 | 2 | 0x11 | 0x12)) || bytes.len() != HEADER_LEN + len {
        return false;
    }
    // The attributes fill the message to its last byte, and are those of RFC 3489 (or Zoom's own from 0x101 on).
    let mut r = Reader::new(bytes.get(HEADER_LEN..).unwrap_or(&[]));
    while !r.is_empty() {
        let Ok(kind) = r.u16(&"stun attribute") else { return false };
        if !matches!(kind, 1..=0xb | 0x101..=0x103 | 0x8020 | 0x8022) || r.block16(&"stun attribute").is_err() {
            return false;
        }
    }
    len > 0
}

impl Message {
    /// Reads a message that has all of its bytes.
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let kind = r.u16(&"stun type")?;
        if kind & 0xc000 != 0 {
            return Err(ParseError::bad(&"stun type"));
        }
        let len = usize::from(r.u16(&"stun length")?);
        let transaction: [u8; 16] = r.array(&"stun transaction")?;
        let mut r = r.sub(&"stun attributes", len)?;
        let class = match kind >> 4 & 1 | kind >> 7 & 2 {
            0 => Class::Request,
            1 => Class::Indication,
            2 => Class::Success,
            _ => Class::Error,
        };
        let method = kind & 0xf | kind >> 1 & 0x70 | kind >> 2 & 0xf80;
        let mut message = Self {
            class,
            method,
            mapped: None,
            relayed: None,
            peer: None,
            username: None,
            realm: None,
            software: None,
            error: None,
            lifetime: None,
            controlling: None,
            is_ice: false,
        };
        for _ in 0..MAX_ATTRIBUTES {
            if r.is_empty() {
                break;
            }
            let kind = r.u16(&"stun attribute")?;
            let value = r.block16(&"stun attribute")?;
            // Values are padded to four bytes; the last one may lack it.
            let padding = value.left().wrapping_neg() & 3;
            r.skip(&"stun padding", padding.min(r.left()))?;
            message.take(kind, value, &transaction);
        }
        Ok(message)
    }

    fn take(&mut self, kind: u16, mut value: Reader<'_>, transaction: &[u8; 16]) {
        match kind {
            attribute::MAPPED_ADDRESS => self.mapped = self.mapped.or_else(|| end(value, &[0; 16])),
            attribute::XOR_MAPPED_ADDRESS => self.mapped = end(value, transaction).or(self.mapped),
            attribute::XOR_RELAYED_ADDRESS => self.relayed = end(value, transaction),
            attribute::XOR_PEER_ADDRESS => self.peer = end(value, transaction),
            attribute::USERNAME => self.username = text(value),
            attribute::REALM => self.realm = text(value),
            attribute::SOFTWARE => self.software = text(value),
            attribute::LIFETIME => self.lifetime = value.u32(&"stun lifetime").ok(),
            attribute::PRIORITY => self.is_ice = true,
            attribute::ICE_CONTROLLED => self.controlling = Some(false),
            attribute::ICE_CONTROLLING => self.controlling = Some(true),
            attribute::ERROR_CODE => {
                if let Ok([_, _, class, number]) = value.array(&"stun error") {
                    let code = u16::from(class & 7) * 100 + u16::from(number);
                    self.error = Some((code, text(value).unwrap_or_default()));
                }
            }
            _ => {}
        }
    }
}

/// Text without what some senders fill it up with.
fn text(value: Reader<'_>) -> Option<Text> {
    let bytes = value.rest();
    let bytes = bytes.get(..MAX_TEXT_LEN).unwrap_or(bytes);
    let len = bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    (len > 0).then(|| Text::from(bytes.get(..len).unwrap_or(bytes)))
}

/// An address, hidden behind `mask` (RFC 8489 §14.2).
fn end(mut r: Reader<'_>, mask: &[u8; 16]) -> Option<End> {
    const V4: u16 = 1;
    const V6: u16 = 2;
    let family = r.u16(&"stun address").ok()? & 0xff;
    let [m0, m1, ..] = *mask;
    let port = r.u16(&"stun address").ok()? ^ u16::from_be_bytes([m0, m1]);
    let addr = match family {
        V4 => {
            let mut octets: [u8; 4] = r.array(&"stun address").ok()?;
            octets.iter_mut().zip(mask).for_each(|(o, m)| *o ^= m);
            Addr::v4(octets)
        }
        V6 => {
            let mut octets: [u8; 16] = r.array(&"stun address").ok()?;
            octets.iter_mut().zip(mask).for_each(|(o, m)| *o ^= m);
            Addr::v6(octets)
        }
        _ => return None,
    };
    Some((addr, port))
}
