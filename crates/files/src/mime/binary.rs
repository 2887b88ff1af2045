//! Binary formats whose signatures have open-ended parts.

use super::Best;
use memchr::memmem;

const ZIP_ENTRY: &[u8] = b"PK\x03\x04";
/// Length of a ZIP entry's header up to its name.
const ZIP_NAME_AT: usize = 30;

pub(super) fn probe(head: &[u8], best: &mut Best) {
    match head.first() {
        Some(b'P') => {
            zip(head, best);
            netpbm(head, best);
        }
        Some(0x1a) => matroska(head, best),
        Some(0x7f) => elf(head, best),
        _ => {}
    }
    ocsp(head, best);
    python(head, best);
    if is_tar(head) {
        best.offer(100, "application/x-tar");
    }
}

fn at(head: &[u8], offset: usize) -> &[u8] {
    head.get(offset..).unwrap_or(&[])
}

/// Does `needle` occur in `head` from `offset` on?
fn found(head: &[u8], offset: usize, needle: &[u8]) -> bool {
    memmem::find(at(head, offset), needle).is_some()
}

fn zip(head: &[u8], best: &mut Best) {
    if !head.starts_with(ZIP_ENTRY) {
        return;
    }
    let name = at(head, ZIP_NAME_AT);
    if head.get(4) == Some(&0x14) && name.starts_with(b"doc.kml") {
        best.offer(100, "application/vnd.google-earth.kmz");
    }
    office(head, name, best);
    open_document(head, best);
    // A manifest as an early entry: its name 1 to 200 bytes after the magic and a four-byte size field.
    let mut from = 0;
    while let Some(i) = memmem::find(at(head, from), b"META-INF/MANIFEST.MF") {
        let name = from + i;
        if (9..=208).contains(&name) && at(head, name - 4).starts_with(b"\x14\0") {
            best.offer(100, "application/java-archive");
        }
        from = name + 1;
    }
}

fn office(head: &[u8], name: &[u8], best: &mut Best) {
    const KINDS: [(&[u8], &str); 3] = [
        (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ];
    let common = name.starts_with(b"[Content_Types].xml") || name.starts_with(b"_rels/.rels");
    for (folder, mime) in KINDS {
        // Zeek's signature doesn't accept a spreadsheet whose first entry is in its own folder.
        let own = name.starts_with(folder) && folder != b"xl/";
        let after = if common { ZIP_NAME_AT } else { ZIP_NAME_AT + folder.len() };
        let later = || {
            memmem::find_iter(at(head, after), ZIP_ENTRY).any(|i| at(head, after + i + ZIP_NAME_AT).starts_with(folder))
        };
        if (common || own) && later() {
            best.offer(80, mime);
        }
    }
}

fn open_document(head: &[u8], best: &mut Best) {
    const KINDS: [(&[u8], &str, Option<&str>); 8] = [
        (
            b"chart",
            "application/vnd.oasis.opendocument.chart",
            Some("application/vnd.oasis.opendocument.chart-template"),
        ),
        (b"database", "application/vnd.oasis.opendocument.database", None),
        (
            b"formula",
            "application/vnd.oasis.opendocument.formula",
            Some("application/vnd.oasis.opendocument.formula-template"),
        ),
        (
            b"graphics",
            "application/vnd.oasis.opendocument.graphics",
            Some("application/vnd.oasis.opendocument.graphics-template"),
        ),
        (
            b"image",
            "application/vnd.oasis.opendocument.image",
            Some("application/vnd.oasis.opendocument.image-template"),
        ),
        (
            b"presentation",
            "application/vnd.oasis.opendocument.presentation",
            Some("application/vnd.oasis.opendocument.presentation-template"),
        ),
        (
            b"spreadsheet",
            "application/vnd.oasis.opendocument.spreadsheet",
            Some("application/vnd.oasis.opendocument.spreadsheet-template"),
        ),
        (b"text", "application/vnd.oasis.opendocument.text", Some("application/vnd.oasis.opendocument.text-template")),
    ];
    let Some(kind) = at(head, 26).strip_prefix(b"\x08\0\0\0mimetypeapplication/") else {
        return;
    };
    if kind.starts_with(b"epub+zip") {
        best.offer(110, "application/epub+zip");
    }
    let Some(kind) = kind.strip_prefix(b"vnd.oasis.opendocument.") else {
        return;
    };
    for (name, plain, template) in KINDS {
        let Some(rest) = kind.strip_prefix(name) else {
            continue;
        };
        match (rest.first(), template) {
            (_, None) => best.offer(110, plain),
            (Some(b'-'), Some(template)) if rest.starts_with(b"-template") => best.offer(120, template),
            (Some(b'-'), _) if name == b"text" && rest.starts_with(b"-web") => {
                best.offer(70, "application/vnd.oasis.opendocument.text-web");
            }
            (Some(b'-'), _) if name == b"text" && rest.starts_with(b"-master") => {
                best.offer(100, "application/vnd.oasis.opendocument.text-master");
            }
            (Some(b'-') | None, _) => {}
            (Some(_), _) => best.offer(110, plain),
        }
    }
}

/// Netpbm as Zeek's signatures have it: two spaces between the numbers.
fn netpbm(head: &[u8], best: &mut Best) {
    let mime = match head.get(1) {
        Some(b'4') => "image/x-portable-bitmap",
        Some(b'5') => "image/x-portable-greymap",
        Some(b'6') => "image/x-portable-pixmap",
        _ => return,
    };
    if is_two_numbers(at(head, 3)) {
        best.offer(42, mime);
    }
}

/// One to fifty digits, two spaces, a digit.
pub(super) fn is_two_numbers(bytes: &[u8]) -> bool {
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = at(bytes, digits);
    (1..=50).contains(&digits) && rest.starts_with(b"  ") && rest.get(2).is_some_and(u8::is_ascii_digit)
}

fn matroska(head: &[u8], best: &mut Best) {
    if !head.starts_with(b"\x1a\x45\xdf\xa3") {
        return;
    }
    for i in memmem::find_iter(at(head, 4), b"B\x82") {
        let doc_type = at(head, 4 + i + 3);
        if doc_type.starts_with(b"webm") {
            best.offer(70, "video/webm");
        }
        if doc_type.starts_with(b"matroska") {
            best.offer(110, "video/x-matroska");
        }
    }
}

fn elf(head: &[u8], best: &mut Best) {
    let (Some([1 | 2, order]), Some(&[a, b])) = (head.get(4..6), head.get(16..18)) else {
        return;
    };
    let kind = match order {
        1 => u16::from_le_bytes([a, b]),
        2 => u16::from_be_bytes([a, b]),
        _ => return,
    };
    if !head.starts_with(b"\x7fELF") {
        return;
    }
    match kind {
        1 => best.offer(50, "application/x-object"),
        2 => best.offer(50, "application/x-executable"),
        3 => best.offer(50, "application/x-sharedlib"),
        4 => best.offer(50, "application/x-coredump"),
        _ => {}
    }
}

/// Object identifiers that stand 11 to 19 bytes from the start: SHA-1 in requests (RFC 6960 §4.1.1),
/// id-pkix-ocsp-basic in responses (§4.2.1).
fn ocsp(head: &[u8], best: &mut Best) {
    let area = |len: usize| head.get(11..(19 + len).min(head.len())).unwrap_or(&[]);
    const SHA1: &[u8] = b"\x06\x05\x2b\x0e\x03\x02\x1a";
    const BASIC: &[u8] = b"\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01";
    if found(area(SHA1.len()), 0, SHA1) {
        best.offer(71, "application/ocsp-request");
    }
    if found(area(BASIC.len()), 0, BASIC) {
        best.offer(71, "application/ocsp-response");
    }
}

/// Compiled Python: a version's number, then CR LF.
fn python(head: &[u8], best: &mut Best) {
    let Some(&[low, high, b'\r', b'\n']) = head.first_chunk::<4>() else {
        return;
    };
    let known = match high {
        0x0b => matches!(low, 0xb8 | 0xc2 | 0xcc | 0xd6 | 0xe0 | 0xea | 0xf4 | 0xf5 | 0xff),
        0x0c => matches!(
            low,
            0x09 | 0x13
                | 0x1d
                | 0x1f
                | 0x27
                | 0x3b
                | 0x45
                | 0x4f
                | 0x58
                | 0x62
                | 0x6c
                | 0x76
                | 0x80
                | 0x94
                | 0x9e
                | 0xb2
                | 0xcc
                | 0xc6
                | 0xd0
                | 0xda
                | 0xe4
                | 0xee
                | 0xf8
        ),
        0x0d => matches!(low, 0x02 | 0x0c | 0x16 | 0x17 | 0x20 | 0x21 | 0x2a..=0x2d | 0x2f..=0x33 | 0x3e..=0x42
            | 0x48 | 0x49 | 0x52..=0x55 | 0x5c..=0x61 | 0x66..=0x6f | 0x7a..=0xa7 | 0xac..=0xcb | 0xde..=0xf3),
        0x0e => matches!(low, 0x10..=0x19),
        0x4e => low == 0x99,
        0xc4 => low == 0xfc,
        0xc6 => low == 0x87,
        0xed => matches!(low, 0x2a | 0x2d),
        0xf2 => matches!(
            low,
            0x3b | 0x45
                | 0x59
                | 0x63
                | 0x6d
                | 0x77
                | 0x81
                | 0x8b
                | 0x8c
                | 0x95
                | 0x9f
                | 0xa9
                | 0xb3
                | 0xc7
                | 0xd1
                | 0xdb
                | 0xe5
                | 0xef
                | 0xf9
        ),
        0xf3 => low == 0x03,
        _ => false,
    };
    if known {
        best.offer(80, "application/x-python-bytecode");
    }
}

/// A tar header (POSIX ustar): name, three numbers of eight, two of twelve, checksum, type.
fn is_tar(head: &[u8]) -> bool {
    let number = |from: usize, len: usize| {
        let field = head.get(from..from + len - 1).unwrap_or(&[]);
        field.len() == len - 1
            && field.iter().all(|&b| b.is_ascii_digit() || b == b' ')
            && head.get(from + len - 1) == Some(&0)
    };
    let is_name = |b: &u8| matches!(b, 0 | 0x20..=0x7e);
    head.get(..100).is_some_and(|name| name.iter().all(is_name))
        && number(100, 8)
        && number(108, 8)
        && number(116, 8)
        && number(124, 12)
        && number(136, 12)
        && head.get(148..155).is_some_and(|sum| sum.iter().all(|&b| b.is_ascii_digit() || b == 0 || b == b' '))
        && matches!(head.get(155), Some(b' ' | 0))
        && matches!(head.get(156), Some(b'0'..=b'7' | 0))
}
