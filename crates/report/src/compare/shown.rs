//! Figures of a comparison as people read them.

use super::Measure;
use crate::units::{bytes, count, rate};
use sekisho_types::Interval;

/// A value as counted: `1.2 MB`, `0.20 %`, `3.4 Mbit/s`; `-` for none.
pub(crate) fn value(measure: Measure, v: Option<u64>) -> String {
    match (measure, v) {
        (_, None) => "-".to_owned(),
        (Measure::SentBytes | Measure::ReceivedBytes, Some(v)) => bytes(v),
        (Measure::Retransmissions, Some(v)) => format!("{}.{:02} %", v / 10_000, v % 10_000 / 100),
        (Measure::Throughput, Some(v)) => rate(v, Interval::from_secs(8)).unwrap_or_default(),
        (Measure::Connect | Measure::Response | Measure::Answer, Some(v)) => time(v),
        (_, Some(v)) => count(v),
    }
}

/// `850 µs`, `1.2 ms`, `35 ms`, `1.2 s`.
fn time(micros: u64) -> String {
    let v = micros as f64;
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..9_950 => format!("{:.1} ms", v / 1e3),
        9_950..999_500 => format!("{:.0} ms", v / 1e3),
        _ => format!("{:.1} s", v / 1e6),
    }
}

/// The same per hour; below ten with one decimal.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "for printing; the cast saturates")]
pub(crate) fn per_hour(measure: Measure, v: f64) -> String {
    match measure {
        Measure::SentBytes | Measure::ReceivedBytes => bytes(v.round() as u64),
        _ if v > 0.0 && v < 9.95 => format!("{v:.1}"),
        _ => count(v.round() as u64),
    }
}

/// How much less or more, in percent of the value before; of what there was none of before, `None`.
pub(crate) enum Size {
    /// Percent of the value before, without sign.
    Percent(f64),
    /// So many times the value before.
    Times(f64),
    /// There was none before.
    NoneBefore,
}

impl Size {
    /// From a value before and one after; the floor that percentages have elsewhere is not used.
    pub fn of([before, after]: [f64; 2]) -> Self {
        let percent = 100.0 * (after - before) / before;
        match percent {
            _ if before <= 0.0 => Self::NoneBefore,
            400.0.. => Self::Times(after / before),
            _ => Self::Percent(percent.abs()),
        }
    }

    /// `99.1 %`, with two decimals where one would say 100 of what is not all; `4.2`.
    pub fn words(&self) -> String {
        match self {
            Self::Percent(p) if (99.95..100.0).contains(p) => format!("{p:.2} %"),
            Self::Percent(p) => format!("{p:.1} %"),
            Self::Times(n) => format!("{n:.1}"),
            Self::NoneBefore => String::new(),
        }
    }
}
