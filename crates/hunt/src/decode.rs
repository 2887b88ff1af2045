//! What looks encoded, decoded: runs of the alphabets of base64, base32 and hexadecimal, and escapes of several kinds.
//!
//! The first look is cheap: one byte in as many as the shortest run has. Whether a run means anything is decided by what is found in it.

use crate::coding::Coding;

/// Bounds of the shortest run of characters that is decoded; between them it follows from the shortest match.
const RUN_LEN: std::ops::RangeInclusive<usize> = 10..=32;
/// Runs up to this length are decoded from each of four places on: what is encoded may begin behind something of the same alphabet.
const SHIFTED_LEN_MAX: usize = 8 << 10;
/// Shortest line after which an encoded text may go on in the next one.
const LINE_LEN_MIN: usize = 40;
/// How far to both sides of an escape a text is taken to belong to it.
const BEFORE_LEN_MAX: usize = 256;
const AFTER_LEN_MAX: usize = 4096;

const BASE64: u8 = 1;
const HEX: u8 = 2;
const BASE32_UPPER: u8 = 4;
const BASE32_LOWER: u8 = 8;
const UPPER: u8 = 16;
const LOWER: u8 = 32;

const NONE: u8 = 0xff;

/// Alphabets that a character belongs to.
static CLASS: [u8; 256] = classes();
/// Six bits of a character of base64.
static SIX: [u8; 256] = values(6);
/// Five bits of a character of base32.
static FIVE: [u8; 256] = values(5);
/// Four bits of a hexadecimal digit.
static FOUR: [u8; 256] = values(4);

const fn value_of(byte: u8, width: u32) -> u8 {
    match (width, byte) {
        (6, b'A'..=b'Z') => byte - b'A',
        (6, b'a'..=b'z') => byte - b'a' + 26,
        (6, b'0'..=b'9') => byte - b'0' + 52,
        (6, b'+' | b'-') => 62,
        (6, b'/' | b'_') => 63,
        (5, b'A'..=b'Z') => byte - b'A',
        (5, b'a'..=b'z') => byte - b'a',
        (5, b'2'..=b'7') => byte - b'2' + 26,
        (4, b'0'..=b'9') => byte - b'0',
        (4, b'a'..=b'f') => byte - b'a' + 10,
        (4, b'A'..=b'F') => byte - b'A' + 10,
        _ => NONE,
    }
}

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "runs in the compiler, over all bytes")]
const fn values(width: u32) -> [u8; 256] {
    let mut table = [NONE; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = value_of(i as u8, width);
        i += 1;
    }
    table
}

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "runs in the compiler, over all bytes")]
const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        let mut class = 0;
        if value_of(b, 6) != NONE {
            class |= BASE64;
        }
        if value_of(b, 4) != NONE {
            class |= HEX;
        }
        if value_of(b, 5) != NONE {
            class |= match b {
                b'A'..=b'Z' => BASE32_UPPER,
                b'a'..=b'z' => BASE32_LOWER,
                _ => BASE32_UPPER | BASE32_LOWER,
            };
        }
        if b.is_ascii_uppercase() {
            class |= UPPER;
        }
        if b.is_ascii_lowercase() {
            class |= LOWER;
        }
        table[i] = class;
        i += 1;
    }
    table
}

fn class(byte: u8) -> u8 {
    CLASS.get(usize::from(byte)).copied().unwrap_or(0)
}

fn value(table: &[u8; 256], byte: u8) -> u8 {
    table.get(usize::from(byte)).copied().unwrap_or(NONE)
}

/// Something decoded.
pub(crate) struct Decoded {
    /// Where its characters begin, and how many they are.
    pub(crate) at: usize,
    pub(crate) len: usize,
    pub(crate) coding: Coding,
    pub(crate) clear: Vec<u8>,
    /// What in `clear` was written otherwise, in order; `None`: everything.
    pub(crate) changed: Option<Vec<Change>>,
}

/// A byte that was written as an escape.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    /// Where it is.
    pub(crate) clear: usize,
    /// Where its escape began and ended.
    pub(crate) coded: (usize, usize),
}

/// Tells of everything that may be encoded in `bytes`, until `each` says false. `least`: length of the shortest match.
pub(crate) fn each(bytes: &[u8], least: usize, each: &mut dyn FnMut(Decoded) -> bool) {
    let run_len = (least.saturating_mul(4) / 3).clamp(*RUN_LEN.start(), *RUN_LEN.end());
    let _ = runs(bytes, run_len, each) && (is_noise(bytes) || pairs(bytes, least.max(4), each) && escapes(bytes, each));
}

/// Is it packed or encrypted throughout, by a sample? Escapes are for texts, which have few bytes of the upper half or, in
/// scripts of the East, mostly such.
fn is_noise(bytes: &[u8]) -> bool {
    const STRIDE: usize = 61;
    const LEN_MIN: usize = 2048;
    let high = bytes.iter().step_by(STRIDE).filter(|b| !b.is_ascii()).count();
    let all = bytes.len().div_ceil(STRIDE);
    bytes.len() >= LEN_MIN && (all * 42..all * 58).contains(&(high * 100))
}

/// May a run of ten or more characters cover `at`? Two neighbours on one side belong to it at least. One test for all of
/// it, which noise rarely passes, is one that a processor foresees.
fn may_cover(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at.wrapping_sub(2)..).and_then(|near| near.first_chunk()) {
        Some(&[a, b, here, c, d]) => class(here) & (class(a) & class(b) | class(c) & class(d)) & BASE64 != 0,
        None => bytes.get(at).is_some_and(|b| class(*b) & BASE64 != 0),
    }
}

/// Runs of base64's alphabet, which the others are parts of.
fn runs(bytes: &[u8], run_len: usize, each: &mut dyn FnMut(Decoded) -> bool) -> bool {
    let (mut at, mut done) = (run_len - 1, 0);
    while at < bytes.len() {
        if !may_cover(bytes, at) {
            at += run_len;
            continue;
        }
        let before = bytes.get(done..at).unwrap_or(&[]);
        let start = at - before.iter().rev().take_while(|b| class(**b) & BASE64 != 0).count();
        let (end, all, any) = run_end(bytes, start);
        done = end;
        at = end + run_len;
        if end - start >= run_len && !one_run(bytes, start..end, (all, any), run_len, each) {
            return false;
        }
    }
    true
}

/// Where the run that begins at `start` ends, over line ends between full lines, and which classes all or any of its characters have.
fn run_end(bytes: &[u8], start: usize) -> (usize, u8, u8) {
    let (mut end, mut all, mut any) = (start, u8::MAX, 0);
    let mut line_len = None;
    loop {
        let line = bytes.get(end..).unwrap_or(&[]);
        let mut len = 0;
        for class in line.iter().map(|b| class(*b)).take_while(|c| c & BASE64 != 0) {
            len += 1;
            all &= class;
            any |= class;
        }
        end += len;
        let full = len >= LINE_LEN_MIN && line_len.is_none_or(|n| n == len);
        line_len = Some(len);
        let gap = match bytes.get(end..).unwrap_or(&[]) {
            [b'\r', b'\n', b, ..] if class(*b) & BASE64 != 0 => 2,
            [b'\n', b, ..] if class(*b) & BASE64 != 0 => 1,
            _ => 0,
        };
        if gap == 0 || !full {
            return (end, all, any);
        }
        end += gap;
    }
}

fn one_run(
    bytes: &[u8],
    run: std::ops::Range<usize>,
    (all, any): (u8, u8),
    run_len: usize,
    each: &mut dyn FnMut(Decoded) -> bool,
) -> bool {
    let text = bytes.get(run.clone()).unwrap_or(&[]);
    let mut tell = |at: usize, len: usize, coding: Coding, clear: Vec<u8>| {
        each(Decoded { at: run.start + at, len, coding, clear, changed: None })
    };
    if any & UPPER != 0 && any & LOWER != 0 {
        let shifts = if text.len() <= SHIFTED_LEN_MAX { 4 } else { 1 };
        for shift in 0..shifts.min(text.len()) {
            let rest = text.get(shift..).unwrap_or(&[]);
            if !tell(shift, rest.len(), Coding::Base64, bits(rest, &SIX, 6)) {
                return false;
            }
        }
    }
    if all & (BASE32_UPPER | BASE32_LOWER) != 0 && !tell(0, text.len(), Coding::Base32, bits(text, &FIVE, 5)) {
        return false;
    }
    // Digits may follow `0x` or other letters of the alphabet.
    let mut at = 0;
    for part in text.split(|b| class(*b) & HEX == 0) {
        let (start, len) = (at, part.len());
        at += len + 1;
        if len < run_len.max(2 * 5) {
            continue;
        }
        let odd = len % 2;
        for skip in 0..=odd {
            let rest = part.get(skip..len - odd + skip).unwrap_or(&[]);
            if !tell(start + skip, rest.len(), Coding::Hex, bits(rest, &FOUR, 4)) {
                return false;
            }
        }
    }
    true
}

/// Characters of `width` bits each; others (line ends) are passed over.
fn bits(text: &[u8], table: &[u8; 256], width: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut acc, mut have) = (0u32, 0);
    for &byte in text {
        let value = value(table, byte);
        if value == NONE {
            continue;
        }
        acc = acc << width | u32::from(value);
        have += width;
        if have >= 8 {
            have -= 8;
            let [low, ..] = (acc >> have).to_le_bytes();
            out.push(low);
        }
    }
    out
}

/// Hexadecimal with one character between the bytes: `66 6c 61`, `66:6c:61`.
fn pairs(bytes: &[u8], least: usize, each: &mut dyn FnMut(Decoded) -> bool) -> bool {
    let stride = 3 * least - 3;
    let is_hex = |i: usize| bytes.get(i).is_some_and(|b| class(*b) & HEX != 0);
    let mut at = 0;
    while at + 6 < bytes.len() {
        let lead = (at..at + 3).find(|&i| {
            is_hex(i)
                && is_hex(i + 1)
                && bytes.get(i + 2).is_some_and(|b| matches!(b, b' ' | b':' | b'-' | b','))
                && is_hex(i + 3)
                && is_hex(i + 4)
        });
        let Some(lead) = lead else {
            at += stride;
            continue;
        };
        let sign = bytes.get(lead + 2);
        let mut start = lead;
        while start >= 3 && is_hex(start - 3) && is_hex(start - 2) && bytes.get(start - 1) == sign {
            start -= 3;
        }
        let mut end = lead + 2;
        while bytes.get(end) == sign && is_hex(end + 1) && is_hex(end + 2) {
            end += 3;
        }
        at = end.max(at) + 1;
        let text = bytes.get(start..end).unwrap_or(&[]);
        if (end - start) / 3 + 1 >= least {
            let clear = bits(text, &FOUR, 4);
            if !each(Decoded { at: start, len: end - start, coding: Coding::Hex, clear, changed: None }) {
                return false;
            }
        }
    }
    true
}

/// A kind of escapes.
struct Escape {
    sign: u8,
    coding: Coding,
    /// The byte that a text which begins with an escape stands for, and the escape's length.
    read: fn(&[u8]) -> Option<(u8, usize)>,
    /// Escapes that make it worthwhile.
    count_min: usize,
    /// Goes on over spaces.
    spaces: bool,
}

fn hex_pair(a: u8, b: u8) -> Option<u8> {
    let (a, b) = (value(&FOUR, a), value(&FOUR, b));
    (a != NONE && b != NONE).then_some(a << 4 | b)
}

fn percent(text: &[u8]) -> Option<(u8, usize)> {
    let [_, a, b, ..] = text else { return None };
    Some((hex_pair(*a, *b)?, 3))
}

fn backslash(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [_, b'x', a, b, ..] => Some((hex_pair(*a, *b)?, 4)),
        [_, b'u', b'0', b'0', a, b, ..] => Some((hex_pair(*a, *b)?, 6)),
        [_, a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
            Some(((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), 4))
        }
        _ => None,
    }
}

fn entity(text: &[u8]) -> Option<(u8, usize)> {
    let rest = text.strip_prefix(b"&#")?;
    let end = rest.iter().take(6).position(|&b| b == b';')?;
    let digits = std::str::from_utf8(rest.get(..end)?).ok()?;
    let number = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u8::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    Some((number.ok()?, end + 3))
}

const ESCAPES: &[Escape; 4] = &[
    Escape { sign: b'%', coding: Coding::Url, read: percent, count_min: 1, spaces: false },
    Escape { sign: b'\\', coding: Coding::Escapes, read: backslash, count_min: 1, spaces: true },
    Escape { sign: b'&', coding: Coding::Entities, read: entity, count_min: 1, spaces: true },
    Escape { sign: b'=', coding: Coding::QuotedPrintable, read: quoted, count_min: 2, spaces: true },
];

fn quoted(text: &[u8]) -> Option<(u8, usize)> {
    let (pair, len) = percent(text)?;
    // Parameters begin alike: `a=10`, `a=be`. Encoders write capitals and escape what is no letter.
    let capital = text.iter().skip(1).take(2).all(|b| !b.is_ascii_lowercase());
    (capital && !pair.is_ascii_alphanumeric()).then_some((pair, len))
}

fn escapes(bytes: &[u8], each: &mut dyn FnMut(Decoded) -> bool) -> bool {
    let [url, escapes, entities, quoted] = ESCAPES;
    // Behind these, escapes of the same kind have been seen.
    let mut done = [0; 3];
    for at in memchr::memchr3_iter(url.sign, escapes.sign, entities.sign, bytes) {
        for (kind, done) in [url, escapes, entities].into_iter().zip(&mut done) {
            if bytes.get(at) == Some(&kind.sign) && at >= *done && !escape_at(bytes, at, kind, done, each) {
                return false;
            }
        }
    }
    let mut done = 0;
    for at in memchr::memchr_iter(quoted.sign, bytes) {
        if at >= done && !escape_at(bytes, at, quoted, &mut done, each) {
            return false;
        }
    }
    true
}

/// The text around an escape at `at`, if it is one; `done` is moved behind it.
fn escape_at(bytes: &[u8], at: usize, kind: &Escape, done: &mut usize, each: &mut dyn FnMut(Decoded) -> bool) -> bool {
    if (kind.read)(bytes.get(at..).unwrap_or(&[])).is_none() {
        return true;
    }
    let (start, end) = around(bytes, at, kind.spaces);
    *done = end;
    let text = bytes.get(start..end).unwrap_or(&[]);
    let (clear, changed) = unescape(text, kind);
    if changed.len() < kind.count_min {
        return true;
    }
    each(Decoded { at: start, len: text.len(), coding: kind.coding.clone(), clear, changed: Some(changed) })
}

/// The text around the escape at `at`: of its line, or of its word.
fn around(bytes: &[u8], at: usize, spaces: bool) -> (usize, usize) {
    let inside =
        |b: &u8| *b > b' ' && *b < 0x7f && (spaces || !matches!(b, b'"' | b'\'' | b'<' | b'>')) || *b == b' ' && spaces;
    let before = bytes.get(at.saturating_sub(BEFORE_LEN_MAX)..at).unwrap_or(&[]);
    let start = at - before.iter().rev().take_while(|b| inside(b)).count();
    let after = bytes.get(at..).unwrap_or(&[]);
    (start, at + after.iter().take(AFTER_LEN_MAX).take_while(|b| inside(b)).count())
}

fn unescape(text: &[u8], kind: &Escape) -> (Vec<u8>, Vec<Change>) {
    let (mut clear, mut changed) = (Vec::with_capacity(text.len()), Vec::new());
    let mut at = 0;
    while let Some((&byte, rest)) = text.get(at..).and_then(|rest| rest.first().zip(Some(rest))) {
        let read = if byte == kind.sign { (kind.read)(rest) } else { None };
        let plus = || (byte == b'+' && kind.sign == b'%').then_some((b' ', 1));
        let written = read.or_else(plus);
        let (byte, len) = written.unwrap_or((byte, 1));
        if written.is_some() {
            changed.push(Change { clear: clear.len(), coded: (at, at + len) });
        }
        clear.push(byte);
        at += len;
    }
    (clear, changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some decoding of `text` has `clear` in it.
    fn check(text: &[u8], coding: &Coding, clear: &[u8]) {
        let mut found = false;
        each(text, 5, &mut |d| {
            found |= d.coding == *coding && memchr::memmem::find(&d.clear, clear).is_some();
            true
        });
        assert!(found, "{} as {coding}", text.escape_ascii());
    }

    #[test]
    fn parses_alphabets() {
        check(b"x=ZmxhZ3tuZXN0ZWR9;", &Coding::Base64, b"flag{nested}");
        check(b"/api/v1/ZmxhZ3tuZXN0ZWR9", &Coding::Base64, b"flag{nested}");
        check(b"MZWGCZ33NZSXG5DFMR6Q====", &Coding::Base32, b"flag{nested}");
        check(b"mzwgcz33nzsxg5dfmr6q", &Coding::Base32, b"flag{nested}");
        check(b"0x666c61677b6e65737465647D", &Coding::Hex, b"flag{nested}");
        check(b"  66 6c 61 67 7b 6e 65 73 74 65 64 7d\n", &Coding::Hex, b"flag{nested}");
        check(b"66:6C:61:67:7B:61:7d", &Coding::Hex, b"flag{a}");
    }

    #[test]
    fn parses_lines() {
        let line = b"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB";
        let text = [&line[..], b"\r\n", line, b"\r\n", b"YmJiYg=="].concat();
        check(&text, &Coding::Base64, &[&[b'A'; 114][..], b"bbbb"].concat());
    }

    #[test]
    fn parses_escapes() {
        check(b"GET /?q=%66lag%7Bx+y%7d HTTP/1.1", &Coding::Url, b"flag{x y}");
        check(br#"{"a":"\u0066lag\x7bno\175"}"#, &Coding::Escapes, b"flag{no}");
        check(b"<p>&#102;lag&#x7b;no&#125;</p>", &Coding::Entities, b"flag{no}");
        check(b"flag=7Bno=7D", &Coding::QuotedPrintable, b"flag{no}");
    }

    #[test]
    fn rejects_ordinary_text() {
        let mut count = 0;
        each(b"The quick brown fox jumps over the lazy dog; a = 10, b=20.", 9, &mut |_| {
            count += 1;
            true
        });
        assert_eq!(count, 0);
    }
}
