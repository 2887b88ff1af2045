//! Recognition: by the opening, or by what the server says first; on the usual port also by a query.

use super::message::{MAX_STARTUP_LEN, Opening, parameters};
use crate::{Guess, Probe, Transport};

/// See [`crate::Descriptor::probe`].
pub(super) fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    match (p.orig.first(), p.resp.first()) {
        (None, None) => Guess::More,
        (Some(0), _) => opening(p.orig),
        (Some(b'Q'), _) if p.port_match => query(p.orig),
        (Some(_), _) => Guess::No,
        (None, Some(b'R' | b'E')) => answer(p.resp),
        // TLS was agreed on: its first record follows.
        (None, Some(b'S')) if p.port_match => match p.resp {
            [_] => Guess::More,
            [_, 0x16, ..] => Guess::Yes,
            _ => Guess::No,
        },
        (None, Some(_)) => Guess::No,
    }
}

fn opening(orig: &[u8]) -> Guess {
    // No length reaches the second byte, and versions and requests begin with 0, 3 or 4.
    if orig.get(1).is_some_and(|b| *b != 0) || orig.get(4).is_some_and(|b| !matches!(b, 0 | 4)) {
        return Guess::No;
    }
    let Some(head) = orig.first_chunk::<8>() else { return Guess::More };
    match Opening::parse(head) {
        Ok(Opening::Startup { .. }) => {}
        Ok(_) => return Guess::Yes,
        Err(e) if e.problem() == sekisho_wire::Problem::Missing => return Guess::Yes,
        Err(_) => return Guess::No,
    }
    let len = orig.first_chunk::<4>().map_or(0, |b| u32::from_be_bytes(*b)).min(MAX_STARTUP_LEN) as usize;
    let names = orig.get(8..len.min(orig.len())).unwrap_or(&[]);
    if parameters(names).take(16).any(|(name, value)| name == b"user" && !value.is_empty()) {
        Guess::Yes
    } else if orig.len() >= len || !names.first().is_none_or(u8::is_ascii_lowercase) {
        Guess::No
    } else {
        Guess::More
    }
}

fn query(orig: &[u8]) -> Guess {
    let Some(([_, len @ ..], text)) = orig.split_first_chunk::<5>() else { return Guess::More };
    let len = u32::from_be_bytes(*len);
    let printable = text.iter().take(16).all(|b| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0));
    if (6..1 << 24).contains(&len) && printable { Guess::Yes } else { Guess::No }
}

/// A request for authentication, or an error that names its severity.
fn answer(resp: &[u8]) -> Guess {
    if resp.get(1..3).is_some_and(|b| b != [0, 0]) {
        return Guess::No;
    }
    let Some(([kind, len @ ..], content)) = resp.split_first_chunk::<5>() else { return Guess::More };
    let len = u32::from_be_bytes(*len);
    let Some(first) = content.first_chunk::<4>() else { return Guess::More };
    let yes = match (kind, u32::from_be_bytes(*first)) {
        (b'R', 3) => len == 8,
        (b'R', 5) => len == 12,
        (b'R', 10) => content.get(4..9) == Some(b"SCRAM"),
        (b'R', 0) => len == 8 && matches!(content.get(4..7), Some(b"S\0\0")),
        (b'E', _) => content.starts_with(b"SFATAL\0") || content.starts_with(b"SERROR\0"),
        _ => false,
    };
    if yes { Guess::Yes } else { Guess::No }
}
