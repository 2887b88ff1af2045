//! Rows encoded away from their files, for workers whose rows are put in order later.

use super::{BUFFER_LEN, Encoder, Error, Sinks, State, forward};
use crate::Format;
use crate::parquet::{Cells, pack};
use sekisho_record::{Record, Schema};
use sekisho_types::Timestamp;

/// Encodes rows as the [`Sinks`] it comes from would; they are written by [`Sinks::splice`].
pub struct Detached {
    formats: Vec<Format>,
    midstream: bool,
    encoders: Vec<(&'static Schema, Vec<Encoder>)>,
    cells: Cells,
}

/// Room for bytes of rows at first: that of most tasks' rows.
const FIRST_LEN: usize = 64 * 1024;

/// Rows encoded by a [`Detached`]; kept for the next use, so that nothing is allocated per row.
pub struct Encoded {
    bytes: Vec<u8>,
    rows: Vec<EncodedRow>,
    /// Where each row ends in `bytes`, format by format.
    ends: Vec<usize>,
    /// How much of `bytes` and `ends` are whole rows: a bug that strikes while a row is encoded leaves half of it behind.
    whole: (usize, usize),
    /// Lines of other streams, which are no rows.
    lines: Vec<u8>,
}

enum EncodedRow {
    /// `first`: the first of its `ends`.
    Row { schema: &'static Schema, time: Option<Timestamp>, first: usize },
    /// For that file, from there to there in `lines`.
    Line { file: &'static str, start: usize, end: usize },
}

impl Default for Encoded {
    fn default() -> Self {
        Self {
            bytes: Vec::with_capacity(FIRST_LEN),
            rows: Vec::new(),
            ends: Vec::new(),
            whole: (0, 0),
            lines: Vec::new(),
        }
    }
}

impl Encoded {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Has it no rows?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes that it takes.
    pub fn held_len(&self) -> usize {
        self.bytes.capacity()
            + self.rows.capacity() * size_of::<EncodedRow>()
            + self.ends.capacity() * size_of::<usize>()
            + self.lines.capacity()
    }

    /// Forgets the rows.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
        self.ends.clear();
        self.whole = (0, 0);
        self.lines.clear();
    }
}

impl Detached {
    /// Adds `row` to `to` in every format.
    pub fn write(&mut self, row: &dyn Record, to: &mut Encoded) {
        let schema = row.schema();
        let at = match self.encoders.iter().position(|e| std::ptr::eq(e.0, schema)) {
            Some(at) => forward(&mut self.encoders, at),
            None => {
                let new = |&format| Encoder::new(format, schema, self.midstream);
                let encoders = self.formats.iter().map(new).collect();
                self.encoders.push((schema, encoders));
                self.encoders.len() - 1
            }
        };
        let (bytes_len, first) = to.whole;
        to.bytes.truncate(bytes_len);
        to.ends.truncate(first);
        let mut time = None;
        for encoder in &mut self.encoders[at].1 {
            match encoder {
                Encoder::Columns(_) => pack(row, &mut self.cells, &mut to.bytes),
                Encoder::Json(e) => {
                    e.encode(row, &mut to.bytes);
                }
                Encoder::Tsv(e) => time = e.encode_row(row, &mut to.bytes),
            }
            to.ends.push(to.bytes.len());
        }
        to.rows.push(EncodedRow::Row { schema, time, first });
        to.whole = (to.bytes.len(), to.ends.len());
    }

    /// Adds a line for `file` to `to`; see [`Sinks::write_line`].
    pub fn write_line(&mut self, file: &'static str, line: &[u8], to: &mut Encoded) {
        let start = to.lines.len();
        to.lines.extend_from_slice(line);
        to.rows.push(EncodedRow::Line { file, start, end: to.lines.len() });
    }
}

impl Sinks {
    /// An encoder of rows for these sinks that needs no access to them.
    pub fn detached(&self) -> Detached {
        Detached {
            formats: self.formats.clone(),
            midstream: self.midstream,
            encoders: Vec::new(),
            cells: Cells::default(),
        }
    }

    /// Writes row `index` of `from`, which a [`Detached`] of these sinks encoded; as [`Sinks::write`] would have.
    ///
    /// # Errors
    /// The first failure of a file to open or be written. Other files go on.
    pub fn splice(&mut self, from: &Encoded, index: usize) -> Result<(), Error> {
        let (schema, time, first) = match from.rows.get(index) {
            None => return Ok(()),
            Some(&EncodedRow::Row { schema, time, first }) => (schema, time, first),
            Some(&EncodedRow::Line { file, start, end }) => {
                return self.write_line(file, from.lines.get(start..end).unwrap_or(&[]));
            }
        };
        let route = self.route(schema);
        let mut start = first.checked_sub(1).and_then(|i| from.ends.get(i)).copied().unwrap_or(0);
        let mut is_due = false;
        for (i, target) in self.routes[route].targets.iter_mut().enumerate() {
            let end = from.ends.get(first + i).copied().unwrap_or(start);
            let bytes = from.bytes.get(start..end).unwrap_or(&[]);
            start = end;
            let file = &mut self.files[target.file];
            if matches!(file.state, State::Failed) {
                self.dropped_rows += 1;
                continue;
            }
            if bytes.is_empty() {
                self.omitted_rows += 1;
                continue;
            }
            self.rows += 1;
            match &mut target.encoder {
                Encoder::Columns(table) => {
                    self.columns.push_packed(table, bytes);
                    continue;
                }
                Encoder::Json(_) => {}
                Encoder::Tsv(e) => e.note(time, &mut file.buf),
            }
            file.buf.extend_from_slice(bytes);
            is_due |= file.buf.len() >= BUFFER_LEN;
        }
        if is_due || self.columns.full { self.hand_on(route) } else { Ok(()) }
    }
}
