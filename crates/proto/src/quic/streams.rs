//! The streams of a decrypted connection (RFC 9000 §2), put in order and handed on: to HTTP/3, or each to whatever
//! speaks in it as if it were a connection of its own.

use super::http3::Http3;
use super::order::Order;
use crate::{Cx, Nested, ProtoId};
use sekisho_types::{Dir, Heap, list_len};
use std::collections::BTreeMap;

/// Streams that are open at once; of more the oldest is given up. Servers allow 100 to 256 requests.
pub const MAX_OPEN_STREAMS: usize = 512;

/// Bytes of one connection that wait for what belongs before them; above that the stream that holds most passes over its
/// first hole.
pub const MAX_DISORDER_LEN: usize = 2 << 20;

/// Ranges of streams that are known to be over, of one type; of more the lowest are joined.
pub const MAX_CLOSED_RANGES: usize = 64;

/// What an entry of a map takes beside its value, roughly.
const NODE_LEN: usize = 16;

/// A stream.
#[derive(Default)]
struct Stream {
    orders: [Order; 2],
    over: [bool; 2],
}

/// What the streams carry.
enum Inside {
    Http3(Box<Http3>),
    /// Each stream with two directions is a conversation; `begins`: in this protocol.
    Each {
        begins: Option<ProtoId>,
        open: BTreeMap<u64, Nested>,
        held_len: usize,
    },
}

/// Numbers of streams that are over: sorted ranges, the ends excluded.
#[derive(Default)]
struct Closed(Vec<(u64, u64)>);

/// See the module.
pub(super) struct Streams {
    open: BTreeMap<u64, Stream>,
    /// By the two low bits of the streams' ids (RFC 9000 §2.1).
    closed: [Closed; 4],
    disorder_len: usize,
    inside: Inside,
}

impl Closed {
    fn has(&self, n: u64) -> bool {
        let at = self.0.partition_point(|r| r.1 <= n);
        self.0.get(at).is_some_and(|r| r.0 <= n)
    }

    fn add(&mut self, n: u64) {
        let at = self.0.partition_point(|r| r.1 < n);
        match self.0.get_mut(at) {
            Some(range) if range.0 <= n => range.1 = range.1.max(n + 1),
            Some(range) if range.0 == n + 1 => range.0 = n,
            _ => self.0.insert(at, (n, n + 1)),
        }
        if let Some(&[a, b]) = self.0.get(at..at + 2).and_then(|two| two.first_chunk())
            && a.1 == b.0
        {
            self.join(at);
        }
        if self.0.len() > MAX_CLOSED_RANGES {
            self.join(0);
        }
    }

    /// Joins range `at` with the next.
    fn join(&mut self, at: usize) {
        if at + 1 < self.0.len() {
            let next = self.0.remove(at + 1);
            if let Some(range) = self.0.get_mut(at) {
                range.1 = next.1;
            }
        }
    }
}

impl Inside {
    /// What the application protocol `alpn` says; without one what was offered.
    fn of(alpn: Option<&[u8]>) -> Self {
        match alpn {
            // h3, and the drafts of it.
            Some(alpn) if alpn == b"h3" || alpn.starts_with(b"h3-") => Self::Http3(Box::default()),
            // DNS over QUIC (RFC 9250): a query and its answer a stream, framed as over TCP.
            Some(b"doq") => Self::Each { begins: Some(ProtoId::Dns), open: BTreeMap::new(), held_len: 0 },
            _ => Self::Each { begins: None, open: BTreeMap::new(), held_len: 0 },
        }
    }

    fn data(&mut self, id: u64, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        match self {
            Self::Http3(http3) => http3.data(id, dir, bytes, cx),
            Self::Each { .. } => self.each(id, cx, |nested, cx| nested.data(dir, bytes, cx)),
        }
    }

    fn gap(&mut self, id: u64, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        match self {
            Self::Http3(http3) => http3.gap(id, dir, len, cx),
            Self::Each { .. } => self.each(id, cx, |nested, cx| nested.gap(dir, len, cx)),
        }
    }

    fn end(&mut self, id: u64, dir: Dir, complete: bool, cx: &mut Cx<'_>) {
        match self {
            Self::Http3(http3) => http3.end(id, dir, complete, cx),
            Self::Each { .. } if complete => self.each(id, cx, |nested, cx| nested.half_closed(dir, cx)),
            Self::Each { .. } => {}
        }
    }

    /// Runs `f` on what speaks in stream `id`, and counts it anew.
    fn each(&mut self, id: u64, cx: &mut Cx<'_>, f: impl FnOnce(&mut Nested, &mut Cx<'_>)) {
        // Streams with one direction are no conversations.
        let Self::Each { begins, open, held_len } = self else { return };
        if id & 2 != 0 {
            return;
        }
        let nested = open.entry(id).or_insert_with(|| match begins {
            Some(proto) => Nested::speaking(*proto, cx),
            None => Nested::default(),
        });
        let before = nested.held_len();
        f(nested, cx);
        *held_len = held_len.saturating_sub(before).saturating_add(nested.held_len());
    }

    /// Stream `id` is over in all its directions.
    fn close(&mut self, id: u64, cx: &mut Cx<'_>) {
        match self {
            Self::Http3(http3) => http3.close(id),
            Self::Each { open, held_len, .. } => {
                if let Some(mut nested) = open.remove(&id) {
                    *held_len = held_len.saturating_sub(nested.held_len());
                    nested.end(cx);
                }
            }
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        match self {
            Self::Http3(http3) => http3.finish(cx),
            Self::Each { open, held_len, .. } => {
                *held_len = 0;
                std::mem::take(open).values_mut().for_each(|nested| nested.end(cx));
            }
        }
    }
}

impl Heap for Streams {
    fn heap_len(&self) -> usize {
        let open = self.open.len() * (size_of::<Stream>() + NODE_LEN);
        let closed: usize = self.closed.iter().map(|c| list_len(&c.0)).sum();
        let inside = match &self.inside {
            Inside::Http3(http3) => http3.heap_len(),
            Inside::Each { open, held_len, .. } => held_len + open.len() * (size_of::<Nested>() + NODE_LEN),
        };
        open + closed + inside + self.disorder_len
    }
}

impl Streams {
    /// None so far, of a connection with this application protocol.
    pub(super) fn new(alpn: Option<&[u8]>) -> Self {
        Self { open: BTreeMap::new(), closed: Default::default(), disorder_len: 0, inside: Inside::of(alpn) }
    }

    /// May the sender of `dir` send in stream `id`, and is the stream not over?
    fn is_open(&self, id: u64, dir: Dir) -> bool {
        let opened_by_client = id & 1 == 0;
        let sends = id & 2 == 0 || opened_by_client == dir.is_orig();
        let closed = self.closed.get(usize::from(id.to_le_bytes()[0] & 3));
        sends && (self.open.contains_key(&id) || closed.is_some_and(|c| !c.has(id >> 2)))
    }

    /// Runs `f` on a direction of stream `id`, and sees whether it is over.
    fn with(&mut self, id: u64, dir: Dir, cx: &mut Cx<'_>, f: impl FnOnce(&mut Order, &mut Inside, &mut Cx<'_>)) {
        let Self { open, disorder_len, inside, .. } = self;
        let stream = open.entry(id).or_default();
        let (Some(order), Some(over)) = (stream.orders.get_mut(dir.index()), stream.over.get_mut(dir.index())) else {
            return;
        };
        if *over {
            return;
        }
        let before = order.heap_len();
        f(order, inside, cx);
        *disorder_len = disorder_len.saturating_sub(before).saturating_add(order.heap_len());
        if order.is_over() {
            *over = true;
            // What lies behind the end belongs to nothing.
            *disorder_len = disorder_len.saturating_sub(std::mem::take(order).heap_len());
            inside.end(id, dir, true, cx);
            self.see_whether_closed(id, cx);
        }
    }

    fn see_whether_closed(&mut self, id: u64, cx: &mut Cx<'_>) {
        let Some(stream) = self.open.get(&id) else { return };
        let [orig, resp] = stream.over;
        let over = match id & 3 {
            0 | 1 => orig && resp,
            2 => orig,
            _ => resp,
        };
        if over {
            self.close(id, cx);
        }
    }

    fn close(&mut self, id: u64, cx: &mut Cx<'_>) {
        let Some(stream) = self.open.remove(&id) else { return };
        self.disorder_len = self.disorder_len.saturating_sub(stream.orders.as_slice().heap_len());
        if let Some(closed) = self.closed.get_mut(usize::from(id.to_le_bytes()[0] & 3)) {
            closed.add(id >> 2);
        }
        self.inside.close(id, cx);
    }

    /// A STREAM frame.
    pub(super) fn frame(&mut self, dir: Dir, id: u64, (offset, data): (u64, &[u8]), last: bool, cx: &mut Cx<'_>) {
        if !self.is_open(id, dir) {
            return;
        }
        if self.open.len() >= MAX_OPEN_STREAMS && !self.open.contains_key(&id) {
            cx.weird("QUIC_too_many_streams");
            // Those with one direction hold what the others need, and are few in earnest.
            let oldest = self.open.keys().find(|id| *id & 2 == 0).or_else(|| self.open.keys().next()).copied();
            oldest.into_iter().for_each(|id| self.give_up(id, cx));
        }
        self.with(id, dir, cx, |order, inside, cx| {
            if last {
                order.end_at(offset.saturating_add(data.len() as u64));
            }
            order.add(offset, data, |bytes| inside.data(id, dir, bytes, cx));
        });
        while self.disorder_len > MAX_DISORDER_LEN && self.relieve(cx) {}
    }

    /// The sender of `dir` gives stream `id` up.
    pub(super) fn reset(&mut self, dir: Dir, id: u64, cx: &mut Cx<'_>) {
        if self.is_open(id, dir) && self.open.contains_key(&id) {
            self.stop(id, dir, cx);
            self.see_whether_closed(id, cx);
        }
    }

    /// A direction of stream `id` ends before its end.
    fn stop(&mut self, id: u64, dir: Dir, cx: &mut Cx<'_>) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        let (Some(order), Some(over)) = (stream.orders.get_mut(dir.index()), stream.over.get_mut(dir.index())) else {
            return;
        };
        let order = std::mem::take(order);
        self.disorder_len = self.disorder_len.saturating_sub(order.heap_len());
        if !std::mem::replace(over, true) {
            self.inside.end(id, dir, false, cx);
        }
    }

    /// Stream `id` is given up in both directions.
    fn give_up(&mut self, id: u64, cx: &mut Cx<'_>) {
        self.stop(id, Dir::Orig, cx);
        self.stop(id, Dir::Resp, cx);
        self.close(id, cx);
    }

    /// The stream that holds most passes over its first hole; false if that changed nothing.
    fn relieve(&mut self, cx: &mut Cx<'_>) -> bool {
        let lens = self.open.iter().flat_map(|(id, s)| {
            let [orig, resp] = &s.orders;
            [(orig.heap_len(), *id, Dir::Orig), (resp.heap_len(), *id, Dir::Resp)]
        });
        let Some((_, id, dir)) = lens.max_by_key(|(len, ..)| *len).filter(|(len, ..)| *len > 0) else {
            self.disorder_len = 0;
            return false;
        };
        self.pass(id, dir, cx)
    }

    /// Passes over the first hole of a direction; false if there is none.
    fn pass(&mut self, id: u64, dir: Dir, cx: &mut Cx<'_>) -> bool {
        let mut passed = false;
        self.with(id, dir, cx, |order, inside, cx| {
            let Some(len) = order.skip() else { return };
            passed = true;
            cx.weird("QUIC_stream_incomplete");
            inside.gap(id, dir, len, cx);
            order.resume(|bytes| inside.data(id, dir, bytes, cx));
        });
        passed
    }

    /// The connection is over: what waits behind holes is handed on, and everything is ended.
    pub(super) fn finish(&mut self, cx: &mut Cx<'_>) {
        let ids: Vec<u64> = self.open.keys().copied().collect();
        // First what others need.
        let (orderly, others): (Vec<u64>, Vec<u64>) = ids.into_iter().partition(|id| id & 2 != 0);
        for id in orderly.into_iter().chain(others) {
            for dir in [Dir::Orig, Dir::Resp] {
                while self.open.contains_key(&id) && self.pass(id, dir, cx) {}
            }
            self.give_up(id, cx);
        }
        self.inside.finish(cx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestFiles;
    use crate::{Outbox, Transport};
    use sekisho_types::{FlowInfo, Timestamp};

    #[test]
    fn closed_streams_are_ranges() {
        let mut closed = Closed::default();
        for n in [0, 2, 1, 7, 5, 6, 3] {
            assert!(!closed.has(n));
            closed.add(n);
            assert!(closed.has(n));
        }
        assert_eq!(closed.0, [(0, 4), (5, 8)]);
        assert!(!closed.has(4) && !closed.has(8));
        closed.add(6);
        closed.add(4);
        assert_eq!(closed.0, [(0, 8)]);
    }

    #[test]
    fn what_lies_behind_the_end_is_dropped() {
        let flow = FlowInfo::default();
        let (mut out, mut files) = (Outbox::default(), TestFiles::default());
        let mut cx = Cx::new(Timestamp(0), 1, &flow, Transport::Udp, &mut out, &mut files);
        let mut streams = Streams::new(None);
        let far = vec![0; MAX_DISORDER_LEN / 2];
        streams.frame(Dir::Orig, 0, (1 << 30, &far), false, &mut cx);
        assert!(streams.disorder_len > far.len());
        streams.frame(Dir::Orig, 0, (0, b"end"), true, &mut cx);
        assert_eq!(streams.disorder_len, 0);
        for stream in [4, 8, 12, 16] {
            streams.frame(Dir::Orig, stream, (1 << 30, &far), false, &mut cx);
            assert!(streams.disorder_len <= MAX_DISORDER_LEN);
        }
    }

    #[test]
    fn limits_closed_ranges() {
        let mut closed = Closed::default();
        for n in 0..1000 {
            closed.add(3 * n);
            assert!(closed.0.len() <= MAX_CLOSED_RANGES && closed.has(3 * n));
        }
        // Of those long ago it is not known any more that they never came.
        assert!(closed.has(1) && !closed.has(3 * 999 - 1));
    }
}
