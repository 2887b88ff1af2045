//! Figures before and after: bars for a look, a table for the rest.

use super::super::cx::Locale;
use super::super::markup::{Markup, attrs};
use super::super::tables::{Col, table as listed};
use super::super::words::W;
use crate::compare::shown::{self, Size};
use crate::compare::{Change, Device, FindingPair, ItemKind, Measure, Quantity};
use crate::units::count;

/// What a tile says of the change: its class, a sign, words.
struct Delta {
    class: &'static str,
    sign: &'static str,
    words: String,
}

/// One tile for each figure that there is; with findings, of all together.
pub(super) fn all(m: &mut Markup, cx: &Locale, d: &Device, findings: Option<&[FindingPair]>) {
    m.el("ul", attrs![class: "tiles"], |m| {
        for q in d.quantities.iter().filter(|q| has_values(q)) {
            quantity(m, cx, q, findings.is_some());
        }
        destinations(m, cx, d);
        if let Some(findings) = findings {
            found(m, cx, findings);
        }
    });
}

/// Is there anything to show?
fn has_values(q: &Quantity) -> bool {
    q.values.iter().any(|v| v.is_some_and(|v| v > 0))
}

pub(super) fn name(measure: Measure, whole: bool) -> W {
    match measure {
        Measure::SentBytes if whole => W::Outbound,
        Measure::ReceivedBytes if whole => W::Inbound,
        Measure::SentBytes => W::Sent,
        Measure::ReceivedBytes => W::Received,
        Measure::Opened => W::ConnsOpened,
        Measure::Accepted => W::ConnsAccepted,
        Measure::Failed => W::ConnsFailed,
        Measure::Retransmissions => W::Retransmitted,
        Measure::Throughput => W::Throughput,
        Measure::Connect => W::TimeToConnect,
        Measure::Response => W::TimeToResponse,
        Measure::Answer => W::TimeToAnswer,
    }
}

#[expect(clippy::cast_precision_loss, reason = "for drawing")]
fn quantity(m: &mut Markup, cx: &Locale, q: &Quantity, whole: bool) {
    let bars = q.per_hour.unwrap_or_else(|| q.values.map(|v| v.unwrap_or(0) as f64));
    let words = match q.per_hour {
        Some(rates) => rates.map(|v| cx.fill(W::AnHour, &[&shown::per_hour(q.measure, v)])),
        None => q.values.map(|v| shown::value(q.measure, v)),
    };
    tile(m, cx, cx.w(name(q.measure, whole)), bars, &words, &delta(cx, q));
}

/// Destinations of which each side knows.
#[expect(clippy::cast_precision_loss, reason = "for drawing")]
fn destinations(m: &mut Markup, cx: &Locale, d: &Device) {
    let of = |change| d.items.iter().filter(move |t| t.kind == ItemKind::Destination && t.change == change);
    let both = d.unchanged_items.first().copied().unwrap_or(0)
        + (of(Change::Grew).count() + of(Change::Shrank).count()) as u64;
    let (gone, new) = (of(Change::Disappeared).count() as u64, of(Change::Appeared).count() as u64);
    let counts = [both + gone, both + new];
    if counts == [0, 0] {
        return;
    }
    let sure = [Change::Disappeared, Change::Appeared].map(|c| of(c).filter(|t| t.sure).count() as u64);
    let delta = gone_and_new(cx, sure, [gone, new]);
    tile(m, cx, cx.w(W::Destinations), counts.map(|n| n as f64), &counts.map(count), &delta);
}

#[expect(clippy::cast_precision_loss, reason = "for drawing")]
fn found(m: &mut Markup, cx: &Locale, findings: &[FindingPair]) {
    let of = |change| findings.iter().filter(move |f| f.change == change);
    let both = of(Change::Unchanged).count() as u64;
    let (gone, new) = (of(Change::Disappeared).count() as u64, of(Change::Appeared).count() as u64);
    let counts = [both + gone, both + new];
    if counts == [0, 0] {
        return;
    }
    let sure = [Change::Disappeared, Change::Appeared].map(|c| of(c).filter(|f| f.sure).count() as u64);
    let mut delta = gone_and_new(cx, sure, [gone, new]);
    delta.class = match sure {
        [_, new] if new > 0 => "delta worse",
        [gone, _] if gone > 0 => "delta better",
        _ => delta.class,
    };
    tile(m, cx, cx.w(W::Findings), counts.map(|n| n as f64), &counts.map(count), &delta);
}

fn gone_and_new(cx: &Locale, sure: [u64; 2], all: [u64; 2]) -> Delta {
    let [gone, new] = sure;
    match (gone + new, all) {
        (0, [0, 0]) => Delta { class: "delta none", sign: "=", words: cx.w(W::Unmoved).to_owned() },
        (0, _) => Delta { class: "delta none", sign: "≈", words: cx.w(W::MayBeChance).to_owned() },
        _ => {
            let sign = if gone > new { "▼" } else { "▲" };
            Delta { class: "delta real", sign, words: cx.fill(W::GoneNew, &[&count(gone), &count(new)]) }
        }
    }
}

/// A name, what became of it, and both sides as bars.
fn tile(m: &mut Markup, cx: &Locale, name: &str, bars: [f64; 2], words: &[String; 2], delta: &Delta) {
    let most = bars.iter().copied().fold(0.0, f64::max);
    m.el("li", attrs![class: "tile"], |m| {
        m.say("p", attrs![class: "what"], name);
        m.el("p", attrs![class: delta.class], |m| {
            m.say("span", attrs![class: "sign", "aria-hidden": "true"], delta.sign);
            m.text(&delta.words);
        });
        m.el("dl", attrs![class: "pair"], |m| {
            for (((side, class), v), words) in [(W::Before, "was"), (W::After, "is")].into_iter().zip(bars).zip(words) {
                m.el("div", &[], |m| {
                    m.say("dt", &[], cx.w(side));
                    m.el("dd", &[], |m| {
                        strip(m, class, if most > 0.0 { v / most } else { 0.0 });
                        m.say("span", attrs![class: "v"], words);
                    });
                });
            }
        });
    });
}

/// A bar as long as `share` of what there is room for.
pub(super) fn strip(m: &mut Markup, class: &'static str, share: f64) {
    let all = attrs![class: "strip", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true"];
    m.el("svg", all, |m| {
        m.el("rect", attrs![class: "track", width: 100u64, height: 10u64], |_| {});
        if share > 0.0 {
            m.el("rect", attrs![class: class, width: (share * 100.0).max(0.8), height: 10u64], |_| {});
        }
    });
}

/// What became of a figure.
fn delta(cx: &Locale, q: &Quantity) -> Delta {
    let up = q.percent.is_some_and(|p| p > 0.0);
    let sign = if up { "▲" } else { "▼" };
    let words = amount(cx, q);
    match q.change {
        _ if q.values.contains(&None) => {
            Delta { class: "delta none", sign: "≠", words: cx.w(W::OneSideOnly).to_owned() }
        }
        Change::NotComparable => Delta { class: "delta none", sign: "≠", words: cx.w(W::NotComparable).to_owned() },
        Change::Unchanged if q.percent.is_none_or(|p| p.abs() < 0.05) => {
            Delta { class: "delta none", sign: "=", words: cx.w(W::Unmoved).to_owned() }
        }
        Change::Unchanged => Delta { class: "delta none", sign: "≈", words: cx.fill(W::TooSmall, &[&words]) },
        Change::Lossier | Change::Slower => Delta { class: "delta worse", sign, words },
        Change::Cleaner | Change::Faster => Delta { class: "delta better", sign, words },
        Change::Grew if q.measure == Measure::Failed => Delta { class: "delta worse", sign, words },
        Change::Shrank if q.measure == Measure::Failed => Delta { class: "delta better", sign, words },
        _ => Delta { class: "delta real", sign, words },
    }
}

/// `99.1 % less`.
#[expect(clippy::cast_precision_loss, reason = "for printing")]
pub(super) fn amount(cx: &Locale, q: &Quantity) -> String {
    let up = q.percent.is_some_and(|p| p > 0.0);
    if q.measure == Measure::Retransmissions {
        let points = format!("{:.2}", q.percent.unwrap_or(0.0).abs());
        return cx.fill(if up { W::PointsMore } else { W::PointsLess }, &[&points]);
    }
    let size = Size::of(q.per_hour.unwrap_or_else(|| q.values.map(|v| v.unwrap_or(0) as f64)));
    let words = size.words();
    match size {
        Size::NoneBefore => cx.w(W::NoneBefore).to_owned(),
        Size::Times(_) => cx.fill(W::TimesAsMuch, &[&words]),
        Size::Percent(_) => cx.fill(if up { W::MoreBy } else { W::Less }, &[&words]),
    }
}

/// The same as numbers, with what the tests gave.
pub(super) fn table(m: &mut Markup, cx: &Locale, d: &Device) {
    m.el("details", attrs![class: "numbers"], |m| {
        m.say("summary", &[], cx.w(W::AsTable));
        let columns = [
            Col::Words(W::What),
            Col::Number(W::Before),
            Col::Number(W::After),
            Col::Number(W::BeforePerHour),
            Col::Number(W::AfterPerHour),
            Col::Words(W::Change),
            Col::Number(W::StandardDeviations),
            Col::Number(W::Probability),
            Col::Words(W::Real),
        ];
        listed(m, cx, cx.w(W::FiguresSay), &columns, d.quantities.iter(), |row, q| {
            row.text(cx.w(name(q.measure, true)));
            for v in q.values {
                row.number(v.map(|v| v as f64), &shown::value(q.measure, v));
            }
            for side in 0..2 {
                let v = q.per_hour.and_then(|r| r.get(side).copied());
                row.number(v, &v.map_or_else(|| "–".to_owned(), |v| shown::per_hour(q.measure, v)));
            }
            row.text(&match (q.change, q.percent) {
                (Change::NotComparable, _) => cx.w(W::NotComparable).to_owned(),
                (_, None) => "–".to_owned(),
                (_, Some(p)) if p.abs() < 0.05 => cx.w(W::Unmoved).to_owned(),
                _ => amount(cx, q),
            });
            row.number(q.z, &q.z.map_or_else(|| "–".to_owned(), |z| format!("{z:.1}")));
            row.number(q.p.map(|p| p * 1e6), &q.p.map_or_else(|| "–".to_owned(), probability));
            row.text(cx.w(if q.change.is_change() { W::Yes } else { W::No }));
        });
    });
}

fn probability(p: f64) -> String {
    if p > 0.0 && p < 0.001 { format!("{p:.0e}") } else { format!("{p:.3}") }
}
