//! QUIC's hellos as rules and EVE see them: each an exchange of its own, as in Suricata.

use super::google;
use crate::Cx;
use crate::handshake::message::{self, ClientHello, ServerHello, ext};
use crate::handshake::{Carrier, client_prints, ja3_text, ja3s_digest, ja3s_text, names::is_grease};
use md5::{Digest as _, Md5};
use sekisho_transaction::{Counter, Fact, Json, Transaction, Value};
use sekisho_types::Dir;

/// What a packet carried.
enum Hello<'a> {
    Client(Box<ClientHello<'a>>),
    Server(Box<ServerHello<'a>>),
    Google(google::Message<'a>, Option<(String, String)>),
    /// None: acknowledgements, say.
    Nothing,
}

struct View<'a> {
    version: u32,
    hello: Hello<'a>,
}

/// Shows a handshake message of TLS; `body` without its head.
pub(super) fn handshake(dir: Dir, version: u32, kind: u8, body: &[u8], counter: &mut Counter, cx: &mut Cx<'_>) {
    let hello = match kind {
        message::kind::CLIENT_HELLO => message::client_hello(body, false).map(|h| Hello::Client(Box::new(h))),
        message::kind::SERVER_HELLO => message::server_hello(body).map(|h| Hello::Server(Box::new(h))),
        _ => return,
    };
    let Ok(hello) = hello else { return };
    cx.message(dir, counter, &View { version, hello }, &[]);
}

/// Shows a packet without a handshake message.
pub(super) fn other(dir: Dir, version: u32, counter: &mut Counter, cx: &mut Cx<'_>) {
    cx.message(dir, counter, &View { version, hello: Hello::Nothing }, &[]);
}

/// Shows a message of Google's handshake.
pub(super) fn google(dir: Dir, version: u32, m: google::Message<'_>, counter: &mut Counter, cx: &mut Cx<'_>) {
    let cyu = (m.kind == google::Kind::ClientHello).then(|| {
        let text = cyu(version, m.tags);
        let hash = hex(&Md5::digest(text.as_bytes()));
        (text, hash)
    });
    cx.message(dir, counter, &View { version, hello: Hello::Google(m, cyu) }, &[]);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|n| char::from_digit(u32::from(n), 16)).collect()
}

/// CYU: the version's two digits and the tags in their order.
fn cyu(version: u32, tags: &[u8]) -> String {
    let [_, _, a, b] = version.to_be_bytes();
    let names = tags.as_chunks::<8>().0.iter().map(|[a, b, c, d, ..]| {
        [*a, *b, *c, *d].iter().filter(|c| **c != 0).map(|c| char::from(*c)).collect::<String>()
    });
    let names: Vec<String> = names.collect();
    format!("{}{},{}", char::from(a), char::from(b), names.join("-"))
}

/// Suricata's name of a version: Google's by name, others in hex.
fn version_text(version: u32) -> String {
    match version.to_be_bytes() {
        [b'Q', b'0', a @ b'0'..=b'9', b @ b'0'..=b'9'] => [b'Q', b'0', a, b].into_iter().map(char::from).collect(),
        _ => format!("{version:x}"),
    }
}

/// Names of extensions, as Suricata shows them.
fn extension_name(code: u16) -> Option<&'static str> {
    Some(match code {
        0 => "server_name",
        1 => "max_fragment_length",
        5 => "status_request",
        10 => "supported_groups",
        11 => "ec_point_formats",
        13 => "signature_algorithms",
        15 => "heartbeat",
        16 => "alpn",
        18 => "signed_certificate_timestamp",
        21 => "padding",
        22 => "encrypt_then_mac",
        23 => "extended_master_secret",
        24 => "token_binding",
        28 => "record_size_limit",
        35 => "session_ticket",
        41 => "pre_shared_key",
        42 => "early_data",
        43 => "supported_versions",
        44 => "cookie",
        45 => "psk_exchange_modes",
        48 => "oid_filters",
        49 => "post_handshake_auth",
        40 | 51 => "key_share",
        13_172 => "next_protocol_negotiation",
        0xff01 => "renegotiation_info",
        0xffce => "encrypted_server_name",
        _ if is_grease(code) => "grease",
        _ => return None,
    })
}

fn extensions(out: &mut Json<'_>, codes: &[u16], values: impl Fn(u16) -> Vec<Vec<u8>>) {
    if codes.is_empty() {
        return;
    }
    out.list("extensions", |out| {
        for &code in codes {
            out.item(|out| {
                if let Some(name) = extension_name(code) {
                    out.text("name", name);
                }
                out.number("type", u64::from(code));
                let values = values(code);
                if !values.is_empty() {
                    out.list("values", |out| values.iter().for_each(|v| out.item_bytes(v)));
                }
            });
        }
    });
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "quic"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("quic", |out| {
            out.text("version", &version_text(self.version));
            match &self.hello {
                Hello::Client(h) => {
                    if let Some(name) = h.server_name {
                        out.bytes("sni", name);
                    }
                    let (ja3, ja4) = client_prints(h, Carrier::Quic);
                    out.object("ja3", |out| {
                        out.text("hash", &hex(&ja3));
                        out.bytes("string", &ja3_text(h));
                    });
                    out.text("ja4", &ja4);
                    extensions(out, &h.extensions, |code| match code {
                        ext::SERVER_NAME => h.server_name.map(<[u8]>::to_vec).into_iter().collect(),
                        ext::ALPN => h.alpn.iter().map(|name| name.to_vec()).collect(),
                        _ => Vec::new(),
                    });
                }
                Hello::Server(h) => {
                    out.object("ja3s", |out| {
                        out.text("hash", &hex(&ja3s_digest(h)));
                        out.bytes("string", &ja3s_text(h));
                    });
                    extensions(out, &h.extensions, |_| Vec::new());
                }
                Hello::Google(m, cyu) => {
                    if let Some(name) = m.server_name {
                        out.bytes("sni", name);
                    }
                    if let Some(ua) = m.user_agent {
                        out.bytes("ua", ua);
                    }
                    if let Some((text, hash)) = cyu {
                        out.list("cyu", |out| {
                            out.item(|out| {
                                out.text("hash", hash);
                                out.text("string", text);
                            });
                        });
                    }
                }
                Hello::Nothing => {}
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        if let (Fact::QuicAlpn, Hello::Client(h)) = (fact, &self.hello) {
            return h.alpn.get(nth).map(|name| Value::from(*name));
        }
        if nth > 0 {
            return None;
        }
        if fact == Fact::QuicVersion {
            return Some(Value::owned(self.version.to_be_bytes().to_vec()));
        }
        let text = |text: String| Some(Value::owned(text.into_bytes()));
        match (fact, &self.hello) {
            (Fact::QuicSni, Hello::Client(h)) => h.server_name.map(Value::from),
            (Fact::Ja3Hash, Hello::Client(h)) => text(hex(&client_prints(h, Carrier::Quic).0)),
            (Fact::Ja3String, Hello::Client(h)) => Some(Value::owned(ja3_text(h))),
            (Fact::Ja4Hash, Hello::Client(h)) => text(client_prints(h, Carrier::Quic).1),
            (Fact::Ja3sHash, Hello::Server(h)) => text(hex(&ja3s_digest(h))),
            (Fact::Ja3sString, Hello::Server(h)) => Some(Value::owned(ja3s_text(h))),
            (Fact::QuicSni, Hello::Google(m, _)) => m.server_name.map(Value::from),
            (Fact::QuicUa, Hello::Google(m, _)) => m.user_agent.map(Value::from),
            (Fact::QuicCyuString, Hello::Google(_, Some((text, _)))) => Some(text.as_str().into()),
            (Fact::QuicCyuHash, Hello::Google(_, Some((_, hash)))) => Some(hash.as_str().into()),
            _ => None,
        }
    }
}
