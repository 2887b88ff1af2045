//! WebSocket (RFC 6455), after an upgrade that HTTP saw: messages are counted, the first close is noted, and what they
//! carry is recognised and parsed as a stream of its own, since tunnels are built of this.
//!
//! One row per socket, as Zeek's `websocket.log`, at its end. Limits: of a frame its header is kept; streams within
//! streams are followed [`MAX_NESTED_DEPTH`] deep. Known gaps: compressed messages (RFC 7692) end the look into the
//! content; sockets whose upgrade was not seen are not recognised; those over HTTP/2 (RFC 8441) are requests there.

mod frame;
#[cfg(test)]
mod tests;
mod tx;

pub use crate::upgrade::WebsocketRecord;

use crate::stream::reuse;
use crate::{Cx, Descriptor, Event, Guess, MAX_NESTED_DEPTH, Nested, Probe, Protocol, Start};
use frame::{Found, Frames, Piece};
use sekisho_types::{Dir, Heap, block_len};
use tx::Exchanges;

/// Name in conn's `service`.
const SERVICE: &str = "websocket";

/// State of one flow.
pub struct Parser {
    /// The row that HTTP began.
    row: Option<Box<WebsocketRecord>>,
    sides: [Frames; 2],
    inner: Inner,
    /// What rules and EVE see, once somebody watches.
    exchanges: Option<Box<Exchanges>>,
}

/// What speaks through the messages.
struct Inner {
    nested: Nested,
    /// A piece without its mask.
    plain: Vec<u8>,
}

impl Inner {
    fn data(&mut self, dir: Dir, piece: &Piece<'_>, cx: &mut Cx<'_>) {
        if self.nested.is_opaque() {
            return;
        }
        if piece.compressed || cx.depth() >= MAX_NESTED_DEPTH {
            return self.nested.give_up(cx);
        }
        self.plain.clear();
        piece.unmask(&mut self.plain);
        self.nested.data(dir, &self.plain, cx);
        reuse(&mut self.plain);
    }
}

/// Frames alone say too little: only an upgrade leads here.
fn probe(_: &Probe<'_>) -> Guess {
    Guess::No
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: SERVICE, tcp_ports: &[], udp_ports: &[], probe };

    fn start(start: &Start<'_>) -> Self {
        let row = match start.begun {
            Some(Event::WebsocketRecord(row)) => Some(row.clone()),
            _ => None,
        };
        let inner = Inner { nested: Nested::in_clear(), plain: Vec::new() };
        Self { row, sides: Default::default(), inner, exchanges: None }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        cx.confirm(SERVICE);
        let Self { row: Some(row), sides, inner, exchanges } = self else { return };
        let Some(side) = sides.get_mut(dir.index()) else { return };
        let (messages, len) = if dir.is_orig() {
            (&mut row.orig_messages, &mut row.orig_message_bytes)
        } else {
            (&mut row.resp_messages, &mut row.resp_message_bytes)
        };
        let close_code = &mut row.close_code;
        side.watched = cx.is_watched();
        let odd = side.feed(bytes, |found| match found {
            Found::Data(piece) => {
                *len = len.saturating_add(piece.bytes.len() as u64);
                inner.data(dir, &piece, cx);
            }
            Found::Message => *messages += 1,
            Found::Close(code) => *close_code = close_code.or(code),
            Found::Payload(seen, piece) => {
                exchanges.get_or_insert_default().payload(dir, &seen, |to| piece.unmask(to));
            }
            Found::Over(seen, extent) => exchanges.get_or_insert_default().frame(dir, seen, extent, cx),
        });
        if let Some(odd) = odd {
            cx.weird(odd);
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        if let Some(side) = self.sides.get_mut(dir.index()) {
            side.gap(len);
            self.inner.nested.gap(dir, len, cx);
        }
    }

    fn half_closed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        self.inner.nested.half_closed(dir, cx);
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.inner.nested.end(cx);
        if let Some(mut row) = self.row.take() {
            row.tail = cx.tail();
            cx.emit(Event::WebsocketRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        let row = self.row.as_ref().map_or(0, |r| block_len(size_of::<WebsocketRecord>()) + r.owned_len());
        let exchanges = self.exchanges.as_ref().map_or(0, |e| block_len(size_of::<Exchanges>()) + e.heap_len());
        row + self.inner.nested.held_len() + self.inner.plain.heap_len() + exchanges
    }
}
