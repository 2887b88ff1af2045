//! Version 2: what proposals (RFC 7296 §3.3) lack, or have that is weak, by the names of Suricata's events.

use sekisho_wire::{ParseResult, Reader};

/// Proposals of a payload and transforms of a proposal that are looked at.
const MAX_ITEMS: usize = 256;
/// The security protocol that does not encrypt.
const AH: u8 = 2;

/// Types of transforms.
mod kind {
    pub const ENCRYPTION: u8 = 1;
    pub const PRF: u8 = 2;
    pub const INTEGRITY: u8 = 3;
    pub const GROUP: u8 = 4;
    pub const SEQUENCE: u8 = 5;
}

/// What a proposal has.
#[derive(Default)]
struct Has {
    group: bool,
    integrity: bool,
    aead: bool,
}

/// What is odd about the proposals of a payload.
pub(super) fn of(mut r: Reader<'_>) -> Vec<&'static str> {
    let mut odd = Vec::new();
    for _ in 0..MAX_ITEMS {
        if r.is_empty() || proposal(&mut r, &mut odd).is_err() {
            break;
        }
    }
    odd
}

/// A header of four bytes, and the content behind it.
fn item<'a>(r: &mut Reader<'a>) -> ParseResult<Reader<'a>> {
    r.skip(&"IKE proposal", 2)?;
    let len = usize::from(r.u16(&"IKE length")?);
    r.sub(&"IKE proposal", len.saturating_sub(4))
}

fn proposal(r: &mut Reader<'_>, odd: &mut Vec<&'static str>) -> ParseResult<()> {
    let mut body = item(r)?;
    let [_, protocol, spi_len, count] = body.array(&"IKE proposal")?;
    body.skip(&"IKE SPI", usize::from(spi_len))?;
    let mut has = Has::default();
    for _ in 0..count {
        let mut transform = item(&mut body)?;
        let [kind, _] = transform.array(&"IKE transform")?;
        let id = transform.u16(&"IKE transform")?;
        note(odd, has.transform(kind, id));
    }
    note(odd, (!has.group).then_some("weak_crypto_no_dh"));
    note(odd, (protocol == AH).then_some("no_encryption"));
    note(odd, (!has.integrity && !has.aead).then_some("weak_crypto_no_auth"));
    Ok(())
}

fn note(odd: &mut Vec<&'static str>, name: Option<&'static str>) {
    if let Some(name) = name.filter(|name| !odd.contains(name)) {
        odd.push(name);
    }
}

impl Has {
    /// A transform, by IANA's numbers; gives what is odd about it.
    fn transform(&mut self, kind: u8, id: u16) -> Option<&'static str> {
        match (kind, id) {
            // DES in its forms, RC5, IDEA, CAST, Blowfish, none.
            (kind::ENCRYPTION, 1..=9 | 11) => Some("weak_crypto_enc"),
            // CCM, GCM, ChaCha20 with Poly1305.
            (kind::ENCRYPTION, 14..=16 | 18..=20 | 25..=28) => {
                self.aead = true;
                None
            }
            (kind::PRF, 0) => Some("invalid_proposal"),
            // HMAC with MD5 and SHA-1.
            (kind::PRF, 1 | 2) => Some("weak_crypto_prf"),
            (kind::INTEGRITY, 0) => None,
            (kind::INTEGRITY, id) => {
                self.integrity = true;
                (id <= 7).then_some("weak_crypto_auth")
            }
            (kind::GROUP, id) => {
                self.group = true;
                match id {
                    0 => Some("invalid_proposal"),
                    // MODP of at most 1,536 bits.
                    1 | 2 | 5 | 22 => Some("weak_crypto_dh"),
                    _ => None,
                }
            }
            (kind::ENCRYPTION | kind::PRF | kind::SEQUENCE, _) => None,
            _ => Some("unknown_proposal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(protocol: u8, transforms: &[(u8, u16)]) -> Vec<u8> {
        let mut body = vec![1, protocol, 0, u8::try_from(transforms.len()).unwrap()];
        for (kind, id) in transforms {
            body.extend([3, 0, 0, 8, *kind, 0]);
            body.extend(id.to_be_bytes());
        }
        let len = u16::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[0, 0, len[0], len[1]][..], &body].concat()
    }

    fn odd(bytes: &[u8]) -> Vec<&'static str> {
        of(Reader::new(bytes))
    }

    #[test]
    fn strong_proposals_are_not_odd() {
        assert!(odd(&proposal(1, &[(1, 12), (2, 5), (3, 12), (4, 14)])).is_empty());
        assert!(odd(&proposal(1, &[(1, 20), (2, 5), (4, 19), (5, 0)])).is_empty(), "AEAD needs no integrity");
    }

    #[test]
    fn what_is_weak_or_missing_is_named() {
        assert_eq!(
            odd(&proposal(1, &[(1, 3), (2, 2), (3, 1), (4, 2)])),
            ["weak_crypto_enc", "weak_crypto_prf", "weak_crypto_auth", "weak_crypto_dh"]
        );
        assert_eq!(
            odd(&proposal(2, &[(1, 12), (3, 0)])),
            ["weak_crypto_no_dh", "no_encryption", "weak_crypto_no_auth"]
        );
        assert_eq!(odd(&proposal(1, &[(1, 20), (2, 0), (4, 0), (9, 1)])), ["invalid_proposal", "unknown_proposal"]);
        let two = [proposal(1, &[(1, 20), (4, 14)]), proposal(1, &[(1, 2), (3, 12), (4, 14)])].concat();
        assert_eq!(odd(&two), ["weak_crypto_enc"]);
    }

    #[test]
    fn broken_proposals_do_no_harm() {
        let whole = proposal(1, &[(1, 12), (2, 5), (3, 12), (4, 14)]);
        for cut in 0..whole.len() {
            assert!(odd(&whole[..cut]).is_empty(), "{cut}");
        }
        assert!(odd(&[0; 64]).is_empty() && odd(&[0xff; 64]).is_empty());
    }
}
