//! Requests and answers as rules and EVE see them: an answer with what it answers is an exchange, and so is a request
//! that nobody answered.

use crate::Cx;
use crate::kerberos::Message;
use crate::kerberos::message::Name;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len, list_len};

/// Parts of a name that are kept.
const MAX_PARTS: usize = 16;

/// Numbers of messages (RFC 4120 §7.5.7).
mod kind {
    pub(super) const AS_REQ: u64 = 10;
    pub(super) const AS_REP: u64 = 11;
    pub(super) const TGS_REQ: u64 = 12;
    pub(super) const TGS_REP: u64 = 13;
    pub(super) const ERROR: u64 = 30;
}

/// The exchange at hand.
#[derive(Default)]
struct Exchange {
    mark: Mark,
    kind: u64,
    failed: Option<u64>,
    code: Option<i64>,
    client: Vec<Vec<u8>>,
    service: Vec<Vec<u8>>,
    realm: Option<Vec<u8>>,
    cipher: Option<i64>,
    ticket_cipher: Option<i64>,
}

/// A flow's exchanges.
#[derive(Default)]
pub(super) struct Exchanges {
    counter: Counter,
    asked: Option<Box<Exchange>>,
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        self.asked.as_ref().map_or(0, |x| {
            let names = x.client.as_slice().heap_len() + x.service.as_slice().heap_len() + x.realm.heap_len();
            block_len(size_of::<Exchange>()) + x.mark.heap_len() + list_len(&x.client) + list_len(&x.service) + names
        })
    }
}

fn parts(name: Option<&Name<'_>>) -> Vec<Vec<u8>> {
    name.map(|name| name.parts().take(MAX_PARTS).map(<[u8]>::to_vec).collect()).unwrap_or_default()
}

impl Exchanges {
    /// A message.
    pub(super) fn message(&mut self, dir: Dir, message: &Message<'_>, cx: &mut Cx<'_>) {
        match message {
            Message::Request(m) => {
                self.end(cx);
                let mut x = Box::new(Exchange {
                    mark: self.counter.begin(),
                    kind: if m.tgs { kind::TGS_REQ } else { kind::AS_REQ },
                    client: parts(m.client.as_ref()),
                    service: parts(m.service.as_ref()),
                    realm: m.realm.map(<[u8]>::to_vec),
                    ..Exchange::default()
                });
                let mut mark = std::mem::take(&mut x.mark);
                cx.look(dir, 0, &View(&x), &mut mark);
                x.mark = mark;
                self.asked = Some(x);
            }
            Message::Reply(m) => {
                let mut x = self.asked.take().unwrap_or_else(|| self.blank());
                x.kind = if x.kind == kind::TGS_REQ { kind::TGS_REP } else { kind::AS_REP };
                x.client = parts(Some(&m.client));
                x.service = parts(Some(&m.ticket.service));
                x.realm = Some(m.realm.to_vec());
                (x.cipher, x.ticket_cipher) = (Some(m.part.cipher), Some(m.ticket.part.cipher));
                over(*x, dir, cx);
            }
            Message::Error(m) => {
                let mut x = self.asked.take().unwrap_or_else(|| self.blank());
                x.failed = Some(x.kind).filter(|kind| *kind != 0);
                (x.kind, x.code) = (kind::ERROR, Some(m.code));
                if m.client.is_some() {
                    x.client = parts(m.client.as_ref());
                }
                if m.service.is_some() {
                    x.service = parts(m.service.as_ref());
                }
                over(*x, dir, cx);
            }
            Message::ApRequest(_) | Message::Other => {}
        }
    }

    fn blank(&mut self) -> Box<Exchange> {
        Box::new(Exchange { mark: self.counter.begin(), ..Exchange::default() })
    }

    /// No answer will come.
    pub(super) fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(x) = self.asked.take() {
            over(*x, Dir::Orig, cx);
        }
    }
}

fn over(mut x: Exchange, dir: Dir, cx: &mut Cx<'_>) {
    let mut mark = std::mem::take(&mut x.mark);
    cx.over(dir, &View(&x), &mut mark);
}

struct View<'a>(&'a Exchange);

fn kind_name(kind: u64) -> &'static str {
    match kind {
        kind::AS_REQ => "KRB_AS_REQ",
        kind::AS_REP => "KRB_AS_REP",
        kind::TGS_REQ => "KRB_TGS_REQ",
        kind::TGS_REP => "KRB_TGS_REP",
        kind::ERROR => "KRB_ERROR",
        _ => "UNKNOWN",
    }
}

/// Are keys of this type easily found: DES, triple DES, RC4?
const fn is_weak(cipher: i64) -> bool {
    matches!(cipher, 1..=8 | 16 | 23 | 24)
}

/// Names of the errors that are met (RFC 4120 §7.5.9).
const ERRORS: [(i64, &str); 12] = [
    (6, "KDC_ERR_C_PRINCIPAL_UNKNOWN"),
    (7, "KDC_ERR_S_PRINCIPAL_UNKNOWN"),
    (12, "KDC_ERR_POLICY"),
    (13, "KDC_ERR_BADOPTION"),
    (14, "KDC_ERR_ETYPE_NOSUPP"),
    (18, "KDC_ERR_CLIENT_REVOKED"),
    (23, "KDC_ERR_KEY_EXPIRED"),
    (24, "KDC_ERR_PREAUTH_FAILED"),
    (25, "KDC_ERR_PREAUTH_REQUIRED"),
    (37, "KRB_AP_ERR_SKEW"),
    (52, "KRB_ERR_RESPONSE_TOO_BIG"),
    (68, "KDC_ERR_WRONG_REALM"),
];

fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
    if parts.is_empty() { b"<empty>".to_vec() } else { parts.join(&b'/') }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "krb5"
    }

    fn eve(&self, out: &mut Json<'_>) {
        let x = self.0;
        out.object("krb5", |out| {
            out.text("msg_type", kind_name(x.kind));
            if let Some(code) = x.code {
                if let Some(failed) = x.failed {
                    out.text("failed_request", kind_name(failed));
                }
                match ERRORS.iter().find(|(n, _)| *n == code) {
                    Some((_, name)) => out.text("error_code", name),
                    None => out.display("error_code", code),
                }
            }
            out.bytes("cname", &joined(&x.client));
            out.bytes("realm", x.realm.as_deref().unwrap_or(b"<empty>"));
            out.bytes("sname", &joined(&x.service));
            match x.cipher {
                Some(cipher) => out.text("encryption", &crate::kerberos::cipher_name(cipher)),
                None => out.text("encryption", "<none>"),
            }
            out.flag("weak_encryption", x.cipher.is_some_and(is_weak));
            if let Some(cipher) = x.ticket_cipher {
                out.text("ticket_encryption", &crate::kerberos::cipher_name(cipher));
                out.flag("ticket_weak_encryption", is_weak(cipher));
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let x = self.0;
        match fact {
            Fact::Krb5Cname => x.client.get(nth).map(|part| part.as_slice().into()),
            Fact::Krb5Sname => x.service.get(nth).map(|part| part.as_slice().into()),
            _ if nth > 0 => None,
            Fact::Krb5MsgType => Some(x.kind.into()),
            Fact::Krb5ErrCode => u64::try_from(x.code?).ok().map(Value::from),
            Fact::Krb5TicketEncryption => u64::try_from(x.ticket_cipher?).ok().map(Value::from),
            Fact::Krb5WeakEncryption => Some(u64::from(x.cipher.is_some_and(is_weak)).into()),
            _ => None,
        }
    }
}
