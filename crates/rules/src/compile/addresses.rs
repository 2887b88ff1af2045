//! Rules that ask for addresses alone, found by address.

use crate::ir::Addresses;

/// Addresses (of IPv4) from which on a list is no use as a key.
const WIDE_COUNT: u128 = 1 << 24;

/// Rules that all ranges of a side together have at most; where they have more, lists are no use as keys.
const ENTRY_COUNT_MAX: usize = 1 << 22;

/// Rules by the addresses of one side each.
#[derive(Debug, Default)]
pub(crate) struct AddressIndex {
    sides: [Side; 2],
    /// Rules for many addresses.
    pub(crate) always: Vec<u32>,
}

/// Beginnings of ranges of addresses, and where the rules of each begin; one more at the end.
#[derive(Debug, Default)]
struct Side {
    starts: Vec<u128>,
    lists: Vec<u32>,
    rules: Vec<u32>,
}

fn count(addresses: &Addresses) -> u128 {
    addresses
        .0
        .iter()
        .map(|range| range.last.saturating_sub(range.first).saturating_add(1))
        .fold(0, u128::saturating_add)
}

impl AddressIndex {
    /// Rules with source and destination, and whether they hold either way.
    pub(crate) fn new<'a>(rules: impl Iterator<Item = (u32, &'a Addresses, &'a Addresses, bool)>) -> Self {
        let mut keyed: [Vec<(u32, &Addresses)>; 2] = [Vec::new(), Vec::new()];
        let mut always = Vec::new();
        for (rule, src, dst, both_ways) in rules {
            let (n_src, n_dst) = (count(src), count(dst));
            if n_src.min(n_dst) >= WIDE_COUNT {
                always.push(rule);
                continue;
            }
            let (side, key) = if n_dst < n_src { (1, dst) } else { (0, src) };
            for (n, list) in keyed.iter_mut().enumerate() {
                if both_ways || n == side {
                    list.push((rule, key));
                }
            }
        }
        let sides = keyed.map(|list| match Side::new(&list, ENTRY_COUNT_MAX) {
            Some(side) => side,
            None => {
                always.extend(list.iter().map(|(rule, _)| *rule));
                Side::default()
            }
        });
        always.sort_unstable();
        always.dedup();
        Self { sides, always }
    }

    /// Tells the rules that may concern a packet.
    pub(crate) fn find(&self, src: u128, dst: u128, mut found: impl FnMut(&[u32])) {
        let [by_src, by_dst] = &self.sides;
        found(&self.always);
        found(by_src.find(src));
        found(by_dst.find(dst));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.always.is_empty() && self.sides.iter().all(|side| side.rules.is_empty())
    }
}

impl Side {
    /// Nothing: the ranges have more than `entry_count` rules.
    fn new(list: &[(u32, &Addresses)], entry_count: usize) -> Option<Self> {
        // Which rules begin and end where; ranges of one rule do not touch.
        let mut changes: Vec<(u128, u32, bool)> = Vec::new();
        for (rule, addresses) in list {
            for range in addresses.0.iter() {
                changes.push((range.first, *rule, true));
                changes.extend(range.last.checked_add(1).map(|behind| (behind, *rule, false)));
            }
        }
        changes.sort_unstable_by_key(|(at, ..)| *at);
        let mut side = Self::default();
        let mut open: Vec<u32> = Vec::new();
        for of_place in changes.chunk_by(|(a, ..), (b, ..)| a == b) {
            for (_, rule, begins) in of_place {
                match (open.binary_search(rule), begins) {
                    (Err(at), true) => open.insert(at, *rule),
                    (Ok(at), false) => drop(open.remove(at)),
                    _ => {}
                }
            }
            if side.rules.len() + open.len() > entry_count {
                return None;
            }
            side.starts.extend(of_place.first().map(|(at, ..)| *at));
            side.lists.push(u32::try_from(side.rules.len()).ok()?);
            side.rules.extend_from_slice(&open);
        }
        side.lists.push(u32::try_from(side.rules.len()).ok()?);
        Some(side)
    }

    fn find(&self, addr: u128) -> &[u32] {
        let Some(at) = self.starts.partition_point(|&start| start <= addr).checked_sub(1) else { return &[] };
        let (Some(&start), Some(&end)) = (self.lists.get(at), self.lists.get(at + 1)) else { return &[] };
        self.rules.get(start as usize..end as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::AddrRange;

    fn addresses(ranges: &[(u128, u128)]) -> Addresses {
        Addresses(ranges.iter().map(|&(first, last)| AddrRange { first, last }).collect())
    }

    #[test]
    fn finds_rules_by_address() {
        let (a, b, all) = (addresses(&[(5, 9), (20, 20)]), addresses(&[(8, 30)]), addresses(&[(0, u128::MAX)]));
        let index = AddressIndex::new(
            [(3, &a, &all, false), (1, &b, &all, false), (7, &all, &a, false), (9, &all, &all, true)].into_iter(),
        );
        let found = |src, dst| {
            let mut rules = Vec::new();
            index.find(src, dst, |list| rules.extend_from_slice(list));
            rules
        };
        assert_eq!(found(4, 4), [9]);
        assert_eq!(found(5, 100), [9, 3]);
        assert_eq!(found(9, 100), [9, 1, 3]);
        assert_eq!(found(10, 20), [9, 1, 7]);
        assert_eq!(found(21, 21), [9, 1]);
        assert_eq!(found(31, 0), [9]);
        assert!(!index.is_empty() && AddressIndex::default().is_empty());
    }

    #[test]
    fn nested_ranges_are_bounded() {
        let nested: Vec<_> =
            (1u32..100).map(|n| (n, addresses(&[(1000 - u128::from(n), 1000 + u128::from(n))]))).collect();
        let list: Vec<_> = nested.iter().map(|(n, addresses)| (*n, addresses)).collect();
        assert!(Side::new(&list, 1000).is_none());
        let side = Side::new(&list, 100_000).unwrap();
        assert_eq!((side.find(1000).len(), side.find(902).len(), side.find(1100).len()), (99, 2, 0));
    }
}
