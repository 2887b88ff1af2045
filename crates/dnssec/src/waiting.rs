//! Answers that wait for a link of their chain to pass.

use crate::judge::{Item, Judged};
use crate::name::Name;
use hashbrown::HashMap;
use sekisho_types::{Interval, SeededState, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// One of them, with what is to be said if nothing comes.
pub(crate) struct Waiter {
    pub(crate) item: Item,
    pub(crate) judged: Judged,
    /// Any of these may bring what is missing.
    pub(crate) zones: Vec<Name>,
}

impl Waiter {
    fn heap_len(&self) -> usize {
        self.item.heap_len() + self.zones.iter().map(|z| 2 * z.heap_len() + WAIT_LEN).sum::<usize>()
    }
}

/// Octets that an entry of the table of zones takes.
const WAIT_LEN: usize = 64;

/// How many may wait, with how many octets, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) count: usize,
    pub(crate) len: usize,
    pub(crate) time: Interval,
}

/// All of them, in the order in which they came.
pub(crate) struct Waiting {
    waiters: BTreeMap<u64, Waiter>,
    /// By the zone that they wait for.
    by_zone: HashMap<Name, Vec<u64>, SeededState>,
    /// Those that may go on.
    awake: VecDeque<u64>,
    next: u64,
    heap_len: usize,
    room: Room,
    pub(crate) crowded_out_count: u64,
}

impl Waiting {
    pub(crate) fn new(room: Room, seed: u64) -> Self {
        Self {
            waiters: BTreeMap::new(),
            by_zone: HashMap::with_hasher(SeededState(seed)),
            awake: VecDeque::new(),
            next: 0,
            heap_len: 0,
            room,
            crowded_out_count: 0,
        }
    }

    /// Lets one wait; gives back those for which there is no room any more.
    pub(crate) fn add(&mut self, waiter: Waiter) -> Vec<Waiter> {
        self.heap_len += waiter.heap_len();
        for zone in &waiter.zones {
            self.by_zone.entry(zone.clone()).or_default().push(self.next);
        }
        self.waiters.insert(self.next, waiter);
        self.next += 1;
        let mut out = Vec::new();
        while self.waiters.len() > self.room.count || self.heap_len > self.room.len {
            let Some(oldest) = self.pop_first() else { break };
            self.crowded_out_count += 1;
            out.push(oldest);
        }
        out
    }

    /// More of the zone passed or was proven.
    pub(crate) fn wake(&mut self, zone: &Name) {
        self.awake.extend(self.by_zone.remove(zone).unwrap_or_default());
    }

    /// One that may go on. It may come to wait again.
    pub(crate) fn next_awake(&mut self) -> Option<Waiter> {
        while let Some(id) = self.awake.pop_front() {
            if let Some(waiter) = self.remove(id) {
                return Some(waiter);
            }
        }
        None
    }

    /// One whose time is up.
    pub(crate) fn next_expired(&mut self, now: Timestamp) -> Option<Waiter> {
        let (_, oldest) = self.waiters.first_key_value()?;
        if now - oldest.item.seen.at > self.room.time { self.pop_first() } else { None }
    }

    /// The oldest.
    pub(crate) fn pop_first(&mut self) -> Option<Waiter> {
        let (&id, _) = self.waiters.first_key_value()?;
        self.remove(id)
    }

    fn remove(&mut self, id: u64) -> Option<Waiter> {
        let waiter = self.waiters.remove(&id)?;
        self.heap_len -= waiter.heap_len();
        for zone in &waiter.zones {
            let Some(ids) = self.by_zone.get_mut(zone) else { continue };
            ids.retain(|i| *i != id);
            if ids.is_empty() {
                self.by_zone.remove(zone);
            }
        }
        Some(waiter)
    }

    pub(crate) fn count(&self) -> usize {
        self.waiters.len()
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.heap_len
    }
}
