//! # c2-beacon-scheduled
//! ## How
//! Calls of a host at home to a place outside over the last four weeks, by the hour, beside the hours in which the host said anything at all. Regular calls
//! (gaps that end a session left out) that are silent at night, at weekends and on the days of `--holidays`, while the host is on
//! (`office-hours`), or the other way round (`night-only`), in the time zone that fits best. `resumes-after-holiday`: after three silent days or more with a holiday among them,
//! calls go on at the very time of day at which they usually begin, while the host was on.
//! ## Thresholds
//! Of the parts regular in time, in size, evenness of the hours of the week that usually have calls, and share of the days on which they are expected, the mean is 0.8 at least; five
//! active days among seven in which the host is on; eight of ten silent hours are off hours, and nine of ten off hours are silent; the host is on in 24 off hours. Correlation with the number of names that the host asks for in an hour
//! below 0.7: what people start is silent when they are away. A gap ends a session from 30 minutes and ten usual gaps on. Resumed within two periods of the usual begin, after five begins.
//! All Sekisho's own choice.
//! ## State
//! 65,536 pairs that are counted up to 24 contacts; 1,024 pairs with 512 contacts and four weeks of hours, 10 kB each; 4,096 hosts, 800 bytes each. The least recent are
//! forgotten.
//! ## Severity
//! Medium; high if one host of fifty goes there, or the place is new in the last week. Confidence 0.4 + 0.4 × score, at most 0.8.
//! ## Benign
//! Backup and programs that people start. What five hosts do, and checks of certificates and the network, are left out.
//! ## Blind
//! Captures below eight days, as there has to be a weekend; hosts that are off when calls are silent. The time zone of the site is not known, only which zones fit. Calls within one connection count as one.
//! ## References
//! RITA v5 (whose histogram misses what fills nine hours of a day); ATT&CK T1029; working hours in the options of common implants.

use super::c2_beacon::is_check;
use crate::detection::Scope;
use crate::outside::Call;
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Row};
use crate::statistics::hints::confidence;
use crate::statistics::regularity::{period, spread_score};
use crate::statistics::robust::median;
use crate::table::Recent;
use crate::{Cx, Raise};
use hours::{Fit, Ring, Slot, Week, fit, hour, map, week};
use sekisho_finding::{About, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Day, Interval, SeededState, Timestamp, Uid};
use std::hash::BuildHasher;
use std::sync::Arc;

mod hours;

static ABOUT: About = About {
    id: "c2-beacon-scheduled",
    title: "beacon that keeps office hours",
    means: "Regular calls to one place go silent by the calendar, although the host itself stays on.",
    techniques: &["T1029", "T1071"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "office-hours", means: "The calls keep office hours, the host does not." },
        Reason { code: "night-only", means: "The calls come outside office hours only, the host is on in both." },
        Reason {
            code: "resumes-after-holiday",
            means: "After silent days around a holiday the calls went on at their usual time of day.",
        },
    ],
    benign: "Backup, and programs that people start.",
    clears: "The program that calls is known and wanted, or the calls stop.",
    next: &[
        "See which program on the host has the connections.",
        "See who runs the destination, and in which time zone its hours are office hours.",
        "Look for other hosts with the same hours.",
    ],
    needs: &[vital(What::Some(Traffic::Any)), vital(What::Requests(Traffic::Any)), useful(What::Days(8))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const OFFICE: &Reason = ABOUT.at(0);
const NIGHT: &Reason = ABOUT.at(1);
const RESUMES: &Reason = ABOUT.at(2);

/// Pairs that are counted, contacts that make one worth more, and those pairs.
const MAX_COUNTED: usize = 65_536;
const MIN_CONTACTS: u8 = 24;
const MAX_PAIRS: usize = 1_024;
const MAX_CONTACTS: usize = 512;
const MAX_HOSTS: usize = 4_096;
/// Begins of sessions that are kept.
const MAX_BEGINS: usize = 64;

const DAY: Interval = Interval::from_secs(86_400);
const DAYS: Interval = Interval::from_secs(7 * 86_400);
/// Length of a capture that is looked at, and days with hours in which the host is on: a weekend has to be among them.
const MIN_LENGTH: Interval = Interval::from_secs(8 * 86_400);
const MIN_UP_DAYS: usize = 7;
const MIN_DAYS: usize = 5;
const MIN_SCORE: f64 = 0.8;
/// Shares of silent hours that are off, and of off hours that are silent; off hours in which the host is on.
const MIN_OF_SILENT: f64 = 0.8;
const MIN_OF_OFF: f64 = 0.9;
const MIN_OFF: usize = 24;
/// Correlation with what people do.
const PEOPLE: f64 = 0.7;
/// Hosts that share a place from which on it is no one host's.
const SHARED: u64 = 5;
/// Seconds of a gap that ends a session, at least, and as many usual gaps.
const PAUSE: f64 = 1_800.0;
const PAUSES: f64 = 10.0;
/// Seconds of silence behind which a day's calls begin, and those of days off.
const NIGHTLY: i64 = 4 * 3_600;
const OFF: i64 = 3 * 86_400;
/// Hours that a host has to be on while calls are off.
const MIN_ON: usize = 24;
/// Zones, hours ahead of UTC.
const ZONES: std::ops::RangeInclusive<i64> = -12..=14;

/// A host's hours: 0 off, else one more than the names that it asked for.
struct Host {
    hours: Ring<u8>,
    /// A bit for each name of the hour `of`, by its hash.
    marks: u64,
    of: i64,
}

/// A contact: second since 1970, bytes sent.
#[derive(Clone, Copy)]
struct Contact {
    at: i64,
    sent: u32,
}

/// Calls of a host to a place.
struct Pair {
    host: Addr,
    peer: Addr,
    call: Call,
    contacts: Vec<Contact>,
    hours: Ring<u16>,
    last: i64,
    /// First contacts behind a night's silence, with the last before.
    begins: Vec<(i64, i64)>,
    flows: [Uid; 2],
    packets: [u64; 2],
    count: u64,
    first: Timestamp,
    /// A calendar was told, and that it resumed.
    said: [bool; 2],
}

/// See the module.
pub(crate) struct Scheduled {
    state: SeededState,
    holidays: Arc<[Day]>,
    counted: Recent<u64, u8>,
    pairs: Recent<u64, Box<Pair>>,
    hosts: Recent<Addr, Host>,
    next_look: Timestamp,
}

impl Scheduled {
    pub fn new(scope: &Scope) -> Self {
        Self {
            state: SeededState(scope.seed),
            holidays: Arc::clone(&scope.holidays),
            counted: Recent::of(scope, MAX_COUNTED),
            pairs: Recent::of(scope, MAX_PAIRS),
            hosts: Recent::of(scope, MAX_HOSTS),
            next_look: Timestamp(i64::MIN),
        }
    }

    fn conn(&mut self, row: &Conn<'_>, cx: &Cx<'_>) {
        if row.orig_pkts == 0 || !cx.hosts().is_internal(row.orig) {
            return;
        }
        let call = cx.outside().at_hand();
        let (from, to) = (hour(row.ts), hour(row.ts + row.duration));
        let host = self.hosts.at(row.orig, || Host { hours: Ring::new(from), marks: 0, of: from });
        // A flow that lasts for longer than is kept marks what is kept.
        for hour in from.max(to - hours::HOURS + 1)..=to {
            if let Some(up) = host.hours.at(hour) {
                *up = (*up).max(1);
            }
        }
        let Some(call) = call else { return };
        if call.named {
            if host.of != from {
                (host.of, host.marks) = (from, 0);
            }
            host.marks |= 1 << (call.place % 64);
            if let Some(names) = host.hours.at(from) {
                *names = (*names).max(1 + u8::try_from(host.marks.count_ones()).unwrap_or(u8::MAX - 1));
            }
        }
        if matches!(row.state, "S0" | "REJ" | "RSTOS0" | "SH") {
            return;
        }
        let packet = if call.packet > 0 { call.packet } else { cx.packet };
        let key = self.state.hash_one((row.orig, call.place));
        if let Some(pair) = self.pairs.get(&key) {
            return pair.add(row, packet);
        }
        let count = self.counted.at(key, || 0);
        *count += 1;
        if *count < MIN_CONTACTS {
            return;
        }
        self.counted.remove(&key);
        let at = second(row.ts);
        let mut pair = Box::new(Pair {
            host: row.orig,
            peer: row.resp,
            call,
            contacts: Vec::new(),
            hours: Ring::new(from),
            last: at,
            begins: Vec::new(),
            flows: [row.uid; 2],
            packets: [packet; 2],
            count: 0,
            first: row.ts,
            said: [false; 2],
        });
        pair.add(row, packet);
        self.pairs.at(key, || pair);
    }

    /// Judges all pairs.
    fn look(&mut self, cx: &mut Cx<'_>) {
        if cx.outside().start().is_none_or(|start| cx.now - start < MIN_LENGTH) {
            return;
        }
        let mut found = Vec::new();
        for pair in self.pairs.values_mut() {
            if let Some(host) = self.hosts.peek(&pair.host) {
                found.extend(
                    pair.judge(host, &self.holidays, cx).map(|raise| (pair.host, pair.peer, pair.call.place, raise)),
                );
            }
        }
        // The table has no order.
        found.sort_unstable_by_key(|f| (f.0, f.1, f.2));
        found.into_iter().for_each(|f| cx.raise(f.3));
    }
}

fn second(ts: Timestamp) -> i64 {
    ts.0.div_euclid(1_000_000_000)
}

/// How regular the contacts of a pair are within their sessions.
struct Regular {
    time: f64,
    size: f64,
    /// The usual gap, seconds.
    period: f64,
}

impl Pair {
    fn add(&mut self, row: &Conn<'_>, packet: u64) {
        let at = second(row.ts);
        if self.contacts.len() >= MAX_CONTACTS {
            self.contacts.sort_unstable_by_key(|c| c.at);
            drop(self.contacts.drain(..MAX_CONTACTS / 4));
        }
        self.contacts.push(Contact { at, sent: u32::try_from(row.orig_ip_bytes).unwrap_or(u32::MAX) });
        if let Some(calls) = self.hours.at(hour(row.ts)) {
            *calls = calls.saturating_add(1);
        }
        if at - self.last >= NIGHTLY {
            if self.begins.len() >= MAX_BEGINS {
                self.begins.remove(0);
            }
            self.begins.push((self.last, at));
        }
        self.last = self.last.max(at);
        self.count += 1;
        (self.flows[1], self.packets[1]) = (row.uid, packet);
    }

    fn regular(&mut self) -> Option<Regular> {
        self.contacts.sort_unstable_by_key(|c| c.at);
        let pairs = self.contacts.iter().zip(self.contacts.iter().skip(1));
        let mut gaps: Vec<f64> = pairs.map(|(a, b)| (b.at - a.at) as f64).filter(|gap| *gap > 0.0).collect();
        gaps.sort_unstable_by(f64::total_cmp);
        let usual = median(&gaps);
        let pause = (PAUSES * usual).max(PAUSE);
        gaps.truncate(gaps.partition_point(|gap| *gap <= pause));
        if gaps.len() < 3 {
            return None;
        }
        let mut sizes: Vec<f64> = self.contacts.iter().map(|c| f64::from(c.sent)).collect();
        sizes.sort_unstable_by(f64::total_cmp);
        let mut scratch = Vec::new();
        let folded = period(&gaps);
        let time = spread_score(&gaps, 1.0, &mut scratch).max(0.9 * folded.fold);
        Some(Regular { time, size: spread_score(&sizes, 0.0, &mut scratch), period: usual })
    }

    /// The hours in which the host was up since the pair's first contact.
    fn slots(&self, host: &Host) -> Vec<Slot> {
        let (first, _) = self.hours.known();
        let (_, last) = host.hours.known();
        let up = |hour: i64| {
            let names = host.hours.get(hour);
            let calls = u32::from(self.hours.get(hour));
            (names > 0).then(|| Slot { hour, calls, names: u32::from(names) - 1 })
        };
        // Part of the first hour was before the first contact.
        (first.max(last - hours::HOURS + 1) + 1..=last).filter_map(up).collect()
    }

    /// What is to be said of it.
    fn judge(&mut self, host: &Host, holidays: &[Day], cx: &Cx<'_>) -> Option<Raise> {
        if self.said.iter().all(|said| *said) {
            return None;
        }
        let usage = cx.outside().usage(self.call.place);
        if usage.hosts >= SHARED || usage.is_common() {
            return None;
        }
        let regular = self.regular()?;
        let slots = self.slots(host);
        let week = week(&slots);
        if week.active_days < MIN_DAYS || week.up_days < MIN_UP_DAYS || week.with_names >= PEOPLE {
            return None;
        }
        let days = (week.active_days as f64 / week.usual_days.max(1) as f64).min(1.0);
        let score = (regular.time + regular.size + week.even + days) / 4.0;
        let key = cx.called(self.call.place, self.peer);
        if score < MIN_SCORE || is_check(&key) {
            return None;
        }
        let new = cx.outside().start().is_some_and(|start| cx.now - start >= DAYS) && cx.now - usage.first <= DAYS;
        let severity = if new || usage.is_rare() { Severity::High } else { Severity::Medium };
        let raise = |reason: &'static Reason| {
            Raise::new(&ABOUT, reason, self.host, severity, confidence((0.4 + 0.4 * score).min(0.8)))
                .key(key.clone())
                .peer(self.peer)
                .between(self.first, Timestamp::from_parts(self.last, 0))
                .times(self.count)
                .flow(self.flows[0])
                .flow(self.flows[1])
                .packet(self.packets[0])
                .packet(self.packets[1])
                .measure(Measure::real("score", score, Some(MIN_SCORE), "", Origin::Own))
                .measure(Measure::real("regular in time", regular.time, None, "", Origin::Own))
                .measure(Measure::real("regular in size", regular.size, None, "", Origin::Own))
                .measure(Measure::real("even over its hours", week.even, None, "", Origin::Own))
                .measure(Measure::real("days that it kept", days, None, "", Origin::Own))
                .measure(Measure::real("period", regular.period, None, "s", Origin::Own))
                .measure(Measure::count("active days", week.active_days as u64, Some(MIN_DAYS as u64), "", Origin::Own))
                .measure(Measure::count("hosts that go there", usage.hosts, None, "", Origin::Own))
                .benign("people start it: it follows the names that the host asks for", "no")
                .benign("several hosts at home go there", "no")
        };
        // What is night in one zone is day in another: the better of both.
        let fits = [(OFFICE, false), (NIGHT, true)].map(|(reason, nights)| (reason, best(&slots, nights, holidays)));
        let fits = fits.into_iter().filter_map(|(reason, best)| best.map(|(fit, zones)| (reason, fit, zones)));
        let best = fits.max_by(|a, b| a.1.sum().total_cmp(&b.1.sum()));
        if let Some((reason, best, zones)) = best.filter(|_| !self.said[0]) {
            let raise = shown(raise(reason), &best, zones, &week, &slots);
            self.said[0] = true;
            return Some(raise);
        }
        let resumed = self.resumed(&slots, regular.period, holidays).filter(|_| !self.said[1])?;
        let raise = raise(RESUMES);
        self.said[1] = true;
        let (silent, off) = resumed;
        Some(
            raise
                .measure(Measure::real("silent days", silent as f64 / 86_400.0, Some(3.0), "", Origin::Own))
                .measure(Measure::real("missed its usual begin by", off, Some(2.0 * regular.period), "s", Origin::Own))
                .quote("week in UTC", map(&slots).as_bytes(), 0),
        )
    }

    /// Seconds of silence around a holiday, and by how much the calls then missed their usual time of day.
    fn resumed(&self, slots: &[Slot], period: f64, holidays: &[Day]) -> Option<(i64, f64)> {
        if self.begins.len() < MIN_DAYS {
            return None;
        }
        let time = |at: i64| at.rem_euclid(86_400);
        let mut usual: Vec<f64> = self.begins.iter().map(|b| time(b.1) as f64).collect();
        usual.sort_unstable_by(f64::total_cmp);
        let usual = median(&usual);
        self.begins.iter().find_map(|(before, at)| {
            let days = before.div_euclid(86_400) + 1..at.div_euclid(86_400);
            let on = slots.iter().filter(|s| (before / 3_600 + 1..at / 3_600).contains(&s.hour)).count();
            let missed = (time(*at) as f64 - usual).abs();
            let fits = at - before >= OFF
                && holidays.iter().any(|d| days.contains(&d.0))
                && on >= MIN_ON
                && missed <= 2.0 * period;
            fits.then_some((at - before, missed))
        })
    }
}

/// The zone whose calendar fits best, if any fits, and the first and last of those that do.
fn best(slots: &[Slot], nights: bool, holidays: &[Day]) -> Option<(Fit, [i64; 2])> {
    let fits: Vec<Fit> = ZONES
        .map(|zone| fit(slots, zone, nights, holidays))
        .filter(|f| f.of_silent >= MIN_OF_SILENT && f.of_off >= MIN_OF_OFF && f.off >= MIN_OFF)
        .collect();
    let best = fits.iter().max_by(|a, b| a.sum().total_cmp(&b.sum()).then(b.zone.abs().cmp(&a.zone.abs())))?;
    Some((*best, [fits.first()?.zone, fits.last()?.zone]))
}

fn shown(raise: Raise, best: &Fit, [from, to]: [i64; 2], week: &Week, slots: &[Slot]) -> Raise {
    let zones = format!("best UTC{:+}, fitting UTC{from:+} to UTC{to:+}", best.zone);
    raise
        .measure(Measure::real("silent hours that are off", best.of_silent, Some(MIN_OF_SILENT), "", Origin::Own))
        .measure(Measure::real("off hours that are silent", best.of_off, Some(MIN_OF_OFF), "", Origin::Own))
        .measure(Measure::real("correlation with names asked for", week.with_names, Some(PEOPLE), "", Origin::Own))
        .quote("time zone", zones.as_bytes(), 0)
        .quote("week in UTC", map(slots).as_bytes(), 0)
}

impl Detector for Scheduled {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::Conn(row) = row {
            self.conn(row, cx);
        }
        if cx.now >= self.next_look {
            if self.next_look > Timestamp(i64::MIN) {
                self.look(cx);
            }
            self.next_look = Timestamp(cx.now.0.saturating_add(DAY.0));
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.look(cx);
    }

    fn held_len(&self) -> usize {
        let owned = |p: &Pair| {
            size_of::<Pair>()
                + p.hours.held_len()
                + p.contacts.capacity() * size_of::<Contact>()
                + p.begins.capacity() * size_of::<(i64, i64)>()
        };
        self.counted.held_len()
            + self.pairs.held_len()
            + self.hosts.held_len()
            + self.pairs.iter().map(|(_, p)| owned(p)).sum::<usize>()
            + self.hosts.iter().map(|(_, h)| h.hours.held_len()).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.counted.forgotten() + self.pairs.forgotten() + self.hosts.forgotten()
    }
}

#[cfg(test)]
mod tests;
