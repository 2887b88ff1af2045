//! # c2-beacon
//! ## How
//! Each host at home and each place outside that it calls (the name that TLS, QUIC, HTTP or a proxy's CONNECT was asked for, or else the
//! address), over the last 24 hours, or the whole of a shorter capture. The score is RITA's, of four parts alike: how
//! regular the gaps between contacts are (TS), how regular the bytes sent (DS), how even the 24 parts of the span (HIST), how long it lasts (DUR).
//! Contacts that are skipped now and then are found by their period: if gaps are multiples of one, TS is at least nine tenths of
//! how well they fit. Looked at once in an hour of packet time, and at the end. `strobe` are as many contacts in any 24 hours as seconds, counted by the hour.
//! `in-flow`: the same of the bursts of data that a host sends within one TCP connection, each behind a second's silence, from its third second on and while it has carried less than 2 MB.
//! ## Thresholds
//! Four different seconds; below 86,400 contacts in 24 hours (RITA); six of the 24 parts of the span, and TS of 0.7: calls by chance all day reach a score
//! of 0.83 through HIST and DUR alone (Sekisho's own choice, RITA has neither). Impact by score: 0.2 at 0.5, 0.4 at 0.7, 0.6 at 0.9, 0.8 at 1 (RITA); of
//! captures below a day from 0.7 on. 0.15 more for what one host of fifty uses, or a place to which the host's TLS client goes and
//! nowhere else, or one that is new in the last week of a longer capture; as much less for what half of all hosts use, or a place known for 30 days; 0.1 more for HTTP
//! without a Host. Severity above low, and `in-flow`, also need 12 contacts (Sekisho's own choice).
//! ## State
//! 917,504 pairs with up to three contacts in 32 bytes each; 65,536 with 64, of which 2,560 may come to have 2,048, of eight bytes each:
//! the least recent forgotten. Of more contacts the latest count, and the span begins with the first of them. Places, and the hosts of each: see the sources of
//! `detect`, 131,072. 2,048 connections with 384 bursts, and the flow table keeps 32 of each that is looked at.
//! ## Severity
//! Impact 0.6 high, 0.4 medium, 0.2 low. High needs something more than regularity: one host of fifty, a new place, a TLS client of its
//! own, or an address that no name was seen for; else medium. Of captures below six hours never above medium. Confidence 0.3 + 0.5 × score, at most 0.8;
//! 0.1 more if answers are alike but for a few large ones (idle polling with rare tasking); six tenths of it below six hours. What half of
//! the hosts use is `info`. `strobe` medium 0.5. `in-flow` is high only of an unknown protocol to an address without a name, medium with one of the two, or where one host of fifty goes; else low
//! (Sekisho's own choice: mail, chat, brokers and web sites keep connections open like this).
//! ## Benign
//! Updates, telemetry, mail, chat and monitoring call by the clock too. Left out: NTP, DNS, checks of certificates and of the network. What several
//! hosts do every half hour or less often is taken for a schedule of software, and only told by `audit-periodicity`.
//! ## Blind
//! Calls that nobody answers. Bursts over UDP and QUIC, and between hosts at home. Beacons slower than a few hours; what keeps office
//! hours is scored low, because it does not fill the day. A place is taken for known or new only in captures of a week or more. RITA's hints from MIME types and lists are not used
//! (`intel-contact` tells lists).
//! ## References
//! RITA v5 `analysis/beacons.go`; nDPI NDPI_PERIODIC_FLOW; Amazon GuardDuty Backdoor:EC2/C&CActivity.B; Hu et al., BAYWATCH, DSN 2016.

use crate::detection::Scope;
use crate::hosts::Role;
use crate::outside::{Call, Usage};
use crate::registry::Detector;
use crate::rows::{Conn, Http, Kind, Row, Ssl};
use crate::statistics::hints;
use crate::statistics::window::Sliding;
use crate::table::Recent;
use crate::{Cx, Raise};
use contacts::{Contact, Score, Scratch, score};
use in_flow::Talks;
use sekisho_finding::{About, Measure, Origin, Quality, Reason, Severity, Stage, Traffic, What, vital};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};
use std::hash::BuildHasher;

mod contacts;
mod in_flow;

static ABOUT: About = About {
    id: "c2-beacon",
    title: "regular call-outs",
    means: "This host contacts one destination at machine-like regular times with machine-like regular sizes.",
    techniques: &["T1071.001", "T1573", "T1029", "T1008"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "regular", means: "It calls one place at regular times with regular sizes." },
        Reason { code: "strobe", means: "It calls one place more often than once a second, all day." },
        Reason { code: "in-flow", means: "Within one open connection it speaks at regular times with regular sizes." },
    ],
    benign: "Updates, telemetry, mail, chat, monitoring: programs call by the clock too.",
    clears: "The program that calls is known and wanted, or the calls stop.",
    next: &[
        "See which program on the host has the connections.",
        "See who runs the destination, and since when it has existed.",
        "Look for other hosts with the same rhythm.",
    ],
    needs: &[vital(What::Some(Traffic::Any)), vital(What::Requests(Traffic::Any))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const REGULAR: &Reason = ABOUT.at(0);
const STROBE: &Reason = ABOUT.at(1);
const IN_FLOW: &Reason = ABOUT.at(2);

const RITA: Origin = Origin::Field("RITA v5");

/// Pairs with up to [`FEW`] contacts.
const MAX_FEW: usize = 917_504;
/// Contacts kept with those.
const FEW: usize = 3;
/// Pairs with more.
const MAX_PAIRS: usize = 65_536;
/// Contacts of those.
const LIGHT: usize = 64;
/// Pairs that may have [`FULL`] contacts.
const MAX_FULL: usize = 2_560;
const FULL: usize = 2_048;
/// TLS clients of hosts.
const MAX_CLIENTS: usize = 65_536;

const HOUR: Interval = Interval::from_secs(3_600);
const DAY: Interval = Interval::from_secs(86_400);
const WEEK: Interval = Interval::from_secs(7 * 86_400);
const MONTH: Interval = Interval::from_secs(30 * 86_400);
/// Seconds of the longest and the shortest span that is looked at.
const SPAN: (u32, u32) = (86_400, 3_600);
/// Seconds below which a capture is too short to be sure.
const SHORT: u32 = 6 * 3_600;
/// Contacts in a day from which on it is a strobe.
const STROBES: u64 = 86_400;
/// Regularity in time without which nothing is said; contacts without which nothing is more than low.
const MIN_TIME: f64 = 0.7;
const MIN_COUNT: usize = 12;
/// Seconds of a period from which on several hosts that share it have a schedule.
const SCHEDULE: f64 = 1_700.0;
/// Score that is needed where less than a day is covered.
const WITHIN_A_DAY: f64 = 0.7;
/// What a hint adds to the impact or takes from it.
const HINT: f64 = 0.15;

/// Names by which programs see whether there is a network or whether a certificate is still good, and the time.
const CHECKS: &[&str] = &[
    "captive.apple.com",
    "clients3.google.com",
    "connectivity-check.ubuntu.com",
    "connectivitycheck.android.com",
    "connectivitycheck.gstatic.com",
    "detectportal.firefox.com",
    "dns.msftncsi.com",
    "fedoraproject.org",
    "ipv6.msftconnecttest.com",
    "network-test.debian.org",
    "nmcheck.gnome.org",
    "www.msftconnecttest.com",
    "www.msftncsi.com",
];
const CHECK_LABELS: &[&str] = &["crl", "crl3", "crl4", "ntp", "ocsp", "time"];

/// The first contacts of a pair.
#[derive(Clone, Copy)]
struct Few([Option<Contact>; FEW]);

/// A pair that has gone on.
struct Pair {
    host: Addr,
    call: Call,
    /// The first address and the last.
    peers: [Addr; 2],
    contacts: Vec<Contact>,
    /// Second from which on all contacts are kept.
    kept_since: u32,
    /// Contacts since it was last judged, and last raised.
    fresh: u32,
    unsaid: u64,
    /// Contacts of the last day, of one that has had [`LIGHT`]; the most that there were.
    day: Option<Box<Sliding>>,
    most: u64,
    /// First and last flow, and the packets with which they asked for the place, or else ended.
    flows: [Uid; 2],
    packets: [u64; 2],
    /// The TLS client, if it has one.
    client: Option<u64>,
    /// HTTP without a Host.
    hostless: bool,
}

/// See the module.
pub(crate) struct Beacons {
    state: SeededState,
    talks: Talks,
    few: Recent<u64, Few>,
    pairs: Recent<u64, Box<Pair>>,
    /// The only place of each host's TLS client; `None` if there are several.
    clients: Recent<u64, Option<u64>>,
    /// Pairs with more than [`LIGHT`] contacts, and how many there may be.
    full: usize,
    most_full: usize,
    /// Contacts dropped because no more pairs could be full.
    thinned: u64,
    next_look: Timestamp,
    scratch: Scratch,
}

impl Beacons {
    pub fn new(scope: &Scope) -> Self {
        Self {
            state: SeededState(scope.seed),
            talks: Talks::new(scope),
            few: Recent::of(scope, MAX_FEW),
            pairs: Recent::of(scope, MAX_PAIRS),
            clients: Recent::of(scope, MAX_CLIENTS),
            full: 0,
            most_full: scope.entries(MAX_FULL),
            thinned: 0,
            next_look: Timestamp(i64::MIN),
            scratch: Scratch::default(),
        }
    }

    fn conn(&mut self, row: &Conn<'_>, cx: &Cx<'_>) {
        let Some(call) = cx.outside().at_hand() else { return };
        // An answer that did not come is no contact, unless answers are not in the capture at all.
        if row.orig_pkts == 0 || matches!(row.state, "S0" | "REJ" | "RSTOS0" | "SH") {
            return;
        }
        let Some(contact) = Contact::new(row.ts, row.orig_ip_bytes, row.resp_ip_bytes) else { return };
        let packet = if call.packet > 0 { call.packet } else { cx.packet };
        let key = self.state.hash_one((row.orig, call.place));
        if let Some(pair) = self.pairs.get(&key) {
            let most = if pair.contacts.len() < LIGHT || pair.contacts.capacity() > LIGHT {
                FULL
            } else if self.full < self.most_full {
                self.full += 1;
                FULL
            } else {
                self.thinned += 1;
                LIGHT
            };
            pair.add(contact, row, packet, most);
            return;
        }
        let few = self.few.at(key, || Few([None; FEW]));
        if let Some(free) = few.0.iter_mut().find(|c| c.is_none()) {
            *free = Some(contact);
            return;
        }
        let Some(few) = self.few.remove(&key) else { return };
        let mut pair = Box::new(Pair {
            host: row.orig,
            call,
            peers: [row.resp; 2],
            contacts: Vec::with_capacity(FEW + 1),
            kept_since: 0,
            fresh: 0,
            unsaid: FEW as u64,
            day: None,
            most: 0,
            flows: [row.uid; 2],
            packets: [packet; 2],
            client: None,
            hostless: false,
        });
        pair.contacts.extend(few.0.into_iter().flatten());
        pair.add(contact, row, packet, LIGHT);
        self.pairs.at(key, || pair);
    }

    fn tls(&mut self, row: &Ssl<'_>, cx: &Cx<'_>) {
        let print = if row.ja4.is_empty() { row.ja3 } else { row.ja4 };
        if print.is_empty() || !cx.hosts().is_internal(row.orig) {
            return;
        }
        let place = cx.outside().place(row.uid, row.resp);
        let client = self.state.hash_one((row.orig, print));
        let only = self.clients.at(client, || Some(place));
        *only = only.filter(|only| *only == place);
        if let Some(pair) = self.pairs.get(&self.state.hash_one((row.orig, place))) {
            pair.client = Some(client);
        }
    }

    fn http(&mut self, row: &Http<'_>, cx: &Cx<'_>) {
        if !row.host.is_empty() || row.method.is_empty() {
            return;
        }
        let place = cx.outside().place(row.uid, row.resp);
        if let Some(pair) = self.pairs.get(&self.state.hash_one((row.orig, place))) {
            pair.hostless = true;
        }
    }

    /// Judges every pair that has had contacts since the last time.
    fn look(&mut self, cx: &mut Cx<'_>) {
        let Some(start) = cx.outside().start() else { return };
        let length = cx.now - start;
        let seconds = u32::try_from(length.0 / 1_000_000_000).unwrap_or(u32::MAX);
        let span = seconds.clamp(SPAN.1, SPAN.0);
        let end = u32::try_from(cx.now.0.div_euclid(1_000_000_000)).unwrap_or(0).saturating_add(1);
        let length = if seconds < span { seconds.saturating_add(1) } else { span };
        let window = Window { end, length, covered: seconds };
        self.full = 0;
        let mut found = Vec::new();
        let (clients, scratch) = (&self.clients, &mut self.scratch);
        for pair in self.pairs.values_mut() {
            self.full += usize::from(pair.contacts.capacity() > LIGHT);
            if pair.fresh == 0 {
                continue;
            }
            pair.fresh = 0;
            let Some(score) = window.score(&mut pair.contacts, pair.kept_since, scratch) else { continue };
            let only = pair.client.and_then(|c| clients.peek(&c)).is_some_and(Option::is_some);
            if let Some(raise) = pair.judge(&score, only, seconds, cx) {
                found.push((pair.host, pair.peers[0], pair.call.place, raise));
                pair.unsaid = 0;
            }
        }
        // The table has no order.
        found.sort_unstable_by_key(|f| (f.0, f.1, f.2));
        found.into_iter().for_each(|f| cx.raise(f.3));
        self.talks.look(&window, scratch, cx);
    }
}

/// The time that is looked at.
struct Window {
    /// Second at which it ends, and seconds that it lasts at most.
    end: u32,
    length: u32,
    /// Seconds of the capture.
    covered: u32,
}

impl Window {
    /// The score of a list of contacts, some of them dropped before `kept_since`; those that are too old go.
    fn score(&self, contacts: &mut Vec<Contact>, kept_since: u32, scratch: &mut Scratch) -> Option<Score> {
        contacts.sort_unstable_by_key(|c| c.at);
        // Long after its last contact the span ends with that.
        let last = contacts.last().map_or(self.end, |c| c.at);
        let end = self.end.min(last.saturating_add(SPAN.1));
        let from = end.saturating_sub(self.length);
        let begin = contacts.partition_point(|c| c.at < from);
        drop(contacts.drain(..begin));
        let since = from.max(kept_since);
        score(contacts, since, end.saturating_sub(since).max(SPAN.1), scratch)
    }
}

impl Pair {
    fn add(&mut self, contact: Contact, row: &Conn<'_>, packet: u64, most: usize) {
        if self.contacts.len() >= most {
            self.contacts.sort_unstable_by_key(|c| c.at);
            drop(self.contacts.drain(..most / 4));
            self.kept_since = self.contacts.first().map_or(0, |c| c.at);
        }
        self.contacts.push(contact);
        self.count(row.ts);
        (self.fresh, self.unsaid) = (self.fresh.saturating_add(1), self.unsaid + 1);
        (self.flows[1], self.packets[1], self.peers[1]) = (row.uid, packet, row.resp);
    }

    /// One more contact, of any 24 hours.
    fn count(&mut self, ts: Timestamp) {
        if let Some(day) = &mut self.day {
            self.most = self.most.max(day.add(ts, DAY));
        } else if self.contacts.len() >= LIGHT {
            let mut day = Box::<Sliding>::default();
            for contact in &self.contacts {
                self.most = self.most.max(day.add(Timestamp::from_parts(i64::from(contact.at), 0), DAY));
            }
            self.day = Some(day);
        }
    }

    /// What is to be said of it, if anything; `only`: its TLS client goes nowhere else; `covered`: seconds of the capture.
    fn judge(&self, score: &Score, only: bool, covered: u32, cx: &Cx<'_>) -> Option<Raise> {
        let key = cx.called(self.call.place, self.peers[1]);
        if is_check(&key) {
            return None;
        }
        let usage = cx.outside().usage(self.call.place);
        let ts = |second: u32| Timestamp::from_parts(i64::from(second), 0);
        let raise = |reason, severity, confidence: f64| {
            Raise::new(&ABOUT, reason, self.host, severity, hints::confidence(confidence))
                .key(key.clone())
                .peer(self.peers[0])
                .peer(self.peers[1])
                .between(ts(score.first), ts(score.last))
                .times(self.unsaid)
                .flow(self.flows[0])
                .flow(self.flows[1])
                .packet(self.packets[0])
                .packet(self.packets[1])
        };
        if self.most >= STROBES {
            let severity = if usage.is_common() { Severity::Info } else { Severity::Medium };
            let count = Measure::count("contacts in a day", self.most, Some(STROBES), "", RITA);
            return Some(raise(STROBE, severity, 0.5).measure(count));
        }
        let seconds = score.seconds();
        if score.duration == 0.0 || score.time < MIN_TIME {
            return None;
        }
        if usage.hosts >= 2 && seconds >= SCHEDULE {
            return None;
        }
        let age = (cx.now - cx.outside().start()? >= WEEK).then(|| cx.now - usage.first);
        let new = age.is_some_and(|age| age <= WEEK);
        // RITA's bands are of whole days; parts of one have even gaps by chance more often.
        if covered < SPAN.0 && score.total() < WITHIN_A_DAY {
            return None;
        }
        let impact = impact(score.total())? + self.hints(usage, age, only);
        let nameless = !self.call.named && cx.name_of(self.peers[1]).is_none();
        let suspicious = new || only || nameless || usage.is_rare();
        let short = covered < SHORT;
        let severity = match impact {
            _ if usage.is_common() => Severity::Info,
            i if i < 0.2 => return None,
            i if i < 0.4 || score.count < MIN_COUNT => Severity::Low,
            i if i < 0.6 || !suspicious || short => Severity::Medium,
            _ => Severity::High,
        };
        let tasked = if score.tasked { 0.1 } else { 0.0 };
        let confidence = (0.3 + 0.5 * score.total() + tasked + if new { 0.1 } else { 0.0 }).min(0.8);
        let raise = raise(REGULAR, severity, if short { confidence * 0.6 } else { confidence });
        let mut raise = measured(raise, score, usage).lowered_for(Role::Proxy);
        let result = if usage.is_common() { "yes: no more than listed" } else { "no" };
        raise = raise.benign("half of the hosts at home go there", result);
        raise = raise.benign(
            "it has a name of its own, and other programs of the host go elsewhere the same way",
            if suspicious { "no" } else { "yes" },
        );
        Some(if short { raise.quality(Quality::Short) } else { raise })
    }

    /// What makes it more or less suspicious than its regularity.
    fn hints(&self, usage: Usage, age: Option<Interval>, only: bool) -> f64 {
        let mut sum = 0.0;
        if usage.is_rare() {
            sum += HINT;
        } else if usage.is_common() {
            sum -= HINT;
        }
        match age {
            Some(age) if age <= WEEK => sum += HINT,
            Some(age) if age >= MONTH => sum -= HINT,
            _ => {}
        }
        if only {
            sum += HINT;
        }
        if self.hostless { sum + 0.1 } else { sum }
    }
}

/// What was measured of contacts.
fn measured(raise: Raise, score: &Score, usage: Usage) -> Raise {
    let [low, middle, high] = score.gaps;
    let bins = score.bins.map(|b| b.to_string()).join(" ");
    let raise = raise
        .measure(Measure::real("score", score.total(), Some(0.5), "", RITA))
        .measure(Measure::real("regular in time", score.time, Some(MIN_TIME), "", Origin::Measured))
        .measure(Measure::real("regular in size", score.size, None, "", RITA))
        .measure(Measure::real("even over the span", score.histogram, None, "", RITA))
        .measure(Measure::real("lasting", score.duration, None, "", RITA))
        .measure(Measure::real("period", score.seconds(), None, "s", Origin::Own))
        .measure(Measure::real("quarter of the gaps below", low, None, "s", RITA))
        .measure(Measure::real("half of the gaps below", middle, None, "s", RITA))
        .measure(Measure::real("three quarters of the gaps below", high, None, "s", RITA))
        .measure(Measure::real("usual size sent", score.usual_size, None, "bytes", RITA))
        .measure(Measure::count("hosts that go there", usage.hosts, None, "", RITA))
        .measure(Measure::count("hosts at home that go anywhere", usage.of, None, "", RITA))
        .quote("contacts in each part of the span", bins.as_bytes(), 0);
    if score.tasked { raise.quote("how it talks", b"idle polling with rare tasking", 0) } else { raise }
}

/// RITA's impact of a score, by straight lines between its bands; `None` below them.
fn impact(score: f64) -> Option<f64> {
    const BANDS: [(f64, f64); 4] = [(0.5, 0.2), (0.7, 0.4), (0.9, 0.6), (1.0, 0.8)];
    let above = BANDS.iter().position(|(limit, _)| score < *limit).unwrap_or(BANDS.len());
    let (from, base) = BANDS.get(above.checked_sub(1)?)?;
    let Some((to, next)) = BANDS.get(above) else { return Some(*base) };
    Some(base + (score - from) / (to - from) * (next - base))
}

/// Is it a name by which programs see whether network, certificates or clock are in order?
pub(super) fn is_check(name: &str) -> bool {
    CHECKS.binary_search(&name).is_ok() || name.split('.').take(2).any(|label| CHECK_LABELS.contains(&label))
}

impl Detector for Beacons {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Bursts, Kind::Conn, Kind::Http, Kind::Ssl]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Bursts(row) => self.talks.add(row, cx),
            Row::Conn(row) => self.conn(row, cx),
            Row::Http(row) => self.http(row, cx),
            Row::Ssl(row) => self.tls(row, cx),
            _ => {}
        }
        if cx.now >= self.next_look {
            if self.next_look > Timestamp(i64::MIN) {
                self.look(cx);
            }
            self.next_look = Timestamp(cx.now.0.saturating_add(HOUR.0));
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.look(cx);
    }

    fn held_len(&self) -> usize {
        let day = |p: &Pair| p.day.as_ref().map_or(0, |_| size_of::<Sliding>());
        let contacts = |p: &Pair| size_of::<Pair>() + p.contacts.capacity() * size_of::<Contact>() + day(p);
        self.few.held_len()
            + self.pairs.held_len()
            + self.clients.held_len()
            + self.talks.held_len()
            + self.pairs.iter().map(|(_, pair)| contacts(pair)).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.few.forgotten() + self.pairs.forgotten() + self.clients.forgotten() + self.thinned + self.talks.forgotten()
    }
}

#[cfg(test)]
mod tests;
