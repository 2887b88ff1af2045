//! Groups that the same ports select, searched together.

use super::Map;
use super::groups::{Candidates, head_of};
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
    /// Within how many bytes literals of the first index end that stand in the first bytes.
    head_len: u32,
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
}

impl Blend {
    fn new(indexes: &Indexes<'_>, selected: [Selected; 2]) -> Self {
        let [own, _] = selected;
        let groups = indexes.own.groups(own);
        Self {
            selected,
            searched_len: 0,
            anywhere: None,
            head_len: groups.iter().map(|group| group.head_len).max().unwrap_or(0),
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
        let head = head_of(hay, base, self.head_len);
        if !head.is_empty() {
            let [own, _] = self.selected;
            let groups = indexes.own.groups(own);
            groups.iter().filter(|group| !group.head.is_empty()).for_each(|group| group.head.scan(head, sink));
        }
    }
}
