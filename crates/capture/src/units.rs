use crate::info::Resolution;
use sekisho_types::Timestamp;

/// How ticks of an interface become nanoseconds: prepared once, so that a packet costs one
/// multiplication or division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Units {
    scale: Scale,
    offset_nanos: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// Finer than or equal to nanoseconds: divide.
    Div(u64),
    /// Coarser: multiply.
    Mul(u64),
    /// Powers of two: multiply by 10^9 and shift.
    Shift(u8),
    /// So fine that no 64-bit count reaches a nanosecond.
    Zero,
}

impl Units {
    /// Decodes the option if_tsresol.
    pub(crate) fn resolution(octet: u8) -> Resolution {
        if octet & 0x80 == 0 { Resolution::Ten(octet) } else { Resolution::Two(octet & 0x7f) }
    }

    pub(crate) fn new(resolution: Resolution, offset_secs: i64) -> Self {
        let scale = match resolution {
            Resolution::Ten(n @ ..=9) => Scale::Mul(10u64.pow(u32::from(9 - n))),
            Resolution::Ten(n) => 10u64.checked_pow(u32::from(n) - 9).map_or(Scale::Zero, Scale::Div),
            Resolution::Two(n) => Scale::Shift(n),
        };
        Self { scale, offset_nanos: offset_secs.saturating_mul(1_000_000_000) }
    }

    /// The time of `ticks`; saturates.
    #[inline]
    pub(crate) fn ts(self, ticks: u64) -> Timestamp {
        let nanos = match self.scale {
            Scale::Mul(by) => ticks.saturating_mul(by),
            Scale::Div(by) => ticks / by,
            Scale::Shift(by) => {
                let wide = u128::from(ticks) * 1_000_000_000;
                u64::try_from(wide >> by).unwrap_or(u64::MAX)
            }
            Scale::Zero => 0,
        };
        let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
        Timestamp(nanos.saturating_add(self.offset_nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(octet: u8, offset: i64, ticks: u64, nanos: i64) {
        let units = Units::new(Units::resolution(octet), offset);
        assert_eq!(units.ts(ticks), Timestamp(nanos), "resolution {octet:#x}");
    }

    #[test]
    fn scales() {
        check(0, 0, 3, 3_000_000_000);
        check(3, 0, 1_500, 1_500_000_000);
        check(6, 0, 1_500_001, 1_500_001_000);
        check(9, 0, 7, 7);
        check(12, 0, 7_999, 7);
        check(0x80, 0, 5, 5_000_000_000);
        check(0x80 | 1, 0, 3, 1_500_000_000);
        check(0x80 | 32, 0, 3 << 31, 1_500_000_000);
        check(6, -1, 500_000, -500_000_000);
        check(6, 10, 0, 10_000_000_000);
    }

    #[test]
    fn limits_are_saturated() {
        check(0, 0, u64::MAX, i64::MAX);
        check(0, i64::MAX, u64::MAX, i64::MAX);
        check(0x80, 0, u64::MAX, i64::MAX);
        check(0x80 | 127, 0, u64::MAX, 0);
        check(127, 0, u64::MAX, 0);
        check(29, 0, u64::MAX, 0);
        check(28, 0, u64::MAX, 1);
        check(6, i64::MIN, 0, i64::MIN);
    }
}
