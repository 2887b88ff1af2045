//! TLS 1.0 to 1.3 (RFC 2246, 4346, 5246, 8446), SSL 2 and 3 (RFC 6101) over streams, DTLS 1.0 to 1.3 (RFC 4347, 6347,
//! 9147) over datagrams: hellos, certificates, alerts, and whether the session came about. Where the run has the secrets of
//! a TLS 1.2 or 1.3 session over a stream, its records are opened, early data included, and what speaks inside is
//! recognised and parsed.
//!
//! One row per session, logged when both ends encrypt, or else at the flow's end; from the former on the flow is
//! opaque. Each certificate gives an x509 row (once per run and role: the collector drops repeats). Limits:
//! [`MAX_MESSAGE_LEN`], [`MAX_CERTS`], [`MAX_HISTORY_LEN`], [`MAX_DEPTH`](sekisho_x509::MAX_DEPTH) and
//! [`MAX_SIGNATURE_CHECKS`](sekisho_x509::MAX_SIGNATURE_CHECKS). Known gaps: DTLS connection ids (RFC 9146) are not
//! followed.

mod decrypt;
#[cfg(test)]
mod decrypt_tests;
mod dtls;
mod early;
mod frame;
mod layer;
mod open;
mod probe;
#[cfg(test)]
mod tests;

pub use crate::certs::X509Record;
pub use crate::handshake::{MAX_CERTS, MAX_HISTORY_LEN, MAX_MESSAGE_LEN, SslRecord};
pub use probe::begins_client_hello;

use crate::handshake::{Carrier, Handshakes, Session, Step, message};
use crate::{Cx, Descriptor, ProtoId, Protocol, Start, Transport};
use decrypt::Decrypt;
use dtls::Datagrams;
use early::Early;
use layer::{Content, Dialect, Header, Layer, content};
use sekisho_types::{Dir, Heap};

/// State of one flow.
#[derive(Default)]
pub struct Parser {
    session: Session,
    layers: [Layer; 2],
    handshakes: [Handshakes; 2],
    dialect: Dialect,
    datagrams: Option<Box<Datagrams>>,
    decrypt: Option<Box<Decrypt>>,
    /// Until the server answers, where there may be secrets.
    early: Option<Box<Early>>,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor {
        service: "ssl",
        tcp_ports: &[443, 563, 585, 614, 636, 853, 989, 990, 992, 993, 995, 5061, 5223],
        udp_ports: &[443],
        probe: probe::probe,
    };

    fn start(start: &Start<'_>) -> Self {
        let mut parser = Self { datagrams: (start.transport == Transport::Udp).then(Box::default), ..Self::default() };
        parser.session.came_from(start.handed_over_by.and_then(suricata_name));
        parser
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let outcome = match &mut self.datagrams {
            Some(d) => d.datagram(dir, bytes, &mut self.session, cx),
            None => self.stream(dir, bytes, cx),
        };
        if let Err(why) = outcome {
            cx.reject(why);
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        let i = dir.index();
        let (Some(layer), Some(handshakes)) = (self.layers.get_mut(i), self.handshakes.get_mut(i)) else { return };
        // Inside an encrypted record nothing of value is lost; a message in clear can't be put together any more.
        let inside = layer.current() == Some(Content::Encrypted) && layer.skip(len);
        if !inside {
            layer.lost = true;
            handshakes.clear();
        }
        if let Some(decrypt) = &mut self.decrypt {
            decrypt.gap(dir, len, inside, cx);
        } else if let Some(early) = &mut self.early {
            early.lose();
        }
    }

    fn half_closed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        if let Some(decrypt) = &mut self.decrypt {
            decrypt.half_closed(dir, cx);
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut decrypt) = self.decrypt.take() {
            decrypt.end(cx);
        }
        self.session.log(cx);
    }

    fn held_len(&self) -> usize {
        let buffers = self.layers.as_slice().heap_len() + self.handshakes.as_slice().heap_len();
        self.session.heap_len() + buffers + self.datagrams.heap_len() + self.decrypt.heap_len() + self.early.heap_len()
    }
}

/// What Suricata calls a protocol in which TLS can be started.
const fn suricata_name(id: ProtoId) -> Option<&'static str> {
    Some(match id {
        ProtoId::Ftp => "ftp",
        ProtoId::Http => "http",
        ProtoId::Imap => "imap",
        ProtoId::Ldap => "ldap",
        ProtoId::Pop3 => "pop3",
        ProtoId::Postgresql => "pgsql",
        ProtoId::Rdp => "rdp",
        ProtoId::Smtp => "smtp",
        _ => return None,
    })
}

impl Parser {
    fn stream(&mut self, dir: Dir, mut bytes: &[u8], cx: &mut Cx<'_>) -> Result<(), &'static str> {
        let i = dir.index();
        while let Some(layer) = self.layers.get_mut(i).filter(|l| !l.lost && !bytes.is_empty()) {
            // Of what is encrypted only frames are left.
            let blind = self.session.established && self.decrypt.is_none();
            if blind && !cx.wants_frames(frame::KINDS) {
                break;
            }
            if let Some(content) = layer.current() {
                let (piece, rest, ends) = layer.take_body(bytes);
                bytes = rest;
                if !blind {
                    self.body(dir, content, piece, ends, cx)?;
                }
                continue;
            }
            let (head, rest) = layer.take_head(bytes);
            bytes = rest;
            let Some(head) = head else { break };
            let (content, len) = match layer::header(&head, dir.is_orig(), &mut self.dialect) {
                Header::Tls { content, len } => (self.classify(dir, content), len),
                Header::V2 { kind, len } => (Content::V2(kind), len),
                Header::Bad(_) if blind => break,
                Header::Bad(why) => return Err(why),
            };
            frame::tell(dir, content, &head, len, bytes.len(), cx);
            if let Some(layer) = self.layers.get_mut(i) {
                layer.open(content, len);
            }
            if len == 0 {
                if let Some(layer) = self.layers.get_mut(i) {
                    layer.take_body(&[]);
                }
                if !blind {
                    self.body(dir, content, &[], true, cx)?;
                }
            }
        }
        Ok(())
    }

    /// Is a record that begins now in clear?
    fn classify(&mut self, dir: Dir, content: u8) -> Content {
        // TLS 1.3 has no clear sign of where encryption begins but application data.
        if content == content::APPLICATION_DATA && self.session.encrypts_without_ccs() {
            self.session.start_encryption(dir);
        }
        if self.session.encrypts(dir) { Content::Encrypted } else { Content::Clear(content) }
    }

    /// `piece` of the open record; `ends` with the last.
    fn body(
        &mut self,
        dir: Dir,
        content: Content,
        piece: &[u8],
        ends: bool,
        cx: &mut Cx<'_>,
    ) -> Result<(), &'static str> {
        let i = dir.index();
        match content {
            Content::Encrypted => {
                self.encrypted(dir, piece, ends, cx);
                return Ok(());
            }
            Content::Clear(content::HANDSHAKE) => {
                let (Some(handshakes), session) = (self.handshakes.get_mut(i), &mut self.session) else {
                    return Ok(());
                };
                handshakes.feed(piece, |step| match step {
                    Step::Message { kind, body } => session.message(dir, kind, body, Carrier::Tls, cx),
                    Step::TooLong { kind } => session.too_long(dir, kind, cx),
                })?;
                if let Some(agreed) = session.take_agreed() {
                    let early = self.early.take().map(|early| *early).filter(|early| !early.is_empty());
                    self.decrypt = Decrypt::new(&agreed, session.is_client(Dir::Orig), early, cx).map(Box::new);
                }
                return Ok(());
            }
            _ => {}
        }
        let Some(layer) = self.layers.get_mut(i) else { return Ok(()) };
        layer.keep(piece, content);
        if !ends {
            return Ok(());
        }
        let (body, len) = (layer.take_small(), layer.len);
        match content {
            Content::Clear(kind) => self.small_record(dir, kind, &body, len, cx),
            Content::V2(kind) => self.v2_message(dir, kind, &body, cx),
            Content::Encrypted => Ok(()),
        }
    }

    /// A piece of an encrypted record.
    fn encrypted(&mut self, dir: Dir, piece: &[u8], ends: bool, cx: &mut Cx<'_>) {
        let Some(decrypt) = &mut self.decrypt else {
            self.early_piece(dir, piece, ends, cx);
            if ends {
                self.session.ciphertext(cx);
            }
            return;
        };
        decrypt.keep(dir, piece);
        let Some(layer) = self.layers.get(dir.index()).filter(|_| ends) else { return };
        decrypt.record(dir, layer.head_of_open(), &mut self.session, cx);
        if decrypt.is_over() {
            if let Some(mut decrypt) = self.decrypt.take() {
                decrypt.end(cx);
            }
            self.session.ciphertext(cx);
            if self.session.established && !cx.wants_frames(frame::KINDS) {
                cx.opaque();
            }
        }
    }

    /// A piece of an encrypted record before there are keys: the client's early data, if the server has said nothing.
    fn early_piece(&mut self, dir: Dir, piece: &[u8], ends: bool, cx: &mut Cx<'_>) {
        let unanswered = self.layers.get(dir.flip().index()).is_some_and(|l| l.len == 0);
        // Where the server's side is not captured no answer will tell what it is.
        if !unanswered || !cx.flow.seen.resp || !cx.has_secrets() {
            self.early = None;
            return;
        }
        let head = self.layers.get(dir.index()).filter(|_| ends).map(Layer::head_of_open);
        if !self.early.get_or_insert_default().keep(piece, head) {
            cx.weird("tls_early_data_too_long");
        }
    }

    fn small_record(
        &mut self,
        dir: Dir,
        kind: u8,
        body: &[u8],
        len: usize,
        cx: &mut Cx<'_>,
    ) -> Result<(), &'static str> {
        match kind {
            content::CHANGE_CIPHER_SPEC => {
                self.session.change_cipher_spec(dir, cx);
                if let Some(decrypt) = &mut self.decrypt {
                    decrypt.change_cipher_spec(dir);
                }
            }
            content::ALERT => return self.session.alerts(dir, body, len, cx),
            content::HEARTBEAT => self.session.heartbeat(dir, body, len, cx),
            content::APPLICATION_DATA => self.session.plain_data(cx),
            _ => return Err("unknown TLS record type"),
        }
        Ok(())
    }

    /// SSL 2 messages (client hello 1, client master key 2, server hello 4).
    fn v2_message(&mut self, dir: Dir, kind: u8, body: &[u8], cx: &mut Cx<'_>) -> Result<(), &'static str> {
        match kind {
            1 => {
                let (version, _) = message::v2_client_hello(body).map_err(|e| e.item())?;
                self.session.v2_client_hello(dir, version, cx);
            }
            2 => self.session.establish(cx),
            4 => {
                let hello = message::v2_server_hello(body).map_err(|e| e.item())?;
                self.session.v2_server_hello(dir, &hello, cx);
            }
            _ => return Err("unknown SSL 2 message"),
        }
        Ok(())
    }
}
