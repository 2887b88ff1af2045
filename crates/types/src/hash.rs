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

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let p = u128::from(a) * u128::from(b);
    (p as u64) ^ ((p >> 64) as u64)
}

impl BuildHasher for SeededState {
    type Hasher = SeededHasher;
    #[inline]
    fn build_hasher(&self) -> SeededHasher {
        SeededHasher(self.0 ^ M1)
    }
}

impl Hasher for SeededHasher {
    #[inline]
    fn finish(&self) -> u64 {
        fold(self.0 ^ M2, M1)
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        for c in chunks {
            self.write_u64(u64::from_le_bytes(*c));
        }
        if !rest.is_empty() {
            self.write_u64(little_endian(rest) ^ ((rest.len() as u64) << 56));
        }
    }

    #[inline]
    fn write_u8(&mut self, v: u8) {
        self.write_u64(u64::from(v));
    }

    #[inline]
    fn write_u16(&mut self, v: u16) {
        self.write_u64(u64::from(v));
    }

    #[inline]
    fn write_u32(&mut self, v: u32) {
        self.write_u64(u64::from(v));
    }

    #[inline]
    fn write_u64(&mut self, v: u64) {
        self.0 = fold(self.0 ^ v, M2 ^ self.0.rotate_left(23));
    }

    #[inline]
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

/// Hash of `bytes` under `seed`, taken as if upper-case ASCII letters were lower-case ones.
#[inline]
pub fn seeded_hash_folded(seed: u64, bytes: &[u8]) -> u64 {
    let mut h = SeededState(seed).build_hasher();
    let (chunks, rest) = bytes.as_chunks::<8>();
    for c in chunks {
        h.write_u64(lower(u64::from_le_bytes(*c)));
    }
    if !rest.is_empty() {
        h.write_u64(lower(little_endian(rest)) ^ ((rest.len() as u64) << 56));
    }
    h.finish()
}

/// Eight bytes at once: 0x20 is added to those from `A` to `Z`.
#[inline]
fn lower(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let seven = word & (0x7f * ONES);
    // The upper bit of each byte tells whether its lower seven are beyond a bound; no sum exceeds a byte.
    let from_a = seven + (0x80 - b'A' as u64) * ONES;
    let beyond_z = seven + (0x7f - b'Z' as u64) * ONES;
    let upper = from_a & !beyond_z & !word & (0x80 * ONES);
    word | (upper >> 2)
}

/// Hash of `bytes` under `seed`.
#[inline]
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
    fn folded_as_of_lower_case() {
        let all: Vec<u8> = (0..=255).chain(*b"Www.Example.COM").collect();
        for from in 0..all.len() {
            for len in [0, 1, 3, 7, 8, 9, 16, 20] {
                let bytes = all.get(from..from + len).unwrap_or(&all[from..]);
                assert_eq!(seeded_hash_folded(5, bytes), seeded_hash(5, &bytes.to_ascii_lowercase()), "{bytes:?}");
            }
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
