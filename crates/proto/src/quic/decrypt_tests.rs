//! Connections sealed here and opened by the parser.

use super::decrypt::{MAX_FAILURES, MAX_PENDING_LEN};
use super::protection::tests::seal_with;
use super::protection::{Keys, Sealing, next_secret};
use super::streams::{MAX_DISORDER_LEN, MAX_OPEN_STREAMS};
use super::tests::{SCID, SERVER, client_hello, crypto, from_client, from_server, handshake, server_hello_with};
use crate::handshake::keys::{Suite, suite};
use crate::testing::Bench;
use crate::{ProtoId, Secrets, Transport};
use sekisho_types::Dir::{self, Orig, Resp};
use std::sync::Arc;

const V2: u32 = 0x6b33_43cf;

const LABELS: [&str; 5] = [
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
    "CLIENT_EARLY_TRAFFIC_SECRET",
];

/// A connection's ends and their keys.
struct Ends {
    version: u32,
    cipher: [u8; 2],
    suite: Suite,
    /// By direction.
    traffic: [Keys; 2],
    secrets: [Vec<u8>; 2],
    phase: [u8; 2],
    number: [u16; 2],
}

impl Ends {
    fn new(version: u32, cipher: u8) -> Self {
        let suite = suite(0x1300 | u16::from(cipher)).unwrap();
        let secret = |i: u8| vec![i; if cipher == 2 { 48 } else { 32 }];
        let keys = |i| Keys::derive(&suite, version == V2, &secret(i)).unwrap();
        Self {
            version,
            cipher: [0x13, cipher],
            suite,
            traffic: [keys(2), keys(3)],
            secrets: [secret(2), secret(3)],
            phase: [0; 2],
            number: [0; 2],
        }
    }

    fn key_log(&self, but: &[usize]) -> String {
        let len = self.secrets[0].len();
        let lines = (0..5).filter(|i| !but.contains(i));
        let line = |i: usize| format!("{} {} {}\n", LABELS[i], "07".repeat(32), format!("{i:02x}").repeat(len));
        lines.map(line).collect()
    }

    fn is_v2(&self) -> bool {
        self.version == V2
    }

    fn long(&self, kind: u8, secret: usize, dir: Dir, number: u16, frames: &[u8]) -> Vec<u8> {
        let keys = Keys::derive(&self.suite, self.is_v2(), &vec![secret as u8; self.secrets[0].len()]).unwrap();
        let (to, from) = if dir == Orig { (SERVER, SCID) } else { (SCID, SERVER) };
        let first = 0xc0 | (((kind + u8::from(self.is_v2())) % 4) << 4);
        let mut head = [&[first][..], &self.version.to_be_bytes()].concat();
        for id in [to, from] {
            head.push(id.len() as u8);
            head.extend(id);
        }
        head.extend((0x4000 | (2 + frames.len() + 16) as u16).to_be_bytes());
        seal_with(&keys, &head, number, frames)
    }

    /// A 1-RTT packet.
    fn short(&mut self, dir: Dir, frames: &[u8]) -> Vec<u8> {
        let i = dir.index();
        self.number[i] += 1;
        self.short_as(dir, self.number[i], frames)
    }

    fn short_as(&self, dir: Dir, number: u16, frames: &[u8]) -> Vec<u8> {
        let id = if dir == Orig { SERVER } else { SCID };
        let head = [&[0x40 | self.phase[dir.index()] << 2][..], id].concat();
        seal_with(&self.traffic[dir.index()], &head, number, frames)
    }

    fn update(&mut self, dir: Dir) {
        let i = dir.index();
        self.secrets[i] = next_secret(&self.suite, self.is_v2(), &self.secrets[i]).unwrap();
        self.traffic[i].sealing = Sealing::derive(&self.suite, self.is_v2(), &self.secrets[i]).unwrap();
        self.phase[i] ^= 1;
    }

    /// The datagrams of the handshake: hellos, and a certificate that is none.
    fn handshake(&self) -> [(Dir, Vec<u8>); 3] {
        let extensions = handshake(8, b"\0\x09\0\x10\0\x05\0\x03\x02h3");
        let certificate = handshake(11, b"\0\0\0\x0a\0\0\x05bogus\0\0");
        let messages = [extensions, certificate, handshake(20, &[9; 32])].concat();
        let (one, two) = messages.split_at(30);
        let first = self.long(2, 1, Resp, 0, &crypto(30, two));
        let second = self.long(2, 1, Resp, 1, &crypto(0, one));
        let hello = from_server(self.version, crypto(0, &server_hello_with(self.cipher)));
        [
            (Orig, from_client(self.version, 0, crypto(0, &client_hello("www.example.org")))),
            (Resp, [hello, first, second].concat()),
            (Orig, self.long(2, 0, Orig, 0, &crypto(0, &handshake(20, &[9; 32])))),
        ]
    }
}

fn bench(key_log: &str) -> Bench {
    let mut b = Bench::new(ProtoId::Quic, Transport::Udp, 443);
    let secrets = Secrets::default();
    secrets.add(key_log.as_bytes(), 0);
    b.out.secrets = Some(Arc::new(secrets));
    b
}

fn stream(id: u8, offset: u16, last: bool, data: &[u8]) -> Vec<u8> {
    let [a, b] = (0x4000 | offset).to_be_bytes();
    [&[0x0e | u8::from(last), id, a, b, 0x40, data.len() as u8][..], data].concat()
}

/// GET https://h.test/ID, and 200 with the content `hello`.
fn request(id: u8) -> Vec<u8> {
    let path = [b"/", &[b'a' + id][..]].concat();
    let fields = [&b"\0\0\xd1\xd7\x50\x06h.test\x51\x02"[..], &path].concat();
    [&[1, fields.len() as u8][..], &fields].concat()
}

const ANSWER: &[u8] = b"\x01\x03\0\0\xd9\0\x05hello";

fn has(rows: &[String], parts: &[&str]) -> bool {
    rows.iter().any(|row| parts.iter().all(|part| row.contains(part)))
}

#[test]
fn opens_all_suites_and_versions() {
    for version in [1, V2] {
        for cipher in [1, 2, 3] {
            let mut ends = Ends::new(version, cipher);
            let mut b = bench(&ends.key_log(&[]));
            for (dir, datagram) in ends.handshake() {
                b.data(dir, &datagram);
            }
            assert!(
                has(&b.rows("ssl"), &["established=Bool(true)", "h3", "decrypted=Bool(true)"]),
                "{:?}",
                b.rows("ssl")
            );
            for id in [0, 4] {
                let (ask, answer) = (ends.short(Orig, &stream(id, 0, true, &request(id))), &ANSWER[..7]);
                // Out of order, and twice.
                let rest = ends.short(Resp, &stream(id, 7, true, &ANSWER[7..]));
                let begin = ends.short(Resp, &stream(id, 0, false, answer));
                b.data(Orig, &ask).data(Resp, &rest).data(Resp, &begin).data(Resp, &rest).data(Orig, &ask);
                for dir in [Orig, Resp] {
                    ends.update(dir);
                }
            }
            let rows = b.rows("http");
            assert_eq!(rows.len(), 2);
            for path in ["/a", "/e"] {
                assert!(has(&rows, &[path, "h.test", "status_code=Count(200)", "decrypted=Bool(true)"]), "{rows:?}");
            }
            assert!(b.files.0.iter().all(|f| f.content == b"hello" && f.closed == Some(true) && f.meta.decrypted));
            b.end();
            assert_eq!(b.rows("http").len(), 2);
            assert!(has(&b.rows("quic"), &["decrypted=Bool(true)"]));
            // The certificate that is none was read.
            assert_eq!(b.out.weirds.iter().map(|w| w.name).collect::<Vec<_>>(), ["x509_unparsable_certificate"]);
            assert!(b.out.confirmed.contains(&"http3"));
        }
    }
}

#[test]
fn keys_change_in_step_with_the_phase() {
    let mut ends = Ends::new(1, 1);
    let mut b = bench(&ends.key_log(&[]));
    for (dir, datagram) in ends.handshake() {
        b.data(dir, &datagram);
    }
    let old = ends.short_as(Orig, 4, &stream(8, 0, true, &request(8)));
    let lost = ends.short_as(Orig, 3, &stream(12, 0, true, &request(12)));
    ends.number[0] = 5;
    let ask = ends.short(Orig, &stream(0, 0, true, &request(0)));
    ends.update(Orig);
    let next = ends.short(Orig, &stream(4, 0, true, &request(4)));
    // One of the old phase comes late, one of the phase before that is too late.
    b.data(Orig, &ask).data(Orig, &next).data(Orig, &old);
    ends.update(Orig);
    let after = ends.short(Orig, &stream(16, 0, true, &request(16)));
    b.data(Orig, &after).data(Orig, &lost).end();
    let rows = b.rows("http");
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(["/a", "/e", "/i", "/q"].iter().all(|path| has(&rows, &[&format!("{path}\"")])), "{rows:?}");
}

#[test]
fn packets_before_the_hello_are_kept() {
    let mut ends = Ends::new(V2, 3);
    let mut b = bench(&ends.key_log(&[]));
    let [hello, answer, last] = ends.handshake();
    let early = ends.long(1, 4, Orig, 1, &stream(0, 0, true, &request(0)));
    let short = ends.short(Resp, &stream(0, 0, true, ANSWER));
    b.data(Orig, &[hello.1, early].concat()).data(Resp, &short);
    assert!(b.rows("http").is_empty());
    b.data(Resp, &answer.1).data(Orig, &last.1);
    assert!(has(&b.rows("http"), &["/a", "status_code=Count(200)"]), "{:?}", b.rows("http"));
    let mut b = bench(&ends.key_log(&[]));
    b.data(Orig, &ends.handshake()[0].1);
    for _ in 0..100 {
        b.data(Resp, &ends.short_as(Resp, 2, &[0; 1000]));
        assert!(b.held_len() < 2 * MAX_PENDING_LEN);
    }
    assert!(b.out.weirds.iter().any(|w| w.name == "QUIC_too_much_before_server_hello"));
}

/// A server that asks for another hello (RFC 8446 §4.1.4): its second hello is what counts.
#[test]
fn a_second_hello_is_read_where_it_matters() {
    let retry: Vec<u8> = (0..64).step_by(2).map(|i| u8::from_str_radix(&RETRY[i..i + 2], 16).unwrap()).collect();
    let mut ends = Ends::new(1, 3);
    for known in [true, false] {
        let mut b = bench(&ends.key_log(if known { &[] } else { &[0, 1, 2, 3, 4] }));
        let mut asks = server_hello_with([0x13, 1]);
        asks[6..38].copy_from_slice(&retry);
        let hello = server_hello_with(ends.cipher);
        b.data(Orig, &ends.handshake()[0].1).data(Resp, &from_server(1, crypto(0, &asks)));
        b.data(Resp, &from_server(1, crypto(asks.len(), &hello)));
        b.data(Orig, &ends.short(Orig, &stream(0, 0, true, &request(0)))).end();
        assert_eq!(has(&b.rows("http"), &["/a"]), known);
        let cipher = if known { "CHACHA20" } else { "AES_128" };
        assert!(has(&b.rows("ssl"), &[cipher]), "{:?}", b.rows("ssl"));
    }
}

const RETRY: &str = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";

#[test]
fn other_connection_ids_are_learnt() {
    let mut ends = Ends::new(1, 2);
    let mut b = bench(&ends.key_log(&[]));
    for (dir, datagram) in ends.handshake() {
        b.data(dir, &datagram);
    }
    let new_id = [&[0x18, 1, 0, 9][..], b"other-one", &[0; 16]].concat();
    b.data(Resp, &ends.short(Resp, &new_id));
    let head = [&[0x40][..], b"other-one"].concat();
    b.data(Orig, &seal_with(&ends.traffic[0], &head, 9, &stream(0, 0, true, &request(0)))).end();
    assert!(has(&b.rows("http"), &["/a"]));
}

#[test]
fn without_the_handshakes_secrets_the_traffic_is_read() {
    let mut ends = Ends::new(1, 1);
    let mut b = bench(&ends.key_log(&[0, 1]));
    for (dir, datagram) in ends.handshake() {
        b.data(dir, &datagram);
    }
    b.data(Orig, &ends.short(Orig, &stream(0, 0, true, &request(0))));
    b.data(Resp, &ends.short(Resp, &[stream(0, 0, true, ANSWER), vec![0x1d, 0x41, 0, 3, b'b', b'y', b'e']].concat()));
    b.end();
    assert!(has(&b.rows("http"), &["/a", "status_code=Count(200)"]));
    assert!(has(&b.rows("quic"), &["close_code=Count(256)", "bye"]));
}

#[test]
fn gives_up_what_does_not_open() {
    let mut ends = Ends::new(1, 1);
    let mut b = bench(&ends.key_log(&[]).replace("0202", "0212").replace("0303", "0313"));
    for (dir, datagram) in ends.handshake() {
        b.data(dir, &datagram);
    }
    let before = b.held_len();
    for _ in 0..=MAX_FAILURES {
        let (ask, answer) = (ends.short(Orig, &[1; 40]), ends.short(Resp, &[1; 40]));
        b.data(Orig, &ask).data(Resp, &answer);
    }
    assert!(b.held_len() < before);
    assert_eq!(b.out.weirds.iter().filter(|w| w.name == "QUIC_packet_not_opened").count(), 2);
    b.end();
    assert!(b.rows("http").is_empty() && b.rows("quic").len() == 1);
}

#[test]
fn limits_streams_and_disorder() {
    let mut ends = Ends::new(1, 1);
    let mut b = bench(&ends.key_log(&[]));
    for (dir, datagram) in ends.handshake() {
        b.data(dir, &datagram);
    }
    let mut given_up = 0;
    for id in 0..MAX_OPEN_STREAMS as u16 + 50 {
        b.out.weirds.clear();
        let [high, low] = (0x4000 | (4 * id)).to_be_bytes();
        let request = request(0);
        let frame = [&[0x0a, high, low, 0x40, request.len() as u8][..], &request].concat();
        b.data(Orig, &ends.short(Orig, &frame));
        assert!(b.held_len() < 4 << 20, "{}", b.held_len());
        given_up += b.out.weirds.iter().filter(|w| w.name == "QUIC_too_many_streams").count();
    }
    assert_eq!(given_up, 50);
    let mut b = bench(&ends.key_log(&[]));
    let mut ends = Ends::new(1, 1);
    for (dir, datagram) in ends.handshake() {
        b.data(dir, &datagram);
    }
    b.data(Orig, &ends.short(Orig, &stream(0, 0, true, &request(0))));
    // 3 MiB of content, of which every second packet is missing.
    let head = b"\x01\x03\0\0\xd9\0\x80\x30\0\0";
    b.data(Resp, &ends.short(Resp, &stream(0, 0, false, head)));
    for i in 0..3000u32 {
        let offset = 0x8000_0000 | (head.len() as u32 + 1000 + 2000 * i);
        let frame = [&[0x0e, 0][..], &offset.to_be_bytes(), &(0x4000u16 | 1000).to_be_bytes(), &[b'x'; 1000]].concat();
        b.data(Resp, &ends.short(Resp, &frame));
        assert!(b.held_len() < MAX_DISORDER_LEN + (1 << 19), "{}", b.held_len());
    }
    assert!(b.out.weirds.iter().any(|w| w.name == "QUIC_stream_incomplete"));
    b.end();
    let file = &b.files.0[0];
    assert_eq!(file.content.len() as u64 + file.missing, 0x0030_0000);
    assert!(file.content.len() > 1_500_000 && file.missing > 1_500_000);
}

/// DNS over QUIC (RFC 9250), and whatever else is recognised in a stream.
#[test]
fn streams_of_other_protocols_are_conversations() {
    let query = b"\0\x21\0\0\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03org\0\0\x01\0\x01";
    let mut ends = Ends::new(1, 1);
    let mut b = bench(&ends.key_log(&[]));
    let [_, answer, last] = ends.handshake();
    let hello: Vec<u8> = client_hello("dns.example.org");
    let at = hello.windows(3).position(|w| w == b"\x02h3").unwrap();
    let hello = [&hello[..at], b"\x03doq\x04doq2", &hello[at + 9..]].concat();
    assert_eq!(hello.len(), client_hello("dns.example.org").len());
    // The server chooses none: what the client offers first counts.
    let server = from_server(1, crypto(0, &server_hello_with([0x13, 1])));
    b.data(Orig, &from_client(1, 0, crypto(0, &hello))).data(Resp, &server);
    b.data(Orig, &ends.short(Orig, &stream(0, 0, true, query)));
    b.data(Orig, &ends.short(Orig, &stream(4, 0, true, query))).end();
    assert_eq!(b.rows("dns").len(), 2, "{:?}", b.rows("dns"));
    assert!(has(&b.rows("dns"), &["www.example.org", "decrypted=Bool(true)"]));
    let mut ends = Ends::new(1, 1);
    let mut b = bench(&ends.key_log(&[0, 1]));
    b.data(Orig, &from_client(1, 0, crypto(0, &hello_without(b"h3", b"hq")))).data(Resp, &answer.1).data(Orig, &last.1);
    let ask = b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n";
    b.data(Orig, &ends.short(Orig, &stream(0, 0, true, ask)));
    b.data(Resp, &ends.short(Resp, &stream(0, 0, true, b"HTTP/1.1 204 None\r\n\r\n"))).end();
    assert!(has(&b.rows("http"), &["/x", "a.test", "status_code=Count(204)"]), "{:?}", b.out.weirds);
}

/// A client's hello with another protocol.
fn hello_without(old: &[u8; 2], new: &[u8; 2]) -> Vec<u8> {
    let mut hello = client_hello("www.example.org");
    while let Some(at) = hello.windows(2).position(|w| w == old) {
        hello[at..at + 2].copy_from_slice(new);
    }
    hello
}
