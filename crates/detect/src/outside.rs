//! Calls out of the network: to which place, by the name that was asked for, and who else goes there.
//!
//! A place is the name that a flow asked for (TLS, QUIC, HTTP, CONNECT of a proxy) or else the address. It is known by its
//! seeded hash; the text is kept beside it.

use crate::detection::Scope;
use crate::history::{Carrier, UNDATED};
use crate::hosts::Hosts;
use crate::names::Names;
use crate::rows::{Conn, Row};
use crate::statistics::distinct::Distinct;
use crate::table::Recent;
use sekisho_types::{Addr, SeededState, Timestamp, Uid};
use std::hash::BuildHasher;

/// Names of places, flows that asked for one, and places.
const MAX_NAMES: usize = 65_536;
const MAX_FLOWS: usize = 65_536;
const MAX_PLACES: usize = 131_072;

/// Longest name kept.
const MAX_NAME_LEN: usize = 253;

/// Bits that tell the hosts of a place apart.
const MARKS: u32 = 128;

/// What a flow asked for.
#[derive(Clone, Copy)]
struct Asked {
    place: u64,
    proxied: bool,
    packet: u64,
}

/// A flow that has left the network, whoever answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The place.
    pub place: u64,
    /// Did the flow ask for it by name?
    pub named: bool,
    /// Through a proxy inside.
    pub proxied: bool,
    /// Packet with which it asked; 0 if it did not.
    pub packet: u64,
}

/// Who goes to a place.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    first: Timestamp,
    last: Timestamp,
    /// A bit for each host, by its hash.
    marks: u128,
}

/// How usual a place is in this network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Hosts at home that go there; close while they are fewer than a hundred.
    pub hosts: u64,
    /// Hosts at home that go anywhere.
    pub of: u64,
    /// When somebody first went there.
    pub first: Timestamp,
}

/// Hosts seen from which on a share of them means something.
const MIN_HOSTS: u64 = 10;

impl Usage {
    /// At most one host in fifty goes there; of fewer than a hundred hosts, one.
    pub fn is_rare(&self) -> bool {
        self.of >= MIN_HOSTS && (self.hosts <= 1 || self.hosts * 50 <= self.of)
    }

    /// At least half of the hosts go there.
    pub fn is_common(&self) -> bool {
        self.of >= MIN_HOSTS && self.hosts * 2 >= self.of
    }
}

/// See the module.
pub(crate) struct Outside {
    state: SeededState,
    names: Recent<u64, Box<str>>,
    flows: Recent<Uid, Asked>,
    places: Recent<u64, Place>,
    hosts: Distinct,
    at_hand: Option<Call>,
    start: Option<Timestamp>,
}

impl Outside {
    pub fn new(scope: &Scope) -> Self {
        Self {
            state: SeededState(scope.seed),
            names: Recent::of(scope, MAX_NAMES),
            flows: Recent::of(scope, MAX_FLOWS),
            places: Recent::of(scope, MAX_PLACES),
            hosts: Distinct::default(),
            at_hand: None,
            start: None,
        }
    }

    pub fn row(&mut self, row: &Row<'_>, hosts: &Hosts, packet: u64) {
        self.at_hand = None;
        match row {
            Row::Conn(conn) => self.at_hand = self.conn(conn, hosts),
            Row::Ssl(row) if hosts.is_internal(row.orig) => self.asked(row.uid, row.server_name, false, packet),
            Row::Quic(row) if hosts.is_internal(row.orig) => self.asked(row.uid, row.server_name, false, packet),
            Row::Http(row) if hosts.is_internal(row.orig) => {
                let proxied = row.method == b"CONNECT";
                let name = if proxied { without_port(row.uri) } else { row.host };
                self.asked(row.uid, without_port(name), proxied, packet);
            }
            _ => {}
        }
    }

    /// The flow of the row at hand, if it is one that has ended and that left the network.
    pub fn at_hand(&self) -> Option<Call> {
        self.at_hand
    }

    /// The place that a flow asked for by name, or else that of its address.
    pub fn place(&self, flow: Uid, peer: Addr) -> u64 {
        self.flows.peek(&flow).map_or_else(|| self.state.hash_one(peer.octets()), |asked| asked.place)
    }

    /// The name of a place; `None` of those that are addresses.
    pub fn name(&self, place: u64) -> Option<&str> {
        self.names.peek(&place).map(|name| &**name)
    }

    /// How usual a place is.
    pub fn usage(&self, place: u64) -> Usage {
        let seen = self.places.peek(&place).copied().unwrap_or_default();
        let empty = seen.marks.count_zeros();
        let hosts = if empty == 0 { u64::from(MARKS) * 5 } else { linear_count(empty) };
        // A guess from marks is no less than one and no more than all.
        Usage { hosts: hosts.clamp(1, self.hosts.count().max(1)), of: self.hosts.count(), first: seen.first }
    }

    /// Time of the first flow of the run that ended.
    pub fn start(&self) -> Option<Timestamp> {
        self.start
    }

    fn asked(&mut self, flow: Uid, name: &[u8], proxied: bool, packet: u64) {
        // The first name of a flow counts, but what goes through a proxy's tunnel is only a further layer.
        if name.is_empty() || name.len() > MAX_NAME_LEN || self.flows.peek(&flow).is_some() {
            return;
        }
        let mut lower = [0; MAX_NAME_LEN];
        let Some(lower) = lower.get_mut(..name.len()) else { return };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let place = self.state.hash_one(&*lower);
        self.names.at(place, || String::from_utf8_lossy(lower).into());
        self.flows.at(flow, || Asked { place, proxied, packet });
    }

    fn conn(&mut self, conn: &Conn<'_>, hosts: &Hosts) -> Option<Call> {
        self.start = Some(self.start.map_or(conn.ts, |start| start.min(conn.ts)));
        // DNS and NTP are the network's own; ICMP is no call.
        if matches!(conn.resp_port, 53 | 123) || conn.proto == "icmp" || !hosts.is_internal(conn.orig) {
            return None;
        }
        let asked = self.flows.remove(&conn.uid);
        let proxied = asked.is_some_and(|asked| asked.proxied);
        if (hosts.is_internal(conn.resp) && !proxied) || conn.resp.is_multicast() || is_broadcast(conn.resp) {
            return None;
        }
        let place = asked.map_or_else(|| self.state.hash_one(conn.resp.octets()), |asked| asked.place);
        let host = self.state.hash_one(conn.orig.octets());
        self.hosts.add(host);
        let seen = self.places.at(place, || Place { first: conn.ts, last: conn.ts, marks: 0 });
        (seen.first, seen.last) = (seen.first.min(conn.ts), seen.last.max(conn.ts));
        seen.marks |= 1 << (host % u64::from(MARKS));
        Some(Call { place, named: asked.is_some(), proxied, packet: asked.map_or(0, |asked| asked.packet) })
    }

    /// When places were first contacted; who goes there is a question of the day.
    pub fn carry(&mut self, carrier: &mut Carrier<'_>) {
        let mut start: Vec<Timestamp> = self.start.into_iter().collect();
        carrier.list(
            ("calls-since", 1),
            &mut start,
            1,
            |since| Some((UNDATED, since.0)),
            |since| Some(Timestamp(since)),
        );
        self.start = start.first().copied();
        let row = |place: &u64, seen: &Place| Some((seen.last, (*place, seen.first.0, seen.last.0)));
        let entry = |(place, first, last): (u64, i64, i64)| {
            Some((place, Place { first: Timestamp(first), last: Timestamp(last), marks: 0 }))
        };
        carrier.table(("places", 1), &mut self.places, row, entry);
    }

    pub fn forgotten(&self) -> u64 {
        self.names.forgotten() + self.flows.forgotten() + self.places.forgotten()
    }
}

/// How many there were, when so many of [`MARKS`] bits are empty (linear counting, Whang et al. 1990).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 621")]
fn linear_count(empty: u32) -> u64 {
    (f64::from(MARKS) * (f64::from(MARKS) / f64::from(empty)).ln()).round() as u64
}

/// `host:port` without the port.
fn without_port(host: &[u8]) -> &[u8] {
    let Some(colon) = memchr::memrchr(b':', host) else { return host };
    let (name, port) = host.split_at(colon);
    // A colon in what stands before: an address of version 6.
    let is_port = port.len() > 1 && port.iter().skip(1).all(u8::is_ascii_digit);
    if is_port && (memchr::memchr(b':', name).is_none() || name.ends_with(b"]")) { name } else { host }
}

fn is_broadcast(addr: Addr) -> bool {
    addr.as_v4() == Some([255; 4])
}

/// What a place is called: its name, the name that its address goes by, or the address.
pub(crate) fn called(outside: &Outside, names: &Names, place: u64, peer: Addr) -> String {
    let name = outside.name(place).or_else(|| names.of(peer));
    name.map_or_else(|| peer.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_no_part_of_names() {
        for (host, name) in [
            ("a.test:443", "a.test"),
            ("a.test", "a.test"),
            ("[2001:db8::1]:443", "[2001:db8::1]"),
            ("2001:db8::1", "2001:db8::1"),
            ("a.test:", "a.test:"),
            ("", ""),
        ] {
            assert_eq!(without_port(host.as_bytes()), name.as_bytes());
        }
    }

    #[test]
    fn few_hosts_are_counted_well() {
        assert_eq!((linear_count(128), linear_count(127), linear_count(126)), (0, 1, 2));
        let usage = |hosts, of| Usage { hosts, of, first: Timestamp(0) };
        assert!(usage(1, 10).is_rare() && !usage(2, 20).is_rare() && usage(2, 100).is_rare() && !usage(1, 9).is_rare());
        assert!(usage(5, 10).is_common() && !usage(4, 10).is_common() && !usage(9, 9).is_common());
    }
}
