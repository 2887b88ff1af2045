//! Helpers for parsers of byte streams: whole lines and whole messages out of any split.

use sekisho_types::{Heap, block_len};
use std::ops::Deref;

/// A buffer whose content was used up is kept for the next piece up to this capacity; an idle flow keeps no more.
pub(crate) const IDLE_LEN: usize = 256;

/// Bytes of an incomplete message, kept until the rest comes.
///
/// Pattern: `let joined = held.join(bytes)`; parse as many whole messages as `joined` has; then
/// `held.keep(joined, consumed)`. Nothing is copied while messages end with the chunk.
#[derive(Debug, Default)]
pub struct Held {
    bytes: Vec<u8>,
}

/// Held bytes and new ones as one slice.
#[derive(Debug)]
pub enum Joined<'a> {
    /// Nothing was held: the new bytes themselves.
    Borrowed(&'a [u8]),
    /// Held bytes followed by the new ones.
    Owned(Vec<u8>),
}

impl Deref for Joined<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(b) => b,
            Self::Owned(b) => b,
        }
    }
}

impl Held {
    /// Nothing held.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Everything not yet consumed, followed by `bytes`.
    pub fn join<'a>(&mut self, bytes: &'a [u8]) -> Joined<'a> {
        if self.bytes.is_empty() {
            return Joined::Borrowed(bytes);
        }
        let mut all = std::mem::take(&mut self.bytes);
        all.extend_from_slice(bytes);
        Joined::Owned(all)
    }

    /// Keeps what follows the first `consumed` bytes of `joined`; false (and nothing kept) if that
    /// is more than `limit` bytes.
    #[must_use]
    pub fn keep(&mut self, joined: Joined<'_>, consumed: usize, limit: usize) -> bool {
        let left = joined.len().saturating_sub(consumed);
        if left > limit {
            return false;
        }
        self.bytes = match joined {
            Joined::Borrowed(b) => b.get(consumed..).unwrap_or(&[]).to_vec(),
            Joined::Owned(mut b) => {
                b.drain(..consumed.min(b.len()));
                if b.is_empty() { Vec::new() } else { b }
            }
        };
        true
    }

    /// Number of bytes held.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Is nothing held?
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forgets what is held (after a gap).
    pub fn clear(&mut self) {
        self.bytes = Vec::new();
    }
}

/// Splits a stream into lines ended by LF or CRLF, with a cap on the length.
///
/// Every byte is looked at once, whatever the split; lines that lie within one chunk are borrowed.
#[derive(Debug)]
pub struct Lines {
    held: Vec<u8>,
    limit: usize,
    /// `held` was given out by the last call and goes with the next.
    spent: bool,
    /// The current line exceeded the limit; its tail is being dropped.
    dropping: bool,
}

/// One line without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The bytes before the line's end.
    pub text: &'a [u8],
    /// The line was longer than the limit and is cut.
    pub cut: bool,
    /// It ended with LF alone.
    pub bare: bool,
}

impl Heap for Held {
    fn heap_len(&self) -> usize {
        block_len(self.bytes.capacity())
    }
}

impl Heap for Lines {
    fn heap_len(&self) -> usize {
        block_len(self.held.capacity())
    }
}

/// Empties a buffer; a small one stays for the next time.
pub(crate) fn reuse(buffer: &mut Vec<u8>) {
    if buffer.capacity() > IDLE_LEN {
        *buffer = Vec::new();
    } else {
        buffer.clear();
    }
}

impl Lines {
    /// Lines of at most `limit` bytes; longer ones are cut and marked.
    pub const fn new(limit: usize) -> Self {
        Self { held: Vec::new(), limit, spent: false, dropping: false }
    }

    /// The next whole line of held bytes and `input`; `input` advances behind it. `None` when
    /// `input` is used up without a line's end.
    pub fn next<'s, 'a: 's>(&'s mut self, input: &mut &'a [u8]) -> Option<Line<'s>> {
        if self.spent {
            self.forget();
        }
        let Some(at) = memchr::memchr(b'\n', input) else {
            self.hold(input);
            *input = &[];
            return None;
        };
        let (line, rest) = input.split_at_checked(at)?;
        *input = rest.get(1..).unwrap_or(&[]);
        if self.held.is_empty() && !self.dropping && line.len() <= self.limit {
            let text = strip_cr(line);
            return Some(Line { text, cut: false, bare: text.len() == line.len() });
        }
        self.hold(line);
        let cut = std::mem::take(&mut self.dropping);
        self.spent = true;
        let text = strip_cr(&self.held);
        Some(Line { text, cut, bare: text.len() == self.held.len() })
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = self.limit.saturating_sub(self.held.len());
        if bytes.len() > room {
            self.dropping = true;
        }
        self.held.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// The incomplete line held so far (at a stream's end it may be the last line).
    pub fn partial(&self) -> &[u8] {
        if self.spent { &[] } else { &self.held }
    }

    /// Forgets the incomplete line (after a gap).
    pub fn clear(&mut self) {
        self.forget();
        self.dropping = false;
    }

    fn forget(&mut self) {
        self.spent = false;
        reuse(&mut self.held);
    }

    /// Gives back a buffer larger than [`IDLE_LEN`] whose line was used up; to be called when a chunk is done.
    pub(crate) fn rest(&mut self) {
        if self.spent && self.held.capacity() > IDLE_LEN {
            self.forget();
        }
    }
}

fn strip_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]], limit: usize) -> Vec<(String, bool)> {
        let mut l = Lines::new(limit);
        let mut out = Vec::new();
        for chunk in chunks {
            let mut input = *chunk;
            while let Some(line) = l.next(&mut input) {
                out.push((String::from_utf8_lossy(line.text).into_owned(), line.cut));
            }
            assert!(input.is_empty());
        }
        out
    }

    #[test]
    fn any_split_gives_the_same_lines() {
        let text = b"one\r\ntwo\n\r\nthree is long\r\nrest";
        let want = lines(&[text], 8);
        assert_eq!(want[3], ("three is".to_owned(), true));
        for cut in 0..text.len() {
            assert_eq!(lines(&[&text[..cut], &text[cut..]], 8), want, "{cut}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(lines(&bytes, 8), want);
    }

    #[test]
    fn held_joins_and_limits() {
        let mut h = Held::default();
        let j = h.join(b"abcd");
        assert!(h.keep(j, 3, 10));
        let j = h.join(b"ef");
        assert_eq!(&*j, b"def");
        assert!(!h.keep(j, 0, 2));
        assert!(h.is_empty());
    }
}
