//! Members of an object of which it is known how much room they take: put side by side without a look at each.

use crate::PLACE_LEN;
use sekisho_types::Addr;
use sekisho_types::text::{hex_pair, unsigned, word};

/// Room for a number.
const NUMBER_LEN: usize = 24;

/// Longest word: a name, a kind, a state.
pub(crate) const WORD_LEN: usize = 32;

/// Members being put side by side: names, colons, commas and quotes are the caller's, as text. What finds no more room is
/// left out.
pub struct Members<'p> {
    place: &'p mut [u8],
    len: usize,
}

impl<'p> Members<'p> {
    pub(crate) fn new(place: &'p mut [u8]) -> Self {
        Self { place, len: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// What `write` puts into the room that it gets, as long as it tells.
    #[inline]
    pub fn fill<const N: usize>(&mut self, write: impl FnOnce(&mut [u8; N]) -> usize) -> &mut Self {
        if let Some(room) = self.place.get_mut(self.len..).and_then(|rest| rest.first_chunk_mut()) {
            self.len += write(room);
        }
        self
    }

    /// A text as it is.
    #[inline]
    pub fn text<const N: usize>(&mut self, text: &[u8; N]) -> &mut Self {
        self.fill(|room: &mut [u8; N]| word(room, text))
    }

    /// A number.
    #[inline]
    pub fn number(&mut self, n: u64) -> &mut Self {
        self.fill(|room: &mut [u8; NUMBER_LEN]| unsigned(room, n))
    }

    /// A word of the program's own, which needs no escape, in quotes.
    #[inline]
    pub fn word(&mut self, text: &str) -> &mut Self {
        self.fill(|room: &mut [u8; WORD_LEN + 2]| quoted_word(room, text))
    }

    /// An address in quotes, as [`crate::Json::addr`] writes it.
    #[inline]
    pub fn addr(&mut self, addr: Addr) -> &mut Self {
        self.text(b"\"").fill(|room| write_addr(room, addr)).text(b"\"")
    }
}

/// See [`crate::Json::addr`].
pub(crate) fn write_addr(place: &mut [u8; PLACE_LEN], addr: Addr) -> usize {
    if addr.is_v4() {
        return addr.write(place);
    }
    for (group, [high, low]) in place.as_chunks_mut::<5>().0.iter_mut().zip(addr.octets().as_chunks::<2>().0) {
        let ([a, b], [c, d]) = (hex_pair(*high), hex_pair(*low));
        *group = [a, b, c, d, b':'];
    }
    39
}

/// A word in quotes; of one that is too long nothing.
#[inline]
pub(crate) fn quoted_word(place: &mut [u8; WORD_LEN + 2], text: &str) -> usize {
    let text = if text.len() > WORD_LEN { "" } else { text };
    place[0] = b'"';
    copy_short(&mut place[1..], text.as_bytes());
    place[1 + text.len()] = b'"';
    text.len() + 2
}

/// Copies a text of up to [`WORD_LEN`] bytes to the begin of `place`, which has more room than that: two stores that
/// may overlap instead of a call.
#[inline]
pub(crate) fn copy_short(place: &mut [u8], text: &[u8]) {
    fn ends<const N: usize>(place: &mut [u8], text: &[u8]) -> Option<()> {
        let (first, last) = (text.first_chunk::<N>()?, text.last_chunk::<N>()?);
        *place.first_chunk_mut()? = *first;
        *place.get_mut(text.len() - N..)?.first_chunk_mut()? = *last;
        Some(())
    }
    let _ = match text.len() {
        17.. => ends::<16>(place, text),
        8.. => ends::<8>(place, text),
        4.. => ends::<4>(place, text),
        2.. => ends::<2>(place, text),
        _ => ends::<1>(place, text),
    };
}
