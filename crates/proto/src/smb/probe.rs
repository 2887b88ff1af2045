//! Recognition by the first bytes.

use super::magic;
use crate::{Guess, Probe, Transport};

/// A session request (RFC 1002 §4.3.2): two encoded names of 34 bytes.
const SESSION_REQUEST: &[u8; 4] = b"\x81\0\0\x44";

/// See [`crate::Descriptor::probe`].
pub(super) fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    match (begins(p.orig), begins(p.resp)) {
        (Guess::Yes, _) | (_, Guess::Yes) => Guess::Yes,
        // Where the capture began within a message, the other direction tells.
        (Guess::No, Guess::More) | (Guess::More, Guess::No) if p.port_match => Guess::More,
        (Guess::No, _) | (_, Guess::No) => Guess::No,
        _ => Guess::More,
    }
}

/// Do `bytes` begin with a frame of SMB, or with a request for a session?
fn begins(bytes: &[u8]) -> Guess {
    match bytes {
        [] | [0x81] => Guess::More,
        [0, ..] => match bytes.get(4..8) {
            Some(id) if [magic::SMB1, magic::SMB2, magic::ENCRYPTED, magic::COMPRESSED].iter().any(|m| *m == id) => {
                Guess::Yes
            }
            Some(_) => Guess::No,
            // The length of a first message is far below 2^20; the rest of the id fits, as far as it is there.
            None => match bytes {
                [_, 0..=0x0f] | [_] | [_, 0..=0x0f, _] | [_, 0..=0x0f, _, _] => Guess::More,
                [_, 0..=0x0f, _, _, 0xfc..=0xff, rest @ ..] if b"SMB".starts_with(rest) => Guess::More,
                _ => Guess::No,
            },
        },
        [0x81, ..] if bytes.len() < 5 => {
            if SESSION_REQUEST.starts_with(bytes) {
                Guess::More
            } else {
                Guess::No
            }
        }
        [0x81, 0, 0, 0x44, 0x20, name @ ..] => {
            // Half-bytes as letters from A on (RFC 1001 §14.1).
            let encoded = name.iter().take(32).all(|b| (b'A'..=b'P').contains(b));
            match (encoded, name.len() >= 8) {
                (false, _) => Guess::No,
                (true, true) => Guess::Yes,
                (true, false) => Guess::More,
            }
        }
        _ => Guess::No,
    }
}
