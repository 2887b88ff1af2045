//! Header bytes of a packet: buffers, options, fields that the decoder does not keep.

use crate::ir::{HeaderBuffer, IpOption};
use crate::view::PacketView;
use sekisho_types::ip_proto;
use sekisho_wire::Anomaly;

/// IP's number of IGMP.
pub(crate) const IGMP: u8 = 2;
/// Options of one header that are looked at.
const OPTION_COUNT_MAX: usize = 40;

/// The bytes of a header; `None`: the packet has no such header.
pub(crate) fn bytes<'a>(packet: &PacketView<'a>, which: HeaderBuffer) -> Option<&'a [u8]> {
    let d = packet.decoded;
    let ip = d.ip_offset as usize;
    let transport = d.transport_offset as usize;
    let payload = d.payload_offset as usize;
    let slice = |from: usize, to: usize| packet.frame.get(from..to);
    let of_transport = |proto: u8| {
        (d.proto == proto && d.has_transport && d.ip_version != 0).then(|| slice(transport, payload)).flatten()
    };
    match which {
        HeaderBuffer::Ether if d.src_mac.is_some() => slice(0, 14),
        HeaderBuffer::Ipv4 if d.ip_version == 4 => slice(ip, ipv4_end(packet)?),
        HeaderBuffer::Ipv6 if d.ip_version == 6 => slice(ip, ip + 40),
        HeaderBuffer::Tcp => of_transport(ip_proto::TCP),
        HeaderBuffer::Udp => of_transport(ip_proto::UDP),
        HeaderBuffer::Icmpv4 if d.ip_version == 4 && d.proto == ip_proto::ICMP => {
            icmp_header(d.transport(packet.frame))
        }
        HeaderBuffer::Icmpv6 if d.ip_version == 6 && d.proto == ip_proto::ICMPV6 => slice(transport, transport + 8),
        HeaderBuffer::Igmp if d.proto == IGMP && d.ip_version != 0 => slice(transport, transport + 8),
        HeaderBuffer::Arp if d.ethertype == 0x0806 => packet.frame.get(payload..).filter(|b| !b.is_empty()),
        _ => None,
    }
}

/// ICMP's header, with what belongs to it by its type: addresses of routers, times, a mask.
fn icmp_header(bytes: &[u8]) -> Option<&[u8]> {
    let more = match bytes {
        [9, _, _, _, count, words, ..] => usize::from(*count) * usize::from(*words) * 4,
        [13 | 14, ..] => 12,
        [17 | 18, ..] => 4,
        _ => 0,
    };
    bytes.get(..8 + more).or_else(|| bytes.get(..8))
}

fn ipv4_end(packet: &PacketView<'_>) -> Option<usize> {
    let at = packet.decoded.ip_offset as usize;
    Some(at + usize::from(packet.frame.get(at)? & 15) * 4)
}

/// A byte of the IP header.
fn ip_byte(packet: &PacketView<'_>, at: usize) -> Option<u8> {
    packet.frame.get(packet.decoded.ip_offset as usize + at).copied()
}

/// A byte of the transport header.
pub(crate) fn transport_byte(packet: &PacketView<'_>, at: usize) -> Option<u8> {
    packet.frame.get(packet.decoded.transport_offset as usize + at).copied()
}

/// A big-endian number of 16 bits of the transport header.
pub(crate) fn transport_u16(packet: &PacketView<'_>, at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([transport_byte(packet, at)?, transport_byte(packet, at + 1)?]))
}

/// IPv4's identification.
pub(crate) fn ip_id(packet: &PacketView<'_>) -> Option<u16> {
    (packet.decoded.ip_version == 4).then(|| Some(u16::from_be_bytes([ip_byte(packet, 4)?, ip_byte(packet, 5)?])))?
}

/// IPv4's flags: reserved 4, don't fragment 2, more fragments 1; and the offset in units of eight bytes.
pub(crate) fn fragment(packet: &PacketView<'_>) -> Option<(u8, u16)> {
    if packet.decoded.ip_version == 4 {
        let (high, low) = (ip_byte(packet, 6)?, ip_byte(packet, 7)?);
        return Some((high >> 5, u16::from_be_bytes([high & 0x1f, low])));
    }
    let fragment = packet.decoded.fragment?;
    Some((u8::from(fragment.more), u16::try_from(fragment.offset / 8).unwrap_or(u16::MAX)))
}

/// Has IPv4's header the option?
pub(crate) fn has_option(packet: &PacketView<'_>, wanted: IpOption) -> bool {
    if packet.decoded.ip_version != 4 {
        return false;
    }
    let start = packet.decoded.ip_offset as usize + 20;
    let Some(options) = ipv4_end(packet).and_then(|end| packet.frame.get(start..end)) else { return false };
    let number = match wanted {
        IpOption::Any => return !options.is_empty(),
        IpOption::Eol => 0,
        IpOption::Nop => 1,
        IpOption::Rr => 7,
        IpOption::Qs => 25,
        IpOption::Ts => 68,
        IpOption::Sec => 130,
        IpOption::Lsrr => 131,
        IpOption::Esec => 133,
        IpOption::Cipso => 134,
        IpOption::Satid => 136,
        IpOption::Ssrr => 137,
        IpOption::Rtralt => 148,
    };
    let mut rest = options;
    for _ in 0..OPTION_COUNT_MAX {
        let Some(&kind) = rest.first() else { return false };
        if kind == number {
            return true;
        }
        let len = match kind {
            0 => return false,
            1 => 1,
            _ => rest.get(1).map_or(0, |&len| usize::from(len)),
        };
        if len == 0 {
            return false;
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    false
}

/// Is the checksum of that protocol right? `None`: the packet has no such protocol, or it cannot be said.
pub(crate) fn checksum_ok(packet: &PacketView<'_>, which: HeaderBuffer, version: u8) -> Option<bool> {
    let d = packet.decoded;
    if d.ip_version != version && !matches!(which, HeaderBuffer::Icmpv6) {
        return None;
    }
    if which == HeaderBuffer::Igmp {
        let bytes = d.transport(packet.frame);
        return (d.proto == IGMP && !bytes.is_empty()).then(|| sekisho_wire::checksum::sum(bytes) == 0xffff);
    }
    let mut verified = *d;
    let wrong = match which {
        HeaderBuffer::Ipv4 => Anomaly::BadIpChecksum,
        HeaderBuffer::Tcp if d.proto == ip_proto::TCP => Anomaly::BadTransportChecksum,
        HeaderBuffer::Udp if d.proto == ip_proto::UDP => Anomaly::BadTransportChecksum,
        HeaderBuffer::Icmpv4 if d.proto == ip_proto::ICMP => Anomaly::BadTransportChecksum,
        HeaderBuffer::Icmpv6 if d.proto == ip_proto::ICMPV6 => Anomaly::BadTransportChecksum,
        _ => return None,
    };
    sekisho_wire::checksum::verify(&mut verified, packet.frame);
    Some(!verified.anomalies.contains(wrong))
}
