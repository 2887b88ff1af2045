//! Rules about frames, by frame, direction and transforms.

use super::fast::Chosen;
use super::groups::{Draft, Group, Owners};
use super::plan::Plan;
use crate::ir::{Buffer, Rule};
use sekisho_transaction::{FrameKind, FrameSet};
use sekisho_types::Dir;
use std::collections::BTreeMap;

/// Rules about one frame of one protocol in one direction that see it through the same transforms.
#[derive(Debug)]
pub(crate) struct FrameGroup {
    pub(crate) kind: FrameKind,
    /// The protocol of whose flows the frame is.
    pub(crate) app: &'static str,
    pub(crate) transforms: u16,
    pub(crate) group: Group,
}

/// All groups, while they are put together.
#[derive(Debug, Default)]
pub(crate) struct FrameDrafts([BTreeMap<(FrameKind, &'static str, u16), Draft>; 2]);

impl FrameDrafts {
    /// Adds a rule, with the literal that stands for it and the buffer (of its matches) that has it. Of several frames that a
    /// rule names each is enough: only that with the literal can be found by it.
    pub(crate) fn add(&mut self, number: u32, rule: &Rule, plan: &Plan, chosen: Option<Chosen<'_>>) {
        for (place, of) in plan.buffers.iter().enumerate() {
            let Some(Buffer::Frame(app, kind)) = rule.matches.get(usize::from(of.at)).map(|m| m.buffer) else {
                continue;
            };
            let own = chosen.filter(|chosen| chosen.buffer == place).map(|chosen| chosen.wanted);
            for dir in [Dir::Orig, Dir::Resp] {
                if plan.dir.is_none_or(|only| only == dir) {
                    dir.of_mut(&mut self.0).entry((kind, app, of.transforms)).or_default().add(number, own);
                }
            }
        }
    }

    /// The frames that rules look at.
    pub(crate) fn wanted(&self) -> FrameSet {
        let mut set = FrameSet::default();
        self.0.iter().flat_map(BTreeMap::keys).for_each(|(kind, ..)| set.add(*kind));
        set
    }

    /// Makes the groups; `owners` are of all literals of the program.
    pub(crate) fn finish(self, owners: &mut Owners) -> [Vec<FrameGroup>; 2] {
        let mut finish = |((kind, app, transforms), draft): ((FrameKind, &'static str, u16), Draft)| FrameGroup {
            kind,
            app,
            transforms,
            group: draft.finish(owners),
        };
        self.0.map(|drafts| drafts.into_iter().map(&mut finish).collect())
    }
}
