use super::*;
use crate::tests::{cat, eth, ip4, ip6, udp, udp4};
use crate::{Anomaly, decode_ip};
use sekisho_types::Addr;

fn look(packet: &[u8]) -> Option<Inner> {
    inner(&decode_ip(packet, packet.len() as u32), packet)
}

/// `packet` must be a tunnel whose inner packet is [`udp4`] with "hello".
#[track_caller]
fn check(packet: &[u8], kind: TunnelKind, id: u32) -> Inner {
    let i = look(packet).expect("a tunnel");
    assert_eq!((i.kind, i.id), (kind, id));
    let d = i.decode(packet);
    assert_eq!((d.ip_version, d.src_port, d.dst_port), (4, 1000, 53), "{d:?}");
    assert_eq!(d.src, Addr::v4([10, 0, 0, 1]));
    assert_eq!(d.payload(i.bytes(packet)), b"hello");
    i
}

fn hello() -> Vec<u8> {
    udp4(b"hello")
}

fn over_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    ip4(17, &udp(40000, port, payload))
}

fn teredo_packet() -> Vec<u8> {
    let mut p = ip6(17, &udp(5, 6, b"hi"));
    p[8..12].copy_from_slice(&[0x20, 1, 0, 0]);
    p
}

#[test]
fn parses_ip_in_ip() {
    check(&ip4(4, &hello()), TunnelKind::Ip, 0);
    check(&ip6(4, &hello()), TunnelKind::Ip, 0);
    let six = ip6(17, &udp(7, 8, b"x"));
    let p = ip4(41, &six);
    assert_eq!(look(&p).map(|i| i.decode(&p).src_port), Some(7));
    assert_eq!(look(&ip4(4, b"no packet at all, really")), None);
}

#[test]
fn parses_gre() {
    check(&ip4(47, &cat(&[&[0, 0, 8, 0], &hello()])), TunnelKind::Gre, 0);
    let full = [0xb0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0, 77, 0, 0, 0, 1];
    check(&ip4(47, &cat(&[&full, &hello()])), TunnelKind::Gre, 77);
    let routed = [0x40, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0];
    check(&ip4(47, &cat(&[&routed, &hello()])), TunnelKind::Gre, 0);
    check(&ip4(47, &cat(&[&[0, 0, 0x65, 0x58], &eth(0x0800, &hello())])), TunnelKind::Gre, 0);
    check(&ip4(47, &cat(&[&[0, 0, 0x88, 0x47, 0, 1, 0x11, 64], &hello()])), TunnelKind::Gre, 0);
    check(&over_udp(4754, &cat(&[&[0, 0, 8, 0], &hello()])), TunnelKind::Gre, 0);
    assert_eq!(look(&ip4(47, &cat(&[&[0, 8, 8, 0], &hello()]))), None, "reserved bits");
    assert_eq!(look(&ip4(47, &cat(&[&[0, 2, 8, 0], &hello()]))), None, "version 2");
    assert_eq!(look(&ip4(47, &[0x20, 0, 8])), None);
}

#[test]
fn parses_pptp() {
    let ppp = cat(&[&[0xff, 3, 0, 0x21], &hello()]);
    let header = |extra: &[u8], flags: [u8; 2]| {
        cat(&[&flags, &[0x88, 0x0b], &(ppp.len() as u16).to_be_bytes(), &[0, 9], extra, &ppp])
    };
    check(&ip4(47, &header(&[0, 0, 0, 1], [0x30, 1])), TunnelKind::Gre, 9);
    check(&ip4(47, &header(&[0, 0, 0, 1, 0, 0, 0, 2], [0x30, 0x81])), TunnelKind::Gre, 9);
    let lcp = cat(&[&[0x30, 1, 0x88, 0x0b, 0, 8, 0, 9, 0, 0, 0, 1, 0xff, 3, 0xc0, 0x21, 1, 1, 0, 4]]);
    assert_eq!(look(&ip4(47, &lcp)), None);
}

#[test]
fn parses_arp_in_gre() {
    let message = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];
    let packet = ip4(47, &cat(&[&[0, 0, 8, 6], &message]));
    let inner = look(&packet).unwrap();
    let d = inner.decode(&packet);
    assert_eq!((inner.what, d.ethertype, d.ip_version), (InnerLink::Arp, 0x0806, 0));
    assert_eq!(d.payload(inner.bytes(&packet)), message);
}

#[test]
fn parses_erspan() {
    let frame = eth(0x0800, &hello());
    check(&ip4(47, &cat(&[&[0, 0, 0x88, 0xbe], &frame])), TunnelKind::Gre, 0);
    let two = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 5, 0, 0, 0, 0];
    let mirror = check(&ip4(47, &cat(&[&two, &frame])), TunnelKind::Gre, 5).mirror;
    assert_eq!(mirror, Some(Mirror { vlan: 1, header_len: 8 }));
    let mut three = vec![0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0];
    check(&ip4(47, &cat(&[&three, &frame])), TunnelKind::Gre, 6);
    three[19] = 1;
    check(&ip4(47, &cat(&[&three, &[0; 8], &frame])), TunnelKind::Gre, 6);
}

#[test]
fn parses_vxlan() {
    let frame = eth(0x0800, &hello());
    check(&over_udp(4789, &cat(&[&[8, 0, 0, 0, 0, 1, 2, 0], &frame])), TunnelKind::Vxlan, 258);
    check(&over_udp(4790, &cat(&[&[12, 0, 0, 1, 0, 0, 7, 0], &hello()])), TunnelKind::Vxlan, 7);
    assert_eq!(look(&over_udp(4789, &cat(&[&[0, 0, 0, 0, 0, 1, 2, 0], &frame]))), None);
    assert_eq!(look(&over_udp(4789, &[8; 60])), None, "no frame inside");
    assert_eq!(look(&over_udp(4788, &cat(&[&[8, 0, 0, 0, 0, 1, 2, 0], &frame]))), None);
}

#[test]
fn parses_geneve() {
    let frame = eth(0x0800, &hello());
    check(&over_udp(6081, &cat(&[&[0, 0, 0x65, 0x58, 0, 0, 3, 0], &frame])), TunnelKind::Geneve, 3);
    let with_option = [1, 0, 8, 0, 0, 0, 3, 0, 1, 2, 3, 0];
    check(&over_udp(6081, &cat(&[&with_option, &hello()])), TunnelKind::Geneve, 3);
    assert_eq!(look(&over_udp(6081, &cat(&[&[0x40, 0, 8, 0, 0, 0, 3, 0], &hello()]))), None);
}

#[test]
fn parses_gtp() {
    let plain = [0x30, 255, 0, 33, 0, 0, 0, 5];
    check(&over_udp(2152, &cat(&[&plain, &hello()])), TunnelKind::Gtpv1, 5);
    let numbered = [0x32, 255, 0, 37, 0, 0, 0, 5, 0, 1, 0, 0];
    check(&over_udp(2152, &cat(&[&numbered, &hello()])), TunnelKind::Gtpv1, 5);
    let extended = [0x34, 255, 0, 41, 0, 0, 0, 5, 0, 0, 0, 0x85, 1, 0x10, 1, 0];
    check(&over_udp(2152, &cat(&[&extended, &hello()])), TunnelKind::Gtpv1, 5);
    let mut loops = extended;
    loops[12] = 0;
    assert_eq!(look(&over_udp(2152, &cat(&[&loops, &hello()]))), None, "extension of length 0");
    assert_eq!(look(&over_udp(2152, &cat(&[&plain, &hello(), &[0]]))), None, "a byte too many");
    assert_eq!(look(&over_udp(2152, &cat(&[&[0x30, 1, 0, 33, 0, 0, 0, 5], &hello()]))), None, "echo");
}

#[test]
fn parses_teredo_by_port_and_by_content() {
    let six = teredo_packet();
    let ports = |p: &[u8]| look(p).map(|i| (i.kind, i.decode(p).src_port));
    let found = Some((TunnelKind::Teredo, 5));
    assert_eq!(ports(&over_udp(3544, &six)), found);
    assert_eq!(ports(&over_udp(9, &six)), found);
    let origin = [0, 0, 1, 2, 3, 4, 5, 6];
    let auth = [0, 1, 1, 2, 9, 8, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0];
    assert_eq!(ports(&over_udp(9, &cat(&[&origin, &six]))), found);
    assert_eq!(ports(&over_udp(9, &cat(&[&auth, &origin, &six]))), found);
    let plain = ip6(17, &udp(5, 6, b"hi"));
    assert_eq!(ports(&over_udp(9, &plain)), None, "no Teredo address");
    assert_eq!(ports(&over_udp(3544, &plain)), found);
    assert_eq!(ports(&over_udp(9, &cat(&[&six, &[0]]))), None);
}

#[test]
fn parses_teredo_bubbles() {
    let mut bubble = ip6(59, b"");
    let i = |p: &[u8]| look(&over_udp(3544, p)).map(|i| (i.kind, i.len));
    assert_eq!(i(&bubble), Some((TunnelKind::Teredo, 40)));
    bubble.extend([1, 2, 3]);
    assert_eq!(i(&bubble), Some((TunnelKind::Teredo, 43)));
}

#[test]
fn parses_ayiya() {
    let header = cat(&[&[0x44, 0x52, 0x11, 41, 0, 0, 0, 0], &[0; 16], &[0; 20]]);
    let six = ip6(17, &udp(7, 8, b"x"));
    for port in [5072, 9] {
        let p = over_udp(port, &cat(&[&header, &six]));
        assert_eq!(look(&p).map(|i| (i.kind, i.decode(&p).src_port)), Some((TunnelKind::Ayiya, 7)));
    }
    assert_eq!(look(&over_udp(5072, &header)), None);
}

#[test]
fn parses_l2tp() {
    let ppp = cat(&[&[0xff, 3, 0, 0x21], &hello()]);
    check(&over_udp(1701, &cat(&[&[0, 2, 0, 1, 0, 4], &ppp])), TunnelKind::L2tp, 4);
    let len = (ppp.len() as u16 + 16).to_be_bytes();
    let full = cat(&[&[0x4a, 2], &len, &[0, 1, 0, 4, 0, 0, 0, 0, 0, 2, 9, 9], &ppp]);
    check(&over_udp(1701, &full), TunnelKind::L2tp, 4);
    assert_eq!(look(&over_udp(1701, &cat(&[&[0xc8, 2, 0, 20, 0, 1, 0, 4, 0, 0, 0, 0], &ppp]))), None, "control");
}

#[test]
fn parses_other_carriers() {
    check(&over_udp(6635, &cat(&[&[0, 1, 0x11, 64], &hello()])), TunnelKind::Mpls, 0);
    check(&ip4(137, &cat(&[&[0, 1, 0x11, 64], &hello()])), TunnelKind::Mpls, 0);
    check(&ip4(97, &cat(&[&[0x30, 0], &eth(0x0800, &hello())])), TunnelKind::EtherIp, 0);
    assert_eq!(look(&over_udp(6635, b"something else entirely")), None);
}

#[test]
fn parses_aruba_frames() {
    let mut wlan = vec![0x08, 0x02, 0, 0];
    wlan.extend([2; 18]);
    wlan.extend([0, 0, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]);
    check(&ip4(47, &cat(&[&[0, 0, 0x82, 0x10], &wlan, &hello()])), TunnelKind::Gre, 0);
}

#[test]
fn fragments_and_cut_packets() {
    let mut p = ip4(4, &hello());
    p[6] = 0x20;
    assert_eq!(look(&p), None);

    let p = over_udp(4789, &cat(&[&[8, 0, 0, 0, 0, 1, 2, 0], &eth(0x0800, &hello())]));
    let cut = &p[..p.len() - 2];
    let i = inner(&decode_ip(cut, p.len() as u32), cut).unwrap();
    let d = i.decode(cut);
    assert!(d.anomalies.contains(Anomaly::CaptureTruncated));
    assert_eq!((d.payload_len, d.payload_wire_len), (3, 5));
}
