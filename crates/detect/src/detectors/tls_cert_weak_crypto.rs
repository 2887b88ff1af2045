//! # tls-cert-weak-crypto
//! ## How
//! The keys and signatures of the certificates that a server sent, from its own along the issuers: `rsa-short` and `dsa` short keys, `ec-weak` a
//! small curve, `sig-md5` and `sig-sha1` signatures by broken hashes, `exponent` an RSA exponent of 1 or an even
//! one. `dh-short`: a session's finite-field key exchange with a short prime. `shared-key`: certificates for unrelated names on different
//! servers have the same key, so that whoever runs one of them can speak for the others.
//! ## Thresholds
//! RSA and DSA keys, and Diffie-Hellman primes: 2,048 bits (Zeek); curves 224 bits.
//! ## State
//! The catalogue of certificates and services: 50,000 of each, the least recent forgotten.
//! ## Severity
//! Keys and primes below 1,024 bits and MD5 high 0.95, others medium 0.95, `shared-key` low 0.7; one step less for others' services. What clients refused
//! with an alert is `info`.
//! ## Benign
//! The signature of a certificate that issues itself protects nothing and is not looked at. Algorithms that are not known are not taken for weak ones.
//! A key that stays with a service when its certificate is renewed is no shared one: the names are compared, too. Devices of one maker that share a key are one finding.
//! ## Blind
//! TLS 1.3 and QUIC hide certificates, unless the keys are given.
//! ## References
//! RFC 9325 §4; NIST SP 800-131A; CA/B Forum Baseline Requirements §6.1.5; Zeek policy weak-keys; nDPI TLS_WEAK_CIPHER; Heninger et al., Mining
//! Your Ps and Qs, USENIX Security 2012.

use crate::Cx;
use crate::catalogue::{Shown, graded, raise};
use crate::certificate::{Cert, Fingerprint, domain};
use crate::detection::Scope;
use crate::registry::Detector;
use sekisho_finding::{About, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use std::collections::BTreeMap;

static ABOUT: About = About {
    id: "tls-cert-weak-crypto",
    title: "certificate with a weak key or signature",
    means: "A key or a signature is too weak to rely on.",
    techniques: &["T1557", "T1588.004"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "rsa-short", means: "An RSA key is too short." },
        Reason { code: "sig-md5", means: "A certificate is signed by way of MD2, MD4 or MD5, which can be forged." },
        Reason { code: "sig-sha1", means: "A certificate is signed by way of SHA-1." },
        Reason { code: "ec-weak", means: "The key's curve is too small." },
        Reason { code: "dsa", means: "A DSA key is too short." },
        Reason { code: "dh-short", means: "The key exchange uses a prime that is too short." },
        Reason { code: "exponent", means: "An RSA key has an exponent that makes it worthless." },
        Reason { code: "shared-key", means: "Unrelated services have the same key." },
    ],
    benign: "Old devices, private test authorities, fleets of devices that share a maker's key.",
    clears: "The service shows certificates with keys of 2,048 bits or more (curves: 256) and SHA-256 signatures.",
    next: &["See whether the device can make a new key.", "See who else uses the service before replacing it."],
    needs: &[
        vital(What::Some(Traffic::Tls)),
        vital(What::Answers(Traffic::Tls)),
        vital(What::Certificates),
        useful(What::Whole(Traffic::Tls)),
        vital(What::Uncut(Traffic::Tls)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const RSA_SHORT: &Reason = ABOUT.at(0);
const SIG_MD5: &Reason = ABOUT.at(1);
const SIG_SHA1: &Reason = ABOUT.at(2);
const EC_WEAK: &Reason = ABOUT.at(3);
const DSA: &Reason = ABOUT.at(4);
const DH_SHORT: &Reason = ABOUT.at(5);
const EXPONENT: &Reason = ABOUT.at(6);
const SHARED_KEY: &Reason = ABOUT.at(7);

/// Shortest RSA and DSA keys and primes, bits.
const LEAST_BITS: u64 = 2048;
/// Below this they can be broken by many.
const BROKEN_BITS: u64 = 1024;
/// Smallest curve, bits.
const LEAST_CURVE_BITS: u64 = 224;

/// See the module.
pub(crate) struct WeakCrypto;

impl WeakCrypto {
    pub fn new(_: &Scope) -> Self {
        Self
    }
}

impl Detector for WeakCrypto {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let catalogue = cx.catalogue();
        let mut by_key: BTreeMap<Fingerprint, Vec<Shown<'_>>> = BTreeMap::new();
        for shown in catalogue.served() {
            for (_, cert) in catalogue.path(shown.1) {
                certificate(shown, cert, cx);
            }
            prime(shown, cx);
            if let Some(key) = shown.2.key {
                by_key.entry(key).or_default().push(shown);
            }
        }
        for same in by_key.values() {
            shared(same, cx);
        }
    }

    fn held_len(&self) -> usize {
        0
    }
}

/// What is weak of a certificate: the reason, and what was measured.
fn weaknesses(cert: &Cert) -> Vec<(&'static Reason, Severity, Option<Measure>)> {
    let mut all = Vec::new();
    let bits = cert.key_len.unwrap_or(u64::MAX);
    let graded = |bits: u64| if bits < BROKEN_BITS { Severity::High } else { Severity::Medium };
    let measure = |least| Measure::count("key", bits, Some(least), "bits", Origin::Field("Zeek"));
    match cert.key_type {
        "rsa" if bits < LEAST_BITS => all.push((RSA_SHORT, graded(bits), Some(measure(LEAST_BITS)))),
        "dsa" if bits < LEAST_BITS => all.push((DSA, graded(bits), Some(measure(LEAST_BITS)))),
        "ecdsa" if bits < LEAST_CURVE_BITS => all.push((EC_WEAK, Severity::Medium, Some(measure(LEAST_CURVE_BITS)))),
        _ => {}
    }
    let worthless = &*cert.exponent == "1" || cert.exponent.bytes().last().is_some_and(is_even);
    if cert.key_type == "rsa" && worthless {
        all.push((EXPONENT, Severity::Medium, None));
    }
    let hash = cert.sig_alg.to_ascii_lowercase();
    if !cert.self_issued && ["md2", "md4", "md5"].iter().any(|old| hash.contains(old)) {
        all.push((SIG_MD5, Severity::High, None));
    } else if !cert.self_issued && hash.contains("sha1") {
        all.push((SIG_SHA1, Severity::Medium, None));
    }
    all
}

/// Is a number even that ends with this digit, decimal or hex?
fn is_even(digit: u8) -> bool {
    char::from(digit).to_digit(16).is_some_and(|n| n % 2 == 0)
}

fn certificate(shown: Shown<'_>, cert: &Cert, cx: &mut Cx<'_>) {
    for (reason, own, measure) in weaknesses(cert) {
        let mut raise = raise(&ABOUT, reason, shown, (graded(shown, own, cx), 95));
        if let Some(measure) = measure {
            raise = raise.measure(measure);
        }
        if cert.subject != shown.2.subject {
            raise = raise.quote("issuer", cert.words().as_bytes(), cert.packet);
        }
        cx.raise(raise);
    }
}

fn prime(shown: Shown<'_>, cx: &mut Cx<'_>) {
    let Some(bits) = shown.1.dh_len.filter(|bits| *bits < LEAST_BITS) else { return };
    let own = if bits < BROKEN_BITS { Severity::High } else { Severity::Medium };
    let measure = Measure::count("prime", bits, Some(LEAST_BITS), "bits", Origin::Field("Zeek"));
    cx.raise(raise(&ABOUT, DH_SHORT, shown, (graded(shown, own, cx), 95)).measure(measure));
}

/// Services with one key: are two of them unrelated?
fn shared(same: &[Shown<'_>], cx: &mut Cx<'_>) {
    let Some(first) = same.first() else { return };
    let unrelated = |other: &&Shown<'_>| {
        other.0.server != first.0.server && other.2.subject != first.2.subject && !are_related(first.2, other.2)
    };
    let Some(other) = same.iter().find(unrelated) else { return };
    let count = u64::try_from(same.len()).unwrap_or(u64::MAX);
    let mut raise = raise(&ABOUT, SHARED_KEY, *first, (graded(*first, Severity::Low, cx), 70))
        .measure(Measure::count("services with the key", count, Some(2), "", Origin::Own))
        .quote("another certificate", other.2.words().as_bytes(), other.2.packet)
        .benign("the same service by another name", "the names have no domain in common");
    for (service, served, _) in same {
        raise = raise.peer(service.server).flow(served.uid);
    }
    cx.raise(raise);
}

/// Do two certificates have a domain in common: the last two labels of any name?
fn are_related(a: &Cert, b: &Cert) -> bool {
    let domains = |cert: &'_ Cert| -> Vec<String> {
        let names = cert.names.iter().map(|n| &**n).chain(cert.of_subject("CN"));
        names.map(domain).collect()
    };
    let known = domains(a);
    domains(b).iter().any(|d| known.contains(d))
}

#[cfg(test)]
mod tests;
