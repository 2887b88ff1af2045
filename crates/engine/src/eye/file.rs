//! Files of exchanges, and their events.

use super::flow::Seen;
use super::{At, Eye, MAX_FILES};
use crate::Rows;
use hashbrown::HashMap;
use sekisho_files::Hashes;
use sekisho_flow::Moment;
use sekisho_proto::FileMeta;
use sekisho_rules::{Content, FileView};
use sekisho_transaction::{Fact, Json, Look, Mark, Transaction};
use sekisho_types::{Dir, FlowInfo, SeededState, Timestamp};

/// Bytes of an exchange's members that wait for the end of its file.
const MAX_MEMBERS_LEN: usize = 16 * 1024;

/// Bytes before those that are new that rules see of a file which is still passing: Suricata's window for bodies.
const WINDOW_LEN: usize = 16 * 1024;

/// First bytes of a file that are kept for rules at most.
const MAX_CONTENT_LEN: usize = 1 << 20;

/// Bytes that are kept of all files of one lane.
const MAX_LANE_CONTENT_LEN: usize = 64 << 20;

/// Buffers of files that are over which are used again, and bytes of one at most.
const SPARE_COUNT_MAX: usize = 16;
const SPARE_LEN_MAX: usize = 256 * 1024;

/// Bytes of a file that is still passing before rules look at them: as of Suricata's mails and bodies.
const MIN_INSPECT_LEN: u64 = 32 * 1024;

/// Files of one flow that are remembered.
const MAX_FLOW_FILES: usize = 256;

/// A file of an exchange.
pub(super) struct FileNote {
    name: Vec<u8>,
    /// The name was not told on the wire.
    unnamed: bool,
    /// Bytes so far.
    size: u64,
    gaps: bool,
    dir: Dir,
    /// Where it lies in the whole, of ranges.
    range: Option<u64>,
    /// The exchange, once it was told of: its number and its members.
    tx: Option<(u64, Vec<u8>)>,
    closed: Option<Closed>,
    /// Its event was written.
    logged: bool,
    /// Its first bytes, if rules want them.
    content: Vec<u8>,
    /// Bytes of `content` that rules have looked at.
    looked_len: usize,
}

/// How a file ended.
#[derive(Clone)]
pub(crate) struct Closed {
    pub ts: Timestamp,
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
        let Some(seen) = self.flows.get_mut(flow) else { return };
        if seen.rare().files.len() >= MAX_FLOW_FILES {
            self.files_refused += 1;
            return;
        }
        seen.rare_mut().files.push(id);
        let name = meta.filename.as_ref().or(meta.suggested_name.as_ref());
        let note = FileNote {
            unnamed: meta.filename.is_none(),
            name: name.map(|n| n.0.to_vec()).unwrap_or_default(),
            size: 0,
            gaps: false,
            dir: if meta.is_orig { Dir::Orig } else { Dir::Resp },
            range: meta.range.as_ref().map(|range| range.start),
            tx: None,
            closed: None,
            logged: false,
            content: self.spare.pop().unwrap_or_default(),
            looked_len: 0,
        };
        self.files.insert(id, note);
    }

    /// Its next bytes.
    pub fn file_data(&mut self, id: u64, bytes: &[u8]) {
        if let Some(note) = self.files.get_mut(&id) {
            note.size = note.size.saturating_add(bytes.len() as u64);
            if self.rules.as_ref().is_some_and(|rules| rules.wants_content) {
                let most = self.settings.body_len.min(MAX_CONTENT_LEN);
                let room = most.saturating_sub(note.content.len());
                let room = room.min(MAX_LANE_CONTENT_LEN.saturating_sub(self.content_len));
                let kept = bytes.get(..room).unwrap_or(bytes);
                note.content.extend_from_slice(kept);
                self.content_len += kept.len();
            }
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
            note.unnamed = false;
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
            if let (true, Some(closed)) = (mark.cut, &mut note.closed) {
                closed.complete = false;
            }
            if note.unnamed
                && tx.app() == "http"
                && let Some(path) = path_of(tx)
            {
                note.name = path;
            }
            self.line.clear();
            tx.eve(&mut Json::within(&mut self.line, false, self.settings.options));
            let members = self.line.as_bytes();
            let members = if members.len() > MAX_MEMBERS_LEN { &[] } else { members };
            note.tx = Some((mark.id, members.to_vec()));
            if note.closed.is_some() {
                let app = self.app_of(at);
                self.emit_file(at, id, app, rows);
            }
        }
    }

    /// An exchange is over: its files that are over, too, go.
    pub(super) fn forget_files(&mut self, at: At<'_>, mark: &Mark) {
        for (id, _) in &mark.files {
            if self.files.get(id).is_some_and(|note| note.logged) {
                self.forget_file(at, *id);
            }
        }
    }

    fn forget_file(&mut self, at: At<'_>, id: u64) {
        if let Some(note) = self.files.remove(&id) {
            self.content_len = self.content_len.saturating_sub(note.content.len());
            let mut content = note.content;
            if self.spare.len() < SPARE_COUNT_MAX && (1..=SPARE_LEN_MAX).contains(&content.capacity()) {
                content.clear();
                self.spare.push(content);
            }
        }
        if let Some(rare) = self.flows.get_mut(&at.flow.info).and_then(Seen::any_rare) {
            rare.files.retain(|f| *f != id);
        }
    }

    pub(super) fn app_of(&self, at: At<'_>) -> &'static str {
        self.flows.get(&at.flow.info).map_or("", |seen| seen.app(at.flow))
    }

    /// Files that are left when their flow is over.
    pub(super) fn flow_files(&mut self, at: At<'_>, moment: Moment, rows: &mut dyn Rows) {
        let rare = self.flows.get_mut(&at.flow.info).and_then(Seen::any_rare);
        let Some(files) = rare.map(|rare| std::mem::take(&mut rare.files)).filter(|files| !files.is_empty()) else {
            return;
        };
        let app = self.app_of(at);
        let told = matches!(app, "doh2" | "ftp-data" | "http" | "http2" | "nfs" | "smb" | "smtp");
        for id in files {
            let Some(note) = self.files.get_mut(&id) else { continue };
            if note.closed.is_none() {
                note.closed = Some(Closed { ts: moment.ts, complete: false, hashes: Hashes::default() });
            }
            // Of mails only attachments are files.
            if told && (app != "smtp" || note.tx.is_some()) {
                self.emit_file(at, id, app, rows);
            }
            self.forget_file(at, id);
        }
    }

    fn file_event(&mut self, at: At<'_>, id: u64, rows: &mut dyn Rows) {
        let app = self.app_of(at);
        self.emit_file(at, id, app, rows);
        self.forget_file(at, id);
    }

    fn emit_file(&mut self, at: At<'_>, id: u64, app: &str, rows: &mut dyn Rows) {
        let stores = self.settings.store_all;
        let Some(note) = self.files.get_mut(&id) else { return };
        let Some(closed) = note.closed.clone() else { return };
        if std::mem::replace(&mut note.logged, true) || note.size == 0 && note.name.is_empty() {
            return;
        }
        if !self.settings.is_on("fileinfo") {
            return;
        }
        let Some(note) = self.files.remove(&id) else { return };
        let head = self.head(at, closed.ts, "fileinfo", note.dir);
        self.write(rows, Some(at), &head, |json| {
            if let Some((_, members)) = &note.tx {
                json.members(members);
            }
            if !app.is_empty() {
                json.text("app_proto", app);
            }
            json.object("fileinfo", |json| note.write(stores, json));
        });
        self.files.insert(id, note);
    }

    /// The files of an exchange that `dir` sent, for an alert.
    pub(super) fn write_files(&self, mark: &Mark, dir: Dir, json: &mut Json<'_>) {
        let mut notes: Vec<&FileNote> =
            mark.files.iter().filter(|f| f.1 == dir).filter_map(|f| self.files.get(&f.0)).collect();
        // Those that were told of are gone in Suricata, unless nothing came since.
        if notes.iter().any(|note| !note.logged) {
            notes.retain(|note| !note.logged);
        }
        if notes.is_empty() {
            return;
        }
        json.list("files", |json| {
            for note in notes {
                json.item(|json| note.write_with(mark.id, self.settings.store_all, json));
            }
        });
    }
}

/// The path of a request, which HTTP's files without a name are called by.
fn path_of(tx: &dyn Transaction) -> Option<Vec<u8>> {
    let uri = tx.fact(Fact::HttpUri, 0)?;
    let path = uri.bytes()?.split(|b| *b == b'?').next()?;
    (!path.is_empty()).then(|| path.to_vec())
}

/// Files of an exchange as rules see them.
pub(super) struct Kept<'a> {
    pub files: &'a HashMap<u64, FileNote, SeededState>,
    pub of: Vec<(u64, Dir)>,
    /// The exchange is over: what there is of its files is all.
    pub over: bool,
}

impl Content for Kept<'_> {
    fn file(&self, dir: Dir, nth: usize) -> Option<FileView<'_>> {
        let (id, _) = self.of.iter().filter(|f| f.1 == dir).nth(nth)?;
        let note = self.files.get(id)?;
        let (base, data) = note.window(self.over);
        let hashes = note.closed.as_ref().filter(|c| c.complete && !note.gaps).map(|c| c.hashes).unwrap_or_default();
        Some(FileView {
            name: (!note.name.is_empty()).then_some(&note.name[..]),
            data,
            base: base as u64,
            seen: note.looked_len.saturating_sub(base).min(data.len()),
            len: note.size,
            complete: note.closed.as_ref().is_some_and(|c| c.complete) && !note.gaps,
            magic: None,
            md5: hashes.md5.map(|d| d.0),
            sha1: hashes.sha1.map(|d| d.0),
            sha256: hashes.sha256.map(|d| d.0),
        })
    }
}

impl FileNote {
    /// Is it so far that rules look at its content?
    const fn is_shown(&self, over: bool) -> bool {
        over || self.closed.is_some() || self.size >= MIN_INSPECT_LEN
    }

    /// What rules see of its content, and where that begins: all of it at the end, before that what is new and some bytes
    /// before it, so that what a long body costs grows with its length alone.
    fn window(&self, over: bool) -> (usize, &[u8]) {
        if !self.is_shown(over) {
            return (0, &[]);
        }
        let ends = over || self.closed.is_some();
        let base = if ends { 0 } else { self.looked_len.saturating_sub(WINDOW_LEN) };
        (base, self.content.get(base..).unwrap_or_default())
    }

    /// Rules have looked at what there is.
    pub(super) fn note_look(&mut self, over: bool) {
        if self.is_shown(over) {
            self.looked_len = self.content.len();
        }
    }

    /// The members of `fileinfo`. `stored`: Suricata would have kept it.
    fn write(&self, stored: bool, json: &mut Json<'_>) {
        self.members(stored, json);
        if let Some((tx_id, _)) = &self.tx {
            json.number("tx_id", *tx_id);
        }
    }

    /// The members of an alert's `files`.
    fn write_with(&self, tx_id: u64, stored: bool, json: &mut Json<'_>) {
        self.members(stored, json);
        json.number("tx_id", tx_id);
    }

    fn members(&self, stored: bool, json: &mut Json<'_>) {
        if !self.name.is_empty() {
            json.bytes("filename", &self.name);
        }
        json.flag("gaps", self.gaps);
        let complete = self.closed.as_ref().is_some_and(|c| c.complete) && !self.gaps;
        json.text(
            "state",
            match &self.closed {
                None => "UNKNOWN",
                Some(_) if complete => "CLOSED",
                Some(_) => "TRUNCATED",
            },
        );
        if let Some(closed) = &self.closed {
            let Hashes { md5, sha1, sha256 } = &closed.hashes;
            if let (Some(md5), true) = (md5, complete) {
                json.hex("md5", &md5.0);
            }
            if let (Some(sha1), true) = (sha1, complete) {
                json.hex("sha1", &sha1.0);
            }
            // Of what is cut off or has holes: that of what there is before.
            if let Some(sha256) = sha256 {
                json.hex("sha256", &sha256.0);
            }
        }
        json.flag("stored", stored);
        json.number("size", self.size);
        if let Some(start) = self.range {
            json.number("start", start);
            json.number("end", start.saturating_add(self.size).saturating_sub(1));
        }
    }
}
