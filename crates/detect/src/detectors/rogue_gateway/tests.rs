use crate::testing::{Cell, Line, addr, judge, line, of};
use crate::testing_flow::Flow;
use sekisho_finding::{Finding, Severity};

const DAY: f64 = 86_400.0;

fn lease(at: f64, server: &str, router: &str, resolver: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("mac", Cell::Text(b"02:00:00:00:00:07".to_vec())),
        ("assigned_addr", Cell::Addr(addr("10.0.1.7"))),
        ("msg_types", Cell::Texts(["DISCOVER", "OFFER", "REQUEST", "ACK"].map(str::to_owned).to_vec())),
        ("server_ids", Cell::Addrs(vec![addr(server)])),
        ("routers", Cell::Addrs(vec![addr(router)])),
        ("dns_servers", Cell::Addrs(vec![addr(resolver)])),
    ];
    line("dhcp", 12, &columns)
}

/// Something that shows that the network was watched since then.
fn watched() -> Line {
    Flow::used(0.0, "10.0.0.1", "203.0.113.1", 443).line(1)
}

fn found(lines: Vec<Line>) -> Vec<Finding> {
    of(&judge(&lines), "rogue-gateway")
}

#[test]
fn a_second_server_names_other_settings() {
    let usual = lease(1.0, "10.0.1.2", "10.0.1.1", "10.0.1.2");
    let rogue = |at| lease(at, "10.0.1.66", "10.0.1.66", "10.0.1.66");
    let found = found(vec![watched(), usual, rogue(8.0 * DAY)]);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("rogue-gateway/dhcp-server/accepted", Severity::Critical));
    assert_eq!(
        (finding.subject, finding.peers.named()),
        (addr("10.0.1.66"), &[addr("10.0.1.2"), addr("10.0.1.7")][..])
    );
    // While little was seen, nobody knows which one is right.
    let usual = lease(1.0, "10.0.1.2", "10.0.1.1", "10.0.1.2");
    assert_eq!(self::found(vec![watched(), usual, rogue(60.0)])[0].severity, Severity::Low);
}

#[test]
fn a_server_that_was_away_for_long_begins_anew() {
    let of = |at, server: &str, resolver: &str| lease(at * DAY, server, "10.0.1.1", resolver);
    let (old, new) = ("10.0.1.2", "10.0.1.3");
    let usual = [(1.0, old, "10.0.0.53"), (95.0, new, "10.0.0.54"), (100.0, old, "10.0.0.53")];
    // It was the first one once; now the other one was there before it.
    let further = (101.0, "10.0.1.4", "10.0.0.54");
    let leases = usual.into_iter().chain([further]).map(|(at, server, resolver)| of(at, server, resolver));
    let all = found([watched()].into_iter().chain(leases).collect());
    assert_eq!(all.iter().map(|f| f.subject).collect::<Vec<_>>(), [addr(old)], "{all:?}");
}

#[test]
fn servers_in_agreement_and_of_other_networks() {
    let usual = || lease(1.0, "10.0.1.2", "10.0.1.1", "10.0.0.53");
    assert_eq!(found(vec![watched(), usual(), lease(8.0 * DAY, "10.0.1.3", "10.0.1.1", "10.0.0.53")]).len(), 0);
    assert_eq!(found(vec![watched(), usual(), lease(8.0 * DAY, "10.0.9.3", "10.0.9.1", "10.0.0.54")]).len(), 0);
    assert_eq!(found(vec![watched(), usual(), usual()]).len(), 0);
}

#[test]
fn a_known_server_changes_its_mind() {
    let lines = vec![
        watched(),
        lease(1.0, "10.0.1.2", "10.0.1.1", "10.0.0.53"),
        lease(9.0 * DAY, "10.0.1.2", "10.0.1.1", "198.51.100.9"),
    ];
    assert_eq!(found(lines)[0].code(), "rogue-gateway/dhcp-options/accepted");
}

#[test]
fn addresses_are_used_up() {
    let ask = |i: u32| {
        let columns = [
            ("ts", Cell::Time(f64::from(i))),
            ("mac", Cell::Text(format!("02:00:00:00:00:{i:02x}").into_bytes())),
            ("msg_types", Cell::Texts(vec!["DISCOVER".to_owned()])),
        ];
        line("dhcp", 12, &columns)
    };
    let flood = found((0..50).map(ask).collect());
    assert_eq!((flood[0].code().as_str(), flood[0].severity), ("rogue-gateway/dhcp-starvation", Severity::Medium));
    assert_eq!(found((0..49).map(ask).collect()).len(), 0);
}

fn advert(at: f64, router: &str, resolver: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("id.orig_h", Cell::Addr(addr(router))),
        ("id.resp_h", Cell::Addr(addr("ff02::1"))),
        ("operation", Cell::Word("router_advertisement")),
        ("is_orig", Cell::Flag(true)),
        ("router_lifetime", Cell::Span(1800.0)),
        ("dns_servers", Cell::Addrs(vec![addr(resolver)])),
    ];
    line("ndp", 13, &columns)
}

fn dhcpv6(at: f64, from: &str, resolver: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("id.orig_h", Cell::Addr(addr("fe80::7"))),
        ("id.resp_h", Cell::Addr(addr(from))),
        ("msg_type", Cell::Word("REPLY")),
        ("dns_servers", Cell::Addrs(vec![addr(resolver)])),
    ];
    line("dhcpv6", 14, &columns)
}

#[test]
fn routers_and_name_servers_of_ipv6() {
    let ra = found(vec![watched(), advert(1.0, "fe80::1", "fd00::53"), advert(8.0 * DAY, "fe80::66", "fe80::66")]);
    assert_eq!(
        (ra[0].code().as_str(), ra[0].severity, ra[0].subject),
        ("rogue-gateway/ra", Severity::High, addr("fe80::66"))
    );
    assert_eq!(
        found(vec![watched(), advert(1.0, "fe80::1", "fd00::53"), advert(8.0 * DAY, "fe80::2", "fd00::53")]).len(),
        0
    );
    let six = found(vec![watched(), dhcpv6(8.0 * DAY, "fe80::66", "fe80::66")]);
    assert_eq!((six[0].code().as_str(), six[0].severity), ("rogue-gateway/dhcpv6-dns", Severity::High));
    // A router at home does both; a server that names another.
    assert_eq!(
        found(vec![watched(), advert(1.0, "fe80::1", "fe80::1"), dhcpv6(8.0 * DAY, "fe80::1", "fe80::1")]).len(),
        0
    );
    assert_eq!(found(vec![watched(), dhcpv6(8.0 * DAY, "fe80::1", "fd00::53")]).len(), 0);
}

#[test]
fn state_is_bounded() {
    let lines: Vec<Line> = (0..5_000u32)
        .map(|i| lease(f64::from(i), &format!("10.{}.{}.9", 50 + i / 256, i % 256), "10.0.1.1", "10.0.1.1"))
        .collect();
    let verdict = judge(&lines);
    let spent = verdict.spent.iter().find(|s| s.id == "rogue-gateway").unwrap();
    assert!(spent.forgotten > 4_000 && spent.held_len < 1 << 16, "{spent:?}");
}
