use super::*;
use crate::testing::{Cell, Line, addr, between, judge, line, of};
use crate::testing_flow::Flow;
use sekisho_finding::Finding;

const HOST: &str = "10.0.0.5";
const STORE: &str = "203.0.113.9";
const DAY_SECS: f64 = 86_400.0;

/// A TLS session that asks for a name.
fn asks(at: f64, name: &str, to: &str, packet: u64) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(packet + 1_000)),
        ("id.orig_h", Cell::Addr(addr(HOST))),
        ("id.resp_h", Cell::Addr(addr(to))),
        ("id.resp_p", Cell::Port(443)),
        ("server_name", Cell::Text(name.into())),
    ];
    line("ssl", packet, &columns)
}

/// Twenty hosts that browse every day until `days`, and ask DNS.
fn office(days: u32) -> Vec<Line> {
    let mut all = Vec::new();
    for day in 0..days {
        for n in 0..20u32 {
            let (at, from) = (f64::from(day) * DAY_SECS + f64::from(n), format!("10.0.0.{}", n + 1));
            let question = [("id.resp_p", Cell::Port(53)), ("rcode", Cell::Count(0))];
            all.push(between("dns", at, (&from, "10.0.0.1"), &question));
            all.push(
                Flow::used(at, &from, "198.51.100.7", 443).sized(1.0, 20_000, 2_000_000).line(u64::from(day * 100 + n)),
            );
        }
    }
    all
}

/// Uploads of `each` bytes to a name, or to no name, in `flows` flows on the day behind `days` of history.
fn uploads(days: u32, name: &str, flows: u64, each: u64) -> Vec<Line> {
    let mut all = office(days);
    for n in 0..flows {
        let (at, packet) = (f64::from(days) * DAY_SECS + n as f64 * 60.0, 500_000 + n);
        if !name.is_empty() {
            all.push(asks(at, name, STORE, packet));
        }
        all.push(Flow::used(at, HOST, STORE, 443).sized(30.0, each, 200_000).line(packet));
    }
    all
}

fn judged(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "exfil-new-destination")
}

#[test]
fn a_large_upload_to_a_new_place() {
    // S-34: 45 MB in two flows.
    let all = judged(&uploads(31, "up.store.example", 2, 22_500_000));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("exfil-new-destination/new", Severity::Medium));
    assert_eq!((finding.subject, finding.key.as_str()), (addr(HOST), "up.store.example"));
    assert_eq!((finding.confidence, finding.stage), (Confidence::percent(60), Stage::Exfil));
    assert_eq!(finding.measures[0].value(), 45_000_000.0);
    // To an address that nobody asked for, to a site for texts, to storage with half the limit.
    for (name, each, code, severity) in [
        ("", 22_500_000, "exfil-new-destination/direct-ip", Severity::High),
        ("pastebin.com", 6_000_000, "exfil-new-destination/paste", Severity::High),
        ("g.api.mega.co.nz", 6_000_000, "exfil-new-destination/personal-cloud", Severity::Medium),
    ] {
        let all = judged(&uploads(31, name, 2, each));
        assert_eq!((all.len(), all[0].code().as_str(), all[0].severity), (1, code, severity));
    }
    // Many flows, but most of what the host sends.
    assert_eq!(judged(&uploads(31, "up.store.example", 40, 1_000_000)).len(), 1);
}

#[test]
fn nearly() {
    for lines in [
        uploads(31, "up.store.example", 2, 9_900_000),
        uploads(31, "mega.nz", 2, 4_900_000),
        // Many flows, and the host sends as much elsewhere.
        {
            let mut lines = uploads(31, "up.store.example", 40, 1_000_000);
            let other = Flow::used(31.0 * DAY_SECS - 10.0, HOST, "198.51.100.7", 443).sized(1.0, 90_000_000, 1);
            lines.insert(31 * 40, other.line(400_000));
            lines
        },
        // Used two days before.
        {
            let mut lines = office(30);
            lines.push(asks(29.5 * DAY_SECS, "www.store.example", STORE, 400_000));
            lines.push(Flow::used(29.5 * DAY_SECS, HOST, STORE, 443).line(400_000));
            lines.extend(uploads(31, "up.store.example", 2, 22_500_000).split_off(31 * 40));
            lines
        },
    ] {
        let all = judged(&lines);
        assert!(all.is_empty(), "{all:?}");
    }
    // More came back than went out.
    let mut lines = office(31);
    lines.push(asks(31.0 * DAY_SECS, "up.store.example", STORE, 500_000));
    lines.push(Flow::used(31.0 * DAY_SECS, HOST, STORE, 443).sized(9.0, 45_000_000, 30_000_000).line(500_000));
    assert!(judged(&lines).is_empty());
}

#[test]
fn without_history_it_is_a_fact() {
    for (days, severity) in [(1, Severity::Info), (29, Severity::Info), (31, Severity::Medium)] {
        let all = judged(&uploads(days, "up.store.example", 2, 22_500_000));
        assert_eq!((all.len(), all[0].severity), (1, severity), "{days}");
    }
}

#[test]
fn an_alarm_about_the_host_replaces_history() {
    // Calls every two hours and eleven in all are told as low, calls each minute as an alarm.
    for (each, count, told, severity) in
        [(7_200, 11, Severity::Low, Severity::Info), (60, 1_300, Severity::High, Severity::Medium)]
    {
        let mut lines = uploads(1, "up.store.example", 2, 22_500_000);
        lines.extend((0..count).map(|n: u32| {
            Flow::used(f64::from(30 + n * each), HOST, "203.0.113.77", 443)
                .sized(1.0, 400, 400)
                .line(u64::from(900_000 + n))
        }));
        lines.sort_by(|a, b| a.ts().total_cmp(&b.ts()));
        let all = judge(&lines);
        let beacon = of(&all, "c2-beacon").iter().map(|f| f.severity).max();
        let upload = of(&all, "exfil-new-destination").iter().map(|f| f.severity).max();
        assert_eq!((beacon, upload), (Some(told), Some(severity)), "{each}");
    }
}

#[test]
fn ordinary() {
    // A measurement of the line, a call; a place that half of the office uses.
    for name in ["server.ooklaserver.net", "de.zoom.us"] {
        assert!(judged(&uploads(31, name, 2, 22_500_000)).is_empty(), "{name}");
    }
    let mut lines = uploads(31, "", 0, 0);
    for n in 0..10u32 {
        let from = format!("10.0.0.{}", n + 1);
        lines.push(Flow::used(31.0 * DAY_SECS - 400_000.0, &from, STORE, 443).line(600_000 + u64::from(n)));
    }
    lines.push(Flow::used(31.0 * DAY_SECS, "10.0.0.19", STORE, 443).sized(9.0, 45_000_000, 1_000).line(700_000));
    assert!(judged(&lines).iter().all(|f| f.severity == Severity::Info));
    // Three hosts begin at once: a new service.
    let mut lines = uploads(31, "", 0, 0);
    for n in 0..3u32 {
        let at = 31.0 * DAY_SECS + f64::from(n) * 1000.0;
        let from = format!("10.0.0.{}", n + 1);
        lines.push(Flow::used(at, &from, STORE, 443).sized(9.0, 45_000_000, 1_000).line(700_000 + u64::from(n)));
    }
    let all = judged(&lines);
    assert!(all.len() == 3 && all.iter().all(|f| f.severity == Severity::Info), "{all:?}");
    // Inside, and from outside.
    let mut lines = office(31);
    lines.push(Flow::used(31.0 * DAY_SECS, HOST, "10.0.0.9", 445).sized(9.0, 45_000_000, 1_000).line(700_000));
    lines.push(Flow::used(31.0 * DAY_SECS, STORE, HOST, 443).sized(9.0, 45_000_000, 1_000).line(700_001));
    assert!(judged(&lines).is_empty());
}

#[test]
fn limits_what_is_kept() {
    let mut detector = NewUploads::new(&Scope::default());
    for n in 0..200_000u64 {
        let host = Addr::v4([10, 0, 0, 1]);
        detector.pairs.at((host, n), Contact::default);
        detector.places.at(n, || Place { hosts: vec![(host, Timestamp(0)); MAX_TOLD_APART], ..Place::default() });
    }
    assert!(detector.held_len() < 12 << 20, "{}", detector.held_len());
    assert!(detector.forgotten() > 300_000);
}
