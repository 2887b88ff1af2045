//! A control message of L2TP version 2 (RFC 2661 §3.1, §4.1): header and attributes.

use sekisho_record::Text;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Attributes read of one message.
const MAX_ATTRIBUTES: usize = 64;
/// Longest text kept.
const MAX_TEXT_LEN: usize = 255;
/// Flags of a control message: it is one, has a length and sequence numbers; version 2.
const CONTROL: u16 = 0xc802;

/// Attribute types.
mod attribute {
    pub const MESSAGE_TYPE: u16 = 0;
    pub const RESULT: u16 = 1;
    pub const HOST_NAME: u16 = 7;
    pub const VENDOR_NAME: u16 = 8;
    pub const TUNNEL_ID: u16 = 9;
    pub const CHALLENGE: u16 = 11;
}

/// A control message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// `None` in mere acknowledgements.
    pub kind: Option<u16>,
    pub host_name: Option<Text>,
    pub vendor_name: Option<Text>,
    /// The number that the sender gives to the tunnel.
    pub tunnel_id: Option<u16>,
    pub result: Option<u16>,
    pub challenges: bool,
}

/// Is it a control message, whole and nothing more?
pub fn begins(bytes: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = bytes.first_chunk::<4>() else { return false };
    u16::from_be_bytes([a, b]) == CONTROL && usize::from(u16::from_be_bytes([c, d])) == bytes.len() && bytes.len() >= 12
}

impl Message {
    /// Reads a datagram.
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        if !begins(bytes) {
            return Err(ParseError::bad(&"l2tp header"));
        }
        let mut r = Reader::new(bytes);
        r.skip(&"l2tp header", 12)?;
        let mut message = Self::default();
        for _ in 0..MAX_ATTRIBUTES {
            if r.is_empty() {
                break;
            }
            let flags = r.u16(&"l2tp attribute")?;
            let len = usize::from(flags & 0x3ff).checked_sub(6).ok_or(ParseError::bad(&"l2tp attribute"))?;
            let vendor = r.u16(&"l2tp attribute")?;
            let kind = r.u16(&"l2tp attribute")?;
            let value = r.sub(&"l2tp attribute", len)?;
            // Hidden values are encrypted; vendors' own are unknown.
            if flags & 0x4000 == 0 && vendor == 0 {
                message.take(kind, value);
            }
        }
        Ok(message)
    }

    fn take(&mut self, kind: u16, mut value: Reader<'_>) {
        let text = |r: Reader<'_>| Some(Text::from(r.rest().get(..MAX_TEXT_LEN).unwrap_or(r.rest())));
        match kind {
            attribute::MESSAGE_TYPE => self.kind = value.u16(&"l2tp type").ok(),
            attribute::RESULT => self.result = value.u16(&"l2tp result").ok(),
            attribute::HOST_NAME => self.host_name = text(value),
            attribute::VENDOR_NAME => self.vendor_name = text(value),
            attribute::TUNNEL_ID => self.tunnel_id = value.u16(&"l2tp tunnel").ok(),
            attribute::CHALLENGE => self.challenges = true,
            _ => {}
        }
    }
}

/// A message type's name (RFC 2661 §3.2).
pub fn kind_name(kind: u16) -> &'static str {
    match kind {
        1 => "SCCRQ",
        2 => "SCCRP",
        3 => "SCCCN",
        4 => "StopCCN",
        6 => "HELLO",
        7 => "OCRQ",
        8 => "OCRP",
        9 => "OCCN",
        10 => "ICRQ",
        11 => "ICRP",
        12 => "ICCN",
        14 => "CDN",
        15 => "WEN",
        16 => "SLI",
        _ => "other",
    }
}
