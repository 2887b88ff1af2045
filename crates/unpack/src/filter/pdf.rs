//! PDF's own filters (ISO 32000-1 §7.4).

use super::{Filter, Outcome};
use crate::member::Completeness;

/// Five characters for four bytes; `z` for four zeros; `~>` ends.
#[derive(Default)]
pub(super) struct Ascii85 {
    value: u32,
    have: usize,
    ended: bool,
}

impl Ascii85 {
    /// The bytes of an incomplete last group.
    fn rest(&mut self) -> Vec<u8> {
        let missing = 5 - self.have;
        if self.have < 2 {
            return Vec::new();
        }
        let value = (0..missing).fold(self.value, |v, _| v.wrapping_mul(85).wrapping_add(84));
        self.have = 0;
        value.to_be_bytes().into_iter().take(4 - missing).collect()
    }
}

impl Filter for Ascii85 {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let mut made = Vec::with_capacity(input.len());
        for (i, &byte) in input.iter().enumerate() {
            match byte {
                b'z' if self.have == 0 => made.extend([0; 4]),
                b'!'..=b'u' => {
                    self.value = self.value.wrapping_mul(85).wrapping_add(u32::from(byte - b'!'));
                    self.have += 1;
                    if self.have == 5 {
                        made.extend(self.value.to_be_bytes());
                        (self.value, self.have) = (0, 0);
                    }
                }
                b'~' => {
                    made.extend(self.rest());
                    self.ended = true;
                    out(&made);
                    return Outcome::End { trailing: input.len() - i - 1 };
                }
                b if b.is_ascii_whitespace() || b == 0 => {}
                _ => {
                    out(&made);
                    return Outcome::Fail(Completeness::Damaged("encoded text"));
                }
            }
        }
        out(&made);
        Outcome::More
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) -> Completeness {
        if self.ended {
            return Completeness::Complete;
        }
        out(&self.rest());
        Completeness::Truncated
    }
}

/// Lengths and bytes: PackBits.
#[derive(Default)]
pub(super) struct RunLength {
    /// Bytes of a literal run still to come.
    literal: usize,
    /// Length of a repeated run whose byte is to come.
    repeat: usize,
    ended: bool,
}

impl Filter for RunLength {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let mut made = Vec::with_capacity(input.len());
        for (i, &byte) in input.iter().enumerate() {
            if self.literal > 0 {
                made.push(byte);
                self.literal -= 1;
            } else if self.repeat > 0 {
                made.extend(std::iter::repeat_n(byte, self.repeat));
                self.repeat = 0;
            } else if byte == 128 {
                self.ended = true;
                out(&made);
                return Outcome::End { trailing: input.len() - i - 1 };
            } else if byte < 128 {
                self.literal = usize::from(byte) + 1;
            } else {
                self.repeat = 257 - usize::from(byte);
            }
        }
        out(&made);
        Outcome::More
    }

    fn finish(&mut self, _: &mut dyn FnMut(&[u8])) -> Completeness {
        // Many writers leave out the end mark.
        if self.literal + self.repeat == 0 { Completeness::Complete } else { Completeness::Truncated }
    }
}

const CLEAR: usize = 256;
const END: usize = 257;
const CODE_COUNT_MAX: usize = 4096;

/// Codes of 9 to 12 bits, highest bit first.
pub(super) struct Lzw {
    /// Codes from 258 on: the code before and the byte that follows it.
    codes: Vec<(u16, u8)>,
    previous: Option<usize>,
    early: usize,
    acc: u32,
    have: u32,
    ended: bool,
}

impl Lzw {
    /// `early`: codes become longer one code before they must (`EarlyChange` 1, the default).
    pub(super) fn new(early: bool) -> Self {
        Self { codes: Vec::new(), previous: None, early: usize::from(early), acc: 0, have: 0, ended: false }
    }

    fn width(&self) -> u32 {
        match self.codes.len() + 258 + self.early {
            0..512 => 9,
            512..1024 => 10,
            1024..2048 => 11,
            _ => 12,
        }
    }

    /// The string of `code`; `None` if there is no such code.
    fn string(&self, mut code: usize) -> Option<Vec<u8>> {
        let mut made = Vec::new();
        loop {
            if let Ok(byte) = u8::try_from(code) {
                made.push(byte);
                made.reverse();
                return Some(made);
            }
            let &(before, last) = self.codes.get(code.checked_sub(258)?)?;
            made.push(last);
            code = usize::from(before);
        }
    }

    /// `None` if the code isn't possible.
    fn code(&mut self, code: usize, made: &mut Vec<u8>) -> Option<()> {
        let string = match (self.previous, self.string(code)) {
            (_, Some(string)) => string,
            (Some(previous), None) if code == self.codes.len() + 258 => {
                let mut string = self.string(previous)?;
                string.push(*string.first()?);
                string
            }
            _ => return None,
        };
        if let (Some(previous), Some(&first)) = (self.previous, string.first())
            && self.codes.len() + 258 < CODE_COUNT_MAX
        {
            self.codes.push((u16::try_from(previous).ok()?, first));
        }
        self.previous = Some(code);
        made.extend(string);
        Some(())
    }
}

impl Filter for Lzw {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let mut made = Vec::new();
        for (i, &byte) in input.iter().enumerate() {
            self.acc = self.acc << 8 | u32::from(byte);
            self.have += 8;
            let width = self.width();
            if self.have < width {
                continue;
            }
            self.have -= width;
            let code = usize::try_from(self.acc >> self.have).unwrap_or(usize::MAX);
            self.acc &= (1 << self.have) - 1;
            match code {
                CLEAR => {
                    self.codes.clear();
                    self.previous = None;
                }
                END => {
                    self.ended = true;
                    out(&made);
                    return Outcome::End { trailing: input.len() - i - 1 };
                }
                code => {
                    if self.code(code, &mut made).is_none() {
                        out(&made);
                        return Outcome::Fail(Completeness::Damaged("compressed data"));
                    }
                }
            }
            if made.len() > 64 << 10 {
                out(&made);
                made.clear();
            }
        }
        out(&made);
        Outcome::More
    }

    fn finish(&mut self, _: &mut dyn FnMut(&[u8])) -> Completeness {
        if self.ended { Completeness::Complete } else { Completeness::Truncated }
    }
}

/// Longest row of samples.
const ROW_LEN_MAX: usize = 1 << 20;

/// Rows as differences to their neighbours.
pub(super) struct Predictor {
    png: bool,
    pixel_len: usize,
    row_len: usize,
    previous: Vec<u8>,
    row: Vec<u8>,
}

impl Predictor {
    pub(super) fn new(png: bool, colors: usize, bits: usize, columns: usize) -> Self {
        let pixel_bits = colors.clamp(1, 32) * bits.clamp(1, 16);
        let row_len = columns.max(1).saturating_mul(pixel_bits).div_ceil(8).clamp(1, ROW_LEN_MAX);
        Self { png, pixel_len: pixel_bits.div_ceil(8), row_len, previous: vec![0; row_len], row: Vec::new() }
    }

    /// One whole row, the tag of PNG first.
    fn convert(&mut self) {
        let tag = if self.png { self.row.remove(0) } else { 1 };
        for i in 0..self.row.len() {
            let at = |row: &[u8], i: Option<usize>| i.and_then(|i| row.get(i)).copied().unwrap_or(0);
            let before = i.checked_sub(self.pixel_len);
            let left = at(&self.row, before);
            let (up, corner) = (at(&self.previous, Some(i)), at(&self.previous, before));
            let guess = match tag {
                1 => left,
                2 => up,
                3 => left.midpoint(up),
                4 => paeth(left, up, corner),
                _ => 0,
            };
            if let Some(byte) = self.row.get_mut(i) {
                *byte = byte.wrapping_add(guess);
            }
        }
    }
}

/// PNG §9.4.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(up), i16::from(corner));
    let p = a + b - c;
    let (da, db, dc) = ((p - a).abs(), (p - b).abs(), (p - c).abs());
    if da <= db && da <= dc {
        left
    } else if db <= dc {
        up
    } else {
        corner
    }
}

impl Filter for Predictor {
    fn push(&mut self, mut input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let full = self.row_len + usize::from(self.png);
        while !input.is_empty() {
            let (now, rest) = input.split_at_checked(full - self.row.len()).unwrap_or((input, &[]));
            self.row.extend_from_slice(now);
            input = rest;
            if self.row.len() == full {
                self.convert();
                out(&self.row);
                std::mem::swap(&mut self.row, &mut self.previous);
                self.row.clear();
            }
        }
        Outcome::More
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) -> Completeness {
        if self.row.len() > 1 {
            self.convert();
            out(&self.row);
        }
        Completeness::Complete
    }
}

#[cfg(test)]
mod tests {
    use super::super::Stage;
    use super::super::tests::run;
    use super::*;

    #[test]
    fn parses_ascii85() {
        assert_eq!(run(&Stage::Ascii85, b"87cUR\nD]i,\"Ebo80z~>").0, b"Hello World!\0\0\0\0");
        assert_eq!(run(&Stage::Ascii85, b"87cURDZ~>"), (b"Hello".to_vec(), Completeness::Complete));
        assert_eq!(run(&Stage::Ascii85, b"87cUR").1, Completeness::Truncated);
        assert_eq!(run(&Stage::Ascii85, b"87\x80").1, Completeness::Damaged("encoded text"));
    }

    #[test]
    fn parses_run_lengths() {
        assert_eq!(run(&Stage::RunLength, &[2, b'a', b'b', b'c', 254, b'x', 128]).0, b"abcxxx");
    }

    #[test]
    fn parses_the_example_of_lzw() {
        // ISO 32000-1 §7.4.4.2.
        let packed = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
        let (made, end) = run(&Stage::PdfLzw { early: true }, &packed);
        assert_eq!((made.as_slice(), end), (&[45u8, 45, 45, 45, 45, 65, 45, 45, 45, 66][..], Completeness::Complete));
        assert_eq!(run(&Stage::PdfLzw { early: true }, &[0xff; 4]).1, Completeness::Damaged("compressed data"));
    }

    #[test]
    fn parses_predictors() {
        let png = Stage::Predictor { png: true, colors: 1, bits: 8, columns: 3 };
        assert_eq!(run(&png, &[1, 1, 1, 1, 2, 1, 1, 1, 4, 1, 0, 0]).0, [1, 2, 3, 2, 3, 4, 3, 3, 4]);
        let tiff = Stage::Predictor { png: false, colors: 1, bits: 8, columns: 2 };
        assert_eq!(run(&tiff, &[5, 1, 7, 1]).0, [5, 6, 7, 8]);
    }
}
