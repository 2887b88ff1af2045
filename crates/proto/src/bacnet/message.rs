//! The three layers of a datagram: virtual link (ASHRAE 135-2020 annex J), network (clause 6), application (clause 20).

use super::names;
use super::service::{self, Detail};
use crate::named::Named;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// First byte of the virtual link over IPv4.
const BVLC_TYPE: u8 = 0x81;
/// Functions of the virtual link that carry a message of the network layer.
mod bvlc {
    pub const FORWARDED: u8 = 4;
    pub const REGISTER_FOREIGN_DEVICE: u8 = 5;
    pub const DISTRIBUTE_BROADCAST: u8 = 9;
    pub const UNICAST: u8 = 10;
    pub const BROADCAST: u8 = 11;
    pub const LAST: u8 = 12;
}

/// Bits of the network layer's control byte (clause 6.2.2).
mod control {
    pub const NETWORK_MESSAGE: u8 = 0x80;
    pub const RESERVED: u8 = 0x50;
    pub const DESTINATION: u8 = 0x20;
    pub const SOURCE: u8 = 0x08;
}

/// Network messages from here on begin with a vendor's number.
const PROPRIETARY: u8 = 0x80;
/// Network of all networks.
const ALL_NETWORKS: u16 = 0xffff;

/// Kinds of application messages (clause 20.1).
mod pdu {
    pub const CONFIRMED: u8 = 0;
    pub const UNCONFIRMED: u8 = 1;
    pub const SIMPLE_ACK: u8 = 2;
    pub const COMPLEX_ACK: u8 = 3;
    pub const SEGMENT_ACK: u8 = 4;
    pub const ERROR: u8 = 5;
    pub const REJECT: u8 = 6;
    pub const ABORT: u8 = 7;
}

/// Bit of a segmented message.
const SEGMENTED: u8 = 0x08;

/// What a datagram says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub bvlc: Named,
    pub source: Option<String>,
    pub destination: Option<String>,
    pub content: Content,
}

/// The innermost layer that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The virtual link manages itself.
    Link,
    /// A message of the network layer.
    Network(Named),
    /// A service that wants an answer.
    Confirmed { invoke_id: u8, service: Named, detail: Detail },
    /// A service that wants none.
    Unconfirmed { service: Named, detail: Detail },
    /// The answer to a confirmed service.
    Answer { invoke_id: u8, service: Option<Named>, result: &'static str, error: Option<String>, detail: Detail },
    /// A segment that is not the first, or its acknowledgement.
    Segment,
}

/// Length of the datagram by its virtual link header, if it is one.
pub fn link_len(datagram: &[u8]) -> Option<usize> {
    let &[BVLC_TYPE, function, l0, l1, ..] = datagram else { return None };
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    (function <= bvlc::LAST && len >= 4).then_some(len)
}

/// Reads a datagram.
pub fn parse(datagram: &[u8]) -> ParseResult<Message> {
    let len = link_len(datagram).ok_or(ParseError::bad(&"virtual link"))?;
    let mut r = Reader::new(datagram).sub(&"virtual link", len)?;
    r.skip(&"type", 1)?;
    let function = r.u8(&"function")?;
    r.skip(&"length", 2)?;
    let mut out = Message { bvlc: names::bvlc(function), source: None, destination: None, content: Content::Link };
    match function {
        bvlc::FORWARDED => r.skip(&"original address", 6)?,
        bvlc::DISTRIBUTE_BROADCAST | bvlc::UNICAST | bvlc::BROADCAST => {}
        bvlc::REGISTER_FOREIGN_DEVICE => {
            r.skip(&"time to live", 2)?;
            return Ok(out);
        }
        _ => return Ok(out),
    }
    network(&mut r, &mut out)?;
    Ok(out)
}

/// The network layer (clause 6.2) and what is in it.
fn network(r: &mut Reader<'_>, out: &mut Message) -> ParseResult<()> {
    if r.u8(&"network version")? != 1 {
        return Err(ParseError::bad(&"network version"));
    }
    let flags = r.u8(&"control")?;
    if flags & control::RESERVED != 0 {
        return Err(ParseError::bad(&"control"));
    }
    if flags & control::DESTINATION != 0 {
        out.destination = Some(address(r)?);
    }
    if flags & control::SOURCE != 0 {
        out.source = Some(address(r)?);
    }
    if flags & control::DESTINATION != 0 {
        r.skip(&"hop count", 1)?;
    }
    out.content = if flags & control::NETWORK_MESSAGE != 0 {
        let kind = r.u8(&"network message")?;
        if kind >= PROPRIETARY {
            r.skip(&"vendor", 2)?;
        }
        Content::Network(names::network_message(kind))
    } else {
        application(r)?
    };
    Ok(())
}

/// A network and an address in it; without address all of them.
fn address(r: &mut Reader<'_>) -> ParseResult<String> {
    let network = r.u16(&"network")?;
    let address = r.block8(&"address")?.rest();
    let mut text = network.to_string();
    if network != ALL_NETWORKS {
        text.push(':');
        address.iter().take(16).for_each(|b| text.push_str(&format!("{b:02x}")));
    }
    Ok(text)
}

/// The application layer.
fn application(r: &mut Reader<'_>) -> ParseResult<Content> {
    let first = r.u8(&"message kind")?;
    let segmented = first & SEGMENTED != 0;
    let answer =
        |invoke_id, service, result, error, detail| Content::Answer { invoke_id, service, result, error, detail };
    Ok(match first >> 4 {
        pdu::CONFIRMED => {
            r.skip(&"sizes", 1)?;
            let invoke_id = r.u8(&"invoke id")?;
            if segment_after_first(segmented, r)? {
                return Ok(Content::Segment);
            }
            let code = r.u8(&"service")?;
            Content::Confirmed { invoke_id, service: names::confirmed(code), detail: service::confirmed(code, r) }
        }
        pdu::UNCONFIRMED => {
            let code = r.u8(&"service")?;
            Content::Unconfirmed { service: names::unconfirmed(code), detail: service::unconfirmed(code, r) }
        }
        pdu::SIMPLE_ACK => {
            let invoke_id = r.u8(&"invoke id")?;
            let code = r.u8(&"service")?;
            answer(invoke_id, Some(names::confirmed(code)), "ACK", None, Detail::default())
        }
        pdu::COMPLEX_ACK => {
            let invoke_id = r.u8(&"invoke id")?;
            if segment_after_first(segmented, r)? {
                return Ok(Content::Segment);
            }
            let code = r.u8(&"service")?;
            answer(invoke_id, Some(names::confirmed(code)), "ACK", None, service::acknowledged(code, r))
        }
        pdu::SEGMENT_ACK => Content::Segment,
        pdu::ERROR => {
            let invoke_id = r.u8(&"invoke id")?;
            let code = r.u8(&"service")?;
            answer(invoke_id, Some(names::confirmed(code)), "ERROR", service::error(r), Detail::default())
        }
        pdu::REJECT => {
            let invoke_id = r.u8(&"invoke id")?;
            let reason = names::reject_reason(r.u8(&"reason")?);
            answer(invoke_id, None, "REJECT", Some(reason.as_str().to_owned()), Detail::default())
        }
        pdu::ABORT => {
            let invoke_id = r.u8(&"invoke id")?;
            let reason = names::abort_reason(r.u8(&"reason")?);
            answer(invoke_id, None, "ABORT", Some(reason.as_str().to_owned()), Detail::default())
        }
        _ => return Err(ParseError::bad(&"message kind")),
    })
}

/// Is this a later segment of a segmented message? Reads number and window.
fn segment_after_first(segmented: bool, r: &mut Reader<'_>) -> ParseResult<bool> {
    if !segmented {
        return Ok(false);
    }
    let number = r.u8(&"sequence number")?;
    r.skip(&"window size", 1)?;
    Ok(number != 0)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A datagram with an application message, to one device or to all.
    pub fn datagram(function: u8, npdu: &[u8], apdu: &[u8]) -> Vec<u8> {
        let len = (4 + npdu.len() + apdu.len()) as u16;
        [&[BVLC_TYPE, function][..], &len.to_be_bytes(), npdu, apdu].concat()
    }

    #[test]
    fn parses_layers() {
        let m = parse(&datagram(11, &[1, 0x20, 0xff, 0xff, 0, 255], &[0x10, 8])).unwrap();
        assert_eq!((m.bvlc.as_str(), m.destination.as_deref()), ("Original-Broadcast-NPDU", Some("65535")));
        assert!(matches!(m.content, Content::Unconfirmed { .. }));
        let m = parse(&datagram(10, &[1, 0x08, 0, 5, 1, 0x2a], &[0x20, 7, 15])).unwrap();
        assert_eq!(m.source.as_deref(), Some("5:2a"));
        assert!(matches!(m.content, Content::Answer { invoke_id: 7, result: "ACK", .. }));
        let m = parse(&datagram(10, &[1, 0x80], &[0])).unwrap();
        assert_eq!(m.content, Content::Network("Who-Is-Router-To-Network".into()));
        let m = parse(&datagram(5, &[0, 60], &[])).unwrap();
        assert_eq!(m.content, Content::Link);
    }

    #[test]
    fn parses_refusals() {
        let said = |apdu: &[u8]| match parse(&datagram(10, &[1, 0], apdu)).unwrap().content {
            Content::Answer { result, error, .. } => (result, error.unwrap()),
            other => panic!("{other:?}"),
        };
        assert_eq!(said(&[0x50, 7, 12, 0x91, 2, 0x91, 32]), ("ERROR", "property: unknown-property".to_owned()));
        assert_eq!(said(&[0x60, 7, 9]), ("REJECT", "unrecognized-service".to_owned()));
        assert_eq!(said(&[0x71, 7, 4]), ("ABORT", "segmentation-not-supported".to_owned()));
    }

    #[test]
    fn parses_first_segments_only() {
        let m = parse(&datagram(10, &[1, 0], &[0x3c, 7, 1, 4, 14])).unwrap();
        assert_eq!(m.content, Content::Segment);
        let m = parse(&datagram(10, &[1, 0], &[0x3c, 7, 0, 4, 14])).unwrap();
        assert!(matches!(m.content, Content::Answer { .. }));
    }

    #[test]
    fn rejects_other_bytes() {
        assert!(parse(b"").is_err());
        assert!(parse(&[0x81, 13, 0, 4]).is_err());
        assert!(parse(&[0x81, 10, 0, 9, 1, 0]).is_err());
        assert!(parse(&datagram(10, &[2, 0], &[0x10, 8])).is_err());
        assert!(parse(&datagram(10, &[1, 0], &[0x90, 8])).is_err());
    }
}
