//! The table of fragments of one width, and the walk over a slice.

use crate::vector;

/// Bits of the filter: at least, at most (log2).
const FILTER_BITS: (u32, u32) = (11, 18);
/// Filter bits per fragment.
const FILTER_ROOM: usize = 24;
/// Slots of the table of fragments at most (log2).
const SLOT_BITS_MAX: u32 = 16;
/// Spreads fragments over the tables.
pub(crate) const SPREAD: u32 = 0x9e37_79b1;
/// Makes letters lower case (and merges a few other bytes, which is harmless in a filter).
pub(crate) const LOWER: u32 = 0x2020_2020;

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

/// All fragments of one width.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    filter: Filter,
    /// Of a stage with few fragments: each has one of these bytes at that place.
    key: Option<Key>,
    slot_shift: u32,
    /// Where the entries of each slot begin; one more at the end.
    slots: Vec<u32>,
    entries: Vec<Entry>,
}

/// Bytes of which every fragment has one at the same place: found faster than by the filter.
#[derive(Clone, Copy, Debug)]
struct Key {
    offset: usize,
    /// Some may be the same.
    bytes: [u8; 3],
}

impl Key {
    /// The place with the rarest bytes, if there is one with at most three.
    fn of(entries: &[Entry], width: usize) -> Option<Self> {
        let of_place = |offset: usize| {
            let mut bytes: Vec<u8> = Vec::new();
            for entry in entries {
                let folded = *entry.fragment.to_le_bytes().get(offset)?;
                // What folding has made of one may have been another: see `fold`.
                for byte in [folded, folded & !0x20] {
                    if !bytes.contains(&byte) {
                        bytes.push(byte);
                    }
                }
                if bytes.len() > 3 {
                    return None;
                }
            }
            let &[a, ref rest @ ..] = &bytes[..] else { return None };
            let (b, c) = (rest.first().copied().unwrap_or(a), rest.get(1).copied().unwrap_or(a));
            let weight: u32 = bytes.iter().map(|&b| crate::fragment::weight(b)).sum();
            Some((weight, Self { offset, bytes: [a, b, c] }))
        };
        (0..width).filter_map(of_place).min_by_key(|(weight, _)| *weight).map(|(_, key)| key)
    }
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
    let mut four = [0u8; 4];
    for (to, from) in four.iter_mut().zip(window) {
        *to = *from;
    }
    u32::from_le_bytes(four) | LOWER
}

impl Filter {
    pub(crate) fn may_have(&self, folded: u32) -> bool {
        let hash = (folded & self.mask).wrapping_mul(SPREAD) >> self.shift;
        self.bits.get((hash >> 5) as usize).is_some_and(|word| word >> (hash & 31) & 1 == 1)
    }
}

impl Stage {
    /// A stage of fragments of `width` bytes, given folded.
    pub(crate) fn new(width: u32, mut list: Vec<(u32, Entry)>) -> Self {
        let mask = u32::MAX >> (32 - 8 * width);
        let room = list.len().saturating_mul(FILTER_ROOM).next_power_of_two().trailing_zeros();
        let filter_bits = room.clamp(FILTER_BITS.0, FILTER_BITS.1);
        let slot_bits = (list.len() * 2).next_power_of_two().trailing_zeros().clamp(1, SLOT_BITS_MAX);
        let slot_shift = 32 - slot_bits;
        for (folded, entry) in &mut list {
            entry.fragment = *folded & mask;
        }
        list.sort_by_key(|(_, e)| (slot_of(e.fragment, slot_shift), e.fragment, e.literal));
        let mut filter = Filter { bits: vec![0; 1 << (filter_bits - 5)], shift: 32 - filter_bits, mask };
        let mut slots = vec![0u32; (1 << slot_bits) + 1];
        for (_, entry) in &list {
            let hash = entry.fragment.wrapping_mul(SPREAD) >> filter.shift;
            if let Some(word) = filter.bits.get_mut((hash >> 5) as usize) {
                *word |= 1 << (hash & 31);
            }
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
        Self { key: Key::of(&entries, width as usize), filter, slot_shift, slots, entries }
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.filter.bits.capacity() * 4 + self.slots.capacity() * 4 + self.entries.capacity() * size_of::<Entry>()
    }

    /// Tells where which fragment stands.
    pub(crate) fn run(&self, hay: &[u8], mut found: impl FnMut(usize, Entry)) {
        let mut look = |at: usize, folded: u32| {
            let fragment = folded & self.filter.mask;
            let slot = slot_of(fragment, self.slot_shift);
            let (Some(&start), Some(&end)) = (self.slots.get(slot), self.slots.get(slot + 1)) else { return };
            let entries = self.entries.get(start as usize..end as usize).unwrap_or_default();
            for entry in entries.iter().filter(|entry| entry.fragment == fragment) {
                found(at, *entry);
            }
        };
        let Some(Key { offset, bytes: [a, b, c] }) = self.key else { return vector::walk(&self.filter, hay, look) };
        for at in memchr::memchr3_iter(a, b, c, hay.get(offset..).unwrap_or_default()) {
            let folded = match hay.get(at..at + 4) {
                Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]) | LOWER,
                _ => fold(hay.get(at..).unwrap_or_default()),
            };
            if self.filter.may_have(folded) {
                look(at, folded);
            }
        }
    }
}

fn slot_of(fragment: u32, shift: u32) -> usize {
    (fragment.wrapping_mul(SPREAD) >> shift) as usize
}
