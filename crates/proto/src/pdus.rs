//! Binary messages in a byte stream, each of which tells its length near its beginning.

use crate::Held;
use sekisho_types::Heap;

/// What the first bytes of a message tell about its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// More bytes are needed to know.
    More,
    /// The whole message has so many bytes.
    Whole(usize),
    /// No message begins like this.
    Broken,
}

/// What comes next in a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next<'a> {
    /// A message, or as much of it as is kept.
    Message(&'a [u8]),
    /// Bytes that begin no message.
    Lost,
}

/// Track that is lost stays lost.
pub(crate) fn never(_: &[u8]) -> Extent {
    Extent::Broken
}

/// One direction's messages, of which at most `MAX` bytes are kept; what is behind these is skipped.
#[derive(Debug, Default)]
pub(crate) struct Frames<const MAX: usize> {
    held: Held,
    /// Bytes still to be dropped of a message that was handed out or has a hole.
    skip: usize,
    /// Track was lost: no message's beginning is known.
    lost: bool,
    /// Bytes passed over in search of a beginning.
    searched: usize,
}

/// Bytes of one direction that are passed over in search of a message's beginning before it is given up.
pub(crate) const MAX_SEARCH_LEN: usize = 1 << 14;

impl<const MAX: usize> Heap for Frames<MAX> {
    fn heap_len(&self) -> usize {
        self.held.heap_len()
    }
}

impl<const MAX: usize> Frames<MAX> {
    /// Adds bytes and hands every message to `next` whose first `MAX` bytes are there. Where track is lost, `next` is
    /// told so, and the next beginning is taken that `surely` finds to be one. When `next` says false, nothing is
    /// looked at any more.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        extent: fn(&[u8]) -> Extent,
        surely: fn(&[u8]) -> Extent,
        mut next: impl FnMut(Next<'_>) -> bool,
    ) {
        let dropped = self.skip.min(bytes.len());
        self.skip -= dropped;
        let bytes = bytes.get(dropped..).unwrap_or(&[]);
        if self.is_lost() || bytes.is_empty() {
            return;
        }
        let joined = self.held.join(bytes);
        let mut consumed = 0;
        while let Some(rest) = joined.get(consumed..).filter(|rest| !rest.is_empty()) {
            let len = match if self.lost { surely(rest) } else { extent(rest) } {
                Extent::More => break,
                Extent::Whole(len) => len.max(1),
                Extent::Broken => {
                    self.searched += 1;
                    if !std::mem::replace(&mut self.lost, true) && !next(Next::Lost) || self.is_lost() {
                        return self.give_up();
                    }
                    consumed += 1;
                    continue;
                }
            };
            let Some(kept) = rest.get(..len.min(MAX)) else { break };
            self.lost = false;
            if !next(Next::Message(kept)) {
                return self.give_up();
            }
            let there = len.min(rest.len());
            consumed += there;
            self.skip = len - there;
        }
        if !self.held.keep(joined, consumed, MAX) {
            next(Next::Lost);
            self.give_up();
        }
    }

    /// Nothing is looked at any more.
    fn give_up(&mut self) {
        self.lost = true;
        self.searched = MAX_SEARCH_LEN;
    }

    /// `len` bytes are missing here: what was held of a message is given back, the next message begins where this
    /// one's length says, else behind the hole.
    pub(crate) fn gap(&mut self, len: u64, extent: fn(&[u8]) -> Extent) -> Vec<u8> {
        let partial = self.take_partial();
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let expected = if partial.is_empty() {
            self.skip
        } else if let Extent::Whole(whole) = extent(&partial) {
            whole.saturating_sub(partial.len())
        } else {
            0
        };
        self.skip = expected.saturating_sub(len);
        partial
    }

    /// Gives back what is held of an incomplete message.
    pub(crate) fn take_partial(&mut self) -> Vec<u8> {
        let partial = self.held.join(&[]).to_vec();
        self.held.clear();
        partial
    }

    /// How many bytes of an incomplete message are held.
    pub(crate) fn partial_len(&self) -> usize {
        self.held.len()
    }

    /// Was track lost for good?
    pub(crate) const fn is_lost(&self) -> bool {
        self.lost && self.searched >= MAX_SEARCH_LEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length of one byte that counts itself; 0 is no message.
    fn extent(bytes: &[u8]) -> Extent {
        match bytes.first() {
            None => Extent::More,
            Some(0) => Extent::Broken,
            Some(n) => Extent::Whole(usize::from(*n)),
        }
    }

    /// Messages as they are, `?` where track was lost; `!` stops.
    fn feed<const MAX: usize>(frames: &mut Frames<MAX>, bytes: &[u8], surely: fn(&[u8]) -> Extent) -> Vec<Vec<u8>> {
        let mut got = Vec::new();
        frames.feed(bytes, extent, surely, |next| {
            let Next::Message(m) = next else {
                got.push(b"?".to_vec());
                return true;
            };
            got.push(m.to_vec());
            m != b"\x02!"
        });
        got
    }

    fn check(chunks: &[&[u8]], want: &[&[u8]]) {
        let mut frames = Frames::<4>::default();
        let got: Vec<Vec<u8>> = chunks.iter().flat_map(|c| feed(&mut frames, c, never)).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn parses_messages_whatever_the_split() {
        let stream = [2, b'a', 1, 6, b'b', b'c', b'd', b'e', b'f', 3, b'g', b'h'];
        let want: [&[u8]; 4] = [b"\x02a", b"\x01", b"\x06bcd", b"\x03gh"];
        for cut in 0..stream.len() {
            check(&[&stream[..cut], &stream[cut..]], &want);
        }
        check(&stream.chunks(1).collect::<Vec<_>>(), &want);
    }

    #[test]
    fn rejects_once() {
        check(&[b"\x02a\x00b", b"\x02a"], &[b"\x02a", b"?"]);
        check(&[b"\x02a\x02!\x02b", b"\x02c"], &[b"\x02a", b"\x02!"]);
    }

    #[test]
    fn limits_the_search_for_the_next_beginning() {
        let surely = |b: &[u8]| match b {
            [2, b'+', ..] => Extent::Whole(2),
            [2] => Extent::More,
            _ => Extent::Broken,
        };
        let mut frames = Frames::<8>::default();
        assert_eq!(feed(&mut frames, b"\x02a\x00\x02b\x02", surely), [b"\x02a".as_slice(), b"?"]);
        assert_eq!(feed(&mut frames, b"+\x02c", surely), [b"\x02+", b"\x02c"]);
        assert_eq!(feed(&mut frames, &[0; 2 * MAX_SEARCH_LEN], surely), [b"?"]);
        assert!(frames.is_lost() && feed(&mut frames, b"\x02+", surely).is_empty());
    }

    #[test]
    fn limits_what_a_hole_costs() {
        let mut frames = Frames::<8>::default();
        assert!(feed(&mut frames, b"\x05ab", never).is_empty());
        assert_eq!(frames.gap(1, extent), b"\x05ab");
        assert_eq!(feed(&mut frames, b"d\x02x", never), [b"\x02x"], "what is left of the message is skipped");
        assert_eq!(frames.gap(9, extent), b"");
        assert_eq!(feed(&mut frames, b"\x02y", never), [b"\x02y"]);
    }
}
