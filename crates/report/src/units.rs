//! Numbers for people.

use sekisho_types::{Interval, Timestamp};

const SECS_PER_DAY: i64 = 86_400;

/// `12,345`.
pub fn count(v: u64) -> String {
    let digits = v.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(d);
    }
    out
}

/// `1 flow`, `12 flows`.
pub fn counted(v: u64, one: &str) -> String {
    match (v, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) if !one.ends_with("ay") => format!("{} {stem}ies", count(v)),
        _ => format!("{} {one}s", count(v)),
    }
}

/// `999 B`, `1.2 kB`, `34 MB`: powers of 1000, two digits or more.
pub fn bytes(v: u64) -> String {
    scaled(v as f64, "B")
}

/// Bits per second of `bytes` over `span`.
pub(crate) fn rate(bytes: u64, span: Interval) -> Option<String> {
    (span.0 > 0).then(|| scaled(bytes as f64 * 8.0 / span.as_secs_f64(), "bit/s"))
}

fn scaled(v: f64, unit: &str) -> String {
    let mut v = v;
    // 999.5 would round to 1000.
    for prefix in ["", "k", "M", "G", "T", "P"] {
        if v < 999.5 {
            let digits = usize::from(v < 9.95 && !prefix.is_empty());
            return format!("{v:.digits$} {prefix}{unit}");
        }
        v /= 1_000.0;
    }
    format!("{v:.0} E{unit}")
}

/// `3 d 4 h`, `2 min 5 s`, `1.5 s`, `20 ms`.
pub(crate) fn span(v: Interval) -> String {
    let secs = v.0 / 1_000_000_000;
    let pair = |big: i64, big_unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{big} {big_unit}"),
        _ => format!("{big} {big_unit} {small} {small_unit}"),
    };
    match secs {
        0 => format!("{} ms", v.0 / 1_000_000),
        1..60 => format!("{:.1} s", v.as_secs_f64()),
        60..3_600 => pair(secs / 60, "min", secs % 60, "s"),
        3_600..SECS_PER_DAY => pair(secs / 3_600, "h", secs / 60 % 60, "min"),
        _ => pair(secs / SECS_PER_DAY, "d", secs / 3_600 % 24, "h"),
    }
}

/// `2015-03-25`, UTC.
pub(crate) fn date(ts: Timestamp) -> String {
    let [year, month, day, ..] = civil(ts);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2015-03-25 17:36:00`, UTC.
pub fn clock(ts: Timestamp) -> String {
    let [.., h, m, s] = civil(ts);
    format!("{} {h:02}:{m:02}:{s:02}", date(ts))
}

/// Appends the like of `2015-03-25T17:36:00.695733001Z`. Packet time lies between the years 1677 and 2262.
pub(crate) fn push_iso(out: &mut String, ts: Timestamp) {
    let [year, month, day, h, m, s] = civil(ts);
    digits(out, year, 4);
    for (mark, value) in [('-', month), ('-', day), ('T', h), (':', m), (':', s)] {
        out.push(mark);
        digits(out, value, 2);
    }
    out.push('.');
    digits(out, ts.0.rem_euclid(1_000_000_000), 9);
    out.push('Z');
}

/// The last `count` digits of `value`, nine at most.
fn digits(out: &mut String, value: i64, count: usize) {
    let mut text = [b'0'; 9];
    let mut left = value.unsigned_abs();
    for digit in text.iter_mut().take(count).rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    out.extend(text.iter().take(count).map(|d| char::from(*d)));
}

/// What [`push_iso`] writes.
pub(crate) fn parse_iso(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, nanos) = time.split_once('.').filter(|(_, n)| n.len() == 9)?;
    let number = |t: &str| t.parse::<i64>().ok();
    let mut date = date.rsplitn(3, '-').map(number);
    let (day, month, year) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.splitn(3, ':').map(number);
    let (hour, minute, sec) = (time.next()??, time.next()??, time.next()??);
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && (0..24).contains(&hour);
    if !fits || !(0..60).contains(&minute) || !(0..60).contains(&sec) || !(0..=9_999).contains(&year) {
        return None;
    }
    // The inverse of `civil`.
    let year = year - i64::from(month <= 2);
    let (era, yoe) = (year.div_euclid(400), year.rem_euclid(400));
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    let secs = days * SECS_PER_DAY + hour * 3_600 + minute * 60 + sec;
    let nanos = nanos.parse::<u32>().ok()?;
    Some(Timestamp(secs.checked_mul(1_000_000_000)?.checked_add(i64::from(nanos))?))
}

/// Year, month, day, hour, minute, second.
fn civil(ts: Timestamp) -> [i64; 6] {
    let secs = ts.0.div_euclid(1_000_000_000);
    let (days, sec) = (secs.div_euclid(SECS_PER_DAY), secs.rem_euclid(SECS_PER_DAY));
    // Days since 0000-03-01 in 400-year eras of 146,097 days: leap days then end a year.
    let (era, doe) = ((days + 719_468).div_euclid(146_097), (days + 719_468).rem_euclid(146_097));
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    [year, month, doy - (153 * mp + 2) / 5 + 1, sec / 3_600, sec / 60 % 60, sec % 60]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iso(ts: Timestamp) -> String {
        let mut out = String::new();
        push_iso(&mut out, ts);
        out
    }

    #[test]
    fn numbers() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_000), "1.0 kB");
        assert_eq!(bytes(12_345), "12 kB");
        assert_eq!(bytes(999_700), "1.0 MB");
        assert_eq!(bytes(u64::MAX), "18 EB");
        assert_eq!(rate(1_000_000, Interval::from_secs(8)).unwrap(), "1.0 Mbit/s");
        assert_eq!(rate(1, Interval::ZERO), None);
        assert_eq!(counted(1, "flow"), "1 flow");
        assert_eq!(counted(2_000, "query"), "2,000 queries");
    }

    #[test]
    fn times_read_back() {
        for secs in (-2_000_000_000..6_000_000_000).step_by(86_399 * 97) {
            let ts = Timestamp::from_parts(secs, 695_733_001);
            assert_eq!(parse_iso(&iso(ts)), Some(ts));
        }
        for wrong in [
            "",
            "2015-03-25",
            "2015-13-25T17:36:00.695733001Z",
            "2015-03-25T17:36:00.6Z",
            "x-03-25T17:36:00.695733001Z",
        ] {
            assert_eq!(parse_iso(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times() {
        assert_eq!(span(Interval::from_millis(20)), "20 ms");
        assert_eq!(span(Interval::from_millis(1_500)), "1.5 s");
        assert_eq!(span(Interval::from_secs(125)), "2 min 5 s");
        assert_eq!(span(Interval::from_secs(7_200)), "2 h");
        assert_eq!(span(Interval::from_secs(3 * 86_400 + 4 * 3_600)), "3 d 4 h");
        let t = Timestamp::from_parts(1_427_304_960, 695_733_001);
        assert_eq!(iso(t), "2015-03-25T17:36:00.695733001Z");
        assert_eq!(clock(t), "2015-03-25 17:36:00");
        assert_eq!(date(Timestamp::from_parts(951_782_400, 0)), "2000-02-29");
        assert_eq!(clock(Timestamp::from_parts(-1, 0)), "1969-12-31 23:59:59");
    }
}
