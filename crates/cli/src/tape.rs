//! Rows that travel between threads: their values, copied from the record and played back as one.

use sekisho_record::{List, Record, Schema, Value, Visitor};
use sekisho_types::{Addr, CommunityId, Interval, MacAddr, Subnet, Timestamp, Uid};
use smallvec::SmallVec;
use std::sync::OnceLock;

/// Columns of a row that need no memory of their own when it is played.
const COLUMNS: usize = 64;

/// Lists of a row that need none.
const LISTS: usize = 16;

/// Rows one after the other; kept for the next use, so that nothing is allocated per row.
///
/// Another thread reads what one wrote, and most of a row's columns are numbers or unset: they lie close together, each kind
/// of value with its like, so that few lines of memory change their core.
#[derive(Default)]
pub struct Tape {
    rows: Vec<Row>,
    kinds: Vec<Kind>,
    /// Numbers, and where texts lie.
    words: Vec<u64>,
    addrs: Vec<Addr>,
    uids: Vec<Uid>,
    others: Vec<Cell>,
    /// Items of lists.
    items: Vec<Cell>,
    bytes: Vec<u8>,
    /// Where the last whole row ends: a bug that strikes while a row is recorded leaves half of it behind.
    whole: Place,
}

/// A row's schema and packet, and where its columns begin.
struct Row {
    schema: &'static Schema,
    packet: u64,
    start: Place,
}

/// How far each part of a tape is written, or read.
#[derive(Clone, Copy, Default)]
struct Place {
    kinds: usize,
    words: usize,
    addrs: usize,
    uids: usize,
    others: usize,
}

/// What a column is, and so in which part of the tape its value lies.
#[derive(Clone, Copy)]
enum Kind {
    Unset,
    False,
    True,
    Count,
    Int,
    Double,
    Time,
    Interval,
    Port,
    Str,
    Enum,
    Hex,
    Addr,
    Uid,
    /// A [`Cell`].
    Other,
}

/// An item of a list, or a value that is rare; texts and lists by their places.
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
        let start = self.whole;
        self.kinds.truncate(start.kinds);
        self.words.truncate(start.words);
        self.addrs.truncate(start.addrs);
        self.uids.truncate(start.uids);
        self.others.truncate(start.others);
        record.visit(&mut Recorder(self));
        self.rows.push(Row { schema: record.schema(), packet, start });
        self.whole = Place {
            kinds: self.kinds.len(),
            words: self.words.len(),
            addrs: self.addrs.len(),
            uids: self.uids.len(),
            others: self.others.len(),
        };
    }

    /// Row `index`.
    pub fn row(&self, index: usize) -> Option<Played<'_>> {
        let row = self.rows.get(index)?;
        let end = self.rows.get(index + 1).map_or(self.whole, |next| next.start);
        Some(Played { tape: self, schema: row.schema, start: row.start, end })
    }

    /// The packet of row `index`.
    pub fn packet(&self, index: usize) -> u64 {
        self.rows.get(index).map_or(0, |row| row.packet)
    }

    /// Bytes that it takes.
    pub fn held_len(&self) -> usize {
        self.rows.capacity() * size_of::<Row>()
            + self.kinds.capacity()
            + self.words.capacity() * size_of::<u64>()
            + self.addrs.capacity() * size_of::<Addr>()
            + self.uids.capacity() * size_of::<Uid>()
            + (self.others.capacity() + self.items.capacity()) * size_of::<Cell>()
            + self.bytes.capacity()
    }

    /// Forgets the rows.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.kinds.clear();
        self.words.clear();
        self.addrs.clear();
        self.uids.clear();
        self.others.clear();
        self.items.clear();
        self.bytes.clear();
        self.whole = Place::default();
    }

    fn keep(&mut self, bytes: &[u8]) -> (usize, usize) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        (start, self.bytes.len())
    }

    fn column(&mut self, value: Value<'_>) {
        let kind = match value {
            Value::Unset => Kind::Unset,
            Value::Bool(false) => Kind::False,
            Value::Bool(true) => Kind::True,
            Value::Count(v) => self.word(Kind::Count, v),
            Value::Int(v) => self.word(Kind::Int, v.cast_unsigned()),
            Value::Double(v) => self.word(Kind::Double, v.to_bits()),
            Value::Time(v) => self.word(Kind::Time, v.0.cast_unsigned()),
            Value::Interval(v) => self.word(Kind::Interval, v.0.cast_unsigned()),
            Value::Port(v) => self.word(Kind::Port, v.into()),
            Value::Str(v) => self.text(Kind::Str, v, value),
            Value::Enum(v) => self.text(Kind::Enum, v.as_bytes(), value),
            Value::Hex(v) => self.text(Kind::Hex, v, value),
            Value::Addr(v) => {
                self.addrs.push(v);
                Kind::Addr
            }
            Value::Uid(v) => {
                self.uids.push(v);
                Kind::Uid
            }
            Value::Subnet(_) | Value::Community(_) | Value::Mac(_) | Value::List(_) => self.other(value),
        };
        self.kinds.push(kind);
    }

    fn word(&mut self, kind: Kind, word: u64) -> Kind {
        self.words.push(word);
        kind
    }

    /// Where a text begins and how long it is make one word.
    fn text(&mut self, kind: Kind, text: &[u8], value: Value<'_>) -> Kind {
        let (Ok(start), Ok(len)) = (u32::try_from(self.bytes.len()), u32::try_from(text.len())) else {
            return self.other(value);
        };
        self.bytes.extend_from_slice(text);
        self.word(kind, u64::from(start) << 32 | u64::from(len))
    }

    fn other(&mut self, value: Value<'_>) -> Kind {
        let cell = self.cell(value, 1);
        self.others.push(cell);
        Kind::Other
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

    fn span(&self, start: usize, end: usize) -> &[u8] {
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
            Cell::Str(start, end) => Value::Str(self.span(start, end)),
            Cell::Hex(start, end) => Value::Hex(self.span(start, end)),
            Cell::Enum(start, end) => Value::Enum(in_words(self.span(start, end))),
        }
    }
}

/// Only what was text is read as text.
fn in_words(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("")
}

struct Recorder<'a>(&'a mut Tape);

impl Visitor for Recorder<'_> {
    fn values(&mut self, values: &[Value<'_>]) {
        self.0.kinds.reserve(values.len());
        self.0.words.reserve(values.len());
        for value in values {
            self.0.column(*value);
        }
    }
}

/// A row of a tape.
pub struct Played<'a> {
    tape: &'a Tape,
    schema: &'static Schema,
    start: Place,
    end: Place,
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
        let Self { tape, start, end, .. } = self;
        let others = tape.others.get(start.others..end.others).unwrap_or(&[]);
        let list = |cell: &Cell| match *cell {
            Cell::List(start, end) => Some(Items { tape, cells: tape.items.get(start..end).unwrap_or(&[]) }),
            _ => None,
        };
        // Lists need a place while their values are looked at.
        let lists: SmallVec<[Items<'_>; LISTS]> = others.iter().filter_map(list).collect();
        let (mut others, mut lists) = (others.iter(), lists.iter());
        let mut words = tape.words.get(start.words..end.words).unwrap_or(&[]).iter();
        let mut word = || words.next().copied().unwrap_or(0);
        let mut addrs = tape.addrs.get(start.addrs..end.addrs).unwrap_or(&[]).iter();
        let mut uids = tape.uids.get(start.uids..end.uids).unwrap_or(&[]).iter();
        let text = |word: u64| {
            let start = usize::try_from(word >> 32).unwrap_or(usize::MAX);
            let len = usize::try_from(word & u64::from(u32::MAX)).unwrap_or(usize::MAX);
            tape.bytes.get(start..).and_then(|from| from.get(..len)).unwrap_or(&[])
        };
        let kinds = tape.kinds.get(start.kinds..end.kinds).unwrap_or(&[]);
        let (mut few, mut many) = ([Value::Unset; COLUMNS], Vec::new());
        let values = match few.get_mut(..kinds.len()) {
            Some(values) => values,
            None => {
                many.resize(kinds.len(), Value::Unset);
                &mut *many
            }
        };
        // Each value is written where it stays: to move one that was just put together makes the processor wait for it.
        for (to, kind) in values.iter_mut().zip(kinds) {
            match kind {
                Kind::Unset => {}
                Kind::False => *to = Value::Bool(false),
                Kind::True => *to = Value::Bool(true),
                Kind::Count => *to = Value::Count(word()),
                Kind::Int => *to = Value::Int(word().cast_signed()),
                Kind::Double => *to = Value::Double(f64::from_bits(word())),
                Kind::Time => *to = Value::Time(Timestamp(word().cast_signed())),
                Kind::Interval => *to = Value::Interval(Interval(word().cast_signed())),
                Kind::Port => *to = Value::Port(u16::try_from(word()).unwrap_or(0)),
                Kind::Str => *to = Value::Str(text(word())),
                Kind::Enum => *to = Value::Enum(in_words(text(word()))),
                Kind::Hex => *to = Value::Hex(text(word())),
                Kind::Addr => *to = addrs.next().map_or(Value::Unset, |addr| Value::Addr(*addr)),
                Kind::Uid => *to = uids.next().map_or(Value::Unset, |uid| Value::Uid(*uid)),
                Kind::Other => match others.next() {
                    Some(Cell::List(..)) => *to = lists.next().map_or(Value::Unset, |list| Value::List(list)),
                    Some(cell) => *to = tape.plain(*cell),
                    None => {}
                },
            }
        }
        v.values(values);
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
    use sekisho_record::{Digest, EnumName, Port, Text, for_each, with_values};
    use sekisho_types::FiveTuple;

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

    /// A row with every kind of value.
    #[derive(Record)]
    #[record(log = "all")]
    struct All {
        /// When.
        ts: Timestamp,
        /// Flow.
        uid: Uid,
        /// Who.
        host: Addr,
        /// Where.
        port: Option<Port>,
        /// How long.
        span: Option<Interval>,
        /// What kind.
        kind: EnumName,
        /// Truth.
        truth: Option<bool>,
        /// Part.
        part: f64,
        /// Balance.
        balance: i64,
        /// Prefix.
        net: Option<Subnet>,
        /// Card.
        mac: Option<MacAddr>,
        /// Texts.
        texts: Vec<String>,
        /// Numbers.
        numbers: Option<Vec<u64>>,
        /// Digest.
        sum: Option<Digest<2>>,
        /// Holes.
        holes: Vec<Option<Addr>>,
        /// Community.
        community_id: Option<CommunityId>,
        /// A word.
        word: Text,
    }

    fn all(full: bool, count: u64) -> All {
        let (orig, resp) = (Addr::v4([1, 2, 3, 4]), Addr::v4([5, 6, 7, 8]));
        let tuple = FiveTuple { orig, resp, orig_port: 1, resp_port: 2, proto: 6 };
        All {
            ts: Timestamp(-5),
            uid: Uid::from_key(b'C', count, b"k"),
            host: Addr::v4([10, 0, 0, 1]),
            port: full.then_some(Port(65_535)),
            span: full.then_some(Interval(-7)),
            kind: EnumName("tcp"),
            truth: full.then_some(count.is_multiple_of(2)),
            part: f64::NAN,
            balance: i64::MIN,
            net: full.then(|| Subnet::new(Addr::v4([10, 0, 0, 0]), 8).expect("a prefix")),
            mac: full.then_some(MacAddr([2, 0, 0, 0, 0, 1])),
            texts: vec!["a".into(), String::new()],
            numbers: full.then(|| vec![u64::MAX, count]),
            sum: full.then_some(Digest([0xab, 1])),
            holes: vec![None, Some(Addr::v4([9, 9, 9, 9]))],
            community_id: full.then(|| CommunityId::new(&tuple, 0)),
            word: Text(vec![0xff, b'x']),
        }
    }

    /// A row with a bug: its list ends the program after some columns.
    struct Broken(All);

    impl Record for Broken {
        fn visit(&self, v: &mut dyn Visitor) {
            struct Trap;
            impl List for Trap {
                fn len(&self) -> usize {
                    2
                }
                fn item(&self, i: usize) -> Value<'_> {
                    assert_eq!(i, 0, "a bug, for the test");
                    Value::Count(7)
                }
            }
            with_values(&self.0, |values| {
                let mut values = values.to_vec();
                values[14] = Value::List(&Trap);
                v.values(&values);
            });
        }

        fn schema(&self) -> &'static Schema {
            All::static_schema()
        }

        fn static_schema() -> &'static Schema {
            All::static_schema()
        }
    }

    #[test]
    fn plays_back_every_kind_of_value_and_nothing_of_a_row_with_a_bug() {
        let mut tape = Tape::default();
        for round in 0..2 {
            let rows: Vec<All> = (0..4).map(|i| all(i != round, i)).collect();
            for (i, row) in rows.iter().enumerate() {
                tape.push(i as u64, row);
                let broken = || tape.push(9, &Broken(all(true, 8)));
                assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(broken)).is_err());
            }
            for (i, row) in rows.iter().enumerate() {
                let mut shown = Vec::new();
                with_values(&tape.row(i).expect("a row"), |values| shown = vec![format!("{values:?}")]);
                with_values(row, |values| assert_eq!(shown, [format!("{values:?}")]));
                assert_eq!(tape.packet(i), i as u64);
            }
            assert!(tape.row(rows.len()).is_none() && tape.held_len() > 0);
            tape.clear();
        }
    }
}
