use super::{regularity, span};
use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};
use sekisho_types::Timestamp;

fn row(at: f64, packet: u64, proto: &'static str, mark: u64, more: (&'static str, Cell)) -> Line {
    line(
        "probe",
        packet,
        &[
            ("ts", Cell::Time(at)),
            ("uid", Cell::Uid(1)),
            ("id.orig_h", Cell::Addr(addr("10.0.0.5"))),
            ("id.resp_h", Cell::Addr(addr("198.51.100.9"))),
            ("proto", Cell::Text(proto.into())),
            ("mark", Cell::Count(mark)),
            more,
        ],
    )
}

/// A packet with hop limit `ttl`, whose number is its mark.
fn sent(at: f64, proto: &'static str, ttl: u64) -> Line {
    row(at, ttl, proto, ttl, ("ttl", Cell::Count(ttl)))
}

/// What router `n` says of it.
fn died(at: f64, proto: &'static str, n: u64) -> Line {
    row(at, 100 + n, proto, n, ("router", Cell::Addr(addr(&format!("10.9.0.{n}")))))
}

/// One run from `at` on over `hops` routers.
fn run(at: f64, proto: &'static str, hops: u64) -> Vec<Line> {
    (1..=hops).flat_map(|n| [sent(at + n as f64, proto, n), died(at + n as f64 + 0.0015, proto, n)]).collect()
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "audit-traceroute")
}

#[test]
fn routers_that_answer_give_the_path_away() {
    let mut lines = run(100.0, "udp", 4);
    lines.push(line(
        "icmp",
        0,
        &[
            ("ts", Cell::Time(110.0)),
            ("id.orig_h", Cell::Addr(addr("198.51.100.9"))),
            ("id.resp_h", Cell::Addr(addr("10.0.0.5"))),
            ("icmp_type", Cell::Count(3)),
            ("code", Cell::Count(3)),
            ("inner_orig_h", Cell::Addr(addr("10.0.0.5"))),
            ("inner_resp_h", Cell::Addr(addr("198.51.100.9"))),
        ],
    ));
    let found = found(&lines);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.code(), "audit-traceroute/udp");
    assert_eq!((finding.severity, finding.confidence.thousandths()), (Severity::Info, 900));
    assert_eq!((finding.subject, finding.key.as_str()), (addr("10.0.0.5"), "198.51.100.9"));
    assert_eq!(finding.measures.iter().map(|m| m.value()).collect::<Vec<_>>(), [4.0, 4.0]);
    assert_eq!(finding.packets.iter().collect::<Vec<_>>(), [1, 104]);
    let path = "1 10.9.0.1 1.5 ms, 2 10.9.0.2 1.5 ms, 3 10.9.0.3 1.5 ms, 4 10.9.0.4 1.5 ms, then 198.51.100.9";
    assert_eq!(finding.quotes[0].text, path);
}

#[test]
fn rising_limits_alone_are_half_as_sure() {
    for proto in ["udp", "icmp", "tcp"] {
        let lines: Vec<Line> = (1..=3).map(|n| sent(100.0 + n as f64, proto, n)).collect();
        let found = found(&lines);
        let [finding] = &found[..] else { panic!("{found:?}") };
        assert_eq!((finding.reason.code, finding.confidence.thousandths()), (proto, 500));
    }
}

#[test]
fn daily_runs_have_a_period_and_merge() {
    let lines: Vec<Line> =
        (0..6).flat_map(|d| run(86_400.0 * f64::from(d) + f64::from(d * 37 % 60), "icmp", 3)).collect();
    let found = found(&lines);
    let [periodic, each] = &found[..] else { panic!("{found:?}") };
    assert_eq!((each.code().as_str(), each.count), ("audit-traceroute/icmp", 6));
    assert_eq!((periodic.code().as_str(), periodic.count), ("audit-traceroute/periodic", 6));
    assert_eq!((periodic.severity, periodic.confidence.thousandths()), (Severity::Low, 800));
    assert_eq!((periodic.key.as_str(), periodic.quotes[0].text.as_str()), ("198.51.100.9 by icmp", "every 1 d"));
}

#[test]
fn three_runs_are_no_schedule() {
    let lines: Vec<Line> = (0..3).flat_map(|d| run(86_400.0 * f64::from(d), "udp", 3)).collect();
    assert!(found(&lines).iter().all(|f| f.reason.code == "udp"));
}

#[test]
fn nearly() {
    // Two routers and two limits; limits that fall; limits spread over more than a minute; one limit again and again.
    assert_eq!(found(&run(100.0, "udp", 2)).len(), 0);
    assert_eq!(found(&[3, 2, 1].map(|n| sent(100.0, "udp", n))).len(), 0);
    assert_eq!(found(&[1, 2, 3].map(|n| sent(100.0 + 31.0 * n as f64, "udp", n))).len(), 0);
    assert_eq!(found(&[5; 40].map(|n| sent(100.0, "udp", n))).len(), 0);
}

#[test]
fn a_routing_loop_is_none() {
    assert_eq!(found(&(1..=9).map(|n| died(100.0 + n as f64, "icmp", n)).collect::<Vec<_>>()).len(), 0);
}

#[test]
fn a_flood_of_packets_and_answers_is_bounded() {
    let mut lines = Vec::new();
    for n in 0..500u64 {
        lines.push(row(100.0, n, "udp", n, ("ttl", Cell::Count(n % 9 + 1))));
        let router = addr(&format!("10.8.{}.{}", n / 250, n % 250));
        lines.push(row(100.0, n, "udp", n, ("router", Cell::Addr(router))));
    }
    let found = found(&lines);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].measures[0].value(), 32.0);
}

#[test]
fn gaps_are_scored_as_beacons_are() {
    let at = |gaps: &[i64]| {
        let mut t = 0;
        let starts = gaps.iter().map(|g| {
            t += g;
            Timestamp(t * 1_000_000_000)
        });
        regularity(&starts.collect::<Vec<_>>())
    };
    assert_eq!(at(&[0, 1800, 1800, 1800]), Some((1800, 1000)));
    assert_eq!(at(&[0, 1800, 1800]), None);
    // Gaps 60, 100, 500: halves are 60 and 500, so |60 + 500 - 200| / 440 = 0.818; MAD 40 of 100.
    assert_eq!(at(&[0, 60, 100, 500]), Some((100, (1000 - 818 + 600) / 2)));
    assert_eq!([span(86_390), span(7_300), span(1_800), span(45)], ["1 d", "2 h", "30 min", "45 s"]);
}
