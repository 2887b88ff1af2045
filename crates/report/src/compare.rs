//! Two audits compared: what disappeared, appeared, grew or shrank, device by device (`audit-diff` of `detections.md` §9).
//!
//! Both sides come as an audit's JSON ([`Snapshot`]), so that a capture and its audit compare alike. [`compare()`] gives a [`Comparison`], plain
//! data. What happens as often by chance is left out or marked so: `statistics.rs` says how.

mod caveats;
mod evidence;
mod facts;
mod identity;
mod judge;
mod model;
mod observed;
mod read;
pub(crate) mod shown;
mod statistics;
mod verdict;

pub use evidence::{Evidence, FindingPair, Measured};
pub use model::{
    CertificateOf, Change, Comparison, Device, Grain, Identity, Item, ItemKind, MatchedBy, Measure, Quantity, Schedule,
    Seen, Side, Tests,
};
pub use read::{ReadError, Snapshot};

#[cfg(test)]
pub(crate) use verdict::of as verdict_of;

use facts::Facts;
use identity::Pair;
use judge::{Frame, Ledger, settle};
use std::cmp::Reverse;

/// Compares two audits; with `only` the device of that address, hardware address or name alone.
pub fn compare(before: &Snapshot, after: &Snapshot, only: Option<&str>) -> Comparison {
    let groups = [before, after].map(|s| identity::grouped(&s.devices));
    let [left, right] = &groups;
    let mut pairs = identity::pairs(left, right);
    let of = |pair: &Pair| [pair.sides[0].and_then(|x| left.get(x)), pair.sides[1].and_then(|y| right.get(y))];
    if let Some(who) = only {
        pairs.retain(|p| of(p).iter().flatten().any(|d| read::is(d, who)));
    }
    let mut sum = [Facts::default(), Facts::default()];
    for pair in &pairs {
        for (sum, one) in sum.iter_mut().zip(of(pair)) {
            one.into_iter().for_each(|d| sum.absorb(d));
        }
    }
    for (sum, side) in sum.iter_mut().zip([before, after]) {
        sum.count_sessions_once();
        if only.is_none() {
            let [.., findings] = &mut sum.lists;
            facts::absorb_list(findings, &side.others);
        }
    }
    // Both audits know when all flows came, each counted once: of a flow between two devices both have told.
    if let ([Some(a), Some(b)], None) = ([before, after].map(Snapshot::week), only) {
        for (sum, week) in sum.iter_mut().zip([a, b]) {
            sum.hours = week.to_vec();
        }
    }
    let hours = [before, after].map(|s| observed::by_hour(s.side.first, s.side.last));
    let frame = Frame {
        observed: [before.side.observed, after.side.observed],
        hours: [&hours[0], &hours[1]],
        blind: [&before.blind, &after.blind],
        left_off: [before.left_off, after.left_off],
        lossy: [before, after].map(caveats::is_lossy),
    };
    let mut ledger = Ledger::default();
    let network = frame.examine([Some(&sum[0]), Some(&sum[1])], true, &mut ledger);
    let mut devices: Vec<Device> = pairs
        .iter()
        .map(|pair| {
            let mut device = frame.examine(of(pair), false, &mut ledger);
            identify(&mut device, pair, of(pair));
            device
        })
        .collect();
    let made = ledger.0.len() as u64;
    let greatest_p = statistics::greatest_p(ledger.0);
    let mut comparison = Comparison {
        sides: [before.side.clone(), after.side.clone()],
        caveats: caveats::caveats([before, after], sum.each_ref()),
        network,
        tests: Tests {
            made,
            passed: 0,
            least_z: statistics::LEAST_Z,
            false_discovery_rate: statistics::FALSE_DISCOVERY_RATE,
            greatest_p,
        },
        ..Comparison::default()
    };
    let mut passed = settle(&mut comparison.network, greatest_p, frame.observed);
    comparison.network.verdict = verdict::of(&comparison.network, true);
    for device in &mut devices {
        passed += settle(device, greatest_p, frame.observed);
        device.verdict = verdict::of(device, false);
    }
    comparison.tests.passed = passed;
    comparison.findings = evidence::pairs(
        [&before.findings, &after.findings],
        [left, right],
        &pairs,
        (&comparison.network, &devices),
        only.is_some(),
    );
    devices.sort_by_key(|d| (!d.changed, Reverse(shift(d)), d.identity.addresses.clone()));
    let (told, rest) = devices.into_iter().partition(|d| d.changed || d.presence.is_change());
    comparison.devices = told;
    comparison.unchanged = rest.into_iter().map(|d: Device| d.identity).collect();
    comparison.changed = comparison.network.changed || comparison.devices.iter().any(|d| d.changed);
    comparison.verdict = verdict::overall(&comparison);
    comparison
}

/// Bytes an hour by which a device changed.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn shift(device: &Device) -> u64 {
    let bytes = device.quantities.iter().filter(|q| matches!(q.measure, Measure::SentBytes | Measure::ReceivedBytes));
    bytes.filter_map(|q| q.per_hour).map(|[a, b]| (b - a).abs() as u64).fold(0, u64::saturating_add)
}

/// Who the device is, and what to say of how it was found.
fn identify(device: &mut Device, pair: &Pair, sides: [Option<&Facts>; 2]) {
    let addresses = sides.map(|s| s.map(|d| d.addrs.clone()).unwrap_or_default());
    let latest = |of: fn(&Facts) -> &Option<String>| sides.iter().rev().flatten().find_map(|d| of(d).clone());
    device.identity = Identity { mac: latest(|d| &d.mac), name: latest(|d| &d.name), matched_by: pair.by, addresses };
    let [before, after] = sides;
    device.presence = match (before, after) {
        (None, _) => Change::Appeared,
        (_, None) => Change::Disappeared,
        _ => Change::Unchanged,
    };
    if let (Some(before), Some(after)) = (before, after) {
        if let (Some(old), Some(new)) = (&before.mac, &after.mac)
            && old != new
        {
            let by = if pair.by == MatchedBy::Name { "name" } else { "address" };
            let note =
                format!("Its hardware address was {old} and is {new}: perhaps another device with the same {by}.");
            device.notes.insert(0, note);
        }
        if before.addrs.iter().all(|a| !after.addrs.contains(a)) {
            let list = |d: &Facts| d.addrs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            device.notes.insert(0, format!("Its address was {} and is {}.", list(before), list(after)));
        }
    }
}

#[cfg(test)]
mod tests;
