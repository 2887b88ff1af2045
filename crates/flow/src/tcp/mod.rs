//! TCP connections: Zeek's view of their states, timers and history, and the reassembly of both streams.

mod endpoint;
mod plain;
mod state;
mod stream;
mod watch;

use crate::flow::{Flow, Position};
use crate::table::Cx;
use crate::{Manner, Packet, Sink, Timeouts};
use endpoint::segment_len;
use sekisho_types::{Dir, Timestamp};
use sekisho_wire::Anomaly;
use sekisho_wire::tcp_flags::{ACK, FIN, RST, SYN, URG};

pub use endpoint::TcpState;
pub(crate) use endpoint::{Endpoint, marks};
pub(crate) use plain::plain;
pub(crate) use stream::{Held, PLACE_LEN};
pub use watch::TcpWatch;

/// History bits of events noted once per direction; SYN, FIN and RST again at another position.
mod seen {
    pub(super) const SYN: u8 = 0x01;
    pub(super) const FIN: u8 = 0x02;
    pub(super) const RST: u8 = 0x04;
    pub(super) const FIN_RST: u8 = 0x08;
    pub(super) const DATA: u8 = 0x10;
    pub(super) const ACK: u8 = 0x20;
    pub(super) const MULTI: u8 = 0x40;
}

/// Bits of [`TcpBits`]'s `first`.
mod first {
    pub(super) const ORIG: u8 = 1;
    pub(super) const RESP: u8 = 2;
    pub(super) const BOTH: u8 = 3;
}

/// What is put off until data arrives.
mod deferred {
    /// A close.
    pub(super) const CLOSE: u8 = 1;
    /// Its being a regular end.
    pub(super) const CONCLUSION: u8 = 2;
}

/// No timer.
const NEVER: i64 = i64::MAX;

/// The part of a TCP connection's state that belongs to neither end.
#[derive(Debug, Default)]
pub(crate) struct TcpBits {
    /// Which ends' first packets were seen.
    first: u8,
    /// An end of it was concluded.
    concluded: bool,
    /// The flow's `look` is its removal.
    deleting: bool,
    /// The flow's `second_look` is whether its SYN was answered.
    second_is_attempt: bool,
    /// Bits of [`deferred`].
    deferred: u8,
}

impl TcpBits {
    pub(crate) fn flip(&mut self) {
        self.first = (self.first & first::ORIG) << 1 | (self.first & first::RESP) >> 1;
    }

    /// What a packet tells of `midstream` by its flags, if it is its end's first.
    fn update(&self, midstream: &mut bool, dir: Dir, flags: u8) {
        match dir {
            Dir::Orig if self.first & first::ORIG == 0 => *midstream = flags & (SYN | ACK) != SYN,
            Dir::Resp if self.first & first::RESP == 0 && !*midstream => *midstream = flags & SYN == 0,
            _ => {}
        }
    }

    fn set_first(&mut self, dir: Dir) {
        self.first |= if dir.is_orig() { first::ORIG } else { first::RESP };
    }
}

/// Sets the timers of a new connection.
pub(crate) fn open(flow: &mut Flow, now: Timestamp, t: &Timeouts) {
    flow.look = (now + t.tcp_syn).0;
}

/// Does `p`, which carries a SYN, begin another connection between the same ends? Then perhaps with
/// the name of what is odd about it.
pub(crate) fn is_reuse(flow: &Flow, p: &Packet<'_>, t: &Timeouts) -> Option<Option<&'static str>> {
    let d = p.decoded;
    if d.anomalies.contains(Anomaly::TcpHeaderLength) {
        return None;
    }
    let syn_ack = d.tcp.flags & ACK != 0;
    if syn_ack && flow.orig.state != TcpState::Inactive {
        return None;
    }
    let starter = if syn_ack { &flow.resp } else { &flow.orig };
    let reset = flow.orig.state == TcpState::Reset || flow.resp.state == TcpState::Reset;
    if !(flow.orig.is(marks::DID_CLOSE) || flow.resp.is(marks::DID_CLOSE)) {
        let same = d.tcp.seq == starter.start_seq;
        // SYN and SYN-ACK were captured in the wrong order.
        let swapped = !syn_ack
            && starter.state == TcpState::SynAckSent
            && flow.resp.state == TcpState::Inactive
            && d.tcp.seq == flow.resp.start_seq;
        if same || swapped {
            return None;
        }
        let jump = starter.state == TcpState::SynSent;
        return Some(Some(if jump { "SYN_seq_jump" } else { "active_connection_reuse" }));
    }
    if (flow.orig.is_active() || flow.resp.is_active()) && !reset {
        return Some(Some("active_connection_reuse"));
    }
    let soon = (p.ts - flow.last_ts) < t.tcp_linger;
    Some((soon && !reset).then_some("premature_connection_reuse"))
}

/// May a SYN that is no copy of the flow's own begin another connection, as Suricata sees it: once the client's side has
/// ended, or both have?
pub(crate) fn is_closing(flow: &Flow, p: &Packet<'_>) -> bool {
    let (orig, resp) = (&flow.orig, &flow.resp);
    let is_reset = orig.state == TcpState::Reset || resp.state == TcpState::Reset;
    let same = [orig, resp].iter().any(|end| end.state != TcpState::Inactive && end.start_seq == p.decoded.tcp.seq);
    !same && p.decoded.tcp.flags & ACK == 0 && (is_reset || orig.state == TcpState::Closed)
}

impl Flow {
    /// Did the connection begin with a SYN-ACK that turns out, as the connection goes on, to have
    /// answered a SYN that was not captured? Then its sender is made the responder.
    pub(crate) fn began_with_answer(&mut self, flags: u8) -> bool {
        if flags & (SYN | RST) != 0 || self.orig.state != TcpState::SynAckSent || self.resp.state != TcpState::Inactive
        {
            return false;
        }
        let history = self.history().syn_ack_was_the_responders();
        self.flip();
        // The SYN-ACK proves a beginning, the packet at hand doesn't tell of one that is missing: as in Zeek it is whole.
        self.tcp.set_first(Dir::Orig);
        self.set_history(&history);
        std::mem::swap(&mut self.orig.hist_seen, &mut self.resp.hist_seen);
        true
    }
}

/// Takes one TCP packet of `flow`; gives the packet's direction afterwards (the flow may turn out to be
/// the other way round), or `None` if the packet doesn't count.
pub(crate) fn process<S: Sink>(
    cx: &mut Cx<'_, S>,
    flow: &mut Flow,
    app: &mut S::App,
    dir: Dir,
    p: &Packet<'_>,
) -> Option<Dir> {
    let d = p.decoded;
    if d.anomalies.contains(Anomaly::TcpHeaderLength) {
        cx.sink.weird(Some(flow), "bad_TCP_header_len", cx.at);
        return None;
    }
    if d.anomalies.contains(Anomaly::TransportTruncated) {
        cx.sink.weird(Some(flow), "truncated_header", cx.at);
        return None;
    }
    if d.anomalies.contains(Anomaly::BadTransportChecksum) {
        checksum_error(cx, flow, dir);
        return None;
    }
    let (flags, len) = (d.tcp.flags, d.payload_wire_len);
    if cx.shared.config.manner == Manner::Suricata && is_no_answer(flow, dir, p) {
        return None;
    }
    flow.tcp.update(&mut flow.info.midstream, dir, flags);
    let past = d.tcp.seq.wrapping_add(segment_len(len, flags));
    state::init_endpoint(cx, flow, dir, flags, d.tcp.seq, past);
    if len > d.payload_len {
        flow.count_cut(dir, len - d.payload_len);
    }
    let end = flow.end(dir);
    let (rel_seq, underflow) = end.relative(d.tcp.seq, end.last_seq, end.seq_wraps);
    if underflow && flags & RST == 0 {
        cx.sink.weird(Some(flow), "TCP_seq_underflow_or_misorder", cx.at);
    }
    note_history(flow, dir, flags, rel_seq, len, p.ts);
    note_zero_window(flow, dir, flags, d.tcp.window);
    if !(flow.orig.is(marks::DID_CLOSE) && flow.resp.is(marks::DID_CLOSE)) {
        flow.last_ts = p.ts;
    }
    if flags & SYN != 0 {
        syn_weirds(cx, flow, flags, len);
    }
    if flags & FIN != 0 {
        flow.end_mut(dir).set(marks::FIN_SEEN);
        let [o, r] = &mut flow.fin_seq;
        let at = rel_seq.wrapping_add(u64::from(segment_len(len, flags)));
        *(if dir.is_orig() { o } else { r }) = Position::new(at);
    }
    let rel_ack = if flags & ACK != 0 { take_ack(cx, flow, dir, flags, d.tcp.ack) } else { 0 };
    let (delta_last, again) = flow.end_mut(dir).update_last(past, flags, len);
    if again {
        note_rexmit(flow, dir);
    }
    let step = state::advance(cx, flow, dir, p, delta_last);
    let seen_dir = dir;
    let dir = step.dir;
    if flags & ACK != 0 {
        stream::acked(cx, flow, app, dir.flip(), rel_ack);
        check_eof(cx, flow, dir.flip());
    }
    flow.tcp.set_first(seen_dir);
    if len > 0 && flags & RST == 0 && !underflow {
        let start = if flags & SYN != 0 { rel_seq.wrapping_add(1) } else { rel_seq };
        let piece = stream::Piece { start, bytes: d.payload(p.frame), wire_len: len };
        if piece.is_filling(flags) {
            stream::doubtful_data(cx, flow, app, dir, piece);
        } else {
            stream::data(cx, flow, app, dir, piece);
        }
    }
    check_eof(cx, flow, dir);
    if step.closes {
        close(cx, flow, dir, step.concludes);
    }
    tell_closed(cx, flow, app, dir);
    tell_closed(cx, flow, app, dir.flip());
    flow.plain = plain::is_plain(flow);
    Some(dir)
}

/// Is it a packet of the responder that pretends to answer a SYN, but echoes a timestamp that was not in it (RFC 7323
/// §3.2)? Suricata leaves such packets out.
fn is_no_answer(flow: &mut Flow, dir: Dir, p: &Packet<'_>) -> bool {
    let tcp = &p.decoded.tcp;
    if dir.is_orig() {
        if let (SYN, Some((stamp, _))) = (tcp.flags & (SYN | ACK | RST), tcp.timestamps) {
            flow.extra_mut().syn_stamp = Some(stamp);
        }
        return false;
    }
    let (TcpState::SynSent, TcpState::Inactive, Some((_, echo))) = (flow.orig.state, flow.resp.state, tcp.timestamps)
    else {
        return false;
    };
    let stamp = flow.extra.as_ref().and_then(|x| x.syn_stamp);
    echo != 0 && stamp.is_none_or(|stamp| stamp != 0 && stamp != echo)
}

fn note_rexmit(flow: &mut Flow, dir: Dir) {
    let end = flow.end_mut(dir);
    end.rexmit_count = end.rexmit_count.saturating_add(1);
    let count = end.rexmit_count;
    flow.note_scaled(dir, count, b'T');
}

fn checksum_error<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, dir: Dir) {
    cx.shared.stats.checksum_errors += 1;
    let count = flow.count_bad_checksum(dir);
    flow.note_scaled(dir, count, b'C');
    cx.sink.weird(Some(flow), "bad_TCP_checksum", cx.at);
}

fn note_history(flow: &mut Flow, dir: Dir, flags: u8, rel_seq: u64, len: u32, ts: Timestamp) {
    let controls = flags & (SYN | FIN | RST);
    match controls {
        0 if len > 0 => {
            if flow.note_once(dir, seen::DATA, b'D') {
                flow.note_data(dir, ts);
            }
        }
        0 if flags & ACK != 0 => {
            flow.note_once(dir, seen::ACK, b'A');
        }
        0 => {}
        SYN => {
            let code = if flags & ACK != 0 { b'H' } else { b'S' };
            if flags & ACK != 0 && !dir.is_orig() && !flow.info.midstream {
                flow.note_answered(ts);
            }
            let last = flow.end_extra(dir).last_syn;
            if last != rel_seq {
                flow.end_extra_mut(dir).last_syn = rel_seq;
            }
            note_again(flow, dir, seen::SYN, code, last != rel_seq);
        }
        FIN => {
            let at = rel_seq.wrapping_add(u64::from(len));
            let last = last_fin(flow, dir);
            if let Some(x) = &mut flow.extra {
                // The flow's `fin_seq` says it from now on.
                x.end_mut(dir).last_fin = None;
            }
            note_again(flow, dir, seen::FIN, b'F', last != at);
        }
        RST => {
            let [.., a, b, c, d] = rel_seq.to_be_bytes();
            let at = u32::from_be_bytes([a, b, c, d]);
            let last = std::mem::replace(&mut flow.end_mut(dir).last_rst, at);
            note_again(flow, dir, seen::RST, b'R', last != at);
        }
        c => {
            if c & FIN != 0 {
                let last = last_fin(flow, dir);
                flow.end_extra_mut(dir).last_fin = Some(last);
            }
            if c & FIN != 0 && c & RST != 0 {
                flow.note_once(dir, seen::FIN_RST, b'I');
            } else {
                flow.note_once(dir, seen::MULTI, b'Q');
            }
        }
    }
}

/// Where the last FIN was seen that came without SYN and RST, 0 before.
fn last_fin(flow: &Flow, dir: Dir) -> u64 {
    let seen = flow.end(dir).is(marks::FIN_SEEN);
    flow.end_extra(dir).last_fin.unwrap_or(if seen { flow.fin_seq(dir).wrapping_sub(1) } else { 0 })
}

fn note_again(flow: &mut Flow, dir: Dir, mask: u8, code: u8, elsewhere: bool) {
    if !flow.note_once(dir, mask, code) && elsewhere {
        flow.note(dir, code);
    }
}

/// A closed window matters unless the connection is about to end anyway.
fn note_zero_window(flow: &mut Flow, dir: Dir, flags: u8, window: u16) {
    if window != 0
        || flags & RST != 0
        || flow.end(dir.flip()).state == TcpState::Closed
        || flow.end(dir).state == TcpState::Reset
    {
        return;
    }
    let x = flow.end_extra_mut(dir);
    x.zero_window_count = x.zero_window_count.saturating_add(1);
    let count = x.zero_window_count;
    flow.note_scaled(dir, count, b'W');
}

fn syn_weirds<S: Sink>(cx: &mut Cx<'_, S>, flow: &Flow, flags: u8, len: u32) {
    if flags & RST != 0 {
        cx.sink.weird(Some(flow), "TCP_christmas", cx.at);
    }
    if flags & URG != 0 {
        cx.sink.weird(Some(flow), "baroque_SYN", cx.at);
    }
    if len > 0 {
        cx.sink.weird(Some(flow), "SYN_with_data", cx.at);
    }
}

/// Notes an acknowledgement by `dir`; gives its position in the other end's stream, 0 if it has none.
fn take_ack<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, dir: Dir, flags: u8, ack: u32) -> u64 {
    let peer = flow.end_mut(dir.flip());
    if peer.state == TcpState::Inactive {
        // Number the peer's stream as if it had sent a SYN just before.
        let start = ack.wrapping_sub(1);
        peer.init_seq(start, start);
        return 1;
    }
    let (rel, underflow) = peer.relative(ack, peer.ack_seq, peer.ack_wraps);
    if underflow {
        cx.sink.weird(Some(flow), "TCP_ack_underflow_or_misorder", cx.at);
        return 0;
    }
    if flags & RST == 0 {
        peer.update_ack(ack);
    }
    rel
}

/// Has `dir` closed with all its data delivered? Then a close that waited for this goes on.
fn check_eof<S>(cx: &Cx<'_, S>, flow: &mut Flow, dir: Dir) {
    let (end, peer) = flow.ends_mut(dir);
    let closed = end.is(marks::FIN_SEEN) || matches!(end.state, TcpState::Closed | TcpState::Reset);
    if !closed || end.is(marks::DID_EOF) || end.data_pending(peer) {
        return;
    }
    end.set(marks::DID_EOF);
    if flow.tcp.deferred & deferred::CLOSE != 0 {
        let concludes = flow.tcp.deferred & deferred::CONCLUSION != 0;
        close(cx, flow, dir, concludes);
        flow.tcp.deferred &= !deferred::CLOSE;
    }
}

/// `dir` closed its half, or reset the connection.
fn close<S>(cx: &Cx<'_, S>, flow: &mut Flow, dir: Dir, concludes: bool) {
    let (end, peer) = flow.ends_mut(dir);
    if end.data_pending(peer) {
        flow.tcp.deferred |= deferred::CLOSE | if concludes { deferred::CONCLUSION } else { 0 };
        return;
    }
    flow.tcp.deferred &= !deferred::CLOSE;
    let (end, peer) = flow.ends_mut(dir);
    if end.is(marks::DID_CLOSE) {
        return;
    }
    end.set(marks::DID_CLOSE);
    let (state, prev, peer_state) = (end.state, end.prev_state, peer.state);
    let complete = state == TcpState::Reset || peer.is(marks::DID_CLOSE) || peer_state == TcpState::Inactive;
    let t = &cx.shared.config.timeouts;
    let last = flow.last_ts;
    flow.timers_changed = true;
    let bits = &mut flow.tcp;
    if complete {
        let known = prev != TcpState::Inactive || peer_state != TcpState::Inactive;
        if known && (concludes || bits.deferred & deferred::CONCLUSION != 0) {
            bits.concluded = true;
            if !concludes {
                bits.deferred &= !deferred::CONCLUSION;
            }
        }
        let due = (last + t.tcp_close).0;
        flow.look = if bits.deleting { flow.look.min(due) } else { due };
        bits.deleting = true;
        flow.second_look = NEVER;
        bits.second_is_attempt = false;
    } else if prev != TcpState::Inactive {
        let due = (last + t.tcp_session).0;
        if flow.look == NEVER {
            flow.look = due;
        } else {
            // Both ends are known by now: whether a SYN was answered is no question any more.
            flow.second_look = due;
            bits.second_is_attempt = false;
        }
    }
}

/// Tells the application, once, that `dir` sends nothing further.
fn tell_closed<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir) {
    let end = flow.end(dir);
    let done = end.state == TcpState::Reset || end.is(marks::FIN_SEEN) && end.next >= flow.fin_seq(dir).wrapping_sub(1);
    if done && !end.is(marks::TOLD_CLOSED) {
        flow.end_mut(dir).set(marks::TOLD_CLOSED);
        cx.sink.half_closed(flow, app, dir, cx.at);
    }
}

/// Runs the timers that are due at `now`; true if one of them ends the connection.
pub(crate) fn timers_say_over(flow: &mut Flow, now: Timestamp, t: &Timeouts) -> bool {
    if flow.tcp.deleting && flow.look <= now.0 {
        return true;
    }
    if flow.tcp.second_is_attempt && flow.second_look <= now.0 {
        flow.second_look = NEVER;
        flow.tcp.second_is_attempt = false;
        let unanswered = matches!(flow.orig.state, TcpState::SynSent | TcpState::SynAckSent)
            && flow.resp.state == TcpState::Inactive;
        if !flow.tcp.concluded && unanswered {
            return true;
        }
    }
    let again = if flow.tcp.concluded { NEVER } else { (now + t.tcp_session).0 };
    let mut looked = false;
    if !flow.tcp.deleting && flow.look <= now.0 {
        flow.look = again;
        looked = true;
    }
    if !flow.tcp.second_is_attempt && flow.second_look <= now.0 {
        flow.second_look = again;
        looked = true;
    }
    looked && is_dead(flow, now, t)
}

/// Is nothing more to be expected of a quiet, at least half closed connection?
fn is_dead(flow: &Flow, now: Timestamp, t: &Timeouts) -> bool {
    if flow.tcp.concluded || flow.last_ts + t.tcp_linger >= now {
        return false;
    }
    let (o, r) = (&flow.orig, &flow.resp);
    let either = |s: TcpState| o.state == s || r.state == s;
    if o.is(marks::DID_CLOSE) || r.is(marks::DID_CLOSE) {
        let both = o.is(marks::DID_CLOSE) && r.is(marks::DID_CLOSE);
        if both || either(TcpState::Reset) || either(TcpState::Inactive) {
            return true;
        }
    }
    o.state == TcpState::Inactive && r.state == TcpState::Inactive
}

/// Bytes that wait for a hole to be filled, both directions, by what their buffers cost.
pub(crate) fn waiting_len(flow: &Flow) -> usize {
    stream::waiting_len(flow, Dir::Orig).saturating_add(stream::waiting_len(flow, Dir::Resp))
}

/// Memory is short: gives up holes of both directions until the buffers of all flows take at most `goal_len` bytes.
pub(crate) fn shed<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, goal_len: usize) {
    for dir in [Dir::Orig, Dir::Resp] {
        stream::shed(cx, flow, app, dir, goal_len);
        check_eof(cx, flow, dir);
        tell_closed(cx, flow, app, dir);
    }
}

/// The flow ends: delivers what still waits in both directions.
pub(crate) fn flush<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App) {
    stream::flush(cx, flow, app, Dir::Orig);
    stream::flush(cx, flow, app, Dir::Resp);
    tell_closed(cx, flow, app, Dir::Orig);
    tell_closed(cx, flow, app, Dir::Resp);
}
