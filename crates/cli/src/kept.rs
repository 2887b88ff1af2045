//! Extracted files that are to be unpacked when the pass is over.

use crate::arena::Stored;
use crate::ground::Ground;
use crate::spool::read_fully;
use sekisho_files::{Finished, IndexEntry};
use sekisho_record::Port;
use sekisho_unpack::{Content, Spooled};
use std::fs::File;
use std::io;

/// Files remembered for unpacking; further ones are extracted and counted, no more.
const FILE_COUNT_MAX: usize = 200_000;

/// Where a file's content is.
pub enum Where {
    /// In the output folder, under the name that its row tells.
    Folder,
    /// In a temporary file.
    Arena(Stored),
}

/// An extracted file.
pub struct Kept {
    /// Its row.
    pub entry: IndexEntry,
    /// The ends' ports, which the row doesn't have.
    pub ports: (Port, Port),
    /// Where its content lacks bytes.
    pub holes: Vec<(u64, u64)>,
    place: Where,
}

impl Kept {
    /// A file that is over.
    pub fn new(entry: IndexEntry, finished: &Finished<'_>, place: Where) -> Self {
        let record = finished.record;
        Self { entry, ports: (record.orig_p, record.resp_p), holes: finished.holes.to_vec(), place }
    }

    /// The content, read from where it is when it is asked for.
    pub fn content(&self, ground: Option<&Ground>) -> io::Result<Content<'static>> {
        let spooled: Box<dyn Spooled> = match (&self.place, ground) {
            (Where::Arena(stored), _) => Box::new(stored.clone()),
            (Where::Folder, Some(ground)) => Box::new(Extracted(ground.reopen(&self.entry.path, false)?)),
            (Where::Folder, None) => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Content::from_spooled(spooled, self.entry.size).with_holes(&self.holes))
    }
}

/// Files in the order in which they ended.
#[derive(Default)]
pub struct KeptList {
    /// The first ones.
    pub files: Vec<Kept>,
    /// How many there were beyond.
    pub left_out: u64,
}

impl KeptList {
    /// One more.
    pub fn push(&mut self, file: Kept) {
        if self.files.len() < FILE_COUNT_MAX {
            self.files.push(file);
        } else {
            self.left_out += 1;
        }
    }
}

/// A file in the output folder.
struct Extracted(File);

impl Spooled for Extracted {
    fn append(&mut self, _: &[u8]) -> bool {
        false
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> usize {
        read_fully(&self.0, at, buf).unwrap_or(0)
    }
}
