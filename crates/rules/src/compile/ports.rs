//! Groups of rules by port: one for those that any port will do, and one for each set of ports that rules tell apart.

use super::Map;
use super::fast::Wanted;
use super::groups::{Draft, Group, Owners};
use crate::ir::Ports;
use std::collections::BTreeSet;

/// Ports from which on a list is as good as any.
const WIDE_COUNT: u32 = 2048;
/// Groups of one index at most; then rules for single ports are put to those for any.
const GROUP_COUNT_MAX: usize = 2000;

/// A group without rules.
pub(crate) const NO_GROUP: u16 = u16::MAX;

/// Which group each port has: beginnings of ranges of ports, and the group of each.
#[derive(Debug, Default)]
struct Side {
    starts: Vec<u16>,
    groups: Vec<u16>,
}

/// Rules by port.
#[derive(Debug, Default)]
pub(crate) struct PortIndex {
    groups: Vec<Group>,
    /// Stands for a group that there is not.
    none: Group,
    any: u16,
    sides: [Side; 2],
}

/// A rule while an index is put together.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) rule: u32,
    pub(crate) literal: Option<Wanted<'a>>,
    pub(crate) src_ports: &'a Ports,
    pub(crate) dst_ports: &'a Ports,
    pub(crate) both_ways: bool,
}

/// The groups that a packet's ports select.
pub(crate) type Selected = [u16; 3];

/// No group at all.
pub(crate) const NOTHING: Selected = [NO_GROUP; 3];

fn count(ports: &Ports) -> u32 {
    ports.0.iter().map(|&(a, b)| u32::from(b.saturating_sub(a)) + 1).sum()
}

impl PortIndex {
    /// Puts rules into groups; `owners` are of all literals of the program.
    pub(crate) fn new(entries: &[Entry<'_>], owners: &mut Owners) -> Self {
        let mut any = Draft::default();
        let mut narrow: [Vec<(&Ports, &Entry<'_>)>; 2] = [Vec::new(), Vec::new()];
        for entry in entries {
            let (src, dst) = (count(entry.src_ports), count(entry.dst_ports));
            if src.min(dst) >= WIDE_COUNT {
                any.add(entry.rule, entry.literal);
                continue;
            }
            let (side, ports) = if dst <= src { (1, entry.dst_ports) } else { (0, entry.src_ports) };
            for side in if entry.both_ways { vec![0, 1] } else { vec![side] } {
                if let Some(list) = narrow.get_mut(side) {
                    list.push((ports, entry));
                }
            }
        }
        let mut index = Self::default();
        for (side, list) in narrow.iter().enumerate() {
            index.add_side(side, list, &mut any, owners);
        }
        index.any = index.add(any, owners);
        index
    }

    fn add(&mut self, draft: Draft, owners: &mut Owners) -> u16 {
        if draft.is_empty() {
            return NO_GROUP;
        }
        let at = u16::try_from(self.groups.len()).unwrap_or(NO_GROUP);
        self.groups.push(draft.finish(owners));
        at
    }

    fn add_side(&mut self, side: usize, list: &[(&Ports, &Entry<'_>)], any: &mut Draft, owners: &mut Owners) {
        let mut bounds = BTreeSet::from([0u16]);
        for (ports, _) in list {
            for &(first, last) in ports.0.iter() {
                bounds.insert(first);
                bounds.extend(last.checked_add(1));
            }
        }
        if bounds.len() + self.groups.len() > GROUP_COUNT_MAX {
            list.iter().for_each(|(_, entry)| any.add(entry.rule, entry.literal));
            return;
        }
        let mut known: Map<Vec<usize>, u16> = Map::default();
        for &start in &bounds {
            let members: Vec<usize> =
                (0..).zip(list).filter(|(_, (ports, _))| ports.has(start)).map(|(n, _)| n).collect();
            let group = known.get(&members).copied().unwrap_or_else(|| {
                let mut draft = Draft::default();
                for (_, entry) in members.iter().filter_map(|&n| list.get(n)) {
                    draft.add(entry.rule, entry.literal);
                }
                self.add(draft, owners)
            });
            known.insert(members, group);
            if let Some(side) = self.sides.get_mut(side)
                && side.groups.last() != Some(&group)
            {
                side.starts.push(start);
                side.groups.push(group);
            }
        }
    }

    /// The groups for a packet with these ports.
    pub(crate) fn select(&self, src_port: u16, dst_port: u16) -> Selected {
        let of = |side: &Side, port| {
            let at = side.starts.partition_point(|&start| start <= port);
            at.checked_sub(1).and_then(|at| side.groups.get(at).copied()).unwrap_or(NO_GROUP)
        };
        let [src, dst] = &self.sides;
        [self.any, of(src, src_port), of(dst, dst_port)]
    }

    /// The groups that were selected; empty ones for those that there are not.
    pub(crate) fn groups(&self, selected: Selected) -> [&Group; 3] {
        selected.map(|at| self.groups.get(usize::from(at)).unwrap_or(&self.none))
    }

    /// In a line: what it holds.
    pub(crate) fn outline(&self) -> String {
        let (literals, always) = self.groups.get(usize::from(self.any)).map_or((0, 0), Group::counts);
        let most = self.groups.iter().map(|g| g.counts().1).max().unwrap_or(0);
        format!(
            "{literals} literals and {always} rules without one for any port, {} groups (at most {most} such rules)",
            self.groups.len()
        )
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.groups.iter().map(Group::heap_len).sum()
    }
}
