//! Why a chain does not lead to a trusted root, as far as that can be said for certain: a judgement for people, where
//! [`Validation`] has OpenSSL's words for the first obstacle.

use crate::cert::{self, Certificate, Raw};
use crate::ext::Extensions;
use crate::roots::RootStore;
use crate::validate::{Judgement, MAX_DEPTH, MAX_SIGNATURE_CHECKS, Proved, Validation};
use crate::verify::{Signature, signed_by};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use sha2::{Digest as _, Sha256};

/// RSA keys that signatures are checked with; of others a failed check says nothing.
const CHECKED_RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

/// Why no trusted root was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The server's certificate is its own issuer, and its signature holds by its own key.
    SelfSigned,
    /// As before, but its signature is of an algorithm that is not checked here.
    SelfIssued,
    /// The chain ends at an authority that is not trusted.
    UnknownRoot,
    /// The server sent its own certificate alone, of an issuer that is no root.
    Alone,
    /// A signature does not hold by the very key that the certificate names.
    BadSignature,
    /// A certificate that is no authority signed another.
    NoAuthority,
}

impl Fault {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SelfSigned => "self-signed",
            Self::SelfIssued => "self-issued",
            Self::UnknownRoot => "unknown-root",
            Self::Alone => "alone",
            Self::BadSignature => "bad-signature",
            Self::NoAuthority => "no-authority",
        }
    }
}

/// SHA-256 of a certificate's SubjectPublicKeyInfo content: the same for all certificates of one key. `None` if it cannot
/// be read.
pub fn key_fingerprint(der: &[u8]) -> Option<[u8; 32]> {
    cert::split(der).ok().map(|raw| Sha256::digest(raw.spki).into())
}

struct Link<'a> {
    raw: Raw<'a>,
    cert: Certificate,
}

/// Why the path that `judgement` found none of does not exist; `None` if there is one, or nothing can be said for certain.
pub fn fault(chain: &[&[u8]], judgement: &Judgement, roots: &RootStore) -> Option<Fault> {
    let failure = judgement.failure()?;
    // Numbered as the search for a path numbers them.
    let links: Vec<Link<'_>> = chain
        .iter()
        .take(MAX_DEPTH)
        .filter_map(|der| {
            let raw = cert::split(der).ok()?;
            Some(Link { raw, cert: Certificate::from_raw(&raw).ok()? })
        })
        .collect();
    let leaf = links.first()?;
    match failure {
        Validation::SelfSigned => return Some(Fault::SelfSigned),
        Validation::UnsupportedSignature if leaf.cert.self_issued => return Some(Fault::SelfIssued),
        // Nothing can be said, or it is no matter of trust.
        Validation::Ok
        | Validation::Unreadable
        | Validation::Expired
        | Validation::NotYetValid
        | Validation::UnsupportedSignature
        | Validation::TooLong
        | Validation::UnhandledCritical
        | Validation::Purpose
        | Validation::NotPermitted
        | Validation::NameMismatch => return None,
        _ => {}
    }
    if let Some(fault) = certain(&links, judgement.proved(), roots) {
        return Some(fault);
    }
    let presented = links.iter().skip(1).any(|l| l.raw.subject == leaf.raw.issuer);
    Some(if presented || leaf.cert.self_issued { Fault::UnknownRoot } else { Fault::Alone })
}

/// A signature or an issuer that is wrong beyond doubt: issuer and issued agree in name and key identifier.
fn certain(links: &[Link<'_>], proved: Proved, roots: &RootStore) -> Option<Fault> {
    let mut checks_left = MAX_SIGNATURE_CHECKS;
    let mut found = None;
    for (at, link) in links.iter().enumerate() {
        let named = link.cert.extensions.authority_key_id.as_deref().filter(|id| !id.is_empty());
        for (by, issuer) in links.iter().enumerate().filter(|(_, i)| i.raw.subject == link.raw.issuer) {
            checks_left = checks_left.checked_sub(1)?;
            let same_key = named.is_some() && named == issuer.cert.extensions.subject_key_id.as_deref();
            let signature = if proved.holds(at, by) { Signature::Good } else { signed_by(&link.raw, issuer.raw.spki) };
            match signature {
                Signature::Bad if same_key && is_checked(&issuer.cert) => return Some(Fault::BadSignature),
                Signature::Good if !std::ptr::eq(link, issuer) && denies_authority(&issuer.cert.extensions) => {
                    found = Some(Fault::NoAuthority);
                }
                _ => {}
            }
        }
        for root in roots.named(link.raw.issuer).take(checks_left) {
            checks_left = checks_left.checked_sub(1)?;
            let same_key = named.is_some_and(|id| key_bits(root.spki).is_some_and(|bits| sha1(bits) == id));
            if same_key && signed_by(&link.raw, root.spki) == Signature::Bad {
                return Some(Fault::BadSignature);
            }
        }
    }
    found
}

/// Can a signature by this key be checked, so that a failure says something?
fn is_checked(issuer: &Certificate) -> bool {
    issuer.key.kind != Some("rsa") || issuer.key.length.is_some_and(|bits| CHECKED_RSA_BITS.contains(&bits))
}

/// Does it say that it is no authority?
fn denies_authority(extensions: &Extensions) -> bool {
    extensions.basic_constraints.is_some_and(|b| !b.ca)
}

/// The key itself in the content of a SubjectPublicKeyInfo.
fn key_bits(spki: &[u8]) -> Option<&[u8]> {
    let mut r = crate::der::Der::new(spki);
    r.content(crate::der::tag::SEQUENCE).ok()?;
    r.bits().ok()
}

/// How most authorities name their keys (RFC 5280 §4.2.1.2, method 1).
fn sha1(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roots::Trusted;
    use crate::validate::judge;

    const ROOT: &[u8] = include_bytes!("../testdata/root.der");
    const INTER: &[u8] = include_bytes!("../testdata/inter.der");
    const HOST: &[u8] = include_bytes!("../testdata/host.der");
    const SELF: &[u8] = include_bytes!("../testdata/selfsigned.der");
    const NOTCA: &[u8] = include_bytes!("../testdata/notca.der");
    const FAKE: &[u8] = include_bytes!("../testdata/fake.der");
    const SHADOW: &[u8] = include_bytes!("../testdata/shadow.der");

    fn of(chain: &[&[u8]], roots: &RootStore) -> Option<Fault> {
        fault(chain, &judge(chain, roots), roots)
    }

    fn none() -> RootStore {
        RootStore::new([])
    }

    #[test]
    fn says_why_there_is_no_path() {
        let raw = cert::split(ROOT).unwrap();
        let trusted = RootStore::new([Trusted { subject: raw.subject, spki: raw.spki, name_constraints: None }]);
        assert_eq!(of(&[HOST, INTER], &trusted), None);
        assert_eq!(of(&[HOST, INTER], &none()), Some(Fault::UnknownRoot));
        assert_eq!(of(&[HOST, INTER, ROOT], &none()), Some(Fault::UnknownRoot));
        assert_eq!(of(&[HOST], &trusted), Some(Fault::Alone));
        assert_eq!(of(&[SELF], &trusted), Some(Fault::SelfSigned));
        assert_eq!(of(&[FAKE, NOTCA, INTER], &trusted), Some(Fault::NoAuthority));
        // Another authority of the same name: its key is not the one that the certificate names.
        assert_eq!(of(&[HOST, SHADOW], &trusted), Some(Fault::UnknownRoot));
        assert_eq!(of(&[b"x"], &trusted), None);
    }

    #[test]
    fn a_changed_certificate_has_a_bad_signature() {
        let mut changed = HOST.to_vec();
        let at = changed.windows(11).position(|w| w == b"example.org").unwrap();
        changed[at] = b'f';
        assert_eq!(of(&[&changed, INTER], &none()), Some(Fault::BadSignature));
        assert_eq!(of(&[&changed], &none()), Some(Fault::Alone));
        // Of an authority that is trusted and not sent, the key's identifier is its hash.
        let mut inter = INTER.to_vec();
        let at = inter.windows(12).position(|w| w == b"Intermediate").unwrap();
        inter[at] = b'i';
        let raw = cert::split(ROOT).unwrap();
        let trusted = RootStore::new([Trusted { subject: raw.subject, spki: raw.spki, name_constraints: None }]);
        assert_eq!(of(&[&inter], &trusted), Some(Fault::BadSignature));
    }

    #[test]
    fn keys_have_fingerprints_of_their_own() {
        assert_ne!(key_fingerprint(HOST), key_fingerprint(INTER));
        assert_eq!(key_fingerprint(HOST), key_fingerprint(HOST));
        assert_eq!(key_fingerprint(b"x"), None);
    }

    #[test]
    fn survives_every_flip() {
        let mut bytes = HOST.to_vec();
        for i in 0..bytes.len() {
            bytes[i] ^= 0xff;
            of(&[&bytes, INTER], &none());
            bytes[i] ^= 0xff;
        }
    }
}
