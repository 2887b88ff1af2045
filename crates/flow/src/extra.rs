use crate::bursts::Bursts;
use crate::tcp::Held;
use sekisho_types::{Dir, Uid};
use smallvec::SmallVec;

/// Tunnels remembered per flow.
const TUNNEL_MAX_COUNT: usize = 9;

/// What most flows never have: losses, oddities, tunnels, bytes out of order.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    /// Of the originator and the responder.
    pub(crate) ends: [EndExtra; 2],
    /// Uids of the enclosing tunnels.
    pub(crate) tunnels: SmallVec<[Uid; 1]>,
    /// Letters of the history that found no place in the flow.
    pub(crate) letters: Vec<u8>,
    /// Timestamp of the originator's SYN, where it is asked for.
    pub(crate) syn_stamp: Option<u32>,
    /// When and how much the ends spoke, where it is asked for.
    pub(crate) bursts: Option<Box<Bursts>>,
}

/// The same of one end.
#[derive(Debug, Default)]
pub(crate) struct EndExtra {
    /// Pieces of the stream that wait for a hole to be filled.
    pub(crate) held: Option<Box<Held>>,
    /// Bytes missing as Zeek counts them.
    pub(crate) missed_bytes: u64,
    /// All bytes missing.
    pub(crate) gap_bytes: u64,
    /// Payload bytes that were not captured.
    pub(crate) cut_bytes: u64,
    /// Where the last SYN was seen, relative; for ordinary ones 0.
    pub(crate) last_syn: u64,
    /// Where the last ordinary FIN was seen, if that is not what the flow's `fin_seq` says.
    pub(crate) last_fin: Option<u64>,
    pub(crate) gap_count: u32,
    pub(crate) zero_window_count: u32,
    pub(crate) checksum_count: u32,
    /// Packets beyond 2^32, in 2^32.
    pub(crate) pkts_carry: u32,
}

impl EndExtra {
    /// Nothing set aside.
    pub(crate) const NONE: &'static Self = &Self {
        held: None,
        missed_bytes: 0,
        gap_bytes: 0,
        cut_bytes: 0,
        last_syn: 0,
        last_fin: None,
        gap_count: 0,
        zero_window_count: 0,
        checksum_count: 0,
        pkts_carry: 0,
    };
}

impl Extra {
    pub(crate) fn end(&self, dir: Dir) -> &EndExtra {
        let [orig, resp] = &self.ends;
        if dir.is_orig() { orig } else { resp }
    }

    pub(crate) fn end_mut(&mut self, dir: Dir) -> &mut EndExtra {
        let [orig, resp] = &mut self.ends;
        if dir.is_orig() { orig } else { resp }
    }

    pub(crate) fn note_tunnel(&mut self, uid: Uid) {
        if self.tunnels.len() < TUNNEL_MAX_COUNT && !self.tunnels.contains(&uid) {
            self.tunnels.push(uid);
        }
    }
}
