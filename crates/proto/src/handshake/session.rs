//! What a session's messages add up to: the row of ssl.log, letter by letter as Zeek derives it.

use super::chain::Chain;
use super::fingerprint::{self, Carrier};
use super::message::{self, ClientHello, ServerHello, kind};
use super::names::{alert_name, group_name, is_tls13, version_name};
use super::told::{Signs, TlsSessionRecord};
use super::tx::Exchange;
use super::{ciphers, record::SslRecord, tor};
use crate::{Cx, FileMeta};
use sekisho_record::{Digest, Head, Port, Text};
use sekisho_transaction::FrameKind;
use sekisho_types::{Dir, Heap, block_len, list_len};

/// Longest history; a renegotiating or hostile peer could go on for ever.
pub const MAX_HISTORY_LEN: usize = 100;

/// Largest alert count of one record that is read, as in Zeek.
pub(crate) const MAX_ALERTS_PER_RECORD: usize = 10;

/// The alert that ends a session in the ordinary way.
const CLOSE_NOTIFY: u8 = 0;

/// Longest session id that the standard allows; longer ones are not compared.
const MAX_SESSION_ID_LEN: usize = 32;

/// State of the session, whatever carries it.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// Time and flow at the first message; `None` before.
    head: Option<Head>,
    logged: bool,
    /// Client and originator are different ends.
    flipped: bool,
    flipped_back: bool,
    /// Encryption has begun, by direction.
    encrypted: [bool; 2],
    pub(crate) established: bool,
    /// Version for decisions on the wire: the first server hello's.
    negotiated: Option<u16>,
    version: Option<u16>,
    cipher: Option<String>,
    curve: Option<u16>,
    server_name: Option<Text>,
    session_id: Vec<u8>,
    ticket_without_id: bool,
    client_key_exchange: bool,
    client_psk: bool,
    resumed: bool,
    /// The server wants to see a certificate.
    client_is_asked: bool,
    retry_pending: bool,
    last_alert: Option<String>,
    next_protocol: Option<Text>,
    history: String,
    server: Chain,
    client: Chain,
    saw_certificate: bool,
    ja3: Option<[u8; 16]>,
    ja3s: Option<[u8; 16]>,
    ja4: Option<String>,
    client_alpn: Vec<Text>,
    /// What `client_alpn` owns.
    alpn_len: usize,
    client_version: Option<u16>,
    ech: bool,
    /// The client's random, kept where there are secrets to look up by it.
    client_random: Option<[u8; 32]>,
    /// What both ends agreed upon, for [`Session::take_agreed`].
    agreed: Option<Agreed>,
    /// What rules and EVE see of it, if anybody watches.
    tx: Option<Box<Exchange>>,
    /// The protocol that was spoken before, by Suricata's name.
    from: Option<&'static str>,
    /// The same, by our name: proxies are among them.
    inside: Option<&'static str>,
    /// What only detectors want to know.
    signs: Option<Box<Signs>>,
}

/// What the keys of a session follow from, beside its secrets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agreed {
    pub(crate) client_random: [u8; 32],
    pub(crate) server_random: [u8; 32],
    pub(crate) version: u16,
    pub(crate) cipher: u16,
    pub(crate) encrypt_then_mac: bool,
}

/// What the first client hello said; empty once the row is logged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer<'a> {
    pub(crate) server_name: Option<&'a Text>,
    pub(crate) alpn: &'a [Text],
    pub(crate) ja3: Option<Digest<16>>,
    pub(crate) ja4: Option<&'a str>,
}

/// A message that cannot be what it says it is: why.
pub(crate) type Lost = &'static str;

impl Heap for Session {
    fn heap_len(&self) -> usize {
        let texts = self.cipher.heap_len() + self.last_alert.heap_len() + self.ja4.heap_len() + self.history.heap_len();
        let names = self.server_name.heap_len() + self.next_protocol.heap_len() + self.session_id.heap_len();
        let tx = self.tx.as_ref().map_or(0, |tx| block_len(size_of::<Exchange>()) + tx.heap_len());
        let signs = self.signs.as_ref().map_or(0, |_| block_len(size_of::<Signs>()));
        tx + signs + texts + names + self.alpn_len + self.server.heap_len() + self.client.heap_len()
    }
}

impl Session {
    /// The session exists from now on.
    pub(crate) fn begin(&mut self, cx: &Cx<'_>) {
        if self.head.is_none() {
            self.head = Some(cx.head(cx.ts));
        }
    }

    /// The protocol that was spoken before TLS, by Suricata's name and by ours.
    pub(crate) fn came_from(&mut self, name: Option<&'static str>, inside: Option<&'static str>) {
        (self.from, self.inside) = (name, inside);
    }

    /// Lets those see it who watch; QUIC shows its hellos itself.
    fn show(&mut self, carrier: Carrier, cx: &mut Cx<'_>, f: impl FnOnce(&mut Exchange, &mut Cx<'_>)) {
        if carrier != Carrier::Quic && !self.logged && cx.is_watched() {
            let from = self.from;
            f(self.tx.get_or_insert_with(|| Box::new(Exchange::new(from))), cx);
        }
    }

    /// Notes what only detectors want to know.
    fn note(&mut self, cx: &Cx<'_>, f: impl FnOnce(&mut Signs)) {
        if cx.is_judged() && !self.logged {
            f(self.signs.get_or_insert_default());
        }
    }

    /// EVE's event is written before the end of the handshake, as Suricata does.
    fn report(&mut self, carrier: Carrier, cx: &mut Cx<'_>) {
        let client = if self.flipped { Dir::Resp } else { Dir::Orig };
        self.show(carrier, cx, |tx, cx| tx.report(client, cx));
    }

    /// Has anything been seen that makes a row?
    pub(crate) fn begun(&self) -> bool {
        self.head.is_some()
    }

    pub(crate) fn is_client(&self, dir: Dir) -> bool {
        dir.is_orig() != self.flipped
    }

    pub(crate) fn encrypts(&self, dir: Dir) -> bool {
        self.encrypted.get(dir.index()).copied().unwrap_or(false)
    }

    pub(crate) fn start_encryption(&mut self, dir: Dir) {
        if let Some(e) = self.encrypted.get_mut(dir.index()) {
            *e = true;
        }
    }

    /// Is it TLS 1.3 for certain?
    pub(crate) fn is_tls13(&self) -> bool {
        self.negotiated.is_some_and(is_tls13)
    }

    /// Is application data before a ChangeCipherSpec a sign of encryption? In all versions but the old ones.
    pub(crate) fn encrypts_without_ccs(&self) -> bool {
        self.negotiated.is_none_or(|v| !(0x0300..=0x0303).contains(&v) && v != 2)
    }

    /// What the client's hello asked for.
    pub(crate) fn offer(&self) -> Offer<'_> {
        Offer {
            server_name: self.server_name.as_ref(),
            alpn: &self.client_alpn,
            ja3: self.ja3.map(Digest),
            ja4: self.ja4.as_deref(),
        }
    }

    /// The client's random, where there may be secrets to look up by it.
    pub(crate) fn client_random(&self) -> Option<&[u8; 32]> {
        self.client_random.as_ref()
    }

    /// The application protocol: what the server chose, or else what the client would like best. Gone with the row.
    pub(crate) fn application(&self) -> Option<&[u8]> {
        self.next_protocol.as_ref().or(self.client_alpn.first()).map(|name| &*name.0)
    }

    /// The client is at the end that sent `dir` (or, with false, the server).
    fn role(&mut self, dir: Dir, client: bool, cx: &mut Cx<'_>) {
        if self.is_client(dir) == client {
            return;
        }
        if self.flipped && !self.flipped_back {
            self.flipped_back = true;
            cx.weird("SSL_unclear_connection_direction");
        }
        self.flipped = !self.flipped;
        self.letter_raw('^');
    }

    fn letter_raw(&mut self, letter: char) {
        if self.history.len() < MAX_HISTORY_LEN {
            self.history.push(letter);
        }
    }

    pub(crate) fn letter(&mut self, dir: Dir, letter: char) {
        let letter = if self.is_client(dir) { letter.to_ascii_uppercase() } else { letter };
        self.letter_raw(letter);
    }

    /// A complete handshake message in clear.
    pub(crate) fn message(
        &mut self,
        dir: Dir,
        kind: u8,
        body: &[u8],
        carrier: Carrier,
        cx: &mut Cx<'_>,
    ) -> Result<(), Lost> {
        let mut letter = handshake_letter(kind).ok_or("unknown handshake message")?;
        self.begin(cx);
        match kind {
            kind::CLIENT_HELLO => {
                let hello = message::client_hello(body, carrier == Carrier::Dtls).map_err(|e| e.item())?;
                self.role(dir, true, cx);
                self.client_hello(dir, &hello, carrier, cx);
            }
            kind::SERVER_HELLO => {
                let hello = message::server_hello(body).map_err(|e| e.item())?;
                self.role(dir, false, cx);
                self.server_hello(dir, &hello, carrier, cx);
                cx.confirm(service(carrier));
                if std::mem::take(&mut self.retry_pending) {
                    letter = 'j';
                }
            }
            kind::HELLO_RETRY_REQUEST => {
                if let Ok(hello) = message::draft_retry(body) {
                    self.curve = hello.group.or(self.curve);
                }
            }
            kind::CERTIFICATE if !self.is_tls13() => self.certificates(dir, body, cx)?,
            kind::CERTIFICATE_STATUS => {
                if let Some(response) = message::ocsp_response(body) {
                    stapled(dir, response, cx);
                }
            }
            kind::SERVER_KEY_EXCHANGE => {
                if self.cipher.as_deref().is_some_and(|c| c.contains("_ECDH")) {
                    self.curve = message::named_curve(body).or(self.curve);
                } else if self.cipher.as_deref().is_some_and(|c| c.contains("_DHE_") || c.contains("_DH_anon_")) {
                    self.note(cx, |signs| signs.dh_len = message::dh_prime_len(body));
                }
                self.show(carrier, cx, |tx, _| tx.key_exchange(false));
            }
            kind::CLIENT_KEY_EXCHANGE => {
                self.client_key_exchange |= self.is_client(dir);
                self.show(carrier, cx, |tx, _| tx.key_exchange(true));
                self.report(carrier, cx);
            }
            kind::CERTIFICATE_REQUEST => self.client_is_asked = true,
            // Of a client that is to show its certificate, that is waited for.
            kind::SERVER_HELLO_DONE if !self.client_is_asked => self.report(carrier, cx),
            _ => {}
        }
        self.letter(dir, letter);
        Ok(())
    }

    /// A message beyond the limit: only its letter is noted.
    pub(crate) fn too_long(&mut self, dir: Dir, kind: u8, cx: &mut Cx<'_>) -> Result<(), Lost> {
        let letter = handshake_letter(kind).ok_or("unknown handshake message")?;
        self.begin(cx);
        cx.weird("tls_handshake_message_too_long");
        self.letter(dir, letter);
        Ok(())
    }

    fn client_hello(&mut self, dir: Dir, h: &ClientHello<'_>, carrier: Carrier, cx: &mut Cx<'_>) {
        cx.confirm(service(carrier));
        if h.session_ticket {
            self.ticket_without_id = true;
        }
        self.client_psk |= h.pre_shared_key;
        if h.session_id.len() <= MAX_SESSION_ID_LEN && h.session_id.iter().any(|&b| b != 0) {
            self.session_id = h.session_id.to_vec();
            self.ticket_without_id = false;
        }
        if let Some(name) = h.server_name {
            if tor::asks_relay(name, h.alpn.is_empty(), cx.flow.tuple.resp_port) {
                cx.recognize("tor");
            }
            self.server_name = Some(name.into());
            if h.server_name_count > 1 {
                cx.weird("SSL_many_server_names");
            }
        }
        self.ech |= h.ech;
        self.client_random = cx.has_secrets().then_some(h.random);
        if self.ja3.is_none() {
            let (ja3, ja4) = fingerprint::client(h, carrier);
            (self.ja3, self.ja4) = (Some(ja3), Some(ja4));
            self.client_alpn = h.alpn.iter().map(Text::from).collect();
            self.alpn_len = list_len(&self.client_alpn) + self.client_alpn.as_slice().heap_len();
            self.client_version = Some(fingerprint::offered_version(h));
        }
        self.note(cx, |signs| signs.client_hello(h));
        self.show(carrier, cx, |tx, cx| {
            let (ja3, ja4) = fingerprint::client_in_suricata(h, carrier);
            tx.client_hello(h, (&ja3, &ja4), dir, cx);
        });
    }

    fn server_hello(&mut self, dir: Dir, h: &ServerHello<'_>, carrier: Carrier, cx: &mut Cx<'_>) {
        let version = h.selected_version.unwrap_or(h.version);
        if self.negotiated.is_none() {
            self.negotiated = Some(version);
        }
        // A later hello without the extension doesn't override one with it.
        if h.selected_version.is_some() || self.version.is_none() {
            self.version = Some(version);
        }
        self.note(cx, |signs| signs.server_hello(h));
        self.cipher = Some(ciphers::name(h.cipher).into_owned());
        self.agreed = self.client_random.filter(|_| !h.retry).map(|client_random| Agreed {
            client_random,
            server_random: h.random,
            version,
            cipher: h.cipher,
            encrypt_then_mac: h.encrypt_then_mac,
        });
        self.retry_pending = h.retry;
        self.curve = h.group.or(self.curve);
        self.next_protocol = h.alpn.map(Text::from).or(self.next_protocol.take());
        let same_id = !self.session_id.is_empty() && self.session_id == h.session_id;
        if same_id && !self.version.is_some_and(is_tls13) || h.pre_shared_key && self.client_psk {
            self.resumed = true;
        }
        if !h.retry || self.ja3s.is_none() {
            self.ja3s = Some(fingerprint::ja3s(h));
        }
        self.show(carrier, cx, |tx, cx| tx.server_hello(h, &fingerprint::ja3s(h), dir, cx));
    }

    fn certificates(&mut self, dir: Dir, body: &[u8], cx: &mut Cx<'_>) -> Result<(), Lost> {
        // One more than allowed, so that the limit is seen to bite.
        let certs = message::certificates(body, super::chain::MAX_CERTS + 1).map_err(|e| e.item())?;
        self.add_certificates(dir, &certs, cx);
        Ok(())
    }

    fn add_certificates(&mut self, dir: Dir, certs: &[&[u8]], cx: &mut Cx<'_>) {
        let client = self.is_client(dir);
        self.saw_certificate |= !certs.is_empty();
        let chain = if client { &mut self.client } else { &mut self.server };
        chain.add(certs, client, dir.is_orig(), cx);
        if let Some(tx) = &mut self.tx {
            tx.certificates(certs, (dir, client), cx);
        }
    }

    /// An SSL 2 client hello.
    pub(crate) fn v2_client_hello(&mut self, dir: Dir, version: u16, cx: &mut Cx<'_>) {
        self.begin(cx);
        self.client_version = Some(version);
        self.show(Carrier::Tls, cx, |tx, cx| tx.v2_hello(version, (dir, true), cx));
        self.letter(dir, 'c');
    }

    /// An SSL 2 server hello.
    pub(crate) fn v2_server_hello(&mut self, dir: Dir, h: &message::V2ServerHello<'_>, cx: &mut Cx<'_>) {
        self.begin(cx);
        cx.confirm(service(Carrier::Tls));
        self.negotiated = Some(super::names::version::SSL2);
        self.version = self.negotiated;
        self.cipher = h.cipher.map(|c| ciphers::v2_name(c).into_owned());
        self.show(Carrier::Tls, cx, |tx, cx| tx.v2_hello(super::names::version::SSL2, (dir, false), cx));
        self.letter(dir, 's');
        if !h.certificate.is_empty() {
            self.add_certificates(dir, &[h.certificate], cx);
        }
    }

    /// A ChangeCipherSpec in clear.
    pub(crate) fn change_cipher_spec(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        self.begin(cx);
        // In TLS 1.3 it means nothing (RFC 8446 §D.4).
        if !self.is_tls13() {
            self.start_encryption(dir);
        }
        self.letter(dir, 'i');
        if self.is_client(dir) && self.ticket_without_id && !self.client_key_exchange {
            self.resumed = true;
        }
    }

    /// The alerts of one record in clear; `body` is the record's start, `len` its length.
    pub(crate) fn alerts(&mut self, dir: Dir, body: &[u8], len: usize, cx: &mut Cx<'_>) -> Result<(), Lost> {
        self.begin(cx);
        let most = if self.is_tls13() { 1 } else { MAX_ALERTS_PER_RECORD };
        if len > 2 * most {
            cx.weird("SSL_excessive_alerts_in_record");
        } else if !len.is_multiple_of(2) {
            return Err("alert of odd length");
        }
        for &[_level, description] in body.as_chunks::<2>().0.iter().take(most) {
            self.letter(dir, 'l');
            if self.is_client(dir) && description != CLOSE_NOTIFY {
                self.note(cx, |signs| signs.client_alert = Some(description));
            }
            self.last_alert = Some(alert_name(u16::from(description)).into_owned());
        }
        Ok(())
    }

    /// A heartbeat in clear (RFC 6520): the record's beginning and its length.
    pub(crate) fn heartbeat(&mut self, dir: Dir, body: &[u8], len: usize, cx: &mut Cx<'_>) {
        self.begin(cx);
        self.note(cx, |signs| signs.heartbeat(body, len));
        self.letter(dir, 'b');
    }

    /// Application data in clear.
    pub(crate) fn plain_data(&mut self, cx: &mut Cx<'_>) {
        self.begin(cx);
        if self.version.is_some() {
            cx.weird("ssl_early_application_data");
        }
    }

    /// An encrypted record ended. Logs the session once both ends encrypt; then nothing more can be learnt.
    pub(crate) fn ciphertext(&mut self, cx: &mut Cx<'_>) {
        if self.encrypted == [true; 2] && !self.established {
            self.establish(cx);
        }
    }

    /// The session is established.
    pub(crate) fn establish(&mut self, cx: &mut Cx<'_>) {
        self.establish_open(cx);
        // Frames go on to the end.
        if !cx.wants_frames(&[FrameKind::TlsPdu, FrameKind::TlsHdr, FrameKind::TlsData]) {
            cx.opaque();
        }
    }

    /// The session is established, and its records can be read.
    pub(crate) fn establish_open(&mut self, cx: &mut Cx<'_>) {
        self.established = true;
        // Encrypted data alone, without any hello, tells nothing that is worth a row.
        if self.begun() {
            self.log(cx);
        }
    }

    /// What was agreed upon by the server hello just read, where secrets may be known.
    pub(crate) fn take_agreed(&mut self) -> Option<Agreed> {
        self.agreed.take()
    }

    /// A handshake message that was decrypted.
    pub(crate) fn opened_message(&mut self, dir: Dir, kind: u8, body: &[u8], cx: &mut Cx<'_>) {
        match kind {
            kind::ENCRYPTED_EXTENSIONS => {
                self.next_protocol = message::encrypted_alpn(body).map(Text::from).or(self.next_protocol.take());
            }
            kind::COMPRESSED_CERTIFICATE if self.is_tls13() => match super::compressed::certificate(body) {
                Ok(message) => self.opened_message(dir, kind::CERTIFICATE, &message, cx),
                Err(_) => cx.weird("tls_bad_compressed_certificate"),
            },
            kind::CERTIFICATE if self.is_tls13() => {
                if let Ok(certs) = message::certificates13(body, super::chain::MAX_CERTS + 1) {
                    self.add_certificates(dir, &certs, cx);
                }
            }
            _ => {}
        }
    }

    /// Logs the row unless that was done or nothing was seen.
    pub(crate) fn log(&mut self, cx: &mut Cx<'_>) {
        let Some(head) = self.head.filter(|_| !self.logged) else { return };
        self.logged = true;
        if let Some(tx) = self.tx.take() {
            let client = if self.flipped { Dir::Resp } else { Dir::Orig };
            tx.over(client, self.resumed, cx);
        }
        if self.established && !self.flipped {
            self.server.established(cx);
        }
        let told = cx.is_judged().then(|| self.told(&head));
        let fps = |chain: &mut Chain| std::mem::take(&mut chain.fingerprints);
        let sni_matches_cert = self.server_name.as_ref().and_then(|name| self.server.covers(&name.0));
        let record = SslRecord {
            head,
            version: self.version.map(|v| version_name(v).into_owned()),
            cipher: self.cipher.take(),
            curve: self.curve.map(|g| group_name(g).into_owned()),
            server_name: self.server_name.take(),
            resumed: self.resumed,
            last_alert: self.last_alert.take(),
            next_protocol: self.next_protocol.take(),
            established: self.established,
            ssl_history: std::mem::take(&mut self.history),
            cert_chain_fps: self.saw_certificate.then(|| fps(&mut self.server)),
            client_cert_chain_fps: self.saw_certificate.then(|| fps(&mut self.client)),
            sni_matches_cert,
            validation_status: self.server.verdict.map(sekisho_x509::Validation::as_str),
            ja3: self.ja3.map(Digest),
            ja3s: self.ja3s.map(Digest),
            ja4: self.ja4.take(),
            client_alpn: std::mem::take(&mut self.client_alpn),
            client_version: self.client_version.map(|v| version_name(v).into_owned()),
            ech: self.ja3.map(|_| self.ech),
            tail: cx.tail(),
        };
        self.server.forget();
        self.client.forget();
        self.alpn_len = 0;
        self.session_id = Vec::new();
        cx.emit(record);
        if let Some(told) = told {
            cx.emit(told);
        }
    }

    /// The session as detectors see it, before its row takes what there is.
    fn told(&mut self, head: &Head) -> TlsSessionRecord {
        let signs = self.signs.take().unwrap_or_default();
        let (client, server) = ((head.orig_h, head.orig_p), (head.resp_h, head.resp_p));
        let (client, server) = if self.flipped { (server, client) } else { (client, server) };
        TlsSessionRecord {
            ts: head.ts,
            uid: head.uid,
            client: client.0,
            server: server.0,
            server_port: Port(server.1.0),
            version: self.version,
            offered: self.client_version,
            cipher: self.cipher.as_ref().map(Text::from),
            dh_len: signs.dh_len,
            compression: signs.compression,
            downgrade: signs.downgrade,
            heartbleed: signs.heartbleed(),
            established: self.established,
            resumed: self.resumed,
            server_name: self.server_name.clone(),
            chain: self.server.fingerprints.clone(),
            validation: self.server.verdict.map(sekisho_x509::Validation::as_str),
            fault: self.server.fault.map(sekisho_x509::Fault::as_str),
            added_root: self.server.added_root,
            name_fits: self.server_name.as_ref().and_then(|name| self.server.fits(&name.0)),
            client_alert: signs.client_alert,
            client_cert: !self.client.fingerprints.is_empty(),
            inside: self.inside,
        }
    }
}

/// Name in conn's service column.
const fn service(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::Dtls => "dtls",
        Carrier::Tls | Carrier::Quic => "ssl",
    }
}

/// Letter of a handshake type, lower case; `None` if there is no such type.
const fn handshake_letter(kind: u8) -> Option<char> {
    Some(match kind {
        0 => 'h',
        1 => 'c',
        2 => 's',
        3 => 'v',
        4 => 't',
        5 => 'e',
        6 => 'j',
        8 => 'o',
        11 => 'x',
        12 => 'k',
        13 => 'r',
        14 => 'n',
        15 => 'y',
        16 => 'g',
        20 => 'f',
        21 => 'w',
        22 => 'u',
        23 => 'a',
        24 => 'p',
        25 | 26 | 67 => 'z',
        254 => 'm',
        _ => return None,
    })
}

/// A stapled OCSP response is a file.
fn stapled(dir: Dir, response: &[u8], cx: &mut Cx<'_>) {
    let id = cx.file_open(FileMeta {
        source: "SSL",
        is_orig: dir.is_orig(),
        known_mime: Some("application/ocsp-response"),
        ..FileMeta::default()
    });
    cx.file_data(id, response);
    cx.file_close(id, true);
}
