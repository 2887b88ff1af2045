//! Bytes of streams that wait for the other end's acknowledgement, as Suricata's do.
//!
//! Suricata gives a stream's bytes to parsers with the packet that acknowledges them: so the packet that an event or an
//! alert names is that one. Watched flows do likewise; what a record of another format says of times and packets comes
//! from the bytes' own packet all the same.

use sekisho_flow::Moment;
use sekisho_types::Dir;
use std::collections::VecDeque;

/// Bytes of one direction of one flow that wait; of more the oldest go on without acknowledgement.
const MAX_FLOW_LEN: usize = 256 * 1024;

/// Calls of one direction of one flow that wait.
const MAX_FLOW_COUNT: usize = 1024;

/// Bytes that wait in one lane; beyond, none do.
pub(super) const MAX_LANE_LEN: usize = 32 << 20;

/// Bytes of room that a queue keeps when it is empty.
const SPARE_LEN: usize = 64 * 1024;

/// Empty queues that one lane keeps for the next flow.
pub(super) const SPARE_COUNT: usize = 32;

/// What waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The next so many of the held bytes.
    Data(usize),
    /// So many bytes that will not come.
    Gap(u64),
    /// The end of the stream.
    End,
}

/// One call that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub what: What,
    /// Position behind it in the stream.
    end: u64,
    /// Urgent bytes that were taken out of the stream up to there.
    urgent: u64,
    pub at: Moment,
}

impl Call {
    fn is_due(&self, acked: u64, closed: bool) -> bool {
        self.end <= acked && (closed || self.what != What::End)
    }

    /// Where in the stream its bytes begin, counted from 0.
    pub fn offset(&self) -> u64 {
        let len = match self.what {
            What::Data(len) => len as u64,
            What::Gap(len) => len,
            What::End => 0,
        };
        self.end.saturating_sub(len).saturating_sub(1).saturating_sub(self.urgent)
    }
}

/// Calls of one direction.
#[derive(Debug, Default)]
struct Queue {
    calls: VecDeque<Call>,
    bytes: Vec<u8>,
    /// Bytes at the front of `bytes` that are gone.
    gone: usize,
}

/// Calls of both directions of a flow.
#[derive(Debug, Default)]
pub(crate) struct Held {
    queues: [Queue; 2],
}

/// Calls that need wait no longer, with their bytes.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub calls: Vec<Call>,
    /// All bytes that waited …
    bytes: Vec<u8>,
    /// … and where those of the calls begin, and how many they are.
    from: usize,
    len: usize,
    /// From this call on bytes lie behind a hole that was never acknowledged: who knows whether they were ever taken. Rules
    /// look at them, parsers do not.
    pub doubtful_from: usize,
}

impl Due {
    /// Of a stream that is over, and was acknowledged up to `acked`.
    pub fn doubt(&mut self, acked: u64) {
        let unseen = |call: &Call| matches!(call.what, What::Gap(_)) && call.end > acked;
        self.doubtful_from = self.calls.iter().position(unseen).unwrap_or(usize::MAX);
    }

    /// The bytes of the calls.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(self.from..self.from + self.len).unwrap_or(&[])
    }

    /// Were there more?
    pub fn has_more(&self) -> bool {
        self.from + self.len < self.bytes.len()
    }

    /// The bytes as alerts show them: with a word where some are missing.
    pub fn payload(&self, out: &mut Vec<u8>) {
        out.clear();
        let mut from = 0;
        for call in &self.calls {
            match call.what {
                What::Data(len) => {
                    out.extend_from_slice(self.bytes().get(from..from + len).unwrap_or(&[]));
                    from += len;
                }
                What::Gap(len) => out.extend_from_slice(format!("[{len} bytes missing]").as_bytes()),
                What::End => {}
            }
        }
    }
}

impl Held {
    /// Adds a call; the stream is at `end` behind it, less `urgent` bytes that were taken out. Gives the offset at which its
    /// bytes begin.
    pub fn push(&mut self, dir: Dir, what: What, bytes: &[u8], (end, urgent): (u64, u64), at: Moment) -> u64 {
        let queue = dir.of_mut(&mut self.queues);
        queue.bytes.extend_from_slice(bytes);
        let call = Call { what, end, urgent, at };
        let offset = call.offset();
        queue.calls.push_back(call);
        offset
    }

    /// Forgets what waits of `dir`.
    pub fn clear(&mut self, dir: Dir) {
        *dir.of_mut(&mut self.queues) = Queue::default();
    }

    /// Does nothing wait?
    pub fn is_empty(&self) -> bool {
        self.queues.iter().all(|queue| queue.calls.is_empty())
    }

    /// Does anything of `dir` wait?
    pub fn holds(&self, dir: Dir) -> bool {
        !dir.of(&self.queues).calls.is_empty()
    }

    /// Is there too much of `dir`?
    pub fn is_full(&self, dir: Dir) -> bool {
        let queue = dir.of(&self.queues);
        queue.bytes.len() - queue.gone > MAX_FLOW_LEN || queue.calls.len() > MAX_FLOW_COUNT
    }

    /// Does anything of `dir` wait that is acknowledged by `acked`? The end of a stream waits until the connection is
    /// `closed`.
    pub fn is_due(&self, dir: Dir, acked: u64, closed: bool) -> bool {
        dir.of(&self.queues).calls.front().is_some_and(|call| call.is_due(acked, closed))
    }

    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.queues.iter().map(|q| q.bytes.len() - q.gone).sum()
    }

    /// Moves what is acknowledged by `acked` to `due`, which is lent all bytes of `dir` until [`Held::give_back`].
    pub fn take(&mut self, dir: Dir, acked: u64, closed: bool, due: &mut Due) {
        due.calls.clear();
        due.bytes.clear();
        due.doubtful_from = usize::MAX;
        let queue = dir.of_mut(&mut self.queues);
        let mut len = 0;
        while let Some(call) = queue.calls.pop_front_if(|call| call.is_due(acked, closed)) {
            if let What::Data(more) = call.what {
                len += more;
            }
            due.calls.push(call);
        }
        std::mem::swap(&mut due.bytes, &mut queue.bytes);
        due.from = std::mem::take(&mut queue.gone);
        due.len = len;
    }

    /// The calls were made: what `due` was lent beyond them waits further.
    pub fn give_back(&mut self, dir: Dir, due: &mut Due) {
        let queue = dir.of_mut(&mut self.queues);
        due.bytes.append(&mut queue.bytes);
        std::mem::swap(&mut due.bytes, &mut queue.bytes);
        queue.gone = due.from + due.len;
        if queue.gone > queue.bytes.len() / 2 {
            queue.bytes.drain(..queue.gone.min(queue.bytes.len()));
            queue.gone = 0;
        }
    }

    /// Nothing waits: keeps some room for what will.
    pub fn trim(&mut self) {
        for queue in &mut self.queues {
            if queue.bytes.capacity() > SPARE_LEN {
                queue.bytes = Vec::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_types::Timestamp;

    #[test]
    fn calls_wait_for_their_acknowledgement() {
        let at = |n| Moment::new(Timestamp(0), n);
        let mut held = Held::default();
        held.push(Dir::Orig, What::Data(3), b"abc", (4, 0), at(1));
        held.push(Dir::Orig, What::Gap(2), b"", (6, 0), at(2));
        held.push(Dir::Orig, What::Data(2), b"de", (8, 0), at(3));
        held.push(Dir::Orig, What::End, b"", (8, 0), at(4));
        assert!(
            !held.is_due(Dir::Orig, 3, true) && held.is_due(Dir::Orig, 4, false) && !held.is_due(Dir::Resp, 9, true)
        );
        let mut due = Due::default();
        held.take(Dir::Orig, 6, true, &mut due);
        let whats = |due: &Due| due.calls.iter().map(|c| c.what).collect::<Vec<_>>();
        assert_eq!((whats(&due), due.bytes()), (vec![What::Data(3), What::Gap(2)], &b"abc"[..]));
        assert!(due.has_more());
        held.give_back(Dir::Orig, &mut due);
        held.take(Dir::Orig, 8, false, &mut due);
        assert_eq!((whats(&due), due.bytes(), due.has_more()), (vec![What::Data(2)], &b"de"[..], false));
        assert!(!held.is_due(Dir::Orig, 8, false));
        held.take(Dir::Orig, 8, true, &mut due);
        assert_eq!(whats(&due), [What::End]);
        assert_eq!(held.len(), 0);
    }

    #[test]
    fn what_is_taken_in_parts_is_whole() {
        let at = Moment::new(Timestamp(0), 1);
        let bytes: Vec<u8> = (0..=255).cycle().take(5000).collect();
        let (mut held, mut due, mut got) = (Held::default(), Due::default(), Vec::new());
        let mut end = 1;
        for chunk in bytes.chunks(100) {
            end += chunk.len() as u64;
            held.push(Dir::Resp, What::Data(chunk.len()), chunk, (end, 0), at);
            // The acknowledgements lag behind by three chunks.
            if held.is_due(Dir::Resp, end.saturating_sub(300), false) {
                held.take(Dir::Resp, end.saturating_sub(300), false, &mut due);
                got.extend_from_slice(due.bytes());
                if due.has_more() {
                    held.give_back(Dir::Resp, &mut due);
                }
            }
        }
        assert_eq!((held.len(), got.len()), (300, 4700));
        held.take(Dir::Resp, u64::MAX, true, &mut due);
        got.extend_from_slice(due.bytes());
        assert!(got == bytes && !due.has_more() && held.is_empty());
        held.trim();
    }

    #[test]
    fn what_waits_is_limited() {
        let mut held = Held::default();
        let bytes = [0; 64 * 1024];
        let mut n = 0;
        while !held.is_full(Dir::Resp) {
            held.push(Dir::Resp, What::Data(bytes.len()), &bytes, (n, 0), Moment::default());
            n += 1;
        }
        assert!(n == 5 && held.len() == 5 * bytes.len());
    }
}
