//! When and how much the ends of a connection spoke, for whoever judges its rhythm: bursts of the originator's data, and how
//! much of what the responder sent looks typed.
//!
//! Only of TCP connections out of the network, from their third second on, until they have carried [`MAX_LEN`]: most never come that far, and
//! what is bulk soon does. A connection's sums take a fixed number of bytes, and go on to [`crate::Sink::bursts`] whenever their list is full.

use crate::Packet;
use crate::flow::Flow;
use sekisho_types::{Dir, Timestamp};

/// Bursts that are kept before they are handed on.
pub const BATCH: usize = 32;

/// Silence of the originator after which its next data begin another burst, nanoseconds.
const PAUSE: i64 = 1_000_000_000;

/// Age from which on a connection is looked at, nanoseconds.
const MIN_AGE: i64 = 2_000_000_000;

/// Payload after which a connection is bulk and looked at no longer, bytes.
pub const MAX_LEN: u64 = 2 << 20;

/// Bursts in all without which nothing is told when a connection ends, unless as many segments look typed.
const MIN_TOLD: u32 = 4;

/// Payload of what may be a key pressed: in clear, and at most in SSH (one block, its length and digest).
const KEY_LEN: u32 = 48;
const SSH_LEN: std::ops::RangeInclusive<u32> = 36..=100;

/// Nanoseconds between two keys of one who types, and within which they are answered.
const KEY_GAP: std::ops::RangeInclusive<i64> = 50_000_000..=2_000_000_000;
const ANSWER: i64 = 1_000_000_000;

/// Keys in a row that are a stretch of typing.
const STRETCH: u16 = 3;

/// Data of the originator without a pause, and what came back until its next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Burst {
    /// Second since 1970 in which it began.
    pub at: u32,
    /// Bytes sent.
    pub sent: u32,
    /// Bytes that the responder sent until the next burst.
    pub received: u32,
}

/// How much of what the responder sent looks typed, from the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Typing {
    /// Segments with data of the responder.
    pub segments: u32,
    /// Of these, those of 1 to 48 bytes.
    pub short: u32,
    /// Those of 36 to 100 bytes, as SSH has for a key.
    pub sealed: u32,
    /// Those of up to 100 bytes that came 0.05 to 2 seconds behind the one before.
    pub typed: u32,
    /// Those of up to 100 bytes that the originator answered within a second.
    pub answered: u32,
    /// Stretches of at least three that were typed.
    pub stretches: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Bursts {
    list: [Burst; BATCH],
    len: usize,
    count: u32,
    total: u64,
    /// Next sequence number of each end, the originator's first; unset before its first data.
    next: [Option<u32>; 2],
    last_sent: Timestamp,
    last_key: Timestamp,
    row: u16,
    unanswered: bool,
    typing: Typing,
}

impl Bursts {
    /// Those not handed on yet, in order; the last may go on.
    pub fn list(&self) -> &[Burst] {
        self.list.get(..self.len).unwrap_or(&[])
    }

    /// How much looks typed.
    pub fn typing(&self) -> &Typing {
        &self.typing
    }

    /// Is there enough to be told?
    pub(crate) fn is_telling(&self) -> bool {
        self.count >= MIN_TOLD || self.typing.typed >= MIN_TOLD
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Is another burst about to begin for which there is no place?
    fn is_full(&self, dir: Dir, ts: Timestamp) -> bool {
        self.len >= BATCH && dir.is_orig() && (ts - self.last_sent).0 >= PAUSE
    }

    /// Bytes of a segment that were not sent before.
    fn fresh(&mut self, dir: Dir, seq: u32, len: u32) -> u32 {
        let [orig, resp] = &mut self.next;
        let next = if dir.is_orig() { orig } else { resp };
        let end = seq.wrapping_add(len);
        let ahead = end.wrapping_sub(next.unwrap_or(seq));
        if ahead == 0 || ahead > i32::MAX.cast_unsigned() {
            return 0;
        }
        *next = Some(end);
        ahead.min(len)
    }

    fn add(&mut self, dir: Dir, ts: Timestamp, len: u32) {
        self.total = self.total.saturating_add(len.into());
        if dir.is_orig() {
            if self.len == 0 || (ts - self.last_sent).0 >= PAUSE {
                let at = u32::try_from(ts.0.div_euclid(1_000_000_000)).unwrap_or(0);
                if let Some(free) = self.list.get_mut(self.len) {
                    *free = Burst { at, sent: 0, received: 0 };
                    self.len += 1;
                    self.count = self.count.saturating_add(1);
                }
            }
            if let Some(last) = self.list.get_mut(self.len.saturating_sub(1)) {
                last.sent = last.sent.saturating_add(len);
            }
            self.last_sent = ts;
            if std::mem::take(&mut self.unanswered) && (ts - self.last_key).0 <= ANSWER {
                self.typing.answered += 1;
            }
            return;
        }
        if let Some(last) = self.list.get_mut(self.len.wrapping_sub(1)) {
            last.received = last.received.saturating_add(len);
        }
        let typing = &mut self.typing;
        typing.segments = typing.segments.saturating_add(1);
        typing.short += u32::from(len <= KEY_LEN);
        typing.sealed += u32::from(SSH_LEN.contains(&len));
        if len > *SSH_LEN.end() {
            self.row = 0;
            return;
        }
        if KEY_GAP.contains(&(ts - self.last_key).0) {
            typing.typed += 1;
            self.row = self.row.saturating_add(1);
            typing.stretches += u32::from(self.row == STRETCH);
        } else {
            self.row = 0;
        }
        (self.last_key, self.unanswered) = (ts, true);
    }
}

/// What became of the packet at hand.
pub(crate) enum Noted {
    /// Nothing is to be done.
    Fine,
    /// The list is to be handed on first.
    Full,
    /// The connection is bulk.
    Bulk,
}

/// Is a connection with data one that is looked at? A look that costs little, as it is made at every packet.
#[inline]
pub(crate) fn concerns(flow: &Flow, p: &Packet<'_>) -> bool {
    flow.info.local_orig
        && (p.ts - flow.info.first_ts).0 >= MIN_AGE
        && !(flow.info.local_resp && flow.info.tuple.resp.is_private())
}

/// Notes data of `dir`.
pub(crate) fn note(bursts: &mut Bursts, dir: Dir, p: &Packet<'_>) -> Noted {
    if bursts.is_full(dir, p.ts) {
        return Noted::Full;
    }
    let len = bursts.fresh(dir, p.decoded.tcp.seq, p.decoded.payload_wire_len);
    if len > 0 {
        bursts.add(dir, p.ts, len);
    }
    if bursts.total > MAX_LEN { Noted::Bulk } else { Noted::Fine }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp(millis * 1_000_000)
    }

    #[test]
    fn bursts_end_with_a_pause_of_the_originator() {
        let mut b = Bursts::default();
        for (millis, dir, len) in [
            (5_000, Dir::Orig, 10),
            (5_999, Dir::Orig, 5),
            (6_100, Dir::Resp, 900),
            (6_998, Dir::Orig, 1),
            (7_999, Dir::Orig, 2),
            (9_500, Dir::Resp, 4),
        ] {
            b.add(dir, at(millis), len);
        }
        assert_eq!(b.list(), [Burst { at: 5, sent: 16, received: 900 }, Burst { at: 7, sent: 2, received: 4 }]);
    }

    #[test]
    fn what_was_sent_before_counts_once() {
        let mut b = Bursts::default();
        assert_eq!(b.fresh(Dir::Orig, u32::MAX - 4, 10), 10, "around zero");
        assert_eq!(b.fresh(Dir::Orig, u32::MAX - 4, 10), 0, "again");
        assert_eq!(b.fresh(Dir::Orig, 4, 1), 0, "keepalive");
        assert_eq!(b.fresh(Dir::Orig, 0, 20), 15, "partly");
        assert_eq!(b.fresh(Dir::Resp, 7, 3), 3, "the other end");
    }

    #[test]
    fn typing_by_gaps_and_answers() {
        let mut b = Bursts::default();
        for n in 0..12 {
            let pause = 5_000 * (n / 4);
            b.add(Dir::Resp, at(100_000 + n * 200 + pause), 1);
            b.add(Dir::Orig, at(100_050 + n * 200 + pause), 2);
        }
        assert_eq!(b.typing(), &Typing { segments: 12, short: 12, sealed: 0, typed: 9, answered: 12, stretches: 3 });
        // What is long is not typed, what comes at once neither.
        b.add(Dir::Resp, at(160_000), 101);
        b.add(Dir::Resp, at(163_000), 40);
        b.add(Dir::Resp, at(163_010), 40);
        assert_eq!((b.typing().segments, b.typing().sealed, b.typing().typed), (15, 2, 9));
    }

    #[test]
    fn limits_the_list() {
        let mut b = Bursts::default();
        for n in 0..BATCH as i64 + 9 {
            b.add(Dir::Orig, at(n * 2_000), 1);
        }
        assert_eq!((b.list().len(), b.count as usize), (BATCH, BATCH));
        assert!(b.is_full(Dir::Orig, at(1_000_000)) && !b.is_full(Dir::Resp, at(1_000_000)));
        assert!(size_of::<Bursts>() <= 480, "{}", size_of::<Bursts>());
    }
}
