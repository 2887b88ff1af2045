//! The bit stream: little-endian words of 16 bits, the highest bit first; and bytes between them.

use crate::Stop;

/// Zeros that may be read behind the end: the last symbol needs no bits that aren't there.
const PADDING_LEN_MAX: usize = 4;

/// Reads one frame.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u64,
    held_count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, held: 0, held_count: 0 }
    }

    fn word(&mut self) -> Result<u64, Stop> {
        if self.at >= self.bytes.len().saturating_add(PADDING_LEN_MAX) {
            return Err(Stop::Corrupt);
        }
        let byte = |at: usize| u64::from(self.bytes.get(at).copied().unwrap_or(0));
        let word = byte(self.at) | byte(self.at + 1) << 8;
        self.at += 2;
        Ok(word)
    }

    /// The next `count` bits, at most 16, without taking them.
    pub(super) fn peek(&mut self, count: u32) -> Result<u32, Stop> {
        while self.held_count < count {
            self.held = self.held << 16 | self.word()?;
            self.held_count += 16;
        }
        let value = self.held >> (self.held_count - count) & ((1 << count) - 1);
        u32::try_from(value).map_err(|_| Stop::Corrupt)
    }

    /// Takes bits that were looked at.
    pub(super) fn drop(&mut self, count: u32) {
        self.held_count = self.held_count.saturating_sub(count);
    }

    /// The next `count` bits, at most 24.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, Stop> {
        if count > 16 {
            let high = self.take(count - 16)?;
            return Ok(high << 16 | self.take(16)?);
        }
        let value = self.peek(count)?;
        self.drop(count);
        Ok(value)
    }

    /// The next `count` bits, at most 8.
    pub(super) fn small(&mut self, count: u32) -> Result<u8, Stop> {
        u8::try_from(self.take(count)?).map_err(|_| Stop::Corrupt)
    }

    /// To the next word; one of padding if this is at its beginning.
    pub(super) fn align(&mut self) {
        // Words that were only looked at.
        while self.held_count >= 16 {
            self.held_count -= 16;
            self.at -= 2;
        }
        if self.held_count == 0 {
            self.at += 2;
        }
        self.held_count = 0;
    }

    /// A byte between words.
    pub(super) fn byte(&mut self) -> Result<u8, Stop> {
        let byte = self.bytes.get(self.at).copied().ok_or(Stop::Corrupt)?;
        self.at += 1;
        Ok(byte)
    }

    /// A byte of padding.
    pub(super) fn skip_byte(&mut self) {
        self.at += 1;
    }

    /// A little-endian number of four bytes between words.
    pub(super) fn number(&mut self) -> Result<u32, Stop> {
        let mut value = [0; 4];
        for byte in &mut value {
            *byte = self.byte()?;
        }
        Ok(u32::from_le_bytes(value))
    }
}
