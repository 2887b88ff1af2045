//! Names asked and answered.

use crate::{Capture, Timed, addr, at, at_ms};
use sekisho_testkit::dns::{ANSWER, QUERY, TO_QUESTION, answer, asked, header, kind, name, question, record, texts};
use sekisho_testkit::{Conversation, Dir, Frame};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("dns/lookups", lookups()),
        Capture::ethernet("dns/tcp", tcp()),
        Capture::ethernet("dns/local", local()),
        Capture::ethernet("dns/hostile", hostile()),
    ]
}

/// Question and answer as frames, 20 ms apart.
fn exchange(secs: i64, port: u16, query: &[u8], reply: &[u8]) -> Vec<Timed> {
    let (client, server) = (format!("10.0.0.1:{port}"), "192.0.2.53:53");
    vec![
        (at(secs), Frame::udp(client.as_str(), server, query).frame()),
        (at_ms(secs * 1000 + 20), Frame::udp(server, client.as_str(), reply).frame()),
    ]
}

/// A with alias, AAAA, MX, SRV, PTR, TXT, a name that is not there, EDNS, and a question nobody answered.
fn lookups() -> Vec<Timed> {
    let v4 = |o: [u8; 4]| o.to_vec();
    let mut out = Vec::new();
    let mut ask = |n: u16, text: &str, kind: u16, flags: u16, records: &[Vec<u8>]| {
        out.extend(exchange(i64::from(n), 40000 + n, &question(n, text, kind), &answer(n, flags, text, kind, records)));
    };
    ask(
        1,
        "www.example.org",
        kind::A,
        ANSWER,
        &[
            record(TO_QUESTION, kind::CNAME, 300, &name("web.example.net")),
            record(&name("web.example.net"), kind::A, 60, &v4([198, 51, 100, 7])),
            record(&name("web.example.net"), kind::A, 60, &v4([198, 51, 100, 8])),
        ],
    );
    ask(2, "www.example.org", kind::AAAA, ANSWER, &[record(TO_QUESTION, kind::AAAA, 60, addr("2001:db8::7").octets())]);
    let mx = [&10u16.to_be_bytes()[..], &name("mail.example.org")].concat();
    ask(3, "example.org", kind::MX, ANSWER, &[record(TO_QUESTION, kind::MX, 3600, &mx)]);
    let srv = [&[0, 1, 0, 2, 0x01, 0xbb][..], &name("sip.example.org")].concat();
    ask(4, "_sip._tcp.example.org", kind::SRV, ANSWER, &[record(TO_QUESTION, kind::SRV, 120, &srv)]);
    ask(
        5,
        "7.100.51.198.in-addr.arpa",
        kind::PTR,
        ANSWER,
        &[record(TO_QUESTION, kind::PTR, 86400, &name("web.example.net"))],
    );
    ask(6, "nothing.example.org", kind::A, ANSWER | 3, &[]);
    ask(7, "broken.example.org", kind::A, ANSWER | 2, &[]);
    out.extend(exchange(
        8,
        40008,
        &question(8, "note.example.org", 16),
        &texts(8, "note.example.org", &[b"v=spf1 -all", b"two"]),
    ));
    // EDNS in both (RFC 6891): an OPT record, payload size 1232.
    let opt = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0];
    let query = [&header(9, QUERY, [1, 0, 0, 1])[..], &asked("edns.example.org", kind::A), &opt].concat();
    let a = record(TO_QUESTION, kind::A, 60, &v4([198, 51, 100, 9]));
    let reply = [&header(9, ANSWER, [1, 1, 0, 1])[..], &asked("edns.example.org", kind::A), &a, &opt].concat();
    out.extend(exchange(9, 40009, &query, &reply));
    out.push((at(10), Frame::udp("10.0.0.1:40010", "192.0.2.53:53", &question(10, "silence.example.org", 1)).frame()));
    out
}

/// Two questions on one TCP connection, the answers in one segment and the second cut in two.
fn tcp() -> Vec<Timed> {
    let framed = |m: Vec<u8>| [&u16::try_from(m.len()).expect("short").to_be_bytes()[..], &m].concat();
    let queries = [framed(question(1, "one.example", kind::A)), framed(question(2, "two.example", kind::A))].concat();
    let reply =
        |id, text| framed(answer(id, ANSWER, text, kind::A, &[record(TO_QUESTION, kind::A, 60, &[198, 51, 100, 1])]));
    let replies = [reply(1, "one.example"), reply(2, "two.example")].concat();
    Conversation::new("10.0.0.1:40000", "192.0.2.53:53")
        .syn()
        .send(Dir::Orig, &queries)
        .send_split(Dir::Resp, &replies, &[60])
        .fin()
        .frames()
}

/// Names on the local network: mDNS (RFC 6762), LLMNR (RFC 4795), NetBIOS (RFC 1002).
fn local() -> Vec<Timed> {
    let mdns = [header(0, 0x8400, [0, 1, 0, 0]), record(&name("printer.local"), kind::A, 120, &[10, 0, 0, 9])].concat();
    // "FILES" padded to 15, suffix 0x20; each half byte becomes a letter from A on.
    let padded: Vec<u8> = b"FILES          \x20".iter().flat_map(|b| [b'A' + (b >> 4), b'A' + (b & 15)]).collect();
    let netbios = String::from_utf8(padded).expect("letters");
    vec![
        (at(0), Frame::udp("10.0.0.1:5353", "224.0.0.251:5353", &question(0, "printer.local", kind::A)).frame()),
        (at_ms(50), Frame::udp("10.0.0.9:5353", "224.0.0.251:5353", &mdns).frame()),
        (at(1), Frame::udp("10.0.0.1:50001", "224.0.0.252:5355", &question(7, "wpad", kind::A)).frame()),
        (
            at(2),
            Frame::udp(
                "10.0.0.1:137",
                "10.0.0.255:137",
                &[header(8, 0x0110, [1, 0, 0, 0]), asked(&netbios, kind::NB)].concat(),
            )
            .frame(),
        ),
    ]
}

/// A pointer to itself, a message cut short, counts that promise too much, and port 53 without DNS.
fn hostile() -> Vec<Timed> {
    let looping = [&header(1, QUERY, [1, 0, 0, 0])[..], &[0xc0, 12, 0, 1, 0, 1]].concat();
    let mut cut = question(2, "cut.example", kind::A);
    cut.truncate(20);
    let promised = [header(3, ANSWER, [1, 500, 0, 0]), asked("many.example", kind::A)].concat();
    let send = |n: u16, payload: &[u8]| {
        (at(i64::from(n)), Frame::udp(format!("10.0.0.1:{}", 40000 + n).as_str(), "192.0.2.53:53", payload).frame())
    };
    let reply = Frame::udp("192.0.2.53:53", "10.0.0.1:40003", &promised).frame();
    vec![
        send(1, &looping),
        send(2, &cut),
        send(3, &question(3, "many.example", 1)),
        (at_ms(3010), reply),
        send(4, b"not a name"),
    ]
}
