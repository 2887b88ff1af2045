//! Devices: an overview of all that changed, and each by itself.

use super::super::cx::Locale;
use super::super::markup::{Attr, Markup, attrs};
use super::super::plot::{figure, label};
use super::super::tables::{Col, ROWS, table};
use super::super::words::W;
use super::tiles::strip;
use super::{LONGEST, items, line, schedule, tiles};
use crate::clean::{clean, fit};
use crate::compare::{Change, Comparison, Device, Identity, ItemKind, MatchedBy, Measure};
use crate::units::{bytes, count};

/// Devices drawn.
const DRAWN: usize = 20;
/// Devices told with all that is known.
const DETAILED: usize = 40;
/// Of these, with maps of hours.
const MAPPED: usize = 20;
/// As many or fewer are open from the start.
const OPEN: usize = 2;
/// Unchanged devices named.
const UNCHANGED: usize = 500;
/// Columns of a name in the drawing, and of addresses elsewhere.
const NAME: usize = 32;
const WIDTH: f64 = 960.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 860.0;
const ROW: f64 = 34.0;

/// Sum of two figures an hour: of both sides.
fn rates(d: &Device, measures: [Measure; 2]) -> [f64; 2] {
    let of = d.quantities.iter().filter(|q| measures.contains(&q.measure)).filter_map(|q| q.per_hour);
    of.fold([0.0; 2], |[a, b], [x, y]| [a + x, b + y])
}

fn traffic(d: &Device) -> [f64; 2] {
    rates(d, [Measure::SentBytes, Measure::ReceivedBytes])
}

/// `10.0.0.50 (camera)`.
fn title(i: &Identity) -> String {
    let addresses = if i.addresses[1].is_empty() { &i.addresses[0] } else { &i.addresses[1] };
    let first = addresses.first().map_or_else(String::new, ToString::to_string);
    match &i.name {
        Some(name) => format!("{first} ({})", fit(&clean(name.as_bytes()), LONGEST, true)),
        None => first,
    }
}

/// The number of a device's anchor.
fn anchor(i: usize) -> String {
    format!("d-{}", i + 1)
}

pub(super) fn overview(m: &mut Markup, cx: &Locale, c: &Comparison) {
    super::section(m, cx, "devices", W::Devices, |m| {
        if c.devices.is_empty() {
            m.say("p", attrs![class: "good"], cx.w(W::NoDevices));
        } else {
            drawing(m, cx, &c.devices);
            listed(m, cx, c);
        }
        unchanged(m, cx, &c.unchanged);
    });
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "for printing; the cast saturates")]
fn hourly(cx: &Locale, v: f64) -> String {
    cx.fill(W::AnHour, &[&bytes(v.round() as u64)])
}

/// Bars of traffic before and after, all to one scale.
fn drawing(m: &mut Markup, cx: &Locale, devices: &[Device]) {
    let shown: Vec<&Device> = devices.iter().take(DRAWN).collect();
    let most = shown.iter().flat_map(|d| traffic(d)).fold(0.0, f64::max);
    if most <= 0.0 {
        return;
    }
    let says = cx.fill(W::ByDeviceSays, &[&count(shown.len() as u64), &count(devices.len() as u64)]);
    let height = 30.0 + ROW * shown.len() as f64;
    let draw = |m: &mut Markup| {
        for (x, class, word) in [(LEFT, "was", W::Before), (LEFT + 110.0, "is", W::After)] {
            m.el("rect", attrs![x: x, y: 4.0, width: 14.0, height: 10.0, rx: 2.0, class: class], |_| {});
            label(m, (x + 20.0, 13.0), "start", "tick", cx.w(word));
        }
        for (i, d) in shown.iter().enumerate() {
            let y = 26.0 + ROW * i as f64;
            label(m, (LEFT - 12.0, y + 18.0), "end", "axis", &fit(&title(&d.identity), NAME, true));
            for (n, (v, class)) in traffic(d).into_iter().zip(["was", "is"]).enumerate() {
                let top = y + 2.0 + 12.0 * n as f64;
                let wide = if v > 0.0 { (v / most * (RIGHT - LEFT)).max(1.5) } else { 0.0 };
                m.el("rect", attrs![x: LEFT, y: top, width: wide, height: 10.0, rx: 1.5, class: class], |_| {});
                label(m, (LEFT + wide + 6.0, top + 9.0), "start", "tick", &hourly(cx, v));
            }
        }
    };
    figure(m, cx, (W::ByDevice, &says), (WIDTH, height), draw, |m| {
        let columns = [Col::Words(W::Device), Col::Number(W::BeforePerHour), Col::Number(W::AfterPerHour)];
        table(m, cx, cx.w(W::ByDevice), &columns, shown.iter(), |row, d| {
            row.with("w", |m| m.word(title(&d.identity).as_bytes()));
            for v in traffic(d) {
                row.number(Some(v), &hourly(cx, v));
            }
        });
    });
}

/// Sure ones of a kind that came or went.
fn sure(d: &Device, kind: ItemKind, change: Change) -> u64 {
    d.items.iter().filter(|t| t.kind == kind && t.change == change && t.sure).count() as u64
}

fn state(d: &Device) -> (u64, &'static str, W) {
    match (d.presence, d.changed) {
        (_, false) => (3, "sev chg stayed", W::Perhaps),
        (Change::Appeared, _) => (0, "sev chg new", W::OnlyAfter),
        (Change::Disappeared, _) => (1, "sev chg gone", W::OnlyBefore),
        _ => (2, "sev chg more", W::Changed),
    }
}

fn listed(m: &mut Markup, cx: &Locale, c: &Comparison) {
    let columns = [
        Col::Words(W::Device),
        Col::Words(W::Became),
        Col::Number(W::TrafficBefore),
        Col::Number(W::TrafficAfter),
        Col::Number(W::ConnsBefore),
        Col::Number(W::ConnsAfter),
        Col::Number(W::DestinationsGone),
        Col::Number(W::DestinationsNew),
        Col::Number(W::FindingsGone),
        Col::Number(W::FindingsNew),
    ];
    let rows: Vec<_> = c.devices.iter().take(ROWS).enumerate().collect();
    m.el("div", attrs![class: "wide"], |m| {
        table(m, cx, cx.w(W::DevicesCaption), &columns, rows.into_iter(), |row, (i, d)| {
            row.with("w", |m| {
                let name = title(&d.identity);
                if i < DETAILED {
                    let to = format!("#{}", anchor(i));
                    m.el("a", attrs![href: &to], |m| m.word(name.as_bytes()));
                } else {
                    m.word(name.as_bytes());
                }
            });
            let (rank, class, word) = state(d);
            row.ranked("", rank, |m| m.say("span", attrs![class: class], cx.w(word)));
            for v in traffic(d) {
                row.number(Some(v), &hourly(cx, v));
            }
            for v in rates(d, [Measure::Opened, Measure::Accepted]) {
                row.number(Some(v), &cx.fill(W::AnHour, &[&crate::compare::shown::per_hour(Measure::Opened, v)]));
            }
            for kind in [ItemKind::Destination, ItemKind::Finding] {
                for change in [Change::Disappeared, Change::Appeared] {
                    row.count(sure(d, kind, change));
                }
            }
        });
    });
    let more = c.devices.len().saturating_sub(ROWS);
    if more > 0 {
        m.say("p", attrs![class: "more"], &cx.fill(W::MoreRows, &[&count(more as u64)]));
    }
}

fn unchanged(m: &mut Markup, cx: &Locale, all: &[Identity]) {
    if all.is_empty() {
        return;
    }
    m.el("details", attrs![class: "numbers"], |m| {
        m.say("summary", &[], &cx.fill(W::UnchangedDevices, &[&count(all.len() as u64)]));
        m.el("ul", attrs![class: "names"], |m| {
            for identity in all.iter().take(UNCHANGED) {
                m.el("li", &[], |m| m.word(title(identity).as_bytes()));
            }
        });
        let more = all.len().saturating_sub(UNCHANGED);
        if more > 0 {
            m.say("p", attrs![class: "more"], &cx.fill(W::MoreRows, &[&count(more as u64)]));
        }
    });
}

/// Each device by itself.
pub(super) fn details(m: &mut Markup, cx: &Locale, c: &Comparison) {
    if c.devices.is_empty() {
        return;
    }
    super::section(m, cx, "details", W::Details, |m| {
        for (i, d) in c.devices.iter().take(DETAILED).enumerate() {
            device(m, cx, i, d, c.devices.len() <= OPEN);
        }
        let more = c.devices.len().saturating_sub(DETAILED);
        if more > 0 {
            m.say("p", attrs![class: "more"], &cx.fill(W::MoreDevices, &[&count(more as u64)]));
        }
    });
}

fn device(m: &mut Markup, cx: &Locale, i: usize, d: &Device, open: bool) {
    let id = anchor(i);
    let mut all = vec![("class", "fold".into()), ("id", Attr::from(&id))];
    if open {
        all.push(("open", Attr::Bare));
    }
    m.el("details", &all, |m| {
        m.el("summary", &[], |m| {
            m.el("span", attrs![class: "title"], |m| m.word(title(&d.identity).as_bytes()));
            let (_, class, word) = state(d);
            m.say("span", attrs![class: class], cx.w(word));
            let [before, after] = traffic(d);
            let most = before.max(after).max(1.0);
            m.el("span", attrs![class: "mini"], |m| {
                strip(m, "was", before / most);
                strip(m, "is", after / most);
            });
            m.el("span", attrs![class: "said"], |m| line(m, cx, &d.verdict));
        });
        m.el("div", attrs![class: "inside"], |m| {
            for note in &d.notes {
                m.el("p", attrs![class: "warn"], |m| cx.fixed(m, note));
            }
            let found = match d.identity.matched_by {
                MatchedBy::Nothing => None,
                MatchedBy::Mac => Some(cx.fill(W::ByMac, &[d.identity.mac.as_deref().unwrap_or("")])),
                MatchedBy::Name => Some(cx.w(W::ByName).to_owned()),
                MatchedBy::Address => Some(cx.w(W::ByAddress).to_owned()),
            };
            if let Some(found) = found {
                m.say("p", attrs![class: "note"], &clean(found.as_bytes()));
            }
            tiles::all(m, cx, d, None);
            items::of_device(m, cx, d);
            if i < MAPPED && !(d.schedule.more.is_empty() && d.schedule.less.is_empty()) {
                schedule::maps(m, cx, &d.schedule);
            }
        });
    });
}
