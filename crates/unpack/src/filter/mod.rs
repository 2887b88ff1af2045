//! What may lie between packed and unpacked bytes: decompressors, ciphers, text encodings, checks.

mod check;
mod cipher;
mod machine;
mod ovba;
mod pdf;
mod text;

use crate::Limits;
use crate::budget::Cut;
use crate::member::Completeness;
use sekisho_inflate::{Coding, Inflater, Stop};

pub(crate) use check::crc32;
pub(crate) use cipher::ZipKeys;
pub(crate) use text::{base32_value, is_base64};

/// One filter and its parameters.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// AES-256-CBC (7z).
    AesCbc {
        key: [u8; 32],
        iv: [u8; 16],
    },
    /// AES in WinZip's counter mode; the authentication code is not looked at.
    AesCtr {
        key: Vec<u8>,
    },
    /// PDF's and PostScript's ASCII85 (ISO 32000-1 §7.4.3).
    Ascii85,
    /// RFC 4648 §6.
    Base32,
    /// RFC 4648 §4 and §5; line ends and spaces are passed over.
    Base64,
    /// Branches of x86 programs (7z's BCJ).
    BranchX86,
    /// Compares a checksum at the end; passes everything on.
    Crc32(u32),
    /// Sums over a distance (7z's Delta).
    Delta(usize),
    /// Hexadecimal digits; other bytes are passed over, `>` ends.
    Hex,
    /// A decompressor; `prefix` goes before what is fed. `open_end` if the stream has no end of its own here.
    Inflate {
        coding: Coding,
        prefix: Vec<u8>,
        open_end: bool,
    },
    /// MS-OVBA §2.4.1.
    Ovba,
    /// PDF's LZW (ISO 32000-1 §7.4.4).
    PdfLzw {
        early: bool,
    },
    /// `%41` and, in forms, `+`.
    Percent,
    /// PNG and TIFF predictors of PDF (ISO 32000-1 §7.4.4.4).
    Predictor {
        png: bool,
        colors: usize,
        bits: usize,
        columns: usize,
    },
    /// RFC 2045 §6.7.
    QuotedPrintable,
    Rot13,
    /// PDF's RunLengthDecode, which is PackBits.
    RunLength,
    /// The first bytes only.
    Take(u64),
    /// UTF-16 as UTF-8, little-endian unless a mark says otherwise.
    Utf16,
    /// Lines of `uuencode`, without the first.
    Uu,
    /// The cipher of old ZIP files, with the header's 12 bytes already gone through.
    ZipCrypto(ZipKeys),
}

impl Stage {
    /// A decompressor for a whole stream.
    pub(crate) fn inflate(coding: Coding) -> Self {
        Self::Inflate { coding, prefix: Vec::new(), open_end: false }
    }

    /// May much more come out than goes in?
    pub(crate) fn inflates(&self) -> bool {
        matches!(self, Self::Inflate { .. } | Self::Ovba | Self::PdfLzw { .. } | Self::RunLength)
    }

    /// Units of work, of about two nanoseconds, for a byte that comes out.
    /// They add up along a recipe.
    pub(crate) fn weight(&self) -> u64 {
        match self {
            Self::Inflate { coding, .. } => match coding {
                Coding::Bzip2 => 16,
                Coding::Lzma | Coding::Xz => 8,
                _ => 2,
            },
            Self::PdfLzw { .. } => 16,
            Self::Predictor { .. } => 8,
            Self::Take(_) => 0,
            Self::Crc32(_) => 2,
            _ => 4,
        }
    }
}

/// How a push ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It goes on.
    More,
    /// The stream ended; so many of the pushed bytes don't belong to it.
    End { trailing: usize },
    /// What came before the fault was handed out.
    Fail(Completeness),
}

/// A filter at work.
pub(crate) trait Filter {
    /// Takes the next bytes; hands out what comes of them.
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome;

    /// No more will come.
    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) -> Completeness {
        let _ = out;
        Completeness::Complete
    }
}

/// A filter for `stage` that gives little more than `output_max` bytes, if it is one that could.
pub(crate) fn start(stage: &Stage, limits: &Limits, output_max: u64) -> Box<dyn Filter> {
    match stage {
        Stage::AesCbc { key, iv } => Box::new(cipher::Cbc::new(key, *iv)),
        Stage::AesCtr { key } => Box::new(cipher::Ctr::new(key)),
        Stage::Ascii85 => Box::new(pdf::Ascii85::default()),
        Stage::Base32 => Box::new(text::Bits::base32()),
        Stage::Base64 => Box::new(text::Bits::base64()),
        Stage::BranchX86 => Box::new(machine::BranchX86::default()),
        Stage::Crc32(sum) => Box::new(check::Crc::new(*sum)),
        Stage::Delta(distance) => Box::new(machine::Delta::new(*distance)),
        Stage::Hex => Box::new(text::Bits::hex()),
        Stage::Inflate { coding, prefix, open_end } => {
            Box::new(Inflate::new(*coding, prefix, *open_end, limits, output_max))
        }
        Stage::Ovba => Box::new(ovba::Ovba::default()),
        Stage::PdfLzw { early } => Box::new(pdf::Lzw::new(*early)),
        Stage::Percent => Box::new(text::Percent::default()),
        Stage::Predictor { png, colors, bits, columns } => {
            Box::new(pdf::Predictor::new(*png, *colors, *bits, *columns))
        }
        Stage::QuotedPrintable => Box::new(text::QuotedPrintable::default()),
        Stage::Rot13 => Box::new(text::Rot13),
        Stage::RunLength => Box::new(pdf::RunLength::default()),
        Stage::Take(len) => Box::new(check::Take { left: *len }),
        Stage::Utf16 => Box::new(text::Utf16::default()),
        Stage::Uu => Box::new(text::Uu::default()),
        Stage::ZipCrypto(keys) => Box::new(*keys),
    }
}

/// A decompressor of the `inflate` crate.
struct Inflate {
    inflater: Inflater,
    prefix: Vec<u8>,
    open_end: bool,
}

impl Inflate {
    fn new(coding: Coding, prefix: &[u8], open_end: bool, limits: &Limits, output_max: u64) -> Self {
        let limits = sekisho_inflate::Limits {
            output_len: output_max,
            ratio: limits.ratio,
            ratio_from_len: limits.ratio_from_len,
            memory_len: limits.window_len,
        };
        Self { inflater: Inflater::new(coding, limits), prefix: prefix.to_vec(), open_end }
    }
}

/// In terms of a member. What stops at `output_len` is told apart by the collector.
fn fault(stop: Stop) -> Completeness {
    match stop {
        Stop::Corrupt => Completeness::Damaged("compressed data"),
        Stop::OverMemory => Completeness::Budget(Cut::Memory),
        Stop::OverOutput => Completeness::Budget(Cut::Member),
        Stop::OverRatio => Completeness::Budget(Cut::Ratio),
        Stop::Unsupported => Completeness::Unsupported("compression filter"),
    }
}

impl Filter for Inflate {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        if !self.prefix.is_empty() {
            let prefix = std::mem::take(&mut self.prefix);
            if let sekisho_inflate::Outcome::Stopped(stop) = self.inflater.push(&prefix, out) {
                return Outcome::Fail(fault(stop));
            }
        }
        match self.inflater.push(input, out) {
            sekisho_inflate::Outcome::Progress => Outcome::More,
            // Another member may follow in the next push.
            sekisho_inflate::Outcome::Finished { trailing: 0 } => Outcome::More,
            sekisho_inflate::Outcome::Finished { trailing } => Outcome::End { trailing },
            sekisho_inflate::Outcome::Stopped(stop) => Outcome::Fail(fault(stop)),
        }
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) -> Completeness {
        let whole = self.inflater.finish(out);
        match self.inflater.stopped() {
            Some(stop) => fault(stop),
            None if whole || self.open_end => Completeness::Complete,
            None => Completeness::Truncated,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Runs `stage` over `input` in one piece and in pieces of each small size; all must agree.
    pub(crate) fn run(stage: &Stage, input: &[u8]) -> (Vec<u8>, Completeness) {
        let whole = run_in(stage, input, input.len().max(1));
        for size in [1, 2, 3, 7] {
            assert_eq!(run_in(stage, input, size), whole, "{stage:?} in pieces of {size}");
        }
        whole
    }

    fn run_in(stage: &Stage, input: &[u8], size: usize) -> (Vec<u8>, Completeness) {
        let mut filter = start(stage, &Limits::default(), 1 << 20);
        let mut made = Vec::new();
        let mut ended = None;
        for piece in input.chunks(size) {
            match filter.push(piece, &mut |b| made.extend_from_slice(b)) {
                Outcome::More => {}
                Outcome::End { .. } => ended = Some(Completeness::Complete),
                Outcome::Fail(fault) => ended = Some(fault),
            }
            if ended.is_some() {
                break;
            }
        }
        let end = filter.finish(&mut |b| made.extend_from_slice(b));
        (made, ended.filter(|e| *e != Completeness::Complete).unwrap_or(end))
    }

    #[test]
    fn limits_stop_a_bomb() {
        let zeros = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x50]; // A zstd frame, then blocks of 128 KiB zeros.
        let mut bomb = zeros.to_vec();
        for _ in 0..10_000 {
            bomb.extend([0x02, 0, 0x10, 0]);
        }
        let mut filter = start(&Stage::inflate(Coding::Zstd), &Limits::default(), 1 << 20);
        let mut len = 0;
        let outcome = filter.push(&bomb, &mut |b| len += b.len());
        assert_eq!(outcome, Outcome::Fail(Completeness::Budget(Cut::Member)));
        assert_eq!(len, 1 << 20);
    }
}
