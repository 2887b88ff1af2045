//! Dates in lists.

use sekisho_types::{Day, Timestamp};

/// A date or time as lists have it: `2026-03-01`, `2026-03-01 10:00:00`, `2026-03-01T10:00:00Z`, or seconds since 1970.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let seconds = match text.parse::<i64>() {
        // A year alone is no time.
        Ok(seconds) if seconds >= 100_000_000 => Some(seconds),
        Ok(_) => None,
        Err(_) => calendar(text),
    };
    seconds.and_then(|s| s.checked_mul(1_000_000_000)).map(Timestamp)
}

fn calendar(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let mark = |at: usize, marks: &[u8]| text.as_bytes().get(at).is_some_and(|b| marks.contains(b));
    let day = text.get(..10)?.parse::<Day>().ok()?;
    let clock = if mark(10, b" T") && mark(13, b":") && mark(16, b":") {
        number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?
    } else {
        0
    };
    Some(day.0 * 86_400 + clock)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn dates() {
        let seconds = |text: &str| parse(text).map(|t| t.0 / 1_000_000_000);
        assert_eq!(seconds("1970-01-01"), Some(0));
        assert_eq!(seconds("2024-02-29"), Some(1_709_164_800));
        assert_eq!(seconds("2026-03-02T03:30:33Z"), Some(1_772_422_233));
        assert_eq!(seconds(" 2026-03-02 03:30:33 UTC"), Some(1_772_422_233));
        assert_eq!(seconds("1772422233"), Some(1_772_422_233));
        for bad in ["", "2026", "2026-13-01", "01/02/2026", "2026-03-0x", "päivä-00-00", "9223372036854775807"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
