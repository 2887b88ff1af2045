//! Regular call-outs: S-01 to S-08.

use super::stage::Stage;
use super::{DAY, HOUR, MINUTE, SECOND, Scene, scene};
use crate::Dir::{Orig, Resp};
use crate::tls::{self, AGENT, BROWSER};
use sekisho_types::Interval;

pub(super) const ALL: &[Scene] = &[
    scene("S-01", "V1, V2, V3, V5, V7, V8 of the specification, and V9, which is chance", vectors),
    scene(
        "S-02",
        "each minute of office hours for 20 days of work, silent else; the host is up all the time",
        scheduled,
    ),
    scene("S-03", "one WebSocket, 60 bytes every 45 s, rare large answers", websocket),
    scene("S-04", "90,000 connections in a day", strobe),
    scene("S-05", "V2 through a proxy", proxied),
    scene("S-06", "browsing in bursts", browsing),
    scene("S-07", "a mail client in hours of work, at irregular gaps", mail_client),
    scene("S-08", "13 hours of raw TCP, 40 bytes each 30 s both ways", raw),
    scene("S-08-video", "13 hours of video, 1.2 GB", video),
];

const HOST: &str = "10.0.1.17";

/// Contacts of a vector: times in seconds, and bytes beyond the usual.
pub(super) fn vector(n: u32) -> Vec<(i64, usize)> {
    let until = |mut t: i64, gap: &dyn Fn(i64) -> i64| {
        let mut all = Vec::new();
        for i in 0.. {
            if t >= 86_000 {
                break;
            }
            all.push(t);
            t += gap(i);
        }
        all
    };
    let minutes = |keep: &dyn Fn(i64) -> bool| (0..1_440).filter(|k| keep(*k)).map(|k| 30 + 60 * k).collect::<Vec<_>>();
    let times = match n {
        1 => minutes(&|_| true),
        2 => until(10, &|i| 300 + (37 * i) % 61 - 30),
        3 => until(10, &|i| 150 + (97 * i) % 151),
        4 => minutes(&|k| (9 * 60..18 * 60).contains(&k)),
        5 => minutes(&|k| k % 3 != 2),
        7 => (0..12).map(|k| 600 + 7_200 * k).collect(),
        8 => minutes(&|k| matches!((k * k + k / 3) % 7, 0 | 1 | 4)),
        9 => {
            let h = |n: u64| (2_654_435_761u64.wrapping_mul(n) >> 7) % 1_024;
            let gap = |k: u64| (-120.0 * ((h(7 * k + 3) + 1) as f64 / 1_025.0).ln()).floor().max(1.0) as i64;
            (0..700).scan(30, |t, k| Some(std::mem::replace(t, *t + gap(k)))).collect()
        }
        _ => unreachable!("no such vector"),
    };
    let size = |k: usize| if n == 2 { (13 * k) % 41 } else { 0 };
    times.into_iter().enumerate().map(|(k, t)| (t, size(k))).collect()
}

/// Contacts by TLS at these times.
fn calls(s: &mut Stage, begin: i64, host: &str, (name, to): (&str, &str), contacts: &[(i64, usize)]) {
    for (k, (t, more)) in contacts.iter().enumerate() {
        if k % 50 == 0 {
            s.resolve(begin + t * SECOND - 200, host, name, to);
        }
        s.tls(begin + t * SECOND, host, &format!("{to}:443"), name, &AGENT, [400 + more, 200]);
    }
}

/// Contacts of which the host sends 400 bytes of IP packets and those beyond, as the golden values have it: five headers, and data.
fn sized_calls(s: &mut Stage, host: &str, to: &str, contacts: &[(i64, usize)]) {
    for (t, more) in contacts {
        let data = s.random.bytes(200 + more);
        s.talk(t * SECOND, host, &format!("{to}:8443"), &[(Orig, &data), (Resp, &data[..100])]);
    }
}

fn vectors(s: &mut Stage) {
    s.office(0, DAY);
    // TS, DS, HIST and score by the specification; V8 with skipped contacts counted. DUR and the scores that it is part of are told of
    // the hour that was most striking, not of the whole day, and so is the TS of V3.
    type Golden = (u32, &'static str, &'static [(&'static str, f64)]);
    let golden: [Golden; 6] = [
        (1, "10.0.1.10", &[("regular in time", 1.0), ("regular in size", 1.0), ("score", 1.0)]),
        (2, "10.0.1.11", &[("regular in time", 0.975), ("regular in size", 0.988)]),
        (3, "10.0.1.12", &[("regular in size", 1.0)]),
        (5, "10.0.1.13", &[("regular in time", 1.0), ("regular in size", 1.0), ("score", 1.0)]),
        (7, "10.0.1.14", &[("regular in time", 1.0), ("regular in size", 1.0)]),
        (8, "10.0.1.15", &[("regular in time", 0.9), ("regular in size", 1.0), ("score", 0.975)]),
    ];
    for (n, host, values) in golden {
        sized_calls(s, host, &format!("203.0.113.{}", 10 + n), &vector(n));
        let expected = s.expect("c2-beacon/regular", host, 0, DAY);
        for (name, value) in values {
            expected.measures(name, *value, 0.0015);
        }
    }
    sized_calls(s, "10.0.1.16", "203.0.113.19", &vector(9));
}

fn scheduled(s: &mut Stage) {
    s.by_calendar();
    s.holiday("2026-03-18");
    s.office(0, 28 * DAY);
    for day in (0..28).filter(|d| d % 7 < 5 && *d != 16) {
        calls(s, day * DAY, HOST, ("metrics.sync.example", "203.0.113.9"), &vector(4));
    }
    // The host is up: it asks for the time and for updates, night and day.
    for k in 0..28 * 48 {
        s.tls(k * 30 * MINUTE + 400 * SECOND, HOST, "198.51.100.200:443", "updates.example", &BROWSER, [300, 900]);
    }
    s.expect("c2-beacon-scheduled/office-hours", HOST, 0, 28 * DAY);
}

/// A request to change to WebSocket, and its answer (RFC 6455 §1.2).
const UPGRADE: [&[u8]; 2] = [
    b"GET /live HTTP/1.1\r\nHost: live.sync.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
];

/// A binary frame of WebSocket (RFC 6455 §5.2); those of clients are masked.
fn websocket_frame(masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask = u8::from(masked) << 7;
    let len = match payload.len() {
        n @ 0..126 => vec![mask | n as u8],
        n => vec![mask | 126, (n >> 8) as u8, n as u8],
    };
    [&[0x82][..], &len, if masked { &[0; 4] } else { &[] }, payload].concat()
}

fn websocket(s: &mut Stage) {
    s.office(0, DAY);
    s.resolve(5 * SECOND, HOST, "live.sync.example", "203.0.113.9");
    let mut c = s.open(6 * SECOND, HOST, "203.0.113.9:80");
    c.say(Orig, UPGRADE[0]);
    c.say(Resp, UPGRADE[1]);
    for k in 0..1_850u64 {
        c.pause(Interval::from_millis(45_000 + (k as i64 * 7_919) % 4_000));
        let (up, down) = (s.random.bytes(60), s.random.bytes(if k == 600 || k == 1_400 { 9_000 } else { 80 }));
        c.say(Orig, &websocket_frame(true, &up));
        c.say(Resp, &websocket_frame(false, &down));
    }
    s.add(&mut c.fin());
    s.expect("c2-beacon/in-flow", HOST, 0, DAY);
}

fn strobe(s: &mut Stage) {
    s.office(0, DAY);
    for k in 0..90_000 {
        s.talk(k * 960 - k % 5, HOST, "203.0.113.9:8081", &[(Orig, b"ping"), (Resp, b"pong")]);
    }
    s.expect("c2-beacon/strobe", HOST, 0, DAY);
}

fn proxied(s: &mut Stage) {
    s.office(0, DAY);
    for (t, more) in vector(2) {
        let mut c = s.open(t * SECOND, HOST, "10.0.0.80:3128");
        c.say(Orig, b"CONNECT hidden.example:443 HTTP/1.1\r\nHost: hidden.example:443\r\n\r\n");
        c.say(Resp, b"HTTP/1.1 200 OK\r\n\r\n");
        let (ours, theirs) = (s.bytes32(), s.bytes32());
        c.say(Orig, &tls::client_hello(&AGENT, "hidden.example", &ours));
        c.say(Resp, &tls::server_flight(&AGENT, &theirs, &ours));
        c.say(Orig, &tls::finished());
        let data = s.random.bytes(400 + more);
        c.say(Orig, &tls::record(23, &data));
        c.say(Resp, &tls::record(23, &data[..200]));
        s.add(&mut c.fin());
    }
    s.expect("c2-beacon/regular", HOST, 0, DAY).measures("regular in time", 0.975, 0.0015);
}

fn browsing(s: &mut Stage) {
    s.office(0, DAY);
    let mut n = 0usize;
    for (b, hour) in [8.1, 8.9, 9.7, 11.2, 13.05, 13.4, 15.8, 16.1, 17.3, 20.2].into_iter().enumerate() {
        let mut t = (hour * 3_600.0) as i64;
        for k in 0..30i64 {
            let size = 200 + (911 * n * n) % 5_000;
            s.tls(t * SECOND, HOST, "198.51.100.99:443", "news.example", &BROWSER, [size, 3_000]);
            n += 1;
            t += 1 + (7 * k * k + 11 * b as i64) % 29;
        }
    }
}

fn mail_client(s: &mut Stage) {
    s.by_calendar();
    s.office(0, 28 * DAY);
    for day in (0..28).filter(|d| d % 7 < 5) {
        // Gaps of 60 to 900 s score a TS of 0.78 (the closed form of §2) and would be told of a place of one host's own: others have
        // their mail there, too.
        for n in 0..5 {
            let (ms, place) = (day * DAY + (9 + n) * HOUR, ("mail.provider.example", "198.51.100.80"));
            s.visit(ms, &super::office::host(n), place, &BROWSER, [500, 9_000]);
        }
        let mut t = day * DAY + 8 * HOUR + 20 * MINUTE;
        s.resolve(t - 200, HOST, "mail.provider.example", "198.51.100.80");
        for k in 0.. {
            if t > day * DAY + 17 * HOUR {
                break;
            }
            let sizes = [400 + s.random.below(900) as usize, 1_000 + s.random.below(20_000) as usize];
            s.tls(t, HOST, "198.51.100.80:443", "mail.provider.example", &BROWSER, sizes);
            t += (60 + (7_919 * (k + day * 31)) % 841) * SECOND;
        }
    }
}

fn raw(s: &mut Stage) {
    s.office(0, 14 * HOUR);
    let mut c = s.open(10 * MINUTE, HOST, "203.0.113.9:4444");
    for _ in 0..13 * 120 {
        c.pause(Interval::from_secs(30));
        let data = s.random.bytes(40);
        c.say(Orig, &data);
        c.say(Resp, &data);
    }
    s.add(&mut c.fin());
    s.expect("c2-long-connection/single", HOST, 10 * MINUTE, 14 * HOUR);
    s.expect("c2-long-connection/silent-keepalive", HOST, 10 * MINUTE, 3 * HOUR);
}

fn video(s: &mut Stage) {
    s.office(0, 14 * HOUR);
    s.resolve(10 * MINUTE, HOST, "video.example", "198.51.100.90");
    let mut c = s.tls_open(10 * MINUTE + 50, HOST, "198.51.100.90:443", "video.example", &BROWSER);
    c.say(Orig, &tls::record(23, &[7; 300]));
    s.bulk(&mut c, Resp, 1_200_000_000, 1_200_000_000 / (13 * 3_600));
    s.add(&mut c.fin());
}
