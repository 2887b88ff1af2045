use crate::config::PortSet;
use crate::flow::Kind;
use crate::key::{Key, NoKey, Seeds};
use crate::pool::Pool;
use crate::slab::Slab;
use crate::wheel::{Entry, Wheel};
use crate::{Config, ConnRecord, Flow, FlowId, Handled, Moment, Packet, Sink, Stats, datagram, tcp};
use hashbrown::HashTable;
use sekisho_types::{Addr, CommunityId, Dir, FlowInfo, Seen, Timestamp, Uid, ip_proto};
use sekisho_wire::{Anomaly, Decoded, tcp_flags};

/// When the table is full, this part of it (the longest idle) is evicted at once, so that the search
/// for them costs little per new flow.
const EVICT_PART: usize = 64;

/// Timers, beyond four per live flow, at which those that mean nothing any more are thrown out.
const STALE_TIMERS: usize = 1 << 16;

/// What all flows share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) pool: Pool,
    pub(crate) stats: Stats,
    tcp_servers: PortSet,
    udp_servers: PortSet,
}

/// What the processing of one packet needs beside its flow.
pub(crate) struct Cx<'a, S> {
    pub(crate) shared: &'a mut Shared,
    pub(crate) sink: &'a mut S,
    pub(crate) at: Moment,
}

#[derive(Debug)]
#[repr(C)]
struct Slot<A> {
    hash: u64,
    /// Due time of the one valid entry in the wheel.
    armed: i64,
    generation: u32,
    flow: Flow,
    app: A,
}

/// All live flows of one worker.
#[derive(Debug)]
pub struct FlowTable<A> {
    slots: Slab<Slot<A>>,
    index: HashTable<(u32, u32)>,
    wheel: Wheel,
    seeds: Seeds,
    shared: Shared,
    next_generation: u32,
    now: Timestamp,
}

/// The part of a hash kept beside the slot number, to spare a look at the slot.
const fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The table's own hash of an entry: its tag spread over 64 bits.
const fn spread(tag: u32) -> u64 {
    (tag as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl<A: Default> FlowTable<A> {
    /// An empty table.
    pub fn new(config: Config) -> Self {
        let tcp_servers = PortSet::new(&config.likely_servers, ip_proto::TCP);
        let udp_servers = PortSet::new(&config.likely_servers, ip_proto::UDP);
        Self {
            slots: Slab::default(),
            index: HashTable::new(),
            wheel: Wheel::default(),
            seeds: Seeds::new(config.seed),
            shared: Shared { config, pool: Pool::default(), stats: Stats::default(), tcp_servers, udp_servers },
            next_generation: 0,
            now: Timestamp(i64::MIN),
        }
    }

    /// Bytes that one live flow takes in the table, for whoever divides memory among the tables. What
    /// it buffers out of order comes on top and is bounded by itself.
    pub const fn flow_len() -> usize {
        size_of::<Option<Slot<A>>>() + size_of::<(u32, u32)>() + size_of::<Entry>()
    }

    /// Counts so far.
    pub fn stats(&self) -> Stats {
        Stats {
            flows: self.slots.len() as u64,
            allocated_len: self.shared.pool.in_use_len() as u64,
            ..self.shared.stats
        }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// A live flow and its application state.
    pub fn flow(&self, id: FlowId) -> Option<(&Flow, &A)> {
        let slot = self.slots.get(id.index).filter(|s| s.generation == id.generation)?;
        Some((&slot.flow, &slot.app))
    }

    /// The same, to change.
    pub fn flow_mut(&mut self, id: FlowId) -> Option<(&mut Flow, &mut A)> {
        let slot = self.slots.get_mut(id.index).filter(|s| s.generation == id.generation)?;
        Some((&mut slot.flow, &mut slot.app))
    }

    /// All live flows, in no particular order.
    pub fn flows(&self) -> impl Iterator<Item = (&Flow, &A)> {
        self.slots.iter().map(|(_, s)| (&s.flow, &s.app))
    }

    /// Takes one packet: expires what is due, finds or makes its flow, counts, and hands on the
    /// payload. `None` if the packet belongs to no flow (no IP, a fragment, a cut header, a tunnel).
    #[inline]
    pub fn packet<S: Sink<App = A>>(&mut self, p: &Packet<'_>, sink: &mut S) -> Option<Handled> {
        self.now = self.now.max(p.ts);
        if self.now.0 >= self.wheel.next_due() {
            self.advance(self.now, sink);
        }
        let at = Moment { ts: p.ts, number: p.number };
        let key = match self.admit(p.decoded) {
            Ok(key) => key,
            Err(weird) => {
                self.shared.stats.packets_ignored += 1;
                if let Some(name) = weird {
                    sink.weird(None, name, at);
                }
                return None;
            }
        };
        let hash = key.hash(self.seeds);
        let mut first = false;
        let (index, dir) = match self.find(&key, hash) {
            Some((index, _)) if self.is_reuse(index, p, sink, at) => {
                self.remove(index, sink, at);
                first = true;
                self.open(&key, hash, p, sink, at)?
            }
            Some(found) => found,
            None => {
                first = true;
                self.open(&key, hash, p, sink, at)?
            }
        };
        let slot = self.slots.get_mut(index)?;
        let dir = Self::deliver(&mut self.shared, slot, dir, p, sink, at);
        let handled =
            Handled { id: FlowId { index, generation: slot.generation }, uid: slot.flow.info.uid, dir, first };
        // Without this the deadline can only have moved further out.
        if std::mem::take(&mut slot.flow.timers_changed) || p.ts < self.now {
            let due = next_due(&slot.flow, &self.shared.config);
            if due < slot.armed {
                slot.armed = due;
                self.wheel.add(Entry { due, index, generation: slot.generation });
                self.throw_out_stale_timers();
            }
        }
        Some(handled)
    }

    /// Flows that are replaced leave their timers behind; where packet time stands still they would pile up.
    fn throw_out_stale_timers(&mut self) {
        if self.wheel.len() > self.slots.len().saturating_mul(4).saturating_add(STALE_TIMERS) {
            let slots = &self.slots;
            self.wheel.retain(|e| slots.get(e.index).is_some_and(|s| s.generation == e.generation && s.armed == e.due));
        }
    }

    fn deliver<S: Sink<App = A>>(
        shared: &mut Shared,
        slot: &mut Slot<A>,
        dir: Dir,
        p: &Packet<'_>,
        sink: &mut S,
        at: Moment,
    ) -> Dir {
        let (flow, app) = (&mut slot.flow, &mut slot.app);
        let turned = flow.kind == Kind::Tcp && flow.began_with_answer(p.decoded.tcp.flags);
        let dir = if turned { dir.flip() } else { dir };
        shared.stats.packets += 1;
        match dir {
            Dir::Orig => flow.info.seen.orig = true,
            Dir::Resp => flow.info.seen.resp = true,
        }
        if p.tunnel.is_some() {
            flow.note_tunnel(p.tunnel);
        }
        let mut cx = Cx { shared, sink, at };
        let mut now_dir = dir;
        if flow.kind == Kind::Tcp {
            match tcp::process(&mut cx, flow, app, dir, p) {
                Some(after) => now_dir = after,
                None => return dir,
            }
            // The packet is counted for the end that it was seen as coming from at first, even if the
            // processing found the flow's direction to be the other way round, as Zeek does.
            flow.end_mut(dir).count(ip_len(p));
        } else {
            flow.end_mut(dir).count(ip_len(p));
            datagram::process(&mut cx, flow, app, dir, p);
        }
        if std::mem::take(&mut flow.flip_wanted) && flow.flip_on_request() {
            now_dir = now_dir.flip();
            // As below, the packet stays counted for the end that it was seen as coming from.
            let len = ip_len(p);
            flow.end_mut(now_dir).uncount(len);
            flow.end_mut(dir).count(len);
        }
        now_dir
    }

    /// The packet's key, or why it has none (with a name worth telling).
    fn admit(&self, d: &Decoded) -> Result<Key, Option<&'static str>> {
        if d.anomalies.contains(Anomaly::BadIpChecksum) {
            return Err(Some("bad_IP_checksum"));
        }
        if d.anomalies.contains(Anomaly::IpLengthBeyondFrame) {
            return Err(Some("truncated_IP_len"));
        }
        Key::of(d).map_err(|e| (e == NoKey::Truncated).then_some("truncated_header"))
    }

    fn find(&self, key: &Key, hash: u64) -> Option<(u32, Dir)> {
        let mut dir = Dir::Orig;
        let tag = tag(hash);
        let entry = self.index.find(spread(tag), |&(t, index)| {
            if t != tag {
                return false;
            }
            let Some(slot) = self.slots.get(index) else { return false };
            match key.dir_in(&slot.flow.info.tuple, slot.flow.one_way) {
                Some(found) => {
                    dir = found;
                    true
                }
                None => false,
            }
        })?;
        Some((entry.1, dir))
    }

    fn is_reuse<S: Sink<App = A>>(&mut self, index: u32, p: &Packet<'_>, sink: &mut S, at: Moment) -> bool {
        let Some(slot) = self.slots.get_mut(index) else { return false };
        if slot.flow.kind != Kind::Tcp || p.decoded.tcp.flags & tcp_flags::SYN == 0 {
            return false;
        }
        tcp::is_reuse(&slot.flow, p, &self.shared.config.timeouts).is_some_and(|weird| {
            if let Some(name) = weird {
                sink.weird(Some(&slot.flow), name, at);
            }
            true
        })
    }

    /// Makes the flow of a first packet.
    fn open<S: Sink<App = A>>(
        &mut self,
        key: &Key,
        hash: u64,
        p: &Packet<'_>,
        sink: &mut S,
        at: Moment,
    ) -> Option<(u32, Dir)> {
        if self.slots.len() >= self.shared.config.limits.flow_count.max(1) {
            self.evict(sink, at);
        }
        let mut flow = Flow::new(self.info(key, p), p.decoded, key.one_way);
        if flow.kind == Kind::Tcp {
            flow.tcp.open(self.now, &self.shared.config.timeouts);
        }
        let mut dir = Dir::Orig;
        if self.is_backwards(&key.tuple, p.decoded) {
            flow.flip();
            dir = Dir::Resp;
        }
        if flow.kind == Kind::Udp && self.shared.config.exchanges.contains(&flow.info.tuple.resp_port) {
            flow.exchange_look = (self.now + self.shared.config.timeouts.exchange_look).0;
        }
        self.next_generation = self.next_generation.wrapping_add(1);
        let generation = self.next_generation;
        let index = self.slots.insert(Slot { flow, app: A::default(), hash, generation, armed: i64::MAX })?;
        self.index.insert_unique(spread(tag(hash)), (tag(hash), index), |e| spread(e.0));
        let stats = &mut self.shared.stats;
        stats.flows_total += 1;
        stats.flows_peak = stats.flows_peak.max(self.slots.len() as u64);
        let slot = self.slots.get_mut(index)?;
        match dir {
            Dir::Orig => slot.flow.info.seen.orig = true,
            Dir::Resp => slot.flow.info.seen.resp = true,
        }
        sink.opened(&mut slot.flow, &mut slot.app, at);
        Some((index, dir))
    }

    fn info(&self, key: &Key, p: &Packet<'_>) -> FlowInfo {
        let config = &self.shared.config;
        let local = |a: Addr| config.home_nets.iter().any(|n| n.contains(a));
        let t = key.tuple;
        FlowInfo {
            uid: Uid::for_flow(&t, p.ts, config.seed),
            tuple: t,
            first_ts: p.ts,
            first_packet: p.number,
            vlan: p.decoded.vlan,
            community_id: if key.one_way { CommunityId::one_way(&t, 0) } else { CommunityId::new(&t, 0) },
            tunnel: p.tunnel,
            local_orig: local(t.orig),
            local_resp: local(t.resp),
            seen: Seen::default(),
        }
    }

    /// Does a flow's first packet come from its responder, judging by ports?
    fn is_backwards(&self, t: &sekisho_types::FiveTuple, d: &Decoded) -> bool {
        let backwards = match t.proto {
            ip_proto::TCP => {
                let (syn, ack) = (d.tcp.flags & tcp_flags::SYN != 0, d.tcp.flags & tcp_flags::ACK != 0);
                let servers = &self.shared.tcp_servers;
                let started = syn && !ack;
                !started
                    && servers.contains(t.orig_port)
                    && (!servers.contains(t.resp_port) || !syn && t.orig_port < t.resp_port)
            }
            ip_proto::UDP => {
                self.shared.udp_servers.contains(t.orig_port) && !self.shared.udp_servers.contains(t.resp_port)
            }
            _ => false,
        };
        backwards && t.resp != Addr::v4([255; 4])
    }

    /// Removes the longest idle flows of a full table.
    fn evict<S: Sink<App = A>>(&mut self, sink: &mut S, at: Moment) {
        let count = (self.slots.len() / EVICT_PART).max(1);
        let mut all: Vec<(Timestamp, u64, u32)> =
            self.slots.iter().map(|(i, s)| (s.flow.last_ts, s.flow.info.first_packet, i)).collect();
        if count < all.len() {
            all.select_nth_unstable(count);
            all.truncate(count);
        }
        all.sort_unstable();
        for (_, _, index) in all {
            self.shared.stats.flows_evicted += 1;
            self.remove(index, sink, at);
        }
    }

    /// Lets packet time pass: removes the flows whose time is over. Time never goes back.
    pub fn advance<S: Sink<App = A>>(&mut self, ts: Timestamp, sink: &mut S) {
        let ts = self.now.max(ts);
        self.now = ts;
        while let Some(entry) = self.wheel.pop_due(ts) {
            let Some(slot) = self.slots.get_mut(entry.index) else { continue };
            if slot.generation != entry.generation || slot.armed != entry.due {
                continue;
            }
            slot.armed = i64::MAX;
            if is_over(&mut slot.flow, ts, &self.shared.config) {
                self.shared.stats.flows_expired += 1;
                self.remove(entry.index, sink, Moment { ts, number: 0 });
                continue;
            }
            let due = next_due(&slot.flow, &self.shared.config).max(ts.0.saturating_add(1));
            slot.armed = due;
            self.wheel.add(Entry { due, ..entry });
        }
    }

    /// No timer is due before then.
    pub fn next_due(&self) -> Timestamp {
        Timestamp(self.wheel.next_due())
    }

    /// The live flows, oldest first: the numbers of their first packets.
    pub fn order(&self) -> Vec<(u64, FlowId)> {
        let id = |index, s: &Slot<A>| FlowId { index, generation: s.generation };
        let mut all: Vec<_> = self.slots.iter().map(|(i, s)| (s.flow.info.first_packet, id(i, s))).collect();
        all.sort_unstable_by_key(|(first, id)| (*first, id.generation));
        all
    }

    /// Ends one flow, as [`FlowTable::finish`] does with all.
    pub fn end<S: Sink<App = A>>(&mut self, id: FlowId, sink: &mut S) {
        if self.slots.get(id.index).is_some_and(|s| s.generation == id.generation) {
            self.remove(id.index, sink, Moment { ts: self.now, number: 0 });
        }
    }

    /// Ends all flows, oldest first.
    pub fn finish<S: Sink<App = A>>(&mut self, sink: &mut S) {
        let mut all: Vec<(u64, u32, u32)> =
            self.slots.iter().map(|(i, s)| (s.flow.info.first_packet, s.generation, i)).collect();
        all.sort_unstable();
        let at = Moment { ts: self.now, number: 0 };
        for (_, _, index) in all {
            self.remove(index, sink, at);
        }
        self.wheel.clear();
    }

    fn remove<S: Sink<App = A>>(&mut self, index: u32, sink: &mut S, at: Moment) {
        let Some(mut slot) = self.slots.remove(index) else { return };
        if let Ok(entry) = self.index.find_entry(spread(tag(slot.hash)), |e| e.1 == index) {
            entry.remove();
        }
        let mut cx = Cx { shared: &mut self.shared, sink, at };
        if slot.flow.kind == Kind::Tcp {
            tcp::flush(&mut cx, &mut slot.flow, &mut slot.app);
        }
        sink.ending(&mut slot.flow, &mut slot.app, at);
        if std::mem::take(&mut slot.flow.flip_wanted) {
            slot.flow.flip_on_request();
        }
        let record = ConnRecord::new(&slot.flow);
        sink.closed(&mut slot.flow, slot.app, record, at);
    }
}

/// Length of the packet as its IP header says: 0 for IPv4 packets that a network card has yet to cut up.
fn ip_len(p: &Packet<'_>) -> u32 {
    let at = p.decoded.ip_offset as usize;
    match p.frame.get(at.saturating_add(2)..at.saturating_add(4)) {
        Some([0, 0]) if p.decoded.ip_version == 4 => 0,
        _ => p.decoded.ip_len,
    }
}

/// Inactivity timeout of a flow.
fn idle_limit(flow: &Flow, config: &Config) -> i64 {
    let t = &config.timeouts;
    match flow.kind {
        Kind::Tcp => t.tcp.0,
        Kind::Udp => t.udp.0,
        Kind::Icmp => t.icmp.0,
        Kind::Other => t.other.0,
    }
}

/// When the flow has to be looked at next.
fn next_due(flow: &Flow, config: &Config) -> i64 {
    flow.last_ts.0.saturating_add(idle_limit(flow, config)).min(flow.tcp.next_due()).min(flow.exchange_look)
}

/// Is the flow's time over at `now`? Runs the TCP timers that are due.
fn is_over(flow: &mut Flow, now: Timestamp, config: &Config) -> bool {
    if flow.last_ts.0.saturating_add(idle_limit(flow, config)) <= now.0 {
        return true;
    }
    if flow.exchange_look <= now.0 {
        flow.exchange_look = (now + config.timeouts.exchange_look).0;
        return now - flow.last_ts >= config.timeouts.exchange_idle;
    }
    flow.kind == Kind::Tcp && tcp::timers_say_over(flow, now, &config.timeouts)
}
