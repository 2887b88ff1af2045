//! ICMP for IPv4 (RFC 792) and for IPv6 (RFC 4443).

use super::{Events, number};

/// An ICMP message.
pub fn v4(bytes: &[u8], events: &mut Events) {
    let [kind, code, ..] = *bytes else { return events.drop("icmpv4.pkt_too_small") };
    if bytes.len() < 8 {
        return events.drop("icmpv4.pkt_too_small");
    }
    // The highest code of each type; errors carry the packet that they are about.
    let (codes, about) = match kind {
        0 | 8 => (0, false),
        3 => (15, true),
        4 => (0, true),
        5 => (3, true),
        9 => (16, false),
        10 => (0, false),
        11 => (1, true),
        12 => (2, true),
        13..=18 => (0, false),
        _ => return events.add("icmpv4.unknown_type"),
    };
    let known = if kind == 9 { matches!(code, 0 | 16) } else { code <= codes };
    if !known {
        return events.add("icmpv4.unknown_code");
    }
    if about {
        let inner = bytes.get(8..).unwrap_or(&[]);
        match inner.first().map(|b| b >> 4) {
            None => {}
            Some(4) if inner.len() < 20 => events.drop("icmpv4.ipv4_trunc_pkt"),
            Some(4) => {}
            Some(_) if inner.len() < 20 => events.drop("icmpv4.ipv4_trunc_pkt"),
            Some(_) => events.drop("icmpv4.ipv4_unknown_ver"),
        }
    }
}

/// An ICMPv6 message of a packet with that hop limit.
pub fn v6(bytes: &[u8], hop_limit: u8, events: &mut Events) {
    let [kind, code, ..] = *bytes else { return events.drop("icmpv6.pkt_too_small") };
    if bytes.len() < 8 {
        return events.drop("icmpv6.pkt_too_small");
    }
    let codes = match kind {
        1 => 8,
        3 => 1,
        4 => 10,
        2 | 128 | 129 | 133..=137 | 141..=143 | 148 | 149 | 151..=153 => 0,
        130..=132 => {
            // Multicast listeners are heard of on the link alone (RFC 3590).
            if hop_limit != 1 {
                events.add("icmpv6.mld_message_with_invalid_hl");
            }
            0
        }
        138..=140 | 144..=147 | 150 | 154..=159 => return,
        100 | 101 | 200 | 201 => return events.add("icmpv6.experimentation_type"),
        5..=99 | 102..=126 | 160..=199 | 202..=254 => return events.add("icmpv6.unassigned_type"),
        _ => return events.add("icmpv6.unknown_type"),
    };
    if code > codes {
        return events.add("icmpv6.unknown_code");
    }
    if kind <= 4 {
        about(bytes.get(8..).unwrap_or(&[]), events);
    }
}

/// The packet that an error is about.
fn about(inner: &[u8], events: &mut Events) {
    match inner.first().map(|b| b >> 4) {
        None => {}
        _ if number(inner, 4).is_none() || inner.len() < 40 => events.drop("icmpv6.ipv6_trunc_pkt"),
        Some(6) => {}
        Some(_) => events.drop("icmpv6.ipv6_unknown_version"),
    }
}
