//! ZIP (APPNOTE 6.3): by its central directory, else by its local headers. Also what only one of the two knows of.

mod crypt;
mod headers;
#[cfg(test)]
mod tests;

use crate::bytes::{find, le16, le32};
use crate::filter::Stage;
use crate::lister::{Entry, Lister};
use crate::member::{Completeness, Form};
use crate::recipe::{Recipe, name};
use headers::{CENTRAL, Central, Directory, Found, LOCAL, LOCAL_LEN};
use sekisho_inflate::Coding;

/// Method of LZMA, and what precedes its stream.
const LZMA: u16 = 14;
const LZMA_HEADER_LEN: u64 = 9;

pub(super) fn list(l: &mut Lister<'_, '_>) {
    match headers::directory(l) {
        Some(directory) => by_directory(l, &directory),
        None => {
            l.odd("zip: no central directory");
            by_local_headers(l, 0, l.len());
        }
    }
}

/// A ZIP archive at the end of something else: the part from its first member on, as one member.
pub(super) fn appended(l: &mut Lister<'_, '_>) -> bool {
    let Some(directory) = headers::directory(l) else { return false };
    let mut first = directory.at;
    entries(l, &directory, &mut |_, central| {
        first = directory.base.saturating_add(central.local_at);
        false
    });
    if first == 0 || !matches!(l.read(first, 4).as_ref(), b"PK\x03\x04" | b"PK\x01\x02") {
        return false;
    }
    l.odd("ZIP archive appended");
    l.add(Entry::new("appended", b"", Recipe::slice(first, directory.end.saturating_sub(first))))
}

/// Calls `each` with the entries of the central directory until it says false; how many there were.
fn entries<'a>(
    l: &mut Lister<'_, 'a>,
    directory: &Directory,
    each: &mut dyn FnMut(&mut Lister<'_, 'a>, Central) -> bool,
) -> u64 {
    let mut count = 0;
    let mut at = directory.at;
    let end = directory.at.saturating_add(directory.len);
    while at < end && l.work(64) {
        let Some((central, next)) = headers::central(l, at) else {
            l.odd("zip: damaged central directory");
            break;
        };
        at = next;
        count += 1;
        if !each(l, central) {
            break;
        }
    }
    count
}

fn by_directory(l: &mut Lister<'_, '_>, directory: &Directory) {
    // Where members begin and end.
    let mut taken: Vec<(u64, u64)> = Vec::new();
    let count = entries(l, directory, &mut |l, central| {
        let at = directory.base.saturating_add(central.local_at);
        let Some(local) = headers::local(l, at) else {
            l.odd("zip: no local header where one should be");
            return true;
        };
        if local.name != central.found.name {
            l.odd("zip: names in directory and local header differ");
        }
        let data = at.saturating_add(local.data_at);
        taken.push((at, data.saturating_add(central.found.packed)));
        member(l, &central.found, data)
    });
    if count != directory.count && !l.is_full() {
        l.odd("zip: the directory's count is wrong");
    }
    taken.sort_unstable();
    let pairs = || taken.iter().zip(taken.iter().skip(1));
    if pairs().any(|(a, b)| b.0 < a.1) {
        l.odd("zip: overlapping members");
    }
    let mut end = directory.base;
    taken.push((directory.at, directory.at));
    for &(start, stop) in &taken {
        hidden(l, end, start);
        end = end.max(stop);
    }
    comment(l, directory);
}

/// Members between those of the directory: deleted or hidden ones.
fn hidden(l: &mut Lister<'_, '_>, at: u64, end: u64) {
    if at.saturating_add(LOCAL_LEN) < end && l.read(at, 4).as_ref() == LOCAL {
        l.odd("zip: members that the directory doesn't have");
        by_local_headers(l, at, end);
    }
}

/// The archive's comment and what follows it.
fn comment(l: &mut Lister<'_, '_>, directory: &Directory) {
    if !directory.comment.is_empty() {
        l.add(Entry::new("zip-comment", b"", Recipe::inline(directory.comment.clone())));
    }
    let rest = l.len().saturating_sub(directory.end);
    if rest >= 4 {
        l.add(Entry::new("trailer", b"", Recipe::slice(directory.end, rest)));
    }
}

/// Walks from local header to local header between `at` and `end`.
fn by_local_headers(l: &mut Lister<'_, '_>, mut at: u64, end: u64) {
    /// Bytes looked through for the next header where a length is unknown.
    const SEARCH_LEN_MAX: usize = 64 << 20;
    while at.saturating_add(LOCAL_LEN) <= end && l.work(64) {
        let Some(local) = headers::local(l, at) else { return };
        let data = at.saturating_add(local.data_at);
        let mut found = Found { name: local.name, ..local.found };
        if found.streamed && found.packed == 0 {
            let rest = l.read(data, usize::try_from(end - data.min(end)).unwrap_or(usize::MAX).min(SEARCH_LEN_MAX));
            let marks = [&b"PK\x07\x08"[..], LOCAL, CENTRAL];
            let ends = marks.iter().filter_map(|m| find(&rest, m, 0));
            let stop = ends.min().unwrap_or(rest.len());
            found.packed = stop as u64;
            let descriptor = rest.get(stop..).filter(|r| r.starts_with(b"PK\x07\x08"));
            found.crc = descriptor.and_then(|d| le32(d, 4)).filter(|_| !found.encrypted);
            found.len = None;
            l.work(stop as u64);
        }
        at = data.saturating_add(found.packed);
        if !member(l, &found, data) {
            return;
        }
        if l.read(at, 4).as_ref() == b"PK\x07\x08" {
            at += if l.read(at.saturating_add(16), 2).as_ref() == b"PK" { 16 } else { 24 };
        }
    }
}

/// One member whose packed bytes begin at `data`.
fn member(l: &mut Lister<'_, '_>, found: &Found, data: u64) -> bool {
    if found.name.ends_with(b"/") && found.packed == 0 {
        return true;
    }
    let mut entry = Entry::new("zip", &found.name, Recipe::slice(data, found.packed));
    entry.declared_len = found.len;
    let mut method = found.method;
    if found.encrypted {
        match crypt::open(l, found, data) {
            Some(opened) => {
                entry.recipe = opened.recipe;
                entry.password = Some(opened.password);
                method = opened.method;
            }
            None => {
                entry.recipe = Recipe::slice(data, 0);
                return l.add(entry.flaw(Completeness::Encrypted));
            }
        }
    }
    if method == LZMA {
        entry.recipe =
            Recipe::slice(data.saturating_add(LZMA_HEADER_LEN), found.packed.saturating_sub(LZMA_HEADER_LEN));
    }
    match unpacking(l, method, found, data) {
        Ok(Some(stage)) => entry.recipe = entry.recipe.through(stage),
        Ok(None) => {}
        Err(what) => {
            entry.recipe = Recipe::slice(data, 0);
            return l.add(entry.flaw(Completeness::Unsupported(what)));
        }
    }
    if let Some(crc) = found.crc {
        entry.recipe = entry.recipe.through(Stage::Crc32(crc));
    }
    if found.mode & 0o170_000 == 0o120_000 {
        let target =
            if method == 0 && !found.encrypted { l.read(data, 4096) } else { std::borrow::Cow::Borrowed(&b""[..]) };
        let len = usize::try_from(found.packed).unwrap_or(usize::MAX);
        entry.form = Form::SymLink(name(target.get(..len).unwrap_or(&target)));
    }
    l.add(entry)
}

/// The filter for a compression method (APPNOTE §4.4.5).
fn unpacking(l: &Lister<'_, '_>, method: u16, found: &Found, data: u64) -> Result<Option<Stage>, &'static str> {
    Ok(Some(match method {
        0 => return Ok(None),
        8 => Stage::inflate(Coding::RawDeflate),
        12 => Stage::inflate(Coding::Bzip2),
        LZMA => {
            if found.encrypted {
                return Err("LZMA within encryption");
            }
            // Version, length of the properties (5), properties; then a stream that may have an end mark.
            let header = l.read(data, 9);
            let mut prefix = header.get(4..9).unwrap_or(&[]).to_vec();
            let marked = found.flags & 2 != 0;
            prefix.extend(found.len.filter(|_| !marked).unwrap_or(u64::MAX).to_le_bytes());
            return Ok(Some(Stage::Inflate { coding: Coding::Lzma, prefix, open_end: false }));
        }
        93 | 20 => Stage::inflate(Coding::Zstd),
        95 => Stage::inflate(Coding::Xz),
        1 => return Err("shrunk"),
        2..=5 => return Err("reduced"),
        6 => return Err("imploded"),
        9 => return Err("Deflate64"),
        98 => return Err("PPMd"),
        _ => return Err("compression method"),
    }))
}

/// The two bytes that an extra field is known by, and its content.
fn extra(extra: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = extra;
    while let (Some(id), Some(len)) = (le16(rest, 0), le16(rest, 2)) {
        let (field, after) = rest.get(4..)?.split_at_checked(usize::from(len))?;
        if id == wanted {
            return Some(field);
        }
        rest = after;
    }
    None
}
