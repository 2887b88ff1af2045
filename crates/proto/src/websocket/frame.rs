//! Frames (RFC 6455 §5.2) out of any split.

/// Longest header: two bytes, a length of eight, a mask of four.
const MAX_HEAD_LEN: usize = 14;

/// Opcodes (RFC 6455 §5.2): a message's continuation, the first and last of its kinds, a close.
const CONTINUATION: u8 = 0;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PONG: u8 = 10;

/// Longest payload of a control frame (RFC 6455 §5.5).
const MAX_CONTROL_LEN: u64 = 125;

/// Set in the first frame of a message that is compressed (RFC 7692 §6).
const COMPRESSED: u8 = 0x40;

/// What a frame told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// Bytes of a message.
    Data(Piece<'a>),
    /// A message is over.
    Message,
    /// The sender closes, with this status.
    Close(Option<u16>),
    /// Bytes of a control frame, or of a message, for those who watch.
    Payload(Seen, Piece<'a>),
    /// A frame is over, of whatever kind; with how long it was, and how many bytes of the chunk follow it.
    Over(Seen, Extent),
}

/// How long a frame was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Bytes of its header.
    pub(super) head_len: u64,
    /// Bytes of its payload.
    pub(super) len: u64,
    /// Bytes of the chunk behind it.
    pub(super) left: usize,
}

/// A frame's header, for those who watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The first byte: FIN, three bits of extensions, opcode.
    pub(super) first: u8,
    pub(super) mask: Option<[u8; 4]>,
    pub(super) last: bool,
    pub(super) compressed: bool,
}

impl Seen {
    pub(super) const fn opcode(&self) -> u8 {
        self.first & 15
    }

    /// Does it stand between the frames of a message?
    pub(super) const fn is_control(&self) -> bool {
        self.opcode() >= CLOSE
    }
}

/// Bytes of a message as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) bytes: &'a [u8],
    /// The mask, from the one for the first byte on.
    mask: [u8; 4],
    /// The message is compressed.
    pub(super) compressed: bool,
}

impl Piece<'_> {
    /// Appends the bytes without their mask.
    pub(super) fn unmask(&self, out: &mut Vec<u8>) {
        let mask = self.mask.iter().cycle();
        out.extend(self.bytes.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
    }
}

/// The frame whose payload is being read.
#[derive(Clone, Copy, Debug)]
struct Open {
    opcode: u8,
    last: bool,
    compressed: bool,
    left: u64,
    /// From the one for the payload's next byte on.
    mask: [u8; 4],
    /// The first bytes of a close: its status.
    code: [u8; 2],
    /// Bytes of the payload read so far, up to 2.
    seen: u8,
    /// Its header.
    header: Seen,
    head_len: u64,
    len: u64,
}

/// One direction's position.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; MAX_HEAD_LEN],
    head_len: usize,
    open: Option<Open>,
    /// The current message's first frame said that it is compressed.
    compressed: bool,
    /// The position is lost.
    lost: bool,
    /// Every frame is wanted, not only messages.
    pub(super) watched: bool,
}

/// How long a header is of which `head` is the start; `None` until two bytes are there.
fn header_len(head: &[u8]) -> Option<usize> {
    let second = *head.get(1)?;
    let len = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    Some(2 + len + if second & 0x80 != 0 { 4 } else { 0 })
}

impl Frames {
    /// Reads frames; returns what is wrong, after which the direction is not read any more.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut f: impl FnMut(Found<'_>)) -> Option<&'static str> {
        while !bytes.is_empty() && !self.lost {
            if let Some(open) = &mut self.open {
                let take = usize::try_from(open.left).unwrap_or(usize::MAX).min(bytes.len());
                let (piece, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
                bytes = rest;
                if self.watched {
                    let Open { mask, compressed, header, .. } = *open;
                    f(Found::Payload(header, Piece { bytes: piece, mask, compressed }));
                }
                open.payload(piece, &mut f);
                self.close_if_over(bytes.len(), &mut f);
                continue;
            }
            let want = header_len(self.head.get(..self.head_len)?).unwrap_or(2);
            let (&byte, rest) = bytes.split_first()?;
            bytes = rest;
            *self.head.get_mut(self.head_len)? = byte;
            self.head_len += 1;
            if self.head_len < want || header_len(self.head.get(..self.head_len)?)? > self.head_len {
                continue;
            }
            match self.header() {
                Ok(open) => {
                    self.compressed = open.compressed;
                    self.open = Some(open);
                }
                Err(why) => {
                    self.lost = true;
                    return Some(why);
                }
            }
            self.head_len = 0;
            self.close_if_over(bytes.len(), &mut f);
        }
        None
    }

    /// The header that is complete.
    fn header(&self) -> Result<Open, &'static str> {
        let bad = "websocket_bad_frame_header";
        let [first, second, rest @ ..] = &self.head;
        let opcode = first & 15;
        let (len, mask) = match second & 0x7f {
            126 => {
                let [a, b, mask @ ..] = rest;
                (u64::from(u16::from_be_bytes([*a, *b])), mask.first_chunk())
            }
            127 => {
                let (len, mask) = rest.split_first_chunk::<8>().ok_or(bad)?;
                (u64::from_be_bytes(*len), mask.first_chunk())
            }
            len => (u64::from(len), rest.first_chunk()),
        };
        let control = opcode >= CLOSE;
        let known = matches!(opcode, CONTINUATION..=BINARY | CLOSE..=PONG);
        if !known || len >> 63 != 0 || control && (first & 0x80 == 0 || len > MAX_CONTROL_LEN) {
            return Err(bad);
        }
        let masked = second & 0x80 != 0;
        let mask = mask.filter(|_| masked).copied().unwrap_or_default();
        // A control frame may stand between the frames of a message, and these have the first one's bit no more.
        let compressed = if control || opcode == CONTINUATION { self.compressed } else { first & COMPRESSED != 0 };
        let last = first & 0x80 != 0;
        let header = Seen { first: *first, mask: masked.then_some(mask), last, compressed: compressed && !control };
        let head_len = self.head_len as u64;
        Ok(Open { opcode, last, compressed, left: len, mask, code: [0; 2], seen: 0, header, head_len, len })
    }

    fn close_if_over(&mut self, left: usize, f: &mut impl FnMut(Found<'_>)) {
        let Some(open) = self.open.filter(|o| o.left == 0) else { return };
        self.open = None;
        if self.watched {
            f(Found::Over(open.header, Extent { head_len: open.head_len, len: open.len, left }));
        }
        match open.opcode {
            CONTINUATION..=BINARY if open.last => f(Found::Message),
            CLOSE => f(Found::Close((open.seen == 2).then(|| u16::from_be_bytes(open.code)))),
            _ => {}
        }
    }

    /// A hole: inside a payload it costs nothing.
    pub(super) fn gap(&mut self, len: u64) {
        match &mut self.open {
            Some(open) if len < open.left => {
                open.left -= len;
                open.turn_mask(len);
                open.seen = open.seen.saturating_add(2).min(3);
            }
            _ => self.lost = true,
        }
    }
}

impl Open {
    fn payload(&mut self, piece: &[u8], f: &mut impl FnMut(Found<'_>)) {
        self.left = self.left.saturating_sub(piece.len() as u64);
        if self.opcode <= BINARY {
            f(Found::Data(Piece { bytes: piece, mask: self.mask, compressed: self.compressed }));
        } else {
            for (byte, mask) in piece.iter().zip(self.mask.iter().cycle()) {
                let Some(to) = self.code.get_mut(usize::from(self.seen)) else { break };
                *to = byte ^ mask;
                self.seen += 1;
            }
        }
        self.turn_mask(piece.len() as u64);
    }

    /// `len` more bytes of the payload have passed.
    fn turn_mask(&mut self, len: u64) {
        self.mask.rotate_left(usize::try_from(len % 4).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was found, the data as text.
    fn feed(frames: &mut Frames, bytes: &[u8]) -> (Vec<String>, Option<&'static str>) {
        let mut found = Vec::new();
        let odd = frames.feed(bytes, |f| {
            found.push(match f {
                Found::Data(piece) => {
                    let mut plain = Vec::new();
                    piece.unmask(&mut plain);
                    let text = String::from_utf8_lossy(&plain).into_owned();
                    if piece.compressed { format!("z{text}") } else { text }
                }
                Found::Message => ".".to_owned(),
                Found::Close(code) => format!("close {code:?}"),
                Found::Payload(..) | Found::Over(..) => panic!("nobody watches"),
            });
        });
        (found, odd)
    }

    /// A fragmented text around a ping, a long binary with a mask, a close with a mask.
    fn stream() -> Vec<u8> {
        let masked: Vec<u8> = (0..256_usize).map(|i| b'x' ^ b"mask"[i % 4]).collect();
        let long = [&[0x82, 0xfe, 1, 0][..], b"mask", &masked].concat();
        let close = [0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe8 ^ 2];
        [&[0x01, 3, b'a', b'b', b'c', 0x89, 1, b'p', 0x80, 2, b'd', b'e'][..], &long, &close].concat()
    }

    #[test]
    fn any_split_gives_the_same() {
        let bytes = stream();
        let want = format!("abcde.{}.close Some(1000)", "x".repeat(256));
        assert_eq!(feed(&mut Frames::default(), &bytes).0.concat(), want);
        for cut in 0..bytes.len() {
            let mut frames = Frames::default();
            let found = feed(&mut frames, &bytes[..cut]).0.concat() + &feed(&mut frames, &bytes[cut..]).0.concat();
            assert_eq!(found, want, "{cut}");
        }
    }

    #[test]
    fn knows_which_messages_are_compressed() {
        let bytes = [0x41, 1, b'a', 0x89, 0, 0x80, 1, b'b', 0x81, 1, b'c'];
        assert_eq!(feed(&mut Frames::default(), &bytes).0, ["za", "zb", ".", "c", "."]);
    }

    #[test]
    fn rejects_bad_headers_and_holes() {
        for bad in [&[0x83, 0][..], &[0x08, 0], &[0x88, 126, 0, 200], &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]] {
            let mut frames = Frames::default();
            assert_eq!(feed(&mut frames, bad).1, Some("websocket_bad_frame_header"));
            assert_eq!(feed(&mut frames, &[0x81, 0]), (Vec::new(), None));
        }
        let mut frames = Frames::default();
        feed(&mut frames, &[0x82, 0x8a, 0, 0, b'u', 0, 1]);
        frames.gap(5);
        // The mask's third byte is due for the seventh of ten.
        assert_eq!(feed(&mut frames, &[b'a' ^ b'u', b'b', b'c', b'd']).0, ["abcd", "."]);
        frames.gap(1);
        assert_eq!(feed(&mut frames, &[0x81, 0]), (Vec::new(), None));
    }
}
