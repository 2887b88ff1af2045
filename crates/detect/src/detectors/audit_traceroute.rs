//! # audit-traceroute
//! ## How
//! A host sends packets whose hop limit is below ten to another (a TCP SYN, UDP, an ICMP echo request), and three different
//! routers or more answer that the limit was used up, quoting a packet from the same host to the same destination, within
//! three minutes of the last. Where no answers are seen, three different limits or more, never falling, within 60 seconds. A
//! run ends when three minutes pass without either. `periodic`: four runs or more at a regular distance (timing score of
//! `c2-beacon`: quartiles of the gaps).
//! ## Thresholds
//! Limit below 10, 3 routers, 3 minutes (Zeek's detect-traceroute); 3 limits in 60 s, 4 runs, timing score 0.8, 5
//! destinations for a measurement probe (Sekisho's own choice).
//! ## State
//! The run and the last 64 starts for each source, destination and protocol: at most 8,192, the least recent forgotten.
//! ## Severity
//! With routers' answers info 0.9, from hosts that serve others low 0.9; without answers 0.5. `periodic` low 0.8, of a host that
//! explores five destinations or more info: that is a measurement probe.
//! ## Benign
//! Measurement probes, VPN clients, path tests of video conferences. Routing loops make routers answer, too, but nobody sent
//! a low limit.
//! ## Blind
//! Paths explored by other means than the hop limit, and limits of ten and more where the first nine hops are not seen. Only
//! the first 64 packets of a flow are looked at.
//! ## References
//! Zeek policy detect-traceroute; RFC 792, RFC 4443 §3.3.

use crate::detection::Scope;
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Conn, Icmp, Kind, Probe, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, Timestamp, Uid};
use std::fmt::Write;

static ABOUT: About = About {
    id: "audit-traceroute",
    title: "mapping the path out",
    means: "This host explores the route to a destination, once or regularly.",
    techniques: &["T1016", "T1590.004"],
    stage: Stage::Discovery,
    reasons: &[
        Reason { code: "udp", means: "The path was explored with UDP packets." },
        Reason { code: "icmp", means: "The path was explored with ICMP echo requests." },
        Reason { code: "tcp", means: "The path was explored with TCP connection attempts." },
        Reason { code: "periodic", means: "The path is explored again and again at regular times." },
    ],
    benign: "Measurement probes, VPN clients, path tests of video conferences.",
    clears: "No further run, or the host is known to measure paths.",
    next: &["Ask who runs traceroute on this host, and why.", "See which other hosts explore the same destination."],
    needs: &[vital(What::Some(Traffic::Any)), vital(What::Requests(Traffic::Any)), useful(What::Answers(Traffic::Any))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const PERIODIC: &Reason = ABOUT.at(3);

/// Sources, destinations and protocols of which something is kept.
const MAX_TRACES: usize = 8_192;
/// Routers kept of a run.
const MAX_HOPS: usize = 32;
/// Packets of a run that an answer can be matched with; the oldest are forgotten.
const MAX_PROBES: usize = 96;
/// Starts of runs kept; the oldest are forgotten.
const MAX_STARTS: usize = 64;
/// Routers that make a run a traceroute.
const MIN_ROUTERS: usize = 3;
/// Different hop limits that do where no answers are seen, and within which time.
const MIN_LIMITS: u32 = 3;
const LIMITS_WITHIN: Interval = Interval::from_secs(60);
/// Silence that ends a run.
const RUN_GAP: Interval = Interval::from_secs(180);
/// Runs from which on their times mean something.
const MIN_RUNS: usize = 4;
/// Timing score of what is regular, in thousandths.
const MIN_REGULARITY: u64 = 800;
/// Destinations explored regularly that make a host a measurement probe.
const PROBE_TARGETS: usize = 5;

type Key = (Addr, Addr, &'static str);

#[derive(Clone, Copy)]
struct Hop {
    router: Addr,
    /// Hop limit of the packet that died there, if that is known.
    ttl: Option<u8>,
    rtt: Option<Interval>,
}

struct Run {
    first: Timestamp,
    last: Timestamp,
    uid: Uid,
    packets: [u64; 2],
    /// Bit n: a packet with hop limit n was sent.
    limits: u16,
    /// When the third limit was met.
    third: Option<Timestamp>,
    last_ttl: u8,
    falls: bool,
    sent: Vec<(u32, u8, Timestamp)>,
    hops: Vec<Hop>,
    reached: bool,
}

impl Run {
    fn new(row: &Probe<'_>, packet: u64) -> Self {
        Self {
            first: row.ts,
            last: row.ts,
            uid: row.uid,
            packets: [packet; 2],
            limits: 0,
            third: None,
            last_ttl: 0,
            falls: false,
            sent: Vec::new(),
            hops: Vec::new(),
            reached: false,
        }
    }

    fn sent(&mut self, mark: u32, ttl: u8, ts: Timestamp) {
        self.limits |= 1 << ttl.min(15);
        if self.limits.count_ones() >= MIN_LIMITS {
            self.third.get_or_insert(ts);
        }
        self.falls |= ttl < self.last_ttl;
        self.last_ttl = ttl;
        if self.sent.len() >= MAX_PROBES {
            self.sent.drain(..MAX_PROBES / 2);
        }
        self.sent.push((mark, ttl, ts));
    }

    fn answered(&mut self, router: Addr, mark: u32, ts: Timestamp) {
        if self.hops.len() >= MAX_HOPS || self.hops.iter().any(|h| h.router == router) {
            return;
        }
        let sent = self.sent.iter().rev().find(|s| s.0 == mark);
        self.hops.push(Hop { router, ttl: sent.map(|s| s.1), rtt: sent.map(|s| ts - s.2) });
    }

    /// How sure it is that the path was explored; `None`: it was not.
    fn confidence(&self) -> Option<Confidence> {
        let quick = self.third.is_some_and(|t| t - self.first <= LIMITS_WITHIN);
        if self.hops.len() >= MIN_ROUTERS {
            return Some(Confidence::percent(90));
        }
        (quick && !self.falls).then_some(Confidence::percent(50))
    }

    /// `1 10.0.0.1 0.5 ms, 2 ...`
    fn path(&self, to: Addr) -> String {
        let mut hops = self.hops.clone();
        // Those whose limit is unknown lie behind the others, in the order in which they answered.
        hops.sort_by_key(|h| h.ttl.unwrap_or(u8::MAX));
        let mut text = String::new();
        for hop in &hops {
            let gap = if text.is_empty() { "" } else { ", " };
            let place = hop.ttl.map_or("?".to_owned(), |t| t.to_string());
            let _ = write!(text, "{gap}{place} {}", hop.router);
            if let Some(rtt) = hop.rtt {
                let _ = write!(text, " {}.{} ms", rtt.0 / 1_000_000, rtt.0 / 100_000 % 10);
            }
        }
        if self.reached {
            let _ = write!(text, ", then {to}");
        }
        text
    }
}

struct Trace {
    run: Run,
    starts: Vec<Timestamp>,
}

/// See the module.
pub(crate) struct Traceroute {
    traces: Recent<Key, Trace>,
}

impl Traceroute {
    pub fn new(scope: &Scope) -> Self {
        Self { traces: Recent::of(scope, MAX_TRACES) }
    }

    fn probe(&mut self, row: &Probe<'_>, cx: &mut Cx<'_>) {
        let Some(proto) = protocol(row.proto) else { return };
        let key = (row.orig, row.resp, proto);
        if let Some(router) = row.router {
            // Without a low limit sent, it is a loop in somebody's routing.
            if let Some(trace) = self.traces.get(&key)
                && row.ts - trace.run.last <= RUN_GAP
            {
                (trace.run.last, trace.run.packets[1]) = (row.ts, cx.packet);
                trace.run.answered(router, row.mark, row.ts);
            }
            return;
        }
        let Some(ttl) = row.ttl.and_then(|t| u8::try_from(t).ok()) else { return };
        let packet = cx.packet;
        let trace = self.traces.at(key, || Trace { run: Run::new(row, packet), starts: Vec::new() });
        if row.ts - trace.run.last > RUN_GAP {
            let over = std::mem::replace(&mut trace.run, Run::new(row, packet));
            close(key, &over, &mut trace.starts, cx);
        }
        (trace.run.last, trace.run.packets[1]) = (row.ts, packet);
        trace.run.sent(row.mark, ttl, row.ts);
    }

    /// A summary of echoes or errors: did the destination answer?
    fn icmp(&mut self, row: &Icmp<'_>) {
        let key = match (row.icmp_type, row.code) {
            (8, _) | (128, _) if row.answers > 0 => (row.orig, row.resp, "icmp"),
            (3, 3) | (1, 4) if row.inner_resp == row.orig => (row.inner_orig, row.inner_resp, "udp"),
            _ => return,
        };
        self.reached(&key);
    }

    fn conn(&mut self, row: &Conn<'_>) {
        if row.proto == "tcp" && row.resp_pkts > 0 && !self.traces.is_empty() {
            self.reached(&(row.orig, row.resp, "tcp"));
        }
    }

    fn reached(&mut self, key: &Key) {
        // Only looked up: what is asked for a lot should not outlive what is traced.
        if self.traces.peek(key).is_some_and(|t| !t.run.reached)
            && let Some(trace) = self.traces.get(key)
        {
            trace.run.reached = true;
        }
    }
}

fn protocol(text: &str) -> Option<&'static str> {
    ["udp", "icmp", "tcp"].into_iter().find(|p| *p == text)
}

/// A run is over: tells it if it explored the path, and notes when it began.
fn close((from, to, proto): Key, run: &Run, starts: &mut Vec<Timestamp>, cx: &mut Cx<'_>) {
    let Some(confidence) = run.confidence() else { return };
    if starts.len() >= MAX_STARTS {
        starts.remove(0);
    }
    starts.push(run.first);
    let Some(reason) = ABOUT.reason(proto) else { return };
    let serves = cx.hosts().is(from, Role::Server);
    let severity = if serves { Severity::Low } else { Severity::Info };
    let routers = u64::try_from(run.hops.len()).unwrap_or(0);
    let limits = u64::from(run.limits.count_ones());
    let zeek = Origin::Field("Zeek");
    let mut raise = Raise::new(&ABOUT, reason, from, severity, confidence)
        .key(to.to_string())
        .peer(to)
        .between(run.first, run.last)
        .flow(run.uid)
        .packet(run.packets[0])
        .packet(run.packets[1])
        .measure(Measure::count("routers that answered", routers, Some(MIN_ROUTERS as u64), "", zeek))
        .measure(Measure::count("different low hop limits", limits, Some(u64::from(MIN_LIMITS)), "", Origin::Own))
        .benign("a loop in routing makes routers answer, too", "packets with low hop limits were sent");
    if routers > 0 {
        raise = raise.quote("path", run.path(to).as_bytes(), run.packets[1]);
    }
    cx.raise(raise);
}

/// Median gap and the timing score of `c2-beacon` in thousandths: how alike the gaps are.
fn regularity(starts: &[Timestamp]) -> Option<(u64, u64)> {
    let gaps = starts.windows(2).filter_map(|w| Some((w.get(1)?.0 - w.first()?.0) / 1_000_000_000));
    let mut gaps: Vec<i64> = gaps.filter(|g| *g > 0).collect();
    gaps.sort_unstable();
    if gaps.len() + 1 < MIN_RUNS {
        return None;
    }
    let half = gaps.len() / 2;
    let (low, high) = (median(gaps.get(..half)?)?, median(gaps.get(gaps.len() - half..)?)?);
    let middle = median(&gaps)?;
    let mut away: Vec<i64> = gaps.iter().map(|g| (g * 2 - middle).abs()).collect();
    away.sort_unstable();
    // Medians are doubled, to stay whole numbers; those of `away` doubled again.
    let spread = median(&away)? / 2;
    let skew = match high - low {
        ..20 => 0,
        _ if middle == low || middle == high => 0,
        wide => ((low + high - 2 * middle).abs() * 1000) / wide,
    };
    let alike = if middle < 2 { 1000 } else { ((middle - spread).max(0) * 1000) / middle };
    let score = (1000 - skew + alike) / 2;
    Some((u64::try_from(middle / 2).ok()?, u64::try_from(score).ok()?))
}

/// Twice the median of a sorted list.
fn median(sorted: &[i64]) -> Option<i64> {
    let half = sorted.len() / 2;
    let upper = *sorted.get(half)?;
    Some(if sorted.len() % 2 == 1 { upper * 2 } else { upper + *sorted.get(half.checked_sub(1)?)? })
}

/// `86400` as `1 d`, `1800` as `30 min`.
fn span(seconds: u64) -> String {
    match seconds {
        s if s >= 86_400 - 600 => format!("{} d", (s + 43_200) / 86_400),
        s if s >= 7_200 => format!("{} h", (s + 1_800) / 3_600),
        s if s >= 120 => format!("{} min", (s + 30) / 60),
        s => format!("{s} s"),
    }
}

impl Detector for Traceroute {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Icmp, Kind::Probe]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Conn(conn) => self.conn(conn),
            Row::Icmp(icmp) => self.icmp(icmp),
            Row::Probe(probe) => self.probe(probe, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut all: Vec<(Key, &Trace)> = self.traces.iter().map(|(k, t)| (*k, t)).collect();
        all.sort_unstable_by_key(|t| t.0);
        let mut regular: Vec<(Key, Vec<Timestamp>, u64, u64)> = Vec::new();
        for (key, trace) in all {
            let mut starts = trace.starts.clone();
            close(key, &trace.run, &mut starts, cx);
            if let Some((period, score)) = regularity(&starts).filter(|r| r.1 >= MIN_REGULARITY) {
                regular.push((key, starts, period, score));
            }
        }
        for same in regular.chunk_by(|a, b| a.0.0 == b.0.0) {
            let severity = if same.len() >= PROBE_TARGETS { Severity::Info } else { Severity::Low };
            for ((from, to, proto), starts, period, score) in same {
                let runs = u64::try_from(starts.len()).unwrap_or(0);
                let (Some(first), Some(last)) = (starts.first(), starts.last()) else { continue };
                cx.raise(
                    Raise::new(&ABOUT, PERIODIC, *from, severity, Confidence::STATISTIC)
                        .key(format!("{to} by {proto}"))
                        .peer(*to)
                        .between(*first, *last)
                        .times(runs)
                        .measure(Measure::count("runs", runs, Some(MIN_RUNS as u64), "", Origin::Own))
                        .measure(Measure::count("time from one to the next", *period, None, "s", Origin::Own))
                        .measure(Measure::count(
                            "timing score in thousandths",
                            *score,
                            Some(MIN_REGULARITY),
                            "",
                            Origin::Field("RITA"),
                        ))
                        .quote("schedule", format!("every {}", span(*period)).as_bytes(), 0),
                );
            }
        }
    }

    fn held_len(&self) -> usize {
        let own = |t: &Trace| {
            t.run.sent.capacity() * size_of::<(u32, u8, Timestamp)>()
                + t.run.hops.capacity() * size_of::<Hop>()
                + t.starts.capacity() * size_of::<Timestamp>()
        };
        self.traces.held_len() + self.traces.iter().map(|(_, t)| own(t)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.traces.forgotten()
    }
}

#[cfg(test)]
mod tests;
