//! FTP control connections (RFC 959) with AUTH TLS (RFC 4217), EPRT/EPSV (RFC 2428), LPRT/LPSV (RFC 1639),
//! SIZE/MLSD (RFC 3659).
//!
//! A row per logged command with its last reply, as Zeek pairs them. Data connections are announced to the engine
//! together with what command and replies say of the file. Half conversations are understood: replies without
//! commands (`infer`), and commands without replies. Limits: [`MAX_LINE_LEN`], [`MAX_PENDING_COMMANDS`],
//! [`MAX_COMMAND_LEN`], [`MAX_USER_LEN`], [`MAX_TEXT_LEN`], [`MAX_BAD_LINES`]. Known gaps: GSSAPI security
//! (RFC 2228) is not decoded; a restarted transfer (REST) is taken for a file of its own.

mod command;
mod infer;
mod path;
mod probe;
mod record;
mod reply;
mod session;
#[cfg(test)]
mod tests;
mod tx;

pub use record::FtpRecord;

use crate::told::Login;
use crate::{Cx, Descriptor, Lines, Protocol, Start, software};
use command::Moves;
use path::Endpoint;
use reply::{Bad, Replies, Reply};
use sekisho_record::Text;
use sekisho_types::{Dir, Heap};
use session::{Channel, Session};

/// Longest line looked at, in bytes; the rest of a longer one is dropped.
pub const MAX_LINE_LEN: usize = 8192;
/// Commands that may wait for a reply.
pub const MAX_PENDING_COMMANDS: usize = 20;
/// Longest command word.
pub const MAX_COMMAND_LEN: usize = 100;
/// Longest user name and password kept.
pub const MAX_USER_LEN: usize = 128;
/// Longest argument and reply text logged.
pub const MAX_TEXT_LEN: usize = 4096;
/// Reply lines without a code that are passed over before the flow is given up.
pub const MAX_BAD_LINES: u8 = 3;

/// State of one control connection.
pub struct Parser {
    lines: [Lines; 2],
    /// The line under way began in a hole and is to be dropped.
    torn: [bool; 2],
    replies: Replies,
    session: Session,
    /// An AUTH command asked for TLS.
    wants_tls: bool,
    seen_command: bool,
    /// The transfer under way, inferred from replies alone.
    inferred: Option<infer::Open>,
    bad_lines: u8,
    /// What rules and EVE see.
    tx: tx::Exchanges,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "ftp", tcp_ports: &[21, 2811], udp_ports: &[], probe: probe::probe };

    fn start(_: &Start<'_>) -> Self {
        Self {
            lines: [Lines::new(MAX_LINE_LEN), Lines::new(MAX_LINE_LEN)],
            torn: [false; 2],
            replies: Replies::default(),
            session: Session::default(),
            wants_tls: false,
            seen_command: false,
            inferred: None,
            bad_lines: 0,
            tx: tx::Exchanges::default(),
        }
    }

    fn data(&mut self, dir: Dir, mut bytes: &[u8], cx: &mut Cx<'_>) {
        let [orig, resp] = &mut self.lines;
        let lines = if dir.is_orig() { orig } else { resp };
        let mut lines = std::mem::replace(lines, Lines::new(MAX_LINE_LEN));
        while let Some(line) = lines.next(&mut bytes) {
            if self.torn.get_mut(dir.index()).is_some_and(std::mem::take) {
                continue;
            }
            if line.cut {
                cx.weird("FTP_line_too_long");
                cx.partial();
            }
            let plain = without_telnet(line.text);
            let text = plain.as_deref().unwrap_or(line.text);
            let go_on = if dir.is_orig() {
                if cx.is_watched() && !text.is_empty() {
                    self.tx.command(text, line.cut, cx);
                }
                self.command(text, cx);
                true
            } else {
                self.reply((text, line.cut), bytes.len(), cx)
            };
            if !go_on {
                return;
            }
        }
        lines.rest();
        if let Some(slot) = self.lines.get_mut(dir.index()) {
            *slot = lines;
        }
    }

    fn gap(&mut self, dir: Dir, _len: u64, _cx: &mut Cx<'_>) {
        let [orig, resp] = &mut self.lines;
        let lines = if dir.is_orig() { orig } else { resp };
        // Segments mostly are whole lines: a hole that began at a line's start probably ends at one.
        if let Some(torn) = self.torn.get_mut(dir.index()) {
            *torn |= !lines.partial().is_empty();
        }
        lines.clear();
        if !dir.is_orig() {
            self.replies.clear();
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.finish_inferred(cx);
        self.session.finish(cx);
        self.tx.end(cx);
    }

    fn held_len(&self) -> usize {
        self.lines.as_slice().heap_len() + self.session.heap_len() + self.inferred.heap_len() + self.tx.heap_len()
    }
}

impl Parser {
    fn command(&mut self, line: &[u8], cx: &mut Cx<'_>) {
        let (cmd, arg) = command::split(line);
        if line.is_empty() {
            return;
        }
        if !command::plausible(cmd) {
            if self.seen_command {
                cx.weird("FTP_invalid_command");
            }
            return;
        }
        if cmd.len() > MAX_COMMAND_LEN {
            if self.seen_command {
                let detail = format!("{} > {MAX_COMMAND_LEN}", cmd.len());
                cx.weird_with("FTP_max_command_length_exceeded", Some(detail.into()));
            }
            return;
        }
        self.seen_command = true;
        cx.confirm_midstream("ftp");
        let cmd = cmd.to_ascii_uppercase();
        self.session.next_command(&cmd, arg, cx);
        self.act_on(&cmd, arg, cx);
    }

    /// What a command means beyond its row.
    fn act_on(&mut self, cmd: &[u8], arg: &[u8], cx: &mut Cx<'_>) {
        match cmd {
            b"USER" => self.session.user = capped(arg, "FTP_user_too_long", cx),
            b"PASS" => {
                let user = self.session.user.0.clone();
                cx.login(&Login { protocol: "ftp", method: b"PASS", user: &user, password: Some(arg), success: None });
                self.session.password = Some(capped(arg, "FTP_password_too_long", cx));
            }
            b"PORT" => self.active(path::host_port(arg).filter(|_| arg.len() >= 11), true, cx),
            b"EPRT" => self.active(path::extended(arg), true, cx),
            b"LPRT" => self.active(path::long_host_port(arg), false, cx),
            b"CLNT" => software::found(Dir::Orig, "FTP::CLIENT", arg, cx),
            b"AUTH" => self.wants_tls = arg.eq_ignore_ascii_case(b"TLS") || arg.eq_ignore_ascii_case(b"SSL"),
            _ => {}
        }
        if let Some(moves) = command::moves(cmd) {
            if !self.session.seen_reply && !self.session.has_free_transfer() {
                // No reply will tell the port: any flow between the two may be it.
                let (host, peer) = (cx.flow.tuple.resp, cx.flow.tuple.orig);
                self.session.expect(host, None, peer, cx);
            }
            self.session.carries(match cmd {
                b"RETR" => Some("RETR"),
                b"STOR" => Some("STOR"),
                _ => None,
            });
            let name = Some(path::file_name(arg)).filter(|n| moves == Moves::File && !n.is_empty());
            self.session.describe(Some(moves == Moves::File), name, None);
        }
    }

    /// The client listens: PORT and its kin. `logged` fills the row's data channel.
    fn active(&mut self, endpoint: Option<Endpoint>, logged: bool, cx: &mut Cx<'_>) {
        let Some((host, port)) = endpoint else { return };
        let tuple = cx.flow.tuple;
        let host = host.unwrap_or(tuple.orig);
        if logged {
            self.session.channel =
                Some(Channel { passive: false, orig_h: tuple.resp, resp_h: host, resp_p: Some(port) });
        }
        self.session.expect(host, Some(port), tuple.resp, cx);
    }

    /// The server listens: 227 and its kin.
    fn passive(&mut self, endpoint: Endpoint, logged: bool, cx: &mut Cx<'_>) {
        let tuple = cx.flow.tuple;
        let (host, port) = (endpoint.0.unwrap_or(tuple.resp), endpoint.1);
        if logged {
            self.session.channel =
                Some(Channel { passive: true, orig_h: tuple.orig, resp_h: host, resp_p: Some(port) });
        }
        self.session.expect(host, Some(port), tuple.orig, cx);
        if host != tuple.resp {
            // The server sits behind address translation and tells its inner or outer address.
            self.session.expect_also(tuple.resp, port, tuple.orig, cx);
        }
    }

    /// A reply line; false if the rest of the chunk is no longer this parser's.
    fn reply(&mut self, (line, cut): (&[u8], bool), left: usize, cx: &mut Cx<'_>) -> bool {
        if line.is_empty() {
            return true;
        }
        let reply = match self.replies.line(line) {
            Ok(reply) => reply,
            Err(Bad::NotNumeric) if self.bad_lines < MAX_BAD_LINES => {
                self.bad_lines += 1;
                cx.violate();
                return true;
            }
            Err(_) => {
                cx.reject("reply without a code");
                return false;
            }
        };
        if cx.is_watched() {
            self.tx.reply(line, cut, &reply, cx);
        }
        if !self.session.matched(&reply, cx.ts) {
            return true;
        }
        if !reply.more {
            self.understand(&reply, cx);
        }
        if reply.code == 234 && (self.wants_tls || (!self.seen_command && mentions_tls(reply.text))) {
            cx.recognize("ftp");
            cx.hand_over(None, left);
            return false;
        }
        true
    }

    fn understand(&mut self, reply: &Reply<'_>, cx: &mut Cx<'_>) {
        if !self.seen_command {
            self.infer(reply, cx);
            return;
        }
        let command = self.session.current_command().to_owned();
        match (reply.code, command.as_slice()) {
            (230 | 232, _) => {
                self.session.login_success = Some(true);
                cx.login_judged("ftp", true);
            }
            (430 | 530, b"USER" | b"PASS" | b"ACCT") => {
                self.session.login_success = Some(false);
                cx.login_judged("ftp", false);
            }
            (125 | 150, _) => {
                if reply.code == 150 && command == b"RETR" {
                    self.session.file_size = Some(reply::last_number(reply.text));
                }
                let (_, size) = reply::announced_size(reply.text);
                self.session.describe(None, None, size);
            }
            (213, b"SIZE") => {
                let size = reply::last_number(reply.text);
                self.session.file_size = Some(size);
                self.session.announced = Some(size);
            }
            (227, b"PASV" | b"EPSV") => self.listens(path::passive(reply.text), cx),
            (228, b"LPSV") => {
                if let Some(endpoint) = path::long_host_port(reply.text) {
                    self.passive(endpoint, false, cx);
                }
            }
            (229, b"PASV" | b"EPSV") => self.listens(path::extended_passive(reply.text), cx),
            _ => {}
        }
        self.session.change_directory(reply);
        self.session.log_if_queued(cx);
    }

    fn listens(&mut self, endpoint: Option<Endpoint>, cx: &mut Cx<'_>) {
        if let Some(endpoint) = endpoint {
            self.passive(endpoint, true, cx);
        }
    }
}

fn mentions_tls(text: &[u8]) -> bool {
    [b"TLS".as_slice(), b"SSL"].iter().any(|w| memchr::memmem::find(text, w).is_some())
}

/// `arg` cut to [`MAX_USER_LEN`].
fn capped(arg: &[u8], weird: &'static str, cx: &mut Cx<'_>) -> Text {
    if arg.len() > MAX_USER_LEN {
        cx.weird_with(weird, Some(arg.len().to_string().into()));
    }
    arg.get(..MAX_USER_LEN).unwrap_or(arg).into()
}

/// `line` without Telnet commands (RFC 854), if it has any.
fn without_telnet(line: &[u8]) -> Option<Vec<u8>> {
    const IAC: u8 = 255;
    memchr::memchr(IAC, line)?;
    let mut out = Vec::with_capacity(line.len());
    let mut bytes = line.iter().copied();
    while let Some(b) = bytes.next() {
        if b != IAC {
            out.push(b);
            continue;
        }
        match bytes.next() {
            Some(IAC) => out.push(IAC),
            // WILL, WON'T, DO, DON'T name an option.
            Some(251..=254) => {
                bytes.next();
            }
            _ => {}
        }
    }
    Some(out)
}
