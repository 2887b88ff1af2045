//! PostgreSQL's frontend/backend protocol, version 3 (chapter "Frontend/Backend Protocol" of PostgreSQL's manual), up to
//! the switch to TLS.
//!
//! A row per request with its answers, as Zeek logs them; queries of the extended protocol (Parse, Bind, Execute, Sync)
//! have rows, too, where Zeek has their result only. Half conversations give what they can. Limits: [`MAX_ARG_LEN`],
//! [`MAX_NAME_LEN`], [`message::MAX_STARTUP_LEN`]. Known gaps: of extended queries sent without waiting only the first
//! is named; parameters of statements are not read; protocol 2 and GSSAPI encryption are not read.

mod message;
mod probe;
mod record;
mod session;
#[cfg(test)]
mod tests;
mod tx;

pub use record::PostgresqlRecord;

use crate::frames::{self, Frame, Framed, Frames, Head, nul_string};
use crate::{Cx, Descriptor, Protocol, Start};
use message::Opening;
use sekisho_transaction::FrameKind;
use sekisho_types::{Dir, Heap};
use session::Session;
use tx::Exchanges;

/// Longest argument of a request and of its answers kept, in bytes.
pub const MAX_ARG_LEN: usize = 4096;
/// Longest name kept.
pub const MAX_NAME_LEN: usize = 256;

/// Length of a message's head: kind and length.
const HEAD_LEN: usize = 5;
/// What is wanted of a message.
const KEEP: usize = HEAD_LEN + MAX_ARG_LEN + 1;
/// Longest message believed: the server's own limit.
const MAX_MESSAGE_LEN: u32 = 1 << 30;

/// What the client asked for that one byte answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Gss,
    Nothing,
    Ssl,
}

/// State of one connection.
pub struct Parser {
    frames: [Frames; 2],
    asked: Asked,
    /// The client's openings are over: a startup or a typed message was seen.
    started: bool,
    /// The server said something.
    answered: bool,
    session: Session,
    exchanges: Exchanges,
    /// Somebody watches the exchanges.
    watched: bool,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "postgresql", tcp_ports: &[5432], udp_ports: &[], probe: probe::probe };

    fn start(_: &Start<'_>) -> Self {
        Self {
            frames: Default::default(),
            asked: Asked::Nothing,
            started: false,
            answered: false,
            session: Session::default(),
            exchanges: Exchanges::default(),
            watched: false,
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        self.watched = cx.is_watched();
        let mut input = bytes;
        if !dir.is_orig() && !self.encryption(&mut input, cx) {
            return;
        }
        frames::feed(self, dir, input, cx);
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        // Segments mostly begin with a message: what follows is taken for one, and heads are checked.
        frames::gap(self, dir, len);
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.session.flush(cx);
        self.exchanges.finish(cx);
    }

    fn held_len(&self) -> usize {
        self.frames.as_slice().heap_len() + self.session.heap_len() + self.exchanges.heap_len()
    }
}

impl Framed for Parser {
    fn frames(&mut self, dir: Dir) -> &mut Frames {
        dir.of_mut(&mut self.frames)
    }

    fn head(&self, dir: Dir, bytes: &[u8]) -> Head {
        let keep = if self.watched { tx::KEEP_WATCHED } else { KEEP };
        head(bytes, dir.is_orig() && !self.started, keep)
    }

    fn message(&mut self, dir: Dir, frame: Frame<'_>, left: usize, cx: &mut Cx<'_>) -> bool {
        cx.frame(dir, FrameKind::PgsqlPdu, (frame.bytes.len() + left) as u64, Some(frame.len));
        if dir.is_orig() { self.frontend(frame, cx) } else { self.backend(frame, cx) }
    }

    fn lost(&mut self, dir: Dir, cx: &mut Cx<'_>) -> bool {
        if self.watched {
            self.exchanges.lost(dir, cx);
        }
        cx.reject("postgresql_broken_message");
        false
    }
}

/// A typed message, or one of the openings, which have no type and begin with a zero.
fn head(bytes: &[u8], may_open: bool, keep: usize) -> Head {
    match bytes {
        [] => Head::More,
        [0, rest @ ..] if may_open => match rest.first_chunk::<3>() {
            None => Head::More,
            Some([a, b, c]) => match u32::from_be_bytes([0, *a, *b, *c]) {
                len @ 8..=message::MAX_STARTUP_LEN => Head::Message { len: u64::from(len), keep },
                _ => Head::Bad,
            },
        },
        [kind, rest @ ..] if kind.is_ascii_alphanumeric() => match rest.first_chunk() {
            None => Head::More,
            Some(len) => match u32::from_be_bytes(*len) {
                len @ 4..=MAX_MESSAGE_LEN => Head::Message { len: u64::from(len) + 1, keep },
                _ => Head::Bad,
            },
        },
        _ => Head::Bad,
    }
}

impl Parser {
    /// The answer to a request for encryption, if one is due; false if the flow is no longer this parser's.
    fn encryption(&mut self, input: &mut &[u8], cx: &mut Cx<'_>) -> bool {
        let Some((byte, rest)) = input.split_first() else { return true };
        let first = !std::mem::replace(&mut self.answered, true);
        let asked = std::mem::replace(&mut self.asked, Asked::Nothing);
        // Where only the server was seen its S says the same: a session begins with other messages.
        let unasked = first && !self.started && *byte == b'S';
        let (backend, accepted) = match (asked, byte) {
            (Asked::Ssl, b'S' | b'N') => ("ssl_reply", *byte == b'S'),
            (Asked::Gss, b'G' | b'N') => ("gssenc_reply", *byte == b'G'),
            (Asked::Nothing, _) if unasked => ("ssl_reply", true),
            // An old server answers with an error.
            _ => return true,
        };
        *input = rest;
        cx.confirm_midstream("postgresql");
        if self.watched {
            self.exchanges.encryption(accepted, cx);
        }
        self.session.encryption_answer(backend, *byte, accepted, cx);
        match (accepted, backend) {
            (true, "ssl_reply") => cx.hand_over(None, rest.len()),
            (true, _) => cx.opaque(),
            (false, _) => return true,
        }
        false
    }

    fn frontend(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> bool {
        if !self.started && frame.bytes.first() == Some(&0) {
            return self.opening(frame.bytes, cx);
        }
        if !std::mem::replace(&mut self.started, true) {
            cx.recognize("postgresql");
        }
        let (Some(kind), Some(content)) = (frame.bytes.first(), frame.bytes.get(HEAD_LEN..)) else { return true };
        if self.watched {
            self.exchanges.message(*kind, content, frame.len.saturating_sub(HEAD_LEN as u64), cx);
        }
        match kind {
            b'Q' => self.session.query("simple_query", Some(nul_string(content).0), cx),
            b'P' if !self.session.waits_for("extended_query") => {
                let statement = nul_string(nul_string(content).1).0;
                self.session.query("extended_query", Some(statement), cx);
            }
            // A statement prepared before is executed.
            b'B' if !self.session.waits_for("extended_query") => self.session.query("extended_query", None, cx),
            b'F' => self.session.begins("function_call", None, cx),
            b'X' => {
                self.session.begins("terminate", None, cx);
                self.session.flush(cx);
            }
            _ => {}
        }
        true
    }

    fn opening(&mut self, bytes: &[u8], cx: &mut Cx<'_>) -> bool {
        match Opening::parse(bytes) {
            Ok(Opening::Ssl) => {
                self.asked = Asked::Ssl;
                self.session.asks("ssl_request", cx);
            }
            Ok(Opening::Gss) => {
                self.asked = Asked::Gss;
                self.session.asks("gssenc_request", cx);
            }
            Ok(Opening::Cancel { process }) => {
                self.session.begins("cancel_request", Some(process.to_string().as_bytes()), cx);
                self.session.flush(cx);
            }
            Ok(Opening::Startup { parameters }) => {
                self.started = true;
                self.asked = Asked::Nothing;
                self.session.startup(parameters, cx);
            }
            Err(_) => {
                cx.reject("postgresql_unsupported_version");
                return false;
            }
        }
        if self.watched {
            self.exchanges.opening(bytes, cx);
        }
        cx.recognize("postgresql");
        true
    }

    fn backend(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> bool {
        let (Some(kind), Some(content)) = (frame.bytes.first(), frame.bytes.get(HEAD_LEN..)) else { return true };
        if self.started && matches!(kind, b'E' | b'R' | b'Z') {
            cx.confirm_midstream("postgresql");
        } else {
            cx.recognize("postgresql");
        }
        if self.watched {
            self.exchanges.answer(*kind, content, frame.len.saturating_sub(HEAD_LEN as u64), cx);
        }
        self.session.answer(*kind, content, cx);
        true
    }
}
