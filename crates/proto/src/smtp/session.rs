//! What the commands, replies and mails of a flow come to: its rows.

use super::address::{each_address, first_address};
use super::command::{Command, Reply};
use super::mail::{MAX_ADDRESS_LEN, insert};
use super::record::SmtpRecord;
use super::tx::{Exchanges, Heard};
use crate::letter::{Envelope, Letter, With};
use crate::mime::{Mime, Origin};
use crate::sasl::Auth;
use crate::{Cx, Event};
use sekisho_record::{Set, Text};
use sekisho_types::{Dir, Heap, block_len};

/// Recipients kept per mail (Zeek's `max_rcptto_addresses`).
const MAX_RECIPIENTS: usize = 1000;

/// Rows and their sources.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) auth: Auth,
    row: Option<Box<SmtpRecord>>,
    /// The row has something to tell.
    active: bool,
    helo: Option<Text>,
    mails: u64,
    mail: Option<Box<Mime>>,
    /// The mail as detectors want it; told with its row.
    letter: Option<Box<Letter>>,
    /// The mail comes in chunks.
    chunked: bool,
    /// Bytes of the mail came, or are known to be missing.
    has_bytes: bool,
    /// Entities of all mails of the flow, which `files` shows as depth.
    entities: u64,
    mail_from_seen: bool,
    rcpt_to_seen: bool,
    last_chunk_asked: bool,
    /// Rows logged.
    logged: u64,
    /// What rules and EVE see.
    pub(crate) tx: Exchanges,
}

impl Heap for Session {
    fn heap_len(&self) -> usize {
        let row = self.row.as_ref().map_or(0, |r| block_len(size_of::<SmtpRecord>()) + r.held_len);
        row + self.letter.heap_len()
            + self.tx.heap_len()
            + self.helo.heap_len()
            + self.mail.heap_len()
            + self.auth.heap_len()
    }
}

impl Session {
    fn row(&mut self, cx: &Cx<'_>) -> &mut SmtpRecord {
        let (mails, helo) = (self.mails, &self.helo);
        self.row.get_or_insert_with(|| Box::new(SmtpRecord::new(cx.head(cx.ts), cx.tail(), mails + 1, helo.clone())))
    }

    /// Logs the row if it has something to tell; the next one begins.
    fn log(&mut self, cx: &mut Cx<'_>) {
        self.tell_letter(cx);
        if !std::mem::take(&mut self.active) {
            return;
        }
        let Some(mut row) = self.row.take() else { return };
        row.tail = cx.tail();
        if self.auth.attempts > 0 {
            row.auth_mechanism.clone_from(&self.auth.mechanism);
            row.auth_user.clone_from(&self.auth.user);
            row.auth_attempts = Some(self.auth.attempts);
            row.auth_success = self.auth.success;
        }
        row.tell_software(cx);
        cx.emit(Event::SmtpRecord(row));
        self.logged += 1;
    }

    /// Tells detectors of the mail.
    fn tell_letter(&mut self, cx: &mut Cx<'_>) {
        let Some(letter) = self.letter.take() else { return };
        let row = self.row.as_ref();
        let reply = row.and_then(|r| r.last_reply.as_ref());
        letter.tell(
            &Envelope {
                protocol: "smtp",
                helo: row.and_then(|r| r.helo.as_ref()),
                mailfrom: row.and_then(|r| r.mailfrom.as_ref()),
                rcptto: row.and_then(|r| r.rcptto.as_ref()).map_or(&[], |r| &r.0),
                accepted: reply.map(|r| &r.0).filter(|r| !r.starts_with(b"354")).map(|r| r.starts_with(b"2")),
                to_client: false,
            },
            cx,
        );
    }

    /// A command was sent.
    pub(crate) fn request(&mut self, command: Command, argument: &[u8], cx: &mut Cx<'_>) {
        match command {
            Command::Ehlo | Command::Helo => {
                self.helo = Some(argument.into());
                self.row(cx).set(|row| &mut row.helo, argument.into());
            }
            Command::Mail if starts_with(argument, b"from:") => self.mail_from(argument, cx),
            Command::Rcpt if starts_with(argument, b"to:") => {
                self.rcpt_to(argument, cx);
                if !self.mail_from_seen {
                    invalid("rcpt to missing mail from", cx);
                }
                self.rcpt_to_seen = true;
            }
            Command::Data | Command::Bdat => {
                self.row(cx);
                if !self.rcpt_to_seen {
                    invalid("data missing rcpt to", cx);
                }
                let last = argument.len() >= 5 && argument.to_ascii_uppercase().ends_with(b" LAST");
                if command == Command::Bdat && last {
                    self.mail_from_seen = false;
                    self.rcpt_to_seen = false;
                    self.last_chunk_asked = true;
                }
            }
            Command::EndOfData => {
                self.mail_from_seen = false;
                self.rcpt_to_seen = false;
            }
            _ => {
                self.row(cx);
            }
        }
    }

    fn mail_from(&mut self, argument: &[u8], cx: &mut Cx<'_>) {
        // The last mail's answer may not have been seen.
        self.log(cx);
        let from = first_address(argument);
        let row = self.row(cx);
        if let Some(from) = from {
            row.set(|row| &mut row.mailfrom, from.into());
        }
        self.active = true;
        self.mail_from_seen = true;
        self.rcpt_to_seen = false;
    }

    fn rcpt_to(&mut self, argument: &[u8], cx: &mut Cx<'_>) {
        self.active = true;
        let row = self.row(cx);
        let set = row.rcptto.get_or_insert_with(Set::default);
        let mut over = false;
        each_address(argument, &mut |address| {
            over = set.0.len() >= MAX_RECIPIENTS;
            if !over {
                // What is left of a delivery-status parameter once separators are gone.
                let address = address.strip_prefix(b"ORCPT=rfc822").map_or_else(|| address.clone(), <[u8]>::to_vec);
                row.held_len += insert(set, address.get(..MAX_ADDRESS_LEN).unwrap_or(&address).into());
            }
            !over
        });
        if over {
            cx.weird("smtp_too_many_rcptto_addresses");
        }
    }

    /// A line of a reply to `command`.
    pub(crate) fn reply(&mut self, reply: &Reply<'_>, command: Option<Command>, cx: &mut Cx<'_>) {
        let mut text = reply.code.to_string().into_bytes();
        text.push(b' ');
        text.extend_from_slice(reply.text);
        self.row(cx).set(|row| &mut row.last_reply, text.into());
        let mail_done = match command {
            Some(Command::EndOfData) => true,
            Some(Command::Bdat) => !reply.more && self.last_chunk_asked,
            _ => false,
        };
        if mail_done {
            self.mails += 1;
            self.last_chunk_asked = false;
            self.log(cx);
            self.row = None;
        }
    }

    /// Only the server's side is there: its replies tell what it was asked.
    pub(crate) fn infer(&mut self, reply: &Reply<'_>, cx: &mut Cx<'_>) {
        let status = reply.text.get(..5).unwrap_or(&[]);
        match (reply.code, status) {
            (250, b"2.1.0") => {
                if let Some(from) = first_address(reply.text) {
                    self.row(cx).set(|row| &mut row.mailfrom, from.into());
                    self.active = true;
                }
            }
            (250 | 251, b"2.1.5") => self.rcpt_to(reply.text, cx),
            (354, _) => {
                self.row(cx);
                self.active = true;
                self.last_chunk_asked = true;
            }
            (235, _) => {
                self.auth.attempts += 1;
                self.auth.end(true);
            }
            (535, _) => {
                self.auth.attempts += 1;
                self.auth.end(false);
            }
            // The reply behind 354 is about the mail.
            _ if !reply.more && self.last_chunk_asked => {
                self.last_chunk_asked = false;
                self.mails += 1;
                self.log(cx);
                self.row = None;
            }
            _ => {}
        }
    }

    /// Does a mail come in chunks at the moment?
    pub(crate) fn in_chunks(&self) -> bool {
        self.chunked && self.mail.is_some()
    }

    /// A mail begins.
    pub(crate) fn begin_mail(&mut self, sender: Dir, chunked: bool, cx: &mut Cx<'_>) {
        if self.mail.is_some() {
            cx.weird("smtp_nested_mail_transaction");
            self.end_mail(false, cx);
        }
        self.row(cx);
        let origin =
            Origin { source: "SMTP", is_orig: sender.is_orig(), range_key: None, suggested_name: None, numbered: true };
        self.mail = Some(Box::new(Mime::message(origin, self.entities)));
        self.letter = Letter::begin(cx);
        self.tx.mail_begins(sender, cx);
        self.chunked = chunked;
        self.has_bytes = false;
    }

    /// The mail's next bytes.
    pub(crate) fn mail_bytes(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        self.has_bytes = true;
        if let Some(mut mail) = self.mail.take() {
            let mut tx = std::mem::take(&mut self.tx);
            let mut letter = self.letter.take();
            let heard = &mut Heard { row: self.row(cx), mail: tx.mail() };
            mail.push(bytes, cx, &mut With { inner: heard, letter: letter.as_deref_mut() });
            self.letter = letter;
            tx.mail_goes_on(mail.has_header(), cx);
            self.tx = tx;
            self.mail = Some(mail);
        }
    }

    /// A mail goes on of which the beginning is missing; the next bytes begin a line.
    pub(crate) fn begin_torn_mail(&mut self, sender: Dir, cx: &mut Cx<'_>) {
        self.begin_mail(sender, false, cx);
        if let Some(mail) = &mut self.mail {
            mail.begins_torn();
        }
        if let Some(letter) = &mut self.letter {
            letter.gap();
        }
    }

    /// Has anything of a mail come since it began?
    pub(crate) fn has_mail_bytes(&self) -> bool {
        self.has_bytes
    }

    /// `len` bytes of the mail are missing.
    pub(crate) fn mail_gap(&mut self, len: u64, cx: &mut Cx<'_>) {
        self.has_bytes = true;
        if let Some(mut mail) = self.mail.take() {
            let mut tx = std::mem::take(&mut self.tx);
            mail.gap(len, cx, &mut Heard { row: self.row(cx), mail: tx.mail() });
            if let Some(letter) = &mut self.letter {
                letter.gap();
            }
            self.tx = tx;
            self.mail = Some(mail);
        }
    }

    /// The mail is over; `complete` if its end was marked.
    pub(crate) fn end_mail(&mut self, complete: bool, cx: &mut Cx<'_>) {
        if let Some(mut mail) = self.mail.take() {
            let mut tx = std::mem::take(&mut self.tx);
            let mut letter = self.letter.take();
            let heard = &mut Heard { row: self.row(cx), mail: tx.mail() };
            mail.finish(complete, cx, &mut With { inner: heard, letter: letter.as_deref_mut() });
            if let Some(letter) = &mut letter {
                letter.end(complete);
            }
            self.letter = letter;
            tx.mail_ends(complete, self.chunked, cx);
            self.tx = tx;
            self.entities = mail.count();
            self.chunked = false;
        }
    }

    /// The flow goes on in TLS.
    pub(crate) fn start_tls(&mut self, cx: &Cx<'_>) {
        self.row(cx).tls = true;
        self.active = true;
    }

    /// The flow is over.
    pub(crate) fn finalize(&mut self, cx: &mut Cx<'_>) {
        self.tx.end(cx);
        // Logins are worth a row even if no mail followed.
        self.active |= self.auth.attempts > 0 && self.logged == 0;
        if self.active {
            self.row(cx);
        }
        self.log(cx);
    }
}

fn invalid(what: &'static str, cx: &mut Cx<'_>) {
    cx.weird_with("smtp_mail_transaction_invalid", Some(what.into()));
}

fn starts_with(argument: &[u8], prefix: &[u8]) -> bool {
    argument.get(..prefix.len()).is_some_and(|a| a.eq_ignore_ascii_case(prefix))
}
