//! # scan-vertical
//! ## How
//! Different ports of one machine at which attempts of one source failed (as in `scan-horizontal`) are counted within five
//! minutes. `syn`: some answers were reset before the connection was open, as SYN scanners do. `connect`: connections were
//! opened and dropped, or everything was refused. `udp`: the machine's ICMP messages say that the ports are closed. `flags`:
//! packets with FIN alone or without any flag to ports where nothing was under way. `version`: requests that Nmap sends to find out what
//! software answers.
//! ## Thresholds
//! 15 ports in 5 minutes (Zeek's scan script), of UDP 10, all quoted by ICMP; 5 ports with strange flags (nDPI asks for
//! three packets; those of a connection that was under way before the capture began look alike); one request of Nmap's.
//! ## State
//! Up to six ports for each pair of hosts at 100,000 of them, from the seventh on 64 at 20,000; the least recent forgotten. 4,096
//! findings gather evidence until the end.
//! ## Severity
//! From home medium 0.8, `version` high 0.8. From outside info, low when a port at home was open.
//! ## Benign
//! Vulnerability scanners, an application that goes through a list of ports (up to 14), health checks of load balancers (few
//! ports), traceroute over UDP (its ports are left out). Nothing is said where a third of the source's flows were seen from one side or a tenth of
//! all flows lack packets.
//! ## Blind
//! Scans slower than 15 ports in five minutes; version detection over ports whose content is unknown or encrypted.
//! ## References
//! Zeek misc/scan; nDPI TCP_ISSUES; Nmap's service probes; ATT&CK T1046, T1595.

use crate::contacts::{Contacts, secs};
use crate::detection::Scope;
use crate::outcome::Outcome;
use crate::registry::Detector;
use crate::rows::{Conn, Http, Icmp, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use hashbrown::HashMap;
use sekisho_finding::{
    About, Confidence, Measure, Origin, Quality, Reason, Samples, Severity, Stage, Traffic, What, useful, vital,
};
use sekisho_types::{Addr, SeededState, Timestamp, Uid};
use std::fmt::Write;

static ABOUT: About = About {
    id: "scan-vertical",
    title: "one host, many ports",
    means: "This host probes many ports of one machine.",
    techniques: &["T1046", "T1595.001", "T1595.002"],
    stage: Stage::Discovery,
    reasons: &[
        Reason { code: "connect", means: "Connections to many ports were refused, or opened and dropped." },
        Reason { code: "syn", means: "Many ports were tried with SYN packets whose answers were not wanted." },
        Reason { code: "flags", means: "Ports were tried with packets that no connection has." },
        Reason { code: "udp", means: "Many ports were tried with UDP, and the machine said that they are closed." },
        Reason { code: "version", means: "Requests were sent that find out what software answers." },
    ],
    benign: "Vulnerability scanners, applications that go through a list of ports.",
    clears: "No further attempts at closed ports, or the host is known as a scanner.",
    next: &["See which ports were open: those were found.", "Ask what runs on the source and who started it."],
    needs: &[
        vital(What::Some(Traffic::Any)),
        useful(What::Requests(Traffic::Any)),
        useful(What::Answers(Traffic::Any)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const CONNECT: &Reason = ABOUT.at(0);
const SYN: &Reason = ABOUT.at(1);
const FLAGS: &Reason = ABOUT.at(2);
const UDP: &Reason = ABOUT.at(3);
const VERSION: &Reason = ABOUT.at(4);

/// Pairs with one to six failed ports.
const MAX_FIRST: usize = 100_000;
/// Pairs with more.
const MAX_TRACKED: usize = 20_000;
/// Scans of which the evidence is gathered until the end.
const MAX_FOUND: usize = 4_096;
/// Ports kept before there is a track, and afterwards.
const FIRST: usize = 6;
const KEPT: usize = 64;
/// Open ports kept to be told.
const MAX_OPEN: usize = 64;
/// Ports within minutes; see the module.
const PORTS: usize = 15;
const SHORT: u32 = 300;
/// Ports with strange flags.
const FLAG_PORTS: usize = 5;
/// Ports that ICMP must quote.
const QUOTED_PORTS: u64 = 10;
/// Ports of traceroute, each packet the next one.
const TRACEROUTE: std::ops::RangeInclusive<u16> = 33434..=33723;
/// A request of Nmap's for a page that does not exist.
const NICE_PORTS: &[u8] = b"/nice%20ports";
/// What Nmap's scripts call themselves.
const SCRIPT_AGENT: &[u8] = b"Nmap Scripting Engine";

/// Who tries whom, with UDP?
type Key = (Addr, Addr, bool);

#[derive(Default)]
struct First {
    ports: [(u16, u32); FIRST],
    len: u8,
}

struct Track {
    /// Failed ports.
    failed: Contacts<KEPT>,
    strange: Contacts<8>,
    ports: u64,
    refused: u64,
    unanswered: u64,
    half_open: u64,
    most: usize,
    quoted: u64,
    open: Vec<u16>,
    first: Timestamp,
    last: Timestamp,
    flows: Samples<Uid>,
    packets: Samples<u64>,
    probe: Option<(Box<[u8]>, u64)>,
}

/// See the module.
pub(crate) struct Vertical {
    first: Recent<Key, First>,
    tracked: Recent<Key, Box<Track>>,
    found: HashMap<Key, Box<Track>, SeededState>,
}

/// A packet of a flow in which there never was a connection: FIN alone, or no flag at all.
fn is_strange(conn: &Conn<'_>) -> bool {
    matches!(conn.history, b"F" | b"Fr" | b"r")
        && conn.orig_pkts > 0
        && conn.orig_pkts <= 2
        && conn.resp_pkts <= 2
        && conn.orig_bytes + conn.resp_bytes == 0
}

impl Vertical {
    pub fn new(scope: &Scope) -> Self {
        Self {
            first: Recent::of(scope, MAX_FIRST),
            tracked: Recent::of(scope, MAX_TRACKED),
            found: HashMap::with_hasher(SeededState(scope.seed)),
        }
    }

    fn conn(&mut self, conn: &Conn<'_>, cx: &mut Cx<'_>) {
        let udp = conn.proto == "udp";
        let Some(outcome) = Outcome::of(conn) else { return };
        let strange = !udp && outcome == Outcome::OneSided && is_strange(conn);
        if outcome == Outcome::OneSided && !strange || udp && TRACEROUTE.contains(&conn.resp_port) {
            return;
        }
        let key = (conn.orig, conn.resp, udp);
        if let Some(track) = self.found.get_mut(&key) {
            track.add(conn, outcome, strange, cx.packet);
            return;
        }
        if let Some(track) = self.tracked.get(&key) {
            track.add(conn, outcome, strange, cx.packet);
        } else if !self.begin(key, conn, outcome, strange, cx.packet) {
            return;
        }
        self.judge(key, cx);
    }

    fn begin(&mut self, key: Key, conn: &Conn<'_>, outcome: Outcome, strange: bool, packet: u64) -> bool {
        if !strange && !outcome.is_failed() {
            return false;
        }
        let first = self.first.at(key, First::default);
        let len = usize::from(first.len);
        if first.ports.iter().take(len).any(|(port, _)| *port == conn.resp_port) {
            return false;
        }
        if !strange && let Some(free) = first.ports.get_mut(len) {
            *free = (conn.resp_port, secs(conn.ts));
            first.len += 1;
            return false;
        }
        let first = self.first.remove(&key).unwrap_or_default();
        let mut track = Track::new(&first, conn.ts);
        track.add(conn, outcome, strange, packet);
        self.tracked.at(key, || Box::new(track));
        true
    }

    fn judge(&mut self, key: Key, cx: &mut Cx<'_>) {
        let Some(track) = self.tracked.peek(&key) else { return };
        if track.reason(key.2).is_none() {
            return;
        }
        let seen = cx.hosts().quality(key.0);
        if seen.contains(&Quality::Loss) || seen.contains(&Quality::OneSided) {
            return;
        }
        let Some(track) = self.tracked.remove(&key) else { return };
        if self.found.len() < MAX_FOUND {
            self.found.insert(key, track);
        } else {
            raise(key, &track, cx);
        }
    }

    fn http(&mut self, http: &Http<'_>, cx: &mut Cx<'_>) {
        if !http.uri.starts_with(NICE_PORTS) && memchr::memmem::find(http.agent, SCRIPT_AGENT).is_none() {
            return;
        }
        let key = (http.orig, http.resp, false);
        if !self.found.contains_key(&key) {
            if self.found.len() >= MAX_FOUND {
                return;
            }
            let begun = self.tracked.remove(&key);
            self.found.insert(key, begun.unwrap_or_else(|| Box::new(Track::new(&First::default(), http.ts))));
        }
        let Some(track) = self.found.get_mut(&key) else { return };
        (track.first, track.last) = (track.first.min(http.ts), track.last.max(http.ts));
        track.flows.add(http.uid);
        track.packets.add(cx.packet);
        if track.probe.is_none() {
            let words = [http.method, b" ", http.uri, b" by ", http.agent].concat();
            track.probe = Some((words.get(..256).unwrap_or(&words).into(), cx.packet));
        }
    }

    /// Port unreachable: the row names the first packet quoted and how many different flows were.
    fn icmp(&mut self, icmp: &Icmp<'_>, cx: &mut Cx<'_>) {
        if !matches!((icmp.icmp_type, icmp.code), (3, 3) | (1, 4)) || icmp.inner_resp != icmp.orig {
            return;
        }
        let key = (icmp.inner_orig, icmp.inner_resp, true);
        if let Some(track) = self.found.get_mut(&key) {
            track.quoted = track.quoted.max(icmp.inner_count);
            return;
        }
        // The rows of the flows that it is about may come later.
        if self.tracked.peek(&key).is_none() && icmp.inner_count >= QUOTED_PORTS {
            let first = self.first.remove(&key).unwrap_or_default();
            self.tracked.at(key, || Box::new(Track::new(&first, icmp.ts)));
        }
        if let Some(track) = self.tracked.get(&key) {
            track.quoted = track.quoted.max(icmp.inner_count);
            self.judge(key, cx);
        }
    }
}

impl Track {
    fn new(before: &First, ts: Timestamp) -> Self {
        let mut failed = Contacts::default();
        for (port, at) in before.ports.iter().take(usize::from(before.len)) {
            failed.add(u32::from(*port), *at);
        }
        Self {
            failed,
            strange: Contacts::default(),
            ports: u64::from(before.len),
            refused: 0,
            unanswered: 0,
            half_open: 0,
            most: 0,
            quoted: 0,
            open: Vec::new(),
            first: ts,
            last: ts,
            flows: Samples::default(),
            packets: Samples::default(),
            probe: None,
        }
    }

    fn add(&mut self, conn: &Conn<'_>, outcome: Outcome, strange: bool, packet: u64) {
        (self.first, self.last) = (self.first.min(conn.ts), self.last.max(conn.ts));
        let (port, now) = (u32::from(conn.resp_port), secs(conn.ts));
        if outcome.is_open() && self.open.len() < MAX_OPEN && !self.open.contains(&conn.resp_port) {
            self.open.push(conn.resp_port);
        }
        match outcome {
            Outcome::Refused => self.refused += 1,
            Outcome::Timeout => self.unanswered += 1,
            Outcome::HalfOpen => self.half_open += 1,
            _ => {}
        }
        let new = if strange { self.strange.add(port, now) } else { outcome.is_failed() && self.failed.add(port, now) };
        if new {
            self.ports += 1;
            self.most = self.most.max(self.failed.within(now, SHORT));
            self.flows.add(conn.uid);
            if packet > 0 {
                self.packets.add(packet);
            }
        }
    }

    fn reason(&self, udp: bool) -> Option<&'static Reason> {
        let many = self.most >= PORTS;
        match () {
            () if self.probe.is_some() => Some(VERSION),
            () if udp => (self.most as u64 >= QUOTED_PORTS && self.quoted >= QUOTED_PORTS).then_some(UDP),
            () if many && self.half_open > 0 => Some(SYN),
            () if many => Some(CONNECT),
            () if self.strange.within(secs(self.last), SHORT) >= FLAG_PORTS => Some(FLAGS),
            () => None,
        }
    }

    fn held_len(&self) -> usize {
        size_of::<Self>() + self.failed.held_len() + self.strange.held_len() + self.open.capacity() * 2
    }
}

fn raise(key: Key, track: &Track, cx: &mut Cx<'_>) {
    let (source, target, udp) = key;
    let Some(reason) = track.reason(udp) else { return };
    let from_home = cx.hosts().is_internal(source);
    let severity = match (from_home, reason.code) {
        (true, "version") => Severity::High,
        (true, _) => Severity::Medium,
        (false, _) if cx.hosts().is_internal(target) && !track.open.is_empty() => Severity::Low,
        (false, _) => Severity::Info,
    };
    let zeek = Origin::Field("Zeek");
    let (least, origin) = if udp { (QUOTED_PORTS, Origin::Own) } else { (PORTS as u64, zeek) };
    let most = u64::try_from(track.most).unwrap_or(0);
    let span = u64::try_from((track.last - track.first).whole_secs()).unwrap_or(0);
    let mut raise = Raise::new(&ABOUT, reason, source, severity, Confidence::percent(80))
        .key(target.to_string())
        .peer(target)
        .between(track.first, track.last)
        .times(track.ports.max(1))
        .measure(Measure::count("ports that failed within five minutes", most, Some(least), "ports", origin))
        .measure(Measure::count("attempts in vain", track.ports, None, "", zeek))
        .measure(Measure::count("attempts refused", track.refused, None, "", zeek))
        .measure(Measure::count("attempts without an answer", track.unanswered, None, "", zeek))
        .measure(Measure::count("answers that were not wanted", track.half_open, None, "", zeek))
        .measure(Measure::count("time from the first to the last", span, None, "s", zeek));
    if udp {
        let quoted = track.quoted;
        raise = raise.measure(Measure::count("ports quoted by ICMP", quoted, Some(QUOTED_PORTS), "ports", Origin::Own));
    }
    if reason.code == FLAGS.code {
        let strange = u64::try_from(track.strange.len()).unwrap_or(0);
        let ports = Some(FLAG_PORTS as u64);
        raise = raise.measure(Measure::count("ports tried with strange flags", strange, ports, "ports", Origin::Own));
    }
    if !from_home {
        raise = raise.stage(Stage::Recon);
    }
    raise = track.flows.iter().fold(raise, Raise::flow);
    raise = track.packets.iter().fold(raise, Raise::packet);
    if !track.open.is_empty() {
        let mut text = String::new();
        for port in &track.open {
            let _ = write!(text, "{}{port}", if text.is_empty() { "" } else { " " });
        }
        raise = raise.quote("open ports", text.as_bytes(), 0);
    }
    if let Some((words, packet)) = &track.probe {
        raise = raise.quote("request", words, *packet);
    }
    for quality in cx.hosts().quality(source) {
        raise = raise.quality(quality);
    }
    cx.raise(raise);
}

impl Detector for Vertical {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Http, Kind::Icmp]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Conn(conn) => self.conn(conn, cx),
            Row::Http(http) => self.http(http, cx),
            Row::Icmp(icmp) => self.icmp(icmp, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut all: Vec<(Key, &Track)> = self.found.iter().map(|(key, track)| (*key, &**track)).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        for (key, track) in all {
            raise(key, track, cx);
        }
    }

    fn held_len(&self) -> usize {
        let tracks = self.tracked.iter().map(|(_, t)| t).chain(self.found.values());
        self.first.held_len()
            + self.tracked.held_len()
            + self.found.allocation_size()
            + tracks.map(|t| t.held_len()).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.first.forgotten() + self.tracked.forgotten()
    }
}

#[cfg(test)]
mod tests;
