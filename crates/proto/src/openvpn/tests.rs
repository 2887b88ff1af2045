use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

const CLIENT: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const SERVER: [u8; 8] = [9, 10, 11, 12, 13, 14, 15, 16];

fn packet(op: u8, session: [u8; 8], rest: &[u8]) -> Vec<u8> {
    [&[op << 3][..], &session, rest].concat()
}

fn framed(packets: &[Vec<u8>]) -> Vec<u8> {
    packets.iter().flat_map(|p| [&u16::try_from(p.len()).unwrap().to_be_bytes()[..], p].concat()).collect()
}

fn handshake() -> [Vec<u8>; 3] {
    let answer = [&[1, 0, 0, 0, 0][..], &CLIENT, &[0; 4]].concat();
    [
        packet(op::RESET_CLIENT_V2, CLIENT, &[0; 5]),
        packet(op::RESET_SERVER_V2, SERVER, &answer),
        packet(op::ACK, CLIENT, &[&[1, 0, 0, 0, 0][..], &SERVER].concat()),
    ]
}

#[test]
fn parses_a_session() {
    let [reset, answer, ack] = handshake();
    let mut b = Bench::new(ProtoId::Openvpn, Transport::Udp, 1194);
    b.data(Dir::Orig, &reset).data(Dir::Resp, &answer).data(Dir::Orig, &ack).data(Dir::Orig, &[0x48; 60]);
    assert!(b.out.opaque);
    b.end();
    assert_eq!(
        b.rows("openvpn"),
        ["proto=Enum(udp) orig_session=Hex([01, 02, 03, 04, 05, 06, 07, 08]) \
          resp_session=Hex([09, 0a, 0b, 0c, 0d, 0e, 0f, 10]) protection=Enum(none) control_packets=Count(3) established=Bool(true)"]
    );
    let steps = [Step::Data(Dir::Orig, &framed(&[reset, ack])), Step::Data(Dir::Resp, &framed(&[answer]))];
    let outcome = check_splits(ProtoId::Openvpn, 1194, &steps);
    assert!(outcome.rows[0].contains("proto=Enum(tcp)") && outcome.rows[0].contains("control_packets=Count(3)"));
    check_truncations(ProtoId::Openvpn, 1194, &steps);
    check_damage(ProtoId::Openvpn, 1194, &steps, 200);
}

#[test]
fn tells_protections_apart() {
    let hmac = [&[7; 28][..], &[0; 5]].concat();
    assert_eq!(message::protection(&packet(op::RESET_CLIENT_V2, CLIENT, &hmac)), "tls-auth");
    assert_eq!(message::protection(&packet(op::RESET_CLIENT_V2, CLIENT, &[7; 45])), "tls-crypt");
    assert_eq!(message::protection(&packet(op::RESET_CLIENT_V3, CLIENT, &[7; 300])), "tls-crypt-v2");
}

#[test]
fn recognised_by_a_session_that_goes_on() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Openvpn).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess =
        |transport, orig: &[u8], resp: &[u8]| probe(&Probe { transport, orig, resp, port_match: true, flow: &flow });
    let [reset, answer, ack] = handshake();
    assert_eq!(guess(Transport::Udp, &reset, b""), Guess::More);
    assert_eq!(guess(Transport::Udp, &[&reset[..], &ack].concat(), &answer), Guess::Yes);
    assert_eq!(guess(Transport::Udp, b"", &[&answer[..], &packet(op::CONTROL, SERVER, &[0; 9])].concat()), Guess::Yes);
    assert_eq!(guess(Transport::Udp, &ack, b""), Guess::No);
    // QUIC in its midst: short headers with one connection id.
    let quic = packet(op::RESET_SERVER_V2, CLIENT, &[9; 30]);
    assert_eq!(guess(Transport::Udp, &[&quic[..], &quic].concat(), b""), Guess::More);
    let both = framed(&[reset, ack]);
    for cut in 0..27 {
        assert_eq!(guess(Transport::Tcp, &both[..cut], b""), Guess::More, "{cut}");
    }
    assert_eq!(guess(Transport::Tcp, &both, b""), Guess::Yes);
    assert_eq!(guess(Transport::Tcp, b"GET / HTTP/1.1\r\n\r\n", b""), Guess::No);
    assert_eq!(guess(Transport::Tcp, b"\x16\x03\x01\x02\x00\x01", b""), Guess::No);
}

#[test]
fn limits_what_is_held() {
    let mut b = Bench::new(ProtoId::Openvpn, Transport::Tcp, 1194);
    b.data_split(Dir::Orig, &[0xff; MAX_HELD_LEN + 2], 500);
    assert!(b.out.opaque);
    b.end();
    assert!(b.rows("openvpn").is_empty());
}
