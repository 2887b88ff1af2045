//! Start lines and header names of HTTP/1.x (RFC 9112), and what Zeek makes of bad ones.

use crate::mime::field::is_lws;
use sekisho_record::Text;

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

/// Splits a status line; `None` if it is none.
pub(crate) fn status_line(line: &[u8]) -> Option<StatusLine<'_>> {
    if !is_version(line) {
        return None;
    }
    let version_text = line.get(5..)?;
    let space = version_text.iter().position(|b| is_lws(*b))?;
    let rest = skip_lws(version_text.get(space..)?);
    let code = match rest.get(..3)? {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')
        }
        _ => 0,
    };
    let after = rest.get(3..)?;
    let reason = after.iter().position(|b| is_lws(*b)).and_then(|at| after.get(at..)).map(skip_lws);
    Some(StatusLine { version: Version::parse(version_text), code, reason })
}

/// The header fields that matter to framing or to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Authorization,
    Connection,
    /// Content-Type, -Range, -Disposition, -Transfer-Encoding.
    Content,
    ContentEncoding,
    ContentLength,
    ETag,
    Host,
    Origin,
    /// Tells of a proxy.
    Proxy,
    Range,
    Referer,
    TransferEncoding,
    Upgrade,
    UserAgent,
    WebSocket,
}

/// Looks a field name up by its length and first letter.
pub(crate) fn name(name: &[u8]) -> Option<Name> {
    let first = name.first()? | 0x20;
    let (want, found): (&str, Name) = match (name.len(), first) {
        (3, b'v') => ("via", Name::Proxy),
        (4, b'e') => ("etag", Name::ETag),
        (4, b'h') => ("host", Name::Host),
        (5, b'r') => ("range", Name::Range),
        (6, b'o') => ("origin", Name::Origin),
        (7, b'r') => ("referer", Name::Referer),
        (7, b'u') => ("upgrade", Name::Upgrade),
        (9, b'c') => ("client-ip", Name::Proxy),
        (9, b'f') => ("forwarded", Name::Proxy),
        (10, b'c') => ("connection", Name::Connection),
        (10, b'u') => ("user-agent", Name::UserAgent),
        (12, b'c') => ("content-type", Name::Content),
        (13, b'a') => ("authorization", Name::Authorization),
        (13, b'c') => ("content-range", Name::Content),
        (14, b'c') => ("content-length", Name::ContentLength),
        (15, b'x') => ("x-forwarded-for", Name::Proxy),
        (16, b'c') => ("content-encoding", Name::ContentEncoding),
        (16, b'p') => ("proxy-connection", Name::Proxy),
        (16, b'x') if name.eq_ignore_ascii_case(b"xroxy-connection") => return Some(Name::Proxy),
        (16, b'x') => ("x-forwarded-from", Name::Proxy),
        (17, b's') => ("sec-websocket-key", Name::WebSocket),
        (17, b't') => ("transfer-encoding", Name::TransferEncoding),
        (19, b'c') => ("content-disposition", Name::Content),
        (19, b'p') => ("proxy-authorization", Name::Authorization),
        (20, b's') => ("sec-websocket-accept", Name::WebSocket),
        (22, b's') => ("sec-websocket-protocol", Name::WebSocket),
        (24, b's') => ("sec-websocket-extensions", Name::WebSocket),
        (25, b'c') => ("content-transfer-encoding", Name::Content),
        _ => return None,
    };
    name.eq_ignore_ascii_case(want.as_bytes()).then_some(found)
}

/// A target with its escapes resolved as Zeek resolves them, and what was wrong with them.
pub(crate) fn unescape(uri: &[u8]) -> (Vec<u8>, Option<&'static str>) {
    let mut out = Vec::with_capacity(uri.len());
    let mut weird = None;
    let mut rest = uri;
    while let Some(at) = memchr::memchr(b'%', rest) {
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let used = match tail.get(1..).unwrap_or(&[]) {
            [] => {
                weird = Some("illegal_%_at_end_of_URI");
                out.push(b'%');
                1
            }
            [b] => {
                weird = Some("partial_escape_at_end_of_URI");
                out.extend_from_slice(&[b'%', *b]);
                2
            }
            // Software bug or evasion: the first of two is dropped.
            [b'%', ..] => {
                weird = Some("double_%_in_URI");
                1
            }
            [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|x| x.is_ascii_hexdigit()) => {
                let high = hex(*a) << 4 | hex(*b);
                if high != 0 {
                    out.push(high);
                }
                out.push(hex(*c) << 4 | hex(*d));
                6
            }
            [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                out.push(hex(*a) << 4 | hex(*b));
                3
            }
            [b, ..] => {
                weird = Some("unescaped_%_in_URI");
                out.extend_from_slice(&[b'%', *b]);
                2
            }
        };
        rest = tail.get(used..).unwrap_or(&[]);
    }
    out.extend_from_slice(rest);
    (out, weird)
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

/// A chunk's size: hexadecimal digits before extensions (RFC 9112 §7.1).
pub(crate) fn chunk_size(line: &[u8]) -> Option<u64> {
    let text = line.trim_ascii_start();
    let digits = text.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let size = std::str::from_utf8(text.get(..digits)?).ok()?;
    u64::from_str_radix(size, 16).ok().filter(|n| i64::try_from(*n).is_ok())
}

/// Longest name taken from a URI.
const MAX_URI_NAME_LEN: usize = 255;

/// What a URI calls its resource: the last part of the path, if it isn't empty or overlong.
pub(crate) fn uri_name(uri: &[u8]) -> Option<&[u8]> {
    let path = uri.split(|&b| b == b'?' || b == b'#').next()?;
    let name = path.rsplit(|&b| b == b'/').next()?;
    let is_name = path.contains(&b'/') && !name.is_empty() && name.len() <= MAX_URI_NAME_LEN;
    is_name.then_some(name)
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
        assert_eq!(all("HTTP/1.1"), None);
        assert_eq!(all("RTSP/1.0 200 OK"), None);
    }

    #[test]
    fn unescapes_as_zeek_does() {
        for (uri, want, weird) in [
            ("/a%20b", "/a b", None),
            ("/plain", "/plain", None),
            ("/%", "/%", Some("illegal_%_at_end_of_URI")),
            ("/%4", "/%4", Some("partial_escape_at_end_of_URI")),
            ("/%%41", "/A", Some("double_%_in_URI")),
            ("/%u0041%u4142", "/AAB", None),
            ("/%zz", "/%zz", Some("unescaped_%_in_URI")),
        ] {
            assert_eq!(unescape(uri.as_bytes()), (want.as_bytes().to_vec(), weird), "{uri}");
        }
    }

    #[test]
    fn parses_names_and_sizes() {
        assert_eq!(name(b"HOST"), Some(Name::Host));
        assert_eq!(name(b"hose"), None);
        assert_eq!(name(b"X-Forwarded-From"), Some(Name::Proxy));
        assert_eq!(name(b"Xroxy-Connection"), Some(Name::Proxy));
        assert_eq!(name(b""), None);
        assert_eq!(chunk_size(b"1a;ext=1"), Some(26));
        assert_eq!(chunk_size(b"x"), None);
        assert_eq!(chunk_size(b"ffffffffffffffff"), None);
        assert_eq!(chunk_size(b"fffffffffffffffff"), None);
    }

    #[test]
    fn parses_what_a_uri_calls_its_resource() {
        assert_eq!(uri_name(b"/a/report.pdf?x=/y"), Some(&b"report.pdf"[..]));
        assert_eq!(uri_name(b"http://h.test/a/b.js#c"), Some(&b"b.js"[..]));
        for none in [&b"/"[..], b"/a/", b"*", b"", &[b"/".as_slice(), &[b'x'; MAX_URI_NAME_LEN + 1]].concat()] {
            assert_eq!(uri_name(none), None);
        }
    }
}
