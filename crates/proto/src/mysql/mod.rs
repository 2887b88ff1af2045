//! The MySQL client/server protocol, versions 9 and 10, of MySQL and MariaDB ("Client/Server Protocol" in the MySQL
//! Source Code Documentation), up to the switch to TLS.
//!
//! A row per command with its answer, as Zeek pairs them; answers to prepared statements and to the upload of files are
//! understood as well. Half conversations give the commands, without what was answered. Limits: [`MAX_ARG_LEN`],
//! [`MAX_RESPONSE_LEN`], [`MAX_NAME_LEN`], [`MAX_STATEMENTS`], [`MAX_STATEMENT_LEN`]. Known gaps: what follows a login
//! with compression is not read; of several results of one command the first counts; replication streams are not read.

mod command;
mod message;
mod probe;
mod record;
mod session;
#[cfg(test)]
mod tests;

pub use record::MysqlRecord;

use crate::frames::{self, Frame, Framed, Frames, Head};
use crate::{Cx, Descriptor, Protocol, Start, software};
use message::{Greeting, Login, capability};
use sekisho_types::{Dir, Heap};
use session::Session;

/// Longest argument of a command kept, in bytes.
pub const MAX_ARG_LEN: usize = 4096;
/// Longest error message kept.
pub const MAX_RESPONSE_LEN: usize = 1024;
/// Longest name of a user, a database or a program kept.
pub const MAX_NAME_LEN: usize = 256;
/// Prepared statements that are remembered.
pub const MAX_STATEMENTS: usize = 16;
/// Longest text of a prepared statement remembered.
pub const MAX_STATEMENT_LEN: usize = 1024;

/// Length of a message's head.
const HEAD_LEN: usize = 4;
/// Content of a message that goes on in the next.
const FULL_LEN: u64 = 0xff_ffff;
/// What is wanted of a message: the argument, and some attributes before it.
const KEEP: [usize; 2] = [HEAD_LEN + 4 * MAX_ARG_LEN, HEAD_LEN + 16 + MAX_RESPONSE_LEN];

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Neither greeting nor login was seen.
    Start,
    /// The client shall log in.
    Greeted,
    /// Login under way.
    Login,
    Commands,
}

/// State of one connection.
pub struct Parser {
    frames: [Frames; 2],
    /// The next message goes on with the one before.
    continued: [bool; 2],
    lost: [bool; 2],
    phase: Phase,
    session: Session,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "mysql", tcp_ports: &[3306, 1434], udp_ports: &[], probe: probe::probe };

    fn start(_: &Start<'_>) -> Self {
        Self {
            frames: Default::default(),
            continued: [false; 2],
            lost: [false; 2],
            phase: Phase::Start,
            session: Session::new(),
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if !*dir.of(&self.lost) {
            frames::feed(self, dir, bytes, cx);
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        if frames::gap(self, dir, len) {
            return;
        }
        // Where a result goes on is not to be found again; a command begins a segment.
        *dir.of_mut(&mut self.lost) = !dir.is_orig();
        if !dir.is_orig() {
            self.session.expect = session::Expect::Nothing;
        } else if self.phase != Phase::Commands {
            cx.reject("mysql_gap_in_login");
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.session.flush(cx);
    }

    fn held_len(&self) -> usize {
        self.frames.as_slice().heap_len() + self.session.heap_len()
    }
}

impl Framed for Parser {
    fn frames(&mut self, dir: Dir) -> &mut Frames {
        dir.of_mut(&mut self.frames)
    }

    fn head(&self, dir: Dir, bytes: &[u8]) -> Head {
        let Some([a, b, c, _]) = bytes.first_chunk() else { return Head::More };
        let len = HEAD_LEN as u64 + u64::from(u32::from_le_bytes([*a, *b, *c, 0]));
        Head::Message { len, keep: *dir.of(&KEEP) }
    }

    fn message(&mut self, dir: Dir, frame: Frame<'_>, left: usize, cx: &mut Cx<'_>) -> bool {
        let (Some(seq), Some(payload)) = (frame.bytes.get(3).copied(), frame.bytes.get(HEAD_LEN..)) else {
            return true;
        };
        let len = frame.len - HEAD_LEN as u64;
        let continues = len == FULL_LEN;
        if std::mem::replace(dir.of_mut(&mut self.continued), continues) {
            return true;
        }
        if dir.is_orig() { self.client(seq, payload, left, cx) } else { self.server(seq, payload, len, cx) }
    }

    fn lost(&mut self, _dir: Dir, cx: &mut Cx<'_>) -> bool {
        cx.reject("mysql_broken_message");
        false
    }
}

impl Parser {
    fn client(&mut self, seq: u8, payload: &[u8], left: usize, cx: &mut Cx<'_>) -> bool {
        if std::mem::take(&mut self.session.uploading) {
            self.session.uploading = !payload.is_empty();
            return true;
        }
        match self.phase {
            // Without the server's side the login's first message tells that it is over.
            Phase::Login if seq != 0 => true,
            Phase::Start if seq == 0 => self.command(payload, cx),
            Phase::Start | Phase::Greeted => self.login(payload, left, cx),
            Phase::Login | Phase::Commands => self.command(payload, cx),
        }
    }

    fn login(&mut self, payload: &[u8], left: usize, cx: &mut Cx<'_>) -> bool {
        let Ok(login) = Login::parse(payload) else {
            cx.reject("mysql_broken_login");
            return false;
        };
        if self.phase == Phase::Greeted {
            cx.confirm("mysql");
        } else {
            cx.recognize("mysql");
        }
        self.session.capabilities = login.capabilities;
        if login.tls {
            cx.hand_over(None, left);
            return false;
        }
        self.session.login(&login, cx);
        self.phase = Phase::Login;
        true
    }

    fn command(&mut self, payload: &[u8], cx: &mut Cx<'_>) -> bool {
        let Some((number, arg)) = payload.split_first() else { return true };
        if self.phase == Phase::Start {
            cx.recognize("mysql");
        }
        self.phase = if *number == command::CHANGE_USER { Phase::Login } else { Phase::Commands };
        self.session.command(*number, arg, cx);
        true
    }

    fn server(&mut self, seq: u8, payload: &[u8], len: u64, cx: &mut Cx<'_>) -> bool {
        match self.phase {
            Phase::Start | Phase::Greeted if seq == 0 => self.greeting(payload, cx),
            Phase::Start | Phase::Greeted => true,
            Phase::Login => self.login_answer(payload, cx),
            Phase::Commands => {
                self.session.answer(payload, len, cx);
                true
            }
        }
    }

    fn greeting(&mut self, payload: &[u8], cx: &mut Cx<'_>) -> bool {
        if payload.first() == Some(&0xff) {
            // The server refuses before it greets.
            cx.recognize("mysql");
            let text = message::error(payload).map(|(_, text)| frames::cut(text, MAX_RESPONSE_LEN)).ok();
            cx.weird_with("mysql_connection_refused", text);
            return true;
        }
        let Ok(greeting) = Greeting::parse(payload) else {
            cx.reject("mysql_broken_greeting");
            return false;
        };
        cx.recognize("mysql");
        software::found(Dir::Resp, "MySQL::SERVER", greeting.version, cx);
        self.session.version = Some(greeting.version.into());
        self.session.server = Some(greeting.capabilities);
        self.phase = Phase::Greeted;
        true
    }

    fn login_answer(&mut self, payload: &[u8], cx: &mut Cx<'_>) -> bool {
        match payload.first() {
            Some(0) => {
                self.session.done(message::changed_rows(payload), cx);
                self.phase = Phase::Commands;
                if self.session.agreed(capability::COMPRESS) || self.session.agreed(capability::ZSTD) {
                    // From here on messages are wrapped once more.
                    cx.opaque();
                    return false;
                }
            }
            Some(0xff) => {
                self.session.failed(payload, cx);
                self.phase = Phase::Commands;
            }
            // A switch of the method, or more data for it.
            _ => {}
        }
        true
    }
}
