//! EVE: every line is what its readers expect, and other formats don't notice.

mod common;

use common::{root, sekisho};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn captures() -> Vec<PathBuf> {
    sekisho_testkit::stored_captures(&["goldens", "examples"])
}

/// Members of every event, with their types; `?`: not in all.
const HEAD: &[(&str, &str)] = &[
    ("timestamp", "string"),
    ("event_type", "string"),
    ("flow_id?", "number"),
    ("parent_id?", "number"),
    ("pcap_cnt?", "number"),
    ("tx_id?", "number"),
    ("vlan?", "array"),
    ("src_ip?", "string"),
    ("src_port?", "number"),
    ("dest_ip?", "string"),
    ("dest_port?", "number"),
    ("proto?", "string"),
    ("ip_v?", "number"),
    ("icmp_type?", "number"),
    ("icmp_code?", "number"),
    ("response_icmp_type?", "number"),
    ("response_icmp_code?", "number"),
    ("pkt_src?", "string"),
    ("app_proto?", "string"),
    ("app_proto_orig?", "string"),
    ("direction?", "string"),
    ("metadata?", "object"),
];

/// Members of events that are no protocol's own.
const OWN: &[(&str, &[(&str, &str)])] = &[
    (
        "flow",
        &[
            ("pkts_toserver", "number"),
            ("pkts_toclient", "number"),
            ("bytes_toserver", "number"),
            ("bytes_toclient", "number"),
            ("start", "string"),
            ("end", "string"),
            ("age", "number"),
            ("state", "string"),
            ("bypass?", "string"),
            ("reason", "string"),
            ("alerted", "bool"),
            ("action?", "string"),
            ("tx_cnt?", "number"),
        ],
    ),
    (
        "fileinfo",
        &[
            ("filename?", "string"),
            ("gaps", "bool"),
            ("state", "string"),
            ("stored", "bool"),
            ("size", "number"),
            ("start?", "number"),
            ("end?", "number"),
            ("tx_id?", "number"),
        ],
    ),
    (
        "alert",
        &[
            ("action", "string"),
            ("gid", "number"),
            ("signature_id", "number"),
            ("rev", "number"),
            ("signature", "string"),
            ("category", "string"),
            ("severity", "number"),
            ("metadata?", "object"),
        ],
    ),
    ("anomaly", &[("app_proto?", "string"), ("type", "string"), ("event", "string"), ("layer?", "string")]),
];

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// `all`: there are no others.
fn check(what: &str, value: &Value, members: &[(&str, &str)], all: bool) {
    let object = value.as_object().unwrap_or_else(|| panic!("{what}: no object: {value}"));
    for (name, want) in members {
        let bare = name.trim_end_matches('?');
        match object.get(bare) {
            Some(value) => assert_eq!(kind(value), *want, "{what}: {bare}"),
            None => assert!(name.ends_with('?'), "{what}: {bare} is missing in {value}"),
        }
    }
    for name in object.keys().filter(|_| all) {
        let known = members.iter().any(|(m, _)| m.trim_end_matches('?') == name);
        assert!(known, "{what}: {name} is unknown");
    }
}

fn check_line(line: &str) {
    let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    check("event", &event, HEAD, false);
    let of = event["event_type"].as_str().unwrap();
    assert!(event.get(of).is_some() || of == "ftp_data" || of == "packet", "{line}");
    if let Some((_, members)) = OWN.iter().find(|(name, _)| *name == of) {
        check(of, &event[of], members, true);
    }
    if let Some(id) = event.get("flow_id") {
        assert!(id.as_u64().is_some_and(|id| id > 0 && id < 1 << 53), "{line}");
    }
}

#[test]
fn every_line_over_the_goldens_has_its_members() {
    let mut count = 0;
    for capture in captures() {
        let out = sekisho(&["logs", "-q", "--format", "eve", "-o", "-"], &[&capture]);
        assert!(matches!(out.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8(out.stdout).expect("UTF-8");
        text.lines().for_each(check_line);
        count += text.lines().count();
    }
    assert!(count > 500, "{count}");
}

/// The rows of a log, in order of their text.
fn rows(dir: &Path, log: &str) -> Vec<String> {
    let text = fs::read_to_string(dir.join(log)).unwrap_or_default();
    let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
    rows.sort();
    rows
}

#[test]
fn other_formats_have_the_same_rows_beside_eve() {
    for capture in captures() {
        let (alone, beside) = (tempfile::tempdir().expect("tempdir"), tempfile::tempdir().expect("tempdir"));
        sekisho(&["logs", "-q", "-o"], &[alone.path(), &capture]);
        sekisho(&["logs", "-q", "--format", "zeek-json,eve", "-o"], &[beside.path(), &capture]);
        for entry in fs::read_dir(alone.path()).expect("folder") {
            let name = entry.expect("entry").file_name().into_string().expect("UTF-8");
            let (want, got) = (rows(alone.path(), &name), rows(beside.path(), &name));
            let differ = want.iter().zip(&got).find(|(a, b)| a != b);
            assert!(want == got, "{}, {name}: {differ:#?}", capture.display());
        }
    }
}

#[test]
fn rules_alert_in_eve_and_fast() {
    let dir = tempfile::tempdir().expect("tempdir");
    let rules = dir.path().join("own.rules");
    fs::write(
        &rules,
        "alert dns any any -> any 53 (msg:\"a question\"; dns.query; content:\".\"; sid:7; rev:2; metadata:kind own;)\n\
         alert tcp any any -> any any (msg:\"a SYN\"; flags:S; sid:8;)\n",
    )
    .expect("written");
    let out = dir.path().join("out");
    let run = sekisho(
        &["logs", "-q", "--format", "eve", "--rules", rules.to_str().expect("UTF-8"), "-o"],
        &[&out, &root().join("examples/office.pcapng")],
    );
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = fs::read_to_string(out.join("eve.json")).expect("eve.json");
    text.lines().for_each(check_line);
    let alerts: Vec<Value> = text
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok())
        .filter(|e| e["event_type"] == "alert")
        .collect();
    let of = |sid: u64| alerts.iter().filter(move |a| a["alert"]["signature_id"] == sid).collect::<Vec<_>>();
    let (dns, syn) = (of(7), of(8));
    assert!(!dns.is_empty() && !syn.is_empty());
    for alert in &dns {
        assert_eq!((&alert["dest_port"], &alert["app_proto"]), (&53.into(), &"dns".into()));
        assert_eq!((&alert["alert"]["rev"], &alert["direction"]), (&2.into(), &"to_server".into()));
        assert_eq!(alert["alert"]["metadata"]["kind"], serde_json::json!(["own"]));
        assert!(alert["dns"].is_object() && alert["tx_id"].is_u64() && alert["flow"]["pkts_toserver"].is_u64());
    }
    assert!(syn.iter().all(|a| a["proto"] == "TCP" && a.get("tx_id").is_none()));
    let one = sekisho(
        &["logs", "-q", "--format", "eve", "--rules", rules.to_str().expect("UTF-8"), "-o", "-"],
        &[&root().join("examples/office.pcapng")],
    );
    assert_eq!(String::from_utf8(one.stdout).expect("UTF-8"), text, "one stream, without the short lines");
    let fast = fs::read_to_string(out.join("fast.log")).expect("fast.log");
    assert_eq!(fast.lines().count(), alerts.len());
    assert!(fast.lines().any(|l| l.contains("[1:7:2] a question [**]") && l.contains("{UDP}")), "{fast}");
}

#[test]
fn rules_need_eve() {
    let dir = tempfile::tempdir().expect("tempdir");
    let rules = dir.path().join("own.rules");
    fs::write(&rules, "alert ip any any -> any any (msg:\"x\"; sid:1;)\n").expect("written");
    let run = sekisho(
        &["logs", "--rules", rules.to_str().expect("UTF-8"), "-o"],
        &[dir.path(), &root().join("examples/office.pcapng")],
    );
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stderr).contains("--format eve"));
}
