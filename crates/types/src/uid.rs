use crate::{FiveTuple, Timestamp, seeded_hash};
use std::fmt;

/// A 96-bit identifier, printed as Zeek prints its uids: a letter and base 62.
///
/// `C…` for flows, `F…` for files. A flow's uid is a function of its unordered five-tuple, the time
/// of its first packet and the seed, so that repeated runs, and runs with any number of workers, agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid {
    prefix: u8,
    hi: u32,
    lo: u64,
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Uid {
    /// Longest printed form: prefix and 17 digits.
    pub const MAX_LEN: usize = 18;

    /// The id of the flow that began at `first`; the same for both orientations of the tuple.
    pub fn for_flow(tuple: &FiveTuple, first: Timestamp, seed: u64) -> Self {
        let t = tuple.canonical();
        let mut key = [0u8; 45];
        key[..16].copy_from_slice(t.orig.octets());
        key[16..32].copy_from_slice(t.resp.octets());
        key[32..34].copy_from_slice(&t.orig_port.to_be_bytes());
        key[34..36].copy_from_slice(&t.resp_port.to_be_bytes());
        key[36] = t.proto;
        key[37..].copy_from_slice(&first.0.to_be_bytes());
        Self::from_key(b'C', seed, &key)
    }

    /// The id of the `n`-th file that flow `flow` carried.
    pub fn for_file(flow: Uid, n: u64, seed: u64) -> Self {
        let mut key = [0u8; 20];
        key[..4].copy_from_slice(&flow.hi.to_be_bytes());
        key[4..12].copy_from_slice(&flow.lo.to_be_bytes());
        key[12..].copy_from_slice(&n.to_be_bytes());
        Self::from_key(b'F', seed, &key)
    }

    /// An id with `prefix` (an ASCII letter) from arbitrary key bytes.
    pub fn from_key(prefix: u8, seed: u64, key: &[u8]) -> Self {
        let lo = seeded_hash(seed, key);
        let hi = (seeded_hash(!seed ^ lo, key) >> 32) as u32;
        Self { prefix, hi, lo }
    }

    /// Is this the default value, which no flow has?
    pub fn is_none(&self) -> bool {
        self.prefix == 0
    }

    /// Writes the printed form into `buf`; returns its length.
    pub fn write(&self, buf: &mut [u8; Self::MAX_LEN]) -> usize {
        let mut digits = [0u8; 17];
        // Two halves, each below 62^9: one wide division instead of seventeen.
        const HALF: u128 = 62u128.pow(9);
        let v = u128::from(self.hi) << 64 | u128::from(self.lo);
        let (mut high, mut low) = ((v / HALF) as u64, (v % HALF) as u64);
        let mut n = 0;
        while low > 0 || high > 0 && n < 9 {
            digits[n] = BASE62[(low % 62) as usize];
            low /= 62;
            n += 1;
        }
        while high > 0 && n < digits.len() {
            digits[n] = BASE62[(high % 62) as usize];
            high /= 62;
            n += 1;
        }
        buf[0] = self.prefix;
        for i in 0..n {
            buf[1 + i] = digits[n - 1 - i];
        }
        1 + n
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buf = [0u8; Self::MAX_LEN];
        let n = self.write(&mut buf);
        f.pad(std::str::from_utf8(&buf[..n]).unwrap_or(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Addr;

    fn tuple() -> FiveTuple {
        FiveTuple {
            orig: Addr::v4([10, 0, 0, 1]),
            resp: Addr::v4([10, 0, 0, 2]),
            orig_port: 1234,
            resp_port: 80,
            proto: 6,
        }
    }

    #[test]
    fn same_for_both_directions_and_runs() {
        let a = Uid::for_flow(&tuple(), Timestamp(5), 0);
        assert_eq!(a, Uid::for_flow(&tuple().flipped(), Timestamp(5), 0));
        assert_ne!(a, Uid::for_flow(&tuple(), Timestamp(6), 0));
        assert_ne!(a, Uid::for_flow(&tuple(), Timestamp(5), 1));
        let s = a.to_string();
        assert!(s.starts_with('C') && s.len() >= 14 && s.len() <= 18, "{s}");
        assert!(Uid::for_file(a, 0, 0).to_string().starts_with('F'));
        assert_ne!(Uid::for_file(a, 0, 0), Uid::for_file(a, 1, 0));
    }

    #[test]
    fn prints_base_62_of_all_96_bits() {
        let nine = 62u64.pow(9);
        for (hi, lo, want) in [
            (0, 0, "C"),
            (0, 61, "Cz"),
            (0, 62, "C10"),
            (0, nine - 1, "Czzzzzzzzz"),
            (0, nine, "C1000000000"),
            (0, nine + 61, "C100000000z"),
            (1, 0, "CLygHa16AHYG"),
            (u32::MAX, u64::MAX, "C1f2SI9UJPXvb7vdJ1"),
        ] {
            assert_eq!(Uid { prefix: b'C', hi, lo }.to_string(), want);
        }
    }
}
