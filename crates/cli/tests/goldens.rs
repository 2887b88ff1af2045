//! Capture in, whole logs out. `cargo xtask bless` rewrites the expectations; then read the diff.

mod common;

use common::{logs_of, root, sekisho};
use std::fs;
use std::path::{Path, PathBuf};

/// Every capture below goldens/.
fn captures(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("goldens") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            captures(&path, out);
        } else if path.extension().is_some_and(|e| e == "pcap" || e == "pcapng") {
            out.push(path);
        }
    }
    out.sort();
}

#[test]
fn golden_logs() {
    let mut all = Vec::new();
    captures(&root().join("goldens"), &mut all);
    assert!(!all.is_empty(), "no goldens");
    let bless = std::env::var_os("SEKISHO_BLESS").is_some();
    let mut wrong = Vec::new();
    for capture in all {
        let got = logs_of(&capture, &["--midstream"]);
        let expected = capture.with_extension("out");
        if bless {
            fs::write(&expected, got).expect("write golden");
        } else if fs::read_to_string(&expected).unwrap_or_default() != got {
            let shown = first_difference(&fs::read_to_string(&expected).unwrap_or_default(), &got);
            wrong.push(format!("{}:\n{shown}", capture.display()));
        }
    }
    assert!(wrong.is_empty(), "goldens differ; `cargo xtask bless` and read the diff\n{}", wrong.join("\n"));
}

fn first_difference(want: &str, got: &str) -> String {
    let (mut w, mut g) = (want.lines(), got.lines());
    loop {
        match (w.next(), g.next()) {
            (None, None) => return "only line ends differ".to_owned(),
            (a, b) if a != b => return format!("  - {}\n  + {}", a.unwrap_or("(end)"), b.unwrap_or("(end)")),
            _ => {}
        }
    }
}

#[test]
fn a_second_run_is_identical() {
    let capture = root().join("examples/office.pcapng");
    assert_eq!(logs_of(&capture, &[]), logs_of(&capture, &[]));
}

#[test]
fn reference_page_is_current() {
    let told = sekisho::<&str>(&["schema", "--format", "markdown"], &[]);
    let page = String::from_utf8(told.stdout).expect("text");
    let path = root().join("docs/reference/logs.md");
    if std::env::var_os("SEKISHO_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("parent")).expect("docs");
        fs::write(&path, &page).expect("write reference");
    }
    let current = fs::read_to_string(&path).unwrap_or_default() == page;
    assert!(current, "docs/reference/logs.md is out of date: run `cargo xtask bless`");
}

#[test]
fn every_format_has_the_same_rows() {
    let capture = root().join("examples/office.pcapng");
    let dir = tempfile::tempdir().expect("tempdir");
    let out = sekisho(&["logs", "-q", "--format", "zeek,zeek-json,ndjson", "-o"], &[dir.path(), &capture]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let rows = |path: PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().filter(|l| !l.starts_with('#')).count()
    };
    let mut total = 0;
    for entry in fs::read_dir(dir.path().join("zeek-json")).expect("zeek-json") {
        let name = entry.expect("entry").file_name();
        let json = rows(dir.path().join("zeek-json").join(&name));
        assert_eq!(json, rows(dir.path().join("zeek").join(&name)), "{name:?}");
        total += json;
    }
    assert!(total > 50, "{total} rows");
    assert_eq!(total, rows(dir.path().join("all.ndjson")));
}
