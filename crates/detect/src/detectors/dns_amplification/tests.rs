use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

const SERVER: &str = "192.168.1.53";
const VICTIM: &str = "203.0.113.9";

/// A flow that began at `at`: ends, bytes and packets each way.
fn conn(n: u64, at: f64, seconds: f64, from: (&str, u16), to: (&str, u16), orig: (u64, u64), resp: (u64, u64)) -> Line {
    line(
        "conn",
        n,
        &[
            ("ts", Cell::Time(at)),
            ("uid", Cell::Uid(n)),
            ("id.orig_h", Cell::Addr(addr(from.0))),
            ("id.orig_p", Cell::Port(from.1)),
            ("id.resp_h", Cell::Addr(addr(to.0))),
            ("id.resp_p", Cell::Port(to.1)),
            ("proto", Cell::Word("udp")),
            ("duration", Cell::Span(seconds)),
            ("orig_bytes", Cell::Count(orig.0)),
            ("orig_pkts", Cell::Count(orig.1)),
            ("resp_bytes", Cell::Count(resp.0)),
            ("resp_pkts", Cell::Count(resp.1)),
        ],
    )
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "dns-amplification")
}

/// Forged requests of one length in the name of `VICTIM`, each a flow.
fn reflected(flows: u64, answer_len: u64, length: impl Fn(u64) -> u64) -> Vec<Line> {
    let flow = |n| {
        let at = 60.0 + n as f64 * 0.01;
        conn(n, at, 0.1, (VICTIM, 1024 + n as u16), (SERVER, 53), (length(n) * 10, 10), (answer_len * 10, 10))
    };
    (0..flows).map(flow).collect()
}

#[test]
fn a_server_that_reflects() {
    let all = found(&reflected(40, 3_000, |_| 40));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("dns-amplification/reflector", Severity::High));
    assert_eq!((finding.subject, finding.key.as_str()), (addr(SERVER), "dns 53/udp 203.0.113.0"));
    assert_eq!(finding.peers.named(), [addr(VICTIM)]);
    assert_eq!(finding.measures[0].to_string(), "bytes out for each byte in: 75 (threshold 10, sekisho)");
    assert_eq!(finding.quotes[0].text, "40 bytes");
    // One long flow with an NTP server, as bytes of its busiest minute.
    let long = conn(1, 0.0, 600.0, (VICTIM, 80), (SERVER, 123), (80_000, 10_000), (44_000_000, 100_000));
    assert_eq!(found(&[long])[0].key, "ntp 123/udp 203.0.113.0");
}

#[test]
fn a_host_that_is_hit() {
    let unasked = |n: u64| {
        let from = format!("198.51.{}.{}", n / 200, n % 200 + 1);
        conn(n, 60.0 + n as f64 * 0.1, 5.0, (&from, 11211), (SERVER, 80), (300_000, 250), (0, 0))
    };
    let all = found(&(0..60).map(unasked).collect::<Vec<_>>());
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.subject), ("dns-amplification/victim", addr(SERVER)));
    assert_eq!(finding.quotes[0].text, "memcached 11211/udp");
    assert_eq!(finding.measures[2].to_string(), "nobody asked for: 100 % (threshold 90, sekisho)");
    assert!(found(&(0..49).map(unasked).collect::<Vec<_>>()).is_empty(), "too few senders");
}

#[test]
fn nearly() {
    assert!(found(&reflected(40, 390, |_| 40)).is_empty(), "a factor below ten");
    assert!(found(&reflected(33, 3_000, |_| 40)).is_empty(), "below a megabyte");
    assert!(found(&reflected(40, 3_000, |n| 30 + n % 40)).is_empty(), "requests that differ");
    let slow = |n: u64| conn(n, n as f64 * 30.0, 0.1, (VICTIM, 2_000), (SERVER, 53), (400, 10), (30_000, 10));
    assert!(found(&(0..100).map(slow).collect::<Vec<_>>()).is_empty(), "not within a minute");
}

#[test]
fn ordinary() {
    // A busy server of a zone, its clients everywhere.
    let client = |n: u64| {
        let from = format!("198.{}.{}.7", 1 + n / 200, n % 200);
        conn(n, 60.0 + n as f64 * 0.001, 0.05, (&from, 4_000), (SERVER, 53), (45 + n % 20, 1), (300, 1))
    };
    assert!(found(&(0..4_000).map(client).collect::<Vec<_>>()).is_empty());
    // A host at home that asks a resolver outside much, and one that sets its clock.
    let asks = |n: u64| {
        let to = format!("198.51.100.{}", n % 60 + 1);
        conn(n, 60.0 + n as f64 * 0.01, 0.05, (SERVER, 5_000), (&to, 53), (40, 1), (4_000, 3))
    };
    assert!(found(&(0..4_000).map(asks).collect::<Vec<_>>()).is_empty());
    let clock = |n: u64| conn(n, 60.0 + n as f64, 1.0, (VICTIM, 123), (SERVER, 123), (48, 1), (48, 1));
    assert!(found(&(0..1_000).map(clock).collect::<Vec<_>>()).is_empty());
}

#[test]
fn tables_are_bounded() {
    let flow = |n: u64| {
        let from = format!("198.{}.{}.7", n / 250 % 250, n % 250);
        conn(n, 1.0, 0.1, (&from, 1), (SERVER, (if n / 62_500 == 0 { 53 } else { 123 }) as u16), (40, 1), (400, 1))
    };
    let verdict = judge(&(0..60_000).map(flow).collect::<Vec<_>>());
    let spent = verdict.spent.iter().find(|s| s.id == "dns-amplification").unwrap();
    assert!(spent.forgotten > 0 && spent.held_len < 16_000_000, "{spent:?}");
}
