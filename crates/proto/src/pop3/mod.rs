//! POP3 (RFC 1939) with CAPA (RFC 2449), STLS (RFC 2595), AUTH (RFC 5034) and MIME mail.
//!
//! Zeek has no log for it; ours has one row per session. The parts of fetched messages are files, as with SMTP.
//! Passwords are not kept. Limits: [`MAX_LINE_LEN`], [`MAX_PENDING`], [`MAX_TEXT_LEN`], [`MAX_FUIDS`]. Known gap:
//! with the server's side alone nobody knows which of its replies are messages, so none is taken for one.

mod command;
mod probe;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use record::Pop3Record;

use crate::dots::{Dots, Piece};
use crate::letter::{Envelope, Letter, With};
use crate::mime::{Mime, Observer, Origin};
use crate::sasl::Auth;
use crate::told::Login;
use crate::{Cx, Descriptor, FileInfo, Lines, Protocol, Start};
use command::{Command, Reply, command, reply};
use sekisho_record::Text;
use sekisho_types::{Dir, Heap, block_len};
use std::collections::VecDeque;

/// Longest line; the rest of a longer one is dropped.
const MAX_LINE_LEN: usize = 4096;
/// Commands without reply that are remembered; beyond, the oldest is forgotten.
const MAX_PENDING: usize = 256;
/// Places for commands that an idle flow keeps.
const IDLE_COMMANDS: usize = 16;
/// Longest text kept of the server's words and of a user's name.
const MAX_TEXT_LEN: usize = 512;
/// Files listed per session; further ones are in `files` only.
const MAX_FUIDS: usize = 1000;

/// Name in conn's `service`.
const SERVICE: &str = "pop3";

/// State of one flow.
pub struct Parser {
    lines: [Lines; 2],
    session: Session,
}

struct Session {
    row: Option<Box<Pop3Record>>,
    auth: Auth,
    /// The client's next line belongs to a login.
    in_auth: bool,
    pending: VecDeque<Command>,
    /// A reply goes on up to a dot.
    listing: bool,
    dots: Dots,
    mail: Option<Box<Mime>>,
    /// The mail as detectors want it.
    letter: Option<Box<Letter>>,
    known: bool,
    /// Nobody greets: behind STLS the client speaks first (RFC 2595 §4).
    ungreeted: bool,
    /// What rules and EVE see.
    tx: tx::Exchanges,
}

/// What follows a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Line,
    Tls,
    Lost,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: SERVICE, tcp_ports: &[110], udp_ports: &[], probe: probe::probe };

    fn start(_start: &Start<'_>) -> Self {
        Self {
            lines: [Lines::new(MAX_LINE_LEN), Lines::new(MAX_LINE_LEN)],
            session: Session {
                row: None,
                auth: Auth::default(),
                in_auth: false,
                pending: VecDeque::new(),
                listing: false,
                dots: Dots::default(),
                mail: None,
                letter: None,
                known: false,
                ungreeted: false,
                tx: tx::Exchanges::default(),
            },
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Self { lines: [orig, resp], session } = self;
        let lines = if dir.is_orig() { orig } else { resp };
        let mut input = bytes;
        session.ungreeted |= cx.depth() > 0 && dir.is_orig() && !session.known;
        while !input.is_empty() {
            if !dir.is_orig() && session.listing {
                session.content(&mut input, cx);
                continue;
            }
            let Some(line) = lines.next(&mut input) else { break };
            let next = if dir.is_orig() {
                session.client(line.text, cx)
            } else {
                let next = session.server(line.text, cx);
                if !session.listing {
                    session.tx.settle(cx);
                }
                next
            };
            match next {
                Next::Line => {}
                Next::Tls => {
                    cx.hand_over(None, input.len());
                    return;
                }
                Next::Lost => {
                    cx.reject("pop3_server_command_unknown");
                    return;
                }
            }
        }
        lines.rest();
        if session.pending.is_empty() && session.pending.capacity() > IDLE_COMMANDS {
            session.pending = VecDeque::new();
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        let [orig, resp] = &mut self.lines;
        (if dir.is_orig() { orig } else { resp }).clear();
        let session = &mut self.session;
        if !dir.is_orig() && session.listing {
            session.with_mail(cx, |mail, row, cx| mail.gap(len, cx, row));
            if let Some(letter) = &mut session.letter {
                letter.gap();
            }
            session.dots.lost();
        } else {
            // Which reply answers which command is no longer known.
            session.pending.clear();
            session.in_auth = false;
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.session.end_mail(false, cx);
        self.session.tx.end(cx);
        if let Some(row) = self.session.row.take() {
            cx.emit(Pop3Record { tail: cx.tail(), ..*row });
        }
    }

    fn held_len(&self) -> usize {
        let s = &self.session;
        let row = s.row.as_ref().map_or(0, |r| block_len(size_of::<Pop3Record>()) + r.heap_len());
        self.lines.as_slice().heap_len()
            + row
            + s.auth.heap_len()
            + s.mail.heap_len()
            + s.letter.heap_len()
            + s.tx.heap_len()
            + block_len(s.pending.capacity().saturating_mul(size_of::<Command>()))
    }
}

impl Observer for Pop3Record {
    fn opened(&mut self, info: FileInfo, _filename: Option<&Text>) {
        if self.fuids.0.len() < MAX_FUIDS
            && let Some(fuid) = info.row()
        {
            self.fuids.0.push(fuid);
        }
    }

    fn closed(&mut self, _info: FileInfo) {}
}

/// Is it the answer to `command` for certain, and no greeting?
fn answers(command: Command, text: &[u8]) -> bool {
    command == Command::Capa && text.get(..10).is_some_and(|t| t.eq_ignore_ascii_case(b"capability"))
}

fn short(text: &[u8]) -> Text {
    text.get(..MAX_TEXT_LEN).unwrap_or(text).into()
}

impl Session {
    fn row(&mut self, cx: &Cx<'_>) -> &mut Pop3Record {
        self.row.get_or_insert_with(|| Box::new(Pop3Record::new(cx.head(cx.ts), cx.tail())))
    }

    fn client(&mut self, line: &[u8], cx: &mut Cx<'_>) -> Next {
        if cx.is_watched() {
            self.tx.command(line, self.in_auth, cx);
        }
        if self.in_auth {
            self.auth.answer_told(SERVICE, line, cx);
            self.in_auth = false;
            let user = self.auth.user.clone();
            self.row(cx).user = user;
            return Next::Line;
        }
        if line.trim_ascii().is_empty() {
            return Next::Line;
        }
        let (command, argument) = command(line);
        if command == Command::Other && !self.known && !line.is_ascii() {
            return Next::Lost;
        }
        cx.recognize(SERVICE);
        let row = self.row(cx);
        row.commands += 1;
        match command {
            Command::User => {
                row.user = Some(short(argument));
                row.auth_method = Some("USER".into());
            }
            Command::Pass => {
                let user = row.user.clone().unwrap_or_default();
                let password = Some(argument);
                cx.login(&Login { protocol: SERVICE, method: b"USER", user: &user.0, password, success: None });
            }
            Command::Apop => {
                row.user = argument.split(|b| *b == b' ').next().map(short);
                row.auth_method = Some("APOP".into());
                let user = row.user.clone().unwrap_or_default();
                cx.login(&Login { protocol: SERVICE, method: b"APOP", user: &user.0, password: None, success: None });
            }
            Command::Auth => {
                self.auth.begin_told(SERVICE, argument, cx);
                let (user, method) = (self.auth.user.clone(), self.auth.mechanism.clone());
                let row = self.row(cx);
                row.user = user;
                row.auth_method = method;
            }
            _ => {}
        }
        if command.is_login() {
            self.row(cx).auth_attempts += 1;
        }
        if self.pending.len() >= MAX_PENDING {
            if cx.flow.seen.resp {
                cx.weird("pop3_excessive_pending_cmds");
            }
            self.pending.pop_front();
        }
        self.pending.push_back(command);
        Next::Line
    }

    fn server(&mut self, line: &[u8], cx: &mut Cx<'_>) -> Next {
        let Some(reply) = reply(line) else {
            if !self.known {
                return Next::Lost;
            }
            let word = line.split(u8::is_ascii_whitespace).next().unwrap_or(&[]);
            cx.weird_with("pop3_server_command_unknown", Some(short(word)));
            cx.violate();
            return Next::Line;
        };
        if cx.is_watched() {
            self.tx.reply(&reply);
        }
        if reply == Reply::Continue {
            self.tx.settle(cx);
            self.in_auth = self.pending.front() == Some(&Command::Auth);
            return Next::Line;
        }
        let first = !std::mem::replace(&mut self.known, true) && !self.ungreeted;
        let command = self.pending.pop_front();
        match (reply, command) {
            (Reply::Ok(text), None) if first => self.row(cx).greeting = Some(short(text)),
            // A client that did not wait for the greeting.
            (Reply::Ok(text), Some(command)) if first && command != Command::Quit && !answers(command, text) => {
                self.row(cx).greeting = Some(short(text));
                self.pending.push_front(command);
            }
            (Reply::Ok(text), Some(command)) => return self.accepted(command, text, cx),
            (Reply::Err(text), command) => {
                let row = self.row(cx);
                row.errors += 1;
                row.last_error = Some(short(text));
                if command.is_some_and(Command::is_login) {
                    row.auth_success = Some(false);
                    cx.login_judged(SERVICE, false);
                }
                self.in_auth = false;
            }
            _ => {}
        }
        Next::Line
    }

    fn accepted(&mut self, command: Command, text: &[u8], cx: &mut Cx<'_>) -> Next {
        if command.is_login() || matches!(command, Command::User | Command::Capa | Command::Stls) {
            cx.confirm(SERVICE);
        }
        self.listing = command.is_multiline();
        self.dots = Dots::default();
        let row = self.row(cx);
        if command.is_login() {
            row.auth_success = Some(true);
            cx.login_judged(SERVICE, true);
        }
        match command {
            Command::Stat => {
                let mut numbers = text.split(|b| *b == b' ').filter(|w| !w.is_empty()).map(number);
                row.mailbox_count = numbers.next().flatten();
                row.mailbox_len = numbers.next().flatten();
            }
            Command::Dele => row.deleted += 1,
            Command::Retr => {
                row.retrieved += 1;
                self.begin_mail();
                self.letter = Letter::begin(cx);
            }
            Command::Top => {
                row.previewed += 1;
                self.begin_mail();
            }
            Command::Stls => {
                row.tls = true;
                return Next::Tls;
            }
            _ => {}
        }
        Next::Line
    }

    fn begin_mail(&mut self) {
        let origin = Origin { source: "POP3", is_orig: false, range_key: None, suggested_name: None, numbered: false };
        self.mail = Some(Box::new(Mime::message(origin, 0)));
    }

    fn with_mail(&mut self, cx: &mut Cx<'_>, f: impl FnOnce(&mut Mime, &mut With<'_, Pop3Record>, &mut Cx<'_>)) {
        if let Some(mut mail) = self.mail.take() {
            let mut letter = self.letter.take();
            f(&mut mail, &mut With { inner: self.row(cx), letter: letter.as_deref_mut() }, cx);
            self.letter = letter;
            self.mail = Some(mail);
        }
    }

    fn end_mail(&mut self, complete: bool, cx: &mut Cx<'_>) {
        if let Some(mut mail) = self.mail.take() {
            let mut letter = self.letter.take();
            mail.finish(complete, cx, &mut With { inner: self.row(cx), letter: letter.as_deref_mut() });
            if let Some(mut letter) = letter {
                letter.end(complete);
                letter.tell(&Envelope { protocol: SERVICE, to_client: true, ..Envelope::default() }, cx);
            }
        }
    }

    /// Lines of a long reply.
    fn content(&mut self, input: &mut &[u8], cx: &mut Cx<'_>) {
        match self.dots.next(input) {
            Piece::Content(bytes) => {
                if self.mail.is_none() {
                    self.tx.data(bytes);
                }
                self.with_mail(cx, |mail, row, cx| {
                    mail.push(bytes, cx, row);
                });
            }
            Piece::Nothing => {}
            Piece::End => {
                self.listing = false;
                self.end_mail(true, cx);
                self.tx.settle(cx);
            }
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
