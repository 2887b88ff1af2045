use crate::testing::{Cell, Line, addr, judge, of};
use crate::testing_tls::{NOW, Told, cert, refused, session, untrusted};
use sekisho_finding::{Finding, Severity, Stage};

const THEIRS: &str = "198.51.100.1";

fn found(rows: &[Told]) -> Vec<Finding> {
    let lines: Vec<Line> = rows.iter().map(Told::line).collect();
    of(&judge(&lines), "tls-cert-vendor-claim")
}

fn brief(found: &[Finding]) -> Vec<(&'static str, Severity, u16)> {
    found.iter().map(|f| (f.reason.code, f.severity, f.confidence.thousandths())).collect()
}

fn called(subject: &str) -> Told {
    cert("c", "c").with("subject", Cell::Text(subject.into()))
}

fn shown(server: &str, asked: &str, fault: &'static str) -> Told {
    untrusted(session("10.0.0.5", server, asked, &["c"]), fault)
}

#[test]
fn a_company_that_vouches_for_itself() {
    let found = found(&[called(r"CN=update,O=Microsoft Corporation"), shown(THEIRS, "", "self-signed")]);
    assert_eq!(brief(&found), [("brand-selfsigned", Severity::High, 750)]);
    let finding = &found[0];
    assert_eq!((finding.subject, finding.stage), (addr(THEIRS), Stage::C2));
    assert_eq!(finding.key, "443 632e2e2e2e2e2e2e");
    assert_eq!(finding.quotes[2].text, "microsoft");
}

#[test]
fn an_unknown_authority() {
    let of = |asked| brief(&found(&[called("CN=x,O=Apple Inc."), shown(THEIRS, asked, "unknown-root")]));
    assert_eq!(of("evil.test"), [("brand-selfsigned", Severity::Medium, 500)]);
    assert_eq!(of("notapple.com"), [("brand-selfsigned", Severity::Medium, 500)]);
    assert_eq!(of("gsa.apple.com"), [], "Apple's services have an authority of Apple's own");
}

#[test]
fn certificates_that_tools_bring_along() {
    let strike = cert("c", "c").with("serial", Cell::Text("08BB00EE".into()));
    let of = |cert: &Told, session: Told| brief(&found(&[cert.clone(), session]));
    assert_eq!(of(&strike, shown(THEIRS, "", "self-signed")), [("default-c2", Severity::Critical, 900)]);
    let subject = called("CN=AsyncRAT Server");
    assert_eq!(of(&subject, shown("10.0.0.9", "", "self-issued")), [("default-c2", Severity::Critical, 900)]);
    let attempt = shown(THEIRS, "", "self-signed").with("established", Cell::Flag(false));
    assert_eq!(of(&strike, attempt), [("default-c2", Severity::High, 700)]);
}

#[test]
fn nearly() {
    let of = |subject, session: Told| brief(&found(&[called(subject), session]));
    // At home; refused; a part of another word; a capture of old; no session.
    let (google, info) = ("O=Google", |confidence| vec![("brand-selfsigned", Severity::Info, confidence)]);
    assert_eq!(of(google, shown("10.0.0.9", "", "self-signed")), info(500));
    assert_eq!(of(google, refused(shown(THEIRS, "", "self-signed"), 48)), info(750));
    assert_eq!(of("O=Pineapple Farm", shown(THEIRS, "", "self-signed")), []);
    let old = shown(THEIRS, "x.test", "unknown-root").with("ts", Cell::Time(NOW - 5.0 * 365.0 * 86_400.0));
    assert_eq!(of(google, old), []);
    let broken = shown(THEIRS, "", "self-signed").with("established", Cell::Flag(false));
    assert_eq!(of(google, broken), []);
}

#[test]
fn ordinary() {
    let trusted = session("10.0.0.5", THEIRS, "www.google.com", &["c"]);
    assert_eq!(found(&[called("CN=www.google.com,O=Google LLC"), trusted]).len(), 0);
    assert_eq!(found(&[called("CN=printer,O=Acme"), shown("10.0.0.9", "", "self-signed")]).len(), 0);
}
