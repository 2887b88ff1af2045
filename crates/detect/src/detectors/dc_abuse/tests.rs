use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

const SOURCE: &str = "10.0.0.5";
const DC: &str = "10.0.0.1";

fn call(at: f64, (from, to): (&str, &str), endpoint: &str, opnum: u64) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr(from))),
        ("id.resp_h", Cell::Addr(addr(to))),
        ("endpoint", Cell::Text(endpoint.into())),
        ("operation", Cell::Text(b"Op".to_vec())),
        ("opnum", Cell::Count(opnum)),
    ];
    line("dce_rpc", 9, &columns)
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "dc-abuse")
}

fn codes(lines: &[Line]) -> Vec<String> {
    found(lines).iter().map(Finding::code).collect()
}

#[test]
fn replication_by_a_workstation() {
    let found = found(&[call(1.0, (SOURCE, DC), "drsuapi", 3), call(2.0, (SOURCE, DC), "drsuapi", 3)]);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("dc-abuse/dcsync", Severity::Critical));
    assert_eq!((finding.subject, finding.key.as_str()), (addr(SOURCE), DC));
    assert_eq!(codes(&[call(1.0, (SOURCE, DC), "drsuapi", 5)]), ["dc-abuse/dcshadow"]);
    assert_eq!(codes(&[call(1.0, (SOURCE, DC), "lsarpc", 43)]), ["dc-abuse/backup-key"]);
    // Names cracked, a bind; what every machine does at its controller.
    let usual = [
        call(1.0, (SOURCE, DC), "drsuapi", 12),
        call(1.0, (SOURCE, DC), "drsuapi", 0),
        call(2.0, (SOURCE, DC), "BackupKey", 0),
    ];
    assert_eq!(codes(&usual).len(), 0);
}

#[test]
fn controllers_among_themselves() {
    let other = "10.0.0.2";
    // Each is called by the other, later or before.
    let both = [call(1.0, (other, DC), "drsuapi", 3), call(9.0, (DC, other), "drsuapi", 3)];
    assert_eq!(codes(&both).len(), 0);
    let served = [call(1.0, (other, DC), "drsuapi", 3), call(9.0, ("10.0.0.77", other), "netlogon", 26)];
    assert_eq!(codes(&served).len(), 0);
}

/// Challenges and authentications, one pair each `gap` seconds.
fn handshakes(n: u32, gap: f64) -> Vec<Line> {
    (0..n)
        .flat_map(|i| {
            let at = f64::from(i) * gap;
            [call(at, (SOURCE, DC), "netlogon", 4), call(at + 0.01, (SOURCE, DC), "netlogon", 26)]
        })
        .collect()
}

#[test]
fn an_empty_key_is_guessed() {
    let tried = found(&handshakes(300, 0.1));
    assert_eq!((tried[0].code().as_str(), tried[0].severity), ("dc-abuse/netlogon-zero", Severity::High));
    let mut won = handshakes(300, 0.1);
    won.push(call(31.0, (SOURCE, DC), "netlogon", 30));
    let found = found(&won);
    assert_eq!((found[0].code().as_str(), found[0].severity), ("dc-abuse/netlogon-zero/confirmed", Severity::Critical));
    assert_eq!((codes(&handshakes(9, 0.1)).len(), codes(&handshakes(30, 7.0)).len()), (0, 0));
    // A machine that logs in and renews its password.
    let mut usual = handshakes(1, 1.0);
    usual.push(call(2.0, (SOURCE, DC), "netlogon", 30));
    assert_eq!(codes(&usual).len(), 0);
}

#[test]
fn state_is_bounded() {
    let lines: Vec<Line> = (0..30_000u32)
        .map(|i| call(f64::from(i), (&format!("10.{}.{}.9", 50 + i / 256, i % 256), "fd00::1"), "netlogon", 4))
        .collect();
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "dc-abuse").unwrap();
    assert!(spent.forgotten > 20_000 && spent.held_len < 1 << 20, "{spent:?}");
}
