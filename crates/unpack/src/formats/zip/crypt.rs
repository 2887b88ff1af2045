//! Encrypted members: ZIP's first cipher (APPNOTE §6.1) and WinZip's AES (AE-1, AE-2).

use super::headers::Found;
use crate::bytes::{byte, le16};
use crate::filter::{Stage, ZipKeys};
use crate::lister::Lister;
use crate::recipe::Recipe;
use sekisho_inflate::{Coding, Inflater, Limits, Outcome};
use sha1::{Digest, Sha1};

/// Of the old cipher's header.
const OLD_HEADER_LEN: u64 = 12;
/// Packed bytes on which a password is tried.
const TRIAL_LEN: usize = 4096;
/// Packed bytes up to which the password must give the right checksum as well.
const CHECKED_LEN: u64 = 4 << 20;
/// Rounds of the key derivation (WinZip's specification, "Key generation").
const ROUNDS: u32 = 1000;
const AUTHENTICATION_LEN: u64 = 10;

/// How to get at a member.
pub(super) struct Opened {
    pub(super) recipe: Recipe,
    /// The compression method within.
    pub(super) method: u16,
    /// Number of the password.
    pub(super) password: usize,
}

/// With the first password that fits.
pub(super) fn open(l: &mut Lister<'_, '_>, found: &Found, data: u64) -> Option<Opened> {
    if found.flags & 0x40 != 0 {
        return None;
    }
    match &found.aes {
        Some(aes) => open_aes(l, found, aes, data),
        None => open_old(l, found, data),
    }
}

fn open_old(l: &mut Lister<'_, '_>, found: &Found, data: u64) -> Option<Opened> {
    let header = l.read(data, 12);
    if header.len() < 12 {
        return None;
    }
    let packed = found.packed.checked_sub(OLD_HEADER_LEN)?;
    let sample = l.read(data + OLD_HEADER_LEN, TRIAL_LEN.min(usize::try_from(packed).ok()?));
    // The header's last byte: the checksum's, or the time's where the checksum comes later.
    let [.., check] = found.crc.unwrap_or(0).to_le_bytes();
    let [_, time] = found.time.to_le_bytes();
    for (number, password) in l.keyring().each() {
        let mut keys = ZipKeys::new(password);
        let last = header.iter().fold(0, |_, &b| keys.decrypt(b));
        if !l.trial(TRIAL_LEN as u64) {
            return None;
        }
        if (last == check || found.streamed && last == time) && plausible(found.method, keys, &sample, packed) {
            let recipe = Recipe::slice(data + OLD_HEADER_LEN, packed).through(Stage::ZipCrypto(keys));
            if has_right_sum(l, found, &recipe) {
                l.keyring().fits(number);
                return Some(Opened { recipe, method: found.method, password: number });
            }
        }
    }
    None
}

/// One byte fits by chance once in 256 times; deflate data hardly ever.
fn plausible(method: u16, mut keys: ZipKeys, sample: &[u8], packed: u64) -> bool {
    if method != 8 {
        return true;
    }
    let clear: Vec<u8> = sample.iter().map(|&b| keys.decrypt(b)).collect();
    let outcome = Inflater::new(Coding::RawDeflate, Limits::default()).push(&clear, &mut |_| {});
    match outcome {
        Outcome::Stopped(sekisho_inflate::Stop::Corrupt) => false,
        Outcome::Finished { trailing } => sample.len() as u64 == packed && trailing == 0,
        _ => true,
    }
}

/// Members that are stored as they are fit any password whose one byte does, so the checksum decides where it is known and
/// the member isn't long.
fn has_right_sum(l: &mut Lister<'_, '_>, found: &Found, recipe: &Recipe) -> bool {
    let Some(sum) = found.crc.filter(|_| found.method == 0 && found.packed <= CHECKED_LEN) else { return true };
    l.make(recipe.clone(), CHECKED_LEN).is_none_or(|bytes| crate::filter::crc32(&bytes) == sum)
}

fn open_aes(l: &mut Lister<'_, '_>, found: &Found, aes: &[u8], data: u64) -> Option<Opened> {
    let (key_len, salt_len) = match byte(aes, 4)? {
        1 => (16, 8),
        2 => (24, 12),
        3 => (32, 16),
        _ => return None,
    };
    let head = l.read(data, salt_len + 2);
    let (salt, verifier) = head.split_at_checked(salt_len)?;
    let packed = found.packed.checked_sub(salt_len as u64 + 2 + AUTHENTICATION_LEN)?;
    for (number, password) in l.keyring().each() {
        // Two blocks of SHA-1 for each round and 20 bytes.
        if !l.trial(u64::from(ROUNDS) * 128 * 4) {
            return None;
        }
        let derived = pbkdf2(password, salt, 2 * key_len + 2);
        if derived.get(2 * key_len..) == Some(verifier) && verifier.len() == 2 {
            let key = derived.get(..key_len)?.to_vec();
            let recipe = Recipe::slice(data + salt_len as u64 + 2, packed).through(Stage::AesCtr { key });
            l.keyring().fits(number);
            return Some(Opened { recipe, method: le16(aes, 5)?, password: number });
        }
    }
    None
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let mut block = [0u8; 64];
    let hashed: [u8; 20] = Sha1::digest(key).into();
    let key = if key.len() > 64 { &hashed[..] } else { key };
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut inner = Sha1::new_with_prefix(block.map(|b| b ^ 0x36));
    for part in parts {
        inner.update(part);
    }
    Sha1::new_with_prefix(block.map(|b| b ^ 0x5c)).chain_update(inner.finalize()).finalize().into()
}

/// PBKDF2 (RFC 8018 §5.2) with HMAC-SHA1 and [`ROUNDS`].
fn pbkdf2(password: &[u8], salt: &[u8], len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len + 20);
    let mut block = 1u32;
    while out.len() < len {
        let mut round = hmac(password, &[salt, &block.to_be_bytes()]);
        let mut sum = round;
        for _ in 1..ROUNDS {
            round = hmac(password, &[&round]);
            for (to, from) in sum.iter_mut().zip(round) {
                *to ^= from;
            }
        }
        out.extend(sum);
        block += 1;
    }
    out.truncate(len);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derives_keys() {
        // RFC 2202 §3, test case 1 and 2; PBKDF2 checked against Python's hashlib.
        assert_eq!(hmac(&[0x0b; 20], &[b"Hi There"])[..4], [0xb6, 0x17, 0x31, 0x86]);
        assert_eq!(hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"])[..4], [0xef, 0xfc, 0xdf, 0x6a]);
        assert_eq!(pbkdf2(b"password", b"saltsalt", 4), [0xe9, 0xfe, 0xbf, 0xf5]);
    }
}
