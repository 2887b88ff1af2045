use super::*;
use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::Finding;

const DAY_LEN: f64 = 86_400.0;
const START: f64 = 1_772_409_600.0;
const CAMERA: &str = "10.0.0.5";

fn flow(day: f64, from: &str, to: &str, port: u16) -> Line {
    let columns = [
        ("ts", Cell::Time(START + day * DAY_LEN)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr(from))),
        ("id.resp_h", Cell::Addr(addr(to))),
        ("id.resp_p", Cell::Port(port)),
        ("orig_pkts", Cell::Count(3)),
        ("resp_pkts", Cell::Count(3)),
        ("resp_bytes", Cell::Count(900)),
    ];
    line("conn", 4, &columns)
}

fn named(name: &str, to: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(START)),
        ("id.resp_p", Cell::Port(53)),
        ("query", Cell::Text(name.into())),
        ("qtype", Cell::Count(1)),
        ("answers", Cell::Texts(vec![to.to_owned()])),
    ];
    line("dns", 2, &columns)
}

/// What a camera does each day for `days`, and then `more`.
fn camera(days: u32, more: Vec<Line>) -> Vec<Line> {
    let mut lines = vec![named("api.camera.test", "198.51.100.21"), named("x.evil.test", "203.0.113.9")];
    lines.extend((0..days).map(|d| flow(f64::from(d), CAMERA, "198.51.100.21", 443)));
    lines.extend(more);
    lines
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "audit-new-destination")
}

fn brief(lines: &[Line]) -> Vec<(&'static str, String, Severity)> {
    found(lines).iter().map(|f| (f.reason.code, f.key.clone(), f.severity)).collect()
}

#[test]
fn a_camera_that_contacts_a_new_host() {
    let lines = camera(28, vec![flow(28.2, CAMERA, "203.0.113.9", 443), flow(28.4, CAMERA, "203.0.113.9", 443)]);
    let all = found(&lines);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.key.as_str()), ("audit-new-destination/new-for-network", "evil.test"));
    assert_eq!((finding.severity, finding.count, finding.subject), (Severity::Medium, 2, addr(CAMERA)));
    assert_eq!(finding.measures[1].to_string(), "score: 3 (threshold 3, sekisho)");
    // Without a name it is a network; and a new port.
    let unnamed = camera(28, vec![flow(28.2, CAMERA, "192.0.2.9", 4444)]);
    let both = [
        ("new-for-network", "192.0.2.0/24".to_owned(), Severity::Medium),
        ("new-service-port", "port 4444".to_owned(), Severity::Info),
    ];
    assert_eq!(brief(&unnamed), both);
}

#[test]
fn of_recordings_with_long_breaks_nothing_is_usual() {
    let seen = |days: &[u32]| {
        let mut lines = vec![named("api.camera.test", "198.51.100.21"), named("x.evil.test", "203.0.113.9")];
        lines.extend(days.iter().map(|&d| flow(f64::from(d), CAMERA, "198.51.100.21", 443)));
        lines.push(flow(28.2, CAMERA, "203.0.113.9", 443));
        brief(&lines).len()
    };
    assert_eq!(seen(&[0, 2, 4, 6, 8, 13, 27]), 0);
    assert_eq!(seen(&[0, 2, 4, 6, 8, 12, 13, 27]), 1);
    // Flows are told when they end: an earlier one may come later.
    assert_eq!(seen(&[4, 2, 0, 6, 8, 13, 12, 27]), 1);
}

#[test]
fn nearly() {
    // Within the first 14 days; a place that another host here has used for weeks; an update that all fetch.
    assert_eq!(brief(&camera(28, vec![flow(13.0, CAMERA, "203.0.113.9", 443)])), []);
    assert_eq!(brief(&camera(12, vec![flow(13.0, CAMERA, "203.0.113.9", 443)])), []);
    let known = |day| vec![flow(day, "10.0.0.7", "203.0.113.9", 443), flow(28.2, CAMERA, "203.0.113.9", 443)];
    let info = |reason| [(reason, "evil.test".to_owned(), Severity::Info)];
    assert_eq!(brief(&camera(28, known(2.0))), info("new-for-device"));
    assert_eq!(brief(&camera(28, known(28.9))), info("new-for-network"));
    // Nobody answered; a neighbour.
    let silent = line(
        "conn",
        4,
        &[
            ("ts", Cell::Time(START + 28.0 * DAY_LEN)),
            ("id.orig_h", Cell::Addr(addr(CAMERA))),
            ("id.resp_h", Cell::Addr(addr("203.0.113.9"))),
            ("orig_pkts", Cell::Count(3)),
        ],
    );
    assert_eq!(brief(&camera(28, vec![silent, flow(28.0, CAMERA, "10.0.0.9", 443)])), []);
}

/// Somebody who goes to `each(day)` new networks a day.
fn person(days: u32, each: impl Fn(u32) -> u32) -> Vec<Line> {
    let mut next = 0;
    let mut lines = Vec::new();
    for day in 0..days {
        for _ in 0..each(day) {
            next += 1;
            lines.push(flow(f64::from(day) + 0.5, "10.0.0.8", &format!("100.{}.{}.1", next >> 8, next & 255), 443));
        }
    }
    lines
}

#[test]
fn people_are_counted() {
    assert_eq!(brief(&person(28, |day| 5 + day % 3)), []);
    let all = found(&person(28, |day| if day == 20 { 80 } else { 5 + day % 3 }));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(
        (finding.reason.code, finding.key.as_str(), finding.severity),
        ("new-for-device", "2026-03-22", Severity::Info)
    );
    assert_eq!(finding.measures[0].value(), 80.0);
    assert_eq!(brief(&person(28, |day| if day == 20 { 50 } else { 5 })), [], "not above the least");
    assert_eq!(brief(&person(28, |day| if day == 3 { 80 } else { 5 })), [], "too early to know");
}

#[test]
fn ordinary() {
    assert_eq!(brief(&camera(40, vec![flow(40.0, CAMERA, "198.51.100.22", 443)])).len(), 1, "a network without a name");
    assert_eq!(brief(&camera(40, Vec::new())), []);
    assert_eq!(brief(&person(5, |_| 60)), [], "too short to know");
}

#[test]
fn a_scan_of_places_is_bounded() {
    let lines: Vec<Line> = (0..120_000u32)
        .map(|n| flow(f64::from(n % 20), CAMERA, &format!("{}.{}.{}.1", 100 + (n >> 16), n >> 8 & 255, n & 255), 443))
        .collect();
    let verdict = judge(&lines);
    let spent = verdict.spent.iter().find(|s| s.id == "audit-new-destination").unwrap();
    assert!(spent.forgotten > 50_000 && spent.held_len < 48 << 20, "{spent:?}");
}
