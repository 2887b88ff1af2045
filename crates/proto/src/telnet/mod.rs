//! Telnet (RFC 854) and its options: terminal (RFC 1091), window (RFC 1073), environment (RFC 1572), login by dialogue.
//!
//! Zeek has an analyzer, but no log and no service; ours has one row per session. The user is what the client types
//! behind a prompt; passwords are not kept. Once somebody is in, the session is opaque but for frames. Limits: [`MAX_LINE_LEN`],
//! [`MAX_DIALOGUE_LEN`]. Known gaps: prompts in other languages than English; TLS within (option 46).

mod frames;
mod option;
mod record;
#[cfg(test)]
mod tests;

pub use record::TelnetRecord;

use crate::stream::reuse;
use crate::told::Login;
use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use frames::Cutter;
use option::{Byte, Separator, is_negotiation, number, user};
use sekisho_record::{Text, UnsetIfEmpty};
use sekisho_types::{Dir, Heap, block_len};

/// Longest line kept of either side; the rest of a longer one is dropped.
const MAX_LINE_LEN: usize = 256;
/// Text of the responder in which a login is looked for.
const MAX_DIALOGUE_LEN: u32 = 64 * 1024;

/// Name in conn's `service`, where Zeek has none.
const SERVICE: &str = "telnet";

/// What the client's line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Awaited {
    #[default]
    Anything,
    Password,
    User,
}

/// State of one flow.
pub struct Parser {
    separators: [Separator; 2],
    /// The client's line so far, unless it is a password.
    typed: Vec<u8>,
    /// The client's line has begun.
    typing: bool,
    awaited: Awaited,
    /// The responder's line so far.
    shown: Vec<u8>,
    shown_len: u32,
    /// A password was sent and the server has not said what it thinks of it.
    judging: bool,
    row: Option<Box<TelnetRecord>>,
    cutter: Cutter,
    done: bool,
}

fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    let side = |b: &[u8]| match b.first() {
        None => Guess::More,
        Some(&option::IAC) if b.len() < 3 => Guess::More,
        Some(&option::IAC) if is_negotiation(b) && (p.port_match || b.get(3..).is_some_and(is_negotiation)) => {
            Guess::Yes
        }
        Some(b' '..=b'~' | b'\r' | b'\n' | 0x1b) if p.port_match && b.is_ascii() => Guess::More,
        _ => Guess::No,
    };
    match (side(p.orig), side(p.resp)) {
        (Guess::Yes, _) | (_, Guess::Yes) => Guess::Yes,
        (Guess::No, _) | (_, Guess::No) => Guess::No,
        _ if p.port_match && prompt(p.resp) != Awaited::Anything => Guess::Yes,
        _ => Guess::More,
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: SERVICE, tcp_ports: &[23, 2323], udp_ports: &[], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self {
            separators: Default::default(),
            typed: Vec::new(),
            typing: false,
            awaited: Awaited::Anything,
            shown: Vec::new(),
            shown_len: 0,
            judging: false,
            row: None,
            cutter: Cutter::default(),
            done: false,
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        cx.confirm(SERVICE);
        self.row(cx);
        self.cutter.data(dir, bytes, cx);
        if self.is_over() {
            return;
        }
        let mut rest = bytes;
        while let Some((&b, after)) = rest.split_first() {
            let Some(separator) = self.separators.get_mut(dir.index()) else { return };
            let (text, behind) = rest.split_at(separator.text_len(rest));
            rest = if text.is_empty() { after } else { behind };
            if !text.is_empty() {
                self.text(dir, text, cx);
            } else {
                match separator.push(b) {
                    Byte::Command => {}
                    Byte::Text(b) => self.text(dir, &[b], cx),
                    Byte::Sub(option, content) => {
                        if let Some(row) = &mut self.row {
                            self.done |= learn(row, option, content);
                        }
                    }
                }
            }
            if self.is_over() {
                // Frames go on to the end.
                if !cx.wants_frames(frames::KINDS) {
                    cx.opaque();
                }
                return;
            }
        }
    }

    fn gap(&mut self, dir: Dir, _len: u64, _cx: &mut Cx<'_>) {
        self.cutter.gap(dir);
        if let Some(separator) = self.separators.get_mut(dir.index()) {
            separator.lost();
        }
        self.typed.clear();
        self.typing = false;
        self.shown.clear();
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        let [orig, resp] = &self.separators;
        if let Some(row) = self.row.take() {
            cx.emit(TelnetRecord {
                orig_options: UnsetIfEmpty(orig.options()),
                resp_options: UnsetIfEmpty(resp.options()),
                tail: cx.tail(),
                ..*row
            });
        }
    }

    fn held_len(&self) -> usize {
        let row = self.row.as_ref().map_or(0, |r| block_len(size_of::<TelnetRecord>()) + r.heap_len());
        self.separators.as_slice().heap_len()
            + self.cutter.heap_len()
            + self.typed.heap_len()
            + self.shown.heap_len()
            + row
    }
}

/// What an option's subnegotiation tells; true if everything behind it is encrypted.
fn learn(row: &mut TelnetRecord, option: u8, content: &[u8]) -> bool {
    match (option, content) {
        (number::TERMINAL_TYPE, [0, name @ ..]) => row.terminal = Some(name.into()),
        (number::WINDOW_SIZE, [a, b, c, d]) => {
            row.columns = Some(u64::from(u16::from_be_bytes([*a, *b])));
            row.rows = Some(u64::from(u16::from_be_bytes([*c, *d])));
        }
        (number::ENVIRON | number::OLD_ENVIRON, _) => {
            if let Some(user) = user(content) {
                row.user = Some(user.into());
            }
        }
        // NAME of RFC 2941.
        (number::AUTHENTICATION, [3, name @ ..]) => row.user = Some(name.into()),
        // START of RFC 2946.
        (number::ENCRYPT, [3, ..]) => {
            row.encrypted = true;
            return true;
        }
        _ => {}
    }
    false
}

/// What the responder asks for with the line that it left unfinished.
fn prompt(text: &[u8]) -> Awaited {
    let start = memchr::memrchr2(b'\n', b'\r', text).map_or(0, |at| at + 1);
    let line = text.get(start..).unwrap_or(&[]).trim_ascii_end().to_ascii_lowercase();
    let ends = |words: &[&[u8]]| words.iter().any(|w| line.ends_with(w));
    if ends(&[b"password:", b"passwd:", b"passcode:"]) {
        Awaited::Password
    } else if ends(&[b"login:", b"username:", b"user name:", b"user:", b"account:", b"userid:"]) {
        Awaited::User
    } else {
        Awaited::Anything
    }
}

/// Does a line say that a login failed?
fn refuses(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 7] = [b"incorrect", b"fail", b"invalid", b"denied", b"bad pass", b"wrong", b"refused"];
    let line = line.to_ascii_lowercase();
    WORDS.iter().any(|w| memchr::memmem::find(&line, w).is_some())
}

/// Does a line say that a login succeeded?
fn welcomes(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 3] = [b"last login", b"welcome", b"logged in"];
    let line = line.to_ascii_lowercase();
    WORDS.iter().any(|w| memchr::memmem::find(&line, w).is_some())
}

impl Parser {
    /// Is nothing more to be learnt of the session?
    const fn is_over(&self) -> bool {
        self.done || self.shown_len > MAX_DIALOGUE_LEN
    }

    fn row(&mut self, cx: &Cx<'_>) -> &mut TelnetRecord {
        self.row.get_or_insert_with(|| Box::new(TelnetRecord::new(cx.head(cx.ts), cx.tail())))
    }

    /// Characters; those behind a login's success are not looked at.
    fn text(&mut self, dir: Dir, text: &[u8], cx: &mut Cx<'_>) {
        let mut rest = text;
        while !rest.is_empty() && !self.done && self.shown_len <= MAX_DIALOGUE_LEN {
            if dir.is_orig() {
                rest = rest.split_first().map_or(&[], |(b, rest)| {
                    self.typed(*b, cx);
                    rest
                });
            } else {
                rest = self.shown(rest, cx);
            }
        }
    }

    /// A character from the client.
    fn typed(&mut self, b: u8, cx: &mut Cx<'_>) {
        match b {
            0 => {}
            b'\n' if !self.typing => {}
            b'\r' | b'\n' => self.entered(cx),
            _ => {
                if !std::mem::replace(&mut self.typing, true) {
                    self.begin_line(cx);
                }
                match b {
                    0x08 | 0x7f => drop(self.typed.pop()),
                    _ if self.keeps_typed(cx) && self.typed.len() < MAX_LINE_LEN => self.typed.push(b),
                    _ => {}
                }
            }
        }
    }

    /// Is what the client types worth keeping? A password is if somebody listens.
    fn keeps_typed(&self, cx: &Cx<'_>) -> bool {
        self.awaited == Awaited::User || self.awaited == Awaited::Password && cx.is_listening()
    }

    /// The client's line begins: what it is, tells the line that the server has left unfinished.
    fn begin_line(&mut self, cx: &mut Cx<'_>) {
        self.awaited = prompt(&self.shown);
        if self.judging {
            match self.awaited {
                Awaited::Anything if matches!(self.shown.trim_ascii_end().last(), Some(b'$' | b'#' | b'%' | b'>')) => {
                    self.judge(true, cx);
                }
                Awaited::Anything => {}
                Awaited::Password | Awaited::User => self.judge(false, cx),
            }
        }
    }

    fn entered(&mut self, cx: &mut Cx<'_>) {
        if !std::mem::take(&mut self.typing) {
            self.begin_line(cx);
            self.typing = false;
        }
        let line = std::mem::take(&mut self.typed);
        match std::mem::take(&mut self.awaited) {
            Awaited::User => self.row(cx).user = Some(line.into()),
            Awaited::Password => {
                let user = self.row(cx).user.clone().unwrap_or_default();
                let password = Some(line.as_slice());
                cx.login(&Login { protocol: "telnet", method: b"prompt", user: &user.0, password, success: None });
                self.row(cx).login_attempts += 1;
                self.judging = true;
            }
            Awaited::Anything => {}
        }
    }

    /// Characters from the server up to a line's end; gives those behind it.
    fn shown<'a>(&mut self, text: &'a [u8], cx: &mut Cx<'_>) -> &'a [u8] {
        let left = usize::try_from(MAX_DIALOGUE_LEN - self.shown_len).unwrap_or(0) + 1;
        let text = text.get(..left).unwrap_or(text);
        let end = memchr::memchr(b'\n', text);
        let (part, rest) = text.split_at(end.map_or(text.len(), |at| at + 1));
        self.shown_len = self.shown_len.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
        let part = part.strip_suffix(b"\n").unwrap_or(part);
        let room = MAX_LINE_LEN.saturating_sub(self.shown.len());
        self.shown.extend_from_slice(part.get(..room).unwrap_or(part));
        if end.is_some() {
            let mut line = std::mem::take(&mut self.shown);
            self.line(line.trim_ascii(), cx);
            reuse(&mut line);
            self.shown = line;
        }
        rest
    }

    /// A whole line from the server.
    fn line(&mut self, text: &[u8], cx: &mut Cx<'_>) {
        if self.judging && welcomes(text) {
            self.judge(true, cx);
        } else if self.judging && refuses(text) {
            self.judge(false, cx);
        }
        let row = self.row(cx);
        if row.banner.is_none() && !text.is_empty() {
            row.banner = Some(Text::from(text));
        }
    }

    fn judge(&mut self, success: bool, cx: &mut Cx<'_>) {
        self.judging = false;
        cx.login_judged("telnet", success);
        self.row(cx).login_success = Some(success);
        self.done |= success;
    }
}
