//! Kafka's protocol, old and flexible encoding ("Kafka protocol guide", KIP-482).
//!
//! A row per request with its response, paired by number: what was asked for, by whom, of which topics and groups, and the
//! error where it stands at the response's beginning. Half conversations give the requests. Limits: [`MAX_TEXT_LEN`],
//! [`MAX_TOPICS`], [`MAX_PENDING`], [`KEEP`], [`message::MAX_MESSAGE_LEN`]. Known gaps: topics that newer versions name by
//! number only, those behind the start of a long request, and errors of single partitions are not told. Zeek has no such log.

mod api;
mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::KafkaRecord;

use crate::frames::{self, Frame, Framed, Frames, Head, cut};
use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use api::key;
use message::{LEN_LEN, MAX_MESSAGE_LEN, Request};
use sekisho_record::{Text, UnsetIfEmpty};
use sekisho_types::{Dir, Heap, block_len, list_len};

/// Longest name kept, in bytes; topics have at most 249.
pub const MAX_TEXT_LEN: usize = 256;
/// Topics of a request that are logged.
pub const MAX_TOPICS: usize = 16;
/// Requests that may wait for responses.
pub const MAX_PENDING: usize = 64;
/// What is wanted of a message.
pub const KEEP: usize = 4096;

/// Longest first request by which a connection on another port is recognised.
const MAX_FIRST_LEN: u32 = 512;

/// A request that waits for its response.
struct Pending {
    key: u16,
    version: u16,
    row: Box<KafkaRecord>,
}

/// State of one connection.
#[derive(Default)]
pub struct Parser {
    frames: [Frames; 2],
    pending: Vec<Pending>,
    pending_len: usize,
    /// A handshake of version 0: the login's messages come without heads.
    bare_login: bool,
    mechanism: Option<Text>,
    user: Option<Text>,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "kafka", tcp_ports: &[9092], udp_ports: &[], probe };

    fn start(_: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        frames::feed(self, dir, bytes, cx);
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        // Segments mostly begin with a message: what follows is taken for one, and lengths are checked.
        frames::gap(self, dir, len);
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        for pending in std::mem::take(&mut self.pending) {
            cx.emit(*pending.row);
        }
        self.pending_len = 0;
    }

    fn held_len(&self) -> usize {
        let names = self.mechanism.heap_len() + self.user.heap_len();
        self.frames.as_slice().heap_len() + list_len(&self.pending) + self.pending_len + names
    }
}

impl Framed for Parser {
    fn frames(&mut self, dir: Dir) -> &mut Frames {
        dir.of_mut(&mut self.frames)
    }

    fn head(&self, _dir: Dir, bytes: &[u8]) -> Head {
        message::head(bytes, KEEP)
    }

    fn message(&mut self, dir: Dir, frame: Frame<'_>, _left: usize, cx: &mut Cx<'_>) -> bool {
        let content = frame.bytes.get(LEN_LEN..).unwrap_or(&[]);
        if !dir.is_orig() {
            self.response(content, frame.len, cx);
        } else if let Err(why) = self.request(content, frame.len, cx) {
            cx.reject(why);
            return false;
        }
        true
    }

    fn lost(&mut self, _dir: Dir, cx: &mut Cx<'_>) -> bool {
        cx.reject("kafka_broken_length");
        false
    }
}

/// A request: lengths, number of the request, version, and a client's name that can be read.
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp || !p.resp.is_empty() && p.orig.is_empty() {
        return Guess::No;
    }
    let orig = p.orig;
    let at = |i: usize, ok: fn(u8) -> bool| orig.get(i).is_none_or(|b| ok(*b));
    if !at(0, |b| b <= 6) || !at(4, |b| b == 0) || !at(6, |b| b == 0) || !at(12, |b| b == 0 || b == 0xff) {
        return Guess::No;
    }
    let Some((len, content)) = orig.split_first_chunk() else { return Guess::More };
    let len = u32::from_be_bytes(*len);
    if !(10..=MAX_MESSAGE_LEN).contains(&len) {
        return Guess::No;
    }
    let request = match Request::parse(content) {
        Ok(request) => request,
        // The name may not be whole yet; what is there of it can be read.
        Err(e) if e.problem() == sekisho_wire::Problem::Missing => {
            let readable = content.get(10..).unwrap_or(&[]).iter().all(u8::is_ascii_graphic);
            return if readable && content.len() < (len as usize).min(300) { Guess::More } else { Guess::No };
        }
        Err(_) => return Guess::No,
    };
    let name = request.client_id.unwrap_or(&[]);
    let readable = name.iter().all(u8::is_ascii_graphic);
    if !readable || (!p.port_match && (name.is_empty() || len > MAX_FIRST_LEN)) {
        Guess::No
    } else if p.port_match || content.len() >= len as usize {
        Guess::Yes
    } else {
        Guess::More
    }
}

/// What a row in waiting owns.
fn row_len(row: &KafkaRecord) -> usize {
    let texts = [&row.client_id, &row.group, &row.error, &row.mechanism, &row.user];
    block_len(size_of::<KafkaRecord>())
        + row.api.heap_len()
        + row.topics.heap_len()
        + texts.map(Heap::heap_len).iter().sum::<usize>()
}

impl Parser {
    fn request(&mut self, content: &[u8], len: u64, cx: &mut Cx<'_>) -> Result<(), &'static str> {
        let text = |bytes: &[u8]| cut(bytes, MAX_TEXT_LEN);
        let request = match Request::parse(content) {
            Ok(request) => request,
            Err(_) if self.bare_login => {
                self.user = message::user(content).map(text).or(self.user.take());
                return Ok(());
            }
            Err(e) => return Err(e.item()),
        };
        cx.recognize("kafka");
        self.bare_login = request.key == key::SASL_HANDSHAKE && request.version == 0;
        if let Some(mechanism) = request.mechanism() {
            self.mechanism = Some(text(mechanism));
        }
        let login = matches!(request.key, key::SASL_HANDSHAKE | key::SASL_AUTHENTICATE);
        if let Some(user) = request.credentials().and_then(message::user) {
            self.user = Some(text(user));
        }
        let row = KafkaRecord {
            head: cx.head(cx.ts),
            api: api::name(request.key),
            version: request.version,
            correlation_id: request.correlation_id,
            client_id: request.client_id.map(text),
            topics: UnsetIfEmpty(request.topics(MAX_TOPICS).into_iter().map(text).collect()),
            group: request.group().map(text),
            error: None,
            mechanism: self.mechanism.clone().filter(|_| login),
            user: self.user.clone(),
            request_len: len,
            response_len: None,
            tail: cx.tail(),
        };
        if request.is_unanswered() {
            cx.emit(row);
            return Ok(());
        }
        if self.pending.len() >= MAX_PENDING {
            if cx.flow.seen.resp {
                cx.weird("kafka_too_many_pending");
            }
            let oldest = self.pending.remove(0);
            self.pending_len -= row_len(&oldest.row);
            cx.emit(*oldest.row);
        }
        self.pending_len += row_len(&row);
        self.pending.push(Pending { key: request.key, version: request.version, row: Box::new(row) });
        Ok(())
    }

    fn response(&mut self, content: &[u8], len: u64, cx: &mut Cx<'_>) {
        let id = message::response_id(content);
        let Some(at) = self.pending.iter().position(|p| Some(p.row.correlation_id) == id) else { return };
        let pending = self.pending.remove(at);
        let mut row = pending.row;
        self.pending_len -= row_len(&row);
        row.response_len = Some(len);
        let code = message::response_error(pending.key, pending.version, content);
        row.error = code.filter(|c| *c != 0).map(api::error);
        row.tail = cx.tail();
        cx.emit(*row);
    }
}
