//! Unsigned answers of whose zones nothing is known yet: most of DNS. They are kept as they came, and read only if a link
//! of their chain passes soon, as validators ask for it right after the answer.

use crate::message;
use crate::name::{self, Name};
use crate::observer::Seen;
use crate::verdict::{Evidence, Own, Reason, Subject, Verdict};
use crate::waiting::Room;
use sekisho_types::Timestamp;
use std::collections::VecDeque;

/// Most of them, whatever the room: every link that passes is held against each.
const MAX_PARKED: usize = 256;

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

    /// What is to be said if nothing came.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let bare = message::bare(&self.wire)?;
        let name = Name::from_wire(&bare.name.to_ascii_lowercase())?;
        Some(Verdict {
            subject: if bare.is_answered { Subject::Answer } else { Subject::Denial },
            evidence: Evidence { zone: Some(name.clone()), ..Evidence::default() },
            name,
            rtype: bare.rtype,
            reason: Reason::NoProof,
            own: Own::Unchecked,
            seen: self.seen,
            set: None,
        })
    }
}

/// All of them, in the order in which they came.
pub(crate) struct Lot {
    parked: VecDeque<Parked>,
    /// Those that may go on.
    awake: VecDeque<Parked>,
    len: usize,
    room: Room,
    pub(crate) crowded_out_count: u64,
}

impl Lot {
    pub(crate) fn new(room: Room) -> Self {
        let count = room.count.min(MAX_PARKED);
        Self {
            parked: VecDeque::new(),
            awake: VecDeque::new(),
            len: 0,
            room: Room { count, ..room },
            crowded_out_count: 0,
        }
    }

    /// Lets one wait.
    pub(crate) fn add(&mut self, seen: Seen, wire: &[u8]) {
        let parked = Parked { seen, wire: wire.into() };
        self.len += parked.len();
        self.parked.push_back(parked);
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
        let oldest = self.awake.pop_front().or_else(|| self.parked.pop_front())?;
        self.len -= oldest.len();
        Some(oldest)
    }

    /// More of the zone passed or was proven.
    pub(crate) fn wake(&mut self, zone: &Name) {
        let zone = zone.as_wire();
        if !self.parked.iter().any(|p| p.is_within(zone)) {
            return;
        }
        let (awake, asleep): (Vec<Parked>, Vec<Parked>) = self.parked.drain(..).partition(|p| p.is_within(zone));
        self.parked.extend(asleep);
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

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_types::{Addr, Interval};

    fn answer(question: &[u8]) -> Vec<u8> {
        let edns = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00";
        [b"\0\x01\x81\x80\0\x01\0\0\0\0\0\x01", question, b"\0\x01\0\x01", edns].concat()
    }

    fn lot(count: usize, len: usize) -> Lot {
        Lot::new(Room { count, len, time: Interval::from_secs(10) })
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
    }

    #[test]
    fn goes_out_when_its_time_is_up_or_room_is_wanted() {
        let mut lot = lot(2, 10_000);
        lot.add(seen(0), &answer(b"\x01a\0"));
        assert!(lot.next_out(seen(10).at).is_none());
        let said = lot.next_out(seen(11).at).and_then(|p| p.verdict()).map(|v| v.to_string());
        assert!(said.is_some_and(|s| s.starts_with("the denial of a. A is indeterminate: the answer is not signed")));
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
