/// What the flow table did, and what its bounds cost. The first group are gauges and return to zero
/// after [`crate::FlowTable::finish`]; the rest only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Flows alive now.
    pub flows: u64,
    /// Out-of-order bytes waiting now.
    pub buffered_len: u64,
    /// Bytes of buffers in use now, by capacity.
    pub allocated_len: u64,

    /// Flows ever begun.
    pub flows_total: u64,
    /// Packets counted in some flow.
    pub packets: u64,
    /// Packets that belong to no flow: no IP, fragments, tunnels, truncated headers.
    pub packets_ignored: u64,
    /// Most flows alive at once.
    pub flows_peak: u64,
    /// Flows removed before their time: the table was full, or memory was short.
    pub flows_evicted: u64,
    /// Flows removed by a timer.
    pub flows_expired: u64,
    /// Out-of-order segments kept.
    pub segments_buffered: u64,
    /// Holes given up because a bound was reached or memory was short.
    pub holes_forced: u64,
    /// Payload bytes thrown away because no buffer was left, or because they lay outside the window.
    pub bytes_dropped: u64,
    /// Bytes of streams that never came.
    pub gap_bytes: u64,
    /// Overlapping bytes that differed from those already held.
    pub overlap_conflicts: u64,
    /// Packets with a wrong transport checksum (only if checksums are looked at).
    pub checksum_errors: u64,
}
