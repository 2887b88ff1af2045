//! Which fragment of a literal to look for.

use crate::table::Class;

/// Counters of fragments in a set; a power of two.
const COUNT_LEN: usize = 1 << 15;

/// Literals of a set from which on their fragments are counted.
const COUNTED_COUNT_MIN: usize = 64;
/// The longest stride.
const STRIDE_MAX: usize = 4;
/// Places in a literal that are looked at.
const PLACE_COUNT_MAX: usize = 64;
/// What a run of one byte costs: more than anything else.
const RUN: u32 = 10_000;

/// Knows how often each fragment stands in the set's literals.
pub(crate) struct Choice {
    counts: Vec<u16>,
}

impl Choice {
    /// Counts the fragments of all literals: what stands in many of them stands in traffic too (`.com`, `http`).
    pub(crate) fn of<'a>(literals: impl ExactSizeIterator<Item = &'a [u8]>) -> Self {
        if literals.len() < COUNTED_COUNT_MIN {
            return Self { counts: Vec::new() };
        }
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

    /// Where in `bytes` the fragments of a class begin; `bytes` are long enough for it.
    ///
    /// Wherever a literal stands, one of them has to begin at a position that is asked: of a stride of *n* there is one for
    /// each remainder of the offset by *n*, the best of those.
    pub(crate) fn best(&self, bytes: &[u8], class: &Class) -> Fragments {
        let mut best = [(u32::MAX, 0u16); STRIDE_MAX];
        let windows = (0u16..).zip(bytes.windows(class.width)).take(PLACE_COUNT_MAX);
        for ((offset, window), n) in windows.zip((0..class.stride).cycle()) {
            let score = self.score(window);
            if let Some(place) = best.get_mut(n).filter(|place| score < place.0) {
                *place = (score, offset);
            }
        }
        let used = best.get(..class.stride).unwrap_or(&best);
        Fragments { offsets: best.map(|(_, offset)| offset), is_run: used.iter().any(|(score, _)| *score >= RUN) }
    }

    fn score(&self, window: &[u8]) -> u32 {
        let common: u32 = window.iter().map(|&b| weight(b)).sum();
        let count = u32::from(self.counts.get(slot(window)).copied().unwrap_or(0));
        let is_run = window.len() > 1 && window.iter().all(|b| Some(b) == window.first());
        common * 4 + (count.min(2000) * 4).min(600) + if is_run { RUN } else { 0 }
    }
}

/// The fragments of a literal.
pub(crate) struct Fragments {
    /// Where they begin: as many as the class has steps in its stride.
    pub(crate) offsets: [u16; STRIDE_MAX],
    /// One of them is a run of one byte, which stands everywhere in padding.
    pub(crate) is_run: bool,
}

fn slot(window: &[u8]) -> usize {
    (crate::table::fold(window).wrapping_mul(0x85eb_ca6b) >> 17) as usize & (COUNT_LEN - 1)
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
