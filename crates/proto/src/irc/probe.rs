//! Is it IRC? A server's prefixed line, or what only IRC clients begin with.

use crate::{Guess, Probe, Transport};

/// First words of clients that no other protocol has.
const SURE: [&[u8]; 4] = [b"NICK ", b"CAP LS", b"CAP REQ", b"CAP END"];
/// First words that other protocols have as well.
const LIKELY: [&[u8]; 3] = [b"USER ", b"PASS ", b"SERVER "];
/// Longest server name before the first reply.
const MAX_PREFIX_LEN: usize = 128;

/// See [`crate::Descriptor::probe`].
pub(super) fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    client(p.orig, p.port_match).either(server(p.resp))
}

fn client(bytes: &[u8], port_match: bool) -> Guess {
    if !bytes
        .first()
        .is_none_or(|b| matches!(b, b' ' | b'N' | b'n' | b'C' | b'c' | b'U' | b'u' | b'P' | b'p' | b'S' | b's'))
    {
        return Guess::No;
    }
    let text = super::message::skip_blanks(bytes);
    match (Guess::begins(text, SURE), Guess::begins(text, LIKELY)) {
        (Guess::No, Guess::Yes) if !port_match => registration(text),
        (Guess::No, likely) => likely,
        (sure, _) => sure,
    }
}

/// USER or PASS elsewhere: with NICK behind it, it's IRC.
fn registration(text: &[u8]) -> Guess {
    let mut lines = text.split(|b| *b == b'\n').skip(1).map(super::message::skip_blanks);
    let nick = |line: &[u8]| line.get(..5).is_some_and(|w| w.eq_ignore_ascii_case(b"NICK "));
    match lines.next() {
        Some(line) if nick(line) => Guess::Yes,
        Some(line) if lines.next().is_none() && line.len() < 5 => Guess::More,
        Some(_) => Guess::No,
        None => Guess::More,
    }
}

/// `:irc.example.org 001 ` or `NOTICE AUTH :`.
fn server(bytes: &[u8]) -> Guess {
    const NOTICES: [&[u8]; 2] = [b"NOTICE AUTH :", b"NOTICE * :"];
    let Some(first) = bytes.first() else { return Guess::More };
    if *first != b':' {
        return Guess::begins(bytes, NOTICES);
    }
    let head = bytes.get(..MAX_PREFIX_LEN).unwrap_or(bytes);
    let Some(end) = memchr::memchr(b' ', head) else {
        let could_be = bytes.len() < MAX_PREFIX_LEN && bytes.iter().all(u8::is_ascii_graphic);
        return if could_be { Guess::More } else { Guess::No };
    };
    match bytes.get(end + 1..).unwrap_or(&[]) {
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b' ', ..] => Guess::Yes,
        rest if rest.starts_with(b"NOTICE ") => Guess::Yes,
        rest if rest.len() < 7 => Guess::More,
        _ => Guess::No,
    }
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
        check("NICK me\r\n", "", false, Guess::Yes);
        check("  nick me\r\n", "", false, Guess::Yes);
        check("CAP LS 302\r\n", "", false, Guess::Yes);
        check("USER a 0 * :a\r\n", "", true, Guess::Yes);
        check("USER a 0 * :a\r\n", "", false, Guess::More);
        check("USER a 0 * :a\r\nNICK a\r\n", "", false, Guess::Yes);
        check("", ":irc.example.org 001 me :hi", false, Guess::Yes);
        check("", ":irc.example.org NOTICE * :*** hi", false, Guess::Yes);
        check("", ":irc.exam", false, Guess::More);
    }

    #[test]
    fn leaves_others_alone() {
        check("USER a\r\nPASS b\r\n", "+OK\r\n", false, Guess::No);
        check("USER a\r\n", "220 ftp\r\n", false, Guess::No);
        check("GET / HTTP/1.1\r\n", "", true, Guess::No);
        check("", "\x16\x03", true, Guess::No);
        check("", "SSH-2.0-x", true, Guess::No);
    }
}
