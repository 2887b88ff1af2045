//! Flows added up, with what tells change from chance later on.

use super::super::keep_least;
use crate::Traffic;
use crate::bounded::Weight;
use sekisho_types::Timestamp;

/// Parts of time in which flows are counted.
const BINS: usize = 32;

/// Fewer parts say nothing about dispersion.
const MIN_PARTS: usize = 4;
/// Fewer flows say nothing either.
const MIN_FLOWS: u32 = 2;

/// Numbers of flows in equal parts of time. Parts are powers of two of seconds long and begin at multiples of that; they grow
/// as the flows spread, so that there are always enough. The outcome does not depend on the flows' order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pulse {
    /// Parts are `1 << shift` seconds long.
    shift: u32,
    /// Number of the first part.
    base: i64,
    begun: bool,
    bins: [u16; BINS],
}

impl Pulse {
    /// A flow that began at `secs`.
    pub fn add(&mut self, secs: i64) {
        self.put(secs, 0, 1);
    }

    /// All flows of another one.
    pub fn absorb(&mut self, other: &Self) {
        for (i, n) in (0i64..).zip(other.bins).filter(|(_, n)| *n > 0) {
            let start = other.base.saturating_add(i) << other.shift;
            self.put(start, other.shift, n);
        }
    }

    /// `count` flows in the part of length `1 << shift` at `secs`.
    fn put(&mut self, secs: i64, shift: u32, count: u16) {
        if self.shift < shift {
            self.widen(shift - self.shift);
        }
        // Each round doubles the parts' length: 64 of them cover all time.
        for _ in 0..64 {
            let part = secs >> self.shift;
            if !self.begun {
                (self.base, self.begun) = (part, true);
            }
            let below = usize::try_from(self.base.saturating_sub(part)).unwrap_or(0);
            if below > 0 {
                let top = self.bins.iter().rposition(|n| *n > 0).unwrap_or(0);
                if below.saturating_add(top) < BINS {
                    self.bins.rotate_right(below);
                    self.base = part;
                }
            }
            let place = usize::try_from(part.saturating_sub(self.base)).ok();
            if let Some(bin) = place.and_then(|p| self.bins.get_mut(p)) {
                *bin = bin.saturating_add(count);
                return;
            }
            self.widen(1);
        }
    }

    /// Doubles the parts' length so many times.
    fn widen(&mut self, by: u32) {
        let (base, bins) = (self.base, self.bins);
        self.shift += by;
        self.base = base >> by;
        self.bins = [0; BINS];
        for (i, n) in (0i64..).zip(bins) {
            let place = usize::try_from((base.saturating_add(i) >> by).saturating_sub(self.base)).unwrap_or(0);
            if let Some(bin) = self.bins.get_mut(place) {
                *bin = bin.saturating_add(n);
            }
        }
    }

    /// Variance over mean of the numbers in equal parts of a capture that lasted from `first` to `last` (seconds), in
    /// thousandths, at least 1000: Pearson's statistic over its degrees of freedom (McCullagh and Nelder 1989 §4.5).
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    pub fn dispersion(mut self, first: i64, last: i64) -> u64 {
        if self.bins.iter().map(|n| u32::from(*n)).sum::<u32>() < MIN_FLOWS {
            return 1000;
        }
        let (first, last) = (first, last.max(first));
        let is_long = |shift: u32| (last >> shift) - (first >> shift) >= BINS as i64;
        let shift = (self.shift..62).find(|shift| !is_long(*shift)).unwrap_or(self.shift.max(62));
        if shift > self.shift {
            self.widen(shift - self.shift);
        }
        // The capture's parts: how much of each it covers, and the flows in it. Less than half of one goes with its neighbour.
        let mut parts: Vec<(f64, f64)> = Vec::with_capacity(BINS);
        for part in (first >> self.shift)..=(last >> self.shift) {
            let (start, end) = (part << self.shift, (part + 1) << self.shift);
            let covered = (end.min(last + 1) - start.max(first)) as f64 / (1i64 << self.shift) as f64;
            let place = usize::try_from(part - self.base).ok();
            let count = f64::from(place.and_then(|p| self.bins.get(p)).copied().unwrap_or(0));
            match parts.last_mut() {
                Some(before) if before.0 < 0.5 || covered < 0.5 => *before = (before.0 + covered, before.1 + count),
                _ => parts.push((covered, count)),
            }
        }
        let (covered, count) = parts.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
        if parts.len() < MIN_PARTS || count < f64::from(MIN_FLOWS) {
            return 1000;
        }
        let off = |p: &(f64, f64)| {
            let expected = count * p.0 / covered;
            (p.1 - expected) * (p.1 - expected) / expected
        };
        let ratio = parts.iter().map(off).sum::<f64>() / (parts.len() - 1) as f64;
        (ratio * 1000.0).round().max(1000.0) as u64
    }
}

/// Flows added up, seen from a device.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    flows: u64,
    failed: u64,
    sent: u64,
    received: u64,
    /// Sums of squares.
    sent_squares: u128,
    received_squares: u128,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    pulse: Pulse,
}

/// One flow, seen from a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct One {
    pub ts: Option<Timestamp>,
    pub failed: bool,
    pub sent: u64,
    pub received: u64,
}

impl Sums {
    pub fn add(&mut self, flow: One) {
        let square = |n: u64| u128::from(n) * u128::from(n);
        self.flows += 1;
        self.failed += u64::from(flow.failed);
        self.sent = self.sent.saturating_add(flow.sent);
        self.received = self.received.saturating_add(flow.received);
        self.sent_squares = self.sent_squares.saturating_add(square(flow.sent));
        self.received_squares = self.received_squares.saturating_add(square(flow.received));
        keep_least(&mut self.first, flow.ts);
        self.last = self.last.max(flow.ts);
        if let Some(ts) = flow.ts {
            self.pulse.add(seconds(ts));
        }
    }

    /// All flows of another one.
    pub fn absorb(&mut self, other: &Self) {
        self.flows += other.flows;
        self.failed += other.failed;
        self.sent = self.sent.saturating_add(other.sent);
        self.received = self.received.saturating_add(other.received);
        self.sent_squares = self.sent_squares.saturating_add(other.sent_squares);
        self.received_squares = self.received_squares.saturating_add(other.received_squares);
        keep_least(&mut self.first, other.first);
        self.last = self.last.max(other.last);
        self.pulse.absorb(&other.pulse);
    }

    /// As the page has it, of a capture that lasted from `first` to `last` (seconds).
    pub fn traffic(&self, (first, last): (i64, i64)) -> Traffic {
        let root = |squares: u128| u64::try_from(squares.isqrt()).unwrap_or(u64::MAX);
        Traffic {
            flows: self.flows,
            failed: self.failed,
            sent: self.sent,
            received: self.received,
            sent_spread: root(self.sent_squares),
            received_spread: root(self.received_squares),
            dispersion: self.pulse.dispersion(first, last),
            first: self.first,
            last: self.last,
        }
    }
}

/// By bytes; flows count a little.
impl Weight for Sums {
    fn weight(&self) -> u64 {
        self.sent.saturating_add(self.received).saturating_add(self.flows)
    }
}

/// Whole seconds since 1970.
pub(super) fn seconds(ts: Timestamp) -> i64 {
    ts.0.div_euclid(1_000_000_000)
}

/// Speeds told apart: quarters of an octave from 1 bit/s on.
const QUARTERS: [u64; 4] = [32_768, 38_968, 46_341, 55_109];

/// The quarter of an octave in which a speed is.
pub(super) fn quarter(bits_per_second: u64) -> u8 {
    let octave = bits_per_second.max(1).ilog2();
    let mantissa = (u128::from(bits_per_second.max(1)) << 15 >> octave) as u64;
    let part = QUARTERS.iter().rposition(|q| mantissa >= *q).unwrap_or(0);
    u8::try_from(octave * 4).unwrap_or(u8::MAX).saturating_add(part as u8)
}

/// The least speed of a quarter of an octave.
pub(super) fn speed(quarter: u8) -> u64 {
    let mantissa = QUARTERS.get(usize::from(quarter % 4)).copied().unwrap_or(0);
    u64::try_from((u128::from(mantissa) << (quarter / 4)) >> 15).unwrap_or(u64::MAX)
}

/// Times told apart: sixteenths of an octave from 1 µs on.
const SIXTEENTHS: [u64; 16] = [
    32_768, 34_219, 35_734, 37_316, 38_968, 40_693, 42_495, 44_376, 46_341, 48_393, 50_535, 52_773, 55_109, 57_549,
    60_097, 62_757,
];

/// The sixteenth of an octave in which a time is.
pub(super) fn sixteenth(micros: u64) -> u16 {
    let micros = micros.max(1);
    let octave = micros.ilog2();
    let mantissa = (u128::from(micros) << 15 >> octave) as u64;
    let part = SIXTEENTHS.iter().rposition(|s| mantissa >= *s).unwrap_or(0);
    u16::try_from(octave * 16).unwrap_or(u16::MAX).saturating_add(part as u16)
}

/// The least whole number of microseconds in a sixteenth of an octave, or next below it.
pub(super) fn micros(sixteenth: u16) -> u64 {
    let mantissa = SIXTEENTHS.get(usize::from(sixteenth % 16)).copied().unwrap_or(0);
    u64::try_from((u128::from(mantissa) << (sixteenth / 16)) >> 15).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(times: &[i64]) -> Pulse {
        let mut pulse = Pulse::default();
        times.iter().for_each(|t| pulse.add(*t));
        pulse
    }

    #[test]
    fn parts_grow_and_do_not_depend_on_order() {
        let times: Vec<i64> = (0..100).map(|i| 1_000_000 + (i * i * 7919) % 100_000).collect();
        let mut turned = times.clone();
        turned.reverse();
        let (a, b) = (pulse(&times), pulse(&turned));
        assert_eq!((a.shift, a.base, a.bins), (b.shift, b.base, b.bins));
        assert_eq!(a.bins.iter().map(|n| u64::from(*n)).sum::<u64>(), 100);
        let mut both = pulse(&times[..30]);
        both.absorb(&pulse(&times[30..]));
        assert_eq!((a.shift, a.base, a.bins), (both.shift, both.base, both.bins));
        let wide = pulse(&[i64::MIN, i64::MAX, 0]);
        assert_eq!(wide.bins.iter().map(|n| u64::from(*n)).sum::<u64>(), 3);
    }

    #[test]
    fn dispersion_is_one_for_even_flows_and_large_for_bursts() {
        // 32 parts of 32 s, one flow in each: less than Poisson, told as Poisson.
        let even: Vec<i64> = (0..32).map(|i| i * 32).collect();
        assert_eq!(pulse(&even).dispersion(0, 1023), 1000);
        // All 32 in one part of 32: (31² + 31 · 1²) / 1 / 31 = 32.
        assert_eq!(pulse(&[5; 32]).dispersion(0, 1023), 32_000);
        // A capture that is too short, or nothing to count.
        assert_eq!(pulse(&[5; 32]).dispersion(5, 6), 1000);
        assert_eq!(pulse(&[5]).dispersion(0, 1023), 1000);
    }

    #[test]
    fn sums_keep_roots_of_squares() {
        let mut sums = Sums::default();
        for sent in [3, 4] {
            sums.add(One { ts: None, failed: sent == 3, sent, received: 0 });
        }
        let t = sums.traffic((0, 0));
        assert_eq!((t.flows, t.failed, t.sent, t.sent_spread, t.received_spread), (2, 1, 7, 5, 0));
        let mut big = Sums::default();
        big.add(One { ts: None, failed: false, sent: u64::MAX, received: 1 });
        big.absorb(&big.clone());
        assert_eq!(big.traffic((0, 0)).sent_spread, u64::MAX);
    }

    #[test]
    fn times_have_sixteenths_of_octaves() {
        for (us, want) in [(0, 1), (1, 1), (1_000, 980), (1_024, 1_024), (1_070, 1_069), (20_000, 19_484)] {
            assert_eq!(micros(sixteenth(us)), want, "{us}");
        }
        // Within 4.5 % below, whatever the time.
        for us in (100..5_000_000u64).step_by(7_919) {
            let of = micros(sixteenth(us));
            assert!(of <= us && of as f64 > us as f64 * 0.955 - 1.0, "{us} {of}");
        }
        assert!(micros(sixteenth(u64::MAX)) > u64::MAX / 20 * 19);
    }

    #[test]
    fn speeds_have_quarters_of_octaves() {
        for (bits, want) in [(0, 1), (1, 1), (1_000, 861), (1_024, 1_024), (1_217, 1_024), (1_218, 1_217)] {
            assert_eq!(speed(quarter(bits)), want, "{bits}");
        }
        assert!(speed(quarter(u64::MAX)) > u64::MAX / 2);
    }
}
