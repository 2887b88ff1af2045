//! IMAP 4 (RFC 3501, RFC 9051) with AUTHENTICATE (RFC 4422), STARTTLS, ID (RFC 2971) and literals of all kinds.
//!
//! Zeek's analyzer knows STARTTLS only and has no log; ours has one row per session. Messages fetched or stored whole
//! are walked for their parts, which are files, as with SMTP. Passwords are not kept. Limits: [`MAX_LINE_LEN`],
//! [`MAX_INLINE_LEN`], [`MAX_PENDING`], [`MAX_TEXT_LEN`], [`MAX_FUIDS`]. Known gaps: messages fetched in pieces are
//! followed in their first piece only; compressed sessions (RFC 4978) are opaque.

mod line;
mod probe;
mod record;
mod session;
#[cfg(test)]
mod tests;

pub use record::ImapRecord;

use crate::{Cx, Descriptor, Lines, Protocol, Start};
use line::{literal, push_quoted};
use sekisho_types::{Dir, Heap};
use session::{Next, Session};

/// Longest line, small literals included; the rest of a longer one is dropped.
const MAX_LINE_LEN: usize = 8192;
/// Longest literal that is taken for part of its line: names, passwords.
const MAX_INLINE_LEN: u64 = 512;
/// Commands without reply that are remembered; beyond, the oldest is forgotten.
const MAX_PENDING: usize = 64;
/// Longest text kept.
const MAX_TEXT_LEN: usize = 512;
/// Files listed per session; further ones are in `files` only.
const MAX_FUIDS: usize = 1000;

/// Name in conn's `service`.
const SERVICE: &str = "imap";

/// What a direction's next bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Line,
    /// So many bytes of a literal that is part of its line.
    Inline(u64),
    /// So many bytes of a message.
    Mail(u64),
    /// So many bytes that nobody looks at.
    Skip(u64),
}

/// One direction.
struct Side {
    lines: Lines,
    /// The line so far, if it had a literal in it.
    line: Vec<u8>,
    mode: Mode,
}

/// State of one flow.
pub struct Parser {
    sides: [Side; 2],
    session: Session,
}

impl Side {
    const fn new() -> Self {
        Self { lines: Lines::new(MAX_LINE_LEN), line: Vec::new(), mode: Mode::Line }
    }
}

impl Heap for Side {
    fn heap_len(&self) -> usize {
        self.lines.heap_len() + self.line.heap_len()
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: SERVICE, tcp_ports: &[143], udp_ports: &[], probe: probe::probe };

    fn start(_start: &Start<'_>) -> Self {
        Self { sides: [Side::new(), Side::new()], session: Session::default() }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Self { sides: [orig, resp], session } = self;
        let side = if dir.is_orig() { orig } else { resp };
        let mut input = bytes;
        while !input.is_empty() {
            if side.mode != Mode::Line {
                side.literal(&mut input, session, cx);
                continue;
            }
            match side.text(dir, &mut input, session, cx) {
                None => break,
                Some(Next::Line) => {}
                Some(Next::Tls) => return cx.hand_over(None, input.len()),
                Some(Next::Opaque) => return cx.opaque(),
                Some(Next::Lost) => return cx.reject("imap_no_line"),
            }
        }
        side.lines.rest();
        if side.line.is_empty() && side.line.capacity() > 0 {
            side.line = Vec::new();
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        let Some(side) = self.sides.get_mut(dir.index()) else { return };
        side.lines.clear();
        side.mode = match side.mode {
            Mode::Mail(left) if left > len => {
                self.session.mail_gap(len, cx);
                Mode::Mail(left - len)
            }
            Mode::Skip(left) if left > len => Mode::Skip(left - len),
            Mode::Mail(_) => {
                self.session.end_mail(false, cx);
                Mode::Line
            }
            _ => Mode::Line,
        };
        if side.mode == Mode::Line {
            side.line = Vec::new();
            self.session.lost();
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.session.finish(cx);
    }

    fn held_len(&self) -> usize {
        self.sides.as_slice().heap_len() + self.session.heap_len()
    }
}

impl Side {
    /// The next line, or the part of one before a literal; `None` if it is not whole yet.
    fn text(&mut self, dir: Dir, input: &mut &[u8], session: &mut Session, cx: &mut Cx<'_>) -> Option<Next> {
        let found = self.lines.next(input)?;
        if found.cut {
            cx.weird("imap_line_too_long");
        }
        let announced = if found.cut || session.in_auth(dir) { None } else { literal(found.text) };
        let Some((len, text)) = announced else {
            if self.line.is_empty() {
                return Some(session.line(dir, found.text, cx));
            }
            push_some(&mut self.line, found.text);
            let line = std::mem::take(&mut self.line);
            return Some(session.line(dir, &line, cx));
        };
        push_some(&mut self.line, text);
        self.mode = if session.begins_mail(dir, &self.line, cx) {
            Mode::Mail(len)
        } else if len <= MAX_INLINE_LEN && self.line.len() < MAX_LINE_LEN {
            self.line.push(b'"');
            Mode::Inline(len)
        } else {
            push_some(&mut self.line, b"NIL");
            Mode::Skip(len)
        };
        self.end_literal(session, cx);
        Some(Next::Line)
    }

    /// Bytes of a literal.
    fn literal(&mut self, input: &mut &[u8], session: &mut Session, cx: &mut Cx<'_>) {
        let (Mode::Inline(left) | Mode::Mail(left) | Mode::Skip(left)) = self.mode else { return };
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let (bytes, rest) = input.split_at_checked(take).unwrap_or((input, &[]));
        *input = rest;
        let left = left - bytes.len() as u64;
        self.mode = match self.mode {
            Mode::Inline(_) => {
                push_quoted(&mut self.line, bytes);
                Mode::Inline(left)
            }
            Mode::Mail(_) => {
                session.mail_bytes(bytes, cx);
                Mode::Mail(left)
            }
            _ => Mode::Skip(left),
        };
        self.end_literal(session, cx);
    }

    fn end_literal(&mut self, session: &mut Session, cx: &mut Cx<'_>) {
        match self.mode {
            Mode::Inline(0) => self.line.push(b'"'),
            Mode::Mail(0) => {
                session.end_mail(true, cx);
                push_some(&mut self.line, b"NIL");
            }
            Mode::Skip(0) => {}
            _ => return,
        }
        self.mode = Mode::Line;
    }
}

/// Appends what fits into a line.
fn push_some(line: &mut Vec<u8>, text: &[u8]) {
    let room = MAX_LINE_LEN.saturating_sub(line.len());
    line.extend_from_slice(text.get(..room).unwrap_or(text));
}
