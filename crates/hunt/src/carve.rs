//! Archives and compressed streams that begin somewhere in a content.

use sekisho_unpack::Content;

/// Places in one content that are tried.
pub const CARVE_COUNT_MAX: usize = 64;
/// Bytes read at once, and bytes of each piece that are seen with the next one again.
const PIECE_LEN: usize = 256 << 10;
const OVERLAP_LEN: usize = 512;

/// Signs at the beginning of what can be unpacked, long enough to be no chance.
const SIGNS: &[&[u8]] = &[
    b"\x1f\x8b\x08",
    b"PK\x03\x04",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf\x27\x1c",
    b"\x04\x22\x4d\x18",
    b"LZIP\x01",
    b"\xed\xab\xee\xdb",
    b"!<arch>\n",
    b"070701",
    b"MSCF\0\0\0\0",
    b"%PDF-",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"BZh",
];

/// Where tar's mark stands in its first block.
const TAR_MARK_AT: usize = 257;

fn is_sign(bytes: &[u8]) -> bool {
    match bytes {
        // Flags that RFC 1952 knows.
        [0x1f, 0x8b, 8, flags, ..] => flags & 0xe0 == 0,
        [b'B', b'Z', b'h', level, rest @ ..] => level.is_ascii_digit() && rest.starts_with(b"1AY&SY"),
        _ => SIGNS.iter().any(|s| bytes.starts_with(s)),
    }
}

/// Does something that can be unpacked begin here?
pub(crate) fn begins(bytes: &[u8]) -> bool {
    let zlib = matches!(bytes, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]);
    let tar = bytes.get(TAR_MARK_AT..).is_some_and(|b| b.starts_with(b"ustar"));
    zlib || tar || is_sign(bytes)
}

/// Offsets, in order, at which something that can be unpacked seems to begin; at most [`CARVE_COUNT_MAX`].
pub fn carve(content: &Content<'_>) -> Vec<u64> {
    let mut found: Vec<u64> = Vec::new();
    let mut at = 0;
    while at < content.len() && found.len() < CARVE_COUNT_MAX {
        let piece = content.read(at, PIECE_LEN + OVERLAP_LEN);
        let fresh = piece.len().min(PIECE_LEN);
        let mut tell = |i: usize| {
            let offset = at + i as u64;
            if i < fresh && found.len() < CARVE_COUNT_MAX && !found.contains(&offset) {
                found.push(offset);
            }
        };
        for i in memchr::memchr3_iter(0x1f, b'P', b'B', &piece) {
            if piece.get(i..).is_some_and(is_sign) {
                tell(i);
            }
        }
        for sign in SIGNS {
            if !matches!(sign.first(), Some(0x1f | b'P' | b'B')) {
                memchr::memmem::find_iter(&piece, sign).for_each(&mut tell);
            }
        }
        for i in memchr::memmem::find_iter(&piece, b"ustar") {
            // Only the first member of an archive: the others follow it.
            if let Some(start) = i.checked_sub(TAR_MARK_AT)
                && !found_near(&piece, start)
            {
                tell(start);
            }
        }
        if fresh == 0 {
            break;
        }
        at += fresh as u64;
    }
    found.sort_unstable();
    found
}

/// Is there a tar header in one of the blocks before `start`?
fn found_near(piece: &[u8], start: usize) -> bool {
    const BLOCK_LEN: usize = 512;
    (1..=8)
        .filter_map(|n| start.checked_sub(n * BLOCK_LEN))
        .any(|s| piece.get(s + TAR_MARK_AT..).is_some_and(|b| b.starts_with(b"ustar")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_beginnings() {
        let mut bytes = vec![b'.'; 1000];
        bytes[10..14].copy_from_slice(b"\x1f\x8b\x08\x00");
        bytes[100..104].copy_from_slice(b"PK\x03\x04");
        bytes[600..605].copy_from_slice(b"ustar");
        bytes[700..704].copy_from_slice(b"\x1f\x8b\x08\xff");
        assert_eq!(carve(&Content::from_bytes(&bytes)), [10, 100, 343]);
        assert!(begins(&bytes[10..]) && begins(&bytes[343..]) && !begins(&bytes[700..]));
    }

    #[test]
    fn limits_their_number() {
        let bytes = b"PK\x03\x04".repeat(1000);
        assert_eq!(carve(&Content::from_bytes(&bytes)).len(), CARVE_COUNT_MAX);
    }

    #[test]
    fn finds_them_over_the_border_of_pieces() {
        let mut bytes = vec![0; PIECE_LEN + 100];
        bytes[PIECE_LEN - 2..PIECE_LEN + 2].copy_from_slice(b"PK\x03\x04");
        assert_eq!(carve(&Content::from_bytes(&bytes)), [PIECE_LEN as u64 - 2]);
    }
}
