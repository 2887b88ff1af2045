//! Ways through: private networks, and paths through address translation.

use crate::{Capture, Timed, at, at_ms};
use sekisho_testkit::{Conversation, Dir, Frame};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("bittorrent/kinds", bittorrent()),
        Capture::ethernet("ike/versions", ike()),
        Capture::ethernet("l2tp/tunnel", l2tp()),
        Capture::ethernet("openvpn/sessions", openvpn()),
        Capture::ethernet("pptp/call", pptp()),
        Capture::ethernet("rtp/call", rtp()),
        Capture::ethernet("stun/paths", stun()),
        Capture::ethernet("wireguard/session", wireguard()),
    ]
}

fn udp(ms: i64, from: &str, to: &str, payload: &[u8]) -> Timed {
    (at_ms(ms), Frame::udp(from, to, payload).frame())
}

/// Bytes of which none repeats soon, as encrypted ones.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

/// Peers over TCP, the distributed table, a uTP stream, local discovery.
fn bittorrent() -> Vec<Timed> {
    let greet = |peer: &[u8; 20]| [b"\x13BitTorrent protocol", &[0; 8][..], b"mnopqrstuvwxyz123456", peer].concat();
    let mut out = Conversation::new("10.0.0.1:40000", "192.0.2.1:6881")
        .syn()
        .send_split(Dir::Orig, &greet(b"-GO0100-abcdefghijkl"), &[5, 30])
        .send(Dir::Resp, &greet(b"-GO0200-abcdefghijkl"))
        .send(Dir::Orig, &noise(900))
        .fin()
        .frames();
    let (a, b) = ("10.0.0.1:6881", "192.0.2.2:6881");
    let ask = b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe";
    out.push(udp(1000, a, b, ask));
    out.push(udp(1020, b, a, b"d1:rd2:id20:0123456789abcdefghij5:token8:aoeusnth6:valuesl6:axje.uee1:t2:aa1:y1:re"));
    let utp = |kind: u8, seq: u16, ack: u16| {
        [&[kind << 4 | 1, 0, 0, 9][..], &noise(12), &seq.to_be_bytes(), &ack.to_be_bytes()].concat()
    };
    let (c, d) = ("10.0.0.1:40001", "192.0.2.3:50000");
    out.push(udp(2000, c, d, &utp(4, 1, 0)));
    out.push(udp(2010, d, c, &utp(2, 700, 1)));
    out.push(udp(2020, c, d, &[utp(0, 2, 700), noise(300)].concat()));
    let search = b"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\n\r\n";
    out.push(udp(3000, "10.0.0.1:6771", "239.192.152.143:6771", search));
    out
}

/// RFC 7296 §1.2 with the marker of port 4500 from the second exchange on, and aggressive mode of version 1.
fn ike() -> Vec<Timed> {
    let item = |next: u8, body: &[u8]| {
        [&[next, 0][..], &u16::try_from(body.len() + 4).expect("short").to_be_bytes(), body].concat()
    };
    let message = |responder: u8, first: u8, version: u8, exchange: u8, flags: u8, payloads: &[u8]| {
        let len = u32::try_from(28 + payloads.len()).expect("short");
        let head = [first, version, exchange, flags, 0, 0, 0, 0];
        [&[1; 8][..], &[responder; 8], &head, &len.to_be_bytes(), payloads].concat()
    };
    let transforms = [
        item(3, &[1, 0, 0, 20, 0x80, 14, 1, 0]),
        item(3, &[2, 0, 0, 5]),
        item(3, &[4, 0, 0, 14]),
        item(0, &[4, 0, 0, 31]),
    ];
    let offer = item(0, &[&[1, 1, 0, 4][..], &transforms.concat()].concat());
    let chosen = item(0, &[&[1, 1, 0, 3][..], &transforms[0], &transforms[1], &item(0, &[4, 0, 0, 31])].concat());
    let vendor = item(0, &[0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc]);
    let init = |responder, flags, sa: &[u8]| {
        message(responder, 33, 0x20, 34, flags, &[item(34, sa), item(43, &noise(40)), vendor.clone()].concat())
    };
    let sealed = |flags| [&[0; 4][..], &message(2, 46, 0x20, 35, flags, &item(0, &noise(200)))].concat();
    let attributes = [0x80, 1, 0, 5, 0x80, 2, 0, 2, 0x80, 3, 0, 1, 0x80, 4, 0, 2, 0x80, 11, 0, 1];
    let transform = item(0, &[&[1, 1, 0, 0][..], &attributes].concat());
    let proposal = item(0, &[&[1, 1, 0, 1][..], &transform].concat());
    let v1 = item(0, &[&[0, 0, 0, 1, 0, 0, 0, 1][..], &proposal].concat());
    let (a, b) = ("10.0.0.1:500", "192.0.2.1:500");
    let (c, d) = ("10.0.0.1:4500", "192.0.2.1:4500");
    vec![
        udp(0, a, b, &init(0, 8, &offer)),
        udp(20, b, a, &init(2, 0x20, &chosen)),
        udp(40, c, d, &sealed(8)),
        udp(60, d, c, &sealed(0x20)),
        udp(80, c, d, &[&[7, 7, 7, 7][..], &noise(100)].concat()),
        udp(100, c, d, &[0xff]),
        udp(1000, "10.0.0.2:500", b, &message(0, 1, 0x10, 4, 0, &v1)),
        udp(2000, "10.0.0.3:500", b, &message(0, 1, 0x10, 4, 0, &v1)[..30]),
    ]
}

/// Without protection over UDP, with an HMAC over TCP, and a first packet that nothing follows.
fn openvpn() -> Vec<Timed> {
    let packet = |op: u8, session: u8, rest: &[u8]| [&[op << 3][..], &[session; 8], rest].concat();
    let acked = |session: u8| [&[1, 0, 0, 0, 0][..], &[session; 8]].concat();
    let hello = [&[0, 0, 0, 0, 1, 22, 3, 1][..], &noise(200)].concat();
    let (a, b) = ("10.0.0.1:50000", "192.0.2.1:1194");
    let mut out = vec![
        udp(0, a, b, &packet(7, 0xa1, &[0; 5])),
        udp(20, b, a, &packet(8, 0xb2, &[acked(0xa1), vec![0; 4]].concat())),
        udp(30, a, b, &packet(5, 0xa1, &acked(0xb2))),
        udp(40, a, b, &packet(4, 0xa1, &hello)),
        udp(60, b, a, &packet(4, 0xb2, &hello)),
        udp(80, a, b, &[&[0x48, 0, 0, 0][..], &noise(100)].concat()),
        udp(5000, "10.0.0.1:50001", b, &packet(7, 0xa3, &[0; 5])),
    ];
    let framed = |p: &[u8]| [&u16::try_from(p.len()).expect("short").to_be_bytes()[..], p].concat();
    let hmac = noise(28);
    let tcp = Conversation::new("10.0.0.1:50002", "192.0.2.1:443")
        .at(at(1))
        .syn()
        .send_split(Dir::Orig, &framed(&packet(7, 0xa4, &[&hmac[..], &[0; 5]].concat())), &[1, 12])
        .send(Dir::Resp, &framed(&packet(8, 0xb5, &[&hmac[..], &acked(0xa4), &[0; 4]].concat())))
        .send(Dir::Orig, &framed(&packet(5, 0xa4, &[&hmac[..], &acked(0xb5)].concat())))
        .send(Dir::Orig, &framed(&[&[0x30][..], &noise(400)].concat()))
        .fin();
    out.extend(tcp.frames());
    out
}

/// A STUN message (RFC 8489 §5).
fn message(kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend(kind.to_be_bytes());
        body.extend(u16::try_from(value.len()).expect("short").to_be_bytes());
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let len = u16::try_from(body.len()).expect("short").to_be_bytes();
    [&kind.to_be_bytes()[..], &len, &[0x21, 0x12, 0xa4, 0x42], &[7; 12], &body].concat()
}

/// A binding, ICE before media, a relay over TCP that is refused and then granted.
fn stun() -> Vec<Timed> {
    // 192.0.2.1 port 32853, hidden.
    const MAPPED: &[u8] = &[0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
    let (a, b) = ("10.0.0.1:50000", "192.0.2.10:3478");
    let (c, d) = ("10.0.0.1:50001", "192.0.2.11:40000");
    let check = message(1, &[(0x24, &[0; 4]), (0x802a, &[1; 8]), (6, b"evtj:h6vY")]);
    let media = |n: u8| [&[0x80, 111, 0, n, 0, 0, 0, n, 1, 2, 3, 4][..], &noise(60)].concat();
    let mut out = vec![
        udp(0, a, b, &message(1, &[(0x8022, b"golden client")])),
        udp(20, b, a, &message(0x101, &[(0x20, MAPPED), (0x8022, b"golden server")])),
        udp(1000, c, d, &check),
        udp(1020, d, c, &message(0x101, &[(0x20, MAPPED)])),
        udp(1040, c, d, &media(1)),
        udp(1060, d, c, &media(2)),
        udp(1080, c, d, &message(0x11, &[])),
    ];
    let refused: &[(u16, &[u8])] = &[(9, b"\0\0\x04\x01Unauthorized"), (0x14, b"example.org"), (0x15, b"nonce")];
    let granted: &[(u16, &[u8])] = &[(0x16, MAPPED), (0x20, MAPPED), (13, &[0, 0, 2, 88])];
    let tcp = Conversation::new("10.0.0.1:50002", "192.0.2.10:3478")
        .at(at(2))
        .syn()
        .send(Dir::Orig, &message(3, &[(0x19, &[17, 0, 0, 0])]))
        .send(Dir::Resp, &message(0x113, refused))
        .send_split(Dir::Orig, &message(3, &[(6, b"me"), (0x14, b"example.org")]), &[3, 22])
        .send(Dir::Resp, &message(0x103, granted))
        .send(Dir::Orig, &[message(8, &[(0x12, MAPPED)]), vec![0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0]].concat())
        .fin();
    out.extend(tcp.frames());
    out
}

/// A handshake with a cookie first, data, a sign of life; and a flow met in its midst.
fn wireguard() -> Vec<Timed> {
    let message = |kind: u8, index: u8, len: usize| [&[kind, 0, 0, 0, index, 0, 0, 0][..], &noise(len - 8)].concat();
    let data = |index: u8, counter: u8, len: usize| {
        [&[4, 0, 0, 0, index, 0, 0, 0, counter, 0, 0, 0, 0, 0, 0, 0][..], &noise(len - 16)].concat()
    };
    let (a, b) = ("10.0.0.1:50000", "192.0.2.1:51820");
    vec![
        udp(0, a, b, &message(1, 1, 148)),
        udp(20, b, a, &message(3, 1, 64)),
        udp(5000, a, b, &message(1, 2, 148)),
        udp(5020, b, a, &message(2, 9, 92)),
        udp(5040, a, b, &data(9, 0, 32)),
        udp(5060, a, b, &data(9, 1, 128)),
        udp(5080, b, a, &data(2, 0, 1424)),
        udp(6000, "10.0.0.1:50001", "192.0.2.2:5060", &data(5, 77, 96)),
    ]
}

/// RFC 2661 §5.1: a tunnel, a session in it, a packet in that, and the end.
fn l2tp() -> Vec<Timed> {
    let attribute = |kind: u16, value: &[u8]| {
        let flags = 0x8000 | u16::try_from(value.len() + 6).expect("short");
        [&flags.to_be_bytes()[..], &[0, 0], &kind.to_be_bytes(), value].concat()
    };
    let control = |kind: u8, attributes: &[Vec<u8>]| {
        let body = [attribute(0, &[0, kind]), attributes.concat()].concat();
        let len = u16::try_from(body.len() + 12).expect("short");
        [&[0xc8, 2][..], &len.to_be_bytes(), &[0; 8], &body].concat()
    };
    let (a, b) = ("10.0.0.1:1701", "192.0.2.1:1701");
    let inner = Frame::udp("172.16.0.1:40000", "172.16.0.2:9000", b"inside").packet();
    vec![
        udp(0, a, b, &control(1, &[attribute(7, b"lac"), attribute(8, b"golden"), attribute(9, &[0, 5])])),
        udp(20, b, a, &control(2, &[attribute(7, b"lns"), attribute(9, &[0, 6]), attribute(11, b"who?")])),
        udp(40, a, b, &control(3, &[attribute(13, &[7; 16])])),
        udp(50, a, b, &control(10, &[attribute(14, &[0, 1])])),
        udp(60, a, b, &[&[0, 2, 0, 6, 0, 1, 0xff, 3, 0, 0x21][..], &inner].concat()),
        udp(1000, b, a, &control(4, &[attribute(1, &[0, 6])])),
        udp(2000, "10.0.0.2:1701", b, &control(1, &[attribute(7, b"cut")])[..20]),
    ]
}

/// RFC 2637 §2: both ends present themselves, a call is asked for and granted.
fn pptp() -> Vec<Timed> {
    let message = |kind: u8, body: &[u8]| {
        let len = u16::try_from(body.len() + 12).expect("short");
        [&len.to_be_bytes()[..], &[0, 1, 0x1a, 0x2b, 0x3c, 0x4d, 0, kind, 0, 0], body].concat()
    };
    let start = |kind: u8, result: u8, host: &str| {
        let mut body = vec![1, 0, result, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
        for text in [host, "golden"] {
            body.extend(text.as_bytes());
            body.resize(body.len() + 64 - text.len(), 0);
        }
        message(kind, &body)
    };
    Conversation::new("10.0.0.1:40000", "192.0.2.1:1723")
        .syn()
        .send_split(Dir::Orig, &start(1, 0, "laptop"), &[3, 50])
        .send(Dir::Resp, &start(2, 1, "gate"))
        .send(Dir::Orig, &message(7, &[0; 156]))
        .send(Dir::Resp, &message(8, &[0, 1, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
        .send(Dir::Orig, &message(5, &[0, 0, 0, 9]))
        .fin()
        .frames()
}

/// A call's media with two packets lost, its reports beside it, and datagrams that only begin alike.
fn rtp() -> Vec<Timed> {
    let media = |seq: u16, ssrc: u32| {
        let stamp = u32::from(seq) * 160;
        [&[0x80, 0][..], &seq.to_be_bytes(), &stamp.to_be_bytes(), &ssrc.to_be_bytes(), &noise(160)].concat()
    };
    let (a, b) = ("10.0.0.1:16384", "192.0.2.1:20000");
    let mut out = Vec::new();
    for (i, seq) in [65533, 65534, 65535, 0, 3, 4].into_iter().enumerate() {
        let ms = 20 * i64::try_from(i).expect("few");
        out.push(udp(ms, a, b, &media(seq, 0x1111_2222)));
        out.push(udp(ms + 7, b, a, &media(seq ^ 0x4000, 0x3333_4444)));
    }
    let report = [&[0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 64][..], &[0; 19]].concat();
    let described = [&report[..], &[0x81, 202, 0, 3, 0, 0, 0, 1, 1, 4], b"me@x", &[0, 0]].concat();
    out.push(udp(5000, "10.0.0.1:16385", "192.0.2.1:20001", &described));
    for n in 0..4 {
        out.push(udp(6000 + n, "10.0.0.1:16386", "192.0.2.1:20002", &[&[0x80][..], &noise(100)].concat()));
    }
    out
}
