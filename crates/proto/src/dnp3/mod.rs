//! DNP3 (IEEE 1815-2012) over TCP and UDP: link frames, transport segments, application fragments.
//!
//! One row per request with the reply that comes next, as Zeek joins them; a reply nobody asked for has a row of its
//! own, and so has a request that wants no reply. Which end is the master is told by the function, not by who opened
//! the connection. Limits: [`link::MAX_FRAME_LEN`], [`link::MAX_FRAGMENT_LEN`], [`message::MAX_KINDS`],
//! [`message::MAX_CONTROLS`]. Known gaps: secure authentication (group 120) is only named; several outstations behind
//! one connection share the one open request.

mod layout;
mod link;
mod message;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use record::Dnp3Record;

use crate::frames::{self, Frame, Framed, Frames, Head};
use crate::named::Named;
use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use link::{Assembly, Link, MAX_FRAME_LEN, Segment, extent};
use message::{Header, Objects, fc};
use sekisho_record::{Text, UnsetIfEmpty};
use sekisho_transaction::Counter;
use sekisho_types::{Dir, Heap, Timestamp, block_len};
use sekisho_wire::Reader;
use tx::{Envelope, Odd, View};

/// One direction.
#[derive(Default)]
struct Side {
    frames: Frames,
    assembly: Assembly,
    /// The link header of the fragment's first frame.
    envelope: Envelope,
}

impl Heap for Side {
    fn heap_len(&self) -> usize {
        self.frames.heap_len() + self.assembly.heap_len()
    }
}

/// A request that waits for its reply.
struct Request {
    header: Header,
    objects: Objects,
    ends: Ends,
    ts: Timestamp,
}

/// Addresses of the link.
#[derive(Clone, Copy)]
struct Ends {
    master: u16,
    outstation: u16,
}

/// State of one connection.
pub struct Parser {
    sides: [Side; 2],
    open: Option<Box<Request>>,
    confirmed: bool,
    odd_direction_told: bool,
    exchanges: Counter,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "dnp3_tcp", tcp_ports: &[20000], udp_ports: &[20000], probe };

    fn start(_: &Start<'_>) -> Self {
        Self {
            sides: Default::default(),
            open: None,
            confirmed: false,
            odd_direction_told: false,
            exchanges: Counter::default(),
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        frames::feed(self, dir, bytes, cx);
        if cx.transport == Transport::Udp {
            *self.frames(dir) = Frames::default();
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        frames::gap(self, dir, len);
        dir.of_mut(&mut self.sides).assembly.clear();
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.unanswered(cx);
    }

    fn held_len(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |r| {
            let texts = r.objects.kinds.len() + r.objects.controls.len();
            block_len(size_of::<Request>())
                + texts * 2 * block_len(size_of::<String>())
                + r.objects.file_name.heap_len()
        });
        self.sides.as_slice().heap_len() + open
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
        extent(bytes)
    }

    /// One link frame.
    fn message(&mut self, dir: Dir, frame: Frame<'_>, _left: usize, cx: &mut Cx<'_>) -> bool {
        if let Some(link) = Link::parse(frame.bytes) {
            self.link(dir, &link, cx);
        }
        true
    }

    fn lost(&mut self, dir: Dir, cx: &mut Cx<'_>) -> bool {
        if self.confirmed {
            self.odd(dir, "bad_link_crc", cx);
            cx.weird("dnp3_corrupt_header_checksum");
        } else {
            cx.reject("dnp3_header_lacks_magic");
        }
        self.confirmed
    }
}

impl Parser {
    fn link(&mut self, dir: Dir, link: &Link<'_>, cx: &mut Cx<'_>) {
        self.confirmed = true;
        cx.confirm_midstream(if cx.transport == Transport::Tcp { "dnp3_tcp" } else { "dnp3_udp" });
        if !link.has_user_data() {
            if link.is_user_data() {
                self.odd(dir, "len_too_small", cx);
            }
            return;
        }
        if link.from_master != dir.is_orig() && !std::mem::replace(&mut self.odd_direction_told, true) {
            cx.weird("dnp3_unexpected_flow_direction");
        }
        let ends = Ends { master: link.master, outstation: link.outstation };
        let side = dir.of_mut(&mut self.sides);
        let segment = side.assembly.add(link);
        if link.is_first() {
            let (src, dst) = link.ends();
            side.envelope = Envelope { control: link.control, src, dst };
        }
        match segment {
            Segment::More => {}
            Segment::Odd(name) => {
                cx.weird(name);
                match name {
                    "dnp3_corrupt_app_chunk_checksum" => self.odd(dir, "bad_transport_crc", cx),
                    "dnp3_fragment_too_long" => self.odd(dir, "too_long_reassembly", cx),
                    _ => {}
                }
            }
            Segment::Whole(fragment) => self.fragment(dir, &fragment, ends, cx),
        }
    }

    /// Rules hear of an anomaly that belongs to no message.
    fn odd(&mut self, dir: Dir, name: &'static str, cx: &mut Cx<'_>) {
        if cx.is_watched() {
            let mut mark = self.exchanges.begin();
            mark.event(dir, name);
            cx.look(dir, 0, &Odd, &mut mark);
        }
    }

    /// One application fragment.
    fn fragment(&mut self, dir: Dir, fragment: &[u8], ends: Ends, cx: &mut Cx<'_>) {
        let mut r = Reader::new(fragment);
        let Ok(header) = Header::parse(&mut r) else {
            cx.weird("dnp3_fragment_too_short");
            return;
        };
        if cx.is_watched() && header.function != fc::CONFIRM {
            let control = fragment.first().copied().unwrap_or(0);
            let link = dir.of(&self.sides).envelope;
            let limits = (cx.limits().dnp3_objects, cx.limits().dnp3_points);
            let view = View { limits, link, control, header, fragment, objects: r.rest() };
            let odd = view.check().err().flatten();
            cx.message(dir, &mut self.exchanges, &view, odd.as_slice());
        }
        let objects = Objects::parse(header.function, &mut r);
        if header.is_reply() {
            let request = self.open.take();
            emit(request.map(|r| *r), Some((header, objects, ends)), cx);
            return;
        }
        let request = Request { header, objects, ends, ts: cx.ts };
        if wants_no_reply(header.function) {
            emit(Some(request), None, cx);
            return;
        }
        if self.open.as_ref().is_some_and(|open| open.header.function != fc::CONFIRM) {
            self.unanswered(cx);
        }
        self.open = Some(Box::new(request));
    }

    /// The open request gets a row without reply.
    fn unanswered(&mut self, cx: &mut Cx<'_>) {
        if let Some(request) = self.open.take() {
            emit(Some(*request), None, cx);
        }
    }
}

/// Requests that are never answered.
const fn wants_no_reply(function: u8) -> bool {
    matches!(function, fc::DIRECT_OPERATE_NR | fc::IMMED_FREEZE_NR | fc::FREEZE_CLEAR_NR | fc::FREEZE_AT_TIME_NR)
}

fn function_name(header: Header) -> Named {
    Named::or_number(message::function(header.function), "unknown-", header.function)
}

fn emit(request: Option<Request>, reply: Option<(Header, Objects, Ends)>, cx: &mut Cx<'_>) {
    let ends = reply.as_ref().map(|r| r.2).or(request.as_ref().map(|r| r.ends));
    let matching = request.as_ref().zip(reply.as_ref());
    let rtt = matching.filter(|(a, b)| a.header.sequence == b.0.sequence).map(|(a, _)| cx.ts - a.ts);
    let (ts, fc_request, asked) = match request {
        Some(r) => (r.ts, Some(function_name(r.header)), Some(r.objects)),
        None => (cx.ts, None, None),
    };
    let (ts, fc_reply, iin, said) = match reply {
        Some((header, objects, _)) => (cx.ts, Some(function_name(header)), header.iin, Some(objects)),
        None => (ts, None, None, None),
    };
    let status = said.as_ref().and_then(|o| o.status);
    let objects = asked.or(said).unwrap_or_default();
    cx.emit(Dnp3Record {
        head: cx.head(ts),
        fc_request,
        fc_reply,
        iin,
        rtt,
        master: ends.map(|e| e.master),
        outstation: ends.map(|e| e.outstation),
        objects: UnsetIfEmpty(objects.kinds),
        controls: UnsetIfEmpty(objects.controls),
        control_status: status.map(|s| Named::or_number(message::status(s), "unknown-", s)),
        file_name: objects.file_name.map(Text),
        tail: cx.tail(),
    });
}

/// See [`crate::Descriptor::probe`].
fn probe(p: &Probe<'_>) -> Guess {
    match (extent(p.orig), extent(p.resp)) {
        (Head::Message { .. }, _) | (_, Head::Message { .. }) => Guess::Yes,
        (Head::Bad, _) | (_, Head::Bad) => Guess::No,
        _ if p.transport == Transport::Udp => Guess::No,
        _ => Guess::More,
    }
}
