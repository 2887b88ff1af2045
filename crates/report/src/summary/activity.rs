use super::columns::conn;
use crate::activity::{Activity, Bin, WEEK_HOURS, hour_of_week};
use crate::cells::Cells;
use crate::page::Page;
use sekisho_types::{Interval, Timestamp};

/// Most bins of the timeline.
const MAX_BINS: i64 = 240;
const MS: i64 = 1_000_000;
/// Lengths that a bin may have, in milliseconds: hundredths of a second, seconds, minutes, hours, days, weeks, up to 19 years. Each divides
/// the next, so that bins merge without a rest and the order of rows does not show.
const WIDTHS: [i64; 15] = [
    10,
    100,
    1_000,
    5_000,
    10_000,
    60_000,
    300_000,
    600_000,
    3_600_000,
    21_600_000,
    86_400_000,
    604_800_000,
    6_048_000_000,
    60_480_000_000,
    604_800_000_000,
];

/// Flows over time, within fixed memory.
pub(super) struct Times {
    /// Which of [`WIDTHS`].
    width: usize,
    /// Number of the first bin, counted from 1970 in widths.
    first: i64,
    bins: Vec<Bin>,
    week: [u64; WEEK_HOURS],
}

impl Times {
    pub fn new() -> Self {
        Self { width: 0, first: 0, bins: Vec::new(), week: [0; WEEK_HOURS] }
    }

    pub fn conn(&mut self, row: &Cells<'_>) {
        let Some(ts) = row.time(conn::TS) else { return };
        let number = |i| row.count(i).unwrap_or(0);
        let bytes = number(conn::ORIG_BYTES).saturating_add(number(conn::RESP_BYTES));
        self.flow(ts, row.interval(conn::DURATION).unwrap_or(Interval::ZERO), bytes);
    }

    fn flow(&mut self, ts: Timestamp, duration: Interval, bytes: u64) {
        if let Some(hour) = self.week.get_mut(hour_of_week(ts)) {
            *hour += 1;
        }
        let end = ts.0.saturating_add(duration.0.max(0));
        self.make_room(ts.0, end);
        let width = self.width();
        let at = ts.0.div_euclid(width);
        self.bin(at, |b| b.flows += 1);
        let length = u128::from(end.abs_diff(ts.0)).max(1);
        let mut given = 0;
        for i in at..=end.div_euclid(width) {
            // Bytes until the end of the bin: sums of neighbours are those of the bin that holds both.
            let until = i.saturating_add(1).saturating_mul(width);
            let so_far = match u128::from(until.min(end).abs_diff(ts.0)) {
                _ if until > end => bytes,
                past => u64::try_from(u128::from(bytes) * past / length).unwrap_or(bytes),
            };
            let part = so_far.saturating_sub(given);
            self.bin(i, |b| b.bytes = b.bytes.saturating_add(part));
            given = so_far;
        }
    }

    fn width(&self) -> i64 {
        WIDTHS.get(self.width).copied().unwrap_or(i64::MAX / MS) * MS
    }

    fn bin(&mut self, i: i64, change: impl FnOnce(&mut Bin)) {
        if let Some(bin) = usize::try_from(i - self.first).ok().and_then(|i| self.bins.get_mut(i)) {
            change(bin);
        }
    }

    /// Bins from `from` to `to`, wider ones if there would be too many.
    fn make_room(&mut self, from: i64, to: i64) {
        loop {
            let width = self.width();
            let (mut lo, mut hi) = (from.div_euclid(width), to.div_euclid(width));
            if !self.bins.is_empty() {
                let last = self.first + self.bins.len() as i64 - 1;
                if self.first <= lo && hi <= last {
                    return;
                }
                lo = lo.min(self.first);
                hi = hi.max(last);
            }
            if hi - lo < MAX_BINS || self.width + 1 == WIDTHS.len() {
                let before = if self.bins.is_empty() { 0 } else { usize::try_from(self.first - lo).unwrap_or(0) };
                self.bins.splice(0..0, std::iter::repeat_n(Bin::default(), before));
                self.bins.resize(usize::try_from(hi - lo + 1).unwrap_or(1), Bin::default());
                self.first = lo;
                return;
            }
            self.widen();
        }
    }

    fn widen(&mut self) {
        let old = self.width();
        self.width += 1;
        let times = self.width() / old;
        let first = self.first.div_euclid(times);
        let mut wide: Vec<Bin> = Vec::new();
        for (i, bin) in (self.first..).zip(&self.bins) {
            let at = usize::try_from(i.div_euclid(times) - first).unwrap_or(0);
            wide.resize(wide.len().max(at + 1), Bin::default());
            if let Some(sum) = wide.get_mut(at) {
                sum.flows += bin.flows;
                sum.bytes = sum.bytes.saturating_add(bin.bytes);
            }
        }
        (self.first, self.bins) = (first, wide);
    }

    pub fn fill(&self, page: &mut Page) {
        if self.bins.is_empty() {
            return;
        }
        let width = self.width();
        page.activity = Activity {
            start: Some(Timestamp(self.first.saturating_mul(width))),
            width: Interval(width),
            bins: self.bins.clone(),
            week: self.week.to_vec(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Completeness;

    fn activity(times: &Times) -> Activity {
        let mut page = Page { completeness: Completeness::default(), ..Page::default() };
        times.fill(&mut page);
        page.activity
    }

    #[test]
    fn bytes_are_spread_over_the_flow() {
        let mut times = Times::new();
        times.flow(Timestamp(5_000_000), Interval::from_millis(20), 1_000);
        let a = activity(&times);
        assert_eq!((a.start, a.width), (Some(Timestamp(0)), Interval::from_millis(10)));
        let bytes: Vec<u64> = a.bins.iter().map(|b| b.bytes).collect();
        assert_eq!(bytes, [250, 500, 250]);
        assert_eq!(a.bins.iter().map(|b| b.flows).sum::<u64>(), 1);
    }

    #[test]
    fn order_does_not_show_and_nothing_is_lost() {
        let mut flows: Vec<(i64, i64, u64)> =
            (0..300).map(|i| (i * 777_777_777_777, (i % 17) * 1_234_567_891_011, 1_001 + i as u64 * 7)).collect();
        let run = |flows: &[(i64, i64, u64)]| {
            let mut times = Times::new();
            flows.iter().for_each(|f| times.flow(Timestamp(f.0), Interval(f.1), f.2));
            activity(&times)
        };
        let want = run(&flows);
        flows.reverse();
        let got = run(&flows);
        assert_eq!((&got.bins, got.start, got.width, &got.week), (&want.bins, want.start, want.width, &want.week));
        assert_eq!(want.bins.iter().map(|b| b.bytes).sum::<u64>(), flows.iter().map(|f| f.2).sum::<u64>());
        assert_eq!(want.week.iter().sum::<u64>(), 300);
    }

    #[test]
    fn limits_bins_whatever_the_times() {
        let mut times = Times::new();
        for ts in [0, i64::MIN, i64::MAX, 1, -1, 1 << 40] {
            times.flow(Timestamp(ts), Interval(i64::MAX), u64::MAX);
            times.flow(Timestamp(ts), Interval(-5), 1);
            assert!(times.bins.len() <= MAX_BINS as usize, "{}", times.bins.len());
        }
        assert_eq!(activity(&times).bins.iter().map(|b| b.flows).sum::<u64>(), 12);
    }
}
