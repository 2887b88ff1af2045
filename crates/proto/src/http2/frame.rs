//! Frames (RFC 9113 §4, §6) out of any split: content passes through, what must be whole is kept until it is.

use sekisho_types::Heap;

/// Frame types (RFC 9113 §6).
pub(super) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const PRIORITY: u8 = 2;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// Frame flags.
pub(super) mod flag {
    pub(crate) const END_STREAM: u8 = 0x1;
    pub(crate) const END_HEADERS: u8 = 0x4;
    pub(crate) const PADDED: u8 = 0x8;
    pub(crate) const PRIORITY: u8 = 0x20;
}

/// Bytes of a frame's header.
pub(super) const HEAD_LEN: usize = 9;

/// Largest frame that is kept whole; ends allow 16 KiB unless they say otherwise.
pub const MAX_KEPT_FRAME_LEN: usize = 128 * 1024;

/// Longest GOAWAY or RST_STREAM that is looked at; what is behind is not.
const MAX_SHORT_LEN: usize = 8;

/// How much of a SETTINGS frame is looked at, if anybody watches.
const MAX_SETTINGS_LEN: usize = 64 * 6;

/// A frame's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub len: usize,
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
}

impl Head {
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// What becomes of the payload.
    fn stage(&self, watched: bool) -> Stage {
        match self.kind {
            kind::DATA => Stage::Content((!self.has(flag::PADDED)).then_some(0)),
            kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION => Stage::Keep(self.len),
            kind::RST_STREAM | kind::GOAWAY => Stage::Keep(self.len.min(MAX_SHORT_LEN)),
            kind::SETTINGS if watched => Stage::Keep(self.len.min(MAX_SETTINGS_LEN)),
            _ if watched => Stage::Keep(self.len.min(MAX_SHORT_LEN)),
            _ => Stage::Skip,
        }
    }
}

/// What becomes of the payload that is to come.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// So many bytes are kept, then handed out.
    Keep(usize),
    /// Content, and behind it padding, whose length is told by the first byte: not yet if `None`.
    Content(Option<usize>),
    /// Of no interest.
    Skip,
}

/// What comes out of a stream of frames.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// A frame that was kept, whole or its beginning.
    Whole(Head, &'a [u8]),
    /// Content, without padding; `last` with the frame's end.
    Content { head: Head, bytes: &'a [u8], last: bool },
    /// A frame with a header block is over [`MAX_KEPT_FRAME_LEN`].
    TooLong,
}

/// One direction's position.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD_LEN],
    head_len: usize,
    held: Vec<u8>,
    /// `held` was handed out and goes with the next call.
    spent: bool,
    open: Option<Open>,
    /// All frames are wanted, not only those that carry requests and responses.
    pub watched: bool,
}

/// A frame whose payload is being read.
#[derive(Clone, Copy, Debug)]
struct Open {
    head: Head,
    /// Bytes of the payload to come.
    left: usize,
    stage: Stage,
}

impl Heap for Frames {
    fn heap_len(&self) -> usize {
        self.held.heap_len()
    }
}

/// Takes up to `n` bytes off the front of `bytes`.
fn take<'b>(bytes: &mut &'b [u8], n: usize) -> &'b [u8] {
    let (piece, rest) = bytes.split_at_checked(n).unwrap_or((bytes, &[]));
    *bytes = rest;
    piece
}

impl Frames {
    /// The next part of `bytes`, which advance behind it; `None` when more are needed. `begun` hears of each header, with how
    /// many bytes follow it.
    pub(super) fn next<'s, 'b: 's>(
        &'s mut self,
        bytes: &mut &'b [u8],
        mut begun: impl FnMut(Head, usize),
    ) -> Option<Part<'s>> {
        loop {
            self.rest();
            let open = match self.open {
                Some(open) => open,
                None => {
                    let open = self.begin(bytes)?;
                    begun(open.head, bytes.len());
                    open
                }
            };
            match open.stage {
                Stage::Keep(n) if n > MAX_KEPT_FRAME_LEN => return Some(Part::TooLong),
                Stage::Keep(n) => return self.keep(open, n, bytes),
                Stage::Content(padding) => return self.content(open, padding, bytes),
                Stage::Skip => {
                    let n = take(bytes, open.left).len();
                    self.advance(open, n);
                    if self.open.is_some() {
                        return None;
                    }
                }
            }
        }
    }

    /// A frame's header.
    fn begin(&mut self, bytes: &mut &[u8]) -> Option<Open> {
        let piece = take(bytes, HEAD_LEN.saturating_sub(self.head_len));
        for (to, from) in self.head.iter_mut().skip(self.head_len).zip(piece) {
            *to = *from;
        }
        self.head_len += piece.len();
        if self.head_len < HEAD_LEN {
            return None;
        }
        self.head_len = 0;
        let [a, b, c, kind, flags, stream @ ..] = self.head;
        let len = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let head = Head { len, kind, flags, stream: u32::from_be_bytes(stream) & 0x7fff_ffff };
        let open = Open { head, left: len, stage: head.stage(self.watched) };
        self.open = Some(open);
        Some(open)
    }

    /// `n` bytes of the frame's payload were read.
    fn advance(&mut self, mut open: Open, n: usize) {
        open.left = open.left.saturating_sub(n);
        let awaits = open.left > 0 || !matches!(open.stage, Stage::Skip);
        self.open = awaits.then_some(open);
    }

    fn keep<'s, 'b: 's>(&'s mut self, mut open: Open, want: usize, bytes: &mut &'b [u8]) -> Option<Part<'s>> {
        let piece = take(bytes, want);
        let whole = piece.len() == want;
        open.stage = if whole { Stage::Skip } else { Stage::Keep(want - piece.len()) };
        self.advance(open, piece.len());
        if whole && self.held.is_empty() {
            return Some(Part::Whole(open.head, piece));
        }
        self.held.extend_from_slice(piece);
        self.spent = whole;
        whole.then_some(Part::Whole(open.head, &self.held))
    }

    fn content<'s, 'b: 's>(
        &'s mut self,
        mut open: Open,
        padding: Option<usize>,
        bytes: &mut &'b [u8],
    ) -> Option<Part<'s>> {
        let padding = match padding {
            Some(n) => n,
            None if open.left == 0 => 0,
            None => {
                let len = usize::from(*take(bytes, 1).first()?);
                open.left -= 1;
                len.min(open.left)
            }
        };
        let wanted = open.left - padding.min(open.left);
        let content = take(bytes, wanted);
        let last = content.len() == wanted;
        open.stage = if last { Stage::Skip } else { Stage::Content(Some(padding)) };
        self.advance(open, content.len());
        (last || !content.is_empty()).then_some(Part::Content { head: open.head, bytes: content, last })
    }

    /// What was handed out last is used up.
    pub(super) fn rest(&mut self) {
        if std::mem::take(&mut self.spent) {
            crate::stream::reuse(&mut self.held);
        }
    }

    /// A hole of `len` bytes: in which stream's content it lies; `None` if the position is lost.
    pub(super) fn gap(&mut self, len: u64) -> Option<u32> {
        let mut open = self.open?;
        let Stage::Content(Some(padding)) = open.stage else { return None };
        let len = usize::try_from(len).ok().filter(|n| *n < open.left.saturating_sub(padding))?;
        open.left -= len;
        self.open = Some(open);
        Some(open.head.stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        [&(payload.len() as u32).to_be_bytes()[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
    }

    /// Parts as text; content is joined.
    fn feed(frames: &mut Frames, mut bytes: &[u8], out: &mut Vec<String>) {
        while let Some(part) = frames.next(&mut bytes, |_, _| {}) {
            match part {
                Part::Whole(head, payload) => out.push(format!("{} {} {payload:?}", head.kind, head.stream)),
                Part::Content { head, bytes, last } => {
                    let text = format!("{}:{}", head.stream, String::from_utf8_lossy(bytes));
                    match out.last_mut().filter(|l| l.starts_with(&format!("{}:", head.stream)) && !l.ends_with('.')) {
                        Some(line) => line.push_str(&String::from_utf8_lossy(bytes)),
                        None => out.push(text),
                    }
                    if last {
                        out.last_mut().unwrap().push('.');
                    }
                }
                Part::TooLong => return out.push("too long".to_owned()),
            }
        }
        assert!(bytes.is_empty());
    }

    #[test]
    fn any_split_gives_the_same() {
        let bytes = [
            frame(4, 0, 0, &[0, 1, 0, 0, 16, 0]),
            frame(kind::HEADERS, flag::END_HEADERS, 1, &[1, 2, 3]),
            frame(kind::DATA, flag::PADDED, 1, b"\x02content__"),
            frame(kind::DATA, flag::END_STREAM, 1, b""),
            frame(kind::CONTINUATION, 0, 3, b""),
            frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 9, 0, 0, 0, 2, b'd', b'e', b'b', b'u', b'g']),
            frame(6, 0, 0, &[0; 8]),
            frame(kind::RST_STREAM, 0, 3, &[0, 0, 0, 8]),
        ]
        .concat();
        let mut want = Vec::new();
        feed(&mut Frames::default(), &bytes, &mut want);
        assert_eq!(
            want,
            ["1 1 [1, 2, 3]", "1:content.", "1:.", "9 3 []", "7 0 [0, 0, 0, 9, 0, 0, 0, 2]", "3 3 [0, 0, 0, 8]",]
        );
        for cut in 0..bytes.len() {
            let (mut frames, mut got) = (Frames::default(), Vec::new());
            feed(&mut frames, &bytes[..cut], &mut got);
            feed(&mut frames, &bytes[cut..], &mut got);
            assert_eq!(got, want, "{cut}");
        }
    }

    #[test]
    fn limits_frames_and_follows_holes() {
        let mut frames = Frames::default();
        let mut out = Vec::new();
        feed(&mut frames, &[0xff, 0xff, 0xff, kind::HEADERS, 0, 0, 0, 0, 1, 9], &mut out);
        assert_eq!(out, ["too long"]);
        let mut frames = Frames::default();
        let bytes = frame(kind::DATA, 0, 5, b"0123456789");
        out.clear();
        feed(&mut frames, &bytes[..11], &mut out);
        assert_eq!(frames.gap(4), Some(5));
        feed(&mut frames, &bytes[15..], &mut out);
        assert_eq!(out, ["5:016789."]);
        assert_eq!(frames.gap(1), None);
    }
}
