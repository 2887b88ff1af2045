//! Frames: what parsers say is where in a stream or datagram, with the bytes.
//!
//! As Suricata does, a frame is looked at, and its event written, with a packet that goes its way, when its end is there; one
//! that goes on from [`LOOK_LEN`] bytes on, each time more of it has come. What is kept of a stream is what frames that go
//! on still need, and the last bytes, in which one may have begun of which the parser does not know yet.

use super::flow::Seen;
use super::rules::{Waiting, ends, no_packet};
use super::{At, Eye, names};
use crate::Rows;
use sekisho_flow::{Flow, Packet};
use sekisho_output::eve;
use sekisho_rules::{Anchor, FrameView, Hit, PacketView, Program};
use sekisho_transaction::{Frame, FrameId, FrameKind, FrameSet, Json, Mark, Transaction};
use sekisho_types::text::Line;
use sekisho_types::{Dir, FlowInfo, Timestamp, ip_proto};
use std::sync::Arc;

/// Frames of one direction of a flow that go on; of more nothing is told. Suricata's own limit.
const MAX_FRAMES: usize = 259;

/// Bytes from which on a frame that goes on is looked at; Suricata's.
const LOOK_LEN: u64 = 2500;

/// Bytes of a stream that are kept for frames that parsers tell of only when they have all of them.
const TAIL_LEN: u64 = 16 * 1024;

/// Bytes of one direction of a flow that are kept; of more the oldest go.
const MAX_SIDE_LEN: usize = 512 * 1024;

/// Bytes of all flows of one lane that are kept; beyond, frames have none.
const MAX_LANE_LEN: usize = 64 << 20;

/// Exchanges of a flow whose members are remembered for frames that belong to them.
const MAX_EXCHANGES: usize = 16;

/// Bytes of an exchange's members that are remembered.
const MAX_MEMBERS_LEN: usize = 64 * 1024;

/// What a lane has of frames beside those of its flows.
pub(super) struct Framing {
    wanted: FrameSet,
    /// Rules look at some.
    of_rules: bool,
    /// Bytes that follow those at hand and are known already.
    behind: u64,
    /// Bytes kept.
    len: usize,
    hits: Vec<Hit>,
    /// Frames of which nothing was told because there were too many, and bytes that were not kept.
    pub refused: u64,
}

impl Framing {
    pub fn new(logged: bool, program: Option<&Arc<Program>>) -> Self {
        let of_rules = program.map(|program| program.frames()).unwrap_or_default();
        let wanted = if logged { FrameSet::all() } else { of_rules };
        Self { wanted, of_rules: !of_rules.is_empty(), behind: 0, len: 0, hits: Vec::new(), refused: 0 }
    }
}

/// A frame.
#[derive(Clone, Copy, Debug)]
struct Known {
    id: u64,
    kind: FrameKind,
    /// Where in the stream or datagram.
    at: u64,
    len: Option<u64>,
    tx: Option<u64>,
    /// Bytes of it that rules have looked at.
    looked: u64,
    logged: bool,
}

/// Frames of one direction.
#[derive(Debug, Default)]
struct Side {
    frames: Vec<Known>,
    /// Frames so far.
    count: u64,
    bytes: Vec<u8>,
    /// Where they begin.
    base: u64,
    /// Nothing follows.
    ended: bool,
    /// Something came since the last look.
    fresh: bool,
}

/// Frames of a flow.
#[derive(Debug, Default)]
pub(super) struct Frames {
    sides: [Side; 2],
    /// What exchanges say that frames belong to.
    exchanges: Vec<(u64, Vec<u8>)>,
}

impl Known {
    /// Bytes of it that are there.
    fn there(&self, side: &Side) -> u64 {
        let there = side.end().saturating_sub(self.at);
        self.len.map_or(there, |len| len.min(there))
    }

    fn is_complete(&self, side: &Side) -> bool {
        self.len.is_some_and(|len| len <= side.end().saturating_sub(self.at))
    }
}

impl Side {
    fn end(&self) -> u64 {
        self.base.saturating_add(self.bytes.len() as u64)
    }

    /// What is kept from `from` to `to`.
    fn part(&self, from: u64, to: u64) -> &[u8] {
        let at = |offset: u64| usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let (from, to) = (at(from), at(to).min(self.bytes.len()));
        self.bytes.get(from..to).unwrap_or_default()
    }

    fn push(&mut self, offset: u64, bytes: &[u8]) {
        if offset != self.end() {
            self.bytes.clear();
            self.base = offset;
        }
        if self.frames.is_empty() {
            self.cut(offset.saturating_sub(TAIL_LEN));
        }
        self.bytes.extend_from_slice(bytes);
        self.cut(self.end().saturating_sub(MAX_SIDE_LEN as u64));
        self.fresh = true;
    }

    /// Forgets bytes before `offset`.
    fn cut(&mut self, offset: u64) {
        let gone = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.bytes.len());
        self.bytes.drain(..gone);
        self.base += gone as u64;
    }

    /// Forgets what nobody needs any more; `all` of it if nothing follows.
    fn prune(&mut self, all: bool) {
        let mut frames = std::mem::take(&mut self.frames);
        if all {
            frames.clear();
        }
        frames.retain(|frame| !frame.is_complete(self));
        // What is behind the first bytes of a frame was looked at, and its event written.
        self.cut(self.end().saturating_sub(TAIL_LEN));
        self.frames = frames;
    }

    /// The whole stream is a frame, too.
    fn add_stream(&mut self) {
        if self.count == 0 {
            self.add(FrameKind::Stream, 0, None, None);
        }
    }

    fn add(&mut self, kind: FrameKind, at: u64, len: Option<u64>, tx: Option<u64>) -> FrameId {
        self.count += 1;
        self.frames.push(Known { id: self.count, kind, at, len, tx, looked: 0, logged: false });
        FrameId(self.count)
    }

    /// As events and alerts show a frame.
    fn shown<'a>(&'a self, frame: &Known, dir: Dir, is_stream: bool) -> eve::Frame<'a> {
        let there = frame.there(self);
        let to = frame.at.saturating_add(there);
        eve::Frame {
            kind: frame.kind.info().name,
            id: frame.id,
            to_server: dir.is_orig(),
            offset: is_stream.then_some(frame.at),
            len: frame.len.unwrap_or(there),
            complete: frame.is_complete(self) && self.base <= frame.at,
            missing: self.base.saturating_sub(frame.at).min(there),
            payload: self.part(frame.at, to),
            tx: frame.tx,
        }
    }
}

impl Frames {
    /// The flow's ends were the wrong way round.
    pub fn turn(&mut self) {
        self.sides.swap(0, 1);
    }

    fn len(&self) -> usize {
        self.sides.iter().map(|side| side.bytes.len()).sum()
    }

    fn has_exchange(&self, id: u64) -> bool {
        self.sides.iter().flat_map(|side| &side.frames).any(|frame| frame.tx == Some(id))
    }
}

impl Eye {
    /// The frames that somebody wants.
    pub fn frames_wanted(&self) -> FrameSet {
        self.framing.wanted
    }

    /// `count` bytes of the stream at hand follow those that the parser is given next, and are known already.
    pub fn frames_behind(&mut self, count: u64) {
        self.framing.behind = count;
    }

    /// The next bytes of a stream, at `offset`; or a datagram. Without bytes: what is before is missing.
    pub fn frame_bytes(&mut self, flow: &Flow, dir: Dir, offset: u64, bytes: &[u8]) {
        self.framing.behind = 0;
        if self.framing.wanted.is_empty() {
            return;
        }
        let is_full = self.framing.len > MAX_LANE_LEN;
        let Some(seen) = self.flows.get_mut(&flow.info) else { return };
        let has_app = flow.info.tuple.proto != ip_proto::UDP && !seen.known_app(flow).is_empty();
        let frames = seen.frames.get_or_insert_default();
        let before = frames.len();
        let side = dir.of_mut(&mut frames.sides);
        if flow.info.tuple.proto == ip_proto::UDP {
            side.prune(true);
            side.bytes.clear();
            side.base = 0;
        }
        if self.framing.wanted.has(FrameKind::Stream) && has_app {
            side.add_stream();
        }
        if is_full {
            self.framing.refused += 1;
            side.push(offset.saturating_add(bytes.len() as u64), &[]);
        } else {
            side.push(offset, bytes);
        }
        self.framing.len = (self.framing.len + frames.len()).saturating_sub(before);
    }

    /// Nothing follows in a stream.
    pub fn frames_end(&mut self, flow: &FlowInfo, dir: Dir) {
        let Some(frames) = self.flows.get_mut(flow).and_then(|seen| seen.frames.as_mut()) else { return };
        let side = dir.of_mut(&mut frames.sides);
        let end = side.end();
        side.ended = true;
        side.fresh = true;
        for frame in side.frames.iter_mut().filter(|f| f.kind == FrameKind::Stream) {
            frame.len = Some(end.saturating_sub(frame.at));
        }
    }

    /// A frame has begun, `skip` bytes behind where it says.
    pub fn frame(&mut self, at: At<'_>, dir: Dir, frame: Frame, skip: u64) -> FrameId {
        let info = &at.flow.info;
        let is_stream = info.tuple.proto != ip_proto::UDP;
        let app = match frame.kind.info().app {
            "http1" => "http",
            app => app,
        };
        if self.is_off(at.flow, app) || self.settings.only_recognized.iter().any(|name| **name == *app) {
            return FrameId::default();
        }
        let wants_stream = is_stream && self.framing.wanted.has(FrameKind::Stream);
        let Some(seen) = self.flows.get_mut(info) else { return FrameId::default() };
        if seen.is_unfollowed(at.flow) || seen.is_bypassed() {
            return FrameId::default();
        }
        if seen.app.is_empty() {
            seen.note_app(names::of_exchange(app));
        }
        let frames = seen.frames.get_or_insert_default();
        let side = dir.of_mut(&mut frames.sides);
        let before = side.end().checked_sub(self.framing.behind).and_then(|end| end.checked_sub(frame.back));
        let Some(offset) = before.map(|at| at.saturating_add(skip)) else {
            return FrameId::default();
        };
        if is_stream && self.settings.depth.is_some_and(|depth| offset >= depth) {
            return FrameId::default();
        }
        if wants_stream {
            side.add_stream();
        }
        if side.frames.len() >= MAX_FRAMES {
            self.framing.refused += 1;
            return FrameId::default();
        }
        side.add(frame.kind, offset, frame.len, frame.tx)
    }

    /// More is known of a frame.
    pub fn frame_known(&mut self, flow: &FlowInfo, dir: Dir, id: FrameId, len: Option<u64>, tx: Option<u64>) {
        let Some(frames) = self.flows.get_mut(flow).and_then(|seen| seen.frames.as_mut()) else { return };
        let side = dir.of_mut(&mut frames.sides);
        if let Some(frame) = side.frames.iter_mut().find(|frame| frame.id == id.0) {
            frame.len = len.or(frame.len);
            frame.tx = tx.or(frame.tx);
        }
    }

    /// What an exchange says that frames belong to, for alerts about these.
    pub fn frame_exchange(&mut self, at: At<'_>, tx: &dyn Transaction, mark: &Mark) {
        if !self.framing.of_rules || !self.settings.alert.app_layer {
            return;
        }
        let info = &at.flow.info;
        let Some(frames) = self.flows.get_mut(info).and_then(|seen| seen.frames.as_mut()) else { return };
        if !frames.has_exchange(mark.id) {
            return;
        }
        let mut exchanges = std::mem::take(&mut frames.exchanges);
        let known = exchanges.iter().position(|(id, _)| *id == mark.id);
        if known.is_none() && exchanges.len() >= MAX_EXCHANGES {
            exchanges.remove(0);
        }
        let mut members = Line::default();
        let mut json = Json::within(&mut members, false, self.settings.options).for_alert();
        tx.eve(&mut json);
        for dir in [Dir::Orig, Dir::Resp] {
            if mark.files.iter().any(|(_, sender)| *sender == dir) {
                self.write_files(mark, dir, &mut json);
                break;
            }
        }
        let members = members.as_bytes();
        let members = if members.len() > MAX_MEMBERS_LEN { Vec::new() } else { members.to_vec() };
        match known.and_then(|at| exchanges.get_mut(at)) {
            Some((_, old)) => *old = members,
            None => exchanges.push((mark.id, members)),
        }
        if let Some(frames) = self.flows.get_mut(info).and_then(|seen| seen.frames.as_mut()) {
            frames.exchanges = exchanges;
        }
    }

    /// A flow is over: what is left of frames of `dir` is looked at.
    pub(super) fn last_frames(&mut self, at: At<'_>, dir: Dir, ts: Timestamp, rows: &mut dyn Rows) {
        let decoded = ends(at.flow, dir);
        self.look_at_frames(at, &no_packet(ts, &decoded), dir, rows);
        let seen = self.flows.get_mut(&at.flow.info);
        let Some(frames) = seen.and_then(|seen| seen.frames.as_mut()) else { return };
        let side = dir.of_mut(&mut frames.sides);
        self.framing.len = self.framing.len.saturating_sub(side.bytes.len());
        *side = Side::default();
    }

    /// A packet of `dir`: rules look at frames, events are written; those that are complete go.
    pub(super) fn look_at_frames(&mut self, at: At<'_>, packet: &Packet<'_>, dir: Dir, rows: &mut dyn Rows) {
        let seen = self.flows.get_mut(&at.flow.info);
        let Some((frames, closed)) = seen.and_then(|seen| {
            let closed = seen.is_closed();
            Some((seen.frames.take_if(|frames| !dir.of(&frames.sides).frames.is_empty())?, closed))
        }) else {
            return;
        };
        let mut frames = frames;
        let before = frames.len();
        let over = closed || packet.number == 0;
        if std::mem::take(&mut dir.of_mut(&mut frames.sides).fresh) || over {
            self.inspect_frames(at, packet, dir, &mut frames, over, rows);
        }
        if self.settings.is_on("frame") {
            self.log_frames(at, packet, dir, &mut frames, over, rows);
        }
        dir.of_mut(&mut frames.sides).prune(over || at.flow.info.tuple.proto == ip_proto::UDP);
        let mut exchanges = std::mem::take(&mut frames.exchanges);
        exchanges.retain(|(id, _)| frames.has_exchange(*id));
        frames.exchanges = exchanges;
        self.framing.len = (self.framing.len + frames.len()).saturating_sub(before);
        if let Some(seen) = self.flows.get_mut(&at.flow.info) {
            seen.frames = Some(frames);
        }
    }

    fn inspect_frames(
        &mut self,
        at: At<'_>,
        packet: &Packet<'_>,
        dir: Dir,
        frames: &mut Frames,
        over: bool,
        rows: &mut dyn Rows,
    ) {
        if !self.framing.of_rules {
            return;
        }
        for i in 0..dir.of(&frames.sides).frames.len() {
            let side = dir.of_mut(&mut frames.sides);
            let Some(frame) = side.frames.get(i).copied() else { break };
            let (there, complete) = (frame.there(side), frame.is_complete(side));
            if there <= frame.looked || !(complete || over || there >= LOOK_LEN) {
                continue;
            }
            if let Some(frame) = side.frames.get_mut(i) {
                frame.looked = there;
            }
            let hits = self.frame_hits(at, packet, dir, side, &frame);
            for hit in &hits {
                let waiting = self.of_frame(at, hit, dir, frames, &frame);
                self.alert(Some(at), Some(packet), &waiting, rows);
            }
            self.framing.hits = hits;
        }
    }

    /// What rules say of what has come of a frame.
    fn frame_hits(&mut self, at: At<'_>, packet: &Packet<'_>, dir: Dir, side: &Side, frame: &Known) -> Vec<Hit> {
        let mut hits = std::mem::take(&mut self.framing.hits);
        hits.clear();
        let Some(rules) = &mut self.rules else { return hits };
        let Some(seen) = self.flows.get_mut(&at.flow.info) else { return hits };
        let new = frame.at.saturating_add(frame.looked);
        let from = new.saturating_sub(LOOK_LEN).max(frame.at).max(side.base);
        let there = frame.there(side);
        let view = FrameView {
            kind: frame.kind,
            dir,
            id: frame.id,
            tx: frame.tx,
            bytes: side.part(from, frame.at.saturating_add(there)),
            base: from.saturating_sub(frame.at),
            reach: usize::try_from(new.saturating_sub(from)).unwrap_or(usize::MAX),
            ends: frame.is_complete(side),
        };
        let Packet { ts, number, decoded, frame, .. } = *packet;
        let packet_view = PacketView { ts, number, decoded, frame, events: &[] };
        let flow_view = seen.view(at.flow, dir, ts);
        let state = seen.rules.get_or_insert_default();
        rules.inspector.frame(&packet_view, &flow_view, state, &view, &mut hits);
        rules.inspector.settle(&packet_view, Some((&flow_view, state)), &mut hits);
        hits
    }

    /// An alert about a frame.
    fn of_frame(&self, at: At<'_>, hit: &Hit, dir: Dir, frames: &Frames, frame: &Known) -> Waiting {
        let is_stream = at.flow.info.tuple.proto != ip_proto::UDP;
        let side = dir.of(&frames.sides);
        let mut waiting = Waiting { stream: is_stream, ..Waiting::new(hit, dir) };
        if let Anchor::Frame(_, _, tx) = hit.anchor {
            waiting.tx_id = tx;
        }
        let mut members = Line::default();
        let mut json = Json::within(&mut members, false, self.settings.options);
        side.shown(frame, dir, is_stream).write(&mut json);
        let exchange = frames.exchanges.iter().find(|(id, _)| Some(*id) == waiting.tx_id);
        if let Some((_, members)) = exchange.filter(|(_, members)| !members.is_empty()) {
            json.members(members);
        }
        waiting.members = members.as_bytes().to_vec();
        if is_stream && self.settings.alert.shows_payload() {
            waiting.payload = side.bytes.get(..eve::MAX_PAYLOAD_LEN).unwrap_or(&side.bytes).to_vec();
        }
        waiting
    }

    fn log_frames(
        &mut self,
        at: At<'_>,
        packet: &Packet<'_>,
        dir: Dir,
        frames: &mut Frames,
        over: bool,
        rows: &mut dyn Rows,
    ) {
        let is_stream = at.flow.info.tuple.proto != ip_proto::UDP;
        let app = self.flows.get(&at.flow.info).map_or("", |seen| Seen::known_app(seen, at.flow));
        for i in 0..dir.of(&frames.sides).frames.len() {
            let side = dir.of_mut(&mut frames.sides);
            let Some(frame) = side.frames.get(i).copied() else { break };
            let waits = frame.len.is_some() && !frame.is_complete(side) && frame.there(side) < LOOK_LEN;
            if frame.logged || waits && !over && !side.ended && is_stream {
                continue;
            }
            if let Some(frame) = side.frames.get_mut(i) {
                frame.logged = true;
            }
            let head = self.head(at, packet.ts, "frame", dir);
            let shown = side.shown(&frame, dir, is_stream);
            self.write(rows, Some(at), &head, |json| {
                if !app.is_empty() {
                    json.text("app_proto", app);
                }
                shown.write(json);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(len: usize) -> Side {
        let mut side = Side::default();
        let bytes: Vec<u8> = (0..=255).cycle().take(len).collect();
        bytes.chunks(1000).fold(0, |at, chunk| {
            side.push(at, chunk);
            at + chunk.len() as u64
        });
        side
    }

    #[test]
    fn a_stream_s_last_bytes_are_kept_and_no_more_than_frames_need() {
        let mut idle = side(1 << 20);
        assert_eq!((idle.end(), idle.bytes.len() as u64), (1 << 20, TAIL_LEN + (1 << 20) % 1000));
        assert_eq!(idle.part(idle.end() - 2, u64::MAX), [254, 255]);
        // A hole: what is before belongs to no frame any more.
        idle.push((1 << 20) + 5, b"abc");
        assert_eq!((idle.base, &idle.bytes[..]), ((1 << 20) + 5, &b"abc"[..]));

        let mut busy = Side::default();
        busy.add(FrameKind::SmtpData, 0, None, None);
        for at in 0..2000 {
            busy.push(at * 1000, &[0; 1000]);
        }
        assert_eq!((busy.end(), busy.bytes.len()), (2_000_000, MAX_SIDE_LEN));
        busy.prune(false);
        assert_eq!((busy.frames.len(), busy.bytes.len() as u64), (1, TAIL_LEN));
        busy.prune(true);
        assert!(busy.frames.is_empty());
    }

    #[test]
    fn frames_are_complete_when_their_end_is_there() {
        let mut side = side(100);
        for (at, len) in [(10, Some(90)), (10, Some(91)), (10, None), (200, Some(1)), (100, Some(0))] {
            side.add(FrameKind::TlsPdu, at, len, Some(4));
        }
        let of = |n: usize| (side.frames[n].there(&side), side.frames[n].is_complete(&side));
        assert_eq!([0, 1, 2, 3, 4].map(of), [(90, true), (90, false), (90, false), (0, false), (0, true)]);
        let shown = side.shown(&side.frames[1], Dir::Orig, true);
        assert_eq!((shown.offset, shown.len, shown.complete, shown.missing), (Some(10), 91, false, 0));
        assert_eq!((shown.payload.len(), shown.id, shown.tx), (90, 2, Some(4)));
        let open = side.shown(&side.frames[2], Dir::Resp, false);
        assert_eq!((open.offset, open.len, open.complete, open.to_server), (None, 90, false, false));
        side.cut(40);
        let cut = side.shown(&side.frames[0], Dir::Orig, true);
        assert_eq!((cut.missing, cut.payload.len(), cut.complete), (30, 60, false));
        side.prune(false);
        assert_eq!(side.frames.iter().map(|frame| frame.id).collect::<Vec<_>>(), [2, 3, 4]);
    }

    #[test]
    fn the_whole_stream_is_the_first_frame() {
        let mut side = side(10);
        side.add_stream();
        side.add_stream();
        assert_eq!(side.add(FrameKind::TlsPdu, 0, Some(5), None), FrameId(2));
        side.add_stream();
        assert_eq!((side.frames.len(), side.frames[0].kind, side.frames[0].len), (2, FrameKind::Stream, None));
    }
}
