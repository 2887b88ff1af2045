//! Bytes of a stream that rules look at together.
//!
//! Suricata shows a stream's bytes to rules about streams once there are enough of them, or a message of the protocol is
//! complete, or nothing follows: what is cut into many small segments is searched in a few pieces.

use super::rules::Rules;
use super::{At, Eye};
use sekisho_flow::{Flow, Packet};
use sekisho_transaction::Look;
use sekisho_types::{Dir, Heap, Timestamp, ip_proto, list_len};

/// Bytes that are enough: Suricata's `toserver-chunk-size` and `toclient-chunk-size`.
const CHUNK_LEN: usize = 2560;

/// HTTP/1: the stage at which a request or a response is complete.
const HTTP_COMPLETE: u8 = 3;

/// What waits of one direction.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    /// Where in the stream they begin.
    offset: u64,
    /// Where what was looked at before ends.
    looked: u64,
    /// A message is complete: they need wait no longer.
    due: bool,
}

impl Chunk {
    pub const NONE: Self = Self { bytes: Vec::new(), offset: 0, looked: 0, due: false };

    fn end(&self) -> u64 {
        self.offset.saturating_add(self.bytes.len() as u64)
    }

    /// More waits. The first of it goes into `spare`, a buffer that was used before.
    fn push(&mut self, offset: u64, bytes: &[u8], spare: &mut Vec<u8>) {
        if self.bytes.is_empty() {
            self.offset = offset;
            if self.bytes.capacity() == 0 {
                std::mem::swap(&mut self.bytes, spare);
            }
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What waited: where it begins, the bytes, and how many are missing before them.
    fn take(&mut self) -> (u64, Vec<u8>, u64) {
        let missing_len = self.offset.saturating_sub(self.looked);
        self.looked = self.end();
        (self.offset, std::mem::take(&mut self.bytes), missing_len)
    }
}

impl Heap for Chunk {
    fn heap_len(&self) -> usize {
        list_len(&self.bytes)
    }
}

impl Eye {
    /// A message of the protocol has come so far: is it complete? Of what is no stream nothing waits for that.
    pub(super) fn note_message(&mut self, at: At<'_>, look: Look, event_type: &str) {
        let is_stream = at.flow.info.tuple.proto == ip_proto::TCP;
        if is_stream
            && (event_type != "http" || look.over || look.stage >= HTTP_COMPLETE)
            && let Some(seen) = self.flows.get_mut(&at.flow.info)
        {
            look.dir.of_mut(&mut seen.rare_mut().chunks).due = true;
        }
    }

    /// The next bytes of a stream, or its end: once there are enough, rules look at them.
    pub fn inspect_stream(&mut self, at: At<'_>, ts: Timestamp, dir: Dir, offset: u64, bytes: &[u8], end: bool) {
        let wanted = self.rules.as_ref().is_some_and(Rules::wants_streams);
        if !wanted || self.settings.depth.is_some_and(|depth| offset >= depth) {
            return;
        }
        let Some(seen) = self.flows.get_mut(&at.flow.info) else { return };
        if seen.is_unfollowed(at.flow) || seen.is_bypassed() {
            return;
        }
        let chunk = dir.of_mut(&mut seen.rare_mut().chunks);
        // What lies before a hole is looked at by itself.
        let before = (!chunk.bytes.is_empty() && chunk.end() != offset).then(|| chunk.take());
        let deep = self.settings.depth.is_some_and(|depth| offset.saturating_add(bytes.len() as u64) >= depth);
        let enough = chunk.bytes.len() + bytes.len() >= CHUNK_LEN;
        let ready = end || enough || deep || chunk.due || self.settings.inline;
        chunk.due &= !ready;
        let alone = ready && chunk.bytes.is_empty();
        if alone {
            chunk.looked = offset.saturating_add(bytes.len() as u64);
        } else {
            chunk.push(offset, bytes, &mut self.spare_chunk);
        }
        let now = (ready && !alone).then(|| chunk.take());
        for (offset, bytes, missing_len) in before.into_iter().chain(now) {
            self.look_at_stream(at, ts, dir, offset, &bytes, Some(missing_len));
            if bytes.capacity() <= 2 * CHUNK_LEN {
                self.spare_chunk = bytes;
                self.spare_chunk.clear();
            }
        }
        if alone {
            self.look_at_stream(at, ts, dir, offset, bytes, None);
        }
    }

    /// `dir` sends nothing further: what rules kept of its stream is of no use.
    pub fn end_stream(&mut self, flow: &Flow, dir: Dir) {
        if let Some(state) = self.flows.get_mut(&flow.info).and_then(|seen| seen.rules.as_mut()) {
            state.end_stream(dir);
        }
    }

    /// A packet of a connection that both ends are closing: what its sender sent needs wait no longer.
    pub fn close_chunk(&mut self, flow: &Flow, dir: Dir, packet: &Packet<'_>) {
        let is_ending = self.flows.get(&flow.info).is_some_and(|seen| seen.is_ending());
        if is_ending {
            self.flush_chunk(At { flow, packet: Some(packet) }, packet.ts, dir);
        }
    }

    /// Rules look at what still waits of a direction.
    pub(super) fn flush_chunk(&mut self, at: At<'_>, ts: Timestamp, dir: Dir) {
        let seen = self.flows.get(&at.flow.info);
        let end = seen.map(|seen| dir.of(&seen.rare().chunks)).filter(|chunk| !chunk.bytes.is_empty()).map(Chunk::end);
        if let Some(end) = end {
            self.inspect_stream(at, ts, dir, end, &[], true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_says_what_is_missing_before_it() {
        let mut chunk = Chunk { bytes: b"abc".to_vec(), offset: 4, looked: 0, due: false };
        assert_eq!((chunk.end(), chunk.take()), (7, (4, b"abc".to_vec(), 4)));
        assert!(chunk.bytes.is_empty() && chunk.looked == 7);
        let mut spare = Vec::with_capacity(100);
        chunk.push(7, b"d", &mut spare);
        chunk.push(8, b"e", &mut spare);
        assert!(spare.capacity() == 0 && chunk.bytes.capacity() == 100, "the buffer that was used before");
        assert_eq!(chunk.take(), (7, b"de".to_vec(), 0));
    }
}
