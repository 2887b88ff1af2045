//! A TLS session as rules and EVE see it: one exchange per connection. Kept only while somebody watches.

use super::fingerprint;
use super::message::{ClientHello, ServerHello, u16s};
use crate::Cx;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use sekisho_transaction::fields::tls;
use sekisho_transaction::{Counter, Fact, Fields, Json, Mark, Options, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len, list_len};
use sekisho_x509::{CertTime, Plain};

/// Octets of certificates kept of one end, where rules want to see them.
const MAX_DER_LEN: usize = 64 * 1024;
/// Ciphers and signature algorithms kept of a hello.
const MAX_NUMBERS: usize = 256;

/// Bits of [`Fact::TlsState`], as `ssl_state` names them.
mod state {
    pub(super) const CLIENT_HELLO: u64 = 1;
    pub(super) const SERVER_HELLO: u64 = 2;
    pub(super) const CLIENT_KEYX: u64 = 4;
    pub(super) const SERVER_KEYX: u64 = 8;
}

/// Stages: hello, certificates, and all that comes.
mod stage {
    pub(super) const HELLO: u8 = 0;
    pub(super) const CERTIFICATES: u8 = 1;
    pub(super) const DONE: u8 = 2;
}

/// What is kept of one end's certificates.
#[derive(Debug, Default)]
struct Certs {
    count: u64,
    der: Vec<Vec<u8>>,
    /// The first one, and its SHA-1.
    first: Option<Box<(Plain, String)>>,
}

/// What is kept of one end.
#[derive(Debug, Default)]
struct End {
    hello: Option<Box<Hello>>,
    certs: Certs,
}

/// What is kept of a hello.
#[derive(Debug, Default)]
struct Hello {
    version: u16,
    random: [u8; 32],
    sni: Option<Vec<u8>>,
    alpns: Vec<Vec<u8>>,
    /// JA3, of servers JA3S: text and digest.
    ja3: (Vec<u8>, String),
    ja4: Option<String>,
    ciphers: Vec<u16>,
    extensions: Vec<u16>,
    algorithms: Vec<u16>,
    /// The hello's own version, and what it offers at most.
    offered: u16,
}

/// The exchange.
#[derive(Debug)]
pub(super) struct Exchange {
    mark: Mark,
    client: End,
    server: End,
    state: u64,
    resumed: bool,
    from: Option<&'static str>,
}

impl Heap for Exchange {
    fn heap_len(&self) -> usize {
        let end = |end: &End| {
            let hello = end.hello.as_ref().map_or(0, |h| {
                let numbers = list_len(&h.ciphers) + list_len(&h.extensions) + list_len(&h.algorithms);
                let texts = h.ja3.0.heap_len() + h.ja3.1.heap_len() + h.sni.heap_len() + h.ja4.heap_len();
                block_len(size_of::<Hello>()) + numbers + texts + list_len(&h.alpns) + h.alpns.as_slice().heap_len()
            });
            let first = end.certs.first.as_ref().map_or(0, |first| {
                let names = first.0.subject.heap_len() + first.0.issuer.heap_len() + first.0.serial.heap_len();
                let alt = list_len(&first.0.alt_names) + first.0.alt_names.as_slice().heap_len();
                block_len(size_of::<(Plain, String)>()) + names + alt + first.1.heap_len()
            });
            hello + first + list_len(&end.certs.der) + end.certs.der.as_slice().heap_len()
        };
        self.mark.heap_len() + end(&self.client) + end(&self.server)
    }
}

/// The exchange in the direction of one end.
struct View<'a> {
    exchange: &'a Exchange,
    /// What the client sends.
    to_server: bool,
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
    digits.filter_map(|n| char::from_digit(u32::from(n), 16)).collect()
}

impl Exchange {
    /// A new one; `from`: the protocol that spoke before.
    pub(super) fn new(from: Option<&'static str>) -> Self {
        let mark = Counter::default().begin();
        let (client, server) = (End::default(), End::default());
        Self { mark, client, server, state: 0, resumed: false, from }
    }

    /// Shows it in direction `dir`, in which what the client sends goes if `to_server`.
    fn look(&mut self, (dir, to_server): (Dir, bool), stage: u8, cx: &mut Cx<'_>) {
        let mut mark = std::mem::take(&mut self.mark);
        cx.look(dir, stage, &View { exchange: self, to_server }, &mut mark);
        self.mark = mark;
    }

    /// The client's hello; only the first counts.
    pub(super) fn client_hello(&mut self, h: &ClientHello<'_>, prints: (&[u8; 16], &str), dir: Dir, cx: &mut Cx<'_>) {
        self.state |= state::CLIENT_HELLO;
        if self.client.hello.is_some() {
            return;
        }
        let numbers = |list: &[u8]| u16s(list).take(MAX_NUMBERS).collect();
        self.client.hello = Some(Box::new(Hello {
            version: h.version,
            random: h.random,
            sni: h.server_name.map(<[u8]>::to_vec),
            alpns: h.alpn.iter().map(|name| name.to_vec()).collect(),
            ja3: (fingerprint::ja3_text(h), hex(prints.0)),
            ja4: Some(prints.1.to_owned()),
            ciphers: numbers(h.ciphers),
            extensions: h.extensions.to_vec(),
            algorithms: numbers(h.signature_algorithms.unwrap_or(&[])),
            offered: fingerprint::offered_version(h),
        }));
        self.look((dir, true), stage::HELLO, cx);
    }

    /// The server's hello. After a request to try again, the second one counts.
    pub(super) fn server_hello(&mut self, h: &ServerHello<'_>, digest: &[u8; 16], dir: Dir, cx: &mut Cx<'_>) {
        let again = self.state & state::SERVER_HELLO != 0;
        self.state |= state::SERVER_HELLO;
        let version = h.selected_version.unwrap_or(h.version);
        self.server.hello = Some(Box::new(Hello {
            version,
            random: h.random,
            alpns: h.alpn.iter().map(|name| name.to_vec()).collect(),
            ja3: (fingerprint::ja3s_text(h), hex(digest)),
            ciphers: vec![h.cipher],
            extensions: h.extensions.to_vec(),
            offered: version,
            ..Hello::default()
        }));
        if !again {
            self.look((dir, false), stage::HELLO, cx);
        }
    }

    /// A hello of SSL 2.
    pub(super) fn v2_hello(&mut self, version: u16, (dir, to_server): (Dir, bool), cx: &mut Cx<'_>) {
        self.state |= if to_server { state::CLIENT_HELLO } else { state::SERVER_HELLO };
        let end = if to_server { &mut self.client } else { &mut self.server };
        if end.hello.is_none() {
            end.hello = Some(Box::new(Hello { version, offered: version, ..Hello::default() }));
            self.look((dir, to_server), stage::HELLO, cx);
        }
    }

    /// A key exchange message.
    pub(super) fn key_exchange(&mut self, to_server: bool) {
        self.state |= if to_server { state::CLIENT_KEYX } else { state::SERVER_KEYX };
    }

    /// Certificates of one end.
    pub(super) fn certificates(&mut self, certs: &[&[u8]], (dir, to_server): (Dir, bool), cx: &mut Cx<'_>) {
        let end = if to_server { &mut self.client } else { &mut self.server };
        let kept = &mut end.certs;
        if kept.count == 0
            && let Some(der) = certs.first()
            && let Some(plain) = Plain::parse(der)
        {
            kept.first = Some(Box::new((plain, fingerprint_of(der))));
        }
        kept.count += certs.len() as u64;
        if cx.wants(Fact::TlsCerts) {
            let mut room = MAX_DER_LEN.saturating_sub(kept.der.iter().map(Vec::len).sum());
            for der in certs {
                let Some(left) = room.checked_sub(der.len()) else { break };
                room = left;
                kept.der.push(der.to_vec());
            }
        }
        self.look((dir, to_server), stage::CERTIFICATES, cx);
    }

    /// What the server shows in clear was shown: its event is written, though rules will see more.
    pub(super) fn report(&mut self, client: Dir, cx: &mut Cx<'_>) {
        if self.mark.logged || self.server.certs.first.is_none() {
            return;
        }
        let mut mark = std::mem::take(&mut self.mark);
        cx.report(client.flip(), stage::CERTIFICATES, &View { exchange: self, to_server: false }, &mut mark);
        self.mark = mark;
    }

    /// All that can be seen was seen. As Suricata, a session that was answered makes an event only if its server showed a
    /// certificate, or none was to be seen: it was resumed, or is TLS 1.3.
    pub(super) fn over(mut self, client: Dir, resumed: bool, cx: &mut Cx<'_>) {
        self.resumed = resumed;
        let version = self.server.hello.as_ref().map(|h| h.version);
        let modern = version.is_some_and(super::names::is_tls13);
        let mut mark = std::mem::take(&mut self.mark);
        let unanswered = version.is_none() && self.client.hello.is_some();
        let on_earlier = resumed && version.is_some();
        mark.logged |= !(self.server.certs.first.is_some() || modern || on_earlier || unanswered);
        for (dir, to_server) in [(client, true), (client.flip(), false)] {
            cx.look(dir, stage::DONE, &View { exchange: &self, to_server }, &mut mark);
        }
        cx.over(client.flip(), &View { exchange: &self, to_server: false }, &mut mark);
    }
}

/// SHA-1 of a certificate, as hex with colons.
fn fingerprint_of(der: &[u8]) -> String {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, der);
    let pairs: Vec<String> = digest.as_ref().iter().map(|b| hex(&[*b])).collect();
    pairs.join(":")
}

/// Suricata's name of a version.
fn version_text(version: u16) -> String {
    match version {
        0 => "UNDETERMINED".to_owned(),
        0x0002 | 0x0200 => "SSLv2".to_owned(),
        0x0300 => "SSLv3".to_owned(),
        0x0301 => "TLSv1".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        0x0303 => "TLS 1.2".to_owned(),
        0x0304 => "TLS 1.3".to_owned(),
        0x7f01..=0x7f0f => "TLS 1.3 draft-<16".to_owned(),
        0x7f10..=0x7fff => format!("TLS 1.3 draft-{}", version & 0xff),
        0xfeff => "DTLS 1.0".to_owned(),
        0xfefd => "DTLS 1.2".to_owned(),
        0xfefc => "DTLS 1.3".to_owned(),
        _ => format!("0x{version:04x}"),
    }
}

impl Exchange {
    /// What the server chose. Its drafts of TLS 1.3 below 16 had the final version's number in the hello itself.
    fn version(&self) -> u16 {
        let early =
            |h: &&Hello| h.version == 0x0304 && !h.extensions.contains(&super::message::ext::SUPPORTED_VERSIONS);
        match self.server.hello.as_deref() {
            Some(h) if early(&h) => 0x7f0f,
            Some(h) => h.version,
            // Nobody answered: what the client says.
            None => self.client.hello.as_deref().map_or(0, |h| h.version),
        }
    }

    /// What the first certificate of an end says, as far as it is wanted.
    fn certificate(out: &mut Json<'_>, (plain, fingerprint): &(Plain, String), wanted: Fields) {
        let texts = [
            ("subject", tls::SUBJECT, &plain.subject),
            ("issuerdn", tls::ISSUER, &plain.issuer),
            ("serial", tls::SERIAL, &plain.serial),
            ("fingerprint", tls::FINGERPRINT, fingerprint),
        ];
        for (name, bit, text) in texts {
            if wanted.has(bit) {
                out.text(name, text);
            }
        }
        for (name, bit, time) in
            [("notbefore", tls::NOT_BEFORE, plain.not_before), ("notafter", tls::NOT_AFTER, plain.not_after)]
        {
            if let Some(text) = time.filter(|_| wanted.has(bit)).and_then(CertTime::iso) {
                out.text(name, &text);
            }
        }
        if wanted.has(tls::ALT_NAMES) && !plain.alt_names.is_empty() {
            out.list("subjectaltname", |out| {
                plain.alt_names.iter().for_each(|name| out.item_bytes(name.as_bytes()));
            });
        }
    }

    /// Certificates as they are.
    fn whole(out: &mut Json<'_>, der: &[Vec<u8>], (certificate, chain): (bool, bool)) {
        if let (Some(first), true) = (der.first(), certificate) {
            out.base64("certificate", first);
        }
        if chain && !der.is_empty() {
            out.list("chain", |out| der.iter().for_each(|der| out.item_base64(der)));
        }
    }
}

fn numbers(out: &mut Json<'_>, name: &str, list: &[u16]) {
    if !list.is_empty() {
        out.list(name, |out| list.iter().for_each(|n| out.item_number(u64::from(*n))));
    }
}

fn names(out: &mut Json<'_>, name: &str, list: &[Vec<u8>]) {
    if !list.is_empty() {
        out.list(name, |out| list.iter().for_each(|n| out.item_bytes(n)));
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "tls"
    }

    fn is_told(&self, options: Options) -> bool {
        let x = self.exchange;
        let modern = super::names::is_tls13(x.version());
        options.tls.has(tls::RESUMED_SESSIONS) || !x.resumed || x.server.certs.first.is_some() || modern
    }

    fn eve(&self, out: &mut Json<'_>) {
        let wanted = out.options().tls;
        let x = self.exchange;
        let on_earlier = x.resumed && x.server.certs.first.is_none() && !super::names::is_tls13(x.version());
        out.object("tls", |out| {
            if let Some(first) = &x.server.certs.first {
                Exchange::certificate(out, first, wanted);
                let which = (wanted.has(tls::CERTIFICATE), wanted.has(tls::CHAIN));
                Exchange::whole(out, &x.server.certs.der, which);
            } else if wanted.has(tls::RESUMED) && on_earlier {
                out.flag("session_resumed", true);
            }
            if wanted.has(tls::VERSION) {
                out.text("version", &version_text(x.version()));
            }
            x.client_certificate(out, wanted);
            x.client_members(out, wanted);
            x.server_members(out, wanted);
            if let Some(from) = x.from {
                out.text("from_proto", from);
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let x = self.exchange;
        let end = if self.to_server { &x.client } else { &x.server };
        let hello = end.hello.as_deref();
        let client = x.client.hello.as_deref();
        let server = x.server.hello.as_deref();
        let first = end.certs.first.as_deref();
        let time = |time: Option<CertTime>| u64::try_from(time?.0).ok().map(Value::from);
        match fact {
            Fact::TlsAlpn => hello?.alpns.get(nth).map(|name| name.as_slice().into()),
            Fact::TlsCerts => end.certs.der.get(nth).map(|der| der.as_slice().into()),
            Fact::TlsSubjectaltname => first?.0.alt_names.get(nth).map(|name| name.as_str().into()),
            _ if nth > 0 => None,
            Fact::Ja3Hash => client.filter(|h| !h.ja3.1.is_empty()).map(|h| h.ja3.1.as_str().into()),
            Fact::Ja3String => client.filter(|h| !h.ja3.1.is_empty()).map(|h| h.ja3.0.as_slice().into()),
            Fact::Ja3sHash => server.filter(|h| !h.ja3.1.is_empty()).map(|h| h.ja3.1.as_str().into()),
            Fact::Ja3sString => server.filter(|h| !h.ja3.1.is_empty()).map(|h| h.ja3.0.as_slice().into()),
            Fact::Ja4Hash => client?.ja4.as_deref().map(Value::from),
            Fact::TlsSni => client?.sni.as_deref().map(Value::from),
            Fact::TlsRandom => hello.map(|h| h.random.as_slice().into()),
            Fact::TlsRandomTime => hello?.random.get(..4).map(Value::from),
            Fact::TlsRandomBytes => hello?.random.get(4..).map(Value::from),
            Fact::TlsVersion => hello.map(|h| u64::from(h.version).into()),
            Fact::TlsState => Some(x.state.into()),
            Fact::TlsCertChainLen if end.certs.count > 0 => Some(end.certs.count.into()),
            Fact::TlsCertSubject => first.map(|(plain, _)| plain.subject.as_str().into()),
            Fact::TlsCertIssuer => first.map(|(plain, _)| plain.issuer.as_str().into()),
            Fact::TlsCertSerial => first.map(|(plain, _)| plain.serial.as_str().into()),
            Fact::TlsCertFingerprint => first.map(|(_, fingerprint)| fingerprint.as_str().into()),
            Fact::TlsCertNotbefore => time(first?.0.not_before),
            Fact::TlsCertNotafter => time(first?.0.not_after),
            _ => None,
        }
    }
}

impl Exchange {
    /// What the client's certificate says, and that itself.
    fn client_certificate(&self, out: &mut Json<'_>, wanted: Fields) {
        let certs = &self.client.certs;
        let Some(first) = &certs.first else { return };
        if !wanted.has(tls::CLIENT | tls::CLIENT_CERTIFICATE | tls::CLIENT_CHAIN) {
            return;
        }
        out.object("client", |out| {
            if wanted.has(tls::CLIENT) {
                Self::certificate(out, first, Fields::of(tls::EXTENDED & !tls::ALT_NAMES));
            }
            Self::whole(out, &certs.der, (wanted.has(tls::CLIENT_CERTIFICATE), wanted.has(tls::CLIENT_CHAIN)));
        });
    }

    /// What the client's hello says.
    fn client_members(&self, out: &mut Json<'_>, wanted: Fields) {
        let Some(h) = self.client.hello.as_deref() else { return };
        if let Some(sni) = h.sni.as_ref().filter(|_| wanted.has(tls::SNI)) {
            out.bytes("sni", sni);
        }
        if wanted.has(tls::JA3) {
            ja3(out, "ja3", h);
        }
        if let Some(ja4) = h.ja4.as_ref().filter(|_| wanted.has(tls::JA4)) {
            out.text("ja4", ja4);
        }
        if wanted.has(tls::CLIENT_ALPNS) {
            names(out, "client_alpns", &h.alpns);
        }
        if wanted.has(tls::CLIENT_HANDSHAKE) {
            out.object("client_handshake", |out| {
                out.text("version", &version_text(h.offered));
                numbers(out, "ciphers", &h.ciphers);
                numbers(out, "exts", &h.extensions);
                numbers(out, "sig_algs", &h.algorithms);
            });
        }
    }

    /// What the server's hello says.
    fn server_members(&self, out: &mut Json<'_>, wanted: Fields) {
        let Some(h) = self.server.hello.as_deref() else { return };
        if wanted.has(tls::JA3S) {
            ja3(out, "ja3s", h);
        }
        if wanted.has(tls::SERVER_ALPNS) {
            names(out, "server_alpns", &h.alpns);
        }
        if wanted.has(tls::SERVER_HANDSHAKE) {
            out.object("server_handshake", |out| {
                out.text("version", &version_text(h.offered));
                if let [cipher] = *h.ciphers {
                    out.number("cipher", u64::from(cipher));
                }
                numbers(out, "exts", &h.extensions);
            });
        }
    }
}

fn ja3(out: &mut Json<'_>, name: &str, h: &Hello) {
    if !h.ja3.1.is_empty() {
        out.object(name, |out| {
            out.text("hash", &h.ja3.1);
            out.bytes("string", &h.ja3.0);
        });
    }
}
