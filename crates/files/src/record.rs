//! What is logged about files.

use crate::Hashes;
use sekisho_record::{Digest, Head, Port, Record, Set, Tail, Text};
use sekisho_types::{Addr, FlowInfo, Interval, Timestamp, Uid};

/// A file that crossed the network, or part of one.
#[derive(Clone, Debug, Record)]
#[record(log = "files")]
pub struct FileRecord {
    /// Time of the file's first byte or hole.
    pub ts: Timestamp,
    /// Unique id of the file.
    pub fuid: Uid,
    /// Unique id of the flow that carried it.
    pub uid: Uid,
    /// Originator's address.
    #[record(name = "id.orig_h")]
    pub orig_h: Addr,
    /// Originator's port.
    #[record(name = "id.orig_p")]
    pub orig_p: Port,
    /// Responder's address.
    #[record(name = "id.resp_h")]
    pub resp_h: Addr,
    /// Responder's port.
    #[record(name = "id.resp_p")]
    pub resp_p: Port,
    /// Protocol that carried it, e.g. `HTTP` or `FTP_DATA`.
    pub source: &'static str,
    /// Depth in its source: MIME part number, position in a certificate chain.
    pub depth: u64,
    /// Kinds of analysis done on the content, e.g. `PE`.
    pub analyzers: Set<&'static str>,
    /// Media type by content.
    pub mime_type: Option<&'static str>,
    /// Name as the carrying protocol's own headers give it; not for FTP, as in Zeek (see `name`).
    pub filename: Option<Text>,
    /// From the first to the last piece.
    pub duration: Interval,
    /// Did the content come from the home networks?
    pub local_orig: bool,
    /// Did the flow's originator send it?
    pub is_orig: bool,
    /// Bytes of content that were seen.
    pub seen_bytes: u64,
    /// Size as the carrying protocol's own headers announce it; not for FTP, as in Zeek (see `announced_bytes`).
    pub total_bytes: Option<u64>,
    /// Bytes that were lost between pieces.
    pub missing_bytes: u64,
    /// Bytes that came too far out of order to be looked at.
    pub overflow_bytes: u64,
    /// Set if the file stalled or the input ended before the file did.
    pub timedout: bool,
    /// The file that this one was unpacked from.
    pub parent_fuid: Option<Uid>,
    /// MD5 of the content, if it is whole.
    pub md5: Option<Digest<16>>,
    /// SHA-1 of the content, if it is whole.
    pub sha1: Option<Digest<20>>,
    /// SHA-256 of the content, if it is whole.
    pub sha256: Option<Digest<32>>,
    /// Name under which the content was kept.
    pub extracted: Option<Text>,
    /// Set if extraction stopped at the size limit.
    pub extracted_cutoff: Option<bool>,
    /// Bytes kept.
    pub extracted_size: Option<u64>,
    /// True if nothing is missing: no hole, the announced size reached, the protocol's end seen.
    #[record(ext)]
    pub complete: bool,
    /// Name, wherever it was learned: headers, or the FTP command or reply that began the transfer.
    #[record(ext)]
    pub name: Option<Text>,
    /// Announced size, wherever it was learned.
    #[record(ext)]
    pub announced_bytes: Option<u64>,
    /// The columns that end every row about a flow.
    #[record(flatten)]
    pub tail: Tail,
}

/// What a caller gets to know about a file, so far or finally.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSummary {
    /// The file's id in `files`; the default value if it was refused.
    pub fuid: Uid,
    /// Type by content, once enough bytes came.
    pub mime_type: Option<&'static str>,
    /// Bytes seen.
    pub seen_bytes: u64,
    /// As in [`FileRecord`]; final only after closing.
    pub complete: bool,
    /// Digests, after closing.
    pub hashes: Hashes,
}

/// One extracted file: a line of `index.ndjson` next to the files.
#[derive(Clone, Debug, Record)]
#[record(log = "index")]
pub struct IndexEntry {
    /// Where the content lies, relative to the index.
    pub path: String,
    /// Name as given on the wire, never used as a path.
    pub name: Option<Text>,
    /// SHA-256 of the content, if it is whole.
    pub sha256: Option<Digest<32>>,
    /// SHA-1 of the content, if it is whole.
    pub sha1: Option<Digest<20>>,
    /// MD5 of the content, if it is whole.
    pub md5: Option<Digest<16>>,
    /// Bytes in the stored file, holes (filled with zeros) included.
    pub size: u64,
    /// Media type by content.
    pub mime_type: Option<&'static str>,
    /// Protocol that carried it.
    pub protocol: &'static str,
    /// Unique id of the flow that carried it.
    pub uid: Uid,
    /// True if nothing is missing.
    pub complete: bool,
    /// Bytes known to be missing.
    pub missing: u64,
    /// Unique id of the file.
    pub fuid: Uid,
    /// Time of the first byte.
    pub ts: Timestamp,
    /// Originator's address.
    #[record(name = "id.orig_h")]
    pub orig_h: Addr,
    /// Responder's address.
    #[record(name = "id.resp_h")]
    pub resp_h: Addr,
    /// Did the flow's originator send it?
    pub is_orig: bool,
    /// Extraction stopped at the size limit.
    pub cut_off: bool,
    /// Number of the first packet that brought content.
    pub first_packet: u64,
    /// Number of the last one.
    pub last_packet: u64,
    /// Where bytes are missing, e.g. `100-200,900-1000`: offsets of the first missing byte and of the next one there.
    pub holes: Option<String>,
    /// Holes that `holes` does not tell, as there are too many.
    pub holes_more: u64,
}

impl IndexEntry {
    /// For a finished file that lies at `path`.
    pub fn new(finished: &crate::Finished<'_>, path: String) -> Self {
        let r = finished.record;
        Self {
            path,
            name: r.name.clone(),
            sha256: r.sha256,
            sha1: r.sha1,
            md5: r.md5,
            size: finished.stored_len,
            mime_type: r.mime_type,
            protocol: r.source,
            uid: r.uid,
            complete: r.complete && !finished.cut_off,
            missing: finished.missing_len,
            fuid: r.fuid,
            ts: r.ts,
            orig_h: r.orig_h,
            resp_h: r.resp_h,
            is_orig: r.is_orig,
            cut_off: finished.cut_off,
            first_packet: finished.first_packet,
            last_packet: finished.last_packet,
            holes: (!finished.holes.is_empty()).then(|| {
                let holes: Vec<String> = finished.holes.iter().map(|(from, to)| format!("{from}-{to}")).collect();
                holes.join(",")
            }),
            holes_more: finished.holes_more,
        }
    }
}

/// The columns of a row that depend on the flow.
#[derive(Clone, Copy)]
pub(crate) struct FlowColumns {
    pub(crate) head: Head,
    pub(crate) tail: Tail,
    pub(crate) local_orig: bool,
}

impl FlowColumns {
    pub(crate) fn new(flow: &FlowInfo, is_orig: bool) -> Self {
        Self {
            head: Head::new(flow.first_ts, flow),
            tail: Tail::new(flow),
            local_orig: if is_orig { flow.local_orig } else { flow.local_resp },
        }
    }
}
