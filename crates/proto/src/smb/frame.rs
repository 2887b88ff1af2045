//! Frames: of NetBIOS (RFC 1002 §4.3.1), and of each message in one.

use super::FRAME_HEADER_LEN;
use crate::Cx;
use sekisho_transaction::FrameKind;
use sekisho_types::Dir;

/// Bytes of a header of SMB 1, of SMB 2, of what encrypts or compresses a message of SMB 3.
const HEADER1_LEN: usize = 32;
const HEADER2_LEN: usize = 64;
const HEADER3_LEN: usize = 52;

/// The three frames of a header with what follows it: whole, header, data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kinds([FrameKind; 3], usize);

pub(super) const NBSS: Kinds =
    Kinds([FrameKind::SmbNbssPdu, FrameKind::SmbNbssHdr, FrameKind::SmbNbssData], FRAME_HEADER_LEN);
pub(super) const SMB1: Kinds = Kinds([FrameKind::Smb1Pdu, FrameKind::Smb1Hdr, FrameKind::Smb1Data], HEADER1_LEN);
pub(super) const SMB2: Kinds = Kinds([FrameKind::Smb2Pdu, FrameKind::Smb2Hdr, FrameKind::Smb2Data], HEADER2_LEN);
pub(super) const SMB3: Kinds = Kinds([FrameKind::Smb3Pdu, FrameKind::Smb3Hdr, FrameKind::Smb3Data], HEADER3_LEN);

/// Tells of what begins `back` bytes before the end of the chunk and has `len` bytes.
pub(super) fn tell(kinds: Kinds, dir: Dir, back: usize, len: usize, cx: &mut Cx<'_>) {
    let Kinds(kinds @ [pdu, header, data], header_len) = kinds;
    if !cx.wants_frames(&kinds) {
        return;
    }
    cx.frame(dir, pdu, back as u64, Some(len as u64));
    cx.frame(dir, header, back as u64, Some(header_len as u64));
    if len > header_len {
        cx.frame_behind(dir, data, back as u64, header_len as u64, (len - header_len) as u64);
    }
}
