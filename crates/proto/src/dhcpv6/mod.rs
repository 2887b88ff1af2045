//! DHCPv6 (RFC 8415) with name servers (RFC 3646), client names (RFC 4704) and prefix delegation.
//!
//! A row per message; Zeek has no log of it. Limits: [`message::MAX_ADDRS`], [`message::MAX_PARAMETERS`], eight relays.
//! Known gap: authentication options are not checked.

mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::Dhcpv6Record;

use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use message::Message;
use sekisho_types::Dir;

/// State of one flow: none.
pub struct Parser;

fn probe(p: &Probe<'_>) -> Guess {
    // Its messages have no mark: only on its ports.
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    let yes = p.transport == Transport::Udp && p.port_match && message::is_message(bytes);
    if yes { Guess::Yes } else { Guess::No }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "dhcpv6", tcp_ports: &[], udp_ports: &[546, 547], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self
    }

    fn data(&mut self, _dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        match Message::parse(bytes) {
            Ok(message) => {
                cx.recognize(Self::DESCRIPTOR.service);
                cx.emit(Dhcpv6Record::new(message, cx.head(cx.ts), cx.tail()));
            }
            Err(_) => cx.weird("dhcpv6_malformed"),
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, _cx: &mut Cx<'_>) {}

    fn held_len(&self) -> usize {
        0
    }
}
