//! # scan-horizontal
//! ## How
//! Attempts to connect are counted for each source, transport and port. A failed attempt is one whose SYN was seen and refused,
//! never answered, or answered and at once given up; answers to nothing, connections already under way and flows of which
//! one direction is missing never count. `fast`: 25 different hosts with failed attempts within five minutes. `slow`: 100
//! within 24 hours, four fifths of all attempts. `trw`: the sequential test of Jung and others over first contacts (a failure
//! is four times as likely for a scanner, a success four times as likely for anybody else) decides for a scanner.
//! `admin-sweep`: 50 hosts within five minutes on a port of administration, even if they answer. An attempt that comes an hour after
//! the last one of a fast scan or sweep, a day after that of another, is no part of it.
//! ## Thresholds
//! 25 hosts in 5 minutes (Zeek's scan script); theta 0.8 and 0.2, alpha 0.01, beta 0.99 (Jung 2004), and 8 hosts at least, because
//! four dead servers decide the bare test; 100 hosts in 24 hours at 0.8; 50 hosts in 5 minutes on 22, 135, 445, 1433, 2375,
//! 3389, 5900, 5985, 5986, 6379 (Sekisho's own choice). Of UDP only ports of services that scanners look for count.
//! ## State
//! Up to three failures for each source and port at 200,000 of them; from the fourth on 128 hosts at 20,000; 64 hosts for each
//! source and port of administration at 5,000. The least recent are forgotten.
//! ## Severity
//! From home medium 0.7, high when the source then got hold of a host that it had tried; `slow` 0.6. From outside info,
//! low when something answered at home. A proxy or resolver needs eight times as many.
//! ## Benign
//! Vulnerability scanners, monitoring, printers that look for peers; many servers under one name that are all down (looked at);
//! peer-to-peer and crawlers, of which most attempts succeed. Nothing is said where a third of the source's flows were seen from one
//! side or a tenth of all flows lack packets.
//! ## Blind
//! Scans slower than 100 hosts a day or spread over many sources; scans of hosts that all answer on other ports than those named.
//! ## References
//! Zeek misc/scan; Jung et al., Fast Portscan Detection Using Sequential Hypothesis Testing, 2004; ATT&CK T1046, T1595.001.

use crate::contacts::{Contacts, mark, secs};
use crate::desk::Scanned;
use crate::detection::Scope;
use crate::outcome::Outcome;
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use hashbrown::HashMap;
use sekisho_finding::{
    About, Confidence, Measure, Origin, Quality, Reason, Samples, Severity, Stage, Traffic, What, tale, useful, vital,
};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};
use std::cmp::Reverse;
use std::fmt::Write;

static ABOUT: About = About {
    id: "scan-horizontal",
    title: "one port, many hosts",
    means: "This host tries the same port on many machines, and most attempts fail.",
    techniques: &["T1046", "T1595.001"],
    stage: Stage::Discovery,
    reasons: &[
        Reason { code: "fast", means: "Attempts at many machines failed within minutes." },
        Reason { code: "trw", means: "First contacts fail far more often than those of an ordinary host." },
        Reason { code: "slow", means: "Attempts at many machines failed in the course of a day." },
        Reason { code: "admin-sweep", means: "A port of administration was tried on many machines within minutes." },
    ],
    benign: "Vulnerability scanners, monitoring that looks for machines, printers that look for peers, many servers of one name that are down.",
    clears: "No further attempts at machines that don't answer, or the host is known as a scanner.",
    next: &[
        "See which machines answered: those were found.",
        "Ask what runs on the source and who started it.",
        "See what the source did with the machines that answered.",
    ],
    needs: &[
        vital(What::Some(Traffic::Any)),
        useful(What::Requests(Traffic::Any)),
        useful(What::Answers(Traffic::Any)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const FAST: &Reason = ABOUT.at(0);
const TRW: &Reason = ABOUT.at(1);
const SLOW: &Reason = ABOUT.at(2);
const ADMIN_SWEEP: &Reason = ABOUT.at(3);

/// Sources and ports with one to three failures.
const MAX_FIRST: usize = 200_000;
/// Sources and ports with more.
const MAX_TRACKED: usize = 20_000;
/// Sources and ports of administration.
const MAX_ADMIN: usize = 5_000;
/// Scans of which the evidence is gathered until the end; further ones are told as they stand.
const MAX_FOUND: usize = 4_096;

/// Hosts kept of a source and port, all that `slow` asks for and some.
const KEPT: usize = 128;
/// Hosts kept of a port of administration.
const KEPT_ADMIN: usize = 64;
/// Hosts that answered, kept to be told.
const MAX_OPEN: usize = 24;
/// Ports of a source told by number.
const MAX_PORTS_TOLD: usize = 64;
/// Failures kept before there is a track.
const FIRST: usize = 3;

/// Hosts within minutes; see the module.
const FAST_HOSTS: usize = 25;
const SHORT: u32 = 300;
/// Hosts within a day, and the share of failures in percent.
const SLOW_HOSTS: usize = 100;
const DAY: u32 = 86_400;
const SLOW_SHARE: u64 = 80;
/// What comes after a longer pause is no part of a scan: of a fast one, of the others.
const AN_HOUR: Interval = Interval::from_secs(3_600);
const A_DAY: Interval = Interval::from_secs(86_400);
/// The sequential test in powers of four: a failure is one step up, a success one down. 99 lies below 4^4, 0.0101 above 4^-4.
const SCANNER: i8 = 4;
const BENIGN: i8 = -4;
/// Hosts that the test must have seen to fail.
const TRW_HOSTS: usize = 8;
/// Hosts on a port of administration.
const ADMIN_HOSTS: usize = 50;
/// Factor for hosts that others stand behind.
const SHARED_FACTOR: usize = 8;

/// Ports by which machines are administered.
const ADMIN_PORTS: &[u16] = &[22, 135, 445, 1433, 2375, 3389, 5900, 5985, 5986, 6379];

/// Services over UDP that are looked for. Without an answer there is no telling a scan from a stream, a call or a game elsewhere.
const UDP_PORTS: &[u16] = &[
    17, 19, 53, 69, 88, 111, 137, 161, 177, 389, 427, 500, 502, 520, 623, 1194, 1434, 1645, 1701, 1812, 2049, 3478,
    3702, 4500, 5060, 5093, 5683, 11211, 20000, 27015, 27960, 47808,
];

/// Source, port, is it UDP?
type Key = (Addr, u16, bool);

/// The first failures.
#[derive(Default)]
struct First {
    hosts: [(u32, u32); FIRST],
    len: u8,
    walk: i8,
}

struct Track {
    failed: Contacts<KEPT>,
    ok: Contacts<16>,
    walk: i8,
    /// Different hosts, as far as they can be told apart by those kept.
    failed_hosts: u64,
    refused: u64,
    unanswered: u64,
    established: u64,
    targets: Vec<Addr>,
    open: Vec<Addr>,
    first: Timestamp,
    last: Timestamp,
    flows: Samples<Uid>,
    packets: Samples<u64>,
    reason: Option<&'static Reason>,
    /// Most hosts within five minutes.
    most: usize,
}

/// See the module.
pub(crate) struct Horizontal {
    seed: u64,
    first: Recent<Key, First>,
    tracked: Recent<Key, Box<Track>>,
    admin: Recent<Key, Contacts<KEPT_ADMIN>>,
    found: HashMap<Key, Box<Track>, SeededState>,
}

impl Horizontal {
    pub fn new(scope: &Scope) -> Self {
        Self {
            seed: scope.seed,
            first: Recent::of(scope, MAX_FIRST),
            tracked: Recent::of(scope, MAX_TRACKED),
            admin: Recent::of(scope, MAX_ADMIN),
            found: HashMap::with_hasher(SeededState(scope.seed)),
        }
    }

    fn conn(&mut self, conn: &Conn<'_>, cx: &mut Cx<'_>) {
        let Some(outcome) = Outcome::of(conn) else { return };
        let udp = conn.proto == "udp";
        if outcome == Outcome::OneSided || (udp && !UDP_PORTS.contains(&conn.resp_port)) {
            return;
        }
        let key = (conn.orig, conn.resp_port, udp);
        if !udp && ADMIN_PORTS.contains(&conn.resp_port) {
            self.admin(key, conn, outcome, cx);
        }
        if let Some(track) = self.found.get_mut(&key) {
            let since = conn.ts - track.last;
            if since <= track.pause() {
                track.add(conn, outcome, mark(self.seed, conn.resp), cx.packet);
                return;
            }
            // What comes long after is no part of it; if that is a scan, too, it is told beside it.
        }
        if let Some(track) = self.tracked.get(&key) {
            track.add(conn, outcome, mark(self.seed, conn.resp), cx.packet);
        } else if !self.begin(key, conn, outcome, cx.packet) {
            return;
        }
        self.judge(key, cx);
    }

    /// Few failures so far; is there a track now?
    fn begin(&mut self, key: Key, conn: &Conn<'_>, outcome: Outcome, packet: u64) -> bool {
        let target = mark(self.seed, conn.resp);
        if !outcome.is_failed() {
            if let Some(first) = self.first.get(&key) {
                first.walk = first.walk.saturating_sub(1).max(BENIGN);
            }
            return false;
        }
        let first = self.first.at(key, First::default);
        let len = usize::from(first.len);
        if first.hosts.iter().take(len).any(|(host, _)| *host == target) {
            return false;
        }
        if let Some(free) = first.hosts.get_mut(len) {
            *free = (target, secs(conn.ts));
            first.len += 1;
            first.walk = first.walk.saturating_add(1);
            return false;
        }
        let first = self.first.remove(&key).unwrap_or_default();
        let mut track = Track::new(&first, conn);
        track.add(conn, outcome, target, packet);
        self.tracked.at(key, || Box::new(track));
        true
    }

    fn judge(&mut self, key: Key, cx: &mut Cx<'_>) {
        let Some(track) = self.tracked.peek(&key) else { return };
        let Some(reason) = track.judged(cx, key.0) else { return };
        let seen = cx.hosts().quality(key.0);
        if seen.contains(&Quality::Loss) || seen.contains(&Quality::OneSided) || track.one_name(cx) {
            return;
        }
        let Some(mut track) = self.tracked.remove(&key) else { return };
        track.reason = Some(reason);
        if let Some(before) = self.found.remove(&key) {
            raise(&[(key, &before)], cx);
        }
        if self.found.len() < MAX_FOUND {
            self.found.insert(key, track);
        } else {
            raise(&[(key, &track)], cx);
        }
    }

    /// A port of administration, tried with or without success.
    fn admin(&mut self, key: Key, conn: &Conn<'_>, outcome: Outcome, cx: &mut Cx<'_>) {
        if !cx.hosts().is_internal(conn.orig) {
            return;
        }
        let now = secs(conn.ts);
        let contacts = self.admin.at(key, Contacts::default);
        let new = contacts.add(mark(self.seed, conn.resp), now);
        if !new || contacts.within(now, SHORT) < ADMIN_HOSTS || factor(cx, conn.orig) > 1 {
            return;
        }
        if self.found.contains_key(&key) || self.found.len() >= MAX_FOUND {
            return;
        }
        let mut track = match self.tracked.remove(&key) {
            Some(track) => track,
            None => {
                let mut track = Track::new(&First::default(), conn);
                track.add(conn, outcome, mark(self.seed, conn.resp), cx.packet);
                Box::new(track)
            }
        };
        track.reason = Some(ADMIN_SWEEP);
        track.most = ADMIN_HOSTS;
        self.found.insert(key, track);
    }
}

/// How many times the thresholds hold for the source.
fn factor(cx: &Cx<'_>, source: Addr) -> usize {
    if cx.hosts().quality(source).contains(&Quality::Shared) { SHARED_FACTOR } else { 1 }
}

impl Track {
    fn new(before: &First, conn: &Conn<'_>) -> Self {
        let mut failed = Contacts::default();
        for (host, at) in before.hosts.iter().take(usize::from(before.len)) {
            failed.add(*host, *at);
        }
        Self {
            failed,
            ok: Contacts::default(),
            walk: before.walk,
            failed_hosts: u64::from(before.len),
            refused: 0,
            unanswered: 0,
            established: 0,
            targets: Vec::new(),
            open: Vec::new(),
            first: conn.ts,
            last: conn.ts,
            flows: Samples::default(),
            packets: Samples::default(),
            reason: None,
            most: 0,
        }
    }

    fn add(&mut self, conn: &Conn<'_>, outcome: Outcome, target: u32, packet: u64) {
        self.first = self.first.min(conn.ts);
        self.last = self.last.max(conn.ts);
        if outcome.is_open() && self.open.len() < MAX_OPEN && !self.open.contains(&conn.resp) {
            self.open.push(conn.resp);
        }
        if !outcome.is_failed() {
            self.established += 1;
            if self.ok.add(target, secs(conn.ts)) && !self.failed.has(target) {
                // The test says benign: it begins anew.
                self.walk = if self.walk <= BENIGN + 1 { 0 } else { self.walk - 1 };
            }
            return;
        }
        match outcome {
            Outcome::Refused => self.refused += 1,
            Outcome::Timeout => self.unanswered += 1,
            _ => {}
        }
        let now = secs(conn.ts);
        if self.failed.add(target, now) {
            self.failed_hosts += 1;
            if !self.ok.has(target) {
                self.walk = self.walk.saturating_add(1).min(SCANNER);
            }
            self.flows.add(conn.uid);
            if packet > 0 {
                self.packets.add(packet);
            }
            if self.targets.len() < sekisho_finding::MAX_PEERS {
                self.targets.push(conn.resp);
            }
            self.most = self.most.max(self.failed.within(now, SHORT));
        }
    }

    fn judged(&self, cx: &Cx<'_>, source: Addr) -> Option<&'static Reason> {
        if self.failed.len() < TRW_HOSTS {
            return None;
        }
        let factor = factor(cx, source);
        let day = self.failed.within(secs(self.last), DAY);
        let attempts = self.failed_hosts + self.established;
        match () {
            () if self.most >= FAST_HOSTS * factor => Some(FAST),
            () if factor > 1 => None,
            () if day >= SLOW_HOSTS && self.failed_hosts * 100 >= attempts * SLOW_SHARE => Some(SLOW),
            () if self.walk >= SCANNER => Some(TRW),
            () => None,
        }
    }

    /// How long after its last attempt a further one still belongs to the scan.
    fn pause(&self) -> Interval {
        let by_day = self.reason().code == SLOW.code || self.reason().code == TRW.code;
        if by_day { A_DAY } else { AN_HOUR }
    }

    /// The stronger reason that came to hold since.
    fn reason(&self) -> &'static Reason {
        match self.reason {
            Some(reason) if reason.code != TRW.code => reason,
            _ if self.most >= FAST_HOSTS => FAST,
            _ if self.failed_hosts >= SLOW_HOSTS as u64 && self.failed.within(secs(self.last), DAY) >= SLOW_HOSTS => {
                SLOW
            }
            _ => TRW,
        }
    }

    /// Are all that failed called by one name: a service whose servers are down?
    fn one_name(&self, cx: &Cx<'_>) -> bool {
        let mut names = self.targets.iter().map(|t| cx.name_of(*t));
        let first = names.next().flatten();
        first.is_some() && names.all(|name| name == first)
    }
}

/// Tells the scans of one source that have the same reason, as far as they were seen; the widest first.
fn raise(scans: &[(Key, &Track)], cx: &mut Cx<'_>) {
    let Some(((source, port, udp), track)) = scans.first().copied() else { return };
    let reason = track.reason();
    let inside = |addr| cx.hosts().is_internal(addr);
    let from_home = inside(source);
    let (mut first, mut last, mut open) = (track.first, track.last, Vec::new());
    for (_, scan) in scans {
        (first, last) = (first.min(scan.first), last.max(scan.last));
        for host in &scan.open {
            if open.len() < MAX_OPEN && !open.contains(host) {
                open.push(*host);
            }
        }
    }
    let tried = |host: Addr| scans.iter().any(|(_, scan)| scan.tried(host));
    let got_hold = cx.steps().all().iter().find(|step| {
        let after = (step.ts - first).whole_secs();
        step.from == source && (0..=i64::from(DAY)).contains(&after) && tried(step.to)
    });
    let severity = match (from_home, got_hold) {
        (true, Some(_)) => Severity::High,
        (true, None) => Severity::Medium,
        (false, _) if open.iter().any(|open| inside(*open)) => Severity::Low,
        (false, _) => Severity::Info,
    };
    let confidence = Confidence::percent(if reason.code == SLOW.code { 60 } else { 70 });
    let proto = |udp| if udp { "udp" } else { "tcp" };
    let span = u64::try_from((last - first).whole_secs()).unwrap_or(0);
    let (limit, origin) = match reason.code {
        "fast" => (FAST_HOSTS, Origin::Field("Zeek")),
        "slow" => (SLOW_HOSTS, Origin::Own),
        "trw" => (TRW_HOSTS, Origin::Own),
        _ => (ADMIN_HOSTS, Origin::Own),
    };
    let most = u64::try_from(track.most).unwrap_or(0);
    let key = if scans.len() > 1 { format!("{} ports", scans.len()) } else { format!("{port}/{}", proto(udp)) };
    let mut raise = Raise::new(&ABOUT, reason, source, severity, confidence)
        .key(key.clone())
        .between(first, last)
        .times(track.failed_hosts.max(most))
        .measure(Measure::count("hosts at which it failed", track.failed_hosts, None, "hosts", origin))
        .measure(Measure::count("attempts refused", track.refused, None, "", origin))
        .measure(Measure::count("attempts without an answer", track.unanswered, None, "", origin))
        .measure(Measure::count("attempts that were accepted", track.established, None, "", origin))
        .measure(Measure::count("time from the first to the last", span, None, "s", origin))
        .benign("servers of one name that are down", "the targets have no common name")
        .tale(
            tale::SCANNED,
            &[key.as_bytes(), track.failed_hosts.to_string().as_bytes(), open.len().to_string().as_bytes()],
        );
    raise = match reason.code {
        "trw" => raise.measure(Measure::count(
            "likelihood ratio of the sequential test, as a power of four",
            u64::try_from(track.walk).unwrap_or(0),
            Some(4),
            "",
            Origin::Field("Jung 2004"),
        )),
        "slow" => raise.measure(Measure::count(
            "hosts within 24 hours",
            track.failed_hosts,
            Some(limit as u64),
            "hosts",
            origin,
        )),
        _ => raise.measure(Measure::count("hosts within five minutes", most, Some(limit as u64), "hosts", origin)),
    };
    if !from_home {
        raise = raise.stage(Stage::Recon);
    }
    raise = open.iter().chain(&track.targets).fold(raise, |raise, host| raise.peer(*host));
    raise = track.flows.iter().fold(raise, Raise::flow);
    raise = track.packets.iter().fold(raise, Raise::packet);
    if !open.is_empty() {
        raise = raise.quote("hosts that answered", list(&open).as_bytes(), 0);
    }
    if scans.len() > 1 {
        let mut text = String::new();
        for ((_, port, udp), _) in scans.iter().take(MAX_PORTS_TOLD) {
            let _ = write!(text, "{}{port}/{}", if text.is_empty() { "" } else { " " }, proto(*udp));
        }
        raise = raise.quote("ports", text.as_bytes(), 0);
    }
    if let Some(step) = got_hold {
        let text = format!("{} by {}", step.to, step.what);
        raise = raise.quote("got hold of", text.as_bytes(), step.packet).flow(step.uid);
    }
    for quality in cx.hosts().quality(source) {
        raise = raise.quality(quality);
    }
    cx.raise(raise);
}

impl Track {
    fn tried(&self, host: Addr) -> bool {
        self.open.contains(&host) || self.targets.contains(&host)
    }

    fn held_len(&self) -> usize {
        size_of::<Self>()
            + self.failed.held_len()
            + self.ok.held_len()
            + (self.targets.capacity() + self.open.capacity()) * size_of::<Addr>()
    }
}

/// Addresses with spaces between them.
pub(crate) fn list(addrs: &[Addr]) -> String {
    let mut text = String::new();
    for addr in addrs {
        let _ = write!(text, "{}{addr}", if text.is_empty() { "" } else { " " });
    }
    text
}

impl Detector for Horizontal {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::Conn(conn) = row {
            self.conn(conn, cx);
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut all: Vec<(Key, &Track)> = self.found.iter().map(|(key, track)| (*key, &**track)).collect();
        all.sort_unstable_by_key(|(key, t)| (key.0, t.reason().code, Reverse(t.failed_hosts), *key));
        for ((from, port, _), track) in &all {
            let uid = track.flows.iter().next().unwrap_or_default();
            cx.scanned(Scanned { from: *from, port: *port, first: track.first, open: track.open.clone(), uid });
        }
        for scans in all.chunk_by(|(a, s), (b, t)| (a.0, s.reason().code) == (b.0, t.reason().code)) {
            raise(scans, cx);
        }
    }

    fn held_len(&self) -> usize {
        let tracks = self.tracked.iter().map(|(_, t)| t).chain(self.found.values());
        let admin: usize = self.admin.iter().map(|(_, c)| c.held_len()).sum();
        self.first.held_len()
            + self.tracked.held_len()
            + self.found.allocation_size()
            + self.admin.held_len()
            + admin
            + tracks.map(|t| t.held_len()).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.first.forgotten() + self.tracked.forgotten() + self.admin.forgotten()
    }
}

#[cfg(test)]
mod tests;
