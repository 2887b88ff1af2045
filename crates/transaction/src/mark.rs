//! What is remembered of an exchange while it goes on, for rules and EVE.

use sekisho_types::{Dir, Heap, block_len};

/// Anomalies of one exchange that are kept for rules.
pub const MAX_EVENTS: usize = 32;

/// Files of one exchange that are remembered.
pub const MAX_FILES: usize = 64;

/// Numbers the exchanges of a flow from 0 on: EVE's `tx_id`. A parser has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter(u64);

impl Counter {
    /// The next exchange.
    pub fn begin(&mut self) -> Mark {
        let mark = Mark { id: self.0, ..Mark::default() };
        self.0 += 1;
        mark
    }

    /// Exchanges so far.
    pub const fn count(self) -> u64 {
        self.0
    }
}

/// Why rules are to look at an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whose messages have come further.
    pub dir: Dir,
    /// The stage that they have reached.
    pub stage: u8,
    /// The exchange is complete: its event is written.
    pub over: bool,
    /// Its event is written now, though it goes on.
    pub event: bool,
}

/// What is remembered of one exchange while it goes on. The parser keeps it beside its own state of the exchange; rules
/// write into it.
///
/// *Stages.* In each direction an exchange goes through stages, 0 to 3 at most; at [`Fact`](crate::Fact) stands from which on it is
/// final. Of most protocols a message is there at once: then there is only stage 0.
#[derive(Clone, Debug, Default)]
pub struct Mark {
    /// Number within the flow, from 0.
    pub id: u64,
    /// One past the last stage that rules have looked at, for each direction.
    pub looked: [u8; 2],
    /// Rules that have matched on it (numbers of the rules crate).
    pub matched: Vec<u32>,
    /// Those of them about files, and how many of its direction's files have been looked at: they may match on a further one.
    pub file_rules: Vec<(u32, u16)>,
    /// Rules that wait for a later stage.
    pub pending: Vec<u32>,
    /// Anomalies, by their names in rules: `invalid_request_chunk_len` of `http.invalid_request_chunk_len`; with whether
    /// rules have seen them, and whose direction they concern.
    pub events: Vec<Anomaly>,
    /// Files that belong to it, and who sent them.
    pub files: Vec<(u64, Dir)>,
    /// Who opened its files did not close them before the end.
    pub cut: bool,
    /// A rule wants nothing to be told of it.
    pub quiet: bool,
    /// Its event has been written.
    pub logged: bool,
}

/// An anomaly of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// The name behind the protocol's in `app-layer-event`.
    pub name: &'static str,
    /// Who sent what is odd.
    pub dir: Dir,
    /// Rules have looked at it, with messages of each direction.
    pub seen: [bool; 2],
    /// EVE has told of it.
    pub told: bool,
}

impl Mark {
    /// Notes an anomaly, once.
    pub fn event(&mut self, dir: Dir, name: &'static str) {
        if self.events.len() < MAX_EVENTS && !self.events.iter().any(|e| e.name == name) {
            self.events.push(Anomaly { name, dir, seen: [false; 2], told: false });
        }
    }

    /// Of an exchange whose facts grow: rules shall look anew at what they have looked at.
    pub const fn refresh(&mut self) {
        self.looked = [0; 2];
    }

    /// A file belongs to the exchange.
    pub fn file(&mut self, id: u64, dir: Dir) {
        if self.files.len() < MAX_FILES && !self.files.iter().any(|f| f.0 == id) {
            self.files.push((id, dir));
        }
    }
}

impl Heap for Mark {
    fn heap_len(&self) -> usize {
        let of = |capacity: usize, size: usize| block_len(capacity.saturating_mul(size));
        of(self.matched.capacity(), size_of::<u32>())
            + of(self.pending.capacity(), size_of::<u32>())
            + of(self.file_rules.capacity(), size_of::<(u32, u16)>())
            + of(self.events.capacity(), size_of::<Anomaly>())
            + of(self.files.capacity(), size_of::<(u64, Dir)>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_exchanges_and_limits_what_they_hold() {
        let mut counter = Counter::default();
        assert_eq!(counter.begin().id, 0);
        let mut mark = counter.begin();
        assert_eq!((mark.id, counter.count()), (1, 2));
        mark.event(Dir::Orig, "a");
        mark.event(Dir::Orig, "a");
        assert_eq!(mark.events.len(), 1);
        for id in 0..1000 {
            mark.file(id, Dir::Resp);
            mark.file(id, Dir::Resp);
        }
        assert_eq!(mark.files.len(), MAX_FILES);
        assert!(mark.heap_len() > 0 && Mark::default().heap_len() == 0);
    }
}
