//! Replies without commands: what must have been asked.
//!
//! Until a command is seen every whole reply comes here. Rows made here carry `one_sided`, name the command that
//! the reply implies, and include login and listings, which a whole conversation does not log.

use super::Parser;
use super::path;
use super::reply::{self, Reply};
use super::session::Channel;
use crate::Cx;
use sekisho_record::EnumName;
use sekisho_types::{Heap, Timestamp};

/// A transfer that a 150 reply opened and no reply has closed.
#[derive(Debug)]
pub struct Open {
    ts: Timestamp,
    command: &'static str,
    name: Option<Vec<u8>>,
}

impl Heap for Open {
    fn heap_len(&self) -> usize {
        self.name.heap_len()
    }
}

impl Parser {
    /// Takes a reply for what it implies.
    pub(super) fn infer(&mut self, reply: &Reply<'_>, cx: &mut Cx<'_>) {
        let text = reply.text;
        match reply.code {
            331 | 332 => self.name_user(text, cx),
            230 | 232 | 430 | 530 => self.infer_login(reply, cx),
            200 => self.infer_active(text, cx),
            213 => {
                // Fourteen digits are a time (MDTM).
                self.session.announced = path::decimal(text.trim_ascii()).filter(|_| text.len() < 14);
            }
            227 => self.infer_passive("PASV", path::passive(text), cx),
            228 => self.infer_passive("LPSV", path::long_host_port(text), cx),
            229 => self.infer_passive("EPSV", path::extended_passive(text), cx),
            250 | 257 => self.infer_directory(text),
            125 | 150 => {
                self.close_inferred(cx);
                self.infer_opening(text, cx);
                return;
            }
            _ => {}
        }
        if matches!(reply.code, 226 | 250 | 425 | 426 | 450..=453 | 550..=553) {
            self.infer_completion(text, cx);
        }
    }

    fn name_user(&mut self, text: &[u8], cx: &mut Cx<'_>) {
        cx.recognize("ftp");
        if let Some(user) = reply::user(text) {
            self.session.user = super::capped(user, "FTP_user_too_long", cx);
        }
    }

    fn infer_login(&mut self, reply: &Reply<'_>, cx: &mut Cx<'_>) {
        let accepted = reply.code < 300;
        if self.session.login_success == Some(true) {
            return;
        }
        self.name_user(reply.text, cx);
        self.session.login_success = Some(accepted);
        self.log_inferred(cx.ts, "PASS", Vec::new(), cx);
    }

    /// `200 PORT command successful`: where the client listens is not said.
    fn infer_active(&mut self, text: &[u8], cx: &mut Cx<'_>) {
        let says = |what: &str| memchr::memmem::find(text, what.as_bytes()).is_some();
        let command = if says("EPRT") {
            "EPRT"
        } else if says("PORT ") {
            "PORT"
        } else {
            return;
        };
        let tuple = cx.flow.tuple;
        self.session.channel = Some(Channel { passive: false, orig_h: tuple.resp, resp_h: tuple.orig, resp_p: None });
        self.session.expect(tuple.orig, None, tuple.resp, cx);
        self.log_inferred(cx.ts, command, Vec::new(), cx);
    }

    fn infer_passive(&mut self, command: &'static str, endpoint: Option<path::Endpoint>, cx: &mut Cx<'_>) {
        if let Some(endpoint) = endpoint {
            cx.recognize("ftp");
            self.passive(endpoint, true, cx);
            self.log_inferred(cx.ts, command, Vec::new(), cx);
        }
    }

    fn infer_directory(&mut self, text: &[u8]) {
        let lower = text.to_ascii_lowercase();
        let says = |what: &str| memchr::memmem::find(&lower, what.as_bytes()).is_some();
        let found = path::in_reply(text);
        if !found.is_empty() && says("current") && !says("created") {
            self.session.cwd = found;
        }
    }

    fn infer_opening(&mut self, text: &[u8], cx: &mut Cx<'_>) {
        let opening = reply::opening(text);
        if !self.session.has_free_transfer() {
            // Active mode with the command unseen: the client listens somewhere.
            let tuple = cx.flow.tuple;
            self.session.expect(tuple.orig, None, tuple.resp, cx);
        }
        let is_file = opening.command.map(|c| c != "LIST");
        let size = opening.size.or(self.session.announced.take());
        self.session.describe(is_file, opening.name.map(path::file_name), size);
        self.session.file_size = size;
        let command = opening.command.unwrap_or("RETR");
        self.inferred = Some(Open { ts: cx.ts, command, name: opening.name.map(<[u8]>::to_vec) });
    }

    /// A closing reply: FileZilla's also names the file.
    fn infer_completion(&mut self, text: &[u8], cx: &mut Cx<'_>) {
        let Some(open) = &mut self.inferred else { return };
        if open.name.is_none()
            && open.command != "LIST"
            && let Some(name) = reply::quoted(text).filter(|n| !n.is_empty())
        {
            open.name = Some(name.to_vec());
            self.session.describe(None, Some(path::file_name(name)), None);
        }
        self.close_inferred(cx);
    }

    fn close_inferred(&mut self, cx: &mut Cx<'_>) {
        if let Some(open) = self.inferred.take() {
            let arg = match &open.name {
                Some(name) => path::url(cx.flow.tuple.resp, &self.session.cwd, name),
                None => Vec::new(),
            };
            self.log_inferred(open.ts, open.command, arg, cx);
        }
    }

    fn log_inferred(&mut self, ts: Timestamp, command: &str, arg: Vec<u8>, cx: &mut Cx<'_>) {
        let mut row = self.session.row(ts, command.as_bytes(), arg, cx);
        // Acknowledgements of the client may have been seen; its commands were not.
        row.tail.one_sided = Some(EnumName("resp"));
        cx.emit(row);
        self.session.clear();
    }

    /// The end of the flow, or of the half conversation.
    pub(super) fn finish_inferred(&mut self, cx: &mut Cx<'_>) {
        self.close_inferred(cx);
    }
}
