//! The table of fragments of one class of literals.

/// Bits of the filter: at least, at most (log2).
const FILTER_BITS: (u32, u32) = (8, 18);
/// Filter bits per fragment.
const FILTER_ROOM: usize = 64;
/// Slots of the table of fragments at most (log2).
const SLOT_BITS_MAX: u32 = 16;
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
pub(crate) struct Table {
    pub(crate) class: Class,
    pub(crate) filter: Filter,
    slot_shift: u32,
    /// Where the entries of each slot begin; one more at the end.
    slots: Vec<u32>,
    entries: Vec<Entry>,
}

/// What a walk asks: one bit for each value of a hash.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// A power of two of words. The bit of a hash is counted from the top of its word.
    pub(crate) bits: Vec<u32>,
    /// The hash's upper bits count: 32 minus how many.
    pub(crate) shift: u32,
    /// The bytes of a window that belong to the fragment.
    pub(crate) mask: u32,
}

/// The first four bytes of `window` (fewer: as if zeros followed), letters in lower case, first byte lowest.
#[inline]
pub(crate) fn fold(window: &[u8]) -> u32 {
    let four = match *window {
        [a, b, c, d, ..] => [a, b, c, d],
        [a, b, c] => [a, b, c, 0],
        [a, b] => [a, b, 0, 0],
        [a] => [a, 0, 0, 0],
        [] => [0; 4],
    };
    u32::from_le_bytes(four) | LOWER
}

impl Filter {
    /// The filter of the fragments of a class.
    pub(crate) fn of(class: Class, fragments: impl ExactSizeIterator<Item = u32>) -> Self {
        let mut filter = Self::with_room(class, fragments.len());
        fragments.for_each(|fragment| filter.add(fragment & class.mask()));
        filter
    }

    /// The filter of the fragments of several tables of a class.
    pub(crate) fn of_tables(class: Class, tables: &[&Table]) -> Self {
        let mut filter = Self::with_room(class, tables.iter().map(|table| table.len()).sum());
        tables.iter().flat_map(|table| table.fragments()).for_each(|fragment| filter.add(fragment));
        filter
    }

    fn with_room(class: Class, count: usize) -> Self {
        let room = count.saturating_mul(FILTER_ROOM).next_power_of_two().trailing_zeros();
        let bits = room.clamp(FILTER_BITS.0, FILTER_BITS.1);
        Self { bits: vec![0; 1 << (bits - 5)], shift: 32 - bits, mask: class.mask() }
    }

    fn add(&mut self, fragment: u32) {
        let hash = fragment.wrapping_mul(SPREAD) >> self.shift;
        if let Some(word) = self.bits.get_mut((hash >> 5) as usize) {
            *word |= (1 << 31) >> (hash & 31);
        }
    }

    /// Bytes of a fragment.
    #[inline]
    pub(crate) const fn width(&self) -> usize {
        4 - self.mask.leading_zeros() as usize / 8
    }

    #[inline]
    pub(crate) fn may_have(&self, folded: u32) -> bool {
        let hash = (folded & self.mask).wrapping_mul(SPREAD) >> self.shift;
        self.bits.get((hash >> 5) as usize).is_some_and(|word| (word << (hash & 31)).cast_signed() < 0)
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.bits.capacity() * 4
    }
}

impl Table {
    /// A table of the fragments of a class, given folded.
    pub(crate) fn new(class: Class, mut entries: Vec<Entry>) -> Self {
        let slot_bits = (entries.len() * 2).next_power_of_two().trailing_zeros().clamp(1, SLOT_BITS_MAX);
        let slot_shift = 32 - slot_bits;
        for entry in &mut entries {
            entry.fragment &= class.mask();
        }
        entries.sort_unstable_by_key(|e| (slot_of(e.fragment, slot_shift), e.fragment, e.literal, e.offset));
        let mut slots = vec![0u32; (1 << slot_bits) + 1];
        for entry in &entries {
            if let Some(count) = slots.get_mut(slot_of(entry.fragment, slot_shift) + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut slots {
            sum += *start;
            *start = sum;
        }
        let mut filter = Filter::with_room(class, entries.len());
        entries.iter().for_each(|entry| filter.add(entry.fragment));
        Self { class, filter, slot_shift, slots, entries }
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.filter.heap_len() + self.slots.capacity() * 4 + self.entries.capacity() * size_of::<Entry>()
    }

    /// How many fragments it has.
    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Its fragments, folded.
    fn fragments(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().map(|entry| entry.fragment)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The entries of the fragment that a window, folded, begins with.
    #[inline]
    pub(crate) fn look(&self, folded: u32) -> impl Iterator<Item = &Entry> {
        let fragment = folded & self.filter.mask;
        let slot = slot_of(fragment, self.slot_shift);
        let range = self.slots.get(slot).zip(self.slots.get(slot + 1));
        let entries = range.and_then(|(&start, &end)| self.entries.get(start as usize..end as usize));
        entries.unwrap_or_default().iter().filter(move |entry| entry.fragment == fragment)
    }
}

#[inline]
fn slot_of(fragment: u32, shift: u32) -> usize {
    (fragment.wrapping_mul(SPREAD) >> shift) as usize
}
