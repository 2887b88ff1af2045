//! Rows as the engine gives them, the page as text and as JSON.

mod rows;

use crate::clean::width_of;
use crate::{Completeness, Page, Pool, State, Summary, render_text, to_json};
use rows::*;
use sekisho_record::Record;
use sekisho_types::{Interval, Timestamp};

/// A small office: one of everything.
fn office() -> Page {
    page_of(&rows_of_office())
}

fn page_of(rows: &[Box<dyn Record>]) -> Page {
    let mut s = Summary::new(1);
    rows.iter().for_each(|r| s.add(&**r));
    let mut page = s.page(completeness());
    page.state = state();
    page
}

fn state() -> State {
    let pool = |name, peak, cap| Pool { name, peak, cap };
    State {
        memory: 256 << 20,
        pools: vec![pool("flows", 12_345_678, 50 << 20), pool("parsers", 100, 50 << 20), pool("files", 0, 14 << 20)],
        given_up: vec![("flows ended early to make room; their rows are written".to_owned(), 1234)],
    }
}

fn rows_of_office() -> Vec<Box<dyn Record>> {
    let mut s = Rows::default();
    let ts = Timestamp::from_parts(1_700_000_000, 0);
    for i in 0..3u16 {
        s.add(conn("10.0.0.5", "10.0.0.53", 40_000 + i, 53, "udp", Some("dns"), "SF", (70, 150)));
    }
    s.add(conn("10.0.0.5", "203.0.113.10", 50_000, 443, "tcp", Some("ssl"), "SF", (2_000, 90_000)));
    s.add(conn("10.0.0.5", "203.0.113.10", 50_001, 80, "tcp", Some("http"), "SF", (1_000, 1_250_000)));
    s.add(conn("10.0.0.6", "10.0.0.21", 50_002, 21, "tcp", Some("ftp"), "SF", (500, 900)));
    s.add(conn("10.0.0.6", "10.0.0.25", 50_003, 9_999, "tcp", None, "SF", (400, 400)));
    for port in 1..=20u16 {
        s.add(conn(
            "10.0.0.66",
            "10.0.0.25",
            60_000,
            port,
            "tcp",
            None,
            if port % 2 == 0 { "S0" } else { "REJ" },
            (60, 40),
        ));
    }
    s.add(dns("www.example", "NOERROR", &["203.0.113.10"]));
    s.add(dns("www.example", "NOERROR", &["203.0.113.10"]));
    s.add(dns("nowhere.example", "NXDOMAIN", &[]));
    s.add(http("www.example", Some("alice"), 200));
    s.add(ssl("shop.example", "aa11", Some("self signed certificate"), Some(false)));
    s.add(x509("aa11", "CN=old.example", "CN=old.example", ts - Interval::from_secs(864_000), 1_024));
    s.add(x509("bb22", "CN=CA", "CN=CA", ts + Interval::from_secs(864_000), 4_096));
    s.add(file("report.pdf", 1_200_000, Some(1_200_000)));
    s.add(file("report.pdf", 1_200_000, Some(1_200_000)));
    s.add(file("../../etc/\u{1b}[31mpasswd", 10, Some(99)));
    s.add(ftp("bob", "PASS", 230));
    s.add(smtp("a@example", &["b@example", "c@example"], "Lunch\u{202e}?"));
    s.add(ssh("SSH-2.0-OpenSSH_9.2", "SSH-2.0-dropbear"));
    s.add(weird("truncated_IP_len"));
    s.add(tunnel());
    s.0
}

/// Collects rows of several types.
#[derive(Default)]
struct Rows(Vec<Box<dyn Record>>);

impl Rows {
    fn add(&mut self, row: impl Record + 'static) {
        self.0.push(Box::new(row));
    }
}

fn completeness() -> Completeness {
    let ts = Timestamp::from_parts(1_700_000_000, 0);
    Completeness {
        inputs: vec!["office.pcapng".to_owned()],
        packets: 1_234,
        bytes: 1_400_000,
        wire_bytes: 1_400_500,
        first: Some(ts),
        last: Some(ts + Interval::from_secs(125)),
        damage: vec!["office.pcapng is cut off after packet 1,234: everything before it was read".to_owned()],
        cut_packets: 1,
        undecoded: vec![("unknown ethertype".to_owned(), 2)],
        limits: vec![("flows.max".to_owned(), 3)],
        ..Completeness::default()
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let mut rows = rows_of_office();
    let want = to_json(&page_of(&rows));
    rows.reverse();
    assert_eq!(to_json(&page_of(&rows)), want);
    rows.rotate_left(7);
    assert_eq!(to_json(&page_of(&rows)), want);
}

#[test]
fn small_page_80_columns() {
    check("page-80.txt", include_str!("tests/page-80.txt"), &render_text(&office(), 80, false));
}

#[test]
fn small_page_120_columns() {
    check("page-120.txt", include_str!("tests/page-120.txt"), &render_text(&office(), 120, false));
}

#[test]
fn small_page_json() {
    check("page.json", include_str!("tests/page.json"), &to_json(&office()));
}

/// Compares with a golden text; with BLESS=1 set when the tests run, writes it.
fn check(name: &str, want: &str, got: &str) {
    if option_env!("BLESS").is_some() {
        let path = format!("{}/src/summary/tests/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, got).unwrap();
        return;
    }
    assert_eq!(got, want, "{name} (BLESS=1 rewrites it)");
}

#[test]
fn no_line_is_too_wide_and_nothing_from_the_wire_acts() {
    let page = office();
    for width in [60, 80, 100, 120, 500] {
        let text = render_text(&page, width, false);
        for line in text.lines() {
            assert!(width_of(line) <= width, "{width}: {line}");
            assert_eq!(line.trim_end(), line);
        }
        assert!(!text.chars().any(|c| c != '\n' && c.is_control() || c == '\u{202e}'));
    }
}

#[test]
fn colour_adds_only_sgr_sequences() {
    let coloured = render_text(&office(), 80, true);
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        let (code, after) = after.split_once('m').unwrap();
        assert!(["0", "1", "2", "32", "33", "1;31"].contains(&code), "{code}");
        rest = after;
    }
    plain.push_str(rest);
    assert_eq!(plain, render_text(&office(), 80, false));
}

#[test]
fn json_has_the_documented_members_and_the_totals() {
    let v: serde_json::Value = serde_json::from_str(&to_json(&office())).unwrap();
    assert_eq!(v["schema_version"], 1);
    assert_eq!(v["totals"]["packets"], 1_234);
    assert_eq!(v["totals"]["bytes"], 1_400_000);
    assert_eq!(v["totals"]["flows"], 27);
    assert_eq!(v["files"][2]["filename"], "../../etc/\u{1b}[31mpasswd");
    for list in [
        "hosts",
        "services",
        "talkers",
        "protocols",
        "certificates",
        "files",
        "logins",
        "anomalies",
        "tunnels",
        "mails",
    ] {
        assert!(!v[list].as_array().unwrap().is_empty(), "{list}");
    }
    assert!(!to_json(&office()).contains("secret"), "a password must not get here");
}

#[test]
fn roles_follow_who_answered() {
    let page = office();
    let host = |a: &str| page.hosts.rows.iter().find(|h| h.addr == a.parse().unwrap()).unwrap();
    assert_eq!(host("10.0.0.53").roles, ["resolver"]);
    assert_eq!(host("10.0.0.5").roles, ["client"]);
    assert_eq!(host("203.0.113.10").roles, ["server"]);
    assert_eq!(host("203.0.113.10").name.as_ref().unwrap().0, b"www.example");
    assert_eq!(host("10.0.0.25").serves, ["tcp/9999".into()]);
    assert!(host("10.0.0.66").roles.is_empty(), "a scan is no use of a service");
    assert_eq!((page.totals.internal_hosts, page.totals.external_hosts), (6, 1));
    assert_eq!(
        page.hosts.rows.iter().map(|h| h.sent).sum::<u64>(),
        page.totals.transports.iter().map(|t| t.bytes).sum::<u64>()
    );
}

#[test]
fn one_sided_flows_are_not_unanswered_attempts() {
    let mut s = Summary::new(1);
    for (proto, state) in [("tcp", "S0"), ("tcp", "SHR"), ("tcp", "OTH"), ("udp", "SHR"), ("icmp", "OTH")] {
        s.add(&one_sided(conn("10.0.0.1", "10.0.0.2", 1, 2, proto, None, state, (40, 0))));
    }
    let page = s.page(Completeness { one_sided_flows: 5, ..Completeness::default() });
    assert_eq!(page.completeness.one_sided_flows, 3);
}

#[test]
fn certificate_problems() {
    let page = office();
    let bad = &page.certificates.rows[0];
    assert_eq!(
        bad.problems,
        ["expired 2023-11-04", "self-signed", "not for shop.example", "weak key (rsa 1024)"],
        "{bad:?}"
    );
    assert!(page.certificates.rows[1].problems.is_empty(), "a root signs itself");
}

#[test]
fn login_outcomes() {
    let mut s = Summary::new(1);
    s.add(&ftp("eve", "PASS", 530));
    s.add(&ftp("<unknown>", "LIST", 226));
    s.add(&ftp("bob", "PASS", 530));
    s.add(&ftp("bob", "RETR", 226));
    s.add(&http("h", Some("carol"), 401));
    let page = s.page(Completeness::default());
    let mut seen: Vec<_> = page.logins.rows.iter().map(|l| (l.protocol, l.user.0.as_slice(), l.accepted)).collect();
    seen.sort_unstable();
    assert_eq!(seen, [("ftp", &b"bob"[..], Some(true)), ("ftp", b"eve", Some(false)), ("http", b"carol", Some(false))]);
}

#[test]
fn an_empty_page_and_an_unknown_log() {
    let page = Summary::new(1).page(Completeness { capture_drops: Some(0), ..Completeness::default() });
    let text = render_text(&page, 80, false);
    assert!(text.contains("Nothing is known to be missing."), "{text}");
    assert!(text.contains("packets  0\n"), "{text}");
    serde_json::from_str::<serde_json::Value>(&to_json(&page)).unwrap();

    let mut s = Summary::new(1);
    s.add(&novel());
    let page = s.page(Completeness::default());
    assert_eq!(page.logs, [("novel", 1)]);
}

#[test]
fn limits_a_hundred_thousand_of_everything() {
    let mut s = Summary::new(1);
    for i in 0..100_000u32 {
        let [a, b, c, d] = i.to_be_bytes();
        let orig = format!("10.{b}.{c}.{d}");
        let resp = format!("203.{b}.{c}.{d}");
        s.add(&conn(&orig, &resp, 1, (i % 65_000) as u16, "tcp", None, "SF", (u64::from(a) + 60, 60)));
        s.add(&dns(&format!("n{i}.example"), "NXDOMAIN", &[&resp]));
        s.add(&weird(&format!("w{i}")));
        s.add(&x509(&format!("{i:x}"), "CN=a", "CN=b", Timestamp(0), 2_048));
        s.add(&file(&format!("f{i}"), u64::from(i), None));
        s.add(&smtp("a@example", &["b@example"], "s"));
        s.add(&ftp(&format!("u{i}"), "PASS", 230));
    }
    s.add(&conn("10.9.9.9", "203.0.113.9", 1, 443, "tcp", Some("ssl"), "SF", (5, 1_000_000_000)));
    let page = s.page(Completeness::default());
    assert_eq!(page.totals.flows, 100_001);
    assert_eq!(page.talkers.rows[0].b_to_a, 1_000_000_000);
    assert_eq!(page.files.rows[0].filename.as_ref().unwrap().0, b"f99999");
    for (name, len, exact) in [
        ("hosts", page.hosts.rows.len(), page.hosts.exact),
        ("queries", page.names.dns_queries.rows.len(), page.names.dns_queries.exact),
        ("weirds", page.weirds.rows.len(), page.weirds.exact),
        ("certificates", page.certificates.rows.len(), page.certificates.exact),
        ("files", page.files.rows.len(), page.files.exact),
        ("logins", page.logins.rows.len(), page.logins.exact),
    ] {
        assert!(len == crate::page::PAGE_ROWS && !exact, "{name}: {len} {exact}");
    }
    assert_eq!(page.names.dns_queries.total(), 100_000);
    let len = to_json(&page).len();
    assert!(len < 8_000_000, "{len}");
    assert!(s.flows.table_len() <= 32_768 * 2 + 8_192, "{}", s.flows.table_len());
}
