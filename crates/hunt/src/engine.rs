//! Searching bytes as they are: all patterns, and their spellings that cost nothing more than another needle.

use crate::coding::{Coding, rot};
use crate::flag;
use crate::pattern::{Options, Pattern, PatternError, What};
use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem::Finder;
use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

/// Memory of one compiled expression, and of the automaton built from it while searching.
const REGEX_LEN_MAX: usize = 4 << 20;
const CACHE_LEN_MAX: usize = 2 << 20;
/// Shortest text that is also looked for backwards and turned: shorter ones come about by chance.
const TURNED_LEN_MIN: usize = 5;
/// Shortest text that is also looked for with two bytes a character.
const WIDE_LEN_MIN: usize = 3;
/// Shortest text that is looked for behind a XOR.
const XOR_LEN_MIN: usize = 4;
/// Length from which on what a XOR uncovers needs no readable neighbours.
const XOR_SURE_LEN: usize = 6;
/// Letters that ROT13 moves.
const ROT13: u8 = 13;

/// A match in the bytes that were searched.
pub(crate) struct Raw {
    pub(crate) pattern: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// How it is spelt, and how it reads then, unless as it stands.
    pub(crate) spelt: Option<(Coding, Vec<u8>)>,
}

impl Raw {
    fn new(pattern: usize, start: usize, end: usize) -> Self {
        Self { pattern, start, end, spelt: None }
    }
}

enum Plain {
    One(Box<Finder<'static>>, usize),
    Many(AhoCorasick, Vec<usize>),
}

/// Needles, and for each the pattern that it stands for and what else is to be known of it.
type Needles<T> = (AhoCorasick, Vec<(usize, T)>);

/// Everything compiled.
pub(crate) struct Engine {
    plain: Option<Plain>,
    /// Needles spelt otherwise; which pattern and how.
    turned: Option<Needles<Coding>>,
    /// Differences of neighbouring bytes, which no single-byte XOR changes; the pattern and the clear needle.
    xored: Option<Needles<Vec<u8>>>,
    flag: Option<usize>,
    regexes: Vec<(usize, Regex)>,
}

/// For each kind of pattern, the index from which on its next match may begin: behind its last one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resume {
    plain: usize,
    turned: usize,
    xored: usize,
    flag: usize,
    regexes: Vec<usize>,
}

impl Resume {
    /// The first `len` bytes are gone.
    pub(crate) fn forget(&mut self, len: usize) {
        let own = [&mut self.plain, &mut self.turned, &mut self.xored, &mut self.flag];
        own.into_iter().chain(&mut self.regexes).for_each(|at| *at = at.saturating_sub(len));
    }

    /// Memory held.
    pub(crate) fn held_len(&self) -> usize {
        self.regexes.capacity() * size_of::<usize>()
    }
}

/// Where in the bytes to search.
#[derive(Clone, Copy)]
pub(crate) struct Part<'b> {
    pub(crate) bytes: &'b [u8],
    /// Matches begin here or later.
    pub(crate) from: usize,
    /// Matches begin before.
    pub(crate) to: usize,
    /// Look for other spellings as well.
    pub(crate) turned: bool,
}

impl Engine {
    pub(crate) fn new(patterns: &[Pattern], options: &Options) -> Result<Self, PatternError> {
        let (mut plain, mut turned, mut xored) = (Vec::new(), Vec::new(), Vec::new());
        let (mut flag, mut regexes) = (None, Vec::new());
        for (i, pattern) in patterns.iter().enumerate() {
            match &pattern.what {
                What::Bytes { bytes, text } => {
                    // Case is folded only in text.
                    plain.push((bytes.clone(), i));
                    if *text {
                        turned.extend(spellings(bytes).map(|(b, c)| (b, (i, c))));
                    }
                    xored.extend(xor_needles(bytes, options.ignore_case && *text).map(|b| (i, b)));
                }
                What::Flag => {
                    flag = Some(i);
                    xored.extend(flag::STARTS.iter().map(|s| (i, s.to_vec())));
                }
                What::Regex(hir) => {
                    let config = meta::Config::new()
                        .nfa_size_limit(Some(REGEX_LEN_MAX))
                        .onepass_size_limit(Some(CACHE_LEN_MAX))
                        .hybrid_cache_capacity(CACHE_LEN_MAX)
                        .utf8_empty(false);
                    let built = meta::Builder::new()
                        .configure(config)
                        .syntax(syntax::Config::new().utf8(false).unicode(false))
                        .build_from_hir(hir);
                    let wrong = |_| PatternError::Regex(pattern.text().to_owned(), "too large".to_owned());
                    regexes.push((i, built.map_err(wrong)?));
                }
            }
        }
        let automaton = |needles: Vec<&[u8]>, fold: bool| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .ascii_case_insensitive(fold)
                .build(needles)
                .map_err(|_| PatternError::TooLong)
        };
        let fold = options.ignore_case;
        let plain = match plain.as_slice() {
            [] => None,
            [(bytes, i)] if !fold => Some(Plain::One(Box::new(Finder::new(bytes).into_owned()), *i)),
            all => {
                let needles = all.iter().map(|p| p.0.as_slice()).collect();
                Some(Plain::Many(automaton(needles, fold)?, all.iter().map(|p| p.1).collect()))
            }
        };
        let turned = match turned.as_slice() {
            [] => None,
            all => {
                let needles = all.iter().map(|p| p.0.as_slice()).collect();
                Some((automaton(needles, fold)?, all.iter().map(|p| p.1.clone()).collect()))
            }
        };
        let xored = if options.xor && !xored.is_empty() {
            let needles: Vec<Vec<u8>> = xored.iter().map(|p| differences(&p.1)).collect();
            Some((automaton(needles.iter().map(Vec::as_slice).collect(), false)?, xored))
        } else {
            None
        };
        Ok(Self { plain, turned, xored, flag, regexes })
    }

    /// All matches in `part`; `resume` is moved on.
    pub(crate) fn search(&self, part: Part<'_>, resume: &mut Resume, each: &mut dyn FnMut(Raw)) {
        self.plain(part, &mut resume.plain, each);
        if part.turned {
            self.turned(part, &mut resume.turned, each);
            self.xored(part, &mut resume.xored, each);
        }
        self.flags(part, &mut resume.flag, each);
        resume.regexes.resize(self.regexes.len(), 0);
        for ((i, regex), resume) in self.regexes.iter().zip(&mut resume.regexes) {
            expression(*i, regex, part, resume, each);
        }
    }

    fn plain(&self, part: Part<'_>, resume: &mut usize, each: &mut dyn FnMut(Raw)) {
        let Some(plain) = &self.plain else { return };
        let mut at = part.from.max(*resume);
        loop {
            let Some(rest) = part.bytes.get(at..) else { return };
            let found = match plain {
                Plain::One(finder, i) => finder.find(rest).map(|s| (*i, at + s, at + s + finder.needle().len())),
                Plain::Many(automaton, indexes) => automaton
                    .find(rest)
                    .and_then(|m| Some((*indexes.get(m.pattern().as_usize())?, at + m.start(), at + m.end()))),
            };
            let Some((pattern, start, end)) = found.filter(|f| f.1 < part.to) else { return };
            each(Raw::new(pattern, start, end));
            at = end;
            *resume = end;
        }
    }

    fn turned(&self, part: Part<'_>, resume: &mut usize, each: &mut dyn FnMut(Raw)) {
        let Some((automaton, meanings)) = &self.turned else { return };
        let mut at = part.from.max(*resume);
        while let Some(m) = part.bytes.get(at..).and_then(|rest| automaton.find(rest)) {
            let (start, end) = (at + m.start(), at + m.end());
            if start >= part.to {
                return;
            }
            if let Some((pattern, coding)) = meanings.get(m.pattern().as_usize()) {
                let text = part.bytes.get(start..end).unwrap_or(&[]);
                let clear = match coding {
                    Coding::Reversed => text.iter().rev().copied().collect(),
                    Coding::Utf16 => text.iter().step_by(2).copied().collect(),
                    _ => text.iter().map(|b| rot(*b, ROT13)).collect(),
                };
                each(Raw { pattern: *pattern, start, end, spelt: Some((coding.clone(), clear)) });
            }
            at = end;
            *resume = end;
        }
    }

    /// One pass over the differences of neighbours finds all keys.
    fn xored(&self, part: Part<'_>, resume: &mut usize, each: &mut dyn FnMut(Raw)) {
        let Some((automaton, meanings)) = &self.xored else { return };
        let mut at = part.from.max(*resume);
        let Some(rest) = part.bytes.get(at..) else { return };
        let base = at;
        let steps = differences(rest);
        while let Some(m) = steps.get(at - base..).and_then(|rest| automaton.find(rest)) {
            let start = at + m.start();
            if start >= part.to {
                return;
            }
            at = start + 1;
            let Some((pattern, clear)) = meanings.get(m.pattern().as_usize()) else { return };
            let key = part.bytes.get(start).zip(clear.first()).map_or(0, |(a, b)| a ^ b);
            let found = if self.flag == Some(*pattern) {
                xored_flag(part.bytes, start, clear.len(), key)
            } else {
                let end = start + clear.len();
                uncovered(part.bytes, start, end, key).then(|| (start, end, clear.clone()))
            };
            // Nothing is hidden by 0, and 32 only changes case.
            if let Some((start, end, text)) = found.filter(|_| key != 0 && key != 0x20) {
                each(Raw { pattern: *pattern, start, end, spelt: Some((Coding::Xor(key), text)) });
                at = at.max(end);
                *resume = end;
            }
        }
    }

    fn flags(&self, part: Part<'_>, resume: &mut usize, each: &mut dyn FnMut(Raw)) {
        let Some(pattern) = self.flag else { return };
        let from = part.from.max(*resume);
        // A flag that begins in front of `to` may have its brace behind it.
        let end = part.to.saturating_add(flag::LEN_MAX).min(part.bytes.len());
        let Some(rest) = part.bytes.get(from..end) else { return };
        for open in memchr::memchr_iter(b'{', rest).map(|i| from + i) {
            let fits = |start: usize| start >= part.from.max(*resume) && start < part.to;
            if let Some((start, end)) = flag::at(part.bytes, open) {
                if fits(start) {
                    each(Raw::new(pattern, start, end));
                    *resume = end;
                }
                continue;
            }
            if !part.turned {
                continue;
            }
            if let Some(((start, end), raw)) = spelt_flag(part.bytes, open).filter(|f| fits(f.0.0)) {
                each(Raw { pattern, start, end, spelt: Some(raw) });
                *resume = end;
            }
        }
    }
}

/// A flag in another spelling whose brace, wherever it opens, is at `open`.
fn spelt_flag(bytes: &[u8], open: usize) -> Option<(flag::Span, (Coding, Vec<u8>))> {
    let text = |(start, end): flag::Span| bytes.get(start..end).unwrap_or(&[]);
    if let Some((span, clear)) = flag::wide_at(bytes, open) {
        return Some((span, (Coding::Utf16, clear)));
    }
    if let Some(span) = flag::reversed_at(bytes, open) {
        return Some((span, (Coding::Reversed, text(span).iter().rev().copied().collect())));
    }
    let (span, by) = flag::turned_at(bytes, open)?;
    Some((span, (Coding::Rot(by), text(span).iter().map(|b| rot(*b, by)).collect())))
}

fn expression(pattern: usize, regex: &Regex, part: Part<'_>, resume: &mut usize, each: &mut dyn FnMut(Raw)) {
    let mut at = part.from.max(*resume);
    while at < part.to {
        let input = Input::new(part.bytes).span(at..part.bytes.len()).anchored(Anchored::No);
        let Some(m) = regex.search(&input).filter(|m| m.start() < part.to) else { return };
        if m.end() > m.start() {
            each(Raw::new(pattern, m.start(), m.end()));
        }
        at = m.end().max(m.start() + 1);
        *resume = at;
    }
}

/// Other spellings of a fixed text.
fn spellings(bytes: &[u8]) -> impl Iterator<Item = (Vec<u8>, Coding)> {
    let long = bytes.len() >= TURNED_LEN_MIN;
    let turned: Vec<u8> = bytes.iter().map(|b| rot(*b, ROT13)).collect();
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    let mut wide: Vec<u8> = bytes.iter().flat_map(|b| [*b, 0]).collect();
    wide.pop();
    let is_ascii = bytes.is_ascii() && bytes.len() >= WIDE_LEN_MIN;
    let all = [
        (long && turned != bytes, turned, Coding::Rot(ROT13)),
        (long && reversed != bytes, reversed, Coding::Reversed),
        (is_ascii, wide, Coding::Utf16),
    ];
    all.into_iter().filter(|s| s.0).map(|s| (s.1, s.2))
}

/// Texts to look for behind a XOR: as typed, and in both cases if case doesn't matter.
fn xor_needles(bytes: &[u8], fold: bool) -> impl Iterator<Item = Vec<u8>> {
    let mut all = vec![bytes.to_vec()];
    if fold {
        all.extend([bytes.to_ascii_lowercase(), bytes.to_ascii_uppercase()]);
    }
    all.sort();
    all.dedup();
    // Runs of one byte are everywhere.
    all.into_iter().filter(|b| b.len() >= XOR_LEN_MIN && differences(b).iter().any(|d| *d != 0))
}

fn differences(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().zip(bytes.iter().skip(1)).map(|(a, b)| a ^ b).collect()
}

/// Share of readable bytes among `bytes` of at least four fifths.
pub(crate) fn is_mostly_readable(mut bytes: impl Iterator<Item = u8>) -> bool {
    let (mut good, mut all) = (0usize, 0usize);
    bytes.by_ref().for_each(|b| {
        all += 1;
        good += usize::from((b' '..=b'~').contains(&b) || matches!(b, b'\t' | b'\n' | b'\r'));
    });
    good * 5 >= all * 4
}

/// Is what the key uncovers at `start..end` more than chance?
fn uncovered(bytes: &[u8], start: usize, end: usize, key: u8) -> bool {
    const NEAR_LEN: usize = 12;
    let near = bytes.get(start.saturating_sub(NEAR_LEN)..bytes.len().min(end + NEAR_LEN)).unwrap_or(&[]);
    end - start >= XOR_SURE_LEN || is_mostly_readable(near.iter().map(|b| b ^ key))
}

/// The whole flag whose `len` first bytes were met at `start`.
fn xored_flag(bytes: &[u8], start: usize, len: usize, key: u8) -> Option<(usize, usize, Vec<u8>)> {
    const WORD_LEN: usize = 24;
    let from = start.saturating_sub(WORD_LEN);
    let clear: Vec<u8> = bytes.get(from..bytes.len().min(start + flag::LEN_MAX))?.iter().map(|b| b ^ key).collect();
    let (a, b) = flag::at(&clear, start - from + len - 1)?;
    Some((from + a, from + b, clear.get(a..b)?.to_vec()))
}
