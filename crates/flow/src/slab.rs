/// Entries per chunk of a [`Slab`].
const CHUNK_COUNT: usize = 1024;

/// Slots addressed by a number, in chunks that never move, with a free list.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
    live: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), live: 0 }
    }
}

const fn split(index: u32) -> (usize, usize) {
    (index as usize / CHUNK_COUNT, index as usize % CHUNK_COUNT)
}

impl<T> Slab<T> {
    /// Stores `value`; `None` only if 2^32 slots are taken.
    pub(crate) fn insert(&mut self, value: T) -> Option<u32> {
        if let Some(index) = self.free.pop() {
            let (c, i) = split(index);
            *self.chunks.get_mut(c)?.get_mut(i)? = Some(value);
            self.live += 1;
            return Some(index);
        }
        if self.chunks.last().is_none_or(|c| c.len() == CHUNK_COUNT) {
            self.chunks.push(Vec::with_capacity(CHUNK_COUNT));
        }
        let full = self.chunks.len().saturating_sub(1).saturating_mul(CHUNK_COUNT);
        let last = self.chunks.last_mut()?;
        let index = u32::try_from(full.saturating_add(last.len())).ok()?;
        last.push(Some(value));
        self.live += 1;
        Some(index)
    }

    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        let (c, i) = split(index);
        self.chunks.get(c)?.get(i)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let (c, i) = split(index);
        self.chunks.get_mut(c)?.get_mut(i)?.as_mut()
    }

    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let (c, i) = split(index);
        let value = self.chunks.get_mut(c)?.get_mut(i)?.take()?;
        self.free.push(index);
        self.live -= 1;
        Some(value)
    }

    /// Number of taken slots.
    pub(crate) const fn len(&self) -> usize {
        self.live
    }

    /// Bytes held, whether taken or free.
    pub(crate) fn held_len(&self) -> usize {
        let chunks = self.chunks.len().saturating_mul(CHUNK_COUNT).saturating_mul(size_of::<Option<T>>());
        let lists = self.chunks.capacity() * size_of::<Vec<Option<T>>>() + self.free.capacity() * size_of::<u32>();
        chunks.saturating_add(lists)
    }

    /// All taken slots with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let slots = self.chunks.iter().flatten();
        (0u32..).zip(slots).filter_map(|(i, slot)| slot.as_ref().map(|v| (i, v)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reuses_slots() {
        let mut s = Slab::default();
        let ids: Vec<u32> = (0..3000).map(|i| s.insert(i).unwrap()).collect();
        assert_eq!(s.get(ids[2500]), Some(&2500));
        assert_eq!(s.remove(ids[7]), Some(7));
        assert_eq!((s.remove(ids[7]), s.get(ids[7])), (None, None));
        assert_eq!(s.len(), 2999);
        assert_eq!(s.insert(9), Some(ids[7]));
        assert_eq!(s.iter().count(), 3000);
        assert_eq!(s.iter().nth(7), Some((7, &9)));
        if let Some(v) = s.get_mut(0) {
            *v = 1;
        }
        assert_eq!(s.get(0), Some(&1));
    }
}
