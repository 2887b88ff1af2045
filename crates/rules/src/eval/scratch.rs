//! What evaluation writes into while it goes, kept between calls so that nothing is allocated.

use super::chain::{Hay, SPAN_COUNT_MAX};
use crate::compile::Sets;
use crate::inspect::Reach;
use crate::ir::{CaptureTo, DatasetOp, Int};
use crate::state::Datasets;
use crate::view::{EXCERPT_COUNT_MAX, Excerpt};

/// Captured strings kept for one evaluation.
const CAPTURE_COUNT_MAX: usize = 16;
/// Bytes kept of one.
const CAPTURE_LEN_MAX: usize = 512;

/// What was counted; all of it is deterministic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Steps of rules tried.
    pub steps: u64,
    /// Evaluations ended by the recursion limit.
    pub recursion_limits: u64,
    /// Searches of a `pcre` ended by the step limit.
    pub pcre_limits: u64,
    /// Alerts beyond those that one packet may have.
    pub alerts_cut: u64,
    /// Rules that were to wait for a later stage of an exchange and could not.
    pub pending_cut: u64,
    /// Entries of thresholds, bits, or sets that found no room.
    pub state_cut: u64,
    /// Alerts that thresholds or suppressions kept back, and matches of rules that tell none (`noalert`, `config`).
    pub alerts_suppressed: u64,
}

/// Room for an evaluation.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) recursions: u32,
    /// The furthest step of the buffer at hand that was tried.
    pub(crate) furthest: usize,
    /// How far the rule at hand came, unless it matched.
    pub(crate) reach: Reach,
    vars: Vec<u64>,
    pub(crate) base64: Vec<u8>,
    /// Offset and length of what matched.
    pub(crate) spans: Vec<(u32, u32)>,
    pub(crate) captures: Vec<(CaptureTo, Box<str>, Vec<u8>)>,
    /// Somebody wants to see what matched.
    pub(crate) keeps_excerpts: bool,
    /// What matched so far of the rule at hand.
    pub(crate) excerpts: Vec<Excerpt>,
    /// Entries of data sets with context that were found: set and place.
    pub(crate) found: Vec<(u16, u32)>,
    pub(crate) counters: Counters,
    /// Data sets, which steps ask and change.
    pub(crate) datasets: Datasets,
}

impl Scratch {
    pub(crate) fn new(datasets: Datasets) -> Self {
        Self { datasets, ..Self::default() }
    }

    /// Begins the evaluation of a rule.
    pub(crate) fn begin(&mut self, var_count: u8) {
        self.vars.clear();
        self.vars.resize(usize::from(var_count), 0);
        self.spans.clear();
        self.captures.clear();
        self.found.clear();
        self.excerpts.clear();
    }

    /// Keeps a piece of what the steps of a buffer looked at, around the places from `depth` on.
    pub(crate) fn excerpt(&mut self, hay: Hay<'_>, depth: usize) {
        if self.excerpts.len() < EXCERPT_COUNT_MAX {
            self.excerpts.push(Excerpt::of(hay.bytes, hay.base, self.spans.get(depth..).unwrap_or_default()));
        }
    }

    pub(crate) fn int(&self, int: Int) -> i64 {
        match int {
            Int::Number(n) => n,
            Int::Var(var) => self.vars.get(usize::from(var)).copied().unwrap_or(0).cast_signed(),
        }
    }

    pub(crate) fn set_var(&mut self, var: u8, value: u64) {
        if let Some(old) = self.vars.get_mut(usize::from(var)) {
            *old = value;
        }
    }

    pub(crate) fn span(&mut self, start: usize, len: usize) {
        if let (true, Ok(start), Ok(len)) =
            (self.spans.len() < SPAN_COUNT_MAX, u32::try_from(start), u32::try_from(len))
        {
            self.spans.push((start, len));
        }
    }

    pub(crate) fn capture(&mut self, to: CaptureTo, name: &str, bytes: &[u8]) {
        let bytes = bytes.get(..CAPTURE_LEN_MAX).unwrap_or(bytes);
        // An earlier try may have captured something else.
        if let Some((.., old)) = self.captures.iter_mut().find(|(t, n, _)| *t == to && **n == *name) {
            *old = bytes.to_vec();
        } else if self.captures.len() < CAPTURE_COUNT_MAX {
            self.captures.push((to, name.into(), bytes.to_vec()));
        }
    }

    pub(crate) fn dataset(&mut self, sets: &Sets, set: u16, op: DatasetOp, bytes: &[u8]) -> bool {
        let yes = self.datasets.ask(sets, set, op, bytes, &mut self.counters);
        if yes
            && op == DatasetOp::IsSet
            && self.found.len() < CAPTURE_COUNT_MAX
            && let Some(place) = self.datasets.place(sets, set, bytes)
        {
            self.found.retain(|(known, _)| *known != set);
            self.found.push((set, place));
        }
        yes
    }

    /// What was captured for a packet or a flow.
    pub(crate) fn captured(&self, to: CaptureTo) -> impl Iterator<Item = (&str, &[u8])> {
        self.captures.iter().filter(move |(t, ..)| *t == to).map(|(_, name, bytes)| (&**name, &bytes[..]))
    }

    /// What alerts say about what was found: members of a JSON object, without its braces.
    pub(crate) fn context(&self, sets: &Sets) -> Box<[u8]> {
        if self.found.is_empty() && self.captures.is_empty() {
            return Box::default();
        }
        let mut members = Vec::new();
        for (set, place) in &self.found {
            let Some(set) = sets.datasets.get(usize::from(*set)) else { continue };
            let entry = set.entries.get(*place as usize).and_then(|(_, context)| context.as_deref());
            if let (Some(key), Some(context)) = (&set.context_key, entry) {
                members.push(format!("{}:{context}", serde_json::Value::from(&**key)));
            }
        }
        for (_, name, bytes) in self.captures.iter().filter(|(to, ..)| *to == CaptureTo::Alert) {
            let (name, text) = (serde_json::Value::from(&**name), String::from_utf8_lossy(bytes));
            members.push(format!("{name}:{}", serde_json::Value::from(&*text)));
        }
        members.join(",").into_bytes().into()
    }
}
