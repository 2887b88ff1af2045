use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut a = [kind.to_be_bytes(), u16::try_from(value.len()).unwrap().to_be_bytes()].concat();
    a.extend(value);
    a.resize(a.len().next_multiple_of(4), 0);
    a
}

fn message(kind: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
    let body = attributes.concat();
    let len = u16::try_from(body.len()).unwrap();
    [&kind.to_be_bytes()[..], &len.to_be_bytes(), &[0x21, 0x12, 0xa4, 0x42], &[7; 12], &body].concat()
}

/// 192.0.2.1 port 32853, hidden as RFC 5769 §2.2 shows.
const MAPPED: [u8; 8] = [0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];

fn request() -> Vec<u8> {
    let attributes = [
        attribute(0x8022, b"golden"),
        attribute(0x24, &[0; 4]),
        attribute(0x802a, &[1; 8]),
        attribute(6, b"evtj:h6vY"),
    ];
    message(1, &attributes)
}

fn stun() -> Bench {
    Bench::new(ProtoId::Stun, Transport::Udp, 3478)
}

#[test]
fn parses_binding_and_ice() {
    let mut b = stun();
    let reply = message(0x101, &[attribute(0x8022, b"server\0"), attribute(0x20, &MAPPED)]);
    b.data(Dir::Orig, &request()).data(Dir::Resp, &reply).data(Dir::Orig, &[0x80; 40]).end();
    assert_eq!(
        b.rows("stun"),
        [
            "proto=Enum(udp) method=Enum(binding) requests=Count(1) indications=Count(0) successes=Count(1) errors=Count(0) \
          username=Str(\"evtj:h6vY\") client_software=Str(\"golden\") server_software=Str(\"server\") \
          mapped_addr=Addr(192.0.2.1) mapped_port=Port(32853) peers=[] ice=Bool(true) ice_role=Enum(controlling)"
        ]
    );
    assert_eq!((&b.out.confirmed[..], &b.out.recognized[..]), (&["stun"][..], &["stun"][..]));
}

#[test]
fn parses_relaying() {
    let mut b = stun();
    let refused = [attribute(9, b"\0\0\x04\x01Unauthorized"), attribute(0x14, b"example.org")];
    b.data(Dir::Orig, &message(3, &[])).data(Dir::Resp, &message(0x113, &refused));
    b.data(Dir::Orig, &message(3, &[attribute(6, b"me")]));
    let v6 = [&[0, 2, 0xa1, 0x47][..], &[0x01, 0x13, 0xa9, 0xfa], &[0; 12]].concat();
    b.data(
        Dir::Resp,
        &message(0x103, &[attribute(0x16, &MAPPED), attribute(0x20, &v6), attribute(13, &[0, 0, 2, 88])]),
    );
    b.data(Dir::Orig, &message(8, &[attribute(0x12, &MAPPED)])).end();
    let rows = b.rows("stun");
    assert_eq!(rows.len(), 1);
    for part in [
        "method=Enum(relay) requests=Count(3) indications=Count(0) successes=Count(1) errors=Count(1) error_code=Count(401)",
        "error_reason=Str(\"Unauthorized\") username=Str(\"me\") realm=Str(\"example.org\")",
        "mapped_addr=Addr(2001:db8:707:707:707:707:707:707) mapped_port=Port(32853) relayed_addr=Addr(192.0.2.1)",
        "peers=[Addr(192.0.2.1)] lifetime=Interval(600000000000)",
    ] {
        assert!(rows[0].contains(part), "{part}: {}", rows[0]);
    }
}

#[test]
fn parses_streams_of_both_framings() {
    let channel = [0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0];
    let plain = [request(), channel.to_vec(), request()].concat();
    let steps = [Step::Data(Dir::Orig, &plain)];
    let outcome = check_splits(ProtoId::Stun, 3478, &steps);
    assert!(outcome.rows[0].contains("requests=Count(2)"), "{outcome:?}");
    check_truncations(ProtoId::Stun, 3478, &steps);
    check_damage(ProtoId::Stun, 3478, &steps, 300);
    let frame = |m: &[u8]| [&u16::try_from(m.len()).unwrap().to_be_bytes()[..], m].concat();
    let framed = [frame(&request()), frame(&[0x80; 30]), frame(&request())].concat();
    let outcome = check_splits(ProtoId::Stun, 3478, &[Step::Data(Dir::Orig, &framed)]);
    assert!(outcome.rows[0].contains("requests=Count(2)"), "{outcome:?}");
}

#[test]
fn dtls_goes_on() {
    let mut b = stun();
    b.data(Dir::Orig, &request()).data(Dir::Orig, &[22, 0xfe, 0xff, 0, 0, 0, 0]);
    assert_eq!(b.out.hand_over.as_ref().map(|h| (h.to, h.unconsumed)), Some((Some(ProtoId::Tls), 7)));
    b.end();
    assert!(b.out.confirmed.is_empty() && b.rows("stun").len() == 1);
}

#[test]
fn limits_peers_and_foreign_datagrams() {
    let mut b = stun();
    for n in 0..100 {
        b.data(Dir::Orig, &message(0x16, &[attribute(0x12, &[0, 1, 0, 0, 0, 0, 0, n])]));
    }
    for _ in 0..MAX_FOREIGN {
        assert!(!b.out.opaque);
        b.data(Dir::Orig, &[0x80; 40]);
    }
    assert!(b.out.opaque);
    b.end();
    assert_eq!(b.rows("stun")[0].matches("Addr(").count(), MAX_PEERS);
    let m = request();
    for cut in 0..m.len() {
        stun().data(Dir::Orig, &m[..cut]).end();
    }
    assert!(Message::parse(&[0xff; 40]).is_err());
}

#[test]
fn recognised_by_content() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Stun).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess =
        |transport, orig: &[u8], port_match| probe(&Probe { transport, orig, resp: &[], port_match, flow: &flow });
    let m = request();
    assert_eq!(guess(Transport::Udp, &m, false), Guess::Yes);
    assert_eq!(guess(Transport::Udp, &m[..m.len() - 1], true), Guess::No);
    assert_eq!(guess(Transport::Tcp, &m[..8], false), Guess::Yes);
    assert_eq!(guess(Transport::Tcp, &m[..4], true), Guess::More);
    assert_eq!(guess(Transport::Tcp, b"GET / HTTP/1.1", true), Guess::No);
    let classic = [&[0, 1, 0, 8][..], &[9; 16], &[0, 3, 0, 4, 0, 0, 0, 0]].concat();
    assert_eq!(guess(Transport::Udp, &classic, true), Guess::Yes);
    assert_eq!(guess(Transport::Udp, &classic, false), Guess::No);
}
