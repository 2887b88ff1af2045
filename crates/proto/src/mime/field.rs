//! Header fields of HTTP and mail: name and value, folding, parameters, file names
//! (RFC 5322 §2.2, RFC 2045 §5, RFC 2183, RFC 2231, RFC 2047).

use super::decode::{Base64, decode_hex, percent_decoded, to_utf8};
use crate::stream::reuse;
use sekisho_types::Heap;
use std::borrow::Cow;

/// Bytes of one field, with all its continuation lines; more is dropped and reported.
pub(crate) const MAX_FIELD_LEN: usize = 128 * 1024;

/// Pieces of one parameter (RFC 2231 §3) that are joined.
const MAX_CONTINUATIONS: usize = 64;

/// Parameters of one field that are looked at.
const MAX_PARAMETERS: usize = 256;

/// Splits a header line into name and value. The value keeps white space at its end, as Zeek's logs do.
/// `None` if the line is no field.
pub(crate) fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.trim_ascii_start();
    let colon = memchr::memchr(b':', line)?;
    let (name, rest) = line.split_at_checked(colon)?;
    let name = name.trim_ascii_end();
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    Some((name, rest.get(1..).unwrap_or(&[]).trim_ascii_start()))
}

/// Does a continuation line begin with this byte?
pub(crate) const fn is_lws(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

/// A field whose last line may still be to come.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    held: Vec<u8>,
    lines: u32,
    over: bool,
}

impl Heap for Fold {
    fn heap_len(&self) -> usize {
        self.held.heap_len()
    }
}

impl Fold {
    /// The field begun last; empty if none. Give it back with [`Fold::recycle`].
    pub(crate) fn take(&mut self) -> (Vec<u8>, u32) {
        (std::mem::take(&mut self.held), std::mem::take(&mut self.lines))
    }

    /// Returns the buffer of a field that was handled.
    pub(crate) fn recycle(&mut self, mut buffer: Vec<u8>) {
        reuse(&mut buffer);
        self.held = buffer;
        self.over = false;
    }

    /// Is no field begun?
    pub(crate) fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// A first line whose next is not there yet.
    pub(crate) fn begin(&mut self, line: &[u8]) {
        self.held.extend_from_slice(line);
        self.lines = 1;
    }

    /// A continuation line; true the first time that the limit makes it drop.
    pub(crate) fn extend(&mut self, line: &[u8]) -> bool {
        self.lines = self.lines.saturating_add(1);
        if self.held.len() + line.len() > MAX_FIELD_LEN {
            return !std::mem::replace(&mut self.over, true);
        }
        self.held.extend_from_slice(line);
        false
    }
}

/// The first token of a value: up to white space, `;` or `,`.
pub(crate) fn token(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii_start();
    let end = value.iter().position(|b| matches!(b, b' ' | b'\t' | b';' | b',')).unwrap_or(value.len());
    value.get(..end).unwrap_or(value)
}

/// A parameter's name and value; quotes and quoted pairs are resolved.
pub(crate) struct Parameters<'a> {
    rest: &'a [u8],
    left: usize,
}

/// The parameters behind the first `;` of `value`.
pub(crate) fn parameters(value: &[u8]) -> Parameters<'_> {
    let start = memchr::memchr(b';', value).unwrap_or(value.len());
    Parameters { rest: value.get(start..).unwrap_or(&[]), left: MAX_PARAMETERS }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = (&'a [u8], Cow<'a, [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            self.left -= 1;
            let at = memchr::memchr(b';', self.rest)?;
            let rest = self.rest.get(at + 1..)?;
            let name_end = rest.iter().position(|b| matches!(b, b'=' | b';')).unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(name_end)?;
            let Some(after) = after.strip_prefix(b"=") else {
                self.rest = after;
                continue;
            };
            let (value, rest) = parameter_value(after.trim_ascii_start());
            self.rest = rest;
            return Some((name.trim_ascii(), value));
        }
        None
    }
}

/// A token or quoted string at the start of `text`, and what follows.
fn parameter_value(text: &[u8]) -> (Cow<'_, [u8]>, &[u8]) {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = memchr::memchr(b';', text).unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
        return (Cow::Borrowed(value.trim_ascii()), rest);
    };
    let mut escaped = Vec::new();
    let mut start = 0;
    let mut i = 0;
    while let Some(&b) = quoted.get(i) {
        match b {
            b'"' => break,
            // Only what must be quoted: old browsers send `C:\dir\file` as it is.
            b'\\' if matches!(quoted.get(i + 1), Some(b'"' | b'\\')) => {
                escaped.extend_from_slice(quoted.get(start..i).unwrap_or(&[]));
                start = i + 1;
                i += 2;
            }
            _ => i += 1,
        }
    }
    let tail = quoted.get(start..i).unwrap_or(&[]);
    let rest = quoted.get(i + 1..).unwrap_or(&[]);
    if escaped.is_empty() && start == 0 {
        return (Cow::Borrowed(tail), rest);
    }
    escaped.extend_from_slice(tail);
    (Cow::Owned(escaped), rest)
}

/// The file name in a value, decoded: parameter `key` is `filename` in Content-Disposition, `name` in Content-Type.
/// The extended form (`filename*`) goes before the plain one.
pub(crate) fn filename(value: &[u8], key: &str) -> Option<Vec<u8>> {
    let mut plain = None;
    let mut extended = None;
    let mut pieces: Vec<(usize, bool, Cow<'_, [u8]>)> = Vec::new();
    for (name, value) in parameters(value) {
        let Some(suffix) = name_suffix(name, key.as_bytes()) else { continue };
        match suffix {
            b"" => plain = Some(value),
            b"*" => extended = Some(value),
            _ => {
                let digits = suffix.strip_prefix(b"*").unwrap_or(suffix);
                let (digits, coded) = digits.strip_suffix(b"*").map_or((digits, false), |d| (d, true));
                let index = std::str::from_utf8(digits).ok().and_then(|d| d.parse().ok());
                if let Some(index) = index.filter(|_| pieces.len() < MAX_CONTINUATIONS) {
                    pieces.push((index, coded, value));
                }
            }
        }
    }
    if let Some(value) = extended {
        return Some(extended_value(&value));
    }
    if !pieces.is_empty() {
        return Some(joined(&mut pieces));
    }
    plain.map(|value| percent_decoded(&decode_words(&value)))
}

/// What follows `key` in a parameter's name.
fn name_suffix<'a>(name: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let (head, suffix) = name.split_at_checked(key.len())?;
    (head.eq_ignore_ascii_case(key) && (suffix.is_empty() || suffix.starts_with(b"*"))).then_some(suffix)
}

/// RFC 2231 §4: charset'language'percent-encoded.
fn extended_value(value: &[u8]) -> Vec<u8> {
    let mut parts = value.splitn(3, |b| *b == b'\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(text)) => to_utf8(charset, percent_decoded(text)),
        _ => percent_decoded(value),
    }
}

/// RFC 2231 §4.1: pieces joined in the order of their numbers.
fn joined(pieces: &mut [(usize, bool, Cow<'_, [u8]>)]) -> Vec<u8> {
    pieces.sort_by_key(|p| p.0);
    let mut charset = Vec::new();
    let mut name = Vec::new();
    for (index, coded, value) in pieces.iter() {
        let mut text: &[u8] = value;
        if *coded && *index == 0 {
            let mut parts = value.splitn(3, |b| *b == b'\'');
            if let (Some(c), Some(_), Some(t)) = (parts.next(), parts.next(), parts.next()) {
                charset = c.to_vec();
                text = t;
            }
        }
        if *coded { name.extend_from_slice(&percent_decoded(text)) } else { name.extend_from_slice(text) }
    }
    to_utf8(&charset, name)
}

/// Replaces encoded words (RFC 2047) by their text in UTF-8; what can't be decoded stays as it is.
pub(crate) fn decode_words(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memmem::find(value, b"=?").is_none() {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    let mut after_word = false;
    while let Some(at) = memchr::memmem::find(rest, b"=?") {
        let (between, candidate) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        let Some((text, len)) = encoded_word(candidate) else {
            out.extend_from_slice(rest.get(..at + 2).unwrap_or(rest));
            rest = rest.get(at + 2..).unwrap_or(&[]);
            after_word = false;
            continue;
        };
        // White space between two encoded words is not part of the text.
        if !(after_word && between.trim_ascii().is_empty()) {
            out.extend_from_slice(between);
        }
        out.extend_from_slice(&text);
        rest = candidate.get(len..).unwrap_or(&[]);
        after_word = true;
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// An encoded word at the start of `text`: its content and its length on the wire.
fn encoded_word(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let body = text.get(2..)?;
    let mut parts = body.splitn(3, |b| *b == b'?');
    let (charset, coding, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let end = memchr::memmem::find(rest, b"?=")?;
    let coded = rest.get(..end)?;
    let bytes = match coding {
        b"B" | b"b" => {
            let mut out = Vec::new();
            let mut decoder = Base64::default();
            decoder.push(coded, &mut out);
            decoder.finish(&mut out);
            out
        }
        b"Q" | b"q" => q_decoded(coded),
        _ => return None,
    };
    let charset = charset.split(|b| *b == b'*').next().unwrap_or(charset);
    Some((to_utf8(charset, bytes), 2 + charset_len(body) + coding.len() + 2 + end + 2))
}

fn charset_len(body: &[u8]) -> usize {
    memchr::memchr(b'?', body).unwrap_or(0)
}

/// RFC 2047 §4.2.
fn q_decoded(coded: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(coded.len());
    let mut i = 0;
    while let Some(&b) = coded.get(i) {
        let pair = coded.get(i + 1..i + 3).and_then(decode_hex);
        match (b, pair) {
            (b'=', Some(byte)) => {
                out.push(byte);
                i += 2;
            }
            (b'_', _) => out.push(b' '),
            _ => out.push(b),
        }
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(value: &str) -> Option<String> {
        let key = if value.contains("filename") { "filename" } else { "name" };
        filename(value.as_bytes(), key).map(|v| String::from_utf8_lossy(&v).into_owned())
    }

    #[test]
    fn parses_fields() {
        assert_eq!(field(b"Host: a.test "), Some((&b"Host"[..], &b"a.test "[..])));
        assert_eq!(field(b"X :\t y"), Some((&b"X"[..], &b"y"[..])));
        assert_eq!(field(b"Empty:"), Some((&b"Empty"[..], &b""[..])));
        assert_eq!(field(b"no colon"), None);
        assert_eq!(field(b"two words: x"), None);
        assert_eq!(field(b": x"), None);
    }

    #[test]
    fn parses_file_names() {
        for (value, want) in [
            ("attachment; filename=\"a b.txt\"", Some("a b.txt")),
            ("attachment; filename=a.txt; size=3", Some("a.txt")),
            ("attachment; filename=\"a\\\"b.txt\"", Some("a\"b.txt")),
            ("form-data; name=\"f\"; filename=\"C:\\dir\\x.doc\"", Some("C:\\dir\\x.doc")),
            ("attachment; filename=\"fallback\"; filename*=UTF-8''%e2%82%ac.txt", Some("€.txt")),
            ("attachment; filename*=iso-8859-1'en'%A3%20rates", Some("£ rates")),
            ("attachment; filename*1=\"lo.txt\"; filename*0=\"hel\"", Some("hello.txt")),
            ("attachment; filename*0*=utf-8''%c3%a4; filename*1=b", Some("äb")),
            ("application/pdf; name=\"=?utf-8?B?w7xiZXIucGRm?=\"", Some("über.pdf")),
            ("text/plain; charset=utf-8", None),
            ("inline", None),
            ("attachment; filename=\"unclosed", Some("unclosed")),
        ] {
            assert_eq!(name_of(value).as_deref(), want, "{value}");
        }
    }

    #[test]
    fn decodes_words() {
        let text = |v: &str| String::from_utf8_lossy(&decode_words(v.as_bytes())).into_owned();
        assert_eq!(text("=?iso-8859-1?Q?a_b=E4?= =?utf-8?b?Yw==?= d"), "a bäc d");
        assert_eq!(text("=?broken"), "=?broken");
        assert_eq!(text("=?utf-8?X?y?="), "=?utf-8?X?y?=");
    }

    #[test]
    fn limits_fields() {
        let mut fold = Fold::default();
        fold.begin(b"a: b");
        assert!(fold.extend(&vec![b'x'; MAX_FIELD_LEN]));
        assert!(!fold.extend(&vec![b'x'; MAX_FIELD_LEN]));
        assert_eq!(fold.take().0, b"a: b");
        let many = b"x; a=b".repeat(1000);
        assert!(parameters(&many).count() <= MAX_PARAMETERS);
    }
}
