//! Contacts of a pair in few bytes, and their score.

use crate::statistics::regularity::{BINS, Period, duration_score, histogram_score, period, spread_score};
use crate::statistics::robust::{median, quartiles};
use sekisho_types::Timestamp;

/// Most that a period found between skipped contacts counts for regularity in time.
const FOLDED: f64 = 0.9;

/// Seconds of the span that RITA's histogram is made for.
const DAY: u32 = 86_400;

/// Gaps that regularity in time needs.
const MIN_GAPS: usize = 3;

/// A share of rare large answers, and how much larger they are than usual: somebody gave a task.
const TASK_SHARE: f64 = 0.05;
const TASK_FACTOR: f64 = 10.0;

/// Bytes in 16 bits: exact below 4,096, then 12 digits of the binary number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size(u16);

impl Size {
    const DIGITS: u32 = 12;

    fn of(bytes: u64) -> Self {
        let shift = (u64::BITS - bytes.leading_zeros()).saturating_sub(Self::DIGITS);
        if shift > 15 {
            return Self(u16::MAX);
        }
        Self(u16::try_from(bytes >> shift | u64::from(shift) << Self::DIGITS).unwrap_or(u16::MAX))
    }

    fn bytes(self) -> f64 {
        f64::from(u32::from(self.0 & 0xfff) << (self.0 >> Self::DIGITS))
    }
}

/// One contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contact {
    /// Second since 1970 in which it began.
    pub at: u32,
    sent: Size,
    received: Size,
}

impl Contact {
    /// `None` of times that no packet of today has.
    pub fn new(ts: Timestamp, sent: u64, received: u64) -> Option<Self> {
        let at = u32::try_from(ts.0.div_euclid(1_000_000_000)).ok()?;
        Some(Self::at(at, sent, received))
    }

    /// One that began in second `at`.
    pub fn at(at: u32, sent: u64, received: u64) -> Self {
        Self { at, sent: Size::of(sent), received: Size::of(received) }
    }
}

/// How much like a beacon a pair's contacts are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Score {
    /// Contacts.
    pub count: usize,
    /// Seconds of the first and the last.
    pub first: u32,
    pub last: u32,
    /// Quartiles of the gaps, seconds.
    pub gaps: [f64; 3],
    /// Regularity in time; the better of gaps as they are and of multiples of a period.
    pub time: f64,
    /// The period that skipped contacts leave, and how well gaps fit it.
    pub period: Period,
    /// Regularity of sizes sent.
    pub size: f64,
    /// Median of sizes sent, bytes.
    pub usual_size: f64,
    pub histogram: f64,
    pub duration: f64,
    /// Answers are alike but for a few large ones.
    pub tasked: bool,
    /// Contacts in each part of the span.
    pub bins: [u32; BINS],
}

impl Score {
    /// All four parts alike.
    pub fn total(&self) -> f64 {
        (self.time + self.size + self.histogram + self.duration) / 4.0
    }

    /// The period in seconds: between most contacts, or what their gaps are multiples of.
    pub fn seconds(&self) -> f64 {
        let [_, middle, _] = self.gaps;
        if self.period.seconds > 0.0 { self.period.seconds } else { middle }
    }
}

/// What scoring works in, kept from one pair to the next.
#[derive(Default)]
pub(super) struct Scratch {
    gaps: Vec<f64>,
    sizes: Vec<f64>,
    deviations: Vec<f64>,
}

/// The score of contacts sorted by time within the span of `span` seconds that begins at `from`; `None` if there are fewer
/// than four different seconds.
pub(super) fn score(contacts: &[Contact], from: u32, span: u32, scratch: &mut Scratch) -> Option<Score> {
    let Scratch { gaps, sizes, deviations } = scratch;
    gaps.clear();
    let times = contacts.iter().zip(contacts.iter().skip(1));
    gaps.extend(times.map(|(a, b)| f64::from(b.at.saturating_sub(a.at))).filter(|gap| *gap > 0.0));
    if gaps.len() < MIN_GAPS {
        return None;
    }
    gaps.sort_unstable_by(f64::total_cmp);
    let mut found = Score { count: contacts.len(), gaps: quartiles(gaps), period: period(gaps), ..Score::default() };
    found.time = spread_score(gaps, 1.0, deviations).max(FOLDED * found.period.fold);
    let mut sized = |size: fn(&Contact) -> Size| {
        sizes.clear();
        sizes.extend(contacts.iter().map(|c| size(c).bytes()));
        sizes.sort_unstable_by(f64::total_cmp);
        let usual = median(sizes);
        let large = sizes.len() - sizes.partition_point(|s| *s <= TASK_FACTOR * usual);
        (spread_score(sizes, 0.0, deviations), usual, large as f64 / sizes.len().max(1) as f64)
    };
    let (alike, usual, large) = sized(|c| c.received);
    found.tasked = usual > 0.0 && alike >= 0.9 && large > 0.0 && large <= TASK_SHARE;
    (found.size, found.usual_size, _) = sized(|c| c.sent);
    for contact in contacts {
        let at = u64::from(contact.at.saturating_sub(from)) * BINS as u64 / u64::from(span.max(1));
        let at = usize::try_from(at).unwrap_or(BINS).min(BINS - 1);
        if let Some(bin) = found.bins.get_mut(at) {
            *bin += 1;
        }
    }
    (found.first, found.last) = (contacts.first()?.at, contacts.last()?.at);
    found.histogram = histogram_score(&found.bins, span >= DAY);
    found.duration = duration_score(&found.bins, f64::from(found.last - found.first) / f64::from(span.max(1)));
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Start seconds and sizes; as the catalogue's vectors write them.
    fn scored(contacts: impl IntoIterator<Item = (u64, u64)>) -> Score {
        let mut all: Vec<Contact> = contacts
            .into_iter()
            .map(|(at, size)| Contact::new(Timestamp::from_parts(at as i64, 0), size, 100).unwrap())
            .collect();
        all.sort_by_key(|c| c.at);
        score(&all, 0, 86_400, &mut Scratch::default()).unwrap()
    }

    /// Contacts with gaps `gap(i)` up to the first at or behind `until`, all of one size.
    fn with_gaps(start: u64, until: u64, gap: impl Fn(u64) -> u64) -> Vec<(u64, u64)> {
        let mut at = start;
        let mut all = Vec::new();
        for i in 0.. {
            all.push((at, 400));
            if at >= until {
                break;
            }
            at += gap(i);
        }
        all
    }

    /// To three decimals.
    #[track_caller]
    fn close(score: &Score, want: [f64; 4], total: f64) {
        let same = |a: f64, b: f64| (a - b).abs() < 0.000_501;
        let got = [score.time, score.size, score.histogram, score.duration];
        assert!(got.iter().zip(want).all(|(a, b)| same(*a, b)), "{got:?} {want:?}");
        assert!(same(score.total(), total), "{}", score.total());
    }

    #[test]
    fn golden_vectors() {
        let minutes = || (0..1440u64).map(|k| 30 + 60 * k);
        let same = |at: u64| (at, 400);
        close(&scored(minutes().map(same)), [1.0; 4], 1.0); // V1
        let mut v2 = with_gaps(10, 86_000, |i| 300 + (37 * i) % 61 - 30);
        v2.iter_mut().zip(0u64..).for_each(|(c, k)| c.1 = 400 + (13 * k) % 41);
        close(&scored(v2), [0.975, 0.988, 0.946, 1.0], 0.977);
        let v3 = with_gaps(10, 86_000, |i| 150 + (97 * i) % 151);
        close(&scored(v3), [0.902, 1.0, 0.972, 1.0], 0.969);
        let v4 = minutes().filter(|t| (9 * 3600..18 * 3600).contains(t)).map(same);
        close(&scored(v4), [1.0, 1.0, 0.0, 0.75], 0.688);
        let v5 = (0..1440u64).filter(|k| k % 3 != 2).map(|k| (30 + 60 * k, 400));
        close(&scored(v5), [1.0; 4], 1.0);
        close(&scored((0..12u64).map(|k| (600 + 7200 * k, 400))), [1.0, 1.0, 1.0, 0.917], 0.979); // V7
    }

    #[test]
    fn skipped_contacts_are_folded() {
        let kept = || (0..1440u64).filter(|k| matches!((k * k + k / 3) % 7, 0 | 1 | 4));
        let v8 = scored(kept().map(|k| (30 + 60 * k, 400)));
        assert_eq!((v8.count, v8.period.seconds), (616, 60.0));
        close(&v8, [0.9, 1.0, 1.0, 1.0], 0.975);
        // By the gaps as they are, as RITA scores them.
        let mut gaps: Vec<f64> = kept().zip(kept().skip(1)).map(|(a, b)| (60 * (b - a)) as f64).collect();
        gaps.sort_by(f64::total_cmp);
        let plain = Score { time: spread_score(&gaps, 1.0, &mut Vec::new()), ..v8 };
        close(&plain, [0.75, 1.0, 1.0, 1.0], 0.938);
        let random = |n: u64| (2_654_435_761u64.wrapping_mul(n) >> 7) % 1024;
        let gap = |k: u64| ((-120.0 * ((random(7 * k + 3) + 1) as f64 / 1025.0).ln()).floor() as u64).max(1);
        let mut v9 = vec![(30, 400)];
        for k in 0..700 {
            v9.push((v9[v9.len() - 1].0 + gap(k), 400));
        }
        let v9 = scored(v9);
        assert_eq!(v9.period.fold, 0.0);
        close(&v9, [0.517, 1.0, 0.805, 1.0], 0.831);
    }

    #[test]
    fn browsing_is_irregular() {
        let hours = [8.1, 8.9, 9.7, 11.2, 13.05, 13.4, 15.8, 16.1, 17.3, 20.2];
        let mut all = Vec::new();
        for (b, hour) in (0u64..).zip(hours) {
            let mut at = (hour * 3600.0) as u64;
            for k in 0..30u64 {
                let n = all.len() as u64;
                all.push((at, 200 + (911 * n * n) % 5000));
                at += 1 + (7 * k * k + 11 * b) % 29;
            }
        }
        let s06 = scored(all);
        close(&s06, [0.717, 0.746, 0.0, 0.51], 0.493);
    }

    #[test]
    fn hours_of_work_fill_half_of_a_part_of_a_day() {
        let of_span = |contacts: &mut dyn Iterator<Item = i64>, span: u32| {
            let all: Vec<Contact> =
                contacts.map(|at| Contact::new(Timestamp::from_parts(at, 0), 400, 100).unwrap()).collect();
            score(&all, 0, span, &mut Scratch::default()).unwrap().histogram
        };
        // Seen at 17 o'clock: a mail program since eight; and what calls every two hours since midnight.
        assert!(of_span(&mut (0..64).map(|k| 30_000 + 480 * k), 61_200) < 0.2);
        assert!(of_span(&mut (0..64).map(|k| 30_000 + 480 * k), 86_400) < 0.2);
        assert!(of_span(&mut (0..15).map(|k| 300 + 4_000 * k), 61_200) > 0.9);
    }

    #[test]
    fn uniform_jitter_by_the_closed_form() {
        for (jitter, want) in [(0.2, 0.972), (0.5, 0.917), (0.9, 0.795)] {
            // Every gap of the interval once, in steps of a second.
            let low = (1000.0 * (1.0 - jitter)) as u64;
            let s = scored(with_gaps(0, 86_400, |i| low + (613 * i) % (1000 - low + 1)));
            assert!((s.time - want).abs() < 0.02, "{jitter}: {}", s.time);
        }
    }

    #[test]
    fn sizes_are_kept_to_twelve_digits() {
        for bytes in [0u64, 1, 4095, 4096, 5199, 65_535, 1 << 26] {
            assert!((Size::of(bytes).bytes() - bytes as f64).abs() <= bytes as f64 / 4096.0, "{bytes}");
        }
        assert_eq!(Size::of(u64::MAX), Size(u16::MAX));
        assert_eq!(size_of::<Contact>(), 8);
    }
}
