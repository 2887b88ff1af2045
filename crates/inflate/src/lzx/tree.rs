//! Canonical Huffman codes, and how their lengths are told: as differences to the ones before, packed themselves.

use super::Bits;
use crate::Stop;
use std::ops::Range;

/// Longest code.
const BITS_MAX: u32 = 16;
/// Codes up to this length are found at once.
const QUICK_BITS: u32 = 10;
/// Symbols of the code in which lengths are packed, and bits of a length of that code.
const PRE_COUNT: usize = 20;
const PRE_LEN_BITS: u32 = 4;
/// Lengths are counted modulo this.
const LEN_MODULUS: u16 = 17;

/// A code for `lens.len()` symbols.
pub(super) struct Tree {
    lens: Vec<u8>,
    /// For each beginning of [`QUICK_BITS`] bits a symbol and its length; length 0 if the code is longer or none.
    quick: Vec<(u16, u8)>,
    /// Symbols in the order of their codes.
    sorted: Vec<u16>,
    /// For each length: its first code, how many codes there are, and where their symbols are in `sorted`.
    ranges: [(u32, u32, u32); BITS_MAX as usize + 1],
}

impl Tree {
    /// All lengths are zero.
    pub(super) fn new(count: usize) -> Self {
        Self { lens: vec![0; count], quick: Vec::new(), sorted: Vec::new(), ranges: [(0, 0, 0); BITS_MAX as usize + 1] }
    }

    pub(super) fn heap_len(&self) -> usize {
        self.lens.capacity() + self.quick.capacity() * size_of::<(u16, u8)>() + self.sorted.capacity() * 2
    }

    /// New lengths of all symbols.
    pub(super) fn set(&mut self, lens: &[u8]) -> Result<(), Stop> {
        self.lens.clear();
        self.lens.extend_from_slice(lens);
        self.build()
    }

    /// Reads the lengths of a range of symbols; [`Tree::build`] makes a code of them.
    pub(super) fn read(&mut self, bits: &mut Bits<'_>, range: Range<usize>) -> Result<(), Stop> {
        let mut pre_lens = [0; PRE_COUNT];
        for len in &mut pre_lens {
            *len = bits.small(PRE_LEN_BITS)?;
        }
        let mut pre = Self::new(0);
        pre.set(&pre_lens)?;
        let end = range.end.min(self.lens.len());
        let mut at = range.start;
        while at < end {
            let symbol = pre.symbol(bits)?;
            let (count, value) = match symbol {
                17 => (4 + bits.take(4)?, 0),
                18 => (20 + bits.take(5)?, 0),
                19 => {
                    let count = 4 + bits.take(1)?;
                    let next = pre.symbol(bits)?;
                    (count, self.changed(at, next)?)
                }
                _ => (1, self.changed(at, symbol)?),
            };
            for _ in 0..count {
                // Runs may reach over the end of the range, but tell nothing there.
                if at < end
                    && let Some(len) = self.lens.get_mut(at)
                {
                    *len = value;
                }
                at += 1;
            }
        }
        Ok(())
    }

    /// The length of symbol `at`, told as a difference.
    fn changed(&self, at: usize, by: u16) -> Result<u8, Stop> {
        if by >= LEN_MODULUS {
            return Err(Stop::Corrupt);
        }
        let old = self.lens.get(at).copied().unwrap_or(0);
        u8::try_from((LEN_MODULUS + u16::from(old) - by) % LEN_MODULUS).map_err(|_| Stop::Corrupt)
    }

    /// Codes from lengths; more codes than there are is a fault, fewer are none.
    pub(super) fn build(&mut self) -> Result<(), Stop> {
        let mut counts = [0u32; BITS_MAX as usize + 1];
        for &len in &self.lens {
            if let Some(count) = counts.get_mut(usize::from(len)) {
                *count += 1;
            }
        }
        let (mut code, mut place) = (0u32, 0u32);
        for (bits, (range, &count)) in (0u32..).zip(self.ranges.iter_mut().zip(&counts)) {
            if bits == 0 {
                continue;
            }
            code <<= 1;
            *range = (code, count, place);
            code += count;
            place += count;
            if code > 1 << bits {
                return Err(Stop::Corrupt);
            }
        }
        self.sorted.clear();
        self.quick.clear();
        self.quick.resize(1 << QUICK_BITS, (0, 0));
        for bits in 1..=BITS_MAX {
            let Some((mut code, ..)) = self.ranges.get(bits as usize).copied() else { break };
            for (symbol, &len) in (0u16..).zip(&self.lens) {
                if u32::from(len) != bits {
                    continue;
                }
                self.sorted.push(symbol);
                if bits <= QUICK_BITS {
                    let from = (code << (QUICK_BITS - bits)) as usize;
                    let places = self.quick.get_mut(from..from + (1 << (QUICK_BITS - bits)));
                    places.unwrap_or(&mut []).fill((symbol, len));
                }
                code += 1;
            }
        }
        Ok(())
    }

    /// The next symbol.
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<u16, Stop> {
        let head = bits.peek(BITS_MAX)?;
        let quick = self.quick.get((head >> (BITS_MAX - QUICK_BITS)) as usize).copied();
        if let Some((symbol, len @ 1..)) = quick {
            bits.drop(u32::from(len));
            return Ok(symbol);
        }
        for len in QUICK_BITS + 1..=BITS_MAX {
            let (first, count, place) = self.ranges.get(len as usize).copied().ok_or(Stop::Corrupt)?;
            let code = head >> (BITS_MAX - len);
            if code >= first && code - first < count {
                bits.drop(len);
                return self.sorted.get((place + code - first) as usize).copied().ok_or(Stop::Corrupt);
            }
        }
        Err(Stop::Corrupt)
    }
}
