//! BACnet/IP (ASHRAE 135-2020: annex J, clauses 6 and 13 to 21) over UDP.
//!
//! One row per service: a confirmed request with its answer, joined by the invoke id, or an unconfirmed message. A
//! flow between two devices may never end, and the questions are who read, wrote or restarted what. Limits:
//! [`MAX_PENDING`], [`service::MAX_LISTED`], [`service::MAX_VALUE_LEN`]. Known gaps: BACnet/SC (TLS and WebSocket),
//! IPv6 (annex U), values of property lists, segments behind the first.

mod message;
mod names;
mod record;
mod service;
#[cfg(test)]
mod tests;

pub use record::BacnetRecord;

use crate::named::Named;
use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use message::{Content, Message};
use sekisho_record::{EnumName, Text, UnsetIfEmpty};
use sekisho_types::{Dir, Interval, Timestamp, list_len};
use service::Detail;

/// Requests that wait for an answer; the oldest is logged as unanswered when another comes.
pub const MAX_PENDING: usize = 32;
/// Rough heap of a request that waits, for the account.
const REQUEST_LEN: usize = 256;

/// A request that waits for its answer.
struct Request {
    dir: Dir,
    invoke_id: u8,
    ts: Timestamp,
    message: Message,
}

/// State of one flow.
#[derive(Default)]
pub struct Parser {
    pending: Vec<Request>,
    confirmed: bool,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "bacnet", tcp_ports: &[], udp_ports: &[47808], probe };

    fn start(_: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        match message::parse(bytes) {
            Ok(message) => {
                self.confirmed = true;
                cx.recognize("bacnet");
                self.message(dir, message, cx);
            }
            Err(_) if self.confirmed => cx.weird("bacnet_malformed"),
            Err(_) => cx.reject("not BACnet"),
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, cx: &mut Cx<'_>) {
        for request in std::mem::take(&mut self.pending) {
            Row::asked(request).emit(cx);
        }
    }

    fn held_len(&self) -> usize {
        list_len(&self.pending) + self.pending.len() * REQUEST_LEN
    }
}

impl Parser {
    fn message(&mut self, dir: Dir, message: Message, cx: &mut Cx<'_>) {
        match message.content {
            Content::Segment => {}
            Content::Confirmed { invoke_id, .. } => {
                if self.pending.len() >= MAX_PENDING {
                    Row::asked(self.pending.remove(0)).emit(cx);
                }
                self.pending.push(Request { dir, invoke_id, ts: cx.ts, message });
            }
            Content::Answer { invoke_id, .. } => {
                let asked = |r: &Request| r.dir != dir && r.invoke_id == invoke_id;
                let found = self.pending.iter().position(asked).map(|at| self.pending.remove(at));
                Row::answered(found, message, dir.flip(), cx.ts).emit(cx);
            }
            Content::Link | Content::Network(_) | Content::Unconfirmed { .. } => {
                Row::asked(Request { dir, invoke_id: 0, ts: cx.ts, message }).emit(cx);
            }
        }
    }
}

/// What becomes a row.
struct Row {
    ts: Timestamp,
    dir: Dir,
    bvlc: Named,
    kind: &'static str,
    invoke_id: Option<u8>,
    service: Option<Named>,
    ends: [Option<String>; 2],
    detail: Detail,
    result: Option<&'static str>,
    error: Option<String>,
    rtt: Option<Interval>,
}

impl Row {
    /// A message by itself.
    fn asked(request: Request) -> Self {
        let Message { bvlc, source, destination, content } = request.message;
        let row = Self {
            ts: request.ts,
            dir: request.dir,
            bvlc,
            kind: "BVLC",
            invoke_id: None,
            service: None,
            ends: [source, destination],
            detail: Detail::default(),
            result: None,
            error: None,
            rtt: None,
        };
        match content {
            Content::Link | Content::Segment => row,
            Content::Network(name) => Self { kind: "NETWORK", service: Some(name), ..row },
            Content::Unconfirmed { service, detail } => {
                Self { kind: "UNCONFIRMED", service: Some(service), detail, ..row }
            }
            Content::Confirmed { invoke_id, service, detail } => {
                Self { kind: "CONFIRMED", invoke_id: Some(invoke_id), service: Some(service), detail, ..row }
            }
            Content::Answer { invoke_id, service, result, error, detail } => Self {
                kind: "CONFIRMED",
                invoke_id: Some(invoke_id),
                service,
                detail,
                result: Some(result),
                error,
                ..row
            },
        }
    }

    /// An answer with its request, if that was seen.
    fn answered(request: Option<Request>, answer: Message, dir: Dir, ts: Timestamp) -> Self {
        let said = Self::asked(Request { dir, invoke_id: 0, ts, message: answer });
        let Some(request) = request else { return said };
        let rtt = Some(ts - request.ts);
        let mut row = Self::asked(request);
        row.service = row.service.or(said.service);
        row.detail.value = row.detail.value.or(said.detail.value);
        Self { result: said.result, error: said.error, rtt, ..row }
    }

    fn emit(self, cx: &mut Cx<'_>) {
        let [source, destination] = self.ends;
        let d = self.detail;
        cx.emit(BacnetRecord {
            head: cx.head(self.ts),
            is_orig: self.dir.is_orig(),
            bvlc: self.bvlc,
            kind: EnumName(self.kind),
            invoke_id: self.invoke_id,
            service: self.service,
            source,
            destination,
            objects: UnsetIfEmpty(d.objects),
            properties: UnsetIfEmpty(d.properties),
            value: d.value.map(Text),
            priority: d.priority,
            device: d.device,
            vendor_id: d.vendor,
            result: self.result.map(EnumName),
            error: self.error,
            rtt: self.rtt,
            tail: cx.tail(),
        });
    }
}

/// See [`crate::Descriptor::probe`].
fn probe(p: &Probe<'_>) -> Guess {
    let datagram = if p.orig.is_empty() { p.resp } else { p.orig };
    let fits = p.transport == Transport::Udp && message::link_len(datagram) == Some(datagram.len());
    if fits && message::parse(datagram).is_ok_and(|m| p.port_match || m.content != Content::Link) {
        return Guess::Yes;
    }
    Guess::No
}
