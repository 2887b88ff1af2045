//! Mails as rules and EVE see them: one exchange per mail, which begins with the first command and is over with the
//! mail's end, RSET or a new greeting. Kept only while somebody watches.

use super::command::Command;
use super::mail::MAX_ADDRESS_LEN;
use super::record::SmtpRecord;
use super::urls::Urls;
use crate::mime::{Facts, Observer};
use crate::{Cx, FileId, FileInfo};
use sekisho_record::Text;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len, list_len};

/// Longest command and reply that Suricata takes for usual.
const MAX_COMMAND_LEN: usize = 510;
pub(super) const MAX_REPLY_LEN: usize = 510;
/// Recipients, fields of a kind, attachments kept of one mail.
const MAX_KEPT: usize = 256;
/// Bytes kept of one of them.
const MAX_KEPT_LEN: usize = 8 * 1024;

/// Stages of the client's side.
mod stage {
    pub(super) const ENVELOPE: u8 = 0;
    pub(super) const HEADER: u8 = 1;
    pub(super) const BODY: u8 = 2;
}

/// What is kept of a mail's content.
#[derive(Default)]
pub(super) struct Mail {
    from: Option<Vec<u8>>,
    to: Option<Vec<u8>>,
    cc: Option<Vec<u8>>,
    subject: Option<Vec<u8>>,
    date: Option<Vec<u8>>,
    message_id: Option<Vec<u8>>,
    x_mailer: Option<Vec<u8>>,
    received: Vec<Vec<u8>>,
    attachments: Vec<Vec<u8>>,
    urls: Urls,
    /// Files opened since the exchange was shown last.
    files: Vec<FileId>,
    /// Its end was seen.
    complete: bool,
    header_shown: bool,
}

/// The exchange at hand.
#[derive(Default)]
struct Exchange {
    mark: Mark,
    mail_from: Option<Vec<u8>>,
    rcpt_to: Vec<Vec<u8>>,
    mail: Option<Box<Mail>>,
}

/// A flow's exchanges.
#[derive(Default)]
pub(crate) struct Exchanges {
    counter: Counter,
    helo: Option<Vec<u8>>,
    current: Option<Box<Exchange>>,
    sender: Option<Dir>,
    /// Anomalies before there is an exchange.
    early: Option<(Dir, &'static str)>,
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        let current = self.current.as_ref().map_or(0, |x| {
            let rcpt = list_len(&x.rcpt_to) + x.rcpt_to.as_slice().heap_len();
            let mail = x.mail.as_ref().map_or(0, |m| block_len(size_of::<Mail>()) + m.heap_len());
            block_len(size_of::<Exchange>()) + x.mark.heap_len() + x.mail_from.heap_len() + rcpt + mail
        });
        current + self.helo.heap_len()
    }
}

impl Heap for Mail {
    fn heap_len(&self) -> usize {
        let single = [&self.from, &self.to, &self.cc, &self.subject, &self.date, &self.message_id, &self.x_mailer];
        let lists = list_len(&self.received)
            + self.received.as_slice().heap_len()
            + list_len(&self.attachments)
            + self.attachments.as_slice().heap_len();
        single.iter().map(|field| field.heap_len()).sum::<usize>() + lists + self.urls.heap_len()
    }
}

/// `<a@b>` of `FROM:<a@b> SIZE=1`, as Suricata takes it: up to the first blank behind the colon.
fn path(argument: &[u8]) -> Option<&[u8]> {
    let at = memchr::memchr(b':', argument)?;
    let rest = argument.get(at + 1..)?.trim_ascii_start();
    let end = rest.iter().position(|b| b.is_ascii_whitespace()).unwrap_or(rest.len());
    rest.get(..end.min(MAX_ADDRESS_LEN)).filter(|path| !path.is_empty())
}

impl Exchanges {
    /// The current exchange; a new one begins if there is none.
    fn current(&mut self) -> &mut Exchange {
        let counter = &mut self.counter;
        let early = &mut self.early;
        self.current.get_or_insert_with(|| {
            let mut mark = counter.begin();
            if let Some((dir, name)) = early.take() {
                mark.event(dir, name);
            }
            Box::new(Exchange { mark, ..Exchange::default() })
        })
    }

    /// An anomaly of the current exchange.
    pub(super) fn event(&mut self, dir: Dir, name: &'static str) {
        match &mut self.current {
            Some(current) => current.mark.event(dir, name),
            None => self.early = Some((dir, name)),
        }
    }

    /// The client sent a command.
    pub(super) fn command(&mut self, sender: Dir, command: Command, argument: &[u8], len: usize, cx: &mut Cx<'_>) {
        self.sender = Some(sender);
        if self.current.is_none() && matches!(command, Command::Quit | Command::Rset) {
            return;
        }
        self.current();
        if len > MAX_COMMAND_LEN {
            self.event(sender, "max_command_line_len_exceeded");
        }
        match command {
            Command::Ehlo | Command::Helo => {
                if self.helo.is_some() {
                    self.event(sender, "duplicate_fields");
                } else {
                    self.helo = Some(argument.get(..MAX_ADDRESS_LEN).unwrap_or(argument).trim_ascii_end().to_vec());
                }
            }
            Command::Mail => {
                let path = path(argument).map(<[u8]>::to_vec);
                let current = self.current();
                if current.mail_from.is_some() {
                    current.mark.event(sender, "duplicate_fields");
                } else {
                    current.mail_from = path;
                }
            }
            Command::Rcpt => {
                let current = self.current();
                if let Some(path) = path(argument)
                    && current.rcpt_to.len() < MAX_KEPT
                {
                    current.rcpt_to.push(path.to_vec());
                }
            }
            // Of what has not begun there is nothing to take back.
            Command::Rset if self.has_envelope() => self.over(cx),
            _ => {}
        }
    }

    fn has_envelope(&self) -> bool {
        self.current.as_ref().is_some_and(|x| x.mail_from.is_some() || !x.rcpt_to.is_empty() || x.mail.is_some())
    }

    /// The first line of a reply, to which command.
    pub(super) fn reply(&mut self, (dir, code): (Dir, u16), command: Option<Command>, replies: u64, cx: &mut Cx<'_>) {
        match command {
            _ if replies == 1 && command.is_none_or(|c| c == Command::Connect) && code != 220 && code != 554 => {
                self.event(dir, "no_server_welcome_message");
            }
            Some(Command::StartTls) if code != 220 => self.event(dir, "tls_rejected"),
            Some(Command::Data) if code != 354 => self.event(dir, "data_command_rejected"),
            // A greeting that is accepted ends what was begun (RFC 5321 §4.1.4).
            Some(Command::Ehlo | Command::Helo)
                if code == 250 && self.current.as_ref().is_some_and(|x| x.mail_from.is_some() && x.mail.is_none()) =>
            {
                self.over(cx);
            }
            None if replies > 1 => self.event(dir, "unable_to_match_reply_with_request"),
            _ => {}
        }
    }

    /// The number of the exchange at hand, or else of the last one.
    pub(super) fn last(&self) -> Option<u64> {
        self.counter.count().checked_sub(1)
    }

    /// Alerts about frames show the exchange at hand.
    pub(super) fn show_for_frames(&self, cx: &mut Cx<'_>) {
        if let Some(current) = &self.current {
            cx.frame_exchange(&View { helo: self.helo.as_deref(), exchange: current }, &current.mark);
        }
    }

    /// A mail's content begins.
    pub(super) fn mail_begins(&mut self, sender: Dir, cx: &mut Cx<'_>) {
        if !cx.is_watched() {
            return;
        }
        self.sender = Some(sender);
        self.current().mail = Some(Box::default());
        self.look(stage::ENVELOPE, cx);
    }

    /// Where the mail's content goes, if anybody watches.
    pub(super) fn mail(&mut self) -> Option<&mut Mail> {
        self.current.as_mut()?.mail.as_deref_mut()
    }

    /// More of the mail has passed; its own header is over or not.
    pub(super) fn mail_goes_on(&mut self, has_header: bool, cx: &mut Cx<'_>) {
        let Some(mail) = self.mail().filter(|_| has_header) else { return };
        let first = !std::mem::replace(&mut mail.header_shown, true);
        self.take_files();
        if first {
            self.look(stage::HEADER, cx);
        }
        self.look(stage::BODY, cx);
    }

    fn take_files(&mut self) {
        let sender = self.sender.unwrap_or(Dir::Orig);
        if let Some(current) = &mut self.current
            && let Some(mail) = &mut current.mail
        {
            for id in mail.files.drain(..) {
                current.mark.file(id.0, sender);
            }
        }
    }

    /// The mail's content is over.
    pub(super) fn mail_ends(&mut self, complete: bool, cx: &mut Cx<'_>) {
        let Some(mail) = self.mail() else { return };
        mail.complete = complete;
        mail.urls.finish();
        self.take_files();
        self.over(cx);
    }

    /// The flow is over.
    pub(super) fn end(&mut self, cx: &mut Cx<'_>) {
        self.over(cx);
    }

    fn look(&mut self, stage: u8, cx: &mut Cx<'_>) {
        let (Some(sender), Some(current)) = (self.sender, &mut self.current) else { return };
        let mut mark = std::mem::take(&mut current.mark);
        cx.look(sender, stage, &View { helo: self.helo.as_deref(), exchange: current }, &mut mark);
        current.mark = mark;
    }

    fn over(&mut self, cx: &mut Cx<'_>) {
        let Some(mut current) = self.current.take() else { return };
        let mut mark = std::mem::take(&mut current.mark);
        let view = View { helo: self.helo.as_deref(), exchange: &current };
        let sender = self.sender.unwrap_or(Dir::Orig);
        cx.look(sender.flip(), stage::ENVELOPE, &view, &mut mark);
        cx.over(sender, &view, &mut mark);
    }
}

/// What a mail's header and parts tell the row, and those who watch.
pub(super) struct Heard<'a> {
    pub(super) row: &'a mut SmtpRecord,
    pub(super) mail: Option<&'a mut Mail>,
}

impl Observer for Heard<'_> {
    fn header(&mut self, level: usize, name: &[u8], value: &[u8], cx: &mut Cx<'_>) {
        if level == 0
            && let Some(mail) = &mut self.mail
        {
            mail.field(name, value);
        }
        self.row.header(level, name, value, cx);
    }

    fn opened(&mut self, info: FileInfo, filename: Option<&Text>) {
        self.row.opened(info, filename);
    }

    fn closed(&mut self, info: FileInfo) {
        self.row.closed(info);
    }

    fn file(&mut self, id: FileId, facts: &Facts) {
        let Some(mail) = &mut self.mail else { return };
        // As in Suricata only what has a name is a file.
        if let Some(name) = &facts.filename {
            if mail.attachments.len() < MAX_KEPT {
                mail.attachments.push(kept(&name.0));
            }
            if mail.files.len() < MAX_KEPT {
                mail.files.push(id);
            }
        }
    }

    fn wants_text(&self) -> bool {
        self.mail.is_some()
    }

    fn text(&mut self, bytes: &[u8]) {
        if let Some(mail) = &mut self.mail {
            mail.urls.text(bytes);
        }
    }
}

fn kept(value: &[u8]) -> Vec<u8> {
    value.get(..MAX_KEPT_LEN).unwrap_or(value).to_vec()
}

impl Mail {
    fn field(&mut self, name: &[u8], value: &[u8]) {
        let is = |text: &str| name.eq_ignore_ascii_case(text.as_bytes());
        let place = match name.len() {
            2 if is("to") => &mut self.to,
            2 if is("cc") => &mut self.cc,
            4 if is("from") => &mut self.from,
            4 if is("date") => &mut self.date,
            7 if is("subject") => &mut self.subject,
            8 if is("x-mailer") => &mut self.x_mailer,
            10 if is("message-id") => &mut self.message_id,
            8 if is("received") => {
                if self.received.len() < MAX_KEPT {
                    self.received.push(kept(value));
                }
                return;
            }
            _ => return,
        };
        if place.is_none() {
            *place = Some(kept(value));
        }
    }
}

struct View<'a> {
    helo: Option<&'a [u8]>,
    exchange: &'a Exchange,
}

/// The parts of a list of addresses.
fn addresses(out: &mut Json<'_>, name: &str, value: Option<&[u8]>) {
    if let Some(value) = value {
        out.list(name, |out| {
            value.split(|b| *b == b',').map(<[u8]>::trim_ascii).for_each(|address| out.item_bytes(address));
        });
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "smtp"
    }

    fn eve(&self, out: &mut Json<'_>) {
        let x = self.exchange;
        out.object("smtp", |out| {
            if let Some(helo) = self.helo {
                out.bytes("helo", helo);
            }
            if let Some(from) = &x.mail_from {
                out.bytes("mail_from", from);
            }
            if !x.rcpt_to.is_empty() {
                out.list("rcpt_to", |out| x.rcpt_to.iter().for_each(|to| out.item_bytes(to)));
            }
        });
        if let Some(mail) = &x.mail {
            out.object("email", |out| mail.eve(out));
        }
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let x = self.exchange;
        let mail = x.mail.as_deref();
        let text = |field: &'_ Option<Vec<u8>>| field.clone().map(Value::owned);
        match fact {
            Fact::SmtpRcptTo => x.rcpt_to.get(nth).map(|to| to.as_slice().into()),
            Fact::EmailReceived => mail?.received.get(nth).map(|field| field.as_slice().into()),
            Fact::EmailUrl => mail?.urls.found(1).nth(nth).map(|url| url.without_scheme().into()),
            _ if nth > 0 => None,
            Fact::SmtpHelo => self.helo.map(Value::from),
            Fact::SmtpMailFrom => x.mail_from.as_deref().map(Value::from),
            Fact::EmailFrom => text(&mail?.from),
            Fact::EmailTo => text(&mail?.to),
            Fact::EmailCc => text(&mail?.cc),
            Fact::EmailSubject => text(&mail?.subject),
            Fact::EmailDate => text(&mail?.date),
            Fact::EmailMessageId => text(&mail?.message_id),
            Fact::EmailXMailer => text(&mail?.x_mailer),
            _ => None,
        }
    }
}

impl Mail {
    fn eve(&self, out: &mut Json<'_>) {
        let status = match (self.complete, self.header_shown) {
            (true, _) => "PARSE_DONE",
            (_, true) => "BODY_STARTED",
            _ => "HEADER_STARTED",
        };
        out.text("status", status);
        if let Some(from) = &self.from {
            out.bytes("from", from.trim_ascii());
        }
        addresses(out, "to", self.to.as_deref());
        addresses(out, "cc", self.cc.as_deref());
        if !self.attachments.is_empty() {
            out.list("attachment", |out| self.attachments.iter().for_each(|name| out.item_bytes(name)));
        }
        let (schemes, with_scheme) = (out.options().url_schemes, out.options().url_with_scheme);
        if self.urls.found(schemes).next().is_some() {
            out.list("url", |out| {
                for url in self.urls.found(schemes) {
                    out.item_bytes(if with_scheme { &url.text } else { url.without_scheme() });
                }
            });
        }
        if out.options().smtp_extended {
            let fields = [("subject", &self.subject), ("message_id", &self.message_id), ("x_mailer", &self.x_mailer)];
            for (name, field) in fields {
                if let Some(value) = field {
                    out.bytes(name, value);
                }
            }
        }
    }
}
