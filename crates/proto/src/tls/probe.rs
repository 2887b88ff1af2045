//! Does a flow begin with a hello?

use crate::{Guess, Probe, Transport};
use sekisho_types::Dir;

/// Version, random, and the three lists' lengths of a client hello.
const MIN_HELLO_LEN: u32 = 38;

/// Longest record in clear (RFC 8446 §5.1).
const MAX_RECORD_LEN: u32 = 1 << 14;

pub(super) fn probe(p: &Probe<'_>) -> Guess {
    let look = match p.transport {
        Transport::Tcp => stream,
        Transport::Udp => datagram,
    };
    let (orig, resp) = (look(p.bytes(Dir::Orig)), look(p.bytes(Dir::Resp)));
    match (orig, resp) {
        (Guess::Yes, _) | (_, Guess::Yes) => Guess::Yes,
        (Guess::No, _) => Guess::No,
        // The server speaks first in protocols that are not TLS; a silent client may still come.
        (_, Guess::No) if !p.orig.is_empty() => Guess::No,
        _ => Guess::More,
    }
}

/// Does `bytes` begin with a record that can only be a client hello? For streams that change to TLS on the way
/// (STARTTLS, proxies) in a protocol that is not read.
pub fn begins_client_hello(bytes: &[u8]) -> bool {
    let Some(&[kind, major, _, a, b, message, x, y, z, client_major, client_minor]) = bytes.first_chunk() else {
        return false;
    };
    let (record_len, hello_len) = (u32::from_be_bytes([0, 0, a, b]), u32::from_be_bytes([0, x, y, z]));
    [kind, major, message, client_major] == [0x16, 3, 1, 3]
        && client_minor <= 4
        && (MIN_HELLO_LEN..=MAX_RECORD_LEN).contains(&record_len)
        && (MIN_HELLO_LEN..=MAX_RECORD_LEN).contains(&hello_len)
}

/// TLS record with a client or server hello, possibly behind an alert; or an SSL 2 hello.
fn stream(bytes: &[u8]) -> Guess {
    match *bytes {
        [] => Guess::More,
        [0x16, ref rest @ ..] => hello(rest),
        // A two-octet alert, of a server that refuses or has something to remark before its hello.
        [0x15, ref rest @ ..] => match *rest {
            [3, 0..=4, 0, 2, 1 | 2, _, ..] => Guess::Yes,
            _ if prefix(rest, &[3..=3, 0..=4, 0..=0, 2..=2, 1..=2]) => Guess::More,
            _ => Guess::No,
        },
        [first, ..] if first & 0x80 != 0 => v2_hello(bytes),
        _ => Guess::No,
    }
}

/// Behind the record's type: version, length, handshake type, 24-bit length, and the hello's version.
fn hello(rest: &[u8]) -> Guess {
    const SHAPE: [std::ops::RangeInclusive<u8>; 5] = [3..=3, 0..=4, 0..=0x48, 0..=255, 1..=2];
    if !prefix(rest, &SHAPE) {
        return Guess::No;
    }
    match rest.get(8) {
        Some(3 | 0x7f) => Guess::Yes,
        Some(_) => Guess::No,
        None => Guess::More,
    }
}

/// Could `bytes` begin like this?
fn prefix(bytes: &[u8], shape: &[std::ops::RangeInclusive<u8>]) -> bool {
    bytes.iter().zip(shape).all(|(b, range)| range.contains(b))
}

/// SSL 2 hello whose parts add up to the record's length.
fn v2_hello(bytes: &[u8]) -> Guess {
    let word = |i: usize| {
        bytes
            .get(i..i + 2)
            .map(|w| usize::from(w.first().copied().unwrap_or(0)) << 8 | usize::from(w.get(1).copied().unwrap_or(0)))
    };
    let (Some(len), Some(&kind), Some(at_3)) = (word(0), bytes.get(2), word(3)) else { return Guess::More };
    let len = len & 0x7fff;
    let parts = match kind {
        1 if matches!(at_3, 2 | 0x300..=0x303) => (5, 9),
        4 if at_3 & 0xff < 2 && at_3 >> 8 < 2 => (7, 11),
        _ => return Guess::No,
    };
    let (Some(a), Some(b), Some(c)) = (word(parts.0), word(parts.0 + 2), word(parts.0 + 4)) else { return Guess::More };
    if a + b + c + parts.1 == len && len > parts.1 { Guess::Yes } else { Guess::No }
}

/// DTLS record with a hello or a hello verify request (RFC 6347 §4.1, §4.2.2).
fn datagram(bytes: &[u8]) -> Guess {
    match *bytes {
        [] => Guess::More,
        [0x16, 0xfe, 0xfd | 0xff, 0, 0, _, _, _, _, _, _, _, _, 1..=3, ..] => Guess::Yes,
        _ => Guess::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_hellos_and_waits_for_them() {
        let client = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
        assert_eq!(stream(&client), Guess::Yes);
        for len in 0..9 {
            assert_eq!(stream(&client[..len]), Guess::More, "{len}");
        }
        assert_eq!(stream(&[0x16, 3, 3, 0, 80, 2, 0, 0, 76, 3, 3]), Guess::Yes);
        assert_eq!(stream(&[0x15, 3, 1, 0, 2, 2, 40]), Guess::Yes);
        assert_eq!(stream(b"GET / HTTP/1.1"), Guess::No);
        assert_eq!(stream(&[0x17, 3, 3, 0, 80]), Guess::No);
        let v2 = [0x80, 0x1c, 1, 0, 2, 0, 3, 0, 0, 0, 0x10, 1, 0, 0x80];
        assert_eq!(stream(&v2), Guess::Yes);
        assert_eq!(stream(&v2[..8]), Guess::More);
        assert_eq!(stream(&[0x80, 0x1d, 1, 0, 2, 0, 3, 0, 0, 0, 0x10, 1]), Guess::No);
    }

    #[test]
    fn knows_client_hellos_alone() {
        let client = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
        assert!(begins_client_hello(&client));
        assert!(!begins_client_hello(&client[..10]));
        for (at, value) in [(0, 0x17), (1, 2), (3, 0x41), (5, 2), (6, 1), (9, 4), (10, 9)] {
            let mut other = client;
            other[at] = value;
            assert!(!begins_client_hello(&other), "{at}");
        }
    }

    #[test]
    fn knows_dtls() {
        let hello = [22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 1, 0];
        assert_eq!(datagram(&hello), Guess::Yes);
        assert_eq!(datagram(&hello[..13]), Guess::No);
        assert_eq!(datagram(&[22, 3, 3]), Guess::No);
    }
}
