//! Recognition: by a list of counted strings from the client; by a word that only Redis has together with a reply; on the
//! usual port by either alone.

use crate::{Guess, Probe, Transport};

/// Commands typed as lines that a connection may begin with, and that no other line protocol has.
const LINES: [&[u8]; 13] = [
    b"ping",
    b"info",
    b"set",
    b"get",
    b"config",
    b"client",
    b"keys",
    b"publish",
    b"subscribe",
    b"select",
    b"hello",
    b"flushall",
    b"slaveof",
];

/// See [`crate::Descriptor::probe`].
pub(super) fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    match (p.orig.first(), p.resp.first()) {
        (None, None) => Guess::More,
        (Some(b'*'), _) => list(p.orig),
        (Some(b), _) if b.is_ascii_alphabetic() => lines(p),
        (Some(_), _) => Guess::No,
        (None, Some(_)) if p.port_match => reply(p.resp, true),
        (None, Some(_)) => Guess::No,
    }
}

/// Digits and a line's end at the start of `bytes`: what follows; `Err(More)` if they are not whole.
fn count(bytes: &[u8]) -> Result<&[u8], Guess> {
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    match bytes.get(digits..) {
        _ if digits > 8 => Err(Guess::No),
        Some([b'\r', b'\n', rest @ ..]) if digits > 0 => Ok(rest),
        Some([] | [b'\r']) => Err(Guess::More),
        _ => Err(Guess::No),
    }
}

/// `*3`, line's end, `$7`, line's end, a letter.
fn list(orig: &[u8]) -> Guess {
    let found = count(orig.get(1..).unwrap_or(&[])).and_then(|rest| match rest {
        [] => Err(Guess::More),
        [b'$', rest @ ..] => count(rest),
        _ => Err(Guess::No),
    });
    match found {
        Err(guess) => guess,
        Ok(rest) => rest.first().map_or(Guess::More, |b| if b.is_ascii_alphabetic() { Guess::Yes } else { Guess::No }),
    }
}

fn lines(p: &Probe<'_>) -> Guess {
    let word_len = p.orig.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    if word_len > 10 {
        return Guess::No;
    }
    let (word, rest) = p.orig.split_at(word_len);
    let whole = rest.first().is_some_and(|b| matches!(b, b' ' | b'\r' | b'\n'));
    // A word that is not whole yet may become one of them.
    let known = LINES.iter().any(|l| {
        l.get(..word.len()).is_some_and(|l| word.eq_ignore_ascii_case(l)) && (!whole || l.len() == word.len())
    });
    if !known && !p.port_match {
        return Guess::No;
    }
    if memchr::memchr(b'\n', p.orig).is_none() || p.resp.is_empty() {
        return Guess::More;
    }
    reply(p.resp, p.port_match)
}

/// A reply; `loose` takes any, else only those of which the line's shape tells enough.
fn reply(resp: &[u8], loose: bool) -> Guess {
    let Some((kind, rest)) = resp.split_first() else { return Guess::More };
    let words: &[&[u8]] = match kind {
        b'$' | b'*' | b':' | b'%' | b'~' => {
            return match count(rest.strip_prefix(b"-").unwrap_or(rest)) {
                Ok(_) => Guess::Yes,
                Err(guess) => guess,
            };
        }
        b'+' if loose => &[b"OK\r\n", b"PONG\r\n", b"QUEUED\r\n"],
        b'+' => &[b"OK\r\n", b"PONG\r\n"],
        b'-' => &[b"ERR ", b"NOAUTH ", b"WRONGPASS ", b"DENIED ", b"WRONGTYPE "],
        _ => return Guess::No,
    };
    let begins = |w: &&[u8]| rest.get(..w.len()) == Some(*w);
    if words.iter().any(begins) {
        Guess::Yes
    } else if words.iter().any(|w| w.get(..rest.len()) == Some(rest)) {
        Guess::More
    } else {
        Guess::No
    }
}
