//! Unsigned answers of whose zones nothing is known yet: most of DNS. They are kept as they came, and read only if a link
//! of their chain passes soon, as validators ask for it right after the answer.

use crate::message;
use crate::name::{self, Name};
use crate::observer::Seen;
use crate::waiting::Room;
use sekisho_types::{Timestamp, seeded_hash_folded};
use std::collections::VecDeque;

/// Counters of what is parked below a zone; zones share them by their digest.
const COUNTERS: usize = 4_096;

/// One of them.
pub(crate) struct Parked {
    pub(crate) seen: Seen,
    pub(crate) wire: Box<[u8]>,
}

impl Parked {
    fn len(&self) -> usize {
        size_of::<Self>() + self.wire.len()
    }

    fn is_within(&self, zone: &[u8]) -> bool {
        let Some(mut at) = self.wire.get(message::QUESTION..) else { return false };
        loop {
            if at.get(..zone.len()).is_some_and(|end| end.eq_ignore_ascii_case(zone)) {
                return true;
            }
            match name::parent_of(at) {
                Some(parent) => at = parent,
                None => return false,
            }
        }
    }
}

/// All of them, in the order in which they came.
pub(crate) struct Lot {
    parked: VecDeque<Parked>,
    /// Those that may go on.
    awake: VecDeque<Parked>,
    len: usize,
    /// How many of `parked` lie within a zone, so that a link for which nobody waits costs nothing.
    below: Box<[u32]>,
    seed: u64,
    room: Room,
    pub(crate) crowded_out_count: u64,
}

impl Lot {
    pub(crate) fn new(room: Room, seed: u64) -> Self {
        Self {
            parked: VecDeque::new(),
            awake: VecDeque::new(),
            len: 0,
            below: vec![0; COUNTERS].into(),
            seed,
            room,
            crowded_out_count: 0,
        }
    }

    /// Lets one wait.
    pub(crate) fn add(&mut self, seen: Seen, wire: &[u8]) {
        let parked = Parked { seen, wire: wire.into() };
        self.len += parked.len();
        self.count_zones(&parked, 1);
        self.parked.push_back(parked);
    }

    /// Changes the counters of the zones above one.
    fn count_zones(&mut self, parked: &Parked, by: i32) {
        let wire = parked.wire.get(message::QUESTION..).unwrap_or(&[]);
        let wire = wire.get(..name::MAX_NAME_LEN).unwrap_or(wire);
        // A zone's digest is that of its labels from here to the root, which end where the question's name does.
        let mut rest = name::end_of(wire).and_then(|end| wire.get(..end));
        while let Some(zone) = rest {
            rest = name::parent_of(zone);
            if let Some(counter) = self.below.get_mut(place(zone, self.seed)) {
                *counter = counter.saturating_add_signed(by);
            }
        }
    }

    /// One whose time is up, or for which there is no room any more.
    pub(crate) fn next_out(&mut self, now: Timestamp) -> Option<Parked> {
        let oldest = self.parked.front()?;
        let is_crowded = self.count() > self.room.count || self.len > self.room.len;
        if !is_crowded && now - oldest.seen.at <= self.room.time {
            return None;
        }
        self.crowded_out_count += u64::from(is_crowded);
        self.pop_first()
    }

    /// The oldest.
    pub(crate) fn pop_first(&mut self) -> Option<Parked> {
        if let Some(awake) = self.next_awake() {
            return Some(awake);
        }
        let oldest = self.parked.pop_front()?;
        self.len -= oldest.len();
        self.count_zones(&oldest, -1);
        Some(oldest)
    }

    /// More of the zone passed or was proven.
    pub(crate) fn wake(&mut self, zone: &Name) {
        let zone = zone.as_wire();
        if self.below.get(place(zone, self.seed)).is_none_or(|count| *count == 0) {
            return;
        }
        let (awake, asleep): (Vec<Parked>, Vec<Parked>) = self.parked.drain(..).partition(|p| p.is_within(zone));
        self.parked.extend(asleep);
        awake.iter().for_each(|p| self.count_zones(p, -1));
        self.awake.extend(awake);
    }

    /// One that may go on.
    pub(crate) fn next_awake(&mut self) -> Option<Parked> {
        let awake = self.awake.pop_front()?;
        self.len -= awake.len();
        Some(awake)
    }

    pub(crate) fn count(&self) -> usize {
        self.parked.len() + self.awake.len()
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.len
    }
}

/// The counter of a zone, whatever its case.
fn place(zone: &[u8], seed: u64) -> usize {
    usize::try_from(seeded_hash_folded(seed, zone)).unwrap_or(0) % COUNTERS
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_types::{Addr, Interval};

    fn answer(question: &[u8]) -> Vec<u8> {
        let edns = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00";
        [b"\0\x01\x81\x80\0\x01\0\0\0\0\0\x01", question, b"\0\x01\0\x01", edns].concat()
    }

    fn lot(count: usize, len: usize) -> Lot {
        Lot::new(Room { count, len, time: Interval::from_secs(10) }, 7)
    }

    fn seen(secs: i64) -> Seen {
        Seen { at: Timestamp(secs * 1_000_000_000), server: Addr::UNSPECIFIED, token: secs.unsigned_abs() }
    }

    #[test]
    fn wakes_what_is_within_the_zone_whatever_its_case() {
        let mut lot = lot(8, 10_000);
        for (at, name) in [&b"\x01a\x04Test\0"[..], b"\x04test\0", b"\x05atest\0", b"\x01b\x03org\0"].iter().enumerate()
        {
            lot.add(seen(at as i64), &answer(name));
        }
        lot.wake(&Name::from_text("net").unwrap());
        assert!(lot.next_awake().is_none());
        lot.wake(&Name::from_text("test").unwrap());
        let mut awake = || lot.next_awake().map(|p| p.seen.token);
        assert_eq!((awake(), awake(), awake()), (Some(0), Some(1), None));
        assert_eq!(lot.count(), 2);
        lot.wake(&Name::root());
        assert_eq!(lot.next_awake().map(|p| p.seen.token), Some(2));
        assert_eq!(lot.pop_first().map(|p| p.seen.token), Some(3), "awake, but its turn did not come");
        assert_eq!((lot.count(), lot.heap_len()), (0, 0));
        assert!(lot.below.iter().all(|count| *count == 0));
    }

    #[test]
    fn goes_out_when_its_time_is_up_or_room_is_wanted() {
        let mut lot = lot(2, 10_000);
        lot.add(seen(0), &answer(b"\x01a\0"));
        assert!(lot.next_out(seen(10).at).is_none());
        assert_eq!(lot.next_out(seen(11).at).map(|p| p.seen.token), Some(0));
        for at in 0..3 {
            lot.add(seen(at), &answer(b"\x01a\0"));
        }
        assert!(lot.next_out(seen(3).at).is_some() && lot.next_out(seen(3).at).is_none());
        assert_eq!((lot.count(), lot.crowded_out_count), (2, 1));
        let mut short = self::lot(9, 100);
        short.add(seen(0), &answer(&[&[63; 64][..], b"\0"].concat()));
        assert!(short.next_out(seen(0).at).is_some());
    }
}
