use crate::bursts::{self, Noted};
use crate::config::PortSet;
use crate::flow::Kind;
use crate::home::HomeNets;
use crate::index::Index;
use crate::key::{Key, NoKey, Seeds};
use crate::pool::Pool;
use crate::shed::Victims;
use crate::slots::{Slot, Slots, UNARMED};
use crate::wheel::{Timed, Wheel};
use crate::{Config, ConnRecord, Flow, FlowId, Handled, Manner, Moment, Packet, Sink, Stats, datagram, tcp};
use sekisho_types::{CommunityId, Dir, FlowInfo, Seen, Timestamp, Uid, ip_proto};
use sekisho_wire::{Anomaly, Decoded, tcp_flags};

/// Timers, beyond four per slot, at which those that mean nothing any more are thrown out.
const STALE_TIMERS: usize = 1 << 16;

/// What all flows share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) pool: Pool,
    pub(crate) stats: Stats,
    home: HomeNets,
    tcp_servers: PortSet,
    udp_servers: PortSet,
}

/// What the processing of one packet needs beside its flow.
pub(crate) struct Cx<'a, S> {
    pub(crate) shared: &'a mut Shared,
    pub(crate) sink: &'a mut S,
    pub(crate) at: Moment,
}

/// How many live flows have something set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Aside {
    /// Anything.
    pub(crate) extras: usize,
    /// Bursts.
    pub(crate) bursts: usize,
}

/// All live flows of one worker.
#[derive(Debug)]
pub struct FlowTable<A> {
    pub(crate) slots: Slots<A>,
    pub(crate) index: Index,
    pub(crate) wheel: Wheel,
    pub(crate) victims: Victims,
    seeds: Seeds,
    pub(crate) shared: Shared,
    /// What live flows have set aside.
    pub(crate) aside: Aside,
    now: Timestamp,
}

/// The slots as the timer wheel sees them.
struct Timers<'a, A> {
    slots: &'a mut Slots<A>,
    config: &'a Config,
}

impl<A: Default> Timed for Timers<'_, A> {
    fn armed(&mut self, index: u32) -> Option<&mut u32> {
        self.slots.any_mut(index).map(|s| &mut s.armed)
    }

    fn due(&self, index: u32) -> Option<i64> {
        self.slots.get(index).map(|s| next_due(&s.flow, self.config))
    }
}

impl<A: Default> FlowTable<A> {
    /// An empty table.
    pub fn new(config: Config) -> Self {
        let tcp_servers = PortSet::new(&config.likely_servers, ip_proto::TCP);
        let udp_servers = PortSet::new(&config.likely_servers, ip_proto::UDP);
        let home = HomeNets::new(&config.home_nets);
        Self {
            slots: Slots::default(),
            index: Index::default(),
            wheel: Wheel::default(),
            victims: Victims::default(),
            seeds: Seeds::new(config.seed),
            shared: Shared { config, pool: Pool::default(), stats: Stats::default(), home, tcp_servers, udp_servers },
            aside: Aside::default(),
            now: Timestamp(i64::MIN),
        }
    }

    /// Bytes that one live flow takes at most in the table, for whoever divides memory among the tables: its slot, its
    /// entry in the index just after that has grown, its timer and a stale one, and its share of the search for the
    /// longest idle. What is set aside for losses and oddities, and what waits out of order, comes on top: see
    /// [`FlowTable::held_len`].
    pub const fn flow_len() -> usize {
        size_of::<Slot<A>>() + Index::ENTRY_LEN + Wheel::ENTRY_LEN + Victims::ENTRY_LEN
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

    /// Reads what [`FlowTable::packet`] will need for a packet with these headers: its place in the index and the lines
    /// of its flow. To be called for a few packets before the first of them is taken: their ways to memory then
    /// overlap, where one after the other each would wait for its own.
    ///
    /// The result means nothing; it has to be used (added up, and the sum hidden by [`std::hint::black_box`]) lest the
    /// compiler drop the reads. Changes nothing and may be left out; pays once the flows don't fit into the cache.
    #[inline]
    pub fn prefetch(&self, d: &Decoded) -> u64 {
        let Ok(key) = Key::of(d, self.shared.config.manner) else { return 0 };
        let Some(index) = self.index.find(key.hash(self.seeds), |_| true) else { return 0 };
        let Some(slot) = self.slots.get(index) else { return 0 };
        let flow = &slot.flow;
        let (ends, tail) = (flow.orig.next ^ flow.resp.next, u64::from(flow.extra.is_some()));
        ends ^ flow.last_ts.0.cast_unsigned() ^ flow.info.first_packet ^ tail
    }

    /// Takes one packet: expires what is due, finds or makes its flow, counts, and hands on the
    /// payload. `None` if the packet belongs to no flow (no IP, a fragment, a cut header, a tunnel).
    #[inline]
    pub fn packet<S: Sink<App = A>>(&mut self, p: &Packet<'_>, sink: &mut S) -> Option<Handled> {
        self.now = self.now.max(p.ts);
        if self.now.0 >= self.wheel.next_due() {
            self.advance(self.now, sink);
        }
        let at = Moment::new(p.ts, p.number);
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
            Some((index, _)) if self.is_another(index, p, sink, at) => {
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
        let dir = Self::deliver(&mut self.shared, &mut self.aside, slot, dir, p, sink, at);
        let id = FlowId { index, generation: slot.generation };
        let handled = Handled { id, uid: slot.flow.info.uid, dir, first };
        // Without this the deadline can only have moved further out.
        if std::mem::take(&mut slot.flow.timers_changed) || p.ts < self.now {
            self.rearm(index, i64::MIN);
        }
        Some(handled)
    }

    /// Sees to it that a flow is looked at no later than its next deadline, but not before `earliest`.
    pub(crate) fn rearm(&mut self, index: u32, earliest: i64) {
        let mut timers = Timers { slots: &mut self.slots, config: &self.shared.config };
        self.wheel.arm(&mut timers, index, earliest);
        // Flows that are replaced leave their timers behind; where packet time stands still they could pile up.
        if self.wheel.len() > self.slots.len().saturating_mul(4).saturating_add(STALE_TIMERS) {
            self.wheel.clear();
            let mut live = Vec::with_capacity(self.slots.len());
            for (index, slot) in self.slots.all_mut() {
                slot.armed = UNARMED;
                if slot.is_live() {
                    live.push(index);
                }
            }
            let mut timers = Timers { slots: &mut self.slots, config: &self.shared.config };
            live.into_iter().for_each(|index| self.wheel.arm(&mut timers, index, earliest));
        }
    }

    #[inline]
    fn deliver<S: Sink<App = A>>(
        shared: &mut Shared,
        held: &mut Aside,
        slot: &mut Slot<A>,
        dir: Dir,
        p: &Packet<'_>,
        sink: &mut S,
        at: Moment,
    ) -> Dir {
        let (flow, app) = (&mut slot.flow, &mut slot.app);
        shared.stats.packets += 1;
        let mut cx = Cx { shared, sink, at };
        let had_extra = flow.extra.is_some();
        let now_dir = if flow.kind == Kind::Tcp && p.tunnel.is_none() && tcp::plain(&mut cx, flow, app, dir, p) {
            flow.count(dir, ip_len(p));
            Self::settle(flow, dir, dir, p)
        } else {
            Self::deliver_any(&mut cx, flow, app, dir, p)
        };
        if cx.shared.config.bursts {
            Self::note_bursts(cx.sink, held, flow, now_dir, p, at);
        }
        held.extras += usize::from(!had_extra && flow.extra.is_some());
        now_dir
    }

    /// Notes when and how much was said. A call of its own, so that what it needs costs nothing where nobody asks.
    #[inline(never)]
    fn note_bursts<S: Sink<App = A>>(
        sink: &mut S,
        held: &mut Aside,
        flow: &mut Flow,
        dir: Dir,
        p: &Packet<'_>,
        at: Moment,
    ) {
        let has_data = flow.kind == Kind::Tcp && p.decoded.payload_wire_len > 0;
        if !has_data || !bursts::concerns(flow, p) || flow.is_bulk() {
            return;
        }
        let mut bursts = match flow.extra.as_mut().and_then(|x| x.bursts.take()) {
            Some(bursts) => bursts,
            None if flow.total_len() > bursts::MAX_LEN => return flow.note_bulk(),
            None => {
                held.bursts += 1;
                Box::default()
            }
        };
        let mut noted = bursts::note(&mut bursts, dir, p);
        if matches!(noted, Noted::Full) {
            sink.bursts(flow, &bursts, at);
            bursts.clear();
            noted = bursts::note(&mut bursts, dir, p);
        }
        if matches!(noted, Noted::Bulk) {
            held.bursts = held.bursts.saturating_sub(1);
            return flow.note_bulk();
        }
        flow.extra_mut().bursts = Some(bursts);
    }

    /// Any packet but the plainest.
    fn deliver_any<S: Sink<App = A>>(
        cx: &mut Cx<'_, S>,
        flow: &mut Flow,
        app: &mut A,
        dir: Dir,
        p: &Packet<'_>,
    ) -> Dir {
        let turned = flow.kind == Kind::Tcp && flow.began_with_answer(p.decoded.tcp.flags);
        let dir = if turned { dir.flip() } else { dir };
        match dir {
            Dir::Orig => flow.info.seen.orig = true,
            Dir::Resp => flow.info.seen.resp = true,
        }
        flow.note_tunnel(p.tunnel);
        let mut now_dir = dir;
        if flow.kind == Kind::Tcp {
            match tcp::process(cx, flow, app, dir, p) {
                Some(after) => now_dir = after,
                None => return dir,
            }
            // The packet is counted for the end that it was seen as coming from at first, even if the
            // processing found the flow's direction to be the other way round, as Zeek does.
            flow.count(dir, ip_len(p));
        } else {
            flow.count(dir, ip_len(p));
            datagram::process(cx, flow, app, dir, p);
        }
        Self::settle(flow, dir, now_dir, p)
    }

    /// Turns the flow if the application asked for it; gives the direction of the packet at hand, which was `now_dir`.
    #[inline]
    fn settle(flow: &mut Flow, dir: Dir, now_dir: Dir, p: &Packet<'_>) -> Dir {
        if !std::mem::take(&mut flow.flip_wanted) || !flow.flip_on_request() {
            return now_dir;
        }
        // The packet stays counted for the end that it was seen as coming from.
        let now_dir = now_dir.flip();
        flow.recount(now_dir, dir, ip_len(p));
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
        Key::of(d, self.shared.config.manner).map_err(|e| (e == NoKey::Truncated).then_some("truncated_header"))
    }

    #[inline]
    fn find(&self, key: &Key, hash: u64) -> Option<(u32, Dir)> {
        let mut dir = None;
        let index = self.index.find(hash, |index| {
            dir = self.slots.get(index).and_then(|s| key.dir_in(&s.flow.info.tuple, s.flow.one_way()));
            dir.is_some()
        })?;
        Some((index, dir?))
    }

    /// Does a packet begin another flow between the ends of this one?
    #[inline]
    fn is_another<S: Sink<App = A>>(&mut self, index: u32, p: &Packet<'_>, sink: &mut S, at: Moment) -> bool {
        if p.decoded.tcp.flags & tcp_flags::SYN != 0 {
            return self.is_reuse(index, p, sink, at);
        }
        self.shared.config.timeouts.unanswered.is_some_and(|limit| {
            let flow = self.slots.get(index).map(|slot| &slot.flow).filter(|flow| flow.kind != Kind::Tcp);
            flow.is_some_and(|flow| flow.info.seen.one_sided().is_some() && p.ts - flow.last_ts >= limit)
        })
    }

    fn is_reuse<S: Sink<App = A>>(&mut self, index: u32, p: &Packet<'_>, sink: &mut S, at: Moment) -> bool {
        let Some(slot) = self.slots.get_mut(index) else { return false };
        if slot.flow.kind != Kind::Tcp {
            return false;
        }
        if self.shared.config.manner == Manner::Suricata {
            return tcp::is_closing(&slot.flow, p);
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
        while self.slots.len() >= self.shared.config.limits.flow_count.max(1) && self.evict_idlest(1, sink, at) > 0 {}
        let mut flow = Flow::new(self.info(key, p), p.decoded, key.one_way);
        if flow.kind == Kind::Tcp {
            tcp::open(&mut flow, self.now, &self.shared.config.timeouts);
        }
        let mut dir = Dir::Orig;
        if self.is_backwards(&key.tuple, p.decoded) {
            flow.flip();
            flow.note_turned();
            dir = Dir::Resp;
        }
        if flow.kind == Kind::Udp && self.shared.config.exchanges.contains(&flow.info.tuple.resp_port) {
            flow.look = (self.now + self.shared.config.timeouts.exchange_look).0;
        }
        match dir {
            Dir::Orig => flow.info.seen.orig = true,
            Dir::Resp => flow.info.seen.resp = true,
        }
        let index = self.slots.insert(flow)?;
        self.index.insert(hash, index);
        let stats = &mut self.shared.stats;
        stats.flows_total += 1;
        stats.flows_peak = stats.flows_peak.max(self.slots.len() as u64);
        let slot = self.slots.get_mut(index)?;
        sink.opened(&mut slot.flow, &mut slot.app, at);
        Some((index, dir))
    }

    fn info(&mut self, key: &Key, p: &Packet<'_>) -> FlowInfo {
        let Shared { config, home, .. } = &mut self.shared;
        let t = key.tuple;
        FlowInfo {
            uid: Uid::for_flow(&t, p.ts, config.seed),
            tuple: t,
            first_ts: p.ts,
            first_packet: p.number,
            vlan: p.decoded.vlan,
            community_id: match config.manner {
                Manner::Suricata => CommunityId::default(),
                Manner::Zeek if key.one_way => CommunityId::one_way(&t, 0),
                Manner::Zeek => CommunityId::new(&t, 0),
            },
            local_orig: home.contains(t.orig),
            local_resp: home.contains(t.resp),
            midstream: false,
            seen: Seen::default(),
            watched: None,
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
        backwards && t.resp != sekisho_types::Addr::v4([255; 4])
    }

    /// Lets packet time pass: removes the flows whose time is over. Time never goes back.
    #[inline]
    pub fn advance<S: Sink<App = A>>(&mut self, ts: Timestamp, sink: &mut S) {
        let ts = self.now.max(ts);
        self.now = ts;
        loop {
            let mut timers = Timers { slots: &mut self.slots, config: &self.shared.config };
            let Some(index) = self.wheel.pop_due(ts, &mut timers) else { return };
            self.look_at(index, ts, sink);
        }
    }

    /// A timer of a flow is due.
    fn look_at<S: Sink<App = A>>(&mut self, index: u32, now: Timestamp, sink: &mut S) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        if is_over(&mut slot.flow, now, &self.shared.config) {
            self.shared.stats.flows_expired += 1;
            self.remove(index, sink, Moment::new(now, 0));
        } else {
            self.rearm(index, now.0.saturating_add(1));
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
        all.sort_unstable_by_key(|(first, id)| (*first, id.index));
        all
    }

    /// Ends one flow, as [`FlowTable::finish`] does with all.
    pub fn end<S: Sink<App = A>>(&mut self, id: FlowId, sink: &mut S) {
        if self.slots.get(id.index).is_some_and(|s| s.generation == id.generation) {
            self.remove(id.index, sink, Moment::new(self.now, 0));
        }
    }

    /// Ends all flows, oldest first.
    pub fn finish<S: Sink<App = A>>(&mut self, sink: &mut S) {
        let mut all: Vec<(u64, u32)> = self.slots.iter().map(|(i, s)| (s.flow.info.first_packet, i)).collect();
        all.sort_unstable();
        let at = Moment::new(self.now, 0);
        for (_, index) in all {
            self.remove(index, sink, at);
        }
        self.wheel.clear();
        self.slots.all_mut().for_each(|(_, slot)| slot.armed = UNARMED);
    }

    pub(crate) fn remove<S: Sink<App = A>>(&mut self, index: u32, sink: &mut S, at: Moment) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        let key = Key { tuple: slot.flow.info.tuple, one_way: slot.flow.one_way() };
        self.index.remove(key.hash(self.seeds), index);
        let extra = slot.flow.extra.as_mut();
        self.aside.extras = self.aside.extras.saturating_sub(usize::from(extra.is_some()));
        let bursts = extra.and_then(|x| x.bursts.take());
        self.aside.bursts = self.aside.bursts.saturating_sub(usize::from(bursts.is_some()));
        let mut cx = Cx { shared: &mut self.shared, sink, at };
        if slot.flow.kind == Kind::Tcp {
            tcp::flush(&mut cx, &mut slot.flow, &mut slot.app);
        }
        sink.ending(&mut slot.flow, &mut slot.app, at);
        if std::mem::take(&mut slot.flow.flip_wanted) {
            slot.flow.flip_on_request();
        }
        if let Some(bursts) = bursts.filter(|b| b.is_telling()) {
            sink.bursts(&slot.flow, &bursts, at);
        }
        let record = ConnRecord::new(&slot.flow);
        let app = std::mem::take(&mut slot.app);
        sink.closed(&mut slot.flow, app, record, at);
        self.slots.release(index);
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
    flow.last_ts.0.saturating_add(idle_limit(flow, config)).min(flow.look).min(flow.second_look)
}

/// Is the flow's time over at `now`? Runs the TCP timers that are due.
fn is_over(flow: &mut Flow, now: Timestamp, config: &Config) -> bool {
    if flow.last_ts.0.saturating_add(idle_limit(flow, config)) <= now.0 {
        return true;
    }
    if flow.kind == Kind::Udp && flow.look <= now.0 {
        flow.look = (now + config.timeouts.exchange_look).0;
        return now - flow.last_ts >= config.timeouts.exchange_idle;
    }
    flow.kind == Kind::Tcp && tcp::timers_say_over(flow, now, &config.timeouts)
}
