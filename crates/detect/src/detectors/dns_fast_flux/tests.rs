use crate::testing::{Cell, Line, Message, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

const CLIENT: &str = "10.0.0.7";

/// Addresses `from` to `to` of many, in `networks` different networks.
fn addrs(from: u32, to: u32, networks: u32) -> Vec<String> {
    (from..to).map(|n| format!("{}.{}.{}.{}", 80 + n % networks, n % networks, n / 250 % 250, n % 250)).collect()
}

fn answer(at: f64, client: &str, name: &str, ttl: f64, answers: &[String]) -> Line {
    line(
        "dns",
        1 + at as u64,
        &[
            ("ts", Cell::Time(at)),
            ("uid", Cell::Uid(1 + at as u64)),
            ("id.orig_h", Cell::Addr(addr(client))),
            ("id.orig_p", Cell::Port(4000)),
            ("id.resp_h", Cell::Addr(addr("10.0.0.53"))),
            ("id.resp_p", Cell::Port(53)),
            ("query", Cell::Text(name.as_bytes().to_vec())),
            ("qtype", Cell::Count(1)),
            ("rcode", Cell::Count(0)),
            ("RA", Cell::Flag(true)),
            ("answers", Cell::Texts(answers.to_vec())),
            ("TTLs", Cell::Spans(vec![ttl; answers.len()])),
        ],
    )
}

fn contact(to: &str) -> Line {
    line(
        "conn",
        9_999,
        &[
            ("ts", Cell::Time(5_000.0)),
            ("id.orig_h", Cell::Addr(addr(CLIENT))),
            ("id.resp_h", Cell::Addr(addr(to))),
            ("id.resp_p", Cell::Port(80)),
            ("proto", Cell::Word("tcp")),
            ("orig_pkts", Cell::Count(5)),
            ("resp_pkts", Cell::Count(5)),
        ],
    )
}

/// Four rounds of five addresses, a time to live and some apart.
fn rounds(name: &str, networks: u32, per_round: u32, gap: f64, ttl: f64) -> Vec<Line> {
    let round = |n: u32| {
        answer(100.0 + f64::from(n) * gap, CLIENT, name, ttl, &addrs(n * per_round, (n + 1) * per_round, networks))
    };
    (0..4).map(round).collect()
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "dns-fast-flux")
}

#[test]
fn a_name_that_hops() {
    let mut lines = rounds("hop.evil.test", 8, 5, 200.0, 180.0);
    let all = found(&lines);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(
        (finding.code().as_str(), finding.severity),
        ("dns-fast-flux/single", Severity::Low),
        "nobody went there"
    );
    assert_eq!((finding.subject, finding.key.as_str()), (addr(CLIENT), "hop.evil.test"));
    assert_eq!(finding.measures[0].to_string(), "score: 174.72 (threshold 142.38, Holz et al. 2008)");
    lines.push(contact("80.0.0.0"));
    let all = found(&lines);
    assert_eq!((all[0].severity, all[0].confidence.to_string().as_str()), (Severity::Medium, "0.60"));
}

#[test]
fn its_name_servers_hop_too() {
    let mut lines = rounds("hop.evil.test", 8, 5, 200.0, 180.0);
    for n in 0..4u16 {
        let at = 150.0 + 200.0 * f64::from(n);
        lines.push(Message::query(at, "10.0.0.53", 5000, "192.0.2.1", n, "hop.evil.test").line(1));
        let mut reply =
            Message::reply(at + 0.1, "192.0.2.1", "10.0.0.53", 5000, n, "hop.evil.test").not_authoritative();
        for (i, addr) in addrs(u32::from(n) * 5 + 100, u32::from(n) * 5 + 105, 9).iter().enumerate() {
            let ns = format!("ns{i}.evil.test");
            reply = reply.record(2, "evil.test", 2, 180, &ns).record(3, &ns, 1, 180, addr);
        }
        lines.push(reply.line(2));
    }
    lines.push(contact("80.0.0.0"));
    let all = found(&lines);
    assert_eq!((all.len(), all[0].reason.code, all[0].severity), (1, "double", Severity::High), "{all:?}");
}

#[test]
fn nearly() {
    let none = |lines: &[Line]| assert!(found(lines).is_empty());
    none(&rounds("hop.evil.test", 6, 5, 200.0, 180.0)[..2]);
    none(&rounds("hop.evil.test", 5, 3, 200.0, 180.0));
    none(&rounds("hop.evil.test", 8, 2, 200.0, 180.0));
    none(&rounds("hop.evil.test", 8, 5, 100.0, 180.0)[..2]);
    none(&rounds("hop.evil.test", 8, 5, 4_000.0, 3_600.0));
    // The same addresses each time, in turns.
    let all = addrs(0, 16, 8);
    none(&(0..9).map(|n| answer(100.0 + 200.0 * f64::from(n), CLIENT, "turns.test", 60.0, &all)).collect::<Vec<_>>());
}

#[test]
fn ordinary() {
    // A pool of time servers, a cloud's balancer by its alias, a content network in few networks.
    assert!(found(&rounds("2.pool.ntp.org", 9, 4, 200.0, 150.0)).is_empty());
    let balancer = |n: u32| {
        let mut answers = vec!["app-1.eu-west-1.elb.amazonaws.com".to_owned()];
        answers.extend(addrs(n * 5, (n + 1) * 5, 9));
        answer(100.0 + 200.0 * f64::from(n), CLIENT, "app.example.test", 60.0, &answers)
    };
    assert!(found(&(0..4).map(balancer).collect::<Vec<_>>()).is_empty());
    assert!(found(&rounds("cdn.example.test", 2, 6, 200.0, 60.0)).is_empty());
}

#[test]
fn tables_are_bounded() {
    let lines: Vec<Line> =
        (0..30_000).map(|n| answer(f64::from(n), CLIENT, &format!("n{n}.test"), 60.0, &addrs(n, n + 1, 200))).collect();
    let verdict = judge(&lines);
    let spent = verdict.spent.iter().find(|s| s.id == "dns-fast-flux").unwrap();
    assert!(spent.forgotten > 0 && spent.held_len < 16_000_000, "{spent:?}");
}
