//! Object identifiers that certificates use, with OpenSSL's names, and dotted printing for the rest.

use std::fmt::Write as _;

/// An OID's content octets with its names.
pub(crate) struct Known {
    der: &'static [u8],
    /// OpenSSL's short name, used inside distinguished names.
    short: &'static str,
    /// OpenSSL's long name, used for algorithms.
    long: &'static str,
}

const fn k(der: &'static [u8], short: &'static str, long: &'static str) -> Known {
    Known { der, short, long }
}

/// Attribute types of distinguished names (X.520 2.5.4.*, PKCS #9, RFC 4519, EV guidelines).
const ATTRIBUTES: &[Known] = &[
    k(&[0x55, 4, 3], "CN", "commonName"),
    k(&[0x55, 4, 4], "SN", "surname"),
    k(&[0x55, 4, 5], "serialNumber", "serialNumber"),
    k(&[0x55, 4, 6], "C", "countryName"),
    k(&[0x55, 4, 7], "L", "localityName"),
    k(&[0x55, 4, 8], "ST", "stateOrProvinceName"),
    k(&[0x55, 4, 9], "street", "streetAddress"),
    k(&[0x55, 4, 10], "O", "organizationName"),
    k(&[0x55, 4, 11], "OU", "organizationalUnitName"),
    k(&[0x55, 4, 12], "title", "title"),
    k(&[0x55, 4, 13], "description", "description"),
    k(&[0x55, 4, 14], "searchGuide", "searchGuide"),
    k(&[0x55, 4, 15], "businessCategory", "businessCategory"),
    k(&[0x55, 4, 16], "postalAddress", "postalAddress"),
    k(&[0x55, 4, 17], "postalCode", "postalCode"),
    k(&[0x55, 4, 18], "postOfficeBox", "postOfficeBox"),
    k(&[0x55, 4, 19], "physicalDeliveryOfficeName", "physicalDeliveryOfficeName"),
    k(&[0x55, 4, 20], "telephoneNumber", "telephoneNumber"),
    k(&[0x55, 4, 41], "name", "name"),
    k(&[0x55, 4, 42], "GN", "givenName"),
    k(&[0x55, 4, 43], "initials", "initials"),
    k(&[0x55, 4, 44], "generationQualifier", "generationQualifier"),
    k(&[0x55, 4, 45], "x500UniqueIdentifier", "x500UniqueIdentifier"),
    k(&[0x55, 4, 46], "dnQualifier", "dnQualifier"),
    k(&[0x55, 4, 65], "pseudonym", "pseudonym"),
    k(&[0x55, 4, 72], "role", "role"),
    k(&[0x55, 4, 97], "organizationIdentifier", "organizationIdentifier"),
    k(&[0x55, 4, 98], "c3", "countryCode3c"),
    k(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress", "emailAddress"),
    k(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 2], "unstructuredName", "unstructuredName"),
    k(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 8], "unstructuredAddress", "unstructuredAddress"),
    k(&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], "UID", "userId"),
    k(&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 3], "mail", "rfc822Mailbox"),
    k(&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC", "domainComponent"),
    k(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x3c, 2, 1, 1], "jurisdictionL", "jurisdictionLocalityName"),
    k(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x3c, 2, 1, 2], "jurisdictionST", "jurisdictionStateOrProvinceName"),
    k(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x3c, 2, 1, 3], "jurisdictionC", "jurisdictionCountryName"),
    k(&[0x2a, 0x85, 0x03, 0x64, 1], "OGRN", "OGRN"),
    k(&[0x2a, 0x85, 0x03, 0x64, 3], "SNILS", "SNILS"),
    k(&[0x2a, 0x85, 0x03, 0x03, 0x81, 0x03, 1, 1], "INN", "INN"),
];

/// Public-key and signature algorithms.
const ALGORITHMS: &[Known] = &[
    k(RSA, "rsaEncryption", "rsaEncryption"),
    k(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 2], "RSA-MD2", "md2WithRSAEncryption"),
    k(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 3], "RSA-MD4", "md4WithRSAEncryption"),
    k(MD5_RSA, "RSA-MD5", "md5WithRSAEncryption"),
    k(SHA1_RSA, "RSA-SHA1", "sha1WithRSAEncryption"),
    k(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7], "RSAES-OAEP", "rsaesOaep"),
    k(RSA_PSS, "RSASSA-PSS", "rsassaPss"),
    k(SHA256_RSA, "RSA-SHA256", "sha256WithRSAEncryption"),
    k(SHA384_RSA, "RSA-SHA384", "sha384WithRSAEncryption"),
    k(SHA512_RSA, "RSA-SHA512", "sha512WithRSAEncryption"),
    k(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 14], "RSA-SHA224", "sha224WithRSAEncryption"),
    k(SHA1_RSA_OIW, "RSA-SHA1-2", "sha1WithRSA"),
    k(&[0x2b, 0x0e, 3, 2, 3], "RSA-NP-MD5", "md5WithRSA"),
    k(DSA, "DSA", "dsaEncryption"),
    k(&[0x2b, 0x0e, 3, 2, 12], "DSA-old", "dsaEncryption-old"),
    k(&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3], "DSA-SHA1", "dsaWithSHA1"),
    k(&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 1], "dsa_with_SHA224", "dsa_with_SHA224"),
    k(&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2], "dsa_with_SHA256", "dsa_with_SHA256"),
    k(EC, "id-ecPublicKey", "id-ecPublicKey"),
    k(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], "ecdsa-with-SHA1", "ecdsa-with-SHA1"),
    k(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1], "ecdsa-with-SHA224", "ecdsa-with-SHA224"),
    k(ECDSA_SHA256, "ecdsa-with-SHA256", "ecdsa-with-SHA256"),
    k(ECDSA_SHA384, "ecdsa-with-SHA384", "ecdsa-with-SHA384"),
    k(ECDSA_SHA512, "ecdsa-with-SHA512", "ecdsa-with-SHA512"),
    k(&[0x2b, 0x65, 0x6e], "X25519", "X25519"),
    k(&[0x2b, 0x65, 0x6f], "X448", "X448"),
    k(ED25519, "ED25519", "ED25519"),
    k(&[0x2b, 0x65, 0x71], "ED448", "ED448"),
    k(&[0x2a, 0x86, 0x48, 0xce, 0x3e, 2, 1], "dhpublicnumber", "X9.42 DH"),
    k(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 3, 1], "dhKeyAgreement", "dhKeyAgreement"),
    k(&[0x2a, 0x85, 3, 2, 2, 3], "id-GostR3411-94-with-GostR3410-2001", "GOST R 34.11-94 with GOST R 34.10-2001"),
    k(&[0x2a, 0x85, 3, 2, 2, 19], "gost2001", "GOST R 34.10-2001"),
    k(&[0x2a, 0x85, 3, 7, 1, 1, 1, 1], "gost2012_256", "GOST R 34.10-2012 with 256 bit modulus"),
    k(
        &[0x2a, 0x85, 3, 7, 1, 1, 3, 2],
        "id-tc26-signwithdigest-gost3410-2012-256",
        "GOST R 34.10-2012 with GOST R 34.11-2012 (256 bit)",
    ),
    k(&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75], "SM2-SM3", "SM2-with-SM3"),
];

/// Named curves: content octets, OpenSSL's short name, bits of the group order.
const CURVES: &[(&[u8], &str, u32)] = &[
    (P256, "prime256v1", 256),
    (P384, "secp384r1", 384),
    (&[0x2b, 0x81, 4, 0, 0x23], "secp521r1", 521),
    (&[0x2b, 0x81, 4, 0, 0x0a], "secp256k1", 256),
    (&[0x2b, 0x81, 4, 0, 0x21], "secp224r1", 224),
    (&[0x2b, 0x81, 4, 0, 0x20], "secp224k1", 225),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1], "prime192v1", 192),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 2], "prime192v2", 192),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 3], "prime192v3", 192),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 4], "prime239v1", 239),
    (&[0x2b, 0x81, 4, 0, 0x1f], "secp192k1", 192),
    (&[0x2b, 0x81, 4, 0, 0x08], "secp160r1", 161),
    (&[0x2b, 0x81, 4, 0, 0x09], "secp160k1", 161),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7], "brainpoolP256r1", 256),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 11], "brainpoolP384r1", 384),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 13], "brainpoolP512r1", 512),
    (&[0x2b, 0x81, 4, 0, 0x01], "sect163k1", 163),
    (&[0x2b, 0x81, 4, 0, 0x0f], "sect163r2", 163),
    (&[0x2b, 0x81, 4, 0, 0x1a], "sect233k1", 232),
    (&[0x2b, 0x81, 4, 0, 0x1b], "sect233r1", 233),
    (&[0x2b, 0x81, 4, 0, 0x10], "sect283k1", 281),
    (&[0x2b, 0x81, 4, 0, 0x11], "sect283r1", 282),
    (&[0x2b, 0x81, 4, 0, 0x24], "sect409k1", 407),
    (&[0x2b, 0x81, 4, 0, 0x25], "sect409r1", 409),
    (&[0x2b, 0x81, 4, 0, 0x26], "sect571k1", 570),
    (&[0x2b, 0x81, 4, 0, 0x27], "sect571r1", 570),
    (&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d], "SM2", 256),
];

pub(crate) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
pub(crate) const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
pub(crate) const MD5_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4];
pub(crate) const SHA1_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5];
pub(crate) const SHA256_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
pub(crate) const SHA384_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
pub(crate) const SHA512_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
pub(crate) const SHA1_RSA_OIW: &[u8] = &[0x2b, 0x0e, 3, 2, 29];
pub(crate) const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
pub(crate) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
pub(crate) const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
pub(crate) const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
pub(crate) const ECDSA_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
pub(crate) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
pub(crate) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
pub(crate) const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];

pub(crate) const COMMON_NAME: &[u8] = &[0x55, 4, 3];
pub(crate) const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 26];
pub(crate) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
pub(crate) const SHA384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
pub(crate) const SHA512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];

/// Certificate extensions (RFC 5280 §4.2, RFC 6962 §3.3).
pub(crate) mod ext {
    pub(crate) const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 14];
    pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
    pub(crate) const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
    pub(crate) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
    pub(crate) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
    pub(crate) const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 35];
    pub(crate) const EXT_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
    pub(crate) const SCT_LIST: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2];
}

/// Purposes in extended key usage (RFC 5280 §4.2.1.12).
pub(crate) mod eku {
    pub(crate) const ANY: &[u8] = &[0x55, 0x1d, 37, 0];
    pub(crate) const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
    pub(crate) const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
    pub(crate) const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];
    pub(crate) const EMAIL: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 4];
    pub(crate) const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];
}

/// Longest OID, in octets, whose dotted form is printed; longer ones print empty. OpenSSL's buffers hold 255 characters.
const MAX_OID_LEN: usize = 64;

/// Short name of a distinguished name's attribute type.
pub(crate) fn attribute_name(oid: &[u8]) -> Option<&'static str> {
    ATTRIBUTES.iter().find(|k| k.der == oid).map(|k| k.short)
}

/// OpenSSL's long name of an algorithm, or the dotted form.
pub(crate) fn algorithm_name(oid: &[u8]) -> String {
    ALGORITHMS.iter().chain(ATTRIBUTES).find(|k| k.der == oid).map_or_else(|| dotted(oid), |k| k.long.to_owned())
}

/// OpenSSL's name of a hash algorithm, or the dotted form.
pub(crate) fn hash_name(oid: &[u8]) -> String {
    match oid {
        SHA1 => "sha1".to_owned(),
        SHA256 => "sha256".to_owned(),
        SHA384 => "sha384".to_owned(),
        SHA512 => "sha512".to_owned(),
        _ => dotted(oid),
    }
}

/// Short name and order bits of a named curve.
pub(crate) fn curve(oid: &[u8]) -> Option<(&'static str, u32)> {
    CURVES.iter().find(|c| c.0 == oid).map(|c| (c.1, c.2))
}

/// The dotted form; empty if `oid` is not well-formed or absurdly long.
pub(crate) fn dotted(oid: &[u8]) -> String {
    let mut text = String::new();
    if oid.len() > MAX_OID_LEN {
        return text;
    }
    let mut arc: u128 = 0;
    let mut first = true;
    let mut open = false;
    for &b in oid {
        // An arc of more than 128 bits has no use in certificates.
        if arc >> 121 != 0 {
            return String::new();
        }
        arc = arc << 7 | u128::from(b & 0x7f);
        open = b & 0x80 != 0;
        if open {
            continue;
        }
        if first {
            let top = (arc / 40).min(2);
            let _ = write!(text, "{top}.{}", arc - top * 40);
            first = false;
        } else {
            let _ = write!(text, ".{arc}");
        }
        arc = 0;
    }
    if open { String::new() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_known_and_prints_unknown() {
        assert_eq!(attribute_name(&[0x55, 4, 9]), Some("street"));
        assert_eq!(attribute_name(&[0x55, 4, 200]), None);
        assert_eq!(algorithm_name(SHA1_RSA_OIW), "sha1WithRSA");
        assert_eq!(algorithm_name(&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17]), "2.16.840.1.101.3.4.3.17");
        assert_eq!(curve(P384), Some(("secp384r1", 384)));
        assert_eq!(dotted(&[0x2b, 6, 1, 4, 1, 0x82, 0x37]), "1.3.6.1.4.1.311");
        assert_eq!(dotted(&[0x88, 0x37, 3]), "2.999.3");
    }

    #[test]
    fn rejects_cut_and_huge_oids() {
        assert_eq!(dotted(&[0x2a, 0x86]), "");
        assert_eq!(dotted(&[]), "");
        assert_eq!(dotted(&[0xff; 40]), "");
        assert_eq!(dotted(&[1; 65]), "");
    }
}
