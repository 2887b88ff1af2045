//! Where bytes of a file are lacking.

use sekisho_types::list_len;

/// Holes told of a file, in order; more are only counted.
pub const MAX_HOLES: usize = 256;

/// The holes of a file, in the order of their places.
#[derive(Debug, Default)]
pub(crate) struct Holes {
    list: Vec<(u64, u64)>,
    /// Those that have no place in it.
    more: u64,
    /// Where the last one ends, in the list or not.
    end: u64,
}

impl Holes {
    /// Nothing is there from `start` up to `end`. Holes come in the order of their places; those that touch are one.
    pub(crate) fn add(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let touches = start <= self.end && (self.more > 0 || !self.list.is_empty());
        self.end = self.end.max(end);
        if touches {
            if self.more == 0
                && let Some(last) = self.list.last_mut()
            {
                last.1 = last.1.max(end);
            }
        } else if self.list.len() < MAX_HOLES {
            self.list.push((start, end));
        } else {
            self.more += 1;
        }
    }

    /// Where the last one ends.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// Bytes that the list takes.
    pub(crate) fn heap_len(&self) -> usize {
        list_len(&self.list)
    }

    /// The first [`MAX_HOLES`] of them.
    pub(crate) fn list(&self) -> &[(u64, u64)] {
        &self.list
    }

    /// How many more there are.
    pub(crate) const fn more(&self) -> u64 {
        self.more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_what_touches() {
        let mut holes = Holes::default();
        for (start, end) in [(0, 0), (0, 5), (5, 7), (9, 9), (10, 12), (11, 20), (20, 20)] {
            holes.add(start, end);
        }
        assert_eq!((holes.list(), holes.more()), (&[(0, 7), (10, 20)][..], 0));
    }

    #[test]
    fn limits_holes_told() {
        let mut holes = Holes::default();
        for i in 0..MAX_HOLES as u64 + 3 {
            holes.add(i * 10, i * 10 + 1);
            holes.add(i * 10 + 1, i * 10 + 2);
        }
        let last = (MAX_HOLES as u64 - 1) * 10;
        assert_eq!((holes.list().len(), holes.list().last(), holes.more()), (MAX_HOLES, Some(&(last, last + 2)), 3));
        assert!(holes.heap_len() >= MAX_HOLES * 16);
    }
}
