//! Is it HTTP? By content on any port; SIP, RTSP and ICAP look alike and are left to their own.

use super::message::{begins_method, is_method, token_len};
use crate::{Guess, Probe, Transport};

/// A request line is awaited to its end up to here; a longer one counts by its beginning.
const MAX_PROBE_LINE: usize = 1024;

/// White space that may go before a request.
const MAX_LEADING_SPACE: usize = 16;

/// Longest method that is considered.
const MAX_METHOD_LEN: usize = 32;

/// See [`crate::Descriptor::probe`].
pub(crate) fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    // HTTP/2 begins like a request (RFC 9113 §3.4).
    if p.orig.starts_with(b"PRI * HTTP/2") {
        return Guess::No;
    }
    let orig = end(p.orig, p.port_match);
    let resp = end(p.resp, p.port_match);
    orig.either(resp)
}

/// One direction: request or response, since a capture may begin in the middle.
fn end(bytes: &[u8], port_match: bool) -> Guess {
    if bytes.is_empty() {
        return Guess::More;
    }
    match response(bytes) {
        Guess::No => request(bytes, port_match),
        other => other,
    }
}

/// A status line?
pub(super) fn response(bytes: &[u8]) -> Guess {
    const START: &[u8] = b"HTTP/";
    let head = bytes.get(..START.len()).unwrap_or(bytes);
    if !START.get(..head.len()).is_some_and(|s| s.eq_ignore_ascii_case(head)) {
        return Guess::No;
    }
    match bytes.get(START.len()) {
        None => Guess::More,
        Some(b'0'..=b'9') => Guess::Yes,
        Some(_) => Guess::No,
    }
}

fn request(bytes: &[u8], port_match: bool) -> Guess {
    let space = bytes.iter().take(MAX_LEADING_SPACE).take_while(|b| b.is_ascii_whitespace()).count();
    let text = bytes.get(space..).unwrap_or(&[]);
    let (line, whole) = match memchr::memchr(b'\n', text) {
        Some(at) => (text.get(..at).unwrap_or(text), true),
        None => (text, false),
    };
    let (method, rest) = line.split_at_checked(token_len(line)).unwrap_or((line, &[]));
    if method.len() > MAX_METHOD_LEN {
        return Guess::No;
    }
    if rest.is_empty() && !whole {
        let may = begins_method(method) || port_match && method.iter().all(|b| b.is_ascii_alphabetic());
        return if may { Guess::More } else { Guess::No };
    }
    if method.is_empty() || !rest.starts_with(b" ") && !rest.starts_with(b"\t") {
        // A bad request, to which the server may give a good answer.
        let tried = port_match && memchr::memmem::find(line, b"HTTP/").is_some();
        return if tried { Guess::More } else { Guess::No };
    }
    target(is_method(method), method, rest.trim_ascii_start(), whole, port_match)
}

/// Judges what follows the method.
fn target(known: bool, method: &[u8], rest: &[u8], whole: bool, port_match: bool) -> Guess {
    let foreign = [&b"sip:"[..], b"sips:", b"tel:", b"rtsp:", b"rtspu:", b"icap:", b"icaps:"];
    if foreign.iter().any(|scheme| rest.get(..scheme.len()).is_some_and(|r| r.eq_ignore_ascii_case(scheme))) {
        return Guess::No;
    }
    if whole {
        let last = rest.trim_ascii_end().rsplit(|b| matches!(b, b' ' | b'\t')).next().unwrap_or(&[]);
        if last.get(..5).is_some_and(|v| v.eq_ignore_ascii_case(b"HTTP/")) {
            return Guess::Yes;
        }
        // HTTP/0.9 has no version.
        let old = method == b"GET" && (rest.starts_with(b"/") || port_match) || known && port_match;
        return if old && !foreign_version(last) { Guess::Yes } else { Guess::No };
    }
    if !known && !port_match {
        return if rest.len() < MAX_PROBE_LINE { Guess::More } else { Guess::No };
    }
    let path = rest.starts_with(b"/") || rest.get(..5).is_some_and(|r| r.eq_ignore_ascii_case(b"http:"));
    match (known && path && port_match, rest.len() < MAX_PROBE_LINE) {
        (true, _) => Guess::Yes,
        (false, true) => Guess::More,
        (false, false) if known && path => Guess::Yes,
        (false, false) => Guess::No,
    }
}

fn foreign_version(last: &[u8]) -> bool {
    [&b"SIP/"[..], b"RTSP/", b"ICAP/"].iter().any(|v| last.starts_with(v))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_probe;

    fn check(orig: &str, resp: &str, port_match: bool, want: Guess) {
        check_probe(probe, orig, resp, port_match, want);
    }

    #[test]
    fn probes_by_content() {
        check("GET / HTTP/1.1\r\n", "", false, Guess::Yes);
        check("PROPFIND /dav/ HTTP/1.1\r\n", "", false, Guess::Yes);
        check("", "HTTP/1.1 200 OK\r\n", false, Guess::Yes);
        check("ETA / HTTP/1.1\r\n", "", false, Guess::Yes);
        check("\r\nGET / HTTP/1.0\r\n", "", false, Guess::Yes);
        check("GET /x\r\n", "", false, Guess::Yes);
        check("GET /long", "", true, Guess::Yes);
        check("GE", "", false, Guess::More);
        check("", "HTT", false, Guess::More);
        check("GET/ HTTP/1.1\r\n", "", true, Guess::More);
        check("GET/ HTTP/1.1\r\n", "HTTP/1.0 400 Bad Request", true, Guess::Yes);
        check("GET /long", "", false, Guess::More);
        check(&format!("GET /{}", "x".repeat(2000)), "", false, Guess::Yes);
    }

    #[test]
    fn leaves_others_alone() {
        for text in [
            "OPTIONS sip:a@b SIP/2.0\r\n",
            "OPTIONS rtsp://a/ RTSP/1.0\r\n",
            "DESCRIBE rtsp://a/ RTSP/1.0\r\n",
            "OPTIONS icap://a/ ICAP/1.0\r\n",
            "NOTIFY * SIP/2.0\r\n",
            "\x16\x03\x01",
            "EHLO me\r\n",
            "USER x\r\n",
            "SSH-2.0-x\r\n",
            "220 hello\r\n",
            "a1 SEARCH ALL\r\n",
            "SEARCH ALL\r\n",
        ] {
            check(text, "", false, Guess::No);
        }
        check("", "RTSP/1.0 200 OK\r\n", false, Guess::No);
        check("\x16\x03\x01", "", true, Guess::No);
    }
}
