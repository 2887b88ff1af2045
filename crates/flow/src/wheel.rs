use sekisho_types::Timestamp;

/// log2 of a tick in nanoseconds: 0.13 s.
const TICK_BITS: u32 = 27;
/// Slots of the wheel; together 550 s, more than the longest timeout.
const SLOT_COUNT: usize = 4096;

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

/// A timer wheel with coarse slots and exact expiry: the slot that time stands in is kept sorted.
///
/// Entries are never cancelled; whoever gets one back checks whether it still means something.
#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<Entry>>,
    /// Entries of the current tick and earlier, latest first.
    current: Vec<Entry>,
    /// The tick that `current` belongs to.
    tick: i64,
    started: bool,
}

impl Default for Wheel {
    fn default() -> Self {
        Self { slots: vec![Vec::new(); SLOT_COUNT], current: Vec::new(), tick: 0, started: false }
    }
}

fn slot_of(tick: i64) -> usize {
    usize::try_from(tick.rem_euclid(SLOT_COUNT as i64)).unwrap_or(0)
}

impl Wheel {
    /// Adds a timer.
    pub(crate) fn add(&mut self, entry: Entry) {
        self.place(entry);
    }

    fn place(&mut self, entry: Entry) {
        let last = self.tick.saturating_add(SLOT_COUNT as i64 - 1);
        let tick = (entry.due >> TICK_BITS).min(last);
        if tick <= self.tick {
            let at = self.current.partition_point(|e| *e > entry);
            self.current.insert(at, entry);
        } else if let Some(slot) = self.slots.get_mut(slot_of(tick)) {
            slot.push(entry);
        }
    }

    /// The next timer that is due at `now`, earliest first; `None` when all due ones were given out.
    #[inline]
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<Entry> {
        let quiet = now.0 >> TICK_BITS == self.tick && self.current.last().is_none_or(|e| e.due > now.0);
        if quiet && self.started { None } else { self.turn(now) }
    }

    fn turn(&mut self, now: Timestamp) -> Option<Entry> {
        let now_tick = now.0 >> TICK_BITS;
        if !self.started {
            self.started = true;
            self.tick = now_tick;
        }
        loop {
            if let Some(last) = self.current.last() {
                if last.due <= now.0 && last.due >> TICK_BITS <= self.tick {
                    return self.current.pop();
                }
                if self.tick >= now_tick {
                    return None;
                }
                // Entries clamped to the horizon: they belong further out.
                for e in std::mem::take(&mut self.current) {
                    self.place_after(e);
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
                std::mem::swap(slot, &mut self.current);
                self.current.sort_unstable_by(|a, b| b.cmp(a));
            }
        }
    }

    /// As `place`, for entries taken out of the current slot although they are not due in it.
    fn place_after(&mut self, entry: Entry) {
        let tick = (entry.due >> TICK_BITS).clamp(self.tick + 1, self.tick + SLOT_COUNT as i64 - 1);
        if let Some(slot) = self.slots.get_mut(slot_of(tick)) {
            slot.push(entry);
        }
    }

    /// Moves to `tick` at once: everything is sorted anew.
    fn collect_all(&mut self, tick: i64) {
        let mut all = std::mem::take(&mut self.current);
        for slot in &mut self.slots {
            all.append(slot);
        }
        self.tick = tick;
        all.sort_unstable_by(|a, b| b.cmp(a));
        let (later, now): (Vec<_>, Vec<_>) = all.into_iter().partition(|e| e.due >> TICK_BITS > tick);
        self.current = now;
        for e in later {
            self.place(e);
        }
    }

    /// Forgets all timers.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Timers waiting, stale ones included.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.current.len() + self.slots.iter().map(Vec::len).sum::<usize>()
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
