//! Frames: records, their headers and what is in them.

use super::layer::{Content, HEAD_LEN, content};
use crate::Cx;
use sekisho_transaction::FrameKind;
use sekisho_types::Dir;

/// All frames of TLS.
pub(super) const KINDS: &[FrameKind] = &[
    FrameKind::TlsAlert,
    FrameKind::TlsData,
    FrameKind::TlsHdr,
    FrameKind::TlsHeartbeat,
    FrameKind::TlsPdu,
    FrameKind::Sslv2Hdr,
    FrameKind::Sslv2Pdu,
];

/// Bytes of SSL 2's header up to and with the message's type.
const V2_HEADER_LEN: u64 = 3;

/// Tells of a record with header `head` and `len` bytes behind it; `left` bytes of the chunk follow the header.
pub(super) fn tell(dir: Dir, what: Content, head: &[u8; HEAD_LEN], len: usize, left: usize, cx: &mut Cx<'_>) {
    if !cx.wants_frames(KINDS) {
        return;
    }
    let (head_len, len, left) = (HEAD_LEN as u64, len as u64, left as u64);
    if let Content::V2(_) = what {
        cx.frame(dir, FrameKind::Sslv2Hdr, left + head_len, Some(V2_HEADER_LEN));
        cx.frame(dir, FrameKind::Sslv2Pdu, left + head_len, Some(head_len + len));
        return;
    }
    cx.frame(dir, FrameKind::TlsPdu, left + head_len, Some(head_len + len));
    cx.frame(dir, FrameKind::TlsHdr, left + head_len, Some(head_len));
    cx.frame(dir, FrameKind::TlsData, left, Some(len));
    match head {
        [content::ALERT, ..] => drop(cx.frame(dir, FrameKind::TlsAlert, left, Some(len))),
        [content::HEARTBEAT, ..] => drop(cx.frame(dir, FrameKind::TlsHeartbeat, left, Some(len))),
        _ => {}
    }
}
