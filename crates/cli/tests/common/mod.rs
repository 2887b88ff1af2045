//! Shared by the tests that run the binary.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the binary.
pub fn sekisho<S: AsRef<OsStr>>(args: &[&str], paths: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sekisho")).args(args).args(paths).output().expect("sekisho starts")
}

/// All logs of `capture` as one text: per log a heading and its rows as Zeek JSON.
pub fn logs_of(capture: &Path, args: &[&str]) -> String {
    let dir = tempfile::tempdir().expect("tempdir");
    let mut all = vec!["logs", "-q"];
    all.extend(args);
    all.push("-o");
    let out = sekisho(&all, &[dir.path(), capture]);
    assert!(
        matches!(out.status.code(), Some(0 | 1)),
        "{}: {}",
        capture.display(),
        String::from_utf8_lossy(&out.stderr)
    );
    let mut files: Vec<_> = fs::read_dir(dir.path()).expect("logs").map(|e| e.expect("entry").path()).collect();
    files.sort();
    let mut text = String::new();
    for file in files {
        text += &format!("== {}\n", file.file_stem().unwrap_or_default().to_string_lossy());
        text += &fs::read_to_string(&file).expect("log is UTF-8");
    }
    text
}

/// Rows of one log of `capture`.
pub fn rows_of(capture: &Path, log: &str) -> Vec<serde_json::Value> {
    let text = logs_of(capture, &[]);
    let heading = format!("== {log}");
    let rows = text.lines().skip_while(|l| **l != heading).skip(1).take_while(|l| !l.starts_with("== "));
    rows.map(|l| serde_json::from_str(l).expect("a JSON object")).collect()
}

/// A JSON file.
pub fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).expect("readable")).expect("JSON")
}
