//! Frames: which rules to look at when more of one has come.

use super::desk::Desk;
use crate::compile::{FrameGroup, Program, is_app};
use crate::eval::{Hay, Source, Verdict, transformed};
use crate::state::FlowState;
use crate::view::{Anchor, FlowView, FrameView, Hit, PacketView};

impl Desk {
    /// See [`Inspector::frame`](super::Inspector::frame).
    pub(super) fn frame(
        &mut self,
        program: &Program,
        packet: &PacketView<'_>,
        (view, state): (&FlowView, &mut FlowState),
        frame: &FrameView<'_>,
        hits: &mut Vec<Hit>,
    ) {
        self.turn_to(packet);
        if state.passed || frame.bytes.is_empty() {
            return;
        }
        let groups = frame.dir.of(&program.frame_groups);
        let concerns = |group: &&FrameGroup| group.kind == frame.kind && is_app(group.app, view.app);
        self.candidates.begin();
        for group in groups.iter().filter(concerns) {
            self.collect_frame(program, group, frame);
        }
        self.candidates.sort();
        let rules = std::mem::take(&mut self.candidates.rules);
        let hay = Hay { bytes: frame.bytes, base: frame.base, reach: frame.reach, open: !frame.ends };
        for &number in &rules {
            let mut source = Source::Frame(frame.kind, hay);
            let found = self.look(program, number, packet, Some(&mut (view, &mut *state)), frame.dir, &mut source);
            if found == Verdict::Match {
                let anchor = Anchor::Frame(frame.dir, frame.id, frame.tx);
                self.matched(program, number, packet, &mut Some((view, &mut *state)), frame.dir, anchor, hits);
            }
        }
        self.candidates.rules = rules;
    }

    fn collect_frame(&mut self, program: &Program, group: &FrameGroup, frame: &FrameView<'_>) {
        self.candidates.add_all(&group.group.always);
        match program.sets.transforms.get(usize::from(group.transforms)).filter(|chain| !chain.is_empty()) {
            None => {
                group.group.scan(frame.bytes, frame.base, 0, &program.owners, &mut self.candidates);
            }
            Some(chain) => {
                let made = transformed(chain, frame.bytes.get(frame.reach..).unwrap_or_default());
                group.group.scan(&made, 0, 0, &program.owners, &mut self.candidates);
            }
        }
    }
}
