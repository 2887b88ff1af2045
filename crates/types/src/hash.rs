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
            self.write_u64(little_endian(rest) ^ ((rest.len() as u64) << 56));
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

/// Up to eight bytes as a number, in two loads or three: copying them would be a call.
fn little_endian(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    if let (Some(head), Some(tail)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (head, tail) = (u32::from_le_bytes(*head), u32::from_le_bytes(*tail));
        // They may overlap, with the same bits.
        return u64::from(head) | u64::from(tail) << (8 * (len - 4) % 64);
    }
    match *bytes {
        [] => 0,
        [a] => u64::from(a),
        [a, b] => u64::from(u16::from_le_bytes([a, b])),
        [a, b, c, ..] => u64::from(u32::from_le_bytes([a, b, c, 0])),
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
    fn few_bytes_are_a_number() {
        let bytes = [0x81u8, 2, 0xf3, 4, 5, 0x96, 7, 0xe8];
        for len in 0..=8 {
            let mut padded = [0u8; 8];
            padded[..len].copy_from_slice(&bytes[..len]);
            assert_eq!(little_endian(&bytes[..len]), u64::from_le_bytes(padded), "{len}");
        }
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
