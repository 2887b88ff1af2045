//! All files of one worker.

use crate::file::{FLOWS_PER_FILE_MAX, File, Way};
use crate::record::FlowColumns;
use crate::{
    Extract, FileMeta, FileRecord, FileSummary, Finished, HashSet, Hashes, OcspRecord, PeRecord, Store, ocsp, pe,
};
use hashbrown::HashMap;
use sekisho_record::{Set, Tail, Text};
use sekisho_types::{Addr, Arrival, FlowInfo, Heap, Interval, SeededState, Timestamp, Uid, block_len};

/// Places of one flow's file number in its table, which is between 7/16 and 7/8 full.
const NUMBER_LEN: usize = size_of::<(Uid, u32)>() * 16 / 9;

/// What an open file costs beside itself: its slot and, of a joined resource, its entry.
const PLACE_LEN: usize = size_of::<Slot>() * 2;

/// Packet time between two looks for files that stalled.
const SWEEP_INTERVAL: Interval = Interval::from_secs(30);

/// What files may cost, and what to do with their content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files open at a time; further ones are refused.
    pub open_count: usize,
    /// Memory for open files; beyond, new ones are refused and no more content is kept for hashing or typing.
    pub held_len: usize,
    /// Flows whose files are numbered at a time; when more carry files, numbering starts anew under another key.
    pub numbered_count: usize,
    /// Digests to compute.
    pub hashes: HashSet,
    /// Of a file with holes the digests are of what there is, for those who follow it; its row has none.
    pub lossy_hashes: bool,
    /// Content that goes to the store.
    pub extract: Extract,
    /// Bytes per extracted file, holes included.
    pub extract_file_len: u64,
    /// Bytes of all files extracted by this worker.
    pub extract_total_len: u64,
}

impl Default for Limits {
    /// A million files, 128 MiB, no digests, no extraction; when asked for: 4 GiB per file, 64 GiB in all.
    fn default() -> Self {
        Self {
            open_count: 1 << 20,
            held_len: 128 << 20,
            numbered_count: 65_536,
            hashes: HashSet::NONE,
            lossy_hashes: false,
            extract: Extract::Nothing,
            extract_file_len: 4 << 30,
            extract_total_len: 64 << 30,
        }
    }
}

/// What the manager did, and which limits bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files that were opened, joined parts counted once.
    pub opened: u64,
    /// Files refused because of [`Limits::open_count`] or [`Limits::held_len`].
    pub refused: u64,
    /// Files that stalled.
    pub timed_out: u64,
    /// Pieces of resources refused because of too many separate spans.
    pub spans_refused: u64,
    /// Early pieces of resources that could not be held for hashing.
    pub held_refused: u64,
    /// Extractions cut off at a size limit.
    pub extract_cut_off: u64,
    /// Extractions that the store gave up.
    pub store_failed: u64,
    /// Bytes handed to the store.
    pub extracted_len: u64,
    /// Files open now.
    pub open_now: u64,
    /// Memory that open files take now.
    pub held_len: u64,
}

/// A file or a part of one; valid until closed. [`FileHandle::NONE`] stands for a refused file: all calls on
/// it, and on handles that were closed, do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileHandle(pub u64);

impl FileHandle {
    /// A file that isn't followed.
    pub const NONE: Self = Self(u64::MAX);

    fn new(index: usize, generation: u32) -> Self {
        Self(u64::from(generation) << 32 | index as u64 & 0xffff_ffff)
    }

    fn index(self) -> usize {
        usize::try_from(self.0 & 0xffff_ffff).unwrap_or(usize::MAX)
    }
}

enum Entry {
    Free,
    File(Box<File>),
    /// A part of a resource that comes in ranges.
    Part(Box<Part>),
}

struct Part {
    file: FileHandle,
    meta: FileMeta,
    flow: FlowColumns,
    pos: u64,
    summary: FileSummary,
}

struct Slot {
    generation: u32,
    /// What the entry was counted for.
    counted: u32,
    entry: Entry,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct ResourceKey {
    hosts: (Addr, Addr),
    is_orig: bool,
    total: Option<u64>,
    key: Text,
}

/// Follows the files of one worker.
pub struct FileManager {
    limits: Limits,
    seed: u64,
    slots: Vec<Slot>,
    free: Vec<usize>,
    resources: HashMap<ResourceKey, FileHandle, SeededState>,
    /// Number of the next file by flow, and how often the table was emptied.
    numbers: HashMap<Uid, [u32; 2], SeededState>,
    epoch: u64,
    records: Vec<FileRecord>,
    ocsp: Vec<OcspRecord>,
    pe: Vec<PeRecord>,
    swept: Timestamp,
    /// What open files take, and the most that was.
    held_len: usize,
    peak_len: usize,
    stats: Stats,
}

impl FileManager {
    /// `seed` is the run's.
    pub fn new(limits: Limits, seed: u64) -> Self {
        Self {
            limits,
            seed,
            slots: Vec::new(),
            free: Vec::new(),
            resources: HashMap::with_hasher(SeededState(seed)),
            numbers: HashMap::with_hasher(SeededState(seed)),
            epoch: 0,
            records: Vec::new(),
            ocsp: Vec::new(),
            pe: Vec::new(),
            swept: Timestamp(i64::MIN),
            held_len: 0,
            peak_len: 0,
            stats: Stats::default(),
        }
    }

    /// A file, or a part of a resource, begins in `flow`.
    pub fn open(&mut self, flow: &FlowInfo, meta: FileMeta) -> FileHandle {
        let columns = FlowColumns::new(flow, meta.is_orig);
        if meta.range.is_some() {
            return self.open_part(columns, meta);
        }
        let fuid = self.next_fuid(flow.uid, meta.unlogged);
        self.open_file(fuid, columns, meta)
    }

    /// The next bytes.
    pub fn data(&mut self, handle: FileHandle, at: Arrival, bytes: &[u8], store: &mut dyn Store) {
        let Arrival { ts, packet } = at;
        if bytes.is_empty() {
            return;
        }
        let (target, offset) = match self.entry(handle) {
            Some(Entry::File(_)) => (handle, None),
            Some(Entry::Part(_)) => match self.part_target(handle, ts, store) {
                Some(file) => (file, self.advance(handle, bytes.len() as u64)),
                None => return,
            },
            _ => return,
        };
        self.restart_if_stalled(target, ts, store);
        let full = self.held_len >= self.limits.held_len;
        let Self { slots, limits, stats, .. } = self;
        let Some(Slot { entry: Entry::File(file), .. }) = slots.get_mut(target.index()) else {
            return;
        };
        let mut way = Way { limits, stats, store, full, packet };
        let settled = file.is_settled();
        file.touch(ts);
        match offset {
            None => file.data(bytes, &mut way),
            Some(offset) => file.data_at(offset, bytes, &mut way),
        }
        let over = offset.is_some() && file.reached_total();
        if !settled {
            self.recount(target);
        }
        self.remember(handle, target);
        if over {
            let last = self.finish_file(target, true, false, store);
            if let Some(Entry::Part(part)) = self.entry_mut(handle) {
                part.summary = last;
            }
        }
    }

    /// Bytes at `offset` of a file with [`FileMeta::random_access`]; what was there before stays. A piece counts as
    /// activity when its last bytes come: `ends` tells. That is when Zeek hears of it.
    pub fn data_at(
        &mut self,
        handle: FileHandle,
        at: Arrival,
        (offset, ends): (u64, bool),
        bytes: &[u8],
        store: &mut dyn Store,
    ) {
        let Arrival { ts, packet } = at;
        if bytes.is_empty() || !matches!(self.entry(handle), Some(Entry::File(_))) {
            return;
        }
        self.restart_if_stalled(handle, ts, store);
        let full = self.held_len >= self.limits.held_len;
        let Self { slots, limits, stats, .. } = self;
        let Some(Slot { entry: Entry::File(file), .. }) = slots.get_mut(handle.index()) else {
            return;
        };
        if ends {
            file.touch(ts);
        }
        file.data_at(offset, bytes, &mut Way { limits, stats, store, full, packet });
        self.recount(handle);
    }

    /// `len` bytes are missing here.
    pub fn gap(&mut self, handle: FileHandle, ts: Timestamp, len: u64, store: &mut dyn Store) {
        match self.entry(handle) {
            Some(Entry::File(_)) => {
                self.restart_if_stalled(handle, ts, store);
                let kept = self.limits.extract == Extract::All;
                if let Some(Entry::File(file)) = self.entry_mut(handle) {
                    file.touch(ts);
                    file.gap(len, kept);
                }
                self.recount(handle);
            }
            Some(Entry::Part(_)) => {
                // The hole may be filled by another part.
                let target = self.part_target(handle, ts, store);
                self.advance(handle, len);
                if let Some(Entry::File(file)) = target.and_then(|t| self.entry_mut(t)) {
                    file.touch(ts);
                }
            }
            _ => {}
        }
    }

    /// The name became known.
    pub fn set_name(&mut self, handle: FileHandle, name: &[u8]) {
        if let Some(meta) = self.meta_mut(handle) {
            meta.filename = Some(Text::from(name));
        }
        self.recount(handle);
    }

    /// The size became known.
    pub fn set_total(&mut self, handle: FileHandle, len: u64) {
        if let Some(meta) = self.meta_mut(handle) {
            meta.total_len = Some(len);
        }
    }

    /// What is known so far. Once `seen_bytes` isn't zero the file will get a row.
    pub fn info(&self, handle: FileHandle) -> FileSummary {
        match self.entry(handle) {
            Some(Entry::File(file)) => summary(file),
            Some(Entry::Part(part)) => match self.entry(part.file) {
                Some(Entry::File(file)) => summary(file),
                _ => part.summary,
            },
            _ => FileSummary::default(),
        }
    }

    /// The file is over. `complete` is false if the protocol knows that it was cut off; `ts` tells whether it
    /// had stalled before. A part of a resource only lets go of it: others may follow.
    pub fn close(&mut self, handle: FileHandle, ts: Timestamp, complete: bool, store: &mut dyn Store) -> FileSummary {
        match self.entry_mut(handle) {
            Some(Entry::File(file)) => {
                if file.active.is_none() && file.seen > 0 {
                    // Its only piece is torn.
                    file.touch(ts);
                }
                // Nobody closed it: it is over by time only.
                let stalled = file.timed_out(ts) || (file.meta.random_access && !complete);
                self.finish_file(handle, complete && !stalled, stalled, store)
            }
            Some(Entry::Part(_)) => {
                let summary = self.info(handle);
                self.release(handle);
                summary
            }
            _ => FileSummary::default(),
        }
    }

    /// `flow` is over: its numbering can be forgotten.
    pub fn flow_ended(&mut self, flow: Uid) {
        if !self.numbers.is_empty() {
            self.numbers.remove(&flow);
        }
    }

    /// Time has come to `now`: ends files that stalled. Cheap if called often.
    pub fn advance_time(&mut self, now: Timestamp, store: &mut dyn Store) {
        if now - self.swept < SWEEP_INTERVAL {
            return;
        }
        self.swept = now;
        // Plain files are restarted by their next piece; only resources have nobody who would close them.
        let stalled: Vec<FileHandle> = self
            .resources
            .values()
            .copied()
            .filter(|&h| matches!(self.entry(h), Some(Entry::File(f)) if f.timed_out(now)))
            .collect();
        self.finish_all_sorted(stalled, store);
    }

    /// The input is over: ends every file that is still open.
    pub fn finish(&mut self, store: &mut dyn Store) {
        let open = (0..self.slots.len()).filter_map(|i| {
            let slot = self.slots.get(i)?;
            matches!(slot.entry, Entry::File(_)).then(|| FileHandle::new(i, slot.generation))
        });
        let open: Vec<FileHandle> = open.collect();
        self.finish_all_sorted(open, store);
        let parts = (0..self.slots.len()).filter_map(|i| {
            let slot = self.slots.get(i)?;
            matches!(slot.entry, Entry::Part(_)).then(|| FileHandle::new(i, slot.generation))
        });
        for part in parts.collect::<Vec<_>>() {
            self.release(part);
        }
    }

    /// The rows of files that ended since the last call.
    pub fn take_records(&mut self) -> std::vec::Drain<'_, FileRecord> {
        self.records.drain(..)
    }

    /// The rows of OCSP responses that ended since the last call.
    pub fn take_ocsp(&mut self) -> std::vec::Drain<'_, OcspRecord> {
        self.ocsp.drain(..)
    }

    /// The rows of Windows executables that ended.
    pub fn take_pe(&mut self) -> std::vec::Drain<'_, PeRecord> {
        self.pe.drain(..)
    }

    /// Are there rows to take?
    pub fn has_records(&self) -> bool {
        !self.records.is_empty() || !self.ocsp.is_empty() || !self.pe.is_empty()
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        let open_now = (self.slots.len() - self.free.len()) as u64;
        Stats { open_now, held_len: self.held_len as u64, ..self.stats }
    }

    /// Changes what open files may take.
    pub fn set_held_limit(&mut self, len: usize) {
        self.limits.held_len = len;
    }

    /// Memory that open files take now, and the numbers of their flows.
    pub fn held_len(&self) -> usize {
        self.held_len.saturating_add(self.numbers.len().saturating_mul(NUMBER_LEN))
    }

    /// The most that open files took since the last call.
    pub fn take_peak(&mut self) -> usize {
        let now = self.held_len();
        std::mem::replace(&mut self.peak_len, self.held_len).max(now)
    }
}

/// Slots.
impl FileManager {
    fn entry(&self, handle: FileHandle) -> Option<&Entry> {
        let slot = self.slots.get(handle.index())?;
        (FileHandle::new(handle.index(), slot.generation) == handle).then_some(&slot.entry)
    }

    fn entry_mut(&mut self, handle: FileHandle) -> Option<&mut Entry> {
        let slot = self.slots.get_mut(handle.index())?;
        (FileHandle::new(handle.index(), slot.generation) == handle).then_some(&mut slot.entry)
    }

    fn insert(&mut self, entry: Entry) -> FileHandle {
        let open = self.slots.len() - self.free.len();
        if open >= self.limits.open_count || self.held_len >= self.limits.held_len {
            self.stats.refused += 1;
            return FileHandle::NONE;
        }
        let handle = self.place(entry);
        self.recount(handle);
        handle
    }

    fn place(&mut self, entry: Entry) -> FileHandle {
        match self.free.pop() {
            Some(index) => {
                let Some(slot) = self.slots.get_mut(index) else {
                    return FileHandle::NONE;
                };
                slot.entry = entry;
                FileHandle::new(index, slot.generation)
            }
            None => {
                self.slots.push(Slot { generation: 0, counted: 0, entry });
                FileHandle::new(self.slots.len() - 1, 0)
            }
        }
    }

    /// Counts what an entry has come to hold.
    fn recount(&mut self, handle: FileHandle) {
        let Some(slot) = self.slots.get_mut(handle.index()) else { return };
        let now = match &slot.entry {
            Entry::Free => 0,
            Entry::File(file) => file.held_len().saturating_add(PLACE_LEN),
            Entry::Part(part) => block_len(size_of::<Part>()) + part.meta.heap_len() + PLACE_LEN,
        };
        let now = u32::try_from(now).unwrap_or(u32::MAX);
        let before = std::mem::replace(&mut slot.counted, now);
        self.held_len = self.held_len.saturating_sub(before as usize).saturating_add(now as usize);
        self.peak_len = self.peak_len.max(self.held_len);
    }

    /// Empties a slot; the handle is void from then on.
    fn release(&mut self, handle: FileHandle) -> Option<Entry> {
        self.entry(handle)?;
        let index = handle.index();
        let slot = self.slots.get_mut(index)?;
        slot.generation = slot.generation.wrapping_add(1);
        let entry = std::mem::replace(&mut slot.entry, Entry::Free);
        self.held_len = self.held_len.saturating_sub(std::mem::take(&mut slot.counted) as usize);
        self.free.push(index);
        Some(entry)
    }

    fn meta_mut(&mut self, handle: FileHandle) -> Option<&mut FileMeta> {
        let target = match self.entry(handle) {
            Some(Entry::Part(part)) => part.file,
            _ => handle,
        };
        match self.entry_mut(target) {
            Some(Entry::File(file)) => Some(&mut file.meta),
            _ => None,
        }
    }
}

/// Files and parts.
impl FileManager {
    /// Those that get no row are numbered apart: whether a certificate is a file at all depends on what other flows had.
    fn next_fuid(&mut self, flow: Uid, unlogged: bool) -> Uid {
        const UNLOGGED: u64 = 1 << 63;
        if self.numbers.len() >= self.limits.numbered_count && !self.numbers.contains_key(&flow) {
            self.numbers.clear();
            self.epoch += 1;
        }
        let numbers = self.numbers.entry(flow).or_insert([0; 2]);
        let [logged, not] = numbers;
        let (number, kind) = if unlogged { (not, UNLOGGED) } else { (logged, 0) };
        *number = number.wrapping_add(1);
        Uid::for_file(flow, kind | self.epoch << 32 | u64::from(*number), self.seed)
    }

    fn open_file(&mut self, fuid: Uid, columns: FlowColumns, meta: FileMeta) -> FileHandle {
        let file = File::new(fuid, meta, columns, &self.limits);
        let handle = self.insert(Entry::File(Box::new(file)));
        if handle != FileHandle::NONE {
            self.stats.opened += 1;
        }
        handle
    }

    fn open_part(&mut self, flow: FlowColumns, meta: FileMeta) -> FileHandle {
        let file = self.resource(&flow, &meta);
        if file == FileHandle::NONE {
            return file;
        }
        let pos = meta.range.as_ref().map_or(0, |r| r.start);
        let summary = self.info(file);
        self.insert(Entry::Part(Box::new(Part { file, meta, flow, pos, summary })))
    }

    /// The file that collects the resource which `meta` is a part of.
    fn resource(&mut self, flow: &FlowColumns, meta: &FileMeta) -> FileHandle {
        let Some(range) = &meta.range else {
            return FileHandle::NONE;
        };
        let key = ResourceKey {
            hosts: (flow.head.orig_h, flow.head.resp_h),
            is_orig: meta.is_orig,
            total: range.total,
            key: range.key.clone(),
        };
        if let Some(&handle) = self.resources.get(&key)
            && let Some(Entry::File(file)) = self.entry_mut(handle)
        {
            let known = file.flows.iter().any(|f| f.head.uid == flow.head.uid);
            if !known && file.flows.len() < FLOWS_PER_FILE_MAX {
                file.flows.push(*flow);
                self.recount(handle);
            }
            return handle;
        }
        let fuid = self.next_fuid(flow.head.uid, meta.unlogged);
        let meta = FileMeta { total_len: range.total, ..meta.clone() };
        let handle = self.open_file(fuid, *flow, meta);
        if handle != FileHandle::NONE {
            self.resources.insert(key, handle);
        }
        handle
    }

    /// The file that a part's bytes go to now: the one it had, or a new one if that ended or stalled.
    fn part_target(&mut self, handle: FileHandle, ts: Timestamp, store: &mut dyn Store) -> Option<FileHandle> {
        let Some(Entry::Part(part)) = self.entry(handle) else {
            return None;
        };
        let (file, flow) = (part.file, part.flow);
        match self.entry(file) {
            Some(Entry::File(f)) if f.timed_out(ts) => {
                self.finish_file(file, false, true, store);
            }
            Some(Entry::File(_)) => return Some(file),
            _ => {}
        }
        let Some(Entry::Part(part)) = self.entry(handle) else {
            return None;
        };
        let meta = part.meta.clone();
        let file = self.resource(&flow, &meta);
        if let Some(Entry::Part(part)) = self.entry_mut(handle) {
            part.file = file;
        }
        (file != FileHandle::NONE).then_some(file)
    }

    /// Moves a part's position on; where it was.
    fn advance(&mut self, handle: FileHandle, len: u64) -> Option<u64> {
        let Some(Entry::Part(part)) = self.entry_mut(handle) else {
            return None;
        };
        let at = part.pos;
        part.pos = part.pos.saturating_add(len);
        Some(at)
    }

    /// Keeps in the part what is known of its file, which may end before the part does.
    fn remember(&mut self, handle: FileHandle, target: FileHandle) {
        if handle == target {
            return;
        }
        let now = self.info(target);
        if let Some(Entry::Part(part)) = self.entry_mut(handle) {
            part.summary = now;
        }
    }

    /// Ends a plain file that stalled and goes on with a new one under the same handle, as Zeek does.
    fn restart_if_stalled(&mut self, handle: FileHandle, ts: Timestamp, store: &mut dyn Store) {
        let Some(Entry::File(file)) = self.entry(handle) else {
            return;
        };
        if file.meta.range.is_some() || !file.timed_out(ts) {
            return;
        }
        let Some(&flow) = file.flows.first() else {
            return;
        };
        let meta = file.meta.clone();
        let fuid = self.next_fuid(flow.head.uid, meta.unlogged);
        let fresh = File::new(fuid, meta, flow, &self.limits);
        if let Some(Entry::File(file)) = self.entry_mut(handle) {
            let old = std::mem::replace(&mut **file, fresh);
            self.stats.opened += 1;
            self.recount(handle);
            self.conclude(old, false, true, store);
        }
    }

    fn finish_all_sorted(&mut self, handles: Vec<FileHandle>, store: &mut dyn Store) {
        // By time and id, so that the order of rows doesn't depend on the table's.
        let mut keyed: Vec<_> = handles
            .into_iter()
            .filter_map(|h| match self.entry(h) {
                Some(Entry::File(f)) => Some((f.active, f.fuid, h)),
                _ => None,
            })
            .collect();
        keyed.sort_unstable_by_key(|k| (k.0, k.1));
        for (_, _, handle) in keyed {
            self.finish_file(handle, false, true, store);
        }
    }

    fn finish_file(&mut self, handle: FileHandle, heard: bool, stalled: bool, store: &mut dyn Store) -> FileSummary {
        let Some(Entry::File(file)) = self.release(handle) else {
            return FileSummary::default();
        };
        if let (Some(range), Some(flow)) = (&file.meta.range, file.flows.first()) {
            let key = ResourceKey {
                hosts: (flow.head.orig_h, flow.head.resp_h),
                is_orig: file.meta.is_orig,
                total: range.total,
                key: range.key.clone(),
            };
            if self.resources.get(&key) == Some(&handle) {
                self.resources.remove(&key);
            }
        }
        self.conclude(*file, heard, stalled, store)
    }

    /// Writes the rows of a file that is over. `heard`: the protocol saw its proper end.
    fn conclude(&mut self, mut file: File, heard: bool, stalled: bool, store: &mut dyn Store) -> FileSummary {
        let rest = file.end(&mut Way { limits: &self.limits, stats: &mut self.stats, store, full: false, packet: 0 });
        let whole = file.missing == 0
            && file.overflow == 0
            && (file.reached_total() || heard && file.meta.total_len.is_none() && file.meta.range.is_none());
        let mut result = summary(&file);
        result.complete = whole;
        result.hashes = rest.partial.unwrap_or(rest.hashes);
        if let (Some(ocsp::MIME), Some((_, last))) = (file.mime, file.active) {
            self.ocsp.extend(ocsp::rows(last, file.fuid, file.midstream(), &file.content));
        }
        if let (Some(pe::MIME), Some((first, _))) = (file.mime, file.active) {
            self.pe.extend(pe::row(file.known_at.unwrap_or(first), file.fuid, &file.content));
        }
        let stalled = stalled && !whole;
        self.stats.timed_out += u64::from(stalled);
        let mut rows = rows(&file, &rest.hashes, whole, stalled);
        if let (Some(id), Some(record)) = (rest.store, rows.first()) {
            let announced = file.meta.total_len.map_or(0, |t| t.saturating_sub(rest.stored_len));
            let missing_len = if rest.cut_off { announced } else { announced.max(file.missing) };
            let stored_len = rest.stored_end;
            let (first_packet, last_packet) = rest.packets;
            let finished = Finished {
                record,
                stored_len,
                cut_off: rest.cut_off,
                missing_len,
                holes: rest.holes.list(),
                holes_more: rest.holes.more(),
                first_packet,
                last_packet,
            };
            let name = store.finish(id, &finished);
            for row in &mut rows {
                row.extracted.clone_from(&name);
                row.extracted_cutoff = Some(rest.cut_off);
                row.extracted_size = Some(rest.stored_len);
            }
        }
        if !file.meta.unlogged {
            self.records.append(&mut rows);
        }
        result
    }
}

fn summary(file: &File) -> FileSummary {
    FileSummary {
        fuid: file.fuid,
        mime_type: file.mime,
        seen_bytes: file.seen,
        complete: false,
        hashes: Hashes::default(),
    }
}

/// Zeek attaches these analyzers by type.
fn analyzers(file: &File) -> Set<&'static str> {
    let mut set = Set(file.meta.analyzers.to_vec());
    match file.mime {
        Some("application/x-dosexec") => set.insert("PE"),
        Some("application/ocsp-response") => set.insert("OCSP_REPLY"),
        _ => false,
    };
    set
}

/// One row per flow that carried the file; none if nothing of it came.
fn rows(file: &File, hashes: &Hashes, complete: bool, timedout: bool) -> Vec<FileRecord> {
    let Some((first, last)) = file.active else {
        return Vec::new();
    };
    // Zeek knows nothing of the control flow's words in the data flow's file.
    let own_headers = file.meta.source != "FTP_DATA";
    let row = |flow: &FlowColumns| FileRecord {
        ts: first,
        fuid: file.fuid,
        uid: flow.head.uid,
        orig_h: flow.head.orig_h,
        orig_p: flow.head.orig_p,
        resp_h: flow.head.resp_h,
        resp_p: flow.head.resp_p,
        source: file.meta.source,
        depth: file.meta.depth,
        analyzers: analyzers(file),
        mime_type: file.mime,
        filename: file.meta.filename.clone().filter(|_| own_headers),
        duration: last - first,
        local_orig: flow.local_orig,
        is_orig: file.meta.is_orig,
        seen_bytes: file.seen,
        total_bytes: file.meta.total_len.filter(|_| own_headers),
        missing_bytes: file.missing,
        overflow_bytes: file.overflow,
        timedout,
        parent_fuid: file.meta.parent,
        md5: hashes.md5,
        sha1: hashes.sha1,
        sha256: hashes.sha256,
        extracted: None,
        extracted_cutoff: None,
        extracted_size: None,
        complete,
        name: file.meta.filename.clone().or_else(|| file.meta.suggested_name.clone()),
        announced_bytes: file.meta.total_len,
        tail: Tail { decrypted: file.meta.decrypted.then_some(true), ..flow.tail },
    };
    file.flows.iter().map(row).collect()
}
