//! Header fields and targets of HTTP, whatever its version, and what becomes of them in the log.

use super::api;
use super::record::HttpRecord;
use crate::mime::Base64;
use sekisho_record::{Set, Text};

/// Longest target logged; a longer one is cut.
const MAX_URI_LEN: usize = 64 * 1024;

/// Proxy fields listed per request.
const MAX_PROXIED: usize = 64;

/// Bytes listed of one proxy field.
const MAX_PROXIED_LEN: usize = 4096;

/// The header fields that matter to framing or to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// Only the named program sends it.
    Api(&'static str),
    Authorization,
    Connection,
    /// Content-Type, -Range, -Disposition, -Transfer-Encoding.
    Content,
    ContentEncoding,
    ContentLength,
    ETag,
    Host,
    Origin,
    PoweredBy,
    /// Tells of a proxy.
    Proxy,
    Range,
    Referer,
    Server,
    SharePoint,
    /// Proves who asks: a cookie, a token.
    Token,
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
        (6, b'c') => ("cookie", Name::Token),
        (6, b'o') => ("origin", Name::Origin),
        (6, b's') => ("server", Name::Server),
        (7, b'r') => ("referer", Name::Referer),
        (7, b'u') => ("upgrade", Name::Upgrade),
        (9, b'c') => ("client-ip", Name::Proxy),
        (9, b'x') if name.eq_ignore_ascii_case(b"x-api-key") => return Some(Name::Token),
        (9, b'f') => ("forwarded", Name::Proxy),
        (10, b'c') => ("connection", Name::Connection),
        (10, b'u') => ("user-agent", Name::UserAgent),
        (12, b'c') => ("content-type", Name::Content),
        (12, b'x') if name.eq_ignore_ascii_case(b"x-auth-token") => return Some(Name::Token),
        (12, b'x') if name.eq_ignore_ascii_case(b"x-powered-by") => return Some(Name::PoweredBy),
        (13, b'a') => ("authorization", Name::Authorization),
        (13, b'c') => ("content-range", Name::Content),
        (14, b'x') if name.eq_ignore_ascii_case(b"x-consul-token") => return Some(Name::Token),
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
        (31, b'm') => ("microsoftsharepointteamservices", Name::SharePoint),
        (9.., b'd' | b'x') => return api::of_field(name).map(Name::Api),
        _ => return None,
    };
    name.eq_ignore_ascii_case(want.as_bytes()).then_some(found)
}

/// A target with its escapes resolved as Zeek resolves them, and what was wrong with them.
fn unescape(uri: &[u8]) -> (Vec<u8>, Option<&'static str>) {
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

/// A target as it is logged, with its escapes resolved, and what was wrong with them.
pub(crate) fn target(raw: &[u8]) -> (Text, Option<&'static str>) {
    let (uri, weird) = unescape(raw.get(..MAX_URI_LEN).unwrap_or(raw));
    (uri.into(), weird)
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

/// Notes a request's header field in its row.
pub(crate) fn request_field(row: &mut HttpRecord, name: Name, raw_name: &[u8], value: &[u8]) {
    let slot = match name {
        Name::Host => &mut row.host,
        Name::Origin => &mut row.origin,
        Name::Referer => &mut row.referrer,
        Name::UserAgent => &mut row.user_agent,
        Name::Authorization => {
            if let Some(user) = basic_user(value) {
                row.username = Some(user);
            }
            return;
        }
        Name::Proxy => {
            let proxied = row.proxied.get_or_insert_with(Set::default);
            if proxied.0.len() < MAX_PROXIED {
                let mut text = raw_name.to_ascii_uppercase();
                text.extend_from_slice(b" -> ");
                text.extend_from_slice(value.get(..MAX_PROXIED_LEN).unwrap_or(value));
                proxied.insert(text.into());
            }
            return;
        }
        _ => return,
    };
    *slot = Some(value.into());
}

/// What basic authentication says, `user:password` (RFC 7617).
pub(super) fn basic(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let mut decoder = Base64::default();
    let mut text = Vec::new();
    decoder.push(rest, &mut text);
    decoder.finish(&mut text);
    Some(text)
}

/// The user name of basic authentication; the password is not kept.
fn basic_user(value: &[u8]) -> Option<Text> {
    let text = basic(value)?;
    match memchr::memchr(b':', &text) {
        Some(at) => text.get(..at).map(Text::from),
        None => Some([b"<problem-decoding> (", value, b")"].concat().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn knows_names() {
        assert_eq!(name(b"HOST"), Some(Name::Host));
        assert_eq!(name(b"hose"), None);
        assert_eq!(name(b"X-Forwarded-From"), Some(Name::Proxy));
        assert_eq!(name(b"Xroxy-Connection"), Some(Name::Proxy));
        assert_eq!(name(b""), None);
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
