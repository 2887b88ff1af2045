//! How long each side was observed, hour of the week by hour.

use super::facts::Facts;
use crate::WEEK_HOURS;
use sekisho_types::{Interval, Timestamp};

const HOUR: i64 = 3_600;
const WEEK: i64 = 168 * HOUR;

/// Shorter than this no rate means anything; taken as this long.
const LEAST_SECS: f64 = 1.0;

/// From here on both sides have seen all hours of a day, of a week.
pub(super) const DAY: Interval = Interval(86_400 * 1_000_000_000);
pub(super) const SEVEN_DAYS: Interval = Interval(WEEK * 1_000_000_000);

/// Seconds of each hour of the week between two times.
pub(super) fn by_hour(first: Option<Timestamp>, last: Option<Timestamp>) -> Vec<u32> {
    let mut hours = vec![0u32; WEEK_HOURS];
    let secs = |ts: Timestamp| ts.0.div_euclid(1_000_000_000);
    // 1970 began on a Thursday.
    let Some((from, until)) = first.zip(last).map(|(a, b)| (secs(a) + 3 * 24 * HOUR, secs(b) + 3 * 24 * HOUR)) else {
        return hours;
    };
    let weeks = (until - from).max(0) / WEEK;
    for hour in &mut hours {
        *hour = u32::try_from(weeks.saturating_mul(HOUR)).unwrap_or(u32::MAX);
    }
    let mut at = from + weeks * WEEK;
    while at < until {
        let end = ((at.div_euclid(HOUR) + 1) * HOUR).min(until);
        let place = usize::try_from(at.rem_euclid(WEEK) / HOUR).ok();
        if let Some(hour) = place.and_then(|p| hours.get_mut(p)) {
            *hour = hour.saturating_add(u32::try_from(end - at).unwrap_or(0));
        }
        at = end;
    }
    hours
}

/// How long after was observed for each second of before; of a device whose habits are known, by the hours in which it is
/// active, if both sides saw a whole week.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub(super) fn ratio(observed: [Interval; 2], hours: [&[u32]; 2], device: [Option<&Facts>; 2]) -> f64 {
    let [before, after] = observed.map(|o| o.as_secs_f64().max(LEAST_SECS));
    let plain = after / before;
    if observed.iter().any(|o| *o < SEVEN_DAYS) {
        return plain;
    }
    let (mut sums, mut weights) = ([0.0; 2], 0.0);
    for hour in 0..WEEK_HOURS {
        let [b, a] = hours.map(|h| f64::from(h.get(hour).copied().unwrap_or(0)));
        let flows: u64 = device.iter().flatten().filter_map(|d| d.hours.get(hour)).sum();
        let weight = if a + b > 0.0 { flows as f64 / (a + b) } else { 0.0 };
        sums = [sums[0] + weight * b, sums[1] + weight * a];
        weights += weight;
    }
    if weights > 0.0 && sums[0] > 0.0 && sums[1] > 0.0 { sums[1] / sums[0] } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_of_the_week() {
        // 2026-03-02 is a Monday; 00:30 to 02:10.
        let at = |secs: i64| Some(Timestamp::from_parts(1_772_409_600 + secs, 5));
        let hours = by_hour(at(1_800), at(7_800));
        assert_eq!(hours[..4], [1_800, 3_600, 600, 0]);
        assert_eq!(hours.iter().sum::<u32>(), 6_000);
        // Eight days from Sunday noon.
        let hours = by_hour(at(-43_200), at(-43_200 + 8 * 86_400));
        assert_eq!((hours[12], hours[6 * 24 + 12], hours[11], hours[6 * 24 + 11]), (3_600, 7_200, 7_200, 3_600));
        assert_eq!(by_hour(None, None).iter().sum::<u32>(), 0);
    }

    #[test]
    fn weeks_are_aligned_to_habits() {
        let weeks = |n: i64| Interval(SEVEN_DAYS.0 * n);
        let mut hours = [vec![3_600; WEEK_HOURS], vec![7_200; WEEK_HOURS]];
        // After saw Monday's first hour four times.
        hours[1][0] = 4 * 3_600;
        let mut device = Facts { hours: vec![0; WEEK_HOURS], ..Facts::default() };
        device.hours[0] = 9;
        let [b, a] = &hours;
        assert_eq!(ratio([weeks(1), weeks(2)], [b, a], [Some(&device), None]), 4.0);
        assert_eq!(ratio([weeks(2), weeks(1)], [a, b], [None, Some(&device)]), 0.25);
        assert_eq!(ratio([weeks(1), weeks(2)], [b, a], [None, None]), 2.0);
        assert_eq!(ratio([Interval::from_secs(10), Interval::ZERO], [b, a], [Some(&device), None]), 0.1);
    }
}
