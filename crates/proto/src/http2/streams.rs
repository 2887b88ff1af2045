//! The streams of a connection: each is a request with its response, and a row.

use crate::mime::{Facts, Kind, Observer, Origin, number};
use crate::web::{Body, Codings, HttpRecord, Name, name, request_field, target, uri_name};
use crate::{Cx, Event, FileInfo};
use sekisho_record::Text;
use sekisho_types::{Dir, Heap, block_len, list_len};

/// Streams followed at once; of more the oldest is logged as it is. Servers allow 100 to 256.
pub const MAX_STREAMS: usize = 256;

/// Memory for the streams of one flow; above it the oldest is logged as it is.
pub const MAX_STREAMS_LEN: usize = 1 << 20;

/// Streams that one end gave up unanswered, after which that is remarked (CVE-2023-44487).
pub const MAX_UNANSWERED_RESETS: u32 = 100;

/// Bytes of one field's value that are looked at.
const MAX_VALUE_LEN: usize = 64 * 1024;

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
    id: u32,
    row: Box<HttpRecord>,
    halves: [Half; 2],
    /// CONNECT: what passes is no content.
    tunnel: bool,
    /// What it was counted for.
    counted: usize,
}

/// The streams of a flow.
#[derive(Default)]
pub(super) struct Streams {
    /// Ordered by id.
    open: Vec<Stream>,
    /// What they were counted for.
    counted: usize,
    /// Highest id that each end opened; a stream below is over.
    highest: [u32; 2],
    /// Requests so far.
    depth: u64,
    resets: u32,
}

/// Lists a message's files in its row.
struct RowFiles<'a> {
    row: &'a mut HttpRecord,
    request: bool,
}

impl Observer for RowFiles<'_> {
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

    fn field(&mut self, dir: Dir, field: &[u8], value: &[u8]) {
        let value = value.get(..MAX_VALUE_LEN).unwrap_or(value);
        if field.starts_with(b":") {
            return self.pseudo(dir, field, value);
        }
        match field {
            b"grpc-status" => self.row.grpc_status = number(value),
            b"grpc-message" => self.row.grpc_message = Some(value.into()),
            _ => {}
        }
        let half = self.half(dir);
        let Some(known) = name(field).filter(|_| !half.headed) else { return };
        match known {
            Name::Content => {
                half.facts.learn(field, value);
            }
            Name::ContentEncoding => half.codings.add_all(value),
            Name::ContentLength => half.content_length = number(value),
            Name::ETag => half.etag = Some(value.into()),
            Name::Host if self.row.host.is_some() => {}
            _ if dir.is_orig() => request_field(&mut self.row, known, field, value),
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
        let Self { row, halves: [orig, resp], .. } = self;
        let half = if request { orig } else { resp };
        if half.ended {
            return;
        }
        let body = half.body.get_or_insert_with(|| {
            let suggested_name = row.uri.as_ref().and_then(|u| uri_name(&u.0)).map(Text::from);
            let mut facts = std::mem::take(&mut half.facts);
            facts.range = facts.range.filter(|_| !request && row.status_code == Some(206));
            let range_key = facts.range.map(|_| row.range_key(half.etag.take(), cx));
            let total = facts.range.map_or(half.content_length, |(_, _, total)| total);
            let total = total.filter(|_| facts.kind == Kind::Leaf);
            let origin = Origin { source: "HTTP", is_orig: request, range_key, suggested_name, numbered: false };
            Box::new(Body::new(origin, facts, &half.codings, total, cx))
        });
        body.push(bytes, false, cx, &mut RowFiles { row, request });
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        let request = dir.is_orig();
        let Self { row, halves: [orig, resp], .. } = self;
        let half = if request { orig } else { resp };
        if let Some(body) = &mut half.body {
            body.gap(len, cx, &mut RowFiles { row, request });
        }
    }

    /// One direction is over.
    fn end(&mut self, dir: Dir, complete: bool, cx: &mut Cx<'_>) {
        let request = dir.is_orig();
        let Self { row, halves: [orig, resp], .. } = self;
        let half = if request { orig } else { resp };
        half.ended = true;
        let Some(body) = half.body.take() else { return };
        let len = body.finish(complete, cx, &mut RowFiles { row, request });
        *(if request { &mut row.request_body_len } else { &mut row.response_body_len }) = len;
    }

    /// Logs the row; what has not ended is incomplete.
    fn log(mut self, cx: &mut Cx<'_>) {
        for dir in [Dir::Orig, Dir::Resp] {
            if !self.half(dir).ended {
                self.end(dir, false, cx);
            }
        }
        self.row.tail = cx.tail();
        cx.emit(Event::HttpRecord(self.row));
    }
}

const fn is_informational(code: u64) -> bool {
    code >= 100 && code < 200
}

impl Streams {
    /// Stream 1 carries the response to a request of HTTP/1 (RFC 9113 §3.1 of its predecessor, h2c).
    pub(super) fn upgraded(&mut self, mut row: Box<HttpRecord>) {
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

    fn add(&mut self, id: u32, mut row: Box<HttpRecord>) {
        row.version = Some("2".into());
        row.stream_id = Some(u64::from(id));
        let mut stream = Stream { id, row, halves: Default::default(), tunnel: false, counted: 0 };
        stream.counted = stream.held_len();
        self.counted += stream.counted;
        let at = self.open.partition_point(|s| s.id < id);
        self.open.insert(at, stream);
    }

    fn position(&self, id: u32) -> Option<usize> {
        self.open.binary_search_by_key(&id, |s| s.id).ok()
    }

    /// Runs `f` on stream `id`, counts it anew, and logs it if both directions are over.
    fn with(&mut self, id: u32, cx: &mut Cx<'_>, f: impl FnOnce(&mut Stream, &mut Cx<'_>)) {
        let Some(at) = self.position(id) else { return };
        let Some(stream) = self.open.get_mut(at) else { return };
        f(stream, cx);
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
    pub(super) fn open(&mut self, id: u32, opener: Dir, cx: &mut Cx<'_>) -> bool {
        if self.position(id).is_some() {
            return true;
        }
        // Clients open odd streams (RFC 9113 §5.1.1); one that was over is not opened again.
        let Some(highest) = self.highest.get_mut(usize::from(id.is_multiple_of(2))) else { return false };
        if id <= *highest || id == 0 {
            return false;
        }
        *highest = id;
        while self.open.len() >= MAX_STREAMS || !self.open.is_empty() && self.counted > MAX_STREAMS_LEN {
            cx.weird("HTTP2_too_many_streams");
            self.remove(0, cx);
        }
        self.depth += 1;
        self.add(id, Box::new(HttpRecord::new(cx.head(cx.ts), cx.tail(), self.depth)));
        // An answer without a question: the question was not seen.
        if !opener.is_orig()
            && let Some(stream) = self.position(id).and_then(|at| self.open.get_mut(at))
        {
            stream.half(Dir::Orig).ended = true;
        }
        true
    }

    /// A field of stream `id`.
    pub(super) fn field(&mut self, id: u32, dir: Dir, name: &[u8], value: &[u8]) {
        if let Some(stream) = self.position(id).and_then(|at| self.open.get_mut(at)) {
            stream.field(dir, name, value);
        }
    }

    /// A header block is over; `last`: and the direction with it.
    pub(super) fn headed(&mut self, id: u32, dir: Dir, last: bool, cx: &mut Cx<'_>) {
        self.with(id, cx, |stream, cx| {
            stream.headed(dir);
            if last {
                stream.end(dir, true, cx);
            }
        });
    }

    /// Content; `last`: the direction is over.
    pub(super) fn content(&mut self, id: u32, dir: Dir, bytes: &[u8], last: bool, cx: &mut Cx<'_>) {
        self.with(id, cx, |stream, cx| {
            if !bytes.is_empty() {
                stream.content(dir, bytes, cx);
            }
            if last {
                stream.end(dir, true, cx);
            }
        });
    }

    /// Content that will never come.
    pub(super) fn gap(&mut self, id: u32, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        self.with(id, cx, |stream, cx| stream.gap(dir, len, cx));
    }

    /// An end gives stream `id` up.
    pub(super) fn reset(&mut self, id: u32, cx: &mut Cx<'_>) {
        let Some(at) = self.position(id) else { return };
        if self.open.get(at).is_some_and(|s| s.row.status_code.is_none()) {
            self.resets += 1;
            if self.resets == MAX_UNANSWERED_RESETS {
                cx.weird("HTTP2_rapid_reset");
            }
        }
        self.remove(at, cx);
    }

    /// Logs whatever is left.
    pub(super) fn flush(&mut self, cx: &mut Cx<'_>) {
        self.counted = 0;
        for stream in std::mem::take(&mut self.open) {
            stream.log(cx);
        }
    }
}
