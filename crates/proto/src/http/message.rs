//! Start lines and header names of HTTP/1.x (RFC 9112), and what Zeek makes of bad ones.

use crate::mime::field::{self, is_lws};
use sekisho_record::Text;
use std::borrow::Cow;

/// Known methods: IANA's registry, WebDAV and its relatives, RPC over HTTP.
const METHODS: &[&str] = &[
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "CONNECT",
    "TRACE",
    "PATCH",
    "ACL",
    "BASELINE-CONTROL",
    "BCOPY",
    "BDELETE",
    "BIND",
    "BMOVE",
    "BPROPFIND",
    "BPROPPATCH",
    "CCM_POST",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "NOTIFY",
    "ORDERPATCH",
    "POLL",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "QUERY",
    "REBIND",
    "REPORT",
    "RPC_IN_DATA",
    "RPC_OUT_DATA",
    "SEARCH",
    "SUBSCRIBE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
    "X-MS-ENUMATTS",
];

/// Methods that Zeek's logs know; others get a weird.
const ORDINARY: &[&str] = &[
    "GET",
    "POST",
    "HEAD",
    "OPTIONS",
    "PUT",
    "DELETE",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "POLL",
    "REPORT",
    "SUBSCRIBE",
    "BMOVE",
    "SEARCH",
];

/// Is `method` in the table?
pub(crate) fn is_method(method: &[u8]) -> bool {
    METHODS.iter().any(|m| m.as_bytes() == method)
}

/// Is `method` one that Zeek finds ordinary?
pub(crate) fn is_ordinary_method(method: &[u8]) -> bool {
    ORDINARY.iter().any(|m| m.as_bytes() == method)
}

/// May a known method begin like this?
pub(crate) fn begins_method(start: &[u8]) -> bool {
    METHODS.iter().any(|m| m.as_bytes().starts_with(start))
}

/// Major and minor number; 0.0 if unreadable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u8,
    pub(crate) minor: u8,
}

impl Version {
    /// A request without version: HTTP/0.9.
    pub(crate) const V09: Self = Self { major: 0, minor: 9 };

    /// From the text behind `HTTP/`.
    fn parse(text: &[u8]) -> Self {
        match text {
            [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', ..] => Self { major: major - b'0', minor: minor - b'0' },
            _ => Self::default(),
        }
    }

    /// As the logs show it.
    pub(crate) fn text(self) -> Text {
        vec![self.major + b'0', b'.', self.minor + b'0'].into()
    }

    /// Are transfer codings known in this version (RFC 9112 §6.1)?
    pub(crate) fn has_chunks(self) -> bool {
        self >= Self { major: 1, minor: 1 }
    }
}

/// A request's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) uri: &'a [u8],
    pub(crate) version: Version,
    /// An anomaly that leaves the line readable.
    pub(crate) weird: Option<&'static str>,
}

/// A byte of a token (RFC 9110 §5.6.2) as Zeek reads it.
const fn is_token(b: u8) -> bool {
    b > 0x20
        && b < 0x7f
        && !matches!(
            b,
            b'(' | b')'
                | b'<'
                | b'>'
                | b'@'
                | b','
                | b';'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'='
                | b'{'
                | b'}'
        )
}

/// Length of the token at the start of `text`.
pub(crate) fn token_len(text: &[u8]) -> usize {
    text.iter().position(|b| !is_token(*b)).unwrap_or(text.len())
}

fn is_version(text: &[u8]) -> bool {
    text.get(..5).is_some_and(|t| t.eq_ignore_ascii_case(b"HTTP/"))
}

fn skip_lws(text: &[u8]) -> &[u8] {
    text.get(text.iter().take_while(|b| is_lws(**b)).count()..).unwrap_or(&[])
}

/// Splits a request line. `Err` is the name of what is wrong with it.
pub(crate) fn request_line(line: &[u8]) -> Result<RequestLine<'_>, &'static str> {
    let (method, rest) = line.split_at_checked(token_len(line)).unwrap_or((line, &[]));
    let target = skip_lws(rest);
    if method.is_empty() {
        let tail = line.len().checked_sub(9).and_then(|at| line.get(at..at + 6));
        let versioned = tail.is_some_and(|t| t.eq_ignore_ascii_case(b" HTTP/"));
        return Err(if versioned { "bad_HTTP_request_with_version" } else { "bad_HTTP_request" });
    }
    if target.len() == rest.len() {
        return Err("bad_HTTP_request");
    }
    let (uri, version_text) = split_target(target);
    let weird = (uri.is_empty() && version_text.is_some()).then_some("missing_HTTP_uri");
    let version = version_text.map_or(Version::V09, |v| Version::parse(v.get(5..).unwrap_or(&[])));
    if version_text.is_none() && (method.len() < 3 || uri.is_empty()) {
        return Err("bad_HTTP_request");
    }
    Ok(RequestLine { method, uri, version, weird })
}

/// Target and version of a request; targets with white space in them come in attacks and bad clients.
fn split_target(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    if is_version(target) && !target.iter().any(|b| is_lws(*b)) {
        return (&[], Some(target));
    }
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b' ', b'\t', target.get(from..).unwrap_or(&[])) {
        let space = from + at;
        let (uri, rest) = target.split_at_checked(space).unwrap_or((target, &[]));
        let after = skip_lws(rest);
        if is_version(after) {
            return (uri, Some(after));
        }
        from = target.len() - after.len();
    }
    (target.trim_ascii_end(), None)
}

/// A response's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatusLine<'a> {
    pub(crate) version: Version,
    pub(crate) code: u16,
    pub(crate) reason: Option<&'a [u8]>,
}

/// White space as lenient readers of start lines take it: C's `isspace`.
const fn is_space(b: u8) -> bool {
    matches!(b, b' ' | 0x09..=0x0d)
}

/// What is left of a response's first line without white space and NULs before it, which browsers pass over.
pub(crate) fn trim_start(line: &[u8]) -> &[u8] {
    let skipped = line.iter().take_while(|b| is_space(**b) || **b == 0).count();
    line.get(skipped..).unwrap_or(&[])
}

/// Does a line begin as status lines do, in whatever case?
pub(crate) fn is_like_status(line: &[u8]) -> bool {
    trim_start(line).get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"http"))
}

/// Splits a status line; `None` if it is none. What follows the version may be missing: then the code is 0.
pub(crate) fn status_line(line: &[u8]) -> Option<StatusLine<'_>> {
    if !is_version(line) {
        return None;
    }
    let version_text = line.get(5..)?;
    let space = version_text.iter().position(|b| is_space(*b)).unwrap_or(version_text.len());
    let mut rest = version_text.get(space..)?;
    rest = rest.get(rest.iter().take_while(|b| is_space(**b)).count()..)?;
    let code = match *rest {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => {
            u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')
        }
        _ if rest.len() < 3 && !version_text.first().is_some_and(u8::is_ascii_digit) => return None,
        _ => 0,
    };
    let after = rest.get(3..).unwrap_or(&[]);
    let reason = after.iter().position(|b| is_space(*b)).and_then(|at| after.get(at..)).map(skip_lws);
    Some(StatusLine { version: Version::parse(version_text), code, reason })
}

/// Name and value of a header line.
type Field<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// Splits a header line of HTTP into name and value, as lenient readers do: NULs count as nothing. `None` if it is no field.
pub(crate) fn header_field(line: &[u8]) -> Option<Field<'_>> {
    if memchr::memchr(0, line).is_some() {
        let plain: Vec<u8> = line.iter().copied().filter(|b| *b != 0).collect();
        let (name, value) = split_field(&plain)?;
        return Some((Cow::Owned(name.to_vec()), Cow::Owned(value.to_vec())));
    }
    let (name, value) = split_field(line)?;
    Some((Cow::Borrowed(name), Cow::Borrowed(value)))
}

fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(field) = field::field(line) {
        return Some(field);
    }
    // White space of other kinds before the colon.
    let (name, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
    let spaces = name.iter().rev().take_while(|b| is_space(**b)).count();
    let name = name.get(..name.len() - spaces)?.trim_ascii_start();
    let right = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    right.then(|| (name, value.get(1..).unwrap_or(&[]).trim_ascii_start()))
}

/// A chunk's size: hexadecimal digits before extensions (RFC 9112 §7.1).
pub(crate) fn chunk_size(line: &[u8]) -> Option<u64> {
    let text = trim_start(line);
    let digits = text.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let size = std::str::from_utf8(text.get(..digits)?).ok()?;
    u64::from_str_radix(size, 16).ok().filter(|n| i64::try_from(*n).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Result<(String, String, u8, u8), &'static str> {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        request_line(line.as_bytes()).map(|r| (text(r.method), text(r.uri), r.version.major, r.version.minor))
    }

    #[test]
    fn parses_request_lines() {
        for (line, method, uri, major, minor) in [
            ("GET / HTTP/1.1", "GET", "/", 1, 1),
            ("GET  /a  HTTP/1.0 ", "GET", "/a", 1, 0),
            ("GET /a b HTTP/1.1", "GET", "/a b", 1, 1),
            ("GET http://x/ http/1.1", "GET", "http://x/", 1, 1),
            ("GET /old", "GET", "/old", 0, 9),
            ("CCM_POST /x HTTP/1.1", "CCM_POST", "/x", 1, 1),
            ("GET HTTP/1.1", "GET", "", 1, 1),
            ("GET / HTTP/x", "GET", "/", 0, 0),
        ] {
            assert_eq!(request(line), Ok((method.to_owned(), uri.to_owned(), major, minor)), "{line}");
        }
    }

    #[test]
    fn rejects_what_is_no_request() {
        for (line, weird) in [
            ("", "bad_HTTP_request"),
            ("GET", "bad_HTTP_request"),
            ("<x> HTTP/1.1", "bad_HTTP_request_with_version"),
            ("ab /x", "bad_HTTP_request"),
            ("GET/ HTTP/1.1", "bad_HTTP_request"),
        ] {
            assert_eq!(request(line), Err(weird), "{line}");
        }
    }

    #[test]
    fn parses_status_lines() {
        let all = |l: &str| status_line(l.as_bytes()).map(|s| (s.code, s.reason.map(|r| r.len())));
        assert_eq!(all("HTTP/1.1 200 OK"), Some((200, Some(2))));
        assert_eq!(all("HTTP/1.1 404"), Some((404, None)));
        assert_eq!(all("HTTP/1.0 200 "), Some((200, Some(0))));
        assert_eq!(all("HTTP/1.1 2x0 y"), Some((0, Some(1))));
        assert_eq!(all("HTTP/1.1\x0b200\x0bok"), Some((200, Some(3))));
        assert_eq!(all("HTTP/1.1foobar"), Some((0, None)));
        assert_eq!(all("HTTP/1.1"), Some((0, None)));
        assert_eq!(all("HTTP/x"), None);
        assert_eq!(all("RTSP/1.0 200 OK"), None);
    }

    #[test]
    fn reads_fields_as_lenient_readers_do() {
        let of = |line: &str| header_field(line.as_bytes()).map(|(n, v)| (n.into_owned(), v.into_owned()));
        let is = |name: &str, value: &str| Some((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        assert_eq!(of("Transfer\0-Encoding\0: chu\0nked"), is("Transfer-Encoding", "chunked"));
        assert_eq!(of("Content-Encoding\x0b:gzip"), is("Content-Encoding", "gzip"));
        assert_eq!(of("A : b"), is("A", "b"));
        assert_eq!(of("no field"), None);
    }

    #[test]
    fn parses_chunk_sizes() {
        assert_eq!(chunk_size(b"\x0bf"), Some(15));
        assert_eq!(chunk_size(b"1a;ext=1"), Some(26));
        assert_eq!(chunk_size(b"x"), None);
        assert_eq!(chunk_size(b"ffffffffffffffff"), None);
        assert_eq!(chunk_size(b"fffffffffffffffff"), None);
    }
}
