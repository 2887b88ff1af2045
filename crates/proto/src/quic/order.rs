//! One direction of a stream of bytes, put in order from pieces that come in any order and more than once.

use sekisho_types::{Heap, block_len};
use std::collections::BTreeMap;

/// What a piece that waits takes beside its bytes, roughly.
const PIECE_LEN: usize = 48;

/// See the module. Whoever has it bounds it by [`Order::skip`].
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Offset behind what was handed out.
    next: u64,
    /// Pieces behind a hole, by offset.
    later: BTreeMap<u64, Vec<u8>>,
    later_len: usize,
    /// Where the stream ends, once it is known.
    end: Option<u64>,
}

impl Heap for Order {
    fn heap_len(&self) -> usize {
        self.later_len
    }
}

fn piece_len(piece: &[u8]) -> usize {
    PIECE_LEN + block_len(piece.len())
}

impl Order {
    /// Takes a piece; what is in order now goes to `out`.
    pub(super) fn add(&mut self, offset: u64, data: &[u8], mut out: impl FnMut(&[u8])) {
        if !self.join(offset, data, &mut out) {
            // The same piece again, or a shorter one, tells nothing.
            if self.later.get(&offset).is_none_or(|known| known.len() < data.len()) {
                self.later_len += piece_len(data);
                if let Some(old) = self.later.insert(offset, data.to_vec()) {
                    self.later_len = self.later_len.saturating_sub(piece_len(&old));
                }
            }
            return;
        }
        self.drain(&mut out);
    }

    /// Hands out what of the piece is new, if it touches what was.
    fn join(&mut self, offset: u64, data: &[u8], out: &mut impl FnMut(&[u8])) -> bool {
        let Some(known) = self.next.checked_sub(offset) else { return false };
        let new = usize::try_from(known).ok().and_then(|known| data.get(known..)).unwrap_or(&[]);
        if !new.is_empty() {
            self.next = self.next.saturating_add(new.len() as u64);
            out(new);
        }
        true
    }

    fn drain(&mut self, out: &mut impl FnMut(&[u8])) {
        while let Some(first) = self.later.first_entry().filter(|e| *e.key() <= self.next) {
            let (offset, data) = first.remove_entry();
            self.later_len = self.later_len.saturating_sub(piece_len(&data));
            self.join(offset, &data, out);
        }
    }

    /// The stream ends at `end`.
    pub(super) fn end_at(&mut self, end: u64) {
        self.end.get_or_insert(end);
    }

    /// Has everything been handed out?
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some_and(|end| self.next >= end)
    }

    /// Passes over the first hole, which lies before a piece that waits or before the known end: its length.
    pub(super) fn skip(&mut self) -> Option<u64> {
        let to = self.later.keys().next().copied().or(self.end)?;
        let len = to.checked_sub(self.next).filter(|len| *len > 0)?;
        self.next = to;
        Some(len)
    }

    /// Hands out what is in order behind a hole that was passed over.
    pub(super) fn resume(&mut self, mut out: impl FnMut(&[u8])) {
        self.drain(&mut out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_gives_the_stream() {
        let bytes: Vec<u8> = (0..60).collect();
        let pieces = [(0, 10), (10, 25), (20, 30), (22, 24), (30, 60), (30, 40)];
        let mut state = 7usize;
        for _ in 0..200 {
            let (mut order, mut got) = (Order::default(), Vec::new());
            let mut left = pieces.to_vec();
            while !left.is_empty() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let (from, to) = left.remove((state >> 33) % left.len());
                order.add(from as u64, &bytes[from..to], |b| got.extend_from_slice(b));
                if to == 60 {
                    order.end_at(60);
                }
            }
            assert_eq!(got, bytes);
            assert!(order.is_over() && order.heap_len() == 0 && order.later.is_empty());
        }
    }

    #[test]
    fn holes_are_passed_over() {
        let mut order = Order::default();
        let mut got = Vec::new();
        order.add(4, b"efgh", |_| unreachable!());
        order.add(4, b"ef", |_| unreachable!());
        assert_eq!(order.heap_len(), PIECE_LEN + block_len(4));
        assert_eq!(order.skip(), Some(4));
        order.resume(|b| got.extend_from_slice(b));
        assert_eq!(got, b"efgh");
        assert_eq!(order.skip(), None);
        order.end_at(10);
        assert_eq!((order.is_over(), order.skip(), order.is_over()), (false, Some(2), true));
        assert_eq!(order.heap_len(), 0);
    }
}
