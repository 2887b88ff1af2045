use super::*;
use crate::{Confidence, Peers, Reason, Stage};
use sekisho_types::Timestamp;

static ABOUT: About = About {
    id: "cleartext-credentials",
    title: "",
    means: "",
    techniques: &[],
    stage: Stage::Hygiene,
    reasons: &[Reason { code: "ftp", means: "" }, Reason { code: "http", means: "" }],
    benign: "",
    clears: "",
    next: &[],
    needs: &[],
};

fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

fn at(day: &str) -> Timestamp {
    Timestamp(day.parse::<Day>().unwrap().start().0 + 1)
}

/// Of 2026-11-22.
fn finding() -> Finding {
    let mut peers = Peers::default();
    peers.add(addr("10.0.0.7"));
    Finding {
        stage: Stage::Hygiene,
        key: "alice at 10.0.0.20".to_owned(),
        peers,
        names: vec![(addr("10.0.0.7"), "pc7.Office.example".to_owned())],
        first: at("2026-11-22"),
        last: at("2026-11-22"),
        count: 30,
        ..Finding::new(&ABOUT, ABOUT.at(0), addr("10.0.0.20"), Severity::Medium, Confidence::percent(90))
    }
}

fn mutes(line: &str) -> Result<Mutes, MuteError> {
    Mutes::parse(line, &[&ABOUT])
}

/// What the mute `head`, with end and reason, makes of `finding`.
fn muted(head: &str, finding: Finding) -> Option<String> {
    let mut mutes = mutes(&format!("{head} until=2026-12-31 reason=Old server, replaced soon")).unwrap();
    let mut all = [finding];
    mutes.apply(&mut all, "2026-11-22".parse().unwrap());
    let [one] = all;
    assert_eq!(mutes.iter().next().unwrap().matched, u64::from(one.muted.is_some()));
    one.muted
}

#[test]
fn what_a_mute_names_is_muted_with_its_reason() {
    let words = muted("cleartext-credentials/ftp host=10.0.0.0/24 kind=accepted-risk", finding());
    assert_eq!(words.as_deref(), Some("Old server, replaced soon (accepted-risk, until 2026-12-31)"));
    for head in [
        "cleartext-credentials host=10.0.0.20",
        "cleartext-*/* host=any",
        "cleartext-credentials host=192.0.2.1 host=10.0.0.20",
        "cleartext-credentials key=\"alice at *\"",
        "cleartext-credentials key=ALICE*20 peer=10.0.0.0/8 below=high most=30",
        "cleartext-credentials peer=.office.example",
        "cleartext-credentials peer=pc7.office.example from=2026-11-22",
    ] {
        assert!(muted(head, finding()).is_some(), "{head}");
    }
}

#[test]
fn what_it_does_not_name_stays() {
    for head in [
        "cleartext-credentials/http host=any",
        "cleartext-credentials host=10.0.1.0/24",
        "cleartext-credentials key=\"bob *\"",
        "cleartext-credentials key=alice",
        "cleartext-credentials peer=10.1.0.0/16",
        "cleartext-credentials peer=office.example",
        "cleartext-credentials host=any below=medium",
        "cleartext-credentials host=any most=29",
        "cleartext-credentials host=any from=2026-11-23",
    ] {
        assert_eq!(muted(head, finding()), None, "{head}");
    }
    // Others that nobody named, and one peer too many.
    let mut crowd = finding();
    (1..20).for_each(|n| crowd.peers.add(addr(&format!("10.0.0.{n}"))));
    assert_eq!(muted("cleartext-credentials peer=10.0.0.0/8", crowd), None);
    let mut other = finding();
    other.peers.add(addr("203.0.113.9"));
    assert_eq!(muted("cleartext-credentials peer=10.0.0.0/8", other), None);
}

#[test]
fn a_stronger_form_is_muted_only_by_name() {
    let won = || Finding { confirmed: Some("accepted"), ..finding() };
    assert_eq!(muted("cleartext-credentials/ftp host=any", won()), None);
    assert!(muted("cleartext-credentials/*/accepted host=any", won()).is_some());
    assert_eq!(muted("cleartext-credentials/ftp/used host=any", won()), None);
    assert_eq!(muted("cleartext-credentials/ftp/accepted host=any", finding()), None);
}

#[test]
fn a_mute_ends_with_its_last_day() {
    let line = "cleartext-credentials host=any until=2026-11-21 reason=Old server, replaced soon";
    let mut mutes = mutes(line).unwrap();
    let mut all = [finding(), Finding { first: at("2026-11-20"), last: at("2026-11-21"), ..finding() }];
    mutes.apply(&mut all, "2026-11-22".parse().unwrap());
    assert!(all[0].is_open() && !all[1].is_open());
    assert!(mutes.iter().all(|m| m.expired && m.matched == 1));
    // 30 signs in two days are 15 a day.
    let two = Finding { last: at("2026-11-23"), ..finding() };
    assert!(muted("cleartext-credentials host=any most=15", two).is_some());
}

#[test]
fn a_bad_line_is_one_clear_error() {
    let end = "until=2026-12-31 reason=Old server, replaced soon";
    for (line, what) in [
        (format!("no-such-thing host=any {end}"), "no-such-thing: no such judgement"),
        (format!("cleartext-credentials/smb host=any {end}"), "has no reason smb"),
        (format!("cleartext-credentials/a/b/c host=any {end}"), "expected JUDGEMENT"),
        (format!("cleartext-credentials {end}"), "for all hosts"),
        (format!("cleartext-credentials host=10.0.0.300 {end}"), "host=10.0.0.300: expected an address"),
        (format!("cleartext-credentials peer=a/b {end}"), "peer=a/b"),
        (format!("cleartext-credentials hots=10.0.0.3 {end}"), "hots=: no such field"),
        (format!("cleartext-credentials host {end}"), "no such field"),
        (format!("cleartext-credentials key=\"alice {end}"), "not closed"),
        (format!("cleartext-credentials host=any below=bad {end}"), "no severity"),
        (format!("cleartext-credentials host=any kind=no {end}"), "expected one of accepted-risk"),
        (format!("cleartext-credentials host=any most=x {end}"), "expected a number"),
        (format!("cleartext-credentials host=any from=2025-01-01 {end}"), "by a year at most"),
        ("cleartext-credentials host=any until=2026-12-31".to_owned(), "reason=WHY"),
        ("cleartext-credentials host=any until=2026-12-31 reason=short".to_owned(), "10 characters"),
        ("cleartext-credentials host=any reason=Old server, replaced soon".to_owned(), "until=YYYY-MM-DD"),
        (
            "cleartext-credentials host=any until=2026-12-32 reason=Old server".to_owned(),
            "until=2026-12-32: expected a day",
        ),
        ("cleartext-credentials what".to_owned(), "expected NAME=VALUE"),
    ] {
        let error = mutes(&format!("# a comment\n\n{line}\n")).unwrap_err();
        assert!(error.line == 3 && error.to_string().contains(what), "{line}: {error}");
    }
    let many = format!("cleartext-credentials host=any {end}\n").repeat(MAX_MUTES + 1);
    assert_eq!(mutes(&many).unwrap_err().line, MAX_MUTES + 1);
    assert_eq!(mutes("# nothing\n").unwrap().iter().count(), 0);
}

#[test]
fn patterns() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("", "", true),
        ("", "a", false),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXbYbZ", false),
        ("*a", "bbba", true),
        ("TLS-*", "tls-cert-dates", true),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
}
