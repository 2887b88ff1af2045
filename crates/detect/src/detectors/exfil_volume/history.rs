//! What hosts send and received by hour and day, and what is usual of it. Plain structs, so that they can be kept.

use crate::statistics::hints::producer_ratio;
use crate::statistics::seasonal::Seasonal;
use sekisho_types::{Addr, Day, Timestamp, Uid};

/// Nanoseconds of an hour.
pub(super) const HOUR: i64 = 3_600_000_000_000;
/// Hours that may still grow: the last ones, as flows are told when they end.
const OPEN_HOURS: usize = 3;
const OPEN_DAYS: usize = 2;
/// Days of which the ratio of sent and received is remembered.
const RATIOS: usize = 28;
/// Places told apart of an hour or day.
const MAX_TOPS: usize = 8;
/// Hours that are closed at a time; after a longer break all begins anew.
const MAX_BREAK: i64 = 28 * 24;

/// A place, and what was sent there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Top {
    pub place: u64,
    pub bytes: u64,
    pub peer: Addr,
    pub uid: Uid,
    pub packet: u64,
}

/// What an hour or a day comes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    pub sent: u64,
    pub received: u64,
    /// The places that most was sent to (Space-Saving: Metwally et al. 2005), in no order.
    pub tops: Vec<Top>,
}

impl Sum {
    fn add(&mut self, sent: u64, received: u64, top: Top) {
        self.sent = self.sent.saturating_add(sent);
        self.received = self.received.saturating_add(received);
        if let Some(known) = self.tops.iter_mut().find(|t| t.place == top.place) {
            known.bytes = known.bytes.saturating_add(sent);
            if top.bytes > sent / 2 {
                (known.uid, known.packet) = (top.uid, top.packet);
            }
        } else if self.tops.len() < MAX_TOPS {
            self.tops.push(Top { bytes: sent, ..top });
        } else if let Some(least) = self.tops.iter_mut().min_by_key(|t| t.bytes) {
            *least = Top { bytes: least.bytes.saturating_add(sent), ..top };
        }
    }
}

/// An hour or a day that is over.
pub(super) enum Closed<'a> {
    Hour(i64, &'a Sum),
    Day(Day, &'a Sum),
}

/// A host's flows out of the network.
#[derive(Debug)]
pub(super) struct Host {
    pub first: Timestamp,
    /// The oldest hour and day that may still grow.
    hour: i64,
    day: Day,
    open_hours: [Sum; OPEN_HOURS],
    open_days: [Sum; OPEN_DAYS],
    /// By hour of the week, from Monday 00:00 UTC on; and by day of the week.
    pub hours: Seasonal,
    pub days: Seasonal,
    /// Producer-consumer ratios of the last days.
    pub ratios: Vec<f64>,
    /// Cumulated sum of what is too much (Page 1954), days that it has been rising, and what was sent on these.
    pub cusum: f64,
    pub rising: u32,
    pub risen: u64,
    pub risen_since: Timestamp,
}

/// Number of the hour.
pub(super) fn hour_of(ts: Timestamp) -> i64 {
    ts.0.div_euclid(HOUR)
}

/// Place of an hour in the week; holidays are Sundays.
pub(super) fn slot_of(hour: i64, holidays: &[Day]) -> usize {
    let day = Day::of(Timestamp(hour.saturating_mul(HOUR)));
    let in_day = usize::try_from(hour.rem_euclid(24)).unwrap_or(0);
    weekday(day, holidays) * 24 + in_day
}

/// Monday is 0; holidays are Sundays.
pub(super) fn weekday(day: Day, holidays: &[Day]) -> usize {
    if holidays.binary_search(&day).is_ok() {
        return 6;
    }
    // 1970-01-01 was a Thursday.
    usize::try_from((day.0 + 3).rem_euclid(7)).unwrap_or(0)
}

impl Host {
    pub fn new(ts: Timestamp) -> Self {
        Self {
            first: ts,
            hour: hour_of(ts),
            day: Day::of(ts),
            open_hours: Default::default(),
            open_days: Default::default(),
            hours: Seasonal::new(168),
            days: Seasonal::new(7),
            ratios: Vec::new(),
            cusum: 0.0,
            rising: 0,
            risen: 0,
            risen_since: ts,
        }
    }

    /// A flow from `top`'s place that lasted from `from` to `until`: its bytes belong evenly to the time that it lasted. What lies
    /// before the hours and days that are open is left out.
    pub fn add(&mut self, (from, until): (Timestamp, Timestamp), (sent, received): (u64, u64), top: Top) {
        for (n, sum) in self.open_hours.iter_mut().enumerate() {
            let start = (self.hour + n as i64).saturating_mul(HOUR);
            let share = |bytes| share(bytes, (from.0, until.0), (start, start.saturating_add(HOUR)));
            if share(sent) + share(received) > 0 {
                sum.add(share(sent), share(received), top);
            }
        }
        for (n, sum) in self.open_days.iter_mut().enumerate() {
            let start = (self.day.0 + n as i64).saturating_mul(24 * HOUR);
            let share = |bytes| share(bytes, (from.0, until.0), (start, start.saturating_add(24 * HOUR)));
            if share(sent) + share(received) > 0 {
                sum.add(share(sent), share(received), top);
            }
        }
    }

    /// It is `now`: what is over is shown to `close`, and then is part of what is usual, if `was_seen` knows that hour.
    pub fn pass(
        &mut self,
        now: Timestamp,
        holidays: &[Day],
        was_seen: &dyn Fn(i64) -> bool,
        close: &mut dyn FnMut(&mut Self, Closed<'_>),
    ) {
        if hour_of(now) - self.hour > MAX_BREAK {
            *self = Self::new(now);
            return;
        }
        while hour_of(now) >= self.hour + OPEN_HOURS as i64 {
            let (hour, sum) = (self.hour, std::mem::take(self.open_hours.first_mut().unwrap_or(&mut Sum::default())));
            self.open_hours.rotate_left(1);
            self.hour += 1;
            if was_seen(hour) {
                close(self, Closed::Hour(hour, &sum));
                self.hours.add(slot_of(hour, holidays), sum.sent);
            }
        }
        while Day::of(now).0 >= self.day.0 + OPEN_DAYS as i64 {
            self.close_day(holidays, was_seen, close);
        }
    }

    fn close_day(
        &mut self,
        holidays: &[Day],
        was_seen: &dyn Fn(i64) -> bool,
        close: &mut dyn FnMut(&mut Self, Closed<'_>),
    ) {
        let (day, sum) = (self.day, std::mem::take(self.open_days.first_mut().unwrap_or(&mut Sum::default())));
        self.open_days.rotate_left(1);
        self.day = Day(day.0 + 1);
        let hours = day.0 * 24..day.0 * 24 + 24;
        // A day that was half captured is none, but one on which the host was silent is.
        if sum.sent == 0 && hours.filter(|h| was_seen(*h)).count() < 12 {
            return;
        }
        close(self, Closed::Day(day, &sum));
        self.days.add(weekday(day, holidays), sum.sent);
        if sum.sent + sum.received > 0 {
            if self.ratios.len() >= RATIOS {
                self.ratios.remove(0);
            }
            self.ratios.push(producer_ratio(sum.sent, sum.received));
        }
    }

    /// The run is over: what is open is judged as it is, and is no part of what is usual.
    pub fn end(&mut self, close: &mut dyn FnMut(&mut Self, Closed<'_>)) {
        let (hours, days) = (std::mem::take(&mut self.open_hours), std::mem::take(&mut self.open_days));
        for (n, sum) in hours.iter().enumerate() {
            close(self, Closed::Hour(self.hour + n as i64, sum));
        }
        for (n, sum) in (0..).zip(&days) {
            if sum.sent > 0 {
                close(self, Closed::Day(Day(self.day.0 + n), sum));
            }
        }
    }

    pub fn held_len(&self) -> usize {
        let sums = self.open_hours.iter().chain(&self.open_days);
        let tops: usize = sums.map(|s| s.tops.capacity() * size_of::<Top>()).sum();
        size_of::<Self>()
            + tops
            + self.hours.held_len()
            + self.days.held_len()
            + self.ratios.capacity() * size_of::<f64>()
    }
}

/// The part of `bytes` that falls into a time, if they were spread evenly over another.
fn share(bytes: u64, (from, until): (i64, i64), (start, end): (i64, i64)) -> u64 {
    let whole = until.saturating_sub(from).max(0);
    if whole == 0 {
        return if (start..end).contains(&from) { bytes } else { 0 };
    }
    let common = until.min(end).saturating_sub(from.max(start)).max(0);
    let part = u128::from(bytes) * u128::from(common.unsigned_abs()) / u128::from(whole.unsigned_abs());
    u64::try_from(part).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(place: u64) -> Top {
        Top { place, bytes: 0, peer: Addr::v4([203, 0, 113, 9]), uid: Uid::default(), packet: 1 }
    }

    #[test]
    fn flows_belong_to_the_time_that_they_lasted() {
        assert_eq!(share(100, (0, 10), (0, 5)) + share(100, (0, 10), (5, 10)), 100);
        assert_eq!(
            (share(100, (3, 3), (0, 5)), share(100, (5, 5), (0, 5)), share(u64::MAX, (0, 9), (0, 9))),
            (100, 0, u64::MAX)
        );
        let mut host = Host::new(Timestamp(0));
        host.add((Timestamp(HOUR / 2), Timestamp(HOUR * 3 / 2)), (1000, 200), top(1));
        let mut seen = Vec::new();
        host.pass(Timestamp(4 * HOUR), &[], &|_| true, &mut |_, closed| {
            if let Closed::Hour(hour, sum) = closed {
                seen.push((hour, sum.sent, sum.received));
            }
        });
        assert_eq!(seen, [(0, 500, 100), (1, 500, 100)]);
    }

    #[test]
    fn a_long_break_begins_anew_and_unseen_hours_are_no_silence() {
        let mut host = Host::new(Timestamp(0));
        let mut count = 0;
        host.pass(Timestamp(10 * HOUR), &[], &|hour| hour < 3, &mut |_, _| count += 1);
        assert_eq!(count, 3);
        host.pass(Timestamp(1000 * HOUR), &[], &|_| true, &mut |_, _| count += 1);
        assert_eq!((count, host.first), (3, Timestamp(1000 * HOUR)));
    }

    #[test]
    fn the_largest_places_are_kept() {
        let mut sum = Sum::default();
        for n in 0..1000u64 {
            sum.add(10, 0, top(n % 50 + 2));
            sum.add(100, 0, top(1));
        }
        assert_eq!((sum.sent, sum.tops.len()), (110_000, MAX_TOPS));
        assert!(sum.tops.iter().any(|t| t.place == 1 && t.bytes >= 100_000));
    }

    #[test]
    fn slots_of_the_week() {
        // Monday 2026-03-02, 03:00 UTC.
        let hour = 1_772_420_400 / 3_600;
        assert_eq!((slot_of(hour, &[]), slot_of(hour + 24, &[]), slot_of(hour - 24, &[])), (3, 27, 147));
        assert_eq!(slot_of(hour, &[Day::of(Timestamp(hour * HOUR))]), 147, "a holiday is a Sunday");
    }
}
