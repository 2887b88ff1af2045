//! tar: ustar (POSIX.1-1988), pax (POSIX.1-2001), GNU long names and sparse files, old ones.

use crate::bytes::{ascii_number, byte, size, take, until_nul};
use crate::kind::is_tar_header;
use crate::lister::{Entry, Lister};
use crate::member::Form;
use crate::recipe::{Recipe, name};

const BLOCK_LEN: u64 = 512;
/// Longest extended header or long name that is read.
const EXTRA_LEN_MAX: u64 = 1 << 20;
/// Pieces of a sparse file.
const RUN_COUNT_MAX: usize = 4096;
/// Bytes without a header that are passed over after damage.
const SKIP_COUNT_MAX: u32 = 2048;

/// What extended headers say of the next member.
#[derive(Default)]
struct Extra {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    len: Option<u64>,
    /// GNU sparse 1.0: the map is before the data.
    map_in_data: bool,
    real_len: Option<u64>,
    /// GNU sparse 0.x: offsets and lengths in turn.
    map: Vec<u64>,
}

pub(super) fn list(l: &mut Lister<'_, '_>) {
    let mut at = 0u64;
    let mut extra = Extra::default();
    let mut skipped = 0;
    while at.saturating_add(BLOCK_LEN) <= l.len() {
        let header = l.read(at, 512);
        if header.iter().all(|&b| b == 0) {
            // Two of these are the end; there may be more behind them, as in archives joined by `cat`.
            at += BLOCK_LEN;
            skipped += 1;
        } else if is_tar_header(&header) {
            skipped = 0;
            let Some(next) = member(l, at, &header, &mut extra) else { return };
            at = next;
        } else {
            l.odd("tar: no header where one should be");
            at += BLOCK_LEN;
            skipped += 1;
        }
        if skipped > SKIP_COUNT_MAX || !l.work(BLOCK_LEN) {
            return;
        }
    }
}

/// One member and where the next one begins; `None` if no more are wanted.
fn member(l: &mut Lister<'_, '_>, at: u64, header: &[u8], extra: &mut Extra) -> Option<u64> {
    let kind = byte(header, 156)?;
    let stored = number(header, 124, 12).unwrap_or(0);
    let data = at + BLOCK_LEN;
    let len = match kind {
        b'1'..=b'6' if kind != b'7' => 0,
        _ => extra.len.filter(|_| !matches!(kind, b'x' | b'g' | b'L' | b'K')).unwrap_or(stored),
    };
    let mut next = data.checked_add(len.checked_next_multiple_of(BLOCK_LEN)?)?;
    match kind {
        b'L' | b'K' => {
            let text = until_nul(&l.read(data, size(len.min(EXTRA_LEN_MAX)))).to_vec();
            if kind == b'L' {
                extra.name = Some(text)
            } else {
                extra.link = Some(text)
            }
            return Some(next);
        }
        b'x' | b'X' => {
            pax(&l.read(data, size(len.min(EXTRA_LEN_MAX))), extra);
            return Some(next);
        }
        b'g' | b'V' | b'M' | b'N' => return Some(next),
        _ => {}
    }
    let extra = std::mem::take(extra);
    let own = full_name(header);
    let path = extra.name.as_deref().unwrap_or(&own);
    let form = match kind {
        b'1' => Form::HardLink(link(header, &extra)),
        b'2' => Form::SymLink(link(header, &extra)),
        b'3' | b'4' | b'6' => Form::Device,
        b'5' => return Some(next),
        _ if path.ends_with(b"/") && len == 0 => return Some(next),
        _ => Form::File,
    };
    let (recipe, declared) = if kind == b'S' {
        let (runs, real, blocks) = old_sparse(l, data, header, len);
        next = next.checked_add(blocks * BLOCK_LEN)?;
        (Recipe::runs(runs), real)
    } else if extra.map_in_data {
        let (runs, real) = sparse_in_data(l, data, len, extra.real_len.unwrap_or(0));
        (Recipe::runs(runs), real)
    } else if !extra.map.is_empty() {
        let pairs = extra.map.as_chunks::<2>().0.iter().map(|[at, len]| (*at, *len)).collect::<Vec<_>>();
        let real = extra.real_len.unwrap_or(len);
        (Recipe::runs(runs(data, &pairs, real)), real)
    } else {
        (Recipe::slice(data, len), len)
    };
    l.add(Entry::new("tar", path, recipe).form(form).declared(declared)).then_some(next)
}

/// Octal digits or, with the high bit set, a big-endian number.
fn number(header: &[u8], at: usize, len: usize) -> Option<u64> {
    let field = take(header, at, len)?;
    let (&first, rest) = field.split_first()?;
    if first & 0x80 == 0 {
        return ascii_number(field, 8);
    }
    rest.iter().try_fold(u64::from(first & 0x7f), |v, &b| v.checked_mul(256)?.checked_add(u64::from(b)))
}

/// Prefix and name (ustar), or the name.
fn full_name(header: &[u8]) -> Vec<u8> {
    let own = until_nul(take(header, 0, 100).unwrap_or(&[]));
    let prefix = until_nul(take(header, 345, 155).unwrap_or(&[]));
    // GNU's magic has no zero after it, and keeps other things in the place of the prefix.
    if take(header, 257, 6) == Some(b"ustar\0") && !prefix.is_empty() {
        return [prefix, b"/", own].concat();
    }
    own.to_vec()
}

fn link(header: &[u8], extra: &Extra) -> std::rc::Rc<[u8]> {
    name(extra.link.as_deref().unwrap_or(until_nul(take(header, 157, 100).unwrap_or(&[]))))
}

/// Records `length key=value\n`.
fn pax(mut records: &[u8], extra: &mut Extra) {
    while let Some(len) = ascii_number(records, 10).map(size).filter(|&n| n > 3) {
        let Some((record, rest)) = records.split_at_checked(len) else { return };
        records = rest;
        let text = record.split(|&b| b == b' ').next().and_then(|n| record.get(n.len() + 1..)).unwrap_or(&[]);
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let Some(split) = text.iter().position(|&b| b == b'=') else { continue };
        let (key, value) = (text.get(..split).unwrap_or(&[]), text.get(split + 1..).unwrap_or(&[]));
        let number = || ascii_number(value, 10);
        match key {
            b"path" if extra.name.is_none() || !extra.map_in_data => extra.name = Some(value.to_vec()),
            b"GNU.sparse.name" => extra.name = Some(value.to_vec()),
            b"linkpath" => extra.link = Some(value.to_vec()),
            b"size" => extra.len = number(),
            b"GNU.sparse.major" => extra.map_in_data = number() == Some(1),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => extra.real_len = number(),
            b"GNU.sparse.map" => {
                extra.map =
                    value.split(|&b| b == b',').take(2 * RUN_COUNT_MAX).filter_map(|n| ascii_number(n, 10)).collect();
            }
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" if extra.map.len() < 2 * RUN_COUNT_MAX => {
                extra.map.extend(number())
            }
            _ => {}
        }
    }
}

/// Runs of data and holes of a sparse file whose packed bytes begin at `data`.
fn runs(data: u64, map: &[(u64, u64)], real: u64) -> Vec<(Option<u64>, u64)> {
    let mut out = Vec::new();
    let (mut at, mut packed) = (0u64, data);
    for &(offset, len) in map.iter().take(RUN_COUNT_MAX) {
        if offset < at || offset.checked_add(len).is_none_or(|end| end > real) {
            continue;
        }
        if offset > at {
            out.push((None, offset - at));
        }
        if len > 0 {
            out.push((Some(packed), len));
        }
        (at, packed) = (offset + len, packed.saturating_add(len));
    }
    if real > at {
        out.push((None, real - at));
    }
    out
}

/// GNU's old format: four pieces in the header, 21 in each block after it. Also how many such blocks there are.
fn old_sparse(l: &mut Lister<'_, '_>, data: u64, header: &[u8], _len: u64) -> (Vec<(Option<u64>, u64)>, u64, u64) {
    let mut map = Vec::new();
    let pieces = |block: &[u8], at: usize, count: usize, map: &mut Vec<(u64, u64)>| {
        for i in 0..count {
            let pair = number(block, at + i * 24, 12).zip(number(block, at + i * 24 + 12, 12));
            map.extend(pair.filter(|p| p.1 > 0));
        }
    };
    pieces(header, 386, 4, &mut map);
    let real = number(header, 483, 12).unwrap_or(0);
    let mut more = byte(header, 482).is_some_and(|b| b != 0);
    let mut blocks = 0;
    while more && map.len() < RUN_COUNT_MAX {
        let block = l.read(data + blocks * BLOCK_LEN, 512);
        pieces(&block, 0, 21, &mut map);
        more = byte(&block, 504).is_some_and(|b| b != 0);
        blocks += 1;
    }
    (runs(data + blocks * BLOCK_LEN, &map, real), real, blocks)
}

/// GNU's format 1.0: decimal numbers, a line each, before the data: how many pieces, then offset and length of each.
fn sparse_in_data(l: &mut Lister<'_, '_>, data: u64, len: u64, real: u64) -> (Vec<(Option<u64>, u64)>, u64) {
    let head = l.read(data, size(len.min(EXTRA_LEN_MAX)));
    let mut lines = head.split_inclusive(|&b| b == b'\n');
    let mut used = 0;
    let mut next = || {
        let line = lines.next()?;
        used += line.len();
        ascii_number(line, 10)
    };
    let count = next().unwrap_or(0).min(RUN_COUNT_MAX as u64);
    let map: Vec<(u64, u64)> = (0..count).map_while(|_| Some((next()?, next()?))).collect();
    (runs(data + (used as u64).next_multiple_of(BLOCK_LEN), &map, real), real)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::tests::{leaves, listed};

    pub(crate) fn header(name: &[u8], kind: u8, len: usize) -> Vec<u8> {
        let mut h = vec![0u8; 512];
        h[..name.len()].copy_from_slice(name);
        h[124..135].copy_from_slice(format!("{len:011o}").as_bytes());
        h[156] = kind;
        h[257..263].copy_from_slice(b"ustar\0");
        h[148..156].fill(b' ');
        let sum: u32 = h.iter().map(|&b| u32::from(b)).sum();
        h[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        h
    }

    fn file(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
        let mut out = header(name, kind, content.len());
        out.extend(content);
        out.resize(out.len().next_multiple_of(512), 0);
        out
    }

    #[test]
    fn parses_members_and_long_names() {
        let long = vec![b'n'; 300];
        let pax = b"24 path=pax/name of it\n\n".get(..23).unwrap();
        let tar = [
            file(b"a", b'0', b"first file\n"),
            file(b"././@LongLink", b'L', &long),
            file(b"nnn", b'0', b"second file\n"),
            file(b"x", b'x', pax),
            file(b"b", b'0', b"third file\n"),
            file(b"dir/", b'5', b""),
            vec![0; 1024],
        ]
        .concat();
        let leaves = leaves(&tar);
        assert_eq!(
            leaves.iter().map(|l| l.1.as_slice()).collect::<Vec<_>>(),
            [&b"first file\n"[..], b"second file\n", b"third file\n"]
        );
        assert_eq!(leaves[1].0.len(), "tar:".len() + 300);
        assert_eq!(leaves[2].0, "tar:b", "a length that doesn't fit its record is no record");
    }

    #[test]
    fn parses_pax_names() {
        let mut extra = Extra::default();
        pax(b"17 path=pax/name\n", &mut extra);
        assert_eq!(extra.name.as_deref(), Some(&b"pax/name"[..]));
    }

    #[test]
    fn parses_sparse_maps() {
        assert_eq!(runs(100, &[(2, 3), (8, 1)], 10), [(None, 2), (Some(100), 3), (None, 3), (Some(103), 1), (None, 1)]);
        assert_eq!(runs(0, &[(5, 1), (0, 2)], 6), [(None, 5), (Some(0), 1)], "pieces go forward only");
    }

    #[test]
    fn tells_of_truncation() {
        let mut tar = file(b"a", b'0', &[b'x'; 2000]);
        tar.truncate(1000);
        let tree = listed(&tar);
        assert_eq!(tree.nodes[1].completeness, crate::Completeness::Truncated);
        assert_eq!(tree.nodes[1].len, 488);
    }
}
