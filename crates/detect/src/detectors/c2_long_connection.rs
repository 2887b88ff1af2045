//! # c2-long-connection
//! ## How
//! For each host at home and each place outside how long connections between them were open within 24 hours: the longest one
//! (`single`), or all together, time that two share counted once (`cumulative`). Connections below a minute are not looked at. `silent-keepalive`: a TCP connection
//! that says a few bytes now and then, always as regularly, and nothing else.
//! ## Thresholds
//! Impact by hours: 0.2 at 1, 0.4 at 4, 0.6 at 8, 0.8 at 12, by straight lines between (RITA). Of a protocol that is recognised, to a
//! place that has a name, only from four hours on (Sekisho's own choice: mail, chat and terminals are open for hours). Silent: an hour, 12 bursts, none above 200 bytes sent
//! or received, regularity in time of 0.8 (as `c2-beacon` reckons it), below 50 kB an hour.
//! ## State
//! 32,768 hosts with places, 200 bytes each; 4,096 connections with up to 256 times of bursts; the least recent forgotten.
//! ## Severity
//! RITA's bands (0.2 low, 0.4 medium, 0.6 high), but above low only if the protocol is not recognised or no name was seen for the address, and high
//! only if both (Sekisho's own choice). Confidence 0.35, 0.2 more for an unknown protocol, 0.1 more for a place that one host of fifty uses. What half of the hosts use
//! is `info`.
//! ## Benign
//! VPN, SSH, mail, chat, brokers of devices, video. What is nearly all received, and 100 MB or more, is a stream and left out (producer-consumer ratio
//! below −0.9).
//! ## Blind
//! A connection is judged when it ends, or the capture does. Of one that began before the capture, time counts from the first packet seen. Regularity is not seen of UDP, nor of what pauses for more than five minutes: there another flow begins.
//! ## References
//! RITA v5 long connections; Bullard and Gerth, PCR, A New Flow Metric, FloCon 2014.

use crate::detection::Scope;
use crate::outside::{Call, Usage};
use crate::registry::Detector;
use crate::rows::{Bursts, Conn, Kind, Row};
use crate::statistics::hints::{confidence, producer_ratio};
use crate::statistics::regularity::{period, spread_score};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Interval, SeededState, Timestamp, Uid};
use std::hash::BuildHasher;

static ABOUT: About = About {
    id: "c2-long-connection",
    title: "connection that stays open",
    means: "This host keeps one outside connection (or the sum of them to one place) open for hours.",
    techniques: &["T1571", "T1572", "T1095"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "single", means: "One connection was open for hours." },
        Reason { code: "cumulative", means: "Connections to one place were open for hours, one after the other." },
        Reason { code: "silent-keepalive", means: "One connection was kept open with a few bytes at regular times." },
    ],
    benign: "VPN, terminals, mail, chat, brokers of devices, video.",
    clears: "The program that keeps it open is known and wanted.",
    next: &["See which program on the host has the connection.", "See who runs the destination."],
    needs: &[
        vital(What::Some(Traffic::Any)),
        useful(What::Requests(Traffic::Any)),
        useful(What::Answers(Traffic::Any)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const SINGLE: &Reason = ABOUT.at(0);
const CUMULATIVE: &Reason = ABOUT.at(1);
const SILENT: &Reason = ABOUT.at(2);

const RITA: Origin = Origin::Field("RITA v5");

const MAX_PAIRS: usize = 32_768;
const MINUTE: Interval = Interval::from_secs(60);
const DAY: Interval = Interval::from_secs(86_400);
/// Seconds and impact (RITA).
const BANDS: [(f64, f64); 4] = [(3_600.0, 0.2), (14_400.0, 0.4), (28_800.0, 0.6), (43_200.0, 0.8)];
/// Impact from which on what is known is told.
const KNOWN_IMPACT: f64 = 0.4;
/// A stream: how much of it is received, and how much it is.
const STREAM_RATIO: f64 = -0.9;
const STREAM_LEN: u64 = 100_000_000;

/// Connections whose bursts are kept, and how many of each.
const MAX_TALKS: usize = 4_096;
const MAX_BURSTS: usize = 256;
/// What is silent: seconds that it lasts, bursts, bytes of one, regularity in time, bytes an hour.
const SILENT_SECONDS: f64 = 3_600.0;
const MIN_BURSTS: usize = 12;
const MAX_BURST_LEN: u64 = 200;
const MIN_REGULAR: f64 = 0.8;
const MAX_HOURLY: f64 = 50_000.0;

/// When a connection spoke; none if it ever said much at once.
#[derive(Default)]
struct Talk {
    seconds: Vec<u32>,
    loud: bool,
    longest: u64,
}

/// Connections of a host with a place within a day.
struct Open {
    since: Timestamp,
    /// Until when time is counted, and how much it is.
    until: Timestamp,
    total: Interval,
    longest: Interval,
    count: u64,
    sent: u64,
    received: u64,
    first: Uid,
}

/// See the module.
pub(crate) struct LongConnection {
    state: SeededState,
    pairs: Recent<u64, Open>,
    talks: Recent<Uid, Talk>,
    scratch: Vec<f64>,
}

impl LongConnection {
    pub fn new(scope: &Scope) -> Self {
        Self {
            state: SeededState(scope.seed),
            pairs: Recent::of(scope, MAX_PAIRS),
            talks: Recent::of(scope, MAX_TALKS),
            scratch: Vec::new(),
        }
    }

    fn bursts(&mut self, row: &Bursts<'_>) {
        if row.seconds.is_empty() {
            return;
        }
        let talk = self.talks.at(row.uid, Talk::default);
        let longest = row.sent.counts().chain(row.received.counts()).max().unwrap_or(0);
        talk.longest = talk.longest.max(longest);
        talk.loud |= longest > MAX_BURST_LEN;
        if talk.loud {
            talk.seconds = Vec::new();
            return;
        }
        for at in row.seconds.counts() {
            if talk.seconds.len() >= MAX_BURSTS {
                drop(talk.seconds.drain(..MAX_BURSTS / 4));
            }
            talk.seconds.push(u32::try_from(at).unwrap_or(0));
        }
    }

    /// How regular a connection that has ended was, and its period in seconds, if it was silent but for that.
    fn silence(&mut self, row: &Conn<'_>) -> Option<(Talk, f64, f64)> {
        let talk = self.talks.remove(&row.uid)?;
        let lasted = row.duration.0 as f64 / 1e9;
        let hourly = row.orig_bytes.saturating_add(row.resp_bytes) as f64 * 3_600.0 / lasted.max(1.0);
        if talk.loud || talk.seconds.len() < MIN_BURSTS || lasted < SILENT_SECONDS || hourly >= MAX_HOURLY {
            return None;
        }
        let pairs = talk.seconds.iter().zip(talk.seconds.iter().skip(1));
        let mut gaps: Vec<f64> = pairs.map(|(a, b)| f64::from(b.saturating_sub(*a))).filter(|gap| *gap > 0.0).collect();
        gaps.sort_unstable_by(f64::total_cmp);
        let found = period(&gaps);
        let time = spread_score(&gaps, 1.0, &mut self.scratch).max(0.9 * found.fold);
        (time >= MIN_REGULAR).then_some((talk, time, found.seconds))
    }

    fn conn(&mut self, row: &Conn<'_>, cx: &mut Cx<'_>) {
        if row.duration < MINUTE {
            return;
        }
        let silence = self.silence(row);
        let Some(call) = cx.outside().at_hand() else { return };
        if let Some(silence) = silence {
            silent(row, &call, &silence, cx);
        }
        if row.orig_pkts == 0 || (row.resp_pkts == 0 && row.one_sided.is_empty()) || row.state == "S0" {
            return;
        }
        let end = row.ts + row.duration;
        let key = self.state.hash_one((row.orig, call.place));
        let open = self.pairs.at(key, || Open::new(row));
        if row.ts - open.since >= DAY {
            *open = Open::new(row);
        }
        // Rows come in the order of their ends.
        open.total.0 = open.total.0.saturating_add((end - row.ts.max(open.until)).0.max(0));
        open.until = open.until.max(end);
        open.longest = open.longest.max(row.duration);
        open.count += 1;
        open.sent = open.sent.saturating_add(row.orig_bytes);
        open.received = open.received.saturating_add(row.resp_bytes);
        let seconds = |i: Interval| i.0 as f64 / 1e9;
        let (single, all) = (impact(seconds(open.longest)), impact(seconds(open.total)));
        // All together say more only if they are of a higher band.
        let together = band(all) > band(single);
        let (reason, impact) = if together { (CUMULATIVE, all) } else { (SINGLE, single) };
        if band(impact) == 0 || (!together && row.duration < open.longest) {
            return;
        }
        let is_stream = producer_ratio(open.sent, open.received) < STREAM_RATIO && open.received >= STREAM_LEN;
        let unknown = row.app.is_empty();
        let nameless = !call.named && cx.name_of(row.resp).is_none();
        if is_stream || (impact < KNOWN_IMPACT && !unknown && !nameless) {
            return;
        }
        let usage = cx.outside().usage(call.place);
        let (severity, sure) = grade(impact, unknown, nameless, usage);
        let hours = |i: Interval| seconds(i) / 3600.0;
        cx.raise(
            Raise::new(&ABOUT, reason, row.orig, severity, confidence(sure))
                .key(format!("{}:{}", cx.called(call.place, row.resp), row.resp_port))
                .peer(row.resp)
                .between(open.since.min(row.ts), end)
                .times(if together { open.count } else { 1 })
                .flow(open.first)
                .flow(row.uid)
                .packet(cx.packet)
                .measure(Measure::real("longest connection", hours(open.longest), Some(1.0), "h", RITA))
                .measure(Measure::real("open in a day", hours(open.total), Some(1.0), "h", RITA))
                .measure(Measure::count("connections", open.count, None, "", RITA))
                .measure(Measure::count("bytes sent", open.sent, None, "bytes", Origin::Own))
                .measure(Measure::count("bytes received", open.received, None, "bytes", Origin::Own))
                .measure(Measure::count("hosts that go there", usage.hosts, None, "", RITA))
                .quote("protocol", if unknown { b"not recognised" } else { row.app }, 0)
                .benign("it is a stream: nearly all is received", "no")
                .benign(
                    "a protocol that is known, to a place with a name",
                    if unknown || nameless { "no" } else { "yes: no more than low" },
                ),
        );
    }
}

impl Open {
    fn new(row: &Conn<'_>) -> Self {
        Self {
            since: row.ts,
            until: row.ts,
            total: Interval::ZERO,
            longest: Interval::ZERO,
            count: 0,
            sent: 0,
            received: 0,
            first: row.uid,
        }
    }
}

/// How bad a connection of that impact is, and how sure.
fn grade(impact: f64, unknown: bool, nameless: bool, usage: Usage) -> (Severity, f64) {
    let highest = match (unknown, nameless) {
        _ if usage.is_common() => Severity::Info,
        (true, true) => Severity::High,
        (false, false) => Severity::Low,
        _ => Severity::Medium,
    };
    let bands = [Severity::Low, Severity::Medium, Severity::High];
    let severity = bands.get(band(impact).saturating_sub(1)).copied().unwrap_or(Severity::High);
    let sure = 0.35 + if unknown { 0.2 } else { 0.0 } + if usage.is_rare() { 0.1 } else { 0.0 };
    (severity.min(highest), sure)
}

/// A connection that was silent but for a few bytes at regular times has ended.
fn silent(row: &Conn<'_>, call: &Call, (talk, time, period): &(Talk, f64, f64), cx: &mut Cx<'_>) {
    let lasted = row.duration.0 as f64 / 1e9;
    let unknown = row.app.is_empty();
    let nameless = !call.named && cx.name_of(row.resp).is_none();
    let impact = impact(lasted);
    if impact < KNOWN_IMPACT && !unknown && !nameless {
        return;
    }
    let usage = cx.outside().usage(call.place);
    let (severity, sure) = grade(impact, unknown, nameless, usage);
    let hourly = row.orig_bytes.saturating_add(row.resp_bytes) as f64 * 3_600.0 / lasted;
    cx.raise(
        Raise::new(&ABOUT, SILENT, row.orig, severity, confidence(sure))
            .key(format!("{}:{}", cx.called(call.place, row.resp), row.resp_port))
            .peer(row.resp)
            .between(row.ts, row.ts + row.duration)
            .times(talk.seconds.len() as u64)
            .flow(row.uid)
            .packet(cx.packet)
            .measure(Measure::real("lasted", lasted / 3_600.0, Some(1.0), "h", Origin::Own))
            .measure(Measure::count("longest burst", talk.longest, Some(MAX_BURST_LEN), "bytes", Origin::Own))
            .measure(Measure::real("regular in time", *time, Some(MIN_REGULAR), "", Origin::Own))
            .measure(Measure::real("period", *period, None, "s", Origin::Own))
            .measure(Measure::real("bytes an hour", hourly, Some(MAX_HOURLY), "bytes", Origin::Own))
            .measure(Measure::count("hosts that go there", usage.hosts, None, "", RITA))
            .quote("protocol", if unknown { b"not recognised" } else { row.app }, 0)
            .benign(
                "a protocol that is known, to a place with a name",
                if unknown || nameless { "no" } else { "yes: no more than low" },
            ),
    );
}

/// By straight lines between the bands; 0 below them.
fn impact(seconds: f64) -> f64 {
    let above = BANDS.iter().position(|(limit, _)| seconds < *limit).unwrap_or(BANDS.len());
    let Some((from, base)) = above.checked_sub(1).and_then(|i| BANDS.get(i)) else { return 0.0 };
    let Some((to, next)) = BANDS.get(above) else { return *base };
    base + (seconds - from) / (to - from) * (next - base)
}

/// 0: none, then low, medium, high.
fn band(impact: f64) -> usize {
    [0.2, 0.4, 0.6].iter().filter(|limit| impact >= **limit).count()
}

impl Detector for LongConnection {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Bursts, Kind::Conn]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Bursts(row) => self.bursts(row),
            Row::Conn(row) => self.conn(row, cx),
            _ => {}
        }
    }

    fn held_len(&self) -> usize {
        let owned = |t: &Talk| t.seconds.capacity() * size_of::<u32>();
        self.pairs.held_len()
            + self.talks.held_len()
            + self.talks.iter().map(|(_, t)| owned(t)).sum::<usize>()
            + self.scratch.capacity() * size_of::<f64>()
    }

    fn forgotten(&self) -> u64 {
        self.pairs.forgotten() + self.talks.forgotten()
    }
}

#[cfg(test)]
mod tests;
