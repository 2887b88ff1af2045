//! Shared by the tests that run the binary.
#![allow(dead_code, reason = "each test file uses some of it")]

use sekisho_testkit::{Timestamp, pcap};
use std::collections::BTreeMap;
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

/// Every file below `dir`, by name.
pub fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).expect("readable");
                all.insert(path.strip_prefix(dir).expect("below").to_owned(), bytes);
            }
        }
    }
    all
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

/// A packet's time and bytes, one after the other.
pub type Frames = Vec<(Timestamp, Vec<u8>)>;

/// The page that `audit` makes of these packets of Ethernet, in the order of their times; the same findings for any number of
/// threads.
pub fn audited(frames: &[Frames]) -> serde_json::Value {
    const ETHERNET: u32 = 1;
    let mut frames = frames.concat();
    frames.sort_by_key(|f| f.0);
    let dir = tempfile::tempdir().expect("tempdir");
    let path = dir.path().join("scene.pcap");
    fs::write(&path, pcap(ETHERNET, &frames)).expect("written");
    let audit = |jobs: &str| -> serde_json::Value {
        let out = sekisho(&["audit", "-q", "--jobs", jobs, "--json", "-"], &[&path]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).expect("JSON")
    };
    let page = audit("1");
    assert_eq!(page["findings"], audit("3")["findings"], "threads change nothing");
    page
}

/// `audit` with these arguments, without progress and colours.
pub fn audit(args: &[&str]) -> Output {
    sekisho::<&str>(&[&["audit", "-q", "--color", "never"], args].concat(), &[])
}

/// The page in JSON of `audit` with these arguments.
pub fn page(args: &[&str]) -> serde_json::Value {
    let out = audit(&[&["--json", "-"], args].concat());
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("JSON")
}
