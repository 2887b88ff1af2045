//! ONC RPC (RFC 5531) over UDP and TCP: portmapper, mount, NFS 2, 3 and 4, and whatever else has a program's number.
//!
//! Zeek has analyzers for some, but no log and, by default, no service; ours has a row per call, and one for all calls
//! of a procedure that only looks, or that moves a file's content. Handles of NFS are told by their path as far as they
//! were seen to get one. Only the beginning of a message is read. Limits: [`MAX_HEAD_LEN`], [`MAX_PENDING`],
//! [`MAX_BULK`], [`nfs::MAX_PATHS`]. Rules and EVE see the content of files of NFS 2 and 3. Known gaps: RPCSEC_GSS (RFC 2203),
//! whose arguments may be encrypted; the content of files otherwise.

mod content;
mod message;
mod nfs;
mod program;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use record::RpcRecord;

use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use message::{Call, Message, Reply, begins_call};
use nfs::{Answered, Asked, Moves};
use sekisho_record::{Text, UnsetIfEmpty};
use sekisho_types::{Dir, Heap, list_len};

/// Bytes of a message that are read; the rest is passed over.
const MAX_HEAD_LEN: usize = 1024;
/// Calls that may wait for a reply; beyond, the oldest is logged without.
const MAX_PENDING: usize = 64;
/// Procedures, and of those that move content files, whose calls share a row.
const MAX_BULK: usize = 64;
/// Longest fragment over TCP.
const MAX_FRAGMENT_LEN: u32 = 64 << 20;

/// Name in conn's `app` of programs without name.
const SERVICE: &str = "rpc";

/// State of one flow.
pub struct Parser {
    streams: [Stream; 2],
    pending: Vec<Waiting>,
    /// Rows that several calls share.
    bulk: Vec<Bulk>,
    paths: nfs::Paths,
    /// A call was read.
    known: bool,
    /// What rules and EVE see.
    tx: tx::Exchanges,
}

/// A row that calls share.
struct Bulk {
    row: RpcRecord,
    about: About,
}

/// What calls have in common that share a row.
#[derive(Clone, Copy, PartialEq, Eq)]
struct About {
    version: u32,
    procedure: u32,
    /// Of calls that move content: which way, and the file.
    moves: Option<(Moves, u64)>,
}

struct Waiting {
    xid: u32,
    program: u32,
    version: u32,
    /// What a new handle in the reply is called.
    path: Option<Text>,
    /// Bytes of content that the call carried.
    data_len: Option<u64>,
    kind: Kind,
}

/// Whose reply is awaited.
enum Kind {
    Single(Box<RpcRecord>),
    /// Position among the shared rows.
    Shared(usize),
}

/// One direction over TCP (RFC 5531 §11).
#[derive(Default)]
struct Stream {
    /// Length of the fragment, as far as it came, or the message's beginning.
    held: Vec<u8>,
    /// Bytes of the fragment still to come; 0 while its length is read.
    left: u32,
    /// The message goes on in another fragment.
    more: bool,
    /// The message's beginning was read.
    read: bool,
    message_len: u64,
    /// Bytes of the message that are held.
    head_len: usize,
    /// Bytes of the message were lost: nothing further of it is held.
    torn: bool,
}

fn probe(p: &Probe<'_>) -> Guess {
    let ask = |bytes: &[u8]| match begins_call(bytes) {
        Some(true) => Guess::Yes,
        Some(false) => Guess::No,
        None => Guess::More,
    };
    match (p.transport, p.orig) {
        (_, []) => Guess::More,
        (Transport::Udp, bytes) => {
            if ask(bytes) == Guess::Yes {
                Guess::Yes
            } else {
                Guess::No
            }
        }
        (Transport::Tcp, [0x80, 0, _, _, rest @ ..]) => ask(rest),
        (Transport::Tcp, [0x80] | [0x80, 0] | [0x80, 0, _]) => Guess::More,
        _ => Guess::No,
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: SERVICE, tcp_ports: &[111, 2049], udp_ports: &[111, 2049], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self {
            streams: Default::default(),
            pending: Vec::new(),
            bulk: Vec::new(),
            paths: nfs::Paths::default(),
            known: false,
            tx: tx::Exchanges::default(),
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if cx.transport == Transport::Udp {
            let head = if cx.is_watched() { bytes } else { bytes.get(..MAX_HEAD_LEN).unwrap_or(bytes) };
            return self.message(dir, head, bytes.len() as u64, cx);
        }
        let mut input = bytes;
        while !input.is_empty() {
            let Some(stream) = self.streams.get_mut(dir.index()) else { return };
            let max = if cx.is_watched() { content::MAX_MESSAGE_LEN } else { MAX_HEAD_LEN };
            match stream.next(&mut input, max) {
                Ok(None) => {}
                Ok(Some((head, len))) => {
                    self.message(dir, &head, len, cx);
                    if let Some(stream) = self.streams.get_mut(dir.index()) {
                        stream.recycle(head);
                    }
                }
                Err(()) => return cx.reject("rpc_fragment_too_long"),
            }
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        let lost = self.streams.get_mut(dir.index()).is_none_or(|s| !s.skip(len));
        if lost {
            // Where the next message begins is unknown.
            cx.opaque();
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.tx.end(cx);
        for waiting in std::mem::take(&mut self.pending) {
            if let Kind::Single(row) = waiting.kind {
                cx.emit(RpcRecord { tail: cx.tail(), ..*row });
            }
        }
        for bulk in std::mem::take(&mut self.bulk) {
            cx.emit(RpcRecord { tail: cx.tail(), ..bulk.row });
        }
    }

    fn held_len(&self) -> usize {
        let held: usize = self.streams.iter().map(|s| s.held.heap_len()).sum();
        let rows = list_len(&self.bulk) + self.bulk.iter().map(|b| b.row.heap_len()).sum::<usize>();
        held + rows
            + self.tx.heap_len()
            + self.paths.heap_len()
            + list_len(&self.pending)
            + self.pending.as_slice().heap_len()
    }
}

impl Heap for Waiting {
    fn heap_len(&self) -> usize {
        self.path.heap_len()
            + match &self.kind {
                Kind::Single(row) => row.heap_len_boxed(),
                Kind::Shared(_) => 0,
            }
    }
}

impl RpcRecord {
    fn heap_len_boxed(&self) -> usize {
        sekisho_types::block_len(size_of::<Self>()) + self.heap_len()
    }
}

impl Stream {
    /// Takes a piece off `input`; gives a message's beginning and length once the message is over.
    ///
    /// `max`: bytes of a message that are held.
    fn next(&mut self, input: &mut &[u8], max: usize) -> Result<Option<(Vec<u8>, u64)>, ()> {
        const LENGTH_LEN: usize = 4;
        const LAST: u32 = 1 << 31;
        if self.left == 0 {
            // The fragment's length stands behind what is held of the message.
            let from = self.held.len();
            let start = from - self.length_held();
            let take = (LENGTH_LEN - self.length_held()).min(input.len());
            let (bytes, rest) = input.split_at_checked(take).unwrap_or((input, &[]));
            self.held.extend_from_slice(bytes);
            *input = rest;
            let Some(length) = self.held.get(start..).and_then(<[u8]>::first_chunk::<LENGTH_LEN>) else {
                self.read = true;
                return Ok(None);
            };
            let length = u32::from_be_bytes(*length);
            self.held.truncate(start);
            self.read = false;
            self.more = length & LAST == 0;
            self.left = length & !LAST;
            if self.left > MAX_FRAGMENT_LEN {
                return Err(());
            }
            return Ok(if self.left == 0 { self.end_fragment() } else { None });
        }
        let take = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len());
        let (bytes, rest) = input.split_at_checked(take).unwrap_or((input, &[]));
        *input = rest;
        let room = if self.torn { 0 } else { max.saturating_sub(self.held.len()) };
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.held.extend_from_slice(kept);
        self.head_len += kept.len();
        self.message_len += bytes.len() as u64;
        self.left -= u32::try_from(bytes.len()).unwrap_or(self.left).min(self.left);
        Ok(if self.left == 0 { self.end_fragment() } else { None })
    }

    /// Bytes of a fragment's length that are held.
    fn length_held(&self) -> usize {
        if self.read { self.held.len().saturating_sub(self.head_len) } else { 0 }
    }

    fn end_fragment(&mut self) -> Option<(Vec<u8>, u64)> {
        if self.more {
            return None;
        }
        (self.head_len, self.torn) = (0, false);
        Some((std::mem::take(&mut self.held), std::mem::take(&mut self.message_len)))
    }

    fn recycle(&mut self, mut buffer: Vec<u8>) {
        crate::stream::reuse(&mut buffer);
        self.held = buffer;
    }

    /// Passes over bytes that were lost; false if they may have ended the fragment.
    fn skip(&mut self, len: u64) -> bool {
        let Some(left) = u64::from(self.left).checked_sub(len).filter(|left| *left > 0) else { return false };
        // What is lost of the beginning cannot be read.
        if self.held.len() < MAX_HEAD_LEN {
            return false;
        }
        self.left = u32::try_from(left).unwrap_or(0);
        self.message_len += len;
        self.torn = true;
        true
    }
}

impl Parser {
    fn message(&mut self, dir: Dir, head: &[u8], len: u64, cx: &mut Cx<'_>) {
        if cx.is_watched() {
            match Message::parse(head) {
                Ok(Message::Call(call)) if dir.is_orig() => self.tx.call(&call, &self.paths, cx),
                Ok(Message::Reply(reply)) if !dir.is_orig() => self.tx.reply(&reply, cx),
                _ => {}
            }
        }
        // Rows are made of no more than is held if nobody watches.
        match Message::parse(head.get(..MAX_HEAD_LEN).unwrap_or(head)) {
            Ok(Message::Call(call)) if dir.is_orig() => self.call(&call, len, cx),
            Ok(Message::Reply(reply)) if !dir.is_orig() => self.reply(&reply, len, cx),
            // NFS 4 calls back in the same connection.
            Ok(_) => {}
            Err(e) if self.known => cx.weird(e.item()),
            Err(e) => cx.reject(e.item()),
        }
    }

    fn call(&mut self, call: &Call<'_>, len: u64, cx: &mut Cx<'_>) {
        self.known = true;
        let program = program::name(call.program);
        // Zeek names no such service by default.
        cx.recognize(program.unwrap_or(SERVICE));
        let procedure = program::procedure(call.program, call.version, call.procedure);
        let asked = match (call.program, procedure) {
            (program::number::NFS, Some("COMPOUND")) => nfs::compound(call.args),
            (program::number::NFS, Some(name)) if name != "NULL" => nfs::asked(call.version, name, call.args),
            _ => Asked::default(),
        };
        let moves = asked.moves.map(|moves| (moves, asked.handle.map_or(0, nfs::digest)));
        let about = About { version: call.version, procedure: call.procedure, moves };
        let bulk = moves.is_some() || program::is_bulk(call.program, procedure);
        let path = self.paths.of(&asked);
        let data_len = asked.data_len;
        let kind = match self.bulk.iter().position(|b| b.about == about).filter(|_| bulk) {
            Some(at) => {
                if let Some(Bulk { row, .. }) = self.bulk.get_mut(at) {
                    row.calls += 1;
                    row.call_len = row.call_len.saturating_add(len);
                }
                Kind::Shared(at)
            }
            None => {
                let mut row = row(call, procedure, asked, len, cx);
                row.path.clone_from(&path);
                if bulk && self.bulk.len() < MAX_BULK {
                    self.bulk.push(Bulk { row, about });
                    Kind::Shared(self.bulk.len() - 1)
                } else {
                    Kind::Single(Box::new(row))
                }
            }
        };
        if self.pending.len() >= MAX_PENDING {
            let oldest = self.pending.remove(0);
            if let Kind::Single(row) = oldest.kind {
                cx.emit(RpcRecord { tail: cx.tail(), ..*row });
            }
        }
        let (xid, program, version) = (call.xid, call.program, call.version);
        self.pending.push(Waiting { xid, program, version, path, data_len, kind });
    }

    fn reply(&mut self, reply: &Reply<'_>, len: u64, cx: &mut Cx<'_>) {
        let Some(at) = self.pending.iter().position(|w| w.xid == reply.xid) else { return };
        let Waiting { program, version, path, data_len, kind, .. } = self.pending.remove(at);
        if self.pending.is_empty() {
            self.pending = Vec::new();
        }
        let row = match &kind {
            Kind::Single(row) => Some(&**row),
            Kind::Shared(at) => self.bulk.get(*at).map(|b| &b.row),
        };
        let said = match (program, row.and_then(|r| r.procedure).filter(|_| reply.status == "SUCCESS")) {
            (program::number::NFS, Some("COMPOUND")) => nfs::compound_answered(reply.results),
            (program::number::NFS, Some(name)) => nfs::answered(version, name, reply.results),
            _ => Answered::default(),
        };
        if let (Some(handle), Some(path)) = (said.handle, path) {
            self.paths.learn(handle, path);
        }
        // Version 2 tells only that all was written.
        let moved = said.data_len.or(data_len.filter(|_| reply.results.starts_with(&[0; 4])));
        match kind {
            Kind::Single(mut row) => {
                answer(&mut row, program, reply, len);
                row.data_len = moved;
                row.tail = cx.tail();
                cx.emit(*row);
            }
            Kind::Shared(at) => {
                if let Some(Bulk { row, .. }) = self.bulk.get_mut(at) {
                    row.reply_len = row.reply_len.saturating_add(len);
                    row.status = Some(reply.status);
                    row.data_len = moved.map(|n| row.data_len.unwrap_or(0).saturating_add(n)).or(row.data_len);
                }
            }
        }
    }
}

fn row(call: &Call<'_>, procedure: Option<&'static str>, asked: Asked<'_>, len: u64, cx: &Cx<'_>) -> RpcRecord {
    let argument = program::argument(call.program, procedure, call.args);
    let argument = argument.or(Some(asked.name).filter(|n| !n.is_empty()));
    RpcRecord {
        head: cx.head(cx.ts),
        xid: u64::from(call.xid),
        program_number: u64::from(call.program),
        program: program::name(call.program),
        version: u64::from(call.version),
        procedure_number: u64::from(call.procedure),
        procedure,
        machine: call.identity.map(|i| i.machine.into()),
        user_id: call.identity.map(|i| u64::from(i.user_id)),
        group_id: call.identity.map(|i| u64::from(i.group_id)),
        argument: argument.map(Text::from),
        path: None,
        operations: UnsetIfEmpty(asked.operations),
        status: None,
        result: None,
        port: None,
        calls: 1,
        call_len: len,
        reply_len: 0,
        data_len: None,
        tail: cx.tail(),
    }
}

fn answer(row: &mut RpcRecord, program: u32, reply: &Reply<'_>, len: u64) {
    row.status = Some(reply.status);
    row.reply_len = len;
    if reply.status != "SUCCESS" {
        return;
    }
    match (program, row.procedure) {
        (program::number::PORTMAP, Some("GETPORT")) => {
            row.port = sekisho_wire::Reader::new(reply.results).u32(&"port").ok().map(u64::from);
        }
        (program::number::MOUNT, Some("MNT")) | (program::number::NFS, Some(_)) if row.procedure_number != 0 => {
            row.result = program::result(program, reply.results).map(Text::from);
        }
        _ => {}
    }
}
