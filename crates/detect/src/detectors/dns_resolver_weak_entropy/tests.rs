use crate::testing::{Line, Message, addr, judge, of};
use sekisho_finding::{Finding, Severity};

/// A number without pattern for each `n`.
fn random(n: u16) -> u16 {
    (sekisho_types::seeded_hash(1, &n.to_be_bytes()) >> 20) as u16
}

fn asked(count: u16, port: impl Fn(u16) -> u16, id: impl Fn(u16) -> u16) -> Vec<Line> {
    let query = |n| Message::query(f64::from(n), "10.0.0.53", port(n), "192.0.2.53", id(n), &format!("n{n}.Test"));
    (0..count).map(|n| query(n).line(u64::from(n) + 1)).collect()
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "dns-resolver-weak-entropy")
}

fn codes(lines: &[Line]) -> Vec<&'static str> {
    found(lines).iter().map(|f| f.reason.code).collect()
}

#[test]
fn one_port_for_all_questions() {
    let all = found(&asked(60, |_| 33333, random));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.code(), "dns-resolver-weak-entropy/fixed-port");
    assert_eq!((finding.severity, finding.confidence.to_string().as_str()), (Severity::High, "0.90"));
    assert_eq!((finding.subject, finding.key.as_str(), finding.count), (addr("10.0.0.53"), "", 60));
    let measures: Vec<String> = finding.measures.iter().map(ToString::to_string).collect();
    assert_eq!(measures[1], "different ports: 1 ports (threshold 2, sekisho)");
    assert_eq!(measures[3..], ["bits to guess at most: 16 bits", "time to an even chance of forgery: 4 s"]);
    assert_eq!(finding.packets.iter().collect::<Vec<_>>(), [1, 60]);
}

#[test]
fn ports_and_ids_that_follow_a_pattern() {
    let high = |n| 20_000 + random(n) % 40_000;
    assert_eq!(codes(&asked(60, |n| 1024 + 2 * n, random)), ["sequential-port"]);
    assert_eq!(codes(&asked(60, |n| 5000 + random(n) % 900, random)), ["narrow-ports"]);
    assert_eq!(codes(&asked(60, high, |n| 7 + n)), ["txid-sequential"]);
    assert_eq!(codes(&asked(230, high, |n| random(n) & 0x07ff)), ["txid-biased"]);
    assert_eq!(found(&asked(60, |n| 1024 + n, random))[0].benign.len(), 1);
    assert_eq!(found(&asked(60, |n| 1024 + n, random))[0].severity, Severity::Medium);
}

#[test]
fn nearly() {
    let high = |n| 20_000 + random(n) % 40_000;
    assert!(found(&asked(49, |_| 33333, random)).is_empty());
    assert!(found(&asked(60, |n| 5000 + random(n) % 1100, random)).is_empty());
    assert!(found(&asked(199, high, |n| random(n) & 0x07ff)).is_empty());
    // A client of a resolver is none.
    let client = |n: u16| Message::query(f64::from(n), "10.0.0.7", 4000, "10.0.0.53", n, "a.test").recursive().line(1);
    assert!(found(&(0..90).map(client).collect::<Vec<_>>()).is_empty());
}

#[test]
fn ordinary() {
    let high = |n| 1024 + random(n) % 64_000;
    assert!(found(&asked(2000, high, |n| random(n ^ 0x5555))).is_empty());
    // Names in lower case and no cookies are worth a note.
    let plain = |n: u16| Message::query(1.0, "10.0.0.53", high(n), "192.0.2.53", random(n ^ 0x5555), "a.test").line(1);
    let all = found(&(0..220).map(plain).collect::<Vec<_>>());
    assert_eq!((all.len(), all[0].reason.code, all[0].severity), (1, "no-cookie-0x20", Severity::Info));
}
