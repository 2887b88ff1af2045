//! S7comm and S7comm-plus, the protocols of Siemens S7 controllers, over transport class 0 (RFC 1006) on TCP.
//!
//! One row per operation, request and answer joined by number: connections to controllers last for months, and the
//! questions are who read, wrote, stopped or loaded what, and whether it was let through. Limits:
//! [`MAX_MESSAGE_LEN`], [`MAX_PENDING`], [`message::MAX_ITEMS`], [`message::MAX_ITEM_ERRORS`]. Known gaps: the values
//! that are read and written; of S7comm-plus the functions are known but not the objects; what follows the first
//! transport message of a unit. Newer S7comm-plus goes on in TLS inside and is not looked into.

mod message;
mod names;
mod record;
#[cfg(test)]
mod tests;

pub use record::S7commRecord;

use crate::frames::{self, Frame, Framed, Frames, Head};
use crate::named::Named;
use crate::tpkt::{self, Tpdu};
use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use message::{Message, Role};
use sekisho_record::{EnumName, Text, UnsetIfEmpty};
use sekisho_types::{Dir, Heap, Timestamp, list_len};

/// Bytes looked at of one packet; what is behind these is data.
pub const MAX_MESSAGE_LEN: usize = 2048;
/// Requests that wait for an answer; the oldest is logged as unanswered when another comes.
pub const MAX_PENDING: usize = 16;
/// Rough heap of a request that waits, for the account.
const REQUEST_LEN: usize = 256;
/// Longest transport selector kept.
const MAX_TSAP_LEN: usize = 32;

/// A request that waits for its answer.
struct Request {
    dir: Dir,
    ts: Timestamp,
    message: Message,
}

/// One direction.
#[derive(Default)]
struct Side {
    frames: Frames,
    /// Inside a unit whose first message was read.
    in_unit: bool,
}

impl Heap for Side {
    fn heap_len(&self) -> usize {
        self.frames.heap_len()
    }
}

/// State of one connection.
pub struct Parser {
    sides: [Side; 2],
    /// Selectors of the calling and the called end.
    tsaps: [Option<Text>; 2],
    pending: Vec<Request>,
    confirmed: bool,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "s7comm", tcp_ports: &[102], udp_ports: &[], probe };

    fn start(_: &Start<'_>) -> Self {
        Self { sides: Default::default(), tsaps: [None, None], pending: Vec::new(), confirmed: false }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        frames::feed(self, dir, bytes, cx);
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        frames::gap(self, dir, len);
        dir.of_mut(&mut self.sides).in_unit = false;
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        for request in std::mem::take(&mut self.pending) {
            self.emit(request, None, cx);
        }
    }

    fn held_len(&self) -> usize {
        let pending = list_len(&self.pending) + self.pending.len() * REQUEST_LEN;
        self.sides.as_slice().heap_len() + self.tsaps.as_slice().heap_len() + pending
    }
}

impl Framed for Parser {
    fn frames(&mut self, dir: Dir) -> &mut Frames {
        &mut dir.of_mut(&mut self.sides).frames
    }

    fn head(&self, _dir: Dir, bytes: &[u8]) -> Head {
        tpkt::extent(bytes).at_most(MAX_MESSAGE_LEN)
    }

    /// One packet.
    fn message(&mut self, dir: Dir, frame: Frame<'_>, _left: usize, cx: &mut Cx<'_>) -> bool {
        match Tpdu::parse(frame.bytes) {
            // Empty messages keep the connection open; they begin and end nothing, whatever they say.
            Ok(Tpdu::Data { payload: [], .. }) => {}
            Ok(Tpdu::Data { payload, last }) => {
                let first = !std::mem::replace(&mut dir.of_mut(&mut self.sides).in_unit, !last);
                if first {
                    return self.unit(dir, payload, cx);
                }
            }
            Ok(Tpdu::Connect { calling, called }) => {
                for (slot, value) in self.tsaps.iter_mut().zip([calling, called]) {
                    *slot = value.map(selector).or(slot.take());
                }
            }
            Ok(Tpdu::Other) => {}
            Err(_) => cx.weird("cotp_malformed"),
        }
        true
    }

    fn lost(&mut self, _dir: Dir, cx: &mut Cx<'_>) -> bool {
        self.foreign("no TPKT header", cx);
        false
    }
}

impl Parser {
    /// Bytes came that are nothing of S7comm. Shall more be looked at?
    fn foreign(&self, why: &'static str, cx: &mut Cx<'_>) -> bool {
        if self.confirmed {
            cx.weird("s7comm_lost_track");
        } else {
            cx.reject(why);
        }
        self.confirmed
    }

    /// The beginning of a unit. Shall more be looked at?
    fn unit(&mut self, dir: Dir, payload: &[u8], cx: &mut Cx<'_>) -> bool {
        if !message::begins(payload) {
            return self.foreign("neither S7comm nor S7comm-plus", cx);
        }
        match message::parse(payload) {
            Ok(message) => {
                self.confirmed = true;
                cx.recognize("s7comm");
                if let Some(message) = message {
                    self.message(dir, message, cx);
                }
            }
            Err(_) => cx.weird("s7comm_malformed"),
        }
        true
    }

    fn message(&mut self, dir: Dir, message: Message, cx: &mut Cx<'_>) {
        let ts = cx.ts;
        match message.role {
            Role::Request => {
                if self.pending.len() >= MAX_PENDING {
                    let oldest = self.pending.remove(0);
                    self.emit(oldest, None, cx);
                }
                self.pending.push(Request { dir, ts, message });
            }
            Role::Push => self.emit(Request { dir, ts, message }, None, cx),
            Role::Answer => {
                let asked = |r: &Request| r.dir != dir && r.message.reference == message.reference;
                match self.pending.iter().position(asked) {
                    Some(at) => {
                        let request = self.pending.remove(at);
                        self.emit(request, Some((ts, message)), cx);
                    }
                    // The request was not seen: what the answer says is all there is.
                    None => self.emit(Request { dir, ts, message: message.clone() }, Some((ts, message)), cx),
                }
            }
        }
    }

    fn emit(&self, request: Request, answer: Option<(Timestamp, Message)>, cx: &mut Cx<'_>) {
        let Request { dir, ts, message: asked } = request;
        let unasked = asked.role == Role::Answer;
        let rtt = answer.as_ref().filter(|_| !unasked).map(|(at, _)| *at - ts);
        let said = answer.map(|(_, message)| message);
        let (error, item_errors, pdu_len) = said.as_ref().map_or((None, Vec::new(), None), |m| {
            (m.detail.error.filter(|e| *e != 0), m.detail.item_errors.clone(), m.detail.pdu_len)
        });
        let success = said.as_ref().map(|_| error.is_none() && item_errors.is_empty());
        let answered_func = said.and_then(|m| m.func);
        let [calling_tsap, called_tsap] = self.tsaps.clone();
        let d = asked.detail;
        cx.emit(S7commRecord {
            head: cx.head(ts),
            is_orig: dir.is_orig() != unasked,
            protocol: EnumName(if asked.plus_version.is_some() { "S7comm-plus" } else { "S7comm" }),
            version: asked.plus_version,
            rosctr: EnumName(if asked.role == Role::Push { "PUSH" } else { asked.kind }),
            pdu_ref: asked.reference,
            func: asked.func.or(answered_func).unwrap_or_else(|| Named::from("unknown")),
            sub_func: d.sub_func,
            item_count: d.item_count,
            items: UnsetIfEmpty(d.items),
            pi_service: d.pi_service.map(Text),
            block: d.block.map(Text),
            szl: d.szl,
            pdu_len: pdu_len.or(d.pdu_len),
            success,
            error: error.map(|e| format!("0x{e:04x}")),
            item_errors: UnsetIfEmpty(item_errors),
            rtt,
            calling_tsap,
            called_tsap,
            tail: cx.tail(),
        });
    }
}

/// A transport selector: as it is if printable, else in hexadecimal.
fn selector(bytes: &[u8]) -> Text {
    let bytes = bytes.get(..MAX_TSAP_LEN).unwrap_or(bytes);
    if !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic) {
        return bytes.into();
    }
    let mut text = String::from("0x");
    for b in bytes {
        text.push_str(&format!("{b:02x}"));
    }
    text.into()
}

/// See [`crate::Descriptor::probe`].
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp || [p.orig, p.resp].iter().any(|b| tpkt::extent(b) == Head::Bad) {
        return Guess::No;
    }
    let side = |bytes| match tpkt::first_data(bytes) {
        Ok(Some([])) | Ok(None) => Guess::More,
        Ok(Some([message::S7 | message::S7_PLUS])) => Guess::More,
        Ok(Some(payload)) if message::begins(payload) => Guess::Yes,
        _ => Guess::No,
    };
    side(p.orig).either(side(p.resp))
}
