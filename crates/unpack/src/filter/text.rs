//! Bytes written as text.

use super::{Filter, Outcome};
use crate::member::Completeness;

/// The six bits of a character of either base64 alphabet.
pub(crate) const fn base64_value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// The five bits of a character of the base32 alphabet, in any case.
pub(crate) const fn base32_value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}

const fn hex_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// What a table says of a character that isn't of the alphabet.
const NO_VALUE: u8 = 0xff;

/// The values of all characters.
macro_rules! table {
    ($value:path) => {{
        let mut table = [NO_VALUE; 256];
        let mut byte = 0u8;
        while byte < u8::MAX {
            if let Some(value) = $value(byte) {
                table[byte as usize] = value;
            }
            byte += 1;
        }
        table
    }};
}

#[expect(clippy::indexing_slicing, reason = "computed when compiled; a byte is below 256")]
static BASE64: [u8; 256] = table!(base64_value);
#[expect(clippy::indexing_slicing, reason = "computed when compiled; a byte is below 256")]
static BASE32: [u8; 256] = table!(base32_value);
#[expect(clippy::indexing_slicing, reason = "computed when compiled; a byte is below 256")]
static HEX: [u8; 256] = table!(hex_value);

/// Is the byte of either base64 alphabet?
pub(crate) fn is_base64(byte: u8) -> bool {
    BASE64.get(usize::from(byte)).is_some_and(|value| *value != NO_VALUE)
}

/// Encodings in which a character is some bits: base64, base32, hexadecimal. White space is passed over, a mark ends it,
/// anything else is damage.
pub(super) struct Bits {
    values: &'static [u8; 256],
    width: u32,
    end: u8,
    acc: u32,
    have: u32,
}

impl Bits {
    fn new(values: &'static [u8; 256], width: u32, end: u8) -> Self {
        Self { values, width, end, acc: 0, have: 0 }
    }

    pub(super) fn base64() -> Self {
        Self::new(&BASE64, 6, b'=')
    }

    pub(super) fn base32() -> Self {
        Self::new(&BASE32, 5, b'=')
    }

    /// A single last hexadecimal digit counts as if a zero followed.
    fn half(&mut self, made: &mut Vec<u8>) {
        if self.width == 4 && self.have == 4 {
            let [low, ..] = (self.acc << 4).to_le_bytes();
            made.push(low);
            self.have = 0;
        }
    }

    /// `>` is PDF's end of data (ISO 32000-1 §7.4.2).
    pub(super) fn hex() -> Self {
        Self::new(&HEX, 4, b'>')
    }
}

impl Filter for Bits {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let mut made = Vec::with_capacity(input.len());
        for &byte in input {
            if byte == self.end {
                self.half(&mut made);
                // Joined base64 texts each have their padding.
                (self.acc, self.have) = (0, 0);
                continue;
            }
            if byte.is_ascii_whitespace() || byte == 0 {
                continue;
            }
            let value = self.values.get(usize::from(byte)).copied().unwrap_or(NO_VALUE);
            if value == NO_VALUE {
                out(&made);
                return Outcome::Fail(Completeness::Damaged("encoded text"));
            }
            self.acc = self.acc << self.width | u32::from(value);
            self.have += self.width;
            if self.have >= 8 {
                self.have -= 8;
                let [low, ..] = (self.acc >> self.have).to_le_bytes();
                made.push(low);
                self.acc &= (1 << self.have) - 1;
            }
        }
        out(&made);
        Outcome::More
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) -> Completeness {
        let mut made = Vec::new();
        self.half(&mut made);
        out(&made);
        if self.have >= self.width && self.width != 4 { Completeness::Truncated } else { Completeness::Complete }
    }
}

/// Quoted-printable (RFC 2045 §6.7). What isn't valid stays as it is.
#[derive(Default)]
pub(super) struct QuotedPrintable {
    /// An escape that began, with its `=`.
    held: Vec<u8>,
}

impl QuotedPrintable {
    fn escape(&mut self, made: &mut Vec<u8>) {
        match self.held.as_slice() {
            [_, b'\n'] | [_, b'\r', b'\n'] => {}
            [_, a, b] => match (hex_value(*a), hex_value(*b)) {
                (Some(a), Some(b)) => made.push(a << 4 | b),
                _ => made.extend_from_slice(&self.held),
            },
            // Spaces may stand before a soft line break.
            [_] | [_, _] => return,
            _ => made.extend_from_slice(&self.held),
        }
        self.held.clear();
    }
}

impl Filter for QuotedPrintable {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let mut made = Vec::with_capacity(input.len());
        for &byte in input {
            match (byte, self.held.len()) {
                (b'=', 0) => self.held.push(byte),
                (b' ' | b'\t', 1) => {}
                (_, 0) => made.push(byte),
                _ => {
                    self.held.push(byte);
                    self.escape(&mut made);
                }
            }
        }
        out(&made);
        Outcome::More
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) -> Completeness {
        if self.held.len() > 1 {
            out(&self.held);
        }
        Completeness::Complete
    }
}

/// Lines of uuencode: a character for the length, then four for each three bytes. `end` or an empty line ends it.
#[derive(Default)]
pub(super) struct Uu {
    line: Vec<u8>,
    ended: bool,
}

/// A line has at most 63 bytes in 84 characters; what is much longer is none.
const UU_LINE_LEN_MAX: usize = 256;

impl Uu {
    fn line(&mut self, out: &mut dyn FnMut(&[u8])) -> Option<Outcome> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if line.is_empty() {
            return None;
        }
        let value = |b: &u8| (0x20..=0x60).contains(b).then(|| (b - 0x20) & 0x3f);
        let Some((len, coded)) = line.split_first().and_then(|(l, rest)| Some((usize::from(value(l)?), rest))) else {
            self.ended = line == b"end";
            let fault = Outcome::Fail(Completeness::Damaged("encoded text"));
            return Some(if self.ended { Outcome::End { trailing: 0 } } else { fault });
        };
        if len == 0 {
            self.ended = true;
            return Some(Outcome::End { trailing: 0 });
        }
        let mut made = Vec::with_capacity(len + 2);
        for quad in coded.chunks(4) {
            let six = |i: usize| u32::from(quad.get(i).and_then(value).unwrap_or(0));
            let word = six(0) << 18 | six(1) << 12 | six(2) << 6 | six(3);
            let [_, a, b, c] = word.to_be_bytes();
            made.extend([a, b, c]);
        }
        if made.len() < len {
            return Some(Outcome::Fail(Completeness::Damaged("encoded text")));
        }
        out(made.get(..len).unwrap_or(&[]));
        None
    }
}

impl Filter for Uu {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        for &byte in input {
            if byte != b'\n' {
                if self.line.len() > UU_LINE_LEN_MAX {
                    return Outcome::Fail(Completeness::Damaged("encoded text"));
                }
                self.line.push(byte);
            } else if let Some(outcome) = self.line(out) {
                return outcome;
            }
        }
        Outcome::More
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) -> Completeness {
        let last = self.line(out);
        match (self.ended, last) {
            (true, _) => Completeness::Complete,
            (_, Some(Outcome::Fail(fault))) => fault,
            _ => Completeness::Truncated,
        }
    }
}

/// `%41`; what isn't an escape stays as it is.
#[derive(Default)]
pub(super) struct Percent {
    held: Vec<u8>,
}

impl Filter for Percent {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let mut made = Vec::with_capacity(input.len());
        for &byte in input {
            if self.held.is_empty() && byte != b'%' {
                made.push(if byte == b'+' { b' ' } else { byte });
                continue;
            }
            self.held.push(byte);
            if let &[_, a, b] = self.held.as_slice() {
                match (hex_value(a), hex_value(b)) {
                    (Some(a), Some(b)) => made.push(a << 4 | b),
                    _ => made.extend_from_slice(&self.held),
                }
                self.held.clear();
            }
        }
        out(&made);
        Outcome::More
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) -> Completeness {
        out(&self.held);
        Completeness::Complete
    }
}

pub(super) struct Rot13;

impl Filter for Rot13 {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let turn = |b: u8| match b {
            b'a'..=b'm' | b'A'..=b'M' => b + 13,
            b'n'..=b'z' | b'N'..=b'Z' => b - 13,
            other => other,
        };
        out(&input.iter().copied().map(turn).collect::<Vec<u8>>());
        Outcome::More
    }
}

/// UTF-16, little-endian unless it begins with the other mark; what is no character becomes U+FFFD.
#[derive(Default)]
pub(super) struct Utf16 {
    begun: bool,
    big: bool,
    /// First byte of a unit.
    half: Option<u8>,
    /// First unit of a pair.
    high: Option<u16>,
}

impl Utf16 {
    fn unit(&mut self, unit: u16, made: &mut String) {
        if !std::mem::replace(&mut self.begun, true) && matches!(unit, 0xfeff | 0xfffe) {
            self.big = unit == 0xfffe;
            return;
        }
        let unit = if self.big { unit.swap_bytes() } else { unit };
        let pair = self.high.take();
        let units = pair.into_iter().chain([unit]);
        if pair.is_none() && (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
            return;
        }
        made.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    }
}

impl Filter for Utf16 {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let mut made = String::with_capacity(input.len());
        for &byte in input {
            match self.half.take() {
                None => self.half = Some(byte),
                Some(low) => self.unit(u16::from_le_bytes([low, byte]), &mut made),
            }
        }
        out(made.as_bytes());
        Outcome::More
    }

    fn finish(&mut self, _: &mut dyn FnMut(&[u8])) -> Completeness {
        if self.half.is_none() && self.high.is_none() { Completeness::Complete } else { Completeness::Truncated }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Stage;
    use super::super::tests::run;
    use super::*;

    fn check(stage: &Stage, coded: &[u8], clear: &[u8]) {
        assert_eq!(run(stage, coded), (clear.to_vec(), Completeness::Complete), "{stage:?}");
    }

    #[test]
    fn parses_bits() {
        check(&Stage::Base64, b"aGVs\r\nbG8=", b"hello");
        check(&Stage::Base64, b"-_-_", &[0xfb, 0xff, 0xbf]);
        check(&Stage::Base32, b"NBSWY3DP", b"hello");
        check(&Stage::Hex, b"68 65 6C6c6f>", b"hello");
        check(&Stage::Hex, b"4>", b"@");
    }

    #[test]
    fn parses_quoted_printable() {
        check(&Stage::QuotedPrintable, b"a=3Db =\r\nc=\nd=zz e", b"a=b cd=zz e");
    }

    #[test]
    fn parses_uu() {
        check(&Stage::Uu, b"%:&5L;&\\\n`\nend\n", b"hello");
        assert_eq!(run(&Stage::Uu, b"%:&5L;&\\\n").1, Completeness::Truncated);
    }

    #[test]
    fn parses_percent_and_rot13() {
        check(&Stage::Percent, b"a%20b+c%zz", b"a b c%zz");
        check(&Stage::Rot13, b"Uryyb!", b"Hello!");
    }

    #[test]
    fn parses_utf16() {
        check(&Stage::Utf16, b"h\0i\0", b"hi");
        check(&Stage::Utf16, b"\xfe\xff\0h\x20\xac\xd8\x3d\xde\0", "h€😀".as_bytes());
        assert_eq!(run(&Stage::Utf16, b"h\0i").1, Completeness::Truncated);
    }

    #[test]
    fn rejects_what_is_not_encoded() {
        assert_eq!(run(&Stage::Base64, b"aGVs!").1, Completeness::Damaged("encoded text"));
        assert_eq!(run(&Stage::Base64, b"aGVsa").1, Completeness::Truncated);
    }
}
