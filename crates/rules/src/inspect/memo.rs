//! Short values that were searched in vain before.
//!
//! Names of hosts, agents, methods, header fields come again and again. What a group's literals were not found in once need not be
//! searched for them again: a value is remembered with its group, whole, so that one that only resembles it is searched.

use sekisho_types::seeded_hash;

/// Bytes of the longest value that is remembered.
const VALUE_LEN_MAX: usize = 56;
/// Values that are remembered: a power of two. A new one takes the place of one with the same hash.
const SLOT_COUNT: usize = 2048;

/// A value and the group whose literals do not stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
struct Slot {
    bytes: [u8; VALUE_LEN_MAX],
    len: u32,
    /// 0: nothing is remembered here, or of a group without literals.
    group: u32,
}

const FREE: Slot = Slot { bytes: [0; VALUE_LEN_MAX], len: 0, group: 0 };

/// What was searched in vain, by group and value.
#[derive(Debug)]
pub(super) struct Vain {
    slots: Box<[Slot]>,
    /// The run's seed.
    seed: u64,
}

/// A value to be searched for literals of a group, and where it is remembered if there are none.
pub(super) struct Asked {
    slot: Slot,
    at: usize,
}

impl Vain {
    pub(super) fn new(seed: u64) -> Self {
        Self { slots: vec![FREE; SLOT_COUNT].into(), seed }
    }

    /// A value that may be remembered; `None`: it is too long. `group`: its number; 0: one without literals, which
    /// stand in no value.
    pub(super) fn ask(&self, group: u32, value: &[u8]) -> Option<Asked> {
        let mut slot = Slot { len: u32::try_from(value.len()).ok()?, group, ..FREE };
        slot.bytes.get_mut(..value.len())?.copy_from_slice(value);
        let hash = seeded_hash(self.seed ^ u64::from(group), value);
        Some(Asked { slot, at: usize::try_from(hash % SLOT_COUNT as u64).ok()? })
    }

    /// Was it searched in vain before?
    pub(super) fn has(&self, asked: &Asked) -> bool {
        self.slots.get(asked.at).is_some_and(|slot| *slot == asked.slot)
    }

    /// It was.
    pub(super) fn note(&mut self, asked: &Asked) {
        if let Some(slot) = self.slots.get_mut(asked.at) {
            *slot = asked.slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_values_and_their_groups_are_remembered() {
        let mut vain = Vain::new(1);
        let ask =
            |vain: &Vain, group, value: &str| vain.ask(group, value.as_bytes()).is_some_and(|asked| vain.has(&asked));
        let note = |vain: &mut Vain, group, value: &str| {
            let asked = vain.ask(group, value.as_bytes()).unwrap();
            vain.note(&asked);
        };
        assert!(!ask(&vain, 1, "example.com") && !ask(&vain, 1, ""));
        note(&mut vain, 1, "example.com");
        note(&mut vain, 1, "");
        assert!(ask(&vain, 1, "example.com") && ask(&vain, 1, ""));
        assert!(!ask(&vain, 2, "example.com"), "of another group");
        for other in ["example.co", "example.com\0", "Example.com", "xample.com"] {
            assert!(!ask(&vain, 1, other), "{other:?}");
        }
        let long = "x".repeat(VALUE_LEN_MAX);
        note(&mut vain, 3, &long);
        assert!(ask(&vain, 3, &long));
        assert!(vain.ask(3, "x".repeat(VALUE_LEN_MAX + 1).as_bytes()).is_none(), "too long");
    }

    #[test]
    fn new_values_take_the_place_of_old_ones() {
        let mut vain = Vain::new(7);
        let value = |n: usize| format!("host-{n}.example");
        for n in 0..10 * SLOT_COUNT {
            let asked = vain.ask(1, value(n).as_bytes()).unwrap();
            assert!(!vain.has(&asked), "{n}");
            vain.note(&asked);
            assert!(vain.has(&asked), "{n}");
        }
        assert_eq!(vain.slots.len(), SLOT_COUNT);
        let left = (0..10 * SLOT_COUNT).filter(|n| vain.ask(1, value(*n).as_bytes()).is_some_and(|a| vain.has(&a)));
        assert!(left.count() > SLOT_COUNT / 2, "they spread");
    }
}
