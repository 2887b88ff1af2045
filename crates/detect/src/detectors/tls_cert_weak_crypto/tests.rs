use crate::testing::{Cell, Line, addr, judge, of};
use crate::testing_tls::{Told, authority, cert, refused, session};
use sekisho_finding::{Finding, Severity};

const CLIENT: &str = "10.0.0.5";
const OWN: &str = "10.0.0.9";
const THEIRS: &str = "198.51.100.1";

fn found(rows: &[Told]) -> Vec<Finding> {
    let lines: Vec<Line> = rows.iter().map(Told::line).collect();
    of(&judge(&lines), "tls-cert-weak-crypto")
}

fn brief(found: &[Finding]) -> Vec<(&'static str, Severity)> {
    found.iter().map(|f| (f.reason.code, f.severity)).collect()
}

fn shown(server: &str) -> Told {
    session(CLIENT, server, "a.test", &["a.test", "CA"])
}

fn of_cert(column: &'static str, cell: Cell) -> Vec<(&'static str, Severity)> {
    brief(&found(&[cert("a.test", "CA").with(column, cell), shown(OWN)]))
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

#[test]
fn weak_keys_and_signatures() {
    assert_eq!(of_cert("key_len", Cell::Count(1024)), [("rsa-short", Severity::Medium)]);
    assert_eq!(of_cert("key_len", Cell::Count(512)), [("rsa-short", Severity::High)]);
    assert_eq!(of_cert("sig_alg", text("md5WithRSAEncryption")), [("sig-md5", Severity::High)]);
    assert_eq!(of_cert("sig_alg", text("ecdsa-with-SHA1")), [("sig-sha1", Severity::Medium)]);
    assert_eq!(of_cert("exponent", text("1")), [("exponent", Severity::Medium)]);
    assert_eq!(of_cert("exponent", text("0xFFFE")), [("exponent", Severity::Medium)]);
    let of_type = |kind, bits| {
        let cert = cert("a.test", "CA").with("key_type", Cell::Word(kind)).with("key_len", Cell::Count(bits));
        brief(&found(&[cert, shown(OWN)]))
    };
    assert_eq!(of_type("dsa", 1024), [("dsa", Severity::Medium)]);
    assert_eq!(of_type("ecdsa", 192), [("ec-weak", Severity::Medium)]);
}

#[test]
fn evidence_of_a_short_key_of_an_issuer() {
    let weak = authority("CA", "Root").with("key_len", Cell::Count(1024));
    let found = found(&[cert("a.test", "CA"), weak, shown(THEIRS)]);
    assert_eq!(brief(&found), [("rsa-short", Severity::Low)]);
    let finding = &found[0];
    assert_eq!((finding.subject, finding.confidence.thousandths()), (addr(THEIRS), 950));
    assert_eq!(finding.key, "443 612e746573742e2e");
    assert_eq!(finding.measures[0].to_string(), "key: 1024 bits (threshold 2048, Zeek)");
    assert_eq!(finding.quotes[3].label, "issuer");
}

#[test]
fn a_short_prime() {
    let exchange = |bits| brief(&found(&[cert("a.test", "CA"), shown(OWN).with("dh_len", Cell::Count(bits))]));
    assert_eq!(exchange(1024), [("dh-short", Severity::Medium)]);
    assert_eq!(exchange(768), [("dh-short", Severity::High)]);
    assert_eq!(exchange(2048), []);
}

#[test]
fn a_shared_key() {
    let same = |name: &str| cert(name, "CA").with("key", text(&crate::testing_tls::fp("one key")));
    let two = |a: &str, b: &str| {
        let (one, other) = (session(CLIENT, OWN, a, &[a]), session(CLIENT, "10.0.0.10", b, &[b]));
        found(&[same(a), same(b), one, other])
    };
    let shared = two("a.test", "b.example");
    assert_eq!(brief(&shared), [("shared-key", Severity::Low)]);
    assert_eq!(shared[0].peers.named(), [addr(CLIENT), addr(OWN), addr("10.0.0.10")]);
    assert_eq!(two("www.a.test", "mail.a.test").len(), 0, "one operator");
}

#[test]
fn nearly() {
    // A root's own signature protects nothing; the client saw it; an algorithm that nobody knows is not weak.
    let root =
        authority("CA", "CA").with("self_issued", Cell::Flag(true)).with("sig_alg", text("sha1WithRSAEncryption"));
    assert_eq!(found(&[cert("a.test", "CA"), root, shown(OWN)]).len(), 0);
    let weak = cert("a.test", "CA").with("key_len", Cell::Count(1024));
    assert_eq!(brief(&found(&[weak, refused(shown(OWN), 43)])), [("rsa-short", Severity::Info)]);
    let new = cert("a.test", "CA")
        .with("key_type", text(""))
        .with("key_len", Cell::Count(12))
        .with("sig_alg", text("2.16.840.1.101.3.4.3.17"));
    assert_eq!(found(&[new, shown(OWN)]).len(), 0);
}

#[test]
fn ordinary() {
    let curve = cert("a.test", "CA").with("key_type", Cell::Word("ecdsa")).with("key_len", Cell::Count(256));
    assert_eq!(found(&[curve, authority("CA", "Root"), shown(OWN)]).len(), 0);
}
