//! Tunnels seen, so that each is logged once.

use hashbrown::HashMap;
use sekisho_types::{FiveTuple, Interval, SeededState, Timestamp, Uid};

/// Tunnels remembered; when full, the table starts anew and tunnels are logged again.
const MAX_TUNNELS: usize = 1 << 16;

/// A tunnel without packets for this long is a new one when it comes back (Zeek's `expiration_interval`).
const EXPIRY: Interval = Interval::from_secs(3600);

/// Ends of a tunnel to its uid and last packet.
pub(crate) struct Tunnels {
    seen: HashMap<FiveTuple, (Uid, Timestamp), SeededState>,
    seed: u64,
}

impl Tunnels {
    pub fn new(seed: u64) -> Self {
        Self { seen: HashMap::with_hasher(SeededState(seed)), seed }
    }

    /// The uid of the tunnel between the ends of `tuple`, and whether it is new. `carrier` is the uid of the
    /// flow that carries it, if a flow does.
    pub fn note(&mut self, tuple: &FiveTuple, carrier: Option<Uid>, now: Timestamp) -> (Uid, bool) {
        let key = tuple.canonical();
        if let Some((uid, last)) = self.seen.get_mut(&key)
            && now - *last <= EXPIRY
            && carrier.is_none_or(|c| c == *uid)
        {
            *last = now;
            return (*uid, false);
        }
        if self.seen.len() >= MAX_TUNNELS {
            self.seen.clear();
        }
        let uid = carrier.unwrap_or_else(|| Uid::for_flow(tuple, now, self.seed));
        self.seen.insert(key, (uid, now));
        (uid, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_types::Addr;

    #[test]
    fn once_per_tunnel_and_again_after_a_pause() {
        let tuple =
            FiveTuple { orig: Addr::v4([1, 0, 0, 1]), resp: Addr::v4([1, 0, 0, 2]), proto: 47, ..FiveTuple::default() };
        let mut t = Tunnels::new(0);
        let (uid, new) = t.note(&tuple, None, Timestamp(1));
        assert!(new);
        assert_eq!(t.note(&tuple.flipped(), None, Timestamp(2)), (uid, false));
        let later = Timestamp(2) + EXPIRY + Interval(1);
        assert!(t.note(&tuple, None, later).1);
    }
}
