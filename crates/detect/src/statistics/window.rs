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
        let left = if window < self.window { 0 } else { len - ts.0.rem_euclid(len) };
        let share = u128::from(self.before) * u128::from(left.unsigned_abs()) / u128::from(len.unsigned_abs());
        self.now.saturating_add(u64::try_from(share).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
