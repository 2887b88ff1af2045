//! Traffic over time, with the findings above it.

use super::cx::{Cx, class};
use super::markup::{Markup, attrs};
use super::plot::{figure, label, line, part, round_up, time_ticks};
use super::tables::{Col, table};
use super::words::W;
use crate::units::{bytes, count};
use sekisho_finding::Severity;
use sekisho_types::Timestamp;

const WIDTH: f64 = 960.0;
/// Where bars begin and end.
const LEFT: f64 = 76.0;
const RIGHT: f64 = 950.0;
/// Height of a lane of findings, of the bytes, of the flows, of the axis.
const LANE: f64 = 20.0;
const BYTES: f64 = 96.0;
const FLOWS: f64 = 44.0;
const AXIS: f64 = 24.0;
const GAP: f64 = 14.0;
/// Places for marks in a lane.
const SLOTS: usize = 60;
/// Rows of the table.
const TABLE: usize = 60;

/// Findings of one severity along the timeline: how many begin in each place, and from where to where they last.
struct Lane {
    severity: Severity,
    begin: [u64; SLOTS],
    lasts: [bool; SLOTS],
}

pub(super) fn draw(m: &mut Markup, cx: &Cx<'_>) {
    let activity = &cx.page.activity;
    let (Some(start), false) = (activity.start, activity.bins.is_empty()) else { return };
    let end = Timestamp(start.0.saturating_add(activity.width.0.saturating_mul(activity.bins.len() as i64)));
    let lanes = lanes(cx, start, end);
    let above = lanes.len() as f64 * LANE;
    let (bytes_top, flows_top) = (above + 18.0, above + 18.0 + BYTES + GAP);
    let bottom = flows_top + FLOWS;
    let says = cx.fill(W::TimelineSays, &[&cx.span(activity.width), &count(cx.open.len() as u64)]);
    let drawing = |m: &mut Markup| {
        for (i, lane) in lanes.iter().enumerate() {
            draw_lane(m, cx, lane, i as f64 * LANE + LANE / 2.0);
        }
        let step = (RIGHT - LEFT) / activity.bins.len() as f64;
        let most_bytes = round_up(activity.bins.iter().map(|b| b.bytes).max().unwrap_or(0));
        let most_flows = round_up(activity.bins.iter().map(|b| b.flows).max().unwrap_or(0));
        for (name, top, height, most) in
            [(W::Bytes, bytes_top, BYTES, bytes(most_bytes)), (W::NewFlows, flows_top, FLOWS, count(most_flows))]
        {
            line(m, (LEFT, top), (RIGHT, top), "grid");
            line(m, (LEFT, top + height / 2.0), (RIGHT, top + height / 2.0), "grid");
            line(m, (LEFT, top + height), (RIGHT, top + height), "base");
            label(m, (LEFT - 8.0, top + 4.0), "end", "tick", &most);
            label(m, (LEFT - 8.0, top + height), "end", "axis", cx.w(name));
        }
        for (i, bin) in activity.bins.iter().enumerate() {
            let x = LEFT + step * i as f64;
            let wide = (step - step.min(4.0) * 0.25).max(0.8);
            let mut bar = |top: f64, height: f64, share: f64, class: &'static str| {
                if share > 0.0 {
                    let h = (share * height).max(1.0);
                    m.el("rect", attrs![x: x, y: top + height - h, width: wide, height: h, class: class], |_| {});
                }
            };
            bar(bytes_top, BYTES, part(bin.bytes, most_bytes), "bar");
            bar(flows_top, FLOWS, part(bin.flows, most_flows), "bar soft");
            let from = Timestamp(start.0.saturating_add(activity.width.0.saturating_mul(i as i64)));
            m.el("rect", attrs![x: x, y: bytes_top, width: step, height: bottom - bytes_top, class: "hit"], |m| {
                let words = cx.fill(W::BinSays, &[&cx.time(from), &bytes(bin.bytes), &count(bin.flows)]);
                m.say("title", &[], &words);
            });
        }
        for (tick, words) in time_ticks(start, end, 8) {
            let x = place(tick, start, end);
            line(m, (x, bottom), (x, bottom + 4.0), "base");
            label(m, (x.clamp(LEFT + 24.0, RIGHT - 28.0), bottom + 17.0), "middle", "tick", &words);
        }
    };
    figure(m, cx, (W::Timeline, &says), (WIDTH, bottom + AXIS), drawing, |m| numbers(m, cx, start));
}

/// Of a time, between the ends of the bars.
fn place(ts: Timestamp, start: Timestamp, end: Timestamp) -> f64 {
    let past = ts.0.saturating_sub(start.0).max(0);
    let all = end.0.saturating_sub(start.0).max(1);
    LEFT + (RIGHT - LEFT) * (past as f64 / all as f64).min(1.0)
}

fn slot(ts: Timestamp, start: Timestamp, end: Timestamp) -> usize {
    let share = (place(ts, start, end) - LEFT) / (RIGHT - LEFT);
    // Casts of floats saturate.
    ((share * SLOTS as f64) as usize).min(SLOTS - 1)
}

fn lanes(cx: &Cx<'_>, start: Timestamp, end: Timestamp) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for severity in Severity::ALL {
        let mut lane = Lane { severity, begin: [0; SLOTS], lasts: [false; SLOTS] };
        for f in cx.open.iter().filter(|f| f.severity == severity) {
            let (from, to) = (slot(f.first, start, end), slot(f.last, start, end));
            if let Some(n) = lane.begin.get_mut(from) {
                *n += 1;
            }
            if let Some(slots) = lane.lasts.get_mut(from + 1..=to) {
                slots.fill(true);
            }
        }
        if lane.begin.iter().any(|n| *n > 0) {
            lanes.push(lane);
        }
    }
    lanes
}

fn draw_lane(m: &mut Markup, cx: &Cx<'_>, lane: &Lane, y: f64) {
    let wide = (RIGHT - LEFT) / SLOTS as f64;
    m.el("g", attrs![class: class(lane.severity)], |m| {
        label(m, (LEFT - 8.0, y + 4.0), "end", "axis", cx.severity(lane.severity));
        line(m, (LEFT, y), (RIGHT, y), "grid");
        let marked = |i: usize| lane.begin.get(i).is_some_and(|n| *n > 0);
        let mut from = 0;
        while from < SLOTS {
            let to = (from..SLOTS).find(|i| !lane.lasts.get(*i).copied().unwrap_or(false)).unwrap_or(SLOTS);
            if to > from {
                let (x1, x2) = (LEFT + wide * (from as f64 - 0.5), LEFT + wide * (to as f64 - 0.5));
                line(m, (x1, y), (x2, y), "lasts");
            }
            from = to + 1;
        }
        let use_shape = match lane.severity {
            Severity::Critical => "#s-critical",
            Severity::High => "#s-high",
            Severity::Medium => "#s-medium",
            Severity::Low => "#s-low",
            Severity::Info => "#s-info",
        };
        for i in (0..SLOTS).filter(|i| marked(*i)) {
            let n = lane.begin.get(i).copied().unwrap_or(0);
            let x = LEFT + wide * (i as f64 + 0.5);
            m.el("g", &[], |m| {
                m.say("title", &[], &cx.fill(W::MarkSays, &[&count(n), cx.severity(lane.severity)]));
                m.el("use", attrs![href: use_shape, x: x - 5.5, y: y - 5.5, width: 11.0, height: 11.0], |_| {});
                if n > 1 && !marked(i + 1) {
                    label(m, (x + 7.0, y + 3.5), "start", "n", &count(n));
                }
            });
        }
    });
}

/// The same as a table: bins put together until they fit.
fn numbers(m: &mut Markup, cx: &Cx<'_>, start: Timestamp) {
    let activity = &cx.page.activity;
    let each = activity.bins.len().div_ceil(TABLE).max(1);
    let columns = [Col::Words(W::From), Col::Number(W::Bytes), Col::Number(W::NewFlows), Col::Number(W::Findings)];
    let rows: Vec<_> = activity.bins.chunks(each).enumerate().collect();
    table(m, cx, cx.w(W::Timeline), &columns, rows.into_iter(), |row, (i, bins)| {
        let at = |n: usize| Timestamp(start.0.saturating_add(activity.width.0.saturating_mul(n as i64)));
        let (from, to) = (at(i * each), at(i * each + bins.len()));
        row.time(cx, Some(from));
        row.bytes(bins.iter().fold(0u64, |sum, b| sum.saturating_add(b.bytes)));
        row.count(bins.iter().map(|b| b.flows).sum::<u64>());
        row.count(cx.open.iter().filter(|f| (from..to).contains(&f.first)).count() as u64);
    });
}
