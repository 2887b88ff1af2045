//! Types for which a few bytes aren't enough.

use super::{Kind, has};
use crate::bytes::{be16, be32, byte, find, from, le16, le32, size, take};
use crate::content::Content;

/// What a magic number stands for after a closer look; `None` if it isn't that after all.
pub(super) fn refine(kind: Kind, head: &[u8], content: &Content<'_>) -> Option<Kind> {
    match kind {
        Kind::Zip => Some(zip(head)),
        Kind::Ole => Some(ole(head, content)),
        // Texts begin with these letters as well.
        Kind::Mz => (content.len() >= 64 && !super::is_readable(head)).then(|| mz(head, content)),
        Kind::Wav => riff(head),
        Kind::Aiff => (has(head, 8, b"AIFF") || has(head, 8, b"AIFC")).then_some(Kind::Aiff),
        Kind::Djvu => has(head, 12, b"DJV").then_some(Kind::Djvu),
        Kind::Matroska => Some(if find(head, b"webm", 0).is_some_and(|at| at < 64) { Kind::Webm } else { kind }),
        Kind::Bmp => bmp(head).then_some(kind),
        Kind::Bzip2 => {
            let level = byte(head, 3).is_some_and(|b| b.is_ascii_digit() && b != b'0');
            let block = from(head, 4);
            let mark = [&b"1AY&SY"[..], b"\x17rE8P\x90"].iter().any(|m| m.starts_with(block.get(..6).unwrap_or(block)));
            (level && mark).then_some(kind)
        }
        Kind::Compress => byte(head, 2).is_some_and(|b| matches!(b & 0x1f, 9..=16) && b & 0x60 == 0).then_some(kind),
        Kind::Arj => le16(head, 2).is_some_and(|n| (30..=2600).contains(&n)).then_some(kind),
        Kind::JpegXl if head.starts_with(b"\xff\x0a") => (content.len() > 16 && !has(head, 2, &[0; 4])).then_some(kind),
        Kind::Mp3 => (byte(head, 3).is_some_and(|v| v < 5)).then_some(kind),
        Kind::PcapNg => {
            matches!(take(head, 8, 4), Some([0x1a, 0x2b, 0x3c, 0x4d] | [0x4d, 0x3c, 0x2b, 0x1a])).then_some(kind)
        }
        Kind::Swf => byte(head, 3).is_some_and(|v| (1..60).contains(&v)).then_some(kind),
        Kind::Parquet => has(&content.read(content.len().saturating_sub(4), 4), 0, b"PAR1").then_some(kind),
        Kind::UBoot => (content.len() > 64).then_some(kind),
        Kind::Tar => tar(head).then_some(kind),
        Kind::Gzip => (byte(head, 3).is_none_or(|flags| flags & 0xe0 == 0)).then_some(kind),
        _ => Some(kind),
    }
}

/// A look at the head of a content.
type Rule = fn(&[u8]) -> bool;

/// Types without a magic number at a place of their own.
pub(super) fn recognise(head: &[u8], content: &Content<'_>) -> Option<Kind> {
    const RULES: &[(Rule, Kind)] = &[
        (tar, Kind::Tar),
        (cpio, Kind::CpioBinary),
        (java_class, Kind::JavaClass),
        (fat_macho, Kind::MachOFat),
        (truetype, Kind::Ttf),
        (icon, Kind::Ico),
        (cursor, Kind::Cursor),
        (pcx, Kind::Pcx),
        (pnm, Kind::Pnm),
        (pyc, Kind::PythonBytecode),
        (pickle, Kind::Cpython),
        (lzma, Kind::Lzma),
        (zlib, Kind::Zlib),
        (mp3, Kind::Mp3),
        (aac, Kind::Aac),
        (transport_stream, Kind::MpegTs),
        (dwg, Kind::Dwg),
        (ext, Kind::Ext),
        (pgp, Kind::Pgp),
        (boot_sector, Kind::Mbr),
    ];
    if let Some(kind) = ftyp(head) {
        return Some(kind);
    }
    if RULES.iter().any(|(rule, kind)| *kind == Kind::Tar && rule(head)) {
        return Some(Kind::Tar);
    }
    if iso(content) {
        return Some(Kind::Iso);
    }
    if der(head, content.len()) {
        return Some(Kind::Der);
    }
    if content.len() > 512 && has(&content.read(content.len() - 512, 4), 0, b"koly") {
        return Some(Kind::Dmg);
    }
    RULES.iter().find(|(rule, _)| rule(head)).map(|(_, kind)| *kind)
}

/// By the names of the first members.
fn zip(head: &[u8]) -> Kind {
    let name_len = usize::from(le16(head, 26).unwrap_or(0));
    let first = take(head, 30, name_len).unwrap_or(&[]);
    if first == b"mimetype" {
        let extra_len = usize::from(le16(head, 28).unwrap_or(0));
        let mime = from(head, 30 + name_len + extra_len);
        const MIMES: [(&[u8], Kind); 4] = [
            (b"application/epub+zip", Kind::Epub),
            (b"application/vnd.oasis.opendocument.presentation", Kind::Odp),
            (b"application/vnd.oasis.opendocument.spreadsheet", Kind::Ods),
            (b"application/vnd.oasis.opendocument.text", Kind::Odt),
        ];
        return MIMES.iter().find(|(m, _)| mime.starts_with(m)).map_or(Kind::Zip, |m| m.1);
    }
    let names = || {
        memchr::memmem::find_iter(head, b"PK\x03\x04")
            .filter_map(|at| take(head, at + 30, usize::from(le16(head, at + 26)?)))
    };
    let any = |prefix: &[u8]| names().any(|n| n.starts_with(prefix));
    match () {
        () if any(b"AndroidManifest.xml") || any(b"classes.dex") => Kind::Apk,
        () if any(b"META-INF/MANIFEST.MF") => Kind::Jar,
        () if any(b"word/") => Kind::Docx,
        () if any(b"xl/") => Kind::Xlsx,
        () if any(b"ppt/") => Kind::Pptx,
        () if any(b"[Content_Types].xml") => Kind::Ooxml,
        () => Kind::Zip,
    }
}

/// By the names in the first sector of the directory (MS-CFB §2.6).
fn ole(head: &[u8], content: &Content<'_>) -> Kind {
    let shift = le16(head, 30).unwrap_or(9).clamp(9, 12);
    let sector = u64::from(le32(head, 48).unwrap_or(0));
    let directory = content.read((sector + 1) << shift, 4096);
    let names: Vec<Vec<u8>> = directory
        .chunks(128)
        .map(|entry| entry.iter().take(64).step_by(2).copied().take_while(|&b| b != 0).collect())
        .collect();
    let any = |name: &[u8]| names.iter().any(|n| n.starts_with(name));
    // A Windows installer's names are packed into the private area; its root has a class of its own.
    let installer = has(&directory, 80, &[0x84, 0x10, 0x0c, 0]);
    match () {
        () if installer => Kind::Msi,
        () if any(b"WordDocument") => Kind::Word,
        () if any(b"Workbook") || any(b"Book") => Kind::Xls,
        () if any(b"PowerPoint Document") => Kind::Ppt,
        () if any(b"__substg1.0_") || any(b"__properties_version1.0") => Kind::Msg,
        () => Kind::Ole,
    }
}

fn mz(head: &[u8], content: &Content<'_>) -> Kind {
    let at = u64::from(le32(head, 60).unwrap_or(0));
    if head.len() > 64 && at > 0 && has(&content.read(at, 4), 0, b"PE\0\0") { Kind::Pe } else { Kind::Mz }
}

fn riff(head: &[u8]) -> Option<Kind> {
    match take(head, 8, 4)? {
        b"WAVE" => Some(Kind::Wav),
        b"AVI " => Some(Kind::Avi),
        b"WEBP" => Some(Kind::Webp),
        _ => None,
    }
}

fn bmp(head: &[u8]) -> bool {
    le32(head, 14).is_some_and(|n| matches!(n, 12 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// The checksum of a header: all bytes, the checksum's as spaces, signed or unsigned.
pub(crate) fn tar(head: &[u8]) -> bool {
    let Some(header) = head.get(..512) else { return false };
    let Some(wanted) = take(header, 148, 8).and_then(|f| crate::bytes::ascii_number(f, 8)) else { return false };
    let fields = || header.iter().enumerate().map(|(i, &b)| if (148..156).contains(&i) { b' ' } else { b });
    let unsigned: u64 = fields().map(u64::from).sum();
    let signed: i64 = fields().map(|b| i64::from(b.cast_signed())).sum();
    header.first() != Some(&0) && (unsigned == wanted || i64::try_from(wanted).is_ok_and(|w| w == signed))
}

/// Binary cpio in either byte order: a name that ends where it says.
fn cpio(head: &[u8]) -> bool {
    let number = |at: usize| match head.first() {
        Some(0xc7) => le16(head, at),
        _ => be16(head, at),
    };
    let name_len = usize::from(number(20).unwrap_or(0));
    let magic = head.starts_with(b"\xc7\x71") || head.starts_with(b"\x71\xc7");
    magic && (1..=1024).contains(&name_len) && byte(head, 26 + name_len - 1) == Some(0)
}

fn java_class(head: &[u8]) -> bool {
    head.starts_with(b"\xca\xfe\xba\xbe") && be16(head, 6).is_some_and(|v| (45..100).contains(&v))
}

fn fat_macho(head: &[u8]) -> bool {
    head.starts_with(b"\xca\xfe\xba\xbe") && be32(head, 4).is_some_and(|n| (1..20).contains(&n))
}

fn truetype(head: &[u8]) -> bool {
    let tables = be16(head, 4).unwrap_or(0);
    let tag = take(head, 12, 4).unwrap_or(&[]);
    head.starts_with(b"\0\x01\0\0")
        && (1..64).contains(&tables)
        && tag.len() == 4
        && tag.iter().all(|b| (0x20..0x7f).contains(b))
}

fn icon_like(head: &[u8], kind: u8) -> bool {
    let count = le16(head, 4).unwrap_or(0);
    let (len, at) = (le32(head, 14).unwrap_or(0), le32(head, 18).unwrap_or(0));
    has(head, 0, &[0, 0, kind, 0])
        && (1..256).contains(&count)
        && byte(head, 9) == Some(0)
        && len > 0
        && at >= 6 + 16 * u32::from(count)
        && at < 1 << 24
}

fn icon(head: &[u8]) -> bool {
    icon_like(head, 1)
}

fn cursor(head: &[u8]) -> bool {
    icon_like(head, 2)
}

fn pcx(head: &[u8]) -> bool {
    matches!(head, [10, 0 | 2 | 3 | 4 | 5, 1, 1 | 2 | 4 | 8, ..]) && byte(head, 64) == Some(0) && head.len() >= 128
}

fn pnm(head: &[u8]) -> bool {
    let digit = |at: usize| byte(head, at).is_some_and(|b| b.is_ascii_digit() || b == b'#');
    matches!(head, [b'P', b'1'..=b'7', b'\n' | b' ', ..]) && (digit(3) || has(head, 3, b"WIDTH"))
}

/// The version's magic number, CR LF, flags of at most two bits.
fn pyc(head: &[u8]) -> bool {
    let old = matches!(head.first_chunk::<2>(), Some([0x03 | 0xd1..=0xfc, 0xf2 | 0xf3]));
    let new = matches!(head.first_chunk::<2>(), Some([_, 0x0c..=0x0f]));
    has(head, 2, b"\r\n") && (old || new && matches!(le32(head, 4), Some(0..4)))
}

/// Protocol 2 to 5, then an opcode that such a stream begins with.
fn pickle(head: &[u8]) -> bool {
    matches!(
        head,
        [0x80, 4 | 5, 0x95, _, _, _, _, _, 0, 0, 0, ..]
            | [0x80, 2 | 3, b'}' | b']' | b'c' | b'X' | b'(', b'q' | b'(' | b'_' | b'a'..=b'p', ..]
    )
}

/// Usual properties, a dictionary of a power of two or 3/2 of one, and a size that is unknown or possible.
fn lzma(head: &[u8]) -> bool {
    let Some(dict) = le32(head, 1) else { return false };
    let shape = dict >= 4096 && (dict.is_power_of_two() || (dict / 3 * 2).is_power_of_two() && dict.is_multiple_of(3));
    let len = crate::bytes::le64(head, 5).unwrap_or(0);
    head.first().is_some_and(|p| matches!(p, 0x5d | 0x5e | 0x6c | 0x2c))
        && shape
        && (len == u64::MAX || len < 1 << 38)
        && byte(head, 13) == Some(0)
}

/// Usual headers, and a first block that could be one.
fn zlib(head: &[u8]) -> bool {
    let &[cmf @ (0x58 | 0x68 | 0x78), flg, block, a, ..] = head else { return false };
    let usual = matches!(
        (cmf, flg),
        (0x78, 0x01 | 0x5e | 0x9c | 0xda) | (0x58, 0x85 | 0xc3 | 0x09) | (0x68, 0x81 | 0xde | 0x43 | 0x05)
    );
    let possible = match block >> 1 & 3 {
        0 => le16(head, 3).zip(le16(head, 5)).is_some_and(|(n, m)| n == !m),
        1 => true,
        // Dynamic: at most 286 literal and 30 distance codes.
        2 => block >> 3 <= 29 && a & 0x1f <= 29,
        _ => false,
    };
    usual && possible && head.len() >= 8
}

/// Two frames in a row of MPEG-1 layer III at 44.1, 48 or 32 kHz.
fn mp3(head: &[u8]) -> bool {
    const KBITS: [u32; 16] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0];
    const RATES: [u32; 4] = [44_100, 48_000, 32_000, 0];
    let frame = |at: usize| {
        let &[0xff, 0xfa | 0xfb, bits, _] = take(head, at, 4)?.first_chunk::<4>()? else { return None };
        let rate = *RATES.get(usize::from(bits >> 2 & 3)).filter(|r| **r > 0)?;
        let kbits = *KBITS.get(usize::from(bits >> 4)).filter(|k| **k > 0)?;
        Some(at + size(u64::from(144_000 * kbits / rate + u32::from(bits >> 1 & 1))))
    };
    frame(0).and_then(frame).is_some()
}

/// Two ADTS frames in a row.
fn aac(head: &[u8]) -> bool {
    let frame = |at: usize| {
        let &[0xff, 0xf0 | 0xf1 | 0xf8 | 0xf9, _, a, b, c] = take(head, at, 6)?.first_chunk::<6>()? else {
            return None;
        };
        let len = usize::from(a & 3) << 11 | usize::from(b) << 3 | usize::from(c >> 5);
        (len > 7).then_some(at + len)
    };
    frame(0).and_then(frame).is_some()
}

fn transport_stream(head: &[u8]) -> bool {
    (0..4).all(|i| byte(head, i * 188) == Some(0x47))
}

fn dwg(head: &[u8]) -> bool {
    matches!(head, [b'A', b'C', b'1', b'0', b'0'..=b'9', b'0'..=b'9', 0, ..])
}

fn ext(head: &[u8]) -> bool {
    le16(head, 1080) == Some(0xef53) && le32(head, 1048).is_some_and(|n| n < 7)
}

/// A public-key encrypted session key packet of version 3 (RFC 4880 §5.1).
fn pgp(head: &[u8]) -> bool {
    matches!(head, [0x84 | 0x85, _, _, 3, ..]) && byte(head, 12).is_some_and(|a| matches!(a, 1..=3 | 16 | 18))
}

fn boot_sector(head: &[u8]) -> bool {
    let part = |i: usize| byte(head, 446 + 16 * i);
    le16(head, 510) == Some(0xaa55)
        && (0..4).all(|i| matches!(part(i), Some(0 | 0x80)))
        && byte(head, 450).is_some_and(|t| t != 0)
}

/// ISO base media (ISO 14496-12 §4.3), by brand.
fn ftyp(head: &[u8]) -> Option<Kind> {
    if !has(head, 4, b"ftyp") || be32(head, 0).is_none_or(|n| !(8..4096).contains(&n)) {
        let atom = take(head, 4, 4)?;
        return (matches!(atom, b"moov" | b"mdat" | b"wide") && be32(head, 0).is_some_and(|n| n >= 8))
            .then_some(Kind::QuickTime);
    }
    Some(match take(head, 8, 4)? {
        b"qt  " => Kind::QuickTime,
        b"avif" | b"avis" => Kind::Avif,
        b"heic" | b"heix" | b"mif1" | b"msf1" => Kind::Heif,
        b"M4A " | b"M4B " => Kind::M4a,
        _ => Kind::Mp4,
    })
}

/// Volume descriptors of ISO 9660 from sector 16 on.
fn iso(content: &Content<'_>) -> bool {
    content.len() >= 34 * 1024 && has(&content.read(32_768, 8), 1, b"CD001")
}

/// A certificate, key or message: a sequence as long as the content, which begins with a sequence or a number.
fn der(head: &[u8], len: u64) -> bool {
    let &[0x30, 0x82, a, b, tag, ..] = head else { return false };
    u64::from(u16::from_be_bytes([a, b])) + 4 == len && matches!(tag, 0x30 | 0x02 | 0x06) && len > 64
}
