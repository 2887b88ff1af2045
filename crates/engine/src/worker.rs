//! One worker's single pass over a capture: frames in, rows and file content out, in the order of packets.

use crate::budget::{Ledger, POOL_COUNT, PoolState, Usage};
use crate::deal::{Dealer, Place, TOGETHER};
use crate::eve_stats::EveStats;
use crate::lane::Way;
use crate::once::Once;
use crate::shard::Shard;
use crate::stats_log::StatsLog;
use crate::{Rows, Settings, Stats, Tap, Watch};
use sekisho_capture::Frame;
use sekisho_files::NoStore;
use sekisho_flow::Moment;
use sekisho_output::eve::Counts;
use sekisho_proto::{Passwords, Secrets};
use sekisho_record::Record;
use sekisho_rules::Tally;
use sekisho_types::Timestamp;
use sekisho_wire::filter::Filter;
use sekisho_wire::{Decoded, LinkType, decode_into, decode_msdu};
use std::sync::Arc;

/// Packets of an epoch. Between epochs happens what concerns all flows.
pub const EPOCH_LEN: u64 = 16_384;

/// The state of one pass in one thread.
pub struct Worker {
    dealer: Dealer,
    shards: Vec<Shard>,
    filter: Option<Filter>,
    once: Once,
    ledger: Ledger,
    stats_log: Option<StatsLog>,
    eve_stats: Option<EveStats>,
    stats: Stats,
    /// The run's time: the latest of all packets so far.
    now: Timestamp,
    /// Before then no shard has a timer.
    next_due: Timestamp,
    secrets: Arc<Secrets>,
    watch: Watch,
    passwords: Option<Arc<Passwords>>,
}

impl Worker {
    /// An empty worker. How many shards it has follows from the budget, not from the number of threads: so the result
    /// cannot depend on that.
    pub fn new(settings: Settings) -> Self {
        let count = usize::try_from(settings.budget.part_count()).unwrap_or(1);
        Self::with_shards(settings, count)
    }

    /// An empty worker with `count` shards: one, where all flows have to share what `tap` keeps.
    pub fn with_shards(settings: Settings, count: usize) -> Self {
        let count = count.max(1);
        let settings = Arc::new(settings);
        let mut worker = Self {
            dealer: Dealer::new(settings.flow.seed, count),
            shards: (0..count).map(|_| Shard::new(&settings)).collect(),
            filter: settings.filter.clone(),
            once: Once::default(),
            ledger: Ledger::new(settings.budget),
            stats_log: settings.stats.map(StatsLog::new),
            eve_stats: EveStats::of(&settings),
            stats: Stats::default(),
            now: Timestamp(i64::MIN),
            next_due: Timestamp(i64::MIN),
            secrets: Arc::clone(&settings.secrets),
            watch: settings.watch,
            passwords: settings.passwords.clone(),
        };
        if let Some(shard) = worker.shards.get_mut(TOGETHER) {
            shard.lead();
        }
        // Nothing is held yet: this only tells each what it may come to hold.
        worker.balance(Moment::default(), &mut |_: &dyn Record| {}, &mut NoStore);
        worker
    }

    /// Keys to what is encrypted, to which captures may add.
    pub fn secrets(&self) -> &Arc<Secrets> {
        &self.secrets
    }

    /// Passwords heard so far, if [`Settings::passwords`] listens: each once, in the order in which they were heard.
    pub fn passwords(&self) -> Vec<Vec<u8>> {
        self.passwords.as_ref().map(|p| p.list()).unwrap_or_default()
    }

    /// Takes frames in the timeline's order. Rows leave through `rows` as soon as they are complete; files' content, and
    /// what else [`Settings::watch`] asks for, through `tap`.
    pub fn batch<'f>(&mut self, frames: impl IntoIterator<Item = Frame<'f>>, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        let mut once = std::mem::take(&mut self.once);
        let rows = &mut once.rows(rows);
        let at = Moment::default();
        let mut way = Way { at, frame: &[], link: LinkType::NULL, now: self.now, rows, tap, others: Vec::new() };
        let mut decoded = Decoded::default();
        for frame in frames {
            way.at = Moment::new(frame.ts, frame.number);
            way.frame = frame.data;
            way.link = LinkType(frame.link_type);
            self.frame(&frame, &mut decoded, &mut way);
            if frame.number.is_multiple_of(EPOCH_LEN) {
                self.end_epoch(frame.number, way.rows, way.tap);
            }
        }
        drop(way);
        self.once = once;
    }

    /// One frame, whose headers are read into `decoded`.
    #[inline]
    fn frame(&mut self, frame: &Frame<'_>, decoded: &mut Decoded, way: &mut Way<'_>) {
        let link = LinkType(frame.link_type);
        decode_into(link, frame.data, frame.orig_len, decoded);
        let wanted = self.filter.as_ref().is_none_or(|f| f.matches(decoded, frame.orig_len));
        if wanted {
            self.now = self.now.max(frame.ts);
            self.stats.count(frame);
        }
        if self.now >= self.next_due {
            self.timers(way.rows, way.tap);
        }
        if !wanted {
            self.stats.filtered += 1;
            return;
        }
        way.now = self.now;
        if self.watch == Watch::Streams {
            way.tap.frame(frame, decoded);
        }
        let plain = self.dealer.plain_packet(decoded, frame.data);
        let place = plain.unwrap_or_else(|| self.dealer.packet(decoded, frame.data, self.now));
        if !decoded.anomalies.is_empty()
            && let Some(shard) = self.shards.get_mut(place.shard)
        {
            shard.note_anomalies(decoded, way);
        }
        self.packet(decoded, frame.data, place, way);
        if decoded.next_msdu != 0 {
            self.aggregate(decoded.next_msdu, frame, way);
        }
        if place.announces {
            self.meet();
        }
    }

    /// The further packets of an 802.11 aggregate; offsets only grow, so this ends.
    #[cold]
    fn aggregate(&mut self, mut next: u32, frame: &Frame<'_>, way: &mut Way<'_>) {
        while next != 0 {
            let decoded = decode_msdu(frame.data, next, frame.orig_len);
            let place = self.dealer.packet(&decoded, frame.data, self.now);
            self.packet(&decoded, frame.data, place, way);
            next = if decoded.next_msdu > next { decoded.next_msdu } else { 0 };
        }
    }

    /// A packet and whatever it carries.
    #[inline]
    fn packet(&mut self, d: &Decoded, bytes: &[u8], place: Place, way: &mut Way<'_>) {
        if place.carrier {
            return self.carrier(d, bytes, place, way);
        }
        let Some(shard) = self.shards.get_mut(place.shard) else { return };
        shard.leaf(d, bytes, way);
        self.next_due = self.next_due.min(shard.next_due());
    }

    /// A packet that may carry others.
    #[inline(never)]
    fn carrier(&mut self, d: &Decoded, bytes: &[u8], place: Place, way: &mut Way<'_>) {
        let hash = self.dealer.hash();
        let Some(shard) = self.shards.get_mut(place.shard) else { return };
        let mut next = shard.carrier(d, bytes, hash, way);
        self.next_due = self.next_due.min(shard.next_due());
        while let Some(parcel) = next {
            let Some(shard) = self.shards.get_mut(parcel.shard) else { return };
            next = shard.parcel(parcel, bytes, hash, way);
            self.next_due = self.next_due.min(shard.next_due());
        }
    }

    /// Time has passed: shards in their order.
    fn timers(&mut self, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        let mut next = Timestamp(i64::MAX);
        for shard in &mut self.shards {
            if shard.next_due() <= self.now {
                shard.advance(self.now, rows, tap);
            }
            next = next.min(shard.next_due());
        }
        self.next_due = next;
    }

    /// Flows that were announced between hosts of other shards are dealt to where they are expected.
    fn meet(&mut self) {
        for (i, shard) in self.shards.iter_mut().enumerate() {
            for a in shard.announced() {
                self.dealer.expect(a, i, self.now);
            }
        }
    }

    #[cold]
    fn end_epoch(&mut self, number: u64, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        self.dealer.end_epoch();
        for shard in &mut self.shards {
            shard.sweep(self.now, rows, tap);
        }
        self.balance(Moment::new(self.now, number), rows, tap);
        if self.stats_log.as_mut().is_some_and(|log| log.is_due(self.now)) {
            self.log_stats(rows);
        }
        if self.eve_stats.as_mut().is_some_and(|eve| eve.is_due(self.now)) {
            self.tell_stats(rows);
        }
    }

    /// EVE's event about the run itself.
    fn tell_stats(&mut self, rows: &mut dyn Rows) {
        let (stats, mut counts) = (self.stats(), Counts::default());
        self.shards.iter().for_each(|shard| shard.counts(&mut counts));
        if let Some(eve) = &mut self.eve_stats {
            eve.write(self.now, &stats, &counts, rows);
        }
    }

    /// A row about the run itself.
    fn log_stats(&mut self, rows: &mut dyn Rows) {
        let stats = self.stats();
        let (pools, memory) = (self.ledger.pools(), self.ledger.memory_len());
        if let Some(log) = &mut self.stats_log {
            rows.row(&log.row(self.now, &stats, &pools, memory));
        }
    }

    /// Memory is divided anew among the shards; what is too much goes.
    fn balance(&mut self, at: Moment, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        let usages = self.usages();
        let orders = self.ledger.epoch(&usages);
        let mut orders = orders.iter();
        for shard in &mut self.shards {
            shard.obey(&mut orders, at, rows, tap);
        }
    }

    fn usages(&mut self) -> Vec<Usage> {
        self.shards.iter_mut().flat_map(Shard::usages).collect()
    }

    /// Memory that the pass may use.
    pub fn memory_len(&self) -> u64 {
        self.ledger.memory_len()
    }

    /// Looks at what is used now; see [`Worker::pools`].
    pub fn measure(&mut self) -> [PoolState; POOL_COUNT] {
        let usages = self.usages();
        self.ledger.note(&usages);
        self.ledger.pools()
    }

    /// The pools that memory is divided into, as they were when last looked at: at an epoch's end or by
    /// [`Worker::measure`]. In the order of [`crate::Pool::ALL`].
    pub fn pools(&self) -> [PoolState; POOL_COUNT] {
        self.ledger.pools()
    }

    /// The capture is over: everything pending is logged. Flows end oldest first.
    pub fn finish(&mut self, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        let mut once = std::mem::take(&mut self.once);
        let rows = &mut once.rows(rows);
        let usages = self.usages();
        self.ledger.note(&usages);
        if self.stats.packets > 0 {
            self.log_stats(rows);
        }
        for shard in &mut self.shards {
            shard.advance(self.now, rows, tap);
        }
        let of = |(i, s): (usize, &Shard)| {
            s.order().into_iter().map(move |(n, lane, id)| (n, i, lane, id)).collect::<Vec<_>>()
        };
        let mut flows: Vec<_> = self.shards.iter().enumerate().flat_map(of).collect();
        flows.sort_by_key(|f| (f.0, f.1));
        for (_, shard, lane, id) in flows {
            if let Some(shard) = self.shards.get_mut(shard) {
                shard.end(lane, id, rows, tap);
            }
        }
        let mut shards: Vec<&mut Shard> = self.shards.iter_mut().collect();
        finish(&mut shards, self.now, rows, tap);
        if self.stats.packets > 0 && self.eve_stats.is_some() {
            self.tell_stats(rows);
        }
        let usages = self.usages();
        self.ledger.note(&usages);
        self.once = once;
    }

    /// What rules cost so far, and with [`Settings::trace_rules`] how far they came.
    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        self.shards.iter().for_each(|shard| shard.tally(&mut sum));
        sum
    }

    /// What the pass did so far and what its limits cost.
    pub fn stats(&self) -> Stats {
        let mut stats = self.stats;
        for shard in &self.shards {
            shard.stats(&mut stats);
        }
        stats.records -= self.once.repeats;
        stats
    }
}

/// All flows have ended: what was joined across them is logged, address resolution ends, tunnels in the order of their ends,
/// then files.
pub(crate) fn finish(shards: &mut [&mut Shard], now: Timestamp, rows: &mut dyn Rows, tap: &mut dyn Tap) {
    for shard in shards.iter_mut() {
        shard.finish_joined(rows);
        shard.finish_neighbours(rows);
    }
    let mut tunnels: Vec<_> = shards.iter_mut().flat_map(|s| s.finish(now, tap)).collect();
    tunnels.sort_by_key(|t| t.0);
    for (_, row) in &tunnels {
        rows.row(row);
    }
    for shard in shards {
        shard.emit_files(rows, tap);
    }
}
