//! L2TP version 2 (RFC 2661): who builds a tunnel with whom. What goes through it is opened by the decoders.
//!
//! A row per flow, at its end. Limits: [`MAX_KINDS`], those of the message. Known gap: version 3 (RFC 3931) is not read.

mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::L2tpRecord;

use crate::{Cx, Descriptor, Event, Guess, Probe, Protocol, Start, Transport};
use message::Message;
use sekisho_record::Set;
use sekisho_types::{Dir, Heap, block_len, list_len};

/// Kinds of message kept per flow.
pub const MAX_KINDS: usize = 16;

/// State of one flow.
#[derive(Default)]
pub struct Parser {
    row: Option<Box<L2tpRecord>>,
}

fn probe(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    let yes = p.transport == Transport::Udp && message::begins(bytes) && Message::parse(bytes).is_ok();
    if yes { Guess::Yes } else { Guess::No }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "l2tp", tcp_ports: &[], udp_ports: &[1701], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        // The rest are users' packets.
        let Ok(message) = Message::parse(bytes) else { return };
        cx.recognize(Self::DESCRIPTOR.service);
        let row = self.row.get_or_insert_with(|| {
            Box::new(L2tpRecord {
                head: cx.head(cx.ts),
                orig_host: None,
                resp_host: None,
                orig_vendor: None,
                resp_vendor: None,
                orig_tunnel: None,
                resp_tunnel: None,
                messages: Set::default(),
                result: None,
                authenticated: false,
                tail: cx.tail(),
            })
        });
        let (host, vendor, tunnel) = if dir.is_orig() {
            (&mut row.orig_host, &mut row.orig_vendor, &mut row.orig_tunnel)
        } else {
            (&mut row.resp_host, &mut row.resp_vendor, &mut row.resp_tunnel)
        };
        *host = message.host_name.or_else(|| host.take());
        *vendor = message.vendor_name.or_else(|| vendor.take());
        *tunnel = message.tunnel_id.or(*tunnel);
        row.result = message.result.or(row.result);
        row.authenticated |= message.challenges;
        if let Some(kind) = message.kind
            && row.messages.0.len() < MAX_KINDS
        {
            row.messages.insert(message::kind_name(kind));
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut row) = self.row.take() {
            row.tail = cx.tail();
            cx.emit(Event::L2tpRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        self.row.as_ref().map_or(0, |row| {
            let texts = [&row.orig_host, &row.resp_host, &row.orig_vendor, &row.resp_vendor];
            let texts: usize = texts.into_iter().map(Heap::heap_len).sum();
            block_len(size_of::<L2tpRecord>()) + list_len(&row.messages.0) + texts
        })
    }
}
