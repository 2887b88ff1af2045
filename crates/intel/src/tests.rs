use crate::{Format, Indicator, MAX_PROBLEMS, Table};
use sekisho_types::{Addr, Timestamp};

fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

fn table(text: &str) -> Table {
    let mut table = Table::default();
    table.add("list", text.as_bytes(), None);
    table
}

/// Line and label of what stands there.
fn found(table: &Table, hit: Option<(Indicator, &crate::Entry)>) -> Option<(u32, String)> {
    hit.map(|(_, e)| (e.line, table.label(e).to_owned()))
}

#[test]
fn plain_lists() {
    let t = table(
        "# Last updated: 2026-03-01 10:00:00 UTC\n203.0.113.9\r\n198.51.100.0/24 # a network\nEvil.Example.\n\
         hxxps://cdn[.]bad[.]example:8080/drop/ \n||ads.example^\n2001:db8::/32\n203.0.113.77:4444\n\
         d41d8cd98f00b204e9800998ecf8427e ; empty\n",
    );
    let list = &t.lists()[0];
    assert_eq!((list.format, list.entries, list.problem_count), (Format::Plain, 8, 0));
    assert_eq!(list.date, Some(Timestamp(1_772_359_200_000_000_000)));
    assert_eq!(found(&t, t.addr(addr("203.0.113.9"))), Some((2, String::new())));
    assert_eq!(found(&t, t.addr(addr("198.51.100.200"))), Some((3, "a network".into())));
    assert_eq!(found(&t, t.addr(addr("203.0.113.77"))).unwrap().0, 8);
    assert_eq!(found(&t, t.addr(addr("2001:db8::7"))).unwrap().0, 7);
    assert_eq!(t.addr(addr("203.0.113.10")), None);
    // By label: not below, not beside.
    assert_eq!(t.domain(b"www.evil.EXAMPLE.").unwrap().0, Indicator::Domain("evil.example".into()));
    assert!(
        t.domain(b"evil.example").is_some() && t.domain(b"notevil.example").is_none() && t.domain(b"example").is_none()
    );
    assert!(
        t.url(b"cdn.bad.example", b"/drop/a.exe?x=1").is_some() && t.url(b"cdn.bad.example:80", b"/drop").is_some()
    );
    assert!(t.url(b"cdn.bad.example", b"/dropped").is_none() && t.url(b"cdn.bad.example", b"/").is_none());
    assert_eq!(found(&t, t.hash("D41D8CD98F00B204E9800998ECF8427E")), Some((9, "empty".into())));
    assert!(t.has_hashes(32) && !t.has_hashes(64) && !t.is_empty());
}

#[test]
fn the_smallest_network_and_the_nearest_name_count() {
    let t = table("198.51.0.0/16\n198.51.100.0/24\nexample.org\na.example.org\n");
    assert_eq!(found(&t, t.addr(addr("198.51.100.1"))).unwrap().0, 2);
    assert_eq!(found(&t, t.addr(addr("198.51.101.1"))).unwrap().0, 1);
    assert_eq!(found(&t, t.domain(b"x.a.example.org")).unwrap().0, 4);
    assert_eq!(found(&t, t.domain(b"b.example.org")).unwrap().0, 3);
}

#[test]
fn hosts_files() {
    let t = table("127.0.0.1 localhost\n::1 localhost\n0.0.0.0 bad.example worse.example # two\n0.0.0.0 0.0.0.0\n");
    assert_eq!((t.lists()[0].format, t.lists()[0].entries, t.lists()[0].problem_count), (Format::Hosts, 2, 0));
    assert_eq!(found(&t, t.domain(b"worse.example")), Some((3, "two".into())));
}

#[test]
fn csv_with_and_without_names() {
    let t = table("first_seen,ip,port,threat,expires\n2026-01-01,203.0.113.1,443,\"Bot, net\",2026-04-01\n");
    assert_eq!(t.lists()[0].format, Format::Csv);
    let (_, entry) = t.addr(addr("203.0.113.1")).unwrap();
    assert_eq!((t.label(entry), entry.line), ("Bot, net", 2));
    assert_eq!(entry.expires, Some(Timestamp(1_775_001_600_000_000_000)));
    let t = table(
        "\"1\",\"2026-01-01 00:00:00\",\"http://bad.example/run.exe\",\"online\",\"malware_download\"\n2,x,nothing\n",
    );
    assert!(t.url(b"bad.example", b"/run.exe").is_some());
    assert_eq!((t.lists()[0].problem_count, t.lists()[0].problems[0].line), (1, 2));
}

#[test]
fn zeek_intel_files() {
    let t = table(
        "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n203.0.113.4\tIntel::ADDR\tfeed\tscanner\n\
         bad.example/a\tIntel::URL\tfeed\t-\nsomebody@bad.example\tIntel::EMAIL\tfeed\t-\nx\tIntel::NONE\tf\t-\n",
    );
    let list = &t.lists()[0];
    assert_eq!((list.format, list.entries, list.others, list.problem_count), (Format::Zeek, 2, 1, 1));
    assert_eq!(found(&t, t.addr(addr("203.0.113.4"))), Some((2, "scanner".into())));
    assert!(t.url(b"bad.example", b"/a/b").is_some());
}

#[test]
fn misp_events() {
    let t = table(
        r#"{"Event": {"info": "a campaign", "date": "2026-02-01", "Attribute": [
        {"type": "ip-dst", "value": "203.0.113.5", "to_ids": true},
        {"type": "domain|ip", "value": "bad.example|203.0.113.6", "to_ids": true},
        {"type": "domain", "value": "good.example", "to_ids": false},
        {"type": "comment", "value": "nothing"}],
        "Object": [{"name": "file", "Attribute": [{"type": "filename|md5", "value": "a.exe|d41d8cd98f00b204e9800998ecf8427e"}]}],
        "RelatedEvent": [{"Event": {"Attribute": [{"type": "ip-dst", "value": "203.0.113.99"}]}}]}}"#,
    );
    let list = &t.lists()[0];
    assert_eq!((list.format, list.entries, list.others, list.problem_count), (Format::Misp, 4, 2, 0));
    assert_eq!(list.date, Some(Timestamp(1_769_904_000_000_000_000)));
    assert_eq!(found(&t, t.addr(addr("203.0.113.6"))), Some((2, "a campaign".into())));
    assert!(t.domain(b"good.example").is_none() && t.addr(addr("203.0.113.99")).is_none());
    assert!(t.hash("d41d8cd98f00b204e9800998ecf8427e").is_some());
}

#[test]
fn clients_by_all_of_their_fingerprint_or_without_the_ciphers() {
    let t = table("ja4,label\nt13d1516h2_8daaf6152771_E5627EFA2AB1,browser\nq13i0310h3_*_cd85d2d88918,tool\n");
    assert_eq!(t.lists()[0].entries, 2);
    let listed = |ja4: &str| t.client(ja4).map(|(indicator, entry)| (indicator, t.label(entry)));
    let exact = "t13d1516h2_8daaf6152771_e5627efa2ab1";
    assert_eq!(listed(exact), Some((Indicator::Client(exact.into()), "browser")));
    assert_eq!(listed("t13d1516h2_8daaf6152772_e5627efa2ab1"), None);
    let any = Indicator::Client("q13i0310h3_*_cd85d2d88918".into());
    assert_eq!(listed("q13i0310h3_55b375c5d22e_cd85d2d88918"), Some((any, "tool")));
    assert_eq!(listed(""), None);
    // Neither is one.
    let t = table("t13d1516h2_*_*\nt13d15_8daaf6152771_e5627efa2ab1\n");
    assert_eq!((t.lists()[0].entries, t.lists()[0].problem_count), (0, 2));
}

#[test]
fn what_cannot_be_used_is_said_by_line() {
    let bad = "0.0.0.0/0\nlocalhost\n-\nhttp://\n1.2.3.4-1.2.3.9\n999.1.1.1\n".repeat(10);
    let t = table(&bad);
    let list = &t.lists()[0];
    assert_eq!((list.entries, list.problem_count, list.problems.len()), (0, 60, MAX_PROBLEMS));
    assert_eq!(list.problems[0].line, 1);
    assert_eq!(list.problems[0].what, "\"0.0.0.0/0\": a network too broad to mean anything");
    let t = table("{\"Event\": ");
    assert_eq!(t.lists()[0].problems[0].line, 1);
    assert!(t.is_empty());
}

#[test]
fn any_bytes_are_a_list_without_panic() {
    let mut state = 7u64;
    for start in ["", "#fields\tindicator\tindicator_type\n", "{", "a,b\n", "0.0.0.0 "] {
        let mut text = start.as_bytes().to_vec();
        for _ in 0..4000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push(b"0123456789abcdef.:/,;\t\n \"|[]#\xff\xc3"[(state >> 33) as usize % 31]);
        }
        let mut table = Table::default();
        table.add("x", &text, None);
        assert_eq!(table.lists().len(), 1);
    }
}
