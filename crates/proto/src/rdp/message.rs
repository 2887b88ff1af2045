//! Pure parsing of what is sent before encryption: TPKT (RFC 1006 §6), X.224 (§13.3, 13.4, 13.7) with RDP's
//! negotiation (MS-RDPBCGR §2.2.1.1, 2.2.1.2), and the settings exchanged in MCS Connect (T.125 §7, T.124 §8.7).

use crate::ber::{Ber, tag};
use sekisho_record::Text;
use sekisho_wire::{ParseError, ParseResult, Problem, Reader};

/// Bytes of TPKT's header.
pub(super) const TPKT_LEN: usize = 4;
/// Channels that are kept; a client may have 31.
pub(super) const MAX_CHANNELS: usize = 64;
/// Certificates of a chain that are looked at.
pub(super) const MAX_CERTS: usize = 16;
/// Bytes kept of a cookie or token.
pub(super) const MAX_COOKIE_LEN: usize = 512;

/// Codes of X.224's units.
mod pdu {
    pub const CONNECTION_REQUEST: u8 = 0xe0;
    pub const CONNECTION_CONFIRM: u8 = 0xd0;
    pub const DATA: u8 = 0xf0;
}

/// Types of RDP's negotiation.
mod negotiation {
    pub const REQUEST: u8 = 1;
    pub const RESPONSE: u8 = 2;
    pub const FAILURE: u8 = 3;
}

/// A unit of X.224.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit<'a> {
    Request(Request<'a>),
    Confirm(Confirm),
    Data(&'a [u8]),
    Other,
}

/// A connection request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub cookie: Option<&'a [u8]>,
    pub routing_token: Option<&'a [u8]>,
    /// Bits of the security offered.
    pub protocols: Option<u32>,
}

/// A connection confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirm {
    /// Without negotiation.
    Plain,
    Chosen(u32),
    Failure(u32),
}

/// Length of the first packet of `bytes`, its header included; `None` if more bytes are needed.
pub(super) fn tpkt(bytes: &[u8]) -> ParseResult<Option<usize>> {
    match bytes {
        [] | [3] => Ok(None),
        [3, 0, hi, lo, ..] => {
            let len = usize::from(u16::from_be_bytes([*hi, *lo]));
            if len > TPKT_LEN + 2 { Ok(Some(len)) } else { Err(ParseError::bad(&"TPKT length")) }
        }
        [3, 0, ..] => Ok(None),
        _ => Err(ParseError::bad(&"TPKT")),
    }
}

/// The unit in a packet.
pub(super) fn unit(packet: &[u8]) -> ParseResult<Unit<'_>> {
    let mut r = Reader::new(packet);
    r.skip(&"TPKT", TPKT_LEN)?;
    let len = r.u8(&"X.224 length")?;
    match r.u8(&"X.224 unit")? & 0xf0 {
        code @ (pdu::CONNECTION_REQUEST | pdu::CONNECTION_CONFIRM) => {
            r.skip(&"references and class", 5)?;
            // Some clients give the packet, some the unit the wrong length: what is there counts.
            let rest = r.rest();
            if code == pdu::CONNECTION_REQUEST {
                Ok(Unit::Request(request(rest)))
            } else {
                Ok(Unit::Confirm(confirm(rest)))
            }
        }
        pdu::DATA => {
            r.skip(&"X.224 header", usize::from(len).saturating_sub(1))?;
            Ok(Unit::Data(r.rest()))
        }
        _ => Ok(Unit::Other),
    }
}

fn request(rest: &[u8]) -> Request<'_> {
    let mut request = Request::default();
    let mut left = rest;
    if left.starts_with(b"Cookie: ") || left.starts_with(b"tsv://") {
        let end = memchr::memmem::find(left, b"\r\n").unwrap_or(left.len());
        let (line, after) = left.split_at_checked(end).unwrap_or((left, &[]));
        left = after.get(2..).unwrap_or(&[]);
        let short = |text: &'_ [u8]| text.len().min(MAX_COOKIE_LEN);
        match line.strip_prefix(b"Cookie: mstshash=") {
            Some(cookie) => request.cookie = cookie.get(..short(cookie)),
            None => request.routing_token = line.get(..short(line)),
        }
    }
    if let [negotiation::REQUEST, _, 8, 0, a, b, c, d, ..] = *left {
        request.protocols = Some(u32::from_le_bytes([a, b, c, d]));
    }
    request
}

fn confirm(rest: &[u8]) -> Confirm {
    match *rest {
        [negotiation::RESPONSE, _, _, _, a, b, c, d, ..] => Confirm::Chosen(u32::from_le_bytes([a, b, c, d])),
        [negotiation::FAILURE, _, _, _, a, b, c, d, ..] => Confirm::Failure(u32::from_le_bytes([a, b, c, d])),
        _ => Confirm::Plain,
    }
}

/// Settings of one end in MCS Connect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings<'a> {
    /// How the conference was created; from the server only.
    pub result: Option<u8>,
    pub blocks: Blocks<'a>,
}

/// Blocks of settings one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks<'a>(Reader<'a>);

/// Type and content.
impl<'a> Iterator for Blocks<'a> {
    type Item = (u16, Reader<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.0.u16_le(&"block type").ok()?;
        let len = usize::from(self.0.u16_le(&"block length").ok()?).checked_sub(4)?;
        self.0.sub(&"block", len).ok().map(|content| (kind, content))
    }
}

/// The settings in data of X.224; `None` if it is something else.
pub(super) fn settings(data: &[u8]) -> ParseResult<Option<Settings<'_>>> {
    // Both have numbers that take two bytes: [APPLICATION 101] and [APPLICATION 102].
    let [0x7f, kind @ (0x65 | 0x66), rest @ ..] = data else { return Ok(None) };
    let is_response = *kind == 0x66;
    let mut r = Ber::new(after_length(rest)?);
    if is_response {
        r.number(&"result", tag::ENUMERATED)?;
        r.integer(&"called connect id")?;
        r.expect(&"domain parameters", tag::SEQUENCE)?;
    } else {
        r.expect(&"calling domain", tag::OCTET_STRING)?;
        r.expect(&"called domain", tag::OCTET_STRING)?;
        r.expect(&"upward", tag::BOOLEAN)?;
        for _ in 0..3 {
            r.expect(&"domain parameters", tag::SEQUENCE)?;
        }
    }
    let mut gcc = Reader::new(r.expect(&"user data", tag::OCTET_STRING)?);
    // The identifier of T.124, then a length in PER.
    gcc.block16(&"conference identifier")?;
    per_length(&mut gcc)?;
    let result = if is_response {
        // Choice, node, length and value of the tag.
        gcc.skip(&"node", 3)?;
        let tag_len = gcc.u8(&"tag length")?;
        gcc.skip(&"tag", usize::from(tag_len))?;
        Some(gcc.u8(&"result")?)
    } else {
        // Choice, conference name and how it ends.
        gcc.skip(&"conference", 5)?;
        None
    };
    // One set of user data, known by a key of four characters.
    gcc.skip(&"user data", 3)?;
    let key: [u8; 4] = gcc.array(&"user data key")?;
    if key != if is_response { *b"McDn" } else { *b"Duca" } {
        return Err(ParseError::bad(&"user data key"));
    }
    per_length(&mut gcc)?;
    Ok(Some(Settings { result, blocks: Blocks(gcc) }))
}

/// What follows a length in BER.
fn after_length(bytes: &[u8]) -> ParseResult<&[u8]> {
    let (first, rest) = bytes.split_first().ok_or(ParseError::missing(&"MCS length"))?;
    let skip = if *first < 0x80 { 0 } else { usize::from(first & 0x7f) };
    rest.get(skip..).ok_or(ParseError::missing(&"MCS length"))
}

/// A length in PER (X.691 §10.9): one byte, or two if the first bit is set.
fn per_length(r: &mut Reader<'_>) -> ParseResult<u16> {
    let first = r.u8(&"PER length")?;
    if first < 0x80 {
        return Ok(u16::from(first));
    }
    Ok(u16::from(first & 0x7f) << 8 | u16::from(r.u8(&"PER length")?))
}

/// Client Core Data (§2.2.1.3.2) up to what old clients send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Core {
    pub width: u16,
    pub height: u16,
    pub keyboard: u32,
    pub build: u32,
    pub name: Text,
    /// Colour depth and whether 32 bits are wanted.
    pub depth: Option<(u16, bool)>,
    pub product_id: Option<Text>,
}

/// Reads Client Core Data.
pub(super) fn core(mut r: Reader<'_>) -> ParseResult<Core> {
    r.skip(&"version", 4)?;
    let (width, height) = (r.u16_le(&"width")?, r.u16_le(&"height")?);
    r.skip(&"depth", 4)?;
    let (keyboard, build) = (r.u32_le(&"keyboard")?, r.u32_le(&"build")?);
    let name = utf16(r.take(&"client name", 32)?);
    r.skip(&"keyboard type, input method", 12 + 64)?;
    let mut core = Core { width, height, keyboard, build, name, depth: None, product_id: None };
    // What follows is optional, from here to the end.
    match optional(&mut r, &mut core) {
        Err(e) if e.problem() != Problem::Missing => Err(e),
        _ => Ok(core),
    }
}

fn optional(r: &mut Reader<'_>, core: &mut Core) -> ParseResult<()> {
    r.skip(&"depth, product, serial", 8)?;
    let depth = r.u16_le(&"colour depth")?;
    core.depth = Some((depth, false));
    r.skip(&"supported depths", 2)?;
    core.depth = Some((depth, r.u16_le(&"early capabilities")? & 2 != 0));
    core.product_id = Some(utf16(r.take(&"product id", 64)?));
    Ok(())
}

/// Names of the channels in Client Network Data (§2.2.1.3.4), and how many there are.
pub(super) fn channels(mut r: Reader<'_>) -> ParseResult<(Vec<Text>, u32)> {
    let count = r.u32_le(&"channel count")?;
    let mut names = Vec::new();
    while names.len() < MAX_CHANNELS && u32::try_from(names.len()).is_ok_and(|n| n < count) {
        let name: [u8; 8] = r.array(&"channel name")?;
        r.skip(&"channel options", 4)?;
        let len = name.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        names.push(name.get(..len).unwrap_or(&name).into());
    }
    Ok((names, count))
}

/// Server Security Data (§2.2.1.4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Security<'a> {
    pub method: u32,
    pub level: u32,
    pub certificate: Option<Certificate<'a>>,
}

/// The server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate<'a> {
    pub kind: u32,
    pub permanent: bool,
    /// Of the kind X.509.
    pub chain: Vec<&'a [u8]>,
}

/// Reads Server Security Data.
pub(super) fn security(mut r: Reader<'_>) -> ParseResult<Security<'_>> {
    let (method, level) = (r.u32_le(&"encryption method")?, r.u32_le(&"encryption level")?);
    let mut security = Security { method, level, certificate: None };
    if r.is_empty() {
        return Ok(security);
    }
    let len = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let (random_len, cert_len) = (len(r.u32_le(&"random length")?), len(r.u32_le(&"certificate length")?));
    r.skip(&"server random", random_len)?;
    let mut cert = r.sub(&"certificate", cert_len)?;
    if cert.is_empty() {
        return Ok(security);
    }
    let version = cert.u32_le(&"certificate version")?;
    let mut certificate = Certificate { kind: version & 0x7fff_ffff, permanent: version >> 31 == 0, chain: Vec::new() };
    if certificate.kind == 2 {
        let count = cert.u32_le(&"certificate count")?;
        while certificate.chain.len() < MAX_CERTS.min(len(count)) {
            let cert_len = len(cert.u32_le(&"certificate length")?);
            certificate.chain.push(cert.take(&"certificate", cert_len)?);
        }
    }
    security.certificate = Some(certificate);
    Ok(security)
}

/// UTF-16 in little endian up to a NUL.
fn utf16(bytes: &[u8]) -> Text {
    let units = bytes.as_chunks::<2>().0.iter().map(|u| u16::from_le_bytes(*u)).take_while(|u| *u != 0);
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.into()
}
