//! Telling change from chance.
//!
//! Counts: flows come as a Poisson process, or in bursts (quasi-Poisson: the variance is `dispersion` times the mean, as measured within each
//! side). The difference in standard deviations is `z = (b − a·r)/sqrt(φ·(b + a·r²))` with r the ratio of the times observed. Its p is that of
//! the exact conditional test (Przyborowski and Wilenski 1940: given a + b, b is binomial with r/(1 + r)), on counts divided by φ.
//! Sums of bytes are compound Poisson: the same z with the sums of squares in place of the counts.
//! Ratios: two-proportion z. Speeds: Mann and Whitney's U with correction for ties. Several tests together: Benjamini and Hochberg 1995.

/// Least |z| of a difference that is taken for real (`detections.md` §9).
pub(super) const LEAST_Z: f64 = 3.0;

/// Greatest p of a shift of speeds.
pub(super) const SPEED_P: f64 = 0.01;

/// Fewer samples on a side are not compared by ranks: below, U is not normal (Mann and Whitney 1947 have tables up to eight).
const LEAST_RANKED: f64 = 8.0;

/// Rate of false discoveries allowed.
pub(super) const FALSE_DISCOVERY_RATE: f64 = 0.05;

/// Counts from here on go to the normal approximation.
const EXACT_MAX: f64 = 10_000.0;

/// A difference: how many standard deviations, and how likely by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Difference {
    pub z: f64,
    pub p: f64,
}

impl Difference {
    /// None at all.
    pub const NONE: Self = Self { z: 0.0, p: 1.0 };
}

/// Probability that a standard normal variable is off zero by |z| or more: 2·(1 − Φ(|z|)). Abramowitz and Stegun 26.2.17 is too coarse in
/// the tail; this is the continued fraction of erfc above 2 and its series below.
pub(super) fn two_sided(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    if !x.is_finite() {
        return 0.0;
    }
    if x < 2.0 {
        // erf(x) = 2/√π · Σ (−1)ⁿ x^(2n+1) / (n!·(2n+1))
        let (mut term, mut sum) = (x, x);
        for n in 1..60 {
            let n = f64::from(n);
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        return (1.0 - sum * std::f64::consts::FRAC_2_SQRT_PI).clamp(0.0, 1.0);
    }
    // erfc(x) = exp(−x²)/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …))))
    let mut fraction = x;
    for k in (1..60).rev() {
        fraction = x + f64::from(k) / 2.0 / fraction;
    }
    ((-x * x).exp() * std::f64::consts::FRAC_2_SQRT_PI / 2.0 / fraction).clamp(0.0, 1.0)
}

/// ln Γ(x) for x > 0 (Lanczos, g = 7, n = 9).
fn ln_gamma(x: f64) -> f64 {
    const G: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        let pi = std::f64::consts::PI;
        return (pi / (pi * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let t = x + 7.5;
    let series = G.iter().zip(0..).skip(1).fold(G[0], |sum, (g, i)| sum + g / (x + f64::from(i)));
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + series.ln()
}

/// Two-sided p of `b` successes in `n` trials of probability `share`: twice the smaller tail.
fn binomial(b: u64, n: u64, share: f64) -> f64 {
    let (nf, bf) = (n as f64, b as f64);
    let ln_choose = |k: f64| ln_gamma(nf + 1.0) - ln_gamma(k + 1.0) - ln_gamma(nf - k + 1.0);
    let mass = |k: f64| (ln_choose(k) + k * share.ln() + (nf - k) * (1.0 - share).ln()).exp();
    // From b outwards terms fall; from the mean's side the tail may be the long one, so each tail is summed up outwards.
    let tail = |up: bool| {
        let (mut k, mut sum) = (bf, 0.0);
        while (0.0..=nf).contains(&k) {
            let m = mass(k);
            sum += m;
            if m < sum * 1e-12 {
                break;
            }
            k += if up { 1.0 } else { -1.0 };
        }
        sum
    };
    let up = bf >= nf * share;
    (2.0 * tail(up)).min(1.0)
}

/// `a` before against `b` after, where after was observed `ratio` times as long; `dispersion` at least 1.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts far below 2^53, or an estimate"
)]
pub(super) fn counts(a: u64, b: u64, ratio: f64, dispersion: f64) -> Difference {
    if a == 0 && b == 0 || ratio <= 0.0 || !ratio.is_finite() {
        return Difference::NONE;
    }
    let phi = dispersion.max(1.0);
    let (af, bf) = (a as f64, b as f64);
    let z = (bf - af * ratio) / (phi * (bf + af * ratio * ratio)).sqrt();
    let (ae, be) = ((af / phi).round(), (bf / phi).round());
    let p = if ae + be > EXACT_MAX {
        two_sided((bf - af * ratio) / (phi * ratio * (af + bf)).sqrt())
    } else {
        binomial(be as u64, (ae + be) as u64, ratio / (1.0 + ratio))
    };
    Difference { z, p }
}

/// A sum of bytes, and the root of the sum of squares over flows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Volume {
    pub bytes: u64,
    pub spread: u64,
}

/// As [`counts`], of sums.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub(super) fn volumes(a: Volume, b: Volume, ratio: f64, dispersion: f64) -> Difference {
    if a.bytes == 0 && b.bytes == 0 || ratio <= 0.0 || !ratio.is_finite() {
        return Difference::NONE;
    }
    let square = |v: Volume| (v.spread as f64) * (v.spread as f64);
    let spread = (dispersion.max(1.0) * (square(b) + square(a) * ratio * ratio)).sqrt();
    let z = if spread > 0.0 { (b.bytes as f64 - a.bytes as f64 * ratio) / spread } else { 0.0 };
    Difference { z, p: two_sided(z) }
}

/// `hits` of `all` before and after.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53, or an estimate")]
pub(super) fn proportions(before: (u64, u64), after: (u64, u64)) -> Difference {
    let ((h0, n0), (h1, n1)) = ((before.0 as f64, before.1 as f64), (after.0 as f64, after.1 as f64));
    if n0 <= 0.0 || n1 <= 0.0 {
        return Difference::NONE;
    }
    let pooled = (h0 + h1) / (n0 + n1);
    let spread = (pooled * (1.0 - pooled) * (1.0 / n0 + 1.0 / n1)).sqrt();
    let z = if spread > 0.0 { (h1 / n1 - h0 / n0) / spread } else { 0.0 };
    Difference { z, p: two_sided(z) }
}

/// Samples in classes: value and how many, by value.
type Classes<'a> = &'a [(u64, u64)];

/// Were the values after greater or less? Positive z: greater.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53, or an estimate")]
pub(super) fn ranks(before: Classes, after: Classes) -> Difference {
    let total = |classes: Classes| classes.iter().map(|c| c.1 as f64).sum::<f64>();
    let (n0, n1) = (total(before), total(after));
    if n0 < LEAST_RANKED || n1 < LEAST_RANKED {
        return Difference::NONE;
    }
    let mut values: Vec<u64> = before.iter().chain(after).map(|c| c.0).collect();
    values.sort_unstable();
    values.dedup();
    let of = |classes: Classes, value: u64| classes.iter().filter(|c| c.0 == value).map(|c| c.1 as f64).sum::<f64>();
    // U of `after`: pairs in which it is greater, ties half.
    let (mut u, mut below, mut ties) = (0.0, 0.0, 0.0);
    for value in values {
        let (x, y) = (of(before, value), of(after, value));
        u += y * (below + x / 2.0);
        below += x;
        let t = x + y;
        ties += t * t * t - t;
    }
    let n = n0 + n1;
    let variance = n0 * n1 / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)).max(1.0));
    let z = if variance > 0.0 { (u - n0 * n1 / 2.0) / variance.sqrt() } else { 0.0 };
    Difference { z, p: two_sided(z) }
}

/// The value in the middle.
pub(super) fn median(classes: Classes) -> Option<u64> {
    percentile(classes, 50)
}

/// The least value that so many in a hundred do not exceed.
pub(super) fn percentile(classes: Classes, percent: u128) -> Option<u64> {
    let all: u128 = classes.iter().map(|c| u128::from(c.1)).sum();
    let mut seen = 0u128;
    let reached = |c: &&(u64, u64)| {
        seen += u128::from(c.1);
        seen * 100 >= all * percent && all > 0
    };
    classes.iter().find(reached).map(|c| c.0)
}

/// The greatest p that may pass, so that no more than [`FALSE_DISCOVERY_RATE`] of what passes is chance; 0 if none may.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub(super) fn greatest_p(mut ps: Vec<f64>) -> f64 {
    ps.sort_unstable_by(f64::total_cmp);
    let all = ps.len() as f64;
    let passing = ps.iter().enumerate().filter(|(i, p)| **p <= FALSE_DISCOVERY_RATE * (*i as f64 + 1.0) / all);
    passing.map(|(_, p)| *p).next_back().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Equal to so many digits.
    #[track_caller]
    fn close(got: f64, want: f64) {
        assert!((got - want).abs() <= want.abs() * 1e-6 + 1e-12, "{got} {want}");
    }

    #[test]
    fn normal_tails() {
        for (z, want) in [
            (0.0, 1.0),
            (1.0, 0.317_310_507_862_914_1),
            (1.959_963_984_540_054, 0.05),
            (3.0, 0.002_699_796_063_260_189),
            (-3.0, 0.002_699_796_063_260_189),
            (6.0, 1.973_175_290_075_396e-9),
        ] {
            close(two_sided(z), want);
        }
        assert_eq!((two_sided(f64::INFINITY), two_sided(100.0)), (0.0, 0.0));
    }

    #[test]
    fn binomial_tails() {
        // 2 · (1 + 10 + 45) / 1024
        close(binomial(8, 10, 0.5), 0.109_375);
        close(binomial(10, 10, 0.5), 2.0 / 1024.0);
        close(binomial(5, 10, 0.5), 1.0);
        // 2 · 0.9^10
        close(binomial(0, 10, 0.1), 0.697_356_880_2);
        close(binomial(0, 1, 0.5), 1.0);
    }

    #[test]
    fn counts_by_hand() {
        // (130 − 100)/√230
        let d = counts(100, 130, 1.0, 1.0);
        close(d.z, 1.978_141_420_187_361);
        // Twice as long: (260 − 200)/√(260 + 400)
        close(counts(100, 260, 2.0, 1.0).z, 60.0 / 660f64.sqrt());
        // In bursts of four the same says half as much.
        close(counts(100, 260, 2.0, 4.0).z, 30.0 / 660f64.sqrt());
        // Nine afterwards, none before, the same time: z = 3, p = 2/512.
        let d = counts(0, 9, 1.0, 1.0);
        close(d.z, 3.0);
        close(d.p, 2.0 / 512.0);
        // But if before was short, they may be chance: 2 · (after's share)^9 > 1.
        close(counts(0, 9, 100.0, 1.0).p, 1.0);
        assert_eq!(counts(0, 0, 1.0, 1.0), Difference::NONE);
    }

    #[test]
    fn large_counts_agree_with_the_exact_test() {
        let exact = binomial(5_150, 9_990, 0.5);
        let near = two_sided((5_150.0 - 4_840.0) / 9_990f64.sqrt());
        assert!((exact / near - 1.0).abs() < 0.05, "{exact} {near}");
        assert!(counts(1_000_000, 1_010_000, 1.0, 1.0).p < 1e-10);
    }

    #[test]
    fn volumes_by_hand() {
        // Ten flows of 100 bytes against ten of 130: (1300 − 1000)/√(10·130² + 10·100²)
        let a = Volume { bytes: 1_000, spread: 316 };
        let b = Volume { bytes: 1_300, spread: 411 };
        close(volumes(a, b, 1.0, 1.0).z, 300.0 / f64::from(316 * 316 + 411 * 411).sqrt());
        // One download is one event, however large.
        let one = Volume { bytes: 1_000_000_000, spread: 1_000_000_000 };
        close(volumes(Volume::default(), one, 1.0, 1.0).z, 1.0);
    }

    #[test]
    fn proportions_by_hand() {
        // 0.2 % and 2 % of 10,000: pooled 1.1 %, (0.018)/√(0.011·0.989·2/10⁴)
        close(proportions((20, 10_000), (200, 10_000)).z, 0.018 / (0.011f64 * 0.989 * 2.0 / 10_000.0).sqrt());
        assert_eq!(proportions((0, 0), (5, 10)), Difference::NONE);
        assert_eq!(proportions((0, 10), (0, 10)).z, 0.0);
    }

    #[test]
    fn ranks_by_hand() {
        // 1 to 8 against 9 to 16: U = 64 of 64, mean 32, variance 8·8·17/12.
        let eight = |from: u64| (from..from + 8).map(|v| (v, 1)).collect::<Vec<_>>();
        let d = ranks(&eight(1), &eight(9));
        close(d.z, 32.0 / (64.0 * 17.0 / 12.0f64).sqrt());
        // Seven say nothing.
        assert_eq!(ranks(&eight(1), &eight(9)[..7]), Difference::NONE);
        // Eight of 1 against four of 1 and four of 2: U = 8·4/2 + 8·4 = 48 of 64; ties of twelve and four: 1716 + 60;
        // variance 64/12·(17 − 1776/240).
        let d = ranks(&[(1, 8)], &[(1, 4), (2, 4)]);
        close(d.z, 16.0 / (64.0 / 12.0 * (17.0 - 1776.0 / 240.0f64)).sqrt());
        // All alike.
        assert_eq!(ranks(&[(5, 9)], &[(5, 9)]).z, 0.0);
        assert_eq!(ranks(&[], &[(5, 9)]), Difference::NONE);
        assert_eq!((median(&[(1, 2), (5, 2), (9, 3)]), median(&[])), (Some(5), None));
        let tail = [(1, 94), (7, 1), (9, 5)];
        assert_eq!([50, 95, 96].map(|p| percentile(&tail, p)), [Some(1), Some(7), Some(9)]);
    }

    #[test]
    fn everything_mirrors() {
        for (a, b, r, phi) in [(3, 90, 0.5, 1.0), (100, 0, 2.0, 3.0), (7, 8, 1.0, 1.0)] {
            let (there, back) = (counts(a, b, r, phi), counts(b, a, 1.0 / r, phi));
            close(there.z, -back.z);
            close(there.p, back.p);
            let v = |bytes| Volume { bytes, spread: bytes / 2 };
            close(volumes(v(a), v(b), r, phi).z, -volumes(v(b), v(a), 1.0 / r, phi).z);
        }
        close(ranks(&[(1, 7), (2, 2)], &[(2, 5), (3, 5)]).z, -ranks(&[(2, 5), (3, 5)], &[(1, 7), (2, 2)]).z);
    }

    #[test]
    fn many_tests_ask_for_more() {
        // Benjamini and Hochberg's own example (1995 §4.1): four of fifteen pass at 5 %.
        let ps = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0000,
        ];
        close(greatest_p(ps.to_vec()), 0.0095);
        assert_eq!(greatest_p(Vec::new()), 0.0);
        assert_eq!(greatest_p(vec![0.06]), 0.0);
    }
}
