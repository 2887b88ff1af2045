//! Data sets: what is in them now.

use crate::compile::Sets;
use crate::eval::Counters;
use crate::ir::{Dataset, DatasetKind, DatasetOp};
use hashbrown::HashMap;
use sekisho_types::SeededState;
use std::sync::Arc;

/// Entries of all sets that rules put in.
const ENTRY_COUNT_MAX: usize = 1 << 20;
/// Bytes of one entry.
const ENTRY_LEN_MAX: usize = 64 << 10;
/// Labels of a name that are tried.
const LABEL_COUNT_MAX: usize = 64;

/// All sets, by their numbers: entries with their reputations.
#[derive(Debug, Default)]
pub(crate) struct Datasets {
    sets: Vec<HashMap<Box<[u8]>, Entry, SeededState>>,
    entry_count: usize,
}

/// What goes with an entry.
#[derive(Clone, Debug, Default)]
struct Entry {
    reputation: u16,
    /// A JSON object's text.
    context: Option<Arc<str>>,
}

/// IPv4 addresses are kept as such whichever way they are written.
fn normal<'a>(kind: DatasetKind, bytes: &'a [u8]) -> &'a [u8] {
    match (kind, bytes) {
        (DatasetKind::Ipv4 | DatasetKind::Ip, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, v4 @ ..]) if v4.len() == 4 => {
            v4
        }
        _ => bytes,
    }
}

impl Datasets {
    pub(crate) fn new(datasets: &[Dataset], seed: u64) -> Self {
        let filled = |set: &Dataset| {
            let mut map = HashMap::with_hasher(SeededState(seed));
            for (entry, extra) in &set.entries {
                let reputation = extra.as_deref().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
                let context = extra.as_deref().filter(|_| set.context_key.is_some()).map(Arc::from);
                map.insert(normal(set.kind, entry).into(), Entry { reputation, context });
            }
            map
        };
        Self { sets: datasets.iter().map(filled).collect(), entry_count: 0 }
    }

    /// What is told with an alert because `bytes` are in a set.
    pub(crate) fn context(&self, sets: &Sets, set: u16, bytes: &[u8]) -> Option<Arc<str>> {
        let (info, entries) = (sets.datasets.get(usize::from(set))?, self.sets.get(usize::from(set))?);
        look_up(entries, info.subdomains, normal(info.kind, bytes))?.context.clone()
    }

    pub(crate) fn ask(&mut self, sets: &Sets, set: u16, op: DatasetOp, bytes: &[u8], counters: &mut Counters) -> bool {
        let (Some(info), Some(entries)) = (sets.datasets.get(usize::from(set)), self.sets.get_mut(usize::from(set)))
        else {
            return false;
        };
        if bytes.is_empty() || bytes.len() > ENTRY_LEN_MAX {
            return matches!(op, DatasetOp::IsNotSet);
        }
        let bytes = normal(info.kind, bytes);
        let found = look_up(entries, info.subdomains, bytes);
        match op {
            DatasetOp::IsSet => found.is_some(),
            DatasetOp::IsNotSet => found.is_none(),
            DatasetOp::Reputation(compare) => found.is_some_and(|entry| compare.holds(u64::from(entry.reputation))),
            DatasetOp::Unset => entries.remove(bytes).is_some(),
            DatasetOp::Set if found.is_some() => false,
            DatasetOp::Set => {
                if self.entry_count >= ENTRY_COUNT_MAX {
                    counters.state_cut += 1;
                    return false;
                }
                self.entry_count += 1;
                entries.insert(bytes.into(), Entry::default());
                true
            }
        }
    }
}

fn look_up<'a>(
    entries: &'a HashMap<Box<[u8]>, Entry, SeededState>,
    subdomains: bool,
    bytes: &[u8],
) -> Option<&'a Entry> {
    if let Some(entry) = entries.get(bytes) {
        return Some(entry);
    }
    let mut rest = bytes;
    for _ in 0..LABEL_COUNT_MAX {
        let dot = rest.iter().position(|&b| b == b'.').filter(|_| subdomains)?;
        // The set's names may have a dot before them, as dotprefix puts one.
        let dotted = rest.get(dot..)?;
        rest = rest.get(dot + 1..)?;
        if let Some(entry) = entries.get(dotted).or_else(|| entries.get(rest)) {
            return Some(entry);
        }
    }
    None
}
