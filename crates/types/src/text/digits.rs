use super::word;

const HEX: &[u8; 16] = b"0123456789abcdef";
/// What eight digits can count.
pub const EIGHT: u64 = 100_000_000;
/// `00000000`
pub const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

/// The last eight digits of `v` as values 0 to 9, the first in the lowest byte.
#[inline]
pub fn eight_digits(v: u64) -> u64 {
    // Four digits each in the two halves, then two each in four quarters, then one in each byte. The factors are
    // reciprocals: 10486 / 2^20 of 100 for numbers of four digits, 103 / 2^10 of 10 for numbers of two.
    let halves = (v / 10_000 % 10_000) | ((v % 10_000) << 32);
    let hundreds = (halves * 10_486) >> 20 & 0x7f_0000_007f;
    let quarters = hundreds | (halves - 100 * hundreds) << 16;
    let tens = (quarters * 103) >> 10 & 0x000f_000f_000f_000f;
    tens | (quarters - 10 * tens) << 8
}

/// Puts eight digits into a place, at `at`.
#[inline]
pub fn put<const N: usize>(place: &mut [u8; N], at: usize, eight: u64) {
    if let Some(room) = place.get_mut(at..at + 8) {
        room.copy_from_slice(&eight.to_le_bytes());
    }
}

/// Writes a number in decimal, at most 20 bytes; returns the length.
#[inline]
pub fn unsigned<const N: usize>(place: &mut [u8; N], v: u64) -> usize {
    if v < 10 {
        place[0] = b'0' + v as u8;
        return 1;
    }
    if v < 10_000 {
        let ([a, b], [c, d]) = (pair(v / 100), pair(v % 100));
        let leading = u32::from(v < 100) + u32::from(v < 1_000);
        let digits = u32::from_le_bytes([a, b, c, d]) >> (8 * leading);
        word(place, &digits.to_le_bytes());
        return 4 - leading as usize;
    }
    long_unsigned(place, v)
}

#[inline(never)]
fn long_unsigned<const N: usize>(place: &mut [u8; N], v: u64) -> usize {
    if v >= EIGHT {
        let at = unsigned(place, v / EIGHT);
        put(place, at, eight_digits(v % EIGHT) | ZEROS);
        return at + 8;
    }
    let digits = eight_digits(v);
    let leading = digits.trailing_zeros() / 8;
    put(place, 0, (digits | ZEROS) >> (8 * leading));
    8 - leading as usize
}

/// The two digits of `v`, below 100.
#[inline]
fn pair(v: u64) -> [u8; 2] {
    static PAIRS: [[u8; 2]; 128] = {
        let mut pairs = [[b'0'; 2]; 128];
        let mut i = 0;
        while i < 100 {
            pairs[i] = [b'0' + i as u8 / 10, b'0' + i as u8 % 10];
            i += 1;
        }
        pairs
    };
    PAIRS[v as usize % PAIRS.len()]
}

/// Two digits of a byte in hexadecimal, lower case.
#[inline]
pub fn hex_pair(b: u8) -> [u8; 2] {
    static PAIRS: [[u8; 2]; 256] = {
        let mut pairs = [[0; 2]; 256];
        let mut b = 0;
        while b < 256 {
            pairs[b] = [HEX[b >> 4], HEX[b & 15]];
            b += 1;
        }
        pairs
    };
    PAIRS[usize::from(b)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place begins as junk, which must not show.
    fn decimal(v: u64) -> String {
        let mut place = [b'?'; 24];
        let len = unsigned(&mut place, v);
        String::from_utf8(place[..len].to_vec()).unwrap()
    }

    #[test]
    fn integers() {
        let mut edges = vec![0, u64::MAX, i64::MAX as u64, u64::from(u32::MAX)];
        for power in 0..20 {
            let p = 10u64.pow(power);
            edges.extend([p - 1, p, p + 1, p.wrapping_mul(9) - 1, p.wrapping_mul(9), p.wrapping_mul(12_345_678)]);
        }
        for v in edges.into_iter().chain(0..20_000) {
            assert_eq!(decimal(v), v.to_string());
        }
    }

    #[test]
    fn bytes_in_hexadecimal() {
        for b in 0..=255 {
            assert_eq!(hex_pair(b), *format!("{b:02x}").as_bytes());
        }
    }
}
