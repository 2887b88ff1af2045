//! A table of fields that forgets the oldest (RFC 7541 §2.3.2, §4; RFC 9204 §3.2).

use sekisho_types::Heap;
use std::collections::VecDeque;

/// What an entry counts beside its bytes (RFC 7541 §4.1).
pub(crate) const ENTRY_LEN: usize = 32;

/// A field.
#[derive(Debug)]
struct Entry {
    name: Box<[u8]>,
    value: Box<[u8]>,
}

impl Entry {
    fn len(&self) -> usize {
        self.name.len() + self.value.len() + ENTRY_LEN
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Table {
    /// The newest first.
    entries: VecDeque<Entry>,
    len: usize,
    max_len: usize,
}

impl Heap for Table {
    fn heap_len(&self) -> usize {
        // The standard's 32 bytes per entry are what its boxes take here.
        self.len + self.entries.capacity() * size_of::<Entry>()
    }
}

impl Table {
    /// An empty table for `max_len` bytes, as entries are counted.
    pub(crate) const fn new(max_len: usize) -> Self {
        Self { entries: VecDeque::new(), len: 0, max_len }
    }

    /// Bytes that it may hold.
    pub(crate) const fn max_len(&self) -> usize {
        self.max_len
    }

    /// Entries that it holds.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.entries.len()
    }

    /// Bytes that it holds.
    #[cfg(test)]
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Entry `at`, the newest being 0.
    pub(crate) fn get(&self, at: usize) -> Option<(&[u8], &[u8])> {
        let entry = self.entries.get(at)?;
        Some((&entry.name, &entry.value))
    }

    /// May hold `max_len` bytes from now on.
    pub(crate) fn resize(&mut self, max_len: usize) {
        self.max_len = max_len;
        self.shrink(max_len);
    }

    /// Adds an entry; one larger than the table empties it, and false is given back.
    pub(crate) fn insert(&mut self, name: &[u8], value: &[u8]) -> bool {
        let entry = Entry { name: name.into(), value: value.into() };
        self.shrink(self.max_len.saturating_sub(entry.len()));
        let fits = entry.len() <= self.max_len;
        if fits {
            self.len += entry.len();
            self.entries.push_front(entry);
        }
        fits
    }

    /// Evicts the oldest entries until no more than `len` bytes are left.
    fn shrink(&mut self, len: usize) {
        while self.len > len
            && let Some(oldest) = self.entries.pop_back()
        {
            self.len -= oldest.len();
        }
    }
}
