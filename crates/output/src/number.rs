//! Numbers, times and addresses as bytes.
//!
//! Values of bounded size are written into a place that is large enough for each; the functions return the length.

use crate::line::{Line, PLACE_LEN, word};
use sekisho_types::text::{EIGHT, ZEROS, eight_digits, put};
pub(crate) use sekisho_types::text::{hex_pair, unsigned};
use sekisho_types::{MacAddr, Subnet, Timestamp};
use std::fmt::Write;

const NANOS: u64 = 1_000_000_000;
const SECS_PER_DAY: i64 = 86_400;
/// From 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_468;
const DAYS_OF_400_YEARS: u32 = 146_097;
/// 2^32 by 1,461, the days of four years, rounded up.
const DAY_OF_FOUR_YEARS: u64 = 2_939_745;
/// Days of a year that begins in March.
const DAYS_BEFORE_JANUARY: u32 = 306;
/// Length of a date and time without a fraction.
const CLOCK_LEN: usize = 19;
/// At most 20 bytes.
pub(crate) fn signed<const N: usize>(place: &mut [u8; N], v: i64) -> usize {
    let len = unsigned(place, v.unsigned_abs());
    if v < 0 { minus(place, len) } else { len }
}

/// Puts a minus sign before the `len` bytes of a number; returns their number with it.
#[cold]
#[inline(never)]
fn minus<const N: usize>(place: &mut [u8; N], len: usize) -> usize {
    place.copy_within(..len, 1);
    place[0] = b'-';
    1 + len
}

/// Nanoseconds as seconds with exactly six decimals, cut off, not rounded. At most 18 bytes.
pub(crate) fn seconds_fixed<const N: usize>(place: &mut [u8; N], nanos: i64) -> usize {
    let (len, _) = micros(place, nanos.unsigned_abs() / 1_000);
    if nanos < 0 { minus(place, len) } else { len }
}

/// As [`seconds_fixed`], trailing zeros dropped except the first: the shortest form of the number, as Zeek's JSON has
/// its times.
pub(crate) fn seconds_short<const N: usize>(place: &mut [u8; N], nanos: i64) -> usize {
    let (len, zeros) = micros(place, nanos.unsigned_abs() / 1_000);
    if nanos < 0 { minus(place, len - zeros) } else { len - zeros }
}

/// As [`seconds_short`] with at most nine decimals. At most 21 bytes.
pub(crate) fn interval_short<const N: usize>(place: &mut [u8; N], nanos: i64) -> usize {
    let v = nanos.unsigned_abs();
    let at = unsigned(place, v / NANOS);
    let (shown, ninth) = (v % NANOS / 10, v % 10);
    let eight = eight_digits(shown);
    place[at] = b'.';
    put(place, at + 1, eight | ZEROS);
    let decimals = if ninth > 0 {
        place[at + 9] = b'0' + ninth as u8;
        9
    } else {
        (8 - eight.leading_zeros() as usize / 8).max(1)
    };
    let len = at + 1 + decimals;
    if nanos < 0 { minus(place, len) } else { len }
}

/// Writes seconds with six decimals; returns the length, and how many zeros at the end are not the first decimal.
#[inline]
fn micros<const N: usize>(place: &mut [u8; N], v: u64) -> (usize, usize) {
    // The last two digits of the seconds stand before the six of the fraction.
    let low = eight_digits(v % EIGHT);
    let at = if v >= EIGHT * EIGHT / 10 {
        // Ten digits before the point, as all times since 2001 have.
        put(place, 0, eight_digits(v / EIGHT) | ZEROS);
        put(place, 8, low | ZEROS);
        10
    } else {
        unsigned(place, v / 1_000_000)
    };
    place[at] = b'.';
    put(place, at + 1, low >> 16 | ZEROS);
    (at + 7, (low.leading_zeros() as usize / 8).min(5))
}

/// A finite double as Zeek's JSON writer prints it: shortest digits that read back, exponent below 1e-6 and from 1e21.
pub(crate) fn double_short(line: &mut Line, v: f64) {
    let size = v.abs();
    // Writing to a line cannot fail.
    let _ = if size != 0.0 && !(1e-6..1e21).contains(&size) {
        write!(line, "{v:e}")
    } else if v == v.trunc() {
        write!(line, "{v}.0")
    } else {
        write!(line, "{v}")
    };
}

/// A double as Zeek's text logs have it: six decimals, trailing zeros dropped.
pub(crate) fn double_text(line: &mut Line, v: f64) {
    if v.is_nan() {
        return line.extend(b"nan");
    }
    // Writing to a line cannot fail.
    let _ = write!(line, "{v:.6}");
    if v.is_infinite() {
        return;
    }
    while line.as_bytes().ends_with(b"0") && !line.as_bytes().ends_with(b".0") {
        line.truncate(line.as_bytes().len() - 1);
    }
}

/// At most 43 bytes.
pub(crate) fn subnet<const N: usize>(place: &mut [u8; N], v: Subnet) -> usize {
    let at = v.network().write(place);
    place[at] = b'/';
    let mut digits = [0; 8];
    let len = unsigned(&mut digits, u64::from(v.prefix_len()));
    place[at + 1..][..len].copy_from_slice(&digits[..len]);
    at + 1 + len
}

/// 17 bytes.
pub(crate) fn mac<const N: usize>(place: &mut [u8; N], v: MacAddr) -> usize {
    for (i, octet) in v.0.into_iter().enumerate() {
        let [high, low] = hex_pair(octet);
        place[3 * i..3 * i + 3].copy_from_slice(&[high, low, b':']);
    }
    17
}

/// Appends two digits for each byte.
pub(crate) fn hex(line: &mut Line, bytes: &[u8]) {
    for part in bytes.chunks(PLACE_LEN / 2) {
        line.fill(|place: &mut [u8; PLACE_LEN]| {
            for (pair, &b) in place.as_chunks_mut::<2>().0.iter_mut().zip(part) {
                *pair = hex_pair(b);
            }
            2 * part.len()
        });
    }
}

/// `2015-03-25T11:22:33.012345678Z`.
pub(crate) fn iso_time<const N: usize>(place: &mut [u8; N], ts: Timestamp) -> usize {
    let (date, time, nanos) = civil(ts);
    word(place, &clock(date, time, b"--T::"));
    place[CLOCK_LEN] = b'.';
    put(place, 20, eight_digits(nanos / 10) | ZEROS);
    place[28] = b'0' + (nanos % 10) as u8;
    place[29] = b'Z';
    30
}

/// `2015-03-25-11-22-33`, as in the headers of Zeek's text logs.
pub(crate) fn zeek_clock(ts: Timestamp) -> [u8; CLOCK_LEN] {
    let (date, time, _) = civil(ts);
    clock(date, time, b"-----")
}

fn clock(date: u64, time: u64, separators: &[u8; 5]) -> [u8; CLOCK_LEN] {
    let [y0, y1, y2, y3, m0, m1, d0, d1] = (eight_digits(date) | ZEROS).to_le_bytes();
    let [_, _, h0, h1, n0, n1, s0, s1] = (eight_digits(time) | ZEROS).to_le_bytes();
    let [a, b, c, d, e] = *separators;
    [y0, y1, y2, y3, a, m0, m1, b, d0, d1, c, h0, h1, d, n0, n1, e, s0, s1]
}

/// Date and time in UTC as the decimal numbers YYYYMMDD and HHMMSS, and nanoseconds. The date by the multiplications of C. Neri and
/// L. Schneider, "Euclidean affine functions and their application to calendar algorithms" (2022): years begin in March.
fn civil(ts: Timestamp) -> (u64, u64, u64) {
    let nanos = ts.0.rem_euclid(NANOS as i64) as u64;
    // A 64-bit nanosecond count begins in 1677: nothing is negative from here.
    let secs = (ts.0.div_euclid(NANOS as i64) + DAYS_BEFORE_1970 * SECS_PER_DAY) as u64;
    let days = (secs / SECS_PER_DAY as u64) as u32;
    let sec = (secs % SECS_PER_DAY as u64) as u32;
    let quarters = 4 * days + 3;
    let century = quarters / DAYS_OF_400_YEARS;
    let in_century = (quarters % DAYS_OF_400_YEARS) | 3;
    let years = DAY_OF_FOUR_YEARS * u64::from(in_century);
    let year = (years >> 32) as u32;
    let day_of_year = years as u32 / (4 * DAY_OF_FOUR_YEARS as u32);
    let months = 2_141 * day_of_year + 197_913;
    let (month, day) = (months >> 16, (months & 0xffff) / 2_141 + 1);
    let is_next = day_of_year >= DAYS_BEFORE_JANUARY;
    let month = if is_next { month - 12 } else { month };
    let year = 100 * century + year + u32::from(is_next);
    let date = year * 10_000 + month * 100 + day;
    (date.into(), (sec / 3_600 * 10_000 + sec / 60 % 60 * 100 + sec % 60).into(), nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_types::Addr;

    /// What `f` writes; the place begins as junk, which must not show.
    fn text(f: impl FnOnce(&mut [u8; PLACE_LEN]) -> usize) -> String {
        let mut place = [b'?'; PLACE_LEN];
        let len = f(&mut place);
        String::from_utf8(place[..len].to_vec()).unwrap()
    }

    fn appended(f: impl FnOnce(&mut Line)) -> String {
        let mut line = Line::default();
        f(&mut line);
        String::from_utf8(line.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn integers() {
        for v in [0, 7, 10, 9_999, 10_000, i64::MAX, -1, -10_000, i64::MIN] {
            assert_eq!(text(|p| signed(p, v)), v.to_string());
        }
    }

    #[test]
    fn seconds() {
        for (nanos, short, fixed) in [
            (1_427_304_960_695_733_000, "1427304960.695733", "1427304960.695733"),
            (1_427_304_960_956_110_000, "1427304960.95611", "1427304960.956110"),
            (3_000_000_000, "3.0", "3.000000"),
            (0, "0.0", "0.000000"),
            (-500_000_000, "-0.5", "-0.500000"),
            (-12_500_000_000, "-12.5", "-12.500000"),
            (-1, "-0.0", "-0.000000"),
            (1_999, "0.000001", "0.000001"),
            (i64::MAX, "9223372036.854775", "9223372036.854775"),
        ] {
            assert_eq!(text(|p| seconds_short(p, nanos)), short);
            assert_eq!(text(|p| seconds_fixed(p, nanos)), fixed);
        }
        for (nanos, short) in [
            (1_999, "0.000001999"),
            (1_990, "0.00000199"),
            (1, "0.000000001"),
            (10, "0.00000001"),
            (100_000_000, "0.1"),
            (1_000_000_001, "1.000000001"),
            (i64::MIN, "-9223372036.854775808"),
        ] {
            assert_eq!(text(|p| interval_short(p, nanos)), short);
        }
    }

    #[test]
    fn seconds_agree_with_long_division() {
        let mut nanos = 1i64;
        for _ in 0..20_000 {
            nanos = nanos.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            for nanos in [nanos, nanos >> 20, nanos >> 32, nanos >> 40, nanos / 1_000_000 * 1_000_000] {
                let sign = if nanos < 0 { "-" } else { "" };
                let v = nanos.unsigned_abs();
                let long = format!("{sign}{}.{:09}", v / NANOS, v % NANOS);
                let six = &long[..long.len() - 3];
                let short = |s: &str| match s.trim_end_matches('0') {
                    t if t.ends_with('.') => format!("{t}0"),
                    t => t.to_owned(),
                };
                assert_eq!(text(|p| seconds_fixed(p, nanos)), six);
                assert_eq!(text(|p| seconds_short(p, nanos)), short(six));
                assert_eq!(text(|p| interval_short(p, nanos)), short(&long));
            }
        }
    }

    #[test]
    fn doubles() {
        for (v, json, tsv) in [
            (0.0, "0.0", "0.0"),
            (1.5, "1.5", "1.5"),
            (-2.0, "-2.0", "-2.0"),
            (1e-7, "1e-7", "0.0"),
            (0.000_030_994_415_283_203_125, "0.000030994415283203125", "0.000031"),
            (1e21, "1e21", "1000000000000000000000.0"),
            (123_456_789_012_345_680.0, "123456789012345680.0", "123456789012345680.0"),
        ] {
            assert_eq!(appended(|l| double_short(l, v)), json);
            assert_eq!(appended(|l| double_text(l, v)), tsv);
        }
        assert_eq!(appended(|l| double_text(l, f64::NAN)), "nan");
        assert_eq!(appended(|l| double_text(l, f64::NEG_INFINITY)), "-inf");
    }

    #[test]
    fn calendar() {
        for (secs, nanos, want) in [
            (0, 0, "1970-01-01T00:00:00.000000000Z"),
            (1_427_304_960, 695_733_001, "2015-03-25T17:36:00.695733001Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000000000Z"),
            (-1, 0, "1969-12-31T23:59:59.000000000Z"),
            (4_107_542_399, 0, "2100-02-28T23:59:59.000000000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000000Z"),
        ] {
            assert_eq!(text(|p| iso_time(p, Timestamp::from_parts(secs, nanos))), want);
        }
        assert_eq!(&zeek_clock(Timestamp::from_parts(1_427_304_960, 0)), b"2015-03-25-17-36-00");
        assert_eq!(text(|p| iso_time(p, Timestamp(i64::MIN))), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(text(|p| iso_time(p, Timestamp(i64::MAX))), "2262-04-11T23:47:16.854775807Z");
    }

    #[test]
    fn every_day_follows_the_day_before() {
        let (mut year, mut month, mut day) = (1677, 9, 22);
        // The first whole day of a 64-bit nanosecond count, to its last.
        for days in -106_751..=106_751_i64 {
            let ts = Timestamp((days * SECS_PER_DAY + 3_599) * NANOS as i64);
            assert_eq!(civil(ts), (year * 10_000 + month * 100 + day, 5_959, 0), "day {days}");
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 if is_leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > last {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
        assert_eq!((year, month, day), (2262, 4, 12));
    }

    #[test]
    fn addresses() {
        for s in ["10.0.0.0/8", "0.0.0.0/0", "255.255.255.255/32", "fe80::/10", "::/0", "1:2:3:4:5:6:7:8/128"] {
            let v: Subnet = s.parse().unwrap();
            assert_eq!(text(|p| subnet(p, v)), s);
        }
        let longest = Subnet::new(Addr::v6([0xff; 16]), 128).unwrap();
        assert_eq!(text(|p| subnet(p, longest)), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
        assert_eq!(text(|p| mac(p, MacAddr([0, 1, 0xab, 255, 16, 9]))), "00:01:ab:ff:10:09");
    }

    #[test]
    fn digests() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in [0, 1, 20, 31, 32, 33, 64, 255] {
            let want: String = bytes[..len].iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(appended(|l| hex(l, &bytes[..len])), want);
        }
    }
}
