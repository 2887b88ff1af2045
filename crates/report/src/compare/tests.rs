//! Comparisons of audits built here, with figures worked out by hand.

use super::*;
use crate::{Asked, Completeness, Destination, Listing, Page, Profile, Traffic, WEEK_HOURS, to_json};
use sekisho_types::{Interval, MacAddr, Timestamp};

const START: i64 = 1_772_442_000;

/// Flows as they come by chance, each of the same size.
fn traffic(flows: u64, sent: u64, received: u64) -> Traffic {
    let root = |bytes: u64| (flows * bytes * bytes).isqrt();
    Traffic {
        flows,
        sent: flows * sent,
        received: flows * received,
        sent_spread: root(sent),
        received_spread: root(received),
        dispersion: 1_000,
        first: Some(Timestamp::from_parts(START, 5)),
        last: Some(Timestamp::from_parts(START + 60, 0)),
        ..Traffic::default()
    }
}

fn profile(addr: &str, flows: u64, sent: u64) -> Profile {
    let traffic = traffic(flows, sent, 100);
    Profile {
        addr: addr.parse().unwrap(),
        opened: traffic,
        outside: traffic,
        tcp_packets: 10_000,
        retransmitted: 20,
        speeds: vec![(1_000_000, 40), (2_000_000, 40)],
        hours: vec![0; WEEK_HOURS],
        destinations: vec![Destination { name: Some("www.example.test".into()), traffic, ..Destination::default() }],
        ..Profile::default()
    }
}

/// An audit of `hours` hours.
fn audit(devices: Vec<Profile>, hours: i64) -> Snapshot {
    let first = Timestamp::from_parts(START, 0);
    let completeness = Completeness {
        inputs: vec!["x.pcap".to_owned()],
        packets: 1_000,
        bytes: 1_000_000,
        first: Some(first),
        last: Some(first + Interval::from_secs(hours * 3_600)),
        ..Completeness::default()
    };
    let devices = Listing { rows: devices, more: 0, exact: true };
    Snapshot::of(&Page { completeness, devices, ..Page::default() }).unwrap()
}

fn of(c: &Comparison, measure: Measure) -> Quantity {
    *c.devices[0].quantities.iter().find(|q| q.measure == measure).unwrap()
}

#[test]
fn identical_audits_are_unchanged() {
    let side = audit(vec![profile("10.0.0.1", 100, 1_000), profile("10.0.0.2", 3, 50)], 1);
    let c = compare(&side, &side, None);
    assert_eq!((c.verdict.as_str(), c.changed, c.devices.len(), c.unchanged.len()), ("nothing changed", false, 0, 2));
    assert!(c.network.quantities.iter().all(|q| q.change == Change::Unchanged), "{:?}", c.network.quantities);
    assert_eq!((c.network.unchanged_items[0], c.network.items.len(), c.tests.passed), (1, 0, 0));
}

#[test]
fn known_changes_are_told_with_their_size() {
    // S-73: 30 % more, a host gone, a host new, retransmissions from 0.2 to 2 %, half the speed.
    let mut grown = profile("10.0.0.1", 1_300, 1_000);
    grown.retransmitted = 200;
    grown.speeds = vec![(500_000, 60), (1_000_000, 20)];
    let before = audit(vec![profile("10.0.0.1", 1_000, 1_000), profile("10.0.0.2", 40, 10)], 1);
    let after = audit(vec![grown, profile("10.0.0.3", 40, 10)], 1);
    let c = compare(&before, &after, None);
    let sent = of(&c, Measure::SentBytes);
    assert_eq!((sent.change, sent.values), (Change::Grew, [Some(1_000_000), Some(1_300_000)]));
    assert!((sent.percent.unwrap() - 30.0).abs() < 1e-9);
    // (1300 − 1000)/√2300; bytes of flows alike in size say the same, but for the roots' rounding.
    let want = 300.0 / 2_300f64.sqrt();
    assert!((of(&c, Measure::Opened).z.unwrap() - want).abs() < 1e-9);
    assert!((sent.z.unwrap() - want).abs() < 1e-3);
    let again = of(&c, Measure::Retransmissions);
    assert_eq!((again.change, again.values), (Change::Lossier, [Some(2_000), Some(20_000)]));
    assert!((again.percent.unwrap() - 1.8).abs() < 1e-9);
    assert_eq!(of(&c, Measure::Throughput).change, Change::Slower);
    let presence: Vec<_> = c.devices.iter().map(|d| (d.presence, d.changed)).collect();
    let want = [(Change::Unchanged, true), (Change::Disappeared, true), (Change::Appeared, true)];
    assert!(want.iter().all(|w| presence.contains(w)), "{presence:?}");
    let back = compare(&after, &before, None);
    assert_eq!(of(&back, Measure::SentBytes).change, Change::Shrank);
    assert_eq!(of(&back, Measure::Retransmissions).change, Change::Cleaner);
    assert_eq!(of(&back, Measure::Throughput).change, Change::Faster);
    assert_eq!(of(&back, Measure::SentBytes).z, sent.z.map(|z| -z));
}

#[test]
fn twice_the_time_is_no_growth() {
    let before = audit(vec![profile("10.0.0.1", 1_000, 1_000)], 1);
    let after = audit(vec![profile("10.0.0.1", 2_000, 1_000)], 2);
    let c = compare(&before, &after, None);
    assert!(!c.changed, "{}", c.verdict);
    assert!(c.caveats[0].contains("compared by the hour"), "{:?}", c.caveats);
}

#[test]
fn what_is_seen_once_is_not_new_and_bursts_count_less() {
    let with = |flows: u64, dispersion: u64| {
        let mut device = profile("10.0.0.1", 1_000, 1_000);
        let traffic = Traffic { dispersion, ..traffic(flows, 10, 10) };
        let other = Destination { name: Some("new.example.test".into()), traffic, ..Destination::default() };
        device.destinations.push(other);
        audit(vec![device], 1)
    };
    let before = audit(vec![profile("10.0.0.1", 1_000, 1_000)], 1);
    let sure = |after: &Snapshot| {
        let c = compare(&before, after, None);
        let item = c.network.items.iter().find(|t| t.key == "new.example.test").unwrap().clone();
        assert_eq!(item.change, Change::Appeared);
        (item.sure, item.note, c.verdict)
    };
    let (is_sure, note, verdict) = sure(&with(1, 1_000));
    assert_eq!((is_sure, note.as_str()), (false, "seen once in 1 h: may be chance"));
    assert_eq!(verdict, "nothing changed beyond chance (1 difference too rare to say)");
    // √8 < 3 ≤ √9, and at sixteen in bursts of four √4.
    assert_eq!([8, 9, 30].map(|n| sure(&with(n, 1_000)).0), [false, true, true]);
    assert!(!sure(&with(30, 4_000)).0);
}

#[test]
fn times_are_compared_by_ranks_and_told_only_if_they_moved() {
    let with = |connect: u64, response: &[(u64, u64)]| {
        let mut device = profile("10.0.0.1", 1_000, 1_000);
        device.times = [vec![(connect, 200)], response.to_vec(), Vec::new()];
        audit(vec![device], 1)
    };
    let before = with(20_000, &[(10_000, 180), (40_000, 20)]);
    // S-73: the slowest take half as much again, the median stays; connecting takes a tenth more, which is too little.
    let after = with(22_000, &[(10_000, 120), (12_000, 60), (60_000, 20)]);
    let c = compare(&before, &after, None);
    assert_eq!(of(&c, Measure::Connect).change, Change::Unchanged);
    let response = of(&c, Measure::Response);
    assert_eq!((response.change, response.values), (Change::Slower, [Some(10_000); 2]));
    assert_eq!(response.high, [Some(40_000), Some(60_000)]);
    assert!(response.p.unwrap() < 0.01 && response.z.unwrap() > 0.0, "{response:?}");
    assert_eq!(c.verdict, "responses slower, 40 ms to 60 ms of the slowest 5 %");
    assert_eq!(of(&compare(&after, &before, None), Measure::Response).change, Change::Faster);
    // Both twice as long, and what is not measured on both sides.
    let c = compare(&before, &with(40_000, &[(20_000, 180), (80_000, 20)]), None);
    assert_eq!(
        c.verdict,
        "connection set-up slower, 20 ms to 40 ms at the median; responses slower, 10 ms to 20 ms at the median"
    );
    let c = compare(&before, &with(20_000, &[]), None);
    let none = {
        let all = &c.network.quantities;
        *all.iter().find(|q| q.measure == Measure::Response).unwrap()
    };
    assert_eq!((none.change, none.values, none.p), (Change::Unchanged, [Some(10_000), None], None));
    // Seven samples are too few, however far off.
    let few = compare(&with(20_000, &[(10_000, 7)]), &with(20_000, &[(90_000, 900)]), None);
    assert!(!few.changed, "{}", few.verdict);
}

#[test]
fn hours_of_all_together_count_each_flow_once() {
    let with = |n: u64| {
        let first = Timestamp::from_parts(START, 0);
        let mut page = Page {
            completeness: Completeness {
                first: Some(first),
                last: Some(first + Interval::from_secs(14 * 86_400)),
                packets: 9,
                ..Completeness::default()
            },
            devices: Listing {
                rows: vec![profile("10.0.0.1", 40, 1), profile("10.0.0.2", 40, 1)],
                more: 0,
                exact: true,
            },
            ..Page::default()
        };
        for device in &mut page.devices.rows {
            device.hours = vec![n; WEEK_HOURS];
        }
        page.activity.start = Some(first);
        page.activity.width = Interval::from_millis(10);
        page.activity.bins = vec![crate::Bin { flows: 1, bytes: 2 }];
        page.activity.week = vec![n; WEEK_HOURS];
        let json = to_json(&page);
        let snapshot = Snapshot::from_json(&json).unwrap();
        assert_eq!(snapshot.side.activity, Some(page.activity));
        // An audit from before audits told when: the devices' hours added up.
        let mut older: serde_json::Value = serde_json::from_str(&json).unwrap();
        older.as_object_mut().unwrap().remove("activity").unwrap();
        (snapshot, Snapshot::from_json(&older.to_string()).unwrap())
    };
    let ((before, old_before), (after, old_after)) = (with(5), with(9));
    let flows = |a: &Snapshot, b: &Snapshot| compare(a, b, None).network.schedule.flows.map(|f| f[30]);
    assert_eq!(flows(&before, &after), [5, 9]);
    assert_eq!(flows(&old_before, &old_after), [10, 18]);
    // What only one side knows is not compared with what the other does.
    assert_eq!(flows(&before, &old_after), [10, 18]);
    // Of one device its own.
    assert_eq!(compare(&before, &after, Some("10.0.0.1")).network.schedule.flows.map(|f| f[30]), [5, 9]);
}

#[test]
fn lists_that_were_cut_are_not_trusted() {
    let mut after = profile("10.0.0.1", 1_000, 1_000);
    after.destinations.clear();
    after.more_destinations = 7;
    let before = audit(vec![profile("10.0.0.1", 1_000, 1_000)], 1);
    let c = compare(&before, &audit(vec![after], 1), None);
    let item = &c.network.items[0];
    assert_eq!((item.change, item.sure, item.note.as_str()), (Change::Disappeared, false, "not all was kept after"));
}

#[test]
fn a_judgement_that_could_not_be_made_has_not_gone() {
    let with = |finding: &str, sight: &str| {
        let page = Page {
            devices: Listing { rows: vec![profile("10.0.0.1", 1_000, 1_000)], more: 0, exact: true },
            ..Page::default()
        };
        let mut json: serde_json::Value = serde_json::from_str(&to_json(&page)).unwrap();
        json["capture"]["first"] = "2026-03-02T09:00:00.000000000Z".into();
        json["capture"]["last"] = "2026-03-02T10:00:00.000000000Z".into();
        json["totals"]["packets"] = 9.into();
        json["findings"] = serde_json::from_str(finding).unwrap();
        json["coverage"] = serde_json::json!([{"judgement": "tls-cert-trust", "sight": sight}]);
        Snapshot::from_json(&json.to_string()).unwrap()
    };
    let finding = r#"[{"id": "tls-cert-trust", "reason": "self-signed", "code": "tls-cert-trust/self-signed", "title": "t", "means": "m",
        "severity": "high", "confidence": 0.9, "subject": "10.0.0.1", "key": "443", "peers": [], "more_peers": false, "first": null,
        "last": null, "count": 90, "flows": {"count": 1, "samples": ["C1"]}, "packets": {"count": 1, "samples": [7]}, "measures": [],
        "quotes": [], "benign": [], "quality": [], "muted": null}]"#;
    let told = |sight: &str| {
        let c = compare(&with(finding, "working"), &with("[]", sight), None);
        let f = &c.findings[0];
        (f.change, f.sure, f.note.clone(), c.changed)
    };
    assert_eq!(told("working"), (Change::Disappeared, true, String::new(), true));
    assert_eq!(told("blind"), (Change::Disappeared, false, "could not be judged after".to_owned(), false));
}

#[test]
fn half_seen_flows_give_no_volumes() {
    let mut after = profile("10.0.0.1", 1_000, 9_000);
    after.one_sided = 400;
    let before = audit(vec![profile("10.0.0.1", 1_000, 1_000)], 1);
    let c = compare(&before, &audit(vec![after], 1), None);
    assert_eq!(c.network.quantities[0].change, Change::NotComparable);
    assert!(c.network.notes[0].contains("only one end was seen after"), "{:?}", c.network.notes);
}

#[test]
fn another_address_is_the_same_device() {
    let with_mac =
        |addr: &str, last: u8| Profile { mac: Some(MacAddr([2, 0, 0, 0, 0, last])), ..profile(addr, 99, 10) };
    let before = audit(vec![with_mac("10.0.0.1", 1), with_mac("10.0.0.2", 2)], 1);
    let after = audit(vec![with_mac("10.0.0.7", 1), with_mac("10.0.0.2", 3)], 1);
    let c = compare(&before, &after, None);
    assert_eq!((c.devices.len(), c.unchanged.len()), (0, 2), "{}", c.verdict);
    let by: Vec<_> = c.unchanged.iter().map(|d| d.matched_by).collect();
    assert!(by.contains(&MatchedBy::Mac) && by.contains(&MatchedBy::Address), "{by:?}");
    assert_eq!(compare(&before, &after, Some("02:00:00:00:00:01")).unchanged.len(), 1);
    assert_eq!(compare(&before, &after, Some("10.0.0.7")).unchanged[0].addresses[0][0], "10.0.0.1".parse().unwrap());
}

#[test]
fn schedules_tell_hours_apart_from_volume() {
    let at_hour = |hour: usize, factor: u64| {
        let mut device = profile("10.0.0.1", 2_000, 10);
        device.hours = vec![10 * factor; WEEK_HOURS];
        device.hours[hour] = 200 * factor;
        audit(vec![device], 14 * 24)
    };
    // Twice as much throughout is no other schedule.
    let c = compare(&at_hour(30, 1), &at_hour(30, 2), None);
    assert_eq!(
        (c.network.schedule.grain, c.network.schedule.more.len(), c.network.schedule.less.len()),
        (Grain::Week, 0, 0)
    );
    let c = compare(&at_hour(30, 1), &at_hour(31, 1), None);
    assert_eq!((&c.network.schedule.more[..], &c.network.schedule.less[..]), (&[31][..], &[30][..]));
    assert!(c.verdict.contains("active at other hours"), "{}", c.verdict);
}

#[test]
fn nothing_from_the_wire_acts_on_the_terminal_and_nothing_is_too_wide() {
    let mut after = profile("10.0.0.1", 1_000, 1_000);
    let evil = "\u{1b}[31m\u{202e}evil".repeat(20);
    after.names = vec![Asked { name: evil.as_str().into(), count: 99, dispersion: 1_000, ..Asked::default() }];
    after.name = Some(evil.as_str().into());
    let c = compare(&audit(vec![profile("10.0.0.1", 9, 1_000)], 1), &audit(vec![after], 1), None);
    for width in [60, 80, 160] {
        let text = crate::render_comparison(&c, width, false);
        assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')));
        assert!(text.lines().all(|l| crate::width_of(l) <= width), "{text}");
    }
    serde_json::from_str::<serde_json::Value>(&crate::comparison_to_json(&c)).unwrap();
}

#[test]
fn an_audit_reads_back_as_it_was_written() {
    let page =
        Page { devices: Listing { rows: vec![profile("10.0.0.1", 7, 1)], more: 0, exact: true }, ..Page::default() };
    let snapshot = Snapshot::from_json(&to_json(&page)).unwrap();
    assert_eq!(snapshot.devices[0].opened, page.devices.rows[0].opened);
    assert_eq!(snapshot.devices[0].speeds, page.devices.rows[0].speeds);
    for (text, want) in [("[1]", "JSON, but not"), ("{}", "JSON, but not"), ("{", "not JSON")] {
        let error = Snapshot::from_json(text).unwrap_err().to_string();
        assert!(error.contains(want) && !error.contains('\n'), "{error}");
    }
}
