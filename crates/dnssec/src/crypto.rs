//! The cryptography, which is `domain`'s and `ring`'s. Lengths are checked before either sees anything.

use crate::name::Name;
use crate::record::{Dnskey, Ds};
use domain::base::iana::{Nsec3HashAlgorithm, SecurityAlgorithm};
use domain::crypto::common::{AlgorithmError, DigestBuilder, DigestType, PublicKey};
use domain::dnssec::common::nsec3_hash;
use domain::rdata::nsec3::Nsec3Salt;

/// Bits of RSA keys that can be verified with; the library and its backend know no others.
const RSA_BITS: std::ops::RangeInclusive<u32> = 1_024..=4_096;

/// Octets of an NSEC3 hash: SHA-1.
pub(crate) const HASH_LEN: usize = 20;

/// Outcome of verifying one signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Good,
    Bad,
    /// The key's size or the algorithm isn't implemented.
    Unsupported,
}

/// Can the key be used at all?
pub(crate) fn is_usable(key: &Dnskey) -> bool {
    key.algorithm.is_supported() && key.rsa_bits().is_none_or(|bits| RSA_BITS.contains(&bits))
}

pub(crate) fn verify(key: &Dnskey, data: &[u8], signature: &[u8]) -> Check {
    if !is_usable(key) {
        return Check::Unsupported;
    }
    let algorithm = SecurityAlgorithm::from_int(key.algorithm.0);
    let Ok(dnskey) = domain::rdata::Dnskey::new(key.flags, key.protocol, algorithm, key.key()) else {
        return Check::Bad;
    };
    match PublicKey::from_dnskey(&dnskey).and_then(|public| public.verify(data, signature)) {
        Ok(()) => Check::Good,
        Err(AlgorithmError::Unsupported) => Check::Unsupported,
        Err(AlgorithmError::BadSig | AlgorithmError::InvalidData) => Check::Bad,
    }
}

/// Does the DS record name this key of `zone` (RFC 4034 §5.1.4)?
pub(crate) fn names_key(ds: &Ds, zone: &Name, key: &Dnskey) -> bool {
    let digest_type = match ds.digest_type.0 {
        1 => DigestType::Sha1,
        2 => DigestType::Sha256,
        4 => DigestType::Sha384,
        _ => return false,
    };
    digest(digest_type, &[zone.as_wire(), &key.rdata]).as_ref() == &*ds.digest
}

/// A digest by which a verification is remembered.
pub(crate) fn fingerprint(key: &Dnskey, data: &[u8], signature: &[u8]) -> Option<[u8; 32]> {
    let lengths = [key.rdata.len(), signature.len()].map(usize::to_be_bytes).concat();
    digest(DigestType::Sha256, &[&lengths, &key.rdata, signature, data]).as_ref().try_into().ok()
}

fn digest(digest_type: DigestType, parts: &[&[u8]]) -> domain::crypto::common::Digest {
    let mut builder = DigestBuilder::new(digest_type);
    for part in parts {
        builder.update(part);
    }
    builder.finish()
}

/// The name's hash for NSEC3 (RFC 5155 §5).
pub(crate) fn hash(name: &Name, iterations: u16, salt: &[u8]) -> Option<[u8; HASH_LEN]> {
    let name = domain::base::Name::from_octets(name.as_wire()).ok()?;
    let salt = Nsec3Salt::from_octets(salt).ok()?;
    let hash = nsec3_hash::<_, _, Vec<u8>>(name, Nsec3HashAlgorithm::SHA1, iterations, &salt).ok()?;
    hash.as_slice().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5155 appendix A: salt aabbccdd, 12 iterations.
    #[test]
    fn hashes_of_rfc_5155() {
        for (name, text) in [
            ("example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
            ("a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
            ("*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
        ] {
            let hash = hash(&Name::from_text(name).unwrap(), 12, &[0xaa, 0xbb, 0xcc, 0xdd]).unwrap();
            assert_eq!(domain::utils::base32::encode_string_hex(&hash).to_lowercase(), text);
        }
    }

    /// RFC 4034 §5.4.
    #[test]
    fn the_ds_of_rfc_4034() {
        let zone = Name::from_text("dskey.example.com").unwrap();
        let key: Vec<u8> = domain::utils::base64::decode(
            "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzK\
             BaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==",
        )
        .unwrap();
        let key = Dnskey::parse(&[&[1, 0, 3, 5], key.as_slice()].concat()).unwrap();
        assert_eq!(key.tag, 60485);
        let digest: Vec<u8> = domain::utils::base16::decode("2BB183AF5F22588179A53B0A98631FAD1A292118").unwrap();
        let mut ds = Ds::parse(&[&[0xec, 0x45, 5, 1], digest.as_slice()].concat()).unwrap();
        assert!(names_key(&ds, &zone, &key));
        ds.digest[0] ^= 1;
        assert!(!names_key(&ds, &zone, &key));
    }

    #[test]
    fn rejects_keys_of_odd_sizes() {
        for (algorithm, len) in
            [(8, 0), (8, 1), (8, 3), (8, 60), (8, 2_000), (13, 0), (13, 63), (15, 31), (15, 33), (16, 57)]
        {
            let key = Dnskey::parse(&[&[1, 0, 3, algorithm][..], &vec![3; len]].concat()).unwrap();
            assert_ne!(verify(&key, b"data", &[3; 64]), Check::Good);
            assert_ne!(verify(&key, b"data", &[]), Check::Good);
        }
    }
}
