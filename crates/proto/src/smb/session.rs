//! What one connection has mapped and opened, and the rows about it.

use super::message2::FileKey;
use super::record::{SmbFilesRecord, SmbMappingRecord};
use super::tx::Exchanges;
use super::usage::{Hidden, Usage};
use super::{MAX_OPEN_FILES, MAX_PENDING, MAX_RECENT, MAX_TREES};
use crate::gssapi::Gssapi;
use crate::rpc::Rpc;
use crate::{Cx, FileId, FileMeta};
use hashbrown::HashMap;
use sekisho_record::{EnumName, Text};
use sekisho_types::{Dir, Heap, Interval, SeededState, Timestamp, Uid, block_len};
use std::hash::BuildHasher;

/// Seed of the tables: their sizes are bounded, so that aiming at a bucket gains little.
const SEED: u64 = 0x53_4d42;

/// An action on an unchanged file is not told again within this time, as in Zeek.
const RECENT: Interval = Interval::from_secs(180);

/// Pipes of Windows, recognised where the mapping of their share was not seen.
const PIPES: [&str; 9] = ["MsFteWds", "lsarpc", "netdfs", "samr", "spoolss", "srvsvc", "svcctl", "winreg", "wkssvc"];

/// 100 ns from 1601 to 1970 (MS-DTYP §2.3.3).
const UNIX_EPOCH: u64 = 116_444_736_000_000_000;

type Table<K, V> = HashMap<K, V, SeededState>;

/// Kind of a share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Share {
    #[default]
    Disk,
    Pipe,
    Print,
    Other(u8),
}

impl Share {
    fn name(self) -> Text {
        match self {
            Self::Disk => "DISK".into(),
            Self::Pipe => "PIPE".into(),
            Self::Print => "PRINT".into(),
            Self::Other(n) => format!("unknown-{n}").into(),
        }
    }
}

/// A mapped share.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub path: Option<Text>,
    pub service: Option<Text>,
    pub native_file_system: Option<Text>,
    pub share: Share,
}

/// Times of a file, in 100 ns since 1601.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Times {
    pub modified: u64,
    pub accessed: u64,
    pub created: u64,
    pub changed: u64,
}

/// An open file or pipe.
#[derive(Debug)]
pub(super) struct File {
    ts: Timestamp,
    share: Share,
    path: Option<Text>,
    name: Text,
    size: u64,
    times: Option<Times>,
    fuid: Option<Uid>,
    content: Option<FileId>,
    rpc: Option<Box<Rpc>>,
    /// What is done to it, if somebody judges.
    usage: Option<Box<Usage>>,
}

impl File {
    /// A pipe that was not opened in this connection.
    fn unseen_pipe(ts: Timestamp) -> Self {
        let name = Text::default();
        let share = Share::Pipe;
        Self { ts, share, path: None, name, size: 0, times: None, fuid: None, content: None, rpc: None, usage: None }
    }
}

/// A request that waits for its response.
#[derive(Debug)]
pub(super) struct Pending {
    pub ts: Timestamp,
    pub tree: Option<u32>,
    pub what: What,
}

/// What a request asked for, as far as its response needs it.
#[derive(Debug)]
pub(super) enum What {
    /// Name, and whether it is to be deleted at its closing.
    Create(Text, bool),
    /// SMB 2: a command on the file that the same compound opens.
    Related(Related),
    Read(FileKey, u64),
    Transceive(FileKey),
    TreeConnect(Text, Option<Text>),
}

/// See [`What::Related`].
#[derive(Debug)]
pub(super) enum Related {
    Close,
    Delete,
    List,
    Rename(Text),
}

/// What was opened, by the request and its response.
pub(super) struct Opening {
    pub ts: Timestamp,
    pub name: Text,
    pub tree: Option<u32>,
    pub size: u64,
    pub times: Times,
    pub is_dir: bool,
    pub created: bool,
    /// It is deleted at its closing.
    pub deleted: bool,
}

/// State that both versions share.
pub(super) struct Session {
    pub gss: Gssapi,
    pub dialect: Option<&'static str>,
    /// In a greeting of version 1 the client has offered version 2.
    pub offers_2: bool,
    trees: Table<u32, Tree>,
    files: Table<FileKey, File>,
    pending: Table<u64, Pending>,
    /// Digests of actions logged, and when they were met last.
    recent: Table<u64, Timestamp>,
    /// What names and paths of the tables take.
    names_len: usize,
    /// What rules and EVE see.
    pub tx: Exchanges,
    /// Encrypted messages, if somebody judges.
    hidden: Option<Box<Hidden>>,
}

impl Default for Session {
    fn default() -> Self {
        let state = SeededState(SEED);
        Self {
            gss: Gssapi::over("smb"),
            offers_2: false,
            dialect: None,
            trees: Table::with_hasher(state),
            files: Table::with_hasher(state),
            pending: Table::with_hasher(state),
            recent: Table::with_hasher(state),
            names_len: 0,
            tx: Exchanges::default(),
            hidden: None,
        }
    }
}

/// What a table takes, not what its values own.
fn table_len<K, V>(table: &Table<K, V>) -> usize {
    let places = table.capacity().saturating_mul(8) / 7;
    block_len(places.saturating_mul(size_of::<(K, V)>() + 1))
}

impl Heap for Tree {
    fn heap_len(&self) -> usize {
        self.path.heap_len() + self.service.heap_len() + self.native_file_system.heap_len()
    }
}

impl Heap for File {
    fn heap_len(&self) -> usize {
        let usage = self.usage.as_ref().map_or(0, |u| u.heap_len());
        self.path.heap_len() + self.name.heap_len() + self.rpc.heap_len() + usage
    }
}

impl Heap for Pending {
    fn heap_len(&self) -> usize {
        match &self.what {
            What::Create(name, _) | What::Related(Related::Rename(name)) => name.heap_len(),
            What::TreeConnect(path, service) => path.heap_len() + service.heap_len(),
            What::Related(_) | What::Read(..) | What::Transceive(_) => 0,
        }
    }
}

impl Heap for Session {
    fn heap_len(&self) -> usize {
        let tables = table_len(&self.trees) + table_len(&self.files) + table_len(&self.pending);
        let hidden = self.hidden.as_ref().map_or(0, |h| h.heap_len());
        tables + table_len(&self.recent) + self.names_len + self.gss.heap_len() + self.tx.heap_len() + hidden
    }
}

/// Requests and shares.
impl Session {
    /// Keeps a request; at [`MAX_PENDING`] all are forgotten, as nobody answers them.
    pub fn ask(&mut self, id: u64, tree: Option<u32>, what: What, cx: &mut Cx<'_>) {
        if self.pending.len() >= MAX_PENDING {
            cx.weird("SMB_discarded_requests");
            for (_, old) in self.pending.drain() {
                self.names_len = self.names_len.saturating_sub(old.heap_len());
            }
        }
        let pending = Pending { ts: cx.ts, tree, what };
        self.names_len += pending.heap_len();
        if let Some(old) = self.pending.insert(id, pending) {
            self.names_len = self.names_len.saturating_sub(old.heap_len());
        }
    }

    /// The request that a response answers.
    pub fn answered(&mut self, id: u64) -> Option<Pending> {
        let pending = self.pending.remove(&id)?;
        self.names_len = self.names_len.saturating_sub(pending.heap_len());
        Some(pending)
    }

    /// A share was mapped: its row.
    pub fn mapped(&mut self, id: Option<u32>, tree: Tree, ts: Timestamp, cx: &mut Cx<'_>) {
        let row = SmbMappingRecord {
            head: cx.head(ts),
            path: tree.path.clone(),
            service: tree.service.clone(),
            native_file_system: tree.native_file_system.clone(),
            share_type: tree.share.name(),
            dialect: self.dialect,
            tail: cx.tail(),
        };
        cx.emit(row);
        let Some(id) = id else { return };
        if self.trees.len() >= MAX_TREES && !self.trees.contains_key(&id) {
            return cx.weird("SMB_too_many_trees");
        }
        self.names_len += tree.heap_len();
        if let Some(old) = self.trees.insert(id, tree) {
            self.names_len = self.names_len.saturating_sub(old.heap_len());
        }
    }

    /// The name of an open file.
    pub fn name_of(&self, key: FileKey) -> Option<&Text> {
        self.files.get(&key).map(|file| &file.name)
    }

    /// A share is let go.
    pub fn unmapped(&mut self, id: u32) {
        if let Some(old) = self.trees.remove(&id) {
            self.names_len = self.names_len.saturating_sub(old.heap_len());
        }
    }
}

/// Files.
impl Session {
    /// A file was opened: its row.
    pub fn opened(&mut self, key: FileKey, opening: Opening, cx: &mut Cx<'_>) {
        self.closed(key, false, cx);
        let Opening { ts, name, tree, size, times, is_dir, created, deleted } = opening;
        let known = tree.and_then(|t| self.trees.get(&t));
        let (mut path, mut share) = known.map_or((None, Share::Disk), |t| (t.path.clone(), t.share));
        // Zeek does not know the scheduler's; its rows stay as they are.
        let is_pipe = || is_named(&name.0, &PIPES) || cx.is_watched() && is_named(&name.0, &["atsvc"]);
        if known.is_none() && is_pipe() {
            (path, share) = (Some("<unknown>".into()), Share::Pipe);
        }
        let name = if name.0.is_empty() { "<share_root>".into() } else { name };
        let usage = cx.is_judged() && matches!(share, Share::Disk | Share::Other(_));
        let usage = usage.then(|| Box::new(Usage::new(is_dir, created, deleted)));
        let file = File {
            ts,
            share,
            path,
            name,
            size,
            times: Some(times).filter(|t| t.modified > UNIX_EPOCH),
            fuid: None,
            content: None,
            rpc: None,
            usage,
        };
        match share {
            Share::Pipe => {}
            Share::Print => self.log(&file, "SMB::PRINT_OPEN", None, cx),
            Share::Disk | Share::Other(_) => self.log(&file, "SMB::FILE_OPEN", None, cx),
        }
        if self.files.len() >= MAX_OPEN_FILES {
            return cx.weird("SMB_too_many_open_files");
        }
        self.names_len += file.heap_len();
        self.files.insert(key, file);
    }

    /// A file was closed. `told`: by a request, which for a printer's file has a row.
    pub fn closed(&mut self, key: FileKey, told: bool, cx: &mut Cx<'_>) {
        if cx.is_watched() {
            self.tx.closed(key, cx);
        }
        let Some(mut file) = self.files.remove(&key) else { return };
        self.names_len = self.names_len.saturating_sub(file.heap_len());
        if let Some(watch) = file.rpc.as_mut().and_then(|rpc| rpc.watch()) {
            watch.finish(&mut |shown, dir, over| self.tx.call(shown, dir, over, cx));
        }
        if let Some(id) = file.content {
            cx.file_close(id, told);
        }
        if told && file.share == Share::Print {
            self.log(&file, "SMB::PRINT_CLOSE", None, cx);
        }
        if let Some(usage) = file.usage.take() {
            usage.tell(file.ts, file.size, (file.path, file.name), cx);
        }
    }

    /// The entries of a directory were asked for.
    pub fn listed(&mut self, key: FileKey) {
        if let Some(usage) = self.files.get_mut(&key).and_then(|f| f.usage.as_mut()) {
            (usage.listed, usage.is_dir) = (true, true);
        }
    }

    /// An encrypted message of `len` bytes.
    pub fn hidden(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        if cx.is_judged() {
            self.hidden.get_or_insert_default().message(dir, len, cx);
        }
    }

    /// A file is to be deleted when it is closed.
    pub fn deleted(&mut self, key: FileKey, cx: &mut Cx<'_>) {
        if let Some(mut file) = self.files.remove(&key) {
            self.log(&file, "SMB::FILE_DELETE", None, cx);
            if let Some(usage) = &mut file.usage {
                usage.deleted = true;
            }
            self.files.insert(key, file);
        }
    }

    /// A file is to be renamed.
    pub fn renamed(&mut self, key: FileKey, name: Text, cx: &mut Cx<'_>) {
        if let Some(mut file) = self.files.remove(&key) {
            self.names_len = self.names_len.saturating_sub(file.name.heap_len()) + name.heap_len();
            let before = std::mem::replace(&mut file.name, name);
            if let Some(usage) = file.usage.as_mut().filter(|u| u.prev_name.is_none()) {
                self.names_len += before.heap_len();
                usage.prev_name = Some(before.clone());
            }
            self.log(&file, "SMB::FILE_RENAME", Some(before), cx);
            self.files.insert(key, file);
        }
    }

    /// Is it a pipe? Of a file that was not opened in this connection its share tells: a client may use several
    /// connections at once.
    pub fn is_pipe(&self, key: FileKey, tree: Option<u32>) -> bool {
        let share = self.files.get(&key).map(|f| f.share);
        share.or_else(|| self.trees.get(&tree?).map(|t| t.share)) == Some(Share::Pipe)
    }

    /// Does a service of RPC answer behind the pipe: by its name, or as somebody was bound to it?
    pub fn is_service(&self, key: FileKey) -> bool {
        const NAMES: [&str; 7] = ["atsvc", "lsarpc", "samr", "spoolss", "srvsvc", "svcctl", "winreg"];
        self.files.get(&key).is_some_and(|file| {
            is_named(&file.name.0, &NAMES) || file.rpc.as_ref().is_some_and(|rpc| rpc.is_understood())
        })
    }

    /// Content of a file that a client reads or writes: offset, and whether the message's content ends with it.
    pub fn content(&mut self, key: FileKey, dir: Dir, at: (u64, bool), bytes: &[u8], cx: &mut Cx<'_>) {
        let Some(file) = self.files.get_mut(&key).filter(|f| f.share != Share::Pipe) else { return };
        if let Some(usage) = &mut file.usage {
            let before = usage.heap_len();
            usage.content(dir, bytes);
            self.names_len += usage.heap_len() - before;
        }
        // What a client writes need not end where the file ended before.
        let total = Some(file.size).filter(|size| *size > 0 && !dir.is_orig());
        let id = *file.content.get_or_insert_with(|| {
            cx.file_open(FileMeta {
                source: "SMB",
                is_orig: dir.is_orig(),
                filename: Some(file.name.clone()),
                total_len: total,
                random_access: true,
                ..FileMeta::default()
            })
        });
        cx.file_data_at(id, at.0, at.1, bytes);
        if cx.is_watched() {
            let span = (at.0, at.0.saturating_add(bytes.len() as u64));
            self.tx.file((key, id), dir, span, (&file.name, file.path.as_ref()), cx);
        }
        let info = cx.file_info(id);
        file.fuid = info.row().or(file.fuid);
        if total.is_some_and(|total| info.seen_bytes >= total) {
            file.content = None;
            cx.file_close(id, true);
        }
    }

    /// Bytes that pass over a pipe.
    pub fn pipe(&mut self, key: FileKey, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        self.with_rpc(key, cx, |rpc, gss, cx| rpc.data(dir, bytes, gss, cx).is_ok());
    }

    /// Bytes of a pipe are missing.
    pub fn pipe_gap(&mut self, key: FileKey, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        self.with_rpc(key, cx, |rpc, _, _| rpc.gap(dir, len).is_ok());
    }

    /// Lends a pipe's association; what cannot be followed any more is begun anew.
    fn with_rpc(&mut self, key: FileKey, cx: &mut Cx<'_>, f: impl FnOnce(&mut Rpc, &mut Gssapi, &mut Cx<'_>) -> bool) {
        if !self.files.contains_key(&key) && self.files.len() >= MAX_OPEN_FILES {
            return cx.weird("SMB_too_many_open_files");
        }
        let file = self.files.entry(key).or_insert_with(|| File::unseen_pipe(cx.ts));
        let before = file.rpc.heap_len();
        let rpc = file.rpc.get_or_insert_with(|| Box::new(Rpc::over_pipe(&file.name.0)));
        let goes_on = f(rpc, &mut self.gss, cx);
        if let Some(watch) = rpc.watch() {
            watch.settle(&mut |shown, dir, over| self.tx.call(shown, dir, over, cx));
        }
        if !goes_on {
            file.rpc = None;
        }
        self.names_len = self.names_len.saturating_sub(before) + file.rpc.heap_len();
    }

    /// The connection is over.
    pub fn end(&mut self, cx: &mut Cx<'_>) {
        if cx.is_watched() {
            let mut calls: Vec<_> =
                self.files.iter_mut().filter_map(|(key, f)| Some((f.ts, *key, f.rpc.as_mut()?))).collect();
            calls.sort_unstable_by_key(|(ts, key, _)| (*ts, *key));
            for watch in calls.into_iter().filter_map(|(_, _, rpc)| rpc.watch()) {
                watch.finish(&mut |shown, dir, over| self.tx.call(shown, dir, over, cx));
            }
            self.tx.end(cx);
        }
        // In the order of their beginning, not of the table.
        let mut open: Vec<_> = self.files.drain().filter(|(_, f)| f.content.is_some() || f.usage.is_some()).collect();
        open.sort_unstable_by_key(|(key, f)| (f.ts, *key));
        for (_, file) in open {
            if let Some(id) = file.content {
                cx.file_close(id, false);
            }
            if let Some(usage) = file.usage {
                usage.tell(file.ts, file.size, (file.path, file.name), cx);
            }
        }
        if let Some(mut hidden) = self.hidden.take() {
            hidden.tell(cx);
        }
        self.gss.end(cx);
    }

    fn log(&mut self, file: &File, action: &'static str, prev_name: Option<Text>, cx: &mut Cx<'_>) {
        if file.times.is_some() && self.is_repeated(file, action, cx.ts) {
            return;
        }
        let times = file.times;
        let row = SmbFilesRecord {
            head: cx.head(file.ts),
            fuid: file.fuid,
            action: Some(EnumName(action)),
            path: file.path.clone(),
            name: Some(file.name.clone()),
            size: file.size,
            prev_name,
            modified: times.map(|t| timestamp(t.modified)),
            accessed: times.map(|t| timestamp(t.accessed)),
            created: times.map(|t| timestamp(t.created)),
            changed: times.map(|t| timestamp(t.changed)),
            tail: cx.tail(),
        };
        cx.emit(row);
    }

    /// Was the same done to the same file, unchanged but for its access time, shortly before?
    fn is_repeated(&mut self, file: &File, action: &str, now: Timestamp) -> bool {
        let times = file.times.map(|t| (t.modified, t.created, t.changed));
        let path = file.path.as_ref().map(|p| &p.0);
        let action = SeededState(SEED).hash_one((action, file.fuid, path, &file.name.0, file.size, times));
        if self.recent.len() >= MAX_RECENT {
            self.recent.clear();
        }
        let before = self.recent.insert(action, now);
        before.is_some_and(|before| now - before < RECENT)
    }
}

fn is_named(name: &[u8], pipes: &[&str]) -> bool {
    let name = name.strip_prefix(b"\\").unwrap_or(name);
    pipes.iter().any(|p| p.as_bytes() == name)
}

/// From 100 ns since 1601; times beyond what can be told are the last or first that can.
fn timestamp(filetime: u64) -> Timestamp {
    let since = i64::try_from(i128::from(filetime) - i128::from(UNIX_EPOCH)).unwrap_or(i64::MAX);
    Timestamp(since.saturating_mul(100))
}
