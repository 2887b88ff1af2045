//! ISO 9660 images (ECMA-119), names of Joliet or Rock Ridge where there are any.

use crate::bytes::{be16, byte, le32, take};
use crate::lister::{Entry, Lister};
use crate::recipe::Recipe;
use hashbrown::HashSet;
use sekisho_types::SeededState;

const SECTOR_LEN: u64 = 2048;
/// Volume descriptors looked at.
const DESCRIPTOR_COUNT_MAX: u64 = 64;
/// Longest directory.
const DIRECTORY_LEN_MAX: u64 = 16 << 20;
/// Longest path of a directory that is read.
const PATH_LEN_MAX: usize = 4096;
/// Directories waiting to be read.
const OPEN_COUNT_MAX: usize = 65_536;

/// A directory record (§9.1).
struct Record<'b> {
    at: u64,
    len: u64,
    flags: u8,
    name: &'b [u8],
    /// What Rock Ridge and its like use.
    system: &'b [u8],
}

pub(super) fn list(l: &mut Lister<'_, '_>) {
    let Some((root, joliet)) = root(l) else {
        l.odd("iso: no volume descriptor");
        return;
    };
    let mut seen = HashSet::with_hasher(SeededState(0x69_736f));
    let mut open = vec![(root.0, root.1, Vec::new())];
    while let Some((at, len, path)) = open.pop() {
        if !seen.insert(at) {
            continue;
        }
        let directory = l.read(at, usize::try_from(len.min(DIRECTORY_LEN_MAX)).unwrap_or(0));
        if !l.work(directory.len() as u64) {
            return;
        }
        // Parts of a file that has several extents.
        let mut parts = Vec::new();
        for record in records(&directory) {
            if matches!(record.name, [0] | [1]) {
                continue;
            }
            let mut name = path.clone();
            if !path.is_empty() {
                name.push(b'/');
            }
            name.extend(if joliet {
                utf16(record.name)
            } else {
                rock_ridge(record.system).unwrap_or_else(|| plain(record.name))
            });
            if record.flags & 2 != 0 {
                if open.len() < OPEN_COUNT_MAX && name.len() <= PATH_LEN_MAX {
                    open.push((record.at, record.len, name));
                }
                continue;
            }
            parts.push((Some(record.at), record.len));
            if record.flags & 0x80 != 0 {
                continue;
            }
            let total = parts.iter().fold(0u64, |sum, p| sum.saturating_add(p.1));
            let recipe = match parts.as_slice() {
                [_] => Recipe::slice(record.at, record.len),
                _ => Recipe::runs(parts.clone()),
            };
            parts.clear();
            if !l.add(Entry::new("iso", &name, recipe).declared(total)) {
                return;
            }
        }
    }
}

/// Place and length of the root directory, and whether it is Joliet's.
fn root(l: &Lister<'_, '_>) -> Option<((u64, u64), bool)> {
    let mut best = None;
    for i in 16..16 + DESCRIPTOR_COUNT_MAX {
        let d = l.read(i * SECTOR_LEN, 2048);
        let kind = byte(&d, 0).filter(|_| take(&d, 1, 5) == Some(b"CD001"))?;
        let place = take(&d, 156, 34).and_then(record).map(|r| (r.at, r.len));
        let joliet = kind == 2 && matches!(take(&d, 88, 3), Some(b"%/@" | b"%/C" | b"%/E"));
        match kind {
            1 if best.is_none() => best = place.map(|p| (p, false)),
            2 if joliet && !uses_rock_ridge(l, best) => best = place.map(|p| (p, true)),
            255 => break,
            _ => {}
        }
    }
    best
}

/// The root's own record has a system use field of Rock Ridge ("SP").
fn uses_rock_ridge(l: &Lister<'_, '_>, primary: Option<((u64, u64), bool)>) -> bool {
    let Some(((at, _), false)) = primary else { return false };
    let first = l.read(at, 256);
    record(&first).is_some_and(|r| r.system.starts_with(b"SP"))
}

fn records(directory: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let len = usize::from(*directory.get(at)?);
            if len == 0 {
                // Records don't cross sectors.
                at = (at + 1).next_multiple_of(2048);
                continue;
            }
            let bytes = directory.get(at..at + len)?;
            at += len;
            if let Some(record) = record(bytes) {
                return Some(record);
            }
        }
    })
}

fn record(bytes: &[u8]) -> Option<Record<'_>> {
    let len = usize::from(*bytes.first()?);
    let name_len = usize::from(byte(bytes, 32)?);
    let name = take(bytes, 33, name_len)?;
    let system_at = (33 + name_len).next_multiple_of(2);
    Some(Record {
        at: (u64::from(le32(bytes, 2)?) + u64::from(byte(bytes, 1)?)) * SECTOR_LEN,
        len: u64::from(le32(bytes, 10)?),
        flags: byte(bytes, 25)?,
        name,
        system: bytes.get(system_at..len).unwrap_or(&[]),
    })
}

/// Entries "NM" joined (Rock Ridge 1.12 §4.1.4).
fn rock_ridge(mut system: &[u8]) -> Option<Vec<u8>> {
    let mut name: Option<Vec<u8>> = None;
    while let Some(len) = byte(system, 2).map(usize::from).filter(|&n| n >= 4) {
        let entry = system.get(..len)?;
        if entry.starts_with(b"NM") {
            name.get_or_insert_default().extend(entry.get(5..)?);
        }
        system = system.get(len..)?;
    }
    name
}

/// Without version and the dot of a name without extension.
fn plain(name: &[u8]) -> Vec<u8> {
    let name = name.split(|&b| b == b';').next().unwrap_or(&[]);
    name.strip_suffix(b".").unwrap_or(name).to_vec()
}

fn utf16(name: &[u8]) -> Vec<u8> {
    let units: Vec<u16> = (0..name.len() / 2).filter_map(|i| be16(name, 2 * i)).collect();
    plain(String::from_utf16_lossy(&units).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::tests::{leaves, listed};

    fn entry(name: &[u8], sector: u32, len: u32, flags: u8) -> Vec<u8> {
        let size = (33 + name.len()).next_multiple_of(2);
        let mut out = vec![0; size];
        out[0] = size as u8;
        out[2..6].copy_from_slice(&sector.to_le_bytes());
        out[10..14].copy_from_slice(&len.to_le_bytes());
        out[25] = flags;
        out[32] = name.len() as u8;
        out[33..33 + name.len()].copy_from_slice(name);
        out
    }

    fn image(loops: bool) -> Vec<u8> {
        let mut iso = vec![0; 22 * 2048];
        let mut put = |at: usize, bytes: &[u8]| iso[at..at + bytes.len()].copy_from_slice(bytes);
        put(16 * 2048, b"\x01CD001\x01");
        put(16 * 2048 + 156, &entry(&[0], 18, 2048, 2));
        put(17 * 2048, b"\xffCD001\x01");
        let inner = if loops { 18 } else { 19 };
        put(
            18 * 2048,
            &[entry(&[0], 18, 2048, 2), entry(b"SUB", inner, 2048, 2), entry(b"A.TXT;1", 20, 10, 0)].concat(),
        );
        put(19 * 2048, &entry(b"B.;1", 21, 12, 0));
        put(20 * 2048, b"first file");
        put(21 * 2048, b"second file!");
        iso
    }

    #[test]
    fn parses_directories() {
        let got = leaves(&image(false));
        assert_eq!(
            got,
            [("iso:A.TXT".to_owned(), b"first file".to_vec()), ("iso:SUB/B".to_owned(), b"second file!".to_vec())]
        );
    }

    #[test]
    fn limits_directories_that_contain_themselves() {
        assert_eq!(listed(&image(true)).nodes.len(), 2);
    }

    #[test]
    fn parses_rock_ridge_names() {
        assert_eq!(rock_ridge(b"PX\x04\x01NM\x0a\x01\x01hello").as_deref(), Some(&b"hello"[..]));
        assert_eq!(rock_ridge(b"XX\x00\x01"), None);
    }
}
