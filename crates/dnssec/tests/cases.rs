//! Recordings of `cargo xtask dnssec`, on which unbound-host and delv agree, judged again: whole, in part, and changed.

mod book;

use book::{Case, cases, found, observer, secured, truth};
use sekisho_dnssec::{Findings, Limits, Rtype, Seen, Status, Subject, Verdict};
use sekisho_types::Interval;

/// Those about the question. A resolver that minimises names stops at an ancestor that doesn't exist.
fn answers<'f>(case: &Case, found: &'f Findings) -> Vec<&'f Verdict> {
    let is_reported = case.reason == "servfail-ede";
    let is_about = |v: &&Verdict| {
        let is_above =
            case.name.starts_with("no-name") && v.subject == Subject::Denial && case.question.is_below(&v.name);
        (v.name == case.question || is_above)
            && (v.rtype == case.rtype || v.rtype == Rtype::CNAME)
            && v.subject != Subject::Delegation
            && (v.subject == Subject::Reported) == is_reported
    };
    found.verdicts.iter().filter(is_about).collect()
}

#[test]
fn cases_are_judged_as_by_validators() {
    let cases = cases();
    assert!(cases.len() >= 50, "{}", cases.len());
    for case in &cases {
        let found = found(&case.messages);
        let answers = answers(case, &found);
        assert!(!answers.is_empty(), "{}", case.name);
        for v in answers {
            let said = (v.status().word(), v.reason.id());
            assert_eq!(said, (case.status.as_str(), case.reason.as_str()), "{}: {v}", case.name);
        }
        for v in found.verdicts.iter().filter(|_| matches!(case.status.as_str(), "secure" | "insecure")) {
            assert_ne!(v.status(), Status::Bogus, "{}: {v}", case.name);
        }
    }
}

/// With messages missing less is known, never something else.
#[test]
fn a_slice_never_lies() {
    for case in cases().iter().filter(|c| c.reason != "servfail-ede") {
        for missing in 0..case.messages.len() {
            let some = case.messages.iter().enumerate().filter(|(n, _)| *n != missing).map(|(_, m)| m);
            let found = found(some);
            for v in answers(case, &found) {
                let status = v.status();
                assert!(
                    status.word() == case.status || status == Status::Indeterminate,
                    "{} without message {missing}: {v}",
                    case.name
                );
            }
        }
    }
}

/// What one answer tells of zones and cuts speaks against no other: a whole day at one resolver.
#[test]
fn honest_cases_bear_each_other() {
    let cases = cases();
    let honest = || cases.iter().filter(|c| c.status != "bogus");
    let found = found(honest().flat_map(|c| &c.messages));
    assert!(honest().count() > 30 && found.verdicts.len() > 100);
    for v in &found.verdicts {
        assert_ne!(v.status(), Status::Bogus, "{v}");
    }
}

/// Keys may pass after what they signed.
#[test]
fn order_changes_nothing() {
    for case in cases().iter().filter(|c| c.reason != "servfail-ede") {
        let found = found(case.messages.iter().rev());
        for v in answers(case, &found) {
            assert_eq!(v.status().word(), case.status, "{} backwards: {v}", case.name);
        }
    }
}

#[test]
fn what_is_changed_is_never_secure() {
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 16).unwrap_or(0) % below
    };
    for case in cases().iter().filter(|c| c.name.ends_with(".client")) {
        let truth = truth(case);
        for _ in 0..40 {
            let mut changed = case.messages.clone();
            let n = next(changed.len());
            let message = &mut changed[n].1;
            for _ in 0..=next(3) {
                let at = next(message.len());
                match next(4) {
                    0 => message[at] = message[at].wrapping_add(1),
                    1 => drop(message.remove(at)),
                    2 => message.insert(at, message[at]),
                    _ => message[at] ^= 1 << next(8),
                }
            }
            for secure in secured(&found(&changed)) {
                assert!(truth.contains(&secure), "{} message {n}: {secure:?}", case.name);
            }
        }
    }
}

#[test]
fn times_decide() {
    let case = cases().into_iter().find(|c| c.name == "algorithm-13.client").unwrap();
    let shifted = |days: i64| {
        let by = Interval::from_secs(days * 86_400);
        let messages: Vec<(Seen, Vec<u8>)> =
            case.messages.iter().map(|(seen, m)| (Seen { at: seen.at + by, ..*seen }, m.clone())).collect();
        let found = found(&messages);
        let answers = answers(&case, &found);
        (answers[0].reason.id(), found.hygiene.iter().any(|h| h.concern.id() == "expiring"))
    };
    assert_eq!(shifted(0), ("secure", false));
    assert_eq!(shifted(12), ("secure", true));
    assert_eq!(shifted(15).0, "sig-expired");
    assert_eq!(shifted(-1).0, "sig-future");
}

#[test]
fn says_which_link_is_missing() {
    let case = cases().into_iter().find(|c| c.name == "algorithm-15.client").unwrap();
    // The answer alone: nothing of its zone was seen.
    let (alone, _) =
        case.messages.iter().map(|m| (found([m]), m)).find(|(f, _)| !answers(&case, f).is_empty()).unwrap();
    let v = answers(&case, &alone)[0];
    assert_eq!((v.status(), v.reason.id()), (Status::Indeterminate, "no-ds-seen"));
    assert_eq!(v.evidence.zone.as_ref().unwrap().to_string(), "good15.test.");
    assert!(v.to_string().contains("good15.test."), "{v}");
}

#[test]
fn weaknesses_are_told_once() {
    let ids = |name: &str| {
        let case = cases().into_iter().find(|c| c.name == name).unwrap();
        let mut ids: Vec<String> = found(case.messages.iter().chain(&case.messages))
            .hygiene
            .iter()
            .map(|h| format!("{} {} {}", h.zone, h.rtype, h.concern.id()))
            .collect();
        ids.sort();
        ids
    };
    let none: [&str; 0] = [];
    assert_eq!(ids("algorithm-13.client"), none);
    assert_eq!(
        ids("rsa-1024.client"),
        ["short.test. DNSKEY weak-key", "short.test. DNSKEY weak-key"],
        "one for each of two keys"
    );
    assert_eq!(ids("ds-sha1.client"), ["oldds.test. DS ds-digest"]);
    let weak = ids("algorithm-7.client");
    assert!(weak.contains(&"sha1.test. DNSKEY weak-alg".to_owned()), "{weak:?}");
    assert!(weak.contains(&"sha1.test. A weak-alg".to_owned()), "{weak:?}");
    assert!(ids("iterations-150.client").contains(&"iterated.test. NSEC3 nsec3-params".to_owned()));
}

#[test]
fn limits_hold_under_a_flood() {
    let limits = Limits {
        zones_count: 8,
        waiting_count: 4,
        unproven_count: 4,
        verifications_per_second: 5,
        hash_rounds_per_second: 10,
        outcomes_count: 8,
        concerns_count: 8,
        ..Limits::default()
    };
    let mut observer = observer(limits);
    let mut told_count = 0;
    for case in cases() {
        for (seen, message) in &case.messages {
            let mut found = Findings::default();
            observer.message(message, *seen, &mut found);
            told_count += found.verdicts.len();
            let (zones, waiting) = observer.held_count();
            assert!(zones <= 8 && waiting <= 8, "{zones} zones, {waiting} waiting");
        }
    }
    let mut found = Findings::default();
    observer.finish(&mut found);
    let counters = observer.counters();
    assert!(counters.crowded_out > 0 && counters.zones_dropped > 0 && counters.refused > 0, "{counters:?}");
    assert!(told_count > 0 && observer.held_count().1 == 0);
}

/// What somebody on the way makes of an answer: its records without signatures and authority.
#[test]
fn names_seen_signed_must_stay_signed() {
    let case = cases().into_iter().find(|c| c.name == "algorithm-13.client").unwrap();
    let question_len = case.question.as_wire().len() + 4;
    let (seen, _) = case.messages.last().unwrap();
    let reply = |flags: u16, answers: u16, record: &[u8]| {
        let mut wire = vec![0, 0];
        wire.extend(flags.to_be_bytes());
        wire.extend([0, 1]);
        wire.extend(answers.to_be_bytes());
        wire.extend([0, 0, 0, 1]);
        let mut question = case.messages.iter().map(|(_, m)| &m[12..12 + question_len]);
        wire.extend(question.find(|q| q.starts_with(case.question.as_wire())).unwrap());
        wire.extend(record);
        wire.extend(b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00");
        wire
    };
    let record = b"\xc0\x0c\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x66";
    for (forged, reason) in [(reply(0x8180, 1, record), "sig-missing"), (reply(0x8183, 0, b""), "denial-missing")] {
        let alone = found(&[(*seen, forged.clone())]);
        assert_eq!((alone.verdicts.len(), alone.unproven), (0, 1), "nothing is known of the zone");
        let after = [case.messages.clone(), vec![(*seen, forged)]].concat();
        let found = found(&after);
        let last = found.verdicts.last().unwrap();
        assert_eq!((last.reason.id(), last.status()), (reason, Status::Bogus), "{last}");
    }
}
