use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

fn row(log: &'static str, more: &[(&'static str, Cell)]) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(100.0)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr("10.0.0.9"))),
        ("id.resp_h", Cell::Addr(addr("10.0.0.2"))),
        ("id.resp_p", Cell::Port(23)),
    ];
    columns.extend(more.iter().cloned());
    line(log, 7, &columns)
}

fn conn(app: &str, answered: u64) -> Line {
    let more = [
        ("app", Cell::Text(app.into())),
        ("orig_bytes", Cell::Count(10)),
        ("resp_pkts", Cell::Count(answered)),
        ("resp_bytes", Cell::Count(answered)),
    ];
    row("conn", &more)
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "audit-insecure-protocol")
}

#[test]
fn telnet_is_answered() {
    let found = found(&[conn("telnet", 3), conn("telnet", 4)]);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.code(), "audit-insecure-protocol/telnet");
    assert_eq!((finding.severity, finding.confidence.thousandths()), (Severity::Low, 950));
    assert_eq!((finding.subject, finding.key.as_str()), (addr("10.0.0.2"), "10.0.0.2 port 23"));
    assert_eq!((finding.peers.named(), finding.count), (&[addr("10.0.0.9")][..], 2));
}

fn text(value: &str) -> Cell {
    Cell::Text(value.into())
}

#[test]
fn versions_that_should_be_retired() {
    for (line, code, severity) in [
        (row("smb_mapping", &[("dialect", text("1"))]), "smb1", Severity::Medium),
        (row("ntlm", &[("version", Cell::Count(1))]), "ntlm1", Severity::Medium),
        (row("snmp", &[("version", text("2c")), ("get_responses", Cell::Count(1))]), "snmp", Severity::Low),
        (row("ssh", &[("version", Cell::Count(1))]), "ssh1", Severity::Low),
        (row("rdp", &[("security_protocol", text("RDP"))]), "rdp", Severity::Low),
        (row("ntp_admin", &[("replies", Cell::Count(2))]), "ntp-control", Severity::Low),
        (row("ldap", &[("opcode", text("bind simple")), ("argument", text("REDACTED"))]), "ldap", Severity::Low),
        (conn("imap", 5), "imap", Severity::Low),
        (conn("rfb", 5), "vnc", Severity::Low),
        (conn("tftp", 0), "tftp", Severity::Low),
    ] {
        let found = found(&[line]);
        let shown: Vec<_> = found.iter().map(|f| (f.reason.code, f.severity)).collect();
        assert_eq!(shown, [(code, severity)]);
    }
}

#[test]
fn nearly_and_ordinary() {
    let lines = [
        conn("telnet", 0),
        conn("tftp", 9),
        conn("imap,ssl", 9),
        conn("http", 9),
        conn("", 9),
        row("smb_mapping", &[("dialect", text("3.1.1"))]),
        row("ntlm", &[("version", Cell::Count(2))]),
        row("snmp", &[("version", text("3")), ("get_responses", Cell::Count(1))]),
        row("ssh", &[("version", Cell::Count(2))]),
        row("rdp", &[("security_protocol", text("HYBRID"))]),
        row("ldap", &[("opcode", text("bind simple"))]),
    ];
    assert_eq!(found(&lines).len(), 0);
}
