//! Where decoders put their bytes: counts them and enforces the limits of output.

use crate::{Limits, Stop};

/// Size of the buffer that decoders fill before handing on.
pub(crate) const CHUNK_LEN: usize = 16 * 1024;

/// Totals of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) input: u64,
    pub(crate) output: u64,
}

/// How a decoder's push ended, if nothing was wrong.
pub(crate) enum Step {
    /// Needs more input.
    More,
    /// The stream ended; so many bytes of the input were not used.
    End { trailing: usize },
}

/// The way out of a decoder during one push.
pub(crate) struct Sink<'a> {
    limits: &'a Limits,
    counts: &'a mut Counts,
    out: &'a mut dyn FnMut(&[u8]),
}

impl<'a> Sink<'a> {
    pub(crate) fn new(limits: &'a Limits, counts: &'a mut Counts, out: &'a mut dyn FnMut(&[u8])) -> Self {
        Self { limits, counts, out }
    }

    /// `n` more compressed bytes were used. Called before the bytes that came of them are written.
    pub(crate) fn consumed(&mut self, n: usize) {
        self.counts.input = self.counts.input.saturating_add(n as u64);
    }

    /// Hands `bytes` out, as far as the limits allow.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let room = self.limits.output_len.saturating_sub(self.counts.output);
        let allowed = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        let (now, over) = bytes.split_at_checked(allowed).unwrap_or((bytes, &[]));
        if !now.is_empty() {
            self.counts.output = self.counts.output.saturating_add(now.len() as u64);
            (self.out)(now);
        }
        if !over.is_empty() {
            return Err(Stop::OverOutput);
        }
        let output = self.counts.output;
        if output > self.limits.ratio_from_len && output > self.counts.input.saturating_mul(self.limits.ratio) {
            return Err(Stop::OverRatio);
        }
        Ok(())
    }
}
