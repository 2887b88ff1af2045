use crate::testing::{Cell, Line, TestMail, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "mail-link-mismatch")
}

fn of_link(text: &str, href: &str) -> Vec<(String, Severity)> {
    let all = found(&[TestMail::inbound("news@sender.test").link(text, href).line()]);
    all.iter().map(|f| (f.code(), f.severity)).collect()
}

#[test]
fn each_reason() {
    use Severity::{Low, Medium};
    for (text, href, code, severity) in [
        ("https://www.partner.test/login", "http://203.0.113.25/partner/login.php?u=dana", "text-target", Medium),
        ("www.partner.test", "https://evil.test/", "text-target", Medium),
        ("click", "javascript:alert(1)", "text-target", Medium),
        ("paypal.com", "https://evil.test/", "text-target", Medium),
        ("Booking.site", "https://evil.test/", "text-target", Low),
        ("here", "https://www.partner.test@evil.test/x", "userinfo", Medium),
        ("here", "http://203.0.113.25/x", "ip-url", Medium),
        ("here", "http://3405803801/x", "ip-url", Medium),
        ("here", "https://bit.ly/abc", "shortener", Low),
        ("here", "https://oifice.test/login", "lookalike-url", Medium),
        ("here", "https://office.test.evil.example/login", "lookalike-url", Medium),
        ("here", "https://www.google.com/url?q=https%3A%2F%2Fevil.test%2F", "open-redirect", Medium),
        ("here", "https://other.test/r?u=https://evil.test/", "open-redirect", Low),
    ] {
        assert_eq!(of_link(text, href), [(format!("mail-link-mismatch/{code}"), severity)], "{text} {href}");
    }
}

#[test]
fn nearly() {
    for (text, href) in [
        ("https://www.sender.test/a", "https://sender.test/b"),
        ("https://shop.partner.test/a", "https://www.partner.test/"),
        ("Harbour reopens", "https://www.weekly-news.test/a/1"),
        ("report.pdf", "https://www.weekly-news.test/a/report.pdf"),
        ("mail me@partner.test", "mailto:me@partner.test"),
        ("here", "http://10.30.0.80/wiki"),
        (
            "https://www.partner.test/",
            "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.partner.test",
        ),
        ("unsubscribe", "https://sender.test/u?next=https://other.test/"),
        ("", "tel:+491234"),
    ] {
        assert_eq!(of_link(text, href), [], "{text} {href}");
    }
    // A newsletter that counts clicks at one site: low.
    let mut mail = TestMail::inbound("news@sender.test").set("is_list", Cell::Flag(true));
    for n in 0..5 {
        mail = mail.link("more", &format!("https://clicks.test/{n}"));
    }
    let all = found(&[mail.link("www.shop.test", "https://clicks.test/9").line()]);
    assert_eq!(all.iter().map(|f| f.severity).collect::<Vec<_>>(), [Severity::Low]);
    // On its way out.
    let out = TestMail::between("10.30.0.25", "198.51.100.1", "a@office.test", "b@c.test")
        .link("www.a.test", "http://b.test");
    assert_eq!(found(&[out.line()]).len(), 0);
}

fn asked(client: &str, name: &str, at: f64) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(2)),
        ("id.orig_h", Cell::Addr(addr(client))),
        ("id.resp_h", Cell::Addr(addr("10.30.0.53"))),
        ("query", Cell::Text(name.into())),
        ("qtype", Cell::Count(1)),
    ];
    line("dns", 20, &columns)
}

#[test]
fn a_link_that_is_followed() {
    let mail = || TestMail::inbound("news@sender.test").link("www.partner.test", "https://evil.test/").line();
    let all = found(&[mail(), asked("10.30.1.11", "evil.test", 1100.0)]);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].code().as_str(), all[0].severity), ("mail-link-mismatch/text-target/visited", Severity::High));
    assert!(all[0].peers.named().contains(&addr("10.30.1.11")));
    // It is the story of who followed it, each once, not of the server where the mail came in.
    let again = found(&[
        mail(),
        asked("10.30.1.11", "evil.test", 1100.0),
        asked("10.30.1.11", "evil.test", 1101.0),
        asked("10.30.1.12", "evil.test", 1102.0),
    ]);
    let acts: Vec<_> = again[0].acts.iter().map(|a| (a.ts.0 / 1_000_000_000, a.host)).collect();
    assert_eq!(acts, [(1100, addr("10.30.1.11")), (1102, addr("10.30.1.12"))]);
    assert_eq!((again[0].sender.as_deref(), again[0].subject), (Some("sender.test"), addr("10.30.0.25")));
    assert_eq!(again[0].tale.as_ref().unwrap().values, ["www.partner.test", "https://evil.test/", "sender.test"]);
    assert!(found(&[mail()])[0].acts.is_empty());
    // The mail server itself looks names up; a week is over; somebody outside.
    for (client, at) in [("10.30.0.25", 1100.0), ("10.30.1.11", 1000.0 + 8.0 * 86_400.0), ("203.0.113.1", 1100.0)] {
        assert_eq!(found(&[mail(), asked(client, "evil.test", at)])[0].severity, Severity::Medium, "{client}");
    }
}

#[test]
fn limits_what_is_watched() {
    let lines: Vec<Line> = (0..400u32)
        .map(|n| {
            let mail = (0..100).fold(TestMail::inbound("a@sender.test"), |m, i| {
                m.link("www.a.test", &format!("http://h{n}x{i}.test/"))
            });
            mail.line()
        })
        .collect();
    let verdict = judge(&lines);
    let spent = verdict.spent.iter().find(|s| s.id == "mail-link-mismatch").unwrap();
    assert!(spent.forgotten > 0 && spent.held_len < 8 << 20, "{spent:?}");
}
