//! Zstandard (RFC 8878), fed to `ruzstd` block by block.
//!
//! The framing is read here, because one block is the unit that bounds the decoder's output (128 KiB):
//! given all input at once it would unfold any number of blocks into memory. It keeps a window's worth of
//! output back until the frame ends; [`Zstd::flush`] gets that out when the stream was cut off.

use crate::Stop;
use crate::sink::{CHUNK_LEN, Sink, Step, le};
use ruzstd::decoding::FrameDecoder;

const MAGIC: u32 = 0xfd2f_b528;
/// §3.1.2: skippable frames have one of sixteen magic numbers.
const SKIPPABLE: u32 = 0x184d_2a50;
/// §3.1.1.2.4: a block's content is at most this long, whatever the window.
const BLOCK_LEN_MAX: usize = 128 * 1024;

/// Tables, and a block's literals and sequences.
const TABLES_LEN: usize = 256 << 10;

#[derive(Clone, Copy)]
enum Want {
    Magic,
    /// The frame's descriptor byte (§3.1.1.1.1), after the magic.
    Descriptor,
    /// All of the frame header, `len` with magic and descriptor.
    Header {
        len: usize,
    },
    BlockHeader,
    /// The block with its header, `len` bytes.
    Block {
        len: usize,
        last: bool,
    },
    Checksum,
    SkipLen,
    Skip {
        left: usize,
    },
    /// A frame ended; another may follow.
    Between,
}

/// One or more Zstandard frames.
pub(crate) struct Zstd {
    inner: FrameDecoder,
    want: Want,
    checksum: bool,
    /// Input of the unit that is being collected: at most a block and its header.
    held: Vec<u8>,
    memory_len: usize,
    /// Window of the frame at hand, and blocks decoded in it.
    window: u64,
    blocks: u64,
}

impl Zstd {
    pub(crate) fn new(memory_len: usize) -> Self {
        Self {
            inner: FrameDecoder::new(),
            want: Want::Magic,
            checksum: false,
            held: Vec::new(),
            memory_len,
            window: 0,
            blocks: 0,
        }
    }

    pub(crate) fn heap_len(&self) -> usize {
        let blocks = self.blocks.saturating_mul(BLOCK_LEN_MAX as u64);
        let window = usize::try_from(self.window.min(blocks)).unwrap_or(usize::MAX);
        // The decoder's buffer grows by doubling, and holds a block beyond the window.
        let ring = if self.blocks > 0 { window.saturating_add(BLOCK_LEN_MAX).next_power_of_two() } else { 0 };
        let tables = if self.blocks > 0 { TABLES_LEN } else { 0 };
        self.held.capacity().saturating_add(ring).saturating_add(tables)
    }

    pub(crate) fn push(&mut self, mut input: &[u8], sink: &mut Sink<'_>) -> Result<Step, Stop> {
        loop {
            let len = match self.want {
                Want::Magic => 4,
                Want::Between if input.is_empty() && self.held.is_empty() => return Ok(Step::End { trailing: 0 }),
                Want::Between => 4,
                Want::Descriptor => 5,
                Want::Header { len } | Want::Block { len, .. } => len,
                Want::BlockHeader => 3,
                Want::Checksum => 4,
                Want::SkipLen => 8,
                Want::Skip { left } => {
                    let n = left.min(input.len());
                    input = input.get(n..).unwrap_or(&[]);
                    sink.consumed(n);
                    self.want = if n == left { Want::Between } else { Want::Skip { left: left - n } };
                    if n < left {
                        return Ok(Step::More);
                    }
                    continue;
                }
            };
            let missing = len.saturating_sub(self.held.len());
            let Some((part, rest)) = input.split_at_checked(missing) else {
                sink.consumed(input.len());
                self.held.extend_from_slice(input);
                return Ok(Step::More);
            };
            self.held.extend_from_slice(part);
            sink.consumed(part.len());
            input = rest;
            if matches!(self.want, Want::Between) && !starts_frame(&self.held) {
                return Ok(Step::End { trailing: input.len() + part.len() });
            }
            self.unit(sink)?;
        }
    }

    /// `held` is complete for what is wanted.
    fn unit(&mut self, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let held = self.held.as_slice();
        match self.want {
            Want::Magic | Want::Between => {
                self.want = match le(held, 0, 4) {
                    MAGIC => Want::Descriptor,
                    m if m & !0xf == SKIPPABLE => Want::SkipLen,
                    _ => return Err(Stop::Corrupt),
                };
                return Ok(());
            }
            Want::Descriptor => {
                let descriptor = held.get(4).copied().unwrap_or(0);
                self.checksum = descriptor & 4 != 0;
                self.want = Want::Header { len: header_len(descriptor) };
                return Ok(());
            }
            Want::Header { .. } => self.begin()?,
            Want::BlockHeader => {
                let header = le(held, 0, 3);
                let size = usize::try_from(header >> 3).unwrap_or(usize::MAX);
                let content = match header >> 1 & 3 {
                    0 | 2 => size,
                    1 => 1,
                    _ => return Err(Stop::Corrupt),
                };
                if size > BLOCK_LEN_MAX {
                    return Err(Stop::Corrupt);
                }
                self.want = Want::Block { len: 3 + content, last: header & 1 == 1 };
                return Ok(());
            }
            Want::Block { last, .. } => {
                self.blocks = self.blocks.saturating_add(1);
                self.feed(sink)?;
                self.want = match (last, self.checksum) {
                    (false, _) => Want::BlockHeader,
                    (true, true) => Want::Checksum,
                    (true, false) => Want::Between,
                };
            }
            Want::Checksum => {
                self.feed(sink)?;
                self.want = Want::Between;
            }
            Want::SkipLen => {
                self.want = Want::Skip { left: usize::try_from(le(held, 4, 4)).unwrap_or(usize::MAX) };
            }
            Want::Skip { .. } => {}
        }
        self.held.clear();
        Ok(())
    }

    /// Starts a frame with the header in `held`.
    fn begin(&mut self) -> Result<(), Stop> {
        let window = window_len(&self.held);
        if window > self.memory_len as u64 {
            return Err(Stop::OverMemory);
        }
        (self.window, self.blocks) = (window, 0);
        self.inner.set_max_window_size(window.max(1024));
        self.inner.reset(self.held.as_slice()).map_err(|_| Stop::Corrupt)?;
        self.want = Want::BlockHeader;
        Ok(())
    }

    /// Gives `held` to the decoder and hands on what comes out.
    fn feed(&mut self, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let mut buf = [0u8; CHUNK_LEN];
        let mut source = self.held.as_slice();
        loop {
            let (used, made) = self.inner.decode_from_to(source, &mut buf).map_err(|_| Stop::Corrupt)?;
            // Where a checksum is due the decoder claims to have taken four bytes, even of none.
            let used = used.min(source.len());
            source = source.get(used..).unwrap_or(&[]);
            sink.write(buf.get(..made).unwrap_or(&[]))?;
            // Taking the checksum makes nothing, but releases what was held back.
            if made == 0 && used == 0 {
                return if source.is_empty() { Ok(()) } else { Err(Stop::Corrupt) };
            }
        }
    }

    /// The stream was cut off: ends the frame with an empty last block, which releases what the decoder held back.
    pub(crate) fn flush(&mut self, sink: &mut Sink<'_>) -> Result<(), Stop> {
        const LAST_EMPTY_RAW_BLOCK: [u8; 3] = [1, 0, 0];
        match self.want {
            Want::BlockHeader | Want::Block { .. } => self.held = LAST_EMPTY_RAW_BLOCK.to_vec(),
            Want::Checksum => self.held.clear(),
            _ => return Ok(()),
        }
        if self.checksum {
            self.held.extend_from_slice(&[0; 4]);
        }
        self.feed(sink)
    }
}

fn starts_frame(held: &[u8]) -> bool {
    let magic = le(held, 0, 4);
    magic == MAGIC || magic & !0xf == SKIPPABLE
}

/// Length of the frame header with its magic (§3.1.1.1).
fn header_len(descriptor: u8) -> usize {
    let single = descriptor & 0x20 != 0;
    let window = usize::from(!single);
    let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied().unwrap_or(0);
    let content = match descriptor >> 6 {
        0 => usize::from(single),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    5 + window + dictionary + content
}

/// The window that the complete header in `held` asks for (§3.1.1.1.2), the content size if it is smaller.
fn window_len(held: &[u8]) -> u64 {
    let descriptor = held.get(4).copied().unwrap_or(0);
    if descriptor & 0x20 == 0 {
        let window = u64::from(held.get(5).copied().unwrap_or(0));
        let base = 1u64 << (10 + (window >> 3));
        return base + base / 8 * (window & 7);
    }
    let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied().unwrap_or(0);
    let at = 5 + dictionary;
    match descriptor >> 6 {
        0 => u64::from(le(held, at, 1)),
        1 => u64::from(le(held, at, 2)) + 256,
        2 => u64::from(le(held, at, 4)),
        _ => u64::from(le(held, at + 4, 4)) << 32 | u64::from(le(held, at, 4)),
    }
}
