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

/// What a frame told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// So many bytes of a message.
    Data(u64),
    /// A message is over.
    Message,
    /// The sender closes, with this status.
    Close(Option<u16>),
}

/// The frame whose payload is being read.
#[derive(Clone, Copy, Debug)]
struct Open {
    opcode: u8,
    last: bool,
    left: u64,
    mask: [u8; 4],
    /// The first bytes of a close: its status.
    code: [u8; 2],
    /// Bytes of the payload read so far, up to 2.
    seen: u8,
}

/// One direction's position.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; MAX_HEAD_LEN],
    head_len: usize,
    open: Option<Open>,
    /// The position is lost.
    lost: bool,
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
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut f: impl FnMut(Found)) -> Option<&'static str> {
        while !bytes.is_empty() && !self.lost {
            if let Some(open) = &mut self.open {
                let take = usize::try_from(open.left).unwrap_or(usize::MAX).min(bytes.len());
                let (piece, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
                bytes = rest;
                open.payload(piece, &mut f);
                self.close_if_over(&mut f);
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
                Ok(open) => self.open = Some(open),
                Err(why) => {
                    self.lost = true;
                    return Some(why);
                }
            }
            self.head_len = 0;
            self.close_if_over(&mut f);
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
        Ok(Open { opcode, last: first & 0x80 != 0, left: len, mask, code: [0; 2], seen: 0 })
    }

    fn close_if_over(&mut self, f: &mut impl FnMut(Found)) {
        let Some(open) = self.open.filter(|o| o.left == 0) else { return };
        self.open = None;
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
                open.seen = open.seen.saturating_add(2).min(3);
            }
            _ => self.lost = true,
        }
    }
}

impl Open {
    fn payload(&mut self, piece: &[u8], f: &mut impl FnMut(Found)) {
        self.left = self.left.saturating_sub(piece.len() as u64);
        if self.opcode <= BINARY {
            return f(Found::Data(piece.len() as u64));
        }
        for byte in piece {
            let at = usize::from(self.seen);
            let (Some(to), Some(mask)) = (self.code.get_mut(at), self.mask.get(at)) else { return };
            *to = byte ^ mask;
            self.seen += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(frames: &mut Frames, bytes: &[u8]) -> (Vec<Found>, Option<&'static str>) {
        let mut found: Vec<Found> = Vec::new();
        let odd = frames.feed(bytes, |f| match (f, found.last_mut()) {
            (Found::Data(n), Some(Found::Data(before))) => *before += n,
            _ => found.push(f),
        });
        (found, odd)
    }

    /// A fragmented text, a ping, a long binary with a mask, a close with a mask.
    fn stream() -> Vec<u8> {
        let long = [&[0x82, 0xfe, 1, 0, 9, 9, 9, 9][..], &[1; 256]].concat();
        let close = [0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe8 ^ 2];
        [&[0x01, 3, b'a', b'b', b'c', 0x89, 1, b'p', 0x80, 2, b'd', b'e'][..], &long, &close].concat()
    }

    #[test]
    fn any_split_gives_the_same() {
        let bytes = stream();
        let all = |found: &[Found]| {
            let data: u64 = found.iter().map(|f| if let Found::Data(n) = f { *n } else { 0 }).sum();
            (data, found.iter().filter(|f| !matches!(f, Found::Data(_))).copied().collect::<Vec<_>>())
        };
        let want = (261, vec![Found::Message, Found::Message, Found::Close(Some(1000))]);
        assert_eq!(all(&feed(&mut Frames::default(), &bytes).0), want);
        for cut in 0..bytes.len() {
            let mut frames = Frames::default();
            let mut found = feed(&mut frames, &bytes[..cut]).0;
            found.extend(feed(&mut frames, &bytes[cut..]).0);
            assert_eq!(all(&found), want, "{cut}");
        }
    }

    #[test]
    fn rejects_bad_headers_and_holes() {
        for bad in [&[0x83, 0][..], &[0x08, 0], &[0x88, 126, 0, 200], &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]] {
            let mut frames = Frames::default();
            assert_eq!(feed(&mut frames, bad).1, Some("websocket_bad_frame_header"));
            assert_eq!(feed(&mut frames, &[0x81, 0]), (Vec::new(), None));
        }
        let mut frames = Frames::default();
        feed(&mut frames, &[0x82, 10, 1]);
        frames.gap(5);
        assert_eq!(feed(&mut frames, &[1, 2, 3, 4]).0, [Found::Data(4), Found::Message]);
        frames.gap(1);
        assert_eq!(feed(&mut frames, &[0x81, 0]), (Vec::new(), None));
    }
}
