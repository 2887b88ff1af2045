//! When something went on, as data.

use sekisho_types::{Interval, Timestamp};

/// Hours of a week.
pub const WEEK_HOURS: usize = 168;

/// Flows over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Start of the first bin.
    pub start: Option<Timestamp>,
    /// Length of a bin: ten milliseconds at least, more where the capture lasts longer.
    pub width: Interval,
    /// Without holes; a few hundred at most.
    pub bins: Vec<Bin>,
    /// Flows that began in each hour of the week, in UTC, from Monday 00:00 on; empty or [`WEEK_HOURS`] long.
    pub week: Vec<u64>,
}

/// What went on in a part of the timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bin {
    /// Flows that began.
    pub flows: u64,
    /// Bytes from the IP header on, those of a flow spread evenly from its start to its end.
    pub bytes: u64,
}

/// Hour of the week, 0 is Monday 00:00 to 01:00 UTC.
pub(crate) fn hour_of_week(ts: Timestamp) -> usize {
    // 1970-01-01 was a Thursday.
    let hours = ts.0.div_euclid(3_600_000_000_000) + 3 * 24;
    usize::try_from(hours.rem_euclid(168)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday() {
        // 2026-11-23 is a Monday.
        let monday = Timestamp::from_parts(1_795_392_000, 0);
        assert_eq!(crate::units::date(monday), "2026-11-23");
        assert_eq!(hour_of_week(monday), 0);
        assert_eq!(hour_of_week(monday - Interval(1)), 167);
        assert_eq!(hour_of_week(Timestamp(i64::MIN)).min(168), hour_of_week(Timestamp(i64::MIN)));
    }
}
