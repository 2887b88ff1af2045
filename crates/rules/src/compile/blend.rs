//! Groups that the same ports select, searched together.

use super::Map;
use super::groups::{Candidates, head_of};
use super::ports::{NOTHING, PortIndex, Selected};
use sekisho_scan::{Scanner, Sink, Union};

/// Blends of one inspector at most. Packets of further ones are searched group by group.
const BLEND_COUNT_MAX: usize = 256;

/// Groups of one index, or of two, searched in one walk.
#[derive(Debug)]
pub(crate) struct Blend {
    selected: [Selected; 2],
    anywhere: Union,
    /// Of the first index.
    head: Union,
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
    fn sets(&self, selected: [Selected; 2]) -> [&'p Scanner; 6] {
        let [a, b, c] = self.own.groups(selected[0]);
        let [d, e, f] = self.beside.unwrap_or(self.own).groups(selected[1]);
        [a, b, c, d, e, f].map(|group| &group.anywhere)
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

    pub(crate) fn get(&self, number: BlendNumber) -> Option<&Blend> {
        self.list.get(usize::from(number))
    }
}

impl Blend {
    fn new(indexes: &Indexes<'_>, selected: [Selected; 2]) -> Self {
        let groups = indexes.own.groups(selected[0]);
        Self {
            selected,
            anywhere: Union::of(&indexes.sets(selected)),
            head: Union::of(&groups.map(|group| &group.head)),
            head_len: groups.map(|group| group.head_len).into_iter().max().unwrap_or(0),
        }
    }

    /// Adds the rules that are always candidates.
    pub(crate) fn always(&self, indexes: &Indexes<'_>, to: &mut Candidates) {
        indexes.own.groups(self.selected[0]).iter().for_each(|group| to.add_all(&group.always));
    }

    /// Tells of literals that stand anywhere in `hay`.
    pub(crate) fn scan(&self, indexes: &Indexes<'_>, hay: &[u8], sink: &mut impl Sink) {
        self.anywhere.scan(&indexes.sets(self.selected), hay, sink);
    }

    /// Tells of literals of the first index that stand in the first bytes of a buffer, in which `hay` begins at `base`.
    pub(crate) fn scan_head(&self, indexes: &Indexes<'_>, hay: &[u8], base: u64, sink: &mut impl Sink) {
        let head = head_of(hay, base, self.head_len);
        if !head.is_empty() {
            self.head.scan(&indexes.own.groups(self.selected[0]).map(|group| &group.head), head, sink);
        }
    }
}
