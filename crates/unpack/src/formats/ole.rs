//! OLE2 compound files (MS-CFB): their streams; VBA source (MS-OVBA) in clear; attachments of Outlook messages by their names.

use crate::bytes::{find, le16, le32, le64, size, take};
use crate::filter::Stage;
use crate::kind::Kind;
use crate::lister::{Entry, Lister};
use crate::recipe::Recipe;

const HEADER_LEN: usize = 512;
/// Sectors of the allocation table named in the header.
const HEADER_FAT_COUNT: usize = 109;
/// Highest number of a sector (§2.1); what is above are marks.
const SECTOR_MAX: u32 = 0xffff_fffa;
const NO_ENTRY: u32 = 0xffff_ffff;
const ENTRY_LEN: usize = 128;
/// Streams shorter than this may be small ones (§2.2); no writer uses another value.
const CUTOFF_MAX: u64 = 4096;
/// Longest path.
const PATH_LEN_MAX: usize = 4096;
/// Entries of a directory.
const ENTRY_COUNT_MAX: usize = 100_000;
/// Longest stream that is looked through for VBA source.
const MODULE_LEN_MAX: u64 = 8 << 20;
/// Longest name of an attachment.
const ATTACHMENT_NAME_LEN_MAX: u64 = 1024;

/// The tables of a file.
struct File {
    shift: u32,
    mini_shift: u32,
    cutoff: u64,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    /// Sectors that hold small streams.
    mini: Vec<u32>,
}

/// An entry of the directory.
struct Node {
    name: Vec<u8>,
    kind: u8,
    left: u32,
    right: u32,
    child: u32,
    start: u32,
    len: u64,
}

/// A stream with its path.
struct Stream {
    path: Vec<u8>,
    start: u32,
    len: u64,
}

pub(super) fn list(l: &mut Lister<'_, '_>) {
    let Some((file, nodes)) = open(l) else {
        l.odd("ole: damaged header");
        return;
    };
    let streams = walk(l, &nodes);
    for stream in &streams {
        if stream.len == 0 {
            continue;
        }
        let Some(recipe) = file.stream(l, stream) else { return };
        let name = attachment(l, &file, stream, &streams).unwrap_or_else(|| stream.path.clone());
        let how = if l.kind == Kind::Msg { "msg" } else { "ole" };
        if !l.add(Entry::new(how, &name, recipe.clone()).declared(stream.len)) {
            return;
        }
        module(l, stream, recipe);
    }
}

fn open(l: &mut Lister<'_, '_>) -> Option<(File, Vec<Node>)> {
    let h = l.read(0, HEADER_LEN);
    let shift = u32::from(le16(&h, 30)?);
    let mini_shift = u32::from(le16(&h, 32)?);
    if !(9..=12).contains(&shift) || mini_shift > shift || mini_shift < 4 {
        return None;
    }
    let mut file = File {
        shift,
        mini_shift,
        cutoff: u64::from(le32(&h, 56)?).min(CUTOFF_MAX),
        fat: Vec::new(),
        mini_fat: Vec::new(),
        mini: Vec::new(),
    };
    for sector in fat_sectors(l, &h, shift) {
        let bytes = l.read(u64::from(sector).saturating_add(1) << shift, 1 << shift);
        file.fat.extend(bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)));
    }
    let directory = runs(&chain(&file.fat, le32(&h, 48)?, usize::MAX), shift);
    let nodes = nodes(l, &directory);
    let root = nodes.first()?;
    file.mini = chain(&file.fat, root.start, usize::MAX);
    for (at, len) in runs(&chain(&file.fat, le32(&h, 60)?, usize::MAX), shift) {
        let bytes = l.read(at, size(len));
        file.mini_fat.extend(bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)));
    }
    l.work(4 * (file.fat.len() + file.mini_fat.len()) as u64);
    Some((file, nodes))
}

/// Sectors of the allocation table: from the header, then from the sectors that go on with it (§2.5). No more than there
/// are sectors to be told of.
fn fat_sectors(l: &Lister<'_, '_>, h: &[u8], shift: u32) -> Vec<u32> {
    let sector_len = 1usize << shift;
    let sectors = size(l.len() >> shift);
    let count_max = sectors.div_ceil(sector_len / 4) + 1;
    let numbers = |bytes: &[u8]| bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect::<Vec<_>>();
    let mut out = numbers(take(h, 76, 4 * HEADER_FAT_COUNT).unwrap_or(&[]));
    let mut next = le32(h, 68).unwrap_or(NO_ENTRY);
    for _ in 0..sectors.min(count_max) {
        if next >= SECTOR_MAX {
            break;
        }
        let bytes = l.read(u64::from(next).saturating_add(1) << shift, sector_len);
        let mut more = numbers(&bytes);
        next = more.pop().unwrap_or(NO_ENTRY);
        out.extend(more);
    }
    out.retain(|&s| s < SECTOR_MAX);
    out.truncate(count_max);
    out
}

impl File {
    /// Where a stream's bytes are; `None` if there is no work left to find out.
    fn stream(&self, l: &mut Lister<'_, '_>, stream: &Stream) -> Option<Recipe> {
        let count = |shift: u32| size((stream.len >> shift).saturating_add(1));
        if stream.len >= self.cutoff {
            let sectors = chain(&self.fat, stream.start, count(self.shift));
            return l.work(8 * sectors.len() as u64).then(|| whole(runs(&sectors, self.shift), stream.len));
        }
        // Small streams lie in the root's stream, in small sectors.
        let mut out: Vec<(u64, u64)> = Vec::new();
        for small in chain(&self.mini_fat, stream.start, count(self.mini_shift)) {
            let at = u64::from(small) << self.mini_shift;
            let Some(&sector) = self.mini.get(size(at >> self.shift)) else { break };
            let within = at & ((1 << self.shift) - 1);
            join(&mut out, ((u64::from(sector) + 1) << self.shift) + within, 1 << self.mini_shift);
        }
        l.work(8 * out.len() as u64).then(|| whole(out, stream.len))
    }
}

/// Up to `count_max` sectors from `start` on; ends as well where it must have gone in a circle.
fn chain(fat: &[u32], start: u32, count_max: usize) -> Vec<u32> {
    let mut out = Vec::new();
    let mut next = start;
    while next < SECTOR_MAX && out.len() < fat.len().min(count_max) {
        out.push(next);
        match fat.get(size(u64::from(next))) {
            Some(&n) => next = n,
            None => break,
        }
    }
    out
}

/// Adds a run, to the last one if it goes on there.
fn join(out: &mut Vec<(u64, u64)>, at: u64, len: u64) {
    match out.last_mut() {
        Some(last) if last.0 + last.1 == at => last.1 += len,
        _ => out.push((at, len)),
    }
}

/// Sectors as runs of bytes.
fn runs(sectors: &[u32], shift: u32) -> Vec<(u64, u64)> {
    let mut out = Vec::new();
    for &sector in sectors {
        join(&mut out, (u64::from(sector) + 1) << shift, 1 << shift);
    }
    out
}

/// The first `len` bytes of the runs.
fn whole(runs: Vec<(u64, u64)>, len: u64) -> Recipe {
    let mut left = len;
    let mut out = Vec::new();
    for (at, run) in runs {
        let now = run.min(left);
        if now > 0 {
            out.push((Some(at), now));
        }
        left -= now;
    }
    if left > 0 {
        // Beyond any content: what is missing is told as truncated.
        out.push((Some(u64::MAX), left));
    }
    match out.as_slice() {
        [(Some(at), len)] => Recipe::slice(*at, *len),
        _ => Recipe::runs(out),
    }
}

fn nodes(l: &mut Lister<'_, '_>, directory: &[(u64, u64)]) -> Vec<Node> {
    let mut out = Vec::new();
    for &(at, len) in directory {
        let bytes = l.read(at, size(len));
        for entry in bytes.chunks_exact(ENTRY_LEN) {
            if out.len() >= ENTRY_COUNT_MAX || !l.work(64) {
                return out;
            }
            out.extend(node(entry));
        }
    }
    out
}

fn node(entry: &[u8]) -> Option<Node> {
    let name_len = usize::from(le16(entry, 64)?).saturating_sub(2).min(62);
    let units: Vec<u16> = (0..name_len / 2).filter_map(|i| le16(entry, 2 * i)).collect();
    Some(Node {
        name: String::from_utf16_lossy(&units).into_bytes(),
        kind: *entry.get(66)?,
        left: le32(entry, 68)?,
        right: le32(entry, 72)?,
        child: le32(entry, 76)?,
        start: le32(entry, 116)?,
        // Version 3 uses the lower half only, and some writers leave rubbish in the upper.
        len: le64(entry, 120)? & 0xffff_ffff,
    })
}

/// All streams, by the trees of siblings.
fn walk(l: &mut Lister<'_, '_>, nodes: &[Node]) -> Vec<Stream> {
    let mut seen = vec![false; nodes.len()];
    let mut out = Vec::new();
    let mut open = vec![(nodes.first().map_or(NO_ENTRY, |n| n.child), Vec::new())];
    while let Some((id, path)) = open.pop() {
        let i = size(u64::from(id));
        let (Some(node), Some(seen)) = (nodes.get(i), seen.get_mut(i)) else { continue };
        if std::mem::replace(seen, true) || !l.work(64) {
            continue;
        }
        open.push((node.right, path.clone()));
        let mut own: Vec<u8> = path.clone();
        if !own.is_empty() {
            own.push(b'/');
        }
        own.extend(&node.name);
        own.truncate(PATH_LEN_MAX);
        match node.kind {
            1 => {
                open.push((node.left, path));
                open.push((node.child, own));
            }
            2 => {
                open.push((node.left, path));
                out.push(Stream { path: own, start: node.start, len: node.len });
            }
            _ => open.push((node.left, path)),
        }
    }
    out
}

/// The source of a VBA module: the stream's last part, which begins with a compressed "Attribute".
fn module(l: &mut Lister<'_, '_>, stream: &Stream, recipe: Recipe) {
    let parent = stream.path.rsplitn(2, |&b| b == b'/').nth(1).unwrap_or(&[]);
    if !parent.ends_with(b"VBA") || stream.len > MODULE_LEN_MAX {
        return;
    }
    let Some(bytes) = l.make(recipe, MODULE_LEN_MAX) else { return };
    // Signature and header of the first chunk, flags of the first eight tokens, then literals.
    let start = find(&bytes, b"\0Attribut", 3).map(|i| i - 3);
    if let Some(packed) = start.and_then(|at| bytes.get(at..)).filter(|p| p.first() == Some(&1)) {
        let name = stream.path.rsplit(|&b| b == b'/').next().unwrap_or(&[]);
        l.add(Entry::new("vba", name, Recipe::inline(packed.to_vec()).through(Stage::Ovba)));
    }
}

/// The file name of an attachment's data (MS-OXMSG §2.2.2): property 3701 of binary type; names are 3707, 3704, 3001.
fn attachment(l: &mut Lister<'_, '_>, file: &File, stream: &Stream, streams: &[Stream]) -> Option<Vec<u8>> {
    let storage = stream.path.strip_suffix(b"__substg1.0_37010102").filter(|_| l.kind == Kind::Msg)?;
    for property in ["3707001F", "3704001F", "3001001F"] {
        let wanted = [storage, b"__substg1.0_", property.as_bytes()].concat();
        l.work(16 * streams.len() as u64);
        let Some(name) = streams.iter().find(|s| s.path == wanted && s.len <= ATTACHMENT_NAME_LEN_MAX) else {
            continue;
        };
        let recipe = file.stream(l, name)?;
        let bytes = l.make(recipe, ATTACHMENT_NAME_LEN_MAX)?;
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
        return Some(String::from_utf16_lossy(&units).into_bytes());
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::formats::tests::{leaves, listed};

    fn entry(name: &str, kind: u8, right: u32, child: u32, start: u32, len: u32) -> Vec<u8> {
        let mut out = vec![0; 128];
        for (i, unit) in name.encode_utf16().enumerate() {
            out[2 * i..2 * i + 2].copy_from_slice(&unit.to_le_bytes());
        }
        out[64] = (2 * name.len() + 2) as u8;
        out[66] = kind;
        out[68..72].copy_from_slice(&u32::MAX.to_le_bytes());
        out[72..76].copy_from_slice(&right.to_le_bytes());
        out[76..80].copy_from_slice(&child.to_le_bytes());
        out[116..120].copy_from_slice(&start.to_le_bytes());
        out[120..124].copy_from_slice(&len.to_le_bytes());
        out
    }

    /// Sectors: 0 table, 1 and 2 directory, 3 small streams, 4 small table, 5 and 6 a large stream.
    pub(crate) fn file() -> Vec<u8> {
        let end = 0xffff_fffeu32;
        let mut out = vec![0; 512];
        out[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
        out[30] = 9;
        out[32] = 6;
        out[48] = 1;
        out[56..60].copy_from_slice(&600u32.to_le_bytes());
        out[60] = 4;
        out[68..72].copy_from_slice(&end.to_le_bytes());
        out[76..512].fill(0xff);
        out[76..80].copy_from_slice(&0u32.to_le_bytes());
        let table = |numbers: &[u32]| {
            let mut t: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
            t.resize(512, 0xff);
            t
        };
        let none = u32::MAX;
        let vba = [1, 0x1a, 0xb0, 0].iter().copied().chain(*b"Attribut\0e VB_Nam\0e = \"x\"\n").collect::<Vec<u8>>();
        let directory = [
            entry("Root Entry", 5, none, 1, 3, 192),
            entry("small", 2, 2, none, 0, 10),
            entry("VBA", 1, 3, 4, 0, 0),
            entry("large", 2, none, none, 5, 900),
            entry("Module1", 2, none, none, 1, vba.len() as u32),
        ]
        .concat();
        let mut small = b"0123456789".to_vec();
        small.resize(64, 0);
        small.extend(&vba);
        small.resize(512, 0);
        let mut directory = directory;
        directory.resize(1024, 0);
        out.extend(table(&[none - 2, 2, end, end, end, 6, end]));
        out.extend(directory);
        out.extend(small);
        out.extend(table(&[end, end]));
        out.extend(vec![b'L'; 1024]);
        out
    }

    #[test]
    fn parses_streams_and_modules() {
        let got = leaves(&file());
        let names: Vec<_> = got.iter().map(|(p, c)| (p.as_str(), c.len())).collect();
        assert!(names.contains(&("ole:small", 10)), "{names:?}");
        assert!(names.contains(&("ole:large", 900)));
        let module = got.iter().find(|(p, _)| p == "vba:Module1").unwrap();
        assert_eq!(module.1, b"Attribute VB_Name = \"x\"\n");
    }

    #[test]
    fn limits_chains_in_circles() {
        let mut bytes = file();
        // The large stream's second sector goes back to its first.
        bytes[512 + 24..512 + 28].copy_from_slice(&5u32.to_le_bytes());
        assert!(listed(&bytes).nodes.len() > 3);
        for len in (0..bytes.len()).step_by(100) {
            listed(&bytes[..len]);
        }
    }
}
