//! What is odd about a packet's headers, by the names that Suricata's rules use (`decode-event:ipv6.trunc_exthdr`).
//!
//! A second, stricter walk, made only if somebody asks: [`crate::decode()`] is content with what flows need, whoever writes
//! rules about headers is not. Both see the same bytes; here a header that lies is told of once, and the walk ends where a
//! receiver would drop the packet.

mod icmp;
mod ip4;
mod ip6;
mod link;
#[cfg(test)]
mod tests;
mod transport;

use crate::LinkType;

/// Names found, each at most once a packet.
#[derive(Clone, Debug, Default)]
pub struct Events {
    names: Vec<&'static str>,
    /// A receiver would drop the packet.
    invalid: bool,
    /// The IP header is whole.
    ip: bool,
}

/// Names kept of one packet; what hostile headers bring beyond them is not new.
const MAX_EVENTS: usize = 32;

impl Events {
    /// The names, in the order found.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Would a receiver drop the packet?
    pub const fn is_invalid(&self) -> bool {
        self.invalid
    }

    /// Are its IP addresses worth nothing: is it invalid for its IP header, or for something before that?
    pub const fn is_nobodys(&self) -> bool {
        self.invalid && !self.ip
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.names.clear();
        self.invalid = false;
        self.ip = false;
    }

    /// Notes what is odd.
    pub fn add(&mut self, name: &'static str) {
        if self.names.len() < MAX_EVENTS && !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// Notes for what a receiver would drop the packet.
    pub fn drop(&mut self, name: &'static str) {
        self.add(name);
        self.invalid = true;
    }
}

/// Of a frame as captured.
pub fn of_frame(link: LinkType, frame: &[u8], events: &mut Events) {
    link::frame(link, frame, events);
}

/// Of an IP packet, as found in a tunnel: its version by its first four bits.
pub fn of_packet(packet: &[u8], events: &mut Events) {
    match packet.first().map(|b| b >> 4) {
        Some(4) => ip4::packet(packet, events),
        Some(6) => ip6::packet(packet, events),
        _ => {}
    }
}

/// The big-endian number at `at`.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let [high, low] = *bytes.get(at..)?.first_chunk::<2>()?;
    Some(usize::from(u16::from_be_bytes([high, low])))
}
