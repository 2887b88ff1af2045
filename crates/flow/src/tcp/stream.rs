use super::endpoint::TcpState;
use crate::flow::Flow;
use crate::pool;
use crate::table::Cx;
use crate::{OverlapPolicy, Sink};
use sekisho_types::Dir;
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
    /// The bytes; empty if the flow is opaque.
    bytes: Vec<u8>,
    /// False for what was captured of a segment cut by the snaplen: it fills no hole, but is better
    /// than nothing when the hole is given up.
    whole: bool,
}

/// Pieces waiting for a hole to be filled: ordered, not overlapping.
#[derive(Debug, Default)]
struct Held {
    segments: VecDeque<Segment>,
    allocated_len: usize,
    bytes_len: u64,
    /// How many of them are whole.
    whole_count: usize,
}

/// One direction's byte stream; positions count from 1 at the first byte.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Next position to deliver.
    pub(crate) next: u64,
    /// Acknowledged up to here.
    trim: u64,
    /// End of the furthest piece seen.
    max_end: u64,
    /// Zeek would have given up here: gaps no longer count as missed, nothing is pending.
    pub(crate) uncounted: bool,
    held: Option<Box<Held>>,
}

impl Default for Stream {
    fn default() -> Self {
        Self { next: 1, trim: 1, max_end: 0, uncounted: false, held: None }
    }
}

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

impl Stream {
    /// Delivered or waiting bytes that the peer has not acknowledged.
    pub(crate) const fn has_unacked(&self) -> bool {
        self.max_end > self.trim
    }

    /// Begins anew at position 1, as after a SYN at another place; what waits belongs to the old numbers.
    pub(crate) fn restart<S>(&mut self, cx: &mut Cx<'_, S>) {
        for s in self.held.take().map(|h| h.segments).into_iter().flatten() {
            let len = s.end.saturating_sub(s.start);
            let stats = &mut cx.shared.stats;
            stats.buffered_len = stats.buffered_len.saturating_sub(len);
            stats.bytes_dropped += len;
            cx.shared.pool.give(s.bytes);
        }
        *self = Self { uncounted: self.uncounted, ..Self::default() };
    }

    fn buffered_len(&self) -> u64 {
        self.held.as_ref().map_or(0, |h| h.bytes_len)
    }

    fn has_whole(&self) -> bool {
        self.held.as_ref().is_some_and(|h| h.whole_count > 0)
    }

    /// Start of the first whole piece that starts below `limit`.
    fn first_whole_start(&self, limit: u64) -> Option<u64> {
        let held = self.held.as_ref().filter(|h| h.whole_count > 0)?;
        held.segments.iter().take_while(|s| s.start < limit).find(|s| s.whole).map(|s| s.start)
    }

    /// Takes the first waiting piece if it starts below `limit`.
    fn pop_below(&mut self, limit: u64) -> Option<Segment> {
        let held = self.held.as_mut()?;
        if held.segments.front()?.start >= limit {
            return None;
        }
        let s = held.segments.pop_front()?;
        held.bytes_len = held.bytes_len.saturating_sub(s.end.saturating_sub(s.start));
        held.allocated_len = held.allocated_len.saturating_sub(pool::cost(&s.bytes));
        held.whole_count = held.whole_count.saturating_sub(usize::from(s.whole));
        if held.segments.is_empty() {
            self.held = None;
        }
        Some(s)
    }
}

/// Is `e` in a state in which gaps are believed?
fn is_clean(e: &super::Endpoint) -> bool {
    e.state == TcpState::Established || e.state == TcpState::Closed && e.prev_state == TcpState::Established
}

/// Data of `dir` arrives. The fast way (next expected bytes, nothing waiting) copies nothing.
pub(crate) fn data<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, piece: Piece<'_>) {
    let end = flow.end_mut(dir);
    let no_ack = end.no_data_acked();
    let stream = &mut end.stream;
    let mut piece = piece;
    if piece.start < stream.trim.max(stream.next) {
        let old = stream.trim.max(stream.next) - piece.start;
        if old >= u64::from(piece.wire_len) {
            return;
        }
        piece = piece.skip(old);
    }
    let whole = piece.bytes.len() == piece.wire_len as usize;
    if piece.start == stream.next && whole && stream.held.is_none() {
        stream.next += u64::from(piece.wire_len);
        stream.max_end = stream.max_end.max(stream.next);
        if no_ack && stream.next > UNACKED_INITIAL_LEN {
            stream.trim = stream.next;
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
    let ahead = piece.start.saturating_sub(flow.end(dir).stream.next);
    if ahead > limits.window_len && !no_ack {
        cx.shared.stats.bytes_dropped += piece.bytes.len() as u64;
        cx.sink.weird(Some(flow), "data_outside_window", cx.at);
        return;
    }
    let mut stream = std::mem::take(&mut flow.end_mut(dir).stream);
    let end = piece.start.saturating_add(piece.bytes.len() as u64);
    if whole {
        stream.max_end = stream.max_end.max(end);
    }
    if make_room(cx, flow, app, dir, &mut stream, piece.bytes.len()) && piece.start >= stream.next {
        if insert(cx, flow.opaque, &mut stream, piece, whole) {
            cx.sink.weird(Some(flow), "rexmit_inconsistency", cx.at);
        }
    } else if piece.start == stream.next && whole {
        // No buffer is needed for what is next in order.
        stream.next = end;
        flow.end_mut(dir).stream.next = end;
        if !flow.opaque {
            cx.sink.data(flow, app, dir, piece.bytes, cx.at);
        }
    }
    deliver_ready(cx, flow, app, dir, &mut stream);
    if stream.has_whole() {
        let above = stream.max_end.saturating_sub(stream.next);
        if no_ack && above > UNCOUNTED_ABOVE_HOLE_LEN || stream.buffered_len() > UNCOUNTED_BUFFERED_LEN {
            stream.uncounted = true;
        }
    }
    while no_ack && stream.buffered_len() > limits.unacked_hole_len as u64 {
        cx.shared.stats.holes_forced += 1;
        give_up_first_hole(cx, flow, app, dir, &mut stream);
    }
    flow.end_mut(dir).stream = stream;
}

/// Makes room for one more piece by giving up the oldest holes; false if there is none to be had.
fn make_room<S: Sink>(
    cx: &mut Cx<'_, S>,
    flow: &mut Flow,
    app: &mut S::App,
    dir: Dir,
    stream: &mut Stream,
    len: usize,
) -> bool {
    let limits = cx.shared.config.limits;
    loop {
        let Some(held) = stream.held.as_ref() else {
            return len <= limits.flow_reassembly_len && cx.shared.pool.in_use_len() < limits.reassembly_len;
        };
        let fits = held.segments.len() < limits.segment_count
            && held.allocated_len.saturating_add(len) <= limits.flow_reassembly_len
            && cx.shared.pool.in_use_len().saturating_add(len) <= limits.reassembly_len;
        if fits {
            return true;
        }
        cx.shared.stats.holes_forced += 1;
        give_up_first_hole(cx, flow, app, dir, stream);
    }
}

/// Puts a piece among those waiting; true if it contradicts bytes already there.
fn insert<S: Sink>(cx: &mut Cx<'_, S>, opaque: bool, stream: &mut Stream, piece: Piece<'_>, whole: bool) -> bool {
    let last_wins = cx.shared.config.overlap == OverlapPolicy::Last;
    let limit = cx.shared.config.limits.reassembly_len;
    let held = stream.held.get_or_insert_with(Box::default);
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
    if held.segments.is_empty() {
        stream.held = None;
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
    Some(Segment { start, end, bytes, whole })
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
fn deliver<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, next: &mut u64, s: Segment) {
    cx.shared.stats.buffered_len = cx.shared.stats.buffered_len.saturating_sub(s.end.saturating_sub(s.start));
    let skip = usize::try_from(next.saturating_sub(s.start)).unwrap_or(usize::MAX);
    *next = (*next).max(s.end);
    flow.end_mut(dir).stream.next = *next;
    if let Some(bytes) = s.bytes.get(skip..)
        && !bytes.is_empty()
        && !flow.opaque
    {
        cx.sink.data(flow, app, dir, bytes, cx.at);
    }
    cx.shared.pool.give(s.bytes);
}

/// Delivers the waiting pieces that have become next in order.
fn deliver_ready<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, stream: &mut Stream) {
    loop {
        let ready =
            stream.held.as_ref().and_then(|h| h.segments.front()).is_some_and(|s| s.whole && s.start <= stream.next);
        if !ready {
            return;
        }
        let limit = stream.next.saturating_add(1);
        let Some(s) = stream.pop_below(limit) else { return };
        deliver(cx, flow, app, dir, &mut stream.next, s);
    }
}

/// Gives up the hole before the first waiting whole piece, or the cut pieces if there are only such.
fn give_up_first_hole<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, stream: &mut Stream) {
    let Some(last) = stream.held.as_ref().and_then(|h| h.segments.back()).map(|s| s.end) else { return };
    let to = stream.first_whole_start(u64::MAX).unwrap_or(last);
    cross_hole(cx, flow, app, dir, stream, to);
    deliver_ready(cx, flow, app, dir, stream);
}

/// Moves on to `to` over a hole: delivers the cut pieces in it and tells the gaps between.
fn cross_hole<S: Sink>(
    cx: &mut Cx<'_, S>,
    flow: &mut Flow,
    app: &mut S::App,
    dir: Dir,
    stream: &mut Stream,
    to: u64,
) -> u64 {
    let from = stream.next;
    while let Some(s) = stream.pop_below(to) {
        if s.start > stream.next {
            let len = s.start - stream.next;
            stream.next = s.start;
            tell_gap(cx, flow, app, dir, len, stream.next);
        }
        deliver(cx, flow, app, dir, &mut stream.next, s);
    }
    if to > stream.next {
        let len = to - stream.next;
        stream.next = to;
        tell_gap(cx, flow, app, dir, len, to);
    }
    stream.next.saturating_sub(from)
}

/// Tells a gap of `len` bytes before `next`.
fn tell_gap<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, len: u64, next: u64) {
    let end = flow.end_mut(dir);
    end.stream.next = next;
    end.gap_bytes = end.gap_bytes.saturating_add(len);
    cx.shared.stats.gap_bytes = cx.shared.stats.gap_bytes.saturating_add(len);
    if !flow.opaque {
        cx.sink.gap(flow, app, dir, len, cx.at);
    }
}

/// The peer acknowledged `dir`'s stream up to `ack`: what is missing below will not come any more.
pub(crate) fn acked<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, ack: u64) {
    let end = flow.end_mut(dir);
    // A FIN from before the stream's start ends nothing.
    let ack = if end.fin_seen && end.fin_seq > 0 && ack >= end.fin_seq { end.fin_seq - 1 } else { ack };
    if ack <= end.stream.trim {
        return;
    }
    end.stream.trim = ack;
    if ack <= end.stream.next {
        return;
    }
    if ack <= 2 && flow.tcp.is_partial {
        // The first packet of a connection seen midstream was a keep-alive: nothing is missing.
        return;
    }
    let clean = is_clean(&flow.orig) && is_clean(&flow.resp);
    let mut stream = std::mem::take(&mut flow.end_mut(dir).stream);
    while stream.next < ack {
        let to = stream.first_whole_start(ack).map_or(ack, |s| s.clamp(stream.next, ack));
        let hole = cross_hole(cx, flow, app, dir, &mut stream, to);
        if hole > 0 && clean && !stream.uncounted {
            let end = flow.end_mut(dir);
            end.missed_bytes = end.missed_bytes.saturating_add(hole);
            end.gap_count = end.gap_count.saturating_add(1);
            let count = end.gap_count;
            flow.note_scaled(dir, count, b'G');
        }
        deliver_ready(cx, flow, app, dir, &mut stream);
    }
    deliver_ready(cx, flow, app, dir, &mut stream);
    flow.end_mut(dir).stream = stream;
}

/// Bytes that wait in `dir`, by what their buffers cost.
pub(crate) fn waiting_len(flow: &Flow, dir: Dir) -> usize {
    flow.end(dir).stream.held.as_ref().map_or(0, |h| h.allocated_len)
}

/// Gives up the oldest holes of `dir` until the buffers of all flows take at most `goal_len` bytes.
pub(crate) fn shed<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, goal_len: usize) {
    let mut stream = std::mem::take(&mut flow.end_mut(dir).stream);
    while stream.held.is_some() && cx.shared.pool.in_use_len() > goal_len {
        cx.shared.stats.holes_forced += 1;
        give_up_first_hole(cx, flow, app, dir, &mut stream);
    }
    flow.end_mut(dir).stream = stream;
}

/// The flow ends: what waits is delivered, holes as gaps.
pub(crate) fn flush<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir) {
    if flow.end(dir).stream.held.is_none() {
        return;
    }
    let mut stream = std::mem::take(&mut flow.end_mut(dir).stream);
    while stream.held.is_some() {
        give_up_first_hole(cx, flow, app, dir, &mut stream);
    }
    flow.end_mut(dir).stream = stream;
}
