//! Rows of connections that began before the capture: in Zeek's formats as Zeek has them, elsewhere always.

mod common;

use common::{root, sekisho};
use std::fs;
use std::path::Path;

/// Runs `logs` with `flags` into a folder; gives what it says, and the lines of `file` there.
fn run(flags: &[&str], file: &str) -> (String, Vec<String>) {
    let dir = tempfile::tempdir().expect("tempdir");
    let capture = root().join("goldens/http/midstream.pcap");
    let mut all = vec!["logs"];
    all.extend(flags);
    all.push("-o");
    let out = sekisho(&all, &[dir.path(), Path::new(&capture)]);
    assert_eq!(out.status.code(), Some(0));
    let text = fs::read_to_string(dir.path().join(file)).unwrap_or_default();
    (String::from_utf8_lossy(&out.stderr).into_owned(), text.lines().map(str::to_owned).collect())
}

#[test]
fn zeeks_formats_leave_them_out_and_say_so() {
    for jobs in ["1", "2"] {
        let (said, rows) = run(&["--jobs", jobs], "http.log");
        assert!(said.contains("2 rows of connections that began before the capture"), "{said}");
        assert!(rows.len() == 1 && !rows[0].contains("midstream"), "{rows:?}");
        let (_, rows) = run(&["--jobs", jobs, "--format", "zeek"], "files.log");
        assert_eq!(rows.iter().filter(|r| !r.starts_with('#')).count(), 1);
        assert_eq!(run(&["--jobs", jobs, "-q"], "http.log").0, "");
    }
}

#[test]
fn a_flag_keeps_them() {
    let (said, rows) = run(&["--midstream"], "http.log");
    assert_eq!((said.as_str(), rows.len()), ("", 2));
    assert_eq!(rows.iter().filter(|r| r.contains("\"midstream\":true")).count(), 1);
}

#[test]
fn other_formats_and_conn_have_them() {
    let (said, rows) = run(&["--format", "ndjson"], "all.ndjson");
    let http: Vec<_> = rows.iter().filter(|r| r.contains("\"_path\":\"http\"")).collect();
    assert_eq!((said.as_str(), http.len()), ("", 2));
    let (_, conn) = run(&[], "conn.log");
    assert_eq!(conn.iter().filter(|r| r.contains("\"midstream\":true")).count(), 1);
    // Both at once: what Zeek lacks is in the other file.
    let (_, both) = run(&["--format", "ndjson,zeek-json"], "all.ndjson");
    assert_eq!(both.iter().filter(|r| r.contains("\"_path\":\"http\"")).count(), 2);
}
