//! Deflate64, of ZIP files beyond 2 GiB by Windows, and of some 7z archives (APPNOTE §4.4.5): deflate with a window of 64 KiB.

use crate::Stop;
use crate::sink::{Sink, Step};
use deflate64::InflaterManaged;

/// One stream.
pub(crate) struct Deflate64 {
    inner: Box<InflaterManaged>,
    over: bool,
}

impl Deflate64 {
    pub(crate) fn new() -> Self {
        Self { inner: Box::new(InflaterManaged::new()), over: false }
    }

    pub(crate) const fn heap_len() -> usize {
        // Its window is twice as long as distances reach.
        size_of::<InflaterManaged>() + (256 << 10)
    }

    pub(crate) fn push(&mut self, mut input: &[u8], buf: &mut [u8], sink: &mut Sink<'_>) -> Result<Step, Stop> {
        while !self.over {
            let result = self.inner.inflate(input, buf);
            sink.consumed(result.bytes_consumed);
            sink.write(buf.get(..result.bytes_written).unwrap_or(&[]))?;
            if result.data_error || self.inner.errored() {
                return Err(Stop::Corrupt);
            }
            input = input.get(result.bytes_consumed..).unwrap_or(&[]);
            if self.inner.finished() {
                self.over = true;
            } else if result.bytes_consumed == 0 && result.bytes_written == 0 {
                return if input.is_empty() { Ok(Step::More) } else { Err(Stop::Corrupt) };
            }
        }
        Ok(Step::End { trailing: input.len() })
    }
}
