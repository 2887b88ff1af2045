use crate::testing::{Cell, Line, addr, judge, of};
use crate::testing_tls::{DAY, NOW, Told, cert, session, untrusted};
use sekisho_finding::{Finding, Severity, Stage};

const OWN: &str = "10.0.0.9";

fn found(rows: &[Told]) -> Vec<Finding> {
    let lines: Vec<Line> = rows.iter().map(Told::line).collect();
    of(&judge(&lines), "tls-cert-changed")
}

fn brief(found: &[Finding]) -> Vec<(&'static str, Severity)> {
    found.iter().map(|f| (f.reason.code, f.severity)).collect()
}

fn shown(client: &str, at: f64, chain: &str) -> Told {
    session(client, OWN, "a.test", &[chain]).with("ts", Cell::Time(NOW + at))
}

#[test]
fn one_client_is_shown_another_certificate() {
    let odd = untrusted(shown("10.0.0.7", 60.0, "new"), "unknown-root");
    let all = found(&[
        cert("old", "CA"),
        cert("new", "Evil"),
        shown("10.0.0.5", 0.0, "old"),
        odd,
        shown("10.0.0.5", 90.0, "old"),
    ]);
    assert_eq!(brief(&all), [("split-view", Severity::High)]);
    let finding = &all[0];
    assert_eq!((finding.subject, finding.key.as_str(), finding.stage), (addr(OWN), "443 a.test", Stage::Credential));
    assert_eq!((finding.confidence.thousandths(), finding.peers.named()), (750, &[addr("10.0.0.7")][..]));
    assert_eq!(finding.measures[0].to_string(), "clients with the odd one: 1");
    assert!(finding.quotes[3].text.starts_with("CN=old, issued by CN=CA"), "{:?}", finding.quotes);
}

#[test]
fn a_new_key_of_another_authority() {
    let after = [shown("10.0.0.5", 0.0, "old"), shown("10.0.0.5", 100.0, "new")];
    let with = |old: Told| found(&[vec![old, cert("new", "Other")], after.to_vec()].concat());
    let early = with(cert("old", "CA"));
    assert_eq!(brief(&early), [("early-change", Severity::Low)]);
    assert_eq!(early[0].measures[0].to_string(), "validity left: 66% (threshold 50, sekisho)".replace("66%", "66 %"));
    let late = with(cert("old", "CA").with("not_after", Cell::Time(NOW + 5.0 * DAY)));
    assert_eq!(brief(&late), [("issuer-change", Severity::Low)]);
}

#[test]
fn nearly() {
    let (old, new) = (cert("old", "CA"), cert("new", "Other"));
    // The old one comes again: two servers. The same client saw both; the same authority; the same key; hours later.
    let again = [
        old.clone(),
        new.clone(),
        shown("10.0.0.5", 0.0, "old"),
        shown("10.0.0.5", 10.0, "new"),
        shown("10.0.0.6", 20.0, "old"),
    ];
    assert_eq!(found(&again).len(), 0);
    let renewed = [old.clone(), cert("new", "CA"), shown("10.0.0.5", 0.0, "old"), shown("10.0.0.5", 10.0, "new")];
    assert_eq!(found(&renewed).len(), 0);
    let key = Cell::Text(crate::testing_tls::fp("key old").into_bytes());
    let same_key =
        [old.clone(), new.clone().with("key", key), shown("10.0.0.5", 0.0, "old"), shown("10.0.0.5", 10.0, "new")];
    assert_eq!(found(&same_key).len(), 0);
    let odd = untrusted(shown("10.0.0.7", 9000.0, "new"), "unknown-root");
    assert_eq!(brief(&found(&[old, new, shown("10.0.0.5", 0.0, "old"), odd])), [("early-change", Severity::Low)]);
}

#[test]
fn ordinary() {
    assert_eq!(found(&[cert("old", "CA"), shown("10.0.0.5", 0.0, "old"), shown("10.0.0.6", 5.0, "old")]).len(), 0);
}
