//! Messages whose first bytes tell their length, out of any split of a stream.

use crate::stream::reuse;
use sekisho_record::Text;
use sekisho_types::{Heap, block_len};

/// Longest start of a message that may be needed to learn its length, in bytes.
const MAX_HEAD_LEN: usize = 64;

/// What the first bytes of a message say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// These bytes begin no message.
    Bad,
    /// More bytes are needed to learn the length.
    More,
    /// A message of `len` bytes, head included, of which the first `keep` are wanted.
    Message {
        /// Whole length in bytes.
        len: u64,
        /// How many bytes are looked at; the rest is passed over.
        keep: usize,
    },
}

/// A message, or the start of one longer than what was wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// The bytes, head included.
    pub bytes: &'a [u8],
    /// Length of the whole message.
    pub len: u64,
}

/// The bytes begin no message: track is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost;

/// Cuts one direction of a stream into messages. Messages that lie within one chunk are borrowed; of long ones only
/// the start is held.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    held: Vec<u8>,
    /// Bytes of the current message that are passed over.
    skip: u64,
    /// `held` was given out by the last call and goes with the next.
    spent: bool,
}

impl Heap for Frames {
    fn heap_len(&self) -> usize {
        block_len(self.held.capacity())
    }
}

impl Frames {
    /// The next message of held bytes and `input`, which advances behind it; `None` when `input` is used up.
    pub fn next<'s, 'a: 's>(
        &'s mut self,
        input: &mut &'a [u8],
        head: impl Fn(&[u8]) -> Head,
    ) -> Result<Option<Frame<'s>>, Lost> {
        if std::mem::take(&mut self.spent) {
            reuse(&mut self.held);
        }
        self.pass_over(input);
        if self.held.is_empty() {
            if input.is_empty() {
                return Ok(None);
            }
            if let Head::Message { len, keep } = head(input) {
                let wanted = wanted(len, keep);
                if let Some((bytes, rest)) = input.split_at_checked(wanted) {
                    *input = rest;
                    self.skip = len.saturating_sub(wanted as u64);
                    return Ok(Some(Frame { bytes, len }));
                }
            }
        }
        self.hold(input, head)
    }

    /// Moves bytes from `input` to what is held until that is a message.
    fn hold(&mut self, input: &mut &[u8], head: impl Fn(&[u8]) -> Head) -> Result<Option<Frame<'_>>, Lost> {
        loop {
            let (target, whole) = match head(&self.held) {
                Head::Message { len, keep } => (wanted(len, keep), Some(len)),
                Head::Bad if !self.held.is_empty() => return Err(Lost),
                _ if self.held.len() >= MAX_HEAD_LEN => return Err(Lost),
                _ => (self.held.len() + 1, None),
            };
            let missing = target.saturating_sub(self.held.len());
            let (new, rest) = input.split_at_checked(missing).unwrap_or((input, &[]));
            self.held.extend_from_slice(new);
            *input = rest;
            if new.len() < missing {
                return Ok(None);
            }
            if let Some(len) = whole {
                self.skip = len.saturating_sub(self.held.len() as u64);
                self.spent = true;
                return Ok(Some(Frame { bytes: &self.held, len }));
            }
        }
    }

    fn pass_over(&mut self, input: &mut &[u8]) {
        let n = usize::try_from(self.skip).unwrap_or(usize::MAX).min(input.len());
        *input = input.get(n..).unwrap_or(&[]);
        self.skip -= n as u64;
    }

    /// `len` bytes are missing. True if they all belonged to what is passed over; else what follows is taken for the
    /// start of a message.
    pub fn gap(&mut self, len: u64) -> bool {
        if std::mem::take(&mut self.spent) {
            reuse(&mut self.held);
        }
        if self.held.is_empty() && self.skip >= len {
            self.skip -= len;
            return true;
        }
        self.clear();
        false
    }

    /// Forgets the current message.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Gives back a buffer whose message was used up; to be called when a chunk is done.
    pub fn rest(&mut self) {
        if std::mem::take(&mut self.spent) {
            reuse(&mut self.held);
        }
    }
}

/// How many bytes of a message are taken; never none.
fn wanted(len: u64, keep: usize) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX).min(keep).max(1)
}

/// The first `max` bytes of `bytes`.
pub(crate) fn cut(bytes: &[u8], max: usize) -> Text {
    bytes.get(..max).unwrap_or(bytes).into()
}

/// The bytes up to the first NUL of `bytes` and those after it; all and nothing if there is none.
pub(crate) fn nul_string(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(0, bytes) {
        Some(at) => (bytes.get(..at).unwrap_or(bytes), bytes.get(at + 1..).unwrap_or(&[])),
        None => (bytes, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length byte before the content, of which at most three bytes are wanted; 0 is no length.
    fn head(bytes: &[u8]) -> Head {
        match bytes.first() {
            None => Head::More,
            Some(0) => Head::Bad,
            Some(n) => Head::Message { len: u64::from(*n), keep: 3 },
        }
    }

    fn all(chunks: &[&[u8]]) -> (Vec<(Vec<u8>, u64)>, bool) {
        let (mut frames, mut out) = (Frames::default(), Vec::new());
        for chunk in chunks {
            let mut input = *chunk;
            loop {
                match frames.next(&mut input, head) {
                    Ok(Some(frame)) => out.push((frame.bytes.to_vec(), frame.len)),
                    Ok(None) => break,
                    Err(Lost) => return (out, true),
                }
            }
            assert!(input.is_empty());
            frames.rest();
        }
        (out, false)
    }

    #[test]
    fn any_split_gives_the_same_messages() {
        let bytes = [2, 9, 1, 6, 1, 2, 3, 4, 5, 3, 7, 7, 5, 1];
        let want = all(&[&bytes]);
        assert_eq!(want.0, [(vec![2, 9], 2), (vec![1], 1), (vec![6, 1, 2], 6), (vec![3, 7, 7], 3)]);
        for at in 0..bytes.len() {
            assert_eq!(all(&[&bytes[..at], &bytes[at..]]), want, "{at}");
        }
        assert_eq!(all(&bytes.chunks(1).collect::<Vec<_>>()), want);
    }

    #[test]
    fn rejects_what_begins_no_message() {
        assert!(all(&[&[1, 0, 1]]).1);
        assert!(all(&[&[1], &[0], &[1]]).1);
    }

    #[test]
    fn a_gap_in_what_is_passed_over_loses_nothing() {
        let mut frames = Frames::default();
        let mut input = &[9u8, 1, 2, 3][..];
        assert_eq!(frames.next(&mut input, head), Ok(Some(Frame { bytes: &[9, 1, 2], len: 9 })));
        assert_eq!(frames.next(&mut input, head), Ok(None));
        assert!(frames.gap(4));
        let mut input = &[4u8, 1, 7][..];
        assert_eq!(frames.next(&mut input, head), Ok(Some(Frame { bytes: &[1], len: 1 })));
        assert_eq!(frames.next(&mut input, head), Ok(None));
        assert!(!frames.gap(1), "within a message");
    }
}
