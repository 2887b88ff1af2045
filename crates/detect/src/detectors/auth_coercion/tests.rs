use crate::testing::{Cell, Line, addr, between, judge, of};
use sekisho_finding::{Finding, Severity};

const SOURCE: &str = "10.0.0.66";
const CALLED: &str = "10.0.0.1";

fn call(endpoint: &str, opnum: u64) -> Line {
    let more = [
        ("endpoint", Cell::Text(endpoint.into())),
        ("operation", Cell::Text(b"Op".to_vec())),
        ("opnum", Cell::Count(opnum)),
    ];
    between("dce_rpc", 1.0, (SOURCE, CALLED), &more)
}

fn login(at: f64, from: &str, to: &str, user: &str) -> Line {
    between("ntlm", at, (from, to), &[("username", Cell::Text(user.into()))])
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "auth-coercion")
}

fn codes(lines: &[Line]) -> Vec<String> {
    found(lines).iter().map(Finding::code).collect()
}

#[test]
fn each_call_has_its_reason() {
    for (endpoint, opnum, code, severity) in [
        ("efsrpc", 0, "efs", Severity::Medium),
        ("efsrpc2", 15, "efs", Severity::Medium),
        ("spoolss", 65, "print", Severity::Low),
        ("netdfs", 13, "dfs", Severity::Medium),
        ("FileServerVssAgent", 8, "vss", Severity::Medium),
        ("eventlog", 9, "eventlog", Severity::Medium),
    ] {
        let found = found(&[call(endpoint, opnum)]);
        assert_eq!((found[0].code(), found[0].severity), (format!("auth-coercion/{code}"), severity), "{endpoint}");
        assert_eq!((found[0].subject, found[0].key.as_str()), (addr(SOURCE), CALLED));
    }
    for (endpoint, opnum) in [("efsrpc", 3), ("spoolss", 69), ("netdfs", 5), ("eventlog", 7), ("srvsvc", 15)] {
        assert_eq!(codes(&[call(endpoint, opnum)]).len(), 0, "{endpoint}");
    }
}

#[test]
fn and_then_the_machine_logs_in() {
    let found = found(&[call("efsrpc", 0), login(1.5, CALLED, SOURCE, "DC1$")]);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("auth-coercion/efs/confirmed", Severity::High));
    assert!(finding.quotes.iter().any(|q| q.label == "account" && q.text == "DC1$"));
    // A user, another host, too late, before.
    for login in [
        login(1.5, CALLED, SOURCE, "ada"),
        login(1.5, "10.0.0.2", SOURCE, "PC2$"),
        login(12.0, CALLED, SOURCE, "DC1$"),
        login(0.5, CALLED, SOURCE, "DC1$"),
    ] {
        assert_eq!(codes(&[call("efsrpc", 0), login]), ["auth-coercion/efs"]);
    }
}

#[test]
fn a_domain_controller() {
    let mut lines: Vec<Line> = Vec::new();
    for (i, app) in ["krb_tcp", "ldap_tcp"].iter().cycle().take(6).enumerate() {
        lines.push(crate::testing_flow::Flow::used(0.0, &format!("10.0.1.{}", i / 2), CALLED, 88).app(app).line(2));
    }
    lines.extend([call("efsrpc", 0), login(1.5, CALLED, SOURCE, "DC1$")]);
    let found = found(&lines);
    assert_eq!((found[0].severity, found[0].confidence.thousandths()), (Severity::Critical, 950));
}

#[test]
fn state_is_bounded() {
    let lines: Vec<Line> = (0..30_000u32)
        .map(|i| {
            let to = format!("10.{}.{}.9", 50 + i / 256, i % 256);
            between(
                "dce_rpc",
                f64::from(i),
                ("fd00::5", &to),
                &[("endpoint", Cell::Text(b"spoolss".to_vec())), ("opnum", Cell::Count(65))],
            )
        })
        .collect();
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "auth-coercion").unwrap();
    assert!(spent.forgotten > 20_000 && spent.held_len < 1 << 20, "{spent:?}");
}
