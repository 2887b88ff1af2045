//! Internet checksums (RFC 1071) of IPv4, TCP, UDP and ICMP. [`crate::decode()`] never looks at them:
//! senders that offload leave them wrong in their own captures, so the user must ask.

use crate::{Anomaly, Decoded};
use sekisho_types::ip_proto;

/// Adds [`Anomaly::BadIpChecksum`] and [`Anomaly::BadTransportChecksum`] to `d`, decoded from `frame`, where
/// they apply. What was not captured whole, fragments and other protocols are let pass.
pub fn verify(d: &mut Decoded, frame: &[u8]) {
    if d.ip_version == 4 && !ipv4_header_ok(d, frame) {
        d.anomalies.insert(Anomaly::BadIpChecksum);
    }
    if !transport_ok(d, frame) {
        d.anomalies.insert(Anomaly::BadTransportChecksum);
    }
}

/// Is the header checksum of the IPv4 packet right (or not captured)?
fn ipv4_header_ok(d: &Decoded, frame: &[u8]) -> bool {
    let start = d.ip_offset as usize;
    let Some(first) = frame.get(start) else { return true };
    let len = usize::from(first & 15) * 4;
    frame.get(start..start + len).is_none_or(|h| sum(h) == 0xffff)
}

/// Is the transport checksum right, absent, or out of reach?
fn transport_ok(d: &Decoded, frame: &[u8]) -> bool {
    let segment = d.transport(frame);
    if d.fragment.is_some() || !d.has_transport || d.payload_len != d.payload_wire_len {
        return true;
    }
    let broken = [Anomaly::TcpHeaderLength, Anomaly::UdpLength, Anomaly::IpLengthBeyondFrame];
    if broken.iter().any(|a| d.anomalies.contains(*a)) {
        return true;
    }
    match d.proto {
        ip_proto::UDP if matches!(segment, [_, _, _, _, _, _, 0, 0, ..]) => true,
        ip_proto::TCP | ip_proto::UDP | ip_proto::ICMPV6 => pseudo_sum(d, segment) == 0xffff,
        ip_proto::ICMP => sum(segment) == 0xffff,
        _ => true,
    }
}

/// Sum over the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) and `segment`.
fn pseudo_sum(d: &Decoded, segment: &[u8]) -> u16 {
    // Version 4 addresses are kept in mapped form, whose prefix adds 0xffff: nothing, in this arithmetic.
    let words = add(d.src.octets()) + add(d.dst.octets()) + add(segment);
    let len = segment.len() as u64;
    let rest = u64::from(d.proto) + (len & 0xffff) + (len >> 16);
    fold(u64::from(u16::from_be(fold(words))) + rest)
}

/// The folded one's complement sum of `bytes`: 0xffff over anything that includes its right checksum.
pub fn sum(bytes: &[u8]) -> u16 {
    u16::from_be(fold(add(bytes)))
}

/// Sum of 32-bit words in the machine's order, which RFC 1071 §2 (B) allows: only the folded result is swapped.
/// Overflows after 16 GiB.
fn add(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let total: u64 = words.iter().map(|w| u64::from(u32::from_ne_bytes(*w))).sum();
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    total + u64::from(u32::from_ne_bytes(last))
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{ip4, ip6, udp};
    use crate::{LinkType, decode};

    fn bad(packet: &[u8]) -> (bool, bool) {
        let mut d = decode(LinkType::RAW, packet, packet.len() as u32);
        verify(&mut d, packet);
        (d.anomalies.contains(Anomaly::BadIpChecksum), d.anomalies.contains(Anomaly::BadTransportChecksum))
    }

    /// The plain reading of RFC 1071.
    fn slow_sum(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn sums_as_the_rfc_says() {
        // RFC 1071 §3.
        assert_eq!(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0xddf2);
        let bytes: Vec<u8> = (0..2000u32).map(|i| (i * i + 7 * i) as u8).collect();
        for len in (0..40).chain(1990..2000) {
            assert_eq!(sum(&bytes[..len]), slow_sum(&bytes[..len]), "{len}");
        }
    }

    #[test]
    fn finds_wrong_checksums() {
        let mut p = ip4(17, &udp(1, 2, b"odd"));
        let header = !slow_sum(&p[..20]);
        assert_eq!(bad(&p), (true, false));
        p[10..12].copy_from_slice(&header.to_be_bytes());
        assert_eq!(bad(&p), (false, false), "a UDP checksum of 0 is none");
        let pseudo = [&p[12..20], &[0, 17, 0, 11], &p[20..]].concat();
        let right = !slow_sum(&pseudo);
        p[26..28].copy_from_slice(&right.to_be_bytes());
        assert_eq!(bad(&p), (false, false));
        p[29] ^= 1;
        assert_eq!(bad(&p), (false, true));
    }

    #[test]
    fn covers_ipv6_and_icmp() {
        let mut p = ip6(58, &[128, 0, 0, 0, 0, 1, 0, 2, 9]);
        let pseudo = [&p[8..40], &[0, 0, 0, 9, 0, 0, 0, 58], &p[40..]].concat();
        let right = !slow_sum(&pseudo);
        assert_eq!(bad(&p), (false, true));
        p[42..44].copy_from_slice(&right.to_be_bytes());
        assert_eq!(bad(&p), (false, false));

        let mut p = ip4(1, &[8, 0, 0, 0, 0, 1, 0, 2, 9]);
        assert!(bad(&p).1);
        let right = !slow_sum(&p[20..]);
        p[22..24].copy_from_slice(&right.to_be_bytes());
        assert!(!bad(&p).1);
    }

    #[test]
    fn lets_incomplete_packets_pass() {
        let mut p = ip4(17, &udp(1, 2, b"hello"));
        p[26] = 1;
        assert!(bad(&p).1);
        let mut d = decode(LinkType::RAW, &p[..31], p.len() as u32);
        verify(&mut d, &p[..31]);
        assert!(!d.anomalies.contains(Anomaly::BadTransportChecksum));
    }
}
