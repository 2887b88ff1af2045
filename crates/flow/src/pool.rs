use crate::tcp::{Held, PLACE_LEN};

/// Smallest capacity of a pooled buffer: one full Ethernet segment with room to append.
const CHUNK_LEN: usize = 2048;
/// What a waiting piece costs that keeps no bytes, for its place in the list.
const EMPTY_COST: usize = 64;
/// Free buffers kept for reuse; more are given back to the allocator.
const FREE_MAX_COUNT: usize = 1024;

/// What a buffer that was taken counts for.
pub(crate) fn cost(buf: &Vec<u8>) -> usize {
    buf.capacity().max(EMPTY_COST)
}

/// Buffers for out-of-order bytes, reused and counted by capacity.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    free: Vec<Vec<u8>>,
    in_use_len: usize,
    /// Buffers in use.
    in_use_count: usize,
    /// Lists of waiting pieces in use, one for each direction of a flow in which something waits.
    pub(crate) lists: usize,
}

impl Pool {
    /// A buffer with `bytes` in it, unless the pool would then exceed `limit` bytes in use.
    pub(crate) fn take(&mut self, bytes: &[u8], limit: usize) -> Option<Vec<u8>> {
        let want = bytes.len().div_ceil(CHUNK_LEN).max(1).saturating_mul(CHUNK_LEN);
        if self.in_use_len.saturating_add(want) > limit {
            return None;
        }
        let mut buf = match self.free.pop() {
            Some(b) if want == CHUNK_LEN => b,
            other => {
                self.free.extend(other);
                Vec::with_capacity(want)
            }
        };
        buf.extend_from_slice(bytes);
        self.in_use_len = self.in_use_len.saturating_add(cost(&buf));
        self.in_use_count += 1;
        Some(buf)
    }

    /// No buffer, for a piece that keeps no bytes; counted all the same.
    pub(crate) fn take_empty(&mut self, limit: usize) -> Option<Vec<u8>> {
        if self.in_use_len.saturating_add(EMPTY_COST) > limit {
            return None;
        }
        self.in_use_len = self.in_use_len.saturating_add(EMPTY_COST);
        self.in_use_count += 1;
        Some(Vec::new())
    }

    /// Takes a buffer back.
    pub(crate) fn give(&mut self, mut buf: Vec<u8>) {
        self.in_use_len = self.in_use_len.saturating_sub(cost(&buf));
        self.in_use_count = self.in_use_count.saturating_sub(1);
        if buf.capacity() == CHUNK_LEN && self.free.len() < FREE_MAX_COUNT {
            buf.clear();
            self.free.push(buf);
        }
    }

    /// Bytes held, in use or free for use.
    pub(crate) const fn held_len(&self) -> usize {
        self.in_use_len.saturating_add(self.free.len().saturating_mul(CHUNK_LEN))
    }

    /// Bytes that keep the buffers in use in order.
    pub(crate) const fn lists_len(&self) -> usize {
        let places = self.in_use_count.saturating_mul(PLACE_LEN);
        places.saturating_add(self.lists.saturating_mul(size_of::<Held>()))
    }

    /// Gives free buffers back to the allocator until at most `goal_len` bytes are held.
    pub(crate) fn trim(&mut self, goal_len: usize) {
        while self.held_len() > goal_len && self.free.pop().is_some() {}
    }

    /// Bytes in use, by what the buffers cost.
    pub(crate) const fn in_use_len(&self) -> usize {
        self.in_use_len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_bytes_and_reuses() {
        let mut p = Pool::default();
        let a = p.take(b"abc", 4096).unwrap();
        let b = p.take(&[0; 2048], 4096).unwrap();
        assert_eq!(p.in_use_len(), 4096);
        assert!(p.take(b"x", 4096).is_none());
        let at = a.as_ptr();
        p.give(a);
        let c = p.take(b"y", 4096).unwrap();
        assert_eq!((c.as_ptr(), c.as_slice()), (at, &b"y"[..]));
        p.give(b);
        p.give(c);
        assert_eq!(p.in_use_len(), 0);
        let none = p.take_empty(64).unwrap();
        assert_eq!((p.in_use_len(), p.take_empty(64)), (64, None));
        p.give(none);
        assert_eq!((p.in_use_len(), p.held_len()), (0, 4096));
        p.trim(2048);
        assert_eq!(p.held_len(), 2048);
    }
}
