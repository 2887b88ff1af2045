//! Extracted content where nobody asked for files: one temporary file without a name holds all of it.

use crate::kept::{Kept, KeptList, Where};
use crate::spool::{nameless, read_fully};
use hashbrown::HashMap;
use sekisho_engine::Tap;
use sekisho_files::{FileMeta, Finished, IndexEntry, Store, StoreId};
use sekisho_record::Text;
use sekisho_types::{SeededState, Uid};
use sekisho_unpack::Spooled;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

/// Length of a file's first region; each further one is twice as long. What isn't written to takes no room on the disk.
const FIRST_LEN: u64 = 64 << 10;

/// Keeps content until the run ends.
pub struct Arena {
    file: Rc<File>,
    /// Where the next region begins.
    end: u64,
    open: HashMap<u64, Regions, SeededState>,
    next: u64,
    /// What is complete.
    pub kept: KeptList,
    /// The first failure; after it nothing more is kept.
    pub failed: Option<io::Error>,
}

impl Arena {
    /// In the system's folder for temporary files.
    pub fn new(seed: u64) -> io::Result<Self> {
        let file = Rc::new(nameless(&std::env::temp_dir())?);
        let open = HashMap::with_hasher(SeededState(seed));
        Ok(Self { file, end: 0, open, next: 0, kept: KeptList::default(), failed: None })
    }
}

/// Where a file's regions begin; `None` if nothing was written there.
#[derive(Clone, Debug, Default)]
struct Regions(Vec<Option<u64>>);

/// The region that offset `at` is in, where in it, and what is left of the region from there on.
fn locate(at: u64) -> (usize, u64, u64) {
    let region = (at / FIRST_LEN + 1).ilog2();
    let start = FIRST_LEN * ((1 << region) - 1);
    let len = FIRST_LEN << region;
    (region as usize, at - start, start + len - at)
}

impl Arena {
    fn write(&mut self, id: StoreId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let regions = self.open.get_mut(&id.0).ok_or(io::ErrorKind::NotFound)?;
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let (region, within, left) = locate(at);
            if regions.0.len() <= region {
                regions.0.resize(region + 1, None);
            }
            let start = *regions.0[region].get_or_insert_with(|| {
                let start = self.end;
                self.end += FIRST_LEN << region;
                start
            });
            let (now, later) = rest.split_at(rest.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
            self.file.write_all_at(now, start + within)?;
            at += now.len() as u64;
            rest = later;
        }
        Ok(())
    }
}

impl Tap for Arena {}

impl Store for Arena {
    fn create(&mut self, _: Uid, _: &FileMeta) -> Option<StoreId> {
        if self.failed.is_some() {
            return None;
        }
        let id = StoreId(self.next);
        self.next += 1;
        self.open.insert(id.0, Regions::default());
        Some(id)
    }

    fn write_at(&mut self, id: StoreId, offset: u64, bytes: &[u8], _: u64) -> bool {
        match self.write(id, offset, bytes) {
            Ok(()) => true,
            Err(e) => {
                self.failed.get_or_insert(e);
                false
            }
        }
    }

    fn read_at(&mut self, id: StoreId, offset: u64, buf: &mut [u8]) -> usize {
        let Some(regions) = self.open.get(&id.0) else { return 0 };
        read(&self.file, regions, offset, buf)
    }

    fn finish(&mut self, id: StoreId, finished: &Finished<'_>) -> Option<Text> {
        let regions = self.open.remove(&id.0)?;
        let content = Stored { file: Rc::clone(&self.file), regions };
        let entry = IndexEntry::new(finished, String::new());
        self.kept.push(Kept::new(entry, finished, Where::Arena(content)));
        None
    }

    fn discard(&mut self, id: StoreId) {
        self.open.remove(&id.0);
    }
}

/// One file's content.
#[derive(Clone)]
pub struct Stored {
    file: Rc<File>,
    regions: Regions,
}

impl Spooled for Stored {
    fn append(&mut self, _: &[u8]) -> bool {
        false
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> usize {
        read(&self.file, &self.regions, at, buf)
    }
}

/// What was never written is zeros. How long the file is, its row knows.
fn read(file: &File, regions: &Regions, at: u64, buf: &mut [u8]) -> usize {
    let mut done = 0;
    while done < buf.len() {
        let (region, within, left) = locate(at + done as u64);
        let room = (buf.len() - done).min(usize::try_from(left).unwrap_or(usize::MAX));
        let part = &mut buf[done..done + room];
        part.fill(0);
        if let Some(Some(start)) = regions.0.get(region)
            && read_fully(file, start + within, part).is_err()
        {
            return done;
        }
        done += room;
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_follow_each_other() {
        assert_eq!(locate(0), (0, 0, FIRST_LEN));
        assert_eq!(locate(FIRST_LEN - 1), (0, FIRST_LEN - 1, 1));
        assert_eq!(locate(FIRST_LEN), (1, 0, 2 * FIRST_LEN));
        assert_eq!(locate(3 * FIRST_LEN), (2, 0, 4 * FIRST_LEN));
        assert_eq!(locate(1 << 40).2 + (1 << 40), FIRST_LEN * ((1 << 25) - 1));
    }

    #[test]
    fn contents_do_not_meet() {
        let mut arena = Arena::new(0).expect("a temporary file");
        let meta = FileMeta::default();
        let ids: Vec<_> = (0..3).filter_map(|_| arena.create(Uid::default(), &meta)).collect();
        // Offsets across regions, in turn, one of them out of order.
        for (step, offset) in [(0u8, 200_000u64), (1, 0), (2, 65_000), (3, 500_000)] {
            for (i, id) in ids.iter().enumerate() {
                assert!(arena.write_at(*id, offset, &[10 * i as u8 + step + 1; 70_000], 1));
            }
        }
        for (i, id) in ids.iter().enumerate() {
            let mut all = vec![0xff; 600_000];
            assert_eq!(arena.read_at(*id, 0, &mut all), all.len());
            let at = |offset: usize| all[offset].checked_sub(10 * i as u8);
            assert_eq!(
                [at(0), at(64_999), at(65_000), at(134_999), at(200_000), at(269_999)],
                [2, 2, 3, 3, 1, 1].map(Some)
            );
            assert_eq!((all[135_000], all[270_000], all[499_999]), (0, 0, 0), "never written");
            assert_eq!((at(500_000), at(569_999)), (Some(4), Some(4)));
        }
        arena.discard(ids[0]);
        assert!(!arena.write_at(ids[0], 0, b"x", 1));
    }
}
