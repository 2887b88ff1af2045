//! Capped, streaming decompression: the only place where raw decompressors are used.
//!
//! An [`Inflater`] takes compressed bytes in pieces as they arrive and hands out decoded bytes at
//! once. It knows no protocol, file or clock. Whatever the input, it stops at its [`Limits`]: decoded
//! bytes, ratio of decoded to compressed bytes, memory for windows and blocks. What was decoded
//! before damage, a cut or a limit has been handed out.
//!
//! | coding | decoder | why |
//! |---|---|---|
//! | gzip (RFC 1952, many members), zlib (RFC 1950), deflate (RFC 1951) | `flate2` on `zlib-rs` | Rust all through, fastest of the safe ones, push interface |
//! | Deflate64 (ZIP) | `deflate64` | push interface, no unsafe code |
//! | br (RFC 7932) | `brotli-decompressor` | the only maintained one; no unsafe code in this build, push interface |
//! | zstd (RFC 8878) | `ruzstd`, fed block by block | no C; the block is the unit that bounds its output |
//! | bzip2 | `bzip2` on `libbz2-rs-sys` | Rust all through, push interface |
//! | lz4 frames | `lz4_flex` for blocks, own framing | the crate's frame reader pulls, and would block |
//! | lzma, xz | own | the crates pull and can't pause inside a range-coded stream |
//! | MSZIP (cabinets) | `flate2`, own framing | blocks refer to the one before |
//! | LZX (cabinets) | own | the one crate has assertions that hostile input can reach |
//! | PPMd variant H (7z) | `ppmd-rust`, all input held | pulls, and can't pause |
//! | RAR archives ([`rar`]) | `rars`, all of the archive held | the one maintained reader; Rust all through, no unsafe code |
//! | compress (LZW, `.Z`) | own | no maintained crate reads the UNIX variant |
//!
//! Checksums: those of gzip, zlib, bzip2 are verified by their decoders; those of zstd, lz4 and xz are skipped,
//! since TCP and the file's own hash tell as much.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::cast_possible_truncation
    )
)]

mod brotli;
mod bzip;
mod deflate;
mod deflate64;
mod lz4;
mod lzma;
mod lzw;
mod lzx;
mod mszip;
mod ppmd;
pub mod rar;
mod sink;
#[cfg(test)]
mod tests;
mod xz;
mod zstd;

use sink::{Sink, Step};

/// A compression format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// Brotli (RFC 7932), HTTP's `br`.
    Brotli,
    /// bzip2, one or more streams.
    Bzip2,
    /// UNIX `compress` (LZW, `.Z`), HTTP's `compress` and `x-compress`.
    Compress,
    /// HTTP's `deflate`: zlib or raw deflate, told apart by the first two bytes.
    Deflate,
    /// Raw Deflate64, of ZIP files.
    Deflate64,
    /// gzip (RFC 1952), one or more members; HTTP's `gzip` and `x-gzip`.
    Gzip,
    /// LZ4 frames, one or more.
    Lz4,
    /// A `.lzma` file.
    Lzma,
    /// The data blocks of a cabinet with LZX (MS-PATCH §2), each with its header.
    Lzx {
        /// Size of the window as a power of two, 15 to 21.
        window_power: u8,
    },
    /// The data blocks of a cabinet with MSZIP, each with its header.
    MsZip,
    /// PPMd variant H with 7-Zip's range coder, which has no end of its own.
    Ppmd {
        /// Bytes of context, 2 to 64.
        order: u8,
        /// Memory of the model.
        memory_len: u32,
        /// Unpacked length.
        len: u64,
    },
    /// Raw deflate (RFC 1951).
    RawDeflate,
    /// xz, one or more streams.
    Xz,
    /// zlib (RFC 1950).
    Zlib,
    /// Zstandard (RFC 8878), one or more frames.
    Zstd,
}

impl Coding {
    /// For a token of HTTP's Content-Encoding or Transfer-Encoding, in any case; `None` if unknown or `identity`.
    pub fn from_http(token: &[u8]) -> Option<Self> {
        const TOKENS: [(&str, Coding); 12] = [
            ("br", Coding::Brotli),
            ("bzip2", Coding::Bzip2),
            ("compress", Coding::Compress),
            ("deflate", Coding::Deflate),
            ("gzip", Coding::Gzip),
            ("lzma", Coding::Lzma),
            ("x-bzip2", Coding::Bzip2),
            ("x-compress", Coding::Compress),
            ("x-deflate", Coding::Deflate),
            ("x-gzip", Coding::Gzip),
            ("xz", Coding::Xz),
            ("zstd", Coding::Zstd),
        ];
        let token = token.trim_ascii();
        TOKENS.iter().find(|(name, _)| token.eq_ignore_ascii_case(name.as_bytes())).map(|(_, c)| *c)
    }

    /// By a stream's first bytes, for formats that can be told; `None` if too few bytes or none fits.
    pub fn from_magic(head: &[u8]) -> Option<Self> {
        const MAGICS: [(&[u8], Coding); 6] = [
            (b"BZh", Coding::Bzip2),
            (b"\x1f\x9d", Coding::Compress),
            (b"\x1f\x8b\x08", Coding::Gzip),
            (b"\x04\x22\x4d\x18", Coding::Lz4),
            (b"\xfd7zXZ\0", Coding::Xz),
            (b"\x28\xb5\x2f\xfd", Coding::Zstd),
        ];
        MAGICS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, c)| *c)
    }
}

/// What one stream may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Decoded bytes handed out at most.
    pub output_len: u64,
    /// Decoded bytes per compressed byte at most, looked at only above `ratio_from_len` decoded bytes.
    pub ratio: u64,
    /// See `ratio`.
    pub ratio_from_len: u64,
    /// Bytes for window and block buffers at most; a stream that asks for more is refused.
    pub memory_len: usize,
}

impl Default for Limits {
    /// 1 GiB out, 500:1 above 64 MiB, 32 MiB of memory.
    fn default() -> Self {
        Self { output_len: 1 << 30, ratio: 500, ratio_from_len: 64 << 20, memory_len: 32 << 20 }
    }
}

/// Why an [`Inflater`] stopped for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stop {
    /// The input is not what its coding asks for.
    Corrupt,
    /// The stream needs more memory than [`Limits::memory_len`].
    OverMemory,
    /// [`Limits::output_len`] was handed out and there is more.
    OverOutput,
    /// The ratio passed [`Limits::ratio`]: a decompression bomb.
    OverRatio,
    /// The stream uses a part of its format that isn't decoded here: xz filters other than LZMA2.
    Unsupported,
}

/// How a call of [`Inflater::push`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// All input was taken; the stream goes on.
    Progress,
    /// The stream is over. The last `trailing` bytes of this input don't belong to it. Formats of several
    /// members may go on with the next push; if they don't, all of it is `trailing`.
    Finished {
        /// Bytes at the end of the input that were not taken.
        trailing: usize,
    },
    /// No more will come, now and later.
    Stopped(Stop),
}

enum Decoder {
    Brotli(Box<brotli::Brotli>),
    Bzip2(Box<bzip::Bzip2>),
    Compress(Box<lzw::Lzw>),
    Deflate(Box<deflate::Deflate>),
    Deflate64(deflate64::Deflate64),
    Lz4(Box<lz4::Lz4>),
    Lzma(Box<lzma::LzmaFile>),
    Lzx(Box<lzx::Lzx>),
    MsZip(Box<mszip::MsZip>),
    Ppmd(Box<ppmd::Ppmd>),
    Xz(Box<xz::Xz>),
    Zstd(Box<zstd::Zstd>),
}

/// A streaming decompressor with limits.
pub struct Inflater {
    decoder: Decoder,
    limits: Limits,
    counts: sink::Counts,
    stopped: Option<Stop>,
    finished: bool,
    /// Where decoders put their output before it is handed on.
    scratch: Box<[u8]>,
}

impl Inflater {
    /// A decompressor for one stream of `coding`.
    pub fn new(coding: Coding, limits: Limits) -> Self {
        let decoder = match coding {
            Coding::Brotli => Decoder::Brotli(Box::new(brotli::Brotli::new(limits.memory_len))),
            Coding::Bzip2 => Decoder::Bzip2(Box::default()),
            Coding::Compress => Decoder::Compress(Box::default()),
            Coding::Deflate => Decoder::Deflate(Box::new(deflate::Deflate::http())),
            Coding::Deflate64 => Decoder::Deflate64(deflate64::Deflate64::new()),
            Coding::Gzip => Decoder::Deflate(Box::new(deflate::Deflate::gzip())),
            Coding::Lz4 => Decoder::Lz4(Box::new(lz4::Lz4::new(limits.memory_len))),
            Coding::Lzma => Decoder::Lzma(Box::new(lzma::LzmaFile::new(limits.memory_len))),
            Coding::Lzx { window_power } => Decoder::Lzx(Box::new(lzx::Lzx::new(window_power))),
            Coding::MsZip => Decoder::MsZip(Box::default()),
            Coding::Ppmd { order, memory_len, len } => {
                Decoder::Ppmd(Box::new(ppmd::Ppmd::new(order, memory_len, len, limits.memory_len)))
            }
            Coding::RawDeflate => Decoder::Deflate(Box::new(deflate::Deflate::raw())),
            Coding::Xz => Decoder::Xz(Box::new(xz::Xz::new(limits.memory_len))),
            Coding::Zlib => Decoder::Deflate(Box::new(deflate::Deflate::zlib())),
            Coding::Zstd => Decoder::Zstd(Box::new(zstd::Zstd::new(limits.memory_len))),
        };
        let scratch = vec![0; sink::CHUNK_LEN].into_boxed_slice();
        Self { decoder, limits, counts: sink::Counts::default(), stopped: None, finished: false, scratch }
    }

    /// Decodes the next piece of the stream and calls `out` with what came of it, in order, in pieces of
    /// the decoder's choice. After [`Outcome::Stopped`] nothing more happens.
    pub fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        if let Some(stop) = self.stopped {
            return Outcome::Stopped(stop);
        }
        if self.finished && input.is_empty() {
            return Outcome::Finished { trailing: 0 };
        }
        let mut sink = Sink::new(&self.limits, &mut self.counts, out);
        let result = match &mut self.decoder {
            Decoder::Brotli(d) => d.push(input, &mut self.scratch, &mut sink),
            Decoder::Bzip2(d) => d.push(input, &mut self.scratch, &mut sink),
            Decoder::Compress(d) => d.push(input, &mut sink),
            Decoder::Deflate(d) => d.push(input, &mut self.scratch, &mut sink),
            Decoder::Deflate64(d) => d.push(input, &mut self.scratch, &mut sink),
            Decoder::Lz4(d) => d.push(input, &mut sink),
            Decoder::Lzma(d) => d.push(input, &mut sink),
            Decoder::Lzx(d) => d.push(input, &mut sink),
            Decoder::MsZip(d) => d.push(input, &mut sink),
            Decoder::Ppmd(d) => d.push(input, &mut sink),
            Decoder::Xz(d) => d.push(input, &mut sink),
            Decoder::Zstd(d) => d.push(input, &mut sink),
        };
        match result {
            Ok(Step::More) => {
                self.finished = false;
                Outcome::Progress
            }
            Ok(Step::End { trailing }) => {
                self.finished = true;
                Outcome::Finished { trailing }
            }
            Err(stop) => {
                self.stopped = Some(stop);
                Outcome::Stopped(stop)
            }
        }
    }

    /// No more input will come: hands out what the decoder still held back. True if the stream was whole.
    pub fn finish(&mut self, out: &mut dyn FnMut(&[u8])) -> bool {
        if self.stopped.is_some() {
            return false;
        }
        let mut sink = Sink::new(&self.limits, &mut self.counts, out);
        let flushed = match &mut self.decoder {
            Decoder::Ppmd(d) => d.decode(&mut self.scratch, &mut sink).map(|whole| self.finished |= whole),
            Decoder::Zstd(d) => d.flush(&mut sink),
            _ => Ok(()),
        };
        self.stopped = flushed.err();
        self.finished && self.stopped.is_none()
    }

    /// Compressed bytes taken so far.
    pub fn input_len(&self) -> u64 {
        self.counts.input
    }

    /// Decoded bytes handed out so far.
    pub fn output_len(&self) -> u64 {
        self.counts.output
    }

    /// Memory that it takes now: state, window, tables, buffers. Of third-party decoders what they are known to
    /// allocate for what the stream asked for.
    pub fn held_len(&self) -> usize {
        let decoder = match &self.decoder {
            Decoder::Brotli(d) => size_of::<brotli::Brotli>() + d.heap_len(),
            Decoder::Bzip2(d) => size_of::<bzip::Bzip2>() + d.heap_len(),
            Decoder::Compress(d) => size_of::<lzw::Lzw>() + d.heap_len(),
            Decoder::Deflate(_) => size_of::<deflate::Deflate>() + deflate::HEAP_LEN,
            Decoder::Deflate64(_) => deflate64::Deflate64::heap_len(),
            Decoder::Lz4(d) => size_of::<lz4::Lz4>() + d.heap_len(),
            Decoder::Lzma(d) => size_of::<lzma::LzmaFile>() + d.heap_len(),
            Decoder::Lzx(d) => size_of::<lzx::Lzx>() + d.heap_len(),
            Decoder::MsZip(d) => size_of::<mszip::MsZip>() + d.heap_len(),
            Decoder::Ppmd(d) => size_of::<ppmd::Ppmd>() + d.heap_len(),
            Decoder::Xz(d) => size_of::<xz::Xz>() + d.heap_len(),
            Decoder::Zstd(d) => size_of::<zstd::Zstd>() + d.heap_len(),
        };
        decoder.saturating_add(self.scratch.len())
    }

    /// Why it stopped, if it did.
    pub fn stopped(&self) -> Option<Stop> {
        self.stopped
    }
}
