use crate::testing::{Line, Message, addr, judge, of};
use sekisho_finding::{Finding, Severity};

const SERVER: &str = "192.0.2.53";
const RESOLVER: &str = "10.0.0.53";
const CLIENT: &str = "10.0.0.7";

fn asks(at: f64, id: u16) -> Message {
    Message::query(at, RESOLVER, 3000, SERVER, id, "www.shop.test")
}

fn says(at: f64, id: u16) -> Message {
    Message::reply(at, SERVER, RESOLVER, 3000, id, "www.shop.test")
}

fn at(message: Message, address: &str) -> Message {
    message.answer("www.shop.test", 1, address)
}

/// The resolver's client asks, and is told `address`.
fn told(time: f64, address: &str) -> [Line; 2] {
    let ask = Message::query(time, CLIENT, 5000, RESOLVER, 9, "www.shop.test").recursive();
    let reply = Message::reply(time + 0.1, RESOLVER, CLIENT, 5000, 9, "www.shop.test").recursive();
    [ask.line(30), at(reply, address).line(31)]
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "dns-answer-conflict")
}

#[test]
fn two_answers_that_contradict_each_other() {
    let lines =
        [asks(1.0, 1).line(1), at(says(1.06, 1), "203.0.113.66").line(2), at(says(1.1, 1), "192.0.2.80").line(3)];
    let all = found(&lines);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.code(), "dns-answer-conflict/double-answer");
    assert_eq!((finding.severity, finding.confidence.to_string().as_str()), (Severity::Medium, "0.60"));
    assert_eq!((finding.subject, finding.key.as_str()), (addr(RESOLVER), "www.shop.test"));
    assert_eq!(finding.packets.iter().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(finding.quotes[0].text, "www.shop.test is at 203.0.113.66");
    assert_eq!(finding.peers.named(), [addr(SERVER), addr("203.0.113.66"), addr("192.0.2.80")]);
}

#[test]
fn one_that_came_early_from_elsewhere_was_injected() {
    let lines = [
        asks(1.0, 1).line(1),
        at(says(1.01, 1), "203.0.113.66").hops(50).line(2),
        says(1.1, 1).hops(60).rcode(3).line(3),
    ];
    let all = found(&lines);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.code(), "dns-answer-conflict/injected-early");
    assert_eq!((finding.severity, finding.confidence.to_string().as_str()), (Severity::High, "0.80"));
    let measures: Vec<String> = finding.measures.iter().map(ToString::to_string).collect();
    assert_eq!(
        measures,
        [
            "first answer after: 10 ms",
            "second answer after: 100 ms",
            "difference of hop limits: 10 (threshold 3, sekisho)"
        ]
    );
    assert_eq!(finding.quotes[1].text, "www.shop.test does not exist");
}

#[test]
fn a_resolver_that_says_something_else() {
    let mut lines = vec![asks(1.0, 1).line(1), at(says(1.1, 1), "192.0.2.80").line(2)];
    lines.extend(told(2.0, "203.0.113.66"));
    let all = found(&lines);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.code(), "dns-answer-conflict/resolver-differs");
    assert_eq!((finding.severity, finding.confidence.to_string().as_str()), (Severity::Medium, "0.50"));
    assert_eq!((finding.subject, finding.peers.named()[0]), (addr(RESOLVER), addr(CLIENT)));
    assert_eq!(finding.quotes[1].text, "www.shop.test is at 203.0.113.66");
    let mut lines =
        vec![asks(1.0, 1).line(1), says(1.1, 1).rcode(3).record(2, "shop.test", 6, 300, "ns.shop.test").line(2)];
    lines.extend(told(2.0, "203.0.113.66"));
    let all = found(&lines);
    assert_eq!((all.len(), all[0].reason.code, all[0].severity), (1, "nx-rewrite", Severity::Low));
}

#[test]
fn nearly() {
    // One address in common, and an answer after the time to live of what was known.
    let shared = at(at(says(1.1, 1), "192.0.2.81"), "203.0.113.66");
    assert!(found(&[asks(1.0, 1).line(1), at(says(1.06, 1), "203.0.113.66").line(2), shared.line(3)]).is_empty());
    let mut lines = vec![asks(1.0, 1).line(1), at(says(1.1, 1), "192.0.2.80").line(2)];
    lines.extend(told(400.0, "203.0.113.66"));
    assert!(found(&lines).is_empty());
}

#[test]
fn ordinary() {
    let mut lines = vec![asks(1.0, 1).line(1)];
    // The answer twice, as a mirror port brings it.
    lines.extend([2, 3].map(|packet| at(says(1.1, 1), "192.0.2.80").line(packet)));
    lines.extend(told(2.0, "192.0.2.80"));
    // Two questions at different times get different addresses, and the client one of them.
    lines.extend([asks(5.0, 2).line(6), at(says(5.1, 2), "192.0.2.81").line(7)]);
    lines.extend(told(6.0, "192.0.2.81"));
    // A blocked name.
    lines.extend(told(9.0, "0.0.0.0"));
    assert!(found(&lines).is_empty());
}
