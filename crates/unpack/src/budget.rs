//! What unpacking may cost, and what it has cost so far.

use std::fmt;

/// Levels below the outermost content.
pub const DEPTH_MAX: u32 = 32;
/// Members of all levels together.
pub const MEMBER_COUNT_MAX: u32 = 100_000;
/// Unpacked bytes of all members together.
pub const TOTAL_LEN_MAX: u64 = 2 << 30;
/// Unpacked bytes of one member.
pub const MEMBER_LEN_MAX: u64 = 512 << 20;
/// Bytes of one member that are kept in memory; what is longer is spooled.
pub const MEMORY_LEN_MAX: u64 = 32 << 20;
/// Bytes of all members that are open at the same time, in memory.
pub const HELD_LEN_MAX: u64 = 96 << 20;
/// Unpacked bytes per packed byte.
pub const RATIO_MAX: u64 = 500;
/// Unpacked bytes from which on the ratio is looked at.
pub const RATIO_FROM_LEN: u64 = 16 << 20;
/// Window and block buffers of one decompressor.
pub const WINDOW_LEN_MAX: usize = 64 << 20;
/// Units of work: see [`Limits::work`].
pub const WORK_MAX: u64 = 3 << 30;
/// Units for a member, whatever its size: listing, recognition, handing over.
pub(crate) const MEMBER_WORK: u64 = 2_000;
/// Units between two looks at the deadline.
const DEADLINE_EVERY: u64 = 16 << 20;

/// Limits of one [`Budget`]. The defaults are this module's constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Levels below the outermost content.
    pub depth: u32,
    /// Members of all levels together.
    pub members: u32,
    /// Unpacked bytes of all members together.
    pub total_len: u64,
    /// Unpacked bytes of one member.
    pub member_len: u64,
    /// Bytes of one member in memory; what is longer is spooled, or cut if there is no spool.
    pub memory_len: u64,
    /// Bytes in memory of all members that are open at the same time; what goes beyond is spooled or cut.
    pub held_len: u64,
    /// Unpacked bytes per packed byte, looked at only from `ratio_from_len` unpacked bytes on.
    pub ratio: u64,
    /// See `ratio`.
    pub ratio_from_len: u64,
    /// Memory of one decompressor for its window and blocks.
    pub window_len: usize,
    /// Units of work, which stand for time but are the same everywhere: about one for a byte that is copied, hashed
    /// or looked at, more for a byte out of a slow decompressor or a round of a key derivation. A core of today does
    /// about 500 million in a second.
    pub work: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: DEPTH_MAX,
            members: MEMBER_COUNT_MAX,
            total_len: TOTAL_LEN_MAX,
            member_len: MEMBER_LEN_MAX,
            memory_len: MEMORY_LEN_MAX,
            held_len: HELD_LEN_MAX,
            ratio: RATIO_MAX,
            ratio_from_len: RATIO_FROM_LEN,
            window_len: WINDOW_LEN_MAX,
            work: WORK_MAX,
        }
    }
}

/// What a budget cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cut {
    /// The caller's deadline passed.
    Deadline,
    /// Too deep: a container was not opened.
    Depth,
    /// One member was too long.
    Member,
    /// Too many members.
    Members,
    /// No room in memory and no spool.
    Memory,
    /// A decompression bomb: the ratio.
    Ratio,
    /// All members together were too long.
    Total,
    /// Too much work.
    Work,
}

impl Cut {
    /// All of them, in order.
    pub const ALL: [Self; 8] =
        [Self::Deadline, Self::Depth, Self::Member, Self::Members, Self::Memory, Self::Ratio, Self::Total, Self::Work];

    /// A few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Deadline => "out of time",
            Self::Depth => "too deep",
            Self::Member => "member too long",
            Self::Members => "too many members",
            Self::Memory => "no room in memory",
            Self::Ratio => "decompression bomb",
            Self::Total => "too much content",
            Self::Work => "too much work",
        }
    }
}

/// Limits, and what was spent of them. One budget may serve one file or all files of a run.
pub struct Budget {
    limits: Limits,
    members: u32,
    total_len: u64,
    work: u64,
    cuts: [u32; Cut::ALL.len()],
    deadline: Option<Box<dyn FnMut() -> bool>>,
    looked_at: u64,
    passed: bool,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("limits", &self.limits)
            .field("members", &self.members)
            .field("total_len", &self.total_len)
            .field("work", &self.work)
            .field("cuts", &self.cuts)
            .finish_non_exhaustive()
    }
}

impl Budget {
    /// Nothing spent yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            members: 0,
            total_len: 0,
            work: 0,
            cuts: [0; Cut::ALL.len()],
            deadline: None,
            looked_at: 0,
            passed: false,
        }
    }

    /// Besides, stop when `passed` says so; it is asked every few milliseconds. Results then depend on the machine.
    #[must_use]
    pub fn with_deadline(mut self, passed: Box<dyn FnMut() -> bool>) -> Self {
        self.deadline = Some(passed);
        self
    }

    /// What is allowed.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Members listed so far.
    pub fn members(&self) -> u32 {
        self.members
    }

    /// Bytes unpacked so far.
    pub fn total_len(&self) -> u64 {
        self.total_len
    }

    /// Units of work so far.
    pub fn work_done(&self) -> u64 {
        self.work
    }

    /// How often each limit bit.
    pub fn cuts(&self) -> impl Iterator<Item = (Cut, u32)> {
        Cut::ALL.into_iter().zip(self.cuts)
    }

    /// Counts a cut.
    pub(crate) fn count(&mut self, cut: Cut) {
        if let Some(count) = Cut::ALL.iter().position(|c| *c == cut).and_then(|i| self.cuts.get_mut(i)) {
            *count = count.saturating_add(1);
        }
    }

    /// One more member is listed.
    pub(crate) fn member(&mut self) -> Result<(), Cut> {
        if self.members >= self.limits.members {
            return Err(Cut::Members);
        }
        self.members += 1;
        self.work(MEMBER_WORK)
    }

    /// `units` of work are about to be done.
    pub(crate) fn work(&mut self, units: u64) -> Result<(), Cut> {
        self.work = self.work.saturating_add(units);
        if self.work > self.limits.work {
            return Err(Cut::Work);
        }
        if self.work - self.looked_at >= DEADLINE_EVERY {
            self.looked_at = self.work;
            self.passed |= self.deadline.as_mut().is_some_and(|passed| passed());
        }
        if self.passed { Err(Cut::Deadline) } else { Ok(()) }
    }

    /// What is used up, so that nothing more can be made of anything.
    pub(crate) fn spent(&mut self) -> Option<Cut> {
        let full = self.total_len >= self.limits.total_len;
        self.work(0).err().or(full.then_some(Cut::Total))
    }

    /// Units of work that are left.
    pub(crate) fn work_left(&self) -> u64 {
        self.limits.work.saturating_sub(self.work)
    }

    /// How long a member may become now, and what cuts it if it gets longer.
    pub(crate) fn allowance(&self) -> (u64, Cut) {
        let left = self.limits.total_len.saturating_sub(self.total_len);
        if left < self.limits.member_len { (left, Cut::Total) } else { (self.limits.member_len, Cut::Member) }
    }

    /// What was unpacked isn't a member after all.
    pub(crate) fn forget(&mut self, len: u64) {
        self.total_len = self.total_len.saturating_sub(len);
    }

    /// A member of `len` bytes was unpacked.
    pub(crate) fn unpacked(&mut self, len: u64) {
        self.total_len = self.total_len.saturating_add(len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_members_and_work() {
        let mut budget = Budget::new(Limits { members: 2, work: 5_000, ..Limits::default() });
        assert_eq!(budget.member(), Ok(()));
        assert_eq!(budget.member(), Ok(()));
        assert_eq!(budget.member(), Err(Cut::Members));
        assert_eq!(budget.work(1_000), Ok(()));
        assert_eq!(budget.work(1), Err(Cut::Work));
    }

    #[test]
    fn limits_time_where_asked() {
        let mut budget = Budget::default().with_deadline(Box::new(|| true));
        assert_eq!(budget.work(1), Ok(()), "not asked yet");
        assert_eq!(budget.work(DEADLINE_EVERY), Err(Cut::Deadline));
        assert_eq!(budget.work(1), Err(Cut::Deadline), "and it stays so");
    }

    #[test]
    fn limits_are_named() {
        let mut budget = Budget::new(Limits { total_len: 10, ..Limits::default() });
        budget.unpacked(4);
        assert_eq!(budget.allowance(), (6, Cut::Total));
        assert_eq!(budget.spent(), None);
        budget.unpacked(6);
        assert_eq!(budget.spent(), Some(Cut::Total));
        budget.count(Cut::Ratio);
        assert_eq!(budget.cuts().filter(|c| c.1 > 0).collect::<Vec<_>>(), [(Cut::Ratio, 1)]);
    }
}
