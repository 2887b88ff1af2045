use crate::testing::{Cell, Line, addr, between, judge, of};
use crate::testing_flow::Flow;
use sekisho_finding::{Finding, Severity};

fn ssh(at: f64, from: &str, to: &str) -> Line {
    between("ssh", at, (from, to), &[("auth_success", Cell::Flag(true))])
}

fn service(at: f64, from: &str, to: &str) -> Line {
    between("dce_rpc", at, (from, to), &[("endpoint", Cell::Text(b"svcctl".to_vec())), ("opnum", Cell::Count(12))])
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "lateral-chain")
}

const A: &str = "10.0.0.1";
const B: &str = "10.0.0.2";
const C: &str = "10.0.0.3";
const D: &str = "10.0.0.4";

#[test]
fn from_host_to_host() {
    // S-32: services created along A, B, C, D within 25 minutes.
    let found = found(&[service(0.0, A, B), service(700.0, B, C), service(1_500.0, C, D)]);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("lateral-chain/hop", Severity::High));
    assert_eq!((finding.subject, finding.key.as_str()), (addr(A), "to 10.0.0.4"));
    let path = finding.quotes.iter().find(|q| q.label == "path").unwrap();
    assert_eq!(
        path.text,
        "10.0.0.1 > 10.0.0.2 by service-create > 10.0.0.3 by service-create > 10.0.0.4 by service-create"
    );
    assert_eq!(finding.measures[0].value(), 3.0);
    // Each hop has its own time.
    let acts: Vec<_> = finding.acts.iter().map(|a| (a.ts.0 / 1_000_000_000, a.host, a.to)).collect();
    let hop = |at: i64, from: &str, to: &str| (at, addr(from), Some(addr(to)));
    assert_eq!(acts, [hop(0, A, B), hop(700, B, C), hop(1_500, C, D)]);
}

#[test]
fn sessions_alone_say_less_while_little_was_seen() {
    let two = found(&[ssh(0.0, A, B), ssh(60.0, B, C)]);
    assert_eq!((two[0].severity, two[0].confidence.thousandths()), (Severity::Info, 300));
    let three = found(&[ssh(0.0, A, B), ssh(60.0, B, C), ssh(90.0, C, D)]);
    assert_eq!((three.len(), three[0].severity), (1, Severity::Medium));
    // Rows come in the order in which log-ins were understood.
    let mixed = found(&[ssh(90.0, C, D), ssh(60.0, B, C), ssh(0.0, A, B), service(5.0, A, "10.0.0.9")]);
    assert_eq!((mixed.len(), mixed[0].severity), (1, Severity::High));
}

#[test]
fn no_chain() {
    // Too late; there and back; a jump host that had gone on before; one that fans out.
    assert_eq!(found(&[service(0.0, A, B), service(1_900.0, B, C)]).len(), 0);
    assert_eq!(found(&[service(0.0, A, B), service(60.0, B, A)]).len(), 0);
    assert_eq!(found(&[service(0.0, B, D), service(60.0, A, B), service(90.0, B, C)]).len(), 0);
    assert_eq!(found(&[service(0.0, A, B), service(60.0, A, C), service(90.0, A, D)]).len(), 0);
}

#[test]
fn a_jump_host_of_long_ago() {
    let after = |days: f64| {
        let (used, chain) = (service(0.0, B, D), days * 86_400.0);
        found(&[used, service(chain, A, B), service(chain + 60.0, B, C)]).len()
    };
    assert_eq!((after(29.0), after(31.0)), (0, 1));
}

fn copied(at: f64, from: &str, to: &str, digest: u8) -> [Line; 2] {
    let text = |t: &str| Cell::Text(t.into());
    let opened = [("action", Cell::Word("SMB::FILE_OPEN")), ("path", text("\\\\t\\C$")), ("name", text("a.exe"))];
    let content = [
        ("source", text("SMB")),
        ("mime_type", text("application/x-dosexec")),
        ("filename", text("a.exe")),
        ("is_orig", Cell::Flag(true)),
        ("sha256", Cell::Text(vec![digest; 32])),
    ];
    [between("smb_files", at, (from, to), &opened), between("files", at, (from, to), &content)]
}

#[test]
fn the_same_program_on_three_machines() {
    let to = |hosts: &[&str]| -> Vec<Line> { hosts.iter().flat_map(|h| copied(100.0, A, h, 1)).collect() };
    let found = found(&to(&[B, C, D]));
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("lateral-chain/same-file", Severity::Medium));
    assert_eq!(self::found(&to(&[B, C])).len(), 0);
    let mut ran = to(&[B, C, D]);
    ran.push(service(200.0, A, C));
    assert_eq!(self::found(&ran)[0].severity, Severity::Critical);
    let slow = [copied(0.0, A, B, 1), copied(100.0, A, C, 1), copied(4_000.0, A, D, 1)].into_iter().flatten();
    assert_eq!(self::found(&slow.collect::<Vec<_>>()).len(), 0);
    let others = [copied(0.0, A, B, 1), copied(1.0, A, C, 2), copied(2.0, A, D, 3)].into_iter().flatten();
    assert_eq!(self::found(&others.collect::<Vec<_>>()).len(), 0);
}

/// `from` scans from `at` on for port 445 and finds `open`.
fn scan(at: f64, from: &str, open: &str) -> Vec<Line> {
    let miss =
        |i: u32| Flow::unanswered(at + 1.0 + f64::from(i), from, &format!("10.7.{}.{}", at as u32 / 100, i), 445);
    let hit = Flow::used(at + 0.5, from, open, 445).line(5);
    (0..30).map(|i| miss(i).line(6)).chain([hit]).collect()
}

#[test]
fn a_worm() {
    let mut lines = scan(0.0, A, B);
    lines.extend(scan(200.0, B, C));
    lines.extend(scan(400.0, C, D));
    let found = found(&lines);
    let worm: Vec<&Finding> = found.iter().filter(|f| f.reason.code == "worm").collect();
    let [worm] = &worm[..] else { panic!("{found:?}") };
    assert_eq!((worm.subject, worm.severity, worm.key.as_str()), (addr(A), Severity::Critical, "port 445"));
    assert_eq!(worm.peers.named(), [addr(B), addr(C)]);
    // Three scanners that had nothing to do with each other; two are too few.
    let apart: Vec<Line> = [scan(0.0, A, D), scan(200.0, B, D), scan(400.0, C, D)].into_iter().flatten().collect();
    assert!(self::found(&apart).iter().all(|f| f.reason.code != "worm"));
    let two: Vec<Line> = [scan(0.0, A, B), scan(200.0, B, C)].into_iter().flatten().collect();
    assert!(self::found(&two).iter().all(|f| f.reason.code != "worm"));
}

#[test]
fn state_is_bounded() {
    let mut lines = Vec::new();
    for i in 0..60_000u32 {
        lines.push(ssh(f64::from(i), &format!("10.{}.{}.9", i / 256, i % 256), A));
    }
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &lines);
    let steps = verdict.forgotten.iter().find(|f| f.0 == "steps from host to host");
    assert!(steps.is_some_and(|f| f.1 > 50_000), "{:?}", verdict.forgotten);
    let many = (0..3_000u32)
        .flat_map(|i| copied(f64::from(i), A, &format!("10.{}.{}.9", 50 + i / 256, i % 256), (i % 251) as u8));
    let verdict = crate::testing::judge_in(&scope, &many.collect::<Vec<_>>());
    let spent = verdict.spent.iter().find(|s| s.id == "lateral-chain").unwrap();
    assert!(spent.forgotten > 100 && spent.held_len < 1 << 20, "{spent:?}");
}
