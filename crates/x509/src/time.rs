use crate::der::{Element, tag};
use sekisho_types::Timestamp;

/// A point in time as certificates state it: whole seconds since 1970, which, unlike [`Timestamp`], reaches
/// 9999-12-31, the date that RFC 5280 §4.1.2.5 gives to certificates without an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertTime(pub i64);

impl CertTime {
    /// As packet time; saturates (in 2262).
    pub const fn to_timestamp(self) -> Timestamp {
        Timestamp::from_parts(self.0, 0)
    }
}

/// Reads a UTCTime or GeneralizedTime (RFC 5280 §4.1.2.5), leniently about missing seconds, fractions and zone offsets
/// as older authorities wrote them.
pub(crate) fn parse(time: &Element<'_>) -> Option<CertTime> {
    let mut text = time.content;
    let year = match time.tag {
        tag::UTC_TIME => {
            let yy = digits(&mut text, 2)?;
            if yy < 50 { 2000 + yy } else { 1900 + yy }
        }
        tag::GENERALIZED_TIME => digits(&mut text, 4)?,
        _ => return None,
    };
    let month = digits(&mut text, 2).filter(|m| (1..=12).contains(m))?;
    let day = digits(&mut text, 2).filter(|d| (1..=31).contains(d))?;
    let hour = digits(&mut text, 2).filter(|&h| h < 24)?;
    let minute = digits(&mut text, 2).filter(|&m| m < 60)?;
    let second = if text.first().is_some_and(u8::is_ascii_digit) { digits(&mut text, 2)? } else { 0 };
    if let Some(fraction) = text.strip_prefix(b".") {
        let len = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        text = fraction.get(len..)?;
    }
    let offset = match text.split_first()? {
        (b'Z', _) => 0,
        (sign @ (b'+' | b'-'), mut rest) => {
            let seconds = digits(&mut rest, 2)? * 3600 + digits(&mut rest, 2)? * 60;
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    Some(CertTime(days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset))
}

fn digits(text: &mut &[u8], count: usize) -> Option<i64> {
    let (head, rest) = text.split_at_checked(count)?;
    *text = rest;
    head.iter().try_fold(0i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Counting years from March puts the leap day last.
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400);
    y * 365 + leap_days + (m * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tag: u8, text: &str, want: Option<i64>) {
        let e = Element { tag, content: text.as_bytes(), whole: &[] };
        assert_eq!(parse(&e), want.map(CertTime), "{text}");
    }

    #[test]
    fn parses_both_forms() {
        check(tag::UTC_TIME, "700101000000Z", Some(0));
        check(tag::UTC_TIME, "000530104838Z", Some(959_683_718));
        check(tag::UTC_TIME, "491231235959Z", Some(2_524_607_999));
        check(tag::UTC_TIME, "500101000000Z", Some(-631_152_000));
        check(tag::GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000));
        check(tag::GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799));
        check(tag::GENERALIZED_TIME, "20240229120000.123Z", Some(1_709_208_000));
        check(tag::UTC_TIME, "7001010100+0100", Some(0));
    }

    #[test]
    fn rejects_nonsense() {
        for text in ["", "Z", "701301000000Z", "70010100000", "7001010000xxZ", "700101250000Z", "700101000000"] {
            check(tag::UTC_TIME, text, None);
        }
        check(tag::SEQUENCE, "700101000000Z", None);
    }
}
