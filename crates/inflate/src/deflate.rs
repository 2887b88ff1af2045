//! gzip, zlib and raw deflate (RFC 1950 to 1952) on `flate2`.

use crate::Stop;
use crate::sink::{Sink, Step};
use flate2::{Decompress, FlushDecompress, Status};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Window size exponent: 32 KiB, the largest that deflate has.
const WINDOW_BITS: u8 = 15;

enum Phase {
    /// Waiting for the two bytes that tell zlib from raw deflate.
    Detect,
    Running,
    /// A gzip member ended; another one may follow.
    BetweenMembers,
    Over,
}

/// What the decoder allocates when it is made: tables and window.
pub(crate) const HEAP_LEN: usize = 48 << 10;

/// One stream of the deflate family.
pub(crate) struct Deflate {
    inner: Decompress,
    phase: Phase,
    gzip: bool,
    /// First byte of what may be a member's or a zlib header, split over two pushes.
    held: Option<u8>,
}

impl Deflate {
    fn new(inner: Decompress, phase: Phase, gzip: bool) -> Self {
        Self { inner, phase, gzip, held: None }
    }

    pub(crate) fn gzip() -> Self {
        Self::new(Decompress::new_gzip(WINDOW_BITS), Phase::Running, true)
    }

    pub(crate) fn http() -> Self {
        Self::new(Decompress::new(true), Phase::Detect, false)
    }

    pub(crate) fn raw() -> Self {
        Self::new(Decompress::new(false), Phase::Running, false)
    }

    pub(crate) fn zlib() -> Self {
        Self::new(Decompress::new(true), Phase::Running, false)
    }

    /// `buf` is scratch space of any size but zero.
    pub(crate) fn push(&mut self, mut input: &[u8], buf: &mut [u8], sink: &mut Sink<'_>) -> Result<Step, Stop> {
        loop {
            match self.phase {
                Phase::Running => match self.run(input, buf, sink)? {
                    Some(rest) => {
                        self.phase = if self.gzip { Phase::BetweenMembers } else { Phase::Over };
                        input = rest;
                    }
                    None => return Ok(Step::More),
                },
                Phase::Over => return Ok(Step::End { trailing: input.len() }),
                Phase::Detect | Phase::BetweenMembers => {
                    let between = matches!(self.phase, Phase::BetweenMembers);
                    let Some((&next, rest)) = input.split_first() else {
                        return Ok(if between { Step::End { trailing: 0 } } else { Step::More });
                    };
                    let Some(first) = self.held.take() else {
                        if between && next != GZIP_MAGIC[0] {
                            self.phase = Phase::Over;
                            continue;
                        }
                        self.held = Some(next);
                        input = rest;
                        continue;
                    };
                    if between {
                        if next != GZIP_MAGIC[1] {
                            // The held byte is lost to the caller if it came in an earlier push; it is 0x1f.
                            self.phase = Phase::Over;
                            return Ok(Step::End { trailing: input.len() });
                        }
                        self.inner = Decompress::new_gzip(WINDOW_BITS);
                    } else if !is_zlib_header(first, next) {
                        self.inner = Decompress::new(false);
                    }
                    self.phase = Phase::Running;
                    // The header's first byte; it can't end the stream.
                    if self.run(&[first], buf, sink)?.is_some() {
                        return Err(Stop::Corrupt);
                    }
                }
            }
        }
    }

    /// Decodes `input`; the rest of it if the stream ended within.
    fn run<'i>(&mut self, mut input: &'i [u8], buf: &mut [u8], sink: &mut Sink<'_>) -> Result<Option<&'i [u8]>, Stop> {
        loop {
            let (in_before, out_before) = (self.inner.total_in(), self.inner.total_out());
            let status = self.inner.decompress(input, buf, FlushDecompress::None);
            let used = usize::try_from(self.inner.total_in() - in_before).unwrap_or(usize::MAX);
            let made = usize::try_from(self.inner.total_out() - out_before).unwrap_or(usize::MAX);
            input = input.get(used..).unwrap_or(&[]);
            sink.consumed(used);
            // Also what came before damage, a wrong checksum at the end above all.
            sink.write(buf.get(..made).unwrap_or(&[]))?;
            match status.map_err(|_| Stop::Corrupt)? {
                Status::StreamEnd => return Ok(Some(input)),
                _ if used == 0 && made == 0 => {
                    return if input.is_empty() { Ok(None) } else { Err(Stop::Corrupt) };
                }
                _ if input.is_empty() && made < buf.len() => return Ok(None),
                _ => {}
            }
        }
    }
}

/// RFC 1950 §2.2: method 8, window at most 32 KiB, no preset dictionary, check bits right.
fn is_zlib_header(cmf: u8, flg: u8) -> bool {
    cmf & 0x0f == 8 && cmf >> 4 <= 7 && flg & 0x20 == 0 && u16::from_be_bytes([cmf, flg]).is_multiple_of(31)
}
