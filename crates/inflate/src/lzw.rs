//! LZW as UNIX `compress` writes it (`.Z`, HTTP's `compress`).
//!
//! Codes come least significant bit first and grow from 9 to at most 16 bits. The original program read
//! them in groups of eight, so when their width changes the rest of a group is padding.

use crate::Stop;
use crate::sink::{CHUNK_LEN, Sink, Step};

const MAGIC: [u8; 2] = [0x1f, 0x9d];
const WIDTH_MIN: u32 = 9;
const WIDTH_MAX: u32 = 16;
/// In block mode: forget all codes.
const CLEAR: u32 = 256;

/// One `.Z` stream; it has no end mark.
pub(crate) struct Lzw {
    header: Vec<u8>,
    width_max: u32,
    block_mode: bool,
    width: u32,
    /// Input bits not used yet.
    bits: u64,
    bit_count: u32,
    /// Bits taken in the current width, to find the end of its group.
    group_bits: u32,
    skip_bits: u32,
    /// The next code to be defined, and the one before.
    next: u32,
    previous: Option<u32>,
    first_byte: u8,
    prefix: Vec<u16>,
    suffix: Vec<u8>,
    out: Vec<u8>,
}

impl Default for Lzw {
    fn default() -> Self {
        Self {
            header: Vec::new(),
            width_max: 0,
            block_mode: false,
            width: WIDTH_MIN,
            bits: 0,
            bit_count: 0,
            group_bits: 0,
            skip_bits: 0,
            next: 0,
            previous: None,
            first_byte: 0,
            prefix: vec![0; 1 << WIDTH_MAX],
            suffix: vec![0; 1 << WIDTH_MAX],
            out: Vec::with_capacity(CHUNK_LEN),
        }
    }
}

impl Lzw {
    pub(crate) fn heap_len(&self) -> usize {
        self.prefix.capacity() * size_of::<u16>() + self.suffix.capacity() + self.out.capacity()
    }

    pub(crate) fn push(&mut self, input: &[u8], sink: &mut Sink<'_>) -> Result<Step, Stop> {
        let result = self.bytes(input, sink);
        let rest = self.hand_out(sink);
        result.and(rest)?;
        // Without an end mark the stream may always end here.
        let whole = self.header.len() == 3;
        Ok(if whole { Step::End { trailing: 0 } } else { Step::More })
    }

    fn bytes(&mut self, input: &[u8], sink: &mut Sink<'_>) -> Result<(), Stop> {
        for &byte in input {
            sink.consumed(1);
            if self.header.len() < 3 {
                self.header.push(byte);
                if self.header.len() == 3 {
                    self.begin()?;
                }
                continue;
            }
            self.bits |= u64::from(byte) << self.bit_count;
            self.bit_count += 8;
            let skip = self.skip_bits.min(self.bit_count);
            self.bits >>= skip;
            self.bit_count -= skip;
            self.skip_bits -= skip;
            while self.skip_bits == 0 && self.bit_count >= self.width {
                let code = u32::try_from(self.bits & ((1 << self.width) - 1)).unwrap_or(u32::MAX);
                self.bits >>= self.width;
                self.bit_count -= self.width;
                self.group_bits += self.width;
                self.code(code)?;
                let skip = self.skip_bits.min(self.bit_count);
                self.bits >>= skip;
                self.bit_count -= skip;
                self.skip_bits -= skip;
                if self.out.len() >= CHUNK_LEN {
                    self.hand_out(sink)?;
                }
            }
        }
        Ok(())
    }

    fn hand_out(&mut self, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let result = sink.write(&self.out);
        self.out.clear();
        result
    }

    fn begin(&mut self) -> Result<(), Stop> {
        let flags = match self.header.as_slice() {
            [a, b, flags] if [*a, *b] == MAGIC => *flags,
            _ => return Err(Stop::Corrupt),
        };
        self.width_max = u32::from(flags & 0x1f);
        self.block_mode = flags & 0x80 != 0;
        self.next = if self.block_mode { CLEAR + 1 } else { CLEAR };
        if (WIDTH_MIN..=WIDTH_MAX).contains(&self.width_max) { Ok(()) } else { Err(Stop::Corrupt) }
    }

    /// Skips the rest of the group and goes on with codes of `width` bits.
    fn change_width(&mut self, width: u32) {
        let group = self.width * 8;
        self.skip_bits = (group - self.group_bits % group) % group;
        self.group_bits = 0;
        self.width = width;
    }

    fn code(&mut self, code: u32) -> Result<(), Stop> {
        if self.block_mode && code == CLEAR && self.previous.is_some() {
            // One less than at the start: the next code defines CLEAR's own number, which nobody uses.
            self.next = CLEAR;
            self.change_width(WIDTH_MIN);
            return Ok(());
        }
        let Some(previous) = self.previous else {
            self.first_byte = u8::try_from(code).map_err(|_| Stop::Corrupt)?;
            self.previous = Some(code);
            self.out.push(self.first_byte);
            return Ok(());
        };
        if code > self.next {
            return Err(Stop::Corrupt);
        }
        self.expand(if code == self.next { previous } else { code })?;
        if code == self.next {
            // The code being defined right now: the last string and its first byte.
            self.out.push(self.first_byte);
        }
        if self.next < 1 << self.width_max {
            let at = usize::try_from(self.next).unwrap_or(usize::MAX);
            let known = u16::try_from(previous).map_err(|_| Stop::Corrupt)?;
            *self.prefix.get_mut(at).ok_or(Stop::Corrupt)? = known;
            *self.suffix.get_mut(at).ok_or(Stop::Corrupt)? = self.first_byte;
            self.next += 1;
        }
        self.previous = Some(code);
        if self.next >= 1 << self.width && self.width < self.width_max {
            self.change_width(self.width + 1);
        }
        Ok(())
    }

    /// Writes the string of a known code and notes its first byte. A code's prefix is always smaller than the
    /// code except right after a clear, so the walk is capped by the number of codes.
    fn expand(&mut self, code: u32) -> Result<(), Stop> {
        let start = self.out.len();
        let mut code = code;
        for _ in 0..1usize << WIDTH_MAX {
            if code < 256 {
                self.first_byte = u8::try_from(code).unwrap_or(0);
                self.out.push(self.first_byte);
                self.out.get_mut(start..).ok_or(Stop::Corrupt)?.reverse();
                return Ok(());
            }
            let at = usize::try_from(code).unwrap_or(usize::MAX);
            self.out.push(*self.suffix.get(at).ok_or(Stop::Corrupt)?);
            code = u32::from(*self.prefix.get(at).ok_or(Stop::Corrupt)?);
        }
        Err(Stop::Corrupt)
    }
}
