//! IKE messages: the header that versions 1 (RFC 2408 §3.1) and 2 (RFC 7296 §3.1) share, and of the payloads in clear the
//! security association, whose last proposal of the responder is what was chosen.

use sekisho_wire::{ParseError, ParseResult, Reader};

/// Bytes of the header.
pub const HEADER_LEN: usize = 28;
/// Payloads, proposals, transforms or attributes looked at of one message.
const MAX_ITEMS: usize = 64;

const V1: u8 = 0x10;
const V2: u8 = 0x20;

/// Payload types.
mod payload {
    pub const V1_SA: u8 = 1;
    pub const V1_VENDOR: u8 = 13;
    pub const V2_SA: u8 = 33;
    pub const V2_VENDOR: u8 = 43;
}

/// Flag of version 1: what follows the header is encrypted.
const V1_ENCRYPTED: u8 = 1;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub initiator: [u8; 8],
    /// Zero in the first message.
    pub responder: [u8; 8],
    pub is_v2: bool,
    pub exchange: u8,
    pub transforms: Transforms,
    pub vendor_count: usize,
    /// Known vendor ids.
    pub vendors: Vec<&'static str>,
}

/// The first proposal's algorithms, by their numbers in the version's registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transforms {
    pub encryption: Option<u16>,
    pub key_bits: Option<u16>,
    pub prf: Option<u16>,
    pub integrity: Option<u16>,
    pub group: Option<u16>,
    /// Version 1: how the ends prove who they are.
    pub authentication: Option<u16>,
}

/// Could `bytes` be a whole message? The length at its end must be right.
pub fn begins(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<HEADER_LEN>() else { return false };
    let initiator = header.get(..8).is_some_and(|c| c != [0; 8]);
    let &[.., next, version, exchange, flags, _, _, _, _, a, b, c, d] = header;
    let exchange_fits = match version {
        V1 => matches!(exchange, 1..=6 | 32 | 33) && flags & 0xf8 == 0 && next <= 20,
        V2 => matches!(exchange, 34..=44) && flags & 0xc7 == 0 && (matches!(next, 0 | 33..=54)),
        _ => false,
    };
    initiator && exchange_fits && usize::try_from(u32::from_be_bytes([a, b, c, d])) == Ok(bytes.len())
}

impl Message {
    /// Reads a datagram.
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        if !begins(bytes) {
            return Err(ParseError::bad(&"ike header"));
        }
        let mut r = Reader::new(bytes);
        let (initiator, responder) = (r.array(&"ike spi")?, r.array(&"ike spi")?);
        let [next, version, exchange, flags] = r.array(&"ike header")?;
        r.skip(&"ike header", 8)?;
        let mut message = Self {
            initiator,
            responder,
            is_v2: version == V2,
            exchange,
            transforms: Transforms::default(),
            vendor_count: 0,
            vendors: Vec::new(),
        };
        if message.is_v2 || flags & V1_ENCRYPTED == 0 {
            message.payloads(next, &mut r);
        }
        Ok(message)
    }

    fn payloads(&mut self, mut kind: u8, r: &mut Reader<'_>) {
        for _ in 0..MAX_ITEMS {
            let Some((next, body)) = (kind != 0).then(|| item(r)).flatten() else { return };
            match (self.is_v2, kind) {
                (false, payload::V1_SA) => drop(self.transforms.v1(body)),
                (true, payload::V2_SA) => drop(self.transforms.v2(body)),
                (false, payload::V1_VENDOR) | (true, payload::V2_VENDOR) => {
                    self.vendor_count += 1;
                    self.vendors.extend(vendor(body.rest()));
                }
                _ => {}
            }
            kind = next;
        }
    }
}

/// A payload, proposal or transform: what comes next, and its own bytes behind the generic header.
fn item<'a>(r: &mut Reader<'a>) -> Option<(u8, Reader<'a>)> {
    let next = r.u8(&"ike payload").ok()?;
    r.skip(&"ike payload", 1).ok()?;
    let len = usize::from(r.u16(&"ike payload").ok()?).checked_sub(4)?;
    Some((next, r.sub(&"ike payload", len).ok()?))
}

impl Transforms {
    /// Version 1: domain, situation, then a proposal whose first transform has everything in attributes (RFC 2409, A).
    fn v1(&mut self, mut r: Reader<'_>) -> Option<()> {
        r.skip(&"ike domain", 8).ok()?;
        let (_, mut proposal) = item(&mut r)?;
        let [_, _, spi_len, _] = proposal.array(&"ike proposal").ok()?;
        proposal.skip(&"ike spi", usize::from(spi_len)).ok()?;
        let (_, mut transform) = item(&mut proposal)?;
        transform.skip(&"ike transform", 4).ok()?;
        for _ in 0..MAX_ITEMS {
            let (kind, value) = attribute(&mut transform)?;
            match kind {
                1 => self.encryption = value,
                2 => self.integrity = value,
                3 => self.authentication = value,
                4 => self.group = value,
                13 => self.prf = value,
                14 => self.key_bits = value,
                _ => {}
            }
        }
        Some(())
    }

    /// Version 2: a proposal of transforms, each of one type (RFC 7296 §3.3).
    fn v2(&mut self, mut r: Reader<'_>) -> Option<()> {
        let (_, mut proposal) = item(&mut r)?;
        let [_, _, spi_len, count] = proposal.array(&"ike proposal").ok()?;
        proposal.skip(&"ike spi", usize::from(spi_len)).ok()?;
        for _ in 0..count.min(64) {
            let (_, mut transform) = item(&mut proposal)?;
            let [kind, _] = transform.array(&"ike transform").ok()?;
            let id = transform.u16(&"ike transform").ok()?;
            let slot = match kind {
                1 => &mut self.encryption,
                2 => &mut self.prf,
                3 => &mut self.integrity,
                4 => &mut self.group,
                _ => continue,
            };
            // Of several on offer the first, which the sender likes best.
            if slot.is_some() {
                continue;
            }
            *slot = Some(id);
            if kind == 1
                && let Some((14, bits)) = attribute(&mut transform)
            {
                self.key_bits = bits;
            }
        }
        Some(())
    }
}

/// An attribute (RFC 2408 §3.3): its type, and its value if that is short.
fn attribute(r: &mut Reader<'_>) -> Option<(u16, Option<u16>)> {
    let kind = r.u16(&"ike attribute").ok()?;
    if kind & 0x8000 != 0 {
        return Some((kind & 0x7fff, r.u16(&"ike attribute").ok()));
    }
    r.block16(&"ike attribute").ok()?;
    Some((kind, None))
}

/// Well-known vendor ids, by how they begin.
fn vendor(id: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 7] = [
        (&[0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45], "NAT-T (RFC 3947)"),
        (&[0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85], "fragmentation"),
        (&[0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9], "dead peer detection"),
        (&[0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12], "XAUTH"),
        (&[0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9], "Cisco Unity"),
        (&[0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d], "Microsoft"),
        (&[0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc], "strongSwan"),
    ];
    KNOWN.iter().find(|(prefix, _)| id.starts_with(prefix)).map(|(_, name)| *name)
}
