//! Modbus over TCP (Modbus Messaging on TCP/IP V1.0b, Modbus Application Protocol V1.1b3).
//!
//! One row per message, as in Zeek; responses borrow address and quantity from their request. A message of which only
//! the header was captured has a row without values; after bytes that are none the next one is searched for. Off port 502 it is recognised by a request and its response that
//! fit each other. Limits: [`message::MAX_FRAME_LEN`], [`message::MAX_VALUES`], [`MAX_PENDING`]. Known gaps: Modbus
//! over UDP, RTU framing in TCP, Modbus/TCP Security (that is TLS).

mod message;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use record::ModbusRecord;

use crate::frames::{self, Frame, Framed, Frames, Head};
use crate::named::Named;
use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use message::{Detail, HEADER_LEN, Header, MAX_FRAME_LEN, extent, func};
use sekisho_record::{EnumName, Text, UnsetIfEmpty};
use sekisho_transaction::Counter;
use sekisho_types::{Dir, Heap, Timestamp, list_len};
use sekisho_wire::Reader;
use tx::{Said, Shown};

/// Requests remembered until they are answered; the oldest goes first. Clients have 1 to 16 outstanding
/// (Messaging on TCP/IP §4.2.1).
pub const MAX_PENDING: usize = 32;

/// One direction.
#[derive(Default)]
struct Side {
    frames: Frames,
    /// When the header of the incomplete message was there.
    header_ts: Option<Timestamp>,
}

impl Heap for Side {
    fn heap_len(&self) -> usize {
        self.frames.heap_len()
    }
}

/// What is remembered of a request.
struct Request {
    header: Header,
    address: Option<u16>,
    quantity: Option<u16>,
    ts: Timestamp,
    /// The exchange, if somebody watches.
    shown: Option<Box<Shown>>,
}

/// State of one connection.
pub struct Parser {
    sides: [Side; 2],
    pending: Vec<Request>,
    confirmed: bool,
    exchanges: Counter,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "modbus", tcp_ports: &[502], udp_ports: &[], probe };

    fn start(_: &Start<'_>) -> Self {
        Self { sides: Default::default(), pending: Vec::new(), confirmed: false, exchanges: Counter::default() }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        frames::feed(self, dir, bytes, cx);
        let side = dir.of_mut(&mut self.sides);
        side.header_ts = (side.frames.partial().len() >= HEADER_LEN).then(|| side.header_ts.unwrap_or(cx.ts));
        if self.confirmed && self.sides.iter().all(|s| s.frames.is_given_up()) {
            cx.opaque();
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        self.partial(dir, cx);
        frames::gap(self, dir, len);
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        for dir in [Dir::Orig, Dir::Resp] {
            self.partial(dir, cx);
        }
        for mut shown in self.pending.iter_mut().filter_map(|p| p.shown.take()) {
            tx::unanswered(&mut shown, cx);
        }
    }

    fn held_len(&self) -> usize {
        let shown: usize = self.pending.iter().filter_map(|p| p.shown.as_ref()).map(|s| s.heap_len()).sum();
        self.sides.as_slice().heap_len() + list_len(&self.pending) + shown
    }
}

impl Framed for Parser {
    fn frames(&mut self, dir: Dir) -> &mut Frames {
        &mut dir.of_mut(&mut self.sides).frames
    }

    fn head(&self, _dir: Dir, bytes: &[u8]) -> Head {
        extent(bytes).at_most(MAX_FRAME_LEN)
    }

    fn surely(&self, _dir: Dir, bytes: &[u8]) -> Head {
        message::surely(bytes)
    }

    fn message(&mut self, dir: Dir, frame: Frame<'_>, _left: usize, cx: &mut Cx<'_>) -> bool {
        let ts = dir.of_mut(&mut self.sides).header_ts.take().unwrap_or(cx.ts);
        self.unit(dir, frame.bytes, ts, cx);
        self.confirmed = true;
        cx.confirm_midstream("modbus");
        true
    }

    fn lost(&mut self, _dir: Dir, cx: &mut Cx<'_>) -> bool {
        if self.confirmed {
            cx.weird("modbus_lost_track");
        } else {
            cx.reject("not a Modbus header");
        }
        self.confirmed
    }
}

impl Parser {
    /// What is held is a message of which the end is missing.
    fn partial(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        let side = dir.of_mut(&mut self.sides);
        let Some(ts) = side.header_ts.take().filter(|_| self.confirmed) else { return };
        let bytes = side.frames.partial().to_vec();
        if matches!(extent(&bytes), Head::Message { .. }) {
            self.unit(dir, &bytes, ts, cx);
        }
    }

    /// One message, whose header is whole; `ts` is the header's time.
    fn unit(&mut self, dir: Dir, bytes: &[u8], ts: Timestamp, cx: &mut Cx<'_>) {
        let mut r = Reader::new(bytes);
        let Ok(header) = Header::parse(&mut r) else { return };
        let (detail, exception, rtt) = if dir.is_orig() {
            let detail = message::request(header.func, &mut r).unwrap_or_default();
            self.remember(header, &detail, ts, cx);
            (detail, None, None)
        } else {
            let asked = self.answered(header);
            let quantity = asked.as_ref().and_then(|a| a.quantity);
            let refused = header.func & func::EXCEPTION != 0;
            let mut detail = message::response(header.func, quantity, &mut r).unwrap_or_default();
            detail.address = detail.address.or(asked.as_ref().and_then(|a| a.address));
            detail.quantity = detail.quantity.or(quantity);
            let code = if refused { r.u8(&"exception code").ok() } else { None };
            let mut asked = asked;
            if cx.is_watched() {
                let shown = asked.as_mut().and_then(|a| a.shown.take());
                tx::answered(shown, &Said::new(header, &detail, code), &mut self.exchanges, cx);
            }
            (detail, code, asked.map(|a| ts - a.ts))
        };
        let [vendor, product, revision] = detail.device.map(|d| d.map(Text));
        cx.emit(ModbusRecord {
            head: cx.head(ts),
            tid: header.tid,
            unit: header.unit,
            func: func_name(header.func),
            pdu_type: EnumName(if dir.is_orig() { "REQ" } else { "RESP" }),
            exception: exception.map(|code| Named::or_number(message::exception(code), "unknown-", code)),
            rtt,
            sub_func: detail.sub_func,
            address: detail.address,
            quantity: detail.quantity,
            values: UnsetIfEmpty(detail.values),
            device_vendor: vendor,
            device_product: product,
            device_revision: revision,
            tail: cx.tail(),
        });
    }

    fn remember(&mut self, header: Header, detail: &Detail, ts: Timestamp, cx: &mut Cx<'_>) {
        if self.pending.len() >= MAX_PENDING
            && let Some(mut shown) = self.pending.remove(0).shown
        {
            tx::unanswered(&mut shown, cx);
        }
        let shown = cx.is_watched().then(|| tx::asked(Said::new(header, detail, None), &mut self.exchanges, cx));
        self.pending.push(Request { header, address: detail.address, quantity: detail.quantity, ts, shown });
    }

    /// The request that a response with this header answers.
    fn answered(&mut self, header: Header) -> Option<Request> {
        let asked = Header { func: header.func & !func::EXCEPTION, ..header };
        let at = self.pending.iter().position(|p| p.header == asked)?;
        let found = self.pending.remove(at);
        if self.pending.is_empty() {
            self.pending = Vec::new();
        }
        Some(found)
    }
}

/// Zeek's name of a function code: exceptions are named after what was refused.
fn func_name(code: u8) -> Named {
    let name = message::name(code & !func::EXCEPTION);
    let [plain, refused] = name.map_or([None, None], |n| n.map(Some));
    Named::or_number(if code & func::EXCEPTION == 0 { plain } else { refused }, "unknown-", code)
}

/// See [`crate::Descriptor::probe`].
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    let (orig, resp) = (extent(p.orig), extent(p.resp));
    if p.port_match {
        return match (orig, resp) {
            (Head::Message { .. }, _) | (_, Head::Message { .. }) => Guess::Yes,
            (Head::Bad, Head::Bad) => Guess::No,
            _ => Guess::More,
        };
    }
    match (orig, resp) {
        (Head::Bad, _) | (_, Head::Bad) => Guess::No,
        (Head::Message { keep: a, .. }, Head::Message { keep: b, .. }) => exchange(p.orig, a, p.resp, b),
        (Head::Message { keep, .. }, _) => request_begins(p.orig, keep),
        _ if p.orig.is_empty() => Guess::No,
        _ => Guess::More,
    }
}

/// Header and data of the first message, if it is whole.
fn first(bytes: &[u8], len: usize) -> Option<(Header, &[u8])> {
    let mut r = Reader::new(bytes.get(..len)?);
    Some((Header::parse(&mut r).ok()?, r.rest()))
}

/// Without its response a request is no proof.
fn request_begins(bytes: &[u8], len: usize) -> Guess {
    match first(bytes, len) {
        Some((header, data)) if !message::fits(header.func, true, data) => Guess::No,
        _ => Guess::More,
    }
}

/// Do the first request and the first response belong together?
fn exchange(orig: &[u8], a: usize, resp: &[u8], b: usize) -> Guess {
    let (Some((asked, request)), Some((said, response))) = (first(orig, a), first(resp, b)) else {
        return Guess::More;
    };
    let same = (asked.tid, asked.unit, asked.func) == (said.tid, said.unit, said.func & !func::EXCEPTION);
    let fits = message::fits(asked.func, true, request) && message::fits(said.func, false, response);
    if same && fits { Guess::Yes } else { Guess::No }
}
