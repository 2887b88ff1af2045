//! Messages whose first bytes tell their length, out of any split of a stream.
//!
//! [`Frames`] cuts one direction into messages. A protocol whose whole stream is made of them is [`Framed`]: [`feed`]
//! and [`gap`] do for it what is the same for all.

use crate::Cx;
use crate::stream::reuse;
use sekisho_record::Text;
use sekisho_types::{Dir, Heap, block_len};

/// Longest start of a message that may be needed to learn its length, in bytes.
const MAX_HEAD_LEN: usize = 64;
/// Bytes of one direction that are passed over in search of a message's beginning before it is given up.
pub(crate) const MAX_SEARCH_LEN: u32 = 1 << 14;

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

impl Head {
    /// A message of `len` bytes, all of which are wanted.
    pub const fn whole(len: usize) -> Self {
        Self::Message { len: len as u64, keep: len }
    }

    /// The same, but no more than `max` bytes are wanted.
    pub const fn at_most(self, max: usize) -> Self {
        match self {
            Self::Message { len, keep } if keep > max => Self::Message { len, keep: max },
            other => other,
        }
    }

    /// Is it a message of exactly `n` bytes?
    pub const fn is_of(self, n: usize) -> bool {
        matches!(self, Self::Message { len, .. } if len == n as u64)
    }
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
/// the start is held. Where track is lost the next beginning is searched for, if the caller goes on.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    held: Vec<u8>,
    /// Bytes of the current message that are passed over.
    skip: u64,
    /// Bytes passed over in search of a beginning.
    searched: u32,
    /// No message's beginning is known.
    lost: bool,
    /// `held` was given out by the last call and goes with the next.
    spent: bool,
}

impl Heap for Frames {
    fn heap_len(&self) -> usize {
        block_len(self.held.capacity())
    }
}

impl Frames {
    /// The next message of held bytes and `input`, which advances behind it; `None` when `input` is used up. After
    /// [`Lost`] the next call passes over bytes until `head` knows a message.
    pub fn next<'s, 'a: 's>(
        &'s mut self,
        input: &mut &'a [u8],
        head: impl Fn(&[u8]) -> Head,
    ) -> Result<Option<Frame<'s>>, Lost> {
        self.rest();
        self.pass_over(input);
        while self.held.is_empty() {
            if input.is_empty() || self.is_given_up() {
                *input = &[];
                return Ok(None);
            }
            match head(input) {
                Head::Message { len, keep } => {
                    let wanted = wanted(len, keep);
                    let Some((bytes, rest)) = input.split_at_checked(wanted) else { break };
                    *input = rest;
                    self.found(len, wanted);
                    return Ok(Some(Frame { bytes, len }));
                }
                Head::More => break,
                Head::Bad if !std::mem::replace(&mut self.lost, true) => return Err(Lost),
                Head::Bad => {
                    self.searched += 1;
                    *input = input.get(1..).unwrap_or(&[]);
                }
            }
        }
        let len = self.hold(input, head)?;
        Ok(len.map(|len| Frame { bytes: &self.held, len }))
    }

    /// Moves bytes from `input` to what is held until that is a message; its length.
    fn hold(&mut self, input: &mut &[u8], head: impl Fn(&[u8]) -> Head) -> Result<Option<u64>, Lost> {
        loop {
            let (target, whole) = match head(&self.held) {
                Head::Message { len, keep } => (wanted(len, keep), Some(len)),
                Head::More if self.held.len() < MAX_HEAD_LEN => (self.held.len() + 1, None),
                _ if self.held.is_empty() => (1, None),
                _ if !std::mem::replace(&mut self.lost, true) => return Err(Lost),
                _ => {
                    self.searched += 1;
                    self.held.remove(0);
                    if self.is_given_up() {
                        self.give_up();
                        *input = &[];
                        return Ok(None);
                    }
                    continue;
                }
            };
            let missing = target.saturating_sub(self.held.len());
            let (new, rest) = input.split_at_checked(missing).unwrap_or((input, &[]));
            self.held.extend_from_slice(new);
            *input = rest;
            if new.len() < missing {
                return Ok(None);
            }
            if let Some(len) = whole {
                self.found(len, self.held.len());
                self.spent = true;
                return Ok(Some(len));
            }
        }
    }

    /// A message of `len` bytes was found, of which `there` are given out.
    fn found(&mut self, len: u64, there: usize) {
        self.lost = false;
        self.skip = len.saturating_sub(there as u64);
    }

    fn pass_over(&mut self, input: &mut &[u8]) {
        let n = usize::try_from(self.skip).unwrap_or(usize::MAX).min(input.len());
        *input = input.get(n..).unwrap_or(&[]);
        self.skip -= n as u64;
    }

    /// `len` bytes are missing. The next message begins where the current one's length says, else behind the hole.
    /// True if nothing is lost: they all belonged to what is passed over.
    pub fn gap(&mut self, len: u64, head: impl Fn(&[u8]) -> Head) -> bool {
        self.rest();
        let (left, nothing_lost) = match head(&self.held) {
            _ if self.held.is_empty() => (self.skip, self.skip >= len),
            Head::Message { len, .. } => (len.saturating_sub(self.held.len() as u64), false),
            _ => (0, false),
        };
        self.held = Vec::new();
        self.skip = left.saturating_sub(len);
        nothing_lost
    }

    /// What is held of an incomplete message.
    pub fn partial(&self) -> &[u8] {
        if self.spent { &[] } else { &self.held }
    }

    /// Was track lost, and no message found since?
    pub const fn is_lost(&self) -> bool {
        self.lost
    }

    /// Is nothing looked at any more?
    pub const fn is_given_up(&self) -> bool {
        self.lost && self.searched >= MAX_SEARCH_LEN
    }

    /// Nothing is looked at any more.
    pub fn give_up(&mut self) {
        *self = Self { lost: true, searched: MAX_SEARCH_LEN, ..Self::default() };
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

/// A parser both of whose directions are nothing but messages.
pub(crate) trait Framed {
    /// Where the messages of `dir` are cut.
    fn frames(&mut self, dir: Dir) -> &mut Frames;

    /// What do `bytes` of `dir` begin?
    fn head(&self, dir: Dir, bytes: &[u8]) -> Head;

    /// As [`Framed::head`] in the midst of unknown bytes: a message only where that is hardly chance.
    fn surely(&self, _dir: Dir, _bytes: &[u8]) -> Head {
        Head::Bad
    }

    /// A message, behind which `left` bytes of the chunk follow. False if nothing more shall be looked at.
    fn message(&mut self, dir: Dir, frame: Frame<'_>, left: usize, cx: &mut Cx<'_>) -> bool;

    /// Track is lost. True if the next beginning shall be searched for.
    fn lost(&mut self, dir: Dir, cx: &mut Cx<'_>) -> bool;
}

/// Hands the messages that `input` completes to `parser`.
pub(crate) fn feed<P: Framed>(parser: &mut P, dir: Dir, mut input: &[u8], cx: &mut Cx<'_>) {
    let mut frames = std::mem::take(parser.frames(dir));
    loop {
        let lost = frames.is_lost();
        let head = |b: &[u8]| if lost { parser.surely(dir, b) } else { parser.head(dir, b) };
        let goes_on = match frames.next(&mut input, head) {
            Ok(Some(frame)) => parser.message(dir, frame, input.len(), cx),
            Ok(None) => break,
            Err(Lost) => parser.lost(dir, cx),
        };
        if !goes_on {
            frames.give_up();
        }
    }
    frames.rest();
    *parser.frames(dir) = frames;
}

/// `len` bytes of `dir` are missing, see [`Frames::gap`].
pub(crate) fn gap<P: Framed>(parser: &mut P, dir: Dir, len: u64) -> bool {
    let mut frames = std::mem::take(parser.frames(dir));
    let nothing_lost = frames.gap(len, |b| parser.head(dir, b));
    *parser.frames(dir) = frames;
    nothing_lost
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
            Some(n) => Head::whole(usize::from(*n)).at_most(3),
        }
    }

    /// Messages of two bytes whose content is `+`.
    fn surely(bytes: &[u8]) -> Head {
        match bytes {
            [2, b'+', ..] => Head::whole(2),
            [2] => Head::More,
            _ => Head::Bad,
        }
    }

    /// The messages with their lengths; an empty one where track was lost.
    fn feed(frames: &mut Frames, chunk: &[u8], go_on: bool) -> Vec<(Vec<u8>, u64)> {
        let (mut input, mut out) = (chunk, Vec::new());
        loop {
            let told = if frames.is_lost() { surely } else { head };
            match frames.next(&mut input, told) {
                Ok(Some(frame)) => out.push((frame.bytes.to_vec(), frame.len)),
                Ok(None) => break,
                Err(Lost) => {
                    out.push((Vec::new(), 0));
                    if !go_on {
                        frames.give_up();
                    }
                }
            }
        }
        assert!(input.is_empty());
        frames.rest();
        out
    }

    fn all(chunks: &[&[u8]], go_on: bool) -> Vec<(Vec<u8>, u64)> {
        let mut frames = Frames::default();
        chunks.iter().flat_map(|chunk| feed(&mut frames, chunk, go_on)).collect()
    }

    fn check_splits(bytes: &[u8], go_on: bool, want: &[(Vec<u8>, u64)]) {
        for at in 0..=bytes.len() {
            assert_eq!(all(&[&bytes[..at], &bytes[at..]], go_on), want, "{at}");
        }
        assert_eq!(all(&bytes.chunks(1).collect::<Vec<_>>(), go_on), want);
    }

    #[test]
    fn any_split_gives_the_same_messages() {
        let bytes = [2, 9, 1, 6, 1, 2, 3, 4, 5, 3, 7, 7, 5, 1];
        check_splits(&bytes, false, &[(vec![2, 9], 2), (vec![1], 1), (vec![6, 1, 2], 6), (vec![3, 7, 7], 3)]);
    }

    #[test]
    fn rejects_what_begins_no_message_once() {
        check_splits(&[1, 0, 1, 0, 2, b'+'], false, &[(vec![1], 1), (vec![], 0)]);
    }

    #[test]
    fn finds_the_next_beginning() {
        let bytes = [2, 7, 0, 2, 9, 2, b'+', 2, 8, 0];
        let want = [(vec![2, 7], 2), (vec![], 0), (vec![2, b'+'], 2), (vec![2, 8], 2), (vec![], 0)];
        check_splits(&bytes, true, &want);
    }

    #[test]
    fn limits_the_search_for_the_next_beginning() {
        let garbage = vec![0; 2 * MAX_SEARCH_LEN as usize];
        for chunk_len in [1, 7, garbage.len()] {
            let mut frames = Frames::default();
            let found: usize = garbage.chunks(chunk_len).map(|c| feed(&mut frames, c, true).len()).sum();
            assert!(found == 1 && frames.is_given_up());
            assert!(feed(&mut frames, b"\x02+", true).is_empty());
        }
    }

    #[test]
    fn a_gap_in_what_is_passed_over_loses_nothing() {
        let mut frames = Frames::default();
        assert_eq!(feed(&mut frames, &[9, 1, 2, 3], false), [(vec![9, 1, 2], 9)]);
        assert!(frames.gap(4, head));
        assert_eq!(feed(&mut frames, &[4, 1, 7], false), [(vec![1], 1)]);
        assert!(!frames.gap(1, head), "within a message");
    }

    #[test]
    fn after_a_gap_the_message_s_length_tells_where_the_next_begins() {
        let mut frames = Frames::default();
        assert!(feed(&mut frames, &[5, 1], false).is_empty());
        assert_eq!(frames.partial(), [5, 1]);
        assert!(!frames.gap(2, head) && frames.partial().is_empty());
        assert_eq!(feed(&mut frames, &[9, 2, 8], false), [(vec![2, 8], 2)]);
        assert!(!frames.gap(9, head));
        assert_eq!(feed(&mut frames, &[2, 6], false), [(vec![2, 6], 2)]);
    }
}
