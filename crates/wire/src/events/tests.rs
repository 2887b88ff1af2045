use super::*;

fn names(bytes: &[u8], of: impl FnOnce(&[u8], &mut Events)) -> Vec<&'static str> {
    let mut events = Events::default();
    of(bytes, &mut events);
    events.names().to_vec()
}

fn packet(bytes: &[u8]) -> Vec<&'static str> {
    names(bytes, of_packet)
}

/// IPv4 with these options and this payload.
fn v4(proto: u8, options: &[u8], body: &[u8]) -> Vec<u8> {
    let header_len = 20 + options.len();
    let mut p = vec![0x40 | (header_len / 4) as u8, 0, 0, 0, 0, 0, 0, 0, 64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    p.extend_from_slice(options);
    p.extend_from_slice(body);
    let len = (p.len() as u16).to_be_bytes();
    p[2..4].copy_from_slice(&len);
    p
}

fn v6(next: u8, body: &[u8]) -> Vec<u8> {
    let mut p = vec![0x60, 0, 0, 0];
    p.extend_from_slice(&(body.len() as u16).to_be_bytes());
    p.extend_from_slice(&[next, 64]);
    p.extend_from_slice(&[0xfe; 32]);
    p.extend_from_slice(body);
    p
}

fn tcp(options: &[u8]) -> Vec<u8> {
    let mut p = vec![0; 20];
    p[12] = ((20 + options.len()) / 4 * 16) as u8;
    p.extend_from_slice(options);
    p
}

fn ethernet(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut p = vec![2; 12];
    p.extend_from_slice(&kind.to_be_bytes());
    p.extend_from_slice(body);
    p
}

fn frame(bytes: &[u8]) -> Vec<&'static str> {
    names(bytes, |b, e| of_frame(LinkType::ETHERNET, b, e))
}

#[test]
fn ordinary_packets_have_none() {
    let options = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7];
    assert_eq!(packet(&v4(6, &[], &tcp(&options))), [""; 0]);
    assert_eq!(packet(&v6(6, &tcp(&options))), [""; 0]);
    assert_eq!(packet(&v4(17, &[], &[0, 1, 0, 2, 0, 9, 0, 0, 1])), [""; 0]);
    assert_eq!(packet(&v4(1, &[], &[8, 0, 0, 0, 0, 1, 0, 1])), [""; 0]);
    assert_eq!(packet(&v4(2, &[148, 4, 0, 0], &[0x16, 0, 0, 0, 224, 0, 0, 1])), ["ipv4.opt_pad_required"]);
    assert_eq!(frame(&ethernet(0x800, &v4(6, &[], &tcp(&[])))), [""; 0]);
    assert_eq!(frame(&ethernet(0x8100, &[&[0, 1, 8, 0][..], &v4(6, &[], &tcp(&[]))].concat())), [""; 0]);
}

#[test]
fn ipv4_headers() {
    assert_eq!(packet(&[0x45; 10]), ["ipv4.pkt_too_small"]);
    let whole = v4(6, &[], &tcp(&[]));
    assert_eq!(packet(&whole[..39]), ["ipv4.trunc_pkt"]);
    let with = |at: usize, b: u8| {
        let mut p = whole.clone();
        p[at] = b;
        packet(&p)
    };
    assert_eq!(with(0, 0x44), ["ipv4.hlen_too_small"]);
    assert_eq!(with(3, 19), ["ipv4.iplen_smaller_than_hlen"]);
    assert_eq!(with(9, 253), ["ipv4.unknown_protocol"]);
    assert_eq!(with(9, 58), ["ipv4.icmpv6"]);
    assert_eq!(names(&[0x65; 20], ip4::packet), ["ipv4.wrong_ip_version"]);
}

#[test]
fn ipv4_options() {
    let of = |options: &[u8]| packet(&v4(6, options, &tcp(&[])));
    assert_eq!(of(&[7, 7, 4, 0, 0, 0, 0, 0]), [""; 0]);
    assert_eq!(of(&[7, 7, 5, 0, 0, 0, 0, 0]), ["ipv4.opt_malformed"]);
    assert_eq!(of(&[7, 9, 4, 0, 0, 0, 0, 0]), ["ipv4.opt_invalid_len"]);
    assert_eq!(of(&[200, 4, 4, 0, 0, 0, 0, 0]), ["ipv4.opt_invalid"]);
    assert_eq!(of(&[148, 4, 0, 0, 148, 4, 0, 0]), ["ipv4.opt_duplicate"]);
    assert_eq!(of(&[1, 1, 1, 1, 1, 1, 1, 7]), ["ipv4.opt_eol_required"]);
    assert_eq!(of(&[68, 8, 5, 0, 0, 0, 0, 0]), [""; 0]);
    assert_eq!(of(&[68, 8, 4, 0, 0, 0, 0, 0]), ["ipv4.opt_malformed"]);
}

#[test]
fn ipv6_extension_headers() {
    assert_eq!(packet(&v6(44, &[6, 0, 0, 0, 0, 0, 0, 1])), ["ipv6.exthdr_useless_fh", "ipv6.trunc_exthdr"]);
    let twice = [&[44, 0, 0, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0, 1][..], &tcp(&[])].concat();
    assert_eq!(packet(&v6(44, &twice)), ["ipv6.exthdr_useless_fh", "ipv6.exthdr_dupl_fh"]);
    assert_eq!(packet(&v6(44, &[6, 0, 0, 1, 0, 0, 0, 1, 9])), ["ipv6.frag_invalid_length"]);
    assert_eq!(packet(&v6(44, &[6, 7, 0, 9, 0, 0, 0, 1])), ["ipv6.fh_non_zero_reserved_field"]);
    assert_eq!(packet(&v6(59, &[1])), ["ipv6.data_after_none_header"]);
    assert_eq!(packet(&v6(60, &[59, 0, 1, 4, 0, 0, 0, 0])), ["ipv6.dstopts_only_padding"]);
    assert_eq!(packet(&v6(60, &[59, 0, 30, 4, 0, 0, 0, 0])), ["ipv6.dstopts_unknown_opt"]);
    assert_eq!(packet(&v6(0, &[59, 0, 30, 9, 0, 0, 0, 0])), ["ipv6.exthdr_invalid_optlen"]);
    assert_eq!(packet(&v6(0, &[59, 0, 5, 2, 0, 0, 1, 0])), ["ipv6.zero_len_padn"]);
    assert_eq!(packet(&v6(43, &[59, 0, 0, 0, 0, 0, 0, 0])), ["ipv6.rh_type_0"]);
    assert_eq!(packet(&v6(51, &[59, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])), ["ipv6.exthdr_ah_res_not_null"]);
    assert_eq!(packet(&v6(4, &[0x60; 20])), ["ipv6.ipv4_in_ipv6_wrong_version"]);
    assert_eq!(packet(&v6(41, &[0x60; 20])), ["ipv6.ipv6_in_ipv6_too_small"]);
    assert_eq!(packet(&v6(1, &[8; 20])), ["ipv6.icmpv4"]);
    assert_eq!(packet(&v6(200, &[])), ["ipv6.unknown_next_header"]);
    assert_eq!(packet(&v6(6, &tcp(&[]))[..50]), ["ipv6.trunc_pkt"]);
}

#[test]
fn transport_headers() {
    assert_eq!(packet(&v4(6, &[], &[0; 10])), ["tcp.pkt_too_small"]);
    let of = |options: &[u8]| packet(&v4(6, &[], &tcp(options)));
    assert_eq!(of(&[5, 2, 0, 0]), [""; 0]);
    assert_eq!(of(&[5, 3, 0, 0]), ["tcp.opt_invalid_len"]);
    assert_eq!(of(&[3, 3, 0, 3, 3, 0, 0, 0]), ["tcp.opt_duplicate"]);
    assert_eq!(of(&[200, 9, 0, 0]), ["tcp.opt_invalid_len"]);
    assert_eq!(packet(&v4(17, &[], &[0, 1, 0, 2, 0, 20, 0, 0])), ["udp.pkt_too_small"]);
    assert_eq!(packet(&v4(17, &[], &[0, 1, 0, 2, 0, 4, 0, 0])), ["udp.len_invalid"]);
    assert_eq!(packet(&v4(132, &[], &[0; 11])), ["sctp.pkt_too_small"]);
    assert_eq!(packet(&v4(47, &[], &[0, 3, 0, 0])), ["gre.wrong_version"]);
    assert_eq!(packet(&v4(1, &[], &[8, 1, 0, 0, 0, 1, 0, 1])), ["icmpv4.unknown_code"]);
    assert_eq!(packet(&v4(1, &[], &[99, 1, 0, 0, 0, 1, 0, 1])), ["icmpv4.unknown_type"]);
    assert_eq!(packet(&v6(58, &[131, 0, 0, 0, 0, 1, 0, 1])), ["icmpv6.mld_message_with_invalid_hl"]);
    assert_eq!(packet(&v4(2, &[], &[0x22, 0, 0, 0, 0, 0, 0, 1])), ["igmp.v3_pkt_too_small"]);
}

#[test]
fn link_layers() {
    assert_eq!(frame(&[0; 13]), ["ethernet.pkt_too_small"]);
    assert_eq!(frame(&ethernet(0xfbb7, &[0; 40])), ["ethernet.unknown_ethertype"]);
    assert_eq!(frame(&ethernet(0x100, &[0; 40])), [""; 0]);
    assert_eq!(frame(&ethernet(0x8863, &[0x11, 0xbb, 0, 0, 0, 0])), ["pppoe.wrong_code"]);
    assert_eq!(frame(&ethernet(0x8863, &[0x11, 0x07, 0, 0, 0, 9])), ["pppoe.malformed_tags"]);
    assert_eq!(frame(&ethernet(0x8864, &[0x11, 0, 0, 0, 0, 9, 0xc0, 0x21, 0])), [""; 0]);
    assert_eq!(frame(&ethernet(0x8864, &[0x11, 0, 0, 0, 0, 9, 0, 0x2b, 0])), ["ppp.unsup_proto"]);
    assert_eq!(frame(&ethernet(0x8864, &[0x11, 0, 0, 0, 0, 9, 0, 0x21, 0])), ["ppp.ip4_pkt_too_small"]);
    let tags = [[0x81, 0, 0, 1]; 5].concat();
    assert_eq!(frame(&ethernet(0x8100, &tags[2..])), ["vlan.too_many_layers"]);
    assert_eq!(names(&[9, 9], |b, e| of_frame(LinkType::NULL, b, e)), ["ltnull.pkt_too_small"]);
}

/// Whatever bytes come, and wherever they end, nothing panics, and the list stays bounded.
#[test]
fn any_bytes_at_any_length() {
    let mut seed = 7u64;
    let mut next = || {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (seed >> 33) as u8
    };
    let links = [0, 1, 9, 50, 51, 101, 104, 105, 107, 113, 228, 276].map(LinkType);
    for round in 0..400 {
        let kind = [0x0800u16, 0x86dd, 0x8100, 0x8847, 0x8863, 0x8864][round % 6];
        let mut body: Vec<u8> = (0..120).map(|_| next()).collect();
        body[0] = [0x45, 0x60, 0, 0x4f][round / 6 % 4];
        body[6] = [0, 60, 44, 43][round / 24 % 4];
        body[4..6].copy_from_slice(&[0, 70]);
        body[2..4].copy_from_slice(&[0, 100]);
        let bytes = ethernet(kind, &body);
        for len in 0..bytes.len() {
            for link in links {
                let mut events = Events::default();
                of_frame(link, &bytes[..len], &mut events);
                assert!(events.names().len() <= MAX_EVENTS);
                of_packet(&bytes[..len], &mut events);
            }
        }
    }
}
