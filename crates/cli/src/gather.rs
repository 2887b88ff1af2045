//! What becomes of rows, whether they come one by one or in piles from several threads.

use crate::tape::Tape;
use sekisho_detect::Detection;
use sekisho_output::{Detached, Encoded, Error, Sinks};
use sekisho_record::{Record, with_values};
use sekisho_report::Summary;

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
