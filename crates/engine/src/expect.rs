//! Flows that other flows announced.

use hashbrown::HashMap;
use sekisho_proto::{Expectation, ProtoId};
use sekisho_types::{Addr, FiveTuple, SeededState, Timestamp, ip_proto};
use std::collections::VecDeque;

/// What an expectation is found by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    End(Addr, u16),
    Pair(Addr, Addr),
}

/// Expectations by announced end, or by host pair where the port is unknown; each with the number of its announcement.
pub(crate) struct Expectations {
    by_end: HashMap<(Addr, u16), (u64, Expectation), SeededState>,
    by_pair: HashMap<(Addr, Addr), (u64, Expectation), SeededState>,
    /// In the order of announcement; those that are used up stay until they are met or there are too many.
    order: VecDeque<(u64, Key)>,
    next: u64,
    /// How many are kept; beyond, the oldest goes: what is announced usually comes at once.
    max: usize,
    /// Announcements forgotten because the table was full.
    pub dropped: u64,
}

fn pair(a: Addr, b: Addr) -> (Addr, Addr) {
    if a <= b { (a, b) } else { (b, a) }
}

/// What carries an announced flow: datagrams if its protocol knows nothing else.
fn carrier(proto: ProtoId) -> u8 {
    let d = proto.descriptor();
    if d.tcp_ports.is_empty() && !d.udp_ports.is_empty() { ip_proto::UDP } else { ip_proto::TCP }
}

impl Expectations {
    pub fn new(seed: u64, max: usize) -> Self {
        let state = SeededState(seed);
        Self {
            by_end: HashMap::with_hasher(state),
            by_pair: HashMap::with_hasher(state),
            order: VecDeque::new(),
            next: 0,
            max,
            dropped: 0,
        }
    }

    pub fn add(&mut self, e: Expectation) {
        let key = match (e.port, e.peer) {
            (Some(port), _) => Key::End(e.host, port),
            (None, Some(peer)) => {
                let (a, b) = pair(e.host, peer);
                Key::Pair(a, b)
            }
            (None, None) => {
                self.dropped += 1;
                return;
            }
        };
        if self.by_end.len() + self.by_pair.len() >= self.max {
            self.forget_oldest();
        }
        if self.order.len() >= self.max.saturating_mul(2) {
            let order = std::mem::take(&mut self.order);
            self.order = order.into_iter().filter(|entry| self.is_kept(entry)).collect();
        }
        self.next += 1;
        self.order.push_back((self.next, key));
        match key {
            Key::End(host, port) => drop(self.by_end.insert((host, port), (self.next, e))),
            Key::Pair(a, b) => drop(self.by_pair.insert((a, b), (self.next, e))),
        }
    }

    fn is_kept(&self, (number, key): &(u64, Key)) -> bool {
        let kept = match *key {
            Key::End(host, port) => self.by_end.get(&(host, port)),
            Key::Pair(a, b) => self.by_pair.get(&(a, b)),
        };
        kept.is_some_and(|k| k.0 == *number)
    }

    fn forget_oldest(&mut self) {
        while let Some(entry) = self.order.pop_front() {
            if self.is_kept(&entry) {
                match entry.1 {
                    Key::End(host, port) => drop(self.by_end.remove(&(host, port))),
                    Key::Pair(a, b) => drop(self.by_pair.remove(&(a, b))),
                }
                self.dropped += 1;
                return;
            }
        }
    }

    /// The expectation with a port that the flow fulfils; it is used up.
    pub fn take(&mut self, t: &FiveTuple, now: Timestamp) -> Option<Expectation> {
        if self.by_end.is_empty() {
            return None;
        }
        // Mid-stream the listening end may have been taken for the originator.
        for (end, other) in [((t.resp, t.resp_port), t.orig), ((t.orig, t.orig_port), t.resp)] {
            if let Some((_, e)) = self.by_end.get(&end) {
                let fits = carrier(e.proto) == t.proto && e.peer.is_none_or(|p| p == other) && now < e.expires;
                if fits || now >= e.expires {
                    let e = self.by_end.remove(&end);
                    return if fits { e.map(|e| e.1) } else { None };
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
        self.by_pair.remove(&pair(t.orig, t.resp)).map(|e| e.1).filter(|e| now < e.expires)
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
        x.add(expectation(Some(50000), None));
        assert!(x.take(&flow(50001), Timestamp(1)).is_none());
        assert!(x.take(&flow(50000).flipped(), Timestamp(1)).is_some());
        assert!(x.take(&flow(50000), Timestamp(1)).is_none());
        x.add(expectation(Some(50000), None));
        assert!(x.take(&flow(50000), Timestamp(100)).is_none(), "expired");
        x.add(expectation(None, Some(Addr::v4([10, 0, 0, 1]))));
        assert!(x.take_pair(&flow(1), Timestamp(1)).is_some());
    }

    #[test]
    fn datagrams_and_streams_are_told_apart() {
        let mut x = Expectations::new(0, 100);
        x.add(Expectation { proto: ProtoId::Tftp, ..expectation(Some(40000), None) });
        assert!(x.take(&flow(40000), Timestamp(1)).is_none());
        assert!(x.take(&FiveTuple { proto: ip_proto::UDP, ..flow(40000) }, Timestamp(1)).is_some());
    }

    #[test]
    fn limits_hold() {
        let mut x = Expectations::new(0, 100);
        for port in 0..110 {
            x.add(expectation(Some(port), None));
        }
        assert_eq!(x.dropped, 10);
        assert!(x.take(&flow(9), Timestamp(1)).is_none() && x.take(&flow(10), Timestamp(1)).is_some());
        for _ in 0..1000 {
            x.add(expectation(Some(109), None));
        }
        assert!(x.take(&flow(11), Timestamp(1)).is_some(), "the same again takes no more room");
        assert!(x.order.len() <= 200);
    }
}
