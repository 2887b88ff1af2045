//! OPC UA over its own TCP transport (OPC 10000-6 §7.1) in the binary encoding.
//!
//! One row per service, request and response joined by their number, and per step of opening the connection: sessions
//! last long, and the questions are who came with which security, and read, wrote or called what. Publishing, which
//! goes on all the time, has a row once. Messages that are encrypted have one row together, and the flow is opaque
//! from there on. Limits: [`MAX_CHUNK_KEPT_LEN`], [`MAX_PENDING`], [`message::MAX_NODES`], [`message::MAX_TEXT_LEN`].
//! Known gaps: HTTPS and WebSocket transports, JSON and XML encodings, values, chunks behind a message's first.

mod message;
mod names;
mod record;
#[cfg(test)]
mod tests;

pub use record::OpcuaRecord;

use crate::frames::{self, Frame, Framed, Frames, Head};
use crate::named::Named;
use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use message::{Chunk, Detail, HEADER_LEN, Security, extent};
use names::Kind;
use sekisho_record::{EnumName, Text, UnsetIfEmpty};
use sekisho_types::{Dir, Heap, Interval, Timestamp, list_len};
use sekisho_wire::Reader;

/// Bytes looked at of one chunk; what is behind these is data. Enough for certificates of both ends.
pub const MAX_CHUNK_KEPT_LEN: usize = 8192;
/// Requests that wait for a response; the oldest is logged as unanswered when another comes.
pub const MAX_PENDING: usize = 32;
/// Rough heap of a request that waits, for the account.
const REQUEST_LEN: usize = 256;

/// A request that waits for its response.
struct Request {
    ts: Timestamp,
    request_id: u32,
    service: Named,
    detail: Detail,
}

/// One direction.
#[derive(Default)]
struct Side {
    frames: Frames,
    /// Behind the first chunk of a message in several.
    in_message: bool,
}

impl Heap for Side {
    fn heap_len(&self) -> usize {
        self.frames.heap_len()
    }
}

/// State of one connection.
#[derive(Default)]
pub struct Parser {
    sides: [Side; 2],
    pending: Vec<Request>,
    channel: Option<u32>,
    security: Option<Security>,
    mode: Option<&'static str>,
    session: Option<Vec<u8>>,
    /// The greeting's time and URL until it is answered.
    greeting: Option<(Timestamp, Option<Vec<u8>>)>,
    /// When a secured channel was asked for, until that is answered.
    opening: Option<Timestamp>,
    published: bool,
    confirmed: bool,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "opcua", tcp_ports: &[4840], udp_ports: &[], probe };

    fn start(_: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        frames::feed(self, dir, bytes, cx);
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        frames::gap(self, dir, len);
        dir.of_mut(&mut self.sides).in_message = false;
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.greeted(None, cx);
        self.opened(None, cx);
        for request in std::mem::take(&mut self.pending) {
            self.emit(Row::asked(request), cx);
        }
    }

    fn held_len(&self) -> usize {
        let texts = self.session.heap_len() + self.security.as_ref().map_or(0, |s| s.policy.heap_len());
        let greeting = self.greeting.as_ref().map_or(0, |g| g.1.heap_len());
        let pending = list_len(&self.pending) + self.pending.len() * REQUEST_LEN;
        self.sides.as_slice().heap_len() + texts + greeting + pending
    }
}

impl Framed for Parser {
    fn frames(&mut self, dir: Dir) -> &mut Frames {
        &mut dir.of_mut(&mut self.sides).frames
    }

    fn head(&self, _dir: Dir, bytes: &[u8]) -> Head {
        extent(bytes).at_most(MAX_CHUNK_KEPT_LEN)
    }

    /// One chunk, perhaps without its end.
    fn message(&mut self, dir: Dir, frame: Frame<'_>, _left: usize, cx: &mut Cx<'_>) -> bool {
        let bytes = frame.bytes;
        let Some(chunk) = Chunk::of(bytes) else { return true };
        self.confirmed = true;
        cx.recognize("opcua");
        let goes_on = bytes.get(3) == Some(&b'C');
        let mut r = Reader::new(bytes.get(HEADER_LEN..).unwrap_or(&[]));
        let later = chunk == Chunk::Message && std::mem::replace(&mut dir.of_mut(&mut self.sides).in_message, goes_on);
        if later {
            return true;
        }
        let read = match chunk {
            Chunk::Hello => message::hello(chunk, &mut r).map(|url| self.greeting = Some((cx.ts, url))),
            Chunk::ReverseHello => message::hello(chunk, &mut r).map(|endpoint| {
                let detail = Detail { endpoint, ..Detail::default() };
                self.emit(Row { detail, ..Row::new(cx.ts, "ReverseHello".into()) }, cx);
            }),
            Chunk::Acknowledge => {
                self.greeted(Some(cx.ts), cx);
                Ok(())
            }
            Chunk::Error => message::error(&mut r).map(|(code, reason)| {
                self.greeted(None, cx);
                let row = Row::new(cx.ts, "Error".into());
                self.emit(Row { status: Some(code), reason, ..row }, cx);
            }),
            Chunk::Open => message::open(&mut r).map(|(channel, security)| {
                if channel != 0 {
                    self.channel = Some(channel);
                }
                // The server's answer has its own certificate, not the client's.
                if self.security.as_ref().is_none_or(|s| s.policy != security.policy) {
                    self.mode = None;
                    self.security = Some(security);
                }
            }),
            Chunk::Message | Chunk::Close => message::symmetric(&mut r).map(|channel| {
                self.channel = Some(channel);
            }),
        };
        if read.is_err() {
            cx.weird("opcua_malformed");
            return true;
        }
        match chunk {
            Chunk::Open | Chunk::Message | Chunk::Close => self.secured(dir, chunk, &mut r, cx),
            _ => true,
        }
    }

    fn lost(&mut self, _dir: Dir, cx: &mut Cx<'_>) -> bool {
        if self.confirmed {
            cx.weird("opcua_lost_track");
        } else {
            cx.reject("no OPC UA header");
        }
        false
    }
}

impl Parser {
    /// A greeting was acknowledged at `answered`, or never.
    fn greeted(&mut self, answered: Option<Timestamp>, cx: &mut Cx<'_>) {
        let Some((ts, endpoint)) = self.greeting.take() else { return };
        let row = Row::new(ts, "Hello".into());
        let detail = Detail { endpoint, ..Detail::default() };
        self.emit(Row { detail, rtt: answered.map(|at| at - ts), ..row }, cx);
    }

    /// A secured channel was opened by an answer at `answered`, or its answer was not seen.
    fn opened(&mut self, answered: Option<Timestamp>, cx: &mut Cx<'_>) {
        let Some(asked) = self.opening.take().or(answered) else { return };
        let row = Row::new(asked, names::service(names::OPEN_CHANNEL));
        self.emit(Row { rtt: answered.filter(|at| *at != asked).map(|at| at - asked), ..row }, cx);
    }

    /// What stands behind the security header. Shall more be looked at?
    fn secured(&mut self, dir: Dir, chunk: Chunk, r: &mut Reader<'_>, cx: &mut Cx<'_>) -> bool {
        if chunk != Chunk::Open {
            self.opened(None, cx);
        }
        let is_none = self.security.as_ref().is_some_and(Security::is_none);
        let clear = message::request_id(r).ok().zip(message::kind(r));
        let Some((request_id, kind)) = clear else {
            return self.unreadable(dir, chunk, is_none, cx);
        };
        if chunk == Chunk::Message && !is_none && self.security.is_some() {
            self.mode = Some("Sign");
        }
        match kind {
            Kind::Request(id) => self.request(id, request_id, r, cx),
            Kind::Response(id) => {
                let status = message::response(r).ok();
                self.response(id, request_id, status, cx);
            }
        }
        true
    }

    /// A message whose type cannot be read: encrypted, if the policy allows for that.
    fn unreadable(&mut self, dir: Dir, chunk: Chunk, is_none: bool, cx: &mut Cx<'_>) -> bool {
        if is_none {
            cx.weird("opcua_unknown_message");
            return true;
        }
        if chunk == Chunk::Open {
            // The messages that open a secured channel are always encrypted; what follows them need not be.
            self.opened(Some(cx.ts).filter(|_| !dir.is_orig()), cx);
            self.opening = Some(cx.ts).filter(|_| dir.is_orig());
            return true;
        }
        self.mode = self.security.as_ref().map(|_| "SignAndEncrypt");
        self.emit(Row::new(cx.ts, "encrypted".into()), cx);
        cx.opaque();
        false
    }

    fn request(&mut self, id: u16, request_id: u32, r: &mut Reader<'_>, cx: &mut Cx<'_>) {
        if id == names::PUBLISH && std::mem::replace(&mut self.published, true) {
            return;
        }
        let detail = message::request(id, r);
        self.mode = detail.mode.or(self.mode);
        if detail.session.is_some() {
            self.session.clone_from(&detail.session);
        }
        if self.pending.len() >= MAX_PENDING {
            let oldest = self.pending.remove(0);
            self.emit(Row::asked(oldest), cx);
        }
        self.pending.push(Request { ts: cx.ts, request_id, service: names::service(id), detail });
    }

    fn response(&mut self, id: Option<u16>, request_id: u32, status: Option<u32>, cx: &mut Cx<'_>) {
        let at = self.pending.iter().position(|p| p.request_id == request_id);
        let row = match at.map(|at| self.pending.remove(at)) {
            Some(request) => {
                let rtt = Some(cx.ts - request.ts);
                Row { rtt, ..Row::asked(request) }
            }
            // Responses to publishing that has its row.
            None if id == Some(names::PUBLISH) && std::mem::replace(&mut self.published, true) => return,
            None => {
                let service = id.map_or_else(|| Named::from("ServiceFault"), names::service);
                Row { request_id: Some(request_id), ..Row::new(cx.ts, service) }
            }
        };
        self.emit(Row { status, ..row }, cx);
    }

    fn emit(&self, row: Row, cx: &mut Cx<'_>) {
        let d = row.detail;
        let security = self.security.as_ref();
        cx.emit(OpcuaRecord {
            head: cx.head(row.ts),
            service: row.service,
            request_id: row.request_id,
            channel_id: self.channel,
            security_policy: security.map(|s| Text(s.policy.clone())),
            security_mode: self.mode.map(EnumName),
            client_certificate: security.map(|s| s.certificate),
            endpoint_url: d.endpoint.map(Text),
            application_uri: d.application.map(Text),
            session_name: self.session.clone().map(Text),
            identity: d.identity.map(EnumName),
            user: d.user.map(Text),
            item_count: d.count,
            nodes: UnsetIfEmpty(d.nodes),
            status: row.status.map(names::status),
            reason: row.reason.map(Text),
            rtt: row.rtt,
            tail: cx.tail(),
        });
    }
}

/// What becomes a row.
struct Row {
    ts: Timestamp,
    service: Named,
    request_id: Option<u32>,
    detail: Detail,
    status: Option<u32>,
    reason: Option<Vec<u8>>,
    rtt: Option<Interval>,
}

impl Row {
    fn new(ts: Timestamp, service: Named) -> Self {
        Self { ts, service, request_id: None, detail: Detail::default(), status: None, reason: None, rtt: None }
    }

    fn asked(request: Request) -> Self {
        let Request { ts, request_id, service, detail } = request;
        Self { request_id: Some(request_id), detail, ..Self::new(ts, service) }
    }
}

/// See [`crate::Descriptor::probe`].
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    match (extent(p.orig), extent(p.resp)) {
        (Head::Message { .. }, _) | (_, Head::Message { .. }) => Guess::Yes,
        (Head::Bad, _) | (_, Head::Bad) => Guess::No,
        _ => Guess::More,
    }
}
