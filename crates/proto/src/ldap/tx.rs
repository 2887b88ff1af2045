//! The exchanges of a connection, as rules and EVE see them: a request with its responses.

use super::message::{Head, op};
use super::show;
use crate::Cx;
use crate::ber::{Ber, tag};
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len, list_len};

/// Exchanges that may be open at once; of more the oldest is over. Suricata's `max-tx` is 1024.
const MAX_OPEN: usize = 256;
/// Bytes of messages that the exchanges of a flow may hold; what comes then is counted only.
const MAX_OPEN_LEN: usize = 1 << 20;
/// Responses of an exchange that are kept.
const MAX_RESPONSES: usize = 1024;

/// Responses of an exchange that rules look at one by one.
const MAX_LOOKS: usize = 32;

/// A request with its responses: whole messages.
struct Exchange {
    mark: Mark,
    id: i64,
    request: Option<Box<[u8]>>,
    responses: Vec<Box<[u8]>>,
}

impl Exchange {
    fn len(&self) -> usize {
        let messages = self.request.iter().chain(&self.responses);
        messages.map(|m| block_len(m.len())).sum::<usize>() + list_len(&self.responses)
    }
}

/// The exchanges of a connection; none unless somebody watches.
#[derive(Default)]
pub(super) struct Exchanges {
    counter: Counter,
    open: Vec<Exchange>,
    open_len: usize,
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        list_len(&self.open) + self.open_len + self.open.iter().map(|e| e.mark.heap_len()).sum::<usize>()
    }
}

/// What is shown of an exchange.
pub(super) struct View<'a> {
    pub request: Option<&'a [u8]>,
    pub responses: &'a [Box<[u8]>],
}

/// Is it a message of the client?
pub(super) const fn is_request(operation: u8) -> bool {
    matches!(
        operation,
        op::BIND
            | op::UNBIND
            | op::SEARCH
            | op::MODIFY
            | op::ADD
            | op::DELETE
            | op::RENAME
            | op::COMPARE
            | op::ABANDON
            | op::EXTENDED
    )
}

/// Do further responses follow this one?
const fn goes_on(operation: u8) -> bool {
    matches!(operation, op::SEARCH_ENTRY | op::SEARCH_REFERENCE | op::INTERMEDIATE)
}

impl Exchanges {
    /// A whole message.
    pub fn message(&mut self, head: &Head, bytes: &[u8], cx: &mut Cx<'_>) {
        if is_request(head.op) {
            self.request(head, bytes, cx);
        } else {
            self.response(head, bytes, cx);
        }
    }

    fn request(&mut self, head: &Head, bytes: &[u8], cx: &mut Cx<'_>) {
        let mut mark = self.counter.begin();
        let view = View { request: Some(bytes), responses: &[] };
        if matches!(head.op, op::UNBIND | op::ABANDON) {
            return cx.over(Dir::Orig, &view, &mut mark);
        }
        cx.look(Dir::Orig, 0, &view, &mut mark);
        let max = MAX_OPEN.min(cx.limits().ldap_exchanges.max(1));
        while self.open.len() >= max || self.open_len > MAX_OPEN_LEN && !self.open.is_empty() {
            let mut oldest = self.take(0);
            oldest.mark.event(Dir::Orig, "too_many_transactions");
            oldest.over(cx);
        }
        let exchange = Exchange { mark, id: head.id, request: Some(bytes.into()), responses: Vec::new() };
        self.open_len += exchange.len();
        self.open.push(exchange);
    }

    fn response(&mut self, head: &Head, bytes: &[u8], cx: &mut Cx<'_>) {
        let Some(at) = self.open.iter().position(|e| e.id == head.id) else {
            let odd: &[&'static str] = if head.id == 0 { &[] } else { &["request_not_found"] };
            return cx.message(Dir::Resp, &mut self.counter, &View { request: None, responses: &[bytes.into()] }, odd);
        };
        let has_room = self.open_len < MAX_OPEN_LEN;
        let Some(exchange) = self.open.get_mut(at) else { return };
        self.open_len -= exchange.len();
        if has_room && exchange.responses.len() < MAX_RESPONSES {
            exchange.responses.push(bytes.into());
        }
        self.open_len += exchange.len();
        if goes_on(head.op) {
            // Rules look at each of the first responses, then once more at the end.
            if exchange.responses.len() <= MAX_LOOKS {
                let view = View { request: exchange.request.as_deref(), responses: &exchange.responses };
                exchange.mark.refresh();
                cx.look(Dir::Resp, 0, &view, &mut exchange.mark);
            }
        } else {
            self.take(at).over(cx);
        }
    }

    /// The stream cannot be read any more.
    pub fn lost(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        cx.message(dir, &mut self.counter, &View { request: None, responses: &[] }, &["invalid_data"]);
    }

    fn take(&mut self, at: usize) -> Exchange {
        let exchange = self.open.remove(at);
        self.open_len -= exchange.len();
        exchange
    }

    /// The end: what waits is over.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        self.open_len = 0;
        for mut exchange in std::mem::take(&mut self.open) {
            exchange.over(cx);
        }
    }
}

impl Exchange {
    fn over(&mut self, cx: &mut Cx<'_>) {
        let dir = if self.responses.is_empty() { Dir::Orig } else { Dir::Resp };
        let view = View { request: self.request.as_deref(), responses: &self.responses };
        if dir == Dir::Resp {
            self.mark.refresh();
        }
        cx.over(dir, &view, &mut self.mark);
    }
}

/// A message's number, operation and the operation's content.
pub(super) fn parts(message: &[u8]) -> Option<(Head, &[u8])> {
    let head = Head::parse(message).ok()??;
    Some((head, head.body(message)))
}

/// The name of the entry that a message is about (what `ldap.request.dn` and `ldap.responses.dn` match).
fn dn(message: &[u8]) -> Option<&[u8]> {
    let (head, body) = parts(message)?;
    let mut r = Ber::new(body);
    match head.op {
        op::DELETE => return Some(body),
        op::BIND => drop(r.integer(&"version").ok()?),
        op::SEARCH | op::SEARCH_ENTRY | op::MODIFY | op::ADD | op::RENAME | op::COMPARE => {}
        _ if is_request(head.op) || goes_on(head.op) => return None,
        _ => drop(r.number(&"result", tag::ENUMERATED).ok()?),
    }
    r.expect(&"name", tag::OCTET_STRING).ok()
}

/// Result and what is said of it, of a response that has one.
fn result(message: &[u8]) -> Option<(i64, &[u8])> {
    let (head, body) = parts(message)?;
    if is_request(head.op) || goes_on(head.op) {
        return None;
    }
    let outcome = super::message::outcome(body).ok()?;
    Some((outcome.code, outcome.diagnostic))
}

/// The `nth` attribute that a message names.
fn attribute(message: &[u8], nth: &mut usize) -> Option<Vec<u8>> {
    let mut found = None;
    show::attributes(message, |name| {
        if *nth == 0 && found.is_none() {
            found = Some(name.to_vec());
        } else {
            *nth = nth.saturating_sub(1);
        }
    });
    found
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "ldap"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("ldap", |out| {
            if let Some(request) = self.request {
                out.object("request", |out| show::message(request, true, out));
            }
            if !self.responses.is_empty() {
                out.list("responses", |out| {
                    for response in self.responses {
                        out.item(|out| show::message(response, self.request.is_none(), out));
                    }
                });
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let number = |n: i64| u64::try_from(n).ok().map(Value::Number);
        let responses = || self.responses.iter().map(|m| &**m);
        match fact {
            Fact::LdapRequestAttributeType => {
                let mut left = nth;
                attribute(self.request?, &mut left).map(Value::owned)
            }
            Fact::LdapResponsesAttributeType => {
                let mut left = nth;
                responses().find_map(|m| attribute(m, &mut left)).map(Value::owned)
            }
            Fact::LdapResponsesDn => responses().filter_map(dn).nth(nth).map(Value::from),
            Fact::LdapResponsesMessage => responses().filter_map(result).nth(nth).map(|r| Value::from(r.1)),
            Fact::LdapResponsesOperation => number(parts(self.responses.get(nth)?)?.0.op.into()),
            Fact::LdapResponsesResultCode => number(responses().filter_map(result).nth(nth)?.0),
            _ if nth > 0 => None,
            Fact::LdapRequestDn => dn(self.request?).map(Value::from),
            Fact::LdapRequestOperation => number(parts(self.request?)?.0.op.into()),
            Fact::LdapResponsesCount => Some(Value::Number(self.responses.len() as u64)),
            _ => None,
        }
    }
}
