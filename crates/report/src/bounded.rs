//! Tables keyed by bytes from the wire, within fixed memory.

use hashbrown::HashMap;
use sekisho_types::SeededState;
use std::hash::Hash;

/// How much an entry of a [`Top`] matters.
pub(crate) trait Weight {
    fn weight(&self) -> u64;
}

/// The heaviest entries of a stream: exact as long as there are no more than `cap` keys; then the lighter half is
/// let go each time the table is full, so that a key which carries much of the total stays.
pub(crate) struct Top<K, V> {
    map: HashMap<K, V, SeededState>,
    cap: usize,
    let_go: u64,
}

impl<K: Eq + Hash, V: Weight> Top<K, V> {
    pub fn new(cap: usize, seed: u64) -> Self {
        Self { map: HashMap::with_hasher(SeededState(seed)), cap, let_go: 0 }
    }

    /// Entries let go so far; one that came back and went again counts twice.
    pub fn let_go(&self) -> u64 {
        self.let_go
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.map.iter()
    }

    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        Q: Hash + hashbrown::Equivalent<K> + ?Sized,
    {
        self.map.get(key)
    }
}

impl<K: Eq + Hash, V: Weight + Default> Top<K, V> {
    /// The entry for `key`, new if need be.
    pub fn at(&mut self, key: K) -> &mut V {
        if self.map.len() >= self.cap && !self.map.contains_key(&key) {
            self.let_half_go();
        }
        self.map.entry(key).or_default()
    }

    /// As [`Top::at`], copying the key only when it is new.
    pub fn at_ref<'q, Q>(&mut self, key: &'q Q) -> &mut V
    where
        Q: Hash + hashbrown::Equivalent<K> + ?Sized,
        K: From<&'q Q>,
    {
        if self.map.len() >= self.cap && !self.map.contains_key(key) {
            self.let_half_go();
        }
        self.map.entry_ref(key).or_default()
    }

    fn let_half_go(&mut self) {
        let mut weights: Vec<u64> = self.map.values().map(Weight::weight).collect();
        let half = weights.len() / 2;
        let (_, &mut median, heavier) = weights.select_nth_unstable(half);
        // Entries of just the median weight stay while there is room for half the table.
        let mut room = (self.map.len() - half).saturating_sub(heavier.iter().filter(|&&w| w > median).count() + 1);
        let before = self.map.len();
        self.map.retain(|_, v| {
            let w = v.weight();
            let stays = w > median || w == median && room > 0;
            if w == median {
                room = room.saturating_sub(1);
            }
            stays
        });
        self.let_go += (before - self.map.len()) as u64;
    }
}

/// Counts different values, exactly up to [`Distinct::CAP`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Distinct {
    /// Hashes, sorted.
    seen: Vec<u64>,
    more: bool,
}

impl Distinct {
    /// Values told apart.
    pub const CAP: usize = 256;

    pub fn insert(&mut self, hash: u64) {
        if let Err(at) = self.seen.binary_search(&hash) {
            if self.seen.len() < Self::CAP {
                self.seen.insert(at, hash);
            } else {
                self.more = true;
            }
        }
    }

    /// Number of values, and whether there were more.
    pub fn count(&self) -> (u64, bool) {
        (self.seen.len() as u64, self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weight for u64 {
        fn weight(&self) -> u64 {
            *self
        }
    }

    #[test]
    fn exact_below_the_cap() {
        let mut t: Top<u32, u64> = Top::new(100, 1);
        for i in 0..1_000u32 {
            *t.at(i % 100) += u64::from(i);
        }
        assert_eq!((t.len(), t.let_go()), (100, 0));
        assert_eq!(t.get(&7), Some(&(0..10).map(|k| 7 + k * 100).sum()));
    }

    #[test]
    fn limits_millions_of_keys_and_keeps_the_heavy_ones() {
        let mut t: Top<Box<[u8]>, u64> = Top::new(1_000, 1);
        for i in 0..2_000_000u32 {
            *t.at_ref(&i.to_be_bytes()[..]) += 1;
            if i % 100 == 0 {
                *t.at_ref(&b"heavy"[..]) += 1;
            }
        }
        assert!(t.len() <= 1_000);
        assert_eq!(t.get(&b"heavy"[..]), Some(&20_000));
        assert_eq!(t.let_go() + t.len() as u64, 2_000_001);
    }

    #[test]
    fn distinct_is_exact_then_says_more() {
        let mut d = Distinct::default();
        for i in 0..500u64 {
            d.insert(i % 250);
        }
        assert_eq!(d.count(), (250, false));
        for i in 0..500u64 {
            d.insert(i);
        }
        assert_eq!(d.count(), (256, true));
    }
}
