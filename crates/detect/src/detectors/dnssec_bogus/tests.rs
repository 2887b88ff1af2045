use crate::testing::of;
use crate::testing_dnssec::{AWAY, HOME, Told, case, cases, judged, lines};
use sekisho_finding::{Finding, Severity, Stage};

fn found(name: &str, told: Told) -> Vec<Finding> {
    of(&judged(&lines(&case(name), told)), "dnssec-bogus")
}

/// Every recorded damage is told as the validators' words have it, and nothing else is.
#[test]
fn each_case_of_the_laboratory() {
    let mut bogus = 0;
    for case in cases() {
        let verdict = judged(&lines(&case, HOME));
        let all = of(&verdict, "dnssec-bogus");
        let signed = verdict.dnssec.unwrap();
        let question = case.question.to_string();
        let about = |name: &str| name == question || (case.name.starts_with("no-name") && question.ends_with(name));
        let said: Vec<_> = signed.outcomes.iter().filter(|o| about(&o.name)).collect();
        assert!(said.iter().any(|o| (o.status, o.reason) == (&*case.status, &*case.reason)), "{}: {said:?}", case.name);
        if case.status != "bogus" {
            assert!(all.is_empty(), "{}: {all:#?}", case.name);
            continue;
        }
        bogus += 1;
        let reasons: Vec<&str> = all.iter().map(|f| f.quotes[0].text.as_str()).collect();
        assert!(reasons.contains(&&*case.reason), "{}: {reasons:?}", case.name);
        let finding = all.iter().find(|f| f.quotes[0].text == case.reason).unwrap();
        // A resolver that speaks of another's zone is no zone's own server.
        let severity = if case.reason == "servfail-ede" { Severity::Low } else { Severity::High };
        assert_eq!((finding.severity, finding.subject), (severity, HOME.server.unwrap()), "{}", case.name);
        assert!(finding.quotes[1].text.contains(" is bogus: "), "{}", finding.quotes[1].text);
    }
    assert!(bogus >= 16, "{bogus}");
}

#[test]
fn zones_elsewhere_are_for_whoever_hears_of_them() {
    let all = found("tampered.client", AWAY);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("dnssec-bogus/sig-invalid", Severity::Low));
    assert_eq!((finding.subject, finding.key.as_str()), (AWAY.client, "tampered.test"));
    assert_eq!((finding.stage, finding.packets.count(), finding.flows.count()), (Stage::Operations, 1, 1));
}

/// What the zone signed, and the same with another address.
#[test]
fn a_copy_that_verifies_tells_who_lies() {
    for honest_first in [true, false] {
        let honest = case("algorithm-13.client");
        let mut forged = case("algorithm-13.client");
        for (_, wire) in &mut forged.messages {
            let address = [0x20, 1, 0x0d, 0xb8];
            if let Some(at) = wire.windows(4).position(|w| w == address) {
                wire[at + 15] ^= 1;
            }
        }
        let later = Told { shift: 60.0, packet: 500, ..AWAY };
        let (first, second) = if honest_first { (&honest, &forged) } else { (&forged, &honest) };
        let mut all = lines(first, AWAY);
        all.extend(lines(second, later));
        let all = of(&judged(&all), "dnssec-bogus");
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(
            (all[0].severity, all[0].stage, &*all[0].techniques),
            (Severity::High, Stage::Credential, &["T1557".to_owned()][..])
        );
        assert!(all[0].benign[0].result.contains("another copy"));
    }
}

#[test]
fn nearly() {
    // A day before its end a signature still holds; a day after it does not.
    let shifted = |days: f64| found("algorithm-13.client", Told { shift: days * 86_400.0, ..AWAY });
    assert!(shifted(12.0).is_empty());
    let expired = shifted(16.0);
    assert!(!expired.is_empty() && expired.iter().all(|f| f.reason.code == "sig-expired"), "{expired:?}");
    assert_eq!(expired[0].measures[0].name, "outside the validity by");
    // The answer alone: nothing says that it should verify.
    let mut alone = case("tampered.client");
    alone.messages.retain(|(_, wire)| wire.windows(8).any(|w| w == b"tampered") && wire.len() < 400);
    assert!(of(&judged(&lines(&alone, HOME)), "dnssec-bogus").is_empty());
}

#[test]
fn a_wrong_clock_is_not_the_zones_fault() {
    let shift = 400.0 * 86_400.0;
    let many: Vec<_> = [
        "algorithm-8.client",
        "algorithm-10.client",
        "algorithm-13.client",
        "algorithm-14.client",
        "algorithm-15.client",
    ]
    .iter()
    .enumerate()
    .flat_map(|(n, name)| lines(&case(name), Told { shift: shift + n as f64, packet: 1_000 * n as u64, ..HOME }))
    .collect();
    let all = of(&judged(&many), "dnssec-bogus");
    assert!(!all.is_empty() && all.iter().all(|f| f.severity == Severity::Info), "{all:#?}");
    assert_eq!(all[0].benign[0].explanation, "the clock of the capture");
}

#[test]
fn ordinary_and_bounded() {
    // No DNSSEC at all: nothing is begun.
    let plain = crate::testing::Message::query(1.0, "10.0.0.7", 4000, "10.0.0.53", 1, "www.example.test");
    assert!(judged(&[plain.line(1)]).dnssec.is_none());
    // All honest cases in one run: no finding, and what is kept stays small.
    let mut all = Vec::new();
    for (n, case) in cases().iter().filter(|c| c.status != "bogus").enumerate() {
        all.extend(lines(case, Told { packet: 1_000 * n as u64 + 1, shift: n as f64, ..HOME }));
    }
    let verdict = judged(&all);
    let found = of(&verdict, "dnssec-bogus");
    assert!(found.is_empty(), "{found:#?}");
    let spent = verdict.spent.iter().find(|s| s.id == "dnssec-bogus").unwrap();
    assert!(spent.held_len < 1_000_000, "{spent:?}");
    let signed = verdict.dnssec.unwrap();
    assert!(signed.counts[0] == 0 && signed.counts[3] > 100 && signed.more == 0, "{:?}", signed.counts);
}
