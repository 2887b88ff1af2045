//! Transforms: what is done to a buffer before it is looked at.

use super::base64::{self, Mode};
use super::regex::Regex;
use crate::ir::{Pcre, Transform};
use md5::{Digest, Md5};
use sekisho_inflate::{Coding, Inflater, Limits};
use sha1::Sha1;
use sha2::Sha256;

/// Bytes of a transformed buffer at most.
const LEN_MAX: usize = 1 << 20;
/// Suffixes of two labels under which names are given out, beyond those of one.
const SECOND_LEVEL: &[&str] =
    &["ac", "co", "com", "edu", "gob", "gov", "go", "ltd", "me", "mil", "ne", "net", "or", "org", "plc", "sch"];

/// Applies transforms in order.
pub(crate) fn apply(chain: &[Transform], bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.get(..LEN_MAX).unwrap_or(bytes).to_vec();
    for transform in chain {
        out = one(transform, out);
        out.truncate(LEN_MAX);
    }
    out
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}

fn one(transform: &Transform, mut bytes: Vec<u8>) -> Vec<u8> {
    match transform {
        Transform::CasechangeLower => bytes.make_ascii_lowercase(),
        Transform::CasechangeUpper => bytes.make_ascii_uppercase(),
        Transform::CompressWhitespace => {
            let mut before = false;
            bytes.retain(|&b| {
                let space = is_space(b);
                let keep = !(space && before);
                before = space;
                keep
            });
        }
        Transform::StripWhitespace => bytes.retain(|&b| !is_space(b)),
        Transform::Dotprefix => bytes.insert(0, b'.'),
        Transform::Domain => return domain(&bytes).to_vec(),
        Transform::Tld => return tld(&bytes).to_vec(),
        Transform::FromBase64 { bytes: count, offset, rfc2045, strict } => {
            let mode = match (rfc2045, strict) {
                (true, _) => Mode::Mime,
                (_, true) => Mode::Strict,
                _ => Mode::Stop,
            };
            return from_base64(bytes, *count, *offset, mode);
        }
        Transform::Gunzip { max_len } => return inflate(Coding::Gzip, &bytes, *max_len),
        Transform::ZlibDeflate { max_len } => return inflate(Coding::Deflate, &bytes, *max_len),
        Transform::HeaderLowercase => header_lowercase(&mut bytes),
        Transform::Md5 => return Md5::digest(&bytes).to_vec(),
        Transform::Sha1 => return Sha1::digest(&bytes).to_vec(),
        Transform::Sha256 => return Sha256::digest(&bytes).to_vec(),
        Transform::Pcrexform(pattern) => return pcrexform(pattern, bytes),
        Transform::StripPseudoHeaders => {
            let lines = bytes.split_inclusive(|&b| b == b'\n');
            return lines.filter(|line| line.first() != Some(&b':')).flatten().copied().collect();
        }
        Transform::Subslice { from, len } => return subslice(&bytes, *from, *len).to_vec(),
        Transform::UrlDecode => return url_decode(&bytes),
        Transform::XorOwn { offset, key_len, key_offset } => {
            return xor_own(bytes, *offset as usize, usize::from(*key_len), *key_offset as usize);
        }
        Transform::Xor(key) => bytes.iter_mut().zip(key.iter().cycle()).for_each(|(b, k)| *b ^= k),
    }
    bytes
}

/// What is behind `offset`, XORed with a key that the buffer has itself; if there is no such key, it stays as it is.
fn xor_own(bytes: Vec<u8>, offset: usize, key_len: usize, key_offset: usize) -> Vec<u8> {
    let key = bytes.get(key_offset..).and_then(|from| from.get(..key_len));
    match (key, bytes.get(offset..)) {
        (Some(key), Some(rest)) => rest.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k).collect(),
        _ => bytes,
    }
}

fn labels(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|&b| b == b'.').collect()
}

/// The labels at the end under which names are given out: how many.
fn suffix_count(labels: &[&[u8]]) -> usize {
    match labels {
        [.., second, last]
            if last.len() == 2 && SECOND_LEVEL.iter().any(|s| s.as_bytes().eq_ignore_ascii_case(second)) =>
        {
            2
        }
        _ => 1,
    }
}

fn last_labels(bytes: &[u8], count: usize) -> &[u8] {
    let len: usize = labels(bytes).iter().rev().take(count).map(|l| l.len() + 1).sum();
    bytes.get((bytes.len() + 1).saturating_sub(len)..).unwrap_or_default()
}

/// The name that was given out: the public suffix with one label before it.
fn domain(bytes: &[u8]) -> &[u8] {
    let count = suffix_count(&labels(bytes));
    if labels(bytes).len() <= count { &[] } else { last_labels(bytes, count + 1) }
}

fn tld(bytes: &[u8]) -> &[u8] {
    last_labels(bytes, suffix_count(&labels(bytes)))
}

fn from_base64(bytes: Vec<u8>, count: Option<u32>, offset: u32, mode: Mode) -> Vec<u8> {
    let Some(text) = bytes.get(offset as usize..) else { return bytes };
    let text = count.and_then(|n| text.get(..n as usize)).unwrap_or(text);
    let mut out = Vec::new();
    // What cannot be decoded stays as it is.
    if base64::decode(text, mode, &mut out) && !out.is_empty() { out } else { bytes }
}

fn inflate(coding: Coding, bytes: &[u8], max_len: u32) -> Vec<u8> {
    let max_len = (max_len as usize).min(LEN_MAX);
    let mut inflater = Inflater::new(coding, Limits { output_len: max_len as u64, ..Limits::default() });
    let mut out = Vec::new();
    inflater.push(bytes, &mut |part| {
        let room = max_len.saturating_sub(out.len());
        out.extend_from_slice(part.get(..room).unwrap_or(part));
    });
    inflater.finish(&mut |part| {
        let room = max_len.saturating_sub(out.len());
        out.extend_from_slice(part.get(..room).unwrap_or(part));
    });
    out
}

fn header_lowercase(bytes: &mut [u8]) {
    let mut in_name = true;
    let mut at_start = true;
    for byte in bytes {
        match *byte {
            b'\n' => (in_name, at_start) = (true, true),
            // A pseudo header's name begins with the colon.
            b':' if !at_start => in_name = false,
            _ => {
                at_start = false;
                if in_name {
                    byte.make_ascii_lowercase();
                }
            }
        }
    }
}

fn pcrexform(pattern: &str, bytes: Vec<u8>) -> Vec<u8> {
    let source = Pcre {
        pattern: pattern.into(),
        negated: false,
        nocase: false,
        dot_all: false,
        multi_line: false,
        extended: false,
        anchored: false,
        dollar_end: false,
        ungreedy: false,
        relative: false,
        captures: vec![(crate::ir::CaptureTo::Packet, "".into())],
    };
    match Regex::new(source).find(&bytes, 0) {
        Ok(Some(found)) => match found.groups.first() {
            Some(Some((start, end))) => bytes.get(*start..*end).unwrap_or_default().to_vec(),
            _ => bytes,
        },
        _ => bytes,
    }
}

/// As Python slices, with a length instead of an end.
fn subslice(bytes: &[u8], from: i64, len: Option<i64>) -> &[u8] {
    let total = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let start = if from < 0 { (total + from).max(0) } else { from.min(total) };
    let end = match len {
        None => total,
        Some(len) if len < 0 => total.saturating_add(len),
        Some(len) => start.saturating_add(len).min(total),
    };
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(start), Ok(end)) => bytes.get(start..end).unwrap_or_default(),
        _ => &[],
    }
}

fn url_decode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let digit = |at: usize| bytes.get(at).and_then(|&b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'+' => out.push(b' '),
            b'%' => match (digit(at), digit(at + 1)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    at += 2;
                }
                _ => out.push(byte),
            },
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(chain: &[Transform], input: &[u8], expected: &[u8]) {
        assert_eq!(apply(chain, input), expected);
    }

    #[test]
    fn transforms_as_suricata() {
        check(&[Transform::CompressWhitespace], b"a \t b\r\nc", b"a b\rc");
        check(&[Transform::StripWhitespace, Transform::CasechangeUpper], b" a b", b"AB");
        check(&[Transform::Dotprefix], b"x.com", b".x.com");
        check(&[Transform::UrlDecode], b"a%20b+c%2g%", b"a b c%2g%");
        check(&[Transform::Xor([1, 2][..].into())], &[1, 2, 3], &[0, 0, 2]);
        check(&[Transform::XorOwn { offset: 1, key_len: 1, key_offset: 0 }], &[7, 7, 6], &[0, 1]);
        check(&[Transform::XorOwn { offset: 1, key_len: 2, key_offset: 9 }], &[7, 7], &[7, 7]);
        check(&[Transform::Domain], b"www.example.co.uk", b"example.co.uk");
        check(&[Transform::Tld], b"www.example.com", b"com");
        check(&[Transform::Domain], b"com", b"");
        check(&[Transform::HeaderLowercase], b"Host: AbC\r\n:Method: X", b"host: AbC\r\n:method: X");
        check(&[Transform::StripPseudoHeaders], b":a: b\nc: d\n", b"c: d\n");
        check(&[Transform::Pcrexform("a(.)c".into())], b"xabcx", b"b");
        check(&[Transform::Pcrexform("nope".into())], b"xabcx", b"xabcx");
        check(&[Transform::Subslice { from: -3, len: Some(2) }], b"abcdef", b"de");
        check(&[Transform::Subslice { from: 1, len: Some(-1) }], b"abcdef", b"bcde");
        check(&[Transform::FromBase64 { bytes: None, offset: 0, rfc2045: false, strict: false }], b"YWJj", b"abc");
        check(&[Transform::FromBase64 { bytes: None, offset: 0, rfc2045: true, strict: false }], b"Y W\nJj", b"abc");
        let base64 = |strict| [Transform::FromBase64 { bytes: None, offset: 0, rfc2045: false, strict }];
        check(&base64(false), b"YWJj\r\n", b"abc");
        check(&base64(true), b"YWJj\r\n", b"YWJj\r\n");
        assert_eq!(apply(&[Transform::Md5], b"").len(), 16);
        assert_eq!(apply(&[Transform::Sha1], b"").len(), 20);
        assert_eq!(apply(&[Transform::Sha256], b"").len(), 32);
    }
}
