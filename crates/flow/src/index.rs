use hashbrown::HashTable;

/// Parts of the index. A part grows by itself, so that growing needs a sixty-fourth of the index twice.
const PART_COUNT: usize = 64;

/// Bits of a tag that choose the part.
const PART_BITS: u32 = PART_COUNT.trailing_zeros();

/// Which slot has the flow of a hash: open addressing, with 32 bits of the hash beside each slot number to spare a
/// look at the slot.
#[derive(Debug)]
pub(crate) struct Index {
    parts: Box<[HashTable<(u32, u32)>; PART_COUNT]>,
}

impl Default for Index {
    fn default() -> Self {
        Self { parts: Box::new([const { HashTable::new() }; PART_COUNT]) }
    }
}

/// The part of a hash that is kept.
const fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The tables' own hash of an entry: its tag spread over 64 bits.
const fn spread(tag: u32) -> u64 {
    (tag as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The part that an entry belongs to.
const fn part(tag: u32) -> usize {
    (tag >> (u32::BITS - PART_BITS)) as usize
}

impl Index {
    /// What an entry takes at most, just after its part has grown: 8 bytes and one of control, in a table 7/16 full.
    pub(crate) const ENTRY_LEN: usize = ((size_of::<(u32, u32)>() + 1) * 16).div_ceil(7);

    /// The slot of which `is_it` says yes, among those whose hash could be `hash`.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let tag = tag(hash);
        let part = self.parts.get(part(tag))?;
        part.find(spread(tag), |e| e.0 == tag && is_it(e.1)).map(|e| e.1)
    }

    pub(crate) fn insert(&mut self, hash: u64, slot: u32) {
        let tag = tag(hash);
        if let Some(part) = self.parts.get_mut(part(tag)) {
            part.insert_unique(spread(tag), (tag, slot), |e| spread(e.0));
        }
    }

    pub(crate) fn remove(&mut self, hash: u64, slot: u32) {
        let tag = tag(hash);
        if let Some(part) = self.parts.get_mut(part(tag))
            && let Ok(entry) = part.find_entry(spread(tag), |e| *e == (tag, slot))
        {
            entry.remove();
        }
    }

    /// Bytes held.
    pub(crate) fn held_len(&self) -> usize {
        self.parts.iter().fold(size_of_val(&*self.parts), |sum, part| sum.saturating_add(part.allocation_size()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_inserted() {
        let mut index = Index::default();
        let hash = |i: u32| u64::from(i).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (0..10_000).for_each(|i| index.insert(hash(i), i));
        assert_eq!(index.find(hash(77), |slot| slot == 77), Some(77));
        assert_eq!(index.find(hash(77), |_| false), None);
        assert_eq!(index.find(hash(10_000), |slot| slot == 10_000), None);
        index.remove(hash(77), 77);
        index.remove(hash(78), 79);
        assert_eq!(index.find(hash(77), |slot| slot == 77), None);
        assert_eq!(index.find(hash(78), |slot| slot == 78), Some(78));
        let held = index.held_len();
        assert!(held > 10_000 * 9 && held < 10_000 * Index::ENTRY_LEN + 64 * 256, "{held}");
    }
}
