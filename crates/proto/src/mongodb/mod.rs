//! MongoDB's wire protocol: OP_MSG, and what came before it ("MongoDB Wire Protocol" in MongoDB's manual).
//!
//! A row per request with its reply, paired by the request's number. Of a command its name, database and collection are
//! told, of a login its user, of a reply success, error and count. Half conversations give what they can. Limits:
//! [`MAX_TEXT_LEN`], [`MAX_PENDING`], [`KEEP`], [`message::MAX_MESSAGE_LEN`]. Known gaps: compressed messages are named,
//! not read; a command behind long lists of documents is not found.

mod bson;
mod message;
mod record;
#[cfg(test)]
mod tests;
mod told;

pub use record::MongodbRecord;

use crate::frames::{self, Frame, Framed, Frames, Head, cut};
use crate::told::Once;
use crate::{Cx, Descriptor, Event, Guess, Probe, Protocol, Start, Transport};
use bson::Value;
use message::{Body, HEAD_LEN, Header, op};
use sekisho_record::Text;
use sekisho_types::{Dir, Heap, block_len};

/// Longest name and error text kept, in bytes.
pub const MAX_TEXT_LEN: usize = 512;
/// Requests that may wait for replies.
pub const MAX_PENDING: usize = 64;
/// What is wanted of a message.
pub const KEEP: usize = 4096;

/// A request that waits for its reply.
struct Pending {
    id: u32,
    row: Box<MongodbRecord>,
}

/// State of one connection.
#[derive(Default)]
pub struct Parser {
    frames: [Frames; 2],
    pending: Vec<Pending>,
    pending_len: usize,
    user: Option<Text>,
    confirmed: bool,
    /// A login succeeded.
    logged_in: bool,
    told: Once,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "mongodb", tcp_ports: &[27017, 27018, 27019], udp_ports: &[], probe };

    fn start(_: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        frames::feed(self, dir, bytes, cx);
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        // Segments mostly begin with a message: what follows is taken for one, and heads are checked.
        frames::gap(self, dir, len);
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        for pending in std::mem::take(&mut self.pending) {
            self.log(pending, None, cx);
        }
        self.pending_len = 0;
    }

    fn held_len(&self) -> usize {
        let list = sekisho_types::list_len(&self.pending);
        self.frames.as_slice().heap_len() + list + self.pending_len + self.user.heap_len()
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
        if let Ok(header) = Header::parse(frame.bytes) {
            self.operation(dir, &header, frame.bytes.get(HEAD_LEN..).unwrap_or(&[]), cx);
        }
        true
    }

    fn lost(&mut self, _dir: Dir, cx: &mut Cx<'_>) -> bool {
        cx.reject("mongodb_broken_message");
        false
    }
}

/// A plausible head, and behind it what its operation begins with.
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    let (bytes, from_client) = if p.orig.is_empty() { (p.resp, false) } else { (p.orig, true) };
    // Operations are 1 or between 2001 and 2013, in four bytes.
    match bytes.get(12..16) {
        None if bytes.get(3).is_some_and(|b| *b > 3) => return Guess::No,
        None => return Guess::More,
        Some([0xd1..=0xdd, 0x07, 0, 0] | [1, 0, 0, 0]) => {}
        Some(_) => return Guess::No,
    }
    let Ok(header) = Header::parse(bytes) else { return Guess::More };
    let replies = matches!(header.op, op::REPLY | op::COMMAND_REPLY);
    let both_ways = matches!(header.op, op::MSG | op::COMPRESSED);
    if !header.is_plausible() || (!both_ways && replies == from_client) {
        return Guess::No;
    }
    if bytes.len() < 26 && bytes.len() < header.len as usize {
        return Guess::More;
    }
    let body = bytes.get(HEAD_LEN..).unwrap_or(&[]);
    let yes = match header.op {
        op::MSG => matches!(body, [_, 0, 0 | 1, 0, 0 | 1, ..]) && (!from_client || header.response_to == 0),
        op::QUERY => matches!(body, [_, 0, 0, 0, first, ..] if first.is_ascii_graphic()),
        op::INSERT | op::UPDATE | op::DELETE | op::GET_MORE => {
            matches!(body, [_, 0, 0, 0, first, ..] if first.is_ascii_graphic()) && p.port_match
        }
        op::COMPRESSED => matches!(body, [0xd4 | 0xdd, 7, 0, 0, _, _, _, 0..=3, 0..=3, ..]),
        op::REPLY => p.port_match && matches!(body, [_, 0, 0, 0, ..]),
        _ => p.port_match,
    };
    if yes { Guess::Yes } else { Guess::No }
}

impl Parser {
    fn operation(&mut self, dir: Dir, header: &Header, bytes: &[u8], cx: &mut Cx<'_>) {
        let Ok(body) = Body::parse(header.op, bytes) else {
            return cx.weird("mongodb_broken_body");
        };
        // In both directions messages of a kind are the same; replies name what they answer.
        let is_reply =
            matches!(header.op, op::REPLY | op::COMMAND_REPLY) || (header.response_to != 0 && !dir.is_orig());
        if is_reply {
            self.reply(header, &body, cx);
        } else {
            self.request(header, &body, cx);
        }
    }

    fn request(&mut self, header: &Header, body: &Body<'_>, cx: &mut Cx<'_>) {
        self.confirm(header.op, cx);
        let row = self.row(header, body, cx);
        let answered = match header.op {
            op::INSERT | op::UPDATE | op::DELETE | op::KILL_CURSORS => false,
            _ => body.flags & message::MORE_TO_COME == 0,
        };
        if !answered {
            return cx.emit(row);
        }
        if self.pending.len() >= MAX_PENDING {
            cx.weird("mongodb_too_many_pending");
            self.take(0, cx);
        }
        self.pending_len += row_len(&row);
        self.pending.push(Pending { id: header.request_id, row: Box::new(row) });
    }

    /// A known operation with a document is proof; where only the client is heard, as for others.
    fn confirm(&mut self, op: u32, cx: &mut Cx<'_>) {
        if self.confirmed {
            return;
        }
        self.confirmed = matches!(op, op::MSG | op::QUERY | op::COMPRESSED | op::REPLY);
        if self.confirmed {
            cx.confirm("mongodb");
        } else {
            cx.recognize("mongodb");
        }
    }

    fn row(&mut self, header: &Header, body: &Body<'_>, cx: &Cx<'_>) -> MongodbRecord {
        let text = |bytes: &[u8]| cut(bytes, MAX_TEXT_LEN);
        let (mut database, mut collection) = body.names();
        let mut command = body.command;
        let mut mechanism = None;
        let mut user = None;
        let is_command = collection.is_none() && matches!(header.op, op::MSG | op::QUERY | op::COMMAND);
        if is_command {
            for (i, (name, value)) in body.command().enumerate() {
                match (name, value) {
                    (name, value) if i == 0 => {
                        command = command.or(Some(name));
                        collection = value.text().filter(|_| takes_collection(name));
                    }
                    (b"collection", Value::Text(c)) if command == Some(b"getMore") => collection = Some(c),
                    (b"$db", Value::Text(db)) => database = Some(db),
                    (b"mechanism", Value::Text(m)) => mechanism = Some(m),
                    (b"payload", Value::Binary(payload) | Value::Text(payload)) => user = user.or(scram_user(payload)),
                    (b"user", Value::Text(u)) => user = Some(u),
                    _ => {}
                }
            }
        }
        // A login that goes with the first message.
        if let Some(payload) = bson::find(body.document, &[b"speculativeAuthenticate", b"payload"])
            && let Value::Binary(payload) = payload
        {
            user = user.or(scram_user(payload));
        }
        if let Some(user) = user {
            self.user = Some(text(user));
        }
        MongodbRecord {
            head: cx.head(cx.ts),
            request_id: Some(header.request_id),
            operation: message::name(body.inner.unwrap_or(header.op)).unwrap_or("unknown").into(),
            command: command.map(text),
            database: database.map(text),
            collection: collection.map(text),
            ok: None,
            error_code: None,
            error: None,
            documents: None,
            user: self.user.clone(),
            mechanism: mechanism.map(text),
            client: client(body.document),
            request_len: u64::from(header.len),
            reply_len: None,
            compression: body.compressor.map(|c| message::compressor(c).into()),
            tail: cx.tail(),
        }
    }

    fn reply(&mut self, header: &Header, body: &Body<'_>, cx: &mut Cx<'_>) {
        self.confirm(header.op, cx);
        let Some(at) = self.pending.iter().position(|p| p.id == header.response_to) else {
            return self.lone_reply(header, body, cx);
        };
        let pending = self.pending.remove(at);
        self.pending_len -= row_len(&pending.row);
        self.log(pending, Some((header, body)), cx);
    }

    /// A reply to what was not seen: only errors are worth a row.
    fn lone_reply(&mut self, header: &Header, body: &Body<'_>, cx: &mut Cx<'_>) {
        if cx.is_judged() && !cx.flow.seen.orig && body.compressor.is_none() {
            told::answered_alone(body.document, &mut self.logged_in, &mut self.told, cx);
        }
        if !failed(body) {
            return;
        }
        let mut row = self.row(header, &Body::default(), cx);
        (row.request_id, row.request_len) = (Some(header.response_to), 0);
        self.log(Pending { id: header.response_to, row: Box::new(row) }, Some((header, body)), cx);
    }

    /// Logs request `at` without a reply.
    fn take(&mut self, at: usize, cx: &mut Cx<'_>) {
        let pending = self.pending.remove(at);
        self.pending_len -= row_len(&pending.row);
        self.log(pending, None, cx);
    }

    /// Logs a request with its reply, if there is one.
    fn log(&mut self, pending: Pending, reply: Option<(&Header, &Body<'_>)>, cx: &mut Cx<'_>) {
        let row = finished(pending, reply, cx);
        if cx.is_judged()
            && let Some((_, body)) = reply
        {
            told::answered(&row, body.document, &mut self.logged_in, &mut self.told, cx);
        }
        cx.emit(Event::MongodbRecord(row));
    }
}

/// Commands whose value is no collection.
fn takes_collection(command: &[u8]) -> bool {
    !matches!(
        command,
        b"createUser" | b"dropUser" | b"updateUser" | b"createRole" | b"dropRole" | b"getLog" | b"renameCollection"
    )
}

/// The user in the first message of SCRAM (RFC 5802 §5) or PLAIN (RFC 4616).
fn scram_user(payload: &[u8]) -> Option<&[u8]> {
    if let [0, rest @ ..] = payload {
        return rest.split(|b| *b == 0).next().filter(|u| !u.is_empty());
    }
    let at = memchr::memmem::find(payload, b",n=")?;
    payload.get(at + 3..)?.split(|b| *b == b',').next().filter(|u| !u.is_empty())
}

/// Application and driver of the client's first message.
fn client(document: &[u8]) -> Option<Text> {
    let text = |path: &[&[u8]]| bson::find(document, path).and_then(Value::text);
    let application = text(&[b"client", b"application", b"name"]);
    let driver = text(&[b"client", b"driver", b"name"]);
    match (application, driver) {
        (Some(a), Some(d)) => Some(cut(&[a, b" (", d, b")"].concat(), MAX_TEXT_LEN)),
        (a, d) => a.or(d).map(|name| cut(name, MAX_TEXT_LEN)),
    }
}

fn failed(body: &Body<'_>) -> bool {
    bson::find(body.document, &[b"ok"]).and_then(Value::number) == Some(0)
        || bson::find(body.document, &[b"$err"]).is_some()
}

/// What a row in waiting owns.
fn row_len(row: &MongodbRecord) -> usize {
    let texts =
        [&row.command, &row.database, &row.collection, &row.user, &row.mechanism, &row.client, &row.compression];
    block_len(size_of::<MongodbRecord>()) + row.operation.heap_len() + texts.map(Heap::heap_len).iter().sum::<usize>()
}

/// The row of a request with its reply, if there is one.
fn finished(pending: Pending, reply: Option<(&Header, &Body<'_>)>, cx: &Cx<'_>) -> Box<MongodbRecord> {
    let mut row = pending.row;
    row.tail = cx.tail();
    if let Some((header, body)) = reply {
        let get = |name: &[u8]| bson::find(body.document, &[name]);
        row.reply_len = Some(u64::from(header.len));
        if body.compressor.is_none() {
            let ok = get(b"ok").and_then(Value::number).map(|n| n != 0);
            row.ok = if failed(body) { Some(false) } else { ok.or(body.returned.map(|_| true)) };
            row.error_code = get(b"code").and_then(Value::number);
            row.error = get(b"errmsg").or_else(|| get(b"$err")).and_then(Value::text).map(|t| cut(t, MAX_TEXT_LEN));
            let count = get(b"n").and_then(Value::number).and_then(|n| u64::try_from(n).ok());
            row.documents = count.or_else(|| batch_len(body)).or(body.returned.filter(|_| ok.is_none()).map(u64::from));
        }
        row.compression = row.compression.or(body.compressor.map(|c| message::compressor(c).into()));
    }
    row
}

/// Documents of a cursor's batch, if it was whole.
fn batch_len(body: &Body<'_>) -> Option<u64> {
    let batch = bson::find(body.document, &[b"cursor", b"firstBatch"])
        .or_else(|| bson::find(body.document, &[b"cursor", b"nextBatch"]))?;
    let documents = batch.document()?;
    let whole = bson::document_len(documents).is_some_and(|len| len <= documents.len());
    whole.then(|| bson::elements(documents).count() as u64)
}
