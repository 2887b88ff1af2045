//! Where extracted files go: a folder with safe names and `index.ndjson`.

use hashbrown::HashMap;
use sekisho_engine::Tap;
use sekisho_files::{FileMeta, Finished, IndexEntry, Store, StoreId, safe_name};
use sekisho_output::{JsonEncoder, JsonStyle};
use sekisho_record::{Record, Text};
use sekisho_types::{SeededState, Uid};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Descriptors kept open; beyond, the file written longest ago is closed and reopened when needed.
const MAX_OPEN: usize = 256;

/// Writes content below one folder; never outside it, never through links, nothing executable.
pub struct Folder {
    dir: PathBuf,
    files: HashMap<u64, Stored, SeededState>,
    next: u64,
    open: usize,
    clock: u64,
    index: BufWriter<File>,
    encoder: JsonEncoder,
    line: Vec<u8>,
    /// Files whose content was kept.
    pub kept: u64,
    /// The first failure; after it nothing more is written.
    pub failed: Option<io::Error>,
}

struct Stored {
    fuid: Uid,
    part: PathBuf,
    file: Option<File>,
    used: u64,
}

impl Folder {
    /// Makes `dir` if need be and begins a new index in it.
    pub fn new(dir: &Path, seed: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let index = create(&dir.join("index.ndjson"))?;
        Ok(Self {
            dir: dir.to_owned(),
            files: HashMap::with_hasher(SeededState(seed)),
            next: 0,
            open: 0,
            clock: 0,
            index: BufWriter::new(index),
            encoder: JsonEncoder::new(IndexEntry::static_schema(), JsonStyle::Zeek),
            line: Vec::new(),
            kept: 0,
            failed: None,
        })
    }

    /// Everything is written.
    pub fn finish(mut self) -> io::Result<u64> {
        if let Some(e) = self.failed.take() {
            return Err(e);
        }
        self.index.flush()?;
        Ok(self.kept)
    }

    fn note<T>(&mut self, result: io::Result<T>) -> Option<T> {
        match result {
            Ok(v) => Some(v),
            Err(e) => {
                self.failed.get_or_insert(e);
                None
            }
        }
    }

    /// The open file of `id`, reopened if it was closed for want of descriptors.
    fn file(&mut self, id: StoreId) -> io::Result<&File> {
        self.clock += 1;
        if self.open >= MAX_OPEN && self.files.get(&id.0).is_some_and(|s| s.file.is_none()) {
            let oldest = self.files.values_mut().filter(|s| s.file.is_some()).min_by_key(|s| s.used);
            if let Some(s) = oldest {
                s.file = None;
                self.open -= 1;
            }
        }
        let stored = self.files.get_mut(&id.0).ok_or(io::ErrorKind::NotFound)?;
        stored.used = self.clock;
        if stored.file.is_none() {
            stored.file = Some(OpenOptions::new().read(true).write(true).open(&stored.part)?);
            self.open += 1;
        }
        stored.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn remove(&mut self, id: StoreId) -> Option<Stored> {
        let stored = self.files.remove(&id.0)?;
        self.open -= usize::from(stored.file.is_some());
        Some(stored)
    }
}

impl Drop for Folder {
    /// However the pass ended, nothing half-written stays behind.
    fn drop(&mut self) {
        for stored in self.files.values() {
            let _ = fs::remove_file(&stored.part);
        }
    }
}

/// A new, empty, plain file; what stood there under the name is replaced, links are not followed.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o644).open(path)
}

impl Tap for Folder {}

impl Store for Folder {
    fn create(&mut self, fuid: Uid, _meta: &FileMeta) -> Option<StoreId> {
        if self.failed.is_some() {
            return None;
        }
        let id = StoreId(self.next);
        self.next += 1;
        let part = self.dir.join(format!(".{}.part", safe_name::for_file(fuid, None)));
        let file = create(&part);
        let file = self.note(file)?;
        self.clock += 1;
        self.files.insert(id.0, Stored { fuid, part, file: Some(file), used: self.clock });
        self.open += 1;
        Some(id)
    }

    fn write_at(&mut self, id: StoreId, offset: u64, bytes: &[u8], _packet: u64) -> bool {
        let written = self.file(id).and_then(|f| f.write_all_at(bytes, offset));
        self.note(written).is_some()
    }

    fn read_at(&mut self, id: StoreId, offset: u64, buf: &mut [u8]) -> usize {
        self.file(id).and_then(|f| f.read_at(buf, offset)).unwrap_or(0)
    }

    fn finish(&mut self, id: StoreId, finished: &Finished<'_>) -> Option<Text> {
        let stored = self.remove(id)?;
        let name = safe_name::for_file(stored.fuid, finished.record.name.as_ref().map(|n| &n.0[..]));
        let moved = fs::rename(&stored.part, self.dir.join(&name));
        self.note(moved)?;
        self.line.clear();
        self.encoder.encode(&IndexEntry::new(finished, name.clone()), &mut self.line);
        let written = self.index.write_all(&self.line);
        self.note(written)?;
        self.kept += 1;
        Some(name.into())
    }

    fn discard(&mut self, id: StoreId) {
        if let Some(stored) = self.remove(id) {
            let removed = fs::remove_file(&stored.part);
            self.note(removed);
        }
    }
}
