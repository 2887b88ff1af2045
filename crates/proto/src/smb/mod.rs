//! SMB 1 (MS-CIFS, MS-SMB), SMB 2 and 3 (MS-SMB2) over NetBIOS sessions (RFC 1002 §4.3) or plainly over TCP.
//!
//! Rows: shares mapped (`smb_mapping`), files opened, renamed and deleted (`smb_files`), and from what passes over
//! pipes `dce_rpc`, from logins `ntlm`. Content that is read or written is a file of source `SMB`, in whatever order
//! its pieces come; it is never held, only the messages before it are. Compounds are taken apart; encrypted and
//! compressed messages are recognised and passed over. Limits: [`MAX_MESSAGE_LEN`], [`MAX_PENDING`], [`MAX_TREES`],
//! [`MAX_OPEN_FILES`], [`MAX_RECENT`]. Known gaps: SMB 1 before NT LM 0.12 (OPEN, READ, WRITE, RENAME, DELETE by
//! name), fragmented SMB 1 transactions, SMB 3 compression, content of files opened before the capture began.

mod eve;
mod frame;
mod message1;
mod message2;
mod probe;
mod record;
mod session;
mod smb1;
mod smb2;
mod status;
#[cfg(test)]
pub(crate) mod tests;
mod tx;
mod usage;
mod watch;

pub use record::{SmbDowngradeRecord, SmbFilesRecord, SmbMappingRecord};
pub use usage::{SmbHiddenRecord, SmbUseRecord};

use crate::{Cx, Descriptor, Held, Protocol, Start};
use message2::{Content, FileKey};
use sekisho_types::{Dir, Heap};
use session::Session;
use smb2::Compound;

/// Longest message, or part of one before content, that is held until it is whole.
pub const MAX_MESSAGE_LEN: usize = 132 * 1024;
/// Requests that may wait for their response.
pub const MAX_PENDING: usize = 1000;
/// Shares mapped at a time.
pub const MAX_TREES: usize = 256;
/// Files and pipes open at a time; content of further ones is not looked at.
pub const MAX_OPEN_FILES: usize = 2048;
/// Actions remembered so that they are not told twice.
pub const MAX_RECENT: usize = 1024;

/// Messages after which it is certainly SMB; Zeek wants three pieces, too.
const CERTAIN_COUNT: u8 = 3;

/// Length of the header of a NetBIOS session packet.
const FRAME_HEADER_LEN: usize = 4;

/// Protocol ids.
mod magic {
    pub const SMB1: &[u8; 4] = b"\xffSMB";
    pub const SMB2: &[u8; 4] = b"\xfeSMB";
    pub const ENCRYPTED: &[u8; 4] = b"\xfdSMB";
    pub const COMPRESSED: &[u8; 4] = b"\xfcSMB";
}

/// What content belongs to: an open file, and the offset of the content's first byte in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    key: FileKey,
    offset: u64,
    /// The content passes over a pipe.
    pipe: bool,
}

/// One direction.
#[derive(Default)]
struct Side {
    held: Held,
    /// Bytes of the frame behind the message that is passing.
    frame_left: usize,
    /// Of the message that is passing: bytes before its content, of its content, behind it.
    before: usize,
    content: usize,
    after: usize,
    target: Option<Target>,
    compound: Compound,
    /// The next frame's beginning is to be searched.
    lost: bool,
    /// Those who want frames know of the message that begins.
    told: bool,
}

impl Side {
    /// From here on the next frame's beginning is searched.
    const fn lose(&mut self) {
        self.frame_left = 0;
        self.lost = true;
        self.told = false;
    }
}

/// What the bytes at hand come to.
enum Step {
    /// So many bytes were used.
    Took(usize),
    /// More are needed.
    More,
    Lost,
}

/// State of one connection.
pub struct Parser {
    sides: [Side; 2],
    session: Session,
    messages: u8,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "smb", tcp_ports: &[139, 445], udp_ports: &[], probe: probe::probe };

    fn start(_: &Start<'_>) -> Self {
        Self { sides: Default::default(), session: Session::default(), messages: 0 }
    }

    fn data(&mut self, dir: Dir, mut bytes: &[u8], cx: &mut Cx<'_>) {
        while !bytes.is_empty() {
            let passed = self.pass(dir, bytes, cx);
            if passed > 0 {
                bytes = bytes.get(passed..).unwrap_or(&[]);
                continue;
            }
            let mut held = std::mem::take(&mut self.side_mut(dir).held);
            let old = held.len();
            let joined = held.join(bytes);
            let step = if self.side(dir).lost { self.search(dir, &joined) } else { self.head(dir, &joined, cx) };
            match step {
                Step::Took(used) if used >= old => bytes = bytes.get(used - old..).unwrap_or(&[]),
                Step::Took(used) => {
                    // A search gives up part of what was held.
                    let rest = joined.get(used..).unwrap_or(&[]).to_vec();
                    return self.data(dir, &rest, cx);
                }
                Step::More => {
                    if held.keep(joined, 0, MAX_MESSAGE_LEN) {
                        self.side_mut(dir).held = held;
                    } else {
                        self.side_mut(dir).lose();
                    }
                    return;
                }
                // A direction that began before the capture comes into step with its next frame.
                Step::Lost if self.messages == 0 && self.side(dir.flip()).lost => {
                    return cx.reject("smb_broken_frame");
                }
                Step::Lost => {
                    if self.messages > 0 {
                        cx.weird("smb_broken_frame");
                    }
                    self.side_mut(dir).lose();
                    if old > 0 {
                        // The search begins with what was held.
                        let all = joined.to_vec();
                        return self.data(dir, &all, cx);
                    }
                }
            }
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        let mut left = usize::try_from(len).unwrap_or(usize::MAX);
        let Self { sides: [orig, resp], session, .. } = self;
        let side = if dir.is_orig() { orig } else { resp };
        left = take(&mut side.before, left).1;
        let (missing, more) = take(&mut side.content, left);
        left = more;
        if let Some(target) = side.target.as_mut().filter(|_| missing > 0) {
            target.offset = target.offset.saturating_add(missing as u64);
            if target.pipe {
                session.pipe_gap(target.key, dir, missing as u64, cx);
            }
        }
        left = take(&mut side.after, left).1;
        if left > 0 || !side.held.is_empty() {
            side.held.clear();
            side.lose();
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.session.end(cx);
    }

    fn held_len(&self) -> usize {
        let [orig, resp] = &self.sides;
        orig.held.heap_len() + resp.held.heap_len() + self.session.heap_len()
    }
}

/// Takes up to `n` from `count`; tells how many were taken and what is left of `n`.
fn take(count: &mut usize, n: usize) -> (usize, usize) {
    let taken = n.min(*count);
    *count -= taken;
    (taken, n - taken)
}

impl Parser {
    const fn side(&self, dir: Dir) -> &Side {
        dir.of(&self.sides)
    }

    const fn side_mut(&mut self, dir: Dir) -> &mut Side {
        dir.of_mut(&mut self.sides)
    }

    /// Passes on what belongs to a message that was begun; tells how many bytes that were.
    fn pass(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) -> usize {
        let side = self.side_mut(dir);
        let before = take(&mut side.before, bytes.len()).0;
        let rest = bytes.get(before..).unwrap_or(&[]);
        let content = take(&mut side.content, rest.len()).0;
        let piece = rest.get(..content).unwrap_or(&[]);
        let ends = side.content == 0;
        let after = take(&mut side.after, rest.len() - content).0;
        if let Some(target) = side.target.filter(|_| content > 0) {
            side.target = Some(Target { offset: target.offset.saturating_add(content as u64), ..target });
            if target.pipe {
                self.session.pipe(target.key, dir, piece, cx);
            } else {
                self.session.content(target.key, dir, (target.offset, ends), piece, cx);
            }
        }
        before + content + after
    }

    /// The beginning of a frame or of a message in it.
    fn head(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) -> Step {
        let left = self.side(dir).frame_left;
        if left == 0 {
            return self.frame(dir, bytes, cx);
        }
        let Some(magic) = bytes.first_chunk::<4>() else {
            return if left < 4 { self.skip(dir) } else { Step::More };
        };
        match magic {
            _ if left < 4 => self.skip(dir),
            magic::SMB1 => self.message1(dir, bytes, cx),
            magic::SMB2 => self.message2(dir, bytes, cx),
            magic::ENCRYPTED | magic::COMPRESSED => {
                self.tell(frame::SMB3, dir, bytes.len(), left, cx);
                if magic == magic::ENCRYPTED {
                    self.session.hidden(dir, left as u64, cx);
                }
                self.side_mut(dir).told = false;
                self.counted(cx);
                self.skip(dir)
            }
            _ => Step::Lost,
        }
    }

    /// A frame's header (RFC 1002 §4.3.1).
    fn frame(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) -> Step {
        let Some([kind, a, b, c]) = bytes.first_chunk::<FRAME_HEADER_LEN>() else { return Step::More };
        let len = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let side = self.side_mut(dir);
        side.compound = Compound::default();
        match kind {
            0 => side.frame_left = len,
            // Session request, its answers, keep-alive; the length has 17 bits.
            0x81..=0x85 if *a <= 1 => side.before = len,
            _ => return Step::Lost,
        }
        frame::tell(frame::NBSS, dir, bytes.len(), FRAME_HEADER_LEN + len, cx);
        Step::Took(FRAME_HEADER_LEN)
    }

    /// The rest of the frame is of no interest.
    fn skip(&mut self, dir: Dir) -> Step {
        let side = self.side_mut(dir);
        side.before = std::mem::take(&mut side.frame_left);
        Step::Took(0)
    }

    /// Tells of a message's frames, once.
    fn tell(&mut self, kinds: frame::Kinds, dir: Dir, back: usize, len: usize, cx: &mut Cx<'_>) {
        if !std::mem::replace(&mut self.side_mut(dir).told, true) {
            frame::tell(kinds, dir, back, len, cx);
        }
    }

    /// One more message was recognised.
    fn counted(&mut self, cx: &mut Cx<'_>) {
        cx.recognize("smb");
        self.messages = self.messages.saturating_add(1);
        if self.messages == CERTAIN_COUNT {
            cx.confirm_midstream("smb");
        }
    }

    /// A message of SMB 1, which fills its frame.
    fn message1(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) -> Step {
        let len = self.side(dir).frame_left;
        self.tell(frame::SMB1, dir, bytes.len(), len, cx);
        if len > MAX_MESSAGE_LEN {
            cx.weird("smb_message_too_long");
            self.side_mut(dir).told = false;
            self.counted(cx);
            return self.skip(dir);
        }
        let Some(message) = bytes.get(..len) else { return Step::More };
        self.side_mut(dir).told = false;
        self.counted(cx);
        self.side_mut(dir).frame_left = 0;
        if let Ok(header) = message1::Header::parse(message)
            && smb1::message(message, &header, &mut self.session, cx).is_err()
            && header.status == status::SUCCESS
        {
            cx.weird("smb_broken_message");
        }
        Step::Took(len)
    }

    /// A message of SMB 2, the next of its frame.
    fn message2(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) -> Step {
        let left = self.side(dir).frame_left;
        if left < message2::HEADER_LEN {
            return self.skip(dir);
        }
        if bytes.len() < message2::HEADER_LEN {
            return Step::More;
        }
        let Ok(header) = message2::Header::parse(bytes) else { return Step::Lost };
        let next = usize::try_from(header.next).unwrap_or(usize::MAX);
        let len = if (message2::HEADER_LEN..left).contains(&next) { next } else { left };
        let wanted = header.wanted_len().min(len).min(MAX_MESSAGE_LEN);
        self.tell(frame::SMB2, dir, bytes.len(), len, cx);
        let Some(message) = bytes.get(..wanted) else { return Step::More };
        self.counted(cx);
        let [orig, resp] = &mut self.sides;
        let side = if dir.is_orig() { orig } else { resp };
        let found = side.compound.message(message, &header, &mut self.session, cx);
        if found.is_err() {
            cx.weird("smb_broken_message");
        }
        side.frame_left = left - len;
        side.told = false;
        side.target = None;
        match found.unwrap_or_default().filter(|(_, c)| c.offset >= wanted && c.offset <= len) {
            Some((target, Content { offset, len: content_len })) => {
                side.target = Some(target);
                side.before = offset - wanted;
                side.content = content_len.min(len - offset);
                side.after = len - offset - side.content;
            }
            None => side.before = len - wanted,
        }
        Step::Took(wanted)
    }

    /// Looks for the next frame's beginning after a hole.
    fn search(&mut self, dir: Dir, bytes: &[u8]) -> Step {
        /// From a frame's header to the end of the protocol id.
        const START_LEN: usize = FRAME_HEADER_LEN + 4;
        let is_start = |w: &[u8]| w.first() == Some(&0) && w.ends_with(b"SMB") && w.get(4).is_some_and(|m| *m >= 0xfc);
        match bytes.windows(START_LEN).position(is_start) {
            Some(at) => {
                self.side_mut(dir).lost = false;
                Step::Took(at)
            }
            None if bytes.len() < START_LEN => Step::More,
            None => Step::Took(bytes.len() + 1 - START_LEN),
        }
    }
}
