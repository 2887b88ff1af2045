//! Tunnels seen, so that each is logged once when it is discovered and once when it ends.

use crate::records::TunnelRecord;
use hashbrown::HashMap;
use sekisho_record::EnumName;
use sekisho_types::{FiveTuple, Interval, SeededState, Timestamp, Uid};

/// A tunnel without packets for this long is a new one when it comes back (Zeek's `expiration_interval`).
const EXPIRY: Interval = Interval::from_secs(3600);

/// Ends of a tunnel to its row and last packet.
pub(crate) struct Tunnels {
    seen: HashMap<FiveTuple, Tunnel, SeededState>,
    /// Tunnels over flows, by the flow's uid.
    carried: HashMap<Uid, FiveTuple, SeededState>,
    seed: u64,
    /// How many are remembered; when full, all count as ended and are logged again if they go on.
    max: usize,
}

struct Tunnel {
    row: TunnelRecord,
    last: Timestamp,
    /// Nobody tells when it ends, so that no row does either.
    endless: bool,
    /// A flow carries it.
    carried: bool,
}

/// What became of a packet's tunnel.
pub(crate) enum Noted {
    /// Known.
    Known(Uid),
    /// New: `discovered` is its row still to be made, after those in `ended`.
    New { uid: Uid, ended: Vec<TunnelRecord> },
}

impl Tunnels {
    pub fn new(seed: u64, max: usize) -> Self {
        let state = SeededState(seed);
        Self { seen: HashMap::with_hasher(state), carried: HashMap::with_hasher(state), seed, max }
    }

    /// Looks up the tunnel between the ends of `tuple`. `carrier` is the uid of the flow that carries it, if a flow does.
    pub fn note(&mut self, tuple: &FiveTuple, carrier: Option<Uid>, now: Timestamp) -> Noted {
        let key = tuple.canonical();
        if let Some(t) = self.seen.get_mut(&key)
            && now - t.last <= EXPIRY
            && carrier.is_none_or(|c| c == t.row.uid)
        {
            t.last = now;
            return Noted::Known(t.row.uid);
        }
        let mut ended: Vec<TunnelRecord> = self.take(&key, now).into_iter().collect();
        if self.seen.len() >= self.max {
            ended.extend(self.finish(now).into_iter().map(|(_, row)| row));
        }
        Noted::New { uid: carrier.unwrap_or_else(|| Uid::for_flow(tuple, now, self.seed)), ended }
    }

    /// Remembers a tunnel that [`Tunnels::note`] called new, by its row.
    pub fn add(&mut self, tuple: &FiveTuple, carried: bool, row: TunnelRecord) {
        let key = tuple.canonical();
        if carried {
            self.carried.insert(row.uid, key);
        }
        self.seen.insert(key, Tunnel { last: row.ts, row, endless: false, carried });
    }

    /// Remembers a tunnel that [`Tunnels::note`] called new and that gets no closing row.
    pub fn add_endless(&mut self, tuple: &FiveTuple, row: TunnelRecord) {
        self.seen.insert(tuple.canonical(), Tunnel { last: row.ts, row, endless: true, carried: false });
    }

    /// The flow `uid` has ended: the row that closes the tunnel it carried, if it did.
    pub fn flow_ended(&mut self, uid: Uid, now: Timestamp) -> Option<TunnelRecord> {
        if self.carried.is_empty() {
            return None;
        }
        let key = self.carried.remove(&uid)?;
        self.take(&key, now)
    }

    fn take(&mut self, key: &FiveTuple, now: Timestamp) -> Option<TunnelRecord> {
        let tunnel = self.seen.remove(key)?;
        if tunnel.endless {
            return None;
        }
        // One over a flow closes with it; one directly over IP can only have been silent for long, as in Zeek.
        let carried = self.carried.remove(&tunnel.row.uid).is_some() || tunnel.carried;
        let action = EnumName(if carried { "Tunnel::CLOSE" } else { "Tunnel::EXPIRE" });
        Some(TunnelRecord { ts: now, action, ..tunnel.row })
    }

    /// All tunnels end: the closing rows of those over flows, in the order of their ends. Nothing tells of the others' end.
    pub fn finish(&mut self, now: Timestamp) -> Vec<(FiveTuple, TunnelRecord)> {
        let mut keys: Vec<FiveTuple> = self.seen.keys().copied().collect();
        keys.sort_unstable();
        let rows = keys.iter().filter_map(|k| Some((*k, self.take(k, now)?)));
        rows.filter(|(_, row)| row.action == EnumName("Tunnel::CLOSE")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_record::{Port, Tail};
    use sekisho_types::{Addr, FlowInfo};

    fn tuple() -> FiveTuple {
        FiveTuple { orig: Addr::v4([1, 0, 0, 1]), resp: Addr::v4([1, 0, 0, 2]), proto: 47, ..FiveTuple::default() }
    }

    fn row(uid: Uid) -> TunnelRecord {
        let t = tuple();
        TunnelRecord {
            ts: Timestamp(1),
            uid,
            orig_h: t.orig,
            orig_p: Port(0),
            resp_h: t.resp,
            resp_p: Port(0),
            tunnel_type: EnumName("Tunnel::GRE"),
            action: EnumName("Tunnel::DISCOVER"),
            tail: Tail::new(&FlowInfo::default()),
        }
    }

    #[test]
    fn once_per_tunnel_and_again_after_a_pause() {
        let mut t = Tunnels::new(0, 100);
        let Noted::New { uid, ended } = t.note(&tuple(), None, Timestamp(1)) else { panic!("known") };
        assert!(ended.is_empty());
        t.add(&tuple(), false, row(uid));
        assert!(matches!(t.note(&tuple().flipped(), None, Timestamp(2)), Noted::Known(u) if u == uid));
        let later = Timestamp(2) + EXPIRY + Interval(1);
        let Noted::New { ended, .. } = t.note(&tuple(), None, later) else { panic!("known") };
        assert_eq!(ended.len(), 1);
        assert_eq!(ended[0].action, EnumName("Tunnel::EXPIRE"));
        t.add(&tuple(), false, row(uid));
        assert!(t.finish(later).is_empty());
    }

    #[test]
    fn an_endless_tunnel_is_told_once_and_not_closed() {
        let mut t = Tunnels::new(0, 100);
        assert!(matches!(t.note(&tuple(), None, Timestamp(1)), Noted::New { .. }));
        t.add_endless(&tuple(), row(Uid::default()));
        assert!(matches!(t.note(&tuple(), None, Timestamp(2)), Noted::Known(_)));
        assert!(t.finish(Timestamp(4)).is_empty());
    }

    #[test]
    fn a_carried_tunnel_ends_with_its_flow() {
        let mut t = Tunnels::new(0, 100);
        let flow = Uid::for_flow(&tuple(), Timestamp(0), 0);
        assert!(matches!(t.note(&tuple(), Some(flow), Timestamp(1)), Noted::New { .. }));
        t.add(&tuple(), true, row(flow));
        assert!(t.flow_ended(flow, Timestamp(3)).is_some());
        assert!(t.flow_ended(flow, Timestamp(3)).is_none());
        assert!(t.finish(Timestamp(4)).is_empty());
    }
}
