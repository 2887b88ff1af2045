//! What was made lately of bytes that come again and again: the hellos of much used clients, the certificates of much
//! used servers.
//!
//! The values depend on the bytes alone, so sharing them between workers changes no result.

use std::sync::{Mutex, PoisonError};

/// Values kept. Each has one place: what comes there next takes it.
const PLACE_COUNT: u64 = 128;

/// Longest bytes kept, so that a table stays below some megabytes, whatever is sent.
const MAX_KEY_LEN: usize = 4096;

/// A value and the bytes that it was made of.
type Place<V> = Option<(Box<[u8]>, V)>;

/// Values by the bytes that they were made of.
pub(crate) struct Memo<V>(Mutex<Vec<Place<V>>>);

impl<V: Clone> Memo<V> {
    /// Takes no memory until used.
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The value of `key`: that of last time, or what `make` gives. Keys with the same `hash` displace one another, so
    /// that it is best a part of `key` which tells most apart; that somebody aims at it costs them the memory only.
    pub(crate) fn get(&self, hash: u64, key: &[u8], make: impl FnOnce() -> V) -> V {
        if key.len() > MAX_KEY_LEN {
            return make();
        }
        let place = usize::try_from(hash % PLACE_COUNT).unwrap_or(0);
        if let Some(Some((of, value))) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(place)
            && **of == *key
        {
            return value.clone();
        }
        let value = make();
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() <= place {
            places.resize_with(place + 1, || None);
        }
        if let Some(room) = places.get_mut(place) {
            *room = Some((key.into(), value.clone()));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_until_it_is_displaced() {
        static MEMO: Memo<usize> = Memo::new();
        let mut made = 0;
        let mut get = |hash, key: &[u8]| {
            let value = MEMO.get(hash, key, || {
                made += 1;
                key.len()
            });
            assert_eq!(value, key.len());
            made
        };
        assert_eq!((get(5, b"abc"), get(5, b"abc"), get(6, b"abc")), (1, 1, 2));
        assert_eq!((get(5 + PLACE_COUNT, b"ab"), get(5, b"abc"), get(5, b"abc")), (3, 4, 4));
    }

    #[test]
    fn limits_what_is_kept() {
        static MEMO: Memo<usize> = Memo::new();
        let long = [0; MAX_KEY_LEN + 1];
        let mut made = 0;
        for _ in 0..2 {
            MEMO.get(1, &long, || {
                made += 1;
                0
            });
        }
        assert_eq!(made, 2);
    }
}
