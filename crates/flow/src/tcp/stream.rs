use super::endpoint::{TcpState, marks};
use crate::flow::Flow;
use crate::pool;
use crate::table::Cx;
use crate::{Moment, OverlapPolicy, Sink};
use sekisho_types::Dir;
use sekisho_wire::tcp_flags::ACK;
use std::collections::VecDeque;

/// Bytes above a hole without any acknowledgement after which Zeek stops counting what is missing.
const UNCOUNTED_ABOVE_HOLE_LEN: u64 = 16_384;
/// Bytes delivered without any acknowledgement after which Zeek no longer waits for one.
const UNACKED_INITIAL_LEN: u64 = 16_384;
/// Out-of-order bytes after which Zeek stops counting what is missing.
const UNCOUNTED_BUFFERED_LEN: u64 = 10 * 1024 * 1024;

/// A piece of stream that came too early.
#[derive(Debug)]
struct Segment {
    start: u64,
    end: u64,
    /// Number of the packet that brought it.
    source: u64,
    /// The bytes; empty if the flow is opaque.
    bytes: Vec<u8>,
    /// False for what was captured of a segment cut by the snaplen: it fills no hole, but is better
    /// than nothing when the hole is given up.
    whole: bool,
    /// It looks like the filling of a frame, see [`Piece::is_filling`]. Such a piece waits alone.
    doubtful: bool,
}

/// Pieces waiting for a hole to be filled: ordered, not overlapping.
#[derive(Debug, Default)]
pub(crate) struct Held {
    segments: VecDeque<Segment>,
    allocated_len: usize,
    bytes_len: u64,
    /// How many of them are whole.
    whole_count: usize,
}

/// What a piece costs for its place in a list that grows by doubling.
pub(crate) const PLACE_LEN: usize = 2 * size_of::<Segment>();

/// A new piece of stream on its way in.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
    /// Position of the first byte.
    pub(crate) start: u64,
    /// Captured bytes.
    pub(crate) bytes: &'a [u8],
    /// Length on the wire.
    pub(crate) wire_len: u32,
}

/// What a frame without options lacks at most to Ethernet's least size: 60 bytes less 14 of Ethernet, 20 of IP and 20 of TCP.
const MAX_FILLING_LEN: u32 = 6;

impl Piece<'_> {
    /// Are these zeros what fills an acknowledgement up to Ethernet's least size? Some middleboxes count them into the
    /// packet's length. They are data only if the stream goes on behind them, or if they are acknowledged.
    #[inline]
    pub(super) fn is_filling(&self, flags: u8) -> bool {
        self.wire_len <= MAX_FILLING_LEN
            && flags == ACK
            && self.bytes.len() == self.wire_len as usize
            && self.bytes.iter().all(|b| *b == 0)
    }
}

impl Held {
    /// Start of the first whole piece that starts below `limit`.
    fn first_whole_start(&self, limit: u64) -> Option<u64> {
        if self.whole_count == 0 {
            return None;
        }
        self.segments.iter().take_while(|s| s.start < limit).find(|s| s.whole).map(|s| s.start)
    }

    /// Takes the first waiting piece if it starts below `limit`.
    fn pop_below(&mut self, limit: u64) -> Option<Segment> {
        if self.segments.front()?.start >= limit {
            return None;
        }
        let s = self.segments.pop_front()?;
        self.bytes_len = self.bytes_len.saturating_sub(s.end.saturating_sub(s.start));
        self.allocated_len = self.allocated_len.saturating_sub(pool::cost(&s.bytes));
        self.whole_count = self.whole_count.saturating_sub(usize::from(s.whole));
        Some(s)
    }
}

/// Takes what waits in `dir` out of the flow, for as long as it is worked on.
fn take_held(flow: &mut Flow, dir: Dir) -> Option<Box<Held>> {
    flow.extra.as_mut()?.end_mut(dir).held.take()
}

/// Puts it back, unless nothing waits any more.
fn put_held<S>(cx: &mut Cx<'_, S>, flow: &mut Flow, dir: Dir, held: Box<Held>) {
    if held.segments.is_empty() {
        cx.shared.pool.lists = cx.shared.pool.lists.saturating_sub(1);
    } else {
        flow.end_extra_mut(dir).held = Some(held);
    }
}

/// Begins `dir`'s stream anew at position 1, as after a SYN at another place; what waits belongs to the old numbers.
pub(super) fn restart<S>(cx: &mut Cx<'_, S>, flow: &mut Flow, dir: Dir) {
    if let Some(mut held) = take_held(flow, dir) {
        while let Some(s) = held.pop_below(u64::MAX) {
            let len = s.end.saturating_sub(s.start);
            let stats = &mut cx.shared.stats;
            stats.buffered_len = stats.buffered_len.saturating_sub(len);
            stats.bytes_dropped += len;
            cx.shared.pool.give(s.bytes);
        }
        held.segments.clear();
        put_held(cx, flow, dir, held);
    }
    let end = flow.end_mut(dir);
    (end.next, end.trim, end.max_end) = (1, 1, 0);
}

/// Is `e` in a state in which gaps are believed?
fn is_clean(e: &super::Endpoint) -> bool {
    e.state == TcpState::Established || e.state == TcpState::Closed && e.prev_state == TcpState::Established
}

/// Where the piece begins that waits and may be the filling of a frame.
fn doubtful_start(flow: &Flow, dir: Dir) -> Option<u64> {
    let front = flow.extra.as_ref()?.end(dir).held.as_ref()?.segments.front()?;
    front.doubtful.then_some(front.start)
}

/// Data of `dir` arrives that may be the filling of a frame.
#[cold]
pub(super) fn doubtful_data<S: Sink>(
    cx: &mut Cx<'_, S>,
    flow: &mut Flow,
    app: &mut S::App,
    dir: Dir,
    piece: Piece<'_>,
) {
    if doubtful_start(flow, dir) == Some(piece.start) {
        return;
    }
    let waiting = flow.extra.as_ref().is_some_and(|x| x.end(dir).held.is_some());
    let limit = cx.shared.config.limits.reassembly_len;
    if flow.opaque || waiting || piece.start != flow.end(dir).next {
        return data(cx, flow, app, dir, piece);
    }
    let end = piece.start.saturating_add(u64::from(piece.wire_len));
    let Some(s) = new_segment(cx, false, piece.start, end, piece.bytes, false, limit) else {
        return data(cx, flow, app, dir, piece);
    };
    cx.shared.pool.lists += 1;
    let mut held = Box::<Held>::default();
    held.allocated_len = pool::cost(&s.bytes);
    held.bytes_len = u64::from(piece.wire_len);
    held.segments.push_back(Segment { doubtful: true, ..s });
    put_held(cx, flow, dir, held);
}

/// What waits may be the filling of a frame: it was data if the stream is known to go on at `behind`, beyond its start.
fn settle_doubtful<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, behind: u64) {
    if doubtful_start(flow, dir).is_none() {
        return;
    }
    let Some(mut held) = take_held(flow, dir) else { return };
    if let Some(s) = held.pop_below(u64::MAX) {
        if behind > s.start {
            deliver(cx, flow, app, dir, s);
        } else {
            let stats = &mut cx.shared.stats;
            stats.buffered_len = stats.buffered_len.saturating_sub(s.end.saturating_sub(s.start));
            cx.shared.pool.give(s.bytes);
        }
    }
    put_held(cx, flow, dir, held);
}

/// Data of `dir` arrives. The fast way (next expected bytes, nothing waiting) copies nothing.
#[inline]
pub(crate) fn data<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, piece: Piece<'_>) {
    let mut waiting = flow.extra.as_ref().is_some_and(|x| x.end(dir).held.is_some());
    if waiting {
        settle_doubtful(cx, flow, app, dir, piece.start);
        waiting = flow.extra.as_ref().is_some_and(|x| x.end(dir).held.is_some());
    }
    let end = flow.end_mut(dir);
    let mut piece = piece;
    let known = end.trim.max(end.next);
    if piece.start < known {
        let old = known - piece.start;
        if old >= u64::from(piece.wire_len) {
            return;
        }
        piece = piece.skip(old);
    }
    let whole = piece.bytes.len() == piece.wire_len as usize;
    if piece.start == end.next && whole && !waiting {
        end.next += u64::from(piece.wire_len);
        end.max_end = end.max_end.max(end.next);
        if end.next > UNACKED_INITIAL_LEN && end.no_data_acked() {
            end.trim = end.next;
        }
        if !flow.opaque {
            cx.sink.data(flow, app, dir, piece.bytes, cx.at);
        }
        return;
    }
    out_of_order(cx, flow, app, dir, piece, whole);
}

impl<'a> Piece<'a> {
    fn skip(self, len: u64) -> Self {
        let n = usize::try_from(len).unwrap_or(usize::MAX);
        Self {
            start: self.start.saturating_add(len),
            bytes: self.bytes.get(n..).unwrap_or(&[]),
            wire_len: u32::try_from(u64::from(self.wire_len).saturating_sub(len)).unwrap_or(0),
        }
    }
}

fn out_of_order<S: Sink>(
    cx: &mut Cx<'_, S>,
    flow: &mut Flow,
    app: &mut S::App,
    dir: Dir,
    piece: Piece<'_>,
    whole: bool,
) {
    let limits = cx.shared.config.limits;
    let no_ack = flow.end(dir).no_data_acked();
    let ahead = piece.start.saturating_sub(flow.end(dir).next);
    if ahead > limits.window_len && !no_ack {
        cx.shared.stats.bytes_dropped += piece.bytes.len() as u64;
        cx.sink.weird(Some(flow), "data_outside_window", cx.at);
        return;
    }
    let mut held = take_held(flow, dir).unwrap_or_else(|| {
        cx.shared.pool.lists += 1;
        Box::default()
    });
    let piece_end = piece.start.saturating_add(piece.bytes.len() as u64);
    let end = flow.end_mut(dir);
    if whole {
        end.max_end = end.max_end.max(piece_end);
    }
    if make_room(cx, flow, app, dir, &mut held, piece.bytes.len()) && piece.start >= flow.end(dir).next {
        if insert(cx, flow.opaque, &mut held, piece, whole) {
            cx.sink.weird(Some(flow), "rexmit_inconsistency", cx.at);
        }
    } else if piece.start == flow.end(dir).next && whole {
        // No buffer is needed for what is next in order.
        flow.end_mut(dir).next = piece_end;
        if !flow.opaque {
            cx.sink.data(flow, app, dir, piece.bytes, cx.at);
        }
    }
    deliver_ready(cx, flow, app, dir, &mut held);
    if held.whole_count > 0 {
        let end = flow.end_mut(dir);
        let above = end.max_end.saturating_sub(end.next);
        if no_ack && above > UNCOUNTED_ABOVE_HOLE_LEN || held.bytes_len > UNCOUNTED_BUFFERED_LEN {
            end.set(marks::UNCOUNTED);
        }
    }
    while no_ack && held.bytes_len > limits.unacked_hole_len as u64 {
        cx.shared.stats.holes_forced += 1;
        give_up_first_hole(cx, flow, app, dir, &mut held);
    }
    put_held(cx, flow, dir, held);
}

/// Makes room for one more piece by giving up the oldest holes; false if there is none to be had.
fn make_room<S: Sink>(
    cx: &mut Cx<'_, S>,
    flow: &mut Flow,
    app: &mut S::App,
    dir: Dir,
    held: &mut Held,
    len: usize,
) -> bool {
    let limits = cx.shared.config.limits;
    loop {
        if held.segments.is_empty() {
            return len <= limits.flow_reassembly_len && cx.shared.pool.in_use_len() < limits.reassembly_len;
        }
        let fits = held.segments.len() < limits.segment_count
            && held.allocated_len.saturating_add(len) <= limits.flow_reassembly_len
            && cx.shared.pool.in_use_len().saturating_add(len) <= limits.reassembly_len;
        if fits {
            return true;
        }
        cx.shared.stats.holes_forced += 1;
        give_up_first_hole(cx, flow, app, dir, held);
    }
}

/// Puts a piece among those waiting; true if it contradicts bytes already there.
fn insert<S: Sink>(cx: &mut Cx<'_, S>, opaque: bool, held: &mut Held, piece: Piece<'_>, whole: bool) -> bool {
    let last_wins = cx.shared.config.overlap == OverlapPolicy::Last;
    let limit = cx.shared.config.limits.reassembly_len;
    let piece_end = piece.start.saturating_add(piece.bytes.len() as u64);
    let part = |from: u64, to: u64| {
        let at = |p: u64| usize::try_from(p.saturating_sub(piece.start)).unwrap_or(usize::MAX);
        piece.bytes.get(at(from)..at(to)).unwrap_or(&[])
    };
    let (mut at, mut conflict) = (piece.start, false);
    let mut i = held.segments.partition_point(|s| s.end <= piece.start);
    while at < piece_end {
        let (to, over) = match held.segments.get(i) {
            Some(s) if s.start <= at => (s.end.min(piece_end), true),
            Some(s) => (s.start.min(piece_end), false),
            None => (piece_end, false),
        };
        if over {
            if let Some(s) = held.segments.get_mut(i) {
                let before = s.whole;
                conflict |= s.overlap(at, to, part(at, to), whole, last_wins);
                held.whole_count += usize::from(s.whole && !before);
            }
        } else {
            match new_segment(cx, opaque, at, to, part(at, to), whole, limit) {
                Some(s) => {
                    held.allocated_len = held.allocated_len.saturating_add(pool::cost(&s.bytes));
                    held.whole_count += usize::from(s.whole);
                    held.bytes_len = held.bytes_len.saturating_add(to - at);
                    held.segments.insert(i, s);
                }
                None => {
                    cx.shared.stats.bytes_dropped += to - at;
                    i = i.wrapping_sub(1);
                }
            }
        }
        at = to;
        i = i.wrapping_add(1);
    }
    if conflict {
        cx.shared.stats.overlap_conflicts += 1;
    }
    conflict
}

fn new_segment<S>(
    cx: &mut Cx<'_, S>,
    opaque: bool,
    start: u64,
    end: u64,
    bytes: &[u8],
    whole: bool,
    limit: usize,
) -> Option<Segment> {
    let pool = &mut cx.shared.pool;
    let bytes = if opaque { pool.take_empty(limit) } else { pool.take(bytes, limit) }?;
    cx.shared.stats.segments_buffered += 1;
    cx.shared.stats.buffered_len += end - start;
    Some(Segment { start, end, source: cx.at.number, bytes, whole, doubtful: false })
}

impl Segment {
    /// Other bytes for `from..to`, which lies within this piece; true if they differ.
    fn overlap(&mut self, from: u64, to: u64, new: &[u8], whole: bool, last_wins: bool) -> bool {
        self.whole |= whole && from <= self.start && to >= self.end;
        let at = |p: u64| usize::try_from(p.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let Some(old) = self.bytes.get_mut(at(from)..at(to)) else { return false };
        let differs = old != new;
        if differs && last_wins && old.len() == new.len() {
            old.copy_from_slice(new);
        }
        differs
    }
}

/// Hands a waiting piece on and returns its buffer.
fn deliver<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, s: Segment) {
    cx.shared.stats.buffered_len = cx.shared.stats.buffered_len.saturating_sub(s.end.saturating_sub(s.start));
    let end = flow.end_mut(dir);
    let skip = usize::try_from(end.next.saturating_sub(s.start)).unwrap_or(usize::MAX);
    end.next = end.next.max(s.end);
    if let Some(bytes) = s.bytes.get(skip..)
        && !bytes.is_empty()
        && !flow.opaque
    {
        cx.sink.data(flow, app, dir, bytes, Moment { source: s.source, ..cx.at });
    }
    cx.shared.pool.give(s.bytes);
}

/// Delivers the waiting pieces that have become next in order.
fn deliver_ready<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, held: &mut Held) {
    loop {
        let next = flow.end(dir).next;
        if !held.segments.front().is_some_and(|s| s.whole && s.start <= next) {
            return;
        }
        let Some(s) = held.pop_below(next.saturating_add(1)) else { return };
        deliver(cx, flow, app, dir, s);
    }
}

/// Gives up the hole before the first waiting whole piece, or the cut pieces if there are only such.
fn give_up_first_hole<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, held: &mut Held) {
    let Some(last) = held.segments.back().map(|s| s.end) else { return };
    let to = held.first_whole_start(u64::MAX).unwrap_or(last);
    cross_hole(cx, flow, app, dir, Some(held), to);
    deliver_ready(cx, flow, app, dir, held);
}

/// Moves on to `to` over a hole: delivers the cut pieces in it and tells the gaps between.
fn cross_hole<S: Sink>(
    cx: &mut Cx<'_, S>,
    flow: &mut Flow,
    app: &mut S::App,
    dir: Dir,
    held: Option<&mut Held>,
    to: u64,
) -> u64 {
    let from = flow.end(dir).next;
    if let Some(held) = held {
        while let Some(s) = held.pop_below(to) {
            tell_gap(cx, flow, app, dir, s.start);
            deliver(cx, flow, app, dir, s);
        }
    }
    tell_gap(cx, flow, app, dir, to);
    flow.end(dir).next.saturating_sub(from)
}

/// Tells that the bytes from the next one up to `to` are missing, if there are such.
fn tell_gap<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, to: u64) {
    let end = flow.end_mut(dir);
    let len = to.saturating_sub(end.next);
    if len == 0 {
        return;
    }
    end.next = to;
    let x = flow.end_extra_mut(dir);
    x.gap_bytes = x.gap_bytes.saturating_add(len);
    cx.shared.stats.gap_bytes = cx.shared.stats.gap_bytes.saturating_add(len);
    if !flow.opaque {
        cx.sink.gap(flow, app, dir, len, cx.at);
    }
}

/// The peer acknowledged `dir`'s stream up to `ack`: what is missing below will not come any more.
#[inline]
pub(crate) fn acked<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, ack: u64) {
    let fin_seq = flow.fin_seq(dir);
    let end = flow.end_mut(dir);
    // A FIN from before the stream's start ends nothing.
    let ack = if end.is(marks::FIN_SEEN) && fin_seq > 0 && ack >= fin_seq { fin_seq - 1 } else { ack };
    if ack <= end.trim {
        return;
    }
    end.trim = ack;
    if ack > end.next {
        acked_beyond(cx, flow, app, dir, ack);
    }
}

/// The acknowledgement covers bytes that were not seen.
#[cold]
fn acked_beyond<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, ack: u64) {
    if ack <= 2 && flow.info.midstream {
        // The first packet of a connection seen midstream was a keep-alive: nothing is missing.
        return;
    }
    let clean = is_clean(&flow.orig) && is_clean(&flow.resp);
    settle_doubtful(cx, flow, app, dir, ack);
    let mut held = take_held(flow, dir);
    loop {
        let next = flow.end(dir).next;
        if next >= ack {
            break;
        }
        let to = held.as_ref().and_then(|h| h.first_whole_start(ack)).map_or(ack, |s| s.clamp(next, ack));
        let hole = cross_hole(cx, flow, app, dir, held.as_deref_mut(), to);
        if hole > 0 && clean && !flow.end(dir).is(marks::UNCOUNTED) {
            let x = flow.end_extra_mut(dir);
            x.missed_bytes = x.missed_bytes.saturating_add(hole);
            x.gap_count = x.gap_count.saturating_add(1);
            let count = x.gap_count;
            flow.note_scaled(dir, count, b'G');
        }
        if let Some(held) = &mut held {
            deliver_ready(cx, flow, app, dir, held);
        }
    }
    if let Some(mut held) = held {
        deliver_ready(cx, flow, app, dir, &mut held);
        put_held(cx, flow, dir, held);
    }
}

/// Bytes that wait in `dir`, by what their buffers cost.
pub(crate) fn waiting_len(flow: &Flow, dir: Dir) -> usize {
    flow.end_extra(dir).held.as_ref().map_or(0, |h| h.allocated_len)
}

/// Gives up the oldest holes of `dir` until the buffers of all flows take at most `goal_len` bytes.
pub(crate) fn shed<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, goal_len: usize) {
    let Some(mut held) = take_held(flow, dir) else { return };
    while !held.segments.is_empty() && cx.shared.pool.in_use_len() > goal_len {
        cx.shared.stats.holes_forced += 1;
        give_up_first_hole(cx, flow, app, dir, &mut held);
    }
    put_held(cx, flow, dir, held);
}

/// The flow ends: what waits is delivered, holes as gaps.
pub(crate) fn flush<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir) {
    settle_doubtful(cx, flow, app, dir, 0);
    let Some(mut held) = take_held(flow, dir) else { return };
    while !held.segments.is_empty() {
        give_up_first_hole(cx, flow, app, dir, &mut held);
    }
    put_held(cx, flow, dir, held);
}
