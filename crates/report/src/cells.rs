//! The wanted columns of a row, as they stand in it.

use sekisho_record::{Kind, List, Schema, Text, Value};
use sekisho_types::{Addr, CommunityId, Interval, MacAddr, SeededState, Timestamp, Uid, seeded_hash};
use std::hash::BuildHasher;
use std::io::Write;
use std::ops::Range;

/// Longest text taken from one cell or item; the rest is cut off.
const MAX_TEXT_LEN: usize = 256;
/// Most items taken from a list.
const MAX_ITEMS: usize = 64;

/// Names the wanted columns of logs: for each a module with `NAMES` and one index per column.
macro_rules! columns {
    ($($log:ident { $($index:ident $name:literal),* $(,)? })*) => {$(
        pub(crate) mod $log {
            $(pub(crate) const $index: usize = $crate::cells::index_of(NAMES, $name);)*
            pub(crate) const NAMES: &[&str] = &[$($name),*];
        }
    )*};
}
pub(crate) use columns;

/// Position of `name` among `names`; a name that is not there fails the build.
pub(crate) const fn index_of(names: &[&str], name: &str) -> usize {
    let mut i = 0;
    while !equal(names[i].as_bytes(), name.as_bytes()) {
        i += 1;
    }
    i
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    a.len() == b.len() && i == a.len()
}

/// No column has what is wanted.
const NOWHERE: u8 = u8::MAX;

/// Where the wanted columns of a row type stand.
pub(crate) struct Plan {
    /// The column of each slot.
    columns: Vec<u8>,
    /// Slots whose values may be texts or lists, and their columns.
    texts: Vec<(u8, u8)>,
}

impl Plan {
    pub fn new(schema: &Schema, names: &[&str]) -> Self {
        let column = |name: &str| schema.index_of(name).and_then(|i| u8::try_from(i).ok()).unwrap_or(NOWHERE);
        let columns: Vec<u8> = names.iter().map(|name| column(name)).collect();
        let is_text = |column: u8| {
            let field = schema.fields.get(usize::from(column));
            field.is_some_and(|f| matches!(f.kind, Kind::String | Kind::Subnet | Kind::Set(_) | Kind::Vector(_)))
        };
        let texts = (0..NOWHERE).zip(&columns).filter(|(_, column)| is_text(**column)).map(|(slot, c)| (slot, *c));
        Self { texts: texts.collect(), columns }
    }
}

/// Texts of a row that do not stand in it as bytes, printed.
#[derive(Default)]
pub(crate) struct Printed {
    text: Vec<u8>,
    /// By slot, ranges of `text`.
    cells: Vec<(u8, Range<usize>)>,
    items: Vec<Range<usize>>,
    /// By slot, ranges of `items`.
    lists: Vec<(u8, Range<usize>)>,
}

/// The wanted cells of one row.
pub(crate) struct Cells<'a> {
    plan: &'a Plan,
    values: &'a [Value<'a>],
    printed: &'a Printed,
}

/// Is the value bytes already, as far as texts are concerned?
fn is_bytes(value: Value<'_>) -> bool {
    matches!(value, Value::Str(_) | Value::Enum(_) | Value::Unset)
}

fn bytes_of(value: Value<'_>) -> &[u8] {
    match value {
        Value::Str(v) => v.get(..MAX_TEXT_LEN).unwrap_or(v),
        Value::Enum(v) => v.as_bytes(),
        _ => &[],
    }
}

fn len_of(list: &dyn List) -> usize {
    list.len().min(MAX_ITEMS)
}

impl<'a> Cells<'a> {
    /// The wanted columns of a row with these values. `printed` is a scratch that is used again for the next row.
    pub fn of(plan: &'a Plan, values: &'a [Value<'a>], printed: &'a mut Printed) -> Self {
        printed.load(plan, values);
        Self { plan, values, printed }
    }

    fn value(&self, i: usize) -> Value<'a> {
        let column = self.plan.columns.get(i).map_or(usize::from(NOWHERE), |column| usize::from(*column));
        self.values.get(column).copied().unwrap_or(Value::Unset)
    }

    /// A flow or file's id as a number for tables.
    pub fn uid(&self, i: usize, seed: u64) -> Option<u64> {
        match self.value(i) {
            Value::Uid(v) => Some(SeededState(seed).hash_one(v)),
            _ => self.text(i).map(|text| seeded_hash(seed, text)),
        }
    }

    /// A flow or file's id.
    pub fn id(&self, i: usize) -> Option<Uid> {
        match self.value(i) {
            Value::Uid(v) => Some(v),
            _ => None,
        }
    }

    /// A flow or file's id as it is printed.
    pub fn uid_text(&self, i: usize) -> Option<Text> {
        match self.value(i) {
            Value::Uid(v) => {
                let mut buf = [0; Uid::MAX_LEN];
                let len = v.write(&mut buf);
                buf.get(..len).map(Text::from)
            }
            _ => self.text(i).map(Text::from),
        }
    }

    pub fn count(&self, i: usize) -> Option<u64> {
        match self.value(i) {
            Value::Count(v) => Some(v),
            Value::Int(v) => Some(u64::try_from(v).unwrap_or(0)),
            Value::Double(v) => Some(v as u64),
            Value::Port(v) => Some(u64::from(v)),
            _ => None,
        }
    }

    pub fn flag(&self, i: usize) -> Option<bool> {
        match self.value(i) {
            Value::Bool(v) => Some(v),
            _ => None,
        }
    }

    pub fn time(&self, i: usize) -> Option<Timestamp> {
        match self.value(i) {
            Value::Time(v) => Some(v),
            _ => None,
        }
    }

    pub fn interval(&self, i: usize) -> Option<Interval> {
        match self.value(i) {
            Value::Interval(v) => Some(v),
            _ => None,
        }
    }

    pub fn addr(&self, i: usize) -> Option<Addr> {
        match self.value(i) {
            Value::Addr(v) => Some(v),
            _ => None,
        }
    }

    pub fn mac(&self, i: usize) -> Option<MacAddr> {
        match self.value(i) {
            Value::Mac(v) => Some(v),
            _ => None,
        }
    }

    /// A text that is set and not empty.
    pub fn text(&self, i: usize) -> Option<&'a [u8]> {
        let text = match self.value(i) {
            value if is_bytes(value) => bytes_of(value),
            _ => {
                let (_, range) = self.printed.cells.iter().find(|(slot, _)| usize::from(*slot) == i)?;
                self.printed.text.get(range.clone())?
            }
        };
        (!text.is_empty()).then_some(text)
    }

    /// The texts of a list; nothing if unset.
    pub fn items(&self, i: usize) -> impl Iterator<Item = &'a [u8]> {
        let list = match self.value(i) {
            Value::List(list) => Some(list),
            _ => None,
        };
        let printed = self.printed;
        let ranges = printed.lists.iter().find(|(slot, _)| usize::from(*slot) == i).map(|(_, range)| range.clone());
        let ranges = ranges.and_then(|range| printed.items.get(range));
        let count = list.map_or(0, len_of);
        (0..count).filter_map(move |n| match ranges {
            Some(ranges) => printed.text.get(ranges.get(n)?.clone()),
            None => Some(bytes_of(list?.item(n))),
        })
    }
}

impl Printed {
    fn load(&mut self, plan: &Plan, values: &[Value<'_>]) {
        self.text.clear();
        self.cells.clear();
        self.items.clear();
        self.lists.clear();
        for &(slot, column) in &plan.texts {
            match values.get(usize::from(column)) {
                Some(value @ (Value::Hex(_) | Value::Subnet(_) | Value::Community(_))) => {
                    let range = self.push(*value);
                    self.cells.push((slot, range));
                }
                Some(Value::List(list)) if !(0..len_of(*list)).all(|i| is_bytes(list.item(i))) => {
                    let start = self.items.len();
                    for i in 0..len_of(*list) {
                        let item = self.push(list.item(i));
                        self.items.push(item);
                    }
                    self.lists.push((slot, start..self.items.len()));
                }
                _ => {}
            }
        }
    }

    /// Appends the printed form to the text.
    fn push(&mut self, value: Value<'_>) -> Range<usize> {
        let start = self.text.len();
        let out = &mut self.text;
        // Writing to a Vec cannot fail.
        let _ = match value {
            Value::Str(_) | Value::Enum(_) => {
                out.extend_from_slice(bytes_of(value));
                Ok(())
            }
            Value::Uid(v) => {
                let mut buf = [0; Uid::MAX_LEN];
                let len = v.write(&mut buf);
                out.extend_from_slice(buf.get(..len).unwrap_or(&[]));
                Ok(())
            }
            Value::Community(v) => {
                let mut buf = [0; CommunityId::ROOM_LEN];
                let len = v.write(&mut buf);
                out.extend_from_slice(buf.get(..len).unwrap_or(&[]));
                Ok(())
            }
            Value::Hex(v) => {
                let digit = |d: u8| if d < 10 { b'0' + d } else { b'a' + d - 10 };
                out.extend(v.iter().take(MAX_TEXT_LEN).flat_map(|b| [digit(b >> 4), digit(b & 15)]));
                Ok(())
            }
            Value::Addr(v) => {
                let mut buf = [0; Addr::ROOM_LEN];
                let len = v.write(&mut buf);
                out.extend_from_slice(buf.get(..len).unwrap_or(&[]));
                Ok(())
            }
            Value::Subnet(v) => write!(out, "{v}"),
            Value::Mac(v) => write!(out, "{v}"),
            Value::Count(v) => write!(out, "{v}"),
            Value::Int(v) => write!(out, "{v}"),
            Value::Port(v) => write!(out, "{v}"),
            Value::Bool(v) => write!(out, "{v}"),
            Value::Unset | Value::Double(_) | Value::Time(_) | Value::Interval(_) | Value::List(_) => Ok(()),
        };
        start..self.text.len()
    }
}
