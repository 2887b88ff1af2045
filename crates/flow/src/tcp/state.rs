use super::TcpState::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};
use super::marks;
use crate::flow::Flow;
use crate::table::Cx;
use crate::{Packet, Sink};
use sekisho_types::Dir;
use sekisho_wire::tcp_flags::{ACK, FIN, RST, SYN};

/// What a packet did to the connection's state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// The packet's direction; turned if the connection was.
    pub(super) dir: Dir,
    /// Its sender closes its half.
    pub(super) closes: bool,
    /// That close is a regular end.
    pub(super) concludes: bool,
}

/// Starts, or restarts after a new SYN, the numbering of `dir`'s stream. `past` is one past the segment.
pub(super) fn init_endpoint<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, dir: Dir, flags: u8, seq: u32, past: u32) {
    let syn = flags & SYN != 0;
    let size = if syn { flow.size(dir) } else { 0 };
    let end = flow.end_mut(dir);
    let jumped = seq != end.start_seq;
    match end.state {
        Inactive if syn => end.init_seq(seq, past),
        // Seen midstream: as if a SYN had come just before. The first segment is no retransmission.
        Inactive => end.init_seq(seq.wrapping_sub(1), seq),
        SynSent | SynAckSent if syn && jumped => {
            end.init_seq(seq, past);
            cx.sink.weird(Some(flow), "SYN_seq_jump", cx.at);
        }
        Established | Partial if syn => {
            // Perhaps the connection did not come about before, and this SYN sets it up.
            end.init_seq(seq, past);
            if jumped {
                super::stream::restart(cx, flow, dir);
            }
            if size > 0 {
                cx.sink.weird(Some(flow), "SYN_inside_connection", cx.at);
            }
            if jumped {
                cx.sink.weird(Some(flow), "SYN_seq_jump", cx.at);
            }
        }
        // A RST that came before anything else may have been forged; believe the SYN.
        Reset if syn && end.prev_state == Inactive => end.init_seq(seq, past),
        _ => {}
    }
}

/// Moves the sender's state on.
pub(super) fn advance<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, dir: Dir, p: &Packet<'_>, delta_last: i32) -> Step {
    let flags = p.decoded.tcp.flags;
    let mut step = Step { dir, closes: false, concludes: false };
    match flow.end(dir).state {
        Inactive => from_inactive(cx, flow, p, &mut step),
        SynSent | SynAckSent => from_syn_sent(cx, flow, p, &mut step),
        Established | Partial => from_established(cx, flow, flags, &mut step),
        Closed => from_closed(cx, flow, flags, delta_last, &mut step),
        Reset => {
            let len = p.decoded.payload_wire_len;
            for (bad, name) in [
                (flags & SYN != 0, "SYN_after_reset"),
                (flags & FIN != 0, "FIN_after_reset"),
                (len > 0 && flags & RST == 0, "data_after_reset"),
            ] {
                if bad {
                    cx.sink.weird(Some(flow), name, cx.at);
                }
            }
        }
    }
    step
}

fn from_inactive<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, p: &Packet<'_>, step: &mut Step) {
    let flags = p.decoded.tcp.flags;
    if flags & SYN != 0 {
        if step.dir.is_orig() {
            syn_of_originator(cx, flow, p);
        } else {
            syn_of_responder(cx, flow, p, step);
        }
    }
    let dir = step.dir;
    if flags & FIN != 0 {
        flow.end_mut(dir).set_state(Closed);
        (step.closes, step.concludes) = (true, true);
        if flow.end(dir.flip()).state != Partial && flags & SYN == 0 {
            cx.sink.weird(Some(flow), "spontaneous_FIN", cx.at);
        }
    }
    if flags & RST != 0 {
        flow.end_mut(dir).set_state(Reset);
        let peer = flow.end(dir.flip()).state;
        let rejects = if dir.is_orig() { peer == Established } else { matches!(peer, SynSent | SynAckSent) };
        step.closes = true;
        step.concludes = !rejects;
        if !rejects && peer == Inactive {
            cx.sink.weird(Some(flow), "spontaneous_RST", cx.at);
        }
    }
    if flow.end(dir).state == Inactive {
        without_controls(flow, dir, flags, p.decoded.payload_wire_len);
    }
}

fn syn_of_originator<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, p: &Packet<'_>) {
    if p.decoded.tcp.flags & ACK != 0 {
        flow.orig.set_state(SynAckSent);
        cx.sink.weird(Some(flow), "connection_originator_SYN_ack", cx.at);
    } else {
        flow.orig.set_state(SynSent);
    }
    flow.timers_changed = true;
    flow.second_look = (p.ts + cx.shared.config.timeouts.tcp_attempt).0;
    flow.tcp.second_is_attempt = true;
}

fn syn_of_responder<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, p: &Packet<'_>, step: &mut Step) {
    let tcp = &p.decoded.tcp;
    let (end, peer) = flow.ends_mut(step.dir);
    if tcp.flags & ACK != 0 {
        let known = !matches!(peer.state, Inactive | Partial);
        let span = peer.last_seq.wrapping_sub(peer.start_seq);
        if known && tcp.ack.wrapping_sub(peer.start_seq) > span {
            cx.sink.weird(Some(flow), "bad_SYN_ack", cx.at);
        }
    } else if peer.state == SynAckSent && tcp.seq == end.start_seq {
        // SYN and SYN-ACK in the wrong order: the SYN-ACK was the responder's.
        peer.set_state(Established);
        flow.flip();
        flow.tcp.set_first(Dir::Orig);
        step.dir = step.dir.flip();
    } else {
        cx.sink.weird(Some(flow), "simultaneous_open", cx.at);
    }
    let (end, peer) = flow.ends_mut(step.dir);
    end.set_state(Established);
    match peer.state {
        SynSent => peer.set_state(Established),
        Inactive => cx.sink.weird(Some(flow), "unsolicited_SYN_response", cx.at),
        _ => {}
    }
}

/// A first packet of an end with neither SYN, FIN nor RST.
fn without_controls(flow: &mut Flow, dir: Dir, flags: u8, len: u32) {
    let early_ack = !dir.is_orig() && len == 0 && flow.orig.state == SynSent;
    if early_ack {
        // Some responders acknowledge the SYN before they send theirs.
        return;
    }
    if flags & ACK != 0 && flow.end(dir.flip()).state == Established {
        // Only the originator's SYN was missed.
        flow.end_mut(dir).set_state(Established);
        flow.info.midstream = false;
        flow.tcp.set_first(dir);
    } else {
        flow.end_mut(dir).set_state(Partial);
    }
}

fn from_syn_sent<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, p: &Packet<'_>, step: &mut Step) {
    let (flags, dir) = (p.decoded.tcp.flags, step.dir);
    let state = flow.end(dir).state;
    if flags & SYN != 0 {
        if dir.is_orig() && flags & (ACK | FIN | RST) == ACK && state != SynAckSent {
            cx.sink.weird(Some(flow), "repeated_SYN_with_ack", cx.at);
        } else if !dir.is_orig() && flags & ACK == 0 && state != SynSent {
            cx.sink.weird(Some(flow), "repeated_SYN_reply_wo_ack", cx.at);
        }
    }
    if flags & FIN != 0 {
        if matches!(flow.end(dir.flip()).state, Inactive | SynSent) {
            cx.sink.weird(Some(flow), "inappropriate_FIN", cx.at);
        }
        flow.end_mut(dir).set_state(Closed);
        (step.closes, step.concludes) = (true, true);
    }
    if flags & RST != 0 {
        flow.end_mut(dir).set_state(Reset);
        flow.tcp.concluded = true;
        step.closes = true;
    } else if p.decoded.payload_wire_len > 0 {
        cx.sink.weird(Some(flow), "data_before_established", cx.at);
    }
}

fn from_established<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, flags: u8, step: &mut Step) {
    let (end, peer) = flow.ends_mut(step.dir);
    let late_syn = flags & (SYN | ACK) == SYN && end.state == Partial && peer.state == Inactive;
    if late_syn {
        end.set_state(SynSent);
    }
    if flags & FIN != 0 && flags & RST == 0 {
        end.set_state(Closed);
        // FIN and then RST from the peer was a normal end after all.
        if peer.state == Reset && peer.prev_state == Closed {
            peer.set_state(Closed);
        }
        (step.closes, step.concludes) = (true, true);
    }
    if flags & RST != 0 {
        end.set_state(Reset);
        step.closes = true;
        if peer.state != Reset || peer.prev_state != Established {
            flow.tcp.concluded = true;
        }
    }
    if late_syn {
        cx.sink.weird(Some(flow), "SYN_after_partial", cx.at);
    }
}

fn from_closed<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, flags: u8, delta_last: i32, step: &mut Step) {
    let (end, peer) = flow.ends_mut(step.dir);
    // After FINs from both, a RST changes nothing.
    if flags & RST != 0 && peer.state != Closed {
        end.set_state(Reset);
        step.closes |= !end.is(marks::DID_CLOSE);
    }
    if flags & SYN != 0 {
        cx.sink.weird(Some(flow), "SYN_after_close", cx.at);
    }
    if flags & FIN != 0 && delta_last > 0 {
        cx.sink.weird(Some(flow), "FIN_advanced_last_seq", cx.at);
    }
}
