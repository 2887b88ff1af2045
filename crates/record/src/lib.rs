//! Records declared once: the schema, the [`Record`] trait and the visitor that encoders implement.
//!
//! A record is one Rust struct with `#[derive(Record)]`; each field carries one doc sentence and its
//! name in the logs. From it come Zeek JSON and text, NDJSON, later Parquet, SQL columns and rule
//! fields. This crate knows no protocol, no flow table and no output format.

mod common;
mod file;
mod heap;
mod value;

pub use common::{Head, Tail};
pub use file::{FileMeta, Range};
pub use sekisho_record_derive::Record;
pub use value::{Digest, EnumName, Kind, List, Port, Set, Text, Texts, ToValue, UnsetIfEmpty, Value};

/// One column: name, type and the doc sentence of the struct's field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in the logs, e.g. `id.orig_h`.
    pub name: &'static str,
    /// Type, in Zeek's terms.
    pub kind: Kind,
    /// One sentence for the reference page.
    pub doc: &'static str,
    /// True for what Zeek's log of the same name does not have.
    pub ext: bool,
}

/// A record type: the log it belongs to and its columns in order.
#[derive(Debug, PartialEq, Eq)]
pub struct Schema {
    /// Log name without ending, e.g. `http`; also the event kind that detectors declare.
    pub log: &'static str,
    /// What one row stands for.
    pub doc: &'static str,
    /// Columns in printing order.
    pub fields: Vec<Field>,
}

impl Schema {
    /// Position of the column called `name`.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }
}

/// Receives a record's values.
pub trait Visitor {
    /// All values in schema order: the visitor loops over them, there is no call for each.
    fn values(&mut self, values: &[Value<'_>]);
}

/// A group of columns: a record, or a part shared by several.
pub trait Fields {
    /// Number of columns.
    const COUNT: usize;

    /// Appends the columns.
    fn describe(out: &mut Vec<Field>);

    /// Stores the values in `to`, which has [`Fields::COUNT`] places, in the order of `describe`.
    fn put<'a>(&'a self, to: &mut [Value<'a>]);
}

/// One typed log row.
pub trait Record {
    /// Hands the values to `v`.
    fn visit(&self, v: &mut dyn Visitor);

    /// The row type's schema; the same address for every row of the type.
    fn schema(&self) -> &'static Schema;

    /// The schema without a row at hand.
    fn static_schema() -> &'static Schema
    where
        Self: Sized;
}

/// Calls `f` with the values of `record`, in the order of its columns.
pub fn with_values(record: &dyn Record, f: impl FnMut(&[Value<'_>])) {
    struct Look<F>(F);
    impl<F: FnMut(&[Value<'_>])> Visitor for Look<F> {
        fn values(&mut self, values: &[Value<'_>]) {
            (self.0)(values);
        }
    }
    record.visit(&mut Look(f));
}

/// Calls `f` with every (column, value) of `record`, for consumers that know rows by schema only.
pub fn for_each(record: &dyn Record, f: &mut dyn FnMut(&'static Field, Value<'_>)) {
    let mut fields = record.schema().fields.iter();
    with_values(record, |values| values.iter().zip(&mut fields).for_each(|(value, field)| f(field, *value)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate as sekisho_record;

    /// Two numbers.
    #[derive(Record)]
    struct Pair {
        /// First.
        #[record(name = "p.a")]
        a: u64,
        /// Second.
        b: Option<bool>,
    }

    /// A test row.
    #[derive(Record)]
    #[record(log = "demo")]
    struct Demo {
        /// Comes before the group.
        first: u8,
        #[record(flatten)]
        pair: Pair,
        /// Some words.
        #[record(ext)]
        words: Vec<String>,
        /// Not logged.
        #[record(skip)]
        hidden: u8,
    }

    #[test]
    fn derive_gives_schema_and_values_in_order() {
        let row = Demo { first: 3, pair: Pair { a: 7, b: None }, words: vec!["x".into()], hidden: 1 };
        assert_eq!(row.hidden, 1);
        let s = row.schema();
        assert_eq!(s.log, "demo");
        assert_eq!(s.doc, "A test row.");
        let names: Vec<_> = s.fields.iter().map(|f| (f.name, f.ext, f.doc)).collect();
        assert_eq!(names[0], ("first", false, "Comes before the group."));
        assert_eq!(names[1..], [("p.a", false, "First."), ("b", false, "Second."), ("words", true, "Some words.")]);
        assert!(std::ptr::eq(s, Demo::static_schema()));
        let mut seen = Vec::new();
        for_each(&row, &mut |f, v| seen.push(format!("{}={v:?}", f.name)));
        assert_eq!(seen, ["first=Count(3)", "p.a=Count(7)", "b=Unset", "words=[Str(\"x\")]"]);
    }
}
