//! The steps of a story: findings that show the same thing are one, and each has its own time.

use crate::{Fetched, Finding, Severity, Stage};
use sekisho_types::{Addr, Interval, Timestamp};

/// Findings that begin within this time of a step may be of it.
const SAME_STEP: Interval = Interval::from_secs(3_600);
/// Steps back that are looked at for one that a finding is of.
const BACK: usize = 64;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it began, or, of several hops, when the last was made.
    pub ts: Timestamp,
    /// Who did it.
    pub host: Addr,
    /// Part of the intrusion.
    pub stage: Stage,
    /// What shows it.
    pub shown_by: ShownBy,
}

/// What shows a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownBy {
    /// Findings, by their places in the list: the one that says most, then the others by time.
    Findings(Vec<usize>),
    /// A program that came, by its place in [`Incident::fetched`](super::Incident::fetched).
    Fetched(usize),
}

/// The findings of a story, sorted by time, and the programs that came as steps.
pub(super) fn steps(findings: &[Finding], sorted: &[usize], fetched: &[Fetched]) -> Vec<Step> {
    let get = |i: usize| findings.get(i);
    let mut groups: Vec<(Step, Vec<usize>)> = Vec::new();
    let (paths, single): (Vec<usize>, Vec<usize>) = sorted.iter().partition(|i| get(**i).is_some_and(is_path));
    for i in single {
        let Some(f) = get(i) else { continue };
        let is_of = |(step, of): &(Step, Vec<usize>)| {
            (step.host, step.stage) == (doer(f), f.stage)
                && (f.first - step.ts).0.abs() <= SAME_STEP.0
                && of.iter().take(BACK).filter_map(|i| get(*i)).any(|other| is_same(f, other))
        };
        match groups.iter_mut().rev().take(BACK).find(|g| is_of(g)) {
            Some((_, of)) => of.push(i),
            None => groups
                .push((Step { ts: f.first, host: doer(f), stage: f.stage, shown_by: ShownBy::Fetched(0) }, vec![i])),
        }
    }
    for i in paths {
        let Some(f) = get(i) else { continue };
        let Some(last) = f.acts.last() else { continue };
        let is_of = |(step, of): &(Step, Vec<usize>)| {
            step.host == last.host
                && step.stage == Stage::Lateral
                && (last.ts - step.ts).0.abs() <= SAME_STEP.0
                && of.first().and_then(|i| get(*i)).is_some_and(|f| f.peers.named().first() == last.to.as_ref())
        };
        match groups.iter_mut().find(|g| is_of(g)) {
            Some((_, of)) => of.push(i),
            None => groups
                .push((Step { ts: last.ts, host: f.subject, stage: f.stage, shown_by: ShownBy::Fetched(0) }, vec![i])),
        }
    }
    let mut steps: Vec<Step> =
        groups.into_iter().map(|(step, of)| Step { shown_by: ShownBy::Findings(led(findings, of)), ..step }).collect();
    let came = |(at, f): (usize, &Fetched)| Step {
        ts: f.ts,
        host: f.host,
        stage: Stage::Foothold,
        shown_by: ShownBy::Fetched(at),
    };
    steps.extend(fetched.iter().enumerate().map(came));
    steps.sort_by_key(|s| (s.ts, s.stage));
    steps
}

/// Who did what a finding tells: of a mail that was acted on, who did so.
fn doer(f: &Finding) -> Addr {
    match f.acts.first() {
        Some(act) if f.sender.is_some() => act.host,
        _ => f.subject,
    }
}

/// Is it about a path from host to host, rather than about one step?
fn is_path(f: &Finding) -> bool {
    f.sender.is_none() && f.acts.iter().filter(|a| a.to.is_some()).count() > 1
}

/// Do two findings of one host and stage tell the same thing: one hop, one judgement, one place?
fn is_same(f: &Finding, other: &Finding) -> bool {
    if f.stage == Stage::Lateral {
        let to = |f: &Finding| f.peers.named().first().copied();
        return to(f).is_some() && to(f) == to(other);
    }
    f.sender == other.sender && (f.about.id == other.about.id || !f.key.is_empty() && f.key == other.key)
}

/// The one that says most first, the others by time.
fn led(findings: &[Finding], mut of: Vec<usize>) -> Vec<usize> {
    let weight = |i: &usize| {
        let says = |f: &Finding| (!is_path(f), f.severity, f.tale.is_some(), f.confidence);
        findings.get(*i).map_or((false, Severity::Info, false, crate::Confidence::default()), says)
    };
    let lead = of.iter().copied().enumerate().max_by(|(a, i), (b, j)| weight(i).cmp(&weight(j)).then(b.cmp(a)));
    if let Some((at, lead)) = lead {
        of.remove(at);
        of.insert(0, lead);
    }
    of
}
