use sekisho_record::{Kind, ToValue, Value};
use sekisho_types::Dir;
use smallvec::SmallVec;
use std::fmt;

/// Letters kept of one flow's history; later ones are dropped.
pub(crate) const HISTORY_MAX_LEN: usize = 64;

/// Letters kept in the flow itself: enough for an ordinary connection. Further ones are set aside.
const LETTERS_LEN: usize = 11;

/// The first letters of a history.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Letters {
    bytes: [u8; LETTERS_LEN],
    len: u8,
}

impl Letters {
    /// Appends a letter; false if there is no place.
    #[inline]
    pub(crate) fn push(&mut self, letter: u8) -> bool {
        match self.bytes.get_mut(usize::from(self.len)) {
            Some(place) => {
                *place = letter;
                self.len += 1;
                true
            }
            None => false,
        }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

/// The letter of `code` (given in upper case) for `dir`.
#[inline]
pub(crate) const fn letter(dir: Dir, code: u8) -> u8 {
    if dir.is_orig() { code } else { code.to_ascii_lowercase() }
}

/// What happened in a flow, one letter per kind of event, as in Zeek's conn.log: upper case from the
/// originator, lower case from the responder.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct History(SmallVec<[u8; 16]>);

impl History {
    /// Of the first letters and those set aside.
    pub(crate) fn new(first: &[u8], rest: &[u8]) -> Self {
        let mut all = SmallVec::from_slice(first);
        all.extend_from_slice(rest);
        Self(all)
    }

    /// The letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    /// Has nothing happened?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Rewrites a lone SYN-ACK of the originator as the responder's, after the direction was corrected.
    pub(crate) fn syn_ack_was_the_responders(mut self) -> Self {
        if let Some(first) = self.0.first_mut()
            && *first == b'H'
        {
            *first = b'h';
            self.0.insert(0, b'^');
        }
        self
    }

    /// The letters as bytes.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Did an originator's SYN meet a RST of its own before anything else came of it?
    /// (Zeek's test for RSTOS0.)
    pub(crate) fn is_syn_then_reset(&self) -> bool {
        let rest = self.0.strip_prefix(b"^").unwrap_or(&self.0);
        let Some(rest) = rest.strip_prefix(b"S") else { return false };
        rest.iter().find(|c| b"RHAFGIQ".contains(c)) == Some(&b'R')
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl ToValue for History {
    const KIND: Kind = Kind::String;
    fn to_value(&self) -> Value<'_> {
        Value::Str(&self.0)
    }
}

/// Is `count` 1, 10, 100, …: the counts at which a repeated event earns another letter?
pub(crate) const fn is_power_of_ten(count: u32) -> bool {
    matches!(count, 1 | 10 | 100 | 1_000 | 10_000 | 100_000 | 1_000_000 | 10_000_000 | 100_000_000 | 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_letters_and_folds_case() {
        let mut h = Letters::default();
        assert!(h.push(letter(Dir::Orig, b'S')) && h.push(letter(Dir::Resp, b'H')));
        assert_eq!(h.as_slice(), b"Sh");
        assert_eq!((0..100).filter(|_| h.push(letter(Dir::Resp, b'^'))).count(), LETTERS_LEN - 2);
        assert_eq!(History::new(h.as_slice(), b"D").as_str(), "Sh^^^^^^^^^D");
    }

    #[test]
    fn recognises_syn_then_reset() {
        let of = |s: &str| History::new(s.as_bytes(), b"").is_syn_then_reset();
        assert!(of("SR") && of("^SR") && of("SdR") && of("SRA"));
        assert!(!of("SAR") && !of("R") && !of("ShAR") && !of("S") && !of("^^SR"));
    }
}
