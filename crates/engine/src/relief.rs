//! What a lane tells of its memory, and how it gives some up.

use crate::budget::{Lens, Order, Usage};
use crate::lane::Lane;
use crate::pass::Pass;
use crate::{Rows, Tap};
use sekisho_flow::{FlowId, FlowTable, Moment};
use sekisho_types::Timestamp;
use std::cmp::Reverse;

/// What the index of the flow table keeps free beside what [`FlowTable::flow_len`] tells, per flow.
const INDEX_SLACK_LEN: u64 = 16;

/// Fewest flows that a lane may have.
const FEWEST_FLOWS: u64 = 64;

/// Free buffers for out-of-order bytes that a lane keeps beyond an epoch's end.
const SPARE_LEN: u64 = 64 << 10;

/// Most out-of-order bytes of one direction of one flow.
const FLOW_REASSEMBLY_LEN: u64 = 4 << 20;

/// A parser that holds at least twice this holds more than most.
const MUCH_LEN: i64 = 2 << 10;

/// A lane whose out-of-order bytes fill so many eighths of their allowance within an epoch …
const HIGH_EIGHTHS: u64 = 7;
/// … gives up holes, of those first that hold most, down to this.
const LOW_EIGHTHS: u64 = 4;

/// A lane that is over its allowance within an epoch shrinks to so many eighths of it.
const RELIEF_EIGHTHS: u64 = 7;

// What an idle connection costs is promised.
const _: () = assert!(FlowTable::<crate::app::App>::flow_len() <= 400);

/// Bytes that a live flow takes in the table.
pub(crate) const fn flow_len() -> u64 {
    FlowTable::<crate::app::App>::flow_len() as u64 + INDEX_SLACK_LEN
}

fn len(n: usize) -> u64 {
    n as u64
}

fn size(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

impl Lane {
    /// What the lane uses.
    fn held(&self) -> Lens {
        let reassembly = len(self.flows.reassembly_len());
        let table = len(self.flows.held_len()).saturating_sub(reassembly);
        let parsers = u64::try_from(self.host.parsers_len).unwrap_or(0).saturating_add(self.shared_len());
        let fragments = len(self.defrag.held_len());
        let (decoding, files) = (self.host.out.decoding.held_len(), len(self.host.files.held_len()));
        [table, parsers, reassembly, fragments, decoding, files]
    }

    /// What is known of several flows together, and of what no flow is about. It is counted with the parsers' states;
    /// what it may come to is bounded by itself.
    fn shared_len(&self) -> u64 {
        len(self.host.out.across.held_len() + self.neighbours.held_len())
    }

    /// What the lane uses, and has used since it was asked last.
    pub fn usage(&mut self) -> Usage {
        let held = self.held();
        let [table, _, reassembly, ..] = held;
        let peak = [
            table,
            u64::try_from(std::mem::replace(&mut self.host.parsers_peak, self.host.parsers_len))
                .unwrap_or(0)
                .saturating_add(self.shared_len()),
            reassembly,
            len(self.defrag.take_peak()),
            self.host.out.decoding.take_peak(),
            len(self.host.files.take_peak()),
        ];
        Usage { held, peak, live_len: self.flows.stats().flows.saturating_mul(flow_len()) }
    }

    /// Gives half of what the lane may still come to use to another one.
    pub fn share(&mut self) -> Lens {
        let held = self.held();
        let half: Lens = std::array::from_fn(|i| self.caps[i].saturating_sub(held[i]) / 2);
        self.allow(std::array::from_fn(|i| self.caps[i] - half[i]));
        half
    }

    /// What the lane may come to use.
    pub fn allow(&mut self, caps: Lens) {
        self.caps = caps;
        self.reassembly_high = size(caps[2] / 8 * HIGH_EIGHTHS);
        let [table, parsers, reassembly, fragments, decoding, files] = caps;
        let mut limits = self.flows.config().limits;
        limits.flow_count = size((table / flow_len()).max(FEWEST_FLOWS));
        limits.reassembly_len = size(reassembly);
        limits.flow_reassembly_len = size(FLOW_REASSEMBLY_LEN.min(reassembly / 2));
        self.flows.set_limits(limits);
        self.defrag.set_limit(size(fragments));
        self.host.parsers_cap = i64::try_from(parsers.saturating_sub(self.shared_len())).unwrap_or(i64::MAX);
        self.host.out.decoding.set_limit(decoding);
        self.host.files.set_held_limit(size(files));
    }

    /// An epoch is over: gives up what has to be, in the fixed order.
    pub fn obey(&mut self, order: &Order, at: Moment, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        if let Some(goal) = order.parsers_goal {
            self.evict_holders(goal.saturating_sub(self.shared_len()), at, rows, tap);
        }
        if let Some(goal) = order.live_goal {
            self.evict_idle(goal, at, rows, tap);
        }
        let in_use = self.flows.stats().allocated_len;
        let spare = in_use.saturating_add(SPARE_LEN);
        let goal = order.reassembly_goal.unwrap_or(spare).min(spare);
        if len(self.flows.reassembly_len()) > goal {
            self.flows.shed_reassembly(size(goal), &mut Pass { host: &mut self.host, rows, tap, packet: None }, at);
        }
        self.allow(order.caps);
    }

    /// Within an epoch: out-of-order bytes near the lane's allowance. Without this the next hole would be given up,
    /// whosever it is.
    pub fn relieve_reassembly(&mut self, at: Moment, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        let goal = size(self.caps[2] / 8 * LOW_EIGHTHS);
        self.flows.shed_reassembly(goal, &mut Pass { host: &mut self.host, rows, tap, packet: None }, at);
    }

    /// Within an epoch: parsers have come to hold more than the lane's allowance.
    pub fn relieve(&mut self, at: Moment, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        let goal = u64::try_from(self.host.parsers_cap).unwrap_or(0) / 8 * RELIEF_EIGHTHS;
        self.evict_holders(goal, at, rows, tap);
    }

    /// Evicts flows whose parsers hold memory until parsers hold at most `goal` bytes: those first that hold more
    /// than most ordinary flows do, by powers of two; those alike, and the others, by how long they have been idle.
    /// Else flows that pile up state would drive out everybody who pauses.
    fn evict_holders(&mut self, goal: u64, at: Moment, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        let goal = i64::try_from(goal).unwrap_or(i64::MAX);
        let held = |lane: &Self, id| lane.flows.flow(id).map_or(0, |(_, app)| app.counted_len());
        let mut flows: Vec<FlowId> = self.idle(|lane, id| held(lane, id) > 0).collect();
        // The sort is stable: among those alike the order of idleness stays.
        flows.sort_by_cached_key(|id| Reverse(held(self, *id).max(MUCH_LEN).ilog2()));
        for flow in flows {
            if self.host.parsers_len <= goal {
                return;
            }
            self.flows.evict_flow(flow, &mut Pass { host: &mut self.host, rows, tap, packet: None }, at);
        }
    }

    /// Evicts flows, in the table's own order, until the live ones take at most `goal` bytes of it.
    fn evict_idle(&mut self, goal: u64, at: Moment, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        let live = self.flows.stats().flows;
        let surplus = size(live.saturating_sub(goal / flow_len()));
        self.flows.evict_idlest(surplus, &mut Pass { host: &mut self.host, rows, tap, packet: None }, at);
    }

    /// The live flows that `wanted` names, the longest idle first.
    fn idle(&self, wanted: impl Fn(&Self, FlowId) -> bool) -> std::vec::IntoIter<FlowId> {
        let mut flows: Vec<(Timestamp, u64, FlowId)> = Vec::new();
        self.flows.idlest(&mut flows);
        flows.retain(|(_, _, id)| wanted(self, *id));
        flows.sort_unstable_by_key(|f| (f.0, f.1));
        flows.into_iter().map(|f| f.2).collect::<Vec<_>>().into_iter()
    }
}
