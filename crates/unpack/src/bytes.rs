//! Numbers out of slices; `None` where bytes are missing.

/// `len` bytes at `at`.
pub(crate) fn take(bytes: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(len)?)
}

/// All bytes from `at` on, none if there are none.
pub(crate) fn from(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at..).unwrap_or(&[])
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

pub(crate) fn byte(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

pub(crate) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(crate) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

/// As a length in memory; what doesn't fit is more than there can be.
pub(crate) fn size(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// Text up to the first zero byte.
pub(crate) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == 0).next().unwrap_or(&[])
}

/// A number in ASCII digits of `radix`, spaces before and anything after it allowed; `None` if there is no digit or it
/// is too large.
pub(crate) fn ascii_number(bytes: &[u8], radix: u32) -> Option<u64> {
    let text = bytes.trim_ascii_start();
    let digits = text.iter().map_while(|&b| char::from(b).to_digit(radix));
    let mut value = None;
    for digit in digits {
        let so_far: u64 = value.unwrap_or(0);
        value = Some(so_far.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))?);
    }
    value
}

/// Where `needle` begins in `bytes`, from `at` on.
pub(crate) fn find(bytes: &[u8], needle: &[u8], at: usize) -> Option<usize> {
    memchr::memmem::find(bytes.get(at..)?, needle).map(|i| at + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_numbers() {
        assert_eq!(ascii_number(b"  0000644\0", 8), Some(0o644));
        assert_eq!(ascii_number(b"fF", 16), Some(255));
        assert_eq!((le16(&[1, 2, 3], 1), le16(&[1, 2, 3], 2)), (Some(0x302), None));
    }

    #[test]
    fn rejects_numbers() {
        assert_eq!(ascii_number(b"", 10), None);
        assert_eq!(ascii_number(b"99999999999999999999999", 10), None);
        assert_eq!(take(&[1], usize::MAX, 2), None);
    }
}
