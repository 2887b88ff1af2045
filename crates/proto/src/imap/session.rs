//! What lines come to: the row, and which command a reply is for.

use super::line::{Item, number, word};
use super::record::ImapRecord;
use super::{MAX_FUIDS, MAX_PENDING, MAX_TEXT_LEN, SERVICE};
use crate::letter::{Envelope, Letter, With};
use crate::mime::{Mime, Observer, Origin};
use crate::sasl::Auth;
use crate::told::Login;
use crate::{Cx, FileInfo};
use sekisho_record::Text;
use sekisho_types::{Dir, Heap, block_len, list_len};

/// What follows a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Line,
    Tls,
    Opaque,
    Lost,
}

/// A command whose reply means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Authenticate,
    Compress,
    Login,
    Other,
    Select,
    StartTls,
}

/// A command without reply.
struct Pending {
    tag: Vec<u8>,
    command: Command,
    mailbox: Option<Text>,
}

impl Heap for Pending {
    fn heap_len(&self) -> usize {
        self.tag.heap_len() + self.mailbox.heap_len()
    }
}

/// State of a session.
#[derive(Default)]
pub(super) struct Session {
    row: Option<Box<ImapRecord>>,
    auth: Auth,
    /// The client's next line belongs to a login.
    answering: bool,
    pending: Vec<Pending>,
    mail: Option<Box<Mime>>,
    /// A message that is fetched, as detectors want it.
    letter: Option<Box<Letter>>,
    /// Entities of all messages of the flow, which `files` shows as depth.
    entities: u64,
    known: bool,
    /// The message under way was cut by the client's wish.
    partial: bool,
}

impl Heap for Session {
    fn heap_len(&self) -> usize {
        let row = self.row.as_ref().map_or(0, |r| block_len(size_of::<ImapRecord>()) + r.heap_len());
        let pending = list_len(&self.pending) + self.pending.as_slice().heap_len();
        row + self.auth.heap_len() + self.mail.heap_len() + self.letter.heap_len() + pending
    }
}

impl Observer for ImapRecord {
    fn opened(&mut self, info: FileInfo, _filename: Option<&Text>) {
        if self.fuids.0.len() < MAX_FUIDS
            && let Some(fuid) = info.row()
        {
            self.fuids.0.push(fuid);
        }
    }

    fn closed(&mut self, _info: FileInfo) {}
}

fn short(text: &[u8]) -> Text {
    text.get(..MAX_TEXT_LEN).unwrap_or(text).into()
}

impl Session {
    fn row(&mut self, cx: &Cx<'_>) -> &mut ImapRecord {
        self.row.get_or_insert_with(|| Box::new(ImapRecord::new(cx.head(cx.ts), cx.tail())))
    }

    /// Is the next line of `dir` one of a login, in which braces mean nothing?
    pub fn in_auth(&self, dir: Dir) -> bool {
        dir.is_orig() && self.answering
    }

    /// Bytes were lost: which reply answers which command is still told by its tag, but a login's steps are not.
    pub fn lost(&mut self) {
        self.answering = false;
    }

    pub fn line(&mut self, dir: Dir, line: &[u8], cx: &mut Cx<'_>) -> Next {
        if dir.is_orig() { self.client(line, cx) } else { self.server(line, cx) }
    }

    fn client(&mut self, line: &[u8], cx: &mut Cx<'_>) -> Next {
        if std::mem::take(&mut self.answering) {
            self.auth.answer_told(SERVICE, line, cx);
            let user = self.auth.user.clone();
            self.row(cx).user = user;
            return Next::Line;
        }
        let mut rest = line;
        let (Some(tag), Some(name)) = (word(&mut rest), word(&mut rest)) else { return Next::Line };
        if !self.known && !line.is_ascii() {
            return Next::Lost;
        }
        let name = name.to_ascii_uppercase();
        let row = self.row(cx);
        row.commands += 1;
        let mut mailbox = None;
        let command = match name.as_slice() {
            b"LOGIN" => {
                row.auth_attempts += 1;
                row.auth_method = Some("LOGIN".into());
                row.user = word(&mut rest).map(|user| short(&user));
                let user = row.user.clone().unwrap_or_default();
                let password = word(&mut rest);
                let password = password.as_deref();
                cx.login(&Login { protocol: SERVICE, method: b"LOGIN", user: &user.0, password, success: None });
                Command::Login
            }
            b"AUTHENTICATE" => {
                row.auth_attempts += 1;
                self.auth.begin_told(SERVICE, rest.trim_ascii(), cx);
                let (user, method) = (self.auth.user.clone(), self.auth.mechanism.clone());
                let row = self.row(cx);
                row.user = user;
                row.auth_method = method;
                Command::Authenticate
            }
            b"STARTTLS" => Command::StartTls,
            b"COMPRESS" => Command::Compress,
            b"SELECT" | b"EXAMINE" => {
                mailbox = word(&mut rest).map(|mailbox| short(&mailbox));
                Command::Select
            }
            b"ID" => {
                row.client = Some(short(rest.trim_ascii()));
                Command::Other
            }
            _ => Command::Other,
        };
        if matches!(command, Command::StartTls) || name == b"CAPABILITY" {
            cx.confirm(SERVICE);
        } else {
            cx.recognize(SERVICE);
        }
        if self.pending.len() >= MAX_PENDING {
            if cx.flow.seen.resp {
                cx.weird("imap_too_many_pending_commands");
            }
            self.pending.remove(0);
        }
        self.pending.push(Pending { tag: short(&tag).0, command, mailbox });
        Next::Line
    }

    fn server(&mut self, line: &[u8], cx: &mut Cx<'_>) -> Next {
        let mut rest = line;
        let Some(tag) = word(&mut rest) else { return Next::Line };
        if tag.as_ref() == b"+" {
            self.answering = self.pending.last().is_some_and(|p| p.command == Command::Authenticate);
            return Next::Line;
        }
        let after_tag = rest;
        let Some(what) = word(&mut rest) else { return self.doubt() };
        let status = what.to_ascii_uppercase();
        if tag.as_ref() == b"*" {
            self.untagged(&status, rest, after_tag, cx);
            return Next::Line;
        }
        if !matches!(status.as_slice(), b"OK" | b"NO" | b"BAD") {
            return self.doubt();
        }
        let Some(at) = self.pending.iter().position(|p| p.tag == tag.as_ref()) else { return Next::Line };
        let Pending { command, mailbox, .. } = self.pending.remove(at);
        let accepted = status == b"OK";
        let row = self.row(cx);
        if !accepted {
            row.errors += 1;
            row.last_error = Some(short(rest.trim_ascii()));
        }
        match command {
            Command::Login | Command::Authenticate => {
                row.auth_success = Some(accepted);
                cx.login_judged(SERVICE, accepted);
            }
            Command::Select if accepted => row.mailbox = mailbox,
            Command::StartTls if accepted => {
                row.tls = true;
                return Next::Tls;
            }
            Command::Compress if accepted => return Next::Opaque,
            _ => {}
        }
        Next::Line
    }

    /// A line that no server sends: at the beginning it's another protocol, later damage.
    fn doubt(&self) -> Next {
        if self.known { Next::Line } else { Next::Lost }
    }

    fn untagged(&mut self, status: &[u8], rest: &[u8], line: &[u8], cx: &mut Cx<'_>) {
        let first = !std::mem::replace(&mut self.known, true);
        match status {
            b"OK" | b"PREAUTH" | b"BYE" => {
                if status == b"OK" {
                    cx.confirm(SERVICE);
                } else {
                    cx.recognize(SERVICE);
                }
                if first {
                    self.row(cx).greeting = Some(short(rest.trim_ascii()));
                }
            }
            _ => {
                let mut rest = line;
                let count = word(&mut rest).and_then(|n| number(&n));
                if count.is_some() && rest.trim_ascii().eq_ignore_ascii_case(b"EXISTS") {
                    self.row(cx).mailbox_count = count;
                }
            }
        }
    }

    /// A literal follows `line`: begins a message if it is one.
    pub fn begins_mail(&mut self, dir: Dir, line: &[u8], cx: &mut Cx<'_>) -> bool {
        let mut rest = line;
        let (_, second) = (word(&mut rest), word(&mut rest));
        let item = if dir.is_orig() {
            let append = second.is_some_and(|w| w.eq_ignore_ascii_case(b"APPEND"));
            // What comes first may be the mailbox's name.
            if append && word(&mut rest).is_some() { Item::Message } else { Item::Other }
        } else {
            let fetch = word(&mut rest).is_some_and(|w| w.eq_ignore_ascii_case(b"FETCH"));
            if fetch { Item::before(line) } else { Item::Other }
        };
        if item == Item::Other {
            return false;
        }
        let row = self.row(cx);
        let counter = if dir.is_orig() { &mut row.appended } else { &mut row.fetched };
        *counter += 1;
        if item == Item::Section || self.mail.is_some() {
            return false;
        }
        self.partial = item == Item::MessageStart;
        let origin =
            Origin { source: "IMAP", is_orig: dir.is_orig(), range_key: None, suggested_name: None, numbered: true };
        self.mail = Some(Box::new(Mime::message(origin, self.entities)));
        // What is stored the user has written himself.
        self.letter = if dir.is_orig() { None } else { Letter::begin(cx) };
        true
    }

    /// The message's next bytes.
    pub fn mail_bytes(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        if let Some(mut mail) = self.mail.take() {
            let mut letter = self.letter.take();
            mail.push(bytes, cx, &mut With { inner: self.row(cx), letter: letter.as_deref_mut() });
            self.letter = letter;
            self.mail = Some(mail);
        }
    }

    /// `len` bytes of the message are missing.
    pub fn mail_gap(&mut self, len: u64, cx: &mut Cx<'_>) {
        if let Some(mut mail) = self.mail.take() {
            mail.gap(len, cx, self.row(cx));
            if let Some(letter) = &mut self.letter {
                letter.gap();
            }
            self.mail = Some(mail);
        }
    }

    /// The message is over.
    pub fn end_mail(&mut self, complete: bool, cx: &mut Cx<'_>) {
        if let Some(mut mail) = self.mail.take() {
            let complete = complete && !self.partial;
            let mut letter = self.letter.take();
            mail.finish(complete, cx, &mut With { inner: self.row(cx), letter: letter.as_deref_mut() });
            self.entities = mail.count();
            if let Some(mut letter) = letter {
                letter.end(complete);
                letter.tell(&Envelope { protocol: SERVICE, to_client: true, ..Envelope::default() }, cx);
            }
        }
    }

    /// The flow is over.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        self.end_mail(false, cx);
        if let Some(row) = self.row.take() {
            cx.emit(ImapRecord { tail: cx.tail(), ..*row });
        }
    }
}
