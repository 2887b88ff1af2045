//! What the tap and the rows share: the search in flows and files while the capture is read.

use super::ledger::{Entry, Ledger, Source};
use super::scratch::{Pot, Scratch, ScratchSpool};
use crate::passwords::Passwords;
use hashbrown::HashMap;
use sekisho_files::StoreId;
use sekisho_hunt::{Found, Hit, Hunt, Members, Stream, carve};
use sekisho_types::{Dir, FlowInfo, SeededState, Timestamp, Uid};
use sekisho_unpack::{Budget, Content, Limits, MemberId, Sink, Unpacker};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

/// Buffers of all streams; when they are full, all are searched as far as they go and begin anew.
const STREAMS_LEN_MAX: usize = 64 << 20;
/// Content kept of one direction that no protocol is known of.
pub const KEPT_LEN_MAX: u64 = 64 << 20;
/// Longest file that is searched to its end.
pub const FILE_LEN_MAX: u64 = 1 << 30;
/// Frames whose times are remembered.
const FRAME_COUNT_MAX: usize = 1 << 16;
/// Places in one content whose packets are remembered; from then on every other one.
const MARK_COUNT_MAX: usize = 1 << 14;
/// Work and bytes that one run may spend on unpacking; one file's limits are the unpacker's own.
const RUN_WORK_MAX: u64 = 64 << 30;

/// Offsets and the packets that brought what begins there, in order of offsets.
#[derive(Default)]
pub struct Marks {
    marks: VecDeque<(u64, u64)>,
    /// Bytes between two marks at least.
    step: u64,
}

impl Marks {
    /// What begins at `offset` came with `packet`.
    pub fn add(&mut self, offset: u64, packet: u64) {
        match self.marks.back() {
            Some(&(at, last)) if at <= offset && (last == packet || offset - at < self.step) => return,
            Some(&(at, _)) if at > offset => {
                // Parts of a resource come in any order.
                let i = self.marks.partition_point(|m| m.0 <= offset);
                self.marks.insert(i, (offset, packet));
            }
            _ => self.marks.push_back((offset, packet)),
        }
        if self.marks.len() >= MARK_COUNT_MAX {
            let mut odd = false;
            self.marks.retain(|_| {
                odd = !odd;
                odd
            });
            self.step = (self.step * 2).max(4096);
        }
    }

    /// The packet that brought what is at `offset`.
    pub fn packet(&self, offset: u64) -> Option<u64> {
        let i = self.marks.partition_point(|m| m.0 <= offset);
        self.marks.get(i.checked_sub(1)?).map(|m| m.1)
    }

    /// What lies before `offset` is not asked for any more.
    fn forget(&mut self, offset: u64) {
        while self.marks.get(1).is_some_and(|m| m.0 <= offset) {
            self.marks.pop_front();
        }
    }
}

/// One direction of a flow.
struct Side {
    /// From the smaller of the two ends.
    low: bool,
    source: Source,
    stream: Stream,
    marks: Marks,
    /// Everything, as long as no protocol is known that would make files of it.
    kept: Option<(Pot, Marks)>,
}

/// A flow under way.
struct Live {
    info: FlowInfo,
    sides: Vec<Side>,
    /// A protocol made files of it.
    has_files: bool,
}

/// A file under way.
struct Growing {
    info: Option<FlowInfo>,
    pot: Pot,
    marks: Marks,
}

/// What was left out, and why.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cuts {
    /// Windows with more hits than are told.
    pub hits: u64,
    /// Windows whose encoded parts weren't all decoded.
    pub decoding: u64,
    /// Streams searched in two parts because there were too many at a time.
    pub seams: u64,
    /// Contents searched only to a limit.
    pub contents: u64,
    /// Contents of which not everything was unpacked.
    pub unpacking: u64,
    /// Encrypted members.
    pub encrypted: u64,
}

/// What is done with hits that are certain.
pub type Tell = Box<dyn FnMut(&Ledger, Vec<Entry>)>;

/// One direction of a flow that no protocol is known of, and the packets that brought it.
type Kept = (Dir, Pot, Marks);

/// Passwords for archives.
pub struct Keys {
    given: Vec<Vec<u8>>,
    heard: Arc<sekisho_proto::Passwords>,
    heard_count: usize,
    all: Passwords,
}

impl Keys {
    /// Those given, and what parsers will hear.
    pub fn new(given: Vec<Vec<u8>>, heard: Arc<sekisho_proto::Passwords>) -> Self {
        Self { all: Passwords::new(given.clone(), Vec::new()), given, heard, heard_count: 0 }
    }

    /// All that are known by now.
    fn words(&mut self) -> &[Vec<u8>] {
        if self.heard.count() != self.heard_count {
            let heard = self.heard.list();
            self.heard_count = heard.len();
            self.all = Passwords::new(self.given.clone(), heard);
        }
        self.all.words()
    }
}

/// Everything that searches.
pub struct Core {
    pub hunt: Hunt,
    /// The same without decodings, for frames.
    bare: Hunt,
    pub ledger: Ledger,
    pub cuts: Cuts,
    /// What is done with hits that are certain.
    pub tell: Tell,
    /// What archives may be locked with: given, heard so far, usual.
    keys: Keys,
    scratch: Rc<Scratch>,
    live: HashMap<Uid, Live, SeededState>,
    /// Flow whose bytes came last: files that begin are its.
    current: Option<FlowInfo>,
    streams_len: usize,
    files: HashMap<u64, Growing, SeededState>,
    next_file: u64,
    /// Ended flows with kept content, until their conn row says what they spoke.
    ended: Vec<(FlowInfo, Vec<Kept>)>,
    frames: VecDeque<(u64, Timestamp)>,
    /// Number of the frame at hand if it has hits.
    frame_hits: u64,
    work: u64,
}

impl Core {
    pub fn new(hunt: Hunt, bare: Hunt, seed: u64, keys: Keys, tell: Tell) -> Self {
        let state = SeededState(seed);
        Self {
            hunt,
            bare,
            ledger: Ledger::new(seed),
            cuts: Cuts::default(),
            tell,
            keys,
            scratch: Rc::default(),
            live: HashMap::with_hasher(state),
            current: None,
            streams_len: 0,
            files: HashMap::with_hasher(state),
            next_file: 0,
            ended: Vec::new(),
            frames: VecDeque::new(),
            frame_hits: 0,
            work: 0,
        }
    }

    /// Time of a packet, if it isn't long ago.
    fn time_of(&self, packet: u64) -> Option<Timestamp> {
        let first = self.frames.front()?.0;
        let i = usize::try_from(packet.checked_sub(first)?).ok()?;
        // Filtered frames leave gaps in the numbers.
        match self.frames.get(i) {
            Some(&(number, ts)) if number == packet => Some(ts),
            _ => self.frames.binary_search_by_key(&packet, |f| f.0).ok().and_then(|i| self.frames.get(i)).map(|f| f.1),
        }
    }

    /// The packet of a time, if it isn't long ago: rows know the time only.
    pub fn packet_at(&self, ts: Timestamp) -> Option<u64> {
        self.frames.iter().rev().find(|f| f.1 == ts).map(|f| f.0)
    }

    /// A frame.
    pub fn frame(&mut self, number: u64, ts: Timestamp, bytes: &[u8], is_ip: bool) {
        if self.frames.len() >= FRAME_COUNT_MAX {
            self.frames.pop_front();
        }
        self.frames.push_back((number, ts));
        let mut found = Found::default();
        sekisho_hunt::search(if is_ip { &self.bare } else { &self.hunt }, bytes, &mut found);
        self.count(&found);
        self.frame_hits = if found.hits.is_empty() { 0 } else { number };
        for hit in found.hits {
            let entry = Entry {
                flow: None,
                dir: None,
                ts: Some(ts),
                packet: Some(number),
                source: Source::Frame,
                offset: hit.offset,
                file: None,
                path: Vec::new(),
                fields: Vec::new(),
                hit,
            };
            self.ledger.add(entry, None);
        }
        if self.ledger.is_full() {
            self.settle(false);
        }
    }

    /// Frame number `packet` belongs to flow `uid`.
    pub fn packet(&mut self, packet: u64, uid: Uid) {
        if self.frame_hits == packet {
            self.ledger.frame_of(packet, uid);
        }
    }

    /// A hit in a row.
    pub fn add_row_hit(&mut self, entry: Entry) {
        let info = entry.flow.and_then(|uid| self.live.get(&uid)).map(|l| l.info);
        self.ledger.add(entry, info.as_ref());
        if self.ledger.is_full() {
            self.settle(false);
        }
    }

    fn count(&mut self, found: &Found) {
        self.cuts.hits += found.hits_cut;
        self.cuts.decoding += found.decoding_cut;
    }

    /// Bytes of a flow. `offset` is `None` for datagrams, which follow one another.
    pub fn bytes(&mut self, info: &FlowInfo, dir: Dir, source: Source, offset: Option<u64>, bytes: &[u8], packet: u64) {
        self.current = Some(*info);
        let low = is_low(info, dir);
        let live =
            self.live.entry(info.uid).or_insert_with(|| Live { info: *info, sides: Vec::new(), has_files: false });
        live.info = *info;
        let at = match live.sides.iter().position(|s| s.low == low && s.source == source) {
            Some(at) => at,
            None => {
                let start = offset.unwrap_or(0);
                let kept = (!live.has_files && source != Source::Decrypted && start == 0 && !is_familiar(bytes))
                    .then(|| (Pot::new(&self.scratch), Marks::default()));
                let (stream, marks) = (Stream::new(start), Marks::default());
                live.sides.push(Side { low, source, stream, marks, kept });
                live.sides.len() - 1
            }
        };
        let Some(side) = live.sides.get_mut(at) else { return };
        let mut found = Found::default();
        let held = side.stream.held_len();
        let offset = offset.unwrap_or(side.stream.end());
        let old = (offset != side.stream.end()).then(|| {
            side.stream.cut(&self.hunt, offset, &mut found);
            std::mem::take(&mut side.marks)
        });
        let before = found.hits.len();
        side.marks.add(offset, packet);
        side.stream.push(&self.hunt, bytes, &mut found);
        self.streams_len = (self.streams_len + side.stream.held_len()).saturating_sub(held);
        if let Some((pot, marks)) = &mut side.kept {
            let at = if offset < pot.len() { None } else { Some(offset) };
            marks.add(offset, packet);
            let fits =
                at.is_some_and(|at| at.saturating_add(bytes.len() as u64) <= KEPT_LEN_MAX && pot.write_at(at, bytes));
            if !fits {
                self.cuts.contents += 1;
                side.kept = None;
            }
        }
        if !found.hits.is_empty() {
            let packets: Vec<Option<u64>> = found
                .hits
                .iter()
                .enumerate()
                .map(|(i, hit)| {
                    let marks = if i < before { old.as_ref() } else { Some(&side.marks) };
                    marks.and_then(|m| m.packet(hit.offset))
                })
                .collect();
            let hits = std::mem::take(&mut found.hits);
            self.add_stream_hits(info, dir, source, hits, &packets);
        }
        if let Some(side) = self.live.get_mut(&info.uid).and_then(|l| l.sides.get_mut(at)) {
            side.marks.forget(side.stream.start());
        }
        self.count(&found);
        if self.streams_len > STREAMS_LEN_MAX {
            self.cuts.seams += self.live.len() as u64;
            self.flush();
        }
    }

    fn add_stream_hits(&mut self, info: &FlowInfo, dir: Dir, source: Source, hits: Vec<Hit>, packets: &[Option<u64>]) {
        for (hit, packet) in hits.into_iter().zip(packets) {
            let ts = packet.and_then(|p| self.time_of(p));
            let entry = Entry {
                flow: Some(info.uid),
                dir: Some(dir),
                ts,
                packet: *packet,
                source,
                offset: hit.offset,
                file: None,
                path: Vec::new(),
                fields: Vec::new(),
                hit,
            };
            self.ledger.add(entry, Some(info));
        }
        if self.ledger.is_full() {
            self.settle(false);
        }
    }

    /// All streams are searched as far as they are known.
    fn flush(&mut self) {
        let uids: Vec<Uid> = self.live.keys().copied().collect();
        for uid in uids {
            let Some(mut live) = self.live.remove(&uid) else { continue };
            self.end_streams(&mut live);
            self.live.insert(uid, live);
        }
        self.streams_len = 0;
    }

    fn end_streams(&mut self, live: &mut Live) {
        let info = live.info;
        for side in &mut live.sides {
            let mut found = Found::default();
            let end = side.stream.end();
            self.streams_len = self.streams_len.saturating_sub(side.stream.held_len());
            side.stream.cut(&self.hunt, end, &mut found);
            let packets: Vec<Option<u64>> = found.hits.iter().map(|h| side.marks.packet(h.offset)).collect();
            let hits = std::mem::take(&mut found.hits);
            self.count(&found);
            if !hits.is_empty() {
                self.add_stream_hits(&info, dir_of(&info, side.low), side.source, hits, &packets);
            }
        }
    }

    /// The flow is over; what was kept of it waits for its conn row.
    pub fn closed(&mut self, info: &FlowInfo) {
        let Some(mut live) = self.live.remove(&info.uid) else { return };
        live.info = *info;
        self.end_streams(&mut live);
        let kept: Vec<Kept> = live
            .sides
            .into_iter()
            .filter_map(|s| s.kept.map(|(pot, marks)| (dir_of(info, s.low), pot, marks)))
            .filter(|(_, pot, _)| pot.len() > 0)
            .collect();
        if !kept.is_empty() && !live.has_files {
            self.ended.push((*info, kept));
        }
    }

    /// A conn row: what was kept of the flow is unpacked unless a protocol is known.
    pub fn conn(&mut self, uid: Uid, service: Option<&str>) {
        if let Some(service) = service {
            self.ledger.service(uid, service);
        }
        let Some(i) = self.ended.iter().rposition(|e| e.0.uid == uid) else { return };
        let (info, kept) = self.ended.swap_remove(i);
        if service.is_some() {
            return;
        }
        for (dir, pot, marks) in kept {
            self.unpack(pot, &Origin { info: Some(info), dir: Some(dir), file: None, marks }, true);
        }
    }

    /// A file begins.
    pub fn create(&mut self) -> StoreId {
        if let Some(live) = self.current.and_then(|c| self.live.get_mut(&c.uid)) {
            live.has_files = true;
            live.sides.iter_mut().for_each(|s| s.kept = None);
        }
        let id = self.next_file;
        self.next_file += 1;
        self.files.insert(id, Growing { info: self.current, pot: Pot::new(&self.scratch), marks: Marks::default() });
        StoreId(id)
    }

    /// Content of a file.
    pub fn write_at(&mut self, id: StoreId, offset: u64, bytes: &[u8], packet: u64) -> bool {
        let Some(file) = self.files.get_mut(&id.0) else { return false };
        file.marks.add(offset, packet);
        let kept = offset.saturating_add(bytes.len() as u64) <= FILE_LEN_MAX && file.pot.write_at(offset, bytes);
        self.cuts.contents += u64::from(!kept);
        kept
    }

    /// What a file has at `offset`.
    pub fn read_at(&self, id: StoreId, offset: u64, buf: &mut [u8]) -> usize {
        self.files.get(&id.0).map_or(0, |f| f.pot.read_at(offset, buf))
    }

    /// A file is over: it is searched with all that is in it.
    pub fn finish_file(&mut self, id: StoreId, info: FlowInfo, is_orig: bool, name: Option<&str>) {
        let Some(file) = self.files.remove(&id.0) else { return };
        let info = file.info.filter(|i| i.uid == info.uid).unwrap_or(info);
        let dir = if is_orig { Dir::Orig } else { Dir::Resp };
        let origin = Origin { info: Some(info), dir: Some(dir), file: name.map(Into::into), marks: file.marks };
        self.unpack(file.pot, &origin, false);
    }

    /// A file is given up; what there is of it is searched.
    pub fn discard(&mut self, id: StoreId) {
        let Some(file) = self.files.remove(&id.0) else { return };
        let origin = Origin { info: file.info, dir: None, file: None, marks: file.marks };
        self.unpack(file.pot, &origin, false);
    }

    /// Searches a content and its members. `raw`: a stream, which has been searched by itself, and in which something may begin anywhere.
    fn unpack(&mut self, pot: Pot, origin: &Origin, raw: bool) {
        let memory = pot.in_memory().map(<[u8]>::to_vec);
        let content = match &memory {
            Some(bytes) => Content::from_bytes(bytes),
            None => pot.into_content(),
        };
        let members = self.unpack_at(&content, 0, origin, raw);
        if !raw || members > 0 || !self.hunt.options().decode {
            return;
        }
        for at in carve(&content).into_iter().filter(|at| *at > 0) {
            let rest = content.slice(at, content.len() - at);
            self.unpack_at(&rest, at, origin, true);
        }
    }

    /// How many members there were.
    fn unpack_at(&mut self, content: &Content<'_>, at: u64, origin: &Origin, raw: bool) -> usize {
        let left = RUN_WORK_MAX.saturating_sub(self.work);
        let limits = Limits::default();
        let mut budget = Budget::new(Limits { work: limits.work.min(left), ..limits });
        let mut spool = ScratchSpool(Rc::clone(&self.scratch));
        let members = Members::new(&self.hunt);
        let mut members = if raw { members.without_root() } else { members };
        if self.hunt.options().decode {
            let name = origin.file.as_deref().unwrap_or("").as_bytes();
            Unpacker::new(&mut budget).spool(&mut spool).passwords(self.keys.words()).run(
                content.clone(),
                name,
                &mut members,
            );
        } else if !raw {
            let mut flat = Flat(&mut members);
            Unpacker::new(&mut budget).run(content.clone(), b"", &mut flat);
        }
        self.work += budget.work_done();
        self.cuts.unpacking += u64::from(budget.cuts().any(|c| c.1 > 0));
        self.cuts.encrypted += members.encrypted();
        let count = members.member_count();
        let (hits, found) = members.finish();
        self.count(&found);
        for found in hits {
            let offset = at + found.root_offset;
            let packet = origin.marks.packet(offset);
            let mut path = found.path;
            if at > 0 {
                path.insert(0, format!("at {at}"));
            }
            let entry = Entry {
                flow: origin.info.map(|i| i.uid),
                dir: origin.dir,
                ts: packet.and_then(|p| self.time_of(p)),
                packet,
                source: Source::File,
                offset,
                file: origin.file.clone(),
                path,
                fields: Vec::new(),
                hit: found.hit,
            };
            self.ledger.add(entry, origin.info.as_ref());
        }
        if self.ledger.is_full() {
            self.settle(false);
        }
        count
    }

    /// Tells what is certain; at the end, everything.
    pub fn settle(&mut self, all: bool) {
        if all {
            self.flush();
            let ended = std::mem::take(&mut self.ended);
            for (info, kept) in ended {
                for (dir, pot, marks) in kept {
                    self.unpack(pot, &Origin { info: Some(info), dir: Some(dir), file: None, marks }, true);
                }
            }
            for id in self.files.keys().copied().collect::<Vec<_>>() {
                self.discard(StoreId(id));
            }
        }
        let live = &self.live;
        let told = self.ledger.settle(&|uid| !all && live.contains_key(&uid));
        (self.tell)(&self.ledger, told);
    }
}

/// Where a content is from.
struct Origin {
    info: Option<FlowInfo>,
    dir: Option<Dir>,
    file: Option<Rc<str>>,
    marks: Marks,
}

/// Tells the outermost content alone.
struct Flat<'f, 'h>(&'f mut Members<'h>);

impl Sink for Flat<'_, '_> {
    fn member(&mut self, member: &sekisho_unpack::Member<'_>, content: &Content<'_>) -> sekisho_unpack::Visit {
        self.0.member(member, content);
        sekisho_unpack::Visit::Stop
    }

    fn anomaly(&mut self, _: MemberId, _: sekisho_unpack::Anomaly) {}
}

/// Is `dir` from the end that sorts first? The orientation of a flow may change, its ends don't.
fn is_low(info: &FlowInfo, dir: Dir) -> bool {
    (info.tuple.canonical().orig == info.tuple.orig && info.tuple.canonical().orig_port == info.tuple.orig_port)
        == dir.is_orig()
}

fn dir_of(info: &FlowInfo, low: bool) -> Dir {
    if is_low(info, Dir::Orig) == low { Dir::Orig } else { Dir::Resp }
}

/// Beginnings of what needs no keeping: TLS records, SSH, HTTP.
fn is_familiar(head: &[u8]) -> bool {
    const STARTS: &[&[u8]] = &[b"\x16\x03", b"SSH-", b"GET ", b"POST ", b"HEAD ", b"PUT ", b"HTTP/1.", b"PRI * HTTP"];
    STARTS.iter().any(|s| head.starts_with(s))
}
