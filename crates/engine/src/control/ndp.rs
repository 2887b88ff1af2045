//! Neighbour discovery (RFC 4861), with router options of RFC 8106.

use super::{Facts, Message, NdpRecord};
use crate::Rows;
use sekisho_record::{EnumName, Head, Tail, Text, UnsetIfEmpty};
use sekisho_types::{Addr, Dir, FlowInfo, Heap, Interval, MacAddr, Subnet, list_len};
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Types.
mod kind {
    pub const ROUTER_SOLICITATION: u8 = 133;
    pub const ROUTER_ADVERTISEMENT: u8 = 134;
    pub const NEIGHBOUR_SOLICITATION: u8 = 135;
    pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
    pub const REDIRECT: u8 = 137;
}

/// Options (RFC 4861 §4.6, RFC 8106 §5).
mod option {
    pub const SOURCE: u8 = 1;
    pub const TARGET: u8 = 2;
    pub const PREFIX: u8 = 3;
    pub const MTU: u8 = 5;
    pub const DNS_SERVERS: u8 = 25;
    pub const SEARCH: u8 = 31;
}

/// Items listed of one message, of each kind.
const MAX_LISTED: usize = 16;
/// Unit of option lengths in bytes.
const UNIT_LEN: usize = 8;
/// Longest name (RFC 1035 §2.3.4).
const MAX_NAME_LEN: usize = 255;

/// The sum of one flow.
#[derive(Default)]
pub(crate) struct Discovery {
    facts: Facts<Fact>,
}

/// What one message says.
#[derive(Default, PartialEq)]
struct Fact {
    kind: u8,
    from_resp: bool,
    /// The word behind the checksum: flags, or the router's settings.
    word: [u8; 4],
    target: Option<Addr>,
    destination: Option<Addr>,
    source_mac: Option<MacAddr>,
    target_mac: Option<MacAddr>,
    prefixes: Vec<Subnet>,
    mtu: Option<u32>,
    dns_servers: Vec<Addr>,
    search: Vec<Vec<u8>>,
}

impl Discovery {
    pub fn held_len(&self) -> usize {
        list_len(&self.facts.all) + self.facts.all.iter().map(|f| f.2.held_len()).sum::<usize>()
    }

    pub fn add(&mut self, m: &Message<'_>) -> Option<&'static str> {
        let [kind, _, _, _, word @ ..] = m.header;
        let mut fact = Fact { kind, from_resp: m.dir == Dir::Resp, word, ..Fact::default() };
        let mut r = Reader::new(m.payload);
        let whole = fact.read(&mut r);
        if !self.facts.add(m.ts, fact) {
            return Some("ndp_too_many_facts");
        }
        whole.err().map(|_| "ndp_malformed")
    }

    pub fn end(self, flow: &FlowInfo, rows: &mut dyn Rows) {
        for (ts, count, fact) in self.facts.all {
            rows.row(&fact.row(Head::new(ts, flow), count, flow));
        }
    }
}

fn addr(r: &mut Reader<'_>) -> ParseResult<Addr> {
    r.array(&"address").map(Addr::v6)
}

impl Fact {
    fn held_len(&self) -> usize {
        let names = list_len(&self.search) + self.search.iter().map(Heap::heap_len).sum::<usize>();
        list_len(&self.prefixes) + list_len(&self.dns_servers) + names
    }

    fn read(&mut self, r: &mut Reader<'_>) -> ParseResult<()> {
        match self.kind {
            kind::ROUTER_ADVERTISEMENT => r.skip(&"timers", 8)?,
            kind::NEIGHBOUR_SOLICITATION | kind::NEIGHBOUR_ADVERTISEMENT => self.target = Some(addr(r)?),
            kind::REDIRECT => {
                self.target = Some(addr(r)?);
                self.destination = Some(addr(r)?);
            }
            _ => {}
        }
        while !r.is_empty() {
            let kind = r.u8(&"option")?;
            let units = usize::from(r.u8(&"option length")?);
            // A length of zero never ends.
            let len = (units * UNIT_LEN).checked_sub(2).unwrap_or(usize::MAX);
            self.option(kind, &mut r.sub(&"option", len)?)?;
        }
        Ok(())
    }

    fn option(&mut self, kind: u8, r: &mut Reader<'_>) -> ParseResult<()> {
        match kind {
            option::SOURCE => self.source_mac = Some(MacAddr(r.array(&"link-layer address")?)),
            option::TARGET => self.target_mac = Some(MacAddr(r.array(&"link-layer address")?)),
            option::PREFIX => {
                let len = r.u8(&"prefix length")?;
                r.skip(&"flags and lifetimes", 13)?;
                let prefix = Subnet::new(addr(r)?, len);
                self.prefixes.extend(prefix.filter(|_| self.prefixes.len() < MAX_LISTED));
            }
            option::MTU => {
                r.skip(&"reserved", 2)?;
                self.mtu = Some(r.u32(&"MTU")?);
            }
            option::DNS_SERVERS => {
                r.skip(&"reserved and lifetime", 6)?;
                while !r.is_empty() && self.dns_servers.len() < MAX_LISTED {
                    self.dns_servers.push(addr(r)?);
                }
            }
            option::SEARCH => {
                r.skip(&"reserved and lifetime", 6)?;
                while self.search.len() < MAX_LISTED {
                    let name = name(r)?;
                    // Padding looks like the root's name.
                    if name.is_empty() {
                        break;
                    }
                    self.search.push(name);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn row(self, head: Head, count: u64, flow: &FlowInfo) -> NdpRecord {
        let [a, b, c, d] = self.word;
        let advertises = self.kind == kind::NEIGHBOUR_ADVERTISEMENT;
        let flag = |bit: u8| advertises.then_some(a & bit != 0);
        let routes = self.kind == kind::ROUTER_ADVERTISEMENT;
        let solicits = self.kind == kind::NEIGHBOUR_SOLICITATION;
        let sender = if self.from_resp { flow.tuple.resp } else { flow.tuple.orig };
        NdpRecord {
            head,
            operation: EnumName(match self.kind {
                kind::ROUTER_SOLICITATION => "router_solicitation",
                kind::ROUTER_ADVERTISEMENT => "router_advertisement",
                kind::NEIGHBOUR_SOLICITATION => "neighbour_solicitation",
                kind::NEIGHBOUR_ADVERTISEMENT => "neighbour_advertisement",
                _ => "redirect",
            }),
            is_orig: !self.from_resp,
            count,
            target: self.target,
            destination: self.destination,
            source_mac: self.source_mac,
            target_mac: self.target_mac,
            duplicate_detection: solicits.then_some(*sender.octets() == [0; 16]),
            router: flag(0x80),
            solicited: flag(0x40),
            overrides: flag(0x20),
            router_lifetime: routes.then(|| Interval::from_secs(i64::from(u16::from_be_bytes([c, d])))),
            hop_limit: routes.then_some(a),
            managed: routes.then_some(b & 0x80 != 0),
            other_config: routes.then_some(b & 0x40 != 0),
            prefixes: UnsetIfEmpty(self.prefixes),
            mtu: self.mtu,
            dns_servers: UnsetIfEmpty(self.dns_servers),
            search: UnsetIfEmpty(self.search.into_iter().map(Text).collect()),
            tail: Tail::new(flow),
        }
    }
}

/// A name as in DNS, without compression; empty for the root and at the end.
fn name(r: &mut Reader<'_>) -> ParseResult<Vec<u8>> {
    let mut out = Vec::new();
    while !r.is_empty() {
        let label = r.block8(&"label")?.rest();
        if label.is_empty() {
            break;
        }
        if !out.is_empty() {
            out.push(b'.');
        }
        out.extend_from_slice(label);
        if out.len() > MAX_NAME_LEN {
            return Err(ParseError::over_limit(&"name"));
        }
    }
    Ok(out)
}
