//! RTP and RTCP (RFC 3550), on one port or two.
//!
//! RTP has no mark: a flow is taken for it when an end's first datagram is followed by two of the same source, in order; or
//! when a datagram is RTCP to its last byte. A row per flow, at its end. Held is only what the row needs. Known gaps: of
//! several sources of one end the latest counts; media in flows that began with STUN are not counted; jitter is not.

mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::RtpRecord;

use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use message::{Control, HEADER_LEN, Header};
use record::Media;
use sekisho_record::{Head, Text};
use sekisho_types::{Dir, Heap, Timestamp};

/// State of one flow.
#[derive(Default)]
pub struct Parser {
    first: Option<Timestamp>,
    media: [Media; 2],
    control_packets: u64,
    fraction_lost: Option<u8>,
    canonical_name: Option<Text>,
}

fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Udp {
        return Guess::No;
    }
    match (side(p.orig), side(p.resp)) {
        (Guess::Yes, _) | (_, Guess::Yes) => Guess::Yes,
        (Guess::More, _) => Guess::More,
        (Guess::No, guess) if p.orig.is_empty() => guess,
        (Guess::No, _) => Guess::No,
    }
}

/// What one end's first datagrams say.
fn side(bytes: &[u8]) -> Guess {
    if bytes.first().is_none_or(|b| b >> 6 != 2) {
        return Guess::No;
    }
    let Ok(header) = Header::parse(bytes) else {
        return if Control::parse(bytes).is_ok() { Guess::Yes } else { Guess::No };
    };
    if header.goes_on(bytes.get(HEADER_LEN..).unwrap_or(&[])) { Guess::Yes } else { Guess::More }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "rtp", tcp_ports: &[], udp_ports: &[5004, 5005], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        self.first.get_or_insert(cx.ts);
        if let Ok(header) = Header::parse(bytes) {
            if let Some(media) = self.media.get_mut(dir.index()) {
                media.add(header);
            }
        } else if let Ok(control) = Control::parse(bytes) {
            self.control_packets += 1;
            self.fraction_lost = self.fraction_lost.max(control.fraction_lost);
            self.canonical_name = control.canonical_name.or_else(|| self.canonical_name.take());
        } else {
            return;
        }
        cx.recognize(Self::DESCRIPTOR.service);
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, cx: &mut Cx<'_>) {
        let Some(first) = self.first.take() else { return };
        if self.control_packets == 0 && self.media.iter().all(|m| m.packets == 0) {
            return;
        }
        let mut row = RtpRecord::new(Head::new(first, cx.flow), cx.tail(), std::mem::take(&mut self.media));
        row.control_packets = self.control_packets;
        row.reported_loss = self.fraction_lost.map(|n| f64::from(n) / 256.0);
        row.canonical_name = self.canonical_name.take();
        cx.emit(row);
    }

    fn held_len(&self) -> usize {
        self.canonical_name.heap_len()
    }
}

impl Media {
    fn add(&mut self, header: Header) {
        if self.packets == 0 || self.ssrc != header.ssrc {
            // A new source begins to count where it stands; what the old one lost stays lost.
            self.ssrc = header.ssrc;
            self.highest = header.seq;
            self.expected += 1;
        } else {
            let step = header.seq.wrapping_sub(self.highest);
            if (1..0x8000).contains(&step) {
                self.expected += u64::from(step);
                self.highest = header.seq;
            }
        }
        self.payload_type = header.payload_type;
        self.packets += 1;
        self.bytes += header.payload_len as u64;
    }
}
