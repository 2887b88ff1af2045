//! What a session has come to: its names, the request in waiting and the answers to it.

use super::message;
use super::record::PostgresqlRecord;
use super::{MAX_ARG_LEN, MAX_NAME_LEN};
use crate::Cx;
use crate::frames::{cut, nul_string};
use sekisho_record::Text;
use sekisho_types::{Heap, Timestamp};

/// A request and its answers so far.
pub(super) struct Pending {
    ts: Timestamp,
    frontend: Option<&'static str>,
    frontend_arg: Option<Text>,
    backend: Vec<u8>,
    backend_arg: Vec<u8>,
    success: Option<bool>,
    error_code: Option<Text>,
    tag: Option<Text>,
}

/// What is known of one connection.
#[derive(Default)]
pub(super) struct Session {
    user: Option<Text>,
    database: Option<Text>,
    application_name: Option<Text>,
    version: Option<Text>,
    /// Rows of the query under way.
    rows: Option<u64>,
    pending: Option<Box<Pending>>,
}

impl Heap for Session {
    fn heap_len(&self) -> usize {
        let names = self.user.heap_len()
            + self.database.heap_len()
            + self.application_name.heap_len()
            + self.version.heap_len();
        let pending = self.pending.as_ref().map_or(0, |p| {
            sekisho_types::block_len(size_of::<Pending>())
                + p.frontend_arg.heap_len()
                + p.backend.heap_len()
                + p.backend_arg.heap_len()
                + p.error_code.heap_len()
                + p.tag.heap_len()
        });
        names + pending
    }
}

/// Adds `what` to a list with commas, up to [`MAX_ARG_LEN`].
fn add(list: &mut Vec<u8>, what: &[u8]) {
    if !list.is_empty() {
        list.push(b',');
    }
    list.extend_from_slice(what);
    list.truncate(MAX_ARG_LEN);
}

impl Session {
    /// The row under way; a new one begins with whatever comes first.
    fn row(&mut self, ts: Timestamp) -> &mut Pending {
        self.pending.get_or_insert_with(|| {
            Box::new(Pending {
                ts,
                frontend: None,
                frontend_arg: None,
                backend: Vec::new(),
                backend_arg: Vec::new(),
                success: None,
                error_code: None,
                tag: None,
            })
        })
    }

    /// A request that is answered in the same row as what came before.
    pub fn asks(&mut self, frontend: &'static str, cx: &mut Cx<'_>) {
        self.row(cx.ts).frontend = Some(frontend);
    }

    /// A request with a row of its own.
    pub fn begins(&mut self, frontend: &'static str, arg: Option<&[u8]>, cx: &mut Cx<'_>) {
        self.flush(cx);
        if arg.is_some_and(|a| a.len() > MAX_ARG_LEN) {
            cx.weird("postgresql_arg_too_long");
        }
        let row = self.row(cx.ts);
        row.frontend = Some(frontend);
        row.frontend_arg = arg.map(|a| cut(a, MAX_ARG_LEN));
    }

    /// A query begins.
    pub fn query(&mut self, frontend: &'static str, statement: Option<&[u8]>, cx: &mut Cx<'_>) {
        self.begins(frontend, statement, cx);
        self.rows = Some(0);
    }

    /// Is the row under way one that `frontend` began?
    pub fn waits_for(&self, frontend: &'static str) -> bool {
        self.pending.as_ref().is_some_and(|p| p.frontend == Some(frontend))
    }

    /// The parameters of a startup.
    pub fn startup(&mut self, parameters: &[u8], cx: &mut Cx<'_>) {
        for (name, value) in message::parameters(parameters) {
            let slot = match name {
                b"user" => &mut self.user,
                b"database" => &mut self.database,
                b"application_name" => &mut self.application_name,
                _ => continue,
            };
            *slot = Some(cut(value, MAX_NAME_LEN));
        }
        self.asks("startup", cx);
    }

    /// The one-byte answer to a request for encryption.
    pub fn encryption_answer(&mut self, backend: &'static str, byte: u8, accepted: bool, cx: &mut Cx<'_>) {
        let row = self.row(cx.ts);
        row.backend = backend.into();
        row.backend_arg = vec![byte];
        row.success = Some(accepted);
        self.flush(cx);
    }

    /// A message of the server.
    pub fn answer(&mut self, kind: u8, content: &[u8], cx: &mut Cx<'_>) {
        match kind {
            b'R' => self.authentication(content, cx),
            b'C' => {
                if let Some(row) = &mut self.pending {
                    row.tag = Some(cut(nul_string(content).0, MAX_NAME_LEN));
                }
            }
            b'D' => {
                self.row(cx.ts);
                self.rows = Some(self.rows.unwrap_or(0).saturating_add(1));
            }
            b'E' => self.error(content, cx),
            b'N' => add(&mut self.row(cx.ts).backend_arg, &message::field_list(content)),
            b'S' => {
                let (name, value) = nul_string(content);
                if name == b"server_version" {
                    self.version = Some(cut(nul_string(value).0, MAX_NAME_LEN));
                }
            }
            b'Z' => self.ready(content.first().copied(), cx),
            _ => {}
        }
    }

    fn authentication(&mut self, content: &[u8], cx: &mut Cx<'_>) {
        let Some(method) = content.first_chunk().map(|b| u32::from_be_bytes(*b)) else { return };
        let row = self.row(cx.ts);
        if method == 0 {
            row.backend = b"auth_ok".to_vec();
            row.success = Some(true);
        } else {
            add(&mut row.backend, b"auth_request");
            add(&mut row.backend_arg, message::auth_name(method).as_bytes());
        }
    }

    fn error(&mut self, content: &[u8], cx: &mut Cx<'_>) {
        let code = message::fields(content).find(|f| f.0 == b'C').map(|f| cut(f.1, MAX_NAME_LEN));
        let row = self.row(cx.ts);
        add(&mut row.backend, b"error");
        add(&mut row.backend_arg, &message::field_list(content));
        row.success = Some(false);
        row.error_code = code;
        self.flush(cx);
    }

    fn ready(&mut self, status: Option<u8>, cx: &mut Cx<'_>) {
        let Some(row) = &mut self.pending else { return };
        // If nobody said otherwise, what was asked for was done.
        row.success = row.success.or(Some(matches!(status, Some(b'I' | b'T'))));
        let rows = self.rows.take();
        self.log(rows, cx);
    }

    /// Logs what is under way.
    pub fn flush(&mut self, cx: &mut Cx<'_>) {
        self.log(None, cx);
    }

    fn log(&mut self, rows: Option<u64>, cx: &mut Cx<'_>) {
        let Some(pending) = self.pending.take() else { return };
        let some = |bytes: Vec<u8>| Some(bytes).filter(|b| !b.is_empty()).map(Text);
        let row = PostgresqlRecord {
            head: cx.head(pending.ts),
            user: self.user.clone(),
            database: self.database.clone(),
            application_name: self.application_name.clone(),
            frontend: pending.frontend,
            frontend_arg: pending.frontend_arg,
            backend: some(pending.backend),
            backend_arg: some(pending.backend_arg),
            success: pending.success,
            rows,
            error_code: pending.error_code,
            command_tag: pending.tag,
            server_version: self.version.clone(),
            tail: cx.tail(),
        };
        cx.emit(row);
    }
}
