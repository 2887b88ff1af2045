use crate::Scope;
use crate::testing::{Cell, Line, Message, addr, between, judge, judge_in, of};
use sekisho_finding::tale::RELAYED_IN;
use sekisho_finding::{Finding, Part, Severity};

const VICTIM: &str = "10.0.0.5";
const MIDDLE: &str = "10.0.0.66";
const TARGET: &str = "10.0.0.1";

/// A login; the flow is another for each time.
fn login(at: f64, ends: (&str, &str), challenge: u64, proof: u64, more: &[(&'static str, Cell)]) -> Line {
    let mut columns = vec![
        ("over", Cell::Word("smb")),
        ("user", Cell::Text(b"DC1$".to_vec())),
        ("server_name", Cell::Text(b"DC1".to_vec())),
        ("challenge", Cell::Count(challenge)),
        ("challenged", Cell::Time(at)),
        ("challenge_packet", Cell::Count((at * 10.0) as u64)),
        ("answered", Cell::Flag(true)),
        ("nt_len", Cell::Count(300)),
        ("proof", Cell::Count(proof)),
        ("packet", Cell::Count((at * 10.0) as u64 + 2)),
    ];
    for (name, cell) in more {
        columns.retain(|c| c.0 != *name);
        columns.push((name, cell.clone()));
    }
    between("ntlm_login", at, ends, &columns)
}

fn over(what: &'static str, success: bool) -> [(&'static str, Cell); 2] {
    [("over", Cell::Word(what)), ("success", Cell::Flag(success))]
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "ntlm-relay")
}

fn codes(lines: &[Line]) -> Vec<String> {
    found(lines).iter().map(Finding::code).collect()
}

/// S-26: a login by SMB passed on to LDAP. Which session's row comes first does not matter.
#[test]
fn a_relay_from_smb_to_ldap() {
    let legs = || {
        [
            login(2.1, (VICTIM, MIDDLE), 99, 7, &over("smb", false)),
            login(2.0, (MIDDLE, TARGET), 99, 7, &over("ldap", true)),
        ]
    };
    let [first, second] = legs();
    for lines in [[first, second], {
        let [a, b] = legs();
        [b, a]
    }] {
        let found = found(&lines);
        let [finding] = &found[..] else { panic!("{found:?}") };
        assert_eq!(finding.code(), "ntlm-relay/challenge-reuse/used");
        assert_eq!((finding.severity, finding.confidence.thousandths()), (Severity::Critical, 970));
        assert_eq!((finding.subject, finding.key.as_str()), (addr(MIDDLE), "DC1$ at 10.0.0.1"));
        assert_eq!(finding.flows.count(), 2);
        assert!(finding.quotes.iter().any(|q| q.text == "10.0.0.66 to 10.0.0.1 by ldap, let in"), "{finding:?}");
        assert!(finding.quotes.iter().any(|q| q.text == "10.0.0.5 to 10.0.0.66 by smb, refused"));
        let tale = finding.tale.as_ref().unwrap();
        assert_eq!(
            (tale.words, &tale.values[1..]),
            (RELAYED_IN, &["10.0.0.5", "10.0.0.1", "ldap"].map(String::from)[..])
        );
        assert!(finding.parts.contains(&(addr("10.0.0.5"), Part::Victim)));
    }
    let refused = [
        login(2.1, (VICTIM, MIDDLE), 99, 7, &over("smb", false)),
        login(2.0, (MIDDLE, TARGET), 99, 7, &over("ldap", false)),
    ];
    let found = found(&refused);
    assert_eq!((found[0].code().as_str(), found[0].severity), ("ntlm-relay/challenge-reuse", Severity::High));
}

#[test]
fn nearly_a_relay() {
    // More than half a minute apart, and other answers: a chance.
    let apart = [login(40.1, (VICTIM, MIDDLE), 99, 8, &[]), login(10.0, (MIDDLE, TARGET), 99, 7, &[])];
    assert_eq!(codes(&apart).len(), 0);
    let within = [login(40.0, (VICTIM, MIDDLE), 99, 8, &[]), login(10.0, (MIDDLE, TARGET), 99, 7, &[])];
    assert_eq!(codes(&within), ["ntlm-relay/challenge-reuse"]);
    // Different challenges; nobody in the middle; the challenge of a tool.
    assert_eq!(codes(&[login(2.1, (VICTIM, MIDDLE), 98, 8, &[]), login(2.0, (MIDDLE, TARGET), 99, 7, &[])]).len(), 0);
    assert_eq!(codes(&[login(2.1, (VICTIM, TARGET), 99, 8, &[]), login(2.0, (MIDDLE, TARGET), 99, 7, &[])]).len(), 0);
    let tool = 0x1122_3344_5566_7788;
    let tools = [login(2.1, (VICTIM, MIDDLE), tool, 8, &[]), login(2.0, (MIDDLE, TARGET), tool, 7, &[])];
    assert_eq!(codes(&tools).len(), 0);
}

#[test]
fn the_same_answer_from_two_sources() {
    // Over two versions of IP the middle has two addresses.
    let outer = [("packet", Cell::Count(30))];
    let lines = || [login(2.1, (VICTIM, "fe80::66"), 99, 7, &[]), login(2.0, (MIDDLE, TARGET), 99, 7, &outer)];
    let found = found(&lines());
    assert_eq!((found[0].code().as_str(), found[0].subject), ("ntlm-relay/response-reuse", addr(MIDDLE)));
    // Responses of version 1 are equal for an equal challenge.
    let short = [("nt_len", Cell::Count(24)), ("packet", Cell::Count(30))];
    let old = [login(2.1, (VICTIM, "fe80::66"), 99, 7, &short[..1]), login(2.0, (MIDDLE, TARGET), 99, 7, &short)];
    assert_eq!(codes(&old).len(), 0);
    // The same server, seen before and behind address translation.
    assert_eq!(
        codes(&[login(2.1, (VICTIM, TARGET), 99, 7, &[]), login(2.0, (MIDDLE, TARGET), 99, 7, &outer)]).len(),
        0
    );
    // A recorded session that others play again, even at the same time.
    let again = [login(2.0, (VICTIM, "10.0.0.7"), 99, 7, &[]), login(2.1, (MIDDLE, TARGET), 99, 7, &[])];
    assert_eq!(codes(&again).len(), 0);
    let late = [
        login(40.0, (VICTIM, "fe80::66"), 99, 7, &[]),
        login(2.0, (MIDDLE, TARGET), 99, 7, &[("packet", Cell::Count(900))]),
    ];
    assert_eq!(codes(&late).len(), 0);
}

/// S-27: a proxy that several use passes logins through, and what is captured twice is one flow.
#[test]
fn a_proxy_passes_logins_through() {
    let mut lines: Vec<Line> = (0..3u32)
        .map(|i| {
            let more = [("method", Cell::Text(b"CONNECT".to_vec())), ("uri", Cell::Text(b"web.test:80".to_vec()))];
            between("http", f64::from(i), (&format!("10.0.1.{i}"), MIDDLE), &more)
        })
        .collect();
    let relay = || {
        [
            login(9.1, (VICTIM, MIDDLE), 99, 7, &over("http", true)),
            login(9.0, (MIDDLE, TARGET), 99, 7, &over("http", true)),
        ]
    };
    assert_eq!(codes(&relay()), ["ntlm-relay/challenge-reuse/used"]);
    lines.extend(relay());
    assert_eq!(codes(&lines).len(), 0);
    let twice = [login(9.0, (VICTIM, TARGET), 99, 7, &[]), login(9.0, (VICTIM, TARGET), 99, 7, &[])];
    assert_eq!(codes(&twice).len(), 0);
}

fn named(at: f64, name: &str, addr: &str) -> Line {
    let more = [
        ("id.resp_p", Cell::Port(53)),
        ("query", Cell::Text(name.into())),
        ("qtype", Cell::Count(1)),
        ("rcode", Cell::Count(0)),
        ("answers", Cell::Texts(vec![addr.into()])),
    ];
    between("dns", at, ("10.0.0.9", "10.0.0.53"), &more)
}

#[test]
fn a_challenge_that_names_another_computer() {
    let known = || named(1.0, "dc1.corp.test", TARGET);
    let lines = [known(), named(1.5, "pc66.corp.test", MIDDLE), login(2.0, (VICTIM, MIDDLE), 99, 7, &[])];
    let found = found(&lines);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("ntlm-relay/target-mismatch", Severity::Medium));
    assert_eq!((finding.subject, finding.key.as_str()), (addr(MIDDLE), "DC1"));
    // Without a name of its own it may be another address of that computer.
    let found = self::found(&[known(), login(2.0, (VICTIM, MIDDLE), 99, 7, &[])]);
    assert_eq!(found[0].severity, Severity::Low);
    // Its own name, nobody's name, an old answer, the other version of IP.
    assert_eq!(codes(&[known(), login(2.0, (VICTIM, TARGET), 99, 7, &[])]).len(), 0);
    assert_eq!(
        codes(&[known(), named(1.5, "dc1.corp.test", MIDDLE), login(2.0, (VICTIM, MIDDLE), 9, 7, &[])]).len(),
        0
    );
    assert_eq!(codes(&[login(2.0, (VICTIM, MIDDLE), 99, 7, &[])]).len(), 0);
    assert_eq!(codes(&[known(), login(90_000.0, (VICTIM, MIDDLE), 99, 7, &[])]).len(), 0);
    assert_eq!(codes(&[known(), login(2.0, (VICTIM, "fd00::66"), 99, 7, &[])]).len(), 0);
}

#[test]
fn an_office() {
    let mut lines: Vec<Line> = (0..400u32)
        .map(|i| {
            let (from, to) = (format!("10.0.1.{}", i % 40), format!("10.0.2.{}", i % 3));
            login(f64::from(i), (&from, &to), u64::from(i) * 977 + 13, u64::from(i) * 31 + 5, &[])
        })
        .collect();
    lines.push(Message::query(1.0, "10.0.0.9", 4_000, "10.0.0.53", 7, "dc1.corp.test").line(1));
    assert_eq!(codes(&lines).len(), 0);
}

#[test]
fn state_is_bounded() {
    let lines: Vec<Line> = (0..200_000u32)
        .map(|i| {
            let client = format!("10.{}.{}.9", i >> 8 & 255, i & 255);
            login(f64::from(i), (&client, TARGET), u64::from(i) + 1, u64::from(i) + 1, &[])
        })
        .collect();
    let scope = Scope { memory_len: Some(4 << 20), ..Scope::new(&[], 0) };
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "ntlm-relay").unwrap();
    assert!(spent.forgotten > 100_000 && spent.held_len < 1 << 20, "{spent:?}");
}
