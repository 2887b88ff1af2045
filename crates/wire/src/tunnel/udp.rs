//! Tunnels over UDP. A port is a hint only; each carrier must look right, and Teredo and AYIYA are
//! recognised on any port by content, as Zeek does.

use super::{Inner, InnerLink, Outer, TunnelKind, gre};
use crate::Decoded;
use crate::link::ethertype as et;
use sekisho_types::ip_proto;

mod port {
    pub const L2TP: u16 = 1701;
    pub const GTP_CONTROL: u16 = 2123;
    pub const GTP_USER: u16 = 2152;
    pub const TEREDO: u16 = 3544;
    pub const GRE: u16 = 4754;
    pub const VXLAN: u16 = 4789;
    pub const VXLAN_GPE: u16 = 4790;
    pub const AYIYA: u16 = 5072;
    pub const GENEVE: u16 = 6081;
    pub const MPLS: u16 = 6635;
    pub const VXLAN_LINUX: u16 = 8472;
}

/// Most GTP extension headers followed in one packet.
const MAX_GTP_EXTENSIONS: u32 = 16;

pub(super) fn inner(outer: &Decoded, p: Outer) -> Option<Inner> {
    let found = by_port(outer.dst_port, p).or_else(|| by_port(outer.src_port, p));
    found.or_else(|| match p.head::<4>(0)? {
        [0x60..=0x6f, ..] | [0, 0 | 1, ..] => teredo(p, false),
        [_, 0x52, 0x11, ip_proto::IPIP | ip_proto::IPV6] => ayiya(p),
        _ => None,
    })
}

/// By ports and first bytes alone: is there surely nothing in the packet?
#[inline]
pub(super) const fn is_plain(src_port: u16, dst_port: u16, first: [u8; 4]) -> bool {
    !is_carrier_port(src_port)
        && !is_carrier_port(dst_port)
        && !matches!(first, [0x60..=0x6f, ..] | [0, 0 | 1, ..] | [_, 0x52, 0x11, _])
}

/// May a UDP packet with that port carry another? Decided per flow: every packet of one has it.
#[inline]
pub(super) const fn is_carrier_port(port: u16) -> bool {
    matches!(
        port,
        port::L2TP
            | port::GTP_CONTROL
            | port::GTP_USER
            | port::TEREDO
            | port::GRE
            | port::VXLAN
            | port::VXLAN_LINUX
            | port::VXLAN_GPE
            | port::AYIYA
            | port::GENEVE
            | port::MPLS
    )
}

fn by_port(port: u16, p: Outer) -> Option<Inner> {
    match port {
        port::L2TP => l2tp(p),
        port::GTP_CONTROL | port::GTP_USER => gtp(p),
        port::TEREDO => teredo(p, true),
        port::GRE => gre::inner(p),
        port::VXLAN | port::VXLAN_LINUX => vxlan(p),
        port::VXLAN_GPE => vxlan_gpe(p),
        port::AYIYA => ayiya(p),
        port::GENEVE => geneve(p),
        port::MPLS => mpls(p),
        _ => None,
    }
}

/// RFC 7348 §5. Senders must leave reserved bits 0, but group policy and vendor bits occur, so that
/// only the valid-network bit counts, and the frame inside.
fn vxlan(p: Outer) -> Option<Inner> {
    const NETWORK_VALID: u8 = 0x08;
    let &[flags, _, _, _, a, b, c, _] = p.head::<8>(0)?;
    let p = p.after(8)?;
    let id = u32::from_be_bytes([0, a, b, c]);
    (flags & NETWORK_VALID != 0 && p.is_ethernet()).then(|| p.inner(TunnelKind::Vxlan, InnerLink::Ethernet, id))
}

/// draft-ietf-nvo3-vxlan-gpe: the fourth byte names the payload.
fn vxlan_gpe(p: Outer) -> Option<Inner> {
    const NETWORK_AND_PROTOCOL: u8 = 0x0c;
    let &[flags, _, _, next, a, b, c, _] = p.head::<8>(0)?;
    if flags & NETWORK_AND_PROTOCOL != NETWORK_AND_PROTOCOL {
        return vxlan(p);
    }
    let p = p.after(8)?;
    let id = u32::from_be_bytes([0, a, b, c]);
    match next {
        1 | 2 if p.is_ip() => Some(p.inner(TunnelKind::Vxlan, InnerLink::Ip, id)),
        3 if p.is_ethernet() => Some(p.inner(TunnelKind::Vxlan, InnerLink::Ethernet, id)),
        _ => None,
    }
}

/// RFC 8926 §3.4: version, options' length, type, network.
fn geneve(p: Outer) -> Option<Inner> {
    const RESERVED: u8 = 0x3f;
    let &[version, flags, hi, lo, a, b, c, _] = p.head::<8>(0)?;
    if version >> 6 != 0 || flags & RESERVED != 0 {
        return None;
    }
    let p = p.after(8 + usize::from(version & 0x3f) * 4)?;
    let id = u32::from_be_bytes([0, a, b, c]);
    match u16::from_be_bytes([hi, lo]) {
        et::TEB if p.is_ethernet() => Some(p.inner(TunnelKind::Geneve, InnerLink::Ethernet, id)),
        et::IPV4 | et::IPV6 if p.is_ip() => Some(p.inner(TunnelKind::Geneve, InnerLink::Ip, id)),
        _ => None,
    }
}

/// 3GPP TS 29.281 §5: a G-PDU of version 1, with or without sequence number and extension headers.
fn gtp(p: Outer) -> Option<Inner> {
    const VERSION_AND_TYPE: u8 = 0xf0;
    const GTP_V1: u8 = 0x30;
    const ANY_OPTION: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    const G_PDU: u8 = 255;
    let &[flags, message, _, _, a, b, c, d] = p.head::<8>(0)?;
    if flags & VERSION_AND_TYPE != GTP_V1 || message != G_PDU {
        return None;
    }
    let mut len = 8;
    if flags & ANY_OPTION != 0 {
        let mut next = p.head::<1>(11)?[0];
        len = 12;
        let mut count = 0;
        while flags & EXTENSION != 0 && next != 0 {
            let words = usize::from(p.head::<1>(len)?[0]);
            if words == 0 || count == MAX_GTP_EXTENSIONS {
                return None;
            }
            len += words * 4;
            next = p.head::<1>(len - 1)?[0];
            count += 1;
        }
    }
    let p = p.after(len)?;
    p.is_exactly_ip().then(|| p.inner(TunnelKind::Gtpv1, InnerLink::Ip, u32::from_be_bytes([a, b, c, d])))
}

/// RFC 4380 §5.1.1: authentication and origin indication may come before the IPv6 packet. Away from
/// its port something must speak for Teredo: one of these, or an address of its prefix.
fn teredo(mut p: Outer, on_port: bool) -> Option<Inner> {
    const AUTHENTICATION: [u8; 2] = [0, 1];
    const ORIGIN: [u8; 2] = [0, 0];
    const PREFIX: [u8; 4] = [0x20, 0x01, 0, 0];
    let mut sure = on_port;
    if p.head::<2>(0)? == &AUTHENTICATION {
        let &[id_len, auth_len] = p.head::<2>(2)?;
        // Behind the two fields: a nonce and a confirmation byte.
        p = p.after(4 + usize::from(id_len) + usize::from(auth_len) + 9)?;
        sure = true;
    }
    if p.head::<2>(0)? == &ORIGIN {
        p = p.after(8)?;
        sure = true;
    }
    let h = p.head::<40>(0)?;
    sure = sure || p.head::<4>(8)? == &PREFIX || p.head::<4>(24)? == &PREFIX;
    const NO_NEXT_HEADER: u8 = 59;
    let bubble = h[6] == NO_NEXT_HEADER && h[4..6] == [0, 0];
    if !sure || h[0] >> 4 != 6 || !(bubble || p.is_exactly_ip()) {
        return None;
    }
    Some(p.inner(TunnelKind::Teredo, InnerLink::Ip, 0))
}

/// draft-massar-v6ops-ayiya §3: lengths in nibbles, then identity and signature. Only forwarded packets.
fn ayiya(p: Outer) -> Option<Inner> {
    const FORWARD: u8 = 1;
    let &[identity, signature, operation, next, ..] = p.head::<8>(0)?;
    if operation & 0x0f != FORWARD || !matches!(next, ip_proto::IPIP | ip_proto::IPV6) {
        return None;
    }
    let p = p.after(8 + (1usize << (identity >> 4)) + usize::from(signature >> 4) * 4)?;
    p.is_ip().then(|| p.inner(TunnelKind::Ayiya, InnerLink::Ip, 0))
}

/// RFC 2661 §3.1: data messages of version 2.
fn l2tp(p: Outer) -> Option<Inner> {
    const CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    const RESERVED: u16 = 0x34f0;
    let flags = u16::from_be_bytes(*p.head(0)?);
    if flags & (CONTROL | RESERVED) != 0 || flags & 0x0f != 2 {
        return None;
    }
    let mut at = 2;
    let mut end = p.wire_len;
    if flags & LENGTH != 0 {
        end = usize::from(u16::from_be_bytes(*p.head(at)?));
        at += 2;
    }
    let session = u16::from_be_bytes(*p.head(at + 2)?);
    at += 4;
    if flags & SEQUENCE != 0 {
        at += 4;
    }
    if flags & OFFSET != 0 {
        at += 2 + usize::from(u16::from_be_bytes(*p.head(at)?));
    }
    let p = p.first(end).after(at)?;
    ppp_carries_ip(p).then(|| p.inner(TunnelKind::L2tp, InnerLink::Ppp, u32::from(session)))
}

/// Is this a PPP frame with an IP packet, not one of the control protocols?
pub(super) fn ppp_carries_ip(p: Outer) -> bool {
    let at = if p.head::<2>(0) == Some(&[0xff, 0x03]) { 2 } else { 0 };
    let header_len = match p.head::<2>(at) {
        Some([0x21 | 0x57, _]) => at + 1,
        Some([0, 0x21 | 0x57]) => at + 2,
        _ => return false,
    };
    p.after(header_len).is_some_and(|ip| ip.is_ip())
}

/// RFC 7510: the decoder must find an IP packet under the labels.
fn mpls(p: Outer) -> Option<Inner> {
    let found = p.inner(TunnelKind::Mpls, InnerLink::Mpls, 0);
    let from_here = Inner { offset: 0, ..found };
    let d = from_here.decode(p.bytes);
    (d.ip_version != 0 && d.anomalies.bits() & !(1 << crate::Anomaly::CaptureTruncated as u32) == 0).then_some(found)
}
