//! What makes the sides differ although no device need have changed.

use super::Snapshot;
use super::facts::Facts;
use super::observed::{DAY, SEVEN_DAYS, by_hour};
use crate::units::{bytes, counted, span};

/// Times observed that differ by this factor are told of as a danger.
const UNEQUAL: f64 = 4.0;

/// Times observed that differ by this factor are worth a word.
const SOMEWHAT_UNEQUAL: f64 = 1.1;

/// Missing bytes of the captured ones at which what is absent says nothing (guard G-loss), in parts of a hundred.
const LOSS_PERCENT: u64 = 10;

/// Share of one-sided flows by which the sides may differ, in parts of a hundred.
const ONE_SIDED_PERCENT: u64 = 20;

const WHEN: [&str; 2] = ["before", "after"];

/// Is too much missing?
pub(super) fn is_lossy(s: &Snapshot) -> bool {
    let lost = s.gap_bytes.saturating_mul(100) >= s.side.bytes.max(1).saturating_mul(LOSS_PERCENT);
    lost || s.drops.saturating_mul(100) >= s.side.packets.max(1).saturating_mul(LOSS_PERCENT)
}

/// The sentences.
pub(super) fn caveats(sides: [&Snapshot; 2], devices: [&Facts; 2]) -> Vec<String> {
    let mut all = Vec::new();
    periods(sides, &mut all);
    for (s, when) in sides.into_iter().zip(WHEN) {
        losses(s, when, &mut all);
    }
    let one_sided = sides.map(|s| s.one_sided * 100 / s.side.flows.max(1));
    if one_sided[0].abs_diff(one_sided[1]) >= ONE_SIDED_PERCENT {
        let [a, b] = one_sided;
        all.push(format!(
            "Seen from one end only: {a} % of flows before, {b} % after; the captures may be from different places."
        ));
    }
    let known = sides.map(|s| s.devices.iter().filter(|d| d.mac.is_some()).count() * 2 >= s.devices.len().max(1));
    let any = sides.iter().all(|s| !s.devices.is_empty());
    if any && known[0] != known[1] {
        let when = if known[0] { "before" } else { "after" };
        all.push(format!(
            "Most devices' hardware addresses are seen only {when}: the captures may be from different places."
        ));
    }
    for (s, when) in sides.into_iter().zip(WHEN) {
        if s.left_off {
            all.push(format!("Not all that was seen {when} found room: what is missing there may have been left off."));
        }
    }
    if devices.iter().all(|d| d.addrs.is_empty()) {
        all.push(
            "No devices to compare: no host of the home networks sent anything (--home-net says which these are)."
                .to_owned(),
        );
    }
    all
}

/// Lengths and hours.
fn periods(sides: [&Snapshot; 2], all: &mut Vec<String>) {
    let [a, b] = sides.map(|s| s.side.observed);
    let [x, y] = [a, b].map(|o| o.as_secs_f64().max(1.0));
    let factor = (x / y).max(y / x);
    if factor >= UNEQUAL {
        all.push(format!(
            "Observed {} before and {} after: what comes rarely may be missing from the shorter one by chance.",
            span(a),
            span(b)
        ));
    } else if factor >= SOMEWHAT_UNEQUAL {
        all.push(format!("Observed {} before and {} after: compared by the hour.", span(a), span(b)));
    }
    let times = sides.map(|s| s.side.first.zip(s.side.last));
    let [Some((first_a, last_a)), Some((first_b, last_b))] = times else { return };
    if (first_a, last_a) != (first_b, last_b) {
        if first_a < last_b && first_b < last_a {
            all.push("The captures overlap in time.".to_owned());
        } else if first_a > first_b {
            all.push("The first capture is the later one.".to_owned());
        }
    }
    let hours = sides.map(|s| by_hour(s.side.first, s.side.last));
    let shared = |slots: usize| {
        let fold = |h: &[u32]| (0..slots).map(|s| h.iter().skip(s).step_by(slots).any(|n| *n > 0)).collect::<Vec<_>>();
        let [p, q] = [fold(&hours[0]), fold(&hours[1])];
        let both = p.iter().zip(&q).filter(|(p, q)| **p && **q).count();
        let less = p.iter().filter(|p| **p).count().min(q.iter().filter(|q| **q).count());
        both * 2 >= less
    };
    if (a < DAY || b < DAY) && !shared(24) {
        all.push("The captures are of different hours of the day (UTC).".to_owned());
    }
    let weekend = |h: &[u32]| {
        h.iter()
            .enumerate()
            .filter(|(_, n)| **n > 0)
            .map(|(i, _)| i >= 120)
            .fold((false, false), |(w, e), x| (w || !x, e || x))
    };
    if (a < SEVEN_DAYS || b < SEVEN_DAYS) && weekend(&hours[0]) != weekend(&hours[1]) {
        all.push("One capture has working days, the other has not, or weekends (UTC).".to_owned());
    }
}

/// What is missing from a side.
fn losses(s: &Snapshot, when: &str, all: &mut Vec<String>) {
    if s.damage > 0 {
        all.push(format!("{} damaged {when}: what comes after the damage is missing.", counted(s.damage, "capture")));
    }
    if s.drops > 0 {
        all.push(format!("The capturing interface dropped {} {when}.", counted(s.drops, "packet")));
    }
    if s.cut_packets > 0 {
        all.push(format!("{} cut by the snapshot length {when}.", counted(s.cut_packets, "packet")));
    }
    if s.gap_bytes > 0 {
        all.push(format!("{} of streams are missing {when}.", bytes(s.gap_bytes)));
    }
}
