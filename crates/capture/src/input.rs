use std::io::{ErrorKind, Read};

/// Bytes asked of the operating system at once when a capture is read alone.
///
/// Measured: read alone, 128 KiB to 1 MiB cost the same and 4 MiB a fifth more. In a whole pass 128 KiB is best, by
/// 3 % against 512 KiB: two buffers take turns, and flows want the rest of the second-level cache.
pub(crate) const CHUNK_LEN: usize = 128 * 1024;

/// A window over a stream: read ahead, parsed in place, handed over without a copy.
pub(crate) struct Input {
    reader: Box<dyn Read + Send>,
    buf: Vec<u8>,
    start: usize,
    end: usize,
    /// Stream offset of `buf[0]`.
    base: u64,
    chunk_len: usize,
    eof: bool,
    error: Option<String>,
}

impl Input {
    pub(crate) fn new(reader: Box<dyn Read + Send>, chunk_len: usize) -> Self {
        Self { reader, buf: Vec::new(), start: 0, end: 0, base: 0, chunk_len, eof: false, error: None }
    }

    /// Read and not yet consumed.
    pub(crate) fn window(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or(&[])
    }

    /// Position of the window in the buffer.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Stream offset of the window.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Why the stream ended, if not by its natural end.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    pub(crate) fn consume(&mut self, n: usize) {
        self.start = self.start.saturating_add(n).min(self.end);
    }

    /// Changes the read-ahead for the reads to come.
    pub(crate) fn set_chunk_len(&mut self, chunk_len: usize) {
        self.chunk_len = chunk_len;
    }

    /// Reads until the window holds `need` bytes; false if the stream ends before.
    pub(crate) fn fill(&mut self, need: usize) -> bool {
        while self.end - self.start < need {
            if self.eof {
                return false;
            }
            self.make_room(need);
            let Some(space) = self.buf.get_mut(self.end..) else { return false };
            match self.reader.read(space) {
                Ok(0) => self.eof = true,
                Ok(n) => self.end = (self.end + n).min(self.buf.len()),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => {
                    self.eof = true;
                    self.error = Some(e.to_string());
                }
            }
        }
        true
    }

    /// Moves the window to the front. The buffer grows with the bytes that really came, at most to
    /// twice their number, so that a forged length costs nothing.
    fn make_room(&mut self, need: usize) {
        if self.start > 0 {
            self.buf.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            self.end -= self.start;
            self.start = 0;
        }
        let wanted = need.min(self.end.saturating_mul(2)).max(self.chunk_len);
        if self.buf.len() < wanted {
            self.buf.resize(wanted, 0);
        }
    }

    /// Gives the buffer away for `other`, keeping the window: its bytes are copied into `other`,
    /// which becomes the buffer. After parsing, the window is one unfinished record.
    pub(crate) fn hand_over(&mut self, other: &mut Vec<u8>) {
        let left = self.end - self.start;
        let wanted = left.max(self.chunk_len);
        if other.len() < wanted {
            other.resize(wanted, 0);
        }
        if let (Some(to), Some(from)) = (other.get_mut(..left), self.buf.get(self.start..self.end)) {
            to.copy_from_slice(from);
        }
        std::mem::swap(&mut self.buf, other);
        self.base += self.start as u64;
        self.start = 0;
        self.end = left;
    }
}
