//! IPv4 (RFC 791) and its options.

use super::{Events, icmp, number, transport};
use sekisho_types::ip_proto;

/// Option types (IANA "IP option numbers").
mod option {
    pub const END: u8 = 0;
    pub const NOP: u8 = 1;
    pub const RECORD_ROUTE: u8 = 7;
    pub const QUICK_START: u8 = 25;
    pub const TIMESTAMP: u8 = 68;
    pub const SECURITY: u8 = 130;
    pub const LOOSE_ROUTE: u8 = 131;
    pub const CIPSO: u8 = 134;
    pub const STREAM_ID: u8 = 136;
    pub const STRICT_ROUTE: u8 = 137;
    pub const ROUTER_ALERT: u8 = 148;
}

/// An IPv4 packet with whatever follows it in the frame.
pub fn packet(bytes: &[u8], events: &mut Events) {
    let (Some(&first), Some(total), Some(fragment), Some(&proto)) =
        (bytes.first(), number(bytes, 2), number(bytes, 6), bytes.get(9))
    else {
        return events.drop("ipv4.pkt_too_small");
    };
    let header_len = usize::from(first & 15) * 4;
    if bytes.len() < 20 {
        return events.drop("ipv4.pkt_too_small");
    }
    if first >> 4 != 4 {
        return events.drop("ipv4.wrong_ip_version");
    }
    if header_len < 20 {
        return events.drop("ipv4.hlen_too_small");
    }
    if total < header_len {
        return events.drop("ipv4.iplen_smaller_than_hlen");
    }
    let Some(whole) = bytes.get(..total) else { return events.drop("ipv4.trunc_pkt") };
    let (header, body) = whole.split_at(header_len);
    events.ip = true;
    options(header.get(20..).unwrap_or(&[]), events);
    // A fragment's payload is looked at when it is put together.
    if fragment & 0x3fff != 0 {
        return;
    }
    match proto {
        ip_proto::TCP => transport::tcp(body, events),
        ip_proto::UDP => transport::udp(body, events),
        ip_proto::SCTP => transport::sctp(body, events),
        ip_proto::GRE => transport::gre(body, events),
        ip_proto::ICMP => icmp::v4(body, events),
        ip_proto::ICMPV6 => events.drop("ipv4.icmpv6"),
        transport::IGMP => transport::igmp(body, events),
        transport::ESP => transport::esp(body, events),
        ip_proto::IPIP | ip_proto::IPV6 | transport::AH => {}
        _ => events.add("ipv4.unknown_protocol"),
    }
}

fn options(bytes: &[u8], events: &mut Events) {
    if !bytes.len().is_multiple_of(8) {
        events.add("ipv4.opt_pad_required");
    }
    let mut seen = [0u8; 10];
    let mut seen_count = 0;
    let mut rest = bytes;
    while let Some((&kind, tail)) = rest.split_first() {
        match kind {
            option::END => return,
            option::NOP => {
                rest = tail;
                continue;
            }
            _ => {}
        }
        let Some(len) = tail.first().map(|n| usize::from(*n)) else { return events.add("ipv4.opt_eol_required") };
        let (Some(data), true) = (rest.get(2..len), len >= 2) else { return events.drop("ipv4.opt_invalid_len") };
        let known = match kind {
            option::TIMESTAMP => timestamp(data),
            option::RECORD_ROUTE | option::LOOSE_ROUTE | option::STRICT_ROUTE => route(data),
            option::QUICK_START => long(data.len() >= 6),
            option::SECURITY => long(data.len() == 9),
            option::STREAM_ID | option::ROUTER_ALERT => long(data.len() == 2),
            option::CIPSO => cipso(data),
            _ => {
                events.add("ipv4.opt_invalid");
                rest = rest.get(len..).unwrap_or(&[]);
                continue;
            }
        };
        if seen.iter().take(seen_count).any(|k| *k == kind) {
            events.add("ipv4.opt_duplicate");
        } else if let Err(name) = known {
            return events.drop(name);
        } else if let Some(place) = seen.get_mut(seen_count) {
            *place = kind;
            seen_count += 1;
        }
        rest = rest.get(len..).unwrap_or(&[]);
    }
}

type Valid = Result<(), &'static str>;

const MALFORMED: &str = "ipv4.opt_malformed";
const INVALID_LEN: &str = "ipv4.opt_invalid_len";

const fn long(enough: bool) -> Valid {
    if enough { Ok(()) } else { Err(INVALID_LEN) }
}

const fn well(formed: bool) -> Valid {
    if formed { Ok(()) } else { Err(MALFORMED) }
}

/// Of record and source routes: the pointer counts from the option's first byte, which is 1 (RFC 791 §3.1).
fn route(data: &[u8]) -> Valid {
    let Some(&pointer) = data.first() else { return Err(INVALID_LEN) };
    let pointer = usize::from(pointer);
    well(pointer >= 4 && pointer % 4 == 0 && pointer <= data.len() + 3)
}

/// Timestamps of 4 bytes, or of 8 with addresses.
fn timestamp(data: &[u8]) -> Valid {
    let [pointer, flags, _, ..] = *data else { return Err(INVALID_LEN) };
    let Some(past) = usize::from(pointer).checked_sub(5) else { return Err(MALFORMED) };
    let step = if matches!(flags & 15, 1 | 3) { 8 } else { 4 };
    well(past % step == 0 && usize::from(pointer) <= data.len() + 3)
}

/// Commercial IP security option: a domain and tags (FIPS 188).
fn cipso(data: &[u8]) -> Valid {
    let Some(mut tags) = data.get(4..).filter(|_| data.len() >= 8) else { return Err(INVALID_LEN) };
    while let [kind, len, align, ..] = *tags {
        let fits = matches!(kind, 1 | 2 | 5 | 6 | 7) && len >= 4 && (kind == 7 || align == 0);
        let Some(rest) = tags.get(usize::from(len)..).filter(|_| fits) else { return Err(MALFORMED) };
        tags = rest;
    }
    well(tags.is_empty())
}
