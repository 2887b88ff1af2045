//! Hours of the day by days of the week: what the capture covers of them.

use super::cx::{Cx, Locale};
use super::markup::{Markup, attrs};
use super::plot::{figure, label};
use super::words::W;
use crate::WEEK_HOURS;
use crate::activity::hour_of_week;
use crate::units::count;
use sekisho_types::Timestamp;

const HOUR: i64 = 3_600_000_000_000;
const LEFT: f64 = 56.0;
const TOP: f64 = 20.0;
const CELL: (f64, f64) = (36.0, 22.0);
/// Days as the week has them.
pub(super) const DAYS: [W; 7] = [W::Mon, W::Tue, W::Wed, W::Thu, W::Fri, W::Sat, W::Sun];
/// Shades.
const LEVELS: u8 = 5;

/// How often the period touches each hour of the week.
fn covered(first: Timestamp, last: Timestamp) -> [u64; WEEK_HOURS] {
    let hours = (last.0.div_euclid(HOUR) - first.0.div_euclid(HOUR) + 1).max(1).unsigned_abs();
    let mut times = [hours / WEEK_HOURS as u64; WEEK_HOURS];
    let start = hour_of_week(first);
    let rest = usize::try_from(hours % WEEK_HOURS as u64).unwrap_or(0);
    for i in 0..rest {
        if let Some(n) = times.get_mut((start + i) % WEEK_HOURS) {
            *n += 1;
        }
    }
    times
}

pub(super) fn section(m: &mut Markup, cx: &Cx<'_>) {
    let page = cx.page;
    let (Some(first), Some(last)) = (page.completeness.first, page.completeness.last) else { return };
    if page.activity.week.len() != WEEK_HOURS {
        return;
    }
    let times = covered(first, last);
    // Flows in an hour, on average over those that the capture covers; `None` where it covers none.
    let cells: Vec<Option<u64>> =
        page.activity.week.iter().zip(times).map(|(n, times)| (times > 0).then(|| n.div_ceil(times.max(1)))).collect();
    let most = cells.iter().flatten().copied().max().unwrap_or(0);
    let seen = cells.iter().flatten().count() as u64;
    let level = |n: u64| if n == 0 { 0 } else { shade((n - 1).saturating_mul(u64::from(LEVELS - 1)) / most.max(1)) };
    super::section(m, cx, "week", W::Week, |m| {
        let says = cx.fill(W::WeekSays, &[&count(seen)]);
        let size = (LEFT + CELL.0 * 24.0 + 8.0, TOP + CELL.1 * 7.0 + 40.0);
        let drawing = |m: &mut Markup| {
            for hour in (0..24).step_by(3) {
                let x = LEFT + CELL.0 * f64::from(hour);
                label(m, (x, 13.0), "start", "tick", &format!("{hour:02}:00"));
            }
            for (day, name) in DAYS.into_iter().enumerate() {
                let y = TOP + CELL.1 * day as f64;
                label(m, (LEFT - 8.0, y + 15.0), "end", "axis", cx.w(name));
                for hour in 0..24 {
                    let cell = cells.get(day * 24 + hour).copied().flatten();
                    let x = LEFT + CELL.0 * hour as f64;
                    square(m, (x, y), CELL, cell.map(&level), |m| {
                        let at = format!("{} {hour:02}:00", cx.w(name));
                        m.say(
                            "title",
                            &[],
                            &match cell {
                                Some(n) => cx.fill(W::CellSays, &[&at, &count(n)]),
                                None => cx.fill(W::CellUnseen, &[&at]),
                            },
                        );
                    });
                }
            }
            let y = TOP + CELL.1 * 7.0 + 10.0;
            square(m, (LEFT, y), CELL, None, |_| {});
            label(m, (LEFT + 42.0, y + 15.0), "start", "tick", cx.w(W::NotObserved));
            let x = LEFT + CELL.0 * 8.0;
            label(m, (x - 6.0, y + 15.0), "end", "tick", "0");
            for n in 0..=LEVELS {
                square(m, (x + CELL.0 * f64::from(n), y), CELL, Some(n), |_| {});
            }
            let words = cx.fill(W::PerHour, &[&count(most)]);
            label(m, (x + CELL.0 * f64::from(LEVELS + 1) + 6.0, y + 15.0), "start", "tick", &words);
        };
        figure(m, cx, (W::WeekPlot, &says), size, drawing, |m| numbers(m, cx, cx.w(W::WeekPlot), &cells, count));
    });
}

/// The shade of an hour with something in it; `part` is below [`LEVELS`].
fn shade(part: u64) -> u8 {
    u8::try_from(part).map_or(LEVELS, |part| part.saturating_add(1).min(LEVELS))
}

/// A cell of that width and height: `level` from 0 to 5, `None` if nobody looked.
pub(super) fn square(
    m: &mut Markup,
    (x, y): (f64, f64),
    cell: (f64, f64),
    level: Option<u8>,
    inner: impl FnOnce(&mut Markup),
) {
    let class = match level {
        None => "cell unseen",
        Some(0) => "cell q0",
        Some(1) => "cell q1",
        Some(2) => "cell q2",
        Some(3) => "cell q3",
        Some(4) => "cell q4",
        Some(_) => "cell q5",
    };
    m.el("rect", attrs![x: x, y: y, width: cell.0 - 2.0, height: cell.1 - 2.0, rx: 2.0, class: class], inner);
}

/// Days by hours, as a table.
pub(super) fn numbers<T: Copy>(
    m: &mut Markup,
    cx: &Locale,
    caption: &str,
    cells: &[Option<T>],
    words: impl Fn(T) -> String,
) {
    m.el("div", attrs![class: "scroll", tabindex: "0", role: "group", "aria-label": caption], |m| {
        m.el("table", attrs![class: "grid"], |m| {
            m.say("caption", &[], caption);
            m.raw("<thead><tr>");
            m.say("th", attrs![scope: "col"], cx.w(W::Day));
            for hour in 0..24 {
                m.say("th", attrs![scope: "col", class: "n"], &format!("{hour:02}"));
            }
            m.raw("</tr></thead><tbody>");
            for (day, name) in cells.chunks(24).zip(DAYS) {
                m.raw("<tr>");
                m.say("th", attrs![scope: "row"], cx.w(name));
                for cell in day {
                    let text = cell.map_or_else(|| "–".to_owned(), &words);
                    m.say("td", attrs![class: "n"], &text);
                }
                m.raw("</tr>");
            }
            m.raw("</tbody>");
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_types::Interval;

    #[test]
    fn only_hours_of_the_capture_are_covered() {
        // Tuesday 2023-11-14 22:13:20.
        let first = Timestamp::from_parts(1_700_000_000, 0);
        let times = covered(first, first + Interval::from_secs(3_600));
        assert_eq!(times.iter().sum::<u64>(), 2);
        assert_eq!((times[24 + 22], times[24 + 23]), (1, 1));
        let times = covered(first, first + Interval::from_secs(8 * 86_400));
        assert_eq!((times[24 + 22], times[48 + 22], times[72 + 22]), (2, 2, 1));
        assert_eq!(covered(first, first - Interval::from_secs(1)).iter().sum::<u64>(), 1);
        assert!(covered(Timestamp(i64::MIN), Timestamp(i64::MAX)).iter().all(|n| *n > 0));
    }
}
