//! Frames: lines of commands and replies with their ends, and mails.

use super::Core;
use crate::Cx;
use sekisho_transaction::{Frame, FrameId, FrameKind};
use sekisho_types::Dir;

/// Where frames are.
#[derive(Default)]
pub(super) struct Cutter {
    /// Bytes of each direction's line that goes on.
    line_len: [u64; 2],
    /// The mail that passes, and its bytes so far.
    mail: Option<(FrameId, u64)>,
}

impl Cutter {
    /// `len` more bytes of a line of `dir`.
    pub fn part(&mut self, dir: Dir, len: usize) {
        let line_len = dir.of_mut(&mut self.line_len);
        *line_len = line_len.saturating_add(len as u64);
    }

    /// A line of `dir` was read, behind which `left` bytes follow.
    pub fn line(&mut self, dir: Dir, left: usize, core: &mut Core, cx: &mut Cx<'_>) {
        let len = std::mem::take(dir.of_mut(&mut self.line_len));
        let kind = if dir == core.sender { FrameKind::SmtpCommandLine } else { FrameKind::SmtpResponseLine };
        if cx.wants_frames(&[kind]) {
            let tx = core.session.tx.last();
            cx.frame_of(dir, Frame { kind, back: len + left as u64, len: Some(len), tx });
            core.session.tx.show_for_frames(cx);
        }
    }

    /// Of the mail that passes `len` bytes were read, behind which `left` follow; `over`: to its end.
    pub fn content(&mut self, len: usize, left: usize, over: bool, core: &Core, cx: &mut Cx<'_>) {
        let (len, back) = (len as u64, (len + left) as u64);
        if self.mail.is_none() {
            let frame = Frame { kind: FrameKind::SmtpData, back, len: None, tx: core.session.tx.last() };
            self.mail = Some((cx.frame_of(core.sender, frame), 0));
        }
        if let Some((id, so_far)) = &mut self.mail {
            *so_far = so_far.saturating_add(len);
            if over {
                cx.frame_len(core.sender, *id, *so_far);
                self.mail = None;
            }
        }
    }

    /// `len` bytes of `dir` are missing.
    pub fn gap(&mut self, dir: Dir, len: u64, core: &Core) {
        *dir.of_mut(&mut self.line_len) = 0;
        if let (Some((_, so_far)), true) = (&mut self.mail, dir == core.sender) {
            *so_far = so_far.saturating_add(len);
        }
    }
}
