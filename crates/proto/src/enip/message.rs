//! Encapsulation and common packet format (CIP volume 2, chapter 2).

use super::cip::{self, Identity, Message};
use crate::frames::Head;
use sekisho_types::Addr;
use sekisho_wire::{ParseResult, Reader};

/// Length of the encapsulation's header.
pub const HEADER_LEN: usize = 24;
/// Items looked at of one packet.
const MAX_ITEMS: u16 = 8;

/// Commands with a meaning here.
pub mod command {
    pub const LIST_SERVICES: u16 = 0x04;
    pub const LIST_IDENTITY: u16 = 0x63;
    pub const LIST_INTERFACES: u16 = 0x64;
    pub const REGISTER_SESSION: u16 = 0x65;
    pub const SEND_RR_DATA: u16 = 0x6f;
    pub const SEND_UNIT_DATA: u16 = 0x70;
}

/// Items with a meaning here.
mod item {
    pub const IDENTITY: u16 = 0x0c;
    pub const CONNECTED_ADDRESS: u16 = 0xa1;
    pub const CONNECTED_DATA: u16 = 0xb1;
    pub const UNCONNECTED_DATA: u16 = 0xb2;
    pub const SEQUENCED_ADDRESS: u16 = 0x8002;
}

/// The encapsulation's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub command: u16,
    pub len: u16,
    pub session: u32,
    pub status: u32,
    /// Chosen by the sender of a request, returned in the answer.
    pub context: [u8; 8],
}

impl Header {
    /// Reads the header.
    pub fn parse(r: &mut Reader<'_>) -> ParseResult<Self> {
        let command = r.u16_le(&"command")?;
        let len = r.u16_le(&"length")?;
        let session = r.u32_le(&"session")?;
        let status = r.u32_le(&"status")?;
        let context = r.array(&"sender context")?;
        r.skip(&"options", 4)?;
        Ok(Self { command, len, session, status, context })
    }
}

/// How long is the message that begins with `bytes`? Options must be zero (2-3.6).
pub fn extent(bytes: &[u8]) -> Head {
    let Some(&[c0, c1, l0, l1]) = bytes.first_chunk() else { return Head::More };
    if super::names::command(u16::from_le_bytes([c0, c1])).is_none() {
        return Head::Bad;
    }
    match bytes.get(20..HEADER_LEN) {
        None => Head::More,
        Some([0, 0, 0, 0]) => Head::whole(HEADER_LEN + usize::from(u16::from_le_bytes([l0, l1]))),
        Some(_) => Head::Bad,
    }
}

/// What a command's data say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    pub connection: Option<u32>,
    /// Joins request and answer in a connection.
    pub sequence: Option<u16>,
    pub cip: Option<Message>,
    pub identity: Option<(Identity, Option<Addr>)>,
    /// Length of data that are not taken apart.
    pub data_len: usize,
}

/// Reads the data of a command.
pub fn body(command: u16, r: &mut Reader<'_>) -> ParseResult<Body> {
    match command {
        command::SEND_RR_DATA | command::SEND_UNIT_DATA => {
            r.skip(&"interface and timeout", 6)?;
            items(r)
        }
        command::LIST_IDENTITY => items(r),
        _ => Ok(Body::default()),
    }
}

/// The items of a packet (2-6).
pub fn items(r: &mut Reader<'_>) -> ParseResult<Body> {
    let mut out = Body::default();
    let mut cyclic = false;
    for _ in 0..r.u16_le(&"item count")?.min(MAX_ITEMS) {
        let kind = r.u16_le(&"item type")?;
        let len = usize::from(r.u16_le(&"item length")?);
        let mut data = r.sub(&"item", len)?;
        match kind {
            item::IDENTITY => out.identity = Some(identity(&mut data)?),
            item::CONNECTED_ADDRESS => out.connection = Some(data.u32_le(&"connection id")?),
            item::SEQUENCED_ADDRESS => {
                cyclic = true;
                out.connection = Some(data.u32_le(&"connection id")?);
            }
            item::CONNECTED_DATA if cyclic => out.data_len = data.left(),
            item::CONNECTED_DATA => {
                out.sequence = Some(data.u16_le(&"sequence count")?);
                out.cip = Message::parse(data.rest()).ok();
            }
            item::UNCONNECTED_DATA => out.cip = Message::parse(data.rest()).ok(),
            _ => {}
        }
    }
    Ok(out)
}

/// A device's identity with its address (2-4.2.3).
fn identity(r: &mut Reader<'_>) -> ParseResult<(Identity, Option<Addr>)> {
    r.skip(&"protocol version, family and port", 6)?;
    let addr: [u8; 4] = r.array(&"address")?;
    r.skip(&"zeros", 8)?;
    Ok((cip::identity(r)?, Some(Addr::v4(addr)).filter(|_| addr != [0; 4])))
}

/// Does a datagram carry cyclic data: an address with a sequence number, then connected data?
pub fn is_cyclic(datagram: &[u8]) -> bool {
    datagram.starts_with(&[2, 0, 2, 0x80, 8, 0]) && datagram.get(14..16) == Some(&[0xb1, 0])
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A message.
    pub fn encapsulated(command: u16, session: u32, status: u32, context: u8, data: &[u8]) -> Vec<u8> {
        let mut out = command.to_le_bytes().to_vec();
        out.extend((data.len() as u16).to_le_bytes());
        out.extend(session.to_le_bytes());
        out.extend(status.to_le_bytes());
        out.extend([context; 8]);
        out.extend([0; 4]);
        out.extend(data);
        out
    }

    /// Data of an unconnected CIP message.
    pub fn unconnected(cip: &[u8]) -> Vec<u8> {
        [&[0, 0, 0, 0, 10, 0, 2, 0, 0, 0, 0, 0, 0xb2, 0, cip.len() as u8, 0][..], cip].concat()
    }

    #[test]
    fn parses_messages() {
        let bytes = encapsulated(command::SEND_RR_DATA, 7, 0, 1, &unconnected(&[0x0e, 2, 0x20, 1, 0x24, 1]));
        assert_eq!(extent(&bytes), Head::whole(bytes.len()));
        let mut r = Reader::new(&bytes);
        let header = Header::parse(&mut r).unwrap();
        assert_eq!((header.command, header.session, header.context), (command::SEND_RR_DATA, 7, [1; 8]));
        assert!(matches!(body(header.command, &mut r).unwrap().cip, Some(Message::Request(_))));
    }

    #[test]
    fn parses_connected_data() {
        let data = [0, 0, 0, 0, 0, 0, 2, 0, 0xa1, 0, 4, 0, 1, 2, 3, 4, 0xb1, 0, 8, 0, 9, 0, 0x0e, 2, 0x20, 1, 0x24, 1];
        let b = body(command::SEND_UNIT_DATA, &mut Reader::new(&data)).unwrap();
        assert_eq!((b.connection, b.sequence), (Some(0x0403_0201), Some(9)));
        assert!(b.cip.is_some());
    }

    #[test]
    fn rejects_other_bytes() {
        assert_eq!(extent(&[0x63, 0, 0]), Head::More);
        assert_eq!(extent(b"GET / HTTP/1.1"), Head::Bad);
        let mut bytes = encapsulated(command::LIST_IDENTITY, 0, 0, 0, &[]);
        bytes[21] = 1;
        assert_eq!(extent(&bytes), Head::Bad);
        assert!(items(&mut Reader::new(&[1, 0, 0xb2, 0, 4, 0, 1])).is_err());
    }

    #[test]
    fn limits_items() {
        let many = [&[200u8, 0][..], &[0; 4 * 200]].concat();
        let mut r = Reader::new(&many);
        assert!(items(&mut r).is_ok());
        assert_eq!(r.pos(), 2 + 4 * usize::from(MAX_ITEMS));
    }
}
