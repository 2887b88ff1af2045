//! Commands with their replies as rules and EVE see them. Kept only while somebody watches.

use super::command::Reply;
use crate::Cx;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len, list_len};
use std::collections::VecDeque;

/// Commands without a reply that are kept.
const MAX_OPEN: usize = 128;
/// Bytes kept of a line, and of what follows a reply.
const MAX_LINE_LEN: usize = 1024;
const MAX_DATA_LEN: usize = 32 * 1024;

#[derive(Default)]
struct Exchange {
    mark: Mark,
    command: Option<Vec<u8>>,
    args: Vec<Vec<u8>>,
    secret: bool,
    /// Success and what the first line says.
    reply: Option<(bool, Vec<u8>)>,
    data: Vec<u8>,
}

/// A flow's exchanges.
#[derive(Default)]
pub(super) struct Exchanges {
    counter: Counter,
    open: VecDeque<Box<Exchange>>,
    /// The oldest has its reply, of which more may follow.
    replied: bool,
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        let each = |x: &Exchange| {
            let reply = x.reply.as_ref().map_or(0, |r| r.1.heap_len());
            let args = list_len(&x.args) + x.args.as_slice().heap_len();
            block_len(size_of::<Exchange>())
                + x.mark.heap_len()
                + x.command.heap_len()
                + args
                + reply
                + x.data.heap_len()
        };
        block_len(self.open.capacity().saturating_mul(size_of::<usize>()))
            + self.open.iter().map(|x| each(x)).sum::<usize>()
    }
}

fn kept(text: &[u8]) -> Vec<u8> {
    text.get(..MAX_LINE_LEN).unwrap_or(text).to_vec()
}

impl Exchanges {
    /// A line of the client; `login`: it answers a challenge.
    pub(super) fn command(&mut self, line: &[u8], login: bool, cx: &mut Cx<'_>) {
        if line.trim_ascii().is_empty() && !login {
            return;
        }
        let mut x = Box::new(Exchange { mark: self.counter.begin(), ..Exchange::default() });
        if login {
            x.command = Some(b"<SASL DATA>".to_vec());
        } else {
            let line = kept(line);
            let mut words = line.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
            let word = words.next().unwrap_or(&[]).to_ascii_uppercase();
            x.args = words.map(<[u8]>::to_vec).collect();
            x.secret = word == b"PASS" || word == b"APOP";
            x.command = Some(word);
        }
        let mut mark = std::mem::take(&mut x.mark);
        cx.look(Dir::Orig, 0, &View(&x), &mut mark);
        x.mark = mark;
        if self.open.len() >= MAX_OPEN {
            self.over(cx);
        }
        self.open.push_back(x);
    }

    /// The first line of a reply.
    pub(super) fn reply(&mut self, reply: &Reply<'_>) {
        if self.open.is_empty() {
            self.open.push_back(Box::new(Exchange { mark: self.counter.begin(), ..Exchange::default() }));
        }
        let Some(x) = self.open.front_mut() else { return };
        x.reply = Some(match reply {
            Reply::Ok(text) => (true, kept(text)),
            Reply::Err(text) => (false, kept(text)),
            Reply::Continue => (true, Vec::new()),
        });
        self.replied = true;
    }

    /// What follows a reply that goes on.
    pub(super) fn data(&mut self, bytes: &[u8]) {
        if let Some(x) = self.open.front_mut().filter(|_| self.replied) {
            let room = MAX_DATA_LEN.saturating_sub(x.data.len());
            x.data.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
    }

    /// The reply is whole.
    pub(super) fn settle(&mut self, cx: &mut Cx<'_>) {
        if std::mem::take(&mut self.replied) {
            self.over(cx);
        }
    }

    fn over(&mut self, cx: &mut Cx<'_>) {
        let Some(mut x) = self.open.pop_front() else { return };
        let mut mark = std::mem::take(&mut x.mark);
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

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "pop3"
    }

    fn eve(&self, out: &mut Json<'_>) {
        let x = self.0;
        let shown = out.options().passwords || !x.secret;
        out.object("pop3", |out| {
            if let Some(command) = &x.command {
                out.object("request", |out| {
                    out.bytes("command", command);
                    if shown && !x.args.is_empty() {
                        out.list("args", |out| x.args.iter().for_each(|arg| out.item_bytes(arg)));
                    }
                });
            }
            if let Some((success, text)) = &x.reply {
                out.object("response", |out| {
                    out.flag("success", *success);
                    out.text("status", if *success { "OK" } else { "ERR" });
                    out.bytes("header", text);
                    if !x.data.is_empty() {
                        out.list("data", |out| {
                            let lines = x.data.split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l));
                            lines.filter(|l| !l.is_empty()).for_each(|line| out.item_bytes(line));
                        });
                    }
                });
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        match fact {
            Fact::Pop3Command if nth == 0 => self.0.command.as_deref().map(Value::from),
            _ => None,
        }
    }
}
