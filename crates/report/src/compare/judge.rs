//! One device, or all together, before and after: figures and their tests first, what they come to once all tests are known.

use super::facts::{Facts, Thing, add};
use super::statistics::{
    Difference, LEAST_Z, SPEED_P, Volume, counts, median, percentile, proportions, ranks, volumes,
};
use super::{Change, Device, Grain, Item, ItemKind, Measure, Quantity, Schedule, Seen, observed};
use crate::units::counted;
use crate::{Traffic, WEEK_HOURS};
use sekisho_types::Interval;
use std::collections::BTreeSet;

/// Floors of changes in percent (`detections.md` §9).
const FLOOR_BYTES: f64 = 10_000.0;
const FLOOR_COUNT: f64 = 5.0;

/// A smaller change is no change, however certain (Sekisho's own choice): what is counted by the million differs always.
const LEAST_PERCENT: f64 = 10.0;

/// The same of medians of speeds and times, and of the times of the slowest.
pub(super) const LEAST_SPEED_PERCENT: f64 = 20.0;

/// Of a hundred flows, those that are not among the slowest.
const SLOWEST: u128 = 95;

/// Percentage points by which retransmissions have to differ.
const LEAST_POINTS: f64 = 0.5;

/// Share of one-sided flows at which volumes, ratios and failures say nothing (guard G-view), and from how many flows on.
const ONE_SIDED_SHARE: f64 = 0.3;
const ONE_SIDED_FLOWS: u64 = 10;

/// Three tests are made of an item: times, bytes sent, bytes received.
const ITEM_TESTS: f64 = 3.0;

/// What both sides of all devices have in common.
pub(super) struct Frame<'a> {
    /// Time observed.
    pub observed: [Interval; 2],
    /// Seconds of each hour of the week.
    pub hours: [&'a [u32]; 2],
    /// Lists of a side are not complete.
    pub left_off: [bool; 2],
    /// Judgements that could not be made on a side.
    pub blind: [&'a BTreeSet<String>; 2],
    /// Too much of a side is missing from its capture for what is absent to mean anything (G-loss).
    pub lossy: [bool; 2],
}

/// All tests of a comparison.
#[derive(Default)]
pub(super) struct Ledger(pub Vec<f64>);

impl Ledger {
    fn note(&mut self, d: Difference) -> (Option<f64>, Option<f64>) {
        self.0.push(d.p);
        (Some(d.z), Some(d.p))
    }
}

impl Frame<'_> {
    /// Figures and tests of a device; `whole`: of all devices together, of which traffic with others counts.
    pub fn examine(&self, sides: [Option<&Facts>; 2], whole: bool, ledger: &mut Ledger) -> Device {
        let none = Facts::default();
        let [before, after] = sides.map(|s| s.unwrap_or(&none));
        let ratio = observed::ratio(self.observed, self.hours, sides);
        let blind = [before, after].map(|f| {
            let flows = f.flows();
            flows >= ONE_SIDED_FLOWS && f.one_sided as f64 > flows as f64 * ONE_SIDED_SHARE
        });
        let mut device = Device::default();
        for (blind, when) in blind.into_iter().zip(["before", "after"]) {
            if blind {
                device.notes.push(format!(
                    "Of many flows only one end was seen {when}: volumes and failures are not compared."
                ));
            }
        }
        let volume = if whole { [before.outside, after.outside] } else { [before.total(), after.total()] };
        let blind = blind.contains(&true);
        for measure in Measure::ALL {
            let mut quantity = self.quantity(measure, [before, after], volume, ratio, ledger);
            if blind && !matches!(measure, Measure::Opened | Measure::Accepted) {
                quantity.change = Change::NotComparable;
            }
            device.quantities.push(quantity);
        }
        for (i, kind) in ItemKind::ALL.into_iter().enumerate() {
            let lists = [before, after].map(|f| f.lists.get(i));
            let cut = [before, after].map(|f| f.cut.get(i) == Some(&true));
            let [Some(left), Some(right)] = lists else { continue };
            let only_after = right.iter().filter(|(k, _)| !left.contains_key(*k)).map(|(k, t)| (k, None, Some(t)));
            for (key, b, a) in left.iter().map(|(k, t)| (k, Some(t), right.get(k))).chain(only_after) {
                let item = self.item(kind, key, [b, a], ratio, cut, blind, ledger);
                device.items.push(item);
            }
        }
        device.schedule = self.schedule(sides, ledger);
        device
    }

    fn quantity(
        &self,
        measure: Measure,
        [before, after]: [&Facts; 2],
        volume: [Traffic; 2],
        ratio: f64,
        ledger: &mut Ledger,
    ) -> Quantity {
        let mut quantity = Quantity { measure, ..Quantity::default() };
        let count = |of: fn(&Facts) -> (u64, Traffic)| {
            let ((a, of_a), (b, of_b)) = (of(before), of(after));
            ([a, b], counts(a, b, ratio, dispersion(&of_a, &of_b)))
        };
        let (values, difference) = match measure {
            Measure::SentBytes | Measure::ReceivedBytes => {
                let pick = |t: &Traffic| match measure {
                    Measure::SentBytes => Volume { bytes: t.sent, spread: t.sent_spread },
                    _ => Volume { bytes: t.received, spread: t.received_spread },
                };
                let [a, b] = [pick(&volume[0]), pick(&volume[1])];
                ([a.bytes, b.bytes], volumes(a, b, ratio, dispersion(&volume[0], &volume[1])))
            }
            Measure::Opened => count(|f| (f.opened.flows, f.opened)),
            Measure::Accepted => count(|f| (f.accepted.flows, f.accepted)),
            Measure::Failed => count(|f| (f.opened.failed, f.opened)),
            Measure::Retransmissions => return retransmissions(quantity, before, after, ledger),
            Measure::Throughput => return ranked(quantity, [&before.speeds, &after.speeds], ledger),
            Measure::Connect => return times(quantity, [before, after], 0, ledger),
            Measure::Response => return times(quantity, [before, after], 1, ledger),
            Measure::Answer => return times(quantity, [before, after], 2, ledger),
        };
        let bytes = matches!(measure, Measure::SentBytes | Measure::ReceivedBytes);
        quantity.values = values.map(Some);
        quantity.per_hour = Some(self.per_hour(values));
        quantity.percent = Some(percent(values, ratio, if bytes { FLOOR_BYTES } else { FLOOR_COUNT }));
        if values != [0, 0] {
            (quantity.z, quantity.p) = ledger.note(difference);
        }
        quantity
    }

    #[expect(clippy::cast_precision_loss, reason = "for printing")]
    fn per_hour(&self, values: [u64; 2]) -> [f64; 2] {
        let rate = |v: u64, o: Interval| v as f64 * 3_600.0 / o.as_secs_f64().max(1.0);
        [rate(values[0], self.observed[0]), rate(values[1], self.observed[1])]
    }

    #[expect(clippy::too_many_arguments, reason = "all that is known of an item")]
    fn item(
        &self,
        kind: ItemKind,
        key: &str,
        sides: [Option<&Thing>; 2],
        ratio: f64,
        cut: [bool; 2],
        blind: bool,
        ledger: &mut Ledger,
    ) -> Item {
        let none = Thing::default();
        let [before, after] = sides.map(|s| &s.unwrap_or(&none).traffic);
        let phi = dispersion(before, after);
        let mut best = (counts(before.flows, after.flows, ratio, phi), [before.flows, after.flows], "times");
        if !blind {
            for (a, b, what) in [
                (
                    Volume { bytes: before.sent, spread: before.sent_spread },
                    Volume { bytes: after.sent, spread: after.sent_spread },
                    "bytes sent",
                ),
                (
                    Volume { bytes: before.received, spread: before.received_spread },
                    Volume { bytes: after.received, spread: after.received_spread },
                    "bytes received",
                ),
            ] {
                let difference = volumes(a, b, ratio, phi);
                // Of what came or went the number of times tells, and wherever that is clear enough.
                let unclear = best.0.z.abs() < LEAST_Z;
                if sides.iter().all(Option::is_some) && unclear && difference.z.abs() > best.0.z.abs() {
                    best = (difference, [a.bytes, b.bytes], what);
                }
            }
        }
        let (mut difference, values, what) = best;
        if sides.iter().all(Option::is_some) {
            difference.p = (difference.p * ITEM_TESTS).min(1.0);
        }
        let (z, p) = ledger.note(difference);
        let seen = sides.map(|s| {
            s.map(|t| Seen {
                count: t.traffic.flows,
                failed: t.traffic.failed,
                sent: t.traffic.sent,
                received: t.traffic.received,
                first: t.traffic.first,
                last: t.traffic.last,
            })
        });
        let change = match sides {
            [None, _] => Change::Appeared,
            [_, None] => Change::Disappeared,
            _ => Change::Unchanged,
        };
        let mut note = if what == "times" { String::new() } else { what.to_owned() };
        // What a list does not have may be in the part that was left off.
        let missing = match change {
            Change::Appeared => Some(0),
            Change::Disappeared => Some(1),
            _ => None,
        };
        let when = |side: usize| if side == 0 { "before" } else { "after" };
        if let Some(side) = missing {
            let judgement = key.split('/').next().unwrap_or_default();
            if kind == ItemKind::Finding && self.blind[side].contains(judgement) {
                note = format!("could not be judged {}", when(side));
            } else if cut[side] || self.left_off[side] {
                note = format!("not all was kept {}", when(side));
            } else if self.lossy[side] {
                note = format!("much is missing from the capture {}", when(side));
            }
        }
        let detail = sides[1].or(sides[0]).map(|t| t.detail.clone()).unwrap_or_default();
        let floor = if what == "times" { FLOOR_COUNT } else { FLOOR_BYTES };
        Item {
            certificate: sides[1].or(sides[0]).and_then(|t| t.certificate.clone()),
            kind,
            key: key.to_owned(),
            detail,
            seen,
            change,
            sure: false,
            note,
            percent: Some(percent(values, ratio, floor)),
            z,
            p,
        }
    }

    fn schedule(&self, sides: [Option<&Facts>; 2], ledger: &mut Ledger) -> Schedule {
        let mut schedule = Schedule {
            flows: sides.map(|s| s.map(|f| f.hours.clone()).unwrap_or_default()),
            observed: self.hours.map(<[u32]>::to_vec),
            ..Schedule::default()
        };
        let [Some(before), Some(after)] = sides else { return schedule };
        let both = |least: Interval| self.observed.iter().all(|o| *o >= least);
        let (grain, slots) = match (both(observed::SEVEN_DAYS), both(observed::DAY)) {
            (true, _) => (Grain::Week, WEEK_HOURS),
            (_, true) => (Grain::Day, 24),
            _ => return schedule,
        };
        schedule.grain = grain;
        let folded =
            |hours: &[u64]| (0..slots).map(|s| hours.iter().skip(s).step_by(slots).sum()).collect::<Vec<u64>>();
        let [a, b] = [folded(&before.hours), folded(&after.hours)];
        let [ta, tb] = self.hours.map(|h| folded(&h.iter().map(|s| u64::from(*s)).collect::<Vec<_>>()));
        let (all_a, all_b): (u64, u64) = (a.iter().sum(), b.iter().sum());
        if all_a == 0 || all_b == 0 {
            return schedule;
        }
        let phi = dispersion(&before.total(), &after.total());
        let overall =
            all_b as f64 * ta.iter().sum::<u64>() as f64 / (all_a as f64 * tb.iter().sum::<u64>().max(1) as f64);
        for (slot, (((a, b), ta), tb)) in (0u16..).zip(a.into_iter().zip(b).zip(ta).zip(tb)) {
            if ta == 0 || tb == 0 || a == 0 && b == 0 {
                continue;
            }
            let difference = counts(a, b, tb as f64 / ta as f64 * overall, phi);
            ledger.0.push(difference.p);
            schedule.tested.push((slot, difference.z, difference.p));
        }
        schedule
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn dispersion(a: &Traffic, b: &Traffic) -> f64 {
    let mut both = *a;
    add(&mut both, b);
    (both.dispersion as f64 / 1000.0).max(1.0)
}

/// Change in percent of what before would come to in after's time.
#[expect(clippy::cast_precision_loss, reason = "for printing")]
fn percent([a, b]: [u64; 2], ratio: f64, floor: f64) -> f64 {
    let expected = a as f64 * ratio;
    100.0 * (b as f64 - expected) / expected.max(floor)
}

#[expect(clippy::cast_precision_loss, reason = "for printing")]
fn retransmissions(mut quantity: Quantity, before: &Facts, after: &Facts, ledger: &mut Ledger) -> Quantity {
    let share = |f: &Facts| (f.tcp_packets > 0).then(|| f.retransmitted as f64 / f.tcp_packets as f64);
    let shares = [share(before), share(after)];
    let million =
        |f: &Facts| u64::try_from(u128::from(f.retransmitted) * 1_000_000 / u128::from(f.tcp_packets.max(1))).ok();
    quantity.values = [shares[0].and(million(before)), shares[1].and(million(after))];
    if let [Some(a), Some(b)] = shares {
        quantity.percent = Some(100.0 * (b - a));
        if before.retransmitted + after.retransmitted > 0 {
            let difference =
                proportions((before.retransmitted, before.tcp_packets), (after.retransmitted, after.tcp_packets));
            (quantity.z, quantity.p) = ledger.note(difference);
        }
    }
    quantity
}

/// Medians of samples in classes, compared by ranks.
#[expect(clippy::cast_precision_loss, reason = "for printing")]
fn ranked(mut quantity: Quantity, sides: [&[(u64, u64)]; 2], ledger: &mut Ledger) -> Quantity {
    quantity.values = sides.map(median);
    if let [Some(a), Some(b)] = quantity.values {
        quantity.percent = Some(100.0 * (b as f64 - a as f64) / (a as f64).max(1.0));
        (quantity.z, quantity.p) = ledger.note(ranks(sides[0], sides[1]));
    }
    quantity
}

/// The same of one of a device's three kinds of times, with what the slowest take.
fn times(mut quantity: Quantity, sides: [&Facts; 2], which: usize, ledger: &mut Ledger) -> Quantity {
    let samples = sides.map(|f| f.times.get(which).map_or(&[][..], Vec::as_slice));
    quantity.high = samples.map(|s| percentile(s, SLOWEST));
    ranked(quantity, samples, ledger)
}

/// What the figures come to, now that it is known which p may pass.
pub(super) fn settle(device: &mut Device, greatest_p: f64, observed: [Interval; 2]) -> u64 {
    let passes = |z: Option<f64>, p: Option<f64>, least_z: f64| {
        z.is_some_and(|z| z.abs() >= least_z) && p.is_some_and(|p| p <= greatest_p)
    };
    let mut passed = 0;
    for q in &mut device.quantities {
        if q.change == Change::NotComparable {
            continue;
        }
        let more = q.percent.is_some_and(|p| p > 0.0);
        let size = q.percent.map_or(0.0, f64::abs);
        let pick = |up, down| if more { up } else { down };
        let change = match q.measure {
            Measure::Retransmissions if passes(q.z, q.p, LEAST_Z) && size >= LEAST_POINTS => {
                pick(Change::Lossier, Change::Cleaner)
            }
            Measure::Throughput
                if passes(q.z, q.p, 0.0)
                    && q.p.is_some_and(|p| p < SPEED_P)
                    && speed_shift(q.values) >= LEAST_SPEED_PERCENT =>
            {
                pick(Change::Faster, Change::Slower)
            }
            // Which way the ranks say: the median may stay while all that is above it moves.
            time if time.is_time()
                && passes(q.z, q.p, 0.0)
                && q.p.is_some_and(|p| p < SPEED_P)
                && [q.values, q.high].into_iter().any(|v| speed_shift(v) >= LEAST_SPEED_PERCENT) =>
            {
                if q.z.is_some_and(|z| z > 0.0) { Change::Slower } else { Change::Faster }
            }
            Measure::Retransmissions | Measure::Throughput => Change::Unchanged,
            time if time.is_time() => Change::Unchanged,
            _ if passes(q.z, q.p, LEAST_Z) && size >= LEAST_PERCENT => pick(Change::Grew, Change::Shrank),
            _ => Change::Unchanged,
        };
        q.change = change;
        passed += u64::from(change.is_change());
    }
    for item in &mut device.items {
        let held_back = matches!(item.change, Change::Appeared | Change::Disappeared) && !item.note.is_empty();
        let real = passes(item.z, item.p, LEAST_Z);
        match item.change {
            Change::Unchanged => {
                if real && item.percent.map_or(0.0, f64::abs) >= LEAST_PERCENT {
                    item.change = if item.percent.is_some_and(|p| p > 0.0) { Change::Grew } else { Change::Shrank };
                    item.sure = true;
                } else {
                    item.note.clear();
                }
            }
            _ => {
                item.sure = real && !held_back;
                if !real && !held_back {
                    item.note = rare(item, observed);
                }
            }
        }
        passed += u64::from(item.sure);
    }
    for (i, kind) in ItemKind::ALL.into_iter().enumerate() {
        let alike = device.items.iter().filter(|t| t.kind == kind && t.change == Change::Unchanged).count() as u64;
        if let Some(n) = device.unchanged_items.get_mut(i) {
            *n = alike;
        }
    }
    device.items.retain(|t| t.change != Change::Unchanged);
    let weight =
        |t: &Item| t.seen.iter().flatten().map(|s| s.sent.saturating_add(s.received)).fold(0, u64::saturating_add);
    let times = |t: &Item| t.seen.iter().flatten().map(|s| s.count).sum::<u64>();
    device.items.sort_by(|a, b| {
        let order = |t: &Item| (t.kind, !t.sure, std::cmp::Reverse((weight(t), times(t))));
        order(a).cmp(&order(b)).then_with(|| a.key.cmp(&b.key))
    });
    for (slot, z, p) in std::mem::take(&mut device.schedule.tested) {
        if passes(Some(z), Some(p), LEAST_Z) {
            if z > 0.0 { &mut device.schedule.more } else { &mut device.schedule.less }.push(slot);
            passed += 1;
        }
    }
    let schedule = !device.schedule.more.is_empty() || !device.schedule.less.is_empty();
    device.changed =
        schedule || device.quantities.iter().any(|q| q.change.is_change()) || device.items.iter().any(|t| t.sure);
    passed
}

/// Shift of medians in percent of the lesser: the same there and back.
#[expect(clippy::cast_precision_loss, reason = "for printing")]
pub(super) fn speed_shift(values: [Option<u64>; 2]) -> f64 {
    let [Some(a), Some(b)] = values else { return 0.0 };
    100.0 * a.abs_diff(b) as f64 / (a.min(b).max(1)) as f64
}

/// `seen once in 46 min: may be chance`.
fn rare(item: &Item, observed: [Interval; 2]) -> String {
    let [before, after] = item.seen;
    let (seen, span) = match (before, after) {
        (Some(s), None) => (s, observed[0]),
        (None, Some(s)) => (s, observed[1]),
        _ => return String::new(),
    };
    let times = if seen.count == 1 { "once".to_owned() } else { counted(seen.count, "time") };
    format!("seen {times} in {}: may be chance", crate::units::span(span))
}
