//! Hidden and odd channels out of the network: S-09 to S-15.

use super::stage::{Ask, Stage};
use super::{DAY, HOUR, MINUTE, SECOND, Scene, scene};
use crate::Conversation;
use crate::Dir::{Orig, Resp};
use crate::dns::{NXDOMAIN, TO_QUESTION, kind, record};
use crate::tls::{self, AGENT, BROWSER, Client, Sealed, certificate};
use sekisho_types::Interval;

pub(super) const ALL: &[Scene] = &[
    scene("S-09", "TXT questions, 32 characters of Base32 every 32 s for a day", tunnel),
    scene("S-10", "block lists, a reputation service, a content network with digests in its names", lookups),
    scene("S-11", "40 generated names, one of which exists and is called", generated),
    scene("S-12", "40 real names that have expired; a browser's three random labels", expired),
    scene(
        "S-13",
        "a POST each minute, rare agent, four headers, changing cookie, a program told as a picture",
        implant,
    ),
    scene(
        "S-14",
        "names that disagree: of TLS and of HTTP in it; of a proxy's CONNECT and of TLS through it",
        fronting,
    ),
    scene("S-14-shared", "one connection of HTTP/2 for two names of a certificate", coalesced),
    scene("S-15", "a shell sent out to port 4444, typed in from outside", shell),
];

const HOST: &str = "10.0.1.17";
const OUTSIDE: &str = "203.0.113.9";

/// Characters of Base32 that differ with `n`.
fn base32(s: &mut Stage, len: usize) -> String {
    (0..len).map(|_| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[s.random.below(32) as usize])).collect()
}

fn text(content: &str) -> Vec<u8> {
    record(TO_QUESTION, kind::TXT, 60, &[&[content.len() as u8], content.as_bytes()].concat())
}

fn tunnel(s: &mut Stage) {
    s.office(0, DAY);
    for k in 0..2_700 {
        let name = format!("{}.t.carrier.example", base32(s, 32));
        let reply = base32(s, 24);
        s.dns(k * 32 * SECOND, HOST, &name, kind::TXT, 0, &[text(&reply)]);
    }
    s.expect("c2-dns-tunnel/slow", HOST, 0, DAY);
}

fn lookups(s: &mut Stage) {
    s.office(8 * HOUR, 18 * HOUR);
    for k in 0..2_000i64 {
        let name = format!("{}.{}.2.192.zen.blocklist.example", k % 251, k / 251);
        let listed = [record(TO_QUESTION, kind::A, 60, &[127, 0, 0, 2 + (k % 9) as u8])];
        let code = if k % 4 == 0 { 0 } else { NXDOMAIN };
        s.dns(8 * HOUR + k * 15 * SECOND, "10.0.0.25", &name, kind::A, code, if code == 0 { &listed } else { &[] });
    }
    for host in 0..5i64 {
        for k in 0..60 {
            let name = format!("{}.rep.avcheck.example", base32(s, 26));
            let listed = [record(TO_QUESTION, kind::A, 60, &[127, 1, 0, (k % 200) as u8])];
            s.dns(9 * HOUR + k * 5 * MINUTE + host * 7_000, &super::office::host(host), &name, kind::A, 0, &listed);
        }
    }
    for k in 0..500i64 {
        let (digest, host) = (base32(s, 12), super::office::host(k));
        let ms = 9 * HOUR + k * MINUTE;
        s.visit(ms, &host, (&format!("d{digest}.cdn.example"), "198.51.100.77"), &BROWSER, [400, 6_000]);
    }
}

fn generated(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let tops = ["com", "net", "org", "biz"];
    let begin = 9 * HOUR;
    for k in 0..39i64 {
        let len = 11 + s.random.below(5) as usize;
        let name = format!("{}.{}", s.random.letters(len), tops[k as usize % 4]);
        s.dns(begin + k * SECOND, HOST, &name, kind::A, NXDOMAIN, &[]);
    }
    s.visit(begin + 40 * SECOND, HOST, ("xqvkzgwbnjqhtd.com", OUTSIDE), &AGENT, [500, 900]);
    s.expect("c2-dga/nx-burst", HOST, begin, begin + MINUTE);
    s.expect("c2-dga/resolved/used", HOST, begin, begin + 2 * MINUTE);
}

/// Registered names as people choose them.
const REAL: [&str; 40] = [
    "gardenbooks",
    "harborview",
    "littleriver",
    "mountainbike",
    "sunnyhotel",
    "bluekitchen",
    "oldmill",
    "photocorner",
    "greenhouse",
    "cityrunners",
    "bestrecipes",
    "carparts",
    "travelnotes",
    "woodworking",
    "musicschool",
    "petshop",
    "dailynews",
    "coffeehouse",
    "sailingclub",
    "weatherstation",
    "bookstore",
    "homedesign",
    "yogastudio",
    "filmfestival",
    "localmarket",
    "winecellar",
    "chessclub",
    "fitnesscenter",
    "artgallery",
    "childrenstoys",
    "gamereviews",
    "languageschool",
    "marathon",
    "naturetrail",
    "openlibrary",
    "paintshop",
    "quickloans",
    "roadtrip",
    "smallbusiness",
    "teahouse",
];

fn expired(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    for (k, label) in REAL.iter().enumerate() {
        let top = ["com", "net", "org", "info"][k % 4];
        s.dns(9 * HOUR + k as i64 * SECOND, HOST, &format!("{label}.{top}"), kind::A, NXDOMAIN, &[]);
    }
    for k in 0..3 {
        let label = s.random.letters(10);
        s.dns(10 * HOUR + k * 20, &super::office::host(3), &label, kind::A, NXDOMAIN, &[]);
    }
}

/// The beginning of a program for Windows.
pub(super) fn program(s: &mut Stage, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; 0x40];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = 0x80;
    bytes.extend(b"\x0e\x1f\xba\x0e\0\xb4\x09\xcd!\xb8\x01L\xcd!This program cannot be run in DOS mode.\r\r\n$");
    bytes.resize(0x80, 0);
    bytes.extend(b"PE\0\0\x64\x86\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0\0\x22\0\x0b\x02");
    let rest = s.random.bytes(len.saturating_sub(bytes.len()));
    bytes.extend(rest);
    bytes
}

/// The request of an implant that reports, with a cookie of 64 characters: four headers with the length of the body.
pub(super) fn report(s: &mut Stage) -> Ask<'static> {
    let cookie: String = s.random.bytes(32).iter().map(|b| format!("{b:02x}")).collect();
    Ask {
        method: "POST",
        host: "update.telemetry-sync.example",
        path: "/submit",
        head: format!("User-Agent: telemetry-sync/7.1\r\nCookie: {cookie}\r\n"),
        body: s.random.bytes(320),
        status: "200 OK",
        kind: "text/plain",
        answer: b"ok".to_vec(),
    }
}

fn implant(s: &mut Stage) {
    s.office(8 * HOUR, 12 * HOUR);
    s.agents(8 * HOUR + 10 * MINUTE);
    let begin = 9 * HOUR;
    s.resolve(begin - SECOND, HOST, "update.telemetry-sync.example", OUTSIDE);
    for k in 0..120 {
        let mut ask = report(s);
        if k == 3 {
            (ask.kind, ask.answer) = ("image/png", program(s, 20_000));
        }
        s.http(begin + k * MINUTE, HOST, &format!("{OUTSIDE}:80"), &ask);
    }
    s.expect("c2-http-traits/payload", HOST, begin, begin + 2 * HOUR);
}

/// Clients that offer one protocol within TLS.
const OVER_1: Client = Client { alpn: &["http/1.1"], ..BROWSER };
const OVER_2: Client = Client { alpn: &["h2"], ..BROWSER };

/// A session of TLS whose secrets the key log tells.
fn opened(s: &mut Stage, ms: i64, server: &str, client: &Client, sni: &str, names: &[&str]) -> (Conversation, Sealed) {
    let (random, secrets) = (s.bytes32(), std::array::from_fn(|_| s.bytes32()));
    let session = Sealed::new(random, secrets);
    s.tell_secrets(&session.key_log());
    let mut c = s.open(ms, HOST, server);
    let certificate = certificate(names);
    for (dir, flight) in [Orig, Resp, Orig].into_iter().zip(session.handshake(client, sni, &[&certificate])) {
        c.say(dir, &flight);
    }
    (c, session)
}

fn fronting(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let begin = 9 * HOUR;
    let server = "203.0.113.60";
    s.involve(server);
    s.resolve(begin - SECOND, HOST, "www.a.example", server);
    let (mut c, mut session) = opened(s, begin, &format!("{server}:443"), &OVER_1, "www.a.example", &["www.a.example"]);
    for k in 0..3 {
        let ask =
            format!("GET /feed?{k} HTTP/1.1\r\nHost: www.b.example\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n");
        c.say(Orig, &session.data(Orig, ask.as_bytes()));
        let tell = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
        c.say(Resp, &session.data(Resp, tell));
        c.pause(Interval::from_secs(7));
    }
    s.add(&mut c.fin());
    s.expect("c2-fronting/sni-host", HOST, begin, begin + MINUTE);
    // Through a proxy both names are in clear.
    let (mut c, other) = (s.open(begin + 20 * MINUTE, "10.0.1.18", "10.0.0.80:3128"), [s.bytes32(), s.bytes32()]);
    c.say(Orig, b"CONNECT cdn.x.example:443 HTTP/1.1\r\nHost: cdn.x.example:443\r\n\r\n");
    c.say(Resp, b"HTTP/1.1 200 OK\r\n\r\n");
    c.say(Orig, &tls::client_hello(&BROWSER, "hidden.y.example", &other[0]));
    c.say(Resp, &tls::server_flight(&BROWSER, &other[1], &other[0]));
    c.say(Orig, &tls::finished());
    for (dir, len) in [(Orig, 700), (Resp, 4_000)] {
        c.say(dir, &tls::record(23, &s.random.bytes(len)));
    }
    s.add(&mut c.fin());
    s.expect("c2-fronting/connect-sni", "10.0.1.18", begin, begin + 21 * MINUTE);
}

/// A HEADERS frame that ends its stream (RFC 9113 §6.2).
fn headers(stream: u8, block: &[u8]) -> Vec<u8> {
    [&[0, 0, block.len() as u8, 1, 5, 0, 0, 0, stream][..], block].concat()
}

/// GET / of a name, by HPACK's static table (RFC 7541 Appendix A).
fn get(stream: u8, authority: &str) -> Vec<u8> {
    headers(stream, &[&[0x82, 0x87, 0x84, 0x01, authority.len() as u8][..], authority.as_bytes()].concat())
}

fn coalesced(s: &mut Stage) {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    s.office(8 * HOUR, 11 * HOUR);
    let begin = 9 * HOUR;
    let names = ["www.shop.example", "img.static-shop.example"];
    s.resolve(begin - SECOND, HOST, names[0], "203.0.113.61");
    s.resolve(begin - SECOND, HOST, names[1], "203.0.113.61");
    s.involve("203.0.113.61");
    let (mut c, mut session) = opened(s, begin, "203.0.113.61:443", &OVER_2, names[0], &names);
    let hello = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &SETTINGS].concat();
    c.say(Orig, &session.data(Orig, &hello));
    c.say(Resp, &session.data(Resp, &SETTINGS));
    for (stream, name) in [(1, names[0]), (3, names[1]), (5, names[1])] {
        c.say(Orig, &session.data(Orig, &get(stream, name)));
        c.say(Resp, &session.data(Resp, &headers(stream, &[0x88])));
    }
    s.add(&mut c.fin());
}

fn shell(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let begin = 9 * HOUR;
    let mut c = s.open(begin, HOST, &format!("{OUTSIDE}:4444"));
    c.say(
        Orig,
        b"Microsoft Windows [Version 10.0.19045.4170]\r\n(c) Microsoft Corporation. All rights reserved.\r\n\r\nC:\\Users\\ada>",
    );
    // 40 keystrokes in four bursts, each echoed; at the end of each burst what the command prints.
    for command in ["whoami /a\n", "dir c:\\us\n", "net user \n", "ipconfig \n"] {
        c.pause(Interval::from_secs(6));
        for (k, key) in command.bytes().enumerate() {
            c.pause(Interval::from_millis(110 + (k as i64 * 53) % 170));
            c.say(Resp, &[key]);
            c.say(Orig, &[key]);
        }
        let listing = " Volume in drive C has no label.\r\n02.03.2026  08:11    <DIR>          Users\r\n".repeat(12);
        c.say(Orig, listing.as_bytes());
        c.say(Orig, b"C:\\Users\\ada>");
    }
    s.add(&mut c.fin());
    s.expect("c2-interactive-reverse/shell-banner", HOST, begin, begin + MINUTE);
    s.expect("c2-interactive-reverse/keystrokes", HOST, begin, begin + 5 * MINUTE);
}
