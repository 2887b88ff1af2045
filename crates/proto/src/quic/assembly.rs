//! The first handshake messages of a direction, put together from CRYPTO frames that come in any order.

use sekisho_types::{Heap, list_len};

/// Longest message that is put together (RFC 8446 §5.1, as Zeek).
pub const MAX_CRYPTO_LEN: usize = (1 << 14) + 256;

/// Pieces kept that can't be joined yet; Chrome sends a hello in some twenty, in any order.
pub const MAX_PIECES: usize = 64;

/// Octets before a message's body: type and 24-bit length.
const HEAD_LEN: usize = 4;

/// The stream of handshake bytes up to the end of the message that is awaited.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// Offset behind the messages that were taken.
    taken: u64,
    /// What came without a hole from the beginning.
    front: Vec<u8>,
    later: Vec<(usize, Vec<u8>)>,
    /// What `later` holds.
    later_len: usize,
    /// The message was taken, or can't come any more.
    done: bool,
}

impl Heap for Assembly {
    fn heap_len(&self) -> usize {
        self.front.heap_len() + list_len(&self.later) + self.later_len
    }
}

impl Assembly {
    /// Is nothing more awaited?
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Adds a piece; false if a limit was met and the message can't be put together any more.
    pub(super) fn add(&mut self, offset: u64, data: &[u8]) -> bool {
        // What was taken may come again.
        let known = usize::try_from(self.taken.saturating_sub(offset)).unwrap_or(usize::MAX);
        let Some(data) = data.get(known..) else { return true };
        let offset = offset.max(self.taken) - self.taken;
        let fits = usize::try_from(offset).ok().filter(|o| o.saturating_add(data.len()) <= MAX_CRYPTO_LEN);
        let Some(offset) = fits else { return self.give_up() };
        if !self.join(offset, data) {
            if self.later.len() >= MAX_PIECES || self.later_len + data.len() > MAX_CRYPTO_LEN {
                return self.give_up();
            }
            self.later_len += data.len();
            self.later.push((offset, data.to_vec()));
            return true;
        }
        while let Some(at) = self.later.iter().position(|(o, _)| *o <= self.front.len()) {
            let (offset, data) = self.later.swap_remove(at);
            self.later_len -= data.len();
            self.join(offset, &data);
        }
        true
    }

    /// Appends what of the piece is new, if it touches what is there.
    fn join(&mut self, offset: usize, data: &[u8]) -> bool {
        let Some(known) = self.front.len().checked_sub(offset) else { return false };
        self.front.extend_from_slice(data.get(known..).unwrap_or(&[]));
        true
    }

    /// Nothing more is awaited; always false.
    pub(super) fn give_up(&mut self) -> bool {
        *self = Self { done: true, ..Self::default() };
        false
    }

    /// The message, once it is whole: its type and the bytes, of which the first four are its head.
    pub(super) fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let [kind, a, b, c] = *self.front.first_chunk::<HEAD_LEN>()?;
        let len = HEAD_LEN + (usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c));
        if len > MAX_CRYPTO_LEN {
            self.give_up();
            return None;
        }
        if self.front.len() < len {
            return None;
        }
        let rest = self.front.split_off(len);
        let message = std::mem::replace(&mut self.front, rest);
        self.taken += len as u64;
        for (offset, _) in &mut self.later {
            *offset = offset.saturating_sub(len);
        }
        Some((kind, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_gives_the_message() {
        let bytes = [1, 0, 0, 6, 1, 2, 3, 4, 5, 6, 99];
        let pieces = [(0, &bytes[..3]), (2, &bytes[2..7]), (5, &bytes[5..6]), (7, &bytes[7..])];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1], [1, 0, 3, 2]] {
            let mut a = Assembly::default();
            let mut got = None;
            for i in order {
                if got.is_none() {
                    assert!(a.add(pieces[i].0, pieces[i].1));
                    got = a.message();
                }
            }
            assert_eq!(got, Some((1, bytes[..10].to_vec())));
            a.give_up();
            assert!(a.is_done() && a.heap_len() == 0);
        }
    }

    #[test]
    fn messages_follow_each_other() {
        let mut a = Assembly::default();
        assert!(a.add(0, &[2, 0, 0, 1, 9, 2, 0]) && a.add(9, &[8, 7]));
        assert_eq!(a.message(), Some((2, vec![2, 0, 0, 1, 9])));
        assert_eq!(a.message(), None);
        assert!(a.add(0, &[2, 0, 0]) && a.add(3, &[1, 9, 2, 0, 0, 2]));
        assert_eq!(a.message(), Some((2, vec![2, 0, 0, 2, 8, 7])));
    }

    #[test]
    fn limits_pieces_and_length() {
        let mut a = Assembly::default();
        assert!(!a.add(MAX_CRYPTO_LEN as u64, &[1]));
        let mut a = Assembly::default();
        for i in 0..MAX_PIECES as u64 {
            assert!(a.add(10 + 2 * i, &[1]));
        }
        assert!(!a.add(1000, &[1]) && a.is_done() && a.heap_len() == 0);
        let mut a = Assembly::default();
        assert!(a.add(0, &[1, 0xff, 0, 0]));
        assert!(a.message().is_none() && a.is_done());
    }
}
