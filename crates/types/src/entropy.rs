//! How unlike text bytes are.

/// Shannon's entropy of how often each byte comes, in thousandths of a bit per byte: 0 to 8,000. Text lies below 5,000; only of
/// 300 bytes and more can what is encrypted come to be told from it.
pub fn entropy(bytes: &[u8]) -> u64 {
    if bytes.is_empty() {
        return 0;
    }
    let mut counts = [0u32; 256];
    for &byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count = count.saturating_add(1);
        }
    }
    let total = bytes.len() as f64;
    let bits: f64 = counts.iter().filter(|&&n| n > 0).map(|&n| f64::from(n) / total).map(|p| -p * p.log2()).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8000")]
    let thousandths = (bits * 1000.0).round() as u64;
    thousandths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!((entropy(b""), entropy(&[7; 300])), (0, 0));
        assert_eq!((entropy(b"abab"), entropy(b"abcd")), (1_000, 2_000));
        assert_eq!(entropy(&(0..=255).collect::<Vec<u8>>()), 8_000);
    }
}
