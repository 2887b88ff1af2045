//! What plots share: frames with text alternatives, ticks.

use super::cx::Locale;
use super::markup::{Markup, attrs};
use super::words::W;
use crate::units::{clock, date};
use sekisho_types::Timestamp;

/// A figure: the drawing in a frame that scrolls by itself, its caption, and the same facts as words behind a click.
pub(super) fn figure(
    m: &mut Markup,
    cx: &Locale,
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
        m.el("div", attrs![class: "scroll", tabindex: "0", role: "group", "aria-label": title], |m| {
            let view = format!("0 0 {width:.0} {height:.0}");
            let label = format!("{title}. {says}");
            m.el(
                "svg",
                attrs![class: "plot", viewBox: &view, width: width, height: height, role: "img", "aria-label": &label],
                draw,
            );
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

const MS: i64 = 1_000_000;
const SEC: i64 = 1_000 * MS;
const DAY: i64 = 86_400 * SEC;

/// Steps between ticks, in nanoseconds.
const STEPS: [i64; 27] = [
    10 * MS,
    20 * MS,
    50 * MS,
    100 * MS,
    200 * MS,
    500 * MS,
    SEC,
    2 * SEC,
    5 * SEC,
    10 * SEC,
    15 * SEC,
    30 * SEC,
    60 * SEC,
    120 * SEC,
    300 * SEC,
    600 * SEC,
    900 * SEC,
    1_800 * SEC,
    3_600 * SEC,
    7_200 * SEC,
    10_800 * SEC,
    21_600 * SEC,
    43_200 * SEC,
    DAY,
    2 * DAY,
    7 * DAY,
    30 * DAY,
];

/// Round times within the period, `most` and one at most, each with its name.
pub(super) fn time_ticks(from: Timestamp, to: Timestamp, most: i64) -> Vec<(Timestamp, String)> {
    let length = to.0.saturating_sub(from.0);
    let step = STEPS.into_iter().find(|s| length / s < most).unwrap_or((length / most / DAY).max(1) * DAY);
    let first = from.0.div_euclid(step).saturating_add(i64::from(from.0.rem_euclid(step) > 0));
    let ticks = (0..=most).map_while(|i| {
        let at = first.checked_add(i)?.checked_mul(step).map(Timestamp)?;
        let clock = clock(at);
        let time = clock.get(11..).unwrap_or(&clock);
        let name = match step {
            DAY.. => date(at),
            60_000_000_000.. => time.get(..5).unwrap_or(time).to_owned(),
            1_000_000_000.. => time.to_owned(),
            _ => format!("{time}.{:03}", at.0.rem_euclid(SEC) / MS),
        };
        (at <= to).then_some((at, name))
    });
    ticks.collect()
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
            let ticks = time_ticks(from, to, 8);
            assert!((1..=9).contains(&ticks.len()), "{ticks:?}");
            assert!(ticks.iter().all(|(t, _)| (from..=to).contains(t)), "{ticks:?}");
        }
        assert!(time_ticks(Timestamp(i64::MIN), Timestamp(i64::MAX), 8).len() <= 9);
        let short = time_ticks(Timestamp(0), Timestamp(250 * MS), 8);
        assert_eq!(short.first().map(|t| t.1.as_str()), Some("00:00:00.000"));
        assert_eq!(short.len(), 6);
    }

    #[test]
    fn scales_end_at_round_numbers() {
        assert_eq!([0, 1, 3, 11, 50, 51].map(round_up), [1, 1, 5, 20, 50, 100]);
        assert_eq!(round_up(u64::MAX), u64::MAX);
        assert_eq!(part(1, 0), 0.0);
    }
}
