//! Group membership: IGMP (RFC 1112, 2236, 3376) and MLD (RFC 2710, 3810).

use super::{Facts, IGMP, IgmpRecord, Message};
use crate::Rows;
use sekisho_record::{EnumName, Head, Tail, UnsetIfEmpty};
use sekisho_types::{Addr, FlowInfo, Interval, list_len};
use sekisho_wire::{ParseResult, Reader};

/// Groups and sources listed of one message.
const MAX_LISTED: usize = 16;

/// What becomes of a group (RFC 3376 §4.2.12).
const CHANGES: [&str; 6] = ["include", "exclude", "to include", "to exclude", "allow", "block"];

/// Types of IGMP, and those of MLD.
mod kind {
    pub const QUERY: u8 = 0x11;
    pub const REPORT_V1: u8 = 0x12;
    pub const REPORT_V2: u8 = 0x16;
    pub const LEAVE: u8 = 0x17;
    pub const REPORT_V3: u8 = 0x22;
    pub const MLD_QUERY: u8 = 130;
    pub const MLD_REPORT: u8 = 131;
    pub const MLD_DONE: u8 = 132;
    pub const MLD_REPORT_V2: u8 = 143;
}

/// Length of a query of IGMP before version 3, and of MLD before 2 (behind its header).
const OLD_QUERY_LEN: usize = 8;
const OLD_MLD_QUERY_LEN: usize = 16;

/// The sum of one flow.
#[derive(Default)]
pub(crate) struct Groups {
    facts: Facts<Fact>,
}

/// What one message says.
#[derive(PartialEq)]
struct Fact {
    kind: u8,
    version: &'static str,
    operation: &'static str,
    groups: Vec<Addr>,
    changes: Vec<&'static str>,
    sources: Vec<Addr>,
    group_count: Option<u16>,
    /// Milliseconds.
    max_response: Option<u32>,
}

impl Groups {
    pub fn held_len(&self) -> usize {
        let lists = |f: &Fact| list_len(&f.groups) + list_len(&f.changes) + list_len(&f.sources);
        list_len(&self.facts.all) + self.facts.all.iter().map(|f| lists(&f.2)).sum::<usize>()
    }

    pub fn add(&mut self, proto: u8, m: &Message<'_>) -> Option<&'static str> {
        let [kind, ..] = m.header;
        let mut fact = Fact {
            kind,
            version: "",
            operation: "other",
            groups: Vec::new(),
            changes: Vec::new(),
            sources: Vec::new(),
            group_count: None,
            max_response: None,
        };
        let whole = if proto == IGMP {
            fact.igmp(m.header, m.payload)
        } else {
            fact.mld(m.header, &mut Reader::new(m.payload))
        };
        if !self.facts.add(m.ts, fact) {
            return Some("igmp_too_many_facts");
        }
        whole.err().map(|_| "igmp_malformed")
    }

    pub fn end(self, flow: &FlowInfo, rows: &mut dyn Rows) {
        for (ts, count, f) in self.facts.all {
            rows.row(&IgmpRecord {
                head: Head::new(ts, flow),
                version: EnumName(f.version),
                operation: EnumName(f.operation),
                message_type: f.kind,
                count,
                groups: UnsetIfEmpty(f.groups),
                changes: UnsetIfEmpty(f.changes),
                sources: UnsetIfEmpty(f.sources),
                group_count: f.group_count,
                max_response: f.max_response.map(|ms| Interval::from_millis(i64::from(ms))),
                tail: Tail::new(flow),
            });
        }
    }
}

fn addr_v4(r: &mut Reader<'_>) -> ParseResult<Addr> {
    r.array(&"address").map(Addr::v4)
}

fn addr_v6(r: &mut Reader<'_>) -> ParseResult<Addr> {
    r.array(&"address").map(Addr::v6)
}

/// The exponential form of times from 128 units on (RFC 3376 §4.1.1).
fn floating(code: u8) -> u32 {
    if code < 128 { u32::from(code) } else { (u32::from(code & 0x0f) | 0x10) << ((code >> 4 & 7) + 3) }
}

/// The same in 16 bits (RFC 3810 §5.1.3).
fn floating_long(code: u16) -> u32 {
    if code < 32768 { u32::from(code) } else { (u32::from(code & 0x0fff) | 0x1000) << ((code >> 12 & 7) + 3) }
}

impl Fact {
    fn igmp(&mut self, header: [u8; 8], message: &[u8]) -> ParseResult<()> {
        let [kind, code, _, _, a, b, c, d] = header;
        let group = Addr::v4([a, b, c, d]);
        (self.version, self.operation) = match kind {
            kind::QUERY if message.len() > OLD_QUERY_LEN => ("IGMPv3", "query"),
            kind::QUERY if code == 0 => ("IGMPv1", "query"),
            kind::QUERY => ("IGMPv2", "query"),
            kind::REPORT_V1 => ("IGMPv1", "report"),
            kind::REPORT_V2 => ("IGMPv2", "report"),
            kind::LEAVE => ("IGMPv2", "leave"),
            kind::REPORT_V3 => ("IGMPv3", "report"),
            // DVMRP, PIM version 1, router discovery and others share the protocol's number.
            _ => ("other", "other"),
        };
        let mut r = Reader::new(message);
        r.skip(&"header", OLD_QUERY_LEN)?;
        match kind {
            kind::REPORT_V3 => self.records(u16::from_be_bytes([c, d]), &mut r, addr_v4)?,
            kind::QUERY | kind::REPORT_V1 | kind::REPORT_V2 | kind::LEAVE => {
                self.groups.extend((group != Addr::v4([0; 4])).then_some(group));
            }
            _ => {}
        }
        if kind == kind::QUERY {
            let tenths = if self.version == "IGMPv3" { floating(code) } else { u32::from(code) };
            self.max_response = (self.version != "IGMPv1").then_some(tenths * 100);
            if !r.is_empty() {
                r.skip(&"robustness and interval", 2)?;
                let count = r.u16(&"source count")?;
                self.sources(count, &mut r, addr_v4)?;
            }
        }
        Ok(())
    }

    fn mld(&mut self, header: [u8; 8], r: &mut Reader<'_>) -> ParseResult<()> {
        let [kind, _, _, _, a, b, c, d] = header;
        let newer = kind == kind::MLD_REPORT_V2 || kind == kind::MLD_QUERY && r.left() > OLD_MLD_QUERY_LEN;
        self.version = if newer { "MLDv2" } else { "MLDv1" };
        self.operation = match kind {
            kind::MLD_QUERY => "query",
            kind::MLD_DONE => "leave",
            kind::MLD_REPORT | kind::MLD_REPORT_V2 => "report",
            _ => "other",
        };
        if kind == kind::MLD_REPORT_V2 {
            return self.records(u16::from_be_bytes([c, d]), r, addr_v6);
        }
        let group = addr_v6(r)?;
        self.groups.extend((*group.octets() != [0; 16]).then_some(group));
        if kind == kind::MLD_QUERY {
            let code = u16::from_be_bytes([a, b]);
            self.max_response = Some(if newer { floating_long(code) } else { u32::from(code) });
            if newer {
                r.skip(&"robustness and interval", 2)?;
                let count = r.u16(&"source count")?;
                self.sources(count, r, addr_v6)?;
            }
        }
        Ok(())
    }

    /// Group records of a report.
    fn records(
        &mut self,
        count: u16,
        r: &mut Reader<'_>,
        addr: fn(&mut Reader<'_>) -> ParseResult<Addr>,
    ) -> ParseResult<()> {
        if usize::from(count) > MAX_LISTED {
            self.group_count = Some(count);
        }
        for _ in 0..usize::from(count).min(MAX_LISTED) {
            let change = usize::from(r.u8(&"record type")?);
            let auxiliary = usize::from(r.u8(&"auxiliary length")?);
            let sources = r.u16(&"source count")?;
            self.groups.push(addr(r)?);
            self.changes.push(change.checked_sub(1).and_then(|i| CHANGES.get(i)).copied().unwrap_or("unknown"));
            self.sources(sources, r, addr)?;
            r.skip(&"auxiliary data", auxiliary * 4)?;
        }
        Ok(())
    }

    fn sources(
        &mut self,
        count: u16,
        r: &mut Reader<'_>,
        addr: fn(&mut Reader<'_>) -> ParseResult<Addr>,
    ) -> ParseResult<()> {
        for _ in 0..count {
            let source = addr(r)?;
            if self.sources.len() < MAX_LISTED && !self.sources.contains(&source) {
                self.sources.push(source);
            }
        }
        Ok(())
    }
}
