//! The risk score of an incident, which a person can add up by hand (`detections.md` §14.4). For ordering only.

use crate::{Confidence, Finding, Stage};
use sekisho_types::{Interval, Timestamp};
use std::collections::BTreeMap;

/// What is left of a finding's points after this time is half.
const HALF_LIFE: Interval = Interval::from_secs(3 * 86_400);
/// Parts of the attack have to be as sure as this to multiply.
const SURE: Confidence = Confidence::new(500);
/// Parts that come in the table's order within this time make it a chain.
const IN_ORDER_WITHIN: Interval = Interval::from_secs(14 * 86_400);
/// So many make a chain.
const CHAIN: usize = 3;
/// Points that make a score of 63.
const SCALE: f64 = 80.0;

/// What a host is to the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asset {
    /// One of many.
    #[default]
    Ordinary,
    /// Others use it.
    Server,
    /// Others depend on it: a domain controller.
    Critical,
}

impl Asset {
    /// The factor, in hundredths.
    pub const fn factor(self) -> u32 {
        match self {
            Self::Ordinary => 100,
            Self::Server => 125,
            Self::Critical => 150,
        }
    }
}

/// What one judgement adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The judgement's id.
    pub id: &'static str,
    /// In words.
    pub title: &'static str,
    /// Points, in tenths.
    pub tenths: u32,
}

/// How urgent an incident is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Risk {
    /// 0 to 100.
    pub score: u8,
    /// What it is made of, the most first.
    pub terms: Vec<Term>,
    /// Parts of an attack that were seen, by the time of their first sign.
    pub stages: Vec<Stage>,
    /// Three of them came in the order in which attacks go.
    pub in_order: bool,
    /// Factor for several parts, in hundredths.
    pub stage_factor: u32,
    /// Factor for what the host is, in hundredths.
    pub asset_factor: u32,
}

impl Risk {
    /// Of these findings, at a time, for such a host.
    pub(super) fn of(steps: &[&Finding], now: Timestamp, asset: Asset) -> Self {
        let mut of_rule: BTreeMap<&'static str, (&'static str, Vec<f64>)> = BTreeMap::new();
        for f in steps {
            let age = (now - f.last).0.max(0) as f64 / HALF_LIFE.0 as f64;
            let points = f64::from(f.severity.points()) * f.confidence.as_f64() * 0.5f64.powf(age);
            of_rule.entry(f.about.id).or_insert((f.about.title, Vec::new())).1.push(points);
        }
        // Many copies of one thing count at most one and a half times.
        let worth = |points: &[f64]| {
            let most = points.iter().copied().fold(0.0, f64::max);
            let others = points.iter().sum::<f64>() - most;
            most + (0.25 * others).min(0.5 * most)
        };
        let sum: f64 = of_rule.values().map(|(_, points)| worth(points)).sum();
        let mut terms: Vec<Term> = of_rule
            .iter()
            .map(|(id, (title, points))| Term { id, title, tenths: rounded(worth(points) * 10.0) })
            .collect();
        terms.sort_by(|a, b| b.tenths.cmp(&a.tenths).then(a.id.cmp(b.id)));
        let stages = stages(steps);
        let counted = stages.iter().filter(|s| s.0 > Stage::Recon).count();
        let in_order = chain(&stages) >= CHAIN;
        let several = 100 + 25 * u32::try_from(counted.saturating_sub(1)).unwrap_or(u32::MAX / 50);
        let stage_factor = several.saturating_add(if in_order { 25 } else { 0 }).min(250);
        let asset_factor = asset.factor();
        let factors = f64::from(stage_factor) * f64::from(asset_factor) / 10_000.0;
        Self {
            score: u8::try_from(rounded(100.0 * (1.0 - (-factors * sum / SCALE).exp()))).unwrap_or(100),
            terms,
            stages: stages.into_iter().map(|s| s.0).collect(),
            in_order,
            stage_factor,
            asset_factor,
        }
    }

    /// What to do about it.
    pub const fn word(&self) -> &'static str {
        match self.score {
            ..20 => "nothing to do",
            20..45 => "look this week",
            45..70 => "look today",
            _ => "act now",
        }
    }
}

/// Of what is never negative, and below four thousand million.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "points are few and positive")]
fn rounded(points: f64) -> u32 {
    points.round() as u32
}

/// Parts that are sure enough, by their first sign.
fn stages(steps: &[&Finding]) -> Vec<(Stage, Timestamp)> {
    let mut all: Vec<(Stage, Timestamp)> = Vec::new();
    for f in steps.iter().filter(|f| f.confidence >= SURE) {
        match all.iter_mut().find(|s| s.0 == f.stage) {
            Some(known) => known.1 = known.1.min(f.first),
            None => all.push((f.stage, f.first)),
        }
    }
    all.sort_by_key(|s| (s.1, s.0));
    all
}

/// The most parts behind recon that follow each other in the table's order, within the time.
fn chain(stages: &[(Stage, Timestamp)]) -> usize {
    let stages: Vec<&(Stage, Timestamp)> = stages.iter().filter(|s| s.0 > Stage::Recon).collect();
    let from = |begin: usize| {
        let mut lens: Vec<(usize, Stage)> = Vec::new();
        let first = stages.get(begin).map_or(Timestamp::default(), |s| s.1);
        for (stage, _) in stages.iter().skip(begin).take_while(|s| s.1 - first <= IN_ORDER_WITHIN) {
            let before = lens.iter().filter(|l| l.1 < *stage).map(|l| l.0).max().unwrap_or(0);
            lens.push((before + 1, *stage));
        }
        lens.iter().map(|l| l.0).max().unwrap_or(0)
    };
    (0..stages.len()).map(from).max().unwrap_or(0)
}
