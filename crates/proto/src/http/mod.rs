//! HTTP/0.9 to HTTP/1.1 (RFC 9110, RFC 9112), on any port.
//!
//! Rows follow Zeek's `http.log`. Differences: bodies without length keep their line ends; br and zstd
//! are decoded as gzip and deflate are; an early response, as any to HTTP/0.9, waits for its request's end, so
//! that both stand in one row; after a hole outside of a body, and after a strange line far into the flow, the
//! parser goes on with the next message instead of giving up; flows whose beginning is missing are read.

mod content;
mod exchange;
mod frame;
mod message;
mod oddity;
mod probe;
mod side;
#[cfg(test)]
mod tests;
mod tx;
mod uri;
mod view;

pub use crate::web::HttpRecord;

use crate::mime::{Kind, field};
use crate::ntlm::Login;
use crate::upgrade::{HANDSHAKE_LEN, Handshake, WebsocketRecord};
use crate::web::{Name, request_field};
use crate::{Cx, Descriptor, Line, Lines, ProtoId, Protocol, Start, web};
use exchange::Exchanges;
use message::{RequestLine, StatusLine, Version, request_line, status_line};
use sekisho_transaction::FrameKind;
use sekisho_types::{Dir, Heap, block_len};
use side::{Head, Side, State};
use std::collections::VecDeque;
use tx::Watched;

/// Longest line; the rest of a longer one is dropped.
const MAX_LINE_LEN: usize = 64 * 1024;

/// Requests whose method is remembered until the response comes; of older ones it is forgotten.
const MAX_UNANSWERED: usize = 1000;

/// Places for unanswered requests that an idle flow keeps.
const IDLE_ASKS: usize = 16;

/// Bytes into the flow up to which a line that is none of HTTP ends the analysis and takes the confirmation back;
/// later the next message is looked for. Zeek's `DPD::ignore_violations_after`.
const MAX_VIOLATION_AT: u64 = 10 * 1024;

/// Name in conn's `service`.
const SERVICE: &str = "http";

/// Does a responder's first chunk begin with a status line? For flows whose originator spoke something else: a server
/// of HTTP answers that, too.
pub fn begins_response(bytes: &[u8]) -> bool {
    probe::response(bytes) == crate::Guess::Yes
}

/// May a line that begins so continue the one before? Of responses also with NUL, as for lenient readers.
const fn may_fold(b: u8, side: Dir) -> bool {
    field::is_lws(b) || b == 0 && !side.is_orig()
}

/// Is a line that begins with white space no continuation after all? In a response a whole field behind white space is one
/// of its own, and a blank line that LF alone ends is the header's end: so Suricata reads them.
fn is_new(side: Dir, line: &[u8], bare: bool) -> bool {
    if side.is_orig() {
        return false;
    }
    let text = line.trim_ascii_start();
    let name_len = text.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
    name_len > 0 && text.get(name_len) == Some(&b':') || text.is_empty() && bare
}

/// What of a request decides about its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ask {
    head: bool,
    connect: bool,
}

/// What the flow goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Something to be probed for.
    Probe,
    Http2,
    WebSocket,
}

/// State of one flow.
pub struct Parser {
    lines: [Lines; 2],
    core: Core,
}

struct Core {
    /// Requests, responses.
    sides: [Side; 2],
    exchanges: Exchanges,
    unanswered: VecDeque<Ask>,
    /// Requests come from the responder: the capture began in the middle and the ends were mixed up.
    swapped: Option<bool>,
    /// A request or a response has been read.
    known: bool,
    /// An end has said that further requests may follow on this connection.
    keeps_alive: bool,
    /// Bytes of the flow so far, both directions.
    seen_len: u64,
    next: Option<Next>,
    /// What the fields of a WebSocket's handshake said, once there was one.
    websocket: Option<Box<Handshake>>,
    rejected: bool,
    /// The exchanges for those who watch.
    watched: Option<Box<Watched>>,
    /// The line of a response before ended with LF alone.
    bare: bool,
    /// Logins by NTLM, if somebody judges.
    ntlm: Option<Box<Login>>,
    /// Where frames are, by direction on the wire, if somebody wants them.
    cutters: Option<Box<[frame::Cutter; 2]>>,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor {
        service: SERVICE,
        tcp_ports: &[80, 81, 631, 1080, 3128, 8000, 8080, 8888],
        udp_ports: &[],
        probe: probe::probe,
    };

    fn start(_start: &Start<'_>) -> Self {
        Self {
            lines: [Lines::new(MAX_LINE_LEN), Lines::new(MAX_LINE_LEN)],
            core: Core {
                sides: [Side::default(), Side::default()],
                exchanges: Exchanges::default(),
                unanswered: VecDeque::new(),
                swapped: None,
                known: false,
                keeps_alive: false,
                seen_len: 0,
                next: None,
                websocket: None,
                rejected: false,
                watched: None,
                bare: false,
                ntlm: None,
                cutters: None,
            },
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Self { lines, core } = self;
        let lines = dir.of_mut(lines);
        let mut input = bytes;
        if core.cutters.is_none() && cx.wants_frames(&[FrameKind::Http1Request, FrameKind::Http1Response]) {
            core.cutters = Some(Box::default());
        }
        while !input.is_empty() && core.next.is_none() && !core.rejected {
            let side = core.side_of(dir);
            let before_len = input.len();
            let ongoing = side.is_orig() && core.side(side).ongoing;
            if core.takes_lines(side) {
                let line = lines.next(&mut input);
                core.seen_len = core.seen_len.saturating_add((before_len - input.len()) as u64);
                let Some(line) = line else {
                    if let Some(cutter) = core.cutter(dir) {
                        cutter.part(before_len);
                    }
                    break;
                };
                let side = core.first_line(dir, line.text);
                core.line(side, line, input.first().copied(), cx);
            } else {
                core.body_bytes(side, &mut input, cx);
                core.seen_len = core.seen_len.saturating_add((before_len - input.len()) as u64);
            }
            core.cut(dir, before_len - input.len(), input.len(), cx);
            if ongoing && cx.is_for_eve() {
                core.unexpected_body(input);
            }
        }
        match core.next {
            Some(Next::Probe) => cx.hand_over(None, input.len()),
            // The response to the request that asked for it comes on the first stream.
            Some(Next::Http2) => {
                let index = core.side(Dir::Resp).row;
                match core.exchanges.row(index).map(|row| row.clone()) {
                    Some(row) => cx.hand_over_begun(ProtoId::Http2, input.len(), row),
                    None => cx.hand_over(Some(ProtoId::Http2), input.len()),
                }
            }
            Some(Next::WebSocket) => {
                cx.confirm("websocket");
                let row = core.websocket(cx);
                cx.hand_over_begun(ProtoId::Websocket, input.len(), row);
            }
            None => {}
        }
        self.settle();
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        dir.of_mut(&mut self.lines).clear();
        if let Some(cutter) = self.core.cutter(dir) {
            cutter.gap(len);
        }
        let side = self.core.side_of(dir);
        self.core.gap(side, len, cx);
        self.settle();
    }

    fn half_closed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        let lines = dir.of_mut(&mut self.lines);
        let rest = lines.partial().to_vec();
        lines.clear();
        if !rest.is_empty() {
            let text = rest.strip_suffix(b"\r").unwrap_or(&rest);
            let side = self.core.first_line(dir, text);
            self.core.line(side, Line { text, cut: false, bare: false }, None, cx);
        }
        let side = self.core.side_of(dir);
        self.core.interrupt(side, true, cx);
        if let Some(cutters) = &mut self.core.cutters {
            dir.of_mut(cutters).settle(dir, side.of(&self.core.sides), cx);
        }
        self.settle();
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.core.interrupt(Dir::Orig, false, cx);
        self.core.interrupt(Dir::Resp, false, cx);
        self.core.exchanges.flush(cx);
        if let Some(login) = &mut self.core.ntlm {
            login.end(cx);
        }
        if let Some(watched) = &mut self.core.watched {
            watched.finish(cx);
        }
    }

    fn held_len(&self) -> usize {
        let Self { lines, core } = self;
        let unanswered = block_len(core.unanswered.capacity().saturating_mul(size_of::<Ask>()));
        let websocket = core.websocket.as_ref().map_or(0, |h| HANDSHAKE_LEN + h.heap_len());
        let watched = core.watched.as_ref().map_or(0, |w| block_len(size_of::<Watched>()) + w.heap_len());
        let ntlm = core.ntlm.as_ref().map_or(0, |l| block_len(size_of::<Login>()) + l.heap_len());
        let cutters = core.cutters.as_ref().map_or(0, |_| block_len(size_of::<[frame::Cutter; 2]>()));
        lines.as_slice().heap_len()
            + cutters
            + ntlm
            + core.sides.as_slice().heap_len()
            + core.exchanges.heap_len()
            + unanswered
            + websocket
            + watched
    }
}

impl Parser {
    /// After a call: gives back what an idle flow does not need, and counts the rows that may have grown.
    fn settle(&mut self) {
        let Self { lines: [orig, resp], core } = self;
        orig.rest();
        resp.rest();
        if core.unanswered.is_empty() && core.unanswered.capacity() > IDLE_ASKS {
            core.unanswered = VecDeque::new();
        }
        let [requests, responses] = &core.sides;
        core.exchanges.recount_changed(requests.row, responses.row);
    }
}

/// `Dir::Orig` below here means the side of the requests.
impl Core {
    /// The side that `dir` is on.
    fn side_of(&self, dir: Dir) -> Dir {
        if self.swapped == Some(true) { dir.flip() } else { dir }
    }

    /// The side that `dir` is on; the flow's first line tells whether the ends are mixed up.
    fn first_line(&mut self, dir: Dir, line: &[u8]) -> Dir {
        if self.swapped.is_none() && !line.is_empty() {
            self.swapped = Some(match dir {
                Dir::Orig => status_line(line).is_some_and(|s| s.version.major == 1),
                Dir::Resp => request_line(line).is_ok_and(|r| r.version.major == 1),
            });
        }
        self.side_of(dir)
    }

    fn cutter(&mut self, dir: Dir) -> Option<&mut frame::Cutter> {
        self.cutters.as_deref_mut().map(|cutters| dir.of_mut(cutters))
    }

    /// `len` bytes of `dir` were read, behind which `left` follow: a frame may have begun or ended.
    fn cut(&mut self, dir: Dir, len: usize, left: usize, cx: &mut Cx<'_>) {
        let of = self.side_of(dir);
        let kind = if of.is_orig() { FrameKind::Http1Request } else { FrameKind::Http1Response };
        let Some(cutters) = &mut self.cutters else { return };
        let side = of.of(&self.sides);
        let tx = self.watched.as_ref().and_then(|watched| watched.number(side.row));
        dir.of_mut(cutters).step((dir, kind), len, left, side, tx, cx);
    }

    /// Direction on the wire of a side.
    fn is_orig(&self, side: Dir) -> bool {
        side.is_orig() != (self.swapped == Some(true))
    }

    fn side(&mut self, side: Dir) -> &mut Side {
        side.of_mut(&mut self.sides)
    }

    fn takes_lines(&mut self, side: Dir) -> bool {
        matches!(
            self.side(side).state,
            State::StartLine
                | State::Header
                | State::ChunkSize
                | State::ChunkEnd
                | State::Trailer
                | State::Strange
                | State::Resync
        )
    }

    fn line(&mut self, side: Dir, line: Line<'_>, next: Option<u8>, cx: &mut Cx<'_>) {
        if line.cut {
            cx.weird("contentline_size_exceeded");
        }
        if !side.is_orig() && matches!(self.side(side).state, State::StartLine | State::Header) {
            let behind_lf = std::mem::replace(&mut self.bare, line.bare);
            if memchr::memchr(b'\r', line.text).is_some() {
                return self.lone_cr(side, line.text, (behind_lf, next), cx);
            }
        }
        match self.side(side).state {
            State::StartLine => self.start_line(side, &line, next, cx),
            State::Header | State::Trailer => self.header_line(side, line, next, cx),
            State::ChunkSize => self.chunk_size(side, line.text, cx),
            State::ChunkEnd => self.side(side).state = State::ChunkSize,
            State::Strange => self.after_strange(line.text, cx),
            State::Resync => self.resync(side, line.text, cx),
            _ => {}
        }
    }

    /// In the head of a response a CR alone ends a line, too, and one behind an LF belongs to that: browsers take it so, and
    /// so those who evade detection write it. Lines of CRs alone are nothing.
    #[cold]
    fn lone_cr(&mut self, side: Dir, text: &[u8], ends: (bool, Option<u8>), cx: &mut Cx<'_>) {
        let (behind_lf, next) = ends;
        let mut rest = if behind_lf { text.strip_prefix(b"\r").unwrap_or(text) } else { text };
        if rest.is_empty() && behind_lf {
            return self.line(side, Line { text: rest, cut: false, bare: false }, next, cx);
        }
        while !rest.is_empty() && !self.rejected && self.takes_lines(side) {
            let at = memchr::memchr(b'\r', rest).unwrap_or(rest.len());
            let (text, tail) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            rest = tail.get(1..).unwrap_or(&[]);
            if !text.trim_ascii().is_empty() {
                self.line(side, Line { text, cut: false, bare: false }, rest.first().copied().or(next), cx);
            }
        }
    }

    /// A line behind one that was none of HTTP: a status line makes up for it.
    #[cold]
    fn after_strange(&mut self, line: &[u8], cx: &mut Cx<'_>) {
        match status_line(message::trim_start(line)) {
            Some(s) => self.begin_response(&s, line, cx),
            None => self.strange(Dir::Resp, "bad_HTTP_reply", cx),
        }
    }

    fn start_line(&mut self, side: Dir, told: &Line<'_>, next: Option<u8>, cx: &mut Cx<'_>) {
        let line = told.text;
        if side.is_orig() {
            match request_line(line) {
                Ok(r) if r.version != Version::V09 || !self.known || message::is_method(r.method) => {
                    self.begin_request(&r, line, cx);
                }
                _ if line.is_empty() => cx.weird("empty_http_request"),
                Ok(_) => self.strange(side, "bad_HTTP_request", cx),
                Err(weird) => self.strange(side, weird, cx),
            }
        } else {
            let line = message::trim_start(line);
            match status_line(line) {
                Some(s) => self.begin_response(&s, line, cx),
                None if line.is_empty() => {}
                // Browsers show what begins with none of HTTP's lines, unless that comes next; so does Suricata.
                None if cx.is_for_eve() && next != Some(b'H') && !message::is_like_status(line) => {
                    self.bare_response(cx);
                    self.push(side, told.text, cx);
                    if next.is_some() {
                        self.push(side, if told.bare { b"\n" } else { b"\r\n" }, cx);
                    }
                }
                None => self.side(side).state = State::Strange,
            }
        }
    }

    /// A start line that is none.
    fn strange(&mut self, side: Dir, weird: &'static str, cx: &mut Cx<'_>) {
        cx.weird(weird);
        self.side(side).state = State::Resync;
        let violates = if side.is_orig() {
            // A server answers a bad request, too; but two strange sides are something else. Behind the only request
            // that was to be expected, anything may trail.
            let first = self.side(Dir::Orig).messages == 0;
            if first { self.known || self.side(Dir::Resp).state == State::Resync } else { self.keeps_alive }
        } else {
            true
        };
        if violates && (!self.known || self.seen_len <= MAX_VIOLATION_AT) {
            self.rejected = true;
            cx.reject("not_http");
        }
    }

    fn resync(&mut self, side: Dir, line: &[u8], cx: &mut Cx<'_>) {
        if side.is_orig() {
            if let Ok(r) = request_line(line)
                && r.version.major == 1
                && message::is_method(r.method)
            {
                self.begin_request(&r, line, cx);
            }
        } else if let Some(s) = status_line(line)
            && s.version.major == 1
            && (100..600).contains(&s.code)
        {
            self.begin_response(&s, line, cx);
        }
    }

    /// `raw`: the whole line.
    fn begin_request(&mut self, line: &RequestLine<'_>, raw: &[u8], cx: &mut Cx<'_>) {
        self.known = true;
        cx.confirm(SERVICE);
        let row = self.exchanges.begin_request(line, cx);
        let bare = line.version == Version::V09;
        self.begin(Dir::Orig, line.version, row);
        if let Some(watched) = self.watched(cx) {
            watched.begin(Dir::Orig, row, raw, (line.version, 0), cx);
        }
        if self.unanswered.len() >= MAX_UNANSWERED {
            self.unanswered.pop_front();
        }
        let is = |name: &[u8]| line.method.eq_ignore_ascii_case(name);
        self.unanswered.push_back(Ask { head: is(b"HEAD"), connect: is(b"CONNECT") });
        if bare {
            if line.method != b"GET" {
                cx.weird_with("invalid_http_09_request_method", Some(line.method.into()));
            }
            if self.side(Dir::Resp).ongoing {
                cx.weird("http_09_reply_before_request");
                self.interrupt(Dir::Resp, false, cx);
            }
            self.side(Dir::Resp).state = State::Bare;
        }
    }

    /// `raw`: the whole line.
    fn begin_response(&mut self, line: &StatusLine<'_>, raw: &[u8], cx: &mut Cx<'_>) {
        self.known = true;
        // As Zeek: a response alone proves less than one to a request that was seen.
        if self.unanswered.is_empty() {
            cx.recognize(SERVICE)
        } else {
            cx.confirm(SERVICE)
        }
        let row = self.exchanges.begin_response(line, cx);
        self.begin(Dir::Resp, line.version, row);
        if let Some(watched) = self.watched(cx) {
            watched.begin(Dir::Resp, row, raw, (line.version, line.code), cx);
        }
    }

    /// The exchanges, if somebody watches.
    fn watched(&mut self, cx: &Cx<'_>) -> Option<&mut Watched> {
        if self.watched.is_none() && cx.is_watched() {
            self.watched = Some(Box::default());
        }
        self.watched.as_deref_mut()
    }

    fn begin(&mut self, side: Dir, version: Version, row: u64) {
        self.keeps_alive |= version.has_chunks();
        let side = self.side(side);
        side.head = Head { version, ..Head::default() };
        side.state = State::Header;
        side.row = row;
        side.ongoing = true;
        side.messages += 1;
    }

    fn header_line(&mut self, side: Dir, line: Line<'_>, next: Option<u8>, cx: &mut Cx<'_>) {
        let Line { text: line, bare, .. } = line;
        let fold = &mut self.side(side).fold;
        if line.first().is_some_and(|b| may_fold(*b, side)) && !fold.is_empty() && !is_new(side, line, bare) {
            if fold.extend(line) {
                cx.weird("exceeded_mime_max_header_bytes");
            }
            return;
        }
        if !fold.is_empty() {
            self.finish_field(side, cx);
        }
        let blank = !side.is_orig() && bare && line.trim_ascii().is_empty();
        // Before an empty line white space alone is nothing.
        if blank && !line.is_empty() && next == Some(b'\n') {
            return;
        }
        if line.is_empty() || line.first() == Some(&0) || blank {
            self.end_header(side, cx);
        } else if next.is_some_and(|b| !may_fold(b, side) && (side.is_orig() || b != b'\r')) {
            self.field(side, line, cx);
        } else {
            self.side(side).fold.begin(line);
        }
    }

    fn finish_field(&mut self, side: Dir, cx: &mut Cx<'_>) {
        let (held, lines) = self.side(side).fold.take();
        if lines > 1 {
            let name = field::field(&held).map(|(name, _)| name.into());
            cx.weird_with("HTTP_obsolete_line_folding", name);
        }
        self.field(side, &held, cx);
        self.side(side).fold.recycle(held);
    }

    fn field(&mut self, side: Dir, line: &[u8], cx: &mut Cx<'_>) {
        if self.side(side).state == State::Trailer {
            return;
        }
        let parsed = message::header_field(line);
        let row = self.side(side).row;
        if let Some(watched) = &mut self.watched {
            watched.field(side, row, line, parsed.as_ref().map(|(name, value)| (&**name, &**value)));
        }
        let Some((name, value)) = &parsed else { return };
        let (name, value) = (&**name, &**value);
        if cx.is_judged() {
            web::page::field(|| self.exchanges.row(row), side, name, value, cx);
            if let Some(token) = web::ntlm_message(name, value, side) {
                self.ntlm.get_or_insert_with(|| Box::new(Login::only_told("http"))).message(&token, cx);
            }
        }
        let Some(known) = web::name(name) else { return };
        if known == Name::WebSocket {
            let handshake = self.websocket.get_or_insert_default();
            if let Some(odd) = handshake.learn(side.is_orig(), name, value) {
                cx.weird(odd);
            }
            return;
        }
        self.keeps_alive |= side.is_orig() && known == Name::Connection && side::keeps_alive(value);
        self.side(side).head.learn(known, name, value, !side.is_orig(), cx);
        let api = web::api::told(side, known, value, cx);
        if side.is_orig() {
            let row = self.side(side).row;
            if let Some(row) = self.exchanges.row(row) {
                if matches!(known, Name::Authorization | Name::Token) {
                    web::seen::field(row, known, value, cx);
                }
                request_field(row, known, name, value);
            }
        } else if api.is_some() {
            let row = self.side(side).row;
            if let Some(row) = self.exchanges.row(row) {
                row.api = row.api.or(api);
            }
        }
    }

    fn end_header(&mut self, side: Dir, cx: &mut Cx<'_>) {
        if self.side(side).state == State::Trailer {
            return self.finish(side, true, cx);
        }
        let row = self.side(side).row;
        if let Some(watched) = &mut self.watched {
            watched.headed(side, row, cx);
        }
        if side.is_orig() { self.end_request_header(cx) } else { self.end_response_header(cx) }
    }

    fn end_request_header(&mut self, cx: &mut Cx<'_>) {
        let head = &self.side(Dir::Orig).head;
        let length = head.content_length;
        let multipart = head.facts.kind == Kind::Multipart;
        let state = match (head.chunked, length) {
            (true, _) => Some(State::ChunkSize),
            (false, Some(0)) => None,
            (false, Some(n)) => Some(State::Fixed(n)),
            (false, None) => multipart.then_some(State::UntilDelimiter),
        };
        self.begin_body(Dir::Orig, state, length, None, cx);
        if state.is_none() && self.unanswered.back().is_some_and(|a| a.connect) {
            // Nothing can be told of what follows before the proxy has answered.
            self.side(Dir::Orig).state = State::Off;
        }
    }

    fn end_response_header(&mut self, cx: &mut Cx<'_>) {
        let row = self.side(Dir::Resp).row;
        let code = self.exchanges.row(row).and_then(|r| r.status_code).unwrap_or(0);
        if let Some(login) = self.ntlm.as_deref_mut().filter(|l| l.is_answered()) {
            login.result(!matches!(code, 401 | 407), cx);
        }
        let ask = self.unanswered.front().copied();
        if ask.is_some_and(|a| a.connect) && (200..300).contains(&code) {
            cx.tunnel("Tunnel::HTTP");
            self.finish(Dir::Resp, true, cx);
            self.next = Some(Next::Probe);
            cx.tunnel("Tunnel::HTTP");
            return;
        }
        let head = &mut self.side(Dir::Resp).head;
        if code != 206 {
            head.facts.range = None;
        }
        let range_len = head.facts.range.map(|(first, last, _)| (last - first).saturating_add(1));
        let told = head.content_length.filter(|_| !head.bad_length);
        let length = told.or(range_len);
        let closed_by_delimiter = head.facts.kind == Kind::Multipart && !head.close;
        let chunked = head.chunked;
        let told = chunked || length.is_some_and(|n| n > 0);
        let none = (100..200).contains(&code) || matches!(code, 204 | 304);
        let is_head = ask.is_some_and(|a| a.head);
        // Of these codes none has a body; but if one is told and there, browsers and Suricata take it. Whoever watches sees it.
        let doubt = none && !is_head && told && cx.is_watched();
        let state = match (is_head || none && !doubt, chunked, length) {
            (true, ..) | (false, false, Some(0)) => None,
            (false, true, _) => Some(State::ChunkSize),
            (false, false, Some(n)) => Some(State::Fixed(n)),
            (false, false, None) if closed_by_delimiter => Some(State::UntilDelimiter),
            (false, false, None) => Some(State::UntilClose),
        };
        let etag = self.side(Dir::Resp).head.etag.clone();
        let key = self.exchanges.row(row).filter(|_| code == 206).map(|r| r.range_key(etag, cx));
        let total = self.side(Dir::Resp).head.facts.range.map_or(length, |(_, _, total)| total);
        if let (true, Some(state)) = (doubt, state) {
            self.side(Dir::Resp).state = State::Doubtful;
            if let Some(watched) = self.watched(cx) {
                watched.doubt = Some((state, total));
            }
            return;
        }
        self.begin_body(Dir::Resp, state, total, key, cx);
    }

    /// The first byte behind the header of a response that should have no body, but tells of one.
    #[cold]
    fn after_doubt(&mut self, first: Option<u8>, cx: &mut Cx<'_>) {
        match self.watched.as_mut().and_then(|watched| watched.doubt.take()) {
            Some((state, total)) if first != Some(b'H') => self.begin_body(Dir::Resp, Some(state), total, None, cx),
            _ => self.finish(Dir::Resp, true, cx),
        }
    }

    /// The row of the WebSocket that begins here.
    fn websocket(&mut self, cx: &mut Cx<'_>) -> WebsocketRecord {
        let handshake = self.websocket.take().unwrap_or_default();
        let (mut record, odd) = handshake.finish(cx.head(cx.ts), cx.tail());
        if let Some(odd) = odd {
            cx.weird(odd);
        }
        let index = self.side(Dir::Resp).row;
        if let Some(row) = self.exchanges.row(index) {
            record.host = row.host.clone();
            record.uri = row.uri.clone();
            record.user_agent = row.user_agent.clone();
        }
        record
    }

    /// The stream ends here, or nobody can tell where the message does.
    fn interrupt(&mut self, side: Dir, closed: bool, cx: &mut Cx<'_>) {
        let s = self.side(side);
        if s.state == State::Strange {
            return self.strange(side, "bad_HTTP_reply", cx);
        }
        let s = self.side(side);
        if !s.ongoing {
            return;
        }
        let complete = closed && s.state == State::UntilClose || s.state == State::Doubtful;
        if !s.fold.is_empty() {
            self.finish_field(side, cx);
        }
        self.finish(side, complete, cx);
    }
}
