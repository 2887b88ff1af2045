//! What a connection has come to: who is logged in, the command in waiting, and what may be answered to it.

use super::command;
use super::message::{self, capability};
use super::record::MysqlRecord;
use super::{MAX_ARG_LEN, MAX_NAME_LEN, MAX_RESPONSE_LEN, MAX_STATEMENT_LEN, MAX_STATEMENTS};
use crate::Cx;
use crate::frames::cut;
use sekisho_record::Text;
use sekisho_types::{Heap, Timestamp, list_len};

/// What the server's next message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// Nothing that is understood.
    Nothing,
    /// OK, end or error.
    Status,
    /// The number of columns of a result, or OK, error, the request of a file.
    ColumnCount,
    /// So many definitions of columns.
    Columns(u64),
    /// Definitions of columns and the end.
    ColumnsOrEnd,
    /// The mark between columns and rows.
    EndOfColumns,
    /// Rows and the end.
    Rows,
    /// An answer without status.
    Text,
    /// The id of a prepared statement, or an error.
    Prepared,
}

/// A command that waits for its answer.
pub(super) struct Pending {
    pub ts: Timestamp,
    pub cmd: Text,
    pub arg: Text,
    pub statement: Option<Text>,
    pub result_rows: u64,
}

/// What is known of one connection.
pub(super) struct Session {
    pub pending: Option<Pending>,
    pub expect: Expect,
    /// Of the client; those of the server are in `server`.
    pub capabilities: u32,
    pub server: Option<u32>,
    pub user: Option<Text>,
    pub database: Option<Text>,
    pub version: Option<Text>,
    pub client: Option<Text>,
    /// Prepared statements by their number.
    statements: Vec<(u32, Text)>,
    /// The client sends a file, up to an empty message.
    pub uploading: bool,
}

impl Heap for Session {
    fn heap_len(&self) -> usize {
        let pending = self.pending.as_ref();
        let waiting = pending.map_or(0, |p| p.cmd.heap_len() + p.arg.heap_len() + p.statement.heap_len());
        let names = self.user.heap_len() + self.database.heap_len() + self.version.heap_len() + self.client.heap_len();
        let texts: usize = self.statements.iter().map(|s| s.1.heap_len()).sum();
        waiting + names + list_len(&self.statements) + texts
    }
}

/// How a command went.
#[derive(Default)]
struct Answer {
    success: Option<bool>,
    rows: Option<u64>,
    response: Option<Text>,
    error_code: Option<u16>,
    result_rows: Option<u64>,
}

impl Session {
    pub const fn new() -> Self {
        Self {
            pending: None,
            expect: Expect::Nothing,
            capabilities: 0,
            server: None,
            user: None,
            database: None,
            version: None,
            client: None,
            statements: Vec::new(),
            uploading: false,
        }
    }

    /// Can both ends, as far as they were heard?
    pub fn agreed(&self, flags: u32) -> bool {
        self.capabilities & self.server.unwrap_or(u32::MAX) & flags != 0
    }

    fn deprecates_eof(&self) -> bool {
        self.agreed(capability::DEPRECATE_EOF)
    }

    /// A login begins.
    pub fn login(&mut self, login: &message::Login<'_>, cx: &mut Cx<'_>) {
        self.flush(cx);
        self.user = Some(cut(login.user, MAX_NAME_LEN));
        self.database = login.database.map(|d| cut(d, MAX_NAME_LEN));
        self.client = login.client.map(|c| cut(c, MAX_NAME_LEN));
        self.wait(cx.ts, b"login".into(), cut(login.user, MAX_ARG_LEN));
    }

    fn wait(&mut self, ts: Timestamp, cmd: Text, arg: Text) {
        self.pending = Some(Pending { ts, cmd, arg, statement: None, result_rows: 0 });
    }

    /// A command begins; `content` is its number and argument.
    pub fn command(&mut self, number: u8, arg: &[u8], cx: &mut Cx<'_>) {
        self.flush(cx);
        let mut shown = arg;
        if number == command::QUERY && self.agreed(capability::QUERY_ATTRIBUTES) {
            match message::after_attributes(arg) {
                Ok(statement) => shown = statement,
                Err(_) => cx.weird("mysql_broken_query_attributes"),
            }
        }
        if number == command::CHANGE_USER {
            let (user, database) = message::change_user(arg);
            self.user = Some(cut(user, MAX_NAME_LEN));
            self.database = database.map(|d| cut(d, MAX_NAME_LEN));
            shown = user;
        }
        if shown.len() > MAX_ARG_LEN {
            cx.weird("mysql_arg_too_long");
        }
        let shown = shown.strip_suffix(b"\0").unwrap_or(shown);
        self.wait(cx.ts, command::name(number), cut(shown, MAX_ARG_LEN));
        self.expect = match number {
            command::QUERY | command::PROCESS_INFO => Expect::ColumnCount,
            command::FIELD_LIST => Expect::ColumnsOrEnd,
            command::STATISTICS => Expect::Text,
            command::STMT_PREPARE => Expect::Prepared,
            command::STMT_EXECUTE => {
                self.recall(arg);
                Expect::ColumnCount
            }
            command::STMT_FETCH => Expect::Rows,
            command::STMT_CLOSE => {
                let id = arg.first_chunk().copied().map(u32::from_le_bytes);
                self.statements.retain(|s| Some(s.0) != id);
                Expect::Nothing
            }
            command::BINLOG_DUMP | command::TABLE_DUMP | command::BINLOG_DUMP_GTID => Expect::Nothing,
            command::STMT_SEND_LONG_DATA | command::QUIT => Expect::Nothing,
            _ => Expect::Status,
        };
        // No answer comes to these.
        if matches!(number, command::QUIT | command::STMT_CLOSE | command::STMT_SEND_LONG_DATA) {
            self.flush(cx);
        }
    }

    /// Notes which statement is executed.
    fn recall(&mut self, arg: &[u8]) {
        let id = arg.first_chunk().copied().map(u32::from_le_bytes);
        let known = self.statements.iter().find(|s| Some(s.0) == id).map(|s| s.1.clone());
        if let Some(pending) = &mut self.pending {
            pending.statement = known;
        }
    }

    /// A message of the server that answers a command.
    pub fn answer(&mut self, payload: &[u8], whole_len: u64, cx: &mut Cx<'_>) {
        let Some(marker) = payload.first().copied() else { return };
        if marker == 0xff && !matches!(self.expect, Expect::Nothing | Expect::Text) {
            return self.failed(payload, cx);
        }
        match self.expect {
            Expect::Nothing => {}
            Expect::Status => match marker {
                0 => self.done(message::changed_rows(payload), cx),
                0xfe => self.done(0, cx),
                _ => {}
            },
            Expect::ColumnCount => match marker {
                0 => self.done(message::changed_rows(payload), cx),
                0xfb => {
                    self.uploading = true;
                    self.expect = Expect::Status;
                }
                _ => {
                    let mut r = sekisho_wire::Reader::new(payload);
                    let count = message::integer(&mut r).ok().flatten().unwrap_or(0);
                    self.after_columns(count);
                }
            },
            Expect::Columns(left) => self.after_columns(left.saturating_sub(1)),
            Expect::ColumnsOrEnd if marker == 0xfe => self.end_of_rows(payload, whole_len, cx),
            Expect::ColumnsOrEnd => {}
            Expect::EndOfColumns => self.expect = Expect::Rows,
            Expect::Rows if marker == 0xfe && (self.deprecates_eof() || whole_len < 9) => {
                self.end_of_rows(payload, whole_len, cx);
            }
            Expect::Rows => {
                if let Some(pending) = &mut self.pending {
                    pending.result_rows += 1;
                }
            }
            Expect::Text => self.flush(cx),
            Expect::Prepared => self.prepared(payload, cx),
        }
    }

    fn after_columns(&mut self, left: u64) {
        self.expect = match left {
            0 if self.deprecates_eof() => Expect::Rows,
            0 => Expect::EndOfColumns,
            n => Expect::Columns(n),
        };
    }

    /// The end of a result: an OK message, or of older servers one of its own.
    fn end_of_rows(&mut self, payload: &[u8], whole_len: u64, cx: &mut Cx<'_>) {
        let is_ok = self.deprecates_eof() || whole_len >= 9;
        self.done(if is_ok { message::changed_rows(payload) } else { 0 }, cx);
    }

    fn prepared(&mut self, payload: &[u8], cx: &mut Cx<'_>) {
        if let (Some(pending), Some(id)) = (&self.pending, payload.get(1..).and_then(|p| p.first_chunk().copied())) {
            let text = cut(&pending.arg.0, MAX_STATEMENT_LEN);
            if self.statements.len() >= MAX_STATEMENTS {
                self.statements.remove(0);
            }
            self.statements.push((u32::from_le_bytes(id), text));
        }
        self.done(0, cx);
    }

    /// The command succeeded.
    pub fn done(&mut self, rows: u64, cx: &mut Cx<'_>) {
        let result_rows = self.pending.as_ref().map(|p| p.result_rows).filter(|n| *n > 0);
        self.log(Answer { success: Some(true), rows: Some(rows), result_rows, ..Answer::default() }, cx);
        self.expect = Expect::Nothing;
    }

    /// The command failed.
    pub fn failed(&mut self, payload: &[u8], cx: &mut Cx<'_>) {
        self.expect = Expect::Nothing;
        let (code, text) = message::error(payload).unwrap_or_default();
        let response = Some(cut(text, MAX_RESPONSE_LEN));
        self.log(Answer { success: Some(false), response, error_code: Some(code), ..Answer::default() }, cx);
    }

    /// Logs the command in waiting without an answer.
    pub fn flush(&mut self, cx: &mut Cx<'_>) {
        self.log(Answer::default(), cx);
    }

    fn log(&mut self, answer: Answer, cx: &mut Cx<'_>) {
        let Some(pending) = self.pending.take() else { return };
        let row = MysqlRecord {
            head: cx.head(pending.ts),
            cmd: pending.cmd,
            arg: pending.arg,
            success: answer.success,
            rows: answer.rows,
            response: answer.response,
            user: self.user.clone(),
            database: self.database.clone(),
            server_version: self.version.clone(),
            client: self.client.clone(),
            error_code: answer.error_code,
            result_rows: answer.result_rows,
            statement: pending.statement,
            tail: cx.tail(),
        };
        cx.emit(row);
    }
}
