//! Where findings are kept: what repeats is one.

use crate::detection::Scope;
use hashbrown::HashMap;
use sekisho_finding::{Finding, MAX_QUOTES};
use sekisho_types::{Addr, SeededState};

/// Most findings of a run, if it has all the memory that judgements may take; of more, those of the lowest severity are
/// not kept, and counted.
const MAX_FINDINGS: usize = 20_000;

/// Most names in a finding.
const MAX_NAMES: usize = 16;

#[derive(PartialEq, Eq, Hash)]
struct Key {
    id: &'static str,
    reason: &'static str,
    subject: Addr,
    key: String,
}

/// All findings of a run.
pub(crate) struct Desk {
    findings: HashMap<Key, Finding, SeededState>,
    /// Most of them.
    most: usize,
    /// New findings that found no room.
    pub refused: u64,
}

impl Desk {
    pub fn new(scope: &Scope) -> Self {
        let findings = HashMap::with_hasher(SeededState(scope.seed));
        Self { findings, most: scope.entries(MAX_FINDINGS), refused: 0 }
    }

    pub fn add(&mut self, new: Finding) {
        let key = Key { id: new.about.id, reason: new.reason.code, subject: new.subject, key: new.key.clone() };
        if let Some(old) = self.findings.get_mut(&key) {
            merge(old, new);
            return;
        }
        if self.findings.len() >= self.most && !self.make_room(&new) {
            self.refused += 1;
            return;
        }
        self.findings.insert(key, new);
    }

    /// Drops the mildest tenth if `new` is worse than those.
    fn make_room(&mut self, new: &Finding) -> bool {
        let mildest = self.findings.values().map(|f| f.severity).min().unwrap_or_default();
        if new.severity <= mildest {
            return false;
        }
        let before = self.findings.len();
        // Which of the mildest go must not depend on the table's order.
        let mut oldest: Vec<_> = self.findings.values().filter(|f| f.severity == mildest).map(rank).collect();
        oldest.sort_unstable();
        let Some(limit) = oldest.get((self.most / 10).min(oldest.len()).saturating_sub(1)) else { return false };
        self.findings.retain(|_, f| f.severity != mildest || rank(f) > *limit);
        self.refused += (before - self.findings.len()) as u64;
        true
    }

    /// All findings: the worst first, then by time; equal runs give equal lists.
    pub fn take(&mut self) -> Vec<Finding> {
        let mut all: Vec<Finding> = self.findings.drain().map(|(_, f)| f).collect();
        all.sort_by(|a, b| {
            let worst = (b.severity, b.confidence).cmp(&(a.severity, a.confidence));
            worst.then_with(|| rank(a).cmp(&rank(b)))
        });
        all
    }
}

type Rank = (sekisho_types::Timestamp, &'static str, &'static str, Addr, String);

fn rank(f: &Finding) -> Rank {
    (f.first, f.about.id, f.reason.code, f.subject, f.key.clone())
}

/// `new` is another sign of `old`. Measures and quotations stay those of the strongest sign.
fn merge(old: &mut Finding, new: Finding) {
    old.count += new.count;
    old.first = old.first.min(new.first);
    old.last = old.last.max(new.last);
    new.flows.iter().for_each(|f| old.flows.add(f));
    new.packets.iter().for_each(|p| old.packets.add(p));
    new.peers.named().iter().for_each(|p| old.peers.add(*p));
    for name in new.names {
        if old.names.len() < MAX_NAMES && !old.names.contains(&name) {
            old.names.push(name);
        }
    }
    let stronger = (new.confirmed.is_some(), new.severity, new.confidence)
        > (old.confirmed.is_some(), old.severity, old.confidence);
    if stronger {
        (old.measures, old.benign, old.quality) = (new.measures, new.benign, new.quality);
        old.confirmed = new.confirmed.or(old.confirmed);
        old.stage = new.stage;
        // The strongest words first; what was said before stays as far as there is room.
        let before = std::mem::replace(&mut old.quotes, new.quotes);
        for quote in before {
            if old.quotes.len() < MAX_QUOTES && !old.quotes.contains(&quote) {
                old.quotes.push(quote);
            }
        }
    }
    old.severity = old.severity.max(new.severity);
    old.confidence = old.confidence.max(new.confidence);
}
