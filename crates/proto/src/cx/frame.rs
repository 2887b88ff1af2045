//! Frames: which bytes of the stream, or of the datagram, are what.

use super::Cx;
use sekisho_transaction::{Frame, FrameId, FrameKind, Mark, Transaction};
use sekisho_types::Dir;

impl Cx<'_> {
    /// Does anybody want one of these frames? Of bytes that are not on the wire as they are here there are none.
    pub fn wants_frames(&self, kinds: &[FrameKind]) -> bool {
        !self.out.frames.is_empty() && !self.decrypted && self.depth == 0 && self.out.frames.has_any(kinds)
    }

    /// A frame of what `dir` sends has begun `back` bytes before the end of the bytes at hand, and has `len` bytes, if that is
    /// known. Bytes at hand are those of `dir` that the call into the parser came with.
    pub fn frame(&mut self, dir: Dir, kind: FrameKind, back: u64, len: Option<u64>) -> FrameId {
        self.frame_of(dir, Frame { kind, back, len, tx: None })
    }

    /// As [`Cx::frame`], in one piece, perhaps of an exchange.
    pub fn frame_of(&mut self, dir: Dir, frame: Frame) -> FrameId {
        self.begin_frame(dir, frame, 0)
    }

    /// As [`Cx::frame`] of what begins `skip` bytes behind there, perhaps not at hand yet.
    pub fn frame_behind(&mut self, dir: Dir, kind: FrameKind, back: u64, skip: u64, len: u64) -> FrameId {
        self.begin_frame(dir, Frame { kind, back, len: Some(len), tx: None }, skip)
    }

    fn begin_frame(&mut self, dir: Dir, frame: Frame, skip: u64) -> FrameId {
        if !self.wants_frames(&[frame.kind]) {
            return FrameId::default();
        }
        let at = self.sight();
        self.files.frame(&at, dir, frame, skip)
    }

    /// The length of a frame has become known.
    pub fn frame_len(&mut self, dir: Dir, id: FrameId, len: u64) {
        if id != FrameId::default() {
            self.files.frame_known(self.flow, dir, id, Some(len), None);
        }
    }

    /// What an exchange says by now, for alerts about frames that belong to it. What goes through [`Cx::look`] need not be shown
    /// here.
    pub fn frame_exchange(&mut self, tx: &dyn Transaction, mark: &Mark) {
        if !self.out.frames.is_empty() && self.is_watched() {
            let at = self.sight();
            self.files.frame_exchange(&at, tx, mark);
        }
    }

    /// The exchange that a frame belongs to has become known.
    pub fn frame_tx(&mut self, dir: Dir, id: FrameId, tx: u64) {
        if id != FrameId::default() {
            self.files.frame_known(self.flow, dir, id, None, Some(tx));
        }
    }
}
