//! OCSP responses, wherever they passed (stapled in TLS, over HTTP): Zeek's `ocsp` log.

use sekisho_record::Record;
use sekisho_types::{Timestamp, Uid};
use sekisho_x509::{CertTime, SingleResponse, parse_ocsp};

/// The type whose content is kept and read.
pub(crate) const MIME: &str = "application/ocsp-response";

/// What an authority says about a certificate's revocation.
#[derive(Clone, Debug, Record)]
#[record(log = "ocsp")]
pub struct OcspRecord {
    /// Time of the response's last byte.
    pub ts: Timestamp,
    /// Id of the response in `files`.
    pub id: Uid,
    /// Algorithm of the two hashes.
    #[record(name = "hashAlgorithm")]
    pub hash_algorithm: String,
    /// Hash of the issuer's name.
    #[record(name = "issuerNameHash")]
    pub issuer_name_hash: String,
    /// Hash of the issuer's key.
    #[record(name = "issuerKeyHash")]
    pub issuer_key_hash: String,
    /// Serial number of the certificate.
    #[record(name = "serialNumber")]
    pub serial_number: String,
    /// `good`, `revoked` or `unknown`.
    #[record(name = "certStatus")]
    pub cert_status: &'static str,
    /// Since when it is revoked.
    pub revoketime: Option<Timestamp>,
    /// Why it was revoked.
    pub revokereason: Option<&'static str>,
    /// When this was known to be right.
    #[record(name = "thisUpdate")]
    pub this_update: Option<Timestamp>,
    /// When newer information will be there.
    #[record(name = "nextUpdate")]
    pub next_update: Option<Timestamp>,
    /// True if the connection began before the capture.
    #[record(ext)]
    pub midstream: Option<bool>,
}

/// The rows of the response `content` of file `id`; none if it is broken.
pub(crate) fn rows(
    ts: Timestamp,
    id: Uid,
    midstream: Option<bool>,
    content: &[u8],
) -> impl Iterator<Item = OcspRecord> + use<> {
    let row = move |r: SingleResponse| OcspRecord {
        ts,
        id,
        hash_algorithm: r.hash_algorithm,
        issuer_name_hash: r.issuer_name_hash,
        issuer_key_hash: r.issuer_key_hash,
        serial_number: r.serial,
        cert_status: r.status,
        revoketime: r.revoked_at.map(CertTime::to_timestamp),
        revokereason: r.revoke_reason,
        this_update: r.this_update.map(CertTime::to_timestamp),
        next_update: r.next_update.map(CertTime::to_timestamp),
        midstream,
    };
    parse_ocsp(content).unwrap_or_default().into_iter().map(row)
}
