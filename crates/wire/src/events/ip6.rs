//! IPv6 (RFC 8200) and its extension headers.

use super::{Events, icmp, number, transport};
use sekisho_types::ip_proto;

/// Extension headers followed; a packet of 64 KiB has no more that bring anything new.
const MAX_HEADERS: usize = 8192;

mod next {
    pub const HOP_BY_HOP: u8 = 0;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const NONE: u8 = 59;
    pub const DST_OPTIONS: u8 = 60;
    pub const MOBILITY: u8 = 135;
    pub const HIP: u8 = 139;
    pub const SHIM6: u8 = 140;
}

/// An IPv6 packet with whatever follows it in the frame.
pub fn packet(bytes: &[u8], events: &mut Events) {
    let (Some(header), Some(len)) = (bytes.first_chunk::<40>(), number(bytes, 4)) else {
        return events.drop("ipv6.pkt_too_small");
    };
    if header[0] >> 4 != 6 {
        return events.drop("ipv6.wrong_ip_version");
    }
    let Some(body) = bytes.get(40..40 + len) else { return events.drop("ipv6.trunc_pkt") };
    events.ip = true;
    let hop_limit = header[7];
    match header[6] {
        ip_proto::TCP => transport::tcp(body, events),
        ip_proto::UDP => transport::udp(body, events),
        ip_proto::ICMPV6 => icmp::v6(body, hop_limit, events),
        ip_proto::SCTP => transport::sctp(body, events),
        ip_proto::GRE => transport::gre(body, events),
        ip_proto::IPIP => {
            version(body, 4, 20, ("ipv6.ipv4_in_ipv6_too_small", "ipv6.ipv4_in_ipv6_wrong_version"), events)
        }
        ip_proto::IPV6 => {
            version(body, 6, 40, ("ipv6.ipv6_in_ipv6_too_small", "ipv6.ipv6_in_ipv6_wrong_version"), events)
        }
        ip_proto::ICMP => events.add("ipv6.icmpv4"),
        kind if is_extension(kind) => extensions(kind, body, hop_limit, events),
        _ => events.add("ipv6.unknown_next_header"),
    }
}

const fn is_extension(kind: u8) -> bool {
    matches!(
        kind,
        next::HOP_BY_HOP
            | next::ROUTING
            | next::FRAGMENT
            | next::NONE
            | next::DST_OPTIONS
            | transport::AH
            | transport::ESP
            | next::MOBILITY
            | next::HIP
            | next::SHIM6
    )
}

/// A packet in a packet.
fn version(
    body: &[u8],
    expected: u8,
    min_len: usize,
    (small, wrong): (&'static str, &'static str),
    events: &mut Events,
) {
    match body.first() {
        Some(first) if body.len() >= min_len => {
            if first >> 4 != expected {
                events.drop(wrong);
            }
        }
        _ => events.drop(small),
    }
}

/// Headers met so far.
#[derive(Default)]
struct Met {
    hop_by_hop: bool,
    routing: bool,
    dst_options: u8,
    fragment: bool,
    auth: bool,
}

fn extensions(first: u8, body: &[u8], hop_limit: u8, events: &mut Events) {
    let mut met = Met::default();
    let (mut kind, mut rest) = (first, body);
    for _ in 0..MAX_HEADERS {
        if kind == next::NONE {
            if !rest.is_empty() {
                events.add("ipv6.data_after_none_header");
            }
            return;
        }
        let [follows, units, ..] = *rest else { return events.drop("ipv6.trunc_exthdr") };
        let units = usize::from(units);
        let len = match kind {
            next::HOP_BY_HOP | next::DST_OPTIONS | next::ROUTING | next::MOBILITY | next::HIP | next::SHIM6 => {
                8 + units * 8
            }
            next::FRAGMENT => 8,
            transport::AH => 12 + units.saturating_sub(1) * 4,
            _ => return upper(kind, rest, hop_limit, events),
        };
        let Some((header, tail)) = rest.split_at_checked(len) else { return events.drop("ipv6.trunc_exthdr") };
        match kind {
            next::ROUTING => routing(header, &mut met, events),
            next::HOP_BY_HOP => {
                if std::mem::replace(&mut met.hop_by_hop, true) {
                    events.add("ipv6.exthdr_dupl_hh");
                } else {
                    options(header, true, events);
                }
            }
            next::DST_OPTIONS => {
                // One for the hops on the way and one for the last of them are allowed.
                met.dst_options = met.dst_options.saturating_add(1);
                if met.dst_options > 2 {
                    events.add("ipv6.exthdr_dupl_dh");
                } else {
                    options(header, false, events);
                }
            }
            next::FRAGMENT if !fragment(header, rest.len(), &mut met, events) => {
                return;
            }
            transport::AH => {
                if header.get(2..4) != Some(&[0, 0]) {
                    events.add("ipv6.exthdr_ah_res_not_null");
                }
                if std::mem::replace(&mut met.auth, true) {
                    events.add("ipv6.exthdr_dupl_ah");
                }
            }
            _ => {}
        }
        (kind, rest) = (follows, tail);
    }
}

fn upper(kind: u8, body: &[u8], hop_limit: u8, events: &mut Events) {
    match kind {
        ip_proto::TCP => transport::tcp(body, events),
        ip_proto::UDP => transport::udp(body, events),
        ip_proto::ICMPV6 => icmp::v6(body, hop_limit, events),
        ip_proto::SCTP => transport::sctp(body, events),
        transport::ESP => transport::esp(body, events),
        ip_proto::IPIP => {
            version(body, 4, 20, ("ipv6.ipv4_in_ipv6_too_small", "ipv6.ipv4_in_ipv6_wrong_version"), events)
        }
        ip_proto::ICMP => events.add("ipv6.icmpv4"),
        _ => events.add("ipv6.unknown_next_header"),
    }
}

fn routing(header: &[u8], met: &mut Met, events: &mut Events) {
    if std::mem::replace(&mut met.routing, true) {
        events.add("ipv6.exthdr_dupl_rh");
    } else if header.get(2) == Some(&0) {
        events.add("ipv6.rh_type_0");
    }
}

/// False if what follows is part of a datagram that is yet to be put together. `len` with the header.
fn fragment(header: &[u8], len: usize, met: &mut Met, events: &mut Events) -> bool {
    if header.get(1) != Some(&0) {
        events.add("ipv6.fh_non_zero_reserved_field");
    }
    if std::mem::replace(&mut met.fragment, true) {
        events.add("ipv6.exthdr_dupl_fh");
        return true;
    }
    let word = number(header, 2).unwrap_or(0);
    let more = word & 1 != 0;
    if word & 0xfff9 == 0 {
        events.add("ipv6.exthdr_useless_fh");
        return true;
    }
    if more && !len.is_multiple_of(8) {
        events.add("ipv6.frag_invalid_length");
    }
    false
}

/// The options of a hop-by-hop or destination header.
fn options(header: &[u8], hop_by_hop: bool, events: &mut Events) {
    const PAD_1: u8 = 0;
    const PAD_N: u8 = 1;
    const ROUTER_ALERT: u8 = 5;
    const JUMBO: u8 = 0xc2;
    const HOME_ADDRESS: u8 = 0xc9;
    let invalid = "ipv6.exthdr_invalid_optlen";
    let (mut pads, mut others) = (0u32, 0u32);
    let mut rest = header.get(2..).unwrap_or(&[]);
    while let Some((&kind, tail)) = rest.split_first() {
        if kind == PAD_1 {
            pads += 1;
            rest = tail;
            continue;
        }
        let Some(len) = tail.first().map(|n| usize::from(*n)) else {
            events.drop(invalid);
            break;
        };
        // One byte more than there is passes, as it does in Suricata.
        if len + 1 > rest.len() {
            events.drop(invalid);
            break;
        }
        let min_len = match kind {
            ROUTER_ALERT => 2,
            JUMBO => 4,
            HOME_ADDRESS => 16,
            _ => 0,
        };
        if len < min_len {
            events.drop(invalid);
            break;
        }
        match kind {
            PAD_N => {
                pads += 1;
                if len == 0 {
                    events.add("ipv6.zero_len_padn");
                }
            }
            JUMBO => {}
            ROUTER_ALERT | HOME_ADDRESS => others += 1,
            _ => {
                events.add(if hop_by_hop { "ipv6.hopopts_unknown_opt" } else { "ipv6.dstopts_unknown_opt" });
                others += 1;
            }
        }
        rest = rest.get(len + 2..).unwrap_or(&[]);
    }
    if pads > 0 && others == 0 {
        events.add(if hop_by_hop { "ipv6.hopopts_only_padding" } else { "ipv6.dstopts_only_padding" });
    }
}
