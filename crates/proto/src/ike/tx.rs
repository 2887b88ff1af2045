//! Messages as rules and EVE see them: each is an exchange by itself, shown with what the ends said before it.

use super::detail::{Attribute, Detail, key, payload_name, value_name};
use crate::Cx;
use sekisho_transaction::{Counter, Fact, Json, Transaction, Value};
use sekisho_types::{Dir, Heap, list_len};
use smallvec::SmallVec;

/// Bytes of a key exchange and of a nonce that are kept.
const MAX_KEPT_LEN: usize = 4096;
/// Version 2: set by whoever began the association.
const INITIATOR: u8 = 8;

/// What one end has said.
#[derive(Default)]
struct End {
    key_exchange: Vec<u8>,
    nonce: Vec<u8>,
    /// The first of its transforms: of the server the chosen one.
    transform: Vec<Attribute>,
    transform_count: usize,
}

/// The exchanges of a flow; none unless somebody watches.
#[derive(Default)]
pub(super) struct Exchanges {
    counter: Counter,
    domain: Option<u32>,
    ends: [End; 2],
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        let of = |e: &End| {
            let bytes: usize = e.transform.iter().filter_map(|a| a.value.as_ref().err()).map(Heap::heap_len).sum();
            e.key_exchange.heap_len() + e.nonce.heap_len() + list_len(&e.transform) + bytes
        };
        self.ends.iter().map(of).sum()
    }
}

/// A message and what is known besides.
struct View<'a> {
    dir: Dir,
    detail: &'a Detail,
    domain: Option<u32>,
    ends: &'a [End; 2],
}

impl Exchanges {
    /// A datagram that is a message.
    pub fn message(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Some(detail) = Detail::parse(bytes) else { return };
        let mut odd: SmallVec<[&'static str; 2]> = SmallVec::new();
        if detail.version.0 == 1 && !detail.is_encrypted() {
            self.domain = detail.domain.or(self.domain);
            let end = dir.of_mut(&mut self.ends);
            if detail.domain.is_some() {
                *end = End::default();
            }
            let kept = |bytes: &[u8]| bytes.get(..MAX_KEPT_LEN).unwrap_or(bytes).to_vec();
            (end.key_exchange, end.nonce) = (kept(&detail.key_exchange), kept(&detail.nonce));
            if let Some(first) = detail.transforms.first().filter(|_| end.transform_count == 0) {
                end.transform.clone_from(first);
            }
            end.transform_count += detail.transforms.len();
            if !dir.is_orig() && detail.transforms.len() > 1 {
                odd.push("multiple_server_proposal");
            }
            if detail.extra {
                odd.push("payload_extra_data");
            }
        }
        odd.extend(detail.odd.iter().copied());
        let view = View { dir, detail: &detail, domain: self.domain, ends: &self.ends };
        cx.message(dir, &mut self.counter, &view, &odd);
    }
}

/// Writes a transform's attributes, if any is in the schema.
fn show_attributes(name: &str, attributes: &[&[Attribute]], out: &mut Json<'_>) {
    let known = || attributes.iter().copied().flatten().filter_map(|a| Some((key(a.kind)?, a)));
    if known().next().is_none() {
        return;
    }
    out.list(name, |out| {
        for (key, attribute) in known() {
            out.item(|out| {
                out.text("key", key);
                match &attribute.value {
                    Ok(n) => {
                        out.text("value", value_name(attribute.kind, *n));
                        out.number("raw", (*n).into());
                    }
                    Err(bytes) => {
                        out.text("value", "Unknown");
                        out.hex("raw", bytes);
                    }
                }
            });
        }
    });
}

impl End {
    fn show(&self, out: &mut Json<'_>) {
        for (bytes, name, len) in [
            (&self.key_exchange, "key_exchange_payload", "key_exchange_payload_length"),
            (&self.nonce, "nonce_payload", "nonce_payload_length"),
        ] {
            if !bytes.is_empty() {
                out.hex(name, bytes);
                out.number(len, bytes.len() as u64);
            }
        }
    }

    const fn is_silent(&self) -> bool {
        self.key_exchange.is_empty() && self.nonce.is_empty()
    }
}

impl View<'_> {
    fn show_v1(&self, out: &mut Json<'_>) {
        if let Some(domain) = self.domain {
            out.number("doi", domain.into());
        }
        out.flag("encrypted_payloads", self.detail.is_encrypted());
        if self.detail.is_encrypted() {
            return;
        }
        let [client, server] = self.ends;
        out.object("client", |out| {
            client.show(out);
            if self.dir.is_orig() {
                let all: Vec<&[Attribute]> = self.detail.transforms.iter().map(Vec::as_slice).collect();
                show_attributes("proposals", &all, out);
            }
        });
        if !server.is_silent() {
            out.object("server", |out| server.show(out));
        }
        if !self.detail.vendors.is_empty() {
            out.list("vendor_ids", |out| self.detail.vendors.iter().for_each(|v| out.item_bytes(&hex(v))));
        }
    }
}

/// Bytes that are there.
fn some(bytes: &[u8]) -> Option<Value<'_>> {
    (!bytes.is_empty()).then_some(Value::from(bytes))
}

/// Bytes as text, two digits each.
fn hex(bytes: &[u8]) -> Vec<u8> {
    let digit = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "ike"
    }

    fn eve(&self, out: &mut Json<'_>) {
        let Detail { version: (major, minor), initiator, responder, id, exchange, flags, payloads, notified, .. } =
            self.detail;
        out.object("ike", |out| {
            out.number("_v", 2);
            out.number("version_major", (*major).into());
            out.number("version_minor", (*minor).into());
            out.hex("init_spi", initiator);
            out.hex("resp_spi", responder);
            out.number("message_id", (*id).into());
            out.number("exchange_type", (*exchange).into());
            if *major == 1 {
                let [_, server] = self.ends;
                show_attributes("attributes", &[server.transform.as_slice()], out);
            } else {
                out.text("role", if flags & INITIATOR != 0 { "initiator" } else { "responder" });
            }
            let names = || payloads.iter().filter_map(|kind| payload_name(*major, *kind));
            if names().next().is_some() {
                out.list("payload", |out| names().for_each(|name| out.item_bytes(name.as_bytes())));
            }
            if *major == 1 {
                out.object("ikev1", |out| self.show_v1(out));
            } else {
                out.object("ikev2", |out| {
                    out.number("errors", 0);
                    if !notified.is_empty() {
                        out.list("notify", |out| notified.iter().for_each(|kind| out.item_display(kind)));
                    }
                });
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let len = |bytes: &[u8]| (!bytes.is_empty()).then_some(Value::Number(bytes.len() as u64));
        match fact {
            Fact::IkeVendor => Some(Value::owned(hex(self.detail.vendors.get(nth)?))),
            Fact::IkeChosenSaAttribute => {
                // Only where one was chosen.
                let [chosen] = self.detail.transforms.as_slice() else { return None };
                let numbers = chosen.iter().filter_map(|a| Some((a.kind, *a.value.as_ref().ok()?)));
                let (kind, value) = numbers.filter(|_| !self.dir.is_orig()).nth(nth)?;
                Some(Value::Number(u64::from(kind) << 32 | u64::from(value)))
            }
            _ if nth > 0 => None,
            Fact::IkeExchtype => Some(Value::Number(self.detail.exchange.into())),
            Fact::IkeInitSpi => Some(Value::owned(hex(&self.detail.initiator))),
            Fact::IkeKeyExchangePayload => some(&self.detail.key_exchange),
            Fact::IkeKeyExchangePayloadLength => len(&self.detail.key_exchange),
            Fact::IkeNoncePayload => some(&self.detail.nonce),
            Fact::IkeNoncePayloadLength => len(&self.detail.nonce),
            Fact::IkeRespSpi => Some(Value::owned(hex(&self.detail.responder))),
            _ => None,
        }
    }
}
