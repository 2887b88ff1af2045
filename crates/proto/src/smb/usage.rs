//! What clients do with the files of a share: told to detectors only. One row for each file that was read, written, created,
//! listed, renamed or deleted, at its closing; and one for a minute of what is encrypted.

use crate::Cx;
use sekisho_record::{Head, Record, Text};
use sekisho_types::{Dir, Interval, Timestamp, block_len, list_len};

/// First bytes of what is read and of what is written that are looked at.
const SAMPLE_LEN: usize = 1024;
/// Fewer bytes say nothing about entropy (nDPI has the same limit).
const MIN_SAMPLE_LEN: usize = 256;

/// FILE_ATTRIBUTE_DIRECTORY (MS-FSCC §2.6).
pub(super) const DIRECTORY: u32 = 0x10;

/// Of an encrypted message that brings content: what comes before it (MS-SMB2 §2.2.41, §2.2.1, §2.2.21), and the least that
/// is content.
const HIDDEN_HEADERS_LEN: u64 = 52 + 64 + 48;
const MIN_HIDDEN_LEN: u64 = 1024;
/// Time that a row about encrypted messages covers.
const HIDDEN_WINDOW: Interval = Interval::from_secs(60);
/// Different sizes told apart in it.
const MAX_SIZES: usize = 32;

/// What was done to a file on a share between its opening and its closing.
#[derive(Clone, Debug, Record)]
#[record(log = "smb_use")]
pub struct SmbUseRecord {
    /// Time of the request that opened it, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Time of the closing.
    pub until: Timestamp,
    /// Path of the share.
    pub path: Option<Text>,
    /// Name within the share, as last known.
    pub name: Text,
    /// Name before it was renamed.
    pub prev_name: Option<Text>,
    /// It is a directory.
    pub is_dir: bool,
    /// Its entries were asked for.
    pub listed: bool,
    /// It did not exist before.
    pub created: bool,
    /// It was deleted, or is to be when closed.
    pub deleted: bool,
    /// Size when it was opened.
    pub size: u64,
    /// Bytes read.
    pub read_len: u64,
    /// Bytes written.
    pub written_len: u64,
    /// Entropy of the first 1,024 bytes read, thousandths of a bit for each byte; unset below 256 bytes.
    pub read_entropy: Option<u64>,
    /// The same of what was written.
    pub written_entropy: Option<u64>,
    /// Digest of the first bytes written.
    pub written_digest: Option<u64>,
    /// The first bytes written have no control characters but those of texts.
    pub written_text: bool,
    /// Packet at which the row was made.
    pub packet: u64,
}

/// A minute of encrypted messages (SMB 3).
#[derive(Clone, Debug, Record)]
#[record(log = "smb_hidden")]
pub struct SmbHiddenRecord {
    /// Time of the first message, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Time of the last message.
    pub until: Timestamp,
    /// It is the first such row of the flow.
    pub first: bool,
    /// Bytes that the server sent in long messages: what was read or listed, about.
    pub read_len: u64,
    /// Bytes that the client sent in long messages: what was written, about.
    pub written_len: u64,
    /// Times that the client wrote as much as it had just read, within a twentieth.
    pub pairs: u64,
    /// Different sizes of these, up to 32.
    pub sizes: u64,
    /// Packet at which the row was made.
    pub packet: u64,
}

/// The first bytes of one direction.
#[derive(Debug)]
struct Sample {
    counts: [u16; 256],
    len: usize,
    digest: u64,
}

impl Default for Sample {
    fn default() -> Self {
        // FNV-1a: whatever pieces bytes come in, the digest is the same.
        Self { counts: [0; 256], len: 0, digest: 0xcbf2_9ce4_8422_2325 }
    }
}

impl Sample {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().take(SAMPLE_LEN.saturating_sub(self.len)) {
            if let Some(n) = self.counts.get_mut(usize::from(*byte)) {
                *n = n.saturating_add(1);
            }
            self.digest = (self.digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            self.len += 1;
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8000")]
    fn entropy(&self) -> Option<u64> {
        let total = u16::try_from(self.len).ok().filter(|_| self.len >= MIN_SAMPLE_LEN)?;
        let shares = self.counts.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / f64::from(total));
        Some((-shares.map(|p| p * p.log2()).sum::<f64>() * 1000.0).round() as u64)
    }

    /// Nothing that no text has; zeroes are of UTF-16.
    fn is_text(&self) -> bool {
        let odd = |(byte, n): (usize, &u16)| *n > 0 && matches!(byte, 1..=8 | 14..=31);
        self.len > 0 && !self.counts.iter().enumerate().any(odd)
    }
}

/// What is done to an open file.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub is_dir: bool,
    pub listed: bool,
    created: bool,
    pub deleted: bool,
    pub prev_name: Option<Text>,
    read_len: u64,
    written_len: u64,
    read: Option<Box<Sample>>,
    written: Option<Box<Sample>>,
}

impl Usage {
    pub fn new(is_dir: bool, created: bool, deleted: bool) -> Self {
        Self { is_dir, created, deleted, ..Self::default() }
    }

    /// Content passes.
    pub fn content(&mut self, dir: Dir, bytes: &[u8]) {
        let (len, sample) = if dir.is_orig() {
            (&mut self.written_len, &mut self.written)
        } else {
            (&mut self.read_len, &mut self.read)
        };
        let is_full = *len >= SAMPLE_LEN as u64;
        *len = len.saturating_add(bytes.len() as u64);
        if !is_full {
            sample.get_or_insert_default().add(bytes);
        }
    }

    /// Was anything done to it?
    fn is_telling(&self) -> bool {
        self.listed
            || self.created
            || self.deleted
            || self.prev_name.is_some()
            || self.read_len > 0
            || self.written_len > 0
    }

    pub fn heap_len(&self) -> usize {
        let sample = |s: &Option<Box<Sample>>| if s.is_some() { block_len(size_of::<Sample>()) } else { 0 };
        let name = self.prev_name.as_ref().map_or(0, |n| block_len(n.0.capacity()));
        block_len(size_of::<Self>()) + sample(&self.read) + sample(&self.written) + name
    }

    /// The file, opened at `ts` with that size, is closed: its row, if it is worth one.
    pub fn tell(self, ts: Timestamp, size: u64, (path, name): (Option<Text>, Text), cx: &mut Cx<'_>) {
        if !self.is_telling() {
            return;
        }
        let row = SmbUseRecord {
            head: cx.head(ts),
            until: cx.ts,
            path,
            name,
            is_dir: self.is_dir,
            listed: self.listed,
            created: self.created,
            deleted: self.deleted,
            size,
            read_len: self.read_len,
            written_len: self.written_len,
            read_entropy: self.read.as_ref().and_then(|s| s.entropy()),
            written_entropy: self.written.as_ref().and_then(|s| s.entropy()),
            written_digest: self.written.as_ref().map(|s| s.digest),
            written_text: self.written.as_ref().is_some_and(|s| s.is_text()),
            prev_name: self.prev_name,
            packet: cx.source,
        };
        cx.emit(row);
    }
}

/// Encrypted messages of a connection: which way content goes, by their lengths.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    first: Option<Timestamp>,
    last: Timestamp,
    told: bool,
    /// Bytes of the run of messages at hand, and of the one before it that went the other way.
    read: u64,
    written: u64,
    totals: [u64; 2],
    pairs: u64,
    sizes: Vec<u64>,
}

impl Hidden {
    pub fn heap_len(&self) -> usize {
        block_len(size_of::<Self>()) + list_len(&self.sizes)
    }

    /// A message of `len` bytes in all.
    pub fn message(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        if self.first.is_some_and(|first| (cx.ts - first).0.abs() >= HIDDEN_WINDOW.0) {
            self.tell(cx);
        }
        self.first.get_or_insert(cx.ts);
        self.last = cx.ts;
        let content = len.saturating_sub(HIDDEN_HEADERS_LEN);
        if content < MIN_HIDDEN_LEN {
            return;
        }
        let [read, written] = &mut self.totals;
        if dir.is_orig() {
            *written = written.saturating_add(content);
            self.written = self.written.saturating_add(content);
        } else {
            *read = read.saturating_add(content);
            if self.written > 0 {
                self.settle();
            }
            self.read = self.read.saturating_add(content);
        }
    }

    /// What was written after what was read: is it as much?
    fn settle(&mut self) {
        let (read, written) = (std::mem::take(&mut self.read), std::mem::take(&mut self.written));
        if read == 0 || written == 0 || read.abs_diff(written).saturating_mul(20) > read {
            return;
        }
        self.pairs += 1;
        if self.sizes.len() < MAX_SIZES && !self.sizes.contains(&written) {
            self.sizes.push(written);
        }
    }

    /// The minute is over.
    pub fn tell(&mut self, cx: &mut Cx<'_>) {
        self.settle();
        let Some(first) = self.first.take() else { return };
        let [read_len, written_len] = std::mem::take(&mut self.totals);
        let row = SmbHiddenRecord {
            head: cx.head(first),
            until: self.last,
            first: !std::mem::replace(&mut self.told, true),
            read_len,
            written_len,
            pairs: std::mem::take(&mut self.pairs),
            sizes: self.sizes.len() as u64,
            packet: cx.source,
        };
        self.sizes.clear();
        cx.emit(row);
    }
}
