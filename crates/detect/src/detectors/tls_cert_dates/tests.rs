use crate::testing::{Cell, Line, addr, judge, of};
use crate::testing_tls::{DAY, NOW, Told, cert, refused, session, untrusted};
use sekisho_finding::{Finding, Severity};

fn found(rows: &[Told]) -> Vec<Finding> {
    let lines: Vec<Line> = rows.iter().map(Told::line).collect();
    of(&judge(&lines), "tls-cert-dates")
}

fn codes(found: &[Finding]) -> Vec<(String, Severity)> {
    found.iter().map(|f| (f.code(), f.severity)).collect()
}

fn valid(name: &str, from_days: f64, to_days: f64) -> Told {
    let from = Cell::Time(NOW + from_days * DAY);
    cert(name, "CA").with("not_before", from).with("not_after", Cell::Time(NOW + to_days * DAY))
}

#[test]
fn an_expired_certificate() {
    let ours = session("10.0.0.5", "10.0.0.9", "a.test", &["a.test"]);
    let theirs = session("10.0.0.5", "198.51.100.1", "b.test", &["b.test"]);
    let found = found(&[valid("a.test", -100.0, -9.5), valid("b.test", -100.0, -9.5), ours.clone(), ours, theirs]);
    let code = "tls-cert-dates/expired".to_owned();
    assert_eq!(codes(&found), [(code.clone(), Severity::High), (code, Severity::Medium)]);
    let finding = &found[0];
    assert_eq!((finding.subject, finding.key.as_str()), (addr("10.0.0.9"), "443 612e746573742e2e"));
    assert_eq!((finding.confidence.thousandths(), finding.count), (980, 2));
    assert_eq!(finding.measures[0].to_string(), "expired since: 9 days (threshold 0, RFC 5280)");
    assert_eq!(finding.peers.named(), [addr("10.0.0.5")]);
    assert_eq!(finding.packets.iter().collect::<Vec<_>>(), [9, 3]);
    assert!(finding.quotes[0].text.starts_with("CN=a.test, issued by CN=CA,O=CA, serial 01AB, 2026-08-14"));
    assert_eq!(finding.quotes[2].text, "a.test");
}

#[test]
fn not_begun_ending_and_of_odd_length() {
    let one = |cert: Told| {
        let found = found(&[cert, session("10.0.0.5", "10.0.0.9", "a.test", &["a.test"])]);
        codes(&found)
            .into_iter()
            .map(|(code, severity)| (code["tls-cert-dates/".len()..].to_owned(), severity))
            .collect::<Vec<_>>()
    };
    let known = |code: &str, severity| vec![(code.to_owned(), severity)];
    assert_eq!(one(valid("a.test", 0.01, 60.0)), known("not-yet", Severity::Medium));
    assert_eq!(one(valid("a.test", -80.0, 10.0)), known("expiring", Severity::Medium));
    assert_eq!(one(valid("a.test", -88.0, 2.0)), known("expiring", Severity::High));
    assert_eq!(one(valid("a.test", -1.0, 454.0)), known("too-long", Severity::Low));
    assert_eq!(one(valid("a.test", -0.1, 0.5)), known("too-short", Severity::Low));
    // A week's certificate in its last day is no emergency.
    assert_eq!(one(valid("a.test", -6.0, 1.0)), known("expiring", Severity::Medium));
}

#[test]
fn nearly() {
    let shown = |name| session("10.0.0.5", "10.0.0.9", name, &[name]);
    // Twenty days of ninety are left; four minutes until it begins; 398 days by the rule of its time, and private roots.
    assert_eq!(found(&[valid("a.test", -70.0, 20.0), shown("a.test")]).len(), 0);
    assert_eq!(found(&[valid("a.test", 240.0 / DAY, 60.0), shown("a.test")]).len(), 0);
    assert_eq!(found(&[valid("a.test", -390.0, 8.5), valid("b.test", -300.0, 98.0), shown("b.test")]).len(), 0);
    assert_eq!(found(&[valid("a.test", -1.0, 3650.0), untrusted(shown("a.test"), "unknown-root")]).len(), 0);
    // The newer certificate is there.
    let renewed = valid("new", -1.0, 89.0).with("names", Cell::Texts(vec!["a.test".to_owned()]));
    assert_eq!(found(&[valid("a.test", -88.0, 2.0), renewed, shown("a.test"), shown("new")]).len(), 0);
    // The client saw it itself.
    let refused = found(&[valid("a.test", -100.0, -9.0), refused(shown("a.test"), 45)]);
    assert_eq!(codes(&refused), [("tls-cert-dates/expired".to_owned(), Severity::Info)]);
}

#[test]
fn an_expired_issuer() {
    let inter = crate::testing_tls::authority("CA", "Root").with("not_after", Cell::Time(NOW - 3.0 * DAY));
    let shown = session("10.0.0.5", "10.0.0.9", "a.test", &["a.test", "CA"]);
    let found =
        found(&[cert("a.test", "CA"), inter, shown.with("validation", Cell::Text("certificate has expired".into()))]);
    assert_eq!(codes(&found), [("tls-cert-dates/expired".to_owned(), Severity::Medium)]);
    assert_eq!(found[0].quotes[3].label, "expired issuer");
}

#[test]
fn a_wrong_clock() {
    let names = ["a", "b", "c", "d", "e"];
    let mut rows: Vec<Told> = names.iter().map(|n| valid(n, -100.0, -9.0)).collect();
    rows.extend(names.iter().enumerate().map(|(i, n)| session("10.0.0.5", &format!("10.0.0.{}", 20 + i), n, &[n])));
    let found = found(&rows);
    assert!(found.len() == 5 && found.iter().all(|f| f.severity == Severity::Info), "{found:?}");
}

#[test]
fn ordinary() {
    let rows = [cert("a.test", "CA"), session("10.0.0.5", "10.0.0.9", "a.test", &["a.test"])];
    assert_eq!(found(&rows).len(), 0);
    // A call's certificate, and a session without one.
    let call = session("10.0.0.5", "10.0.0.9", "", &["call"]).with("version", Cell::Count(0xfefd));
    assert_eq!(found(&[valid("call", -100.0, -1.0), call, session("10.0.0.5", "10.0.0.9", "a.test", &[])]).len(), 0);
}
