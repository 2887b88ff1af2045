use crate::testing::{Cell, Line, addr, judge, of};
use crate::testing_tls::{Told, cert, refused, session};
use sekisho_finding::{Finding, Severity};

fn found(rows: &[Told]) -> Vec<Finding> {
    let lines: Vec<Line> = rows.iter().map(Told::line).collect();
    of(&judge(&lines), "tls-cert-name")
}

fn brief(found: &[Finding]) -> Vec<(String, Severity, u16)> {
    found.iter().map(|f| (f.code(), f.severity, f.confidence.thousandths())).collect()
}

fn one(reason: &str, severity: Severity, confidence: u16) -> Vec<(String, Severity, u16)> {
    vec![(format!("tls-cert-name/{reason}"), severity, confidence)]
}

fn asked(server: &str, name: &str, fit: &'static str) -> Told {
    session("10.0.0.5", server, name, &["a.test"]).with("name_fits", Cell::Word(fit))
}

#[test]
fn another_name() {
    let all =
        found(&[cert("a.test", "CA"), asked("10.0.0.9", "B.test", "other"), asked("10.0.0.9", "b.test", "other")]);
    assert_eq!(brief(&all), one("mismatch", Severity::Medium, 900));
    assert_eq!((all[0].subject, all[0].key.as_str(), all[0].count), (addr("10.0.0.9"), "443 b.test", 2));
    assert_eq!(all[0].quotes[4].text, "a.test");
    let of = |name, fit| brief(&found(&[cert("a.test", "CA"), asked("198.51.100.1", name, fit)]));
    assert_eq!(of("b.test", "other"), one("mismatch", Severity::Low, 800));
    assert_eq!(of("a.test", "common-name"), one("no-san", Severity::Info, 800));
    assert_eq!(of("198.51.100.1", "other"), one("ip-literal", Severity::Info, 800));
    assert_eq!(of("2001:db8::1", "other"), one("ip-literal", Severity::Info, 800));
}

#[test]
fn nearly() {
    let known = cert("a.test", "CA");
    // The client saw it; it closed without a word; a mail server.
    let refused = refused(asked("10.0.0.9", "b.test", "other"), 42);
    assert_eq!(brief(&found(&[known.clone(), refused])), one("mismatch", Severity::Info, 900));
    let closed = asked("10.0.0.9", "b.test", "other").with("established", Cell::Flag(false));
    assert_eq!(found(&[known.clone(), closed]).len(), 0);
    let mail = asked("10.0.0.9", "b.test", "other").with("server_port", Cell::Port(25));
    assert_eq!(brief(&found(&[known, mail])), one("mismatch", Severity::Info, 900));
}

#[test]
fn ordinary() {
    let rows = [cert("a.test", "CA"), asked("10.0.0.9", "a.test", "covered"), asked("10.0.0.9", "", "")];
    assert_eq!(found(&rows).len(), 0);
    assert_eq!(found(&[session("10.0.0.5", "10.0.0.9", "b.test", &[])]).len(), 0);
}
