//! xz containers (xz-file-format 1.2) with LZMA2. Filters for machine code and delta are not supported.

use crate::Stop;
use crate::lzma::{Lzma, Props, Run};
use crate::sink::{Gather, Sink, Step, le};

const MAGIC: [u8; 6] = *b"\xfd7zXZ\0";
const FILTER_LZMA2: u64 = 0x21;
/// Stream header and footer.
const EDGE_LEN: usize = 12;

#[derive(Clone, Copy)]
enum Want {
    StreamHeader,
    /// Size of a block header, or the index's mark.
    BlockOrIndex,
    BlockHeader {
        len: usize,
    },
    Control,
    ChunkHeader {
        len: usize,
    },
    Chunk {
        len: usize,
        out: u64,
        stored: bool,
    },
    /// Padding and check after a block.
    BlockEnd {
        len: usize,
    },
    IndexCount,
    IndexNumbers {
        left: u64,
    },
    /// Padding, checksum and the stream's footer.
    IndexEnd {
        len: usize,
    },
    /// Four zero bytes or another stream.
    Between,
}

/// One or more xz streams.
pub(crate) struct Xz {
    want: Want,
    gather: Gather,
    lzma: Option<Box<Lzma>>,
    check_len: usize,
    /// Bytes of the block or index so far, for padding to four.
    unit_len: u64,
    /// A varint being read: value and shift.
    number: (u64, u32),
    need_props: bool,
    need_dict: bool,
    memory_len: usize,
}

impl Xz {
    pub(crate) fn heap_len(&self) -> usize {
        self.gather.held.capacity() + self.lzma.as_ref().map_or(0, |l| l.heap_len())
    }

    pub(crate) fn new(memory_len: usize) -> Self {
        Self {
            want: Want::StreamHeader,
            gather: Gather::default(),
            lzma: None,
            check_len: 0,
            unit_len: 0,
            number: (0, 0),
            need_props: true,
            need_dict: true,
            memory_len,
        }
    }

    pub(crate) fn push(&mut self, mut input: &[u8], sink: &mut Sink<'_>) -> Result<Step, Stop> {
        loop {
            let len = match self.want {
                Want::StreamHeader => EDGE_LEN,
                Want::BlockOrIndex | Want::Control | Want::IndexCount | Want::IndexNumbers { .. } => 1,
                Want::BlockHeader { len } | Want::ChunkHeader { len } | Want::Chunk { len, .. } => len,
                Want::BlockEnd { len } | Want::IndexEnd { len } => len,
                Want::Between if input.is_empty() && self.gather.held.is_empty() => {
                    return Ok(Step::End { trailing: 0 });
                }
                Want::Between => 4,
            };
            let before = input.len();
            if !self.gather.fill(&mut input, len, sink) {
                return Ok(Step::More);
            }
            if matches!(self.want, Want::Between) {
                match self.gather.held.as_slice() {
                    [0, 0, 0, 0] => self.gather.held.clear(),
                    held if MAGIC.starts_with(held) => self.want = Want::StreamHeader,
                    _ => return Ok(Step::End { trailing: before }),
                }
                continue;
            }
            let keep = matches!(self.want, Want::BlockOrIndex | Want::Control);
            self.unit_len += len as u64;
            self.want = self.unit(sink)?;
            // A block's or chunk's header begins with the byte that announced it.
            if keep && matches!(self.want, Want::BlockHeader { .. } | Want::ChunkHeader { .. }) {
                self.unit_len -= 1;
            } else {
                self.gather.held.clear();
            }
        }
    }

    fn unit(&mut self, sink: &mut Sink<'_>) -> Result<Want, Stop> {
        let held = self.gather.held.as_slice();
        let first = held.first().copied().unwrap_or(0);
        Ok(match self.want {
            Want::StreamHeader => {
                const CHECK_LENS: [usize; 16] = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
                if !held.starts_with(&MAGIC) || held.get(6) != Some(&0) {
                    return Err(Stop::Corrupt);
                }
                let kind = usize::from(held.get(7).copied().unwrap_or(0));
                self.check_len = *CHECK_LENS.get(kind).ok_or(Stop::Corrupt)?;
                self.unit_len = 0;
                Want::BlockOrIndex
            }
            Want::BlockOrIndex if first == 0 => {
                self.number = (0, 0);
                Want::IndexCount
            }
            Want::BlockOrIndex => Want::BlockHeader { len: (usize::from(first) + 1) * 4 },
            Want::BlockHeader { .. } => {
                let dict_len = lzma2_dict(held)?;
                self.lzma = Some(Box::new(Lzma::new(dict_len, self.memory_len)));
                (self.need_props, self.need_dict) = (true, true);
                Want::Control
            }
            Want::Control => match first {
                0 => Want::BlockEnd { len: padding(self.unit_len) + self.check_len },
                1 | 2 => Want::ChunkHeader { len: 3 },
                0x80..0xc0 => Want::ChunkHeader { len: 5 },
                0xc0.. => Want::ChunkHeader { len: 6 },
                _ => return Err(Stop::Corrupt),
            },
            Want::ChunkHeader { .. } => self.chunk_header()?,
            Want::Chunk { out, stored, .. } => {
                self.chunk(out, stored, sink)?;
                Want::Control
            }
            Want::BlockEnd { .. } => {
                self.unit_len = 0;
                Want::BlockOrIndex
            }
            Want::IndexCount => match self.number(first)? {
                Some(count) => self.index_numbers(count.checked_mul(2).ok_or(Stop::Corrupt)?),
                None => Want::IndexCount,
            },
            Want::IndexNumbers { left } => match self.number(first)? {
                Some(_) => self.index_numbers(left - 1),
                None => Want::IndexNumbers { left },
            },
            Want::IndexEnd { .. } | Want::Between => Want::Between,
        })
    }

    fn index_numbers(&self, left: u64) -> Want {
        match left {
            0 => Want::IndexEnd { len: padding(self.unit_len) + 4 + EDGE_LEN },
            left => Want::IndexNumbers { left },
        }
    }

    /// One byte of a variable-length number (§1.2); the number if it ends here.
    fn number(&mut self, byte: u8) -> Result<Option<u64>, Stop> {
        let (value, shift) = self.number;
        if shift > 56 {
            return Err(Stop::Corrupt);
        }
        let value = value | u64::from(byte & 0x7f) << shift;
        let done = byte & 0x80 == 0;
        self.number = if done { (0, 0) } else { (value, shift + 7) };
        Ok(done.then_some(value))
    }

    /// The header of an LZMA2 chunk; resets what it says.
    fn chunk_header(&mut self) -> Result<Want, Stop> {
        let held = self.gather.held.as_slice();
        let lzma = self.lzma.as_mut().ok_or(Stop::Corrupt)?;
        let be = |at: usize| match held.get(at..at + 2) {
            Some(&[a, b]) => usize::from(u16::from_be_bytes([a, b])),
            _ => 0,
        };
        let control = held.first().copied().unwrap_or(0);
        if control == 1 || control >= 0xe0 {
            lzma.reset_dict();
            self.need_dict = false;
        } else if self.need_dict {
            return Err(Stop::Corrupt);
        }
        if control < 0x80 {
            return Ok(Want::Chunk { len: be(1) + 1, out: 0, stored: true });
        }
        if control >= 0xc0 {
            lzma.reset_state(Props::parse(held.get(5).copied().unwrap_or(u8::MAX))?);
            self.need_props = false;
        } else if self.need_props {
            return Err(Stop::Corrupt);
        } else if control >= 0xa0 {
            lzma.reset_state(lzma.props());
        }
        let out = u64::from(control & 0x1f) << 16 | be(1) as u64;
        Ok(Want::Chunk { len: be(3) + 1, out: out + 1, stored: false })
    }

    fn chunk(&mut self, out: u64, stored: bool, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let held = self.gather.held.as_slice();
        let lzma = self.lzma.as_mut().ok_or(Stop::Corrupt)?;
        if stored {
            return lzma.stored(held, sink);
        }
        lzma.begin(held)?;
        match lzma.run(held.get(5..).unwrap_or(&[]), out, sink)? {
            (Run::Full, ..) => Ok(()),
            _ => Err(Stop::Corrupt),
        }
    }
}

/// Bytes up to the next multiple of four.
fn padding(len: u64) -> usize {
    usize::try_from(len.wrapping_neg() & 3).unwrap_or(0)
}

/// The dictionary size of a block whose only filter is LZMA2 (§3.1, §5.3.1).
fn lzma2_dict(header: &[u8]) -> Result<u32, Stop> {
    let flags = header.get(1).copied().unwrap_or(0);
    if flags & 0x3c != 0 {
        return Err(Stop::Corrupt);
    }
    if flags & 3 != 0 {
        return Err(Stop::Unsupported);
    }
    let mut rest = header.get(2..).unwrap_or(&[]);
    for present in [flags & 0x40 != 0, flags & 0x80 != 0] {
        if present {
            varint(&mut rest)?;
        }
    }
    let (id, props_len) = (varint(&mut rest)?, varint(&mut rest)?);
    if id != FILTER_LZMA2 || props_len != 1 {
        return Err(Stop::Unsupported);
    }
    match le(rest, 0, 1) {
        40 => Ok(u32::MAX),
        bits @ 0..40 => Ok((2 | bits & 1) << (bits / 2 + 11)),
        _ => Err(Stop::Corrupt),
    }
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Stop> {
    let mut value = 0u64;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(Stop::Corrupt)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Stop::Corrupt)
}
