//! Findings joined to the story of an intrusion: of one host, and of all that it went through (`detections.md` §14.3, §14.4).
//!
//! A finding of a part of an attack belongs to the incident of its subject if that was active in the seven days before.
//! What comes by mail belongs to whoever acted on it, not to the server that it passed through: mails of different senders are
//! different stories, and none of them is that server's.
//! An incident is one if a finding is medium or worse, or if two low ones of different parts come within a day.
//! Incidents of several hosts are one where a step from one to the other was seen: a log-in or a program brought over; or
//! where both call the same rare place, have the same file in an attack, or one uses an account that was taken at the other. What is no attack stands beside it as a condition.

mod fetch;
mod part;
mod risk;
mod step;

pub use part::Part;
pub use risk::{Asset, Risk, Term};
pub use step::{ShownBy, Step};

use crate::{Confidence, Fetched, Finding, Severity, Stage, Tie};
use sekisho_types::{Addr, Interval, Timestamp};
use std::collections::BTreeMap;

/// How long an incident stays open without a further sign.
const OPEN_FOR: Interval = Interval::from_secs(7 * 86_400);
/// Two low findings of different parts make an incident within this time.
const TOGETHER: Interval = Interval::from_secs(86_400);
/// Hosts that call a place which is rare.
const RARE: usize = 3;
/// A host that was reached has signs of its own from so long before on.
const SLACK: Interval = Interval::from_secs(3_600);
/// The measure by which findings tell how many hosts call a place.
const CALLERS: &str = "hosts that go there";
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
    /// Mails of one sender reached both, or one passed through the other.
    Mail,
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
            Self::Mail => "mail",
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
    /// Its findings, by time.
    pub steps: Vec<usize>,
    /// What happened: findings that show the same thing are one step.
    pub told: Vec<Step>,
    /// Programs that came to these hosts and belong to it.
    pub fetched: Vec<Fetched>,
    /// Other programs that came to them meanwhile.
    pub more_fetched: u64,
    /// What hosts are in it.
    pub parts: Vec<(Part, Vec<Addr>)>,
    /// Why hosts were joined.
    pub links: Vec<Link>,
    /// What else is out of order at these hosts.
    pub conditions: Vec<usize>,
    /// How urgent it is, and why.
    pub risk: Risk,
}

/// What stories are made of.
#[derive(Clone, Copy)]
pub struct Basis<'a> {
    /// All findings.
    pub findings: &'a [Finding],
    /// Programs that came.
    pub fetched: &'a [Fetched],
    /// The end of what was seen.
    pub now: Timestamp,
    /// What a host is to the network.
    pub asset: &'a dyn Fn(Addr) -> Asset,
    /// Is it at home?
    pub is_home: &'a dyn Fn(Addr) -> bool,
}

/// All incidents, the most urgent first, and how many more there are. Muted findings count for nothing.
pub fn incidents(basis: &Basis<'_>) -> (Vec<Incident>, u64) {
    let episodes = episodes(basis.findings);
    let links = links(basis.findings, &episodes);
    let mut told: Vec<Incident> =
        joined(&episodes, &links).into_iter().filter_map(|group| story(basis, &episodes, &group, &links)).collect();
    told.sort_by(|a, b| b.risk.score.cmp(&a.risk.score).then(a.first.cmp(&b.first)).then(a.hosts.cmp(&b.hosts)));
    let more = told.len().saturating_sub(MAX_INCIDENTS);
    told.truncate(MAX_INCIDENTS);
    (told, more as u64)
}

/// Whose story it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bearer<'a> {
    Host(Addr),
    /// Mails of a domain that came in by a host: nobody acted on them.
    Mails(Addr, &'a str),
}

/// Signs of one bearer without a long break.
struct Episode<'a> {
    bearer: Bearer<'a>,
    host: Addr,
    /// By time.
    findings: Vec<usize>,
    first: Timestamp,
    last: Timestamp,
}

/// Is it a part of an attack, of a host, and nobody has agreed to live with it?
fn counts(f: &Finding) -> bool {
    f.is_open() && f.stage < Stage::Hygiene && (f.subject != Addr::UNSPECIFIED || !f.acts.is_empty())
}

/// Whose story a finding belongs to, and from when to when.
fn bearers(f: &Finding) -> Vec<(Bearer<'_>, Timestamp, Timestamp)> {
    let Some(sender) = &f.sender else { return vec![(Bearer::Host(f.subject), f.first, f.last)] };
    let mut all: Vec<(Bearer<'_>, Timestamp, Timestamp)> = Vec::new();
    for act in &f.acts {
        match all.iter_mut().find(|(bearer, ..)| *bearer == Bearer::Host(act.host)) {
            Some((.., last)) => *last = (*last).max(act.ts),
            None => all.push((Bearer::Host(act.host), act.ts, act.ts)),
        }
    }
    if all.is_empty() {
        all.push((Bearer::Mails(f.subject, sender), f.first, f.last));
    }
    all
}

fn episodes(findings: &[Finding]) -> Vec<Episode<'_>> {
    let mut of: BTreeMap<Bearer<'_>, Vec<(Timestamp, Stage, usize, Timestamp)>> = BTreeMap::new();
    for (i, f) in findings.iter().enumerate().filter(|(_, f)| counts(f)) {
        for (bearer, first, last) in bearers(f) {
            of.entry(bearer).or_default().push((first, f.stage, i, last));
        }
    }
    let mut all: Vec<Episode<'_>> = Vec::new();
    for (bearer, mut signs) in of {
        signs.sort_unstable();
        let (Bearer::Host(host) | Bearer::Mails(host, _)) = bearer;
        let begun = all.len();
        for (first, _, i, last) in signs {
            match all.get_mut(begun..).and_then(<[Episode<'_>]>::last_mut) {
                Some(e) if first - e.last <= OPEN_FOR => {
                    e.findings.push(i);
                    e.last = e.last.max(last);
                }
                _ => all.push(Episode { bearer, host, findings: vec![i], first, last }),
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

fn links(findings: &[Finding], episodes: &[Episode<'_>]) -> Vec<Joint> {
    let mut of_host: BTreeMap<Addr, Vec<usize>> = BTreeMap::new();
    for (i, e) in episodes.iter().enumerate().filter(|(_, e)| e.bearer == Bearer::Host(e.host)) {
        of_host.entry(e.host).or_default().push(i);
    }
    let mut all = Vec::new();
    let mut callers: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for (place, e) in episodes.iter().enumerate() {
        for (finding, f) in e.findings.iter().filter_map(|i| Some((*i, findings.get(*i)?))) {
            // Who is let in has taken a step; who was only tried has not.
            let acted = f.stage == Stage::Lateral || (f.stage == Stage::Credential && f.confirmed.is_some());
            if acted && f.confidence >= SURE {
                // What follows from a step comes after it; what was over before has another cause.
                let near = |e: &Episode<'_>| f.first - e.last <= SLACK && e.first - f.last <= OPEN_FOR;
                // Whose login was passed on has been let in nowhere.
                let is_victim = |peer: &&Addr| f.parts.contains(&(**peer, Part::Victim));
                let peers = f.peers.named().iter().filter(|peer| !is_victim(peer));
                let peers = peers.filter_map(|peer| of_host.get(peer)).flatten();
                let peers = peers.filter(|to| **to != place && episodes.get(**to).is_some_and(near));
                all.extend(peers.map(|to| Joint { from: place, to: *to, bond: Bond::Step, finding }));
            }
            let is_common = f.measures.iter().any(|m| m.name == CALLERS && m.value() > RARE as f64);
            if f.stage == Stage::C2 && f.confidence >= SURE && !f.key.is_empty() && !is_common {
                callers.entry(&f.key).or_default().push((place, finding));
            }
        }
    }
    all.extend(tied(findings, episodes));
    all.extend(mailed(findings, episodes));
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

/// Links between those who acted on mails of one sender that came in by one host, and with its other mails; none if so many
/// did that the sender is anybody's.
fn mailed(findings: &[Finding], episodes: &[Episode<'_>]) -> Vec<Joint> {
    type Acted = Vec<(usize, usize)>;
    let mut of: BTreeMap<(Addr, &str), (Acted, Vec<usize>)> = BTreeMap::new();
    for (place, e) in episodes.iter().enumerate() {
        for (i, f) in e.findings.iter().filter_map(|i| Some((*i, findings.get(*i)?))) {
            let Some(sender) = &f.sender else { continue };
            let (acted, others) = of.entry((f.subject, sender)).or_default();
            match e.bearer {
                Bearer::Host(_) => acted.push((place, i)),
                Bearer::Mails(..) if others.last() != Some(&place) => others.push(place),
                Bearer::Mails(..) => {}
            }
        }
    }
    let mut all = Vec::new();
    for (acted, others) in of.into_values() {
        let mut hosts: Vec<Addr> = acted.iter().filter_map(|(place, _)| Some(episodes.get(*place)?.host)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        if hosts.len() > RARE {
            continue;
        }
        for pair in acted.windows(2) {
            let &[(from, _), (to, finding)] = pair else { continue };
            let when = |place: usize| episodes.get(place).map(|e| (e.first, e.last));
            let near = when(from).zip(when(to)).is_some_and(|(a, b)| a.0 - b.1 <= TOGETHER && b.0 - a.1 <= TOGETHER);
            if from != to && near {
                all.push(Joint { from, to, bond: Bond::Mail, finding });
            }
        }
        for from in others {
            let near = |to: usize| {
                let both = episodes.get(from).zip(episodes.get(to));
                both.is_some_and(|(a, b)| b.first - a.last <= OPEN_FOR && a.first - b.last <= OPEN_FOR)
            };
            let to = acted.iter().find(|(to, _)| near(*to));
            all.extend(to.map(|(to, finding)| Joint { from, to: *to, bond: Bond::Mail, finding: *finding }));
        }
    }
    all
}

/// Links by what findings have in common. Each sign is joined with the one before it, so there are never more links than signs.
fn tied(findings: &[Finding], episodes: &[Episode<'_>]) -> Vec<Joint> {
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
fn joined(episodes: &[Episode<'_>], links: &[Joint]) -> Vec<Vec<usize>> {
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

fn story(basis: &Basis<'_>, episodes: &[Episode<'_>], group: &[usize], links: &[Joint]) -> Option<Incident> {
    let Basis { findings, now, asset, is_home, .. } = *basis;
    let mut own: Vec<&Episode<'_>> = group.iter().filter_map(|i| episodes.get(*i)).collect();
    own.sort_by_key(|e| (e.first, e.host));
    let mut steps: Vec<usize> = own.iter().flat_map(|e| e.findings.iter().copied()).collect();
    steps.sort_by_key(|i| findings.get(*i).map(|f| (f.first, f.stage, *i)));
    // Several may have acted on one mail.
    steps.dedup();
    let told: Vec<&Finding> = steps.iter().filter_map(|i| findings.get(*i)).collect();
    if !is_incident(&told) {
        return None;
    }
    // Where mails passed is a host of the story only if there is no other.
    let acted = own.iter().any(|e| matches!(e.bearer, Bearer::Host(_)));
    let mut hosts: Vec<Addr> = Vec::new();
    own.iter().filter(|e| !acted || matches!(e.bearer, Bearer::Host(_))).for_each(|e| {
        if !hosts.contains(&e.host) {
            hosts.push(e.host)
        }
    });
    let mut reached: Vec<Addr> = Vec::new();
    let does = |f: &&&Finding| f.sender.is_none() && (f.stage == Stage::Lateral || f.confirmed.is_some());
    for f in told.iter().filter(does) {
        for peer in f.peers.named().iter().filter(|peer| is_home(**peer)) {
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
    let (fetched, more_fetched) = fetch::of(basis, &told, &hosts);
    let first = told.iter().map(|f| f.first).chain(fetched.iter().map(|f| f.ts)).min()?;
    Some(Incident {
        first,
        last: told.iter().map(|f| f.last).max()?,
        links: links.collect(),
        conditions: conditions.collect(),
        risk: Risk::of(&told, now, worth),
        told: step::steps(findings, &steps, &fetched),
        parts: part::parts(&told, &hosts, is_home),
        hosts,
        reached,
        steps,
        fetched,
        more_fetched,
    })
}

#[cfg(test)]
mod tests;
