//! The table of fragments of one class of literals.

use crate::fragment::weight;

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
/// As [`LOWER`], of one byte.
const LOWER_BYTE: u8 = 0x20;

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
    /// A rare byte of the literal beside the fragment, folded: how far from the fragment's beginning it stands, and which. Most
    /// fragments that are found are of other words, and it tells so without a look at the literal.
    pub(crate) beside: (i8, u8),
}

impl Entry {
    /// The fragment of `literal` that begins at `offset` of its `bytes`.
    pub(crate) fn new(class: &Class, literal: u32, bytes: &[u8], offset: u16) -> Self {
        let at = usize::from(offset);
        let within = at..at + class.width;
        let around = (0usize..).zip(bytes).filter(|(n, _)| !within.contains(n));
        let near = around.filter_map(|(n, &byte)| Some((i8::try_from(n.cast_signed() - at.cast_signed()).ok()?, byte)));
        let rarest = near.min_by_key(|&(delta, byte)| (weight(byte), delta.unsigned_abs()));
        let (delta, byte) = rarest.unwrap_or_else(|| (0, bytes.get(at).copied().unwrap_or_default()));
        let fragment = fold(bytes.get(at..).unwrap_or_default());
        Self { fragment, literal, offset, beside: (delta, byte | LOWER_BYTE) }
    }

    /// May its literal stand where its fragment was found, at `at` of `hay`?
    #[inline]
    pub(crate) fn fits(&self, hay: &[u8], at: usize) -> bool {
        let (delta, byte) = self.beside;
        let there = hay.get(at.wrapping_add_signed(isize::from(delta)));
        there.is_some_and(|there| there | LOWER_BYTE == byte)
    }
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

/// What a walk asks: two bits of one word for each value of a hash.
///
/// The hash's upper bits say which word, the next five its first bit, those behind them its second one. Two bits in a word of
/// 32 tell a tenth of the false alarms of one bit, for the same memory and one load.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// A power of two of words. Bits are counted from the top of their word.
    pub(crate) bits: Vec<u32>,
    /// 32 minus the bits of the hash that say word and first bit; at least 5.
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
        let (at, bits) = self.place(fragment);
        if let Some(word) = self.bits.get_mut(at) {
            *word |= bits;
        }
    }

    /// Bytes of a fragment.
    #[inline]
    pub(crate) const fn width(&self) -> usize {
        4 - self.mask.leading_zeros() as usize / 8
    }

    /// The word of a fragment, and the two bits there (possibly the same).
    #[inline]
    const fn place(&self, fragment: u32) -> (usize, u32) {
        const TOP: u32 = 1 << 31;
        let hash = fragment.wrapping_mul(SPREAD);
        let first = hash >> self.shift;
        ((first >> 5) as usize, TOP >> (first & 31) | TOP >> (hash >> (self.shift - 5) & 31))
    }

    #[inline]
    pub(crate) fn may_have(&self, folded: u32) -> bool {
        let (at, bits) = self.place(folded & self.mask);
        self.bits.get(at).is_some_and(|word| word & bits == bits)
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
