//! PPTP (RFC 2637): the control connection. What it builds is in GRE and opened by the decoders.
//!
//! A row per connection, at its end. Limits: a message is at most as long as the standard's longest; [`MAX_KINDS`].

mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::PptpRecord;

use crate::{Cx, Descriptor, Event, Guess, Held, Probe, Protocol, Start, Transport};
use message::{Message, message_len};
use sekisho_record::Set;
use sekisho_types::{Dir, Heap, block_len, list_len};

/// Kinds of message kept per connection.
pub const MAX_KINDS: usize = 16;
/// Bytes that are held of an incomplete message, at most.
const MAX_HELD_LEN: usize = 256;

/// State of one connection.
#[derive(Default)]
pub struct Parser {
    row: Option<Box<PptpRecord>>,
    held: [Held; 2],
}

fn probe(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    match (p.transport, message_len(bytes)) {
        (Transport::Tcp, Ok(Some(_))) => Guess::Yes,
        (Transport::Tcp, Ok(None)) if bytes.first().is_none_or(|b| *b == 0) => Guess::More,
        _ => Guess::No,
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "pptp", tcp_ports: &[1723], udp_ports: &[], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Some(held) = self.held.get_mut(dir.index()) else { return };
        let joined = held.join(bytes);
        let mut consumed = 0;
        while let Some(rest) = joined.get(consumed..).filter(|rest| !rest.is_empty()) {
            match message_len(rest) {
                Err(e) => return cx.reject(e.item()),
                Ok(Some(len)) if len <= rest.len() => {
                    consumed += len;
                    self.message(dir, rest.get(..len).unwrap_or(&[]), cx);
                }
                Ok(_) => break,
            }
        }
        let Some(held) = self.held.get_mut(dir.index()) else { return };
        if !held.keep(joined, consumed, MAX_HELD_LEN) {
            cx.reject("pptp_message_limit");
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, cx: &mut Cx<'_>) {
        cx.opaque();
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut row) = self.row.take() {
            row.tail = cx.tail();
            cx.emit(Event::PptpRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        let row = self.row.as_ref().map_or(0, |row| {
            let texts = [&row.orig_host, &row.resp_host, &row.orig_vendor, &row.resp_vendor];
            let texts: usize = texts.into_iter().map(Heap::heap_len).sum();
            block_len(size_of::<PptpRecord>()) + list_len(&row.messages.0) + texts
        });
        row + self.held.as_slice().heap_len()
    }
}

impl Parser {
    fn message(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Ok(message) = Message::parse(bytes) else {
            cx.weird("pptp_malformed");
            return;
        };
        cx.recognize(Self::DESCRIPTOR.service);
        let row = self.row.get_or_insert_with(|| {
            Box::new(PptpRecord {
                head: cx.head(cx.ts),
                orig_host: None,
                resp_host: None,
                orig_vendor: None,
                resp_vendor: None,
                resp_firmware: None,
                messages: Set::default(),
                calls: 0,
                error: None,
                tail: cx.tail(),
            })
        });
        if row.messages.0.len() < MAX_KINDS {
            row.messages.insert(message::kind_name(message.kind));
        }
        match message.result {
            Some(1) => row.calls += u64::from(message.kind == 8),
            Some(error) => row.error = Some(error),
            None => {}
        }
        if message.host_name.is_none() && message.vendor.is_none() {
            return;
        }
        if dir.is_orig() {
            (row.orig_host, row.orig_vendor) = (message.host_name, message.vendor);
        } else {
            (row.resp_host, row.resp_vendor, row.resp_firmware) = (message.host_name, message.vendor, message.firmware);
        }
    }
}
