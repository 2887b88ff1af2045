use crate::{Anomaly, Decoded, Fragment, LinkType, decode, decode_ip, decode_reassembled};
use sekisho_types::{Addr, MacAddr};

/// IPv4 and UDP from 10.0.0.1:1000 to 10.0.0.2:53 with `payload`.
pub(crate) fn udp4(payload: &[u8]) -> Vec<u8> {
    ip4(17, &udp(1000, 53, payload))
}

pub(crate) fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let mut b = Vec::new();
    b.extend(src.to_be_bytes());
    b.extend(dst.to_be_bytes());
    b.extend((payload.len() as u16 + 8).to_be_bytes());
    b.extend([0, 0]);
    b.extend(payload);
    b
}

pub(crate) fn ip4(proto: u8, payload: &[u8]) -> Vec<u8> {
    let mut b = vec![0x45, 0];
    b.extend((payload.len() as u16 + 20).to_be_bytes());
    b.extend([0x12, 0x34, 0, 0, 64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    b.extend(payload);
    b
}

pub(crate) fn ip6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut b = vec![0x60, 0, 0, 0];
    b.extend((payload.len() as u16).to_be_bytes());
    b.extend([next, 63]);
    b.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    b.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    b.extend(payload);
    b
}

pub(crate) fn eth(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut b = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    b.extend(kind.to_be_bytes());
    b.extend(payload);
    b
}

pub(crate) fn whole(link: LinkType, frame: &[u8]) -> Decoded {
    decode(link, frame, frame.len() as u32)
}

pub(crate) fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[track_caller]
pub(crate) fn check_udp4(link: LinkType, frame: &[u8]) -> Decoded {
    let d = whole(link, frame);
    assert_eq!((d.ip_version, d.proto, d.src_port, d.dst_port), (4, 17, 1000, 53), "{d:?}");
    assert_eq!(d.src, Addr::v4([10, 0, 0, 1]));
    assert_eq!(d.payload(frame), b"hello");
    assert!(d.anomalies.is_empty(), "{d:?}");
    d
}

#[test]
fn parses_ethernet_without_its_padding() {
    let mut f = eth(0x0800, &udp4(b"hello"));
    f.resize(60, 0);
    let d = check_udp4(LinkType::ETHERNET, &f);
    assert_eq!(d.src_mac, Some(MacAddr([2, 0, 0, 0, 0, 1])));
    assert_eq!((d.ip_offset, d.ip_len, d.transport_offset, d.payload_offset), (14, 33, 34, 42));
    assert_eq!((d.payload_len, d.payload_wire_len, d.ttl), (5, 5, 64));
    assert_eq!(d.transport(&f).len(), 13);
}

#[test]
fn parses_tcp_options() {
    let mut seg = vec![0, 80, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0xa0, 0x12, 0x20, 0, 0, 0, 0, 9];
    seg.extend([2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 8, 1, 3, 3, 7]);
    let d = decode_ip(&ip4(6, &seg), 60);
    assert!(d.anomalies.is_empty() && d.has_transport, "{d:?}");
    let t = d.tcp;
    assert_eq!((t.seq, t.ack, t.flags, t.window, t.urgent), (1, 2, 0x12, 0x2000, 9));
    assert_eq!((t.mss, t.window_scale, t.timestamps), (Some(1460), Some(7), Some((7, 8))));
    assert_eq!((d.payload_offset, d.payload_len), (60, 0));

    seg[13] = 0x10;
    let t = decode_ip(&ip4(6, &seg), 60).tcp;
    assert_eq!((t.mss, t.window_scale), (None, None));
}

#[test]
fn rejects_bad_tcp_headers() {
    let seg = |offset: u8, options: &[u8]| {
        let mut s = vec![0, 80, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 2, offset << 4, 0x18, 0x20, 0, 0, 0, 0, 0];
        s.extend(options);
        let p = ip4(6, &s);
        decode_ip(&p, p.len() as u32)
    };
    assert!(seg(4, &[]).anomalies.contains(Anomaly::TcpHeaderLength));
    assert!(seg(6, &[]).anomalies.contains(Anomaly::TcpHeaderLength));
    assert!(seg(6, &[8, 9, 0, 0]).anomalies.contains(Anomaly::TcpOptions));
    assert!(seg(6, &[2, 1, 0, 0]).anomalies.contains(Anomaly::TcpOptions));
    assert!(seg(6, &[1, 1, 1, 0]).anomalies.is_empty());
}

#[test]
fn cut_captures_keep_the_claimed_length() {
    let f = eth(0x0800, &udp4(&[7; 100]));
    let d = decode(LinkType::ETHERNET, &f[..60], f.len() as u32);
    assert!(d.anomalies.contains(Anomaly::CaptureTruncated) && d.has_transport);
    assert!(!d.anomalies.contains(Anomaly::IpLengthBeyondFrame));
    assert_eq!((d.payload_len, d.payload_wire_len), (18, 100));
    let d = decode(LinkType::ETHERNET, &f[..38], f.len() as u32);
    assert!(d.anomalies.contains(Anomaly::TransportTruncated) && !d.has_transport);
    let d = decode(LinkType::ETHERNET, &f[..60], 60);
    assert!(d.anomalies.contains(Anomaly::IpLengthBeyondFrame));
}

#[test]
fn parses_offloaded_lengths() {
    let mut p = udp4(b"hello");
    p[2..4].copy_from_slice(&[0, 0]);
    check_udp4(LinkType::RAW, &p);
    let mut p6 = ip6(6, &[0, 80, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
    p6[4..6].copy_from_slice(&[0, 0]);
    assert_eq!(whole(LinkType::RAW, &p6).payload(&p6), &[1, 2, 3]);
}

#[test]
fn parses_ipv4_fragments_and_puts_them_together() {
    let whole_udp = udp(5, 6, &[1; 24]);
    let mut first = ip4(17, &whole_udp[..16]);
    first[6] = 0x20;
    let mut second = ip4(17, &whole_udp[16..]);
    second[7] = 2;
    let a = whole(LinkType::RAW, &first);
    let b = whole(LinkType::RAW, &second);
    assert_eq!(a.fragment, Some(Fragment { id: 0x1234, offset: 0, more: true }));
    assert_eq!(b.fragment, Some(Fragment { id: 0x1234, offset: 16, more: false }));
    assert!(a.anomalies.is_empty() && b.anomalies.is_empty() && !a.has_transport);
    let data = cat(&[a.payload(&first), b.payload(&second)]);
    let d = decode_reassembled(&a, &data);
    assert_eq!((d.src, d.src_port, d.dst_port, d.ip_len, d.fragment), (a.src, 5, 6, 52, None));
    assert_eq!(d.payload(&data), &[1; 24]);
}

#[test]
fn rejects_impossible_fragments() {
    let mut p = ip4(17, &[0; 12]);
    p[6] = 0x20;
    assert!(whole(LinkType::RAW, &p).anomalies.contains(Anomaly::FragmentGeometry));
    let mut p = ip4(17, &[0; 16]);
    p[6..8].copy_from_slice(&[0x1f, 0xff]);
    assert!(whole(LinkType::RAW, &p).anomalies.contains(Anomaly::FragmentGeometry));
    let mut p = ip4(6, &[0; 16]);
    p[7] = 1;
    assert!(whole(LinkType::RAW, &p).anomalies.contains(Anomaly::FragmentGeometry));
}

#[test]
fn parses_ipv6_extension_chains() {
    let inner = udp(1000, 53, b"hello");
    let hop = [60, 0, 5, 2, 0, 0, 1, 0];
    let dst = [51, 0, 1, 4, 0, 0, 0, 0];
    let ah = [17, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    let p = ip6(0, &cat(&[&hop, &dst, &ah, &inner]));
    let d = whole(LinkType::RAW, &p);
    assert_eq!((d.ip_version, d.proto, d.src_port, d.ttl), (6, 17, 1000, 63));
    assert_eq!(d.payload(&p), b"hello");
    assert!(d.anomalies.is_empty());
}

#[test]
fn parses_ipv6_fragments_and_puts_them_together() {
    let inner = cat(&[&[17, 0, 1, 4, 0, 0, 0, 0], &udp(7, 8, &[9; 16])]);
    let first = ip6(44, &cat(&[&[60, 0, 0, 1, 0, 0, 0, 5], &inner[..16]]));
    let d = whole(LinkType::RAW, &first);
    assert_eq!((d.proto, d.fragment), (60, Some(Fragment { id: 5, offset: 0, more: true })));
    assert_eq!(d.payload(&first), &inner[..16]);
    let r = decode_reassembled(&d, &inner);
    assert_eq!((r.proto, r.src_port, r.dst_port, r.payload_len), (17, 7, 8, 16));

    let atomic = ip6(44, &cat(&[&[17, 0, 0, 0, 0, 0, 0, 5], &udp(7, 8, &[9; 16])]));
    let d = whole(LinkType::RAW, &atomic);
    assert_eq!((d.fragment, d.src_port), (None, 7));
}

#[test]
fn limits_ipv6_extension_headers() {
    let chain = [60, 0, 1, 4, 0, 0, 0, 0].repeat(17);
    let d = whole(LinkType::RAW, &ip6(60, &chain));
    assert!(d.anomalies.contains(Anomaly::Ipv6Extensions));
}

#[test]
fn routing_type_0_goes_to_its_last_address() {
    let mut routing = vec![17, 2, 0, 1, 0, 0, 0, 0];
    let last = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    routing.extend(last);
    let d = whole(LinkType::RAW, &ip6(43, &cat(&[&routing, &udp(1, 2, b"")])));
    assert_eq!((d.dst, d.src_port), (Addr::v6(last), 1));
    assert!(d.anomalies.contains(Anomaly::SourceRoute));
}

#[test]
fn a_mobile_node_is_known_by_its_home_address() {
    let home = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    let options = cat(&[&[17, 2, 0, 0, 0xc9, 16], &home, &[0, 0]]);
    let d = whole(LinkType::RAW, &ip6(60, &cat(&[&options, &udp(1, 2, b"")])));
    assert_eq!((d.src, d.src_port), (Addr::v6(home), 1));

    let cut = cat(&[&[17, 0, 1, 0, 0xc9, 16, 0, 0], &udp(1, 2, b"")]);
    assert_ne!(whole(LinkType::RAW, &ip6(60, &cut)).src, Addr::v6(home));

    let routing = cat(&[&[17, 2, 2, 1, 0, 0, 0, 0], &home]);
    let d = whole(LinkType::RAW, &ip6(43, &cat(&[&routing, &udp(1, 2, b"")])));
    assert_eq!((d.dst, d.anomalies.contains(Anomaly::SourceRoute)), (Addr::v6(home), false));
}

#[test]
fn notes_ipv4_source_routes() {
    let mut p = udp4(b"hello");
    p[0] = 0x47;
    p[3] += 8;
    p.splice(20..20, [131, 7, 4, 1, 2, 3, 4, 0]);
    let d = whole(LinkType::RAW, &p);
    assert!(d.anomalies.contains(Anomaly::SourceRoute));
    assert_eq!(d.payload(&p), b"hello");
}

#[test]
fn udp_length_decides_about_surplus() {
    let mut p = udp4(b"hello");
    p[25] = 11;
    assert_eq!(whole(LinkType::RAW, &p).payload(&p), b"hel");
    p[25] = 14;
    assert!(whole(LinkType::RAW, &p).anomalies.contains(Anomaly::UdpLength));
    p[25] = 7;
    assert!(whole(LinkType::RAW, &p).anomalies.contains(Anomaly::UdpLength));
}

#[test]
fn parses_icmp_and_sctp() {
    let p = ip4(1, &[8, 0, 0, 0, 0, 1, 0, 2, 1, 2, 3]);
    let d = whole(LinkType::RAW, &p);
    assert_eq!((d.src_port, d.dst_port, d.payload(&p)), (8, 0, &[1u8, 2, 3][..]));
    let p = ip4(132, &[0, 5, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    let d = whole(LinkType::RAW, &p);
    assert_eq!((d.src_port, d.dst_port, d.payload(&p)), (5, 6, &[9u8][..]));
    let p = ip4(1, &[8, 0, 0, 0]);
    assert!(whole(LinkType::RAW, &p).anomalies.contains(Anomaly::TransportTruncated));
}
