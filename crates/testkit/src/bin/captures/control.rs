//! The protocols that keep a network running: address resolution, neighbour discovery, group membership, ICMP errors.

use crate::{Capture, Timed, addr, at, at_ms};
use sekisho_testkit::{Addr, MacAddr, checksum, eth, icmp, ip, ip_proto, udp_packet, vlan};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("flow/errors", errors()),
        Capture::ethernet("flow/groups", groups()),
        Capture::ethernet("flow/neighbours", neighbours()),
        Capture::ethernet("link/arp", arp()),
    ]
}

const fn mac(n: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, n])
}

const BROADCAST: MacAddr = MacAddr([0xff; 6]);

/// An ARP message (RFC 826) from the host `from` (hardware address, last byte of the address) to `to`.
fn arp_message(operation: u8, from: (u8, u8), to: (u8, u8)) -> Vec<u8> {
    let host = |n: u8| if n == 0 { [0; 4] } else { [10, 0, 0, n] };
    let (a, b) = (mac(from.0).0, if to.0 == 0 { [0; 6] } else { mac(to.0).0 });
    [&[0, 1, 8, 0, 6, 4, 0, operation][..], &a, &host(from.1), &b, &host(to.1), &[0; 18]].concat()
}

/// A question asked twice and answered; one answered by a second host, too; one that nobody answers; an address looked
/// for before it is taken, announced, and taken over by another host; an answer to no question, in a frame of another
/// sender; a question in a VLAN; one long after the first.
fn arp() -> Vec<Timed> {
    let frame = |to: MacAddr, message: Vec<u8>| {
        let from = MacAddr([message[8], message[9], message[10], message[11], message[12], message[13]]);
        eth(from, to, 0x0806, &message)
    };
    let ask = || frame(BROADCAST, arp_message(1, (1, 1), (0, 2)));
    vec![
        (at_ms(0), ask()),
        (at_ms(1000), ask()),
        (at_ms(1002), frame(mac(1), arp_message(2, (2, 2), (1, 1)))),
        (at_ms(2000), frame(BROADCAST, arp_message(1, (3, 3), (0, 2)))),
        (at_ms(2001), frame(mac(3), arp_message(2, (2, 2), (3, 3)))),
        (at_ms(2005), frame(mac(3), arp_message(2, (9, 2), (3, 3)))),
        (at_ms(3000), frame(BROADCAST, arp_message(1, (1, 1), (0, 77)))),
        (at_ms(4000), frame(BROADCAST, arp_message(1, (4, 0), (0, 4)))),
        (at_ms(5000), frame(BROADCAST, arp_message(1, (4, 4), (0, 4)))),
        (at_ms(6000), frame(BROADCAST, arp_message(2, (5, 4), (5, 4)))),
        (at_ms(7000), eth(mac(6), mac(1), 0x0806, &arp_message(2, (7, 7), (1, 1)))),
        (at_ms(8000), eth(mac(1), BROADCAST, 0x8100, &vlan(100, 0x0806, &arp_message(1, (1, 1), (0, 2))))),
        (at(400), ask()),
    ]
}

/// An ICMPv6 message with its second word.
fn icmp6_with(src: Addr, dst: Addr, kind: u8, word: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut message = [&[kind, 0, 0, 0][..], &word, payload].concat();
    let len = u32::try_from(message.len()).expect("a message").to_be_bytes();
    let sum = checksum(&[src.octets(), dst.octets(), &len, &[0, 0, 0, ip_proto::ICMPV6], &message]);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    ip(src, dst, ip_proto::ICMPV6, &message)
}

/// Is an address free, then a neighbour asked for and answered twice, by different hosts; a router asked for and
/// answered with prefix, DNS servers and a domain; a better way told.
fn neighbours() -> Vec<Timed> {
    let (host, peer, router) = (addr("fe80::1"), addr("fe80::2"), addr("fe80::ff"));
    let (none, asked, everyone, routers) = (addr("::"), addr("ff02::1:ff00:2"), addr("ff02::1"), addr("ff02::2"));
    let link = |kind: u8, n: u8| [&[kind, 1][..], &mac(n).0].concat();
    let ask = |from: Addr, options: &[u8]| icmp6_with(from, asked, 135, [0; 4], &[peer.octets(), options].concat());
    let say = |n: u8| icmp6_with(peer, host, 136, [0x60, 0, 0, 0], &[&peer.octets()[..], &link(2, n)].concat());
    let prefix = [&[3, 4, 64, 0xc0][..], &[0; 12], addr("2001:db8::").octets()].concat();
    let dns = [&[25, 3, 0, 0, 0, 0, 0, 60][..], addr("2001:db8::53").octets()].concat();
    let search = [&[31, 2, 0, 0, 0, 0, 0, 60][..], b"\x03lan\x00\x00\x00\x00"].concat();
    let advert = [&[0; 8][..], &link(1, 255), &[5, 1, 0, 0, 0, 0, 5, 0xdc], &prefix, &dns, &search].concat();
    let better = [&peer.octets()[..], addr("2001:db8::9").octets(), &link(2, 2)].concat();
    let packets = [
        ask(none, &[]),
        ask(host, &link(1, 1)),
        ask(host, &link(1, 1)),
        say(2),
        say(9),
        icmp6_with(host, routers, 133, [0; 4], &link(1, 1)),
        icmp6_with(router, everyone, 134, [64, 0x40, 7, 8], &advert),
        icmp6_with(router, host, 137, [0; 4], &better),
    ];
    let frame = |(i, p): (i64, &Vec<u8>)| (at_ms(100 * i), eth(mac(1), mac(2), 0x86dd, p));
    (0..).zip(&packets).map(frame).collect()
}

/// Queries, reports and leaving in all versions of IGMP and MLD.
fn groups() -> Vec<Timed> {
    let (host, router) = (addr("10.0.0.1"), addr("10.0.0.254"));
    let igmp = |src: Addr, dst: &str, message: &[u8]| {
        let mut message = message.to_vec();
        let sum = checksum(&[&message]);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        ip(src, addr(dst), 2, &message)
    };
    let group = addr("ff02::fb");
    let host6 = addr("fe80::1");
    let report = [&[4, 0, 0, 1][..], group.octets(), addr("2001:db8::1").octets()].concat();
    let packets = [
        (0x0800, igmp(router, "224.0.0.1", &[0x11, 100, 0, 0, 0, 0, 0, 0])),
        (0x0800, igmp(host, "239.1.2.3", &[0x12, 0, 0, 0, 239, 1, 2, 3])),
        (0x0800, igmp(host, "239.1.2.3", &[0x16, 0, 0, 0, 239, 1, 2, 3])),
        (0x0800, igmp(host, "239.1.2.3", &[0x16, 0, 0, 0, 239, 1, 2, 3])),
        (0x0800, igmp(host, "224.0.0.2", &[0x17, 0, 0, 0, 239, 1, 2, 3])),
        (0x0800, igmp(router, "224.0.0.1", &[0x11, 0x8f, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0])),
        (0x0800, igmp(host, "224.0.0.22", &[0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 1, 239, 1, 2, 3, 10, 0, 0, 9])),
        (0x86dd, icmp6_with(host6, group, 131, [0; 4], group.octets())),
        (0x86dd, icmp6_with(host6, addr("ff02::2"), 132, [0; 4], group.octets())),
        (0x86dd, icmp6_with(host6, addr("ff02::16"), 143, [0, 0, 0, 1], &report)),
    ];
    let frame = |(i, (kind, p)): (i64, &(u16, Vec<u8>))| (at_ms(100 * i), eth(mac(1), mac(2), *kind, p));
    (0..).zip(&packets).map(frame).collect()
}

/// A port scanned that is closed on several hosts' behalf, a path too narrow, a packet that went too far.
fn errors() -> Vec<Timed> {
    let (router, host) = (addr("10.0.0.254"), addr("10.0.0.1"));
    let inner = |port: u16| udp_packet("10.0.0.1:1000", format!("192.0.2.1:{port}").as_str(), b"");
    let error = |kind: u8, code: u8, word: [u8; 4], inner: &[u8]| {
        let mut message = icmp(kind, code, inner);
        message[2..8].copy_from_slice(&[0, 0, word[0], word[1], word[2], word[3]]);
        let sum = checksum(&[&message]);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        ip(router, host, ip_proto::ICMP, &message)
    };
    let packets = [
        error(3, 3, [0; 4], &inner(53)),
        error(3, 3, [0; 4], &inner(123)),
        error(3, 3, [0; 4], &inner(53)),
        error(3, 4, [0, 0, 2, 64], &inner(9)),
        error(11, 0, [0; 4], &inner(33434)),
        error(5, 1, [10, 0, 0, 253], &inner(9)),
    ];
    let frame = |(i, p): (i64, &Vec<u8>)| (at_ms(100 * i), eth(mac(1), mac(2), 0x0800, p));
    (0..).zip(&packets).map(frame).collect()
}
