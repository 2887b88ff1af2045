//! Recorded DNSSEC as rows, for tests: the laboratory's cases (`cargo xtask dnssec`), judged with its anchors.

#[path = "../../dnssec/tests/book/mod.rs"]
#[allow(dead_code, reason = "each test uses what it needs")]
mod book;

pub(crate) use book::{Case, cases};

use crate::testing::{Cell, Line, judge_in, line};
use crate::{Anchors, Scope, Verdict};
use sekisho_types::Addr;

/// The case of that name, as `algorithm-13.client`.
pub(crate) fn case(name: &str) -> Case {
    cases().into_iter().find(|c| c.name == name).unwrap()
}

/// How messages are told.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    pub client: Addr,
    /// All servers stand here instead of where they stood.
    pub server: Option<Addr>,
    /// Answers come from a resolver: recursion available, no authority; with AD or not.
    pub resolver: Option<bool>,
    /// Seconds by which all is shifted.
    pub shift: f64,
    /// Number of the first packet.
    pub packet: u64,
}

/// At home: a client and servers with authority.
pub(crate) const HOME: Told = Told {
    client: Addr::v4([10, 0, 0, 7]),
    server: Some(Addr::v4([10, 0, 0, 53])),
    resolver: None,
    shift: 0.0,
    packet: 1,
};

/// Servers elsewhere.
pub(crate) const AWAY: Told = Told { server: Some(Addr::v4([192, 0, 2, 53])), ..HOME };

/// Each message of the case with the question that it fits.
pub(crate) fn lines(case: &Case, told: Told) -> Vec<Line> {
    let mut lines = Vec::new();
    for (n, (seen, wire)) in case.messages.iter().enumerate() {
        let at = seen.at.as_secs_f64() + told.shift;
        let server = told.server.unwrap_or(seen.server);
        for is_query in [true, false] {
            lines.push(message(wire, is_query, at + if is_query { 0.0 } else { 0.0001 }, server, told, n as u64));
        }
    }
    lines
}

fn message(wire: &[u8], is_query: bool, at: f64, server: Addr, told: Told, n: u64) -> Line {
    let (name, end) = name(wire, 12);
    let u16_at = |at: usize| u64::from(u16::from_be_bytes([wire[at], wire[at + 1]]));
    let flags = u16_at(2);
    let packet = told.packet + 2 * n + u64::from(!is_query);
    let mut columns = vec![
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(n + 1)),
        ("id.orig_h", Cell::Addr(told.client)),
        ("id.orig_p", Cell::Port(40_000)),
        ("id.resp_h", Cell::Addr(server)),
        ("id.resp_p", Cell::Port(53)),
        ("packet", Cell::Count(packet)),
        ("proto", Cell::Word("udp")),
        ("from_orig", Cell::Flag(is_query)),
        ("is_query", Cell::Flag(is_query)),
        ("trans_id", Cell::Count(n)),
        ("RD", Cell::Flag(told.resolver.is_some())),
        ("query", Cell::Text(name.into_bytes())),
        ("qtype", Cell::Count(u16_at(end))),
        ("qclass", Cell::Count(1)),
        ("edns_do", Cell::Flag(true)),
        ("digest", Cell::Count(sekisho_types::seeded_hash(0, wire))),
    ];
    if !is_query {
        let (types, ede) = types(wire, end + 4);
        columns.extend([
            ("AA", Cell::Flag(flags & 0x400 != 0 && told.resolver.is_none())),
            ("RA", Cell::Flag(told.resolver.is_some())),
            ("AD", Cell::Flag(told.resolver == Some(true))),
            ("rcode", Cell::Count(flags & 15)),
            ("types", Cell::Counts(types)),
            ("wire", Cell::Text(wire.to_vec())),
        ]);
        columns.extend(ede.map(|code| ("edns_ede", Cell::Count(code))));
    }
    line("dns_message", packet, &columns)
}

/// A name that is not compressed, or where a compressed one ends.
fn name(wire: &[u8], mut at: usize) -> (String, usize) {
    let mut labels = Vec::new();
    loop {
        match usize::from(wire[at]) {
            0 => return (labels.join("."), at + 1),
            len @ 1..64 => {
                labels.push(String::from_utf8_lossy(&wire[at + 1..at + 1 + len]).into_owned());
                at += 1 + len;
            }
            _ => return (labels.join("."), at + 2),
        }
    }
}

/// Types of the records, and the extended error.
fn types(wire: &[u8], mut at: usize) -> (Vec<u64>, Option<u64>) {
    let u16_at = |at: usize| usize::from(u16::from_be_bytes([wire[at], wire[at + 1]]));
    let (mut types, mut ede) = (Vec::new(), None);
    for _ in 0..u16_at(6) + u16_at(8) + u16_at(10) {
        at = name(wire, at).1;
        let (rtype, len) = (u16_at(at), u16_at(at + 8));
        if rtype == 41 {
            let mut option = at + 10;
            while option < at + 10 + len {
                if u16_at(option) == 15 {
                    ede = Some(u16_at(option + 4) as u64);
                }
                option += 4 + u16_at(option + 2);
            }
        } else {
            types.push(rtype as u64);
        }
        at += 10 + len;
    }
    (types, ede)
}

/// What all detectors make of rows, home being the private networks, with the laboratory's anchors.
pub(crate) fn judged(lines: &[Line]) -> Verdict {
    let anchors = Anchors::from_text(include_str!("../../dnssec/tests/data/anchors")).unwrap();
    judge_in(&Scope { anchors, ..Scope::new(&[], 0) }, lines)
}
