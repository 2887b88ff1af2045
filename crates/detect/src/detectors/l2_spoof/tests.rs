use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};
use sekisho_types::MacAddr;

const GATEWAY: &str = "10.0.1.1";
const VICTIM: &str = "10.0.1.7";
const ROUTER: u8 = 1;
const HOST: u8 = 7;
const LIAR: u8 = 66;

fn mac(last: u8) -> Cell {
    Cell::Mac(MacAddr([2, 0, 0, 0, 0, last]))
}

fn arp(at: f64, operation: &'static str, who: (&str, u8), to: &str, count: u64, lasts: f64) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("operation", Cell::Word(operation)),
        ("orig_mac", mac(who.1)),
        ("orig_h", Cell::Addr(addr(who.0))),
        ("resp_h", Cell::Addr(addr(to))),
        ("count", Cell::Count(count)),
        ("duration", Cell::Span(lasts)),
    ];
    line("arp", 20, &columns)
}

/// A flow to the outside, through the router.
fn flow(at: f64) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("id.orig_h", Cell::Addr(addr(VICTIM))),
        ("id.resp_h", Cell::Addr(addr("203.0.113.1"))),
        ("proto", Cell::Word("tcp")),
        ("duration", Cell::Span(1.0)),
        ("orig_l2_addr", mac(HOST)),
        ("resp_l2_addr", mac(ROUTER)),
    ];
    line("conn", 10, &columns)
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "l2-spoof")
}

fn codes(lines: &[Line]) -> Vec<String> {
    found(lines).iter().map(Finding::code).collect()
}

fn before() -> Vec<Line> {
    vec![
        flow(0.0),
        arp(1.0, "request", (GATEWAY, ROUTER), VICTIM, 1, 0.0),
        arp(2.0, "request", (VICTIM, HOST), GATEWAY, 1, 0.0),
    ]
}

#[test]
fn both_sides_are_told_lies() {
    // S-18: replies every 1.5 s to victim and gateway.
    let mut lines = before();
    lines.push(arp(40.0, "reply", (GATEWAY, LIAR), VICTIM, 100, 150.0));
    lines.push(arp(40.5, "reply", (VICTIM, LIAR), GATEWAY, 100, 150.0));
    lines.push(flow(50.0));
    let found = found(&lines);
    let codes: Vec<String> = found.iter().map(Finding::code).collect();
    assert_eq!(codes, ["l2-spoof/mitm", "l2-spoof/flood-unsolicited", "l2-spoof/flood-unsolicited"]);
    assert_eq!((found[0].severity, found[0].confidence.thousandths()), (Severity::Critical, 950));
    assert_eq!((found[0].subject, found[0].key.as_str()), (addr(GATEWAY), "02:00:00:00:00:42"));
    assert_eq!(found[0].peers.named(), [addr(VICTIM)]);
}

#[test]
fn one_side() {
    let mut lines = before();
    lines.push(arp(40.0, "reply", (GATEWAY, LIAR), VICTIM, 3, 10.0));
    let found = found(&lines);
    assert_eq!((found[0].code().as_str(), found.len()), ("l2-spoof/gateway-claim", 1));
    // Another host's address, once: a docking station, an address that moved.
    let mut other = before();
    other.push(arp(40.0, "gratuitous", (VICTIM, LIAR), VICTIM, 1, 0.0));
    assert_eq!(codes(&other).len(), 0);
}

#[test]
fn a_cluster_fails_over() {
    // The old one is silent for more than a minute.
    let mut lines = before();
    lines.push(arp(400.0, "gratuitous", (GATEWAY, LIAR), GATEWAY, 1, 0.0));
    assert_eq!(codes(&lines).len(), 0);
    // VRRP: the virtual address's own hardware address.
    let vrrp = [
        ("ts", Cell::Time(5.0)),
        ("operation", Cell::Word("gratuitous")),
        ("orig_mac", Cell::Mac(MacAddr([0, 0, 0x5e, 0, 1, 9]))),
        ("orig_h", Cell::Addr(addr(GATEWAY))),
        ("resp_h", Cell::Addr(addr(GATEWAY))),
        ("count", Cell::Count(40)),
    ];
    let mut lines = before();
    lines.push(line("arp", 21, &vrrp));
    assert_eq!(codes(&lines).len(), 0);
    // Leased anew.
    let lease = [("ts", Cell::Time(39.0)), ("assigned_addr", Cell::Addr(addr(GATEWAY)))];
    let mut lines = before();
    lines.push(line("dhcp", 22, &lease));
    lines.push(arp(40.0, "gratuitous", (GATEWAY, LIAR), GATEWAY, 1, 0.0));
    assert_eq!(codes(&lines).len(), 0);
}

#[test]
fn two_claim_one_address_in_turn() {
    let turn = |claims| {
        [
            arp(0.0, "request", ("10.0.1.9", 9), GATEWAY, claims, 100.0),
            arp(50.0, "request", ("10.0.1.9", 10), GATEWAY, claims, 100.0),
        ]
    };
    assert_eq!(codes(&turn(2)), ["l2-spoof/flip-flop"]);
    assert_eq!(codes(&turn(1)).len(), 0);
    let after = [
        arp(0.0, "request", ("10.0.1.9", 9), GATEWAY, 5, 10.0),
        arp(50.0, "request", ("10.0.1.9", 10), GATEWAY, 5, 100.0),
    ];
    assert_eq!(codes(&after).len(), 0);
}

#[test]
fn one_takes_over_several() {
    let taken = |n: u8| -> Vec<Line> {
        let own = (0..n).map(|i| arp(f64::from(i), "request", (&format!("10.0.2.{i}"), 100 + i), GATEWAY, 1, 0.0));
        let new =
            (0..n).map(|i| arp(20.0 + f64::from(i), "gratuitous", (&format!("10.0.2.{i}"), LIAR), GATEWAY, 1, 0.0));
        own.chain(new).collect()
    };
    assert_eq!(codes(&taken(5)), ["l2-spoof/one-mac-many"]);
    assert_eq!(codes(&taken(4)).len(), 0);
}

#[test]
fn frames_from_another_and_floods() {
    let columns = [
        ("ts", Cell::Time(1.0)),
        ("operation", Cell::Word("reply")),
        ("orig_mac", mac(9)),
        ("orig_h", Cell::Addr(addr("10.0.1.9"))),
        ("resp_h", Cell::Addr(addr(VICTIM))),
        ("count", Cell::Count(1)),
        ("frame_mac", mac(LIAR)),
    ];
    let found = found(&[line("arp", 3, &columns)]);
    assert_eq!((found[0].code().as_str(), found[0].severity), ("l2-spoof/sender-mismatch", Severity::Low));
    let flood = |count, lasts| codes(&[arp(0.0, "reply", ("10.0.1.9", 9), VICTIM, count, lasts)]);
    assert_eq!(flood(10, 60.0), ["l2-spoof/flood-unsolicited"]);
    assert_eq!((flood(9, 10.0).len(), flood(10, 299.0).len()), (0, 0));
}

#[test]
fn by_neighbour_discovery() {
    let advert = |at, source: u8, forced: bool| {
        let columns = [
            ("ts", Cell::Time(at)),
            ("id.orig_h", Cell::Addr(addr("fe80::1"))),
            ("id.resp_h", Cell::Addr(addr("fe80::7"))),
            ("operation", Cell::Word("neighbour_advertisement")),
            ("is_orig", Cell::Flag(true)),
            ("target", Cell::Addr(addr("fe80::1"))),
            ("target_mac", mac(source)),
            ("solicited", Cell::Flag(!forced)),
            ("override", Cell::Flag(true)),
            ("count", Cell::Count(3)),
        ];
        line("ndp", 30, &columns)
    };
    let router = [
        ("ts", Cell::Time(0.0)),
        ("id.orig_h", Cell::Addr(addr("fe80::1"))),
        ("id.resp_h", Cell::Addr(addr("ff02::1"))),
        ("operation", Cell::Word("router_advertisement")),
        ("is_orig", Cell::Flag(true)),
        ("router_lifetime", Cell::Span(1800.0)),
    ];
    assert_eq!(
        codes(&[line("ndp", 29, &router), advert(1.0, ROUTER, false), advert(30.0, LIAR, true)]),
        ["l2-spoof/gateway-claim"]
    );
    assert_eq!(codes(&[line("ndp", 29, &router), advert(1.0, ROUTER, false), advert(30.0, ROUTER, true)]).len(), 0);
}

#[test]
fn state_is_bounded() {
    let lines: Vec<Line> = (0..60_000u32)
        .map(|i| {
            arp(
                f64::from(i),
                "request",
                (&format!("10.{}.{}.9", i / 256 % 256, i % 256), (i % 251) as u8),
                GATEWAY,
                1,
                0.0,
            )
        })
        .collect();
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "l2-spoof").unwrap();
    assert!(spent.forgotten > 50_000 && spent.held_len < 1 << 20, "{spent:?}");
}
