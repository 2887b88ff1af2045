//! Microsoft cabinets (MS-CAB): stored, MSZIP and LZX folders. Quantum is named, not read.

use crate::bytes::{byte, le16, le32, until_nul};
use crate::filter::Stage;
use crate::lister::{Entry, Lister};
use crate::member::Completeness;
use crate::recipe::Recipe;
use sekisho_inflate::Coding;

const HEADER_LEN: u64 = 36;
/// Of a data block, without what is reserved.
const DATA_HEADER_LEN: u64 = 8;
/// Longest name, with its zero.
const NAME_LEN_MAX: usize = 257;
/// Folders beyond these are parts of files of other cabinets.
const FOLDER_COUNT_MAX: u16 = 0xfffc;

/// Sizes of what is reserved for applications.
#[derive(Default)]
struct Reserved {
    folder: u64,
    data: u64,
}

pub(super) fn list(l: &mut Lister<'_, '_>) {
    if read(l).is_none() {
        l.odd("cab: damaged header");
    }
}

fn read(l: &mut Lister<'_, '_>) -> Option<()> {
    let h = l.read(0, 40);
    let size = u64::from(le32(&h, 8)?);
    let mut file_at = u64::from(le32(&h, 16)?);
    let (folders, files, flags) = (le16(&h, 26)?, le16(&h, 28)?, le16(&h, 30)?);
    let mut at = HEADER_LEN;
    let mut reserved = Reserved::default();
    if flags & 4 != 0 {
        reserved = Reserved { folder: u64::from(byte(&h, 38)?), data: u64::from(byte(&h, 39)?) };
        at += 4 + u64::from(le16(&h, 36)?);
    }
    // Names of the cabinets before and after, two texts each.
    for _ in 0..2 * (flags & 1) + (flags & 2) {
        at += until_nul(&l.read(at, NAME_LEN_MAX)).len() as u64 + 1;
    }
    let blocks: Vec<Result<usize, Completeness>> = (0..u64::from(folders))
        .map_while(|i| {
            let f = l.read(at + i * (8 + reserved.folder), 8);
            let (data, count, method) = (le32(&f, 0)?, le16(&f, 4)?, le16(&f, 6)?);
            Some(folder(l, u64::from(data), count, method, reserved.data))
        })
        .collect();
    for _ in 0..files {
        let f = l.read(file_at, 16 + NAME_LEN_MAX);
        let (len, start, folder) = (le32(&f, 0)?, le32(&f, 4)?, le16(&f, 8)?);
        let name = until_nul(f.get(16..)?);
        file_at += 16 + name.len() as u64 + 1;
        let folder = match folder {
            0xfffd => 0,
            0xfffe | 0xffff => folders.saturating_sub(1),
            n => n,
        };
        if folder > FOLDER_COUNT_MAX {
            return None;
        }
        let mut entry =
            Entry::new("cab", name, Recipe::slice(u64::from(start), u64::from(len))).declared(u64::from(len));
        match blocks.get(usize::from(folder))? {
            Ok(block) => entry.recipe.block = Some(*block),
            Err(flaw) => {
                entry.recipe = Recipe::slice(0, 0);
                entry = entry.flaw(*flaw);
            }
        }
        if !l.add(entry) {
            return Some(());
        }
    }
    if size < l.len() {
        super::image::trailer(l, size);
    }
    Some(())
}

/// A folder as a solid block: its data blocks in a row.
fn folder(l: &mut Lister<'_, '_>, mut at: u64, count: u16, method: u16, reserved: u64) -> Result<usize, Completeness> {
    let [kind, window_power] = method.to_le_bytes();
    let coding = match kind & 0xf {
        0 => None,
        1 => Some(Coding::MsZip),
        2 => return Err(Completeness::Unsupported("Quantum")),
        3 => Some(Coding::Lzx { window_power: window_power & 0x1f }),
        _ => return Err(Completeness::Unsupported("compression method")),
    };
    let mut runs = Vec::new();
    for _ in 0..count {
        let header = l.read(at, 8);
        let Some(len) = le16(&header, 4).map(u64::from) else { break };
        let data = at + DATA_HEADER_LEN + reserved;
        if coding.is_some() {
            runs.push((Some(at), DATA_HEADER_LEN));
        }
        runs.push((Some(data), len));
        at = data + len;
        if !l.work(64) {
            break;
        }
    }
    let recipe = Recipe::runs(runs);
    Ok(l.block(match coding {
        None => recipe,
        Some(coding) => recipe.through(Stage::inflate(coding)),
    }))
}

#[cfg(test)]
mod tests {
    use crate::formats::tests::{leaves, listed};

    fn cabinet() -> Vec<u8> {
        let data = b"first file\nand the second\n";
        let mut out = b"MSCF\0\0\0\0".to_vec();
        out.resize(36, 0);
        out[16] = 44;
        out[26] = 1;
        out[28] = 2;
        let files: Vec<u8> = [("a.txt", 11u32, 0u32), ("d\\b.txt", 15, 11)]
            .iter()
            .flat_map(|(name, len, at)| {
                [&len.to_le_bytes()[..], &at.to_le_bytes(), &[0; 8], name.as_bytes(), &[0]].concat()
            })
            .collect();
        let at = (44 + files.len()) as u32;
        out.extend(at.to_le_bytes());
        out.extend([1, 0, 0, 0]);
        out.extend(files);
        out.extend([0; 4]);
        out.extend((data.len() as u16).to_le_bytes());
        out.extend((data.len() as u16).to_le_bytes());
        out.extend(data);
        let len = out.len() as u32;
        out[8..12].copy_from_slice(&len.to_le_bytes());
        out
    }

    #[test]
    fn parses_members() {
        let got = leaves(&cabinet());
        assert_eq!(got[0], ("cab:a.txt".to_owned(), b"first file\n".to_vec()));
        assert_eq!(got[1], ("cab:d\\\\b.txt".to_owned(), b"and the second\n".to_vec()));
    }

    #[test]
    fn tells_of_damage() {
        let cab = cabinet();
        for len in 0..cab.len() {
            listed(&cab[..len]);
        }
        assert_eq!(listed(&cab[..60]).nodes[0].anomalies, [crate::Anomaly::Odd("cab: damaged header")]);
    }
}
