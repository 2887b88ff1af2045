//! Findings of both sides brought together, each with what an audit's JSON says of it.

use super::facts::Facts;
use super::identity::Pair;
use super::{Change, Device, ItemKind};
use sekisho_finding::{Confidence, Severity};
use sekisho_types::{Addr, Timestamp};
use std::collections::BTreeMap;

/// A finding of one audit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The judgement's id.
    pub id: String,
    /// Code of the reason.
    pub reason: String,
    /// Both, with a stronger form if one was reached.
    pub code: String,
    /// What is judged, in English.
    pub title: String,
    /// How it showed, in English.
    pub means: String,
    /// How soon somebody should look.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// The machine that the operator must touch.
    pub subject: Addr,
    /// What tells findings about one subject apart; may be empty.
    pub key: String,
    /// Others concerned, the first few.
    pub peers: Vec<Addr>,
    /// Were there more?
    pub more_peers: bool,
    /// Time of the first sign.
    pub first: Option<Timestamp>,
    /// Time of the last sign.
    pub last: Option<Timestamp>,
    /// How often it was seen.
    pub count: u64,
    /// Flows that show it, some of them.
    pub uids: Vec<String>,
    /// How many there were.
    pub flows: u64,
    /// Packets that show it, some of them.
    pub packets: Vec<u64>,
    /// How many there were.
    pub packet_count: u64,
    /// What was measured.
    pub measures: Vec<Measured>,
    /// Words from the wire: label, text, packet (0 if none).
    pub quotes: Vec<(String, String, u64)>,
    /// Harmless explanations that were looked at, and what looking gave.
    pub benign: Vec<(String, String)>,
    /// What could not be seen.
    pub quality: Vec<String>,
}

/// Something measured against a threshold, in thousandths of its unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// What.
    pub name: String,
    /// How much.
    pub value: i64,
    /// What it was held against.
    pub threshold: Option<i64>,
    /// Unit; may be empty.
    pub unit: String,
    /// Where the threshold comes from.
    pub origin: String,
}

/// The same finding before and after, or on one side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindingPair {
    /// Appeared, disappeared, or unchanged: it stayed.
    pub change: Change,
    /// Is that beyond chance? Of what stayed: always.
    pub sure: bool,
    /// Why it is not sure; may be empty.
    pub note: String,
    /// What each side says of it.
    pub sides: [Option<Evidence>; 2],
}

impl FindingPair {
    /// What the later side says of it, else the earlier one.
    pub fn latest(&self) -> Option<&Evidence> {
        let [before, after] = &self.sides;
        after.as_ref().or(before.as_ref())
    }
}

/// Whom a finding is about: one of the pairs of devices, or a host that is none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whom {
    Device(usize),
    Other(Addr),
}

/// Whose, id, reason, key.
type Key<'a> = (Whom, &'a str, &'a str, &'a str);

/// Pairs of findings: new ones first, then those that went, then those that stayed; the worst first. `devices` are the pairs as examined and
/// settled; with `only_devices`, findings about others are left out.
pub(super) fn pairs(
    sides: [&[Evidence]; 2],
    groups: [&[Facts]; 2],
    pairs: &[Pair],
    (network, devices): (&Device, &[Device]),
    only_devices: bool,
) -> Vec<FindingPair> {
    let mut all: BTreeMap<Key<'_>, [Option<&Evidence>; 2]> = BTreeMap::new();
    for (side, (findings, groups)) in sides.into_iter().zip(groups).enumerate() {
        let mut whose: BTreeMap<Addr, usize> = BTreeMap::new();
        for (i, pair) in pairs.iter().enumerate() {
            let place = pair.sides.get(side).copied().flatten();
            for addr in place.and_then(|p| groups.get(p)).iter().flat_map(|g| &g.addrs) {
                whose.insert(*addr, i);
            }
        }
        for finding in findings {
            let whom = whose.get(&finding.subject).map_or(Whom::Other(finding.subject), |i| Whom::Device(*i));
            if only_devices && matches!(whom, Whom::Other(_)) {
                continue;
            }
            let key = (whom, finding.id.as_str(), finding.reason.as_str(), finding.key.as_str());
            if let Some(place) = all.entry(key).or_default().get_mut(side) {
                *place = Some(finding);
            }
        }
    }
    let mut found: Vec<FindingPair> = all
        .into_iter()
        .map(|((whom, id, reason, _), [before, after])| {
            let change = match (before, after) {
                (None, _) => Change::Appeared,
                (_, None) => Change::Disappeared,
                _ => Change::Unchanged,
            };
            let of = match whom {
                Whom::Device(i) => devices.get(i).unwrap_or(network),
                Whom::Other(_) => network,
            };
            let (sure, note) = sureness(of, &format!("{id}/{reason}"), change);
            FindingPair { change, sure, note, sides: [before.cloned(), after.cloned()] }
        })
        .collect();
    let rank = |change| match change {
        Change::Appeared => 0,
        Change::Disappeared => 1,
        _ => 2,
    };
    // Stable: those alike stay in the order of device, judgement and key.
    found.sort_by_key(|f| {
        let severity = f.latest().map_or(Severity::Info, |e| e.severity);
        (rank(f.change), !f.sure, std::cmp::Reverse(severity))
    });
    found
}

/// Is it told for real of the device that findings of this code came or went? What stayed is sure.
fn sureness(device: &Device, code: &str, change: Change) -> (bool, String) {
    if change == Change::Unchanged {
        return (true, String::new());
    }
    let item = device.items.iter().find(|t| t.kind == ItemKind::Finding && t.key == code);
    match item {
        Some(t) if t.change == change => (t.sure, if t.sure { String::new() } else { t.note.clone() }),
        _ => (false, "others of the same kind are on both sides".to_owned()),
    }
}
