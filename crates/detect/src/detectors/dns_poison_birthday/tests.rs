use crate::testing::{Line, Message, addr, judge, of};
use sekisho_finding::{Finding, Severity};

const SERVER: &str = "192.0.2.53";
const RESOLVER: &str = "10.0.0.53";

fn ask(at: f64, id: u16) -> Message {
    Message::query(at, RESOLVER, 3000, SERVER, id, "www.bank.test")
}

fn says(at: f64, id: u16, address: &str) -> Message {
    Message::reply(at, SERVER, RESOLVER, 3000, id, "www.bank.test").answer("www.bank.test", 1, address)
}

/// One question and `count` answers with other ids.
fn flood(count: u16) -> Vec<Line> {
    let mut lines = vec![ask(1.0, 9).line(1)];
    for n in 0..count {
        lines.push(says(1.01, 1000 + n, "203.0.113.66").hops(50).line(2 + u64::from(n)));
    }
    lines
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "dns-poison-birthday")
}

#[test]
fn a_flood_of_guesses() {
    let all = found(&flood(100));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.code(), "dns-poison-birthday/forged-flood");
    assert_eq!((finding.severity, finding.confidence.to_string().as_str()), (Severity::High, "0.80"));
    assert_eq!((finding.subject, finding.key.as_str(), finding.count), (addr(RESOLVER), SERVER, 100));
    assert_eq!(finding.measures[0].to_string(), "forged answers: 100 (threshold 20, sekisho)");
    assert_eq!(finding.quotes[0].text, "id 1000 to port 3000, hop limit 50: www.bank.test is 203.0.113.66");
    assert_eq!(found(&flood(20))[0].severity, Severity::Medium);
}

#[test]
fn a_guess_that_fits_wins() {
    let mut lines = flood(5);
    lines.push(says(1.02, 9, "203.0.113.66").hops(50).line(50));
    assert!(found(&lines).is_empty());
    lines.push(says(1.05, 9, "192.0.2.80").hops(60).line(51));
    let all = found(&lines);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.code(), "dns-poison-birthday/forged-flood/won");
    assert_eq!((finding.severity, finding.confidence.to_string().as_str()), (Severity::Critical, "0.85"));
    let quotes: Vec<(&str, u64)> = finding.quotes.iter().map(|q| (q.label, q.packet)).collect();
    assert_eq!(quotes, [("forged answer", 2), ("answer that fitted", 50), ("answer that came too late", 51)]);
    // Without the honest answer it shows by the distance, if that is known.
    let mut lines = vec![ask(0.1, 1).line(90), says(0.2, 1, "192.0.2.80").hops(60).line(91)];
    lines.extend(flood(5));
    lines.push(says(1.02, 9, "203.0.113.66").hops(50).line(95));
    assert_eq!(found(&lines)[0].confirmed, Some("won"));
}

#[test]
fn many_equal_questions_at_once() {
    let all = found(&(0..12).map(|n| ask(1.0, n).line(u64::from(n) + 1)).collect::<Vec<_>>());
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.code(), "dns-poison-birthday/duplicate-queries");
    assert_eq!((finding.severity, finding.subject, finding.count), (Severity::Low, addr(RESOLVER), 3));
}

#[test]
fn nearly() {
    assert!(found(&flood(19)).is_empty());
    assert!(found(&(0..9).map(|n| ask(1.0, n).line(1)).collect::<Vec<_>>()).is_empty());
    // The same answer from the usual distance, and one too late with nothing forged before.
    let mut lines = vec![ask(0.1, 1).line(90), says(0.2, 1, "192.0.2.80").hops(60).line(91)];
    lines.extend(flood(5));
    lines.push(says(1.02, 9, "192.0.2.80").hops(60).line(95));
    assert!(found(&lines).is_empty());
    let late = [ask(1.0, 1).line(1), says(1.1, 1, "192.0.2.1").line(2), says(1.2, 1, "192.0.2.2").line(3)];
    assert!(found(&late).is_empty());
}

#[test]
fn ordinary() {
    // A mirror port doubles everything.
    let mut lines = Vec::new();
    for n in 0..40u16 {
        let at = 1.0 + f64::from(n);
        for line in [ask(at, n), ask(at, n), says(at + 0.1, n, SERVER), says(at + 0.1, n, SERVER)] {
            lines.push(line.line(1));
        }
    }
    // A slow server answers both questions after the retry.
    lines.extend([ask(100.0, 1).line(1), ask(105.0, 2).line(2)]);
    lines.extend([says(111.0, 1, SERVER).line(3), says(111.0, 2, SERVER).line(4)]);
    assert!(found(&lines).is_empty());
    // Only answers are seen.
    let blind: Vec<Line> = (0..50).map(|n| says(1.0, n, SERVER).line(u64::from(n))).collect();
    assert!(found(&blind).is_empty());
}
