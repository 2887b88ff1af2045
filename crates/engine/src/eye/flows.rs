//! What is kept of the live flows, each at the place that its [`FlowInfo`] remembers.
//!
//! A packet's flow is looked for several times while the packet is at hand: by its place that is one load each.

use super::flow::Seen;
use sekisho_types::FlowInfo;
use std::num::NonZeroU32;

/// Places in a chunk: growing costs one, nothing is copied.
const CHUNK_COUNT: usize = 128;

/// See the module. Place `n` is that of index `n - 1`; who is there has a number.
#[derive(Default)]
pub(super) struct Flows {
    chunks: Vec<Vec<Seen>>,
    /// Places that nobody has.
    free: Vec<NonZeroU32>,
}

impl Flows {
    /// A place for a flow of that number, which is not 0; `None` only if 2^32 - 1 are taken.
    pub fn open(&mut self, number: u64) -> Option<NonZeroU32> {
        let place = match self.free.pop() {
            Some(place) => place,
            None => self.grow()?,
        };
        self.any_mut(place)?.number = number;
        Some(place)
    }

    fn grow(&mut self) -> Option<NonZeroU32> {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK_COUNT) {
            self.chunks.push(Vec::with_capacity(CHUNK_COUNT));
        }
        let full = (self.chunks.len() - 1) * CHUNK_COUNT;
        let last = self.chunks.last_mut()?;
        let place = u32::try_from(full + last.len() + 1).ok().and_then(NonZeroU32::new)?;
        last.push(Seen::default());
        Some(place)
    }

    fn any_mut(&mut self, place: NonZeroU32) -> Option<&mut Seen> {
        let (chunk, index) = split(place);
        self.chunks.get_mut(chunk)?.get_mut(index)
    }

    /// What is kept of a flow.
    #[inline]
    pub fn get(&self, flow: &FlowInfo) -> Option<&Seen> {
        let (chunk, index) = split(flow.watched?);
        self.chunks.get(chunk)?.get(index).filter(|seen| seen.number > 0)
    }

    /// As [`Flows::get`], to be changed.
    #[inline]
    pub fn get_mut(&mut self, flow: &FlowInfo) -> Option<&mut Seen> {
        self.any_mut(flow.watched?).filter(|seen| seen.number > 0)
    }

    /// A flow is over: another may have its place.
    pub fn close(&mut self, flow: &FlowInfo) {
        if let Some(seen) = self.get_mut(flow) {
            *seen = Seen::default();
            self.free.extend(flow.watched);
        }
    }
}

const fn split(place: NonZeroU32) -> (usize, usize) {
    let index = place.get() as usize - 1;
    (index / CHUNK_COUNT, index % CHUNK_COUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_the_gone_have_none() {
        let mut flows = Flows::default();
        let mut open = || {
            let watched = flows.open(3);
            FlowInfo { watched, ..FlowInfo::default() }
        };
        let (a, b, unwatched) = (open(), open(), FlowInfo::default());
        assert!(a.watched != b.watched && flows.get(&unwatched).is_none());
        flows.get_mut(&b).unwrap().tx_count = 7;
        flows.close(&a);
        flows.close(&a);
        assert!(flows.get(&a).is_none() && flows.get(&b).is_some_and(|seen| seen.tx_count == 7));
        let c = FlowInfo { watched: flows.open(4), ..FlowInfo::default() };
        assert!(c.watched == a.watched && flows.get(&c).is_some_and(|seen| (seen.tx_count, seen.number) == (0, 4)));
        assert!(flows.open(5).is_some_and(|place| Some(place) != b.watched && Some(place) != c.watched));
        assert!(flows.free.is_empty());
        let many: Vec<_> = (0..3 * CHUNK_COUNT as u64).map(|n| (flows.open(n + 1), n + 1)).collect();
        for (watched, number) in many {
            let flow = FlowInfo { watched, ..FlowInfo::default() };
            assert_eq!(flows.get(&flow).map(|seen| seen.number), Some(number));
        }
    }
}
