//! GRE version 0 (RFC 1701, RFC 2784, RFC 2890), version 1 (RFC 2637: PPTP), ERSPAN.

use super::{Inner, InnerLink, Mirror, Outer, TunnelKind};
use crate::link::ethertype as et;

/// Most source route entries followed (RFC 1701).
const MAX_ROUTES: u32 = 8;

mod flag {
    pub const CHECKSUM: u16 = 0x8000;
    pub const ROUTING: u16 = 0x4000;
    pub const KEY: u16 = 0x2000;
    pub const SEQUENCE: u16 = 0x1000;
    pub const ACK: u16 = 0x0080;
    pub const RESERVED: u16 = 0x0078;
    pub const VERSION: u16 = 0x0007;
}

const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;
const ARUBA_FIRST: u16 = 0x8200;
const ARUBA_LAST: u16 = 0x8370;
const ARUBA_MIRROR: u16 = 0x9000;

/// The packet behind the GRE header that begins `p`.
pub(super) fn inner(p: Outer) -> Option<Inner> {
    let &[a, b, c, d] = p.head::<4>(0)?;
    let (flags, kind) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    if flags & flag::RESERVED != 0 {
        return None;
    }
    let has = |bit: u16| flags & bit != 0;
    let mut len = 4;
    if has(flag::CHECKSUM | flag::ROUTING) {
        len += 4;
    }
    let mut key = 0;
    if has(flag::KEY) {
        key = u32::from_be_bytes(*p.head(len)?);
        len += 4;
    }
    if has(flag::SEQUENCE) {
        len += 4;
    }
    match flags & flag::VERSION {
        0 if !has(flag::ACK) => {
            if has(flag::ROUTING) {
                len = skip_routes(&p, len)?;
            }
            version_0(p.after(len)?, kind, key, has(flag::SEQUENCE))
        }
        1 if kind == et::PPP && has(flag::KEY) && !has(flag::CHECKSUM | flag::ROUTING) => {
            let p = p.after(len + if has(flag::ACK) { 4 } else { 0 })?;
            // The key's halves are the payload length and the call.
            let (payload_len, call) = (key >> 16, key & 0xffff);
            let p = p.first(payload_len as usize);
            super::udp::ppp_carries_ip(p).then(|| p.inner(TunnelKind::Gre, InnerLink::Ppp, call))
        }
        _ => None,
    }
}

/// Source route entries: family, offset, length, data; a null entry ends them.
fn skip_routes(p: &Outer, mut at: usize) -> Option<usize> {
    for _ in 0..MAX_ROUTES {
        let &[family_hi, family_lo, _, len] = p.head::<4>(at)?;
        at += 4 + usize::from(len);
        if [family_hi, family_lo, len] == [0, 0, 0] {
            return Some(at);
        }
    }
    None
}

fn version_0(p: Outer, kind: u16, key: u32, sequence: bool) -> Option<Inner> {
    let done = |p: Outer, what| Some(p.inner(TunnelKind::Gre, what, key));
    match kind {
        et::IPV4 | et::IPV6 if p.is_ip() => done(p, InnerLink::Ip),
        et::ARP => done(p, InnerLink::Arp),
        et::TEB => done(p, InnerLink::Ethernet),
        et::MPLS | et::MPLS_MULTICAST => done(p, InnerLink::Mpls),
        et::PPP => done(p, InnerLink::Ppp),
        // Type II has a sequence number and a header, type I neither.
        ERSPAN if sequence => erspan(p, 8),
        ERSPAN => done(p, InnerLink::Ethernet),
        ERSPAN_III => {
            let flags = p.head::<1>(11)?;
            erspan(p, if flags[0] & 1 != 0 { 20 } else { 12 })
        }
        // Aruba numbers its access points' queues 0x8200, 0x8210 ... 0x8370.
        ARUBA_MIRROR => done(p, InnerLink::Wlan),
        ARUBA_FIRST..=ARUBA_LAST if kind & 0x0f == 0 => done(p, InnerLink::Wlan),
        _ => None,
    }
}

fn erspan(p: Outer, header_len: u8) -> Option<Inner> {
    let vlan = u16::from_be_bytes(*p.head(0)?) & 0x0fff;
    let session = u32::from(u16::from_be_bytes(*p.head(2)?) & 0x03ff);
    let inner = p.after(usize::from(header_len))?.inner(TunnelKind::Gre, InnerLink::Ethernet, session);
    Some(Inner { mirror: Some(Mirror { vlan, header_len }), ..inner })
}
