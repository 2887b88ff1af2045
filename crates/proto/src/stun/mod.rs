//! STUN (RFC 8489, 5389, 3489) with TURN (RFC 8656) and ICE (RFC 8445), over UDP and TCP, with the framing of RFC 4571.
//!
//! A row per flow for address discovery and one for relaying, at the flow's end. What else is in the flow (RTP, relayed
//! data) is passed over; where DTLS begins (RFC 7983), its parser goes on. Limits: [`MAX_PEERS`], [`MAX_FOREIGN`],
//! [`MAX_MESSAGE_LEN`]. Known gaps: what a server relays for a client is not looked into; the integrity of messages is not
//! checked.

mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::StunRecord;

use crate::{Cx, Descriptor, Event, Guess, Held, Probe, ProtoId, Protocol, Start, Transport};
use message::{HEADER_LEN, Message};
use sekisho_record::EnumName;
use sekisho_types::{Dir, Heap};

/// Peers kept per flow.
pub const MAX_PEERS: usize = 32;
/// Datagrams of other protocols in a row that are passed over; then the flow counts only.
pub const MAX_FOREIGN: u16 = 256;
/// The datagram in a row of foreign ones at which media are believed.
const MEDIA_RUN: u16 = 3;
/// Longest message over TCP that is waited for.
pub const MAX_MESSAGE_LEN: usize = 4096;
/// Bytes of the length before each message in the framing of RFC 4571.
const FRAME_LEN: usize = 2;

/// What a method belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Binding,
    Relay,
}

impl Use {
    /// Of a method's number (RFC 8489 §18.2, RFC 8656 §17); others are vendors' own.
    const fn of(method: u16) -> Self {
        if matches!(method, 3..=12) { Self::Relay } else { Self::Binding }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Binding => "binding",
            Self::Relay => "relay",
        }
    }
}

/// State of one flow.
#[derive(Default)]
pub struct Parser {
    binding: Option<Box<StunRecord>>,
    relay: Option<Box<StunRecord>>,
    /// What is incomplete of a stream, by direction.
    held: [Held; 2],
    /// Datagrams of other protocols in a row.
    foreign: u16,
    /// Messages have a length before them (RFC 4571).
    framed: bool,
    /// DTLS goes on in this flow and names its service.
    continued: bool,
}

fn probe(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    if bytes.first().is_none_or(|first| first & 0xc0 != 0) {
        return Guess::No;
    }
    match p.transport {
        Transport::Udp => match message::message_len(bytes) {
            Some(len) if len <= bytes.len() => Guess::Yes,
            _ if p.port_match && message::is_classic(bytes) => Guess::Yes,
            _ => Guess::No,
        },
        Transport::Tcp => match (message::message_len(bytes), framed_len(bytes)) {
            (Some(_), _) | (_, Some(_)) => Guess::Yes,
            _ if bytes.len() < FRAME_LEN + 8 && p.port_match => Guess::More,
            _ => Guess::No,
        },
    }
}

/// Bytes of a framed message with its frame.
fn framed_len(bytes: &[u8]) -> Option<usize> {
    let (prefix, rest) = bytes.split_first_chunk::<FRAME_LEN>()?;
    let len = usize::from(u16::from_be_bytes(*prefix));
    message::message_len(rest).filter(|l| *l == len).map(|l| l + FRAME_LEN)
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "stun", tcp_ports: &[3478, 5349], udp_ports: &[3478, 3479, 3480, 5349, 19302], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        match cx.transport {
            Transport::Udp => self.datagram(dir, bytes, cx),
            Transport::Tcp => self.stream(dir, bytes, cx),
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, cx: &mut Cx<'_>) {
        // Relayed data has no mark to find back into step by.
        cx.opaque();
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if !self.continued && (self.binding.is_some() || self.relay.is_some()) {
            cx.confirm(Self::DESCRIPTOR.service);
        }
        for mut row in [self.binding.take(), self.relay.take()].into_iter().flatten() {
            row.tail = cx.tail();
            cx.emit(Event::StunRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        let rows = [&self.binding, &self.relay].into_iter().flatten().map(|row| row.held_len());
        rows.sum::<usize>() + self.held.as_slice().heap_len()
    }
}

impl Parser {
    fn datagram(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let is_stun = message::message_len(bytes).is_some_and(|len| len <= bytes.len()) || message::is_classic(bytes);
        if is_stun {
            self.foreign = 0;
            return self.message(dir, bytes, cx);
        }
        self.foreign += 1;
        if matches!(*bytes, [20..=25, 0xfe, 0xfd..=0xff, ..]) {
            self.continued = true;
            cx.hand_over(Some(ProtoId::Tls), bytes.len());
        } else if self.foreign == MEDIA_RUN && matches!(bytes.first(), Some(0x80..=0xbf)) {
            // Media, by where they come (RFC 7983 §7).
            cx.recognize("rtp");
        } else if self.foreign >= MAX_FOREIGN {
            cx.opaque();
        }
    }

    fn stream(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Some(held) = self.held.get_mut(dir.index()) else { return };
        let joined = held.join(bytes);
        let mut consumed = 0;
        loop {
            let rest = joined.get(consumed..).unwrap_or(&[]);
            if rest.len() < FRAME_LEN + 8 {
                break;
            }
            self.framed |= framed_len(rest).is_some();
            let Some(len) = unit_len(rest, self.framed) else { return cx.opaque() };
            let Some(unit) = rest.get(..len) else { break };
            let message = unit.get(if self.framed { FRAME_LEN } else { 0 }..).unwrap_or(&[]);
            if message::message_len(message) == Some(message.len()) {
                self.message(dir, message, cx);
            }
            consumed += len;
        }
        let Some(held) = self.held.get_mut(dir.index()) else { return };
        if !held.keep(joined, consumed, MAX_MESSAGE_LEN) {
            cx.opaque();
        }
    }

    fn message(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Ok(message) = Message::parse(bytes) else {
            cx.weird("stun_malformed");
            return;
        };
        cx.recognize(Self::DESCRIPTOR.service);
        let usage = Use::of(message.method);
        let slot = match usage {
            Use::Binding => &mut self.binding,
            Use::Relay => &mut self.relay,
        };
        let proto = EnumName(if cx.transport == Transport::Tcp { "tcp" } else { "udp" });
        let row = slot.get_or_insert_with(|| Box::new(StunRecord::new(cx.head(cx.ts), cx.tail(), proto, usage)));
        row.add(message, dir.is_orig());
    }
}

/// Bytes of what a stream goes on with: a frame, a message, or relayed data (RFC 8656 §12.5), which is padded.
fn unit_len(bytes: &[u8], framed: bool) -> Option<usize> {
    let &[a, b, c, d] = bytes.first_chunk::<4>()?;
    if framed {
        return Some(FRAME_LEN + usize::from(u16::from_be_bytes([a, b])));
    }
    let channel = matches!(a, 0x40..=0x4f);
    let data_len = usize::from(u16::from_be_bytes([c, d]));
    message::message_len(bytes).or_else(|| channel.then(|| (4 + data_len).next_multiple_of(4)))
}

const _: () = assert!(HEADER_LEN > FRAME_LEN + 8);
