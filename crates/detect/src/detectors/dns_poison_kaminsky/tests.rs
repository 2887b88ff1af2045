use crate::testing::{Line, Message, addr, judge, of};
use sekisho_finding::{Finding, Severity, Stage};

const REAL: &str = "192.0.2.53";
const EVIL: &str = "203.0.113.66";
const RESOLVER: &str = "10.0.0.53";

/// A referral for the whole zone.
fn referral(at: f64, id: u16, name: &str, server: &str) -> Message {
    let reply = Message::reply(at, REAL, RESOLVER, 3000, id, name).answer(name, 1, server);
    reply.record(2, "victim.test", 2, 300, "ns1.victim.test").record(3, "ns1.victim.test", 1, 300, server)
}

/// An honest answer, then rounds of random names with `per_round` forged answers to each, the honest one last.
fn attack(rounds: u16, per_round: u16, server: &str) -> Vec<Line> {
    let ask = |at, id, name: &str| Message::query(at, RESOLVER, 3000, REAL, id, name);
    let mut lines =
        vec![ask(1.0, 1, "www.victim.test").line(1), referral(1.1, 1, "www.victim.test", REAL).hops(60).line(2)];
    for round in 0..rounds {
        let (at, name) = (2.0 + f64::from(round), format!("r4nd0m{round:02}.victim.test"));
        let packet = 100 + 100 * u64::from(round);
        lines.push(Message::query(at, EVIL, 999, RESOLVER, round, &name).recursive().line(packet));
        lines.push(ask(at, 100 + round, &name).line(packet + 1));
        for n in 0..per_round {
            lines.push(referral(at + 0.01, 5000 + n, &name, server).hops(50).line(packet + 2 + u64::from(n)));
        }
        lines.push(
            Message::reply(at + 0.1, REAL, RESOLVER, 3000, 100 + round, &name).hops(60).rcode(3).line(packet + 90),
        );
    }
    lines
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "dns-poison-kaminsky")
}

#[test]
fn forged_referrals_that_never_fit_are_an_attempt() {
    let all = found(&attack(4, 5, EVIL));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.code(), "dns-poison-kaminsky/forged-ns");
    assert_eq!((finding.severity, finding.confidence.to_string().as_str()), (Severity::High, "0.85"));
    assert_eq!((finding.subject, finding.key.as_str(), finding.count), (addr(RESOLVER), "victim.test", 20));
    assert_eq!(finding.peers.named(), [addr(EVIL), addr(REAL)]);
    let measures: Vec<String> = finding.measures.iter().map(ToString::to_string).collect();
    assert_eq!(
        measures[..3],
        ["forged answers: 20 (threshold 10, sekisho)", "names: 4 (threshold 3, sekisho)", "to the right port: 20"]
    );
    assert!(finding.quotes[0].text.contains("victim.test is served by ns1.victim.test at 203.0.113.66"));
    assert_eq!(finding.benign[0].result, "no forged answer fitted an open question");
}

#[test]
fn one_that_fits_wins_and_who_is_told_is_named() {
    let mut lines = attack(3, 5, EVIL);
    // The next round's forged answer has the right id.
    lines.push(Message::query(9.0, RESOLVER, 3000, REAL, 777, "last01.victim.test").line(901));
    lines.push(referral(9.1, 777, "last01.victim.test", EVIL).hops(50).line(902));
    lines.push(Message::reply(9.2, REAL, RESOLVER, 3000, 777, "last01.victim.test").hops(60).rcode(3).line(903));
    let all = found(&lines);
    assert_eq!((all.len(), all[0].code().as_str()), (1, "dns-poison-kaminsky/forged-ns/won"));
    assert_eq!((all[0].severity, all[0].confidence.to_string().as_str()), (Severity::Critical, "0.90"));
    lines.push(Message::query(10.0, "10.0.0.7", 4000, RESOLVER, 5, "www.victim.test").recursive().line(910));
    lines.push(Message::query(10.0, RESOLVER, 3000, EVIL, 6, "www.victim.test").line(911));
    lines.push(
        Message::reply(10.1, EVIL, RESOLVER, 3000, 6, "www.victim.test")
            .answer("www.victim.test", 1, "203.0.113.9")
            .line(912),
    );
    lines.push(
        Message::reply(10.1, RESOLVER, "10.0.0.7", 4000, 5, "www.victim.test")
            .recursive()
            .answer("www.victim.test", 1, "203.0.113.9")
            .line(913),
    );
    let all = found(&lines);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.severity, finding.confidence.to_string().as_str()), (Severity::Critical, "0.95"));
    assert_eq!((finding.subject, finding.stage), (addr(RESOLVER), Stage::Credential));
    assert!(finding.peers.named().contains(&addr("10.0.0.7")));
    let quotes: Vec<(&str, u64)> = finding.quotes.iter().map(|q| (q.label, q.packet)).collect();
    assert!(
        quotes.contains(&("winning answer", 902)) && quotes.contains(&("asked of the planted server", 911)),
        "{quotes:?}"
    );
    let told = finding.quotes.iter().find(|q| q.label == "told to a client").unwrap();
    assert_eq!((told.text.as_str(), told.packet), ("10.0.0.7 is told that www.victim.test is at 203.0.113.9", 913));
    let won = finding.quotes.iter().find(|q| q.label == "winning answer").unwrap();
    assert!(
        won.text.starts_with("id 777 to port 3000") && won.text.ends_with("hop limit 50, usually 60"),
        "{}",
        won.text
    );
}

#[test]
fn nearly() {
    // Two are too few.
    assert!(found(&attack(1, 2, EVIL)).is_empty());
    // Stray answers that say what is known.
    assert!(found(&attack(4, 5, REAL)).is_empty());
    let all = found(&attack(1, 4, EVIL));
    assert_eq!((all[0].severity, all[0].confidence.to_string().as_str()), (Severity::Medium, "0.60"));
    // A server that moved: its answer fits, nothing was forged.
    let moved = [
        Message::query(1.0, RESOLVER, 3000, REAL, 1, "www.victim.test").line(1),
        referral(1.1, 1, "www.victim.test", REAL).line(2),
        Message::query(2.0, RESOLVER, 3000, REAL, 2, "mail.victim.test").line(3),
        referral(2.1, 2, "mail.victim.test", "192.0.2.99").line(4),
    ];
    assert!(found(&moved).is_empty());
}

fn names(count: u64, label: impl Fn(u64) -> String, answered: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    for n in 0..count {
        let (at, id, name) = (1.0 + n as f64 * 0.5, n as u16, format!("{}.own.test", label(n)));
        lines.push(Message::query(at, RESOLVER, 3000, REAL, id, &name).line(2 * n + 1));
        let reply = Message::reply(at + 0.1, REAL, RESOLVER, 3000, id, &name);
        lines.push(if answered { reply.answer(&name, 1, REAL) } else { reply.rcode(3) }.line(2 * n + 2));
    }
    lines
}

#[test]
fn many_names_that_do_not_exist_are_a_flood() {
    let all = found(&names(60, |n| format!("x8f2q{n:03}"), false));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.code(), "dns-poison-kaminsky/random-siblings");
    assert_eq!((finding.severity, finding.confidence.to_string().as_str()), (Severity::Medium, "0.50"));
    assert_eq!((finding.subject, finding.key.as_str(), finding.stage), (addr(RESOLVER), "own.test", Stage::Impact));
    assert_eq!(finding.measures[0].to_string(), "different names: 50 names (threshold 50, sekisho)");
    assert_eq!(finding.quotes[0].text, "x8f2q000.own.test");
}

#[test]
fn ordinary() {
    assert!(found(&names(49, |n| format!("x8f2q{n:03}"), false)).is_empty());
    assert!(found(&names(60, |n| format!("server{n:03}"), true)).is_empty());
    // A block list's octets, and shortened questions.
    assert!(found(&names(200, |n| format!("{n}"), false)).is_empty());
    // Hosts of a local network.
    let local: Vec<Line> = (0..90u64)
        .map(|n| Message::query(1.0, RESOLVER, 3000, REAL, n as u16, &format!("printer{n}.lan")).line(n + 1))
        .collect();
    assert!(found(&local).is_empty());
    // A search list: the labels were asked for alone before.
    let mut lines = Vec::new();
    for n in 0..60u64 {
        for (i, name) in [format!("probe{n:05}"), format!("probe{n:05}.own.test")].iter().enumerate() {
            lines.push(Message::query(1.0, RESOLVER, 3000, REAL, n as u16, name).line(2 * n + i as u64 + 1));
        }
    }
    assert!(found(&lines).is_empty());
}
