//! A pass in parts that may run side by side: frames are dealt into slices, a slice's work is done shard by shard.
//!
//! [`crate::Worker`] does the same in one go, packet by packet. Both give each lane the same packets in the same order
//! with the same times, so their rows agree; every row carries a [`Key`], and in the order of keys the rows of a
//! slice are as the worker would have given them.
//!
//! Law: a slice's carriers of stage `n` come before those of `n + 1`, all of them before its leaves; a shard's slices
//! come in order; after a slice that [`Slice::meets`], [`Dealing::meet`] comes before anything else is dealt; after one that
//! [`Slice::ends_epoch`], [`Balance::epoch`] and [`Part::obey`] of all parts come before anything else is worked on.

use crate::budget::{Ledger, Order, POOL_COUNT, PoolState, Usage};
use crate::deal::{Dealer, Hash, TOGETHER};
use crate::eve_stats::EveStats;
use crate::lane::Way;
use crate::shard::{Parcel, Shard};
use crate::stats_log::{StatsLog, StatsRecord};
use crate::worker::EPOCH_LEN;
use crate::{Rows, Settings, Stats};
use sekisho_capture::{Batch, Frame};
use sekisho_files::NoStore;
use sekisho_flow::{FlowId, Moment};
use sekisho_output::eve::{self, Counts};
use sekisho_proto::Fact;
use sekisho_record::Record;
use sekisho_rules::Tally;
use sekisho_types::Timestamp;
use sekisho_wire::filter::Filter;
use sekisho_wire::{Decoded, LinkType, decode, decode_into, decode_msdu};
use std::cmp::Reverse;
use std::sync::Arc;

/// Position of a row in the run's order: packet, step, lane, compared in one go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(u128);

impl Key {
    /// `packet`: during which the row was found; at the end of the run the first packet of the flow that ended. `step`:
    /// timers first, then the packets in the frame from the outside in, then the end of the epoch. `lane`: shard and
    /// lane, where several do something in the same step.
    pub const fn new(packet: u64, step: u32, lane: u32) -> Self {
        Self((packet as u128) << 64 | (step as u128) << 32 | lane as u128)
    }

    /// The packet.
    pub const fn packet(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// The same position in 96 bits, with room for `index` below it: in the order of these numbers come the rows of
    /// 2^32 packets from `first` on, those of one position by index. Numbers are sorted in a third of the time of pairs.
    pub const fn within(self, first: u64, index: u32) -> u128 {
        (self.0 - ((first as u128) << 64)) << 32 | index as u128
    }
}

/// Takes rows with their place in the run's order.
pub trait KeyedRows {
    /// The next row of a shard, and the packet of [`Rows::row_at`]. Rows with facts are logged if one of these is new, whichever shards found them.
    fn row(&mut self, key: Key, facts: &[Fact], packet: u64, record: &dyn Record);

    /// The next line of a shard; see [`Rows::line`].
    fn line(&mut self, key: Key, file: &'static str, line: &[u8]) {
        let _ = (key, file, line);
    }
}

struct Keyed<'a> {
    key: Key,
    rows: &'a mut dyn KeyedRows,
}

impl Rows for Keyed<'_> {
    fn row(&mut self, record: &dyn Record) {
        self.rows.row(self.key, &[], 0, record);
    }

    fn row_at(&mut self, packet: u64, record: &dyn Record) {
        self.rows.row(self.key, &[], packet, record);
    }

    fn once(&mut self, facts: &[Fact], packet: u64, record: &dyn Record) {
        self.rows.row(self.key, facts, packet, record);
    }

    fn line(&mut self, file: &'static str, line: &[u8]) {
        self.rows.line(self.key, file, line);
    }
}

/// Steps of one packet of an aggregate: one for each packet within the other.
const STEPS: u32 = 64;

/// The end of an epoch: files that stalled …
const SWEEP: u32 = u32::MAX - 1;

/// … and then what has to go so that the rest fits into memory.
const RELIEF: u32 = u32::MAX;

/// Lanes of a shard, for keys.
const LANES: u32 = 16;

/// A frame dealt to a shard.
#[derive(Clone, Copy, Debug)]
struct Item {
    /// Position in the slice.
    at: u32,
    batch: u32,
    frame: u32,
    /// Offset of the packet in an 802.11 aggregate; 0 for the first.
    msdu: u32,
    step: u32,
}

/// A frame dealt to a shard that carries no other, with all that is asked of it: a shard goes through its list in order,
/// and would find little of a batch's own list, of which most is other shards', in its cache.
#[derive(Clone, Copy, Debug)]
struct Leaf {
    item: Item,
    link: LinkType,
    ts: Timestamp,
    /// The run's time.
    now: Timestamp,
    /// Offset of its bytes in the batch.
    start: usize,
    len: u32,
    orig_len: u32,
}

impl Leaf {
    fn of(item: Item, start: usize, frame: &Frame<'_>, now: Timestamp) -> Self {
        let (link, len) = (LinkType(frame.link_type), u32::try_from(frame.data.len()).unwrap_or(u32::MAX));
        Self { item, link, ts: frame.ts, now, start, len, orig_len: frame.orig_len }
    }
}

/// A packet found in another one of the slice, with the frame that it came from.
pub struct Found {
    item: Item,
    parcel: Parcel,
}

impl Found {
    /// The shard that is to have it.
    pub const fn shard(&self) -> usize {
        self.parcel.shard
    }

    /// The stage of carriers that it belongs to; `None`: it is a leaf.
    pub const fn stage(&self) -> Option<usize> {
        self.parcel.stage
    }

    fn order(&self) -> (u32, u32) {
        (self.item.at, self.item.step)
    }
}

/// A run of frames, dealt.
#[derive(Default)]
pub struct Slice {
    batches: Vec<Arc<Batch>>,
    /// Number of the first frame.
    first: u64,
    /// The run's time at each frame.
    times: Vec<Timestamp>,
    leaves: Vec<Vec<Leaf>>,
    carriers: Vec<Vec<Item>>,
    ends_epoch: bool,
    meets: bool,
    /// What was dealt in all, up to its end.
    stats: Stats,
}

impl Slice {
    /// Empties it for the next use; gives back the batches.
    pub fn clear(&mut self) -> std::vec::Drain<'_, Arc<Batch>> {
        self.times.clear();
        self.leaves.iter_mut().for_each(Vec::clear);
        self.carriers.iter_mut().for_each(Vec::clear);
        (self.ends_epoch, self.meets) = (false, false);
        self.batches.drain(..)
    }

    /// Number of frames, filtered ones included.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Has it no frame?
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// It may announce flows between other hosts: see the module.
    pub const fn meets(&self) -> bool {
        self.meets
    }

    /// Is its last frame the last of an epoch?
    pub const fn ends_epoch(&self) -> bool {
        self.ends_epoch
    }

    /// Nothing more can be dealt to it: it ends an epoch or [`Slice::meets`].
    pub const fn is_closed(&self) -> bool {
        self.ends_epoch || self.meets
    }

    /// Frames of `shard` that may carry packets.
    pub fn carrier_count(&self, shard: usize) -> usize {
        self.carriers.get(shard).map_or(0, Vec::len)
    }

    /// Frames of `shard` that don't.
    pub fn leaf_count(&self, shard: usize) -> usize {
        self.leaves.get(shard).map_or(0, Vec::len)
    }

    fn frame(&self, item: Item) -> Option<Frame<'_>> {
        self.batches.get(item.batch as usize)?.get(item.frame as usize)
    }

    #[inline]
    fn bytes(&self, leaf: &Leaf) -> &[u8] {
        self.batches.get(leaf.item.batch as usize).map_or(&[], |batch| batch.bytes_at(leaf.start, leaf.len))
    }

    fn number(&self, at: u32) -> u64 {
        self.first + u64::from(at)
    }
}

/// The sequential part of a pass: who gets which frame.
pub struct Dealing {
    dealer: Dealer,
    filter: Option<Filter>,
    stats: Stats,
    now: Timestamp,
}

/// A pass in parts. How many follows from the budget, as with [`crate::Worker`].
pub fn parts(settings: Settings) -> (Dealing, Balance, Vec<Part>) {
    let count = usize::try_from(settings.budget.part_count()).unwrap_or(1).max(1);
    let settings = Arc::new(settings);
    let dealer = Dealer::new(settings.flow.seed, count);
    let part = |i| Part {
        shard: Shard::new(&settings),
        hash: dealer.hash(),
        index: i,
        ending: Vec::new(),
        orders: Vec::new(),
    };
    let mut parts: Vec<Part> = (0..u32::try_from(count).unwrap_or(u32::MAX)).map(part).collect();
    if let Some(part) = parts.get_mut(TOGETHER) {
        part.shard.lead();
    }
    let log = settings.stats.map(StatsLog::new);
    let mut balance = Balance { ledger: Ledger::new(settings.budget), log, eve: EveStats::of(&settings) };
    balance.epoch(&mut parts);
    for part in &mut parts {
        part.follow(Moment::default(), &mut |_: &dyn Record| {});
    }
    let filter = settings.filter.clone();
    (Dealing { dealer, filter, stats: Stats::default(), now: Timestamp(i64::MIN) }, balance, parts)
}

impl Dealing {
    /// Deals the frames of `batch` from frame `from` on, and tells how far it came: to the batch's end, or until
    /// [`Slice::is_closed`].
    pub fn deal(&mut self, batch: &Arc<Batch>, from: usize, slice: &mut Slice) -> usize {
        let count = self.dealer.hash().count();
        slice.leaves.resize_with(count, Vec::new);
        slice.carriers.resize_with(count, Vec::new);
        let index = u32::try_from(slice.batches.len()).unwrap_or(u32::MAX);
        slice.batches.push(Arc::clone(batch));
        let before = slice.len();
        let frames = batch.placed().skip(from);
        slice.times.reserve(frames.len());
        for (i, (start, frame)) in (u32::try_from(from).unwrap_or(u32::MAX)..).zip(frames) {
            if slice.is_empty() {
                slice.first = frame.number;
            }
            let at = u32::try_from(slice.len()).unwrap_or(u32::MAX);
            let item = || Item { at, batch: index, frame: i, msdu: 0, step: 1 };
            let plain =
                if self.filter.is_none() { self.dealer.plain(LinkType(frame.link_type), frame.data) } else { None };
            match plain.and_then(|place| slice.leaves.get_mut(place.shard)) {
                Some(leaves) => {
                    self.now = self.now.max(frame.ts);
                    self.stats.count(&frame);
                    leaves.push(Leaf::of(item(), start, &frame, self.now));
                }
                None => self.frame(&frame, start, item(), slice),
            }
            slice.times.push(self.now);
            if frame.number.is_multiple_of(EPOCH_LEN) {
                slice.ends_epoch = true;
                self.dealer.end_epoch();
            }
            if slice.is_closed() {
                slice.stats = self.stats;
                return from + slice.len() - before;
            }
        }
        batch.len()
    }

    /// A frame whose headers have to be looked at.
    #[inline(never)]
    fn frame(&mut self, frame: &Frame<'_>, start: usize, mut item: Item, slice: &mut Slice) {
        let mut decoded = decode(LinkType(frame.link_type), frame.data, frame.orig_len);
        if self.filter.as_ref().is_some_and(|f| !f.matches(&decoded, frame.orig_len)) {
            self.stats.filtered += 1;
            return;
        }
        self.now = self.now.max(frame.ts);
        self.stats.count(frame);
        loop {
            let place = self.dealer.packet(&decoded, frame.data, self.now);
            match place.carrier {
                true => slice.carriers[place.shard].push(item),
                false => slice.leaves[place.shard].push(Leaf::of(item, start, frame, self.now)),
            }
            slice.meets |= place.announces;
            let next = decoded.next_msdu;
            if next <= item.msdu {
                return;
            }
            item = Item { msdu: next, step: item.step.saturating_add(STEPS), ..item };
            decoded = decode_msdu(frame.data, next, frame.orig_len);
        }
    }

    /// The run's time.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// After a slice that [`Slice::meets`]: flows announced in one part's shard are dealt to it from now on.
    pub fn meet<'p>(&mut self, parts: impl IntoIterator<Item = &'p mut Part>) {
        for part in parts {
            for announced in part.shard.announced() {
                self.dealer.expect(announced, part.index as usize, self.now);
            }
        }
    }

    /// What was dealt; the rest is told by [`Part::stats`].
    pub const fn stats(&self) -> Stats {
        self.stats
    }
}

/// One shard of a pass in parts.
pub struct Part {
    shard: Shard,
    hash: Hash,
    index: u32,
    /// The live flows, youngest first, once the run is over.
    ending: Vec<(u64, usize, FlowId)>,
    /// What memory it has to give up, by lane, until [`Part::obey`].
    orders: Vec<Order>,
}

/// The memory of a pass in parts, divided among them anew at the end of each epoch.
#[derive(Debug)]
pub struct Balance {
    ledger: Ledger,
    log: Option<StatsLog>,
    eve: Option<EveStats>,
}

/// What there is to say about the run itself.
#[derive(Clone, Debug)]
pub struct Report {
    key: Key,
    record: Option<StatsRecord>,
    /// EVE's event.
    line: Vec<u8>,
}

impl Report {
    /// Gives it to whoever takes rows.
    pub fn put(&self, rows: &mut dyn KeyedRows) {
        if let Some(record) = &self.record {
            rows.row(self.key, &[], 0, record);
        }
        if !self.line.is_empty() {
            rows.line(self.key, eve::FILE, &self.line);
        }
    }
}

/// Takes a line.
struct OneLine(Vec<u8>);

impl Rows for OneLine {
    fn row(&mut self, _: &dyn Record) {}

    fn line(&mut self, _: &'static str, line: &[u8]) {
        self.0.extend_from_slice(line);
    }
}

impl Balance {
    /// An epoch is over for all parts: each gets its orders, to be followed by [`Part::obey`] before anything else.
    pub fn epoch<'p>(&mut self, parts: impl IntoIterator<Item = &'p mut Part>) {
        let mut parts: Vec<&mut Part> = parts.into_iter().collect();
        let usages: Vec<Vec<Usage>> = parts.iter_mut().map(|p| p.shard.usages().collect()).collect();
        let mut orders = self.ledger.epoch(&usages.concat()).into_iter();
        for (part, usages) in parts.iter_mut().zip(&usages) {
            part.orders.extend(orders.by_ref().take(usages.len()));
        }
    }

    /// After that: what there is to say about the run itself, if it is time for it.
    pub fn report<'p>(&mut self, slice: &Slice, parts: impl IntoIterator<Item = &'p mut Part>) -> Option<Report> {
        let now = slice.times.last().copied()?;
        let log = self.log.as_mut().is_some_and(|log| log.is_due(now));
        let eve = self.eve.as_mut().is_some_and(|eve| eve.is_due(now));
        if !log && !eve {
            return None;
        }
        let parts: Vec<&mut Part> = parts.into_iter().collect();
        let mut stats = slice.stats;
        parts.iter().for_each(|part| part.stats(&mut stats));
        let mut line = OneLine(Vec::new());
        if eve {
            self.tell(now, &stats, parts.iter().map(|part| &**part), &mut line);
        }
        let packet = slice.first + slice.len() as u64 - 1;
        let record = if log { self.row(now, &stats) } else { None };
        Some(Report { key: Key::new(packet, RELIEF, u32::MAX), record, line: line.0 })
    }

    /// At the end of the run, before [`Part::close`]: notes what the parts use; the last row about the run itself.
    pub fn last_report<'p>(
        &mut self,
        now: Timestamp,
        mut stats: Stats,
        parts: impl IntoIterator<Item = &'p mut Part>,
    ) -> Option<Report> {
        let mut parts: Vec<&mut Part> = parts.into_iter().collect();
        self.note(parts.iter_mut().map(|p| &mut **p));
        if stats.packets == 0 {
            return None;
        }
        parts.iter().for_each(|part| part.stats(&mut stats));
        let record = Some(self.row(now, &stats)?);
        Some(Report { key: Key::default(), record, line: Vec::new() })
    }

    /// When everything else was told: EVE's last event about the run itself.
    pub fn last_event<'p>(
        &mut self,
        now: Timestamp,
        mut stats: Stats,
        parts: impl IntoIterator<Item = &'p Part>,
        rows: &mut dyn Rows,
    ) {
        let parts: Vec<&Part> = parts.into_iter().collect();
        parts.iter().for_each(|part| part.stats(&mut stats));
        if stats.packets > 0 {
            self.tell(now, &stats, parts, rows);
        }
    }

    fn tell<'p>(
        &mut self,
        now: Timestamp,
        stats: &Stats,
        parts: impl IntoIterator<Item = &'p Part>,
        rows: &mut dyn Rows,
    ) {
        let Some(eve) = &mut self.eve else { return };
        let mut counts = Counts::default();
        parts.into_iter().for_each(|part| part.shard.counts(&mut counts));
        eve.write(now, stats, &counts, rows);
    }

    fn row(&mut self, now: Timestamp, stats: &Stats) -> Option<StatsRecord> {
        Some(self.log.as_mut()?.row(now, stats, &self.ledger.pools(), self.ledger.memory_len()))
    }

    /// Takes note of what the parts use, at the end of the run.
    pub fn note<'p>(&mut self, parts: impl IntoIterator<Item = &'p mut Part>) {
        let usages: Vec<Usage> = parts.into_iter().flat_map(|p| p.shard.usages().collect::<Vec<_>>()).collect();
        self.ledger.note(&usages);
    }

    /// The pools that memory is divided into, in the order of [`crate::Pool::ALL`].
    pub fn pools(&self) -> [PoolState; POOL_COUNT] {
        self.ledger.pools()
    }

    /// Memory that the pass may use.
    pub fn memory_len(&self) -> u64 {
        self.ledger.memory_len()
    }
}

impl Part {
    /// Opens the carriers of stage 0 that were dealt to this shard; what was in them goes to `found`.
    pub fn carriers(&mut self, slice: &Slice, rows: &mut dyn KeyedRows, found: &mut Vec<Found>) {
        let decoded = &mut Decoded::default();
        for &item in slice.carriers.get(self.index as usize).into_iter().flatten() {
            let Some(frame) = slice.frame(item) else { continue };
            headers(LinkType(frame.link_type), frame.data, frame.orig_len, item.msdu, decoded);
            let mut rows = self.keyed(rows);
            self.time(slice, item.at, Some(0), &mut rows);
            rows.key = self.key(slice, item);
            let mut tap = NoStore;
            let mut way = way(slice, &frame, item, &mut rows, &mut tap);
            if item.msdu == 0 && !decoded.anomalies.is_empty() {
                self.shard.note_anomalies(decoded, &mut way);
            }
            let parcel = self.shard.carrier(decoded, frame.data, self.hash, &mut way);
            found.extend(parcel.map(|parcel| Found { item: next(item), parcel }));
        }
    }

    /// Opens carriers of stage `stage`, all found in those of the stage before.
    pub fn found(
        &mut self,
        slice: &Slice,
        stage: usize,
        mut these: Vec<Found>,
        rows: &mut dyn KeyedRows,
        found: &mut Vec<Found>,
    ) {
        these.sort_unstable_by_key(Found::order);
        for Found { item, parcel } in these {
            let Some(frame) = slice.frame(item) else { continue };
            let mut rows = self.keyed(rows);
            self.time(slice, item.at, Some(stage), &mut rows);
            rows.key = self.key(slice, item);
            let mut tap = NoStore;
            let mut way = way(slice, &frame, item, &mut rows, &mut tap);
            let parcel = self.shard.parcel(parcel, frame.data, self.hash, &mut way);
            found.extend(parcel.map(|parcel| Found { item: next(item), parcel }));
        }
    }

    /// Does the rest of the slice: the leaves dealt to this shard and those found in carriers; then what the passing
    /// of time does, and the end of the epoch.
    pub fn leaves(&mut self, slice: &Slice, mut found: Vec<Found>, rows: &mut dyn KeyedRows) {
        // The first is last: most slices have none, and what is looked at is not moved.
        found.sort_unstable_by_key(|f| Reverse(f.order()));
        let decoded = &mut Decoded::default();
        let mut rows = self.keyed(rows);
        let mut tap = NoStore;
        for leaf in slice.leaves.get(self.index as usize).into_iter().flatten() {
            let item = leaf.item;
            while let Some(earlier) = found.pop_if(|f| f.order() < (item.at, item.step)) {
                self.found_leaf(slice, earlier, &mut rows);
            }
            let bytes = slice.bytes(leaf);
            headers(leaf.link, bytes, leaf.orig_len, item.msdu, decoded);
            if self.shard.leaves_due() <= leaf.now {
                self.time(slice, item.at, None, &mut rows);
            }
            rows.key = self.key(slice, item);
            let at = Moment::new(leaf.ts, slice.number(item.at));
            let (frame, link, now) = (bytes, leaf.link, leaf.now);
            let mut way = Way { at, frame, link, now, rows: &mut rows, tap: &mut tap, others: Vec::new() };
            if item.msdu == 0 && !decoded.anomalies.is_empty() {
                self.shard.note_anomalies(decoded, &mut way);
            }
            self.shard.leaf(decoded, bytes, &mut way);
        }
        while let Some(later) = found.pop() {
            self.found_leaf(slice, later, &mut rows);
        }
        self.end(slice, &mut rows);
    }

    fn found_leaf(&mut self, slice: &Slice, Found { item, parcel }: Found, rows: &mut Keyed<'_>) {
        let Some(frame) = slice.frame(item) else { return };
        self.time(slice, item.at, None, rows);
        rows.key = self.key(slice, item);
        let mut tap = NoStore;
        let mut way = way(slice, &frame, item, rows, &mut tap);
        self.shard.parcel(parcel, frame.data, self.hash, &mut way);
    }

    /// What the time up to the slice's end does.
    fn end(&mut self, slice: &Slice, rows: &mut Keyed<'_>) {
        let Some(last) = slice.len().checked_sub(1).and_then(|n| u32::try_from(n).ok()) else { return };
        for lane in (0..self.shard.carrier_lanes()).map(Some).chain([None]) {
            self.time(slice, last, lane, rows);
        }
        if slice.ends_epoch {
            let now = slice.times.last().copied().unwrap_or_default();
            for (i, lane) in self.shard.lanes_mut().enumerate() {
                rows.key = Key::new(slice.number(last), SWEEP, self.index * LANES + number(i));
                lane.sweep(now, rows, &mut NoStore);
            }
        }
    }

    /// After a slice that [`Slice::ends_epoch`] and [`Balance::epoch`]: gives up what has to be.
    pub fn obey(&mut self, slice: &Slice, rows: &mut dyn KeyedRows) {
        let Some(last) = slice.len().checked_sub(1).and_then(|n| u32::try_from(n).ok()) else { return };
        let at = Moment::new(slice.times.last().copied().unwrap_or_default(), slice.number(last));
        let key = Key::new(at.number, RELIEF, self.index * LANES);
        self.follow(at, &mut Keyed { key, rows });
    }

    fn follow(&mut self, at: Moment, rows: &mut dyn Rows) {
        let orders = std::mem::take(&mut self.orders);
        self.shard.obey(&mut orders.iter(), at, rows, &mut NoStore);
    }

    /// Lets time pass in one lane up to frame `at`: each timer at the first frame that reaches it, but not before the
    /// frame after the one that set it.
    fn time(&mut self, slice: &Slice, at: u32, stage: Option<usize>, rows: &mut Keyed<'_>) {
        let Some((index, lane)) = self.shard.lane(stage) else { return };
        let Some(&now) = slice.times.get(at as usize) else { return };
        if lane.next_due() > now {
            return;
        }
        let mut from = usize::try_from((lane.done + 1).saturating_sub(slice.first)).unwrap_or(usize::MAX);
        loop {
            let due = lane.next_due();
            let frame = slice.times.partition_point(|t| *t < due).max(from);
            let Some(&then) = slice.times.get(frame).filter(|_| frame <= at as usize) else { return };
            rows.key = Key::new(slice.first + frame as u64, 0, self.index * LANES + number(index));
            lane.advance(then, rows, &mut NoStore);
            from = frame + 1;
        }
    }

    fn keyed<'a>(&self, rows: &'a mut dyn KeyedRows) -> Keyed<'a> {
        Keyed { key: Key::default(), rows }
    }

    fn key(&self, slice: &Slice, item: Item) -> Key {
        Key::new(slice.number(item.at), item.step, 0)
    }

    /// The run is over at `now`: its flows may be ended. Tells the first packet of the oldest.
    pub fn close(&mut self, now: Timestamp, rows: &mut dyn KeyedRows) -> Option<u64> {
        for (i, lane) in self.shard.lanes_mut().enumerate() {
            let key = Key::new(0, 0, self.index * LANES + number(i));
            lane.advance(now, &mut Keyed { key, rows }, &mut NoStore);
        }
        self.ending = self.shard.order();
        self.ending.reverse();
        self.oldest()
    }

    /// The first packet of the oldest flow that is not ended.
    pub fn oldest(&self) -> Option<u64> {
        self.ending.last().map(|flow| flow.0)
    }

    /// Ends the flows that began before packet `before`.
    pub fn end_flows(&mut self, before: u64, rows: &mut dyn KeyedRows) {
        while let Some((packet, lane, flow)) = self.ending.pop_if(|flow| flow.0 < before) {
            let key = Key::new(packet, 0, self.index * LANES + number(lane));
            self.shard.end(lane, flow, &mut Keyed { key, rows }, &mut NoStore);
        }
    }

    /// Adds what rules cost in the shard, and how far they came.
    pub fn tally(&self, sum: &mut Tally) {
        self.shard.tally(sum);
    }

    /// Adds what the shard did to `sum`.
    pub fn stats(&self, sum: &mut Stats) {
        self.shard.stats(sum);
    }
}

/// All flows of all parts have ended: what is left beside them.
pub fn finish<'p>(parts: impl IntoIterator<Item = &'p mut Part>, now: Timestamp, rows: &mut dyn Rows) {
    let mut shards: Vec<&mut Shard> = parts.into_iter().map(|part| &mut part.shard).collect();
    crate::worker::finish(&mut shards, now, rows, &mut NoStore);
}

fn number(lane: usize) -> u32 {
    u32::try_from(lane).unwrap_or(u32::MAX).min(LANES - 1)
}

/// What was in `item` comes one step later.
fn next(item: Item) -> Item {
    Item { step: item.step.saturating_add(1), ..item }
}

/// Reads the headers of a packet into `d`: at `msdu` in an 802.11 aggregate, 0 for the first or only one.
#[inline(always)]
fn headers(link: LinkType, bytes: &[u8], orig_len: u32, msdu: u32, d: &mut Decoded) {
    match msdu {
        0 => decode_into(link, bytes, orig_len, d),
        offset => *d = decode_msdu(bytes, offset, orig_len),
    }
}

fn way<'a>(slice: &Slice, frame: &Frame<'a>, item: Item, rows: &'a mut Keyed<'_>, tap: &'a mut NoStore) -> Way<'a> {
    Way {
        at: Moment::new(frame.ts, frame.number),
        frame: frame.data,
        link: LinkType(frame.link_type),
        now: slice.times.get(item.at as usize).copied().unwrap_or(frame.ts),
        rows,
        tap,
        others: Vec::new(),
    }
}
