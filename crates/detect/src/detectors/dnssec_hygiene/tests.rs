use crate::testing::of;
use crate::testing_dnssec::{AWAY, HOME, Told, case, judged, lines};
use sekisho_finding::{Finding, Severity};

fn found(name: &str, told: Told) -> Vec<Finding> {
    of(&judged(&lines(&case(name), told)), "dnssec-hygiene")
}

fn codes(all: &[Finding]) -> Vec<(&str, Severity)> {
    let mut codes: Vec<_> = all.iter().map(|f| (f.reason.code, f.severity)).collect();
    codes.sort_unstable();
    codes
}

#[test]
fn weaknesses_of_a_zone_at_home() {
    assert_eq!(codes(&found("rsa-1024.client", HOME)), [("weak-key", Severity::Medium)]);
    assert_eq!(codes(&found("ds-sha1.client", HOME)), [("ds-digest", Severity::Low)]);
    assert_eq!(codes(&found("algorithm-7.client", HOME)), [("weak-alg", Severity::Low)]);
    let all = found("iterations-150.client", HOME);
    let params = all.iter().find(|f| f.reason.code == "nsec3-params").unwrap();
    assert_eq!((params.severity, params.key.as_str()), (Severity::Medium, "iterated.test"));
    assert_eq!(params.measures[0].to_string(), "iterations: 150 (threshold 0, RFC 9276)");
    assert!(params.quotes[0].text.contains("150 iterations"), "{}", params.quotes[0].text);
}

#[test]
fn signatures_about_to_expire() {
    let shifted = |days: f64| found("algorithm-13.client", Told { shift: days * 86_400.0, ..HOME });
    let expiring =
        |all: Vec<Finding>| all.into_iter().find(|f| f.reason.code == "expiring").map(|f| (f.severity, f.subject));
    assert_eq!(expiring(shifted(12.0)), Some((Severity::High, HOME.server.unwrap())));
    // More than a quarter of its life is left.
    assert_eq!(expiring(shifted(9.0)), None);
    // Expired is not about to expire.
    assert_eq!(expiring(shifted(20.0)), None);
}

#[test]
fn zones_elsewhere_are_facts_told_together() {
    let mut rows = lines(&case("rsa-1024.client"), AWAY);
    rows.extend(lines(&case("algorithm-7.client"), Told { shift: 60.0, packet: 500, ..AWAY }));
    let all = of(&judged(&rows), "dnssec-hygiene");
    assert!(!all.is_empty() && all.iter().all(|f| f.severity == Severity::Info && f.key.is_empty()), "{all:?}");
}

#[test]
fn ordinary() {
    for name in
        ["algorithm-8.client", "algorithm-13.client", "algorithm-15.client", "no-name-nsec3.client", "unsigned.client"]
    {
        let all = found(name, HOME);
        assert!(all.is_empty(), "{name}: {all:?}");
    }
}
