//! Findings joined to the story of an intrusion: of one host, and of all that it went through (`detections.md` §14.3, §14.4).
//!
//! A finding of a part of an attack belongs to the incident of its subject if that was active in the seven days before.
//! An incident is one if a finding is medium or worse, or if two low ones of different parts come within a day.
//! Incidents of several hosts are one where a step from one to the other was seen: a log-in or a program brought over; or
//! where both call the same rare place, have the same file in an attack, or one uses an account that was taken at the other. What is no attack stands beside it as a condition.

mod risk;

pub use risk::{Asset, Risk, Term};

use crate::{Confidence, Finding, Severity, Stage, Tie};
use sekisho_types::{Addr, Interval, Timestamp};
use std::collections::BTreeMap;

/// How long an incident stays open without a further sign.
const OPEN_FOR: Interval = Interval::from_secs(7 * 86_400);
/// Two low findings of different parts make an incident within this time.
const TOGETHER: Interval = Interval::from_secs(86_400);
/// Hosts that call a place which is rare.
const RARE: usize = 3;
/// How sure a step from host to host has to be.
const SURE: Confidence = Confidence::new(600);
/// Hosts joined to one incident; of more each keeps its own.
const MAX_JOINED: usize = 50;
/// Incidents told; of more only how many.
pub const MAX_INCIDENTS: usize = 1_000;

/// Why two hosts belong to one incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bond {
    /// One acted on the other.
    Step,
    /// Both call the same rare place.
    Place,
    /// The same file was at both.
    File,
    /// An account that was taken at one was used at the other.
    Account,
}

impl Bond {
    /// In JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Place => "place",
            Self::File => "file",
            Self::Account => "account",
        }
    }
}

/// What joins two hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// From where.
    pub from: Addr,
    /// To where.
    pub to: Addr,
    /// Why.
    pub bond: Bond,
    /// The finding that shows it, by its place in the list.
    pub finding: usize,
}

/// A story. Numbers are places in the list of findings that it was made of.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Hosts that did something, in the order of their first sign.
    pub hosts: Vec<Addr>,
    /// Hosts that something was done to by these, without a finding of their own.
    pub reached: Vec<Addr>,
    /// Packet time of the first and the last sign.
    pub first: Timestamp,
    /// See `first`.
    pub last: Timestamp,
    /// The steps, by time.
    pub steps: Vec<usize>,
    /// Why hosts were joined.
    pub links: Vec<Link>,
    /// What else is out of order at these hosts.
    pub conditions: Vec<usize>,
    /// How urgent it is, and why.
    pub risk: Risk,
}

/// All incidents, the most urgent first, and how many more there are. `now`: the end of what was seen; `asset`: what a host
/// is to the network. Muted findings count for nothing.
pub fn incidents(findings: &[Finding], now: Timestamp, asset: &dyn Fn(Addr) -> Asset) -> (Vec<Incident>, u64) {
    let episodes = episodes(findings);
    let links = links(findings, &episodes);
    let mut told: Vec<Incident> = joined(&episodes, &links)
        .into_iter()
        .filter_map(|group| story(findings, &episodes, &group, &links, now, asset))
        .collect();
    told.sort_by(|a, b| b.risk.score.cmp(&a.risk.score).then(a.first.cmp(&b.first)).then(a.hosts.cmp(&b.hosts)));
    let more = told.len().saturating_sub(MAX_INCIDENTS);
    told.truncate(MAX_INCIDENTS);
    (told, more as u64)
}

/// Signs of one host without a long break.
struct Episode {
    host: Addr,
    /// By time.
    findings: Vec<usize>,
    first: Timestamp,
    last: Timestamp,
}

/// Is it a part of an attack, of a host, and nobody has agreed to live with it?
fn counts(f: &Finding) -> bool {
    f.is_open() && f.stage < Stage::Hygiene && f.subject != Addr::UNSPECIFIED
}

fn episodes(findings: &[Finding]) -> Vec<Episode> {
    let mut of_host: BTreeMap<Addr, Vec<usize>> = BTreeMap::new();
    for (i, f) in findings.iter().enumerate().filter(|(_, f)| counts(f)) {
        of_host.entry(f.subject).or_default().push(i);
    }
    let time = |i: &usize| findings.get(*i).map(|f| (f.first, f.stage, *i));
    let mut all: Vec<Episode> = Vec::new();
    for (host, mut of) in of_host {
        of.sort_by_key(time);
        let begun = all.len();
        for i in of {
            let Some(f) = findings.get(i) else { continue };
            match all.get_mut(begun..).and_then(<[Episode]>::last_mut) {
                Some(e) if f.first - e.last <= OPEN_FOR => {
                    e.findings.push(i);
                    e.last = e.last.max(f.last);
                }
                _ => all.push(Episode { host, findings: vec![i], first: f.first, last: f.last }),
            }
        }
    }
    all
}

/// A link between two episodes, by their places.
struct Joint {
    from: usize,
    to: usize,
    bond: Bond,
    finding: usize,
}

fn links(findings: &[Finding], episodes: &[Episode]) -> Vec<Joint> {
    let mut of_host: BTreeMap<Addr, Vec<usize>> = BTreeMap::new();
    for (i, e) in episodes.iter().enumerate() {
        of_host.entry(e.host).or_default().push(i);
    }
    let mut all = Vec::new();
    let mut callers: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for (place, e) in episodes.iter().enumerate() {
        for (finding, f) in e.findings.iter().filter_map(|i| Some((*i, findings.get(*i)?))) {
            // Who is let in has taken a step; who was only tried has not.
            let acted = f.stage == Stage::Lateral || (f.stage == Stage::Credential && f.confirmed.is_some());
            if acted && f.confidence >= SURE {
                let near = |e: &Episode| f.first - e.last <= OPEN_FOR && e.first - f.last <= OPEN_FOR;
                let peers = f.peers.named().iter().filter_map(|peer| of_host.get(peer)).flatten();
                let peers = peers.filter(|to| **to != place && episodes.get(**to).is_some_and(near));
                all.extend(peers.map(|to| Joint { from: place, to: *to, bond: Bond::Step, finding }));
            }
            if f.stage == Stage::C2 && f.confidence >= SURE && !f.key.is_empty() {
                callers.entry(&f.key).or_default().push((place, finding));
            }
        }
    }
    all.extend(tied(findings, episodes));
    for callers in callers.values() {
        let mut hosts: Vec<Addr> = callers.iter().filter_map(|c| Some(episodes.get(c.0)?.host)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        if hosts.len() > RARE {
            continue;
        }
        for pair in callers.windows(2) {
            let &[(from, first), (to, second)] = pair else { continue };
            let apart = findings.get(first).zip(findings.get(second)).map(|(a, b)| (b.first - a.first).0.abs());
            if from != to && apart.is_some_and(|nanos| nanos <= TOGETHER.0) {
                all.push(Joint { from, to, bond: Bond::Place, finding: second });
            }
        }
    }
    all
}

/// Links by what findings have in common. Each sign is joined with the one before it, so there are never more links than signs.
fn tied(findings: &[Finding], episodes: &[Episode]) -> Vec<Joint> {
    let mut signs: Vec<(usize, usize, &Finding)> = Vec::new();
    for (place, e) in episodes.iter().enumerate() {
        let own = e.findings.iter().filter_map(|i| Some((place, *i, findings.get(*i)?)));
        signs.extend(own.filter(|(.., f)| f.confidence >= SURE && !f.ties.is_empty()));
    }
    signs.sort_by_key(|(place, i, f)| (f.first, *place, *i));
    let mut files: BTreeMap<&[u8; 32], (usize, &Finding)> = BTreeMap::new();
    let mut taken: BTreeMap<&str, (usize, &Finding)> = BTreeMap::new();
    let mut all = Vec::new();
    for (place, finding, f) in signs {
        let mut join = |before: Option<&(usize, &Finding)>, bond: Bond| {
            let near = before.filter(|(from, b)| *from != place && f.first - b.last <= OPEN_FOR);
            all.extend(near.map(|(from, _)| Joint { from: *from, to: place, bond, finding }));
        };
        for tie in &f.ties {
            match tie {
                Tie::File(digest) => {
                    join(files.get(digest), Bond::File);
                    files.insert(digest, (place, f));
                }
                Tie::Used(account) => join(taken.get(&**account), Bond::Account),
                Tie::Taken(_) => {}
            }
        }
        // What is taken by this sign can be used by those after it.
        for tie in &f.ties {
            if let Tie::Taken(account) = tie {
                taken.insert(account, (place, f));
            }
        }
    }
    all
}

/// Episodes that belong together.
fn joined(episodes: &[Episode], links: &[Joint]) -> Vec<Vec<usize>> {
    let mut group_of: Vec<usize> = (0..episodes.len()).collect();
    let mut groups: Vec<Vec<usize>> = (0..episodes.len()).map(|i| vec![i]).collect();
    for link in links {
        let (Some(&a), Some(&b)) = (group_of.get(link.from), group_of.get(link.to)) else { continue };
        let len = |g: usize| groups.get(g).map_or(0, Vec::len);
        if a == b || len(a) + len(b) > MAX_JOINED {
            continue;
        }
        let (into, from) = if len(a) >= len(b) { (a, b) } else { (b, a) };
        let moved = groups.get_mut(from).map(std::mem::take).unwrap_or_default();
        for episode in &moved {
            if let Some(group) = group_of.get_mut(*episode) {
                *group = into;
            }
        }
        if let Some(group) = groups.get_mut(into) {
            group.extend(moved);
        }
    }
    groups.retain(|g| !g.is_empty());
    groups
}

/// Is it more than a hint?
fn is_incident(steps: &[&Finding]) -> bool {
    let low = |f: &&&Finding| f.severity == Severity::Low;
    steps.iter().any(|f| f.severity >= Severity::Medium)
        || steps.iter().filter(low).enumerate().any(|(i, a)| {
            let others = steps.iter().filter(low).skip(i + 1);
            others.into_iter().any(|b| a.stage != b.stage && (b.first - a.first).0.abs() <= TOGETHER.0)
        })
}

fn story(
    findings: &[Finding],
    episodes: &[Episode],
    group: &[usize],
    links: &[Joint],
    now: Timestamp,
    asset: &dyn Fn(Addr) -> Asset,
) -> Option<Incident> {
    let mut own: Vec<&Episode> = group.iter().filter_map(|i| episodes.get(*i)).collect();
    own.sort_by_key(|e| (e.first, e.host));
    let mut steps: Vec<usize> = own.iter().flat_map(|e| e.findings.iter().copied()).collect();
    steps.sort_by_key(|i| findings.get(*i).map(|f| (f.first, f.stage, *i)));
    let told: Vec<&Finding> = steps.iter().filter_map(|i| findings.get(*i)).collect();
    if !is_incident(&told) {
        return None;
    }
    let mut hosts: Vec<Addr> = Vec::new();
    own.iter().for_each(|e| {
        if !hosts.contains(&e.host) {
            hosts.push(e.host)
        }
    });
    let mut reached: Vec<Addr> = Vec::new();
    for f in told.iter().filter(|f| f.stage == Stage::Lateral || f.confirmed.is_some()) {
        for peer in f.peers.named() {
            if !hosts.contains(peer) && !reached.contains(peer) && reached.len() < MAX_JOINED {
                reached.push(*peer);
            }
        }
    }
    let is_own = |i: &usize| group.contains(i);
    let links = links.iter().filter(|l| is_own(&l.from) && is_own(&l.to)).filter_map(|l| {
        let (from, to) = (episodes.get(l.from)?.host, episodes.get(l.to)?.host);
        Some(Link { from, to, bond: l.bond, finding: l.finding })
    });
    let condition = |f: &Finding| f.is_open() && f.stage >= Stage::Hygiene && hosts.contains(&f.subject);
    let conditions = findings.iter().enumerate().filter(|(_, f)| condition(f)).map(|(i, _)| i);
    let worth = hosts.iter().map(|host| asset(*host)).max().unwrap_or_default();
    Some(Incident {
        first: told.iter().map(|f| f.first).min()?,
        last: told.iter().map(|f| f.last).max()?,
        links: links.collect(),
        conditions: conditions.collect(),
        risk: Risk::of(&told, now, worth),
        hosts,
        reached,
        steps,
    })
}

#[cfg(test)]
mod tests;
