//! How much work is done: per message, per second of packet time, and never twice.

use crate::limits::{Limits, MAX_HASHES_PER_MESSAGE, MAX_VERIFICATIONS_PER_MESSAGE};
use hashbrown::HashMap;
use sekisho_types::{SeededState, Timestamp};

/// Allowance for signatures and hashes, and the outcomes of signatures that were verified before.
pub(crate) struct Budget {
    verifications_left: u32,
    hashes_left: u32,
    /// Second of packet time that the two below belong to.
    second: i64,
    second_verifications: u32,
    second_rounds: u32,
    max_verifications: u32,
    max_rounds: u32,
    /// By a SHA-256 over key, signature and signed data. The old half goes when the new is full.
    new: Outcomes,
    old: Outcomes,
    max_outcomes: usize,
    pub(crate) verified_count: u64,
    pub(crate) remembered_count: u64,
    pub(crate) refused_count: u64,
}

type Outcomes = HashMap<[u8; 32], bool, SeededState>;

impl Budget {
    pub(crate) fn new(limits: &Limits, seed: u64) -> Self {
        Self {
            verifications_left: 0,
            hashes_left: 0,
            second: i64::MIN,
            second_verifications: 0,
            second_rounds: 0,
            max_verifications: limits.verifications_per_second,
            max_rounds: limits.hash_rounds_per_second,
            new: Outcomes::with_hasher(SeededState(seed)),
            old: Outcomes::with_hasher(SeededState(seed)),
            max_outcomes: limits.outcomes_count / 2,
            verified_count: 0,
            remembered_count: 0,
            refused_count: 0,
        }
    }

    /// A message begins to be judged. Time that runs backwards stays in the latest second.
    pub(crate) fn begin(&mut self, at: Timestamp) {
        self.verifications_left = MAX_VERIFICATIONS_PER_MESSAGE;
        self.hashes_left = MAX_HASHES_PER_MESSAGE;
        let second = at.0.div_euclid(1_000_000_000);
        if second > self.second {
            (self.second, self.second_verifications, self.second_rounds) = (second, 0, 0);
        }
    }

    /// Outcome of a verification done before.
    pub(crate) fn remembered(&mut self, digest: &[u8; 32]) -> Option<bool> {
        let outcome = self.new.get(digest).or_else(|| self.old.get(digest)).copied()?;
        self.remembered_count += 1;
        Some(outcome)
    }

    pub(crate) fn remember(&mut self, digest: [u8; 32], outcome: bool) {
        if self.new.len() >= self.max_outcomes {
            self.old = std::mem::replace(&mut self.new, Outcomes::with_hasher(*self.old.hasher()));
        }
        self.new.insert(digest, outcome);
    }

    /// May one more signature be verified?
    pub(crate) fn verification(&mut self) -> bool {
        let allowed = self.verifications_left > 0 && self.second_verifications < self.max_verifications;
        if allowed {
            self.verifications_left -= 1;
            self.second_verifications += 1;
            self.verified_count += 1;
        } else {
            self.refused_count += 1;
        }
        allowed
    }

    /// May one more name be hashed with so many rounds?
    pub(crate) fn hash(&mut self, rounds: u32) -> bool {
        let allowed = self.hashes_left > 0 && self.second_rounds.saturating_add(rounds) <= self.max_rounds;
        if allowed {
            self.hashes_left -= 1;
            self.second_rounds += rounds;
        } else {
            self.refused_count += 1;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_work_per_message_and_second() {
        let limits = Limits { verifications_per_second: 100, hash_rounds_per_second: 30, ..Limits::default() };
        let mut budget = Budget::new(&limits, 1);
        let at = Timestamp::from_parts(10, 0);
        let mut spend = |at| {
            budget.begin(at);
            let verifications = (0..1_000).filter(|_| budget.verification()).count();
            (verifications, (0..1_000).filter(|_| budget.hash(3)).count())
        };
        assert_eq!(spend(at), (64, 10));
        assert_eq!(spend(at), (36, 0));
        assert_eq!(spend(Timestamp::from_parts(9, 0)), (0, 0));
        assert_eq!(spend(Timestamp::from_parts(11, 0)), (64, 10));
        assert!(budget.refused_count > 0);
    }

    #[test]
    fn limits_what_is_remembered() {
        let mut budget = Budget::new(&Limits { outcomes_count: 4, ..Limits::default() }, 1);
        for n in 0..100u8 {
            budget.remember([n; 32], n % 2 == 0);
        }
        assert_eq!((budget.remembered(&[99; 32]), budget.remembered(&[1; 32])), (Some(false), None));
        assert!(budget.new.len() + budget.old.len() <= 4);
    }
}
