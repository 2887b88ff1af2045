//! Extracted files, unpacked when the pass is over: rows, content beside its parents, totals.

use crate::ground::Ground;
use crate::kept::Kept;
use crate::passwords::Passwords;
use crate::scan::Scan;
use crate::spool::DiskSpool;
use sekisho_files::layout::{FolderId, Layout, Place};
use sekisho_files::{HashSet, Hashers, Hashes, IndexEntry};
use sekisho_unpack::{
    Anomaly, Budget, Completeness, Content, Cut, Form, Kind, Limits, Member, MemberId, Sink, Unpacker, Visit,
};
use std::io::{self, Write};
use std::rc::Rc;

/// What all files of a run may cost together, in shares of what one may.
const RUN_SHARE: u32 = 16;
/// And for each byte of content: work that any file may be worth.
const WORK_PER_BYTE: u64 = 64;
/// Bytes of contents, of one file's members, that are written again although they lie there already.
const AGAIN_LEN_MAX: u64 = 64 << 20;
/// Bytes of a member's name that are kept.
const NAME_LEN_MAX: usize = 512;
/// SHA-256 is known from unpacking.
const OTHERS: HashSet = HashSet { md5: true, sha1: true, sha256: false };

/// One member, as far as rows and trees tell of it.
pub struct Node {
    /// What it was in; none for the file itself.
    pub parent: Option<MemberId>,
    /// How it was got out.
    pub how: &'static str,
    /// The first bytes of its name as in the archive.
    pub name: Box<[u8]>,
    /// Where in its parent it begins.
    pub offset: Option<u64>,
    /// File, link or device.
    pub form: Form,
    /// Type by content.
    pub kind: Kind,
    /// Bytes that there are.
    pub len: u64,
    /// Bytes that it takes in its parent.
    pub stored_len: Option<u64>,
    /// Bytes that its parent announces.
    pub declared_len: Option<u64>,
    /// How much of it there is.
    pub completeness: Completeness,
    /// Of the content that there is.
    pub sha256: [u8; 32],
    /// SHA-1 and MD5, if they are wanted.
    pub hashes: Hashes,
    /// An earlier one with equal content.
    pub same_as: Option<MemberId>,
    /// Number of the password that opened it.
    pub password: Option<usize>,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
    /// Where its content was written.
    place: Option<Place>,
    inside: Option<FolderId>,
}

/// A file's members, the file itself first.
pub struct Unpacked {
    /// By number.
    pub nodes: Vec<Node>,
    layout: Layout,
}

impl Unpacked {
    /// The node with a number.
    pub fn node(&self, id: MemberId) -> Option<&Node> {
        self.nodes.get(usize::try_from(id.0).ok()?)
    }

    /// Path of a node's content, relative to the output folder.
    pub fn path(&self, node: &Node) -> Option<String> {
        node.place.as_ref().map(|place| self.layout.path(place))
    }
}

/// What unpacking came to.
#[derive(Default)]
pub struct Totals {
    /// Files looked into.
    pub files: u64,
    /// Members, whatever their form.
    pub members: u64,
    /// Members whose content was written.
    pub written: u64,
    /// Members that a password opened.
    pub opened: u64,
    /// Members that are macros.
    pub macros: u64,
    /// Most levels below a file.
    pub depth: u64,
    /// Members that nothing could open: encrypted, or by an unknown method.
    pub closed: u64,
    /// Members with less content than they should have.
    pub incomplete: u64,
    /// Things told as odd.
    pub odd: u64,
    /// How often each limit bit.
    pub cuts: [u64; Cut::ALL.len()],
    /// Members that could not be written, and why the first one couldn't.
    pub unwritten: u64,
    /// See `unwritten`.
    pub failure: Option<String>,
    /// Files that could not be read back.
    pub unread: u64,
    /// Contents that did not fit on the spool.
    pub unspooled: u64,
}

/// How a run unpacks.
pub struct Unpacking<'u> {
    limits: Limits,
    left: Left,
    passwords: &'u Passwords,
    spool: DiskSpool,
    digests: bool,
    /// Looks at every content, if it is asked to.
    pub scan: Option<Scan>,
    /// Sums so far.
    pub totals: Totals,
}

/// What is left of the run's budget.
struct Left {
    members: u32,
    total_len: u64,
    work: u64,
}

impl<'u> Unpacking<'u> {
    /// `limits` are for each file; all together may cost a named multiple of them, and unpack `total_len` bytes.
    pub fn new(limits: Limits, total_len: u64, passwords: &'u Passwords, spool: DiskSpool, digests: bool) -> Self {
        let left = Left {
            members: limits.members.saturating_mul(RUN_SHARE),
            total_len,
            work: limits.work.saturating_mul(u64::from(RUN_SHARE)),
        };
        Self { limits, left, passwords, spool, digests, scan: None, totals: Totals::default() }
    }

    /// Unpacks one file; members are written below `ground` if there is one and `write`.
    pub fn file(&mut self, file: &Kept, ground: Option<&mut Ground>, write: bool) -> Option<Unpacked> {
        let content = match file.content(ground.as_deref()) {
            Ok(content) => content,
            Err(e) => {
                self.totals.unread += 1;
                let name = &file.entry.path;
                self.totals.failure.get_or_insert_with(|| format!("{name} cannot be read back: {e}"));
                return None;
            }
        };
        self.left.work = self.left.work.saturating_add(file.entry.size.saturating_mul(WORK_PER_BYTE));
        let mut budget = Budget::new(Limits {
            members: self.limits.members.min(self.left.members),
            total_len: self.limits.total_len.min(self.left.total_len),
            work: self.limits.work.min(self.left.work),
            ..self.limits
        });
        let scan = self.scan.as_mut();
        let mut taker = Taker::new(&file.entry, self.digests, ground.filter(|_| write), scan);
        let whole = file.entry.missing == 0 && !file.entry.cut_off && file.holes.is_empty();
        let sha256 = file.entry.sha256.filter(|_| whole).map(|digest| digest.0);
        let name = file.entry.name.as_ref().map_or(&[][..], |name| &name.0[..]);
        let mut unpacker = Unpacker::new(&mut budget).spool(&mut self.spool).passwords(self.passwords.words());
        unpacker = unpacker.hashed(sha256);
        unpacker.run(content, name, &mut taker);
        let Taker { nodes, layout, written, unwritten, failure, .. } = taker;
        self.totals.written += written;
        self.totals.unwritten += unwritten;
        if self.totals.failure.is_none() {
            self.totals.failure = failure;
        }
        self.spend(&budget);
        let unpacked = Unpacked { nodes, layout };
        self.totals.add(&unpacked);
        self.totals.unspooled = self.spool.refusals();
        if let (Some(e), None) = (self.spool.failures().1, &self.totals.failure) {
            self.totals.failure = Some(format!("temporary file: {e}"));
        }
        Some(unpacked)
    }

    fn spend(&mut self, budget: &Budget) {
        self.left.members = self.left.members.saturating_sub(budget.members());
        self.left.total_len = self.left.total_len.saturating_sub(budget.total_len());
        self.left.work = self.left.work.saturating_sub(budget.work_done());
        for (sum, (_, count)) in self.totals.cuts.iter_mut().zip(budget.cuts()) {
            *sum += u64::from(count);
        }
    }
}

impl Totals {
    fn add(&mut self, unpacked: &Unpacked) {
        self.files += 1;
        let mut depths: Vec<u64> = Vec::with_capacity(unpacked.nodes.len());
        for node in &unpacked.nodes {
            let above = node.parent.and_then(|p| depths.get(usize::try_from(p.0).ok()?));
            let depth = above.map_or(0, |d| d + 1);
            depths.push(depth);
            self.depth = self.depth.max(depth);
            self.odd += node.anomalies.iter().filter(|a| !matches!(a, Anomaly::Cut(_))).count() as u64;
            if node.parent.is_none() {
                continue;
            }
            self.members += 1;
            self.opened += u64::from(node.password.is_some());
            self.macros += u64::from(is_macro(node));
            match node.completeness {
                Completeness::Complete => {}
                Completeness::Encrypted | Completeness::Unsupported(_) => self.closed += 1,
                Completeness::Truncated | Completeness::Damaged(_) | Completeness::Budget(_) => self.incomplete += 1,
            }
        }
    }

    /// Limits that bit, and how often.
    pub fn cuts(&self) -> impl Iterator<Item = (Cut, u64)> {
        Cut::ALL.into_iter().zip(self.cuts).filter(|(_, count)| *count > 0)
    }
}

/// Is it the source of a macro?
pub fn is_macro(node: &Node) -> bool {
    node.how == "vba"
}

/// Takes the members of one file.
struct Taker<'t> {
    nodes: Vec<Node>,
    layout: Layout,
    file: &'t IndexEntry,
    digests: bool,
    ground: Option<&'t mut Ground>,
    scan: Option<&'t mut Scan>,
    written: u64,
    /// Bytes written that lay there already.
    again_len: u64,
    unwritten: u64,
    failure: Option<String>,
    /// The disk is full, or the like: there is no use in going on.
    stop: bool,
}

impl<'t> Taker<'t> {
    fn new(file: &'t IndexEntry, digests: bool, ground: Option<&'t mut Ground>, scan: Option<&'t mut Scan>) -> Self {
        Self {
            nodes: Vec::new(),
            layout: Layout::new(&file.path, 0),
            file,
            digests,
            ground,
            scan,
            written: 0,
            again_len: 0,
            unwritten: 0,
            failure: None,
            stop: false,
        }
    }

    /// A place for a member, in the folder of its parent's members.
    fn place(&mut self, node: &Node) -> Option<Place> {
        let parent = usize::try_from(node.parent?.0).ok()?;
        let above = self.nodes.get_mut(parent)?;
        let folder = match (above.inside, &above.place) {
            (Some(folder), _) => folder,
            (None, _) if parent == 0 => FolderId::default(),
            (None, Some(place)) => {
                let folder = self.layout.inside(place);
                above.inside = Some(folder);
                folder
            }
            // The parent could not be written.
            (None, None) => FolderId::default(),
        };
        let above_name = if parent == 0 { &self.file.path } else { above.place.as_ref().map_or("", |p| &p.name) };
        let nameless = nameless(node, above_name);
        let is_number = matches!(node.how, "pdf" | "pdf-file" | "pdf-objects" | "resource")
            && node.name.iter().all(u8::is_ascii_digit);
        let name: &[u8] = if is_number { b"" } else { &node.name };
        Some(self.layout.place(folder, name, &nameless))
    }

    /// Writes a member's content, and computes the digests that only its row tells.
    fn take(&mut self, node: &mut Node, content: &Content<'_>) {
        if let Some(first) = node.same_as.and_then(|id| self.nodes.get(usize::try_from(id.0).ok()?)) {
            // What it was hashed to is known; and an archive that names one content a thousand times fills no disk.
            node.hashes = first.hashes;
            self.again_len = self.again_len.saturating_add(content.len());
            if self.again_len > AGAIN_LEN_MAX {
                node.place = first.place.clone();
                return;
            }
        }
        let is_there = !content.is_empty() || node.completeness == Completeness::Complete;
        let is_member = node.parent.is_some() && node.form == Form::File && is_there;
        let place = if is_member && self.ground.is_some() && !self.stop { self.place(node) } else { None };
        let mut file = None;
        if let (Some(place), Some(ground)) = (&place, self.ground.as_deref_mut()) {
            let made = ground.create_below(&self.layout.components(place.folder), &place.name);
            file = self.note(made, place);
        }
        let hashed = node.hashes != Hashes::default();
        let mut digests = if self.digests && is_member && !hashed { Hashers::new(OTHERS) } else { None };
        let mut result = Ok(());
        if digests.is_some() || file.is_some() {
            content.pieces(&mut |piece| {
                if let Some(digests) = &mut digests {
                    digests.update(piece);
                }
                if let Some(file) = &mut file {
                    result = file.write_all(piece);
                }
                result.is_ok()
            });
        }
        if let Some(digests) = digests {
            node.hashes = digests.finish();
        }
        let Some(place) = place.filter(|_| file.is_some()) else { return };
        let failed = result.is_err();
        if self.note(result, &place).is_some() {
            self.written += 1;
            node.place = Some(place);
        } else if let (true, Some(ground)) = (failed, self.ground.as_deref_mut()) {
            // Nothing half-written stays behind.
            let _ = ground.remove_last(&place.name);
        }
    }

    fn note<T>(&mut self, result: io::Result<T>, place: &Place) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(e) => {
                self.unwritten += 1;
                use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
                self.stop |= matches!(e.kind(), PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull);
                let path = self.layout.path(place);
                self.failure.get_or_insert_with(|| format!("{path} cannot be written: {e}"));
                None
            }
        }
    }
}

impl Sink for Taker<'_> {
    fn member(&mut self, member: &Member<'_>, content: &Content<'_>) -> Visit {
        let step = member.step();
        let name = step.filter(|_| member.parent.is_some()).map_or(&[][..], |step| &step.name);
        let mut node = Node {
            parent: member.parent,
            how: step.map_or("", |step| step.how),
            name: name.get(..NAME_LEN_MAX).unwrap_or(name).into(),
            offset: step.and_then(|step| step.offset).filter(|_| member.parent.is_some()),
            form: shortened(member.form),
            kind: member.kind,
            len: content.len(),
            stored_len: member.stored_len.filter(|_| member.parent.is_some()),
            declared_len: member.declared_len,
            completeness: member.completeness,
            sha256: member.sha256,
            hashes: Hashes::default(),
            same_as: member.same_as,
            password: member.password,
            anomalies: Vec::new(),
            place: None,
            inside: None,
        };
        self.take(&mut node, content);
        if let Some(scan) = &mut self.scan {
            scan.member(self.file, member, content);
        }
        self.nodes.push(node);
        if self.stop { Visit::Stop } else { Visit::Open }
    }

    fn anomaly(&mut self, member: MemberId, anomaly: Anomaly) {
        let node = usize::try_from(member.0).ok().and_then(|i| self.nodes.get_mut(i));
        if let Some(node) = node.filter(|node| !node.anomalies.contains(&anomaly)) {
            node.anomalies.push(anomaly);
        }
    }
}

/// Targets of links are names as well.
fn shortened(form: &Form) -> Form {
    let cut = |target: &Rc<[u8]>| Rc::from(target.get(..NAME_LEN_MAX).unwrap_or(target));
    match form {
        Form::HardLink(target) => Form::HardLink(cut(target)),
        Form::SymLink(target) => Form::SymLink(cut(target)),
        other => other.clone(),
    }
}

/// What to call a member whose name says nothing: what `gzip` made of `a.tar.gz` is `a.tar`; else how and where it was found.
fn nameless(node: &Node, above: &str) -> String {
    /// Endings that a compressor adds, and what is left when it is taken away.
    const ENDINGS: &[(&str, &str)] = &[
        (".tgz", ".tar"),
        (".tbz2", ".tar"),
        (".txz", ".tar"),
        (".tzst", ".tar"),
        (".gz", ""),
        (".bz2", ""),
        (".xz", ""),
        (".lzma", ""),
        (".lz", ""),
        (".zst", ""),
        (".lz4", ""),
        (".z", ""),
        (".br", ""),
        (".b64", ""),
        (".uu", ""),
        (".hex", ""),
    ];
    let lower = above.to_ascii_lowercase();
    let fitting = ENDINGS.iter().find(|(ending, _)| lower.len() > ending.len() && lower.ends_with(ending));
    if let (
        Some((ending, left)),
        "bzip2" | "compress" | "gzip" | "lz4" | "lzip" | "lzma" | "xz" | "zstd" | "base64" | "hex",
    ) = (fitting, node.how)
    {
        return format!("{}{left}", &above[..above.len() - ending.len()]);
    }
    let number = String::from_utf8_lossy(&node.name);
    match (number.is_empty(), node.offset) {
        (false, _) => format!("{}-{number}.{}", node.how, node.kind.name()),
        (true, Some(at)) if at > 0 => format!("{}-{at}.{}", node.how, node.kind.name()),
        _ => format!("{}.{}", node.how, node.kind.name()),
    }
}
