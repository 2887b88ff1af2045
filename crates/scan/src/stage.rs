//! The table of fragments of one class of literals, and the walk over a slice.

use crate::vector::{self, Nibbles};

/// Bits of the filter: at least, at most (log2).
const FILTER_BITS: (u32, u32) = (12, 18);
/// Filter bits per fragment.
const FILTER_ROOM: usize = 32;
/// Slots of the table of fragments at most (log2).
const SLOT_BITS_MAX: u32 = 16;
/// Fragments that tables of half bytes tell apart well enough.
const NIBBLE_ENTRY_COUNT_MAX: usize = 64;
/// Spreads fragments over the tables.
pub(crate) const SPREAD: u32 = 0x9e37_79b1;
/// Makes letters lower case (and merges a few other bytes, which is harmless in a filter).
pub(crate) const LOWER: u32 = 0x2020_2020;

/// How literals of some lengths are looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Class {
    /// Of so many positions one is asked; so many fragments of each literal are known, at places in a row.
    pub(crate) stride: usize,
    /// Bytes of a fragment: 1 to 4.
    pub(crate) width: usize,
}

impl Class {
    /// Bytes that a literal has at least.
    pub(crate) const fn least_len(&self) -> usize {
        self.stride + self.width - 1
    }

    /// The bytes of a window that belong to the fragment.
    const fn mask(&self) -> u32 {
        u32::MAX >> (32 - 8 * self.width)
    }
}

/// A fragment of a literal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Its bytes, folded.
    pub(crate) fragment: u32,
    /// Which literal.
    pub(crate) literal: u32,
    /// Where in the literal it begins.
    pub(crate) offset: u16,
}

/// All fragments of one class.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    class: Class,
    filter: Filter,
    /// Of a stage that asks every position for few fragments.
    nibbles: Option<Box<Nibbles>>,
    slot_shift: u32,
    /// Where the entries of each slot begin; one more at the end.
    slots: Vec<u32>,
    entries: Vec<Entry>,
}

/// What the first stage asks.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// One bit for each value of the hash; a power of two of words.
    pub(crate) bits: Vec<u32>,
    /// The hash's upper bits count: 32 minus how many.
    pub(crate) shift: u32,
    /// The bytes of a window that belong to it.
    pub(crate) mask: u32,
}

/// The first four bytes of `window` (fewer: as if zeros followed), letters in lower case, first byte lowest.
pub(crate) fn fold(window: &[u8]) -> u32 {
    if let Some(&four) = window.first_chunk() {
        return u32::from_le_bytes(four) | LOWER;
    }
    let mut four = [0u8; 4];
    for (to, from) in four.iter_mut().zip(window) {
        *to = *from;
    }
    u32::from_le_bytes(four) | LOWER
}

impl Filter {
    fn new(class: Class, entries: &[Entry]) -> Self {
        let room = entries.len().saturating_mul(FILTER_ROOM).next_power_of_two().trailing_zeros();
        let bits = room.clamp(FILTER_BITS.0, FILTER_BITS.1);
        let mut filter = Self { bits: vec![0; 1 << (bits - 5)], shift: 32 - bits, mask: class.mask() };
        for entry in entries {
            let hash = entry.fragment.wrapping_mul(SPREAD) >> filter.shift;
            if let Some(word) = filter.bits.get_mut((hash >> 5) as usize) {
                *word |= 1 << (hash & 31);
            }
        }
        filter
    }

    pub(crate) fn may_have(&self, folded: u32) -> bool {
        let hash = (folded & self.mask).wrapping_mul(SPREAD) >> self.shift;
        self.bits.get((hash >> 5) as usize).is_some_and(|word| word >> (hash & 31) & 1 == 1)
    }
}

impl Stage {
    /// A stage of the fragments of a class, given folded.
    pub(crate) fn new(class: Class, mut list: Vec<(u32, Entry)>) -> Self {
        let slot_bits = (list.len() * 2).next_power_of_two().trailing_zeros().clamp(1, SLOT_BITS_MAX);
        let slot_shift = 32 - slot_bits;
        for (folded, entry) in &mut list {
            entry.fragment = *folded & class.mask();
        }
        list.sort_unstable_by_key(|(_, e)| (slot_of(e.fragment, slot_shift), e.fragment, e.literal, e.offset));
        let mut slots = vec![0u32; (1 << slot_bits) + 1];
        for (_, entry) in &list {
            if let Some(count) = slots.get_mut(slot_of(entry.fragment, slot_shift) + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut slots {
            sum += *start;
            *start = sum;
        }
        let entries: Vec<Entry> = list.into_iter().map(|(_, e)| e).collect();
        let nibbles = (class.stride == 1 && entries.len() <= NIBBLE_ENTRY_COUNT_MAX)
            .then(|| Box::new(Nibbles::new(class.width, entries.iter().map(|entry| entry.fragment))));
        Self { class, filter: Filter::new(class, &entries), nibbles, slot_shift, slots, entries }
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.filter.bits.capacity() * 4
            + self.slots.capacity() * 4
            + self.entries.capacity() * size_of::<Entry>()
            + self.nibbles.as_ref().map_or(0, |_| size_of::<Nibbles>())
    }

    /// Tells where which fragment stands.
    pub(crate) fn run(&self, hay: &[u8], mut found: impl FnMut(usize, Entry)) {
        let look = |at: usize, folded: u32| {
            let fragment = folded & self.filter.mask;
            let slot = slot_of(fragment, self.slot_shift);
            let (Some(&start), Some(&end)) = (self.slots.get(slot), self.slots.get(slot + 1)) else { return };
            let entries = self.entries.get(start as usize..end as usize).unwrap_or_default();
            for entry in entries.iter().filter(|entry| entry.fragment == fragment) {
                found(at, *entry);
            }
        };
        vector::walk(&self.filter, self.nibbles.as_deref(), self.class, hay, look);
    }
}

fn slot_of(fragment: u32, shift: u32) -> usize {
    (fragment.wrapping_mul(SPREAD) >> shift) as usize
}
