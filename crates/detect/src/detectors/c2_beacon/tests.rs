use super::*;
use crate::testing::{Cell, Line, addr, judge, judge_in, line, of};
use crate::testing_flow::Rhythm;
use sekisho_finding::{Confidence, Finding};

/// Monday 2026-03-02, 00:00 UTC.
const START: f64 = 1_772_409_600.0;

/// A flow of `host` to `peer` that sent `size` bytes.
fn call(at: f64, host: &str, peer: &str, size: u64) -> Line {
    flow(at, host, peer, size, at as u64 + 1, "SF")
}

fn flow(at: f64, host: &str, peer: &str, size: u64, uid: u64, state: &'static str) -> Line {
    let columns = [
        ("ts", Cell::Time(START + at)),
        ("uid", Cell::Uid(uid)),
        ("id.orig_h", Cell::Addr(addr(host))),
        ("id.resp_h", Cell::Addr(addr(peer))),
        ("id.resp_p", Cell::Port(443)),
        ("proto", Cell::Word("tcp")),
        ("conn_state", Cell::Word(state)),
        ("orig_pkts", Cell::Count(5)),
        ("resp_pkts", Cell::Count(5)),
        ("orig_ip_bytes", Cell::Count(size)),
        ("resp_ip_bytes", Cell::Count(700)),
    ];
    line("conn", uid, &columns)
}

/// The name that flow `uid` of `host` asks for.
fn asks(at: f64, host: &str, peer: &str, uid: u64, name: &str, ja4: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(START + at)),
        ("uid", Cell::Uid(uid)),
        ("id.orig_h", Cell::Addr(addr(host))),
        ("id.resp_h", Cell::Addr(addr(peer))),
        ("server_name", Cell::Text(name.into())),
        ("ja4", Cell::Text(ja4.into())),
    ];
    line("ssl", uid, &columns)
}

/// Other hosts that call here and there through the day, so that there is a network.
fn office() -> Vec<Line> {
    let host = |n: u32| format!("10.0.1.{n}");
    (0..600u32).map(|n| call(f64::from(n * 143), &host(n % 20), &format!("198.51.100.{}", n * n % 97), 900)).collect()
}

fn beacons(mut lines: Vec<Line>) -> Vec<Finding> {
    lines.extend(office());
    lines.sort_by(|a, b| a.ts().total_cmp(&b.ts()));
    of(&judge(&lines), "c2-beacon")
}

fn every(seconds: u32, count: u32) -> Vec<Line> {
    (0..count).map(|k| call(f64::from(30 + k * seconds), "10.0.0.5", "203.0.113.9", 400)).collect()
}

#[test]
fn every_minute_all_day() {
    let all = beacons(every(60, 1440));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("c2-beacon/regular", Severity::High));
    assert_eq!((finding.subject, finding.key.as_str()), (addr("10.0.0.5"), "203.0.113.9"));
    assert_eq!(finding.count, 1440);
    let measure = |name: &str| finding.measures.iter().find(|m| m.name == name).unwrap().value();
    assert_eq!((measure("score"), measure("period")), (1.0, 60.0));
    assert_eq!(finding.confidence, Confidence::percent(80));
}

#[test]
fn over_version_six() {
    let lines = (0..200).map(|k| call(f64::from(k * 300), "fd00::5", "2001:db8::9", 400)).collect();
    assert_eq!(beacons(lines).len(), 1);
}

#[test]
fn places_have_the_names_that_were_asked_for() {
    // Two addresses one after the other, one name; and an address that two names share, one of them irregular.
    let mut lines = Vec::new();
    for k in 0..288u32 {
        let (at, peer) = (f64::from(k * 300), ["203.0.113.9", "203.0.113.10"][usize::from(k > 99)]);
        let uid = u64::from(k) + 1_000_000;
        lines.push(asks(at, "10.0.0.5", peer, uid, "Sync.example", "t13d1516h2_a_b"));
        lines.push(flow(at, "10.0.0.5", peer, 400, uid, "SF"));
        let other = uid + 1_000_000;
        let at = f64::from(k * k * k % 86_399);
        lines.push(asks(at, "10.0.0.5", peer, other, "www.example", "t13d1516h2_a_b"));
        lines.push(flow(at, "10.0.0.5", peer, 400 + u64::from(k * k % 5000), other, "SF"));
    }
    let all = beacons(lines);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.key.as_str(), finding.peers.named().len()), ("sync.example", 2));
}

#[test]
fn through_a_proxy_by_the_name_of_connect() {
    let mut lines = Vec::new();
    for k in 0..288u32 {
        let (at, uid) = (f64::from(k * 300), u64::from(k) + 1_000_000);
        let columns = [
            ("ts", Cell::Time(START + at)),
            ("uid", Cell::Uid(uid)),
            ("id.orig_h", Cell::Addr(addr("10.0.0.5"))),
            ("id.resp_h", Cell::Addr(addr("10.0.0.80"))),
            ("method", Cell::Text(b"CONNECT".to_vec())),
            ("host", Cell::Text(b"hidden.example:443".to_vec())),
            ("uri", Cell::Text(b"hidden.example:443".to_vec())),
        ];
        lines.push(line("http", uid, &columns));
        lines.push(flow(at, "10.0.0.5", "10.0.0.80", 400, uid, "SF"));
    }
    let all = beacons(lines);
    assert_eq!(all.iter().map(|f| f.key.as_str()).collect::<Vec<_>>(), ["hidden.example"]);
}

#[test]
fn more_often_than_once_a_second() {
    // Whatever the hour at which it begins.
    let strobes = |begin: f64, n: u32| {
        let each = 86_000.0 / f64::from(n);
        let lines: Vec<_> = (0..n).map(|k| call(begin + f64::from(k) * each, "10.0.0.5", "203.0.113.9", 60)).collect();
        let all = of(&judge(&lines), "c2-beacon");
        all.into_iter().filter(|f| f.reason.code == "strobe").collect::<Vec<_>>()
    };
    for begin in [0.0, 30_000.0, 45_000.0] {
        let all = strobes(begin, 90_000);
        assert_eq!(all.len(), 1, "{begin}");
        assert_eq!(all[0].severity, Severity::Medium);
        assert!((86_400.0..=90_000.0).contains(&all[0].measures[0].value()), "{:?}", all[0].measures);
    }
    assert_eq!(strobes(30_000.0, 86_000).len(), 0);
}

#[test]
fn nearly() {
    // By chance, all day long: the score is high, the gaps are not regular.
    let random = |n: u64| (2_654_435_761u64.wrapping_mul(n) >> 7) % 1024;
    let mut at = 30.0;
    let lines = (0..700u64).map(|k| {
        let line = call(at, "10.0.0.5", "203.0.113.9", 400);
        at += (-120.0 * ((random(7 * k + 3) + 1) as f64 / 1025.0).ln()).floor().max(1.0);
        line
    });
    assert_eq!(beacons(lines.collect()).len(), 0);
    // Too few.
    assert_eq!(beacons(every(20_000, 4)).len(), 0);
    assert!(beacons(every(7200, 11)).iter().all(|f| f.severity <= Severity::Low));
    // Six hours are not covered.
    let short = of(&judge(&every(60, 300)), "c2-beacon");
    assert!(short.iter().all(|f| f.severity <= Severity::Medium && f.quality.contains(&Quality::Short)), "{short:?}");
    assert!(!short.is_empty());
    // A minute's worth of calls.
    assert_eq!(of(&judge(&every(2, 30)), "c2-beacon").len(), 0);
}

#[test]
fn ordinary() {
    // People browse in bursts.
    let hours = [8.1, 8.9, 9.7, 11.2, 13.05, 13.4, 15.8, 16.1, 17.3, 20.2];
    let mut lines = Vec::new();
    for (b, hour) in (0u32..).zip(hours) {
        let mut at = hour * 3600.0;
        for k in 0..30u32 {
            let n = lines.len() as u64;
            lines.push(call(at, "10.0.0.5", "203.0.113.9", 200 + (911 * n * n) % 5000));
            at += f64::from(1 + (7 * k * k + 11 * b) % 29);
        }
    }
    assert_eq!(beacons(lines).len(), 0);
    // Twelve of twenty hosts look for updates; two do by the hour.
    let host = |n: u32| format!("10.0.1.{n}");
    let fleet = (0..12 * 288u32).map(|k| call(f64::from(k * 25), &host(k % 12), "203.0.113.9", 400));
    assert!(beacons(fleet.collect()).iter().all(|f| f.severity == Severity::Info));
    let hourly = (0..48u32).map(|k| call(f64::from(k * 1800), &host(k % 2), "203.0.113.9", 400));
    assert_eq!(beacons(hourly.collect()).len(), 0);
    // Nobody answers; a check of the network; inside.
    let dead = (0..288u32).map(|k| flow(f64::from(k * 300), "10.0.0.5", "203.0.113.9", 60, u64::from(k) + 9, "S0"));
    assert_eq!(beacons(dead.collect()).len(), 0);
    let mut checks = Vec::new();
    for k in 0..288u32 {
        let (at, uid) = (f64::from(k * 300), u64::from(k) + 1_000_000);
        checks.push(asks(at, "10.0.0.5", "203.0.113.9", uid, "detectportal.firefox.com", ""));
        checks.push(flow(at, "10.0.0.5", "203.0.113.9", 400, uid, "SF"));
    }
    assert_eq!(beacons(checks).len(), 0);
    assert_eq!(beacons((0..288u32).map(|k| call(f64::from(k * 300), "10.0.0.5", "10.0.0.9", 400)).collect()).len(), 0);
}

#[test]
fn days_are_looked_at_one_by_one_and_told_once() {
    let all = beacons(every(300, 3 * 288));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.count, 3 * 288);
    assert!(finding.last.0 > finding.first.0 + 2 * DAY.0);
    // It stops after a day: nothing new is said on the second.
    let mut lines = every(300, 288);
    lines.push(call(200_000.0, "10.0.0.6", "203.0.113.80", 400));
    assert_eq!(beacons(lines)[0].count, 288);
}

#[test]
fn stays_within_bounds() {
    let scope = Scope { memory_len: Some(2 << 20), ..Scope::new(&[], 0) };
    let mut lines: Vec<Line> = Vec::new();
    for k in 0..60_000u32 {
        let at = f64::from(k);
        lines.push(call(at, &format!("10.{}.{}.7", k >> 8 & 255, k & 255), &format!("203.0.{}.9", k % 7), 60));
        if k % 30 == 0 {
            lines.push(call(at, "10.0.0.5", "203.0.113.9", 400));
        }
    }
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-beacon").unwrap();
    assert!(spent.held_len < 2 << 20, "{}", spent.held_len);
    assert!(spent.forgotten > 40_000, "{}", spent.forgotten);
    // What goes on is not driven out.
    assert!(of(&verdict, "c2-beacon").iter().any(|f| f.subject == addr("10.0.0.5")));
    // Times that no packet has.
    let far = [-1e9, 9e9].map(|at| call(at, "10.0.0.5", "203.0.113.9", 60));
    assert_eq!(of(&judge(&far), "c2-beacon").len(), 0);
}

/// A connection that says 60 bytes every 45 seconds or a little more and gets 80, but for two large answers.
fn polling(count: u64) -> Rhythm {
    let answer = |k: u64| if matches!(k, 90 | 170) { 9_000 } else { 80 };
    let bursts = (0..count).map(|k| (START as u64 + 30 + 47 * k + k % 5 - 2, 60, answer(k))).collect();
    Rhythm { app: "http,websocket", ..Rhythm::new(START + 20.0, bursts) }
}

fn rhythms(all: &[Rhythm]) -> Vec<Finding> {
    let mut lines: Vec<Line> =
        all.iter().zip(5_000_000..).flat_map(|(r, uid)| r.lines(START + 86_390.0, uid)).collect();
    lines.extend(office());
    lines.sort_by(|a, b| a.ts().total_cmp(&b.ts()));
    of(&judge(&lines), "c2-beacon")
}

#[test]
fn within_one_connection() {
    let all = rhythms(&[polling(1_800)]);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.subject), ("c2-beacon/in-flow", addr("10.0.0.5")));
    assert_eq!((finding.severity, finding.key.as_str()), (Severity::Medium, "203.0.113.9:443"));
    let measure = |name: &str| finding.measures.iter().find(|m| m.name == name).unwrap().value();
    assert!(measure("period") >= 46.0 && measure("period") <= 48.0, "{}", measure("period"));
    assert!(finding.quotes.iter().any(|q| q.text.contains("rare tasking")), "{:?}", finding.quotes);
    let unknown = Rhythm { app: "", host: "fd00::5", peer: "2001:db8::9", ..polling(1_800) };
    assert_eq!(rhythms(&[unknown]).iter().map(|f| f.severity).collect::<Vec<_>>(), [Severity::High]);
}

#[test]
fn nearly_within_one_connection() {
    // A few; for a quarter of an hour; between hosts at home; at a person's pace.
    assert_eq!(rhythms(&[polling(11)]).len(), 0);
    let short = polling(9).bursts;
    assert_eq!(rhythms(&[Rhythm { bursts: short, ..polling(9) }]).len(), 0);
    assert_eq!(rhythms(&[Rhythm { peer: "10.0.0.9", ..polling(1_800) }]).len(), 0);
    let random = |n: u64| (2_654_435_761u64.wrapping_mul(n) >> 7) % 1024;
    let mut at = START as u64;
    let chat = (0..700u64).map(|k| {
        at += (-120.0 * ((random(7 * k + 3) + 1) as f64 / 1025.0).ln()).floor().max(1.0) as u64;
        (at, 60 + k % 200, 80)
    });
    assert_eq!(rhythms(&[Rhythm::new(START, chat.collect())]).len(), 0);
}

#[test]
fn what_half_of_the_hosts_keep_open_is_listed() {
    let hosts: Vec<&'static str> = (0..12).map(|n| &*Box::leak(format!("10.0.1.{n}").into_boxed_str())).collect();
    let open = hosts.iter().map(|host| Rhythm { host, app: "ssl", ..polling(1_800) });
    let mut lines: Vec<Line> = open.zip(5_000_000..).flat_map(|(r, uid)| r.lines(START + 86_390.0, uid)).collect();
    lines.extend(office());
    lines.sort_by(|a, b| a.ts().total_cmp(&b.ts()));
    let all = of(&judge(&lines), "c2-beacon");
    assert!(all.len() == 12 && all.iter().all(|f| f.severity == Severity::Info), "{all:?}");
}

#[test]
fn connections_stay_within_bounds() {
    let scope = Scope { memory_len: Some(2 << 20), ..Scope::new(&[], 0) };
    let lines: Vec<Line> = (0..400).flat_map(|n| polling(1_800).lines(START + 86_390.0, n + 1)).collect();
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-beacon").unwrap();
    assert!(spent.held_len < 1 << 20 && spent.forgotten > 300, "{spent:?}");
}
