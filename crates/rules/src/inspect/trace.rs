//! What rules cost and how far they came, for people who write them.

use super::desk::Desk;
use super::{Cost, Inspector};
use crate::view::Excerpt;

/// Packets on which a rule matched that are remembered.
pub const MATCH_COUNT_MAX: usize = 16;

/// How far a rule came at best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// It was never looked at: its literal was not seen, or nothing of its kind.
    #[default]
    Never,
    /// Its head was others': protocol, addresses, ports, direction.
    Head,
    /// That one of its conditions did not hold; those before it did.
    Condition(u16),
    /// All that came held; that one of its buffers did not come.
    Waits(u16),
    /// In that one of its buffers so many steps held; not the next.
    Match {
        /// Place in [`crate::ir::Rule::matches`].
        at: u16,
        /// Steps that held.
        steps: u16,
    },
    /// It matched.
    Matched,
}

impl Reach {
    /// Larger is further.
    const fn rank(self) -> (u8, u16, u8, u16) {
        match self {
            Self::Never => (0, 0, 0, 0),
            Self::Head => (1, 0, 0, 0),
            Self::Condition(at) => (2, at, 0, 0),
            Self::Waits(at) => (3, at, 0, 0),
            Self::Match { at, steps } => (3, at, 1, steps),
            Self::Matched => (4, 0, 0, 0),
        }
    }
}

/// What is remembered of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traced {
    /// How far it came at best.
    pub reach: Reach,
    /// The first packet at hand when it did; 0: a flow ended, or time passed.
    pub packet: u64,
    /// Packets at hand when it matched, the first few.
    pub matches: Vec<u64>,
    /// What matched on the first of them: the packet, pieces of what was looked at.
    pub excerpts: Option<(u64, Vec<Excerpt>)>,
}

impl Traced {
    /// What matched, if it is the first match.
    pub(super) fn keep(&mut self, excerpts: &[Excerpt], packet: u64) {
        if self.excerpts.is_none() {
            self.excerpts = Some((packet, excerpts.to_vec()));
        }
    }

    fn take(&mut self, reach: Reach, packet: u64) {
        if reach.rank() > self.reach.rank() {
            (self.reach, self.packet) = (reach, packet);
        }
        if reach == Reach::Matched && self.matches.len() < MATCH_COUNT_MAX {
            self.matches.push(packet);
        }
    }
}

/// Of all rules, by their numbers, summed over inspectors.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// What they cost.
    pub costs: Vec<Cost>,
    /// How far they came; empty unless inspectors were told to trace.
    pub traces: Vec<Traced>,
}

impl Tally {
    /// Adds what an inspector knows.
    pub fn add(&mut self, inspector: &Inspector) {
        self.costs.resize(self.costs.len().max(inspector.desk.costs.len()), Cost::default());
        for (sum, cost) in self.costs.iter_mut().zip(&inspector.desk.costs) {
            sum.checks += cost.checks;
            sum.looks += cost.looks;
            sum.matches += cost.matches;
            sum.steps += cost.steps;
        }
        let Some(traces) = &inspector.desk.traces else { return };
        self.traces.resize(self.traces.len().max(traces.len()), Traced::default());
        for (sum, traced) in self.traces.iter_mut().zip(traces) {
            let earlier = traced.reach == sum.reach && traced.packet < sum.packet;
            if earlier || traced.reach.rank() > sum.reach.rank() {
                (sum.reach, sum.packet) = (traced.reach, traced.packet);
            }
            let first = |kept: &Option<(u64, Vec<Excerpt>)>| kept.as_ref().map_or(u64::MAX, |e| e.0);
            if first(&traced.excerpts) < first(&sum.excerpts) {
                sum.excerpts.clone_from(&traced.excerpts);
            }
            sum.matches.extend(&traced.matches);
            sum.matches.sort_unstable();
            sum.matches.truncate(MATCH_COUNT_MAX);
        }
    }
}

impl Desk {
    /// See [`Inspector::trace`].
    pub(super) fn trace(&mut self) {
        self.scratch.keeps_excerpts = true;
        self.traces.get_or_insert_with(|| vec![Traced::default(); self.costs.len()]);
    }

    /// A rule came so far with the packet at hand.
    pub(super) fn note_reach(&mut self, number: u32, packet: u64, reach: Reach) {
        if let Some(traced) = self.traces.as_mut().and_then(|traces| traces.get_mut(number as usize)) {
            traced.take(reach, packet);
        }
    }
}
