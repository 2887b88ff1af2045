//! What a session has come to: its commands in waiting, its columns, its data connection.

use super::command;
use super::path;
use super::record::FtpRecord;
use super::reply::{self, Reply};
use super::{MAX_PENDING_COMMANDS, MAX_TEXT_LEN};
use crate::{Cx, EXPECTATION_LIFETIME, Expectation, ProtoId, Transfer};
use sekisho_record::{Port, Text};
use sekisho_types::{Addr, Heap, Timestamp, block_len, list_len};
use std::sync::{Arc, Mutex, PoisonError};

/// Accounts whose password is no secret.
const GUESTS: [&[u8]; 4] = [b"anonymous", b"ftp", b"ftpuser", b"guest"];

/// A command that waits for its reply, or for the next command.
#[derive(Clone, Debug)]
pub struct Pending {
    seq: u32,
    ts: Timestamp,
    cmd: Vec<u8>,
    arg: Vec<u8>,
    moved: bool,
}

/// The columns of an announced data connection.
#[derive(Clone, Copy, Debug)]
pub struct Channel {
    pub passive: bool,
    pub orig_h: Addr,
    pub resp_h: Addr,
    pub resp_p: Option<u16>,
}

/// State that rows are made from.
pub struct Session {
    pub user: Text,
    pub password: Option<Text>,
    pub cwd: Vec<u8>,
    pub channel: Option<Channel>,
    pub file_size: Option<u64>,
    /// Size that a SIZE reply gave for the transfer to come.
    pub announced: Option<u64>,
    pub login_success: Option<bool>,
    pub seen_reply: bool,
    pending: Vec<Pending>,
    seq: u32,
    /// The command that the last reply was for; it may have been logged already.
    current: Option<Pending>,
    reply_code: Option<u16>,
    reply_msg: Option<Text>,
    transfer: Option<Arc<Mutex<Transfer>>>,
    described: bool,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            user: "<unknown>".into(),
            password: None,
            cwd: b".".to_vec(),
            channel: None,
            file_size: None,
            announced: None,
            login_success: None,
            seen_reply: false,
            pending: Vec::new(),
            seq: 0,
            current: None,
            reply_code: None,
            reply_msg: None,
            transfer: None,
            described: false,
        }
    }
}

impl Heap for Pending {
    fn heap_len(&self) -> usize {
        self.cmd.heap_len() + self.arg.heap_len()
    }
}

impl Heap for Session {
    fn heap_len(&self) -> usize {
        /// The shared part of an announced transfer, its name and its place among the expectations.
        const TRANSFER_LEN: usize = block_len(size_of::<Mutex<Transfer>>() + 2 * size_of::<usize>()) + 64;
        let pending = list_len(&self.pending) + self.pending.as_slice().heap_len() + self.current.heap_len();
        let texts = self.user.heap_len() + self.password.heap_len() + self.reply_msg.heap_len() + self.cwd.heap_len();
        pending + texts + if self.transfer.is_some() { TRANSFER_LEN } else { 0 }
    }
}

impl Session {
    /// The server's greeting answers a command nobody sent.
    fn begin(&mut self, ts: Timestamp) {
        if self.seq == 0 {
            self.push(b"<init>", b"", ts);
        }
    }

    fn push(&mut self, cmd: &[u8], arg: &[u8], ts: Timestamp) {
        self.seq += 1;
        self.pending.push(Pending { seq: self.seq, ts, cmd: cmd.to_vec(), arg: arg.to_vec(), moved: false });
    }

    /// A new command: the one before it is complete now and is logged.
    pub fn next_command(&mut self, cmd: &[u8], arg: &[u8], cx: &mut Cx<'_>) {
        if self.reply_code.is_some()
            && let Some(done) = self.take_current()
        {
            self.log(&done, cx);
        }
        self.begin(cx.ts);
        if self.pending.len() >= MAX_PENDING_COMMANDS {
            if self.seen_reply {
                let detail = self.pending.len().to_string();
                cx.weird_with("FTP_too_many_pending_commands", Some(detail.into()));
                return;
            }
            // Only this side was captured: what waits longest is done.
            let oldest = self.pending.remove(0);
            self.log(&oldest, cx);
        }
        self.push(cmd, arg, cx.ts);
    }

    /// Takes the current command out of those in waiting; `None` if it has gone before.
    fn take_current(&mut self) -> Option<Pending> {
        let seq = self.current.as_ref()?.seq;
        let at = self.pending.iter().position(|p| p.seq == seq)?;
        Some(self.pending.remove(at))
    }

    /// Finds the command that a reply is for; false if the line says nothing.
    pub fn matched(&mut self, reply: &Reply<'_>, ts: Timestamp) -> bool {
        self.begin(ts);
        self.seen_reply = true;
        if reply.more && reply.code == 0 && self.reply_code.is_some() && !reply::looks_whole(reply.text) {
            return false;
        }
        let score = |p: &Pending| command::fit(&p.cmd, &p.arg, reply.code, reply.text);
        let best = match self.pending.as_slice() {
            [only] => Some(only),
            // Of equals the oldest.
            many => many.iter().rev().max_by_key(|p| score(p)),
        };
        // Of the lines of one reply only the first has to copy it.
        match (&mut self.current, best) {
            (Some(current), Some(best)) if current.seq == best.seq => current.moved = best.moved,
            _ => self.current = best.cloned(),
        }
        self.reply_code = Some(reply.code);
        self.reply_msg = Some(reply.text.into());
        true
    }

    /// The word of the command that the last reply was for.
    pub fn current_command(&self) -> &[u8] {
        self.current.as_ref().map_or(&[], |c| &c.cmd)
    }

    /// Follows the working directory.
    pub fn change_directory(&mut self, reply: &Reply<'_>) {
        let Some(current) = &self.current else { return };
        if current.moved {
            return;
        }
        self.cwd = match (current.cmd.as_slice(), reply.code) {
            (b"CWD", 250) => path::resolve(&self.cwd, &current.arg),
            (b"CDUP", 200 | 250) => path::resolve(&self.cwd, b".."),
            (b"PWD" | b"XPWD", 257) => path::in_reply(reply.text),
            _ => return,
        };
        let seq = current.seq;
        if let Some(pending) = self.pending.iter_mut().find(|p| p.seq == seq) {
            pending.moved = true;
        }
    }

    /// With several commands in waiting the answered one is logged at once.
    pub fn log_if_queued(&mut self, cx: &mut Cx<'_>) {
        if self.pending.len() > 1
            && let Some(current) = self.current.clone()
        {
            self.take_current();
            self.log(&current, cx);
        }
    }

    /// The end: logs what waits.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        for pending in std::mem::take(&mut self.pending) {
            self.log(&pending, cx);
        }
    }

    fn log(&mut self, done: &Pending, cx: &mut Cx<'_>) {
        if command::is_logged(&done.cmd) {
            let arg = if command::takes_path(&done.cmd) {
                path::url(cx.flow.tuple.resp, &self.cwd, &done.arg)
            } else {
                done.arg.clone()
            };
            let row = self.row(done.ts, &done.cmd, arg, cx);
            cx.emit(row);
        }
        self.clear();
    }

    /// What belongs to one command only goes with it.
    pub fn clear(&mut self) {
        self.file_size = None;
        self.channel = None;
        if self.with_transfer(|t| t.fuid.is_some()) == Some(true) {
            self.transfer = None;
        }
    }

    /// The row of a command as things stand.
    pub fn row(&mut self, ts: Timestamp, cmd: &[u8], arg: Vec<u8>, cx: &mut Cx<'_>) -> FtpRecord {
        let reply_msg = self.reply_msg.take().map(|m| cut(m, "FTP_reply_msg_too_long", cx));
        self.reply_msg.clone_from(&reply_msg);
        let is_guest = GUESTS.iter().any(|g| self.user.0.eq_ignore_ascii_case(g));
        if !is_guest && let Some(password) = &mut self.password {
            *password = "<hidden>".into();
        }
        let (mime_type, fuid, data_uid) =
            self.with_transfer(|t| (t.mime_type, t.fuid, t.data_uid)).unwrap_or((None, None, None));
        FtpRecord {
            head: cx.head(ts),
            user: self.user.clone(),
            password: self.password.clone(),
            command: cmd.into(),
            arg: Some(arg).filter(|a| !a.is_empty()).map(|a| cut(a.into(), "FTP_arg_too_long", cx)),
            mime_type,
            file_size: self.file_size,
            reply_code: self.reply_code,
            reply_msg,
            passive: self.channel.map(|c| c.passive),
            data_orig_h: self.channel.map(|c| c.orig_h),
            data_resp_h: self.channel.map(|c| c.resp_h),
            data_resp_p: self.channel.and_then(|c| c.resp_p).map(Port),
            fuid,
            login_success: self.login_success,
            data_uid,
            tail: cx.tail(),
        }
    }

    /// Announces a new data connection.
    pub fn expect(&mut self, host: Addr, port: Option<u16>, peer: Addr, cx: &mut Cx<'_>) {
        let transfer = Transfer { control_uid: cx.flow.uid, ..Transfer::default() };
        let transfer = Arc::new(Mutex::new(transfer));
        self.transfer = Some(Arc::clone(&transfer));
        self.described = false;
        cx.expect(expectation(host, port, peer, transfer, cx.ts));
    }

    /// Announces a second end for the same data connection.
    pub fn expect_also(&mut self, host: Addr, port: u16, peer: Addr, cx: &mut Cx<'_>) {
        if let Some(transfer) = &self.transfer {
            cx.expect(expectation(host, Some(port), peer, Arc::clone(transfer), cx.ts));
        }
    }

    /// Is there a data connection announced that no transfer has used yet?
    pub fn has_free_transfer(&self) -> bool {
        self.transfer.is_some() && !self.described
    }

    /// Tells the data connection what it carries; what is `None` stays.
    pub fn describe(&mut self, is_file: Option<bool>, name: Option<&[u8]>, size: Option<u64>) {
        let size = size.or(if is_file == Some(true) { self.announced.take() } else { None });
        self.described = true;
        self.with_transfer(|t| {
            t.is_file = is_file.or(t.is_file);
            t.announced_len = size.or(t.announced_len);
            if let Some(name) = name {
                t.filename = Some(name.into());
            }
        });
    }

    /// Tells the data connection which command it is for, if that moves a file.
    pub fn carries(&self, command: Option<&'static str>) {
        self.with_transfer(|t| t.command = command);
    }

    fn with_transfer<R>(&self, f: impl FnOnce(&mut Transfer) -> R) -> Option<R> {
        let transfer = self.transfer.as_ref()?;
        Some(f(&mut transfer.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn expectation(
    host: Addr,
    port: Option<u16>,
    peer: Addr,
    transfer: Arc<Mutex<Transfer>>,
    now: Timestamp,
) -> Expectation {
    Expectation { proto: ProtoId::FtpData, host, port, peer: Some(peer), expires: now + EXPECTATION_LIFETIME, transfer }
}

/// `text` cut to [`MAX_TEXT_LEN`].
fn cut(mut text: Text, weird: &'static str, cx: &mut Cx<'_>) -> Text {
    if text.0.len() > MAX_TEXT_LEN {
        cx.weird_with(weird, Some(text.0.len().to_string().into()));
        text.0.truncate(MAX_TEXT_LEN);
    }
    text
}
