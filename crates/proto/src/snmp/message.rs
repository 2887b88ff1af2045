//! Pure parsing of one message: its version's header (RFC 1157 §4, RFC 1901 §3, RFC 3412 §6) and its PDU (RFC 3416 §3).

use crate::ber::{Ber, tag, unsigned};
use sekisho_wire::{ParseError, ParseResult};

/// Tags of PDUs.
pub(super) mod kind {
    pub const GET: u8 = 0xa0;
    pub const GET_NEXT: u8 = 0xa1;
    pub const RESPONSE: u8 = 0xa2;
    pub const SET: u8 = 0xa3;
    pub const TRAP_V1: u8 = 0xa4;
    pub const GET_BULK: u8 = 0xa5;
    pub const INFORM: u8 = 0xa6;
    pub const TRAP: u8 = 0xa7;
    pub const REPORT: u8 = 0xa8;
}

/// Application types of values (RFC 2578 §7.1): numbers without sign.
const COUNTER32: u8 = 0x41;
const UNSIGNED32: u8 = 0x42;
const TIME_TICKS: u8 = 0x43;
const COUNTER64: u8 = 0x46;
const IP_ADDRESS: u8 = 0x40;

/// What stands before the PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header<'a> {
    V1 { community: &'a [u8] },
    V2c { community: &'a [u8] },
    V3(V3<'a>),
}

/// Header data of version 3 and what its user-based security model says (RFC 3414 §2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct V3<'a> {
    pub flags: u8,
    /// Empty if there is another security model, or none.
    pub engine_id: &'a [u8],
    pub user: &'a [u8],
}

/// What follows the header.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    Pdu(Pdu<'a>),
    Encrypted,
    /// A PDU, or a body of version 3, that the standards do not name.
    Unknown,
    /// It cannot be read.
    Broken,
}

/// A PDU with its bindings, all of which are well-formed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pdu<'a> {
    pub kind: u8,
    /// Error status, of responses.
    pub error: i64,
    /// The enterprise of a trap of version 1.
    pub enterprise: Option<&'a [u8]>,
    /// What else a trap of version 1 tells: the agent's address and the trap's number.
    pub trap: Option<(&'a [u8], i64)>,
    pub bindings: Bindings<'a>,
}

/// Name and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Binding<'a> {
    pub oid: &'a [u8],
    pub tag: u8,
    pub value: &'a [u8],
}

impl<'a> Binding<'a> {
    /// The value if it is a number without sign.
    pub fn unsigned(&self) -> Option<u64> {
        matches!(self.tag, COUNTER32 | UNSIGNED32 | TIME_TICKS | COUNTER64).then(|| unsigned(self.value))?
    }

    /// The value if it is text.
    pub fn octets(&self) -> Option<&'a [u8]> {
        let other = matches!(self.tag, tag::NULL | 0x80..=0x82 | tag::OID | tag::INTEGER | IP_ADDRESS);
        (!other && self.unsigned().is_none()).then_some(self.value)
    }
}

/// Bindings one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bindings<'a>(Ber<'a>);

impl<'a> Iterator for Bindings<'a> {
    type Item = ParseResult<Binding<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.is_empty()).then(|| binding(&mut self.0))
    }
}

fn binding<'a>(at: &mut Ber<'a>) -> ParseResult<Binding<'a>> {
    let mut pair = at.enter(&"variable binding", tag::SEQUENCE)?;
    let oid = pair.expect(&"variable name", tag::OID)?;
    let value = pair.element(&"variable value")?;
    Ok(Binding { oid, tag: value.tag, value: value.content })
}

/// Version, header and body of a datagram; an error if the header cannot be read.
pub(super) fn parse(datagram: &[u8]) -> ParseResult<(Header<'_>, Body<'_>)> {
    let mut msg = Ber::new(datagram).enter(&"message", tag::SEQUENCE)?;
    match msg.integer(&"version")? {
        version @ (0 | 1) => {
            let community = msg.expect(&"community", tag::OCTET_STRING)?;
            let header = if version == 0 { Header::V1 { community } } else { Header::V2c { community } };
            Ok((header, pdu(&mut msg).unwrap_or(Body::Broken)))
        }
        3 => {
            let header = Header::V3(v3(&mut msg)?);
            Ok((header, scoped(&mut msg).unwrap_or(Body::Broken)))
        }
        _ => Err(ParseError::bad(&"version")),
    }
}

fn v3<'a>(msg: &mut Ber<'a>) -> ParseResult<V3<'a>> {
    let mut data = msg.enter(&"header data", tag::SEQUENCE)?;
    data.integer(&"message id")?;
    data.integer(&"largest size")?;
    let flags = data.expect(&"flags", tag::OCTET_STRING)?;
    data.integer(&"security model")?;
    let security = msg.expect(&"security parameters", tag::OCTET_STRING)?;
    let (engine_id, user) = user_based(security).unwrap_or_default();
    Ok(V3 { flags: flags.first().copied().unwrap_or(0), engine_id, user })
}

/// Engine and user of the user-based security model.
fn user_based(parameters: &[u8]) -> ParseResult<(&[u8], &[u8])> {
    let mut usm = Ber::new(parameters).enter(&"security parameters", tag::SEQUENCE)?;
    let engine_id = usm.expect(&"engine id", tag::OCTET_STRING)?;
    usm.integer(&"boots")?;
    usm.integer(&"engine time")?;
    Ok((engine_id, usm.expect(&"user name", tag::OCTET_STRING)?))
}

fn scoped<'a>(msg: &mut Ber<'a>) -> ParseResult<Body<'a>> {
    match msg.peek() {
        Some(tag::SEQUENCE) => {
            let mut scoped = msg.enter(&"scoped PDU", tag::SEQUENCE)?;
            scoped.expect(&"context engine id", tag::OCTET_STRING)?;
            scoped.expect(&"context name", tag::OCTET_STRING)?;
            pdu(&mut scoped)
        }
        Some(tag::OCTET_STRING) => Ok(Body::Encrypted),
        Some(_) => Ok(Body::Unknown),
        None => Err(ParseError::missing(&"scoped PDU")),
    }
}

fn pdu<'a>(msg: &mut Ber<'a>) -> ParseResult<Body<'a>> {
    let kind = msg.peek().ok_or(ParseError::missing(&"PDU"))?;
    if !matches!(kind, kind::GET..=kind::REPORT) {
        return Ok(Body::Unknown);
    }
    let mut r = msg.enter(&"PDU", kind)?;
    let (mut enterprise, mut error, mut trap) = (None, 0, None);
    if kind == kind::TRAP_V1 {
        enterprise = Some(r.expect(&"enterprise", tag::OID)?);
        let address = r.expect(&"agent address", IP_ADDRESS)?;
        trap = Some((address, r.integer(&"generic trap")?));
        r.integer(&"specific trap")?;
        r.expect(&"time stamp", TIME_TICKS)?;
    } else {
        r.integer(&"request id")?;
        error = r.integer(&"error status")?;
        r.integer(&"error index")?;
    }
    let bindings = Bindings(r.enter(&"variable bindings", tag::SEQUENCE)?);
    for binding in bindings {
        binding?;
    }
    Ok(Body::Pdu(Pdu { kind, error, enterprise, trap, bindings }))
}
