//! DHCP for IPv4 (RFC 2131) with the options of RFC 2132, 3046 and 4702.
//!
//! A row tells of one exchange, whatever flows its messages are in: see [`Exchanges`]. A message is known by the cookie
//! before its options, on any port. Limits: [`MAX_EXCHANGES`], [`MAX_HELD_LEN`], [`MAX_FLOWS`], [`MAX_MESSAGES`],
//! [`MAX_SERVERS`], [`message::MAX_ADDRS`], [`message::MAX_PARAMETERS`]. Known gaps: options in the `sname` and `file`
//! fields (option 52) and options cut in several (RFC 3396) are not put together; plain BOOTP without DHCP's cookie is not
//! read.

mod exchanges;
mod message;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use exchanges::{Exchanges, MAX_EXCHANGES, MAX_FLOWS, MAX_HELD_LEN, MAX_MESSAGES, MAX_SERVERS};
pub(crate) use message::Message;
pub use record::{DhcpRecord, TypeName};

use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use sekisho_transaction::Counter;
use sekisho_types::Dir;

/// State of one flow: hardly any, the rest is in the table that flows share.
pub struct Parser {
    /// Messages shown to rules and EVE.
    txs: Counter,
}

fn probe(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    if p.transport == Transport::Udp && message::begins(bytes) { Guess::Yes } else { Guess::No }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "dhcp", tcp_ports: &[], udp_ports: &[67, 68, 4011], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self { txs: Counter::default() }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        // A message whose options are cut off is one that rules are to hear of.
        if cx.is_watched() && message::begins(bytes) {
            tx::show(dir, bytes, &mut self.txs, cx);
        }
        match Message::parse(bytes) {
            Ok(message) => {
                cx.confirm(Self::DESCRIPTOR.service);
                if message.options.kind == 0 {
                    cx.weird("dhcp_without_message_type");
                }
                cx.join_dhcp(dir, message);
            }
            Err(_) => cx.weird("dhcp_malformed"),
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, _cx: &mut Cx<'_>) {}

    fn held_len(&self) -> usize {
        0
    }
}
