//! Does a flow begin with QUIC? A version that is known, at its place in a header that holds together.

use super::packet::{MAX_CID_LEN, Packet};
use super::{MIN_CLIENT_INITIAL_LEN, google, version};
use crate::{Guess, Probe, Transport};

/// Form and fixed bit of a long header (RFC 9000 §17.2).
const LONG: u8 = 0xc0;

/// Least size of a server's rejection in Google QUIC.
const MIN_REJECTION_LEN: usize = 100;

pub(super) fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Udp {
        return Guess::No;
    }
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    let Some((&first, rest)) = bytes.split_first() else { return Guess::More };
    let yes = match first & LONG {
        LONG => long(bytes, rest, p.port_match),
        // Google's public header: from the client with a version, from the server with a rejection in clear.
        0 if first & 0x0b == 0x09 => google::public(bytes).is_some(),
        0 if first & 0x0b == 0x08 => bytes.len() >= MIN_REJECTION_LEN && google::message(bytes).is_some(),
        _ => false,
    };
    if yes { Guess::Yes } else { Guess::No }
}

fn long(bytes: &[u8], rest: &[u8], port_match: bool) -> bool {
    let Some(version) = rest.first_chunk().map(|v| u32::from_be_bytes(*v)) else { return false };
    if version::profile(version).is_none() {
        let forced = version::forces_negotiation(version) && bytes.len() >= MIN_CLIENT_INITIAL_LEN;
        if version::is_google_clear(version) {
            return google::long(bytes).is_some();
        }
        // An unknown version alone proves little.
        if version == version::NEGOTIATION || !forced && !port_match {
            return false;
        }
    }
    Packet::parse(bytes).is_ok_and(|p| p.dcid.len().max(p.scid.len()) <= MAX_CID_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_types::FlowInfo;

    fn check(bytes: &[u8], port_match: bool, want: Guess) {
        let flow = FlowInfo::default();
        let p = Probe { transport: Transport::Udp, orig: bytes, resp: &[], port_match, flow: &flow };
        assert_eq!(probe(&p), want, "{bytes:x?}");
        assert_eq!(probe(&Probe { orig: &[], resp: bytes, ..p }), want, "{bytes:x?}");
        assert_eq!(probe(&Probe { transport: Transport::Tcp, ..p }), Guess::No);
    }

    #[test]
    fn knows_long_headers_by_their_version() {
        let header = |version: u32| [&[0xc0][..], &version.to_be_bytes(), &[1, 7, 0, 0, 20], &[0; 20]].concat();
        check(&header(1), false, Guess::Yes);
        check(&header(0xff00_001d), false, Guess::Yes);
        check(&header(1)[..20], false, Guess::No);
        check(&header(0x1001_0000), false, Guess::No);
        check(&header(0x1001_0000), true, Guess::Yes);
        check(&header(0x1a2a_3a4a), false, Guess::No);
        check(&[header(0x1a2a_3a4a), vec![0; 1200]].concat(), false, Guess::Yes);
        check(&header(0), true, Guess::No);
        check(b"\x0d12345678Q043\x01", false, Guess::Yes);
        check(b"\xc3Q046\x5012345678\0\0\0\x01", false, Guess::Yes);
        check(&[0x80; 40], true, Guess::No);
        check(b"\x40aaaaaaaaaaaaaaa", true, Guess::No);
    }
}
