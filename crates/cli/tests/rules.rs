//! `sekisho rules`: what it prints, and its exit codes.

use std::fs;
use std::process::{Command, Output};

const RULES: &str = "\
alert http any any -> any any (msg:\"fine\"; http.uri; content:\"/a\"; sid:1; rev:1;)
alert tcp any any -> $NOWHERE any (msg:\"x\"; content:\"a\"; sid:2;)
alert tcp any any -> any any (msg:\"x\"; contnt:\"a\"; sid:3;)
alert http any any -> any any (msg:\"again\"; http.uri; content:\"/a\"; sid:1; rev:1;)
alert tcp any any -> any any (msg:\"x\"; content:\"a\"; pcre:\"/(a/\"; sid:4;)
";

fn sekisho(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sekisho")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn check_says_what_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.rules");
    fs::write(&path, RULES).unwrap();
    let path = path.to_str().unwrap();
    let out = sekisho(&["rules", "check", path]);
    let page = text(&out.stdout);
    assert_eq!(out.status.code(), Some(1), "{page}");
    for part in [
        "t.rules:2:22: refused R008",
        "refused R010",
        "is content meant?",
        "refused R021",
        "refused R025",
        "5 rules in 1 file: 1 can be used",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains('\x1b'));
    let out = sekisho(&["rules", "check", "--json", path]);
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&report["rules"], &report["usable"], &report["refused"]), (&5.into(), &1.into(), &4.into()));
    assert_eq!(report["remarks"][0]["code"], "R008");
    assert_eq!(sekisho(&["rules", "check", "/no/such/file"]).status.code(), Some(2));
}

#[test]
fn explain_says_it_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.rules");
    fs::write(&path, RULES).unwrap();
    let path = path.to_str().unwrap();
    let out = sekisho(&["rules", "explain", "1", path]);
    let page = text(&out.stdout);
    assert_eq!(out.status.code(), Some(0));
    assert!(
        page.starts_with("Rule 1, revision 1: fine\n") && page.contains("http.uri:\n        - contains \"/a\""),
        "{page}"
    );
    let out = sekisho(&["rules", "explain", "3", path]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stdout).contains("contnt is no keyword"));
}

/// Rules for examples/office.pcapng.
const AT_WORK: &str = "\
alert http any any -> any any (msg:\"asks\"; http.method; content:\"GET\"; sid:1;)
alert http any any -> any any (msg:\"answers\"; http.method; content:\"GET\"; http.stat_code; content:\"999\"; sid:2;)
alert tcp any any -> any any (msg:\"far away\"; flags:S; ttl:>250; sid:3;)
alert http any any -> any any (msg:\"elsewhere\"; http.uri; content:\"/no/such/place\"; sid:4;)
alert tcp any any -> any any (msg:\"wrong\"; contnt:\"x\"; sid:5;)
";

/// Runs `sekisho rules VERB CAPTURE --rules AT_WORK ARGS`.
fn at_work(verb: &str, args: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.rules");
    fs::write(&path, AT_WORK).unwrap();
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/office.pcapng");
    let fixed = ["rules", verb, "-q", capture, "--rules", path.to_str().unwrap()];
    sekisho(&[&fixed[..], args].concat())
}

#[test]
fn rules_that_do_not_match_say_what_was_missing() {
    let out = at_work("test", &[]);
    let page = text(&out.stdout);
    assert_eq!(out.status.code(), Some(1), "{page}");
    for part in [
        "1 asks: matched 11 times, packet 37, 55,",
        "2 answers: no match\n    candidate 33 times, head fitted 33; furthest on packet 43:\n    in http.stat_code, step 1 of 1, not so: ",
        "    so: all of http.method\n",
        "3 far away: no match",
        "not so: the time to live is above 250",
        "4 elsewhere: no match\n    it was never looked at: \"/no/such/place\" was not seen in http.uri of what clients send",
        "1 of 4 rules matched; 1 cannot be used",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(at_work("test", &["--sid", "1"]).status.code(), Some(0));
    let out = at_work("test", &["--sid", "4", "--sid", "5", "--sid", "6", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), list.as_array().unwrap().len()), (Some(1), 3));
    assert!(list[1]["missing"][0].as_str().unwrap().contains("R010"));
    assert_eq!(list[2]["missing"][0], "there is no such rule");
    assert_eq!(sekisho(&["rules", "test", "--rules", "/no/such/file", "x"]).status.code(), Some(2));
}

#[test]
fn what_rules_cost_is_the_same_with_any_number_of_threads() {
    let out = at_work("profile", &["--format", "json", "--jobs", "1"]);
    assert_eq!(out.status.code(), Some(0));
    let list: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&list[0]["sid"], &list[0]["matches"], &list[0]["share"]), (&2.into(), &0.into(), &80.0.into()));
    assert_eq!((&list[1]["sid"], &list[1]["matches"], &list[1]["steps"]), (&1.into(), &11.into(), &11.into()));
    assert_eq!(at_work("profile", &["--format", "json", "--jobs", "3"]).stdout, out.stdout);
    let page = text(&at_work("profile", &["--limit", "1"]).stdout);
    assert!(page.contains("55 steps in all; 3 of 4 rules were looked at, 1 shown") && !page.contains("asks"), "{page}");
}

#[test]
fn a_trial_has_the_digests_that_rules_ask_for() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("list.md5"), "66d8f2ae673bd7c0e621f53219d729d3\n").unwrap();
    let path = dir.path().join("t.rules");
    fs::write(&path, "alert http any any -> any any (msg:\"the logo\"; filemd5:list.md5; sid:1;)\n").unwrap();
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/office.pcapng");
    let out = sekisho(&["rules", "test", "-q", capture, "--rules", path.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stdout));
}

const OFFICE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/office.pcapng");

#[test]
fn a_trial_shows_what_matched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.rules");
    let logo = "alert http any any -> any any (msg:\"the logo\"; http.uri; content:\"logo\"; sid:1;)\n";
    let user = "alert tcp any any -> any any (content:\"USER \"; content:\"|0d 0a|\"; distance:0; sid:2;)\n";
    fs::write(&path, [logo, user].concat()).unwrap();
    let run = |more: &[&str]| {
        let rules = ["rules", "test", "-q", OFFICE, "--rules", path.to_str().unwrap()];
        text(&sekisho(&[&rules[..], more].concat()).stdout)
    };
    let page = run(&[]);
    assert!(
        page.contains("    http.uri: /«logo».png\n") && page.contains("    payload: «USER »dave«\\r\\n»\n"),
        "{page}"
    );
    assert!(run(&["--color", "always"]).contains("/\x1b[1;31mlogo\x1b[0m.png"));
    let list: serde_json::Value = serde_json::from_str(&run(&["--format", "json"])).unwrap();
    assert_eq!(list[0]["matched"][0]["bytes"], "/logo.png");
    assert_eq!(list[0]["matched"][0]["buffer"], "http.uri");
}

#[test]
fn alerts_are_findings_of_an_audit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.rules");
    let rule = "alert http any any -> any any (msg:\"the logo\"; http.uri; content:\"logo\"; priority:1; \
                metadata:mitre_tactic_id TA0011, mitre_technique_id T1071, confidence High; sid:7;)\n";
    fs::write(&path, rule).unwrap();
    let run = |more: &[&str]| {
        sekisho(&[&["audit", "-q", OFFICE, "--rules", path.to_str().unwrap(), "--json", "-"][..], more].concat())
    };
    let out = run(&["--jobs", "1"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let page: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let all = page["findings"].as_array().unwrap();
    let found: Vec<_> = all.iter().filter(|f| f["id"] == "rule-alert").collect();
    let [finding] = found[..] else { panic!("{found:?}") };
    assert_eq!((&finding["severity"], &finding["subject"]), (&"high".into(), &"10.44.0.11".into()));
    assert_eq!((&finding["stage"], &finding["techniques"][0]), (&"c2".into(), &"T1071".into()));
    assert_eq!((&finding["key"], &finding["confidence"]), (&"1:7 the logo".into(), &0.8.into()));
    assert_eq!(finding["quotes"][0]["text"], "http.uri: /«logo».png");
    assert_eq!(finding["packets"]["samples"], serde_json::json!([68]));
    assert_eq!(run(&["--jobs", "3"]).stdout, out.stdout);
    assert_eq!(run(&["--fail-on", "high"]).status.code(), Some(3));
    assert_eq!(run(&["--fail-on", "critical"]).status.code(), Some(0));
}
