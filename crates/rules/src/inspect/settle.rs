//! From what rules say of a packet to its alerts: `pass`, thresholds, order, and how many.

use super::FlowAndState;
use super::desk::Desk;
use crate::compile::Program;
use crate::eval::Scene;
use crate::ir::{Threshold, ThresholdKind};
use crate::state::{FlowState, Outcome, Thresholds};
use crate::view::{Anchor, FlowView, Hit, PacketView};

impl Desk {
    /// See [`Inspector::settle`](super::Inspector::settle).
    pub(super) fn settle(
        &mut self,
        program: &Program,
        packet: &PacketView<'_>,
        mut flow: FlowAndState<'_>,
        hits: &mut Vec<Hit>,
    ) {
        if let Some(pass) = self.passed {
            hits.retain(|hit| hit.rule < pass);
            hits.iter_mut().for_each(|hit| hit.passed = true);
        }
        if hits.is_empty() {
            return;
        }
        hits.sort_by_key(|hit| {
            let exchange = match hit.anchor {
                Anchor::Transaction(id) => id + 1,
                Anchor::Frame(_, id, _) => id,
                _ => 0,
            };
            (hit.rule, exchange)
        });
        hits.retain(|hit| {
            let told = self.is_told(program, packet, flow.as_mut(), hit);
            self.scratch.counters.alerts_suppressed += u64::from(!told);
            told
        });
        let room = program.alert_count.saturating_sub(self.alert_count);
        self.scratch.counters.alerts_cut += hits.len().saturating_sub(room) as u64;
        hits.truncate(room);
        self.alert_count += hits.len();
    }

    fn is_told(
        &mut self,
        program: &Program,
        packet: &PacketView<'_>,
        flow: Option<&mut (&FlowView, &mut FlowState)>,
        hit: &Hit,
    ) -> bool {
        let at = hit.rule as usize;
        let (Some(rule), Some(plan)) = (program.set.rules.get(at), program.plans.get(at)) else { return false };
        if rule.thresholds.is_empty() && program.set.global_thresholds.is_empty() {
            return true;
        }
        let view_dir = flow.as_ref().map(|(view, _)| view.dir);
        let dir = plan.dir.or(view_dir).unwrap_or(sekisho_types::Dir::Orig);
        let swapped = view_dir.is_some_and(|view| view != dir);
        let scene = Scene { packet, flow: None, dir, swapped, in_stream: false };
        let number = self.flow_number(flow);
        let of_file = program.set.global_thresholds.iter().enumerate().filter(|(_, (gid, sid, threshold))| {
            let exact = *gid == rule.gid && *sid == rule.sid;
            let wide = (*gid == 0 || *gid == rule.gid) && *sid == 0;
            // What a rule says of itself outweighs what a file says of all.
            exact || wide && (rule.thresholds.is_empty() || threshold.kind == ThresholdKind::Suppress)
        });
        let of_rule = (0u16..).zip(&rule.thresholds).map(|(nth, threshold)| (hit.rule, nth, threshold));
        let of_file = of_file.map(|(n, (_, _, t))| (hit.rule, u16::MAX - u16::try_from(n).unwrap_or(0), t));
        let all: Vec<(u32, u16, &Threshold)> = of_rule.chain(of_file).collect();
        all.into_iter()
            .all(|(rule, nth, threshold)| self.threshold(&scene, number, rule, nth, threshold) == Outcome::Alert)
    }

    fn threshold(&mut self, scene: &Scene<'_>, flow: u64, rule: u32, nth: u16, threshold: &Threshold) -> Outcome {
        let (src, dst) = scene.ends();
        if threshold.kind == ThresholdKind::Suppress {
            return if suppresses(threshold, src, dst) { Outcome::No } else { Outcome::Alert };
        }
        let key = Thresholds::key(rule, nth, threshold.track, src, dst, flow);
        let d = scene.packet.decoded;
        let (src_port, dst_port) = if scene.swapped { (d.dst_port, d.src_port) } else { (d.src_port, d.dst_port) };
        let port = if threshold.unique_on.as_deref() == Some("src_port") { src_port } else { dst_port };
        self.thresholds.count(threshold, key, scene.packet.ts, port, &mut self.scratch.counters)
    }

    /// A number that stands for the flow; 0: there is none.
    fn flow_number(&mut self, flow: Option<&mut (&FlowView, &mut FlowState)>) -> u64 {
        let Some((_, state)) = flow else { return 0 };
        if state.number == 0 {
            self.flow_count += 1;
            state.number = self.flow_count;
        }
        state.number
    }
}

fn suppresses(threshold: &Threshold, src: u128, dst: u128) -> bool {
    use crate::ir::Track;
    let Some(addresses) = &threshold.addresses else { return true };
    let has = |n: u128| addresses.has_number(n);
    match threshold.track {
        Track::BySrc => has(src),
        Track::ByDst => has(dst),
        _ => has(src) || has(dst),
    }
}
