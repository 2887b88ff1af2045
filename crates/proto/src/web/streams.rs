//! The streams of a connection of HTTP/2 or HTTP/3: each is a request with its response, and a row.

use super::{Body, Codings, HttpRecord, Name, api, name, page, request_field, seen, target, uri_name};
use crate::mime::{Facts, Kind, Observer, Origin, number};
use crate::{Cx, Event, FileId, FileInfo};
use sekisho_record::Text;
use sekisho_transaction::MAX_FILES;
use sekisho_types::{Dir, Heap, block_len, list_len};
use smallvec::SmallVec;

/// Streams followed at once; of more the oldest is logged as it is. Servers allow 100 to 256.
pub(crate) const MAX_STREAMS: usize = 256;

/// Memory for the streams of one flow; above it the oldest is logged as it is.
pub(crate) const MAX_STREAMS_LEN: usize = 1 << 20;

/// Streams that one end gave up unanswered, after which that is remarked (CVE-2023-44487).
pub(crate) const MAX_UNANSWERED_RESETS: u32 = 100;

/// Bytes of one field's value that are looked at.
const MAX_VALUE_LEN: usize = 64 * 1024;

/// Which HTTP it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// HTTP/2 (RFC 9113): streams are opened in the order of their ids.
    Two,
    /// HTTP/3 (RFC 9114): streams come in any order; whoever calls knows which are over.
    Three,
}

impl Version {
    const fn text(self) -> &'static str {
        match self {
            Self::Two => "2",
            Self::Three => "3",
        }
    }

    const fn too_many_streams(self) -> &'static str {
        match self {
            Self::Two => "HTTP2_too_many_streams",
            Self::Three => "HTTP3_too_many_streams",
        }
    }

    const fn rapid_reset(self) -> &'static str {
        match self {
            Self::Two => "HTTP2_rapid_reset",
            Self::Three => "HTTP3_rapid_reset",
        }
    }
}

/// One direction of a stream.
#[derive(Default)]
struct Half {
    facts: Facts,
    codings: Codings,
    content_length: Option<u64>,
    etag: Option<Text>,
    body: Option<Box<Body>>,
    /// The header has come; what comes besides content are trailers.
    headed: bool,
    ended: bool,
}

struct Stream {
    id: u64,
    row: Box<HttpRecord>,
    halves: [Half; 2],
    /// CONNECT: what passes is no content.
    tunnel: bool,
    /// What it was counted for.
    counted: usize,
    /// Files that were opened since somebody asked.
    begun: SmallVec<[FileId; 1]>,
}

/// The streams of a flow.
pub(crate) struct Streams {
    version: Version,
    /// Ordered by id.
    open: Vec<Stream>,
    /// What they were counted for.
    counted: usize,
    /// Highest id that each end opened; in HTTP/2 a stream below is over.
    highest: [u64; 2],
    /// Requests so far.
    depth: u64,
    resets: u32,
    /// Files that were opened by the last call, and their streams.
    begun: SmallVec<[(u64, FileId); 1]>,
}

/// Lists a message's files in its row.
struct RowFiles<'a> {
    row: &'a mut HttpRecord,
    request: bool,
    begun: &'a mut SmallVec<[FileId; 1]>,
}

impl Observer for RowFiles<'_> {
    fn begun(&mut self, file: FileId) {
        if self.begun.len() < MAX_FILES {
            self.begun.push(file);
        }
    }

    fn content(&mut self, bytes: &[u8]) {
        self.row.seen.get_or_insert_default().content(self.request, bytes);
    }

    fn opened(&mut self, info: FileInfo, filename: Option<&Text>) {
        self.row.opened(self.request, info, filename);
    }

    fn closed(&mut self, info: FileInfo) {
        self.row.closed(self.request, info);
    }
}

impl Heap for Half {
    fn heap_len(&self) -> usize {
        let body = self.body.as_ref().map_or(0, |b| block_len(size_of::<Body>()) + b.heap_len());
        self.facts.heap_len() + self.etag.heap_len() + body
    }
}

impl Heap for Streams {
    fn heap_len(&self) -> usize {
        self.counted + list_len(&self.open)
    }
}

impl Stream {
    fn held_len(&self) -> usize {
        self.row.held_len() + self.halves.as_slice().heap_len()
    }

    fn half(&mut self, dir: Dir) -> &mut Half {
        let [request, response] = &mut self.halves;
        if dir.is_orig() { request } else { response }
    }

    fn field(&mut self, dir: Dir, field: &[u8], value: &[u8], cx: &mut Cx<'_>) {
        let value = value.get(..MAX_VALUE_LEN).unwrap_or(value);
        if field.starts_with(b":") {
            return self.pseudo(dir, field, value);
        }
        match field {
            b"grpc-status" => self.row.grpc_status = number(value),
            b"grpc-message" => self.row.grpc_message = Some(value.into()),
            _ => {}
        }
        if cx.is_judged() && !self.half(dir).headed {
            page::field(|| Some(&mut *self.row), dir, field, value, cx);
        }
        let half = self.half(dir);
        let Some(known) = name(field).filter(|_| !half.headed) else { return };
        if let Some(api) = api::told(dir, known, value, cx) {
            self.row.api.get_or_insert(api);
            return;
        }
        match known {
            Name::Content => {
                half.facts.learn(field, value);
            }
            Name::ContentEncoding => half.codings.add_all(value),
            Name::ContentLength => half.content_length = number(value),
            Name::ETag => half.etag = Some(value.into()),
            Name::Host if self.row.host.is_some() => {}
            _ if dir.is_orig() => {
                if matches!(known, Name::Authorization | Name::Token) {
                    seen::field(&mut self.row, known, value, cx);
                }
                request_field(&mut self.row, known, field, value);
            }
            _ => {}
        }
    }

    /// Pseudo-header fields (RFC 9113 §8.3).
    fn pseudo(&mut self, dir: Dir, field: &[u8], value: &[u8]) {
        let row = &mut *self.row;
        match (dir, field) {
            (Dir::Orig, b":method") => {
                self.tunnel = value == b"CONNECT";
                row.method = Some(value.into());
            }
            (Dir::Orig, b":path") => row.uri = Some(target(value).0),
            (Dir::Orig, b":authority") => row.host = Some(value.into()),
            (Dir::Resp, b":status") => {
                let code = number(value);
                row.status_code = code;
                if code.is_some_and(is_informational) {
                    row.info_code = code;
                }
            }
            _ => {}
        }
    }

    /// A header block is over.
    fn headed(&mut self, dir: Dir) {
        let informational = !dir.is_orig() && self.row.status_code.is_some_and(is_informational);
        if self.tunnel && self.row.uri.is_none() {
            self.row.uri = self.row.host.clone();
        }
        let half = self.half(dir);
        if informational {
            *half = Half::default();
        } else {
            half.headed = true;
        }
    }

    fn content(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let request = dir.is_orig();
        if self.tunnel {
            let len = if request { &mut self.row.request_body_len } else { &mut self.row.response_body_len };
            *len = len.saturating_add(bytes.len() as u64);
            return;
        }
        let Some((body, mut files)) = self.body(dir, cx) else { return };
        body.push(bytes, false, cx, &mut files);
    }

    /// What is missing of the content.
    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        if self.tunnel {
            return;
        }
        let Some((body, mut files)) = self.body(dir, cx) else { return };
        body.gap(len, cx, &mut files);
    }

    /// The content of a direction, begun if it was not; `None` if it is over.
    fn body(&mut self, dir: Dir, cx: &mut Cx<'_>) -> Option<(&mut Body, RowFiles<'_>)> {
        let Self { row, begun, halves: [orig, resp], .. } = self;
        let half = if dir.is_orig() { orig } else { resp };
        if half.ended {
            return None;
        }
        let Half { facts, codings, content_length, etag, body, .. } = half;
        let body = body.get_or_insert_with(|| {
            let suggested_name = row.uri.as_ref().and_then(|u| uri_name(&u.0)).map(Text::from);
            let mut facts = std::mem::take(facts);
            let is_orig = dir.is_orig();
            facts.range = facts.range.filter(|_| !is_orig && row.status_code == Some(206));
            let range_key = facts.range.map(|_| row.range_key(etag.take(), cx));
            let total = facts.range.map_or(*content_length, |(_, _, total)| total);
            let total = total.filter(|_| facts.kind == Kind::Leaf);
            let origin = Origin { source: "HTTP", is_orig, range_key, suggested_name, numbered: false };
            Box::new(Body::new(origin, facts, codings, total, cx))
        });
        Some((body, RowFiles { row, request: dir.is_orig(), begun }))
    }

    /// One direction is over.
    fn end(&mut self, dir: Dir, complete: bool, cx: &mut Cx<'_>) {
        let request = dir.is_orig();
        let Self { row, begun, halves: [orig, resp], .. } = self;
        let half = if request { orig } else { resp };
        half.ended = true;
        let Some(body) = half.body.take() else { return };
        let len = body.finish(complete, cx, &mut RowFiles { row, request, begun });
        *(if request { &mut row.request_body_len } else { &mut row.response_body_len }) = len;
    }

    /// Logs the row; what has not ended is incomplete.
    fn log(mut self, cx: &mut Cx<'_>) {
        for dir in [Dir::Orig, Dir::Resp] {
            if !self.half(dir).ended {
                self.end(dir, false, cx);
            }
        }
        api::settle(&mut self.row, cx);
        self.row.tail = cx.tail();
        cx.emit(Event::HttpRecord(self.row));
    }
}

const fn is_informational(code: u64) -> bool {
    code >= 100 && code < 200
}

impl Streams {
    /// None so far.
    pub(crate) fn new(version: Version) -> Self {
        Self { version, open: Vec::new(), counted: 0, highest: [0; 2], depth: 0, resets: 0, begun: SmallVec::new() }
    }

    /// Stream 1 carries the response to a request of HTTP/1 (RFC 9113 §3.1 of its predecessor, h2c).
    pub(crate) fn upgraded(&mut self, mut row: Box<HttpRecord>) {
        row.status_code = None;
        row.status_msg = None;
        row.info_code = None;
        row.info_msg = None;
        self.highest = [1, 0];
        self.depth = row.trans_depth;
        self.add(1, row);
        if let Some(stream) = self.open.first_mut() {
            let request = stream.half(Dir::Orig);
            request.headed = true;
            request.ended = true;
        }
    }

    fn add(&mut self, id: u64, mut row: Box<HttpRecord>) {
        row.version = Some(self.version.text().into());
        row.stream_id = Some(id);
        let mut stream =
            Stream { id, row, halves: Default::default(), tunnel: false, counted: 0, begun: SmallVec::new() };
        stream.counted = stream.held_len();
        self.counted += stream.counted;
        let at = self.open.partition_point(|s| s.id < id);
        self.open.insert(at, stream);
    }

    fn position(&self, id: u64) -> Option<usize> {
        self.open.binary_search_by_key(&id, |s| s.id).ok()
    }

    /// Runs `f` on stream `id`, counts it anew, and logs it if both directions are over.
    fn with(&mut self, id: u64, cx: &mut Cx<'_>, f: impl FnOnce(&mut Stream, &mut Cx<'_>)) {
        let Some(at) = self.position(id) else { return };
        let Some(stream) = self.open.get_mut(at) else { return };
        self.begun.clear();
        f(stream, cx);
        self.begun.extend(stream.begun.drain(..).map(|file| (id, file)));
        let now = stream.held_len();
        let before = std::mem::replace(&mut stream.counted, now);
        self.counted = self.counted.saturating_sub(before).saturating_add(now);
        if stream.halves.iter().all(|h| h.ended) {
            self.remove(at, cx);
        }
    }

    fn remove(&mut self, at: usize, cx: &mut Cx<'_>) {
        if at < self.open.len() {
            let stream = self.open.remove(at);
            self.counted = self.counted.saturating_sub(stream.counted);
            stream.log(cx);
        }
    }

    /// A header block begins: true if stream `id` is there to take its fields.
    pub(crate) fn open(&mut self, id: u64, opener: Dir, cx: &mut Cx<'_>) -> bool {
        if self.position(id).is_some() {
            return true;
        }
        if self.version == Version::Two {
            // Clients open odd streams (RFC 9113 §5.1.1); one that was over is not opened again.
            let Some(highest) = self.highest.get_mut(usize::from(id.is_multiple_of(2))) else { return false };
            if id <= *highest || id == 0 {
                return false;
            }
            *highest = id;
        }
        while self.open.len() >= MAX_STREAMS || !self.open.is_empty() && self.counted > MAX_STREAMS_LEN {
            cx.weird(self.version.too_many_streams());
            self.remove(0, cx);
        }
        self.depth += 1;
        self.add(id, Box::new(HttpRecord::new(cx.head(cx.ts), cx.tail(), self.depth)));
        // An answer without a question: the question was not seen. In HTTP/3 it may be still to come, but for one that
        // the server was to promise, which has no stream of its own.
        let asked = self.version == Version::Three && id & 1 == 0;
        if !opener.is_orig()
            && !asked
            && let Some(stream) = self.position(id).and_then(|at| self.open.get_mut(at))
        {
            stream.half(Dir::Orig).ended = true;
        }
        true
    }

    /// A field of stream `id`.
    pub(crate) fn field(&mut self, id: u64, dir: Dir, name: &[u8], value: &[u8], cx: &mut Cx<'_>) {
        if let Some(stream) = self.position(id).and_then(|at| self.open.get_mut(at)) {
            stream.field(dir, name, value, cx);
        }
    }

    /// A header block is over; `last`: and the direction with it.
    pub(crate) fn headed(&mut self, id: u64, dir: Dir, last: bool, cx: &mut Cx<'_>) {
        self.with(id, cx, |stream, cx| {
            stream.headed(dir);
            if last {
                stream.end(dir, true, cx);
            }
        });
    }

    /// Content; `last`: the direction is over.
    pub(crate) fn content(&mut self, id: u64, dir: Dir, bytes: &[u8], last: bool, cx: &mut Cx<'_>) {
        self.with(id, cx, |stream, cx| {
            if !bytes.is_empty() {
                stream.content(dir, bytes, cx);
            }
            if last {
                stream.end(dir, true, cx);
            }
        });
    }

    /// The files that the last call opened, and their streams.
    pub(crate) fn take_begun(&mut self) -> impl Iterator<Item = (u64, FileId)> {
        self.begun.drain(..)
    }

    /// Content that will never come.
    pub(crate) fn gap(&mut self, id: u64, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        self.with(id, cx, |stream, cx| stream.gap(dir, len, cx));
    }

    /// An end gives stream `id` up.
    pub(crate) fn reset(&mut self, id: u64, cx: &mut Cx<'_>) {
        let Some(at) = self.position(id) else { return };
        self.count_reset(at, cx);
        self.remove(at, cx);
    }

    fn count_reset(&mut self, at: usize, cx: &mut Cx<'_>) {
        if self.open.get(at).is_some_and(|s| s.row.status_code.is_none()) {
            self.resets += 1;
            if self.resets == MAX_UNANSWERED_RESETS {
                cx.weird(self.version.rapid_reset());
            }
        }
    }

    /// One direction of stream `id` is over; `complete`: in order, not given up or lost.
    pub(crate) fn ended(&mut self, id: u64, dir: Dir, complete: bool, cx: &mut Cx<'_>) {
        if !complete
            && dir.is_orig()
            && let Some(at) = self.position(id)
        {
            self.count_reset(at, cx);
        }
        self.with(id, cx, |stream, cx| {
            if !stream.half(dir).ended {
                stream.end(dir, complete, cx);
            }
        });
    }

    /// A promised stream has come: the number that the server gave it.
    pub(crate) fn number(&mut self, id: u64, number: u64) {
        if let Some(stream) = self.position(id).and_then(|at| self.open.get_mut(at)) {
            stream.row.stream_id = Some(number);
        }
    }

    /// Logs whatever is left.
    pub(crate) fn flush(&mut self, cx: &mut Cx<'_>) {
        self.counted = 0;
        for stream in std::mem::take(&mut self.open) {
            stream.log(cx);
        }
    }
}
