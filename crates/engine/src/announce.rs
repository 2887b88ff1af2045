//! Which packets announce flows between other hosts: FTP's, when the address is not the sender's own, and IRC's.
//!
//! Such a flow may belong to another shard, which has to know before the next packet is dealt. One between the same two
//! hosts has the same shard as its control flow; nothing has to wait for it.

use sekisho_types::{Addr, ip_proto};
use sekisho_wire::Decoded;

/// The control port of FTP (RFC 959), whose flows announce others.
const FTP: u16 = 21;

/// The usual port of IRC, whose users offer each other files (DCC).
const IRC: u16 = 6667;

/// Bytes after a reply's code or a command in which its address has to be.
const ADDRESS_WITHIN_LEN: usize = 128;

/// Announcements that are read in one packet; one with more is not worth the time.
const MAX_WORDS: usize = 8;

/// Is one of the ports that of a protocol that announces flows?
#[inline]
pub(crate) const fn has_control_port(src_port: u16, dst_port: u16) -> bool {
    matches!(src_port, FTP | IRC) || matches!(dst_port, FTP | IRC)
}

/// May the packet announce a flow between other hosts? In doubt yes: that costs time only.
pub(crate) fn announces_elsewhere(d: &Decoded, bytes: &[u8]) -> bool {
    if d.proto != ip_proto::TCP || !has_control_port(d.src_port, d.dst_port) || d.fragment.is_some() {
        return false;
    }
    let payload = d.payload(bytes);
    // A user offers a file to another by a message (DCC), which is complete with its line.
    if d.src_port == IRC || d.dst_port == IRC {
        return memchr::memchr(b'\n', payload).is_some();
    }
    let mut words = 0;
    payload.windows(4).enumerate().any(|(i, w)| {
        // The rest of the line is looked at only where a word fits, and that not for ever.
        if !matches!(w.first(), Some(b'2' | b'p' | b'P' | b'e' | b'E' | b'l' | b'L')) {
            return false;
        }
        let rest = || line(payload.get(i + 4..).unwrap_or(&[]));
        let elsewhere = match &lower(w) {
            b"227 " | b"port" => comma_address(rest()) != Some(d.src),
            b"eprt" => delimited_address(rest()) != Some(d.src),
            // No address, no other host (RFC 2428 §3).
            b"229 " => !rest().windows(4).any(|w| w == b"(|||"),
            b"228 " | b"lprt" => true,
            _ => return false,
        };
        words += 1;
        elsewhere || words > MAX_WORDS
    })
}

/// Four bytes in lower case.
fn lower(word: &[u8]) -> [u8; 4] {
    word.first_chunk::<4>().map_or([0; 4], |w| w.map(|b| b.to_ascii_lowercase()))
}

/// What is left of the line, as far as an address may be.
fn line(rest: &[u8]) -> &[u8] {
    let rest = rest.get(..ADDRESS_WITHIN_LEN).unwrap_or(rest);
    rest.split(|b| *b == b'\n').next().unwrap_or(rest)
}

/// `h1,h2,h3,h4,p1,p2` (RFC 959 §4.1.2).
fn comma_address(text: &[u8]) -> Option<Addr> {
    let from = text.iter().position(u8::is_ascii_digit)?;
    let mut numbers = text.get(from..)?.split(|b| *b == b',').map(|n| str::from_utf8(n).ok()?.parse::<u8>().ok());
    let mut next = || numbers.next().flatten();
    Some(Addr::v4([next()?, next()?, next()?, next()?]))
}

/// ` |1|132.235.1.2|6275|` (RFC 2428 §2).
fn delimited_address(text: &[u8]) -> Option<Addr> {
    let text = text.trim_ascii_start();
    let mut fields = text.split(|b| Some(b) == text.first());
    str::from_utf8(fields.nth(2)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_testkit::{Frame, flag};

    #[test]
    fn only_other_hosts_are_elsewhere() {
        let cases: &[(&[u8], bool)] = &[
            (b"227 Entering Passive Mode (10,0,0,1,4,1).\r\n", false),
            (b"227 Entering Passive Mode (10,0,0,2,4,1).\r\n", true),
            (b"227 somewhere\r\n", true),
            (b"220 hi\r\n227 =10,0,0,1,4,1\r\n", false),
            (b"port 10,0,0,1,4,1\r\n", false),
            (b"PORT 10,0,0,7,4,1\r\n", true),
            (b"EPRT |1|10.0.0.1|1025|\r\n", false),
            (b"EPRT !1!10.0.0.9!1025!\r\n", true),
            (b"EPRT |2|fe80::1|1025|\r\n", true),
            (b"229 Extended Passive (|||6446|)\r\n", false),
            (b"229 Extended Passive (|1|10.0.0.1|6446|)\r\n", true),
            (b"LPRT 4,4,10,0,0,1,2,4,1\r\n", true),
            (b"USER me\r\n", false),
            (b"PORT 10,0,0,1,4,1\r\nPORT 10,0,0,7,4,1\r\n", true),
        ];
        for (text, elsewhere) in cases {
            let (src, dst) = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
            let packet = Frame::tcp((src, FTP), (dst, 4000), flag::ACK).payload(text).packet();
            let d = sekisho_wire::decode_ip(&packet, u32::try_from(packet.len()).unwrap());
            assert_eq!(announces_elsewhere(&d, &packet), *elsewhere, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn any_line_of_irc_may_be_an_offer() {
        for (text, elsewhere) in [(&b"\x01\r\n"[..], true), (b"PRIVMSG me :\x01DCC SEND a 167772161 1024", false)] {
            let (src, dst) = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
            let packet = Frame::tcp((src, 4000), (dst, IRC), flag::ACK).payload(text).packet();
            let d = sekisho_wire::decode_ip(&packet, u32::try_from(packet.len()).unwrap());
            assert_eq!(announces_elsewhere(&d, &packet), elsewhere);
        }
    }
}
