//! What is odd about a message, for those who watch: lengths beyond what RFC 2045 and RFC 5322 allow, bad encodings.

use super::decode::decode_hex;
use super::{Encoding, Facts, Observer};

/// Longest line (RFC 5322 §2.1.1).
const MAX_LINE_LEN: usize = 998;
/// Longest line of encoded text (RFC 2045 §6.7 and §6.8).
const MAX_ENCODED_LINE_LEN: usize = 76;
/// Longest name and value of a header field, as Suricata takes them for usual.
const MAX_NAME_LEN: usize = 75;
const MAX_VALUE_LEN: usize = 2000;
/// Longest boundary and file name that it takes for usual.
const MAX_BOUNDARY_LEN: usize = 254;
const MAX_FILENAME_LEN: usize = 255;

/// A line of a header.
pub(super) fn header_line(line: &[u8], observer: &mut dyn Observer) {
    if line.len() <= MAX_NAME_LEN {
        return;
    }
    if line.len() > MAX_LINE_LEN {
        observer.odd("mime_long_line");
    }
    if let Some(colon) = memchr::memchr(b':', line) {
        if colon > MAX_NAME_LEN {
            observer.odd("mime_long_header_name");
        }
        if line.len() - colon - 1 > MAX_VALUE_LEN {
            observer.odd("mime_long_header_value");
        }
    }
}

/// A header is over.
pub(super) fn header(facts: &Facts, observer: &mut dyn Observer) {
    if facts.boundary.len() > MAX_BOUNDARY_LEN {
        observer.odd("mime_long_boundary");
    }
    if facts.filename.as_ref().is_some_and(|name| name.0.len() > MAX_FILENAME_LEN) {
        observer.odd("mime_long_filename");
    }
}

/// A whole line of quoted-printable text: each `=` has two digits behind it or ends the line.
pub(super) fn quoted_line(line: &[u8], observer: &mut dyn Observer) {
    let mut rest = line.trim_ascii_end();
    while let Some(at) = memchr::memchr(b'=', rest) {
        let tail = rest.get(at + 1..).unwrap_or(&[]);
        if !tail.is_empty() && tail.get(..2).and_then(decode_hex).is_none() {
            return observer.odd("mime_invalid_qp");
        }
        rest = tail;
    }
}

/// How long the line of a body is that passes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measure {
    len: usize,
}

impl Measure {
    /// The next bytes of a body.
    pub(super) fn body(&mut self, bytes: &[u8], facts: &Facts, observer: &mut dyn Observer) {
        let is_encoded = match facts.encoding {
            Encoding::Identity => false,
            Encoding::Base64 => facts.filename.is_some() || facts.is_text(),
            Encoding::QuotedPrintable => facts.filename.is_some(),
        };
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            self.len = self.len.saturating_add(text.strip_suffix(b"\r").unwrap_or(text).len());
            if self.len > MAX_LINE_LEN {
                observer.odd("mime_long_line");
            }
            if is_encoded && self.len > MAX_ENCODED_LINE_LEN {
                observer.odd("mime_long_enc_line");
            }
            if text.len() < piece.len() {
                self.len = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileInfo;
    use sekisho_record::Text;

    #[derive(Default)]
    struct Heard(Vec<&'static str>);

    impl Observer for Heard {
        fn opened(&mut self, _info: FileInfo, _filename: Option<&Text>) {}

        fn closed(&mut self, _info: FileInfo) {}

        fn odd(&mut self, name: &'static str) {
            self.0.push(name);
        }
    }

    #[test]
    fn headers_are_measured() {
        let mut heard = Heard::default();
        header_line(b"subject: usual", &mut heard);
        header_line(&[&[b'n'; 76][..], b": v"].concat(), &mut heard);
        header_line(&[b"n:", &[b'v'; 2001][..]].concat(), &mut heard);
        assert_eq!(heard.0, ["mime_long_header_name", "mime_long_line", "mime_long_header_value"]);
    }

    #[test]
    fn bodies_are_measured_in_any_split() {
        let mut facts = Facts::default();
        facts.learn(b"content-transfer-encoding", b"base64");
        let line = [&[b'A'; 77][..], b"\r\n"].concat();
        for cut in 0..line.len() {
            let mut heard = Heard::default();
            let mut measure = Measure::default();
            measure.body(&line[..cut], &facts, &mut heard);
            measure.body(&line[cut..], &facts, &mut heard);
            assert!(heard.0.contains(&"mime_long_enc_line"), "{cut}");
            heard.0.clear();
            measure.body(b"QUJD\r\n", &facts, &mut heard);
            assert!(heard.0.is_empty());
        }
    }

    #[test]
    fn encodings_are_checked() {
        for (line, want) in [(&b"a=3D b=\r\n"[..], 0), (b"=4", 1), (b"=zz", 1)] {
            let mut heard = Heard::default();
            quoted_line(line, &mut heard);
            assert_eq!(heard.0.len(), want, "{line:?}");
        }
    }
}
