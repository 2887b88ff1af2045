use crate::testing::{Cell, Line, addr, judge, line, of};
use crate::testing_tls::{NOW, Told, cert, session};
use sekisho_finding::{Finding, Severity};

/// An answer about serial number 01AB of an issuer whose key is called by two octets.
fn answer(status: &'static str, reason: &'static str, revoked_at: f64, until: f64) -> Line {
    line(
        "ocsp",
        12,
        &[
            ("ts", Cell::Time(NOW)),
            ("id", Cell::Uid(5)),
            ("serialNumber", Cell::Text("01AB".into())),
            ("issuerKeyHash", Cell::Text("CAFE".into())),
            ("certStatus", Cell::Word(status)),
            ("revoketime", Cell::Time(revoked_at)),
            ("revokereason", Cell::Word(reason)),
            ("nextUpdate", Cell::Time(until)),
        ],
    )
}

fn file() -> Line {
    let mime = Cell::Text("application/ocsp-response".into());
    line("files", 12, &[("fuid", Cell::Uid(5)), ("source", Cell::Text("SSL".into())), ("mime_type", mime)])
}

fn found(rows: Vec<Line>, server: &str) -> Vec<Finding> {
    let known: Told = cert("a.test", "CA").with("issuer_key_id", Cell::Text(vec![0xca, 0xfe]));
    let mut lines = vec![known.line(), session("10.0.0.5", server, "a.test", &["a.test"]).line()];
    lines.extend(rows);
    of(&judge(&lines), "tls-cert-revoked")
}

fn brief(found: &[Finding]) -> Vec<(&'static str, Severity)> {
    found.iter().map(|f| (f.reason.code, f.severity)).collect()
}

#[test]
fn a_revoked_certificate_in_use() {
    let all = found(vec![answer("revoked", "superseded", NOW - 9.0, NOW + 9.0)], "10.0.0.9");
    assert_eq!(brief(&all), [("ocsp-seen", Severity::High)]);
    let finding = &all[0];
    assert_eq!((finding.subject, finding.key.as_str()), (addr("10.0.0.9"), "443 612e746573742e2e"));
    assert_eq!(finding.confidence.thousandths(), 850);
    assert_eq!(finding.packets.iter().collect::<Vec<_>>(), [9, 3, 12]);
    let compromised = || answer("revoked", "keyCompromise", NOW - 9.0, NOW + 9.0);
    assert_eq!(brief(&found(vec![compromised(), file()], "198.51.100.1")), [("stapled", Severity::Critical)]);
}

#[test]
fn an_answer_out_of_date() {
    let old = || answer("good", "", 0.0, NOW - 400.0);
    assert_eq!(brief(&found(vec![old(), file()], "10.0.0.9")), [("staple-invalid", Severity::Low)]);
    assert_eq!(found(vec![old()], "10.0.0.9").len(), 0, "fetched by a client from somewhere");
    assert_eq!(found(vec![answer("good", "", 0.0, NOW - 200.0), file()], "10.0.0.9").len(), 0);
}

#[test]
fn nearly() {
    // Not shown since; another serial number's.
    assert_eq!(found(vec![answer("revoked", "", NOW + 5.0, NOW + 9.0)], "10.0.0.9").len(), 0);
    let other = cert("b.test", "CA").with("serial", Cell::Text("02".into()));
    let rows = vec![other.line(), answer("revoked", "", NOW - 5.0, NOW + 9.0)];
    assert_eq!(found(rows, "10.0.0.9").len(), 1);
}

#[test]
fn ordinary() {
    assert_eq!(found(vec![answer("good", "", 0.0, NOW + 9.0), file()], "10.0.0.9").len(), 0);
}
