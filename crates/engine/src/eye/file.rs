//! Files of exchanges, and their events.

use super::flow::Seen;
use super::{At, Eye, MAX_FILES};
use crate::Rows;
use sekisho_files::Hashes;
use sekisho_flow::Moment;
use sekisho_output::eve::Head;
use sekisho_proto::FileMeta;
use sekisho_transaction::{Json, Look, Mark, Transaction};
use sekisho_types::{Dir, FlowInfo, Timestamp};

/// Bytes of an exchange's members that wait for the end of its file.
const MAX_MEMBERS_LEN: usize = 16 * 1024;

/// Files of one flow that are remembered.
const MAX_FLOW_FILES: usize = 256;

/// A file of an exchange.
pub(super) struct FileNote {
    name: Vec<u8>,
    /// Bytes so far.
    size: u64,
    gaps: bool,
    dir: Dir,
    /// Where it lies in the whole, of ranges.
    range: Option<(u64, u64)>,
    /// The exchange, once it was told of: its number and its members.
    tx: Option<(u64, Vec<u8>)>,
    closed: Option<Closed>,
}

/// How a file ended.
#[derive(Clone)]
pub(crate) struct Closed {
    pub ts: Timestamp,
    pub packet: u64,
    /// Everything is there.
    pub complete: bool,
    pub hashes: Hashes,
}

impl Eye {
    /// A file begins.
    pub fn file_opened(&mut self, id: u64, flow: &FlowInfo, meta: &FileMeta) {
        if self.files.len() >= MAX_FILES {
            self.files_refused += 1;
            return;
        }
        let seen = self.flows.entry(flow.uid).or_default();
        if seen.files.len() >= MAX_FLOW_FILES {
            self.files_refused += 1;
            return;
        }
        seen.files.push(id);
        let name = meta.filename.as_ref().or(meta.suggested_name.as_ref());
        let note = FileNote {
            name: name.map(|n| n.0.to_vec()).unwrap_or_default(),
            size: 0,
            gaps: false,
            dir: if meta.is_orig { Dir::Orig } else { Dir::Resp },
            range: None,
            tx: None,
            closed: None,
        };
        self.files.insert(id, note);
    }

    /// Its next bytes.
    pub fn file_data(&mut self, id: u64, bytes: &[u8]) {
        if let Some(note) = self.files.get_mut(&id) {
            note.size = note.size.saturating_add(bytes.len() as u64);
        }
    }

    /// Bytes of it are missing.
    pub fn file_gap(&mut self, id: u64, len: u64) {
        if let Some(note) = self.files.get_mut(&id) {
            note.gaps = true;
            note.size = note.size.saturating_add(len);
        }
    }

    /// Its name became known.
    pub fn file_named(&mut self, id: u64, name: &[u8]) {
        if let Some(note) = self.files.get_mut(&id) {
            note.name = name.to_vec();
        }
    }

    /// It is over.
    pub fn file_closed(&mut self, at: At<'_>, id: u64, closed: Closed, rows: &mut dyn Rows) {
        let Some(note) = self.files.get_mut(&id) else { return };
        note.closed = Some(closed);
        if note.tx.is_some() {
            self.file_event(at, id, rows);
        }
    }

    /// Files of an exchange that has come further: what is over is told, with the exchange's members.
    pub(super) fn files_of(&mut self, at: At<'_>, look: Look, tx: &dyn Transaction, mark: &Mark, rows: &mut dyn Rows) {
        for &(id, dir) in &mark.files {
            let Some(note) = self.files.get_mut(&id) else { continue };
            if note.closed.is_none() && !look.over {
                continue;
            }
            note.dir = dir;
            let mut members = Vec::new();
            tx.eve(&mut Json::within(&mut members, false, self.settings.options));
            members.truncate(if members.len() > MAX_MEMBERS_LEN { 0 } else { members.len() });
            note.tx = Some((mark.id, members));
            if note.closed.is_some() {
                self.file_event(at, id, rows);
            }
        }
    }

    /// Files that are left when their flow is over.
    pub(super) fn flow_files(&mut self, at: At<'_>, seen: &mut Seen, moment: Moment, rows: &mut dyn Rows) {
        let app = seen.app(at.flow);
        let told = matches!(app, "ftp-data" | "http" | "http2" | "nfs" | "smb" | "smtp");
        for id in std::mem::take(&mut seen.files) {
            let Some(note) = self.files.get_mut(&id) else { continue };
            if note.closed.is_none() {
                let (ts, packet) = (moment.ts, moment.number);
                note.closed = Some(Closed { ts, packet, complete: false, hashes: Hashes::default() });
            }
            if told {
                self.emit_file(at, id, app, rows);
            }
            self.files.remove(&id);
        }
    }

    fn file_event(&mut self, at: At<'_>, id: u64, rows: &mut dyn Rows) {
        let app = self.flows.get(&at.flow.info.uid).map_or("", |seen| seen.app(at.flow));
        self.emit_file(at, id, app, rows);
        self.files.remove(&id);
        if let Some(seen) = self.flows.get_mut(&at.flow.info.uid) {
            seen.files.retain(|f| *f != id);
        }
    }

    fn emit_file(&mut self, at: At<'_>, id: u64, app: &str, rows: &mut dyn Rows) {
        if !self.settings.is_on("fileinfo") {
            return;
        }
        let Some(note) = self.files.get(&id) else { return };
        let Some(closed) = &note.closed else { return };
        if note.size == 0 && note.name.is_empty() {
            return;
        }
        let head = Head { ..self.head(at, closed.ts, closed.packet, "fileinfo", note.dir) };
        self.line.clear();
        sekisho_output::eve::line(&mut self.line, &self.settings, &head, |json| {
            if let Some((_, members)) = &note.tx {
                json.members(members);
            }
            if !app.is_empty() {
                json.text("app_proto", app);
            }
            json.object("fileinfo", |json| note.write(closed, json));
        });
        rows.line(sekisho_output::eve::FILE, &self.line);
    }
}

impl FileNote {
    /// The members of `fileinfo`, and of an alert's `files`.
    fn write(&self, closed: &Closed, json: &mut Json<'_>) {
        if !self.name.is_empty() {
            json.bytes("filename", &self.name);
        }
        json.flag("gaps", self.gaps);
        let complete = closed.complete && !self.gaps;
        json.text("state", if complete { "CLOSED" } else { "TRUNCATED" });
        let Hashes { md5, sha1, sha256 } = &closed.hashes;
        if let (true, Some(md5)) = (complete, md5) {
            json.hex("md5", &md5.0);
        }
        if let (true, Some(sha1)) = (complete, sha1) {
            json.hex("sha1", &sha1.0);
        }
        if let (true, Some(sha256)) = (complete, sha256) {
            json.hex("sha256", &sha256.0);
        }
        json.flag("stored", false);
        json.number("size", self.size);
        if let Some((start, end)) = self.range {
            json.number("start", start);
            json.number("end", end);
        }
        if let Some((tx_id, _)) = &self.tx {
            json.number("tx_id", *tx_id);
        }
    }
}
