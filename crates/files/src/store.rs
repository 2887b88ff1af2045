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
}

/// Keeps content; implemented where disks are known.
pub trait Store {
    /// A file begins. `None`: the store doesn't want it.
    fn create(&mut self, fuid: Uid, meta: &FileMeta) -> Option<StoreId>;

    /// Content at `offset`. Offsets only grow for plain files; parts of a resource come in any order.
    /// False: the store gives the file up, and hears of it no more but in [`Store::discard`].
    fn write_at(&mut self, id: StoreId, offset: u64, bytes: &[u8]) -> bool;

    /// Reads back what was written, for hashing a resource whose parts came out of order; returns how many
    /// bytes of `buf` were filled, 0 if the store can't.
    fn read_at(&mut self, id: StoreId, offset: u64, buf: &mut [u8]) -> usize {
        let _ = (id, offset, buf);
        0
    }

    /// The file is over; returns the name under which it lies, for the `extracted` column.
    fn finish(&mut self, id: StoreId, finished: &Finished<'_>) -> Option<Text>;

    /// Forget the file.
    fn discard(&mut self, id: StoreId);
}

/// A store that wants nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStore;

impl Store for NoStore {
    fn create(&mut self, _: Uid, _: &FileMeta) -> Option<StoreId> {
        None
    }

    fn write_at(&mut self, _: StoreId, _: u64, _: &[u8]) -> bool {
        false
    }

    fn finish(&mut self, _: StoreId, _: &Finished<'_>) -> Option<Text> {
        None
    }

    fn discard(&mut self, _: StoreId) {}
}
