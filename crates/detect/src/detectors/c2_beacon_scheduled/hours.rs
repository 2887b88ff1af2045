//! What happened in each hour of the last four weeks, and how that fits a calendar.

use sekisho_types::{Day, Timestamp};

/// Hours of a week, of four weeks, and how many weeks those are.
pub(super) const WEEK: i64 = 168;
pub(super) const HOURS: i64 = 4 * WEEK;
const CELLS: usize = 168;
const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24;

/// Hours of a working day.
const WORK: std::ops::Range<i64> = 7..20;

/// The hour since 1970 in which `ts` lies.
pub(super) fn hour(ts: Timestamp) -> i64 {
    ts.0.div_euclid(HOUR)
}

/// A number for each of the last [`HOURS`]; 0 where nothing was.
pub(super) struct Ring<T> {
    first: i64,
    last: i64,
    of: Box<[T]>,
}

impl<T: Copy + Default> Ring<T> {
    /// Nothing yet, from `hour` on.
    pub fn new(hour: i64) -> Self {
        Self { first: hour, last: hour, of: vec![T::default(); usize::try_from(HOURS).unwrap_or(0)].into() }
    }

    fn place(hour: i64) -> usize {
        usize::try_from(hour.rem_euclid(HOURS)).unwrap_or(0)
    }

    /// The first hour that is still known, and the last.
    pub fn known(&self) -> (i64, i64) {
        (self.first.max(self.last - HOURS + 1), self.last)
    }

    pub fn get(&self, hour: i64) -> T {
        let (first, last) = self.known();
        if !(first..=last).contains(&hour) {
            return T::default();
        }
        self.of.get(Self::place(hour)).copied().unwrap_or_default()
    }

    /// The number of an hour, which becomes the last if it is later; `None` of one that is forgotten.
    pub fn at(&mut self, hour: i64) -> Option<&mut T> {
        if hour > self.last {
            let from = (self.last + 1).max(hour - HOURS + 1);
            for passed in from..=hour {
                if let Some(place) = self.of.get_mut(Self::place(passed)) {
                    *place = T::default();
                }
            }
            self.last = hour;
        }
        if hour <= self.last - HOURS {
            return None;
        }
        // Flows are told when they end: some began before the first.
        if hour < self.first {
            self.first = hour;
        }
        self.of.get_mut(Self::place(hour))
    }

    pub fn held_len(&self) -> usize {
        size_of_val(&*self.of)
    }
}

/// One hour in which the host was up: how often it called, and how many names it asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub hour: i64,
    pub calls: u32,
    pub names: u32,
}

/// How calls lie in the week.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Week {
    /// How even the hours are that usually have calls, 0 to 1.
    pub even: f64,
    /// Days in which the host is on, with calls, and those that have hours that usually have calls.
    pub up_days: usize,
    pub active_days: usize,
    pub usual_days: usize,
    /// Correlation of the calls of an hour with the names asked for in it.
    pub with_names: f64,
}

/// The hours of the week that have calls in at least half of the weeks in which the host was up then.
fn usual(slots: &[Slot]) -> [bool; CELLS] {
    let mut weeks = [(0u32, 0u32); CELLS];
    for slot in slots {
        let cell = usize::try_from(slot.hour.rem_euclid(WEEK)).unwrap_or(0);
        if let Some((up, active)) = weeks.get_mut(cell) {
            *up += 1;
            *active += u32::from(slot.calls > 0);
        }
    }
    weeks.map(|(up, active)| active > 0 && active * 2 >= up)
}

/// `slots`: hours in which the host was up, in order.
pub(super) fn week(slots: &[Slot]) -> Week {
    let usual = usual(slots);
    let is_usual = |slot: &Slot| usize::try_from(slot.hour.rem_euclid(WEEK)).is_ok_and(|c| usual.get(c) == Some(&true));
    let counts: Vec<f64> = slots.iter().filter(|s| is_usual(s)).map(|s| f64::from(s.calls)).collect();
    let mean = counts.iter().sum::<f64>() / counts.len().max(1) as f64;
    let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / counts.len().max(1) as f64;
    let even = if mean > 0.0 { (1.0 - variance.sqrt() / mean).max(0.0) } else { 0.0 };
    let days = |wanted: &dyn Fn(&Slot) -> bool| {
        let mut days: Vec<i64> = slots.iter().filter(|s| wanted(s)).map(|s| s.hour.div_euclid(DAY)).collect();
        days.dedup();
        days.len()
    };
    Week {
        even,
        up_days: days(&|_| true),
        active_days: days(&|slot| slot.calls > 0),
        usual_days: days(&is_usual),
        with_names: correlation(slots),
    }
}

/// Pearson's; 0 where one of them never changes.
fn correlation(slots: &[Slot]) -> f64 {
    let n = slots.len().max(1) as f64;
    let mean = |of: fn(&Slot) -> u32| slots.iter().map(|s| f64::from(of(s))).sum::<f64>() / n;
    let (calls, names) = (mean(|s| s.calls), mean(|s| s.names));
    let mut sums = [0.0; 3];
    for slot in slots {
        let (x, y) = (f64::from(slot.calls) - calls, f64::from(slot.names) - names);
        let [xy, xx, yy] = &mut sums;
        *xy += x * y;
        *xx += x * x;
        *yy += y * y;
    }
    let [xy, xx, yy] = sums;
    if xx > 0.0 && yy > 0.0 { xy / (xx * yy).sqrt() } else { 0.0 }
}

/// How silence lies in the calendar of a time zone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Fit {
    /// Hours that the zone is ahead of UTC.
    pub zone: i64,
    /// Share of silent hours that are off (or, at night, working) hours; share of those that are silent; and how many there are.
    pub of_silent: f64,
    pub of_off: f64,
    pub off: usize,
}

impl Fit {
    pub fn sum(&self) -> f64 {
        self.of_silent + self.of_off
    }
}

/// Is an hour off in that zone: at night, at a weekend, on a holiday?
fn is_off(hour: i64, zone: i64, holidays: &[Day]) -> bool {
    let local = hour + zone;
    let day = Day::of(Timestamp(local.saturating_mul(HOUR)));
    !WORK.contains(&local.rem_euclid(DAY)) || day.weekday() >= 5 || holidays.binary_search(&day).is_ok()
}

/// How the hours without calls fit off hours, or (`nights`) working hours, of a zone.
pub(super) fn fit(slots: &[Slot], zone: i64, nights: bool, holidays: &[Day]) -> Fit {
    let (mut silent, mut off, mut both) = (0usize, 0usize, 0usize);
    for slot in slots {
        let (quiet, wanted) = (slot.calls == 0, is_off(slot.hour, zone, holidays) != nights);
        silent += usize::from(quiet);
        off += usize::from(wanted);
        both += usize::from(quiet && wanted);
    }
    let share = |whole: usize| both as f64 / whole.max(1) as f64;
    Fit { zone, of_silent: share(silent), of_off: share(off), off }
}

/// The week in UTC, a line a day: `#` hours with calls in most weeks, `.` hours in which only the host was up.
pub(super) fn map(slots: &[Slot]) -> String {
    let usual = usual(slots);
    let mut text = String::with_capacity(7 * 30);
    // 1970 began with a Thursday.
    for (name, day) in ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].into_iter().zip([4, 5, 6, 0, 1, 2, 3]) {
        text.push_str(name);
        text.push(' ');
        for hour in 0..DAY {
            let cell = day * DAY + hour;
            let up = slots.iter().any(|s| s.hour.rem_euclid(WEEK) == cell);
            let called = usize::try_from(cell).is_ok_and(|c| usual.get(c) == Some(&true));
            text.push(if called { '#' } else { if up { '.' } else { ' ' } });
        }
        text.push(if name == "Sun" { ' ' } else { '|' });
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hour of Monday 2026-03-02, 00:00 UTC.
    const MONDAY: i64 = 492_336;

    /// Four weeks in which the host is always up and calls at 9 to 17 o'clock of UTC on weekdays.
    fn office() -> Vec<Slot> {
        let slot = |n: i64| {
            let active = n % WEEK < 5 * 24 && (9..18).contains(&(n % 24));
            Slot { hour: MONDAY + n, calls: if active { 60 } else { 0 }, names: 0 }
        };
        (0..HOURS).map(slot).collect()
    }

    #[test]
    fn rings_keep_four_weeks() {
        let mut ring: Ring<u8> = Ring::new(1_000);
        *ring.at(1_000).unwrap() = 7;
        *ring.at(1_671).unwrap() = 8;
        assert_eq!((ring.get(1_000), ring.get(1_671), ring.get(1_672), ring.known()), (7, 8, 0, (1_000, 1_671)));
        *ring.at(1_672).unwrap() += 1;
        assert_eq!((ring.get(1_000), ring.get(1_672), ring.known()), (0, 1, (1_001, 1_672)));
        assert!(ring.at(1_000).is_none());
        ring.at(1_000_000).unwrap();
        assert_eq!((ring.get(1_672), ring.get(1_000_000)), (0, 0), "long after");
        let mut late: Ring<u8> = Ring::new(50);
        *late.at(40).unwrap() = 1;
        assert_eq!(late.known(), (40, 50));
    }

    #[test]
    fn office_hours_by_hand() {
        let slots = office();
        let week = week(&slots);
        assert_eq!((week.even, week.active_days, week.usual_days, week.with_names), (1.0, 20, 20, 0.0));
        let utc = fit(&slots, 0, false, &[]);
        assert_eq!((utc.of_off, utc.off), (1.0, 4 * (5 * 11 + 48)));
        assert!((utc.of_silent - 103.0 / 123.0).abs() < 1e-9, "{}", utc.of_silent);
        assert!(fit(&slots, 9, false, &[]).of_off < 0.9, "in Tokyo these are evenings");
        assert!(fit(&slots, 0, true, &[]).of_off < 0.5, "not a matter of nights");
    }

    #[test]
    fn holidays_are_off() {
        let holiday = Day::new(2026, 3, 4).unwrap();
        let noon = MONDAY + 2 * 24 + 12;
        assert!(is_off(noon, 0, &[holiday]) && !is_off(noon, 0, &[]));
        assert!(is_off(MONDAY + 5 * 24 + 12, 0, &[]), "Saturday");
    }

    #[test]
    fn the_map_shows_the_week() {
        let map = map(&office());
        assert!(map.starts_with("Mon .........#########......|Tue "), "{map}");
        assert!(map.ends_with("Sun ........................"), "{map}");
    }

    #[test]
    fn what_follows_people_correlates() {
        let mut slots = office();
        slots.iter_mut().for_each(|s| s.names = s.calls / 4);
        assert!((week(&slots).with_names - 1.0).abs() < 1e-9);
    }
}
