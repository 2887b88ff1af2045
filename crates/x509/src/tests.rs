//! Whole certificates: fields against what `openssl x509` prints for them, and chains.

use super::*;
use sekisho_types::{Addr, Timestamp};

macro_rules! der {
    ($($name:ident)*) => {
        $(#[allow(non_upper_case_globals, reason = "named after the file")]
        const $name: &[u8] = include_bytes!(concat!("../testdata/", stringify!($name), ".der"));)*
    };
}
der!(root inter host sha1 selfsigned notca fake deep deephost short shadow dsa);

/// 2027-01-15: all but `short` are valid.
const NOW: Timestamp = Timestamp::from_parts(1_800_000_000, 0);

fn parsed(der: &[u8]) -> Certificate {
    Certificate::parse(der).unwrap()
}

fn text(list: &[Vec<u8>]) -> Vec<&str> {
    list.iter().map(|b| std::str::from_utf8(b).unwrap()).collect()
}

#[test]
fn parses_a_host_certificate() {
    let c = parsed(host);
    assert_eq!((c.version, c.serial.as_str()), (3, "02"));
    assert_eq!(c.subject, r#"CN=*.example.org,O=Sekisho\, \"Ltd\"+OU=A\+B,L=Kyoto,ST=Ky\C5\8Dto,C=JP"#);
    assert_eq!(c.issuer, "CN=Test Intermediate,O=Sekisho Test,C=JP");
    assert_eq!(c.sig_alg, "ecdsa-with-SHA256");
    assert_eq!(c.key.algorithm, "rsaEncryption");
    assert_eq!((c.key.kind, c.key.length, c.key.exponent.as_deref()), (Some("rsa"), Some(1024), Some("65537")));
    assert_eq!(c.not_after.unwrap().0 - c.not_before.unwrap().0, 36500 * 86400);
    let names = c.extensions.alt_names.as_ref().unwrap();
    assert_eq!(text(&names.dns), ["*.example.org", "example.org"]);
    assert_eq!(text(&names.uri), ["urn:a:b"]);
    assert_eq!(text(&names.email), ["a@example.org"]);
    assert_eq!(names.ip, [Addr::v4([192, 0, 2, 7]), "2001:db8::7".parse().unwrap()]);
    assert!(!names.other);
    assert_eq!(c.extensions.basic_constraints, Some(BasicConstraints { ca: false, path_len: None }));
    assert_eq!(c.extensions.ext_key_usage.as_deref().unwrap(), ["serverAuth", "1.2.3.4"]);
    let usage: Vec<_> = c.extensions.key_usage.unwrap().names().collect();
    assert_eq!(usage, ["digitalSignature", "keyEncipherment"]);
    assert_eq!(c.extensions.authority_key_id, parsed(inter).extensions.subject_key_id);
    assert!(!c.extensions.malformed && c.extensions.unknown_critical.is_none());
}

#[test]
fn parses_other_keys() {
    let c = parsed(inter);
    assert_eq!(c.serial, "EA83D17188B68E4D");
    assert_eq!(c.key.algorithm, "id-ecPublicKey");
    assert_eq!((c.key.kind, c.key.length, c.key.curve.as_deref()), (Some("ecdsa"), Some(256), Some("prime256v1")));
    assert_eq!(c.extensions.basic_constraints, Some(BasicConstraints { ca: true, path_len: Some(0) }));
    assert!(c.extensions.key_usage.unwrap().may_sign_certs());
    assert_eq!(parsed(sha1).sig_alg, "sha1WithRSAEncryption");
    assert_eq!(parsed(sha1).key.curve.as_deref(), Some("secp384r1"));
    let c = parsed(selfsigned);
    assert_eq!((c.sig_alg.as_str(), c.key.algorithm.as_str(), c.key.kind), ("ED25519", "ED25519", None));
    assert!(c.self_issued);
    let c = parsed(dsa);
    assert_eq!((c.key.algorithm.as_str(), c.key.kind, c.key.length), ("dsaEncryption", Some("dsa"), Some(1024)));
}

#[test]
fn rejects_every_truncation_and_survives_every_flip() {
    for len in 0..host.len() {
        assert!(Certificate::parse(&host[..len]).is_err(), "{len}");
    }
    let mut bytes = host.to_vec();
    let mut refused = 0;
    for i in 0..bytes.len() {
        for bit in [0x01, 0x80, 0xff] {
            bytes[i] ^= bit;
            refused += u32::from(Certificate::parse(&bytes).is_err());
            let _ = validate(&[&bytes, inter], &store(), NOW, None);
            bytes[i] ^= bit;
        }
    }
    assert!(refused > 100 && refused < 1500, "{refused}");
}

fn store() -> RootStore {
    let raw: cert::Raw<'static> = cert::split(root).unwrap();
    RootStore::new([Trusted { subject: raw.subject, spki: raw.spki, name_constraints: None }])
}

fn check(chain: &[&[u8]], at: Timestamp, name: Option<&str>, want: &str) {
    assert_eq!(validate(chain, &store(), at, name).as_str(), want);
}

#[test]
fn validates_paths_in_any_order() {
    check(&[host, inter], NOW, None, "ok");
    check(&[host, inter, root], NOW, Some("www.example.org"), "ok");
    check(&[host, root, shadow, sha1, inter], NOW, None, "ok");
    check(&[sha1], NOW, None, "ok");
    check(&[root], NOW, None, "ok");
    check(&[host, inter], NOW, Some("example.net"), "hostname mismatch");
}

#[test]
fn rejects_chains_in_openssls_words() {
    check(&[], NOW, None, "unable to decode certificate");
    check(&[b"junk", inter], NOW, None, "unable to decode certificate");
    check(&[host], NOW, None, "unable to get local issuer certificate");
    check(&[selfsigned], NOW, None, "self signed certificate");
    check(&[host, shadow], NOW, None, "certificate signature failure");
    check(&[fake, notca, inter], NOW, None, "invalid CA certificate");
    check(&[deephost, deep, inter], NOW, None, "path length constraint exceeded");
    check(&[short, inter], NOW, None, "certificate has expired");
    check(&[host, inter], Timestamp::from_parts(1_500_000_000, 0), None, "certificate is not yet valid");
    let none = RootStore::new([]);
    assert!(none.is_empty());
    assert_eq!(validate(&[host, inter], &none, NOW, None), Validation::NoIssuer);
    assert_eq!(validate(&[host, inter, root], &none, NOW, None), Validation::SelfSignedInChain);
    assert_eq!(validate(&[host, inter, root], &RootStore::mozilla(), NOW, None), Validation::SelfSignedInChain);
}

#[test]
fn limits_signature_checks() {
    // Many same-named intermediates, none of which leads on: the budget ends the search.
    let mut chain = vec![host];
    chain.extend(std::iter::repeat_n(inter, MAX_DEPTH * 4));
    let none = RootStore::new([]);
    let verdict = validate(&chain, &none, NOW, None);
    assert!(matches!(verdict, Validation::TooLong | Validation::NoIssuer), "{verdict:?}");
}

#[test]
fn fingerprints_are_sha256_of_the_der() {
    let hex: String = fingerprint(b"abc").iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
