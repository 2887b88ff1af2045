//! The inspector: what a shard keeps to run a program over packets, streams and exchanges.

mod desk;
mod exchange;
mod frame;
mod memo;
mod settle;
mod trace;

pub use trace::{MATCH_COUNT_MAX, Reach, Tally, Traced};

use crate::compile::Program;
use crate::eval::Counters;
use crate::state::{Ahead, FlowState};
use crate::view::{Content, FlowView, FrameView, Hit, PacketView};
use desk::Desk;
use sekisho_transaction::{Look, Mark, Transaction};
use sekisho_types::Dir;
use std::sync::Arc;

/// Alerts of one packet at most: Suricata's `packet-alert-max`.
pub const ALERT_COUNT_MAX: usize = 15;
/// What a rule cost, counted in steps, so that it is the same on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Times it was a candidate.
    pub checks: u64,
    /// Times its head and cheap conditions let its buffers be looked at.
    pub looks: u64,
    /// Times it matched.
    pub matches: u64,
    /// Steps of its buffers that were tried.
    pub steps: u64,
}

/// Runs a program over what one shard sees.
#[derive(Debug)]
pub struct Inspector {
    program: Arc<Program>,
    desk: Desk,
}

/// Flow and what is remembered of it.
type FlowAndState<'f> = Option<(&'f FlowView, &'f mut FlowState)>;

impl Inspector {
    /// An inspector with nothing seen. `seed` is the run's.
    pub fn new(program: Arc<Program>, seed: u64) -> Self {
        Self { desk: Desk::new(&program, seed), program }
    }

    /// The program that it runs.
    pub const fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// What each rule cost, by its number.
    pub fn costs(&self) -> &[Cost] {
        &self.desk.costs
    }

    /// What was counted.
    pub const fn counters(&self) -> &Counters {
        &self.desk.scratch.counters
    }

    /// Looks at a packet. `flow`: the one it belongs to, as it stands with it.
    ///
    /// What rules say is added to `hits`; when everything of a packet was shown (its stream, its exchanges), [`Self::settle`]
    /// makes alerts of them.
    pub fn packet(&mut self, packet: &PacketView<'_>, flow: FlowAndState<'_>, hits: &mut Vec<Hit>) {
        self.desk.packet(&self.program, packet, flow, hits);
    }

    /// Has it nothing to say of a packet of TCP and `dir` in which nothing is searched, because it has no payload or is encrypted? It is as
    /// if [`Self::packet`] had looked. `app`: the flow's protocol.
    pub fn is_done_with(&self, state: &FlowState, dir: Dir, app: impl FnOnce() -> &'static str) -> bool {
        self.desk.is_done_with(&self.program, state, dir, app)
    }

    /// Searches the packet at hand ahead of [`Self::packet`]: may a rule that names the protocol `app` match on it?
    pub fn foresees(&mut self, packet: &PacketView<'_>, state: &mut FlowState, dir: Dir, app: &'static str) -> bool {
        self.desk.foresees(&self.program, packet, state, dir, app)
    }

    /// Before parsers see the next bytes of `dir`: rules about exchanges that search payload, too, will look there. `app`: the
    /// protocol, as far as it is known (else `""`).
    pub fn ahead(&self, state: &mut FlowState, dir: Dir, app: &'static str, bytes: &[u8]) {
        if state.is_out() {
            return;
        }
        if self.program.searches_payload_of(app) {
            dir.of_mut(&mut state.ahead).push(bytes);
        } else {
            *dir.of_mut(&mut state.ahead) = Ahead::default();
        }
    }

    /// Looks at what comes next in a stream: `bytes` at `offset` of what `dir` sends.
    #[expect(clippy::too_many_arguments, reason = "the engine's view, and what came")]
    pub fn stream(
        &mut self,
        packet: &PacketView<'_>,
        view: &FlowView,
        state: &mut FlowState,
        dir: Dir,
        offset: u64,
        bytes: &[u8],
        hits: &mut Vec<Hit>,
    ) {
        self.desk.stream(&self.program, packet, (view, state), dir, offset, bytes, hits);
    }

    /// Looks at a frame of which more has come. A rule may match again in what comes later of it.
    pub fn frame(
        &mut self,
        packet: &PacketView<'_>,
        view: &FlowView,
        state: &mut FlowState,
        frame: &FrameView<'_>,
        hits: &mut Vec<Hit>,
    ) {
        self.desk.frame(&self.program, packet, (view, state), frame, hits);
    }

    /// Looks at an exchange that has come to a further stage.
    #[expect(clippy::too_many_arguments, reason = "the engine's view, and what came")]
    pub fn transaction(
        &mut self,
        packet: &PacketView<'_>,
        view: &FlowView,
        state: &mut FlowState,
        look: Look,
        tx: &dyn Transaction,
        mark: &mut Mark,
        content: &dyn Content,
        hits: &mut Vec<Hit>,
    ) {
        self.desk.transaction(&self.program, packet, (view, state), look, tx, mark, content, hits);
    }

    /// Something of the packet at hand was shown (the packet, a stream, an exchange, or all of it): leaves in `hits` the
    /// alerts that come of it, in order.
    pub fn settle(&mut self, packet: &PacketView<'_>, flow: FlowAndState<'_>, hits: &mut Vec<Hit>) {
        self.desk.settle(&self.program, packet, flow, hits);
    }

    /// Hits show from now on what matched.
    pub fn keep_excerpts(&mut self) {
        self.desk.scratch.keeps_excerpts = true;
    }

    /// Remembers from now on how far each rule comes, and what matched.
    pub fn trace(&mut self) {
        self.desk.trace();
    }
}

#[cfg(test)]
mod tests;
