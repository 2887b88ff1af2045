//! What a product's name and version are, in the text that it gives of itself. By the rules of Zeek's `Software::parse`,
//! odd ones included, so that rows can be compared.

use super::mozilla;
use std::borrow::Cow;

/// A version taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Version {
    /// Major, minor, minor2, minor3.
    pub(super) numbers: [Option<u64>; 4],
    /// What follows them, e.g. `beta42`.
    pub(super) addl: Option<Vec<u8>>,
}

impl Version {
    pub(super) fn of(major: u64, minor: u64) -> Self {
        Self { numbers: [Some(major), Some(minor), None, None], addl: None }
    }
}

/// Name and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Product {
    pub(super) name: Vec<u8>,
    pub(super) version: Version,
}

/// Reads `text`.
pub(super) fn parse(text: &[u8]) -> Product {
    if mozilla::is_alike(text) {
        return mozilla::parse(text);
    }
    if is_pixel(text) {
        let second = text.split(|b| *b == b'/').nth(1).unwrap_or(&[]);
        let version = match second.contains(&b'.') {
            true => plain(second).version,
            false => Version { numbers: [Some(number(second)), None, None, None], addl: None },
        };
        return Product { name: b"Android (Google Pixel)".to_vec(), version };
    }
    plain(text)
}

/// A text that is not a browser's: a name, a separator, numbers, and what follows.
pub(super) fn plain(text: &[u8]) -> Product {
    let clean = unescape(text);
    let Some((name, numbers, rest)) = split_version(&clean) else {
        return Product { name: called(&product_name(&clean)), version: Version::default() };
    };
    let mut sv = strip(numbers);
    let cut;
    if sv.first().is_some_and(|b| b"/-._v(".contains(b)) {
        cut = without_lead(numbers);
        sv = strip(&cut);
    }
    let mut version = Version::default();
    for (place, part) in version.numbers.iter_mut().zip(sv.splitn(4, |b| b"-._,[({ ".contains(b))) {
        *place = (!part.is_empty()).then(|| number(part));
    }
    if !rest.is_empty() && rest != b")" {
        version.addl = Some(strip(additional(rest)).to_vec());
    }
    Product { name: called(&product_name(name)), version }
}

/// The first piece that looks like a version: an optional separator (`/`, `-`, `_`, or a blank and then `(` or `v`) and at
/// least two of digits, `-`, `.`, `_`, `,` and blanks. What precedes it, the piece, what follows.
fn split_version(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    for at in 0..text.len() {
        let here = text.get(at..)?;
        let len = match here.first() {
            Some(b'/') => led(here, 1),
            Some(b' ') => {
                let lead = here.iter().skip(1).take_while(|b| matches!(b, b'(' | b'v')).count();
                let led = if lead > 0 { led(here, 1 + lead) } else { 0 };
                led.max(run(here))
            }
            Some(b'-' | b'_') => led(here, 1).max(run(here)),
            Some(b'0'..=b'9' | b'.' | b',') => run(here),
            _ => 0,
        };
        if len > 0 {
            let (name, rest) = text.split_at_checked(at)?;
            let (numbers, rest) = rest.split_at_checked(len)?;
            return Some((name, numbers, rest));
        }
    }
    None
}

/// Length of the run of version characters at the start; 0 if it is shorter than two.
fn run(text: &[u8]) -> usize {
    let len = text.iter().take_while(|b| matches!(b, b'0'..=b'9' | b'-' | b'.' | b'_' | b',' | b' ')).count();
    if len < 2 { 0 } else { len }
}

/// Length of a run behind `lead` characters, with them; 0 if there is none.
fn led(text: &[u8], lead: usize) -> usize {
    match run(text.get(lead..).unwrap_or(&[])) {
        0 => 0,
        len => lead + len,
    }
}

/// Takes away the first separator that stands before the numbers: `/`, `-`, `.`, `_`, `v`, `(`, or `(` and one of these.
fn without_lead(numbers: &[u8]) -> Vec<u8> {
    let is_lead = |b: &u8| b"/-._v(".contains(b);
    let Some(at) = numbers.iter().position(is_lead) else { return numbers.to_vec() };
    let (before, from) = numbers.split_at_checked(at).unwrap_or((numbers, &[]));
    let len = if from.first() == Some(&b'(') && from.get(1).is_some_and(is_lead) { 2 } else { 1 };
    [before, from.get(len..).unwrap_or(&[])].concat()
}

/// The name without a separator that was left at its end; of several separators Zeek takes the first away.
fn product_name(name: &[u8]) -> Vec<u8> {
    if !ends_in_separator(name) {
        return strip(without_bracket(name)).to_vec();
    }
    let mut from = 0;
    while let Some(here) = name.get(from..).filter(|h| !h.is_empty()) {
        let len = separator_len(here);
        if len > 0 {
            let rest = here.get(len..).unwrap_or(&[]);
            let cut = [name.get(..from).unwrap_or(&[]), rest].concat();
            return strip(without_bracket(strip(&cut))).to_vec();
        }
        from += 1;
    }
    strip(name).to_vec()
}

/// Length of the separator at the start: `/`, `-`, `_`, or a blank and then `(` or `v`.
fn separator_len(text: &[u8]) -> usize {
    match text.first() {
        Some(b'/' | b'-' | b'_') => 1,
        Some(b' ') => match text.iter().skip(1).take_while(|b| matches!(b, b'(' | b'v')).count() {
            0 => 0,
            n => 1 + n,
        },
        _ => 0,
    }
}

fn ends_in_separator(name: &[u8]) -> bool {
    match name.last() {
        Some(b'/' | b'-' | b'_') => true,
        Some(b'(' | b'v') => {
            name.iter().rev().find(|b| !matches!(b, b'(' | b'v')).is_some_and(|before| *before == b' ')
        }
        _ => false,
    }
}

fn without_bracket(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"(").unwrap_or(name)
}

/// Names of one product that has several.
fn called(name: &[u8]) -> Vec<u8> {
    if name == b"Flash Player" { b"Flash".to_vec() } else { name.to_vec() }
}

/// What tells more beside the numbers: what brackets hold, else the first word.
fn additional(rest: &[u8]) -> &[u8] {
    let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    if let Some(inside) = rest.get(blanks..).and_then(|r| r.strip_prefix(b"("))
        && let Some(end) = inside.iter().position(|b| !(b.is_ascii_alphanumeric() || b"-._ \t".contains(b)))
        && let Some((held, tail)) = inside.split_at_checked(end)
        && tail.first() == Some(&b')')
    {
        return held;
    }
    let mut words = rest.splitn(4, |b| b"-._,;[](){} ".contains(b)).take(3);
    words.find(|word| !word.is_empty()).unwrap_or(rest)
}

/// The first number in `text`; 0 if there is none.
fn number(text: &[u8]) -> u64 {
    let digits = text.iter().skip_while(|b| !b.is_ascii_digit()).take_while(|b| b.is_ascii_digit());
    digits.fold(0, |sum: u64, b| sum.saturating_mul(10).saturating_add(u64::from(b - b'0')))
}

/// Without blanks at its ends.
pub(super) fn strip(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// `A/VERSION/Google/Pixel`: how Android's own services call themselves.
fn is_pixel(text: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(text, b"/Google/Pixel") else { return false };
    let before = text.get(..at).unwrap_or(&[]);
    let version = before.iter().rev().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    before.get(..before.len() - version).is_some_and(|b| b.ends_with(b"A/"))
}

/// `%41` and `\x41` become what they stand for.
fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'%', b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let digits = match (first, tail) {
            (b'%', digits) | (b'\\', [b'x', digits @ ..]) => digits,
            _ => {
                out.push(*first);
                rest = tail;
                continue;
            }
        };
        match digits {
            [a, b, after @ ..] if digit(a).is_some() && digit(b).is_some() => {
                out.push(digit(a).unwrap_or(0) << 4 | digit(b).unwrap_or(0));
                rest = after;
            }
            after => {
                out.push(b'%');
                rest = after;
            }
        }
    }
    Cow::Owned(out)
}
