//! A session whose secrets are known: its records are opened, its encrypted handshake is read, and what speaks inside
//! is handed on.

use super::content;
use super::early::Early;
use super::open::{Head, MAX_RECORD_LEN, Opener, is_disguised};
use crate::handshake::keys::{Suite, suite};
use crate::handshake::message::{self, kind};
use crate::handshake::names::{is_tls13, version};
use crate::handshake::{Agreed, Handshakes, Session, Step};
use crate::{Cx, MAX_NESTED_DEPTH, Nested, SecretKind, SessionSecrets};
use sekisho_types::{Dir, Heap, list_len};

/// Records in a row that cannot be opened before a direction is given up. Early data that the server doesn't take, or
/// whose secret is not known, stays below.
const MAX_FAILURES: u32 = 64;

/// One direction.
#[derive(Default)]
struct End {
    opener: Option<Opener>,
    /// The traffic secret in use (TLS 1.3), from which the next one follows.
    secret: Vec<u8>,
    /// The record being read.
    held: Vec<u8>,
    /// A part of it is missing, or it is too long.
    holed: bool,
    handshakes: Handshakes,
    finished: bool,
    failures: u32,
    /// No record will be opened any more.
    given_up: bool,
}

/// See the module.
pub(super) struct Decrypt {
    secrets: SessionSecrets,
    randoms: ([u8; 32], [u8; 32]),
    suite: Suite,
    tls13: bool,
    mac_first: bool,
    client_is_orig: bool,
    /// Early data, as long as the server has not said whether it takes it.
    early: Option<Early>,
    ends: [End; 2],
    nested: Nested,
    /// Bytes that each end has sent within.
    sent_len: [u64; 2],
    established: bool,
}

impl Heap for Decrypt {
    fn heap_len(&self) -> usize {
        let ends = self.ends.iter().map(|e| list_len(&e.secret) + e.held.heap_len() + e.handshakes.heap_len());
        ends.sum::<usize>() + self.nested.held_len() + self.early.heap_len()
    }
}

/// What a record's content asks for.
enum Found {
    Finished,
    KeyUpdate,
    /// The server's extensions; does it take early data?
    Extensions(bool),
    EndOfEarlyData,
    /// Another handshake within the session (TLS 1.2): its keys would be others.
    Renegotiation,
}

impl Decrypt {
    /// `None` if the secrets are not known, the suite is none that can be opened, or too many sessions are around this one.
    /// `early`: what the client sent before.
    pub(super) fn new(agreed: &Agreed, client_is_orig: bool, early: Option<Early>, cx: &Cx<'_>) -> Option<Self> {
        if cx.depth() >= MAX_NESTED_DEPTH {
            return None;
        }
        let secrets = cx.secrets()?.find(&agreed.client_random, cx.packet)?;
        let suite = suite(agreed.cipher)?;
        let tls13 = is_tls13(agreed.version);
        if !tls13 && agreed.version != version::TLS12 {
            return None;
        }
        let mut new = Self {
            secrets,
            randoms: (agreed.client_random, agreed.server_random),
            suite,
            tls13,
            mac_first: agreed.encrypt_then_mac,
            client_is_orig,
            early: None,
            ends: Default::default(),
            nested: Nested::default(),
            sent_len: [0; 2],
            established: false,
        };
        if tls13 {
            // The server's answer has to be read before.
            let needed = [SecretKind::ClientEarly, SecretKind::ServerHandshake];
            new.early = early.filter(|_| needed.iter().all(|kind| new.secrets.get(*kind).is_some()));
            // Without the handshake's secrets its records are passed over until those of the traffic fit.
            new.use_secret(Dir::Orig, false);
            new.use_secret(Dir::Resp, false);
        }
        Some(new)
    }

    fn is_client(&self, dir: Dir) -> bool {
        dir.is_orig() == self.client_is_orig
    }

    /// The handshake's keys, or those of the traffic after it.
    fn use_secret(&mut self, dir: Dir, traffic: bool) {
        let (handshake, after) = match self.is_client(dir) {
            true => (SecretKind::ClientHandshake, SecretKind::ClientTraffic),
            false => (SecretKind::ServerHandshake, SecretKind::ServerTraffic),
        };
        let first = self.secrets.get(handshake).filter(|_| !traffic);
        let secret = first.or_else(|| self.secrets.get(after)).unwrap_or(&[]).to_vec();
        self.take_secret(dir, secret);
    }

    fn take_secret(&mut self, dir: Dir, secret: Vec<u8>) {
        let opener = (!secret.is_empty()).then(|| Opener::tls13(&self.suite, &secret)).flatten();
        if let Some(end) = self.ends.get_mut(dir.index()) {
            end.given_up |= opener.is_none();
            (end.opener, end.secret) = (opener, secret);
        }
    }

    /// From here on `dir` is encrypted (TLS 1.2).
    pub(super) fn change_cipher_spec(&mut self, dir: Dir) {
        if self.tls13 {
            return;
        }
        let (client, randoms) = (self.is_client(dir), (&self.randoms.0, &self.randoms.1));
        let master = self.secrets.get(SecretKind::Master);
        let opener = master.and_then(|m| Opener::tls12(&self.suite, m, randoms, client, self.mac_first));
        if let Some(end) = self.ends.get_mut(dir.index()) {
            end.given_up |= opener.is_none();
            end.opener = opener;
        }
    }

    /// Is nothing more to be learnt?
    pub(super) fn is_over(&self) -> bool {
        let [a, b] = &self.ends;
        a.given_up && b.given_up || self.established && self.nested.is_opaque()
    }

    /// A piece of the open record.
    pub(super) fn keep(&mut self, dir: Dir, piece: &[u8]) {
        let Some(end) = self.ends.get_mut(dir.index()).filter(|end| !end.given_up && !end.holed) else { return };
        if end.held.len() + piece.len() > MAX_RECORD_LEN {
            end.holed = true;
            end.held = Vec::new();
        } else {
            end.held.extend_from_slice(piece);
        }
    }

    /// `len` octets are missing, `inside` an encrypted record or beyond its end.
    pub(super) fn gap(&mut self, dir: Dir, len: u64, inside: bool, cx: &mut Cx<'_>) {
        let Some(end) = self.ends.get_mut(dir.index()).filter(|end| !end.given_up) else { return };
        end.holed = true;
        end.held = Vec::new();
        if !inside {
            // How many records were lost cannot be told, and so not which number the next one has.
            end.given_up = true;
            // Whichever end it is, what the server said to early data is not known, or what follows it.
            self.early = None;
            self.nested.gap(dir, len, cx);
        }
    }

    pub(super) fn half_closed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        self.nested.half_closed(dir, cx);
    }

    pub(super) fn end(&mut self, cx: &mut Cx<'_>) {
        self.nested.end(cx);
    }

    /// The open record has ended.
    pub(super) fn record(&mut self, dir: Dir, head: Head, session: &mut Session, cx: &mut Cx<'_>) {
        let Some(end) = self.ends.get_mut(dir.index()) else { return };
        let mut held = std::mem::take(&mut end.held);
        let holed = std::mem::take(&mut end.holed);
        if self.is_client(dir)
            && let Some(early) = &mut self.early
        {
            // More of it, maybe.
            if holed {
                early.lose();
            } else if !early.keep(&held, Some(head)) {
                cx.weird("tls_early_data_too_long");
            }
            return;
        }
        let Some(end) = self.ends.get_mut(dir.index()) else { return };
        // What else comes in TLS 1.3 is in clear, for the sake of old middleboxes.
        if end.given_up || self.tls13 && !is_disguised(head.content) {
            return;
        }
        let Some(opener) = &mut end.opener else { return };
        if holed {
            opener.pass_over();
            end.handshakes.clear();
            self.nested.gap(dir, u64::from(head.len), cx);
            return;
        }
        match opener.open(head, &mut held) {
            Some((content, plain)) => {
                end.failures = 0;
                self.opened(dir, content, plain, session, cx);
                held.clear();
                if let Some(end) = self.ends.get_mut(dir.index()) {
                    end.held = held;
                }
            }
            None => {
                end.failures += 1;
                if end.failures >= MAX_FAILURES || end.finished {
                    end.given_up = true;
                    self.early = None;
                    cx.weird("tls_record_not_opened");
                    self.nested.gap(dir, u64::from(head.len), cx);
                }
            }
        }
    }

    fn opened(&mut self, dir: Dir, content: u8, plain: &[u8], session: &mut Session, cx: &mut Cx<'_>) {
        match content {
            content::APPLICATION_DATA => {
                self.settle(session, cx);
                let sent = dir.of_mut(&mut self.sent_len);
                let offset = *sent;
                *sent = offset.saturating_add(plain.len() as u64);
                if !plain.is_empty() {
                    cx.clear(dir, offset, plain);
                }
                self.nested.data(dir, plain, cx);
            }
            content::HANDSHAKE => {
                for found in self.handshake(dir, plain, session, cx) {
                    self.act(dir, &found);
                    if let Found::Extensions(taken) = found {
                        self.answered(dir, taken, session, cx);
                    }
                }
                self.settle(session, cx);
            }
            content::CHANGE_CIPHER_SPEC => self.act(dir, &Found::Renegotiation),
            // A direction that ends in order says so (close_notify).
            content::ALERT if plain.last() == Some(&0) => self.nested.half_closed(dir, cx),
            _ => {}
        }
    }

    /// The server has said whether it takes early data: what was kept is read now.
    fn answered(&mut self, server: Dir, taken: bool, session: &mut Session, cx: &mut Cx<'_>) {
        let client = server.flip();
        let Some(early) = self.early.take().filter(|_| self.is_client(client)) else { return };
        let secret = self.secrets.get(SecretKind::ClientEarly).filter(|_| taken).map(<[u8]>::to_vec);
        if let Some(secret) = secret {
            self.take_secret(client, secret);
        }
        for (head, body) in early.into_records() {
            if let Some(end) = self.ends.get_mut(client.index()) {
                end.held = body;
            }
            self.record(client, head, session, cx);
        }
    }

    /// Encrypted handshake messages.
    fn handshake(&mut self, dir: Dir, plain: &[u8], session: &mut Session, cx: &mut Cx<'_>) -> Vec<Found> {
        let mut found = Vec::new();
        let tls13 = self.tls13;
        let Some(end) = self.ends.get_mut(dir.index()) else { return found };
        let decrypted = cx.set_decrypted(true);
        let _: Result<(), ()> = end.handshakes.feed(plain, |step| {
            let Step::Message { kind, body } = step else { return Ok(()) };
            match kind {
                kind::FINISHED => found.push(Found::Finished),
                kind::KEY_UPDATE if tls13 => found.push(Found::KeyUpdate),
                kind::END_OF_EARLY_DATA if tls13 => found.push(Found::EndOfEarlyData),
                kind::CLIENT_HELLO if !tls13 => found.push(Found::Renegotiation),
                _ => {
                    if kind == kind::ENCRYPTED_EXTENSIONS {
                        found.push(Found::Extensions(message::takes_early_data(body)));
                    }
                    session.opened_message(dir, kind, body, cx);
                }
            }
            Ok(())
        });
        cx.set_decrypted(decrypted);
        found
    }

    fn act(&mut self, dir: Dir, found: &Found) {
        let Some(end) = self.ends.get_mut(dir.index()) else { return };
        match found {
            Found::Finished => {
                if !std::mem::replace(&mut end.finished, true) && self.tls13 {
                    self.use_secret(dir, true);
                }
            }
            Found::KeyUpdate => {
                let next = self.suite.next_secret(&end.secret).unwrap_or_default();
                self.take_secret(dir, next);
            }
            // Extensions say what is to be done with what came before, see `answered`.
            Found::Extensions(_) => {}
            Found::EndOfEarlyData => self.use_secret(dir, false),
            Found::Renegotiation => self.ends.iter_mut().for_each(|end| end.given_up = true),
        }
    }

    /// Logs the session once both ends have finished their handshakes.
    fn settle(&mut self, session: &mut Session, cx: &mut Cx<'_>) {
        if !self.established && self.ends.iter().all(|end| end.finished || end.given_up) {
            self.established = true;
            let decrypted = cx.set_decrypted(true);
            session.establish_open(cx);
            cx.set_decrypted(decrypted);
        }
    }
}
