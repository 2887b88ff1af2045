use sekisho_capture::Frame;
use sekisho_proto::{Passwords, Secrets, Trust};
use sekisho_types::{Interval, Timestamp, ip_proto};
use sekisho_wire::filter::Filter;

use crate::budget::Budget;
use crate::tap::Watch;
use std::sync::Arc;

/// How a pass behaves.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Flow table: seed, home networks, timeouts, bounds.
    pub flow: sekisho_flow::Config,
    /// Files: hashes, extraction, bounds.
    pub files: sekisho_files::Limits,
    /// Memory of the run.
    pub budget: Budget,
    /// Packet time between rows of `stats`; `None`: none are written.
    pub stats: Option<Interval>,
    /// Only packets that match.
    pub filter: Option<Filter>,
    /// Verify checksums and leave bad packets out.
    pub checksums: bool,
    /// Keys to what is encrypted; captures may add to them on the way.
    pub secrets: Arc<Secrets>,
    /// Who vouches for certificates; `None`: Mozilla's roots.
    pub trust: Option<Arc<Trust>>,
    /// Where passwords go that cross in clear; `None`: nobody listens for them. Whoever gives it may ask it at any time.
    pub passwords: Option<Arc<Passwords>>,
    /// What the tap is told; a pass in parts has none.
    pub watch: Watch,
    /// Detectors listen: rows that stand in no log are made too.
    pub judged: bool,
    /// Events are written as EVE has them.
    pub eve: Option<Arc<sekisho_output::eve::Settings>>,
    /// Rules that look at everything, with [`Settings::eve`]: it says what is told of what they find.
    pub rules: Option<Arc<sekisho_rules::Program>>,
    /// Remember how far each rule comes, for [`crate::Worker::tally`].
    pub trace_rules: bool,
}

/// Entries of what one part of the pass remembers beside its flows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Remembered {
    /// Anomalies of flows, each logged once.
    pub weirds: usize,
    /// Facts logged once.
    pub facts: usize,
    /// Tunnels.
    pub tunnels: usize,
    /// Announced flows.
    pub expectations: usize,
    /// Flows whose files are numbered.
    pub numbered: usize,
    /// Bytes of what is joined across flows.
    pub joined_len: usize,
}

impl Remembered {
    /// What `budget` has room for.
    pub fn of(budget: &Budget) -> Self {
        /// Places of an entry in its table, which is between 7/16 and 7/8 full, with what it owns.
        const WEIRD_LEN: usize = 32 * 2;
        const FACT_LEN: usize = 64 * 2;
        const TUNNEL_LEN: usize = 768;
        const EXPECTATION_LEN: usize = 512;
        const NUMBER_LEN: usize = 40;
        /// Half of it for tunnels, each of which is a row; of the rest as much for each of the others.
        const TUNNELS_PART: u64 = 2;
        const OTHERS_PART: u64 = 8;
        let most = |len, most| budget.remembered(len, OTHERS_PART, most);
        Self {
            weirds: most(WEIRD_LEN, 1 << 16),
            facts: most(FACT_LEN, sekisho_proto::MAX_REMEMBERED),
            tunnels: budget.remembered(TUNNEL_LEN, TUNNELS_PART, 1 << 16),
            expectations: most(EXPECTATION_LEN, 1 << 12),
            numbered: most(NUMBER_LEN, 1 << 16),
            joined_len: most(1, usize::MAX),
        }
    }
}

/// What a pass did and what its bounds cost. Completeness travels with every result.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Frames looked at: those read, less the filtered ones.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Their bytes in the captures.
    pub captured_bytes: u64,
    /// TCP flows with payload of which only one end was seen.
    pub one_sided_flows: u64,
    /// Earliest packet time.
    pub first_ts: Option<Timestamp>,
    /// Latest packet time.
    pub last_ts: Option<Timestamp>,
    /// Frames left out by the filter.
    pub filtered: u64,
    /// Packets that carry no IP (ARP and the like, or undecodable).
    pub no_ip: u64,
    /// Frames of a link type or ethertype that is not decoded.
    pub unknown_link: u64,
    /// Frames cut by the snap length.
    pub truncated: u64,
    /// Headers that no correct sender writes.
    pub malformed: u64,
    /// Packets left out for a wrong checksum.
    pub bad_checksums: u64,
    /// Packets whose tunnels were nested too deeply.
    pub tunnels_too_deep: u64,
    /// TCP flows alive now.
    pub tcp_open: u64,
    /// UDP flows alive now.
    pub udp_open: u64,
    /// ICMP flows alive now.
    pub icmp_open: u64,
    /// TCP flows begun.
    pub tcp_flows: u64,
    /// UDP flows begun.
    pub udp_flows: u64,
    /// ICMP flows begun.
    pub icmp_flows: u64,
    /// Flows logged.
    pub flows: u64,
    /// Protocol records logged.
    pub records: u64,
    /// Anomalies noticed, logged or not.
    pub weirds: u64,
    /// Flows whose parser lost track.
    pub rejected: u64,
    /// Stream bytes that are missing in front of parsers.
    pub gap_bytes: u64,
    /// Announced flows forgotten because the table was full.
    pub expectations_dropped: u64,
    /// Facts that are logged once and were forgotten because their table was full.
    pub facts_forgotten: u64,
    /// Compressed contents not decoded, or not to their end, because a worker's allowance was used up.
    pub decoding_refused: u64,
    /// Contents in clear that were not searched for card numbers, keys and the like because too many were open. Nothing is
    /// searched where nobody judges.
    pub search_refused: u64,
    /// Bytes that the states of parsers take now, with what was kept for probes.
    pub parsers_len: u64,
    /// The flow table's own.
    pub flow: sekisho_flow::Stats,
    /// Defragmentation's own.
    pub defrag: sekisho_flow::defrag::DefragStats,
    /// The file manager's own.
    pub files: sekisho_files::Stats,
}

impl Stats {
    /// Gauge and counter of flows of IP protocol `proto`.
    pub(crate) fn conns(&mut self, proto: u8) -> Option<(&mut u64, &mut u64)> {
        match proto {
            ip_proto::TCP => Some((&mut self.tcp_open, &mut self.tcp_flows)),
            ip_proto::UDP => Some((&mut self.udp_open, &mut self.udp_flows)),
            ip_proto::ICMP | ip_proto::ICMPV6 => Some((&mut self.icmp_open, &mut self.icmp_flows)),
            _ => None,
        }
    }

    /// Counts a frame.
    pub(crate) fn count(&mut self, frame: &Frame<'_>) {
        self.packets += 1;
        self.bytes += u64::from(frame.orig_len);
        self.captured_bytes += frame.data.len() as u64;
        if self.first_ts.is_none_or(|t| t > frame.ts) {
            self.first_ts = Some(frame.ts);
        }
        if self.last_ts.is_none_or(|t| t < frame.ts) {
            self.last_ts = Some(frame.ts);
        }
    }

    /// Adds what another part of the pass did.
    pub(crate) fn add(&mut self, other: &Self) {
        /// Every field is named, so that none is forgotten.
        macro_rules! sums {
            ($to:expr, $from:expr, $ty:path { $($field:ident),* $(,)? }) => {{
                let $ty { $($field),* } = $from;
                $($to.$field += $field;)*
            }};
        }
        let Self { first_ts, last_ts, flow, defrag, files, .. } = *other;
        self.first_ts = [self.first_ts, first_ts].into_iter().flatten().min();
        self.last_ts = self.last_ts.max(last_ts);
        sums!(
            self.flow,
            flow,
            sekisho_flow::Stats {
                flows,
                buffered_len,
                allocated_len,
                flows_total,
                packets,
                packets_ignored,
                flows_peak,
                flows_evicted,
                flows_expired,
                segments_buffered,
                holes_forced,
                bytes_dropped,
                gap_bytes,
                overlap_conflicts,
                checksum_errors,
            }
        );
        sums!(
            self.defrag,
            defrag,
            sekisho_flow::defrag::DefragStats {
                datagrams,
                buffered_len,
                fragments,
                whole,
                expired,
                evicted,
                dropped,
                overlaps,
            }
        );
        sums!(
            self.files,
            files,
            sekisho_files::Stats {
                opened,
                refused,
                timed_out,
                spans_refused,
                held_refused,
                extract_cut_off,
                store_failed,
                extracted_len,
                open_now,
                held_len,
            }
        );
        macro_rules! own {
            ($($field:ident),* $(,)?) => {{
                let Self { first_ts: _, last_ts: _, flow: _, defrag: _, files: _, $($field),* } = *other;
                $(self.$field += $field;)*
            }};
        }
        own!(
            packets,
            bytes,
            captured_bytes,
            one_sided_flows,
            filtered,
            no_ip,
            unknown_link,
            truncated,
            malformed,
            bad_checksums,
            tunnels_too_deep,
            flows,
            records,
            weirds,
            rejected,
            gap_bytes,
            expectations_dropped,
            facts_forgotten,
            decoding_refused,
            search_refused,
            parsers_len,
            tcp_open,
            udp_open,
            icmp_open,
            tcp_flows,
            udp_flows,
            icmp_flows,
        );
    }
}
