//! Thresholds: how often a match becomes an alert.

use crate::eval::Counters;
use crate::ir::{Threshold, ThresholdKind, Track};
use hashbrown::HashMap;
use sekisho_types::{SeededState, Timestamp};

/// Counters kept at once.
const ENTRY_COUNT_MAX: usize = 1 << 17;
/// Ports remembered for `unique_on`.
const UNIQUE_COUNT_MAX: usize = 1 << 16;
const NANOS: i64 = 1_000_000_000;

/// What a threshold says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is told.
    Alert,
    /// It counts as a match, but is not told.
    Silent,
    /// It does not count as a match.
    No,
}

/// What is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The rule (or a number above all rules for those of a file), and which of its thresholds.
    pub(crate) rule: u32,
    pub(crate) nth: u16,
    pub(crate) a: u128,
    pub(crate) b: u128,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    since: i64,
    count: u32,
    /// Of `backoff`: the count at which the next alert comes. Of `rate_filter`: until when the other action lasts.
    next: i64,
    ports: Vec<u64>,
}

/// All counters.
#[derive(Debug)]
pub(crate) struct Thresholds {
    entries: HashMap<Key, Entry, SeededState>,
    /// The longest interval of any threshold, for clearing out.
    longest: i64,
}

impl Thresholds {
    pub(crate) fn new(seed: u64) -> Self {
        Self { entries: HashMap::with_hasher(SeededState(seed)), longest: NANOS }
    }

    /// The key of a threshold for a packet; `flow` stands for the flow.
    pub(crate) fn key(rule: u32, nth: u16, track: Track, src: u128, dst: u128, flow: u64) -> Key {
        let (a, b) = match track {
            Track::BySrc => (src, 0),
            Track::ByDst => (dst, 0),
            Track::ByBoth => (src.min(dst), src.max(dst)),
            Track::ByRule | Track::ByTx => (0, 0),
            Track::ByFlow => (u128::from(flow), 1),
        };
        Key { rule, nth, a, b }
    }

    /// A rule has matched: is it told? `port`: what `unique_on` names.
    pub(crate) fn count(
        &mut self,
        threshold: &Threshold,
        key: Key,
        now: Timestamp,
        port: u16,
        counters: &mut Counters,
    ) -> Outcome {
        let span = i64::from(threshold.seconds).saturating_mul(NANOS);
        self.longest = self.longest.max(span);
        if self.entries.len() >= ENTRY_COUNT_MAX && !self.entries.contains_key(&key) {
            let longest = self.longest;
            self.entries.retain(|_, entry| now.0.saturating_sub(entry.since) < longest);
            if self.entries.len() >= ENTRY_COUNT_MAX {
                counters.state_cut += 1;
                return Outcome::Alert;
            }
        }
        let is_new = !self.entries.contains_key(&key);
        let entry = self.entries.entry(key).or_default();
        let within = !is_new && now.0.saturating_sub(entry.since) < span;
        if threshold.kind == ThresholdKind::Backoff {
            return entry.backoff(threshold);
        }
        if !within {
            entry.since = now.0;
            entry.count = 0;
            entry.ports.clear();
        }
        if threshold.unique_on.is_some() && !entry.is_new_port(port) {
            return Outcome::No;
        }
        entry.count = entry.count.saturating_add(1);
        let (n, limit) = (entry.count, threshold.count);
        let told = |yes| if yes { Outcome::Alert } else { Outcome::Silent };
        match threshold.kind {
            ThresholdKind::Limit => told(n <= limit),
            ThresholdKind::Both => match n.cmp(&limit) {
                std::cmp::Ordering::Less => Outcome::No,
                std::cmp::Ordering::Equal => Outcome::Alert,
                std::cmp::Ordering::Greater => Outcome::Silent,
            },
            ThresholdKind::Threshold if n >= limit => {
                entry.count = 0;
                Outcome::Alert
            }
            ThresholdKind::Threshold => Outcome::No,
            ThresholdKind::DetectionFilter if n > limit => Outcome::Alert,
            ThresholdKind::DetectionFilter => Outcome::No,
            ThresholdKind::RateFilter | ThresholdKind::Suppress | ThresholdKind::Backoff => Outcome::Alert,
        }
    }
}

impl Entry {
    fn backoff(&mut self, threshold: &Threshold) -> Outcome {
        self.count = self.count.saturating_add(1);
        if self.next == 0 {
            self.next = i64::from(threshold.count.max(1));
        }
        if i64::from(self.count) != self.next {
            return Outcome::Silent;
        }
        self.next = self.next.saturating_mul(i64::from(threshold.multiplier.max(1)));
        Outcome::Alert
    }

    fn is_new_port(&mut self, port: u16) -> bool {
        if self.ports.is_empty() {
            self.ports.resize(UNIQUE_COUNT_MAX / 64, 0);
        }
        let Some(word) = self.ports.get_mut(usize::from(port / 64)) else { return false };
        let bit = 1u64 << (port % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}
