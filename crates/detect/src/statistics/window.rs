//! Counts over the last while, from two buckets (`detections.md` §1.4 P7).

use sekisho_types::{Interval, Timestamp};

/// How much there was within the last window, taking what is in the older bucket as spread evenly.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Recently {
    /// Number of the window that `now` counts.
    window: i64,
    now: u64,
    before: u64,
}

impl Recently {
    /// Adds `amount` at `ts`; how much there was within the last `len`, this included. What is older than a window counts
    /// as of the newest window, so that time that goes back a little loses nothing.
    pub fn add(&mut self, ts: Timestamp, len: Interval, amount: u64) -> u64 {
        let len = len.0.max(1);
        let window = ts.0.div_euclid(len);
        if window > self.window {
            self.before = if window == self.window + 1 { self.now } else { 0 };
            (self.window, self.now) = (window, 0);
        }
        self.now = self.now.saturating_add(amount);
        if self.before == 0 {
            return self.now;
        }
        let left = if window < self.window { 0 } else { len - ts.0.rem_euclid(len) };
        let share = u128::from(self.before) * u128::from(left.unsigned_abs()) / u128::from(len.unsigned_abs());
        self.now.saturating_add(u64::try_from(share).unwrap_or(u64::MAX))
    }
}

/// Parts of a window that are counted apart.
const PARTS: usize = 24;

/// How much there was within the last window, wherever that begins: what came before the window is told apart to a part of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sliding {
    /// Number of the newest part.
    part: i64,
    counts: [u32; PARTS + 1],
}

impl Sliding {
    fn slot(&mut self, part: i64) -> Option<&mut u32> {
        let place = usize::try_from(part.rem_euclid(PARTS as i64 + 1)).ok()?;
        self.counts.get_mut(place)
    }

    /// Adds one at `ts`; how many there were within the last `len`, this included. What is late counts as of the newest part.
    pub fn add(&mut self, ts: Timestamp, len: Interval) -> u64 {
        let each = (len.0 / PARTS as i64).max(1);
        let part = ts.0.div_euclid(each);
        if part > self.part {
            for fresh in part.saturating_sub(PARTS as i64).max(self.part.saturating_add(1))..=part {
                if let Some(count) = self.slot(fresh) {
                    *count = 0;
                }
            }
            self.part = part;
        }
        let newest = self.part;
        if let Some(count) = self.slot(newest) {
            *count = count.saturating_add(1);
        }
        let left = if part < newest { 0 } else { each - ts.0.rem_euclid(each) };
        let oldest = u64::from(self.slot(newest.saturating_add(1)).map_or(0, |count| *count));
        let sum: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        let share = u128::from(oldest) * u128::from(left.unsigned_abs()) / u128::from(each.unsigned_abs());
        sum - oldest + u64::try_from(share).unwrap_or(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slides_from_any_time() {
        let (len, day) = (Interval::from_secs(86_400), 86_400i64);
        // A day of contacts, a second apart, that begins at any time of the day.
        for begin in [0, 20_000, 43_200, 45_000, 86_399] {
            let mut count = Sliding::default();
            let counts: Vec<u64> =
                (0..day).map(|s| count.add(Timestamp((5 * day + begin + s) * 1_000_000_000), len)).collect();
            let most = counts.iter().max().copied().unwrap();
            assert!((85_400..=86_400).contains(&most), "{begin}: {most}");
            // Within a day of the last all are gone but that.
            assert_eq!(count.add(Timestamp((7 * day + 2 * begin) * 1_000_000_000), len), 1, "{begin}");
        }
        let at = |s: i64| Timestamp(s * 1_000_000_000);
        let mut count = Sliding::default();
        let len = Interval::from_secs(24);
        assert_eq!((0..24).map(|s| count.add(at(s), len)).max(), Some(24));
        assert_eq!(count.add(at(30), len), 19, "those of 6 s and later");
        assert_eq!(count.add(at(2), len), 19, "late: as if at the end of the newest part, and 6 s is over");
    }

    #[test]
    fn slides() {
        let len = Interval::from_secs(10);
        let at = |s: i64| Timestamp(s * 1_000_000_000);
        let mut count = Recently::default();
        assert_eq!((0..10).map(|s| count.add(at(s), len, 1)).max(), Some(10));
        // Half of the last window is within the last ten seconds.
        assert_eq!(count.add(at(15), len, 1), 6);
        assert_eq!(count.add(at(9), len, 1), 2, "time goes back");
        assert_eq!(count.add(at(1000), len, 1), 1, "long ago");
    }
}
