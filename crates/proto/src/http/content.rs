//! Bodies: how they are framed, and what goes to files.
//!
//! `Dir::Orig` below means the side of the requests.

use super::exchange::FileList;
use super::message::{self, StatusLine, Version};
use super::side::{State, Upgrade};
use super::{Core, Next};
use crate::Cx;
use crate::mime::Origin;
use crate::web::{self, Body};
use sekisho_record::Text;
use sekisho_types::Dir;
use smallvec::SmallVec;

impl Core {
    /// What comes at once behind a request without a body and is no request is taken for one, as Suricata does.
    pub(super) fn unexpected_body(&mut self, input: &[u8]) {
        let text = input.trim_ascii_start();
        let word = text.split(u8::is_ascii_whitespace).next().unwrap_or(&[]);
        let side = self.side(Dir::Orig);
        if side.ongoing || side.state != State::StartLine || word.is_empty() || message::is_method(word) {
            return;
        }
        let row = side.row;
        let suggested_name = None;
        let origin = Origin {
            source: "HTTP",
            is_orig: self.is_orig(Dir::Orig),
            range_key: None,
            suggested_name,
            numbered: false,
        };
        let body = Body::plain(origin);
        let side = self.side(Dir::Orig);
        side.ongoing = true;
        side.state = State::Fixed(input.len() as u64);
        side.body = Some(Box::new(body));
        if let Some(watched) = &mut self.watched {
            watched.event(Dir::Orig, row, "request_body_unexpected");
        }
    }

    /// Behind a header: a body, or the next message at once.
    pub(super) fn begin_body(
        &mut self,
        side: Dir,
        state: Option<State>,
        total_len: Option<u64>,
        range_key: Option<Text>,
        cx: &mut Cx<'_>,
    ) {
        let Some(state) = state else { return self.finish(side, true, cx) };
        let is_orig = self.is_orig(side);
        let row = self.side(side).row;
        let suggested_name = self.exchanges.row(row).and_then(|r| web::uri_name(&r.uri.as_ref()?.0)).map(Text::from);
        let s = self.side(side);
        s.state = state;
        let facts = std::mem::take(&mut s.head.facts);
        let origin = Origin { source: "HTTP", is_orig, range_key, suggested_name, numbered: false };
        let total_len = total_len.filter(|_| !s.head.chunked);
        s.body = Some(Box::new(Body::new(origin, facts, &s.head.codings, total_len, cx)));
    }

    pub(super) fn chunk_size(&mut self, side: Dir, line: &[u8], cx: &mut Cx<'_>) {
        if !side.is_orig() && message::trim_start(line).is_empty() {
            return;
        }
        let row = self.side(side).row;
        if let Some(watched) = &mut self.watched {
            let [extension, invalid] = if side.is_orig() {
                ["request_chunk_extension", "invalid_request_chunk_len"]
            } else {
                ["response_chunk_extension", "invalid_response_chunk_len"]
            };
            if memchr::memchr(b';', line).is_some() {
                watched.event(side, row, extension);
            }
            if message::chunk_size(line).is_none() {
                watched.event(side, row, invalid);
            }
        }
        let size = message::chunk_size(line);
        if size.is_none() && !side.is_orig() {
            // Not chunked after all: a browser shows what there is.
            cx.weird_with("HTTP_bad_chunk_size", Some(line.get(..64).unwrap_or(line).into()));
            self.side(side).state = State::UntilClose;
            self.push(side, line, cx);
            self.push(side, b"\r\n", cx);
            return;
        }
        if size.is_none() {
            cx.weird_with("HTTP_bad_chunk_size", Some(line.get(..64).unwrap_or(line).into()));
        }
        self.side(side).state = match size {
            Some(n) if n > 0 => State::Chunk(n),
            _ => State::Trailer,
        };
    }

    pub(super) fn body_bytes(&mut self, side: Dir, input: &mut &[u8], cx: &mut Cx<'_>) {
        let bytes = *input;
        let state = self.side(side).state;
        let left = match state {
            State::Fixed(n) | State::Chunk(n) => n,
            State::Bare => return self.bare_response(cx),
            State::Doubtful => return self.after_doubt(bytes.first().copied(), cx),
            State::UntilClose | State::UntilDelimiter => u64::MAX,
            _ => {
                *input = &[];
                return;
            }
        };
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let (content, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
        *input = rest;
        let taken = self.push(side, content, cx);
        let left = left.saturating_sub(content.len() as u64);
        match state {
            State::Fixed(_) if left == 0 => self.finish(side, true, cx),
            State::Fixed(_) => self.side(side).state = State::Fixed(left),
            State::Chunk(_) if left == 0 => self.side(side).state = State::ChunkEnd,
            State::Chunk(_) => self.side(side).state = State::Chunk(left),
            State::UntilDelimiter if self.side(side).body.as_ref().is_some_and(|b| b.is_closed()) => {
                *input = content.get(taken..).unwrap_or(&[]);
                self.finish(side, true, cx);
            }
            _ => {}
        }
    }

    /// The answer to a request of HTTP/0.9 has no header.
    pub(super) fn bare_response(&mut self, cx: &mut Cx<'_>) {
        self.begin_response(&StatusLine { version: Version::V09, code: 0, reason: None }, &[], cx);
        self.begin_body(Dir::Resp, Some(State::UntilClose), None, None, cx);
    }

    pub(super) fn push(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) -> usize {
        let room = self.room(dir, cx);
        let Some((first, rest)) = bytes.split_at_checked(room).filter(|_| room < bytes.len()) else {
            return self.push_all(dir, bytes, cx);
        };
        let taken = self.push_all(dir, first, cx);
        if taken < first.len() {
            return taken;
        }
        // What lies beyond the limit is counted, but goes to no file: that is cut off here.
        let Self { sides, exchanges, watched, .. } = self;
        let side = dir.of_mut(sides);
        let mut list = FileList { begun: SmallVec::new(), exchanges, index: side.row, request: dir.is_orig() };
        if let Some(body) = side.body.take() {
            body.finish(false, cx, &mut list);
        }
        if let Some(watched) = watched {
            watched.body(dir, side.row, rest.len(), &list.begun, cx);
        }
        bytes.len()
    }

    /// Bytes of a body that are still looked at, where the configuration of those who watch limits that.
    fn room(&self, dir: Dir, cx: &Cx<'_>) -> usize {
        let limits = cx.limits();
        let limit = if dir.is_orig() { limits.http_request_len } else { limits.http_response_len };
        if limit == u64::MAX || !cx.is_for_eve() || dir.of(&self.sides).body.is_none() {
            return usize::MAX;
        }
        let so_far = self.watched.as_ref().map_or(0, |watched| watched.body_len(dir, dir.of(&self.sides).row));
        usize::try_from(limit.saturating_sub(so_far)).unwrap_or(usize::MAX)
    }

    fn push_all(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) -> usize {
        let Self { sides, exchanges, watched, .. } = self;
        let side = dir.of_mut(sides);
        let open_ended = side.state == State::UntilDelimiter;
        let mut list = FileList { begun: SmallVec::new(), exchanges, index: side.row, request: dir.is_orig() };
        let taken = side.body.as_mut().map_or(bytes.len(), |b| b.push(bytes, open_ended, cx, &mut list));
        if let Some(watched) = watched {
            if let Some(odd) = side.body.as_mut().and_then(|b| b.take_odd()) {
                watched.event(dir, side.row, odd);
            }
            watched.body(dir, side.row, taken, &list.begun, cx);
        }
        taken
    }

    /// The current message is over.
    pub(super) fn finish(&mut self, side: Dir, complete: bool, cx: &mut Cx<'_>) {
        let Self { sides, exchanges, watched, .. } = self;
        let request = side.is_orig();
        let s = side.of_mut(sides);
        s.ongoing = false;
        s.state = State::StartLine;
        s.head.etag = None;
        let mut list = FileList { begun: SmallVec::new(), exchanges, index: s.row, request };
        // A last line without an end counts as if it had one where content is read by lines, as in Zeek.
        let line_end_len = if complete && s.body.as_ref().is_some_and(|b| b.ends_within_line()) { 2 } else { 0 };
        let len = s.body.take().map_or(0, |b| b.finish(complete, cx, &mut list)) + line_end_len;
        let row = s.row;
        if let Some(watched) = watched {
            watched.files(side, row, &list.begun);
            watched.end(side, row, cx);
        }
        if request {
            self.exchanges.end_request(row, len, cx);
            return;
        }
        let code = self.exchanges.row(row).and_then(|r| r.status_code).unwrap_or(0);
        let requests = self.side(Dir::Orig);
        let request_open = requests.ongoing && requests.row == row;
        self.exchanges.end_response(row, len, request_open, cx);
        self.end_response(code);
    }

    /// What a finished response means to what follows.
    pub(super) fn end_response(&mut self, code: u64) {
        let head = &self.side(Dir::Resp).head;
        let (wants, upgrade) = (head.wants_upgrade, head.upgrade);
        if (100..200).contains(&code) {
            if code == 101 && wants {
                self.next = upgrade.map(|u| match u {
                    Upgrade::Http2 => Next::Http2,
                    Upgrade::WebSocket => Next::WebSocket,
                    Upgrade::Other => Next::Probe,
                });
            }
            return;
        }
        let ask = self.unanswered.pop_front();
        if ask.is_some_and(|a| a.connect) && self.side(Dir::Orig).state == State::Off {
            self.side(Dir::Orig).state = State::StartLine;
        }
    }

    pub(super) fn gap(&mut self, side: Dir, len: u64, cx: &mut Cx<'_>) {
        let state = self.side(side).state;
        let left = match state {
            State::Fixed(n) | State::Chunk(n) => n,
            State::UntilClose => u64::MAX,
            State::Off => return,
            _ => 0,
        };
        let inside = len.min(left);
        if inside > 0 {
            let Self { sides, exchanges, .. } = self;
            let request = side.is_orig();
            let s = side.of_mut(sides);
            let mut list = FileList { begun: SmallVec::new(), exchanges, index: s.row, request };
            if let Some(body) = &mut s.body {
                body.gap(inside, cx, &mut list);
            }
            if let Some(watched) = &mut self.watched {
                watched.files(side, s.row, &list.begun);
            }
        }
        let left = left - inside;
        match state {
            State::Fixed(_) if len <= inside && left > 0 => self.side(side).state = State::Fixed(left),
            State::Fixed(_) if len <= inside => self.finish(side, false, cx),
            State::Chunk(_) if len <= inside && left > 0 => self.side(side).state = State::Chunk(left),
            State::Chunk(_) if len <= inside => self.side(side).state = State::ChunkEnd,
            State::UntilClose => {}
            _ => {
                self.interrupt(side, false, cx);
                self.side(side).state = State::Resync;
            }
        }
    }
}
