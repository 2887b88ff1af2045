use crate::testing::{Cell, Line, addr, judge_in, line, of};
use crate::{Scope, Verdict};
use sekisho_finding::{Finding, Severity};
use sekisho_intel::Table;
use sekisho_types::Timestamp;
use std::sync::Arc;

const CLIENT: &str = "10.0.0.5";

fn row(log: &'static str, uid: u64, ends: [&str; 2], more: &[(&'static str, Cell)]) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(1000.0 + uid as f64)),
        ("uid", Cell::Uid(uid)),
        ("id.orig_h", Cell::Addr(addr(ends[0]))),
        ("id.resp_h", Cell::Addr(addr(ends[1]))),
    ];
    columns.extend(more.iter().cloned());
    line(log, uid, &columns)
}

fn conn(uid: u64, ends: [&str; 2], bytes: [u64; 2]) -> Line {
    row(
        "conn",
        uid,
        ends,
        &[("proto", Cell::Word("tcp")), ("orig_bytes", Cell::Count(bytes[0])), ("resp_bytes", Cell::Count(bytes[1]))],
    )
}

fn asked(uid: u64, name: &str, answer: &str) -> Line {
    let more =
        [("query", Cell::Text(name.into())), ("qtype", Cell::Count(1)), ("answers", Cell::Texts(vec![answer.into()]))];
    row("dns", uid, [CLIENT, "10.0.0.1"], &more)
}

fn tls(uid: u64, server: &str, name: &str) -> Line {
    row("ssl", uid, [CLIENT, server], &[("server_name", Cell::Text(name.into()))])
}

fn request(uid: u64, server: &str, host: &str, uri: &str) -> Line {
    row("http", uid, [CLIENT, server], &[("host", Cell::Text(host.into())), ("uri", Cell::Text(uri.into()))])
}

fn found(list: &str, lines: &[Line]) -> Vec<Finding> {
    let mut intel = Table::default();
    intel.add("bad.txt", list.as_bytes(), Some(Timestamp(0)));
    let scope = Scope { intel: Arc::new(intel), ..Scope::new(&[], 0) };
    let verdict: Verdict = judge_in(&scope, lines);
    of(&verdict, "intel-contact")
}

#[test]
fn a_listed_name_that_answers_is_one_finding_with_its_address() {
    let list = "# bad\nbad.example a botnet\n203.0.113.7\n";
    let lines = [
        // Before anybody says what its name is.
        conn(0, [CLIENT, "203.0.113.7"], [1, 1]),
        asked(1, "cdn.bad.example", "203.0.113.7"),
        tls(2, "203.0.113.7", "cdn.bad.example"),
        conn(2, [CLIENT, "203.0.113.7"], [500, 1_500]),
        // By address alone, but the name is known.
        conn(3, [CLIENT, "203.0.113.7"], [100, 30_000_000]),
    ];
    let found = found(list, &lines);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.code(), "intel-contact/name/answered");
    assert_eq!((finding.severity, finding.confidence.thousandths()), (Severity::High, 850));
    assert_eq!((finding.subject, finding.key.as_str()), (addr(CLIENT), "bad.example"));
    assert_eq!(finding.peers.named(), [addr("203.0.113.7")]);
    assert_eq!(finding.measures.iter().map(|m| m.value()).collect::<Vec<_>>(), [3.0, 30_002_102.0, 1.0]);
    assert_eq!(finding.quotes[0].text, "bad.txt line 2 (plain list, 0 days old then): a botnet");
}

#[test]
fn addresses_networks_urls_files_and_prints() {
    let digest = "ab".repeat(32);
    let ja3 = "cd".repeat(16);
    let list = format!("203.0.113.7\n198.51.100.0/24\nhttp://shop.example/kit/\n{digest}\n{ja3}\n");
    let lines = [
        conn(1, [CLIENT, "203.0.113.7"], [10, 0]),
        conn(2, [CLIENT, "198.51.100.9"], [10, 10]),
        request(3, "192.0.2.1", "shop.example", "/kit/a.js"),
        row("files", 4, [CLIENT, "192.0.2.2"], &[("sha256", Cell::Text(vec![0xab; 32]))]),
        row("ssl", 5, [CLIENT, "192.0.2.3"], &[("ja3", Cell::Text(ja3.clone().into()))]),
        row("ssl", 6, ["10.0.0.6", "192.0.2.4"], &[("cert_chain_fps", Cell::Texts(vec![digest.clone()]))]),
    ];
    let said: Vec<_> =
        found(&list, &lines).iter().map(|f| (f.code(), f.severity, f.confidence.thousandths())).collect();
    let said: Vec<_> = said.iter().map(|(code, s, c)| (code.as_str(), *s, *c)).collect();
    for expected in [
        ("intel-contact/address", Severity::Medium, 500),
        ("intel-contact/address/answered", Severity::High, 700),
        ("intel-contact/url", Severity::Medium, 500),
        ("intel-contact/file", Severity::High, 900),
        ("intel-contact/client", Severity::Medium, 500),
        ("intel-contact/certificate", Severity::High, 900),
    ] {
        assert!(said.contains(&expected), "{expected:?} in {said:?}");
    }
    assert_eq!(said.len(), 6);
}

#[test]
fn nearly() {
    // Only asked for; expired; a shared address; from outside.
    let only = found("bad.example\n", &[asked(1, "x.bad.example", "203.0.113.7")]);
    assert_eq!((only[0].code().as_str(), only[0].severity), ("intel-contact/dns-only", Severity::Low));
    let stale = "ip,expires\n203.0.113.7,1970-01-01T00:01:00Z\n";
    assert_eq!(found(stale, &[conn(1, [CLIENT, "203.0.113.7"], [10, 10])])[0].severity, Severity::Info);
    let mut lines: Vec<Line> = (0..10).map(|n| tls(n, "203.0.113.7", &format!("site{n}.example"))).collect();
    lines.push(conn(20, [CLIENT, "203.0.113.7"], [10, 10]));
    assert_eq!(found("203.0.113.7\n", &lines)[0].confidence.thousandths(), 400);
    let inbound = found("203.0.113.7\n", &[conn(1, ["203.0.113.7", CLIENT], [10, 10])]);
    assert_eq!((inbound[0].code().as_str(), inbound[0].severity), ("intel-contact/inbound", Severity::Low));
}

#[test]
fn ordinary() {
    let list = "bad.example\n203.0.113.7\n10.0.0.0/8\nhttp://shop.example/kit\n";
    let lines = [
        asked(1, "notbad.example", "192.0.2.1"),
        tls(2, "192.0.2.1", "bad.example.org"),
        conn(2, [CLIENT, "192.0.2.1"], [10, 10]),
        request(3, "192.0.2.1", "shop.example", "/kitchen"),
        // At home, whatever the list says; and a listed host that nobody answers.
        conn(4, [CLIENT, "10.0.0.9"], [10, 10]),
        conn(5, ["203.0.113.7", CLIENT], [0, 0]),
    ];
    assert_eq!(found(list, &lines).len(), 0);
    assert_eq!(found("# nothing\n", &[conn(1, [CLIENT, "203.0.113.7"], [10, 10])]).len(), 0);
}
