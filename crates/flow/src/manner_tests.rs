//! What is a flow in Suricata's manner, against Zeek's.
use crate::tests::{Bench, Log};
use crate::{Config, Manner, Timeouts};
use sekisho_types::{Interval, ip_proto};
use sekisho_wire::tcp_flags::{ACK, RST, SYN};
use sekisho_wire::{Decoded, Tcp};

const ESP: u8 = 50;

fn bench(manner: Manner) -> Bench {
    let timeouts = Timeouts { unanswered: Some(Interval::from_secs(30)), ..Timeouts::default() };
    Bench::new(Config { manner, timeouts, ..Config::default() })
}

fn packet(b: &Bench, proto: u8, from_a: bool, ports: (u16, u16)) -> Decoded {
    Decoded { src_port: ports.0, dst_port: ports.1, ..b.decoded(proto, from_a, 0, 0) }
}

/// Ports of the flows that came of packets of these protocols, directions and ports.
fn ports(manner: Manner, packets: &[(u8, bool, (u16, u16))]) -> Vec<(u16, u16)> {
    let mut b = bench(manner);
    for (n, (proto, from_a, ports)) in packets.iter().enumerate() {
        let d = packet(&b, *proto, *from_a, *ports);
        b.send(n as i64, &d, &[]);
    }
    let Log { records, .. } = b.finish();
    records.iter().map(|r| (r.head.orig_p.0, r.head.resp_p.0)).collect()
}

#[test]
fn sctp_has_ports_and_esp_its_spi() {
    let sctp = [(ip_proto::SCTP, true, (7, 9)), (ip_proto::SCTP, false, (9, 7)), (ip_proto::SCTP, true, (7, 8))];
    assert_eq!(ports(Manner::Suricata, &sctp), [(7, 9), (7, 8)]);
    assert_eq!(ports(Manner::Zeek, &sctp), [(0, 0)]);
    let esp = [(ESP, true, (0, 123)), (ESP, true, (0, 321)), (ESP, false, (0, 123)), (ESP, true, (0, 123))];
    assert_eq!(ports(Manner::Suricata, &esp).len(), 3);
    assert_eq!(ports(Manner::Zeek, &esp).len(), 1);
}

#[test]
fn silence_without_an_answer_ends_a_flow() {
    for (answered, want) in [(false, 2), (true, 1)] {
        let mut b = bench(Manner::Suricata);
        let (ask, answer) = (packet(&b, ip_proto::UDP, true, (7, 9)), packet(&b, ip_proto::UDP, false, (9, 7)));
        b.send(0, &ask, &[]);
        b.send(29_999, if answered { &answer } else { &ask }, &[]);
        b.send(59_999, &ask, &[]);
        assert_eq!(b.finish().records.len(), want);
    }
}

#[test]
fn syns_begin_nothing_new_until_the_client_is_done() {
    for (manner, want) in [(Manner::Suricata, 1), (Manner::Zeek, 3)] {
        let mut b = bench(manner);
        b.tcp(0, true, SYN, 100, 0, &[]);
        b.tcp(1, true, SYN, 200, 0, &[]);
        b.tcp(2, true, SYN, 300, 0, &[]);
        assert_eq!(b.finish().records.len(), want);
    }
    let mut b = bench(Manner::Suricata);
    b.tcp(0, true, SYN, 100, 0, &[]);
    b.tcp(1, false, RST | ACK, 0, 101, &[]);
    b.tcp(2, true, SYN, 100, 0, &[]);
    b.tcp(3, true, SYN, 200, 0, &[]);
    assert_eq!(b.finish().records.len(), 2);
}

#[test]
fn an_answer_that_echoes_another_timestamp_is_none() {
    let mut b = bench(Manner::Suricata);
    let tcp = |flags, seq, ack, timestamps| Tcp { flags, seq, ack, window: 1000, timestamps, ..Tcp::default() };
    let mut send = |ms, from_a: bool, tcp: Tcp, payload: &[u8]| {
        let ports = if from_a { (40_000, 80) } else { (80, 40_000) };
        let len = u32::try_from(payload.len()).unwrap();
        let d = Decoded { tcp, src_port: ports.0, dst_port: ports.1, ..b.decoded(ip_proto::TCP, from_a, len, 20) };
        b.send(ms, &d, payload);
    };
    send(0, true, tcp(SYN, 100, 0, Some((5, 0))), &[]);
    send(1, false, tcp(RST | ACK, 0, 101, Some((1, 6))), &[]);
    send(2, false, tcp(SYN | ACK, 300, 101, Some((1, 5))), &[]);
    send(3, true, tcp(ACK, 101, 301, Some((6, 1))), b"ask");
    send(4, false, tcp(ACK, 301, 104, Some((2, 6))), b"answer");
    let log = b.finish();
    assert_eq!((log.records.len(), &log.streams[0][..], &log.streams[1][..]), (1, &b"ask"[..], &b"answer"[..]));
    assert!(!log.weirds.contains(&"data_after_reset"));
}
