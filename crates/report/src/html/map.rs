//! Who talks to whom: hosts at home to the left, others to the right, a curve for each pair. Where all are on one side, those who
//! open flows stand to the left and those who answer to the right.

use super::cx::{Cx, class};
use super::lists;
use super::markup::{Markup, attrs};
use super::plot::{figure, label};
use super::words::W;
use crate::clean::{clean, fit};
use crate::units::{bytes, count};
use sekisho_finding::Severity;
use sekisho_types::Addr;
use std::collections::BTreeMap;

const WIDTH: f64 = 960.0;
/// Where the two sides stand.
const SIDES: [f64; 2] = [270.0, 690.0];
const ROW: f64 = 22.0;
const TOP: f64 = 26.0;
/// Hosts drawn on each side; the rest of a side is one.
const HOSTS: usize = 16;
/// Pairs drawn, the heaviest.
const PAIRS: usize = 120;
/// Columns of a host's name.
const NAME: usize = 30;

/// One host, or what is left of a side.
struct Node {
    addr: Option<Addr>,
    bytes: u64,
}

/// Side and place.
type Place = (usize, usize);

struct Map {
    sides: [Vec<Node>; 2],
    /// What the sides are called.
    names: [W; 2],
    /// Flows and bytes between two places, the smaller one first.
    pairs: BTreeMap<(Place, Place), (u64, u64)>,
    /// Pairs of hosts in it.
    told: u64,
}

fn build(cx: &Cx<'_>) -> Map {
    let page = cx.page;
    let inside = |addr: Addr| page.hosts.rows.iter().find(|h| h.addr == addr).is_some_and(|h| h.internal);
    let addrs = || page.talkers.rows.iter().flat_map(|t| [t.a, t.b]);
    let split = addrs().any(inside) && !addrs().all(inside);
    // Where all are on one side: who mostly opens to the left, who mostly answers to the right.
    let answers = |addr: Addr| page.hosts.rows.iter().find(|h| h.addr == addr).is_none_or(|h| h.flows_in > h.flows_out);
    let mut known: BTreeMap<Addr, (usize, u64)> = BTreeMap::new();
    for t in &page.talkers.rows {
        for addr in [t.a, t.b] {
            let entry = known
                .entry(addr)
                .or_insert_with(|| (usize::from(if split { !inside(addr) } else { answers(addr) }), 0));
            entry.1 = entry.1.saturating_add(t.a_to_b).saturating_add(t.b_to_a);
        }
    }
    let mut sides = [Vec::new(), Vec::new()];
    let mut places: BTreeMap<Addr, Place> = BTreeMap::new();
    for (side, nodes) in sides.iter_mut().enumerate() {
        let mut hosts: Vec<_> = known.iter().filter(|(_, (s, _))| *s == side).map(|(a, (_, n))| (*a, *n)).collect();
        hosts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        for (i, (addr, bytes)) in hosts.into_iter().enumerate() {
            let at = i.min(HOSTS);
            places.insert(addr, (side, at));
            match nodes.get_mut(at) {
                Some(Node { bytes: sum, .. }) => *sum = sum.saturating_add(bytes),
                None => nodes.push(Node { addr: (at < HOSTS).then_some(addr), bytes }),
            }
        }
    }
    let mut pairs: BTreeMap<(Place, Place), (u64, u64)> = BTreeMap::new();
    for t in &page.talkers.rows {
        let (Some(a), Some(b)) = (places.get(&t.a), places.get(&t.b)) else { continue };
        let pair = pairs.entry((*a.min(b), *a.max(b))).or_default();
        pair.0 += t.flows;
        pair.1 = pair.1.saturating_add(t.a_to_b).saturating_add(t.b_to_a);
    }
    let names = if split { [W::AtHome, W::Elsewhere] } else { [W::Clients, W::Servers] };
    Map { sides, names, pairs, told: page.talkers.rows.len() as u64 }
}

pub(super) fn section(m: &mut Markup, cx: &Cx<'_>) {
    if cx.page.talkers.rows.is_empty() {
        return;
    }
    super::section(m, cx, "talkers", W::Talkers, |m| {
        let map = build(cx);
        let rows = map.sides.iter().map(Vec::len).max().unwrap_or(0);
        let says = cx.fill(W::MapSays, &[&count(map.told), &count(cx.page.talkers.total())]);
        let size = (WIDTH, TOP + ROW * rows as f64 + 6.0);
        let drawing = |m: &mut Markup| draw(m, cx, &map);
        figure(m, cx, (W::Map, &says), size, drawing, |m| m.say("p", &[], cx.w(W::MapTable)));
        lists::talkers(m, cx);
    });
}

fn y(row: usize) -> f64 {
    TOP + ROW * row as f64 + ROW / 2.0
}

fn draw(m: &mut Markup, cx: &Cx<'_>, map: &Map) {
    label(m, (SIDES[0], 13.0), "end", "head", cx.w(map.names[0]));
    label(m, (SIDES[1], 13.0), "start", "head", cx.w(map.names[1]));
    let mut pairs: Vec<_> = map.pairs.iter().collect();
    pairs.sort_by(|a, b| b.1.1.cmp(&a.1.1).then(a.0.cmp(b.0)));
    let heaviest = pairs.first().map_or(0, |p| p.1.1);
    for ((a, b), (flows, sum)) in pairs.into_iter().take(PAIRS).rev() {
        curve(m, cx, map, (*a, *b), (*flows, *sum), heaviest);
    }
    for (side, nodes) in map.sides.iter().enumerate() {
        for (row, node) in nodes.iter().enumerate() {
            host(m, cx, (side, row), node);
        }
    }
}

fn x(place: Place) -> f64 {
    SIDES.get(place.0).copied().unwrap_or(0.0) + if place.0 == 0 { 7.0 } else { -7.0 }
}

fn curve(m: &mut Markup, cx: &Cx<'_>, map: &Map, (a, b): (Place, Place), (flows, sum): (u64, u64), heaviest: u64) {
    let (ya, yb) = (y(a.1), y(b.1));
    let path = if a == b {
        // What is left of a side talks to itself.
        let out = if a.0 == 0 { 26.0 } else { -26.0 };
        format!("M{:.1} {:.1}c{out:.1} -8 {out:.1} 8 0 .1", x(a), ya)
    } else if a.0 == b.0 {
        let bulge = (30.0 + (ya - yb).abs() * 0.45).min(150.0) * if a.0 == 0 { 1.0 } else { -1.0 };
        let to = x(a) + bulge;
        format!("M{:.1} {ya:.1}C{to:.1} {ya:.1} {to:.1} {yb:.1} {:.1} {yb:.1}", x(a), x(b))
    } else {
        let middle = (SIDES[0] + SIDES[1]) / 2.0;
        format!("M{:.1} {ya:.1}C{middle:.1} {ya:.1} {middle:.1} {yb:.1} {:.1} {yb:.1}", x(a), x(b))
    };
    // By magnitude: bytes of pairs differ by powers of ten.
    let share = (1.0 + sum as f64).ln() / (1.0 + heaviest as f64).ln().max(1.0);
    let width = 1.0 + 7.0 * share.powi(3);
    let class = if a.0 == b.0 { "curve own" } else { "curve" };
    m.el("path", attrs![d: &path, "stroke-width": width, class: class], |m| {
        let name = |p: Place| {
            let node = map.sides.get(p.0).and_then(|side| side.get(p.1));
            node.and_then(|n| n.addr).map_or_else(|| cx.w(W::Others).to_owned(), |a| a.to_string())
        };
        m.say("title", &[], &cx.fill(W::PairSays, &[&name(a), &name(b), &bytes(sum), &count(flows)]));
    });
}

fn host(m: &mut Markup, cx: &Cx<'_>, place: Place, node: &Node) {
    let (x, y) = (SIDES.get(place.0).copied().unwrap_or(0.0), y(place.1));
    let anchor = if place.0 == 0 { "end" } else { "start" };
    let out = if place.0 == 0 { -1.0 } else { 1.0 };
    m.el("circle", attrs![cx: x, cy: y, r: 4.0, class: if node.addr.is_some() { "node" } else { "node rest" }], |_| {});
    let Some(addr) = node.addr else {
        label(m, (x + 10.0 * out, y + 4.0), anchor, "axis", cx.w(W::Others));
        return;
    };
    let worst = cx.open.iter().filter(|f| f.subject == addr && f.severity > Severity::Info).map(|f| f.severity).max();
    let mut at = x + 10.0 * out;
    if let Some(severity) = worst {
        m.el("g", attrs![class: class(severity)], |m| {
            let shape = match severity {
                Severity::Critical => "#s-critical",
                Severity::High => "#s-high",
                Severity::Medium => "#s-medium",
                Severity::Low | Severity::Info => "#s-low",
            };
            let left = if place.0 == 0 { at - 11.0 } else { at };
            m.say("title", &[], cx.severity(severity));
            m.el("use", attrs![href: shape, x: left, y: y - 5.5, width: 11.0, height: 11.0], |_| {});
        });
        at += 15.0 * out;
    }
    let known = cx.page.hosts.rows.iter().find(|h| h.addr == addr).and_then(|h| h.name.as_ref());
    let text = match known {
        Some(name) => clean(&name.0),
        None => addr.to_string(),
    };
    m.el("text", attrs![x: at, y: y + 4.0, "text-anchor": anchor, class: "tick"], |m| {
        m.text(&fit(&text, NAME, true));
        m.say("title", &[], &format!("{addr}, {}", bytes(node.bytes)));
    });
}
