//! WireGuard (its protocol page, and the paper's §5.4): four kinds of message, told by their first bytes and lengths.
//!
//! A row per flow, at its end. Nothing is held but that row. Known gap: who talks can only be told by keys that are
//! encrypted.

mod record;
#[cfg(test)]
mod tests;

pub use record::WireguardRecord;

use crate::{Cx, Descriptor, Event, Guess, Probe, Protocol, Start, Transport};
use sekisho_types::{Dir, block_len};

/// Bytes of a handshake's first message.
const INITIATION_LEN: usize = 148;
/// Bytes of the answer.
const RESPONSE_LEN: usize = 92;
/// Bytes of a message that asks a busy server's caller to prove its address.
const COOKIE_LEN: usize = 64;
/// Bytes of a data message without data; what it holds is padded to as many as this is a multiple of.
const KEEPALIVE_LEN: usize = 32;
const PADDING_LEN: usize = 16;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    /// With the sender's index.
    Initiation(u32),
    /// With the sender's index.
    Response(u32),
    Cookie,
    /// With its counter.
    Data(u64),
}

impl Message {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let &[kind, 0, 0, 0, a, b, c, d] = bytes.first_chunk::<8>()? else { return None };
        let index = u32::from_le_bytes([a, b, c, d]);
        match (kind, bytes.len()) {
            (1, INITIATION_LEN) => Some(Self::Initiation(index)),
            (2, RESPONSE_LEN) => Some(Self::Response(index)),
            (3, COOKIE_LEN) => Some(Self::Cookie),
            (4, KEEPALIVE_LEN..) if bytes.len().is_multiple_of(PADDING_LEN) => {
                let counter = bytes.get(8..16)?.first_chunk()?;
                Some(Self::Data(u64::from_le_bytes(*counter)))
            }
            _ => None,
        }
    }
}

/// State of one flow.
#[derive(Default)]
pub struct Parser {
    row: Option<Box<WireguardRecord>>,
}

fn probe(p: &Probe<'_>) -> Guess {
    /// A key is changed long before it has sealed so many messages.
    const MAX_COUNTER: u64 = 1 << 32;
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    if p.transport != Transport::Udp {
        return Guess::No;
    }
    match Message::parse(bytes) {
        Some(Message::Data(counter)) if counter >= MAX_COUNTER => Guess::No,
        Some(Message::Cookie) if !p.port_match => Guess::No,
        Some(_) => Guess::Yes,
        None => Guess::No,
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "wireguard", tcp_ports: &[], udp_ports: &[51820], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Some(message) = Message::parse(bytes) else { return };
        cx.confirm(Self::DESCRIPTOR.service);
        let row = self.row.get_or_insert_with(|| Box::new(WireguardRecord::new(cx.head(cx.ts), cx.tail())));
        let sender = if dir.is_orig() { &mut row.orig_index } else { &mut row.resp_index };
        match message {
            Message::Initiation(index) => {
                row.initiations += 1;
                *sender = Some(index);
            }
            Message::Response(index) => {
                row.responses += 1;
                *sender = Some(index);
            }
            Message::Cookie => row.cookies += 1,
            Message::Data(_) if bytes.len() == KEEPALIVE_LEN => row.keepalives += 1,
            Message::Data(_) => row.data_messages += 1,
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut row) = self.row.take() {
            row.tail = cx.tail();
            cx.emit(Event::WireguardRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        if self.row.is_some() { block_len(size_of::<WireguardRecord>()) } else { 0 }
    }
}
