use super::*;
use crate::testing::{Cell, Line, addr, judge, judge_in, line, of};
use crate::testing_flow::{Flow, Rhythm};
use sekisho_finding::Finding;

const HOUR: f64 = 3600.0;

fn flow_to(peer: &str, at: f64, hours: f64, app: &str, bytes: (u64, u64)) -> Line {
    let columns = [
        ("ts", Cell::Time(1_772_409_600.0 + at)),
        ("uid", Cell::Uid(at as u64 + 1)),
        ("id.orig_h", Cell::Addr(addr("10.0.0.5"))),
        ("id.resp_h", Cell::Addr(addr(peer))),
        ("id.resp_p", Cell::Port(4444)),
        ("proto", Cell::Word("tcp")),
        ("app", Cell::Text(app.into())),
        ("duration", Cell::Span(hours * HOUR)),
        ("orig_bytes", Cell::Count(bytes.0)),
        ("resp_bytes", Cell::Count(bytes.1)),
        ("orig_pkts", Cell::Count(99)),
        ("resp_pkts", Cell::Count(99)),
    ];
    line("conn", at as u64 + 1, &columns)
}

fn flow(at: f64, hours: f64, app: &str) -> Line {
    flow_to("203.0.113.9", at, hours, app, (60_000, 60_000))
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "c2-long-connection")
}

fn said(lines: &[Line]) -> Vec<(&'static str, Severity)> {
    found(lines).iter().map(|f| (f.reason.code, f.severity)).collect()
}

/// `203.0.113.9` is called `mail.example`.
fn named() -> Line {
    let columns = [
        ("ts", Cell::Time(1_772_409_600.0)),
        ("id.orig_h", Cell::Addr(addr("10.0.0.5"))),
        ("id.resp_h", Cell::Addr(addr("10.0.0.53"))),
        ("id.resp_p", Cell::Port(53)),
        ("query", Cell::Text(b"mail.example".to_vec())),
        ("qtype", Cell::Count(1)),
        ("rcode", Cell::Count(0)),
        ("answers", Cell::Texts(vec!["203.0.113.9".to_owned()])),
    ];
    line("dns", 1, &columns)
}

#[test]
fn open_for_hours() {
    // S-08: 13 hours of an unknown protocol, 40 bytes each 30 seconds.
    let all = found(&[flow(0.0, 13.0, "")]);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("c2-long-connection/single", Severity::High));
    assert_eq!((finding.key.as_str(), finding.confidence.thousandths()), ("203.0.113.9:4444", 550));
    for (hours, want) in [(1.5, Severity::Low), (4.5, Severity::Medium), (8.5, Severity::High)] {
        assert_eq!(said(&[flow(0.0, hours, "")]), [("single", want)], "{hours}");
    }
    assert_eq!(said(&[flow_to("2001:db8::9", 0.0, 13.0, "", (9, 9))]), [("single", Severity::High)]);
}

#[test]
fn one_after_the_other() {
    let lines: Vec<Line> = (0..20).map(|n| flow(f64::from(n) * HOUR, 0.9, "")).collect();
    let all = found(&lines);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("c2-long-connection/cumulative", Severity::High));
    // Side by side they are open no longer than one.
    let beside: Vec<Line> = (0..20).map(|n| flow(f64::from(n), 0.9, "")).collect();
    assert_eq!(said(&beside), []);
}

#[test]
fn nearly() {
    assert_eq!(said(&[flow(0.0, 0.99, "")]), []);
    // A known protocol: medium to an address without a name, low to one with a name, nothing below four hours.
    assert_eq!(said(&[flow(0.0, 13.0, "ssl")]), [("single", Severity::Medium)]);
    assert_eq!(said(&[named(), flow(0.0, 13.0, "ssl")]), [("single", Severity::Low)]);
    assert_eq!(said(&[named(), flow(0.0, 3.9, "ssl")]), []);
    assert_eq!(said(&[named(), flow(0.0, 13.0, "")]), [("single", Severity::Medium)]);
    // Each day for itself.
    assert_eq!(said(&[flow(0.0, 0.6, ""), flow(90_000.0, 0.6, ""), flow(180_000.0, 0.6, "")]), []);
}

#[test]
fn ordinary() {
    // S-08: 13 hours of video; inside; from outside; nobody answers.
    assert_eq!(said(&[flow_to("203.0.113.9", 0.0, 13.0, "ssl", (9_000_000, 1_200_000_000))]), []);
    assert_eq!(said(&[flow_to("10.0.0.9", 0.0, 13.0, "", (9, 9))]), []);
    let many: Vec<Line> = (0..1000).map(|n| flow(f64::from(n) * 60.0, 0.01, "ssl")).collect();
    assert_eq!(said(&many), []);
}

#[test]
fn stays_within_bounds() {
    let scope = Scope { memory_len: Some(1 << 20), ..Scope::new(&[], 0) };
    let lines: Vec<Line> = (0..5000u32)
        .map(|n| flow_to(&format!("203.{}.{}.9", n >> 8, n & 255), f64::from(n), 0.1, "", (9, 9)))
        .collect();
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-long-connection").unwrap();
    assert!(spent.held_len < 64 << 10 && spent.forgotten > 4_000, "{spent:?}");
}

/// Thirteen hours of 40 bytes every 30 seconds, both ways.
fn silent() -> (Rhythm, Flow) {
    let rhythm = Rhythm::new(1_000.0, (0..1_560).map(|k| (1_010 + 30 * k, 40, 40)).collect());
    let flow = Flow::used(1_000.0, "10.0.0.5", "203.0.113.9", 4444).sized(13.0 * 3_600.0, 62_400, 62_400);
    (rhythm, flow)
}

fn silences(rhythm: &Rhythm, flow: &Flow) -> Vec<Finding> {
    // A flow's uid is its packet's number and a thousand.
    let mut lines = rhythm.lines(47_900.0, 1_007);
    lines.push(flow.line(7));
    of(&judge(&lines), "c2-long-connection").into_iter().filter(|f| f.reason.code == "silent-keepalive").collect()
}

#[test]
fn silent_but_for_a_few_bytes() {
    let (rhythm, flow) = silent();
    let all = silences(&rhythm, &flow);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.severity, finding.key.as_str()), (Severity::High, "203.0.113.9:4444"));
    let measure = |name: &str| finding.measures.iter().find(|m| m.name == name).unwrap().value();
    assert_eq!((measure("period"), measure("longest burst"), measure("regular in time")), (30.0, 40.0, 1.0));
    // An hour is enough of what nobody knows.
    let hour = Rhythm { bursts: rhythm.bursts[..120].to_vec(), ..rhythm };
    assert_eq!(silences(&hour, &flow.clone().sized(3_600.0, 4_800, 4_800))[0].severity, Severity::Low);
}

#[test]
fn nearly_silent() {
    let (rhythm, flow) = silent();
    let with = |change: fn(u64, &mut (u64, u64, u64))| {
        let mut bursts = rhythm.bursts.clone();
        (0..).zip(&mut bursts).for_each(|(k, b)| change(k, b));
        Rhythm { bursts, ..rhythm.clone() }
    };
    // One large answer; at a person's pace; below an hour; more than 50 kB an hour; a few bursts.
    assert_eq!(silences(&with(|k, b| b.2 = if k == 700 { 201 } else { 40 }), &flow).len(), 0);
    let random = |n: u64| (2_654_435_761u64.wrapping_mul(n) >> 7) % 1024;
    let mut at = 1_010;
    let people = (0..1_000u64).map(|k| {
        at += 1 + (-40.0 * ((random(7 * k + 3) + 1) as f64 / 1025.0).ln()) as u64;
        (at, 40, 40)
    });
    assert_eq!(silences(&Rhythm::new(1_000.0, people.collect()), &flow).len(), 0);
    assert_eq!(silences(&rhythm, &flow.clone().sized(3_599.0, 4_800, 4_800)).len(), 0);
    assert_eq!(silences(&rhythm, &flow.clone().sized(3_600.0, 25_000, 25_000)).len(), 0);
    let few = Rhythm { bursts: rhythm.bursts[..11].to_vec(), ..rhythm.clone() };
    assert_eq!(silences(&few, &flow).len(), 0);
    // Mail that is kept open for an hour, at a place with a name.
    let mail = flow.sized(3_700.0, 4_800, 4_800).app("ssl");
    let name = [
        ("ts", Cell::Time(999.0)),
        ("uid", Cell::Uid(1_007)),
        ("id.orig_h", Cell::Addr(addr("10.0.0.5"))),
        ("id.resp_h", Cell::Addr(addr("203.0.113.9"))),
        ("server_name", Cell::Text(b"imap.example".to_vec())),
    ];
    let mut lines = vec![line("ssl", 6, &name)];
    lines.extend(rhythm.lines(4_700.0, 1_007));
    lines.push(mail.line(7));
    assert_eq!(of(&judge(&lines), "c2-long-connection").len(), 0);
}

#[test]
fn talks_stay_within_bounds() {
    let scope = Scope { memory_len: Some(2 << 20), ..Scope::new(&[], 0) };
    let lines: Vec<Line> = (0..400).flat_map(|n| silent().0.lines(47_900.0, n + 1)).collect();
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-long-connection").unwrap();
    assert!(spent.held_len < 128 << 10 && spent.forgotten > 300, "{spent:?}");
}
