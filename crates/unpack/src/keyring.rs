//! Passwords, and what trying them may cost.

use crate::Limits;
use std::cell::Cell;

/// Passwords tried; further ones are not looked at.
pub const PASSWORD_COUNT_MAX: usize = 4096;
/// Share of a budget's work that may go into trying: the rest is for what opens without.
const TRIAL_SHARE: u64 = 2;

/// The passwords of one run.
pub(crate) struct Keyring<'p> {
    passwords: &'p [Vec<u8>],
    /// The one that fitted last: members of one archive mostly have the same.
    last: Cell<Option<usize>>,
    work_left: Cell<u64>,
}

impl<'p> Keyring<'p> {
    pub(crate) fn new(passwords: &'p [Vec<u8>], limits: &Limits) -> Self {
        let passwords = passwords.get(..PASSWORD_COUNT_MAX).unwrap_or(passwords);
        Self { passwords, last: Cell::new(None), work_left: Cell::new(limits.work / TRIAL_SHARE) }
    }

    /// All of them with their numbers, the one that fitted last before the others.
    pub(crate) fn each(&self) -> impl Iterator<Item = (usize, &'p [u8])> + use<'p> {
        let (passwords, last) = (self.passwords, self.last.get());
        let first = last.and_then(|i| Some((i, passwords.get(i)?.as_slice())));
        let others = passwords.iter().enumerate().map(|(i, p)| (i, p.as_slice()));
        first.into_iter().chain(others.filter(move |(i, _)| Some(*i) != last))
    }

    /// Number `index` opened something.
    pub(crate) fn fits(&self, index: usize) {
        self.last.set(Some(index));
    }

    /// Trying costs so much; false if enough was tried.
    pub(crate) fn spend(&self, units: u64) -> bool {
        let left = self.work_left.get().checked_sub(units);
        self.work_left.set(left.unwrap_or(0));
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_fitted_comes_first() {
        let passwords = [b"a".to_vec(), b"b".to_vec(), b"c".to_vec()];
        let ring = Keyring::new(&passwords, &Limits::default());
        let order = || ring.each().map(|(i, _)| i).collect::<Vec<_>>();
        assert_eq!(order(), [0, 1, 2]);
        ring.fits(1);
        assert_eq!(order(), [1, 0, 2]);
    }

    #[test]
    fn limits_trying() {
        let ring = Keyring::new(&[], &Limits { work: 100, ..Limits::default() });
        assert!(ring.spend(49) && ring.spend(1) && !ring.spend(1) && !ring.spend(1));
    }
}
