//! The first stage: at which positions may a fragment stand?

use crate::stage::{Class, Filter, fold};

/// Fragments of one or two bytes as sets of half bytes: a byte of eight bits, one for each group of fragments, for each value
/// of the lower and the upper half of the first and the second byte. A position may have a fragment of a group if all four
/// agree.
#[derive(Clone, Debug)]
pub(crate) struct Nibbles {
    low: [[u8; 16]; 2],
    high: [[u8; 16]; 2],
}

impl Nibbles {
    /// The sets of fragments of `width` bytes (1 or 2), given folded.
    pub(crate) fn new(width: usize, fragments: impl Iterator<Item = u32>) -> Self {
        let mut sorted: Vec<u32> = fragments.collect();
        sorted.sort_unstable();
        sorted.dedup();
        // A second byte that does not count is any.
        let start = if width == 1 { [[0; 16], [u8::MAX; 16]] } else { [[0; 16]; 2] };
        let mut sets = Self { low: start, high: start };
        for (n, fragment) in sorted.iter().enumerate() {
            let group = 1u8 << (n * 8 / sorted.len().max(1));
            let halves = sets.low.iter_mut().zip(&mut sets.high);
            for (byte, (low, high)) in fragment.to_le_bytes().into_iter().take(width).zip(halves) {
                if let (Some(low), Some(high)) =
                    (low.get_mut(usize::from(byte & 15)), high.get_mut(usize::from(byte >> 4)))
                {
                    *low |= group;
                    *high |= group;
                }
            }
        }
        sets
    }
}

/// Calls `hit` for the positions at which the filter (or the sets of half bytes) says that a fragment of the class may
/// stand, with the folded bytes there; of a class with a stride of *n* every *n*-th position is asked.
pub(crate) fn walk(
    filter: &Filter,
    nibbles: Option<&Nibbles>,
    class: Class,
    hay: &[u8],
    mut hit: impl FnMut(usize, u32),
) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        let from = whole_loads(filter, nibbles, class, hay, &mut hit);
        // The rest, with zeros behind it.
        let rest = hay.get(from..).unwrap_or_default();
        let mut room = [0; ROOM_LEN];
        if let (true, Some(start)) = (rest.len() >= class.width, room.get_mut(..rest.len())) {
            start.copy_from_slice(rest);
            let padded = room.get(..rest.len() + LOAD_LEN).unwrap_or(&room);
            whole_loads(filter, nibbles, class, padded, &mut |at: usize, folded| {
                if at + class.width <= rest.len() {
                    hit(from + at, folded);
                }
            });
        }
        return;
    }
    scalar(filter, class, hay, 0, &mut hit);
}

/// Bytes of a whole load.
const LOAD_LEN: usize = 32;
/// Room for what is left of a slice behind its last whole load, and a load more.
const ROOM_LEN: usize = 40 + LOAD_LEN;

/// Walks as far as whole loads go; returns the first position not asked, less than 40 before the end.
#[cfg(target_arch = "x86_64")]
#[inline]
fn whole_loads(
    filter: &Filter,
    nibbles: Option<&Nibbles>,
    class: Class,
    hay: &[u8],
    hit: &mut impl FnMut(usize, u32),
) -> usize {
    #[expect(unsafe_code, reason = "many positions at once: a tenth of the instructions of the scalar walk")]
    // SAFETY: the caller has asked whether the processor has AVX2.
    unsafe {
        match (nibbles, class.stride) {
            (Some(nibbles), 1) => avx2::by_halves(nibbles, hay, hit),
            (_, 4) => avx2::by_hash::<4>(filter, hay, hit),
            (_, 2) => avx2::by_hash::<2>(filter, hay, hit),
            _ => avx2::by_hash::<1>(filter, hay, hit),
        }
    }
}

/// The walk without vectors, from `from` on, which is a position to be asked.
pub(crate) fn scalar(filter: &Filter, class: Class, hay: &[u8], from: usize, hit: &mut impl FnMut(usize, u32)) {
    let mut at = from;
    while let Some(window) = hay.get(at..).filter(|window| window.len() >= class.width) {
        let folded = fold(window);
        if filter.may_have(folded) {
            hit(at, folded);
        }
        at += class.stride;
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vector loads and gathers")]
mod avx2 {
    use super::{Nibbles, fold};
    use crate::stage::{Filter, LOWER, SPREAD};
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256,
        _mm256_castsi256_ps, _mm256_cmpeq_epi8, _mm256_i32gather_epi32, _mm256_loadu_si256, _mm256_movemask_epi8,
        _mm256_movemask_ps, _mm256_mullo_epi32, _mm256_or_si256, _mm256_set_epi8, _mm256_set_m128i, _mm256_set1_epi8,
        _mm256_set1_epi32, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_sllv_epi32, _mm256_srl_epi32,
        _mm256_srli_epi16, _mm256_srli_epi32, _mm256_sub_epi32,
    };

    /// Tells of the positions that `bits` stand for.
    #[inline(always)]
    fn tell(hay: &[u8], at: usize, stride: usize, mut bits: u32, hit: &mut impl FnMut(usize, u32)) {
        while bits != 0 {
            let place = at + stride * bits.trailing_zeros() as usize;
            bits &= bits - 1;
            hit(place, fold(hay.get(place..).unwrap_or_default()));
        }
    }

    /// Asks every `STRIDE`-th position, as far as whole loads go; returns the first position not asked.
    ///
    /// # Safety
    /// The processor must have AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn by_hash<const STRIDE: usize>(
        filter: &Filter,
        hay: &[u8],
        hit: &mut impl FnMut(usize, u32),
    ) -> usize {
        #[rustfmt::skip]
        let windows = match STRIDE {
            2 => _mm256_set_epi8(
                9, 8, 7, 6, 7, 6, 5, 4, 5, 4, 3, 2, 3, 2, 1, 0,
                9, 8, 7, 6, 7, 6, 5, 4, 5, 4, 3, 2, 3, 2, 1, 0,
            ),
            _ => _mm256_set_epi8(
                6, 5, 4, 3, 5, 4, 3, 2, 4, 3, 2, 1, 3, 2, 1, 0,
                6, 5, 4, 3, 5, 4, 3, 2, 4, 3, 2, 1, 3, 2, 1, 0,
            ),
        };
        let lower = _mm256_set1_epi32(LOWER.cast_signed());
        let mask = _mm256_set1_epi32(filter.mask.cast_signed());
        let spread = _mm256_set1_epi32(SPREAD.cast_signed());
        let low_bits = _mm256_set1_epi32(31);
        let shift = _mm_cvtsi32_si128(filter.shift.cast_signed());
        // The filter has one bit for each value of a hash of 32 - shift bits; a gather beyond it would be unsound.
        assert!(filter.shift >= 5 && filter.shift < 32 && filter.bits.len() == 1 << (32 - filter.shift - 5));
        let bits = filter.bits.as_ptr().cast::<i32>();
        let mut at = 0;
        // All loads of a turn lie within 32 bytes.
        while at + 32 <= hay.len() {
            // SAFETY: `at + 32` is within `hay`; the loads need no alignment.
            let load = unsafe {
                if STRIDE == 4 {
                    _mm256_loadu_si256(hay.as_ptr().add(at).cast::<__m256i>())
                } else {
                    let low = _mm_loadu_si128(hay.as_ptr().add(at).cast::<__m128i>());
                    let high = _mm_loadu_si128(hay.as_ptr().add(at + 4 * STRIDE).cast::<__m128i>());
                    _mm256_shuffle_epi8(_mm256_set_m128i(high, low), windows)
                }
            };
            let folded = _mm256_and_si256(_mm256_or_si256(load, lower), mask);
            let hash = _mm256_srl_epi32(_mm256_mullo_epi32(folded, spread), shift);
            // SAFETY: a hash has `32 - shift` bits, so its upper part is below the number of words, as asserted.
            let words = unsafe { _mm256_i32gather_epi32::<4>(bits, _mm256_srli_epi32::<5>(hash)) };
            let to_top = _mm256_sub_epi32(low_bits, _mm256_and_si256(hash, low_bits));
            let hits = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_sllv_epi32(words, to_top))).cast_unsigned();
            if hits != 0 {
                tell(hay, at, STRIDE, hits, hit);
            }
            at += 8 * STRIDE;
        }
        at
    }

    /// Asks every position by sets of half bytes, as far as whole loads go; returns the first position not asked.
    ///
    /// # Safety
    /// The processor must have AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn by_halves(sets: &Nibbles, hay: &[u8], hit: &mut impl FnMut(usize, u32)) -> usize {
        let table = |set: &[u8; 16]| {
            // SAFETY: the set has the 16 bytes that are loaded.
            _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(set.as_ptr().cast::<__m128i>()) })
        };
        let ([low_a, low_b], [high_a, high_b]) = (&sets.low, &sets.high);
        let tables = [table(low_a), table(high_a), table(low_b), table(high_b)];
        let lower = _mm256_set1_epi32(LOWER.cast_signed());
        let half = _mm256_set1_epi8(15);
        let mut at = 0;
        while at + 33 <= hay.len() {
            // SAFETY: `at + 33` is within `hay`; the loads need no alignment.
            let (a, b) = unsafe {
                let from = hay.as_ptr().add(at);
                (_mm256_loadu_si256(from.cast::<__m256i>()), _mm256_loadu_si256(from.add(1).cast::<__m256i>()))
            };
            let (a, b) = (_mm256_or_si256(a, lower), _mm256_or_si256(b, lower));
            let low = |v| _mm256_and_si256(v, half);
            let high = |v| _mm256_and_si256(_mm256_srli_epi16::<4>(v), half);
            let [t0, t1, t2, t3] = tables;
            let first = _mm256_and_si256(_mm256_shuffle_epi8(t0, low(a)), _mm256_shuffle_epi8(t1, high(a)));
            let second = _mm256_and_si256(_mm256_shuffle_epi8(t2, low(b)), _mm256_shuffle_epi8(t3, high(b)));
            let none = _mm256_cmpeq_epi8(_mm256_and_si256(first, second), _mm256_setzero_si256());
            let hits = !_mm256_movemask_epi8(none).cast_unsigned();
            if hits != 0 {
                tell(hay, at, 1, hits, hit);
            }
            at += 32;
        }
        at
    }
}
