//! The first words of TCP connections that no parser knows: told to detectors only, in rows of their own.

use crate::Rows;
use sekisho_flow::{Flow, Moment};
use sekisho_record::{Record, Text};
use sekisho_types::{Addr, Dir, Timestamp, Uid};

/// Bytes told of a chunk.
const MAX_TOLD_LEN: usize = 256;

/// Shortest chunk whose entropy says something (`detections.md` §1.4 P14), and bytes that it is reckoned from.
const MIN_ENTROPY_LEN: usize = 256;
const MAX_ENTROPY_LEN: usize = 2_048;

/// A chunk of a stream in a protocol that nobody knows. Of a flow the first few are told (`app::MAX_LATE_CHUNKS`).
#[derive(Clone, Debug, Record)]
#[record(log = "stranger")]
pub struct StrangerRecord {
    /// Time of the packet at which it was told.
    pub ts: Timestamp,
    /// Flow.
    pub uid: Uid,
    /// Who began the flow.
    #[record(name = "id.orig_h")]
    pub orig_h: Addr,
    /// The other end.
    #[record(name = "id.resp_h")]
    pub resp_h: Addr,
    /// Its port.
    #[record(name = "id.resp_p")]
    pub resp_p: u64,
    /// Did the originator say it?
    pub is_orig: bool,
    /// Its first bytes.
    pub bytes: Text,
    /// Its length.
    pub len: u64,
    /// Entropy of it, thousandths of a bit a byte; unset of less than [`MIN_ENTROPY_LEN`].
    pub entropy: Option<u64>,
    /// Packet at which it was told.
    pub packet: u64,
}

/// Tells of a chunk.
#[cold]
pub(crate) fn tell(flow: &Flow, dir: Dir, bytes: &[u8], at: Moment, rows: &mut dyn Rows) {
    if bytes.is_empty() {
        return;
    }
    let tuple = &flow.info.tuple;
    let row = StrangerRecord {
        ts: at.ts,
        uid: flow.info.uid,
        orig_h: tuple.orig,
        resp_h: tuple.resp,
        resp_p: tuple.resp_port.into(),
        is_orig: dir.is_orig(),
        bytes: Text(bytes.get(..MAX_TOLD_LEN).unwrap_or(bytes).to_vec()),
        len: bytes.len() as u64,
        entropy: (bytes.len() >= MIN_ENTROPY_LEN)
            .then(|| sekisho_types::entropy(bytes.get(..MAX_ENTROPY_LEN).unwrap_or(bytes))),
        packet: at.source,
    };
    rows.row_at(at.number, &row);
}
