//! Messages in, verdicts out.

use crate::anchors::Anchors;
use crate::budget::Budget;
use crate::chain::Chain;
use crate::hygiene::{self, Concern, Hygiene};
use crate::judge::{Item, Judged};
use crate::limits::{Limits, MAX_AWOKEN_PER_MESSAGE, MAX_ZONES_ABOVE};
use crate::message::{self, Message};
use crate::name::{self, Name};
use crate::parked::Lot;
use crate::recent::Recent;
use crate::rrset::RrSet;
use crate::rtype::Rtype;
use crate::verdict::{Evidence, Own, Reason, Status, Subject, Verdict};
use crate::waiting::{Room, Waiter, Waiting};
use crate::zones::Zones;
use sekisho_types::{Addr, Timestamp};
use std::sync::Arc;

/// CNAMEs followed in one answer.
const MAX_ALIASES: usize = 16;

/// Where and when a message passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Packet time.
    pub at: Timestamp,
    /// Who answered.
    pub server: Addr,
    /// Whatever the caller needs to find the packet again; handed back with the verdict.
    pub token: u64,
}

/// What was found since it was last emptied.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Verdicts, not always in the order of their messages: some waited.
    pub verdicts: Vec<Verdict>,
    /// Concerns.
    pub hygiene: Vec<Hygiene>,
    /// Unsigned answers without a verdict: nothing was ever known of a zone above their name. Most of DNS.
    pub unproven: u64,
}

/// What the limits did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that had to do with DNSSEC.
    pub messages: u64,
    /// Of these, ones cut short or not readable to their end; nothing is judged of them.
    pub damaged: u64,
    /// Signatures verified.
    pub verified: u64,
    /// Signatures whose outcome was known from before.
    pub remembered: u64,
    /// Signatures and hashes that the budget refused.
    pub refused: u64,
    /// Answers told as undecided because others needed their place.
    pub crowded_out: u64,
    /// Zones forgotten because others needed their place.
    pub zones_dropped: u64,
}

/// Watches DNS responses and judges what is signed in them.
pub struct Observer {
    chain: Chain,
    waiting: Waiting,
    /// Unsigned answers, which are many, apart from those that lack a link.
    unproven: Waiting,
    /// Unsigned answers of whose zones nothing is known, unread.
    parked: Lot,
    told: Recent,
    messages: u64,
    damaged: u64,
}

impl Observer {
    /// Nothing seen yet. `seed` is the run's, against aimed hash collisions.
    pub fn new(anchors: Anchors, limits: Limits, seed: u64) -> Self {
        let links = Room { count: limits.waiting_count, len: limits.waiting_len, time: limits.waiting_time };
        let proofs = Room { count: limits.unproven_count, len: limits.unproven_len, time: limits.unproven_time };
        Self {
            chain: Chain {
                anchors,
                zones: Zones::new(&limits, seed),
                budget: Budget::new(&limits, seed),
                limits,
                signed: Recent::new(limits.names_count, seed),
            },
            waiting: Waiting::new(links, seed),
            unproven: Waiting::new(proofs, seed),
            parked: Lot::new(proofs, seed),
            told: Recent::new(limits.concerns_count, seed),
            messages: 0,
            damaged: 0,
        }
    }

    /// One DNS message, without the length that TCP puts before it. Queries and whatever has nothing to do with DNSSEC
    /// cost a walk over the records.
    pub fn message(&mut self, wire: &[u8], seen: Seen, out: &mut Findings) {
        if self.is_beyond_proof(wire) {
            self.messages += 1;
            self.expire(seen.at, out);
            self.parked.add(seen, wire);
            return;
        }
        let Some(message) = message::read(wire) else { return };
        self.messages += 1;
        self.chain.budget.begin(seen.at);
        self.expire(seen.at, out);
        if message.rcode == 2
            && let Some(ede) = message.ede
        {
            out.verdicts.push(reported(&message, ede, seen));
        }
        if message.is_damaged {
            self.damaged += 1;
            return;
        }
        if !matches!(message.rcode, 0 | 3) {
            return;
        }
        self.keep_links(&message, seen.at);
        for item in items(&message, seen) {
            self.judge(item, out);
        }
        for _ in 0..MAX_AWOKEN_PER_MESSAGE {
            let Some(parked) = self.parked.next_awake() else { break };
            let Some(message) = message::read(&parked.wire) else { continue };
            for item in items(&message, parked.seen) {
                self.judge(item, out);
            }
        }
        for _ in 0..MAX_AWOKEN_PER_MESSAGE {
            let Some(waiter) = self.waiting.next_awake().or_else(|| self.unproven.next_awake()) else { break };
            self.judge_again(waiter, out);
        }
    }

    /// The end: whoever still waits is told as it stands.
    pub fn finish(&mut self, out: &mut Findings) {
        while let Some(waiter) = self.waiting.pop_first().or_else(|| self.unproven.pop_first()) {
            self.tell(&waiter.item, waiter.judged, out);
        }
        while self.parked.pop_first().is_some() {
            out.unproven += 1;
        }
    }

    /// Has the message nothing signed, and is nothing known of any zone above it?
    fn is_beyond_proof(&self, wire: &[u8]) -> bool {
        let Some(name) = message::bare(wire) else { return false };
        let mut lower = [0; name::MAX_NAME_LEN];
        let Some(lower) = lower.get_mut(..name.len()) else { return false };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let mut zones = std::iter::successors(Some(&*lower), |wire| name::parent_of(wire));
        self.chain.anchors.has_root() && zones.all(|zone| self.chain.zones.by_wire(zone).is_none())
    }

    /// Tells those whose time is up.
    fn expire(&mut self, now: Timestamp, out: &mut Findings) {
        while let Some(waiter) = self.waiting.next_expired(now).or_else(|| self.unproven.next_expired(now)) {
            self.tell(&waiter.item, waiter.judged, out);
        }
        while self.parked.next_out(now).is_some() {
            out.unproven += 1;
        }
    }

    /// The closest zone at or above the name of which something is known, and what: `Secure` if a chain leads to its
    /// keys, `Insecure` if it is proven to be unsigned, `Indeterminate` if it has keys or DS records without a chain.
    /// For whoever asks whether signatures had to be there.
    pub fn zone_of(&self, name: &Name, at: Timestamp) -> Option<(Name, Status)> {
        let unsigned = self.chain.unsigned_above(name, at).and_then(|stop| stop.evidence.zone);
        let known = name.ancestors_wire().filter_map(|wire| self.chain.zones.by_wire(wire)).find_map(|(zone, z)| {
            let status = if z.keys.proven(at).is_some() || z.ds.proven(at).is_some() {
                Status::Secure
            } else if z.keys.is_seen() || z.ds.is_seen() {
                Status::Indeterminate
            } else {
                return None;
            };
            Some((zone.clone(), status))
        });
        match (unsigned, known) {
            (Some(cut), Some((zone, _))) if cut.label_count() >= zone.label_count() => Some((cut, Status::Insecure)),
            (Some(cut), None) => Some((cut, Status::Insecure)),
            (Some(_), Some((zone, _))) => Some((zone, Status::Insecure)),
            (None, known) => known,
        }
    }

    /// What the limits did so far.
    pub fn counters(&self) -> Counters {
        let budget = &self.chain.budget;
        Counters {
            messages: self.messages,
            damaged: self.damaged,
            verified: budget.verified_count,
            remembered: budget.remembered_count,
            refused: budget.refused_count,
            crowded_out: self.waiting.crowded_out_count
                + self.unproven.crowded_out_count
                + self.parked.crowded_out_count,
            zones_dropped: self.chain.zones.dropped_count,
        }
    }

    /// Zones of which something is kept, and answers that wait.
    pub fn held_count(&self) -> (usize, usize) {
        (self.chain.zones.count(), self.waiting.count() + self.unproven.count() + self.parked.count())
    }

    /// Octets of these.
    pub fn held_len(&self) -> usize {
        self.chain.zones.heap_len() + self.waiting.heap_len() + self.unproven.heap_len() + self.parked.heap_len()
    }

    /// Keeps signed key and DS sets, so that whoever waits for them finds them.
    fn keep_links(&mut self, message: &Message, at: Timestamp) {
        for set in message.answer.iter().chain(&message.authority).filter(|s| !s.sigs.is_empty()) {
            match set.rtype {
                Rtype::DNSKEY => drop(self.chain.zones.add_keys(set, at)),
                Rtype::DS => drop(self.chain.zones.add_ds(set, at)),
                _ => continue,
            }
            self.wake(&set.name);
        }
    }

    fn judge(&mut self, item: Item, out: &mut Findings) {
        let judged = self.chain.judge(&item);
        self.settle(item, judged, out);
    }

    fn judge_again(&mut self, waiter: Waiter, out: &mut Findings) {
        let before = waiter.judged.verdict.reason;
        let judged = self.chain.judge(&waiter.item);
        // The key came into the set only after it had signed: caches with the older set could not verify it.
        if before == Reason::KeyMissing
            && let Some(sig) =
                judged.verified.as_ref().zip(waiter.item.set.as_ref()).and_then(|(v, s)| s.sigs.get(v.sig))
        {
            let item = &waiter.item;
            let hygiene = Hygiene {
                zone: sig.signer.clone(),
                name: item.name.clone(),
                rtype: item.rtype,
                concern: Concern::KeyNotPublished { key_tag: sig.key_tag },
                status: judged.verdict.status(),
                seen: item.seen,
            };
            hygiene::say(hygiene, &mut self.told, &mut out.hygiene);
        }
        self.settle(waiter.item, judged, out);
    }

    /// Tells a verdict, or lets it wait for what may change it.
    fn settle(&mut self, item: Item, judged: Judged, out: &mut Findings) {
        let crowded_out = if let Some(zone) = &judged.waits {
            if item.set.is_none() && item.rtype == Rtype::DS {
                self.chain.zones.change(&item.name, |z| z.has_claim = true);
            }
            let zones = vec![zone.clone()];
            self.waiting.add(Waiter { item, judged, zones })
        } else if judged.verdict.reason == Reason::NoProof {
            let count = item.name.label_count();
            let zones = (1..=count.min(MAX_ZONES_ABOVE)).map(|labels| item.name.last_labels(labels)).collect();
            self.unproven.add(Waiter { item, judged, zones })
        } else {
            if let Some(zone) = &judged.learned {
                self.wake(zone);
            }
            self.tell(&item, judged, out);
            return;
        };
        for waiter in crowded_out {
            self.tell(&waiter.item, waiter.judged, out);
        }
    }

    fn wake(&mut self, zone: &Name) {
        self.waiting.wake(zone);
        self.unproven.wake(zone);
        self.parked.wake(zone);
    }

    fn tell(&mut self, item: &Item, judged: Judged, out: &mut Findings) {
        hygiene::tell(item, &judged, &mut self.told, &mut out.hygiene);
        self.tell_unused_ds(item, &judged, out);
        out.verdicts.push(judged.verdict);
    }

    /// DS records without key, once a key set is proven.
    fn tell_unused_ds(&mut self, item: &Item, judged: &Judged, out: &mut Findings) {
        if item.rtype != Rtype::DNSKEY || judged.verdict.status() != Status::Secure {
            return;
        }
        let Some(zone) = self.chain.zones.get(&item.name) else { return };
        let (Some(ds), Some(keys)) = (zone.ds.proven(item.seen.at), zone.keys.proven(item.seen.at)) else { return };
        for ds in ds.records.iter().filter(|d| !keys.records.iter().any(|k| k.tag == d.tag)) {
            let hygiene = Hygiene {
                zone: item.name.clone(),
                name: item.name.clone(),
                rtype: Rtype::DS,
                concern: Concern::DsWithoutKey { key_tag: ds.tag },
                status: Status::Secure,
                seen: item.seen,
            };
            hygiene::say(hygiene, &mut self.told, &mut out.hygiene);
        }
    }
}

fn reported(message: &Message, ede: u16, seen: Seen) -> Verdict {
    Verdict {
        subject: Subject::Reported,
        name: message.question.0.clone(),
        rtype: message.question.1,
        reason: Reason::ServfailEde,
        own: Own::Unchecked,
        evidence: Evidence { ede: Some(ede), ..Evidence::default() },
        seen,
        set: None,
    }
}

/// What there is to judge in a message.
fn items(message: &Message, seen: Seen) -> Vec<Item> {
    let of_denial = |s: &&RrSet| matches!(s.rtype, Rtype::NSEC | Rtype::NSEC3 | Rtype::SOA);
    let proofs: Arc<[RrSet]> = message.authority.iter().filter(of_denial).cloned().collect();
    let apex = message.authority.iter().find(|s| s.rtype == Rtype::SOA);
    let hint = apex.or_else(|| message.authority.iter().find(|s| s.rtype == Rtype::NS)).map(|s| s.name.clone());
    let mut items = Vec::new();
    let item = |subject, name: &Name, rtype| Item {
        subject,
        name: name.clone(),
        rtype,
        is_no_name: message.rcode == 3,
        set: None,
        dname: None,
        proofs: Arc::clone(&proofs),
        hint: hint.clone(),
        seen,
    };
    for set in &message.answer {
        if set.sigs.is_empty() && !message.wants_signatures {
            continue;
        }
        let makes = |d: &&RrSet| d.rtype == Rtype::DNAME && set.name.is_below(&d.name);
        let is_made = set.rtype == Rtype::CNAME && set.sigs.is_empty();
        let dname = is_made.then(|| message.answer.iter().find(makes)).flatten();
        items.push(Item {
            set: Some(Arc::new(set.clone())),
            dname: dname.map(|d| Arc::new(d.clone())),
            ..item(Subject::Answer, &set.name, set.rtype)
        });
    }
    let has_proof = proofs.iter().any(|s| !s.sigs.is_empty());
    if !message.wants_signatures && !has_proof {
        return items;
    }
    let (name, rtype) = (last_alias(message), message.question.1);
    let is_answered = message.answer.iter().any(|s| s.name == name && (s.rtype == rtype || rtype == Rtype::ANY));
    let referral = message.authority.iter().find(|s| s.rtype == Rtype::NS).filter(|_| apex.is_none());
    match (is_answered, referral, apex) {
        (true, ..) => {}
        (false, Some(cut), _) if message.answer.is_empty() && message.rcode == 0 && !message.is_authoritative => {
            let ds = message.authority.iter().find(|s| s.rtype == Rtype::DS && s.name == cut.name);
            // Without either it says nothing; whoever resolves will ask for the DS set.
            if ds.is_some() || has_proof {
                items.push(Item {
                    set: ds.map(|s| Arc::new(s.clone())),
                    ..item(Subject::Delegation, &cut.name, Rtype::DS)
                });
            }
        }
        // A negative answer has its zone's SOA; the end of an alias elsewhere is not denied.
        (false, _, Some(apex)) if name.is_within(&apex.name) => items.push(item(Subject::Denial, &name, rtype)),
        (false, _, None) if message.rcode == 3 || has_proof => items.push(item(Subject::Denial, &name, rtype)),
        _ => {}
    }
    items
}

/// The name that the answer's aliases lead to.
fn last_alias(message: &Message) -> Name {
    let mut name = message.question.0.clone();
    if message.question.1 == Rtype::CNAME {
        return name;
    }
    for _ in 0..MAX_ALIASES {
        let alias = message.answer.iter().find(|s| s.rtype == Rtype::CNAME && s.name == name);
        match alias.and_then(|s| s.data.first()).and_then(|d| Name::from_wire(d)) {
            Some(next) => name = next,
            None => break,
        }
    }
    name
}
