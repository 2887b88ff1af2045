use std::ops::{Add, Sub};

/// A point in packet time: nanoseconds since 1970-01-01T00:00:00Z, negative before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A span of packet time in nanoseconds; may be negative when packets are out of order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(pub i64);

/// When bytes came, and with which packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Packet time.
    pub ts: Timestamp,
    /// Number of the packet that brought them, from 1.
    pub packet: u64,
}

impl Timestamp {
    /// From whole seconds and a fraction in nanoseconds; saturates.
    pub const fn from_parts(secs: i64, nanos: u32) -> Self {
        Self(secs.saturating_mul(1_000_000_000).saturating_add(nanos as i64))
    }

    /// Seconds since the epoch, as Zeek prints them (loses precision below about 200 ns).
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Interval {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whole seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// The seconds in it, without a fraction.
    pub const fn whole_secs(self) -> i64 {
        self.0 / 1_000_000_000
    }

    /// Whole milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Seconds as a float.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Sub for Timestamp {
    type Output = Interval;
    fn sub(self, earlier: Self) -> Interval {
        Interval(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Interval> for Timestamp {
    type Output = Self;
    fn add(self, span: Interval) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Interval> for Timestamp {
    type Output = Self;
    fn sub(self, span: Interval) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let t = Timestamp::from_parts(1, 500_000_000);
        assert_eq!((t + Interval::from_secs(2)).0, 3_500_000_000);
        assert_eq!(t - Timestamp::from_parts(2, 0), Interval(-500_000_000));
        assert_eq!((Timestamp(i64::MAX) + Interval(1)).0, i64::MAX);
        assert_eq!(t.as_secs_f64(), 1.5);
    }
}
