//! Rows that wait in columns for their row groups, and what they may take.

use super::{BUFFER_LEN, Encoder, Error, File, Open, Sinks, State};
use crate::parquet::{Cells, MAX_ROWS, PRESS_LEN, Press, Table};
use sekisho_record::Record;
use std::io;

/// What rows may take unless [`Sinks::with_columns_len`] says so.
const DEFAULT_LEN: usize = 64 << 20;

/// And at least …
const MIN_LEN: usize = 4 << 20;
/// … and at most: a row group is found by offsets of 32 bits, and more would not make it better.
const MAX_LEN: usize = 1 << 30;

/// What a table takes is looked at when it has as many rows more.
const LOOK_ROWS: usize = 32;

/// What the tables of all logs share.
pub(super) struct Columns {
    cells: Cells,
    press: Press,
    allowed_len: usize,
    /// What all tables took when each was last looked at.
    held_len: usize,
    /// A table has to close its row group.
    pub(super) full: bool,
}

impl Default for Columns {
    fn default() -> Self {
        Self { cells: Cells::default(), press: Press::default(), allowed_len: DEFAULT_LEN, held_len: 0, full: false }
    }
}

impl Columns {
    pub fn allow(&mut self, len: usize) {
        self.allowed_len = len.clamp(MIN_LEN, MAX_LEN);
    }

    /// Adds `row` to `table`.
    pub fn push(&mut self, table: &mut Table, row: &dyn Record) {
        table.push(row, &mut self.cells);
        self.look(table);
    }

    /// Adds a packed row to `table`.
    pub fn push_packed(&mut self, table: &mut Table, row: &[u8]) {
        table.push_packed(row);
        self.look(table);
    }

    /// What all tables took when each was last looked at.
    #[cfg(test)]
    pub fn held_len(&self) -> usize {
        self.held_len
    }

    fn look(&mut self, table: &mut Table) {
        if table.len().is_multiple_of(LOOK_ROWS) {
            self.held_len -= table.counted_len();
            self.held_len += table.count_len();
            // The other half is for what a buffer that grows takes for a moment, and for what a chunk needs to be written.
            self.full |= self.held_len > (self.allowed_len - PRESS_LEN) / 2 || table.len() >= MAX_ROWS;
        }
    }
}

/// Does something with a table and hands on what that writes to `file`.
fn with_file(file: &mut File, open: &mut Open, write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Result<(), Error> {
    let mut result = Ok(());
    write(&mut |bytes| {
        if !matches!(file.state, State::Failed) {
            file.buf.extend_from_slice(bytes);
            if file.buf.len() >= BUFFER_LEN {
                result = std::mem::replace(&mut result, Ok(())).and(file.hand_on(open));
            }
        }
    });
    result
}

impl Sinks {
    /// Closes the biggest row group if rows take more than they may, or one that has all its rows.
    pub(super) fn make_room(&mut self) -> Result<(), Error> {
        if !self.columns.full {
            return Ok(());
        }
        self.columns.full = false;
        let Self { routes, files, open, columns, .. } = self;
        let targets = routes.iter_mut().flat_map(|r| &mut r.targets);
        let tables = targets.filter_map(|t| match &mut t.encoder {
            Encoder::Columns(table) => Some((table, t.file)),
            _ => None,
        });
        let Some((table, at)) = tables.max_by_key(|(table, _)| (table.len() >= MAX_ROWS, table.counted_len())) else {
            return Ok(());
        };
        let result = with_file(&mut files[at], open, |sink| table.close_group(&mut columns.press, sink));
        if result.is_err() {
            table.give_up();
        }
        columns.held_len -= table.counted_len();
        columns.held_len += table.count_len();
        result
    }

    /// Writes what waits, and tells of the files that are complete now.
    pub(super) fn complete_tables(&mut self) -> Result<(), Error> {
        let mut result = Ok(());
        let Self { routes, files, open, complete, columns, .. } = self;
        for target in routes.iter_mut().flat_map(|r| &mut r.targets) {
            let (Encoder::Columns(table), file) = (&mut target.encoder, &mut files[target.file]) else { continue };
            if matches!(file.state, State::Complete | State::Failed) {
                continue;
            }
            let written = with_file(file, open, |sink| table.finish(&mut columns.press, sink));
            table.give_up();
            result = result.and(written.and_then(|()| file.complete(open, complete)));
        }
        columns.held_len = 0;
        result
    }
}

impl File {
    /// Hands on the last bytes, drops the writer and tells `complete`.
    fn complete(&mut self, open: &mut Open, complete: &mut dyn FnMut(&str) -> io::Result<()>) -> Result<(), Error> {
        self.hand_on(open)?;
        self.flush()?;
        if matches!(self.state, State::Open(_)) {
            self.state = State::Complete;
            complete(&self.name).map_err(|e| self.fail(e))?;
        }
        Ok(())
    }
}
