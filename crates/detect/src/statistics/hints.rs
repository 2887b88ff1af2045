//! Small measures and how they add up (`detections.md` §1.4 P12, P13).

use sekisho_finding::Confidence;

/// Most that independent hints may come to.
const MAX_COMBINED: f64 = 0.95;

/// A share of certainty, to thousandths.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000; NaN gives 0")]
pub(crate) fn confidence(share: f64) -> Confidence {
    Confidence::new((share.clamp(0.0, 1.0) * 1000.0).round() as u16)
}

/// Confidence from independent hints: the chance that not all of them mislead (P13).
pub(crate) fn combine(hints: &[f64]) -> f64 {
    (1.0 - hints.iter().map(|c| 1.0 - c.clamp(0.0, 1.0)).product::<f64>()).min(MAX_COMBINED)
}

/// Producer-consumer ratio of payload bytes: 1 only sent, −1 only received, 0 where there was nothing (P12, Bullard and
/// Gerth 2014).
pub(crate) fn producer_ratio(sent: u64, received: u64) -> f64 {
    let (sent, received) = (sent as f64, received as f64);
    if sent + received > 0.0 { (sent - received) / (sent + received) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert!((combine(&[0.5, 0.5]) - 0.75).abs() < 1e-9 && combine(&[0.9, 0.9]) == 0.95 && combine(&[]) == 0.0);
        assert_eq!((producer_ratio(1, 0), producer_ratio(0, 5), producer_ratio(3, 1)), (1.0, -1.0, 0.5));
        assert_eq!(producer_ratio(0, 0), 0.0);
    }
}
