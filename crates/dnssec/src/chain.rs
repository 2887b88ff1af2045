//! Chains of trust: from a signature to the keys of its zone, to the parent's DS set, and so on up to an anchor.

use crate::anchors::{Anchor, Anchors};
use crate::budget::Budget;
use crate::crypto::{self, Check};
use crate::limits::{Limits, MAX_COLLIDING_KEYS, MAX_DIGESTS_PER_LINK, MAX_TAGS, MAX_VERIFICATIONS_PER_SET};
use crate::name::Name;
use crate::recent::Recent;
use crate::record::{Algorithm, Digest, Dnskey, Ds, Rrsig};
use crate::rrset::RrSet;
use crate::rtype::Rtype;
use crate::verdict::{Evidence, Own, Reason, Status};
use crate::zones::{DsSet, KeySet, Zones};
use sekisho_types::Timestamp;
use std::sync::Arc;

/// Everything that trust is derived from.
pub(crate) struct Chain {
    pub(crate) anchors: Anchors,
    pub(crate) zones: Zones,
    pub(crate) budget: Budget,
    pub(crate) limits: Limits,
    /// Names that were seen signed, with their zone.
    pub(crate) signed: Recent,
}

/// Where a chain ends before it reached an anchor.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub(crate) reason: Reason,
    pub(crate) evidence: Box<Evidence>,
    /// The zone of which more may pass that changes this.
    pub(crate) waits: Option<Name>,
}

impl Stop {
    pub(crate) fn new(reason: Reason, zone: &Name) -> Self {
        Self { reason, evidence: Box::new(Evidence { zone: Some(zone.clone()), ..Evidence::default() }), waits: None }
    }

    /// Something of `zone` is missing.
    pub(crate) fn missing(reason: Reason, zone: &Name) -> Self {
        Self { waits: Some(zone.clone()), ..Self::new(reason, zone) }
    }

    fn at(mut self, set: &RrSet) -> Self {
        self.evidence.at.get_or_insert_with(|| (set.name.clone(), set.rtype));
        self
    }
}

/// A signature that holds.
#[derive(Clone, Debug)]
pub(crate) struct Verified {
    /// Which of the set's.
    pub(crate) sig: usize,
    /// The last moment that all signatures on the way hold.
    pub(crate) until: Timestamp,
    /// By a key that the zone's latest key set is without.
    pub(crate) is_withdrawn: bool,
}

/// The parent's word on a zone's keys.
enum Link {
    Anchors(Vec<Anchor>),
    Ds(Arc<DsSet>),
}

impl Chain {
    /// Does a signature over the set hold, by keys that a chain leads to?
    pub(crate) fn verify(&mut self, set: &RrSet, at: Timestamp, depth: u32) -> Result<Verified, Stop> {
        let mut worst: Option<Stop> = None;
        let mut tried: Vec<&Name> = Vec::new();
        for sig in &set.sigs {
            if tried.contains(&&sig.signer) {
                continue;
            }
            tried.push(&sig.signer);
            let outcome = if self.may_sign(&sig.signer, set) {
                self.verify_by(&sig.signer, set, at, depth)
            } else {
                Err(describe(Stop::new(Reason::SignerWrong, &sig.signer), sig, set, at))
            };
            match outcome {
                Ok(verified) => {
                    self.signed.insert((&set.name, &sig.signer));
                    return Ok(verified);
                }
                Err(stop) => {
                    if worst.as_ref().is_none_or(|w| weight(stop.reason) > weight(w.reason)) {
                        worst = Some(stop);
                    }
                }
            }
        }
        Err(worst.unwrap_or_else(|| Stop::new(Reason::SignatureMissing, &set.name).at(set)))
    }

    fn verify_by(&mut self, signer: &Name, set: &RrSet, at: Timestamp, depth: u32) -> Result<Verified, Stop> {
        let keys = self.keys_of(signer, at, depth)?;
        self.zones.touch(signer);
        let all: Vec<&Dnskey> = keys.records.iter().collect();
        let mut stop = match self.try_signatures(set, signer, &all, at) {
            Ok(verified) => return Ok(verified),
            Err(stop) => stop,
        };
        stop.evidence.keys = keys.tags();
        if stop.reason == Reason::KeyMissing {
            if let Some(verified) = self.verify_by_older(signer, set, at, depth) {
                return Ok(verified);
            }
            if at > keys.fresh_until() {
                stop.reason = Reason::NoDnskey;
            }
            // Keys that passed before the answer may have been changed by now: the next set decides.
            stop.waits = (keys.seen < at).then(|| signer.clone());
        }
        Err(stop)
    }

    /// Other sets of keys that caches may still answer from: after a rollover, or where several resolvers are asked.
    fn verify_by_older(&mut self, signer: &Name, set: &RrSet, at: Timestamp, depth: u32) -> Option<Verified> {
        let candidates = self.zones.get(signer).map(|z| z.keys.candidates()).unwrap_or_default();
        for keys in candidates.iter().filter(|k| at <= k.fresh_until()) {
            let all: Vec<&Dnskey> = keys.records.iter().collect();
            if let Ok(verified) = self.try_signatures(set, signer, &all, at)
                && self.check_keys(keys, at, depth).is_ok()
            {
                return Some(Verified { is_withdrawn: true, ..verified });
            }
        }
        None
    }

    /// Tries all signatures by `signer` with the keys.
    fn try_signatures(
        &mut self,
        set: &RrSet,
        signer: &Name,
        keys: &[&Dnskey],
        at: Timestamp,
    ) -> Result<Verified, Stop> {
        let mut best: Option<(Reason, &Rrsig)> = None;
        let mut left = MAX_VERIFICATIONS_PER_SET;
        for (n, sig) in set.sigs.iter().enumerate().filter(|(_, s)| s.signer == *signer) {
            match self.try_signature(set, sig, keys, at, &mut left) {
                Ok(()) => return Ok(Verified { sig: n, until: sig.expires(at), is_withdrawn: false }),
                Err(reason) => {
                    if best.is_none_or(|(b, _)| advance(reason) > advance(b)) {
                        best = Some((reason, sig));
                    }
                }
            }
        }
        let (reason, sig) = match best {
            Some(best) => best,
            None => return Err(Stop::new(Reason::SignatureMissing, signer).at(set)),
        };
        Err(describe(Stop::new(reason, signer), sig, set, at))
    }

    fn try_signature(
        &mut self,
        set: &RrSet,
        sig: &Rrsig,
        keys: &[&Dnskey],
        at: Timestamp,
        left: &mut u32,
    ) -> Result<(), Reason> {
        if !sig.algorithm.is_supported() {
            return Err(if sig.algorithm.is_beyond_us() { Reason::AlgorithmUnknown } else { Reason::AlgorithmMissing });
        }
        let data = set.signed_data(sig).ok_or(Reason::LabelsWrong)?;
        let of_tag: Vec<&Dnskey> =
            keys.iter().filter(|k| k.tag == sig.key_tag && k.algorithm == sig.algorithm).copied().collect();
        let fit: Vec<&Dnskey> = of_tag.iter().filter(|k| k.is_zone_key() && !k.is_revoked()).copied().collect();
        if fit.is_empty() {
            let is_revoked = of_tag.iter().any(|k| k.is_revoked());
            let other = if is_revoked { Reason::KeyRevoked } else { Reason::KeyUnfit };
            return Err(if of_tag.is_empty() { Reason::KeyMissing } else { other });
        }
        // Which of them is tried first would be chance.
        if fit.len() > MAX_COLLIDING_KEYS {
            return Err(Reason::CollidingKeys);
        }
        if sig.lifetime() < 0 || sig.seconds_left(at) < 0 {
            return Err(Reason::SignatureExpired);
        }
        if sig.seconds_old(at) < 0 {
            return Err(Reason::SignatureFuture);
        }
        let mut reason = Reason::SignatureInvalid;
        for key in fit {
            if *left == 0 {
                return Err(Reason::CollidingKeys);
            }
            *left -= 1;
            match self.check(key, &data, &sig.signature)? {
                Check::Good => return Ok(()),
                Check::Bad => {}
                Check::Unsupported => reason = Reason::KeySize,
            }
        }
        Err(reason)
    }

    /// One verification, if it wasn't done before and the budget allows it.
    fn check(&mut self, key: &Dnskey, data: &[u8], signature: &[u8]) -> Result<Check, Reason> {
        if !crypto::is_usable(key) {
            return Ok(Check::Unsupported);
        }
        let fingerprint = crypto::fingerprint(key, data, signature).ok_or(Reason::WorkLimit)?;
        if let Some(outcome) = self.budget.remembered(&fingerprint) {
            return Ok(if outcome { Check::Good } else { Check::Bad });
        }
        if !self.budget.verification() {
            return Err(Reason::WorkLimit);
        }
        let check = crypto::verify(key, data, signature);
        if check != Check::Unsupported {
            self.budget.remember(fingerprint, check == Check::Good);
        }
        Ok(check)
    }

    /// Can the zone be the one that the set is in, as far as is known?
    fn may_sign(&self, signer: &Name, set: &RrSet) -> bool {
        let fits = match set.rtype {
            Rtype::DNSKEY => set.name == *signer,
            // The parent's, though it stands at the name of the zone below.
            Rtype::DS if !set.name.is_root() => set.name.is_below(signer),
            _ => set.name.is_within(signer),
        };
        // No zone that is known to be signed may begin between the two. Where one begins stands an NSEC record of the parent, too
        // (RFC 4035 §2.3).
        let first = usize::from(matches!(set.rtype, Rtype::DS | Rtype::NSEC));
        let between = set.name.label_count().saturating_sub(signer.label_count() + first);
        let is_cut = |wire: &[u8]| self.zones.by_wire(wire).is_some_and(|(_, z)| z.ds.is_proven());
        fits && !set.name.ancestors_wire().skip(first).take(between).any(is_cut)
    }

    /// The keys of a zone, if a chain leads to them.
    pub(crate) fn keys_of(&mut self, zone: &Name, at: Timestamp, depth: u32) -> Result<Arc<KeySet>, Stop> {
        if let Some(keys) = self.zones.get(zone).and_then(|z| z.keys.proven(at)) {
            return Ok(Arc::clone(keys));
        }
        let candidates = self.zones.get(zone).map(|z| z.keys.candidates()).unwrap_or_default();
        let mut first = None;
        for keys in candidates {
            match self.prove_keys(&keys, at, depth) {
                Ok(_) => return Ok(keys),
                Err(stop) if stop.reason.status() == Status::Insecure => return Err(stop),
                Err(stop) => first = first.or(Some(stop)),
            }
        }
        match first {
            Some(stop) => Err(stop),
            // Insecure or unknown above: that is said rather than that keys are missing.
            None => Err(self.must_sign(zone, at, depth).err().unwrap_or_else(|| Stop::missing(Reason::NoDnskey, zone))),
        }
    }

    /// Does a chain lead to the parent's word that the zone is signed, in a way that validators take?
    pub(crate) fn must_sign(&mut self, zone: &Name, at: Timestamp, depth: u32) -> Result<(), Stop> {
        match self.link(zone, at, depth)? {
            Link::Anchors(_) => Ok(()),
            Link::Ds(ds) => usable(&ds).map(drop).map_err(|reason| stop_at_ds(reason, &ds)),
        }
    }

    /// Does a chain lead to this set of keys? If so they are the zone's from now on.
    pub(crate) fn prove_keys(&mut self, keys: &Arc<KeySet>, at: Timestamp, depth: u32) -> Result<Verified, Stop> {
        let verified = self.check_keys(keys, at, depth)?;
        self.zones.change(&keys.set.name, |z| z.keys.prove(Arc::clone(keys), verified.until));
        Ok(verified)
    }

    /// Does a chain lead to this set of keys?
    fn check_keys(&mut self, keys: &KeySet, at: Timestamp, depth: u32) -> Result<Verified, Stop> {
        let zone = &keys.set.name;
        let link = self.link(zone, at, depth)?;
        let named = self.named_keys(keys, &link, at)?;
        self.try_signatures(&keys.set, zone, &named, at).map_err(|mut stop| {
            if matches!(stop.reason, Reason::SignatureMissing | Reason::KeyMissing) {
                stop.reason = Reason::KeySetUnsigned;
                stop.waits = Some(zone.clone());
            }
            stop.evidence.keys = keys.tags();
            stop.evidence.ds = link.tags();
            stop.at(&keys.set)
        })
    }

    /// Those of the keys that the link names.
    fn named_keys<'k>(&self, keys: &'k KeySet, link: &Link, at: Timestamp) -> Result<Vec<&'k Dnskey>, Stop> {
        let zone = &keys.set.name;
        let named: Vec<&Dnskey> = match link {
            Link::Anchors(anchors) => {
                keys.records.iter().filter(|k| anchors.iter().any(|a| a.names(zone, k))).take(MAX_TAGS).collect()
            }
            Link::Ds(ds) => {
                let usable = usable(ds).map_err(|reason| stop_at_ds(reason, ds))?;
                let pairs = usable.iter().flat_map(|ds| {
                    let matching = keys.records.iter().filter(|k| k.tag == ds.tag && k.algorithm == ds.algorithm);
                    matching.take(MAX_COLLIDING_KEYS).map(move |key| (*ds, key))
                });
                pairs
                    .take(MAX_DIGESTS_PER_LINK)
                    .filter(|(d, k)| crypto::names_key(d, zone, k))
                    .map(|(_, k)| k)
                    .collect()
            }
        };
        if !named.is_empty() {
            return Ok(named);
        }
        // One of the two is older than caches hold it: the other side may have changed in between.
        let ds_fresh = if let Link::Ds(ds) = link { at <= ds.fresh_until() } else { true };
        let reason = match (ds_fresh, at <= keys.fresh_until()) {
            (true, true) => Reason::DsMismatch,
            (false, _) => Reason::NoDs,
            (_, false) => Reason::NoDnskey,
        };
        let mut stop = Stop::missing(reason, zone).at(&keys.set);
        stop.evidence.keys = keys.tags();
        stop.evidence.ds = link.tags();
        Err(stop)
    }

    /// Anchors, or the DS set if a chain leads to it.
    fn link(&mut self, zone: &Name, at: Timestamp, depth: u32) -> Result<Link, Stop> {
        if self.anchors.has(zone) {
            return Ok(Link::Anchors(self.anchors.of(zone).cloned().collect()));
        }
        if !self.anchors.covers(zone) {
            return Err(Stop::new(Reason::NoAnchor, zone));
        }
        if depth == 0 {
            return Err(Stop::new(Reason::WorkLimit, zone));
        }
        let known = self.zones.get(zone);
        let proven = known.and_then(|z| z.ds.proven(at)).cloned();
        let proven_seen = proven.as_ref().map(|ds| ds.seen);
        let is_unsigned = known
            .and_then(|z| z.no_ds)
            .is_some_and(|(seen, until)| at <= until && proven_seen.is_none_or(|ds_seen| seen > ds_seen));
        if is_unsigned {
            return Err(Stop::new(Reason::Delegation, zone));
        }
        if let Some(ds) = proven {
            return Ok(Link::Ds(ds));
        }
        let candidates = known.map(|z| z.ds.candidates()).unwrap_or_default();
        let mut first = None;
        for ds in candidates {
            match self.prove_ds(&ds, at, depth - 1) {
                Ok(_) => return Ok(Link::Ds(ds)),
                Err(stop) => first = first.or(Some(stop)),
            }
        }
        Err(first.or_else(|| self.unsigned_above(zone, at)).unwrap_or_else(|| Stop::missing(Reason::NoDs, zone)))
    }

    /// Does a chain lead to this DS set? If so it is the zone's from now on.
    pub(crate) fn prove_ds(&mut self, ds: &Arc<DsSet>, at: Timestamp, depth: u32) -> Result<Verified, Stop> {
        let verified = self.verify(&ds.set, at, depth).map_err(|stop| stop.at(&ds.set))?;
        self.zones.change(&ds.set.name, |z| {
            z.ds.prove(Arc::clone(ds), verified.until);
            z.has_claim = false;
        });
        Ok(verified)
    }

    /// The closest zone at or above the name that is proven not to be signed.
    pub(crate) fn unsigned_above(&self, name: &Name, at: Timestamp) -> Option<Stop> {
        let is_unsigned = |(_, zone): &(&Name, &crate::zones::Zone)| {
            let proven = zone.ds.proven(at).map(|ds| ds.seen);
            zone.no_ds.is_some_and(|(seen, until)| at <= until && proven.is_none_or(|p| seen > p))
        };
        let found = name.ancestors_wire().filter_map(|wire| self.zones.by_wire(wire)).find(is_unsigned);
        // An anchor below the cut makes an island of its own.
        let (zone, _) = found?;
        let is_island = name.ancestors().take_while(|a| a != zone).any(|a| self.anchors.has(&a));
        (!is_island).then(|| Stop::new(Reason::Delegation, zone))
    }

    /// The signatures by the keys that their zone was seen with, whatever the chain says.
    pub(crate) fn own(&mut self, set: &RrSet, at: Timestamp) -> Own {
        let mut own = Own::Unchecked;
        for sig in &set.sigs {
            let candidates = self.zones.get(&sig.signer).map(|z| z.keys.candidates()).unwrap_or_default();
            for keys in candidates {
                let all: Vec<&Dnskey> = keys.records.iter().collect();
                match self.try_signatures(set, &sig.signer, &all, at) {
                    Ok(_) => return Own::Holds,
                    Err(stop) if stop.reason == Reason::SignatureInvalid => own = Own::Fails,
                    Err(_) => {}
                }
            }
        }
        own
    }
}

impl Link {
    fn tags(&self) -> Vec<u16> {
        match self {
            Self::Anchors(anchors) => anchors.iter().map(Anchor::tag).take(MAX_TAGS).collect(),
            Self::Ds(ds) => ds.tags(),
        }
    }
}

fn stop_at_ds(reason: Reason, ds: &DsSet) -> Stop {
    let mut stop = Stop::new(reason, &ds.set.name);
    stop.evidence.ds = ds.tags();
    stop.evidence.algorithm = ds.records.first().map(|d| d.algorithm);
    stop.evidence.digest = ds.records.first().map(|d| d.digest_type);
    stop
}

/// The DS records to go by: those of known algorithm and digest, without SHA-1 where there is better (RFC 4509 §3).
fn usable(ds: &DsSet) -> Result<Vec<&Ds>, Reason> {
    let of_algorithm: Vec<&Ds> = ds.records.iter().filter(|d| d.algorithm.is_supported()).collect();
    if of_algorithm.is_empty() {
        let is_beyond_us = ds.records.iter().any(|d| d.algorithm.is_beyond_us());
        return Err(if is_beyond_us { Reason::AlgorithmUnknown } else { Reason::AlgorithmUnsupported });
    }
    let mut usable: Vec<&Ds> = of_algorithm.into_iter().filter(|d| d.digest_type.is_supported()).collect();
    if usable.iter().any(|d| d.digest_type != Digest(1)) {
        usable.retain(|d| d.digest_type != Digest(1));
    }
    if usable.is_empty() { Err(Reason::DigestUnsupported) } else { Ok(usable) }
}

/// Fills in what the signature says.
fn describe(mut stop: Stop, sig: &Rrsig, set: &RrSet, at: Timestamp) -> Stop {
    stop.evidence.sign(sig, set, at);
    stop
}

impl Evidence {
    /// What the signature says.
    pub(crate) fn sign(&mut self, sig: &Rrsig, set: &RrSet, at: Timestamp) {
        self.signer = Some(sig.signer.clone());
        self.key_tag = Some(sig.key_tag);
        self.algorithm = Some(Algorithm(sig.algorithm.0));
        self.inception = Some(sig.starts(at));
        self.expiration = Some(sig.expires(at));
        self.labels = Some(sig.labels);
        self.original_ttl = Some(sig.original_ttl);
        self.ttl = Some(set.ttl);
    }
}

/// How far a signature came: of several that fail the one that came furthest is told.
fn advance(reason: Reason) -> u8 {
    match reason {
        Reason::KeySize | Reason::WorkLimit => 9,
        Reason::SignatureInvalid => 8,
        Reason::CollidingKeys => 7,
        Reason::SignatureExpired => 6,
        Reason::SignatureFuture => 5,
        Reason::KeyRevoked => 4,
        Reason::KeyUnfit => 3,
        Reason::KeyMissing => 2,
        Reason::LabelsWrong => 1,
        _ => 0,
    }
}

/// Of several signers that fail, whose failure counts: one that a chain leads to before one that none leads to.
fn weight(reason: Reason) -> u8 {
    match (reason, reason.status()) {
        (Reason::SignerWrong, _) => 0,
        (_, Status::Insecure) => 1,
        (_, Status::Indeterminate) => 2,
        (_, Status::Bogus) => 3,
        (_, Status::Secure) => 4,
    }
}
