use crate::line::{Line, PLACE_LEN, word};
use crate::omission::Omission;
use crate::{escape, number};
use sekisho_record::{List, Record, Schema, Value, Visitor};

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
    keys: Vec<Key>,
    /// Does every key fit into its text?
    short_keys: bool,
    omission: Option<Omission>,
    line: Line,
    schema: &'static Schema,
}

/// `,"name":` of one column.
#[derive(Clone, Debug)]
struct Key {
    /// What does not fit into `text`: of nearly all columns nothing.
    start: Vec<u8>,
    /// Filled up behind `len`, to be copied as a whole.
    text: [u8; KEY_LEN],
    /// Below `KEY_LEN`.
    len: u8,
}

const KEY_LEN: usize = 32;

impl Key {
    /// `line` is room to write in.
    fn new(name: &str, line: &mut Line) -> Self {
        line.clear();
        line.extend(b",\"");
        escape::json_string(line, name.as_bytes());
        line.extend(b"\":");
        let (start, end) = line.as_bytes().split_at(line.as_bytes().len().saturating_sub(KEY_LEN - 1));
        let mut text = [0; KEY_LEN];
        text[..end.len()].copy_from_slice(end);
        Self { start: start.to_vec(), text, len: end.len() as u8 }
    }
}

impl JsonEncoder {
    /// For rows of `schema`.
    pub fn new(schema: &'static Schema, style: JsonStyle) -> Self {
        let mut head = Line::default();
        if style == JsonStyle::Ndjson {
            head.extend(b"{\"_path\":\"");
            escape::json_string(&mut head, schema.log.as_bytes());
            head.push(b'"');
        }
        let mut line = Line::default();
        let keys: Vec<_> = schema.fields.iter().map(|f| Key::new(f.name, &mut line)).collect();
        let short_keys = keys.iter().all(|key| key.start.is_empty());
        Self { style, head: head.as_bytes().to_vec(), keys, short_keys, omission: None, line, schema }
    }

    /// Leaves out rows that Zeek would not have.
    #[must_use]
    pub fn like_zeek(self) -> Self {
        Self { omission: Omission::of(self.schema), ..self }
    }

    /// Appends `row`, which must be of the encoder's schema, and a newline; false if the row is left out.
    pub fn encode(&mut self, row: &dyn Record, out: &mut Vec<u8>) -> bool {
        self.line.clear();
        if !self.head.is_empty() {
            self.line.extend(&self.head);
        }
        let (line, keys, omission) = (&mut self.line, &self.keys, self.omission);
        let mut visitor = Row { line, keys, short_keys: self.short_keys, style: self.style, omission, omitted: false };
        row.visit(&mut visitor);
        if visitor.omitted {
            return false;
        }
        self.line.extend(b"}\n");
        let start = out.len();
        // A row without any value has no comma whose place the brace could take.
        if self.line.as_bytes() == b"}\n" {
            out.push(b'{');
        }
        out.extend_from_slice(self.line.as_bytes());
        // Without a head the first column has left its comma where the brace belongs.
        out[start] = b'{';
        true
    }
}

struct Row<'a> {
    line: &'a mut Line,
    keys: &'a [Key],
    short_keys: bool,
    style: JsonStyle,
    omission: Option<Omission>,
    omitted: bool,
}

/// Room for a key and a value of bounded size.
const COLUMN_LEN: usize = (KEY_LEN + PLACE_LEN).next_power_of_two();

impl Visitor for Row<'_> {
    fn values(&mut self, values: &[Value<'_>]) {
        if self.omission.is_some_and(|o| o.applies(values)) {
            self.omitted = true;
            return;
        }
        let style = self.style;
        let mut columns = values.iter().zip(self.keys);
        while columns.len() > 0 {
            let mut other = None;
            if self.short_keys {
                self.line.fill_each(columns.len(), |room: &mut [u8; COLUMN_LEN]| {
                    let (value, key) = columns.next()?;
                    if matches!(value, Value::Unset) {
                        return Some(0);
                    }
                    room[..KEY_LEN].copy_from_slice(&key.text);
                    let len = usize::from(key.len) % KEY_LEN;
                    if let Some(more) = bounded(room[len..].first_chunk_mut()?, value, style) {
                        return Some(len + more);
                    }
                    other = Some((value, key));
                    None
                });
            } else {
                other = columns.find(|(value, _)| !matches!(value, Value::Unset));
            }
            if let Some((value, key)) = other {
                self.line.extend(&key.start);
                self.line.extend(&key.text[..usize::from(key.len)]);
                any(self.line, value, style);
            }
        }
    }
}

/// Writes a value of bounded size, or a short text.
///
/// Always inlined: in the loop over a row's values its arms need no frame of their own.
#[inline(always)]
fn bounded(place: &mut [u8; PLACE_LEN], value: &Value<'_>, style: JsonStyle) -> Option<usize> {
    Some(match value {
        Value::Unset => word(place, b"null"),
        Value::Bool(true) => word(place, b"true"),
        Value::Bool(false) => word(place, b"false"),
        Value::Count(v) => number::unsigned(place, *v),
        Value::Int(v) => number::signed(place, *v),
        Value::Time(v) if style == JsonStyle::Zeek => number::seconds_short(place, v.0),
        Value::Time(v) => quoted(place, |p| number::iso_time(p, *v)),
        Value::Interval(v) => number::interval_short(place, v.0),
        Value::Addr(v) => quoted(place, |p| v.write(p)),
        Value::Subnet(v) => quoted(place, |p| number::subnet(p, *v)),
        Value::Port(v) => number::unsigned(place, u64::from(*v)),
        Value::Uid(v) => quoted(place, |p| v.write(p)),
        Value::Community(v) => quoted(place, |p| v.write(p)),
        Value::Mac(v) => quoted(place, |p| number::mac(p, *v)),
        Value::Str(v) => return short(place, v),
        Value::Enum(v) => return short(place, v.as_bytes()),
        Value::Double(_) | Value::Hex(_) | Value::List(_) => return None,
    })
}

/// Appends any value.
fn any(line: &mut Line, value: &Value<'_>, style: JsonStyle) {
    let mut whole = true;
    line.fill(|place| {
        let len = bounded(place, value, style);
        whole = len.is_some();
        len.unwrap_or(0)
    });
    if !whole {
        unbounded(line, value, style);
    }
}

/// Appends a value that [`bounded`] refuses.
fn unbounded(line: &mut Line, value: &Value<'_>, style: JsonStyle) {
    let text = match *value {
        Value::Str(v) => v,
        Value::Enum(v) => v.as_bytes(),
        Value::Hex(v) => {
            line.push(b'"');
            number::hex(line, v);
            return line.push(b'"');
        }
        Value::Double(v) if v.is_finite() => return number::double_short(line, v),
        Value::List(v) => return list(line, v, style),
        _ => return line.extend(b"null"),
    };
    line.push(b'"');
    escape::json_string(line, text);
    line.push(b'"');
}

fn list(line: &mut Line, list: &dyn List, style: JsonStyle) {
    line.push(b'[');
    for i in 0..list.len() {
        if i > 0 {
            line.push(b',');
        }
        any(line, &list.item(i), style);
    }
    line.push(b']');
}

#[inline]
fn short(place: &mut [u8; PLACE_LEN], text: &[u8]) -> Option<usize> {
    let [quote, inner @ ..] = place;
    *quote = b'"';
    let len = escape::short(inner, text, escape::JSON_SPECIAL)?;
    *inner.get_mut(len)? = b'"';
    Some(len + 2)
}

#[inline]
fn quoted(place: &mut [u8; PLACE_LEN], inner: impl FnOnce(&mut [u8; PLACE_LEN - 1]) -> usize) -> usize {
    let [quote, text @ ..] = place;
    *quote = b'"';
    let len = inner(text);
    if let Some(quote) = text.get_mut(len) {
        *quote = b'"';
    }
    len + 2
}
