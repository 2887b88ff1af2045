use sekisho_types::Timestamp;
use sekisho_wire::filter::Filter;

/// How a pass behaves.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Flow table: seed, home networks, timeouts, bounds.
    pub flow: sekisho_flow::Config,
    /// Files: hashes, extraction, bounds.
    pub files: sekisho_files::Limits,
    /// Only packets that match.
    pub filter: Option<Filter>,
    /// Verify checksums and leave bad packets out.
    pub checksums: bool,
}

impl Settings {
    /// Divides a memory budget of `bytes` over the pools (design §7): three eighths for flows and their
    /// parsers, a quarter for reassembly, a sixteenth for defragmentation, the rest for files and output.
    pub fn budget(&mut self, bytes: u64) {
        /// What a flow costs with its parser's state, measured on the office mix and rounded up.
        const FLOW_COST: u64 = 2048;
        let part = |share: u64| usize::try_from(bytes / 16 * share).unwrap_or(usize::MAX);
        let limits = &mut self.flow.limits;
        limits.flow_count = usize::try_from(bytes / 16 * 6 / FLOW_COST).unwrap_or(usize::MAX).max(1024);
        limits.reassembly_len = part(4).max(1 << 20);
        limits.flow_reassembly_len = limits.flow_reassembly_len.min(limits.reassembly_len / 2);
        limits.fragment_len = part(1).max(1 << 20);
        self.files.open_count = usize::try_from(bytes / 16 / 8192).unwrap_or(usize::MAX).clamp(256, 1 << 20);
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
    /// Compressed contents not decoded, or not to their end, because a worker's allowance was used up.
    pub decoding_refused: u64,
    /// Bytes that the states of parsers take now, with what was kept for probes.
    pub parsers_len: u64,
    /// The flow table's own.
    pub flow: sekisho_flow::Stats,
    /// Defragmentation's own.
    pub defrag: sekisho_flow::defrag::DefragStats,
    /// The file manager's own.
    pub files: sekisho_files::Stats,
}
