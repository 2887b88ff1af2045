//! The frames of a message: header, data, the whole, each item of its data, and the CIP message in one.

use super::message::{HEADER_LEN, command};
use super::tx::{MAX_PARTS, View, item};
use crate::Cx;
use sekisho_transaction::{Frame, FrameKind};
use sekisho_wire::{ParseResult, Reader};

/// Bytes of an item's kind and length.
const ITEM_HEADER_LEN: usize = 4;

impl View<'_> {
    /// Tells of the frames of the message that begins with `bytes`, behind which `left` bytes follow; it is exchange `tx`.
    pub(super) fn tell_frames(&self, bytes: &[u8], left: usize, tx: u64, cx: &mut Cx<'_>) {
        use FrameKind::{EnipCip, EnipData, EnipHdr, EnipItem, EnipPdu};
        if !cx.wants_frames(&[EnipCip, EnipData, EnipHdr, EnipItem, EnipPdu]) {
            return;
        }
        let data_len = usize::from(self.header.len);
        let mut tell = |kind, at: usize, len: usize| {
            let back = (bytes.len() + left).saturating_sub(at) as u64;
            cx.frame_of(self.dir, Frame { kind, back, len: Some(len as u64), tx: Some(tx) });
        };
        tell(EnipHdr, 0, HEADER_LEN);
        tell(EnipData, HEADER_LEN, data_len);
        tell(EnipPdu, 0, HEADER_LEN + data_len);
        let before = match self.header.command {
            // Interface and timeout.
            command::SEND_RR_DATA | command::SEND_UNIT_DATA => 6,
            command::LIST_IDENTITY | command::LIST_SERVICES => 0,
            _ => return,
        };
        let _ = items(bytes, HEADER_LEN + before, |kind, at, len| {
            tell(EnipItem, at, ITEM_HEADER_LEN + len);
            // Data of a connection are numbered.
            let number_len = match kind {
                item::CONNECTED_DATA => 2,
                item::UNCONNECTED_DATA => 0,
                _ => return,
            };
            let (from, len) = (at + ITEM_HEADER_LEN + number_len, len.saturating_sub(number_len));
            if len == 0 {
                return;
            }
            tell(EnipCip, from, len);
            let cip = bytes.get(from..from + len).unwrap_or_default();
            let _ = inner(cip, |at, len| tell(EnipCip, from + at, len));
        });
    }
}

/// Place and length of each message in a Multiple Service Packet (volume 1, appendix A-5).
fn inner(cip: &[u8], mut each: impl FnMut(usize, usize)) -> ParseResult<()> {
    let mut r = Reader::new(cip);
    match r.u8(&"service")? {
        service::MULTIPLE => {
            let words = usize::from(r.u8(&"path size")?);
            r.skip(&"path", 2 * words)?;
        }
        answer if answer == service::MULTIPLE | service::ANSWER => {
            r.skip(&"reserved", 1)?;
            r.skip(&"status", 1)?;
            let words = usize::from(r.u8(&"status size")?);
            r.skip(&"additional status", 2 * words)?;
        }
        _ => return Ok(()),
    }
    let base = r.pos();
    let count = usize::from(r.u16_le(&"service count")?).min(MAX_PARTS);
    let mut places = Vec::with_capacity(count + 1);
    for _ in 0..count {
        places.push(base + usize::from(r.u16_le(&"offset")?));
    }
    places.push(cip.len());
    for pair in places.windows(2) {
        if let [from, to] = pair
            && from < to
            && *to <= cip.len()
        {
            each(*from, to - from);
        }
    }
    Ok(())
}

/// Services of CIP that are looked into.
mod service {
    pub(super) const MULTIPLE: u8 = 0x0a;
    /// Set in answers.
    pub(super) const ANSWER: u8 = 0x80;
}

/// Kind, place and length of each item of the list at `from`.
fn items(bytes: &[u8], from: usize, mut each: impl FnMut(u16, usize, usize)) -> ParseResult<()> {
    let mut r = Reader::new(bytes);
    r.skip(&"header", from)?;
    let count = usize::from(r.u16_le(&"item count")?);
    for _ in 0..count.min(MAX_PARTS) {
        let at = r.pos();
        let kind = r.u16_le(&"item type")?;
        let len = usize::from(r.u16_le(&"item length")?);
        r.skip(&"item", len)?;
        each(kind, at, len);
    }
    Ok(())
}
