//! PPMd variant H as in 7z archives. The decoder pulls and can't pause, so all packed bytes are held until the end.

use crate::Stop;
use crate::sink::{Sink, Step};
use ppmd_rust::{Error, Ppmd7Decoder};
use std::io::Read;

/// A stream being gathered.
pub(crate) struct Ppmd {
    order: u32,
    memory_len: u32,
    /// Unpacked length.
    len: u64,
    /// Memory for packed bytes and model.
    room: usize,
    held: Vec<u8>,
}

impl Ppmd {
    pub(crate) fn new(order: u8, memory_len: u32, len: u64, room: usize) -> Self {
        Self { order: u32::from(order), memory_len, len, room, held: Vec::new() }
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.held.capacity()
    }

    pub(crate) fn push(&mut self, input: &[u8], sink: &mut Sink<'_>) -> Result<Step, Stop> {
        let model_len = usize::try_from(self.memory_len).unwrap_or(usize::MAX);
        if self.held.len().saturating_add(input.len()).saturating_add(model_len) > self.room {
            return Err(Stop::OverMemory);
        }
        self.held.extend_from_slice(input);
        sink.consumed(input.len());
        Ok(Step::More)
    }

    /// All packed bytes are there; true if all unpacked ones came of them.
    pub(crate) fn decode(&mut self, scratch: &mut [u8], sink: &mut Sink<'_>) -> Result<bool, Stop> {
        let held = std::mem::take(&mut self.held);
        if self.len == 0 {
            return Ok(true);
        }
        let mut decoder = match Ppmd7Decoder::new(held.as_slice(), self.order, self.memory_len) {
            Ok(decoder) => decoder,
            Err(Error::MemoryAllocation) => return Err(Stop::OverMemory),
            Err(_) => return Err(Stop::Corrupt),
        };
        let mut left = self.len;
        while left > 0 {
            let now = usize::try_from(left).unwrap_or(usize::MAX).min(scratch.len());
            let Some(part) = scratch.get_mut(..now) else { return Ok(false) };
            let got = decoder.read(part).map_err(|_| Stop::Corrupt)?;
            if got == 0 {
                return Ok(false);
            }
            sink.write(part.get(..got).unwrap_or(&[]))?;
            left = left.saturating_sub(got as u64);
        }
        Ok(true)
    }
}
