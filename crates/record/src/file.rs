//! What is told of a file on its way from a parser to its row.

use crate::Text;
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
    /// Pieces come with their offsets, in any order (whoever opens it says so).
    pub random_access: bool,
}

impl Heap for FileMeta {
    fn heap_len(&self) -> usize {
        let names = self.filename.heap_len() + self.suggested_name.heap_len() + self.declared_mime.heap_len();
        names + self.range.as_ref().map_or(0, |r| r.key.heap_len())
    }
}
