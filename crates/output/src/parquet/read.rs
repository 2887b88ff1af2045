//! A plain reader for the tests, written from the format's documents, not from the writer.

use ruzstd::decoding::StreamingDecoder;
use std::collections::BTreeMap;
use std::io::Read;

pub(super) fn unzstd(mut frame: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    StreamingDecoder::new(&mut frame).unwrap().read_to_end(&mut out).unwrap();
    out
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut v, mut shift) = (0, 0);
    loop {
        let b = byte(bytes);
        v |= u64::from(b & 0x7f) << shift;
        shift += 7;
        if b < 0x80 {
            return v;
        }
    }
}

fn zigzag(bytes: &mut &[u8]) -> i64 {
    let v = varint(bytes);
    (v >> 1).cast_signed() ^ -(v & 1).cast_signed()
}

fn byte(bytes: &mut &[u8]) -> u8 {
    take(bytes, 1)[0]
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (now, rest) = bytes.split_at(len);
    *bytes = rest;
    now
}

fn unpack(bytes: &[u8], width: u32, count: usize) -> Vec<u64> {
    let bit = |at: usize| u64::from(bytes[at / 8] >> (at % 8) & 1);
    (0..count).map(|i| (0..width as usize).fold(0, |v, b| v | bit(i * width as usize + b) << b)).collect()
}

pub(super) fn hybrid(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
    let mut out = Vec::new();
    while out.len() < count {
        let head = varint(&mut bytes);
        let n = (head >> 1) as usize;
        if head & 1 == 1 {
            let packed = take(&mut bytes, n * width as usize);
            out.extend(unpack(packed, width, n * 8).into_iter().map(|v| v as u32));
        } else {
            let value = take(&mut bytes, width.div_ceil(8) as usize);
            let value = value.iter().rev().fold(0, |v, &b| v << 8 | u32::from(b));
            out.extend(std::iter::repeat_n(value, n));
        }
    }
    assert!(bytes.is_empty() && out.len() < count + 8);
    out.truncate(count);
    out
}

/// The numbers, and how many bytes they took.
pub(super) fn deltas(all: &[u8]) -> (Vec<i64>, usize) {
    let mut bytes = all;
    let block = varint(&mut bytes) as usize;
    let parts = varint(&mut bytes) as usize;
    let count = varint(&mut bytes) as usize;
    let mut v = zigzag(&mut bytes);
    let mut out = if count > 0 { vec![v] } else { Vec::new() };
    while out.len() < count {
        let least = zigzag(&mut bytes);
        for width in take(&mut bytes, parts).to_vec() {
            if out.len() == count {
                break;
            }
            let per_part = block / parts;
            let packed = take(&mut bytes, per_part * usize::from(width) / 8);
            for above in unpack(packed, u32::from(width), per_part) {
                if out.len() < count {
                    v = v.wrapping_add(least).wrapping_add(above.cast_signed());
                    out.push(v);
                }
            }
        }
    }
    (out, all.len() - bytes.len())
}

#[derive(Clone, Debug)]
pub(super) enum Thrift {
    True,
    False,
    Int(i64),
    Binary(Vec<u8>),
    List(Vec<Self>),
    Struct(BTreeMap<i64, Self>),
}

impl Thrift {
    fn value(kind: u8, bytes: &mut &[u8]) -> Self {
        match kind {
            1 => Self::True,
            2 => Self::False,
            3 => Self::Int(i64::from(byte(bytes).cast_signed())),
            4..=6 => Self::Int(zigzag(bytes)),
            8 => {
                let len = varint(bytes) as usize;
                Self::Binary(take(bytes, len).to_vec())
            }
            9 => {
                let head = byte(bytes);
                let count = if head >> 4 == 15 { varint(bytes) } else { u64::from(head >> 4) };
                Self::List((0..count).map(|_| Self::value(head & 15, bytes)).collect())
            }
            12 => Self::read(bytes),
            kind => panic!("type {kind}"),
        }
    }

    pub fn read(bytes: &mut &[u8]) -> Self {
        let (mut fields, mut id) = (BTreeMap::new(), 0);
        loop {
            let head = byte(bytes);
            if head == 0 {
                return Self::Struct(fields);
            }
            id = if head >> 4 == 0 { zigzag(bytes) } else { id + i64::from(head >> 4) };
            assert!(fields.insert(id, Self::value(head & 15, bytes)).is_none());
        }
    }

    pub fn get(&self, id: i64) -> Option<&Self> {
        match self {
            Self::Struct(fields) => fields.get(&id),
            _ => panic!("no struct: {self:?}"),
        }
    }

    pub fn int(&self, id: i64) -> i64 {
        match self.get(id) {
            Some(Self::Int(v)) => *v,
            other => panic!("{id}: {other:?}"),
        }
    }

    pub fn bin(&self, id: i64) -> &[u8] {
        match self.get(id) {
            Some(Self::Binary(v)) => v,
            other => panic!("{id}: {other:?}"),
        }
    }

    pub fn text(&self, id: i64) -> String {
        String::from_utf8(self.bin(id).to_vec()).unwrap()
    }

    pub fn list(&self, id: i64) -> &[Self] {
        match self.get(id) {
            Some(Self::List(v)) => v,
            other => panic!("{id}: {other:?}"),
        }
    }
}

/// A value as it stands in the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plain {
    Null,
    Number(i64),
    Bytes(Vec<u8>),
    List(Vec<Self>),
}

pub(super) struct File {
    pub footer: Thrift,
    /// By path; of each row group the rows.
    pub columns: BTreeMap<String, Vec<Vec<Plain>>>,
}

pub(super) fn file(bytes: &[u8]) -> File {
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let end = bytes.len() - 8;
    let len = u32::from_le_bytes(*bytes[end..].first_chunk().unwrap()) as usize;
    let mut rest = &bytes[end - len..end];
    let footer = Thrift::read(&mut rest);
    assert!(rest.is_empty());
    let mut columns: BTreeMap<String, Vec<Vec<Plain>>> = BTreeMap::new();
    let mut row_count = 0;
    for group in footer.list(4) {
        row_count += group.int(3);
        for chunk in group.list(1) {
            let meta = chunk.get(3).unwrap();
            let Thrift::Binary(name) = &meta.list(3)[0] else { panic!("path") };
            let rows = self::chunk(bytes, meta);
            assert_eq!(rows.len(), group.int(3) as usize, "{name:?}");
            columns.entry(String::from_utf8(name.clone()).unwrap()).or_default().push(rows);
        }
    }
    assert_eq!(row_count, footer.int(3));
    File { footer, columns }
}

fn chunk(bytes: &[u8], meta: &Thrift) -> Vec<Plain> {
    let physical = meta.int(1);
    let list = meta.list(3).len() == 3;
    let start = meta.get(11).map_or(meta.int(9), |_| meta.int(11)) as usize;
    let mut rest = &bytes[start..start + meta.int(7) as usize];
    let (mut dictionary, mut entries) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        let head = Thrift::read(&mut rest);
        let page = unzstd(take(&mut rest, head.int(3) as usize));
        assert_eq!(page.len() as i64, head.int(2));
        if head.int(1) == 2 {
            let about = head.get(7).unwrap();
            assert_eq!(about.int(2), 0);
            let mut page = &page[..];
            dictionary = plain(&mut page, physical, about.int(1) as usize);
            assert!(page.is_empty());
        } else {
            self::page(&page, head.get(5).unwrap(), physical, list, &dictionary, &mut entries);
        }
    }
    assert_eq!(entries.len() as i64, meta.int(5));
    let unset = entries.iter().filter(|(_, _, v)| *v == Plain::Null).count() as i64;
    assert_eq!(meta.get(12).unwrap().int(3), unset);
    assemble(entries, list)
}

type Entry = (u32, u32, Plain);

fn page(mut page: &[u8], head: &Thrift, physical: i64, list: bool, dictionary: &[Plain], entries: &mut Vec<Entry>) {
    let count = head.int(1) as usize;
    let mut levels = |width| {
        let len = u32::from_le_bytes(*take(&mut page, 4).first_chunk().unwrap()) as usize;
        hybrid(take(&mut page, len), width, count)
    };
    let repeats = if list { levels(1) } else { vec![0; count] };
    let there = levels(if list { 2 } else { 1 });
    let most = if list { 3 } else { 1 };
    let set = there.iter().filter(|&&l| l == most).count();
    let values = match head.int(2) {
        0 => plain(&mut page, physical, set),
        5 => deltas(page).0.into_iter().map(Plain::Number).collect(),
        6 => {
            let (lens, used) = deltas(page);
            page = &page[used..];
            lens.into_iter().map(|len| Plain::Bytes(take(&mut page, len as usize).to_vec())).collect()
        }
        8 => {
            let width = u32::from(byte(&mut page));
            hybrid(page, width, set).into_iter().map(|id| dictionary[id as usize].clone()).collect()
        }
        other => panic!("encoding {other}"),
    };
    assert_eq!(values.len(), set);
    let mut values = values.into_iter();
    entries.extend(
        repeats
            .into_iter()
            .zip(there)
            .map(|(r, l)| (r, l, if l == most { values.next().unwrap() } else { Plain::Null })),
    );
}

fn plain(page: &mut &[u8], physical: i64, count: usize) -> Vec<Plain> {
    if physical == 0 {
        return unpack(page, 1, count).into_iter().map(|v| Plain::Number(v.cast_signed())).collect();
    }
    let one = |_| match physical {
        1 => Plain::Number(i64::from(i32::from_le_bytes(*take(page, 4).first_chunk().unwrap()))),
        2 | 5 => Plain::Number(i64::from_le_bytes(*take(page, 8).first_chunk().unwrap())),
        6 => {
            let len = u32::from_le_bytes(*take(page, 4).first_chunk().unwrap());
            Plain::Bytes(take(page, len as usize).to_vec())
        }
        7 => Plain::Bytes(take(page, 16).to_vec()),
        other => panic!("physical type {other}"),
    };
    (0..count).map(one).collect()
}

fn assemble(entries: Vec<Entry>, list: bool) -> Vec<Plain> {
    let mut rows = Vec::new();
    for (repeats, level, value) in entries {
        match (list, level) {
            (false, _) => rows.push(value),
            (true, 0) => rows.push(Plain::Null),
            (true, 1) => rows.push(Plain::List(Vec::new())),
            _ if repeats == 0 => rows.push(Plain::List(vec![value])),
            _ => match rows.last_mut() {
                Some(Plain::List(items)) => items.push(value),
                _ => panic!("nothing to go on with"),
            },
        }
    }
    rows
}
