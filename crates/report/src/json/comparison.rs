use super::Json;
use crate::compare::{Comparison, Device, FindingPair, Grain, Identity, Item, ItemKind, Quantity, Seen, Side};

/// Version of the JSON's shape. A new member doesn't raise it; a removed or changed one does.
pub const COMPARISON_VERSION: u32 = 1;

/// The comparison as JSON, indented, without a newline at the end.
///
/// Members, in this order: `comparison_version`; `verdict`; `changed`; `caveats[]`; `before` and `after` {inputs[], captures[], reading[], from_json, first, last,
/// observed, packets, bytes, flows, devices, findings, complete}; `network`, one device, all together; `findings[]` {code, subject, key,
/// severity, change, sure, note, before and after {severity, count, first, last, flows[], packets[]}, some of them}; `devices[]` {addresses_before[],
/// addresses_after[], mac, name, matched_by, presence, verdict, changed, notes[], quantities[] {measure, before, after, before_p95 and after_p95 (of times), before_per_hour,
/// after_per_hour, percent, z, p, change}, items[] {kind, key, detail, change, sure, note, percent, z, p, before, after},
/// unchanged_items {kind: number}, schedule {grain, flows_before[], flows_after[] (168 hours of a week), more[], less[]}}; `unchanged[]`; `tests`.
pub fn comparison_to_json(c: &Comparison) -> String {
    let mut json = Json::default();
    json.object(|j| {
        j.number("comparison_version", u64::from(COMPARISON_VERSION));
        j.text("verdict", c.verdict.as_bytes());
        j.flag("changed", c.changed);
        j.strings("caveats", c.caveats.iter().map(String::as_bytes));
        let [before, after] = &c.sides;
        j.member("before", |j| side(j, before));
        j.member("after", |j| side(j, after));
        j.member("network", |j| device(j, &c.network));
        j.objects("findings", &c.findings, finding);
        j.objects("devices", &c.devices, device);
        j.objects("unchanged", &c.unchanged, identity);
        j.member("tests", |j| {
            j.number("made", c.tests.made);
            j.number("passed", c.tests.passed);
            j.float("least_z", Some(c.tests.least_z));
            j.float("false_discovery_rate", Some(c.tests.false_discovery_rate));
            j.float("greatest_p", Some(c.tests.greatest_p));
        });
    });
    json.finish()
}

fn side(j: &mut Json, s: &Side) {
    j.strings("inputs", s.inputs.iter().map(String::as_bytes));
    j.strings("captures", s.captures.iter().map(String::as_bytes));
    j.strings("reading", s.reading.iter().map(String::as_bytes));
    j.flag("from_json", s.from_json);
    j.time("first", s.first);
    j.time("last", s.last);
    j.seconds("observed", Some(s.observed.0));
    j.number("packets", s.packets);
    j.number("bytes", s.bytes);
    j.number("flows", s.flows);
    j.number("devices", s.devices);
    j.number("findings", s.findings);
    j.flag("complete", s.complete);
}

fn identity(j: &mut Json, i: &Identity) {
    let [before, after] = i.addresses.each_ref().map(|a| a.iter().map(ToString::to_string).collect::<Vec<_>>());
    j.strings("addresses_before", before.iter().map(|a| a.as_bytes()));
    j.strings("addresses_after", after.iter().map(|a| a.as_bytes()));
    j.text("mac", i.mac.as_deref().map(str::as_bytes));
    j.text("name", i.name.as_deref().map(str::as_bytes));
    j.text("matched_by", i.matched_by.name().as_bytes());
}

fn device(j: &mut Json, d: &Device) {
    identity(j, &d.identity);
    j.text("presence", d.presence.name().as_bytes());
    j.text("verdict", d.verdict.as_bytes());
    j.flag("changed", d.changed);
    j.strings("notes", d.notes.iter().map(String::as_bytes));
    j.objects("quantities", &d.quantities, quantity);
    j.objects("items", &d.items, item);
    j.member("unchanged_items", |j| {
        ItemKind::ALL.iter().zip(d.unchanged_items).for_each(|(kind, n)| j.number(kind.name(), n));
    });
    j.member("schedule", |j| {
        let grain = match d.schedule.grain {
            Grain::None => "none",
            Grain::Day => "hour-of-day",
            Grain::Week => "hour-of-week",
        };
        j.text("grain", grain.as_bytes());
        j.numbers("flows_before", d.schedule.flows[0].iter().copied());
        j.numbers("flows_after", d.schedule.flows[1].iter().copied());
        j.numbers("more", d.schedule.more.iter().map(|h| u64::from(*h)));
        j.numbers("less", d.schedule.less.iter().map(|h| u64::from(*h)));
    });
}

fn finding(j: &mut Json, f: &FindingPair) {
    let Some(latest) = f.latest() else { return };
    j.text("code", latest.code.as_bytes());
    j.addr("subject", latest.subject);
    j.text("key", latest.key.as_bytes());
    j.text("severity", latest.severity.name().as_bytes());
    j.text("change", f.change.name().as_bytes());
    j.flag("sure", f.sure);
    j.text("note", f.note.as_bytes());
    for (name, side) in ["before", "after"].into_iter().zip(&f.sides) {
        match side {
            None => j.text(name, None),
            Some(e) => j.member(name, |j| {
                j.text("severity", e.severity.name().as_bytes());
                j.number("count", e.count);
                j.time("first", e.first);
                j.time("last", e.last);
                j.strings("flows", e.uids.iter().map(String::as_bytes));
                j.numbers("packets", e.packets.iter().copied());
            }),
        }
    }
}

fn quantity(j: &mut Json, q: &Quantity) {
    j.text("measure", q.measure.name().as_bytes());
    j.number("before", q.values[0]);
    j.number("after", q.values[1]);
    if q.measure.is_time() {
        j.number("before_p95", q.high[0]);
        j.number("after_p95", q.high[1]);
    }
    j.float("before_per_hour", q.per_hour.map(|r| r[0]));
    j.float("after_per_hour", q.per_hour.map(|r| r[1]));
    j.float("percent", q.percent);
    j.float("z", q.z);
    j.float("p", q.p);
    j.text("change", q.change.name().as_bytes());
}

fn item(j: &mut Json, t: &Item) {
    j.text("kind", t.kind.name().as_bytes());
    j.text("key", t.key.as_bytes());
    j.text("detail", t.detail.as_bytes());
    j.text("change", t.change.name().as_bytes());
    j.flag("sure", t.sure);
    j.text("note", t.note.as_bytes());
    j.float("percent", t.percent);
    j.float("z", t.z);
    j.float("p", t.p);
    for (name, seen) in [("before", t.seen[0]), ("after", t.seen[1])] {
        match seen {
            None => j.text(name, None),
            Some(s) => j.member(name, |j| of_side(j, s)),
        }
    }
}

fn of_side(j: &mut Json, s: Seen) {
    j.number("count", s.count);
    j.number("failed", s.failed);
    j.number("sent_bytes", s.sent);
    j.number("received_bytes", s.received);
    j.time("first", s.first);
    j.time("last", s.last);
}
