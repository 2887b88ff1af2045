use crate::testing::{Cell, TestMail, judge, of};
use sekisho_finding::{Finding, Severity};

fn found(mails: Vec<TestMail>) -> Vec<Finding> {
    let lines: Vec<_> = mails.into_iter().map(TestMail::line).collect();
    of(&judge(&lines), "mail-display-spoof")
}

fn sent(name: &str) -> TestMail {
    TestMail::between("10.30.0.25", "198.51.100.26", "ada@office.test", "carol@partner.test").text("from_name", name)
}

#[test]
fn somebody_here() {
    let all = found(vec![sent("Ada Byron"), TestMail::inbound("ceo77@gmail.com").text("from_name", "BYRON, Àda")]);
    assert_eq!((all[0].code().as_str(), all[0].severity), ("mail-display-spoof/own-person", Severity::Medium));
    let paying = TestMail::inbound("ceo77@gmail.com").text("from_name", "Ada Byron").text("subject", "Wire transfer");
    assert_eq!(found(vec![sent("Ada Byron"), paying])[0].severity, Severity::High);
}

#[test]
fn addresses_and_brands() {
    let all = found(vec![TestMail::inbound("x@evil.test").text("from_name", "Boss <boss@office.test>")]);
    assert_eq!(all[0].code(), "mail-display-spoof/address-in-name");
    let all = found(vec![
        TestMail::inbound("x@evil.test").text("from_name", "PayPal Service").text("reply_to", "y@other.test"),
    ]);
    assert_eq!((all[0].code().as_str(), all[0].severity), ("mail-display-spoof/brand", Severity::High));
}

#[test]
fn nearly() {
    let mails = vec![
        sent("Ada Byron"),
        TestMail::inbound("x@office.test").text("from_name", "Ada Byron"),
        TestMail::inbound("x@other.test").text("from_name", "Ada Lovelace"),
        TestMail::inbound("x@other.test").text("from_name", "x@other.test"),
        TestMail::inbound("service@mail.paypal.com").text("from_name", "PayPal"),
        TestMail::inbound("list@lists.test").text("from_name", "Ada Byron via Lists").set("is_list", Cell::Flag(true)),
    ];
    assert_eq!(found(mails).len(), 0);
    // An acquaintance: answered twice.
    let to_private = TestMail::between("10.30.0.25", "198.51.100.26", "bob@office.test", "ada@private.test");
    let from_private = TestMail::inbound("ada@private.test").text("from_name", "Ada Byron");
    let all = found(vec![sent("Ada Byron"), to_private.clone(), to_private, from_private]);
    assert_eq!(all.len(), 0);
}
