//! One figure for memory, divided over pools; and what is given up, in which order, when a pool runs short.
//!
//! The work of a pass is divided into parts (`Lane`s) that run by themselves for an epoch, a fixed number of packets.
//! At its end each tells what it uses ([`Usage`]), and [`Ledger::epoch`] answers with an [`Order`] for each: what it
//! may come to use in the next epoch, and what it has to give up first. The answer follows from the figures alone, so
//! it is the same for any number of threads; and the allowances of all parts never add up to more than the pool has,
//! so that no epoch can overshoot.
//!
//! What is given up, and when: flows that have been idle longest, in the parts that use most (their rows are logged);
//! then bytes that wait for holes in streams (the hole becomes a gap); then contents are no longer decoded and files
//! no longer followed. Counters are never given up.

/// What memory is divided into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The flow tables: slots, index, timers.
    Flows,
    /// States of parsers, and first bytes kept for probes.
    Parsers,
    /// Bytes that came before others in their streams.
    Reassembly,
    /// Fragments of IP packets.
    Fragments,
    /// Decoders of compressed contents.
    Decoding,
    /// Files that are open.
    Files,
}

/// How many pools there are.
pub const POOL_COUNT: usize = 6;

impl Pool {
    /// All of them, in the order of their figures.
    pub const ALL: [Self; POOL_COUNT] =
        [Self::Flows, Self::Parsers, Self::Reassembly, Self::Fragments, Self::Decoding, Self::Files];

    /// As the audit page and the `stats` columns call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flows => "flows",
            Self::Parsers => "parsers",
            Self::Reassembly => "reassembly",
            Self::Fragments => "fragments",
            Self::Decoding => "decoding",
            Self::Files => "files",
        }
    }

    /// Sixty-fourths of what is divided. What is left is for what is remembered (anomalies, certificates, tunnels,
    /// announced flows) and for what an allocator loses between its blocks.
    const fn parts(self) -> u64 {
        match self {
            Self::Flows | Self::Parsers => 14,
            Self::Decoding => 10,
            Self::Reassembly => 8,
            Self::Files => 4,
            Self::Fragments => 3,
        }
    }
}

/// Sixty-fourths for what is remembered.
const MEMORY_PARTS: u64 = 3;

/// The program, its batches of packets, rows on their way out and the tables of the audit page, whatever the budget:
/// not divided.
pub const FIXED_LEN: u64 = 64 << 20;

/// Rows that wait to be written in columns take as much at most, so that a row group is of a size that suits object
/// storage; and so do the tables of detectors, and what devices do.
const MAX_RESERVED_LEN: u64 = 256 << 20;

/// The smallest budget that makes sense.
pub const MIN_LEN: u64 = 128 << 20;

/// A part of a pass needs so much to do its work well; of a smaller budget fewer parts are made.
const PART_LEN: u64 = 32 << 20;

/// Most parts of a pass.
pub const MAX_PARTS: u64 = 16;

/// A figure for each pool.
pub type Lens = [u64; POOL_COUNT];

/// The memory of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    memory_len: u64,
    /// Of it, what is kept for others.
    reserved_len: u64,
}

impl Default for Budget {
    /// 2 GiB.
    fn default() -> Self {
        Self { memory_len: 2 << 30, reserved_len: 0 }
    }
}

impl Budget {
    /// A budget of `len` bytes; `None` if that is less than [`MIN_LEN`].
    pub const fn new(len: u64) -> Option<Self> {
        if len < MIN_LEN { None } else { Some(Self { memory_len: len, reserved_len: 0 }) }
    }

    /// Keeps an eighth for rows that wait to be written in columns; returns what is left to divide, and how many bytes
    /// that eighth has: at least 16 MiB, at most 256 MiB.
    pub const fn with_columns(self) -> (Self, u64) {
        self.reserve()
    }

    /// Keeps an eighth for the tables of detectors and another for what devices do; returns what is left to divide, and how
    /// many bytes each of these eighths has: at least 16 MiB, at most 256 MiB.
    pub const fn with_judges(self) -> (Self, u64) {
        let (budget, _) = self.reserve();
        budget.reserve()
    }

    const fn reserve(mut self) -> (Self, u64) {
        let eighth = self.memory_len / 8;
        let len = if eighth > MAX_RESERVED_LEN { MAX_RESERVED_LEN } else { eighth };
        self.reserved_len += len;
        (self, len)
    }

    /// The whole.
    pub const fn memory_len(&self) -> u64 {
        self.memory_len
    }

    /// What pool `pool` may take.
    pub const fn cap(&self, pool: Pool) -> u64 {
        self.divided_len() / 64 * pool.parts()
    }

    const fn divided_len(&self) -> u64 {
        self.memory_len.saturating_sub(FIXED_LEN).saturating_sub(self.reserved_len)
    }

    /// The parts that the flows of a pass are divided into.
    pub const fn part_count(&self) -> u64 {
        let count = self.memory_len / PART_LEN;
        if count > MAX_PARTS { MAX_PARTS } else { count }
    }

    fn caps(&self) -> Lens {
        Pool::ALL.map(|p| self.cap(p))
    }

    /// How many entries of `len` bytes one part of a pass may remember, of `kinds` kinds that share.
    pub(crate) fn remembered(&self, len: usize, kinds: u64, most: usize) -> usize {
        let share = self.divided_len() / 64 * MEMORY_PARTS / self.part_count() / kinds;
        usize::try_from(share / len.max(1) as u64).unwrap_or(most).clamp(64, most)
    }
}

/// What one part of a pass uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Bytes now.
    pub held: Lens,
    /// The most since it was asked last.
    pub peak: Lens,
    /// Of the flow table's bytes those that live flows take; the rest is for flows to come.
    pub live_len: u64,
}

/// What one part of a pass has to do at an epoch's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    /// Evict flows until live ones take at most this.
    pub live_goal: Option<u64>,
    /// Evict flows until the states of parsers take at most this.
    pub parsers_goal: Option<u64>,
    /// Give up holes until the bytes behind them take at most this.
    pub reassembly_goal: Option<u64>,
    /// What it may come to use before the next epoch's end.
    pub caps: Lens,
}

/// A pool fuller than this many eighths has to shrink …
const HIGH_EIGHTHS: u64 = 7;
/// … to this many.
const LOW_EIGHTHS: u64 = 6;

/// Takes from those who have most: the level above which everyone has to give, so that `target` is left in all.
/// `None` if there is no more than that.
fn level(used: &[u64], target: u64) -> Option<u64> {
    let total = used.iter().fold(0u64, |sum, u| sum.saturating_add(*u));
    if total <= target {
        return None;
    }
    let mut sorted = used.to_vec();
    sorted.sort_unstable();
    let (mut below, mut left) = (0u64, sorted.len() as u64);
    for u in sorted {
        // Were this the level, everyone from here on would keep as much.
        if below.saturating_add(u.saturating_mul(left)) >= target {
            return Some((target.saturating_sub(below)) / left);
        }
        below = below.saturating_add(u);
        left -= 1;
    }
    None
}

/// Divides what is free of a pool: half evenly, half by use, so that a busy part has room and an idle one can begin.
fn allow(used: &[u64], cap: u64) -> Vec<u64> {
    let total = used.iter().fold(0u64, |sum, u| sum.saturating_add(*u));
    let half = cap.saturating_sub(total) / 2;
    let count = used.len().max(1) as u64;
    let by_use = |u: u64| match total {
        0 => half / count,
        total => u64::try_from(u128::from(half) * u128::from(u) / u128::from(total)).unwrap_or(0),
    };
    used.iter().map(|&u| u.saturating_add(half / count).saturating_add(by_use(u))).collect()
}

/// The allowances of `count` parts before anything was used.
#[cfg(test)]
fn beginning(budget: &Budget, count: usize) -> Vec<Order> {
    orders(budget, &vec![Usage::default(); count])
}

/// What each part has to do.
fn orders(budget: &Budget, usages: &[Usage]) -> Vec<Order> {
    let mut out = vec![Order::default(); usages.len()];
    let over = |used: &[u64], cap: u64| {
        let total = used.iter().fold(0u64, |sum, u| sum.saturating_add(*u));
        if total > cap / 8 * HIGH_EIGHTHS { level(used, cap / 8 * LOW_EIGHTHS) } else { None }
    };
    for (i, pool) in Pool::ALL.into_iter().enumerate() {
        let cap = budget.cap(pool);
        let mut used: Vec<u64> = usages.iter().map(|u| u.held[i]).collect();
        match pool {
            Pool::Flows => {
                let live: Vec<u64> = usages.iter().map(|u| u.live_len).collect();
                if let Some(goal) = over(&live, cap) {
                    out.iter_mut().zip(&live).filter(|(_, l)| **l > goal).for_each(|(o, _)| o.live_goal = Some(goal));
                }
            }
            Pool::Parsers | Pool::Reassembly => {
                if let Some(goal) = over(&used, cap) {
                    for (order, used) in out.iter_mut().zip(&mut used).filter(|(_, u)| **u > goal) {
                        let slot =
                            if pool == Pool::Parsers { &mut order.parsers_goal } else { &mut order.reassembly_goal };
                        *slot = Some(goal);
                        *used = goal;
                    }
                }
            }
            // These make room for what is newer themselves, or refuse what comes.
            Pool::Fragments | Pool::Decoding | Pool::Files => {}
        }
        out.iter_mut().zip(allow(&used, cap)).for_each(|(order, cap)| order.caps[i] = cap);
    }
    out
}

/// How one pool has fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolState {
    /// Bytes it may take.
    pub cap_len: u64,
    /// Bytes that it took when last looked at.
    pub used_len: u64,
    /// The most that it took, or somewhat more: the sum of what the parts of the pass took at most in the same epoch.
    pub peak_len: u64,
}

/// What all pools of a pass use and have used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ledger {
    budget: Budget,
    pools: [PoolState; POOL_COUNT],
}

impl Ledger {
    /// Nothing used yet.
    pub fn new(budget: Budget) -> Self {
        let pools = budget.caps().map(|cap_len| PoolState { cap_len, ..PoolState::default() });
        Self { budget, pools }
    }

    /// An epoch is over: takes note of what the parts use and says what each has to do.
    pub fn epoch(&mut self, usages: &[Usage]) -> Vec<Order> {
        self.note(usages);
        orders(&self.budget, usages)
    }

    /// Takes note of what the parts use.
    pub fn note(&mut self, usages: &[Usage]) {
        for (i, pool) in self.pools.iter_mut().enumerate() {
            let sum = |of: fn(&Usage) -> &Lens| usages.iter().fold(0u64, |sum, u| sum.saturating_add(of(u)[i]));
            pool.used_len = sum(|u| &u.held);
            pool.peak_len = pool.peak_len.max(sum(|u| &u.peak)).max(pool.used_len);
        }
    }

    /// Memory of the run.
    pub fn memory_len(&self) -> u64 {
        self.budget.memory_len()
    }

    /// The pools, in the order of [`Pool::ALL`].
    pub fn pools(&self) -> [PoolState; POOL_COUNT] {
        self.pools
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(held: Lens) -> Usage {
        Usage { held, peak: held, live_len: held[0] }
    }

    /// Uneven figures that fill a pool of `cap` to `eighths`.
    fn uneven(cap: u64, eighths: u64, count: u64) -> Vec<u64> {
        let weights: Vec<u64> = (1..=count).map(|i| i * i).collect();
        let all: u64 = weights.iter().sum();
        weights.iter().map(|w| cap / 8 * eighths / all * w).collect()
    }

    #[test]
    fn pools_fit_into_the_budget() {
        let parts: u64 = Pool::ALL.iter().map(|p| p.parts()).sum();
        assert!(parts + MEMORY_PARTS < 64);
        for mib in [128, 256, 1024, 4096] {
            let budget = Budget::new(mib << 20).unwrap();
            let caps: u64 = budget.caps().iter().sum();
            assert!(caps + FIXED_LEN < budget.memory_len(), "{mib}");
            assert!(budget.remembered(64, 3, 1 << 16) >= 64);
        }
        assert_eq!(Budget::new(MIN_LEN - 1), None);
    }

    #[test]
    fn columns_and_detectors_take_their_share_first() {
        for (mib, share) in [(128, 16), (1024, 128), (2048, 256), (65_536, 256)] {
            let (budget, columns_len) = Budget::new(mib << 20).unwrap().with_columns();
            assert_eq!(columns_len, share << 20);
            let caps: u64 = budget.caps().iter().sum();
            assert!(caps + columns_len + FIXED_LEN < budget.memory_len(), "{mib}");
            assert_eq!(budget.part_count(), Budget::new(mib << 20).unwrap().part_count(), "the same result");
            let (budget, judges_len) = budget.with_judges();
            assert_eq!(judges_len, share << 20);
            let caps: u64 = budget.caps().iter().sum();
            let judged_len = 2 * judges_len;
            assert!(
                caps + columns_len + judged_len + FIXED_LEN < budget.memory_len(),
                "{mib}, with detectors and devices"
            );
        }
    }

    #[test]
    fn those_with_most_give() {
        assert_eq!(level(&[1, 2, 3], 6), None);
        assert_eq!(level(&[10, 10, 100], 60), Some(40));
        assert_eq!(level(&[50, 10, 100], 60), Some(25));
        assert_eq!(level(&[9, 9, 9], 9), Some(3));
        assert_eq!(level(&[5, 0], 0), Some(0));
        let used = uneven(1 << 20, 8, 12);
        let goal = level(&used, 1 << 19).unwrap();
        let left: u64 = used.iter().map(|u| (*u).min(goal)).sum();
        assert!(left <= 1 << 19 && left > (1 << 19) - 12, "{left}");
    }

    #[test]
    fn allowances_never_exceed_the_pool() {
        let budget = Budget::new(256 << 20).unwrap();
        for count in [1, 2, 32, 100] {
            for eighths in 0..=9 {
                let usages: Vec<Usage> = {
                    let figures: Vec<Vec<u64>> = budget.caps().map(|c| uneven(c, eighths, count)).to_vec();
                    (0..count as usize).map(|i| usage(std::array::from_fn(|p| figures[p][i]))).collect()
                };
                let orders = Ledger::new(budget).epoch(&usages);
                for (i, pool) in Pool::ALL.into_iter().enumerate() {
                    // What was over the cap already stays until its owner gives it up.
                    let held: u64 = usages.iter().map(|u| u.held[i]).sum();
                    let allowed: u64 = orders.iter().map(|o| o.caps[i]).sum();
                    assert!(allowed <= budget.cap(pool).max(held), "{pool:?} {count} {eighths}");
                    assert!(eighths > 6 || orders.iter().zip(&usages).all(|(o, u)| o.caps[i] > u.held[i]));
                }
                let evicting = orders.iter().any(|o| o.live_goal.is_some() && o.parsers_goal.is_some());
                assert_eq!(evicting, eighths > 7, "{count} {eighths}");
                let left: u64 =
                    orders.iter().zip(&usages).map(|(o, u)| u.held[1].min(o.parsers_goal.unwrap_or(u64::MAX))).sum();
                assert!(left <= budget.cap(Pool::Parsers) / 8 * HIGH_EIGHTHS + 64);
            }
        }
    }

    #[test]
    fn the_first_epoch_is_bounded_too() {
        let budget = Budget::new(MIN_LEN).unwrap();
        let orders = beginning(&budget, 32);
        assert!(orders.iter().all(|o| *o == orders[0] && o.caps.iter().all(|c| *c > 0)));
        let all: u64 = orders.iter().map(|o| o.caps[0]).sum();
        assert!(all <= budget.cap(Pool::Flows));
    }

    #[test]
    fn a_ledger_remembers_peaks() {
        let mut ledger = Ledger::new(Budget::default());
        let mut two = [usage([5; POOL_COUNT]), usage([7; POOL_COUNT])];
        ledger.epoch(&two);
        two[0].held = [1; POOL_COUNT];
        ledger.epoch(&two[..1]);
        let flows = ledger.pools()[0];
        assert_eq!((flows.used_len, flows.peak_len), (1, 12));
        assert_eq!(flows.cap_len, Budget::default().cap(Pool::Flows));
    }
}
