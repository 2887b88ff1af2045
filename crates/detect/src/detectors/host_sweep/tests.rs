use crate::testing::{Cell, Line, addr, judge, line, of};
use crate::testing_flow::Flow;
use sekisho_finding::{Finding, Severity};
use sekisho_types::MacAddr;

const MAC: u8 = 7;

fn mac(last: u8) -> Cell {
    Cell::Mac(MacAddr([2, 0, 0, 0, 0, last]))
}

fn arp(at: f64, n: u32, answered: bool) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("operation", Cell::Word("request")),
        ("orig_mac", mac(MAC)),
        ("orig_h", Cell::Addr(addr("10.0.1.5"))),
        ("resp_h", Cell::Addr(addr(&format!("10.0.1.{}", 10 + n)))),
        ("count", Cell::Count(1)),
        ("reply_count", Cell::Count(u64::from(answered))),
    ];
    line("arp", 20, &columns)
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "host-sweep")
}

/// `n` addresses, one each `gap` seconds, every `answers`th answers.
fn sweep(n: u32, gap: f64, answers: u32) -> Vec<Line> {
    (0..n).map(|i| arp(f64::from(i) * gap, i * 7 % 240, i % answers == 0)).collect()
}

#[test]
fn a_network_is_asked_for() {
    let found = found(&sweep(200, 0.1, 10));
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("host-sweep/arp", Severity::Low));
    assert_eq!((finding.subject, finding.key.as_str()), (addr("10.0.1.5"), "02:00:00:00:00:07"));
    assert!(finding.quotes.iter().any(|q| q.label == "hosts that answered" && q.text.starts_with("10.0.1.10 ")));
    assert_eq!(found[0].packets.iter().collect::<Vec<_>>(), [20]);
}

#[test]
fn nearly() {
    assert_eq!(found(&sweep(39, 0.1, 100)).len(), 0);
    assert_eq!(found(&sweep(40, 0.1, 100)).len(), 1);
    assert_eq!(found(&sweep(60, 2.0, 100)).len(), 0, "too slow");
    assert_eq!(found(&sweep(60, 0.1, 2)).len(), 0, "half of them answer");
    assert_eq!(found(&sweep(10, 0.1, 100)).len(), 0, "a host that starts");
    // One after the other, over most of an hour.
    let ordered: Vec<Line> = (0..100).map(|i| arp(f64::from(i) * 30.0, i, true)).collect();
    assert_eq!(found(&ordered).len(), 1);
    let mixed: Vec<Line> = (0..100).map(|i| arp(f64::from(i) * 30.0, i * 7 % 240, true)).collect();
    assert_eq!(found(&mixed).len(), 0);
}

#[test]
fn a_router_under_a_scan_from_outside() {
    let columns = [
        ("ts", Cell::Time(50.0)),
        ("id.orig_h", Cell::Addr(addr("203.0.113.9"))),
        ("id.resp_h", Cell::Addr(addr("10.0.1.10"))),
        ("proto", Cell::Word("tcp")),
        ("orig_l2_addr", mac(MAC)),
        ("resp_l2_addr", mac(9)),
    ];
    let mut lines = sweep(200, 0.1, 10);
    lines.push(line("conn", 1, &columns));
    assert_eq!(found(&lines).len(), 0);
}

fn echo(at: f64, from: &str, n: u32, answered: bool) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("id.orig_h", Cell::Addr(addr(from))),
        ("id.resp_h", Cell::Addr(addr(&format!("10.2.0.{n}")))),
        ("icmp_type", Cell::Count(8)),
        ("resp_count", Cell::Count(u64::from(answered))),
    ];
    line("icmp", 30, &columns)
}

#[test]
fn echoes_and_datagrams() {
    let echoes = |n: u32, from| (0..n).map(|i| echo(f64::from(i), from, i, i % 3 == 0)).collect::<Vec<_>>();
    assert_eq!(found(&echoes(25, "10.0.1.5"))[0].code(), "host-sweep/icmp");
    assert_eq!(found(&echoes(24, "10.0.1.5")).len(), 0);
    assert_eq!(found(&echoes(25, "203.0.113.7"))[0].severity, Severity::Info);
    // A monitor whose hosts are there.
    let fine: Vec<Line> = (0..100).map(|i| echo(f64::from(i), "10.0.1.5", i, true)).collect();
    assert_eq!(found(&fine).len(), 0);
    let snmp = |n: u32, port| -> Vec<Line> {
        (0..n).map(|i| Flow::used(f64::from(i), "fd00::5", &format!("fd00::1:{i:x}"), port).udp("SF").line(4)).collect()
    };
    assert_eq!(found(&snmp(25, 161))[0].code(), "host-sweep/udp");
    assert_eq!((found(&snmp(24, 161)).len(), found(&snmp(60, 53)).len()), (0, 0));
}

fn ndp(at: f64, operation: &'static str, from: &str, to: &str, target: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("id.orig_h", Cell::Addr(addr(from))),
        ("id.resp_h", Cell::Addr(addr(to))),
        ("operation", Cell::Word(operation)),
        ("is_orig", Cell::Flag(true)),
        ("target", Cell::Addr(addr(target))),
    ];
    line("ndp", 30, &columns)
}

#[test]
fn neighbours_are_solicited() {
    let target = |i: u32| format!("fe80::{:x}", i + 1);
    let asked =
        |n: u32| (0..n).map(|i| ndp(f64::from(i), "neighbour_solicitation", "fe80::aa", "ff02::1:ff00:1", &target(i)));
    let told =
        |n: u32| (0..n).map(|i| ndp(f64::from(i), "neighbour_advertisement", &target(i), "fe80::aa", &target(i)));
    assert_eq!(found(&asked(45).collect::<Vec<_>>())[0].code(), "host-sweep/ndp");
    assert_eq!(found(&asked(39).collect::<Vec<_>>()).len(), 0);
    assert_eq!(found(&asked(45).chain(told(30)).collect::<Vec<_>>()).len(), 0, "two thirds are there");
}

#[test]
fn with_a_port_scan_it_is_worse() {
    let mut lines = sweep(200, 0.1, 10);
    lines.extend(
        (0..30).map(|i| Flow::refused(100.0 + f64::from(i), "10.0.1.5", &format!("10.0.1.{}", 10 + i), 22).line(90)),
    );
    assert_eq!(found(&lines)[0].severity, Severity::Medium);
}

#[test]
fn state_is_bounded() {
    let lines: Vec<Line> =
        (0..30_000u32).map(|i| echo(f64::from(i), &format!("10.{}.{}.9", 50 + i / 256, i % 256), 1, false)).collect();
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "host-sweep").unwrap();
    assert!(spent.forgotten > 20_000 && spent.held_len < 1 << 20, "{spent:?}");
}
