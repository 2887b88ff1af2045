//! Rows that travel between threads: their values, copied from the record and played back as one.

use sekisho_record::{List, Record, Schema, Value, Visitor};
use sekisho_types::{Addr, CommunityId, Interval, MacAddr, Subnet, Timestamp, Uid};
use std::sync::OnceLock;

/// Rows one after the other; kept for the next use, so that nothing is allocated per row.
#[derive(Default)]
pub struct Tape {
    rows: Vec<Row>,
    cells: Vec<Cell>,
    items: Vec<Cell>,
    bytes: Vec<u8>,
}

/// A row's schema, packet and where its cells begin.
struct Row {
    schema: &'static Schema,
    packet: u64,
    start: usize,
    end: usize,
}

/// A value; texts and lists by their places.
#[derive(Clone, Copy)]
enum Cell {
    Unset,
    Bool(bool),
    Count(u64),
    Int(i64),
    Double(f64),
    Time(Timestamp),
    Interval(Interval),
    Addr(Addr),
    Subnet(Subnet),
    Port(u16),
    Str(usize, usize),
    Enum(usize, usize),
    Uid(Uid),
    Community(CommunityId),
    Mac(MacAddr),
    Hex(usize, usize),
    List(usize, usize),
}

impl Tape {
    /// Adds a row.
    pub fn push(&mut self, packet: u64, record: &dyn Record) {
        let start = self.cells.len();
        record.visit(&mut Recorder(self));
        self.rows.push(Row { schema: record.schema(), packet, start, end: self.cells.len() });
    }

    /// Row `index`.
    pub fn row(&self, index: usize) -> Option<Played<'_>> {
        let row = self.rows.get(index)?;
        Some(Played { tape: self, schema: row.schema, cells: self.cells.get(row.start..row.end)? })
    }

    /// The packet of row `index`.
    pub fn packet(&self, index: usize) -> u64 {
        self.rows.get(index).map_or(0, |row| row.packet)
    }

    /// Bytes that it takes.
    pub fn held_len(&self) -> usize {
        self.rows.capacity() * size_of::<Row>()
            + (self.cells.capacity() + self.items.capacity()) * size_of::<Cell>()
            + self.bytes.capacity()
    }

    /// Forgets the rows.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.cells.clear();
        self.items.clear();
        self.bytes.clear();
    }

    fn keep(&mut self, bytes: &[u8]) -> (usize, usize) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        (start, self.bytes.len())
    }

    /// `depth` lists may still be within this value; records have lists of plain values only.
    fn cell(&mut self, value: Value<'_>, depth: u32) -> Cell {
        match value {
            Value::Unset => Cell::Unset,
            Value::Bool(v) => Cell::Bool(v),
            Value::Count(v) => Cell::Count(v),
            Value::Int(v) => Cell::Int(v),
            Value::Double(v) => Cell::Double(v),
            Value::Time(v) => Cell::Time(v),
            Value::Interval(v) => Cell::Interval(v),
            Value::Addr(v) => Cell::Addr(v),
            Value::Subnet(v) => Cell::Subnet(v),
            Value::Port(v) => Cell::Port(v),
            Value::Uid(v) => Cell::Uid(v),
            Value::Community(v) => Cell::Community(v),
            Value::Mac(v) => Cell::Mac(v),
            Value::Str(v) => {
                let (start, end) = self.keep(v);
                Cell::Str(start, end)
            }
            Value::Enum(v) => {
                let (start, end) = self.keep(v.as_bytes());
                Cell::Enum(start, end)
            }
            Value::Hex(v) => {
                let (start, end) = self.keep(v);
                Cell::Hex(start, end)
            }
            Value::List(_) if depth == 0 => Cell::Unset,
            Value::List(list) => {
                let start = self.items.len();
                for i in 0..list.len() {
                    let item = self.cell(list.item(i), depth - 1);
                    self.items.push(item);
                }
                Cell::List(start, self.items.len())
            }
        }
    }

    fn text(&self, start: usize, end: usize) -> &[u8] {
        self.bytes.get(start..end).unwrap_or(&[])
    }

    /// Everything but lists, which need a place of their own.
    fn plain(&self, cell: Cell) -> Value<'_> {
        match cell {
            Cell::Unset | Cell::List(..) => Value::Unset,
            Cell::Bool(v) => Value::Bool(v),
            Cell::Count(v) => Value::Count(v),
            Cell::Int(v) => Value::Int(v),
            Cell::Double(v) => Value::Double(v),
            Cell::Time(v) => Value::Time(v),
            Cell::Interval(v) => Value::Interval(v),
            Cell::Addr(v) => Value::Addr(v),
            Cell::Subnet(v) => Value::Subnet(v),
            Cell::Port(v) => Value::Port(v),
            Cell::Uid(v) => Value::Uid(v),
            Cell::Community(v) => Value::Community(v),
            Cell::Mac(v) => Value::Mac(v),
            Cell::Str(start, end) => Value::Str(self.text(start, end)),
            Cell::Hex(start, end) => Value::Hex(self.text(start, end)),
            Cell::Enum(start, end) => Value::Enum(std::str::from_utf8(self.text(start, end)).unwrap_or("")),
        }
    }
}

struct Recorder<'a>(&'a mut Tape);

impl Visitor for Recorder<'_> {
    fn values(&mut self, values: &[Value<'_>]) {
        for &value in values {
            let cell = self.0.cell(value, 1);
            self.0.cells.push(cell);
        }
    }
}

/// A row of a tape.
pub struct Played<'a> {
    tape: &'a Tape,
    schema: &'static Schema,
    cells: &'a [Cell],
}

/// A list of a row.
struct Items<'a> {
    tape: &'a Tape,
    cells: &'a [Cell],
}

impl List for Items<'_> {
    fn len(&self) -> usize {
        self.cells.len()
    }

    fn item(&self, i: usize) -> Value<'_> {
        self.cells.get(i).map_or(Value::Unset, |&cell| self.tape.plain(cell))
    }
}

impl Record for Played<'_> {
    fn visit(&self, v: &mut dyn Visitor) {
        let list = |cell: &Cell| match *cell {
            Cell::List(start, end) => {
                Some(Items { tape: self.tape, cells: self.tape.items.get(start..end).unwrap_or(&[]) })
            }
            _ => None,
        };
        // Lists need a place while their values are looked at.
        let lists: Vec<Option<Items<'_>>> = self.cells.iter().map(list).collect();
        let values = self.cells.iter().zip(&lists).map(|(&cell, list)| match list.as_ref() {
            Some(list) => Value::List(list),
            None => self.tape.plain(cell),
        });
        v.values(&values.collect::<Vec<_>>());
    }

    fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// Of rows whose type is not known: no columns.
    fn static_schema() -> &'static Schema {
        static NONE: OnceLock<Schema> = OnceLock::new();
        NONE.get_or_init(|| Schema { log: "", doc: "", fields: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_engine::WeirdRecord;
    use sekisho_record::for_each;

    #[test]
    fn plays_back_what_was_recorded() {
        let shown = |record: &dyn Record| {
            let mut out = record.schema().log.to_owned();
            for_each(record, &mut |field, value| out += &format!(" {}={value:?}", field.name));
            out
        };
        let rows = [
            WeirdRecord::of_packet(Timestamp(5), 7, Some((Addr::v4([1, 2, 3, 4]), Addr::default())), "odd"),
            WeirdRecord::of_packet(Timestamp(6), 8, None, "odder"),
        ];
        let mut tape = Tape::default();
        rows.iter().for_each(|r| tape.push(7, r));
        for (i, row) in rows.iter().enumerate() {
            assert_eq!(shown(&tape.row(i).expect("a row")), shown(row));
        }
        assert!(tape.row(2).is_none());
        tape.clear();
        assert!(tape.row(0).is_none());
    }

    /// A row with lists.
    #[derive(Record)]
    #[record(log = "lists")]
    struct Lists {
        /// Texts.
        texts: Vec<String>,
        /// Numbers.
        numbers: Option<Vec<u64>>,
    }

    #[test]
    fn plays_back_lists() {
        let row = Lists { texts: vec!["a".into(), String::new()], numbers: None };
        let mut tape = Tape::default();
        tape.push(1, &row);
        let mut seen = Vec::new();
        for_each(&tape.row(0).expect("a row"), &mut |_, v| seen.push(format!("{v:?}")));
        assert_eq!(seen, ["[Str(\"a\"), Str(\"\")]", "Unset"]);
    }
}
