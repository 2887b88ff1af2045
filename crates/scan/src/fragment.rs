//! Which fragment of a literal to look for.

use crate::stage::Class;

/// Counters of fragments in a set; a power of two.
const COUNT_LEN: usize = 1 << 15;

/// Knows how often each fragment stands in the set's literals.
pub(crate) struct Choice {
    counts: Vec<u16>,
}

impl Choice {
    /// Counts the fragments of all literals: what stands in many of them stands in traffic too (`.com`, `http`).
    pub(crate) fn of<'a>(literals: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut counts = vec![0u16; COUNT_LEN];
        for bytes in literals {
            for window in bytes.windows(4) {
                if let Some(count) = counts.get_mut(slot(window)) {
                    *count = count.saturating_add(1);
                }
            }
        }
        Self { counts }
    }

    /// Where in `bytes` the best fragments of a class begin; `bytes` are long enough for it.
    pub(crate) fn best(&self, bytes: &[u8], class: &Class) -> u16 {
        let score = |window: &[u8]| {
            let common: u32 = window.iter().map(|&b| weight(b)).sum();
            let count = u32::from(self.counts.get(slot(window)).copied().unwrap_or(0));
            common * 4 + (count.min(2000) * 4).min(600)
        };
        // The worst of the fragments is what it costs.
        let of_place = |place: &[u8]| place.windows(class.width).map(score).max();
        let places = (0u16..).zip(bytes.windows(class.least_len()));
        places.min_by_key(|(offset, place)| (of_place(place), *offset)).map_or(0, |(offset, _)| offset)
    }
}

fn slot(window: &[u8]) -> usize {
    (crate::stage::fold(window).wrapping_mul(0x85eb_ca6b) >> 17) as usize & (COUNT_LEN - 1)
}

/// How common a byte is in traffic, roughly.
pub(crate) const fn weight(byte: u8) -> u32 {
    match byte {
        0 => 24,
        b' ' | 0xff => 18,
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' | b'c' | b'd' | b'l' | b'm' | b'p' | b'h' => 14,
        b'/' | b'.' | b'-' | b':' | b'=' | b'\r' | b'\n' => 13,
        b'a'..=b'z' => 10,
        b'0'..=b'9' => 11,
        b'A'..=b'Z' => 9,
        1..=3 => 8,
        _ => 3,
    }
}
