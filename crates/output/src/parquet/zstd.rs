//! Pages as Zstandard frames (RFC 8878), by `ruzstd`: the encoder is there already with the decoder that captures need.
//!
//! Each block is a run of the encoder of its own and refers to no other. Two reasons: the encoder of ruzstd 0.9 may refer
//! to a Huffman table that the reader has not seen, if the block that had it did not get shorter and was stored as it is;
//! and bytes that are less than 128 KiB back are enough, as values of one column are much alike.

use ruzstd::encoding::{CompressionLevel, FrameCompressor, Matcher, Sequence};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

type Encoder = FrameCompressor<Cursor<Vec<u8>>, Vec<u8>, Matches>;

/// Bytes that the encoder and the buffers of pages take.
pub const HELD_LEN: usize = 1 << 20;

/// Bytes of a block at most (RFC 8878 §3.1.1.2.4).
const BLOCK_LEN: usize = 128 << 10;

/// What the encoder writes before its first block: magic number, descriptor, window (§3.1.1).
const HEAD_LEN: usize = 6;

/// A block's head (§3.1.1.2).
const BLOCK_HEAD_LEN: usize = 3;

/// Turns pages into frames.
pub struct Zstd {
    encoder: Encoder,
    block: Vec<u8>,
}

impl Default for Zstd {
    fn default() -> Self {
        Self { encoder: encoder(), block: Vec::new() }
    }
}

fn encoder() -> Encoder {
    FrameCompressor::new_with_matcher(Matches::default(), CompressionLevel::Fastest)
}

impl Zstd {
    /// Replaces `out` by a frame with the bytes of `page`.
    pub fn compress(&mut self, page: &[u8], out: &mut Vec<u8>) {
        head(page, out);
        let mut parts = page.chunks(BLOCK_LEN).peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            match self.block(part) {
                Some(block) => {
                    // As the encoder sees it, every block is the last.
                    let at = out.len();
                    out.extend_from_slice(block);
                    out[at] = out[at] & !1 | u8::from(last);
                }
                None => stored_block(part, last, out),
            }
        }
        if page.is_empty() {
            stored_block(&[], true, out);
        }
    }

    /// One block with the bytes of `part`; `None` if the encoder does not get it done.
    fn block(&mut self, part: &[u8]) -> Option<&[u8]> {
        self.block.clear();
        let mut source = self.encoder.set_source(Cursor::default()).unwrap_or_default().into_inner();
        source.clear();
        source.extend_from_slice(part);
        self.encoder.set_source(Cursor::new(source));
        self.encoder.set_drain(std::mem::take(&mut self.block));
        // It asserts what it takes for granted about its tables. Should it be wrong, a page is longer, not the run over.
        if catch_unwind(AssertUnwindSafe(|| self.encoder.compress())).is_err() {
            self.encoder = encoder();
            return None;
        }
        self.block = self.encoder.set_drain(Vec::new()).unwrap_or_default();
        let block = self.block.get(HEAD_LEN..)?;
        let [a, b, c, ..] = *block else { return None };
        let head = u32::from_le_bytes([a, b, c, 0]);
        // Of a byte that repeats the head tells how often (type 1). Behind the block there is a checksum if another crate
        // asks ruzstd for that.
        let len = if head >> 1 & 3 == 1 { 1 } else { (head >> 3) as usize };
        block.get(..BLOCK_HEAD_LEN + len).filter(|_| head & 1 == 1)
    }
}

/// Replaces `out` by a frame with the bytes of `page` as they are.
pub fn store(page: &[u8], out: &mut Vec<u8>) {
    head(page, out);
    let mut parts = page.chunks(BLOCK_LEN).peekable();
    while let Some(part) = parts.next() {
        stored_block(part, parts.peek().is_none(), out);
    }
    if page.is_empty() {
        stored_block(&[], true, out);
    }
}

fn head(page: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&0xfd2f_b528_u32.to_le_bytes());
    // One segment, whose size follows in four bytes; no checksum, no dictionary (§3.1.1.1).
    out.push(0b1010_0000);
    out.extend_from_slice(&u32::try_from(page.len()).unwrap_or(u32::MAX).to_le_bytes());
}

fn stored_block(bytes: &[u8], last: bool, out: &mut Vec<u8>) {
    // Of type 0: as it is.
    let head = u32::from(last) | (bytes.len() as u32) << 3;
    out.extend_from_slice(&head.to_le_bytes()[..BLOCK_HEAD_LEN]);
    out.extend_from_slice(bytes);
}

/// Finds what has been there before in a block: one place is remembered for each hash of five bytes.
struct Matches {
    /// The block.
    bytes: Vec<u8>,
    /// Places plus `base`.
    table: Vec<u32>,
    /// What is less is of earlier blocks.
    base: u32,
}

const TABLE_BITS: u32 = 14;

/// Shorter ones would not pay.
const MIN_MATCH_LEN: usize = 5;

/// Bytes that are looked at when bytes are compared or hashed.
const WORD_LEN: usize = 8;

/// After so many bytes without a match every second place is looked at, after twice as many every third, and so on.
const PATIENCE: usize = 64;

impl Default for Matches {
    fn default() -> Self {
        Self { bytes: Vec::new(), table: vec![0; 1 << TABLE_BITS], base: 1 }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk::<WORD_LEN>().map(|w| u64::from_le_bytes(*w))
}

/// How many bytes from `a` and from `b` on, which comes later, are the same.
fn same_len(bytes: &[u8], a: usize, b: usize) -> usize {
    let mut len = 0;
    while let (Some(x), Some(y)) = (word(bytes, a + len), word(bytes, b + len)) {
        if x != y {
            return len + ((x ^ y).trailing_zeros() / 8) as usize;
        }
        len += WORD_LEN;
    }
    while bytes.get(b + len).is_some_and(|y| bytes.get(a + len) == Some(y)) {
        len += 1;
    }
    len
}

impl Matches {
    /// The place that was remembered for the bytes at `at`, whose place is remembered now.
    fn swap(&mut self, word: u64, at: usize) -> Option<usize> {
        // Five bytes count.
        let hash = (word << 24).wrapping_mul(0x9e37_79b1_85eb_ca87) >> (u64::BITS - TABLE_BITS);
        let place = self.table.get_mut(hash as usize)?;
        let before = std::mem::replace(place, self.base + at as u32);
        before.checked_sub(self.base).map(|p| p as usize)
    }
}

impl Matcher for Matches {
    fn get_next_space(&mut self) -> Vec<u8> {
        let mut space = std::mem::take(&mut self.bytes);
        space.resize(BLOCK_LEN + 1, 0);
        space
    }

    fn get_last_space(&mut self) -> &[u8] {
        &self.bytes
    }

    fn commit_space(&mut self, space: Vec<u8>) {
        self.bytes = space;
    }

    fn skip_matching(&mut self) {}

    fn start_matching(&mut self, mut handle: impl for<'a> FnMut(Sequence<'a>)) {
        let bytes = std::mem::take(&mut self.bytes);
        let (mut from, mut at) = (0, 0);
        while let Some(here) = word(&bytes, at) {
            let before = self.swap(here, at).map(|place| (place, same_len(&bytes, place, at)));
            let Some((place, match_len)) = before.filter(|(_, len)| *len >= MIN_MATCH_LEN) else {
                at += 1 + (at - from) / PATIENCE;
                continue;
            };
            handle(Sequence::Triple { literals: &bytes[from..at], offset: at - place, match_len });
            at += match_len;
            from = at;
            if let Some(last) = word(&bytes, at - 2) {
                self.swap(last, at - 2);
            }
        }
        if from < bytes.len() {
            handle(Sequence::Literals { literals: &bytes[from..] });
        }
        self.bytes = bytes;
    }

    fn reset(&mut self, _: CompressionLevel) {
        self.base = match self.base.checked_add(2 * BLOCK_LEN as u32) {
            Some(base) if base < u32::MAX / 2 => base,
            _ => {
                self.table.fill(0);
                1
            }
        };
    }

    fn window_size(&self) -> u64 {
        BLOCK_LEN as u64
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::unzstd;
    use super::*;

    #[test]
    fn frames_read_back() {
        let mut zstd = Zstd::default();
        let mut frame = Vec::new();
        let mut v = 1u32;
        for len in [0, 1, 5, 100, 1023, 1025, 5000, 100_000, BLOCK_LEN, BLOCK_LEN + 1, 400_000, 3] {
            for mask in [0, 1, 3, 0x3f, 0xff] {
                let next = || {
                    v = v.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (v >> 24) as u8 & mask
                };
                let page: Vec<u8> = std::iter::repeat_with(next).take(len).collect();
                zstd.compress(&page, &mut frame);
                assert!(unzstd(&frame) == page, "{len} {mask}");
                assert!(mask > 3 || len < 5000 || frame.len() * 2 < len, "{len} {mask}: {}", frame.len());
                assert!(frame.len() < len + 32, "{len} {mask}: {}", frame.len());
                store(&page, &mut frame);
                assert!(unzstd(&frame) == page, "{len} {mask}");
            }
        }
    }

    #[test]
    fn what_repeats_takes_little() {
        let mut zstd = Zstd::default();
        let mut frame = Vec::new();
        let page: Vec<u8> = (0..9_000u32).flat_map(|i| format!("host-{}.example.com", i % 700).into_bytes()).collect();
        zstd.compress(&page, &mut frame);
        assert!(unzstd(&frame) == page);
        assert!(frame.len() * 8 < page.len(), "{} of {}", frame.len(), page.len());
    }

    #[test]
    fn a_block_never_refers_to_another() {
        // Blocks that hardly get shorter, or do not, with bytes of all kinds among themselves.
        let mut zstd = Zstd::default();
        let mut frame = Vec::new();
        let mut v = 7u64;
        for symbols in [150, 200, 230, 250, 256] {
            let next = || {
                v = v.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((v >> 40) % symbols) as u8
            };
            let page: Vec<u8> = std::iter::repeat_with(next).take(5 * BLOCK_LEN + 77).collect();
            zstd.compress(&page, &mut frame);
            assert!(unzstd(&frame) == page, "{symbols}");
        }
    }
}
