//! Content transfer encodings (RFC 2045 §6) and the small codings of header fields.

const INVALID: u8 = 0xff;

/// Value of each base64 digit (RFC 4648 §4); [`INVALID`] for other bytes.
static DIGITS: [u8; 256] = digits();

#[expect(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, over 64 values and a table of 256"
)]
const fn digits() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [INVALID; 256];
    let mut i = 0;
    while i < alphabet.len() {
        table[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    table
}

/// What a digit means at each place of a group of four, in place; bits above 24 for what is no digit.
static PLACES: [[u32; 256]; 4] = places();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, over tables of 256")]
const fn places() -> [[u32; 256]; 4] {
    let mut tables = [[1 << 24; 256]; 4];
    let mut b = 0;
    while b < 256 {
        let mut place = 0;
        while place < 4 && DIGITS[b] != INVALID {
            tables[place][b] = (DIGITS[b] as u32) << (18 - 6 * place);
            place += 1;
        }
        b += 1;
    }
    tables
}

fn digit(b: u8) -> u8 {
    DIGITS.get(usize::from(b)).copied().unwrap_or(INVALID)
}

/// Streaming base64 decoder; skips what is no digit, as RFC 2045 §6.8 asks.
#[derive(Debug, Default)]
pub(crate) struct Base64 {
    bits: u32,
    count: u8,
    /// Signs of padding that may still come.
    padding: u8,
    broken: bool,
}

impl Base64 {
    /// Decodes `input` to the end of `out`.
    pub(crate) fn push(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        while !input.is_empty() {
            if self.count == 0 {
                while let [b'\r' | b'\n', rest @ ..] = input {
                    input = rest;
                }
                input = whole_groups(input, out);
            }
            let Some((&b, rest)) = input.split_first() else { return };
            input = rest;
            self.one(b, out);
        }
    }

    fn one(&mut self, b: u8, out: &mut Vec<u8>) {
        if b == b'=' {
            // Padding ends a group; further groups may follow (concatenated encodings).
            match self.count {
                2 => self.padding = 1,
                3 => self.padding = 0,
                _ if self.padding > 0 => self.padding -= 1,
                _ => self.broken = true,
            }
            self.finish(out);
            return;
        }
        self.padding = 0;
        let value = digit(b);
        if value == INVALID {
            return;
        }
        self.bits = self.bits << 6 | u32::from(value);
        self.count += 1;
        if self.count == 4 {
            let [_, a, b, c] = self.bits.to_be_bytes();
            out.extend_from_slice(&[a, b, c]);
            self.bits = 0;
            self.count = 0;
        }
    }

    /// Was there padding where no group needs any?
    pub(crate) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Writes the bytes of an incomplete last group.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        match self.count {
            2 => {
                let [_, _, _, a] = (self.bits >> 4).to_be_bytes();
                out.push(a);
            }
            3 => {
                let [_, _, a, b] = (self.bits >> 2).to_be_bytes();
                out.extend_from_slice(&[a, b]);
            }
            _ => {}
        }
        self.bits = 0;
        self.count = 0;
    }
}

/// Groups for which room is made at once; a line of mail has 19.
const MAX_GROUPS: usize = 64;

/// Decodes groups of four digits as long as nothing else comes, a bounded number; returns the rest.
fn whole_groups<'a>(input: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let (groups, _) = input.as_chunks::<4>();
    let groups = groups.get(..MAX_GROUPS).unwrap_or(groups);
    let start = out.len();
    out.resize(start + groups.len() * 3, 0);
    let mut count = 0;
    for ([a, b, c, d], to) in groups.iter().zip(out.get_mut(start..).unwrap_or(&mut []).as_chunks_mut::<3>().0) {
        let [first, second, third, fourth] = &PLACES;
        let at = |table: &[u32; 256], digit: u8| table.get(usize::from(digit)).copied().unwrap_or(u32::MAX);
        let group = at(first, *a) | at(second, *b) | at(third, *c) | at(fourth, *d);
        let [odd, x, y, z] = group.to_be_bytes();
        if odd != 0 {
            break;
        }
        *to = [x, y, z];
        count += 1;
    }
    out.truncate(start + count * 3);
    input.get(count * 4..).unwrap_or(&[])
}

/// A quoted-printable line without its end (RFC 2045 §6.7); true if a line's end follows in the text.
pub(crate) fn quoted_printable(line: &[u8], out: &mut Vec<u8>) -> bool {
    let line = line.trim_ascii_end();
    let mut rest = line;
    while let Some(at) = memchr::memchr(b'=', rest) {
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        if tail.len() == 1 {
            return false;
        }
        match tail.get(1..3).and_then(decode_hex) {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(3..).unwrap_or(&[]);
            }
            None => {
                out.push(b'=');
                rest = tail.get(1..).unwrap_or(&[]);
            }
        }
    }
    out.extend_from_slice(rest);
    true
}

/// Two hexadecimal digits; `None` if they aren't or there are not two.
pub(crate) fn decode_hex(pair: &[u8]) -> Option<u8> {
    let [a, b] = pair else { return None };
    let value = |d: u8| char::from(d).to_digit(16).and_then(|v| u8::try_from(v).ok());
    Some(value(*a)? << 4 | value(*b)?)
}

/// Resolves `%XX`; other `%` stay.
pub(crate) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'%', rest) {
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        match tail.get(1..3).and_then(decode_hex) {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(3..).unwrap_or(&[]);
            }
            None => {
                out.push(b'%');
                rest = tail.get(1..).unwrap_or(&[]);
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Text in `charset` as UTF-8; of charsets not known the bytes as they are.
pub(crate) fn to_utf8(charset: &[u8], text: Vec<u8>) -> Vec<u8> {
    let latin = [&b"iso-8859-1"[..], b"latin1", b"windows-1252", b"iso-8859-15"];
    if !latin.iter().any(|name| charset.eq_ignore_ascii_case(name)) {
        return text;
    }
    text.iter().map(|b| char::from(*b)).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(pieces: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut d = Base64::default();
        for p in pieces {
            d.push(p, &mut out);
        }
        d.finish(&mut out);
        out
    }

    #[test]
    fn parses_base64_in_any_split() {
        let text = b"SGVsbG8s\r\nIHdvcmxkIQ==\r\n";
        for cut in 0..text.len() {
            assert_eq!(base64(&[&text[..cut], &text[cut..]]), b"Hello, world!", "{cut}");
        }
        assert_eq!(base64(&[b"YQ==YmM="]), b"abc");
        assert_eq!(base64(&[b"YWJj*ZA"]), b"abcd");
        assert_eq!(base64(&[b"===", b"A"]), b"");
    }

    #[test]
    fn parses_quoted_printable() {
        for (line, want, ends) in [
            (&b"plain"[..], &b"plain"[..], true),
            (b"a=3Db  \t", b"a=b", true),
            (b"soft=", b"soft", false),
            (b"bad =zz", b"bad =zz", true),
            (b"=E4=", b"\xe4", false),
        ] {
            let mut out = Vec::new();
            assert_eq!(quoted_printable(line, &mut out), ends, "{line:?}");
            assert_eq!(out, want);
        }
    }

    #[test]
    fn parses_percent_and_charsets() {
        assert_eq!(percent_decoded(b"a%20b%2"), b"a b%2");
        assert_eq!(to_utf8(b"ISO-8859-1", vec![0xe4]), "ä".as_bytes());
        assert_eq!(to_utf8(b"koi8-r", vec![0xe4]), [0xe4]);
    }
}
