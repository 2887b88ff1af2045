//! Is it POP3? The server's greeting together with what only its clients begin with; Redis answers `+OK`, too.

use super::command::{Command, command};
use crate::{Guess, Probe, Transport};

/// A client's first line is awaited up to here.
const MAX_PROBE_LINE: usize = 512;

/// See [`crate::Descriptor::probe`].
pub(super) fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    let greeting = b"+OK";
    let shared = p.resp.len().min(greeting.len());
    if p.resp.get(..shared) != greeting.get(..shared) {
        return Guess::No;
    }
    if p.port_match {
        // Without greeting it is one side of a conversation.
        return if p.resp.len() >= greeting.len() { Guess::Yes } else { client(p.orig) };
    }
    match memchr::memchr(b'\n', p.resp).and_then(|at| p.resp.get(greeting.len()..at)) {
        // A greeting has words; Redis has not.
        Some(words) if words.trim_ascii().is_empty() => Guess::No,
        Some(_) => client(p.orig),
        None if p.resp.len() > MAX_PROBE_LINE => Guess::No,
        None => match client(p.orig) {
            Guess::No => Guess::No,
            _ => Guess::More,
        },
    }
}

fn client(bytes: &[u8]) -> Guess {
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        let could_be = bytes.len() < MAX_PROBE_LINE && bytes.iter().take(4).all(u8::is_ascii_alphabetic);
        return if could_be { Guess::More } else { Guess::No };
    };
    match command(bytes.get(..end).unwrap_or(bytes)).0 {
        Command::Apop
        | Command::Auth
        | Command::AuthList
        | Command::Capa
        | Command::Quit
        | Command::Stls
        | Command::User => Guess::Yes,
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
        check("", "+OK ready\r\n", true, Guess::Yes);
        check("", "+OK ready\r\n", false, Guess::More);
        check("CAPA\r\n", "+OK ready\r\n", false, Guess::Yes);
        check("USER bob\r\n", "", true, Guess::Yes);
        check("US", "", true, Guess::More);
    }

    #[test]
    fn leaves_others_alone() {
        check("AUTH x\r\n", "+OK\r\n", false, Guess::No);
        check("*1\r\n$4\r\nPING\r\n", "+OK\r\n", false, Guess::No);
        check("GET / HTTP/1.1\r\n", "", false, Guess::No);
        check("USER bob\r\n", "220 ftp\r\n", false, Guess::No);
        check("", "\x16\x03", true, Guess::No);
    }
}
