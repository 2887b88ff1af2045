//! SMTP (RFC 5321) with MIME mail, pipelining (RFC 2920), CHUNKING (RFC 3030), AUTH (RFC 4954) and
//! STARTTLS (RFC 3207).
//!
//! Rows follow Zeek's `smtp.log`. Ours: columns `auth_*` (repeated on every row of the flow; a flow
//! with logins but no mail gets a row of its own), a mail goes on behind a hole, and if only the
//! server's side was captured, its replies tell of envelope and mail.

mod address;
mod command;
mod frame;
mod mail;
mod probe;
mod queue;
mod record;
mod session;
#[cfg(test)]
mod tests;
mod tx;
mod urls;

pub use record::SmtpRecord;

use crate::dots::{Dots, Piece};
use crate::{Cx, Descriptor, Line, Lines, Protocol, Start};
use command::{Command, bdat, command, reply};
use sekisho_types::{Dir, Heap, block_len};
use session::Session;
use std::collections::VecDeque;

/// Longest line; the rest of a longer one is dropped.
const MAX_LINE_LEN: usize = 64 * 1024;

/// Commands without reply that are remembered (as in Zeek).
const MAX_PENDING: usize = 1000;

/// Places for commands without reply that an idle flow keeps.
const IDLE_COMMANDS: usize = 64;

/// Name in conn's `service`.
const SERVICE: &str = "smtp";

/// First byte of a TLS record with a handshake message.
const TLS_HANDSHAKE: u8 = 0x16;

/// What the client's next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Command,
    /// A line of a login.
    Auth,
    /// Mail up to the line with one dot.
    Data,
    /// So many bytes of a chunk; whether it's the last.
    Chunk(u64, bool),
    /// Unknown: bytes were lost, it may be mail or a command.
    Lost,
}

/// State of one flow.
pub struct Parser {
    lines: [Lines; 2],
    core: Core,
    cutter: frame::Cutter,
}

struct Core {
    session: Session,
    mode: Mode,
    dots: Dots,
    /// The end of the mail may have been lost.
    end_uncertain: bool,
    /// Commands without reply, oldest first.
    pending: VecDeque<Command>,
    last_replied: Option<Command>,
    /// Code of a reply whose last line is still to come.
    continued: Option<u16>,
    /// The side that sends commands; TURN changes it.
    sender: Dir,
    /// Something that only SMTP says was read.
    known: bool,
    /// STARTTLS was sent, nobody knows if it was accepted.
    tls_asked: bool,
    /// Replies seen.
    replies: u64,
    next_is_tls: bool,
    rejected: bool,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: SERVICE, tcp_ports: &[25, 587, 2525], udp_ports: &[], probe: probe::probe };

    fn start(_start: &Start<'_>) -> Self {
        Self {
            lines: [Lines::new(MAX_LINE_LEN), Lines::new(MAX_LINE_LEN)],
            cutter: frame::Cutter::default(),
            core: Core {
                session: Session::default(),
                mode: Mode::Command,
                dots: Dots::default(),
                end_uncertain: false,
                pending: VecDeque::from([Command::Connect]),
                last_replied: None,
                continued: None,
                sender: Dir::Orig,
                known: false,
                tls_asked: false,
                replies: 0,
                next_is_tls: false,
                rejected: false,
            },
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Self { lines: [orig, resp], core, cutter } = self;
        let lines = if dir.is_orig() { orig } else { resp };
        let mut input = bytes;
        core.expect_no_greeting(dir, cx);
        while !input.is_empty() && !core.next_is_tls && !core.rejected {
            if core.begins_tls(dir, input, lines) {
                core.start_tls(cx);
            } else if core.takes_lines(dir) {
                let before = input.len();
                let line = lines.next(&mut input);
                cutter.part(dir, before - input.len());
                let Some(line) = line else { break };
                core.line(dir, line, cx);
                cutter.line(dir, input.len(), core, cx);
            } else {
                let before = input.len();
                core.content(&mut input, cx);
                let over = core.takes_lines(dir);
                cutter.content(before - input.len(), input.len(), over, core, cx);
            }
        }
        if core.next_is_tls {
            cx.hand_over(None, input.len());
        }
        lines.rest();
        if core.pending.is_empty() && core.pending.capacity() > IDLE_COMMANDS {
            core.pending = VecDeque::new();
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        let [orig, resp] = &mut self.lines;
        (if dir.is_orig() { orig } else { resp }).clear();
        self.cutter.gap(dir, len, &self.core);
        self.core.gap(dir, len, cx);
    }

    fn half_closed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        let [orig, resp] = &mut self.lines;
        let lines = if dir.is_orig() { orig } else { resp };
        let rest = lines.partial().to_vec();
        lines.clear();
        if !rest.is_empty() && self.core.takes_lines(dir) {
            let text = rest.strip_suffix(b"\r").unwrap_or(&rest);
            self.core.line(dir, Line { text, cut: false, bare: false }, cx);
        }
        if dir == self.core.sender {
            self.core.session.end_mail(false, cx);
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.core.session.end_mail(false, cx);
        self.core.session.finalize(cx);
    }

    fn held_len(&self) -> usize {
        let pending = block_len(self.core.pending.capacity().saturating_mul(size_of::<Command>()));
        self.lines.as_slice().heap_len() + self.core.session.heap_len() + pending
    }
}

/// A line that a mail has and a dialogue has not: a header field (RFC 5322 §2.2), or what bounds the parts of a mail.
fn is_of_mail(line: &[u8]) -> bool {
    const MIN_NAME_LEN: usize = 2;
    const MIN_BOUNDARY_LEN: usize = 8;
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let name_len = line.iter().take_while(|b| is_name(b)).count();
    let is_field = name_len >= MIN_NAME_LEN && line.get(name_len) == Some(&b':');
    let is_delimiter = line.starts_with(b"--")
        && line.len() >= MIN_BOUNDARY_LEN
        && line.iter().any(u8::is_ascii_alphanumeric)
        && !line.contains(&b' ');
    is_field || is_delimiter
}

impl Core {
    fn takes_lines(&self, dir: Dir) -> bool {
        dir != self.sender || !matches!(self.mode, Mode::Data | Mode::Chunk(..))
    }

    /// Behind STARTTLS nobody greets again: the client speaks first (RFC 3207 §4.2).
    fn expect_no_greeting(&mut self, dir: Dir, cx: &Cx<'_>) {
        if cx.depth() > 0 && dir == self.sender && self.replies == 0 && self.pending.front() == Some(&Command::Connect)
        {
            self.pending.pop_front();
        }
    }

    /// Only the client's side is there, and it goes on in TLS.
    fn begins_tls(&self, dir: Dir, input: &[u8], lines: &Lines) -> bool {
        self.tls_asked && dir == self.sender && lines.partial().is_empty() && input.first() == Some(&TLS_HANDSHAKE)
    }

    fn start_tls(&mut self, cx: &Cx<'_>) {
        self.session.start_tls(cx);
        self.next_is_tls = true;
    }

    fn line(&mut self, dir: Dir, line: Line<'_>, cx: &mut Cx<'_>) {
        if line.cut {
            cx.weird("contentline_size_exceeded");
        }
        // Some clients end lines with CR CR LF.
        let end = line.text.iter().rposition(|b| *b != b'\r').map_or(0, |at| at + 1);
        let text = line.text.get(..end).unwrap_or(line.text);
        if dir != self.sender {
            return self.reply_line(text, cx);
        }
        match self.mode {
            Mode::Auth => {
                if cx.is_watched() {
                    let line = Line { text, ..line };
                    self.session.tx.command(self.sender, Command::AuthAnswer, &[], &line, cx);
                }
                self.push_pending(Command::AuthAnswer, cx);
                self.session.auth.answer_told(SERVICE, text, cx);
            }
            Mode::Lost if is_of_mail(text) => {
                // The command that began the mail is in the hole.
                self.begin_data(true, cx);
                self.session.mail_bytes(text, cx);
                self.session.mail_bytes(b"\r\n", cx);
            }
            _ => self.command_line(&Line { text, ..line }, cx),
        }
    }

    fn push_pending(&mut self, command: Command, cx: &mut Cx<'_>) {
        if self.pending.len() >= MAX_PENDING {
            cx.weird("smtp_excessive_pending_cmds");
            self.pending.clear();
        }
        self.pending.push_back(command);
    }

    fn command_line(&mut self, told: &Line<'_>, cx: &mut Cx<'_>) {
        let line = told.text;
        let (command, argument) = command(line);
        if cx.is_watched() {
            self.session.tx.command(self.sender, command, argument, told, cx);
        }
        if command == Command::Unknown {
            if self.mode == Mode::Lost {
                return;
            }
            if !cx.flow.seen.resp && self.pending.back() == Some(&Command::Auth) {
                // Without the server's challenge an answer looks like an unknown command.
                return self.session.auth.answer_told(SERVICE, line, cx);
            }
            // Those who watch want to know what a server says to such.
            if !self.known && line.len() > 3 && !line.is_ascii() && !cx.is_watched() {
                return self.reject(cx);
            }
            return self.push_pending(Command::Unknown, cx);
        }
        if self.mode == Mode::Lost {
            self.mode = Mode::Command;
        }
        self.confirm(cx);
        self.push_pending(command, cx);
        self.session.request(command, argument, cx);
        if command != Command::Bdat && self.session.in_chunks() {
            cx.weird("smtp_missing_bdat_last_chunk");
            self.session.end_mail(false, cx);
        }
        match command {
            Command::Data => self.begin_data(false, cx),
            Command::Bdat => self.begin_chunk(argument, cx),
            Command::Auth => self.session.auth.begin_told(SERVICE, argument, cx),
            Command::StartTls => self.tls_asked = true,
            _ => {}
        }
    }

    fn reject(&mut self, cx: &mut Cx<'_>) {
        self.rejected = true;
        cx.reject("not_smtp");
    }

    fn confirm(&mut self, cx: &mut Cx<'_>) {
        self.known = true;
        cx.confirm(SERVICE);
    }

    /// `torn`: the mail's first bytes may be missing.
    fn begin_data(&mut self, torn: bool, cx: &mut Cx<'_>) {
        if torn {
            self.session.begin_torn_mail(self.sender, cx);
        } else {
            self.session.begin_mail(self.sender, false, cx);
        }
        self.mode = Mode::Data;
        self.dots = Dots::default();
        self.end_uncertain = torn;
    }

    fn begin_chunk(&mut self, argument: &[u8], cx: &mut Cx<'_>) {
        match bdat(argument) {
            Err(what) => cx.weird_with("smtp_invalid_bdat_command", Some(what.into())),
            Ok((len, _)) if i64::try_from(len).is_err() => cx.weird("smtp_huge_bdat_chunk"),
            Ok((len, last)) => {
                if !self.session.in_chunks() {
                    self.session.begin_mail(self.sender, true, cx);
                }
                self.mode = Mode::Chunk(len, last);
                self.end_chunk_if_done(cx);
            }
        }
    }

    /// Mail.
    fn content(&mut self, input: &mut &[u8], cx: &mut Cx<'_>) {
        match self.mode {
            Mode::Chunk(left, last) => {
                let take = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                let (chunk, rest) = input.split_at_checked(take).unwrap_or((input, &[]));
                *input = rest;
                self.session.mail_bytes(chunk, cx);
                self.mode = Mode::Chunk(left - chunk.len() as u64, last);
                self.end_chunk_if_done(cx);
            }
            _ => match self.dots.next(input) {
                Piece::Content(bytes) => self.session.mail_bytes(bytes, cx),
                Piece::Nothing => {}
                Piece::End => {
                    self.mode = Mode::Command;
                    self.push_pending(Command::EndOfData, cx);
                    self.session.end_mail(true, cx);
                    self.session.request(Command::EndOfData, b"", cx);
                }
            },
        }
    }

    fn end_chunk_if_done(&mut self, cx: &mut Cx<'_>) {
        if let Mode::Chunk(0, last) = self.mode {
            self.mode = Mode::Command;
            if last {
                self.session.end_mail(true, cx);
            }
        }
    }

    fn reply_line(&mut self, line: &[u8], cx: &mut Cx<'_>) {
        let reply = reply(line);
        if cx.is_watched() && !line.is_empty() {
            self.session.tx.reply(self.sender.flip(), reply.as_ref(), line.len(), cx);
        }
        let Some(reply) = reply else {
            if !self.known {
                self.reject(cx);
            }
            return;
        };
        if self.continued != Some(reply.code) {
            self.new_reply(reply.code, cx);
        }
        self.continued = reply.more.then_some(reply.code);
        self.session.reply(&reply, self.last_replied, cx);
        if !cx.flow.seen.orig && self.sender.is_orig() {
            self.known = true;
            cx.recognize(SERVICE);
            self.session.infer(&reply, cx);
        }
        if self.last_replied == Some(Command::StartTls) && reply.code == 220 && !reply.more {
            self.start_tls(cx);
        }
    }

    /// The first line of a reply: to which command, and what that means.
    fn new_reply(&mut self, code: u16, cx: &mut Cx<'_>) {
        self.replies += 1;
        let mut command = self.pending.pop_front();
        let in_mail = self.mode == Mode::Data && self.session.has_mail_bytes();
        if command.is_none() && in_mail && self.end_uncertain && code != 354 {
            // Servers don't speak while mail is coming in: its end is in the hole.
            self.session.end_mail(false, cx);
            self.mode = Mode::Command;
            command = Some(Command::EndOfData);
        }
        if command.is_none() && !cx.flow.seen.orig && code == 220 && self.replies > 1 {
            command = Some(Command::StartTls);
        }
        self.last_replied = command;
        match command {
            Some(Command::Data) if code != 354 && self.mode == Mode::Data => {
                self.session.end_mail(false, cx);
                self.mode = Mode::Command;
            }
            Some(Command::Auth | Command::AuthAnswer) if code == 334 => self.mode = Mode::Auth,
            Some(Command::Auth | Command::AuthAnswer) => {
                self.session.auth.end(code == 235);
                cx.login_judged(SERVICE, code == 235);
                if self.mode == Mode::Auth {
                    self.mode = Mode::Command;
                }
            }
            Some(Command::StartTls) if code != 220 => self.tls_asked = false,
            Some(Command::Turn) if code == 250 => {
                self.sender = self.sender.flip();
                self.pending.push_back(Command::Connect);
            }
            None if code == 354 && self.mode == Mode::Lost => self.begin_data(false, cx),
            _ => {}
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        if dir != self.sender {
            self.continued = None;
            // Which replies were lost is unknown; the one to a mail's end is told by being the last awaited.
            self.pending.clear();
            self.session.tx.lost(false, cx);
            self.end_uncertain = true;
            return;
        }
        match self.mode {
            Mode::Data => {
                self.session.mail_gap(len, cx);
                self.dots.lost();
                self.end_uncertain = true;
            }
            Mode::Chunk(left, last) if left >= len => {
                self.session.mail_gap(len, cx);
                self.mode = Mode::Chunk(left - len, last);
                self.end_chunk_if_done(cx);
            }
            _ => {
                self.session.end_mail(false, cx);
                self.session.tx.lost(true, cx);
                self.pending.clear();
                self.mode = Mode::Lost;
            }
        }
    }
}
