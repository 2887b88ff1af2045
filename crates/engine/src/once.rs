//! Rows that a pass logs once, whichever shards found them.

use crate::Rows;
use sekisho_proto::{Fact, Remembered};
use sekisho_record::Record;

/// What all shards together have logged once.
#[derive(Default)]
pub(crate) struct Once {
    remembered: Remembered,
    /// Rows held back because another shard had logged the same.
    pub repeats: u64,
}

impl Once {
    /// Lets pass to `rows` what is new.
    pub fn rows<'a>(&'a mut self, rows: &'a mut dyn Rows) -> OnceRows<'a> {
        OnceRows { once: self, rows }
    }

    /// Is there one among them that no shard has logged yet?
    fn is_new(&mut self, facts: &[Fact]) -> bool {
        let new = self.remembered.is_any_new(facts);
        self.repeats += u64::from(!new);
        new
    }
}

/// See [`Once::rows`].
pub(crate) struct OnceRows<'a> {
    once: &'a mut Once,
    rows: &'a mut dyn Rows,
}

impl Rows for OnceRows<'_> {
    fn row(&mut self, record: &dyn Record) {
        self.rows.row(record);
    }

    fn row_at(&mut self, packet: u64, record: &dyn Record) {
        self.rows.row_at(packet, record);
    }

    fn once(&mut self, facts: &[Fact], packet: u64, record: &dyn Record) {
        if self.once.is_new(facts) {
            self.rows.row_at(packet, record);
        }
    }

    fn line(&mut self, file: &'static str, line: &[u8]) {
        self.rows.line(file, line);
    }
}
