use crate::testing::{Line, Message, of};
use crate::testing_dnssec::{HOME, Told, case, judged, lines};
use sekisho_finding::{Finding, Severity};
use sekisho_types::Addr;

const NAME: &str = "www.good13.test";
/// When the cases were recorded.
const AFTER: f64 = 120.0;

fn found(rows: &[Line]) -> Vec<Finding> {
    of(&judged(rows), "dnssec-downgrade")
}

/// The name with its chain, as servers with authority gave it.
fn signed() -> (Vec<Line>, f64) {
    let case = case("algorithm-13.client");
    let at = case.messages.last().unwrap().0.at.as_secs_f64();
    (lines(&case, HOME), at + AFTER)
}

fn ask(at: f64, id: u16, name: &str, wanted: bool) -> Line {
    Message::query(at, "10.0.0.7", 4000, "10.0.0.1", id, name).recursive().qtype(28).wants_signatures(wanted).line(900)
}

fn bare(at: f64, id: u16, name: &str) -> Message {
    let reply = Message::reply(at, "10.0.0.1", "10.0.0.7", 4000, id, name).recursive().qtype(28);
    reply.answer(name, 28, "2001:db8::66")
}

#[test]
fn signatures_that_were_stripped() {
    let (mut rows, at) = signed();
    rows.extend([ask(at, 1, NAME, true), bare(at + 0.1, 1, NAME).line(901)]);
    let all = found(&rows);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("dnssec-downgrade/rrsig-stripped", Severity::Medium));
    assert_eq!((finding.subject, finding.key.as_str()), (Addr::v4([10, 0, 0, 1]), NAME));
    assert_eq!(finding.quotes[0].text, "www.good13.test is answered with 2001:db8::66, without RRSIG");
}

#[test]
fn nearly_stripped() {
    let judge = |make: &dyn Fn(f64) -> Vec<Line>| {
        let (mut rows, at) = signed();
        rows.extend(make(at));
        found(&rows)
    };
    // Signatures were not wanted; another name; a policy's answer; with a signature; truncated; more than 7 days later.
    assert!(judge(&|at| vec![ask(at, 1, NAME, false), bare(at + 0.1, 1, NAME).line(901)]).is_empty());
    let other = "www.good99.test";
    assert!(judge(&|at| vec![ask(at, 1, other, true), bare(at + 0.1, 1, other).line(901)]).is_empty());
    assert!(judge(&|at| vec![ask(at, 1, NAME, true), bare(at + 0.1, 1, NAME).extended_error(15).line(901)]).is_empty());
    assert!(
        judge(&|at| vec![ask(at, 1, NAME, true), bare(at + 0.1, 1, NAME).answer(NAME, 46, "").line(901)]).is_empty()
    );
    let late = 8.0 * 86_400.0;
    assert!(judge(&|at| vec![ask(at + late, 1, NAME, true), bare(at + late, 1, NAME).line(901)]).is_empty());
}

#[test]
fn a_zone_that_is_served_unsigned() {
    let served = |count: u16| {
        let (mut rows, at) = signed();
        for n in 0..count {
            let at = at + f64::from(n);
            let ask = Message::query(at, "10.0.0.53", 5000, "192.0.2.53", n, NAME).qtype(28).wants_signatures(true);
            let reply = Message::reply(at + 0.1, "192.0.2.53", "10.0.0.53", 5000, n, NAME).qtype(28);
            rows.extend([ask.line(900), reply.answer(NAME, 28, "2001:db8::66").line(901)]);
        }
        found(&rows)
    };
    assert!(served(2).is_empty());
    assert_eq!(served(3)[0].code(), "dnssec-downgrade/unsigned-was-signed");
}

#[test]
fn a_resolver_that_never_says_authentic() {
    let asked = |times: usize, authentic: bool| {
        let case = case("algorithm-13.client");
        let told = Told { resolver: Some(authentic), ..HOME };
        let rows = |n: usize| lines(&case, Told { shift: 20.0 * n as f64, packet: 100 * n as u64 + 1, ..told });
        found(&(0..times).flat_map(rows).collect::<Vec<_>>())
    };
    let all = asked(30, false);
    assert_eq!(all.iter().map(Finding::code).collect::<Vec<_>>(), ["dnssec-downgrade/ad-never"]);
    assert_eq!((all[0].severity, all[0].subject), (Severity::Low, HOME.server.unwrap()));
    assert!(asked(30, true).is_empty());
    assert!(asked(3, false).is_empty());
}

/// Clients ask a forwarder, which asks on.
fn forwarded(count: u16, wanted: bool, unchecked: bool) -> Vec<Finding> {
    let mut rows = Vec::new();
    for n in 0..count {
        let (at, name) = (f64::from(n), format!("n{n}.example.test"));
        rows.push(ask(at, n, &name, true));
        let on = Message::query(at + 0.01, "10.0.0.1", 6000, "192.0.2.9", n, &name).recursive().qtype(28);
        rows.push(on.wants_signatures(wanted).unchecked(unchecked).line(902));
        rows.push(Message::reply(at + 0.02, "192.0.2.9", "10.0.0.1", 6000, n, &name).recursive().qtype(28).line(903));
        rows.push(bare(at + 0.03, n, &name).line(904));
    }
    found(&rows)
}

#[test]
fn forwarders_that_ask_otherwise() {
    let all = forwarded(60, false, true);
    assert_eq!(
        all.iter().map(|f| (f.reason.code, f.severity)).collect::<Vec<_>>(),
        [("do-stripped", Severity::Info), ("cd-forced", Severity::Info)].into_iter().rev().collect::<Vec<_>>()
    );
    assert!(forwarded(60, true, false).is_empty());
    assert!(forwarded(9, false, true).is_empty());
}

#[test]
fn ordinary_and_bounded() {
    let (rows, _) = signed();
    assert!(found(&rows).is_empty());
    let mut rows = Vec::new();
    for n in 0..9_000u32 {
        let client = format!("10.{}.{}.7", n / 250, n % 250);
        let query = Message::query(f64::from(n), &client, 4000, "10.0.0.1", n as u16, "a.example.test").recursive();
        rows.push(query.wants_signatures(true).line(1));
    }
    let verdict = judged(&rows);
    let spent = verdict.spent.iter().find(|s| s.id == "dnssec-downgrade").unwrap();
    assert!(spent.forgotten > 0 && spent.held_len < 3_000_000, "{spent:?}");
}
