//! Messages in a TCP stream, each behind its length in two bytes (RFC 1035 §4.2.2).

use super::message::Header;
use crate::Held;
use sekisho_types::Heap;

/// Length of the length.
pub const PREFIX_LEN: usize = 2;
/// A whole message with its length.
const MAX_FRAME_LEN: usize = PREFIX_LEN + u16::MAX as usize;

/// One direction's buffer.
#[derive(Default)]
pub struct Stream {
    held: Held,
    /// Bytes still to be dropped of a message with a hole.
    skip: usize,
    /// A hole took a length with it: no message's beginning can be known any more.
    lost: bool,
    /// Messages were found again behind such a hole.
    found_again: bool,
}

impl Heap for Stream {
    fn heap_len(&self) -> usize {
        self.held.heap_len()
    }
}

impl Stream {
    /// Adds bytes and hands every whole message to `message`, with how many bytes follow it.
    ///
    /// `again`: after such a hole, as Suricata does, what begins a chunk and is a whole query or reply is taken for one;
    /// `message` hears whether it was found so.
    pub fn feed(&mut self, bytes: &[u8], again: bool, mut message: impl FnMut(&[u8], usize, bool)) {
        if self.lost {
            if !again || !frame(bytes).is_some_and(|(msg, _)| is_plausible(msg)) {
                return;
            }
            (self.lost, self.found_again, self.skip) = (false, true, 0);
        }
        let dropped = self.skip.min(bytes.len());
        self.skip -= dropped;
        let joined = self.held.join(bytes.get(dropped..).unwrap_or(&[]));
        let mut consumed = 0;
        while let Some((msg, len)) = frame(joined.get(consumed..).unwrap_or(&[])) {
            consumed += len;
            message(msg, joined.len() - consumed, self.found_again);
        }
        if !self.held.keep(joined, consumed, MAX_FRAME_LEN) {
            self.lost = true;
        }
    }

    /// `len` bytes are missing here.
    pub fn gap(&mut self, len: u64) {
        let held = self.held.len();
        let Ok(len) = usize::try_from(len) else {
            self.lose();
            return;
        };
        if self.skip > 0 {
            match self.skip.checked_sub(len) {
                Some(left) => self.skip = left,
                None => self.lose(),
            }
            return;
        }
        let joined = self.held.join(&[]);
        let total = joined.first_chunk().map(|b: &[u8; PREFIX_LEN]| PREFIX_LEN + usize::from(u16::from_be_bytes(*b)));
        match total.and_then(|t| (t - held.min(t)).checked_sub(len)) {
            // The hole ends within the message: the next one begins where this one would have ended.
            Some(left) => self.skip = left,
            None => self.lose(),
        }
    }

    fn lose(&mut self) {
        self.lost = true;
        self.held.clear();
    }

    /// The incomplete message held, without its length.
    pub fn take_partial(&mut self) -> Vec<u8> {
        let joined = self.held.join(&[]);
        joined.get(PREFIX_LEN..).unwrap_or(&[]).to_vec()
    }
}

/// Does it look like a query of one name, or its reply?
fn is_plausible(msg: &[u8]) -> bool {
    Header::parse(msg).is_some_and(|h| h.qdcount == 1 && h.opcode == 0 && h.z & 4 == 0 && (h.qr || h.rcode == 0))
}

/// The first message of `bytes` and its length with the prefix, if it is whole.
fn frame(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (prefix, rest) = bytes.split_first_chunk::<PREFIX_LEN>()?;
    let len = usize::from(u16::from_be_bytes(*prefix));
    Some((rest.get(..len)?, PREFIX_LEN + len))
}
