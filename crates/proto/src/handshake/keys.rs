//! From secrets to keys: the key schedules of TLS 1.2 (RFC 5246 §5, §6.3), 1.3 (RFC 8446 §7) and QUIC (RFC 9001 §5.1),
//! which has labels of its own.

use super::ciphers;
use ring::{aead, hkdf, hmac};

/// Longest key block: two MAC keys of SHA-384 and two AES-256 keys.
const MAX_BLOCK_LEN: usize = 2 * (48 + 32 + 12);

/// How a suite's records are protected, and by which hash its keys are derived.
#[derive(Clone, Copy)]
pub(crate) struct Suite {
    pub(crate) bulk: Bulk,
    hash: Hash,
}

/// See [`Suite`].
#[derive(Clone, Copy)]
pub(crate) enum Bulk {
    /// AES-GCM (RFC 5288).
    Gcm(&'static aead::Algorithm),
    /// ChaCha20-Poly1305 (RFC 7905).
    ChaCha,
    /// AES-CBC with a MAC (RFC 5246 §6.2.3.2).
    Cbc { key_len: usize, mac: hmac::Algorithm },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    const fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
        }
    }

    const fn hkdf(self) -> hkdf::Algorithm {
        match self {
            Self::Sha256 => hkdf::HKDF_SHA256,
            Self::Sha384 => hkdf::HKDF_SHA384,
        }
    }
}

/// The keys of one direction.
pub(crate) struct Keys<'k> {
    pub(crate) mac: &'k [u8],
    pub(crate) key: &'k [u8],
    pub(crate) iv: &'k [u8],
}

/// What is known of a cipher suite (IANA TLS Cipher Suites); `None` if its records cannot be opened: CCM, Camellia, RC4
/// and 3DES among others.
pub(crate) fn suite(cipher: u16) -> Option<Suite> {
    let name = ciphers::name(cipher);
    let hash = if name.ends_with("_SHA384") { Hash::Sha384 } else { Hash::Sha256 };
    let bulk = if name.contains("_AES_128_GCM_") {
        Bulk::Gcm(&aead::AES_128_GCM)
    } else if name.contains("_AES_256_GCM_") {
        Bulk::Gcm(&aead::AES_256_GCM)
    } else if name.contains("_CHACHA20_POLY1305_") {
        Bulk::ChaCha
    } else {
        let key_len = if name.contains("_AES_128_CBC_") {
            16
        } else if name.contains("_AES_256_CBC_") {
            32
        } else {
            return None;
        };
        let mac = match name.rsplit('_').next()? {
            "SHA" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            "SHA256" => hmac::HMAC_SHA256,
            "SHA384" => hmac::HMAC_SHA384,
            _ => return None,
        };
        Bulk::Cbc { key_len, mac }
    };
    Some(Suite { bulk, hash })
}

impl Suite {
    /// Lengths of MAC key, key and the part of the nonce that is not sent, in TLS 1.2.
    fn lens(&self) -> (usize, usize, usize) {
        match self.bulk {
            Bulk::Gcm(algorithm) => (0, algorithm.key_len(), 4),
            Bulk::ChaCha => (0, 32, 12),
            Bulk::Cbc { key_len, mac } => (mac.digest_algorithm().output_len(), key_len, 0),
        }
    }

    /// The keys of the client (or the server) from a TLS 1.2 master secret.
    pub(crate) fn keys12<R>(
        &self,
        master: &[u8],
        (client_random, server_random): (&[u8; 32], &[u8; 32]),
        client: bool,
        f: impl FnOnce(Keys<'_>) -> Option<R>,
    ) -> Option<R> {
        let (mac_len, key_len, iv_len) = self.lens();
        let mut block = [0; MAX_BLOCK_LEN];
        let block = block.get_mut(..2 * (mac_len + key_len + iv_len))?;
        prf(self.hash, master, &[b"key expansion", server_random, client_random], block);
        let (macs, rest) = block.split_at_checked(2 * mac_len)?;
        let (keys, ivs) = rest.split_at_checked(2 * key_len)?;
        let of = |both: &[u8], len: usize| -> Option<(usize, usize)> {
            let from = if client { 0 } else { len };
            (from + len <= both.len()).then_some((from, from + len))
        };
        let ((a, b), (c, d), (e, g)) = (of(macs, mac_len)?, of(keys, key_len)?, of(ivs, iv_len)?);
        f(Keys { mac: macs.get(a..b)?, key: keys.get(c..d)?, iv: ivs.get(e..g)? })
    }

    /// The keys that follow from a TLS 1.3 traffic secret (RFC 8446 §7.3).
    pub(crate) fn keys13<R>(&self, secret: &[u8], f: impl FnOnce(Keys<'_>) -> Option<R>) -> Option<R> {
        let (_, key_len, _) = self.lens();
        let (mut key, mut iv) = ([0; 32], [0; 12]);
        let key = key.get_mut(..key_len)?;
        expand_label(self.hash, secret, b"key", key)?;
        expand_label(self.hash, secret, b"iv", &mut iv)?;
        f(Keys { mac: &[], key, iv: &iv })
    }

    /// The traffic secret after a key update (RFC 8446 §7.2).
    pub(crate) fn next_secret(&self, secret: &[u8]) -> Option<Vec<u8>> {
        self.next_secret_by(b"traffic upd", secret)
    }

    /// As [`Suite::next_secret`], by a label of one's own (RFC 9001 §6.1).
    pub(crate) fn next_secret_by(&self, label: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
        let mut next = vec![0; secret.len()];
        self.expand(secret, label, &mut next)?;
        Some(next)
    }

    /// HKDF-Expand-Label by the suite's hash.
    pub(crate) fn expand(&self, secret: &[u8], label: &[u8], out: &mut [u8]) -> Option<()> {
        expand_label(self.hash, secret, label, out)
    }

    /// Its AEAD; `None` for CBC.
    pub(crate) const fn aead(&self) -> Option<&'static aead::Algorithm> {
        match self.bulk {
            Bulk::Gcm(algorithm) => Some(algorithm),
            Bulk::ChaCha => Some(&aead::CHACHA20_POLY1305),
            Bulk::Cbc { .. } => None,
        }
    }
}

/// P_hash of RFC 5246 §5 over `seed`, label included.
fn prf(hash: Hash, secret: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    let key = hmac::Key::new(hash.hmac(), secret);
    let sign = |parts: &[&[u8]]| {
        let mut context = hmac::Context::with_key(&key);
        parts.iter().for_each(|part| context.update(part));
        context.sign()
    };
    let mut a = sign(seed);
    let block_len = key.algorithm().digest_algorithm().output_len();
    for chunk in out.chunks_mut(block_len) {
        let mut context = hmac::Context::with_key(&key);
        context.update(a.as_ref());
        seed.iter().for_each(|part| context.update(part));
        for (to, from) in chunk.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        a = sign(&[a.as_ref()]);
    }
}

/// A length for ring's HKDF.
struct Len(usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label without context (RFC 8446 §7.1).
fn expand_label(hash: Hash, secret: &[u8], label: &[u8], out: &mut [u8]) -> Option<()> {
    expand_label_by(&hkdf::Prk::new_less_safe(hash.hkdf(), secret), label, out)
}

/// As [`Suite::expand`], from a secret that is at hand as ring has it.
pub(crate) fn expand_label_by(secret: &hkdf::Prk, label: &[u8], out: &mut [u8]) -> Option<()> {
    let len = u16::try_from(out.len()).ok()?.to_be_bytes();
    let label_len = [u8::try_from(6 + label.len()).ok()?];
    let info: [&[u8]; 5] = [&len, &label_len, b"tls13 ", label, &[0]];
    secret.expand(&info, Len(out.len())).ok()?.fill(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let text: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        text.chunks(2).map(|c| u8::from_str_radix(std::str::from_utf8(c).unwrap(), 16).unwrap()).collect()
    }

    /// RFC 8448 §3: the client's handshake traffic secret and the keys that follow from it.
    #[test]
    fn derives_keys_of_tls13() {
        let secret = hex("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
        let suite = suite(0x1301).unwrap();
        let found = suite.keys13(&secret, |k| Some((k.key.to_vec(), k.iv.to_vec()))).unwrap();
        assert_eq!(found.0, hex("dbfaa693d1762c5b666af5d950258d01"));
        assert_eq!(found.1, hex("5bd3c71b836e0b76bb73265f"));
    }

    /// The published test vector of the TLS 1.2 PRF with SHA-256 (IETF TLS mailing list, 2009).
    #[test]
    fn derives_by_the_prf_of_tls12() {
        let secret = hex("9bbe436ba940f017b17652849a71db35");
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        let mut out = [0; 100];
        prf(Hash::Sha256, &secret, &[b"test label", &seed], &mut out);
        assert_eq!(out[..32], hex("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"));
        assert_eq!(out[96..], hex("87347b66"));
    }

    #[test]
    fn knows_suites() {
        assert!(matches!(suite(0xc02f).unwrap().bulk, Bulk::Gcm(_)));
        assert!(matches!(suite(0xcca8).unwrap().bulk, Bulk::ChaCha));
        assert!(matches!(suite(0xc027).unwrap().bulk, Bulk::Cbc { key_len: 16, .. }));
        assert!(matches!(suite(0x0035).unwrap().bulk, Bulk::Cbc { key_len: 32, .. }));
        assert!(suite(0x0005).is_none(), "RC4");
        assert!(suite(0xc0ac).is_none(), "CCM");
        assert!(suite(0xffff).is_none());
    }
}
