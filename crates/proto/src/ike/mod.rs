//! IKE versions 1 (RFC 2408, 2409) and 2 (RFC 7296), with the marker of ports where ESP goes over UDP (RFC 3948).
//!
//! A row per initiator's cookie and flow, at the flow's end. Limits: [`MAX_ASSOCIATIONS`], [`MAX_EXCHANGES`],
//! [`MAX_VENDORS`], `message::MAX_ITEMS`. Known gaps: over TCP (RFC 8229) nothing is read; of the proposals only the first
//! is told, identities of aggressive mode are not.

mod detail;
mod message;
mod names;
mod record;
#[cfg(test)]
mod tests;
mod tx;
mod weak;

pub use record::IkeRecord;

use crate::{Cx, Descriptor, Event, Guess, Probe, Protocol, Start, Transport};
use message::Message;
use sekisho_types::{Dir, Heap, block_len, list_len};
use tx::Exchanges;

/// Associations open per flow; beyond, the oldest is logged.
pub const MAX_ASSOCIATIONS: usize = 8;
/// Kinds of exchange kept per association.
pub const MAX_EXCHANGES: usize = 16;
/// Vendor ids kept per association.
pub const MAX_VENDORS: usize = 8;

/// What tells IKE from ESP on a port they share.
const NON_ESP_MARKER: [u8; 4] = [0; 4];

/// State of one flow.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "rows go out in their boxes")]
pub struct Parser {
    rows: Vec<Box<IkeRecord>>,
    /// What rules and EVE see, once somebody watches.
    exchanges: Option<Box<Exchanges>>,
}

/// A message without the marker before it.
fn unmarked(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(&NON_ESP_MARKER).unwrap_or(bytes)
}

fn probe(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    if p.transport == Transport::Udp && message::begins(unmarked(bytes)) { Guess::Yes } else { Guess::No }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "ike", tcp_ports: &[], udp_ports: &[500, 4500], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        // Anything else is ESP or a sign of life.
        let Ok(message) = Message::parse(unmarked(bytes)) else { return };
        cx.confirm(Self::DESCRIPTOR.service);
        if cx.is_watched() {
            self.exchanges.get_or_insert_default().message(dir, unmarked(bytes), cx);
        }
        if let Some(row) = self.rows.iter_mut().find(|row| row.initiator_spi.0 == message.initiator) {
            return row.add(&message);
        }
        if self.rows.len() >= MAX_ASSOCIATIONS {
            cx.emit(Event::IkeRecord(self.rows.remove(0)));
        }
        let mut row = Box::new(IkeRecord::new(&message, cx.head(cx.ts), cx.tail()));
        row.add(&message);
        self.rows.push(row);
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, cx: &mut Cx<'_>) {
        for mut row in self.rows.drain(..) {
            row.tail = cx.tail();
            cx.emit(Event::IkeRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        let rows = self.rows.iter().map(|row| row.held_len()).sum::<usize>();
        let exchanges = self.exchanges.as_ref().map_or(0, |e| block_len(size_of::<Exchanges>()) + e.heap_len());
        list_len(&self.rows) + rows + exchanges
    }
}
