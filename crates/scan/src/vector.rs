//! The walks: at which positions may a fragment stand?

use crate::divide::{Fragment, divide};
use crate::table::{Class, Filter, fold};
use std::mem::MaybeUninit;

/// Bytes of a fragment that sets of half bytes tell.
const HALVES_WIDTH: usize = 4;
/// Groups of fragments that sets of half bytes tell apart.
const GROUP_COUNT: usize = 8;

/// Fragments of one to four bytes as sets of half bytes: a byte of eight bits, one for each group of fragments, for each value
/// of the lower and the upper half of each byte. A position may have a fragment of a group if all of them agree.
///
/// The fragments of a group have the same width; bytes behind it are any. Since half bytes of different fragments make up
/// others, too, a filter is asked next.
#[derive(Clone, Debug)]
pub(crate) struct Halves {
    low: [[u8; 16]; HALVES_WIDTH],
    high: [[u8; 16]; HALVES_WIDTH],
    /// By width, the shortest first: the groups, and what has fragments of that width.
    by_width: Vec<(u8, Filter)>,
    /// The longest fragment.
    width: usize,
}

/// A place at which a fragment may stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    at: usize,
    /// The bytes there, folded.
    folded: u32,
    /// Of the fragment.
    width: usize,
}

/// Places that a walk gives at once; it always has room for those of one step.
const HIT_COUNT_MAX: usize = 192;
/// Places of one step at most: each byte of a load may begin fragments of all widths.
const STEP_COUNT: usize = 32 * HALVES_WIDTH;

/// The places of a few steps.
struct Hits {
    list: [MaybeUninit<Hit>; HIT_COUNT_MAX],
    count: usize,
}

impl Hits {
    #[inline(always)]
    fn new() -> Self {
        #[expect(unsafe_code, reason = "a list that is not set to anything for each slice")]
        // SAFETY: what may be uninitialised needs no initialisation.
        let list = unsafe { MaybeUninit::<[MaybeUninit<Hit>; HIT_COUNT_MAX]>::uninit().assume_init() };
        Self { list, count: 0 }
    }

    /// Is there room for those of one more step?
    const fn has_room(&self) -> bool {
        self.count + STEP_COUNT <= HIT_COUNT_MAX
    }

    #[inline(always)]
    fn push(&mut self, hit: Hit) {
        if let Some(place) = self.list.get_mut(self.count) {
            place.write(hit);
            self.count += 1;
        }
    }

    #[inline]
    fn take(&mut self) -> &[Hit] {
        let count = std::mem::take(&mut self.count);
        let list = self.list.get(..count).unwrap_or_default();
        #[expect(unsafe_code, reason = "as above")]
        // SAFETY: the first `count` were written since the list was made; `Hit` has no destructor.
        unsafe {
            &*(std::ptr::from_ref(list) as *const [Hit])
        }
    }
}

impl Halves {
    /// The sets of some fragments.
    pub(crate) fn of(fragments: impl Iterator<Item = Fragment>) -> Self {
        let mut by_width: [Vec<Fragment>; HALVES_WIDTH] = Default::default();
        for fragment in fragments {
            if let Some(list) = by_width.get_mut(fragment.width.saturating_sub(1)) {
                list.push(fragment);
            }
        }
        for list in &mut by_width {
            list.sort_unstable();
            list.dedup();
        }
        let mut left = by_width.iter().map(Vec::len).sum::<usize>();
        let mut widths_left = by_width.iter().filter(|list| !list.is_empty()).count();
        let mut sets =
            Self { low: [[0; 16]; HALVES_WIDTH], high: [[0; 16]; HALVES_WIDTH], by_width: Vec::new(), width: 1 };
        let mut group = 0;
        for (width, list) in (1..).zip(&by_width).filter(|(_, list)| !list.is_empty()) {
            sets.width = width;
            // Each width gets its share of the groups, and one at least.
            let free = GROUP_COUNT - group - widths_left;
            let count = (1 + (free * list.len()).checked_div(left).unwrap_or(0)).min(list.len());
            let mut groups = 0;
            for (n, part) in divide(list, count).into_iter().enumerate() {
                let own = 1 << (group + n);
                groups |= own;
                part.iter().for_each(|fragment| sets.add(own, fragment));
            }
            sets.by_width.push((groups, Filter::of(Class { stride: 1, width }, list.iter().map(|f| f.folded()))));
            group += count;
            left -= list.len();
            widths_left -= 1;
        }
        sets
    }

    /// Bytes of memory that it takes, in a box.
    pub(crate) fn heap_len(&self) -> usize {
        let of_filters: usize = self.by_width.iter().map(|(_, filter)| filter.heap_len() + size_of_val(filter)).sum();
        size_of::<Self>() + of_filters
    }

    fn add(&mut self, group: u8, fragment: &Fragment) {
        let halves = self.low.iter_mut().zip(&mut self.high);
        for (n, (low, high)) in halves.enumerate() {
            if n >= fragment.width {
                low.iter_mut().chain(high).for_each(|set| *set |= group);
                continue;
            }
            let (of_low, of_high) = fragment.halves(n);
            for (set, wanted) in [(low, of_low), (high, of_high)] {
                (0..)
                    .zip(set)
                    .filter(|(at, _)| wanted >> at & 1 == 1)
                    .for_each(|(_, groups): (u8, _)| *groups |= group);
            }
        }
    }
}

/// Calls `hit` for the positions at which the filter says that a fragment of its class may stand, with the folded bytes there;
/// of a class with a stride of *n* every *n*-th position is asked.
#[inline]
pub(crate) fn by_hash(filter: &Filter, class: Class, hay: &[u8], mut hit: impl FnMut(usize, u32)) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        let (mut hits, mut at) = (Hits::new(), 0);
        while at < hay.len() {
            #[expect(unsafe_code, reason = "many positions at once: a tenth of the instructions of the scalar walk")]
            // SAFETY: the processor has AVX2.
            unsafe {
                at = match class.stride {
                    4 => avx2::by_hash::<4>(filter, hay, at, &mut hits),
                    2 => avx2::by_hash::<2>(filter, hay, at, &mut hits),
                    _ => avx2::by_hash::<1>(filter, hay, at, &mut hits),
                };
            }
            hits.take().iter().for_each(|found| hit(found.at, found.folded));
        }
        return;
    }
    scalar(filter, class, hay, &mut hit);
}

/// Calls `hit` for the positions at which a fragment may stand, with the folded bytes there and the width of the fragment.
#[inline]
pub(crate) fn by_halves(halves: &Halves, hay: &[u8], mut hit: impl FnMut(usize, u32, usize)) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        let (mut hits, mut at) = (Hits::new(), 0);
        while at < hay.len() {
            #[expect(unsafe_code, reason = "many positions at once: a tenth of the instructions of the scalar walk")]
            // SAFETY: the processor has AVX2.
            unsafe {
                at = match halves.width {
                    1 => avx2::by_halves::<1>(halves, hay, at, &mut hits),
                    2 => avx2::by_halves::<2>(halves, hay, at, &mut hits),
                    3 => avx2::by_halves::<3>(halves, hay, at, &mut hits),
                    _ => avx2::by_halves::<4>(halves, hay, at, &mut hits),
                };
            }
            hits.take().iter().for_each(|found| hit(found.at, found.folded, found.width));
        }
        return;
    }
    for (_, filter) in &halves.by_width {
        let class = Class { stride: 1, width: filter.width() };
        scalar(filter, class, hay, &mut |at, folded| hit(at, folded, class.width));
    }
}

/// The walk without vectors.
pub(crate) fn scalar(filter: &Filter, class: Class, hay: &[u8], hit: &mut impl FnMut(usize, u32)) {
    let mut at = 0;
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
    use super::{HALVES_WIDTH, Halves, Hit, Hits, fold};
    use crate::table::{Filter, LOWER, SPREAD};
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_alignr_epi8, _mm256_and_si256,
        _mm256_broadcastsi128_si256, _mm256_castsi256_ps, _mm256_cmpeq_epi8, _mm256_i32gather_epi32,
        _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_mullo_epi32, _mm256_or_si256,
        _mm256_permute2x128_si256, _mm256_set_epi8, _mm256_set_m128i, _mm256_set1_epi8, _mm256_set1_epi32,
        _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_sllv_epi32, _mm256_srl_epi32, _mm256_srli_epi16,
        _mm256_srli_epi32, _mm256_storeu_si256,
    };

    /// Bytes of a whole load.
    const LOAD_LEN: usize = 32;

    /// Notes the positions that `bits` stand for.
    #[inline(always)]
    fn note(hay: &[u8], at: usize, stride: usize, mut bits: u32, hits: &mut Hits) {
        while bits != 0 {
            let at = at + stride * bits.trailing_zeros() as usize;
            bits &= bits - 1;
            hits.push(Hit { at, folded: window(hay, at), width: HALVES_WIDTH });
        }
    }

    /// Notes the positions that `bits` stand for if the filter of the groups found there agrees.
    #[inline(always)]
    fn note_groups(sets: &Halves, hay: &[u8], at: usize, mut bits: u32, all: __m256i, hits: &mut Hits) {
        let mut groups = [0u8; LOAD_LEN];
        // SAFETY: there is room for 32 bytes.
        unsafe { _mm256_storeu_si256(groups.as_mut_ptr().cast::<__m256i>(), all) };
        while bits != 0 {
            let n = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let (at, there) = (at + n, groups.get(n).copied().unwrap_or(0));
            let folded = window(hay, at);
            for (_, filter) in sets.by_width.iter().filter(|(groups, _)| groups & there != 0) {
                if filter.may_have(folded) {
                    hits.push(Hit { at, folded, width: filter.width() });
                }
            }
        }
    }

    /// As [`fold`] of the bytes from `at` on.
    #[inline(always)]
    fn window(hay: &[u8], at: usize) -> u32 {
        match hay.get(at..at + 4).and_then(|window| window.first_chunk()) {
            Some(&four) => u32::from_le_bytes(four) | LOWER,
            None => last_window(hay, at),
        }
    }

    #[cold]
    fn last_window(hay: &[u8], at: usize) -> u32 {
        fold(hay.get(at..).unwrap_or_default())
    }

    /// `bytes`, fewer than a whole load, with zeros behind them.
    #[inline(always)]
    fn padded(bytes: &[u8]) -> [u8; LOAD_LEN] {
        let mut room = [0; LOAD_LEN];
        if let Some(start) = room.get_mut(..bytes.len()) {
            start.copy_from_slice(bytes);
        }
        room
    }

    /// Asks every `STRIDE`-th position from `at` on, until the text ends or there is no more room; returns where to go on.
    ///
    /// # Safety
    /// The processor must have AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn by_hash<const STRIDE: usize>(
        filter: &Filter,
        hay: &[u8],
        mut at: usize,
        found: &mut Hits,
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
        let second_shift = _mm_cvtsi32_si128(filter.shift.cast_signed() - 5);
        // The filter has one bit for each value of the upper 32 - shift bits of a hash; a gather beyond it would be unsound.
        assert!(filter.shift >= 5 && filter.shift < 32 && filter.bits.len() == 1 << (32 - filter.shift - 5));
        let bits = filter.bits.as_ptr().cast::<i32>();
        // Which of eight positions may have a fragment, in 32 bytes from `from` on.
        let ask = |from: *const u8| {
            // SAFETY: the caller gives a pointer to 32 bytes; the loads lie within them and need no alignment.
            let load = unsafe {
                if STRIDE == 4 {
                    _mm256_loadu_si256(from.cast::<__m256i>())
                } else {
                    let low = _mm_loadu_si128(from.cast::<__m128i>());
                    let high = _mm_loadu_si128(from.add(4 * STRIDE).cast::<__m128i>());
                    _mm256_shuffle_epi8(_mm256_set_m128i(high, low), windows)
                }
            };
            let mut folded = _mm256_or_si256(load, lower);
            if STRIDE != 4 {
                folded = _mm256_and_si256(folded, mask);
            }
            let whole = _mm256_mullo_epi32(folded, spread);
            let hash = _mm256_srl_epi32(whole, shift);
            // SAFETY: `hash` has `32 - shift` bits, so its upper part is below the number of words, as asserted.
            let words = unsafe { _mm256_i32gather_epi32::<4>(bits, _mm256_srli_epi32::<5>(hash)) };
            let first = _mm256_sllv_epi32(words, _mm256_and_si256(hash, low_bits));
            let second = _mm256_sllv_epi32(words, _mm256_and_si256(_mm256_srl_epi32(whole, second_shift), low_bits));
            _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_and_si256(first, second))).cast_unsigned()
        };
        while at + LOAD_LEN <= hay.len() {
            // SAFETY: 32 bytes from `at` on are within `hay`.
            let hits = ask(unsafe { hay.as_ptr().add(at) });
            let here = at;
            at += 8 * STRIDE;
            if hits != 0 {
                note(hay, here, STRIDE, hits, found);
                if !found.has_room() {
                    return at;
                }
            }
        }
        if STRIDE == 4 && at < hay.len() && hay.len() >= LOAD_LEN {
            // The last load ends where the text does, but for bytes in which no fragment begins; some positions were asked.
            let from = (hay.len() - LOAD_LEN) & !3;
            // SAFETY: 32 bytes from `from` on are within `hay`.
            let hits = ask(unsafe { hay.as_ptr().add(from) }) & (u32::MAX << ((at - from) / STRIDE));
            note(hay, from, STRIDE, hits, found);
            return hay.len();
        }
        // What is left is less than a load; with zeros behind it. What is found across its end is none.
        while let Some(rest) = hay.get(at..).filter(|rest| !rest.is_empty() && found.has_room()) {
            note(hay, at, STRIDE, ask(padded(rest).as_ptr()), found);
            at += 8 * STRIDE;
        }
        at
    }

    /// Asks every position from `at` on by sets of half bytes of `WIDTH` bytes, until the text ends or there is no more room;
    /// returns where to go on.
    ///
    /// # Safety
    /// The processor must have AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn by_halves<const WIDTH: usize>(
        sets: &Halves,
        hay: &[u8],
        mut at: usize,
        found: &mut Hits,
    ) -> usize {
        let table = |set: &[u8; 16]| {
            // SAFETY: the set has the 16 bytes that are loaded.
            _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(set.as_ptr().cast::<__m128i>()) })
        };
        let tables: [(__m256i, __m256i); HALVES_WIDTH] =
            std::array::from_fn(|n| match (sets.low.get(n), sets.high.get(n)) {
                (Some(low), Some(high)) => (table(low), table(high)),
                _ => (_mm256_setzero_si256(), _mm256_setzero_si256()),
            });
        let half = _mm256_set1_epi8(15);
        // The groups of which a fragment may have the byte at its place `n`.
        let groups = |n: usize, v: __m256i| {
            let (low, high) = tables.get(n).copied().unwrap_or((v, v));
            let of_low = _mm256_shuffle_epi8(low, _mm256_and_si256(v, half));
            let of_high = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16::<4>(v), half));
            _mm256_and_si256(of_low, of_high)
        };
        let hits_of =
            |all: __m256i| !_mm256_movemask_epi8(_mm256_cmpeq_epi8(all, _mm256_setzero_si256())).cast_unsigned();
        while at + LOAD_LEN + WIDTH - 1 <= hay.len() {
            // SAFETY: `at + 32 + n` is within `hay` for `n` below `WIDTH`; the loads need no alignment.
            let load = |n: usize| unsafe { _mm256_loadu_si256(hay.as_ptr().add(at + n).cast::<__m256i>()) };
            let mut all = groups(0, load(0));
            for n in 1..WIDTH {
                all = _mm256_and_si256(all, groups(n, load(n)));
            }
            let hits = hits_of(all);
            let here = at;
            at += LOAD_LEN;
            if hits != 0 {
                note_groups(sets, hay, here, hits, all, found);
                if !found.has_room() {
                    return at;
                }
            }
        }
        // The last loads: one ends where the text does, with zeros behind it; some of its positions were asked. What is found
        // across the end is none.
        while at < hay.len() && found.has_room() {
            let from = at.min(hay.len().saturating_sub(LOAD_LEN));
            let rest = hay.get(from..).unwrap_or_default();
            let whole = rest.first_chunk().copied().unwrap_or_else(|| padded(rest));
            // SAFETY: there are 32 bytes.
            let first = unsafe { _mm256_loadu_si256(whole.as_ptr().cast::<__m256i>()) };
            let upper = _mm256_permute2x128_si256::<0x81>(first, first);
            let mut all = groups(0, first);
            if WIDTH > 1 {
                all = _mm256_and_si256(all, groups(1, _mm256_alignr_epi8::<1>(upper, first)));
            }
            if WIDTH > 2 {
                all = _mm256_and_si256(all, groups(2, _mm256_alignr_epi8::<2>(upper, first)));
            }
            if WIDTH > 3 {
                all = _mm256_and_si256(all, groups(3, _mm256_alignr_epi8::<3>(upper, first)));
            }
            let new = (u32::MAX << (at - from)) & (u32::MAX >> LOAD_LEN.saturating_sub(rest.len()));
            let hits = hits_of(all) & new;
            note_groups(sets, hay, from, hits, all, found);
            if rest.len() <= LOAD_LEN {
                return hay.len();
            }
            // The last positions were asked without all of their bytes.
            at = from + LOAD_LEN + 1 - WIDTH;
        }
        at
    }
}
