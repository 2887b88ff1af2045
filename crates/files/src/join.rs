//! Which bytes of a resource are there, and those that came too early.

use sekisho_types::{block_len, list_len};
use std::collections::BTreeMap;

/// Separate spans kept per resource; more means that someone asks for every other byte.
const SPANS_MAX: usize = 4096;

/// Early bytes kept per resource for hashing in order, as Zeek's reassembly buffer.
pub(crate) const HELD_LEN_MAX: usize = 512 * 1024;

/// Disjoint, sorted, half-open spans of offsets.
#[derive(Debug, Default)]
pub(crate) struct Spans(Vec<(u64, u64)>);

impl Spans {
    /// Adds `[start, end)` and calls `new` with each part of it that was not there. False: too many spans,
    /// nothing was added.
    pub(crate) fn add(&mut self, start: u64, end: u64, mut new: impl FnMut(u64, u64)) -> bool {
        if start >= end {
            return true;
        }
        let first = self.0.partition_point(|&(_, e)| e < start);
        let last = self.0.partition_point(|&(s, _)| s <= end);
        if first == last && self.0.len() >= SPANS_MAX {
            return false;
        }
        let touched = self.0.get(first..last).unwrap_or(&[]);
        let (mut at, mut low, mut high) = (start, start, end);
        for &(s, e) in touched {
            if s > at {
                new(at, s);
            }
            at = at.max(e);
            low = low.min(s);
            high = high.max(e);
        }
        if at < end {
            new(at, end);
        }
        self.0.splice(first..last, [(low, high)]);
        true
    }

    /// Bytes that the list takes.
    pub(crate) fn heap_len(&self) -> usize {
        list_len(&self.0)
    }

    /// Bytes covered.
    pub(crate) fn covered_len(&self) -> u64 {
        self.0.iter().map(|(s, e)| e - s).sum()
    }

    /// The parts before the last covered byte that are not covered, in order.
    pub(crate) fn lacking(&self) -> impl Iterator<Item = (u64, u64)> {
        let starts = std::iter::once(0).chain(self.0.iter().map(|&(_, e)| e));
        starts.zip(self.0.iter().map(|&(s, _)| s))
    }

    /// Offset after the last covered byte.
    pub(crate) fn end(&self) -> u64 {
        self.0.last().map_or(0, |&(_, e)| e)
    }
}

/// Early pieces by offset; they don't overlap.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pieces: BTreeMap<u64, Vec<u8>>,
    len: usize,
    /// What the pieces take with their places in the tree.
    cost: usize,
}

/// What a piece of `len` bytes takes: tree nodes are half full at worst, two thirds on average.
fn cost(len: usize) -> usize {
    const PLACE_LEN: usize = size_of::<(u64, Vec<u8>)>() * 3 / 2;
    PLACE_LEN + block_len(len)
}

impl Held {
    /// Bytes that the pieces take.
    pub(crate) const fn held_len(&self) -> usize {
        self.cost
    }

    /// Keeps a copy; false if there is no room.
    pub(crate) fn keep(&mut self, offset: u64, bytes: &[u8]) -> bool {
        if bytes.len() > HELD_LEN_MAX.saturating_sub(self.len) || self.cost > 2 * HELD_LEN_MAX {
            return false;
        }
        self.len += bytes.len();
        self.cost += cost(bytes.len());
        self.pieces.insert(offset, bytes.to_vec());
        true
    }

    /// The piece that begins at `offset`.
    pub(crate) fn take(&mut self, offset: u64) -> Option<Vec<u8>> {
        let piece = self.pieces.remove(&offset)?;
        self.len -= piece.len();
        self.cost -= cost(piece.len());
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against a naive model: one flag per byte.
    #[test]
    fn spans_equal_a_naive_model() {
        let mut seed = 12345u64;
        let mut next = |n: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % n
        };
        for _ in 0..200 {
            let mut spans = Spans::default();
            let mut model = [false; 64];
            for _ in 0..20 {
                let start = next(60);
                let end = start + next(64 - start) + 1;
                let mut fresh = Vec::new();
                assert!(spans.add(start, end, |s, e| fresh.extend(s..e)));
                let expected: Vec<u64> = (start..end).filter(|&i| !model[i as usize]).collect();
                assert_eq!(fresh, expected);
                model[start as usize..end as usize].fill(true);
                let lacking: Vec<u64> = spans.lacking().flat_map(|(s, e)| s..e).collect();
                let last = model.iter().rposition(|&b| b).unwrap();
                assert_eq!(lacking, (0..last as u64).filter(|&i| !model[i as usize]).collect::<Vec<_>>());
                assert_eq!(spans.covered_len(), model.iter().filter(|&&b| b).count() as u64);
                assert!(spans.0.windows(2).all(|w| w[0].1 < w[1].0), "{spans:?}");
            }
            assert_eq!(spans.end(), model.iter().rposition(|&b| b).unwrap() as u64 + 1);
        }
    }

    #[test]
    fn limits_spans_and_held_bytes() {
        let mut spans = Spans::default();
        for i in 0..SPANS_MAX as u64 {
            assert!(spans.add(i * 2, i * 2 + 1, |_, _| ()));
        }
        assert!(!spans.add(1 << 40, (1 << 40) + 1, |_, _| panic!("refused")));
        assert!(spans.add(0, 10, |_, _| ()), "what touches a span still fits");
        assert!(spans.add(u64::MAX - 1, 3, |_, _| panic!("empty")));
        let mut held = Held::default();
        assert!(held.keep(5, &vec![0; HELD_LEN_MAX]));
        assert!(!held.keep(0, b"x"));
        assert_eq!(held.take(5).map(|p| p.len()), Some(HELD_LEN_MAX));
        assert!(held.keep(0, b"x"));
    }
}
