/// Length of the prefix that is printable ASCII without `special`.
#[inline]
pub fn plain_len(s: &[u8], special: [u8; 2]) -> usize {
    // Most texts are short and plain: eight bytes at a time, and the last eight as a whole, though the step before has
    // seen some of them.
    let (chunks, rest) = s.as_chunks::<8>();
    for (i, chunk) in chunks.iter().enumerate() {
        if has_special(u64::from_le_bytes(*chunk), special) {
            return 8 * i + count_plain(chunk, special);
        }
    }
    let last = match s.last_chunk::<8>() {
        _ if rest.is_empty() => return s.len(),
        Some(last) => u64::from_le_bytes(*last),
        None => short_word(rest),
    };
    if has_special(last, special) { s.len() - rest.len() + count_plain(rest, special) } else { s.len() }
}

/// Writes a text that is short and plain, as most are; `None` if it is not.
#[inline]
pub fn short<const N: usize>(place: &mut [u8; N], text: &[u8], special: [u8; 2]) -> Option<usize> {
    let len = text.len();
    let found = match text.first_chunk() {
        None => {
            let word = short_word(text);
            *place.first_chunk_mut()? = word.to_le_bytes();
            marks(word, special)
        }
        Some(first) if len <= 16 => {
            let last = text.last_chunk()?;
            *place.first_chunk_mut()? = *first;
            *place.get_mut(len - 8..)?.first_chunk_mut()? = *last;
            marks(u64::from_le_bytes(*first), special) | marks(u64::from_le_bytes(*last), special)
        }
        Some(_) if len <= 32 => {
            let (first, last) = (text.first_chunk::<16>()?, text.last_chunk::<16>()?);
            *place.first_chunk_mut()? = *first;
            *place.get_mut(len - 16..)?.first_chunk_mut()? = *last;
            let words = [first, last].into_iter().flat_map(|part| part.as_chunks::<8>().0);
            words.fold(0, |found, word| found | marks(u64::from_le_bytes(*word), special))
        }
        Some(_) => return None,
    };
    (found == 0).then_some(len)
}

/// At most seven bytes, filled up.
#[inline]
fn short_word(s: &[u8]) -> u64 {
    const FILLING: u64 = u64::from_le_bytes([b'0'; 8]);
    let bits = 8 * s.len() as u32;
    // Two parts that may overlap.
    let bytes = if let (Some(first), Some(last)) = (s.first_chunk::<4>(), s.last_chunk::<4>()) {
        u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (bits - 32)
    } else if let (Some(first), Some(last)) = (s.first_chunk::<2>(), s.last_chunk::<2>()) {
        u64::from(u16::from_le_bytes(*first)) | u64::from(u16::from_le_bytes(*last)) << (bits - 16)
    } else {
        s.first().map_or(0, |&b| u64::from(b))
    };
    bytes | FILLING << bits
}

/// Is any of the eight bytes not printable ASCII, or one of `special` (which are)?
#[inline]
fn has_special(v: u64, special: [u8; 2]) -> bool {
    marks(v, special) != 0
}

/// Not zero if any of the eight bytes is not printable ASCII, or is one of `special` (which are).
#[inline]
fn marks(v: u64, special: [u8; 2]) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let [a, b] = special.map(|s| (v ^ (u64::from(s) * ONES)).wrapping_sub(ONES));
    // Each term sets the high bit of a byte that it looks for: of 0x80 and above, below 0x20, of `special`, of 0x7f.
    // Carries spoil other bytes only if there is such a byte as well.
    (v | v.wrapping_sub(0x20 * ONES) | a | b | v.wrapping_add(ONES)) & (0x80 * ONES)
}

fn count_plain(s: &[u8], special: [u8; 2]) -> usize {
    s.iter().take_while(|b| matches!(b, b' '..=b'~') && !special.contains(b)).count()
}
