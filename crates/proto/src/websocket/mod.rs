//! WebSocket (RFC 6455), after an upgrade that HTTP saw: messages are counted, and the first close is noted.
//!
//! One row per socket, as Zeek's `websocket.log`, at its end. Limits: a frame's header is the only thing that is kept.
//! Known gaps: what the messages carry is not looked into; sockets whose upgrade was not seen are not recognised;
//! those over HTTP/2 (RFC 8441) are requests there.

mod frame;
#[cfg(test)]
mod tests;

pub use crate::upgrade::WebsocketRecord;

use crate::{Cx, Descriptor, Event, Guess, Probe, Protocol, Start};
use frame::{Found, Frames};
use sekisho_types::{Dir, block_len};

/// Name in conn's `service`.
const SERVICE: &str = "websocket";

/// State of one flow.
pub struct Parser {
    /// The row that HTTP began.
    row: Option<Box<WebsocketRecord>>,
    sides: [Frames; 2],
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
        Self { row, sides: Default::default() }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        cx.confirm(SERVICE);
        let (Some(row), Some(side)) = (&mut self.row, self.sides.get_mut(dir.index())) else { return };
        let (messages, len) = if dir.is_orig() {
            (&mut row.orig_messages, &mut row.orig_message_bytes)
        } else {
            (&mut row.resp_messages, &mut row.resp_message_bytes)
        };
        let close_code = &mut row.close_code;
        let odd = side.feed(bytes, |found| match found {
            Found::Data(n) => *len = len.saturating_add(n),
            Found::Message => *messages += 1,
            Found::Close(code) => *close_code = close_code.or(code),
        });
        if let Some(odd) = odd {
            cx.weird(odd);
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        if let Some(side) = self.sides.get_mut(dir.index()) {
            side.gap(len);
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut row) = self.row.take() {
            row.tail = cx.tail();
            cx.emit(Event::WebsocketRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        self.row.as_ref().map_or(0, |r| block_len(size_of::<WebsocketRecord>()) + r.owned_len())
    }
}
