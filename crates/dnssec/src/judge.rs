//! One matter of a message, judged by what is known of the chain.

use crate::chain::{Chain, Stop, Verified};
use crate::denial::{Claim, Denial, Proof};
use crate::limits::MAX_CHAIN;
use crate::name::Name;
use crate::observer::Seen;
use crate::record::{Dnskey, Ds};
use crate::rrset::RrSet;
use crate::rtype::Rtype;
use crate::verdict::{Evidence, Own, Reason, Status, Subject, Verdict};
use crate::zones::{DsSet, KeySet};
use sekisho_types::Timestamp;
use std::sync::Arc;

/// What is to be judged, with all of the message that it rests on.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) subject: Subject,
    pub(crate) name: Name,
    pub(crate) rtype: Rtype,
    /// The answer says that the name doesn't exist.
    pub(crate) is_no_name: bool,
    /// The set itself; none for what is denied.
    pub(crate) set: Option<Arc<RrSet>>,
    /// The DNAME that an unsigned CNAME was made from.
    pub(crate) dname: Option<Arc<RrSet>>,
    /// NSEC, NSEC3 and SOA sets of the authority section.
    pub(crate) proofs: Arc<[RrSet]>,
    /// The zone, as the message has it: owner of the SOA or NS set in the authority section.
    pub(crate) hint: Option<Name>,
    pub(crate) seen: Seen,
}

/// What came of it.
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    /// More of this zone may change it.
    pub(crate) waits: Option<Name>,
    /// What waits for this zone may go on.
    pub(crate) learned: Option<Name>,
    /// The signature that holds, by its number.
    pub(crate) verified: Option<Verified>,
}

impl Item {
    pub(crate) fn heap_len(&self) -> usize {
        let sets = self.set.iter().chain(&self.dname).map(|s| s.heap_len()).sum::<usize>();
        size_of::<Self>() + self.name.heap_len() + sets + self.proofs.iter().map(RrSet::heap_len).sum::<usize>()
    }

    fn at(&self) -> Timestamp {
        self.seen.at
    }
}

impl Chain {
    /// Judges an item.
    pub(crate) fn judge(&mut self, item: &Item) -> Judged {
        let outcome = match (&item.set, item.rtype) {
            (None, _) => self.judge_denial(item),
            (Some(set), _) if set.sigs.is_empty() => self.judge_unsigned(item, set),
            (Some(set), Rtype::DNSKEY) => {
                let keys = Arc::new(KeySet::new(set, Dnskey::parse, item.at()));
                self.prove_keys(&keys, item.at(), MAX_CHAIN).map(Some)
            }
            (Some(set), Rtype::DS) => {
                let ds = Arc::new(DsSet::new(set, Ds::parse, item.at()));
                self.prove_ds(&ds, item.at(), MAX_CHAIN).map(Some)
            }
            (Some(set), _) => self.judge_signed(item, set).map(Some),
        };
        self.conclude(item, outcome)
    }

    fn conclude(&mut self, item: &Item, outcome: Result<Option<Verified>, Stop>) -> Judged {
        let is_link = matches!(item.rtype, Rtype::DNSKEY | Rtype::DS);
        let learned = is_link.then(|| item.name.clone());
        let (reason, evidence, waits, verified) = match outcome {
            Ok(verified) => {
                let mut evidence = Evidence::default();
                let set = item.dname.as_ref().or(item.set.as_ref());
                if let Some((set, sig)) = set.zip(verified.as_ref()).and_then(|(s, v)| Some((s, s.sigs.get(v.sig)?))) {
                    evidence.sign(sig, set, item.at());
                    evidence.zone = Some(sig.signer.clone());
                }
                (Reason::Chain, evidence, None, verified)
            }
            Err(stop) => (stop.reason, *stop.evidence, stop.waits, None),
        };
        let own = match (&item.set, reason.status()) {
            (_, Status::Secure) => Own::Holds,
            (Some(set), Status::Indeterminate | Status::Insecure) if reason != Reason::WorkLimit => {
                self.own(set, item.at())
            }
            (_, _) if reason == Reason::SignatureInvalid => Own::Fails,
            _ => Own::Unchecked,
        };
        let (subject, name, rtype, seen) = (item.subject, item.name.clone(), item.rtype, item.seen);
        let verdict = Verdict { subject, name, rtype, reason, own, evidence, seen, set: item.set.clone() };
        Judged { verdict, waits, learned, verified }
    }

    fn judge_signed(&mut self, item: &Item, set: &RrSet) -> Result<Verified, Stop> {
        let verified = match self.verify(set, item.at(), MAX_CHAIN) {
            // By nobody who may: then it is as good as unsigned, which may be in order.
            Err(stop) if stop.reason == Reason::SignerWrong => {
                return Err(match self.unsigned(&item.name, item.rtype, item.hint.as_ref(), item.at()) {
                    other if matches!(other.reason, Reason::SignatureMissing | Reason::NoProof) => {
                        Stop { waits: None, ..stop }
                    }
                    other => other,
                });
            }
            other => other?,
        };
        let Some(sig) = set.sigs.get(verified.sig).filter(|sig| set.is_expanded(sig)) else { return Ok(verified) };
        let claim = Claim::NoCloser(usize::from(sig.labels));
        match self.prove(item, claim, &sig.signer)? {
            Proof::Proven => Ok(verified),
            Proof::NotProven => {
                let mut stop = Stop::new(Reason::WildcardUnproven, &sig.signer);
                stop.evidence.sign(sig, set, item.at());
                Err(stop)
            }
            other => Err(stop_by(other, &sig.signer)),
        }
    }

    /// No signature where they were asked for: is the zone proven to have none?
    fn judge_unsigned(&mut self, item: &Item, set: &RrSet) -> Result<Option<Verified>, Stop> {
        let Some(dname) = &item.dname else {
            return Err(self.unsigned(&item.name, item.rtype, item.hint.as_ref(), item.at()));
        };
        let target = |set: &RrSet| set.data.first().and_then(|d| Name::from_wire(d));
        let made = target(dname).and_then(|to| set.name.moved(&dname.name, &to));
        let verified = self.verify(dname, item.at(), MAX_CHAIN)?;
        if made.is_some() && made == target(set) && set.data.len() == 1 {
            return Ok(Some(verified));
        }
        Err(Stop::new(Reason::SignatureMissing, &dname.name))
    }

    /// What is to be said of a name without signature.
    fn unsigned(&mut self, name: &Name, rtype: Rtype, hint: Option<&Name>, at: Timestamp) -> Stop {
        // A DS set is the parent's.
        let parent = if rtype == Rtype::DS { name.parent() } else { None };
        let name = parent.as_ref().unwrap_or(name);
        if !self.anchors.covers(name) {
            return Stop::new(Reason::NoAnchor, name);
        }
        if let Some(stop) = self.unsigned_above(name, at) {
            return stop;
        }
        let is_known = |z: &crate::zones::Zone| z.has_claim || z.ds.is_seen() || z.keys.is_seen();
        let zones = &self.zones;
        let known = name.ancestors_wire().filter_map(|wire| zones.by_wire(wire)).find(|(_, z)| is_known(z));
        let known = known.map(|(zone, z)| (zone.clone(), z.has_claim && !z.ds.is_proven()));
        let Some((zone, has_claim)) = known else { return Stop::new(Reason::NoProof, name) };
        if has_claim {
            return Stop::missing(Reason::NoProof, &zone);
        }
        match self.must_sign(&zone, at, MAX_CHAIN) {
            // Only where it is sure that no other zone begins below the one that is known.
            Ok(()) if hint == Some(&zone) || *name == zone => Stop::new(Reason::SignatureMissing, &zone),
            Ok(()) => Stop::new(Reason::NoProof, name),
            // Its own trouble is told by verdicts of its own.
            Err(stop) if stop.reason.status() == Status::Bogus && stop.waits.is_none() => stop,
            Err(stop) => Stop { waits: stop.waits, ..Stop::new(stop.reason, &zone) },
        }
    }

    fn judge_denial(&mut self, item: &Item) -> Result<Option<Verified>, Stop> {
        let has_proof = |s: &&RrSet| matches!(s.rtype, Rtype::NSEC | Rtype::NSEC3) && !s.sigs.is_empty();
        let signer = item.proofs.iter().filter(has_proof).find_map(|s| s.sigs.first()).map(|s| s.signer.clone());
        let Some(signer) = signer.or_else(|| self.signed_soa(item)) else {
            let mut stop = self.unsigned(&item.name, item.rtype, item.hint.as_ref(), item.at());
            if stop.reason == Reason::SignatureMissing {
                stop.reason = Reason::DenialMissing;
            }
            return Err(stop);
        };
        let claim = match (item.subject, item.is_no_name) {
            (Subject::Delegation, _) => Claim::Unsigned,
            (_, true) => Claim::NoName,
            (_, false) => Claim::NoType(item.rtype),
        };
        let proof = self.prove(item, claim, &signer)?;
        self.note_unsigned(item, proof, &signer);
        match proof {
            Proof::Proven if claim == Claim::Unsigned => Err(Stop::new(Reason::Delegation, &item.name)),
            Proof::OptOut if claim == Claim::Unsigned => Err(Stop::new(Reason::OptOut, &signer)),
            Proof::Proven => Ok(None),
            Proof::NotProven => {
                let has_any = item.proofs.iter().any(|s| matches!(s.rtype, Rtype::NSEC | Rtype::NSEC3));
                Err(Stop::new(if has_any { Reason::DenialWrong } else { Reason::DenialMissing }, &signer))
            }
            other => Err(stop_by(other, &signer)),
        }
    }

    /// Signer of the SOA set.
    fn signed_soa(&self, item: &Item) -> Option<Name> {
        let soa = item.proofs.iter().find(|s| s.rtype == Rtype::SOA)?;
        soa.sigs.first().map(|s| s.signer.clone())
    }

    /// Remembers that no DS record is at the name, if that is what was proven.
    fn note_unsigned(&mut self, item: &Item, proof: Proof, zone: &Name) {
        if item.rtype != Rtype::DS || !item.name.is_below(zone) {
            return;
        }
        let is_unsigned = match proof {
            Proof::OptOut | Proof::TooManyIterations(_) => true,
            Proof::Proven => {
                let mut denial = Denial::new(zone, item.proofs.iter(), self.limits.nsec3_iterations);
                denial.proves(Claim::Unsigned, &item.name, &mut self.budget) == Proof::Proven
            }
            Proof::NotProven | Proof::WorkLimit => false,
        };
        let at = item.at();
        let until = item.proofs.iter().flat_map(|s| &s.sigs).map(|s| s.expires(at)).min();
        let no_ds = is_unsigned.then_some(until).flatten().map(|until| (at, until));
        self.zones.change(&item.name, |z| {
            z.has_claim = false;
            z.no_ds = no_ds.or(z.no_ds);
        });
    }

    /// Verifies the records that deny and asks whether they do.
    fn prove(&mut self, item: &Item, claim: Claim, zone: &Name) -> Result<Proof, Stop> {
        let proofs = Arc::clone(&item.proofs);
        let of_zone = |s: &&RrSet| s.sigs.iter().any(|sig| sig.signer == *zone);
        // Nothing to look at, but is the zone one that has to have it?
        self.keys_of(zone, item.at(), MAX_CHAIN)?;
        let mut good: Vec<&RrSet> = Vec::new();
        let mut bad = None;
        for set in proofs.iter().filter(of_zone) {
            match self.verify(set, item.at(), MAX_CHAIN) {
                // None of these may itself be made from a wildcard.
                Ok(verified) if set.sigs.get(verified.sig).is_some_and(|sig| set.is_expanded(sig)) => {}
                Ok(_) => good.push(set),
                Err(mut stop) => {
                    stop.evidence.at = Some((set.name.clone(), set.rtype));
                    bad = bad.or(Some(stop));
                }
            }
        }
        let mut denial = Denial::new(zone, good.iter().copied(), self.limits.nsec3_iterations);
        match (denial.proves(claim, &item.name, &mut self.budget), bad) {
            // What doesn't verify is why it isn't proven.
            (Proof::NotProven, Some(stop)) => Err(stop),
            // A negative answer's SOA has to hold too: it says for how long.
            (_, Some(stop)) if stop.evidence.at.as_ref().is_some_and(|(_, t)| *t == Rtype::SOA) => Err(stop),
            (proof, _) => Ok(proof),
        }
    }
}

fn stop_by(proof: Proof, zone: &Name) -> Stop {
    let (reason, iterations) = match proof {
        Proof::Proven | Proof::NotProven => (Reason::DenialWrong, None),
        Proof::OptOut => (Reason::OptOut, None),
        Proof::TooManyIterations(iterations) => (Reason::Nsec3Iterations, Some(iterations)),
        Proof::WorkLimit => (Reason::WorkLimit, None),
    };
    let mut stop = Stop::new(reason, zone);
    stop.evidence.iterations = iterations;
    stop
}
