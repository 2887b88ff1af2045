use crate::cert::{self, Certificate};
use crate::der::{Der, Error, tag};
use sekisho_types::SeededState;

/// A certificate authority that is trusted without proof: its name and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trusted<'a> {
    /// Content of the subject Name.
    pub subject: &'a [u8],
    /// Content of the SubjectPublicKeyInfo.
    pub spki: &'a [u8],
    /// Content of the name constraints.
    pub name_constraints: Option<&'a [u8]>,
}

/// The authorities that chains may end at.
#[derive(Debug)]
pub struct RootStore {
    roots: Vec<Trusted<'static>>,
    by_subject: hashbrown::HashMap<&'static [u8], Vec<usize>, SeededState>,
    /// Those that somebody added, by subject.
    added: hashbrown::HashMap<Box<[u8]>, Vec<Added>, SeededState>,
}

/// A certificate that somebody trusts beside the roots that the store began with.
#[derive(Debug)]
struct Added {
    spki: Box<[u8]>,
    /// It may vouch for others; one that says it is no authority vouches for itself alone.
    is_authority: bool,
}

/// An authority in a store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor<'s> {
    pub(crate) spki: &'s [u8],
    /// Somebody added it: no public root.
    pub(crate) is_added: bool,
}

/// Seed of the roots' table: its keys come with the program, so no attacker chooses them.
const SEED: u64 = 0x5e_c150;

impl RootStore {
    /// Mozilla's roots as they were when the program was built.
    pub fn mozilla() -> Self {
        Self::new(webpki_roots::TLS_SERVER_ROOTS.iter().map(|a| Trusted {
            subject: a.subject.as_ref(),
            spki: a.subject_public_key_info.as_ref(),
            name_constraints: a.name_constraints.as_ref().map(|n| n.as_ref()),
        }))
    }

    /// From any authorities.
    pub fn new(roots: impl IntoIterator<Item = Trusted<'static>>) -> Self {
        let roots: Vec<_> = roots.into_iter().collect();
        let mut by_subject = hashbrown::HashMap::with_hasher(SeededState(SEED));
        for (i, r) in roots.iter().enumerate() {
            by_subject.entry(r.subject).or_insert_with(Vec::new).push(i);
        }
        Self { roots, by_subject, added: hashbrown::HashMap::with_hasher(SeededState(SEED)) }
    }

    /// Trusts the certificate `der` as well: as an authority, or, if it says that it is none, as itself alone. Its dates and
    /// signature don't matter (RFC 5280 §6.1.1: of a trust anchor only name and key do).
    ///
    /// # Errors
    /// If `der` is no certificate.
    pub fn add(&mut self, der: &[u8]) -> Result<(), Error> {
        let raw = cert::split(der)?;
        let extensions = Certificate::from_raw(&raw)?.extensions;
        let known = self.added.entry(raw.subject.into()).or_default();
        if known.iter().all(|a| *a.spki != *raw.spki) {
            known
                .push(Added { spki: raw.spki.into(), is_authority: extensions.basic_constraints.is_none_or(|b| b.ca) });
        }
        Ok(())
    }

    /// Authorities called `subject`.
    pub(crate) fn named<'s>(&'s self, subject: &[u8]) -> impl Iterator<Item = Anchor<'s>> {
        self.all(subject).filter(|(_, is_authority)| *is_authority).map(|(anchor, _)| anchor)
    }

    /// Is a certificate with this name and key itself trusted?
    pub(crate) fn holds(&self, subject: &[u8], spki: &[u8]) -> Option<Anchor<'_>> {
        self.all(subject).map(|(anchor, _)| anchor).find(|a| a.spki == spki)
    }

    /// All that is trusted under that name, and whether it may vouch for others.
    fn all<'s>(&'s self, subject: &[u8]) -> impl Iterator<Item = (Anchor<'s>, bool)> {
        let at = self.by_subject.get(subject).map_or(&[][..], Vec::as_slice);
        let of_old = at.iter().filter_map(|&i| self.roots.get(i));
        let of_old = of_old.map(|r| (Anchor { spki: r.spki, is_added: false }, true));
        let added = self.added.get(subject).map_or(&[][..], Vec::as_slice);
        of_old.chain(added.iter().map(|a| (Anchor { spki: &a.spki, is_added: true }, a.is_authority)))
    }

    /// Number of authorities.
    pub fn len(&self) -> usize {
        self.roots.len() + self.added.values().map(Vec::len).sum::<usize>()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Is `name` inside the name constraints (RFC 5280 §4.2.1.10)? Only dNSName subtrees are judged; a constraint of
/// another kind permits every host.
pub(crate) fn permits(constraints: &[u8], name: &[u8]) -> bool {
    let mut r = Der::new(constraints);
    let permitted = r.optional(tag::explicit(0)).ok().flatten();
    let excluded = r.optional(tag::explicit(1)).ok().flatten();
    let inside = permitted.is_none_or(|e| {
        let bases = dns_bases(e.content);
        bases.is_empty() || bases.iter().any(|b| below(name, b))
    });
    inside && !excluded.is_some_and(|e| dns_bases(e.content).iter().any(|b| below(name, b)))
}

/// Most subtrees of one constraint that are looked at.
const MAX_SUBTREES: usize = 256;

fn dns_bases(subtrees: &[u8]) -> Vec<&[u8]> {
    let mut r = Der::new(subtrees);
    let mut out = Vec::new();
    while let Ok(mut subtree) = r.enter(tag::SEQUENCE) {
        if let Ok(base) = subtree.any()
            && base.tag == 0x82
            && out.len() < MAX_SUBTREES
        {
            out.push(base.content);
        }
    }
    out
}

fn below(name: &[u8], base: &[u8]) -> bool {
    let base = base.strip_prefix(b".").unwrap_or(base);
    let Some(head_len) = name.len().checked_sub(base.len()) else { return false };
    let (head, tail) = name.split_at(head_len);
    tail.eq_ignore_ascii_case(base) && (base.is_empty() || head.is_empty() || head.last() == Some(&b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mozilla_roots_are_indexed() {
        let store = RootStore::mozilla();
        assert!(store.len() > 100, "{}", store.len());
        let first = store.roots[0];
        assert!(store.holds(first.subject, first.spki).is_some_and(|a| !a.is_added));
        assert!(store.holds(first.subject, b"another key").is_none());
        assert_eq!(store.named(b"nobody").count(), 0);
    }

    #[test]
    fn added_certificates_are_trusted_and_known_as_such() {
        let (root, notca) = (include_bytes!("../testdata/root.der"), include_bytes!("../testdata/notca.der"));
        let mut store = RootStore::new([]);
        assert!(store.is_empty() && store.add(b"x").is_err());
        for der in [&root[..], root, notca] {
            store.add(der).unwrap();
        }
        assert_eq!(store.len(), 2);
        let raw = cert::split(root).unwrap();
        assert!(store.holds(raw.subject, raw.spki).is_some_and(|a| a.is_added));
        assert_eq!(store.named(raw.subject).count(), 1);
        // What says that it is no authority is trusted itself, and vouches for nobody.
        let raw = cert::split(notca).unwrap();
        assert!(store.holds(raw.subject, raw.spki).is_some());
        assert_eq!(store.named(raw.subject).count(), 0);
    }

    #[test]
    fn name_constraints_permit_and_exclude() {
        // permitted: example.org; excluded: bad.example.org
        let permitted = b"\xa0\x0f\x30\x0d\x82\x0bexample.org";
        let excluded = b"\xa1\x13\x30\x11\x82\x0fbad.example.org";
        let both = [&permitted[..], &excluded[..]].concat();
        assert!(permits(&both, b"www.Example.org"));
        assert!(permits(&both, b"example.org"));
        assert!(!permits(&both, b"x.bad.example.org"));
        assert!(!permits(&both, b"wwwexample.org"));
        assert!(!permits(&both, b"other.net"));
        assert!(permits(&[], b"other.net"));
        assert!(permits(&[0xa0, 0x7f], b"other.net"));
    }
}
