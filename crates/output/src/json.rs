use crate::{escape, number};
use sekisho_record::{Record, Schema, Value, Visitor};

/// Which JSON: they differ in how points in time are written and in what opens a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonStyle {
    /// First member `_path` with the log's name; times in ISO 8601, UTC, nine decimals.
    Ndjson,
    /// As Zeek with `LogAscii::use_json=T`: times are seconds since 1970 with up to six decimals.
    Zeek,
}

/// Writes rows of one schema as JSON objects, one per line.
///
/// Members are in schema order under flat dotted names; unset values are absent, empty lists are `[]`. Spans of time are
/// seconds with up to nine decimals. Sets and vectors are arrays, in which an unset item is `null`.
#[derive(Clone, Debug)]
pub struct JsonEncoder {
    style: JsonStyle,
    /// What precedes the first column: nothing, or `{"_path":"conn"`.
    head: Vec<u8>,
    /// `,"name":` of all columns, one after another.
    names: Vec<u8>,
    /// Where each column's text ends in `names`.
    ends: Vec<usize>,
}

impl JsonEncoder {
    /// For rows of `schema`.
    pub fn new(schema: &Schema, style: JsonStyle) -> Self {
        let mut head = Vec::new();
        if style == JsonStyle::Ndjson {
            head.extend_from_slice(b"{\"_path\":");
            escape::json_string(&mut head, schema.log.as_bytes());
        }
        let (mut names, mut ends) = (Vec::new(), Vec::new());
        for field in &schema.fields {
            names.push(b',');
            escape::json_string(&mut names, field.name.as_bytes());
            names.push(b':');
            ends.push(names.len());
        }
        Self { style, head, names, ends }
    }

    /// Appends `row`, which must be of the encoder's schema, and a newline.
    pub fn encode(&self, row: &dyn Record, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.head);
        row.visit(&mut Row { out, encoder: self, column: 0, name_start: 0 });
        // Without a head the first column has left its comma where the brace belongs.
        match out.get_mut(start) {
            Some(first) => *first = b'{',
            None => out.push(b'{'),
        }
        out.extend_from_slice(b"}\n");
    }
}

struct Row<'a> {
    out: &'a mut Vec<u8>,
    encoder: &'a JsonEncoder,
    column: usize,
    name_start: usize,
}

impl Visitor for Row<'_> {
    fn value(&mut self, value: Value<'_>) {
        let Some(&end) = self.encoder.ends.get(self.column) else { return };
        if !matches!(value, Value::Unset) {
            self.out.extend_from_slice(&self.encoder.names[self.name_start..end]);
            write(self.out, value, self.encoder.style);
        }
        self.column += 1;
        self.name_start = end;
    }
}

fn write(out: &mut Vec<u8>, value: Value<'_>, style: JsonStyle) {
    match value {
        Value::Unset => out.extend_from_slice(b"null"),
        Value::Bool(v) => out.extend_from_slice(if v { b"true" } else { b"false" }),
        Value::Count(v) => number::unsigned(out, v),
        Value::Int(v) => number::signed(out, v),
        Value::Double(v) if v.is_finite() => number::double_short(out, v),
        Value::Double(_) => out.extend_from_slice(b"null"),
        Value::Time(v) if style == JsonStyle::Zeek => number::seconds_short(out, v.0, 6),
        Value::Time(v) => quoted(out, |out| number::iso_time(out, v)),
        Value::Interval(v) => number::seconds_short(out, v.0, 9),
        Value::Addr(v) => quoted(out, |out| number::addr(out, v)),
        Value::Subnet(v) => quoted(out, |out| number::subnet(out, v)),
        Value::Port(v) => number::unsigned(out, u64::from(v)),
        Value::Str(v) => escape::json_string(out, v),
        Value::Enum(v) => escape::json_string(out, v.as_bytes()),
        Value::Uid(v) => quoted(out, |out| number::uid(out, v)),
        Value::Community(v) => quoted(out, |out| out.extend_from_slice(&v.write())),
        Value::Mac(v) => quoted(out, |out| number::mac(out, v)),
        Value::Hex(v) => quoted(out, |out| number::hex(out, v)),
        Value::List(list) => {
            out.push(b'[');
            for i in 0..list.len() {
                if i > 0 {
                    out.push(b',');
                }
                write(out, list.item(i), style);
            }
            out.push(b']');
        }
    }
}

fn quoted(out: &mut Vec<u8>, inner: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    inner(out);
    out.push(b'"');
}
