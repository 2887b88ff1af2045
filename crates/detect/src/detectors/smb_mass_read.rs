//! # smb-mass-read
//! ## How
//! What each client reads from each file server within ten minutes: different files, different directories listed, bytes. `files`: far more than on any day of the last four weeks.
//! `crawl`: hundreds of directories one below the other. `sensitive-names`: files whose names promise passwords, keys, mail boxes, salaries or whole machines are opened.
//! What the client sends out of the network within a day after it is held against what it read.
//! ## Thresholds
//! 300 files or 1 GB, and more than six robust standard deviations above the largest ten minutes of each earlier day (logarithms; 14 days at least). 200
//! directories, of which four in five lie below the one before or beside its parents. Ten different files with such names in an hour. Half of what was read leaves within 24 hours,
//! 1 MB at least. All Sekisho's own choice.
//! ## State
//! 4,096 pairs of hosts, each with two halves of ten minutes (files and directories: exact to 64, then estimated in 1 KiB) and 28 days; 4,096 clients that read
//! much; the least recent forgotten.
//! ## Severity
//! Medium 0.6; high 0.7 if half of it left the network afterwards. `files` without 14 days of the same pair before it is `info`: nobody knows what is usual.
//! One step less for clients that are servers themselves.
//! ## Benign
//! Backup, search indexers, virus scanners, the first synchronisation of a laptop: these come again, or are servers.
//! ## Blind
//! Names and directories in encrypted SMB 3, where only bytes count; listings of SMB 1; NFS. The days before the capture. Files opened before it.
//! ## References
//! ATT&CK T1039, T1083, T1213; Zeek smb_files.

use crate::detection::Scope;
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Ntlm, Row, SmbFiles, SmbHidden, SmbUse};
use crate::statistics::distinct::Distinct;
use crate::statistics::robust::robust_z;
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{
    About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, tale, useful, vital,
};
use sekisho_types::{Addr, Day, Interval, SeededState, Timestamp, Uid};
use std::hash::BuildHasher;

static ABOUT: About = About {
    id: "smb-mass-read",
    title: "copying a file server",
    means: "This client reads far more files or directories from shares than it ever did.",
    techniques: &["T1039", "T1083", "T1213"],
    stage: Stage::Exfil,
    reasons: &[
        Reason { code: "files", means: "Far more files or bytes were read than usual." },
        Reason { code: "crawl", means: "Hundreds of directories were listed one after the other." },
        Reason { code: "sensitive-names", means: "Files were opened whose names promise secrets." },
    ],
    benign: "Backup, search indexers, virus scanners, the first synchronisation of a laptop.",
    clears: "The client is known to copy the server, or reads as before for a week.",
    next: &[
        "Ask whose account it was, and what for.",
        "See what the client sent out of the network afterwards.",
        "Look at the files named here: what would be lost with them?",
    ],
    needs: &[
        vital(What::Some(Traffic::Windows)),
        vital(What::Requests(Traffic::Windows)),
        useful(What::Answers(Traffic::Windows)),
        useful(What::Whole(Traffic::Windows)),
        useful(What::Clear(Traffic::Windows)),
        useful(What::Days(14)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const FILES: &Reason = ABOUT.at(0);
const CRAWL: &Reason = ABOUT.at(1);
const NAMES: &Reason = ABOUT.at(2);

const MAX_PAIRS: usize = 4_096;
/// Half of the time that is looked at.
const HALF: Interval = Interval::from_secs(300);
const MANY_FILES: u64 = 300;
const MUCH: u64 = 1_000_000_000;
const DEVIATIONS: f64 = 6.0;
const MANY_DIRS: u64 = 200;
/// Directories that follow the one before in the tree, in percent.
const IN_ORDER_PERCENT: u64 = 80;
/// Directories above one that are looked at.
const MAX_DEPTH: usize = 24;
/// Files with telling names, within an hour.
const MANY_NAMES: usize = 10;
const HOUR: Interval = Interval::from_secs(3_600);
const MAX_NAMES: usize = 64;
/// Days remembered, and those without which nothing is usual.
const DAYS: usize = 28;
const MIN_DAYS: usize = 14;
/// An upload counts so long after the reading began, from this size on.
const AFTER: Interval = Interval::from_secs(86_400);
const MIN_UPLOAD: u64 = 1_000_000;
/// Text of examples kept.
const MAX_SHOWN_LEN: usize = 400;
const MAX_USER_LEN: usize = 64;

/// Parts of names that promise something, in small letters.
const WORDS: &[&[u8]] = &[
    b"passw",
    b"secret",
    b"credential",
    b"salary",
    b"payroll",
    b".kdbx",
    b".pst",
    b".pfx",
    b"id_rsa",
    b"ntds.dit",
    b".vmdk",
    b".vhdx",
];

/// Half of a window.
#[derive(Default)]
struct Half {
    files: Distinct,
    dirs: Distinct,
    in_order: u64,
    bytes: u64,
}

/// The largest window of a time.
#[derive(Clone, Copy, Default)]
struct Most {
    files: u64,
    dirs: u64,
    in_order: u64,
    bytes: u64,
}

/// What is usual: the largest window of each day, so that it can be kept.
#[derive(Default)]
struct History {
    /// Day by day, the oldest first: files and bytes.
    days: Vec<[f64; 2]>,
}

impl History {
    fn add(&mut self, files: u64, bytes: u64) {
        if self.days.len() >= DAYS {
            self.days.remove(0);
        }
        let ln = |n: u64| (n as f64).ln_1p();
        self.days.push([ln(files), ln(bytes)]);
    }

    /// How far `n` is above what is usual; `None` while that is not known. `of`: 0 files, 1 bytes.
    fn z(&self, n: u64, of: usize) -> Option<f64> {
        if self.days.len() < MIN_DAYS {
            return None;
        }
        let mut all: Vec<f64> = self.days.iter().filter_map(|day| day.get(of).copied()).collect();
        all.sort_unstable_by(f64::total_cmp);
        Some(robust_z((n as f64).ln_1p(), &all, &mut Vec::new()))
    }
}

/// What one client does at one server.
#[derive(Default)]
struct Pair {
    /// Number of the half that `now` is about.
    half: i64,
    now: Half,
    before: Half,
    day: Day,
    today: Most,
    history: History,
    /// Directories above the one listed last, and itself.
    trail: Vec<u64>,
    names: Vec<u64>,
    names_since: Timestamp,
    told: Told,
    user: Box<[u8]>,
}

/// What will be told.
#[derive(Default)]
struct Told {
    files: Option<Sign>,
    crawl: Option<Sign>,
    names: Option<Sign>,
}

struct Sign {
    most: Most,
    z: Option<f64>,
    first: Timestamp,
    last: Timestamp,
    uid: Uid,
    packet: u64,
    last_packet: u64,
    shown: Vec<u8>,
}

impl Sign {
    fn new(row: &SmbUse<'_>) -> Self {
        Self {
            most: Most::default(),
            z: None,
            first: row.ts,
            last: row.until,
            uid: row.uid,
            packet: row.packet,
            last_packet: row.packet,
            shown: Vec::new(),
        }
    }

    fn show(&mut self, name: &[u8]) {
        if self.shown.len() + name.len() < MAX_SHOWN_LEN {
            let gap: &[u8] = if self.shown.is_empty() { b"" } else { b", " };
            self.shown.extend([gap, name].concat());
        }
    }
}

/// A client that read much, and what it sent out since.
struct Reader {
    first: Timestamp,
    bytes: u64,
    sent: u64,
    peer: Addr,
    uid: Uid,
    packet: u64,
}

/// See the module.
pub(crate) struct MassRead {
    seed: u64,
    pairs: Recent<(Addr, Addr), Box<Pair>>,
    readers: Recent<Addr, Reader>,
}

/// The directory that holds `name`.
fn parent(name: &[u8]) -> &[u8] {
    memchr::memrchr(b'\\', name).and_then(|at| name.get(..at)).unwrap_or(&[])
}

fn root(name: &[u8]) -> &[u8] {
    if name == b"<share_root>" { b"" } else { name }
}

impl MassRead {
    pub fn new(scope: &Scope) -> Self {
        let (pairs, readers) = (Recent::of(scope, MAX_PAIRS), Recent::of(scope, MAX_PAIRS));
        Self { seed: scope.seed, pairs, readers }
    }

    fn digest(&self, share: &[u8], name: &[u8]) -> u64 {
        SeededState(self.seed).hash_one((share, name))
    }

    fn used(&mut self, row: &SmbUse<'_>, cx: &Cx<'_>) {
        let is_read = row.read_len > 0 && !row.is_dir;
        if !is_read && !row.listed {
            return;
        }
        let name = root(row.name);
        let (own, above) = (self.digest(row.share, name), self.digest(row.share, parent(name)));
        let mut trail = [0; MAX_DEPTH];
        if row.listed {
            let mut at = name;
            for place in &mut trail {
                *place = self.digest(row.share, at);
                if at.is_empty() {
                    break;
                }
                at = parent(at);
            }
        }
        let pair = self.pairs.at((row.orig, row.resp), Box::default);
        pair.pass(row.until);
        if row.listed && pair.now.dirs.add(own) {
            pair.now.in_order += u64::from(pair.trail.is_empty() || pair.trail.contains(&above));
            pair.trail.clear();
            pair.trail.extend(trail.iter().copied().filter(|d| *d != 0));
        }
        if is_read {
            pair.now.files.add(own);
            pair.now.bytes = pair.now.bytes.saturating_add(row.read_len);
        }
        let most = pair.most();
        if most.files >= MANY_FILES || most.bytes >= MUCH {
            let z = [pair.history.z(most.files, 0), pair.history.z(most.bytes, 1)];
            // By what is reached.
            let [files, bytes] = z;
            let files = files.filter(|_| most.files >= MANY_FILES);
            let bytes = bytes.filter(|_| most.bytes >= MUCH);
            let z = larger(files, bytes);
            if z.is_none_or(|z| z >= DEVIATIONS) {
                note(&mut pair.told.files, row, most, z, name);
            }
        }
        if row.listed && most.dirs >= MANY_DIRS && most.in_order * 100 >= most.dirs * IN_ORDER_PERCENT {
            note(&mut pair.told.crawl, row, most, None, name);
        }
        if pair.told.files.is_some() || pair.told.crawl.is_some() {
            self.reads(row.orig, row.until, most.bytes, row.read_len, cx);
        }
    }

    /// A client that reads much read so much more.
    fn reads(&mut self, client: Addr, ts: Timestamp, window: u64, more: u64, cx: &Cx<'_>) {
        let fresh = || Reader { first: ts, bytes: 0, sent: 0, peer: client, uid: Uid::default(), packet: cx.packet };
        let reader = self.readers.at(client, fresh);
        reader.bytes = if reader.bytes == 0 { window } else { reader.bytes.saturating_add(more) };
    }

    fn hidden(&mut self, row: &SmbHidden<'_>, cx: &Cx<'_>) {
        let pair = self.pairs.at((row.orig, row.resp), Box::default);
        pair.pass(row.until);
        pair.now.bytes = pair.now.bytes.saturating_add(row.read_len);
        let most = pair.most();
        if most.bytes < MUCH {
            return;
        }
        let z = pair.history.z(most.bytes, 1);
        if z.is_none_or(|z| z >= DEVIATIONS) {
            let sign = pair.told.files.get_or_insert_with(|| Sign {
                most,
                z,
                first: row.ts,
                last: row.until,
                uid: row.uid,
                packet: row.packet,
                last_packet: row.packet,
                shown: b"encrypted".to_vec(),
            });
            sign.last = row.until;
            sign.most = Most { bytes: sign.most.bytes.max(most.bytes), ..sign.most };
        }
        self.reads(row.orig, row.until, most.bytes, row.read_len, cx);
    }

    fn opened(&mut self, row: &SmbFiles<'_>, cx: &Cx<'_>) {
        if !row.action.ends_with("FILE_OPEN") || !is_telling(row.name) {
            return;
        }
        let own = self.digest(row.share, row.name);
        let pair = self.pairs.at((row.orig, row.resp), Box::default);
        if (row.ts - pair.names_since).0.abs() > HOUR.0 {
            pair.names.clear();
            pair.names_since = row.ts;
        }
        if pair.names.len() >= MAX_NAMES || pair.names.contains(&own) {
            return;
        }
        pair.names.push(own);
        let sign = pair.told.names.get_or_insert_with(|| Sign {
            most: Most::default(),
            z: None,
            first: row.ts,
            last: row.ts,
            uid: row.uid,
            packet: cx.packet,
            last_packet: cx.packet,
            shown: Vec::new(),
        });
        let count = pair.names.len() as u64;
        if count == 1 && sign.most.files < MANY_NAMES as u64 {
            // A new hour, and the one before had too few.
            (sign.first, sign.uid, sign.packet) = (row.ts, row.uid, cx.packet);
            sign.shown.clear();
        }
        (sign.last, sign.last_packet) = (row.ts, cx.packet);
        sign.most.files = sign.most.files.max(count);
        sign.show(row.name);
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

    fn conn(&mut self, row: &Conn<'_>, cx: &Cx<'_>) {
        if row.orig_bytes == 0 || cx.hosts().is_internal(row.resp) {
            return;
        }
        let Some(reader) = self.readers.get(&row.orig) else { return };
        let ended = row.ts + row.duration;
        if ended < reader.first || row.ts - reader.first > AFTER {
            return;
        }
        if row.orig_bytes > reader.sent / 2 {
            (reader.peer, reader.uid, reader.packet) = (row.resp, row.uid, cx.packet);
        }
        reader.sent = reader.sent.saturating_add(row.orig_bytes);
    }

    fn tell(&self, (client, server): (Addr, Addr), reason: &'static Reason, sign: &Sign, cx: &mut Cx<'_>) {
        let gone = self.readers.peek(&client).filter(|r| r.sent >= MIN_UPLOAD && r.sent.saturating_mul(2) >= r.bytes);
        let unproven = reason.code == FILES.code && sign.z.is_none();
        let (severity, confidence) = match (gone, unproven) {
            (Some(_), _) => (Severity::High, 70),
            (None, true) => (Severity::Info, 40),
            (None, false) => (Severity::Medium, 60),
        };
        let mut raise = Raise::new(&ABOUT, reason, client, severity, Confidence::percent(confidence))
            .key(server.to_string())
            .peer(server)
            .between(sign.first, sign.last)
            .flow(sign.uid)
            .packet(sign.packet)
            .packet(sign.last_packet)
            .lowered_for(Role::Server);
        let Most { files, dirs, bytes, in_order } = sign.most;
        raise = if reason.code == NAMES.code {
            let limit = Some(MANY_NAMES as u64);
            raise.measure(Measure::count("files with telling names in an hour", files, limit, "", Origin::Own))
        } else if reason.code == CRAWL.code {
            raise
                .measure(Measure::count("directories in ten minutes", dirs, Some(MANY_DIRS), "", Origin::Own))
                .measure(Measure::count(
                    "in order of the tree",
                    in_order * 100 / dirs.max(1),
                    Some(IN_ORDER_PERCENT),
                    "%",
                    Origin::Own,
                ))
                .measure(Measure::count("files read in ten minutes", files, None, "", Origin::Own))
        } else {
            raise
                .measure(Measure::count("files read in ten minutes", files, Some(MANY_FILES), "", Origin::Own))
                .measure(Measure::count("bytes read in ten minutes", bytes, Some(MUCH), "bytes", Origin::Own))
        };
        if let Some(z) = sign.z {
            raise =
                raise.measure(Measure::real("robust deviations above its days", z, Some(DEVIATIONS), "", Origin::Own));
        }
        if let Some(gone) = gone {
            raise = raise
                .measure(Measure::count(
                    "sent out of the network since",
                    gone.sent,
                    Some(gone.bytes / 2),
                    "bytes",
                    Origin::Own,
                ))
                .peer(gone.peer)
                .flow(gone.uid)
                .packet(gone.packet);
        }
        let user = self.pairs.peek(&(client, server)).map_or(&[][..], |p| &p.user);
        if !user.is_empty() {
            raise = raise.quote("account", user, 0);
        }
        let by: &[u8] = if user.is_empty() { b"?" } else { user };
        let count = |n: u64, words| (n.to_string(), words);
        let (n, words) = if reason.code == CRAWL.code { count(dirs, tale::LISTED) } else { count(files, tale::READ) };
        if reason.code != NAMES.code {
            raise = raise.tale(words, &[n.as_bytes(), server.to_string().as_bytes(), by]);
        }
        raise = raise.quote("some of them", &sign.shown, sign.packet);
        cx.raise(raise.benign(
            "a backup or indexer that always reads so much",
            if sign.z.is_some() { "no earlier day was like it" } else { "not known: less than 14 days of these hosts" },
        ));
    }
}

/// The larger of those that are known.
fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (one, None) | (None, one) => one,
    }
}

/// Does the name promise something?
fn is_telling(name: &[u8]) -> bool {
    let name = name.get(name.len().saturating_sub(256)..).unwrap_or(name);
    let mut lower = [0; 256];
    let Some(lower) = lower.get_mut(..name.len()) else { return false };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    WORDS.iter().any(|word| memchr::memmem::find(lower, word).is_some())
}

fn note(sign: &mut Option<Sign>, row: &SmbUse<'_>, most: Most, z: Option<f64>, name: &[u8]) {
    let sign = sign.get_or_insert_with(|| Sign::new(row));
    (sign.last, sign.last_packet) = (row.until, row.packet);
    let larger = most.files.max(most.dirs) >= sign.most.files.max(sign.most.dirs);
    if larger || most.bytes > sign.most.bytes {
        (sign.most, sign.z) = (most, z);
    }
    sign.show(name);
}

impl Pair {
    /// It is `ts`.
    fn pass(&mut self, ts: Timestamp) {
        let half = ts.0.div_euclid(HALF.0);
        if half > self.half {
            let old = std::mem::take(&mut self.now);
            self.before = if half == self.half + 1 { old } else { Half::default() };
            self.half = half;
        }
        let day = Day::of(ts);
        if day.0 > self.day.0 {
            // A day on which nothing was read is none of its days.
            if self.today.files + self.today.bytes > 0 {
                self.history.add(self.today.files, self.today.bytes);
            }
            (self.day, self.today) = (day, Most::default());
        }
    }

    /// What there was within the last ten minutes.
    fn most(&mut self) -> Most {
        let most = Most {
            files: self.now.files.count() + self.before.files.count(),
            dirs: self.now.dirs.count() + self.before.dirs.count(),
            in_order: self.now.in_order + self.before.in_order,
            bytes: self.now.bytes.saturating_add(self.before.bytes),
        };
        self.today.files = self.today.files.max(most.files);
        self.today.bytes = self.today.bytes.max(most.bytes);
        most
    }

    fn held_len(&self) -> usize {
        let halves = [&self.now, &self.before].iter().map(|h| h.files.held_len() + h.dirs.held_len()).sum::<usize>();
        let signs = [&self.told.files, &self.told.crawl, &self.told.names];
        let shown: usize = signs.into_iter().flatten().map(|s| s.shown.capacity()).sum();
        let lists = (self.trail.capacity() + self.names.capacity() + self.history.days.capacity()) * size_of::<u64>();
        size_of::<Self>() + halves + shown + lists + self.user.len()
    }
}

impl Detector for MassRead {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Ntlm, Kind::SmbFiles, Kind::SmbHidden, Kind::SmbUse]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Conn(row) => self.conn(row, cx),
            Row::Ntlm(row) => self.account(row),
            Row::SmbFiles(row) => self.opened(row, cx),
            Row::SmbHidden(row) => self.hidden(row, cx),
            Row::SmbUse(row) => self.used(row, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut pairs: Vec<_> = self.pairs.iter().collect();
        pairs.sort_unstable_by_key(|(ends, _)| **ends);
        for (ends, pair) in pairs {
            let names = pair.told.names.as_ref().filter(|s| s.most.files >= MANY_NAMES as u64);
            let signs = [(FILES, pair.told.files.as_ref()), (CRAWL, pair.told.crawl.as_ref()), (NAMES, names)];
            for (reason, sign) in signs {
                if let Some(sign) = sign {
                    self.tell(*ends, reason, sign, cx);
                }
            }
        }
    }

    fn held_len(&self) -> usize {
        let pairs: usize = self.pairs.iter().map(|(_, p)| p.held_len()).sum();
        self.pairs.held_len() + self.readers.held_len() + pairs
    }

    fn forgotten(&self) -> u64 {
        self.pairs.forgotten() + self.readers.forgotten()
    }
}

#[cfg(test)]
mod tests;
