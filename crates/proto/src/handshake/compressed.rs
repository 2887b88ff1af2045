//! Compressed certificates (RFC 8879). They only come encrypted: who reads them has the session's secrets.

use super::MAX_MESSAGE_LEN;
use sekisho_inflate::{Coding, Inflater, Limits};
use sekisho_wire::{ParseError, ParseResult, Reader};

/// The body of the Certificate message in that of a CompressedCertificate; an error also if it comes to more than
/// [`MAX_MESSAGE_LEN`], or to another length than it says.
pub(super) fn certificate(body: &[u8]) -> ParseResult<Vec<u8>> {
    let mut r = Reader::new(body);
    let coding = match r.u16(&"certificate compression")? {
        1 => Coding::Zlib,
        2 => Coding::Brotli,
        3 => Coding::Zstd,
        _ => return Err(ParseError::bad(&"certificate compression")),
    };
    let len = usize::try_from(r.u24(&"certificate length")?).unwrap_or(usize::MAX);
    let compressed = r.block24(&"compressed certificate")?.take_rest();
    if len > MAX_MESSAGE_LEN {
        return Err(ParseError::over_limit(&"certificate length"));
    }
    // One more than there shall be, so that it is seen.
    let mut inflater = Inflater::new(coding, Limits { output_len: len as u64 + 1, ..Limits::default() });
    let mut message = Vec::new();
    let mut out = |piece: &[u8]| message.extend_from_slice(piece);
    inflater.push(compressed, &mut out);
    inflater.finish(&mut out);
    if message.len() == len { Ok(message) } else { Err(ParseError::bad(&"compressed certificate")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `hello hello hello` by zlib.
    const ZLIB: &[u8] = b"\x78\x9c\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x90\x00\x3a\x2e\x06\x7d";

    fn message(coding: u8, len: u8, compressed: &[u8]) -> Vec<u8> {
        [&[0, coding, 0, 0, len, 0, 0, compressed.len() as u8][..], compressed].concat()
    }

    #[test]
    fn parses_what_was_compressed() {
        assert_eq!(certificate(&message(1, 17, ZLIB)).unwrap(), b"hello hello hello");
    }

    #[test]
    fn rejects_other_lengths_and_codings() {
        for bytes in [message(1, 16, ZLIB), message(1, 18, ZLIB), message(9, 17, ZLIB), message(3, 17, ZLIB)] {
            assert!(certificate(&bytes).is_err());
        }
        assert!(certificate(&[0, 1, 0xff, 0xff, 0xff, 0, 0, 0]).is_err());
    }
}
