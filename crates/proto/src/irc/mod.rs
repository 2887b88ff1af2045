//! IRC (RFC 1459, RFC 2812) with STARTTLS, and files that clients send each other directly (DCC SEND).
//!
//! Rows as in Zeek's `irc.log`: the client's NICK, USER and JOIN, and one per file that was sent. Passwords (PASS,
//! OPER) are not logged. Limits: [`MAX_LINE_LEN`], [`MAX_TEXT_LEN`], [`MAX_COMMAND_LEN`], [`MAX_BAD_COMMANDS`],
//! [`MAX_OFFERS`]. Known gaps: compressed links between servers; offers where the receiver listens (port 0).

mod message;
mod probe;
mod record;
#[cfg(test)]
mod tests;

pub use record::IrcRecord;

use crate::told::Login;
use crate::{Cx, Descriptor, EXPECTATION_LIFETIME, Expectation, Lines, ProtoId, Protocol, Start, Transfer};
use message::{Bad, Command, Dcc, Message, Offer, dcc, skip_blanks, without_colon, without_tags, words};
use sekisho_record::Text;
use sekisho_types::{Dir, Heap, Timestamp, block_len, list_len};
use std::sync::{Arc, Mutex, PoisonError};

/// Longest line looked at, tags included, in bytes; the rest of a longer one is dropped.
const MAX_LINE_LEN: usize = 8703;
/// Longest line without tags (RFC 2812 §2.3); longer ones are passed over, as in Zeek.
const MAX_TEXT_LEN: usize = 512;
/// Longest command word.
const MAX_COMMAND_LEN: usize = 20;
/// Longer words that are passed over before the flow is given up.
const MAX_BAD_COMMANDS: u8 = 20;
/// Offered files that are waited for; beyond, the oldest is forgotten.
const MAX_OFFERS: usize = 16;
/// Channels logged of one JOIN.
const MAX_CHANNELS: usize = 64;

/// Name in conn's `service`.
const SERVICE: &str = "irc";

/// State of one flow.
pub struct Parser {
    lines: [Lines; 2],
    session: Session,
}

/// A file on offer.
struct Pending {
    name: Text,
    size: u64,
    transfer: Arc<Mutex<Transfer>>,
}

/// What rows are made from. `value` and `addl` stay from one command to the next, as in Zeek.
struct Session {
    ts: Timestamp,
    nick: Option<Text>,
    user: Option<Text>,
    value: Option<Text>,
    addl: Option<Text>,
    real_name: Option<Text>,
    offers: Vec<Pending>,
    bad_commands: u8,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor {
        service: SERVICE,
        tcp_ports: &[6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 7000],
        udp_ports: &[],
        probe: probe::probe,
    };

    fn start(_start: &Start<'_>) -> Self {
        Self {
            lines: [Lines::new(MAX_LINE_LEN), Lines::new(MAX_LINE_LEN)],
            session: Session {
                ts: Timestamp(0),
                nick: None,
                user: None,
                value: None,
                addl: None,
                real_name: None,
                offers: Vec::new(),
                bad_commands: 0,
            },
        }
    }

    fn data(&mut self, dir: Dir, mut bytes: &[u8], cx: &mut Cx<'_>) {
        let Self { lines: [orig, resp], session } = self;
        let lines = if dir.is_orig() { orig } else { resp };
        while let Some(line) = lines.next(&mut bytes) {
            let text = without_tags(skip_blanks(line.text));
            if line.cut || text.len() > MAX_TEXT_LEN {
                cx.weird("irc_line_size_exceeded");
                continue;
            }
            match session.line(dir, text, cx) {
                Next::Line => {}
                Next::Tls => {
                    cx.hand_over(None, bytes.len());
                    return;
                }
                Next::Lost(why) => {
                    cx.reject(why);
                    return;
                }
            }
        }
        lines.rest();
    }

    fn gap(&mut self, dir: Dir, _len: u64, _cx: &mut Cx<'_>) {
        let [orig, resp] = &mut self.lines;
        (if dir.is_orig() { orig } else { resp }).clear();
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.session.log_transfers(true, cx);
    }

    fn held_len(&self) -> usize {
        self.lines.as_slice().heap_len() + self.session.heap_len()
    }
}

/// What follows a line.
enum Next {
    Line,
    Tls,
    Lost(&'static str),
}

impl Heap for Pending {
    fn heap_len(&self) -> usize {
        self.name.heap_len().saturating_mul(2) + block_len(size_of::<Mutex<Transfer>>() + 2 * size_of::<usize>())
    }
}

impl Heap for Session {
    fn heap_len(&self) -> usize {
        let texts = [&self.nick, &self.user, &self.value, &self.addl, &self.real_name];
        let texts: usize = texts.iter().map(|t| t.heap_len()).sum();
        texts + list_len(&self.offers) + self.offers.as_slice().heap_len()
    }
}

impl Session {
    fn line(&mut self, dir: Dir, text: &[u8], cx: &mut Cx<'_>) -> Next {
        self.log_transfers(false, cx);
        let message = match Message::parse(text) {
            Ok(message) => message,
            Err(bad) => return self.bad(bad, dir, cx),
        };
        if dir.is_orig() {
            cx.confirm(SERVICE);
        } else {
            cx.recognize(SERVICE);
        }
        match message.command {
            // RPL_STARTTLS.
            Command::Reply(670) => Next::Tls,
            Command::Reply(_) => Next::Line,
            Command::Word(word) if word.len() > MAX_COMMAND_LEN => {
                cx.weird("irc_invalid_command");
                self.bad_commands += 1;
                if self.bad_commands > MAX_BAD_COMMANDS { Next::Lost("irc_too_many_invalid") } else { Next::Line }
            }
            Command::Word(word) => {
                self.command(dir, &word, message.params, cx);
                Next::Line
            }
        }
    }

    fn bad(&mut self, bad: Bad, dir: Dir, cx: &mut Cx<'_>) -> Next {
        match bad {
            Bad::Short => cx.weird("irc_line_too_short"),
            Bad::PrefixOnly => cx.weird("irc_invalid_line"),
            Bad::NoCommand => return Next::Lost("irc_invalid_line"),
            Bad::ReplyNumber => return Next::Lost("irc_invalid_reply_number"),
        }
        let _ = dir;
        Next::Line
    }

    fn command(&mut self, dir: Dir, word: &[u8], params: &[u8], cx: &mut Cx<'_>) {
        match word {
            b"NICK" => self.ts = cx.ts,
            b"USER" => self.ts = cx.ts,
            b"JOIN" if words(without_colon(params), b' ').next().is_some() => self.ts = cx.ts,
            b"JOIN" => cx.weird("irc_invalid_join_line"),
            b"PRIVMSG" => match dcc(params) {
                None => cx.weird("irc_invalid_privmsg_message_format"),
                Some(Dcc::None) => said(params, cx),
                Some(Dcc::Bad) => cx.weird("irc_invalid_dcc_message_format"),
                Some(Dcc::Offer(offer)) => self.offer(dir, &offer, cx),
            },
            _ => {}
        }
        if dir.is_orig() {
            match word {
                b"NICK" => self.nick(without_colon(params), cx),
                b"USER" => self.user(params, cx),
                b"JOIN" => self.join(without_colon(params), cx),
                b"PASS" => login(b"PASS", b"", Some(without_colon(params)), cx),
                b"OPER" => {
                    let mut parts = words(params, b' ');
                    login(b"OPER", parts.next().unwrap_or(&[]), parts.next(), cx);
                }
                _ => {}
            }
        }
    }

    fn nick(&mut self, nick: &[u8], cx: &mut Cx<'_>) {
        self.value = Some(nick.into());
        self.log(b"NICK", cx);
        self.nick = Some(nick.into());
    }

    fn user(&mut self, params: &[u8], cx: &mut Cx<'_>) {
        let mut parts = words(params, b' ');
        let user = parts.next().unwrap_or(&[]);
        let host = parts.next().unwrap_or(&[]);
        let server = parts.next().unwrap_or(&[]);
        // Zeek puts no blank behind the first word of the name, but one behind every other.
        let mut name = parts.next().unwrap_or(&[]).to_vec();
        for part in parts {
            name.extend_from_slice(part);
            name.push(b' ');
        }
        self.addl = Some([host, b" ", server, b" ", without_colon(&name)].concat().into());
        self.value = Some(user.into());
        let given = params.iter().scan(0, |blanks, b| {
            *blanks += u8::from(*b == b' ' && *blanks < 3);
            Some(*blanks)
        });
        let at = given.take_while(|blanks| *blanks < 3).count();
        self.real_name = params.get(at + 1..).map(|n| without_colon(skip_blanks(n)).into());
        self.log(b"USER", cx);
        self.real_name = None;
        self.user = Some(user.into());
    }

    fn join(&mut self, params: &[u8], cx: &mut Cx<'_>) {
        let mut parts = words(params, b' ');
        let channels = parts.next().unwrap_or(&[]);
        let mut keys = words(parts.next().unwrap_or(&[]), b',');
        let mut channels = words(channels, b',');
        for channel in channels.by_ref().take(MAX_CHANNELS) {
            self.value = Some(channel.into());
            self.addl = Some(
                keys.next()
                    .map_or_else(Text::default, |key| [b" with channel key: '".as_slice(), key, b"'"].concat().into()),
            );
            self.log(b"JOIN", cx);
        }
        if channels.next().is_some() {
            cx.weird("irc_too_many_channels");
        }
    }

    fn offer(&mut self, dir: Dir, offer: &Offer<'_>, cx: &mut Cx<'_>) {
        self.ts = cx.ts;
        if offer.kind != b"SEND" || offer.port == 0 {
            return;
        }
        if self.offers.len() >= MAX_OFFERS {
            cx.weird("irc_too_many_dcc_offers");
            self.offers.remove(0);
        }
        let name: Text = offer.name.into();
        let transfer = Arc::new(Mutex::new(Transfer {
            filename: Some(name.clone()),
            announced_len: Some(offer.size).filter(|len| *len > 0),
            is_file: Some(true),
            control_uid: cx.flow.uid,
            ..Transfer::default()
        }));
        self.offers.push(Pending { name, size: offer.size, transfer: Arc::clone(&transfer) });
        // Who takes it: this client, if the offer came to it.
        let peer = (!dir.is_orig()).then_some(cx.flow.tuple.orig);
        cx.expect(Expectation {
            proto: ProtoId::IrcDcc,
            host: offer.host,
            port: Some(offer.port),
            peer,
            expires: cx.ts + EXPECTATION_LIFETIME,
            transfer,
        });
    }

    /// Logs the files that have begun to pass and whose type is known; at the end also the others.
    fn log_transfers(&mut self, at_end: bool, cx: &mut Cx<'_>) {
        let mut i = 0;
        while let Some(pending) = self.offers.get(i) {
            let t = pending.transfer.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let begun = t.data_uid.is_some() && (at_end || t.done || t.mime_type.is_some());
            if !begun {
                i += 1;
                continue;
            }
            let pending = self.offers.remove(i);
            let row = IrcRecord {
                dcc_file_name: Some(pending.name),
                dcc_file_size: Some(pending.size),
                dcc_mime_type: t.mime_type,
                fuid: t.fuid,
                data_uid: t.data_uid,
                ..self.row(b"DCC", cx)
            };
            cx.emit(row);
        }
    }

    fn log(&mut self, command: &[u8], cx: &mut Cx<'_>) {
        let row = self.row(command, cx);
        cx.emit(row);
    }

    fn row(&self, command: &[u8], cx: &Cx<'_>) -> IrcRecord {
        IrcRecord {
            head: cx.head(self.ts),
            nick: self.nick.clone(),
            user: self.user.clone(),
            command: Some(command.into()),
            value: self.value.clone(),
            addl: self.addl.clone(),
            dcc_file_name: None,
            dcc_file_size: None,
            dcc_mime_type: None,
            real_name: self.real_name.clone(),
            fuid: None,
            data_uid: None,
            tail: cx.tail(),
        }
    }
}

/// What somebody said, in a channel or to somebody: `bob :the password is x`, `NickServ :IDENTIFY x`.
fn said(params: &[u8], cx: &mut Cx<'_>) {
    if !cx.is_listening() {
        return;
    }
    cx.heard_text(params);
    let mut parts = words(params, b' ').skip(1);
    if parts.next().is_some_and(|word| without_colon(word).eq_ignore_ascii_case(b"identify")) {
        login(b"IDENTIFY", b"", parts.last(), cx);
    }
}

fn login(method: &[u8], user: &[u8], password: Option<&[u8]>, cx: &mut Cx<'_>) {
    if password.is_some() {
        cx.login(&Login { protocol: "irc", method, user, password, success: None });
    }
}
