//! EtherNet/IP and CIP (ODVA's CIP volumes 1 and 2), over TCP and UDP.
//!
//! One row per command or CIP service, request and answer joined by session, sender context and sequence count:
//! sessions last for months, and the questions are who asked, set, reset or stopped what, and with what outcome.
//! Cyclic data have one row per connection and direction at the flow's end. Limits: [`MAX_MESSAGE_LEN`],
//! [`MAX_PENDING`], [`MAX_CYCLIC`], [`cip::MAX_EMBEDDED`]. Known gaps: attribute and tag values; PCCC inside CIP; the
//! connections that a Forward Open makes are not joined to their cyclic data.

mod cip;
mod frame;
mod message;
mod names;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use record::EnipRecord;

use crate::frames::{self, Frame, Framed, Frames, Head};
use crate::named::Named;
use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use cip::{Answer, Identity, Message, Request};
use message::{Body, Header, command, extent};
use sekisho_record::{EnumName, Text, UnsetIfEmpty};
use sekisho_transaction::Counter;
use sekisho_types::{Addr, Dir, Heap, Interval, Timestamp, list_len};
use sekisho_wire::Reader;

/// Bytes looked at of one message; what is behind these is data.
pub const MAX_MESSAGE_LEN: usize = 2048;
/// Requests that wait for an answer; the oldest is logged as unanswered when another comes.
pub const MAX_PENDING: usize = 32;
/// Connections with cyclic data counted in one flow.
pub const MAX_CYCLIC: usize = 128;
/// Rough heap of a request that waits, for the account.
const REQUEST_LEN: usize = 128;
/// Name of cyclic data in `command`.
const IO_DATA: &str = "IO_DATA";

/// A request that waits for its answer.
struct Waiting {
    dir: Dir,
    ts: Timestamp,
    header: Header,
    connection: Option<u32>,
    sequence: Option<u16>,
    cip: Option<Request>,
}

/// Cyclic data of one connection in one direction.
struct Cyclic {
    ts: Timestamp,
    connection: u32,
    dir: Dir,
    count: u64,
    bytes: u64,
}

/// State of one connection.
#[derive(Default)]
pub struct Parser {
    sides: [Frames; 2],
    pending: Vec<Waiting>,
    cyclic: Vec<Cyclic>,
    confirmed: bool,
    exchanges: Counter,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "enip", tcp_ports: &[44818], udp_ports: &[2222, 44818], probe };

    fn start(_: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if cx.transport == Transport::Udp {
            return self.datagram(dir, bytes, cx);
        }
        frames::feed(self, dir, bytes, cx);
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        frames::gap(self, dir, len);
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        for waiting in std::mem::take(&mut self.pending) {
            Row::asked(waiting).emit(cx);
        }
        for c in std::mem::take(&mut self.cyclic) {
            let mut row = Row::new(c.ts, c.dir, IO_DATA.into());
            row.connection = Some(c.connection);
            row.cyclic = Some((c.count, c.bytes));
            row.emit(cx);
        }
    }

    fn held_len(&self) -> usize {
        let lists = list_len(&self.pending) + list_len(&self.cyclic);
        self.sides.as_slice().heap_len() + lists + self.pending.len() * REQUEST_LEN
    }
}

impl Framed for Parser {
    fn frames(&mut self, dir: Dir) -> &mut Frames {
        dir.of_mut(&mut self.sides)
    }

    fn head(&self, _dir: Dir, bytes: &[u8]) -> Head {
        extent(bytes).at_most(MAX_MESSAGE_LEN)
    }

    fn message(&mut self, dir: Dir, frame: Frame<'_>, left: usize, cx: &mut Cx<'_>) -> bool {
        self.command(dir, frame.bytes, left, cx);
        true
    }

    fn lost(&mut self, _dir: Dir, cx: &mut Cx<'_>) -> bool {
        if self.confirmed {
            cx.weird("enip_lost_track");
        } else {
            cx.reject("no EtherNet/IP header");
        }
        false
    }
}

impl Parser {
    fn datagram(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if message::is_cyclic(bytes) {
            let Ok(Body { connection: Some(connection), data_len, .. }) = message::items(&mut Reader::new(bytes))
            else {
                cx.weird("enip_malformed");
                return;
            };
            self.cyclic(dir, connection, data_len, cx);
        } else if extent(bytes).is_of(bytes.len()) {
            self.command(dir, bytes, 0, cx);
        } else {
            self.lost(dir, cx);
        }
    }

    fn cyclic(&mut self, dir: Dir, connection: u32, len: usize, cx: &mut Cx<'_>) {
        if !std::mem::replace(&mut self.confirmed, true) {
            cx.recognize("enip");
        }
        let known = self.cyclic.iter().position(|c| (c.connection, c.dir) == (connection, dir));
        if known.is_none() {
            if self.cyclic.len() >= MAX_CYCLIC {
                cx.weird("enip_too_many_connections");
                return;
            }
            self.cyclic.push(Cyclic { ts: cx.ts, connection, dir, count: 0, bytes: 0 });
        }
        let at = known.unwrap_or(self.cyclic.len().saturating_sub(1));
        if let Some(c) = self.cyclic.get_mut(at) {
            c.count += 1;
            c.bytes = c.bytes.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        }
    }

    /// One encapsulated message, perhaps without the end of its data, behind which `left` bytes follow.
    fn command(&mut self, dir: Dir, bytes: &[u8], left: usize, cx: &mut Cx<'_>) {
        let mut r = Reader::new(bytes);
        let Ok(header) = Header::parse(&mut r) else { return };
        self.confirmed = true;
        cx.recognize("enip");
        if cx.is_watched()
            && let Some(view) = tx::View::new(dir, bytes)
        {
            view.tell_frames(bytes, left, self.exchanges.count(), cx);
            cx.message(dir, &mut self.exchanges, &view, &[]);
        }
        let body = message::body(header.command, &mut r).unwrap_or_else(|_| {
            // Data that a limit cut off are no anomaly.
            if usize::from(header.len) + message::HEADER_LEN == bytes.len() && header.len > 0 {
                cx.weird("enip_malformed");
            }
            Body::default()
        });
        let (request, answer) = match body.cip {
            Some(Message::Request(request)) => (Some(request), None),
            Some(Message::Answer(answer)) => (None, Some(answer)),
            None => (None, None),
        };
        let is_answer = answer.is_some() || (request.is_none() && answers(dir, header, cx.transport));
        let waiting =
            Waiting { dir, ts: cx.ts, header, connection: body.connection, sequence: body.sequence, cip: request };
        if !is_answer {
            if wants_answer(header.command) {
                self.wait(waiting, cx);
            } else {
                Row::asked(waiting).emit(cx);
            }
            return;
        }
        let joined = |w: &Waiting| {
            let sides = w.dir != dir && w.header.command == header.command && w.sequence == body.sequence;
            let contexts = header.command == command::SEND_UNIT_DATA || w.header.context == header.context;
            sides && contexts && (w.header.session == header.session || w.header.session == 0)
        };
        let found = self.pending.iter().position(joined).map(|at| self.pending.remove(at));
        let rtt = found.as_ref().map(|w| cx.ts - w.ts);
        let asked_identity = found.as_ref().and_then(|w| w.cip.as_ref()).is_some_and(|r| {
            r.path.class == Some(names::class::IDENTITY) && r.service == names::service::GET_ATTRIBUTES_ALL
        });
        let unasked = found.is_none();
        let mut row = Row::asked(found.unwrap_or(waiting));
        if unasked {
            row.dir = dir.flip();
        }
        row.rtt = rtt;
        row.session = header.session;
        row.status = header.status;
        row.identity = body.identity;
        if let Some(data) = answer.as_ref().map(|a| &a.data).filter(|_| asked_identity) {
            row.identity = cip::identity(&mut Reader::new(data)).ok().map(|id| (id, None));
        }
        row.answer = answer;
        row.emit(cx);
    }

    fn wait(&mut self, waiting: Waiting, cx: &mut Cx<'_>) {
        if self.pending.len() >= MAX_PENDING {
            Row::asked(self.pending.remove(0)).emit(cx);
        }
        self.pending.push(waiting);
    }
}

/// Is a message without CIP an answer? Over UDP, where devices answer a broadcast from other addresses, lists with
/// entries are; else what comes from the responder.
fn answers(dir: Dir, header: Header, transport: Transport) -> bool {
    let lists = matches!(header.command, command::LIST_SERVICES | command::LIST_IDENTITY | command::LIST_INTERFACES);
    if transport == Transport::Udp && lists { header.len > 0 } else { !dir.is_orig() }
}

/// Commands that are answered (2-4).
const fn wants_answer(code: u16) -> bool {
    matches!(
        code,
        command::LIST_SERVICES
            | command::LIST_IDENTITY
            | command::LIST_INTERFACES
            | command::REGISTER_SESSION
            | command::SEND_RR_DATA
            | command::SEND_UNIT_DATA
    )
}

/// What becomes a row.
struct Row {
    ts: Timestamp,
    dir: Dir,
    command: Named,
    session: u32,
    status: u32,
    connection: Option<u32>,
    request: Option<Request>,
    answer: Option<Answer>,
    identity: Option<(Identity, Option<Addr>)>,
    rtt: Option<Interval>,
    cyclic: Option<(u64, u64)>,
}

impl Row {
    fn new(ts: Timestamp, dir: Dir, command: Named) -> Self {
        Self {
            ts,
            dir,
            command,
            session: 0,
            status: 0,
            connection: None,
            request: None,
            answer: None,
            identity: None,
            rtt: None,
            cyclic: None,
        }
    }

    fn asked(w: Waiting) -> Self {
        let code = w.header.command;
        let command = Named::or_hex(names::command(code), "command ", code);
        Self {
            session: w.header.session,
            status: w.header.status,
            connection: w.connection,
            request: w.cip,
            ..Self::new(w.ts, w.dir, command)
        }
    }

    fn emit(self, cx: &mut Cx<'_>) {
        let code = self.request.as_ref().map(|r| r.service).or(self.answer.as_ref().map(|a| a.service));
        let Request { path, embedded, .. } = self.request.unwrap_or_default();
        let cyclic = self.cyclic.is_some();
        let (identity, device_addr) = self.identity.unzip();
        cx.emit(EnipRecord {
            head: cx.head(self.ts),
            proto: EnumName(if cx.transport == Transport::Tcp { "tcp" } else { "udp" }),
            is_orig: self.dir.is_orig(),
            command: self.command,
            session: (!cyclic).then_some(self.session),
            status: (!cyclic).then(|| names::status(self.status)),
            connection_id: self.connection,
            service: code.map(|code| names::cip_service(code, path.class)),
            class: path.class,
            class_name: path.class.and_then(names::class),
            instance: path.instance,
            attribute: path.attribute,
            tag: path.tag.map(Text),
            embedded: UnsetIfEmpty(embedded),
            cip_status: self.answer.as_ref().map(|a| names::general_status(a.status)),
            cip_extended_status: self.answer.as_ref().and_then(|a| a.extended),
            rtt: self.rtt,
            io_count: self.cyclic.map(|c| c.0),
            io_bytes: self.cyclic.map(|c| c.1),
            device_addr: device_addr.flatten(),
            vendor_id: identity.as_ref().map(|i| i.vendor),
            device_type: identity.as_ref().map(|i| i.device_type),
            product_code: identity.as_ref().map(|i| i.product_code),
            revision: identity.as_ref().map(|i| format!("{}.{}", i.revision[0], i.revision[1])),
            serial: identity.as_ref().map(|i| format!("0x{:08x}", i.serial)),
            product_name: identity.map(|i| Text(i.name)),
            tail: cx.tail(),
        });
    }
}

/// See [`crate::Descriptor::probe`].
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport == Transport::Udp {
        let datagram = if p.orig.is_empty() { p.resp } else { p.orig };
        let whole = || extent(datagram).is_of(datagram.len());
        let lists = datagram.first() == Some(&0x63) && (p.port_match || datagram.len() > message::HEADER_LEN);
        let other = p.port_match && datagram.first().is_some_and(|b| *b != 0);
        let yes = message::is_cyclic(datagram) || (lists || other) && whole();
        return if yes { Guess::Yes } else { Guess::No };
    }
    stream_begins(p.orig, p.port_match).either(stream_begins(p.resp, p.port_match))
}

/// Is this a message that says more than zeros?
fn stream_begins(bytes: &[u8], port_match: bool) -> Guess {
    let at = |range| bytes.get(range).unwrap_or(&[0u8][..]);
    match extent(bytes) {
        Head::Bad => Guess::No,
        Head::More => Guess::More,
        Head::Message { .. } if port_match => Guess::Yes,
        // Version 1 of the protocol without options, or interface 0: CIP.
        Head::Message { len: 28, .. } if bytes.first() == Some(&0x65) && at(24..28) == [1, 0, 0, 0] => Guess::Yes,
        Head::Message { len: 41.., .. } if matches!(bytes.first(), Some(0x6f | 0x70)) => match bytes.get(24..32) {
            None => Guess::More,
            Some([0, 0, 0, 0, _, _, 2, 0]) => Guess::Yes,
            Some(_) => Guess::No,
        },
        Head::Message { .. } => Guess::No,
    }
}
