//! NSEC records and the bitmap of types that NSEC3 has too (RFC 4034 §4).

use crate::name::{self, Name};
use crate::rrset::RrSet;
use crate::rtype::Rtype;

/// Types that exist at a name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Types<'a>(&'a [u8]);

impl<'a> Types<'a> {
    /// None if the windows aren't as RFC 4034 §4.1.2 wants them.
    pub(crate) fn parse(bitmap: &'a [u8]) -> Option<Self> {
        let mut rest = bitmap;
        let mut last = None;
        while let [window, len, after @ ..] = rest {
            if !(1..=32).contains(len) || last.is_some_and(|l| l >= *window) {
                return None;
            }
            last = Some(*window);
            rest = after.get(usize::from(*len)..)?;
        }
        rest.is_empty().then_some(Self(bitmap))
    }

    pub(crate) fn has(self, rtype: Rtype) -> bool {
        let [window, low] = rtype.0.to_be_bytes();
        let mut rest = self.0;
        while let [number, len, after @ ..] = rest {
            let Some((bits, next)) = after.split_at_checked(usize::from(*len)) else { return false };
            if *number == window {
                return bits.get(usize::from(low / 8)).is_some_and(|b| b & (0x80 >> (low % 8)) != 0);
            }
            rest = next;
        }
        false
    }

    /// Does a zone below begin here, seen from its parent?
    pub(crate) fn is_delegation(self) -> bool {
        self.has(Rtype::NS) && !self.has(Rtype::SOA)
    }

    /// May the record deny `rtype` at its own name? Not that of a parent at the top of a zone below, but for DS, which
    /// is the parent's, and there not that of the zone below (RFC 6840 §4.1, §4.4).
    pub(crate) fn denies(self, rtype: Rtype, is_root: bool) -> bool {
        let side_fits = match rtype {
            Rtype::DS => is_root || !self.has(Rtype::SOA),
            _ => !self.is_delegation(),
        };
        side_fits && !self.has(rtype) && !self.has(Rtype::CNAME)
    }
}

/// One NSEC record.
#[derive(Clone, Debug)]
pub(crate) struct Nsec<'a> {
    pub(crate) owner: &'a Name,
    next: Name,
    pub(crate) types: Types<'a>,
}

impl<'a> Nsec<'a> {
    pub(crate) fn parse(set: &'a RrSet) -> Option<Self> {
        // A name has one NSEC; several are somebody's mistake and prove nothing.
        let [data] = set.data.as_slice() else { return None };
        let (next, next_len) = name::read_uncompressed(data)?;
        Some(Self { owner: &set.name, next, types: Types::parse(data.get(next_len..)?)? })
    }

    /// Does the name fall in the gap behind the owner, in this zone (RFC 4035 §5.4)?
    pub(crate) fn covers(&self, name: &Name, zone: &Name) -> bool {
        let is_last = self.next == *zone;
        let is_between = self.owner < name && (is_last || *name < self.next);
        // A gap says nothing of what is below a delegation or DNAME (RFC 6840 §4.1, RFC 6672 §5.3.4.1).
        let is_elsewhere = name.is_below(self.owner) && (self.types.is_delegation() || self.types.has(Rtype::DNAME));
        is_between && !is_elsewhere && name.is_within(zone)
    }

    /// The longest ancestor of a covered name that the gap shows to exist.
    pub(crate) fn closest_encloser(&self, name: &Name) -> Name {
        let before = name.common_ancestor(self.owner);
        let behind = name.common_ancestor(&self.next);
        if before.label_count() >= behind.label_count() { before } else { behind }
    }

    /// Does the gap show the name to exist without records, because the next one is below it?
    pub(crate) fn passes_through(&self, name: &Name) -> bool {
        self.next.is_below(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_text(text).unwrap()
    }

    fn set(owner: &str, next: &str, bitmap: &[u8]) -> RrSet {
        let data = [name(next).as_wire(), bitmap].concat().into();
        RrSet { name: name(owner), rtype: Rtype::NSEC, ttl: 1, data: vec![data], sigs: Vec::new() }
    }

    #[test]
    fn types_of_rfc_4034() {
        // §4.3: A MX RRSIG NSEC TYPE1234.
        let mut bitmap = vec![0, 6, 0x40, 1, 0, 0, 0, 3, 4, 27];
        bitmap.extend([0; 26]);
        bitmap.push(0x20);
        let types = Types::parse(&bitmap).unwrap();
        for rtype in [1, 15, 46, 47, 1234] {
            assert!(types.has(Rtype(rtype)), "{rtype}");
        }
        for rtype in [2, 16, 43, 1233, 1235, 4096] {
            assert!(!types.has(Rtype(rtype)), "{rtype}");
        }
        for bad in [&[0u8] as &[u8], &[0, 0], &[0, 2, 1], &[0, 33], &[1, 1, 1, 0, 1, 1]] {
            assert!(Types::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn gaps() {
        let zone = name("z");
        let plain = set("b.z", "d.z", &[0, 1, 0x40]);
        let nsec = Nsec::parse(&plain).unwrap();
        for (asked, covered) in
            [("b.z", false), ("c.z", true), ("a.b.z", true), ("d.z", false), ("e.z", false), ("c", false)]
        {
            assert_eq!(nsec.covers(&name(asked), &zone), covered, "{asked}");
        }
        assert_eq!(nsec.closest_encloser(&name("x.c.z")), zone);
        let last = set("d.z", "z", &[0, 1, 0x20]);
        let nsec = Nsec::parse(&last).unwrap();
        assert!(nsec.covers(&name("e.z"), &zone) && !nsec.covers(&name("c.z"), &zone));
        assert!(!nsec.covers(&name("x.d.z"), &zone), "below a delegation");
        assert!(!nsec.types.denies(Rtype::A, false) && nsec.types.denies(Rtype::DS, false));
        let through = set("b.z", "x.c.z", &[0, 1, 0x40]);
        assert!(Nsec::parse(&through).unwrap().passes_through(&name("c.z")));
    }
}
