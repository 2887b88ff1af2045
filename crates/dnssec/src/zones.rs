//! What passed of each zone: its keys, its parent's word on them, and proofs that there is none.

use crate::limits::{Limits, MAX_TAGS};
use crate::name::Name;
use crate::record::{Dnskey, Ds};
use crate::rrset::RrSet;
use hashbrown::HashMap;
use sekisho_types::{Interval, SeededState, Timestamp};
use std::sync::Arc;

/// Sets of one kind that are kept of a zone before one of them is proven: the true one and forged ones raced by it.
const MAX_CANDIDATES: usize = 3;

/// Octets that a zone takes besides its sets.
const ZONE_LEN: usize = 256;

/// A set as it passed, with its records read.
#[derive(Debug)]
pub(crate) struct Passed<R> {
    pub(crate) set: RrSet,
    pub(crate) records: Vec<R>,
    pub(crate) seen: Timestamp,
}

/// A zone's keys.
pub(crate) type KeySet = Passed<Dnskey>;

/// A zone's DS records.
pub(crate) type DsSet = Passed<Ds>;

impl<R> Passed<R> {
    pub(crate) fn new(set: &RrSet, parse: fn(&[u8]) -> Option<R>, seen: Timestamp) -> Self {
        Self { records: set.data.iter().filter_map(|d| parse(d)).collect(), set: set.clone(), seen }
    }

    /// Until when caches may answer from it.
    pub(crate) fn fresh_until(&self) -> Timestamp {
        self.seen + Interval::from_secs(i64::from(self.set.ttl))
    }

    fn heap_len(&self) -> usize {
        // The records repeat the data.
        2 * self.set.heap_len() + self.records.len() * size_of::<R>()
    }
}

impl KeySet {
    /// Tags for the evidence.
    pub(crate) fn tags(&self) -> Vec<u16> {
        self.records.iter().map(|k| k.tag).take(MAX_TAGS).collect()
    }
}

impl DsSet {
    /// Tags for the evidence.
    pub(crate) fn tags(&self) -> Vec<u16> {
        self.records.iter().map(|d| d.tag).take(MAX_TAGS).collect()
    }
}

/// Sets of one kind of one zone.
#[derive(Debug)]
pub(crate) struct Kept<R> {
    /// The latest last.
    passed: Vec<Arc<Passed<R>>>,
    /// Proven, and until when the signatures hold that prove it.
    proven: Option<(Arc<Passed<R>>, Timestamp)>,
}

impl<R> Default for Kept<R> {
    fn default() -> Self {
        Self { passed: Vec::new(), proven: None }
    }
}

impl<R> Kept<R> {
    /// Those that passed, the latest first.
    pub(crate) fn candidates(&self) -> Vec<Arc<Passed<R>>> {
        self.passed.iter().rev().cloned().collect()
    }

    /// The one that is proven and whose signatures hold.
    pub(crate) fn proven(&self, at: Timestamp) -> Option<&Arc<Passed<R>>> {
        self.proven.as_ref().filter(|(_, until)| at <= *until).map(|(set, _)| set)
    }

    /// Did any pass?
    pub(crate) fn is_seen(&self) -> bool {
        !self.passed.is_empty()
    }

    /// Was one ever proven?
    pub(crate) fn is_proven(&self) -> bool {
        self.proven.is_some()
    }

    pub(crate) fn prove(&mut self, set: Arc<Passed<R>>, until: Timestamp) {
        self.proven = Some((set, until));
    }

    fn add(&mut self, set: Arc<Passed<R>>) {
        self.passed.retain(|p| p.set.data != set.set.data);
        if self.passed.len() == MAX_CANDIDATES {
            self.passed.remove(0);
        }
        self.passed.push(set);
    }

    fn heap_len(&self) -> usize {
        let proven = self.proven.iter().map(|(set, _)| set.heap_len()).sum::<usize>();
        proven + self.passed.iter().map(|p| p.heap_len()).sum::<usize>()
    }
}

/// What is known of one zone, or of a name that might be one.
#[derive(Debug, Default)]
pub(crate) struct Zone {
    pub(crate) keys: Kept<Dnskey>,
    pub(crate) ds: Kept<Ds>,
    /// When a proof passed that there is no DS record, and until when its signatures hold.
    pub(crate) no_ds: Option<(Timestamp, Timestamp)>,
    /// Such a proof passed and waits to be verified.
    pub(crate) has_claim: bool,
    used: u64,
    heap_len: usize,
}

/// The zones.
#[derive(Debug)]
pub(crate) struct Zones {
    map: HashMap<Name, Zone, SeededState>,
    clock: u64,
    heap_len: usize,
    max_count: usize,
    max_len: usize,
    pub(crate) dropped_count: u64,
}

impl Zones {
    pub(crate) fn new(limits: &Limits, seed: u64) -> Self {
        Self {
            map: HashMap::with_hasher(SeededState(seed)),
            clock: 0,
            heap_len: 0,
            max_count: limits.zones_count,
            max_len: limits.zones_len,
            dropped_count: 0,
        }
    }

    pub(crate) fn get(&self, name: &Name) -> Option<&Zone> {
        self.map.get(name)
    }

    pub(crate) fn by_wire(&self, name: &[u8]) -> Option<(&Name, &Zone)> {
        self.map.get_key_value(name)
    }

    /// Notes that the zone was of use.
    pub(crate) fn touch(&mut self, name: &Name) {
        self.clock += 1;
        let clock = self.clock;
        if let Some(zone) = self.map.get_mut(name) {
            zone.used = clock;
        }
    }

    pub(crate) fn add_keys(&mut self, set: &RrSet, seen: Timestamp) -> Arc<KeySet> {
        let keys = Arc::new(KeySet::new(set, Dnskey::parse, seen));
        self.change(&set.name, |zone| zone.keys.add(Arc::clone(&keys)));
        keys
    }

    pub(crate) fn add_ds(&mut self, set: &RrSet, seen: Timestamp) -> Arc<DsSet> {
        let ds = Arc::new(DsSet::new(set, Ds::parse, seen));
        self.change(&set.name, |zone| zone.ds.add(Arc::clone(&ds)));
        ds
    }

    /// Changes what is known of a zone, and keeps the books.
    pub(crate) fn change(&mut self, name: &Name, change: impl FnOnce(&mut Zone)) {
        self.clock += 1;
        if !self.map.contains_key(name) {
            self.make_room();
            let heap_len = ZONE_LEN + name.heap_len();
            self.heap_len += heap_len;
            self.map.insert(name.clone(), Zone { heap_len, ..Zone::default() });
        }
        let clock = self.clock;
        if let Some(zone) = self.map.get_mut(name) {
            change(zone);
            zone.used = clock;
            let heap_len = ZONE_LEN + name.heap_len() + zone.keys.heap_len() + zone.ds.heap_len();
            self.heap_len = self.heap_len - zone.heap_len + heap_len;
            zone.heap_len = heap_len;
        }
    }

    /// Drops the half that was longest without use once either limit is reached: rarely, so its cost is spread.
    fn make_room(&mut self) {
        if self.map.len() < self.max_count && self.heap_len < self.max_len {
            return;
        }
        let mut used: Vec<u64> = self.map.values().map(|z| z.used).collect();
        let middle = used.len() / 2;
        let (_, &mut median, _) = used.select_nth_unstable(middle);
        let before = self.map.len();
        let mut kept_len = 0;
        self.map.retain(|_, zone| {
            let is_kept = zone.used > median;
            kept_len += if is_kept { zone.heap_len } else { 0 };
            is_kept
        });
        self.heap_len = kept_len;
        self.dropped_count += u64::try_from(before - self.map.len()).unwrap_or(u64::MAX);
    }

    pub(crate) fn count(&self) -> usize {
        self.map.len()
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.heap_len
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtype::Rtype;

    fn set(name: &str, data: u8) -> RrSet {
        let name = Name::from_text(name).unwrap();
        RrSet { name, rtype: Rtype::DS, ttl: 60, data: vec![vec![data; 36].into()], sigs: Vec::new() }
    }

    #[test]
    fn limits_zones_and_drops_the_unused() {
        let limits = Limits { zones_count: 10, ..Limits::default() };
        let mut zones = Zones::new(&limits, 7);
        for n in 0..100 {
            zones.add_ds(&set(&format!("z{n}"), 1), Timestamp(0));
            zones.touch(&Name::from_text("z0").unwrap());
            assert!(zones.count() <= 10);
        }
        assert!(zones.get(&Name::from_text("z0").unwrap()).is_some());
        assert!(zones.get(&Name::from_text("z1").unwrap()).is_none());
        assert_eq!(zones.dropped_count, 100 - zones.count() as u64);
        assert_eq!(zones.heap_len(), zones.map.values().map(|z| z.heap_len).sum::<usize>());
    }

    #[test]
    fn limits_octets_and_candidates() {
        let limits = Limits { zones_len: 10_000, ..Limits::default() };
        let mut zones = Zones::new(&limits, 7);
        for n in 0..100 {
            zones.add_ds(&set(&format!("z{n}"), 1), Timestamp(0));
            assert!(zones.heap_len() < 11_000);
        }
        for n in 0..9 {
            zones.add_ds(&set("z99", n), Timestamp(0));
        }
        let zone = zones.get(&Name::from_text("z99").unwrap()).unwrap();
        let kept: Vec<u8> = zone.ds.candidates().iter().map(|c| c.set.data[0][0]).collect();
        assert_eq!(kept, [8, 7, 6]);
    }
}
