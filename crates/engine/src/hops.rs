//! Packets that are to die on the way, and what routers say of it: told to detectors only, in rows of their own, as no
//! log has the hop limit of single packets.

use crate::Rows;
use sekisho_flow::{Flow, Moment};
use sekisho_record::Record;
use sekisho_types::{Addr, Dir, Timestamp, Uid, ip_proto};
use sekisho_wire::{Decoded, decode_ip, tcp_flags};

/// Hop limits below this are no operating system's (the lowest in use is 32), so such a packet was meant to die near by.
/// Zeek's detect-traceroute has the same limit.
const LOW_TTL: u8 = 10;

/// Packets of one direction of a flow that are told: a traceroute's flow has few, and one that lasts tells nothing new.
const MAX_TOLD: u64 = 64;

/// A packet with a low hop limit, or a router's word on one that died.
#[derive(Clone, Debug, Record)]
#[record(log = "probe")]
pub struct ProbeRecord {
    /// Time of the packet.
    pub ts: Timestamp,
    /// Flow of the packet; of answers, that of the answer.
    pub uid: Uid,
    /// Who sent the packet that was to die.
    #[record(name = "id.orig_h")]
    pub orig_h: Addr,
    /// Where it was to go.
    #[record(name = "id.resp_h")]
    pub resp_h: Addr,
    /// Its protocol: `tcp` (a SYN), `udp`, `icmp` (an echo request).
    pub proto: &'static str,
    /// What tells it from others to the same host: source and destination port, or identifier and number of an echo
    /// request, 16 bits each.
    pub mark: u32,
    /// Its hop limit; unset in answers, as what they quote was counted down.
    pub ttl: Option<u8>,
    /// Who answered that it died there; unset: this is the packet itself.
    pub router: Option<Addr>,
}

/// What of `d` is a probe: its protocol and mark.
fn probe(d: &Decoded, bytes: &[u8]) -> Option<(&'static str, u32)> {
    let ports = u32::from(d.src_port) << 16 | u32::from(d.dst_port);
    match d.proto {
        ip_proto::UDP => Some(("udp", ports)),
        ip_proto::TCP => Some(("tcp", ports)),
        ip_proto::ICMP if d.src_port == 8 => Some(("icmp", echo_mark(d, bytes))),
        ip_proto::ICMPV6 if d.src_port == 128 => Some(("icmp", echo_mark(d, bytes))),
        _ => None,
    }
}

/// Identifier and number of an echo request (RFC 792, RFC 4443 §4.1).
fn echo_mark(d: &Decoded, bytes: &[u8]) -> u32 {
    match *d.transport(bytes) {
        [_, _, _, _, a, b, c, e, ..] => u32::from_be_bytes([a, b, c, e]),
        _ => 0,
    }
}

/// Is it the message of a router that a packet's hop limit was used up (RFC 792, RFC 4443 §3.3)?
fn is_exceeded(d: &Decoded) -> bool {
    matches!((d.proto, d.src_port), (ip_proto::ICMP, 11) | (ip_proto::ICMPV6, 3)) && d.dst_port == 0
}

/// Might the packet be worth a row? Most are not, which this finds out by two looks.
#[inline]
pub(crate) fn concerns(d: &Decoded) -> bool {
    d.ttl < LOW_TTL || matches!(d.proto, ip_proto::ICMP | ip_proto::ICMPV6)
}

/// Tells of a packet that its flow has taken.
#[cold]
pub(crate) fn tell(flow: &Flow, dir: Dir, d: &Decoded, bytes: &[u8], at: Moment, rows: &mut dyn Rows) {
    if flow.counters(dir).pkts > MAX_TOLD {
        return;
    }
    let mut row = ProbeRecord {
        ts: at.ts,
        uid: flow.info.uid,
        orig_h: d.src,
        resp_h: d.dst,
        proto: "",
        mark: 0,
        ttl: Some(d.ttl),
        router: None,
    };
    let found = if is_exceeded(d) {
        let quoted = d.payload(bytes);
        let inner = decode_ip(quoted, u32::try_from(quoted.len()).unwrap_or(u32::MAX));
        if inner.ip_version == 0 {
            return;
        }
        (row.orig_h, row.resp_h, row.ttl, row.router) = (inner.src, inner.dst, None, Some(d.src));
        probe(&inner, quoted)
    } else {
        let starts = d.proto != ip_proto::TCP || d.tcp.flags & (tcp_flags::SYN | tcp_flags::ACK) == tcp_flags::SYN;
        probe(d, bytes).filter(|_| d.ttl < LOW_TTL && starts && !d.dst.is_multicast())
    };
    let Some((proto, mark)) = found else { return };
    (row.proto, row.mark) = (proto, mark);
    rows.row_at(at.number, &row);
}
