//! Keyed state within fixed memory.

use crate::detection::Scope;
use hashbrown::{Equivalent, HashTable};
use sekisho_types::{Interval, SeededState, Timestamp};
use std::hash::{BuildHasher, Hash};

/// A map of at most `cap` entries that forgets those not touched for longest, in halves: when the newer half is full it
/// becomes the older one, and what was in that is forgotten and counted. So a flood of new keys cannot drive out what is
/// in use, and nothing has to be sorted.
pub struct Recent<K, V> {
    newer: HashTable<(K, V)>,
    older: HashTable<(K, V)>,
    half: usize,
    state: SeededState,
    forgotten: u64,
    /// How long an entry is of use, if not for ever, and when the halves last changed places for that.
    lasting: Option<Interval>,
    turned: Timestamp,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// Empty, for `most` entries, or as many fewer as the run has less memory for judgements.
    pub fn of(scope: &Scope, most: usize) -> Self {
        Self::new(scope.entries(most), scope.seed)
    }

    fn new(cap: usize, seed: u64) -> Self {
        Self {
            newer: HashTable::new(),
            older: HashTable::new(),
            half: (cap / 2).max(1),
            state: SeededState(seed),
            forgotten: 0,
            lasting: None,
            turned: Timestamp::default(),
        }
    }

    /// As [`Self::of`], for entries that are of no use any more when they were not touched for `lasting`: they go after twice
    /// that time at the latest, if [`Self::pass`] is called. So the table stays as small as what is in use.
    pub fn lasting(scope: &Scope, most: usize, lasting: Interval) -> Self {
        Self { lasting: Some(lasting), ..Self::of(scope, most) }
    }

    /// It is `now`, in packet time, which may jump.
    #[inline]
    pub fn pass(&mut self, now: Timestamp) {
        let Some(lasting) = self.lasting else { return };
        let since = now - self.turned;
        if since.0.abs() <= lasting.0 {
            return;
        }
        std::mem::swap(&mut self.newer, &mut self.older);
        self.newer.clear();
        // Nothing of what is left was touched lately, either.
        if since.0.abs() > lasting.0.saturating_mul(2) {
            self.older.clear();
        }
        self.turned = now;
    }

    /// Entries forgotten for want of room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Entries kept.
    pub fn len(&self) -> usize {
        self.newer.len() + self.older.len()
    }

    /// Is nothing kept?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.newer.is_empty() && self.older.is_empty()
    }

    /// Bytes of the tables; what the values own comes on top.
    pub fn held_len(&self) -> usize {
        self.newer.allocation_size() + self.older.allocation_size()
    }

    /// The entry of `key`, if there is one. Does not count as a use.
    pub fn peek<Q>(&self, key: &Q) -> Option<&V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        if self.is_empty() {
            return None;
        }
        let hash = self.state.hash_one(key);
        let is_it = |entry: &(K, V)| key.equivalent(&entry.0);
        self.newer.find(hash, is_it).or_else(|| self.older.find(hash, is_it)).map(|entry| &entry.1)
    }

    /// The entry of `key`, if there is one.
    pub fn get<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        if self.is_empty() {
            return None;
        }
        let (hash, half) = (self.state.hash_one(key), self.half);
        let Self { newer, older, state, forgotten, .. } = self;
        let is_it = |entry: &(K, V)| key.equivalent(&entry.0);
        match newer.find_entry(hash, is_it) {
            Ok(found) => Some(&mut found.into_mut().1),
            Err(absent) => {
                if older.is_empty() {
                    return None;
                }
                let entry = take(older, hash, is_it)?;
                Some(put(absent.into_table(), older, half, forgotten, *state, hash, entry))
            }
        }
    }

    /// The entry of `key`, new if need be.
    pub fn at(&mut self, key: K, new: impl FnOnce() -> V) -> &mut V {
        let (hash, half) = (self.state.hash_one(&key), self.half);
        let Self { newer, older, state, forgotten, .. } = self;
        match newer.find_entry(hash, |entry| entry.0 == key) {
            Ok(found) => &mut found.into_mut().1,
            Err(absent) => {
                let kept = if older.is_empty() { None } else { take(older, hash, |entry| entry.0 == key) };
                let entry = kept.unwrap_or_else(|| (key, new()));
                put(absent.into_table(), older, half, forgotten, *state, hash, entry)
            }
        }
    }

    /// Takes the entry of `key` out.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        if self.is_empty() {
            return None;
        }
        let hash = self.state.hash_one(key);
        let is_it = |entry: &(K, V)| key.equivalent(&entry.0);
        take(&mut self.newer, hash, is_it).or_else(|| take(&mut self.older, hash, is_it)).map(|entry| entry.1)
    }

    /// All entries, in no order: sort before anything is told.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.newer.iter().chain(&self.older).map(|(key, value)| (key, value))
    }

    /// All entries, in no order, to change their values. Does not count as a use.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.newer.iter_mut().chain(&mut self.older).map(|(key, value)| (&*key, value))
    }

    /// All values, in no order, to change them. Does not count as a use.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.newer.iter_mut().chain(&mut self.older).map(|entry| &mut entry.1)
    }
}

/// A new entry of the newer half, which may become the older one first.
fn put<'t, K: Hash, V>(
    newer: &'t mut HashTable<(K, V)>,
    older: &mut HashTable<(K, V)>,
    half: usize,
    forgotten: &mut u64,
    state: SeededState,
    hash: u64,
    entry: (K, V),
) -> &'t mut V {
    if newer.len() >= half {
        *forgotten += older.len() as u64;
        std::mem::swap(newer, older);
        newer.clear();
    }
    &mut newer.insert_unique(hash, entry, |entry| state.hash_one(&entry.0)).into_mut().1
}

fn take<T>(table: &mut HashTable<T>, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<T> {
    table.find_entry(hash, is_it).ok().map(|entry| entry.remove().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_its_share_of_the_memory_for_judgements() {
        let entries = |memory_len: Option<u64>| {
            let scope = Scope { memory_len, ..Scope::default() };
            let mut table: Recent<u32, u32> = Recent::of(&scope, 16_000);
            (0..50_000).for_each(|key| *table.at(key, || 0) += 1);
            assert_eq!(table.forgotten() as usize + table.len(), 50_000);
            table.half * 2
        };
        assert_eq!(entries(None), 16_000);
        assert_eq!(entries(Some(16 << 20)), 1_000);
        assert_eq!(entries(Some(1 << 40)), 16_000, "never more than its detector names");
        assert_eq!(entries(Some(0)), 64, "never nothing");
    }

    #[test]
    fn what_is_used_stays_and_what_is_forgotten_is_counted() {
        let mut table = Recent::new(8, 0);
        *table.at(0, || 0) = 7;
        for key in 1..1000 {
            table.at(key, || key);
            assert_eq!(table.get(&0), Some(&mut 7));
            assert!(table.len() <= 8);
        }
        assert_eq!(table.forgotten() as usize + table.len(), 1000);
        assert_eq!(table.peek(&1), None);
        assert_eq!(table.remove(&999), Some(999));
        assert_eq!(table.get(&999), None);
        assert!(table.held_len() > 0 && table.iter().count() == table.len());
    }

    #[test]
    fn what_is_of_no_use_any_more_goes_without_being_counted() {
        let mut recent: Recent<u32, ()> = Recent::lasting(&Scope::default(), 1_000, Interval::from_secs(10));
        let at = |secs: i64| Timestamp(secs * 1_000_000_000);
        for (now, key) in [(100, 1), (109, 2), (112, 3)] {
            recent.pass(at(now));
            recent.at(key, || ());
        }
        assert_eq!(recent.len(), 3, "twelve seconds are less than twice ten");
        recent.pass(at(124));
        assert!(recent.peek(&1).is_none() && recent.peek(&3).is_some());
        recent.pass(at(90));
        assert_eq!((recent.len(), recent.forgotten()), (0, 0), "time has jumped");
    }
}
