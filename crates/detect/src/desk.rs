//! Where findings are kept: what repeats is one.

use crate::detection::Scope;
use crate::edges::Edges;
use crate::hosts::{Hosts, Role};
use hashbrown::HashMap;
use sekisho_finding::{Benign, Finding, MAX_QUOTES, Severity};
use sekisho_types::{Addr, SeededState, Timestamp, Uid};

/// Most findings of a run, if it has all the memory that judgements may take; of more, those of the lowest severity are
/// not kept, and counted.
const MAX_FINDINGS: usize = 20_000;

/// Most scans noted.
const MAX_SCANS: usize = 4_096;

/// Most names in a finding.
const MAX_NAMES: usize = 16;

/// Most techniques of a finding beyond those of its judgement.
const MAX_TECHNIQUES: usize = 16;

#[derive(PartialEq, Eq, Hash)]
struct Key {
    id: &'static str,
    reason: &'static str,
    subject: Addr,
    key: String,
}

/// A finding, and the role of its subject that makes it less severe, should it turn out to play it.
struct Kept {
    finding: Finding,
    unless: Option<Role>,
}

/// All findings of a run.
pub(crate) struct Desk {
    findings: HashMap<Key, Kept, SeededState>,
    /// Most of them.
    most: usize,
    /// New findings that found no room.
    pub refused: u64,
    /// Steps from host to host.
    pub edges: Edges,
    /// Scans of many hosts, told when the run is over.
    pub scans: Vec<Scanned>,
}

/// A scan of one port on many hosts.
#[derive(Clone, Debug)]
pub(crate) struct Scanned {
    pub from: Addr,
    pub port: u16,
    pub first: Timestamp,
    /// Hosts that answered, those kept.
    pub open: Vec<Addr>,
    pub uid: Uid,
}

impl Desk {
    pub fn new(scope: &Scope) -> Self {
        let findings = HashMap::with_hasher(SeededState(scope.seed));
        Self { findings, most: scope.entries(MAX_FINDINGS), refused: 0, edges: Edges::new(scope), scans: Vec::new() }
    }

    /// Is there a finding of that judgement about `subject`, at least so severe?
    pub fn has(&self, id: &str, subject: Addr, least: Severity) -> bool {
        let is_it = |key: &Key| key.id == id && key.subject == subject;
        self.findings.iter().any(|(key, kept)| is_it(key) && kept.finding.severity >= least)
    }

    /// Notes a scan.
    pub fn scanned(&mut self, scan: Scanned) {
        if self.scans.len() < MAX_SCANS {
            self.scans.push(scan);
        }
    }

    /// Notes a finding; one step less severe if its subject turns out to play the part `unless`.
    pub fn add(&mut self, new: Finding, unless: Option<Role>) {
        let key = Key { id: new.about.id, reason: new.reason.code, subject: new.subject, key: new.key.clone() };
        if let Some(old) = self.findings.get_mut(&key) {
            let old_severity = old.finding.severity;
            if new.severity > old_severity || (new.severity == old_severity && unless.is_none()) {
                old.unless = unless;
            }
            merge(&mut old.finding, new);
            return;
        }
        if self.findings.len() >= self.most && !self.make_room(&new) {
            self.refused += 1;
            return;
        }
        self.findings.insert(key, Kept { finding: new, unless });
    }

    /// The run is over, and the parts that hosts play are known.
    pub fn settle(&mut self, hosts: &Hosts) {
        for Kept { finding, unless } in self.findings.values_mut() {
            let Some(role) = unless.filter(|role| hosts.is(finding.subject, *role)) else { continue };
            finding.severity = finding.severity.lowered(1);
            finding.benign.push(Benign { explanation: role.explanation(), result: "less severe for it" });
        }
    }

    /// Drops the mildest tenth if `new` is worse than those.
    fn make_room(&mut self, new: &Finding) -> bool {
        let mildest = self.findings.values().map(|k| k.finding.severity).min().unwrap_or_default();
        if new.severity <= mildest {
            return false;
        }
        let before = self.findings.len();
        // Which of the mildest go must not depend on the table's order.
        let all = self.findings.values().map(|k| &k.finding);
        let mut oldest: Vec<_> = all.filter(|f| f.severity == mildest).map(rank).collect();
        oldest.sort_unstable();
        let Some(limit) = oldest.get((self.most / 10).min(oldest.len()).saturating_sub(1)) else { return false };
        self.findings.retain(|_, k| k.finding.severity != mildest || rank(&k.finding) > *limit);
        self.refused += (before - self.findings.len()) as u64;
        true
    }

    /// All findings: the worst first, then by time; equal runs give equal lists.
    pub fn take(&mut self) -> Vec<Finding> {
        let mut all: Vec<Finding> = self.findings.drain().map(|(_, k)| k.finding).collect();
        all.sort_by(|a, b| {
            let worst = (b.severity, b.confidence).cmp(&(a.severity, a.confidence));
            worst.then_with(|| rank(a).cmp(&rank(b)))
        });
        all
    }
}

type Rank = (Timestamp, &'static str, &'static str, Addr, String);

fn rank(f: &Finding) -> Rank {
    (f.first, f.about.id, f.reason.code, f.subject, f.key.clone())
}

/// `new` is another sign of `old`. Measures and quotations stay those of the strongest sign.
fn merge(old: &mut Finding, new: Finding) {
    old.count += new.count;
    old.first = old.first.min(new.first);
    old.last = old.last.max(new.last);
    new.flows.iter().for_each(|f| old.flows.add(f));
    new.packets.iter().for_each(|p| old.packets.add(p));
    new.peers.named().iter().for_each(|p| old.peers.add(*p));
    new.ties.iter().for_each(|tie| old.tie(tie.clone()));
    new.acts.iter().for_each(|act| old.act(*act));
    new.parts.iter().for_each(|(host, part)| old.part(*host, *part));
    old.sender = old.sender.take().or(new.sender);
    for technique in new.techniques {
        if old.techniques.len() < MAX_TECHNIQUES && !old.techniques.contains(&technique) {
            old.techniques.push(technique);
        }
    }
    for name in new.names {
        if old.names.len() < MAX_NAMES && !old.names.contains(&name) {
            old.names.push(name);
        }
    }
    let stronger = (new.confirmed.is_some(), new.severity, new.confidence)
        > (old.confirmed.is_some(), old.severity, old.confidence);
    if stronger {
        (old.measures, old.benign, old.quality) = (new.measures, new.benign, new.quality);
        old.tale = new.tale.or(old.tale.take());
        old.confirmed = new.confirmed.or(old.confirmed);
        old.stage = new.stage;
        // The strongest words first; what was said before stays as far as there is room.
        let before = std::mem::replace(&mut old.quotes, new.quotes);
        for quote in before {
            if old.quotes.len() < MAX_QUOTES && !old.quotes.contains(&quote) {
                old.quotes.push(quote);
            }
        }
    }
    old.severity = old.severity.max(new.severity);
    old.confidence = old.confidence.max(new.confidence);
}
