use super::*;
use crate::testing::Bench;
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

fn option(code: u16, value: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
}

/// The address 2001:db8::`last`.
fn addr(last: u8) -> [u8; 16] {
    let mut a = [0; 16];
    a[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    a[15] = last;
    a
}

fn reply() -> Vec<u8> {
    let leased = option(5, &[&addr(7)[..], &[0, 0, 0, 60, 0, 0, 0, 120]].concat());
    let prefix = option(26, &[&[0, 0, 0, 60, 0, 0, 0, 120, 56][..], &addr(0)].concat());
    [
        vec![7, 0, 0, 9],
        option(1, &[0, 3, 0, 1, 2, 0, 0, 0, 0, 9]),
        option(2, &[0, 2, 1]),
        option(3, &[&[0; 12][..], &leased].concat()),
        option(25, &[&[0; 12][..], &prefix].concat()),
        option(23, &addr(53)),
        option(13, b"\0\0fine"),
        option(39, b"\0\x04desk\x07example\0"),
    ]
    .concat()
}

fn bench() -> Bench {
    Bench::new(ProtoId::Dhcpv6, Transport::Udp, 547)
}

#[test]
fn parses_a_reply_directly_and_relayed() {
    let relayed = [&[13, 0][..], &addr(1), &addr(2), &option(18, b"eth0"), &option(9, &reply())].concat();
    let mut b = bench();
    b.data(Dir::Resp, &reply()).data(Dir::Resp, &relayed).end();
    let rows = b.rows("dhcpv6");
    let row = "msg_type=Str(\"REPLY\") xid=Count(9) client_duid=Str(\"00030001020000000009\") server_duid=Str(\"000201\") \
        mac=Str(\"02:00:00:00:00:09\") client_fqdn=Str(\"desk.example\") addrs=[Addr(2001:db8::7)] \
        prefixes=[Subnet(2001:db8::/56)] lease_time=Interval(120000000000) status=Count(0) status_message=Str(\"fine\") \
        dns_servers=[Addr(2001:db8::35)]";
    assert_eq!(rows, [row.to_owned(), format!("{row} relay_addr=Addr(2001:db8::2)")]);
}

#[test]
fn rejects_what_does_not_add_up() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Dhcpv6).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess =
        |orig: &[u8], port_match| probe(&Probe { transport: Transport::Udp, orig, resp: b"", port_match, flow: &flow });
    let good = reply();
    assert_eq!(guess(&good, true), Guess::Yes);
    assert_eq!(guess(&good, false), Guess::No);
    assert_eq!(guess(&[1, 0, 0, 1, 0, 1, 0, 99], true), Guess::No);
    for cut in 0..good.len() {
        bench().data(Dir::Orig, &good[..cut]).end();
    }
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x81;
        bench().data(Dir::Orig, &bad).end();
    }
}

#[test]
fn limits_relays_and_lists() {
    let mut m = reply();
    for _ in 0..9 {
        m = [&[12, 0][..], &addr(1), &addr(2), &option(9, &m)].concat();
    }
    assert_eq!(Message::parse(&m).unwrap_err().item(), "dhcpv6 relays");
    let many = [vec![1, 0, 0, 1], option(6, &[1; 400]), option(23, &[0; 16 * 50])].concat();
    let m = Message::parse(&many).unwrap();
    assert_eq!((m.parameters.len(), m.dns_servers.len()), (message::MAX_PARAMETERS, message::MAX_ADDRS));
    let crowded = [vec![1, 0, 0, 1], option(8, &[0; 2]).repeat(65)].concat();
    assert_eq!(Message::parse(&crowded).unwrap_err().item(), "dhcpv6 options");
}
