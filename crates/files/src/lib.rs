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
pub use manager::{FileHandle, FileManager, Limits, Stats};
pub use mime::{HEAD_LEN, mime_type};
pub use ocsp::OcspRecord;
pub use pe::PeRecord;
pub use record::{FileRecord, FileSummary, IndexEntry};
pub use store::{Extract, Finished, NoStore, Store, StoreId};

use sekisho_record::Text;
use sekisho_types::{Heap, Uid};

/// A part of a larger resource (RFC 9110 §14.4 Content-Range).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Offset of the part's first byte.
    pub start: u64,
    /// Size of the whole resource, if announced.
    pub total: Option<u64>,
    /// Parts with equal keys (host, URI, ETag) between the same two hosts belong to one resource.
    pub key: Text,
}

/// What is known about a file when its content begins.
#[derive(Clone, Debug, Default)]
pub struct FileMeta {
    /// Zeek's source name: `HTTP`, `FTP_DATA`, `SMTP`, `SSL`.
    pub source: &'static str,
    /// Nesting depth: MIME part number, certificate position.
    pub depth: u64,
    /// Direction of the content.
    pub is_orig: bool,
    /// Name from the wire.
    pub filename: Option<Text>,
    /// What to call the file where no name was given: the last part of a URI's path.
    pub suggested_name: Option<Text>,
    /// Announced size.
    pub total_len: Option<u64>,
    /// Declared media type, without parameters.
    pub declared_mime: Option<Text>,
    /// Set if this is a part of a larger resource.
    pub range: Option<Range>,
    /// Names for the `analyzers` column, e.g. `X509`.
    pub analyzers: &'static [&'static str],
    /// Type known from the protocol, which no look at the content shall change.
    pub known_mime: Option<&'static str>,
    /// The file that this one was unpacked from.
    pub parent: Option<Uid>,
    /// No row in `files` for it: certificates, which have `x509`.
    pub unlogged: bool,
    /// It came encrypted and was decrypted.
    pub decrypted: bool,
    /// Pieces come with their offsets, in any order ([`FileManager::data_at`]).
    pub random_access: bool,
}

impl Heap for FileMeta {
    fn heap_len(&self) -> usize {
        let names = self.filename.heap_len() + self.suggested_name.heap_len() + self.declared_mime.heap_len();
        names + self.range.as_ref().map_or(0, |r| r.key.heap_len())
    }
}
