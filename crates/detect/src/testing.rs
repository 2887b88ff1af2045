//! Rows from nothing, for tests: a log's name and the columns that matter.

use crate::{Detection, Scope, Verdict};
use sekisho_finding::Finding;
use sekisho_record::{Field, Kind as Type, List, Record, Schema, Value, Visitor};
use sekisho_types::{Addr, FiveTuple, Interval, Timestamp, Uid};
use std::sync::Mutex;

/// A cell of a row.
#[allow(dead_code, reason = "each test uses what it needs")]
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Text(Vec<u8>),
    Word(&'static str),
    Count(u64),
    Port(u16),
    Flag(bool),
    Time(f64),
    Span(f64),
    Addr(Addr),
    Uid(u64),
    Texts(Vec<String>),
    Spans(Vec<f64>),
    Counts(Vec<u64>),
}

/// An address from its text.
pub(crate) fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

/// A flow id for each number.
fn uid(n: u64) -> Uid {
    Uid::for_flow(&FiveTuple::default(), Timestamp(i64::try_from(n).unwrap()), 0)
}

fn nanos(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

/// A row of a log.
pub(crate) struct Line {
    schema: &'static Schema,
    cells: Vec<Cell>,
    packet: u64,
}

/// A row of `log` found with packet `packet`; `id.orig_h` and the like are written as in the log.
pub(crate) fn line(log: &'static str, packet: u64, columns: &[(&'static str, Cell)]) -> Line {
    let names: Vec<&'static str> = columns.iter().map(|c| c.0).collect();
    Line { schema: schema(log, &names), cells: columns.iter().map(|c| c.1.clone()).collect(), packet }
}

/// Row types are told apart by the schema's address: one for each set of columns.
fn schema(log: &'static str, names: &[&'static str]) -> &'static Schema {
    static ALL: Mutex<Vec<&'static Schema>> = Mutex::new(Vec::new());
    let mut all = ALL.lock().unwrap();
    let same = |s: &&&'static Schema| s.log == log && s.fields.iter().map(|f| f.name).eq(names.iter().copied());
    if let Some(known) = all.iter().find(same) {
        return known;
    }
    let field = |name: &&'static str| Field { name, kind: Type::String, doc: "", ext: false };
    let new = Box::leak(Box::new(Schema { log, doc: "", fields: names.iter().map(field).collect() }));
    all.push(new);
    new
}

fn value(cell: &Cell) -> Value<'_> {
    match cell {
        Cell::Text(v) => Value::Str(v),
        Cell::Word(v) => Value::Enum(v),
        Cell::Count(v) => Value::Count(*v),
        Cell::Port(v) => Value::Port(*v),
        Cell::Flag(v) => Value::Bool(*v),
        Cell::Time(v) => Value::Time(Timestamp(nanos(*v))),
        Cell::Span(v) => Value::Interval(Interval(nanos(*v))),
        Cell::Addr(v) => Value::Addr(*v),
        Cell::Uid(v) => Value::Uid(uid(*v)),
        Cell::Texts(_) | Cell::Spans(_) | Cell::Counts(_) => Value::Unset,
    }
}

struct Texts<'a>(&'a [String]);

impl List for Texts<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn item(&self, i: usize) -> Value<'_> {
        self.0.get(i).map_or(Value::Unset, |t| Value::Str(t.as_bytes()))
    }
}

struct Numbers(Vec<Value<'static>>);

impl List for Numbers {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn item(&self, i: usize) -> Value<'_> {
        self.0.get(i).copied().unwrap_or(Value::Unset)
    }
}

impl Record for Line {
    fn visit(&self, v: &mut dyn Visitor) {
        let lists: Vec<Box<dyn List + '_>> = self
            .cells
            .iter()
            .map(|cell| -> Box<dyn List + '_> {
                match cell {
                    Cell::Texts(texts) => Box::new(Texts(texts)),
                    Cell::Spans(all) => {
                        Box::new(Numbers(all.iter().map(|s| Value::Interval(Interval(nanos(*s)))).collect()))
                    }
                    Cell::Counts(all) => Box::new(Numbers(all.iter().map(|n| Value::Count(*n)).collect())),
                    _ => Box::new(Texts(&[])),
                }
            })
            .collect();
        let mut values: Vec<Value<'_>> = Vec::new();
        for (cell, list) in self.cells.iter().zip(&lists) {
            values.push(match cell {
                Cell::Texts(_) | Cell::Spans(_) | Cell::Counts(_) => Value::List(&**list),
                plain => value(plain),
            });
        }
        v.values(&values);
    }

    fn schema(&self) -> &'static Schema {
        self.schema
    }

    fn static_schema() -> &'static Schema {
        schema("", &[])
    }
}

/// What all detectors make of `lines`, home being the private networks.
pub(crate) fn judge(lines: &[Line]) -> Verdict {
    let mut detection = Detection::new(&Scope::new(&[], 0));
    for line in lines {
        detection.add(line.packet, line);
    }
    detection.finish()
}

/// The findings of one judgement.
pub(crate) fn of(verdict: &Verdict, id: &str) -> Vec<Finding> {
    verdict.findings.iter().filter(|f| f.about.id == id).cloned().collect()
}
