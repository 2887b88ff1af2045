//! ICMP (RFC 792, RFC 1191) and ICMPv6 (RFC 4443): echoes counted and timed, errors with what they are about.

use super::echo::{self, Echoes};
use super::{IcmpRecord, MAX_FACTS, Message};
use crate::Rows;
use sekisho_record::{Head, Port, Tail};
use sekisho_types::{Addr, FiveTuple, FlowInfo, Interval, Timestamp, block_len, ip_proto, list_len};
use sekisho_wire::decode_ip;

/// Echo requests that wait for their reply; the oldest is forgotten.
const MAX_WAITING: usize = 32;

/// Types of ICMP with a meaning here.
mod v4 {
    pub const ECHO_REPLY: u8 = 0;
    pub const UNREACHABLE: u8 = 3;
    pub const SOURCE_QUENCH: u8 = 4;
    pub const REDIRECT: u8 = 5;
    pub const ECHO: u8 = 8;
    pub const TIME_EXCEEDED: u8 = 11;
    pub const PARAMETER_PROBLEM: u8 = 12;
    /// Code of unreachable: fragmentation needed.
    pub const TOO_BIG: u8 = 4;
}

/// Types of ICMPv6 with a meaning here.
mod v6 {
    pub const TOO_BIG: u8 = 2;
    pub const LAST_ERROR: u8 = 127;
    pub const ECHO: u8 = 128;
    pub const ECHO_REPLY: u8 = 129;
}

/// The sum of one flow.
#[derive(Default)]
pub(crate) struct Icmp {
    first: Option<(Timestamp, u8, u8, u8)>,
    counts: [u64; 2],
    echo: Option<(u16, u16, u16)>,
    waiting: Vec<(u16, u16, Timestamp)>,
    rtt: Option<Rtt>,
    payload_len_max: u32,
    inner: Vec<FiveTuple>,
    mtu: Option<u32>,
    gateway: Option<Addr>,
    /// What its echoes carry, if somebody judges.
    echoes: Option<Box<Echoes>>,
}

#[derive(Clone, Copy)]
struct Rtt {
    min: Interval,
    max: Interval,
    sum: i64,
    count: i64,
}

impl Icmp {
    pub fn new(judged: bool) -> Self {
        Self { echoes: judged.then(|| Box::new(Echoes::new())), ..Self::default() }
    }

    pub fn held_len(&self) -> usize {
        let echoes = self.echoes.as_ref().map_or(0, |e| block_len(size_of::<Echoes>()) + e.heap_len());
        list_len(&self.waiting) + list_len(&self.inner) + echoes
    }

    pub fn pass(&mut self, ts: Timestamp, flow: &FlowInfo, rows: &mut dyn Rows) {
        if let Some(echoes) = &mut self.echoes {
            echoes.pass(ts, flow, rows);
        }
    }

    pub fn add(&mut self, proto: u8, m: &Message<'_>) -> Option<&'static str> {
        let [kind, code, _, _, a, b, c, d] = m.header;
        self.first.get_or_insert((m.ts, proto, kind, code));
        if let Some(count) = self.counts.get_mut(m.dir.index()) {
            *count += 1;
        }
        let len = u32::try_from(m.payload.len()).unwrap_or(u32::MAX);
        self.payload_len_max = self.payload_len_max.max(len);
        if let (Some(echoes), Some(is_request)) = (&mut self.echoes, echo::is_request(proto, kind)) {
            echoes.add(is_request, m);
        }
        let (id, seq) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        match (proto, kind) {
            (ip_proto::ICMP, v4::ECHO) | (ip_proto::ICMPV6, v6::ECHO) => self.asked(id, seq, m.ts),
            (ip_proto::ICMP, v4::ECHO_REPLY) | (ip_proto::ICMPV6, v6::ECHO_REPLY) => self.answered(id, seq, m.ts),
            (ip_proto::ICMP, v4::UNREACHABLE) => {
                if code == v4::TOO_BIG && seq != 0 {
                    self.mtu = Some(u32::from(seq));
                }
                return self.error(m.payload);
            }
            (ip_proto::ICMP, v4::REDIRECT) => {
                self.gateway = Some(Addr::v4([a, b, c, d]));
                return self.error(m.payload);
            }
            (ip_proto::ICMP, v4::SOURCE_QUENCH | v4::TIME_EXCEEDED | v4::PARAMETER_PROBLEM) => {
                return self.error(m.payload);
            }
            (ip_proto::ICMPV6, v6::TOO_BIG) => {
                self.mtu = Some(u32::from_be_bytes([a, b, c, d]));
                return self.error(m.payload);
            }
            (ip_proto::ICMPV6, ..=v6::LAST_ERROR) => return self.error(m.payload),
            _ => {}
        }
        None
    }

    fn asked(&mut self, id: u16, seq: u16, ts: Timestamp) {
        let (_, _, last) = self.echo.get_or_insert((id, seq, seq));
        *last = seq;
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.remove(0);
        }
        self.waiting.push((id, seq, ts));
    }

    fn answered(&mut self, id: u16, seq: u16, ts: Timestamp) {
        let Some(at) = self.waiting.iter().position(|w| (w.0, w.1) == (id, seq)) else { return };
        let (_, _, asked) = self.waiting.remove(at);
        let took = ts - asked;
        let rtt = self.rtt.get_or_insert(Rtt { min: took, max: took, sum: 0, count: 0 });
        rtt.min = rtt.min.min(took);
        rtt.max = rtt.max.max(took);
        rtt.sum = rtt.sum.saturating_add(took.0);
        rtt.count += 1;
    }

    /// Notes the packet that an error is about: its header and at least eight bytes more.
    fn error(&mut self, packet: &[u8]) -> Option<&'static str> {
        let len = u32::try_from(packet.len()).unwrap_or(u32::MAX);
        let d = decode_ip(packet, len);
        if d.ip_version == 0 {
            return None;
        }
        let tuple =
            FiveTuple { orig: d.src, resp: d.dst, orig_port: d.src_port, resp_port: d.dst_port, proto: d.proto };
        if self.inner.contains(&tuple) {
            return None;
        }
        if self.inner.len() >= MAX_FACTS {
            return Some("icmp_too_many_inner_flows");
        }
        self.inner.push(tuple);
        None
    }

    pub fn end(self, flow: &FlowInfo, rows: &mut dyn Rows) {
        if let Some(mut echoes) = self.echoes {
            echoes.tell(flow, rows);
        }
        let Some((ts, proto, icmp_type, code)) = self.first else { return };
        let inner = self.inner.first();
        let [orig_count, resp_count] = self.counts;
        rows.row(&IcmpRecord {
            head: Head::new(ts, flow),
            icmp_type,
            code,
            meaning: meaning(proto, icmp_type, code),
            orig_count,
            resp_count,
            echo_id: self.echo.map(|e| e.0),
            first_seq: self.echo.map(|e| e.1),
            last_seq: self.echo.map(|e| e.2),
            rtt_min: self.rtt.map(|r| r.min),
            rtt_mean: self.rtt.map(|r| Interval(r.sum / r.count.max(1))),
            rtt_max: self.rtt.map(|r| r.max),
            payload_len_max: self.payload_len_max,
            inner_proto: inner.map(|i| i.proto),
            inner_orig_h: inner.map(|i| i.orig),
            inner_orig_p: inner.map(|i| Port(i.orig_port)),
            inner_resp_h: inner.map(|i| i.resp),
            inner_resp_p: inner.map(|i| Port(i.resp_port)),
            inner_count: inner.and_then(|_| u16::try_from(self.inner.len()).ok()),
            mtu: self.mtu,
            gateway: self.gateway,
            tail: Tail::new(flow),
        });
    }
}

/// Types and codes in words (IANA's registries of ICMP and ICMPv6 parameters).
const fn meaning(proto: u8, kind: u8, code: u8) -> Option<&'static str> {
    if proto == ip_proto::ICMP { meaning_v4(kind, code) } else { meaning_v6(kind, code) }
}

const fn meaning_v4(kind: u8, code: u8) -> Option<&'static str> {
    Some(match (kind, code) {
        (0, _) => "echo reply",
        (3, 0) => "network unreachable",
        (3, 1) => "host unreachable",
        (3, 2) => "protocol unreachable",
        (3, 3) => "port unreachable",
        (3, 4) => "fragmentation needed",
        (3, 5) => "source route failed",
        (3, 6) => "network unknown",
        (3, 7) => "host unknown",
        (3, 9) => "network prohibited",
        (3, 10) => "host prohibited",
        (3, 11 | 12) => "unreachable for this type of service",
        (3, 13) => "communication prohibited",
        (3, _) => "unreachable",
        (4, _) => "source quench",
        (5, _) => "redirect",
        (8, _) => "echo",
        (9, _) => "router advertisement",
        (10, _) => "router solicitation",
        (11, 0) => "time to live exceeded",
        (11, _) => "reassembly time exceeded",
        (12, _) => "parameter problem",
        (13, _) => "timestamp",
        (14, _) => "timestamp reply",
        (17, _) => "address mask",
        (18, _) => "address mask reply",
        (42, _) => "extended echo",
        (43, _) => "extended echo reply",
        _ => return None,
    })
}

const fn meaning_v6(kind: u8, code: u8) -> Option<&'static str> {
    Some(match (kind, code) {
        (1, 0) => "no route",
        (1, 1) => "communication prohibited",
        (1, 2) => "beyond scope of source",
        (1, 3) => "address unreachable",
        (1, 4) => "port unreachable",
        (1, 5) => "source address policy",
        (1, 6) => "route rejected",
        (1, _) => "unreachable",
        (2, _) => "packet too big",
        (3, 0) => "hop limit exceeded",
        (3, _) => "reassembly time exceeded",
        (4, _) => "parameter problem",
        (128, _) => "echo",
        (129, _) => "echo reply",
        (138, _) => "router renumbering",
        (139, _) => "node information query",
        (140, _) => "node information response",
        (144, _) => "home agent discovery request",
        (145, _) => "home agent discovery reply",
        (146, _) => "mobile prefix solicitation",
        (147, _) => "mobile prefix advertisement",
        (160, _) => "extended echo",
        (161, _) => "extended echo reply",
        _ => return None,
    })
}
