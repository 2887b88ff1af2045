use crate::Scope;
use crate::testing::{TestMail, addr, judge, judge_in, of};
use sekisho_finding::{Finding, Severity};

fn found(mails: Vec<TestMail>) -> Vec<Finding> {
    let lines: Vec<_> = mails.into_iter().map(TestMail::line).collect();
    of(&judge(&lines), "mail-lookalike-sender")
}

#[test]
fn like_the_domain_at_home() {
    for (from, code) in [
        ("boss@oifice.test", "edit"),
        ("boss@0ffice.test", "confusable"),
        ("boss@office-login.test", "combo"),
        ("boss@office.test.evil.example", "combo"),
        ("boss@office.example", "tld"),
    ] {
        let all = found(vec![TestMail::inbound(from)]);
        let [finding] = &all[..] else { panic!("{from}: {all:?}") };
        assert_eq!(finding.code(), format!("mail-lookalike-sender/{code}"));
        let want = if code == "tld" { Severity::Medium } else { Severity::High };
        assert_eq!((finding.severity, finding.confidence.thousandths()), (want, 900), "{from}");
        assert_eq!((finding.subject, finding.peers.named()), (addr("10.30.0.25"), &[addr("203.0.113.25")][..]));
        assert_eq!(finding.packets.iter().collect::<Vec<_>>(), [7, 9]);
        assert!(finding.quotes.iter().any(|q| q.text.contains("looks like office.test")), "{finding:?}");
    }
}

#[test]
fn like_others() {
    // The mail itself shows whose it wants to be.
    let shown = TestMail::inbound("billing@partnner.test").link("https://www.partner.test/login", "http://192.0.2.1/");
    let all = found(vec![shown]);
    assert_eq!((all[0].code().as_str(), all[0].severity), ("mail-lookalike-sender/edit", Severity::Medium));
    let brand = found(vec![TestMail::inbound("service@paypa1.com")]);
    assert_eq!((brand[0].code().as_str(), brand[0].severity), ("mail-lookalike-sender/confusable", Severity::Medium));
    // Somebody here writes to partner.test.
    let out = TestMail::between("10.30.0.25", "198.51.100.26", "dana@office.test", "carol@partner.test");
    let answer = found(vec![out, TestMail::inbound("carol@patrner.test")]);
    assert_eq!(answer[0].code(), "mail-lookalike-sender/edit");
    // The user names it.
    let scope = Scope { known_domains: vec!["Partner.test".into()], ..Scope::new(&[], 0) };
    let lines = [TestMail::inbound("a@example.test").text("reply_to", "a@partner-login.test").line()];
    let all = of(&judge_in(&scope, &lines), "mail-lookalike-sender");
    assert_eq!(all[0].code(), "mail-lookalike-sender/combo");
}

#[test]
fn nearly() {
    // Another word, too short, two letters of eight, the domain itself, its own sub-domain, a brand itself.
    let others = [
        "a@garden.test",
        "a@ofice.com.test",
        "a@offshore.test",
        "a@mail.office.test",
        "a@office.test",
        "x@mail.paypal.com",
    ];
    assert_eq!(found(others.map(TestMail::inbound).to_vec()).len(), 0);
    // A correspondent of old.
    let mails =
        (0..5).map(|_| TestMail::inbound("a@oifice.test").text("from", "a@officer.example")).collect::<Vec<_>>();
    let before = found(mails.clone()).len();
    let scope = Scope { known_domains: vec!["oifice.test".into(), "officer.example".into()], ..Scope::new(&[], 0) };
    let lines: Vec<_> = mails.into_iter().map(TestMail::line).collect();
    assert_eq!((before > 0, of(&judge_in(&scope, &lines), "mail-lookalike-sender").len()), (true, 0));
    // On its way out.
    let out = TestMail::between("10.30.0.25", "198.51.100.26", "a@0ffice.test", "b@partner.test");
    assert_eq!(found(vec![out]).len(), 0);
}
