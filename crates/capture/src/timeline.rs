use crate::batch::Batch;
use crate::file::{Counted, Pool, PooledFile};
use crate::info::{Secrets, SourceInfo};
use crate::input::{CHUNK_LEN, Input};
use crate::paths::{Error, Found, expand};
use crate::reader::{MAX_BATCH_FRAMES, Notes, Reader};
use crate::unpack::unpack;
use sekisho_types::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Read-ahead of each capture while several are being merged.
const MERGE_CHUNK_LEN: usize = 64 * 1024;
/// Read-ahead of all captures being merged; each gets its share, at least [`MIN_CHUNK_LEN`].
const MERGE_TOTAL_LEN: usize = 64 * 1024 * 1024;
const MIN_CHUNK_LEN: usize = 4096;
/// Decoder memory of all captures unpacked at once. A capture beyond it is opened when another has
/// ended, so its first packets may come late: see [`Captures::late_count`].
pub const MAX_UNPACK_MEMORY_LEN: usize = 512 * 1024 * 1024;

/// Captures, read as one timeline: packets of different captures are in order of time, those of one
/// capture in the order of the file.
pub struct Captures {
    sources: Vec<Source>,
    infos: Vec<SourceInfo>,
    /// Not yet open, latest first.
    waiting: Vec<(Timestamp, u32)>,
    /// Open, by the time of their next packet.
    open: BinaryHeap<Reverse<(Timestamp, u32)>>,
    next_number: u64,
    next_interface: u32,
    /// How many secrets of each capture were noted, and those that nobody took yet.
    secrets_seen: Vec<usize>,
    fresh_secrets: Vec<Secrets>,
    unpack_memory_len: usize,
    late_count: u64,
    last_ts: Timestamp,
    pool: Arc<Pool>,
    total_len: Option<u64>,
    skipped_count: u64,
    duplicate_count: u64,
}

struct Source {
    /// Where to open it from; streams are opened when they are named.
    path: Option<PathBuf>,
    reader: Option<Reader>,
}

/// How far reading has come, in bytes on disk.
#[derive(Clone, Debug)]
pub struct Progress {
    pool: Arc<Pool>,
    total_len: Option<u64>,
}

impl Progress {
    /// Bytes read so far.
    pub fn read_len(&self) -> u64 {
        self.pool.read_len.load(Ordering::Relaxed)
    }

    /// Bytes there are; `None` if a stream is among the captures. Files that grow may exceed it.
    pub fn total_len(&self) -> Option<u64> {
        self.total_len
    }
}

impl Captures {
    /// Opens files, directories (searched recursively), patterns (`*`, `?`, `[…]`, `**`) and `-` for
    /// standard input.
    ///
    /// # Errors
    /// Only if an argument leads to nothing that can be opened. What is wrong inside a capture, even
    /// that it is none, is its [`SourceInfo::damage`].
    pub fn open<P: AsRef<Path>>(arguments: &[P]) -> Result<Self, Error> {
        let expanded = expand(arguments)?;
        let mut all = Self::empty();
        all.skipped_count = expanded.skipped_count;
        all.duplicate_count = expanded.duplicate_count;
        for found in expanded.found {
            match found {
                Found::File(path, len) => all.add_file(path, len),
                Found::Stdin => all.add_stream("-".into(), io::stdin()),
                Found::Stream(path) => {
                    let file = std::fs::File::open(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
                    all.add_stream(path, file);
                }
            }
        }
        all.order();
        Ok(all)
    }

    /// Reads one capture from `reader`; `name` is what it is called.
    pub fn from_reader<R: Read + Send + 'static>(name: &str, reader: R) -> Self {
        Self::from_readers([(name, reader)])
    }

    /// Reads one capture from memory.
    pub fn from_bytes(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::from_reader(name, io::Cursor::new(bytes.into()))
    }

    /// Reads several captures as one timeline.
    pub fn from_readers<'a, R, I>(readers: I) -> Self
    where
        R: Read + Send + 'static,
        I: IntoIterator<Item = (&'a str, R)>,
    {
        let mut all = Self::empty();
        for (name, reader) in readers {
            all.add_stream(name.into(), reader);
        }
        all.order();
        all
    }

    fn empty() -> Self {
        Self {
            sources: Vec::new(),
            infos: Vec::new(),
            waiting: Vec::new(),
            open: BinaryHeap::new(),
            next_number: 1,
            next_interface: 0,
            secrets_seen: Vec::new(),
            fresh_secrets: Vec::new(),
            unpack_memory_len: 0,
            late_count: 0,
            last_ts: Timestamp(i64::MIN),
            pool: Arc::default(),
            total_len: Some(0),
            skipped_count: 0,
            duplicate_count: 0,
        }
    }

    fn add_file(&mut self, path: PathBuf, len: u64) {
        self.total_len = self.total_len.map(|t| t.saturating_add(len));
        self.infos.push(SourceInfo { path: path.clone(), file_len: Some(len), ..SourceInfo::default() });
        self.sources.push(Source { path: Some(path), reader: None });
    }

    fn add_stream<R: Read + Send + 'static>(&mut self, path: PathBuf, reader: R) {
        self.total_len = None;
        let (packing, unpacked) = unpack(Counted { reader, pool: Arc::clone(&self.pool) });
        self.infos.push(SourceInfo { path, packing, ..SourceInfo::default() });
        self.sources.push(Source { path: None, reader: Some(Reader::new(Input::new(unpacked, CHUNK_LEN))) });
    }

    /// Puts the captures in the order of their first packets. A single one is not looked at before it
    /// is read.
    fn order(&mut self) {
        let single = self.sources.len() == 1;
        for i in 0..u32::try_from(self.sources.len()).unwrap_or(u32::MAX) {
            let first = if single { Timestamp(i64::MIN) } else { self.first_ts(i) };
            self.waiting.push((first, i));
        }
        self.waiting.sort_unstable_by_key(|w| Reverse(*w));
    }

    /// The time of the first packet. Files are closed again; their bytes count when they are read.
    fn first_ts(&mut self, i: u32) -> Timestamp {
        let at = i as usize;
        let chunk_len = self.merge_chunk_len();
        let (Some(source), Some(info)) = (self.sources.get_mut(at), self.infos.get_mut(at)) else {
            return Timestamp(i64::MIN);
        };
        // Captures without packets come first: what is wrong with them is told at once.
        let none = Timestamp(i64::MIN);
        if let Some(path) = &source.path {
            let (packing, unpacked) = unpack(PooledFile::new(path.clone(), Arc::default()));
            let mut trial = SourceInfo { packing, ..SourceInfo::default() };
            let mut reader = Reader::new(Input::new(unpacked, MIN_CHUNK_LEN));
            let mut notes = Notes { info: &mut trial, next_interface: &mut 0, source: i };
            return reader.head_ts(&mut notes).unwrap_or(none);
        }
        let mut notes = Notes { info, next_interface: &mut self.next_interface, source: i };
        source.reader.as_mut().map_or(none, |reader| {
            reader.set_chunk_len(chunk_len);
            reader.head_ts(&mut notes).unwrap_or(none)
        })
    }

    fn merge_chunk_len(&self) -> usize {
        (MERGE_TOTAL_LEN / self.sources.len().max(1)).clamp(MIN_CHUNK_LEN, MERGE_CHUNK_LEN)
    }

    /// Puts the next packets of the timeline into `batch`, whatever was in it. False at the end.
    ///
    /// Blocks while a pipe gives nothing; then hands out what there is, not a full batch.
    pub fn fill(&mut self, batch: &mut Batch) -> bool {
        batch.clear(self.next_number);
        loop {
            self.admit();
            let Some(Reverse((_, i))) = self.open.peek().copied() else { break };
            if self.open.len() == 1 {
                if !batch.is_empty() {
                    break;
                }
                self.drain(i, batch);
                self.note_secrets(i);
                if !batch.is_empty() {
                    break;
                }
            } else {
                self.copy(i, batch);
                self.note_secrets(i);
                if batch.used >= CHUNK_LEN || batch.len() >= MAX_BATCH_FRAMES {
                    break;
                }
            }
        }
        self.next_number += batch.len() as u64;
        if let Some(last) = batch.slots.last() {
            self.last_ts = self.last_ts.max(last.ts);
        }
        !batch.is_empty()
    }

    /// Opens the captures whose turn has come.
    fn admit(&mut self) {
        while let Some((first, i)) = self.waiting.last().copied() {
            let turn = self.open.peek().is_none_or(|Reverse((head, _))| first <= *head);
            let full = !self.open.is_empty() && self.unpack_memory_len >= MAX_UNPACK_MEMORY_LEN;
            if !turn || full {
                break;
            }
            self.waiting.pop();
            self.late_count += u64::from(first > Timestamp(i64::MIN) && first < self.last_ts);
            self.start(i);
            // Alone, it is read without looking ahead, so that a pipe's first packets are not waited for.
            let alone = self.open.is_empty() && self.waiting.is_empty();
            if alone {
                self.open.push(Reverse((first, i)))
            } else {
                self.requeue(i)
            }
            self.note_secrets(i);
        }
    }

    fn start(&mut self, i: u32) {
        let at = i as usize;
        let (Some(source), Some(info)) = (self.sources.get_mut(at), self.infos.get_mut(at)) else { return };
        if let Some(path) = source.path.take() {
            let (packing, unpacked) = unpack(PooledFile::new(path, Arc::clone(&self.pool)));
            info.packing = packing;
            source.reader = Some(Reader::new(Input::new(unpacked, MIN_CHUNK_LEN)));
        }
        self.unpack_memory_len += info.packing.memory_len();
    }

    /// Puts capture `i` back among the open ones, by its next packet, or closes it at its end.
    fn requeue(&mut self, i: u32) {
        let at = i as usize;
        let chunk_len = self.merge_chunk_len();
        let (Some(source), Some(info)) = (self.sources.get_mut(at), self.infos.get_mut(at)) else { return };
        let Some(reader) = &mut source.reader else { return };
        reader.set_chunk_len(chunk_len);
        let packing = info.packing;
        let mut notes = Notes { info, next_interface: &mut self.next_interface, source: i };
        if let Some(ts) = reader.head_ts(&mut notes) {
            self.open.push(Reverse((ts, i)));
        } else {
            source.reader = None;
            self.unpack_memory_len = self.unpack_memory_len.saturating_sub(packing.memory_len());
        }
    }

    /// Reads the one open capture up to the first packet of the next.
    fn drain(&mut self, i: u32, batch: &mut Batch) {
        self.open.pop();
        let limit = self.waiting.last().map(|(first, _)| *first);
        let at = i as usize;
        let (Some(source), Some(info)) = (self.sources.get_mut(at), self.infos.get_mut(at)) else { return };
        let Some(reader) = &mut source.reader else { return };
        reader.set_chunk_len(CHUNK_LEN);
        let mut notes = Notes { info, next_interface: &mut self.next_interface, source: i };
        reader.drain(&mut notes, limit, batch);
        let done = reader.is_done();
        if limit.is_none() && !done {
            // Its place among none does not matter, and looking ahead could block.
            self.open.push(Reverse((Timestamp(i64::MIN), i)));
        } else {
            self.requeue(i);
        }
    }

    /// Copies packets of capture `i` as long as no other has an earlier one.
    fn copy(&mut self, i: u32, batch: &mut Batch) {
        self.open.pop();
        let rival = self.open.peek().map(|Reverse(r)| *r);
        let next_open = self.waiting.last().map(|(first, _)| *first);
        let at = i as usize;
        let (Some(source), Some(info)) = (self.sources.get_mut(at), self.infos.get_mut(at)) else { return };
        let Some(reader) = &mut source.reader else { return };
        let mut notes = Notes { info, next_interface: &mut self.next_interface, source: i };
        while batch.used < CHUNK_LEN && batch.len() < MAX_BATCH_FRAMES {
            reader.copy_head(&mut notes, batch);
            let Some(ts) = reader.head_ts(&mut notes) else { break };
            if rival.is_some_and(|r| r < (ts, i)) || next_open.is_some_and(|n| n <= ts) {
                break;
            }
        }
        self.requeue(i);
    }

    /// What is known of the captures so far, by [`crate::Frame::source`].
    pub fn infos(&self) -> &[SourceInfo] {
        &self.infos
    }

    /// The interfaces met so far, with the captures they belong to.
    pub fn interfaces(&self) -> impl Iterator<Item = (&SourceInfo, &crate::Interface)> {
        self.infos.iter().flat_map(|s| s.interfaces.iter().map(move |i| (s, i)))
    }

    /// Decryption secrets that were met since the last call; [`SourceInfo::secrets`] has all of them.
    pub fn take_secrets(&mut self) -> Vec<Secrets> {
        std::mem::take(&mut self.fresh_secrets)
    }

    /// Notes what secrets capture `i` has come to.
    fn note_secrets(&mut self, i: u32) {
        let at = i as usize;
        if self.secrets_seen.len() < self.infos.len() {
            self.secrets_seen.resize(self.infos.len(), 0);
        }
        let (Some(info), Some(seen)) = (self.infos.get(at), self.secrets_seen.get_mut(at)) else { return };
        self.fresh_secrets.extend(info.secrets.iter().skip(*seen).cloned());
        *seen = info.secrets.len();
    }

    /// How far reading has come; may be asked from another thread.
    pub fn progress(&self) -> Progress {
        Progress { pool: Arc::clone(&self.pool), total_len: self.total_len }
    }

    /// Files in directories and under patterns that are no captures.
    pub fn skipped_count(&self) -> u64 {
        self.skipped_count
    }

    /// Captures named more than once; they are read once.
    pub fn duplicate_count(&self) -> u64 {
        self.duplicate_count
    }

    /// Captures opened after their turn, because [`MAX_UNPACK_MEMORY_LEN`] was used up.
    pub fn late_count(&self) -> u64 {
        self.late_count
    }
}
