//! No bytes under any link type make the decoders panic or point outside the frame.

use crate::decode::walk;
use crate::tests::{cat, eth, ip4, ip6, udp, udp4};
use crate::{Decoded, LinkType, checksum, decode, decode_ip, decode_msdu, decode_reassembled, pair_hash, tunnel};
use proptest::prelude::*;

const LINKS: [u32; 27] = [
    0, 1, 9, 10, 12, 14, 50, 51, 100, 101, 104, 105, 107, 108, 113, 119, 127, 147, 163, 192, 204, 228, 229, 239, 276,
    1, 1,
];
/// More than any capture nests.
const DEPTH: u32 = 8;

fn check(d: &Decoded, frame: &[u8], wire_len: u32) {
    let len = frame.len() as u64;
    assert!(u64::from(d.payload_offset) + u64::from(d.payload_len) <= len, "{d:?}");
    assert!(d.ip_offset <= d.transport_offset || d.ip_version == 0, "{d:?}");
    assert!(d.transport_offset <= d.payload_offset, "{d:?}");
    assert!(d.payload_wire_len >= d.payload_len, "{d:?}");
    assert_eq!(d.payload(frame).len(), d.payload_len as usize);
    // Without IP only ARP and RARP have a payload.
    let resolves = matches!(d.ethertype, 0x0806 | 0x8035);
    if d.ip_version == 0 {
        assert!(!d.has_transport && (resolves || (d.payload_len, d.payload_wire_len) == (0, 0)), "{d:?}");
    }
    if d.anomalies.is_empty() && d.ip_version != 0 {
        assert!(u64::from(d.payload_wire_len) <= u64::from(wire_len).max(len), "{d:?}");
    }
    checksum::verify(&mut { *d }, frame);
    let _ = d.transport(frame);
}

fn everything(link: LinkType, frame: &[u8], wire_len: u32) {
    let mut d = decode(link, frame, wire_len);
    assert_eq!(d, walk(link, frame, wire_len), "what is read at fixed offsets is what the walk finds");
    check(&d, frame, wire_len);
    check(&decode_ip(frame, wire_len), frame, wire_len);
    let whole = decode_reassembled(&d, frame);
    assert!(u64::from(whole.payload_offset) + u64::from(whole.payload_len) <= frame.len() as u64);
    pair_hash(link, frame, 1);
    check(&decode_msdu(frame, d.next_msdu, wire_len), frame, wire_len);
    assert!(u64::from(d.next_msdu) < frame.len() as u64 || d.next_msdu == 0);
    let mut bytes = frame;
    for _ in 0..DEPTH {
        let Some(i) = tunnel::inner(&d, bytes) else { break };
        assert_eq!(i.bytes(bytes).len(), i.len as usize);
        assert!(i.wire_len >= i.len);
        d = i.decode(bytes);
        bytes = i.bytes(bytes);
        check(&d, bytes, i.wire_len);
    }
}

/// Well-formed frames of many kinds, to be damaged.
fn seeds() -> Vec<(u32, Vec<u8>)> {
    let hello = udp4(b"hello");
    let frame = eth(0x0800, &hello);
    let mut tcp = vec![0, 80, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0xa0, 0x12, 0x20, 0, 0, 0, 0, 9];
    tcp.extend([2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 8, 1, 3, 3, 7]);
    let chain = cat(&[&[60, 0, 5, 2, 0, 0, 1, 0, 43, 0, 1, 4, 0, 0, 0, 0, 44, 2, 0, 1, 0, 0, 0, 0], &[9; 16]]);
    let chain = cat(&[&chain, &[51, 0, 0, 0, 0, 0, 0, 1, 17, 4, 0, 0], &[1; 20], &udp(3, 4, b"x")]);
    let ack = [&tcp[..12], &[0x50, 0x10], &tcp[14..20], b"data"].concat();
    let stamped = [&tcp[..12], &[0x80, 0x18], &tcp[14..20], &[1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 8], b"data"].concat();
    let mut out = vec![
        (1, frame.clone()),
        (1, eth(0x0800, &ip4(6, &ack))),
        (1, eth(0x0800, &ip4(6, &stamped))),
        (1, eth(0x86dd, &ip6(6, &stamped))),
        (1, eth(0x86dd, &ip6(17, &udp(3, 4, b"x")))),
        (1, eth(0x0800, &ip4(6, &tcp))),
        (1, eth(0x86dd, &ip6(0, &chain))),
        (1, eth(0x88a8, &cat(&[&[0, 5, 0x88, 0xe7, 0, 0, 0, 1], &frame]))),
        (1, eth(0x8847, &cat(&[&[0, 1, 0x10, 64, 0, 1, 0x21, 64, 0, 0, 0, 0], &frame]))),
        (113, cat(&[&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 9, 0, 0, 8, 0], &hello])),
        (107, cat(&[&[0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7], &frame])),
        (9, cat(&[&[0xff, 3, 0, 0x21], &hello])),
        (101, ip4(47, &cat(&[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1], &[0; 10], &frame]))),
        (101, ip4(47, &cat(&[&[0x40, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0], &hello]))),
        (101, ip4(4, &ip4(4, &hello))),
    ];
    let ppp = cat(&[&[0x4a, 2, 0, 60, 0, 1, 0, 4, 0, 0, 0, 0, 0, 2, 9, 9, 0xff, 3, 0, 0x21], &hello]);
    let payloads = [
        (4789, cat(&[&[8, 0, 0, 0, 0, 1, 2, 0], &frame])),
        (6081, cat(&[&[1, 0, 0x65, 0x58, 0, 0, 3, 0, 1, 2, 3, 0], &frame])),
        (2152, cat(&[&[0x34, 255, 0, 41, 0, 0, 0, 5, 0, 0, 0, 0x85, 1, 0x10, 1, 0], &hello])),
        (3544, cat(&[&[0, 1, 1, 2, 9, 8, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0], &[0; 8], &ip6(17, &udp(5, 6, b"hi"))])),
        (5072, cat(&[&[0x44, 0x52, 0x11, 41, 0, 0, 0, 0], &[0; 36], &ip6(17, &udp(5, 6, b"hi"))])),
        (6635, cat(&[&[0, 1, 0x11, 64], &hello])),
        (1701, ppp),
    ];
    out.extend(payloads.map(|(port, p)| (1, eth(0x0800, &ip4(17, &udp(40000, port, &p))))));
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..200), extra in 0u32..3000, i in 0..LINKS.len()) {
        everything(LinkType(LINKS[i]), &bytes, bytes.len() as u32 + extra);
    }

    #[test]
    fn damaged_frames_are_harmless(
        i in 0usize..17,
        cut in 0usize..200,
        hits in proptest::collection::vec((0usize..200, any::<u8>()), 0..5),
        extra in 0u32..100,
    ) {
        let (link, mut frame) = seeds()[i].clone();
        for (at, value) in hits {
            let n = frame.len();
            frame[at % n] = value;
        }
        frame.truncate(cut.max(1));
        everything(LinkType(link), &frame, frame.len() as u32 + extra);
    }
}

#[test]
fn every_truncation_keeps_addresses_and_ports_or_says_so() {
    for (link, frame) in seeds() {
        let wire_len = frame.len() as u32;
        let full = decode(LinkType(link), &frame, wire_len);
        assert!(
            full.ip_version != 0 && full.has_transport
                || full.proto == 47
                || full.proto == 4
                || full.fragment.is_some()
        );
        for n in 0..frame.len() {
            let d = decode(LinkType(link), &frame[..n], wire_len);
            everything(LinkType(link), &frame[..n], wire_len);
            assert!(!d.anomalies.is_empty());
            if d.has_transport {
                assert_eq!((d.src, d.dst, d.src_port, d.dst_port), (full.src, full.dst, full.src_port, full.dst_port));
                assert_eq!(d.payload_wire_len, full.payload_wire_len, "cut at {n} of {full:?}");
            }
        }
    }
}

#[test]
fn absurd_wire_lengths_are_harmless() {
    for (link, frame) in seeds() {
        for wire_len in [0, 1, u32::MAX] {
            everything(LinkType(link), &frame, wire_len);
        }
    }
}
