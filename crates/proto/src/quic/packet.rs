//! Packets with long headers (RFC 9000 §17.2): pure parsing.

use super::version;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Longest connection id of the known versions (RFC 9000 §17.2).
pub(super) const MAX_CID_LEN: usize = 20;

/// Least length field of an Initial packet from which the header protection's sample can be taken (RFC 9001 §5.4.2).
const MIN_INITIAL_LEN: usize = 20;

/// What a packet with a long header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
    /// The server's list of versions.
    Negotiation,
    /// Of a version that is not known.
    Unknown,
}

/// A packet with a long header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub version: u32,
    pub dcid: &'a [u8],
    pub scid: &'a [u8],
    pub kind: Kind,
    /// The packet from its first byte to its end.
    pub bytes: &'a [u8],
    /// Where the packet number begins in `bytes`.
    pub number_at: usize,
}

/// A variable-length integer (RFC 9000 §16).
pub(super) fn varint(r: &mut Reader<'_>, item: &'static &'static str) -> ParseResult<u64> {
    let first = r.u8(item)?;
    let mut value = u64::from(first & 0x3f);
    for &byte in r.take(item, (1usize << (first >> 6)) - 1)? {
        value = value << 8 | u64::from(byte);
    }
    Ok(value)
}

/// A variable-length integer that counts bytes of a datagram.
pub(super) fn length(r: &mut Reader<'_>, item: &'static &'static str) -> ParseResult<usize> {
    usize::try_from(varint(r, item)?).map_err(|_| ParseError::bad(item))
}

impl<'a> Packet<'a> {
    /// The packet at the start of `datagram`, whose first byte says that its header is long.
    pub(super) fn parse(datagram: &'a [u8]) -> ParseResult<Self> {
        let mut r = Reader::new(datagram);
        let first = r.u8(&"first byte")?;
        let version = r.u32(&"version")?;
        let dcid = r.block8(&"destination connection id")?.take_rest();
        let scid = r.block8(&"source connection id")?.take_rest();
        let mut packet = Self { version, dcid, scid, kind: Kind::Unknown, bytes: datagram, number_at: 0 };
        if version == version::NEGOTIATION {
            packet.kind = Kind::Negotiation;
            return Ok(packet);
        }
        let Some(profile) = version::profile(version) else { return Ok(packet) };
        if dcid.len().max(scid.len()) > MAX_CID_LEN {
            return Err(ParseError::bad(&"connection id"));
        }
        packet.kind = kind(first, profile.v2);
        match packet.kind {
            Kind::Retry => return Ok(packet),
            Kind::Initial => {
                let token_len = length(&mut r, &"token length")?;
                r.skip(&"token", token_len)?;
            }
            _ => {}
        }
        let len = length(&mut r, &"length")?;
        if packet.kind == Kind::Initial && len < MIN_INITIAL_LEN {
            return Err(ParseError::bad(&"length"));
        }
        packet.number_at = r.pos();
        r.skip(&"payload", len)?;
        packet.bytes = datagram.get(..r.pos()).unwrap_or(datagram);
        Ok(packet)
    }
}

/// The two type bits, which version 2 changed (RFC 9369 §3.2).
const fn kind(first: u8, v2: bool) -> Kind {
    let bits = first >> 4 & 3;
    match if v2 { bits.wrapping_sub(1) & 3 } else { bits } {
        0 => Kind::Initial,
        1 => Kind::ZeroRtt,
        2 => Kind::Handshake,
        _ => Kind::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_long_headers() {
        let mut bytes = vec![0xc3, 0, 0, 0, 1, 2, 0xaa, 0xbb, 1, 0xcc, 2, 0x11, 0x22, 0x40, 0x14];
        bytes.extend([0; 20]);
        bytes.extend([9, 9]);
        let p = Packet::parse(&bytes).unwrap();
        assert_eq!((p.kind, p.dcid, p.scid), (Kind::Initial, &[0xaa, 0xbb][..], &[0xcc][..]));
        assert_eq!((p.number_at, p.bytes.len()), (15, 35));
        assert!(Packet::parse(&bytes[..34]).is_err());
        bytes[4] = 2;
        assert_eq!(Packet::parse(&bytes).unwrap().kind, Kind::Unknown);
        for (first, kinds) in [
            (0xc0, [Kind::Initial, Kind::Retry]),
            (0xd0, [Kind::ZeroRtt, Kind::Initial]),
            (0xe0, [Kind::Handshake, Kind::ZeroRtt]),
            (0xf0, [Kind::Retry, Kind::Handshake]),
        ] {
            assert_eq!([kind(first, false), kind(first, true)], kinds);
        }
    }

    #[test]
    fn rejects_bad_headers() {
        let long_id = [&[0xc0, 0, 0, 0, 1, 21][..], &[0; 60]].concat();
        assert!(Packet::parse(&long_id).is_err());
        let short = [&[0xc0, 0, 0, 0, 1, 0, 0, 0, 19][..], &[0; 19]].concat();
        assert!(Packet::parse(&short).is_err());
    }
}
