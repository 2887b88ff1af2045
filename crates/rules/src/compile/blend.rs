//! Groups that the same ports select, searched together.

use super::Map;
use super::groups::Candidates;
use super::ports::{NOTHING, PortIndex, Selected};
use sekisho_scan::{Scanner, Sink, Union};

/// Blends of one inspector at most. Packets of further ones are searched group by group.
const BLEND_COUNT_MAX: usize = 256;

/// Bytes that are searched group by group before a walk for all groups is worth what it takes to make.
const SINGLY_LEN: usize = 32 * 1024;

/// Groups of one index, or of two, searched in one walk.
#[derive(Debug)]
pub(crate) struct Blend {
    selected: [Selected; 2],
    /// Bytes that were searched until there was one.
    searched_len: usize,
    anywhere: Option<Union>,
    /// Where literals of the first index end that stand in the first bytes; behind it there are none.
    head_end: u64,
    /// No rule of the first index does without a literal.
    pub(crate) needs_literal: bool,
}

/// Number of a blend.
pub(crate) type BlendNumber = u16;

/// Where the groups of a blend are: an index, and one whose literals are looked for in the same bytes; and a number for both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Indexes<'p> {
    pub(crate) own: &'p PortIndex,
    pub(crate) beside: Option<&'p PortIndex>,
    pub(crate) number: u8,
}

impl<'p> Indexes<'p> {
    fn sets(&self, [own, beside]: [Selected; 2]) -> [&'p Scanner; 6] {
        let [a, b, c] = self.own.groups(own);
        let [d, e, f] = self.beside.unwrap_or(self.own).groups(beside);
        [&a.anywhere, &b.anywhere, &c.anywhere, &d.anywhere, &e.anywhere, &f.anywhere]
    }
}

/// Blends by the indexes and what is selected of them. They are made when the first packet asks.
#[derive(Debug, Default)]
pub(crate) struct Blends {
    list: Vec<Blend>,
    numbers: Map<(u8, [Selected; 2]), BlendNumber>,
}

impl Blends {
    /// The number of the blend of what these ports select; `None`: there are too many.
    pub(crate) fn number(&mut self, indexes: &Indexes<'_>, src_port: u16, dst_port: u16) -> Option<BlendNumber> {
        let beside = indexes.beside.map_or(NOTHING, |index| index.select(src_port, dst_port));
        let selected = [indexes.own.select(src_port, dst_port), beside];
        if let Some(&number) = self.numbers.get(&(indexes.number, selected)) {
            return Some(number);
        }
        if self.list.len() >= BLEND_COUNT_MAX {
            return None;
        }
        let number = BlendNumber::try_from(self.list.len()).ok()?;
        self.list.push(Blend::new(indexes, selected));
        self.numbers.insert((indexes.number, selected), number);
        Some(number)
    }

    pub(crate) fn get(&mut self, number: BlendNumber) -> Option<&mut Blend> {
        self.list.get_mut(usize::from(number))
    }

    pub(crate) fn needs_literal(&self, number: BlendNumber) -> bool {
        self.list.get(usize::from(number)).is_some_and(|blend| blend.needs_literal)
    }
}

impl Blend {
    fn new(indexes: &Indexes<'_>, selected: [Selected; 2]) -> Self {
        let [own, _] = selected;
        let groups = indexes.own.groups(own);
        Self {
            selected,
            searched_len: 0,
            anywhere: None,
            head_end: groups.iter().map(|group| u64::from(group.head_len).max(1)).max().unwrap_or(0),
            needs_literal: groups.iter().all(|group| group.always.is_empty()),
        }
    }

    /// Adds the rules that are always candidates.
    pub(crate) fn always(&self, indexes: &Indexes<'_>, to: &mut Candidates) {
        let [own, _] = self.selected;
        indexes.own.groups(own).iter().for_each(|group| to.add_all(&group.always));
    }

    /// Tells of literals that stand anywhere in `hay`.
    pub(crate) fn scan(&mut self, indexes: &Indexes<'_>, hay: &[u8], sink: &mut impl Sink) {
        let sets = indexes.sets(self.selected);
        if let Some(union) = &self.anywhere {
            return union.scan(&sets, hay, sink);
        }
        sets.iter().filter(|set| !set.is_empty()).for_each(|set| set.scan(hay, sink));
        self.searched_len = self.searched_len.saturating_add(hay.len());
        if self.searched_len >= SINGLY_LEN {
            self.anywhere = Some(Union::of(&sets));
        }
    }

    /// Tells of literals of the first index that stand in the first bytes of a buffer, in which `hay` begins at `base`.
    pub(crate) fn scan_head(&self, indexes: &Indexes<'_>, hay: &[u8], base: u64, sink: &mut impl Sink) {
        if base < self.head_end {
            let [own, _] = self.selected;
            indexes.own.groups(own).iter().for_each(|group| group.scan_head(hay, base, sink));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fast::Wanted;
    use super::super::groups::{Finds, Owners};
    use super::super::ports::Entry;
    use super::*;
    use crate::ir::Ports;

    /// An index of rules of one literal each, for these destination ports (`0`: any); the third says within how many bytes it ends.
    fn index(rules: &[(&str, u16, Option<u32>)], first: u32, owners: &mut Owners) -> PortIndex {
        let any = Ports([(0, u16::MAX)][..].into());
        let ports: Vec<Ports> = rules.iter().map(|&(_, port, _)| Ports([(port, port)][..].into())).collect();
        let entries = (first..).zip(rules).zip(&ports).map(|((rule, (bytes, port, limit)), ports)| Entry {
            rule,
            literal: (!bytes.is_empty()).then_some(Wanted { bytes: bytes.as_bytes(), nocase: false, limit: *limit }),
            src_ports: &any,
            dst_ports: if *port == 0 { &any } else { ports },
            both_ways: false,
        });
        PortIndex::new(&entries.collect::<Vec<_>>(), owners)
    }

    /// Rules found in `hay` for packets, and literals for their stream.
    fn search(blend: &mut Blend, indexes: &Indexes<'_>, owners: &Owners, hay: &str) -> (Vec<u32>, usize) {
        let mut candidates = Candidates::new(owners.len(), 16);
        candidates.begin();
        let mut literals = Vec::new();
        blend.always(indexes, &mut candidates);
        let mut finds = Finds::new(owners, 0, &mut candidates);
        finds.for_stream = Some(&mut literals);
        blend.scan(indexes, hay.as_bytes(), &mut finds);
        blend.scan_head(indexes, hay.as_bytes(), 0, &mut finds);
        candidates.sort();
        (candidates.rules, literals.len())
    }

    #[test]
    fn one_walk_finds_what_each_group_would() {
        let mut owners = Owners::default();
        let own = index(
            &[("anywhere", 0, None), ("web-only", 80, None), ("GET ", 0, Some(4)), ("", 80, None)],
            0,
            &mut owners,
        );
        let first = owners.next();
        let beside = index(&[("streamed", 0, None), ("anywhere", 0, None)], 8, &mut owners);
        owners.streams = first..owners.next();
        let indexes = Indexes { own: &own, beside: Some(&beside), number: 1 };
        let mut blends = Blends::default();
        let [web, other] = [80, 25].map(|port| blends.number(&indexes, 1025, port).unwrap());
        assert!(web != other);
        assert_eq!(blends.number(&indexes, 4000, 80), Some(web), "what other ports select is the same");
        let alone = Indexes { beside: None, number: 2, ..indexes };
        assert!(![web, other].contains(&blends.number(&alone, 1025, 80).unwrap()));
        let hay = "GET /web-only anywhere streamed GET ";
        // Group by group until so much was searched that a walk for all of them is made, then in that walk.
        let mut was_made = false;
        for _ in 0..=SINGLY_LEN / hay.len() + 1 {
            let blend = blends.get(web).unwrap();
            was_made = blend.anywhere.is_some();
            assert_eq!(search(blend, &indexes, &owners, hay), (vec![0, 1, 2, 3], 2));
            let blend = blends.get(other).unwrap();
            assert_eq!(search(blend, &indexes, &owners, hay), (vec![0, 2], 2));
            assert_eq!(search(blend, &indexes, &owners, &hay[1..]), (vec![0], 2), "behind the first four bytes");
        }
        assert!(was_made);
    }

    #[test]
    fn blends_are_limited() {
        let mut owners = Owners::default();
        let words: Vec<String> = (0..BLEND_COUNT_MAX + 8).map(|n| format!("literal-{n}")).collect();
        let rules: Vec<_> = words.iter().zip(1..).map(|(word, port)| (&**word, port, None)).collect();
        let own = index(&rules, 0, &mut owners);
        let indexes = Indexes { own: &own, beside: None, number: 0 };
        let mut blends = Blends::default();
        let made = (1..=u16::try_from(rules.len()).unwrap()).filter_map(|port| blends.number(&indexes, 50_000, port));
        assert_eq!(made.count(), BLEND_COUNT_MAX);
        assert_eq!(blends.number(&indexes, 50_000, 1), Some(0), "those that there are are still found");
        assert!(blends.get(BlendNumber::MAX).is_none());
    }
}
