//! Frames: a request or a response, from its first line to the end of its body.

use super::side::Side;
use crate::Cx;
use sekisho_transaction::{Frame, FrameId, FrameKind};
use sekisho_types::Dir;

/// Where messages of one direction are.
#[derive(Default)]
pub(super) struct Cutter {
    /// Bytes of a line that goes on.
    line_len: u64,
    /// The message at hand, and its bytes so far.
    open: Option<(FrameId, u64)>,
    /// Messages begun so far.
    messages: u64,
}

impl Cutter {
    /// `len` bytes of a line that goes on.
    pub fn part(&mut self, len: usize) {
        self.line_len = self.line_len.saturating_add(len as u64);
    }

    /// `len` bytes, to the end of a line or of a body, have moved `side`; `left` follow.
    pub fn step(
        &mut self,
        at: (Dir, FrameKind),
        len: usize,
        left: usize,
        side: &Side,
        tx: Option<u64>,
        cx: &mut Cx<'_>,
    ) {
        let len = std::mem::take(&mut self.line_len).saturating_add(len as u64);
        let (dir, kind) = at;
        if std::mem::replace(&mut self.messages, side.messages) != side.messages {
            let frame = Frame { kind, back: len.saturating_add(left as u64), len: None, tx };
            self.open = Some((cx.frame_of(dir, frame), 0));
        }
        if let Some((_, so_far)) = &mut self.open {
            *so_far = so_far.saturating_add(len);
        }
        self.settle(dir, side, cx);
    }

    /// The message may be over.
    pub fn settle(&mut self, dir: Dir, side: &Side, cx: &mut Cx<'_>) {
        if let Some((id, len)) = self.open.take_if(|_| !side.ongoing) {
            cx.frame_len(dir, id, len);
        }
    }

    /// `len` bytes are missing.
    pub fn gap(&mut self, len: u64) {
        self.line_len = 0;
        if let Some((_, so_far)) = &mut self.open {
            *so_far = so_far.saturating_add(len);
        }
    }
}
