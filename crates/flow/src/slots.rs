use crate::Flow;

/// Slots per chunk: growing costs one chunk, nothing is copied.
const CHUNK_COUNT: usize = 512;

/// No entry of the timer wheel.
pub(crate) const UNARMED: u32 = u32::MAX;

/// No slot.
const NONE: u32 = u32::MAX;

/// A place for a flow. Odd generations are taken, even ones free.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Slot<A> {
    pub(crate) generation: u32,
    /// The tick of the wheel at which there is an entry for this slot, also if the flow that asked for it is gone.
    pub(crate) armed: u32,
    pub(crate) flow: Flow,
    pub(crate) app: A,
}

impl<A> Slot<A> {
    pub(crate) const fn is_live(&self) -> bool {
        self.generation & 1 != 0
    }
}

/// Slots addressed by a number, in chunks that never move; free ones are chained.
#[derive(Debug)]
pub(crate) struct Slots<A> {
    chunks: Vec<Vec<Slot<A>>>,
    /// The slot freed last; each free slot keeps the next one's number where a flow counts its originator's packets.
    free: u32,
    live: usize,
}

impl<A> Default for Slots<A> {
    fn default() -> Self {
        Self { chunks: Vec::new(), free: NONE, live: 0 }
    }
}

const fn split(index: u32) -> (usize, usize) {
    (index as usize / CHUNK_COUNT, index as usize % CHUNK_COUNT)
}

impl<A: Default> Slots<A> {
    /// Takes a slot for `flow`; `None` only if 2^32 - 1 are taken.
    pub(crate) fn insert(&mut self, flow: Flow) -> Option<u32> {
        let index = if self.free == NONE { self.grow(flow)? } else { self.reuse(flow)? };
        self.live += 1;
        Some(index)
    }

    fn reuse(&mut self, flow: Flow) -> Option<u32> {
        let index = self.free;
        let slot = self.any_mut(index)?;
        let next = slot.flow.orig.pkts;
        slot.flow = flow;
        slot.generation = slot.generation.wrapping_add(1);
        self.free = next;
        Some(index)
    }

    fn grow(&mut self, flow: Flow) -> Option<u32> {
        if self.chunks.last().is_none_or(|c| c.len() == CHUNK_COUNT) {
            self.chunks.push(Vec::with_capacity(CHUNK_COUNT));
        }
        let full = self.chunks.len().saturating_sub(1).saturating_mul(CHUNK_COUNT);
        let last = self.chunks.last_mut()?;
        let index = u32::try_from(full.saturating_add(last.len())).ok().filter(|i| *i != NONE)?;
        last.push(Slot { generation: 1, armed: UNARMED, flow, app: A::default() });
        Some(index)
    }

    /// A slot, whether taken or free.
    #[inline]
    pub(crate) fn any_mut(&mut self, index: u32) -> Option<&mut Slot<A>> {
        let (c, i) = split(index);
        self.chunks.get_mut(c)?.get_mut(i)
    }

    /// A taken slot.
    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&Slot<A>> {
        let (c, i) = split(index);
        self.chunks.get(c)?.get(i).filter(|s| s.is_live())
    }

    /// The same, to change.
    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut Slot<A>> {
        self.any_mut(index).filter(|s| s.is_live())
    }

    /// Frees a taken slot.
    pub(crate) fn release(&mut self, index: u32) {
        let next = self.free;
        let Some(slot) = self.get_mut(index) else { return };
        slot.generation = slot.generation.wrapping_add(1);
        slot.app = A::default();
        slot.flow.extra = None;
        slot.flow.orig.pkts = next;
        self.free = index;
        self.live -= 1;
    }

    /// Number of taken slots.
    pub(crate) const fn len(&self) -> usize {
        self.live
    }

    /// Number of slots, taken or free.
    pub(crate) fn count(&self) -> u32 {
        let full = self.chunks.len().saturating_sub(1).saturating_mul(CHUNK_COUNT);
        u32::try_from(full.saturating_add(self.chunks.last().map_or(0, Vec::len))).unwrap_or(NONE)
    }

    /// Bytes held, whether taken or free.
    pub(crate) fn held_len(&self) -> usize {
        let chunks = self.chunks.len().saturating_mul(CHUNK_COUNT).saturating_mul(size_of::<Slot<A>>());
        chunks.saturating_add(self.chunks.capacity() * size_of::<Vec<Slot<A>>>())
    }

    /// All taken slots with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Slot<A>)> {
        (0u32..).zip(self.chunks.iter().flatten()).filter(|(_, s)| s.is_live())
    }

    /// All slots with their numbers, to change.
    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = (u32, &mut Slot<A>)> {
        (0u32..).zip(self.chunks.iter_mut().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reuses_slots() {
        let mut s: Slots<u64> = Slots::default();
        let ids: Vec<u32> = (0..3000).map(|_| s.insert(Flow::default()).unwrap()).collect();
        s.get_mut(ids[2500]).unwrap().app = 7;
        assert_eq!(s.get(ids[2500]).map(|x| x.app), Some(7));
        let generation = s.get(ids[7]).unwrap().generation;
        s.release(ids[7]);
        s.release(ids[7]);
        s.release(ids[9]);
        assert_eq!((s.get(ids[7]).is_none(), s.len()), (true, 2998));
        assert_eq!((s.insert(Flow::default()), s.insert(Flow::default())), (Some(ids[9]), Some(ids[7])));
        assert_eq!(s.insert(Flow::default()), Some(3000));
        assert_ne!(s.get(ids[7]).unwrap().generation, generation);
        assert_eq!((s.iter().count(), s.all_mut().count(), s.count()), (3001, 3001, 3001));
        assert_eq!(s.held_len() / size_of::<Slot<u64>>(), 6 * CHUNK_COUNT);
    }
}
