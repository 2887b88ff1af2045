//! BitTorrent: peers over TCP (BEP 3), the distributed table (BEP 5), uTP (BEP 29), local discovery (BEP 14), UDP trackers
//! (BEP 15).
//!
//! A row per flow. A connection between peers costs only counters once both handshakes are seen. uTP's header has no mark,
//! so two datagrams must agree before a flow is taken for one. Limits: [`MAX_TORRENTS`], [`MAX_QUERIES`]. Known gaps:
//! peers that obfuscate their stream are not recognised; what goes through uTP is not put together.

mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::BittorrentRecord;

use crate::{Cx, Descriptor, Event, Guess, Held, Probe, Protocol, Start, Transport};
use message::{ID_LEN, Kind, PEER_LEN, PEER_PROTOCOL};
use sekisho_record::{Digest, EnumName, Set};
use sekisho_types::{Dir, Heap, block_len, list_len};

/// Torrents kept per flow.
pub const MAX_TORRENTS: usize = 16;
/// Kinds of question kept per flow.
pub const MAX_QUERIES: usize = 8;

/// State of one flow.
#[derive(Default)]
pub struct Parser {
    row: Option<Box<BittorrentRecord>>,
    /// Handshakes of peers, by direction.
    held: [Held; 2],
    /// Whose handshake is over.
    greeted: [bool; 2],
}

fn probe(p: &Probe<'_>) -> Guess {
    match p.transport {
        Transport::Tcp => {
            let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
            let len = bytes.len().min(PEER_PROTOCOL.len());
            match bytes.get(..len) == PEER_PROTOCOL.get(..len) {
                true if len == PEER_PROTOCOL.len() => Guess::Yes,
                true => Guess::More,
                false => Guess::No,
            }
        }
        Transport::Udp => {
            let first = if p.orig.is_empty() { p.resp } else { p.orig };
            match first.first() {
                Some(b'd' | b'B' | 0) if message::datagram(first).is_some() => Guess::Yes,
                Some(0x01 | 0x11 | 0x21 | 0x31 | 0x41) => utp_pair(p),
                _ => Guess::No,
            }
        }
    }
}

/// Do the first datagrams of both ends belong to one uTP stream? Each acknowledges what the other has sent, and their
/// connection numbers are neighbours.
fn utp_pair(p: &Probe<'_>) -> Guess {
    let (Some(a), b) = (message::utp(if p.orig.is_empty() { p.resp } else { p.orig }), message::utp(p.resp)) else {
        return Guess::No;
    };
    if p.orig.is_empty() || p.resp.is_empty() {
        return one_way_utp(if p.orig.is_empty() { p.resp } else { p.orig }, a);
    }
    let Some(b) = b else { return Guess::No };
    let near = a.connection.abs_diff(b.connection) <= 1 || a.kind == 4 && b.connection == a.connection;
    let acked = b.ack.wrapping_sub(a.seq) <= 1 || a.ack.wrapping_sub(b.seq) <= 1 || b.seq == a.ack;
    if near && acked { Guess::Yes } else { Guess::No }
}

/// One end alone: a second datagram repeats the connection and moves on by little.
fn one_way_utp(bytes: &[u8], first: message::Utp) -> Guess {
    /// A datagram's header alone, which is what acknowledgements are.
    const HEADER_LEN: usize = 20;
    let next = bytes.get(HEADER_LEN..).filter(|rest| !rest.is_empty()).and_then(message::utp);
    match next {
        None if bytes.len() <= HEADER_LEN + 10 => Guess::More,
        Some(next) if next.connection == first.connection && next.seq.wrapping_sub(first.seq) <= 1 => Guess::Yes,
        _ => Guess::No,
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor {
        service: "bittorrent",
        tcp_ports: &[6881, 6882, 6883, 6884, 6885, 6886, 6887, 6888, 6889],
        udp_ports: &[6771, 6881],
        probe,
    };

    fn start(_start: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        match cx.transport {
            Transport::Tcp => self.stream(dir, bytes, cx),
            Transport::Udp => self.datagram(bytes, cx),
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, cx: &mut Cx<'_>) {
        cx.opaque();
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut row) = self.row.take() {
            row.tail = cx.tail();
            cx.emit(Event::BittorrentRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        let row = self.row.as_ref().map_or(0, |row| {
            let peers = row.orig_peer.heap_len() + row.resp_peer.heap_len();
            block_len(size_of::<BittorrentRecord>()) + list_len(&row.info_hashes.0) + list_len(&row.queries.0) + peers
        });
        row + self.held.as_slice().heap_len()
    }
}

impl Parser {
    fn row(&mut self, kind: &'static str, cx: &mut Cx<'_>) -> &mut BittorrentRecord {
        cx.confirm(Self::DESCRIPTOR.service);
        let row = self.row.get_or_insert_with(|| {
            Box::new(BittorrentRecord {
                head: cx.head(cx.ts),
                kind: EnumName(kind),
                info_hashes: Set::default(),
                orig_peer: None,
                resp_peer: None,
                queries: Set::default(),
                messages: 0,
                tail: cx.tail(),
            })
        });
        row.messages += 1;
        row
    }

    fn datagram(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        let kind = message::datagram(bytes).or_else(|| message::utp(bytes).map(|_| Kind::Utp));
        let Some(kind) = kind else { return };
        let row = self.row(kind.name(), cx);
        if let Kind::Dht(query) = kind {
            if let Some(query) = query
                && row.queries.0.len() < MAX_QUERIES
            {
                row.queries.insert(query);
            }
            torrent(row, message::info_hash(bytes));
        }
    }

    fn stream(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let (Some(held), Some(greeted)) = (self.held.get_mut(dir.index()), self.greeted.get_mut(dir.index())) else {
            return;
        };
        if *greeted {
            return;
        }
        let joined = held.join(bytes);
        let Some(handshake) = joined.get(..PEER_LEN) else {
            if !held.keep(joined, 0, PEER_LEN) {
                cx.opaque();
            }
            return;
        };
        *greeted = true;
        if !handshake.starts_with(PEER_PROTOCOL) {
            return cx.opaque();
        }
        let ids = handshake.get(PEER_LEN - 2 * ID_LEN..).unwrap_or(&[]);
        let row = self.row("peer", cx);
        torrent(row, ids.first_chunk().copied());
        let peer = ids.get(ID_LEN..).map(Into::into);
        *(if dir.is_orig() { &mut row.orig_peer } else { &mut row.resp_peer }) = peer;
        if self.greeted == [true; 2] {
            cx.opaque();
        }
    }
}

fn torrent(row: &mut BittorrentRecord, hash: Option<[u8; ID_LEN]>) {
    if let Some(hash) = hash
        && row.info_hashes.0.len() < MAX_TORRENTS
    {
        row.info_hashes.insert(Digest(hash));
    }
}
