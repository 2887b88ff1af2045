//! # audit-periodicity
//! ## How
//! For each device at home and each place that it contacts (domain, or small network), the hours in which it did. With x the contacts of
//! each hour, `r(k)` is the autocorrelation at a distance of k hours. `hourly`: nearly all contacts fall within ± 2 minutes of
//! one minute of the hour. `daily`: r(24) is high. `weekday`: r(168) is high, and days of work and weekends differ much. `holiday-silent` and
//! `holiday-active`: on the days of `--holidays` there is much less, or much more, than on the same weekday otherwise.
//! ## Thresholds
//! `hourly`: 80 % of the active hours have a contact within the five minutes, 80 % of all contacts lie there, and half of all hours are active,
//! 12 at least. `daily`: r(24) ≥ 0.5 over 7 days, 5 of them active. `weekday`: r(168) ≥ 0.5 over 21 days, and the two
//! means differ by a factor of 4. Holidays: two or more in 14 days or more, a factor of 5 (Sekisho's own choice, all of
//! them). Below these lengths nothing is said.
//! ## State
//! 8,192 devices and places, each with at most 840 hours (35 days) from its first contact on; the least recent forgotten.
//! ## Severity
//! `info` 0.8; 0.6 for `daily` below 14 days, and for holidays.
//! ## Benign
//! All of it: this describes a device. Updates, back-ups and reports run by the clock.
//! ## Blind
//! Captures of less than a day for `hourly`, a week for `daily`, three weeks for `weekday`. Hours and days are UTC: a weekend may begin some
//! hours off. A rhythm that breaks is not told. What happens after 35 days.
//! ## References
//! nDPI NDPI_PERIODIC_FLOW; Hu et al., BAYWATCH: Robust Beaconing Detection, DSN 2016.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Day, Timestamp, Uid};
use std::sync::Arc;

static ABOUT: About = About {
    id: "audit-periodicity",
    title: "when it is active",
    means: "This device does this at fixed hours, weekdays or around holidays.",
    techniques: &["T1029"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "hourly", means: "It does it at the same minute of each hour." },
        Reason { code: "daily", means: "It does it at the same hours of each day." },
        Reason { code: "weekday", means: "It does it on days of work, or on weekends, and hardly on the others." },
        Reason { code: "holiday-silent", means: "It hardly does it on holidays." },
        Reason { code: "holiday-active", means: "It does it much more on holidays." },
    ],
    benign: "Updates, back-ups, reports: whatever runs by the clock.",
    clears: "Nothing need go away: this describes the device.",
    next: &["See which program on the device runs then.", "Watch for the day on which it does not come."],
    needs: &[vital(What::Some(Traffic::Any)), vital(What::Days(1)), useful(What::Days(21))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const HOURLY: &Reason = ABOUT.at(0);
const DAILY: &Reason = ABOUT.at(1);
const WEEKDAY: &Reason = ABOUT.at(2);
const SILENT: &Reason = ABOUT.at(3);
const ACTIVE: &Reason = ABOUT.at(4);

/// Devices and places.
const MAX_PAIRS: usize = 8_192;
/// Hours kept of each: 35 days.
const MAX_HOURS: usize = 840;
/// Nanoseconds of a minute.
const MINUTE: i64 = 60_000_000_000;
/// Minutes on each side of the one that counts.
const SLACK: usize = 2;
/// Share of hours, and of contacts, near that minute, percent.
const NEAR_PERCENT: u64 = 80;
/// Active hours from which on `hourly` is said.
const MIN_HOURLY: usize = 12;
/// Autocorrelation from which on there is a rhythm.
const RHYTHM: f64 = 0.5;
/// Days from which on `daily` is said, and active ones among them.
const DAILY_DAYS: (usize, usize) = (7, 5);
/// Days from which on `daily` is sure.
const SURE_DAYS: usize = 14;
/// Days from which on `weekday` is said.
const WEEKDAY_DAYS: usize = 21;
/// Factor between days of work and weekends.
const WEEKDAY_FACTOR: f64 = 4.0;
/// Days from which on holidays are judged, holidays among them, and the factor.
const HOLIDAY_DAYS: (usize, usize) = (14, 2);
const HOLIDAY_FACTOR: f64 = 5.0;

/// Contacts of a device with a place.
struct Rhythm {
    place: Box<str>,
    /// Hours since 1970 of the first of `hours`.
    start: i64,
    /// Contacts of each hour.
    hours: Vec<u8>,
    /// Contacts in each minute of the hour.
    minutes: [u16; 60],
    /// Hours with a contact within [`SLACK`] of each minute, and the last hour that counted.
    near: [(u16, i32); 60],
    count: u64,
    last: Timestamp,
    peer: Addr,
    uid: Uid,
    packet: u64,
}

/// See the module.
pub(crate) struct Periodicity {
    holidays: Arc<[Day]>,
    /// By device and the digest of the place.
    pairs: Recent<(Addr, u64), Box<Rhythm>>,
}

impl Periodicity {
    pub fn new(scope: &Scope) -> Self {
        Self { holidays: Arc::clone(&scope.holidays), pairs: Recent::of(scope, MAX_PAIRS) }
    }

    fn conn(&mut self, row: &Conn<'_>, cx: &Cx<'_>) {
        if !cx.hosts().is_internal(row.orig) || row.resp.is_multicast() || row.orig_pkts == 0 {
            return;
        }
        let (place, digest) = cx.destination(row.resp);
        let hour = row.ts.0.div_euclid(60 * MINUTE);
        let new = || {
            Box::new(Rhythm {
                place: place.to_string().into(),
                start: hour,
                hours: Vec::new(),
                minutes: [0; 60],
                near: [(0, i32::MIN); 60],
                count: 0,
                last: row.ts,
                peer: row.resp,
                uid: row.uid,
                packet: cx.packet,
            })
        };
        self.pairs.at((row.orig, digest), new).contact(row.ts, hour);
    }
}

impl Rhythm {
    fn contact(&mut self, ts: Timestamp, hour: i64) {
        // Rows come as flows end: one that began before those known moves the series, if there is room.
        if hour < self.start {
            let Ok(earlier) = usize::try_from(self.start - hour) else { return };
            if earlier + self.hours.len() > MAX_HOURS {
                return;
            }
            drop(self.hours.splice(0..0, std::iter::repeat_n(0, earlier)));
            self.start = hour;
        }
        let Ok(at) = usize::try_from(hour - self.start) else { return };
        if at >= MAX_HOURS {
            return;
        }
        if at >= self.hours.len() {
            self.hours.resize(at + 1, 0);
        }
        if let Some(count) = self.hours.get_mut(at) {
            *count = count.saturating_add(1);
        }
        self.count += 1;
        self.last = self.last.max(ts);
        let minute = usize::try_from(ts.0.div_euclid(MINUTE).rem_euclid(60)).unwrap_or(0);
        if let Some(count) = self.minutes.get_mut(minute) {
            *count = count.saturating_add(1);
        }
        // Hours since 1970 fit until the year 246,000.
        let counted = i32::try_from(hour).unwrap_or(i32::MAX);
        for near in around(minute) {
            if let Some((count, last)) = self.near.get_mut(near).filter(|n| n.1 != counted) {
                *count = count.saturating_add(1);
                *last = counted;
            }
        }
    }

    fn active(&self) -> usize {
        self.hours.iter().filter(|h| **h > 0).count()
    }

    /// `r(lag)` = Σ (x_t − m)(x_{t+lag} − m) / Σ (x_t − m)²; 0 where nothing varies.
    fn correlation(&self, lag: usize) -> f64 {
        let n = self.hours.len() as f64;
        let mean = self.hours.iter().map(|h| f64::from(*h)).sum::<f64>() / n.max(1.0);
        let off = |h: &u8| f64::from(*h) - mean;
        let variance: f64 = self.hours.iter().map(|h| off(h) * off(h)).sum();
        let later = self.hours.get(lag..).unwrap_or(&[]);
        let both: f64 = self.hours.iter().zip(later).map(|(a, b)| off(a) * off(b)).sum();
        if variance > 0.0 { both / variance } else { 0.0 }
    }

    /// The minute near which most contacts are, if it is by the clock: share of hours and of contacts, percent.
    fn minute(&self) -> Option<(usize, u64)> {
        let active = self.active();
        let all: u64 = self.minutes.iter().map(|m| u64::from(*m)).sum();
        if active < MIN_HOURLY || active * 2 < self.hours.len() {
            return None;
        }
        let share = |m: usize| {
            let hours = self.near.get(m).map_or(0, |n| u64::from(n.0)) * 100 / (active as u64).max(1);
            let of = |m: usize| self.minutes.get(m).map_or(0, |c| u64::from(*c));
            let contacts = around(m).map(of).sum::<u64>() * 100 / all.max(1);
            hours.min(contacts)
        };
        // Of minutes with the same share, the one that most contacts fall into.
        let best = (0..60).max_by_key(|m| (share(*m), self.minutes.get(*m).copied(), std::cmp::Reverse(*m)))?;
        Some((best, share(best))).filter(|b| b.1 >= NEAR_PERCENT)
    }

    /// Contacts of each whole day that was covered.
    fn days(&self) -> Vec<(Day, u64)> {
        let first = self.start.div_euclid(24) + i64::from(self.start.rem_euclid(24) > 0);
        let skip = usize::try_from(first * 24 - self.start).unwrap_or(0);
        let whole = self.hours.get(skip..).unwrap_or(&[]).chunks_exact(24);
        whole.zip(first..).map(|(hours, day)| (Day(day), hours.iter().map(|h| u64::from(*h)).sum())).collect()
    }

    /// Hours of the day in which most of it happens.
    fn usual(&self) -> String {
        let mut of_day = [0u64; 24];
        for (count, hour) in self.hours.iter().zip(self.start..) {
            let slot = usize::try_from(hour.rem_euclid(24)).unwrap_or(0);
            if let Some(slot) = of_day.get_mut(slot) {
                *slot += u64::from(*count);
            }
        }
        let most = of_day.iter().max().copied().unwrap_or(0);
        let named = of_day.iter().zip(0..24).filter(|(count, _)| **count * 2 >= most.max(1));
        named.map(|(_, hour)| format!("{hour:02}")).collect::<Vec<_>>().join(" ")
    }
}

/// The minutes within [`SLACK`] of one, around the clock.
fn around(minute: usize) -> impl Iterator<Item = usize> {
    (0..=2 * SLACK).map(move |i| (minute + 60 + i - SLACK) % 60)
}

fn mean(days: &[u64]) -> f64 {
    days.iter().sum::<u64>() as f64 / days.len().max(1) as f64
}

fn median(days: &mut [u64]) -> f64 {
    days.sort_unstable();
    days.get(days.len() / 2).map_or(0.0, |d| *d as f64)
}

/// A factor between two means, neither of them below one contact in ten days.
fn factor(a: f64, b: f64) -> f64 {
    a.max(0.1) / b.max(0.1)
}

impl Detector for Periodicity {
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
        let mut all: Vec<_> = self.pairs.iter().filter(|(_, r)| r.hours.len() >= MIN_HOURLY).collect();
        all.sort_unstable_by(|a, b| (a.0.0, &a.1.place).cmp(&(b.0.0, &b.1.place)));
        for ((device, _), rhythm) in all {
            judge(*device, rhythm, &self.holidays, cx);
        }
    }

    fn held_len(&self) -> usize {
        let owned = self.pairs.iter().map(|(_, r)| r.place.len() + size_of::<Rhythm>() + r.hours.capacity());
        self.pairs.held_len() + owned.sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.pairs.forgotten()
    }
}

fn judge(device: Addr, rhythm: &Rhythm, holidays: &[Day], cx: &mut Cx<'_>) {
    let raise = |reason, percent| {
        Raise::new(&ABOUT, reason, device, Severity::Info, Confidence::percent(percent))
            .key(&*rhythm.place)
            .peer(rhythm.peer)
            .between(Timestamp(rhythm.start.saturating_mul(60 * MINUTE)), rhythm.last)
            .times(rhythm.count)
            .flow(rhythm.uid)
            .packet(rhythm.packet)
            .measure(Measure::count("hours covered", rhythm.hours.len() as u64, None, "", Origin::Own))
            .measure(Measure::count("hours active", rhythm.active() as u64, None, "", Origin::Own))
    };
    if let Some((minute, share)) = rhythm.minute() {
        let next = (rhythm.last.0.div_euclid(60 * MINUTE) + 1) * 60;
        let next = Timestamp((next + i64::try_from(minute).unwrap_or(0)).saturating_mul(MINUTE));
        cx.raise(
            raise(HOURLY, 80)
                .measure(Measure::count("near the minute", share, Some(NEAR_PERCENT), "%", Origin::Own))
                .quote("minute of the hour", format!("{minute:02}").as_bytes(), 0)
                .quote("next expected", crate::certificate::date(next).as_bytes(), 0),
        );
    }
    let days = rhythm.days();
    let length = rhythm.hours.len() / 24;
    let active_days = rhythm.hours.chunks(24).filter(|day| day.iter().any(|h| *h > 0)).count();
    let daily = rhythm.correlation(24);
    if length >= DAILY_DAYS.0 && active_days >= DAILY_DAYS.1 && daily >= RHYTHM {
        let sure = if length >= SURE_DAYS { 80 } else { 60 };
        cx.raise(raise(DAILY, sure).measure(Measure::real("r(24)", daily, Some(0.5), "", Origin::Own)).quote(
            "hours of the day, UTC",
            rhythm.usual().as_bytes(),
            0,
        ));
    }
    let is_holiday = |day: Day| holidays.binary_search(&day).is_ok();
    let weekly = rhythm.correlation(168);
    if length >= WEEKDAY_DAYS && weekly >= RHYTHM {
        // Holidays are like Sundays (P2).
        let of = |free: bool| -> Vec<u64> {
            days.iter().filter(|d| (d.0.weekday() >= 5 || is_holiday(d.0)) == free).map(|d| d.1).collect()
        };
        let ratio = factor(mean(&of(false)), mean(&of(true)));
        if ratio >= WEEKDAY_FACTOR || ratio <= 1.0 / WEEKDAY_FACTOR {
            let which = if ratio >= 1.0 { "days of work" } else { "weekends" };
            cx.raise(
                raise(WEEKDAY, 80)
                    .measure(Measure::real("r(168)", weekly, Some(0.5), "", Origin::Own))
                    .measure(Measure::real("days of work to weekends", ratio, Some(4.0), "", Origin::Own))
                    .quote("active on", which.as_bytes(), 0),
            );
        }
    }
    let feasts: Vec<&(Day, u64)> = days.iter().filter(|d| is_holiday(d.0)).collect();
    if length < HOLIDAY_DAYS.0 || feasts.len() < HOLIDAY_DAYS.1 {
        return;
    }
    let usual = feasts.iter().map(|feast| {
        let same = days.iter().filter(|d| !is_holiday(d.0) && d.0.weekday() == feast.0.weekday());
        median(&mut same.map(|d| d.1).collect::<Vec<_>>())
    });
    let (usual, on) = (usual.sum::<f64>() / feasts.len() as f64, mean(&feasts.iter().map(|f| f.1).collect::<Vec<_>>()));
    // Of a place that is contacted less than once a day, silence says nothing.
    if usual.max(on) < 1.0 {
        return;
    }
    let ratio = factor(on, usual);
    let reason = if ratio >= HOLIDAY_FACTOR {
        ACTIVE
    } else if ratio <= 1.0 / HOLIDAY_FACTOR {
        SILENT
    } else {
        return;
    };
    let named: Vec<String> = feasts.iter().map(|f| f.0.to_string()).collect();
    cx.raise(
        raise(reason, 60)
            .measure(Measure::real("holidays to the same weekday", ratio, Some(5.0), "", Origin::Own))
            .quote("holidays", named.join(" ").as_bytes(), 0),
    );
}

#[cfg(test)]
mod tests;
