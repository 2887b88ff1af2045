use sekisho_types::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// log2 of a tick in nanoseconds: 0.54 s. There is a wheel for every shard, so that one has few timers in a tick.
const TICK_BITS: u32 = 29;
/// Slots of the wheel; together 550 s, more than the longest timeout.
const SLOT_COUNT: usize = 1024;

/// One timer: when, and for which slot of the flow table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// When it is due, in nanoseconds of packet time.
    pub(crate) due: i64,
    /// Slot number.
    pub(crate) index: u32,
    /// Generation of the slot, so that a reused slot ignores old timers.
    pub(crate) generation: u32,
}

/// A timer wheel with coarse slots and exact expiry: the slot that time stands in is a heap, so that many
/// timers due in one tick cost no more than others.
///
/// Entries are never cancelled; whoever gets one back checks whether it still means something, and throws
/// out what doesn't ([`Wheel::retain`]) when there are too many.
#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<Reverse<Entry>>>,
    /// Entries of the current tick and earlier, earliest on top.
    current: BinaryHeap<Reverse<Entry>>,
    /// Entries in all, those that mean nothing any more included.
    len: usize,
    /// The tick that `current` belongs to.
    tick: i64,
    /// No timer is due before then; at first the wheel has to learn the time.
    next: i64,
    started: bool,
}

impl Default for Wheel {
    fn default() -> Self {
        Self {
            slots: vec![Vec::new(); SLOT_COUNT],
            current: BinaryHeap::new(),
            len: 0,
            tick: 0,
            next: i64::MIN,
            started: false,
        }
    }
}

fn slot_of(tick: i64) -> usize {
    usize::try_from(tick.rem_euclid(SLOT_COUNT as i64)).unwrap_or(0)
}

impl Wheel {
    /// Adds a timer.
    pub(crate) fn add(&mut self, entry: Entry) {
        self.len += 1;
        self.next = self.next.min(entry.due);
        self.place(entry);
    }

    fn place(&mut self, entry: Entry) {
        let last = self.tick.saturating_add(SLOT_COUNT as i64 - 1);
        let tick = (entry.due >> TICK_BITS).min(last);
        if tick <= self.tick {
            self.current.push(Reverse(entry));
        } else if let Some(slot) = self.slots.get_mut(slot_of(tick)) {
            slot.push(Reverse(entry));
        }
    }

    /// No timer is due before then; nothing may be due then, either.
    pub(crate) const fn next_due(&self) -> i64 {
        self.next
    }

    /// The next timer that is due at `now`, earliest first; `None` when all due ones were given out.
    #[inline]
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<Entry> {
        if now.0 < self.next { None } else { self.search(now) }
    }

    fn search(&mut self, now: Timestamp) -> Option<Entry> {
        let found = self.turn(now);
        if found.is_none() {
            self.next = self.bound();
        }
        found
    }

    /// The time of the next timer, or of the beginning of the slot it waits in.
    fn bound(&self) -> i64 {
        if let Some(Reverse(first)) = self.current.peek() {
            // Those clamped to the horizon are not the next.
            return first.due.min((self.tick + 1).saturating_mul(1 << TICK_BITS));
        }
        let tick = (self.tick + 1..self.tick + SLOT_COUNT as i64)
            .find(|tick| self.slots.get(slot_of(*tick)).is_some_and(|slot| !slot.is_empty()));
        tick.map_or(i64::MAX, |tick| tick.saturating_mul(1 << TICK_BITS))
    }

    fn turn(&mut self, now: Timestamp) -> Option<Entry> {
        let now_tick = now.0 >> TICK_BITS;
        if !self.started {
            self.started = true;
            self.tick = now_tick;
        }
        loop {
            if let Some(Reverse(first)) = self.current.peek() {
                if first.due <= now.0 && first.due >> TICK_BITS <= self.tick {
                    self.len = self.len.saturating_sub(1);
                    return self.current.pop().map(|e| e.0);
                }
                if self.tick >= now_tick {
                    return None;
                }
                // Entries clamped to the horizon: they belong further out.
                for e in std::mem::take(&mut self.current) {
                    self.place_after(e.0);
                }
            }
            if self.tick >= now_tick {
                return None;
            }
            // A jump over more than the whole wheel needs every slot once, not every tick.
            if now_tick.saturating_sub(self.tick) > SLOT_COUNT as i64 {
                self.collect_all(now_tick);
                continue;
            }
            self.tick += 1;
            if let Some(slot) = self.slots.get_mut(slot_of(self.tick)) {
                // Empty here; its buffer serves the slot.
                let empty = std::mem::take(&mut self.current).into_vec();
                self.current = std::mem::replace(slot, empty).into();
            }
        }
    }

    /// As `place`, for entries taken out of the current slot although they are not due in it.
    fn place_after(&mut self, entry: Entry) {
        let tick = (entry.due >> TICK_BITS).clamp(self.tick + 1, self.tick + SLOT_COUNT as i64 - 1);
        if let Some(slot) = self.slots.get_mut(slot_of(tick)) {
            slot.push(Reverse(entry));
        }
    }

    /// Moves to `tick` at once: everything is placed anew.
    fn collect_all(&mut self, tick: i64) {
        let mut all = std::mem::take(&mut self.current).into_vec();
        for slot in &mut self.slots {
            all.append(slot);
        }
        self.tick = tick;
        let (later, now): (Vec<_>, Vec<_>) = all.into_iter().partition(|e| e.0.due >> TICK_BITS > tick);
        self.current = now.into();
        for e in later {
            self.place(e.0);
        }
    }

    /// Throws out the entries of which `means_something` says no.
    pub(crate) fn retain(&mut self, mut means_something: impl FnMut(&Entry) -> bool) {
        self.current.retain(|e| means_something(&e.0));
        for slot in &mut self.slots {
            slot.retain(|e| means_something(&e.0));
        }
        self.len = self.current.len() + self.slots.iter().map(Vec::len).sum::<usize>();
    }

    /// Forgets all timers.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Timers waiting, stale ones included.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(due: i64) -> Entry {
        Entry { due, index: 0, generation: 0 }
    }

    fn drain(w: &mut Wheel, now: i64) -> Vec<i64> {
        std::iter::from_fn(|| w.pop_due(Timestamp(now))).map(|e| e.due).collect()
    }

    #[test]
    fn fires_exactly_and_in_order() {
        let s = 1_000_000_000i64;
        let t0 = 1_700_000_000 * s;
        let mut w = Wheel::default();
        assert!(drain(&mut w, t0).is_empty());
        for d in [5 * s, 300 * s, 5 * s + 1, 60 * s, 10] {
            w.add(entry(t0 + d));
        }
        assert_eq!(drain(&mut w, t0 + 9), []);
        assert_eq!(drain(&mut w, t0 + 10), [t0 + 10]);
        assert_eq!(drain(&mut w, t0 + 5 * s - 1), []);
        assert_eq!(drain(&mut w, t0 + 5 * s), [t0 + 5 * s]);
        assert_eq!(drain(&mut w, t0 + 299 * s), [t0 + 5 * s + 1, t0 + 60 * s]);
        assert_eq!(drain(&mut w, t0 + 300 * s), [t0 + 300 * s]);
        assert_eq!(w.len(), 0);
    }

    #[test]
    fn survives_jumps_and_far_timers() {
        let s = 1_000_000_000i64;
        let mut w = Wheel::default();
        assert!(drain(&mut w, 0).is_empty());
        w.add(entry(5000 * s));
        w.add(entry(3 * s));
        w.add(entry(i64::MAX));
        assert_eq!(drain(&mut w, 4999 * s), [3 * s]);
        assert_eq!(drain(&mut w, 5000 * s), [5000 * s]);
        w.add(entry(1_000_000 * s));
        assert_eq!(drain(&mut w, 2_000_000 * s), [1_000_000 * s]);
        assert_eq!(w.len(), 1);
    }

    #[test]
    fn many_timers_of_one_tick_are_not_sorted_in_one_by_one() {
        let mut w = Wheel::default();
        assert!(drain(&mut w, 0).is_empty());
        for i in 0..300_000 {
            w.add(Entry { due: 1000, index: i, generation: 0 });
        }
        w.retain(|e| e.index % 2 == 0);
        assert_eq!((w.len(), drain(&mut w, 1000).len(), w.len()), (150_000, 150_000, 0));
    }

    proptest::proptest! {
        #[test]
        fn equals_a_sorted_list(ops in proptest::collection::vec((0i64..2_000_000_000_000, 0i64..40_000_000_000), 1..200)) {
            let (mut w, mut model, mut now) = (Wheel::default(), Vec::new(), 0i64);
            drain(&mut w, 0);
            for (add, step) in ops {
                w.add(entry(now + add));
                model.push(now + add);
                now += step;
                model.sort_unstable();
                let n = model.partition_point(|d| *d <= now);
                let want: Vec<i64> = model.drain(..n).collect();
                assert_eq!(drain(&mut w, now), want);
            }
            assert_eq!(w.len(), model.len());
        }
    }
}
