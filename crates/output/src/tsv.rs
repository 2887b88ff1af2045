use crate::escape::{self, EMPTY, UNSET, tsv_hex, tsv_special, tsv_string};
use crate::line::{Line, PLACE_LEN, word};
use crate::number;
use crate::omission::Omission;
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
    omission: Option<Omission>,
    line: Line,
}

impl TsvEncoder {
    /// For rows of `schema`.
    pub fn new(schema: &'static Schema) -> Self {
        Self { schema, first: None, last: None, omission: None, line: Line::default() }
    }

    /// Leaves out rows that Zeek would not have.
    #[must_use]
    pub fn like_zeek(self) -> Self {
        Self { omission: Omission::of(self.schema), ..self }
    }

    /// Appends `row`, which must be of the encoder's schema, preceded by the header if it is the first; false if the row
    /// is left out.
    pub fn encode(&mut self, row: &dyn Record, out: &mut Vec<u8>) -> bool {
        self.line.clear();
        let mut visitor = Row { line: &mut self.line, time: None, omission: self.omission, omitted: false };
        row.visit(&mut visitor);
        let (time, omitted) = (visitor.time, visitor.omitted);
        if omitted {
            return false;
        }
        if self.first.is_none() {
            let ts = time_of(row);
            self.first = Some(ts);
            self.last = Some(ts);
            out.extend_from_slice(header(self.schema, Some(ts)).as_bytes());
        }
        self.last = self.last.max(time);
        // Every value has left a tab behind it.
        let mut text = self.line.as_bytes().strip_suffix(b"\t").unwrap_or(&[]);
        if let Some(rest) = text.strip_prefix(b"#") {
            // A row must not look like a header line.
            out.extend_from_slice(&tsv_hex(b'#'));
            text = rest;
        }
        out.extend_from_slice(text);
        out.push(b'\n');
        true
    }

    /// Appends the last line; nothing if there was no row.
    pub fn finish(&self, out: &mut Vec<u8>) {
        if let Some(last) = self.last {
            out.extend_from_slice(b"#close\t");
            out.extend_from_slice(&number::zeek_clock(last));
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
            out.extend_from_slice(header(self.schema, Some(ts)).as_bytes());
        }
        self.last = self.last.max(time);
    }
}

/// The lines that begin a log; without `#open` if there is no time for it.
pub(crate) fn header(schema: &Schema, open: Option<Timestamp>) -> String {
    let mut out = b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t".to_vec();
    out.extend_from_slice(schema.log.as_bytes());
    if let Some(ts) = open {
        out.extend_from_slice(b"\n#open\t");
        out.extend_from_slice(&number::zeek_clock(ts));
    }
    out.extend_from_slice(b"\n#fields");
    for field in &schema.fields {
        out.push(b'\t');
        out.extend_from_slice(field.name.as_bytes());
    }
    out.extend_from_slice(b"\n#types");
    for field in &schema.fields {
        out.push(b'\t');
        kind_name(&field.kind, &mut out);
    }
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
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
    line: &'a mut Line,
    time: Option<Timestamp>,
    omission: Option<Omission>,
    omitted: bool,
}

impl Visitor for Row<'_> {
    fn values(&mut self, values: &[Value<'_>]) {
        if self.omission.is_some_and(|o| o.applies(values)) {
            self.omitted = true;
            return;
        }
        let mut values = values.iter();
        while values.len() > 0 {
            let mut other = None;
            self.line.fill_each(values.len(), |place: &mut [u8; PLACE_LEN]| {
                let value = values.next()?;
                if let (None, Value::Time(ts)) = (self.time, value) {
                    self.time = Some(*ts);
                }
                let len = bounded(place, value, b'\t');
                if len.is_none() {
                    other = Some(value);
                }
                len
            });
            if let Some(value) = other {
                unbounded(self.line, value, b'\t');
            }
        }
    }
}

/// Writes a value of bounded size, or a short text, and `end`: a tab, or in a list a comma.
///
/// Always inlined: in the loop over a row's values the arms need no frame of their own.
#[inline(always)]
fn bounded(place: &mut [u8; PLACE_LEN], value: &Value<'_>, end: u8) -> Option<usize> {
    let len = match value {
        Value::Unset => word(place, UNSET),
        Value::Bool(v) => word(place, if *v { b"T" } else { b"F" }),
        Value::Count(v) => number::unsigned(place, *v),
        Value::Int(v) => number::signed(place, *v),
        Value::Time(v) => number::seconds_fixed(place, v.0),
        Value::Interval(v) => number::seconds_fixed(place, v.0),
        Value::Addr(v) => v.write(place),
        Value::Subnet(v) => number::subnet(place, *v),
        Value::Port(v) => number::unsigned(place, u64::from(*v)),
        Value::Uid(v) => v.write(place),
        Value::Community(v) => v.write(place),
        Value::Mac(v) => number::mac(place, *v),
        Value::Str(v) => short(place, v, end)?,
        Value::Enum(v) => short(place, v.as_bytes(), end)?,
        Value::Double(_) | Value::Hex(_) | Value::List(_) => return None,
    };
    *place.get_mut(len)? = end;
    Some(len + 1)
}

#[inline]
fn short(place: &mut [u8; PLACE_LEN], text: &[u8], end: u8) -> Option<usize> {
    // The reserved words begin with one of these, and the empty text has a word.
    match text.first() {
        None | Some(b'-' | b'(') => None,
        Some(_) => escape::short(place, text, tsv_special(end == b',')),
    }
}

/// Appends any value and `end`.
fn any(line: &mut Line, value: &Value<'_>, end: u8) {
    let mut whole = true;
    line.fill(|place| {
        let len = bounded(place, value, end);
        whole = len.is_some();
        len.unwrap_or(0)
    });
    if !whole {
        unbounded(line, value, end);
    }
}

fn unbounded(line: &mut Line, value: &Value<'_>, end: u8) {
    match *value {
        Value::Str(v) => tsv_string(line, v, end == b','),
        Value::Enum(v) => tsv_string(line, v.as_bytes(), end == b','),
        Value::Hex(v) => number::hex(line, v),
        Value::Double(v) => number::double_text(line, v),
        Value::List(list) if list.is_empty() => line.extend(EMPTY),
        Value::List(list) => {
            for i in 0..list.len() {
                any(line, &list.item(i), b',');
            }
            line.truncate(line.as_bytes().len() - 1);
        }
        _ => {}
    }
    line.push(end);
}

#[cfg(test)]
mod tests;
