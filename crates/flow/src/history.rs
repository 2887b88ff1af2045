use sekisho_record::{Kind, ToValue, Value};
use sekisho_types::Dir;
use smallvec::SmallVec;
use std::fmt;

/// Letters kept of one flow's history; later ones are dropped.
const HISTORY_MAX_LEN: usize = 64;

/// What happened in a flow, one letter per kind of event, as in Zeek's conn.log: upper case from the
/// originator, lower case from the responder.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct History(SmallVec<[u8; 16]>);

impl History {
    /// The letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    /// Has nothing happened?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends `code` (given in upper case) for `dir`.
    pub(crate) fn push(&mut self, dir: Dir, code: u8) {
        if self.0.len() < HISTORY_MAX_LEN {
            self.0.push(if dir.is_orig() { code } else { code.to_ascii_lowercase() });
        }
    }

    /// Rewrites a lone SYN-ACK of the originator as the responder's, after the direction was corrected.
    pub(crate) fn syn_ack_was_the_responders(&mut self) {
        if let Some(first) = self.0.first_mut()
            && *first == b'H'
        {
            *first = b'h';
            self.0.insert(0, b'^');
        }
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
    fn limits_length_and_folds_case() {
        let mut h = History::default();
        h.push(Dir::Orig, b'S');
        h.push(Dir::Resp, b'H');
        assert_eq!(h.as_str(), "Sh");
        for _ in 0..1000 {
            h.push(Dir::Resp, b'^');
        }
        assert_eq!(h.as_str().len(), HISTORY_MAX_LEN);
        assert!(h.as_str().ends_with('^'));
    }

    #[test]
    fn recognises_syn_then_reset() {
        let of = |s: &str| History(SmallVec::from_slice(s.as_bytes())).is_syn_then_reset();
        assert!(of("SR") && of("^SR") && of("SdR") && of("SRA"));
        assert!(!of("SAR") && !of("R") && !of("ShAR") && !of("S") && !of("^^SR"));
    }
}
