//! What all decompression of one worker may cost together.
//!
//! Each decoder is bounded by itself ([`sekisho_inflate::Limits`]), but an attacker has as many as he likes:
//! two kilobytes can unfold to 64 MiB before a ratio is looked at, and a hundred flows can hold windows of
//! 16 MiB each. So a worker has an allowance of decoded bytes, refilled by the compressed bytes that pass,
//! and a bound for the windows of all decoders that are open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Decoded bytes that a worker may be ahead of [`REFILL_RATIO`].
pub const MAX_ALLOWANCE_LEN: i64 = 256 << 20;

/// Decoded bytes allowed for each compressed byte. Text comes to 4 to 20, deflate can't exceed 1032.
pub const REFILL_RATIO: i64 = 100;

/// Memory for the decoders of all flows of a worker.
pub const MAX_WINDOWS_LEN: u64 = 256 << 20;

/// What a decoder takes before it has put anything out: tables, buffers.
const DECODER_LEN: u64 = 64 << 10;

/// Of one decoder's output so much may be held as window.
const MAX_WINDOW_LEN: u64 = 32 << 20;

/// A worker's account.
#[derive(Debug)]
pub struct Decoding {
    /// Decoded bytes that may still come; below zero is debt, to be paid by [`Decoding::refill`].
    allowance: i64,
    windows: Arc<AtomicU64>,
    /// Contents that were not decoded, or not to their end, because a bound was reached.
    pub refused: u64,
}

impl Default for Decoding {
    fn default() -> Self {
        Self { allowance: MAX_ALLOWANCE_LEN, windows: Arc::default(), refused: 0 }
    }
}

impl Decoding {
    /// Room for `count` decoders, or `None`. They count until it is dropped.
    pub fn open(&mut self, count: usize) -> Option<Windows> {
        let len = DECODER_LEN.saturating_mul(count as u64);
        let held = self.windows.load(Ordering::Relaxed);
        if self.allowance <= 0 || held.saturating_add(len) > MAX_WINDOWS_LEN {
            self.refused += 1;
            return None;
        }
        self.windows.store(held.saturating_add(len), Ordering::Relaxed);
        Some(Windows { all: Arc::clone(&self.windows), count: count as u64, output: 0, len })
    }

    /// Notes that `len` compressed bytes passed, decoded or not.
    pub fn refill(&mut self, len: usize) {
        let more = i64::try_from(len).unwrap_or(i64::MAX).saturating_mul(REFILL_RATIO);
        self.allowance = self.allowance.saturating_add(more).min(MAX_ALLOWANCE_LEN);
    }

    /// Notes that the decoders of `windows` put out `output` bytes and hold back `held_back` more; false if they must stop.
    #[must_use]
    pub fn spend(&mut self, windows: &mut Windows, output: u64, held_back: u64) -> bool {
        self.allowance = self.allowance.saturating_sub(i64::try_from(output).unwrap_or(i64::MAX));
        windows.grow(output, held_back);
        let fits = self.allowance > 0 && self.windows.load(Ordering::Relaxed) <= MAX_WINDOWS_LEN;
        self.refused += u64::from(!fits);
        fits
    }
}

/// The share of one content's decoders in the worker's memory.
#[derive(Debug)]
pub struct Windows {
    all: Arc<AtomicU64>,
    count: u64,
    output: u64,
    len: u64,
}

impl Windows {
    /// A decoder's window holds what it put out, up to its size.
    fn grow(&mut self, output: u64, held_back: u64) {
        self.output = self.output.saturating_add(output);
        let windows = self.output.min(MAX_WINDOW_LEN).saturating_add(DECODER_LEN).saturating_mul(self.count);
        let len = windows.saturating_add(held_back);
        let before = std::mem::replace(&mut self.len, len);
        let held = self.all.load(Ordering::Relaxed);
        self.all.store(held.saturating_sub(before).saturating_add(len), Ordering::Relaxed);
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        let held = self.all.load(Ordering::Relaxed);
        self.all.store(held.saturating_sub(self.len), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_what_is_decoded_and_recovers() {
        let mut d = Decoding::default();
        let mut w = d.open(1).unwrap();
        assert!(d.spend(&mut w, 5000, 0));
        assert!(!d.spend(&mut w, MAX_ALLOWANCE_LEN as u64 + 995_000, 0));
        assert!(d.open(1).is_none());
        d.refill(5_000);
        assert!(d.open(1).is_none(), "still in debt");
        d.refill(5_001);
        assert!(d.open(1).is_some());
        assert_eq!(d.refused, 3);
    }

    #[test]
    fn limits_windows() {
        let mut d = Decoding::default();
        let mut open: Vec<Windows> = std::iter::from_fn(|| d.open(3)).collect();
        assert_eq!(open.len() as u64, MAX_WINDOWS_LEN / (3 * DECODER_LEN));
        open.truncate(1);
        let mut last = d.open(1).unwrap();
        assert!(d.spend(&mut last, 20 << 20, 0));
        assert!(d.spend(&mut open[0], 20 << 20, 0));
        let mut one_more = d.open(3).unwrap();
        assert!(d.spend(&mut one_more, 40 << 20, 0));
        let mut too_many = d.open(3).unwrap();
        assert!(!d.spend(&mut too_many, 40 << 20, 0));
        drop((open, last, one_more, too_many));
        assert_eq!(d.windows.load(Ordering::Relaxed), 0);
    }
}
