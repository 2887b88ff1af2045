//! What is kept of the live flows, each at the place that its [`FlowInfo`] remembers.
//!
//! A packet's flow is looked for several times while the packet is at hand: by its place that is one load each.

use super::flow::Seen;
use sekisho_types::FlowInfo;
use std::num::NonZeroU32;

/// See the module. Place `n` is that of index `n - 1`.
#[derive(Default)]
pub(super) struct Flows {
    kept: Vec<Option<Box<Seen>>>,
    /// Places that nobody has.
    free: Vec<NonZeroU32>,
}

impl Flows {
    /// A place for a flow of that number; `None` only if 2^32 - 1 are taken.
    pub fn open(&mut self, number: u64) -> Option<NonZeroU32> {
        let mut seen: Box<Seen> = Box::default();
        seen.number = number;
        let seen = Some(seen);
        if let Some(place) = self.free.pop() {
            *self.kept.get_mut(index(place))? = seen;
            return Some(place);
        }
        let place = u32::try_from(self.kept.len()).ok()?.checked_add(1).and_then(NonZeroU32::new)?;
        self.kept.push(seen);
        Some(place)
    }

    /// What is kept of a flow.
    #[inline]
    pub fn get(&self, flow: &FlowInfo) -> Option<&Seen> {
        self.kept.get(index(flow.watched?))?.as_deref()
    }

    /// As [`Flows::get`], to be changed.
    #[inline]
    pub fn get_mut(&mut self, flow: &FlowInfo) -> Option<&mut Seen> {
        self.kept.get_mut(index(flow.watched?))?.as_deref_mut()
    }

    /// A flow is over: another may have its place.
    pub fn close(&mut self, flow: &FlowInfo) {
        if let Some(place) = flow.watched
            && self.kept.get_mut(index(place)).and_then(Option::take).is_some()
        {
            self.free.push(place);
        }
    }
}

const fn index(place: NonZeroU32) -> usize {
    place.get() as usize - 1
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
    }
}
