//! # smb-mass-modify
//! ## How
//! What each client does to the files of each server within a minute. `encrypt`: files read as a whole and then written as a whole, before of ordinary and afterwards of
//! random bytes; or written anew beside the old one, under its name with another ending, and the old one deleted. `rename-ext`: many files get one and the same new ending that is none
//! of some 300 in use. `note`: one small text is created in several directories. `delete`: very many files are deleted. Of encrypted SMB only the sizes are
//! seen: as much is written as was just read, again and again, in different sizes (`encrypt`).
//! ## Thresholds
//! In 60 seconds: ten files of which four fifths were read and written, entropy of the first 1,024 bytes below 7.0 before and 7.3 bits or more afterwards (256 bytes at
//! least; nDPI takes what lies above 7.312 as encrypted); ten renames to one ending; a note in five directories, and no more other files created than notes; 200 deletions; encrypted: 20
//! pairs within a twentieth, of ten sizes (one size is how a file is copied). Sekisho's own choice; the aim, an alarm within 20 seconds and before
//! more than ten files are lost, is that of Morato et al.
//! ## State
//! 4,096 pairs of hosts with 64 files of 40 bytes, four endings and four notes each; the least recent forgotten.
//! ## Severity
//! Two of these signs from one client at one server critical 0.9; one critical 0.7; `delete` alone, and sizes alone, medium 0.4.
//! ## Benign
//! Conversion of pictures or archives (random before and after), packing a folder (nothing is overwritten), tidying up, copying a tree with equal files in it (other files come with
//! them). Encryption that somebody wants: mute it by client and server.
//! ## Blind
//! Files shorter than 256 bytes; files of which only the first part is encrypted; files that were random before (pictures, archives: renames and notes remain). Paths in encrypted SMB 3.
//! NFS. Files opened before the capture.
//! ## References
//! Morato et al., Ransomware early detection by the analysis of file sharing traffic, JNCA 2018; Berrueta et al. 2022; ATT&CK T1486, T1485.

mod extensions;

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Kind, Ntlm, Row, SmbHidden, SmbUse};
use crate::statistics::window::Recently;
use crate::table::Recent;
use crate::{Cx, Raise};
use extensions::{extension, is_common, stem};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, SeededState, Timestamp, Uid};
use std::collections::VecDeque;
use std::hash::BuildHasher;

static ABOUT: About = About {
    id: "smb-mass-modify",
    title: "files being encrypted or destroyed over the network",
    means: "This client rewrites or renames many files on a share in the way ransomware does.",
    techniques: &["T1486", "T1485"],
    stage: Stage::Impact,
    reasons: &[
        Reason { code: "encrypt", means: "Many files were read and overwritten with random-looking bytes." },
        Reason { code: "rename-ext", means: "Many files were given the same unusual ending." },
        Reason { code: "note", means: "The same small text was put into several directories." },
        Reason { code: "delete", means: "Very many files were deleted at once." },
    ],
    benign: "Conversion of pictures or archives, encryption that somebody wants, tidying up, migration scripts.",
    clears: "The program that changes the files is known and wanted.",
    next: &[
        "Take the client off the network, and leave it on.",
        "Set the share to read-only, and see which files have changed since the time named here.",
        "See how the client was reached, and whether others do the same.",
    ],
    needs: &[
        vital(What::Some(Traffic::Windows)),
        vital(What::Requests(Traffic::Windows)),
        useful(What::Answers(Traffic::Windows)),
        useful(What::Whole(Traffic::Windows)),
        useful(What::Uncut(Traffic::Windows)),
        useful(What::Clear(Traffic::Windows)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const MAX_PAIRS: usize = 4_096;
/// Files remembered of a pair.
const MAX_FILES: usize = 64;
/// Endings and notes remembered of a pair.
const MAX_ENDINGS: usize = 4;
const MAX_NOTES: usize = 4;

const WINDOW: Interval = Interval::from_secs(60);
const MANY: usize = 10;
/// Thousandths of a bit for each byte.
const RANDOM: u64 = 7_300;
const ORDINARY: u64 = 7_000;
/// Of a file's size, in percent.
const WHOLE_PERCENT: u64 = 80;
const NOTE_DIRS: usize = 5;
const MAX_NOTE_LEN: u64 = 65_536;
const MANY_DELETED: usize = 200;
const HIDDEN_PAIRS: u64 = 20;
const HIDDEN_SIZES: u64 = 10;
/// Text of examples kept.
const MAX_SHOWN_LEN: usize = 480;
const MAX_USER_LEN: usize = 64;

/// Small texts that programs put into every directory.
const HOUSEKEEPING: &[&[u8]] = &[b"desktop.ini", b".ds_store", b"thumbs.db", b".directory", b"folder.htt", b".gitkeep"];

/// A file that was read, or written anew.
#[derive(Clone, Copy)]
struct Seen {
    /// Digests of its name, and of its name without the ending.
    name: u64,
    stem: u64,
    ts: Timestamp,
    size: u64,
    entropy: u64,
    /// A random copy of it was written under another name.
    copied: Option<u64>,
}

/// Signs of one kind within a minute.
#[derive(Default)]
struct Burst {
    times: VecDeque<Timestamp>,
    count: u64,
    /// When the limit was reached: first sign of that minute, and the sign that reached it.
    reached: Option<(Timestamp, Timestamp)>,
    last: Timestamp,
    uid: Uid,
    packet: u64,
    last_packet: u64,
    shown: Vec<u8>,
}

impl Burst {
    /// One more sign; `need` of them within a minute are enough.
    fn add(&mut self, row: &SmbUse<'_>, need: usize, shown: &[u8]) {
        self.note(row, need, shown);
        if let (true, Some(first)) = (self.times.len() >= need, self.times.front()) {
            self.reach(*first, row.until);
        }
    }

    fn reach(&mut self, first: Timestamp, full: Timestamp) {
        self.reached.get_or_insert((first, full));
    }

    /// One more sign; the times of the last `most` within a minute are kept.
    fn note(&mut self, row: &SmbUse<'_>, most: usize, shown: &[u8]) {
        while self.times.front().is_some_and(|first| row.until - *first > WINDOW) {
            self.times.pop_front();
        }
        if self.reached.is_none() && self.times.is_empty() {
            (self.count, self.uid, self.packet) = (0, row.uid, row.packet);
            self.shown.clear();
        }
        if self.times.len() >= most {
            self.times.pop_front();
        }
        self.times.push_back(row.until);
        self.count += 1;
        (self.last, self.last_packet) = (row.until, row.packet);
        if self.shown.len() + shown.len() < MAX_SHOWN_LEN {
            let gap: &[u8] = if self.shown.is_empty() { b"" } else { b", " };
            self.shown.extend([gap, shown].concat());
        }
    }

    fn held_len(&self) -> usize {
        self.times.capacity() * size_of::<Timestamp>() + self.shown.capacity()
    }
}

/// A small text and the directories that it was put into.
struct Note {
    digest: (u64, u64),
    dirs: Vec<u64>,
    first: Timestamp,
    burst: Burst,
}

/// What one client does to the files of one server.
#[derive(Default)]
struct Pair {
    files: VecDeque<Seen>,
    encrypted: Burst,
    renamed: Vec<(Box<[u8]>, Burst)>,
    notes: Vec<Note>,
    /// Files created within a minute that are neither notes nor random.
    others: Recently,
    deleted: Burst,
    hidden: Option<(Timestamp, Timestamp, u64, u64, Uid, u64)>,
    user: Box<[u8]>,
}

impl Pair {
    fn held_len(&self) -> usize {
        let renamed: usize = self.renamed.iter().map(|(ext, b)| ext.len() + size_of::<Burst>() + b.held_len()).sum();
        let notes: usize =
            self.notes.iter().map(|n| n.dirs.capacity() * 8 + size_of::<Note>() + n.burst.held_len()).sum();
        size_of::<Self>()
            + self.files.capacity() * size_of::<Seen>()
            + self.encrypted.held_len()
            + self.deleted.held_len()
            + renamed
            + notes
            + self.user.len()
    }

    /// A file as it was before.
    fn remember(&mut self, seen: Seen) {
        self.files.retain(|f| f.name != seen.name);
        if self.files.len() >= MAX_FILES {
            self.files.pop_front();
        }
        self.files.push_back(seen);
    }

    /// The file of that name, or of which a file of that name is the copy with another ending, read within the last minute.
    fn original(&mut self, row: &SmbUse<'_>, name: u64, stem: u64) -> Option<&mut Seen> {
        let is_it = |f: &&mut Seen| f.name == name || (row.created && (f.name == stem || f.stem == stem));
        self.files.iter_mut().rev().find(is_it).filter(|f| row.until - f.ts <= WINDOW)
    }
}

/// See the module.
pub(crate) struct MassModify {
    seed: u64,
    pairs: Recent<(Addr, Addr), Box<Pair>>,
}

/// Is `part` four fifths of `whole`?
fn is_most(part: u64, whole: u64) -> bool {
    whole > 0 && part.saturating_mul(100) >= whole.saturating_mul(WHOLE_PERCENT)
}

/// `docs\a.txt: entropy 4.2 → 7.9`
fn change(name: &[u8], before: u64, after: u64) -> Vec<u8> {
    let bits = |milli: u64| format!("{}.{}", milli / 1000, milli / 100 % 10);
    let name = name.get(..96).unwrap_or(name);
    [name, format!(": entropy {} → {}", bits(before), bits(after)).as_bytes()].concat()
}

impl MassModify {
    pub fn new(scope: &Scope) -> Self {
        Self { seed: scope.seed, pairs: Recent::of(scope, MAX_PAIRS) }
    }

    fn digest(&self, share: &[u8], name: &[u8]) -> u64 {
        SeededState(self.seed).hash_one((share, name))
    }

    fn used(&mut self, row: &SmbUse<'_>) {
        if row.is_dir {
            return;
        }
        // By the name that it had while it was read and written.
        let name = row.before.unwrap_or(row.name);
        let (own, without) = (self.digest(row.share, name), self.digest(row.share, stem(name)));
        let dir = memchr::memrchr(b'\\', name).and_then(|at| name.get(..at)).unwrap_or(&[]);
        let dir = self.digest(row.share, dir);
        let pair = self.pairs.at((row.orig, row.resp), Box::default);
        let ordinary = row.read_entropy.filter(|e| *e < ORDINARY);
        if let Some(entropy) = ordinary.filter(|_| is_most(row.read_len, row.size)) {
            let seen = Seen { name: own, stem: without, ts: row.until, size: row.size, entropy, copied: None };
            pair.remember(seen);
        }
        let mut explained = false;
        if let Some(after) = row.written_entropy.filter(|e| *e >= RANDOM)
            && let Some(file) = pair.original(row, own, without)
            && is_most(row.written_len, file.size)
        {
            explained = true;
            if file.name == own {
                let (name, before) = (file.name, file.entropy);
                pair.files.retain(|f| f.name != name);
                pair.encrypted.add(row, MANY, &change(row.name, before, after));
            } else {
                // Lost only when the original is deleted.
                file.copied = Some(after);
            }
        }
        if row.deleted {
            let copied = pair.files.iter().find(|f| f.name == own).and_then(|f| Some((f.entropy, f.copied?)));
            if let Some((before, after)) = copied {
                pair.files.retain(|f| f.name != own);
                pair.encrypted.add(row, MANY, &change(row.name, before, after));
            }
            pair.deleted.add(row, MANY_DELETED, row.name);
        }
        if row.before.is_some() {
            pair.rename(row);
        }
        if row.created && row.before.is_none() {
            pair.created(row, dir, explained);
        }
    }

    fn hidden(&mut self, row: &SmbHidden<'_>) {
        if row.pairs < HIDDEN_PAIRS || row.sizes < HIDDEN_SIZES {
            return;
        }
        let pair = self.pairs.at((row.orig, row.resp), Box::default);
        let (first, pairs, sizes) = pair.hidden.map_or((row.ts, 0, 0), |h| (h.0, h.2, h.3));
        pair.hidden = Some((first, row.until, pairs + row.pairs, sizes.max(row.sizes), row.uid, row.packet));
    }

    fn account(&mut self, row: &Ntlm<'_>) {
        if row.user.is_empty() || row.success == Some(false) {
            return;
        }
        let user = row.user.get(..MAX_USER_LEN).unwrap_or(row.user);
        let pair = self.pairs.at((row.orig, row.resp), Box::default);
        if *pair.user != *user {
            pair.user = user.into();
        }
    }
}

impl Pair {
    fn rename(&mut self, row: &SmbUse<'_>) {
        let before = row.before.unwrap_or_default();
        let Some(new) = extension(row.name).filter(|new| !is_common(new)) else { return };
        if extension(before).is_some_and(|old| old.eq_ignore_ascii_case(new)) {
            return;
        }
        let at = match self.renamed.iter().position(|(ext, _)| **ext == *new) {
            Some(at) => at,
            None => {
                if self.renamed.len() >= MAX_ENDINGS {
                    let old = self.renamed.iter().position(|(_, burst)| burst.reached.is_none());
                    let Some(old) = old else { return };
                    self.renamed.remove(old);
                }
                self.renamed.push((new.into(), Burst::default()));
                self.renamed.len() - 1
            }
        };
        if let Some((_, burst)) = self.renamed.get_mut(at) {
            burst.add(row, MANY, row.name);
        }
    }

    fn created(&mut self, row: &SmbUse<'_>, dir: u64, explained: bool) {
        let last = row.name.rsplit(|b| *b == b'\\').next().unwrap_or(row.name);
        let is_housekeeping = HOUSEKEEPING.iter().any(|known| last.eq_ignore_ascii_case(known));
        let digest = row
            .written_digest
            .filter(|_| row.written_text && row.written_len > 0 && row.written_len <= MAX_NOTE_LEN && !is_housekeeping);
        let Some(digest) = digest.map(|digest| (digest, row.written_len)) else {
            if !explained && row.written_len > 0 {
                self.others.add(row.until, WINDOW, 1);
            }
            return;
        };
        let at = match self.notes.iter().position(|n| n.digest == digest) {
            Some(at) => at,
            None => {
                // Until it is seen a second time it is a file like others.
                self.others.add(row.until, WINDOW, 1);
                if self.notes.len() >= MAX_NOTES {
                    let old = self.notes.iter().position(|n| n.burst.reached.is_none());
                    let Some(old) = old else { return };
                    self.notes.remove(old);
                }
                let burst = Burst::default();
                self.notes.push(Note { digest, dirs: Vec::new(), first: row.until, burst });
                self.notes.len() - 1
            }
        };
        let others = self.others.add(row.until, WINDOW, 0);
        let Some(note) = self.notes.get_mut(at) else { return };
        if row.until - note.first > WINDOW && note.burst.reached.is_none() {
            note.dirs.clear();
            note.first = row.until;
        }
        if note.dirs.contains(&dir) {
            return;
        }
        if note.dirs.len() < MAX_FILES {
            note.dirs.push(dir);
        }
        note.burst.note(row, NOTE_DIRS, row.name);
        if note.dirs.len() >= NOTE_DIRS && note.dirs.len() as u64 >= others {
            note.burst.reach(note.first, row.until);
        }
    }

    /// What there is to tell.
    fn signs(&self) -> Vec<(&'static Reason, &Burst, Vec<u8>)> {
        let mut all = Vec::new();
        if self.encrypted.reached.is_some() {
            all.push((ABOUT.at(0), &self.encrypted, Vec::new()));
        }
        let reached = |b: &Burst| b.reached.is_some();
        let endings = self.renamed.iter().filter(|(_, b)| reached(b));
        all.extend(endings.map(|(ext, burst)| (ABOUT.at(1), burst, ext.to_vec())));
        all.extend(self.notes.iter().filter(|n| reached(&n.burst)).map(|n| (ABOUT.at(2), &n.burst, Vec::new())));
        if reached(&self.deleted) {
            all.push((ABOUT.at(3), &self.deleted, Vec::new()));
        }
        all
    }
}

fn begin(
    reason: &'static Reason,
    (client, server): (Addr, Addr),
    pair: &Pair,
    (severity, confidence): (Severity, u8),
) -> Raise {
    let raise = Raise::new(&ABOUT, reason, client, severity, Confidence::percent(confidence))
        .key(server.to_string())
        .peer(server);
    if pair.user.is_empty() { raise } else { raise.quote("account", &pair.user, 0) }
}

fn tell(ends: (Addr, Addr), pair: &Pair, cx: &mut Cx<'_>) {
    let signs = pair.signs();
    let mut kinds: Vec<&str> = signs.iter().map(|(reason, ..)| reason.code).collect();
    kinds.dedup();
    for (reason, burst, ending) in &signs {
        let Some((first, full)) = burst.reached else { continue };
        let grade = match (kinds.len(), reason.code) {
            (2.., _) => (Severity::Critical, 90),
            (_, "delete") => (Severity::Medium, 40),
            _ => (Severity::Critical, 70),
        };
        let limit = match reason.code {
            "delete" => MANY_DELETED as u64,
            "note" => NOTE_DIRS as u64,
            _ => MANY as u64,
        };
        let technique = if reason.code == "delete" { "T1485" } else { "T1486" };
        let seconds = (full - first).0 as f64 / 1e9;
        let span = (burst.last - first).0.max(1_000_000_000) as f64 / 1e9;
        let mut raise = begin(reason, ends, pair, grade)
            .technique(technique)
            .between(first, burst.last)
            .times(burst.count)
            .flow(burst.uid)
            .packet(burst.packet)
            .packet(burst.last_packet)
            .measure(Measure::count("files", burst.count, Some(limit), "", Origin::Own))
            .measure(Measure::real("time from the first to the limit", seconds, Some(60.0), "s", Origin::Own))
            .measure(Measure::real("files a second", burst.count as f64 / span, None, "1/s", Origin::Own))
            .measure(Measure::count("kinds of signs", kinds.len() as u64, Some(2), "", Origin::Own));
        if !ending.is_empty() {
            raise = raise.quote("ending", ending, burst.packet);
        }
        cx.raise(raise.quote("the first of them", &burst.shown, burst.packet));
    }
    if let Some((first, last, pairs, sizes, uid, packet)) = pair.hidden.filter(|_| signs.is_empty()) {
        let raise = begin(ABOUT.at(0), ends, pair, (Severity::Medium, 40))
            .technique("T1486")
            .between(first, last)
            .flow(uid)
            .packet(packet)
            .measure(Measure::count("times as much was written as read", pairs, Some(HIDDEN_PAIRS), "", Origin::Own))
            .measure(Measure::count("different sizes", sizes, Some(HIDDEN_SIZES), "", Origin::Own));
        cx.raise(raise.benign("copying of large files, which goes in equal pieces", "the sizes differ"));
    }
}

impl Detector for MassModify {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Ntlm, Kind::SmbHidden, Kind::SmbUse]
    }

    fn row(&mut self, row: &Row<'_>, _cx: &mut Cx<'_>) {
        match row {
            Row::Ntlm(row) => self.account(row),
            Row::SmbHidden(row) => self.hidden(row),
            Row::SmbUse(row) => self.used(row),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut pairs: Vec<_> = self.pairs.iter().collect();
        pairs.sort_unstable_by_key(|(ends, _)| **ends);
        for (ends, pair) in pairs {
            tell(*ends, pair, cx);
        }
    }

    fn held_len(&self) -> usize {
        self.pairs.held_len() + self.pairs.iter().map(|(_, p)| p.held_len()).sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.pairs.forgotten()
    }
}

#[cfg(test)]
mod tests;
