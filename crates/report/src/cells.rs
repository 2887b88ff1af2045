//! The wanted columns of a row, copied into a scratch that is used again for the next one.

use sekisho_record::{List, Schema, Text, Value};
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

/// Where the wanted columns of a row type stand.
pub(crate) struct Plan {
    /// Column and slot.
    wants: Vec<(u8, u8)>,
    wanted: usize,
}

impl Plan {
    pub fn new(schema: &Schema, names: &[&str]) -> Self {
        let slot = |name: &str| names.iter().position(|n| *n == name).and_then(|i| u8::try_from(i).ok());
        let columns = (0..=u8::MAX).zip(&schema.fields);
        Self { wants: columns.filter_map(|(i, f)| Some((i, slot(f.name)?))).collect(), wanted: names.len() }
    }
}

#[derive(Clone, Debug, Default)]
enum Cell {
    #[default]
    Unset,
    Bool(bool),
    Count(u64),
    Time(Timestamp),
    Interval(Interval),
    Addr(Addr),
    Mac(MacAddr),
    Uid(Uid),
    /// Range of `Cells::text`.
    Text(Range<usize>),
    /// Range of `Cells::items`.
    List(Range<usize>),
}

/// The wanted cells of one row.
#[derive(Default)]
pub(crate) struct Cells {
    cells: Vec<Cell>,
    text: Vec<u8>,
    items: Vec<Range<usize>>,
}

impl Cells {
    /// Takes the wanted columns of a row with these values.
    pub fn load(&mut self, plan: &Plan, values: &[Value<'_>]) {
        self.text.clear();
        self.items.clear();
        self.cells.clear();
        self.cells.resize(plan.wanted, Cell::Unset);
        for &(place, slot) in &plan.wants {
            let cell = values.get(usize::from(place)).map_or(Cell::Unset, |v| self.cell(*v));
            if let Some(to) = self.cells.get_mut(usize::from(slot)) {
                *to = cell;
            }
        }
    }

    /// A flow or file's id as a number for tables.
    pub fn uid(&self, i: usize, seed: u64) -> Option<u64> {
        match self.cells.get(i) {
            Some(Cell::Uid(v)) => Some(SeededState(seed).hash_one(v)),
            _ => self.text(i).map(|text| seeded_hash(seed, text)),
        }
    }

    /// A flow or file's id.
    pub fn id(&self, i: usize) -> Option<Uid> {
        match self.cells.get(i) {
            Some(Cell::Uid(v)) => Some(*v),
            _ => None,
        }
    }

    /// A flow or file's id as it is printed.
    pub fn uid_text(&self, i: usize) -> Option<Text> {
        match self.cells.get(i) {
            Some(Cell::Uid(v)) => {
                let mut buf = [0; Uid::MAX_LEN];
                let len = v.write(&mut buf);
                buf.get(..len).map(Text::from)
            }
            _ => self.text(i).map(Text::from),
        }
    }

    pub fn count(&self, i: usize) -> Option<u64> {
        match self.cells.get(i) {
            Some(Cell::Count(v)) => Some(*v),
            _ => None,
        }
    }

    pub fn flag(&self, i: usize) -> Option<bool> {
        match self.cells.get(i) {
            Some(Cell::Bool(v)) => Some(*v),
            _ => None,
        }
    }

    pub fn time(&self, i: usize) -> Option<Timestamp> {
        match self.cells.get(i) {
            Some(Cell::Time(v)) => Some(*v),
            _ => None,
        }
    }

    pub fn interval(&self, i: usize) -> Option<Interval> {
        match self.cells.get(i) {
            Some(Cell::Interval(v)) => Some(*v),
            _ => None,
        }
    }

    pub fn addr(&self, i: usize) -> Option<Addr> {
        match self.cells.get(i) {
            Some(Cell::Addr(v)) => Some(*v),
            _ => None,
        }
    }

    pub fn mac(&self, i: usize) -> Option<MacAddr> {
        match self.cells.get(i) {
            Some(Cell::Mac(v)) => Some(*v),
            _ => None,
        }
    }

    /// A text that is set and not empty.
    pub fn text(&self, i: usize) -> Option<&[u8]> {
        match self.cells.get(i) {
            Some(Cell::Text(range)) if !range.is_empty() => self.text.get(range.clone()),
            _ => None,
        }
    }

    /// The texts of a list; nothing if unset.
    pub fn items(&self, i: usize) -> impl Iterator<Item = &[u8]> {
        let range = match self.cells.get(i) {
            Some(Cell::List(range)) => range.clone(),
            _ => 0..0,
        };
        self.items.get(range).into_iter().flatten().filter_map(|r| self.text.get(r.clone()))
    }

    fn cell(&mut self, value: Value<'_>) -> Cell {
        match value {
            Value::Unset => Cell::Unset,
            Value::Bool(v) => Cell::Bool(v),
            Value::Count(v) => Cell::Count(v),
            Value::Int(v) => Cell::Count(u64::try_from(v).unwrap_or(0)),
            Value::Double(v) => Cell::Count(v as u64),
            Value::Port(v) => Cell::Count(u64::from(v)),
            Value::Time(v) => Cell::Time(v),
            Value::Interval(v) => Cell::Interval(v),
            Value::Addr(v) => Cell::Addr(v),
            Value::Mac(v) => Cell::Mac(v),
            Value::Uid(v) => Cell::Uid(v),
            Value::List(list) => Cell::List(self.list(list)),
            other => Cell::Text(self.push(other)),
        }
    }

    fn list(&mut self, list: &dyn List) -> Range<usize> {
        let start = self.items.len();
        for i in 0..list.len().min(MAX_ITEMS) {
            let item = self.push(list.item(i));
            self.items.push(item);
        }
        start..self.items.len()
    }

    /// Appends the printed form to the text.
    fn push(&mut self, value: Value<'_>) -> Range<usize> {
        let start = self.text.len();
        let out = &mut self.text;
        // Writing to a Vec cannot fail.
        let _ = match value {
            Value::Str(v) => {
                out.extend_from_slice(v.get(..MAX_TEXT_LEN).unwrap_or(v));
                Ok(())
            }
            Value::Enum(v) => {
                out.extend_from_slice(v.as_bytes());
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
            Value::Hex(v) => v.iter().take(MAX_TEXT_LEN).try_for_each(|b| write!(out, "{b:02x}")),
            Value::Addr(v) => write!(out, "{v}"),
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
