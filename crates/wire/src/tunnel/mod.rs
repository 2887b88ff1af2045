//! Tunnels: what a decoded packet carries inside, by IP protocol, UDP port or content.
//!
//! [`inner`] only recognises; [`Inner::decode`] decodes one layer further. Callers bound the depth and
//! refuse what makes no sense in their context (GTP within GTP). UDP carriers are believed only if
//! what they carry looks right, so that other traffic on those ports is left alone.

mod gre;
mod udp;

use crate::walk::{Step, Walk, n32};
use crate::{Decoded, LinkType};
use sekisho_types::ip_proto;

/// EtherIP (RFC 3378).
const PROTO_ETHERIP: u8 = 97;
/// MPLS in IP (RFC 4023).
const PROTO_MPLS: u8 = 137;

/// Kind of a tunnel, named after Zeek's `Tunnel::Type` where that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelKind {
    /// Anything in anything (SixXS, IPv6 behind NAT).
    Ayiya,
    /// Ethernet in IP (RFC 3378).
    EtherIp,
    /// Generic network virtualization encapsulation (RFC 8926).
    Geneve,
    /// Generic routing encapsulation (RFC 2784, RFC 2637), also over UDP, with ERSPAN and Aruba's 802.11.
    Gre,
    /// GTP user plane, version 1 (3GPP TS 29.281).
    Gtpv1,
    /// IPv4 or IPv6 directly in IPv4 or IPv6 (RFC 2003, RFC 2473, RFC 4213).
    Ip,
    /// Layer two tunnelling, version 2 (RFC 2661).
    L2tp,
    /// MPLS in IP or UDP (RFC 4023, RFC 7510).
    Mpls,
    /// IPv6 through NATs (RFC 4380).
    Teredo,
    /// Virtual extensible LAN (RFC 7348), and its generic extension.
    Vxlan,
}

impl TunnelKind {
    /// As Zeek's tunnel.log prints it; kinds unknown to Zeek follow the pattern.
    pub const fn zeek_name(self) -> &'static str {
        match self {
            Self::Ayiya => "Tunnel::AYIYA",
            Self::EtherIp => "Tunnel::ETHERIP",
            Self::Geneve => "Tunnel::GENEVE",
            Self::Gre => "Tunnel::GRE",
            Self::Gtpv1 => "Tunnel::GTPv1",
            Self::Ip => "Tunnel::IP",
            Self::L2tp => "Tunnel::L2TP",
            Self::Mpls => "Tunnel::MPLS",
            Self::Teredo => "Tunnel::TEREDO",
            Self::Vxlan => "Tunnel::VXLAN",
        }
    }

    /// Does the tunnel run inside an ordinary UDP flow? Then the outer packet counts as a flow of its own.
    pub const fn is_over_udp(self) -> bool {
        matches!(self, Self::Ayiya | Self::Geneve | Self::Gtpv1 | Self::L2tp | Self::Teredo | Self::Vxlan)
    }
}

/// What the bytes inside a tunnel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InnerLink {
    /// An ARP message (RFC 826).
    Arp,
    /// An Ethernet frame.
    Ethernet,
    /// An IPv4 or IPv6 packet.
    Ip,
    /// An MPLS label stack.
    Mpls,
    /// A PPP frame.
    Ppp,
    /// An IEEE 802.11 frame.
    Wlan,
}

/// What ERSPAN's header (draft-foschiano-erspan) says of the frame behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// VLAN of the port that is mirrored.
    pub vlan: u16,
    /// Bytes of the header.
    pub header_len: u8,
}

/// A packet inside a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner {
    /// Kind of tunnel.
    pub kind: TunnelKind,
    /// What the inner bytes are.
    pub what: InnerLink,
    /// Where they begin in the outer slice.
    pub offset: u32,
    /// How many are captured.
    pub len: u32,
    /// How many were sent.
    pub wire_len: u32,
    /// What ERSPAN says of the frame that it carries.
    pub mirror: Option<Mirror>,
    /// VXLAN or GENEVE network, GTP endpoint, GRE key, PPTP call, ERSPAN session, L2TP session; else 0.
    pub id: u32,
}

impl Inner {
    /// The inner bytes within `frame`, the slice that the outer packet was decoded from.
    pub fn bytes<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        crate::decoded::slice(frame, self.offset, self.len)
    }

    /// Decodes the inner packet. Offsets count from the start of [`Inner::bytes`].
    pub fn decode(&self, frame: &[u8]) -> Decoded {
        let mut walk = Walk::new(self.bytes(frame), self.wire_len);
        match self.what {
            InnerLink::Arp => walk.steps(Step::Ethertype(crate::link::ethertype::ARP, 0)),
            InnerLink::Ip => walk.ip(0),
            InnerLink::Ethernet => walk.link(LinkType::ETHERNET),
            InnerLink::Ppp => walk.link(LinkType::PPP),
            InnerLink::Wlan => walk.link(LinkType::IEEE802_11),
            InnerLink::Mpls => walk.steps(Step::Mpls(0)),
        }
        walk.d
    }
}

/// The payload of the outer packet: captured bytes, length on the wire, offset in the outer slice.
#[derive(Clone, Copy)]
struct Outer<'a> {
    bytes: &'a [u8],
    wire_len: usize,
    offset: usize,
}

impl<'a> Outer<'a> {
    /// What is left after the first `n` bytes, if that is at least one captured byte.
    fn after(self, n: usize) -> Option<Self> {
        let bytes = self.bytes.get(n..).filter(|b| !b.is_empty())?;
        Some(Self { bytes, wire_len: self.wire_len.saturating_sub(n), offset: self.offset + n })
    }

    /// Only the first `n` bytes of what is left.
    fn first(self, n: usize) -> Self {
        let bytes = self.bytes.get(..n).unwrap_or(self.bytes);
        Self { bytes, wire_len: self.wire_len.min(n), ..self }
    }

    fn head<const N: usize>(&self, at: usize) -> Option<&'a [u8; N]> {
        self.bytes.get(at..)?.first_chunk::<N>()
    }

    /// Begins like an IP packet that fits.
    fn is_ip(&self) -> bool {
        crate::ip::plausible(self.bytes, self.wire_len)
    }

    /// Is an IP packet to the last byte.
    fn is_exactly_ip(&self) -> bool {
        self.is_ip() && crate::ip::total_len(self.bytes) == Some(self.wire_len)
    }

    /// Begins like an Ethernet frame with a type that makes sense in an overlay.
    fn is_ethernet(&self) -> bool {
        Walk::new(self.bytes, n32(self.wire_len)).looks_like_ethernet(0)
    }

    fn inner(self, kind: TunnelKind, what: InnerLink, id: u32) -> Inner {
        let (offset, len) = (n32(self.offset), n32(self.bytes.len()));
        Inner { kind, what, offset, len, wire_len: n32(self.wire_len), mirror: None, id }
    }
}

/// What the packet `outer`, decoded from `frame`, carries as a tunnel; `None` for fragments and for
/// everything that is no tunnel.
#[inline]
pub fn inner(outer: &Decoded, frame: &[u8]) -> Option<Inner> {
    match outer.proto {
        ip_proto::TCP | ip_proto::ICMP | ip_proto::ICMPV6 => None,
        ip_proto::UDP => udp::inner(outer, payload(outer, frame)?),
        _ => by_protocol(outer, payload(outer, frame)?),
    }
}

/// Is `outer` a packet that may have another in it? By protocol and ports, so that all packets of a flow agree;
/// where neither says so, by content (Teredo and AYIYA on any port).
pub fn may_carry(outer: &Decoded, frame: &[u8]) -> bool {
    match outer.proto {
        ip_proto::TCP | ip_proto::ICMP | ip_proto::ICMPV6 => false,
        ip_proto::UDP => {
            udp::is_carrier_port(outer.src_port)
                || udp::is_carrier_port(outer.dst_port)
                || payload(outer, frame).is_some_and(|p| udp::inner(outer, p).is_some())
        }
        ip_proto::IPIP | ip_proto::IPV6 | ip_proto::GRE | PROTO_ETHERIP | PROTO_MPLS => true,
        _ => false,
    }
}

/// Of a UDP packet with these ports and first bytes: can [`may_carry`] only say no?
#[inline]
pub const fn is_plain_udp(src_port: u16, dst_port: u16, first: [u8; 4]) -> bool {
    udp::is_plain(src_port, dst_port, first)
}

fn payload<'a>(outer: &Decoded, frame: &'a [u8]) -> Option<Outer<'a>> {
    let bytes = outer.payload(frame);
    if bytes.is_empty() || outer.fragment.is_some() || outer.ip_version == 0 {
        return None;
    }
    Some(Outer { bytes, wire_len: outer.payload_wire_len as usize, offset: outer.payload_offset as usize })
}

fn by_protocol(outer: &Decoded, p: Outer) -> Option<Inner> {
    match outer.proto {
        ip_proto::IPIP | ip_proto::IPV6 => p.is_ip().then(|| p.inner(TunnelKind::Ip, InnerLink::Ip, 0)),
        ip_proto::GRE => gre::inner(p),
        PROTO_ETHERIP => {
            let &[version, _] = p.head::<2>(0)?;
            let p = p.after(2)?;
            (version >> 4 == 3).then(|| p.inner(TunnelKind::EtherIp, InnerLink::Ethernet, 0))
        }
        PROTO_MPLS => Some(p.inner(TunnelKind::Mpls, InnerLink::Mpls, 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
