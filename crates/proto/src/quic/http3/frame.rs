//! Frames (RFC 9114 §7) out of any split: content passes through, what must be whole is kept until it is.

use super::super::packet::varint;
use crate::stream::reuse;
use sekisho_types::Heap;
use sekisho_wire::Reader;

/// Frame types (RFC 9114 §7.2).
pub(super) mod kind {
    pub(crate) const DATA: u64 = 0;
    pub(crate) const HEADERS: u64 = 1;
    pub(crate) const SETTINGS: u64 = 4;
    pub(crate) const PUSH_PROMISE: u64 = 5;
}

/// Largest frame that is kept whole.
pub const MAX_KEPT_FRAME_LEN: u64 = 128 * 1024;

/// Most bytes of a frame's header: two variable-length integers.
const MAX_HEAD_LEN: usize = 16;

/// What comes out of a stream of frames.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// A whole frame: its type and payload.
    Whole(u64, &'a [u8]),
    /// Content.
    Content(&'a [u8]),
    /// A frame over [`MAX_KEPT_FRAME_LEN`] is passed over.
    TooLong,
}

/// What becomes of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Keep,
    Content,
    Skip,
}

/// A frame whose payload is being read.
#[derive(Clone, Copy, Debug)]
struct Open {
    kind: u64,
    /// Bytes of the payload to come.
    left: u64,
    stage: Stage,
}

/// One direction's position.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; MAX_HEAD_LEN],
    head_len: usize,
    held: Vec<u8>,
    /// `held` was handed out and goes with the next call.
    spent: bool,
    open: Option<Open>,
}

impl Heap for Frames {
    fn heap_len(&self) -> usize {
        self.held.heap_len()
    }
}

/// Takes up to `n` bytes off the front of `bytes`.
fn take<'b>(bytes: &mut &'b [u8], n: u64) -> &'b [u8] {
    let n = usize::try_from(n).unwrap_or(usize::MAX);
    let (piece, rest) = bytes.split_at_checked(n).unwrap_or((bytes, &[]));
    *bytes = rest;
    piece
}

impl Frames {
    /// The next part of `bytes`, which advance behind it; `None` when more are needed.
    pub(super) fn next<'s, 'b: 's>(&'s mut self, bytes: &mut &'b [u8]) -> Option<Part<'s>> {
        loop {
            self.rest();
            let mut open = match self.open {
                Some(open) => open,
                None => {
                    let open = self.begin(bytes)?;
                    if open.stage == Stage::Keep && open.left > MAX_KEPT_FRAME_LEN {
                        self.open = Some(Open { stage: Stage::Skip, ..open });
                        return Some(Part::TooLong);
                    }
                    open
                }
            };
            let piece = take(bytes, open.left);
            open.left -= piece.len() as u64;
            self.open = (open.left > 0).then_some(open);
            match open.stage {
                Stage::Keep => {
                    if open.left == 0 && self.held.is_empty() {
                        return Some(Part::Whole(open.kind, piece));
                    }
                    self.held.extend_from_slice(piece);
                    self.spent = open.left == 0;
                    return self.spent.then_some(Part::Whole(open.kind, &self.held));
                }
                Stage::Content if !piece.is_empty() => return Some(Part::Content(piece)),
                _ if bytes.is_empty() => return None,
                _ => {}
            }
        }
    }

    /// A frame's header.
    fn begin(&mut self, bytes: &mut &[u8]) -> Option<Open> {
        loop {
            let mut r = Reader::new(self.head.get(..self.head_len)?);
            if let (Ok(kind), Ok(left)) = (varint(&mut r, &"frame type"), varint(&mut r, &"frame length")) {
                self.head_len = 0;
                let stage = match kind {
                    kind::DATA => Stage::Content,
                    kind::HEADERS | kind::SETTINGS | kind::PUSH_PROMISE => Stage::Keep,
                    _ => Stage::Skip,
                };
                return Some(Open { kind, left, stage });
            }
            let (&byte, rest) = bytes.split_first()?;
            *bytes = rest;
            *self.head.get_mut(self.head_len)? = byte;
            self.head_len += 1;
        }
    }

    /// What was handed out last is used up.
    pub(super) fn rest(&mut self) {
        if std::mem::take(&mut self.spent) {
            reuse(&mut self.held);
        }
    }

    /// What is kept of the frame being read is given up.
    pub(super) fn drop_frame(&mut self) {
        self.held = Vec::new();
        self.spent = false;
        if let Some(open) = &mut self.open {
            open.stage = Stage::Skip;
        }
    }

    /// A hole of `len` bytes; whether it lies in content, and `None` if the position is lost.
    pub(super) fn gap(&mut self, len: u64) -> Option<bool> {
        self.rest();
        let open = self.open.as_mut().filter(|o| o.left >= len)?;
        open.left -= len;
        let in_content = open.stage == Stage::Content;
        if !in_content {
            self.drop_frame();
        }
        self.open = self.open.filter(|o| o.left > 0);
        Some(in_content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        [&[kind, 0x40, payload.len() as u8][..], payload].concat()
    }

    /// Parts as text; content is joined.
    fn feed(frames: &mut Frames, mut bytes: &[u8], out: &mut Vec<String>) {
        while let Some(part) = frames.next(&mut bytes) {
            match part {
                Part::Whole(kind, payload) => out.push(format!("{kind} {payload:?}")),
                Part::Content(bytes) => {
                    let text = String::from_utf8_lossy(bytes);
                    match out.last_mut().filter(|l| l.starts_with(':')) {
                        Some(line) => line.push_str(&text),
                        None => out.push(format!(":{text}")),
                    }
                }
                Part::TooLong => out.push("too long".to_owned()),
            }
        }
        assert!(bytes.is_empty());
    }

    #[test]
    fn any_split_gives_the_same() {
        let too_long = [&[1, 0x80, 2, 0, 1][..], &vec![0; 0x20001]].concat();
        let bytes = [
            &frame(4, &[6, 0x10])[..],
            &frame(1, &[1, 2, 3]),
            &frame(0, b"cont"),
            &frame(0, b""),
            &frame(0x21, b"grease"),
            &frame(0, b"ent"),
            &[0xc0, 0, 0, 0, 0, 0, 0, 5, 0xc0, 0, 0, 0, 0, 0, 0, 2, 7, 7],
        ]
        .concat();
        let mut want = Vec::new();
        feed(&mut Frames::default(), &bytes, &mut want);
        assert_eq!(want, ["4 [6, 16]", "1 [1, 2, 3]", ":content", "5 [7, 7]"]);
        for cut in 0..bytes.len() {
            let (mut frames, mut got) = (Frames::default(), Vec::new());
            feed(&mut frames, &bytes[..cut], &mut got);
            feed(&mut frames, &bytes[cut..], &mut got);
            assert_eq!(got, want, "{cut}");
        }
        let (mut frames, mut got) = (Frames::default(), Vec::new());
        feed(&mut frames, &too_long, &mut got);
        feed(&mut frames, &bytes, &mut got);
        assert_eq!((got[0].as_str(), &got[1..]), ("too long", &want[..]));
        assert_eq!(frames.heap_len(), 0);
    }

    #[test]
    fn follows_holes() {
        let mut frames = Frames::default();
        let mut out = Vec::new();
        feed(&mut frames, b"\0\x0a01", &mut out);
        assert_eq!(frames.gap(4), Some(true));
        feed(&mut frames, b"6789\0\x01x", &mut out);
        assert_eq!(out, [":016789x"]);
        assert_eq!(frames.gap(1), None);
        let mut frames = Frames::default();
        feed(&mut frames, b"\x01\x0a01", &mut out);
        assert_eq!(frames.gap(8), Some(false));
        feed(&mut frames, b"\x01\x01x", &mut out);
        assert_eq!(out, [":016789x", "1 [120]"]);
    }
}
