//! Lines and counted strings of one direction, as text protocols of data stores mix them.

use crate::stream::reuse;
use sekisho_types::{Heap, block_len};

/// What is kept of a line or string, in bytes.
pub(crate) const MAX_PIECE_LEN: usize = 4096;

/// A line without its end, or the start of a counted string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Bulk(&'a [u8]),
    Line(&'a [u8]),
}

/// Length of the line's end behind a counted string.
const END_LEN: u64 = 2;

/// Cuts one direction into pieces of which at most [`MAX_PIECE_LEN`] bytes are kept; the reader says before each
/// whether it is a line or counted. What lies within one chunk is borrowed from it.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    held: Vec<u8>,
    /// Of a counted string: bytes of content yet to come, and of the line's end behind it.
    bulk: Option<(u64, u64)>,
    /// The content of the counted string is not wanted.
    dropped: bool,
    /// `held` was given out and goes with the next call.
    spent: bool,
}

impl Heap for Pieces {
    fn heap_len(&self) -> usize {
        block_len(self.held.capacity())
    }
}

impl Pieces {
    /// The next piece is a string of `len` bytes.
    pub fn expect_bulk(&mut self, len: u64) {
        self.bulk = Some((len, END_LEN));
        self.dropped = false;
    }

    /// As [`Self::expect_bulk`]; the string comes out empty.
    pub fn pass_over(&mut self, len: u64) {
        self.bulk = Some((len, END_LEN));
        self.dropped = true;
    }

    /// The next piece of `input`, which advances behind it.
    #[inline(always)]
    pub fn next<'s, 'a: 's>(&'s mut self, input: &mut &'a [u8]) -> Option<Piece<'s>> {
        if std::mem::take(&mut self.spent) {
            reuse(&mut self.held);
        }
        match self.bulk {
            Some((content, end)) => match self.whole(content, end, input) {
                Some(content) => Some(Piece::Bulk(content)),
                None => self.counted(content, end, input),
            },
            None => self.line(input),
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = MAX_PIECE_LEN.saturating_sub(self.held.len());
        self.held.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    #[inline(always)]
    fn line<'s, 'a: 's>(&'s mut self, input: &mut &'a [u8]) -> Option<Piece<'s>> {
        let Some(at) = line_end(input) else {
            self.hold(input);
            *input = &[];
            return None;
        };
        let (line, rest) = input.split_at_checked(at)?;
        *input = rest.get(1..).unwrap_or(&[]);
        let line = self.joined(line);
        Some(Piece::Line(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// What is held and `last`, which ends it.
    fn joined<'s, 'a: 's>(&'s mut self, last: &'a [u8]) -> &'s [u8] {
        if self.held.is_empty() {
            return last.get(..MAX_PIECE_LEN).unwrap_or(last);
        }
        self.hold(last);
        self.spent = true;
        &self.held
    }

    /// A counted string of which nothing came before and of which all is here: the usual case.
    #[inline(always)]
    fn whole<'a>(&mut self, content: u64, end: u64, input: &mut &'a [u8]) -> Option<&'a [u8]> {
        if self.dropped || !self.held.is_empty() || content > MAX_PIECE_LEN as u64 {
            return None;
        }
        let (bytes, rest) = input.split_at_checked(usize::try_from(content + end).ok()?)?;
        *input = rest;
        self.bulk = None;
        bytes.get(..usize::try_from(content).ok()?)
    }

    fn counted<'s, 'a: 's>(&'s mut self, content: u64, end: u64, input: &mut &'a [u8]) -> Option<Piece<'s>> {
        let (bytes, rest) = split(input, content);
        let wanted = if self.dropped { &[] } else { bytes };
        let content = content - bytes.len() as u64;
        let (skipped, rest) = if content == 0 { split(rest, end) } else { (&[][..], rest) };
        let end = end - skipped.len() as u64;
        *input = rest;
        if end > 0 {
            self.hold(wanted);
            self.bulk = Some((content, end));
            return None;
        }
        self.bulk = None;
        Some(Piece::Bulk(self.joined(wanted)))
    }

    /// `len` bytes are missing: true if they lie within a counted string, which then lacks them.
    pub fn gap(&mut self, len: u64) -> bool {
        if std::mem::take(&mut self.spent) {
            reuse(&mut self.held);
        }
        match &mut self.bulk {
            Some((content, _)) if *content >= len => {
                *content -= len;
                true
            }
            _ => {
                *self = Self::default();
                false
            }
        }
    }

    /// Gives back a buffer whose piece was used up; to be called when a chunk is done.
    pub fn rest(&mut self) {
        if std::mem::take(&mut self.spent) {
            reuse(&mut self.held);
        }
    }
}

/// Where the line ends. Most lines are lengths of two to five digits: those are found without a call.
#[inline]
fn line_end(input: &[u8]) -> Option<usize> {
    let first = input.first_chunk::<8>().and_then(|bytes| bytes.iter().position(|b| *b == b'\n'));
    first.or_else(|| memchr::memchr(b'\n', input))
}

/// The first `n` bytes and the rest.
#[inline]
fn split(bytes: &[u8], n: u64) -> (&[u8], &[u8]) {
    bytes.split_at(usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_split_gives_the_same_pieces() {
        let bytes = b"+OK\r\n$3\r\na\nb\r\n+x\n";
        for n in 1..=bytes.len() {
            let (mut pieces, mut out) = (Pieces::default(), Vec::new());
            for chunk in bytes.chunks(n) {
                let mut input = chunk;
                while let Some(piece) = pieces.next(&mut input) {
                    let line = piece == Piece::Line(b"$3");
                    out.push(format!("{piece:?}"));
                    if line {
                        pieces.expect_bulk(3);
                    }
                }
            }
            let want = [Piece::Line(b"+OK"), Piece::Line(b"$3"), Piece::Bulk(b"a\nb"), Piece::Line(b"+x")];
            assert_eq!(out, want.map(|p| format!("{p:?}")), "{n}");
        }
    }

    #[test]
    fn limits_what_is_kept() {
        let mut pieces = Pieces::default();
        let long = [b'x'; 2 * MAX_PIECE_LEN];
        assert_eq!(pieces.next(&mut &long[..]), None);
        assert_eq!(pieces.heap_len(), block_len(MAX_PIECE_LEN));
        let Some(Piece::Line(line)) = pieces.next(&mut &b"y\r\n"[..]) else { panic!("a line") };
        assert_eq!(line.len(), MAX_PIECE_LEN);
        let whole = [&long[..], b"\n"].concat();
        let Some(Piece::Line(line)) = pieces.next(&mut &whole[..]) else { panic!("a line") };
        assert_eq!(line.len(), MAX_PIECE_LEN);
    }
}
