//! Where something that takes several rows is seen.

use crate::Raise;
use sekisho_finding::MAX_PEERS;
use sekisho_types::{Addr, Interval, Timestamp, Uid};

/// Flows and packets told of it.
const MAX_TOLD: usize = 8;

/// When it began and when it was seen last; in which flows and packets, and with whom, at first.
#[derive(Default)]
pub(crate) struct Signs {
    span: Option<(Timestamp, Timestamp)>,
    uids: Vec<Uid>,
    packets: Vec<u64>,
    peers: Vec<Addr>,
}

impl Signs {
    /// Another row of it, in the packet at hand. What lies before a pause was something else.
    pub fn note(&mut self, ts: Timestamp, pause: Interval, (uid, packet, peer): (Uid, u64, Addr)) {
        match &mut self.span {
            Some((first, last)) if Interval((ts - *last).0.abs()) <= pause => {
                (*first, *last) = ((*first).min(ts), (*last).max(ts));
            }
            _ => *self = Self { span: Some((ts, ts)), ..Self::default() },
        }
        if self.uids.len() < MAX_TOLD && self.uids.last() != Some(&uid) {
            self.uids.push(uid);
        }
        if self.packets.len() < MAX_TOLD && packet > 0 {
            self.packets.push(packet);
        }
        if self.peers.len() < MAX_PEERS && !self.peers.contains(&peer) {
            self.peers.push(peer);
        }
    }

    /// Puts it into a finding.
    pub fn show(&self, raise: Raise) -> Raise {
        let raise = match self.span {
            Some((first, last)) => raise.between(first, last),
            None => raise,
        };
        let raise = self.peers.iter().fold(raise, |raise, peer| raise.peer(*peer));
        let raise = self.uids.iter().fold(raise, |raise, uid| raise.flow(*uid));
        self.packets.iter().fold(raise, |raise, packet| raise.packet(*packet))
    }

    pub fn held_len(&self) -> usize {
        self.uids.capacity() * size_of::<Uid>()
            + self.packets.capacity() * 8
            + self.peers.capacity() * size_of::<Addr>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_before_a_pause_is_something_else() {
        let pause = Interval::from_secs(600);
        let at = |secs: i64| Timestamp::from_parts(secs, 0);
        let uid = |n: u8| Uid::from_key(b'C', 1, &[n]);
        let (host, other) = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
        let mut signs = Signs::default();
        signs.note(at(0), pause, (uid(1), 1, other));
        signs.note(at(601), pause, (uid(2), 7, host));
        signs.note(at(1_100), pause, (uid(2), 9, host));
        assert_eq!(signs.span, Some((at(601), at(1_100))));
        assert_eq!((signs.uids.len(), &*signs.packets, &*signs.peers), (1, &[7, 9][..], &[host][..]));
        // Rows of flows come out of order.
        signs.note(at(550), pause, (uid(3), 11, other));
        assert_eq!((signs.span, signs.peers.len()), (Some((at(550), at(1_100))), 2));
        for n in 0..100 {
            signs.note(at(1_100), pause, (uid(n), 20, host));
        }
        assert_eq!((signs.uids.len(), signs.packets.len()), (MAX_TOLD, MAX_TOLD));
    }
}
