//! What a finding is built on.

use std::fmt;

/// Most items kept of each end of a [`Samples`].
pub const SAMPLES: usize = 5;

/// Most quotations in a finding.
pub const MAX_QUOTES: usize = 8;

/// Longest quotation, bytes.
pub const MAX_QUOTE_LEN: usize = 512;

/// The first and the last few of many, each once, and how many there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples<T> {
    first: Vec<T>,
    last: Vec<T>,
    count: u64,
}

impl<T: Copy + PartialEq> Samples<T> {
    /// Notes one. The one noted last before, or kept among the first, does not count again.
    pub fn add(&mut self, item: T) {
        if self.last.last() == Some(&item) || self.first.contains(&item) {
            return;
        }
        self.count += 1;
        if self.first.len() < SAMPLES {
            self.first.push(item);
            return;
        }
        if self.last.len() == SAMPLES {
            self.last.remove(0);
        }
        self.last.push(item);
    }

    /// Those kept, in the order noted.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.first.iter().chain(&self.last).copied()
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Where a threshold comes from (`detections.md` §0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A standard: its name.
    Standard(&'static str),
    /// A tool or a paper: its name.
    Field(&'static str),
    /// Sekisho's own choice.
    Own,
    /// Sekisho's own measurement.
    Measured,
}

impl Origin {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard(name) | Self::Field(name) => name,
            Self::Own => "sekisho",
            Self::Measured => "measured",
        }
    }
}

/// A measured value, in thousandths of its unit, and what it was compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What was measured: `distinct ports`.
    pub name: &'static str,
    /// Value, in thousandths.
    pub thousandths: i64,
    /// Threshold, in thousandths, where there is one.
    pub threshold: Option<i64>,
    /// Unit: `ports`, `s`, `bytes`; empty for plain numbers.
    pub unit: &'static str,
    /// Where the threshold comes from.
    pub origin: Origin,
}

impl Measure {
    /// A whole number, with the threshold it was compared with.
    pub fn count(name: &'static str, value: u64, threshold: Option<u64>, unit: &'static str, origin: Origin) -> Self {
        let thousandths = |v: u64| i64::try_from(v).unwrap_or(i64::MAX).saturating_mul(1000);
        Self { name, thousandths: thousandths(value), threshold: threshold.map(thousandths), unit, origin }
    }

    /// A fraction, kept to thousandths.
    #[expect(clippy::cast_possible_truncation, reason = "a float's cast to an integer saturates; NaN gives 0")]
    pub fn real(name: &'static str, value: f64, threshold: Option<f64>, unit: &'static str, origin: Origin) -> Self {
        let thousandths = |v: f64| (v * 1000.0).round() as i64;
        Self { name, thousandths: thousandths(value), threshold: threshold.map(thousandths), unit, origin }
    }

    /// The value.
    #[expect(clippy::cast_precision_loss, reason = "for printing")]
    pub fn value(&self) -> f64 {
        self.thousandths as f64 / 1000.0
    }

    /// The threshold.
    #[expect(clippy::cast_precision_loss, reason = "for printing")]
    pub fn limit(&self) -> Option<f64> {
        self.threshold.map(|t| t as f64 / 1000.0)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit, .. } = self;
        let gap = if unit.is_empty() { "" } else { " " };
        write!(f, "{name}: {}{gap}{unit}", self.value())?;
        match self.limit() {
            Some(limit) => write!(f, " (threshold {limit}, {})", self.origin.name()),
            None => Ok(()),
        }
    }
}

/// Words from the wire, or decoded from it, as evidence. Secrets never stand here, only their length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What it is: `answer`, `header`, `request`.
    pub label: &'static str,
    /// The text, cut to [`MAX_QUOTE_LEN`]; bytes that are no UTF-8 replaced.
    pub text: String,
    /// Packet that brought it; 0 if none can be named.
    pub packet: u64,
}

impl Quote {
    /// Of bytes from the wire.
    pub fn new(label: &'static str, bytes: &[u8], packet: u64) -> Self {
        let cut = bytes.get(..MAX_QUOTE_LEN).unwrap_or(bytes);
        Self { label, text: String::from_utf8_lossy(cut).into_owned(), packet }
    }
}

/// A harmless explanation that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Benign {
    /// The explanation: `a DNS block list answers in 127/8`.
    pub explanation: &'static str,
    /// What looking for it gave: `no answer is in 127/8`.
    pub result: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_keep_both_ends_and_count_each_once() {
        let mut samples = Samples::default();
        for n in 0..20 {
            samples.add(n);
            samples.add(n);
        }
        samples.add(0);
        assert_eq!(samples.count(), 20);
        assert_eq!(samples.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 15, 16, 17, 18, 19]);
        assert!(!samples.is_empty() && Samples::<u8>::default().is_empty());
    }

    #[test]
    fn measures_print_value_and_threshold() {
        let ports = Measure::count("distinct ports", 1, Some(2), "ports", Origin::Field("DNS-OARC"));
        assert_eq!(ports.to_string(), "distinct ports: 1 ports (threshold 2, DNS-OARC)");
        let score = Measure::real("score", 0.7174, None, "", Origin::Own);
        assert_eq!(score.to_string(), "score: 0.717");
        assert_eq!(Measure::real("x", f64::NAN, None, "", Origin::Own).value(), 0.0);
    }

    #[test]
    fn quotes_are_cut() {
        let quote = Quote::new("header", &[b'a'; 4096], 7);
        assert_eq!(quote.text.len(), MAX_QUOTE_LEN);
        assert_eq!(Quote::new("x", b"\xff", 0).text, "\u{fffd}");
    }
}
