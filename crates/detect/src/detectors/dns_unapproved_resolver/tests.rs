use crate::Scope;
use crate::testing::{Cell, Line, addr, judge, judge_in, line, of};
use sekisho_finding::{Finding, Severity};

const CLIENT: &str = "10.0.0.7";
const OWN: &str = "10.0.0.53";
const OUTSIDE: &str = "198.51.100.53";

fn head(at: f64, from: &str, to: &str, port: u16) -> Vec<(&'static str, Cell)> {
    vec![
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(1 + at as u64)),
        ("id.orig_h", Cell::Addr(addr(from))),
        ("id.orig_p", Cell::Port(4000)),
        ("id.resp_h", Cell::Addr(addr(to))),
        ("id.resp_p", Cell::Port(port)),
    ]
}

fn row(log: &'static str, mut columns: Vec<(&'static str, Cell)>, more: &[(&'static str, Cell)]) -> Line {
    columns.extend_from_slice(more);
    line(log, 7, &columns)
}

/// An answer with recursion, or one with authority.
fn answer(at: f64, from: &str, to: &str, name: &str, authoritative: bool) -> Line {
    row(
        "dns",
        head(at, from, to, 53),
        &[
            ("query", Cell::Text(name.as_bytes().to_vec())),
            ("qtype", Cell::Count(1)),
            ("rcode", Cell::Count(0)),
            ("AA", Cell::Flag(authoritative)),
            ("RA", Cell::Flag(!authoritative)),
        ],
    )
}

fn asked(from_at: f64, count: u32, gap: f64, from: &str, to: &str) -> Vec<Line> {
    (0..count).map(|n| answer(from_at + gap * f64::from(n), from, to, &format!("n{n}.example.test"), false)).collect()
}

fn ssl(to: &str, port: u16, name: &str, offered: &str) -> Line {
    let texts = if offered.is_empty() { vec![] } else { vec![offered.to_owned()] };
    let more = [("server_name", Cell::Text(name.as_bytes().to_vec())), ("client_alpn", Cell::Texts(texts))];
    row("ssl", head(5.0, CLIENT, to, port), &more)
}

fn quic(name: &str, offered: &str) -> Line {
    let more =
        [("server_name", Cell::Text(name.as_bytes().to_vec())), ("client_alpn", Cell::Texts(vec![offered.to_owned()]))];
    row("quic", head(5.0, CLIENT, OUTSIDE, 853), &more)
}

fn http(method: &'static str, uri: &str) -> Line {
    let more = [
        ("method", Cell::Text(method.as_bytes().to_vec())),
        ("uri", Cell::Text(uri.as_bytes().to_vec())),
        ("host", Cell::Text(b"resolver.test".to_vec())),
    ];
    row("http", head(5.0, CLIENT, OUTSIDE, 443), &more)
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "dns-unapproved-resolver")
}

fn codes(lines: &[Line]) -> Vec<(&'static str, Severity)> {
    found(lines).iter().map(|f| (f.reason.code, f.severity)).collect()
}

#[test]
fn questions_past_the_own_resolver() {
    // Nothing is known of one of its own: a fact.
    let mut lines = asked(1.0, 12, 60.0, CLIENT, OUTSIDE);
    assert_eq!(codes(&lines), [("plain", Severity::Info)]);
    lines.extend(asked(2.0, 1, 1.0, "10.0.0.8", OWN));
    let all = found(&lines);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("dns-unapproved-resolver/plain", Severity::Low));
    assert_eq!((finding.subject, finding.key.as_str(), finding.count), (addr(CLIENT), OUTSIDE, 12));
    // Allowed by name.
    let scope = Scope { resolvers: vec!["198.51.100.0/24".parse().unwrap()], ..Scope::new(&[], 0) };
    assert!(of(&judge_in(&scope, &lines), "dns-unapproved-resolver").is_empty());
    // Given by DHCP, even if only later and to another.
    let lease = |given: Vec<&str>| {
        let given = Cell::Addrs(given.into_iter().map(addr).collect());
        line(
            "dhcp",
            8,
            &[("ts", Cell::Time(900.0)), ("client_addr", Cell::Addr(addr("10.0.0.9"))), ("dns_servers", given)],
        )
    };
    lines.push(lease(vec!["192.0.2.1"]));
    assert_eq!(codes(&lines), [("plain", Severity::Low)], "DHCP that gives another");
    lines.push(lease(vec![OUTSIDE]));
    assert!(codes(&lines).is_empty());
}

#[test]
fn encrypted_ways() {
    assert_eq!(codes(&[ssl(OUTSIDE, 853, "", "")]), [("dot", Severity::Low)]);
    assert_eq!(codes(&[ssl(OUTSIDE, 443, "cloudflare-dns.com", "h2")]), [("doh", Severity::Low)]);
    assert_eq!(codes(&[ssl("9.9.9.9", 443, "", "h2")]), [("doh", Severity::Low)]);
    assert_eq!(codes(&[quic("dns.adguard.com", "doq")]), [("doq", Severity::Low)]);
    assert_eq!(codes(&[quic("dns.google", "h3")]), [("doh", Severity::Low)]);
    assert_eq!(codes(&[http("POST", "/dns-query")]), [("doh", Severity::Low)]);
    assert_eq!(
        codes(&[http("GET", "/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB")]),
        [("doh", Severity::Low)]
    );
}

#[test]
fn nearly_encrypted() {
    for line in [
        ssl(OUTSIDE, 443, "www.example.test", "h2"),
        ssl("9.9.9.9", 443, "", ""),
        ssl("9.9.9.9", 443, "www.quad9.example", "h2"),
        ssl(OUTSIDE, 443, "notcloudflare-dns.com", "h2"),
        ssl("10.0.0.53", 853, "", ""),
        quic("www.example.test", "h3"),
        http("GET", "/dns-query"),
        http("POST", "/form"),
    ] {
        assert!(codes(&[line]).is_empty());
    }
}

#[test]
fn a_host_that_moved() {
    let moved = |before: u32, after: u32, gap: f64| {
        let mut lines = asked(1.0, before, 60.0, CLIENT, OWN);
        lines.extend(asked(10_000.0, after, gap, CLIENT, OUTSIDE));
        codes(&lines)
    };
    assert_eq!(moved(30, 25, 10.0), [("changed", Severity::High), ("plain", Severity::Low)]);
    assert_eq!(moved(10, 25, 10.0), [("plain", Severity::Low)], "too little before");
    assert_eq!(moved(30, 15, 10.0), [("plain", Severity::Low)], "too little after");
    assert_eq!(moved(30, 25, 300.0), [("plain", Severity::Low)], "not within an hour");
    // Half of the questions still go to the old one.
    let mut both = asked(1.0, 30, 60.0, CLIENT, OWN);
    for n in 0..40 {
        both.extend(asked(10_000.0 + f64::from(n) * 10.0, 1, 1.0, CLIENT, OUTSIDE));
        both.extend(asked(10_001.0 + f64::from(n) * 10.0, 1, 1.0, CLIENT, OWN));
    }
    assert_eq!(codes(&both), [("plain", Severity::Low)]);
}

#[test]
fn dynamic_names_are_facts() {
    assert_eq!(codes(&[answer(1.0, CLIENT, OWN, "me.duckdns.org", false)]), [("dynamic", Severity::Info)]);
    assert!(codes(&[answer(1.0, CLIENT, OWN, "duckdns.org", false)]).is_empty());
    assert!(codes(&[answer(1.0, CLIENT, OWN, "me.notduckdns.org", false)]).is_empty());
}

#[test]
fn ordinary() {
    // The own resolver asks outside, as a forwarder and with authority.
    let mut lines = asked(1.0, 3, 1.0, CLIENT, OWN);
    lines.extend(asked(1.5, 30, 1.0, OWN, OUTSIDE));
    lines.extend((0..30).map(|n| answer(40.0 + f64::from(n), CLIENT, OUTSIDE, "www.example.test", true)));
    // Few questions, and somebody outside.
    lines.extend(asked(80.0, 9, 1.0, "10.0.0.9", OUTSIDE));
    lines.extend(asked(90.0, 30, 1.0, "203.0.113.5", OUTSIDE));
    assert!(found(&lines).is_empty(), "{:?}", found(&lines));
}

#[test]
fn tables_are_bounded() {
    let mut lines = Vec::new();
    for n in 0..25_000u32 {
        lines.extend(asked(
            f64::from(n),
            1,
            1.0,
            &format!("10.{}.{}.7", n / 250, n % 250),
            &format!("198.51.{}.1", n % 250),
        ));
    }
    let verdict = judge(&lines);
    let spent = verdict.spent.iter().find(|s| s.id == "dns-unapproved-resolver").unwrap();
    assert!(spent.forgotten > 0 && spent.held_len < 12_000_000, "{spent:?}");
}
