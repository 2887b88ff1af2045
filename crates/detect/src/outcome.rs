//! How an attempt to connect ended (`detections.md` §1.3): one reading of a flow's state and history for all judgements.

use crate::rows::Conn;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// The connection was opened and used, or closed in peace; datagrams were answered.
    Established,
    /// A reset answered the SYN.
    Refused,
    /// Nothing answered.
    Timeout,
    /// Opened, and reset before any payload.
    ResetEarly,
    /// The SYN was answered, and the answer never acknowledged: the port is open, nobody wanted it.
    HalfOpen,
    /// Too little of it was seen to tell: began before the capture, or one direction only. Never a failure.
    OneSided,
}

impl Outcome {
    /// Of a flow; `None` of protocols without attempts, and of what goes to many at once.
    pub fn of(conn: &Conn<'_>) -> Option<Self> {
        if conn.resp.is_multicast() {
            return None;
        }
        match conn.proto {
            "tcp" => Some(Self::of_tcp(conn.history)),
            "udp" => Some(match conn.state {
                "SF" => Self::Established,
                "S0" => Self::Timeout,
                _ => Self::OneSided,
            }),
            _ => None,
        }
    }

    /// Letters of Zeek's history: upper case from the originator. What does not begin with the originator's SYN (an answer
    /// to nothing, as backscatter is; `^`: turned round; the middle of a connection) is no attempt that was seen.
    fn of_tcp(history: &[u8]) -> Self {
        if history.first() != Some(&b'S') {
            return Self::OneSided;
        }
        let mut seen = Letters::default();
        history.iter().for_each(|letter| seen.add(*letter));
        if seen.has(b'h') {
            return match () {
                () if seen.has(b'D') || seen.has(b'd') => Self::Established,
                () if !seen.has(b'A') => Self::HalfOpen,
                () if seen.has(b'R') || seen.has(b'r') => Self::ResetEarly,
                () => Self::Established,
            };
        }
        // Whoever goes on without an answer had one that was not seen.
        let went_on = b"ADFRadf".iter().any(|letter| seen.has(*letter));
        match (went_on, seen.has(b'r')) {
            (true, _) => Self::OneSided,
            (false, true) => Self::Refused,
            (false, false) => Self::Timeout,
        }
    }

    /// Did the attempt come to nothing?
    pub const fn is_failed(self) -> bool {
        matches!(self, Self::Refused | Self::Timeout | Self::ResetEarly | Self::HalfOpen)
    }

    /// Did something listen there?
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Established | Self::ResetEarly | Self::HalfOpen)
    }
}

/// Letters met, one bit for each.
#[derive(Default)]
struct Letters(u64);

impl Letters {
    const fn bit(letter: u8) -> u64 {
        match letter {
            b'A'..=b'Z' => 1 << (letter - b'A'),
            b'a'..=b'z' => 1 << (letter - b'a' + 26),
            _ => 0,
        }
    }

    fn add(&mut self, letter: u8) {
        self.0 |= Self::bit(letter);
    }

    const fn has(&self, letter: u8) -> bool {
        self.0 & Self::bit(letter) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories() {
        use Outcome::*;
        for (history, outcome) in [
            ("ShADadFf", Established),
            ("ShADadR", Established),
            ("ShAFf", Established),
            ("Sr", Refused),
            ("STr", Refused),
            ("S", Timeout),
            ("ST", Timeout),
            ("ShR", HalfOpen),
            ("Sh", HalfOpen),
            ("ShAR", ResetEarly),
            ("ShAr", ResetEarly),
            ("SADF", OneSided),
            ("SR", OneSided),
            ("Sad", OneSided),
            ("^hA", OneSided),
            ("^h", OneSided),
            ("h", OneSided),
            ("r", OneSided),
            ("DadA", OneSided),
            ("", OneSided),
        ] {
            assert_eq!(Outcome::of_tcp(history.as_bytes()), outcome, "{history}");
        }
        assert!(!OneSided.is_failed() && HalfOpen.is_open() && HalfOpen.is_failed() && !Refused.is_open());
    }
}
