//! What each device does: the rows' part of a [`crate::Profile`].

mod fill;
mod identities;
mod sums;

use super::columns::{arp, conn, dhcp, dns, http, quic, ssl};
use super::flows::{Word, Words};
use super::{Tally, keep_least};
use crate::WEEK_HOURS;
use crate::bounded::{Top, Weight};
use crate::cells::Cells;
use hashbrown::{Equivalent, HashMap};
use identities::{Identities, is_nobody, parse_mac};
use sekisho_types::{Addr, SeededState, Subnet, Subnets, Timestamp, home_nets};
use std::hash::{Hash, Hasher};
use sums::{One, Pulse, Sums, quarter, seconds, sixteenth};

/// Memory with which the tables have as many entries as named here; with less they have fewer, in proportion.
pub(super) const FULL_LEN: u64 = 256 << 20;
/// Entries of a table at least.
const MIN_ENTRIES: usize = 64;
/// Devices told apart.
const MAX_DEVICES: usize = 4_096;
/// Combinations of device, peer and name told apart.
const MAX_DESTINATIONS: usize = 32_768;
/// Combinations of device and name asked told apart.
const MAX_NAMES: usize = 32_768;
/// Combinations of device and certificate told apart.
const MAX_CERTIFICATES: usize = 8_192;
/// Flows under way whose server's name is remembered, twice.
const MAX_NAMED_FLOWS: usize = 32_768;
/// Addresses of which something is kept, and hardware addresses.
const MAX_KNOWN: usize = 16_384;
/// Services told apart per device and side; further ones are not told.
const MAX_SERVICES: usize = 32;
/// The same per destination.
const MAX_SERVICES_THERE: usize = 4;
/// Ports from here on are a client's choice and name no service.
const FIRST_EPHEMERAL: u16 = 32_768;
/// A flow that moved fewer bytes, or lasted less, is not timed: its speed would be that of its round trips.
const MIN_TIMED_BYTES: u64 = 10_000;
const MIN_TIMED_NANOS: u64 = 10_000_000;

/// Transport, protocol and port of a service, by number; see [`Words`].
#[derive(Clone, Copy, PartialEq, Eq)]
struct Service {
    transport: Word,
    protocol: Option<Word>,
    port: Option<u16>,
}

struct Device {
    opened: Sums,
    accepted: Sums,
    outside: Sums,
    /// Did it send anything?
    spoke: bool,
    one_sided: u64,
    tcp_packets: u64,
    retransmitted: u64,
    /// Quarters of octaves, sorted, and flows.
    speeds: Vec<(u8, u32)>,
    /// Times to connect and to a response of flows that it opened, and to its own responses: sixteenths of octaves, sorted, and flows.
    times: [Vec<(u16, u32)>; 3],
    hours: Box<[u32; WEEK_HOURS]>,
    used: Vec<(Service, Sums)>,
    offered: Vec<(Service, Sums)>,
}

impl Default for Device {
    fn default() -> Self {
        Self {
            opened: Sums::default(),
            accepted: Sums::default(),
            outside: Sums::default(),
            spoke: false,
            one_sided: 0,
            tcp_packets: 0,
            retransmitted: 0,
            speeds: Vec::new(),
            times: [const { Vec::new() }; 3],
            hours: Box::new([0; WEEK_HOURS]),
            used: Vec::new(),
            offered: Vec::new(),
        }
    }
}

impl Weight for Device {
    fn weight(&self) -> u64 {
        self.opened.weight().saturating_add(self.accepted.weight())
    }
}

#[derive(Default)]
struct There {
    sums: Sums,
    services: Vec<Service>,
}

impl Weight for There {
    fn weight(&self) -> u64 {
        self.sums.weight()
    }
}

/// How often and when.
#[derive(Clone, Copy, Default)]
struct Times {
    count: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    pulse: Pulse,
}

impl Times {
    fn add(&mut self, ts: Option<Timestamp>) {
        self.count += 1;
        keep_least(&mut self.first, ts);
        self.last = self.last.max(ts);
        if let Some(ts) = ts {
            self.pulse.add(seconds(ts));
        }
    }
}

impl Weight for Times {
    fn weight(&self) -> u64 {
        self.count
    }
}

#[derive(Default)]
struct Sessions {
    times: Times,
    /// The least of the names asked for, else of the servers' addresses.
    server: Option<(bool, Box<[u8]>)>,
}

impl Weight for Sessions {
    fn weight(&self) -> u64 {
        self.times.count
    }
}

/// A device, something of it, and text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<E> {
    device: Addr,
    extra: E,
    text: Box<[u8]>,
}

/// The same, borrowed.
struct KeyRef<'a, E> {
    device: Addr,
    extra: E,
    text: &'a [u8],
}

impl<E: Hash> Hash for Key<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.device, &self.extra, &*self.text).hash(state);
    }
}

impl<E: Hash> Hash for KeyRef<'_, E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.device, &self.extra, self.text).hash(state);
    }
}

impl<E: PartialEq> Equivalent<Key<E>> for KeyRef<'_, E> {
    fn equivalent(&self, key: &Key<E>) -> bool {
        self.device == key.device && self.extra == key.extra && *self.text == *key.text
    }
}

impl<'a, E: Copy> From<&KeyRef<'a, E>> for Key<E> {
    fn from(key: &KeyRef<'a, E>) -> Self {
        Self { device: key.device, extra: key.extra, text: key.text.into() }
    }
}

/// Names by which servers were asked, of flows under way: the rows of protocols come before that of their flow.
struct NamedFlows {
    seed: u64,
    most: usize,
    new: HashMap<u64, Box<[u8]>, SeededState>,
    old: HashMap<u64, Box<[u8]>, SeededState>,
}

impl NamedFlows {
    fn new(seed: u64, most: usize) -> Self {
        let map = || HashMap::with_hasher(SeededState(seed));
        Self { seed, most, new: map(), old: map() }
    }

    fn note(&mut self, row: &Cells<'_>, uid: usize, name: &[u8]) {
        let Some(key) = row.uid(uid, self.seed) else { return };
        if self.new.contains_key(&key) || self.old.contains_key(&key) {
            return;
        }
        if self.new.len() >= self.most {
            self.old = std::mem::replace(&mut self.new, HashMap::with_hasher(SeededState(self.seed)));
        }
        self.new.insert(key, name.to_ascii_lowercase().into());
    }

    fn take(&mut self, row: &Cells<'_>, uid: usize) -> Option<Box<[u8]>> {
        let key = row.uid(uid, self.seed)?;
        self.new.remove(&key).or_else(|| self.old.remove(&key))
    }
}

/// See the module.
pub(super) struct Devices {
    devices: Top<Addr, Device>,
    /// By device, peer and name; the name is empty where the flow told none.
    destinations: Top<Key<Addr>, There>,
    asked: Top<Key<()>, Times>,
    /// By device, whether it is its own, and fingerprint.
    certificates: Top<Key<bool>, Sessions>,
    identities: Identities,
    named: NamedFlows,
    words: Words,
    /// Services of a device that found no place.
    unnamed_services: Tally,
    home: Subnets,
}

impl Devices {
    /// Empty, for `memory_len` bytes.
    pub fn new(seed: u64, memory_len: u64) -> Self {
        let entries = |most: usize| {
            let share = most as u128 * u128::from(memory_len.min(FULL_LEN)) / u128::from(FULL_LEN);
            usize::try_from(share).unwrap_or(most).max(MIN_ENTRIES)
        };
        Self {
            devices: Top::new(entries(MAX_DEVICES), seed),
            destinations: Top::new(entries(MAX_DESTINATIONS), seed),
            asked: Top::new(entries(MAX_NAMES), seed),
            certificates: Top::new(entries(MAX_CERTIFICATES), seed),
            identities: Identities::new(seed, entries(MAX_KNOWN)),
            named: NamedFlows::new(seed, entries(MAX_NAMED_FLOWS)),
            words: Words::new(seed),
            unnamed_services: Tally(0),
            home: Subnets::new(home_nets()),
        }
    }

    /// The networks whose hosts are devices, instead of the private ones.
    pub fn set_home(&mut self, nets: &[Subnet]) {
        self.home = Subnets::new(nets.iter().copied());
    }

    fn is_home(&self, addr: Addr) -> bool {
        self.home.contains(addr)
    }

    pub fn arp(&mut self, row: &Cells<'_>) {
        if let (Some(ts), Some(mac), Some(addr)) = (row.time(arp::TS), row.mac(arp::MAC), row.addr(arp::ADDR)) {
            self.identities.together(ts, mac, addr, true);
        }
    }

    pub fn dhcp(&mut self, row: &Cells<'_>) {
        let addr = row.addr(dhcp::ASSIGNED).or_else(|| row.addr(dhcp::CLIENT));
        let (Some(ts), Some(addr)) = (row.time(dhcp::TS), addr.filter(|a| !is_nobody(*a))) else { return };
        let name = row.text(dhcp::HOST_NAME).or_else(|| row.text(dhcp::FQDN));
        self.identities.lease(ts, addr, row.text(dhcp::MAC).and_then(parse_mac), name);
    }

    pub fn dns(&mut self, row: &Cells<'_>) {
        let (Some(device), Some(text)) = (row.addr(dns::ORIG), row.text(dns::QUERY)) else { return };
        // What is asked of everybody on the link says nothing about destinations.
        if row.addr(dns::RESP).is_none_or(|a| a.is_multicast()) {
            return;
        }
        let lower = text.to_ascii_lowercase();
        self.asked.at_ref(&KeyRef { device, extra: (), text: &lower }).add(row.time(dns::TS));
    }

    pub fn http(&mut self, row: &Cells<'_>) {
        let host = row.text(http::HOST).map(without_port).filter(|h| is_name(h));
        if let Some(host) = host {
            self.named.note(row, http::UID, host);
        }
    }

    pub fn quic(&mut self, row: &Cells<'_>) {
        if let Some(name) = row.text(quic::NAME).filter(|n| is_name(n)) {
            self.named.note(row, quic::UID, name);
        }
    }

    pub fn ssl(&mut self, row: &Cells<'_>) {
        let name = row.text(ssl::NAME).filter(|n| is_name(n));
        if let Some(name) = name {
            self.named.note(row, ssl::UID, name);
        }
        let Some(text) = row.items(ssl::CHAIN).next().filter(|f| !f.is_empty()) else { return };
        let (Some(client), Some(server)) = (row.addr(ssl::ORIG), row.addr(ssl::RESP)) else { return };
        let label: (bool, Box<[u8]>) = match name {
            Some(name) => (false, name.to_ascii_lowercase().into()),
            None => (true, server.to_string().into_bytes().into()),
        };
        for (device, extra) in [(client, false), (server, true)] {
            let sessions = self.certificates.at_ref(&KeyRef { device, extra, text });
            sessions.times.add(row.time(ssl::TS));
            if sessions.server.as_ref().is_none_or(|s| label < *s) {
                sessions.server = Some(label.clone());
            }
        }
    }

    /// A flow.
    pub fn conn(&mut self, row: &Cells<'_>) {
        let name = self.named.take(row, conn::UID).unwrap_or_default();
        let (Some(orig), Some(resp)) = (row.addr(conn::ORIG), row.addr(conn::RESP)) else { return };
        let home = (self.is_home(orig), self.is_home(resp));
        let number = |i| row.count(i).unwrap_or(0);
        let ts = row.time(conn::TS);
        for (addr, mac, home) in [(orig, conn::ORIG_MAC, home.0), (resp, conn::RESP_MAC, home.1)] {
            if let (Some(ts), Some(mac)) = (ts, row.mac(mac)) {
                self.identities.together(ts, mac, addr, home);
            }
        }
        let (up, down) = (number(conn::ORIG_BYTES), number(conn::RESP_BYTES));
        let answered = number(conn::RESP_PKTS) > 0;
        let transport = row.text(conn::PROTO).unwrap_or(b"unknown");
        let is_tcp = transport == b"tcp";
        let state = row.text(conn::STATE).unwrap_or(b"");
        let failed = is_tcp && matches!(state, b"S0" | b"REJ");
        let flow = Flow {
            at: ts,
            tcp_packets: if is_tcp { number(conn::ORIG_PKTS).saturating_add(number(conn::RESP_PKTS)) } else { 0 },
            retransmitted: number(conn::ORIG_AGAIN).saturating_add(number(conn::RESP_AGAIN)),
            one_sided: row.text(conn::ONE_SIDED).is_some() && state != b"S0" && transport != b"icmp",
            speed: speed_of(
                up.saturating_add(down),
                row.interval(conn::DURATION).map_or(0, |d| u64::try_from(d.0).unwrap_or(0)),
            ),
        };
        let time = |i| row.interval(i).map(|d| sixteenth(u64::try_from(d.0 / 1_000).unwrap_or(0)));
        let (connect, response) = (time(conn::CONNECT), time(conn::RESPONSE));
        let protocol = row.text(conn::APP).or_else(|| row.text(conn::SERVICE)).map(|s| self.words.number(s));
        let port = row.count(conn::RESP_P).and_then(|p| u16::try_from(p).ok());
        let service = Service {
            protocol,
            port: port.filter(|p| *p < FIRST_EPHEMERAL && matches!(transport, b"tcp" | b"udp" | b"sctp")),
            transport: self.words.number(transport),
        };
        let both_away = !home.0 && !home.1;
        if (home.0 || both_away) && !is_nobody(orig) && !orig.is_multicast() {
            let one = One { ts, failed, sent: up, received: down };
            let device = self.devices.at(orig);
            device.spoke = true;
            device.opened.add(one);
            flow.count(device, one, !home.1);
            let [connects, responses, _] = &mut device.times;
            tally(connects, connect);
            tally(responses, response);
            // A scan's ports are no services.
            if !failed {
                self.unnamed_services.0 += u64::from(!serve(&mut device.used, service, one));
            }
            let there = self.destinations.at_ref(&KeyRef { device: orig, extra: resp, text: &name });
            there.sums.add(one);
            if !failed && there.services.len() < MAX_SERVICES_THERE && !there.services.contains(&service) {
                there.services.push(service);
            }
        }
        if home.1 && answered && !is_nobody(resp) && !resp.is_multicast() {
            let one = One { ts, failed, sent: down, received: up };
            let device = self.devices.at(resp);
            device.spoke = true;
            device.accepted.add(one);
            flow.count(device, one, !home.0);
            let [.., answers] = &mut device.times;
            tally(answers, response);
            if !failed {
                self.unnamed_services.0 += u64::from(!serve(&mut device.offered, service, one));
            }
        }
    }

    /// Entries that were let go: what is left of them is not exact.
    fn let_go(&self) -> u64 {
        self.destinations.let_go() + self.asked.let_go() + self.certificates.let_go() + self.unnamed_services.0
    }
}

/// What both of a flow's ends count alike.
struct Flow {
    at: Option<Timestamp>,
    tcp_packets: u64,
    retransmitted: u64,
    one_sided: bool,
    speed: Option<u8>,
}

impl Flow {
    fn count(&self, device: &mut Device, one: One, with_outside: bool) {
        if with_outside {
            device.outside.add(one);
        }
        device.one_sided += u64::from(self.one_sided);
        device.tcp_packets += self.tcp_packets;
        device.retransmitted += self.retransmitted;
        tally(&mut device.speeds, self.speed);
        if let Some(hour) = self.at.map(hour_of_week).and_then(|h| device.hours.get_mut(h)) {
            *hour = hour.saturating_add(1);
        }
    }
}

/// Counts a flow in its class. There are a few hundred classes at most.
fn tally<C: Copy + Ord>(classes: &mut Vec<(C, u32)>, class: Option<C>) {
    let Some(class) = class else { return };
    match classes.binary_search_by_key(&class, |c| c.0) {
        Ok(at) => classes[at].1 = classes[at].1.saturating_add(1),
        Err(at) => classes.insert(at, (class, 1)),
    }
}

/// Adds a flow to its service; false if there is no place for the service.
fn serve(list: &mut Vec<(Service, Sums)>, service: Service, one: One) -> bool {
    if let Some((_, sums)) = list.iter_mut().find(|(s, _)| *s == service) {
        sums.add(one);
        return true;
    }
    if list.len() >= MAX_SERVICES {
        return false;
    }
    let mut sums = Sums::default();
    sums.add(one);
    list.push((service, sums));
    true
}

/// Hours since Monday 00:00 UTC; 1970 began on a Thursday.
fn hour_of_week(ts: Timestamp) -> usize {
    usize::try_from((seconds(ts).div_euclid(3_600) + 72).rem_euclid(168)).unwrap_or(0)
}

fn speed_of(bytes: u64, nanos: u64) -> Option<u8> {
    (bytes >= MIN_TIMED_BYTES && nanos >= MIN_TIMED_NANOS)
        .then(|| quarter(u64::try_from(u128::from(bytes) * 8_000_000_000 / u128::from(nanos)).unwrap_or(u64::MAX)))
}

/// `www.example` of `www.example:8080`; `[2001:db8::1]` keeps its brackets.
fn without_port(host: &[u8]) -> &[u8] {
    match host.iter().rposition(|b| *b == b':') {
        Some(at) if host.get(at + 1..).is_some_and(|p| p.iter().all(u8::is_ascii_digit)) => {
            host.get(..at).unwrap_or(host)
        }
        _ => host,
    }
}

/// Is it a name, and no address?
fn is_name(host: &[u8]) -> bool {
    let bare = host.strip_prefix(b"[").and_then(|h| h.strip_suffix(b"]")).unwrap_or(host);
    !host.is_empty() && std::str::from_utf8(bare).ok().is_none_or(|h| h.parse::<Addr>().is_err())
}

#[cfg(test)]
mod tests;
