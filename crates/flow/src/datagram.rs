use crate::flow::{Flow, Kind};
use crate::table::Cx;
use crate::{Packet, Sink};
use sekisho_types::Dir;
use sekisho_wire::Anomaly;

/// History bit: a datagram was seen.
const SEEN_DATA: u8 = 0x10;

/// UDP header (RFC 768).
const UDP_HEADER_LEN: u32 = 8;

/// A packet of a protocol without streams: UDP, ICMP and all that is not known.
pub(crate) fn process<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, app: &mut S::App, dir: Dir, p: &Packet<'_>) {
    let d = p.decoded;
    if flow.kind != Kind::Other && d.anomalies.contains(Anomaly::BadTransportChecksum) {
        checksum_error(cx, flow, dir);
        return;
    }
    flow.last_ts = p.ts;
    if flow.kind == Kind::Udp {
        if flow.note_once(dir, SEEN_DATA, b'D') {
            flow.note_data(dir, p.ts);
        }
        if d.anomalies.contains(Anomaly::UdpLength) {
            cx.sink.weird(Some(flow), "UDP_datagram_length_mismatch", cx.at);
        }
    }
    if flow_counts_payload(d.proto) {
        flow.count_payload(dir, claimed_len(p));
    }
    if d.payload_wire_len > d.payload_len {
        flow.count_cut(dir, d.payload_wire_len - d.payload_len);
    }
    if !flow.opaque {
        cx.sink.datagram(flow, app, dir, d.payload(p.frame), d.payload_wire_len, cx.at);
    }
}

/// Payload length by the packet's own header, even if the IP header contradicts a UDP length.
fn claimed_len(p: &Packet<'_>) -> u32 {
    let d = p.decoded;
    if !d.anomalies.contains(Anomaly::UdpLength) {
        return d.payload_wire_len;
    }
    match d.transport(p.frame) {
        [_, _, _, _, a, b, ..] => u32::from(u16::from_be_bytes([*a, *b])).saturating_sub(UDP_HEADER_LEN),
        _ => d.payload_wire_len,
    }
}

const fn flow_counts_payload(proto: u8) -> bool {
    !matches!(Kind::of(proto), Kind::Other)
}

fn checksum_error<S: Sink>(cx: &mut Cx<'_, S>, flow: &mut Flow, dir: Dir) {
    cx.shared.stats.checksum_errors += 1;
    let count = flow.count_bad_checksum(dir);
    if flow.kind == Kind::Udp {
        flow.note_scaled(dir, count, b'C');
        cx.sink.weird(Some(flow), "bad_UDP_checksum", cx.at);
    } else {
        cx.sink.weird(Some(flow), "bad_ICMP_checksum", cx.at);
    }
}
