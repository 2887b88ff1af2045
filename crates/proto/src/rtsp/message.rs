//! One message (RFC 2326 §4, RFC 7826 §5), or a packet of media between messages (RFC 2326 §10.12).

use crate::header::{Missing, count, end_of_header, fields, split};

/// What is at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed<'a> {
    /// A message and where it ends.
    Message(Message<'a>, usize),
    /// A packet of media, and how many bytes it has.
    Media(usize),
    /// It goes on behind these bytes, in which that is missing.
    More(Missing),
    /// Neither.
    Not,
}

/// A message, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub start: StartLine<'a>,
    /// Header lines, without the empty one behind them.
    pub header: &'a [u8],
    pub body: &'a [u8],
}

/// First line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartLine<'a> {
    Request { method: &'a [u8], uri: &'a [u8], version: &'a [u8] },
    Response { code: u64, reason: &'a [u8], version: &'a [u8] },
}

impl<'a> StartLine<'a> {
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        if let Some(rest) = line.strip_prefix(b"RTSP/") {
            let (version, rest) = split(rest, b' ')?;
            let (code, reason) = split(rest, b' ').unwrap_or((rest, &[]));
            let valid = code.len() == 3 && code.iter().all(u8::is_ascii_digit) && is_version(version);
            return valid.then(|| Self::Response { code: count(code), reason: reason.trim_ascii(), version });
        }
        let (method, rest) = split(line, b' ')?;
        let (uri, version) = split(rest, b' ')?;
        let version = version.strip_prefix(b"RTSP/")?;
        let valid = !method.is_empty() && method.iter().all(|b| b.is_ascii_uppercase() || *b == b'_' || *b == b'-');
        (valid && !uri.is_empty() && is_version(version)).then_some(Self::Request { method, uri, version })
    }
}

fn is_version(text: &[u8]) -> bool {
    matches!(text, [a, b'.', b] if a.is_ascii_digit() && b.is_ascii_digit())
}

/// The message or packet at the start of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Parsed<'_> {
    if let Some(packet) = bytes.strip_prefix(b"$") {
        let [_, a, b, ..] = packet else { return Parsed::More(Missing::Rest(4)) };
        return Parsed::Media(4 + usize::from(u16::from_be_bytes([*a, *b])));
    }
    let Some(line_end) = memchr::memchr(b'\n', bytes) else { return Parsed::More(Missing::Line) };
    let line = bytes.get(..line_end).unwrap_or(&[]).trim_ascii_end();
    let Some(start) = StartLine::parse(line) else { return Parsed::Not };
    let from = line_end + 1;
    let rest = bytes.get(from..).unwrap_or(&[]);
    let ends = match rest {
        [b'\r', b'\n', ..] => Some((0, 2)),
        [b'\n', ..] => Some((0, 1)),
        _ => end_of_header(rest),
    };
    let Some((header_end, body_at)) = ends else { return Parsed::More(Missing::Blank) };
    let header = rest.get(..header_end).unwrap_or(&[]);
    let announced = fields(header).filter(|(name, _)| name.eq_ignore_ascii_case(b"content-length")).last();
    let body_len = announced.map_or(0, |(_, value)| usize::try_from(count(&value)).unwrap_or(usize::MAX));
    let Some(body) = rest.get(body_at..).and_then(|rest| rest.get(..body_len)) else {
        return Parsed::More(Missing::Rest(body_at.saturating_add(from).saturating_add(body_len)));
    };
    Parsed::Message(Message { start, header, body }, from + body_at + body_len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_messages_and_media() {
        let bytes = b"SETUP rtsp://h/t RTSP/1.0\r\nCSeq: 2\r\n\r\nx";
        let Parsed::Message(m, len) = parse(bytes) else { panic!() };
        assert_eq!(
            (m.start, len),
            (StartLine::Request { method: b"SETUP", uri: b"rtsp://h/t", version: b"1.0" }, bytes.len() - 1)
        );
        let Parsed::Message(m, _) = parse(b"RTSP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\nab") else { panic!() };
        assert_eq!(
            (m.start, m.body),
            (StartLine::Response { code: 404, reason: b"Not Found", version: b"1.0" }, &b"ab"[..])
        );
        assert_eq!(parse(b"$\0\x01\0abc"), Parsed::Media(260));
        assert_eq!(parse(b"PLAY rtsp://h RTSP/1.0\r\nCSeq: 3\r\n"), Parsed::More(Missing::Blank));
    }

    #[test]
    fn rejects_others() {
        for other in
            [&b"OPTIONS * HTTP/1.1\r\n\r\n"[..], b"INVITE sip:a SIP/2.0\r\n\r\n", b"RTSP/1.0 20\r\n\r\n", b"\n\n"]
        {
            assert_eq!(parse(other), Parsed::Not, "{other:?}");
        }
    }
}
