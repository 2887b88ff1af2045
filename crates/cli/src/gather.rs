//! What becomes of rows, whether they come one by one or in piles from several threads.

use crate::tape::Tape;
use sekisho_detect::{Detection, Scope, Verdict};
use sekisho_output::{Detached, Encoded, Error, Sinks};
use sekisho_record::{Record, Schema, with_values};
use sekisho_report::{KeptFlows, NoticeRecord, Summary};

/// Where all rows of a run go, in the run's order.
pub trait Gather: Send {
    /// Makes rows ready to travel, without access to the gatherer.
    type Packer: Packer;

    /// For one thread.
    fn packer(&self) -> Self::Packer;

    /// A row at once, and the number of the packet of [`sekisho_engine::Rows::row_at`].
    fn row(&mut self, packet: u64, record: &dyn Record);

    /// A line at once; see [`sekisho_engine::Rows::line`].
    fn line(&mut self, file: &'static str, line: &[u8]) {
        let _ = (file, line);
    }

    /// Row `index` of a pile.
    fn unpack(&mut self, pile: &<Self::Packer as Packer>::Pile, index: usize);

    /// A part of the run is over; false if it is no use to go on.
    fn part_done(&mut self) -> bool;
}

/// See [`Gather::packer`].
pub trait Packer: Send {
    /// Rows ready to travel.
    type Pile: Pile;

    /// Adds a row.
    fn pack(&mut self, packet: u64, record: &dyn Record, pile: &mut Self::Pile);

    /// Adds a line; false if nobody wants it.
    fn pack_line(&mut self, file: &'static str, line: &[u8], pile: &mut Self::Pile) -> bool {
        let _ = (file, line, pile);
        false
    }
}

/// Rows ready to travel.
pub trait Pile: Default + Send {
    /// Bytes that it takes.
    fn held_len(&self) -> usize;

    /// Empties it for the next use.
    fn clear(&mut self);
}

/// Rows into log files.
pub struct Logs {
    /// The files.
    pub sinks: Sinks,
    /// The first failure; after it the run ends.
    pub failed: Option<Error>,
    /// A reader may be waiting for each row: what there is goes out with each part.
    pub prompt: bool,
}

impl Logs {
    fn note(&mut self, result: Result<(), Error>) {
        if let Err(e) = result {
            self.failed.get_or_insert(e);
        }
    }
}

impl Gather for Logs {
    type Packer = Detached;

    fn packer(&self) -> Detached {
        self.sinks.detached()
    }

    fn row(&mut self, _: u64, record: &dyn Record) {
        let result = self.sinks.write(record);
        self.note(result);
    }

    fn line(&mut self, file: &'static str, line: &[u8]) {
        let result = self.sinks.write_line(file, line);
        self.note(result);
    }

    fn unpack(&mut self, pile: &Encoded, index: usize) {
        let result = self.sinks.splice(pile, index);
        self.note(result);
    }

    fn part_done(&mut self) -> bool {
        if self.prompt {
            let result = self.sinks.flush();
            self.note(result);
        }
        self.failed.is_none()
    }
}

impl Packer for Detached {
    type Pile = Encoded;

    fn pack(&mut self, _: u64, record: &dyn Record, pile: &mut Encoded) {
        self.write(record, pile);
    }

    fn pack_line(&mut self, file: &'static str, line: &[u8], pile: &mut Encoded) -> bool {
        self.write_line(file, line, pile);
        true
    }
}

impl Pile for Encoded {
    fn held_len(&self) -> usize {
        self.held_len()
    }

    fn clear(&mut self) {
        self.clear();
    }
}

/// Rows into log files and before the detectors.
pub struct Judged {
    /// The files.
    pub logs: Logs,
    detection: Detection,
    flows: KeptFlows,
    told: Told,
}

impl Judged {
    /// Judges by `scope`; the flows that ended last are kept within `flows_len` bytes.
    pub fn new(logs: Logs, scope: &Scope, flows_len: u64) -> Self {
        Self { logs, detection: Detection::new(scope), flows: KeptFlows::within(flows_len), told: Told::new() }
    }

    /// The run is over: what was found, muted by `mute`, goes to the notice log, the earliest first. The number of findings for which there
    /// was no room.
    pub fn finish(self, mute: impl FnOnce(&mut Verdict)) -> (Logs, u64) {
        let Self { mut logs, detection, flows, .. } = self;
        let mut verdict = detection.finish();
        mute(&mut verdict);
        let (flows, _) = flows.named(&verdict.findings);
        let mut rows: Vec<_> = verdict.findings.iter().map(|f| NoticeRecord::new(f, &flows)).collect();
        rows.sort_by_key(|row| row.ts);
        rows.iter().for_each(|row| logs.row(0, row));
        (logs, verdict.refused)
    }

    fn judge(&mut self, packet: u64, record: &dyn Record) {
        let schema = record.schema();
        with_values(record, |values| {
            self.flows.add_values(schema, values);
            self.detection.add_values(packet, schema, values);
        });
    }
}

/// Which rows only detectors are told: they are no logs.
#[derive(Clone)]
struct Told(Vec<&'static Schema>);

impl Told {
    fn new() -> Self {
        Self(sekisho_engine::told_schemas())
    }

    fn has(&self, record: &dyn Record) -> bool {
        let schema = record.schema();
        self.0.iter().any(|told| std::ptr::eq(*told, schema))
    }
}

impl Gather for Judged {
    type Packer = JudgedPacker;

    fn packer(&self) -> JudgedPacker {
        JudgedPacker { encoder: self.logs.packer(), told: self.told.clone() }
    }

    fn row(&mut self, packet: u64, record: &dyn Record) {
        if !self.told.has(record) {
            self.logs.row(packet, record);
        }
        self.judge(packet, record);
    }

    fn line(&mut self, file: &'static str, line: &[u8]) {
        self.logs.line(file, line);
    }

    fn unpack(&mut self, pile: &JudgedPile, index: usize) {
        let Some(&(encoded, taped)) = pile.places.get(index) else { return };
        if let Some(at) = encoded {
            self.logs.unpack(&pile.encoded, at as usize);
        }
        if let Some(at) = taped
            && let Some(row) = pile.tape.row(at as usize)
        {
            self.judge(pile.tape.packet(at as usize), &row);
        }
    }

    fn part_done(&mut self) -> bool {
        self.logs.part_done()
    }
}

/// Rows encoded for log files and on tape for detectors.
pub struct JudgedPacker {
    encoder: Detached,
    told: Told,
}

/// See [`JudgedPacker`].
#[derive(Default)]
pub struct JudgedPile {
    encoded: Encoded,
    tape: Tape,
    /// Where a row or line is among those encoded, and on tape.
    places: Vec<(Option<u32>, Option<u32>)>,
    encoded_count: u32,
    taped_count: u32,
}

impl JudgedPile {
    fn encoded(&mut self) -> Option<u32> {
        self.encoded_count += 1;
        Some(self.encoded_count - 1)
    }
}

impl Packer for JudgedPacker {
    type Pile = JudgedPile;

    fn pack(&mut self, packet: u64, record: &dyn Record, pile: &mut JudgedPile) {
        let encoded = if self.told.has(record) {
            None
        } else {
            self.encoder.pack(packet, record, &mut pile.encoded);
            pile.encoded()
        };
        pile.tape.push(packet, record);
        pile.places.push((encoded, Some(pile.taped_count)));
        pile.taped_count += 1;
    }

    fn pack_line(&mut self, file: &'static str, line: &[u8], pile: &mut JudgedPile) -> bool {
        let is_wanted = self.encoder.pack_line(file, line, &mut pile.encoded);
        if is_wanted {
            let at = pile.encoded();
            pile.places.push((at, None));
        }
        is_wanted
    }
}

impl Pile for JudgedPile {
    fn held_len(&self) -> usize {
        Pile::held_len(&self.encoded)
            + self.tape.held_len()
            + self.places.capacity() * size_of::<(Option<u32>, Option<u32>)>()
    }

    fn clear(&mut self) {
        Pile::clear(&mut self.encoded);
        self.tape.clear();
        self.places.clear();
        (self.encoded_count, self.taped_count) = (0, 0);
    }
}

/// Rows onto the page and before the detectors.
pub struct Audited {
    /// The page.
    pub summary: Summary,
    /// The detectors.
    pub detection: Detection,
}

impl Gather for Audited {
    type Packer = Recorder;

    fn packer(&self) -> Recorder {
        Recorder
    }

    fn row(&mut self, packet: u64, record: &dyn Record) {
        let schema = record.schema();
        // One visit of a row serves both.
        with_values(record, |values| {
            self.summary.add_values(schema, values);
            self.detection.add_values(packet, schema, values);
        });
    }

    fn unpack(&mut self, pile: &Tape, index: usize) {
        if let Some(row) = pile.row(index) {
            self.row(pile.packet(index), &row);
        }
    }

    fn part_done(&mut self) -> bool {
        true
    }
}

/// Puts rows on tape.
pub struct Recorder;

impl Packer for Recorder {
    type Pile = Tape;

    fn pack(&mut self, packet: u64, record: &dyn Record, pile: &mut Tape) {
        pile.push(packet, record);
    }
}

impl Pile for Tape {
    fn held_len(&self) -> usize {
        self.held_len()
    }

    fn clear(&mut self) {
        self.clear();
    }
}
