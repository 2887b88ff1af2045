//! One signature: which algorithm, which key, does it hold.

use crate::cert::Raw;
use crate::der::{Der, tag};
use crate::oid;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

/// Outcome of checking one signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    Good,
    Bad,
    /// The algorithm (MD5, DSA, P-521, …) is not implemented here.
    Unsupported,
}

/// Is `cert` signed by the key of `spki` (content of a SubjectPublicKeyInfo)?
pub(crate) fn signed_by(cert: &Raw<'_>, spki: &[u8]) -> Signature {
    let Some((algorithm, key)) = choose(cert.sig_alg, spki) else { return Signature::Unsupported };
    match UnparsedPublicKey::new(algorithm, key).verify(cert.tbs, cert.signature) {
        Ok(()) => Signature::Good,
        Err(_) => Signature::Bad,
    }
}

fn choose<'k>(sig_alg: &[u8], spki: &'k [u8]) -> Option<(&'static dyn VerificationAlgorithm, &'k [u8])> {
    let mut r = Der::new(spki);
    let mut key_alg = r.enter(tag::SEQUENCE).ok()?;
    let key_oid = key_alg.content(tag::OID).ok()?;
    let curve = key_alg.optional(tag::OID).ok()?.map(|e| e.content);
    let key = r.bits().ok()?;
    let mut sig = Der::new(sig_alg);
    let sig_oid = sig.content(tag::OID).ok()?;
    let algorithm: &'static dyn VerificationAlgorithm = match (key_oid, sig_oid) {
        (oid::RSA, oid::SHA1_RSA | oid::SHA1_RSA_OIW) => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (oid::RSA, oid::SHA256_RSA) => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (oid::RSA, oid::SHA384_RSA) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (oid::RSA, oid::SHA512_RSA) => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (oid::RSA | oid::RSA_PSS, oid::RSA_PSS) => match pss_hash(sig)? {
            oid::SHA256 => &signature::RSA_PSS_2048_8192_SHA256,
            oid::SHA384 => &signature::RSA_PSS_2048_8192_SHA384,
            oid::SHA512 => &signature::RSA_PSS_2048_8192_SHA512,
            _ => return None,
        },
        (oid::EC, oid::ECDSA_SHA256) => match curve? {
            oid::P256 => &signature::ECDSA_P256_SHA256_ASN1,
            oid::P384 => &signature::ECDSA_P384_SHA256_ASN1,
            _ => return None,
        },
        (oid::EC, oid::ECDSA_SHA384) => match curve? {
            oid::P256 => &signature::ECDSA_P256_SHA384_ASN1,
            oid::P384 => &signature::ECDSA_P384_SHA384_ASN1,
            _ => return None,
        },
        (oid::ED25519, oid::ED25519) => &signature::ED25519,
        _ => return None,
    };
    Some((algorithm, key))
}

/// Hash algorithm of RSASSA-PSS-params (RFC 4055 §3.1).
fn pss_hash(mut params: Der<'_>) -> Option<&[u8]> {
    let mut params = params.enter(tag::SEQUENCE).ok()?;
    let hash = params.optional(tag::explicit(0)).ok()??;
    Der::new(hash.content).enter(tag::SEQUENCE).ok()?.content(tag::OID).ok()
}
