//! Filters that pass bytes on and look after them.

use super::{Filter, Outcome};
use crate::bytes::size;
use crate::member::Completeness;

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let mut value = i as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            table[i] = value;
        }
        i += 1;
    }
    table
}

static TABLE: [u32; 256] = table();

/// One step of CRC-32 (IEEE 802.3), without the inversions.
pub(super) fn crc32_step(crc: u32, byte: u8) -> u32 {
    let [low, ..] = (crc ^ u32::from(byte)).to_le_bytes();
    crc >> 8 ^ TABLE.get(usize::from(low)).copied().unwrap_or(0)
}

/// CRC-32 (IEEE 802.3) of `bytes`.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &b| crc32_step(crc, b))
}

/// Compares the CRC-32 of what passes.
pub(super) struct Crc {
    wanted: u32,
    crc: u32,
}

impl Crc {
    pub(super) fn new(wanted: u32) -> Self {
        Self { wanted, crc: u32::MAX }
    }
}

impl Filter for Crc {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        self.crc = input.iter().fold(self.crc, |crc, &b| crc32_step(crc, b));
        out(input);
        Outcome::More
    }

    fn finish(&mut self, _: &mut dyn FnMut(&[u8])) -> Completeness {
        if !self.crc == self.wanted { Completeness::Complete } else { Completeness::Damaged("checksum") }
    }
}

/// The first bytes only; fewer are an incomplete member.
pub(super) struct Take {
    pub(super) left: u64,
}

impl Filter for Take {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let (now, rest) = input.split_at_checked(size(self.left)).unwrap_or((input, &[]));
        self.left -= now.len() as u64;
        out(now);
        if self.left == 0 { Outcome::End { trailing: rest.len() } } else { Outcome::More }
    }

    fn finish(&mut self, _: &mut dyn FnMut(&[u8])) -> Completeness {
        if self.left == 0 { Completeness::Complete } else { Completeness::Truncated }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Stage;
    use super::super::tests::run;
    use super::*;

    #[test]
    fn parses_checksums() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(run(&Stage::Crc32(0xcbf4_3926), b"123456789").1, Completeness::Complete);
        assert_eq!(run(&Stage::Crc32(1), b"123456789"), (b"123456789".to_vec(), Completeness::Damaged("checksum")));
    }

    #[test]
    fn takes_so_many() {
        assert_eq!(run(&Stage::Take(4), b"123456789"), (b"1234".to_vec(), Completeness::Complete));
        assert_eq!(run(&Stage::Take(10), b"123456789").1, Completeness::Truncated);
    }
}
