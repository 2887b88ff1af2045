//! Captures of hosts that are commanded from outside, judged by `sekisho audit`; each among the traffic of an office.

mod common;

use common::{Frames, audited};
use sekisho_testkit::dns::{TO_QUESTION, header, kind, question, record};
use sekisho_testkit::quic::{client_hello, server_hello};
use sekisho_testkit::{Conversation, Endpoint, Frame, Timestamp};
use sekisho_types::{Dir, Interval};
use serde_json::Value;

/// Monday 2026-03-02, 00:00 UTC.
const START: i64 = 1_772_409_600;
const HOUR: u32 = 3_600;

const HOST: &str = "10.0.0.5";

type Says<'a> = &'a [(Dir, &'a [u8])];

fn at(seconds: u32) -> Timestamp {
    Timestamp::from_parts(START + i64::from(seconds), 0)
}

/// The findings of these packets that are about command and control: code, severity, subject and key.
fn judged(frames: &[Frames]) -> Vec<[String; 4]> {
    let page = audited(frames);
    let text = |f: &Value, name: &str| f[name].as_str().unwrap().to_owned();
    let all = page["findings"].as_array().unwrap().iter().filter(|f| text(f, "id").starts_with("c2-"));
    all.map(|f| ["code", "severity", "subject", "key"].map(|name| text(f, name))).collect()
}

fn finding(code: &str, severity: &str, subject: &str, key: &str) -> [String; 4] {
    [code, severity, subject, key].map(str::to_owned)
}

/// A connection that says these things, a tenth of a second apart, and ends.
fn connection(start: u32, from: &str, port: u16, to: &str, says: Says<'_>) -> Frames {
    let end = |host: &str, port: u16| Endpoint::from((host.parse::<sekisho_types::Addr>().unwrap(), port));
    let (host, to_port) = to.rsplit_once(' ').unwrap();
    let orig = end(from, port);
    let resp = end(host, to_port.parse().unwrap());
    let mut talk = Conversation::new(orig, resp).at(at(start)).every(Interval::from_secs(0)).syn();
    for (dir, bytes) in says {
        talk = talk.send(*dir, bytes);
    }
    talk.fin().frames()
}

/// A request by HTTP with its answer.
fn request(start: u32, from: &str, to: &str, host: &str, path: &str) -> Frames {
    let asks = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: x\r\n\r\n");
    let port = 20_000 + u16::try_from(start % 40_000).unwrap();
    let says: Says<'_> =
        &[(Dir::Orig, asks.as_bytes()), (Dir::Resp, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")];
    connection(start, from, port, to, says)
}

/// A day of an office: 16 hosts that browse in bursts through the day, each at its own hours, and look for updates once an hour.
fn office() -> Frames {
    let mut frames = Frames::new();
    for host in 0..16u32 {
        let from = format!("10.0.1.{}", host + 10);
        for burst in 0..6u32 {
            let mut start = 8 * HOUR + (host * 977 + burst * 5_711) % (9 * HOUR);
            for k in 0..12u32 {
                let site = (burst * 7 + host * k) % 23;
                let path = format!("/{}", "a".repeat((911 * k as usize + host as usize) % 700));
                frames.extend(request(
                    start,
                    &from,
                    &format!("198.51.100.{site} 80"),
                    &format!("www{site}.example"),
                    &path,
                ));
                start += 2 + (7 * k * k + 11 * burst) % 29;
            }
        }
        for hour in 0..24u32 {
            frames.extend(request(hour * HOUR + host * 61, &from, "198.51.100.200 80", "updates.example", "/check"));
        }
    }
    frames
}

fn exchange(start: u32, client: &str, name: &str, qtype: u16, rcode: u16, records: &[Vec<u8>]) -> Frames {
    let (from, server) = (format!("{client}:{}", 30_000 + start % 30_000), "198.51.100.53:53");
    let id = u16::try_from(start % 65_000).unwrap();
    let mut reply = header(id, 0x8180 | rcode, [1, u16::try_from(records.len()).unwrap(), 0, 0]);
    reply.extend_from_slice(&question(id, name, qtype)[12..]);
    reply.extend(records.concat());
    let later = Timestamp(at(start).0 + 20_000_000);
    vec![
        (at(start), Frame::udp(from.as_str(), server, &question(id, name, qtype)).frame()),
        (later, Frame::udp(server, from.as_str(), &reply).frame()),
    ]
}

/// Characters that differ with `n`.
fn random(n: u32, len: u8) -> String {
    let digit = |k: u8| {
        char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(sekisho_types::seeded_hash(n.into(), &[k]) % 32) as usize])
    };
    (0..len).map(digit).collect()
}

#[test]
fn an_office_calls_nobody_as_beacons_do() {
    assert_eq!(judged(&[office()]), Vec::<[String; 4]>::new());
}

#[test]
fn a_beacon_among_an_office() {
    // V2: about five minutes with a tenth of jitter; and V8: each minute, often skipped.
    let mut start = 10;
    let mut jittered = Frames::new();
    for i in 0..286u32 {
        jittered.extend(request(start, HOST, "203.0.113.9 80", "cdn.sync.example", "/p"));
        start += 270 + (37 * i) % 61;
    }
    let kept = (0..1440u32).filter(|k| matches!((k * k + k / 3) % 7, 0 | 1 | 4));
    let skipping =
        kept.flat_map(|k| request(30 + 60 * k, "10.0.1.12", "203.0.113.10 80", "203.0.113.10", "/")).collect();
    let all = judged(&[office(), jittered, skipping]);
    assert_eq!(
        all,
        [
            finding("c2-beacon/regular", "high", HOST, "cdn.sync.example"),
            finding("c2-beacon/regular", "high", "10.0.1.12", "203.0.113.10"),
        ]
    );
}

#[test]
fn a_beacon_through_a_proxy() {
    let says: Says<'_> = &[
        (Dir::Orig, b"CONNECT hidden.example:443 HTTP/1.1\r\nHost: hidden.example:443\r\n\r\n"),
        (Dir::Resp, b"HTTP/1.1 200 OK\r\n\r\n"),
        (Dir::Orig, &[0xee; 300]),
        (Dir::Resp, &[0xdd; 500]),
    ];
    let calls =
        (0..288u32).map(|k| connection(k * 300, HOST, 20_000 + u16::try_from(k).unwrap(), "10.0.0.80 3128", says));
    let all = judged(&[office(), calls.collect::<Vec<_>>().concat()]);
    assert_eq!(all, [finding("c2-beacon/regular", "high", HOST, "hidden.example")]);
}

#[test]
fn data_in_names() {
    // Base32 of 32 characters, asked as addresses each 32 seconds for a day: a byte a second.
    let answer = [record(TO_QUESTION, kind::A, 60, &[203, 0, 113, 9])];
    let slow = (0..2700u32)
        .flat_map(|k| exchange(k * 32, HOST, &format!("{}.t.evil.example", random(k, 32)), kind::A, 0, &answer));
    assert_eq!(judged(&[slow.collect()]), [finding("c2-dns-tunnel/slow", "medium", HOST, "evil.example")]);
    let fast =
        (0..300u32).flat_map(|k| exchange(k, HOST, &format!("{}.t.evil.example", random(k, 32)), kind::A, 0, &answer));
    assert_eq!(judged(&[fast.collect(), office()]), [finding("c2-dns-tunnel/fast", "high", HOST, "evil.example")]);
}

#[test]
fn generated_names_until_one_exists() {
    let tops = ["com", "net", "org", "biz"];
    let letters = |n: u32| -> String {
        (0..14u8).map(|k| char::from(b'a' + (sekisho_types::seeded_hash(n.into(), &[k, 1]) % 26) as u8)).collect()
    };
    let mut frames: Frames = (0..39u32)
        .flat_map(|k| exchange(k, HOST, &format!("{}.{}", letters(k), tops[k as usize % 4]), kind::A, 3, &[]))
        .collect();
    let answer = [record(TO_QUESTION, kind::A, 60, &[203, 0, 113, 9])];
    let name = "xqvkzgwbnjqhtd.com".to_owned();
    frames.extend(exchange(40, HOST, &name, kind::A, 0, &answer));
    frames.extend(request(42, HOST, "203.0.113.9 80", &name, "/"));
    assert_eq!(
        judged(&[frames, office()]),
        [finding("c2-dga/resolved/used", "high", HOST, &name), finding("c2-dga/nx-burst", "medium", HOST, "")]
    );
}

#[test]
fn a_shell_sent_out_and_a_miner() {
    let shell: Says<'_> = &[
        (Dir::Orig, b"Microsoft Windows [Version 10.0.19045.4170]\r\n(c) Microsoft Corporation. All rights reserved.\r\n\r\nC:\\Users\\ada>"),
        (Dir::Resp, b"dir\n"),
        (Dir::Orig, b" Volume in drive C has no label.\r\nC:\\Users\\ada>"),
    ];
    let stratum: Says<'_> = &[
        (Dir::Orig, b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"cpuminer/2.5.1\"]}\n"),
        (Dir::Resp, b"{\"id\":1,\"result\":[[[\"mining.notify\",\"ae68\"]],\"08000002\",4],\"error\":null}\n"),
        (Dir::Orig, b"{\"params\": [\"wallet.worker\", \"x\"], \"id\": 2, \"method\": \"mining.authorize\"}\n"),
    ];
    let all = judged(&[
        connection(100, HOST, 40_000, "203.0.113.9 4444", shell),
        connection(200, "10.0.1.11", 40_001, "203.0.113.10 3333", stratum),
    ]);
    assert_eq!(
        all,
        [
            finding("c2-mining/stratum", "high", "10.0.1.11", "203.0.113.10:3333"),
            finding("c2-interactive-reverse/shell-banner", "high", HOST, "203.0.113.9:4444"),
        ]
    );
}

#[test]
fn open_for_thirteen_hours() {
    let mut talk = Conversation::new("10.0.0.5:40000", "203.0.113.9:4444").at(at(0)).syn();
    for _ in 0..13 * 120 {
        talk = talk.wait(Interval::from_secs(30)).send(Dir::Orig, &[0xee; 40]).send(Dir::Resp, &[0xdd; 40]);
    }
    let all = judged(&[talk.fin().frames()]);
    let found = ["c2-beacon/in-flow", "c2-long-connection/silent-keepalive", "c2-long-connection/single"];
    assert_eq!(sorted(all), found.map(|code| finding(code, "high", HOST, "203.0.113.9:4444")));
}

fn sorted(mut all: Vec<[String; 4]>) -> Vec<[String; 4]> {
    all.sort();
    all
}

#[test]
fn a_beacon_within_one_connection() {
    let frame =
        |len: u8, mask: &[u8]| [&[0x82, len + (mask.len() as u8) * 32][..], mask, &vec![0x41; len.into()]].concat();
    let large = [&[0x82, 126, 0x23, 0x28][..], &[0x42; 9_000]].concat();
    let ask = b"GET /ws HTTP/1.1\r\nHost: push.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let agree = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let mut talk = Conversation::new("10.0.0.5:40000", "203.0.113.9:80").at(at(60)).syn();
    talk = talk.send(Dir::Orig, ask).send(Dir::Resp, agree);
    for k in 0..1_800u32 {
        talk = talk.wait(Interval::from_secs(i64::from(45 + k % 5))).send(Dir::Orig, &frame(54, &[0, 0, 0, 0]));
        talk = talk.send(Dir::Resp, if matches!(k, 700 | 1_500) { &large } else { &[0x82, 78] });
        if !matches!(k, 700 | 1_500) {
            talk = talk.send(Dir::Resp, &[0x43; 78]);
        }
    }
    let all = judged(&[office(), talk.fin().frames()]);
    let found = [("c2-beacon/in-flow", "medium"), ("c2-long-connection/single", "low")];
    assert_eq!(all, found.map(|(code, severity)| finding(code, severity, HOST, "push.example:80")));
}

#[test]
fn somebody_types_from_outside() {
    // Forty keys in four stretches, each echoed, and something to read behind each stretch; nothing of it text.
    let step = |millis: i64| Interval(millis * 1_000_000);
    let typed = |keys: u8, far: Dir| {
        let near = if far.is_orig() { Dir::Resp } else { Dir::Orig };
        let mut talk = Conversation::new("10.0.0.5:40000", "203.0.113.9:4444").at(at(100)).every(step(0)).syn();
        talk = talk.send(Dir::Orig, &[1, 2, 3, 0xfe]).wait(Interval::from_secs(3));
        for stretch in 0..4 {
            for key in 0..keys {
                talk = talk.wait(step(150 + i64::from(key % 7) * 40)).send(far, &[0x80 | key]);
                talk = talk.wait(step(30)).send(near, &[0x80 | key]);
            }
            talk = talk.send(near, &vec![0xee; 500 + stretch * 100]).wait(Interval::from_secs(6));
        }
        judged(&[talk.fin().frames()])
    };
    assert_eq!(
        typed(11, Dir::Resp),
        [finding("c2-interactive-reverse/keystrokes", "medium", HOST, "203.0.113.9:4444")]
    );
    assert_eq!(typed(7, Dir::Resp), Vec::<[String; 4]>::new(), "too few");
    assert_eq!(typed(11, Dir::Orig), Vec::<[String; 4]>::new(), "the host at home types");
}

#[test]
fn requests_that_no_browser_makes() {
    let dense = |n: u32| -> Vec<u8> {
        (0..40u8).flat_map(|k| sekisho_types::seeded_hash(n.into(), &[k, 7]).to_be_bytes()).collect()
    };
    let post = |n: u32, agent: &str| {
        let body = dense(n);
        let head = format!(
            "POST /submit HTTP/1.1\r\nHost: cdn.evil.example\r\nUser-Agent: {agent}\r\nCookie: s={}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            random(n, 64),
            body.len()
        );
        [head.as_bytes(), &body].concat()
    };
    let mut frames = Frames::new();
    for n in 0..30u32 {
        // The clock is not regular: this is not about that.
        let start = 30_000 + n * 60 + n * n * 7 % 53;
        let asks = post(n, "Sync agent 1.0");
        let program = [b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0".to_vec(), vec![0; 600]].concat();
        let image = format!("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n", program.len());
        let image = [image.as_bytes(), &program].concat();
        let short: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let says: Says<'_> = &[(Dir::Orig, &asks), (Dir::Resp, if n == 20 { &image } else { short })];
        frames.extend(connection(start, HOST, 30_000 + n as u16, "203.0.113.9 80", says));
    }
    let all = judged(&[office(), frames]);
    let traits: Vec<_> = all.into_iter().filter(|f| f[0].starts_with("c2-http-traits")).collect();
    assert_eq!(traits, [finding("c2-http-traits/payload", "high", HOST, "cdn.evil.example")]);
}

#[test]
fn noise_from_the_first_byte_on() {
    let noise = |n: u64, len: usize| -> Vec<u8> {
        let block = |k: usize| sekisho_types::seeded_hash(n, &k.to_be_bytes()).to_be_bytes();
        (0..len / 8).flat_map(block).collect()
    };
    let mut talk = Conversation::new("10.0.0.5:40000", "203.0.113.9:8388").at(at(0)).syn();
    for n in 0..40 {
        talk = talk.send(Dir::Orig, &noise(n, 640)).send(Dir::Resp, &noise(n + 99, 2_800));
    }
    let all = judged(&[talk.fin().frames()]);
    assert_eq!(all, [finding("c2-anonymizer/obfuscated", "low", HOST, "203.0.113.9:8388")]);
}

/// A handshake's message in a record of TLS.
fn record_of(message: &[u8]) -> Vec<u8> {
    [&[0x16, 3, 3][..], &u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

#[test]
fn a_tunnel_through_the_proxy_to_another_name() {
    let tunnel = |name: &str| {
        let (asks, answers) = (record_of(&client_hello(name, &["h2"])), record_of(&server_hello()));
        let says: Says<'_> = &[
            (Dir::Orig, b"CONNECT good.example:443 HTTP/1.1\r\nHost: good.example:443\r\n\r\n"),
            (Dir::Resp, b"HTTP/1.1 200 OK\r\n\r\n"),
            (Dir::Orig, &asks),
            (Dir::Resp, &answers),
        ];
        judged(&[connection(100, HOST, 40_000, "10.0.0.80 3128", says)])
    };
    let key = "hidden.test in good.example";
    assert_eq!(tunnel("hidden.test"), [finding("c2-fronting/connect-sni", "high", HOST, key)]);
    assert_eq!(tunnel("www.good.example"), Vec::<[String; 4]>::new());
}

#[test]
fn relays_of_tor() {
    let session = |start: u32, name: &str| {
        let (asks, answers) = (record_of(&client_hello(name, &[])), record_of(&server_hello()));
        let says: Says<'_> = &[(Dir::Orig, &asks), (Dir::Resp, &answers)];
        connection(start, HOST, 40_000 + start as u16, &format!("203.0.113.{start} 443"), says)
    };
    let all = judged(&[session(10, "www.6dyxkqo3lpxvb.com"), session(20, "www.q4ckxfr7ahz3.com"), office()]);
    let tor: Vec<_> = all.iter().filter(|f| f[0].starts_with("c2-anonymizer")).cloned().collect();
    assert_eq!(tor, [finding("c2-anonymizer/tor", "medium", HOST, "Tor")]);
}
