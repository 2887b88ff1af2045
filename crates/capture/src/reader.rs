use crate::batch::{Batch, CommentSlot, Slot};
use crate::bytes::index;
use crate::info::{Damage, DamageKind, Format, SourceInfo};
use crate::input::Input;
use crate::pcap::{self, Pcap};
use crate::pcapng::{self, OPT_COMMENT, Options, Pcapng};
use sekisho_types::Timestamp;

/// Most frames of one batch.
pub const MAX_BATCH_FRAMES: usize = 65_536;

/// A packet found at the start of the window; positions count from there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw {
    pub(crate) ts: Timestamp,
    /// Bytes of the whole record.
    pub(crate) total: usize,
    pub(crate) data_at: usize,
    pub(crate) data_len: u32,
    pub(crate) orig_len: u32,
    /// Index in [`SourceInfo::interfaces`].
    pub(crate) interface: u32,
    pub(crate) link_type: u32,
    pub(crate) options_at: usize,
    pub(crate) options_len: usize,
}

/// What a parser found at the start of the window.
#[derive(Debug)]
pub(crate) enum Step {
    Bad(DamageKind),
    Frame(Raw),
    /// The window must hold this many bytes.
    Need(usize),
    /// A record without a packet, of this length.
    Skip(usize),
}

enum Parser {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

enum Advance {
    End,
    Frame(Raw),
    /// The window holds no whole record, and reading was not allowed.
    Starved,
}

/// One capture being read.
pub(crate) struct Reader {
    input: Input,
    parser: Option<Parser>,
    head: Option<Raw>,
    done: bool,
}

/// What a reader needs from its timeline: the notes on its capture and the next free interface id.
pub(crate) struct Notes<'a> {
    pub(crate) info: &'a mut SourceInfo,
    pub(crate) next_interface: &'a mut u32,
    pub(crate) source: u32,
}

impl Reader {
    pub(crate) fn new(input: Input) -> Self {
        Self { input, parser: None, head: None, done: false }
    }

    pub(crate) fn set_chunk_len(&mut self, chunk_len: usize) {
        self.input.set_chunk_len(chunk_len);
    }

    /// The time of the next packet, read if need be; `None` at the end or at damage.
    pub(crate) fn head_ts(&mut self, notes: &mut Notes<'_>) -> Option<Timestamp> {
        if self.head.is_none()
            && let Advance::Frame(raw) = self.advance(notes, true)
        {
            self.head = Some(raw);
        }
        self.head.map(|h| h.ts)
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done && self.head.is_none()
    }

    /// Copies the next packet into `batch`.
    pub(crate) fn copy_head(&mut self, notes: &mut Notes<'_>, batch: &mut Batch) {
        let Some(raw) = self.head.take() else { return };
        let window = self.input.window();
        let data = window.get(raw.data_at..raw.data_at + index(raw.data_len)).unwrap_or(&[]);
        let at = batch.append(data);
        if raw.options_len > 0 {
            for comment in self.comments(&raw) {
                let at = batch.append(comment);
                batch.comments.push(CommentSlot { frame: batch.slots.len(), at, len: comment.len() });
            }
        }
        self.accept(&raw, at, notes, batch);
    }

    /// Fills `batch` with packets up to time `limit` (with it) and gives the buffer they lie in
    /// away with it: nothing is copied but the unfinished record at the end.
    pub(crate) fn drain(&mut self, notes: &mut Notes<'_>, limit: Option<Timestamp>, batch: &mut Batch) {
        while batch.slots.len() < MAX_BATCH_FRAMES {
            let raw = match self.head.take() {
                Some(raw) => raw,
                None => {
                    self.run(notes, limit, batch);
                    if batch.slots.len() >= MAX_BATCH_FRAMES {
                        break;
                    }
                    match self.advance(notes, batch.slots.is_empty()) {
                        Advance::Frame(raw) => raw,
                        Advance::Starved | Advance::End => break,
                    }
                }
            };
            if limit.is_some_and(|l| raw.ts > l) {
                self.head = Some(raw);
                break;
            }
            let start = self.input.start();
            if raw.options_len > 0 {
                self.mark_comments(&raw, start, batch);
            }
            self.accept(&raw, start + raw.data_at, notes, batch);
        }
        if !batch.slots.is_empty() {
            self.input.hand_over(&mut batch.bytes);
        }
    }

    /// Takes the whole, ordinary records that the window holds: what [`Reader::advance`] and [`Reader::accept`]
    /// do one by one, at a third of their cost. Whatever is odd is left to those.
    fn run(&mut self, notes: &mut Notes<'_>, limit: Option<Timestamp>, batch: &mut Batch) {
        let (window, place) = (self.input.window(), (self.input.start(), self.input.offset()));
        let taken = match &mut self.parser {
            Some(Parser::Pcap(p)) => {
                let step = |w: &[u8]| if let Step::Frame(raw) = p.step(w) { Some(raw) } else { None };
                take(window, place, notes, limit, batch, step)
            }
            Some(Parser::Pcapng(p)) => {
                // A packet beyond the limit is looked at again: what `plain` notes of it is the same then.
                take(window, place, notes, limit, batch, |w| p.plain(w))
            }
            None => 0,
        };
        self.input.consume(taken);
    }

    /// Counts the packet, adds it to the batch and moves on.
    fn accept(&mut self, raw: &Raw, at: usize, notes: &mut Notes<'_>, batch: &mut Batch) {
        let info = &mut *notes.info;
        info.packet_count += 1;
        info.captured_len += u64::from(raw.data_len);
        info.first_ts = Some(info.first_ts.map_or(raw.ts, |t| t.min(raw.ts)));
        info.last_ts = Some(info.last_ts.map_or(raw.ts, |t| t.max(raw.ts)));
        let mut interface = 0;
        if let Some(i) = info.interfaces.get_mut(index(raw.interface)) {
            i.packet_count += 1;
            interface = i.id;
        }
        batch.slots.push(Slot {
            ts: raw.ts,
            offset: self.input.offset(),
            at,
            len: raw.data_len,
            orig_len: raw.orig_len,
            link_type: raw.link_type,
            interface,
            source: notes.source,
        });
        self.input.consume(raw.total);
    }

    fn comments(&self, raw: &Raw) -> impl Iterator<Item = &[u8]> {
        let options = self.input.window().get(raw.options_at..raw.options_at + raw.options_len).unwrap_or(&[]);
        let order = match &self.parser {
            Some(Parser::Pcapng(p)) => p.order(),
            _ => crate::bytes::Order::Little,
        };
        Options::new(order, options).filter(|(code, _)| *code == OPT_COMMENT).map(|(_, value)| value)
    }

    /// Notes where the comments lie, in the buffer that goes to the batch.
    fn mark_comments(&self, raw: &Raw, start: usize, batch: &mut Batch) {
        let window = self.input.window().as_ptr().addr();
        for comment in self.comments(raw) {
            let at = start + (comment.as_ptr().addr() - window);
            batch.comments.push(CommentSlot { frame: batch.slots.len(), at, len: comment.len() });
        }
    }

    fn advance(&mut self, notes: &mut Notes<'_>, may_read: bool) -> Advance {
        while !self.done {
            if self.parser.is_none() {
                if !may_read {
                    return Advance::Starved;
                }
                self.open(notes);
                continue;
            }
            let (window, offset) = (self.input.window(), self.input.offset());
            let step = match &mut self.parser {
                Some(Parser::Pcap(p)) => p.step(window),
                Some(Parser::Pcapng(p)) => {
                    let step = p.step(window, offset, notes.info);
                    notes.number_interfaces();
                    step
                }
                None => return Advance::End,
            };
            match step {
                Step::Frame(raw) => return Advance::Frame(raw),
                Step::Skip(n) => self.input.consume(n),
                Step::Need(_) if !may_read => return Advance::Starved,
                Step::Need(n) => {
                    if !self.input.fill(n) {
                        self.end(notes);
                    }
                }
                Step::Bad(kind) => self.damaged(kind, notes),
            }
        }
        Advance::End
    }

    /// Tells the format by the first bytes.
    fn open(&mut self, notes: &mut Notes<'_>) {
        // The longest file header; shorter files are told apart below.
        self.input.fill(28);
        let window = self.input.window();
        if window.is_empty() {
            return match self.input.error() {
                Some(_) => self.end(notes),
                None => self.damaged(DamageKind::Empty, notes),
            };
        }
        if pcapng::probe(window) {
            notes.info.format = Some(Format::Pcapng);
            self.parser = Some(Parser::Pcapng(Pcapng::new()));
        } else if pcap::probe(window) {
            match Pcap::open(window) {
                None => self.cut_off(notes),
                Some(Err(kind)) => self.damaged(kind, notes),
                Some(Ok(opened)) => {
                    notes.info.format = Some(opened.pcap.format());
                    notes.info.interfaces.push(opened.interface);
                    notes.number_interfaces();
                    self.parser = Some(Parser::Pcap(opened.pcap));
                    self.input.consume(opened.header_len);
                }
            }
        } else if self.input.error().is_some() {
            self.end(notes);
        } else {
            self.damaged(DamageKind::NotACapture, notes);
        }
    }

    /// The stream gives no more bytes: its end, or a cut.
    fn end(&mut self, notes: &mut Notes<'_>) {
        if self.input.error().is_some() || !self.input.window().is_empty() {
            self.cut_off(notes);
        }
        self.done = true;
    }

    fn cut_off(&mut self, notes: &mut Notes<'_>) {
        let kind = match self.input.error() {
            None => DamageKind::CutOff,
            Some(e) if notes.info.packing.is_packed() => DamageKind::Packing(notes.info.packing, e.to_owned()),
            Some(e) => DamageKind::Io(e.to_owned()),
        };
        self.damaged(kind, notes);
    }

    fn damaged(&mut self, kind: DamageKind, notes: &mut Notes<'_>) {
        notes.info.damage = Some(Damage { offset: self.input.offset(), kind });
        self.done = true;
    }
}

/// Adds to `batch` the packets that `next` finds one after another from the start of `window`, which lies at
/// `place` of buffer and stream, and says how many bytes they take.
#[inline]
fn take(
    window: &[u8],
    (start, offset): (usize, u64),
    notes: &mut Notes<'_>,
    limit: Option<Timestamp>,
    batch: &mut Batch,
    mut next: impl FnMut(&[u8]) -> Option<Raw>,
) -> usize {
    let info = &mut *notes.info;
    let before = batch.slots.len();
    let (mut at, mut captured_len) = (0, 0);
    let (mut first_ts, mut last_ts) = (Timestamp(i64::MAX), Timestamp(i64::MIN));
    while batch.slots.len() < MAX_BATCH_FRAMES
        && let Some(raw) = next(window.get(at..).unwrap_or(&[]))
        && limit.is_none_or(|l| raw.ts <= l)
    {
        captured_len += u64::from(raw.data_len);
        (first_ts, last_ts) = (first_ts.min(raw.ts), last_ts.max(raw.ts));
        let interface = info.interfaces.get_mut(index(raw.interface)).map_or(0, |i| {
            i.packet_count += 1;
            i.id
        });
        batch.slots.push(Slot {
            ts: raw.ts,
            offset: offset + at as u64,
            at: start + at + raw.data_at,
            len: raw.data_len,
            orig_len: raw.orig_len,
            link_type: raw.link_type,
            interface,
            source: notes.source,
        });
        at += raw.total;
    }
    let count = batch.slots.len() - before;
    if count > 0 {
        info.packet_count += count as u64;
        info.captured_len += captured_len;
        info.first_ts = Some(info.first_ts.map_or(first_ts, |t| t.min(first_ts)));
        info.last_ts = Some(info.last_ts.map_or(last_ts, |t| t.max(last_ts)));
    }
    at
}

impl Notes<'_> {
    /// Gives ids to interfaces that the last step added: at most one.
    fn number_interfaces(&mut self) {
        if let Some(new) = self.info.interfaces.get_mut(self.info.numbered_count) {
            new.id = *self.next_interface;
            self.info.numbered_count += 1;
            *self.next_interface = self.next_interface.saturating_add(1);
        }
    }
}
