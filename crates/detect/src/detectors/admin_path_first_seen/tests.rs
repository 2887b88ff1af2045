use crate::testing::{Cell, Line, addr, judge, line, of};
use crate::testing_flow::Flow;
use sekisho_finding::{Finding, Severity};

const DAY: f64 = 86_400.0;

fn ssh(at: f64, from: &str, to: &str, success: bool) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr(from))),
        ("id.resp_h", Cell::Addr(addr(to))),
        ("id.resp_p", Cell::Port(22)),
        ("auth_success", Cell::Flag(success)),
    ];
    line("ssh", 9, &columns)
}

fn rdp(at: f64, from: &str, to: &str) -> Line {
    Flow::used(at, from, to, 3389).app("rdp,ssl").sized(600.0, 50_000, 900_000).line(8)
}

/// Something that shows that the network was watched since then.
fn watched() -> Line {
    Flow::used(0.0, "10.0.0.1", "203.0.113.1", 443).line(1)
}

fn found(lines: Vec<Line>) -> Vec<Finding> {
    of(&judge(&lines), "admin-path-first-seen")
}

#[test]
fn a_workstation_goes_to_others() {
    // S-22: three by RDP in 20 minutes, after a month in which it did no such thing.
    let targets = ["10.0.0.11", "10.0.0.12", "10.0.0.13"];
    let mut lines = vec![watched()];
    lines.extend(targets.iter().enumerate().map(|(i, to)| rdp(31.0 * DAY + i as f64 * 600.0, "10.0.0.5", to)));
    let found = found(lines);
    let severities: Vec<Severity> = found.iter().map(|f| f.severity).collect();
    assert_eq!(severities, [Severity::Medium, Severity::Low, Severity::Low]);
    assert_eq!((found[0].code().as_str(), found[0].key.as_str()), ("admin-path-first-seen/ws-ws", "10.0.0.13 by rdp"));
    assert_eq!(found[0].all_techniques().collect::<Vec<_>>(), ["T1021.001"], "no other way was gone");
}

#[test]
fn known_paths_and_other_sessions() {
    let daily = (0..40).map(|day| ssh(f64::from(day) * DAY, "10.0.0.5", "10.0.0.11", true));
    assert!(found([watched()].into_iter().chain(daily).collect()).iter().all(|f| f.severity == Severity::Info));
    // Log-ins that failed, sessions too short or too small.
    let short = Flow::used(30.0 * DAY, "10.0.0.5", "10.0.0.11", 3389).app("rdp").sized(5.0, 3_000, 9_000).line(3);
    assert_eq!(found(vec![watched(), ssh(30.0 * DAY, "10.0.0.5", "10.0.0.11", false), short]).len(), 0);
    // Longer than 30 days ago is new again.
    let again =
        vec![watched(), ssh(1.0, "10.0.0.5", "10.0.0.11", true), ssh(40.0 * DAY, "10.0.0.5", "10.0.0.11", true)];
    assert!(found(again).iter().any(|f| f.severity == Severity::Low));
}

#[test]
fn an_administrators_machine_goes_to_a_new_one() {
    let mut lines = vec![watched()];
    for admin in ["10.0.9.1", "10.0.9.2", "10.0.9.3"] {
        lines.push(ssh(1.0, admin, "10.0.0.11", true));
    }
    lines.push(ssh(31.0 * DAY, "10.0.9.4", "10.0.0.11", true));
    assert!(found(lines).iter().all(|f| f.severity == Severity::Info));
}

#[test]
fn while_little_was_seen_it_is_a_list() {
    let targets = ["10.0.0.11", "10.0.0.12", "fd00::13"];
    let lines = targets.iter().map(|to| ssh(100.0, "10.0.0.5", to, true));
    let found = found([watched()].into_iter().chain(lines).collect());
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.severity, finding.key.as_str(), finding.peers.named().len()), (Severity::Info, "ssh", 3));
    let outside = self::found(vec![watched(), ssh(100.0, "203.0.113.5", "10.0.0.1", true)]);
    assert_eq!((outside[0].code().as_str(), outside[0].severity), ("admin-path-first-seen/ext-int", Severity::Info));
}

#[test]
fn state_is_bounded() {
    let lines: Vec<Line> = (0..30_000u32)
        .map(|i| ssh(f64::from(i), "10.0.0.5", &format!("10.{}.{}.9", 50 + i / 256, i % 256), true))
        .collect();
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "admin-path-first-seen").unwrap();
    assert!(spent.forgotten > 20_000 && spent.held_len < 1 << 20, "{spent:?}");
}
