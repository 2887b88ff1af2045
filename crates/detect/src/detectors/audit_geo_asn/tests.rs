use crate::Scope;
use crate::geo::Geo;
use crate::testing::{Cell, Line, addr, judge_in, line, of};
use sekisho_finding::{Finding, Severity};
use sekisho_testkit::mmdb::{Row, mmdb};
use std::sync::Arc;

const DAY: f64 = 86_400.0;
const START: f64 = 1_795_305_600.0;
const DEVICE: &str = "10.0.0.5";
const ROWS: &[Row] = &[
    ([192, 0, 2], 24, "DE", 64_500, "Home Net"),
    ([198, 51, 100], 24, "FR", 64_501, "Content Net"),
    ([203, 0, 113], 24, "JP", 64_501, "Content Net"),
    ([100, 0, 0], 8, "BR", 64_502, "Far Net"),
];

fn scope(watched: &[&str], built_days_before: f64) -> Scope {
    let built = (START - built_days_before * DAY) as u64;
    let mut geo = Geo::default();
    geo.add(mmdb("Test-Country", built, ROWS)).unwrap();
    geo.add(mmdb("Test-ASN", built, ROWS)).unwrap();
    geo.watched = watched.iter().map(|w| w.parse().unwrap()).collect();
    Scope { geo: Arc::new(geo), ..Scope::new(&[], 0) }
}

fn flow(day: f64, from: &str, to: &str, len: u64) -> Line {
    let columns = [
        ("ts", Cell::Time(START + day * DAY)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr(from))),
        ("id.resp_h", Cell::Addr(addr(to))),
        ("orig_bytes", Cell::Count(len.min(100))),
        ("resp_bytes", Cell::Count(len)),
    ];
    line("conn", 5, &columns)
}

fn found(scope: &Scope, lines: &[Line]) -> Vec<Finding> {
    of(&judge_in(scope, lines), "audit-geo-asn")
}

fn brief(scope: &Scope, lines: &[Line]) -> Vec<(&'static str, String, Severity, u16)> {
    let found = found(scope, lines);
    found.iter().map(|f| (f.reason.code, f.key.clone(), f.severity, f.confidence.thousandths())).collect()
}

#[test]
fn files_are_read() {
    let geo = &scope(&[], 0.0).geo;
    let place = geo.place(addr("100.1.2.3"));
    assert_eq!((place.country, place.asn), (Some(*b"BR"), Some(64_502)));
    assert_eq!(geo.operator(addr("100.1.2.3")).as_deref(), Some("Far Net"));
    assert_eq!(geo.place(addr("9.9.9.9")), crate::geo::Place::default());
    assert_eq!(geo.place(addr("2001:db8::1")), crate::geo::Place::default());
    assert_eq!(geo.built().unwrap().start().0, START as i64 * 1_000_000_000);
    let mut geo = Geo::default();
    assert!(geo.add(b"no such file".to_vec()).unwrap_err().contains("MaxMind"));
    assert!(geo.add(mmdb("Test-Anonymous", 0, ROWS)).unwrap_err().contains("Test-Anonymous"));
    assert!(geo.is_empty() && "D1".parse::<crate::geo::Watched>().is_err());
}

#[test]
fn a_new_country_after_two_weeks() {
    let scope = scope(&[], 10.0);
    let lines = [flow(0.0, DEVICE, "192.0.2.1", 500), flow(15.0, DEVICE, "100.1.2.3", 20_000)];
    let all = brief(&scope, &lines);
    let info = |reason, key: &str| (reason, key.to_owned(), Severity::Info, 700);
    assert_eq!(all, [info("new-asn", "AS64502"), info("new-country", "BR")]);
    let finding = &found(&scope, &lines)[1];
    assert_eq!((finding.subject, finding.peers.named()), (addr(DEVICE), &[addr("100.1.2.3")][..]));
    assert_eq!(finding.measures[1].value(), 15.0);
    assert_eq!(finding.quotes[0].text, "100.1.2.3 Far Net");
}

#[test]
fn nearly() {
    let scope = scope(&[], 10.0);
    let first = || flow(0.0, DEVICE, "192.0.2.1", 500);
    // Too early; too little; used in the first days already; nothing came back.
    assert_eq!(brief(&scope, &[first(), flow(13.0, DEVICE, "100.1.2.3", 20_000)]), []);
    assert_eq!(brief(&scope, &[first(), flow(15.0, DEVICE, "100.1.2.3", 9_000)]), []);
    let early = flow(1.0, DEVICE, "100.1.2.3", 10);
    assert_eq!(brief(&scope, &[first(), early, flow(15.0, DEVICE, "100.1.2.3", 20_000)]), []);
    assert_eq!(brief(&scope, &[first(), flow(15.0, DEVICE, "100.1.2.3", 0)]), []);
    // A content network that moves to another country is the same operator.
    let moves = [flow(0.0, DEVICE, "198.51.100.1", 500), flow(20.0, DEVICE, "203.0.113.1", 90_000)];
    assert_eq!(brief(&scope, &moves), []);
}

#[test]
fn what_is_watched() {
    let scope = scope(&["br", "AS64501"], 10.0);
    let lines = [flow(0.0, DEVICE, "100.1.2.3", 500), flow(0.1, "203.0.113.1", DEVICE, 500)];
    let medium = |reason, key: &str| (reason, key.to_owned(), Severity::Medium, 700);
    assert_eq!(brief(&scope, &lines), [medium("watched", "BR"), medium("inbound-watched", "AS64501")]);
    assert_eq!(brief(&scope, &[flow(0.0, DEVICE, "192.0.2.1", 500)]), []);
    assert_eq!(brief(&self::scope(&["br"], 90.0), &lines)[0].3, 420, "the file is old");
}

#[test]
fn ordinary() {
    let lines: Vec<Line> = (0..40).map(|day| flow(f64::from(day), DEVICE, "192.0.2.1", 90_000)).collect();
    assert_eq!(brief(&scope(&["CN"], 10.0), &lines), []);
    assert_eq!(brief(&Scope::new(&[], 0), &lines), [], "without files");
}

#[test]
fn many_devices_and_places_are_bounded() {
    let scope = scope(&[], 10.0);
    let lines: Vec<Line> = (0..100_000u32)
        .map(|n| flow(0.0, &format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255), "192.0.2.1", 500))
        .collect();
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "audit-geo-asn").unwrap();
    assert!(spent.forgotten > 30_000 && spent.held_len < 32 << 20, "{spent:?}");
}
