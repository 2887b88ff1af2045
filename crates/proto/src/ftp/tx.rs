//! Commands and their replies as rules and EVE see them: one exchange per command, one for a greeting. Kept only while
//! somebody watches.

use super::path;
use super::reply::Reply;
use crate::Cx;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len, list_len};
use std::collections::VecDeque;

/// Commands without a reply that are kept; beyond that the oldest is over.
const MAX_OPEN: usize = 256;
/// Reply lines kept of one exchange.
const MAX_REPLY_LINES: usize = 256;

/// Commands that have a name of their own in Suricata.
const COMMANDS: &[&str] = &[
    "ABOR", "ACCT", "ALLO", "APPE", "CDUP", "CHMOD", "CWD", "DELE", "EPRT", "EPSV", "HELP", "IDLE", "LIST", "MAIL",
    "MDTM", "MKD", "MLFL", "MODE", "MRCP", "MRSQ", "MSAM", "MSND", "MSOM", "NLST", "NOOP", "PASS", "PASV", "PORT",
    "PWD", "QUIT", "REIN", "REST", "RETR", "RMD", "RNFR", "RNTO", "SITE", "SIZE", "SMNT", "STAT", "STOR", "STOU",
    "STRU", "SYST", "TYPE", "UMASK", "USER",
];

#[derive(Default)]
struct Exchange {
    mark: Mark,
    command: Option<&'static str>,
    /// What follows the command and one blank.
    data: Vec<u8>,
    truncated: bool,
    replies: Vec<(Option<[u8; 3]>, Vec<u8>)>,
    reply_truncated: bool,
    port: Option<u16>,
}

/// A flow's exchanges.
#[derive(Default)]
pub(super) struct Exchanges {
    counter: Counter,
    open: VecDeque<Box<Exchange>>,
    /// A port was agreed on for the next transfer.
    has_port: bool,
    /// Too many commands waited: what follows is not told.
    stopped: bool,
}

impl Heap for Exchange {
    fn heap_len(&self) -> usize {
        let replies = list_len(&self.replies) + self.replies.iter().map(|r| r.1.heap_len()).sum::<usize>();
        self.mark.heap_len() + self.data.heap_len() + replies
    }
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        let each = |x: &Exchange| block_len(size_of::<Exchange>()) + x.heap_len();
        block_len(self.open.capacity().saturating_mul(size_of::<usize>()))
            + self.open.iter().map(|x| each(x)).sum::<usize>()
    }
}

impl Exchanges {
    /// A command line; `cut`: it was longer than is looked at.
    pub(super) fn command(&mut self, line: &[u8], cut: bool, cx: &mut Cx<'_>) {
        if self.is_too_much(cx) {
            return;
        }
        let max_len = cx.limits().ftp_line_len;
        let mut x = Box::new(Exchange { mark: self.counter.begin(), ..Exchange::default() });
        x.truncated = cut || line.len() > max_len;
        if x.truncated {
            x.mark.event(Dir::Orig, "request_command_too_long");
        }
        let line = line.get(..max_len).unwrap_or(line);
        let word = line.iter().position(u8::is_ascii_whitespace).and_then(|at| line.get(..at)).unwrap_or(line);
        x.command = if line.get(..8).is_some_and(|l| l.eq_ignore_ascii_case(b"AUTH TLS")) {
            Some("AUTH TLS")
        } else {
            COMMANDS.iter().find(|name| name.as_bytes().eq_ignore_ascii_case(word)).copied()
        };
        let head_len = x.command.map_or(word.len(), str::len) + 1;
        x.data = line.get(head_len..).unwrap_or(&[]).to_vec();
        x.port = match x.command {
            Some("PORT") => path::host_port(&x.data).map(|end| end.1),
            Some("EPRT") => path::extended(&x.data).map(|end| end.1),
            _ => None,
        };
        self.transfer(&mut x);
        let mut mark = std::mem::take(&mut x.mark);
        cx.look(Dir::Orig, 0, &View(&x), &mut mark);
        x.mark = mark;
        if self.open.len() >= MAX_OPEN {
            self.over(cx);
        }
        self.open.push_back(x);
    }

    /// Do as many commands wait as may? Then the oldest is over, and nothing more is told of the flow.
    fn is_too_much(&mut self, cx: &mut Cx<'_>) -> bool {
        if !self.stopped && self.open.len() >= cx.limits().ftp_exchanges.max(1) {
            self.stopped = true;
            if let Some(oldest) = self.open.front_mut() {
                oldest.mark.event(Dir::Orig, "too_many_transactions");
            }
            self.over(cx);
        }
        self.stopped
    }

    /// A command that asks for a transfer needs a port, and mostly a name.
    fn transfer(&mut self, x: &mut Exchange) {
        let named = matches!(x.command, Some("APPE" | "RETR" | "STOR"));
        if !named && !matches!(x.command, Some("LIST" | "NLST" | "STOU")) {
            return;
        }
        if named && x.data.is_empty() {
            x.mark.event(Dir::Orig, "file_without_name");
        } else if !std::mem::take(&mut self.has_port) {
            x.mark.event(Dir::Orig, "file_before_port");
        }
    }

    /// A line of a reply, as it was sent.
    pub(super) fn reply(&mut self, line: &[u8], cut: bool, reply: &Reply<'_>, cx: &mut Cx<'_>) {
        if self.stopped {
            return;
        }
        let max_len = cx.limits().ftp_line_len;
        if self.open.is_empty() {
            self.open.push_back(Box::new(Exchange { mark: self.counter.begin(), ..Exchange::default() }));
        }
        let Some(x) = self.open.front_mut() else { return };
        let truncated = cut || line.len() > max_len;
        if truncated {
            x.reply_truncated = true;
            x.mark.event(Dir::Resp, "response_command_too_long");
        }
        if x.replies.len() < MAX_REPLY_LINES {
            let line = line.get(..max_len).unwrap_or(line);
            let code = line.first_chunk::<3>().filter(|code| code.iter().all(u8::is_ascii_digit)).copied();
            let text = if code.is_some() { line.get(4..) } else { Some(line) };
            x.replies.push((code, text.unwrap_or(&[]).to_vec()));
        }
        x.port = match (x.command, reply.code) {
            (Some("PASV"), 227) => path::passive(reply.text).map(|end| end.1),
            (Some("EPSV"), 229) => path::extended_passive(reply.text).map(|end| end.1),
            _ => None,
        }
        .or(x.port);
        let agreed =
            matches!((x.command, reply.code), (Some("PORT" | "EPRT"), 200) | (Some("PASV"), 227) | (Some("EPSV"), 229));
        self.has_port |= agreed && x.port.is_some_and(|port| port != 0);
        if !reply.more && reply.code >= 200 {
            self.over(cx);
        }
    }

    /// The oldest exchange is over.
    fn over(&mut self, cx: &mut Cx<'_>) {
        let Some(mut x) = self.open.pop_front() else { return };
        let mut mark = std::mem::take(&mut x.mark);
        // What the reply tells is of interest to rules about the command, too.
        cx.look(Dir::Orig, 1, &View(&x), &mut mark);
        cx.over(Dir::Resp, &View(&x), &mut mark);
    }

    /// The flow is over.
    pub(super) fn end(&mut self, cx: &mut Cx<'_>) {
        while !self.open.is_empty() {
            self.over(cx);
        }
    }
}

struct View<'a>(&'a Exchange);

impl View<'_> {
    fn mode(&self) -> Option<&'static str> {
        match self.0.command? {
            "PORT" | "EPRT" => Some("active"),
            "PASV" | "EPSV" => Some("passive"),
            _ => None,
        }
    }

    fn answered(&self) -> &'static str {
        if self.0.replies.is_empty() { "no" } else { "yes" }
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "ftp"
    }

    fn eve(&self, out: &mut Json<'_>) {
        let x = self.0;
        out.object("ftp", |out| {
            if let Some(command) = x.command {
                out.text("command", command);
                if !x.data.is_empty() {
                    out.bytes("command_data", &x.data);
                    out.flag("command_truncated", x.truncated);
                }
            }
            if x.replies.iter().any(|r| r.0.is_some()) {
                out.list("completion_code", |out| {
                    x.replies.iter().filter_map(|r| r.0.as_ref()).for_each(|code| out.item_bytes(code));
                });
            }
            if !x.replies.is_empty() {
                out.list("reply", |out| x.replies.iter().for_each(|r| out.item_bytes(&r.1)));
            }
            if let Some(port) = x.port {
                out.number("dynamic_port", u64::from(port));
            }
            if let Some(mode) = self.mode() {
                out.text("mode", mode);
            }
            out.text("reply_received", self.answered());
            out.flag("reply_truncated", x.reply_truncated);
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let x = self.0;
        match fact {
            Fact::FtpReply => x.replies.get(nth).map(|r| r.1.as_slice().into()),
            Fact::FtpCompletionCode => {
                x.replies.iter().filter_map(|r| r.0.as_ref()).nth(nth).map(|c| c.as_slice().into())
            }
            _ if nth > 0 => None,
            Fact::FtpCommand => x.command.map(Value::from),
            Fact::FtpCommandData => Some(x.data.as_slice()).filter(|data| !data.is_empty()).map(Value::from),
            Fact::FtpDynamicPort => x.port.map(|port| u64::from(port).into()),
            Fact::FtpMode => self.mode().map(Value::from),
            Fact::FtpReplyReceived => Some(self.answered().into()),
            _ => None,
        }
    }
}
