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

/// The digits; two more, never reached, make every six-bit number a valid index.
const BASE62: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz??";
/// 62^5: five digits fit into 30 bits.
const BASE_5: u64 = 62u64.pow(5);
/// 62^10.
const BASE_10: u64 = BASE_5 * BASE_5;

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

    /// Writes the printed form into `buf`; returns its length. Bytes of `buf` behind it may be overwritten.
    pub fn write<const N: usize>(&self, buf: &mut [u8; N]) -> usize {
        const { assert!(N >= Self::MAX_LEN) }
        let text = digits(self.hi, self.lo);
        let (first, _) = text.as_chunks::<8>();
        // Leading zeros are dropped by copying from the first other digit on, and with it as much of the filling.
        let mut zeros = (u64::from_le_bytes(first[0]) ^ u64::from_le_bytes([b'0'; 8])).trailing_zeros() as usize / 8;
        if zeros == 8 {
            zeros = text[..DIGITS].iter().take_while(|&&d| d == b'0').count();
        }
        buf[0] = self.prefix;
        if let (Some(to), Some(from)) = (buf[1..].first_chunk_mut(), text[zeros..].first_chunk::<DIGITS>()) {
            *to = *from;
        }
        1 + DIGITS - zeros
    }
}

/// Digits of the largest value.
const DIGITS: usize = Uid::MAX_LEN - 1;

/// The 96-bit number divided by 62^10: a quotient below 2^37, of seven digits, and the remainder.
fn split(hi: u32, lo: u64) -> (u64, u64) {
    // The reciprocal as a fixed-point number times the upper 64 bits: the product is too small by two at most.
    const RECIPROCAL: u64 = ((1 << 96) / BASE_10 as u128) as u64;
    let upper = u64::from(hi) << 32 | lo >> 32;
    let mut quotient = ((u128::from(upper) * u128::from(RECIPROCAL)) >> 64) as u64;
    let mut rest = lo.wrapping_sub(quotient.wrapping_mul(BASE_10));
    while rest >= BASE_10 {
        rest -= BASE_10;
        quotient += 1;
    }
    (quotient, rest)
}

/// All digits of the number, leading zeros too, and zeros as filling.
fn digits(hi: u32, lo: u64) -> [u8; 40] {
    let (high, low) = split(hi, lo);
    let mut text = [b'0'; 40];
    // The first five digits are but two.
    let [.., a, b] = five_digits(high / BASE_5);
    text[..2].copy_from_slice(&[a, b]);
    text[2..7].copy_from_slice(&five_digits(high % BASE_5));
    text[7..12].copy_from_slice(&five_digits(low / BASE_5));
    text[12..DIGITS].copy_from_slice(&five_digits(low % BASE_5));
    text
}

/// The digits of `v`, below 62^5.
fn five_digits(v: u64) -> [u8; 5] {
    // v / 62^4 as a fixed-point number of 64 binary places: the first digit is its integer part, the next that of 62
    // times the fraction. Rounding the factor up by less than 2^-64 cannot reach the next digit, as 62^9 < 2^64.
    const SCALE: u64 = ((1 << 64) / 62u128.pow(4)) as u64 + 1;
    let mut fixed = u128::from(v) * u128::from(SCALE);
    let mut digits = [0; 5];
    for digit in &mut digits {
        *digit = BASE62[(fixed >> 64) as usize & 63];
        fixed = (fixed & u128::from(u64::MAX)) * 62;
    }
    digits
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

    #[test]
    fn prints_what_long_division_gives() {
        let mut v = u128::from(u32::MAX) << 64 | u128::from(u64::MAX);
        let mut step = 1u128;
        for round in 0..20_000u32 {
            let (hi, lo) = ((v >> 64) as u32, v as u64);
            let mut want = Vec::new();
            let mut rest = u128::from(hi) << 64 | u128::from(lo);
            while rest > 0 {
                want.push(BASE62[(rest % 62) as usize]);
                rest /= 62;
            }
            want.push(b'F');
            want.reverse();
            let mut buf = [0; Uid::MAX_LEN + 3];
            let len = Uid { prefix: b'F', hi, lo }.write(&mut buf);
            assert_eq!(buf[..len], want, "{hi:x} {lo:x}");
            // Multiples of powers of 62 and their neighbours, then anything.
            step = if round % 54 == 0 { 1 } else { step * 62 % (1 << 96) };
            v = match round % 3 {
                0 => step,
                1 => step.wrapping_sub(1),
                _ => u128::from(seeded_hash(1, &round.to_be_bytes())) << 32 | u128::from(round),
            };
        }
    }
}
