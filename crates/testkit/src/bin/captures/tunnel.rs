//! One UDP exchange inside each kind of tunnel.

use crate::{Capture, Timed, addr, at, at_ms};
use sekisho_testkit::{Frame, gre, ip_proto, vxlan};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("tunnel/gre", outer_ip(47, &inner(4), |p| gre(0x0800, p))),
        Capture::ethernet("tunnel/ipip", outer_ip(4, &inner(4), <[u8]>::to_vec)),
        Capture::ethernet("tunnel/6in4", outer_ip(41, &inner(6), <[u8]>::to_vec)),
        Capture::ethernet("tunnel/vxlan", outer_udp(4789, &framed(), |f| vxlan(42, f))),
        Capture::ethernet("tunnel/geneve", outer_udp(6081, &framed(), geneve)),
        Capture::ethernet("tunnel/gtp-u", outer_udp(2152, &inner(4), gtp_u)),
        Capture::ethernet("tunnel/teredo", outer_udp(3544, &inner(6), <[u8]>::to_vec)),
        Capture::ethernet("tunnel/nested", nested()),
    ]
}

/// The exchange that travels: request and answer.
fn exchange(version: u8) -> [Frame; 2] {
    let (a, b) = if version == 4 {
        ("172.16.0.1:40000", "172.16.0.2:9000")
    } else {
        ("[2001:0:1:2::1]:40000", "[2001:db8::2]:9000")
    };
    [Frame::udp(a, b, b"inside"), Frame::udp(b, a, b"inside too")]
}

fn inner(version: u8) -> [Vec<u8>; 2] {
    exchange(version).map(|f| f.packet())
}

fn framed() -> [Vec<u8>; 2] {
    exchange(4).map(|f| f.frame())
}

/// The two packets behind `wrap`, in IPv4 packets of protocol `proto`.
fn outer_ip(proto: u8, inner: &[Vec<u8>; 2], wrap: impl Fn(&[u8]) -> Vec<u8>) -> Vec<Timed> {
    let (a, b) = (addr("192.0.2.1"), addr("192.0.2.2"));
    vec![
        (at(0), Frame::other(a, b, proto, &wrap(&inner[0])).frame()),
        (at_ms(10), Frame::other(b, a, proto, &wrap(&inner[1])).frame()),
    ]
}

/// The two packets behind `wrap`, in UDP datagrams to `port`.
fn outer_udp(port: u16, inner: &[Vec<u8>; 2], wrap: impl Fn(&[u8]) -> Vec<u8>) -> Vec<Timed> {
    let (a, b) = ("192.0.2.1:33000", format!("192.0.2.2:{port}"));
    vec![
        (at(0), Frame::udp(a, b.as_str(), &wrap(&inner[0])).frame()),
        (at_ms(10), Frame::udp(b.as_str(), a, &wrap(&inner[1])).frame()),
    ]
}

/// RFC 8926 §3.4: no options, an Ethernet frame, network 42.
fn geneve(frame: &[u8]) -> Vec<u8> {
    [&[0, 0, 0x65, 0x58, 0, 0, 42, 0][..], frame].concat()
}

/// 3GPP TS 29.281 §5.1: version 1, a G-PDU, tunnel 42.
fn gtp_u(packet: &[u8]) -> Vec<u8> {
    let len = u16::try_from(packet.len()).expect("short packet").to_be_bytes();
    [&[0x30, 0xff, len[0], len[1], 0, 0, 0, 42][..], packet].concat()
}

/// GRE in IPIP in VXLAN.
fn nested() -> Vec<Timed> {
    let gre_in_ip = inner(4).map(|p| Frame::other(addr("10.1.0.1"), addr("10.1.0.2"), 47, &gre(0x0800, &p)).packet());
    let ipip = gre_in_ip.map(|p| Frame::other(addr("10.2.0.1"), addr("10.2.0.2"), ip_proto::IPIP, &p).frame());
    outer_udp(4789, &ipip, |f| vxlan(7, f))
}
