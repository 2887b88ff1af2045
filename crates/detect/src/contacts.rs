//! Different things met within a time, exactly, up to a limit: for judgements that count hosts or ports.

use sekisho_types::{Addr, Timestamp};
use std::collections::VecDeque;

/// A time in whole seconds, for compact state.
pub(crate) fn secs(ts: Timestamp) -> u32 {
    u32::try_from(ts.0 / 1_000_000_000).unwrap_or(0)
}

/// An address as 32 bits, for sets whose members need not be told again. Seeded, as senders choose addresses.
pub(crate) fn mark(seed: u64, addr: Addr) -> u32 {
    let hash = sekisho_types::seeded_hash(seed, addr.octets());
    u32::try_from(hash >> 32).unwrap_or(0)
}

/// The last `N` different ones, in the order of their last sign.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contacts<const N: usize> {
    last: VecDeque<(u32, u32)>,
}

impl<const N: usize> Contacts<N> {
    /// Notes `what` at a time in seconds; is it new among those kept?
    pub fn add(&mut self, what: u32, at: u32) -> bool {
        // A scan goes to new ones, a client comes again soon: looked for from the newest on.
        if let Some(place) = self.last.iter().rposition(|(known, _)| *known == what) {
            if place + 1 == self.last.len() {
                if let Some(newest) = self.last.back_mut() {
                    newest.1 = newest.1.max(at);
                }
            } else if let Some((_, before)) = self.last.remove(place) {
                self.last.push_back((what, at.max(before)));
            }
            return false;
        }
        if self.last.len() >= N {
            self.last.pop_front();
        }
        self.last.push_back((what, at));
        true
    }

    /// Forgets `what`.
    pub fn remove(&mut self, what: u32) {
        self.last.retain(|(known, _)| *known != what);
    }

    /// How many were met in the `span` seconds up to `now`.
    pub fn within(&self, now: u32, span: u32) -> usize {
        let since = now.saturating_sub(span);
        self.last.iter().rev().filter(|(_, at)| *at >= since).count()
    }

    /// Is it among those kept?
    pub fn has(&self, what: u32) -> bool {
        self.last.iter().any(|(known, _)| *known == what)
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.last.len()
    }

    /// Bytes of heap.
    pub fn held_len(&self) -> usize {
        self.last.capacity() * size_of::<(u32, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_once_within_the_time() {
        let mut contacts: Contacts<4> = Contacts::default();
        assert!(contacts.add(1, 100) && contacts.add(2, 150) && !contacts.add(1, 200));
        assert_eq!((contacts.within(200, 300), contacts.within(200, 10), contacts.len()), (2, 1, 2));
        // 2 is the one met longest ago.
        assert!(contacts.add(3, 201) && contacts.add(4, 202) && contacts.add(5, 203));
        assert!(!contacts.has(2) && contacts.has(1) && contacts.len() == 4);
        // Rows come a little out of order.
        assert!(!contacts.add(5, 190));
        assert_eq!(contacts.within(203, 0), 1);
    }
}
