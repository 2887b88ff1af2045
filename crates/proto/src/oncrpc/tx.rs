//! Calls of NFS 2 and 3 as rules and EVE see them, with their replies. Those that read or write content are exchanges by
//! file: see [`super::content`].

use super::content::Contents;
use super::message::{Call, Reply};
use super::{nfs, program};
use crate::Cx;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len};
use sekisho_wire::Reader;
use std::collections::VecDeque;

/// Calls without a reply that are kept; beyond that the oldest is over.
const MAX_OPEN: usize = 256;

/// GETATTR of both versions.
const GETATTR: u32 = 1;

/// Who calls: machine, user, group.
#[derive(Default)]
pub(super) struct Identity(Option<(Vec<u8>, u32, u32)>);

impl Identity {
    pub(super) fn of(call: &Call<'_>) -> Self {
        Self(call.identity.map(|i| (i.machine.to_vec(), i.user_id, i.group_id)))
    }

    pub(super) fn write(&self, out: &mut Json<'_>) {
        let Some((machine, user, group)) = &self.0 else { return out.text("auth_type", "NULL") };
        out.text("auth_type", "UNIX");
        out.object("creds", |out| {
            out.bytes("machine_name", machine);
            out.number("uid", u64::from(*user));
            out.number("gid", u64::from(*group));
        });
    }
}

impl Heap for Identity {
    fn heap_len(&self) -> usize {
        self.0.as_ref().map_or(0, |i| i.0.heap_len())
    }
}

struct Exchange {
    mark: Mark,
    number: u64,
    xid: u32,
    version: u32,
    procedure: u32,
    name: &'static str,
    file: Vec<u8>,
    renamed: Option<Vec<u8>>,
    identity: Identity,
    /// The reply's state: accepted or not, and NFS's status.
    reply: Option<(bool, Option<u32>)>,
}

/// A flow's exchanges.
#[derive(Default)]
pub(super) struct Exchanges {
    counter: Counter,
    open: VecDeque<Box<Exchange>>,
    contents: Contents,
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        let each = |x: &Exchange| {
            let names = x.file.heap_len() + x.renamed.heap_len() + x.identity.heap_len();
            block_len(size_of::<Exchange>()) + x.mark.heap_len() + names
        };
        block_len(self.open.capacity().saturating_mul(size_of::<usize>()))
            + self.open.iter().map(|x| each(x)).sum::<usize>()
            + self.contents.heap_len()
    }
}

impl Exchanges {
    /// A call.
    pub(super) fn call(&mut self, call: &Call<'_>, paths: &nfs::Paths, cx: &mut Cx<'_>) {
        if call.program != program::number::NFS || !matches!(call.version, 2 | 3) {
            return;
        }
        let Some(name) = program::procedure(call.program, call.version, call.procedure) else { return };
        let asked = nfs::asked(call.version, name, call.args);
        if matches!((name, call.version), ("READ" | "COMMIT", _) | ("WRITE", 3)) {
            let path = paths.of(&asked).unwrap_or_default();
            let file = path.0.rsplit(|b| *b == b'/').next().unwrap_or_default();
            return self.contents.call(call, file, &mut self.counter, cx);
        }
        let renamed = (name == "RENAME").then(|| nfs::renamed(call.version, call.args)).flatten();
        let mut mark = self.counter.begin();
        // It is frequent and tells little: Suricata has no event of it.
        mark.quiet = call.procedure == GETATTR;
        let mut x = Box::new(Exchange {
            number: mark.id + 1,
            mark,
            xid: call.xid,
            version: call.version,
            procedure: call.procedure,
            name,
            file: asked.name,
            renamed: renamed.map(<[u8]>::to_vec),
            identity: Identity::of(call),
            reply: None,
        });
        let mut mark = std::mem::take(&mut x.mark);
        cx.look(Dir::Orig, 0, &View(&x), &mut mark);
        x.mark = mark;
        if self.open.len() >= MAX_OPEN
            && let Some(oldest) = self.open.pop_front()
        {
            over(*oldest, cx);
        }
        self.open.push_back(x);
    }

    /// A reply.
    pub(super) fn reply(&mut self, reply: &Reply<'_>, cx: &mut Cx<'_>) {
        let Some(at) = self.open.iter().position(|x| x.xid == reply.xid) else {
            return self.contents.reply(reply, &mut self.counter, cx);
        };
        if let Some(mut x) = self.open.remove(at) {
            let status = Reader::new(reply.results).u32(&"NFS status").ok();
            x.reply = Some((reply.status == "SUCCESS", status));
            over(*x, cx);
        }
    }

    /// The flow is over.
    pub(super) fn end(&mut self, cx: &mut Cx<'_>) {
        self.open.drain(..).for_each(|x| over(*x, cx));
        self.contents.end(cx);
    }
}

fn over(mut x: Exchange, cx: &mut Cx<'_>) {
    let mut mark = std::mem::take(&mut x.mark);
    cx.over(Dir::Resp, &View(&x), &mut mark);
}

struct View<'a>(&'a Exchange);

/// Names of NFS's statuses, as Suricata has them.
fn status_name(status: u32) -> String {
    let name = match status {
        0 => "OK",
        1 => "ERR_PERM",
        2 => "ERR_NOENT",
        5 => "ERR_IO",
        6 => "ERR_NXIO",
        13 => "ERR_ACCES",
        17 => "ERR_EXIST",
        18 => "ERR_XDEV",
        19 => "ERR_NODEV",
        20 => "ERR_NOTDIR",
        21 => "ERR_ISDIR",
        22 => "ERR_INVAL",
        27 => "ERR_FBIG",
        28 => "ERR_NOSPC",
        30 => "ERR_ROFS",
        63 => "ERR_NAMETOOLONG",
        66 => "ERR_NOTEMPTY",
        69 => "ERR_DQUOT",
        70 => "ERR_STALE",
        n => return n.to_string(),
    };
    name.to_owned()
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "nfs"
    }

    fn eve(&self, out: &mut Json<'_>) {
        let x = self.0;
        out.object("rpc", |out| {
            out.number("xid", u64::from(x.xid));
            if let Some((accepted, _)) = x.reply {
                out.text("status", if accepted { "ACCEPTED" } else { "DENIED" });
            }
            x.identity.write(out);
        });
        out.object("nfs", |out| {
            out.number("version", u64::from(x.version));
            out.text("procedure", x.name);
            out.bytes("filename", &x.file);
            out.number("id", x.number);
            out.flag("file_tx", false);
            out.text("type", if x.reply.is_some() { "response" } else { "request" });
            if let Some((_, Some(status))) = x.reply {
                out.text("status", &status_name(status));
            }
            if let Some(to) = &x.renamed {
                out.object("rename", |out| {
                    out.bytes("from", &x.file);
                    out.bytes("to", to);
                });
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        match fact {
            Fact::NfsProcedure if nth == 0 => Some(u64::from(self.0.procedure).into()),
            Fact::NfsVersion if nth == 0 => Some(u64::from(self.0.version).into()),
            Fact::FileName if nth == 0 && !self.0.file.is_empty() => Some(self.0.file.as_slice().into()),
            _ => None,
        }
    }
}
