//! QUIC 1 and 2 (RFC 9000, 9001, 9369) and the drafts from 22 on, mvfst's and Google's versions: Initial packets are
//! decrypted with the keys that everybody has, and the hellos in them are read as those of TLS are. Google QUIC up to
//! Q050 has hellos of its own.
//!
//! Where the run has the secrets of a connection (from its ClientHello on, or from its ServerHello on), Handshake, 0-RTT
//! and 1-RTT packets are opened, too: certificates go into `ssl` and `x509`, HTTP/3 into `http`, and the streams of
//! other protocols are treated as connections of their own, DNS (RFC 9250) among them.
//!
//! Rows follow Zeek's `quic.log`: one per connection, and one more for what precedes a Retry or a change of version.
//! As in Zeek only the first handshake message of each direction is read, and `ssl` gets a row. Differences: a packet
//! that can't be decrypted does not end the parsing; after a version negotiation the flow is followed; drafts and
//! Google's versions have their names. Limits: [`MAX_CRYPTO_LEN`], [`MAX_PIECES`], [`MAX_HISTORY_LEN`],
//! [`MAX_COALESCED`], [`MAX_INITIALS`], [`MAX_ROWS`]; with secrets [`MAX_PENDING_LEN`], [`MAX_FAILURES`],
//! [`MAX_KEY_UPDATES`], [`MAX_OTHER_IDS`], [`MAX_OPEN_STREAMS`], [`MAX_DISORDER_LEN`], [`MAX_CLOSED_RANGES`], and
//! HTTP/3's [`MAX_KEPT_FRAME_LEN`], [`MAX_INSTRUCTION_LEN`], [`MAX_BLOCKED_STREAMS`], [`MAX_WAITING_LEN`]. Known gaps:
//! flows that begin with short headers are not recognised; connection ids are not followed to other flows; of two
//! connections that follow each other over the same ports only the first is decrypted.

mod assembly;
mod decrypt;
#[cfg(test)]
mod decrypt_tests;
mod frame;
mod google;
mod http3;
mod keyed;
mod order;
mod packet;
mod probe;
mod protection;
mod record;
mod streams;
#[cfg(test)]
mod tests;
mod tx;
mod version;

pub use assembly::{MAX_CRYPTO_LEN, MAX_PIECES};
pub use decrypt::{MAX_FAILURES, MAX_KEY_UPDATES, MAX_OTHER_IDS, MAX_PENDING_LEN};
pub use http3::{MAX_BLOCKED_STREAMS, MAX_INSTRUCTION_LEN, MAX_KEPT_FRAME_LEN, MAX_WAITING_LEN};
pub use record::QuicRecord;
pub use streams::{MAX_CLOSED_RANGES, MAX_DISORDER_LEN, MAX_OPEN_STREAMS};

use crate::handshake::{Carrier, Session, message};
use crate::{Cx, Descriptor, Protocol, Start};
use assembly::Assembly;
use decrypt::{Decrypt, Pending};
use frame::{Frame, Level, frame};
use packet::{Kind, MAX_CID_LEN, Packet};
use protection::Keys;
use sekisho_record::{Tail, Text};
use sekisho_transaction::Counter;
use sekisho_types::{Dir, Heap, block_len, list_len};
use sekisho_wire::Reader;
use smallvec::SmallVec;

/// Longest history, as Zeek's `QUIC::max_history_length`.
pub const MAX_HISTORY_LEN: usize = 100;

/// Packets of one datagram that are looked at; ordinary datagrams have up to four.
pub const MAX_COALESCED: usize = 32;

/// Initial packets of one flow whose decryption is tried.
pub const MAX_INITIALS: u32 = 200;

/// Rows of one flow: each Retry, close and change of version ends one.
pub const MAX_ROWS: u32 = 100;

/// Discarded packets that get a letter, as Zeek's `QUIC::max_discarded_packet_events`.
const MAX_DISCARDED: u32 = 100;

/// Datagrams of a Google QUIC flow that are searched for handshake messages.
const MAX_GOOGLE_DATAGRAMS: u32 = 32;

/// Longest connection id that is logged, in bytes.
const MAX_LOGGED_CID_LEN: usize = 255;

/// Least size of a datagram with a client's Initial packet (RFC 9000 §14.1).
const MIN_CLIENT_INITIAL_LEN: usize = 1200;

/// Name in conn's `service`.
const SERVICE: &str = "quic";

/// The fixed bit of a first byte (RFC 9000 §17.2), and the bit of long headers.
const FIXED_BIT: u8 = 0x40;
const LONG_BIT: u8 = 0x80;

/// State of one flow.
#[derive(Default)]
pub struct Parser {
    row: Option<Box<QuicRecord>>,
    /// Rows begun so far.
    rows: u32,
    session: Session,
    assemblies: [Assembly; 2],
    /// Keys by direction, and the version that they are for.
    keys: [Option<Box<(u32, Keys)>>; 2],
    /// The id that the Initial keys come from.
    dcid: Option<SmallVec<[u8; MAX_CID_LEN]>>,
    /// Initial packets whose decryption was tried.
    tried: u32,
    decrypted: bool,
    discarded: u32,
    /// Packets with short headers.
    shorts: [u64; 2],
    /// The row is about a version that one end did not know.
    unfamiliar: bool,
    /// Google QUIC in clear: datagrams looked at.
    google: Option<u32>,
    keyed: Keyed,
    /// Packets other than Initials were opened.
    opened: bool,
    /// Hellos shown to rules and EVE.
    txs: Counter,
    /// The version of Google's packets in clear.
    google_version: u32,
}

/// Are the connection's secrets known?
#[derive(Default)]
enum Keyed {
    #[default]
    No,
    /// Yes, but not which suite they are for.
    Waiting(Box<Pending>),
    Open(Box<Decrypt>),
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: SERVICE, tcp_ports: &[], udp_ports: &[443, 784, 853], probe: probe::probe };

    fn start(_start: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if self.google.is_some() || self.row.is_none() && is_google(bytes) {
            return self.google_datagram(dir, bytes, cx);
        }
        let mut rest = bytes;
        for _ in 0..MAX_COALESCED {
            let Some(&first) = rest.first() else { return };
            // All bits but the first of a version negotiation may be anything (RFC 8999 §6).
            let negotiation = first & LONG_BIT != 0 && rest.get(1..5) == Some(&version::NEGOTIATION.to_be_bytes()[..]);
            // With secrets it is told what a packet is whose fixed bit was greased (RFC 9287).
            let told = first & FIXED_BIT != 0 || !matches!(self.keyed, Keyed::No);
            if !negotiation && (first & LONG_BIT == 0 || !told) {
                self.without_long_header(dir, first);
                if !matches!(self.keyed, Keyed::No) {
                    self.keyed_short(dir, rest, cx);
                }
                return;
            }
            let Ok(packet) = Packet::parse(rest) else { return cx.weird("QUIC_bad_long_header") };
            if !self.packet(dir, &packet, bytes.len(), cx) {
                return;
            }
            rest = rest.get(packet.bytes.len()..).unwrap_or(&[]);
        }
        if !rest.is_empty() {
            cx.weird("QUIC_too_many_coalesced_packets");
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.end_keyed(cx);
        self.log(cx);
        self.session.log(cx);
    }

    fn held_len(&self) -> usize {
        let row = self.row.as_ref().map_or(0, |r| block_len(size_of::<QuicRecord>()) + owned(r));
        let keys = self.keys.iter().flatten().map(|_| block_len(size_of::<(u32, Keys)>())).sum::<usize>();
        let keyed = match &self.keyed {
            Keyed::No => 0,
            Keyed::Waiting(pending) => pending.heap_len(),
            Keyed::Open(decrypt) => decrypt.heap_len(),
        };
        row + keys + keyed + self.session.heap_len() + self.assemblies.as_slice().heap_len()
    }
}

/// What a row owns.
fn owned(r: &QuicRecord) -> usize {
    let ids = r.client_initial_dcid.heap_len() + r.client_scid.heap_len() + r.server_scid.heap_len();
    let names = r.server_name.heap_len() + r.client_protocol.heap_len() + r.user_agent.heap_len();
    let alpn = list_len(&r.client_alpn) + r.client_alpn.as_slice().heap_len();
    r.version.heap_len() + ids + names + alpn + r.history.heap_len() + r.ja4.heap_len() + r.close_reason.heap_len()
}

fn is_google(bytes: &[u8]) -> bool {
    match bytes.first() {
        Some(first) if first & LONG_BIT != 0 => google::long(bytes).is_some(),
        Some(_) => google::public(bytes).is_some() || google::message(bytes).is_some(),
        None => false,
    }
}

fn hex(id: &[u8]) -> String {
    let id = id.get(..MAX_LOGGED_CID_LEN).unwrap_or(id);
    id.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|n| char::from_digit(u32::from(n), 16)).collect()
}

/// Adds a letter, upper case for the client.
fn letter(history: &mut String, dir: Dir, letter: char) {
    if history.len() < MAX_HISTORY_LEN {
        history.push(if dir.is_orig() { letter.to_ascii_uppercase() } else { letter });
    }
}

impl Parser {
    fn letter(&mut self, dir: Dir, l: char) {
        if let Some(row) = &mut self.row {
            letter(&mut row.history, dir, l);
        }
    }

    /// A packet with a short header, or one without the fixed bit: what it is can't be told. It ends the datagram.
    fn without_long_header(&mut self, dir: Dir, first: u8) {
        if first & FIXED_BIT == 0 {
            if self.decrypted && self.discarded < MAX_DISCARDED {
                self.discarded += 1;
                self.letter(dir, 'x');
            }
            return;
        }
        let Some(total) = self.shorts.get_mut(dir.index()) else { return };
        *total += 1;
        if total.is_power_of_two() {
            self.letter(dir, 'o');
        }
    }

    /// A packet with a long header; false if nothing that follows in the datagram can be read.
    fn packet(&mut self, dir: Dir, packet: &Packet<'_>, datagram_len: usize, cx: &mut Cx<'_>) -> bool {
        let client_initial = dir.is_orig() && datagram_len >= MIN_CLIENT_INITIAL_LEN;
        let known = match packet.kind {
            Kind::Initial => 'i',
            Kind::ZeroRtt => 'z',
            Kind::Handshake => 'h',
            Kind::Retry => {
                self.begin_row(packet, cx);
                self.letter(dir, 'r');
                self.log(cx);
                self.restart();
                return false;
            }
            Kind::Negotiation | Kind::Unknown => {
                let forced = client_initial && version::forces_negotiation(packet.version);
                let answered = packet.kind == Kind::Negotiation && self.row.is_some() && !dir.is_orig();
                if forced || answered {
                    cx.confirm(SERVICE);
                }
                self.unfamiliar(dir, packet, cx);
                return false;
            }
        };
        if std::mem::take(&mut self.unfamiliar) {
            self.log(cx);
        }
        self.begin_row(packet, cx);
        self.ids(dir, packet);
        self.letter(dir, known);
        if packet.kind == Kind::Initial {
            if client_initial {
                cx.confirm(SERVICE);
            }
            self.initial(dir, packet, cx);
        } else if !matches!(self.keyed, Keyed::No) {
            self.keyed_long(dir, packet, cx);
        }
        true
    }

    fn unfamiliar(&mut self, dir: Dir, packet: &Packet<'_>, cx: &mut Cx<'_>) {
        if self.row.is_none() {
            self.begin_row(packet, cx);
            self.ids(dir, packet);
        }
        let mark = if dir.is_orig() { 'U' } else { 'u' };
        if self.row.as_ref().is_some_and(|r| !r.history.contains(mark)) {
            self.letter(dir, 'u');
        }
        self.unfamiliar = true;
        self.restart();
    }

    fn begin_row(&mut self, packet: &Packet<'_>, cx: &mut Cx<'_>) {
        if self.row.is_some() {
            return;
        }
        if self.rows >= MAX_ROWS {
            return cx.weird("QUIC_too_many_rows");
        }
        self.rows += 1;
        self.row = Some(Box::new(new_row(version::name(packet.version), cx)));
    }

    fn ids(&mut self, dir: Dir, packet: &Packet<'_>) {
        let Some(row) = &mut self.row else { return };
        if dir.is_orig() {
            if !packet.dcid.is_empty() && row.client_initial_dcid.is_none() {
                row.client_initial_dcid = Some(hex(packet.dcid));
            }
            row.client_scid = Some(hex(packet.scid));
        } else {
            row.server_scid = Some(hex(packet.scid));
        }
    }

    /// The client will begin anew, with another connection id or version.
    fn restart(&mut self) {
        self.assemblies = Default::default();
        self.keys = Default::default();
        self.dcid = None;
    }

    fn initial(&mut self, dir: Dir, packet: &Packet<'_>, cx: &mut Cx<'_>) {
        let i = dir.index();
        if self.assemblies.get(i).is_none_or(Assembly::is_done) {
            return;
        }
        if dir.is_orig() && self.dcid.is_none() {
            self.dcid = Some(packet.dcid.into());
        }
        let Some(dcid) = &self.dcid else { return };
        if self.tried >= MAX_INITIALS {
            return cx.weird("QUIC_too_many_initial_packets");
        }
        self.tried += 1;
        let (Some(profile), Some(slot)) = (version::profile(packet.version), self.keys.get_mut(i)) else { return };
        if slot.as_ref().is_none_or(|k| k.0 != packet.version) {
            *slot = Keys::initial(&profile, dcid, dir.is_orig()).map(|keys| Box::new((packet.version, keys)));
        }
        let Some(plain) = slot.as_ref().and_then(|k| k.1.open(packet)) else {
            cx.weird("QUIC_decryption_failed");
            if !self.decrypted {
                self.restart();
            }
            return;
        };
        self.decrypted = true;
        cx.confirm(SERVICE);
        if profile.google_hello {
            if self.google_message(dir, packet.version, &plain, cx) {
                self.finish(dir);
            }
        } else {
            self.frames(dir, packet, &plain, profile.google_frames, cx);
        }
    }

    fn frames(&mut self, dir: Dir, packet: &Packet<'_>, plain: &[u8], google: bool, cx: &mut Cx<'_>) {
        let level = if google { Level::Google } else { Level::Initial };
        let mut r = Reader::new(plain);
        let mut carries = false;
        while !r.is_empty() {
            let next = frame(&mut r, level);
            carries |= matches!(next, Ok(Frame::Crypto { .. }) | Err(_));
            match next {
                Ok(Frame::Crypto { offset, data }) => self.crypto(dir, packet, (offset, data), cx),
                Ok(Frame::Close { code, reason }) => {
                    self.letter(dir, 'c');
                    if let Some(row) = &mut self.row {
                        row.close_code = Some(code);
                        row.close_reason = (!reason.is_empty()).then(|| reason.into());
                    }
                    self.log(cx);
                }
                Ok(_) => {}
                // Google's acknowledgements depend on flags that are not read here.
                Err(_) if google => return,
                Err(_) => return cx.weird("QUIC_bad_frame"),
            }
        }
        if !carries && cx.is_watched() {
            tx::other(dir, packet.version, &mut self.txs, cx);
        }
    }

    fn crypto(&mut self, dir: Dir, packet: &Packet<'_>, (offset, data): (u64, &[u8]), cx: &mut Cx<'_>) {
        let Some(assembly) = self.assemblies.get_mut(dir.index()).filter(|a| !a.is_done()) else { return };
        let fits = assembly.add(offset, data);
        let message = assembly.message();
        if !fits || message.is_none() && assembly.is_done() {
            cx.weird("QUIC_crypto_over_limit");
        }
        let Some((kind, bytes)) = message else { return };
        let body = bytes.get(4..).unwrap_or(&[]);
        if cx.is_watched() {
            tx::handshake(dir, packet.version, kind, body, &mut self.txs, cx);
        }
        let understood = self.session.message(dir, kind, body, Carrier::Quic, cx).is_ok();
        // Zeek reads no further; secrets are for what comes of the second hello.
        let keyed = matches!(self.keyed, Keyed::Waiting(_));
        if !(keyed && kind == message::kind::SERVER_HELLO && message::asks_again(body)) {
            self.finish(dir);
        }
        if !understood {
            return cx.weird("QUIC_bad_handshake_message");
        }
        match kind {
            message::kind::CLIENT_HELLO => {
                self.letter(Dir::Orig, 's');
                self.offer();
                self.look_up(cx);
            }
            message::kind::SERVER_HELLO => {
                self.letter(Dir::Resp, 's');
                self.agree(packet, cx);
            }
            _ => {}
        }
    }

    /// Nothing more is awaited from `dir`.
    fn finish(&mut self, dir: Dir) {
        if let (Some(keys), Some(assembly)) = (self.keys.get_mut(dir.index()), self.assemblies.get_mut(dir.index())) {
            *keys = None;
            assembly.give_up();
        }
    }

    /// Copies what the client's hello asked for.
    fn offer(&mut self) {
        let Some(row) = &mut self.row else { return };
        let offer = self.session.offer();
        row.server_name = offer.server_name.cloned();
        row.client_protocol = offer.alpn.first().cloned();
        row.client_alpn = offer.alpn.to_vec();
        row.ja3 = offer.ja3;
        row.ja4 = offer.ja4.map(str::to_owned);
    }

    /// Logs the row, if there is one.
    fn log(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut row) = self.row.take() {
            let opened = self.opened.then_some(true);
            row.tail = Tail { decrypted: opened, ..cx.tail() };
            cx.emit(crate::Event::QuicRecord(row));
        }
    }

    fn google_datagram(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let seen = self.google.get_or_insert(0);
        *seen += 1;
        let last = *seen >= MAX_GOOGLE_DATAGRAMS;
        cx.confirm(SERVICE);
        let header = google::public(bytes).or_else(|| google::long(bytes));
        if self.row.is_none() {
            let version = header.map_or_else(|| "gquic".to_owned(), |h| version::name(h.version));
            self.row = Some(Box::new(new_row(version, cx)));
        }
        if let (Some(row), Some(h)) = (&mut self.row, header)
            && dir.is_orig()
            && row.client_initial_dcid.is_none()
        {
            row.client_initial_dcid = Some(hex(h.id));
        }
        if let Some(h) = header {
            self.google_version = h.version;
        }
        let found = self.google_message(dir, self.google_version, bytes, cx);
        if let (Some(h), false, true) = (header, found, cx.is_watched()) {
            tx::other(dir, h.version, &mut self.txs, cx);
        }
        if last {
            cx.opaque();
        }
    }

    /// Looks for a handshake message; false if there is none.
    fn google_message(&mut self, dir: Dir, version: u32, bytes: &[u8], cx: &mut Cx<'_>) -> bool {
        let (Some(m), Some(row)) = (google::message(bytes), &mut self.row) else { return false };
        if cx.is_watched() {
            tx::google(dir, version, m, &mut self.txs, cx);
        }
        let text = |value: Option<&[u8]>| value.map(Text::from);
        match m.kind {
            google::Kind::ClientHello => {
                row.server_name = text(m.server_name).or(row.server_name.take());
                row.user_agent = text(m.user_agent).or(row.user_agent.take());
                row.client_protocol = text(m.alpn).or(row.client_protocol.take());
                letter(&mut row.history, dir, 's');
            }
            google::Kind::ServerHello => letter(&mut row.history, dir, 's'),
            google::Kind::Rejection => letter(&mut row.history, dir, 'r'),
        }
        true
    }
}

fn new_row(version: String, cx: &Cx<'_>) -> QuicRecord {
    QuicRecord {
        head: cx.head(cx.ts),
        version,
        client_initial_dcid: None,
        client_scid: None,
        server_scid: None,
        server_name: None,
        client_protocol: None,
        history: String::new(),
        ja3: None,
        ja4: None,
        client_alpn: Vec::new(),
        user_agent: None,
        close_code: None,
        close_reason: None,
        tail: cx.tail(),
    }
}
