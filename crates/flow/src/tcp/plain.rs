//! The short way for the packets that make up nearly all of TCP: data and acknowledgements in the middle of a
//! connection. It does what [`super::process`] does, minus what can't happen here.

use super::{first, marks, note_rexmit, seen, stream};
use crate::flow::Flow;
use crate::table::Cx;
use crate::{Packet, Sink, TcpState};
use sekisho_types::Dir;
use sekisho_wire::tcp_flags::{ACK, FIN, RST, SYN};

/// Are both ends in the middle of the connection, with nothing closed and nothing special pending?
pub(super) fn is_plain(flow: &Flow) -> bool {
    let open = |state| matches!(state, TcpState::Established | TcpState::Partial);
    open(flow.orig.state)
        && open(flow.resp.state)
        && flow.tcp.first == first::BOTH
        && !(flow.orig.is(marks::FIN_SEEN | marks::DID_CLOSE) || flow.resp.is(marks::FIN_SEEN | marks::DID_CLOSE))
}

/// Takes a packet that needs no more than the short way; false if it does, and then nothing has happened.
#[inline]
pub(crate) fn plain<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, p: &Packet<'_>) -> bool {
    let d = p.decoded;
    let (flags, len) = (d.tcp.flags, d.payload_wire_len);
    if !flow.plain
        || flags & (SYN | FIN | RST | ACK) != ACK
        || d.tcp.window == 0
        || len != d.payload_len
        || !d.anomalies.is_empty()
    {
        return false;
    }
    let (end, peer) = flow.ends_mut(dir);
    let (rel_seq, seq_underflow) = end.relative(d.tcp.seq, end.last_seq, end.seq_wraps);
    let (rel_ack, ack_underflow) = peer.relative(d.tcp.ack, peer.ack_seq, peer.ack_wraps);
    if seq_underflow || ack_underflow {
        return false;
    }
    peer.update_ack(d.tcp.ack);
    let (_, again) = end.update_last(d.tcp.seq.wrapping_add(len), flags, len);
    let further = rel_ack > peer.trim;
    if len > 0 {
        if flow.note_once(dir, seen::DATA, b'D') {
            flow.note_data(dir, p.ts);
        }
    } else {
        flow.note_once(dir, seen::ACK, b'A');
    }
    flow.last_ts = p.ts;
    if again {
        note_rexmit(flow, dir);
    }
    if further {
        stream::acked(cx, flow, app, dir.flip(), rel_ack);
    }
    if len > 0 {
        let piece = stream::Piece { start: rel_seq, bytes: d.payload(p.frame), wire_len: len };
        if piece.is_filling(flags) {
            stream::doubtful_data(cx, flow, app, dir, piece);
        } else {
            stream::data(cx, flow, app, dir, piece);
        }
    }
    true
}
