//! Numbers, times and addresses as bytes.

use sekisho_types::{Addr, MacAddr, Subnet, Timestamp, Uid};
use std::io::Write;

const NANOS: u64 = 1_000_000_000;
const HEX: &[u8; 16] = b"0123456789abcdef";
const SECS_PER_DAY: i64 = 86_400;

/// Appends what `Display` prints; for the rare kinds of values.
pub(crate) fn display(out: &mut Vec<u8>, v: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(v);
}

pub(crate) fn unsigned(out: &mut Vec<u8>, v: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(v).as_bytes());
}

pub(crate) fn signed(out: &mut Vec<u8>, v: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(v).as_bytes());
}

/// Nanoseconds as seconds with exactly `digits` (1 to 9) decimals, cut off, not rounded.
pub(crate) fn seconds_fixed(out: &mut Vec<u8>, nanos: i64, digits: usize) {
    let frac = seconds_whole(out, nanos);
    out.extend_from_slice(&frac[..digits]);
}

/// Nanoseconds as seconds with at most `digits` (1 to 9) decimals, cut off, trailing zeros dropped except the
/// first: the shortest form of the number, as Zeek's JSON has it.
pub(crate) fn seconds_short(out: &mut Vec<u8>, nanos: i64, digits: usize) {
    let frac = seconds_whole(out, nanos);
    let mut len = digits;
    while len > 1 && frac[len - 1] == b'0' {
        len -= 1;
    }
    out.extend_from_slice(&frac[..len]);
}

/// Appends sign, whole seconds and the point; returns the nine decimals.
fn seconds_whole(out: &mut Vec<u8>, nanos: i64) -> [u8; 9] {
    if nanos < 0 {
        out.push(b'-');
    }
    let v = nanos.unsigned_abs();
    unsigned(out, v / NANOS);
    out.push(b'.');
    decimals(v % NANOS)
}

fn decimals(mut v: u64) -> [u8; 9] {
    let mut frac = [b'0'; 9];
    for d in frac.iter_mut().rev() {
        *d = b'0' + (v % 10) as u8;
        v /= 10;
    }
    frac
}

/// A finite double as Zeek's JSON writer prints it: shortest digits that read back, exponent below 1e-6 and from 1e21.
pub(crate) fn double_short(out: &mut Vec<u8>, v: f64) {
    let size = v.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        display(out, format_args!("{v:e}"));
    } else if v == v.trunc() {
        display(out, format_args!("{v}.0"));
    } else {
        display(out, format_args!("{v}"));
    }
}

/// A double as Zeek's text logs have it: six decimals, trailing zeros dropped.
pub(crate) fn double_text(out: &mut Vec<u8>, v: f64) {
    if v.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    let start = out.len();
    display(out, format_args!("{v:.6}"));
    if v.is_infinite() {
        return;
    }
    while out.ends_with(b"0") && out.len() > start + 1 && !out.ends_with(b".0") {
        out.pop();
    }
}

pub(crate) fn addr(out: &mut Vec<u8>, a: Addr) {
    match a.as_v4() {
        Some(v4) => {
            for (i, octet) in v4.into_iter().enumerate() {
                if i > 0 {
                    out.push(b'.');
                }
                out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
            }
        }
        None => display(out, format_args!("{a}")),
    }
}

pub(crate) fn subnet(out: &mut Vec<u8>, v: Subnet) {
    addr(out, v.network());
    out.push(b'/');
    unsigned(out, u64::from(v.prefix_len()));
}

pub(crate) fn mac(out: &mut Vec<u8>, v: MacAddr) {
    for (i, octet) in v.0.into_iter().enumerate() {
        if i > 0 {
            out.push(b':');
        }
        out.extend_from_slice(&hex_pair(octet));
    }
}

pub(crate) fn uid(out: &mut Vec<u8>, v: Uid) {
    let mut buf = [0; Uid::MAX_LEN];
    let len = v.write(&mut buf);
    out.extend_from_slice(&buf[..len]);
}

pub(crate) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for &b in bytes {
        out.extend_from_slice(&hex_pair(b));
    }
}

pub(crate) fn hex_pair(b: u8) -> [u8; 2] {
    [HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]
}

/// `2015-03-25T11:22:33.012345678Z`.
pub(crate) fn iso_time(out: &mut Vec<u8>, ts: Timestamp) {
    let (c, nanos) = civil(ts);
    clock(out, &c, b"--T::");
    out.push(b'.');
    out.extend_from_slice(&decimals(nanos));
    out.push(b'Z');
}

/// `2015-03-25-11-22-33`, as in the headers of Zeek's text logs.
pub(crate) fn zeek_clock(out: &mut Vec<u8>, ts: Timestamp) {
    clock(out, &civil(ts).0, b"-----");
}

fn clock(out: &mut Vec<u8>, c: &[u64; 6], separators: &[u8; 5]) {
    // Years of a 64-bit nanosecond count (1677 to 2262) always have four digits.
    unsigned(out, c[0]);
    for (v, sep) in c[1..].iter().zip(separators) {
        out.extend_from_slice(&[*sep, b'0' + (v / 10) as u8, b'0' + (v % 10) as u8]);
    }
}

/// Year, month, day, hour, minute, second in UTC, and nanoseconds.
fn civil(ts: Timestamp) -> ([u64; 6], u64) {
    let secs = ts.0.div_euclid(NANOS as i64);
    let nanos = ts.0.rem_euclid(NANOS as i64) as u64;
    let days = secs.div_euclid(SECS_PER_DAY);
    let sec = secs.rem_euclid(SECS_PER_DAY) as u64;
    // Days since 0000-03-01, in 400-year eras of 146,097 days: leap days then end a year.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    ([year as u64, month as u64, day as u64, sec / 3_600, sec / 60 % 60, sec % 60], nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(f: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        f(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn seconds() {
        for (nanos, short, fixed) in [
            (1_427_304_960_695_733_000, "1427304960.695733", "1427304960.695733"),
            (1_427_304_960_956_110_000, "1427304960.95611", "1427304960.956110"),
            (3_000_000_000, "3.0", "3.000000"),
            (0, "0.0", "0.000000"),
            (-500_000_000, "-0.5", "-0.500000"),
            (1_999, "0.000001", "0.000001"),
        ] {
            assert_eq!(text(|o| seconds_short(o, nanos, 6)), short);
            assert_eq!(text(|o| seconds_fixed(o, nanos, 6)), fixed);
        }
        assert_eq!(text(|o| seconds_short(o, 1_999, 9)), "0.000001999");
        assert_eq!(text(|o| seconds_short(o, i64::MIN, 9)), "-9223372036.854775808");
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
            assert_eq!(text(|o| double_short(o, v)), json);
            assert_eq!(text(|o| double_text(o, v)), tsv);
        }
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
            assert_eq!(text(|o| iso_time(o, Timestamp::from_parts(secs, nanos))), want);
        }
        assert_eq!(text(|o| zeek_clock(o, Timestamp::from_parts(1_427_304_960, 0))), "2015-03-25-17-36-00");
        assert!(text(|o| iso_time(o, Timestamp(i64::MIN))).starts_with("1677-09-21T00:12:43"));
        assert!(text(|o| iso_time(o, Timestamp(i64::MAX))).starts_with("2262-04-11T23:47:16"));
    }

    #[test]
    fn addresses() {
        assert_eq!(text(|o| addr(o, Addr::v4([10, 0, 200, 255]))), "10.0.200.255");
        assert_eq!(text(|o| addr(o, "2001:db8::1".parse().unwrap())), "2001:db8::1");
        assert_eq!(text(|o| subnet(o, "10.0.0.0/8".parse().unwrap())), "10.0.0.0/8");
        assert_eq!(text(|o| mac(o, MacAddr([0, 1, 0xab, 255, 16, 9]))), "00:01:ab:ff:10:09");
        assert_eq!(text(|o| hex(o, &[0xde, 0xad])), "dead");
    }
}
