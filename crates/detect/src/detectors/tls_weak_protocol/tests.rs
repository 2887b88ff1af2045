use crate::testing::{Cell, Line, addr, judge, line, of};
use crate::testing_tls::{NOW, Told, session};
use sekisho_finding::{Finding, Severity};

const OWN: &str = "10.0.0.9";

fn found(rows: &[Told]) -> Vec<Finding> {
    let lines: Vec<Line> = rows.iter().map(Told::line).collect();
    of(&judge(&lines), "tls-weak-protocol")
}

fn brief(found: &[Finding]) -> Vec<(String, Severity)> {
    found.iter().map(|f| (f.code()["tls-weak-protocol/".len()..].to_owned(), f.severity)).collect()
}

fn one(reason: &str, severity: Severity) -> Vec<(String, Severity)> {
    vec![(reason.to_owned(), severity)]
}

fn plain(server: &str) -> Told {
    session("10.0.0.5", server, "a.test", &[])
}

fn version(server: &str, version: u64) -> Told {
    plain(server).with("version", Cell::Count(version))
}

fn suite(name: &str) -> Vec<(String, Severity)> {
    brief(&found(&[plain(OWN).with("cipher", Cell::Text(name.into()))]))
}

#[test]
fn old_versions() {
    let of = |n| brief(&found(&[version(OWN, n)]));
    assert_eq!(of(0x0002), one("ssl2", Severity::High));
    assert_eq!(of(0x0300), one("ssl3", Severity::High));
    assert_eq!(of(0x0301), one("tls1.0", Severity::Medium));
    assert_eq!(of(0x0302), one("tls1.1", Severity::Medium));
    assert_eq!(of(0xfeff), one("dtls1.0", Severity::Medium));
    assert_eq!(of(0x0303), []);
    let found = found(&[version("198.51.100.1", 0x0301), version("198.51.100.1", 0x0301)]);
    assert_eq!(brief(&found), one("tls1.0", Severity::Low));
    let finding = &found[0];
    assert_eq!((finding.subject, finding.key.as_str(), finding.count), (addr("198.51.100.1"), "443", 2));
    assert_eq!(finding.peers.named(), [addr("10.0.0.5")]);
    assert_eq!(finding.quotes[0].text, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
}

#[test]
fn weak_suites() {
    assert_eq!(suite("TLS_ECDHE_RSA_WITH_NULL_SHA"), one("null", Severity::High));
    assert_eq!(suite("TLS_DH_anon_WITH_AES_128_CBC_SHA"), one("anon", Severity::High));
    assert_eq!(suite("TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA"), one("export", Severity::High));
    assert_eq!(suite("TLS_ECDHE_RSA_WITH_RC4_128_SHA"), one("rc4", Severity::Medium));
    assert_eq!(suite("TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"), one("3des", Severity::Medium));
    assert_eq!(suite("TLS_RSA_WITH_AES_128_GCM_SHA256"), one("no-fs", Severity::Low));
    assert_eq!(suite("TLS_DHE_RSA_WITH_DES_CBC_SHA"), one("export", Severity::High));
    assert_eq!(suite("SSLv20_CK_DES_192_EDE3_CBC_WITH_MD5"), one("3des", Severity::Medium));
    let compressed = plain(OWN).with("compression", Cell::Flag(true));
    assert_eq!(brief(&found(&[compressed])), one("compression", Severity::Medium));
}

#[test]
fn attacks() {
    let downgrade = plain("198.51.100.1").with("downgrade", Cell::Flag(true));
    assert_eq!(brief(&found(&[downgrade])), one("downgrade", Severity::Critical));
    let asked = |answer| plain(OWN).with("heartbleed", Cell::Word(answer)).with("established", Cell::Flag(false));
    assert_eq!(brief(&found(&[asked("tried"), asked("answered")])), one("heartbleed/answered", Severity::Critical));
    assert_eq!(brief(&found(&[asked("tried")])), one("heartbleed", Severity::Info));
}

#[test]
fn nearly() {
    // No session came about; what a proxy leads to is not one's own.
    let tried = version(OWN, 0x0300).with("established", Cell::Flag(false));
    assert_eq!(brief(&found(&[tried])), one("ssl3", Severity::Medium));
    let proxied = version(OWN, 0x0301).with("inside", Cell::Word("socks"));
    assert_eq!(brief(&found(&[proxied])), one("tls1.0", Severity::Low));
    // Nobody answered.
    let alone = plain(OWN).with("offered", Cell::Count(0x0300)).with("version", Cell::Text(Vec::new()));
    assert_eq!(found(&[alone.with("cipher", Cell::Text(Vec::new()))]).len(), 0);
}

#[test]
fn old_ssh() {
    let ssh = |version, cipher: &str| {
        let row = line(
            "ssh",
            4,
            &[
                ("ts", Cell::Time(NOW)),
                ("id.orig_h", Cell::Addr(addr("10.0.0.5"))),
                ("id.resp_h", Cell::Addr(addr(OWN))),
                ("id.resp_p", Cell::Port(22)),
                ("version", Cell::Count(version)),
                ("cipher_alg", Cell::Text(cipher.into())),
            ],
        );
        brief(&of(&judge(&[row]), "tls-weak-protocol"))
    };
    assert_eq!(ssh(1, ""), one("obsolete-ssh", Severity::Medium));
    assert_eq!(ssh(2, "arcfour256"), one("obsolete-ssh", Severity::Medium));
    assert_eq!(ssh(2, "aes256-ctr"), []);
}

#[test]
fn ordinary() {
    assert_eq!(
        found(&[plain(OWN), version(OWN, 0x0304).with("cipher", Cell::Text("TLS_AES_128_GCM_SHA256".into()))]).len(),
        0
    );
}
