//! Mails as rules and EVE see them: one exchange per mail, which begins with the first command and is over with the
//! mail's end, RSET or a new greeting. Kept only while somebody watches.

use super::command::{Command, Reply, bdat};
use super::mail::MAX_ADDRESS_LEN;
use super::queue::{Asked, Awaited, is_usual};
use super::record::SmtpRecord;
use super::urls::Urls;
use crate::mime::{Facts, Observer};
use crate::{Cx, FileId, FileInfo, Line};
use sekisho_record::Text;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value, fields};
use sekisho_types::{Dir, Heap, block_len, list_len};
use std::collections::VecDeque;

/// Commands and replies that are so long or longer Suricata cuts.
const MAX_LINE_LEN: usize = 4094;
/// Mails of one flow whose end was not answered yet; of more the oldest are over all the same.
const MAX_SENT: usize = 16;
/// Oddities of one mail that are kept until it is shown.
const MAX_ODD: usize = 16;
/// Recipients, fields of a kind, attachments kept of one mail.
const MAX_KEPT: usize = 256;
/// Bytes kept of one of them.
const MAX_KEPT_LEN: usize = 8 * 1024;

/// Stages of the client's side.
mod stage {
    pub(super) const ENVELOPE: u8 = 0;
    pub(super) const HEADER: u8 = 1;
    pub(super) const BODY: u8 = 2;
    pub(super) const COMPLETE: u8 = 3;
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
    /// What is odd about it, since it was shown last.
    odd: Vec<&'static str>,
}

/// The exchange at hand.
#[derive(Default)]
struct Exchange {
    mark: Mark,
    mail_from: Option<Vec<u8>>,
    rcpt_to: Vec<Vec<u8>>,
    mail: Option<Box<Mail>>,
    /// DATA was asked for.
    has_data: bool,
    /// The mail's end was seen.
    sent: bool,
}

impl Exchange {
    /// Is there an envelope, and nothing else yet?
    fn is_envelope(&self) -> bool {
        self.mail_from.is_some() && self.mail.is_none() && !self.has_data
    }

    fn heap_len(&self) -> usize {
        let rcpt = list_len(&self.rcpt_to) + self.rcpt_to.as_slice().heap_len();
        let mail = self.mail.as_ref().map_or(0, |m| block_len(size_of::<Mail>()) + m.heap_len());
        block_len(size_of::<Self>()) + self.mark.heap_len() + self.mail_from.heap_len() + rcpt + mail
    }
}

/// A flow's exchanges.
#[derive(Default)]
pub(crate) struct Exchanges {
    counter: Counter,
    helo: Option<Vec<u8>>,
    /// The one that commands belong to.
    current: Option<Box<Exchange>>,
    /// Those before it whose mail's end was not answered yet, oldest first.
    sent: VecDeque<Box<Exchange>>,
    awaited: Awaited,
    sender: Option<Dir>,
    /// The server's first reply was seen.
    greeted: bool,
    /// Anomalies were found that rules have not looked at.
    has_news: bool,
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        let queue = block_len(self.sent.capacity().saturating_mul(size_of::<Box<Exchange>>()));
        let exchanges = self.sent.iter().chain(&self.current).map(|x| x.heap_len()).sum::<usize>();
        exchanges + queue + self.awaited.heap_len() + self.helo.heap_len()
    }
}

impl Heap for Mail {
    fn heap_len(&self) -> usize {
        let single = [&self.from, &self.to, &self.cc, &self.subject, &self.date, &self.message_id, &self.x_mailer];
        let lists = list_len(&self.received)
            + self.received.as_slice().heap_len()
            + list_len(&self.attachments)
            + self.attachments.as_slice().heap_len();
        let odd = block_len(self.odd.capacity().saturating_mul(size_of::<&str>()));
        single.iter().map(|field| field.heap_len()).sum::<usize>() + lists + self.urls.heap_len() + odd
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
    /// The exchange that a command belongs to: a new one, unless there is one whose mail was not sent yet. What is said
    /// after a mail to end things (`closing`) is still about that.
    fn turn_to(&mut self, closing: bool, cx: &mut Cx<'_>) {
        let over = match &self.current {
            Some(current) => current.sent && !closing,
            None => self.counter.count() == 0 || !closing,
        };
        if !over {
            return;
        }
        if let Some(sent) = self.current.take() {
            if self.sent.len() >= MAX_SENT
                && let Some(oldest) = self.sent.pop_front()
            {
                self.show_over(*oldest, cx);
            }
            self.sent.push_back(sent);
        }
        self.current = Some(Box::new(Exchange { mark: self.counter.begin(), ..Exchange::default() }));
    }

    /// An anomaly of the current exchange; those before there is one are nobody's.
    pub(super) fn event(&mut self, dir: Dir, name: &'static str) {
        if let Some(current) = &mut self.current {
            current.mark.event(dir, name);
            self.has_news = true;
        }
    }

    /// The client sent a command, or what is none.
    pub(super) fn command(&mut self, sender: Dir, command: Command, argument: &[u8], line: &Line<'_>, cx: &mut Cx<'_>) {
        self.sender = Some(sender);
        self.turn_to(matches!(command, Command::Quit | Command::Rset), cx);
        // Within TLS nobody greets again.
        if !self.greeted && cx.depth() == 0 {
            self.event(sender, "no_server_welcome_message");
        }
        if line.text.len() >= MAX_LINE_LEN {
            self.event(sender, "truncated_line");
        }
        match command {
            Command::Ehlo | Command::Helo if self.helo.is_some() => self.event(sender, "duplicate_fields"),
            Command::Ehlo | Command::Helo => {
                let name = argument.split(u8::is_ascii_whitespace).next().unwrap_or(&[]);
                self.helo = Some(name.get(..MAX_ADDRESS_LEN).unwrap_or(name).to_vec());
            }
            Command::Mail => self.mail_from(sender, argument),
            Command::Rcpt => self.rcpt_to(argument),
            Command::Bdat if bdat(argument).is_err() => self.event(sender, "invalid_bdat"),
            Command::Data if self.current.as_mut().is_some_and(|x| std::mem::replace(&mut x.has_data, true)) => {
                self.event(sender, "unparsable_content");
            }
            _ => {}
        }
        self.await_reply(Asked::of(command, argument));
        self.tell(sender, cx);
    }

    fn mail_from(&mut self, sender: Dir, argument: &[u8]) {
        match &mut self.current {
            Some(current) if current.mail_from.is_none() => current.mail_from = path(argument).map(<[u8]>::to_vec),
            _ => self.event(sender, "duplicate_fields"),
        }
    }

    fn rcpt_to(&mut self, argument: &[u8]) {
        if let (Some(path), Some(current)) = (path(argument), &mut self.current)
            && current.rcpt_to.len() < MAX_KEPT
        {
            current.rcpt_to.push(path.to_vec());
        }
    }

    fn await_reply(&mut self, asked: Asked) {
        let id = self.current.as_ref().map(|x| x.mark.id);
        if !self.awaited.push(asked, id) {
            self.event(self.sender.unwrap_or(Dir::Orig), "invalid_pipelined_sequence");
        }
    }

    /// A line of a reply that `dir` sent; `None`: it is none.
    pub(super) fn reply(&mut self, dir: Dir, reply: Option<&Reply<'_>>, line_len: usize, cx: &mut Cx<'_>) {
        if line_len >= MAX_LINE_LEN {
            self.event(dir, "truncated_line");
        }
        match reply.filter(|reply| is_usual(reply.code)) {
            None => self.event(dir, "invalid_reply"),
            Some(reply) if !reply.more => self.answer(dir, reply.code, cx),
            Some(_) => {}
        }
        self.tell(dir, cx);
    }

    /// A reply is complete: what it says about the command that it answers.
    fn answer(&mut self, dir: Dir, code: u16, cx: &mut Cx<'_>) {
        let Some((asked, id)) = self.awaited.pop() else {
            if !std::mem::replace(&mut self.greeted, true) && code != 220 {
                self.event(dir, "invalid_reply");
            }
            return;
        };
        match asked {
            Asked::StartTls if code != 220 => self.event(dir, "tls_rejected"),
            Asked::Data if code != 354 => self.event(dir, "data_command_rejected"),
            Asked::StartTls | Asked::EndOfData | Asked::LastChunk => self.over(id, cx),
            Asked::Rset if code == 250 => self.over(id, cx),
            Asked::Quit if code == 221 => self.over(id, cx),
            // A greeting that is accepted ends what was begun (RFC 5321 §4.1.4).
            Asked::Greeting
                if code == 250 && self.current.as_ref().is_some_and(|x| Some(x.mark.id) == id && x.is_envelope()) =>
            {
                self.over(id, cx);
            }
            Asked::Data | Asked::Greeting | Asked::Other | Asked::Quit | Asked::Rset => {}
        }
    }

    /// Bytes were lost: which reply is to which command is unknown. `sent`: what the client sends was lost.
    pub(super) fn lost(&mut self, sent: bool, cx: &mut Cx<'_>) {
        self.awaited.clear();
        self.greeted = true;
        if sent && self.current.as_ref().is_some_and(|x| x.has_data || x.mail.is_some()) {
            let id = self.current.as_ref().map(|x| x.mark.id);
            self.over(id, cx);
        }
    }

    /// Anomalies that were found are shown; what else is known of the exchange is looked at in its time.
    fn tell(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        if std::mem::take(&mut self.has_news) {
            self.look(dir, stage::ENVELOPE, cx);
            if let Some(current) = &mut self.current {
                current.mark.refresh();
            }
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
        self.turn_to(false, cx);
        if let Some(current) = &mut self.current {
            current.mail = Some(Box::default());
        }
        self.look(sender, stage::ENVELOPE, cx);
    }

    /// Where the mail's content goes, if anybody watches.
    pub(super) fn mail(&mut self) -> Option<&mut Mail> {
        self.current.as_mut()?.mail.as_deref_mut()
    }

    /// More of the mail has passed; its own header is over or not.
    pub(super) fn mail_goes_on(&mut self, has_header: bool, cx: &mut Cx<'_>) {
        let sender = self.sender.unwrap_or(Dir::Orig);
        let Some(mail) = self.mail() else { return };
        let odd = std::mem::take(&mut mail.odd);
        let first = has_header && !std::mem::replace(&mut mail.header_shown, true);
        odd.into_iter().for_each(|name| self.event(sender, name));
        self.tell(sender, cx);
        if has_header {
            self.take_files();
            if first {
                self.look(sender, stage::HEADER, cx);
            }
            self.look(sender, stage::BODY, cx);
        }
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

    /// The mail's content is over, its end seen (`complete`) or not. The exchange goes on until that is answered.
    pub(super) fn mail_ends(&mut self, complete: bool, in_chunks: bool, cx: &mut Cx<'_>) {
        let sender = self.sender.unwrap_or(Dir::Orig);
        let Some(mail) = self.mail() else { return };
        mail.complete = complete;
        mail.urls.finish();
        let odd = std::mem::take(&mut mail.odd);
        odd.into_iter().for_each(|name| self.event(sender, name));
        self.take_files();
        if complete {
            if !in_chunks {
                self.await_reply(Asked::EndOfData);
            }
            if let Some(current) = &mut self.current {
                current.sent = true;
            }
        }
        self.tell(sender, cx);
        self.look(sender, stage::COMPLETE, cx);
    }

    /// The flow is over.
    pub(super) fn end(&mut self, cx: &mut Cx<'_>) {
        while let Some(sent) = self.sent.pop_front() {
            self.show_over(*sent, cx);
        }
        if let Some(current) = self.current.take() {
            self.show_over(*current, cx);
        }
    }

    fn look(&mut self, dir: Dir, stage: u8, cx: &mut Cx<'_>) {
        let Some(current) = &mut self.current else { return };
        let mut mark = std::mem::take(&mut current.mark);
        cx.look(dir, stage, &View { helo: self.helo.as_deref(), exchange: current }, &mut mark);
        current.mark = mark;
    }

    /// The exchange of that number is over, if it is still there.
    fn over(&mut self, id: Option<u64>, cx: &mut Cx<'_>) {
        let Some(id) = id else { return };
        if self.current.as_ref().is_some_and(|x| x.mark.id == id) {
            // What was found with its last reply stands in it.
            self.has_news = false;
            if let Some(current) = self.current.take() {
                self.show_over(*current, cx);
            }
        } else if let Some(at) = self.sent.iter().position(|x| x.mark.id == id)
            && let Some(sent) = self.sent.remove(at)
        {
            self.show_over(*sent, cx);
        }
    }

    fn show_over(&mut self, mut exchange: Exchange, cx: &mut Cx<'_>) {
        let mut mark = std::mem::take(&mut exchange.mark);
        let view = View { helo: self.helo.as_deref(), exchange: &exchange };
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

    fn odd(&mut self, name: &'static str) {
        if let Some(mail) = &mut self.mail
            && mail.odd.len() < MAX_ODD
            && !mail.odd.contains(&name)
        {
            mail.odd.push(name);
        }
    }

    fn is_watching(&self) -> bool {
        self.mail.is_some()
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
        let wanted = out.options().email;
        let fields = [
            ("subject", fields::email::SUBJECT, &self.subject),
            ("message_id", fields::email::MESSAGE_ID, &self.message_id),
            ("x_mailer", fields::email::X_MAILER, &self.x_mailer),
            ("date", fields::email::DATE, &self.date),
        ];
        for (name, bit, field) in fields {
            if let (Some(value), true) = (field, wanted.has(bit)) {
                out.bytes(name, value);
            }
        }
        if wanted.has(fields::email::RECEIVED) && !self.received.is_empty() {
            out.list("received", |out| self.received.iter().for_each(|value| out.item_bytes(value)));
        }
    }
}
