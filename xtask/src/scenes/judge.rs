//! Holds what was found against the truth.

use super::audit::{Finding, Incident, Page};
use sekisho_testkit::scenes::{Expected, Played};
use sekisho_testkit::{Addr, Timestamp};
use std::collections::BTreeSet;

/// What came of one expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Found,
    /// It isn't there, or not as it should be: why.
    Missing(String),
    /// The program has no such judgement.
    NotBuilt,
}

/// Is `expected` among `findings`? `moved` is by how much the scene was moved in time.
pub(super) fn search(expected: &Expected, findings: &[Finding], moved: i64) -> Verdict {
    let missing = |text: String| Verdict::Missing(text);
    let of_code: Vec<&Finding> = findings.iter().filter(|f| f.code == expected.code).collect();
    let of_host: Vec<&&Finding> = of_code.iter().filter(|f| f.host() == Some(expected.host)).collect();
    if of_host.is_empty() {
        let others: BTreeSet<&str> = of_code.iter().map(|f| f.subject.as_str()).collect();
        let near: BTreeSet<&str> = findings
            .iter()
            .filter(|f| f.host() == Some(expected.host) && f.code != expected.code)
            .map(|f| f.code.as_str())
            .collect();
        return missing(match (others.is_empty(), near.is_empty()) {
            (false, _) => format!("said of {}", list(&others)),
            (true, false) => format!("of it: {}", list(&near)),
            (true, true) => "nothing".to_owned(),
        });
    }
    let (from, by) = (Timestamp(expected.from.0 + moved), Timestamp(expected.by.0 + moved));
    // A look-up of the name may come before what it is for.
    let early = Timestamp(from.0 - 10_000_000_000);
    let timely: Vec<&&&Finding> = of_host.iter().filter(|f| f.first().is_ok_and(|t| early <= t && t <= by)).collect();
    let Some(finding) = timely.first() else {
        return missing(format!("first sign at {}", of_host.first().map_or("", |f| f.first.as_str())));
    };
    for (name, value, off) in &expected.measures {
        let measured = finding.measures.iter().find(|m| m.name == *name).and_then(|m| m.value.as_f64());
        if measured.is_none_or(|m| (m - value).abs() > *off) {
            return missing(format!("{name}: {measured:?}, not {value}"));
        }
    }
    Verdict::Found
}

fn list(items: &BTreeSet<&str>) -> String {
    items.iter().copied().collect::<Vec<_>>().join(" ")
}

/// Findings of which somebody is told, and which are about no host of the truth.
pub(super) fn wrong<'a>(played: &Played, page: &'a Page) -> Vec<&'a Finding> {
    let told = |host: Addr| played.involved.contains(&host) || played.expected.iter().any(|e| e.host == host);
    page.findings.iter().filter(|f| f.alarms() && !f.host().is_some_and(told)).collect()
}

/// Least risk of an incident that has to be told as a story.
const MIN_RISK: u64 = 90;

/// What is wrong with how the story is told: nothing, if one incident has all steps that the program can tell, in order, its
/// hosts are those of the story and of victims, and it is urgent.
pub(super) fn story(played: &Played, page: &Page, knows: impl Fn(&str) -> bool) -> Vec<String> {
    let steps: Vec<_> = played.story.iter().filter(|(id, _)| knows(id)).collect();
    let Some((_, begins)) = steps.first() else { return Vec::new() };
    let told = |i: &Incident| i.hosts.iter().any(|h| *h == begins.to_string());
    let of_it: Vec<&Incident> = page.incidents.iter().filter(|i| told(i)).collect();
    let [incident] = of_it[..] else { return vec![format!("{} incidents of {begins}, not one", of_it.len())] };
    let mut wrong = Vec::new();
    let mut at = 0;
    for (id, host) in &steps {
        let is_it = |f: &Finding| f.code.split('/').next() == Some(*id) && f.host() == Some(*host);
        let rest = incident.steps.iter().enumerate().skip(at);
        match rest.into_iter().find(|(_, step)| page.findings.get(**step).is_some_and(is_it)) {
            Some((place, _)) => at = place,
            None => wrong.push(format!("the story lacks {id} of {host}, or has it too early")),
        }
    }
    let belongs = |h: &String| {
        steps.iter().any(|(_, a)| a.to_string() == *h) || played.involved.iter().any(|a| a.to_string() == *h)
    };
    wrong.extend(incident.hosts.iter().filter(|h| !belongs(h)).map(|h| format!("{h} is no part of the story")));
    if incident.risk < MIN_RISK {
        wrong.push(format!("risk {}", incident.risk));
    }
    wrong
}

/// Code and subject of what somebody is told.
pub(super) fn alarms(page: &Page) -> BTreeSet<(String, String)> {
    page.findings.iter().filter(|f| f.alarms()).map(|f| (f.code.clone(), f.subject.clone())).collect()
}

/// What a scene within a background gains and loses beside both alone.
pub(super) fn changes(scene: &Page, background: &Page, merged: &Page) -> Vec<String> {
    let both: BTreeSet<_> = alarms(scene).union(&alarms(background)).cloned().collect();
    let merged = alarms(merged);
    let said = |sign: char, items: Vec<&(String, String)>| {
        items.into_iter().map(move |(code, subject)| format!("{sign} {code} of {subject}")).collect::<Vec<_>>()
    };
    [said('-', both.difference(&merged).collect()), said('+', merged.difference(&both).collect())].concat()
}

#[cfg(test)]
mod tests {
    use super::super::audit::Measure;
    use super::*;

    fn finding(code: &str, subject: &str, severity: &str) -> Finding {
        Finding {
            code: code.to_owned(),
            severity: severity.to_owned(),
            subject: subject.to_owned(),
            first: "1970-01-01T00:01:40Z".to_owned(),
            measures: vec![Measure { name: "score".to_owned(), value: 0.97.into() }],
        }
    }

    fn expected(by: i64, score: f64) -> Expected {
        let host = Addr::v4([10, 0, 0, 5]);
        let time = |secs| Timestamp::from_parts(secs, 0);
        Expected { code: "a/b", host, from: time(100), by: time(by), measures: vec![("score", score, 0.001)] }
    }

    #[test]
    fn code_host_time_and_measures_count() {
        let all = [finding("a/b", "10.0.0.5", "high"), finding("a/c", "10.0.0.6", "high")];
        assert_eq!(search(&expected(200, 0.97), &all, 0), Verdict::Found);
        let is_missing = |e: &Expected, all: &[Finding], moved| matches!(search(e, all, moved), Verdict::Missing(_));
        assert!(is_missing(&expected(200, 0.97), &all[1..], 0), "another code");
        assert!(is_missing(&expected(200, 0.97), &[finding("a/b", "10.0.0.6", "high")], 0), "another host");
        assert!(is_missing(&expected(99, 0.97), &all, 0), "too late");
        assert!(is_missing(&expected(200, 0.97), &all, 3_600_000_000_000), "before it began");
        assert!(is_missing(&expected(200, 0.9), &all, 0), "another measure");
    }

    #[test]
    fn a_story_has_its_order_hosts_and_urgency() {
        let hosts = [Addr::v4([10, 0, 0, 5]), Addr::v4([10, 0, 0, 6])];
        let mut played = sekisho_testkit::scenes::scenes()[0].play(1);
        played.story = vec![("a", hosts[0]), ("c", hosts[1]), ("z", hosts[1])];
        let findings = vec![finding("a/b", "10.0.0.5", "high"), finding("c", "10.0.0.6", "high")];
        let page = |steps: &[usize], risk| {
            let incident = Incident { hosts: hosts.map(|h| h.to_string()).to_vec(), risk, steps: steps.to_vec() };
            Page { findings: findings.clone(), incidents: vec![incident], ..Page::default() }
        };
        let knows = |id: &str| id != "z";
        assert_eq!(story(&played, &page(&[0, 1], 95), knows), Vec::<String>::new());
        assert_eq!(story(&played, &page(&[1, 0], 95), knows).len(), 1, "order");
        assert_eq!(story(&played, &page(&[0], 95), knows).len(), 1, "a step is missing");
        assert_eq!(story(&played, &page(&[0, 1], 89), knows).len(), 1, "risk");
        assert_eq!(story(&played, &page(&[0, 1], 95), |_| true).len(), 1, "what it can tell must be there");
        assert_eq!(story(&played, &Page { findings: findings.clone(), ..Page::default() }, knows).len(), 1, "none");
        played.story = vec![("a", hosts[0])];
        assert_eq!(story(&played, &page(&[0, 1], 95), knows).len(), 1, "a stranger");
    }

    #[test]
    fn alarms_of_others_are_wrong() {
        let scene = sekisho_testkit::scenes::scenes();
        let mut played = scene.iter().find(|s| s.name == "S-15").unwrap().play(1);
        played.expected = vec![expected(200, 0.97)];
        played.involved = [Addr::v4([10, 0, 0, 7])].into();
        let findings = ["10.0.0.5", "10.0.0.6", "10.0.0.7"].map(|s| finding("a/b", s, "medium")).to_vec();
        let page = Page { findings, ..Page::default() };
        assert_eq!(wrong(&played, &page).iter().map(|f| &*f.subject).collect::<Vec<_>>(), ["10.0.0.6"]);
        let low = Page { findings: vec![finding("a/b", "10.0.0.6", "low")], ..Page::default() };
        assert!(wrong(&played, &low).is_empty());
        assert_eq!(changes(&page, &low, &page), Vec::<String>::new());
        assert_eq!(changes(&low, &low, &page).len(), 3);
        assert_eq!(changes(&page, &low, &low).len(), 3);
    }
}
