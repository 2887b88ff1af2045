//! Header fields and numbers of text protocols that look like HTTP: SIP and RTSP. A helper, no protocol.

use std::borrow::Cow;

/// What stands before and behind the first `at`.
pub(crate) fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(at, text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Where the header ends, and where the body begins.
pub(crate) fn end_of_header(bytes: &[u8]) -> Option<(usize, usize)> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..)? {
        [b'\n', ..] => Some((at + 1, at + 2)),
        [b'\r', b'\n', ..] => Some((at + 1, at + 3)),
        _ => None,
    })
}

/// What an incomplete message waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The end of its first line.
    #[default]
    Line,
    /// The empty line behind its header.
    Blank,
    /// The rest of so many bytes.
    Rest(usize),
}

/// Keeps an incomplete message from being parsed anew with each piece that comes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wait {
    missing: Missing,
    /// Bytes in which it is not.
    seen_len: usize,
}

impl Wait {
    /// Is what the message waited for still not in `bytes`, which begin with it?
    pub fn is_on(&mut self, bytes: &[u8]) -> bool {
        // An empty line may have begun with two bytes that were there before.
        let new = bytes.get(self.seen_len.saturating_sub(2)..).unwrap_or(&[]);
        let waits = match self.missing {
            Missing::Line => memchr::memchr(b'\n', new).is_none(),
            Missing::Blank => end_of_header(new).is_none(),
            Missing::Rest(len) => bytes.len() < len,
        };
        self.seen_len = bytes.len();
        waits
    }

    /// `bytes` do not have `missing`.
    pub fn on(bytes: &[u8], missing: Missing) -> Self {
        Self { missing, seen_len: bytes.len() }
    }
}

/// Header fields: name and value; folded lines are joined.
pub(crate) fn fields(header: &[u8]) -> impl Iterator<Item = (&[u8], Cow<'_, [u8]>)> {
    let mut rest = header;
    std::iter::from_fn(move || {
        loop {
            let line = take_line(&mut rest)?;
            let Some((name, value)) = split(line, b':') else { continue };
            let mut value = Cow::Borrowed(value.trim_ascii());
            while rest.first().is_some_and(|b| matches!(b, b' ' | b'\t')) {
                let more = take_line(&mut rest)?.trim_ascii();
                let value = value.to_mut();
                value.push(b' ');
                value.extend_from_slice(more);
            }
            return Some((name.trim_ascii(), value));
        }
    })
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let line = rest.get(..end)?;
    *rest = rest.get(end + 1..).unwrap_or(&[]);
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// A decimal number; 0 if it is none, as in Zeek.
pub(crate) fn count(value: &[u8]) -> u64 {
    std::str::from_utf8(value.trim_ascii()).ok().and_then(|v| v.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_fields() {
        let all: Vec<_> = fields(b"A: b\r\nnone\r\nC:d\n\t e\r\n").map(|(n, v)| (n.to_vec(), v.into_owned())).collect();
        assert_eq!(all, [(b"A".to_vec(), b"b".to_vec()), (b"C".to_vec(), b"d e".to_vec())]);
        assert_eq!(end_of_header(b"a: b\r\n\r\nx"), Some((6, 8)));
        assert_eq!(end_of_header(b"a: b\r\n\r"), None);
        let mut wait = Wait::on(b"a\nb: c\r\n\r", Missing::Blank);
        assert!(wait.is_on(b"a\nb: c\r\n\rd") && !wait.is_on(b"a\nb: c\r\n\rd\n\r\n"));
        assert!(!Wait::on(b"a\nb: c\r\n\r", Missing::Blank).is_on(b"a\nb: c\r\n\r\n"));
        assert!(Wait::on(b"a", Missing::Rest(3)).is_on(b"ab") && !Wait::on(b"a", Missing::Rest(3)).is_on(b"abc"));
        assert!(Wait::default().is_on(b"a") && !Wait::default().is_on(b"a\n"));
        assert_eq!((count(b" 12 "), count(b"x"), count(b"-1")), (12, 0, 0));
    }
}
