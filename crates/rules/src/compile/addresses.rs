//! Rules that ask for addresses alone, found by address.

use crate::ir::Addresses;
use std::collections::BTreeSet;

/// Addresses (of IPv4) from which on a list is no use as a key.
const WIDE_COUNT: u128 = 1 << 24;

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
        Self { sides: keyed.map(|list| Side::new(&list)), always }
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
    fn new(list: &[(u32, &Addresses)]) -> Self {
        let mut bounds = BTreeSet::new();
        // Which rules begin and end where.
        let mut changes: Vec<(u128, bool, u32)> = Vec::new();
        for (rule, addresses) in list {
            for range in addresses.0.iter() {
                bounds.insert(range.first);
                changes.push((range.first, true, *rule));
                if let Some(behind) = range.last.checked_add(1) {
                    bounds.insert(behind);
                    changes.push((behind, false, *rule));
                }
            }
        }
        changes.sort_unstable();
        let mut side = Self::default();
        let mut open: BTreeSet<u32> = BTreeSet::new();
        let mut changes = changes.into_iter().peekable();
        for start in bounds {
            while let Some((_, begins, rule)) = changes.next_if(|(at, ..)| *at == start) {
                if begins {
                    open.insert(rule);
                } else {
                    open.remove(&rule);
                }
            }
            side.starts.push(start);
            side.lists.push(u32::try_from(side.rules.len()).unwrap_or(u32::MAX));
            side.rules.extend(&open);
        }
        side.lists.push(u32::try_from(side.rules.len()).unwrap_or(u32::MAX));
        side
    }

    fn find(&self, addr: u128) -> &[u32] {
        let Some(at) = self.starts.partition_point(|&start| start <= addr).checked_sub(1) else { return &[] };
        let (Some(&start), Some(&end)) = (self.lists.get(at), self.lists.get(at + 1)) else { return &[] };
        self.rules.get(start as usize..end as usize).unwrap_or_default()
    }
}
