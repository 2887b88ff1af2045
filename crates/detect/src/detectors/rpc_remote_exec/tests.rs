use crate::testing::{Cell, Line, addr, between, judge, of};
use sekisho_finding::{Finding, Severity, Tie};

const SOURCE: &str = "10.0.0.5";
const TARGET: &str = "10.0.1.7";

fn text(value: &str) -> Cell {
    Cell::Text(value.into())
}

fn call(at: f64, endpoint: &str, opnum: u64) -> Line {
    let more = [("endpoint", text(endpoint)), ("operation", text("Op")), ("opnum", Cell::Count(opnum))];
    between("dce_rpc", at, (SOURCE, TARGET), &more)
}

/// A file is opened and its content passes.
fn written(at: f64, share: &str, mime: &str) -> [Line; 2] {
    let opened = [("action", Cell::Word("SMB::FILE_OPEN")), ("path", text(share)), ("name", text("dir\\tool.exe"))];
    let content = [
        ("source", text("SMB")),
        ("mime_type", text(mime)),
        ("filename", text("dir\\tool.exe")),
        ("is_orig", Cell::Flag(true)),
        ("sha256", Cell::Text(vec![0xab; 32])),
    ];
    [between("smb_files", at, (SOURCE, TARGET), &opened), between("files", at, (SOURCE, TARGET), &content)]
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "rpc-remote-exec")
}

fn codes(lines: &[Line]) -> Vec<String> {
    found(lines).iter().map(Finding::code).collect()
}

#[test]
fn each_call_has_its_reason() {
    let cases = [
        ("svcctl", 12, "service-create", Severity::High),
        ("svcctl", 45, "service-create", Severity::High),
        ("svcctl", 11, "service-create", Severity::High),
        ("svcctl", 19, "service-start", Severity::Medium),
        ("ITaskSchedulerService", 1, "task", Severity::High),
        ("atsvc", 0, "at", Severity::High),
        ("IWbemServices", 24, "wmi", Severity::High),
        ("winreg", 22, "registry", Severity::Medium),
        ("winreg", 31, "registry-save", Severity::High),
        ("spoolss", 89, "print-driver", Severity::High),
        ("eventlog", 0, "log-clear", Severity::Medium),
        ("IEventService", 6, "log-clear", Severity::Medium),
        ("InitShutdown", 2, "shutdown", Severity::Medium),
    ];
    for (endpoint, opnum, code, severity) in cases {
        let found = found(&[call(1.0, endpoint, opnum)]);
        assert_eq!((found.len(), found[0].code()), (1, format!("rpc-remote-exec/{code}")), "{endpoint} {opnum}");
        assert_eq!((found[0].severity, found[0].subject, found[0].key.as_str()), (severity, addr(SOURCE), TARGET));
    }
}

#[test]
fn what_only_reads() {
    // ExecQuery of WMI, services and tasks listed, the registry read, a printer opened, shares listed.
    let calls = [
        ("IWbemServices", 20),
        ("svcctl", 14),
        ("svcctl", 15),
        ("ITaskSchedulerService", 7),
        ("winreg", 17),
        ("spoolss", 69),
        ("srvsvc", 15),
        ("IRemoteSCMActivator", 4),
    ];
    let lines: Vec<Line> = calls.iter().map(|(endpoint, opnum)| call(1.0, endpoint, *opnum)).collect();
    assert_eq!(codes(&lines).len(), 0);
}

#[test]
fn a_program_and_then_a_service() {
    let mut lines: Vec<Line> =
        vec![between("ntlm", 0.5, (SOURCE, TARGET), &[("username", text("eve")), ("success", Cell::Flag(true))])];
    lines.extend(written(1.0, "\\\\t\\ADMIN$", "application/x-dosexec"));
    lines.extend([call(2.0, "svcctl", 12), call(3.0, "svcctl", 19)]);
    let found = found(&lines);
    let [psexec, create, ..] = &found[..] else { panic!("{found:?}") };
    assert_eq!((psexec.code().as_str(), psexec.severity), ("rpc-remote-exec/psexec-like", Severity::Critical));
    assert_eq!(psexec.confidence.thousandths(), 900);
    let quote = |label| psexec.quotes.iter().find(|q| q.label == label).map(|q| q.text.as_str());
    assert_eq!(quote("account"), Some("eve"));
    assert_eq!(quote("program"), Some("\\\\t\\ADMIN$\\dir\\tool.exe"));
    assert_eq!(quote("SHA-256"), Some("ab".repeat(32).as_str()));
    assert_eq!(psexec.ties, [Tie::used(b"eve").unwrap(), Tie::File([0xab; 32])]);
    assert_eq!(create.code(), "rpc-remote-exec/service-create");
    assert_eq!(found.len(), 4);
}

#[test]
fn apart_or_elsewhere_they_are_not_together() {
    let program = || written(1.0, "\\\\t\\C$", "application/x-dosexec").into_iter();
    let late = program().chain([call(602.0, "svcctl", 12)]).collect::<Vec<_>>();
    assert_eq!(codes(&late), ["rpc-remote-exec/service-create", "rpc-remote-exec/admin-share"]);
    let other = program().chain([between(
        "dce_rpc",
        2.0,
        (SOURCE, "10.0.1.8"),
        &[("endpoint", text("svcctl")), ("opnum", Cell::Count(12))],
    )]);
    assert!(!codes(&other.collect::<Vec<_>>()).iter().any(|c| c.contains("psexec")));
    // A program on a share for everyone, a document on C$.
    assert_eq!(codes(&written(1.0, "\\\\t\\public", "application/x-dosexec")).len(), 0);
    assert_eq!(codes(&written(1.0, "\\\\t\\C$", "application/pdf")).len(), 0);
}

#[test]
fn remote_management_that_was_accepted() {
    let wsman = |status, port| {
        let more = [
            ("id.resp_p", Cell::Port(port)),
            ("method", text("POST")),
            ("uri", text("/wsman")),
            ("status_code", Cell::Count(status)),
        ];
        between("http", 1.0, (SOURCE, TARGET), &more)
    };
    assert_eq!(codes(&[wsman(401, 5985), wsman(200, 5985)]), ["rpc-remote-exec/winrm"]);
    assert_eq!(codes(&[wsman(401, 5985), wsman(200, 80)]).len(), 0);
}

#[test]
fn from_outside_and_state_is_bounded() {
    let outside = between(
        "dce_rpc",
        1.0,
        ("2001:db8::9", "fd00::7"),
        &[("endpoint", text("svcctl")), ("opnum", Cell::Count(19))],
    );
    assert_eq!(found(&[outside])[0].severity, Severity::High);
    let lines: Vec<Line> = (0..40_000u32)
        .map(|i| {
            let to = format!("10.{}.{}.9", 50 + i / 256, i % 256);
            between("dce_rpc", f64::from(i), (SOURCE, &to), &[("endpoint", text("svcctl")), ("opnum", Cell::Count(19))])
        })
        .collect();
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "rpc-remote-exec").unwrap();
    assert!(spent.forgotten > 30_000 && spent.held_len < 1 << 20, "{spent:?}");
}
