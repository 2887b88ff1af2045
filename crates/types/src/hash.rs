use std::hash::{BuildHasher, Hasher};

/// The one hasher state for tables keyed by bytes from the wire: a seeded 64-bit multiply-fold.
/// The seed comes from the run's `--seed`, so an attacker who doesn't know it can't aim at a bucket,
/// and equal seeds give equal tables.
///
/// Its default, the seed 0, is for tables whose keys do not come from the wire.
#[derive(Clone, Copy, Debug, Default)]
pub struct SeededState(pub u64);

/// Streaming form of [`seeded_hash`].
#[derive(Clone, Copy, Debug)]
pub struct SeededHasher(u64);

const M1: u64 = 0xa076_1d64_78bd_642f;
const M2: u64 = 0xe703_7ed1_a0b4_28db;

fn fold(a: u64, b: u64) -> u64 {
    let p = u128::from(a) * u128::from(b);
    (p as u64) ^ ((p >> 64) as u64)
}

impl BuildHasher for SeededState {
    type Hasher = SeededHasher;
    fn build_hasher(&self) -> SeededHasher {
        SeededHasher(self.0 ^ M1)
    }
}

impl Hasher for SeededHasher {
    fn finish(&self) -> u64 {
        fold(self.0 ^ M2, M1)
    }

    fn write(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        for c in chunks {
            self.write_u64(u64::from_le_bytes(*c));
        }
        if !rest.is_empty() {
            let mut last = [0u8; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.write_u64(u64::from_le_bytes(last) ^ ((rest.len() as u64) << 56));
        }
    }

    fn write_u8(&mut self, v: u8) {
        self.write_u64(u64::from(v));
    }

    fn write_u16(&mut self, v: u16) {
        self.write_u64(u64::from(v));
    }

    fn write_u32(&mut self, v: u32) {
        self.write_u64(u64::from(v));
    }

    fn write_u64(&mut self, v: u64) {
        self.0 = fold(self.0 ^ v, M2 ^ self.0.rotate_left(23));
    }

    fn write_usize(&mut self, v: usize) {
        self.write_u64(v as u64);
    }
}

/// Hash of `bytes` under `seed`.
pub fn seeded_hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut h = SeededState(seed).build_hasher();
    h.write(bytes);
    h.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_and_every_byte_matter() {
        let base = seeded_hash(1, b"0123456789abcdef0");
        assert_eq!(base, seeded_hash(1, b"0123456789abcdef0"));
        assert_ne!(base, seeded_hash(2, b"0123456789abcdef0"));
        for i in 0..17 {
            let mut v = *b"0123456789abcdef0";
            v[i] ^= 1;
            assert_ne!(base, seeded_hash(1, &v), "byte {i}");
        }
        assert_ne!(seeded_hash(1, b"a"), seeded_hash(1, b"a\0"));
    }

    #[test]
    fn low_bits_spread() {
        let mut buckets = [0u32; 64];
        for i in 0..6400u32 {
            buckets[(seeded_hash(7, &i.to_be_bytes()) & 63) as usize] += 1;
        }
        assert!(buckets.iter().all(|&n| n > 50 && n < 170), "{buckets:?}");
    }
}
