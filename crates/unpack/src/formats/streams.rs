//! Formats that hold one stream: what `gzip`, `xz` and their like write.

use crate::bytes::{byte, from, le16, until_nul};
use crate::filter::Stage;
use crate::kind::Kind;
use crate::lister::{Entry, Lister};
use crate::recipe::Recipe;
use sekisho_inflate::Coding;

/// The one member of a stream.
pub(super) fn list(l: &mut Lister<'_, '_>) {
    let (how, coding) = match l.kind {
        Kind::Bzip2 => ("bzip2", Coding::Bzip2),
        Kind::Compress => ("compress", Coding::Compress),
        Kind::Gzip => ("gzip", Coding::Gzip),
        Kind::Lz4 => ("lz4", Coding::Lz4),
        Kind::Lzip => return lzip(l),
        Kind::Lzma => ("lzma", Coding::Lzma),
        Kind::Xz => ("xz", Coding::Xz),
        Kind::Zlib => ("zlib", Coding::Zlib),
        Kind::Zstd => ("zstd", Coding::Zstd),
        _ => return,
    };
    let head = l.read(0, 4096);
    let name = if l.kind == Kind::Gzip { gzip_name(&head) } else { &[] };
    let recipe = Recipe::slice(0, l.len()).through(Stage::inflate(coding));
    l.add(Entry::new(how, name, recipe).with_trailer());
}

/// The original name in a gzip header (RFC 1952 §2.3).
fn gzip_name(head: &[u8]) -> &[u8] {
    let flags = byte(head, 3).unwrap_or(0);
    let mut at = 10;
    if flags & 4 != 0 {
        at += 2 + usize::from(le16(head, at).unwrap_or(0));
    }
    if flags & 8 != 0 { until_nul(from(head, at)) } else { &[] }
}

/// lzip: six bytes before, twenty after an LZMA stream of fixed properties (lzip manual, "File format").
fn lzip(l: &mut Lister<'_, '_>) {
    const PROPERTIES: u8 = 0x5d;
    let code = byte(&l.read(5, 1), 0).unwrap_or(0);
    let base = 1u32.checked_shl(u32::from(code & 0x1f)).unwrap_or(0);
    let dict = base - base / 16 * u32::from(code >> 5);
    let mut prefix = vec![PROPERTIES];
    prefix.extend(dict.to_le_bytes());
    prefix.extend([0xff; 8]);
    let stage = Stage::Inflate { coding: Coding::Lzma, prefix, open_end: false };
    l.add(Entry::new("lzip", b"", Recipe::slice(6, l.len().saturating_sub(6)).through(stage)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_names_of_gzip() {
        assert_eq!(gzip_name(b"\x1f\x8b\x08\x08\0\0\0\0\0\x03a.txt\0rest"), b"a.txt");
        assert_eq!(gzip_name(b"\x1f\x8b\x08\x0c\0\0\0\0\0\x03\x02\0xya.txt\0rest"), b"a.txt");
        assert_eq!(gzip_name(b"\x1f\x8b\x08\x00\0\0\0\0\0\x03a.txt"), b"");
    }
}
