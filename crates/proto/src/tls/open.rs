//! Opens one direction's records: AEAD (RFC 5246 §6.2.3.3, RFC 8446 §5.2) and CBC (RFC 5246 §6.2.3.2, RFC 7366).

use super::content;
use crate::handshake::keys::{Bulk, Keys, Suite};
use aes::cipher::{BlockDecryptMut, KeyIvInit, block_padding::NoPadding};
use ring::{aead, hmac};

/// Most octets that protection adds to a record's content (RFC 5246 §6.2.3).
pub(super) const MAX_OVERHEAD_LEN: usize = 2048;

/// Longest protected record that is opened.
pub(super) const MAX_RECORD_LEN: usize = (1 << 14) + MAX_OVERHEAD_LEN;

/// Octets of an AES block.
const BLOCK_LEN: usize = 16;

/// Octets of a GCM nonce that are sent with each record in TLS 1.2.
const EXPLICIT_LEN: usize = 8;

/// A direction's keys and how many records were opened with them.
pub(super) struct Opener {
    cipher: Cipher,
    seq: u64,
}

enum Cipher {
    /// TLS 1.3.
    Aead13 {
        key: aead::LessSafeKey,
        iv: [u8; 12],
    },
    /// TLS 1.2; `explicit`: a part of the nonce comes with the record.
    Aead12 {
        key: aead::LessSafeKey,
        iv: [u8; 12],
        explicit: bool,
    },
    Cbc {
        key: Vec<u8>,
        mac: hmac::Key,
        mac_first: bool,
    },
}

/// The header of a protected record.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) content: u8,
    pub(super) version: u16,
    pub(super) len: u16,
}

fn lss(algorithm: &'static aead::Algorithm, key: &[u8]) -> Option<aead::LessSafeKey> {
    Some(aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, key).ok()?))
}

impl Opener {
    /// For TLS 1.3.
    pub(super) fn tls13(suite: &Suite, secret: &[u8]) -> Option<Self> {
        let cipher = suite.keys13(secret, |keys: Keys<'_>| {
            let key = lss(suite.aead()?, keys.key)?;
            Some(Cipher::Aead13 { key, iv: *keys.iv.first_chunk()? })
        })?;
        Some(Self { cipher, seq: 0 })
    }

    /// For TLS 1.2. `mac_first`: encrypt-then-MAC was agreed (RFC 7366).
    pub(super) fn tls12(
        suite: &Suite,
        master: &[u8],
        randoms: (&[u8; 32], &[u8; 32]),
        client: bool,
        mac_first: bool,
    ) -> Option<Self> {
        let cipher = suite.keys12(master, randoms, client, |keys| {
            if let Bulk::Cbc { mac, .. } = suite.bulk {
                return Some(Cipher::Cbc { key: keys.key.to_vec(), mac: hmac::Key::new(mac, keys.mac), mac_first });
            }
            let mut iv = [0; 12];
            iv.iter_mut().zip(keys.iv).for_each(|(to, from)| *to = *from);
            let explicit = matches!(suite.bulk, Bulk::Gcm(_));
            Some(Cipher::Aead12 { key: lss(suite.aead()?, keys.key)?, iv, explicit })
        })?;
        Some(Self { cipher, seq: 0 })
    }

    /// A record was lost, or came too long to be kept.
    pub(super) fn pass_over(&mut self) {
        self.seq = self.seq.saturating_add(1);
    }

    /// Content type and plaintext of a record; `None` if it was not made with these keys, which then count none.
    pub(super) fn open<'b>(&mut self, head: Head, body: &'b mut [u8]) -> Option<(u8, &'b [u8])> {
        let seq = self.seq;
        let opened = match &self.cipher {
            Cipher::Aead13 { key, iv } => open13(key, iv, seq, head, body)?,
            Cipher::Aead12 { key, iv, explicit } => (head.content, open12(key, iv, *explicit, seq, head, body)?),
            Cipher::Cbc { key, mac, mac_first } => (head.content, open_cbc(key, mac, *mac_first, seq, head, body)?),
        };
        self.seq = seq.saturating_add(1);
        Some(opened)
    }
}

/// The nonce of RFC 8446 §5.3.
fn nonce(iv: &[u8; 12], seq: u64) -> [u8; 12] {
    let mut nonce = *iv;
    nonce.iter_mut().skip(4).zip(seq.to_be_bytes()).for_each(|(n, s)| *n ^= s);
    nonce
}

fn open13<'b>(
    key: &aead::LessSafeKey,
    iv: &[u8; 12],
    seq: u64,
    head: Head,
    body: &'b mut [u8],
) -> Option<(u8, &'b [u8])> {
    let [[a, b], [c, d]] = [head.version.to_be_bytes(), head.len.to_be_bytes()];
    let aad = aead::Aad::from([head.content, a, b, c, d]);
    let plain = key.open_in_place(aead::Nonce::assume_unique_for_key(nonce(iv, seq)), aad, body).ok()?;
    // The true content type is the last octet that is not padding.
    let at = plain.iter().rposition(|b| *b != 0)?;
    Some((*plain.get(at)?, plain.get(..at)?))
}

/// What the MAC of TLS 1.2 covers beside the content.
fn additional(seq: u64, head: Head, len: usize) -> Option<[u8; 13]> {
    let mut out = [0; 13];
    let [a, b] = head.version.to_be_bytes();
    let [c, d] = u16::try_from(len).ok()?.to_be_bytes();
    let parts = seq.to_be_bytes().into_iter().chain([head.content, a, b, c, d]);
    out.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    Some(out)
}

fn open12<'b>(
    key: &aead::LessSafeKey,
    iv: &[u8; 12],
    explicit: bool,
    seq: u64,
    head: Head,
    body: &'b mut [u8],
) -> Option<&'b [u8]> {
    let (mut nonce, body) = if explicit {
        let (sent, body) = body.split_at_mut_checked(EXPLICIT_LEN)?;
        let mut nonce = *iv;
        nonce.iter_mut().skip(4).zip(sent.iter()).for_each(|(n, s)| *n = *s);
        (nonce, body)
    } else {
        (nonce(iv, seq), body)
    };
    let len = body.len().checked_sub(key.algorithm().tag_len())?;
    let aad = aead::Aad::from(additional(seq, head, len)?);
    let nonce = aead::Nonce::assume_unique_for_key(std::mem::take(&mut nonce));
    Some(key.open_in_place(nonce, aad, body).ok()?)
}

fn open_cbc<'b>(
    key: &[u8],
    mac: &hmac::Key,
    mac_first: bool,
    seq: u64,
    head: Head,
    body: &'b mut [u8],
) -> Option<&'b [u8]> {
    let mac_len = mac.algorithm().digest_algorithm().output_len();
    let signed = |content: &[&[u8]], tag: &[u8]| {
        let len = content.iter().map(|part| part.len()).sum();
        let mut context = hmac::Context::with_key(mac);
        context.update(&additional(seq, head, len)?);
        content.iter().for_each(|part| context.update(part));
        (context.sign().as_ref() == tag).then_some(())
    };
    let body = if mac_first {
        let (body, tag) = body.split_at_mut_checked(body.len().checked_sub(mac_len)?)?;
        signed(&[body], tag)?;
        body
    } else {
        body
    };
    let (iv, body) = body.split_at_mut_checked(BLOCK_LEN)?;
    if key.len() == 16 {
        cbc::Decryptor::<aes::Aes128>::new_from_slices(key, iv).ok()?.decrypt_padded_mut::<NoPadding>(body).ok()?;
    } else {
        cbc::Decryptor::<aes::Aes256>::new_from_slices(key, iv).ok()?.decrypt_padded_mut::<NoPadding>(body).ok()?;
    }
    let padding = *body.last()?;
    let len = body.len().checked_sub(usize::from(padding) + 1)?;
    if body.get(len..)?.iter().any(|b| *b != padding) {
        return None;
    }
    if mac_first {
        return body.get(..len);
    }
    let (plain, tag) = body.get(..len)?.split_at_checked(len.checked_sub(mac_len)?)?;
    signed(&[plain], tag)?;
    Some(plain)
}

/// Is a protected record of this type one that TLS 1.3 sends? All of them look like application data.
pub(super) const fn is_disguised(content: u8) -> bool {
    content == content::APPLICATION_DATA
}
