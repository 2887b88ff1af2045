//! A fixed part of a pass: the flows of some address pairs, with all that works on them.
//!
//! What a shard does follows from the packets dealt to it and the run's time alone.

use crate::budget::{Order, Usage};
use crate::deal::{Announced, Hash};
use crate::lane::{Carried, Lane, Outer, Way};
use crate::records::TunnelRecord;
use crate::{Rows, Settings, Stats, Tap};
use sekisho_flow::{FlowId, Moment};
use sekisho_output::eve::Counts;
use sekisho_rules::Tally;
use sekisho_types::{FiveTuple, Timestamp};
use sekisho_wire::Decoded;
use std::sync::Arc;

/// A packet found in another one, on its way to its shard.
pub(crate) struct Parcel {
    pub shard: usize,
    /// How many packets it was found in, if it may carry another; `None`: it carries nothing.
    pub stage: Option<usize>,
    decoded: Decoded,
    content: Content,
    outer: Outer,
    others: Vec<u64>,
}

/// Where a packet's bytes are.
enum Content {
    Frame { at: usize, len: usize },
    Owned { bytes: Vec<u8>, at: usize, len: usize },
}

impl Content {
    fn of<'a>(&'a self, frame: &'a [u8]) -> &'a [u8] {
        let (bytes, at, len) = match self {
            Self::Frame { at, len } => (frame, *at, *len),
            Self::Owned { bytes, at, len } => (&bytes[..], *at, *len),
        };
        bytes.get(at..at + len).unwrap_or(&[])
    }

    fn part(self, from: usize, len: usize) -> Self {
        match self {
            Self::Frame { at, .. } => Self::Frame { at: at + from, len },
            Self::Owned { bytes, at, .. } => Self::Owned { bytes, at: at + from, len },
        }
    }
}

/// The flows of some address pairs.
pub(crate) struct Shard {
    /// Packets that carry nothing.
    leaves: Lane,
    /// Packets that may carry others, by how many packets they were found in. Apart from the leaves, so that all
    /// carriers of a batch can be opened before what was in them takes its place among the other packets.
    carriers: Vec<Lane>,
    /// Before then no lane has a timer.
    next_due: Timestamp,
    settings: Arc<Settings>,
}

impl Shard {
    pub fn new(settings: &Arc<Settings>) -> Self {
        let leaves = Lane::new(settings);
        Self { next_due: leaves.next_due(), leaves, carriers: Vec::new(), settings: Arc::clone(settings) }
    }

    /// What belongs together across address pairs comes to this shard.
    pub fn lead(&mut self) {
        self.leaves.lead();
        self.next_due = self.leaves.next_due();
    }

    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.carriers.iter().chain([&self.leaves])
    }

    pub fn lanes_mut(&mut self) -> impl Iterator<Item = &mut Lane> {
        self.carriers.iter_mut().chain([&mut self.leaves])
    }

    /// Before then nothing happens by the mere passing of time.
    pub fn next_due(&self) -> Timestamp {
        self.next_due
    }

    /// Before then no timer of a leaf is due.
    pub fn leaves_due(&self) -> Timestamp {
        self.leaves.next_due()
    }

    /// Lanes of carriers so far.
    pub fn carrier_lanes(&self) -> usize {
        self.carriers.len()
    }

    /// The lane of carriers of a stage, or that of the leaves, with its place among the lanes.
    pub fn lane(&mut self, stage: Option<usize>) -> Option<(usize, &mut Lane)> {
        match stage {
            Some(stage) => Some((stage, self.carriers.get_mut(stage)?)),
            None => Some((self.carriers.len(), &mut self.leaves)),
        }
    }

    /// A frame that carries nothing.
    pub fn leaf(&mut self, d: &Decoded, bytes: &[u8], way: &mut Way<'_>) {
        self.leaves.leaf(d, bytes, &Outer::NONE, way);
        self.next_due = self.next_due.min(self.leaves.next_due());
    }

    /// Counts and logs what is odd about the headers of a frame.
    pub fn note_anomalies(&mut self, d: &Decoded, way: &mut Way<'_>) {
        self.leaves.note_anomalies(d, way.at, way.rows);
    }

    /// A frame that may carry a packet: that.
    pub fn carrier(&mut self, d: &Decoded, bytes: &[u8], hash: Hash, way: &mut Way<'_>) -> Option<Parcel> {
        let carried = self.stage(0).carrier(d, bytes, Outer::NONE, way);
        let content = Content::Frame { at: 0, len: bytes.len() };
        self.unpack(carried, content, Vec::new(), 0, hash, way)
    }

    /// A packet found in frame `frame`, and what it carries itself.
    pub fn parcel(&mut self, parcel: Parcel, frame: &[u8], hash: Hash, way: &mut Way<'_>) -> Option<Parcel> {
        let Parcel { stage, decoded, content, outer, others, .. } = parcel;
        way.others = others;
        let Some(stage) = stage else {
            self.leaves.leaf(&decoded, content.of(frame), &outer, way);
            self.next_due = self.next_due.min(self.leaves.next_due());
            way.others.clear();
            return None;
        };
        let carried = self.stage(stage).carrier(&decoded, content.of(frame), outer, way);
        let others = std::mem::take(&mut way.others);
        self.unpack(carried, content, others, stage, hash, way)
    }

    /// What a packet of stage `stage` had in it.
    fn unpack(
        &mut self,
        mut carried: Carried,
        mut content: Content,
        mut others: Vec<u64>,
        stage: usize,
        hash: Hash,
        way: &mut Way<'_>,
    ) -> Option<Parcel> {
        loop {
            self.next_due = self.next_due.min(self.stage(stage).next_due());
            match carried {
                Carried::Nothing => return None,
                Carried::Inner { inner, decoded, outer } => {
                    let content = content.part(inner.offset as usize, inner.len as usize);
                    let bytes = content.of(way.frame);
                    let place = hash.packet(&decoded, bytes);
                    let stage = place.carrier.then_some(stage + 1);
                    return Some(Parcel { shard: place.shard, stage, decoded, content, outer, others });
                }
                Carried::Whole { decoded, bytes, packets, outer } => {
                    let place = hash.packet(&decoded, &bytes);
                    others = packets;
                    let len = bytes.len();
                    content = Content::Owned { bytes, at: 0, len };
                    if !place.carrier {
                        return Some(Parcel { shard: place.shard, stage: None, decoded, content, outer, others });
                    }
                    // It belongs to the flow of those that came unfragmented.
                    way.others = others;
                    carried = self.stage(stage).carrier(&decoded, content.of(&[]), outer, way);
                    others = std::mem::take(&mut way.others);
                }
            }
        }
    }

    fn stage(&mut self, stage: usize) -> &mut Lane {
        while self.carriers.len() <= stage {
            let mut lane = Lane::new(&self.settings);
            // Half of what the one before has left, so that deep nesting takes nothing from ordinary packets.
            lane.allow(self.carriers.last_mut().unwrap_or(&mut self.leaves).share());
            self.carriers.push(lane);
        }
        &mut self.carriers[stage]
    }

    /// Time has come to `now`.
    pub fn advance(&mut self, now: Timestamp, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        for lane in self.lanes_mut() {
            lane.advance(now, rows, tap);
        }
        self.next_due = self.lanes().map(Lane::next_due).min().unwrap_or_default();
    }

    /// An epoch is over: files that stalled end.
    pub fn sweep(&mut self, now: Timestamp, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        for lane in self.lanes_mut() {
            lane.sweep(now, rows, tap);
        }
    }

    /// What each lane uses.
    pub fn usages(&mut self) -> impl Iterator<Item = Usage> {
        self.lanes_mut().map(Lane::usage)
    }

    /// Each lane follows the next of `orders`, which answer the last [`Shard::usages`].
    pub fn obey<'o>(
        &mut self,
        orders: &mut impl Iterator<Item = &'o Order>,
        at: Moment,
        rows: &mut dyn Rows,
        tap: &mut dyn Tap,
    ) {
        for (lane, order) in self.lanes_mut().zip(orders) {
            lane.obey(order, at, rows, tap);
        }
    }

    /// Flows that were announced since the last call and concern hosts of another shard.
    pub fn announced(&mut self) -> impl Iterator<Item = Announced> {
        self.leaves.host.announced.drain(..)
    }

    /// The live flows, oldest first: number of the first packet, lane, flow.
    pub fn order(&self) -> Vec<(u64, usize, FlowId)> {
        let of =
            |(i, lane): (usize, &Lane)| lane.order().into_iter().map(move |(n, id)| (n, i, id)).collect::<Vec<_>>();
        let mut all: Vec<_> = self.lanes().enumerate().flat_map(of).collect();
        if !self.carriers.is_empty() {
            all.sort_by_key(|flow| (flow.0, flow.1));
        }
        all
    }

    /// Ends a flow.
    pub fn end(&mut self, lane: usize, flow: FlowId, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        if let Some(lane) = self.lanes_mut().nth(lane) {
            lane.end(flow, rows, tap);
        }
    }

    /// Logs what is left of address resolution.
    pub fn finish_neighbours(&mut self, rows: &mut dyn Rows) {
        for lane in self.lanes_mut() {
            lane.finish_neighbours(rows);
        }
    }

    /// All flows have ended: what is left beside them goes. The closing rows of tunnels, by their ends.
    pub fn finish(&mut self, now: Timestamp, tap: &mut dyn Tap) -> Vec<(FiveTuple, TunnelRecord)> {
        self.lanes_mut().flat_map(|lane| lane.finish(now, tap)).collect()
    }

    /// All flows have ended: logs what was joined across them.
    pub fn finish_joined(&mut self, rows: &mut dyn Rows) {
        for lane in self.lanes_mut() {
            lane.finish_joined(rows);
        }
    }

    /// Logs the files that ended without their parsers' doing.
    pub fn emit_files(&mut self, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        for lane in self.lanes_mut() {
            lane.emit_files(rows, tap);
        }
    }

    /// Adds what rules cost here, and how far they came.
    pub fn tally(&self, sum: &mut Tally) {
        for lane in self.lanes() {
            lane.tally(sum);
        }
    }

    /// Adds what was counted for events about the run itself.
    pub fn counts(&self, sum: &mut Counts) {
        for lane in self.lanes() {
            lane.counts(sum);
        }
    }

    /// What the shard did.
    pub fn stats(&self, sum: &mut Stats) {
        for lane in self.lanes() {
            sum.add(&lane.stats());
        }
    }
}
