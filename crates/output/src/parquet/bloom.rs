//! Split block Bloom filters (Parquet's BloomFilter.md): tell that a row group does not have a value.

use super::thrift;

/// A filter has as many bytes at most; beyond, its answers are less often "no".
const MAX_LEN: usize = 1 << 20;

/// Bits for each value: one wrong "maybe" in a hundred.
const VALUE_BITS: usize = 10;

/// A block: eight words, in each of which a value sets one bit.
type Block = [u32; 8];

/// The odd numbers that choose the bit in each word, from the specification.
const SALT: Block =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

pub struct Bloom {
    blocks: Vec<Block>,
}

impl Bloom {
    /// For about `count` values.
    pub fn new(count: usize) -> Self {
        let len = (count.saturating_mul(VALUE_BITS) / 8).next_power_of_two().clamp(size_of::<Block>(), MAX_LEN);
        Self { blocks: vec![Block::default(); len / size_of::<Block>()] }
    }

    /// Adds a value, given its bytes without their length.
    pub fn add(&mut self, value: &[u8]) {
        let hash = xxh64(value);
        let at = ((hash >> 32) * self.blocks.len() as u64) >> 32;
        if let Some(block) = self.blocks.get_mut(at as usize) {
            block.iter_mut().zip(mask(hash)).for_each(|(word, bit)| *word |= bit);
        }
    }

    /// Appends header and bits.
    pub fn write(&self, out: &mut Vec<u8>) {
        thrift::write(out, |s| {
            s.i32(1, (self.blocks.len() * size_of::<Block>()) as i32);
            // Algorithm, hash and compression: of each the only one that there is.
            for id in 2..=4 {
                s.strukt(id, |s| s.empty(1));
            }
        });
        out.extend(self.blocks.iter().flatten().flat_map(|word| word.to_le_bytes()));
    }
}

fn mask(hash: u64) -> Block {
    SALT.map(|salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27))
}

const P1: u64 = 0x9e37_79b1_85eb_ca87;
const P2: u64 = 0xc2b2_ae3d_27d4_eb4f;
const P3: u64 = 0x1656_67b1_9e37_79f9;
const P4: u64 = 0x85eb_ca77_c2b2_ae63;
const P5: u64 = 0x27d4_eb2f_1656_67c5;

/// XXH64 with seed 0 (xxHash's specification).
fn xxh64(bytes: &[u8]) -> u64 {
    let round = |lane: u64, word: u64| lane.wrapping_add(word.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1);
    let (stripes, rest) = bytes.as_chunks::<32>();
    let mut hash = P5;
    if !stripes.is_empty() {
        let mut lanes = [P1.wrapping_add(P2), P2, 0, P1.wrapping_neg()];
        for stripe in stripes {
            for (lane, word) in lanes.iter_mut().zip(stripe.as_chunks::<8>().0) {
                *lane = round(*lane, u64::from_le_bytes(*word));
            }
        }
        hash = lanes.iter().zip([1, 7, 12, 18]).fold(0, |sum: u64, (lane, n)| sum.wrapping_add(lane.rotate_left(n)));
        for lane in lanes {
            hash = (hash ^ round(0, lane)).wrapping_mul(P1).wrapping_add(P4);
        }
    }
    hash = hash.wrapping_add(bytes.len() as u64);
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        hash = (hash ^ round(0, u64::from_le_bytes(*word))).rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
    }
    let (halves, rest) = rest.as_chunks::<4>();
    for half in halves {
        let half = u64::from(u32::from_le_bytes(*half));
        hash = (hash ^ half.wrapping_mul(P1)).rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
    }
    for &byte in rest {
        hash = (hash ^ u64::from(byte).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1);
    }
    hash = (hash ^ hash >> 33).wrapping_mul(P2);
    hash = (hash ^ hash >> 29).wrapping_mul(P3);
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Bloom {
        fn may_have(&self, value: &[u8]) -> bool {
            let hash = xxh64(value);
            let block = self.blocks[(((hash >> 32) * self.blocks.len() as u64) >> 32) as usize];
            block.iter().zip(mask(hash)).all(|(word, bit)| word & bit != 0)
        }
    }

    #[test]
    fn xxh64_reference_values() {
        for (text, want) in [
            (&b""[..], 0xef46_db37_51d8_e999),
            (b"a", 0xd24e_c4f1_a98c_6e5b),
            (b"abc", 0x44bc_2cf5_ad77_0999),
            (b"Nobody inspects the spammish repetition", 0xfbce_a83c_8a37_8bf1),
        ] {
            assert_eq!(xxh64(text), want, "{text:?}");
        }
    }

    #[test]
    fn says_no_most_of_the_time() {
        let mut bloom = Bloom::new(10_000);
        (0..10_000u32).for_each(|i| bloom.add(&i.to_le_bytes()));
        assert!((0..10_000u32).all(|i| bloom.may_have(&i.to_le_bytes())));
        let wrong = (10_000..110_000u32).filter(|i| bloom.may_have(&i.to_le_bytes())).count();
        assert!(wrong < 1_000, "{wrong} in 100,000");
        assert_eq!(Bloom::new(0).blocks.len(), 1);
        assert_eq!(Bloom::new(usize::MAX).blocks.len() * 32, MAX_LEN);
    }
}
