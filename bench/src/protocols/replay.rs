//! Recorded calls, made again: the part that is measured.

use super::{Call, ProtocolCase, Script, Step};
use sekisho_proto::{Across, Cx, FileId, FileInfo, FileMeta, Files, Outbox, Parser, Start, Transport};
use sekisho_types::{Arrival, FlowInfo, Timestamp, Uid};

/// Takes files and only counts their bytes: what is done with content is not the parser's work.
#[derive(Default)]
pub struct Idle {
    seen: Vec<u64>,
}

impl Files for Idle {
    fn open(&mut self, _: &FlowInfo, _: Timestamp, _: FileMeta) -> FileId {
        self.seen.push(0);
        FileId(self.seen.len() as u64 - 1)
    }

    fn data(&mut self, id: FileId, _: Arrival, bytes: &[u8]) {
        self.seen[id.0 as usize] += bytes.len() as u64;
    }

    fn data_at(&mut self, id: FileId, at: Arrival, _: (u64, bool), bytes: &[u8]) {
        self.data(id, at, bytes);
    }

    fn gap(&mut self, _: FileId, _: Timestamp, _: u64) {}

    fn set_name(&mut self, _: FileId, _: &[u8]) {}

    fn set_total(&mut self, _: FileId, _: u64) {}

    fn info(&self, id: FileId) -> FileInfo {
        FileInfo { fuid: Uid::default(), mime_type: None, seen_bytes: self.seen[id.0 as usize] }
    }

    fn close(&mut self, id: FileId, _: Timestamp, _: bool) -> FileInfo {
        self.info(id)
    }
}

/// What parsers put their results into.
#[derive(Default)]
pub struct Host {
    pub(super) out: Outbox,
    pub(super) files: Idle,
    /// The last call was rejected without anything confirmed.
    pub(super) rejected: bool,
    /// Rows that came out.
    pub(super) rows: u64,
}

impl Host {
    /// For a run of its own.
    fn new() -> Self {
        let mut host = Self { out: Outbox { across: Across::new(0), ..Outbox::default() }, ..Self::default() };
        host.out.across.lead();
        host
    }

    pub(super) fn call(&mut self, parser: &mut Parser, transport: Transport, step: &Step) {
        let mut cx = Cx::new(step.ts, step.packet, &step.flow, transport, &mut self.out, &mut self.files);
        match &step.call {
            Call::Data(dir, bytes) => parser.data(*dir, bytes, &mut cx),
            Call::Gap(dir, len) => parser.gap(*dir, *len, &mut cx),
            Call::HalfClosed(dir) => parser.half_closed(*dir, &mut cx),
        }
        self.rejected = self.out.rejected.is_some() && self.out.is_unconfirmed();
    }

    pub(super) fn end(&mut self, parser: &mut Parser, transport: Transport, flow: &FlowInfo, last: (Timestamp, u64)) {
        parser.end(&mut Cx::new(last.0, last.1, flow, transport, &mut self.out, &mut self.files));
    }

    /// Takes what a call left, as the engine does after each.
    pub(super) fn settle(&mut self) {
        let out = &mut self.out;
        self.rows += out.events.len() as u64;
        out.events.clear();
        out.once.clear();
        out.weirds.clear();
        out.expectations.clear();
        out.tunnels.clear();
        out.confirmed.clear();
        out.confirmed_midstream.clear();
        out.recognized.clear();
        out.rejected = None;
        out.opaque = false;
        out.hand_over = None;
        out.flip = false;
    }

    fn script(&mut self, script: &Script) {
        let Script { id, transport, flow, handed_over_by, begun, .. } = script;
        let expected = script.expectation();
        let start = Start {
            transport: *transport,
            flow,
            handed_over_by: *handed_over_by,
            begun: begun.as_ref(),
            expected: expected.as_ref(),
        };
        let mut parser = Parser::start(*id, &start);
        for step in &script.steps {
            self.call(&mut parser, *transport, step);
            let over = self.out.rejected.is_some() || self.out.opaque || self.out.hand_over.is_some();
            self.settle();
            if over {
                break;
            }
            parser.recount();
        }
        self.end(&mut parser, *transport, script.steps.last().map_or(flow, |s| &s.flow), script.last);
        self.settle();
    }

    /// Nothing more comes: what was joined across flows leaves.
    fn finish(&mut self) {
        self.out.across.finish(&mut self.out.events);
        self.settle();
    }
}

impl ProtocolCase {
    /// One round; the number of rows.
    pub fn round(&self) -> u64 {
        // Each round has an account of its own for decompression, and nothing was logged before.
        let mut host = Host::new();
        self.scripts.iter().for_each(|s| host.script(s));
        host.finish();
        host.rows
    }
}

/// A case's rounds; the number of rows.
///
/// Not inlined: instructions are counted from the entry of this function to its exit.
#[inline(never)]
pub fn replay_rounds(case: &ProtocolCase, rounds: u32) -> u64 {
    (0..rounds).map(|_| case.round()).sum()
}
