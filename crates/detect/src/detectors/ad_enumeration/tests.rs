use crate::testing::{Cell, Line, between, judge, of};
use sekisho_finding::{Finding, Severity};

const SOURCE: &str = "10.0.0.5";
const DC: &str = "10.0.0.1";

fn text(value: &str) -> Cell {
    Cell::Text(value.into())
}

fn call(at: f64, to: &str, endpoint: &str, opnum: u64) -> Line {
    let more =
        [("endpoint", text(endpoint)), ("operation", text(&format!("op{opnum}"))), ("opnum", Cell::Count(opnum))];
    between("dce_rpc", at, (SOURCE, to), &more)
}

fn search(at: f64, filter: &str, count: u64, attributes: &[&str]) -> Line {
    let more = [
        ("scope", Cell::Word("tree")),
        ("filter", text(filter)),
        ("result_count", Cell::Count(count)),
        ("requested_attributes", Cell::Texts(attributes.iter().map(|a| (*a).to_owned()).collect())),
    ];
    between("ldap_search", at, (SOURCE, DC), &more)
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "ad-enumeration")
}

fn codes(lines: &[Line]) -> Vec<String> {
    found(lines).iter().map(Finding::code).collect()
}

const KINDS: [u64; 8] = [6, 7, 8, 11, 13, 15, 16, 17];

#[test]
fn many_calls_of_many_kinds() {
    let calls =
        |n: usize, kinds: usize| (0..n).map(|i| call(i as f64, DC, "samr", KINDS[i % kinds])).collect::<Vec<_>>();
    let found = found(&calls(30, 8));
    assert_eq!((found[0].code().as_str(), found[0].severity), ("ad-enumeration/rpc-burst", Severity::Medium));
    assert!(found[0].quotes.iter().any(|q| q.label == "calls" && q.text.contains("samr op6, samr op7")));
    assert_eq!((codes(&calls(29, 8)).len(), codes(&calls(60, 7)).len()), (0, 0));
    // At five machines, of one kind.
    let wide =
        |n: u32| (0..30).map(|i| call(f64::from(i), &format!("10.0.1.{}", i % n), "srvsvc", 15)).collect::<Vec<_>>();
    assert_eq!(codes(&wide(5)), ["ad-enumeration/rpc-burst"]);
    assert_eq!(codes(&wide(4)).len(), 0);
    // Over hours, and calls that list nothing.
    let slow = (0..60).map(|i| call(f64::from(i) * 60.0, DC, "samr", KINDS[i as usize % 8]));
    assert_eq!(codes(&slow.collect::<Vec<_>>()).len(), 0);
    let other = (0..60).map(|i| call(f64::from(i), DC, "samr", 1));
    assert_eq!(codes(&other.collect::<Vec<_>>()).len(), 0);
}

#[test]
fn who_is_logged_in_where() {
    let hunt = |n: u32| (0..n).map(|i| call(f64::from(i), &format!("10.0.1.{i}"), "srvsvc", 12)).collect::<Vec<_>>();
    let found = found(&hunt(12));
    assert_eq!((found[0].code().as_str(), found[0].severity), ("ad-enumeration/session-hunt", Severity::High));
    assert_eq!(codes(&hunt(9)).len(), 0);
}

#[test]
fn the_directory_is_read() {
    let sweep =
        |n: u32, each| (0..n).map(|i| search(f64::from(i), &format!("(cn=a{i}*)"), each, &[])).collect::<Vec<_>>();
    assert_eq!(codes(&sweep(5, 200)), ["ad-enumeration/ldap-sweep"]);
    assert_eq!((codes(&sweep(5, 199)).len(), codes(&sweep(4, 400)).len()), (0, 0));
    let rights = search(1.0, "(objectClass=user)", 3, &["cn", "nTSecurityDescriptor"]);
    assert_eq!(codes(&[rights]), ["ad-enumeration/ldap-sweep"]);
    let none = search(1.0, "(objectClass=nothing)", 0, &["nTSecurityDescriptor"]);
    assert_eq!(codes(&[none]).len(), 0);
    let usual = search(1.0, "(objectClass=user)", 3, &["cn", "mail"]);
    assert_eq!(codes(&[usual]).len(), 0);
}

#[test]
fn filters_for_accounts_to_attack() {
    for filter in [
        "(&(samAccountType=805306368)(servicePrincipalName=*)(!(samAccountName=krbtgt)))",
        "(userAccountControl:1.2.840.113556.1.4.803:=4194304)",
        "(&(objectClass=user)(adminCount=1))",
    ] {
        let found = found(&[search(1.0, filter, 2, &[])]);
        assert_eq!(
            (found[0].code().as_str(), found[0].severity),
            ("ad-enumeration/ldap-roast-filter", Severity::High),
            "{filter}"
        );
    }
    for filter in
        ["(servicePrincipalName=http/web)", "(userAccountControl:1.2.840.113556.1.4.803:=2)", "(adminCount=0)"]
    {
        assert_eq!(codes(&[search(1.0, filter, 2, &[])]).len(), 0, "{filter}");
    }
}

#[test]
fn a_zone_is_handed_out() {
    let transfer = |qtype, answers: usize, rcode| {
        let more = [
            ("id.resp_p", Cell::Port(53)),
            ("query", text("corp.test")),
            ("qtype", Cell::Count(qtype)),
            ("rcode", Cell::Count(rcode)),
            ("answers", Cell::Texts(vec!["a".to_owned(); answers])),
        ];
        [between("dns", 1.0, ("fd00::5", "fd00::53"), &more)]
    };
    let found = found(&transfer(252, 9, 0));
    assert_eq!((found[0].code().as_str(), found[0].key.as_str()), ("ad-enumeration/zone-transfer", "corp.test"));
    assert_eq!((codes(&transfer(252, 0, 5)).len(), codes(&transfer(16, 9, 0)).len()), (0, 0));
}

#[test]
fn state_is_bounded() {
    let lines: Vec<Line> = (0..30_000u32)
        .map(|i| {
            let from = format!("10.{}.{}.9", 50 + i / 256, i % 256);
            between("dce_rpc", f64::from(i), (&from, DC), &[("endpoint", text("samr")), ("opnum", Cell::Count(6))])
        })
        .collect();
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "ad-enumeration").unwrap();
    assert!(spent.forgotten > 20_000 && spent.held_len < 1 << 20, "{spent:?}");
}
