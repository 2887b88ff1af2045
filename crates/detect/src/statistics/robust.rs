//! Middle and spread that a few odd values don't move (`detections.md` §1.4 P1).

/// Makes the median absolute deviation of a normal distribution its standard deviation's share.
const MAD_SCALE: f64 = 0.6745;

/// The same of the mean absolute deviation: √(π/2).
const MEAN_AD_SCALE: f64 = 1.2533;

/// What is said where nothing varied and something is different.
const SURPRISE: f64 = 10.0;

/// Median of sorted values; of none, 0.
pub(crate) fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    let at = |i: usize| sorted.get(i).copied().unwrap_or(0.0);
    if sorted.len().is_multiple_of(2) && half > 0 { f64::midpoint(at(half - 1), at(half)) } else { at(half) }
}

/// First quartile, median and third quartile of sorted values. The median belongs to neither half if their number is odd
/// (as RITA has it).
pub(crate) fn quartiles(sorted: &[f64]) -> [f64; 3] {
    let half = sorted.len() / 2;
    let low = sorted.get(..half).unwrap_or(&[]);
    let high = sorted.get(sorted.len() - half..).unwrap_or(&[]);
    [median(low), median(sorted), median(high)]
}

/// Median absolute deviation from `middle`; `scratch` is overwritten.
pub(crate) fn median_deviation(values: &[f64], middle: f64, scratch: &mut Vec<f64>) -> f64 {
    scratch.clear();
    scratch.extend(values.iter().map(|v| (v - middle).abs()));
    scratch.sort_unstable_by(f64::total_cmp);
    median(scratch)
}

/// How far `x` is from what `history` was, in robust standard deviations. Where the history does not vary at all it is 0 or
/// [`SURPRISE`], which the caller should be less sure of.
#[cfg_attr(not(test), expect(dead_code, reason = "for judgements on volumes"))]
pub(crate) fn robust_z(x: f64, history: &[f64]) -> f64 {
    let mut sorted = history.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = median(&sorted);
    let mad = median_deviation(history, middle, &mut sorted);
    if mad > 0.0 {
        return MAD_SCALE * (x - middle) / mad;
    }
    let mean_ad = history.iter().map(|v| (v - middle).abs()).sum::<f64>() / history.len().max(1) as f64;
    if mean_ad > 0.0 {
        (x - middle) / (MEAN_AD_SCALE * mean_ad)
    } else if x == middle {
        0.0
    } else {
        SURPRISE.copysign(x - middle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middles() {
        assert_eq!((median(&[]), median(&[3.0]), median(&[1.0, 2.0])), (0.0, 3.0, 1.5));
        assert_eq!(quartiles(&[1.0, 2.0, 3.0, 4.0, 5.0]), [1.5, 3.0, 4.5]);
        assert_eq!(quartiles(&[1.0, 2.0, 3.0, 4.0]), [1.5, 2.5, 3.5]);
        assert_eq!(median_deviation(&[1.0, 2.0, 9.0], 2.0, &mut Vec::new()), 1.0);
    }

    #[test]
    fn distances() {
        let history = [10.0, 12.0, 11.0, 13.0, 9.0];
        assert!((robust_z(21.0, &history) - 6.745).abs() < 1e-9);
        // Half of the values alike: the mean deviation serves.
        assert!((robust_z(2.0, &[1.0, 1.0, 1.0, 3.0]) - 1.0 / (1.2533 * 0.5)).abs() < 1e-9);
        assert_eq!((robust_z(5.0, &[5.0; 4]), robust_z(6.0, &[5.0; 4]), robust_z(4.0, &[5.0; 4])), (0.0, 10.0, -10.0));
    }
}
