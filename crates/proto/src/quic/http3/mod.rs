//! HTTP/3 (RFC 9114): what the streams of a decrypted connection carry. Each request is a row of `http` with version
//! `3`, through the same helpers as HTTP/2.
//!
//! A hole costs what lies in it: fields are compressed so that only the encoder's stream must be whole, and behind a
//! hole in content the frames go on. Limits: [`MAX_KEPT_FRAME_LEN`], [`MAX_INSTRUCTION_LEN`], [`MAX_BLOCKED_STREAMS`],
//! [`MAX_WAITING_LEN`]. Known gaps: datagrams (RFC 9297) and WebTransport are not looked into.

mod fixed;
mod frame;
mod qpack;
#[cfg(test)]
mod tests;

pub use frame::MAX_KEPT_FRAME_LEN;
pub use qpack::MAX_INSTRUCTION_LEN;

use super::packet::varint;
use crate::Cx;
use crate::web::{Streams, Version};
use frame::{Frames, Part, kind};
use qpack::Decoder;
use sekisho_types::{Dir, Heap};
use sekisho_wire::Reader;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// Streams that wait for entries of a table at once; ends allow each other 100 at most.
pub const MAX_BLOCKED_STREAMS: usize = 128;

/// Bytes of one connection that wait: frames that are not yet whole, sections whose table entries are to come, and what
/// is behind these.
pub const MAX_WAITING_LEN: usize = 1 << 20;

/// Name in conn's `service`.
const SERVICE: &str = "http3";

/// Types of unidirectional streams (RFC 9114 §6.2, RFC 9204 §4.2).
mod role {
    pub(super) const CONTROL: u64 = 0;
    pub(super) const PUSH: u64 = 1;
    pub(super) const ENCODER: u64 = 2;
}

/// Settings (RFC 9204 §5).
const QPACK_MAX_TABLE_CAPACITY: u64 = 1;

/// What an entry of a map takes beside its value, roughly.
const NODE_LEN: usize = 16;

/// What one direction of a stream carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    /// The type at the beginning of a unidirectional stream has not come.
    #[default]
    Undecided,
    Control,
    Encoder,
    /// Frames of the request with this key, see [`push_key`].
    Frames(u64),
    /// Nothing that is looked at.
    Other,
}

/// A section that needs entries of the table which have not come, and what is behind it in its stream.
struct Waiting {
    kind: u64,
    section: Vec<u8>,
    behind: Vec<u8>,
    /// The stream's end has come, too, and whether in order.
    end: Option<bool>,
}

/// One direction of a stream.
#[derive(Default)]
struct Lane {
    role: Role,
    /// The beginning of a unidirectional stream, until its type is known.
    head: SmallVec<[u8; 16]>,
    frames: Frames,
    waiting: Option<Box<Waiting>>,
    /// What is counted for it.
    counted: usize,
}

/// Both directions of a stream.
#[derive(Default)]
struct Lanes {
    lanes: [Lane; 2],
    /// The stream's row was begun.
    begun: bool,
    /// The stream is over; something of it still waits.
    closed: bool,
}

/// The state of one connection.
pub(super) struct Http3 {
    /// By the direction of the fields.
    tables: [Decoder; 2],
    requests: Streams,
    lanes: BTreeMap<u64, Lanes>,
    /// Which wait for their table.
    blocked: Vec<(u64, Dir)>,
    /// What all lanes hold.
    waiting_len: usize,
}

impl Default for Http3 {
    fn default() -> Self {
        Self {
            tables: Default::default(),
            requests: Streams::new(Version::Three),
            lanes: BTreeMap::new(),
            blocked: Vec::new(),
            waiting_len: 0,
        }
    }
}

impl Heap for Http3 {
    fn heap_len(&self) -> usize {
        let lanes = self.lanes.len() * (size_of::<Lanes>() + NODE_LEN) + sekisho_types::list_len(&self.blocked);
        self.tables.as_slice().heap_len() + self.requests.heap_len() + lanes + self.waiting_len
    }
}

impl Lane {
    fn held_len(&self) -> usize {
        let waiting =
            self.waiting.as_ref().map_or(0, |w| size_of::<Waiting>() + w.section.heap_len() + w.behind.heap_len());
        self.frames.heap_len() + waiting
    }
}

/// Requests are kept by the number of their stream, which divides by four; pushed ones by these.
const fn push_key(push: u64) -> u64 {
    push.wrapping_mul(4) | 1
}

/// What [`Http3::feed`] met.
enum Met {
    /// The bytes are used up.
    End,
    /// A section that must wait; so many bytes of the input are behind it.
    Blocked { kind: u64, section: Vec<u8>, left: usize },
}

impl Http3 {
    /// In-order bytes of stream `id`.
    pub(super) fn data(&mut self, id: u64, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if self.waits(id, dir, bytes) {
            return;
        }
        // Too much is behind a section that waits.
        self.resume(id, dir, true, cx);
        let Some(bytes) = self.begin(id, dir, bytes) else { return };
        self.bytes(id, dir, &bytes, false, cx);
    }

    fn lane(&mut self, id: u64, dir: Dir) -> &mut Lane {
        let [orig, resp] = &mut self.lanes.entry(id).or_default().lanes;
        if dir.is_orig() { orig } else { resp }
    }

    /// Keeps bytes behind a section that waits, if one does and there is room.
    fn waits(&mut self, id: u64, dir: Dir, bytes: &[u8]) -> bool {
        let room = MAX_WAITING_LEN.saturating_sub(self.waiting_len);
        let lane = self.lane(id, dir);
        let Some(waiting) = lane.waiting.as_mut().filter(|_| bytes.len() <= room) else { return false };
        waiting.behind.extend_from_slice(bytes);
        self.count(id, dir);
        true
    }

    /// Counts a lane anew.
    fn count(&mut self, id: u64, dir: Dir) {
        let lane = self.lane(id, dir);
        let now = lane.held_len();
        let before = std::mem::replace(&mut lane.counted, now);
        self.waiting_len = self.waiting_len.saturating_sub(before).saturating_add(now);
    }

    /// What of `bytes` is behind the type that unidirectional streams begin with; `None` if it has not come.
    fn begin<'b>(&mut self, id: u64, dir: Dir, bytes: &'b [u8]) -> Option<std::borrow::Cow<'b, [u8]>> {
        let lane = self.lane(id, dir);
        if lane.role != Role::Undecided {
            return Some(bytes.into());
        }
        if id & 2 == 0 {
            // Servers open none with two directions (RFC 9114 §6.1).
            lane.role = if id & 1 == 0 { Role::Frames(id) } else { Role::Other };
            return Some(bytes.into());
        }
        lane.head.extend_from_slice(bytes);
        let head = std::mem::take(&mut lane.head);
        let mut r = Reader::new(&head);
        let role = varint(&mut r, &"stream type").and_then(|role| {
            Ok(match role {
                role::CONTROL => Role::Control,
                role::ENCODER => Role::Encoder,
                role::PUSH if !dir.is_orig() => Role::Frames(push_key(varint(&mut r, &"push id")?)),
                _ => Role::Other,
            })
        });
        let rest = r.take_rest().to_vec();
        match role {
            Ok(role) => lane.role = role,
            Err(_) => lane.head = head,
        }
        if let Ok(Role::Frames(key)) = role {
            self.requests.number(key, id);
        }
        role.is_ok().then(|| rest.into())
    }

    /// Bytes of a stream whose role is known; `late`: no section waits.
    fn bytes(&mut self, id: u64, dir: Dir, bytes: &[u8], late: bool, cx: &mut Cx<'_>) {
        match self.lane(id, dir).role {
            Role::Encoder => {
                let Some(table) = self.tables.get_mut(dir.index()) else { return };
                if table.instructions(bytes).is_err() {
                    cx.weird("HTTP3_bad_encoder_stream");
                }
                self.unblock(dir, cx);
            }
            Role::Control => self.control(id, dir, bytes),
            Role::Frames(key) => {
                match self.feed(id, (key, late), dir, bytes, cx) {
                    Met::End => {}
                    Met::Blocked { kind, section, left } => {
                        let behind = bytes.get(bytes.len().saturating_sub(left)..).unwrap_or(&[]).to_vec();
                        let waiting = Waiting { kind, section, behind, end: None };
                        self.lane(id, dir).waiting = Some(Box::new(waiting));
                        self.blocked.push((id, dir));
                    }
                }
                self.count(id, dir);
                if self.waiting_len > MAX_WAITING_LEN || self.blocked.len() > MAX_BLOCKED_STREAMS {
                    self.relieve(id, dir, cx);
                }
            }
            Role::Undecided | Role::Other => {}
        }
    }

    /// Stream `id` is over its share: what it keeps is given up.
    fn relieve(&mut self, id: u64, dir: Dir, cx: &mut Cx<'_>) {
        cx.weird("HTTP3_waiting_over_limit");
        self.resume(id, dir, true, cx);
        self.lane(id, dir).frames.drop_frame();
        self.count(id, dir);
    }

    /// Frames of a request or of the answer to one, up to a section that must wait.
    fn feed(&mut self, id: u64, (key, late): (u64, bool), dir: Dir, mut bytes: &[u8], cx: &mut Cx<'_>) -> Met {
        let Self { tables, requests, lanes, .. } = self;
        let [of_orig, of_resp] = tables;
        let table = if dir.is_orig() { of_orig } else { of_resp };
        let Some(Lanes { lanes: [orig, resp], begun, .. }) = lanes.get_mut(&id) else { return Met::End };
        let frames = if dir.is_orig() { &mut orig.frames } else { &mut resp.frames };
        while let Some(part) = frames.next(&mut bytes) {
            match part {
                Part::Content(content) => requests.content(key, dir, content, false, cx),
                Part::TooLong => cx.weird("HTTP3_frame_over_limit"),
                Part::Whole(kind @ (kind::HEADERS | kind::PUSH_PROMISE), payload) => {
                    if !late && table.blocks(of_fields(kind, payload)) {
                        let section = payload.to_vec();
                        frames.rest();
                        return Met::Blocked { kind, section, left: bytes.len() };
                    }
                    section(table, requests, (key, begun), dir, (kind, payload), late, cx);
                }
                Part::Whole(..) => {}
            }
        }
        frames.rest();
        Met::End
    }

    fn control(&mut self, id: u64, dir: Dir, mut bytes: &[u8]) {
        let Self { tables: [of_orig, of_resp], lanes, .. } = self;
        // What an end says of itself is about the tables of what it receives.
        let table = if dir.is_orig() { of_resp } else { of_orig };
        let Some(Lanes { lanes: [orig, resp], .. }) = lanes.get_mut(&id) else { return };
        let frames = if dir.is_orig() { &mut orig.frames } else { &mut resp.frames };
        while let Some(part) = frames.next(&mut bytes) {
            let Part::Whole(kind::SETTINGS, payload) = part else { continue };
            let mut r = Reader::new(payload);
            while let (Ok(id), Ok(value)) = (varint(&mut r, &"setting"), varint(&mut r, &"setting's value")) {
                if id == QPACK_MAX_TABLE_CAPACITY {
                    table.set_limit(value);
                }
            }
        }
        frames.rest();
        self.count(id, dir);
    }

    /// New entries have come: sections that need no more are read.
    fn unblock(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        let candidates: SmallVec<[u64; 8]> = self.blocked.iter().filter(|b| b.1 == dir).map(|b| b.0).collect();
        for id in candidates {
            let Some(table) = self.tables.get(dir.index()) else { return };
            let waiting = self.lanes.get(&id).and_then(|l| l.lanes.get(dir.index())?.waiting.as_ref());
            if waiting.is_some_and(|w| !table.blocks(of_fields(w.kind, &w.section))) {
                self.resume(id, dir, false, cx);
            }
        }
    }

    /// Reads a section that waited and goes on behind it; `late`: whether or not its entries have come.
    fn resume(&mut self, id: u64, dir: Dir, late: bool, cx: &mut Cx<'_>) {
        let lane = self.lane(id, dir);
        let (Some(waiting), Role::Frames(key)) = (lane.waiting.take(), lane.role) else { return };
        self.blocked.retain(|b| *b != (id, dir));
        self.count(id, dir);
        let Waiting { kind, section: bytes, behind, end } = *waiting;
        let Self { tables: [of_orig, of_resp], requests, lanes, .. } = self;
        let table = if dir.is_orig() { of_orig } else { of_resp };
        if let Some(lanes) = lanes.get_mut(&id) {
            section(table, requests, (key, &mut lanes.begun), dir, (kind, &bytes), late, cx);
        }
        self.bytes(id, dir, &behind, late, cx);
        if let Some(complete) = end {
            self.end(id, dir, complete, cx);
        }
        if self.lanes.get(&id).is_some_and(|l| l.closed) {
            self.close(id);
        }
    }

    /// `len` bytes of stream `id` will never come.
    pub(super) fn gap(&mut self, id: u64, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        self.resume(id, dir, true, cx);
        let lane = self.lane(id, dir);
        match lane.role {
            Role::Encoder => {
                if let Some(table) = self.tables.get_mut(dir.index()) {
                    table.lose();
                }
                cx.weird("HTTP3_encoder_stream_incomplete");
                self.unblock(dir, cx);
            }
            Role::Frames(key) => match lane.frames.gap(len) {
                Some(true) => self.requests.gap(key, dir, len, cx),
                Some(false) => {}
                None => {
                    lane.role = Role::Other;
                    self.requests.ended(key, dir, false, cx);
                }
            },
            _ => lane.role = Role::Other,
        }
        self.count(id, dir);
    }

    /// One direction of stream `id` is over; `complete`: in order.
    pub(super) fn end(&mut self, id: u64, dir: Dir, complete: bool, cx: &mut Cx<'_>) {
        let lane = self.lane(id, dir);
        if let Some(waiting) = lane.waiting.as_mut().filter(|_| complete) {
            waiting.end = Some(complete);
            return;
        }
        self.resume(id, dir, true, cx);
        if let Role::Frames(key) = self.lane(id, dir).role {
            self.requests.ended(key, dir, complete, cx);
        }
    }

    /// Stream `id` is over in all its directions.
    pub(super) fn close(&mut self, id: u64) {
        if let Some(lanes) = self.lanes.get_mut(&id).filter(|l| l.lanes.iter().any(|lane| lane.waiting.is_some())) {
            lanes.closed = true;
            return;
        }
        if let Some(lanes) = self.lanes.remove(&id) {
            let counted: usize = lanes.lanes.iter().map(|lane| lane.counted).sum();
            self.waiting_len = self.waiting_len.saturating_sub(counted);
        }
    }

    /// The connection is over: what waits is read as far as it can be, and everything is logged.
    pub(super) fn finish(&mut self, cx: &mut Cx<'_>) {
        for (id, dir) in std::mem::take(&mut self.blocked) {
            self.resume(id, dir, true, cx);
        }
        self.requests.flush(cx);
    }
}

/// The compressed fields of a HEADERS or PUSH_PROMISE frame.
fn of_fields(kind: u64, payload: &[u8]) -> &[u8] {
    promise(kind, payload).map_or(payload, |(_, fields)| fields)
}

/// The push id of a PUSH_PROMISE frame, and the fields behind it.
fn promise(kind: u64, payload: &[u8]) -> Option<(u64, &[u8])> {
    let mut r = Reader::new(payload);
    let push = varint(&mut r, &"push id").ok().filter(|_| kind == kind::PUSH_PROMISE)?;
    Some((push, r.take_rest()))
}

/// Reads a section into its request's row.
fn section(
    table: &Decoder,
    requests: &mut Streams,
    (key, begun): (u64, &mut bool),
    dir: Dir,
    (kind, payload): (u64, &[u8]),
    late: bool,
    cx: &mut Cx<'_>,
) {
    cx.confirm(SERVICE);
    // A promise is a request that the server makes in the client's name.
    let promised = promise(kind, payload);
    let (key, side, bytes) = match promised {
        Some((push, fields)) => (push_key(push), Dir::Orig, fields),
        None => (key, dir, payload),
    };
    // A row that was logged is not begun again by what comes behind.
    if promised.is_some() || !std::mem::replace(begun, true) {
        requests.open(key, side, cx);
    }
    match table.section(bytes, late, |name, value| requests.field(key, side, name, value, cx)) {
        Ok(false) => {}
        Ok(true) => cx.weird("HTTP3_too_many_fields"),
        Err(_) => cx.weird("HTTP3_bad_field_section"),
    }
    requests.headed(key, side, promised.is_some(), cx);
}
