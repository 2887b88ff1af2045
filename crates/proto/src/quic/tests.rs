//! Whole connections from packets sealed here.

use super::google::tests::chlo;
use super::protection::tests::seal;
use super::{MAX_COALESCED, MAX_HISTORY_LEN, MAX_ROWS, MIN_CLIENT_INITIAL_LEN};
use crate::testing::Bench;
use crate::{ProtoId, Transport};
use sekisho_types::Dir::{Orig, Resp};

pub(super) const DCID: &[u8] = b"original";
pub(super) const SCID: &[u8] = b"client";
pub(super) const SERVER: &[u8] = b"srv";

pub(super) fn block16(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u16).to_be_bytes()[..], body].concat()
}

pub(super) fn extension(code: u16, body: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], &block16(body)].concat()
}

pub(super) fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}

pub(super) fn client_hello(name: &str) -> Vec<u8> {
    let extensions = [
        extension(0, &block16(&[&[0][..], &block16(name.as_bytes())].concat())),
        extension(16, &block16(b"\x02h3\x05h3-29")),
        extension(43, &[2, 3, 4]),
    ]
    .concat();
    let body = [&[3, 3][..], &[7; 32], &[0], &block16(&[0x13, 1]), &[1, 0], &block16(&extensions)].concat();
    handshake(1, &body)
}

pub(super) fn server_hello() -> Vec<u8> {
    server_hello_with([0x13, 1])
}

pub(super) fn server_hello_with(suite: [u8; 2]) -> Vec<u8> {
    let extensions = [extension(43, &[3, 4]), extension(51, &[&[0, 29][..], &block16(&[5; 32])].concat())].concat();
    handshake(2, &[&[3, 3][..], &[8; 32], &[0], &suite, &[0], &block16(&extensions)].concat())
}

/// A CRYPTO frame.
pub(super) fn crypto(offset: usize, data: &[u8]) -> Vec<u8> {
    let number = |n: usize| (0x4000 | n as u16).to_be_bytes();
    [&[6][..], &number(offset), &number(data.len()), data].concat()
}

pub(super) fn padded(mut frames: Vec<u8>, len: usize) -> Vec<u8> {
    frames.resize(frames.len().max(len), 0);
    frames
}

pub(super) fn from_client(version: u32, number: u8, frames: Vec<u8>) -> Vec<u8> {
    seal(version, DCID, [DCID, SCID], true, number, &padded(frames, MIN_CLIENT_INITIAL_LEN))
}

pub(super) fn from_server(version: u32, frames: Vec<u8>) -> Vec<u8> {
    seal(version, DCID, [SCID, SERVER], false, 0, &padded(frames, 20))
}

/// A packet that only its header tells of.
fn opaque(first: u8, version: u32, ids: [&[u8]; 2], len: u8) -> Vec<u8> {
    let mut out = [&[first][..], &version.to_be_bytes()].concat();
    ids.iter().for_each(|id| {
        out.push(id.len() as u8);
        out.extend(*id);
    });
    out.extend([&[0x40, len][..], &vec![9; usize::from(len)]].concat());
    out
}

fn bench() -> Bench {
    Bench::new(ProtoId::Quic, Transport::Udp, 443)
}

fn has(row: &str, want: &[&str]) {
    for column in want {
        assert!(row.contains(column), "{row} lacks {column}");
    }
}

#[test]
fn parses_a_connection() {
    for (version, name, handshake_first) in
        [(1, "1", 0xe0), (0x6b33_43cf, "quicv2", 0xf0), (0xff00_001d, "draft-29", 0xe0)]
    {
        let hello = client_hello("h.test");
        let (one, two) = hello.split_at(40);
        let mut b = bench();
        b.data(Orig, &from_client(version, 0, crypto(40, two)));
        b.data(Orig, &from_client(version, 1, crypto(0, one)));
        let answer =
            [from_server(version, crypto(0, &server_hello())), opaque(handshake_first, version, [SCID, SERVER], 60)];
        b.data(Resp, &answer.concat());
        b.data(Orig, &opaque(handshake_first, version, [SERVER, SCID], 40));
        for _ in 0..5 {
            b.data(Orig, b"\x41srvxxxxxxxxxxxxxxxxxxxxx").data(Resp, b"\x41clientxxxxxxxxxxxxxxxxxxx");
        }
        b.end();
        let rows = b.rows("quic");
        assert_eq!(rows.len(), 1);
        has(&rows[0], &[&format!("version=Str({name:?})"), "client_initial_dcid=Str(\"6f726967696e616c\")"]);
        has(&rows[0], &["server_scid=Str(\"737276\")", "server_name=Str(\"h.test\")", "client_protocol=Str(\"h3\")"]);
        has(&rows[0], &["history=Str(\"IISishHOoOoOo\")", "ja4=Str(\"q13d0103h3_"]);
        has(&b.rows("ssl")[0], &["ssl_history=Str(\"Cs\")", "curve=Str(\"x25519\")", "established=Bool(false)"]);
        assert_eq!(b.out.confirmed, ["quic", "ssl"]);
        assert!(b.out.weirds.is_empty(), "{:?}", b.out.weirds);
    }
}

#[test]
fn parses_a_retry_and_a_close() {
    let mut b = bench();
    b.data(Orig, &from_client(1, 0, crypto(0, &client_hello("h.test"))));
    b.data(Resp, &[&b"\xf0\0\0\0\x01"[..], &[6], SCID, &[5], b"again", b"token", &[0; 16]].concat());
    let frames = padded(crypto(0, &client_hello("h.test")), MIN_CLIENT_INITIAL_LEN);
    b.data(Orig, &seal(1, b"again", [b"again", SCID], true, 1, &frames));
    let close = [&[0x1c, 0x41, 0x28, 6, 2][..], b"no", &[0; 20]].concat();
    b.data(Resp, &seal(1, b"again", [SCID, SERVER], false, 0, &close));
    b.end();
    let rows = b.rows("quic");
    assert_eq!(rows.len(), 2);
    has(&rows[0], &["history=Str(\"ISr\")", "server_name=Str(\"h.test\")"]);
    assert!(!rows[0].contains("server_scid"));
    has(&rows[1], &["history=Str(\"ISic\")", "client_initial_dcid=Str(\"616761696e\")", "server_scid=Str(\"737276\")"]);
    has(&rows[1], &["close_code=Count(296)", "close_reason=Str(\"no\")"]);
    has(&b.rows("ssl")[0], &["ssl_history=Str(\"CC\")"]);
}

#[test]
fn parses_a_negotiation() {
    let mut b = bench();
    b.data(Orig, &padded(opaque(0xc0, 0x1a2a_3a4a, [DCID, SCID], 40), MIN_CLIENT_INITIAL_LEN));
    b.data(Resp, &[&[0x80, 0, 0, 0, 0, 6][..], SCID, &[8], DCID, &[0, 0, 0, 1]].concat());
    assert_eq!(b.out.confirmed, ["quic"]);
    b.data(Orig, &from_client(1, 0, crypto(0, &client_hello("h.test"))));
    b.end();
    let rows = b.rows("quic");
    assert_eq!(rows.len(), 2);
    has(&rows[0], &["version=Str(\"unknown-1a2a3a4a\")", "history=Str(\"Uu\")"]);
    has(&rows[1], &["version=Str(\"1\")", "history=Str(\"IS\")"]);
}

#[test]
fn parses_google_quic() {
    let hello = chlo(&[(b"SNI\0", b"h.test"), (b"UAID", b"ua/1"), (b"ALPN", b"h2")]);
    let mut b = bench();
    b.data(Orig, &[b"\x0d12345678Q043\x01", &[7; 12][..], &[0xa0, 1, 0, 4], &hello].concat());
    b.data(Resp, &[b"\x0812345678\x01", &[7; 12][..], &[0x80, 1, 0, 4], b"REJ\0\x01\0\0\0STK\0\x02\0\0\0ok"].concat());
    b.end();
    let rows = b.rows("quic");
    has(&rows[0], &["version=Str(\"Q043\")", "client_initial_dcid=Str(\"3132333435363738\")", "history=Str(\"Sr\")"]);
    has(&rows[0], &["server_name=Str(\"h.test\")", "user_agent=Str(\"ua/1\")", "client_protocol=Str(\"h2\")"]);
    let mut b = bench();
    let q050 = u32::from_be_bytes(*b"Q050");
    b.data(Orig, &from_client(q050, 0, [&[8, 0, 0x40, 90][..], &hello].concat())).end();
    has(&b.rows("quic")[0], &["version=Str(\"Q050\")", "history=Str(\"IS\")", "server_name=Str(\"h.test\")"]);
    let t051 = u32::from_be_bytes(*b"T051");
    let hello = crypto(0, &client_hello("h.test"));
    let mut b = bench();
    b.data(Orig, &from_client(t051, 0, [&[8][..], &hello[1..]].concat())).end();
    has(&b.rows("quic")[0], &["version=Str(\"T051\")", "history=Str(\"IS\")", "server_name=Str(\"h.test\")"]);
}

#[test]
fn rejects_what_cannot_be_decrypted_and_goes_on() {
    let mut bad = from_client(1, 0, crypto(0, &client_hello("h.test")));
    *bad.last_mut().unwrap() ^= 1;
    let mut b = bench();
    b.data(Orig, &bad).data(Orig, &from_client(1, 1, crypto(0, &client_hello("h.test")))).end();
    has(&b.rows("quic")[0], &["history=Str(\"IIS\")", "server_name=Str(\"h.test\")"]);
    assert_eq!(b.out.weirds[0].name, "QUIC_decryption_failed");
}

#[test]
fn limits_history_and_coalesced_packets() {
    let mut b = bench();
    b.data(Orig, &from_client(1, 0, crypto(0, &client_hello("h.test"))));
    let many = opaque(0xe0, 1, [SERVER, SCID], 1).repeat(MAX_COALESCED + 1);
    for _ in 0..20 {
        b.data(Orig, &many);
    }
    b.end();
    let history = format!("history=Str(\"IS{}\")", "H".repeat(MAX_HISTORY_LEN - 2));
    has(&b.rows("quic")[0], &[&history]);
    assert_eq!(b.out.weirds[0].name, "QUIC_too_many_coalesced_packets");
}

#[test]
fn limits_rows() {
    let mut b = bench();
    for _ in 0..MAX_ROWS + 10 {
        b.data(Resp, &[&b"\xf0\0\0\0\x01"[..], &[6], SCID, &[5], b"again", &[0; 20]].concat());
    }
    b.end();
    assert_eq!(b.rows("quic").len(), MAX_ROWS as usize);
    assert_eq!(b.out.weirds[0].name, "QUIC_too_many_rows");
}

#[test]
fn limits_a_hello_in_pieces() {
    let mut b = bench();
    for i in 0..60u8 {
        b.data(
            Orig,
            &from_client(
                1,
                i,
                [crypto(1000 + 4 * usize::from(i), b"x"), crypto(6000 + 4 * usize::from(i), b"y")].concat(),
            ),
        );
        assert!(b.held_len() < 64 * 1024);
    }
    b.end();
    assert!(b.out.weirds.iter().any(|w| w.name == "QUIC_crypto_over_limit"), "{:?}", b.out.weirds);
}

#[test]
fn truncation_never_panics() {
    let bytes = from_client(1, 0, crypto(0, &client_hello("h.test")));
    for cut in 0..bytes.len() {
        bench().data(Orig, &bytes[..cut]).end();
    }
}

#[test]
fn rules_and_eve_see_hellos() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Quic, Transport::Udp, 443);
    b.data(Orig, &from_client(1, 0, crypto(0, &client_hello("h.test"))));
    let [hello] = b.exchanges() else { panic!("{:?}", b.exchanges()) };
    for part in [
        "{\"quic\":{\"version\":\"1\",\"sni\":\"h.test\",\"ja3\":{\"hash\":\"",
        "\"string\":\"771,4865,0-16-43,,\"",
        "{\"name\":\"server_name\",\"type\":0,\"values\":[\"h.test\"]}",
        "{\"name\":\"alpn\",\"type\":16,\"values\":[\"h3\",\"h3-29\"]}",
    ] {
        assert!(hello.json.contains(part), "{part}: {}", hello.json);
    }
    assert_eq!(hello.fact(Fact::QuicVersion), ["\\x00\\x00\\x00\\x01"]);
    assert_eq!(hello.fact(Fact::QuicAlpn), ["h3", "h3-29"]);

    let mut b = Bench::watched(ProtoId::Quic, Transport::Udp, 443);
    let hello = chlo(&[(b"PAD\0", &[b'-'; 9]), (b"SNI\0", b"g.test"), (b"UAID", b"ua/1")]);
    b.data(Orig, &[&b"\x0d12345678Q043\x01"[..], &[0xa0, 1, 0, 4], &hello].concat());
    let [hello] = b.exchanges() else { panic!("{:?}", b.exchanges()) };
    assert_eq!(hello.fact(Fact::QuicCyuString), ["43,PAD-SNI-UAID"]);
    assert!(
        hello
            .json
            .starts_with("{\"quic\":{\"version\":\"Q043\",\"sni\":\"g.test\",\"ua\":\"ua/1\",\"cyu\":[{\"hash\":\"")
    );
}
