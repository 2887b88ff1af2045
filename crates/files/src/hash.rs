//! Digests computed while bytes pass.

use md5::Md5;
use sekisho_record::Digest;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// Which digests to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashSet {
    /// MD5 (RFC 1321).
    pub md5: bool,
    /// SHA-1 (FIPS 180-4).
    pub sha1: bool,
    /// SHA-256 (FIPS 180-4).
    pub sha256: bool,
}

impl HashSet {
    /// All three.
    pub const ALL: Self = Self { md5: true, sha1: true, sha256: true };
    /// None: content isn't hashed.
    pub const NONE: Self = Self { md5: false, sha1: false, sha256: false };
}

/// The digests of one file; `None` if not asked for, or if bytes are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hashes {
    /// MD5.
    pub md5: Option<Digest<16>>,
    /// SHA-1.
    pub sha1: Option<Digest<20>>,
    /// SHA-256.
    pub sha256: Option<Digest<32>>,
}

/// Digests in the making.
#[derive(Clone, Default)]
pub struct Hashers {
    md5: Option<Md5>,
    sha1: Option<Sha1>,
    sha256: Option<Sha256>,
}

impl Hashers {
    /// `None` if no digest is wanted.
    pub fn new(set: HashSet) -> Option<Box<Self>> {
        (set != HashSet::NONE).then(|| {
            Box::new(Self {
                md5: set.md5.then(Md5::new),
                sha1: set.sha1.then(Sha1::new),
                sha256: set.sha256.then(Sha256::new),
            })
        })
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(h) = &mut self.md5 {
            h.update(bytes);
        }
        if let Some(h) = &mut self.sha1 {
            h.update(bytes);
        }
        if let Some(h) = &mut self.sha256 {
            h.update(bytes);
        }
    }

    /// What they came to.
    pub fn finish(self) -> Hashes {
        Hashes {
            md5: self.md5.map(|h| Digest(h.finalize().into())),
            sha1: self.sha1.map(|h| Digest(h.finalize().into())),
            sha256: self.sha256.map(|h| Digest(h.finalize().into())),
        }
    }
}
