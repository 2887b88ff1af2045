use crate::Scope;
use crate::testing::{Cell, Line, addr, between, judge, judge_in, of};
use sekisho_finding::{Finding, Severity};

const CLIENT: &str = "10.0.0.5";
const SERVER: &str = "10.0.0.1";
const GOOD: u64 = 0xe28a_8215;
const OFFERED: u64 = 0xe208_8297;

/// A login of version 2; what is given replaces.
fn login(at: f64, ends: (&str, &str), challenge: u64, more: &[(&'static str, Cell)]) -> Line {
    let mut columns = vec![
        ("over", Cell::Word("smb")),
        ("user", Cell::Text(b"eva".to_vec())),
        ("workstation", Cell::Text(b"PC5".to_vec())),
        ("server_name", Cell::Text(b"FS1".to_vec())),
        ("offered", Cell::Count(OFFERED)),
        ("flags", Cell::Count(GOOD)),
        ("challenge", Cell::Count(challenge)),
        ("challenged", Cell::Time(at)),
        ("challenge_packet", Cell::Count(5)),
        ("answered", Cell::Flag(true)),
        ("lm_len", Cell::Count(24)),
        ("nt_len", Cell::Count(300)),
        ("lm_set", Cell::Flag(false)),
        ("success", Cell::Flag(true)),
        ("packet", Cell::Count(7)),
    ];
    for (name, cell) in more {
        columns.retain(|c| c.0 != *name);
        columns.push((name, cell.clone()));
    }
    between("ntlm_login", at, ends, &columns)
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "ntlm-downgrade")
}

fn codes(lines: &[Line]) -> Vec<String> {
    found(lines).iter().map(Finding::code).collect()
}

/// S-20: the tool that answers for others' names sends the challenge for which there are tables.
#[test]
fn the_known_challenge() {
    let found = found(&[login(1.0, (CLIENT, "10.0.0.66"), 0x1122_3344_5566_7788, &[])]);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("ntlm-downgrade/fixed-challenge", Severity::Critical));
    assert_eq!((finding.subject, finding.confidence.thousandths()), (addr("10.0.0.66"), 950));
    assert!(finding.quotes.iter().any(|q| q.label == "challenge" && q.text == "1122334455667788"));
    assert_eq!(finding.packets.iter().collect::<Vec<_>>(), [5, 7]);
}

#[test]
fn the_same_challenge_for_two_clients() {
    let again = |client, at| login(at, (client, SERVER), 77, &[]);
    let found = found(&[again(CLIENT, 1.0), again("10.0.0.6", 2.0)]);
    assert_eq!((found[0].code().as_str(), found[0].severity), ("ntlm-downgrade/fixed-challenge", Severity::High));
    // Nearly: the same client, another server, another challenge.
    assert_eq!(codes(&[again(CLIENT, 1.0), again(CLIENT, 2.0)]).len(), 0);
    assert_eq!(codes(&[again(CLIENT, 1.0), login(2.0, ("10.0.0.6", "10.0.0.2"), 77, &[])]).len(), 0);
    assert_eq!(codes(&[again(CLIENT, 1.0), login(2.0, ("10.0.0.6", SERVER), 78, &[])]).len(), 0);
    // Sixteen challenges later it is forgotten.
    let mut lines = vec![again(CLIENT, 1.0)];
    lines.extend((0..16u32).map(|i| login(f64::from(i) + 2.0, (CLIENT, SERVER), u64::from(i) + 100, &[])));
    lines.push(again("10.0.0.6", 30.0));
    assert_eq!(codes(&lines).len(), 0);
}

/// S-25.
#[test]
fn responses_of_24_bytes() {
    let short = |user: &str, more: &[(&'static str, Cell)]| {
        let mut columns = vec![("user", Cell::Text(user.into())), ("nt_len", Cell::Count(24))];
        columns.extend(more.iter().cloned());
        login(1.0, (CLIENT, SERVER), 77, &columns)
    };
    let found_v1 = found(&[short("eva", &[])]);
    assert_eq!((found_v1[0].code().as_str(), found_v1[0].severity), ("ntlm-downgrade/ntlmv1", Severity::Medium));
    assert_eq!((found_v1[0].subject, found_v1[0].key.as_str()), (addr(CLIENT), "eva"));
    for privileged in ["DC1$", "Administrator"] {
        assert_eq!(found(&[short(privileged, &[])])[0].severity, Severity::High, "{privileged}");
    }
    // LAN Manager's own response, without extended session security; with it, it is the client's challenge.
    let plain = ("flags", Cell::Count(GOOD & !0x0008_0000));
    assert_eq!(codes(&[short("eva", &[("lm_set", Cell::Flag(true)), plain.clone()])]), ["ntlm-downgrade/lm"]);
    assert_eq!(codes(&[short("eva", &[("lm_set", Cell::Flag(true))])]), ["ntlm-downgrade/ntlmv1"]);
    let keyed = [("flags", Cell::Count(0x281)), ("offered", Cell::Count(0x281))];
    assert_eq!(codes(&[short("eva", &keyed)]), ["ntlm-downgrade/lm"]);
    // Nearly: version 2, whose response is longer; an anonymous login; one that was not answered.
    assert_eq!(codes(&[short("eva", &[("nt_len", Cell::Count(25))])]).len(), 0);
    assert_eq!(codes(&[short("", &[])]).len(), 0);
    assert_eq!(codes(&[short("eva", &[("answered", Cell::Flag(false))])]).len(), 0);
    // Nothing of a response is told: the rows have none.
    assert!(found_v1[0].quotes.iter().all(|q| !q.label.contains("response")));
}

#[test]
fn protection_taken_back() {
    let without = [("flags", Cell::Count(GOOD & !0x0008_0000))];
    let found = found(&[login(1.0, (CLIENT, SERVER), 1, &[]), login(2.0, (CLIENT, SERVER), 2, &without)]);
    assert_eq!((found[0].code().as_str(), found[0].subject), ("ntlm-downgrade/flag-stripped", addr(SERVER)));
    assert!(found[0].quotes.iter().any(|q| q.label == "taken back" && q.text == "extended session security"));
    // A server that never granted it, and a client that did not ask.
    assert_eq!(codes(&[login(1.0, (CLIENT, SERVER), 1, &without), login(2.0, (CLIENT, SERVER), 2, &without)]).len(), 0);
    let modest = [without[0].clone(), ("offered", Cell::Count(OFFERED & !0x0008_0000))];
    assert_eq!(codes(&[login(1.0, (CLIENT, SERVER), 1, &[]), login(2.0, (CLIENT, SERVER), 2, &modest)]).len(), 0);
}

#[test]
fn smb_1_though_2_was_offered() {
    let found = found(&[between("smb_downgrade", 1.0, (CLIENT, SERVER), &[("packet", Cell::Count(3))])]);
    assert_eq!((found[0].code().as_str(), found[0].severity), ("ntlm-downgrade/smb1", Severity::Low));
    assert_eq!((found[0].subject, found[0].packets.count()), (addr(SERVER), 1));
}

#[test]
fn an_office_of_version_2() {
    let lines: Vec<Line> = (0..200u32)
        .map(|i| login(f64::from(i), (&format!("10.0.1.{}", i % 40), SERVER), u64::from(i) * 977 + 13, &[]))
        .collect();
    assert_eq!(codes(&lines).len(), 0);
}

#[test]
fn state_is_bounded() {
    let lines: Vec<Line> = (0..200_000u32)
        .map(|i| login(f64::from(i), (CLIENT, &format!("10.{}.{}.9", i >> 8 & 255, i & 255)), u64::from(i) + 1, &[]))
        .collect();
    let scope = Scope { memory_len: Some(4 << 20), ..Scope::new(&[], 0) };
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "ntlm-downgrade").unwrap();
    assert!(spent.forgotten > 100_000 && spent.held_len < 1 << 20, "{spent:?}");
}
