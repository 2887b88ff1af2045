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

/// Collects the input of one unit over any number of pushes.
#[derive(Default)]
pub(crate) struct Gather {
    pub(crate) held: Vec<u8>,
}

impl Gather {
    /// Moves bytes from `input` until `len` are held; false if there are too few yet. `len` is bounded by the caller.
    pub(crate) fn fill(&mut self, input: &mut &[u8], len: usize, sink: &mut Sink<'_>) -> bool {
        let part = len.saturating_sub(self.held.len()).min(input.len());
        let (now, rest) = input.split_at_checked(part).unwrap_or((input, &[]));
        self.held.extend_from_slice(now);
        sink.consumed(part);
        *input = rest;
        self.held.len() >= len
    }
}

/// Little-endian number of `len` (at most 4) bytes at `at`; missing bytes count as zero.
pub(crate) fn le(bytes: &[u8], at: usize, len: usize) -> u32 {
    let field = bytes.get(at..).unwrap_or(&[]);
    field.iter().take(len).rev().fold(0, |v, &b| v << 8 | u32::from(b))
}
