//! What parsers join across flows. It belongs to a worker's lane and outlives the flows.

use crate::Event;
use crate::dhcp::Exchanges;
use sekisho_types::Timestamp;

/// State that several flows share.
pub struct Across {
    pub(crate) dhcp: Exchanges,
}

impl Default for Across {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Across {
    /// Nothing joined yet; tables keyed by what was on the wire are seeded with `seed`.
    pub fn new(seed: u64) -> Self {
        Self { dhcp: Exchanges::new(seed) }
    }

    /// This lane is the one that [`Across::deals_together`] speaks of.
    pub fn lead(&mut self) {
        self.dhcp.look_always();
    }

    /// Changes how many bytes may be held.
    pub fn set_limit(&mut self, len: usize) {
        self.dhcp.set_limit(len);
    }

    /// Does what goes between these UDP ports have to be joined across address pairs? Then one lane gets all of it.
    #[inline]
    pub const fn deals_together(src_port: u16, dst_port: u16) -> bool {
        matches!((src_port, dst_port), (67 | 68, 67 | 68))
    }

    /// Before then nothing happens by the mere passing of time.
    pub const fn next_due(&self) -> Timestamp {
        self.dhcp.next_due()
    }

    /// Time has come to `now`: what is over leaves through `out`.
    pub fn advance(&mut self, now: Timestamp, out: &mut Vec<Event>) {
        self.dhcp.advance(now, out);
    }

    /// The run is over: everything leaves.
    pub fn finish(&mut self, out: &mut Vec<Event>) {
        self.dhcp.finish(out);
    }

    /// Bytes held.
    pub const fn held_len(&self) -> usize {
        self.dhcp.held_len()
    }
}
