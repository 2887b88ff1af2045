//! The examples against their truth files, which come from the servers and clients, not from packets.

mod common;

use common::{json, root, rows_of, sekisho};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn office() -> (PathBuf, Value) {
    let dir = root().join("examples");
    (dir.join("office.pcapng"), json(&dir.join("office.truth.json")))
}

fn text<'a>(v: &'a Value, key: &str) -> &'a str {
    v[key].as_str().unwrap_or("")
}

/// Every entry of the truth's `key` has a row that `fits`.
fn all_found(truth: &Value, key: &str, rows: &[Value], fits: impl Fn(&Value, &Value) -> bool) {
    let wanted = truth[key].as_array().expect("a list in the truth");
    assert!(!wanted.is_empty(), "{key}");
    for want in wanted {
        assert!(rows.iter().any(|row| fits(want, row)), "no row for {key} {want}");
    }
}

#[test]
fn office_names_and_requests() {
    let (capture, truth) = office();
    all_found(&truth, "dns", &rows_of(&capture, "dns"), |w, r| {
        ["query", "qtype", "rcode"].iter().zip(["query", "qtype_name", "rcode_name"]).all(|(a, b)| w[*a] == r[b])
            && w["client"] == r["id.orig_h"]
    });
    all_found(&truth, "http", &rows_of(&capture, "http"), |w, r| {
        w["client"] == r["id.orig_h"]
            && ["host", "method", "uri"].iter().all(|k| w[*k] == r[*k])
            && w["status"] == r["status_code"]
    });
    all_found(&truth, "tls", &rows_of(&capture, "ssl"), |w, r| {
        w["client"] == r["id.orig_h"] && w["server_name"] == r["server_name"] && w["version"] == r["version"]
    });
}

#[test]
fn office_certificates() {
    let (capture, truth) = office();
    let rows = rows_of(&capture, "x509");
    for cert in truth["certificates"].as_array().expect("list") {
        // TLS 1.3 hides its certificate.
        let visible = text(cert, "name") != "new";
        let row = rows.iter().find(|r| r["fingerprint"] == cert["sha256"]);
        assert_eq!(row.is_some(), visible, "{cert}");
        if let Some(row) = row {
            assert!(text(row, "certificate.subject").contains(text(cert, "subject_cn")));
            assert_eq!(row["certificate.not_valid_after"].as_f64(), cert["not_valid_after"].as_f64());
        }
    }
    let of = |name: &str| {
        let ssl = rows_of(&capture, "ssl");
        ssl.iter()
            .find(|r| r["server_name"] == name)
            .map(|r| text(r, "validation_status").to_owned())
            .unwrap_or_default()
    };
    assert_eq!(of("self.shop.test"), "self signed certificate");
    assert_ne!(of("old.shop.test"), "ok");
}

#[test]
fn office_sessions() {
    let (capture, truth) = office();
    all_found(&truth, "ftp", &rows_of(&capture, "ftp"), |w, r| {
        w["user"] == r["user"] && w["command"] == r["command"] && text(r, "arg").ends_with(text(w, "name"))
    });
    all_found(&truth, "ssh", &rows_of(&capture, "ssh"), |w, r| {
        w["client"] == r["id.orig_h"] && w["success"] == r["auth_success"]
    });
    all_found(&truth, "mails", &rows_of(&capture, "smtp"), |w, r| {
        w["client"] == r["id.orig_h"] && w["from"] == r["mailfrom"] && r["rcptto"].to_string().contains(text(w, "to"))
    });
}

#[test]
fn office_files_come_out_whole() {
    let (capture, truth) = office();
    let dir = tempfile::tempdir().expect("tempdir");
    let out = sekisho(&["files", "-q", "-o"], &[dir.path(), &capture]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let index = fs::read_to_string(dir.path().join("index.ndjson")).expect("index");
    let entries: Vec<Value> = index.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    all_found(&truth, "files", &entries, |w, e| w["sha256"] == e["sha256"] && w["size"] == e["size"]);
    for e in &entries {
        let content = fs::read(dir.path().join(text(e, "path"))).expect("the file is there");
        assert_eq!(Some(content.len() as u64), e["size"].as_u64());
    }
}

#[test]
fn ctf_half_a_conversation_gives_the_file() {
    let dir = root().join("examples");
    let truth = json(&dir.join("ctf-ftp.truth.json"));
    let out_dir = tempfile::tempdir().expect("tempdir");
    let out = sekisho(&["files", "-q", "-o"], &[out_dir.path(), &dir.join("ctf-ftp.pcap")]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let index = fs::read_to_string(out_dir.path().join("index.ndjson")).expect("index");
    let want = &truth["file"];
    let found = index.lines().map(|l| serde_json::from_str::<Value>(l).expect("JSON")).any(|e| {
        e["sha256"] == want["sha256"] && e["name"] == want["name"] && e["size"] == want["size"] && e["complete"] == true
    });
    assert!(found, "{index}");
    let rows = rows_of(&dir.join("ctf-ftp.pcap"), "ftp");
    assert!(rows.iter().any(|r| r["command"] == "RETR" && r["one_sided"].is_string()), "{rows:?}");
}

#[test]
fn reads_standard_input_and_packed_captures() {
    let (capture, _) = office();
    let plain = common::logs_of(&capture, &[]);
    let dir = tempfile::tempdir().expect("tempdir");
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(["logs", "-q", "--format", "ndjson", "-o", "-", "-"])
        .stdin(fs::File::open(&capture).expect("capture"))
        .output()
        .expect("runs");
    assert!(out.status.success());
    let streamed = String::from_utf8(out.stdout).expect("UTF-8");
    assert_eq!(streamed.lines().count(), plain.lines().filter(|l| !l.starts_with("== ")).count());
    let mut logs = BTreeSet::new();
    for line in streamed.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        logs.insert(text(&row, "_path").to_owned());
    }
    assert!(logs.contains("conn") && logs.contains("http"), "{logs:?}");
    drop(dir);
}

#[test]
fn a_cut_capture_gives_everything_before_the_cut() {
    let (capture, _) = office();
    let bytes = fs::read(&capture).expect("capture");
    let dir = tempfile::tempdir().expect("tempdir");
    let cut = dir.path().join("cut.pcapng");
    fs::write(&cut, &bytes[..bytes.len() / 2 + 5]).expect("write");
    let out = sekisho(&["logs", "-q", "-o"], &[&dir.path().join("logs"), &cut]);
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("cut.pcapng"), "{said}");
    let rows = fs::read_to_string(dir.path().join("logs/conn.log")).expect("conn.log");
    assert!(rows.lines().count() > 10);
}

#[test]
fn a_filter_narrows_what_is_counted() {
    let (capture, _) = office();
    let out = sekisho(&["audit", "--filter", "udp and port 53", "--json", "-"], &[capture]);
    let page: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let packets = page["totals"]["packets"].as_u64().expect("a count");
    let udp = page["totals"]["transports"][0]["packets"].as_u64().expect("a count");
    assert!(packets > 0 && packets == udp, "{packets} {udp}");
}

#[test]
fn usage_errors_are_one_line_and_exit_2() {
    let dir = tempfile::tempdir().expect("tempdir");
    let missing = dir.path().join("nothing.pcap");
    let out = sekisho(&["logs", "-o"], &[&dir.path().join("logs"), &missing]);
    assert_eq!(out.status.code(), Some(2));
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("nothing.pcap"), "{said}");
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
    assert_eq!(sekisho(&["logs", "--nonsense"], &[&missing]).status.code(), Some(2));
}
