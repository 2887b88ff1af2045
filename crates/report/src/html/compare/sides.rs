//! What was compared, and how much went on when.

use super::super::cx::Locale;
use super::super::markup::{Markup, attrs};
use super::super::plot::{figure, label, line, time_ticks};
use super::super::tables::{Col, table};
use super::super::words::W;
use crate::Activity;
use crate::compare::{Comparison, Side};
use crate::units::{bytes, clock, count};
use sekisho_types::Timestamp;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 950.0;
/// Height of a side's bars, of its axis with the room below.
const BARS: f64 = 70.0;
const AXIS: f64 = 44.0;
const TOP: f64 = 20.0;
/// Rows of the table, of each side.
const ROWS: usize = 30;

/// What is told of each side, and how.
type Fact<'a> = (W, &'a dyn Fn(&Side) -> String);

pub(super) fn section(m: &mut Markup, cx: &Locale, c: &Comparison) {
    super::section(m, cx, "sides", W::Sides, |m| {
        let time = |t: Option<Timestamp>| t.map_or_else(|| "–".to_owned(), |t| format!("{} UTC", clock(t)));
        let rows: [Fact<'_>; 9] = [
            (W::FirstPacket, &|s| time(s.first)),
            (W::LastPacket, &|s| time(s.last)),
            (W::Observed, &|s| cx.span(s.observed)),
            (W::Packets, &|s| count(s.packets)),
            (W::Bytes, &|s| bytes(s.bytes)),
            (W::Flows, &|s| count(s.flows)),
            (W::DevicesWord, &|s| count(s.devices)),
            (W::Findings, &|s| count(s.findings)),
            (W::Nothing, &|s| cx.w(if s.complete { W::Yes } else { W::No }).to_owned()),
        ];
        m.el("table", attrs![class: "plain"], |m| {
            m.raw("<thead><tr>");
            for word in [W::What, W::Before, W::After] {
                m.say("th", attrs![scope: "col"], cx.w(word));
            }
            m.raw("</tr></thead><tbody><tr>");
            m.say("th", attrs![scope: "row"], cx.w(W::ReadFrom));
            for side in &c.sides {
                m.el("td", &[], |m| m.word(super::named(side).as_bytes()));
            }
            m.raw("</tr>");
            for (name, of) in rows {
                m.raw("<tr>");
                m.say("th", attrs![scope: "row"], cx.w(name));
                c.sides.iter().for_each(|side| m.say("td", &[], &of(side)));
                m.raw("</tr>");
            }
            m.raw("</tbody>");
        });
        timeline(m, cx, c);
    });
}

/// Bytes a second of each bin.
#[expect(clippy::cast_precision_loss, reason = "for drawing")]
fn rates(a: &Activity) -> Vec<f64> {
    let secs = a.width.as_secs_f64().max(0.001);
    a.bins.iter().map(|b| b.bytes as f64 / secs).collect()
}

/// Both sides over time, to one scale; of comparisons with a side of which the audit does not tell, nothing.
fn timeline(m: &mut Markup, cx: &Locale, c: &Comparison) {
    let [Some(before), Some(after)] = c.sides.each_ref().map(|s| s.activity.as_ref()) else { return };
    let sides = [(W::Before, before, "was"), (W::After, after, "is")];
    let most = sides.iter().flat_map(|(_, a, _)| rates(a)).fold(0.0, f64::max);
    if most <= 0.0 {
        return;
    }
    let drawing = |m: &mut Markup| {
        for (i, (name, activity, class)) in sides.into_iter().enumerate() {
            bars(m, cx, (name, activity, class), TOP + i as f64 * (BARS + AXIS), most);
        }
    };
    let size = (WIDTH, TOP + 2.0 * (BARS + AXIS) - 16.0);
    figure(m, cx, (W::TrafficOverTime, cx.w(W::TrafficSays)), size, drawing, |m| {
        for (name, activity, _) in sides {
            let each = activity.bins.len().div_ceil(ROWS).max(1);
            let columns = [Col::Words(W::From), Col::Number(W::Bytes), Col::Number(W::NewFlows)];
            let chunks: Vec<_> = activity.bins.chunks(each).enumerate().collect();
            let caption = format!("{}: {}", cx.w(W::TrafficOverTime), cx.w(name));
            table(m, cx, &caption, &columns, chunks.into_iter(), |row, (i, bins)| {
                row.text(&clock(at(activity, i * each)));
                row.bytes(bins.iter().fold(0u64, |sum, b| sum.saturating_add(b.bytes)));
                row.count(bins.iter().map(|b| b.flows).sum::<u64>());
            });
        }
    });
}

/// Start of a bin.
fn at(a: &Activity, bin: usize) -> Timestamp {
    let start = a.start.unwrap_or_default();
    Timestamp(start.0.saturating_add(a.width.0.saturating_mul(i64::try_from(bin).unwrap_or(i64::MAX))))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "for printing; the cast saturates")]
fn bars(m: &mut Markup, cx: &Locale, (name, activity, class): (W, &Activity, &'static str), top: f64, most: f64) {
    let rates = rates(activity);
    let step = (RIGHT - LEFT) / rates.len().max(1) as f64;
    label(m, (LEFT - 8.0, top + BARS), "end", "axis", cx.w(name));
    label(m, (LEFT - 8.0, top + 4.0), "end", "tick", &cx.fill(W::BytesASecond, &[&bytes(most as u64)]));
    line(m, (LEFT, top), (RIGHT, top), "grid");
    line(m, (LEFT, top + BARS), (RIGHT, top + BARS), "base");
    for (i, rate) in rates.iter().enumerate().filter(|(_, r)| **r > 0.0) {
        let h = (rate / most * BARS).max(1.0);
        let wide = (step - step.min(4.0) * 0.25).max(0.8);
        let x = LEFT + step * i as f64;
        m.el("rect", attrs![x: x, y: top + BARS - h, width: wide, height: h, class: class], |m| {
            let said = cx.fill(W::BytesASecond, &[&bytes(*rate as u64)]);
            m.say("title", &[], &format!("{}: {said}", clock(at(activity, i))));
        });
    }
    let (from, to) = (at(activity, 0), at(activity, rates.len()));
    let all = to.0.saturating_sub(from.0).max(1) as f64;
    for (tick, words) in time_ticks(from, to, 8) {
        let x = LEFT + (RIGHT - LEFT) * (tick.0.saturating_sub(from.0) as f64 / all).clamp(0.0, 1.0);
        line(m, (x, top + BARS), (x, top + BARS + 4.0), "base");
        let half = 3.4 * words.len() as f64;
        label(m, (x.clamp(LEFT + half, RIGHT - half + 8.0), top + BARS + 17.0), "middle", "tick", &words);
    }
}
