//! From when to when certificates are valid, beside the time of the capture.

use super::cx::Cx;
use super::markup::{Markup, attrs};
use super::plot::{figure, label, line, time_ticks};
use super::words::W;
use crate::Certificate;
use crate::clean::{clean, fit};
use crate::units::{count, date};
use sekisho_types::Timestamp;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 280.0;
const RIGHT: f64 = 780.0;
const ROW: f64 = 20.0;
/// Certificates drawn; all are in the table below.
const BARS: usize = 30;
const YEAR: i64 = 31_556_952_000_000_000;
/// What is drawn around the time of the capture; bars beyond it end in an arrow.
const BEFORE: i64 = 3 * YEAR;
const AFTER: i64 = 4 * YEAR;
/// Columns of a name.
const NAME: usize = 34;

pub(super) fn draw(m: &mut Markup, cx: &Cx<'_>) {
    let page = cx.page;
    let (Some(first), Some(last)) = (page.completeness.first, page.completeness.last) else { return };
    let shown: Vec<&Certificate> =
        page.certificates.rows.iter().filter(|c| c.not_before.is_some() && c.not_after.is_some()).take(BARS).collect();
    if shown.is_empty() {
        return;
    }
    // As much of the years around the capture as the certificates need.
    let from = shown.iter().filter_map(|c| c.not_before).min().unwrap_or(first).min(first);
    let to = shown.iter().filter_map(|c| c.not_after).max().unwrap_or(last).max(last);
    let from = from.0.max(first.0.saturating_sub(BEFORE));
    let to = to.0.min(last.0.saturating_add(AFTER)).max(from.saturating_add(1));
    let x = |ts: Timestamp| {
        let share = ts.0.clamp(from, to).saturating_sub(from) as f64 / to.saturating_sub(from).max(1) as f64;
        LEFT + (RIGHT - LEFT) * share
    };
    let height = shown.len() as f64 * ROW;
    let says = cx.fill(W::ValiditySays, &[&count(shown.len() as u64), &count(page.certificates.total())]);
    let drawing = |m: &mut Markup| {
        for (year, at) in years(from, to) {
            line(m, (x(at), 0.0), (x(at), height + 4.0), "grid");
            label(m, (x(at), height + 18.0), "middle", "tick", &year);
        }
        for (i, c) in shown.iter().enumerate() {
            let y = ROW * i as f64;
            let (Some(before), Some(after)) = (c.not_before, c.not_after) else { continue };
            let name = fit(&clean(&name(c).0), NAME, true);
            label(m, (LEFT - 10.0, y + 14.0), "end", "axis", &name);
            let bad = !c.problems.is_empty();
            let (x1, x2) = (x(before), x(after));
            let class = if bad { "bar bad" } else { "bar" };
            m.el(
                "rect",
                attrs![x: x1.min(x2), y: y + 5.0, width: (x2 - x1).abs().max(2.0), height: 10.0, rx: 2.0, class: class],
                |m| {
                    m.say("title", &[], &format!("{}: {} – {}", clean(&c.subject.0), date(before), date(after)));
                },
            );
            let arrow = |m: &mut Markup, at: f64, to: f64| {
                let path = format!("M{at:.1} {:.1}L{to:.1} {:.1}L{at:.1} {:.1}z", y + 4.0, y + 10.0, y + 16.0);
                m.el("path", attrs![d: &path, class: class], |_| {});
            };
            if before.0 < from {
                arrow(m, LEFT, LEFT - 7.0);
            }
            if after.0 > to {
                arrow(m, RIGHT, RIGHT + 7.0);
            }
            if let Some(problem) = c.problems.first() {
                let problem = fit(&cx.problem(problem), 20, false);
                label(m, (RIGHT + 14.0, y + 14.0), "start", "problem", &format!("! {problem}"));
            }
        }
        let wide = (x(last) - x(first)).max(1.5);
        m.el("rect", attrs![x: x(first), y: 0.0, width: wide, height: height + 4.0, class: "now"], |m| {
            m.say("title", &[], cx.w(W::TimeOfCapture));
        });
        label(
            m,
            (x(first).clamp(LEFT + 40.0, RIGHT - 40.0), height + 34.0),
            "middle",
            "nowlabel",
            cx.w(W::TimeOfCapture),
        );
    };
    figure(m, cx, (W::Validity, &says), (WIDTH, height + 42.0), drawing, |m| {
        m.el("ul", &[], |m| {
            for c in &shown {
                m.el("li", &[], |m| {
                    m.word(&name(c).0);
                    let from = c.not_before.map(date).unwrap_or_default();
                    let to = c.not_after.map(date).unwrap_or_default();
                    m.text(&format!(": {from} – {to}"));
                    for problem in &c.problems {
                        m.text(&format!("; {}", cx.problem(problem)));
                    }
                });
            }
        });
    });
}

/// What a certificate is called: the name asked for, or its subject.
fn name(c: &Certificate) -> &sekisho_record::Text {
    c.server_name.as_ref().unwrap_or(&c.subject)
}

/// Beginnings of at most eight years; of shorter times, days.
fn years(from: i64, to: i64) -> Vec<(String, Timestamp)> {
    if to.saturating_sub(from) < 2 * YEAR {
        return time_ticks(Timestamp(from), Timestamp(to), 5).into_iter().map(|(at, name)| (name, at)).collect();
    }
    let year = |ts: i64| date(Timestamp(ts)).get(..4).and_then(|y| y.parse::<i64>().ok()).unwrap_or(1970);
    let (first, last) = (year(from) + 1, year(to));
    (first..=last.min(first + 8))
        .map(|y| {
            // Leap days since 1970 (proleptic Gregorian).
            let leaps = |y: i64| (y - 1).div_euclid(4) - (y - 1).div_euclid(100) + (y - 1).div_euclid(400);
            let days = (y - 1970) * 365 + leaps(y) - leaps(1970);
            (y.to_string(), Timestamp(days.saturating_mul(86_400_000_000_000)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_begin_on_their_first_day() {
        let from = Timestamp::from_parts(1_700_000_000, 0).0;
        let all = years(from, from + 5 * YEAR);
        assert_eq!(all.len(), 5);
        for (year, at) in all {
            assert_eq!(date(at), format!("{year}-01-01"));
        }
    }
}
