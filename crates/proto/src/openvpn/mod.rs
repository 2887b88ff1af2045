//! OpenVPN over UDP and TCP: that it is there, and how it protects its control packets.
//!
//! A flow is OpenVPN's if it begins with a reset, and the eight bytes of the session id come again behind another
//! control packet's operation. A row per flow, written when the first data packet comes; from then on the flow only
//! counts. Limits: [`MAX_HELD_LEN`]. Known gaps: the TLS handshake within control packets is not put together; the old
//! key methods and static keys, whose packets look random, are not recognised.

mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::OpenvpnRecord;

use crate::{Cx, Descriptor, Event, Guess, Held, Probe, Protocol, Start, Transport};
use message::{PREFIX_LEN, Packet, framed_len, is_reset_len, op, repeats};
use sekisho_record::{Digest, EnumName};
use sekisho_types::{Dir, Heap, block_len};

/// Longest incomplete packet over TCP that is kept.
pub const MAX_HELD_LEN: usize = 4096;

/// State of one flow.
#[derive(Default)]
pub struct Parser {
    row: Option<Box<OpenvpnRecord>>,
    /// What is incomplete of a stream, by direction.
    held: [Held; 2],
}

fn probe(p: &Probe<'_>) -> Guess {
    let orig = side(p.transport, p.orig);
    match orig {
        Guess::More if p.orig.is_empty() => side(p.transport, p.resp),
        guess => guess,
    }
}

/// What one end's bytes say.
fn side(transport: Transport, bytes: &[u8]) -> Guess {
    let packet = match transport {
        Transport::Udp => bytes,
        Transport::Tcp => match framed_len(bytes) {
            None => return Guess::More,
            Some(len) if !is_reset_len(len) => return Guess::No,
            Some(_) => bytes.get(PREFIX_LEN..).unwrap_or(&[]),
        },
    };
    let Some(session) = Packet::begins(packet) else {
        let may_begin = packet.first().is_none_or(|b| matches!(b, 0x38 | 0x40 | 0x50));
        return if may_begin && packet.len() < 14 { Guess::More } else { Guess::No };
    };
    // Behind the first packet's own id.
    if repeats(session, packet.get(9..).unwrap_or(&[])) { Guess::Yes } else { Guess::More }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "openvpn", tcp_ports: &[1194], udp_ports: &[1194], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if cx.transport == Transport::Udp {
            return self.packet(dir, bytes, cx);
        }
        let Some(held) = self.held.get_mut(dir.index()) else { return };
        let joined = held.join(bytes);
        let mut consumed = 0;
        while let Some(rest) = joined.get(consumed..)
            && let Some(len) = framed_len(rest)
            && let Some(packet) = rest.get(PREFIX_LEN..PREFIX_LEN + len)
        {
            consumed += PREFIX_LEN + len;
            self.packet(dir, packet, cx);
        }
        let Some(held) = self.held.get_mut(dir.index()) else { return };
        if !held.keep(joined, consumed, MAX_HELD_LEN) {
            cx.opaque();
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, cx: &mut Cx<'_>) {
        cx.opaque();
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut row) = self.row.take() {
            row.tail = cx.tail();
            cx.emit(Event::OpenvpnRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        let row = if self.row.is_some() { block_len(size_of::<OpenvpnRecord>()) } else { 0 };
        row + self.held.as_slice().heap_len()
    }
}

impl Parser {
    fn packet(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Ok(packet) = Packet::parse(bytes) else {
            cx.weird("openvpn_unknown_operation");
            return;
        };
        cx.confirm(Self::DESCRIPTOR.service);
        let row = self.row.get_or_insert_with(|| {
            Box::new(OpenvpnRecord {
                head: cx.head(cx.ts),
                proto: EnumName(if cx.transport == Transport::Tcp { "tcp" } else { "udp" }),
                orig_session: None,
                resp_session: None,
                protection: None,
                control_packets: 0,
                established: false,
                tail: cx.tail(),
            })
        });
        let Some(session) = packet.session else {
            row.established = true;
            return cx.opaque();
        };
        row.control_packets += 1;
        let slot = if dir.is_orig() { &mut row.orig_session } else { &mut row.resp_session };
        if packet.is_reset() || slot.is_none() {
            *slot = Some(Digest(session));
        }
        if matches!(packet.op, op::RESET_CLIENT_V2 | op::RESET_CLIENT_V3) {
            row.protection = Some(EnumName(message::protection(bytes)));
        }
    }
}
