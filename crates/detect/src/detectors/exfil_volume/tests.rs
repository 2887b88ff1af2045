use super::*;
use crate::testing::{Line, addr, judge, of};
use crate::testing_flow::Flow;
use sekisho_finding::Finding;

const HOST: &str = "10.0.0.5";
const PLACE: &str = "203.0.113.9";
/// Monday 2026-03-02, 00:00 UTC.
const START: f64 = 1_772_409_600.0;
const HOUR_SECS: f64 = 3_600.0;

/// What a host sends: place, bytes sent and received at the half of an hour counted from the start.
fn sends(hour: u32, host: &str, place: &str, sent: u64, received: u64) -> (f64, Flow) {
    let at = START + f64::from(hour) * HOUR_SECS + 1_800.0;
    (at, Flow::used(at, host, place, 443).sized(60.0, sent, received))
}

/// S-33's ordinary weeks: 5 MB each hour, a fifth more or less, received ten times as much.
fn usual(host: &str, hours: std::ops::Range<u32>) -> Vec<(f64, Flow)> {
    hours.map(|h| sends(h, host, "198.51.100.7", 4_000_000 + u64::from(h * 37 % 21) * 100_000, 50_000_000)).collect()
}

fn judged(flows: Vec<Vec<(f64, Flow)>>) -> Vec<Finding> {
    let mut all = flows.concat();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let lines: Vec<Line> = all.iter().zip(1..).map(|((_, flow), n)| flow.line(n)).collect();
    of(&judge(&lines), "exfil-volume")
}

fn codes(all: &[Finding]) -> Vec<(&str, Severity)> {
    all.iter().map(|f| (f.reason.code, f.severity)).collect()
}

/// Four weeks.
const WEEKS: u32 = 28 * 24;

#[test]
fn three_hundred_megabytes_at_night() {
    // S-33. The day after ends, so that it is judged by what was known before.
    let all = judged(vec![usual(HOST, 0..WEEKS + 30), vec![sends(WEEKS + 3, HOST, PLACE, 300_000_000, 1_000_000)]]);
    let hour = all.iter().find(|f| f.reason.code == "hour").unwrap_or_else(|| panic!("{:?}", codes(&all)));
    assert_eq!(hour.severity, Severity::High);
    // Hourly flows are beacons: a tenth more.
    assert_eq!(hour.confidence, Confidence::percent(65));
    assert_eq!((hour.subject, hour.stage, hour.key.as_str()), (addr(HOST), Stage::Exfil, "2026-03-30"));
    assert_eq!(hour.peers.named(), [addr(PLACE)]);
    assert_eq!(hour.measures[0].value(), 304_600_000.0);
    assert!((10.0..60.0).contains(&hour.measures[1].value()), "{:?}", hour.measures);
    assert!(hour.quotes[0].text.starts_with("203.0.113.9 100 %"), "{:?}", hour.quotes);
    assert_eq!(hour.quotes[1].text.matches("MB").count(), 4, "{:?}", hour.quotes);
    assert!(all.iter().all(|f| matches!(f.reason.code, "hour" | "day")), "{:?}", codes(&all));
    // To a place in use: medium.
    let all =
        judged(vec![usual(HOST, 0..WEEKS + 30), vec![sends(WEEKS + 3, HOST, "198.51.100.7", 300_000_000, 1_000_000)]]);
    assert!(all.iter().any(|f| f.reason.code == "hour" && f.severity == Severity::Medium), "{:?}", codes(&all));
}

#[test]
fn nearly() {
    for sent in [40_000_000, 9_000_000] {
        let all = judged(vec![usual(HOST, 0..WEEKS + 30), vec![sends(WEEKS + 3, HOST, PLACE, sent, 1_000_000)]]);
        assert!(all.is_empty(), "{sent} {:?}", codes(&all));
    }
    // Twice of much is not thrice.
    let large = |hours: std::ops::Range<u32>| {
        hours.map(|h| sends(h, HOST, "198.51.100.7", 40_000_000, 900_000_000)).collect::<Vec<_>>()
    };
    let all = judged(vec![large(0..WEEKS + 30), vec![sends(WEEKS + 3, HOST, PLACE, 70_000_000, 1_000_000)]]);
    assert!(all.is_empty(), "{:?}", codes(&all));
}

#[test]
fn ordinary() {
    // A backup each Sunday at three.
    let backups = (0..6).map(|week| sends(week * 168 + 6 * 24 + 3, HOST, PLACE, 900_000_000, 1_000_000));
    let weeks = 6 * 168 + 30;
    let all = judged(vec![usual(HOST, 0..weeks), backups.collect()]);
    // The first two come before anybody knows what is usual.
    assert!(all.is_empty(), "{:?}", codes(&all));
    // The first week of a host among known ones is a fact.
    let known: Vec<_> = (1..5).flat_map(|n| usual(&format!("10.0.0.1{n}"), 0..WEEKS + 30)).collect();
    let all = judged(vec![known, vec![sends(WEEKS + 3, HOST, PLACE, 300_000_000, 1_000_000)]]);
    assert!(
        !all.is_empty() && all.iter().all(|f| (f.severity, f.subject) == (Severity::Info, addr(HOST))),
        "{:?}",
        codes(&all)
    );
    // A short capture proves nothing.
    let all = judged(vec![usual(HOST, 0..72), vec![sends(71, HOST, PLACE, 3_000_000_000, 1_000_000)]]);
    assert!(all.is_empty());
}

#[test]
fn one_service_that_changed() {
    let mut flows = Vec::new();
    for n in 1..7 {
        let host = format!("10.0.0.1{n}");
        flows.push(usual(&host, 0..WEEKS + 30));
        flows.push(vec![sends(WEEKS + 3, &host, PLACE, 300_000_000, 1_000_000)]);
    }
    let all = judged(flows);
    assert_eq!(codes(&all), [("day", Severity::Info)]);
    assert_eq!(all[0].peers.named().len(), 6);
}

#[test]
fn a_drip_and_a_shift() {
    // Eight percent more each day for twelve days, to another place.
    let drip = (0..12u32).map(|day| {
        let more = 120_000_000.0 * (1.08f64.powi(day as i32 + 1) - 1.0);
        sends(WEEKS + day * 24 + 13, HOST, PLACE, more as u64, 1_000_000)
    });
    let all = judged(vec![usual(HOST, 0..WEEKS + 13 * 24), drip.collect()]);
    assert!(all.iter().any(|f| f.reason.code == "drip"), "{:?}", codes(&all));
    // Without it there is none.
    assert!(judged(vec![usual(HOST, 0..WEEKS + 13 * 24)]).is_empty());
    // Little is received on a day, and as much is sent as always.
    let quiet = (0..24).map(|h| sends(WEEKS + h, HOST, "198.51.100.7", 5_000_000, 1_000_000));
    let all = judged(vec![usual(HOST, 0..WEEKS), quiet.collect(), usual(HOST, WEEKS + 24..WEEKS + 72)]);
    assert_eq!(codes(&all), [("pcr-shift", Severity::Medium)]);
}

#[test]
fn limits_what_is_kept() {
    let mut volume = Volume::new(&Scope::default());
    for n in 0..10_000u32 {
        let host = volume.hosts.at(Addr::v4(n.to_be_bytes()), || Box::new(Host::new(Timestamp(0))));
        assert!(host.held_len() < 4 << 10);
    }
    assert!(volume.held_len() < 16 << 20 && volume.forgotten() > 5_000, "{}", volume.held_len());
}
