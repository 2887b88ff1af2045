//! QUIC connections whose secrets are known: HTTP/3, and DNS over QUIC.

use crate::web::flow;
use crate::{Capture, Timed};
use sekisho_testkit::Dir::{self, Orig, Resp};
use sekisho_testkit::quic::{
    Connection, Suite, V2, client_hello_with, crypto, finished, initial, server_flight, server_hello_with, stream,
};

pub fn all() -> Vec<Capture> {
    let connections = [plain(), second(), damaged(), names(), locked()];
    let key_log = connections.iter().map(|c| c.1.as_str()).collect();
    let frames: Vec<Timed> = connections.into_iter().flat_map(|c| c.0).collect();
    vec![Capture { key_log, ..Capture::ethernet("quic/keys", frames) }]
}

const DCID: &[u8] = b"first-id";
const CLIENT: &[u8] = b"cl";
const SERVER: &[u8] = b"server";

const HOST: &[u8] = include_bytes!("../../../../x509/testdata/host.der");
const INTERMEDIATE: &[u8] = include_bytes!("../../../../x509/testdata/inter.der");

fn padded(mut frames: Vec<u8>) -> Vec<u8> {
    frames.resize(1180, 0);
    frames
}

type Datagrams = Vec<(Dir, Vec<u8>)>;

/// A handshake up to its end; `early` goes with the client's hello.
fn shaken(c: &Connection, version: u32, suite: Suite, alpn: &str, early: &[u8]) -> Datagrams {
    let hello = crypto(0, &client_hello_with(c.random(), "h3.example.org", &[alpn]));
    let answer = initial(version, DCID, [CLIENT, SERVER], false, 0, &crypto(0, &server_hello_with(suite)));
    let flight = server_flight(alpn, &[HOST, INTERMEDIATE]);
    let (one, two) = flight.split_at(900);
    vec![
        (Orig, [initial(version, DCID, [DCID, CLIENT], true, 0, &padded(hello)), early.to_vec()].concat()),
        (Resp, [answer, c.handshake(Resp, 0, &crypto(0, one))].concat()),
        (Resp, c.handshake(Resp, 1, &crypto(900, two))),
        (Orig, c.handshake(Orig, 0, &crypto(0, &finished()))),
    ]
}

/// A frame of HTTP/3 (RFC 9114 §7.1).
fn h3(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind][..], &(0x4000 | payload.len() as u16).to_be_bytes(), payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;

/// A field whose name is number `name` of the static table (RFC 9204 §4.5.4).
fn named(name: u8, value: &str) -> Vec<u8> {
    let head = if name < 15 { vec![0x50 | name] } else { vec![0x5f, name - 15] };
    [&head[..], &[value.len() as u8], value.as_bytes()].concat()
}

/// Method by its number in the static table, https, the authority, a path.
fn ask(method: u8, path: &str, more: &[u8]) -> Vec<u8> {
    let fields = [&[0, 0, method, 0xd7][..], &named(0, "h3.example.org"), &named(1, path), more].concat();
    h3(HEADERS, &fields)
}

const GET: u8 = 0xd1;
const POST: u8 = 0xd4;

/// 200 with a type by its number in the static table, and a length.
fn ok(kind: u8, len: &str) -> Vec<u8> {
    h3(HEADERS, &[&[0, 0, 0xd9, kind][..], &named(4, len)].concat())
}

const TEXT: u8 = 0xf5;
const JSON: u8 = 0xee;

/// Table capacity 4096 and 16 blocked streams.
const SETTINGS: &[u8] = b"\0\x04\x05\x01\x50\x00\x07\x10";

/// Requests and answers with content in pieces, out of order and twice; fields in the dynamic table, before their
/// instructions; both ends change their keys; a request is given up.
fn plain() -> (Vec<Timed>, String) {
    let mut c = Connection::new(1, Suite::Aes128, 1, [CLIENT, SERVER]);
    let mut out = shaken(&c, 1, Suite::Aes128, "h3", &[]);
    let text = "line of a page\n".repeat(60);
    let (head, tail) = text.split_at(500);
    out.push((Resp, c.short(Resp, &[stream(3, 0, false, SETTINGS), vec![0x1e]].concat())));
    out.push((Orig, c.short(Orig, &stream(2, 0, false, SETTINGS))));
    out.push((Orig, c.short(Orig, &stream(0, 0, true, &ask(GET, "/page%2etxt?a=b", &named(95, "golden/1.0"))))));
    let answer = [ok(TEXT, "900"), h3(DATA, head.as_bytes()), h3(0x21, b"?"), h3(DATA, tail.as_bytes())].concat();
    let (one, rest) = answer.split_at(300);
    let (two, three) = rest.split_at(300);
    let pieces = [(0, one, false), (600, three, true), (300, two, false), (600, three, true)];
    for (offset, piece, last) in pieces {
        out.push((Resp, c.short(Resp, &stream(0, offset, last, piece))));
    }
    // An entry `user-agent: table/1`, to which a section refers that comes first (RFC 9204 §4.3.2, §4.5.2).
    let late = [b"\x02\0", &[POST, 0xd7, 0x80][..], &named(0, "h3.example.org"), &named(1, "/form")].concat();
    let post = [h3(HEADERS, &late), h3(DATA, b"{\"a\": "), h3(DATA, b"1}")].concat();
    out.push((Orig, c.short(Orig, &stream(4, 0, true, &post))));
    out.push((Resp, c.short(Resp, &stream(4, 0, true, &[ok(JSON, "4"), h3(DATA, b"true")].concat()))));
    out.push((Orig, c.short(Orig, &stream(6, 0, false, b"\x02\x3f\xe1\x1f\xff\x20\x07table/1"))));
    c.update_keys(Orig);
    let mut after = ask(GET, "/after/update", &[0x80]);
    // Behind the frame's type and length: the section needs the table's first entry.
    after[3] = 2;
    out.push((Orig, c.short(Orig, &stream(8, 0, true, &after))));
    c.update_keys(Resp);
    let missing = h3(HEADERS, &[0, 0, 0xdb, TEXT]);
    out.push((Resp, c.short(Resp, &stream(8, 0, true, &[missing, h3(DATA, b"no such thing")].concat()))));
    out.push((Orig, c.short(Orig, &stream(12, 0, true, &ask(GET, "/slow", &[])))));
    // Both ends give it up: H3_REQUEST_CANCELLED.
    out.push((Orig, c.short(Orig, &[5, 12, 0x41, 0x0c, 1, 1, 1])));
    out.push((Resp, c.short(Resp, &[4, 12, 0x41, 0x0c, 0, 1, 1])));
    out.push((Orig, c.short(Orig, &[&[0x1d, 0x41, 0, 3][..], b"bye"].concat())));
    (flow(1, 443, &out), c.key_log())
}

/// Version 2 with ChaCha20, a request in early data, and a response to something promised.
fn second() -> (Vec<Timed>, String) {
    let mut c = Connection::new(V2, Suite::ChaCha20, 2, [CLIENT, SERVER]);
    let early = c.early(&stream(0, 0, true, &ask(GET, "/early", &[])));
    let mut out = shaken(&c, V2, Suite::ChaCha20, "h3", &early);
    let promised = [&[9, 0, 0, GET, 0xd7][..], &named(0, "h3.example.org"), &named(1, "/style.css")].concat();
    let answer = [h3(5, &promised), ok(TEXT, "5"), h3(DATA, b"early")].concat();
    out.push((Resp, c.short(Resp, &stream(0, 0, true, &answer))));
    let pushed = [&[1, 9][..], &ok(0xf3, "6"), &h3(DATA, b"a { }\n")].concat();
    out.push((Resp, c.short(Resp, &stream(7, 0, true, &pushed))));
    (flow(2, 8443, &out), c.key_log())
}

/// AES-256; packets are missing: one within content, one with the client's fields; and one is damaged.
fn damaged() -> (Vec<Timed>, String) {
    let mut c = Connection::new(1, Suite::Aes256, 3, [CLIENT, SERVER]);
    let mut out = shaken(&c, 1, Suite::Aes256, "h3", &[]);
    out.push((Orig, c.short(Orig, &stream(0, 0, true, &ask(GET, "/hole", &[])))));
    let answer = [ok(TEXT, "900"), h3(DATA, &[b'x'; 900])].concat();
    out.push((Resp, c.short(Resp, &stream(0, 0, false, &answer[..300]))));
    out.push((Resp, c.short(Resp, &stream(0, 600, true, &answer[600..]))));
    out.push((Resp, c.short(Resp, &stream(4, 0, true, &[ok(TEXT, "2"), h3(DATA, b"ok")].concat()))));
    let mut bad = c.short(Orig, &stream(8, 0, true, &ask(GET, "/bad", &[])));
    bad[20] ^= 1;
    out.push((Orig, bad));
    out.push((Orig, c.short(Orig, &stream(12, 0, true, &ask(GET, "/good", &[])))));
    (flow(3, 443, &out), c.key_log())
}

/// DNS over QUIC (RFC 9250): a stream for each query.
fn names() -> (Vec<Timed>, String) {
    let mut c = Connection::new(1, Suite::Aes128, 4, [CLIENT, SERVER]);
    let mut out = shaken(&c, 1, Suite::Aes128, "doq", &[]);
    let question = b"\x03www\x07example\x03org\0\0\x01\0\x01";
    let query = [&[0, 33, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], question].concat();
    let answer = [
        &[0, 49, 0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0][..],
        question,
        b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07",
    ]
    .concat();
    for id in [0, 4] {
        out.push((Orig, c.short(Orig, &stream(id, 0, true, &query))));
        out.push((Resp, c.short(Resp, &stream(id, 0, true, &answer))));
    }
    (flow(4, 853, &out), c.key_log())
}

/// Nobody knows the secrets.
fn locked() -> (Vec<Timed>, String) {
    let mut c = Connection::new(1, Suite::Aes128, 5, [CLIENT, SERVER]);
    let mut out = shaken(&c, 1, Suite::Aes128, "h3", &[]);
    out.push((Orig, c.short(Orig, &stream(0, 0, true, &ask(GET, "/hidden", &[])))));
    out.push((Resp, c.short(Resp, &stream(0, 0, true, &[ok(TEXT, "5"), h3(DATA, b"quiet")].concat()))));
    (flow(5, 443, &out), String::new())
}
