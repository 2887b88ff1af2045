//! The records of DNSSEC, read from their canonical data.

use crate::name::{self, Name};
use crate::rtype::Rtype;
use sekisho_types::Timestamp;
use std::fmt;

/// Number of a signature algorithm (IANA, *DNS Security Algorithm Numbers*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Algorithm(pub u8);

impl Algorithm {
    /// Can signatures of this algorithm be verified here?
    pub fn is_supported(self) -> bool {
        matches!(self.0, 5 | 7 | 8 | 10 | 13 | 14 | 15)
    }

    /// Not verified here, but by validators of today: Ed448.
    pub fn is_beyond_us(self) -> bool {
        self.0 == 16
    }

    /// An RSA algorithm, whose keys have sizes.
    pub fn is_rsa(self) -> bool {
        matches!(self.0, 1 | 5 | 7 | 8 | 10)
    }

    /// Broken or deprecated: RFC 8624 §3.1; SHA-1 by RFC 9905; GOST by RFC 9906.
    pub fn is_weak(self) -> bool {
        matches!(self.0, 1 | 3 | 5 | 6 | 7 | 12)
    }

    /// Its mnemonic.
    pub fn known(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "RSAMD5",
            3 => "DSA",
            5 => "RSASHA1",
            6 => "DSA-NSEC3-SHA1",
            7 => "RSASHA1-NSEC3-SHA1",
            8 => "RSASHA256",
            10 => "RSASHA512",
            12 => "ECC-GOST",
            13 => "ECDSAP256SHA256",
            14 => "ECDSAP384SHA384",
            15 => "ED25519",
            16 => "ED448",
            _ => return None,
        })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Number of a DS digest type (IANA, *DNSSEC DS RR Type Digest Algorithms*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u8);

impl Digest {
    /// Can it be computed here?
    pub fn is_supported(self) -> bool {
        self.len().is_some()
    }

    /// Octets of such a digest, if it can be computed here.
    pub(crate) fn len(self) -> Option<usize> {
        Some(match self.0 {
            1 => 20,
            2 => 32,
            4 => 48,
            _ => return None,
        })
    }

    /// SHA-1 and GOST.
    pub fn is_weak(self) -> bool {
        matches!(self.0, 1 | 3)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 SHA-1"),
            2 => f.write_str("2 SHA-256"),
            3 => f.write_str("3 GOST"),
            4 => f.write_str("4 SHA-384"),
            other => write!(f, "{other}"),
        }
    }
}

/// A signature (RFC 4034 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rrsig {
    pub(crate) covered: Rtype,
    pub(crate) algorithm: Algorithm,
    pub(crate) labels: u8,
    pub(crate) original_ttl: u32,
    /// Seconds, serial arithmetic (RFC 1982).
    pub(crate) expiration: u32,
    pub(crate) inception: u32,
    pub(crate) key_tag: u16,
    pub(crate) signer: Name,
    /// The 18 octets before the signer's name, as they are signed.
    pub(crate) head: [u8; 18],
    pub(crate) signature: Box<[u8]>,
}

impl Rrsig {
    pub(crate) fn parse(rdata: &[u8]) -> Option<Self> {
        let (head, rest) = rdata.split_first_chunk::<18>()?;
        let (signer, signer_len) = name::read_uncompressed(rest)?;
        let [c0, c1, algorithm, labels, o0, o1, o2, o3, e0, e1, e2, e3, i0, i1, i2, i3, t0, t1] = *head;
        Some(Self {
            covered: Rtype(u16::from_be_bytes([c0, c1])),
            algorithm: Algorithm(algorithm),
            labels,
            original_ttl: u32::from_be_bytes([o0, o1, o2, o3]),
            expiration: u32::from_be_bytes([e0, e1, e2, e3]),
            inception: u32::from_be_bytes([i0, i1, i2, i3]),
            key_tag: u16::from_be_bytes([t0, t1]),
            signer,
            head: *head,
            signature: rest.get(signer_len..)?.into(),
        })
    }

    /// Seconds from `at` to the end; negative once expired.
    pub(crate) fn seconds_left(&self, at: Timestamp) -> i64 {
        serial_distance(seconds(at), self.expiration)
    }

    /// Seconds since the start; negative before it.
    pub(crate) fn seconds_old(&self, at: Timestamp) -> i64 {
        serial_distance(self.inception, seconds(at))
    }

    /// From inception to expiration in seconds.
    pub(crate) fn lifetime(&self) -> i64 {
        serial_distance(self.inception, self.expiration)
    }

    /// End of validity as a time near `at`.
    pub(crate) fn expires(&self, at: Timestamp) -> Timestamp {
        near(at, self.seconds_left(at))
    }

    /// Start of validity as a time near `at`.
    pub(crate) fn starts(&self, at: Timestamp) -> Timestamp {
        near(at, -self.seconds_old(at))
    }

    pub(crate) fn heap_len(&self) -> usize {
        size_of::<Self>() + self.signer.heap_len() + self.signature.len()
    }
}

fn near(at: Timestamp, seconds_on: i64) -> Timestamp {
    Timestamp::from_parts(at.0.div_euclid(1_000_000_000).saturating_add(seconds_on), 0)
}

/// Packet time as RRSIGs count it: seconds modulo 2³² (RFC 4034 §3.1.5).
#[expect(clippy::cast_possible_truncation, reason = "modulo 2^32 is what the standard says")]
#[expect(clippy::cast_sign_loss, reason = "modulo 2^32 is what the standard says")]
fn seconds(at: Timestamp) -> u32 {
    at.0.div_euclid(1_000_000_000) as u32
}

/// How far `to` is after `from` in serial arithmetic.
fn serial_distance(from: u32, to: u32) -> i64 {
    i64::from(to.wrapping_sub(from).cast_signed())
}

/// A key (RFC 4034 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dnskey {
    pub(crate) flags: u16,
    pub(crate) protocol: u8,
    pub(crate) algorithm: Algorithm,
    pub(crate) tag: u16,
    pub(crate) rdata: Box<[u8]>,
}

impl Dnskey {
    const ZONE: u16 = 0x0100;
    const REVOKE: u16 = 0x0080;

    pub(crate) fn parse(rdata: &[u8]) -> Option<Self> {
        let (&[f0, f1, protocol, algorithm], _) = rdata.split_first_chunk::<4>()?;
        Some(Self {
            flags: u16::from_be_bytes([f0, f1]),
            protocol,
            algorithm: Algorithm(algorithm),
            tag: key_tag(rdata),
            rdata: rdata.into(),
        })
    }

    /// The key itself.
    pub(crate) fn key(&self) -> &[u8] {
        self.rdata.get(4..).unwrap_or_default()
    }

    /// May it sign records of a zone (RFC 4034 §2.1.1, §2.1.2)?
    pub(crate) fn is_zone_key(&self) -> bool {
        self.flags & Self::ZONE != 0 && self.protocol == 3
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.flags & Self::REVOKE != 0
    }

    /// Bits of an RSA key's modulus (RFC 3110 §2).
    pub(crate) fn rsa_bits(&self) -> Option<u32> {
        if !self.algorithm.is_rsa() {
            return None;
        }
        let modulus = match self.key() {
            [0, high, low, rest @ ..] => rest.get(usize::from(u16::from_be_bytes([*high, *low]))..)?,
            [exponent_len, rest @ ..] if *exponent_len > 0 => rest.get(usize::from(*exponent_len)..)?,
            _ => return None,
        };
        let first = *modulus.first()?;
        Some(u32::try_from(modulus.len()).ok()?.saturating_mul(8) - first.leading_zeros())
    }
}

/// RFC 4034 appendix B; appendix B.1 for algorithm 1.
pub(crate) fn key_tag(rdata: &[u8]) -> u16 {
    if let (Some(1), Some(&[.., a, b, _])) = (rdata.get(3), rdata.last_chunk::<3>()) {
        return u16::from_be_bytes([a, b]);
    }
    let sum = rdata.chunks(2).fold(0u32, |sum, pair| match *pair {
        [a, b] => sum.wrapping_add(u32::from(u16::from_be_bytes([a, b]))),
        [a] => sum.wrapping_add(u32::from(a) << 8),
        _ => sum,
    });
    let [_, _, high, low] = sum.wrapping_add(sum >> 16).to_be_bytes();
    u16::from_be_bytes([high, low])
}

/// A parent's word on a key of a child (RFC 4034 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ds {
    pub(crate) tag: u16,
    pub(crate) algorithm: Algorithm,
    pub(crate) digest_type: Digest,
    pub(crate) digest: Box<[u8]>,
}

impl Ds {
    pub(crate) fn parse(rdata: &[u8]) -> Option<Self> {
        let (&[t0, t1, algorithm, digest_type], digest) = rdata.split_first_chunk::<4>()?;
        Some(Self {
            tag: u16::from_be_bytes([t0, t1]),
            algorithm: Algorithm(algorithm),
            digest_type: Digest(digest_type),
            digest: digest.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_wraps_as_serial_numbers_do() {
        let mut rdata = vec![0; 18];
        rdata[8..12].copy_from_slice(&5u32.to_be_bytes());
        rdata[12..16].copy_from_slice(&(u32::MAX - 4).to_be_bytes());
        rdata.push(0);
        let rrsig = Rrsig::parse(&rdata).unwrap();
        let at = Timestamp::from_parts(i64::from(u32::MAX), 0);
        assert_eq!((rrsig.seconds_left(at), rrsig.seconds_old(at), rrsig.lifetime()), (6, 4, 10));
        assert_eq!(rrsig.expires(at), Timestamp::from_parts((1 << 32) + 5, 0));
        assert_eq!(rrsig.seconds_left(Timestamp::from_parts((1 << 32) + 6, 0)), -1);
        assert!(Rrsig::parse(&rdata[..18]).is_none());
    }

    #[test]
    fn sizes_of_rsa_keys() {
        let key = |key: &[u8]| Dnskey::parse(&[&[1, 0, 3, 8], key].concat()).unwrap();
        assert_eq!(key(&[1, 3, 0x80, 0, 0]).rsa_bits(), Some(24));
        assert_eq!(key(&[0, 0, 1, 3, 0x01, 0]).rsa_bits(), Some(9));
        for bad in [&[] as &[u8], &[0], &[0, 1], &[200, 1], &[1, 3]] {
            assert_eq!(key(bad).rsa_bits(), None, "{bad:?}");
        }
        assert_eq!(key_tag(&[1, 0, 3]), 0x0400);
        assert_eq!(key_tag(&[0, 0, 3, 1, 7, 8, 9]), 0x0708);
    }
}
