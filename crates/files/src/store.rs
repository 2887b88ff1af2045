//! The way to where extracted content goes.

use crate::{FileMeta, FileRecord};
use sekisho_record::Text;
use sekisho_types::Uid;

/// A file in a [`Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreId(pub u64);

/// Which content goes to the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extract {
    /// Everything, within the limits of size.
    All,
    /// Nothing.
    #[default]
    Nothing,
}

/// What became of a stored file.
#[derive(Debug)]
pub struct Finished<'a> {
    /// The file's row; the first one if it came over several flows.
    pub record: &'a FileRecord,
    /// Bytes from the first to the last that was written, holes included.
    pub stored_len: u64,
    /// The size limit cut it off.
    pub cut_off: bool,
    /// Bytes that are known to be lacking in what was stored.
    pub missing_len: u64,
    /// Where they are lacking: from an offset up to, but without, another one; in order, apart from each other. The last
    /// may lie behind what was stored, where the announced size tells of it.
    pub holes: &'a [(u64, u64)],
    /// Holes beyond [`crate::MAX_HOLES`], which `holes` does not tell.
    pub holes_more: u64,
    /// Number of the first packet that brought content.
    pub first_packet: u64,
    /// Number of the last one.
    pub last_packet: u64,
}

/// Keeps content; implemented where disks are known. What is not implemented wants nothing.
pub trait Store {
    /// A file begins. `None`: the store doesn't want it.
    fn create(&mut self, fuid: Uid, meta: &FileMeta) -> Option<StoreId> {
        let _ = (fuid, meta);
        None
    }

    /// Content at `offset`, brought by packet number `packet`. Offsets only grow for plain files, and what is lacking is
    /// left out; parts of a resource come in any order. Numbers of packets grow with time, not with offsets.
    /// False: the store gives the file up, and hears of it no more but in [`Store::discard`].
    fn write_at(&mut self, id: StoreId, offset: u64, bytes: &[u8], packet: u64) -> bool {
        let _ = (id, offset, bytes, packet);
        false
    }

    /// Reads back what was written, for hashing a resource whose parts came out of order; returns how many
    /// bytes of `buf` were filled, 0 if the store can't.
    fn read_at(&mut self, id: StoreId, offset: u64, buf: &mut [u8]) -> usize {
        let _ = (id, offset, buf);
        0
    }

    /// The file is over; returns the name under which it lies, for the `extracted` column.
    fn finish(&mut self, id: StoreId, finished: &Finished<'_>) -> Option<Text> {
        let _ = (id, finished);
        None
    }

    /// Forget the file.
    fn discard(&mut self, id: StoreId) {
        let _ = id;
    }
}

/// A store that wants nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStore;

impl Store for NoStore {}
