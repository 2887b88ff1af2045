//! What plots share: frames with text alternatives, ticks.

use super::cx::Cx;
use super::markup::{Markup, attrs};
use super::words::W;
use sekisho_types::Timestamp;

/// A figure: the drawing in a frame that scrolls by itself, its caption, and the same facts as words behind a click.
pub(super) fn figure(
    m: &mut Markup,
    cx: &Cx<'_>,
    (title, says): (W, &str),
    (width, height): (f64, f64),
    draw: impl FnOnce(&mut Markup),
    table: impl FnOnce(&mut Markup),
) {
    let title = cx.w(title);
    m.el("figure", &[], |m| {
        m.el("figcaption", &[], |m| {
            m.say("strong", &[], title);
            m.raw(" ");
            m.say("span", &[], says);
        });
        m.el("div", attrs![class: "scroll", tabindex: "0", role: "region", "aria-label": title], |m| {
            let view = format!("0 0 {width:.0} {height:.0}");
            let label = format!("{title}. {says}");
            m.el("svg", attrs![class: "plot", viewBox: &view, width: width, height: height, role: "img", "aria-label": &label], draw);
        });
        m.el("details", attrs![class: "numbers"], |m| {
            m.say("summary", &[], cx.w(W::AsTable));
            table(m);
        });
    });
}

/// Words in a drawing; `anchor` is `start`, `middle` or `end`.
pub(super) fn label(m: &mut Markup, (x, y): (f64, f64), anchor: &'static str, class: &'static str, text: &str) {
    m.say("text", attrs![x: x, y: y, "text-anchor": anchor, class: class], text);
}

pub(super) fn line(m: &mut Markup, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &'static str) {
    m.el("line", attrs![x1: x1, y1: y1, x2: x2, y2: y2, class: class], |_| {});
}

/// Steps between ticks, in seconds.
const STEPS: [i64; 22] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    2_592_000, 31_536_000,
];

/// At most `most` round times within the period, and whether days are enough to name them.
pub(super) fn time_ticks(from: Timestamp, to: Timestamp, most: i64) -> (Vec<Timestamp>, bool) {
    const SEC: i64 = 1_000_000_000;
    let secs = to.0.saturating_sub(from.0) / SEC;
    let step = STEPS.into_iter().find(|s| secs / s < most).unwrap_or((secs / most).max(1));
    let first = from.0.div_euclid(step * SEC).saturating_add(i64::from(from.0.rem_euclid(step * SEC) > 0));
    let ticks = (0..=most).map_while(|i| {
        let at = (first + i).checked_mul(step * SEC)?;
        (at <= to.0).then_some(Timestamp(at))
    });
    (ticks.collect(), step >= 86_400)
}

/// The least of 1, 2, 5, 10, 20, 50… that is not below `v`.
pub(super) fn round_up(v: u64) -> u64 {
    let mut unit = 1u64;
    loop {
        for times in [1, 2, 5] {
            match unit.checked_mul(times) {
                Some(round) if round >= v => return round,
                Some(_) => {}
                None => return u64::MAX,
            }
        }
        match unit.checked_mul(10) {
            Some(next) => unit = next,
            None => return u64::MAX,
        }
    }
}

/// Share of `whole` that `part` is, from 0 to 1.
pub(super) fn part(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64).clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_few_and_round() {
        for (from, to) in [(0, 125), (3, 4), (1_700_000_001, 1_700_400_000), (-5_000_000_000, 5_000_000_000)] {
            let (from, to) = (Timestamp::from_parts(from, 1), Timestamp::from_parts(to, 0));
            let (ticks, _) = time_ticks(from, to, 8);
            assert!((1..=9).contains(&ticks.len()), "{ticks:?}");
            assert!(ticks.iter().all(|t| (from..=to).contains(t)), "{ticks:?}");
        }
        assert!(time_ticks(Timestamp(i64::MIN), Timestamp(i64::MAX), 8).0.len() <= 9);
    }

    #[test]
    fn scales_end_at_round_numbers() {
        assert_eq!([0, 1, 3, 11, 50, 51].map(round_up), [1, 1, 5, 20, 50, 100]);
        assert_eq!(round_up(u64::MAX), u64::MAX);
        assert_eq!(part(1, 0), 0.0);
    }
}
