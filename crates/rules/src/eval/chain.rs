//! The steps of one buffer, one after the other, with coming back to another place of a content or expression when what
//! counts from there fails: the semantics of Suricata's content inspection.

use super::bytes;
use super::regex::{Match, Regex};
use super::scratch::Scratch;
use crate::compile::Sets;
use crate::ir::{Content, Int, Step};

/// Steps tried for one rule and buffer; Suricata's `inspection-recursion-limit`.
pub(crate) const RECURSION_COUNT_MAX: u32 = 3000;
/// Matched places that are remembered.
pub(crate) const SPAN_COUNT_MAX: usize = 32;

/// Bytes that steps look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hay<'a> {
    pub(crate) bytes: &'a [u8],
    /// Offset of the first of them in the stream.
    pub(crate) base: u64,
    /// At least one match has to end behind this offset of `bytes`: what precedes it was looked at before.
    pub(crate) reach: usize,
    /// More may follow: nothing ends here.
    pub(crate) open: bool,
}

impl<'a> Hay<'a> {
    pub(crate) const fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, base: 0, reach: 0, open: false }
    }
}

/// What a chain came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Match,
    /// Another place of the match before may help.
    Miss,
    /// All matched, but nothing new: another place may help whatever counts from it.
    Stale,
    /// Nothing helps.
    Stop,
}

/// One buffer's steps.
#[derive(Clone, Copy)]
pub(crate) struct Chain<'a> {
    pub(crate) steps: &'a [Step],
    /// The expressions of `pcre` steps, in order of the steps.
    pub(crate) regexes: &'a [Regex],
    /// The steps of `base64_data` that belong to a `base64_decode` among these.
    pub(crate) base64: Option<&'a (Vec<Step>, Vec<Regex>)>,
    pub(crate) sets: &'a Sets,
}

/// Where the chain stands.
#[derive(Clone, Copy)]
struct State {
    /// Which step.
    step: usize,
    /// Which of the expressions comes next.
    regex: usize,
    /// End of the match before.
    at: usize,
    /// The furthest end of a match.
    reached: usize,
}

impl Chain<'_> {
    /// Do the steps match?
    pub(crate) fn matches(&self, hay: Hay<'_>, scratch: &mut Scratch) -> bool {
        scratch.recursions = 0;
        let depth = scratch.spans.len();
        let matches = self.run(hay, State { step: 0, regex: 0, at: 0, reached: 0 }, scratch) == Verdict::Match;
        if !matches {
            scratch.spans.truncate(depth);
        } else if scratch.keeps_excerpts {
            scratch.excerpt(hay, depth);
        }
        matches
    }

    fn run(&self, hay: Hay<'_>, mut state: State, scratch: &mut Scratch) -> Verdict {
        scratch.recursions += 1;
        if scratch.recursions > RECURSION_COUNT_MAX {
            scratch.counters.recursion_limits += 1;
            return Verdict::Stop;
        }
        scratch.furthest = scratch.furthest.max(state.step);
        while let Some(step) = self.steps.get(state.step) {
            scratch.counters.steps += 1;
            let len = hay.bytes.len();
            let holds = match step {
                Step::Content(content) => return self.content(content, hay, state, scratch),
                Step::Pcre(_) => return self.pcre(hay, state, scratch),
                Step::ByteTest { read, op, negated, value } => {
                    bytes::test(hay.bytes, state.at, read, *op, *negated, *value, scratch)
                }
                Step::ByteJump { .. } => {
                    bytes::jump(hay.bytes, state.at, step, scratch).map(|to| state.at = to).is_some()
                }
                Step::ByteExtract { .. } | Step::ByteMath { .. } => {
                    bytes::assign(hay.bytes, state.at, step, scratch).map(|to| state.at = to).is_some()
                }
                Step::IsDataAt { offset, relative, negated } => {
                    let offset = scratch.int(*offset);
                    let there = match (usize::try_from(offset), relative) {
                        (Ok(offset), true) => offset.saturating_add(state.at) <= len,
                        (Ok(offset), false) => offset < len,
                        (Err(_), _) => true,
                    };
                    there != *negated
                }
                Step::Size(compare) => {
                    if hay.open || !compare.holds(hay.base.saturating_add(len as u64)) {
                        return Verdict::Stop;
                    }
                    true
                }
                Step::Entropy(compare) => compare.holds(sekisho_types::entropy(hay.bytes)),
                Step::Base64Decode { bytes: count, offset, relative } => {
                    self.base64_decode(hay, state.at, (*count, *offset, *relative), scratch)
                }
                Step::Dataset { set, op } => scratch.dataset(self.sets, *set, *op, hay.bytes),
                // There is a buffer: `absent` does not hold, `absent:or_else` leaves it to the others.
                Step::Absent { or_else } => *or_else,
                // These are asked of facts that are numbers.
                Step::Number(_) | Step::Numbers { .. } | Step::NumberIn { .. } => true,
            };
            if !holds {
                scratch.furthest = scratch.furthest.max(state.step);
                return Verdict::Miss;
            }
            state.step += 1;
        }
        // Without any content there is nothing that could be old.
        if hay.reach > 0 && state.reached > 0 && state.reached <= hay.reach { Verdict::Stale } else { Verdict::Match }
    }

    /// Does a step behind this one count from where it matched?
    fn next_is_relative(&self, step: usize) -> bool {
        for next in self.steps.get(step + 1..).unwrap_or_default() {
            match next {
                Step::Content(content) => return content.place.is_relative(),
                Step::Pcre(pcre) => return pcre.relative,
                Step::ByteTest { read, .. }
                | Step::ByteJump { read, .. }
                | Step::ByteExtract { read, .. }
                | Step::ByteMath { read, .. }
                    if read.relative =>
                {
                    return true;
                }
                Step::IsDataAt { relative: true, .. } | Step::Base64Decode { relative: true, .. } => return true,
                _ => {}
            }
        }
        false
    }

    fn content(&self, content: &Content, hay: Hay<'_>, state: State, scratch: &mut Scratch) -> Verdict {
        let fail = if content.place.is_relative() { Verdict::Miss } else { Verdict::Stop };
        let on = State { step: state.step + 1, ..state };
        if hay.base > 0 && is_past(content, hay, scratch) {
            // As in Suricata, not even the absence of it says anything.
            return Verdict::Stop;
        }
        let Some((mut from, to)) = range(content, hay, state.at, scratch) else {
            return if content.negated { self.run(hay, on, scratch) } else { Verdict::Miss };
        };
        if content.negated {
            let there = find(content, hay.bytes, from, to).is_some();
            return if there { fail } else { self.run(hay, on, scratch) };
        }
        let mut found_any = false;
        let retry_always = hay.reach > 0;
        let relative_next = self.next_is_relative(state.step);
        while let Some(start) = find(content, hay.bytes, from, to) {
            found_any = true;
            let end = start + content.bytes.len();
            let depth = scratch.spans.len();
            scratch.span(start, content.bytes.len());
            let verdict = self.run(hay, State { at: end, reached: state.reached.max(end), ..on }, scratch);
            match verdict {
                Verdict::Match | Verdict::Stop => return verdict,
                Verdict::Stale if retry_always => {}
                Verdict::Miss if relative_next => {}
                Verdict::Miss | Verdict::Stale => return verdict,
            }
            scratch.spans.truncate(depth);
            from = start + 1;
        }
        if found_any { Verdict::Miss } else { fail }
    }

    fn pcre(&self, hay: Hay<'_>, state: State, scratch: &mut Scratch) -> Verdict {
        let Some(regex) = self.regexes.get(state.regex) else { return Verdict::Stop };
        let source = regex.source();
        let base = if source.relative { state.at } else { 0 };
        let bytes = hay.bytes.get(base..).unwrap_or_default();
        let on = State { step: state.step + 1, regex: state.regex + 1, ..state };
        let relative_next = self.next_is_relative(state.step);
        let mut from = 0;
        loop {
            scratch.counters.steps += regex.step_count(bytes.len());
            let found = regex.find(bytes, from).unwrap_or_else(|_| {
                scratch.counters.pcre_limits += 1;
                None
            });
            let Some(found) = found else {
                return if source.negated { self.run(hay, on, scratch) } else { Verdict::Miss };
            };
            if source.negated {
                return Verdict::Miss;
            }
            self.keep_captures(regex, &found, bytes, scratch);
            let end = base + found.end;
            let depth = scratch.spans.len();
            scratch.span(base + found.start, found.end.saturating_sub(found.start));
            let verdict = self.run(hay, State { at: end, reached: state.reached.max(end), ..on }, scratch);
            match verdict {
                Verdict::Match | Verdict::Stop => return verdict,
                Verdict::Stale if hay.reach > 0 => {}
                Verdict::Miss if relative_next => {}
                Verdict::Miss | Verdict::Stale => return verdict,
            }
            scratch.spans.truncate(depth);
            from = found.start + 1;
            if from > bytes.len() {
                return Verdict::Miss;
            }
        }
    }

    fn keep_captures(&self, regex: &Regex, found: &Match, bytes: &[u8], scratch: &mut Scratch) {
        for (n, (to, name)) in regex.source().captures.iter().enumerate() {
            let Some(Some((start, end))) = found.groups.get(n) else { continue };
            scratch.capture(*to, name, bytes.get(*start..*end).unwrap_or_default());
        }
    }

    fn base64_decode(&self, hay: Hay<'_>, at: usize, how: (u32, u32, bool), scratch: &mut Scratch) -> bool {
        let (count, offset, relative) = how;
        let start = (if relative { at } else { 0 }).saturating_add(offset as usize);
        let Some(text) = hay.bytes.get(start..).filter(|t| !t.is_empty()) else { return false };
        let text = if count == 0 { text } else { text.get(..count as usize).unwrap_or(text) };
        let mut decoded = std::mem::take(&mut scratch.base64);
        decoded.clear();
        super::base64::decode(text, super::base64::Mode::Loose, &mut decoded);
        let holds = !decoded.is_empty()
            && self.base64.is_none_or(|(steps, regexes)| {
                let inner = Chain { steps, regexes, base64: None, sets: self.sets };
                let state = State { step: 0, regex: 0, at: 0, reached: 0 };
                let depth = scratch.spans.len();
                let verdict = inner.run(Hay::whole(&decoded), state, scratch);
                scratch.spans.truncate(depth);
                verdict == Verdict::Match
            });
        scratch.base64 = decoded;
        holds
    }
}

/// Does the place that a content is confined to lie before the bytes at hand?
fn is_past(content: &Content, hay: Hay<'_>, scratch: &Scratch) -> bool {
    let place = &content.place;
    let depth = match place.depth {
        Some(depth) => Some(scratch.int(depth)),
        None => place.starts.then_some(signed(content.bytes.len())),
    };
    let end = depth.map(|depth| place.offset.map_or(0, |offset| scratch.int(offset)).saturating_add(depth));
    !place.is_relative() && end.is_some_and(|end| end <= i64::try_from(hay.base).unwrap_or(i64::MAX))
}

/// Where a content may stand: first byte not before, last byte before. `None`: nowhere.
fn range(content: &Content, hay: Hay<'_>, at: usize, scratch: &Scratch) -> Option<(usize, usize)> {
    let len = signed(hay.bytes.len());
    let base = i64::try_from(hay.base).unwrap_or(i64::MAX);
    let place = &content.place;
    let int = |int: Option<Int>| int.map(|int| scratch.int(int));
    let wanted = signed(content.bytes.len());
    let (mut from, mut to);
    if place.is_relative() {
        let at = signed(at);
        let distance = int(place.distance).unwrap_or(0);
        from = at.saturating_add(distance).max(0);
        to = len;
        if let Some(within) = int(place.within) {
            to = to.min(at.saturating_add(within).saturating_add(distance));
        }
        if let Some(depth) = int(place.depth) {
            to = to.min(at.saturating_add(depth));
        }
        if let Some(offset) = int(place.offset) {
            from = from.max(offset);
        }
    } else {
        // These count from where the stream begins.
        let offset = int(place.offset).unwrap_or(0);
        from = offset.saturating_sub(base).max(0);
        to = int(place.depth).map_or(len, |depth| offset.saturating_add(depth).saturating_sub(base)).min(len);
    }
    if place.starts {
        if place.is_relative() {
            to = to.min(from.saturating_add(wanted));
        } else {
            from = 0;
            to = to.min(wanted.saturating_sub(base));
        }
    }
    if place.ends {
        if to < len || hay.open {
            return None;
        }
        from = from.max(len.saturating_sub(wanted));
    }
    if from > to || to <= 0 {
        return None;
    }
    Some((usize::try_from(from).ok()?, usize::try_from(to).ok()?))
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The first place of the content in `hay[from..to]`.
fn find(content: &Content, hay: &[u8], from: usize, to: usize) -> Option<usize> {
    let window = hay.get(from..to)?;
    let wanted = &content.bytes[..];
    if window.len() < wanted.len() {
        return None;
    }
    // Bytes behind the last possible begin are not searched for the rarest.
    let (rare_at, rare) = rarest(wanted);
    let last = window.len() - wanted.len();
    let mut begin = 0;
    while begin <= last {
        let search = window.get(begin + rare_at..=last + rare_at)?;
        let hit = if content.nocase && rare.is_ascii_alphabetic() {
            memchr::memchr2(rare.to_ascii_lowercase(), rare.to_ascii_uppercase(), search)
        } else {
            memchr::memchr(rare, search)
        };
        begin += hit?;
        let there = window.get(begin..begin + wanted.len())?;
        if there == wanted || content.nocase && there.eq_ignore_ascii_case(wanted) {
            return Some(from + begin);
        }
        begin += 1;
    }
    None
}

/// The byte to search for, among the first few.
fn rarest(wanted: &[u8]) -> (usize, u8) {
    let weight = |b: u8| match b {
        0 | b' ' | b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 3,
        b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'\r' | b'\n' => 2,
        b'A'..=b'Z' | b'-' | b':' | b'=' => 1,
        _ => 0u8,
    };
    let few = wanted.iter().copied().take(8).enumerate();
    few.min_by_key(|&(_, b)| weight(b)).unwrap_or((0, 0))
}
