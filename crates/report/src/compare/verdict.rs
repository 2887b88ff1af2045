//! Results in one line.

use super::judge::{LEAST_SPEED_PERCENT, speed_shift};
use super::shown::{Size, value};
use super::{Change, Comparison, Device, ItemKind, Measure, Quantity};
use crate::units::{count, counted};

/// `99.1 % less traffic`, `3.2 times as much traffic`, `traffic, none before`: without the floor that percentages have.
fn amount(q: &Quantity, what: &str, [less, more, as_much]: [&str; 3]) -> String {
    let sides = q.per_hour.unwrap_or_default();
    let size = Size::of(sides);
    let words = size.words();
    match size {
        Size::NoneBefore => format!("{what}, none before"),
        Size::Times(_) => format!("{words} times as {as_much} {what}"),
        Size::Percent(_) if sides[1] < sides[0] => format!("{words} {less} {what}"),
        Size::Percent(_) => format!("{words} {more} {what}"),
    }
}

/// A sure change in words; of all devices together in terms of the network.
fn quantity(q: &Quantity, whole: bool) -> Option<String> {
    if !q.change.is_change() {
        return None;
    }
    let percent = q.percent?;
    let volume = |what: &str| amount(q, what, ["less", "more", "much"]);
    let number = |what: &str| amount(q, what, ["fewer", "more", "many"]);
    let points = |ppm: Option<u64>| format!("{}.{:02} %", ppm.unwrap_or(0) / 10_000, ppm.unwrap_or(0) % 10_000 / 100);
    Some(match q.measure {
        Measure::SentBytes if whole => volume("outbound traffic"),
        Measure::SentBytes => volume("sent"),
        Measure::ReceivedBytes if whole => volume("inbound traffic"),
        Measure::ReceivedBytes => volume("received"),
        Measure::Opened => number("connections opened"),
        Measure::Accepted => number("connections accepted"),
        Measure::Failed => number("connections failed"),
        Measure::Retransmissions => format!("retransmissions {} to {}", points(q.values[0]), points(q.values[1])),
        time if time.is_time() => {
            let what = match time {
                Measure::Connect => "connection set-up",
                Measure::Response => "responses",
                _ => "own responses",
            };
            let (of, [a, b]) = if speed_shift(q.values) >= LEAST_SPEED_PERCENT {
                ("at the median", q.values)
            } else {
                ("of the slowest 5 %", q.high)
            };
            let way = if q.change == Change::Slower { "slower" } else { "faster" };
            format!("{what} {way}, {} to {} {of}", value(q.measure, a), value(q.measure, b))
        }
        Measure::Throughput if percent < 0.0 => format!("throughput {:.0} % less", -percent),
        Measure::Throughput => format!("throughput {percent:.0} % more"),
        _ => return None,
    })
}

/// `8 destinations gone, 2 new`; and how many were left out as not sure.
fn items(device: &Device, kind: ItemKind) -> Option<String> {
    let sure = |change| device.items.iter().filter(|t| t.kind == kind && t.sure && t.change == change).count() as u64;
    let (gone, new) = (sure(Change::Disappeared), sure(Change::Appeared));
    if gone + new == 0 {
        return None;
    }
    let (noun, gone_words) = match kind {
        ItemKind::Destination => ("destination", "gone"),
        ItemKind::Name => ("name", "no longer asked for"),
        ItemKind::Used => ("service", "no longer used"),
        ItemKind::Offered => ("service", "no longer offered"),
        ItemKind::Certificate => ("certificate", "gone"),
        ItemKind::Finding => ("finding", "gone"),
    };
    let new_words = match kind {
        ItemKind::Name => "newly asked for",
        ItemKind::Used => "newly used",
        ItemKind::Offered => "newly offered",
        _ => "new",
    };
    let counted = |n| match (kind, n) {
        (ItemKind::Finding, 1) => "1 kind of finding".to_owned(),
        (ItemKind::Finding, n) => format!("{} kinds of finding", count(n)),
        _ => counted(n, noun),
    };
    Some(match (gone, new) {
        (0, new) => format!("{} {new_words}", counted(new)),
        (gone, new) => format!("{} {gone_words}, {} new", counted(gone), count(new)),
    })
}

/// What one device, or all together, come to.
pub(crate) fn of(device: &Device, whole: bool) -> String {
    let mut parts: Vec<String> = Vec::new();
    match device.presence {
        Change::Appeared | Change::Disappeared => {
            let flows = device.quantities.iter().filter(|q| matches!(q.measure, Measure::Opened | Measure::Accepted));
            let flows: u64 = flows.flat_map(|q| q.values).flatten().sum();
            let when = if device.presence == Change::Appeared { "only after" } else { "only before" };
            let doubt = if device.changed { "" } else { ": may be chance" };
            return format!("seen {when}, {}{doubt}", counted(flows, "flow"));
        }
        _ => {}
    }
    parts.extend(device.quantities.iter().filter_map(|q| quantity(q, whole)));
    parts.extend(ItemKind::ALL.into_iter().filter_map(|kind| items(device, kind)));
    let other =
        device.items.iter().filter(|t| t.sure && matches!(t.change, Change::Grew | Change::Shrank)).count() as u64;
    if other > 0 && parts.is_empty() {
        parts.push(format!("{} used more or less than before", counted(other, "thing")));
    }
    if !device.schedule.more.is_empty() || !device.schedule.less.is_empty() {
        parts.push("active at other hours".to_owned());
    }
    let doubtful = device.items.iter().filter(|t| !t.sure).count() as u64;
    if parts.is_empty() {
        return match doubtful {
            0 => "nothing changed".to_owned(),
            n => format!("nothing changed beyond chance ({} too rare to say)", counted(n, "difference")),
        };
    }
    if doubtful > 0 {
        parts.push(format!("{} more may be chance", count(doubtful)));
    }
    parts.join("; ")
}

/// What the comparison comes to.
pub(super) fn overall(c: &Comparison) -> String {
    for (side, when) in c.sides.iter().zip(["before", "after"]) {
        if side.packets == 0 {
            return format!("not comparable: there is no packet {when}");
        }
    }
    let with = |presence| c.devices.iter().filter(|d| d.changed && d.presence == presence).count() as u64;
    let (gone, new) = (with(Change::Disappeared), with(Change::Appeared));
    let mut line = c.network.verdict.clone();
    if !c.network.changed && c.changed {
        line = "nothing changed in all together".to_owned();
    }
    if gone + new > 0 {
        line = format!("{line}; {} gone, {} new", counted(gone, "device"), count(new));
    }
    let changed = with(Change::Unchanged);
    if !c.network.changed && changed > 0 {
        line = format!("{line}; {} changed", counted(changed, "device"));
    }
    line
}
