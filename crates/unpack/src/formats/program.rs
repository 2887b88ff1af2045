//! Programs as carriers: resources of PE files, and what is appended to PE and ELF files.

use super::image::trailer;
use crate::bytes::{be16, le16, le32, le64};
use crate::kind::Kind;
use crate::lister::{Entry, Lister};
use crate::recipe::Recipe;

/// Sections looked at.
const SECTION_COUNT_MAX: u16 = 256;
/// Resources told.
const RESOURCE_COUNT_MAX: usize = 4096;
/// Types of resources that are content in themselves: icons and strings are not.
const RAW_DATA: u32 = 10;

pub(super) fn list(l: &mut Lister<'_, '_>) {
    let end = match l.kind {
        Kind::Pe => pe(l),
        Kind::Elf => elf(l),
        _ => None,
    };
    if let Some(end) = end {
        trailer(l, end);
    }
}

/// A section: virtual address and size, place and length in the file.
struct Section {
    address: u32,
    at: u32,
    len: u32,
}

/// The end of the last section or of the signatures (PE format, "Section Table").
fn pe(l: &mut Lister<'_, '_>) -> Option<u64> {
    let header = u64::from(le32(&l.read(60, 4), 0)?);
    let h = l.read(header, 24 + 240);
    let (count, optional_len) = (le16(&h, 6)?.min(SECTION_COUNT_MAX), u64::from(le16(&h, 20)?));
    let directories = if le16(&h, 24)? == 0x20b { 24 + 112 } else { 24 + 96 };
    let mut sections = Vec::new();
    for i in 0..u64::from(count) {
        let s = l.read(header + 24 + optional_len + 40 * i, 40);
        sections.push(Section { address: le32(&s, 12)?, len: le32(&s, 16)?, at: le32(&s, 20)? });
    }
    let end = sections.iter().filter(|s| s.len > 0).map(|s| u64::from(s.at) + u64::from(s.len)).max()?;
    let resources = le32(&h, directories + 16).unwrap_or(0);
    if resources != 0 {
        pe_resources(l, &sections, resources);
    }
    // The certificate table's entry is a place in the file, not an address; what is signed may lie behind it.
    let (signed_at, signed_len) = (le32(&h, directories + 32)?, le32(&h, directories + 36)?);
    let signed = u64::from(signed_at) + u64::from(signed_len);
    if signed_len > 0 && u64::from(signed_at) >= end && signed <= l.len() {
        if u64::from(signed_at) > end + 16 {
            let len = u64::from(signed_at) - end;
            l.add(Entry::new("overlay", b"", Recipe::slice(end, len)));
        }
        return Some(signed);
    }
    Some(end)
}

/// Resources of type RCDATA and those whose type has a name: a tree of three levels, type, name, language.
fn pe_resources(l: &mut Lister<'_, '_>, sections: &[Section], root: u32) {
    let place = |address: u32| {
        let s = sections.iter().find(|s| address >= s.address && address - s.address < s.len)?;
        Some(u64::from(s.at) + u64::from(address - s.address))
    };
    let Some(base) = place(root) else { return };
    let mut open = vec![(0u32, 0u32, 0u32)];
    let mut told = 0;
    while let Some((offset, level, id)) = open.pop() {
        let directory = l.read(base + u64::from(offset), 16);
        let (Some(named), Some(numbered)) = (le16(&directory, 12), le16(&directory, 14)) else { continue };
        for i in 0..u32::from(named) + u32::from(numbered) {
            if !l.work(64) || told >= RESOURCE_COUNT_MAX || open.len() > RESOURCE_COUNT_MAX {
                return;
            }
            let entry = l.read(base + u64::from(offset) + 16 + 8 * u64::from(i), 8);
            let (Some(name), Some(target)) = (le32(&entry, 0), le32(&entry, 4)) else { break };
            if level == 0 && name != RAW_DATA && name & 0x8000_0000 == 0 {
                continue;
            }
            let id = if level == 1 { name } else { id };
            if target & 0x8000_0000 != 0 {
                if level < 2 {
                    open.push((target & 0x7fff_ffff, level + 1, id));
                }
                continue;
            }
            let data = l.read(base + u64::from(target), 8);
            let found = le32(&data, 0).and_then(place).zip(le32(&data, 4));
            if let Some((at, len)) = found.filter(|f| f.1 > 0) {
                told += 1;
                l.add(Entry::new("resource", id.to_string().as_bytes(), Recipe::slice(at, u64::from(len))));
            }
        }
    }
}

/// The end of the section headers or of the last section or segment, whichever is last (System V ABI, chapter 4).
fn elf(l: &mut Lister<'_, '_>) -> Option<u64> {
    let h = l.read(0, 64);
    let wide = *h.get(4)? == 2;
    let little = *h.get(5)? == 1;
    let half = |at: usize| if little { le16(&h, at) } else { be16(&h, at) };
    if !little {
        return None;
    }
    let number = |b: &[u8], at32: usize, at64: usize| if wide { le64(b, at64) } else { le32(b, at32).map(u64::from) };
    let (headers, segments) = (number(&h, 32, 40)?, number(&h, 28, 32)?);
    let [size, count] = if wide { [half(58)?, half(60)?] } else { [half(46)?, half(48)?] };
    let [segment_size, segment_count] = if wide { [half(54)?, half(56)?] } else { [half(42)?, half(44)?] };
    let mut end = headers.checked_add(u64::from(size) * u64::from(count))?;
    for i in 0..u64::from(segment_count.min(SECTION_COUNT_MAX)) {
        let s = l.read(segments.checked_add(i * u64::from(segment_size))?, 56);
        end = end.max(number(&s, 4, 8)?.checked_add(number(&s, 16, 32)?)?);
    }
    for i in 0..u64::from(count.min(SECTION_COUNT_MAX)) {
        let s = l.read(headers.checked_add(i * u64::from(size))?, 64);
        // Without content in the file: NOBITS.
        if le32(&s, 4)? != 8 {
            end = end.max(number(&s, 16, 24)?.checked_add(number(&s, 20, 32)?)?);
        }
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use crate::formats::tests::{leaves, listed};

    #[test]
    fn parses_overlays_of_pe() {
        let mut pe = b"MZ".to_vec();
        pe.resize(60, 0);
        pe.extend(64u32.to_le_bytes());
        pe.extend(b"PE\0\0\x4c\x01\x01\0");
        pe.resize(64 + 20, 0);
        pe.extend(224u16.to_le_bytes());
        pe.extend([0, 0, 0x0b, 0x01]);
        pe.resize(64 + 24 + 224, 0);
        let mut section = vec![0; 40];
        section[16..20].copy_from_slice(&100u32.to_le_bytes());
        section[20..24].copy_from_slice(&400u32.to_le_bytes());
        pe.extend(section);
        pe.resize(500, 1);
        pe.extend(b"an overlay of some text");
        let got = leaves(&pe);
        assert_eq!(got, [("trailer@500".to_owned(), b"an overlay of some text".to_vec())]);
        for len in [70, 100, 330] {
            assert_eq!(listed(&pe[..len]).nodes.len(), 1, "cut at {len}");
        }
    }
}
