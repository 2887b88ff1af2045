use crate::testing::{Cell, Line, addr, judge, of};
use crate::testing_tls::{NOW, Told, authority, cert, refused, session, untrusted};
use sekisho_finding::{Finding, Severity};

const CLIENT: &str = "10.0.0.5";
const OWN: &str = "10.0.0.9";
const THEIRS: &str = "198.51.100.1";

fn found(rows: &[Told]) -> Vec<Finding> {
    let lines: Vec<Line> = rows.iter().map(Told::line).collect();
    of(&judge(&lines), "tls-cert-trust")
}

fn brief(found: &[Finding]) -> Vec<(String, Severity, u16)> {
    found.iter().map(|f| (f.code(), f.severity, f.confidence.thousandths())).collect()
}

fn one(reason: &str, severity: Severity, confidence: u16) -> Vec<(String, Severity, u16)> {
    vec![(format!("tls-cert-trust/{reason}"), severity, confidence)]
}

fn shown(server: &str, fault: &'static str) -> Told {
    untrusted(session(CLIENT, server, "a.test", &["a.test"]), fault)
}

#[test]
fn each_fault() {
    let of = |server, fault| brief(&found(&[cert("a.test", "a.test"), shown(server, fault)]));
    assert_eq!(of(OWN, "self-signed"), one("self-signed", Severity::Medium, 950));
    assert_eq!(of(THEIRS, "self-signed"), one("self-signed", Severity::Medium, 900));
    assert_eq!(of(OWN, "self-issued"), one("self-signed", Severity::Medium, 700));
    assert_eq!(of(THEIRS, "unknown-root"), one("unknown-root", Severity::Medium, 900));
    assert_eq!(of(OWN, "alone"), one("unknown-root", Severity::Medium, 950));
    assert_eq!(of(THEIRS, "bad-signature"), one("bad-signature", Severity::High, 950));
    assert_eq!(of(OWN, "no-authority"), one("ca-leaf", Severity::Medium, 950));
    assert_eq!(of(OWN, "of a kind that nobody knows"), []);
}

#[test]
fn the_evidence_of_a_self_signed_certificate() {
    let found = found(&[cert("a.test", "a.test"), shown(OWN, "self-signed"), shown(OWN, "self-signed")]);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.subject, finding.key.as_str()), (addr(OWN), "443 612e746573742e2e"));
    assert_eq!((finding.count, finding.peers.named()), (2, &[addr(CLIENT)][..]));
    assert_eq!(finding.quotes[0].label, "certificate");
    assert_eq!(finding.packets.iter().collect::<Vec<_>>(), [9, 3]);
}

#[test]
fn nearly() {
    let known = cert("a.test", "a.test");
    // The client saw it itself; no session came about; Windows makes such certificates; a capture of old.
    let one_of = |session: Told| brief(&found(&[known.clone(), session]));
    assert_eq!(one_of(refused(shown(THEIRS, "self-signed"), 48)), one("self-signed", Severity::Info, 600));
    let broken = shown(OWN, "self-signed").with("established", Cell::Flag(false));
    assert_eq!(one_of(broken), one("self-signed", Severity::Low, 600));
    let desktop = shown(OWN, "self-signed").with("server_port", Cell::Port(3389));
    assert_eq!(one_of(desktop), one("self-signed", Severity::Low, 950));
    let old = shown(THEIRS, "unknown-root").with("ts", Cell::Time(NOW - 8.0 * 365.0 * 86_400.0));
    assert_eq!(one_of(old.clone()), one("unknown-root", Severity::Low, 600));
    let logged = found(&[known.clone().with("sct_count", Cell::Count(2)), old]);
    assert_eq!(brief(&logged), one("unknown-root", Severity::Info, 600));
    // A call's own certificate.
    let call = untrusted(session(CLIENT, OWN, "", &["a.test"]), "self-signed").with("version", Cell::Count(0xfefd));
    assert_eq!(one_of(call), []);
}

#[test]
fn an_intermediate_that_is_not_sent() {
    let whole = session(CLIENT, THEIRS, "b.test", &["b.test", "CA"]);
    let rows = [authority("CA", "Root"), cert("b.test", "CA"), cert("a.test", "CA"), whole, shown(OWN, "alone")];
    assert_eq!(brief(&found(&rows)), one("missing-intermediate", Severity::Low, 850));
    // The same name, but another key: it is not that authority.
    let other = cert("a.test", "CA").with("issuer_key_id", Cell::Text("another".into()));
    let rows = [rows[0].clone(), rows[1].clone(), other, rows[3].clone(), rows[4].clone()];
    assert_eq!(brief(&found(&rows)), one("unknown-root", Severity::Medium, 950));
    // Publicly logged.
    let logged = cert("a.test", "CA").with("sct_count", Cell::Count(2));
    assert_eq!(brief(&found(&[logged, shown(OWN, "alone")])), one("missing-intermediate", Severity::Low, 700));
}

#[test]
fn an_organisation_with_its_own_authority() {
    let mut rows = vec![authority("CA", "Office Root")];
    for n in 1..=5 {
        let (name, server) = (format!("{n}.test"), format!("198.51.100.{n}"));
        rows.push(cert(&name, "CA"));
        rows.push(untrusted(session(CLIENT, &server, &name, &[&name, "CA"]), "unknown-root"));
    }
    let all = found(&rows);
    assert_eq!(brief(&all), one("unknown-root", Severity::Low, 500));
    assert_eq!((all[0].key.as_str(), all[0].count), ("CN=Office Root,O=Office Root", 5));
    assert_eq!(all[0].measures[0].to_string(), "servers: 5 (threshold 5, sekisho)");
    assert_eq!(all[0].peers.named().len(), 5);
    // Four are too few.
    rows.truncate(9);
    let four = found(&rows);
    assert!(four.len() == 4 && four.iter().all(|f| f.severity == Severity::Medium), "{four:?}");
}

/// A maker's two servers, with one change to the second session.
fn makers(change: impl Fn(Told) -> Told) -> Vec<(String, Severity, u16)> {
    let of = |n: u8, name: &str| untrusted(session(CLIENT, &format!("198.51.100.{n}"), name, &[name]), "alone");
    let certs = ["a.maker.test", "b.maker.test"].map(|name| cert(name, "Maker"));
    brief(&found(&[certs[0].clone(), certs[1].clone(), of(1, "a.maker.test"), change(of(2, "b.maker.test"))]))
}

#[test]
fn a_makers_authority_is_told_of_the_device() {
    assert_eq!(makers(|s| s), []);
    // What does not fit the picture makes both suspicious.
    let two = [one("unknown-root", Severity::Medium, 900), one("unknown-root", Severity::Medium, 900)].concat();
    assert_eq!(makers(|s| s.with("name_fits", Cell::Word("other"))), two);
    assert_eq!(makers(|s| s.with("server_name", Cell::Text("b.other.test".into()))), two);
    assert_eq!(makers(|s| s.with("client", Cell::Addr(addr("198.51.100.77")))), two);
    assert_eq!(makers(|s| s.with("server_name", Cell::Text(Vec::new()))), two);
    assert_eq!(makers(|s| s.with("ts", Cell::Time(NOW + 61.0 * 86_400.0))), two);
    assert_eq!(makers(|s| refused(s, 48))[0].1, Severity::Medium);
    // One certificate for one name says nothing of an authority.
    let alone = untrusted(session(CLIENT, THEIRS, "a.maker.test", &["a.maker.test"]), "alone");
    assert_eq!(
        brief(&found(&[cert("a.maker.test", "Maker"), alone.clone()])),
        one("unknown-root", Severity::Medium, 900)
    );
    let wide = cert("a.maker.test", "Maker")
        .with("names", Cell::Texts(vec!["a.maker.test".to_owned(), "b.maker.test".to_owned()]));
    assert_eq!(brief(&found(&[wide.clone(), alone.clone()])), []);
    let short = wide.with("not_before", Cell::Time(NOW - 86_400.0)).with("not_after", Cell::Time(NOW + 86_400.0));
    assert_eq!(brief(&found(&[short, alone])), one("unknown-root", Severity::Medium, 900));
}

#[test]
fn ordinary() {
    let rows = [cert("a.test", "CA"), authority("CA", "Root"), session(CLIENT, THEIRS, "a.test", &["a.test", "CA"])];
    assert_eq!(found(&rows).len(), 0);
    assert_eq!(found(&[session(CLIENT, THEIRS, "a.test", &[])]).len(), 0, "TLS 1.3 shows no certificate");
}
