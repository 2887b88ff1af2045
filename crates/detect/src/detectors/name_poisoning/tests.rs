use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity, Tie};

const LIAR: &str = "10.0.0.66";

/// `who` answers `asker` for `name` with the address `with`.
fn answer(at: f64, port: u16, (who, asker): (&str, &str), name: &str, with: &str) -> Line {
    if port == 137 {
        assert_eq!(who, with, "others are not told of");
        let columns = [
            ("ts", Cell::Time(at)),
            ("uid", Cell::Uid(at.to_bits() >> 8)),
            ("host", Cell::Addr(addr(who))),
            ("asker", Cell::Addr(addr(asker))),
            ("name", Cell::Text(name.into())),
            ("packet", Cell::Count(11)),
        ];
        return line("netbios_name", 11, &columns);
    }
    let columns = [
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(at.to_bits() >> 8)),
        ("id.orig_h", Cell::Addr(addr(asker))),
        ("id.orig_p", Cell::Port(50_000)),
        ("id.resp_h", Cell::Addr(addr(who))),
        ("id.resp_p", Cell::Port(port)),
        ("query", Cell::Text(name.into())),
        ("qtype", Cell::Count(1)),
        ("rcode", Cell::Count(0)),
        ("answers", Cell::Texts(vec![with.to_owned()])),
    ];
    line("dns", 11, &columns)
}

fn ntlm(at: f64, from: &str, to: &str, server: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("id.orig_h", Cell::Addr(addr(from))),
        ("id.resp_h", Cell::Addr(addr(to))),
        ("username", Cell::Text(b"ada".to_vec())),
        ("hostname", Cell::Text(b"PC7".to_vec())),
        ("server_nb_computer_name", Cell::Text(server.into())),
    ];
    line("ntlm", 15, &columns)
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "name-poisoning")
}

fn codes(lines: &[Line]) -> Vec<String> {
    found(lines).iter().map(Finding::code).collect()
}

#[test]
fn names_that_nobody_has() {
    // S-20: one host answers for a mistyped server, the proxy and a printer; a victim logs in.
    let lines = [
        answer(1.0, 5355, (LIAR, "10.0.0.7"), "filesrvv", LIAR),
        answer(20.0, 137, (LIAR, "10.0.0.8"), "WPAD", LIAR),
        answer(30.0, 5355, (LIAR, "10.0.0.7"), "printr1.local", LIAR),
        ntlm(31.5, "10.0.0.7", LIAR, "WIN-LIAR"),
    ];
    let found = found(&lines);
    assert_eq!(
        found.iter().map(Finding::code).collect::<Vec<_>>(),
        ["name-poisoning/captured", "name-poisoning/many-names", "name-poisoning/wpad"]
    );
    let severities: Vec<Severity> = found.iter().map(|f| f.severity).collect();
    assert_eq!(severities, [Severity::Critical, Severity::High, Severity::High]);
    assert!(found.iter().all(|f| f.subject == addr(LIAR)));
    assert_eq!(found[0].quotes[0].text, "ada for the name printr1");
    assert_eq!(found[0].ties, [Tie::taken(b"ada").unwrap()]);
    assert!(found[1].quotes[0].text.contains("filesrvv wpad printr1"), "{:?}", found[1].quotes);
}

#[test]
fn an_answer_that_is_told_behind_the_login() {
    // An answer is a flow of its own, whose row comes when that is over.
    let late = |at: f64| {
        codes(&[ntlm(31.5, "10.0.0.7", LIAR, "WIN-LIAR"), answer(at, 5355, (LIAR, "10.0.0.7"), "printr1.local", LIAR)])
    };
    assert_eq!(late(30.0), ["name-poisoning/captured"]);
    assert_eq!(late(21.0).len(), 0, "more than ten seconds before");
    assert_eq!(late(32.0).len(), 0, "behind it");
    let told_twice = [
        ntlm(31.5, "10.0.0.7", LIAR, "WIN-LIAR"),
        answer(30.0, 5355, (LIAR, "10.0.0.7"), "printr1.local", LIAR),
        answer(31.0, 137, (LIAR, "10.0.0.7"), "printr1", LIAR),
    ];
    assert_eq!(found(&told_twice).iter().map(|f| f.count).collect::<Vec<_>>(), [1]);
}

#[test]
fn two_names_that_different_hosts_asked_for() {
    let two = |second: f64, port, asker| {
        [
            answer(1.0, port, (LIAR, "10.0.0.7"), "filesrvv", LIAR),
            answer(second, port, (LIAR, asker), "intranett", LIAR),
        ]
    };
    assert_eq!(codes(&two(500.0, 5355, "10.0.0.8")), ["name-poisoning/many-names"]);
    assert_eq!(codes(&two(700.0, 5355, "10.0.0.8")).len(), 0);
    assert_eq!(codes(&two(500.0, 5355, "10.0.0.7")).len(), 0);
    // NetBIOS: a browser of the network has the workgroup's name as well.
    assert_eq!(codes(&two(500.0, 137, "10.0.0.8")).len(), 0);
}

#[test]
fn names_of_its_own() {
    let dhcp = line(
        "dhcp",
        1,
        &[
            ("ts", Cell::Time(0.0)),
            ("assigned_addr", Cell::Addr(addr(LIAR))),
            ("host_name", Cell::Text(b"filesrv".to_vec())),
        ],
    );
    let asked = ["FILESRV", "filesrv1", "filesrv2", "filesrvx"];
    let lines = std::iter::once(dhcp).chain(asked.iter().map(|n| answer(5.0, 5355, (LIAR, "10.0.0.7"), n, LIAR)));
    assert_eq!(codes(&lines.collect::<Vec<_>>()).len(), 0);
    // Each host tells its own, one by one; a sleep proxy tells another's; a question without an answer; DNS proper.
    let many = (0..20).map(|i| {
        let host = format!("10.0.1.{i}");
        answer(f64::from(i), 5355, (&host, "10.0.0.7"), &format!("pc{i}"), &host)
    });
    assert_eq!(codes(&many.collect::<Vec<_>>()).len(), 0);
    let proxy = (0..9).map(|i| answer(1.0, 5353, (LIAR, "224.0.0.251"), &format!("tv{i}.local"), "10.0.9.9"));
    assert_eq!(codes(&proxy.collect::<Vec<_>>()).len(), 0);
    let server = (0..9).map(|i| answer(1.0, 53, (LIAR, "10.0.0.7"), &format!("www{i}.test"), LIAR));
    assert_eq!(codes(&server.collect::<Vec<_>>()).len(), 0);
    // A login at a host that answered for its own name, or long afterwards.
    let own = [
        ntlm(0.0, "10.0.0.9", LIAR, "FILESRV"),
        answer(1.0, 5355, (LIAR, "10.0.0.7"), "filesrv", LIAR),
        ntlm(2.0, "10.0.0.7", LIAR, "FILESRV"),
    ];
    assert_eq!(codes(&own).len(), 0);
    let late = [answer(1.0, 5355, (LIAR, "10.0.0.7"), "filesrvv", LIAR), ntlm(12.0, "10.0.0.7", LIAR, "WIN-LIAR")];
    assert_eq!(codes(&late).len(), 0);
}

#[test]
fn over_ipv6() {
    let liar = "fe80::66";
    let lines = ["aserver", "bserver2x", "cprinter"].map(|n| answer(1.0, 5355, (liar, "fe80::7"), n, liar));
    assert_eq!(codes(&lines), ["name-poisoning/many-names"]);
}

#[test]
fn state_is_bounded() {
    let lines: Vec<Line> = (0..30_000u32)
        .map(|i| {
            let host = format!("10.{}.{}.9", 50 + i / 256, i % 256);
            answer(f64::from(i), 5355, (&host, "10.0.0.7"), &format!("name{i}"), &host)
        })
        .collect();
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "name-poisoning").unwrap();
    assert!(spent.forgotten > 20_000 && spent.held_len < 1 << 20, "{spent:?}");
}

#[test]
fn a_file_server_answers_for_itself() {
    let server = "10.0.0.20";
    let lines: Vec<Line> = ["10.0.0.30", "10.0.0.31", "10.0.0.32"]
        .into_iter()
        .zip([0.0, 20.0, 40.0])
        .flat_map(|(asker, at)| {
            let asked = |after: f64, name: &str| answer(at + after, 137, (server, asker), name, server);
            [asked(1.0, "SERVER"), asked(2.0, "__SAMBA__"), ntlm(at + 3.0, asker, server, "SERVER")]
        })
        .collect();
    assert_eq!(codes(&lines), Vec::<String>::new());
}
