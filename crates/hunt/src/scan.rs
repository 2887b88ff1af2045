//! Searching a window: as it is, then what is decoded from it, a few levels deep.

use crate::carve;
use crate::coding::Coding;
use crate::decode::{self, Change, Decoded};
use crate::engine::{Part, Raw, Resume, is_mostly_readable};
use crate::members::Members;
use crate::pattern::{Hunt, What};
use sekisho_unpack::{Budget, Content, Limits, Unpacker};
use std::ops::Range;

/// Encodings within encodings that are followed.
pub const DEPTH_MAX: usize = 6;
/// Bytes kept of a match.
pub const HIT_LEN_MAX: usize = 512;
/// Hits told of one window.
pub const WINDOW_HIT_COUNT_MAX: usize = 4096;
/// Bytes that may be decoded for each byte of a window, and at least.
const WORK_RATIO: usize = 12;
const WORK_MIN: usize = 64 << 10;
/// Bytes of context kept on each side at most.
const CONTEXT_LEN_MAX: usize = 4096;
/// Length from which on a match in what may be decoded wrongly needs no readable neighbours.
const SURE_LEN: usize = 5;
/// Archives and compressed streams opened in what is decoded from one window.
const PACKED_COUNT_MAX: usize = 16;

/// A match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which pattern, counted from 0.
    pub pattern: usize,
    /// Where in the content its first byte is, or what it is decoded from begins.
    pub offset: u64,
    /// What matched, as it reads decoded; at most [`HIT_LEN_MAX`] bytes.
    pub bytes: Vec<u8>,
    /// Length of what matched.
    pub len: u64,
    /// What precedes it, as it reads decoded.
    pub before: Vec<u8>,
    /// What follows it.
    pub after: Vec<u8>,
    /// How it was hidden, outermost first; empty: it stands there as it is.
    pub path: Vec<Coding>,
}

/// What was found, and what limits left out.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The hits.
    pub hits: Vec<Hit>,
    /// Windows with more hits than are told.
    pub hits_cut: u64,
    /// Windows of which not everything that looks encoded was decoded.
    pub decoding_cut: u64,
}

impl Found {
    /// Adds the counters of `other`.
    pub(crate) fn count(&mut self, other: &Self) {
        self.hits_cut += other.hits_cut;
        self.decoding_cut += other.decoding_cut;
    }
}

/// Searches `bytes` at once, as a content of its own that begins at offset 0.
pub fn search(hunt: &Hunt, bytes: &[u8], found: &mut Found) {
    let mut resume = Resume::default();
    window(hunt, bytes, 0..bytes.len(), 0, &mut resume, 0, found);
}

/// Searches a window: `bytes` of which the first is at `base` of the content, for matches that begin in `range` of it.
pub(crate) fn window(
    hunt: &Hunt,
    bytes: &[u8],
    range: Range<usize>,
    base: u64,
    resume: &mut Resume,
    depth: usize,
    found: &mut Found,
) {
    let most = found.hits.len().saturating_add(WINDOW_HIT_COUNT_MAX);
    let work_left = (bytes.len() * WORK_RATIO).max(WORK_MIN);
    let mut scan = Scan {
        hunt,
        found,
        base,
        range: range.clone(),
        steps: Vec::new(),
        depth,
        work_left,
        packed: 0,
        most,
        cut: false,
    };
    let part = Part { bytes, from: range.start, to: range.end, turned: hunt.options.decode };
    hunt.engine.search(part, resume, &mut |raw| scan.top(bytes, raw));
    if hunt.options.decode {
        scan.deeper(bytes, &Place::Top, None);
    }
    let cut = scan.cut;
    found.decoding_cut += u64::from(cut);
}

/// How an index in something decoded leads back to the window.
enum Place<'p> {
    Top,
    Within { parent: &'p Place<'p>, at: usize, coded_len: usize, clear_len: usize, changed: Option<&'p [Change]> },
}

impl Place<'_> {
    fn index(&self, i: usize) -> usize {
        match self {
            Self::Top => i,
            Self::Within { parent, at, coded_len, clear_len, changed } => {
                let within = match changed {
                    None => i.saturating_mul(*coded_len) / (*clear_len).max(1),
                    Some(changes) => match changes.partition_point(|c| c.clear <= i).checked_sub(1) {
                        None => i,
                        Some(last) => changes.get(last).map_or(i, |c| match i - c.clear {
                            0 => c.coded.0,
                            beyond => c.coded.1 + beyond - 1,
                        }),
                    },
                };
                parent.index(at + within)
            }
        }
    }
}

struct Scan<'s> {
    hunt: &'s Hunt,
    found: &'s mut Found,
    base: u64,
    /// Where in the window matches may begin.
    range: Range<usize>,
    /// Encodings that lead to what is searched.
    steps: Vec<Coding>,
    /// Levels above the window.
    depth: usize,
    work_left: usize,
    packed: usize,
    /// No more hits than this.
    most: usize,
    /// Something was not decoded.
    cut: bool,
}

impl Scan<'_> {
    fn top(&mut self, bytes: &[u8], raw: Raw) {
        let at = raw.start;
        self.tell(bytes, raw, at);
    }

    fn tell(&mut self, bytes: &[u8], raw: Raw, at: usize) {
        if self.found.hits.len() >= self.most {
            if self.found.hits.len() == self.most {
                self.found.hits_cut += 1;
                self.most = 0;
            }
            return;
        }
        let context = self.hunt.options.context_len.min(CONTEXT_LEN_MAX);
        let mut before = bytes.get(raw.start.saturating_sub(context)..raw.start).unwrap_or(&[]).to_vec();
        let mut after = bytes.get(raw.end..bytes.len().min(raw.end + context)).unwrap_or(&[]).to_vec();
        let mut path = self.steps.clone();
        let (text, len) = match raw.spelt {
            Some((coding, text)) => {
                (before, after) = respell(&coding, before, after);
                path.push(coding);
                let len = text.len();
                (text, len)
            }
            None => {
                let whole = bytes.get(raw.start..raw.end).unwrap_or(&[]);
                (whole.get(..HIT_LEN_MAX).unwrap_or(whole).to_vec(), whole.len())
            }
        };
        let offset = self.base + at as u64;
        self.found.hits.push(Hit { pattern: raw.pattern, offset, bytes: text, len: len as u64, before, after, path });
    }

    /// What is encoded in `bytes`. `changed`: only where something stands that was written otherwise.
    fn deeper(&mut self, bytes: &[u8], place: &Place<'_>, changed: Option<&[Change]>) {
        if self.depth + self.steps.len() >= DEPTH_MAX {
            return;
        }
        decode::each(bytes, self.hunt.least, &mut |decoded| {
            if decoded.clear.len() > self.work_left {
                self.cut = true;
                return false;
            }
            self.work_left -= decoded.clear.len();
            if touches(changed, decoded.at, decoded.at + decoded.len) {
                self.decoded(decoded, place);
            }
            true
        });
    }

    fn decoded(&mut self, d: Decoded, parent: &Place<'_>) {
        let clear = d.clear.as_slice();
        if clear.len() < self.hunt.least.min(4) {
            return;
        }
        let changed = d.changed.as_deref();
        let place = Place::Within { parent, at: d.at, coded_len: d.len, clear_len: clear.len(), changed };
        // What begins outside belongs to another window.
        let (first, last) = (place.index(0), place.index(clear.len()));
        if first >= self.range.end || last < self.range.start {
            return;
        }
        self.steps.push(d.coding);
        let part = Part { bytes: clear, from: 0, to: clear.len(), turned: true };
        let engine = &self.hunt.engine;
        engine.search(part, &mut Resume::default(), &mut |raw| {
            let at = place.index(raw.start);
            if self.range.contains(&at)
                && touches(changed, raw.start, raw.end)
                && (changed.is_some() || self.trusts(clear, &raw))
            {
                self.tell(clear, raw, at);
            }
        });
        self.packed(clear, &place);
        self.deeper(clear, &place, changed);
        self.steps.pop();
    }

    /// A match in what may have been decoded wrongly: is it more than chance?
    fn trusts(&self, clear: &[u8], raw: &Raw) -> bool {
        const NEAR_LEN: usize = 12;
        let what = self.hunt.patterns.get(raw.pattern).map(|p| &p.what);
        let sure = match what {
            Some(What::Bytes { bytes, .. }) => bytes.len() >= SURE_LEN,
            Some(What::Flag) => true,
            _ => false,
        };
        let near = clear.get(raw.start.saturating_sub(NEAR_LEN)..clear.len().min(raw.end + NEAR_LEN)).unwrap_or(&[]);
        sure || is_mostly_readable(near.iter().copied())
    }

    /// An archive or a compressed stream that was encoded as text.
    fn packed(&mut self, clear: &[u8], place: &Place<'_>) {
        let at = place.index(0);
        if self.packed >= PACKED_COUNT_MAX || !self.range.contains(&at) || !carve::begins(clear) {
            return;
        }
        self.packed += 1;
        let mut budget = Budget::new(PACKED_LIMITS);
        let mut members = Members::within(self.hunt, self.depth + self.steps.len() + 1);
        Unpacker::new(&mut budget).run(Content::from_bytes(clear), b"", &mut members);
        let (hits, counts) = members.finish();
        self.found.count(&counts);
        self.cut |= budget.cuts().any(|c| c.1 > 0);
        for found in hits.into_iter().filter(|h| !h.path.is_empty()) {
            if self.found.hits.len() >= self.most {
                return;
            }
            let mut hit = found.hit;
            let steps = self.steps.iter().cloned();
            let packed = Coding::Packed(found.path.join(" → ").into());
            hit.path = steps.chain([packed]).chain(hit.path).collect();
            hit.offset = self.base + at as u64;
            self.found.hits.push(hit);
        }
    }
}

/// Limits of what is unpacked in passing; files and streams as a whole have their own.
const PACKED_LIMITS: Limits = Limits {
    depth: 8,
    members: 1000,
    total_len: 16 << 20,
    member_len: 8 << 20,
    memory_len: 8 << 20,
    held_len: 16 << 20,
    ratio: sekisho_unpack::RATIO_MAX,
    ratio_from_len: 1 << 20,
    window_len: 8 << 20,
    work: 64 << 20,
};

/// Is something of `start..end` in `changed`?
fn touches(changed: Option<&[Change]>, start: usize, end: usize) -> bool {
    changed.is_none_or(|c| c.get(c.partition_point(|at| at.clear < start)).is_some_and(|at| at.clear < end))
}

/// Context read as its match is.
fn respell(coding: &Coding, before: Vec<u8>, after: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let map = |bytes: Vec<u8>, f: &dyn Fn(u8) -> u8| bytes.into_iter().map(f).collect();
    match coding {
        Coding::Reversed => (after.into_iter().rev().collect(), before.into_iter().rev().collect()),
        Coding::Rot(by) => {
            let turn = |b| crate::coding::rot(b, *by);
            (map(before, &turn), map(after, &turn))
        }
        Coding::Xor(key) => (map(before, &|b| b ^ key), map(after, &|b| b ^ key)),
        Coding::Utf16 => {
            let drop_zeros = |bytes: Vec<u8>| bytes.into_iter().filter(|b| *b != 0).collect();
            (drop_zeros(before), drop_zeros(after))
        }
        _ => (before, after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Pattern};

    /// The hits in `bytes`: matched text, offset, path.
    fn check(patterns: Vec<Pattern>, options: Options, bytes: &[u8], expected: &[(&str, u64, &str)]) {
        let hunt = Hunt::new(patterns, options).unwrap();
        let mut found = Found::default();
        search(&hunt, bytes, &mut found);
        let got: Vec<_> = found
            .hits
            .iter()
            .map(|h| {
                let path = h.path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ");
                (String::from_utf8_lossy(&h.bytes).into_owned(), h.offset, path)
            })
            .collect();
        let got: Vec<_> = got.iter().map(|(t, o, p)| (t.as_str(), *o, p.as_str())).collect();
        assert_eq!(got, expected, "{}", bytes.escape_ascii());
    }

    fn flags(bytes: &[u8], expected: &[(&str, u64, &str)]) {
        check(vec![Pattern::flag()], Options::default(), bytes, expected);
    }

    fn text(pattern: &str, bytes: &[u8], expected: &[(&str, u64, &str)]) {
        check(vec![Pattern::fixed(pattern).unwrap()], Options::default(), bytes, expected);
    }

    #[test]
    fn finds_flags_however_written() {
        flags(b"x flag{nested} y", &[("flag{nested}", 2, "")]);
        flags(b"x ZmxhZ3tuZXN0ZWR9 y", &[("flag{nested}", 2, "base64")]);
        flags(b"666c61677b6e65737465647d", &[("flag{nested}", 0, "hex")]);
        flags(b"MZWGCZ33NZSXG5DFMR6Q====", &[("flag{nested}", 0, "base32")]);
        flags(b"<synt{arfgrq}>", &[("flag{nested}", 1, "rot13")]);
        flags(b".}detsen{galf.", &[("flag{nested}", 1, "reversed")]);
        flags(b"/?a=%66lag%7bnested%7d", &[("flag{nested}", 4, "url")]);
        flags(b"WkdMaFozdHVaWE4wWldSOQ==", &[]);
        flags(b"Wm14aFozdHVaWE4wWldSOQ==", &[("flag{nested}", 0, "base64 → base64")]);
        flags(b"?d=ZmxhZ3tuZXN0ZWQ_fQ%3D%3D", &[("flag{nested?}", 3, "base64")]);
    }

    #[test]
    fn finds_text_however_written() {
        text("swordfish", b"a swordfish", &[("swordfish", 2, "")]);
        text("swordfish", b"Authorization: Basic YWxpY2U6c3dvcmRmaXNo\r\n", &[("swordfish", 29, "base64")]);
        text("swordfish", b"fjbeqsvfu", &[("swordfish", 0, "rot13")]);
        text("swordfish", b"hsifdrows", &[("swordfish", 0, "reversed")]);
        text("swordfish", b"s\0w\0o\0r\0d\0f\0i\0s\0h\0", &[("swordfish", 0, "utf-16")]);
        text("swordfish", b"\0s\0w\0o\0r\0d\0f\0i\0s\0h", &[("swordfish", 1, "utf-16")]);
        text("swordfish", b"73 77 6f 72 64 66 69 73 68", &[("swordfish", 0, "hex")]);
        text("sword", b"the word", &[]);
    }

    #[test]
    fn finds_what_is_xored() {
        let options = Options { xor: true, ..Options::default() };
        let hidden: Vec<u8> = b"...the flag{x0r_it}, see".iter().map(|b| b ^ 0x5a).collect();
        check(vec![Pattern::flag()], options, &hidden, &[("flag{x0r_it}", 7, "xor 0x5a")]);
        check(vec![Pattern::fixed("flag{").unwrap()], options, &hidden, &[("flag{", 7, "xor 0x5a")]);
        check(vec![Pattern::fixed("aaaa").unwrap()], options, &[7; 64], &[]);
    }

    #[test]
    fn finds_several_patterns_at_once() {
        let patterns = vec![
            Pattern::fixed("user").unwrap(),
            Pattern::hex("0d ?a").unwrap(),
            Pattern::regex("b[oa]+b", false).unwrap(),
        ];
        let options = Options { ignore_case: true, ..Options::default() };
        check(
            patterns,
            options,
            b"USER bob\r\nboob and or Ym9vYm9vYiBi",
            &[("USER", 0, ""), ("\r\n", 8, ""), ("bob", 5, ""), ("boob", 10, ""), ("boob", 22, "base64")],
        );
    }

    #[test]
    fn without_decoding_only_what_stands_there() {
        let options = Options { decode: false, ..Options::default() };
        check(vec![Pattern::flag()], options, b"ZmxhZ3tuZXN0ZWR9 synt{arfgrq} flag{abc}", &[("flag{abc}", 30, "")]);
    }

    #[test]
    fn opens_what_is_packed_in_text() {
        // gzip of `flag{packed}`, as base64.
        let text = b"c=H4sIAAAAAAAC/0vLSUyvLkhMzk5NqQUAP94lbQwAAAA=;";
        let hunt = Hunt::new(vec![Pattern::flag()], Options::default()).unwrap();
        let mut found = Found::default();
        search(&hunt, text, &mut found);
        let paths: Vec<_> =
            found.hits.iter().map(|h| h.path.iter().map(ToString::to_string).collect::<Vec<_>>()).collect();
        assert_eq!(paths, [["base64", "gzip"]]);
    }

    #[test]
    fn limits_hits_of_a_window() {
        let hunt = Hunt::new(vec![Pattern::fixed("a").unwrap()], Options::default()).unwrap();
        let mut found = Found::default();
        search(&hunt, &[b'a'; 10_000], &mut found);
        assert_eq!((found.hits.len(), found.hits_cut), (WINDOW_HIT_COUNT_MAX, 1));
    }
}
