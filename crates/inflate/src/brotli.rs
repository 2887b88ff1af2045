//! Brotli (RFC 7932).

use crate::Stop;
use crate::sink::{CHUNK_LEN, Sink, Step};
use brotli_decompressor::{
    BrotliDecoderTakeOutput, BrotliDecompressStream, BrotliResult, BrotliState, SliceWrapper, StandardAlloc,
};

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// Tables of a stream that has begun. Hostile ones may have 256 trees of each kind.
const TABLES_LEN: usize = 64 << 10;

/// One Brotli stream. Its window is at most 16 MiB: the large-window extension is refused.
pub(crate) struct Brotli {
    state: State,
    over: bool,
    /// The first byte, which tells the window's size, has passed.
    begun: bool,
    memory_len: usize,
}

impl Brotli {
    pub(crate) fn new(memory_len: usize) -> Self {
        let alloc = StandardAlloc::default;
        let state: State = State::new_strict(alloc(), alloc(), alloc());
        Self { state, over: false, begun: false, memory_len }
    }

    /// `buf` is scratch space of any size but zero.
    pub(crate) fn push(&mut self, mut input: &[u8], buf: &mut [u8], sink: &mut Sink<'_>) -> Result<Step, Stop> {
        if let (false, Some(&first)) = (self.begun, input.first()) {
            self.begun = true;
            if 1usize << window_bits(first) > self.memory_len {
                return Err(Stop::OverMemory);
            }
        }
        loop {
            if self.over {
                return Ok(Step::End { trailing: input.len() });
            }
            let (mut in_left, mut in_pos) = (input.len(), 0);
            let (mut out_left, mut out_pos, mut total) = (buf.len(), 0, 0);
            let result = BrotliDecompressStream(
                &mut in_left,
                &mut in_pos,
                input,
                &mut out_left,
                &mut out_pos,
                buf,
                &mut total,
                &mut self.state,
            );
            input = input.get(in_pos..).unwrap_or(&[]);
            sink.consumed(in_pos);
            sink.write(buf.get(..out_pos).unwrap_or(&[]))?;
            match result {
                BrotliResult::ResultSuccess => self.over = true,
                BrotliResult::NeedsMoreInput if input.is_empty() => {
                    self.take_ready(sink)?;
                    return Ok(Step::More);
                }
                BrotliResult::NeedsMoreOutput if in_pos > 0 || out_pos > 0 => {}
                BrotliResult::NeedsMoreInput if in_pos > 0 || out_pos > 0 => {}
                _ => return Err(Stop::Corrupt),
            }
        }
    }
}

impl Brotli {
    pub(crate) fn heap_len(&self) -> usize {
        if self.begun { self.state.ringbuffer.slice().len() + TABLES_LEN } else { 0 }
    }

    /// Hands out what is decoded already; the decoder would keep it until its window is full.
    fn take_ready(&mut self, sink: &mut Sink<'_>) -> Result<(), Stop> {
        loop {
            let mut len = CHUNK_LEN;
            let ready = BrotliDecoderTakeOutput(&mut self.state, &mut len);
            if ready.is_empty() {
                return Ok(());
            }
            sink.write(ready)?;
        }
    }
}

/// RFC 7932 §9.1: the window's size exponent, from the stream's first byte.
fn window_bits(first: u8) -> u32 {
    match (first & 1, first >> 1 & 7, first >> 4 & 7) {
        (0, _, _) => 16,
        (_, 0, 0) => 17,
        (_, 0, n) => 8 + u32::from(n),
        (_, n, _) => 17 + u32::from(n),
    }
}
