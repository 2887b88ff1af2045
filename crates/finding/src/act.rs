//! What was done when, in a finding about several moments or machines.

use sekisho_types::{Addr, Timestamp, Uid};

/// Most of these in a finding.
pub const MAX_ACTS: usize = 16;

/// One of several things that a finding is made of, with its own time. What the same host does in the same way within a
/// minute is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// Packet time.
    pub ts: Timestamp,
    /// Who did it.
    pub host: Addr,
    /// To whom, if to another host.
    pub to: Option<Addr>,
    /// In what way, a word: `service-start`, `visited`.
    pub what: &'static str,
    /// The flow; all zeros if none can be named.
    pub uid: Uid,
    /// The packet; 0 if none can be named.
    pub packet: u64,
}
