//! DNSSEC as the run's answers show it: one observer for all detectors, which sees only messages that carry it.
//!
//! It begins with the first message that has a record of DNSSEC, or a resolver's word that validation failed: a network without
//! DNSSEC costs a look at the types of records, and a few answers that are kept for some seconds.

use crate::detection::Scope;
use crate::dns_exchanges::{Exchange, Fit, name_digest};
use crate::rows::{DnsMessage, Row, type_bit};
use crate::table::Recent;
use sekisho_dnssec::{Anchors, Findings, Hygiene, Limits, Name, Observer, Reason, Seen, Status, Verdict};
use sekisho_finding::{Outcome, Signed};
use sekisho_types::{Addr, Interval, Timestamp, Uid};
use std::collections::{BTreeMap, VecDeque};

/// Messages remembered until they are judged: as many as may wait in the observer, and some.
const MAX_MESSAGES: usize = 16_384;
/// Answers kept until the first message that has to do with DNSSEC, and how long.
const MAX_EARLY: usize = 32;
const EARLY_FOR: Interval = Interval::from_secs(10);
/// Names remembered that were seen signed.
const MAX_SIGNED: usize = 50_000;
/// How long a name is known to be signed.
const SIGNED_FOR: Interval = Interval::from_secs(7 * 86_400);
/// Different outcomes told of a run; of more only how many.
pub(crate) const MAX_OUTCOMES: usize = 1_000;

/// The bits of DS, RRSIG, NSEC, DNSKEY, NSEC3.
const TYPES: u64 = type_bit(43) | type_bit(46) | type_bit(47) | type_bit(48) | type_bit(50);
/// Extended errors that say that validation failed (RFC 8914 §4).
const VALIDATION_FAILED: std::ops::RangeInclusive<u64> = 6..=12;

/// The message in which something stood.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub uid: Uid,
    pub packet: u64,
    pub client: Addr,
    pub server: Addr,
    /// Of the answer.
    pub authoritative: bool,
    pub recursion: bool,
    pub authentic: bool,
    /// The client did not want it checked.
    pub unchecked: bool,
    /// The client wanted signatures, or to be told whether it is authentic.
    pub wanted: bool,
}

impl Origin {
    /// The server speaks for its own zone.
    pub fn is_own(&self, is_internal: bool) -> bool {
        self.authoritative && is_internal
    }
}

type Key = (Status, &'static str, Name, String, &'static str);

/// See the module.
pub(crate) struct Dnssec {
    seed: u64,
    anchors: Anchors,
    limits: Limits,
    observer: Option<Box<Observer>>,
    /// Messages from before the first that has to do with DNSSEC.
    early: VecDeque<(Seen, Box<[u8]>)>,
    found: Findings,
    /// Messages of late, the last one being number `next`.
    messages: VecDeque<Origin>,
    most_messages: usize,
    next: u64,
    signed: Recent<u64, Timestamp>,
    counts: [u64; 4],
    outcomes: BTreeMap<Key, Outcome>,
    more: u64,
    /// Verdicts on what came with signatures, or should have.
    judged: u64,
}

/// What an observer keeps, in proportion to the memory for judgements.
fn limits(scope: &Scope) -> Limits {
    let all = Limits::default();
    let share = |most: usize| scope.entries(most);
    Limits {
        zones_count: share(all.zones_count),
        zones_len: share(all.zones_len),
        waiting_count: share(all.waiting_count),
        waiting_len: share(all.waiting_len),
        unproven_count: share(all.unproven_count),
        unproven_len: share(all.unproven_len),
        outcomes_count: share(all.outcomes_count),
        names_count: share(all.names_count),
        concerns_count: share(all.concerns_count),
        ..all
    }
}

impl Dnssec {
    pub fn new(scope: &Scope) -> Self {
        Self {
            seed: scope.seed,
            anchors: scope.anchors.clone(),
            limits: limits(scope),
            observer: None,
            early: VecDeque::new(),
            found: Findings::default(),
            messages: VecDeque::new(),
            most_messages: scope.entries(MAX_MESSAGES),
            next: 0,
            signed: Recent::of(scope, MAX_SIGNED),
            counts: [0; 4],
            outcomes: BTreeMap::new(),
            more: 0,
            judged: 0,
        }
    }

    pub fn row(&mut self, row: &Row<'_>, exchange: Option<&Exchange>) {
        self.found.verdicts.clear();
        self.found.hygiene.clear();
        self.found.unproven = 0;
        let (Row::DnsMessage(m), Some(e)) = (row, exchange) else { return };
        let Some(wire) = m.wire.filter(|_| !m.is_query) else { return };
        // What fits no question that was asked is forged, which others judge; without any question the capture may be of one side.
        if !matches!(e.fit, Fit::Matching | Fit::Late | Fit::Unsolicited) {
            return;
        }
        let asked = e.asked.filter(|_| e.fit == Fit::Matching);
        let origin = Origin {
            uid: m.uid,
            packet: m.packet,
            client: e.client,
            server: e.server,
            authoritative: m.authoritative,
            recursion: m.recursion,
            authentic: m.authentic,
            unchecked: m.unchecked,
            wanted: asked.is_some_and(|a| a.dnssec_ok || a.authentic),
        };
        self.next += 1;
        if self.messages.len() >= self.most_messages {
            self.messages.pop_front();
        }
        self.messages.push_back(origin);
        let seen = Seen { at: m.ts, server: e.server, token: self.next };
        if self.observer.is_none() && !carries(m) {
            // Validators ask for the proof that this may be unsigned right after it.
            while self.early.len() >= MAX_EARLY || self.early.front().is_some_and(|f| m.ts - f.0.at > EARLY_FOR) {
                self.early.pop_front();
            }
            self.early.push_back((seen, wire.into()));
            return;
        }
        let new = || Box::new(Observer::new(self.anchors.clone(), self.limits, self.seed));
        let observer = self.observer.get_or_insert_with(new);
        for (seen, wire) in self.early.drain(..).filter(|f| m.ts - f.0.at <= EARLY_FOR) {
            observer.message(&wire, seen, &mut self.found);
        }
        observer.message(wire, seen, &mut self.found);
        self.note();
    }

    /// The run is over: what still waits is told as it stands.
    pub fn finish(&mut self) {
        self.found.verdicts.clear();
        self.found.hygiene.clear();
        self.found.unproven = 0;
        if let Some(observer) = &mut self.observer {
            observer.finish(&mut self.found);
            self.note();
        }
    }

    fn note(&mut self) {
        if let Some(count) = self.counts.get_mut(Status::Indeterminate as usize) {
            *count += self.found.unproven;
        }
        for v in &self.found.verdicts {
            if v.status() == Status::Secure {
                let key = name_digest(&plain(&v.name), self.seed);
                *self.signed.at(key, || v.seen.at) = v.seen.at;
            }
            if let Some(count) = self.counts.get_mut(v.status() as usize) {
                *count += 1;
            }
            // Unsigned, and nothing says whether it may be: most of DNS. Counted, not listed.
            if v.reason == Reason::NoProof {
                continue;
            }
            self.judged += 1;
            let rtype = v.rtype.to_string();
            let key = (v.status(), v.reason.id(), v.name.clone(), rtype.clone(), v.subject.word());
            if let Some(known) = self.outcomes.get_mut(&key) {
                known.count += 1;
                continue;
            }
            let outcome = Outcome {
                name: v.name.to_string(),
                rtype,
                subject: v.subject.word(),
                status: v.status().word(),
                reason: v.reason.id(),
                words: v.to_string(),
                count: 1,
                packet: self.origin(&v.seen).map_or(0, |o| o.packet),
            };
            if self.outcomes.len() < MAX_OUTCOMES {
                self.outcomes.insert(key, outcome);
            } else if self.outcomes.last_key_value().is_some_and(|last| key < *last.0) {
                // Sorted by status: what is bogus drives out what is secure.
                self.more += self.outcomes.pop_last().map_or(0, |last| last.1.count);
                self.outcomes.insert(key, outcome);
            } else {
                self.more += 1;
            }
        }
    }

    /// Verdicts that the row at hand, or the end, brought.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.found.verdicts
    }

    /// Concerns that it brought.
    pub fn hygiene(&self) -> &[Hygiene] {
        &self.found.hygiene
    }

    /// The message in which it stood.
    pub fn origin(&self, seen: &Seen) -> Option<Origin> {
        let back = usize::try_from(self.next.checked_sub(seen.token)?).ok()?;
        self.messages.get(self.messages.len().checked_sub(back + 1)?).copied()
    }

    /// Was the name of that digest seen signed, with a chain to an anchor, not long before?
    pub fn was_signed(&self, name: u64, now: Timestamp) -> bool {
        self.signed.peek(&name).is_some_and(|at| now - *at <= SIGNED_FOR)
    }

    /// How many verdicts there were on what came with signatures, or should have.
    pub fn judged_count(&self) -> u64 {
        self.judged
    }

    /// Has anything of DNSSEC passed?
    pub fn is_there(&self) -> bool {
        self.observer.is_some()
    }

    /// What it came to.
    pub fn summary(&mut self) -> Option<Signed> {
        let observer = self.observer.as_ref()?;
        Some(Signed {
            counts: self.counts,
            outcomes: std::mem::take(&mut self.outcomes).into_values().collect(),
            more: self.more,
            refused: observer.counters().refused,
        })
    }

    pub fn forgotten(&self) -> u64 {
        let counters = self.observer.as_ref().map(|o| o.counters()).unwrap_or_default();
        counters.crowded_out + counters.zones_dropped
    }
}

/// Is there anything of DNSSEC in the message?
fn carries(m: &DnsMessage<'_>) -> bool {
    m.has_type(TYPES) || m.extended_error.is_some_and(|e| VALIDATION_FAILED.contains(&e))
}

/// A name as rows have it: without the final dot.
pub(crate) fn plain(name: &Name) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = name.as_wire();
    while let Some((len, behind)) = rest.split_first() {
        let Some((label, next)) = behind.split_at_checked(usize::from(*len)) else { break };
        if !out.is_empty() && !label.is_empty() {
            out.push(b'.');
        }
        out.extend_from_slice(label);
        rest = next;
    }
    out
}

/// A name as rows have it, in words; the root is a dot.
pub(crate) fn in_words(name: &Name) -> String {
    let text = name.to_string();
    if text.len() > 1 { text.trim_end_matches('.').to_owned() } else { text }
}
