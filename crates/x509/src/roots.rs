use crate::der::{Der, tag};
use sekisho_types::{SeededState, seeded_hash};

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
        Self { roots, by_subject }
    }

    /// Authorities called `subject`.
    pub(crate) fn named<'s>(&'s self, subject: &[u8]) -> impl Iterator<Item = &'s Trusted<'static>> {
        let at = self.by_subject.get(subject).map_or(&[][..], Vec::as_slice);
        at.iter().filter_map(|&i| self.roots.get(i))
    }

    /// Is a certificate with this name and key itself a root?
    pub(crate) fn holds(&self, subject: &[u8], spki: &[u8]) -> bool {
        self.named(subject).any(|r| r.spki == spki)
    }

    /// Number of authorities.
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// A number that differs between stores, for caches of verdicts.
    pub fn id(&self) -> u64 {
        self.roots.iter().fold(SEED, |h, r| seeded_hash(h, r.spki))
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
        assert!(store.holds(first.subject, first.spki));
        assert!(!store.holds(first.subject, b"another key"));
        assert_eq!(store.named(b"nobody").count(), 0);
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
