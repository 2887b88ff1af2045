use crate::slots::UNARMED;
use sekisho_types::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// log2 of a tick in nanoseconds: 0.54 s. There is a wheel for every part of a pass, so that one has few timers in a tick.
const TICK_BITS: u32 = 29;
/// Slots of the wheel; together 550 s, more than the longest timeout.
const TICK_COUNT: usize = 1024;
/// Entries per block of the list of a tick: a block is one cache line.
const BLOCK_COUNT: usize = 14;
/// Entries for the current tick beyond which the room for them is given back when it was used.
const CURRENT_KEPT_COUNT: usize = 1 << 14;
/// No block.
const NONE: u32 = u32::MAX;

/// What the timers are for: things with numbers, each of which knows when it is due.
pub(crate) trait Timed {
    /// The tick at which `index` has an entry, or [`UNARMED`].
    fn armed(&mut self, index: u32) -> Option<&mut u32>;

    /// When `index` is due, in nanoseconds; `None` if it is gone.
    fn due(&self, index: u32) -> Option<i64>;
}

/// Some entries of one tick.
#[derive(Clone, Debug)]
struct Block {
    next: u32,
    len: u32,
    items: [u32; BLOCK_COUNT],
}

/// A timer wheel with coarse ticks and exact expiry: the entries of the tick that time stands in are a heap, so
/// that many timers due in one tick cost no more than others.
///
/// An entry is a number of 4 bytes. It means something if the thing of that number says that it is armed for the
/// tick; when the tick comes, the thing is asked when it is due and perhaps put off. So deadlines that move further
/// out, as with every packet of a flow, cost nothing, and nothing is ever cancelled.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// First block of each tick.
    heads: Box<[u32]>,
    /// Which ticks have entries, a bit each: a wheel turns far more often than it has something to do.
    marks: Box<[u64]>,
    blocks: Vec<Block>,
    /// First unused block.
    free: u32,
    /// Entries of the current tick with the time they are due at, earliest on top.
    current: BinaryHeap<Reverse<(i64, u32)>>,
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
            heads: vec![NONE; TICK_COUNT].into(),
            marks: vec![0; TICK_COUNT / 64].into(),
            blocks: Vec::new(),
            free: NONE,
            current: BinaryHeap::new(),
            len: 0,
            tick: 0,
            next: i64::MIN,
            started: false,
        }
    }
}

fn slot_of(tick: i64) -> usize {
    usize::try_from(tick.rem_euclid(TICK_COUNT as i64)).unwrap_or(0)
}

/// A tick as things remember it: its lower 31 bits, enough to tell the ticks of a turn from each other.
const fn mark(tick: i64) -> u32 {
    (tick & 0x7fff_ffff) as u32
}

/// Does `a` come after `b`, both marks within a turn of each other?
const fn is_after(a: u32, b: u32) -> bool {
    // The difference of 31-bit numbers, with the sign where it belongs.
    (a.wrapping_sub(b) << 1).cast_signed() > 0
}

impl Wheel {
    /// What an entry takes: in a full block, and once more for what is left behind or not filled.
    pub(crate) const ENTRY_LEN: usize = (2 * size_of::<Block>()).div_ceil(BLOCK_COUNT);

    /// Sees to it that `index`, new or due earlier than before, is looked at in time, but not before `earliest`.
    pub(crate) fn arm(&mut self, things: &mut impl Timed, index: u32, earliest: i64) {
        let Some(due) = things.due(index).map(|due| due.max(earliest)) else { return };
        let tick = self.tick_of(due);
        let Some(armed) = things.armed(index) else { return };
        let later = *armed == UNARMED || is_after(*armed, mark(tick));
        if later || tick <= self.tick {
            *armed = mark(tick);
            self.len += 1;
            self.place(tick, due, index);
        }
    }

    /// The tick that something due then belongs to; what lies beyond the horizon is looked at there.
    fn tick_of(&self, due: i64) -> i64 {
        (due >> TICK_BITS).clamp(self.tick, self.tick.saturating_add(TICK_COUNT as i64 - 1))
    }

    fn place(&mut self, tick: i64, due: i64, index: u32) {
        self.next = self.next.min(due);
        if tick <= self.tick {
            self.current.push(Reverse((due, index)));
        } else {
            self.list(slot_of(tick), index);
        }
    }

    /// Adds an entry to the list of a tick.
    fn list(&mut self, slot: usize, index: u32) {
        if let Some(marks) = self.marks.get_mut(slot / 64) {
            *marks |= 1 << (slot % 64);
        }
        let Some(head) = self.heads.get_mut(slot) else { return };
        if let Some(block) = self.blocks.get_mut(*head as usize)
            && let Some(item) = block.items.get_mut(block.len as usize)
        {
            *item = index;
            block.len += 1;
            return;
        }
        let mut items = [0; BLOCK_COUNT];
        items[0] = index;
        let block = Block { next: *head, len: 1, items };
        if let Some(unused) = self.blocks.get_mut(self.free as usize) {
            *head = self.free;
            self.free = unused.next;
            *unused = block;
        } else if let Ok(number) = u32::try_from(self.blocks.len()) {
            *head = number;
            self.blocks.push(block);
        }
    }

    /// Takes the list of a tick away: its first block.
    fn unhead(&mut self, tick: i64) -> u32 {
        let slot = slot_of(tick);
        if let Some(marks) = self.marks.get_mut(slot / 64) {
            *marks &= !(1 << (slot % 64));
        }
        self.heads.get_mut(slot).map_or(NONE, |head| std::mem::replace(head, NONE))
    }

    /// The first tick after the current one, up to `last`, that has a list; `last` at most a turn away.
    fn next_listed(&self, last: i64) -> Option<i64> {
        let mut tick = self.tick.saturating_add(1);
        while tick <= last {
            let slot = slot_of(tick);
            let ahead = self.marks.get(slot / 64).copied().unwrap_or(0) >> (slot % 64);
            if ahead != 0 {
                return Some(tick.saturating_add(i64::from(ahead.trailing_zeros()))).filter(|&tick| tick <= last);
            }
            tick = tick.saturating_add(64 - (slot % 64) as i64);
        }
        None
    }

    /// Takes the list of a tick apart; what still means something goes to where it is due.
    fn unlist(&mut self, things: &mut impl Timed, tick: i64) {
        let mut number = self.unhead(tick);
        while let Some(block) = self.blocks.get_mut(number as usize) {
            let (items, len, next) = (block.items, block.len, block.next);
            block.next = self.free;
            self.free = number;
            number = next;
            for &index in items.iter().take(len as usize) {
                self.put_off(things, tick, index);
            }
        }
    }

    /// Places the entry for `index` at `tick` anew.
    fn put_off(&mut self, things: &mut impl Timed, tick: i64, index: u32) {
        let due = things.due(index);
        let place = due.map(|due| self.tick_of(due));
        match things.armed(index) {
            Some(armed) if *armed == mark(tick) => match (due, place) {
                (Some(due), Some(place)) => {
                    *armed = mark(place);
                    self.place(place, due, index);
                    return;
                }
                _ => *armed = UNARMED,
            },
            _ => {}
        }
        self.len = self.len.saturating_sub(1);
    }

    /// The next thing that is due at `now`, earliest first; `None` when all due ones were given out. Its entry is
    /// gone: whoever keeps the thing calls [`Wheel::arm`] for it.
    #[inline]
    pub(crate) fn pop_due(&mut self, now: Timestamp, things: &mut impl Timed) -> Option<u32> {
        if now.0 < self.next { None } else { self.search(now, things) }
    }

    /// No timer is due before then; nothing may be due then, either.
    pub(crate) const fn next_due(&self) -> i64 {
        self.next
    }

    #[cold]
    fn search(&mut self, now: Timestamp, things: &mut impl Timed) -> Option<u32> {
        let found = self.turn(now, things);
        if found.is_none() {
            self.next = self.bound();
        }
        found
    }

    /// The time of the next timer, or of the beginning of the tick it waits in.
    fn bound(&self) -> i64 {
        let start = |tick: i64| tick.saturating_mul(1 << TICK_BITS);
        if let Some(Reverse((first, _))) = self.current.peek() {
            // Those clamped to the horizon are not the next.
            return (*first).min(start(self.tick + 1));
        }
        self.next_listed(self.tick.saturating_add(TICK_COUNT as i64 - 1)).map_or(i64::MAX, start)
    }

    fn turn(&mut self, now: Timestamp, things: &mut impl Timed) -> Option<u32> {
        let now_tick = now.0 >> TICK_BITS;
        if !self.started {
            self.started = true;
            self.tick = now_tick;
        }
        loop {
            while self.current.peek().is_some_and(|e| e.0.0 <= now.0) {
                let Some(Reverse((_, index))) = self.current.pop() else { break };
                let due = things.due(index);
                if due.is_none_or(|due| due > now.0) {
                    self.put_off(things, self.tick, index);
                    continue;
                }
                self.len = self.len.saturating_sub(1);
                let Some(armed) = things.armed(index) else { continue };
                if *armed == mark(self.tick) {
                    *armed = UNARMED;
                    return Some(index);
                }
            }
            if self.tick >= now_tick {
                return None;
            }
            self.step(now_tick, things);
        }
    }

    /// Moves on: one tick, or to `now_tick` at once if that is more than a turn away.
    fn step(&mut self, now_tick: i64, things: &mut impl Timed) {
        if self.current.is_empty() && self.current.capacity() > CURRENT_KEPT_COUNT {
            self.current = BinaryHeap::new();
        }
        let first = self.tick.saturating_add(1);
        if now_tick.saturating_sub(self.tick) <= TICK_COUNT as i64 {
            // What is put off goes to later ticks than this one, or is due now.
            match self.next_listed(now_tick.min(self.tick.saturating_add(TICK_COUNT as i64 - 1))) {
                Some(tick) => {
                    self.tick = tick;
                    self.unlist(things, tick);
                }
                None => self.tick = now_tick,
            }
            return;
        }
        let mut all = Vec::new();
        for tick in first..first.saturating_add(TICK_COUNT as i64 - 1) {
            self.take_all(things, tick, &mut all);
        }
        self.tick = now_tick;
        for index in all {
            self.arm(things, index, i64::MIN);
        }
    }

    /// Takes the list of a tick into `all`, without what means nothing any more.
    fn take_all(&mut self, things: &mut impl Timed, tick: i64, all: &mut Vec<u32>) {
        let mut number = self.unhead(tick);
        while let Some(block) = self.blocks.get_mut(number as usize) {
            let next = std::mem::replace(&mut block.next, self.free);
            self.free = number;
            number = next;
            for &index in block.items.iter().take(block.len as usize) {
                self.len = self.len.saturating_sub(1);
                if let Some(armed) = things.armed(index).filter(|armed| **armed == mark(tick)) {
                    *armed = UNARMED;
                    all.push(index);
                }
            }
        }
    }

    /// Forgets all timers. Whoever knows things that are armed unarms them.
    pub(crate) fn clear(&mut self) {
        *self = Self { tick: self.tick, started: self.started, ..Self::default() };
    }

    /// Timers waiting, stale ones included.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes held.
    pub(crate) fn held_len(&self) -> usize {
        size_of_val(&*self.heads)
            + size_of_val(&*self.marks)
            + self.blocks.capacity() * size_of::<Block>()
            + self.current.capacity() * size_of::<Reverse<(i64, u32)>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Things that are due at a given time.
    #[derive(Default)]
    struct Things(Vec<(Option<i64>, u32)>);

    impl Timed for Things {
        fn armed(&mut self, index: u32) -> Option<&mut u32> {
            self.0.get_mut(index as usize).map(|t| &mut t.1)
        }

        fn due(&self, index: u32) -> Option<i64> {
            self.0.get(index as usize)?.0
        }
    }

    impl Things {
        fn add(&mut self, w: &mut Wheel, due: i64) -> u32 {
            self.0.push((Some(due), UNARMED));
            let index = self.0.len() as u32 - 1;
            w.arm(self, index, i64::MIN);
            index
        }

        fn drain(&mut self, w: &mut Wheel, now: i64) -> Vec<i64> {
            let next = || w.pop_due(Timestamp(now), self).map(|i| self.0[i as usize].0.take().unwrap());
            std::iter::from_fn(next).collect()
        }
    }

    const S: i64 = 1_000_000_000;

    #[test]
    fn fires_exactly_and_in_order() {
        let t0 = 1_700_000_000 * S;
        let (mut w, mut t) = (Wheel::default(), Things::default());
        assert!(t.drain(&mut w, t0).is_empty());
        for d in [5 * S, 300 * S, 5 * S + 1, 60 * S, 10] {
            t.add(&mut w, t0 + d);
        }
        assert_eq!(t.drain(&mut w, t0 + 9), []);
        assert_eq!(t.drain(&mut w, t0 + 10), [t0 + 10]);
        assert_eq!(t.drain(&mut w, t0 + 5 * S - 1), []);
        assert_eq!(t.drain(&mut w, t0 + 5 * S), [t0 + 5 * S]);
        assert_eq!(t.drain(&mut w, t0 + 299 * S), [t0 + 5 * S + 1, t0 + 60 * S]);
        assert_eq!(t.drain(&mut w, t0 + 300 * S), [t0 + 300 * S]);
        assert_eq!(w.len(), 0);
    }

    #[test]
    fn survives_jumps_and_far_timers() {
        let (mut w, mut t) = (Wheel::default(), Things::default());
        assert!(t.drain(&mut w, 0).is_empty());
        for due in [5000 * S, 3 * S, i64::MAX] {
            t.add(&mut w, due);
        }
        assert_eq!(t.drain(&mut w, 4999 * S), [3 * S]);
        assert_eq!(t.drain(&mut w, 5000 * S), [5000 * S]);
        t.add(&mut w, 1_000_000 * S);
        assert_eq!(t.drain(&mut w, 2_000_000 * S), [1_000_000 * S]);
        assert_eq!(w.len(), 1);
        assert_eq!(t.drain(&mut w, i64::MAX), [i64::MAX]);
    }

    #[test]
    fn deadlines_move() {
        let (mut w, mut t) = (Wheel::default(), Things::default());
        assert!(t.drain(&mut w, 0).is_empty());
        let (a, b) = (t.add(&mut w, 10 * S), t.add(&mut w, 20 * S));
        // Further out: nobody says so, and nothing is done before.
        t.0[a as usize].0 = Some(30 * S);
        assert_eq!(t.drain(&mut w, 15 * S), []);
        // Nearer: said.
        t.0[b as usize].0 = Some(16 * S);
        w.arm(&mut t, b, i64::MIN);
        assert_eq!(w.len(), 3);
        assert_eq!(t.drain(&mut w, 17 * S), [16 * S]);
        // The thing is gone; its number is used again before its entry was met.
        t.0[a as usize].0 = Some(40 * S);
        w.arm(&mut t, a, i64::MIN);
        assert_eq!(w.len(), 2);
        assert_eq!(t.drain(&mut w, 39 * S), []);
        assert_eq!(t.drain(&mut w, 40 * S), [40 * S]);
        assert_eq!(w.len(), 0);
    }

    #[test]
    fn many_timers_of_one_tick_are_not_sorted_in_one_by_one() {
        let (mut w, mut t) = (Wheel::default(), Things::default());
        assert!(t.drain(&mut w, 0).is_empty());
        for _ in 0..300_000 {
            t.add(&mut w, 1 << TICK_BITS);
        }
        assert_eq!((w.len(), t.drain(&mut w, 2 << TICK_BITS).len(), w.len()), (300_000, 300_000, 0));
        let held = w.held_len();
        // Blocks serve again, and the room of the current tick was given back.
        for _ in 0..300_000 {
            t.add(&mut w, 10 << TICK_BITS);
        }
        assert_eq!((t.drain(&mut w, 9 << TICK_BITS).len(), w.len()), (0, 300_000));
        assert!(w.held_len() == held && held < 300_000 * 8, "{held}");
    }

    proptest::proptest! {
        #[test]
        fn equals_a_sorted_list(ops in proptest::collection::vec((0i64..2_000_000_000_000, 0i64..40_000_000_000), 1..200)) {
            let (mut w, mut t, mut model, mut now) = (Wheel::default(), Things::default(), Vec::new(), 0i64);
            t.drain(&mut w, 0);
            for (add, step) in ops {
                t.add(&mut w, now + add);
                model.push(now + add);
                now += step;
                model.sort_unstable();
                let n = model.partition_point(|d| *d <= now);
                let want: Vec<i64> = model.drain(..n).collect();
                assert_eq!(t.drain(&mut w, now), want);
            }
            assert_eq!(w.len(), model.len());
        }
    }
}
