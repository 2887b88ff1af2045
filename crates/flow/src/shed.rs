//! Living within a memory budget. What is given up when memory is short has a fixed order: the flows that have
//! been idle longest ([`FlowTable::evict_flow`]), slight ones first where they are the most ([`is_slight`]), then the
//! bytes that wait for holes in streams to be filled ([`FlowTable::shed_reassembly`]), never a counter: what is
//! evicted has left its record, what is shed was handed on behind a gap.

use crate::bursts::Bursts;
use crate::extra::Extra;
use crate::slots::Slot;
use crate::table::Cx;
use crate::{Flow, FlowId, FlowTable, Limits, Moment, Sink, tcp};
use sekisho_types::{Dir, Timestamp};

/// One search for the longest idle flows finds this part of them, so that it costs little per flow evicted.
const VICTIM_PART: usize = 4;

/// While it searches it keeps this part more than it wants.
const VICTIM_SLACK_PART: usize = 4;

/// Flows by which it estimates how long the part wanted has been idle.
const SAMPLE_COUNT: usize = 1024;

/// A flow of fewer packets has hardly begun.
const SLIGHT_PKTS: u32 = 4;

/// If more than this part of a full table are slight flows, only they have to go.
const SLIGHT_PART: usize = 2;

/// Has hardly anything happened in the flow: one end was never seen, or but a question and an answer? Floods are made
/// of such flows. Conversations that pause must not go because strangers knock; but if they fill most of the table
/// themselves, the longest idle of all goes.
fn is_slight(flow: &Flow) -> bool {
    let seen = flow.info.seen;
    let pkts = flow.end(Dir::Orig).pkts.saturating_add(flow.end(Dir::Resp).pkts);
    !(seen.orig && seen.resp) || pkts < SLIGHT_PKTS
}

/// The flows (or slight flows, see [`is_slight`]) that were idle longest when the table was last searched, the longest
/// idle at the end. Whoever is not among them was active later, and those that were active since are passed over: so
/// the order is exact as long as packets come in order of time.
#[derive(Debug, Default)]
pub(crate) struct Victims(Vec<Victim>);

type Victim = (Timestamp, u64, FlowId);

impl Victims {
    /// What a flow's share takes.
    pub(crate) const ENTRY_LEN: usize =
        (size_of::<Victim>() * (VICTIM_SLACK_PART + 1)).div_ceil(VICTIM_SLACK_PART * VICTIM_PART);
}

/// Orders victims as their times and numbers do, as one number.
fn order(victim: &Victim) -> u128 {
    let ts = victim.0.0.cast_unsigned() ^ 1 << 63;
    u128::from(ts) << 64 | u128::from(victim.1)
}

impl<A: Default> FlowTable<A> {
    /// Bytes that the table really holds: slots whether taken or free, index, timers, and the buffers
    /// of out-of-order data whether in use or free. Kept by counters, so asking costs nothing.
    ///
    /// Evicting flows makes room for others; it need not give memory back to the allocator.
    pub fn held_len(&self) -> usize {
        let of = |count: usize, len: usize| count.saturating_mul(len);
        let aside = of(self.aside.extras, size_of::<Extra>())
            .saturating_add(of(self.aside.bursts, size_of::<Bursts>()))
            .saturating_add(self.shared.pool.lists_len());
        let victims = self.victims.0.capacity() * size_of::<Victim>();
        [self.index.held_len(), self.wheel.held_len(), self.reassembly_len(), aside, victims]
            .into_iter()
            .fold(self.slots.held_len(), usize::saturating_add)
    }

    /// Of these, what the buffers of out-of-order data take.
    pub fn reassembly_len(&self) -> usize {
        self.shared.pool.held_len()
    }

    /// Changes the bounds. What exceeds them goes when the next flow or the next buffer is asked for.
    pub fn set_limits(&mut self, limits: Limits) {
        self.shared.config.limits = limits;
    }

    /// Adds the live flows to `out`, in no particular order: when each was last active, the number of its first
    /// packet, and the flow. Sorted, the longest idle come first, and those of equal age in order of their begin.
    pub fn idlest(&self, out: &mut Vec<(Timestamp, u64, FlowId)>) {
        out.extend(
            self.slots.iter().map(|(index, s)| {
                (s.flow.last_ts, s.flow.info.first_packet, FlowId { index, generation: s.generation })
            }),
        );
    }

    /// Removes `count` flows before their time, the longest idle first; gives how many there were. A few at a time
    /// cost little each.
    pub fn evict_idlest<S: Sink<App = A>>(&mut self, count: usize, sink: &mut S, at: Moment) -> usize {
        let mut evicted = 0;
        while evicted < count && self.slots.len() > 0 {
            let Some((last_ts, _, id)) = self.victims.0.pop() else {
                self.search_victims();
                continue;
            };
            if self.flow(id).is_some_and(|(flow, _)| flow.last_ts == last_ts) {
                evicted += usize::from(self.evict_flow(id, sink, at));
            }
        }
        evicted
    }

    /// Finds the longest idle flows, or the longest idle slight ones if those are the most.
    fn search_victims(&mut self) {
        let wanted = (self.slots.len() / VICTIM_PART).max(1);
        let kept = wanted.saturating_add((wanted / VICTIM_SLACK_PART).max(1));
        let (only_slight, too_late) = self.estimate();
        let found = &mut self.victims.0;
        *found = Vec::with_capacity(kept);
        // Active after this: not among those wanted.
        let mut too_late = too_late;
        for (index, s) in self.slots.iter() {
            if s.flow.last_ts > too_late || only_slight && !is_slight(&s.flow) {
                continue;
            }
            found.push((s.flow.last_ts, s.flow.info.first_packet, FlowId { index, generation: s.generation }));
            if found.len() >= kept {
                let (_, last, _) = found.select_nth_unstable_by_key(wanted, order);
                too_late = last.0;
                found.truncate(wanted);
            }
        }
        // Flows that came one after the other stand so in the table: that order is worth keeping.
        found.sort_by_key(|v| std::cmp::Reverse(order(v)));
        let extra = found.len().saturating_sub(wanted);
        found.drain(..extra);
    }

    /// From a sample: whether only slight flows have to go, and when about one in [`VICTIM_PART`] of those that have
    /// to was active last or earlier.
    fn estimate(&self) -> (bool, Timestamp) {
        let count = self.slots.count();
        let step = (count as usize / SAMPLE_COUNT).max(1);
        let flows = (0..count).step_by(step).filter_map(|i| self.slots.get(i).map(|s| &s.flow));
        let sample: Vec<(Timestamp, bool)> = flows.map(|f| (f.last_ts, is_slight(f))).collect();
        let only_slight = sample.iter().filter(|s| s.1).count() > sample.len() / SLIGHT_PART;
        let mut ages: Vec<Timestamp> = sample.into_iter().filter(|s| s.1 || !only_slight).map(|s| s.0).collect();
        let rank = ages.len() / VICTIM_PART;
        let active_last = if rank < ages.len() { *ages.select_nth_unstable(rank).1 } else { Timestamp(i64::MAX) };
        (only_slight, active_last)
    }

    /// Removes one flow before its time; its record leaves through `sink`. False if it is gone already.
    pub fn evict_flow<S: Sink<App = A>>(&mut self, id: FlowId, sink: &mut S, at: Moment) -> bool {
        if self.flow(id).is_none() {
            return false;
        }
        self.shared.stats.flows_evicted += 1;
        self.remove(id.index, sink, at);
        true
    }

    /// Gives up holes in streams until the buffers of out-of-order data take at most `goal_len` bytes: unused
    /// buffers first, then the flows that hold most (of equal ones the earlier begun), in each the oldest holes
    /// of the originator, then of the responder. What waited is handed on behind a gap, so no byte that was
    /// captured is lost.
    pub fn shed_reassembly<S: Sink<App = A>>(&mut self, goal_len: usize, sink: &mut S, at: Moment) {
        self.shared.pool.trim(goal_len);
        if self.reassembly_len() <= goal_len {
            return;
        }
        let waiting = |s: &Slot<A>| Some(tcp::waiting_len(&s.flow)).filter(|len| *len > 0);
        let mut holders: Vec<_> = self
            .slots
            .iter()
            .filter_map(|(i, s)| Some((std::cmp::Reverse(waiting(s)?), s.flow.info.first_packet, i)))
            .collect();
        holders.sort_unstable();
        for (_, _, index) in holders {
            if self.shared.pool.in_use_len() <= goal_len {
                break;
            }
            let Some(slot) = self.slots.get_mut(index) else { continue };
            let mut cx = Cx { shared: &mut self.shared, sink: &mut *sink, at };
            tcp::shed(&mut cx, &mut slot.flow, &mut slot.app, goal_len);
            if std::mem::take(&mut slot.flow.timers_changed) {
                self.rearm(index, i64::MIN);
            }
        }
        self.shared.pool.trim(goal_len);
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::Bench;
    use crate::{Config, FlowId, FlowTable, Limits, Moment};
    use sekisho_types::{Dir, Timestamp};
    use sekisho_wire::tcp_flags::{ACK, FIN, SYN};

    const AT: Moment = Moment::new(Timestamp(1_700_000_001_000_000_000), 99);

    /// Three flows; bytes wait behind a hole in the second and, fewer, in the third.
    fn holding() -> Bench {
        let mut b = Bench::new(Config::default());
        b.log.restarted = true;
        for (port, pieces) in [(1001, 0), (1002, 4), (1003, 2)] {
            b.ports = (port, 80);
            b.tcp(i64::from(port), true, SYN, 0, 0, &[]);
            b.tcp(i64::from(port), false, SYN | ACK, 0, 1, &[]);
            for i in 0..pieces {
                b.tcp(i64::from(port), true, ACK, 101 + 200 * i, 1, &[b'x'; 100]);
            }
        }
        b
    }

    fn idlest(table: &FlowTable<()>) -> Vec<(Timestamp, u64, FlowId)> {
        let mut out = Vec::new();
        table.idlest(&mut out);
        out.sort_by_key(|x| (x.0, x.1));
        out
    }

    #[test]
    fn names_the_idlest_flows_and_evicts_them() {
        let mut b = holding();
        b.ports = (1001, 80);
        b.tcp(5000, true, ACK, 1, 1, &[]);
        let order = idlest(&b.table);
        let ports: Vec<u16> =
            order.iter().map(|(_, _, id)| b.table.flow(*id).unwrap().0.info.tuple.orig_port).collect();
        assert_eq!(ports, [1002, 1003, 1001]);
        assert!(b.table.evict_flow(order[0].2, &mut b.log, AT));
        assert!(!b.table.evict_flow(order[0].2, &mut b.log, AT));
        assert_eq!((b.log.records.len(), b.log.records[0].head.orig_p.0), (1, 1002));
        assert_eq!((b.log.records[0].orig_pkts, b.log.records[0].orig_gap_bytes), (5, Some(400)));
        assert_eq!((b.table.stats().flows_evicted, b.table.stats().flows), (1, 2));
        assert_eq!(b.finish().records.len(), 3);
    }

    /// Whatever the order in which flows are active, the one that goes was idle longest.
    #[test]
    fn limits_flows_in_exact_order_of_idleness() {
        const COUNT: u64 = 300;
        let limits = Limits { flow_count: COUNT as usize, ..Limits::default() };
        let mut b = Bench::new(Config { limits, ..Config::default() });
        let (mut last_seen, mut random) = (std::collections::BTreeMap::new(), 7u64);
        for ms in 0..20_000i64 {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let port = 21_000 + (random >> 40) % (COUNT + 60);
            b.ports = (port as u16, 9999);
            if !last_seen.contains_key(&port) && last_seen.len() == COUNT as usize {
                let (&idlest, _) = last_seen.iter().min_by_key(|(_, ms)| **ms).unwrap();
                last_seen.remove(&idlest);
                let before = b.log.records.len();
                b.udp(ms, true, b"x");
                let gone: Vec<u64> = b.log.records[before..].iter().map(|r| u64::from(r.head.orig_p.0)).collect();
                assert_eq!(gone, [idlest], "at {ms} ms");
            } else {
                b.udp(ms, true, b"x");
            }
            last_seen.insert(port, ms);
        }
        assert!(b.table.stats().flows_evicted > 1000);
        assert_eq!(b.table.stats().flows_peak, COUNT);
    }

    #[test]
    fn knows_what_it_holds() {
        let empty = FlowTable::<()>::new(Config::default()).held_len();
        let mut b = holding();
        let first = b.table.held_len();
        assert!(first >= empty + 3 * FlowTable::<()>::flow_len() / 2 + b.table.reassembly_len());
        assert_eq!(b.table.reassembly_len(), 6 * 2048);
        for port in 2000..6000 {
            b.ports = (port, 81);
            b.udp(1003, true, b"x");
        }
        let full = b.table.held_len();
        assert!(full > first + 3900 * FlowTable::<()>::flow_len() / 2, "{first} {full}");
        for (_, _, id) in idlest(&b.table) {
            b.table.evict_flow(id, &mut b.log, AT);
        }
        // What was given up serves the next flows.
        let empty_again = b.table.held_len();
        for port in 2000..6000 {
            b.ports = (port, 81);
            b.udp(1003, true, b"x");
        }
        assert!(b.table.held_len() <= full.max(empty_again));
        assert!(full <= 4003 * FlowTable::<()>::flow_len() + empty + 512 * FlowTable::<()>::flow_len());
    }

    /// What an idle TCP connection takes: both ends sent data, its parser is known.
    #[test]
    fn limits_memory_per_idle_flow() {
        assert!(FlowTable::<[u64; 2]>::flow_len() <= 400, "{}", FlowTable::<[u64; 2]>::flow_len());
        let mut b = Bench::new(Config::default());
        b.log.restarted = true;
        let empty = b.table.held_len();
        const COUNT: usize = 20_480;
        for i in 0..COUNT {
            b.ports = (10_000 + i as u16, 80);
            b.tcp(i as i64, true, SYN, 100, 0, &[]);
            b.tcp(i as i64, false, SYN | ACK, 300, 101, &[]);
            b.tcp(i as i64, true, ACK, 101, 301, b"question");
            b.tcp(i as i64, false, ACK, 301, 109, b"answer");
            let id = FlowId { index: i as u32, generation: 1 };
            let flow = b.table.flow_mut(id).unwrap().0;
            flow.services.add("http");
            flow.apps.add("http");
            assert!(flow.extra.is_none());
        }
        let per_flow = (b.table.held_len() - empty) / COUNT;
        assert!((360..=FlowTable::<()>::flow_len()).contains(&per_flow), "{per_flow}");
    }

    #[test]
    fn sheds_the_largest_holders_first() {
        let mut b = holding();
        b.table.shed_reassembly(6 * 2048, &mut b.log, AT);
        assert_eq!((b.table.stats().holes_forced, b.log.gaps), (0, [0, 0]));
        b.table.shed_reassembly(4 * 2048, &mut b.log, AT);
        assert_eq!((b.table.reassembly_len(), b.table.stats().holes_forced), (4 * 2048, 2));
        let order = idlest(&b.table);
        let offset = |b: &Bench, id| b.table.flow(id).unwrap().0.stream_offset(Dir::Orig);
        let offsets = |b: &Bench| order.iter().map(|o| offset(b, o.2)).collect::<Vec<_>>();
        assert_eq!(offsets(&b), [1, 401, 1]);
        b.table.shed_reassembly(0, &mut b.log, AT);
        assert_eq!(offsets(&b), [1, 801, 401]);
        assert_eq!((b.table.reassembly_len(), b.table.stats().buffered_len), (0, 0));
        assert_eq!((b.table.stats().holes_forced, b.table.stats().gap_bytes), (6, 600));
        assert_eq!(b.finish().records.len(), 3);
    }

    #[test]
    fn a_close_that_waited_for_a_hole_goes_on() {
        let mut b = Bench::new(Config::default());
        b.tcp(0, true, SYN, 0, 0, &[]);
        b.tcp(0, false, SYN | ACK, 0, 1, &[]);
        b.tcp(0, true, FIN | ACK, 11, 1, b"end");
        assert_eq!(b.log.closes, []);
        b.table.shed_reassembly(0, &mut b.log, AT);
        assert_eq!((b.log.closes.as_slice(), b.log.gaps), (&[Dir::Orig][..], [10, 0]));
    }

    /// A conversation that pauses outlives a flood of single packets; but conversations give way to each other.
    #[test]
    fn slight_flows_go_first_where_they_are_the_most() {
        let config = Config { limits: Limits { flow_count: 100, ..Limits::default() }, ..Config::default() };
        let mut b = Bench::new(config);
        b.log.restarted = true;
        let talk = |b: &mut Bench, ms: i64, port: u16| {
            b.ports = (port, 80);
            b.tcp(ms, true, SYN, 0, 0, &[]);
            b.tcp(ms, false, SYN | ACK, 0, 1, &[]);
            b.tcp(ms, true, ACK, 1, 1, b"question");
            b.tcp(ms, false, ACK, 1, 9, b"answer");
        };
        let alive = |b: &Bench, port: u16| b.table.flows().any(|(f, _)| f.info.tuple.orig_port == port);
        for port in 1..=40 {
            talk(&mut b, i64::from(port), port);
        }
        for port in 1000..3000 {
            b.ports = (port, 80);
            b.tcp(100 + i64::from(port), true, SYN, 0, 0, &[]);
        }
        assert_eq!(b.table.stats().flows_evicted, 1940);
        assert!((1..=40).all(|port| alive(&b, port)) && alive(&b, 2999) && !alive(&b, 2900));
        for port in 5000..5100 {
            talk(&mut b, 5000 + i64::from(port), port);
        }
        assert!((1..=40).all(|port| !alive(&b, port)) && alive(&b, 5099));
    }

    #[test]
    fn limits_may_change() {
        let mut b = holding();
        b.table.set_limits(Limits { flow_count: 2, ..Limits::default() });
        assert_eq!(b.table.stats().flows, 3);
        b.ports = (1004, 80);
        b.tcp(9000, true, SYN, 0, 0, &[]);
        assert_eq!((b.table.stats().flows, b.table.stats().flows_evicted), (2, 2));
        assert_eq!(b.table.config().limits.flow_count, 2);
    }
}
