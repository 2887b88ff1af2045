use crate::testing::{Line, Message, addr, judge, of};
use sekisho_finding::{Finding, Severity};

const SERVER: &str = "10.0.0.53";
const STRANGER: &str = "198.51.100.9";

/// `client` asks for `count` names and is answered; `change` makes the answers.
fn served(client: &str, count: u16, change: impl Fn(Message, &str) -> Message) -> Vec<Line> {
    let mut lines = Vec::new();
    for n in 0..count {
        let (at, name) = (1.0 + f64::from(n), format!("n{n}.example.test"));
        lines.push(Message::query(at, client, 4000, SERVER, n, &name).recursive().line(10 * u64::from(n) + 1));
        let reply = Message::reply(at + 0.1, SERVER, client, 4000, n, &name).recursive();
        lines.push(change(reply, &name).line(10 * u64::from(n) + 2));
    }
    lines
}

fn resolved(reply: Message, name: &str) -> Message {
    reply.answer(name, 1, "192.0.2.80")
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "dns-open-resolver")
}

#[test]
fn names_resolved_for_strangers() {
    let all = found(&served(STRANGER, 4, resolved));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.code(), "dns-open-resolver/recursive");
    assert_eq!((finding.severity, finding.confidence.to_string().as_str()), (Severity::High, "0.95"));
    assert_eq!((finding.subject, finding.key.as_str(), finding.count), (addr(SERVER), "53", 2));
    assert_eq!(finding.peers.named(), [addr(STRANGER)]);
    assert_eq!(finding.measures[0].to_string(), "different names: 3 names (threshold 3, sekisho)");
    assert_eq!(finding.quotes[2].text, "n2.example.test");
    let none = |reply: Message, _: &str| reply.rcode(3).record(2, "example.test", 6, 60, "ns.example.test");
    assert_eq!(found(&served(STRANGER, 3, none)).len(), 1);
}

#[test]
fn questions_passed_on_and_large_answers() {
    let mut lines = served(STRANGER, 3, resolved);
    // Between the stranger's question and the answer to it.
    let passed_on = Message::query(3.01, SERVER, 7000, "192.0.2.53", 1, "n2.example.test").line(99);
    lines.insert(lines.len() - 1, passed_on);
    assert_eq!(found(&lines)[0].code(), "dns-open-resolver/forwarder");
    let mut lines = served(STRANGER, 3, resolved);
    let ask = Message::query(9.0, STRANGER, 4000, SERVER, 77, "example.test").recursive().qtype(255);
    let reply = Message::reply(9.1, SERVER, STRANGER, 4000, 77, "example.test").recursive().qtype(255).len(3000);
    lines.extend([ask.line(1), resolved(reply, "example.test").line(2)]);
    let codes: Vec<&str> = found(&lines).iter().map(|f| f.reason.code).collect();
    assert_eq!(codes, ["any", "recursive"]);
}

#[test]
fn nearly() {
    assert!(found(&served(STRANGER, 2, resolved)).is_empty());
    assert!(found(&served(STRANGER, 9, |reply, _| reply.rcode(5))).is_empty());
    assert!(found(&served(STRANGER, 9, |reply, _| reply.record(2, "test", 2, 60, "ns.test"))).is_empty());
}

#[test]
fn ordinary() {
    // Its own clients; and a server that answers for its zone.
    assert!(found(&served("10.0.0.7", 20, resolved)).is_empty());
    let own = |_: Message, name: &str| {
        let n: u16 = name.trim_start_matches('n').split('.').next().unwrap().parse().unwrap();
        resolved(Message::reply(1.1 + f64::from(n), SERVER, STRANGER, 4000, n, name), name)
    };
    assert!(found(&served(STRANGER, 9, own)).is_empty());
}
