//! One column of a row group: a dictionary if that pays, and pages of values.

use super::column::{Column, Entry, SET_ITEM, Values, Walk};
use super::leaf::{ADDR_LEN, Form, Leaf};
use super::packing::{deltas, hybrid, width_of};
use super::stats::Stats;
use super::thrift::{self, Type};
use super::zstd::{self, Zstd};
use super::{Out, Rows};
use hashbrown::HashTable;
use sekisho_types::{Addr, seeded_hash};

/// A page has as many entries at most, a row more where lists are: then nearly all pages are one block of 128 KiB …
const PAGE_COUNT: usize = 15_000;
/// … and as many bytes of spelled-out texts, one value more.
const PAGE_LEN: usize = 96 << 10;

/// A dictionary of numbers has as many at most.
const MAX_NUMBERS: usize = 4096;

/// Whether numbers repeat is looked at when there are as many, and whenever there are twice as many.
const FIRST_LOOK: usize = 1024;

/// Shorter pages are stored as they are.
const MIN_COMPRESSED_LEN: usize = 64;

/// parquet.thrift, `Encoding`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
enum Encoding {
    Plain = 0,
    Rle = 3,
    DeltaBinaryPacked = 5,
    DeltaLengthByteArray = 6,
    RleDictionary = 8,
}

/// Buffers and encoders that all columns of all files share.
#[derive(Default)]
pub struct Press {
    zstd: Zstd,
    page: Vec<u8>,
    frame: Vec<u8>,
    values: Vec<u32>,
    levels: [Vec<u32>; 2],
}

/// What the footer says about a chunk.
pub struct Chunk {
    entry_count: u64,
    encoding: Encoding,
    /// Where its dictionary page begins, if it has one.
    dictionary_at: Option<u64>,
    pages_at: u64,
    /// With the heads of its pages; compressed and not.
    len: u64,
    full_len: u64,
    stats: Stats,
    pub bloom: Option<(u64, u64)>,
}

/// Values by their numbers in a dictionary.
enum Dictionary<'a> {
    None,
    Numbers { values: Vec<i64>, ids: Vec<u32> },
    Texts { count: usize, ids: &'a [u32] },
}

impl<'a> Dictionary<'a> {
    fn new(form: Form, values: &'a Values) -> Self {
        match values {
            Values::Numbers(numbers) if form != Form::Double => Self::of_numbers(numbers),
            Values::Texts(texts) => {
                let count = texts.distinct().len();
                texts.ids().filter(|_| count > 0).map_or(Self::None, |ids| Self::Texts { count, ids })
            }
            _ => Self::None,
        }
    }

    fn of_numbers(numbers: &[i64]) -> Self {
        let (mut values, mut ids) = (Vec::new(), Vec::new());
        let mut table: HashTable<u32> = HashTable::new();
        let hash = |v: i64| seeded_hash(0, &v.to_le_bytes());
        for &v in numbers {
            let last = ids.last().copied().filter(|&id: &u32| values.get(id as usize) == Some(&v));
            let id = last.unwrap_or_else(|| {
                if let Some(&id) = table.find(hash(v), |&id| values.get(id as usize) == Some(&v)) {
                    return id;
                }
                let id = values.len() as u32;
                values.push(v);
                table.insert_unique(hash(v), id, |&id| values.get(id as usize).map_or(0, |&v| hash(v)));
                id
            });
            ids.push(id);
            let unlike = ids.len() >= FIRST_LOOK && ids.len().is_power_of_two() && values.len() > ids.len() / 2;
            if unlike || values.len() > MAX_NUMBERS {
                return Self::None;
            }
        }
        if values.is_empty() || values.len() > ids.len() / 2 { Self::None } else { Self::Numbers { values, ids } }
    }

    fn count(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Numbers { values, .. } => Some(values.len()),
            Self::Texts { count, .. } => Some(*count),
        }
    }

    fn id(&self, value: u32) -> u32 {
        let ids = match self {
            Self::None => &[],
            Self::Numbers { ids, .. } => &ids[..],
            Self::Texts { ids, .. } => ids,
        };
        ids.get(value as usize).copied().unwrap_or_default()
    }
}

/// Writes the chunk of `leaf` with the values of `column`.
pub fn write(leaf: &Leaf, column: &Column, rows: &Rows<'_>, press: &mut Press, out: &mut Out<'_>) -> Chunk {
    let form = leaf.form;
    let dictionary = Dictionary::new(form, &column.values);
    let start = out.at;
    let mut chunk = Chunk {
        entry_count: 0,
        encoding: encoding(form, &column.values, &dictionary),
        dictionary_at: None,
        pages_at: start,
        len: 0,
        full_len: 0,
        stats: Stats::new(form, &column.values),
        bloom: None,
    };
    if let Some(count) = dictionary.count() {
        press.page.clear();
        match &dictionary {
            Dictionary::Numbers { values, .. } => plain_numbers(form, values.iter().copied(), &mut press.page),
            _ => (0..count).for_each(|i| plain_text(form, distinct(&column.values, i), &mut press.page)),
        }
        chunk.dictionary_at = Some(out.at);
        let head = Head { dictionary: true, count, encoding: Encoding::Plain };
        chunk.full_len += page(&head, true, press, out).full_len;
        chunk.pages_at = out.at;
    }
    let mut walk = Walk::new(column, rows.order, rows.count);
    let mut pays = true;
    while fill(leaf.list, column, &dictionary, &mut walk, press) {
        let count = press.levels[0].len();
        chunk.entry_count += count as u64;
        levels(leaf.list, press);
        values(form, column, &dictionary, chunk.encoding, press);
        let head = Head { dictionary: false, count, encoding: chunk.encoding };
        let written = page(&head, pays, press, out);
        // What does not get shorter will not on the next page.
        pays &= written.len < written.full_len / 16 * 15;
        chunk.full_len += written.full_len;
    }
    chunk.len = out.at - start;
    chunk
}

fn encoding(form: Form, values: &Values, dictionary: &Dictionary<'_>) -> Encoding {
    match (dictionary, form) {
        (Dictionary::Numbers { .. } | Dictionary::Texts { .. }, _) => Encoding::RleDictionary,
        (_, Form::Count | Form::Int | Form::Port | Form::Time) if values.len() > 0 => Encoding::DeltaBinaryPacked,
        (_, Form::Text | Form::AddrText) if values.len() > 0 => Encoding::DeltaLengthByteArray,
        _ => Encoding::Plain,
    }
}

/// Collects the entries of the next page: their levels, and the numbers of their values. False if there is none.
fn fill(list: bool, column: &Column, dictionary: &Dictionary<'_>, walk: &mut Walk<'_>, press: &mut Press) -> bool {
    let Press { values, levels: [there, repeats], .. } = press;
    values.clear();
    there.clear();
    repeats.clear();
    // Only spelled-out texts may be long.
    let texts = match (&column.values, dictionary) {
        (Values::Texts(texts), Dictionary::None) => Some(texts),
        _ => None,
    };
    let mut len = 0;
    let uniform = walk.uniform(PAGE_COUNT, |value| {
        values.push(value as u32);
        len += texts.map_or(0, |texts| texts.distinct_at(value).len());
        len < PAGE_LEN
    });
    if let Some((set, count)) = uniform {
        there.resize(count, u32::from(set));
        return count > 0;
    }
    while there.len() < PAGE_COUNT && len < PAGE_LEN {
        let more = walk.step(&mut |entry: Entry| {
            there.push(entry.level);
            if list {
                repeats.push(u32::from(entry.repeats));
            }
            if let Some(value) = entry.value {
                values.push(value as u32);
                len += texts.map_or(0, |texts| texts.distinct_at(value).len());
            }
        });
        if !more {
            break;
        }
    }
    !there.is_empty()
}

/// Begins the page with the levels of its entries.
fn levels(list: bool, press: &mut Press) {
    let Press { page, levels: [there, repeats], .. } = press;
    page.clear();
    let mut put = |max: u32, levels: &[u32]| {
        let at = page.len();
        page.extend_from_slice(&[0; 4]);
        hybrid(page, width_of(u64::from(max)), levels);
        let len = (page.len() - at - 4) as u32;
        page[at..at + 4].copy_from_slice(&len.to_le_bytes());
    };
    if list {
        put(1, repeats);
    }
    put(if list { SET_ITEM } else { 1 }, there);
}

/// Goes on with the values.
fn values(form: Form, column: &Column, dictionary: &Dictionary<'_>, encoding: Encoding, press: &mut Press) {
    let Press { page, values, .. } = press;
    if let Some(count) = dictionary.count() {
        let width = width_of(count as u64 - 1).max(1);
        page.push(width as u8);
        values.iter_mut().for_each(|value| *value = dictionary.id(*value));
        return hybrid(page, width, values);
    }
    match &column.values {
        Values::Bits(bits) => {
            for eight in values.chunks(8) {
                let byte = eight.iter().rev().fold(0, |byte, &i| byte << 1 | u8::from(bits.get(i as usize)));
                page.push(byte);
            }
        }
        Values::Numbers(numbers) => {
            let numbers = values.iter().map(|&i| numbers.get(i as usize).copied().unwrap_or_default());
            match encoding {
                Encoding::DeltaBinaryPacked => deltas(page, numbers),
                _ => plain_numbers(form, numbers, page),
            }
        }
        Values::Texts(texts) if encoding == Encoding::DeltaLengthByteArray => {
            let mut room = Spelled::default();
            deltas(page, values.iter().map(|&i| room.of(form, texts.distinct_at(i as usize)).len() as i64));
            values.iter().for_each(|&i| page.extend_from_slice(room.of(form, texts.distinct_at(i as usize))));
        }
        Values::Texts(texts) => values.iter().for_each(|&i| plain_text(form, texts.distinct_at(i as usize), page)),
    }
}

fn plain_numbers(form: Form, numbers: impl Iterator<Item = i64>, out: &mut Vec<u8>) {
    let len = if form == Form::Port { size_of::<i32>() } else { size_of::<i64>() };
    numbers.for_each(|v| out.extend_from_slice(&v.to_le_bytes()[..len]));
}

fn plain_text(form: Form, text: &[u8], out: &mut Vec<u8>) {
    let mut room = Spelled::default();
    let text = room.of(form, text);
    if form != Form::AddrBytes {
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    }
    out.extend_from_slice(text);
}

fn distinct(values: &Values, i: usize) -> &[u8] {
    match values {
        Values::Texts(texts) => texts.distinct_at(i),
        _ => &[],
    }
}

/// Room for an address as text.
pub struct Spelled {
    room: [u8; Addr::ROOM_LEN],
}

impl Default for Spelled {
    fn default() -> Self {
        Self { room: [0; Addr::ROOM_LEN] }
    }
}

impl Spelled {
    /// What is written for `text`.
    pub fn of<'a>(&'a mut self, form: Form, text: &'a [u8]) -> &'a [u8] {
        match (form, text.first_chunk::<ADDR_LEN>()) {
            (Form::AddrText, Some(&octets)) => {
                let len = Addr::v6(octets).write(&mut self.room);
                self.room.get(..len).unwrap_or(&[])
            }
            _ => text,
        }
    }
}

struct Head {
    dictionary: bool,
    count: usize,
    encoding: Encoding,
}

/// Lengths of a page with its head.
struct Written {
    len: u64,
    full_len: u64,
}

/// Writes the page; compressed if that `pays`.
fn page(head: &Head, pays: bool, press: &mut Press, out: &mut Out<'_>) -> Written {
    let Press { zstd, page, frame, .. } = press;
    let page_len = page.len();
    if pays && page_len >= MIN_COMPRESSED_LEN {
        zstd.compress(page, frame);
    } else {
        zstd::store(page, frame);
    }
    page.clear();
    thrift::write(page, |s| {
        s.i32(1, if head.dictionary { 2 } else { 0 });
        s.i32(2, page_len as i32);
        s.i32(3, frame.len() as i32);
        s.strukt(if head.dictionary { 7 } else { 5 }, |s| {
            s.i32(1, head.count as i32);
            s.i32(2, head.encoding as i32);
            if !head.dictionary {
                s.i32(3, Encoding::Rle as i32);
                s.i32(4, Encoding::Rle as i32);
            }
        });
    });
    let head_len = page.len() as u64;
    out.put(page);
    out.put(frame);
    Written { len: head_len + frame.len() as u64, full_len: head_len + page_len as u64 }
}

/// Zstandard in parquet.thrift's `CompressionCodec`.
const ZSTD: i32 = 6;

impl Chunk {
    /// Compressed and not, with the heads of pages.
    pub fn lens(&self) -> (u64, u64) {
        (self.len, self.full_len)
    }

    /// Appends the `ColumnChunk`.
    pub fn describe(&self, leaf: &Leaf, out: &mut Vec<u8>) {
        thrift::write(out, |s| {
            // Where a copy of the metadata would stand: there is none.
            s.i64(2, 0);
            s.strukt(3, |s| {
                s.i32(1, leaf.form.physical() as i32);
                let mut encodings = vec![Encoding::Rle, self.encoding];
                if self.dictionary_at.is_some() {
                    encodings.push(Encoding::Plain);
                }
                s.list(2, Type::I32, encodings.len(), |out| {
                    encodings.iter().for_each(|&e| thrift::i32(out, e as i32));
                });
                leaf.path(s, 3);
                s.i32(4, ZSTD);
                s.i64(5, self.entry_count.cast_signed());
                s.i64(6, self.full_len.cast_signed());
                s.i64(7, self.len.cast_signed());
                s.i64(9, self.pages_at.cast_signed());
                if let Some(at) = self.dictionary_at {
                    s.i64(11, at.cast_signed());
                }
                s.strukt(12, |s| self.stats.describe(self.entry_count, s));
                if let Some((at, len)) = self.bloom {
                    s.i64(14, at.cast_signed());
                    s.i32(15, len as i32);
                }
            });
        });
    }
}
