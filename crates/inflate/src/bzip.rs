//! bzip2.

use crate::Stop;
use crate::sink::{Sink, Step};
use bzip2::{Decompress, Status};

/// One or more bzip2 streams, as `cat` joins them. Needs at most 3.7 MB.
pub(crate) struct Bzip2 {
    inner: Decompress,
    between: bool,
    begun: bool,
}

/// Tables, and a block of 900 kB with four bytes for each of its bytes.
const HEAP_LEN: usize = (64 << 10) + 4 * 900_000;

impl Default for Bzip2 {
    fn default() -> Self {
        Self { inner: Decompress::new(false), between: false, begun: false }
    }
}

impl Bzip2 {
    /// The block size is taken to be the usual, which is the largest.
    pub(crate) fn heap_len(&self) -> usize {
        if self.begun { HEAP_LEN } else { 64 << 10 }
    }

    /// `buf` is scratch space of any size but zero.
    pub(crate) fn push(&mut self, mut input: &[u8], buf: &mut [u8], sink: &mut Sink<'_>) -> Result<Step, Stop> {
        self.begun |= !input.is_empty();
        loop {
            if self.between {
                match input.first() {
                    None => return Ok(Step::End { trailing: 0 }),
                    Some(b'B') => {
                        self.inner = Decompress::new(false);
                        self.between = false;
                    }
                    Some(_) => return Ok(Step::End { trailing: input.len() }),
                }
            }
            let (in_before, out_before) = (self.inner.total_in(), self.inner.total_out());
            let status = self.inner.decompress(input, buf).map_err(|_| Stop::Corrupt)?;
            let used = usize::try_from(self.inner.total_in() - in_before).unwrap_or(usize::MAX);
            let made = usize::try_from(self.inner.total_out() - out_before).unwrap_or(usize::MAX);
            input = input.get(used..).unwrap_or(&[]);
            sink.consumed(used);
            sink.write(buf.get(..made).unwrap_or(&[]))?;
            match status {
                Status::StreamEnd => self.between = true,
                Status::MemNeeded => return Err(Stop::OverMemory),
                _ if input.is_empty() && made < buf.len() => return Ok(Step::More),
                _ if used == 0 && made == 0 => return Err(Stop::Corrupt),
                _ => {}
            }
        }
    }
}
