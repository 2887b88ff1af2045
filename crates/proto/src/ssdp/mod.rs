//! SSDP (UPnP Device Architecture 2.0 §1): who looks for devices and who says that it is one, in HTTP's clothes over UDP.
//!
//! A row per message that says something new in its flow; repetitions, of which there are many, count in none. Limits:
//! [`MAX_HEADER_FIELDS`], [`MAX_SEEN`]. Known gap: the description at `location` is an HTTP transfer of its own.

mod record;
#[cfg(test)]
mod tests;

pub use record::SsdpRecord;

use crate::{Cx, Descriptor, Event, Guess, Probe, Protocol, Start, Transport};
use sekisho_types::{Dir, list_len};
use std::hash::{BuildHasher, Hasher};

/// Header fields read of one message.
pub const MAX_HEADER_FIELDS: usize = 32;
/// Messages of a flow that are told from their repetitions; when full, all are forgotten.
pub const MAX_SEEN: usize = 64;

/// First lines, and what they are called in rows.
const METHODS: [(&[u8], &str); 3] = [
    (b"M-SEARCH * HTTP/1.1\r\n", "M-SEARCH"),
    (b"NOTIFY * HTTP/1.1\r\n", "NOTIFY"),
    (b"HTTP/1.1 200 OK\r\n", "response"),
];

/// State of one flow.
#[derive(Default)]
pub struct Parser {
    /// Digests of the messages logged.
    seen: Vec<u64>,
}

fn method(bytes: &[u8]) -> Option<(&'static str, &[u8])> {
    METHODS.iter().find_map(|(line, name)| Some((*name, bytes.strip_prefix(*line)?)))
}

/// A reply alone could be another protocol's that borrows HTTP over UDP.
fn is_ssdp(bytes: &[u8], port_match: bool) -> bool {
    match method(bytes) {
        Some(("response", rest)) => port_match || memchr::memmem::find(rest, b"\r\nUSN:").is_some(),
        Some(_) => true,
        None => false,
    }
}

fn probe(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    let may = p.transport == Transport::Udp && matches!(bytes.first(), Some(b'M' | b'N' | b'H'));
    if may && is_ssdp(bytes, p.port_match) { Guess::Yes } else { Guess::No }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "ssdp", tcp_ports: &[], udp_ports: &[1900], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Some((method, fields)) = method(bytes) else { return };
        cx.recognize(Self::DESCRIPTOR.service);
        let mut hasher = sekisho_types::SeededState(u64::from(dir.is_orig())).build_hasher();
        hasher.write(bytes);
        let digest = hasher.finish();
        if self.seen.contains(&digest) {
            return;
        }
        if self.seen.len() >= MAX_SEEN {
            self.seen.clear();
        }
        self.seen.push(digest);
        let mut row = Box::new(SsdpRecord::new(cx.head(cx.ts), cx.tail(), method));
        for line in fields.split(|b| *b == b'\n').take(MAX_HEADER_FIELDS) {
            if let Some(colon) = memchr::memchr(b':', line) {
                let (name, value) = line.split_at(colon);
                row.take(name.trim_ascii(), value.get(1..).unwrap_or(&[]).trim_ascii());
            }
        }
        cx.emit(Event::SsdpRecord(row));
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, _cx: &mut Cx<'_>) {}

    fn held_len(&self) -> usize {
        list_len(&self.seen)
    }
}
