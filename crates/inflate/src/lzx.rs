//! LZX as in Microsoft's cabinets (MS-PATCH §2.1 to §2.4 has the bit stream, MS-CAB the frames): a window of 32 KiB to 2 MiB,
//! three kinds of blocks that may reach over frames, and the translation of x86 calls. Taken in the framing of a cabinet:
//! checksum, packed length, unpacked length, data.

mod bits;
mod tree;

use crate::Stop;
use crate::sink::{Gather, Sink, Step, le};
use bits::Bits;
use tree::Tree;

/// Checksum and two lengths.
const HEADER_LEN: usize = 8;
/// Unpacked bytes of a frame; the last one may have fewer.
const FRAME_LEN: usize = 32 << 10;
/// Window sizes as powers of two (MS-PATCH §2.2).
const WINDOW_POWERS: std::ops::RangeInclusive<u8> = 15..=21;
/// Slots of positions for these.
const SLOT_COUNTS: [usize; 7] = [30, 32, 34, 36, 38, 42, 50];
/// Symbols of the main tree that are bytes.
const LITERAL_COUNT: usize = 256;
/// Lengths of matches that are part of the main symbol; the last one says that the rest follows.
const SHORT_LENGTH_COUNT: usize = 8;
/// Symbols of the tree of longer lengths.
const LENGTH_COUNT: usize = 249;
const MATCH_LEN_MIN: usize = 2;
/// Frames in which calls are translated.
const TRANSLATED_FRAME_COUNT: u32 = 32_768;
/// Bytes at the end of a frame in which no call is translated.
const UNTRANSLATED_LEN: usize = 10;
/// Bits of the last slots' offsets.
const FOOTER_BITS_MAX: u32 = 17;
const ALIGNED_BITS: u32 = 3;

/// What kind of block the stream is in.
enum Block {
    Aligned,
    Stored,
    Verbatim,
}

/// Frames in a row.
pub(crate) struct Lzx {
    gather: Gather,
    /// Packed and unpacked length of the frame being gathered.
    frame: Option<(usize, usize)>,
    window_len: usize,
    /// Allocated with the first frame.
    window: Vec<u8>,
    /// Where in the window the next byte goes.
    at: usize,
    /// Bytes unpacked so far.
    total: u64,
    /// Latest three offsets.
    recent: [usize; 3],
    block: Block,
    /// Bytes of the block that are left.
    left: usize,
    /// A stored block of odd length is followed by a byte of padding.
    padded: bool,
    main: Tree,
    lengths: Tree,
    aligned: Tree,
    frame_number: u32,
    /// The program's size, if calls are translated; known from the first frame on.
    translation: Option<i32>,
    begun: bool,
}

impl Lzx {
    pub(crate) fn new(window_power: u8) -> Self {
        let power = window_power.clamp(*WINDOW_POWERS.start(), *WINDOW_POWERS.end());
        let slots = SLOT_COUNTS.get(usize::from(power - *WINDOW_POWERS.start())).copied().unwrap_or(30);
        Self {
            gather: Gather::default(),
            frame: None,
            window_len: 1 << power,
            window: Vec::new(),
            at: 0,
            total: 0,
            recent: [1; 3],
            block: Block::Verbatim,
            left: 0,
            padded: false,
            main: Tree::new(LITERAL_COUNT + SHORT_LENGTH_COUNT * slots),
            lengths: Tree::new(LENGTH_COUNT),
            aligned: Tree::new(1 << ALIGNED_BITS),
            frame_number: 0,
            translation: None,
            begun: false,
        }
    }

    pub(crate) fn heap_len(&self) -> usize {
        let trees = self.main.heap_len() + self.lengths.heap_len() + self.aligned.heap_len();
        self.gather.held.capacity() + self.window.capacity() + trees
    }

    pub(crate) fn push(&mut self, mut input: &[u8], sink: &mut Sink<'_>) -> Result<Step, Stop> {
        loop {
            if input.is_empty() && self.gather.held.is_empty() && self.frame.is_none() {
                return Ok(Step::End { trailing: 0 });
            }
            let len = self.frame.map_or(HEADER_LEN, |f| f.0);
            if !self.gather.fill(&mut input, len, sink) {
                return Ok(Step::More);
            }
            match self.frame.take() {
                None => {
                    let number = |at| usize::try_from(le(&self.gather.held, at, 2)).unwrap_or(usize::MAX);
                    self.frame = Some((number(4), number(6)));
                }
                Some((_, out_len)) => {
                    let packed = std::mem::take(&mut self.gather.held);
                    let result = self.unpack(&packed, out_len, sink);
                    self.gather.held = packed;
                    result?;
                }
            }
            self.gather.held.clear();
        }
    }

    /// One frame. What precedes a fault in it is handed out.
    fn unpack(&mut self, packed: &[u8], out_len: usize, sink: &mut Sink<'_>) -> Result<(), Stop> {
        if out_len > FRAME_LEN {
            return Err(Stop::Corrupt);
        }
        if self.window.is_empty() {
            self.window = vec![0; self.window_len];
        }
        let (start, before) = (self.at, self.total);
        let mut bits = Bits::new(packed);
        let result = self.frame(&mut bits, out_len);
        let made_len = usize::try_from(self.total - before).map_err(|_| Stop::Corrupt)?;
        let mut made = Vec::with_capacity(made_len);
        let (late, early) = self.window.split_at_checked(start).map_or((&[][..], &[][..]), |(a, b)| (b, a));
        let first = made_len.min(late.len());
        made.extend_from_slice(late.get(..first).unwrap_or(&[]));
        made.extend_from_slice(early.get(..made_len - first).unwrap_or(&[]));
        if let Some(size) = self.translation.filter(|_| self.frame_number < TRANSLATED_FRAME_COUNT) {
            translate(&mut made, size, self.frame_number);
        }
        self.frame_number = self.frame_number.saturating_add(1);
        sink.write(&made)?;
        result
    }

    fn frame(&mut self, bits: &mut Bits<'_>, len: usize) -> Result<(), Stop> {
        if !self.begun {
            self.begun = true;
            if bits.take(1)? == 1 {
                let size = bits.take(16)? << 16 | bits.take(16)?;
                self.translation = Some(i32::from_le_bytes(size.to_le_bytes()));
            }
        }
        let mut left = len;
        while left > 0 {
            if self.left == 0 {
                self.begin_block(bits)?;
            }
            let now = left.min(self.left);
            let made = match self.block {
                Block::Stored => self.stored(bits, now)?,
                Block::Aligned | Block::Verbatim => self.packed(bits, now)?,
            };
            // A match may not reach over the frame's or the block's end.
            left = left.checked_sub(made).ok_or(Stop::Corrupt)?;
            self.left = self.left.checked_sub(made).ok_or(Stop::Corrupt)?;
        }
        Ok(())
    }

    fn begin_block(&mut self, bits: &mut Bits<'_>) -> Result<(), Stop> {
        if std::mem::take(&mut self.padded) {
            bits.skip_byte();
        }
        let kind = bits.take(3)?;
        let len = bits.take(24)?;
        self.left = usize::try_from(len).map_err(|_| Stop::Corrupt)?;
        if self.left == 0 {
            return Err(Stop::Corrupt);
        }
        match kind {
            1 => self.block = Block::Verbatim,
            2 => {
                let mut lens = [0; 1 << ALIGNED_BITS];
                for len in &mut lens {
                    *len = bits.small(3)?;
                }
                self.aligned.set(&lens)?;
                self.block = Block::Aligned;
            }
            3 => {
                bits.align();
                for recent in &mut self.recent {
                    *recent = usize::try_from(bits.number()?).map_err(|_| Stop::Corrupt)?;
                }
                self.padded = self.left % 2 == 1;
                self.block = Block::Stored;
                return Ok(());
            }
            _ => return Err(Stop::Corrupt),
        }
        self.main.read(bits, 0..LITERAL_COUNT)?;
        self.main.read(bits, LITERAL_COUNT..usize::MAX)?;
        self.main.build()?;
        self.lengths.read(bits, 0..usize::MAX)?;
        self.lengths.build()
    }

    fn stored(&mut self, bits: &mut Bits<'_>, len: usize) -> Result<usize, Stop> {
        for _ in 0..len {
            let byte = bits.byte()?;
            self.put(byte);
        }
        Ok(len)
    }

    /// Symbols until `len` bytes or a few more were made.
    fn packed(&mut self, bits: &mut Bits<'_>, len: usize) -> Result<usize, Stop> {
        let mut made = 0;
        while made < len {
            let symbol = self.main.symbol(bits)?;
            if let Ok(byte) = u8::try_from(symbol) {
                self.put(byte);
                made += 1;
                continue;
            }
            let symbol = usize::from(symbol) - LITERAL_COUNT;
            let mut match_len = symbol % SHORT_LENGTH_COUNT;
            if match_len == SHORT_LENGTH_COUNT - 1 {
                match_len += usize::from(self.lengths.symbol(bits)?);
            }
            match_len += MATCH_LEN_MIN;
            let offset = self.offset(symbol / SHORT_LENGTH_COUNT, bits)?;
            if offset == 0 || offset > self.window_len || offset as u64 > self.total {
                return Err(Stop::Corrupt);
            }
            for _ in 0..match_len {
                let from = (self.at + self.window_len - offset) & (self.window_len - 1);
                let byte = self.window.get(from).copied().ok_or(Stop::Corrupt)?;
                self.put(byte);
            }
            made += match_len;
        }
        Ok(made)
    }

    fn offset(&mut self, slot: usize, bits: &mut Bits<'_>) -> Result<usize, Stop> {
        let [r0, r1, r2] = self.recent;
        let offset = match slot {
            0 => return Ok(r0),
            1 => {
                self.recent = [r1, r0, r2];
                return Ok(r1);
            }
            2 => {
                self.recent = [r2, r1, r0];
                return Ok(r2);
            }
            _ => {
                let (base, extra) = slot_base(slot);
                let footer = if matches!(self.block, Block::Aligned) && extra >= ALIGNED_BITS {
                    let high = bits.take(extra - ALIGNED_BITS)? << ALIGNED_BITS;
                    high + u32::from(self.aligned.symbol(bits)?)
                } else {
                    bits.take(extra)?
                };
                base.saturating_add(usize::try_from(footer).unwrap_or(usize::MAX)).saturating_sub(2)
            }
        };
        self.recent = [offset, r0, r1];
        Ok(offset)
    }

    fn put(&mut self, byte: u8) {
        if let Some(place) = self.window.get_mut(self.at) {
            *place = byte;
        }
        self.at = (self.at + 1) & (self.window_len - 1);
        self.total = self.total.saturating_add(1);
    }
}

/// Where a slot's positions begin, and how many bits tell which one it is: two slots for each number of bits.
fn slot_base(slot: usize) -> (usize, u32) {
    let (mut base, mut bits) = (0usize, 0);
    for s in 0..slot {
        base = base.saturating_add(1 << bits);
        // Slots 0 to 3 have none, then each pair one more.
        bits = u32::try_from((s + 1).saturating_sub(2) / 2).unwrap_or(u32::MAX).min(FOOTER_BITS_MAX);
    }
    (base, bits)
}

/// Turns absolute targets of x86 calls (`E8`) back into relative ones (MS-PATCH §2.3).
fn translate(made: &mut [u8], size: i32, frame_number: u32) {
    let Some(end) = made.len().checked_sub(UNTRANSLATED_LEN) else { return };
    let frame_at = i64::from(frame_number) * FRAME_LEN as i64;
    let mut at = 0;
    while at < end {
        if made.get(at) != Some(&0xe8) {
            at += 1;
            continue;
        }
        let Some(operand) = made.get_mut(at + 1..at + 5) else { return };
        let value = i64::from(i32::from_le_bytes(<[u8; 4]>::try_from(&*operand).unwrap_or_default()));
        let here = frame_at + i64::try_from(at).unwrap_or(0);
        let size = i64::from(size);
        if value >= -here && value < size {
            let relative = if value >= 0 { value - here } else { value + size };
            let [a, b, c, d, ..] = relative.to_le_bytes();
            operand.copy_from_slice(&[a, b, c, d]);
        }
        at += 5;
    }
}

#[cfg(test)]
mod tests;
