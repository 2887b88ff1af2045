use super::*;
use crate::testing::Bench;
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

fn message(kind: u8, index: u8, len: usize) -> Vec<u8> {
    let mut m = vec![kind, 0, 0, 0, index, 0, 0, 0];
    m.resize(len, 0);
    m
}

#[test]
fn parses_handshake_and_data() {
    let mut b = Bench::new(ProtoId::Wireguard, Transport::Udp, 51820);
    b.data(Dir::Orig, &message(1, 5, 148)).data(Dir::Resp, &message(3, 5, 64)).data(Dir::Orig, &message(1, 6, 148));
    b.data(Dir::Resp, &message(2, 7, 92)).data(Dir::Orig, &message(4, 7, 32)).data(Dir::Orig, &message(4, 7, 128));
    b.data(Dir::Orig, b"something else").end();
    assert_eq!(
        b.rows("wireguard"),
        ["initiations=Count(2) responses=Count(1) cookies=Count(1) data_messages=Count(1) keepalives=Count(1) \
          orig_index=Count(6) resp_index=Count(7)"]
    );
}

#[test]
fn rejects_other_lengths() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Wireguard).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess =
        |orig: &[u8]| probe(&Probe { transport: Transport::Udp, orig, resp: b"", port_match: false, flow: &flow });
    assert_eq!(guess(&message(1, 5, 148)), Guess::Yes);
    assert_eq!(guess(&message(4, 5, 96)), Guess::Yes);
    assert_eq!(guess(&message(1, 5, 149)), Guess::No);
    assert_eq!(guess(&message(4, 5, 97)), Guess::No);
    assert_eq!(guess(&[&[4, 0, 0, 0][..], &[0xee; 60]].concat()), Guess::No);
    for len in 0..8 {
        assert_eq!(guess(&[1, 0, 0, 0, 0, 0, 0][..len.min(7)]), Guess::No);
    }
}

#[test]
fn limits_nothing_but_a_row() {
    let mut b = Bench::new(ProtoId::Wireguard, Transport::Udp, 51820);
    for n in 0..1000u16 {
        b.data(Dir::Orig, &message(1, n.to_le_bytes()[0], 148));
    }
    assert!(b.held_len() < 512);
}
