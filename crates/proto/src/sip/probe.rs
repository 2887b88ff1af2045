//! Is it SIP? A response's version, or a request line that ends in it.

use super::message::StartLine;
use crate::{Guess, Probe};

/// Methods of RFC 3261 and its extensions.
const METHODS: [&[u8]; 14] = [
    b"ACK",
    b"BYE",
    b"CANCEL",
    b"INFO",
    b"INVITE",
    b"MESSAGE",
    b"NOTIFY",
    b"OPTIONS",
    b"PRACK",
    b"PUBLISH",
    b"REFER",
    b"REGISTER",
    b"SUBSCRIBE",
    b"UPDATE",
];

/// A request line is awaited up to here.
const MAX_PROBE_LINE: usize = 1024;

/// See [`crate::Descriptor::probe`].
pub(super) fn probe(p: &Probe<'_>) -> Guess {
    side(p.orig).either(side(p.resp))
}

fn side(bytes: &[u8]) -> Guess {
    let text = bytes.get(super::message::blank_len(bytes)..).unwrap_or(&[]);
    let Some(first) = text.first() else { return Guess::More };
    if !matches!(first, b'A'..=b'C' | b'I' | b'M'..=b'P' | b'R' | b'S' | b'U') {
        return Guess::No;
    }
    let version = b"SIP/2.0 ";
    if text.starts_with(version) {
        return Guess::Yes;
    }
    if version.starts_with(text) {
        return Guess::More;
    }
    let head = text.get(..MAX_PROBE_LINE).unwrap_or(text);
    let method = head.iter().position(|b| *b == b' ').and_then(|at| head.get(..at));
    match method {
        Some(method) if METHODS.contains(&method) => {}
        None if METHODS.iter().any(|m| m.starts_with(head)) => return Guess::More,
        _ => return Guess::No,
    }
    match memchr::memchr(b'\n', head).and_then(|at| head.get(..at)) {
        Some(line) if StartLine::parse(line.trim_ascii_end()).is_some() => Guess::Yes,
        None if head.len() < MAX_PROBE_LINE => Guess::More,
        _ => Guess::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_by_content() {
        assert_eq!(side(b"SIP/2.0 200 OK\r\n"), Guess::Yes);
        assert_eq!(side(b"OPTIONS sip:a@b SIP/2.0\r\n"), Guess::Yes);
        assert_eq!(side(b"\r\n\r\nBYE sip:a@b SIP/2.0\r\n"), Guess::Yes);
        assert_eq!(side(b"OPTIONS sip:a@b"), Guess::More);
        assert_eq!(side(b"SIP/"), Guess::More);
    }

    #[test]
    fn leaves_others_alone() {
        for other in
            [&b"OPTIONS rtsp://a RTSP/1.0\r\n"[..], b"OPTIONS * HTTP/1.1\r\n", b"SSH-2.0-x\r\n", b"hello", b"\x16\x03"]
        {
            assert_eq!(side(other), Guess::No, "{other:?}");
        }
    }
}
