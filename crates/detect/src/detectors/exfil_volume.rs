//! # exfil-volume
//! ## How
//! What each host at home sends out of the network by hour and by day (payload without repetitions, spread evenly over the time that a flow lasted) is held against what it usually sends then: the same hour of the
//! week and those beside it, the same weekday and those beside it, over six weeks; medians and deviations of logarithms. `hour`, `day`: far more than usual. `pcr-shift`: the share
//! of sending in all traffic is far above that of the last 28 days. `drip`: a little too much, day after day (cumulated sum). The places to which four fifths of the surplus
//! went are named.
//! ## Thresholds
//! What was reached twice at the same time before is usual, too: a weekly backup is one of three values there, which the median of the specification does not see
//! (Sekisho's own choice). `hour`: six deviations, 50 MB, three times as much. `day`: five deviations, 200 MB, twice as much. `pcr-shift`: producer-consumer ratio 0.4 above the median (about 70 to
//! 30), 100 MB. `drip`: cumulated sum of deviations beyond a half reaches 8 with seven days of rise in a row and 500 MB. A deviation is a tenth of what is expected at least. Usual is what there are
//! six values of, from 14 days on. Proxies and resolvers have eight times the limits. Sekisho's own choice.
//! ## State
//! 4,096 hosts: hours of the week and weekdays (six values of two bytes each), 28 ratios, three hours and two days that may still grow with eight places each, about 3.5 KiB; the
//! least recent forgotten. 1,024 hours in which anything was captured. 4,096 findings until the run is over.
//! ## Severity
//! Medium 0.55; high if most of the surplus went to one place that nobody here used a week ago, or if the host is a server or domain controller; 0.1 more if it is told to be commanded from outside;
//! never above 0.8. A host that is known for less than 14 days is held against the median of at least three others: `info` 0.33.
//! ## Benign
//! Backups at their usual time are usual. If the same place grew for five hosts on one day, it is told once, as `info`. Video calls, publishing, a new machine's first synchronisation: mute by host and place.
//! ## Blind
//! Captures of less than 14 days: of a single hour nobody knows what is usual. Hours in which no host was captured are no silence. Hours are those of UTC. Flows
//! that lasted longer than three hours count only for the last of them, and for the last two days.
//! ## References
//! ATT&CK T1041, T1048, T1030, T1020; Page 1954 (CUSUM); Bullard and Gerth, FloCon 2014; GuardDuty Behavior:EC2/TrafficVolumeUnusual.

mod history;

use crate::detection::Scope;
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Row};
use crate::statistics::hints::producer_ratio;
use crate::statistics::robust::median;
use crate::statistics::seasonal::Usual;
use crate::table::Recent;
use crate::{Cx, Raise};
use history::{Closed, HOUR, Host, Sum, Top, hour_of, slot_of, weekday};
use sekisho_finding::{
    About, Confidence, Measure, Origin, Quality, Reason, Severity, Stage, Traffic, What, useful, vital,
};
use sekisho_types::{Addr, Day, Interval, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

static ABOUT: About = About {
    id: "exfil-volume",
    title: "uploads far above this host's normal",
    means: "This host sent much more to the outside than it normally does at this time.",
    techniques: &["T1041", "T1048", "T1030", "T1020"],
    stage: Stage::Exfil,
    reasons: &[
        Reason { code: "hour", means: "Far more was sent in an hour than usual." },
        Reason { code: "day", means: "Far more was sent in a day than usual." },
        Reason { code: "pcr-shift", means: "The host, which mostly receives, mostly sends." },
        Reason { code: "drip", means: "A little more was sent each day, for a week and longer." },
    ],
    benign: "A backup, a video call, something that was published, the first synchronisation of a new machine.",
    clears: "The place is known and may get so much, or the host sends as before for a week.",
    next: &[
        "See which program sent it, and who was on the host.",
        "See who runs the place named here, and since when the host uses it.",
        "See what the host read from file servers before.",
    ],
    needs: &[
        vital(What::Some(Traffic::Any)),
        vital(What::Requests(Traffic::Any)),
        vital(What::Days(14)),
        useful(What::Answers(Traffic::Any)),
        useful(What::Whole(Traffic::Any)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const BY_HOUR: usize = 0;
const BY_DAY: usize = 1;
const SHIFT: usize = 2;
const DRIP: usize = 3;

const MAX_HOSTS: usize = 4_096;
const MAX_PENDING: usize = 4_096;
const MAX_HOURS: usize = 1_024;
/// How long a host has to be known.
const MATURE: Interval = Interval::from_secs(14 * 86_400);
const HOUR_Z: f64 = 6.0;
const HOUR_LEN: u64 = 50_000_000;
const HOUR_TIMES: f64 = 3.0;
const DAY_Z: f64 = 5.0;
const DAY_LEN: u64 = 200_000_000;
const DAY_TIMES: f64 = 2.0;
const SHIFT_LEN: u64 = 100_000_000;
const SHIFT_RATIO: f64 = 0.4;
const SHIFT_DAYS: usize = 14;
const DRIP_SUM: f64 = 8.0;
const DRIP_SLACK: f64 = 0.5;
const DRIP_DAYS: u32 = 7;
const DRIP_LEN: u64 = 500_000_000;
/// Of one day to the cumulated sum: one wild day is no drip.
const DRIP_MOST: f64 = 4.0;
const SHARED_FACTOR: u64 = 8;
/// Of the surplus that the places named explain, in percent.
const EXPLAINED_PERCENT: u64 = 80;
/// Hosts for which one place grew on one day.
const TOGETHER: usize = 5;
const WEEK: Interval = Interval::from_secs(7 * 86_400);
/// Hosts whose median stands for one that is not known.
const GROUP: usize = 3;
const SIGNS: &[&str] =
    &["c2-beacon", "c2-dga", "c2-dns-tunnel", "c2-interactive-reverse", "c2-long-connection", "c2-remote-access"];

/// Something that may be told when all is known.
struct Pending {
    host: Addr,
    reason: usize,
    from: Timestamp,
    until: Timestamp,
    sent: u64,
    received: u64,
    tops: Vec<Top>,
    /// What is usual; `None`: the host is not known long enough.
    usual: Option<f64>,
    /// What was measured, and its limit.
    measured: f64,
    last: Vec<f64>,
}

impl Pending {
    fn day(&self) -> i64 {
        hour_of(self.from).div_euclid(24)
    }

    fn surplus(&self) -> u64 {
        self.sent.saturating_sub(rounded(self.usual.unwrap_or(0.0)))
    }

    /// The place that most was sent to.
    fn first_place(&self) -> Option<&Top> {
        self.tops.iter().max_by_key(|t| (t.bytes, t.place))
    }
}

/// What hosts do is judged by these.
struct Rules {
    holidays: Arc<[Day]>,
    pending: Vec<Pending>,
    refused: u64,
}

/// See the module.
pub(crate) struct Volume {
    hosts: Recent<Addr, Box<Host>>,
    /// Hours in which anything was captured.
    hours: BTreeSet<i64>,
    rules: Rules,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "amounts are no less than 0; a cast saturates"
)]
fn rounded(amount: f64) -> u64 {
    amount.round() as u64
}

impl Volume {
    pub fn new(scope: &Scope) -> Self {
        let rules = Rules { holidays: Arc::clone(&scope.holidays), pending: Vec::new(), refused: 0 };
        Self { hosts: Recent::of(scope, MAX_HOSTS), hours: BTreeSet::new(), rules }
    }

    fn conn(&mut self, row: &Conn<'_>, cx: &Cx<'_>) {
        let until = row.ts + row.duration;
        if self.hours.insert(hour_of(until)) && self.hours.len() > MAX_HOURS {
            self.hours.pop_first();
        }
        let Some(call) = cx.outside().at_hand() else { return };
        if row.resp_pkts == 0 {
            return;
        }
        let Self { hosts, hours, rules } = self;
        let host = hosts.at(row.orig, || Box::new(Host::new(row.ts)));
        let factor = factor(row.orig, cx);
        let addr = row.orig;
        let holidays = Arc::clone(&rules.holidays);
        host.pass(until, &holidays, &|hour| hours.contains(&hour), &mut |host, closed| {
            rules.closed(addr, host, &closed, factor);
        });
        let top = Top { place: call.place, bytes: row.orig_bytes, peer: row.resp, uid: row.uid, packet: cx.packet };
        host.add((row.ts, until), (row.orig_bytes, row.resp_bytes), top);
    }

    /// The median of what known hosts send at that hour or on that day.
    fn group(&self, pending: &Pending) -> Option<(f64, f64)> {
        let holidays = &self.rules.holidays;
        let hour = hour_of(pending.from);
        let mut all: Vec<f64> = Vec::new();
        for (_, host) in
            self.hosts.iter().filter(|(addr, host)| **addr != pending.host && is_mature(host, pending.from))
        {
            let usual = if pending.reason == BY_HOUR {
                host.hours.usual(slot_of(hour, holidays))
            } else {
                host.days.usual(weekday(Day::of(pending.from), holidays))
            };
            all.extend(usual.map(|u| u.expected));
        }
        if all.len() < GROUP {
            return None;
        }
        all.sort_unstable_by(f64::total_cmp);
        let usual = median(&all);
        Some((usual, pending.sent as f64 / usual.max(1.0)))
    }

    fn tell(&self, pending: &Pending, cx: &mut Cx<'_>) {
        let Some(reason) = ABOUT.reasons.get(pending.reason) else { return };
        let mut places: Vec<&Top> = pending.tops.iter().collect();
        places.sort_unstable_by_key(|t| (std::cmp::Reverse(t.bytes), t.place));
        let surplus = pending.surplus();
        let is_young = |top: &Top| {
            let usage = cx.outside().usage(top.place);
            pending.until - usage.first <= WEEK
        };
        let most = |top: &&Top| top.bytes.saturating_mul(100) >= surplus.saturating_mul(EXPLAINED_PERCENT);
        let to_one = pending.first_place().filter(most).is_some_and(is_young);
        let is_server =
            cx.hosts().is(pending.host, Role::Server) || cx.hosts().is(pending.host, Role::DomainController);
        let commanded = SIGNS.iter().any(|id| cx.has_found(id, pending.host));
        let (mut severity, mut confidence) = (Severity::Medium, Confidence::percent(55));
        if to_one || is_server {
            severity = Severity::High;
        }
        if commanded {
            confidence = confidence.plus(100);
        }
        let mut usual = pending.usual;
        let mut measured = pending.measured;
        if usual.is_none() {
            let Some((group, times)) = self.group(pending).filter(|(_, times)| *times >= HOUR_TIMES) else { return };
            (usual, measured) = (Some(group), times);
            (severity, confidence) = (Severity::Info, confidence.times(600));
        }
        let mut raise = self.begin(pending, reason, (severity, confidence.min(Confidence::STATISTIC)));
        let (name, limit, unit) = match (pending.usual, pending.reason) {
            (None, _) => ("times the median of other hosts", HOUR_TIMES, ""),
            (_, BY_HOUR) => ("deviations above what is usual", HOUR_Z, ""),
            (_, BY_DAY) => ("deviations above what is usual", DAY_Z, ""),
            (_, SHIFT) => ("ratio above that of the last days", SHIFT_RATIO, ""),
            _ => ("cumulated sum of deviations", DRIP_SUM, ""),
        };
        raise = raise
            .measure(Measure::real(name, measured, Some(limit), unit, Origin::Own))
            .measure(Measure::count("usually sent then", rounded(usual.unwrap_or(0.0)), None, "bytes", Origin::Own))
            .measure(Measure::real(
                "producer-consumer ratio",
                producer_ratio(pending.sent, pending.received),
                None,
                "",
                Origin::Field("Bullard and Gerth 2014"),
            ));
        let mut explained = 0u64;
        let mut words = Vec::new();
        for top in places {
            if explained.saturating_mul(100) >= surplus.saturating_mul(EXPLAINED_PERCENT) {
                break;
            }
            explained = explained.saturating_add(top.bytes);
            let share = top.bytes.min(surplus).saturating_mul(100) / surplus.max(1);
            words.push(format!("{} {share} %", cx.called(top.place, top.peer)));
            raise = raise.peer(top.peer).flow(top.uid).packet(top.packet);
        }
        raise = raise.quote("the surplus went to", words.join(", ").as_bytes(), 0);
        if !pending.last.is_empty() {
            let all: Vec<String> = pending.last.iter().map(|v| format!("{:.1} MB", v / 1e6)).collect();
            raise = raise.quote("the same time in the weeks before", all.join(", ").as_bytes(), 0);
        }
        for quality in cx.hosts().quality(pending.host) {
            raise = raise.quality(quality);
        }
        let young = if to_one { "no: nobody here used it a week before" } else { "several places, or one in use" };
        cx.raise(raise.benign("the place has long been in use", young));
    }

    fn begin(&self, pending: &Pending, reason: &'static Reason, grade: (Severity, Confidence)) -> Raise {
        let limit = match pending.reason {
            BY_HOUR => HOUR_LEN,
            BY_DAY => DAY_LEN,
            SHIFT => SHIFT_LEN,
            _ => DRIP_LEN,
        };
        Raise::new(&ABOUT, reason, pending.host, grade.0, grade.1)
            .key(Day::of(pending.from).to_string())
            .between(pending.from, pending.until)
            .measure(Measure::count("sent", pending.sent, Some(limit), "bytes", Origin::Own))
    }
}

fn is_mature(host: &Host, at: Timestamp) -> bool {
    at - host.first >= MATURE
}

/// Was it as much twice before at this time? A backup that comes each week is usual, though most hours beside it are not like it.
fn is_again(sent: u64, reached_twice: f64, times: f64) -> bool {
    reached_twice > 0.0 && (sent as f64) < times * reached_twice
}

/// How many times the limits a host has.
fn factor(host: Addr, cx: &Cx<'_>) -> Option<u64> {
    let quality = cx.hosts().quality(host);
    if quality.contains(&Quality::OneSided) {
        return None;
    }
    Some(if quality.contains(&Quality::Shared) { SHARED_FACTOR } else { 1 })
}

impl Rules {
    /// An hour or a day of a host is over.
    fn closed(&mut self, addr: Addr, host: &mut Host, closed: &Closed<'_>, factor: Option<u64>) {
        // Of a host that is seen from one side nothing is said (guard G-view).
        let Some(factor) = factor else { return };
        match closed {
            Closed::Hour(hour, sum) => {
                if sum.sent < HOUR_LEN * factor {
                    return;
                }
                let from = Timestamp(hour.saturating_mul(HOUR));
                let span = (from, Timestamp(from.0.saturating_add(HOUR)));
                let slot = slot_of(*hour, &self.holidays);
                let usual = host.hours.usual(slot).filter(|_| is_mature(host, from));
                if is_again(sum.sent, host.hours.reached_twice(slot), HOUR_TIMES) {
                    return;
                }
                let last = host.hours.last(slot).collect();
                self.compare((addr, BY_HOUR), span, sum, usual, last, (HOUR_Z, HOUR_TIMES));
            }
            Closed::Day(day, sum) => self.day(addr, host, *day, sum, factor),
        }
    }

    fn day(&mut self, addr: Addr, host: &mut Host, day: Day, sum: &Sum, factor: u64) {
        let span = (day.start(), Timestamp(day.start().0.saturating_add(24 * HOUR)));
        let slot = weekday(day, &self.holidays);
        let usual = host.days.usual(slot).filter(|_| is_mature(host, span.0));
        if let Some(usual) = &usual {
            self.drip(addr, host, span, sum, usual, factor);
        }
        if sum.sent >= DAY_LEN * factor && !is_again(sum.sent, host.days.reached_twice(slot), DAY_TIMES) {
            let last = host.days.last(slot).collect();
            self.compare((addr, BY_DAY), span, sum, usual, last, (DAY_Z, DAY_TIMES));
        }
        if sum.sent >= SHIFT_LEN * factor && host.ratios.len() >= SHIFT_DAYS {
            let mut ratios: Vec<f64> = host.ratios.clone();
            ratios.sort_unstable_by(f64::total_cmp);
            let ratio = producer_ratio(sum.sent, sum.received);
            let shift = ratio - median(&ratios);
            let again = ratios.iter().rev().nth(1).is_some_and(|second| ratio - second < SHIFT_RATIO / 2.0);
            if shift >= SHIFT_RATIO && !again {
                self.push((addr, SHIFT), span, sum, Some(0.0), shift, Vec::new());
            }
        }
    }

    /// Far more than usual, or from a host of which nothing is known?
    fn compare(
        &mut self,
        what: (Addr, usize),
        span: (Timestamp, Timestamp),
        sum: &Sum,
        usual: Option<Usual>,
        last: Vec<f64>,
        (z, times): (f64, f64),
    ) {
        match usual {
            Some(usual) => {
                let above = usual.z(sum.sent);
                if above >= z && sum.sent as f64 >= times * usual.expected {
                    self.push(what, span, sum, Some(usual.expected), above, last);
                }
            }
            None => self.push(what, span, sum, None, 0.0, last),
        }
    }

    fn drip(
        &mut self,
        addr: Addr,
        host: &mut Host,
        span: (Timestamp, Timestamp),
        sum: &Sum,
        usual: &Usual,
        factor: u64,
    ) {
        let before = host.cusum;
        host.cusum = (before + usual.z(sum.sent).min(DRIP_MOST) - DRIP_SLACK).max(0.0);
        if host.cusum <= before {
            (host.rising, host.risen) = (0, 0);
            return;
        }
        if host.rising == 0 {
            host.risen_since = span.0;
        }
        host.rising += 1;
        host.risen = host.risen.saturating_add(sum.sent);
        if host.cusum >= DRIP_SUM && host.rising >= DRIP_DAYS && host.risen >= DRIP_LEN * factor {
            let all = Sum { sent: host.risen, ..sum.clone() };
            let expected = usual.expected * f64::from(host.rising);
            self.push((addr, DRIP), (host.risen_since, span.1), &all, Some(expected), host.cusum, Vec::new());
            (host.cusum, host.rising, host.risen) = (0.0, 0, 0);
        }
    }

    fn push(
        &mut self,
        (host, reason): (Addr, usize),
        (from, until): (Timestamp, Timestamp),
        sum: &Sum,
        usual: Option<f64>,
        measured: f64,
        last: Vec<f64>,
    ) {
        if self.pending.len() >= MAX_PENDING {
            self.refused += 1;
            return;
        }
        let tops = sum.tops.clone();
        let (sent, received) = (sum.sent, sum.received);
        self.pending.push(Pending { host, reason, from, until, sent, received, tops, usual, measured, last });
    }
}

impl Detector for Volume {
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
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let Self { hosts, hours, rules } = self;
        let mut all: Vec<Addr> = hosts.iter().map(|(addr, _)| *addr).collect();
        all.sort_unstable();
        let holidays = Arc::clone(&rules.holidays);
        for addr in all {
            let factor = factor(addr, cx);
            let Some(host) = hosts.get(&addr) else { continue };
            host.pass(cx.now, &holidays, &|hour| hours.contains(&hour), &mut |host, closed| {
                rules.closed(addr, host, &closed, factor);
            });
            host.end(&mut |host, closed| rules.closed(addr, host, &closed, factor));
        }
        let pending = std::mem::take(&mut rules.pending);
        // Where one place grew for several hosts on one day, it is the place that changed.
        let mut grew: BTreeMap<(i64, u64), Vec<&Pending>> = BTreeMap::new();
        for p in pending.iter().filter(|p| p.usual.is_some()) {
            if let Some(top) = p.first_place() {
                grew.entry((p.day(), top.place)).or_default().push(p);
            }
        }
        grew.retain(|_, of| {
            of.sort_unstable_by_key(|p| (p.host, p.reason, p.from));
            let mut hosts: Vec<Addr> = of.iter().map(|p| p.host).collect();
            hosts.dedup();
            hosts.len() >= TOGETHER
        });
        for ((_, place), of) in &grew {
            let (Some(first), Some(reason)) = (of.first(), ABOUT.reasons.get(BY_DAY)) else { continue };
            let mut raise = self.begin(first, reason, (Severity::Info, Confidence::percent(55)));
            for p in of {
                raise = raise.peer(p.host);
            }
            let peer = first.first_place().map_or(first.host, |t| t.peer);
            let name = cx.called(*place, peer);
            let raise = raise.quote("the surplus of several hosts went to", name.as_bytes(), 0);
            cx.raise(
                raise.benign("one service that changed", "the same place grew for five hosts or more on that day"),
            );
        }
        for p in &pending {
            let together = p.first_place().is_some_and(|top| grew.contains_key(&(p.day(), top.place)));
            if !(together && p.usual.is_some()) {
                self.tell(p, cx);
            }
        }
    }

    fn held_len(&self) -> usize {
        let hosts: usize = self.hosts.iter().map(|(_, h)| h.held_len()).sum();
        let pending: usize =
            self.rules.pending.iter().map(|p| p.tops.capacity() * size_of::<Top>() + p.last.capacity() * 8).sum();
        let own = self.rules.pending.capacity() * size_of::<Pending>();
        self.hosts.held_len() + hosts + pending + own + self.hours.len() * 16
    }

    fn forgotten(&self) -> u64 {
        self.hosts.forgotten() + self.rules.refused
    }
}

#[cfg(test)]
mod tests;
