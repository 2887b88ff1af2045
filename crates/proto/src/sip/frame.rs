//! Frames: a message, its first line, its header, its body.

use super::message::{Message, StartLine};
use crate::Cx;
use sekisho_transaction::{Frame, FrameKind as Kind};
use sekisho_types::Dir;

/// Tells of the frames of exchange `tx`, the message at the start of `rest`, which has `len` bytes.
pub(super) fn tell(dir: Dir, message: &Message<'_>, rest: &[u8], len: usize, tx: u64, cx: &mut Cx<'_>) {
    let [line, headers, body] = match message.start {
        StartLine::Request { .. } => [Kind::SipRequestLine, Kind::SipRequestHeaders, Kind::SipRequestBody],
        StartLine::Response { .. } => [Kind::SipResponseLine, Kind::SipResponseHeaders, Kind::SipResponseBody],
    };
    if !cx.wants_frames(&[Kind::SipPdu, line, headers, body]) {
        return;
    }
    let junk_len = message.junk.len();
    let header_at = memchr::memchr(b'\n', rest.get(..len).unwrap_or(rest)).map_or(len, |at| at + 1);
    let mut tell = |kind, from: usize, of: usize| {
        let back = rest.len().saturating_sub(from) as u64;
        cx.frame_of(dir, Frame { kind, back, len: Some(of as u64), tx: Some(tx) });
    };
    tell(Kind::SipPdu, junk_len, len.saturating_sub(junk_len));
    tell(line, junk_len, header_at.saturating_sub(junk_len));
    tell(headers, header_at, message.header.len());
    if !message.body.is_empty() {
        tell(body, len.saturating_sub(message.body.len()), message.body.len());
    }
}
