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
