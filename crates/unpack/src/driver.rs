//! The walk through the tree: a stack of open containers.

use crate::budget::{Budget, Cut};
use crate::content::{Content, Lease, NoSpool, Spool, Tally};
use crate::formats;
use crate::keyring::Keyring;
use crate::kind::{self, Kind};
use crate::lister::{Entry, Lister, Listing, When};
use crate::member::{Anomaly, Completeness, Form, Member, MemberId, Sink, Step, Visit};
use crate::recipe::{self, Made, Means, Recipe};
use hashbrown::HashMap;
use sekisho_inflate::{Coding, Inflater, Outcome, Stop};
use sekisho_types::SeededState;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;

/// Shortest text that counts as found by guessing: shorter ones come about by chance.
const READABLE_LEN_MIN: u64 = 10;
/// Trailers shorter than this are padding.
const TRAILER_LEN_MIN: u64 = 4;

/// Units of work for a byte that is hashed and looked at.
const HASH_WORK: u64 = 2;

/// Unpacks contents within a budget.
pub struct Unpacker<'u> {
    budget: &'u mut Budget,
    spool: Option<&'u mut dyn Spool>,
    passwords: &'u [Vec<u8>],
    kind: Option<Kind>,
    sha256: Option<[u8; 32]>,
}

/// An open container.
struct Frame<'a> {
    id: MemberId,
    content: Content<'a>,
    sha256: [u8; 32],
    entries: VecDeque<Entry>,
    blocks: Vec<Recipe>,
    /// What the list of entries takes.
    _lease: Lease,
    /// The solid block made last.
    block: Option<(usize, Content<'a>, Completeness)>,
}

/// One call of [`Unpacker::run`].
struct Walk<'w, 'a> {
    budget: &'w mut Budget,
    spool: &'w mut dyn Spool,
    keyring: &'w Keyring<'w>,
    sink: &'w mut dyn Sink,
    tally: Tally,
    stack: Vec<Frame<'a>>,
    /// Steps of the open containers and of the member at hand.
    path: Vec<Step>,
    seen: HashMap<[u8; 32], MemberId, SeededState>,
    next_id: u32,
    /// Type of the outermost content, if given.
    root_kind: Option<Kind>,
    /// Its digest, if known.
    root_sha256: Option<[u8; 32]>,
}

impl<'u> Unpacker<'u> {
    /// Without spool and passwords.
    pub fn new(budget: &'u mut Budget) -> Self {
        Self { budget, spool: None, passwords: &[], kind: None, sha256: None }
    }

    /// What is too large for memory goes to `spool`.
    #[must_use]
    pub fn spool(mut self, spool: &'u mut dyn Spool) -> Self {
        self.spool = Some(spool);
        self
    }

    /// Tried on encrypted members, in order; the first [`crate::PASSWORD_COUNT_MAX`].
    #[must_use]
    pub fn passwords(mut self, passwords: &'u [Vec<u8>]) -> Self {
        self.passwords = passwords;
        self
    }

    /// Takes the outermost content to be of this type, whatever it looks like.
    #[must_use]
    pub fn taken_as(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The outermost content's SHA-256, if it is known: then it isn't computed again.
    #[must_use]
    pub fn hashed(mut self, sha256: Option<[u8; 32]>) -> Self {
        self.sha256 = sha256;
        self
    }

    /// Tells `sink` of `content` and of all that is in it. `name` is a hint of what it is called, may be empty.
    pub fn run(&mut self, content: Content<'_>, name: &[u8], sink: &mut dyn Sink) {
        let mut none = NoSpool;
        let spool: &mut dyn Spool = match self.spool.as_mut() {
            Some(spool) => &mut **spool,
            None => &mut none,
        };
        let keyring = Keyring::new(self.passwords, self.budget.limits());
        let mut walk = Walk {
            budget: self.budget,
            spool,
            keyring: &keyring,
            sink,
            tally: Tally::default(),
            stack: Vec::new(),
            path: Vec::new(),
            // Keys are digests; an attacker who aims at this table must find them by trying.
            seen: HashMap::with_hasher(SeededState(0x756e_7061_636b)),
            next_id: 0,
            root_kind: self.kind,
            root_sha256: self.sha256,
        };
        let root = Entry::new("", name, Recipe::slice(0, content.len()));
        let made = Made { completeness: recipe::whole(&content), content, trailing: 0 };
        if walk.visit(&root, made) {
            walk.run();
        }
    }
}

impl<'a> Walk<'_, 'a> {
    fn run(&mut self) {
        while let Some(frame) = self.stack.last_mut() {
            let Some(entry) = frame.entries.pop_front() else {
                self.stack.pop();
                self.path.pop();
                continue;
            };
            if let Some(cut) = self.budget.spent() {
                self.give_up(cut);
                return;
            }
            let Some(made) = self.make(&entry) else { return };
            self.trailer(&entry, made.trailing);
            if !self.visit(&entry, made) {
                return;
            }
        }
    }

    /// Work or time is up: what is still open is told to be incomplete.
    fn give_up(&mut self, cut: Cut) {
        for frame in &self.stack {
            self.budget.count(cut);
            self.sink.anomaly(frame.id, Anomaly::Cut(cut));
        }
    }

    /// Content of an entry of the topmost container.
    fn make(&mut self, entry: &Entry) -> Option<Made<'a>> {
        let frame = self.stack.last_mut()?;
        let mut means = Means { budget: self.budget, spool: self.spool, tally: &self.tally };
        let Some(number) = entry.recipe.block else {
            return Some(recipe::make(&entry.recipe, &frame.content, &mut means));
        };
        if frame.block.as_ref().is_none_or(|b| b.0 != number) {
            frame.block = None;
            let recipe = frame.blocks.get(number)?;
            let made = recipe::make(recipe, &frame.content, &mut means);
            frame.block = Some((number, made.content, made.completeness));
        }
        let (_, block, completeness) = frame.block.as_ref()?;
        let mut made = recipe::make(&entry.recipe, block, &mut means);
        // What a damaged block lacks, its members lack for the same reason.
        if made.completeness == Completeness::Truncated && *completeness != Completeness::Complete {
            made.completeness = *completeness;
        }
        Some(made)
    }

    /// Bytes after the end of an entry's stream become the next entry, unless they are padding.
    fn trailer(&mut self, entry: &Entry, trailing: u64) {
        let (Some(at), Some(len)) = (entry.recipe.offset(), entry.recipe.stored_len()) else { return };
        let Some(frame) = self.stack.last_mut() else { return };
        if !entry.trailer || trailing < TRAILER_LEN_MIN || trailing >= len {
            return;
        }
        let start = at + len - trailing;
        let mut padding = true;
        frame.content.slice(start, trailing).pieces(&mut |piece| {
            padding = piece.iter().all(|&b| b == 0);
            padding
        });
        if !padding && self.budget.member().is_ok() {
            frame.entries.push_front(Entry::new("trailer", b"", Recipe::slice(start, trailing)));
        }
    }

    /// Tells of a member and opens it; false if the sink has had enough.
    fn visit(&mut self, entry: &Entry, made: Made<'a>) -> bool {
        let Made { content, completeness, .. } = made;
        let given = self.root_kind.take();
        let kind = given.unwrap_or_else(|| kind::recognise(&content));
        if !counts(entry.when, kind, &content) {
            self.budget.forget(content.len());
            return true;
        }
        if entry.when != When::Always
            && let Err(cut) = self.budget.member()
        {
            self.give_up(cut);
            return false;
        }
        let known = self.root_sha256.take();
        let sha256 = known.unwrap_or_else(|| self.digest(&content));
        let id = MemberId(self.next_id);
        self.next_id = self.next_id.saturating_add(1);
        let quine = !content.is_empty() && self.stack.iter().any(|f| f.sha256 == sha256);
        let same_as = if content.is_empty() { None } else { self.seen.get(&sha256).copied() };
        self.path.push(Step { how: entry.how, name: entry.name.clone(), offset: entry.recipe.offset() });
        let completeness = entry.flaw.unwrap_or(completeness);
        let member = Member {
            id,
            parent: self.stack.last().map(|f| f.id),
            path: &self.path,
            form: &entry.form,
            kind,
            stored_len: entry.recipe.stored_len(),
            declared_len: entry.declared_len,
            completeness,
            sha256,
            same_as,
            password: entry.password,
        };
        let visit = self.sink.member(&member, &content);
        if let Completeness::Budget(cut) = completeness {
            self.budget.count(cut);
            self.sink.anomaly(id, Anomaly::Cut(cut));
        }
        if quine {
            self.sink.anomaly(id, Anomaly::Quine);
        }
        let mut opened = false;
        if visit == Visit::Open && !quine && same_as.is_none() && entry.form == Form::File {
            self.seen.entry(sha256).or_insert(id);
            opened = self.open(id, content, kind, sha256);
        }
        if !opened {
            self.path.pop();
        }
        visit != Visit::Stop
    }

    fn digest(&mut self, content: &Content<'_>) -> [u8; 32] {
        let mut hash = Sha256::new();
        content.pieces(&mut |piece| {
            hash.update(piece);
            true
        });
        // What this costs beyond the allowance is noticed before the next member.
        let _ = self.budget.work(content.len().saturating_mul(HASH_WORK));
        hash.finalize().into()
    }

    /// Lists the members of `content`; false if there are none or they are too deep.
    fn open(&mut self, id: MemberId, content: Content<'a>, kind: Kind, sha256: [u8; 32]) -> bool {
        let depth = u32::try_from(self.stack.len()).unwrap_or(u32::MAX);
        if depth >= self.budget.limits().depth {
            if formats::opens(kind) {
                self.budget.count(Cut::Depth);
                self.sink.anomaly(id, Anomaly::Cut(Cut::Depth));
            }
            return false;
        }
        let mut lister = Lister::new(&content, kind, self.keyring, self.budget, &self.tally);
        formats::list(&mut lister);
        let Listing { entries, blocks, anomalies, heap_len } = lister.listing;
        for anomaly in anomalies {
            self.sink.anomaly(id, anomaly);
        }
        if entries.is_empty() {
            return false;
        }
        self.stack.push(Frame {
            id,
            content,
            sha256,
            entries: entries.into(),
            blocks,
            _lease: Lease::new(&self.tally, heap_len),
            block: None,
        });
        true
    }
}

/// A guess has two bytes to tell zlib by; that they can be unpacked tells more.
fn is_zlib(head: &[u8]) -> bool {
    let limits = sekisho_inflate::Limits { output_len: 1 << 20, ..Default::default() };
    let outcome = Inflater::new(Coding::Zlib, limits).push(head, &mut |_| {});
    outcome != Outcome::Stopped(Stop::Corrupt)
}

/// Does a guess hold?
fn counts(when: When, kind: Kind, content: &Content<'_>) -> bool {
    if when == When::Always {
        return true;
    }
    let head = content.read(0, kind::HEAD_LEN);
    if kind == Kind::Zlib && !is_zlib(&head) {
        return false;
    }
    let convincing = kind.is_known() && !kind.is_weak() || kind::is_readable(&head) && kind::is_flag(&head);
    let readable = matches!(kind, Kind::PlainText | Kind::Utf16) && content.len() >= READABLE_LEN_MIN;
    convincing || when == When::Recognised && readable
}
