//! A folder's coders as filters.

use super::header::{Coder, Folder, aes_properties, lzma_prefix};
use crate::filter::Stage;
use crate::lister::Lister;
use crate::member::Completeness;
use crate::recipe::Recipe;
use sekisho_inflate::Coding;
use sha2::{Digest, Sha256};

/// Rounds of the key derivation as a power of two; 7-Zip writes 19.
const POWER_MAX: u32 = 22;
/// A special value: the password is the key.
const POWER_NONE: u32 = 0x3f;
/// Unpacked bytes on which a password is tried.
const TRIAL_LEN: u64 = 1 << 20;

/// The way through the coders from the packed bytes to the folder's content,
/// and the number of the password that opens it.
pub(super) fn recipe(l: &mut Lister<'_, '_>, folder: &Folder) -> Result<(Recipe, Option<usize>), Completeness> {
    let order = order(folder).ok_or(Completeness::Unsupported("coders with several inputs"))?;
    let encrypted = order.iter().any(|c| c.id == [6, 0xf1, 7, 1]);
    if !encrypted {
        return build(folder, &order, None).map(|recipe| (recipe, None));
    }
    for (number, password) in l.keyring().each() {
        let Some(key) = keys(l, &order, password) else { break };
        let recipe = build(folder, &order, Some(key))?;
        let trial = folder.size().min(TRIAL_LEN);
        let bytes = l.make(recipe.clone().through(Stage::Take(trial)), trial);
        let whole = bytes.filter(|b| b.len() as u64 == trial);
        let sum = folder.crc.or_else(|| folder.streams.first().filter(|s| s.len <= trial).and_then(|s| s.crc));
        let sum_len = if folder.crc.is_some() { folder.size() } else { folder.streams.first().map_or(0, |s| s.len) };
        let fits = whole.is_some_and(|bytes| {
            let part = usize::try_from(sum_len).ok().and_then(|n| bytes.get(..n));
            part.zip(sum).is_none_or(|(part, sum)| crate::filter::crc32(part) == sum)
        });
        if fits {
            l.keyring().fits(number);
            return Ok((recipe, Some(number)));
        }
    }
    Err(Completeness::Encrypted)
}

/// Coders in the order in which bytes pass them; `None` unless they form a line.
fn order(folder: &Folder) -> Option<Vec<&Coder>> {
    if folder.coders.iter().any(|c| c.inputs != 1) {
        return None;
    }
    let mut next = (0..folder.coders.len()).find(|i| !folder.bound.iter().any(|b| b.0 == *i));
    let mut out = Vec::new();
    while let Some(i) = next {
        out.push(folder.coders.get(i)?);
        if out.len() > folder.coders.len() {
            return None;
        }
        next = folder.bound.iter().find(|b| b.1 == i).map(|b| b.0);
    }
    (out.len() == folder.coders.len()).then_some(out)
}

fn build(folder: &Folder, order: &[&Coder], key: Option<[u8; 32]>) -> Result<Recipe, Completeness> {
    let mut recipe = Recipe::slice(folder.packed_at, folder.packed_len);
    for coder in order {
        let len = coder.unpacked_len;
        let stage = match (coder.id.as_slice(), coder.properties.as_slice()) {
            ([0], _) => None,
            ([3], [distance, ..]) => Some(Stage::Delta(usize::from(*distance) + 1)),
            ([4] | [3, 3, 1, 3], _) => Some(Stage::BranchX86),
            ([3, 1, 1], properties) => {
                Some(Stage::Inflate { coding: Coding::Lzma, prefix: lzma_prefix(properties, len), open_end: true })
            }
            ([0x21], [dictionary, ..]) => {
                Some(Stage::Inflate { coding: Coding::Xz, prefix: xz_prefix(*dictionary), open_end: true })
            }
            ([4, 1, 8], _) => Some(Stage::inflate(Coding::RawDeflate)),
            ([4, 2, 2], _) => Some(Stage::inflate(Coding::Bzip2)),
            ([4, 0xf7, 0x11, 1], _) => Some(Stage::inflate(Coding::Zstd)),
            ([6, 0xf1, 7, 1], properties) => {
                let iv = aes_properties(properties).ok_or(Completeness::Damaged("parameters of encryption"))?.2;
                key.map(|key| Stage::AesCbc { key, iv })
            }
            ([3, 4, 1], _) => return Err(Completeness::Unsupported("PPMd")),
            ([4, 1, 9], _) => return Err(Completeness::Unsupported("Deflate64")),
            _ => return Err(Completeness::Unsupported("coder")),
        };
        let cipher = matches!(stage, Some(Stage::AesCbc { .. }));
        if let Some(stage) = stage {
            recipe = recipe.through(stage);
        }
        // Ciphers pad to whole blocks; others end where they say.
        if cipher || order.len() <= 3 {
            recipe = recipe.through(Stage::Take(len));
        }
    }
    Ok(recipe)
}

/// What precedes LZMA2 data in an xz stream: its header, and a block header that names the dictionary's size.
fn xz_prefix(dictionary: u8) -> Vec<u8> {
    let mut prefix = b"\xfd7zXZ\0\0\0\0\0\0\0".to_vec();
    prefix.extend([2, 0, 0x21, 1, dictionary, 0, 0, 0, 0, 0, 0, 0]);
    prefix
}

/// The key for the first encrypted coder; `None` if it would take too long.
fn keys(l: &mut Lister<'_, '_>, order: &[&Coder], password: &[u8]) -> Option<[u8; 32]> {
    let coder = order.iter().find(|c| c.id == [6, 0xf1, 7, 1])?;
    let (power, salt, _) = aes_properties(&coder.properties)?;
    let text: Vec<u8> = String::from_utf8_lossy(password).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let secret = [salt, text].concat();
    if power == POWER_NONE {
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(&secret) {
            *to = *from;
        }
        return Some(key);
    }
    if power > POWER_MAX {
        l.odd("7z: key derivation takes too long");
        return None;
    }
    let rounds = 1u64 << power;
    if !l.trial(rounds * (secret.len() as u64 + 8)) {
        return None;
    }
    let mut hash = Sha256::new();
    for round in 0..rounds {
        hash.update(&secret);
        hash.update(round.to_le_bytes());
    }
    Some(hash.finalize().into())
}
