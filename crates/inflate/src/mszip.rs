//! MSZIP, the deflate of Microsoft's cabinets (MS-MCI): blocks of 32 KiB, each a deflate stream of its own that may
//! refer to the block before. Taken in the framing of a cabinet: checksum, packed length, unpacked length, data.

use crate::Stop;
use crate::sink::{Gather, Sink, Step, le};
use flate2::{Decompress, FlushDecompress, Status};

/// Checksum and two lengths.
const HEADER_LEN: usize = 8;
/// A block unpacked, which is what the next one may refer to.
const BLOCK_LEN: usize = 32 << 10;
const SIGNATURE: [u8; 2] = *b"CK";

/// Blocks in a row.
#[derive(Default)]
pub(crate) struct MsZip {
    gather: Gather,
    /// Packed and unpacked length of the block being gathered.
    block: Option<(usize, usize)>,
    previous: Vec<u8>,
}

impl MsZip {
    pub(crate) fn heap_len(&self) -> usize {
        self.gather.held.capacity() + self.previous.capacity()
    }

    pub(crate) fn push(&mut self, mut input: &[u8], sink: &mut Sink<'_>) -> Result<Step, Stop> {
        loop {
            if input.is_empty() && self.gather.held.is_empty() && self.block.is_none() {
                return Ok(Step::End { trailing: 0 });
            }
            let len = self.block.map_or(HEADER_LEN, |b| b.0);
            if !self.gather.fill(&mut input, len, sink) {
                return Ok(Step::More);
            }
            match self.block.take() {
                None => {
                    let number = |at| usize::try_from(le(&self.gather.held, at, 2)).unwrap_or(usize::MAX);
                    self.block = Some((number(4), number(6)));
                }
                Some((_, out_len)) => self.unpack(out_len, sink)?,
            }
            self.gather.held.clear();
        }
    }

    fn unpack(&mut self, out_len: usize, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let packed = self.gather.held.strip_prefix(&SIGNATURE).ok_or(Stop::Corrupt)?;
        let mut inner = Decompress::new(false);
        if !self.previous.is_empty() {
            inner.set_dictionary(&self.previous).map_err(|_| Stop::Corrupt)?;
        }
        let mut made = vec![0; out_len.min(BLOCK_LEN)];
        let status = inner.decompress(packed, &mut made, FlushDecompress::Finish).map_err(|_| Stop::Corrupt)?;
        made.truncate(usize::try_from(inner.total_out()).unwrap_or(0));
        sink.write(&made)?;
        if status != Status::StreamEnd && made.len() < out_len {
            return Err(Stop::Corrupt);
        }
        self.previous = made;
        Ok(())
    }
}
