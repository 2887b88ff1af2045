//! SSH 2 (RFC 4250–4254) and SSH 1.5: identifications, key exchange, host key, and the login's outcome from the
//! lengths of encrypted packets.
//!
//! One row per connection, written when a login succeeds, else at the end. Everything up to NEWKEYS is read
//! whatever the split; from there on segment lengths are all there is (see `auth`), and once the outcome is known
//! the flow is opaque. Limits: [`MAX_LINE_LEN`], [`MAX_PREAMBLE_LINES`], [`message::MAX_PACKET_LEN`],
//! [`message::MAX_ALGORITHMS`]. Known gap: SSH 1 logins are not judged. Unlike Zeek the host key is found in every
//! key exchange method, and an identification alone is enough for `app`.

mod auth;
mod message;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use record::SshRecord;

use crate::{Cx, Descriptor, Guess, Held, Lines, Probe, Protocol, Start, Transport, software};
use auth::{Auth, Outcome};
use message::{KexInit, MAX_ALGORITHMS, MAX_PACKET_LEN, Next, Offer, Packet, list, msg};
use sekisho_record::{Digest, EnumName, Text};
use sekisho_transaction::{Frame, FrameKind};
use sekisho_types::{Dir, Heap, Timestamp};
use sha2::{Digest as _, Sha256};

/// Longest identification or line before it, in bytes.
pub const MAX_LINE_LEN: usize = 1024;
/// Lines that a server may send before its identification (RFC 4253 §4.2 sets no limit).
pub const MAX_PREAMBLE_LINES: u16 = 1000;

/// How far one direction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Identification,
    KeyExchange,
    Encrypted,
    /// Track was lost.
    Lost,
}

/// One direction.
struct Side {
    phase: Phase,
    lines: Lines,
    preamble: u16,
    held: Held,
    identification: Option<Text>,
    offer: Option<Offer>,
    kexinit: Option<Box<KexInit>>,
}

impl Heap for Side {
    fn heap_len(&self) -> usize {
        self.lines.heap_len() + self.held.heap_len() + self.identification.heap_len() + self.kexinit.heap_len()
    }
}

impl Side {
    const fn new() -> Self {
        Self {
            phase: Phase::Identification,
            lines: Lines::new(MAX_LINE_LEN),
            preamble: 0,
            held: Held::new(),
            identification: None,
            offer: None,
            kexinit: None,
        }
    }

    /// Reads lines until the identification is found; the rest stays in `input`.
    fn identify(&mut self, input: &mut &[u8]) -> bool {
        while let Some(line) = self.lines.next(input) {
            if line.text.get(..4).is_some_and(|p| p.eq_ignore_ascii_case(b"SSH-")) {
                self.identification = Some(line.text.into());
                self.offer = Offer::of(line.text);
                self.phase = Phase::KeyExchange;
                self.lines.clear();
                return true;
            }
            self.preamble += 1;
            if self.preamble > MAX_PREAMBLE_LINES {
                self.phase = Phase::Lost;
                break;
            }
        }
        false
    }
}

/// Bytes of length, padding's length and number of a packet (RFC 4253 §6).
const RECORD_HEADER_LEN: usize = 6;

/// State of one connection.
pub struct Parser {
    sides: [Side; 2],
    /// Time of the first identification.
    began: Option<Timestamp>,
    auth: Auth,
    host_key: Option<[u8; 32]>,
    /// The originator is the server.
    reversed: bool,
    mismatch_told: bool,
    logged: bool,
    tx: tx::Exchange,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "ssh", tcp_ports: &[22], udp_ports: &[], probe };

    fn start(_: &Start<'_>) -> Self {
        Self {
            sides: [Side::new(), Side::new()],
            began: None,
            auth: Auth::default(),
            host_key: None,
            reversed: false,
            mismatch_told: false,
            logged: false,
            tx: tx::Exchange::default(),
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let mut input = bytes;
        let [orig, resp] = &mut self.sides;
        let side = if dir.is_orig() { orig } else { resp };
        if side.phase == Phase::Identification {
            if side.identify(&mut input) {
                self.identified(cx);
                self.show(dir, 0, cx);
            } else if side.phase == Phase::Lost {
                cx.weird("ssh_no_identification");
            }
        }
        if self.phase(dir) == Phase::KeyExchange && !input.is_empty() {
            let left = self.key_exchange(dir, input, cx);
            input = input.get(input.len().saturating_sub(left)..).unwrap_or(&[]);
        }
        if self.phase(dir) == Phase::Encrypted && !input.is_empty() {
            self.encrypted(dir, input.len(), cx);
        }
    }

    fn gap(&mut self, dir: Dir, _len: u64, _cx: &mut Cx<'_>) {
        self.auth.blind();
        if self.phase(dir) != Phase::Encrypted {
            self.lose(dir);
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.end_exchange(cx);
        self.log(cx);
    }

    fn held_len(&self) -> usize {
        self.sides.as_slice().heap_len()
    }
}

/// See [`crate::Descriptor::probe`].
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    let (orig, resp) = (identification(p.orig), identification(p.resp));
    match (orig, resp) {
        (Guess::Yes, _) | (_, Guess::Yes) => Guess::Yes,
        // A server may say something else first.
        (Guess::More, Guess::No) if p.port_match && memchr::memmem::find(p.resp, b"\nSSH-").is_some() => Guess::Yes,
        (Guess::More, Guess::No) if p.port_match && p.resp.is_ascii() => Guess::More,
        (Guess::No, _) | (_, Guess::No) => Guess::No,
        _ => Guess::More,
    }
}

/// Does `bytes` begin an identification?
fn identification(bytes: &[u8]) -> Guess {
    const START: &[u8] = b"SSH-";
    let shared = bytes.len().min(START.len());
    let same = bytes.get(..shared).zip(START.get(..shared)).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
    match bytes.get(4..6) {
        _ if !same => Guess::No,
        Some(b"1." | b"2.") => Guess::Yes,
        Some(_) => Guess::No,
        None => Guess::More,
    }
}

/// Tells of a packet's frames, which begins `back` bytes before the end of the chunk: as Suricata has them, the header
/// goes up to and with the message's number.
fn tell_frames(dir: Dir, len: usize, back: usize, cx: &mut Cx<'_>) {
    for (kind, from, len) in [
        (FrameKind::SshHdr, 0, RECORD_HEADER_LEN),
        (FrameKind::SshData, RECORD_HEADER_LEN, len.saturating_sub(RECORD_HEADER_LEN)),
        (FrameKind::SshPdu, 0, len),
    ] {
        cx.frame_of(dir, Frame { kind, back: back.saturating_sub(from) as u64, len: Some(len as u64), tx: Some(0) });
    }
}

impl Parser {
    const fn side(&self, dir: Dir) -> &Side {
        dir.of(&self.sides)
    }

    const fn side_mut(&mut self, dir: Dir) -> &mut Side {
        dir.of_mut(&mut self.sides)
    }

    const fn phase(&self, dir: Dir) -> Phase {
        self.side(dir).phase
    }

    fn lose(&mut self, dir: Dir) {
        let side = self.side_mut(dir);
        side.phase = Phase::Lost;
        side.held.clear();
        side.lines.clear();
    }

    /// The version that both ends speak.
    fn version(&self) -> Option<u8> {
        let [client, server] = &self.sides;
        Offer::agreed(client.offer?, server.offer?)
    }

    fn identified(&mut self, cx: &mut Cx<'_>) {
        self.began.get_or_insert(cx.ts);
        let [client, server] = &self.sides;
        if let (Some(c), Some(s)) = (client.offer, server.offer)
            && Offer::agreed(c, s).is_none()
            && !self.mismatch_told
        {
            self.mismatch_told = true;
            let text = |side: &Side| side.identification.clone().unwrap_or_default().0;
            cx.weird_with("SSH_version_mismatch", Some([&text(server)[..], b" vs ", &text(client)].concat().into()));
        }
    }

    /// Packets before encryption; returns how many bytes at the end of `input` are encrypted already.
    fn key_exchange(&mut self, dir: Dir, input: &[u8], cx: &mut Cx<'_>) -> usize {
        let mut held = std::mem::replace(&mut self.side_mut(dir).held, Held::new());
        let joined = held.join(input);
        let mut consumed = 0;
        while self.phase(dir) == Phase::KeyExchange {
            let rest = joined.get(consumed..).unwrap_or(&[]);
            let v1 = self.speaks_v1(dir, rest);
            match if v1 { message::packet_v1(rest) } else { message::packet(rest) } {
                Next::Packet(packet) => {
                    if !v1 {
                        tell_frames(dir, packet.len, rest.len(), cx);
                    }
                    consumed += packet.len;
                    if v1 { self.packet_v1(dir, packet, cx) } else { self.packet(dir, packet, cx) }
                }
                Next::More => {
                    if held.keep(joined, consumed, MAX_PACKET_LEN) {
                        self.side_mut(dir).held = held;
                    } else {
                        self.lose(dir);
                    }
                    return 0;
                }
                Next::Broken => {
                    cx.weird("ssh_broken_packet");
                    self.lose(dir);
                    return 0;
                }
            }
        }
        joined.len() - consumed
    }

    /// Whether the bytes are to be read as SSH 1; where the peer's offer is unknown, by their look.
    fn speaks_v1(&self, dir: Dir, bytes: &[u8]) -> bool {
        match (self.version(), self.side(dir).offer) {
            (Some(version), _) => version == 1,
            _ if self.side(dir).kexinit.is_some() => false,
            (None, Some(Offer::V2)) => false,
            (None, Some(Offer::V1)) => true,
            (None, _) => bytes.get(5).is_some_and(|n| *n != msg::KEXINIT),
        }
    }

    fn packet_v1(&mut self, dir: Dir, packet: Packet<'_>, cx: &mut Cx<'_>) {
        if packet.number == msg::SSH1_PUBLIC_KEY
            && let Ok((modulus, exponent)) = message::host_key_v1(packet.body)
        {
            self.host_key = Some(Sha256::new().chain_update(modulus).chain_update(exponent).finalize().into());
        }
        if dir.is_orig() && self.version() == Some(1) {
            cx.confirm("ssh");
        }
        self.side_mut(dir).phase = Phase::Encrypted;
    }

    fn packet(&mut self, dir: Dir, packet: Packet<'_>, cx: &mut Cx<'_>) {
        match packet.number {
            msg::KEXINIT if self.side(dir).kexinit.is_none() => match KexInit::parse(packet.body) {
                Ok(kexinit) => {
                    self.side_mut(dir).kexinit = Some(Box::new(limited(kexinit, cx)));
                    self.show(dir, 1, cx);
                }
                Err(_) => cx.weird("ssh_broken_kexinit"),
            },
            msg::NEWKEYS => {
                if self.version() == Some(2) {
                    cx.confirm("ssh");
                }
                self.side_mut(dir).phase = Phase::Encrypted;
                if self.sides.iter().all(|side| side.phase == Phase::Encrypted) {
                    cx.encrypted();
                }
            }
            // The replies of all key exchange methods lie in this range (RFC 4253 §8, 4419, 4432, 4462, 5656).
            // Whoever shows a host key is the server, even if it opened the connection.
            30..=33 if self.host_key.is_none() => {
                if let Some(key) = message::host_key(packet.body) {
                    self.reversed = dir.is_orig();
                    self.host_key = Some(Sha256::digest(key).into());
                }
            }
            _ => {}
        }
    }

    fn encrypted(&mut self, dir: Dir, len: usize, cx: &mut Cx<'_>) {
        if self.version() != Some(2) {
            if self.sides.iter().all(|s| s.phase == Phase::Encrypted) {
                cx.opaque();
            }
            return;
        }
        let outcome = self.auth.segment(dir, len);
        if outcome == Outcome::Success {
            cx.opaque();
            if !self.compressed() {
                self.log(cx);
            }
        }
    }

    /// Lengths say nothing of a login under compression.
    fn compressed(&self) -> bool {
        let agreed = self.agreed_pair(list::COMPRESSION);
        agreed.is_some_and(|a| matches!(a.0.as_slice(), b"zlib" | b"zlib@openssh.com"))
    }

    /// What the two ends' lists `i` come to.
    fn agreed(&self, i: usize) -> Option<Text> {
        let [client, server] = &self.sides;
        let (client, server) = (client.kexinit.as_deref()?, server.kexinit.as_deref()?);
        let choice = message::negotiate(&client.names(i), &server.names(i));
        Some(choice.unwrap_or(b"Algorithm negotiation failed").into())
    }

    /// As [`Self::agreed`] for the lists of both directions.
    fn agreed_pair(&self, [to_server, to_client]: [usize; 2]) -> Option<Text> {
        let (s, c) = (self.agreed(to_server)?, self.agreed(to_client)?);
        if s == c {
            return Some(s);
        }
        Some([b"To server: ", &s.0[..], b", to client: ", &c.0].concat().into())
    }

    /// What both ends run, by their identifications without the protocol's version.
    fn tell_software(&self, began: Timestamp, cx: &mut Cx<'_>) {
        for dir in [Dir::Orig, Dir::Resp] {
            let Some(text) = self.side(dir).identification.as_ref().and_then(|t| t.0.get(3..)) else { continue };
            let version = text.iter().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-')).count();
            let kind = if dir.is_orig() == self.reversed { "SSH::SERVER" } else { "SSH::CLIENT" };
            software::found_at(began, dir, kind, text.get(version..).unwrap_or(&[]), cx);
        }
    }

    fn log(&mut self, cx: &mut Cx<'_>) {
        let Some(began) = self.began.filter(|_| !self.logged) else { return };
        self.logged = true;
        cx.recognize("ssh");
        self.tell_software(began, cx);
        let compressed = self.compressed();
        let kex_alg = self.agreed(list::KEX);
        let direction = match (cx.is_local(Dir::Orig), cx.is_local(Dir::Resp)) {
            (true, false) => Some(EnumName("OUTBOUND")),
            (false, true) => Some(EnumName("INBOUND")),
            _ => None,
        };
        let [client, server] = &self.sides;
        let row = SshRecord {
            head: cx.head(began),
            version: self.version(),
            auth_success: self.auth.success().filter(|_| !compressed),
            auth_attempts: if compressed { 0 } else { self.auth.attempts() },
            direction,
            client: client.identification.clone(),
            server: server.identification.clone(),
            cipher_alg: self.agreed_pair(list::ENCRYPTION),
            mac_alg: self.agreed_pair(list::MAC),
            compression_alg: self.agreed_pair(list::COMPRESSION),
            host_key_alg: self.agreed(list::HOST_KEY),
            host_key_fingerprint: self.host_key.filter(|_| kex_alg.is_some()).map(|k| fingerprint(&k)),
            kex_alg,
            auth_refused: (self.auth.is_refused() && !compressed).then_some(true),
            host_key_sha256: self.host_key.map(Digest),
            reversed: self.reversed.then_some(true),
            hassh: client.kexinit.as_ref().map(|k| Digest(k.hassh(0))),
            hassh_server: server.kexinit.as_ref().map(|k| Digest(k.hassh(1))),
            tail: cx.tail(),
        };
        cx.emit(row);
    }
}

/// `SHA256:` and 32 characters of base64, which is where Zeek stops.
fn fingerprint(sha256: &[u8; 32]) -> Text {
    let start = sha256.first_chunk::<24>().map_or(&[][..], |c| c);
    [b"SHA256:", &message::base64(start)[..]].concat().into()
}

/// Empties lists of more than [`MAX_ALGORITHMS`] names, and says so.
fn limited(mut kexinit: KexInit, cx: &mut Cx<'_>) -> KexInit {
    const WEIRDS: [(&str, &[usize]); 6] = [
        ("SSH_max_kexinit_kex_algorithms_exceeded", &[list::KEX]),
        ("SSH_max_kexinit_hostkey_algorithms_exceeded", &[list::HOST_KEY]),
        ("SSH_max_kexinit_encryption_algorithms_exceeded", &list::ENCRYPTION),
        ("SSH_max_kexinit_mac_algorithms_exceeded", &list::MAC),
        ("SSH_max_kexinit_compression_algorithms_exceeded", &list::COMPRESSION),
        ("SSH_max_kexinit_languages_exceeded", &list::LANGUAGES),
    ];
    for (weird, lists) in WEIRDS {
        let mut told = false;
        for i in lists {
            let count = kexinit.names(*i).len();
            if count <= MAX_ALGORITHMS {
                continue;
            }
            if !std::mem::replace(&mut told, true) {
                cx.weird_with(weird, Some(format!("{count} > {MAX_ALGORITHMS}").into()));
                cx.partial();
            }
            if let Some(names) = kexinit.lists.get_mut(*i) {
                names.clear();
            }
        }
    }
    kexinit
}
