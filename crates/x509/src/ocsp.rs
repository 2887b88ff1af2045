//! OCSP responses (RFC 6960 §4.2): what an authority says about certificates.

use crate::cert::serial;
use crate::der::{Der, Error, Result, tag};
use crate::time::{self, CertTime};
use crate::{name, oid};

/// Most single responses of one answer that are read; stapled answers have one.
const MAX_RESPONSES: usize = 64;

/// Largest response that is read; usual ones have 500 to 2,500 octets.
pub const MAX_OCSP_LEN: usize = 64 * 1024;

/// What is said about one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleResponse {
    /// Algorithm of the two hashes, e.g. `sha1`.
    pub hash_algorithm: String,
    /// Hash of the issuer's name, upper-case hex.
    pub issuer_name_hash: String,
    /// Hash of the issuer's key, upper-case hex.
    pub issuer_key_hash: String,
    /// Serial number as [`Certificate`](crate::Certificate) prints it.
    pub serial: String,
    /// `good`, `revoked` or `unknown`.
    pub status: &'static str,
    /// Since when it is revoked.
    pub revoked_at: Option<CertTime>,
    /// Why it was revoked.
    pub revoke_reason: Option<&'static str>,
    /// When this was known to be right.
    pub this_update: Option<CertTime>,
    /// When newer information will be there.
    pub next_update: Option<CertTime>,
}

/// Reads an OCSPResponse in DER. An answer without content (an error status) has no single responses.
///
/// # Errors
/// Returns an error if the structure is broken.
pub fn parse_ocsp(der: &[u8]) -> std::result::Result<Vec<SingleResponse>, Error> {
    if der.len() > MAX_OCSP_LEN {
        return Err(Error::OverLimit);
    }
    let mut response = Der::new(der).enter(tag::SEQUENCE)?;
    response.content(tag::ENUMERATED)?;
    let Some(bytes) = response.optional(tag::explicit(0))? else { return Ok(Vec::new()) };
    let mut bytes = Der::new(bytes.content).enter(tag::SEQUENCE)?;
    bytes.content(tag::OID)?;
    let basic = bytes.content(tag::OCTET_STRING)?;
    let mut data = Der::new(basic).enter(tag::SEQUENCE)?.enter(tag::SEQUENCE)?;
    data.optional(tag::explicit(0))?;
    // Who answers: by name or by key hash.
    data.any()?;
    data.content(tag::GENERALIZED_TIME)?;
    let mut list = data.enter(tag::SEQUENCE)?;
    let mut out = Vec::new();
    while !list.is_empty() && out.len() < MAX_RESPONSES {
        out.push(single(list.enter(tag::SEQUENCE)?)?);
    }
    Ok(out)
}

fn single(mut r: Der<'_>) -> Result<SingleResponse> {
    let mut id = r.enter(tag::SEQUENCE)?;
    let hash = id.enter(tag::SEQUENCE)?.content(tag::OID)?;
    let issuer_name_hash = hex(id.content(tag::OCTET_STRING)?);
    let issuer_key_hash = hex(id.content(tag::OCTET_STRING)?);
    let serial = serial(id.content(tag::INTEGER)?);
    let status = r.any()?;
    let (mut revoked_at, mut revoke_reason) = (None, None);
    if status.tag == tag::explicit(1) {
        let mut revoked = Der::new(status.content);
        revoked_at = time::parse(&revoked.any()?);
        if let Some(reason) = revoked.optional(tag::explicit(0))? {
            revoke_reason = Der::new(reason.content).content(tag::ENUMERATED)?.last().map(|&r| reason_name(r));
        }
    }
    let this_update = time::parse(&r.any()?);
    let next_update = match r.optional(tag::explicit(0))? {
        Some(e) => time::parse(&Der::new(e.content).any()?),
        None => None,
    };
    Ok(SingleResponse {
        hash_algorithm: oid::hash_name(hash),
        issuer_name_hash,
        issuer_key_hash,
        serial,
        status: match status.tag {
            0x80 => "good",
            0xa1 => "revoked",
            _ => "unknown",
        },
        revoked_at,
        revoke_reason,
        this_update,
        next_update,
    })
}

/// CRLReason (RFC 5280 §5.3.1) in OpenSSL's words.
const fn reason_name(reason: u8) -> &'static str {
    match reason {
        0 => "unspecified",
        1 => "keyCompromise",
        2 => "cACompromise",
        3 => "affiliationChanged",
        4 => "superseded",
        5 => "cessationOfOperation",
        6 => "certificateHold",
        8 => "removeFromCRL",
        9 => "privilegeWithdrawn",
        10 => "aACompromise",
        _ => "(UNKNOWN)",
    }
}

fn hex(bytes: &[u8]) -> String {
    // No hash is longer than 64 octets.
    bytes.iter().take(64).fold(String::new(), |mut text, &b| {
        name::hex(b, &mut text);
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REVOKED: &[u8] = include_bytes!("../testdata/ocsp-revoked.der");
    const GOOD: &[u8] = include_bytes!("../testdata/ocsp-good.der");

    #[test]
    fn parses_good_and_revoked() {
        let [good] = &parse_ocsp(GOOD).unwrap()[..] else { panic!("one response") };
        assert_eq!((good.status, good.serial.as_str(), good.hash_algorithm.as_str()), ("good", "02", "sha1"));
        assert_eq!((good.issuer_name_hash.len(), good.issuer_key_hash.len()), (40, 40));
        assert_eq!(good.revoked_at, None);
        let (this, next) = (good.this_update.unwrap(), good.next_update.unwrap());
        assert_eq!(next.0 - this.0, 86400 * 7);
        let [revoked] = &parse_ocsp(REVOKED).unwrap()[..] else { panic!("one response") };
        assert_eq!((revoked.status, revoked.revoke_reason), ("revoked", Some("keyCompromise")));
        assert_eq!(revoked.revoked_at, Some(CertTime(1_767_225_600)));
    }

    #[test]
    fn rejects_truncations_and_reads_refusals() {
        for len in 0..GOOD.len() {
            assert!(parse_ocsp(&GOOD[..len]).is_err(), "{len}");
        }
        assert_eq!(parse_ocsp(&[0x30, 3, 0x0a, 1, 6]), Ok(Vec::new()));
        assert_eq!(parse_ocsp(&vec![0x30; MAX_OCSP_LEN + 1]), Err(Error::OverLimit));
    }

    #[test]
    fn survives_every_flip() {
        let mut bytes = REVOKED.to_vec();
        let mut read = 0;
        for i in 0..bytes.len() {
            bytes[i] ^= 0xff;
            read += u32::from(parse_ocsp(&bytes).is_ok());
            bytes[i] ^= 0xff;
        }
        assert!(read > 0);
    }
}
