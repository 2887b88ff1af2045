//! Parquet through the binary, and the published schema. What is in the files is read back by the tests of
//! `sekisho-output` and by `cargo xtask parquet-check`.

mod common;

use common::{root, sekisho};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Names and bytes of the files in `dir`.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(dir).expect("folder").map(|e| e.expect("entry").path());
    let name = |p: &Path| p.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut all: Vec<_> = entries.map(|p| (name(&p), fs::read(&p).expect("readable"))).collect();
    all.sort();
    all
}

#[test]
fn beside_other_formats_in_a_folder_of_its_own() {
    let capture = root().join("examples/office.pcapng");
    let dir = tempfile::tempdir().expect("tempdir");
    let out = sekisho(&["logs", "-q", "--format", "parquet,zeek", "-o"], &[dir.path(), &capture]);
    assert!(out.status.success());
    let stems = |sub: &str| -> Vec<String> {
        files(&dir.path().join(sub)).iter().map(|(name, _)| name.split('.').next().unwrap_or("").to_owned()).collect()
    };
    assert_eq!(stems("parquet"), stems("zeek"));
    for (name, bytes) in files(&dir.path().join("parquet")) {
        assert!(name.ends_with(".parquet") && bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{name}");
    }
}

#[test]
fn no_stream_to_standard_output() {
    let capture = root().join("examples/office.pcapng");
    for formats in ["parquet", "parquet,ndjson"] {
        let out = sekisho(&["logs", "--format", formats, "-o", "-"], &[&capture]);
        assert_eq!(out.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&out.stderr).contains("a Parquet file holds one log"));
        assert!(out.stdout.is_empty());
    }
}

#[test]
fn an_interrupted_run_leaves_no_file_under_its_name() {
    let capture = fs::read(root().join("examples/ctf-ftp.pcap")).expect("example");
    let dir = tempfile::tempdir().expect("tempdir");
    let mut run = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(["logs", "-q", "--format", "parquet", "-o"])
        .args([dir.path(), Path::new("-")])
        .stdin(Stdio::piped())
        .spawn()
        .expect("sekisho starts");
    let mut input = run.stdin.take().expect("stdin");
    input.write_all(&capture[..capture.len() / 2]).expect("fed");
    run.kill().expect("killed");
    run.wait().expect("gone");
    drop(input);
    assert!(files(dir.path()).iter().all(|(name, _)| !name.ends_with(".parquet")));
}

#[test]
fn a_failed_run_leaves_nothing_half_written() {
    let capture = root().join("examples/office.pcapng");
    let dir = tempfile::tempdir().expect("tempdir");
    // A folder stands where a log should.
    fs::create_dir(dir.path().join("dns.parquet")).expect("folder");
    let out = sekisho(&["logs", "-q", "--format", "parquet", "-o"], &[dir.path(), &capture]);
    assert_eq!(out.status.code(), Some(2));
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains("dns.parquet"), "{said}");
    let entries = fs::read_dir(dir.path()).expect("folder").map(|e| e.expect("entry").file_name());
    assert!(entries.into_iter().all(|name| !name.to_string_lossy().ends_with(".part")));
}

fn schema(args: &[&str]) -> String {
    let mut all = vec!["schema"];
    all.extend(args);
    let out = sekisho::<&str>(&all, &[]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("UTF-8")
}

#[test]
fn schema_for_some_logs_or_all() {
    let reference = fs::read_to_string(root().join("docs/reference/logs.md")).expect("reference page");
    assert!(schema(&["--format", "markdown"]) == reference);
    let two = schema(&["--format", "zeek", "http", "conn"]);
    let paths: Vec<_> = two.lines().filter_map(|l| l.strip_prefix("#path\t")).collect();
    assert_eq!(paths, ["conn", "http"]);
    assert!(schema(&["--format", "parquet", "dns"]).starts_with("message dns {\n  optional int64 ts (TIMESTAMP"));
    let out = sekisho::<&str>(&["schema", "nosuch"], &[]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains(" conn "));
}

/// Does `value` satisfy what `schema` says? As far as the project's schema goes.
fn satisfies(value: &Value, schema: &Value) -> bool {
    let is = |name: &str| match name {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("type {other}"),
    };
    let of_type = match &schema["type"] {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|n| n.as_str().is_some_and(is)),
        _ => true,
    };
    let number = |limit: &str| schema[limit].as_f64();
    let in_range = value.as_f64().is_none_or(|v| {
        number("minimum").is_none_or(|least| v >= least) && number("maximum").is_none_or(|most| v <= most)
    });
    let any = schema["anyOf"].as_array().is_none_or(|all| all.iter().any(|s| satisfies(value, s)));
    let items = value.as_array().is_none_or(|all| all.iter().all(|item| satisfies(item, &schema["items"])));
    let members = value
        .as_object()
        .is_none_or(|all| all.iter().all(|(name, v)| schema["properties"].get(name).is_some_and(|s| satisfies(v, s))));
    of_type && in_range && any && items && members
}

#[test]
fn rows_satisfy_the_published_schema() {
    let whole: Value = serde_json::from_str(&schema(&[])).expect("JSON");
    let dir = tempfile::tempdir().expect("tempdir");
    let inputs = [dir.path().to_owned(), root().join("examples"), root().join("goldens")];
    let out = sekisho(&["logs", "-q", "--stats", "-o"], &inputs);
    assert!(matches!(out.status.code(), Some(0 | 1)));
    let (mut rows, mut logs) = (0, 0);
    for (name, bytes) in files(dir.path()) {
        let log = name.strip_suffix(".log").expect("a log");
        let definition = &whole["$defs"][log];
        assert!(definition.is_object(), "{log}");
        logs += 1;
        for line in String::from_utf8(bytes).expect("UTF-8").lines() {
            let row: Value = serde_json::from_str(line).expect("JSON");
            assert!(satisfies(&row, definition), "{log}: {line}");
            rows += 1;
        }
    }
    assert!(rows > 200 && logs > 8, "{rows} rows of {logs} logs");
}
