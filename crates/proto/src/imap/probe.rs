//! Is it IMAP? The server's untagged greeting, or a tagged command on the usual port.

use crate::{Guess, Probe, Transport};

/// A client's first commands.
const FIRST_COMMANDS: [&[u8]; 6] = [b"AUTHENTICATE", b"CAPABILITY", b"ID", b"LOGIN", b"NOOP", b"STARTTLS"];
/// Longest tag.
const MAX_TAG_LEN: usize = 24;

/// See [`crate::Descriptor::probe`].
pub(super) fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    match p.resp {
        [] if p.orig.is_empty() => Guess::More,
        [] if p.port_match => client(p.orig),
        [] => Guess::No,
        resp => server(resp),
    }
}

fn server(bytes: &[u8]) -> Guess {
    const GREETINGS: [&[u8]; 3] = [b"* OK ", b"* PREAUTH ", b"* BYE "];
    Guess::begins(bytes, GREETINGS)
}

fn client(bytes: &[u8]) -> Guess {
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        return if bytes.len() < 512 && bytes.is_ascii() { Guess::More } else { Guess::No };
    };
    let mut words = bytes.get(..end).unwrap_or(bytes).trim_ascii_end().split(|b| *b == b' ');
    let tag = words.next().unwrap_or(&[]);
    let command = words.next().unwrap_or(&[]);
    let tagged = !tag.is_empty() && tag.len() <= MAX_TAG_LEN && tag.iter().all(u8::is_ascii_graphic);
    if tagged && FIRST_COMMANDS.iter().any(|c| command.eq_ignore_ascii_case(c)) { Guess::Yes } else { Guess::No }
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
        check("", "* OK ready\r\n", false, Guess::Yes);
        check("", "* ", false, Guess::More);
        check("a1 CAPABILITY\r\n", "", true, Guess::Yes);
        check("a1 CAPABILITY\r\n", "", false, Guess::No);
        check("GET / HTTP/1.1\r\n", "", true, Guess::No);
        check("", "+OK\r\n", true, Guess::No);
    }
}
