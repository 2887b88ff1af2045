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
fn the_run_itself_is_told_of() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (rules, config) = (dir.path().join("own.rules"), dir.path().join("own.yaml"));
    let text = "alert dns any any -> any 53 (msg:\"q\"; dns.query; content:\".\"; sid:7;)\n\
                alert tcp any any -> any any (flags:S; noalert; sid:8;)\nalert tcp any any -> any any (nothing; sid:9;)\n";
    fs::write(&rules, text).expect("written");
    let yaml = "stats: {interval: 60}\noutputs:\n- eve-log:\n    types: [stats, alert, flow, {dns: {version: 3}}]\n";
    fs::write(&config, yaml).expect("written");
    let (rules, config) = (rules.to_str().expect("UTF-8"), config.to_str().expect("UTF-8"));
    let run = |jobs: &str| {
        let args =
            ["logs", "-q", "--format", "eve", "--rules", rules, "--suricata-config", config, "--jobs", jobs, "-o", "-"];
        let run = sekisho(&args, &[&root().join("examples/office.pcapng")]);
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).expect("UTF-8")
    };
    let text = run("1");
    assert_eq!(run("2"), text, "however many threads there are");
    let events: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let count = |kind: &str| events.iter().filter(|e| e["event_type"] == kind).count() as u64;
    let last = events.last().expect("an event");
    assert_eq!(last["event_type"], "stats");
    let stats = &last["stats"];
    assert_eq!(stats["detect"]["engines"][0]["rules_loaded"], 2);
    assert_eq!(stats["detect"]["engines"][0]["rules_failed"], 1);
    assert_eq!(stats["detect"]["alert"], count("alert"));
    assert_eq!((&stats["flow"]["total"], &stats["flow"]["active"]), (&count("flow").into(), &0.into()));
    assert!(stats["tcp"]["syn"].as_u64() > Some(0) && stats["detect"]["alerts_suppressed"].is_u64());
    let decoder = &stats["decoder"];
    assert_eq!(decoder["pkts"], decoder["ethernet"]);
    assert!(decoder["ipv4"].as_u64() > Some(0) && decoder["max_pkt_size"].as_u64() <= Some(65_535), "{decoder}");
    let with_dns =
        events.iter().filter(|e| e["event_type"] == "flow" && e["app_proto"] == "dns" && e["proto"] == "UDP");
    assert_eq!(stats["app_layer"]["flow"]["dns_udp"], with_dns.count() as u64);
    // Without a word of it there is none.
    let run = sekisho(&["logs", "-q", "--format", "eve", "-o", "-"], &[&root().join("examples/office.pcapng")]);
    assert!(!String::from_utf8(run.stdout).expect("UTF-8").contains("\"event_type\":\"stats\""));
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
