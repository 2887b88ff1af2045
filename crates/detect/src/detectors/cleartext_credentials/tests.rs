use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

const OUTSIDE: &str = "203.0.113.9";
const SERVER: &str = "10.30.0.40";

fn row(log: &'static str, client: &str, more: &[(&'static str, Cell)]) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(100.0)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr(client))),
        ("id.resp_h", Cell::Addr(addr(SERVER))),
        ("id.resp_p", Cell::Port(21)),
    ];
    columns.extend(more.iter().cloned());
    line(log, 7, &columns)
}

fn login(client: &str, protocol: &'static str, user: &str, clear: bool) -> Line {
    let more = [
        ("protocol", Cell::Word(protocol)),
        ("method", Cell::Text("PASS".into())),
        ("user", Cell::Text(user.into())),
        ("password_len", Cell::Count(7)),
        ("clear", Cell::Flag(clear)),
        ("packet", Cell::Count(5)),
    ];
    row("credential", client, &more)
}

fn verdict(client: &str, protocol: &'static str, success: bool) -> Line {
    let more = [("protocol", Cell::Word(protocol)), ("success", Cell::Flag(success)), ("clear", Cell::Flag(true))];
    row("credential", client, &more)
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "cleartext-credentials")
}

#[test]
fn a_password_that_was_accepted() {
    let found = found(&[login(OUTSIDE, "ftp", "ada", true), verdict(OUTSIDE, "ftp", true)]);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.code(), "cleartext-credentials/ftp/accepted");
    assert_eq!((finding.severity, finding.confidence.thousandths()), (Severity::High, 950));
    assert_eq!((finding.subject, finding.key.as_str()), (addr(SERVER), "ada at 10.30.0.40"));
    assert_eq!(finding.peers.named(), [addr(OUTSIDE)]);
    assert_eq!(finding.measures[0].value(), 7.0);
    assert_eq!(finding.quotes[0].text, "ada by PASS");
}

#[test]
fn inside_and_without_verdict() {
    let severity = |lines: &[Line]| found(lines).iter().map(|f| (f.code(), f.severity)).collect::<Vec<_>>();
    let medium = ("cleartext-credentials/pop3".to_owned(), Severity::Medium);
    assert_eq!(severity(&[login("10.0.0.9", "pop3", "ada", true)]), std::slice::from_ref(&medium));
    assert_eq!(severity(&[login("10.0.0.9", "pop3", "ada", true), verdict("10.0.0.9", "pop3", false)]), [medium]);
    let high = ("cleartext-credentials/telnet".to_owned(), Severity::High);
    assert_eq!(severity(&[login("10.0.0.9", "telnet", "root", true)]), [high]);
}

#[test]
fn nearly_and_ordinary() {
    let lines = [
        login(OUTSIDE, "ftp", "anonymous", true),
        login(OUTSIDE, "smtp", "ada", false),
        login(SERVER, "redis", "ada", true),
        verdict(OUTSIDE, "ftp", true),
    ];
    assert_eq!(found(&lines).len(), 0);
    let proof = row(
        "credential",
        OUTSIDE,
        &[("protocol", Cell::Word("smtp")), ("method", Cell::Text("CRAM-MD5".into())), ("clear", Cell::Flag(true))],
    );
    let found = found(&[proof]);
    assert_eq!((found[0].code().as_str(), found[0].severity), ("cleartext-credentials/weak", Severity::Low));
}

#[test]
fn communities_and_brokers() {
    let snmp = |version: &'static str, sets| {
        let more = [
            ("version", Cell::Word(version)),
            ("community", Cell::Text("private".into())),
            ("set_requests", Cell::Count(sets)),
            ("get_responses", Cell::Count(1)),
            ("security_level", Cell::Word("authPriv")),
        ];
        row("snmp", "10.0.0.9", &more)
    };
    let severity = |line: Line| found(&[line]).iter().map(|f| f.severity).collect::<Vec<_>>();
    assert_eq!(severity(snmp("1", 1)), [Severity::Medium]);
    assert_eq!(severity(snmp("2c", 0)), [Severity::Info]);
    assert_eq!(severity(snmp("3", 1)), []);
    let found = found(&[snmp("1", 1)]);
    assert!(!format!("{found:?}").contains("private"), "{found:?}");
    let mqtt = |password, decrypted| {
        let more = [
            ("user", Cell::Text("ada".into())),
            ("password_seen", Cell::Flag(password)),
            ("connect_status", Cell::Text("Connection Accepted".into())),
            ("decrypted", Cell::Flag(decrypted)),
        ];
        row("mqtt_connect", OUTSIDE, &more)
    };
    assert_eq!(severity(mqtt(true, false)), [Severity::High]);
    assert_eq!(severity(mqtt(true, true)), []);
    assert_eq!(severity(mqtt(false, false)), []);
}

#[test]
fn a_server_of_the_house_is_less_of_a_find() {
    let visit = |n: usize| {
        let more = [
            ("proto", Cell::Word("tcp")),
            ("conn_state", Cell::Word("SF")),
            ("orig_pkts", Cell::Count(9)),
            ("resp_pkts", Cell::Count(9)),
        ];
        row("conn", &format!("10.0.0.{n}"), &more)
    };
    let severity = |user: &str, protocol, clients: usize| {
        // Who the clients are shows after the login.
        let lines: Vec<Line> =
            [login("10.0.0.9", protocol, user, true)].into_iter().chain((1..=clients).map(visit)).collect();
        let found = found(&lines);
        let [finding] = &found[..] else { panic!("{found:?}") };
        assert_eq!(finding.benign.len(), usize::from(finding.severity == Severity::Low));
        finding.severity
    };
    assert_eq!(severity("ada", "ftp", 4), Severity::Medium);
    assert_eq!(severity("ada", "ftp", 5), Severity::Low);
    assert_eq!(severity("root", "ftp", 5), Severity::High);
}
