//! Content of files that calls of NFS 2 and 3 read and write, for rules and EVE: each file and direction is an exchange.
//! Kept only while somebody watches; the messages are then held whole, up to [`MAX_MESSAGE_LEN`].

use super::message::{Call, Reply};
use super::tx::Identity;
use super::{nfs, program};
use crate::{Cx, FileId};
use sekisho_record::FileMeta;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len, list_len};
use sekisho_wire::{ParseResult, Reader};

/// Longest message that is held for the content in it: what servers let a client move at once, and the rest of the message.
pub(super) const MAX_MESSAGE_LEN: usize = (1 << 20) + 1024;
/// Files followed at a time; beyond that the oldest is over.
const MAX_FILES: usize = 64;
/// Calls that read and wait for the reply; beyond that the oldest is forgotten.
const MAX_READS: usize = 64;

/// Length of attributes (RFC 1094 §2.3.5; RFC 1813 §2.6), and where the file's size stands in those of version 2.
const ATTRIBUTES_2_LEN: usize = 68;
const SIZE_2_AT: usize = 20;
const ATTRIBUTES_3_LEN: usize = 84;

/// A call that reads.
struct Read {
    xid: u32,
    version: u32,
    file: u64,
    offset: u64,
    name: Vec<u8>,
    identity: Identity,
}

/// A file that is read or written.
struct File {
    mark: Mark,
    number: u64,
    /// Stands for its handle.
    file: u64,
    dir: Dir,
    id: FileId,
    version: u32,
    name: Vec<u8>,
    identity: Identity,
    last_xid: u32,
    chunks: u64,
    /// Nothing more comes of it.
    last: bool,
}

/// The files of a flow.
#[derive(Default)]
pub(super) struct Contents {
    reads: Vec<Box<Read>>,
    files: Vec<Box<File>>,
}

impl Heap for Contents {
    fn heap_len(&self) -> usize {
        let read = |r: &Read| block_len(size_of::<Read>()) + r.name.heap_len() + r.identity.heap_len();
        let file =
            |f: &File| block_len(size_of::<File>()) + f.name.heap_len() + f.identity.heap_len() + f.mark.heap_len();
        list_len(&self.reads)
            + list_len(&self.files)
            + self.reads.iter().map(|r| read(r)).sum::<usize>()
            + self.files.iter().map(|f| file(f)).sum::<usize>()
    }
}

/// A piece of a file.
struct Piece<'a> {
    offset: u64,
    bytes: &'a [u8],
    /// It ends the file.
    last: bool,
}

impl Contents {
    /// A call: what it writes, or where the reply will read. `name`: of the file, if it is known.
    pub(super) fn call(&mut self, call: &Call<'_>, name: &[u8], counter: &mut Counter, cx: &mut Cx<'_>) {
        let procedure = program::procedure(call.program, call.version, call.procedure);
        match procedure {
            Some("READ") => {
                let Ok((handle, offset)) = read_args(call) else { return };
                if self.reads.len() >= MAX_READS {
                    self.reads.remove(0);
                }
                self.reads.push(Box::new(Read {
                    xid: call.xid,
                    version: call.version,
                    file: nfs::digest(handle),
                    offset,
                    name: name.to_vec(),
                    identity: Identity::of(call),
                }));
            }
            // As Suricata: of version 2 only what is read.
            Some("WRITE") if call.version == 3 => {
                let Ok((handle, piece)) = write_args(call) else { return };
                let at = self.find(nfs::digest(handle), Dir::Orig, call, name, counter, cx);
                self.piece(at, call.xid, &piece, cx);
            }
            Some("COMMIT") => {
                let Ok(handle) = nfs::handle(call.version, &mut Reader::new(call.args)) else { return };
                let file = nfs::digest(handle);
                if let Some(at) = self.files.iter().position(|f| f.file == file && f.dir.is_orig()) {
                    let mut file = self.files.remove(at);
                    file.last = true;
                    over(*file, true, cx);
                }
            }
            _ => {}
        }
    }

    /// A reply: what it read.
    pub(super) fn reply(&mut self, reply: &Reply<'_>, counter: &mut Counter, cx: &mut Cx<'_>) {
        let Some(at) = self.reads.iter().position(|r| r.xid == reply.xid) else { return };
        let read = self.reads.remove(at);
        let Ok(Some(piece)) = read_results(read.version, reply.results, read.offset) else { return };
        let known = self.files.iter().position(|f| f.file == read.file && !f.dir.is_orig());
        let at = known.unwrap_or_else(|| {
            let Read { version, file, name, identity, .. } = *read;
            self.open(file, Dir::Resp, (version, name, identity), counter, cx)
        });
        self.piece(at, reply.xid, &piece, cx);
    }

    fn find(
        &mut self,
        file: u64,
        dir: Dir,
        call: &Call<'_>,
        name: &[u8],
        counter: &mut Counter,
        cx: &mut Cx<'_>,
    ) -> usize {
        let known = self.files.iter().position(|f| f.file == file && f.dir == dir);
        known.unwrap_or_else(|| self.open(file, dir, (call.version, name.to_vec(), Identity::of(call)), counter, cx))
    }

    fn open(
        &mut self,
        file: u64,
        dir: Dir,
        (version, name, identity): (u32, Vec<u8>, Identity),
        counter: &mut Counter,
        cx: &mut Cx<'_>,
    ) -> usize {
        if self.files.len() >= MAX_FILES {
            let oldest = self.files.remove(0);
            over(*oldest, false, cx);
        }
        let id = cx.file_open(FileMeta {
            source: "NFS",
            is_orig: dir.is_orig(),
            filename: Some(name.as_slice()).filter(|name| !name.is_empty()).map(Into::into),
            random_access: true,
            ..FileMeta::default()
        });
        let mut mark = counter.begin();
        mark.file(id.0, dir);
        let number = mark.id + 1;
        let new = File { mark, number, file, dir, id, version, name, identity, last_xid: 0, chunks: 0, last: false };
        self.files.push(Box::new(new));
        self.files.len() - 1
    }

    fn piece(&mut self, at: usize, xid: u32, piece: &Piece<'_>, cx: &mut Cx<'_>) {
        let Some(file) = self.files.get_mut(at) else { return };
        file.last_xid = xid;
        file.chunks += 1;
        file.last = piece.last;
        if !piece.bytes.is_empty() {
            cx.file_data_at(file.id, piece.offset, true, piece.bytes);
        }
        if piece.last {
            let file = self.files.remove(at);
            return over(*file, true, cx);
        }
        let mut mark = std::mem::take(&mut file.mark);
        cx.look(file.dir, 0, &View(file), &mut mark);
        file.mark = mark;
    }

    /// The flow is over.
    pub(super) fn end(&mut self, cx: &mut Cx<'_>) {
        std::mem::take(&mut self.files).into_iter().for_each(|file| over(*file, false, cx));
        self.reads = Vec::new();
    }
}

/// Nothing more comes of a file.
fn over(mut file: File, complete: bool, cx: &mut Cx<'_>) {
    cx.file_close(file.id, complete);
    let mut mark = std::mem::take(&mut file.mark);
    cx.over(file.dir, &View(&file), &mut mark);
}

/// Handle and offset of a READ (RFC 1094 §2.2.7, RFC 1813 §3.3.6).
fn read_args<'a>(call: &Call<'a>) -> ParseResult<(&'a [u8], u64)> {
    let mut r = Reader::new(call.args);
    let handle = nfs::handle(call.version, &mut r)?;
    let offset = if call.version == 2 { u64::from(r.u32(&"NFS offset")?) } else { r.u64(&"NFS offset")? };
    Ok((handle, offset))
}

/// Handle and content of a WRITE (RFC 1813 §3.3.7).
fn write_args<'a>(call: &Call<'a>) -> ParseResult<(&'a [u8], Piece<'a>)> {
    let mut r = Reader::new(call.args);
    let handle = nfs::handle(call.version, &mut r)?;
    let offset = r.u64(&"NFS offset")?;
    r.skip(&"NFS count, stability", 8)?;
    Ok((handle, Piece { offset, bytes: content(&mut r)?, last: false }))
}

/// What a READ gave; `None`: it failed.
fn read_results(version: u32, results: &[u8], offset: u64) -> ParseResult<Option<Piece<'_>>> {
    let mut r = Reader::new(results);
    if r.u32(&"NFS status")? != 0 {
        return Ok(None);
    }
    if version == 2 {
        let attributes = r.take(&"NFS attributes", ATTRIBUTES_2_LEN)?;
        let size = attributes.get(SIZE_2_AT..).and_then(<[u8]>::first_chunk).map_or(0, |n| u32::from_be_bytes(*n));
        let bytes = content(&mut r)?;
        let last = offset.saturating_add(bytes.len() as u64) >= u64::from(size);
        return Ok(Some(Piece { offset, bytes, last }));
    }
    if r.u32(&"NFS attributes")? != 0 {
        r.skip(&"NFS attributes", ATTRIBUTES_3_LEN)?;
    }
    r.skip(&"NFS count", 4)?;
    let last = r.u32(&"NFS end of file")? != 0;
    Ok(Some(Piece { offset, bytes: content(&mut r)?, last }))
}

/// Bytes behind their length, as far as the message was held.
fn content<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    let len = r.u32(&"NFS length")? as usize;
    let rest = r.rest();
    Ok(rest.get(..len).unwrap_or(rest))
}

struct View<'a>(&'a File);

impl View<'_> {
    /// READ or WRITE.
    const fn procedure(&self) -> (&'static str, u64) {
        if self.0.dir.is_orig() { ("WRITE", 7) } else { ("READ", 6) }
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "nfs"
    }

    fn eve(&self, out: &mut Json<'_>) {
        let file = self.0;
        let (procedure, _) = self.procedure();
        out.object("rpc", |out| {
            out.number("xid", u64::from(file.last_xid));
            out.text("status", "ACCEPTED");
            file.identity.write(out);
        });
        out.object("nfs", |out| {
            out.number("version", u64::from(file.version));
            out.text("procedure", procedure);
            out.bytes("filename", &file.name);
            out.number("id", file.number);
            out.flag("file_tx", true);
            out.text("type", "response");
            out.text("status", "OK");
            out.object(if procedure == "READ" { "read" } else { "write" }, |out| {
                out.flag("first", true);
                out.flag("last", file.last);
                out.number("last_xid", u64::from(file.last_xid));
                out.number("chunks", file.chunks);
            });
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        match fact {
            Fact::NfsProcedure if nth == 0 => Some(self.procedure().1.into()),
            Fact::NfsVersion if nth == 0 => Some(u64::from(self.0.version).into()),
            Fact::FileName if nth == 0 && !self.0.name.is_empty() => Some(self.0.name.as_slice().into()),
            _ => None,
        }
    }
}
