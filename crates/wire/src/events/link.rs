//! Link layers, as far as somebody has names for what is odd about them.

use super::{Events, ip4, ip6, number};
use crate::walk::Walk;
use crate::{Anomaly, LinkType};

/// VLAN tags that are followed, as by Suricata.
const MAX_TAGS: usize = 3;

/// Steps between the frame's beginning and its packet.
const MAX_STEPS: usize = 8;

/// A frame.
pub fn frame(link: LinkType, frame: &[u8], events: &mut Events) {
    match link {
        LinkType::ETHERNET => match number(frame, 12) {
            Some(kind) => typed(kind, frame.get(14..).unwrap_or(&[]), events),
            None => events.drop("ethernet.pkt_too_small"),
        },
        LinkType::LINUX_SLL => match number(frame, 14) {
            Some(kind) => typed(kind, frame.get(16..).unwrap_or(&[]), events),
            None => events.drop("sll.pkt_too_small"),
        },
        LinkType::LINUX_SLL2 => match number(frame, 0).filter(|_| frame.len() >= 20) {
            Some(kind) => typed(kind, frame.get(20..).unwrap_or(&[]), events),
            None => events.drop("sll2.pkt_too_small"),
        },
        LinkType::C_HDLC => match number(frame, 2) {
            Some(kind) => typed(kind, frame.get(4..).unwrap_or(&[]), events),
            None => events.drop("chdlc.pkt_too_small"),
        },
        LinkType::NULL | LinkType::LOOP => loopback(frame, events),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
            raw(frame, events)
        }
        LinkType::PPP | LinkType::PPP_HDLC => ppp(frame.strip_prefix(&[0xff, 3]).unwrap_or(frame), events),
        _ => other(link, frame, events),
    }
}

/// Other links: the packet is where the decoder finds it.
fn other(link: LinkType, frame: &[u8], events: &mut Events) {
    let mut walk = Walk::new(frame, 0);
    walk.link(link);
    if walk.d.ip_version == 0 || walk.d.anomalies.contains(Anomaly::LinkTruncated) {
        return;
    }
    raw(frame.get(walk.d.ip_offset as usize..).unwrap_or(&[]), events);
}

fn raw(packet: &[u8], events: &mut Events) {
    match packet.first().map(|b| b >> 4) {
        Some(4) => ip4::packet(packet, events),
        Some(6) => ip6::packet(packet, events),
        Some(_) => events.drop("ipraw.invalid_ip_version"),
        None => {}
    }
}

/// The protocol family in host order of the capturing machine, or in network order.
fn loopback(frame: &[u8], events: &mut Events) {
    let Some((&[a, b, c, d], packet)) = frame.split_first_chunk::<4>() else {
        return events.drop("ltnull.pkt_too_small");
    };
    match (a.max(d), b, c) {
        (2, 0, 0) => ip4::packet(packet, events),
        (24 | 28 | 30 | 10, 0, 0) => ip6::packet(packet, events),
        _ => events.drop("ltnull.unsupported_type"),
    }
}

/// What follows a type field.
fn typed(kind: usize, bytes: &[u8], events: &mut Events) {
    /// Below are lengths, of frames with LLC (IEEE 802.3 §3.2.6).
    const MIN_TYPE: usize = 0x600;
    let (mut kind, mut rest) = (kind, bytes);
    let mut tags = 0;
    for _ in 0..MAX_STEPS {
        match kind {
            0x0800 => return ip4::packet(rest, events),
            0x86dd => return ip6::packet(rest, events),
            0x8100 | 0x88a8 | 0x9100 => {
                tags += 1;
                if tags > MAX_TAGS {
                    return events.drop("vlan.too_many_layers");
                }
                let Some(next) = number(rest, 2) else { return events.drop("vlan.header_too_small") };
                (kind, rest) = (next, rest.get(4..).unwrap_or(&[]));
            }
            0x88e7 => {
                let Some(next) = number(rest, 16) else { return events.drop("ieee8021ah.header_too_small") };
                (kind, rest) = (next, rest.get(18..).unwrap_or(&[]));
            }
            0x8847 | 0x8848 => return mpls(rest, events),
            0x8863 => return discovery(rest, events),
            0x8864 => return session(rest, events),
            0x880b => return ppp(rest, events),
            // ARP, transparent bridging, NSH, VN-Tag, Fabric Path, ERSPAN: known, nothing to say of them.
            0x0806 | 0x6558 | 0x894f | 0x8926 | 0x8903 | 0x88be | 0x22eb | ..MIN_TYPE => return,
            _ => return events.add("ethernet.unknown_ethertype"),
        }
    }
}

/// A label stack (RFC 3032) and the packet under it.
fn mpls(bytes: &[u8], events: &mut Events) {
    const MAX_LABELS: usize = 64;
    let mut rest = bytes;
    for _ in 0..MAX_LABELS {
        let Some((&[a, b, c, _], tail)) = rest.split_first_chunk::<4>() else {
            return events.drop("mpls.header_too_small");
        };
        rest = tail;
        if c & 1 == 0 {
            continue;
        }
        let label = u32::from(a) << 12 | u32::from(b) << 4 | u32::from(c >> 4);
        if rest.is_empty() {
            return events.drop("mpls.pkt_too_small");
        }
        match label {
            0 => return ip4::packet(rest, events),
            1 => return events.drop("mpls.bad_label_router_alert"),
            2 => return ip6::packet(rest, events),
            3 => return events.drop("mpls.bad_label_implicit_null"),
            4..=15 => return events.drop("mpls.bad_label_reserved"),
            _ => {}
        }
        return match rest.first().map(|b| b >> 4) {
            Some(4) => ip4::packet(rest, events),
            Some(6) => ip6::packet(rest, events),
            Some(0) => {}
            _ => events.drop("mpls.unknown_payload_type"),
        };
    }
}

/// PPPoE discovery (RFC 2516 §5).
fn discovery(bytes: &[u8], events: &mut Events) {
    let (Some(&code), Some(len)) = (bytes.get(1), number(bytes, 4)) else { return events.drop("pppoe.pkt_too_small") };
    if !matches!(code, 0x07 | 0x09 | 0x19 | 0x65 | 0xa7) {
        return events.drop("pppoe.wrong_code");
    }
    if len > bytes.len() - 6 {
        events.drop("pppoe.malformed_tags");
    }
}

/// PPPoE session (RFC 2516 §6).
fn session(bytes: &[u8], events: &mut Events) {
    let (Some(len), true) = (number(bytes, 4), bytes.len() >= 7) else { return events.drop("pppoe.pkt_too_small") };
    if len > 0 {
        ppp(bytes.get(6..).unwrap_or(&[]), events);
    }
}

/// PPP from its protocol field on, which may be of one byte (RFC 1661 §2).
fn ppp(bytes: &[u8], events: &mut Events) {
    let (kind, rest) = match *bytes {
        [first, ref rest @ ..] if first & 1 == 1 => (usize::from(first), rest),
        [first, second, ref rest @ ..] => (usize::from(first) << 8 | usize::from(second), rest),
        _ => return events.drop("ppp.pkt_too_small"),
    };
    match kind {
        0x21 if rest.len() < 20 => events.drop("ppp.ip4_pkt_too_small"),
        0x21 => ip4::packet(rest, events),
        0x2f if rest.len() < 20 => events.drop("ppp.vju_pkt_too_small"),
        0x2f => ip4::packet(rest, events),
        0x57 if rest.len() < 40 => events.drop("ppp.ip6_pkt_too_small"),
        0x57 => ip6::packet(rest, events),
        // Other network protocols.
        0x23 | 0x25 | 0x27 | 0x29 | 0x2b | 0x2d | 0x31 | 0x33 | 0x35 | 0x3f | 0x4d | 0x281 | 0x283 => {
            events.add("ppp.unsup_proto");
        }
        // What controls the network protocols, and the link: nothing odd.
        0x8000..=0xbfff | 0xc000..=0xffff | 0x4021 | 0xfb | 0xfd => {}
        _ => events.drop("ppp.wrong_type"),
    }
}
