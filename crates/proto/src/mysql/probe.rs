//! Recognition: by the server's greeting or the client's answer to it; on the usual ports also by a refusal or a query.

use super::message::{self, Greeting, Login};
use crate::{Guess, Probe, Transport};

/// Longest greeting and login believed.
const MAX_FIRST_LEN: usize = 4096;
/// First words of statements that a connection without its beginning may be recognised by.
const STATEMENTS: [&[u8]; 12] = [
    b"SELECT ", b"INSERT ", b"UPDATE ", b"DELETE ", b"SHOW ", b"SET ", b"BEGIN", b"COMMIT", b"CREATE ", b"DROP ",
    b"ALTER ", b"CALL ",
];

/// See [`crate::Descriptor::probe`].
pub(super) fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    match (p.orig, p.resp) {
        ([], []) => Guess::More,
        (orig, []) => client(orig, p.port_match),
        (_, resp) => server(resp, p.port_match),
    }
}

/// The message at the start of `bytes`: sequence number and content so far.
fn first(bytes: &[u8]) -> Option<(usize, u8, &[u8])> {
    let ([a, b, c, seq], content) = bytes.split_first_chunk()?;
    let len = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
    Some((len, *seq, content.get(..len).unwrap_or(content)))
}

fn server(resp: &[u8], port_match: bool) -> Guess {
    if resp.get(2..4).is_some_and(|b| b != [0, 0]) || resp.get(4).is_some_and(|b| !matches!(b, 9 | 10 | 0xff)) {
        return Guess::No;
    }
    let Some((len, _, content)) = first(resp) else { return Guess::More };
    if !(8..=MAX_FIRST_LEN).contains(&len) {
        return Guess::No;
    }
    if content.len() < len {
        return Guess::More;
    }
    let refused = || matches!(message::error(content), Ok((1000..=4999, text)) if text.is_ascii());
    let yes = match content.first() {
        Some(10) => Greeting::parse(content).is_ok(),
        Some(9) => port_match && Greeting::parse(content).is_ok(),
        _ => port_match && refused(),
    };
    if yes { Guess::Yes } else { Guess::No }
}

fn client(orig: &[u8], port_match: bool) -> Guess {
    if orig.get(3).is_some_and(|seq| *seq != 1 && !(port_match && *seq == 0)) {
        return Guess::No;
    }
    let Some((len, seq, content)) = first(orig) else { return Guess::More };
    if seq == 0 {
        let statement =
            |c: &[u8]| STATEMENTS.iter().any(|s| c.get(..s.len()).is_some_and(|c| c.eq_ignore_ascii_case(s)));
        let query = content.first() == Some(&3)
            && content.get(1..).is_some_and(|c| statement(c) || statement(c.get(2..).unwrap_or(&[])));
        return if query { Guess::Yes } else { Guess::No };
    }
    if !(32..=MAX_FIRST_LEN).contains(&len) {
        return Guess::No;
    }
    if content.len() < 32 {
        return Guess::More;
    }
    match Login::parse(content) {
        Ok(login) if login.capabilities & message::capability::PROTOCOL_41 != 0 => Guess::Yes,
        _ => Guess::No,
    }
}
