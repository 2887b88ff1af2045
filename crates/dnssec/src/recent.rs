//! What happened lately: a bounded set that forgets its older half.

use hashbrown::HashSet;
use sekisho_types::SeededState;
use std::hash::{BuildHasher, Hash};

/// Hashes of things, 64 bits each under the run's seed: two that agree by chance are not to be expected.
pub(crate) struct Recent {
    new: HashSet<u64, SeededState>,
    old: HashSet<u64, SeededState>,
    max_count: usize,
}

impl Recent {
    pub(crate) fn new(max_count: usize, seed: u64) -> Self {
        let empty = || HashSet::with_hasher(SeededState(seed));
        Self { new: empty(), old: empty(), max_count: max_count / 2 }
    }

    pub(crate) fn contains(&self, thing: impl Hash) -> bool {
        let hash = self.new.hasher().hash_one(thing);
        self.new.contains(&hash) || self.old.contains(&hash)
    }

    /// False if it was there.
    pub(crate) fn insert(&mut self, thing: impl Hash) -> bool {
        let hash = self.new.hasher().hash_one(thing);
        if self.new.contains(&hash) {
            return false;
        }
        if self.new.len() >= self.max_count {
            self.old = std::mem::replace(&mut self.new, HashSet::with_hasher(*self.old.hasher()));
        }
        self.new.insert(hash);
        !self.old.contains(&hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_older_half() {
        let mut recent = Recent::new(8, 1);
        assert!((0..100).all(|n| recent.insert(n)));
        assert!(!recent.insert(99) && recent.contains(97) && !recent.contains(1));
        assert!(recent.new.len() + recent.old.len() <= 8);
    }
}
