use crate::testing::{addr, judge, of};
use crate::testing_flow::{Flow, lines};
use sekisho_finding::{Finding, Severity, Stage};

const SOURCE: &str = "10.0.0.5";

fn found(flows: &[Flow]) -> Vec<Finding> {
    of(&judge(&lines(flows)), "scan-horizontal")
}

fn target(n: u32) -> String {
    format!("10.0.{}.{}", 1 + n / 250, 1 + n % 250)
}

/// Attempts at `n` hosts, one every `gap` seconds.
fn sweep(n: u32, gap: f64) -> Vec<Flow> {
    (0..n).map(|i| Flow::refused(f64::from(i) * gap, SOURCE, &target(i), 139)).collect()
}

/// Successes elsewhere among them, so that the sequential test does not decide.
fn amid_success(flows: Vec<Flow>) -> Vec<Flow> {
    let good = |(i, flow): (usize, Flow)| {
        let ok = Flow::used(i as f64 * 0.1, SOURCE, &format!("10.9.{}.{}", i / 200, i % 200), 139);
        [ok, flow]
    };
    flows.into_iter().enumerate().flat_map(good).collect()
}

#[test]
fn a_sweep_of_a_network() {
    // S-16: 254 hosts, 10 of them open, one a second.
    let flows: Vec<Flow> = (0..254)
        .map(|i| match i % 25 {
            3 => Flow::used(f64::from(i), SOURCE, &target(i), 445),
            7 => Flow::refused(f64::from(i), SOURCE, &target(i), 445),
            _ => Flow::unanswered(f64::from(i), SOURCE, &target(i), 445),
        })
        .collect();
    let found = found(&flows);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.code(), "scan-horizontal/fast");
    assert_eq!((finding.severity, finding.confidence.thousandths()), (Severity::Medium, 700));
    assert_eq!((finding.subject, finding.key.as_str(), finding.stage), (addr(SOURCE), "445/tcp", Stage::Discovery));
    assert!(finding.quotes.iter().any(|q| q.label == "hosts that answered" && q.text.contains("10.0.1.29")));
    assert_eq!(finding.peers.named().first(), Some(&addr("10.0.1.29")), "{:?}", finding.peers);
    let failed = finding.measures.iter().find(|m| m.name == "hosts at which it failed").unwrap();
    assert_eq!(failed.value(), 243.0);
    assert!(!finding.packets.is_empty());
}

#[test]
fn what_comes_long_after_is_no_part_of_a_scan() {
    const DAY: f64 = 86_400.0;
    let secs =
        |f: &Finding| ((f.last - f.first).whole_secs(), f.measures.iter().find(|m| m.unit == "s").unwrap().value());
    // The time is kept from the fourth failure on. A server that is used, and one that is down, two days later; within the hour it would be of the scan.
    let later = |at: f64| {
        let mut flows = sweep(30, 1.0);
        flows.extend([Flow::used(at, SOURCE, "10.0.9.9", 139), Flow::unanswered(at + 1.0, SOURCE, "10.0.9.8", 139)]);
        found(&flows)
    };
    assert_eq!(later(2.0 * DAY).iter().map(secs).collect::<Vec<_>>(), [(26, 26.0)]);
    assert_eq!(later(1_800.0).iter().map(secs).collect::<Vec<_>>(), [(1_798, 1_798.0)]);
    // Another scan two days later is told as well.
    let again: Vec<Flow> = sweep(30, 1.0)
        .into_iter()
        .chain((0..40).map(|i| Flow::refused(2.0 * DAY + f64::from(i), SOURCE, &target(i), 139)))
        .collect();
    let both = found(&again);
    assert_eq!((both.len(), both[0].count, (both[0].last - both[0].first).whole_secs()), (1, 70, 172_836));
    assert_eq!(both[0].measures.iter().find(|m| m.unit == "s").unwrap().value(), 26.0, "of one of them");
}

#[test]
fn the_limit_is_twenty_five_within_five_minutes() {
    assert_eq!(found(&amid_success(sweep(24, 1.0))).len(), 0);
    assert_eq!(found(&amid_success(sweep(25, 1.0)))[0].code(), "scan-horizontal/fast");
    // 25 hosts, but over more than five minutes.
    assert_eq!(found(&amid_success(sweep(25, 13.0))).len(), 0);
    // The same hosts again and again are no more of them.
    let again: Vec<Flow> = (0..10).flat_map(|_| sweep(7, 1.0)).collect();
    assert_eq!(found(&again).len(), 0);
}

#[test]
fn the_sequential_test_finds_slow_ones() {
    let found = found(&sweep(8, 600.0));
    assert_eq!((found.len(), found[0].code().as_str()), (1, "scan-horizontal/trw"));
    // Seven dead servers are not enough; nor are eight among successes.
    assert_eq!(self::found(&sweep(7, 600.0)).len(), 0);
    assert_eq!(self::found(&amid_success(sweep(20, 600.0))).len(), 0);
}

#[test]
fn over_a_day() {
    let flows: Vec<Flow> = sweep(120, 500.0);
    let found = found(&flows);
    assert_eq!((found.len(), found[0].code().as_str()), (1, "scan-horizontal/slow"));
    assert_eq!(found[0].confidence.thousandths(), 600);
}

#[test]
fn many_ports_are_one_finding() {
    let flows: Vec<Flow> = (0..6)
        .flat_map(|port| (0..30).map(move |i| Flow::refused(f64::from(i), SOURCE, &target(i), 80 + port)))
        .collect();
    let found = found(&flows);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.key, "6 ports");
    assert!(finding.quotes.iter().any(|q| q.label == "ports" && q.text.contains("80/tcp 81/tcp")));
}

#[test]
fn a_sweep_that_succeeds_everywhere() {
    let flows = |n, port| -> Vec<Flow> { (0..n).map(|i| Flow::used(f64::from(i), SOURCE, &target(i), port)).collect() };
    let found = found(&flows(50, 3389));
    assert_eq!((found.len(), found[0].code().as_str()), (1, "scan-horizontal/admin-sweep"));
    assert_eq!(self::found(&flows(49, 3389)).len(), 0);
    assert_eq!(self::found(&flows(200, 443)).len(), 0, "a browser or a crawler");
}

#[test]
fn what_is_no_attempt() {
    let odd = |state, history| -> Vec<Flow> { sweep(60, 1.0).into_iter().map(|f| f.went(state, history)).collect() };
    // Backscatter, the middle of connections, one direction.
    for (state, history) in [("SHR", "^h"), ("RSTRH", "^hr"), ("OTH", "DadA"), ("OTH", "SAD"), ("RSTRH", "r")] {
        assert_eq!(found(&odd(state, history)).len(), 0, "{history}");
    }
    // Announcements to many, and UDP that nobody looks for.
    let udp: Vec<Flow> = sweep(60, 1.0).into_iter().map(|f| f.udp("S0")).collect();
    assert_eq!(found(&udp).len(), 0);
    let snmp: Vec<Flow> =
        (0..30).map(|i| Flow::refused(f64::from(i), SOURCE, &target(i), 161).udp("S0").one_sided("orig")).collect();
    assert_eq!(found(&snmp)[0].key, "161/udp");
}

#[test]
fn from_outside_and_ipv6() {
    let outside: Vec<Flow> = (0..30).map(|i| Flow::refused(f64::from(i), "203.0.113.9", &target(i), 22)).collect();
    let found = found(&outside);
    assert_eq!((found[0].severity, found[0].stage), (Severity::Info, Stage::Recon));
    let open = [outside, vec![Flow::used(40.0, "203.0.113.9", &target(40), 22)]].concat();
    assert_eq!(self::found(&open)[0].severity, Severity::Low);
    let six: Vec<Flow> =
        (0..30).map(|i| Flow::unanswered(f64::from(i), "fd00::5", &format!("fd00::1:{i:x}"), 445)).collect();
    assert_eq!(self::found(&six)[0].subject, addr("fd00::5"));
}

#[test]
fn state_is_bounded() {
    let mut flows = Vec::new();
    for i in 0..60_000u32 {
        let source = format!("10.{}.{}.{}", 100 + i / 65_536, i / 256 % 256, i % 256);
        flows.push(Flow::refused(f64::from(i) * 0.01, &source, "10.0.0.1", 445));
    }
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &lines(&flows));
    let spent = verdict.spent.iter().find(|s| s.id == "scan-horizontal").unwrap();
    assert!(spent.forgotten > 50_000 && spent.held_len < 1 << 20, "{spent:?}");
    assert_eq!(of(&verdict, "scan-horizontal").len(), 0);
}
