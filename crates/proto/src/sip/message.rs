//! One message (RFC 3261 §7): start line, header, body.

use crate::header::{Missing, count, end_of_header, fields, split};

/// A message, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub start: StartLine<'a>,
    /// The same as it stands there.
    pub line: &'a [u8],
    /// Header lines, without the empty one behind them.
    pub header: &'a [u8],
    /// As long as Content-Length tells, or what there is.
    pub body: &'a [u8],
    /// Bytes before the start line that belong to no message.
    pub junk: &'a [u8],
}

/// First line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartLine<'a> {
    Request { method: &'a [u8], uri: &'a [u8] },
    Response { code: u16, reason: &'a [u8] },
}

/// What is at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed<'a> {
    /// A message and where it ends.
    Message(Message<'a>, usize),
    /// It goes on behind these bytes, in which that is missing.
    More(Missing),
    /// No message.
    Not,
}

/// Is this a character of a method (RFC 3261 §25.1, token)?
const fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// Keep-alives between messages (RFC 5626 §3.5.1).
pub(super) fn blank_len(bytes: &[u8]) -> usize {
    bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(bytes.len())
}

impl<'a> StartLine<'a> {
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        if let Some(rest) = line.strip_prefix(b"SIP/") {
            let (version, rest) = split(rest, b' ')?;
            let rest = rest.trim_ascii_start();
            let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = rest.first_chunk::<3>()? else { return None };
            let code = [a, b, c].iter().fold(0, |n, d| n * 10 + u16::from(**d - b'0'));
            let reason = rest.get(3..)?.trim_ascii_start();
            return is_version(version).then_some(Self::Response { code, reason });
        }
        let (method, rest) = split(line, b' ')?;
        let at = rest.iter().rposition(|b| *b == b' ')?;
        let (uri, version) = (rest.get(..at)?, rest.get(at + 1..)?);
        let valid = !method.is_empty() && method.iter().all(|b| is_token(*b)) && !uri.is_empty();
        let valid = valid && version.strip_prefix(b"SIP/").is_some_and(is_version);
        valid.then(|| Self::Request { method, uri: uri.trim_ascii() })
    }
}

fn is_version(text: &[u8]) -> bool {
    text.contains(&b'.') && text.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

/// The message at the start of `bytes`. `whole`: nothing will follow, so header and body end where the bytes do.
pub(super) fn parse(bytes: &[u8], whole: bool) -> Parsed<'_> {
    let line_end = memchr::memchr(b'\n', bytes);
    let Some(line_end) = line_end.or(whole.then_some(bytes.len())) else {
        return Parsed::More(Missing::Line);
    };
    let line = bytes.get(..line_end).unwrap_or(bytes).trim_ascii_end();
    // Methods are looked for behind what cannot be part of one, as in Zeek.
    let junk_len = line.iter().position(|b| is_token(*b)).unwrap_or(line.len());
    let (junk, line) = line.split_at_checked(junk_len).unwrap_or((&[], line));
    let Some(start) = StartLine::parse(line) else { return Parsed::Not };
    let from = (line_end + 1).min(bytes.len());
    // Without a header the empty line follows at once.
    let (header_end, body_at) = match bytes.get(from..) {
        Some([b'\r', b'\n', ..]) => (from, from + 2),
        Some([b'\n', ..]) => (from, from + 1),
        _ => match end_of_header(bytes.get(from..).unwrap_or(&[])) {
            Some((header, body)) => (from + header, from + body),
            None if whole => (bytes.len(), bytes.len()),
            None => return Parsed::More(Missing::Blank),
        },
    };
    let header = bytes.get(from..header_end).unwrap_or(&[]);
    let rest = bytes.get(body_at..).unwrap_or(&[]);
    let announced = fields(header).filter(|(name, _)| is_content_length(name)).last();
    let body_len = match announced {
        Some((_, value)) => usize::try_from(count(&value)).unwrap_or(usize::MAX),
        None if whole => rest.len(),
        None => 0,
    };
    let Some(body) = rest.get(..body_len).or(whole.then_some(rest)) else {
        return Parsed::More(Missing::Rest(body_at.saturating_add(body_len)));
    };
    Parsed::Message(Message { start, line, header, body, junk }, body_at + body.len())
}

fn is_content_length(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l")
}

/// `value` up to the parameter that begins with `name`.
pub(super) fn before_parameter<'a>(value: &'a [u8], name: &[u8]) -> &'a [u8] {
    let found = memchr::memchr_iter(b';', value).find(|at| {
        let rest = value.get(at + 1..).unwrap_or(&[]);
        rest.strip_prefix(b" ").unwrap_or(rest).starts_with(name) || rest.starts_with(name)
    });
    found.and_then(|at| value.get(..at)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_messages() {
        let bytes =
            b"INVITE sip:bob@b SIP/2.0\r\nVia: x;branch=1\r\nSubject: a\r\n b\r\nContent-Length: 3\r\n\r\nabcREST";
        let Parsed::Message(m, len) = parse(bytes, false) else { panic!() };
        assert_eq!(m.start, StartLine::Request { method: b"INVITE", uri: b"sip:bob@b" });
        assert_eq!((m.body, len), (&b"abc"[..], bytes.len() - 4));
        let all: Vec<_> = fields(m.header).map(|(n, v)| (n.to_vec(), v.into_owned())).collect();
        assert_eq!(all[1], (b"Subject".to_vec(), b"a b".to_vec()));
        let Parsed::Message(m, _) = parse(b"SIP/2.0 200 All right\r\n\r\n", false) else { panic!() };
        assert_eq!(m.start, StartLine::Response { code: 200, reason: b"All right" });
        let Parsed::Message(m, _) = parse(b"\0\0BYE sip:b SIP/2.0", true) else { panic!() };
        assert_eq!(m.junk, b"\0\0");
    }

    #[test]
    fn rejects_what_is_no_message() {
        for bad in ["GET / HTTP/1.1\r\n\r\n", "SIP/2.0 20x\r\n\r\n", "INVITE sip:b\r\n\r\n", "INVITE  SIP/2.0\r\n\r\n"]
        {
            assert_eq!(parse(bad.as_bytes(), true), Parsed::Not, "{bad}");
        }
        assert_eq!(parse(b"INVITE sip:b SIP/2.0\r\nVia: x", false), Parsed::More(Missing::Blank));
        assert_eq!(parse(b"INVITE sip:b SIP/2.0\r\nl: 5\r\n\r\nab", false), Parsed::More(Missing::Rest(35)));
    }

    #[test]
    fn cuts_parameters() {
        assert_eq!(before_parameter(b"<sip:a@b>;x=1;tag=9", b"tag="), b"<sip:a@b>;x=1");
        assert_eq!(before_parameter(b"<sip:a@b>; tag=9", b"tag="), b"<sip:a@b>");
        assert_eq!(before_parameter(b"<sip:a@b>", b"tag="), b"<sip:a@b>");
    }
}
