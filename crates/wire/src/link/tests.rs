use crate::tests::{cat, check_udp4, eth, ip6, udp, udp4, whole};
use crate::{Anomaly, LinkType};
use sekisho_types::MacAddr;

fn hello() -> Vec<u8> {
    udp4(b"hello")
}

/// `head` under link type `link`, then the usual packet.
#[track_caller]
fn under(link: LinkType, head: &[u8]) -> crate::Decoded {
    check_udp4(link, &cat(&[head, &hello()]))
}

/// Ethernet with `kind`, then `head`, then the usual packet.
#[track_caller]
fn tagged(kind: u16, head: &[u8]) -> crate::Decoded {
    check_udp4(LinkType::ETHERNET, &eth(kind, &cat(&[head, &hello()])))
}

const SNAP: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];

#[test]
fn parses_raw_ip() {
    for n in [12, 14, 101, 228] {
        under(LinkType(n), &[]);
    }
    let six = ip6(17, &udp(1, 2, b"x"));
    assert_eq!(whole(LinkType::IPV6, &six).dst_port, 2);
}

#[test]
fn parses_bsd_loopback_in_both_orders() {
    under(LinkType::NULL, &[2, 0, 0, 0]);
    under(LinkType::NULL, &[0, 0, 0, 2]);
    under(LinkType::LOOP, &[0, 0, 0, 2]);
    for af in [10, 24, 28, 30] {
        let f = cat(&[&[af, 0, 0, 0], &ip6(17, &udp(1, 2, b"x"))]);
        assert_eq!((whole(LinkType::NULL, &f).ip_version, whole(LinkType::NULL, &f).dst_port), (6, 2));
    }
    assert!(whole(LinkType::NULL, &[99, 0, 0, 0]).anomalies.contains(Anomaly::UnknownLink));
}

#[test]
fn parses_cooked_captures() {
    let d = under(LinkType::LINUX_SLL, &[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 9, 0, 0, 8, 0]);
    assert_eq!((d.src_mac, d.ethertype), (Some(MacAddr([2, 0, 0, 0, 0, 9])), 0x0800));
    let v2 = [8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 9, 0, 0];
    assert_eq!(under(LinkType::LINUX_SLL2, &v2).src_mac, d.src_mac);
    let tag = [0x81, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 9, 0, 0, 0, 7, 8, 0];
    assert_eq!(under(LinkType::LINUX_SLL2, &tag).vlan.outer(), Some(7));
    let netlink = cat(&[&[0, 4, 3, 0x38, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0], &hello()]);
    assert_eq!(whole(LinkType::LINUX_SLL, &netlink).ip_version, 0);
}

#[test]
fn parses_nflog_in_both_orders() {
    let n = hello().len() as u16 + 4;
    let le = cat(&[&[2, 0, 0, 1, 8, 0, 1, 0, 0, 8, 1, 0], &[5, 0, 10, 0, 0, 0, 0, 0], &n.to_le_bytes(), &[9, 0]]);
    under(LinkType::NFLOG, &le);
    let be = cat(&[&[2, 0, 0, 1, 0, 8, 0, 1, 8, 0, 1, 0], &n.to_be_bytes(), &[0, 9]]);
    under(LinkType::NFLOG, &be);
    assert_eq!(whole(LinkType::NFLOG, &[2, 0, 0, 1, 0, 0, 1, 0]).ip_version, 0);
}

#[test]
fn parses_ppp() {
    for head in [&[0xff, 3, 0, 0x21][..], &[0, 0x21], &[0x21], &[0xff, 3, 0x21]] {
        under(LinkType::PPP, head);
        under(LinkType::PPP_HDLC, head);
    }
    under(LinkType::PPP_WITH_DIR, &[1, 0xff, 3, 0, 0x21]);
    under(LinkType::PPP_HDLC, &[0x0f, 0, 8, 0]);
    under(LinkType::C_HDLC, &[0x8f, 0, 8, 0]);
    under(LinkType::PPP, &[2, 0x81, 0, 1, 0x11, 64]);
    let lcp = whole(LinkType::PPP, &[0xff, 3, 0xc0, 0x21, 1, 1, 0, 4]);
    assert!(lcp.ip_version == 0 && lcp.anomalies.is_empty());
}

#[test]
fn parses_pppoe_without_its_padding() {
    let n = (hello().len() as u16 + 2).to_be_bytes();
    let session = [0x11, 0, 0, 5, n[0], n[1], 0, 0x21];
    under(LinkType::PPP_ETHER, &[0x11, 0, 0, 5, 0, 9, 0, 0x21]);
    under(LinkType::PPP_ETHER, &session);
    let d = check_udp4(LinkType::ETHERNET, &eth(0x8864, &cat(&[&session, &hello(), &[0; 9]])));
    assert_eq!(d.ethertype, 0x8864);
    assert_eq!(whole(LinkType::ETHERNET, &eth(0x8863, &[0x11, 9, 0, 0, 0, 0])).anomalies.bits(), 0);
}

#[test]
fn parses_frame_relay() {
    under(LinkType::FRELAY, &[0x18, 0x41, 3, 0xcc]);
    under(LinkType::FRELAY, &[0x18, 0x41, 3, 0, 0xcc]);
    under(LinkType::FRELAY, &[0x18, 0x40, 0x40, 0x41, 3, 0xcc]);
    under(LinkType::FRELAY, &[0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0]);
    under(LinkType::FRELAY, &[0x18, 0x41, 8, 0]);
    let bridged = cat(&[&[0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7], &eth(0x0800, &hello())]);
    check_udp4(LinkType::FRELAY, &bridged);
    assert!(whole(LinkType::FRELAY, &[0, 0, 0, 0, 0]).anomalies.contains(Anomaly::UnknownLink));
}

#[test]
fn parses_vlan_tags() {
    let d = tagged(0x8100, &[0x20, 5, 8, 0]);
    assert_eq!((d.vlan.outer(), d.vlan.inner(), d.ethertype), (Some(5), None, 0x0800));
    for outer in [0x88a8, 0x9100, 0x9200, 0x8100] {
        let d = tagged(outer, &[0, 5, 0x81, 0, 0, 6, 8, 0]);
        assert_eq!((d.vlan.outer(), d.vlan.inner()), (Some(5), Some(6)));
    }
    let d = tagged(0x8100, &[0, 5, 0x81, 0, 0, 6, 0x81, 0, 0, 7, 8, 0]);
    assert_eq!((d.vlan.outer(), d.vlan.inner()), (Some(5), Some(6)));
    let llc = cat(&[&[0, 5], &(hello().len() as u16 + 8).to_be_bytes(), &SNAP]);
    assert_eq!(tagged(0x8100, &llc).vlan.outer(), Some(5));
}

#[test]
fn limits_tag_stacks() {
    let d = whole(LinkType::ETHERNET, &eth(0x8100, &[0, 5, 0x81, 0].repeat(100)));
    assert!(d.anomalies.contains(Anomaly::LayerLimit));
    let d = whole(LinkType::ETHERNET, &eth(0x8847, &[0; 400]));
    assert!(d.anomalies.contains(Anomaly::LayerLimit));
    let d = whole(LinkType::ETHERNET, &eth(0x88e7, &[0x88, 0xe7].repeat(500)));
    assert!(d.anomalies.contains(Anomaly::LayerLimit));
}

#[test]
fn parses_802_3() {
    let len = |n: usize| (hello().len() + n) as u16;
    check_udp4(LinkType::ETHERNET, &eth(len(8), &cat(&[&SNAP, &hello(), &[0; 7]])));
    check_udp4(LinkType::ETHERNET, &eth(len(3), &cat(&[&[6, 6, 3], &hello()])));
    tagged(0x8870, &SNAP);
    let stp = whole(LinkType::ETHERNET, &eth(38, &[0x42; 46]));
    assert!(stp.ip_version == 0 && stp.anomalies.is_empty());
    let isl = cat(&[&[1, 0, 12, 0, 0, 0, 7, 8, 9, 1, 1, 1, 0, 80, 0xaa, 0xaa, 3, 7, 8, 9], &[0; 6]]);
    check_udp4(LinkType::ETHERNET, &cat(&[&isl, &eth(0x0800, &hello()), &[0; 4]]));
    let fddi = cat(&[&[0x50, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], &SNAP]);
    assert_eq!(under(LinkType::FDDI, &fddi).src_mac, Some(MacAddr([2, 0, 0, 0, 0, 1])));
    under(LinkType::ATM_RFC1483, &SNAP);
}

#[test]
fn parses_mpls() {
    tagged(0x8847, &[0, 1, 0x11, 64]);
    tagged(0x8848, &[0, 1, 0x10, 64, 0, 1, 0x21, 64]);
    let frame = eth(0x0800, &hello());
    check_udp4(LinkType::ETHERNET, &eth(0x8847, &cat(&[&[0, 1, 0x11, 64, 0, 0, 0, 0], &frame])));
    check_udp4(LinkType::ETHERNET, &eth(0x8847, &cat(&[&[0, 1, 0x11, 64], &frame])));
    let mut like_v4 = frame.clone();
    like_v4[0] = 0x46;
    check_udp4(LinkType::ETHERNET, &eth(0x8847, &cat(&[&[0, 1, 0x11, 64], &like_v4])));
}

#[test]
fn parses_backbone_and_fabric_tags() {
    let inner = eth(0x8100, &cat(&[&[0, 9, 8, 0], &hello()]));
    let d = check_udp4(LinkType::ETHERNET, &eth(0x88a8, &cat(&[&[0, 5, 0x88, 0xe7, 0, 0, 0, 1], &inner])));
    assert_eq!((d.vlan.outer(), d.vlan.inner()), (Some(5), Some(9)));
    check_udp4(LinkType::ETHERNET, &eth(0x8903, &cat(&[&[0, 1], &inner])));
    check_udp4(LinkType::ETHERNET, &eth(0x22f3, &cat(&[&[0, 0x40, 0, 1, 0, 2, 1, 1, 1, 1], &inner])));
    check_udp4(LinkType::ETHERNET, &eth(0x894f, &cat(&[&[0, 2, 1, 3, 0, 0, 1, 255], &inner])));
    tagged(0x894f, &[0, 2, 1, 1, 0, 0, 1, 255]);
    tagged(0x8926, &[0, 1, 0, 2, 8, 0]);
    tagged(0x892f, &[0, 1, 0, 2, 8, 0]);
    tagged(0x893f, &[0, 1, 0, 2, 0, 3, 8, 0]);
    tagged(0x8909, &[1, 1, 0, 1, 0, 3, 8, 0]);
}

#[test]
fn parses_macsec_in_clear() {
    let secure = |tci: &[u8]| eth(0x88e5, &cat(&[tci, &[8, 0], &hello(), &[0xee; 16]]));
    check_udp4(LinkType::ETHERNET, &secure(&[0, 0, 0, 0, 0, 1]));
    check_udp4(LinkType::ETHERNET, &secure(&[0x20, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(whole(LinkType::ETHERNET, &secure(&[0x0c, 0, 0, 0, 0, 1])).ip_version, 0);
}

fn wlan(control: [u8; 2], rest: &[u8]) -> Vec<u8> {
    let a = |n| [2, 0, 0, 0, 0, n];
    cat(&[&control, &[0, 0], &a(1), &a(2), &a(3), &[0, 0], rest])
}

#[test]
fn parses_80211_data() {
    let mac = |n| Some(MacAddr([2, 0, 0, 0, 0, n]));
    for (flags, dst, src) in [(0, 1, 2), (1, 3, 2), (2, 1, 3)] {
        let d = under(LinkType::IEEE802_11, &wlan([8, flags], &SNAP));
        assert_eq!((d.dst_mac, d.src_mac), (mac(dst), mac(src)));
    }
    let d = under(LinkType::IEEE802_11, &wlan([8, 3], &cat(&[&[2, 0, 0, 0, 0, 4], &SNAP])));
    assert_eq!((d.dst_mac, d.src_mac), (mac(3), mac(4)));
    under(LinkType::IEEE802_11, &wlan([0x88, 1], &cat(&[&[0, 0], &SNAP])));
    under(LinkType::IEEE802_11, &wlan([0x88, 0x81], &cat(&[&[0, 0, 0, 0, 0, 0], &SNAP])));
    let sub = cat(&[&[2, 0, 0, 0, 0, 7, 2, 0, 0, 0, 0, 8], &(hello().len() as u16 + 8).to_be_bytes(), &SNAP]);
    let d = under(LinkType::IEEE802_11, &wlan([0x88, 1], &cat(&[&[0x80, 0], &sub])));
    assert_eq!((d.dst_mac, d.src_mac), (mac(7), mac(8)));
}

#[test]
fn parses_every_packet_of_an_80211_aggregate() {
    let sub = |n: u8, payload: &[u8]| {
        let p = udp4(payload);
        let head = [2, 0, 0, 0, 0, 7, 2, 0, 0, 0, 0, n];
        let mut s = cat(&[&head, &(p.len() as u16 + 8).to_be_bytes(), &SNAP, &p]);
        s.resize(s.len().next_multiple_of(4), 0);
        s
    };
    let frame = wlan([0x88, 1], &cat(&[&[0x80, 0], &sub(1, b"first"), &sub(2, b"second"), &sub(3, b"third")]));
    let wire_len = frame.len() as u32;
    let mut d = whole(LinkType::IEEE802_11, &frame);
    let mut seen = vec![(d.src_mac, d.payload(&frame))];
    while d.next_msdu != 0 {
        d = crate::decode_msdu(&frame, d.next_msdu, wire_len);
        seen.push((d.src_mac, d.payload(&frame)));
    }
    let mac = |n| Some(MacAddr([2, 0, 0, 0, 0, n]));
    assert_eq!(seen, [(mac(1), &b"first"[..]), (mac(2), b"second"), (mac(3), b"third")]);
}

#[test]
fn rejects_80211_without_readable_data() {
    let stop = |control| whole(LinkType::IEEE802_11, &cat(&[&wlan(control, &SNAP), &hello()])).ip_version;
    assert_eq!(stop([8, 0x41]), 0, "protected");
    assert_eq!(stop([0x48, 1]), 0, "null data");
    assert_eq!(stop([0x80, 0]), 0, "beacon");
    let mut later_fragment = cat(&[&wlan([8, 1], &SNAP), &hello()]);
    later_fragment[22] = 1;
    assert_eq!(whole(LinkType::IEEE802_11, &later_fragment).ip_version, 0);
}

#[test]
fn parses_radiotap_and_its_check_sequence() {
    let data = cat(&[&wlan([8, 1], &SNAP), &hello()]);
    check_udp4(LinkType::IEEE802_11_RADIOTAP, &cat(&[&[0, 0, 8, 0, 0, 0, 0, 0], &data]));
    // Timer and flags: FCS at the end.
    let head = cat(&[&[0, 0, 17, 0, 3, 0, 0, 0], &[9; 8], &[0x10]]);
    check_udp4(LinkType::IEEE802_11_RADIOTAP, &cat(&[&head, &data, &[0; 4]]));
    // A second presence word moves the timer to the next multiple of eight.
    let head = cat(&[&[0, 0, 25, 0, 3, 0, 0, 0x80], &[0; 8], &[9; 8], &[0x10]]);
    check_udp4(LinkType::IEEE802_11_RADIOTAP, &cat(&[&head, &data, &[0; 4]]));
    // Padded header: QoS makes it 26 bytes, two more follow.
    let qos = cat(&[&wlan([0x88, 1], &[0, 0, 0, 0]), &SNAP, &hello()]);
    check_udp4(LinkType::IEEE802_11_RADIOTAP, &cat(&[&[0, 0, 9, 0, 2, 0, 0, 0, 0x20], &qos]));
    let bad = cat(&[&[0, 0, 9, 0, 2, 0, 0, 0, 0x40], &data]);
    assert_eq!(whole(LinkType::IEEE802_11_RADIOTAP, &bad).ip_version, 0);
}

#[test]
fn parses_other_monitor_headers() {
    let data = cat(&[&wlan([8, 1], &SNAP), &hello()]);
    let prism = cat(&[&[0x44, 0, 0, 0, 144, 0, 0, 0], &[0; 136]]);
    check_udp4(LinkType::IEEE802_11_PRISM, &cat(&[&prism, &data]));
    let avs = cat(&[&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64], &[0; 56]]);
    check_udp4(LinkType::IEEE802_11_PRISM, &cat(&[&avs, &data]));
    check_udp4(LinkType::IEEE802_11_AVS, &cat(&[&avs, &data]));
    let ppi = cat(&[&[0, 0, 32, 0, 105, 0, 0, 0, 2, 0, 20, 0], &[0; 8], &[1, 0], &[0; 10]]);
    check_udp4(LinkType::PPI, &cat(&[&ppi, &data, &[0; 4]]));
    check_udp4(LinkType::PPI, &cat(&[&[0, 0, 8, 0, 1, 0, 0, 0], &eth(0x0800, &hello())]));
}

#[test]
fn says_what_it_does_not_know() {
    assert!(whole(LinkType(147), &[0; 40]).anomalies.contains(Anomaly::UnknownLink));
    assert!(whole(LinkType::ETHERNET, &eth(0x4321, &[0; 40])).anomalies.contains(Anomaly::UnknownLink));
    assert!(whole(LinkType::ETHERNET, &[0; 13]).anomalies.contains(Anomaly::LinkTruncated));
    assert!(whole(LinkType::ETHERNET, &eth(0x0800, &[])).anomalies.contains(Anomaly::LinkTruncated));
    let arp = whole(LinkType::ETHERNET, &eth(0x0806, &[0; 28]));
    assert_eq!((arp.ip_version, arp.ethertype, arp.anomalies.bits()), (0, 0x0806, 0));
}
