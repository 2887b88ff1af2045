//! Rows as Apache Parquet: one file per log (format 2.x, github.com/apache/parquet-format).
//!
//! A [`Table`] keeps the rows of a row group column by column, in the order in which they come. When the group is
//! closed it is sorted by time, each column becomes a chunk (dictionary, pages, statistics), the chunks are followed by
//! their Bloom filters, and the rows are forgotten; the footer comes last. Pages are of version 1, which every reader
//! knows, in Zstandard frames.
//!
//! There is no crate behind it: what is needed of the format is small, the encoder of `ruzstd` is in the binary already,
//! and so no page is held twice and every buffer is counted. The tests read it back by a reader of their own;
//! `cargo xtask parquet-check` does by DuckDB and pyarrow.

mod bloom;
mod cell;
mod chunk;
mod column;
mod leaf;
mod packing;
mod stats;
mod texts;
mod thrift;
mod zstd;

pub(crate) use cell::Cells;
pub(crate) use chunk::Press;
pub(crate) use leaf::{Leaf, leaves};
pub(crate) use zstd::HELD_LEN as PRESS_LEN;

use crate::describe;
use bloom::Bloom;
use cell::Packed;
use column::{Column, Values};
use sekisho_record::{Record, Schema, Value, Visitor};
use thrift::Type;

/// Rows of a row group at most.
pub(crate) const MAX_ROWS: usize = 1 << 20;

/// Bytes for each row that closing a group takes beside the rows: their times, their order, and of one column at a time
/// where its values begin and their numbers in a dictionary.
const CLOSING_LEN: usize = 32;

/// First and last bytes of a file.
const MAGIC: &[u8] = b"PAR1";

/// The rows of one log on their way to its file.
pub(crate) struct Table {
    schema: &'static Schema,
    leaves: Vec<Leaf>,
    columns: Vec<Column>,
    count: usize,
    /// The log's column by which row groups are sorted: the first with a point in time.
    sorted_by: Option<usize>,
    /// The footer's row groups so far.
    groups: Vec<u8>,
    group_count: usize,
    row_count: u64,
    /// Bytes of the file so far.
    at: u64,
    /// What it took when that was last counted.
    counted_len: usize,
}

/// The file's end.
pub(super) struct Out<'a> {
    sink: &'a mut dyn FnMut(&[u8]),
    /// Bytes before it.
    pub at: u64,
}

impl Out<'_> {
    pub fn put(&mut self, bytes: &[u8]) {
        (self.sink)(bytes);
        self.at += bytes.len() as u64;
    }
}

/// The rows of a group.
pub(super) struct Rows<'a> {
    pub count: usize,
    /// The numbers of the rows, sorted; `None` if they came so.
    pub order: Option<&'a [u32]>,
}

impl Table {
    /// For rows of `schema`.
    pub fn new(schema: &'static Schema) -> Self {
        let sorted_by = schema.fields.iter().position(|f| f.kind == sekisho_record::Kind::Time);
        Self {
            schema,
            leaves: leaves(schema),
            columns: leaf::columns(schema),
            count: 0,
            sorted_by,
            groups: Vec::new(),
            group_count: 0,
            row_count: 0,
            at: 0,
            counted_len: 0,
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: &dyn Record, cells: &mut Cells) {
        row.visit(&mut Pushing { columns: &mut self.columns, cells });
        self.count += 1;
    }

    /// Adds a row that [`pack`] packed.
    pub fn push_packed(&mut self, mut row: &[u8]) {
        for column in &mut self.columns {
            match cell::unpack(&mut row) {
                Some(Packed::List(count)) => {
                    column.push_list(count);
                    for _ in 0..count {
                        if let Some(Packed::Cell(item)) = cell::unpack(&mut row) {
                            column.push_item(item);
                        }
                    }
                }
                Some(Packed::Cell(cell)) => column.push(cell),
                None => column.push(cell::Cell::Unset),
            }
        }
        self.count += 1;
    }

    /// Rows that wait.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Counts the bytes that the rows take, and will when their group is closed. What is kept for the footer, some 100 bytes for each chunk, is not among them:
    /// closing row groups earlier would only make it more.
    pub fn count_len(&mut self) -> usize {
        self.counted_len = self.columns.iter().map(Column::held_len).sum::<usize>() + self.count * CLOSING_LEN;
        self.counted_len
    }

    /// What it took when that was last counted.
    pub fn counted_len(&self) -> usize {
        self.counted_len
    }

    /// Forgets everything.
    pub fn give_up(&mut self) {
        self.columns = leaf::columns(self.schema);
        self.groups = Vec::new();
        self.count = 0;
    }

    /// Writes the rows that wait as a row group.
    pub fn close_group(&mut self, press: &mut Press, sink: &mut dyn FnMut(&[u8])) {
        if self.count == 0 {
            return;
        }
        let mut out = Out { sink, at: self.at };
        if out.at == 0 {
            out.put(MAGIC);
        }
        let start = out.at;
        let order = self.order();
        let rows = Rows { count: self.count, order: order.as_deref() };
        let mut chunks = Vec::with_capacity(self.leaves.len());
        for leaf in &self.leaves {
            chunks.push(chunk::write(leaf, &self.columns[leaf.field], &rows, press, &mut out));
        }
        let end = out.at;
        let mut filter = Vec::new();
        for (leaf, chunk) in self.leaves.iter().zip(&mut chunks).filter(|(leaf, _)| leaf.bloom) {
            if bloom(leaf, &self.columns[leaf.field].values, &mut filter) {
                chunk.bloom = Some((out.at, filter.len() as u64));
                out.put(&filter);
            }
        }
        self.at = out.at;
        self.describe_group(&chunks, start, end - start);
        self.row_count += self.count as u64;
        self.columns = leaf::columns(self.schema);
        self.count = 0;
    }

    /// Writes what is left, and the footer.
    pub fn finish(&mut self, press: &mut Press, sink: &mut dyn FnMut(&[u8])) {
        self.close_group(press, sink);
        let mut out = Out { sink, at: self.at };
        if out.at == 0 {
            out.put(MAGIC);
        }
        let mut footer = Vec::new();
        self.describe(&mut footer);
        out.put(&footer);
        out.put(&(footer.len() as u32).to_le_bytes());
        out.put(MAGIC);
        self.at = out.at;
    }

    /// The numbers of the rows by time, equal times as they came; rows without time first.
    fn order(&self) -> Option<Vec<u32>> {
        let column = self.columns.get(self.sorted_by?)?;
        let Values::Numbers(times) = &column.values else { return None };
        if times.len() == self.count && times.is_sorted() {
            return None;
        }
        let mut order: Vec<u32> = (0..self.count as u32).collect();
        if times.len() == self.count {
            order.sort_by_key(|&row| times.get(row as usize));
            return Some(order);
        }
        let mut keys = Vec::with_capacity(self.count);
        let mut walk = column::Walk::new(column, None, self.count);
        while walk.step(&mut |entry| keys.push(entry.value.and_then(|i| times.get(i)).copied())) {}
        order.sort_by_key(|&row| keys.get(row as usize).copied().flatten());
        Some(order)
    }

    /// Appends the `RowGroup` to those of the footer.
    fn describe_group(&mut self, chunks: &[chunk::Chunk], start: u64, len: u64) {
        let Self { leaves, groups, sorted_by, group_count, count, .. } = self;
        thrift::write(groups, |s| {
            s.list(1, Type::Struct, chunks.len(), |out| {
                chunks.iter().zip(&*leaves).for_each(|(chunk, leaf)| chunk.describe(leaf, out));
            });
            s.i64(2, chunks.iter().map(|c| c.lens().1.cast_signed()).sum());
            s.i64(3, *count as i64);
            if let Some(at) = leaves.iter().position(|leaf| Some(leaf.field) == *sorted_by) {
                s.list(4, Type::Struct, 1, |out| {
                    thrift::write(out, |s| {
                        s.i32(1, at as i32);
                        s.bool(2, false);
                        s.bool(3, true);
                    });
                });
            }
            s.i64(5, start.cast_signed());
            s.i64(6, len.cast_signed());
            if let Ok(ordinal) = i16::try_from(*group_count) {
                s.i16(7, ordinal);
            }
        });
        *group_count += 1;
    }

    /// Appends the `FileMetaData`.
    fn describe(&self, out: &mut Vec<u8>) {
        let mut elements = Vec::new();
        let element_count = leaf::describe(&mut elements, self.schema.log, &self.leaves);
        let facts = describe::file_facts(self.schema, &self.leaves);
        thrift::write(out, |s| {
            s.i32(1, 2);
            s.list(2, Type::Struct, element_count, |out| out.extend_from_slice(&elements));
            s.i64(3, self.row_count.cast_signed());
            s.list(4, Type::Struct, self.group_count, |out| out.extend_from_slice(&self.groups));
            s.list(5, Type::Struct, facts.len(), |out| {
                for (key, value) in &facts {
                    thrift::write(out, |s| {
                        s.binary(1, key.as_bytes());
                        s.binary(2, value.as_bytes());
                    });
                }
            });
            s.binary(6, describe::WRITER.as_bytes());
            // The order of each column is that of its type.
            s.list(7, Type::Struct, self.leaves.len(), |out| {
                self.leaves.iter().for_each(|_| thrift::write(out, |s| s.empty(1)));
            });
        });
    }
}

/// Replaces `out` by the filter of all values; false if there are none.
fn bloom(leaf: &Leaf, values: &Values, out: &mut Vec<u8>) -> bool {
    let Values::Texts(texts) = values else { return false };
    let distinct = texts.distinct();
    if distinct.len() == 0 {
        return false;
    }
    let mut bloom = Bloom::new(distinct.len());
    let mut room = chunk::Spelled::default();
    distinct.for_each(|text| bloom.add(room.of(leaf.form, text)));
    out.clear();
    bloom.write(out);
    true
}

struct Pushing<'a> {
    columns: &'a mut [Column],
    cells: &'a mut Cells,
}

impl Visitor for Pushing<'_> {
    fn values(&mut self, values: &[Value<'_>]) {
        for (column, value) in self.columns.iter_mut().zip(values) {
            if let Value::List(list) = value {
                column.push_list(list.len());
                (0..list.len()).for_each(|i| column.push_item(self.cells.of(&list.item(i))));
            } else {
                column.push(self.cells.of(value));
            }
        }
    }
}

/// Appends `row` for [`Table::push_packed`].
pub(crate) fn pack(row: &dyn Record, cells: &mut Cells, out: &mut Vec<u8>) {
    struct Packing<'a> {
        cells: &'a mut Cells,
        out: &'a mut Vec<u8>,
    }
    impl Visitor for Packing<'_> {
        fn values(&mut self, values: &[Value<'_>]) {
            for value in values {
                if let Value::List(list) = value {
                    cell::pack_list(self.out, list.len());
                    (0..list.len()).for_each(|i| cell::pack(self.out, self.cells.of(&list.item(i))));
                } else {
                    cell::pack(self.out, self.cells.of(value));
                }
            }
        }
    }
    row.visit(&mut Packing { cells, out });
}

/// Row groups in the file with these bytes.
#[cfg(test)]
pub(crate) fn group_count(bytes: &[u8]) -> usize {
    read::file(bytes).footer.list(4).len()
}

#[cfg(test)]
mod read;
#[cfg(test)]
mod tests;
