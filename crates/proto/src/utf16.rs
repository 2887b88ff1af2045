//! UTF-16 as Windows protocols carry it, to UTF-8.

use sekisho_record::Text;

/// Little-endian UTF-16 as UTF-8; what is no character becomes U+FFFD, an odd byte at the end is dropped, and so is
/// one closing NUL.
pub(crate) fn text(bytes: &[u8]) -> Text {
    let units = bytes.as_chunks::<2>().0;
    let units = units.strip_suffix(&[[0, 0]]).unwrap_or(units);
    let mut out = Vec::with_capacity(units.len());
    let mut buf = [0; 4];
    for c in char::decode_utf16(units.iter().map(|u| u16::from_le_bytes(*u))) {
        let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(c.encode_utf8(&mut buf).as_bytes());
    }
    Text(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_windows_sends() {
        assert_eq!(text(b"a\0\xfc\0").0, "aü".as_bytes());
        assert_eq!(text(b"\x3d\xd8\x00\xdeb\0\0\0").0, "😀b".as_bytes());
        assert_eq!(text(b"\x3d\xd8b\0c").0, "\u{fffd}b".as_bytes());
        assert!(text(b"").0.is_empty());
    }
}
