//! What all decompression of one worker may cost together.
//!
//! Each decoder is bounded by itself ([`sekisho_inflate::Limits`]), but an attacker has as many as he likes:
//! two kilobytes can unfold to 64 MiB before a ratio is looked at, and a hundred flows can hold windows of
//! 16 MiB each. So a worker has an allowance of decoded bytes, refilled by the compressed bytes that pass,
//! and a bound for the memory of all decoders that are open: its part of the run's memory budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Decoded bytes that a worker may be ahead of [`REFILL_RATIO`].
pub const MAX_ALLOWANCE_LEN: i64 = 256 << 20;

/// Decoded bytes allowed for each compressed byte. Text comes to 4 to 20, deflate can't exceed 1032.
pub const REFILL_RATIO: i64 = 100;

/// Memory for the decoders of all flows of a worker, unless [`Decoding::set_limit`] says otherwise.
pub const DEFAULT_WINDOWS_LEN: u64 = 256 << 20;

/// The largest window that a decoder may ask for, unless [`Decoding::set_decoder_limit`] says otherwise: what browsers
/// accept.
pub const MAX_DECODER_LEN: u64 = 32 << 20;

/// A worker's account.
#[derive(Debug)]
pub struct Decoding {
    /// Decoded bytes that may still come; below zero is debt, to be paid by [`Decoding::refill`].
    allowance: i64,
    windows: Arc<AtomicU64>,
    limit: u64,
    decoder_limit: u64,
    peak: u64,
    /// Contents that were not decoded, or not to their end, because a bound was reached.
    pub refused: u64,
}

impl Default for Decoding {
    fn default() -> Self {
        Self {
            allowance: MAX_ALLOWANCE_LEN,
            windows: Arc::default(),
            limit: DEFAULT_WINDOWS_LEN,
            decoder_limit: MAX_DECODER_LEN,
            peak: 0,
            refused: 0,
        }
    }
}

impl Decoding {
    /// Changes what the open decoders may take together. Those that are open stay; they stop when they grow.
    pub fn set_limit(&mut self, len: u64) {
        self.limit = len;
    }

    /// Memory that the open decoders take now.
    pub fn held_len(&self) -> u64 {
        self.windows.load(Ordering::Relaxed)
    }

    /// The most that they took since the last call.
    pub fn take_peak(&mut self) -> u64 {
        let now = self.held_len();
        std::mem::replace(&mut self.peak, now).max(now)
    }

    /// Changes what one decoder may ask for, at most [`MAX_DECODER_LEN`]. It may be more than all may take together:
    /// one that really takes it is stopped.
    pub fn set_decoder_limit(&mut self, len: u64) {
        self.decoder_limit = len.min(MAX_DECODER_LEN);
    }

    /// Memory that one decoder may ask for.
    pub fn decoder_len(&self) -> usize {
        usize::try_from(self.decoder_limit).unwrap_or(usize::MAX)
    }

    /// Is there no use in making a decoder? Counts a refusal if so.
    pub fn is_full(&mut self) -> bool {
        let full = self.allowance <= 0 || self.held_len() >= self.limit;
        self.refused += u64::from(full);
        full
    }

    /// Room for decoders that take `len` bytes, or `None`. They count until it is dropped.
    pub fn open(&mut self, len: usize) -> Option<Windows> {
        let len = len as u64;
        let held = self.held_len().saturating_add(len);
        if self.allowance <= 0 || held > self.limit {
            self.refused += 1;
            return None;
        }
        self.windows.store(held, Ordering::Relaxed);
        self.peak = self.peak.max(held);
        Some(Windows { all: Arc::clone(&self.windows), len })
    }

    /// Notes that `len` compressed bytes passed, decoded or not.
    pub fn refill(&mut self, len: usize) {
        let more = i64::try_from(len).unwrap_or(i64::MAX).saturating_mul(REFILL_RATIO);
        self.allowance = self.allowance.saturating_add(more).min(MAX_ALLOWANCE_LEN);
    }

    /// Notes that the decoders of `windows` put out `output` bytes and now take `len`; false if they must stop.
    #[must_use]
    pub fn spend(&mut self, windows: &mut Windows, output: u64, len: usize) -> bool {
        self.allowance = self.allowance.saturating_sub(i64::try_from(output).unwrap_or(i64::MAX));
        windows.set(len as u64);
        let held = self.held_len();
        self.peak = self.peak.max(held);
        let fits = self.allowance > 0 && held <= self.limit;
        self.refused += u64::from(!fits);
        fits
    }
}

/// The share of one content's decoders in the worker's memory.
#[derive(Debug)]
pub struct Windows {
    all: Arc<AtomicU64>,
    len: u64,
}

impl Windows {
    fn set(&mut self, len: u64) {
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
        assert!(d.spend(&mut w, 5000, 1));
        assert!(!d.spend(&mut w, MAX_ALLOWANCE_LEN as u64 + 995_000, 1));
        assert!(d.open(1).is_none() && d.is_full());
        d.refill(5_000);
        assert!(d.open(1).is_none(), "still in debt");
        d.refill(5_001);
        assert!(d.open(1).is_some());
        assert_eq!(d.refused, 4);
    }

    #[test]
    fn limits_windows() {
        let mut d = Decoding::default();
        d.set_limit(1000);
        d.set_decoder_limit(u64::MAX);
        assert_eq!(d.decoder_len(), 32 << 20);
        let mut open: Vec<Windows> = std::iter::from_fn(|| d.open(300)).collect();
        assert_eq!((open.len(), d.held_len()), (3, 900));
        assert!(d.spend(&mut open[0], 1, 400), "to the limit");
        assert!(d.is_full());
        assert!(!d.spend(&mut open[1], 1, 301));
        open.truncate(1);
        assert_eq!(d.take_peak(), 1001);
        assert_eq!(d.take_peak(), 400);
        drop(open);
        assert_eq!((d.held_len(), d.refused), (0, 3));
    }
}
