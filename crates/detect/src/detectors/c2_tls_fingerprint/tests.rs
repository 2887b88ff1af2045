use super::*;
use crate::testing::{Cell, Line, addr, judge_in, line, of};
use crate::testing_flow::Flow;
use sekisho_finding::Finding;

const HOST: &str = "10.0.0.5";
const DAY: f64 = 86_400.0;
const BROWSER: &str = "t13d1516h2_8daaf6152771_e5627efa2ab1";
const IMPLANT: &str = "t12i210600_76e208dd3e22_2dae41c691ec";

/// A session and the flow that it was in.
fn session(at: f64, host: &str, peer: &str, ja4: &str, name: &str) -> [Line; 2] {
    let packet = (at * 8.0) as u64 + u64::from(addr(host).octets()[15]);
    let columns = [
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(packet + 1_000)),
        ("id.orig_h", Cell::Addr(addr(host))),
        ("id.resp_h", Cell::Addr(addr(peer))),
        ("server_name", Cell::Text(name.into())),
        ("ja4", Cell::Text(ja4.into())),
    ];
    [line("ssl", packet, &columns), Flow::used(at, host, peer, 443).app("ssl").line(packet)]
}

/// Hosts that browse, every day for `days`.
fn office(hosts: u32, days: u32) -> Vec<Line> {
    let each = |day: u32| (0..hosts).map(move |n| (f64::from(day) * DAY + 1_000.0 + f64::from(n), n));
    (0..days)
        .flat_map(each)
        .flat_map(|(at, n)| session(at, &format!("10.0.0.{}", n + 1), "198.51.100.7", BROWSER, "www.example"))
        .collect()
}

fn found(list: &str, lines: [Vec<Line>; 2]) -> Vec<Finding> {
    let mut table = Table::default();
    if !list.is_empty() {
        table.add("clients.csv", list.as_bytes(), None);
    }
    let mut lines: Vec<Line> = lines.into_iter().flatten().collect();
    lines.sort_by(|a, b| a.ts().total_cmp(&b.ts()));
    let scope = Scope { intel: Arc::new(table), ..Scope::new(&[], 0) };
    of(&judge_in(&scope, &lines), "c2-tls-fingerprint")
}

fn codes(all: &[Finding]) -> Vec<(&str, Severity, Confidence)> {
    all.iter().map(|f| (f.reason.code, f.severity, f.confidence)).collect()
}

fn listed(list: &str, ja4: &str) -> Vec<(String, Severity, Confidence)> {
    let one = session(2_000.0, HOST, "203.0.113.9", ja4, "c2.example").into();
    found(list, [one, Vec::new()]).into_iter().map(|f| (f.key.clone(), f.severity, f.confidence)).collect()
}

#[test]
fn a_listed_client() {
    let exact = format!("ja4,label\n{IMPLANT},Implant\n");
    assert_eq!(listed(&exact, IMPLANT), [(IMPLANT.to_owned(), Severity::High, Confidence::percent(60))]);
    let any = "ja4,label\nt12i210600_*_2dae41c691ec,Implant\n";
    let key = "t12i210600_*_2dae41c691ec".to_owned();
    assert_eq!(listed(any, IMPLANT), [(key, Severity::High, Confidence::percent(40))]);
    let named = format!("{IMPLANT},Implant\nc2.example,Implant\n");
    assert_eq!(listed(&named, IMPLANT)[0].2, Confidence::percent(80));
    let v6 = session(2_000.0, "fd00::5", "2001:db8::9", IMPLANT, "").into();
    assert_eq!(found(&exact, [v6, Vec::new()]).len(), 1);
    let old = format!("ja4,label,expires\n{IMPLANT},Implant,1969-01-01\n");
    assert_eq!(listed(&old, IMPLANT)[0].1, Severity::Info);
    // Five hosts have it: a library.
    let common = format!("ja4,label\n{BROWSER},Tool\n");
    let all = found(&common, [office(5, 1), session(90_000.0, HOST, "203.0.113.9", BROWSER, "").into()]);
    assert!(all.iter().any(|f| f.subject == addr(HOST) && f.severity == Severity::Low), "{:?}", codes(&all));
}

#[test]
fn nearly_listed() {
    let exact = format!("ja4,label\n{IMPLANT},Implant\n");
    for other in [BROWSER, "t12i210600_76e208dd3e22_2dae41c691ed", "t12i210500_76e208dd3e22_2dae41c691ec", ""] {
        assert_eq!(listed(&exact, other).len(), 0, "{other}");
    }
    let inside = session(2_000.0, HOST, "10.0.0.9", IMPLANT, "").into();
    assert_eq!(found(&exact, [inside, Vec::new()]).len(), 0);
    assert_eq!(listed("ja4,label\nt12i210600_*_*,Implant\n", IMPLANT).len(), 0, "too little to go by");
}

#[test]
fn a_client_that_is_new_to_its_host() {
    let late = |day: f64, peer: &str| -> Vec<Line> {
        let name = if peer == "198.51.100.7" { "www.example" } else { "new.example" };
        session(day * DAY + 5_000.0, HOST, peer, IMPLANT, name).into()
    };
    let all = found("", [office(12, 9), late(8.0, "203.0.113.9")]);
    let [new, rare] = &all[..] else { panic!("{:?}", codes(&all)) };
    assert_eq!((new.reason.code, new.severity, new.key.as_str()), ("host-new", Severity::Low, "new.example"));
    assert_eq!((rare.reason.code, rare.confidence), ("net-rare", Confidence::percent(30)));
    // In the first week; at the place where all go; where several have it.
    let only = |all: Vec<Finding>| all.iter().map(|f| f.reason.code).collect::<Vec<_>>();
    assert_eq!(only(found("", [office(12, 9), late(5.0, "203.0.113.9")])), ["net-rare"]);
    assert_eq!(only(found("", [office(12, 9), late(8.0, "198.51.100.7")])), Vec::<&str>::new());
    let mut two = late(8.0, "203.0.113.9");
    two.extend(session(1_500.0, "10.0.0.6", "203.0.113.9", IMPLANT, "new.example"));
    assert_eq!(only(found("", [office(12, 9), two])), Vec::<&str>::new());
}

#[test]
fn ordinary() {
    // One browser at many places; a small network where every host has its own programs.
    let places =
        (0..40).flat_map(|n| session(f64::from(n) * 20_000.0, HOST, &format!("203.0.113.{n}"), BROWSER, "x.example"));
    assert_eq!(found("", [office(12, 9), places.collect()]).len(), 0);
    assert_eq!(found("", [office(8, 9), session(8.0 * DAY, HOST, "203.0.113.9", IMPLANT, "").into()]).len(), 0);
}

#[test]
fn stays_within_bounds() {
    let scope = Scope { memory_len: Some(4 << 20), ..Scope::new(&[], 0) };
    let mut lines = Vec::new();
    for n in 0..20_000u32 {
        let ja4 = format!("t13d1516h2_8daaf6152771_{n:012x}");
        lines.extend(session(f64::from(n), &format!("10.{}.{}.7", n >> 8 & 255, n & 255), "203.0.113.9", &ja4, "x"));
    }
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-tls-fingerprint").unwrap();
    assert!(spent.held_len < 200 << 10 && spent.forgotten > 40_000, "{spent:?}");
}
