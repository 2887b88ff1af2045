//! A content that comes in pieces, searched in windows.

use crate::engine::Resume;
use crate::pattern::Hunt;
use crate::scan::{self, Found};

/// A window: matches that begin in it are found with it. It overlaps the next one by the longest match.
pub const WINDOW_LEN: usize = 16 << 10;
/// Bytes before a window that are kept for words that began there, and for context.
const BACK_LEN: usize = 256;

/// Searches a content. Its windows lie at multiples of [`WINDOW_LEN`] from where it begins, so the hits do not depend on how
/// it is cut.
#[derive(Debug, Default)]
pub struct Stream {
    buf: Vec<u8>,
    /// Offset of the first byte of `buf`.
    base: u64,
    /// Index in `buf` at which the next window begins.
    next: usize,
    /// Behind the last matches.
    resume: Resume,
    depth: usize,
}

impl Stream {
    /// Nothing yet; the content begins at `offset`.
    pub fn new(offset: u64) -> Self {
        Self { base: offset, ..Self::default() }
    }

    /// A content that lies `depth` levels deep already.
    pub(crate) fn within(depth: usize) -> Self {
        Self { depth, ..Self::default() }
    }

    /// Offset from which on hits may still be told.
    pub fn start(&self) -> u64 {
        self.base + self.next as u64
    }

    /// Offset of what comes next.
    pub fn end(&self) -> u64 {
        self.base + self.buf.len() as u64
    }

    /// Memory held.
    pub fn held_len(&self) -> usize {
        self.buf.capacity() + self.resume.held_len()
    }

    /// The next bytes.
    pub fn push(&mut self, hunt: &Hunt, bytes: &[u8], found: &mut Found) {
        let need = WINDOW_LEN + hunt.reach;
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = (self.next + need).saturating_sub(self.buf.len()).max(1);
            let (part, later) = rest.split_at(room.min(rest.len()));
            self.buf.extend_from_slice(part);
            rest = later;
            if self.buf.len() >= self.next + need {
                self.window(hunt, found);
                self.forget();
            }
        }
    }

    /// Nothing follows what came so far; if something does after all, it begins at `offset` and is searched by itself.
    pub fn cut(&mut self, hunt: &Hunt, offset: u64, found: &mut Found) {
        while self.next < self.buf.len() {
            self.window(hunt, found);
        }
        *self = Self { base: offset, depth: self.depth, ..Self::default() };
    }

    fn window(&mut self, hunt: &Hunt, found: &mut Found) {
        let to = (self.next + WINDOW_LEN).min(self.buf.len());
        let end = (self.next + WINDOW_LEN + hunt.reach).min(self.buf.len());
        let bytes = self.buf.get(..end).unwrap_or(&[]);
        scan::window(hunt, bytes, self.next..to, self.base, &mut self.resume, self.depth, found);
        self.next = to;
    }

    /// Drops what no window needs any more.
    fn forget(&mut self) {
        let gone = self.next.saturating_sub(BACK_LEN);
        self.buf.drain(..gone);
        self.base += gone as u64;
        self.next -= gone;
        self.resume.forget(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hit, Options, Pattern};
    use proptest::prelude::*;

    fn hunt() -> Hunt {
        let patterns = vec![
            Pattern::flag(),
            Pattern::fixed("needle").unwrap(),
            Pattern::regex(r"\bid=\d+[a-z]*", false).unwrap(),
            Pattern::hex("ca fe ?? be").unwrap(),
        ];
        Hunt::new(patterns, Options { xor: true, context_len: 8, ..Options::default() }).unwrap()
    }

    fn hits(hunt: &Hunt, pieces: &[&[u8]]) -> Vec<Hit> {
        let (mut stream, mut found) = (Stream::new(0), Found::default());
        for piece in pieces {
            stream.push(hunt, piece, &mut found);
        }
        stream.cut(hunt, 0, &mut found);
        found.hits
    }

    /// Something to be found, with filling before it.
    fn part() -> impl Strategy<Value = Vec<u8>> {
        let found = prop::sample::select(vec![
            &b"flag{over_the_border}"[..],
            b"needle",
            b"id=123456abc",
            b"\xca\xfe\x01\xbe",
            b"ZmxhZ3tuZXN0ZWR9",
            b"eldeen",
            b"%6eeedle",
            b"4f44454e454544",
            b"n\0e\0e\0d\0l\0e\0",
        ]);
        let filling = (0usize..9000, prop::sample::select(vec![b' ', b'a', b'Q', 0, b'%']));
        (filling, found).prop_map(|((len, byte), found)| [&vec![byte; len][..], b" ", found, b" "].concat())
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_hits(
            parts in prop::collection::vec(part(), 1..8),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let content = parts.concat();
            let hunt = hunt();
            let mut at: Vec<usize> = cuts.iter().map(|c| c.index(content.len())).collect();
            at.extend([0, content.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|w| &content[w[0]..w[1]]).collect();
            let whole = hits(&hunt, &[&content]);
            prop_assert_eq!(&hits(&hunt, &pieces), &whole);
            // And each is where it is said to be.
            for hit in whole.iter().filter(|h| h.path.is_empty()) {
                let at = hit.offset as usize;
                prop_assert_eq!(&content[at..at + hit.bytes.len()], &hit.bytes[..]);
            }
        }

        #[test]
        fn plain_hits_are_all_found_once(
            gaps in prop::collection::vec(0usize..20_000, 1..6),
        ) {
            let hunt = Hunt::new(vec![Pattern::fixed("needle").unwrap()], Options::default()).unwrap();
            let (mut content, mut expected) = (Vec::new(), Vec::new());
            for gap in gaps {
                content.resize(content.len() + gap, b'.');
                expected.push(content.len() as u64);
                content.extend_from_slice(b"needle");
            }
            let got: Vec<u64> = hits(&hunt, &[&content]).iter().map(|h| h.offset).collect();
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn finds_what_lies_over_a_border_once() {
        let hunt = hunt();
        for what in [&b"flag{over_the_border}"[..], b"ZmxhZ3tuZXN0ZWR9", b"needle"] {
            for shift in 0..what.len() + 2 {
                let mut content = vec![b'.'; WINDOW_LEN - shift];
                content.extend_from_slice(what);
                content.resize(3 * WINDOW_LEN, b'.');
                let got = hits(&hunt, &[&content]);
                assert_eq!(got.len(), 1, "{} at -{shift}: {got:?}", what.escape_ascii());
                assert_eq!(got[0].offset, (WINDOW_LEN - shift) as u64);
            }
        }
    }

    #[test]
    fn memory_stays_bounded() {
        let (hunt, mut stream, mut found) = (hunt(), Stream::new(0), Found::default());
        for _ in 0..1000 {
            stream.push(&hunt, &[b'.'; 10_000], &mut found);
        }
        assert!(stream.held_len() < 4 * (WINDOW_LEN + hunt.reach), "{}", stream.held_len());
        assert_eq!(stream.end(), 10_000_000);
    }
}
