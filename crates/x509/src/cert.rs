//! The certificate itself (RFC 5280 §4.1).

use crate::der::{Der, Error, Result, tag};
use crate::ext::{self, Extensions};
use crate::key::{self, PublicKey};
use crate::time::{self, CertTime};
use crate::{name, oid};
use sha2::{Digest as _, Sha256};

/// Largest certificate that is parsed. The biggest public ones (thousands of names) stay below 100 KiB.
pub const MAX_CERT_LEN: usize = 1 << 20;

/// Longest serial number printed, in octets. RFC 5280 allows 20.
const MAX_SERIAL_LEN: usize = 128;

/// A certificate's fields, as OpenSSL prints them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// 1, 2 or 3.
    pub version: u64,
    /// Serial number in upper-case hex, whole octets; negative ones with `-`.
    pub serial: String,
    /// Subject, RFC 2253 form.
    pub subject: String,
    /// Issuer, RFC 2253 form.
    pub issuer: String,
    /// Start of validity; `None` if the time is malformed.
    pub not_before: Option<CertTime>,
    /// End of validity; `None` if the time is malformed.
    pub not_after: Option<CertTime>,
    /// Long name of the signature algorithm, e.g. `sha256WithRSAEncryption`.
    pub sig_alg: String,
    /// Public key.
    pub key: PublicKey,
    /// Extensions.
    pub extensions: Extensions,
    /// Common name of the subject: the last one, as on the wire.
    pub common_name: Option<Vec<u8>>,
    /// Subject and issuer are the same name.
    pub self_issued: bool,
}

/// The parts that validation needs, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'a> {
    /// The signed octets.
    pub(crate) tbs: &'a [u8],
    /// Content of the outer AlgorithmIdentifier.
    pub(crate) sig_alg: &'a [u8],
    pub(crate) signature: &'a [u8],
    /// Content of the Names.
    pub(crate) subject: &'a [u8],
    pub(crate) issuer: &'a [u8],
    /// Content of the SubjectPublicKeyInfo.
    pub(crate) spki: &'a [u8],
    pub(crate) serial: &'a [u8],
    version: u64,
    pub(crate) not_before: Option<CertTime>,
    pub(crate) not_after: Option<CertTime>,
    /// Content of the extension list.
    pub(crate) extensions: &'a [u8],
}

/// Splits a certificate into its parts. Bytes after it are ignored, as OpenSSL does.
pub(crate) fn split(der: &[u8]) -> Result<Raw<'_>> {
    if der.len() > MAX_CERT_LEN {
        return Err(Error::OverLimit);
    }
    let mut outer = Der::new(der).enter(tag::SEQUENCE)?;
    let tbs = outer.element(tag::SEQUENCE)?;
    let sig_alg = outer.content(tag::SEQUENCE)?;
    let signature = outer.bits()?;

    let mut r = Der::new(tbs.content);
    let version = match r.optional(tag::explicit(0))? {
        Some(e) => {
            let n = Der::new(e.content).content(tag::INTEGER)?;
            crate::der::small_uint(n).ok_or(Error::BadValue)?.saturating_add(1)
        }
        None => 1,
    };
    let serial = r.content(tag::INTEGER)?;
    r.content(tag::SEQUENCE)?;
    let issuer = r.content(tag::SEQUENCE)?;
    let mut validity = r.enter(tag::SEQUENCE)?;
    let (not_before, not_after) = (time::parse(&validity.any()?), time::parse(&validity.any()?));
    let subject = r.content(tag::SEQUENCE)?;
    let spki = r.content(tag::SEQUENCE)?;
    for unique_id in [1, 2] {
        r.optional(tag::implicit(unique_id))?;
    }
    let extensions = match r.optional(tag::explicit(3))? {
        Some(e) => Der::new(e.content).content(tag::SEQUENCE)?,
        None => &[],
    };
    Ok(Raw {
        tbs: tbs.whole,
        sig_alg,
        signature,
        subject,
        issuer,
        spki,
        serial,
        version,
        not_before,
        not_after,
        extensions,
    })
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// Returns an error where OpenSSL refuses the certificate as a whole; what it only prints as broken (a key, an
    /// extension, a time) is left unset.
    pub fn parse(der: &[u8]) -> std::result::Result<Self, Error> {
        Self::from_raw(&split(der)?)
    }

    pub(crate) fn from_raw(raw: &Raw<'_>) -> Result<Self> {
        let sig_oid = Der::new(raw.sig_alg).content(tag::OID)?;
        Ok(Self {
            version: raw.version,
            serial: serial(raw.serial),
            subject: name::print(raw.subject)?,
            issuer: name::print(raw.issuer)?,
            not_before: raw.not_before,
            not_after: raw.not_after,
            sig_alg: oid::algorithm_name(sig_oid),
            key: key::parse(raw.spki)?,
            extensions: ext::parse(raw.extensions)?,
            common_name: name::common_name(raw.subject).map(<[u8]>::to_vec),
            self_issued: raw.subject == raw.issuer,
        })
    }
}

/// SHA-256 of a certificate's DER: the fingerprint in logs.
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// As OpenSSL prints an ASN1_INTEGER: sign and magnitude in whole octets.
pub(crate) fn serial(content: &[u8]) -> String {
    let mut text = String::new();
    let mut magnitude = content.iter().copied().take(MAX_SERIAL_LEN).collect::<Vec<_>>();
    if content.first().is_some_and(|b| b & 0x80 != 0) {
        text.push('-');
        let mut carry = true;
        for b in magnitude.iter_mut().rev() {
            (*b, carry) = (!*b).overflowing_add(u8::from(carry));
        }
    }
    let digits = crate::der::trim_zeros(&magnitude);
    if digits.is_empty() {
        text.push_str("00");
    }
    digits.iter().for_each(|&b| name::hex(b, &mut text));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_serials_as_openssl() {
        assert_eq!(serial(&[1]), "01");
        assert_eq!(serial(&[0]), "00");
        assert_eq!(serial(&[]), "00");
        assert_eq!(serial(&[0, 0xea, 0x83]), "EA83");
        assert_eq!(serial(&[0xff]), "-01");
        assert_eq!(serial(&[0xff, 0x00]), "-0100");
        assert_eq!(serial(&[0x80]), "-80");
    }
}
