//! The first stage: at which positions may a fragment stand?

use crate::stage::{Filter, LOWER, fold};

/// Calls `hit` for every position at which the filter says so, with the folded bytes there. The last positions, where fewer
/// than four bytes follow, are asked as if zeros followed.
pub(crate) fn walk(filter: &Filter, hay: &[u8], mut hit: impl FnMut(usize, u32)) {
    #[cfg(target_arch = "x86_64")]
    if hay.len() >= 32 && std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "eight positions at once: a third of the instructions of the scalar walk")]
        // SAFETY: the processor has AVX2, as was asked just now.
        let from = unsafe { avx2::walk(filter, hay, &mut hit) };
        return scalar(filter, hay, from, &mut hit);
    }
    scalar(filter, hay, 0, &mut hit);
}

/// The walk without vectors, from `from` on.
pub(crate) fn scalar(filter: &Filter, hay: &[u8], from: usize, hit: &mut impl FnMut(usize, u32)) {
    let rest = hay.get(from..).unwrap_or_default();
    let mut whole = from;
    for window in rest.windows(4) {
        let folded = match window {
            &[a, b, c, d] => u32::from_le_bytes([a, b, c, d]) | LOWER,
            _ => fold(window),
        };
        if filter.may_have(folded) {
            hit(whole, folded);
        }
        whole += 1;
    }
    if filter.mask == u32::MAX {
        return;
    }
    for at in whole..hay.len() {
        let folded = fold(hay.get(at..).unwrap_or_default());
        if filter.may_have(folded) {
            hit(at, folded);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vector loads and gathers")]
mod avx2 {
    use crate::stage::{Filter, LOWER, SPREAD};
    use std::arch::x86_64::{
        __m128i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256,
        _mm256_castsi256_ps, _mm256_i32gather_epi32, _mm256_movemask_ps, _mm256_mullo_epi32, _mm256_or_si256,
        _mm256_set_epi8, _mm256_set1_epi32, _mm256_shuffle_epi8, _mm256_sllv_epi32, _mm256_srl_epi32,
        _mm256_srli_epi32, _mm256_sub_epi32,
    };

    /// Bytes loaded for eight positions.
    const LOAD_LEN: usize = 16;

    /// Walks as far as whole loads go; returns the first position not asked.
    ///
    /// # Safety
    /// The processor must have AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn walk(filter: &Filter, hay: &[u8], hit: &mut impl FnMut(usize, u32)) -> usize {
        #[rustfmt::skip]
        let windows = _mm256_set_epi8(
            10, 9, 8, 7, 9, 8, 7, 6, 8, 7, 6, 5, 7, 6, 5, 4,
            6, 5, 4, 3, 5, 4, 3, 2, 4, 3, 2, 1, 3, 2, 1, 0,
        );
        let lower = _mm256_set1_epi32(LOWER.cast_signed());
        let mask = _mm256_set1_epi32(filter.mask.cast_signed());
        let spread = _mm256_set1_epi32(SPREAD.cast_signed());
        let low_bits = _mm256_set1_epi32(31);
        let shift = _mm_cvtsi32_si128(filter.shift.cast_signed());
        // The filter has one bit for each value of a hash of 32 - shift bits; a gather beyond it would be unsound.
        assert!(filter.shift >= 5 && filter.shift < 32 && filter.bits.len() == 1 << (32 - filter.shift - 5));
        let bits = filter.bits.as_ptr().cast::<i32>();
        let mut at = 0;
        while at + LOAD_LEN <= hay.len() {
            // SAFETY: `at + 16` is within `hay`; the load needs no alignment.
            let load = unsafe { _mm_loadu_si128(hay.as_ptr().add(at).cast::<__m128i>()) };
            let folded = _mm256_or_si256(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load), windows), lower);
            let hash = _mm256_srl_epi32(_mm256_mullo_epi32(_mm256_and_si256(folded, mask), spread), shift);
            // SAFETY: a hash has `32 - shift` bits, so its upper part is below the number of words, as asserted.
            let words = unsafe { _mm256_i32gather_epi32::<4>(bits, _mm256_srli_epi32::<5>(hash)) };
            let to_top = _mm256_sub_epi32(low_bits, _mm256_and_si256(hash, low_bits));
            let mut hits = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_sllv_epi32(words, to_top))).cast_unsigned();
            while hits != 0 {
                let place = at + hits.trailing_zeros() as usize;
                hits &= hits - 1;
                if let Some(&[a, b, c, d]) = hay.get(place..place + 4).and_then(|w| w.as_array::<4>()) {
                    hit(place, u32::from_le_bytes([a, b, c, d]) | LOWER);
                }
            }
            at += 8;
        }
        at
    }
}
