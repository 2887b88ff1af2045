//! LZ4 frames (lz4_Frame_format.md 1.6): own framing around `lz4_flex`'s block decoder.

use crate::Stop;
use crate::sink::{Gather, Sink, Step, le};
use lz4_flex::block::decompress_into_with_dict;

const MAGIC: u32 = 0x184d_2204;
/// Skippable frames have one of sixteen magic numbers.
const SKIPPABLE: u32 = 0x184d_2a50;
/// How far back a linked block may refer.
const HISTORY_LEN: usize = 64 * 1024;

#[derive(Clone, Copy)]
enum Want {
    Magic,
    /// A frame ended; another may follow.
    Between,
    /// The two flag bytes.
    Flags,
    /// The rest of the frame descriptor, flag bytes included.
    Descriptor {
        len: usize,
    },
    BlockLen,
    Block {
        len: usize,
        stored: bool,
    },
    ContentChecksum,
    SkipLen,
    Skip {
        left: usize,
    },
}

/// One or more LZ4 frames.
pub(crate) struct Lz4 {
    want: Want,
    gather: Gather,
    /// Up to 64 KiB of what came before, then room for one block.
    window: Vec<u8>,
    history_len: usize,
    block_len_max: usize,
    linked: bool,
    block_checksum: bool,
    content_checksum: bool,
    memory_len: usize,
}

impl Lz4 {
    pub(crate) fn heap_len(&self) -> usize {
        self.gather.held.capacity() + self.window.capacity()
    }

    pub(crate) fn new(memory_len: usize) -> Self {
        Self {
            want: Want::Magic,
            gather: Gather::default(),
            window: Vec::new(),
            history_len: 0,
            block_len_max: 0,
            linked: false,
            block_checksum: false,
            content_checksum: false,
            memory_len,
        }
    }

    pub(crate) fn push(&mut self, mut input: &[u8], sink: &mut Sink<'_>) -> Result<Step, Stop> {
        loop {
            let len = match self.want {
                Want::Between if input.is_empty() && self.gather.held.is_empty() => {
                    return Ok(Step::End { trailing: 0 });
                }
                Want::Magic | Want::Between | Want::BlockLen | Want::ContentChecksum | Want::SkipLen => 4,
                Want::Flags => 2,
                Want::Descriptor { len } => len,
                Want::Block { len, .. } => len,
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
            let before = input.len();
            if !self.gather.fill(&mut input, len, sink) {
                return Ok(Step::More);
            }
            if matches!(self.want, Want::Between)
                && !matches!(le(&self.gather.held, 0, 4), MAGIC | SKIPPABLE..0x184d_2a60)
            {
                return Ok(Step::End { trailing: before });
            }
            self.want = self.unit(sink)?;
            if !matches!(self.want, Want::Descriptor { .. }) {
                self.gather.held.clear();
            }
        }
    }

    /// The wanted unit is held; what comes next.
    fn unit(&mut self, sink: &mut Sink<'_>) -> Result<Want, Stop> {
        let held = self.gather.held.as_slice();
        Ok(match self.want {
            Want::Magic | Want::Between => match le(held, 0, 4) {
                MAGIC => Want::Flags,
                SKIPPABLE..0x184d_2a60 => Want::SkipLen,
                _ => return Err(Stop::Corrupt),
            },
            Want::Flags => {
                let &[flg, bd, ..] = held else { return Err(Stop::Corrupt) };
                if flg >> 6 != 1 || flg & 1 != 0 || bd >> 4 & 7 < 4 {
                    return Err(Stop::Corrupt);
                }
                self.linked = flg & 0x20 == 0;
                self.block_checksum = flg & 0x10 != 0;
                self.content_checksum = flg & 4 != 0;
                self.block_len_max = 1 << (8 + 2 * u32::from(bd >> 4 & 7));
                if 2 * self.block_len_max + HISTORY_LEN > self.memory_len {
                    return Err(Stop::OverMemory);
                }
                self.history_len = 0;
                Want::Descriptor { len: if flg & 8 != 0 { 11 } else { 3 } }
            }
            Want::Descriptor { .. } => Want::BlockLen,
            Want::BlockLen => match le(held, 0, 4) {
                0 if self.content_checksum => Want::ContentChecksum,
                0 => Want::Between,
                word => {
                    let len = usize::try_from(word & 0x7fff_ffff).unwrap_or(usize::MAX);
                    if len > self.block_len_max {
                        return Err(Stop::Corrupt);
                    }
                    let checksum = if self.block_checksum { 4 } else { 0 };
                    Want::Block { len: len + checksum, stored: word >> 31 == 1 }
                }
            },
            Want::Block { stored, .. } => {
                self.block(stored, sink)?;
                Want::BlockLen
            }
            Want::ContentChecksum => Want::Between,
            Want::SkipLen => Want::Skip { left: usize::try_from(le(held, 0, 4)).unwrap_or(usize::MAX) },
            Want::Skip { .. } => Want::Between,
        })
    }

    fn block(&mut self, stored: bool, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let held = self.gather.held.as_slice();
        let content_len = held.len() - if self.block_checksum { 4 } else { 0 };
        let content = held.get(..content_len).unwrap_or(&[]);
        self.window.resize(HISTORY_LEN + self.block_len_max, 0);
        let Some((history, room)) = self.window.split_at_mut_checked(HISTORY_LEN) else {
            return Err(Stop::Corrupt);
        };
        let made = if stored {
            room.get_mut(..content.len()).ok_or(Stop::Corrupt)?.copy_from_slice(content);
            content.len()
        } else {
            let room = room.get_mut(..self.block_len_max).ok_or(Stop::Corrupt)?;
            let dict = history.get(HISTORY_LEN - self.history_len..).unwrap_or(&[]);
            decompress_into_with_dict(content, room, dict).map_err(|_| Stop::Corrupt)?
        };
        sink.write(room.get(..made).unwrap_or(&[]))?;
        if self.linked {
            // The history ends where the block began: move all down so that it ends with the block.
            self.window.copy_within(made..HISTORY_LEN + made, 0);
            self.history_len = (self.history_len + made).min(HISTORY_LEN);
        }
        Ok(())
    }
}
