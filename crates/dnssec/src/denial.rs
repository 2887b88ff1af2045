//! Do NSEC or NSEC3 records, whose signatures hold, prove what is denied (RFC 4035 §5.4, RFC 5155 §8)?

use crate::budget::Budget;
use crate::crypto::{self, HASH_LEN};
use crate::name::Name;
use crate::nsec::Nsec;
use crate::nsec3::{Nsec3, Parameters};
use crate::rrset::RrSet;
use crate::rtype::Rtype;

/// What is to be proven of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The name doesn't exist, and no wildcard answers for it.
    NoName,
    /// The name has no records of this type, or the wildcard that answers for it has none.
    NoType(Rtype),
    /// An unsigned zone begins at the name.
    Unsigned,
    /// The name itself doesn't exist below the wildcard's parent, which has so many labels.
    NoCloser(usize),
}

/// Whether it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Proven,
    /// By a gap in which unsigned delegations may be.
    OptOut,
    /// Not looked at: so many iterations.
    TooManyIterations(u16),
    NotProven,
    WorkLimit,
}

/// The records of one zone that deny.
pub(crate) struct Denial<'a> {
    zone: &'a Name,
    nsecs: Vec<Nsec<'a>>,
    nsec3s: Vec<Nsec3<'a>>,
    max_iterations: u16,
    hashed: Vec<(Name, [u8; HASH_LEN])>,
}

impl<'a> Denial<'a> {
    pub(crate) fn new(zone: &'a Name, sets: impl Iterator<Item = &'a RrSet> + Clone, max_iterations: u16) -> Self {
        let nsec3s = sets.clone().filter(|s| s.rtype == Rtype::NSEC3).filter_map(Nsec3::parse);
        let nsecs = sets.filter(|s| s.rtype == Rtype::NSEC).filter_map(Nsec::parse);
        let mut nsec3s: Vec<Nsec3> = nsec3s.filter(|n| n.zone == *zone).collect();
        // All of a proof are made with the same parameters (RFC 5155 §8.2).
        if let Some(parameters) = nsec3s.first().map(|n| n.parameters) {
            nsec3s.retain(|n| n.parameters == parameters);
        }
        Self { zone, nsecs: nsecs.collect(), nsec3s, max_iterations, hashed: Vec::new() }
    }

    fn parameters(&self) -> Option<Parameters<'a>> {
        self.nsec3s.first().map(|n| n.parameters)
    }

    pub(crate) fn proves(&mut self, claim: Claim, name: &Name, budget: &mut Budget) -> Proof {
        if self.by_nsec(claim, name) {
            return Proof::Proven;
        }
        match self.parameters() {
            None => Proof::NotProven,
            Some(p) if p.iterations > self.max_iterations => Proof::TooManyIterations(p.iterations),
            Some(_) => self.by_nsec3(claim, name, budget).unwrap_or(Proof::WorkLimit),
        }
    }

    fn by_nsec(&self, claim: Claim, name: &Name) -> bool {
        let covering = self.nsecs.iter().find(|n| n.covers(name, self.zone));
        let at = |name: &Name| self.nsecs.iter().find(|n| n.owner == name);
        match claim {
            Claim::NoName => covering.is_some_and(|gap| {
                let wildcard = gap.closest_encloser(name).wildcard();
                !gap.passes_through(name)
                    && wildcard.is_some_and(|w| self.nsecs.iter().any(|n| n.covers(&w, self.zone)))
            }),
            Claim::NoType(rtype) => match (at(name), covering) {
                (Some(own), _) => own.types.denies(rtype, name.is_root()),
                (None, Some(gap)) if gap.passes_through(name) => true,
                (None, Some(gap)) => {
                    let wildcard = gap.closest_encloser(name).wildcard();
                    wildcard.and_then(|w| at(&w)).is_some_and(|n| n.types.denies(rtype, false))
                }
                (None, None) => false,
            },
            Claim::Unsigned => at(name).is_some_and(|n| n.types.is_delegation() && !n.types.has(Rtype::DS)),
            Claim::NoCloser(labels) => covering.is_some_and(|gap| gap.closest_encloser(name).label_count() <= labels),
        }
    }

    /// None if the budget for hashes is spent.
    fn by_nsec3(&mut self, claim: Claim, name: &Name, budget: &mut Budget) -> Option<Proof> {
        if let Claim::NoCloser(labels) = claim {
            let next_closer = name.last_labels(labels + 1);
            return Some(proof_by(self.covering(&next_closer, budget)?));
        }
        if !name.is_within(self.zone) {
            return Some(Proof::NotProven);
        }
        let own = self.matching(name, budget)?;
        match (claim, own) {
            (Claim::NoType(rtype), Some(own)) => {
                let is_proven = own.types.denies(rtype, name.is_root());
                return Some(if is_proven { Proof::Proven } else { Proof::NotProven });
            }
            (Claim::Unsigned, Some(own)) => {
                let is_proven = own.types.is_delegation() && !own.types.has(Rtype::DS);
                return Some(if is_proven { Proof::Proven } else { Proof::NotProven });
            }
            // The name exists.
            (_, Some(_)) => return Some(Proof::NotProven),
            (_, None) => {}
        }
        let Some((encloser, next_closer)) = self.closest_encloser(name, budget)? else { return Some(Proof::NotProven) };
        let gap = self.covering(&next_closer, budget)?;
        let by_gap = proof_by(gap);
        if gap.is_none() {
            return Some(Proof::NotProven);
        }
        let wildcard = encloser.wildcard();
        match (claim, wildcard) {
            // Where there may be unsigned delegations there may be one here (RFC 5155 §8.6).
            (Claim::Unsigned | Claim::NoType(Rtype::DS), _) if by_gap == Proof::OptOut => Some(Proof::OptOut),
            (Claim::NoName, Some(wildcard)) => {
                let is_covered = self.covering(&wildcard, budget)?.is_some();
                Some(if is_covered { by_gap } else { Proof::NotProven })
            }
            (Claim::NoType(rtype), Some(wildcard)) => {
                let at = self.matching(&wildcard, budget)?;
                Some(if at.is_some_and(|n| n.types.denies(rtype, false)) { by_gap } else { Proof::NotProven })
            }
            _ => Some(Proof::NotProven),
        }
    }

    /// The closest ancestor that is shown to exist, and the name below it on the way (RFC 5155 §8.3).
    fn closest_encloser(&mut self, name: &Name, budget: &mut Budget) -> Option<Option<(Name, Name)>> {
        let mut below = name.clone();
        for ancestor in name.ancestors().skip(1) {
            if !ancestor.is_within(self.zone) {
                break;
            }
            if let Some(found) = self.matching(&ancestor, budget)? {
                let is_elsewhere = found.types.is_delegation() || found.types.has(Rtype::DNAME);
                return Some((!is_elsewhere).then_some((ancestor, below)));
            }
            below = ancestor;
        }
        Some(None)
    }

    fn matching(&mut self, name: &Name, budget: &mut Budget) -> Option<Option<&Nsec3<'a>>> {
        let hash = self.hash(name, budget)?;
        Some(self.nsec3s.iter().find(|n| n.matches(&hash)))
    }

    fn covering(&mut self, name: &Name, budget: &mut Budget) -> Option<Option<&Nsec3<'a>>> {
        let hash = self.hash(name, budget)?;
        Some(self.nsec3s.iter().find(|n| n.covers(&hash)))
    }

    fn hash(&mut self, name: &Name, budget: &mut Budget) -> Option<[u8; HASH_LEN]> {
        if let Some((_, hash)) = self.hashed.iter().find(|(n, _)| n == name) {
            return Some(*hash);
        }
        let parameters = self.parameters()?;
        if !budget.hash(u32::from(parameters.iterations) + 1) {
            return None;
        }
        let hash = crypto::hash(name, parameters.iterations, parameters.salt)?;
        self.hashed.push((name.clone(), hash));
        Some(hash)
    }
}

fn proof_by(gap: Option<&Nsec3<'_>>) -> Proof {
    match gap {
        Some(gap) if gap.is_opt_out => Proof::OptOut,
        Some(_) => Proof::Proven,
        None => Proof::NotProven,
    }
}
