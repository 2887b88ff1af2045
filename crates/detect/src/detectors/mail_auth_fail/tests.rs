use super::*;
use crate::testing::{Cell, Line, TestMail, addr, judge, line, of};
use sekisho_finding::Finding;

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "mail-auth-fail")
}

fn codes(lines: &[Line]) -> Vec<(String, Severity)> {
    found(lines).iter().map(|f| (f.code(), f.severity)).collect()
}

/// A mail behind the gateway, with results that it wrote.
fn inner(from: &str, results: &str) -> TestMail {
    let seen = Cell::Texts(vec!["from x by mx.office.test with ESMTP".into()]);
    TestMail::between("10.30.0.20", "10.30.0.25", from, "dana@office.test")
        .set("received", seen)
        .set("auth_results", Cell::Texts(vec![format!("mx.office.test; {results}")]))
}

#[test]
fn results_of_a_server_at_home() {
    use Severity::{High, Info, Low, Medium};
    let own = TestMail::inbound("a@elsewhere.test").line();
    for (from, results, want) in [
        ("a@shop.test", "spf=fail; dkim=none; dmarc=fail (p=REJECT sp=none)", Some(("dmarc", Medium))),
        ("a@shop.test", "dmarc=fail (p=none)", Some(("dmarc", Low))),
        ("a@office.test", "dmarc=fail (p=none)", Some(("dmarc", High))),
        ("a@shop.test", "spf=fail smtp.mailfrom=shop.test; dkim=none", Some(("spf", Low))),
        ("a@shop.test", "spf=softfail; dkim=fail reason=x", Some(("dkim", Low))),
        ("a@shop.test", "spf=none; dkim=none; dmarc=none", Some(("none", Info))),
        ("a@shop.test", "spf=fail; dkim=pass", None),
        ("a@shop.test", "spf=pass; dkim=fail", None),
        ("a@shop.test", "spf=pass; dkim=fail; dkim=pass; dmarc=pass", None),
        ("a@shop.test", "spf=softfail; dkim=none", None),
    ] {
        let got = codes(&[TestMail::inbound("a@elsewhere.test").line(), inner(from, results).line()]);
        let want: Vec<_> = want.iter().map(|(c, s)| (format!("mail-auth-fail/{c}"), *s)).collect();
        assert_eq!(got, want, "{from} {results}");
    }
    // A list's mail with ARC, a result that somebody else wrote, one that came from outside.
    let list = inner("a@shop.test", "spf=fail; dkim=fail").set("arc_pass", Cell::Flag(true)).line();
    assert_eq!(codes(&[own, list]).len(), 0);
    let other =
        inner("a@shop.test", "x").set("auth_results", Cell::Texts(vec!["mx.evil.example; dmarc=fail".into()])).line();
    assert_eq!(codes(&[other]).len(), 0);
    let outside =
        TestMail::inbound("a@shop.test").set("auth_results", Cell::Texts(vec!["mx.office.test; dmarc=fail".into()]));
    assert_eq!(codes(&[outside.line()]).len(), 0);
}

fn txt(domain: &str, record: &str) -> Line {
    let answer = format!("TXT {} {record}", record.len());
    let columns = [
        ("ts", Cell::Time(900.0)),
        ("id.orig_h", Cell::Addr(addr("10.30.0.25"))),
        ("id.resp_h", Cell::Addr(addr("10.30.0.53"))),
        ("query", Cell::Text(domain.into())),
        ("qtype", Cell::Count(16)),
        ("answers", Cell::Texts(vec![answer])),
    ];
    line("dns", 3, &columns)
}

#[test]
fn records_seen_in_dns() {
    let mail = |from: &str| TestMail::inbound(from).line();
    let got = codes(&[txt("shop.test", "v=spf1 ip4:192.0.2.0/24 -all"), mail("a@shop.test")]);
    assert_eq!(got, [("mail-auth-fail/spf".to_owned(), Severity::Low)]);
    assert_eq!(codes(&[txt("shop.test", "v=spf1 ip4:203.0.113.0/24 -all"), mail("a@shop.test")]).len(), 0);
    assert_eq!(codes(&[txt("shop.test", "v=spf1 mx -all"), mail("a@shop.test")]).len(), 0);
    assert_eq!(codes(&[mail("a@shop.test")]).len(), 0);
    // Home's own name from outside: with a record that forbids it, without any, with one that allows it.
    let first = || mail("x@elsewhere.test");
    let got = codes(&[first(), txt("office.test", "v=spf1 ip4:192.0.2.0/24 -all"), mail("a@office.test")]);
    assert_eq!(got, [("mail-auth-fail/spf".to_owned(), Severity::High)]);
    assert_eq!(codes(&[first(), mail("a@office.test")]), [("mail-auth-fail/spf".to_owned(), Severity::Medium)]);
    let allowed = [first(), txt("office.test", "v=spf1 ip4:203.0.113.25 -all"), mail("a@office.test")];
    assert_eq!(codes(&allowed).len(), 0);
}

#[test]
fn answers_and_greetings() {
    let reply = |from: &str, to: &str| codes(&[TestMail::inbound(from).text("reply_to", to).line()]);
    assert_eq!(
        reply("a@partnner.test", "collect@freemail.test"),
        [("mail-auth-fail/reply-to".to_owned(), Severity::Low)]
    );
    assert_eq!(reply("a@shop.test", "help@desk.test").len(), 0);
    assert_eq!(reply("a@gmail.com", "a@yahoo.com").len(), 0);
    let helo = |name: &str| codes(&[TestMail::inbound("a@shop.test").text("helo", name).line()]);
    assert_eq!(helo("office.test"), [("mail-auth-fail/helo".to_owned(), Severity::Low)]);
    assert_eq!(helo("[10.30.0.25]"), [("mail-auth-fail/helo".to_owned(), Severity::Low)]);
    assert_eq!(helo("mx.shop.test").len(), 0);
}

fn connected(client: &str, n: u8, at: f64) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(u64::from(n) + 1)),
        ("id.orig_h", Cell::Addr(addr(client))),
        ("id.resp_h", Cell::Addr(addr(&format!("198.51.100.{n}")))),
        ("id.resp_p", Cell::Port(25)),
        ("proto", Cell::Word("tcp")),
        ("conn_state", Cell::Word("SF")),
        ("orig_pkts", Cell::Count(5)),
        ("resp_pkts", Cell::Count(5)),
    ];
    line("conn", 30 + u64::from(n), &columns)
}

#[test]
fn a_host_that_sends_to_many() {
    let burst = |count: u8, step: f64| {
        (0..count).map(|n| connected("10.30.1.11", n, 100.0 + step * f64::from(n))).collect::<Vec<_>>()
    };
    let all = found(&burst(20, 10.0));
    assert_eq!((all[0].code().as_str(), all[0].severity), ("mail-auth-fail/bulk-origin", Severity::High));
    assert_eq!(all[0].subject, addr("10.30.1.11"));
    assert_eq!(found(&burst(19, 10.0)).len(), 0);
    assert_eq!(found(&burst(20, 400.0)).len(), 0);
    let refused = |reply: &str| {
        let columns = [
            ("ts", Cell::Time(1.0)),
            ("id.orig_h", Cell::Addr(addr("10.30.1.11"))),
            ("id.resp_h", Cell::Addr(addr("198.51.100.1"))),
            ("last_reply", Cell::Text(reply.into())),
        ];
        codes(&[line("smtp", 3, &columns)])
    };
    assert_eq!(refused("554 5.7.1 192.0.2.1 listed by Spamhaus").len(), 1);
    assert_eq!(refused("550 no such user").len(), 0);
}
