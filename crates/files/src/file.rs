//! One file while it passes.

use crate::hash::Hashers;
use crate::holes::Holes;
use crate::join::{Held, Spans};
use crate::record::FlowColumns;
use crate::store::{Store, StoreId};
use crate::{Extract, FileMeta, HEAD_LEN, Hashes, Limits, Stats, mime_type, ocsp, pe};
use sekisho_types::{Heap, Interval, Timestamp, Uid, block_len, list_len};
use sekisho_x509::MAX_OCSP_LEN;

/// A file without activity for so long is over, as in Zeek.
pub(crate) const FILE_TIMEOUT: Interval = Interval::from_secs(120);

/// Rows for one resource at most: flows beyond that which carry parts of it are not listed.
pub(crate) const FLOWS_PER_FILE_MAX: usize = 64;

/// Bytes read back at a time when a joined resource is hashed at its end.
const READ_BACK_LEN: usize = 16 * 1024;

/// What a file needs to pass its bytes on.
pub(crate) struct Way<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) stats: &'a mut Stats,
    pub(crate) store: &'a mut dyn Store,
    /// Memory for files is used up: nothing more is kept of content.
    pub(crate) full: bool,
    /// Number of the packet that brought the bytes.
    pub(crate) packet: u64,
}

/// The state of a resource that comes in parts.
#[derive(Default)]
pub(crate) struct Joined {
    spans: Spans,
    held: Held,
}

pub(crate) struct File {
    pub(crate) fuid: Uid,
    pub(crate) meta: FileMeta,
    pub(crate) flows: Vec<FlowColumns>,
    /// Time of the first and of the latest piece; `None` before any.
    pub(crate) active: Option<(Timestamp, Timestamp)>,
    pub(crate) seen: u64,
    pub(crate) missing: u64,
    pub(crate) overflow: u64,
    /// Offset up to which the content passed in order, holes included.
    pos: u64,
    head: Vec<u8>,
    head_done: bool,
    pub(crate) mime: Option<&'static str>,
    /// When so much of the content had passed that its type was known.
    pub(crate) known_at: Option<Timestamp>,
    /// Content of a type that is read: an OCSP response, or the headers of a Windows executable.
    pub(crate) content: Vec<u8>,
    hashers: Option<Box<Hashers>>,
    /// Digests go on behind holes.
    lossy: bool,
    joined: Option<Box<Joined>>,
    stored: Stored,
}

/// First byte of a DER sequence (X.690 §8.9), as an OCSP response is one.
const DER_SEQUENCE: u8 = 0x30;

/// How far content went to the store.
#[derive(Default)]
struct Stored {
    id: Option<StoreId>,
    /// The store was asked.
    asked: bool,
    /// Offset after the last byte written.
    end: u64,
    /// Bytes written.
    len: u64,
    cut_off: bool,
    /// The first and the last packet that brought what was written.
    packets: Option<(u64, u64)>,
    /// What the gaps left out.
    holes: Holes,
}

/// What is left of a file when it is over.
pub(crate) struct Rest {
    pub(crate) hashes: Hashes,
    /// Those of what there is, if anything is missing and they are wanted all the same.
    pub(crate) partial: Option<Hashes>,
    pub(crate) store: Option<StoreId>,
    pub(crate) stored_end: u64,
    pub(crate) stored_len: u64,
    pub(crate) cut_off: bool,
    pub(crate) packets: (u64, u64),
    pub(crate) holes: Holes,
}

impl File {
    pub(crate) fn new(fuid: Uid, meta: FileMeta, flow: FlowColumns, limits: &Limits) -> Self {
        let joined = meta.range.is_some() || meta.random_access;
        let mime = meta.known_mime;
        Self {
            fuid,
            flows: vec![flow],
            active: None,
            seen: 0,
            missing: 0,
            overflow: 0,
            pos: 0,
            head: Vec::new(),
            head_done: mime.is_some(),
            mime,
            known_at: None,
            content: Vec::new(),
            hashers: Hashers::new(limits.hashes),
            lossy: limits.lossy_hashes,
            joined: joined.then(Box::default),
            stored: Stored::default(),
            meta,
        }
    }

    /// `Some(true)` if the flow with which it began began itself before the capture.
    pub(crate) fn midstream(&self) -> Option<bool> {
        self.flows.first().and_then(|flow| flow.tail.midstream)
    }

    /// Bytes that the file takes, itself included.
    pub(crate) fn held_len(&self) -> usize {
        let joined =
            self.joined.as_ref().map_or(0, |j| block_len(size_of::<Joined>()) + j.spans.heap_len() + j.held.held_len());
        let hashers = if self.hashers.is_some() { block_len(size_of::<Hashers>()) } else { 0 };
        let content = self.head.heap_len() + self.content.heap_len() + self.stored.holes.heap_len();
        block_len(size_of::<Self>()) + self.meta.heap_len() + list_len(&self.flows) + content + joined + hashers
    }

    /// What it takes changes no more while content passes in order.
    pub(crate) fn is_settled(&self) -> bool {
        self.head_done && self.joined.is_none() && self.content.is_empty() && self.mime != Some(ocsp::MIME)
    }

    pub(crate) fn touch(&mut self, ts: Timestamp) {
        let (first, last) = self.active.get_or_insert((ts, ts));
        // Packets of several flows may be slightly out of order.
        *first = (*first).min(ts);
        *last = (*last).max(ts);
    }

    /// Did the file stall before `now`? Zeek looks at fixed steps from the first activity on, so a file
    /// ends between one and two timeouts after its latest piece.
    pub(crate) fn timed_out(&self, now: Timestamp) -> bool {
        let Some((first, last)) = self.active else {
            return false;
        };
        let steps = (last - first).0.max(0) / FILE_TIMEOUT.0 + i64::from((last - first).0 % FILE_TIMEOUT.0 > 0) + 1;
        now.0 >= first.0.saturating_add(steps.saturating_mul(FILE_TIMEOUT.0))
    }

    /// Are all bytes there that were announced?
    pub(crate) fn reached_total(&self) -> bool {
        self.missing == 0 && self.overflow == 0 && self.meta.total_len.is_some_and(|total| self.seen >= total)
    }

    /// The next bytes of a plain file.
    pub(crate) fn data(&mut self, bytes: &[u8], way: &mut Way<'_>) {
        self.seen = self.seen.saturating_add(bytes.len() as u64);
        self.store(self.pos, bytes, way);
        self.deliver(bytes, way.full);
    }

    /// A hole in a plain file. `kept`: its content is, and so is where it lacks something.
    pub(crate) fn gap(&mut self, len: u64, kept: bool) {
        self.finish_head();
        if !self.lossy {
            self.hashers = None;
        }
        self.missing = self.missing.saturating_add(len);
        let start = self.pos;
        self.pos = self.pos.saturating_add(len);
        if self.stored.id.is_some() || kept && !self.stored.asked {
            self.stored.holes.add(start, self.pos);
        }
    }

    /// Bytes of a part at `offset` of the resource.
    pub(crate) fn data_at(&mut self, offset: u64, bytes: &[u8], way: &mut Way<'_>) {
        let Some(mut joined) = self.joined.take() else {
            return self.data(bytes, way);
        };
        let end = offset.saturating_add(bytes.len() as u64);
        let mut fresh: Vec<(u64, u64)> = Vec::new();
        if !joined.spans.add(offset, end, |s, e| fresh.push((s, e))) {
            way.stats.spans_refused += 1;
            self.overflow = self.overflow.saturating_add(bytes.len() as u64);
        }
        for (s, e) in fresh {
            let piece = usize::try_from(s - offset).ok().zip(usize::try_from(e - offset).ok());
            let piece = piece.and_then(|(a, b)| bytes.get(a..b)).unwrap_or(&[]);
            self.seen = self.seen.saturating_add(piece.len() as u64);
            self.store(s, piece, way);
            if s == self.pos {
                self.deliver(piece, way.full);
                while let Some(next) = joined.held.take(self.pos) {
                    self.deliver(&next, way.full);
                }
            } else if way.full || !joined.held.keep(s, piece) {
                way.stats.held_refused += 1;
            }
        }
        self.joined = Some(joined);
    }

    /// In-order content: type and hashes. `full`: none of it may be kept; the type is judged by what there is.
    fn deliver(&mut self, bytes: &[u8], full: bool) {
        // Only what begins so is read; and nothing behind a hole is.
        let first = if self.pos == 0 { bytes.first() } else { self.content.first() };
        let most = match first {
            Some(&DER_SEQUENCE) => MAX_OCSP_LEN,
            Some(&pe::FIRST) => pe::MAX_LEN,
            _ => 0,
        };
        let may_be_read = most > 0 && self.content.len() as u64 == self.pos;
        self.pos = self.pos.saturating_add(bytes.len() as u64);
        let undecided = !self.head_done;
        if undecided {
            if self.head.is_empty() && bytes.len() >= HEAD_LEN {
                self.head_done = true;
                self.known_at = self.active.map(|active| active.1);
                self.mime = mime_type(bytes.get(..HEAD_LEN).unwrap_or(bytes));
            } else {
                let room = HEAD_LEN.saturating_sub(self.head.len()).min(bytes.len());
                self.head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                if full || self.head.len() >= HEAD_LEN {
                    self.finish_head();
                }
            }
        }
        if !full && may_be_read && (!self.head_done || matches!(self.mime, Some(ocsp::MIME | pe::MIME))) {
            let room = most.saturating_sub(self.content.len());
            self.content.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        } else if undecided {
            self.content = Vec::new();
        }
        if let Some(h) = &mut self.hashers {
            h.update(bytes);
        }
    }

    /// No more bytes of the beginning will come.
    pub(crate) fn finish_head(&mut self) {
        if !self.head_done {
            self.head_done = true;
            self.known_at = self.active.map(|active| active.1);
            self.mime = mime_type(&self.head);
            self.head = Vec::new();
        }
    }

    fn store(&mut self, offset: u64, bytes: &[u8], way: &mut Way<'_>) {
        if !self.stored.asked {
            self.stored.asked = true;
            if way.limits.extract == Extract::All {
                self.stored.id = way.store.create(self.fuid, &self.meta);
            }
        }
        let Some(id) = self.stored.id else {
            return;
        };
        let room = way.limits.extract_file_len.saturating_sub(offset);
        let room = room.min(way.limits.extract_total_len.saturating_sub(way.stats.extracted_len));
        let now = bytes.get(..usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len())).unwrap_or(bytes);
        if now.len() < bytes.len() && !self.stored.cut_off {
            self.stored.cut_off = true;
            way.stats.extract_cut_off += 1;
        }
        if now.is_empty() {
            return;
        }
        if !way.store.write_at(id, offset, now, way.packet) {
            way.stats.store_failed += 1;
            way.store.discard(id);
            self.stored.id = None;
            return;
        }
        way.stats.extracted_len = way.stats.extracted_len.saturating_add(now.len() as u64);
        self.stored.len = self.stored.len.saturating_add(now.len() as u64);
        // What a parser held until the end of the run comes without a packet.
        if way.packet > 0 {
            let (first, last) = self.stored.packets.get_or_insert((way.packet, way.packet));
            (*first, *last) = ((*first).min(way.packet), (*last).max(way.packet));
        }
        self.stored.end = self.stored.end.max(offset.saturating_add(now.len() as u64));
    }

    /// The file is over: settles type, holes and hashes.
    pub(crate) fn end(&mut self, way: &mut Way<'_>) -> Rest {
        self.finish_head();
        if let Some(joined) = self.joined.take() {
            let end = joined.spans.end();
            if self.stored.id.is_some() {
                joined.spans.lacking().for_each(|(s, e)| self.stored.holes.add(s, e));
            }
            self.missing = end.saturating_sub(joined.spans.covered_len());
            if self.missing > 0 || self.overflow > 0 || (self.pos < end && !self.read_back(end, way)) {
                self.hashers = None;
            }
        }
        let partial = if self.missing > 0 { self.hashers.take().map(|h| h.finish()) } else { None };
        let end = self.stored.end.max(self.stored.holes.end());
        if let (Some(_), Some(total), false) = (self.stored.id, self.meta.total_len, self.stored.cut_off) {
            self.stored.holes.add(end, total);
        }
        let hashes = self.hashers.take().map_or_else(Hashes::default, |h| h.finish());
        Rest {
            hashes,
            partial,
            store: self.stored.id.take(),
            stored_end: self.stored.end,
            stored_len: self.stored.len,
            cut_off: self.stored.cut_off,
            packets: self.stored.packets.unwrap_or_default(),
            holes: std::mem::take(&mut self.stored.holes),
        }
    }

    /// Hashes what could not be held from the store, up to `end`; false if the store can't tell.
    fn read_back(&mut self, end: u64, way: &mut Way<'_>) -> bool {
        let (Some(id), Some(hashers), false) = (self.stored.id, &mut self.hashers, self.stored.cut_off) else {
            return false;
        };
        let mut buf = [0u8; READ_BACK_LEN];
        while self.pos < end {
            let want = usize::try_from(end - self.pos).unwrap_or(usize::MAX).min(buf.len());
            let Some(part) = buf.get_mut(..want) else {
                return false;
            };
            let got = way.store.read_at(id, self.pos, part).min(want);
            if got == 0 {
                return false;
            }
            hashers.update(part.get(..got).unwrap_or(&[]));
            self.pos = self.pos.saturating_add(got as u64);
        }
        true
    }
}
