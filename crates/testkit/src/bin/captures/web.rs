//! What the web is carried by besides HTTP/1 and TLS: QUIC, WebSocket, HTTP/2.

use crate::{Capture, Timed, at, at_ms, frames_of};
use sekisho_testkit::quic::{V2, client_hello, crypto, initial, long, server_hello};
use sekisho_testkit::{Conversation, Dir, Frame};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("quic/connections", connections()),
        Capture::ethernet("quic/google", google()),
        Capture::ethernet("http2/streams", frames_of(&[streams(), upgraded(), hostile()])),
        Capture::ethernet("websocket/chat", frames_of(&[chat(), wrong_answer()])),
        Capture::ethernet("websocket/tunnel", frames_of(&[tunnel()])),
    ]
}

/// Datagrams of one flow, 5 ms apart.
pub fn flow(n: u16, port: u16, datagrams: &[(Dir, Vec<u8>)]) -> Vec<Timed> {
    let (client, server) = (format!("10.0.0.1:{}", 50000 + n), format!("192.0.2.44:{port}"));
    let frame = |(i, (dir, bytes)): (usize, &(Dir, Vec<u8>))| {
        let (from, to) = if *dir == Dir::Orig { (&client, &server) } else { (&server, &client) };
        (at_ms(1000 * i64::from(n) + 5 * i as i64), Frame::udp(from.as_str(), to.as_str(), bytes).frame())
    };
    datagrams.iter().enumerate().map(frame).collect()
}

fn padded(mut frames: Vec<u8>) -> Vec<u8> {
    frames.resize(1180, 0);
    frames
}

/// Acknowledges the first packet.
const ACK: &[u8] = &[2, 0, 0, 0, 0];

const DCID: &[u8] = &[0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
const SCID: &[u8] = &[0xc1, 0xc2, 0xc3];
const SERVER: &[u8] = &[0x51, 0x52, 0x53, 0x54];

/// A whole connection with `version` and Handshake packets that begin with `second`: the hello comes in two
/// packets, the later part first; the server's hello and its first Handshake packet share a datagram.
fn connection(version: u32, second: u8, dcid: &[u8], first: u8) -> Vec<(Dir, Vec<u8>)> {
    let hello = client_hello("www.example.org", &["h3", "h3-29"]);
    let (one, two) = hello.split_at(100);
    let client = |number, frames| initial(version, dcid, [dcid, SCID], true, number, &padded(frames));
    let answer = initial(version, dcid, [SCID, SERVER], false, 0, &[ACK, &crypto(0, &server_hello())].concat());
    let handshake = |ids| long(second, version, ids, None, &[0xee; 90]);
    let mut out = vec![
        (Dir::Orig, client(first, crypto(100, two))),
        (Dir::Orig, client(first + 1, crypto(0, one))),
        (Dir::Resp, [answer, handshake([SCID, SERVER])].concat()),
        (
            Dir::Orig,
            [initial(version, dcid, [SERVER, SCID], true, first + 2, &padded(ACK.to_vec())), handshake([SERVER, SCID])]
                .concat(),
        ),
    ];
    for _ in 0..4 {
        out.push((Dir::Orig, [&[0x41][..], SERVER, &[0xaa; 40]].concat()));
        out.push((Dir::Resp, [&[0x41][..], SCID, &[0xbb; 400]].concat()));
    }
    out
}

/// Versions 1 and 2; a Retry; a version that the server doesn't know; early data and a close; one that is damaged.
fn connections() -> Vec<Timed> {
    let hello = crypto(0, &client_hello("www.example.org", &["h3"]));
    let retry = [&[0xf0, 0, 0, 0, 1, 3][..], SCID, &[4], SERVER, b"token", &[0; 16]].concat();
    let mut retried =
        vec![(Dir::Orig, initial(1, DCID, [DCID, SCID], true, 0, &padded(hello.clone()))), (Dir::Resp, retry)];
    retried.extend(connection(1, 0xe0, SERVER, 1));
    let mut unknown = long(0xc0, 0x1a2a_3a4a, [DCID, SCID], Some(&[]), &[7; 1100]);
    unknown.resize(1200, 0);
    let negotiation = [&[0x8b, 0, 0, 0, 0, 3][..], SCID, &[8], DCID, &[0, 0, 0, 1, 0x6b, 0x33, 0x43, 0xcf]].concat();
    let mut negotiated = vec![(Dir::Orig, unknown), (Dir::Resp, negotiation)];
    negotiated.extend(connection(1, 0xe0, DCID, 0));
    let close = [&[0x1c, 0x41, 0x28, 6, 11][..], b"no protocol", ACK, &[0; 20]].concat();
    let closed = vec![
        (
            Dir::Orig,
            [
                initial(1, DCID, [DCID, SCID], true, 0, &padded(hello.clone())),
                long(0xd0, 1, [DCID, SCID], None, &[9; 60]),
            ]
            .concat(),
        ),
        (Dir::Resp, initial(1, DCID, [SCID, SERVER], false, 0, &close)),
    ];
    let mut bad = initial(1, DCID, [DCID, SCID], true, 0, &padded(hello));
    bad[600] ^= 1;
    [
        flow(1, 443, &connection(1, 0xe0, DCID, 0)),
        flow(2, 4433, &connection(V2, 0xf0, DCID, 0)),
        flow(3, 443, &retried),
        flow(4, 8443, &negotiated),
        flow(5, 853, &closed),
        flow(6, 443, &[(Dir::Orig, bad)]),
    ]
    .concat()
}

/// Google QUIC: hello and rejection in clear.
fn google() -> Vec<Timed> {
    let tags: [(&[u8; 4], &[u8]); 4] =
        [(b"PAD\0", &[b'-'; 100]), (b"SNI\0", b"www.example.org"), (b"UAID", b"Golden/1.0"), (b"ALPN", b"h2")];
    let mut hello = [&b"CHLO"[..], &[4, 0, 0, 0]].concat();
    let mut end = 0;
    for (tag, value) in tags {
        end += value.len() as u32;
        hello.extend([&tag[..], &end.to_le_bytes()].concat());
    }
    tags.iter().for_each(|(_, value)| hello.extend(*value));
    let rejection = [b"REJ\0\x01\0\0\0STK\0\x40\0\0\0", &[b't'; 64][..]].concat();
    let packet = |head: &[u8], message: &[u8]| [head, &[1], &[7; 12], &[0xa0, 1, 0, 4], message].concat();
    [
        flow(
            1,
            443,
            &[(Dir::Orig, packet(b"\x0d12345678Q043", &hello)), (Dir::Resp, packet(b"\x0812345678", &rejection))],
        ),
        flow(2, 443, &[(Dir::Orig, packet(b"\xc3Q046\x5012345678\0\0\0", &hello))]),
    ]
    .concat()
}

/// A frame of a WebSocket; with a mask from the client.
fn frame(first: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let bit = if masked { 0x80 } else { 0 };
    let mut out = match payload.len() {
        n @ ..126 => vec![first, bit | n as u8],
        n => [&[first, bit | 126][..], &(n as u16).to_be_bytes()].concat(),
    };
    if masked {
        out.extend(MASK);
        out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(b, m)| b ^ m));
    } else {
        out.extend(payload);
    }
    out
}

/// An upgrade, messages in one and in several frames, a ping, a close.
fn chat() -> Conversation {
    Conversation::new("10.0.0.1:40000", "192.0.2.80:80")
        .at(at(1))
        .syn()
        .send(
            Dir::Orig,
            b"GET /chat?room=1 HTTP/1.1\r\nHost: ws.example.org\r\nUser-Agent: golden/1.0\r\nUpgrade: websocket\r\n\
              Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        )
        .send(
            Dir::Resp,
            &[
                &b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"[..],
                &frame(0x81, false, b"welcome"),
            ]
            .concat(),
        )
        .send(Dir::Orig, &frame(0x81, true, b"hello"))
        .send(
            Dir::Resp,
            &[frame(0x02, false, &[0; 300]), frame(0x89, false, b"ping"), frame(0x80, false, &[1; 20])].concat(),
        )
        .send(Dir::Orig, &[frame(0x8a, true, b"ping"), frame(0x88, true, &[3, 0xe8])].concat())
        .send(Dir::Resp, &frame(0x88, false, &[3, 0xe8]))
        .fin()
}

/// The server's answer doesn't belong to the key.
fn wrong_answer() -> Conversation {
    Conversation::new("10.0.0.1:40001", "192.0.2.80:80")
        .at(at(2))
        .syn()
        .send(
            Dir::Orig,
            b"GET / HTTP/1.1\r\nHost: ws.example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        )
        .send(
            Dir::Resp,
            b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n",
        )
        .send(Dir::Resp, &frame(0x81, false, b"?"))
        .fin()
}

/// A tunnel through a socket: HTTP in its messages, a request in two of them.
fn tunnel() -> Conversation {
    let (asked, host) = (b"GET /inside HTTP/1.1\r\nHost: ", b"intra.example\r\n\r\n");
    Conversation::new("10.0.0.1:40002", "192.0.2.80:80")
        .at(at(3))
        .syn()
        .send(
            Dir::Orig,
            b"GET /tunnel HTTP/1.1\r\nHost: ws.example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        )
        .send(
            Dir::Resp,
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        )
        .send(Dir::Orig, &frame(0x82, true, asked))
        .send(Dir::Orig, &frame(0x82, true, host))
        .send(Dir::Resp, &frame(0x82, false, b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsecret\n"))
        .send(Dir::Orig, &frame(0x88, true, &[3, 0xe8]))
        .fin()
}

/// A frame of HTTP/2 (RFC 9113 §4.1).
fn h2(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes()[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field that both ends keep in their table (RFC 7541 §6.2.1).
fn kept(name: &str, value: &str) -> Vec<u8> {
    [&[0x40, name.len() as u8][..], name.as_bytes(), &[value.len() as u8], value.as_bytes()].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Prior knowledge: a page, from the table what was said before; a form; a gRPC call that fails; a stream given up.
fn streams() -> Conversation {
    // GET, http, authority www.example.com in Huffman's code (RFC 7541 §C.4.1), the path.
    let authority = b"\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
    let first = [&b"\x82\x86"[..], authority, b"\x04\x07/page?1", &kept("user-agent", "golden/2.0")].concat();
    // The authority is now entry 63, the client's name entry 62.
    let second = [&b"\x83\x86\xbf\xbe\x04\x05/form"[..], &kept("content-type", "text/plain")].concat();
    let (head, tail) = second.split_at(9);
    let third = [&b"\x83\x86\xc0\x04\x10/pkg.Greet/Hello"[..], &kept("content-type", "application/grpc")].concat();
    let page = [&b"\x88"[..], &kept("content-type", "text/html"), &kept("content-length", "26")].concat();
    let call = [&b"\x88"[..], &kept("content-type", "application/grpc")].concat();
    let status = [kept("grpc-status", "5"), kept("grpc-message", "nobody to greet")].concat();
    Conversation::new("10.0.0.1:40000", "192.0.2.80:8080")
        .at(at(1))
        .syn()
        .send(
            Dir::Orig,
            &[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), h2(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])].concat(),
        )
        .send(Dir::Resp, &[h2(SETTINGS, 0, 0, &[]), h2(SETTINGS, 1, 0, &[])].concat())
        .send(Dir::Orig, &h2(HEADERS, END_STREAM | END_HEADERS, 1, &first))
        .send(
            Dir::Orig,
            &[h2(HEADERS, 0, 3, head), h2(CONTINUATION, END_HEADERS, 3, tail), h2(DATA, END_STREAM, 3, b"name=value")]
                .concat(),
        )
        .send(Dir::Resp, &[h2(HEADERS, END_HEADERS, 3, b"\x89"), h2(DATA, END_STREAM, 3, b"")].concat())
        .send(Dir::Resp, &[h2(HEADERS, END_HEADERS, 1, &page), h2(DATA, 0, 1, b"<html>streams ")].concat())
        .send(
            Dir::Orig,
            &[h2(HEADERS, END_HEADERS, 5, &third), h2(DATA, END_STREAM, 5, &[0, 0, 0, 0, 2, 8, 1])].concat(),
        )
        .send(Dir::Resp, &[h2(HEADERS, END_HEADERS, 5, &call), h2(DATA, END_STREAM, 1, b"here</html>\n")].concat())
        .send(Dir::Resp, &h2(HEADERS, END_STREAM | END_HEADERS, 5, &status))
        .send(Dir::Orig, &h2(HEADERS, END_STREAM | END_HEADERS, 7, b"\x82\x86\xc1\x04\x05/late"))
        .send(Dir::Orig, &h2(RESET, 0, 7, &[0, 0, 0, 8]))
        .fin()
}

/// An upgrade from HTTP/1 (h2c): the answer comes on stream 1.
fn upgraded() -> Conversation {
    Conversation::new("10.0.0.1:40001", "192.0.2.80:80")
        .at(at(2))
        .syn()
        .send(
            Dir::Orig,
            b"GET /old HTTP/1.1\r\nHost: www.example.org\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
              HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        )
        .send(
            Dir::Resp,
            &[
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n".to_vec(),
                h2(SETTINGS, 0, 0, &[]),
                h2(HEADERS, END_HEADERS, 1, b"\x88"),
                h2(DATA, END_STREAM, 1, b"new ways\n"),
            ]
            .concat(),
        )
        .send(Dir::Orig, &[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), h2(SETTINGS, 0, 0, &[])].concat())
        .send(Dir::Orig, &h2(HEADERS, END_STREAM | END_HEADERS, 3, b"\x82\x86\x84\x41\x01x"))
        .send(Dir::Resp, &h2(HEADERS, END_STREAM | END_HEADERS, 3, b"\x8d"))
        .fin()
}

/// A header block that refers to what is in no table: the direction is lost.
fn hostile() -> Conversation {
    Conversation::new("10.0.0.1:40002", "192.0.2.80:80")
        .at(at(3))
        .syn()
        .send(Dir::Orig, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .send(Dir::Orig, &h2(HEADERS, END_STREAM | END_HEADERS, 1, b"\x82\x84\xff\x01"))
        .send(Dir::Resp, &h2(HEADERS, END_STREAM | END_HEADERS, 1, b"\x8c"))
        .fin()
}
