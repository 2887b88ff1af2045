//! How many different things were seen (`detections.md` §1.4 P4): exact while they are few, then estimated by HyperLogLog
//! (Flajolet et al. 2007) with 1,024 registers, standard error 3.3 %.

/// Different things counted exactly.
const MAX_EXACT: usize = 64;

/// Bits of a hash that choose a register.
const INDEX_BITS: u32 = 10;
const REGISTERS: usize = 1 << INDEX_BITS;

/// Things by their hashes, which have to be seeded if they are of what is on the wire.
#[derive(Clone, Debug)]
pub(crate) enum Distinct {
    /// Few: their hashes.
    Few(Vec<u64>),
    /// Many: the longest run of zeroes of each register.
    Many(Box<[u8; REGISTERS]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Distinct {
    /// Notes one; is it surely new? Of many, it is new if it changes the estimate.
    pub fn add(&mut self, hash: u64) -> bool {
        match self {
            Self::Few(all) if all.contains(&hash) => false,
            Self::Few(all) if all.len() < MAX_EXACT => {
                all.push(hash);
                true
            }
            Self::Few(all) => {
                let mut registers = Box::new([0; REGISTERS]);
                for known in all.iter().chain([&hash]) {
                    note(&mut registers, *known);
                }
                *self = Self::Many(registers);
                true
            }
            Self::Many(registers) => note(registers, hash),
        }
    }

    /// How many there were.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate of at most 2^64 that is no less than 0"
    )]
    pub fn count(&self) -> u64 {
        let registers = match self {
            Self::Few(all) => return all.len() as u64,
            Self::Many(registers) => registers,
        };
        let m = REGISTERS as f64;
        let sum: f64 = registers.iter().map(|r| half_to_the(*r)).sum();
        let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
        let empty = registers.iter().filter(|r| **r == 0).count() as f64;
        // Few of the registers used: those that are empty say more.
        let estimate = if raw <= 2.5 * m && empty > 0.0 { m * (m / empty).ln() } else { raw };
        estimate.round() as u64
    }

    /// Bytes of heap held.
    pub fn held_len(&self) -> usize {
        match self {
            Self::Few(all) => all.capacity() * size_of::<u64>(),
            Self::Many(_) => REGISTERS,
        }
    }
}

/// 2 to the power of `-n`, by the bits of the number: estimates are made again and again.
fn half_to_the(n: u8) -> f64 {
    f64::from_bits((1_023 - u64::from(n)) << 52)
}

fn note(registers: &mut [u8; REGISTERS], hash: u64) -> bool {
    let index = usize::try_from(hash >> (64 - INDEX_BITS)).unwrap_or(0);
    let rank = u8::try_from((hash << INDEX_BITS | 1 << (INDEX_BITS - 1)).leading_zeros() + 1).unwrap_or(u8::MAX);
    match registers.get_mut(index) {
        Some(register) if *register < rank => {
            *register = rank;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_exact() {
        assert!((0..=u8::MAX).all(|n| half_to_the(n).to_bits() == (-f64::from(n)).exp2().to_bits()));
    }

    #[test]
    fn exact_then_close() {
        for (n, slack) in [(1u64, 0u64), (64, 0), (65, 5), (1_000, 80), (100_000, 8_000)] {
            let mut seen = Distinct::default();
            for k in 0..n {
                let hash = sekisho_types::seeded_hash(7, &k.to_le_bytes());
                seen.add(hash);
                assert!(!seen.add(hash), "twice");
            }
            assert!(seen.count().abs_diff(n) <= slack, "{n}: {}", seen.count());
            assert!(seen.held_len() <= 1024);
        }
    }
}
