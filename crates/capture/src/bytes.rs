/// Byte order of a capture file, told by its magic number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Big,
    Little,
}

impl Order {
    pub(crate) fn of_u16(self, b: [u8; 2]) -> u16 {
        match self {
            Self::Big => u16::from_be_bytes(b),
            Self::Little => u16::from_le_bytes(b),
        }
    }

    pub(crate) fn of_u32(self, b: [u8; 4]) -> u32 {
        match self {
            Self::Big => u32::from_be_bytes(b),
            Self::Little => u32::from_le_bytes(b),
        }
    }

    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        bytes.get(at..)?.first_chunk().map(|b| self.of_u16(*b))
    }

    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        bytes.get(at..)?.first_chunk().map(|b| self.of_u32(*b))
    }

    pub(crate) fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let b = bytes.get(at..)?.first_chunk::<8>()?;
        Some(match self {
            Self::Big => u64::from_be_bytes(*b),
            Self::Little => u64::from_le_bytes(*b),
        })
    }

    /// The first `N` 32-bit words.
    pub(crate) fn words<const N: usize>(self, bytes: &[u8]) -> Option<[u32; N]> {
        let (words, _) = bytes.as_chunks::<4>();
        words.first_chunk::<N>().map(|w| w.map(|b| self.of_u32(b)))
    }
}

/// A 32-bit file length as an index. Every supported platform has at least 32-bit addresses.
pub(crate) fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// `n` rounded up to a multiple of four, the alignment of pcapng.
pub(crate) fn pad4(n: usize) -> usize {
    n.saturating_add(3) & !3
}

/// Text from a file: invalid UTF-8 is replaced, a terminating NUL and what follows dropped.
pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or(bytes)).into_owned()
}
