//! Middle and spread that a few odd values don't move (`detections.md` §1.4 P1).

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

/// How far `x` is from sorted values, in robust standard deviations (P1); by the mean deviation where most values are equal, and
/// 10 for anything else than the one value there is.
pub(crate) fn robust_z(x: f64, sorted: &[f64], scratch: &mut Vec<f64>) -> f64 {
    let middle = median(sorted);
    let deviation = median_deviation(sorted, middle, scratch);
    if deviation > 0.0 {
        return 0.6745 * (x - middle) / deviation;
    }
    let mean = sorted.iter().map(|v| (v - middle).abs()).sum::<f64>() / sorted.len().max(1) as f64;
    match () {
        () if mean > 0.0 => (x - middle) / (1.2533 * mean),
        () if x == middle => 0.0,
        () => 10.0_f64.copysign(x - middle),
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
        let z = |x, sorted: &[f64]| robust_z(x, sorted, &mut Vec::new());
        assert_eq!(z(4.0, &[1.0, 2.0, 3.0]), 0.6745 * 2.0);
        assert_eq!((z(2.0, &[2.0; 9]), z(3.0, &[2.0; 9]), z(1.0, &[2.0; 9])), (0.0, 10.0, -10.0));
        assert!((z(4.0, &[2.0, 2.0, 2.0, 4.0]) - 2.0 / (1.2533 * 0.5)).abs() < 1e-9, "most are equal");
    }
}
