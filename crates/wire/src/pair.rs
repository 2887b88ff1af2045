use crate::walk::Walk;
use crate::{LinkType, link::ethertype};
use sekisho_types::{Addr, SeededState};
use std::hash::{BuildHasher, Hasher};

/// A hash of the two IP addresses of `frame`, the same for both directions: for dealing packets to
/// workers. Frames without IP all share one value.
///
/// Looks through VLAN tags, MPLS, PPPoE and whatever else comes before the IP header, but not into
/// tunnels that run over IP: the tunnel's own flow has to stay in one worker, and a fragment of a
/// tunnel packet cannot be looked into.
pub fn pair_hash(link: LinkType, frame: &[u8], seed: u64) -> u64 {
    // Most frames of most captures; what follows costs a whole decode.
    if link == LinkType::ETHERNET
        && let Some(h) = frame.first_chunk::<34>()
        && u16::from_be_bytes([h[12], h[13]]) == ethertype::IPV4
        && h[14] >> 4 == 4
    {
        let src = u32::from_be_bytes([h[26], h[27], h[28], h[29]]);
        let dst = u32::from_be_bytes([h[30], h[31], h[32], h[33]]);
        return hash_of_v4(src, dst, seed);
    }
    let mut walk = Walk::new(frame, 0);
    walk.link(link);
    if walk.d.ip_version == 0 {
        return SeededState(seed).build_hasher().finish();
    }
    hash_of_pair(walk.d.src, walk.d.dst, seed)
}

/// The same of two addresses.
#[inline]
pub fn hash_of_pair(a: Addr, b: Addr, seed: u64) -> u64 {
    if let (Some(a), Some(b)) = (a.as_v4(), b.as_v4()) {
        return hash_of_v4(u32::from_be_bytes(a), u32::from_be_bytes(b), seed);
    }
    let (low, high) = (a.min(b), a.max(b));
    let mut h = SeededState(seed).build_hasher();
    h.write(low.octets());
    h.write(high.octets());
    h.finish()
}

/// The same of two IPv4 addresses.
#[inline]
pub fn hash_of_v4(a: u32, b: u32, seed: u64) -> u64 {
    let mut h = SeededState(seed).build_hasher();
    h.write_u64(u64::from(a.min(b)) << 32 | u64::from(a.max(b)));
    h.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{cat, eth, ip6, udp, udp4};

    fn turned(mut packet: Vec<u8>) -> Vec<u8> {
        let half = if packet[0] >> 4 == 4 { 12..16 } else { 8..24 };
        for i in half.clone() {
            packet.swap(i, i + half.len());
        }
        packet
    }

    #[test]
    fn both_directions_and_every_encapsulation_agree() {
        let p = udp4(b"x");
        let base = pair_hash(LinkType::ETHERNET, &eth(0x0800, &p), 1);
        assert_eq!(base, pair_hash(LinkType::ETHERNET, &eth(0x0800, &turned(p.clone())), 1));
        assert_eq!(base, pair_hash(LinkType::RAW, &p, 1));
        assert_eq!(base, pair_hash(LinkType::ETHERNET, &eth(0x8100, &cat(&[&[0, 5, 8, 0], &p])), 1));
        assert_eq!(base, pair_hash(LinkType::ETHERNET, &eth(0x8847, &cat(&[&[0, 1, 0x11, 64], &p])), 1));
        assert_ne!(base, pair_hash(LinkType::ETHERNET, &eth(0x0800, &p), 2));
        let mut fragment = p.clone();
        fragment[6..8].copy_from_slice(&[0x20, 9]);
        assert_eq!(base, pair_hash(LinkType::ETHERNET, &eth(0x0800, &fragment), 1));
        let six = ip6(17, &udp(1, 2, b"x"));
        assert_eq!(pair_hash(LinkType::RAW, &six, 1), pair_hash(LinkType::RAW, &turned(six), 1));
    }

    #[test]
    fn frames_without_ip_share_one_value() {
        let a = pair_hash(LinkType::ETHERNET, &eth(0x0806, &[0; 28]), 9);
        assert_eq!(a, pair_hash(LinkType::ETHERNET, &[], 9));
    }
}
