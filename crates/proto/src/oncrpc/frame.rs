//! Frames of NFS: a message, its credentials or its header, and what NFS has in it. Messages in several fragments have none.

use super::message::{Call, Message, Reply};
use super::program;
use crate::Cx;
use sekisho_transaction::FrameKind as Kind;
use sekisho_types::Dir;

/// Bytes of a fragment's length (RFC 5531 §11).
pub(super) const MARK_LEN: u64 = 4;
/// Bytes of a call before its credentials, and of these before their content (RFC 5531 §9).
const BEFORE_CREDENTIALS_LEN: u64 = 24;
const CREDENTIALS_HEADER_LEN: u64 = 8;
/// Bytes of a reply up to its kind.
const REPLY_HEADER_LEN: u64 = 8;
/// Bytes of NFS's status, and of what stands before the operations of NFS 4.
const STATUS_LEN: u64 = 4;
const HEADER4_LEN: u64 = 8;

const KINDS: &[Kind] = &[
    Kind::NfsRpcCreds,
    Kind::NfsRpcData,
    Kind::NfsRpcHdr,
    Kind::NfsRpcPdu,
    Kind::NfsPdu,
    Kind::NfsStatus,
    Kind::Nfs4Hdr,
    Kind::Nfs4Ops,
    Kind::Nfs4Pdu,
    Kind::Nfs4Status,
];

/// Where a message lies.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// What is held of it from its beginning on.
    pub held: usize,
    /// Its bytes, without the mark.
    pub len: u64,
    /// Bytes of the mark before it.
    pub mark: u64,
    /// Bytes of the chunk behind it.
    pub left: usize,
}

impl Extent {
    /// Tells of what begins `from` bytes behind the message's beginning.
    fn tell(self, dir: Dir, kind: Kind, from: u64, len: u64, cx: &mut Cx<'_>) {
        let back = (self.len + self.left as u64).saturating_sub(from);
        cx.frame(dir, kind, back, Some(len));
    }

    /// Message and mark together.
    fn tell_whole(self, dir: Dir, kind: Kind, len: u64, cx: &mut Cx<'_>) {
        cx.frame(dir, kind, self.mark + self.len + self.left as u64, Some(len));
    }
}

/// Tells of the frames of `message`. `version`: of NFS, as the call that it replies to said.
pub(super) fn tell(dir: Dir, message: &Message<'_>, version: Option<u32>, at: Extent, cx: &mut Cx<'_>) {
    if !cx.wants_frames(KINDS) {
        return;
    }
    match message {
        Message::Call(call) if dir.is_orig() && call.program == program::number::NFS => tell_call(dir, call, at, cx),
        Message::Reply(reply) if !dir.is_orig() => {
            if let Some(version) = version {
                tell_reply(dir, reply, version, at, cx);
            }
        }
        _ => {}
    }
}

fn tell_call(dir: Dir, call: &Call<'_>, at: Extent, cx: &mut Cx<'_>) {
    at.tell_whole(dir, Kind::NfsRpcPdu, at.mark + at.len, cx);
    let len = CREDENTIALS_HEADER_LEN + call.credentials_len;
    at.tell(dir, Kind::NfsRpcCreds, BEFORE_CREDENTIALS_LEN, len, cx);
    let from = at.held.saturating_sub(call.args.len()) as u64;
    let len = at.len.saturating_sub(from);
    match call.version {
        2 | 3 => at.tell(dir, Kind::NfsPdu, from, len, cx),
        4 => {
            at.tell(dir, Kind::Nfs4Pdu, from, len, cx);
            if len > HEADER4_LEN {
                at.tell(dir, Kind::Nfs4Hdr, from, HEADER4_LEN, cx);
                at.tell(dir, Kind::Nfs4Ops, from + HEADER4_LEN, len - HEADER4_LEN, cx);
            }
        }
        _ => {}
    }
}

fn tell_reply(dir: Dir, reply: &Reply<'_>, version: u32, at: Extent, cx: &mut Cx<'_>) {
    at.tell_whole(dir, Kind::NfsRpcPdu, at.mark + at.len, cx);
    if at.len > REPLY_HEADER_LEN {
        at.tell_whole(dir, Kind::NfsRpcHdr, at.mark + REPLY_HEADER_LEN, cx);
        at.tell(dir, Kind::NfsRpcData, REPLY_HEADER_LEN, at.len - REPLY_HEADER_LEN, cx);
    }
    let from = at.held.saturating_sub(reply.results.len()) as u64;
    let len = at.len.saturating_sub(from);
    match version {
        2 | 3 if len > 0 => {
            at.tell(dir, Kind::NfsPdu, from, len, cx);
            at.tell(dir, Kind::NfsStatus, from, STATUS_LEN, cx);
        }
        4 if len > 0 => {
            at.tell(dir, Kind::Nfs4Pdu, from, len, cx);
            at.tell(dir, Kind::Nfs4Status, from, STATUS_LEN, cx);
            if len > HEADER4_LEN {
                at.tell(dir, Kind::Nfs4Hdr, from, HEADER4_LEN, cx);
                at.tell(dir, Kind::Nfs4Ops, from + HEADER4_LEN, len - HEADER4_LEN, cx);
            }
        }
        _ => {}
    }
}
