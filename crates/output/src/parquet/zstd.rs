//! Pages as Zstandard frames (RFC 8878), by `ruzstd`: the encoder is there already with the decoder that captures need.

use ruzstd::encoding::{CompressionLevel, FrameCompressor, MatchGeneratorDriver};
use std::io::Cursor;

type Encoder = FrameCompressor<Cursor<Vec<u8>>, Vec<u8>, MatchGeneratorDriver>;

/// Bytes that the two encoders take: a window of 128 KiB and a place for each of its bytes.
pub const HELD_LEN: usize = 2 << 20;

/// Shorter pages have an encoder of their own: between pages an encoder clears as many places as its longest page had.
const SHORT_LEN: usize = 16 << 10;

/// Bytes of a block at most (RFC 8878 §3.1.1.2.4).
const BLOCK_LEN: usize = 128 << 10;

/// Turns pages into frames.
pub struct Zstd {
    short: Encoder,
    long: Encoder,
}

impl Default for Zstd {
    fn default() -> Self {
        Self { short: encoder(), long: encoder() }
    }
}

fn encoder() -> Encoder {
    FrameCompressor::new(CompressionLevel::Fastest)
}

impl Zstd {
    /// Replaces `out` by a frame with the bytes of `page`.
    pub fn compress(&mut self, page: &mut Vec<u8>, out: &mut Vec<u8>) {
        let encoder = if page.len() < SHORT_LEN { &mut self.short } else { &mut self.long };
        out.clear();
        encoder.set_source(Cursor::new(std::mem::take(page)));
        encoder.set_drain(std::mem::take(out));
        encoder.compress();
        // The buffers come back, for the next page.
        *page = encoder.set_source(Cursor::default()).unwrap_or_default().into_inner();
        *out = encoder.set_drain(Vec::new()).unwrap_or_default();
    }
}

/// Replaces `out` by a frame with the bytes of `page` as they are.
pub fn store(page: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&0xfd2f_b528_u32.to_le_bytes());
    // One segment, whose size follows in four bytes; no checksum, no dictionary (§3.1.1.1).
    out.push(0b1010_0000);
    out.extend_from_slice(&u32::try_from(page.len()).unwrap_or(u32::MAX).to_le_bytes());
    let mut blocks = page.chunks(BLOCK_LEN);
    let mut block = blocks.next().unwrap_or_default();
    loop {
        let next = blocks.next();
        // Three bytes: is it the last, of which type (0: as it is), how long.
        let head = u32::from(next.is_none()) | (block.len() as u32) << 3;
        out.extend_from_slice(&head.to_le_bytes()[..3]);
        out.extend_from_slice(block);
        match next {
            Some(next) => block = next,
            None => return,
        }
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
        for len in [0, 1, 5, 100, 1023, 1025, 5000, SHORT_LEN, 100_000, BLOCK_LEN, BLOCK_LEN + 1, 400_000, 3] {
            for mask in [0, 1, 3, 0xff] {
                let mut page: Vec<u8> = std::iter::repeat_with(|| {
                    v = v.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (v >> 24) as u8 & mask
                })
                .take(len)
                .collect();
                let want = page.clone();
                zstd.compress(&mut page, &mut frame);
                assert!(unzstd(&frame) == want, "{len} {mask}");
                assert!(mask == 0xff || len < 5000 || frame.len() * 2 < len, "{len} {mask}: {}", frame.len());
                store(&want, &mut frame);
                assert!(unzstd(&frame) == want, "{len} {mask}");
            }
        }
    }
}
