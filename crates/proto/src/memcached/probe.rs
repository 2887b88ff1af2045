//! Recognition: by a storage command, or by a command with its answer; on the usual port by either alone. Binary messages
//! and datagrams are believed on the usual port only, unless a message is just as long as it says.

use super::binary::{self, Header};
use super::text::{self, Command, Line, Shape};
use super::{DATAGRAM_HEAD_LEN, MAX_VALUE_LEN};
use crate::{Guess, Probe, Transport};

/// Longest first binary message by which a connection on another port is recognised.
const MAX_FIRST_LEN: usize = 512;

/// See [`crate::Descriptor::probe`].
pub(super) fn probe(p: &Probe<'_>) -> Guess {
    if p.transport == Transport::Udp {
        return if p.port_match { datagram(p) } else { Guess::No };
    }
    match (p.orig.first(), p.resp.first()) {
        (None, None) => Guess::More,
        (Some(&binary::REQUEST), _) => message(p.orig, binary::REQUEST, p.port_match),
        (None, Some(&binary::ANSWER)) => message(p.resp, binary::ANSWER, p.port_match),
        (Some(b), _) if b.is_ascii_lowercase() => lines(p),
        (None, Some(b)) if p.port_match && b.is_ascii_uppercase() => answer(p.resp),
        _ => Guess::No,
    }
}

fn message(bytes: &[u8], magic: u8, port_match: bool) -> Guess {
    if bytes.get(5).is_some_and(|data_type| *data_type != 0) {
        return Guess::No;
    }
    let Ok(header) = Header::parse(bytes) else { return Guess::More };
    if !header.is_plausible(magic) {
        return Guess::No;
    }
    if port_match {
        return Guess::Yes;
    }
    let known = header.op <= 0x24 && (header.body_len > 0 || matches!(header.op, 0x07 | 0x0a | 0x0b | 0x10 | 0x20));
    let len = binary::HEAD_LEN + usize::try_from(header.body_len).unwrap_or(usize::MAX - binary::HEAD_LEN);
    if !known || len > MAX_FIRST_LEN {
        return Guess::No;
    }
    match bytes.get(len..) {
        None => Guess::More,
        // What follows is a message as well.
        Some(rest) if rest.first().is_none_or(|b| *b == magic) => Guess::Yes,
        Some(_) => Guess::No,
    }
}

fn lines(p: &Probe<'_>) -> Guess {
    let Some(end) = memchr::memchr(b'\n', p.orig) else {
        let word = text::words(p.orig).next().unwrap_or(&[]);
        let may_be = if word.len() < p.orig.len() { text::shape(word).is_some() } else { text::is_prefix(word) };
        return if may_be { Guess::More } else { Guess::No };
    };
    let line = p.orig.get(..end).unwrap_or(&[]);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Some(command) = Command::parse(line) else { return Guess::No };
    let stores = text::shape(command.name) == Some(Shape::Store)
        && command.value_len.is_some_and(|len| len <= MAX_VALUE_LEN)
        && text::words(line).skip(2).take(3).all(|w| text::number(w).is_some());
    if stores || p.port_match {
        Guess::Yes
    } else if p.resp.is_empty() {
        Guess::More
    } else {
        answer(p.resp)
    }
}

fn answer(resp: &[u8]) -> Guess {
    let Some(end) = memchr::memchr(b'\n', resp) else {
        return if resp.len() < 32 && resp.is_ascii() { Guess::More } else { Guess::No };
    };
    let line = resp.get(..end).unwrap_or(&[]);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match Line::parse(line) {
        // These words others say as well.
        Some(Line::Last { status, .. }) if status == b"OK" || text::number(status).is_some() => Guess::No,
        Some(_) => Guess::Yes,
        None => Guess::No,
    }
}

fn datagram(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    let Some((head, rest)) = bytes.split_first_chunk::<DATAGRAM_HEAD_LEN>() else { return Guess::No };
    let [_, _, _, number, _, count, reserved @ ..] = head;
    if reserved != &[0, 0] || (*count > 0 && number >= count) {
        return Guess::No;
    }
    let line = rest.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or(&[]);
    // The first datagram may be the server's.
    if Command::parse(line).is_some() || Line::parse(line).is_some() { Guess::Yes } else { Guess::No }
}
