//! Card numbers, bank accounts, private keys and access tokens in contents that pass in clear: told to detectors only, in rows of their
//! own, one for each kind and content. Values stay here: what leaves is a digest with the run's seed, and two characters.

mod find;

use crate::Rows;
use find::{Finds, Hit, Kind, REACH, Words};
use hashbrown::HashMap;
use sekisho_proto::FileMeta;
use sekisho_record::{Record, Text};
use sekisho_types::{Addr, Arrival, FiveTuple, FlowInfo, SeededState, Timestamp, Uid, seeded_hash};

/// Contents looked at at a time.
const MAX_LOOKS: usize = 128;
/// Bytes of a content that are looked at.
const MAX_LEN: u64 = 256 << 10;
/// Bytes that are collected before they are looked at.
const PIECE: usize = 2_048;
/// First bytes by which it is known whether a content is a text.
const PROBE_LEN: usize = 512;
/// Different values of a kind told.
const MAX_VALUES: usize = 32;

/// Values of one kind in one content.
#[derive(Clone, Debug, Record)]
#[record(log = "sensitive_data")]
pub struct SensitiveDataRecord {
    /// Time of the content's end.
    pub ts: Timestamp,
    /// Flow.
    pub uid: Uid,
    /// Who began the flow.
    #[record(name = "id.orig_h")]
    pub orig_h: Addr,
    /// The other end.
    #[record(name = "id.resp_h")]
    pub resp_h: Addr,
    /// Its port.
    #[record(name = "id.resp_p")]
    pub resp_p: u64,
    /// Did the originator send the content?
    pub is_orig: bool,
    /// What carried it: `HTTP`, `SMTP`.
    pub source: &'static str,
    /// What it is: `card`, `iban`, `private-key`, `token`.
    pub kind: &'static str,
    /// Digests of different values, with the run's seed.
    pub digests: Vec<u64>,
    /// The last two characters of each.
    pub ends: Vec<Text>,
    /// Length of the first.
    pub len: u64,
    /// Words for a card's validity stand beside one.
    pub near: bool,
    /// Numbers that begin as cards do but have another check digit.
    pub misses: u64,
    /// Offset of the first in the content.
    pub offset: u64,
    /// Packet that brought the first.
    pub packet: u64,
}

/// What was found of a kind.
#[derive(Default)]
struct Values {
    all: Vec<(u64, [u8; 2])>,
    len: u64,
    near: bool,
    offset: u64,
    packet: u64,
}

#[derive(Default)]
struct Found {
    of: [Values; Kind::ALL.len()],
    misses: u64,
}

/// A content that passes.
struct Look {
    uid: Uid,
    tuple: FiveTuple,
    source: &'static str,
    is_orig: bool,
    /// Bytes that wait, of which the first `old` were looked at.
    text: Vec<u8>,
    old: usize,
    /// Offset of the bytes that wait, and of the next ones.
    start: u64,
    next: u64,
    looked: u64,
    /// It was seen that it is a text.
    is_text: bool,
    packet: u64,
    found: Option<Box<Found>>,
}

/// All contents that are looked at.
pub(crate) struct Sensitive {
    seed: u64,
    words: Words,
    looks: HashMap<u64, Box<Look>, SeededState>,
    /// Contents not looked at because as many were open.
    pub refused: u64,
}

/// Collects what a piece has.
struct Collect<'a> {
    found: &'a mut Option<Box<Found>>,
    seed: u64,
    start: u64,
    packet: u64,
}

impl Finds for Collect<'_> {
    fn hit(&mut self, hit: Hit<'_>) {
        let found = self.found.get_or_insert_default();
        let Some(values) = found.of.get_mut(hit.kind as usize) else { return };
        let digest = seeded_hash(self.seed, hit.value);
        if values.all.is_empty() {
            values.len = hit.value.len() as u64;
            (values.offset, values.packet) = (self.start + hit.at as u64, self.packet);
        }
        values.near |= hit.near;
        if values.all.len() < MAX_VALUES && values.all.iter().all(|v| v.0 != digest) {
            let end = hit.value.last_chunk::<2>().copied().unwrap_or_default();
            values.all.push((digest, end));
        }
    }

    fn miss(&mut self) {
        self.found.get_or_insert_default().misses += 1;
    }
}

impl Look {
    /// The bytes that wait are looked at; false if they are no text.
    fn look(&mut self, is_end: bool, seed: u64, words: &Words) -> bool {
        if !self.is_text {
            let head = self.text.get(..PROBE_LEN).unwrap_or(&self.text);
            if head.iter().fold(false, |any, b| any | matches!(b, 0..=8 | 14..=26 | 28..=31)) {
                return false;
            }
            self.is_text = true;
        }
        let is_start = self.start == 0;
        let out = &mut Collect { found: &mut self.found, seed, start: self.start, packet: self.packet };
        find::look(&self.text, (is_start, is_end), words, out);
        let keep = if is_end { 0 } else { REACH.min(self.text.len()) };
        let gone = self.text.len() - keep;
        self.looked += (self.text.len() - self.old) as u64;
        self.text.drain(..gone);
        self.start += gone as u64;
        self.old = keep;
        self.looked < MAX_LEN
    }
}

impl Sensitive {
    pub fn new(seed: u64) -> Self {
        Self { seed, words: Words::new(), looks: HashMap::with_hasher(SeededState(seed)), refused: 0 }
    }

    /// A content begins.
    pub fn opened(&mut self, id: u64, flow: &FlowInfo, meta: &FileMeta) {
        if meta.decrypted || meta.unlogged || meta.source == "SSL" {
            return;
        }
        if self.looks.len() >= MAX_LOOKS {
            self.refused += 1;
            return;
        }
        let look = Look {
            uid: flow.uid,
            tuple: flow.tuple,
            source: meta.source,
            is_orig: meta.is_orig,
            text: Vec::new(),
            old: 0,
            start: 0,
            next: 0,
            looked: 0,
            is_text: false,
            packet: 0,
            found: None,
        };
        self.looks.insert(id, Box::new(look));
    }

    /// Its next bytes, or some from elsewhere in it.
    pub fn data(&mut self, id: u64, at: Arrival, offset: Option<u64>, mut bytes: &[u8]) {
        let Some(look) = self.looks.get_mut(&id).filter(|look| look.looked < MAX_LEN) else { return };
        if offset.is_some_and(|offset| offset != look.next) {
            let offset = offset.unwrap_or(look.next);
            if !look.text.is_empty() && !look.look(true, self.seed, &self.words) {
                return self.over(id);
            }
            let Some(look) = self.looks.get_mut(&id) else { return };
            look.text.clear();
            (look.old, look.start, look.next) = (0, offset, offset);
        }
        let Some(look) = self.looks.get_mut(&id) else { return };
        look.next = look.next.saturating_add(bytes.len() as u64);
        look.packet = at.packet;
        while !bytes.is_empty() {
            let room = PIECE.saturating_sub(look.text.len()).min(bytes.len());
            let (now, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            look.text.extend_from_slice(now);
            bytes = rest;
            if look.text.len() >= PIECE && !look.look(false, self.seed, &self.words) {
                return self.over(id);
            }
        }
    }

    /// Bytes are missing: what stands on both sides does not belong together.
    pub fn gap(&mut self, id: u64, len: u64) {
        let Some(look) = self.looks.get_mut(&id).filter(|look| look.looked < MAX_LEN) else { return };
        let next = look.next.saturating_add(len);
        if !look.text.is_empty() && !look.look(true, self.seed, &self.words) {
            return self.over(id);
        }
        look.text.clear();
        (look.old, look.start, look.next) = (0, next, next);
    }

    /// No more of it is looked at; what was found waits for its end.
    fn over(&mut self, id: u64) {
        match self.looks.get_mut(&id) {
            Some(look) if look.found.is_some() => {
                look.text = Vec::new();
                look.looked = MAX_LEN;
            }
            _ => drop(self.looks.remove(&id)),
        }
    }

    /// It is over: what was found in it.
    pub fn closed(&mut self, id: u64, ts: Timestamp, rows: &mut dyn Rows) {
        let Some(mut look) = self.looks.remove(&id) else { return };
        if look.looked < MAX_LEN && !look.text.is_empty() {
            look.look(true, self.seed, &self.words);
        }
        let Some(found) = look.found.take() else { return };
        for (kind, values) in Kind::ALL.into_iter().zip(&found.of) {
            if values.all.is_empty() {
                continue;
            }
            rows.row(&SensitiveDataRecord {
                ts,
                uid: look.uid,
                orig_h: look.tuple.orig,
                resp_h: look.tuple.resp,
                resp_p: look.tuple.resp_port.into(),
                is_orig: look.is_orig,
                source: look.source,
                kind: kind.name(),
                digests: values.all.iter().map(|v| v.0).collect(),
                ends: values.all.iter().map(|v| Text(v.1.to_vec())).collect(),
                len: values.len,
                near: values.near,
                misses: if kind == Kind::Card { found.misses } else { 0 },
                offset: values.offset,
                packet: values.packet,
            });
        }
    }
}
