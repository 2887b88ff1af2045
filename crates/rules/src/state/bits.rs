//! `xbits` and `hostbits`.

use crate::eval::Counters;
use crate::ir::{BitChange, Track};
use hashbrown::HashMap;
use sekisho_types::{SeededState, Timestamp};

/// Bits remembered of all hosts and pairs together.
const BIT_COUNT_MAX: usize = 1 << 18;
const NANOS: i64 = 1_000_000_000;

/// Whose bit, and which: pairs are kept smaller address first.
type Key = (u16, Track, u128, u128);

/// Bits of hosts and of pairs of hosts, with when they end.
#[derive(Debug)]
pub(crate) struct HostBits {
    bits: HashMap<Key, Timestamp, SeededState>,
}

fn key(bit: u16, track: Track, src: u128, dst: u128) -> Key {
    match track {
        Track::BySrc => (bit, Track::BySrc, src, 0),
        // A host's bit is the same whichever way it is named.
        Track::ByDst => (bit, Track::BySrc, dst, 0),
        _ => (bit, Track::ByBoth, src.min(dst), src.max(dst)),
    }
}

impl HostBits {
    pub(crate) fn new(seed: u64) -> Self {
        Self { bits: HashMap::with_hasher(SeededState(seed)) }
    }

    pub(crate) fn is_set(&self, bit: u16, track: Track, src: u128, dst: u128, now: Timestamp) -> bool {
        self.bits.get(&key(bit, track, src, dst)).is_some_and(|end| *end > now)
    }

    #[expect(clippy::too_many_arguments, reason = "what, whose, when")]
    pub(crate) fn change(
        &mut self,
        change: BitChange,
        bit: u16,
        track: Track,
        src: u128,
        dst: u128,
        expire: u32,
        now: Timestamp,
        counters: &mut Counters,
    ) {
        let on = match change {
            BitChange::Set => true,
            BitChange::Unset => false,
            BitChange::Toggle => !self.is_set(bit, track, src, dst, now),
        };
        let key = key(bit, track, src, dst);
        if !on {
            self.bits.remove(&key);
            return;
        }
        if self.bits.len() >= BIT_COUNT_MAX && !self.bits.contains_key(&key) {
            self.bits.retain(|_, end| *end > now);
            if self.bits.len() >= BIT_COUNT_MAX {
                counters.state_cut += 1;
                return;
            }
        }
        let end = if expire == 0 { i64::MAX } else { now.0.saturating_add(i64::from(expire).saturating_mul(NANOS)) };
        self.bits.insert(key, Timestamp(end));
    }
}
