//! What is told about the members of unpacked files.

use sekisho_record::{Digest, Record, Text, UnsetIfEmpty};
use sekisho_types::Uid;

/// What was in a file, in what was in it, and so on: a line of `members.ndjson`. A file that has members, or about which there
/// is something odd to be told, begins with a row of its own, `member` 0.
#[derive(Clone, Debug, Default, Record)]
#[record(log = "members")]
pub struct MemberEntry {
    /// Unique id of the file that it was in, at whatever depth.
    pub fuid: Uid,
    /// Unique id of the flow that carried the file.
    pub uid: Uid,
    /// Its number within the file; parents come before their members.
    pub member: u64,
    /// Number of what it was in directly; 0 is the file itself.
    pub parent: Option<u64>,
    /// All steps from the file to it, e.g. `tar:a.tgz → gzip → tar:b.txt → base64@12`.
    pub path: String,
    /// Name as in the archive, never used as a path; the first 512 bytes.
    pub name: Option<Text>,
    /// How it was got out of its parent: the format or encoding, e.g. `tar`, `gzip`, `base64`, `vba`.
    pub how: &'static str,
    /// `file`, `symlink`, `hardlink` or `device`. Only files have content; the others are never made.
    pub form: &'static str,
    /// Where a link leads to.
    pub target: Option<Text>,
    /// Type by content, a short name.
    pub kind: &'static str,
    /// Media type by content.
    pub mime_type: &'static str,
    /// Bytes of content that there are.
    pub size: u64,
    /// Bytes that it takes in its parent, where that can be told.
    pub stored_size: Option<u64>,
    /// Unpacked size that its parent announces.
    pub declared_size: Option<u64>,
    /// Where in the parent its packed bytes begin; unset if they are in several places or in a solid block.
    pub offset: Option<u64>,
    /// `complete`, `truncated`, `damaged`, `encrypted`, `unsupported`, or `cut` by a limit.
    pub completeness: &'static str,
    /// Why it is not complete.
    pub reason: Option<&'static str>,
    /// SHA-256 of the content that there is.
    pub sha256: Option<Digest<32>>,
    /// SHA-1 of the content that there is.
    pub sha1: Option<Digest<20>>,
    /// MD5 of the content that there is.
    pub md5: Option<Digest<16>>,
    /// Number of an earlier member of this file with equal content: that one was opened, this one is not.
    pub same_as: Option<u64>,
    /// Whose password opened it: `given` on the command line, `heard` in clear in the capture, or one of the `usual` ones.
    pub password_source: Option<&'static str>,
    /// The password, if it is a usual one.
    pub password: Option<&'static str>,
    /// What is odd about it or in it; limits that left out some of it.
    pub anomalies: UnsetIfEmpty<&'static str>,
    /// Where the content lies, relative to this file.
    pub extracted: Option<String>,
}
