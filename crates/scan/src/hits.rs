//! A list of places that a walk gives at once.

use std::mem::MaybeUninit;

/// Places that a walk gives at once; it always has room for those of one step.
const HIT_COUNT_MAX: usize = 320;

/// The places of a few steps.
pub(crate) struct Hits<T> {
    list: [MaybeUninit<T>; HIT_COUNT_MAX],
    count: usize,
}

impl<T: Copy> Hits<T> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        #[expect(unsafe_code, reason = "a list that is not set to anything for each slice")]
        // SAFETY: what may be uninitialised needs no initialisation.
        let list = unsafe { MaybeUninit::<[MaybeUninit<T>; HIT_COUNT_MAX]>::uninit().assume_init() };
        Self { list, count: 0 }
    }

    /// Is there room for so many more?
    #[inline(always)]
    pub(crate) const fn has_room(&self, step_count: usize) -> bool {
        self.count + step_count <= HIT_COUNT_MAX
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, hit: T) {
        if let Some(place) = self.list.get_mut(self.count) {
            place.write(hit);
            self.count += 1;
        }
    }

    #[inline]
    pub(crate) fn take(&mut self) -> &[T] {
        let count = std::mem::take(&mut self.count);
        let list = self.list.get(..count).unwrap_or_default();
        #[expect(unsafe_code, reason = "as above")]
        // SAFETY: the first `count` were written since the list was made; what is `Copy` has no destructor.
        unsafe {
            &*(std::ptr::from_ref(list) as *const [T])
        }
    }
}
