//! `logs --judge`: the logs are those of `logs`, the notices those findings that `audit` has.

mod common;

use common::{files, root, sekisho};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

/// Every file of a run of `logs`, by its path below the folder.
fn logs(capture: &Path, args: &[&str]) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().expect("tempdir");
    let mut all = vec!["logs", "-q", "--hash", "sha256"];
    all.extend(args);
    all.push("-o");
    let out = sekisho(&all, &[dir.path(), capture]);
    assert!(matches!(out.status.code(), Some(0 | 1)), "{}: {}", capture.display(), said(&out));
    let text = |bytes| String::from_utf8(bytes).expect("text");
    files(dir.path()).into_iter().map(|(name, bytes)| (name.to_string_lossy().into_owned(), text(bytes))).collect()
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// What tells findings apart, of notices and of the audit's JSON.
fn identity(row: &Value, code: &str, host: &str, count: &str) -> String {
    format!("{} {} {} {} {}", row[code], row[host], row["key"].as_str().unwrap_or(""), row["severity"], row[count])
}

#[test]
fn notices_are_the_findings_of_an_audit_and_logs_stay_as_they_are() {
    let (mut rows, mut with_flow) = (0, 0);
    for capture in sekisho_testkit::stored_captures(&["goldens", "examples"]) {
        let plain = logs(&capture, &["--jobs", "1"]);
        let mut judged = logs(&capture, &["--jobs", "1", "--judge"]);
        let notices = judged.remove("notice.log").unwrap_or_default();
        assert!(plain == judged, "{}: logs differ", capture.display());
        let notices: Vec<Value> = notices.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
        let audit = sekisho(&["audit", "-q", "--json", "-"], &[&capture]);
        let page: Value = serde_json::from_slice(&audit.stdout).expect("JSON");
        let findings = page["findings"].as_array().expect("findings");
        let mut told: Vec<String> = notices.iter().map(|n| identity(n, "code", "src", "n")).collect();
        let mut found: Vec<String> = findings.iter().map(|f| identity(f, "code", "subject", "count")).collect();
        told.sort();
        found.sort();
        assert_eq!(told, found, "{}", capture.display());
        for notice in &notices {
            let flow = notice.get("uid").and_then(Value::as_str);
            let ends = notice.get("id.orig_h").is_some();
            let conns = plain.get("conn.log").map_or("", String::as_str);
            let known = flow.is_some_and(|uid| conns.contains(&format!("\"uid\":\"{uid}\"")));
            assert_eq!(ends, known, "{}: {notice}", capture.display());
            rows += 1;
            with_flow += u32::from(ends);
        }
    }
    assert!(rows > 60 && with_flow > 40, "{rows} {with_flow}");
}

#[test]
fn every_format_has_them_for_any_number_of_threads() {
    let capture = root().join("examples/office.pcapng");
    let formats = ["--judge", "--format", "zeek,zeek-json,ndjson,eve"];
    let one = logs(&capture, &[&formats[..], &["--jobs", "1"]].concat());
    let three = logs(&capture, &[&formats[..], &["--jobs", "3"]].concat());
    assert!(one == three, "three threads write something else");
    let json = one["zeek-json/notice.log"].lines().count();
    let text = &one["zeek/notice.log"];
    let body = text.lines().filter(|l| !l.starts_with('#')).count();
    let stream = one["all.ndjson"].lines().filter(|l| l.contains("\"_path\":\"notice\"")).count();
    assert!(json > 0 && json == body && json == stream, "{json} {body} {stream}");
    let fields: Vec<&str> = text.lines().find(|l| l.starts_with("#fields")).expect("header").split('\t').collect();
    let types: Vec<&str> = text.lines().find(|l| l.starts_with("#types")).expect("header").split('\t').collect();
    let kind = |name: &str| types[fields.iter().position(|f| *f == name).expect(name)];
    assert_eq!(
        ["ts", "uid", "note", "msg", "src", "p", "n", "actions", "suppress_for"].map(kind),
        ["time", "string", "enum", "string", "addr", "port", "count", "set[enum]", "interval"]
    );
    assert!(one["eve.json"].lines().count() > 10);
}

#[test]
fn what_cannot_be_is_said() {
    let capture = root().join("examples/office.pcapng");
    let dir = tempfile::tempdir().expect("tempdir");
    for (args, want) in
        [(&["logs", "--resolver", "192.0.2.1"][..], "--judge"), (&["logs", "--judge", "--format", "eve"], "eve")]
    {
        let out = sekisho(&[args, &["-o"]].concat(), &[dir.path(), &capture]);
        assert!(out.status.code() == Some(2) && said(&out).contains(want), "{args:?}: {}", said(&out));
        assert_eq!(said(&out).lines().count(), 1);
    }
    assert_eq!(fs::read_dir(dir.path()).expect("folder").count(), 0, "nothing was written");
}

#[test]
fn mutes_and_lists_reach_the_judges() {
    let capture = root().join("examples/office.pcapng");
    let dir = tempfile::tempdir().expect("tempdir");
    let before = logs(&capture, &["--judge"]);
    let first: Value = serde_json::from_str(before["notice.log"].lines().next().expect("a row")).expect("JSON");
    let id = first["note"].as_str().and_then(|n| n.strip_prefix("Sekisho::")).expect("a note").to_owned();
    let mutes = dir.path().join("mutes");
    fs::write(&mutes, format!("{id} host=any until=2100-01-01 kind=expected reason=\"known and agreed to\"\n"))
        .expect("write");
    let after = logs(&capture, &["--judge", "--mutes", mutes.to_str().expect("path")]);
    let muted = after["notice.log"].lines().filter(|l| l.contains("known and agreed to")).count();
    assert!(muted > 0 && after["notice.log"].lines().count() == before["notice.log"].lines().count());
}
