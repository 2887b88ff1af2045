//! TCP, UDP, SCTP, GRE, IGMP, ESP.

use super::{Events, number};

/// Authentication header.
pub const AH: u8 = 51;
/// Encapsulating security payload.
pub const ESP: u8 = 50;
/// Internet group management.
pub const IGMP: u8 = 2;

/// A TCP segment (RFC 9293).
pub fn tcp(bytes: &[u8], events: &mut Events) {
    let Some(header) = bytes.first_chunk::<20>() else { return events.drop("tcp.pkt_too_small") };
    let header_len = usize::from(header[12] >> 4) * 4;
    let Some(whole) = bytes.get(..header_len) else { return events.drop("tcp.hlen_too_small") };
    let Some(options) = whole.get(20..) else { return events.drop("tcp.invalid_optlen") };
    tcp_options(options, events);
}

fn tcp_options(mut rest: &[u8], events: &mut Events) {
    const END: u8 = 0;
    const NOP: u8 = 1;
    const MSS: u8 = 2;
    const WINDOW_SCALE: u8 = 3;
    const SACK_PERMITTED: u8 = 4;
    const SACK: u8 = 5;
    const TIMESTAMPS: u8 = 8;
    const FAST_OPEN: u8 = 34;
    let mut seen = 0u64;
    while let Some((&kind, tail)) = rest.split_first() {
        match kind {
            END => return,
            NOP => {
                rest = tail;
                continue;
            }
            _ => {}
        }
        let Some(len) = tail.first().map(|n| usize::from(*n)) else { return };
        if len < 2 || len > rest.len() {
            return events.add("tcp.opt_invalid_len");
        }
        let right = match kind {
            MSS => Some(len == 4),
            WINDOW_SCALE => Some(len == 3),
            SACK_PERMITTED => Some(len == 2),
            TIMESTAMPS => Some(len == 10),
            // Without blocks is odd but harmless.
            SACK => Some(len == 2 || (10..=34).contains(&len) && (len - 2) % 8 == 0),
            FAST_OPEN => Some(len == 2 || (6..=18).contains(&len) && len % 2 == 0),
            _ => None,
        };
        match right {
            Some(false) => events.add("tcp.opt_invalid_len"),
            Some(true) if seen >> kind & 1 == 1 => events.add("tcp.opt_duplicate"),
            Some(true) => seen |= 1 << kind,
            None => {}
        }
        rest = rest.get(len..).unwrap_or(&[]);
    }
}

/// A UDP datagram (RFC 768).
pub fn udp(bytes: &[u8], events: &mut Events) {
    let (Some(len), true) = (number(bytes, 4), bytes.len() >= 8) else { return events.drop("udp.hlen_too_small") };
    if len > bytes.len() {
        return events.drop("udp.pkt_too_small");
    }
    if len < 8 && len != 0 {
        events.drop("udp.len_invalid");
    }
}

/// An SCTP packet (RFC 9260): its common header.
pub fn sctp(bytes: &[u8], events: &mut Events) {
    if bytes.len() < 12 {
        events.drop("sctp.pkt_too_small");
    }
}

/// An ESP packet (RFC 4303): identifier and sequence number.
pub fn esp(bytes: &[u8], events: &mut Events) {
    if bytes.len() < 8 {
        events.drop("esp.pkt_too_small");
    }
}

/// GRE (RFC 2784, RFC 2890) and its second version, of PPTP (RFC 2637).
pub fn gre(bytes: &[u8], events: &mut Events) {
    const CHECKSUM: u8 = 0x80;
    const ROUTE: u8 = 0x40;
    const KEY: u8 = 0x20;
    const STRICT: u8 = 0x08;
    const RECURSION: u8 = 0x07;
    const PPP: usize = 0x880b;
    let ([first, second, ..], Some(kind)) = (bytes, number(bytes, 2)) else { return events.drop("gre.pkt_too_small") };
    match second & 7 {
        0 => {
            if first & RECURSION != 0 {
                events.drop("gre.version0_recur");
            } else if second & 0xf8 != 0 {
                events.drop("gre.version0_flags");
            }
        }
        1 => {
            let wrong = [
                (first & CHECKSUM != 0, "gre.version1_chksum"),
                (first & ROUTE != 0, "gre.version1_route"),
                (first & STRICT != 0, "gre.version1_ssr"),
                (first & RECURSION != 0, "gre.version1_recur"),
                (second & 0x78 != 0, "gre.version1_flags"),
                (kind != PPP, "gre.version1_wrong_protocol"),
                (first & KEY == 0, "gre.version1_no_key"),
            ];
            if let Some((_, name)) = wrong.iter().find(|(is_wrong, _)| *is_wrong) {
                events.drop(name);
            }
        }
        _ => events.drop("gre.wrong_version"),
    }
}

/// IGMP 1 to 3 (RFC 9776), and RGMP.
pub fn igmp(bytes: &[u8], events: &mut Events) {
    const QUERY: u8 = 0x11;
    const REPORT_3: u8 = 0x22;
    let Some(&kind) = bytes.first().filter(|_| bytes.len() >= 8) else { return events.drop("igmp.pkt_too_small") };
    match kind {
        QUERY if bytes.len() >= 12 => {
            let sources = number(bytes, 10).unwrap_or(0);
            if bytes.len() < 12 + sources * 4 {
                events.drop("igmp.v3_pkt_too_small");
            }
        }
        REPORT_3 => {
            let mut rest = bytes.get(8..).unwrap_or(&[]);
            for _ in 0..number(bytes, 6).unwrap_or(0) {
                let (Some(&aux), Some(sources), true) = (rest.get(1), number(rest, 2), rest.len() >= 8) else {
                    return events.drop("igmp.v3_pkt_too_small");
                };
                let len = 8 + (usize::from(aux) + sources) * 4;
                let Some(tail) = rest.get(len..) else { return events.drop("igmp.malformed") };
                rest = tail;
            }
        }
        _ => {}
    }
}
