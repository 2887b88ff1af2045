//! NSEC3 records (RFC 5155 §3).

use crate::crypto::HASH_LEN;
use crate::name::Name;
use crate::nsec::Types;
use crate::rrset::RrSet;

/// Flag: the gap may hold unsigned delegations.
const OPT_OUT: u8 = 1;

/// What names are hashed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameters<'a> {
    pub(crate) iterations: u16,
    pub(crate) salt: &'a [u8],
}

/// One NSEC3 record.
#[derive(Clone, Debug)]
pub(crate) struct Nsec3<'a> {
    pub(crate) parameters: Parameters<'a>,
    /// Name behind the hash: the zone.
    pub(crate) zone: Name,
    owner: [u8; HASH_LEN],
    next: [u8; HASH_LEN],
    pub(crate) is_opt_out: bool,
    pub(crate) types: Types<'a>,
}

impl<'a> Nsec3<'a> {
    /// None for those with another hash than SHA-1 or unknown flags, which are to be ignored (RFC 5155 §8.1, §8.2).
    pub(crate) fn parse(set: &'a RrSet) -> Option<Self> {
        let [data] = set.data.as_slice() else { return None };
        let (parameters, flags, rest) = parse_parameters(data)?;
        let (&next_len, rest) = rest.split_first()?;
        let (next, bitmap) = rest.split_at_checked(usize::from(next_len))?;
        if flags & !OPT_OUT != 0 {
            return None;
        }
        Some(Self {
            parameters,
            zone: set.name.parent()?,
            owner: from_base32(set.name.labels().next()?)?,
            next: next.try_into().ok()?,
            is_opt_out: flags & OPT_OUT != 0,
            types: Types::parse(bitmap)?,
        })
    }

    pub(crate) fn matches(&self, hash: &[u8; HASH_LEN]) -> bool {
        self.owner == *hash
    }

    /// Does the hash fall in the gap behind the owner's?
    pub(crate) fn covers(&self, hash: &[u8; HASH_LEN]) -> bool {
        match self.owner < self.next {
            true => self.owner < *hash && *hash < self.next,
            // The last of the zone, or the only one.
            false => self.owner < *hash || *hash < self.next,
        }
    }
}

/// Hash, flags, iterations and salt, with which NSEC3 and NSEC3PARAM begin.
pub(crate) fn parse_parameters(data: &[u8]) -> Option<(Parameters<'_>, u8, &[u8])> {
    let (&[hash, flags, i0, i1, salt_len], rest) = data.split_first_chunk::<5>()?;
    let (salt, rest) = rest.split_at_checked(usize::from(salt_len))?;
    (hash == 1).then_some((Parameters { iterations: u16::from_be_bytes([i0, i1]), salt }, flags, rest))
}

/// Base32 with the extended hexadecimal alphabet, 32 digits for 20 octets (RFC 4648 §7).
fn from_base32(label: &[u8]) -> Option<[u8; HASH_LEN]> {
    if label.len() != 32 {
        return None;
    }
    let mut out = [0u8; HASH_LEN];
    let (groups, _) = label.as_chunks::<8>();
    for (group, place) in groups.iter().zip(out.chunks_mut(5)) {
        let mut value = 0u64;
        for &digit in group {
            value = value << 5 | u64::from(char::from(digit).to_digit(32)?);
        }
        place.copy_from_slice(value.to_be_bytes().get(3..)?);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtype::Rtype;

    #[test]
    fn hashes_in_owners() {
        // RFC 5155 appendix A: the hash of "example".
        let hash = from_base32(b"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom").unwrap();
        assert_eq!(domain::utils::base32::encode_string_hex(&hash).to_lowercase(), "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom");
        assert!(from_base32(b"wp9mhaveqvm6t7vbl5lop2u3t2rp3tom").is_none());
        assert!(from_base32(b"0p9mhaveqvm6t7vbl5lop2u3t2rp3to").is_none());
    }

    #[test]
    fn gaps_wrap() {
        let record = |owner: &str, next: u8| {
            let name = Name::from_text(owner).unwrap();
            let data = [&[1, 1, 0, 5, 1, 0xab, 20][..], &[next; 20], &[0, 1, 0x40]].concat();
            RrSet { name, rtype: Rtype::NSEC3, ttl: 1, data: vec![data.into()], sigs: Vec::new() }
        };
        let set = record(&format!("{}.z", "7".repeat(32)), 0x80);
        let first = Nsec3::parse(&set).unwrap();
        assert_eq!(first.parameters, Parameters { iterations: 5, salt: &[0xab] });
        assert!(first.is_opt_out && first.types.has(Rtype::A) && first.zone == Name::from_text("z").unwrap());
        assert!(first.covers(&[0x50; 20]) && !first.covers(&[0x80; 20]) && !first.covers(&[0x10; 20]));
        let set = record(&format!("{}.z", "v".repeat(32)), 0x10);
        let last = Nsec3::parse(&set).unwrap();
        assert!(last.covers(&[0x05; 20]) && !last.covers(&[0x50; 20]) && last.matches(&[0xff; 20]));
    }
}
