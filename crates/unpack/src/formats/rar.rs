//! RAR archives, versions 1.5 to 7, without what versions 3 and 4 compress (see [`rar`]). The archive is unpacked as one solid block, of which the members are parts; volumes
//! of a set are told by what of them is here.

use crate::budget::Cut;
use crate::bytes::size;
use crate::filter::Stage;
use crate::lister::{Entry, Lister};
use crate::member::{Completeness, Form};
use crate::recipe::Recipe;
use sekisho_inflate::Limits;
use sekisho_inflate::rar::{self, Archive, Fault};

/// Bytes from which the key derivation's cost is told.
const HEAD_LEN: usize = 64;
/// Units of work for a round of key derivation: two blocks of a hash.
const ROUND_WORK: u64 = 128;

pub(super) fn list(l: &mut Lister<'_, '_>) {
    let window_len = l.limits().window_len;
    if l.len() > window_len as u64 {
        l.add(Entry::new("rar", b"", Recipe::slice(0, 0)).flaw(Completeness::Budget(Cut::Memory)));
        return;
    }
    let len = l.len();
    if !l.work(len) {
        return;
    }
    let bytes = l.read(0, size(len)).into_owned();
    match open(l, &bytes) {
        Ok((archive, password)) => members(l, &archive, password),
        Err(Fault::Encrypted) => {
            l.add(Entry::new("rar", b"", Recipe::slice(0, 0)).flaw(Completeness::Encrypted));
        }
        Err(Fault::OverMemory) => l.cut(Cut::Memory),
        Err(Fault::Unsupported) => l.odd("rar: unknown version"),
        Err(Fault::Corrupt) => l.odd("rar: damaged header"),
    }
}

/// The number of a password, and the password.
type Key = (usize, Vec<u8>);

/// The headers, and the password that opened them if one was needed.
fn open(l: &mut Lister<'_, '_>, bytes: &[u8]) -> Result<(Archive, Option<Key>), Fault> {
    match Archive::open(bytes.to_vec(), None) {
        Ok(archive) => return Ok((archive, None)),
        Err(Fault::Encrypted) => {}
        Err(fault) => return Err(fault),
    }
    let Some(rounds) = rar::header_rounds(bytes.get(..HEAD_LEN).unwrap_or(bytes)) else {
        l.odd("rar: key derivation takes too long");
        return Err(Fault::Encrypted);
    };
    for (number, password) in l.keyring().each() {
        if !l.trial(rounds.saturating_mul(ROUND_WORK)) {
            break;
        }
        if let Ok(archive) = Archive::open(bytes.to_vec(), Some(password)) {
            l.keyring().fits(number);
            return Ok((archive, Some((number, password.to_vec()))));
        }
    }
    Err(Fault::Encrypted)
}

fn members(l: &mut Lister<'_, '_>, archive: &Archive, opened_by: Option<Key>) {
    let entries = archive.entries();
    let headers = opened_by.is_some();
    let key = match opened_by {
        Some(key) => Some(key),
        None if archive.entries().any(|e| e.is_encrypted) => fitting(l, archive),
        None => None,
    };
    let len = l.len();
    let whole = Recipe::slice(0, len).through(Stage::Rar { password: key.as_ref().map(|key| key.1.clone()) });
    let block = l.block(whole);
    let mut at = 0;
    for entry in entries {
        let form = match entry.form {
            rar::Form::Directory => continue,
            rar::Form::File => Form::File,
            rar::Form::HardLink(to) => Form::HardLink(to.into()),
            rar::Form::SymLink(to) => Form::SymLink(to.into()),
        };
        let mut recipe = Recipe::slice(0, 0);
        let mut flaw = None;
        if form == Form::File && entry.is_split {
            flaw = Some(Completeness::Unsupported("part of a set of volumes"));
        } else if form == Form::File && entry.has_programs {
            flaw = Some(Completeness::Unsupported("RAR 3 compression"));
        } else if form == Form::File {
            if entry.is_encrypted && key.is_none() {
                flaw = Some(Completeness::Encrypted);
            } else {
                recipe = Recipe::slice(at, entry.len);
                recipe.block = Some(block);
                if let Some(crc) = entry.crc32 {
                    recipe = recipe.through(Stage::Crc32(crc));
                }
            }
            at = at.saturating_add(entry.len);
        }
        let opened_by = key.as_ref().filter(|_| entry.is_encrypted || headers).map(|key| key.0);
        let mut told = Entry::new("rar", &entry.name, recipe).declared(entry.len).form(form).opened_by(opened_by);
        told.flaw = flaw;
        if !l.add(told) {
            return;
        }
    }
}

/// The password of encrypted members.
fn fitting(l: &mut Lister<'_, '_>, archive: &Archive) -> Option<Key> {
    let Some(rounds) = archive.rounds() else {
        l.odd("rar: key derivation takes too long");
        return None;
    };
    let limits = Limits { memory_len: l.limits().window_len, ..Limits::default() };
    for (number, password) in l.keyring().each() {
        if !l.trial(rounds.saturating_mul(ROUND_WORK).saturating_add(l.len())) {
            break;
        }
        if archive.fits(password, &limits) {
            l.keyring().fits(number);
            return Some((number, password.to_vec()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::formats::tests::{leaves, listed, listed_with};
    use crate::member::Completeness;
    use rars::{ArchiveVersion, Builder};

    fn archive(builder: Builder) -> Vec<u8> {
        let mut builder = builder;
        for (name, bytes) in [("a.txt", "first file\n".repeat(9)), ("d/b.txt", "and the second\n".repeat(9))] {
            builder.add_bytes(name.as_bytes().to_vec(), bytes.into_bytes(), None, None).unwrap();
        }
        builder.add_unix_symlink(b"link".to_vec(), b"/etc/passwd".to_vec(), false, None, None).ok();
        builder.to_bytes().unwrap()
    }

    fn files(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
        leaves(bytes).into_iter().filter(|l| !l.1.is_empty()).collect()
    }

    #[test]
    fn parses_members() {
        for version in [ArchiveVersion::Rar15, ArchiveVersion::Rar20, ArchiveVersion::Rar50, ArchiveVersion::Rar70] {
            for solid in [false, true] {
                let got = files(&archive(Builder::new(version).solid(solid)));
                assert_eq!(got[0], ("rar:a.txt".to_owned(), b"first file\n".repeat(9)), "{version:?} {solid}");
                assert_eq!(got[1].1, b"and the second\n".repeat(9), "{version:?} {solid}");
            }
        }
    }

    #[test]
    fn opens_with_passwords() {
        let right: &[Vec<u8>] = &[b"wrong".to_vec(), b"right".to_vec()];
        for header in [false, true] {
            let builder =
                Builder::new(ArchiveVersion::Rar50).password(Some(b"right".to_vec())).header_encryption(header);
            let bytes = archive(builder);
            let closed = listed(&bytes);
            assert_eq!(closed.nodes[1].completeness, Completeness::Encrypted);
            let open = listed_with(&bytes, right);
            assert_eq!((open.nodes[1].completeness, open.nodes[1].len), (Completeness::Complete, 99));
        }
    }

    #[test]
    fn tells_of_damage() {
        let bytes = archive(Builder::new(ArchiveVersion::Rar50));
        for len in (0..bytes.len()).step_by(3) {
            listed(&bytes[..len]);
        }
        let mut hit = bytes.clone();
        let middle = hit.len() / 3;
        hit[middle] ^= 0x10;
        let tree = listed(&hit);
        let told = tree.nodes.iter().any(|n| n.completeness != Completeness::Complete || !n.anomalies.is_empty());
        assert!(told, "{:?}", tree.nodes);
    }
}
