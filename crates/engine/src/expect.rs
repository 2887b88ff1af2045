//! Flows that other flows announced.

use hashbrown::HashMap;
use sekisho_proto::Expectation;
use sekisho_types::{Addr, FiveTuple, SeededState, Timestamp};

/// Expectations by announced end, or by host pair where the port is unknown.
pub(crate) struct Expectations {
    by_end: HashMap<(Addr, u16), Expectation, SeededState>,
    by_pair: HashMap<(Addr, Addr), Expectation, SeededState>,
    /// A full table is searched for expired entries no sooner than this.
    next_search: Timestamp,
    /// How many are kept; beyond, new ones are refused until old ones have expired.
    max: usize,
    /// Announcements dropped because the table was full.
    pub dropped: u64,
}

fn pair(a: Addr, b: Addr) -> (Addr, Addr) {
    if a <= b { (a, b) } else { (b, a) }
}

impl Expectations {
    pub fn new(seed: u64, max: usize) -> Self {
        let state = SeededState(seed);
        Self {
            by_end: HashMap::with_hasher(state),
            by_pair: HashMap::with_hasher(state),
            next_search: Timestamp(i64::MIN),
            max,
            dropped: 0,
        }
    }

    pub fn add(&mut self, e: Expectation, now: Timestamp) {
        if self.by_end.len() + self.by_pair.len() >= self.max {
            if now >= self.next_search {
                self.by_end.retain(|_, e| e.expires > now);
                self.by_pair.retain(|_, e| e.expires > now);
                let first = self.by_end.values().chain(self.by_pair.values()).map(|e| e.expires).min();
                self.next_search = first.unwrap_or(now);
            }
            if self.by_end.len() + self.by_pair.len() >= self.max {
                self.dropped += 1;
                return;
            }
        }
        match (e.port, e.peer) {
            (Some(port), _) => {
                self.by_end.insert((e.host, port), e);
            }
            (None, Some(peer)) => {
                self.by_pair.insert(pair(e.host, peer), e);
            }
            (None, None) => self.dropped += 1,
        }
    }

    /// The expectation with a port that the flow fulfils; it is used up.
    pub fn take(&mut self, t: &FiveTuple, now: Timestamp) -> Option<Expectation> {
        if self.by_end.is_empty() {
            return None;
        }
        // Mid-stream the listening end may have been taken for the originator.
        for (end, other) in [((t.resp, t.resp_port), t.orig), ((t.orig, t.orig_port), t.resp)] {
            if let Some(e) = self.by_end.get(&end) {
                let fits = e.peer.is_none_or(|p| p == other) && now < e.expires;
                if fits || now >= e.expires {
                    let e = self.by_end.remove(&end);
                    return if fits { e } else { None };
                }
            }
        }
        None
    }

    /// Is there an expectation without a port for the flow's hosts?
    pub fn has_pair(&self, t: &FiveTuple) -> bool {
        !self.by_pair.is_empty() && self.by_pair.contains_key(&pair(t.orig, t.resp))
    }

    /// The expectation without a port that the otherwise unrecognised flow fulfils; it is used up.
    pub fn take_pair(&mut self, t: &FiveTuple, now: Timestamp) -> Option<Expectation> {
        if self.by_pair.is_empty() {
            return None;
        }
        self.by_pair.remove(&pair(t.orig, t.resp)).filter(|e| now < e.expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_proto::ProtoId;

    fn expectation(port: Option<u16>, peer: Option<Addr>) -> Expectation {
        Expectation {
            proto: ProtoId::FtpData,
            host: Addr::v4([10, 0, 0, 2]),
            port,
            peer,
            expires: Timestamp(100),
            transfer: Default::default(),
        }
    }

    fn flow(resp_port: u16) -> FiveTuple {
        FiveTuple { orig: Addr::v4([10, 0, 0, 1]), resp: Addr::v4([10, 0, 0, 2]), orig_port: 5000, resp_port, proto: 6 }
    }

    #[test]
    fn matches_either_end_once_and_in_time() {
        let mut x = Expectations::new(0, 100);
        x.add(expectation(Some(50000), None), Timestamp(0));
        assert!(x.take(&flow(50001), Timestamp(1)).is_none());
        assert!(x.take(&flow(50000).flipped(), Timestamp(1)).is_some());
        assert!(x.take(&flow(50000), Timestamp(1)).is_none());
        x.add(expectation(Some(50000), None), Timestamp(0));
        assert!(x.take(&flow(50000), Timestamp(100)).is_none(), "expired");
        x.add(expectation(None, Some(Addr::v4([10, 0, 0, 1]))), Timestamp(0));
        assert!(x.take_pair(&flow(1), Timestamp(1)).is_some());
    }

    #[test]
    fn limits_hold() {
        let mut x = Expectations::new(0, 100);
        for port in 0..110 {
            x.add(expectation(Some(port), None), Timestamp(0));
        }
        assert_eq!(x.dropped, 10);
    }
}
