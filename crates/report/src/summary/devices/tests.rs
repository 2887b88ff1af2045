//! Profiles from rows.

use crate::{Completeness, Page, Summary};
use sekisho_record::{EnumName, Port, Record, Text};
use sekisho_types::{Addr, Interval, MacAddr, Timestamp, Uid};

const START: i64 = 1_700_000_000;

/// Connections.
#[derive(Record)]
#[record(log = "conn")]
struct Conn {
    /// Column.
    ts: Timestamp,
    /// Column.
    uid: Uid,
    /// Column.
    #[record(name = "id.orig_h")]
    orig_h: Addr,
    /// Column.
    #[record(name = "id.resp_h")]
    resp_h: Addr,
    /// Column.
    #[record(name = "id.resp_p")]
    resp_p: Port,
    /// Column.
    proto: EnumName,
    /// Column.
    service: Option<&'static str>,
    /// Column.
    duration: Option<Interval>,
    /// Column.
    conn_state: EnumName,
    /// Column.
    orig_pkts: u64,
    /// Column.
    orig_ip_bytes: u64,
    /// Column.
    resp_pkts: u64,
    /// Column.
    resp_ip_bytes: u64,
    /// Column.
    orig_l2_addr: Option<MacAddr>,
    /// Column.
    orig_retransmitted_pkts: Option<u64>,
}

/// Handshakes.
#[derive(Record)]
#[record(log = "ssl")]
struct Ssl {
    /// Column.
    ts: Timestamp,
    /// Column.
    uid: Uid,
    /// Column.
    #[record(name = "id.orig_h")]
    orig_h: Addr,
    /// Column.
    #[record(name = "id.resp_h")]
    resp_h: Addr,
    /// Column.
    server_name: Option<Text>,
    /// Column.
    cert_chain_fps: Vec<Text>,
}

/// Leases.
#[derive(Record)]
#[record(log = "dhcp")]
struct Dhcp {
    /// Column.
    ts: Timestamp,
    /// Column.
    mac: Option<String>,
    /// Column.
    host_name: Option<Text>,
    /// Column.
    assigned_addr: Option<Addr>,
}

fn uid(n: u8) -> Uid {
    Uid::from_key(b'C', 7, &[n])
}

fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

fn conn(n: u8, orig: &str, resp: &str, port: u16, state: &'static str) -> Conn {
    Conn {
        ts: Timestamp::from_parts(START + i64::from(n), 0),
        uid: uid(n),
        orig_h: addr(orig),
        resp_h: addr(resp),
        resp_p: Port(port),
        proto: EnumName("tcp"),
        service: (port == 443).then_some("ssl"),
        duration: Some(Interval::from_secs(1)),
        conn_state: EnumName(state),
        orig_pkts: 10,
        orig_ip_bytes: 2_000,
        resp_pkts: if state == "S0" { 0 } else { 20 },
        resp_ip_bytes: if state == "S0" { 0 } else { 98_000 },
        orig_l2_addr: Some(MacAddr([2, 0, 0, 0, 0, 1])),
        orig_retransmitted_pkts: Some(1),
    }
}

fn page(rows: &[&dyn Record]) -> Page {
    let mut summary = Summary::new(1);
    rows.iter().for_each(|r| summary.add(*r));
    let first = Timestamp::from_parts(START, 0);
    summary.page(Completeness {
        first: Some(first),
        last: Some(first + Interval::from_secs(60)),
        ..Completeness::default()
    })
}

#[test]
fn a_device_has_destinations_by_the_name_it_asked_for() {
    let ssl = |n: u8, name: &str| Ssl {
        ts: Timestamp::from_parts(START, 0),
        uid: uid(n),
        orig_h: addr("10.0.0.5"),
        resp_h: addr("203.0.113.9"),
        server_name: Some(name.into()),
        cert_chain_fps: vec!["aa".into()],
    };
    let page = page(&[
        &ssl(1, "A.example"),
        &conn(1, "10.0.0.5", "203.0.113.9", 443, "SF"),
        &ssl(2, "b.example"),
        &conn(2, "10.0.0.5", "203.0.113.9", 443, "SF"),
        &conn(3, "10.0.0.5", "203.0.113.9", 443, "SF"),
        &conn(4, "10.0.0.5", "10.0.0.6", 40_000, "SF"),
        &conn(5, "10.0.0.5", "10.0.0.7", 22, "S0"),
    ]);
    let all: Vec<_> = page.devices.rows.iter().map(|d| d.addr.to_string()).collect();
    assert_eq!(all, ["10.0.0.5", "10.0.0.6"], "neither strangers nor who never spoke");
    let d = &page.devices.rows[0];
    let of = |name: Option<&str>, address: &str| {
        let named = |x: &&crate::Destination| x.name == name.map(Text::from) && x.addresses == [addr(address)];
        d.destinations.iter().find(named).map(|x| (x.traffic.flows, x.traffic.failed, x.traffic.received))
    };
    assert_eq!(of(Some("a.example"), "203.0.113.9"), Some((1, 0, 98_000)));
    assert_eq!(of(Some("b.example"), "203.0.113.9"), Some((1, 0, 98_000)));
    assert_eq!(of(None, "203.0.113.9"), Some((1, 0, 98_000)));
    assert_eq!(of(None, "10.0.0.7"), Some((1, 1, 0)));
    assert_eq!((d.opened.flows, d.opened.failed, d.outside.flows, d.accepted.flows), (5, 1, 3, 0));
    assert_eq!((d.opened.sent, d.opened.sent_spread), (10_000, 4_472));
    // Four timed flows of 800,000 bit/s, in the quarter of an octave below.
    assert_eq!((d.tcp_packets, d.retransmitted, &d.speeds[..]), (130, 5, &[(741_456, 4)][..]));
    let used: Vec<_> = d.used.iter().map(|s| String::from_utf8_lossy(&s.service.0)).collect();
    assert_eq!(used, ["ssl tcp/443", "tcp/32768+"], "a scan is no use of a service");
    assert_eq!((d.certificates.len(), d.certificates[0].count), (1, 2));
    // 2023-11-14 was a Tuesday; 22:13 UTC.
    assert_eq!((d.hours[24 + 22], d.hours.iter().sum::<u64>()), (5, 5));
    assert_eq!(d.mac, Some(MacAddr([2, 0, 0, 0, 0, 1])));
}

#[test]
fn what_a_client_says_of_itself_names_it() {
    let lease = Dhcp {
        ts: Timestamp::from_parts(START, 0),
        mac: Some("02:00:00:00:00:77".to_owned()),
        host_name: Some("camera".into()),
        assigned_addr: Some(addr("10.0.0.5")),
    };
    let page = page(&[&lease, &conn(1, "10.0.0.5", "203.0.113.9", 443, "SF")]);
    let d = &page.devices.rows[0];
    assert_eq!((d.name.clone(), d.mac), (Some("camera".into()), Some(MacAddr([2, 0, 0, 0, 0, 0x77]))));
}

#[test]
fn limits_devices_and_their_lists() {
    let mut summary = Summary::new(1);
    for i in 0..40_000u32 {
        let [_, b, c, d] = i.to_be_bytes();
        let mut row = conn(1, "10.0.0.1", &format!("203.{b}.{c}.{d}"), 80, "SF");
        row.uid = Uid::from_key(b'C', 7, &i.to_be_bytes());
        summary.add(&row);
    }
    let page = summary.page(Completeness::default());
    let d = &page.devices.rows[0];
    assert_eq!((d.opened.flows, d.destinations.len()), (40_000, 256));
    assert!(d.more_destinations > 10_000 && page.device_entries_forgotten > 10_000);
}

#[test]
fn home_networks_decide_what_a_device_is() {
    let mut summary = Summary::new(1).with_home_nets(&["203.0.113.0/24".parse().unwrap()]);
    summary.add(&conn(1, "10.0.0.5", "203.0.113.9", 443, "SF"));
    let page = summary.page(Completeness::default());
    let all: Vec<_> = page.devices.rows.iter().map(|d| (d.addr.to_string(), d.accepted.flows)).collect();
    assert_eq!(all, [("203.0.113.9".to_owned(), 1)]);
}
