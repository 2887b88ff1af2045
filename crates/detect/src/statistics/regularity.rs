//! How regular contacts are, as RITA scores beacons (`detections.md` §2, `c2-beacon`): in time, in size, over the hours, in
//! duration; and the period of contacts some of which are skipped.

use super::robust::{median, median_deviation, quartiles};

/// Bins of a span.
pub(crate) const BINS: usize = 24;

/// Spread of quartiles below which a distribution is too narrow to be lopsided.
const MIN_SPREAD: f64 = 10.0;

/// Bins with contacts from which on two usual counts are looked for.
const BIMODAL_BINS: usize = 11;

/// Bins with contacts from which on there is a duration.
const MIN_BINS: usize = 6;

/// Bins in a row that are a full duration.
const FULL_RUN: f64 = 12.0;

/// Ratio of the bins that gaps are sorted into to find periods.
const FOLD_RATIO: f64 = 1.05;

/// Share of all gaps that a candidate period has.
const FOLD_SHARE: f64 = 0.1;

/// Shortest period, seconds.
const MIN_PERIOD: f64 = 5.0;

/// Contacts that may be skipped between two, plus one.
const MAX_SKIPS: f64 = 20.0;

/// Share of gaps that fit a period by chance.
const CHANCE: f64 = 0.2;

/// A share rounded to three digits, as RITA does with each part of a score.
fn rounded(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}

/// How regular sorted values are, 0 to 1: as little lopsided as spread. `small` is the value of the second part where the
/// median is below 1.
pub(crate) fn spread_score(sorted: &[f64], small: f64, scratch: &mut Vec<f64>) -> f64 {
    let [q1, q2, q3] = quartiles(sorted);
    let lopsided = if q3 - q1 < MIN_SPREAD || q2 == q1 || q2 == q3 { 0.0 } else { (q1 + q3 - 2.0 * q2) / (q3 - q1) };
    let deviation = median_deviation(sorted, q2, scratch);
    let narrow = if q2 < 1.0 { small } else { ((q2 - deviation) / q2).max(0.0) };
    rounded(f64::midpoint(1.0 - lopsided.abs(), narrow))
}

/// A period found among gaps of which some span several.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Period {
    /// Seconds.
    pub seconds: f64,
    /// How much better gaps fit than by chance, 0 to 1.
    pub fold: f64,
}

/// The period that most gaps are multiples of; `sorted` are seconds.
pub(crate) fn period(sorted: &[f64]) -> Period {
    let total = sorted.len() as f64;
    let bin = |gap: f64| (gap.max(1.0).ln() / FOLD_RATIO.ln()).floor();
    let mut best = Period::default();
    let mut from = 0;
    while let Some(first) = sorted.get(from) {
        let own = bin(*first);
        let own_end = sorted.partition_point(|gap| bin(*gap) <= own);
        let end = sorted.partition_point(|gap| bin(*gap) <= own + 1.0);
        let candidate = sorted.get(from..end).unwrap_or(&[]);
        from = own_end.max(from + 1);
        let seconds = median(candidate);
        if (candidate.len() as f64) < FOLD_SHARE * total || seconds < MIN_PERIOD {
            continue;
        }
        let fits = |gap: &&f64| {
            let times = (**gap / seconds).round();
            (1.0..=MAX_SKIPS).contains(&times) && (**gap - times * seconds).abs() <= (0.1 * seconds).max(1.0)
        };
        let share = sorted.iter().filter(fits).count() as f64 / total;
        let fold = ((share - CHANCE) / (1.0 - CHANCE)).max(0.0);
        if fold > best.fold {
            best = Period { seconds, fold };
        }
    }
    best
}

/// Bins in a row without contacts, in less than a day, from which on what is filled is somebody's hours.
const SILENT_BINS: usize = BINS / 4;

/// How evenly contacts fill the bins of a span, 0 to 1. If that is less than a whole day, a quarter without contacts makes it uneven:
/// of half a day, a person's hours of work fill as many bins as a beacon does of a whole one.
pub(crate) fn histogram_score(bins: &[u32; BINS], whole_day: bool) -> f64 {
    let mean = f64::from(bins.iter().sum::<u32>()) / BINS as f64;
    if mean == 0.0 {
        return 0.0;
    }
    let variance = bins.iter().map(|b| (f64::from(*b) - mean).powi(2)).sum::<f64>() / BINS as f64;
    let even = (1.0 - variance.sqrt() / mean).max(0.0);
    let filled = bins.iter().filter(|b| **b > 0).count();
    let mut bimodal = 0.0;
    let silent =
        || bins.chunk_by(|a, b| (*a == 0) == (*b == 0)).any(|run| run.len() >= SILENT_BINS && run.first() == Some(&0));
    if filled >= BIMODAL_BINS && (whole_day || !silent()) {
        let most = bins.iter().max().copied().unwrap_or(0);
        let width = most.div_ceil(20).max(1);
        let mut groups: Vec<u32> = bins.iter().filter(|b| **b > 0).map(|b| b / width).collect();
        groups.sort_unstable();
        let mut sizes: Vec<usize> = groups.chunk_by(|a, b| a == b).map(<[u32]>::len).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let two: usize = sizes.iter().take(2).sum();
        bimodal = (two as f64 / (filled - 1).max(1) as f64).min(1.0);
    }
    rounded(even.max(bimodal))
}

/// For how much of a span there were contacts, 0 to 1: from the first to the last, or in how many bins in a row.
/// `share` is the part of the span between the first contact and the last.
pub(crate) fn duration_score(bins: &[u32; BINS], share: f64) -> f64 {
    if bins.iter().filter(|b| **b > 0).count() < MIN_BINS {
        return 0.0;
    }
    let (mut run, mut longest) = (0usize, 0usize);
    // Around the clock: the end joins the beginning.
    for count in bins.iter().chain(bins) {
        run = if *count > 0 { run + 1 } else { 0 };
        longest = longest.max(run.min(BINS));
    }
    let up = |x: f64| (x * 1000.0).ceil() / 1000.0;
    up(share.min(1.0)).max(up((longest as f64 / FULL_RUN).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_with_skips() {
        let mut gaps: Vec<f64> = (0..100).map(|n| f64::from(60 * (1 + n % 3))).collect();
        gaps.sort_by(f64::total_cmp);
        assert_eq!(period(&gaps), Period { seconds: 60.0, fold: 1.0 });
        assert_eq!(period(&[]), Period::default());
        assert_eq!(period(&[1.0; 20]).fold, 0.0, "shorter than the shortest");
    }

    #[test]
    fn bins_by_hand() {
        let mut office = [0; BINS];
        office[9..18].fill(60);
        assert_eq!((histogram_score(&office, true), duration_score(&office, 0.375)), (0.0, 0.75));
        let mut late = [0; BINS];
        late[0..4].fill(1);
        late[20..].fill(1);
        assert_eq!(duration_score(&late, 0.1), 0.667, "eight in a row around midnight");
        assert_eq!((histogram_score(&[5; BINS], true), duration_score(&[5; BINS], 1.0)), (1.0, 1.0));
        assert_eq!((histogram_score(&[0; BINS], true), duration_score(&[0; BINS], 1.0)), (0.0, 0.0));
    }
}
