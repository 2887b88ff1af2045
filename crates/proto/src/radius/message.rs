//! Pure parsing of one packet (RFC 2865 §3), borrowed.

use sekisho_wire::{ParseError, ParseResult, Reader};

/// Bytes before the attributes.
pub(super) const HEADER_LEN: usize = 20;
/// Longest packet (RFC 2865 §3).
pub(super) const MAX_PACKET_LEN: usize = 4096;

/// Codes (RFC 2865 §4, RFC 2866 §4, RFC 5176 §2.3).
pub(super) mod code {
    pub const ACCESS_REQUEST: u8 = 1;
    pub const ACCESS_ACCEPT: u8 = 2;
    pub const ACCESS_REJECT: u8 = 3;
    pub const ACCOUNTING_REQUEST: u8 = 4;
    pub const ACCOUNTING_RESPONSE: u8 = 5;
    pub const ACCESS_CHALLENGE: u8 = 11;
    pub const STATUS_SERVER: u8 = 12;
    pub const STATUS_CLIENT: u8 = 13;
    pub const DISCONNECT_REQUEST: u8 = 40;
    pub const DISCONNECT_ACK: u8 = 41;
    pub const DISCONNECT_NAK: u8 = 42;
    pub const COA_REQUEST: u8 = 43;
    pub const COA_ACK: u8 = 44;
    pub const COA_NAK: u8 = 45;

    /// Name of a code.
    pub fn name(code: u8) -> Option<&'static str> {
        Some(match code {
            ACCESS_REQUEST => "Access-Request",
            ACCESS_ACCEPT => "Access-Accept",
            ACCESS_REJECT => "Access-Reject",
            ACCOUNTING_REQUEST => "Accounting-Request",
            ACCOUNTING_RESPONSE => "Accounting-Response",
            ACCESS_CHALLENGE => "Access-Challenge",
            STATUS_SERVER => "Status-Server",
            STATUS_CLIENT => "Status-Client",
            DISCONNECT_REQUEST => "Disconnect-Request",
            DISCONNECT_ACK => "Disconnect-ACK",
            DISCONNECT_NAK => "Disconnect-NAK",
            COA_REQUEST => "CoA-Request",
            COA_ACK => "CoA-ACK",
            COA_NAK => "CoA-NAK",
            _ => return None,
        })
    }

    /// Does `code` ask, and does not answer?
    pub const fn is_request(code: u8) -> bool {
        matches!(
            code,
            ACCESS_REQUEST | ACCOUNTING_REQUEST | STATUS_SERVER | STATUS_CLIENT | DISCONNECT_REQUEST | COA_REQUEST
        )
    }

    /// May `reply` answer `request`?
    pub const fn answers(reply: u8, request: u8) -> bool {
        match reply {
            ACCESS_ACCEPT | ACCESS_REJECT | ACCESS_CHALLENGE => matches!(request, ACCESS_REQUEST | STATUS_SERVER),
            ACCOUNTING_RESPONSE => matches!(request, ACCOUNTING_REQUEST | STATUS_SERVER),
            DISCONNECT_ACK | DISCONNECT_NAK => request == DISCONNECT_REQUEST,
            COA_ACK | COA_NAK => request == COA_REQUEST,
            _ => false,
        }
    }
}

/// Attributes (RFC 2865 §5, RFC 2866 §5, RFC 2868 §3).
pub(super) mod attribute {
    pub const USER_NAME: u8 = 1;
    pub const NAS_IP_ADDRESS: u8 = 4;
    pub const FRAMED_IP_ADDRESS: u8 = 8;
    pub const REPLY_MESSAGE: u8 = 18;
    pub const CALLED_STATION_ID: u8 = 30;
    pub const CALLING_STATION_ID: u8 = 31;
    pub const NAS_IDENTIFIER: u8 = 32;
    pub const ACCT_STATUS_TYPE: u8 = 40;
    pub const ACCT_SESSION_ID: u8 = 44;
    pub const TUNNEL_CLIENT_ENDPOINT: u8 = 66;
    pub const CONNECT_INFO: u8 = 77;
}

/// Has the datagram a known code and its own length?
pub(super) fn has_good_header(datagram: &[u8]) -> bool {
    let header = datagram.first_chunk::<4>();
    header.is_some_and(|[code, _, hi, lo]| {
        code::name(*code).is_some() && usize::from(u16::from_be_bytes([*hi, *lo])) == datagram.len()
    })
}

/// Does it look like RADIUS wherever it is met: a request with attributes and the length that it says?
pub(super) fn is_likely(datagram: &[u8]) -> bool {
    let request = datagram.first().is_some_and(|c| code::is_request(*c));
    request && (HEADER_LEN + 1..=MAX_PACKET_LEN).contains(&datagram.len()) && has_good_header(datagram)
}

/// A packet, all of whose attributes are whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub code: u8,
    pub id: u8,
    attributes: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram to its end, as Zeek does whatever length the packet gives itself.
    pub fn parse(datagram: &'a [u8]) -> ParseResult<Self> {
        let mut r = Reader::new(datagram);
        let (code, id) = (r.u8(&"code")?, r.u8(&"identifier")?);
        r.skip(&"length and authenticator", 18)?;
        let attributes = r.take_rest();
        let packet = Self { code, id, attributes };
        let mut r = Reader::new(attributes);
        while !r.is_empty() {
            one(&mut r)?;
        }
        Ok(packet)
    }

    /// Value of the first attribute `kind`.
    pub fn first(&self, kind: u8) -> Option<&'a [u8]> {
        let mut r = Reader::new(self.attributes);
        std::iter::from_fn(|| one(&mut r).ok()).find(|a| a.0 == kind).map(|a| a.1)
    }
}

/// Kind and value of the next attribute.
fn one<'a>(r: &mut Reader<'a>) -> ParseResult<(u8, &'a [u8])> {
    let kind = r.u8(&"attribute")?;
    let len = usize::from(r.u8(&"attribute length")?);
    let len = len.checked_sub(2).ok_or(ParseError::bad(&"attribute length"))?;
    Ok((kind, r.take(&"attribute", len)?))
}
