//! The `stats` log: what the run itself uses and gives up, by packet time.

use crate::Stats;
use crate::budget::{POOL_COUNT, Pool, PoolState};
use sekisho_record::Record;
use sekisho_types::{Interval, Timestamp};

/// Packet time between two rows, as in Zeek.
pub const STATS_INTERVAL: Interval = Interval::from_secs(300);

/// What the run used and gave up. Counts are since the row before; sizes are bytes, and those of pools what the tables
/// and buffers of the pass take, not what the operating system sees. Nothing depends on the clock or on `--jobs`.
#[derive(Clone, Debug, Record)]
#[record(log = "stats")]
pub struct StatsRecord {
    /// Packet time of the row.
    pub ts: Timestamp,
    /// Zeek's column: who says so.
    pub peer: &'static str,
    /// Megabytes in use in all pools.
    pub mem: u64,
    /// Packets processed.
    pub pkts_proc: u64,
    /// Their bytes on the wire.
    pub bytes_recv: u64,
    /// TCP flows alive.
    pub active_tcp_conns: u64,
    /// UDP flows alive.
    pub active_udp_conns: u64,
    /// ICMP flows alive.
    pub active_icmp_conns: u64,
    /// TCP flows begun.
    pub tcp_conns: u64,
    /// UDP flows begun.
    pub udp_conns: u64,
    /// ICMP flows begun.
    pub icmp_conns: u64,
    /// Files begun.
    pub files: u64,
    /// Files open.
    pub active_files: u64,
    /// Bytes that wait for others in their streams.
    pub reassem_tcp_size: u64,
    /// Fragments that wait for others of their packet.
    pub reassem_frag_size: u64,
    /// Memory of the run, as `--memory` says.
    #[record(ext)]
    pub budget: u64,
    /// Flow tables: bytes in use.
    #[record(ext, name = "flows.used")]
    pub flows_used: u64,
    /// Flow tables: the most so far.
    #[record(ext, name = "flows.peak")]
    pub flows_peak: u64,
    /// Flow tables: their share of the budget.
    #[record(ext, name = "flows.cap")]
    pub flows_cap: u64,
    /// States of parsers: bytes in use.
    #[record(ext, name = "parsers.used")]
    pub parsers_used: u64,
    /// States of parsers: the most so far.
    #[record(ext, name = "parsers.peak")]
    pub parsers_peak: u64,
    /// States of parsers: their share of the budget.
    #[record(ext, name = "parsers.cap")]
    pub parsers_cap: u64,
    /// Out-of-order bytes of streams: bytes in use, free buffers included.
    #[record(ext, name = "reassembly.used")]
    pub reassembly_used: u64,
    /// Out-of-order bytes of streams: the most so far.
    #[record(ext, name = "reassembly.peak")]
    pub reassembly_peak: u64,
    /// Out-of-order bytes of streams: their share of the budget.
    #[record(ext, name = "reassembly.cap")]
    pub reassembly_cap: u64,
    /// Fragments: bytes in use.
    #[record(ext, name = "fragments.used")]
    pub fragments_used: u64,
    /// Fragments: the most so far.
    #[record(ext, name = "fragments.peak")]
    pub fragments_peak: u64,
    /// Fragments: their share of the budget.
    #[record(ext, name = "fragments.cap")]
    pub fragments_cap: u64,
    /// Decoders of compressed contents: bytes in use.
    #[record(ext, name = "decoding.used")]
    pub decoding_used: u64,
    /// Decoders of compressed contents: the most so far.
    #[record(ext, name = "decoding.peak")]
    pub decoding_peak: u64,
    /// Decoders of compressed contents: their share of the budget.
    #[record(ext, name = "decoding.cap")]
    pub decoding_cap: u64,
    /// Open files: bytes in use.
    #[record(ext, name = "files.used")]
    pub files_used: u64,
    /// Open files: the most so far.
    #[record(ext, name = "files.peak")]
    pub files_peak: u64,
    /// Open files: their share of the budget.
    #[record(ext, name = "files.cap")]
    pub files_cap: u64,
    /// Flows that ended early to make room; each has its rows.
    #[record(ext)]
    pub evicted_flows: u64,
    /// Holes in streams given up because a bound was reached.
    #[record(ext)]
    pub forced_holes: u64,
    /// Bytes of streams thrown away because no buffer was left.
    #[record(ext)]
    pub dropped_bytes: u64,
    /// Packets of which fragments were thrown away to make room.
    #[record(ext)]
    pub evicted_fragments: u64,
    /// Compressed contents not decoded, or not to their end.
    #[record(ext)]
    pub refused_contents: u64,
    /// Files not followed.
    #[record(ext)]
    pub refused_files: u64,
}

/// Makes the rows when they are due.
#[derive(Clone, Debug)]
pub(crate) struct StatsLog {
    every: Interval,
    next: Option<Timestamp>,
    last: Stats,
}

impl StatsLog {
    pub fn new(every: Interval) -> Self {
        Self { every, next: None, last: Stats::default() }
    }

    /// Is it time for a row at `now`? The first comes one interval after the first packet.
    pub fn is_due(&mut self, now: Timestamp) -> bool {
        let next = *self.next.get_or_insert(now + self.every);
        now >= next
    }

    /// The row of everything since the last one.
    pub fn row(&mut self, now: Timestamp, stats: &Stats, pools: &[PoolState; POOL_COUNT], budget: u64) -> StatsRecord {
        self.next = Some(now + self.every);
        let last = std::mem::replace(&mut self.last, *stats);
        let [flows, parsers, reassembly, fragments, decoding, files] = *pools;
        let since = |of: fn(&Stats) -> u64| of(stats).saturating_sub(of(&last));
        StatsRecord {
            ts: now,
            peer: "sekisho",
            mem: Pool::ALL.iter().zip(pools).map(|(_, p)| p.used_len).sum::<u64>() >> 20,
            pkts_proc: since(|s| s.packets),
            bytes_recv: since(|s| s.bytes),
            active_tcp_conns: stats.tcp_open,
            active_udp_conns: stats.udp_open,
            active_icmp_conns: stats.icmp_open,
            tcp_conns: since(|s| s.tcp_flows),
            udp_conns: since(|s| s.udp_flows),
            icmp_conns: since(|s| s.icmp_flows),
            files: since(|s| s.files.opened),
            active_files: stats.files.open_now,
            reassem_tcp_size: stats.flow.buffered_len,
            reassem_frag_size: stats.defrag.buffered_len,
            budget,
            flows_used: flows.used_len,
            flows_peak: flows.peak_len,
            flows_cap: flows.cap_len,
            parsers_used: parsers.used_len,
            parsers_peak: parsers.peak_len,
            parsers_cap: parsers.cap_len,
            reassembly_used: reassembly.used_len,
            reassembly_peak: reassembly.peak_len,
            reassembly_cap: reassembly.cap_len,
            fragments_used: fragments.used_len,
            fragments_peak: fragments.peak_len,
            fragments_cap: fragments.cap_len,
            decoding_used: decoding.used_len,
            decoding_peak: decoding.peak_len,
            decoding_cap: decoding.cap_len,
            files_used: files.used_len,
            files_peak: files.peak_len,
            files_cap: files.cap_len,
            evicted_flows: since(|s| s.flow.flows_evicted),
            forced_holes: since(|s| s.flow.holes_forced),
            dropped_bytes: since(|s| s.flow.bytes_dropped),
            evicted_fragments: since(|s| s.defrag.evicted),
            refused_contents: since(|s| s.decoding_refused),
            refused_files: since(|s| s.files.refused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_by_packet_time_and_count_since_the_last() {
        let at = |s| Timestamp::from_parts(s, 0);
        let mut log = StatsLog::new(STATS_INTERVAL);
        assert!(!log.is_due(at(1000)) && !log.is_due(at(1299)) && log.is_due(at(1300)));
        let mut stats = Stats { packets: 10, tcp_open: 3, tcp_flows: 5, ..Stats::default() };
        let pool = PoolState { cap_len: 8 << 20, used_len: 1 << 20, peak_len: 2 << 20 };
        let row = log.row(at(1300), &stats, &[pool; POOL_COUNT], 64 << 20);
        assert_eq!((row.pkts_proc, row.tcp_conns, row.active_tcp_conns, row.mem), (10, 5, 3, 6));
        assert!(!log.is_due(at(1301)));
        stats.packets = 25;
        let row = log.row(at(1700), &stats, &[pool; POOL_COUNT], 64 << 20);
        assert_eq!((row.pkts_proc, row.tcp_conns, row.files_peak), (15, 0, 2 << 20));
        assert!(log.is_due(at(2000)));
    }
}
