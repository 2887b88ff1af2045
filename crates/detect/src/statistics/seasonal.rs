//! What is usual at an hour of the week, or on a day of it (`detections.md` §1.4 P2): the values of the last six weeks, and of the slots beside.
//! A plain struct, so that it can be kept from one run to the next.

use super::robust::{median, median_deviation};

/// Weeks remembered of each slot.
const WEEKS: usize = 6;

/// Values without which nothing is usual.
const MIN_VALUES: usize = 6;

/// Least spread: a tenth of what is expected, in logarithms.
const MIN_SPREAD: f64 = 0.095_310_179_804_324_87;

/// From a median absolute deviation to a standard deviation.
const TO_SIGMA: f64 = 1.4826;

/// The last values of a slot, the oldest first, in thousandths of a natural logarithm.
#[derive(Clone, Copy, Debug, Default)]
struct Ring {
    values: [u16; WEEKS],
    len: u8,
}

/// Amounts by slot of the week.
#[derive(Clone, Debug)]
pub(crate) struct Seasonal {
    slots: Vec<Ring>,
}

/// What is usual at a slot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Usual {
    /// The amount.
    pub expected: f64,
    /// Of its logarithm.
    middle: f64,
    spread: f64,
    /// Values that it is made of.
    pub count: usize,
}

impl Usual {
    /// How many standard deviations above what is usual `amount` is, by logarithms.
    pub fn z(&self, amount: u64) -> f64 {
        ((amount as f64).ln_1p() - self.middle) / self.spread
    }
}

impl Seasonal {
    /// Nothing seen, for a week of so many slots.
    pub fn new(slots: usize) -> Self {
        Self { slots: vec![Ring::default(); slots.max(1)] }
    }

    /// Notes the amount of a slot.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a logarithm of a u64 is between 0 and 44.4"
    )]
    pub fn add(&mut self, slot: usize, amount: u64) {
        let count = self.slots.len();
        let Some(ring) = self.slots.get_mut(slot % count) else { return };
        let value = ((amount as f64).ln_1p() * 1000.0).round() as u16;
        if usize::from(ring.len) == WEEKS {
            ring.values.rotate_left(1);
            ring.len -= 1;
        }
        if let Some(place) = ring.values.get_mut(usize::from(ring.len)) {
            *place = value;
            ring.len += 1;
        }
    }

    /// What is usual at `slot`, by its own values and those beside it; `None` of too few.
    pub fn usual(&self, slot: usize) -> Option<Usual> {
        let count = self.slots.len();
        let mut values = Vec::with_capacity(3 * WEEKS);
        for near in [slot + count - 1, slot, slot + 1] {
            let ring = self.slots.get(near % count)?;
            values.extend(ring.values.iter().take(usize::from(ring.len)).map(|v| f64::from(*v) / 1000.0));
        }
        if values.len() < MIN_VALUES {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        let middle = median(&values);
        let deviation = median_deviation(&values, middle, &mut Vec::new());
        let spread = (TO_SIGMA * deviation).max(MIN_SPREAD);
        Some(Usual { expected: middle.exp_m1(), middle, spread, count: values.len() })
    }

    /// The amount that was reached twice at `slot` or beside it; 0 if there were not two. What comes once a week at its hour is
    /// a third of these values, which no median sees.
    pub fn reached_twice(&self, slot: usize) -> f64 {
        let count = self.slots.len();
        let near = [slot + count - 1, slot, slot + 1].map(|near| self.last(near % count));
        let (mut most, mut second) = (0.0f64, 0.0f64);
        for amount in near.into_iter().flatten() {
            second = second.max(amount.min(most));
            most = most.max(amount);
        }
        second
    }

    /// The last amounts of the slot itself, the oldest first.
    pub fn last(&self, slot: usize) -> impl Iterator<Item = f64> {
        let ring = self.slots.get(slot % self.slots.len()).copied().unwrap_or_default();
        ring.values.into_iter().take(usize::from(ring.len)).map(|v| (f64::from(v) / 1000.0).exp_m1())
    }

    /// Bytes of heap held.
    pub fn held_len(&self) -> usize {
        self.slots.capacity() * size_of::<Ring>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut week = Seasonal::new(168);
        assert_eq!(week.usual(3), None);
        for n in 0..4u64 {
            for slot in [2, 3, 4] {
                week.add(slot, 5_000_000 + n * 250_000);
            }
        }
        let usual = week.usual(3).unwrap();
        assert_eq!(usual.count, 12);
        assert!((5_250_000.0..5_500_000.0).contains(&usual.expected), "{usual:?}");
        assert!(usual.z(300_000_000) > 30.0 && usual.z(5_400_000).abs() < 0.5 && usual.z(0) < -100.0);
        // One slot away there are two thirds of the values; at the edges of the week, too.
        assert_eq!((week.usual(5).is_some(), week.usual(1).is_some(), week.usual(9).is_some()), (false, false, false));
        for _ in 0..6 {
            week.add(167, 100);
        }
        assert!(week.usual(0).is_some_and(|u| (99.0..101.0).contains(&u.expected)));
        assert!(week.held_len() < 2_500);
    }

    #[test]
    fn keeps_the_last_six() {
        let mut days = Seasonal::new(7);
        (0..40).for_each(|n| days.add(2, n));
        assert_eq!(days.last(2).map(f64::round).collect::<Vec<_>>(), [34.0, 35.0, 36.0, 37.0, 38.0, 39.0]);
        assert_eq!((days.reached_twice(3).round(), days.reached_twice(5)), (38.0, 0.0));
        days.add(9, u64::MAX);
        assert!(days.last(2).last().unwrap() > 1e19, "slots go round, and the largest amount fits");
    }
}
