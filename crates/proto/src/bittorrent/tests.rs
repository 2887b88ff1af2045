use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

const GET_PEERS: &[u8] =
    b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe";

fn handshake(peer: &[u8; 20]) -> Vec<u8> {
    [PEER_PROTOCOL, &[0; 8], b"mnopqrstuvwxyz123456", peer].concat()
}

fn utp(kind: u8, connection: u16, seq: u16, ack: u16) -> Vec<u8> {
    let mut m = vec![kind << 4 | 1, 0];
    m.extend(connection.to_be_bytes());
    m.extend([7; 12]);
    m.extend(seq.to_be_bytes());
    m.extend(ack.to_be_bytes());
    m
}

#[test]
fn parses_peers_in_any_split() {
    let (a, b) = (handshake(b"-GO0100-abcdefghijkl"), handshake(b"-GO0200-abcdefghijkl"));
    let steps = [Step::Data(Dir::Orig, &a), Step::Data(Dir::Resp, &b)];
    let outcome = check_splits(ProtoId::Bittorrent, 6881, &steps);
    assert_eq!(outcome.rows.len(), 1);
    for part in
        ["kind=Enum(peer)", "orig_peer=Str(\"-GO0100-abcdefghijkl\")", "resp_peer=Str(\"-GO0200-", "messages=Count(2)"]
    {
        assert!(outcome.rows[0].contains(part), "{outcome:?}");
    }
    check_truncations(ProtoId::Bittorrent, 6881, &steps);
    check_damage(ProtoId::Bittorrent, 6881, &steps, 200);
}

#[test]
fn parses_the_distributed_table() {
    let mut b = Bench::new(ProtoId::Bittorrent, Transport::Udp, 6881);
    b.data(Dir::Orig, GET_PEERS).data(Dir::Resp, b"d1:rd2:id20:0123456789abcdefghije1:t2:aa1:y1:re").end();
    let row = &b.rows("bittorrent")[0];
    assert!(
        row.starts_with("kind=Enum(dht) info_hashes=[Hex([6d, 6e,")
            && row.ends_with("queries=[Str(\"get_peers\")] messages=Count(2)"),
        "{row}"
    );
    assert_eq!(
        message::datagram(b"d2:ip6:abcdef1:rd2:id20:0123456789abcdefghije1:t2:aa1:y1:re"),
        Some(Kind::Dht(None))
    );
    assert_eq!(message::datagram(b"BT-SEARCH * HTTP/1.1\r\nHost: x\r\n\r\n"), Some(Kind::Local));
    assert_eq!(
        message::datagram(&[&[0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80][..], &[0; 8]].concat()),
        Some(Kind::Tracker)
    );
}

#[test]
fn rejects_what_only_begins_alike() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Bittorrent).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess =
        |transport, orig: &[u8], resp: &[u8]| probe(&Probe { transport, orig, resp, port_match: false, flow: &flow });
    assert_eq!(guess(Transport::Udp, GET_PEERS, b""), Guess::Yes);
    assert_eq!(guess(Transport::Udp, &GET_PEERS[..90], b""), Guess::No);
    assert_eq!(guess(Transport::Udp, &utp(4, 9, 1, 0), b""), Guess::More);
    assert_eq!(guess(Transport::Udp, &utp(4, 9, 1, 0), &utp(2, 9, 77, 1)), Guess::Yes);
    assert_eq!(guess(Transport::Udp, &utp(4, 9, 1, 0), &utp(2, 500, 77, 1)), Guess::No);
    assert_eq!(guess(Transport::Udp, &[utp(2, 9, 5, 1), utp(2, 9, 5, 2)].concat(), b""), Guess::Yes);
    assert_eq!(guess(Transport::Udp, &[1; 60], b""), Guess::No);
    assert_eq!(guess(Transport::Tcp, b"\x13Bit", b""), Guess::More);
    assert_eq!(guess(Transport::Tcp, &handshake(&[b'x'; 20]), b""), Guess::Yes);
    assert_eq!(guess(Transport::Tcp, b"\x13Bitcoin", b""), Guess::No);
}

#[test]
fn limits_torrents() {
    let mut b = Bench::new(ProtoId::Bittorrent, Transport::Udp, 6881);
    for n in 0..100u8 {
        let mut m = GET_PEERS.to_vec();
        m[50] = n;
        b.data(Dir::Orig, &m);
    }
    b.end();
    assert_eq!(b.rows("bittorrent")[0].matches("Hex(").count(), MAX_TORRENTS);
}
