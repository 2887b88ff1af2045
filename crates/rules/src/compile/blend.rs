//! Groups that the same ports select, searched together.

use super::Map;
use super::groups::{Candidates, Finds, Owners, head_of};
use super::ports::{PortIndex, Selected};
use sekisho_scan::Union;

/// Blends of one inspector at most. Packets of further ones are searched group by group.
const BLEND_COUNT_MAX: usize = 256;

/// Groups of one index, searched in one walk.
#[derive(Debug)]
pub(crate) struct Blend {
    selected: Selected,
    anywhere: Union,
    head: Union,
    head_len: u32,
}

/// Number of a blend.
pub(crate) type BlendNumber = u16;

/// Blends by the index (given a number by whoever asks) and what is selected of it. They are made when the first packet asks.
#[derive(Debug, Default)]
pub(crate) struct Blends {
    list: Vec<Blend>,
    numbers: Map<(u8, Selected), BlendNumber>,
}

impl Blends {
    /// The number of the blend of what these ports select; `None`: there are too many.
    pub(crate) fn number(&mut self, of: u8, index: &PortIndex, src_port: u16, dst_port: u16) -> Option<BlendNumber> {
        let selected = index.select(src_port, dst_port);
        if let Some(&number) = self.numbers.get(&(of, selected)) {
            return Some(number);
        }
        if self.list.len() >= BLEND_COUNT_MAX {
            return None;
        }
        let number = BlendNumber::try_from(self.list.len()).ok()?;
        self.list.push(Blend::new(index, selected));
        self.numbers.insert((of, selected), number);
        Some(number)
    }

    pub(crate) fn get(&self, number: BlendNumber) -> Option<&Blend> {
        self.list.get(usize::from(number))
    }
}

impl Blend {
    fn new(index: &PortIndex, selected: Selected) -> Self {
        let groups = index.groups(selected);
        Self {
            selected,
            anywhere: Union::of(&groups.map(|group| &group.anywhere)),
            head: Union::of(&groups.map(|group| &group.head)),
            head_len: groups.map(|group| group.head_len).into_iter().max().unwrap_or(0),
        }
    }

    /// Adds the rules that are always candidates.
    pub(crate) fn always(&self, index: &PortIndex, to: &mut Candidates) {
        index.groups(self.selected).iter().for_each(|group| to.add_all(&group.always));
    }

    /// As [`super::groups::Group::scan`], for all groups.
    pub(crate) fn scan(
        &self,
        index: &PortIndex,
        hay: &[u8],
        base: u64,
        reach: usize,
        owners: &Owners,
        to: &mut Candidates,
    ) {
        let groups = index.groups(self.selected);
        let mut finds = Finds { owners, reach, to };
        self.anywhere.scan(&groups.map(|group| &group.anywhere), hay, &mut finds);
        let head = head_of(hay, base, self.head_len);
        if !head.is_empty() {
            self.head.scan(&groups.map(|group| &group.head), head, &mut finds);
        }
    }
}
