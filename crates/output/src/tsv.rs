use crate::escape::{EMPTY, UNSET, tsv_hex, tsv_string};
use crate::number;
use sekisho_record::{Kind, Record, Schema, Value, Visitor};
use sekisho_types::Timestamp;

/// Writes rows of one schema as Zeek's tab-separated text.
///
/// The header's `#open` is the time of the first row and `#close` the latest time of any row, both packet time in UTC:
/// the same capture gives the same bytes whenever it is read. Points and spans of time have six decimals, cut off.
#[derive(Clone, Debug)]
pub struct TsvEncoder {
    schema: &'static Schema,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl TsvEncoder {
    /// For rows of `schema`.
    pub fn new(schema: &'static Schema) -> Self {
        Self { schema, first: None, last: None }
    }

    /// Appends `row`, which must be of the encoder's schema, preceded by the header if it is the first.
    pub fn encode(&mut self, row: &dyn Record, out: &mut Vec<u8>) {
        if self.first.is_none() {
            let ts = time_of(row);
            self.first = Some(ts);
            self.last = Some(ts);
            self.header(ts, out);
        }
        let start = out.len();
        let mut visitor = Row { out, at_start: true, time: None };
        row.visit(&mut visitor);
        let time = visitor.time;
        self.last = self.last.max(time);
        if out.get(start) == Some(&b'#') {
            // A row must not look like a header line.
            let line = out.split_off(start);
            tsv_hex(out, b'#');
            out.extend_from_slice(&line[1..]);
        }
        out.push(b'\n');
    }

    /// Appends the last line; nothing if there was no row.
    pub fn finish(&self, out: &mut Vec<u8>) {
        if let Some(last) = self.last {
            out.extend_from_slice(b"#close\t");
            number::zeek_clock(out, last);
            out.push(b'\n');
        }
    }

    /// Appends `row` alone, and tells its latest time, for [`TsvEncoder::note`] of the encoder that writes the file.
    pub(crate) fn encode_row(&mut self, row: &dyn Record, out: &mut Vec<u8>) -> Option<Timestamp> {
        self.first.get_or_insert_default();
        self.last = None;
        self.encode(row, out);
        self.last
    }

    /// A row of time `time`, encoded elsewhere, comes next: appends the header if it is the first.
    pub(crate) fn note(&mut self, time: Option<Timestamp>, out: &mut Vec<u8>) {
        if self.first.is_none() {
            let ts = time.unwrap_or_default();
            self.first = Some(ts);
            self.last = Some(ts);
            self.header(ts, out);
        }
        self.last = self.last.max(time);
    }

    fn header(&self, ts: Timestamp, out: &mut Vec<u8>) {
        out.extend_from_slice(b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t");
        out.extend_from_slice(self.schema.log.as_bytes());
        out.extend_from_slice(b"\n#open\t");
        number::zeek_clock(out, ts);
        out.extend_from_slice(b"\n#fields");
        for field in &self.schema.fields {
            out.push(b'\t');
            out.extend_from_slice(field.name.as_bytes());
        }
        out.extend_from_slice(b"\n#types");
        for field in &self.schema.fields {
            out.push(b'\t');
            kind_name(&field.kind, out);
        }
        out.push(b'\n');
    }
}

/// The type as Zeek names it, e.g. `vector[string]`.
pub(crate) fn kind_name(kind: &Kind, out: &mut Vec<u8>) {
    let (name, inner) = match kind {
        Kind::Addr => ("addr", None),
        Kind::Bool => ("bool", None),
        Kind::Count => ("count", None),
        Kind::Double => ("double", None),
        Kind::Enum => ("enum", None),
        Kind::Int => ("int", None),
        Kind::Interval => ("interval", None),
        Kind::Port => ("port", None),
        Kind::Set(inner) => ("set", Some(inner)),
        Kind::String => ("string", None),
        Kind::Subnet => ("subnet", None),
        Kind::Time => ("time", None),
        Kind::Vector(inner) => ("vector", Some(inner)),
    };
    out.extend_from_slice(name.as_bytes());
    if let Some(inner) = inner {
        out.push(b'[');
        kind_name(inner, out);
        out.push(b']');
    }
}

/// The first point in time among the row's values; 1970 if it has none.
fn time_of(row: &dyn Record) -> Timestamp {
    let mut found = None;
    sekisho_record::for_each(row, &mut |_, v| {
        if let (None, Value::Time(ts)) = (found, v) {
            found = Some(ts);
        }
    });
    found.unwrap_or_default()
}

struct Row<'a> {
    out: &'a mut Vec<u8>,
    at_start: bool,
    time: Option<Timestamp>,
}

impl Visitor for Row<'_> {
    fn value(&mut self, value: Value<'_>) {
        if !self.at_start {
            self.out.push(b'\t');
        }
        self.at_start = false;
        if let (None, Value::Time(ts)) = (self.time, value) {
            self.time = Some(ts);
        }
        write(self.out, value, false);
    }
}

fn write(out: &mut Vec<u8>, value: Value<'_>, in_list: bool) {
    match value {
        Value::Unset => out.extend_from_slice(UNSET),
        Value::Bool(v) => out.push(if v { b'T' } else { b'F' }),
        Value::Count(v) => number::unsigned(out, v),
        Value::Int(v) => number::signed(out, v),
        Value::Double(v) => number::double_text(out, v),
        Value::Time(v) => number::seconds_fixed(out, v.0, 6),
        Value::Interval(v) => number::seconds_fixed(out, v.0, 6),
        Value::Addr(v) => number::addr(out, v),
        Value::Subnet(v) => number::subnet(out, v),
        Value::Port(v) => number::unsigned(out, u64::from(v)),
        Value::Str(v) => tsv_string(out, v, in_list),
        Value::Enum(v) => tsv_string(out, v.as_bytes(), in_list),
        Value::Uid(v) => number::uid(out, v),
        Value::Community(v) => out.extend_from_slice(&v.write()),
        Value::Mac(v) => number::mac(out, v),
        Value::Hex(v) => number::hex(out, v),
        Value::List(list) if list.is_empty() => out.extend_from_slice(EMPTY),
        Value::List(list) => {
            for i in 0..list.len() {
                if i > 0 {
                    out.push(b',');
                }
                write(out, list.item(i), true);
            }
        }
    }
}
