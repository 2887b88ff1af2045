//! Files that pass by: sizes, holes, hashes, type by content, joined ranges, extraction.
//!
//! Parsers announce a file, give its bytes as they come, and close it; [`FileManager`] makes one
//! [`FileRecord`] of each with the meaning of Zeek's files.log. The crate never sees a disk: content
//! that shall be kept goes to a [`Store`], which the command line implements, under a name made by
//! [`safe_name`]. Bytes are looked at once, while they pass; nothing is copied unless a hash must wait
//! for an earlier part of a resource that comes in ranges.
//!
//! Everything an opponent could inflate is bounded by a [`Limits`] field or a named constant, and each
//! bound that bites is counted in [`Stats`].
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::cast_possible_truncation
    )
)]

mod file;
mod hash;
mod holes;
mod join;
mod manager;
mod mime;
mod ocsp;
mod pe;
mod record;
pub mod safe_name;
mod store;
#[cfg(test)]
mod tests;

pub use hash::{HashSet, Hashes};
pub use holes::MAX_HOLES;
pub use manager::{FileHandle, FileManager, Limits, Stats};
pub use mime::{HEAD_LEN, mime_type};
pub use ocsp::OcspRecord;
pub use pe::PeRecord;
pub use record::{FileRecord, FileSummary, IndexEntry};
pub use store::{Extract, Finished, NoStore, Store, StoreId};

pub use sekisho_record::{FileMeta, Range};
