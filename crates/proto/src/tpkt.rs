//! Packets in a byte stream (RFC 1006 §6) and the transport class 0 messages in them (X.224 §13).

use crate::frames::Head;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Length of a packet's header.
const HEADER_LEN: u16 = 4;
/// The shortest packet: header, length indicator, code and one byte more.
const MIN_LEN: u16 = HEADER_LEN + 3;

/// How long is the packet that begins with `bytes`?
pub(crate) fn extent(bytes: &[u8]) -> Head {
    match bytes {
        [3, 0, l0, l1, ..] if u16::from_be_bytes([*l0, *l1]) >= MIN_LEN => {
            Head::whole(usize::from(u16::from_be_bytes([*l0, *l1])))
        }
        [] | [3] | [3, 0] | [3, 0, _] => Head::More,
        _ => Head::Bad,
    }
}

/// Kinds of messages (X.224 table 8).
mod code {
    pub const CONNECTION_REQUEST: u8 = 0xe0;
    pub const CONNECTION_CONFIRM: u8 = 0xd0;
    pub const DATA: u8 = 0xf0;
}

/// Parameters of a connection message (X.224 §13.3.4).
mod parameter {
    pub const CALLING: u8 = 0xc1;
    pub const CALLED: u8 = 0xc2;
}

/// Set in a data message that is the last of its unit.
const END_OF_UNIT: u8 = 0x80;

/// A message in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tpdu<'a> {
    /// Connection request or confirm with the selectors of both ends.
    Connect {
        /// Selector of the end that asks.
        calling: Option<&'a [u8]>,
        /// Selector of the end that is asked.
        called: Option<&'a [u8]>,
    },
    /// User data.
    Data {
        /// The bytes of it that are there.
        payload: &'a [u8],
        /// The unit ends here.
        last: bool,
    },
    /// Anything else: disconnection, errors.
    Other,
}

impl<'a> Tpdu<'a> {
    /// Reads the message in `packet`, which may be cut short behind the message's header.
    pub(crate) fn parse(packet: &'a [u8]) -> ParseResult<Self> {
        let mut r = Reader::new(packet);
        r.skip(&"packet header", usize::from(HEADER_LEN))?;
        let mut header = r.block8(&"message header")?;
        match header.u8(&"message code")? & 0xf0 {
            code::DATA => {
                let last = header.u8(&"end of unit")? & END_OF_UNIT != 0;
                Ok(Self::Data { payload: r.rest(), last })
            }
            code::CONNECTION_REQUEST | code::CONNECTION_CONFIRM => {
                header.skip(&"references and class", 5)?;
                let (mut calling, mut called) = (None, None);
                while !header.is_empty() {
                    let kind = header.u8(&"parameter code")?;
                    let value = header.block8(&"parameter")?.rest();
                    match kind {
                        parameter::CALLING => calling = Some(value),
                        parameter::CALLED => called = Some(value),
                        _ => {}
                    }
                }
                Ok(Self::Connect { calling, called })
            }
            0 => Err(ParseError::bad(&"message code")),
            _ => Ok(Self::Other),
        }
    }
}

/// The user data of the first data message in a stream's first bytes; `Err` if no such stream begins like this,
/// `Ok(None)` if there is none yet.
pub(crate) fn first_data(bytes: &[u8]) -> Result<Option<&[u8]>, ()> {
    let mut rest = bytes;
    loop {
        let len = match extent(rest) {
            Head::Message { keep, .. } => keep,
            Head::More => return Ok(None),
            Head::Bad => return Err(()),
        };
        let packet = rest.get(..len).unwrap_or(rest);
        match Tpdu::parse(packet) {
            Ok(Tpdu::Data { payload, .. }) => return Ok(Some(payload)),
            Ok(_) => {}
            Err(_) if packet.len() < len => return Ok(None),
            Err(_) => return Err(()),
        }
        rest = rest.get(len..).unwrap_or(&[]);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A packet with one message.
    pub(crate) fn packet(message: &[u8]) -> Vec<u8> {
        let len = message.len() as u16 + HEADER_LEN;
        [&[3, 0], &len.to_be_bytes()[..], message].concat()
    }

    /// A packet with user data.
    pub(crate) fn data(payload: &[u8]) -> Vec<u8> {
        packet(&[&[2, 0xf0, 0x80], payload].concat())
    }

    /// A connection request.
    pub(crate) const CONNECT: [u8; 18] = [17, 0xe0, 0, 0, 0, 1, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2];

    #[test]
    fn parses_connections_and_data() {
        let bytes = packet(&CONNECT);
        assert_eq!(extent(&bytes), Head::whole(22));
        let want = Tpdu::Connect { calling: Some(&[1, 0]), called: Some(&[1, 2]) };
        assert_eq!(Tpdu::parse(&bytes), Ok(want));
        assert_eq!(Tpdu::parse(&data(b"x")), Ok(Tpdu::Data { payload: b"x", last: true }));
        assert_eq!(Tpdu::parse(&packet(&[6, 0x80, 0, 1, 0, 2, 0])), Ok(Tpdu::Other));
    }

    #[test]
    fn rejects_other_streams() {
        assert_eq!(extent(b"\x03\x00\x00\x06"), Head::Bad);
        assert_eq!(extent(b"\x03\x00\x00"), Head::More);
        assert_eq!(extent(b"GET"), Head::Bad);
        assert!(Tpdu::parse(&packet(&[0, 0, 0])).is_err());
        assert!(Tpdu::parse(&packet(&[200, 0xe0, 0])).is_err());
    }

    #[test]
    fn parses_up_to_the_first_data() {
        let stream = [packet(&CONNECT), data(b"\x32abc")].concat();
        assert_eq!(first_data(&stream), Ok(Some(b"\x32abc".as_slice())));
        assert_eq!(first_data(&stream[..22]), Ok(None));
        assert_eq!(first_data(&stream[..30]), Ok(Some(b"\x32".as_slice())));
        assert_eq!(first_data(b"\x03\x00\x00\x07\x00\x00\x00"), Err(()));
        assert_eq!(first_data(b""), Ok(None));
    }
}
