//! The comparison's page. What a browser makes of it is seen by `cargo xtask page`.

use super::*;
use crate::compare::{
    CertificateOf, Device, Evidence, FindingPair, Grain, Identity, Item, ItemKind, MatchedBy, Measure, Quantity,
    Schedule, Seen, Snapshot, compare, verdict_of,
};
use crate::{Activity, Bin, Completeness, Listing, Page, Profile, Traffic, WEEK_HOURS};
use sekisho_finding::Severity;
use sekisho_types::{Interval, MacAddr, Timestamp};

const HOSTILE: &str = "</bdi><script>ran=1</script>\" onload='x\u{202e}";
const CHANGES: [Change; 5] = [Change::Appeared, Change::Disappeared, Change::Grew, Change::Shrank, Change::Unchanged];

fn seen(count: u64) -> Option<Seen> {
    Some(Seen { count, sent: count * 100, received: count * 10, ..Seen::default() })
}

fn items() -> Vec<Item> {
    let mut all = Vec::new();
    for kind in ItemKind::ALL {
        for (n, change) in CHANGES.into_iter().take(4).enumerate() {
            for sure in [true, false] {
                let key = if kind == ItemKind::Finding { "dns-rebinding/flip" } else { HOSTILE };
                all.push(Item {
                    kind,
                    key: format!("{key}{n}{sure}"),
                    detail: if kind == ItemKind::Certificate { "self-signed; until 2026-03-08" } else { "tcp/80" }
                        .into(),
                    certificate: (kind == ItemKind::Certificate).then(|| CertificateOf {
                        own: sure,
                        server: HOSTILE.into(),
                        issuer: "CN=x".into(),
                    }),
                    seen: [
                        if change == Change::Appeared { None } else { seen(5) },
                        if change == Change::Disappeared { None } else { seen(50) },
                    ],
                    change,
                    sure,
                    note: match (change, sure) {
                        (Change::Grew, _) => "bytes sent".into(),
                        (_, false) => "seen once in 46 min 2 s: may be chance".into(),
                        _ => String::new(),
                    },
                    percent: Some(-99.0),
                    ..Item::default()
                });
            }
        }
    }
    all
}

fn quantities(change: Change) -> Vec<Quantity> {
    let of = |measure: Measure| {
        let rate = !matches!(measure, Measure::Retransmissions | Measure::Throughput) && !measure.is_time();
        let up = matches!(change, Change::Grew | Change::Slower | Change::Lossier);
        let values = if up { [100_000, 130_000] } else { [130_000, 100_000] };
        Quantity {
            measure,
            values: values.map(Some),
            high: values.map(Some),
            per_hour: rate.then(|| values.map(|v| v as f64)),
            percent: Some(if up { 30.0 } else { -23.1 }),
            z: Some(4.0),
            p: Some(1e-7),
            change,
        }
    };
    Measure::ALL.into_iter().map(of).collect()
}

fn evidence(inputs: u64) -> Evidence {
    Evidence {
        id: "dns-rebinding".into(),
        reason: "private-answer".into(),
        code: "dns-rebinding/private-answer".into(),
        title: "outside name pointing inside".into(),
        means: "A public name was answered with an internal address.".into(),
        severity: Severity::High,
        subject: "10.0.0.7".parse().unwrap(),
        key: HOSTILE.into(),
        first: Some(Timestamp::from_parts(1_700_000_000, 0)),
        last: Some(Timestamp::from_parts(1_700_000_060, 0)),
        count: 3,
        uids: vec![format!("C{inputs}")],
        flows: 1,
        packets: vec![7],
        packet_count: 1,
        ..Evidence::default()
    }
}

fn schedule() -> Schedule {
    let mut flows = [vec![3u64; WEEK_HOURS], vec![4; WEEK_HOURS]];
    flows[1][30] = 400;
    let observed = [vec![3_600u32; WEEK_HOURS], vec![3_600; WEEK_HOURS]];
    let mut schedule = Schedule::default();
    (schedule.flows, schedule.observed) = (flows, observed);
    (schedule.grain, schedule.more, schedule.less) = (Grain::Week, vec![30], vec![31]);
    schedule
}

/// Everything that a comparison can say, once.
fn everything() -> Comparison {
    let device = |n: u32, presence, changed| Device {
        identity: Identity {
            addresses: [vec![format!("10.0.0.{n}").parse().unwrap()], vec![]],
            name: Some(HOSTILE.into()),
            mac: Some("02:00:00:00:00:01".into()),
            matched_by: [MatchedBy::Mac, MatchedBy::Name, MatchedBy::Address][n as usize % 3],
        },
        presence,
        changed,
        verdict: "99.4 % less sent; 3 destinations gone, 1 new; active at other hours; 2 more may be chance".into(),
        notes: vec!["Its address was 10.0.0.1 and is 10.0.0.2.".into()],
        quantities: quantities(Change::Shrank),
        items: items(),
        schedule: schedule(),
        ..Device::default()
    };
    let side = |name: &str, flag: &str| Side {
        inputs: vec![name.to_owned()],
        captures: vec![name.to_owned()],
        reading: vec!["--seed".to_owned(), flag.to_owned()],
        activity: Some(Activity {
            start: Some(Timestamp::from_parts(1_700_000_000, 0)),
            width: Interval::from_secs(60),
            bins: vec![Bin { flows: 3, bytes: 9_000 }; 40],
            week: vec![1; WEEK_HOURS],
        }),
        observed: Interval::from_secs(86_400),
        ..Side::default()
    };
    let pair = |change, before: bool, after: bool, sure: bool| FindingPair {
        change,
        sure,
        note: if sure { String::new() } else { "others of the same kind are on both sides".into() },
        sides: [before.then(|| evidence(1)), after.then(|| evidence(2))],
    };
    Comparison {
        sides: [side("it's before.pcap", "1"), side("after.pcap", "2")],
        caveats: vec!["Observed 3 d 4 h before and 46 min after: compared by the hour.".into()],
        verdict: "99.4 % less outbound traffic; 8 destinations gone, 0 new".into(),
        changed: true,
        network: Device {
            identity: Identity::default(),
            presence: Change::Unchanged,
            ..device(1, Change::Unchanged, true)
        },
        devices: vec![
            device(1, Change::Unchanged, true),
            device(2, Change::Appeared, true),
            device(3, Change::Disappeared, true),
            device(4, Change::Appeared, false),
        ],
        unchanged: vec![Identity { name: Some(HOSTILE.into()), ..Identity::default() }],
        findings: vec![
            pair(Change::Appeared, false, true, true),
            pair(Change::Disappeared, true, false, false),
            pair(Change::Unchanged, true, true, true),
        ],
        ..Comparison::default()
    }
}

#[test]
fn text_from_the_wire_stays_text() {
    for lang in [Lang::En, Lang::Ja] {
        let html = render_comparison_html(&everything(), lang);
        assert_eq!(html.matches("<script").count(), 1);
        assert!(html.contains("&lt;script&gt;ran=1&lt;/script&gt;") && html.contains(r"\u{202e}"));
        assert!(!html.contains('\u{202e}') && !html.contains(" style=\"") && !html.contains("onload='"));
    }
}

#[test]
fn long_names_are_cut() {
    let mut c = everything();
    let long = "n".repeat(10_000);
    c.devices[0].identity.name = Some(long.clone());
    c.sides[0].inputs = vec![long.clone()];
    for item in c.network.items.iter_mut().chain(&mut c.devices[0].items) {
        (item.key, item.detail) = (long.clone(), long.clone());
    }
    c.findings[0].sides[1].as_mut().unwrap().key = long.clone();
    let html = render_comparison_html(&c, Lang::En);
    assert!(!html.contains(&"n".repeat(300)), "{}", html.len());
    assert!(html.contains('…'));
}

#[test]
fn every_finding_leads_to_the_packets_of_its_side() {
    let html = render_comparison_html(&everything(), Lang::En);
    let before = "sekisho packets --uid C1 --seed 1 -o before-2.pcapng &#39;it&#39;\\&#39;&#39;s before.pcap&#39;";
    for command in [
        "sekisho packets --uid C2 --seed 2 -o after-1.pcapng after.pcap",
        before,
        "-o before-3.pcapng",
        "-o after-3.pcapng",
    ] {
        assert!(html.contains(command), "{command}");
    }
    assert!(!html.contains("before-1.pcapng") && !html.contains("after-2.pcapng"));
}

#[test]
fn japanese_pages_have_nothing_left_in_english() {
    let mut c = everything();
    for change in [Change::Grew, Change::Lossier, Change::Slower, Change::NotComparable, Change::Unchanged] {
        c.network.quantities = quantities(change);
        let html = render_comparison_html(&c, Lang::Ja);
        assert!(html.contains("<html lang=\"ja\">"));
        let (_, body) = html.split_once("<main").unwrap();
        let left: Vec<&str> = body.split("lang=\"en\"").skip(1).map(|t| t.get(..80).unwrap_or(t)).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// What of a verdict's parts has no translation.
fn untranslated(verdict: &str) -> Vec<String> {
    let catalogue = super::super::language::Catalogue::of(Lang::Ja);
    verdict.split("; ").filter(|part| catalogue.like(part).is_none()).map(str::to_owned).collect()
}

#[test]
fn every_verdict_has_japanese_words() {
    let none = Vec::<String>::new();
    for change in [Change::Grew, Change::Shrank, Change::Slower, Change::Faster, Change::Lossier, Change::Cleaner] {
        for whole in [true, false] {
            for (factor, slowest) in [(1, false), (10, false), (0, false), (1, true)] {
                let mut d = Device { quantities: quantities(change), ..Device::default() };
                for q in &mut d.quantities {
                    q.per_hour =
                        q.per_hour.map(|[a, b]| if factor == 0 { [0.0, b] } else { [a, b * f64::from(factor)] });
                    if slowest {
                        q.values = [Some(5); 2];
                    }
                }
                let said = verdict_of(&d, whole);
                assert!(said.split("; ").count() >= 8, "{said}");
                assert_eq!(untranslated(&said), none);
            }
        }
    }
    for (gone, new) in [(0, 1), (0, 2), (1, 0), (1, 1), (5, 2)] {
        let of = |change, n: usize| {
            items().into_iter().filter(move |t| t.change == change && t.sure).flat_map(move |t| vec![t; n])
        };
        let items = of(Change::Disappeared, gone).chain(of(Change::Appeared, new)).collect();
        let said = verdict_of(&Device { items, ..Device::default() }, true);
        assert!(said.split("; ").count() >= 6, "{said}");
        assert_eq!(untranslated(&said), none);
    }
    for (items, presence, changed) in [
        (Vec::new(), Change::Unchanged, false),
        (items().into_iter().filter(|t| !t.sure).take(1).collect(), Change::Unchanged, false),
        (items().into_iter().filter(|t| !t.sure).collect(), Change::Unchanged, false),
        (items().into_iter().filter(|t| t.change == Change::Grew).collect(), Change::Unchanged, true),
        (Vec::new(), Change::Appeared, true),
        (Vec::new(), Change::Disappeared, false),
    ] {
        let d = Device { items, presence, changed, quantities: quantities(Change::Unchanged), ..Device::default() };
        assert_eq!(untranslated(&verdict_of(&d, true)), none);
        let schedule = Device { schedule: schedule(), ..Device::default() };
        assert_eq!(untranslated(&verdict_of(&schedule, true)), none);
    }
    assert_eq!(untranslated("a verdict that nobody wrote"), ["a verdict that nobody wrote"]);
}

/// An audit from `start`, changed by `with`.
fn audit(start: i64, secs: i64, with: impl FnOnce(&mut Page)) -> Snapshot {
    let first = Timestamp::from_parts(start, 0);
    let traffic = Traffic { flows: 40, sent: 4_000, received: 400, dispersion: 1_000, ..Traffic::default() };
    let device = |n: u8| Profile {
        addr: format!("10.0.0.{n}").parse().unwrap(),
        opened: traffic,
        outside: traffic,
        hours: vec![0; WEEK_HOURS],
        ..Profile::default()
    };
    let mut page = Page {
        completeness: Completeness {
            inputs: vec!["x.pcap".to_owned()],
            packets: 1_000,
            bytes: 100_000,
            first: Some(first),
            last: Some(first + Interval::from_secs(secs)),
            ..Completeness::default()
        },
        devices: Listing { rows: vec![device(1), device(2)], more: 0, exact: true },
        ..Page::default()
    };
    page.totals.flows = 100;
    with(&mut page);
    Snapshot::of(&page).unwrap()
}

#[test]
fn every_caveat_and_note_has_japanese_words() {
    // Monday, 09:00.
    const START: i64 = 1_772_442_000;
    let plain = || audit(START, 3_600, |_| {});
    let odd: [&dyn Fn(&mut Page); 9] = [
        &|p| p.completeness.damage = vec!["cut".into()],
        &|p| p.completeness.damage = vec!["cut".into(), "cut".into()],
        &|p| p.completeness.capture_drops = Some(1),
        &|p| p.completeness.capture_drops = Some(2),
        &|p| (p.completeness.cut_packets, p.completeness.gap_bytes) = (1, 90_000),
        &|p| p.completeness.cut_packets = 2,
        &|p| (p.device_entries_forgotten, p.completeness.one_sided_flows) = (1, 90),
        &|p| {
            p.devices.rows.iter_mut().for_each(|d| {
                d.one_sided = 30;
                d.mac = Some(MacAddr([2, 0, 0, 0, 0, d.addr.octets()[15]]));
            })
        },
        &|p| p.devices.rows.clear(),
    ];
    let mut all = Vec::new();
    let mut told = |a: &Snapshot, b: &Snapshot| {
        let c = compare(a, b, None);
        all.extend(c.caveats);
        all.extend(c.network.notes);
        all.extend(c.devices.into_iter().flat_map(|d| d.notes));
        all.extend(c.network.items.into_iter().map(|t| t.note).filter(|n| !n.is_empty()));
        all.extend(c.verdict.split("; ").map(str::to_owned));
    };
    for with in odd {
        let other = audit(START, 3_600, |p| with(p));
        told(&plain(), &other);
        told(&other, &plain());
    }
    let none = audit(START, 3_600, |p| p.completeness.packets = 0);
    told(&none, &plain());
    told(&plain(), &none);
    let empty = audit(START, 3_600, |p| p.devices.rows.clear());
    told(&empty, &empty);
    for (start, secs) in [(1_800, 3_600), (-86_400, 3_600), (12 * 3_600, 3_700), (5 * 86_400, 4_500), (0, 90_000)] {
        told(&plain(), &audit(START + start, secs, |_| {}));
    }
    let macs = |last: u8, addr: &'static str, name: Option<&'static str>| {
        audit(START, 3_600, move |p| {
            let d = &mut p.devices.rows[0];
            d.mac = Some(MacAddr([2, 0, 0, 0, 0, last]));
            d.addr = addr.parse().unwrap();
            d.opened.flows = u64::from(last) * 100;
            d.name = name.map(|n| n.as_bytes().into());
        })
    };
    told(&macs(1, "10.0.0.7", None), &macs(9, "10.0.0.7", None));
    told(&macs(1, "10.0.0.7", Some("cam")), &macs(9, "10.0.0.8", Some("cam")));
    all.sort();
    all.dedup();
    assert!(all.len() > 30, "{all:#?}");
    let catalogue = super::super::language::Catalogue::of(Lang::Ja);
    let left: Vec<&String> = all.iter().filter(|t| catalogue.like(t).is_none()).collect();
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn limits_devices_items_and_findings_and_counts_the_rest() {
    let mut c = everything();
    c.devices = vec![c.devices[0].clone(); 500];
    c.findings = vec![c.findings[0].clone(); 5_000];
    let item = c.network.items[0].clone();
    c.network.items = vec![item; 5_000];
    c.unchanged = vec![c.unchanged[0].clone(); 5_000];
    let html = render_comparison_html(&c, Lang::En);
    for said in [
        "and 300 more, counted",
        "and 4,800 more, counted",
        "4,940 more findings are",
        "460 more devices are",
        "and 4,500 more",
    ] {
        assert!(html.contains(said), "{said}");
    }
    assert!(html.len() < 9_000_000, "{}", html.len());
}

#[test]
fn what_did_not_change_is_said_so() {
    let side = audit(1_772_442_000, 3_600, |_| {});
    let html = render_comparison_html(&compare(&side, &side, None), Lang::En);
    assert!(html.contains("<div class=\"headline same\"><p class=\"lead\">Nothing changed</p></div>"));
    assert!(html.contains("No device changed.") && !html.contains("class=\"warnings\""));
    assert_eq!(html, render_comparison_html(&compare(&side, &side, None), Lang::En));
}
