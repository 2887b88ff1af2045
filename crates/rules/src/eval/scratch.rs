//! What evaluation writes into while it goes, kept between calls so that nothing is allocated.

use super::chain::SPAN_COUNT_MAX;
use crate::compile::Sets;
use crate::ir::{CaptureTo, DatasetOp, Int};
use crate::state::Datasets;
use crate::view::{Context, ContextValue};

/// Things told with one alert.
const CONTEXT_COUNT_MAX: usize = 16;
/// Bytes kept of a capture.
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
    /// Alerts that thresholds or suppressions kept back.
    pub alerts_suppressed: u64,
}

/// Room for an evaluation.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) recursions: u32,
    vars: Vec<u64>,
    pub(crate) base64: Vec<u8>,
    /// Offset and length of what matched.
    pub(crate) spans: Vec<(u32, u32)>,
    pub(crate) context: Vec<Context>,
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
        self.context.clear();
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

    /// Keeps what an expression captured, if it is for the alert.
    pub(crate) fn capture(&mut self, to: CaptureTo, name: &str, bytes: &[u8]) {
        if to == CaptureTo::Alert {
            let bytes = bytes.get(..CAPTURE_LEN_MAX).unwrap_or(bytes);
            self.tell(name, ContextValue::Bytes(bytes.to_vec()));
        }
    }

    fn tell(&mut self, name: &str, value: ContextValue) {
        let has_room = self.context.len() < CONTEXT_COUNT_MAX;
        match self.context.iter_mut().find(|c| *c.name == *name) {
            Some(old) => old.value = value,
            None if has_room => self.context.push(Context { name: name.into(), value }),
            None => {}
        }
    }

    pub(crate) fn dataset(&mut self, sets: &Sets, set: u16, op: DatasetOp, bytes: &[u8]) -> bool {
        let holds = self.datasets.ask(sets, set, op, bytes, &mut self.counters);
        let key = sets.datasets.get(usize::from(set)).and_then(|set| set.context_key.as_deref());
        if let (true, DatasetOp::IsSet, Some(key)) = (holds, op, key)
            && let Some(text) = self.datasets.context(sets, set, bytes)
        {
            self.tell(key, ContextValue::Json(text));
        }
        holds
    }
}
