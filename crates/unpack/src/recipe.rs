//! How a member's content is got out of its parent, and doing it within the budget.
//!
//! A format only lists: it says where the bytes of a member lie and through which filters they go. What
//! follows is done here, once for all formats: streaming, limits, spooling, completeness.

use crate::budget::{Budget, Cut};
use crate::content::{Content, Spool, Spooled, Tally};
use crate::filter::{self, Filter, Outcome, Stage};
use crate::member::Completeness;
use std::rc::Rc;

/// Packed bytes given to the first filter at once.
const FEED_LEN: usize = 8 << 10;
/// Filters of one recipe.
const STAGE_COUNT_MAX: usize = 8;

/// Where the packed bytes come from.
#[derive(Clone, Debug)]
pub(crate) enum Pieces {
    /// Made while listing; short.
    Inline(Vec<u8>),
    /// One run of the parent.
    One { at: u64, len: u64 },
    /// Several runs of the parent in order; `None` is a hole that reads as zeros.
    Many(Vec<(Option<u64>, u64)>),
}

/// The way from the parent to a member.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// Of the parent, or of one of its solid blocks.
    pub(crate) block: Option<usize>,
    pub(crate) pieces: Pieces,
    /// What is between packed and unpacked bytes, first to last.
    pub(crate) stages: Vec<Stage>,
}

impl Recipe {
    /// `len` bytes at `at`, as they are.
    pub(crate) fn slice(at: u64, len: u64) -> Self {
        Self { block: None, pieces: Pieces::One { at, len }, stages: Vec::new() }
    }

    /// `bytes` that listing has made.
    pub(crate) fn inline(bytes: Vec<u8>) -> Self {
        Self { block: None, pieces: Pieces::Inline(bytes), stages: Vec::new() }
    }

    /// Runs of the parent, holes between them.
    pub(crate) fn runs(runs: Vec<(Option<u64>, u64)>) -> Self {
        Self { block: None, pieces: Pieces::Many(runs), stages: Vec::new() }
    }

    /// And then through `stage`.
    pub(crate) fn through(mut self, stage: Stage) -> Self {
        self.stages.push(stage);
        self
    }

    pub(crate) fn offset(&self) -> Option<u64> {
        match (&self.pieces, self.block) {
            (Pieces::One { at, .. }, None) => Some(*at),
            _ => None,
        }
    }

    /// Complete, unless what it reads of `base` has holes.
    fn known(&self, base: &Content<'_>) -> Completeness {
        let lacks = match &self.pieces {
            Pieces::Inline(_) => false,
            Pieces::One { at, len } => base.lacks(*at, *len),
            Pieces::Many(runs) => runs.iter().any(|(at, len)| at.is_some_and(|at| base.lacks(at, *len))),
        };
        if lacks { HOLE } else { Completeness::Complete }
    }

    pub(crate) fn stored_len(&self) -> Option<u64> {
        match (&self.pieces, self.block) {
            (Pieces::One { len, .. }, None) => Some(*len),
            (Pieces::Many(runs), None) => {
                Some(runs.iter().filter(|r| r.0.is_some()).fold(0u64, |sum, r| sum.saturating_add(r.1)))
            }
            _ => None,
        }
    }
}

/// What is to be said of content where a capture lacks bytes.
const HOLE: Completeness = Completeness::Damaged("bytes are missing in the capture");

/// Complete, unless it has holes.
pub(crate) fn whole(content: &Content<'_>) -> Completeness {
    if content.lacks(0, content.len()) { HOLE } else { Completeness::Complete }
}

/// Content and what is to be said about it.
pub(crate) struct Made<'a> {
    pub(crate) content: Content<'a>,
    pub(crate) completeness: Completeness,
    /// Packed bytes after the end of the first filter's stream.
    pub(crate) trailing: u64,
}

/// What making content needs besides its parent.
pub(crate) struct Means<'m> {
    pub(crate) budget: &'m mut Budget,
    pub(crate) spool: &'m mut dyn Spool,
    pub(crate) tally: &'m Tally,
}

/// Follows `recipe` within `base`.
pub(crate) fn make<'a>(recipe: &Recipe, base: &Content<'a>, means: &mut Means<'_>) -> Made<'a> {
    if let (Pieces::One { at, len }, true) = (&recipe.pieces, recipe.stages.is_empty()) {
        return slice(base, *at, *len, means.budget);
    }
    let limits = *means.budget.limits();
    let (allowance, cut) = means.budget.allowance();
    let room = limits.held_len.saturating_sub(means.tally.held_len()).min(limits.memory_len);
    let weight = recipe.stages.iter().map(Stage::weight).sum::<u64>().max(1);
    let mut collector = Collector {
        kept: Vec::new(),
        spooled: None,
        len: 0,
        fed: 0,
        room,
        allowance,
        over: cut,
        weight,
        ratio: recipe.stages.iter().any(Stage::inflates).then_some((limits.ratio, limits.ratio_from_len)),
        cut: None,
        budget: means.budget,
        spool: means.spool,
    };
    let output_max = allowance.min(collector.budget.work_left() / weight).saturating_add(1);
    let mut chain = Chain::new(&recipe.stages, &limits, output_max);
    let whole = feed(recipe, base, &mut chain, &mut collector);
    chain.finish(&mut |bytes| collector.take(bytes));
    let packed_len = recipe.stored_len().unwrap_or(0);
    let ended = chain.verdict();
    let completeness = match (collector.cut, ended) {
        (Some(cut), _) => Completeness::Budget(cut),
        (None, Some(Completeness::Budget(Cut::Member))) => Completeness::Budget(collector.over),
        (None, Some(fault)) if fault != Completeness::Complete => fault,
        (None, _) if whole => recipe.known(base),
        (None, _) => Completeness::Truncated,
    };
    let trailing = chain.trailing(packed_len);
    let len = collector.len;
    let Collector { kept, spooled, budget, .. } = collector;
    budget.unpacked(len);
    let content = match spooled {
        Some(spooled) => Content::from_spooled(spooled, len),
        None => Content::from_vec(kept, means.tally),
    };
    Made { content, completeness, trailing }
}

/// A run of the parent: nothing is copied.
fn slice<'a>(base: &Content<'a>, at: u64, len: u64, budget: &mut Budget) -> Made<'a> {
    let (allowance, cut) = budget.allowance();
    let there = base.slice(at, len);
    let completeness = match there.len() {
        n if n > allowance => Completeness::Budget(cut),
        n if n < len => Completeness::Truncated,
        _ => whole(&there),
    };
    let content = there.slice(0, allowance);
    budget.unpacked(content.len());
    Made { content, completeness, trailing: 0 }
}

/// Gives the packed bytes to the chain; false if some of them are beyond the parent's end.
fn feed(recipe: &Recipe, base: &Content<'_>, chain: &mut Chain, collector: &mut Collector<'_>) -> bool {
    const ZEROS: [u8; FEED_LEN] = [0; FEED_LEN];
    let one;
    let runs = match &recipe.pieces {
        Pieces::Inline(bytes) => {
            for piece in bytes.chunks(FEED_LEN) {
                if !collector.open_for(chain, piece) {
                    break;
                }
            }
            return true;
        }
        Pieces::One { at, len } => {
            one = [(Some(*at), *len)];
            one.as_slice()
        }
        Pieces::Many(runs) => runs.as_slice(),
    };
    let mut whole = true;
    for (at, len) in runs {
        let mut done = 0;
        while done < *len {
            let want = usize::try_from(*len - done).unwrap_or(usize::MAX).min(FEED_LEN);
            let read = at.map(|at| base.read(at.saturating_add(done), want));
            let piece = read.as_deref().unwrap_or(ZEROS.get(..want).unwrap_or(&[]));
            if piece.is_empty() {
                whole = false;
                break;
            }
            done += piece.len() as u64;
            if !collector.open_for(chain, piece) {
                return whole;
            }
        }
    }
    whole
}

/// Filters in a row.
struct Chain {
    stages: Vec<Running>,
    fed: u64,
}

struct Running {
    filter: Box<dyn Filter>,
    ended: Option<Completeness>,
    /// Where in its input the stream ended.
    used: u64,
    seen: u64,
}

impl Chain {
    fn new(stages: &[Stage], limits: &crate::Limits, output_max: u64) -> Self {
        let start =
            |stage: &Stage| Running { filter: filter::start(stage, limits, output_max), ended: None, used: 0, seen: 0 };
        Self { stages: stages.iter().take(STAGE_COUNT_MAX).map(start).collect(), fed: 0 }
    }

    /// False if one of the filters takes no more.
    fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) -> bool {
        self.fed += bytes.len() as u64;
        push(&mut self.stages, bytes, out);
        self.stages.iter().all(|s| s.ended.is_none())
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) {
        for i in 1..=self.stages.len() {
            let Some((head, tail)) = self.stages.split_at_mut_checked(i) else { return };
            let Some(stage) = head.last_mut() else { return };
            let end = stage.filter.finish(&mut |bytes| push(tail, bytes, out));
            match stage.ended {
                None => stage.ended = Some(end),
                Some(Completeness::Complete) if end != Completeness::Complete => stage.ended = Some(end),
                Some(_) => {}
            }
        }
    }

    /// The first filter's fault is the cause of what the others complain about.
    fn verdict(&self) -> Option<Completeness> {
        let faults = self.stages.iter().filter_map(|s| s.ended);
        faults.reduce(|first, next| if first == Completeness::Complete { next } else { first })
    }

    fn trailing(&self, packed_len: u64) -> u64 {
        match self.stages.first() {
            Some(Running { ended: Some(Completeness::Complete), used, .. }) if *used > 0 => {
                packed_len.saturating_sub(*used)
            }
            _ => 0,
        }
    }
}

/// Recursion here is as deep as a recipe has filters.
fn push(stages: &mut [Running], bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
    let Some((first, rest)) = stages.split_first_mut() else {
        out(bytes);
        return;
    };
    if first.ended.is_some() || bytes.is_empty() {
        return;
    }
    let outcome = first.filter.push(bytes, &mut |made| push(rest, made, out));
    let before = first.seen;
    first.seen += bytes.len() as u64;
    match outcome {
        Outcome::More => {}
        Outcome::End { trailing } => {
            first.ended = Some(Completeness::Complete);
            first.used = before + (bytes.len() as u64).saturating_sub(trailing as u64);
        }
        Outcome::Fail(fault) => first.ended = Some(fault),
    }
}

/// Takes what comes out of the last filter.
struct Collector<'b> {
    kept: Vec<u8>,
    spooled: Option<Box<dyn Spooled>>,
    len: u64,
    /// Packed bytes given so far.
    fed: u64,
    room: u64,
    allowance: u64,
    over: Cut,
    weight: u64,
    /// Most bytes out for a byte in, and from how many bytes out on; for recipes that inflate.
    ratio: Option<(u64, u64)>,
    cut: Option<Cut>,
    budget: &'b mut Budget,
    spool: &'b mut dyn Spool,
}

impl Collector<'_> {
    /// Feeds the chain; false if no more is wanted.
    fn open_for(&mut self, chain: &mut Chain, piece: &[u8]) -> bool {
        self.fed += piece.len() as u64;
        if let Err(cut) = self.budget.work(piece.len() as u64) {
            self.cut.get_or_insert(cut);
            return false;
        }
        chain.push(piece, &mut |bytes| self.take(bytes)) && self.cut.is_none()
    }

    fn take(&mut self, bytes: &[u8]) {
        if self.cut.is_some() || bytes.is_empty() {
            return;
        }
        let len = self.len.saturating_add(bytes.len() as u64);
        if self.ratio.is_some_and(|(ratio, from)| len > from && len > self.fed.saturating_mul(ratio)) {
            self.cut = Some(Cut::Ratio);
            return;
        }
        let room = usize::try_from(self.allowance - self.len).unwrap_or(usize::MAX);
        let now = bytes.get(..room).unwrap_or(bytes);
        if now.len() < bytes.len() {
            self.cut = Some(self.over);
        }
        if let Err(cut) = self.budget.work((bytes.len() as u64).saturating_mul(self.weight)) {
            self.cut.get_or_insert(cut);
        }
        if self.store(now) {
            self.len += now.len() as u64;
        }
    }

    /// Keeps `bytes` in memory or on the spool.
    fn store(&mut self, bytes: &[u8]) -> bool {
        if self.spooled.is_none() && self.len + bytes.len() as u64 <= self.room {
            self.kept.extend_from_slice(bytes);
            return true;
        }
        if self.spooled.is_none() {
            let Some(mut spooled) = self.spool.create() else {
                self.cut = Some(Cut::Memory);
                return false;
            };
            if !spooled.append(&self.kept) {
                self.cut = Some(Cut::Memory);
                return false;
            }
            self.kept = Vec::new();
            self.spooled = Some(spooled);
        }
        let stored = self.spooled.as_mut().is_some_and(|s| s.append(bytes));
        if !stored {
            self.cut = Some(Cut::Memory);
        }
        stored
    }
}

/// A name or text of a member.
pub(crate) fn name(bytes: &[u8]) -> Rc<[u8]> {
    /// Longer names are cut.
    const NAME_LEN_MAX: usize = 4096;
    Rc::from(bytes.get(..NAME_LEN_MAX).unwrap_or(bytes))
}
