//! 7z archives (`7zFormat.txt` of the LZMA SDK): LZMA, LZMA2, PPMd, deflate, bzip2, zstd, stored, with x86 and delta filters,
//! and AES. Coders with several inputs (BCJ2) are not read.

mod coders;
mod header;

use crate::bytes::{le32, le64};
use crate::filter::{Stage, crc32};
use crate::lister::{Entry, Lister};
use crate::member::Completeness;
use crate::recipe::Recipe;
use header::{Folder, Header};

const START_LEN: u64 = 32;
/// Longest header, packed or not.
const HEADER_LEN_MAX: u64 = 8 << 20;
/// Headers packed in headers.
const PACKED_HEADER_COUNT_MAX: usize = 4;

pub(super) fn list(l: &mut Lister<'_, '_>) {
    let start = l.read(0, 32);
    let place = le64(&start, 12).zip(le64(&start, 20));
    let Some((at, len)) = place.map(|(at, len)| (at.saturating_add(START_LEN), len)) else { return };
    if at.saturating_add(len) > l.len() {
        l.odd("7z: the header is beyond the end");
        return;
    }
    if at + len + 4 < l.len() {
        let end = at + len;
        l.add(Entry::new("trailer", b"", Recipe::slice(end, l.len() - end)));
    }
    let mut bytes =
        if len <= HEADER_LEN_MAX { l.read(at, usize::try_from(len).unwrap_or(0)).into_owned() } else { Vec::new() };
    if le32(&start, 28) != Some(crc32(&bytes)) {
        l.odd("7z: wrong checksum of the header");
    }
    for _ in 0..PACKED_HEADER_COUNT_MAX {
        match header::parse(&bytes) {
            Some(Header::Plain { folders, files }) => return members(l, &folders, &files),
            Some(Header::Packed { folder }) => match unpacked(l, &folder) {
                Some(next) => bytes = next,
                None => return,
            },
            None => break,
        }
    }
    l.odd("7z: damaged header");
}

/// The header in a folder of its own.
fn unpacked(l: &mut Lister<'_, '_>, folder: &Folder) -> Option<Vec<u8>> {
    let size = folder.size();
    if size > HEADER_LEN_MAX {
        l.odd("7z: damaged header");
        return None;
    }
    match coders::recipe(l, folder) {
        Ok((recipe, _)) => {
            let bytes = l.make(recipe, HEADER_LEN_MAX);
            if bytes.is_none() {
                l.odd("7z: damaged header");
            }
            bytes
        }
        Err(Completeness::Encrypted) => {
            l.add(Entry::new("7z", b"", Recipe::slice(folder.packed_at, 0)).flaw(Completeness::Encrypted));
            None
        }
        Err(_) => {
            l.odd("7z: header packed by an unknown method");
            None
        }
    }
}

/// The number of a block and of the password that opens it, or why there is none.
type Ready = Result<(usize, Option<usize>), Completeness>;

fn members(l: &mut Lister<'_, '_>, folders: &[Folder], files: &[header::File]) {
    let mut streams = folders.iter().enumerate().flat_map(|(i, f)| {
        let ends = f.streams.iter().scan(0u64, |at, s| {
            let start = *at;
            *at = at.saturating_add(s.len);
            Some((start, s.len, s.crc))
        });
        ends.map(move |s| (i, s))
    });
    // Blocks are set up when the first of their members comes.
    let mut ready: Option<(usize, Ready)> = None;
    for file in files {
        if !file.has_stream {
            if !file.is_directory && !l.add(Entry::new("7z", &file.name, Recipe::inline(Vec::new()))) {
                return;
            }
            continue;
        }
        let Some((folder, (at, len, crc))) = streams.next() else {
            l.odd("7z: more files than streams");
            return;
        };
        if ready.is_none_or(|r| r.0 != folder) {
            let Some(found) = folders.get(folder) else { return };
            let block = coders::recipe(l, found).map(|(recipe, password)| (l.block(recipe), password));
            ready = Some((folder, block));
        }
        let entry = match ready {
            Some((_, Ok((block, password)))) => {
                let mut recipe = Recipe::slice(at, len);
                recipe.block = Some(block);
                let recipe = match crc {
                    Some(crc) => recipe.through(Stage::Crc32(crc)),
                    None => recipe,
                };
                Entry::new("7z", &file.name, recipe).declared(len).opened_by(password)
            }
            Some((_, Err(flaw))) => Entry::new("7z", &file.name, Recipe::slice(0, 0)).declared(len).flaw(flaw),
            None => return,
        };
        if !l.add(entry) {
            return;
        }
    }
}
