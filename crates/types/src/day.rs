use crate::Timestamp;
use std::fmt;
use std::str::FromStr;

/// Nanoseconds of a day.
const DAY: i64 = 86_400_000_000_000;

/// A day of the proleptic Gregorian calendar in UTC, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

/// The text is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayError;

impl fmt::Display for DayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a day as YYYY-MM-DD, e.g. 2026-12-24")
    }
}

impl std::error::Error for DayError {}

impl Day {
    /// The day of that date, if there is one; years from 0 to 9999.
    pub fn new(year: i64, month: i64, day: i64) -> Option<Self> {
        if !(0..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        // Years begin in March, so that the leap day comes last; 719,468 days before 1970 is 0000-03-01.
        let shifted = if month <= 2 { year - 1 } else { year };
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let leaps = shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400);
        let found = Self(shifted * 365 + leaps + of_year - 719_468);
        // The 31st of a shorter month would be a day of the next one.
        (found.date() == (year, month, day)).then_some(found)
    }

    /// The day in which `ts` lies.
    pub fn of(ts: Timestamp) -> Self {
        Self(ts.0.div_euclid(DAY))
    }

    /// Its first instant.
    pub fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(DAY))
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// 0 is Monday, 6 Sunday.
    pub fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        u8::try_from((self.0.rem_euclid(7) + 3) % 7).unwrap_or(0)
    }

    /// Year, month (1 to 12) and day of the month.
    pub fn date(self) -> (i64, i64, i64) {
        let days = self.0.saturating_add(719_468);
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let march = (5 * day + 2) / 153;
        let day = day - (153 * march + 2) / 5 + 1;
        let month = if march < 10 { march + 3 } else { march - 9 };
        (year + era * 400 + i64::from(month <= 2), month, day)
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let number = |from: usize, to: usize| {
            let digits = text.get(from..to).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
            digits.parse::<i64>().ok()
        };
        let mark = |at: usize| text.as_bytes().get(at) == Some(&b'-');
        if text.len() != 10 || !mark(4) || !mark(7) {
            return Err(DayError);
        }
        let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
        let (Some(year), Some(month), Some(day)) = (year, month, day) else { return Err(DayError) };
        Self::new(year, month, day).ok_or(DayError)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_parsed_and_printed() {
        for text in ["1970-01-01", "2000-02-29", "2024-02-29", "2026-11-22", "2027-12-31", "0000-01-01", "9999-12-31"] {
            assert_eq!(text.parse::<Day>().map(|d| d.to_string()), Ok(text.to_owned()));
        }
        for bad in [
            "",
            "2026-2-03",
            "2026-02-30",
            "2025-02-29",
            "2026-13-01",
            "2026-00-10",
            "01/02/2026",
            "2026-03-0x",
            "päivä-00-0",
        ] {
            assert_eq!(bad.parse::<Day>(), Err(DayError), "{bad}");
        }
    }

    #[test]
    fn days_have_weekdays_and_beginnings() {
        let day: Day = "2026-11-22".parse().expect("a day");
        assert_eq!(day.weekday(), 6, "a Sunday");
        assert_eq!(day.next().weekday(), 0);
        assert_eq!(Day::of(day.start()), day);
        assert_eq!(Day::of(Timestamp(day.next().start().0 - 1)), day);
        assert_eq!(Day::of(Timestamp(-1)).to_string(), "1969-12-31");
        assert_eq!(Day::of(Timestamp(-1)).weekday(), 2);
    }
}
