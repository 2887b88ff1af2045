//! Digests of a content, for lists of hashes.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Which digests are worth computing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// MD5.
    pub md5: bool,
    /// SHA-1.
    pub sha1: bool,
    /// SHA-256.
    pub sha256: bool,
}

impl Wanted {
    /// What either wants.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { md5: self.md5 || other.md5, sha1: self.sha1 || other.sha1, sha256: self.sha256 || other.sha256 }
    }
}

/// Hands out a content from its beginning, piece by piece, to what it is given.
pub type Pieces<'p> = dyn FnMut(&mut dyn FnMut(&[u8])) + 'p;

/// Digests of one content, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// MD5.
    pub md5: Option<[u8; 16]>,
    /// SHA-1.
    pub sha1: Option<[u8; 20]>,
    /// SHA-256.
    pub sha256: Option<[u8; 32]>,
}

impl Digests {
    /// Adds what is wanted and isn't known yet; `pieces` hands out the content from its beginning, piece by piece.
    pub fn complete(&mut self, wanted: Wanted, pieces: &mut Pieces<'_>) {
        let mut md5 = (wanted.md5 && self.md5.is_none()).then(Md5::new);
        let mut sha1 = (wanted.sha1 && self.sha1.is_none()).then(Sha1::new);
        let mut sha256 = (wanted.sha256 && self.sha256.is_none()).then(Sha256::new);
        if md5.is_none() && sha1.is_none() && sha256.is_none() {
            return;
        }
        pieces(&mut |piece| {
            md5.iter_mut().for_each(|d| d.update(piece));
            sha1.iter_mut().for_each(|d| d.update(piece));
            sha256.iter_mut().for_each(|d| d.update(piece));
        });
        self.md5 = self.md5.or(md5.map(|d| d.finalize().into()));
        self.sha1 = self.sha1.or(sha1.map(|d| d.finalize().into()));
        self.sha256 = self.sha256.or(sha256.map(|d| d.finalize().into()));
    }
}
