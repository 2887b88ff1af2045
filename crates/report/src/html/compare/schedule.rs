//! Hours of the week before and after, beside each other.

use super::super::cx::Locale;
use super::super::markup::{Markup, attrs};
use super::super::plot::{figure, label};
use super::super::week::{DAYS, numbers, square};
use super::super::words::W;
use crate::WEEK_HOURS;
use crate::compare::{Grain, Schedule};

const LEFT: f64 = 34.0;
const TOP: f64 = 18.0;
const CELL: (f64, f64) = (17.5, 20.0);
/// Shades.
const LEVELS: f64 = 5.0;
/// Hours named one by one.
const HOURS: usize = 24;

pub(super) fn section(m: &mut Markup, cx: &Locale, s: &Schedule) {
    if s.flows.iter().any(|f| f.len() != WEEK_HOURS) {
        return;
    }
    super::section(m, cx, "schedule", W::Schedule, |m| maps(m, cx, s));
}

/// Flows in each hour of the week an hour observed; `None` where nobody looked.
#[expect(clippy::cast_precision_loss, reason = "for drawing")]
fn cells(flows: &[u64], observed: &[u32]) -> Vec<Option<f64>> {
    let rate = |(n, secs): (&u64, &u32)| (*secs > 0).then(|| *n as f64 * 3_600.0 / f64::from((*secs).max(60)));
    flows.iter().zip(observed).map(rate).collect()
}

/// Both maps, and in words what differs.
pub(super) fn maps(m: &mut Markup, cx: &Locale, s: &Schedule) {
    let [flows_before, flows_after] = &s.flows;
    let [before, after] = [cells(flows_before, &s.observed[0]), cells(flows_after, &s.observed[1])];
    let most = before.iter().chain(&after).flatten().copied().fold(0.0, f64::max);
    m.say(
        "p",
        attrs![class: "prose"],
        cx.w(match s.grain {
            Grain::None => W::ScheduleShort,
            Grain::Day => W::ScheduleDay,
            Grain::Week => W::ScheduleWeek,
        }),
    );
    if s.grain != Grain::None && s.more.is_empty() && s.less.is_empty() {
        m.say("p", attrs![class: "good"], cx.w(W::ScheduleSame));
    }
    for (word, hours) in [(W::MoreActive, &s.more), (W::LessActive, &s.less)] {
        if !hours.is_empty() {
            let mut named: Vec<String> = hours.iter().take(HOURS).map(|h| named(cx, *h, s.grain)).collect();
            if hours.len() > HOURS {
                named.push(format!("… (+{})", hours.len() - HOURS));
            }
            m.say("p", attrs![class: "prose"], &cx.fill(word, &[&named.join(", ")]));
        }
    }
    m.el("div", attrs![class: "halves"], |m| {
        map(m, cx, W::Before, &before, most, None);
        map(m, cx, W::After, &after, most, Some(s));
    });
}

/// `Mon 08`, or `08`.
fn named(cx: &Locale, hour: u16, grain: Grain) -> String {
    match (grain, DAYS.get(usize::from(hour / 24))) {
        (Grain::Week, Some(day)) => format!("{} {:02}", cx.w(*day), hour % 24),
        _ => format!("{hour:02}"),
    }
}

fn words(v: f64) -> String {
    crate::compare::shown::per_hour(crate::compare::Measure::Opened, v)
}

/// One side; with the schedule, marks where it differs.
fn map(m: &mut Markup, cx: &Locale, side: W, cells: &[Option<f64>], most: f64, marks: Option<&Schedule>) {
    let says = cx.w(W::ScheduleSays);
    let size = (LEFT + CELL.0 * 24.0 + 6.0, TOP + CELL.1 * 7.0 + 26.0);
    let draw = |m: &mut Markup| {
        for hour in (0..24).step_by(6) {
            label(m, (LEFT + CELL.0 * f64::from(hour), 12.0), "start", "tick", &format!("{hour:02}"));
        }
        for (day, (name, hours)) in DAYS.into_iter().zip(cells.chunks(24)).enumerate() {
            let y = TOP + CELL.1 * day as f64;
            label(m, (LEFT - 6.0, y + 14.0), "end", "axis", cx.w(name));
            for (hour, cell) in hours.iter().enumerate() {
                let x = LEFT + CELL.0 * hour as f64;
                square(m, (x, y), CELL, level(*cell, most), |m| {
                    let at = format!("{} {hour:02}:00", cx.w(name));
                    let said = match cell {
                        Some(v) => cx.fill(W::HourSays, &[&at, &words(*v)]),
                        None => cx.fill(W::CellUnseen, &[&at]),
                    };
                    m.say("title", &[], &said);
                });
                if let Some(sign) = marks.and_then(|s| mark(s, day * 24 + hour)) {
                    label(m, (x + 7.75, y + 13.0), "middle", "mark", sign);
                }
            }
        }
        let y = TOP + CELL.1 * 7.0 + 4.0;
        for n in 0..=5u8 {
            square(m, (LEFT + 14.0 + CELL.0 * f64::from(n), y), CELL, Some(n), |_| {});
        }
        label(m, (LEFT + 8.0, y + 14.0), "end", "tick", "0");
        let x = LEFT + 20.0 + CELL.0 * 6.0;
        label(m, (x, y + 14.0), "start", "tick", &cx.fill(W::PerHour, &[&words(most)]));
    };
    let caption = format!("{}. {says}", cx.w(side));
    figure(m, cx, (side, says), size, draw, |m| numbers(m, cx, &caption, cells, words));
}

/// Was the hour found to differ?
fn mark(s: &Schedule, hour: usize) -> Option<&'static str> {
    let slot = if s.grain == Grain::Week { hour } else { hour % 24 };
    let among = |list: &[u16]| list.iter().any(|h| usize::from(*h) == slot);
    match s.grain {
        Grain::None => None,
        _ if among(&s.more) => Some("▲"),
        _ if among(&s.less) => Some("▼"),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 5")]
fn level(cell: Option<f64>, most: f64) -> Option<u8> {
    let v = cell?;
    Some(if v <= 0.0 || most <= 0.0 { 0 } else { (v / most * LEVELS).ceil().clamp(1.0, LEVELS) as u8 })
}
